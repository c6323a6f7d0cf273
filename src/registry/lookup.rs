//! What the type table asks about objects that users defined.

use std::sync::Arc;

use super::{ForeignKey, Relation, RelationKind, Snapshot, UserType, UserTypeKind, expression::quote};
use crate::types::coded::range::RangeType;
use crate::types::text::split_name;
use crate::types::{Oid, TypeLookup, UserTypeInfo, UserTypeInfoKind, oid};

impl Snapshot {
    /// The relation whose rows, or arrays of rows, are of this type.
    pub fn relation_of_row(&self, ty: Oid) -> Option<&Arc<Relation>> {
        self.relation_by_oid(*self.objects().row_types.get(&ty)?)
    }

    /// The foreign keys of a table, and those that refer to it, ascending.
    pub fn foreign_keys_about(&self, table: &Relation) -> Vec<Oid> {
        let others = self.relations.values().filter(|r| r.oid != table.oid);
        let pointing = others.flat_map(|r| r.foreign_keys()).filter(|key| key.target == table.oid);
        let mut keys: Vec<Oid> = table.foreign_keys().chain(pointing).map(|key| key.constraint.oid).collect();
        keys.sort_unstable();
        keys
    }
}

impl TypeLookup for Snapshot {
    fn user_type(&self, oid: Oid) -> Option<UserTypeInfo> {
        if oid < oid::FIRST_USER {
            return None;
        }
        if let Some(ty) = self.user_type_by_oid(oid) {
            let name = self.display_name(&ty.namespace, &ty.name);
            if ty.array_oid == oid {
                let kind = UserTypeInfoKind::Array { element: ty.oid };
                return Some(UserTypeInfo { name: format!("{name}[]"), array: 0, kind });
            }
            let kind = match &ty.kind {
                UserTypeKind::Enum { labels } => UserTypeInfoKind::Enum { labels: labels.clone() },
                UserTypeKind::Domain { base, .. } => UserTypeInfoKind::Domain { base: *base },
                UserTypeKind::Range { .. } | UserTypeKind::Multirange { .. } => {
                    let (of, multi) = self.range_of(ty)?;
                    UserTypeInfoKind::Range { of, multi }
                }
            };
            return Some(UserTypeInfo { name, array: ty.array_oid, kind });
        }
        let relation = self.relation_of_row(oid)?;
        let name = self.display_name(&relation.namespace, &relation.name);
        if relation.row_array_type == oid {
            let kind = UserTypeInfoKind::Array { element: relation.row_type };
            return Some(UserTypeInfo { name: format!("{name}[]"), array: 0, kind });
        }
        let fields = relation.columns.iter().map(|c| (Arc::clone(&c.name), c.ty)).collect();
        Some(UserTypeInfo { name, array: relation.row_array_type, kind: UserTypeInfoKind::Composite { fields } })
    }

    fn user_type_named(&self, namespace: Option<&str>, name: &str) -> Option<Oid> {
        let namespaces: Vec<&str> = match namespace {
            Some(one) => vec![one],
            // Without a session there is no search path; its default has one namespace for users.
            None => vec!["public"],
        };
        namespaces.into_iter().find_map(|n| self.type_named(n, name, |_| true))
    }

    fn extension_qualifier(&self, extension: &str) -> Option<String> {
        let namespace = self.extension_namespace(extension)?;
        (&**namespace != "public").then(|| quote(namespace))
    }

    fn object_name(&self, kind: Oid, object: Oid) -> Option<String> {
        match kind {
            oid::REGCLASS => {
                if let Some(r) = self.relation_by_oid(object) {
                    return Some(self.display_name(&r.namespace, &r.name));
                }
                let table = self.relation_by_oid(*self.objects().indexes.get(&object)?)?;
                let index = table.indexes.iter().find(|i| i.oid == object)?;
                Some(self.display_name(&table.namespace, &index.name))
            }
            oid::REGTYPE => TypeLookup::user_type(self, object).map(|t| t.name),
            oid::REGROLE => self.role_by_oid(object).map(|r| quote(&r.name)),
            oid::REGNAMESPACE => self.namespaces.values().find(|n| n.oid == object).map(|n| quote(&n.name)),
            _ => None,
        }
    }

    fn object_named(&self, kind: Oid, name: &str) -> Option<Oid> {
        let (namespace, name) = split(name, &self.database)?;
        let in_namespace = namespace.as_deref().unwrap_or("public");
        match kind {
            oid::REGCLASS => {
                let relation = self.relation(in_namespace, &name).filter(|r| !matches!(r.kind, RelationKind::System));
                relation.map(|r| r.oid).or_else(|| self.index(in_namespace, &name).map(|(_, i)| i.oid))
            }
            oid::REGTYPE => self.user_type_named(namespace.as_deref(), &name),
            oid::REGROLE if namespace.is_none() => self.role(&name).map(|r| r.oid),
            oid::REGNAMESPACE if namespace.is_none() => self.namespaces.get(&*name).map(|n| n.oid),
            _ => None,
        }
    }
}

impl Snapshot {
    /// A type that users defined, a relation's rows, or an array of either (under its element's name with `_` in front), if `sees` the relation.
    pub fn type_named(&self, namespace: &str, name: &str, sees: impl Fn(&Relation) -> bool) -> Option<Oid> {
        if let Some(user) = self.user_type(namespace, name) {
            return Some(user.oid);
        }
        let rows = |name: &str| self.relation(namespace, name).filter(|r| r.row_type != 0 && sees(r));
        if let Some(relation) = rows(name) {
            return Some(relation.row_type);
        }
        if let Some(brought) = self.extension_type(namespace, name) {
            return Some(brought);
        }
        let element = name.strip_prefix('_')?;
        let array = self.user_type(namespace, element).map(|user| user.array_oid);
        array.or_else(|| rows(element).map(|r| r.row_array_type).filter(|oid| *oid != 0))
    }

    /// The domains right over one of these types, in the order in which they were made.
    pub fn domains_over(&self, types: &[Oid]) -> Vec<&Arc<UserType>> {
        let over =
            |ty: &&Arc<UserType>| matches!(&ty.kind, UserTypeKind::Domain { base, .. } if types.contains(&base.oid));
        let mut found: Vec<_> = self.types.values().filter(over).collect();
        found.sort_by_key(|ty| ty.oid);
        found
    }

    /// The range types over a type, in the order in which they were made.
    pub fn ranges_over(&self, ty: Oid) -> Vec<&Arc<UserType>> {
        let over = |range: &&Arc<UserType>| matches!(range.kind, UserTypeKind::Range { subtype, .. } if subtype == ty);
        let mut found: Vec<_> = self.types.values().filter(over).collect();
        found.sort_by_key(|range| range.oid);
        found
    }

    /// What a user's range type or multirange type is over, and whether it is the multirange.
    fn range_of(&self, ty: &UserType) -> Option<(RangeType, bool)> {
        match &ty.kind {
            UserTypeKind::Range { subtype, multirange, .. } => {
                Some((RangeType { range: ty.oid, multirange: *multirange, subtype: *subtype }, false))
            }
            UserTypeKind::Multirange { range } => {
                let range = self.user_type_by_oid(*range).filter(|t| matches!(t.kind, UserTypeKind::Range { .. }))?;
                self.range_of(range).map(|(of, _)| (of, true))
            }
            UserTypeKind::Enum { .. } | UserTypeKind::Domain { .. } => None,
        }
    }

    /// The composite type of that name.
    pub fn composite(&self, namespace: &str, name: &str) -> Option<&Arc<Relation>> {
        self.relation(namespace, name).filter(|r| matches!(r.kind, RelationKind::Composite))
    }

    /// The foreign keys that point to a table, with the tables that have them, in the order in which they were made.
    pub fn referring(&self, target: Oid) -> impl Iterator<Item = (&Arc<Relation>, ForeignKey<'_>)> {
        let keys = self.relations.values().flat_map(|r| r.foreign_keys().map(move |key| (r, key)));
        let mut found: Vec<_> = keys.filter(|(_, key)| key.target == target).collect();
        found.sort_by_key(|(_, key)| key.constraint.oid);
        found.into_iter()
    }

    /// Quoted where needed, qualified unless in the namespace that every search path has by default.
    fn display_name(&self, namespace: &str, name: &str) -> String {
        if matches!(namespace, "public" | "pg_catalog" | super::bootstrap::TEMPORARY) {
            quote(name)
        } else {
            format!("{}.{}", quote(namespace), quote(name))
        }
    }
}

/// `name`, `namespace.name` or `database.namespace.name` of that database, each folded unless quoted.
pub(super) fn split(text: &str, database: &str) -> Option<(Option<String>, String)> {
    let mut parts = split_name(text).ok()?;
    let name = parts.pop()?;
    match parts.len() {
        0 => Some((None, name)),
        1 => Some((parts.pop(), name)),
        2 if parts[0] == database => Some((parts.pop(), name)),
        _ => None,
    }
}
