//! Differences in a table's keys, checks, foreign keys and indexes.

use super::column::{Columns, same_expression};
use super::question::qualified;
use super::{Answer, Effect, Work};
use crate::registry::draft::{Excluding, NewConstraint, NewConstraintKind, NewExclusion};
use crate::registry::expression::quote;
use crate::registry::files::{FileConstraint, FileIndex, FileTable};
use crate::registry::{Constraint, ConstraintKind, Index, IndexKey, Name, Relation, expression};
use crate::tree::{AlterTable, DropBehavior};

/// Foreign keys are dropped before and added after everything else: they hold tables together.
fn is_foreign(kind: &NewConstraintKind) -> bool {
    match kind {
        NewConstraintKind::ForeignKey { .. } => true,
        NewConstraintKind::PrimaryKey { .. }
        | NewConstraintKind::Unique { .. }
        | NewConstraintKind::Check { .. }
        | NewConstraintKind::Exclusion(_) => false,
    }
}

impl Work<'_> {
    pub(super) fn drop_foreign_keys(&mut self, file: &FileTable) {
        let Some(found) = self.existing(file) else { return };
        let first = self.changes.len();
        let mut actions = Vec::new();
        self.drop_those(file, &found, true, &mut actions);
        if !actions.is_empty() {
            let actions: Vec<AlterTable> = actions.into_iter().map(|(_, action)| action).collect();
            self.alter_alone(first, &found, &actions);
        }
    }

    pub(super) fn drop_constraints(
        &mut self,
        file: &FileTable,
        found: &Relation,
        actions: &mut Vec<(usize, AlterTable)>,
    ) {
        self.drop_those(file, found, false, actions);
    }

    fn drop_those(
        &mut self,
        file: &FileTable,
        found: &Relation,
        foreign: bool,
        actions: &mut Vec<(usize, AlterTable)>,
    ) {
        for constraint in &found.constraints {
            let is = matches!(constraint.kind, ConstraintKind::ForeignKey { .. });
            if is != foreign {
                continue;
            }
            let what =
                |verb: &str| format!("{verb} constraint {} of table {}.{}", constraint.name, file.namespace, file.name);
            match file.constraints.iter().find(|c| self.same(found, &c.constraint.kind, constraint)) {
                None => {
                    let notes = vec![lost(constraint)];
                    if self.note(Effect::Destructive, &file.place, what("drop"), notes) {
                        let (name, behavior) = (constraint.name.clone(), DropBehavior::Restrict);
                        actions.push((self.last(), AlterTable::DropConstraint { name, if_exists: false, behavior }));
                    }
                }
                Some(said) => {
                    if let Some(name) = said.constraint.name.as_ref().filter(|n| **n != constraint.name) {
                        self.does(&file.place.at(said.at), format!("{} to {name}", what("rename")));
                        let action = AlterTable::RenameConstraint { from: constraint.name.clone(), to: name.clone() };
                        actions.push((self.last(), action));
                    }
                }
            }
        }
    }

    pub(super) fn add_constraints(&mut self, file: &FileTable, found: &Relation, out: &mut Columns) {
        for said in file.constraints.iter().filter(|c| !is_foreign(&c.constraint.kind)) {
            if !found.constraints.iter().any(|c| self.same(found, &said.constraint.kind, c))
                && self.may_add(file, found, said)
            {
                out.actions.push((self.last(), AlterTable::AddConstraint(said.constraint.clone())));
            }
        }
    }

    pub(super) fn add_foreign_keys(&mut self, file: &FileTable) {
        let Some(found) = self.existing(file) else { return };
        for said in file.constraints.iter().filter(|c| is_foreign(&c.constraint.kind)) {
            let Some(now) = self.existing(file) else { return };
            if now.constraints.iter().any(|c| self.same(&now, &said.constraint.kind, c)) {
                continue;
            }
            let first = self.changes.len();
            if self.may_add(file, &found, said) {
                self.alter_alone(first, &now, &[AlterTable::AddConstraint(said.constraint.clone())]);
            }
        }
    }

    /// Notes a constraint that is new. Gives whether it is to be added.
    fn may_add(&mut self, file: &FileTable, found: &Relation, said: &FileConstraint) -> bool {
        let place = file.place.at(said.at);
        let what = format!("add {} to table {}.{}", shown(&said.constraint), file.namespace, file.name);
        let columns = columns_of(file, &said.constraint.kind);
        if let Some(waiting) = columns.iter().find(|c| self.waiting.contains(&(found.oid, (*c).clone()))) {
            let notes = vec![format!("it waits for the change of column {waiting}")];
            return self.note(Effect::Impossible, &place, what, notes);
        }
        // Under the name of one that stays, or beside a primary key that stays, it cannot be.
        let now = self.existing(file);
        let stays = now.iter().flat_map(|t| &t.constraints).find(|c| {
            let dropped = !file.constraints.iter().any(|f| self.same(found, &f.constraint.kind, c));
            let primary = matches!(said.constraint.kind, NewConstraintKind::PrimaryKey { .. })
                && matches!(c.kind, ConstraintKind::PrimaryKey { .. });
            dropped && (primary || said.constraint.name.as_ref() == Some(&c.name))
        });
        if let (Some(old), false) = (stays, self.destructive) {
            let notes = vec![format!("it takes the place of constraint {}", old.name)];
            return self.note(Effect::Destructive, &place, what, notes);
        }
        // Where all columns are there as they will be, rows that break it can be found now.
        if columns.iter().all(|c| found.column(c).is_some())
            && let Some((query, word)) = self.breaches(found, &said.constraint.kind, &columns)
        {
            match self.ask(query) {
                Some(Answer::Count(0)) | None | Some(Answer::Failed(_)) => {}
                Some(Answer::Count(n)) => {
                    let notes = vec![format!("{word}: {n}; change these first")];
                    return self.note(Effect::Impossible, &place, what, notes);
                }
            }
        }
        self.does(&place, what);
        true
    }

    /// A query for how many rows or keys break a constraint, and what they are.
    fn breaches(&self, found: &Relation, kind: &NewConstraintKind, columns: &[Name]) -> Option<(String, &'static str)> {
        let now = self.planner.cx.snapshot.relation_by_oid(found.oid)?;
        let table = qualified(now);
        let list = columns.iter().map(|c| quote(c)).collect::<Vec<_>>().join(", ");
        let not_null = columns.iter().map(|c| format!("{} IS NOT NULL", quote(c))).collect::<Vec<_>>().join(" AND ");
        Some(match kind {
            NewConstraintKind::PrimaryKey { .. } => {
                let inner = format!("SELECT 1 FROM {table} GROUP BY {list} HAVING count(*) > 1 OR NOT ({not_null})");
                (format!("SELECT count(*) FROM ({inner}) AS bad"), "keys that are NULL or there more than once")
            }
            NewConstraintKind::Unique { .. } => {
                let inner = format!("SELECT 1 FROM {table} WHERE {not_null} GROUP BY {list} HAVING count(*) > 1");
                (format!("SELECT count(*) FROM ({inner}) AS twice"), "keys that are there more than once")
            }
            NewConstraintKind::Check { expression } => {
                (format!("SELECT count(*) FROM {table} WHERE NOT ({expression})"), "rows that do not meet it")
            }
            // Whether rows meet is found out when it is added.
            NewConstraintKind::Exclusion(_) => return None,
            NewConstraintKind::ForeignKey { target, target_columns, .. } => {
                let target = self.planner.cx.snapshot.relation(&target.0, &target.1)?;
                let names: Vec<Name> = if target_columns.is_empty() {
                    names_of(target, super::super::alter::constraint_columns(target.primary_key()?))
                } else {
                    target_columns.clone()
                };
                let pairs = columns.iter().zip(&names);
                let on = pairs.map(|(a, b)| format!("parent.{} = child.{}", quote(b), quote(a)));
                let on = on.collect::<Vec<_>>().join(" AND ");
                let present = columns.iter().map(|c| format!("child.{} IS NOT NULL", quote(c)));
                let present = present.collect::<Vec<_>>().join(" AND ");
                let parent = qualified(target);
                let query = format!(
                    "SELECT count(*) FROM {table} AS child WHERE {present} AND NOT EXISTS (SELECT 1 FROM {parent} AS parent WHERE {on})"
                );
                (query, "rows that refer to nothing")
            }
        })
    }

    /// Is this constraint the one that the file says, whatever its name?
    fn same(&self, table: &Relation, said: &NewConstraintKind, is: &Constraint) -> bool {
        match (said, &is.kind) {
            (NewConstraintKind::PrimaryKey { columns }, ConstraintKind::PrimaryKey { columns: now }) => {
                *columns == names_of(table, now)
            }
            (
                NewConstraintKind::Unique { columns, nulls_not_distinct },
                ConstraintKind::Unique { columns: now, nulls_not_distinct: flag },
            ) => *columns == names_of(table, now) && nulls_not_distinct == flag,
            (NewConstraintKind::Check { expression }, ConstraintKind::Check { expression: now, columns: _ }) => {
                same_expression(Some(expression), Some(now))
            }
            (
                NewConstraintKind::ForeignKey { columns, target, target_columns, on_delete, on_update, match_full },
                ConstraintKind::ForeignKey {
                    columns: now,
                    target: to,
                    target_columns: to_columns,
                    on_delete: delete,
                    on_update: update,
                    match_full: full,
                },
            ) => {
                let Some(relation) = self.planner.after.relation_by_oid(*to) else { return false };
                let named = names_of(relation, to_columns);
                let keys = relation.primary_key().map(super::super::alter::constraint_columns);
                let primary = keys.map(|k| names_of(relation, k)).unwrap_or_default();
                *columns == names_of(table, now)
                    && *target == (relation.namespace.clone(), relation.name.clone())
                    && (*target_columns == named || target_columns.is_empty() && named == primary)
                    && (on_delete, on_update, match_full) == (delete, update, full)
            }
            (NewConstraintKind::Exclusion(new), ConstraintKind::Exclusion { columns: _, operators }) => {
                same_exclusion(table, new, is, operators)
            }
            (
                NewConstraintKind::PrimaryKey { .. }
                | NewConstraintKind::Unique { .. }
                | NewConstraintKind::Check { .. }
                | NewConstraintKind::ForeignKey { .. }
                | NewConstraintKind::Exclusion(_),
                _,
            ) => false,
        }
    }

    /// Indexes that are no constraint's.
    pub(super) fn indexes(&mut self, file: &FileTable) {
        let Some(found) = self.existing(file) else { return };
        let wanted: Vec<(&FileIndex, Index)> = file.indexes.iter().map(|i| (i, index_of(i, &found))).collect();
        let mut kept: Vec<crate::types::Oid> = Vec::new();
        let mut missing = Vec::new();
        for (said, index) in &wanted {
            let same = |i: &&Index| !i.of_constraint && !kept.contains(&i.oid) && same_index(i, index);
            match found.indexes.iter().find(same) {
                Some(there) => {
                    kept.push(there.oid);
                    self.redescribe_index(file, said, there);
                }
                None => missing.push((*said, index)),
            }
        }
        for index in found.indexes.iter().filter(|i| !i.of_constraint && !kept.contains(&i.oid)) {
            let first = self.changes.len();
            let effect = if index.unique { Effect::Destructive } else { Effect::Additive };
            let notes = if index.unique { vec!["that its values are unique".to_owned()] } else { Vec::new() };
            if self.note(effect, &file.place, format!("drop index {}.{}", file.namespace, index.name), notes) {
                let names = [(file.namespace.clone(), index.name.clone())];
                self.attempt(first, |planner| {
                    planner.drop_objects(crate::tree::ObjectKind::Index, &names, false, DropBehavior::Restrict)
                });
            }
        }
        for (said, index) in missing {
            if index.keys.len() < said.columns.len() {
                // A column of it waits; that was said.
                continue;
            }
            let first = self.changes.len();
            let columns: Vec<&str> = said.columns.iter().map(|(n, _)| &**n).collect();
            let unique = if said.unique { "unique " } else { "" };
            let what = format!("create {unique}index on {}.{} ({})", file.namespace, file.name, columns.join(", "));
            self.does(&file.place.at(said.at), what);
            self.attempt(first, |planner| {
                planner.create_index((&file.namespace, &file.name), said.name.as_ref(), index, (false, false))
            });
        }
    }

    fn redescribe_index(&mut self, file: &FileTable, said: &FileIndex, there: &Index) {
        let renamed = said.name.clone().filter(|name| *name != there.name);
        if renamed.is_none() && said.comment == there.comment {
            return;
        }
        let place = file.place.at(said.at);
        let first = self.changes.len();
        if let Some(name) = &renamed {
            self.does(&place, format!("rename index {}.{} to {name}", file.namespace, there.name));
        } else {
            self.does(&place, format!("comment on index {}.{}", file.namespace, there.name));
        }
        self.attempt(first, |planner| {
            if let Some(name) = &renamed
                && planner.after.relation_name_taken(&file.namespace, name)
            {
                let message = format!("relation \"{name}\" already exists");
                return Err(crate::error::Error::new(crate::error::SqlState::DUPLICATE_TABLE, message));
            }
            let mut table = planner.own_table(&file.namespace, &file.name)?;
            for index in table.indexes.iter_mut().filter(|i| i.oid == there.oid) {
                index.name = renamed.clone().unwrap_or_else(|| index.name.clone());
                index.comment = said.comment.clone();
            }
            planner.put_relation(table);
            Ok(())
        });
    }
}

fn same_exclusion(table: &Relation, new: &NewExclusion, is: &Constraint, operators: &[crate::types::Oid]) -> bool {
    let Some(index) = table.indexes.iter().find(|i| i.of_constraint && i.name == is.name) else { return false };
    let same_element = |(said, (key, operator)): (&Excluding, (&IndexKey, &crate::types::Oid))| {
        let column = table.column_by_num(key.column).map(|c| &c.name);
        said.column.as_ref() == column
            && same_expression(said.expression.as_deref(), key.expression.as_deref())
            && said.operator_oid == *operator
            && said.opclass == key.opclass
    };
    index.method == new.method
        && index.keys.len() == new.elements.len()
        && new.elements.iter().zip(index.keys.iter().zip(operators)).all(same_element)
        && same_expression(new.predicate.as_deref(), index.predicate.as_deref())
}

/// What is no longer true of the rows.
fn lost(constraint: &Constraint) -> String {
    match &constraint.kind {
        ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. } => "that its values are unique".to_owned(),
        ConstraintKind::ForeignKey { .. } => "that its rows refer to rows that are there".to_owned(),
        ConstraintKind::Check { expression, .. } => format!("that every row meets {expression}"),
        ConstraintKind::Exclusion { .. } => "that its rows exclude each other".to_owned(),
    }
}

fn shown(constraint: &NewConstraint) -> String {
    let list = |columns: &[Name]| columns.iter().map(|c| &**c).collect::<Vec<_>>().join(", ");
    match &constraint.kind {
        NewConstraintKind::PrimaryKey { columns } => format!("primary key ({})", list(columns)),
        NewConstraintKind::Unique { columns, .. } => format!("unique ({})", list(columns)),
        NewConstraintKind::Check { expression } => format!("check ({expression})"),
        NewConstraintKind::Exclusion(new) => {
            let of = |e: &Excluding| e.column.as_deref().or(e.expression.as_deref()).unwrap_or_default().to_owned();
            let elements = new.elements.iter().map(|e| format!("{} with {}", of(e), e.operator));
            format!("exclude ({})", elements.collect::<Vec<_>>().join(", "))
        }
        NewConstraintKind::ForeignKey { columns, target, .. } => {
            format!("foreign key ({}) references {}", list(columns), target.1)
        }
    }
}

/// The columns of its own table that a constraint reads.
fn columns_of(file: &FileTable, kind: &NewConstraintKind) -> Vec<Name> {
    match kind {
        NewConstraintKind::PrimaryKey { columns }
        | NewConstraintKind::Unique { columns, .. }
        | NewConstraintKind::ForeignKey { columns, .. } => columns.clone(),
        NewConstraintKind::Check { expression } => {
            let names: Vec<Name> = file.columns.iter().map(|c| c.name.clone()).collect();
            expression::columns_named(expression, &names).into_iter().map(|i| names[i].clone()).collect()
        }
        NewConstraintKind::Exclusion(new) => {
            let names: Vec<Name> = file.columns.iter().map(|c| c.name.clone()).collect();
            let texts = new.elements.iter().filter_map(|e| e.expression.as_deref()).chain(new.predicate.as_deref());
            let read = texts.flat_map(|text| expression::columns_named(text, &names)).map(|i| names[i].clone());
            new.elements.iter().filter_map(|e| e.column.clone()).chain(read).collect()
        }
    }
}

fn names_of(table: &Relation, columns: &[i16]) -> Vec<Name> {
    columns.iter().filter_map(|n| table.column_by_num(*n)).map(|c| c.name.clone()).collect()
}

/// An index of the file over the columns that the table has.
pub(super) fn index_of(index: &FileIndex, table: &Relation) -> Index {
    let keys = index.columns.iter().filter_map(|(name, descending)| {
        let column = table.column(name)?.num;
        Some(IndexKey { descending: *descending, nulls_first: *descending, ..IndexKey::of_column(column) })
    });
    Index {
        oid: 0,
        name: "".into(),
        unique: index.unique,
        keys: keys.collect(),
        predicate: None,
        nulls_not_distinct: false,
        reads: Vec::new(),
        method: "btree".into(),
        included: Vec::new(),
        of_constraint: false,
        parent: None,
        options: Vec::new(),
        comment: index.comment.clone(),
    }
}

fn same_index(a: &Index, b: &Index) -> bool {
    let keys = |i: &Index| i.keys.iter().map(|k| (k.column, k.descending)).collect::<Vec<_>>();
    a.unique == b.unique && a.predicate.is_none() && a.method == b.method && keys(a) == keys(b)
}
