//! ALTER TABLE, and what ALTER VIEW, INDEX and SEQUENCE share with it.
//!
//! The actions change a copy of the relation. Each says how DuckDB can follow: with a command of its own where that works
//! on this table, by a rebuild otherwise; several actions that need one share it.

use std::collections::HashMap;
use std::sync::Arc;

use super::physical::{self, column_type, ident, table_name, widens};
use super::pipeline;
use super::planner::Planner;
use super::rebuild::{ColumnSource, Rebuild};
use super::{SequenceStep, Step};
use crate::error::{Error, Result, SqlState};
use crate::registry::{
    Change, Column, Constraint, ConstraintKind, Identity, Name, Relation, RelationKind, build, expression,
};
use crate::tree::{AlterTable, DropBehavior, NewColumn, NewConstraint, NewConstraintKind, ObjectKind};
use crate::types::{Oid, PgType, oid};

/// A table under change.
struct Altered {
    old: Arc<Relation>,
    new: Relation,
    /// Commands that do it in place; void once `rebuild` is set.
    native: Vec<String>,
    sources: HashMap<i16, ColumnSource>,
    rebuild: bool,
    /// After the table has its new form: statements of PostgreSQL's that must find nothing, with their errors.
    verify: Vec<(String, Error)>,
    sequences: Vec<(Relation, Option<i64>)>,
    dropped_sequences: Vec<Oid>,
}

impl Planner<'_> {
    pub fn alter_table(
        &mut self,
        kind: ObjectKind,
        (namespace, name): (&Name, &Name),
        actions: &[AlterTable],
        if_exists: bool,
    ) -> Result<()> {
        self.tag(match kind {
            ObjectKind::View => "ALTER VIEW",
            ObjectKind::Index => "ALTER INDEX",
            ObjectKind::Sequence => "ALTER SEQUENCE",
            _ => "ALTER TABLE",
        });
        if self.after.relation(namespace, name).is_none() {
            if let Some((table, _)) = self.after.index(namespace, name) {
                let table = table.clone();
                return self.alter_index(&table, name, actions);
            }
            if if_exists {
                self.notice(format!("relation \"{name}\" does not exist, skipping"));
                return Ok(());
            }
        }
        let old = self.relation(namespace, name)?;
        self.may_change(&old.managed, word(&old), name)?;
        match (&old.kind, kind) {
            (RelationKind::Table, ObjectKind::Table) => self.alter_real_table(old, actions),
            (RelationKind::View { .. }, ObjectKind::Table | ObjectKind::View)
            | (RelationKind::Sequence(_), ObjectKind::Table | ObjectKind::Sequence) => self.alter_other(old, actions),
            (RelationKind::System, _) => Err(Error::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("permission denied: \"{name}\" is a system catalog"),
            )),
            (_, ObjectKind::View) => Err(wrong_type(name, "a view")),
            (_, ObjectKind::Sequence) => Err(wrong_type(name, "a sequence")),
            (_, ObjectKind::Index) => Err(wrong_type(name, "an index")),
            _ => Err(wrong_type(name, "a table")),
        }
    }

    /// Views and sequences: renaming, moving, owner.
    fn alter_other(&mut self, old: Arc<Relation>, actions: &[AlterTable]) -> Result<()> {
        let mut new = (*old).clone();
        for action in actions {
            match action {
                AlterTable::RenameTable { to } => {
                    self.free_name(&new.namespace, to)?;
                    self.refuse_dependent_views(&new, "renaming")?;
                    new.name = to.clone();
                }
                AlterTable::SetNamespace { to } => {
                    self.free_in(to, &new.name)?;
                    self.refuse_dependent_views(&new, "moving")?;
                    new.namespace = to.clone();
                }
                AlterTable::SetOwner { to } => self.set_owner(&mut new, to)?,
                AlterTable::RenameColumn { .. }
                | AlterTable::AddColumn { .. }
                | AlterTable::DropColumn { .. }
                | AlterTable::SetDefault { .. }
                | AlterTable::SetNotNull { .. }
                | AlterTable::SetType { .. }
                | AlterTable::AddConstraint(_)
                | AlterTable::DropConstraint { .. }
                | AlterTable::RenameConstraint { .. }
                | AlterTable::SetIdentity { .. } => {
                    return Err(Error::unsupported(format!("this ALTER of {} \"{}\"", word(&new), new.name)));
                }
            }
        }
        self.put_relation(new);
        Ok(())
    }

    fn alter_index(&mut self, table: &Arc<Relation>, name: &Name, actions: &[AlterTable]) -> Result<()> {
        self.tag("ALTER INDEX");
        self.may_change(&table.managed, "table", &table.name)?;
        let mut new = (**table).clone();
        for action in actions {
            let AlterTable::RenameTable { to } = action else {
                return Err(Error::unsupported("this form of ALTER INDEX"));
            };
            self.free_name(&new.namespace, to)?;
            new.indexes.iter_mut().filter(|i| i.name == *name).for_each(|i| i.name = to.clone());
            new.constraints.iter_mut().filter(|c| c.name == *name).for_each(|c| c.name = to.clone());
        }
        // The name inside DuckDB is made from the OID and stays.
        self.put_relation(new);
        Ok(())
    }

    fn alter_real_table(&mut self, old: Arc<Relation>, actions: &[AlterTable]) -> Result<()> {
        let mut table = Altered {
            new: (*old).clone(),
            old,
            native: Vec::new(),
            sources: HashMap::new(),
            rebuild: false,
            verify: Vec::new(),
            sequences: Vec::new(),
            dropped_sequences: Vec::new(),
        };
        for action in actions {
            self.alter_action(&mut table, action)?;
        }
        self.carry_out(table)
    }

    fn alter_action(&mut self, t: &mut Altered, action: &AlterTable) -> Result<()> {
        match action {
            AlterTable::AddColumn { column, constraints, if_not_exists } => {
                self.add_column(t, column, constraints, *if_not_exists)
            }
            AlterTable::DropColumn { name, if_exists, behavior } => self.drop_column(t, name, *if_exists, *behavior),
            AlterTable::RenameColumn { from, to } => self.rename_column(t, from, to),
            AlterTable::RenameTable { to } => {
                self.free_name(&t.new.namespace, to)?;
                self.refuse_dependent_views(&t.old, "renaming")?;
                let sql = format!("ALTER TABLE {} RENAME TO {}", table_name(&t.new), ident(to));
                t.new.name = to.clone();
                // DuckDB's foreign keys remember names.
                self.in_place(t, sql, |t| !t.has_foreign_keys());
                Ok(())
            }
            AlterTable::SetNamespace { to } => {
                self.free_in(to, &t.new.name)?;
                self.refuse_dependent_views(&t.old, "moving")?;
                t.new.namespace = to.clone();
                t.rebuild = true;
                for sequence in self.owned_sequences(t.old.oid) {
                    t.sequences.push((Relation { namespace: to.clone(), ..(*sequence).clone() }, None));
                }
                Ok(())
            }
            AlterTable::SetDefault { column, default } => {
                let column = column_mut(&mut t.new, column)?;
                if column.identity.is_some() || column.generated.is_some() {
                    let what = if column.identity.is_some() { "an identity" } else { "a generated" };
                    let message = format!("column \"{}\" of relation \"{}\" is {what} column", column.name, t.old.name);
                    return Err(Error::syntax(message));
                }
                column.default.clone_from(default);
                Ok(())
            }
            AlterTable::SetNotNull { column, not_null } => self.set_not_null(t, column, *not_null),
            AlterTable::SetType { column, ty, using } => {
                self.set_type(t, column, *ty, using.as_ref().map(|(text, _)| text.as_str()))
            }
            AlterTable::AddConstraint(constraint) => self.add_constraint(t, constraint),
            AlterTable::DropConstraint { name, if_exists, behavior } => {
                self.drop_constraint(t, name, *if_exists, *behavior)
            }
            AlterTable::RenameConstraint { from, to } => {
                if t.new.constraints.iter().any(|c| c.name == *to) {
                    let message = format!("constraint \"{to}\" for relation \"{}\" already exists", t.new.name);
                    return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
                }
                let at = constraint_at(&t.new, from)?;
                t.new.constraints[at].name = to.clone();
                t.new
                    .indexes
                    .iter_mut()
                    .filter(|i| i.of_constraint && i.name == *from)
                    .for_each(|i| i.name = to.clone());
                Ok(())
            }
            AlterTable::SetOwner { to } => {
                self.set_owner(&mut t.new, to)?;
                for sequence in self.owned_sequences(t.old.oid) {
                    let mut sequence = (*sequence).clone();
                    self.set_owner(&mut sequence, to)?;
                    self.put_relation(sequence);
                }
                Ok(())
            }
            AlterTable::SetIdentity { column, always, options, if_exists } => {
                self.set_identity(t, column, *always, options.clone(), *if_exists)
            }
        }
    }

    /// Notes a command that does it in place, if it can be done so on this table; a rebuild otherwise.
    fn in_place(&self, t: &mut Altered, sql: String, also: impl Fn(&Altered) -> bool) {
        let free = !t.has_native_indexes() && self.referencing(t.old.oid).is_empty();
        if free && also(t) {
            t.native.push(sql);
        } else {
            t.rebuild = true;
        }
    }

    fn add_column(
        &mut self,
        t: &mut Altered,
        draft: &NewColumn,
        constraints: &[NewConstraint],
        if_not_exists: bool,
    ) -> Result<()> {
        if t.new.column(&draft.name).is_some() {
            let message = format!("column \"{}\" of relation \"{}\" already exists", draft.name, t.new.name);
            if if_not_exists {
                self.notice(format!("{message}, skipping"));
                return Ok(());
            }
            return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
        }
        let (column, sequence) = build::column(&self.after, &t.new, draft, &[])?;
        let phys = column_type(column.ty, &self.after)?;
        let plain =
            !column.not_null && column.default.is_none() && column.generated.is_none() && column.identity.is_none();
        if plain {
            // Adding a column is the one change that DuckDB makes on any table.
            t.native.push(format!(
                "ALTER TABLE {} ADD COLUMN {} {}",
                table_name(&t.new),
                ident(&column.name),
                phys.duckdb()
            ));
        } else {
            t.rebuild = true;
            t.sources.insert(column.num, ColumnSource::Default);
        }
        t.sequences.extend(sequence.map(|s| (s, None)));
        t.new.columns.push(column);
        constraints.iter().try_for_each(|c| self.add_constraint(t, c))
    }

    fn drop_column(&mut self, t: &mut Altered, name: &Name, if_exists: bool, behavior: DropBehavior) -> Result<()> {
        let Some(column) = t.new.column(name).cloned() else {
            let message = format!("column \"{name}\" of relation \"{}\" does not exist", t.new.name);
            if if_exists {
                self.notice(format!("{message}, skipping"));
                return Ok(());
            }
            return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
        };
        if t.new.columns.len() == 1 {
            return Err(Error::unsupported("dropping a table's only column"));
        }
        self.drop_column_dependents(t, &column, behavior)?;
        let uses = |c: &Constraint| constraint_columns(c).contains(&column.num);
        let in_key = t.new.constraints.iter().any(|c| uses(c) && !matches!(c.kind, ConstraintKind::Check { .. }));
        t.new.constraints.retain(|c| !uses(c));
        t.new.indexes.retain(|i| i.keys.iter().all(|k| k.column != column.num));
        t.new.columns.retain(|c| c.num != column.num);
        for sequence in self.owned_sequences(t.old.oid) {
            if let RelationKind::Sequence(s) = &sequence.kind
                && s.owned_by == Some((t.old.oid, column.num))
            {
                t.dropped_sequences.push(sequence.oid);
            }
        }
        let sql = format!("ALTER TABLE {} DROP COLUMN {}", table_name(&t.new), ident(name));
        // DuckDB refuses where an index stands on this column or on one after it.
        self.in_place(t, sql, |t| !in_key && !t.has_keys());
        Ok(())
    }

    fn drop_column_dependents(&mut self, t: &Altered, column: &Column, behavior: DropBehavior) -> Result<()> {
        let mut dependents = Vec::new();
        for (child, name) in self.referencing(t.old.oid) {
            let constraint = child.constraints.iter().find(|c| c.name == name);
            if let Some(ConstraintKind::ForeignKey { target_columns, .. }) = constraint.map(|c| &c.kind)
                && target_columns.contains(&column.num)
            {
                dependents.push(format!("constraint {name} on table {}", child.name));
            }
        }
        for view in self.after.views_on(&t.old) {
            if let RelationKind::View { definition, .. } = &view.kind
                && mentions(definition, &column.name)
            {
                dependents.push(format!("view {}", view.name));
            }
        }
        let Some(first) = dependents.first() else { return Ok(()) };
        if behavior == DropBehavior::Cascade {
            return Err(Error::unsupported("DROP COLUMN … CASCADE with dependent objects")
                .detail(format!("{first} depends on the column"))
                .hint("Drop the dependent objects first."));
        }
        let message =
            format!("cannot drop column {} of table {} because other objects depend on it", column.name, t.old.name);
        let lines = dependents.iter().map(|d| format!("{d} depends on column {} of table {}", column.name, t.old.name));
        Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
            .detail(lines.collect::<Vec<_>>().join("\n"))
            .hint("Use DROP ... CASCADE to drop the dependent objects too."))
    }

    fn rename_column(&mut self, t: &mut Altered, from: &Name, to: &Name) -> Result<()> {
        if t.new.column(to).is_some() {
            let message = format!("column \"{to}\" of relation \"{}\" already exists", t.new.name);
            return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
        }
        if t.new.column(from).is_none() {
            return Err(Error::new(SqlState::UNDEFINED_COLUMN, format!("column \"{from}\" does not exist")));
        }
        for view in self.after.views_on(&t.old) {
            if let RelationKind::View { definition, .. } = &view.kind
                && mentions(definition, from)
            {
                return Err(Error::unsupported(format!("renaming a column that view \"{}\" reads", view.name))
                    .hint("Drop the view first, and create it again afterwards."));
            }
        }
        let sql = format!("ALTER TABLE {} RENAME COLUMN {} TO {}", table_name(&t.new), ident(from), ident(to));
        column_mut(&mut t.new, from)?.name = to.clone();
        for constraint in &mut t.new.constraints {
            if let ConstraintKind::Check { expression, .. } = &mut constraint.kind {
                *expression = expression::rename_column(expression, from, to);
            }
        }
        for column in &mut t.new.columns {
            if let Some(generated) = &mut column.generated {
                *generated = expression::rename_column(generated, from, to);
            }
        }
        // DuckDB's foreign keys remember names.
        self.in_place(t, sql, |t| !t.has_foreign_keys());
        Ok(())
    }

    fn set_not_null(&mut self, t: &mut Altered, name: &Name, not_null: bool) -> Result<()> {
        let in_primary_key = t
            .new
            .primary_key()
            .is_some_and(|pk| t.new.column(name).is_some_and(|c| constraint_columns(pk).contains(&c.num)));
        let table = table_name(&t.new);
        let column = column_mut(&mut t.new, name)?;
        if column.not_null == not_null {
            return Ok(());
        }
        if !not_null && in_primary_key {
            let message = format!("column \"{name}\" is in a primary key");
            return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
        }
        if !not_null && column.identity.is_some() {
            let message = format!("column \"{name}\" of relation \"{}\" is an identity column", t.old.name);
            return Err(Error::syntax(message));
        }
        column.not_null = not_null;
        let old = t.old.column_by_num(column.num).map(|c| c.name.clone());
        if let (true, Some(old)) = (not_null, old) {
            let message = format!("column \"{name}\" of relation \"{}\" contains null values", t.old.name);
            let error = Error::new(SqlState::NOT_NULL_VIOLATION, message)
                .table(&*t.old.namespace, &*t.old.name)
                .column(&**name);
            let sql = format!("SELECT 1 FROM {} WHERE {} IS NULL LIMIT 1", table_name(&t.old), ident(&old));
            if !t.sources.contains_key(&column.num) {
                self.verify_sql(sql, error);
            }
        }
        let what = if not_null { "SET" } else { "DROP" };
        let sql = format!("ALTER TABLE {table} ALTER COLUMN {} {what} NOT NULL", ident(name));
        self.in_place(t, sql, |_| true);
        Ok(())
    }

    fn set_type(&mut self, t: &mut Altered, name: &Name, ty: PgType, using: Option<&str>) -> Result<()> {
        let table = table_name(&t.new);
        let phys = column_type(ty, &self.after)?;
        for view in self.after.views_on(&t.old) {
            let RelationKind::View { definition, .. } = &view.kind else { continue };
            if mentions(definition, name) {
                let message = "cannot alter type of a column used by a view or rule";
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
                    .detail(format!("rule _RETURN on view {} depends on column \"{name}\"", view.name)));
            }
        }
        let column = column_mut(&mut t.new, name)?;
        let (num, from) = (column.num, column.ty);
        if from == ty && using.is_none() {
            return Ok(());
        }
        column.ty = ty;
        if let Some(Identity { .. }) = column.identity
            && !matches!(ty.oid, oid::INT2 | oid::INT4 | oid::INT8)
        {
            let message = "identity column type must be smallint, integer, or bigint";
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        let keyed = t.new.constraints.iter().any(|c| constraint_columns(c).contains(&num));
        if using.is_none() && widens(from, ty, &self.after) {
            let sql = format!("ALTER TABLE {table} ALTER COLUMN {} TYPE {}", ident(name), phys.duckdb());
            self.in_place(t, sql, |_| !keyed);
            return Ok(());
        }
        let old_name = t.old.column_by_num(num).map_or_else(|| name.clone(), |c| c.name.clone());
        // Without USING, PostgreSQL casts by assignment: what INSERT does with the bare column.
        let source = using.map_or_else(|| expression::quote(&old_name), |u| format!("({u})"));
        t.sources.insert(num, ColumnSource::Expression(source));
        t.rebuild = true;
        Ok(())
    }

    fn add_constraint(&mut self, t: &mut Altered, draft: &NewConstraint) -> Result<()> {
        let at = build::add_constraint(&self.after, &mut t.new, draft)?;
        let constraint = t.new.constraints[at].clone();
        match (&draft.kind, &constraint.kind) {
            (NewConstraintKind::Check { expression }, _) => {
                let message = format!(
                    "check constraint \"{}\" of relation \"{}\" is violated by some row",
                    constraint.name, t.new.name
                );
                let error = Error::new(SqlState::CHECK_VIOLATION, message)
                    .table(&*t.new.namespace, &*t.new.name)
                    .constraint(&*constraint.name);
                t.verify.push((format!("NOT ({expression})"), error));
            }
            (_, ConstraintKind::PrimaryKey { columns }) => {
                for num in columns {
                    let Some(old) = t.old.column_by_num(*num) else { continue };
                    let message =
                        format!("column \"{}\" of relation \"{}\" contains null values", old.name, t.old.name);
                    let sql =
                        format!("SELECT 1 FROM {} WHERE {} IS NULL LIMIT 1", table_name(&t.old), ident(&old.name));
                    self.verify_sql(sql, Error::new(SqlState::NOT_NULL_VIOLATION, message));
                }
                self.verify_unique(t, &constraint, columns)?;
                t.rebuild = true;
            }
            (_, ConstraintKind::Unique { columns, .. }) => {
                self.verify_unique(t, &constraint, columns)?;
                t.rebuild = true;
            }
            _ => t.rebuild = true,
        }
        Ok(())
    }

    /// Existing duplicates are found before the rebuild, so that the error is PostgreSQL's.
    fn verify_unique(&mut self, t: &Altered, constraint: &Constraint, columns: &[i16]) -> Result<()> {
        if columns.iter().any(|n| t.old.column_by_num(*n).is_none()) {
            return Ok(());
        }
        let message = format!("could not create unique index \"{}\"", constraint.name);
        let error = Error::new(SqlState::UNIQUE_VIOLATION, message)
            .table(&*t.new.namespace, &*t.new.name)
            .constraint(&*constraint.name);
        let sql = duplicates(&t.old, columns)?;
        self.verify_sql(sql, error);
        Ok(())
    }

    fn drop_constraint(&mut self, t: &mut Altered, name: &Name, if_exists: bool, behavior: DropBehavior) -> Result<()> {
        let Some(constraint) = t.new.constraints.iter().find(|c| c.name == *name).cloned() else {
            let message = format!("constraint \"{name}\" of relation \"{}\" does not exist", t.new.name);
            if if_exists {
                self.notice(format!("{message}, skipping"));
                return Ok(());
            }
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
        };
        if let ConstraintKind::PrimaryKey { columns } | ConstraintKind::Unique { columns, .. } = &constraint.kind {
            let uses = |kind: &ConstraintKind| match kind {
                ConstraintKind::ForeignKey { target, target_columns, .. } => {
                    *target == t.old.oid && target_columns.iter().all(|c| columns.contains(c))
                }
                _ => false,
            };
            for (child, fk) in self.referencing(t.old.oid) {
                if child.constraints.iter().any(|c| c.name == fk && uses(&c.kind)) {
                    if behavior == DropBehavior::Cascade {
                        return Err(Error::unsupported("DROP CONSTRAINT … CASCADE with dependent foreign keys")
                            .hint(format!("Drop constraint {fk} on table {} first.", child.name)));
                    }
                    let (table, index) = (&t.new.name, &constraint.name);
                    let message =
                        format!("cannot drop constraint {name} on table {table} because other objects depend on it");
                    return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
                        .detail(format!("constraint {fk} on table {} depends on index {index}", child.name))
                        .hint("Use DROP ... CASCADE to drop the dependent objects too."));
                }
            }
        }
        t.new.constraints.retain(|c| c.name != *name);
        t.new.indexes.retain(|i| !(i.of_constraint && i.name == *name));
        if !matches!(constraint.kind, ConstraintKind::Check { .. }) {
            t.rebuild = true;
        }
        Ok(())
    }

    fn set_identity(
        &mut self,
        t: &mut Altered,
        name: &Name,
        always: Option<bool>,
        options: Option<crate::registry::Sequence>,
        if_exists: bool,
    ) -> Result<()> {
        let table = t.new.name.clone();
        let (like, column) = (t.new.clone(), column_mut(&mut t.new, name)?);
        let Some(always) = always else {
            let Some(identity) = column.identity.take() else {
                let message = format!("column \"{name}\" of relation \"{table}\" is not an identity column");
                if if_exists {
                    self.notice(format!("{message}, skipping"));
                    return Ok(());
                }
                return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
            };
            t.dropped_sequences.push(identity.sequence);
            return Ok(());
        };
        if let Some(identity) = &mut column.identity {
            if options.is_none() {
                identity.always = always;
                return Ok(());
            }
            let message = format!("column \"{name}\" of relation \"{table}\" is already an identity column");
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
        }
        if !column.not_null {
            let message = format!(
                "column \"{name}\" of relation \"{table}\" must be declared NOT NULL before identity can be added"
            );
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
        }
        if column.default.is_some() {
            let message = format!("column \"{name}\" of relation \"{table}\" already has a default value");
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
        }
        let sequence = build::owned_sequence(&self.after, &like, column, options, &[])?;
        column.identity = Some(Identity { always, sequence: sequence.oid });
        t.sequences.push((sequence, None));
        Ok(())
    }

    pub fn set_owner(&mut self, relation: &mut Relation, to: &Name) -> Result<()> {
        let owner = self.role(to)?.oid;
        relation.acl = super::grant::change_owner(&relation.acl, relation.owner, owner);
        relation.owner = owner;
        Ok(())
    }

    /// The steps and changes of an altered table.
    fn carry_out(&mut self, t: Altered) -> Result<()> {
        for (sequence, restart) in &t.sequences {
            self.put_sequence(sequence.clone(), *restart);
        }
        let new_name = t.new.clone();
        if t.rebuild {
            let change = Rebuild { old: t.old.clone(), new: t.new, sources: t.sources };
            self.rebuild(&change)?;
            self.put_relation(change.new);
        } else {
            t.native.into_iter().for_each(|sql| self.command(sql));
            self.put_relation(t.new);
        }
        for (condition, error) in t.verify {
            let plan = pipeline::violations(self.cx, &self.after, &new_name, &condition)?;
            self.plan.steps.push(Step::Verify(plan, error));
        }
        for oid in t.dropped_sequences {
            self.plan.sequences.push(SequenceStep::Drop { oid });
            self.change(Change::DropRelation(oid));
        }
        Ok(())
    }

    fn free_name(&self, namespace: &str, name: &str) -> Result<()> {
        if self.after.relation_name_taken(namespace, name) {
            return Err(Error::new(SqlState::DUPLICATE_TABLE, format!("relation \"{name}\" already exists")));
        }
        Ok(())
    }

    fn free_in(&self, namespace: &str, name: &str) -> Result<()> {
        if !self.after.namespaces.contains_key(namespace) {
            return Err(super::planner::no_namespace(namespace));
        }
        if self.after.relation_name_taken(namespace, name) {
            let message = format!("relation \"{name}\" already exists in schema \"{namespace}\"");
            return Err(Error::new(SqlState::DUPLICATE_TABLE, message));
        }
        Ok(())
    }

    /// Views are kept as text; a name in it would no longer be found.
    fn refuse_dependent_views(&self, relation: &Relation, doing: &str) -> Result<()> {
        let Some(view) = self.after.views_on(relation).into_iter().next() else { return Ok(()) };
        Err(Error::unsupported(format!("{doing} \"{}\", which view \"{}\" reads", relation.name, view.name))
            .hint("Drop the view first, and create it again afterwards."))
    }
}

impl Altered {
    fn has_native_indexes(&self) -> bool {
        self.old.indexes.iter().chain(&self.new.indexes).any(|i| i.unique && !i.of_constraint)
    }

    fn has_keys(&self) -> bool {
        let key = |c: &Constraint| !matches!(c.kind, ConstraintKind::Check { .. });
        self.old.constraints.iter().chain(&self.new.constraints).any(key)
    }

    fn has_foreign_keys(&self) -> bool {
        self.old.constraints.iter().any(|c| physical::foreign_target(c).is_some())
    }
}

/// A query that finds a key that occurs twice. NULLs differ from one another.
pub fn duplicates(table: &Relation, columns: &[i16]) -> Result<String> {
    let list = physical::column_list(table, columns)?;
    let not_null =
        columns.iter().filter_map(|n| table.column_by_num(*n)).map(|c| format!("{} IS NOT NULL", ident(&c.name)));
    let not_null = not_null.collect::<Vec<_>>().join(" AND ");
    Ok(format!("SELECT 1 FROM {} WHERE {not_null} GROUP BY {list} HAVING count(*) > 1 LIMIT 1", table_name(table)))
}

/// Does a view's text name this column, or could it (`*`)? A word search errs on the side of caution.
fn mentions(definition: &str, column: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    definition.contains('*') || definition.split(|c| !word(c)).any(|w| w.eq_ignore_ascii_case(column))
}

fn column_mut<'a>(relation: &'a mut Relation, name: &str) -> Result<&'a mut Column> {
    let message = format!("column \"{name}\" of relation \"{}\" does not exist", relation.name);
    let found = relation.columns.iter_mut().find(|c| &*c.name == name);
    found.ok_or_else(|| Error::new(SqlState::UNDEFINED_COLUMN, message))
}

fn constraint_at(relation: &Relation, name: &str) -> Result<usize> {
    relation.constraints.iter().position(|c| &*c.name == name).ok_or_else(|| {
        let message = format!("constraint \"{name}\" for table \"{}\" does not exist", relation.name);
        Error::new(SqlState::UNDEFINED_OBJECT, message)
    })
}

/// The columns that a constraint names in its own table.
pub fn constraint_columns(constraint: &Constraint) -> &[i16] {
    match &constraint.kind {
        ConstraintKind::PrimaryKey { columns }
        | ConstraintKind::Unique { columns, .. }
        | ConstraintKind::ForeignKey { columns, .. }
        | ConstraintKind::Check { columns, .. } => columns,
    }
}

pub fn word(relation: &Relation) -> &'static str {
    match relation.kind {
        RelationKind::Table => "table",
        RelationKind::View { .. } | RelationKind::System => "view",
        RelationKind::Sequence(_) => "sequence",
    }
}

pub fn wrong_type(name: &str, what: &str) -> Error {
    Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{name}\" is not {what}"))
}
