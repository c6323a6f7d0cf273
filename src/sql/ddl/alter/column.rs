//! ALTER TABLE's actions on columns: add, drop, rename, type, NOT NULL, identity.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Altered, column_mut, constraint_columns, constraints_with};
use crate::error::{Error, Result, SqlState};
use crate::registry::{
    Change, Column, Constraint, ConstraintKind, Identity, Name, Relation, RelationKind, Snapshot, UserType,
    UserTypeKind, build, expression,
};
use crate::sql::ddl::depends::{Graph, Object};
use crate::sql::ddl::physical::{column_ident, column_type, filler_definition, is_null, table_name, widens};
use crate::sql::ddl::planner::Planner;
use crate::sql::ddl::rebuild::{ColumnSource, Rebuild};
use crate::sql::ddl::sequence;
use crate::tree::{AlterTable, DropBehavior, NewColumn, NewConstraint, SequenceChange};
use crate::types::{Oid, PgType, oid};

impl Planner<'_> {
    pub(super) fn add_column(
        &mut self,
        t: &mut Altered,
        draft: &NewColumn,
        constraints: &[NewConstraint],
        if_not_exists: bool,
    ) -> Result<()> {
        if t.new.column(&draft.name).is_some() {
            let message = format!("column \"{}\" of relation \"{}\" already exists", draft.name, t.new.name);
            if if_not_exists {
                self.exists(SqlState::DUPLICATE_COLUMN, &message);
                return Ok(());
            }
            return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
        }
        let (column, sequence) = build::column(&self.after, &t.new, draft, &[])?;
        let phys = column_type(column.ty, &self.after)?;
        let domain = self.after.user_type_by_oid(column.ty.oid).filter(|t| t.oid == column.ty.oid).cloned();
        let by_domain = domain.as_ref().is_some_and(|t| t.has_default());
        let filled = column.default.is_some() || column.generated.is_some() || column.identity.is_some() || by_domain;
        let plain = !column.not_null && !filled;
        if let Some(domain) = domain.filter(|_| !filled) {
            // Every row has NULL there.
            t.verify.extend(domain_conditions(&domain, &column.name));
        }
        if plain {
            // Adding a column is the one change that DuckDB makes on any table.
            t.native.push(format!(
                "ALTER TABLE {} ADD COLUMN {} {}",
                table_name(&t.new),
                column_ident(&t.new, &column),
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

    pub(super) fn drop_column(
        &mut self,
        t: &mut Altered,
        name: &Name,
        if_exists: bool,
        behavior: DropBehavior,
    ) -> Result<()> {
        let Some(column) = t.new.column(name).cloned() else {
            let message = format!("column \"{name}\" of relation \"{}\" does not exist", t.new.name);
            if if_exists {
                self.notice(format!("{message}, skipping"));
                return Ok(());
            }
            return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
        };
        self.drop_column_dependents(t, &column, behavior)?;
        let with = constraints_with(&t.new, column.num);
        let uses = |c: &Constraint| with.contains(&c.name);
        let in_key = t.new.constraints.iter().any(|c| uses(c) && !matches!(c.kind, ConstraintKind::Check { .. }));
        t.new.constraints.retain(|c| !uses(c));
        // Expressions go by the names that the table had.
        let called = t.old.column_by_num(column.num).map_or_else(|| name.clone(), |c| c.name.clone());
        t.new.indexes.retain(|i| !i.has_column(column.num) && !i.names_column(&called));
        t.new.details.statistics.retain(|s| !s.columns.contains(&column.num));
        t.new.columns.retain(|c| c.num != column.num);
        t.dropped_sequences.extend(self.sequences_of(&t.old, column.num).map(|sequence| sequence.oid));
        t.new.last_dropped = t.new.last_dropped.max(column.num);
        if t.new.columns.is_empty() {
            // Again, if it is there since the table was made.
            let sql = format!("ALTER TABLE {} ADD COLUMN IF NOT EXISTS {}", table_name(&t.new), filler_definition());
            self.in_place(t, sql, |t| !in_key && !t.has_keys());
        }
        let sql = format!("ALTER TABLE {} DROP COLUMN {}", table_name(&t.new), column_ident(&t.new, &column));
        // DuckDB refuses where an index stands on this column or on one after it.
        self.in_place(t, sql, |t| !in_key && !t.has_keys());
        Ok(())
    }

    /// The sequences that go with a column.
    fn sequences_of(&self, table: &Relation, num: i16) -> impl Iterator<Item = Arc<Relation>> + use<> {
        let (owned, of) = (self.owned_sequences(table.oid), Some((table.oid, num)));
        owned.into_iter().filter(move |s| matches!(&s.kind, RelationKind::Sequence(s) if s.owned_by == of))
    }

    /// What depends on a column of a table and of its partitions goes with it, or keeps it.
    fn drop_column_dependents(&mut self, t: &mut Altered, column: &Column, behavior: DropBehavior) -> Result<()> {
        let name = &column.name;
        let mut snapshot = self.after.clone();
        for relation in std::iter::once(&t.new).chain(&t.children) {
            snapshot.apply_in_place(&Change::PutRelation(Arc::new(relation.clone())));
        }
        let graph = Graph::new(snapshot, self.cx);
        let of = |r: &Relation| Some(Object::Column(r.oid, r.column(name)?.num));
        let asked: Vec<Object> = std::iter::once(&t.new).chain(&t.children).filter_map(of).collect();
        let mut going = graph.going(&asked);
        if behavior == DropBehavior::Restrict {
            let what = match asked.as_slice() {
                [one] => self.describe(one, &graph),
                _ => String::new(),
            };
            return self.nothing_needs(&what, &going, std::iter::empty(), &graph);
        }
        let (before, members) = (self.after.clone(), [t.old.oid]);
        self.tell_what_goes(&going, std::iter::empty(), &graph);
        let told = self.plan.notices.len();
        // Generated columns of the table itself are the ALTER's own affair; its partitions' go with them.
        let own = |object: &Object| match object {
            Object::Column(of, _) => members.contains(of) || t.children.iter().any(|child| child.oid == *of),
            _ => false,
        };
        let mut columns: Vec<Name> = Vec::new();
        for object in going.iter().map(|g| &g.object).filter(|o| own(o) && !asked.contains(o)) {
            if let Object::Column(of, num) = object
                && *of == t.old.oid
            {
                columns.extend(t.new.column_by_num(*num).map(|c| c.name.clone()));
            }
        }
        going.retain(|g| !own(&g.object));
        self.carry_away(going, &graph, &asked)?;
        for new in std::iter::once(&mut t.new).chain(&mut t.children) {
            self.forget_what_went(new, &before);
        }
        for name in columns {
            let gone = AlterTable::DropColumn { name: name.clone(), if_exists: true, behavior };
            self.drop_column(t, &name, true, behavior)?;
            self.spread(t, &gone)?;
        }
        self.plan.notices.truncate(told);
        Ok(())
    }

    /// Policies, keys and defaults of the table that have gone since then go from what it will be, too.
    fn forget_what_went(&self, new: &mut Relation, before: &Snapshot) {
        let (Some(was), Some(is)) = (before.relation_by_oid(new.oid), self.after.relation_by_oid(new.oid)) else {
            return;
        };
        let policy = |of: &Relation, oid| of.rules.policies.iter().any(|p| p.oid == oid);
        new.rules.policies.retain(|p| !policy(was, p.oid) || policy(is, p.oid));
        let constraint = |of: &Relation, oid| of.constraints.iter().any(|c| c.oid == oid);
        new.constraints.retain(|c| !constraint(was, c.oid) || constraint(is, c.oid));
        let default = |of: &Relation, num| of.column_by_num(num).is_some_and(|c| c.default.is_some());
        let columns = new.columns.iter_mut().filter(|c| default(was, c.num) && !default(is, c.num));
        columns.for_each(|c| c.default = None);
    }

    pub(super) fn rename_column(&mut self, t: &mut Altered, from: &Name, to: &Name) -> Result<()> {
        if crate::registry::build::SYSTEM_COLUMNS.contains(&&**to) {
            let message = format!("column name \"{to}\" conflicts with a system column name");
            return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
        }
        if t.new.column(to).is_some() {
            let message = format!("column \"{to}\" of relation \"{}\" already exists", t.new.name);
            return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
        }
        if t.new.column(from).is_none() {
            return Err(Error::new(SqlState::UNDEFINED_COLUMN, format!("column \"{from}\" does not exist")));
        }
        super::partition::renamed(&mut t.new, from, to);
        Ok(())
    }

    pub(super) fn set_not_null(&mut self, t: &mut Altered, name: &Name, not_null: bool) -> Result<()> {
        let in_primary_key = t
            .new
            .primary_key()
            .is_some_and(|pk| t.new.column(name).is_some_and(|c| constraint_columns(pk).contains(&c.num)));
        let (table, of) = (table_name(&t.new), t.new.clone());
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
        let physical = column_ident(&of, column);
        let old = t.old.column_by_num(column.num).cloned();
        if let (true, Some(old)) = (not_null, old) {
            let message = format!("column \"{name}\" of relation \"{}\" contains null values", t.old.name);
            let error = Error::new(SqlState::NOT_NULL_VIOLATION, message)
                .table(&*t.old.namespace, &*t.old.name)
                .column(&**name);
            if t.old.is_partition() {
                t.verify.push((format!("{} IS NULL", expression::quote(name)), error));
            } else if !t.sources.contains_key(&column.num) {
                let sql = is_null(&t.old, &old);
                self.verify_sql(sql, error);
            }
        }
        let what = if not_null { "SET" } else { "DROP" };
        let sql = format!("ALTER TABLE {table} ALTER COLUMN {physical} {what} NOT NULL");
        self.in_place(t, sql, |_| true);
        Ok(())
    }

    pub(super) fn set_type(
        &mut self,
        t: &mut Altered,
        name: &Name,
        (ty, collation): (PgType, Oid),
        using: Option<&str>,
    ) -> Result<()> {
        let (table, of) = (table_name(&t.new), t.new.clone());
        let phys = column_type(ty, &self.after)?;
        self.type_is_not_read(t, name)?;
        let column = column_mut(&mut t.new, name)?;
        let (num, from, physical) = (column.num, column.ty, column_ident(&of, column));
        column.collation = collation;
        if from == ty && from.is_shaped() == ty.is_shaped() && using.is_none() {
            return Ok(());
        }
        column.ty = ty;
        let excludes =
            |c: &Constraint| matches!(c.kind, ConstraintKind::Exclusion { .. }) && constraint_columns(c).contains(&num);
        if from.oid != ty.oid
            && let Some(constraint) = t.new.constraints.iter().find(|c| excludes(c))
        {
            let what = format!("ALTER TYPE of a column of exclusion constraint \"{}\"", constraint.name);
            return Err(Error::unsupported(what).hint("Drop the constraint first, and add it again afterwards."));
        }
        let column = column_mut(&mut t.new, name)?;
        if let Some(Identity { .. }) = column.identity {
            if !matches!(ty.oid, oid::INT2 | oid::INT4 | oid::INT8) {
                let message = "identity column type must be smallint, integer, or bigint";
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
            }
            self.alter_identity(t, name, None, &SequenceChange { ty: Some(ty.oid), ..SequenceChange::default() })?;
        }
        let keyed = t.new.constraints.iter().any(|c| constraint_columns(c).contains(&num));
        if using.is_none() && widens(from, ty, &self.after) {
            let sql = format!("ALTER TABLE {table} ALTER COLUMN {physical} TYPE {}", phys.duckdb());
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

    /// Nothing that is bound to the column, here and in partitions, was made for another type.
    fn type_is_not_read(&self, t: &Altered, name: &Name) -> Result<()> {
        let graph = self.graph();
        let tables = std::iter::once(t.old.oid).chain(t.children.iter().map(|child| child.oid));
        for of in tables.filter_map(|oid| self.after.relation_by_oid(oid)) {
            let Some(num) = of.column(name).map(|c| c.num) else { continue };
            // The first that was made is told.
            for (object, _) in graph.on(&Object::Column(of.oid, num)) {
                let described = || self.describe(&object, &graph);
                let (by, what) = match &object {
                    Object::Relation(oid) => match self.after.relation_by_oid(*oid) {
                        Some(view) if view.kind.definition().is_some() => {
                            ("by a view or rule", format!("rule _RETURN on {}", described()))
                        }
                        _ => continue,
                    },
                    Object::Policy(..) | Object::Mask(..) => ("in a policy definition", described()),
                    Object::Function(_) => ("by a function or procedure", described()),
                    Object::Namespace(_)
                    | Object::Column(..)
                    | Object::Default(..)
                    | Object::Constraint(..)
                    | Object::Index(..)
                    | Object::Type(_)
                    | Object::DomainCheck(..) => continue,
                };
                let message = format!("cannot alter type of a column used {by}");
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
                    .detail(format!("{what} depends on column \"{name}\"")));
            }
        }
        Ok(())
    }

    pub(super) fn set_identity(
        &mut self,
        t: &mut Altered,
        name: &Name,
        always: Option<bool>,
        (options, called): (Option<crate::registry::Sequence>, Option<&Name>),
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
        let mut sequence = build::owned_sequence(&self.after, &like, column, options, &[])?;
        sequence.name = called.cloned().unwrap_or(sequence.name);
        column.identity = Some(Identity { always, sequence: sequence.oid });
        t.sequences.push((sequence, None));
        Ok(())
    }

    /// Its values stay as they are.
    pub(super) fn drop_expression(&mut self, t: &mut Altered, name: &Name, if_exists: bool) -> Result<()> {
        let table = t.new.name.clone();
        if column_mut(&mut t.new, name)?.generated.take().is_none() {
            let message = format!("column \"{name}\" of relation \"{table}\" is not a stored generated column");
            if !if_exists {
                return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
            }
            self.notice(format!("{message}, skipping"));
        }
        Ok(())
    }

    /// SET GENERATED, and what ALTER COLUMN changes of the identity's sequence.
    pub(super) fn alter_identity(
        &mut self,
        t: &mut Altered,
        name: &Name,
        always: Option<bool>,
        change: &SequenceChange,
    ) -> Result<()> {
        let table = t.new.name.clone();
        let column = column_mut(&mut t.new, name)?;
        let Some(identity) = &mut column.identity else {
            let message = format!("column \"{name}\" of relation \"{table}\" is not an identity column");
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
        };
        identity.always = always.unwrap_or(identity.always);
        let oid = identity.sequence;
        let known = t.sequences.iter().position(|(sequence, _)| sequence.oid == oid).map(|at| t.sequences.remove(at));
        let (mut sequence, before) = match known {
            Some(known) => known,
            None => {
                let sequence =
                    self.after.relation_by_oid(oid).ok_or_else(|| Error::internal("an identity without a sequence"))?;
                ((**sequence).clone(), None)
            }
        };
        let restart = sequence::change(&mut sequence, change)?;
        t.sequences.push((sequence, restart.or(before)));
        Ok(())
    }

    /// A generated column's expression changed, given or taken away. Values are computed anew; those of a column that is
    /// generated no more stay. PostgreSQL 15 has of these only DROP EXPRESSION: schema files ask for the others.
    pub fn set_generated(&mut self, old: Arc<Relation>, name: &Name, text: Option<String>) -> Result<()> {
        let mut new = (*old).clone();
        let column = column_mut(&mut new, name)?;
        column.generated = text;
        if column.generated.is_none() {
            self.put_relation(new);
            return Ok(());
        }
        let sources = HashMap::from([(column.num, ColumnSource::Default)]);
        let change = Rebuild { old, new, sources };
        self.rebuild(&change)?;
        self.put_relation(change.new);
        Ok(())
    }
}

/// The conditions under which a new column's NULL is none of its domain's values, and the errors.
fn domain_conditions(domain: &UserType, column: &str) -> Vec<(String, Error)> {
    let UserTypeKind::Domain { base: _, collation: _, not_null, default: _, checks } = &domain.kind else {
        return Vec::new();
    };
    let name = &domain.name;
    let of_domain = |mut error: Error| {
        error.report_mut().schema = Some(domain.namespace.to_string());
        error.report_mut().data_type = Some(name.to_string());
        error
    };
    let null = not_null.then(|| {
        let message = format!("domain {name} does not allow null values");
        let error = of_domain(Error::new(SqlState::NOT_NULL_VIOLATION, message));
        (format!("{} IS NULL", expression::quote(column)), error)
    });
    let checks = checks.iter().map(|(check, text)| {
        let message = format!("value for domain {name} violates check constraint \"{check}\"");
        let error = of_domain(Error::new(SqlState::CHECK_VIOLATION, message).constraint(&**check));
        (format!("NOT ({})", expression::rename_column(text, "value", column)), error)
    });
    null.into_iter().chain(checks).collect()
}
