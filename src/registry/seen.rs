//! The schema as one session sees it: names along its search path, and only those relations that its role may know of.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use super::expression::quote;
use super::{Acl, Managed, Name, Privileges, Relation, RelationKind, Snapshot, UserType, predefined};
use crate::types::{Oid, PgType, TypeLookup, UserTypeInfo, UserTypeInfoKind, oid};

/// A snapshot with the search path and the role of who looks at it.
pub struct Seen {
    pub snapshot: Arc<Snapshot>,
    /// The namespaces that are searched, implicit ones included.
    pub path: Arc<[Name]>,
    pub role: Oid,
    /// The role and those whose rights it has; `None` for a superuser, who sees everything.
    roles: OnceLock<Option<BTreeSet<Oid>>>,
}

impl Seen {
    /// The same role and path over another snapshot.
    pub fn over(self, snapshot: Arc<Snapshot>) -> Self {
        Self::new(snapshot, self.path, self.role)
    }

    pub fn new(snapshot: Arc<Snapshot>, path: Arc<[Name]>, role: Oid) -> Self {
        Self { snapshot, path, role, roles: OnceLock::new() }
    }

    fn roles(&self) -> Option<&BTreeSet<Oid>> {
        let find = || (!self.snapshot.is_superuser(self.role)).then(|| self.snapshot.effective_roles(self.role));
        self.roles.get_or_init(find).as_ref()
    }

    /// May the role know of the relation? Of the system's anybody, of others who owns it or has any privilege on it or on
    /// a column of it.
    pub fn sees(&self, relation: &Relation) -> bool {
        let Some(roles) = self.roles() else { return true };
        // As it is judged: by the privileges in force now.
        let relation = self.snapshot.relation_now(relation).unwrap_or(relation);
        let granted = |acl: &Acl| {
            acl.0.iter().any(|g| {
                !g.privileges.is_empty() && (g.grantee == super::privileges::PUBLIC || roles.contains(&g.grantee))
            })
        };
        // Of types everybody may know.
        matches!(relation.managed, Managed::System)
            || matches!(relation.kind, RelationKind::Composite)
            || relation.temporary
            || roles.contains(&relation.owner)
            || [predefined::READ_ALL_DATA, predefined::WRITE_ALL_DATA].iter().any(|all| roles.contains(all))
            || granted(&relation.acl)
            || relation.columns.iter().any(|c| granted(&c.acl))
            || self.is_of_a_seen_column(relation)
    }

    /// The sequence of a serial or identity column stands in its default, which who sees the table may read.
    fn is_of_a_seen_column(&self, relation: &Relation) -> bool {
        let RelationKind::Sequence(sequence) = &relation.kind else { return false };
        let table = sequence.owned_by.and_then(|(table, _)| self.snapshot.relation_by_oid(table));
        table.is_some_and(|table| self.sees(table))
    }

    /// True if there is nothing that the role does not see.
    pub fn sees_all(&self) -> bool {
        self.roles().is_none()
    }

    /// A relation that the role may know of.
    pub fn relation(&self, oid: Oid) -> Option<&Arc<Relation>> {
        self.snapshot.relation_by_oid(oid).filter(|r| self.sees(r))
    }

    /// A relation that the role may ask about by its name: one that it may know of, or one in a namespace that it may look into.
    /// No list shows the latter, but statements answer 42501 to their names, and 42P01 to others.
    pub fn named(&self, oid: Oid) -> Option<&Arc<Relation>> {
        self.snapshot.relation_by_oid(oid).filter(|r| self.sees(r) || self.looks_into(&r.namespace))
    }

    fn looks_into(&self, namespace: &str) -> bool {
        let Some(known) = self.snapshot.namespaces.get(namespace) else { return true };
        self.snapshot.namespace_privileges(self.role, known).contains(Privileges::USAGE)
    }

    /// Is this relation found by its name alone?
    pub fn finds(&self, relation: &Relation) -> bool {
        self.finds_name(&relation.namespace, &relation.name)
    }

    /// Is the relation or index of that name in that namespace found by its name alone?
    pub fn finds_name(&self, namespace: &str, name: &str) -> bool {
        for searched in self.path.iter() {
            if **searched == *namespace {
                return true;
            }
            if self.snapshot.relation(searched, name).is_some() || self.snapshot.index(searched, name).is_some() {
                return false;
            }
        }
        false
    }

    /// Is the function found by its name alone (FunctionIsVisible): none of the same arguments stands in front of it?
    pub fn finds_these(&self, function: &super::Function) -> bool {
        for searched in self.path.iter() {
            if **searched == *function.namespace {
                return true;
            }
            let own = |p: &crate::facts::Proc| p.args == function.args;
            let builtin = || &**searched == "pg_catalog" && crate::facts::PROCS.by_name(&function.name).any(own);
            if self.snapshot.function(searched, &function.name, &function.args).is_some() || builtin() {
                return false;
            }
        }
        false
    }

    /// Are the functions of that name in that namespace found by the name alone, before all others?
    pub fn finds_function(&self, namespace: &str, name: &str) -> bool {
        for searched in self.path.iter() {
            if **searched == *namespace {
                return true;
            }
            let builtin = || &**searched == "pg_catalog" && crate::facts::PROCS.by_name(name).next().is_some();
            if self.snapshot.functions_named(searched, name).next().is_some() || builtin() {
                return false;
            }
        }
        false
    }

    /// Is the type found by its name alone?
    pub fn finds_type(&self, ty: &UserType) -> bool {
        self.finds_type_name(&ty.namespace, &ty.name)
    }

    fn finds_type_name(&self, namespace: &str, name: &str) -> bool {
        for searched in self.path.iter() {
            if **searched == *namespace {
                return true;
            }
            let builtin = || &**searched == "pg_catalog" && crate::facts::TYPES.by_name(name).next().is_some();
            let row = || self.snapshot.relation(searched, name).is_some_and(|r| r.row_type != 0);
            if self.snapshot.user_type(searched, name).is_some() || builtin() || row() {
                return false;
            }
        }
        false
    }

    /// A name as it must be written to be found.
    pub fn written(&self, namespace: &str, name: &str, visible: bool) -> String {
        match visible {
            true => quote(name),
            false => format!("{}.{}", quote(namespace), quote(name)),
        }
    }

    /// A relation's name as regclass prints it.
    pub fn relation_text(&self, relation: &Relation) -> String {
        self.written(&relation.namespace, &relation.name, self.finds(relation))
    }

    /// regclass' output: `None` for what does not exist or may not be seen.
    pub fn class_text(&self, oid: Oid) -> Option<String> {
        if let Some(relation) = self.relation(oid) {
            return Some(self.relation_text(relation));
        }
        if let Some((namespace, name)) = crate::facts::system_index(oid) {
            return Some(self.written(namespace, name, self.path.iter().any(|n| **n == *namespace)));
        }
        let objects = self.snapshot.objects();
        let table = self.relation(*objects.indexes.get(&oid)?)?;
        let index = table.indexes.iter().find(|i| i.oid == oid)?;
        Some(self.written(&table.namespace, &index.name, self.finds_name(&table.namespace, &index.name)))
    }

    /// The relation or index that a name means: `namespace.name`, or along the search path.
    fn class_named(&self, namespace: Option<&str>, name: &str) -> Option<Oid> {
        let find = |namespace: &str| {
            let known = self.looks_into(namespace);
            let relation = self.snapshot.relation(namespace, name).filter(|_| known).map(|r| r.oid);
            let index = || self.snapshot.index(namespace, name).filter(|_| known).map(|(_, i)| i.oid);
            relation.or_else(index).or_else(|| crate::facts::system_index_named(namespace, name))
        };
        match namespace {
            Some(namespace) => find(namespace),
            None => self.path.iter().find_map(|n| find(n)),
        }
    }

    /// regproc's and regprocedure's output.
    fn function_text(&self, oid: Oid, kind: Oid) -> Option<String> {
        let function = self.snapshot.function_by_oid(oid)?;
        if kind == oid::REGPROC {
            let found = self.function_named(None, &function.name) == Some(oid);
            return Some(self.written(&function.namespace, &function.name, found));
        }
        let name = self.written(&function.namespace, &function.name, self.finds_these(function));
        let types = function.args.iter().map(|ty| crate::types::name::format_type(PgType::new(*ty), self));
        Some(format!("{name}({})", types.collect::<Vec<_>>().join(",")))
    }

    /// The function of users' that alone has this name.
    fn function_named(&self, namespace: Option<&str>, name: &str) -> Option<Oid> {
        let path = self.path.iter().map(|n| &**n).filter(|n| namespace.is_none_or(|wanted| wanted == *n));
        let outside = namespace.filter(|wanted| !self.path.iter().any(|n| **n == **wanted));
        let mut found = path.chain(outside).flat_map(|n| self.snapshot.functions_named(n, name));
        let one = found.next()?;
        let own = namespace.is_none() && crate::facts::PROCS.by_name(name).next().is_some();
        (found.next().is_none() && !own).then_some(one.oid)
    }

    fn type_text(&self, oid: Oid) -> Option<Cow<'_, str>> {
        let (namespace, name) = if let Some(ty) = self.snapshot.user_type_by_oid(oid) {
            (&ty.namespace, &ty.name)
        } else {
            let relation = self.relation(*self.snapshot.objects().row_types.get(&oid)?)?;
            (&relation.namespace, &relation.name)
        };
        Some(self.written(namespace, name, self.finds_type_name(namespace, name)).into())
    }
}

impl TypeLookup for Seen {
    fn user_type(&self, oid: Oid) -> Option<UserTypeInfo> {
        let info = TypeLookup::user_type(&*self.snapshot, oid)?;
        let name = self.type_text(oid)?;
        let name = match info.kind {
            UserTypeInfoKind::Array { .. } => format!("{name}[]"),
            UserTypeInfoKind::Enum { .. }
            | UserTypeInfoKind::Domain { .. }
            | UserTypeInfoKind::Range { .. }
            | UserTypeInfoKind::Composite { .. } => name.into_owned(),
        };
        Some(UserTypeInfo { name, ..info })
    }

    fn user_type_named(&self, namespace: Option<&str>, name: &str) -> Option<Oid> {
        let find = |namespace: &str| self.snapshot.type_named(namespace, name, |r| self.sees(r));
        match namespace {
            Some(namespace) => find(namespace),
            None => self.path.iter().find_map(|n| find(n)),
        }
    }

    fn extension_qualifier(&self, extension: &str) -> Option<String> {
        let namespace = self.snapshot.extension_namespace(extension)?;
        (!self.path.contains(namespace)).then(|| super::expression::quote(namespace))
    }

    fn may_look_into(&self, namespace: &str) -> bool {
        self.looks_into(namespace)
    }

    fn object_name(&self, kind: Oid, object: Oid) -> Option<String> {
        match kind {
            oid::REGCLASS => self.class_text(object),
            oid::REGPROC | oid::REGPROCEDURE if object >= oid::FIRST_USER => self.function_text(object, kind),
            oid::REGTYPE if object >= oid::FIRST_USER => TypeLookup::user_type(self, object).map(|t| t.name),
            _ => self.snapshot.object_name(kind, object),
        }
    }

    fn object_named(&self, kind: Oid, name: &str) -> Option<Oid> {
        match kind {
            oid::REGCLASS => {
                let (namespace, name) = super::lookup::split(name, &self.snapshot.database)?;
                self.class_named(namespace.as_deref(), &name)
            }
            oid::REGPROC => {
                let (namespace, name) = super::lookup::split(name, &self.snapshot.database)?;
                self.function_named(namespace.as_deref(), &name)
            }
            oid::REGPROCEDURE => {
                let (name, types) = name.trim_end().strip_suffix(')')?.split_once('(')?;
                let types = types.split(',').map(str::trim).filter(|t| !t.is_empty());
                let types = types.map(|t| crate::types::name::parse_type(t, self).map(|t| t.oid));
                let types = types.collect::<Result<Vec<_>, _>>().ok()?;
                let (namespace, name) = super::lookup::split(name, &self.snapshot.database)?;
                let find = |n: &str| self.snapshot.function(n, &name, &types).map(|f| f.oid);
                match namespace {
                    Some(namespace) => find(&namespace),
                    None => self.path.iter().find_map(|n| find(n)),
                }
            }
            // A name in quotes or with modifiers is the type parser's affair.
            oid::REGTYPE => None,
            _ => self.snapshot.object_named(kind, name),
        }
    }
}
