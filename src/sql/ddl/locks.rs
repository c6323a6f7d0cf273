//! What a schema change locks before it is carried out. PostgreSQL's modes, found from what the plan changes: so what
//! CASCADE, a partition tree or an owned sequence brings along is locked like what the statement names.
//!
//! | what | mode |
//! |---|---|
//! | a relation that is changed or dropped | ACCESS EXCLUSIVE; less where PostgreSQL takes less and the rows stay as they are |
//! | a table that a new foreign key refers to, a tree whose rows are moved | SHARE ROW EXCLUSIVE |
//! | what a new view reads | ACCESS SHARE |
//! | a namespace in which something is made, a type that a new column has | ACCESS SHARE |
//! | a table whose rows are asked whether they meet the change | ACCESS SHARE |
//! | another object that is changed or dropped | ACCESS EXCLUSIVE |
//! | a name that is taken | ACCESS EXCLUSIVE |
//!
//! All changes of one relation exclude each other, since the registry keeps it as a whole: CREATE INDEX takes SHARE ROW EXCLUSIVE, not
//! SHARE, GRANT and COMMENT take SHARE UPDATE EXCLUSIVE.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::{DdlPlan, Step};
use crate::engine::directory::{LockMode, LockTag};
use crate::registry::{Change, ConstraintKind, Name, ObjectClass, Relation, Snapshot};
use crate::tree::{AlterTable, Ddl, NewConstraintKind};
use crate::types::Oid;

/// What has to be locked, in an order that is the same for everybody; and which tables' rows the change looks at or moves: they are to
/// be seen as they are when the lock is held.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Locks {
    pub tags: BTreeMap<LockTag, LockMode>,
    pub rows: BTreeSet<Oid>,
    /// The names that are taken, for who waited for one.
    pub names: Vec<(Name, Name)>,
}

impl Locks {
    fn add(&mut self, tag: LockTag, mode: LockMode) {
        let known = self.tags.entry(tag).or_insert(mode);
        *known = (*known).max(mode);
    }

    fn take_name(&mut self, class: &str, namespace: &Name, name: &Name) {
        let mut hasher = DefaultHasher::new();
        (class, namespace, name).hash(&mut hasher);
        self.add(LockTag::Name(hasher.finish()), LockMode::AccessExclusive);
    }

    fn take_relation_name(&mut self, namespace: &Name, name: &Name) {
        self.take_name("relation", namespace, name);
        self.names.push((namespace.clone(), name.clone()));
    }
}

/// The locks of a statement whose plan for the schema `before` is `plan`. Temporary objects are nobody else's.
pub fn locks(ddl: &Ddl, plan: &DdlPlan, before: &Snapshot) -> Locks {
    let mut locks = Locks::default();
    let (mode, rows) = of_statement(ddl);
    for change in plan.changes.iter().filter(|change| !change.is_temporary(before)) {
        match change {
            Change::PutRelation(new) => {
                let old = before.relation_by_oid(new.oid);
                match old {
                    Some(old) => {
                        locks.add(LockTag::Relation(old.oid), mode);
                        if rows && old.kind.is_stored() {
                            locks.rows.insert(old.oid);
                        }
                    }
                    None => in_namespace(&mut locks, &new.namespace, before),
                }
                of_relation(&mut locks, old.map(|old| &**old), new, before);
            }
            Change::DropRelation(oid) if before.relation_by_oid(*oid).is_some() => {
                locks.add(LockTag::Relation(*oid), LockMode::AccessExclusive);
            }
            Change::DropRelation(_) => {}
            other => of_object(&mut locks, other, before, mode),
        }
        if let (Ddl::AlterDomain { .. }, Change::PutType(domain)) = (ddl, change) {
            // Its rows may be held against a new check.
            let has = |r: &&Relation| r.columns.iter().any(|c| c.ty.oid == domain.oid);
            for table in before.relations.values().map(|r| &**r).filter(has).filter(|r| r.kind.is_stored()) {
                locks.add(LockTag::Relation(table.oid), LockMode::Share);
                locks.rows.insert(table.oid);
            }
        }
    }
    for oid in &plan.moved {
        locks.add(LockTag::Relation(*oid), LockMode::ShareRowExclusive);
        locks.rows.insert(*oid);
    }
    for oid in &plan.emptied {
        locks.add(LockTag::Relation(*oid), LockMode::AccessExclusive);
        locks.rows.insert(*oid);
    }
    // Reading waits for who has shut a table: then others' locks would be held already, in whatever order.
    for step in &plan.steps {
        if let Step::Verify(question, _) = step {
            for oid in question.depends.tables.iter().filter(|oid| before.relation_by_oid(**oid).is_some()) {
                locks.add(LockTag::Relation(*oid), LockMode::AccessShare);
            }
        }
    }
    match ddl {
        Ddl::Truncate { tables, .. } => {
            for table in tables {
                locks.add(LockTag::Relation(table.oid), LockMode::AccessExclusive);
                locks.rows.insert(table.oid);
            }
        }
        Ddl::Refresh { view, concurrently, .. } => {
            let mode = if *concurrently { LockMode::Exclusive } else { LockMode::AccessExclusive };
            locks.add(LockTag::Relation(view.oid), mode);
        }
        _ => {}
    }
    let temporary = |oid: Oid| before.relation_by_oid(oid).is_some_and(|r| r.temporary);
    locks.tags.retain(|tag, _| !matches!(tag, LockTag::Relation(oid) if temporary(*oid)));
    locks.rows.retain(|oid| !temporary(*oid));
    locks
}

/// How the relations that a statement changes are locked, and whether it looks at their rows, or moves them.
fn of_statement(ddl: &Ddl) -> (LockMode, bool) {
    match ddl {
        Ddl::Comment { .. } | Ddl::Grant(_) => (LockMode::ShareUpdateExclusive, false),
        Ddl::CreateIndex { .. } => (LockMode::ShareRowExclusive, true),
        Ddl::AlterTable { actions, .. } => {
            let each = actions.iter().map(of_action);
            let strongest = each.clone().map(|(mode, _)| mode).max().unwrap_or(LockMode::AccessExclusive);
            (strongest, each.clone().any(|(_, rows)| rows))
        }
        Ddl::CreatePolicy { .. } | Ddl::AlterPolicy { .. } | Ddl::DropPolicy { .. } => {
            (LockMode::AccessExclusive, false)
        }
        Ddl::CreateView { .. } | Ddl::AlterSequence { .. } => (LockMode::AccessExclusive, false),
        _ => (LockMode::AccessExclusive, true),
    }
}

fn of_action(action: &AlterTable) -> (LockMode, bool) {
    match action {
        // What is validated holds for what others write; COMMIT looks whether a foreign key's rows have changed.
        AlterTable::Tune(_) | AlterTable::ValidateConstraint { .. } => (LockMode::ShareUpdateExclusive, false),
        AlterTable::AddConstraint(constraint) => match constraint.kind {
            NewConstraintKind::ForeignKey { .. } => (LockMode::ShareRowExclusive, true),
            _ => (LockMode::AccessExclusive, true),
        },
        AlterTable::Triggers { .. } => (LockMode::ShareRowExclusive, false),
        AlterTable::RenameConstraint { .. }
        | AlterTable::DeferConstraint { .. }
        | AlterTable::SetOwner { .. }
        | AlterTable::RowSecurity(_)
        | AlterTable::ViewSecurity { .. }
        | AlterTable::AlterIdentity { .. }
        | AlterTable::SetLogged(_) => (LockMode::AccessExclusive, false),
        AlterTable::AddColumn { .. }
        | AlterTable::TakeIndex { .. }
        | AlterTable::DropColumn { .. }
        | AlterTable::RenameColumn { .. }
        | AlterTable::RenameTable { .. }
        | AlterTable::SetNamespace { .. }
        | AlterTable::SetDefault { .. }
        | AlterTable::SetNotNull { .. }
        | AlterTable::SetType { .. }
        | AlterTable::DropConstraint { .. }
        | AlterTable::SetIdentity { .. }
        | AlterTable::DropExpression { .. }
        | AlterTable::AttachPartition { .. }
        | AlterTable::AttachIndex { .. }
        | AlterTable::DetachPartition { .. } => (LockMode::AccessExclusive, true),
    }
}

/// What is made in a namespace keeps others from dropping it.
fn in_namespace(locks: &mut Locks, namespace: &Name, before: &Snapshot) {
    if let Some(namespace) = before.namespaces.get(namespace) {
        locks.add(LockTag::Object(namespace.oid), LockMode::AccessShare);
    }
}

/// What a relation newly has: its name and those of its indexes, what its foreign keys refer to, its columns' types, the tree above it,
/// what its query reads.
fn of_relation(locks: &mut Locks, old: Option<&Relation>, new: &Relation, before: &Snapshot) {
    let same_place = old.is_some_and(|old| old.namespace == new.namespace);
    if !same_place || old.is_some_and(|old| old.name != new.name) {
        in_namespace(locks, &new.namespace, before);
        locks.take_relation_name(&new.namespace, &new.name);
    }
    for index in &new.indexes {
        let known = old.is_some_and(|old| old.indexes.iter().any(|i| i.oid == index.oid && i.name == index.name));
        if !same_place || !known {
            locks.take_relation_name(&new.namespace, &index.name);
        }
    }
    for constraint in &new.constraints {
        let ConstraintKind::ForeignKey { target, .. } = constraint.kind else { continue };
        let known = old.is_some_and(|old| old.constraints.iter().any(|c| c.oid == constraint.oid));
        if !known && target != new.oid && before.relation_by_oid(target).is_some() {
            locks.add(LockTag::Relation(target), LockMode::ShareRowExclusive);
        }
    }
    for column in &new.columns {
        let known = old.is_some_and(|old| old.columns.iter().any(|c| c.ty.oid == column.ty.oid));
        if !known && let Some(ty) = before.user_type_by_oid(column.ty.oid) {
            locks.add(LockTag::Object(ty.oid), LockMode::AccessShare);
        }
    }
    let above = |relation: &Relation| relation.partition_parent();
    if let Some(parent) = above(new).filter(|parent| old.and_then(above) != Some(*parent))
        && before.relation_by_oid(parent).is_some()
    {
        locks.add(LockTag::Relation(parent), LockMode::AccessExclusive);
    }
    if let Some((definition, path)) = new.kind.definition() {
        for oid in before.reads(definition, path) {
            locks.add(LockTag::Relation(oid), LockMode::AccessShare);
        }
    }
}

/// Objects that are no relations.
fn of_object(locks: &mut Locks, change: &Change, before: &Snapshot, mode: LockMode) {
    let (class, oid) = change.key();
    let known = match class {
        ObjectClass::Relation => return,
        ObjectClass::Database => {
            locks.add(LockTag::Object(oid), LockMode::ShareUpdateExclusive);
            return;
        }
        ObjectClass::Role => before.role_by_oid(oid).is_some(),
        ObjectClass::Namespace => before.namespaces.values().any(|n| n.oid == oid),
        ObjectClass::Type => before.user_type_by_oid(oid).is_some(),
        ObjectClass::Function => before.function_by_oid(oid).is_some(),
        ObjectClass::DefaultAcl => before.default_acls.contains_key(&oid),
        ObjectClass::Extension => before.extensions.values().any(|e| e.oid == oid),
    };
    if known {
        locks.add(LockTag::Object(oid), mode);
    }
    let none: Name = "".into();
    match change {
        Change::PutNamespace(new) => locks.take_name(class.as_str(), &none, &new.name),
        Change::PutRole(new) if !known => locks.take_name(class.as_str(), &none, &new.name),
        Change::PutExtension(new) if !known => locks.take_name(class.as_str(), &none, &new.name),
        Change::PutType(new) => {
            in_namespace(locks, &new.namespace, before);
            // A type's name is a relation's, too: its row type's.
            locks.take_name("relation", &new.namespace, &new.name);
        }
        Change::PutFunction(new) => {
            in_namespace(locks, &new.namespace, before);
            locks.take_name(class.as_str(), &new.namespace, &new.name);
        }
        Change::PutDefaultAcl(new) if !known => {
            let of = Name::from(format!("{} {:?} {:?}", new.role, new.namespace, new.kind));
            locks.take_name(class.as_str(), &none, &of);
        }
        _ => {}
    }
}
