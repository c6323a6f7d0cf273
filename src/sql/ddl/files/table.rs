//! Tables: made from a file, and brought to what their file says.

use std::sync::Arc;

use super::column::Columns;
use super::{Work, at, managed};
use crate::error::Result;
use crate::registry::Relation;
use crate::registry::draft::{NewColumn, NewTable, OnCommit};
use crate::registry::files::{FileColumn, FileTable, Place};
use crate::tree::{AlterTable, ObjectKind};
use crate::types::name::parse_type;
use crate::types::{Oid, PgType, TypeLookup, UserTypeInfo};

impl Work<'_> {
    pub(super) fn create(&mut self, file: &FileTable) -> Result<()> {
        self.does(&file.place, format!("create table {}.{}", file.namespace, file.name));
        let draft = self.draft(file)?;
        self.planner.managed_as = managed(&file.place);
        self.planner.create_table(&draft, false, &[])?;
        let mut table = self.planner.own_table(&file.namespace, &file.name)?;
        self.describe(file, &mut table)?;
        for sequence in self.planner.owned_sequences(table.oid) {
            if sequence.owner != table.owner {
                self.planner.put_relation(Relation { owner: table.owner, ..(*sequence).clone() });
            }
        }
        self.planner.put_relation(table.clone());
        for index in &file.indexes {
            let new = super::constraint::index_of(index, &table);
            self.planner.create_index((&file.namespace, &file.name), index.name.as_ref(), &new, (false, false))?;
        }
        Ok(())
    }

    fn draft(&self, file: &FileTable) -> Result<NewTable> {
        let columns = file.columns.iter().map(|c| self.draft_column(file, c)).collect::<Result<Vec<_>>>()?;
        Ok(NewTable {
            namespace: file.namespace.clone(),
            name: file.name.clone(),
            temporary: false,
            unlogged: false,
            columns,
            constraints: file.constraints.iter().map(|c| c.constraint.clone()).collect(),
            on_commit: OnCommit::PreserveRows,
            partitioning: Default::default(),
            options: Vec::new(),
        })
    }

    pub(super) fn draft_column(&self, file: &FileTable, column: &FileColumn) -> Result<NewColumn> {
        Ok(NewColumn {
            name: column.name.clone(),
            ty: self.column_type(file, column).map_err(|e| at(&file.place.at(column.at), e))?,
            collation: 0,
            not_null: column.not_null,
            default: column.default.clone(),
            generated: column.generated.clone(),
            sequence: column.sequence,
            sequence_options: None,
        })
    }

    /// A column's type: an enum's bare name means the one in the table's namespace first.
    pub(super) fn column_type(&self, file: &FileTable, column: &FileColumn) -> Result<PgType> {
        parse_type(&column.ty, &InNamespace(&self.planner.after, &file.namespace))
    }

    /// What a file says of a table beside its structure.
    fn describe(&self, file: &FileTable, table: &mut Relation) -> Result<()> {
        let owner = self.owner(file.owner.as_ref())?;
        if table.owner != owner {
            table.acl = crate::sql::ddl::grant::change_owner(&table.acl, table.owner, owner);
        }
        table.owner = owner;
        table.comment = file.comment.clone();
        table.on_conflict = file.on_conflict;
        table.managed = managed(&file.place);
        for column in &mut table.columns {
            let said = file.columns.iter().find(|c| c.name == column.name);
            column.comment = said.and_then(|c| c.comment.clone());
        }
        Ok(())
    }

    /// Brings a table that is there to what its file says, but for foreign keys.
    pub(super) fn alter(&mut self, file: &FileTable) -> Result<()> {
        let Some(found) = self.existing(file) else { return Ok(()) };
        let name = format!("{}.{}", file.namespace, file.name);
        let mut columns = Columns::default();
        let first = self.changes.len();
        self.drop_constraints(file, &found, &mut columns.actions);
        self.columns(file, &found, &mut columns)?;
        self.add_constraints(file, &found, &mut columns);
        if !columns.is_empty() {
            self.planner.managed_as = managed(&file.place);
            let key = (&file.namespace, &file.name);
            let before = self.changes[first..].to_vec();
            if !self.attempt(first, |planner| columns.carry_out(planner, key, None)) {
                // Change by change, to see which of them cannot be.
                self.changes.truncate(first);
                self.changes.extend(before);
                for change in first..self.changes.len() {
                    let rest = self.changes.split_off(change + 1);
                    self.attempt(change, |planner| columns.carry_out(planner, key, Some(change)));
                    self.changes.extend(rest);
                }
            }
            self.restart(&columns.sequences, file);
        }
        self.indexes(file);
        self.redescribe(file, &name)
    }

    /// Comments, owner and the place in the file.
    fn redescribe(&mut self, file: &FileTable, name: &str) -> Result<()> {
        let Some(found) = self.existing(file) else { return Ok(()) };
        let mut next = (*found).clone();
        self.describe(file, &mut next).map_err(|e| at(&file.place, e))?;
        let mut differs = next.managed != found.managed;
        let mut tell = |work: &mut Self, place: &Place, is: bool, what: String| {
            if is {
                differs = true;
                work.does(place, what);
            }
        };
        let owner = self.planner.role_name(next.owner);
        tell(self, &file.place, next.owner != found.owner, format!("alter table {name} owner to {owner}"));
        tell(self, &file.place, next.comment != found.comment, format!("comment on table {name}"));
        tell(self, &file.place, next.on_conflict != found.on_conflict, format!("alter table {name}: on_conflict"));
        for (new, old) in next.columns.iter().zip(&found.columns) {
            let said = file.columns.iter().find(|c| c.name == new.name);
            let place = said.map_or_else(|| file.place.clone(), |c| file.place.at(c.at));
            tell(self, &place, new.comment != old.comment, format!("comment on column {name}.{}", new.name));
        }
        if differs {
            for sequence in self.planner.owned_sequences(found.oid) {
                if sequence.owner != next.owner || sequence.managed != next.managed {
                    self.planner.put_relation(Relation {
                        owner: next.owner,
                        managed: next.managed.clone(),
                        acl: crate::sql::ddl::grant::change_owner(&sequence.acl, sequence.owner, next.owner),
                        ..(*sequence).clone()
                    });
                }
            }
            self.planner.put_relation(next);
        }
        Ok(())
    }

    /// One ALTER TABLE of its own, for foreign keys.
    pub(super) fn alter_alone(&mut self, first: usize, table: &Arc<Relation>, actions: &[AlterTable]) {
        let key = (table.namespace.clone(), table.name.clone());
        self.attempt(first, |planner| {
            planner.alter_table(ObjectKind::Table, (&key.0, &key.1), actions, (false, false))
        });
    }
}

/// Type names as a table's file means them.
struct InNamespace<'a>(&'a crate::registry::Snapshot, &'a str);

impl TypeLookup for InNamespace<'_> {
    fn user_type(&self, oid: Oid) -> Option<UserTypeInfo> {
        TypeLookup::user_type(self.0, oid)
    }

    fn user_type_named(&self, namespace: Option<&str>, name: &str) -> Option<Oid> {
        match namespace {
            Some(_) => self.0.user_type_named(namespace, name),
            None => self.0.user_type_named(Some(self.1), name).or_else(|| self.0.user_type_named(Some("public"), name)),
        }
    }
}
