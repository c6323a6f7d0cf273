//! Who may give privileges to others: grant options, and what is owned.

use super::{Who, privilege};
use crate::error::Result;
use crate::policy::check::must_use_namespace;
use crate::registry::build::SYSTEM_COLUMNS;
use crate::registry::privileges::Kind;
use crate::registry::{Acl, Grant, Name, Privileges, Relation, RelationKind};
use crate::tree::{GrantChange, GrantTarget, GrantedPrivilege, WANTED_ALL};
use crate::types::Oid;

impl Who<'_> {
    /// PostgreSQL refuses a grantor without any privilege, and warns where grant options are missing
    /// (restrict_and_check_grant); planning gives what may be given.
    pub(super) fn may_grant(&self, grant: &GrantChange) -> Result<()> {
        let GrantChange { revoke, grant_option_only: _, with_grant_option: _, privileges, on, grantees: _, cascade: _ } =
            grant;
        let snapshot = self.snapshot();
        match on {
            GrantTarget::Relations(names) | GrantTarget::Sequences(names) => {
                let found = names.iter().filter_map(|(namespace, name)| snapshot.relation(namespace, name));
                found.map(|r| &**r).try_for_each(|r| self.may_grant_on(r, privileges, *revoke))
            }
            GrantTarget::AllRelationsIn(namespaces) | GrantTarget::AllSequencesIn(namespaces) => {
                self.may_look_into(namespaces)?;
                let sequences = matches!(on, GrantTarget::AllSequencesIn(_));
                let wanted = |r: &&std::sync::Arc<Relation>| {
                    namespaces.contains(&r.namespace) && matches!(r.kind, RelationKind::Sequence(_)) == sequences
                };
                let mut inside: Vec<_> = snapshot.relations.values().filter(wanted).collect();
                inside.sort_by_key(|r| r.oid);
                inside.into_iter().try_for_each(|r| self.may_grant_on(r, privileges, *revoke))
            }
            GrantTarget::Namespaces(names) => {
                names.iter().filter_map(|n| snapshot.namespaces.get(n)).try_for_each(|namespace| {
                    let held = |role| snapshot.namespace_privileges(role, namespace);
                    let (acl, owner) = (&namespace.acl, namespace.owner);
                    self.may_pass_on(Kind::Namespace, acl, owner, privileges, held, || {
                        format!("schema {}", namespace.name)
                    })
                })
            }
            GrantTarget::Functions(functions) => {
                functions.iter().try_for_each(|oid| self.may_grant_function(*oid, privileges))
            }
            GrantTarget::Types(types) => types.iter().try_for_each(|oid| self.may_grant_on_type(*oid, privileges)),
            GrantTarget::AllFunctionsIn { kind, namespaces } => {
                self.may_look_into(namespaces)?;
                let inside = snapshot.functions.values();
                let inside = inside.filter(|f| namespaces.contains(&f.namespace) && kind.covers(f.procedure));
                inside.map(|f| f.oid).try_for_each(|oid| self.may_grant_function(oid, privileges))
            }
            GrantTarget::Database => {
                let (acl, owner) = (&snapshot.database_acl, crate::registry::builtin::SUPERUSER);
                let held = |role| snapshot.database_privileges(role);
                self.may_pass_on(Kind::Database, acl, owner, privileges, held, || {
                    format!("database {}", snapshot.database)
                })
            }
        }
    }

    fn may_look_into(&self, namespaces: &[Name]) -> Result<()> {
        namespaces.iter().try_for_each(|name| must_use_namespace(self.snapshot(), self.role(), name, Privileges::USAGE))
    }

    /// Of an object that is no relation.
    pub(super) fn may_pass_on(
        &self,
        kind: Kind,
        acl: &Acl,
        owner: Oid,
        privileges: &[GrantedPrivilege],
        held: impl Fn(Oid) -> Privileges,
        what: impl Fn() -> String,
    ) -> Result<()> {
        let wanted = privileges.iter().fold(Privileges::NONE, |all, p| all.union(p.privileges));
        let wanted = if wanted == WANTED_ALL { kind.all() } else { kind.only(wanted)? };
        if self.snapshot().may_grant(self.role(), wanted, &acl.explicit(kind, owner), owner, held) {
            return Ok(());
        }
        Err(privilege(format!("permission denied for {}", what())))
    }

    fn may_grant_function(&self, function: Oid, privileges: &[GrantedPrivilege]) -> Result<()> {
        let Some(function) = self.snapshot().function_now(function) else { return Ok(()) };
        let held = |role| self.snapshot().function_privileges(role, function);
        self.may_pass_on(Kind::Function, &function.acl, function.owner, privileges, held, || {
            format!("{} {}", function.word(), function.name)
        })
    }

    /// The whole relation first, then its columns, of which REVOKE on the whole takes the same.
    fn may_grant_on(&self, relation: &Relation, privileges: &[GrantedPrivilege], revoke: bool) -> Result<()> {
        let snapshot = self.snapshot();
        let Some(relation) = snapshot.relation_now(relation) else { return Ok(()) };
        let (kind, owner) = (Kind::of(relation), relation.owner);
        let list = relation.acl.explicit(kind, owner);
        let of_whole = privileges.iter().filter(|p| p.columns.is_empty());
        // What the kind has not is refused, or left out with a warning, when it is planned.
        let whole = of_whole.fold(Privileges::NONE, |all, p| all.union(p.privileges)).intersect(kind.all());
        if !whole.is_empty()
            && !snapshot
                .may_grant(self.role(), whole, &list, owner, |role| snapshot.relation_privileges(role, relation))
        {
            let word = if kind == Kind::Sequence { "sequence" } else { "table" };
            return Err(privilege(format!("permission denied for {word} {}", relation.name)));
        }
        let of_all = if revoke { whole.intersect(Privileges::ALL_COLUMN) } else { Privileges::NONE };
        if !of_all.is_empty() && !matches!(relation.kind, RelationKind::View { .. }) {
            self.may_grant_column(relation, "tableoid", of_all, &list)?;
        }
        for name in privileges.iter().flat_map(|p| &p.columns).filter(|name| relation.column(name).is_none()) {
            // PostgreSQL's system columns; what is not there is refused when it is planned.
            if SYSTEM_COLUMNS.contains(&&**name) {
                self.may_grant_column(relation, name, Privileges::SELECT, &list)?;
            }
        }
        for column in &relation.columns {
            let own = privileges.iter().filter(|p| p.columns.contains(&column.name));
            let wanted = own.fold(of_all, |all, p| all.union(p.privileges)).intersect(Privileges::ALL_COLUMN);
            if !wanted.is_empty() {
                let both: Vec<Grant> = list.iter().chain(&column.acl.0).cloned().collect();
                self.may_grant_column(relation, &column.name, wanted, &both)?;
            }
        }
        Ok(())
    }

    fn may_grant_column(&self, relation: &Relation, name: &str, wanted: Privileges, lists: &[Grant]) -> Result<()> {
        let snapshot = self.snapshot();
        let held = |role| {
            let own = relation.column(name).map(|c| snapshot.column_privileges(role, relation, c));
            let whole = snapshot.relation_privileges(role, relation).intersect(Privileges::ALL_COLUMN);
            whole.union(own.unwrap_or_default())
        };
        if snapshot.may_grant(self.role(), wanted, lists, relation.owner, held) {
            return Ok(());
        }
        Err(privilege(format!("permission denied for column \"{name}\" of relation \"{}\"", relation.name)))
    }
}
