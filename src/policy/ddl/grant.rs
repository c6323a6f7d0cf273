//! Who may give privileges to others: grant options, and what is owned.

use super::{Who, privilege};
use crate::error::Result;
use crate::policy::check::denied;
use crate::registry::privileges::Kind;
use crate::registry::{Relation, RelationKind};
use crate::tree::{GrantChange, GrantTarget, GrantedPrivilege};

impl Who<'_> {
    /// PostgreSQL refuses a grantor without any privilege, and warns where grant options are missing; planning does the
    /// rest.
    pub(super) fn may_grant(&self, grant: &GrantChange) -> Result<()> {
        let GrantChange {
            revoke: _,
            grant_option_only: _,
            with_grant_option: _,
            privileges,
            on,
            grantees: _,
            cascade: _,
        } = grant;
        match on {
            GrantTarget::Relations(names) | GrantTarget::Sequences(names) => {
                for (namespace, name) in names {
                    if let Some(relation) = self.snapshot().relation(namespace, name) {
                        self.may_grant_on(relation, privileges)?;
                    }
                }
                Ok(())
            }
            GrantTarget::AllRelationsIn(namespaces) | GrantTarget::AllSequencesIn(namespaces) => {
                let inside = |r: &Relation| namespaces.contains(&r.namespace);
                let sequences = matches!(on, GrantTarget::AllSequencesIn(_));
                for relation in self.snapshot().relations.values().filter(|r| inside(r)) {
                    if matches!(relation.kind, RelationKind::Sequence(_)) == sequences {
                        self.may_grant_on(relation, privileges)?;
                    }
                }
                Ok(())
            }
            GrantTarget::Namespaces(names) => {
                for namespace in names.iter().filter_map(|n| self.snapshot().namespaces.get(n)) {
                    let (acl, owner) = (&namespace.acl, namespace.owner);
                    if self.snapshot().grantable(self.role(), acl, Kind::Namespace, owner).is_empty() {
                        return Err(privilege(format!("permission denied for schema {}", namespace.name)));
                    }
                }
                Ok(())
            }
            GrantTarget::Functions(functions) => {
                functions.iter().try_for_each(|oid| crate::policy::function::may_grant(self, *oid))
            }
            GrantTarget::Types(types) => types.iter().try_for_each(|oid| self.may_grant_on_type(*oid)),
            GrantTarget::AllFunctionsIn { kind, namespaces } => {
                let inside = self.snapshot().functions.values();
                let inside = inside.filter(|f| namespaces.contains(&f.namespace) && kind.covers(f.procedure));
                inside.map(|f| f.oid).try_for_each(|oid| crate::policy::function::may_grant(self, oid))
            }
            GrantTarget::Database => {
                let (acl, owner) = (&self.snapshot().database_acl, crate::registry::builtin::SUPERUSER);
                if self.snapshot().grantable(self.role(), acl, Kind::Database, owner).is_empty() {
                    let name = &self.snapshot().database;
                    return Err(privilege(format!("permission denied for database {name}")));
                }
                Ok(())
            }
        }
    }

    fn may_grant_on(&self, relation: &Relation, privileges: &[GrantedPrivilege]) -> Result<()> {
        let snapshot = self.snapshot();
        let whole = snapshot.grantable(self.role(), &relation.acl, Kind::of(relation), relation.owner);
        for GrantedPrivilege { privileges: _, columns } in privileges {
            let mut has = whole;
            for column in columns.iter().filter_map(|c| relation.column(c)) {
                has = has.union(snapshot.grantable(self.role(), &column.acl, Kind::Column, relation.owner));
            }
            // Who may do anything with it only gets a warning, from planning.
            if has.is_empty() && !snapshot.has_any_privilege(self.role(), relation) {
                return Err(denied(relation));
            }
        }
        Ok(())
    }
}
