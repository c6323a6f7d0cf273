//! ALTER DEFAULT PRIVILEGES, and what new objects get by it.

use std::sync::Arc;

use super::grant::{Terms, change};
use super::planner::{Planner, no_namespace};
use crate::error::{Error, Result, SqlState};
use crate::registry::privileges::{Kind, PUBLIC};
use crate::registry::{Acl, Change, DefaultAcl, DefaultKind, Function, Name, Namespace, Relation, RelationKind};
use crate::tree::{DefaultPrivileges, WANTED_ALL};
use crate::types::Oid;

impl Planner<'_> {
    pub fn default_privileges(&mut self, of: &DefaultPrivileges) -> Result<()> {
        self.tag("ALTER DEFAULT PRIVILEGES");
        let mut grantees = Vec::new();
        for grantee in &of.grantees {
            grantees.push(match grantee {
                Some(name) => self.role(name)?.oid,
                None => PUBLIC,
            });
        }
        if of.with_option && grantees.contains(&PUBLIC) {
            let message = "grant options can only be granted to roles";
            return Err(Error::new(SqlState::INVALID_GRANT_OPERATION, message));
        }
        let roles = of.roles.iter().map(|name| self.role(name).map(|r| r.oid)).collect::<Result<Vec<_>>>()?;
        let mut namespaces = Vec::new();
        for name in &of.namespaces {
            namespaces.push(self.after.namespaces.get(name).ok_or_else(|| no_namespace(name))?.oid);
        }
        if namespaces.is_empty() {
            namespaces.push(0);
        }
        let wanted =
            if of.privileges == WANTED_ALL { of.kind.kind().all() } else { of.kind.kind().only(of.privileges)? };
        for role in roles {
            let terms = Terms {
                revoke: of.revoke,
                option_only: of.option_only,
                with_option: of.with_option,
                grantees: grantees.clone(),
                role,
                cascade: of.cascade,
                sequences: false,
            };
            for namespace in &namespaces {
                let known = self.after.default_acl(role, *namespace, of.kind).cloned();
                let before = known.as_ref().map(|d| d.acl.clone()).unwrap_or_default();
                // A list of a namespace begins empty, the others with what the owner and everybody have anyway.
                let kind = if *namespace == 0 { of.kind.kind() } else { Kind::Column };
                let acl = change(&before, kind, role, wanted, role, &terms, &self.after)?;
                let usual = if *namespace == 0 { Acl::default().explicit(kind, role) } else { Vec::new() };
                match (known, acl.0 == usual) {
                    (Some(known), true) => self.change(Change::DropDefaultAcl(known.oid)),
                    (None, true) => {}
                    (known, false) => {
                        let oid = known.map_or_else(|| self.after.counters.allocate_oid(), |d| d.oid);
                        let made = DefaultAcl { oid, role, namespace: *namespace, kind: of.kind, acl };
                        self.change(Change::PutDefaultAcl(Arc::new(made)));
                    }
                }
            }
        }
        Ok(())
    }

    fn namespace_oid(&self, name: &str) -> Oid {
        self.after.namespaces.get(name).map_or(0, |n| n.oid)
    }

    /// A relation that is put for the first time gets its owner's default privileges.
    pub fn with_default_acl(&self, mut relation: Relation) -> Relation {
        let known = self.after.relation_by_oid(relation.oid).is_some();
        if known || self.for_files || !relation.acl.0.is_empty() {
            return relation;
        }
        let kind = match relation.kind {
            RelationKind::Sequence(_) => DefaultKind::Sequences,
            RelationKind::Table | RelationKind::View { .. } | RelationKind::MaterializedView { .. } => {
                DefaultKind::Tables
            }
            RelationKind::Composite | RelationKind::System => return relation,
        };
        relation.acl = self.after.acl_of_new(relation.owner, self.namespace_oid(&relation.namespace), kind);
        relation
    }

    pub fn function_default_acl(&self, function: &Function) -> Acl {
        self.after.acl_of_new(function.owner, self.namespace_oid(&function.namespace), DefaultKind::Functions)
    }

    /// Of a type that the role at hand makes.
    pub fn type_default_acl(&self, namespace: &Name) -> Acl {
        match self.for_files {
            true => Acl::default(),
            false => self.after.acl_of_new(self.cx.role, self.namespace_oid(namespace), DefaultKind::Types),
        }
    }

    pub fn namespace_default_acl(&self, namespace: &Namespace) -> Acl {
        self.after.acl_of_new(namespace.owner, 0, DefaultKind::Namespaces)
    }

    /// What a role has of default privileges, as DROP ROLE's detail says it.
    pub fn default_uses(&self, role: Oid) -> Vec<String> {
        let mut found = Vec::new();
        for of in self.after.default_acls.values() {
            let (word, owner) = (of.kind.word(), self.role_name(of.role));
            let name = self.after.namespaces.values().find(|n| n.oid == of.namespace).map(|n| n.name.clone());
            let inside = name.map(|n| format!(" in schema {n}")).unwrap_or_default();
            let text = format!("default privileges on new {word} belonging to role {owner}{inside}");
            if of.role == role {
                found.push(format!("owner of {text}"));
            } else if of.acl.0.iter().any(|g| g.grantee == role || g.grantor == role) {
                found.push(format!("privileges for {text}"));
            }
        }
        found
    }

    /// A namespace goes, and what was set for it.
    pub fn forget_defaults(&mut self, namespace: Oid) {
        let gone: Vec<Oid> =
            self.after.default_acls.values().filter(|d| d.namespace == namespace).map(|d| d.oid).collect();
        gone.into_iter().for_each(|oid| self.change(Change::DropDefaultAcl(oid)));
    }
}
