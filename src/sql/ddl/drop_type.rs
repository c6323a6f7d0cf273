//! DROP TYPE and DROP DOMAIN: what has the type, and what goes with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::alter::{word, wrong_type};
use super::planner::Planner;
use crate::error::{Error, Result, SqlState};
use crate::registry::{Change, Name, Relation, RelationKind, UserType, UserTypeKind};
use crate::tree::{AlterTable, DropBehavior};
use crate::types::Oid;

impl Planner<'_> {
    pub(super) fn drop_types(
        &mut self,
        what: &str,
        names: &[(Name, Name)],
        if_exists: bool,
        behavior: DropBehavior,
    ) -> Result<()> {
        self.tag(&format!("DROP {what}"));
        for (namespace, name) in names {
            if let Some(composite) = self.after.composite(namespace, name).cloned()
                && what == "TYPE"
            {
                self.drop_composite(&composite, behavior)?;
                continue;
            }
            let Some(ty) = self.after.user_type(namespace, name).cloned() else {
                if if_exists {
                    self.notice(format!("type \"{name}\" does not exist, skipping"));
                    continue;
                }
                return Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("type \"{name}\" does not exist")));
            };
            if what == "DOMAIN" && !matches!(ty.kind, UserTypeKind::Domain { .. }) {
                return Err(wrong_type(name, "a domain"));
            }
            self.may_change(&ty.managed, "type", name)?;
            if let UserTypeKind::Multirange { range } = ty.kind {
                let range = self.after.user_type_by_oid(range).map_or("", |t| &t.name);
                let message = format!("cannot drop type {name} because type {range} requires it");
                return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
                    .hint(format!("You can drop type {range} instead.")));
            }
            if behavior == DropBehavior::Cascade {
                self.drop_columns_of(&ty)?;
            }
            // Those named before are gone already, those named after go with it.
            let named = names.iter().filter_map(|(namespace, name)| Some(self.after.user_type(namespace, name)?.oid));
            let named: Vec<Oid> = named.collect();
            self.type_is_not_used([ty.oid, ty.array_oid], name, &named, behavior)?;
            if let UserTypeKind::Range { multirange, .. } = ty.kind
                && let Some(multirange) = self.after.user_type_by_oid(multirange).cloned()
            {
                let types = [multirange.oid, multirange.array_oid];
                self.type_is_not_used(types, &multirange.name, &named, behavior)?;
                self.change(Change::DropType(multirange.oid));
            }
            self.change(Change::DropType(ty.oid));
        }
        Ok(())
    }

    /// CASCADE takes the columns of tables that have the type or arrays of it, if that is all that goes: of what else uses it the
    /// caller complains.
    fn drop_columns_of(&mut self, ty: &UserType) -> Result<()> {
        let mut users = self.columns_of_type(&[ty.array_oid]);
        users.extend(self.columns_of_type(&[ty.oid]));
        let alone = |r: &Relation| matches!(r.kind, RelationKind::Table) && !r.is_partition() && !r.is_partitioned();
        if !users.iter().all(|(relation, _)| alone(relation)) {
            return Ok(());
        }
        let mut tables: BTreeMap<Oid, (Arc<Relation>, Vec<AlterTable>)> = BTreeMap::new();
        for (table, column) in &users {
            let going =
                AlterTable::DropColumn { name: column.clone(), if_exists: false, behavior: DropBehavior::Cascade };
            tables.entry(table.oid).or_insert_with(|| (table.clone(), Vec::new())).1.push(going);
        }
        let told = self.plan.notices.len();
        for (table, columns) in tables.into_values() {
            self.may_change(&table.managed, "table", &table.name)?;
            self.alter_real_table(table, &columns, false)?;
        }
        if self.plan.notices.len() > told {
            return Err(
                Error::unsupported("DROP TYPE … CASCADE with columns that others depend on").hint("Drop these first.")
            );
        }
        let shown = users.iter().map(|(table, column)| format!("column {column} of table {}", table.name));
        self.cascade_notice(&shown.collect::<Vec<_>>());
        Ok(())
    }

    /// The row type of what is dropped may be the type of columns of what stays.
    pub(super) fn row_type_is_not_used(
        &self,
        relation: &Relation,
        going: &BTreeSet<Oid>,
        behavior: DropBehavior,
    ) -> Result<()> {
        if relation.row_type == 0 {
            return Ok(());
        }
        let users = self.columns_of_type(&[relation.row_type, relation.row_array_type]);
        let Some((user, column)) = users.iter().find(|(user, _)| !going.contains(&user.oid)) else { return Ok(()) };
        let user = format!("column {column} of {} {}", word(user), user.name);
        if behavior == DropBehavior::Cascade {
            return Err(Error::unsupported("DROP … CASCADE of a relation whose row type columns have")
                .detail(format!("{user} uses it."))
                .hint("Drop these first."));
        }
        let name = format!("{} {}", word(relation), relation.name);
        let message = format!("cannot drop {name} because other objects depend on it");
        Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
            .detail(format!("{user} depends on type {}", relation.name))
            .hint("Use DROP ... CASCADE to drop the dependent objects too."))
    }
}
