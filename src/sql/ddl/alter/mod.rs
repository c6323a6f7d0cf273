//! ALTER TABLE, and what ALTER VIEW, INDEX and SEQUENCE share with it.
//!
//! The actions change a copy of the relation. Each says how DuckDB can follow: with a command of its own where that works
//! on this table, by a rebuild otherwise; several actions that need one share it.

mod column;
mod constraint;
mod logged;
mod partition;
mod triggers;
mod tuning;

use std::collections::HashMap;
use std::sync::Arc;

use tuning::{statistics_tag, tune, tune_index};

use super::partition::keys_have_the_partition_key;
use super::pipeline;
use super::planner::Planner;
use super::rebuild::{ColumnSource, Rebuild};
use super::{Step, keys};
use crate::error::{Error, Result, SqlState};
use crate::registry::{Change, CheckedKey, Column, Constraint, ConstraintKind, Name, Relation, RelationKind};
use crate::tree::{AlterTable, ObjectKind};
use crate::types::Oid;

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
    /// Foreign keys (by OID) that its rows are to be checked for then.
    keys: Vec<Oid>,
    sequences: Vec<(Relation, Option<i64>)>,
    dropped_sequences: Vec<Oid>,
    /// Its partitions, each before its own, as they will be.
    children: Vec<Relation>,
}

impl Planner<'_> {
    pub fn alter_table(
        &mut self,
        kind: ObjectKind,
        (namespace, name): (&Name, &Name),
        actions: &[AlterTable],
        (if_exists, only): (bool, bool),
    ) -> Result<()> {
        let statistics = match actions {
            [AlterTable::Tune(tuning)] => statistics_tag(tuning),
            _ => None,
        };
        self.tag(statistics.unwrap_or(match kind {
            ObjectKind::View => "ALTER VIEW",
            ObjectKind::MaterializedView => "ALTER MATERIALIZED VIEW",
            ObjectKind::Index => "ALTER INDEX",
            ObjectKind::Sequence => "ALTER SEQUENCE",
            _ => "ALTER TABLE",
        }));
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
            (RelationKind::Table, ObjectKind::Table) => match actions {
                [AlterTable::AttachPartition { partition, bound }] => {
                    self.attach_partition(&old, (&partition.0, &partition.1), bound)
                }
                [AlterTable::DetachPartition { partition, concurrently }] => {
                    if !old.is_partitioned() {
                        let message = format!("table \"{}\" is not partitioned", old.name);
                        return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
                    }
                    self.detach_partition(&old, (&partition.0, &partition.1), *concurrently)
                }
                _ => self.alter_real_table(old, actions, only),
            },
            (RelationKind::View { .. }, ObjectKind::Table | ObjectKind::View)
            | (RelationKind::MaterializedView { .. }, ObjectKind::Table | ObjectKind::MaterializedView)
            | (RelationKind::Sequence(_), ObjectKind::Table | ObjectKind::Sequence) => self.alter_other(old, actions),
            (RelationKind::System, _) => Err(Error::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("permission denied: \"{name}\" is a system catalog"),
            )),
            (RelationKind::Composite, _) => Err(wrong_type(name, "a table").hint("Use ALTER TYPE instead.")),
            (_, ObjectKind::View) => Err(wrong_type(name, "a view")),
            (_, ObjectKind::MaterializedView) => Err(wrong_type(name, "a materialized view")),
            (_, ObjectKind::Sequence) => Err(wrong_type(name, "a sequence")),
            (_, ObjectKind::Index) => Err(wrong_type(name, "an index")),
            _ => Err(wrong_type(name, "a table")),
        }
    }

    /// Views of both kinds and sequences: renaming, moving, owner.
    fn alter_other(&mut self, old: Arc<Relation>, actions: &[AlterTable]) -> Result<()> {
        let mut new = (*old).clone();
        let mut renamed = false;
        for action in actions {
            match action {
                AlterTable::RenameTable { to } => {
                    self.free_name(&new.namespace, to)?;
                    self.free_type(&new, &new.namespace, to)?;
                    new.name = to.clone();
                }
                AlterTable::SetNamespace { to } => {
                    self.free_in(to, &new)?;
                    new.namespace = to.clone();
                }
                AlterTable::SetOwner { to } => self.set_owner(&mut new, to)?,
                AlterTable::RenameColumn { from, to } if new.kind.definition().is_some() => {
                    if new.column(to).is_some() {
                        let message = format!("column \"{to}\" of relation \"{}\" already exists", new.name);
                        return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
                    }
                    column_mut(&mut new, from)?.name = to.clone();
                    renamed = true;
                }
                AlterTable::Tune(tuning) if matches!(new.kind, RelationKind::MaterializedView { .. }) => {
                    self.tune_statistics(&mut new, tuning)?;
                    tune(&mut new, tuning)?;
                }
                AlterTable::SetLogged(logged) if matches!(new.kind, RelationKind::Sequence(_)) => {
                    new.details.unlogged = !logged;
                }
                AlterTable::ViewSecurity { invoker, barrier } if matches!(new.kind, RelationKind::View { .. }) => {
                    new.rules.invoker = invoker.unwrap_or(new.rules.invoker);
                    new.rules.barrier = barrier.unwrap_or(new.rules.barrier);
                }
                AlterTable::RenameColumn { .. }
                | AlterTable::ViewSecurity { .. }
                | AlterTable::AddColumn { .. }
                | AlterTable::DropColumn { .. }
                | AlterTable::SetDefault { .. }
                | AlterTable::SetNotNull { .. }
                | AlterTable::SetType { .. }
                | AlterTable::AddConstraint(_)
                | AlterTable::TakeIndex { .. }
                | AlterTable::DropConstraint { .. }
                | AlterTable::RenameConstraint { .. }
                | AlterTable::ValidateConstraint { .. }
                | AlterTable::DeferConstraint { .. }
                | AlterTable::SetIdentity { .. }
                | AlterTable::DropExpression { .. }
                | AlterTable::AlterIdentity { .. }
                | AlterTable::RowSecurity(_)
                | AlterTable::AttachPartition { .. }
                | AlterTable::AttachIndex { .. }
                | AlterTable::DetachPartition { .. }
                | AlterTable::SetLogged(_)
                | AlterTable::Triggers { .. }
                | AlterTable::Tune(_) => {
                    return Err(not_for(&new, action));
                }
            }
        }
        let before = self.after.clone();
        let moved = (&new.namespace, &new.name) != (&old.namespace, &old.name);
        self.put_relation(new);
        if renamed {
            self.columns_follow(&before, &old)?;
        }
        if moved { self.follow(&before, &[old.oid], &old.name) } else { Ok(()) }
    }

    fn alter_index(&mut self, table: &Arc<Relation>, name: &Name, actions: &[AlterTable]) -> Result<()> {
        self.may_change(&table.managed, "table", &table.name)?;
        if let [AlterTable::AttachIndex { index }] = actions {
            return self.attach_index((table, name), index);
        }
        let mut new = (**table).clone();
        for action in actions {
            let to = match action {
                AlterTable::RenameTable { to } => to,
                AlterTable::Tune(tuning) => {
                    tune_index(&mut new, name, tuning)?;
                    continue;
                }
                _ => return Err(Error::unsupported("this form of ALTER INDEX")),
            };
            self.free_name(&new.namespace, to)?;
            new.indexes.iter_mut().filter(|i| i.name == *name).for_each(|i| i.name = to.clone());
            new.constraints.iter_mut().filter(|c| c.name == *name).for_each(|c| c.name = to.clone());
        }
        // The name inside DuckDB is made from the OID and stays.
        self.put_relation(new);
        Ok(())
    }

    pub(in crate::sql::ddl) fn alter_real_table(
        &mut self,
        old: Arc<Relation>,
        actions: &[AlterTable],
        only: bool,
    ) -> Result<()> {
        let mut table = Altered {
            children: self.children_of(&old),
            new: (*old).clone(),
            old,
            native: Vec::new(),
            sources: HashMap::new(),
            rebuild: false,
            verify: Vec::new(),
            keys: Vec::new(),
            sequences: Vec::new(),
            dropped_sequences: Vec::new(),
        };
        for action in actions {
            self.fits_in_tree(&table.new, action)?;
            self.alter_action(&mut table, action)?;
            if !only || matches!(action, AlterTable::DropConstraint { .. }) {
                self.spread(&mut table, action)?;
            }
        }
        keys_have_the_partition_key(&table.new, &self.after)?;
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
                self.free_type(&t.new, &t.new.namespace, to)?;
                t.new.name = to.clone();
                Ok(())
            }
            AlterTable::SetNamespace { to } => {
                self.free_in(to, &t.new)?;
                t.new.namespace = to.clone();
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
            AlterTable::SetType { column, ty, using, collation } => {
                self.set_type(t, column, (*ty, *collation), using.as_ref().map(|(text, _)| text.as_str()))
            }
            AlterTable::AddConstraint(constraint) => self.add_constraint(t, constraint),
            AlterTable::TakeIndex { name, to } => {
                t.new.indexes.retain(|i| i.name != *name);
                if name != to {
                    let what = "ALTER TABLE / ADD CONSTRAINT USING INDEX will rename index";
                    self.notice(format!("{what} \"{name}\" to \"{to}\""));
                }
                t.rebuild = true;
                Ok(())
            }
            AlterTable::DropConstraint { name, if_exists, behavior } => {
                self.drop_constraint(t, name, *if_exists, *behavior)
            }
            AlterTable::ValidateConstraint { name } => self.validate_constraint(t, name),
            AlterTable::DeferConstraint { name, deferrable, initially_deferred } => {
                constraint::defer(&mut t.new, name, *deferrable, *initially_deferred)
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
            AlterTable::RowSecurity(to) => {
                super::policy::switch(&mut t.new.rules, *to);
                Ok(())
            }
            AlterTable::ViewSecurity { .. } => Err(for_views_only()),
            AlterTable::SetLogged(logged) => self.set_logged(t, *logged),
            AlterTable::Triggers { all, enabled } => self.switch_triggers(t, *all, *enabled),
            AlterTable::Tune(tuning) => {
                self.tune_statistics(&mut t.new, tuning)?;
                tune(&mut t.new, tuning)
            }
            AlterTable::AttachPartition { .. }
            | AlterTable::AttachIndex { .. }
            | AlterTable::DetachPartition { .. } => {
                Err(Error::internal("ALTER TABLE: a partition among other actions"))
            }
            AlterTable::SetIdentity { column, always, options, sequence, if_exists } => {
                self.set_identity(t, column, *always, (options.clone(), sequence.as_ref()), *if_exists)
            }
            AlterTable::DropExpression { column, if_exists } => self.drop_expression(t, column, *if_exists),
            AlterTable::AlterIdentity { column, always, change } => self.alter_identity(t, column, *always, change),
        }
    }

    /// Notes a command that does it in place, if it can be done so on this table; a rebuild otherwise.
    fn in_place(&self, t: &mut Altered, sql: String, also: impl Fn(&Altered) -> bool) {
        if !t.has_native_indexes() && also(t) {
            t.native.push(sql);
        } else {
            t.rebuild = true;
        }
    }

    pub fn set_owner(&mut self, relation: &mut Relation, to: &Name) -> Result<()> {
        let owner = self.role(to)?.oid;
        relation.acl = super::grant::change_owner(&relation.acl, relation.owner, owner);
        relation.owner = owner;
        Ok(())
    }

    /// The steps and changes of an altered table.
    fn carry_out(&mut self, mut t: Altered) -> Result<()> {
        t.rebuild |= !t.native.is_empty() && self.cx.touched.contains(&t.old.oid);
        self.row_type_may_change(&t.old, &t.new)?;
        self.retyped_expressions_follow(&t.old, &mut t.new)?;
        for child in &mut t.children {
            if let Some(was) = self.after.relation_by_oid(child.oid) {
                self.retyped_expressions_follow(was, child)?;
            }
        }
        let before = self.after.clone();
        for (sequence, restart) in &t.sequences {
            self.put_sequence(sequence.clone(), *restart);
        }
        let (old, new_name) = (t.old.clone(), t.new.clone());
        let retyped: Vec<i16> = t.sources.keys().copied().collect();
        let moved: Vec<Relation> = t.sequences.iter().map(|(s, _)| s.clone()).collect();
        if t.old.is_partition() {
            // Nothing of it is DuckDB's; what its rows must meet is asked below.
            self.put_relation(t.new);
        } else if t.rebuild {
            let change = Rebuild { old: t.old.clone(), new: t.new, sources: t.sources };
            self.rebuild(&change)?;
            self.put_relation(change.new);
        } else {
            t.native.into_iter().for_each(|sql| self.command(sql));
            self.put_relation(t.new);
        }
        for child in t.children {
            let was = before.relation_by_oid(child.oid).cloned();
            let names = |r: &Relation| r.columns.iter().map(|c| (c.num, c.name.clone())).collect::<Vec<_>>();
            let moved = was.as_ref().is_some_and(|was| names(was) != names(&child));
            self.put_relation(child);
            if let Some(was) = was.filter(|_| moved) {
                self.columns_follow(&before, &was)?;
            }
        }
        if let Some(member) = self.after.relation_by_oid(old.oid).filter(|r| r.is_partition()).cloned() {
            self.note_tree(&member);
        }
        let names = |r: &Relation| r.columns.iter().map(|c| (c.num, c.name.clone())).collect::<Vec<_>>();
        if names(&old) != names(&new_name) {
            self.columns_follow(&before, &old)?;
        }
        if (&old.namespace, &old.name) != (&new_name.namespace, &new_name.name) {
            self.own_expressions_follow(&before, &old)?;
            self.follow(&before, &[old.oid, old.row_type], &old.name)?;
        }
        for sequence in moved {
            if let Some(was) = before.relation_by_oid(sequence.oid).cloned()
                && was.namespace != sequence.namespace
            {
                self.follow(&before, &[was.oid], &was.name)?;
            }
        }
        for (condition, error) in t.verify {
            let plan = pipeline::violations(self.cx, &self.after, &new_name, &condition)?;
            self.plan.steps.push(Step::Verify(plan, error));
        }
        for key in keys::Key::all(&self.after)? {
            let concerns = |table: &Relation, columns: &[i16]| {
                table.oid == new_name.oid && columns.iter().any(|column| retyped.contains(column))
            };
            if concerns(&key.child, &key.columns) || concerns(&key.parent, &key.target_columns) {
                key.is_possible(&self.after)?;
                self.plan.steps.push(Step::Key(key));
            }
        }
        // What has come of the values may be equal where they were not.
        let of_retyped = |key: &CheckedKey<'_>| key.columns().any(|column| retyped.contains(&column));
        let keys = new_name.checked_keys(&self.after).filter(of_retyped).map(|key| key.oid).collect::<Vec<_>>();
        t.keys.extend(keys.into_iter().filter(|oid| !t.keys.contains(oid)).collect::<Vec<_>>());
        for constraint in t.keys {
            if let Some(key) = keys::Key::find(&self.after, new_name.oid, constraint)? {
                self.plan.steps.push(Step::Key(Arc::new(key)));
            } else if let Some(table) = self.after.relation_by_oid(new_name.oid).cloned() {
                self.check_unique(&table, constraint)?;
            }
        }
        for oid in t.dropped_sequences {
            self.forget_count(oid);
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

    /// A relation's type goes by its name, too (RenameTypeInternal).
    fn free_type(&self, of: &Relation, namespace: &str, name: &str) -> Result<()> {
        if matches!(of.kind, RelationKind::Sequence(_)) || self.after.user_type(namespace, name).is_none() {
            return Ok(());
        }
        let there = if *of.namespace == *namespace { String::new() } else { format!(" in schema \"{namespace}\"") };
        Err(Error::new(SqlState::DUPLICATE_OBJECT, format!("type \"{name}\" already exists{there}")))
    }

    /// SET SCHEMA: the name must be free there; where the relation is already there is nothing to do.
    fn free_in(&self, namespace: &str, old: &Relation) -> Result<()> {
        let name = &*old.name;
        if !self.after.namespaces.contains_key(namespace) {
            return Err(super::planner::no_namespace(namespace));
        }
        if *old.namespace != *namespace && self.after.relation_name_taken(namespace, name) {
            let message = format!("relation \"{name}\" already exists in schema \"{namespace}\"");
            return Err(Error::new(SqlState::DUPLICATE_TABLE, message));
        }
        self.free_type(old, namespace, name)
    }
}

impl Altered {
    fn has_native_indexes(&self) -> bool {
        self.old.indexes.iter().chain(&self.new.indexes).any(|i| i.unique && !i.of_constraint)
    }

    fn has_keys(&self) -> bool {
        let key = |c: &Constraint| matches!(c.kind, ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. });
        self.old.constraints.iter().chain(&self.new.constraints).any(key)
    }
}

/// An action that is for tables only.
fn not_for(relation: &Relation, action: &AlterTable) -> Error {
    if !matches!(relation.kind, RelationKind::MaterializedView { .. } | RelationKind::Sequence(_)) {
        return Error::unsupported(format!("this ALTER of {} \"{}\"", word(relation), relation.name));
    }
    let action = match action {
        AlterTable::RenameColumn { .. } if matches!(relation.kind, RelationKind::Sequence(_)) => {
            let message = format!("cannot rename columns of relation \"{}\"", relation.name);
            return Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                .detail("This operation is not supported for sequences.");
        }
        AlterTable::AddColumn { .. } => "ADD COLUMN",
        AlterTable::DropColumn { .. } => "DROP COLUMN",
        AlterTable::SetDefault { default: Some(_), .. } => "ALTER COLUMN ... SET DEFAULT",
        AlterTable::SetDefault { default: None, .. } => "ALTER COLUMN ... DROP DEFAULT",
        AlterTable::SetNotNull { not_null: true, .. } => "ALTER COLUMN ... SET NOT NULL",
        AlterTable::SetNotNull { not_null: false, .. } => "ALTER COLUMN ... DROP NOT NULL",
        AlterTable::SetType { .. } => "ALTER COLUMN ... SET DATA TYPE",
        AlterTable::AddConstraint(_) | AlterTable::TakeIndex { .. } => "ADD CONSTRAINT",
        AlterTable::DropConstraint { .. } => "DROP CONSTRAINT",
        AlterTable::RenameConstraint { .. } => "RENAME CONSTRAINT",
        AlterTable::ValidateConstraint { .. } => "VALIDATE CONSTRAINT",
        AlterTable::DeferConstraint { .. } => "ALTER CONSTRAINT",
        AlterTable::SetIdentity { always: Some(_), .. } => "ALTER COLUMN ... ADD IDENTITY",
        AlterTable::SetIdentity { always: None, .. } => "ALTER COLUMN ... DROP IDENTITY",
        AlterTable::DropExpression { .. } => "ALTER COLUMN ... DROP EXPRESSION",
        AlterTable::AlterIdentity { .. } => "ALTER COLUMN ... SET",
        AlterTable::RowSecurity(_) => "ROW SECURITY",
        AlterTable::AttachPartition { .. } | AlterTable::AttachIndex { .. } => "ATTACH PARTITION",
        AlterTable::DetachPartition { .. } => "DETACH PARTITION",
        AlterTable::ViewSecurity { .. } => return for_views_only(),
        AlterTable::SetLogged(true) => "SET LOGGED",
        AlterTable::SetLogged(false) => "SET UNLOGGED",
        AlterTable::Triggers { enabled: true, .. } => "ENABLE TRIGGER",
        AlterTable::Triggers { enabled: false, .. } => "DISABLE TRIGGER",
        AlterTable::RenameColumn { .. }
        | AlterTable::RenameTable { .. }
        | AlterTable::SetNamespace { .. }
        | AlterTable::SetOwner { .. }
        | AlterTable::Tune(_) => "SET",
    };
    let message = format!("ALTER action {action} cannot be performed on relation \"{}\"", relation.name);
    Error::new(SqlState::WRONG_OBJECT_TYPE, message)
        .detail(format!("This operation is not supported for {}s.", word(relation)))
}

/// security_invoker of what is no view.
fn for_views_only() -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, "unrecognized parameter \"security_invoker\"")
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

/// The constraints that have a column, or whose index includes it.
pub fn constraints_with(relation: &Relation, num: i16) -> Vec<Name> {
    let includes = |c: &Constraint| {
        relation.indexes.iter().any(|i| i.of_constraint && i.name == c.name && i.included.contains(&num))
    };
    let with = relation.constraints.iter().filter(|c| constraint_columns(c).contains(&num) || includes(c));
    with.map(|c| c.name.clone()).collect()
}

/// The columns that a constraint names in its own table.
pub fn constraint_columns(constraint: &Constraint) -> &[i16] {
    match &constraint.kind {
        ConstraintKind::PrimaryKey { columns }
        | ConstraintKind::Unique { columns, .. }
        | ConstraintKind::ForeignKey { columns, .. }
        | ConstraintKind::Check { columns, .. }
        | ConstraintKind::Exclusion { columns, .. } => columns,
    }
}

pub fn word(relation: &Relation) -> &'static str {
    match relation.kind {
        RelationKind::Table => "table",
        RelationKind::View { .. } | RelationKind::System => "view",
        RelationKind::MaterializedView { .. } => "materialized view",
        RelationKind::Sequence(_) => "sequence",
        RelationKind::Composite => "type",
    }
}

pub fn wrong_type(name: &str, what: &str) -> Error {
    Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{name}\" is not {what}"))
}
