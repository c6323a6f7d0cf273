//! Changes of the schema: whole objects that are put or dropped.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::extension::Extension;
use super::{Acl, DefaultAcl, Function, Namespace, Relation, RelationKind, Role, Sequence, Snapshot, UserType};
use crate::types::Oid;

/// One change of a snapshot. Objects are replaced as a whole; an OID names an object for its whole life.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Change {
    PutNamespace(Arc<Namespace>),
    DropNamespace(Oid),
    PutRelation(Arc<Relation>),
    DropRelation(Oid),
    PutType(Arc<UserType>),
    DropType(Oid),
    PutFunction(Arc<Function>),
    DropFunction(Oid),
    PutDefaultAcl(Arc<DefaultAcl>),
    DropDefaultAcl(Oid),
    PutRole(Arc<Role>),
    DropRole(Oid),
    PutExtension(Arc<Extension>),
    DropExtension(Oid),
    /// Grants and comment of the database.
    PutDatabase {
        acl: Acl,
        comment: Option<String>,
    },
}

impl Snapshot {
    /// The snapshot after `changes`, in order. `version` stays: the registry gives a new one when it is published, the
    /// session when it is a transaction's own.
    pub fn apply(&self, changes: &[Change]) -> Self {
        let mut next = self.clone();
        for change in changes {
            next.apply_in_place(change);
        }
        next
    }

    /// As [`Snapshot::apply`], for a snapshot that nobody else has yet.
    pub fn apply_in_place(&mut self, change: &Change) {
        if let Some(rights) = &mut self.rights {
            Arc::make_mut(rights).apply_in_place(change);
        }
        match change {
            Change::PutNamespace(namespace) => {
                self.drop_namespace(namespace.oid);
                self.note_oids(&[namespace.oid]);
                self.namespaces.insert(namespace.name.clone(), namespace.clone());
            }
            Change::DropNamespace(oid) => self.drop_namespace(*oid),
            Change::PutRelation(relation) => {
                self.drop_relation(relation.oid);
                self.note_oids(&[relation.oid, relation.row_type, relation.row_array_type]);
                for constraint in &relation.constraints {
                    self.note_oids(&[constraint.oid]);
                }
                for index in &relation.indexes {
                    self.note_oids(&[index.oid]);
                }
                for policy in &relation.rules.policies {
                    self.note_oids(&[policy.oid]);
                }
                if let RelationKind::Sequence(Sequence { count: Some(count), .. }) = &relation.kind {
                    self.note_oids(&[count.number]);
                }
                match (&relation.kind, relation.columns.is_empty()) {
                    // It was kept before sequences could be read.
                    (RelationKind::Sequence(_), true) => {
                        let columns = super::build::sequence_columns();
                        self.add_relation(&Arc::new(Relation { columns, ..(**relation).clone() }));
                    }
                    _ => self.add_relation(relation),
                }
            }
            Change::DropRelation(oid) => self.drop_relation(*oid),
            Change::PutType(ty) => {
                self.drop_type(ty.oid);
                self.note_oids(&[ty.oid, ty.array_oid]);
                let key = (ty.namespace.clone(), ty.name.clone());
                self.type_oids.insert(ty.oid, key.clone());
                self.type_oids.insert(ty.array_oid, key.clone());
                self.types.insert(key, ty.clone());
            }
            Change::DropType(oid) => self.drop_type(*oid),
            Change::PutFunction(function) => {
                self.note_oids(&[function.oid]);
                self.put_function(function);
            }
            Change::DropFunction(oid) => self.drop_function(*oid),
            Change::PutDefaultAcl(acl) => {
                self.note_oids(&[acl.oid]);
                self.default_acls.insert(acl.oid, acl.clone());
            }
            Change::DropDefaultAcl(oid) => {
                self.default_acls.remove(oid);
            }
            Change::PutRole(role) => {
                self.drop_role(role.oid);
                self.note_oids(&[role.oid]);
                self.role_oids.insert(role.oid, role.name.clone());
                self.roles.insert(role.name.clone(), role.clone());
            }
            Change::DropRole(oid) => self.drop_role(*oid),
            Change::PutExtension(extension) => {
                self.extensions.retain(|_, e| e.oid != extension.oid);
                self.note_oids(&[extension.oid]);
                self.extensions.insert(extension.name.clone(), extension.clone());
            }
            Change::DropExtension(oid) => self.extensions.retain(|_, e| e.oid != *oid),
            Change::PutDatabase { acl, comment } => {
                self.database_acl = acl.clone();
                self.database_comment = comment.clone();
            }
        }
    }

    fn note_oids(&self, oids: &[Oid]) {
        for oid in oids {
            self.counters.note_oid(*oid);
        }
    }

    fn drop_namespace(&mut self, oid: Oid) {
        self.namespaces.retain(|_, n| n.oid != oid);
    }

    fn add_relation(&mut self, relation: &Arc<Relation>) {
        let namespace = &relation.namespace;
        for index in &relation.indexes {
            self.index_names.insert((namespace.clone(), index.name.clone()), relation.oid);
        }
        for constraint in &relation.constraints {
            *self.constraint_names.entry((namespace.clone(), constraint.name.clone())).or_default() += 1;
        }
        if let RelationKind::Sequence(Sequence { owned_by: Some((table, _)), .. }) = &relation.kind {
            self.owned_sequences.entry(*table).or_default().push(relation.oid);
        }
        let key = (namespace.clone(), relation.name.clone());
        self.relation_oids.insert(relation.oid, key.clone());
        self.derived = Default::default();
        self.relations.insert(key, relation.clone());
    }

    fn drop_relation(&mut self, oid: Oid) {
        let Some(key) = self.relation_oids.remove(&oid) else { return };
        // Another relation may have taken the name meanwhile: then this one is gone from the map already.
        if self.relations.get(&key).is_none_or(|r| r.oid != oid) {
            return;
        }
        self.derived = Default::default();
        let Some(relation) = self.relations.remove(&key) else { return };
        for index in &relation.indexes {
            let name = (relation.namespace.clone(), index.name.clone());
            if self.index_names.get(&name) == Some(&oid) {
                self.index_names.remove(&name);
            }
        }
        for constraint in &relation.constraints {
            let name = (relation.namespace.clone(), constraint.name.clone());
            if let Some(count) = self.constraint_names.get_mut(&name) {
                *count -= 1;
                if *count == 0 {
                    self.constraint_names.remove(&name);
                }
            }
        }
        if let RelationKind::Sequence(Sequence { owned_by: Some((table, _)), .. }) = &relation.kind
            && let Some(owned) = self.owned_sequences.get_mut(table)
        {
            owned.retain(|sequence| *sequence != oid);
            if owned.is_empty() {
                self.owned_sequences.remove(table);
            }
        }
    }

    fn drop_type(&mut self, oid: Oid) {
        if let Some(key) = self.type_oids.remove(&oid)
            && let Some(ty) = self.types.remove(&key)
        {
            self.type_oids.remove(&ty.array_oid);
        }
    }

    fn drop_role(&mut self, oid: Oid) {
        if let Some(name) = self.role_oids.remove(&oid) {
            self.roles.remove(&name);
        }
    }
}

/// The key under which a change is kept in `duckgate_internal.objects`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObjectClass {
    Role,
    Namespace,
    Type,
    Relation,
    Function,
    DefaultAcl,
    Database,
    Extension,
}

impl ObjectClass {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Namespace => "namespace",
            Self::Type => "type",
            Self::Relation => "relation",
            Self::Function => "function",
            Self::DefaultAcl => "default_acl",
            Self::Database => "database",
            Self::Extension => "extension",
        }
    }
}

impl Change {
    /// The change as others see it once it is committed.
    pub(super) fn committed(&self) -> Self {
        match self {
            Self::PutType(ty) if !ty.fresh_labels.is_empty() => {
                Self::PutType(Arc::new(UserType { fresh_labels: Vec::new(), ..(**ty).clone() }))
            }
            other => other.clone(),
        }
    }

    /// What object it is about.
    pub fn key(&self) -> (ObjectClass, Oid) {
        match self {
            Self::PutNamespace(n) => (ObjectClass::Namespace, n.oid),
            Self::DropNamespace(oid) => (ObjectClass::Namespace, *oid),
            Self::PutRelation(r) => (ObjectClass::Relation, r.oid),
            Self::DropRelation(oid) => (ObjectClass::Relation, *oid),
            Self::PutType(t) => (ObjectClass::Type, t.oid),
            Self::DropType(oid) => (ObjectClass::Type, *oid),
            Self::PutFunction(f) => (ObjectClass::Function, f.oid),
            Self::DropFunction(oid) => (ObjectClass::Function, *oid),
            Self::PutDefaultAcl(d) => (ObjectClass::DefaultAcl, d.oid),
            Self::DropDefaultAcl(oid) => (ObjectClass::DefaultAcl, *oid),
            Self::PutRole(r) => (ObjectClass::Role, r.oid),
            Self::DropRole(oid) => (ObjectClass::Role, *oid),
            Self::PutExtension(e) => (ObjectClass::Extension, e.oid),
            Self::DropExtension(oid) => (ObjectClass::Extension, *oid),
            Self::PutDatabase { .. } => (ObjectClass::Database, super::builtin::DATABASE),
        }
    }

    /// True for what belongs to one session alone: it is neither published nor kept.
    pub fn is_temporary(&self, before: &Snapshot) -> bool {
        match self {
            Self::PutRelation(r) => r.temporary,
            Self::DropRelation(oid) => before.relation_by_oid(*oid).is_some_and(|r| r.temporary),
            Self::PutType(t) => t.is_temporary(),
            Self::DropType(oid) => before.user_type_by_oid(*oid).is_some_and(|t| t.is_temporary()),
            Self::PutFunction(f) => f.is_temporary(),
            Self::DropFunction(oid) => before.function_by_oid(*oid).is_some_and(|f| f.is_temporary()),
            Self::PutNamespace(_)
            | Self::DropNamespace(_)
            | Self::PutDefaultAcl(_)
            | Self::DropDefaultAcl(_)
            | Self::PutRole(_)
            | Self::DropRole(_)
            | Self::PutExtension(_)
            | Self::DropExtension(_)
            | Self::PutDatabase { .. } => false,
        }
    }

    /// True if the object is gone afterwards.
    pub fn is_drop(&self) -> bool {
        match self {
            Self::DropNamespace(_)
            | Self::DropRelation(_)
            | Self::DropType(_)
            | Self::DropFunction(_)
            | Self::DropDefaultAcl(_)
            | Self::DropRole(_)
            | Self::DropExtension(_) => true,
            Self::PutNamespace(_)
            | Self::PutRelation(_)
            | Self::PutType(_)
            | Self::PutFunction(_)
            | Self::PutDefaultAcl(_)
            | Self::PutRole(_)
            | Self::PutExtension(_)
            | Self::PutDatabase { .. } => false,
        }
    }
}
