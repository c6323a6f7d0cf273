//! REASSIGN OWNED and DROP OWNED (shdepReassignOwned, shdepDropOwned): what a role has, all at once. The usual way to be rid of one is
//! both, then DROP ROLE.

use std::collections::BTreeSet;

use super::grant::change_owner;
use super::planner::Planner;
use crate::error::{Error, Result, SqlState};
use crate::registry::{
    Acl, Change, Grant, Managed, Name, Privileges, Relation, RelationKind, UserTypeKind, builtin, predefined,
};
use crate::tree::{DropBehavior, ObjectKind};
use crate::types::Oid;

impl Planner<'_> {
    pub fn reassign_owned(&mut self, roles: &[Name], to: &Name) -> Result<()> {
        self.tag("REASSIGN OWNED");
        let from = self.owners(roles, "reassign ownership of")?;
        let owner = self.role(to)?.oid;
        let before = self.after.clone();
        for namespace in before.namespaces.values().filter(|n| from.contains(&n.owner)) {
            self.may_change(&namespace.managed, "schema", &namespace.name)?;
            let mut new = (**namespace).clone();
            new.acl = change_owner(&new.acl, new.owner, owner);
            new.owner = owner;
            self.put_namespace(new);
        }
        for relation in before.relations.values().filter(|r| from.contains(&r.owner)) {
            self.may_change(&relation.managed, super::alter::word(relation), &relation.name)?;
            let mut new = (**relation).clone();
            self.set_owner(&mut new, to)?;
            self.put_relation(new);
        }
        for ty in before.types.values().filter(|t| from.contains(&t.owner)) {
            self.may_change(&ty.managed, "type", &ty.name)?;
            let mut new = (**ty).clone();
            self.type_goes_to(&mut new, to)?;
            self.put_type(new);
        }
        for function in before.functions.values().filter(|f| from.contains(&f.owner)) {
            let mut new = (**function).clone();
            new.acl = change_owner(&new.acl, new.owner, owner);
            new.owner = owner;
            self.change(Change::PutFunction(new.into()));
        }
        for extension in before.extensions.values().filter(|e| from.contains(&e.owner)) {
            let mut new = (**extension).clone();
            new.owner = owner;
            self.change(Change::PutExtension(new.into()));
        }
        Ok(())
    }

    pub fn drop_owned(&mut self, roles: &[Name], behavior: DropBehavior) -> Result<()> {
        let of = self.owners(roles, "drop")?;
        self.not_of_policies(&of)?;
        let kinds = [
            ObjectKind::View,
            ObjectKind::MaterializedView,
            ObjectKind::Table,
            ObjectKind::Sequence,
            ObjectKind::Domain,
            ObjectKind::Type,
            ObjectKind::Extension,
        ];
        let functions: Vec<_> = self.after.functions.values().filter(|f| of.contains(&f.owner)).cloned().collect();
        if behavior == DropBehavior::Cascade {
            self.drop_functions(&functions, behavior)?;
        }
        for kind in kinds {
            let names = self.owned_of_kind(kind, &of);
            if !names.is_empty() {
                self.drop_objects(kind, &names, false, behavior)?;
            }
        }
        let left: Vec<_> = functions.into_iter().filter(|f| self.after.functions.contains_key(&f.oid)).collect();
        if !left.is_empty() {
            self.drop_functions(&left, behavior)?;
        }
        let namespaces = self.owned_of_kind(ObjectKind::Namespace, &of);
        if !namespaces.is_empty() {
            self.drop_objects(ObjectKind::Namespace, &namespaces, false, behavior)?;
        }
        self.revoke_all(&of)?;
        self.tag("DROP OWNED");
        Ok(())
    }

    /// The roles, of which none may be one that the database needs.
    fn owners(&self, roles: &[Name], what: &str) -> Result<BTreeSet<Oid>> {
        let mut found = BTreeSet::new();
        for name in roles {
            let role = self.role(name)?;
            if role.managed == Managed::System || predefined::is_predefined(role.oid) {
                let message = format!(
                    "cannot {what} objects owned by role {name} because they are required by the database system"
                );
                return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message));
            }
            found.insert(role.oid);
        }
        Ok(found)
    }

    /// PostgreSQL takes the role out of policies, too. Of one that keeps rows from it, it would take the bars away itself.
    fn not_of_policies(&self, of: &BTreeSet<Oid>) -> Result<()> {
        for table in self.after.relations.values().filter(|r| !of.contains(&r.owner)) {
            let named = table.rules.policies.iter().find(|p| p.roles.iter().any(|role| of.contains(role)));
            if let Some(policy) = named {
                let what =
                    format!("DROP OWNED BY a role that policy \"{}\" of table \"{}\" names", policy.name, table.name);
                return Err(Error::unsupported(what).hint("Use ALTER POLICY … TO, or DROP POLICY, first."));
            }
        }
        Ok(())
    }

    fn owned_of_kind(&self, kind: ObjectKind, of: &BTreeSet<Oid>) -> Vec<(Name, Name)> {
        let is = |r: &Relation| match (&r.kind, kind) {
            (RelationKind::View { .. }, ObjectKind::View)
            | (RelationKind::MaterializedView { .. }, ObjectKind::MaterializedView)
            | (RelationKind::Composite, ObjectKind::Type) => true,
            // Others go with the tables above them.
            (RelationKind::Table, ObjectKind::Table) => !r.is_partition(),
            (RelationKind::Sequence(s), ObjectKind::Sequence) => s.owned_by.is_none(),
            _ => false,
        };
        let relations = self.after.relations.values().filter(|r| of.contains(&r.owner) && is(r));
        let mut found: Vec<(Oid, Name, Name)> =
            relations.map(|r| (r.oid, r.namespace.clone(), r.name.clone())).collect();
        let types = self.after.types.values().filter(|t| of.contains(&t.owner));
        let types = types.filter(|t| match &t.kind {
            UserTypeKind::Domain { .. } => kind == ObjectKind::Domain,
            UserTypeKind::Enum { .. } | UserTypeKind::Range { .. } => kind == ObjectKind::Type,
            // It goes with its range type.
            UserTypeKind::Multirange { .. } => false,
        });
        found.extend(types.map(|t| (t.oid, t.namespace.clone(), t.name.clone())));
        if kind == ObjectKind::Extension {
            let own = self.after.extensions.values().filter(|e| of.contains(&e.owner));
            found.extend(own.map(|e| (e.oid, e.namespace.clone(), e.name.clone())));
        }
        if kind == ObjectKind::Namespace {
            let own = self.after.namespaces.values().filter(|n| of.contains(&n.owner));
            found.extend(own.map(|n| (n.oid, Name::from(""), n.name.clone())));
        }
        found.sort();
        found.into_iter().map(|(_, namespace, name)| (namespace, name)).collect()
    }

    /// What these roles were granted goes, and what they have granted to others.
    fn revoke_all(&mut self, of: &BTreeSet<Oid>) -> Result<()> {
        // An empty list would say that nothing was ever granted or revoked.
        let of_columns = |acl: &Acl| {
            let mut left = acl.clone();
            left.0.retain(|g| !of.contains(&g.grantee) && !of.contains(&g.grantor));
            (left != *acl).then_some(left)
        };
        let without = |acl: &Acl, owner: Oid| {
            let mut left = of_columns(acl)?;
            if left.0.is_empty() {
                let (privileges, with_grant) = (Privileges::NONE, Privileges::NONE);
                left.0.push(Grant { grantee: owner, grantor: owner, privileges, with_grant });
            }
            Some(left)
        };
        let before = self.after.clone();
        if let Some(acl) = without(&before.database_acl, builtin::SUPERUSER) {
            self.change(Change::PutDatabase { acl, comment: before.database_comment.clone() });
        }
        for namespace in before.namespaces.values() {
            if let Some(acl) = without(&namespace.acl, namespace.owner) {
                self.may_change(&namespace.managed, "schema", &namespace.name)?;
                let mut new = (**namespace).clone();
                new.acl = acl;
                self.put_namespace(new);
            }
        }
        for relation in before.relations.values() {
            let mut new = (**relation).clone();
            let mut changed = false;
            if let Some(left) = without(&new.acl, new.owner) {
                new.acl = left;
                changed = true;
            }
            for column in &mut new.columns {
                if let Some(left) = of_columns(&column.acl) {
                    column.acl = left;
                    changed = true;
                }
            }
            if changed {
                self.may_change(&relation.managed, super::alter::word(relation), &relation.name)?;
                self.put_relation(new);
            }
        }
        for ty in before.types.values() {
            if let Some(acl) = without(&ty.acl, ty.owner) {
                self.may_change(&ty.managed, "type", &ty.name)?;
                let mut new = (**ty).clone();
                new.acl = acl;
                self.put_type(new);
            }
        }
        for function in before.functions.values() {
            if let Some(acl) = without(&function.acl, function.owner) {
                let mut new = (**function).clone();
                new.acl = acl;
                self.change(Change::PutFunction(new.into()));
            }
        }
        for default in before.default_acls.values() {
            if of.contains(&default.role) {
                self.change(Change::DropDefaultAcl(default.oid));
            } else if let Some(acl) = without(&default.acl, default.role) {
                let mut new = (**default).clone();
                new.acl = acl;
                self.change(Change::PutDefaultAcl(new.into()));
            }
        }
        Ok(())
    }
}
