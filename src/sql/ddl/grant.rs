//! GRANT and REVOKE on objects: PostgreSQL's aclitem arithmetic.

use super::planner::{Planner, no_namespace};
use crate::error::{Error, Report, Result, SqlState};
use crate::registry::build::SYSTEM_COLUMNS;
use crate::registry::privileges::{Kind, PUBLIC};
use crate::registry::{
    Acl, Change, Column, Grant, Managed, Name, Privileges, Relation, RelationKind, Snapshot, UserType, builtin,
};
use crate::tree::{GrantChange, GrantTarget, GrantedPrivilege, WANTED_ALL};
use crate::types::Oid;

/// One GRANT or REVOKE, its grantees resolved.
pub(super) struct Terms {
    pub revoke: bool,
    pub option_only: bool,
    pub with_option: bool,
    pub grantees: Vec<Oid>,
    pub grantor: Oid,
    pub cascade: bool,
}

impl Planner<'_> {
    pub fn grant(&mut self, grant: &GrantChange) -> Result<()> {
        let GrantChange { revoke, grant_option_only, with_grant_option, privileges, on, grantees, cascade } = grant;
        self.tag(if *revoke { "REVOKE" } else { "GRANT" });
        let mut oids = Vec::new();
        for grantee in grantees {
            oids.push(match grantee {
                Some(name) => self.role(name)?.oid,
                None => PUBLIC,
            });
        }
        if *with_grant_option && oids.contains(&PUBLIC) {
            let message = "grant options can only be granted to roles";
            return Err(Error::new(SqlState::INVALID_GRANT_OPERATION, message));
        }
        let terms = Terms {
            revoke: *revoke,
            option_only: *grant_option_only,
            with_option: *with_grant_option,
            grantees: oids,
            grantor: self.cx.role,
            cascade: *cascade,
        };
        match on {
            GrantTarget::Relations(names) => {
                for (namespace, name) in names {
                    let relation = (*self.relation(namespace, name)?).clone();
                    self.grant_on_relation(relation, privileges, &terms)?;
                }
            }
            GrantTarget::Sequences(names) => {
                for (namespace, name) in names {
                    let relation = (*self.relation(namespace, name)?).clone();
                    if !matches!(relation.kind, RelationKind::Sequence(_)) {
                        return Err(super::alter::wrong_type(name, "a sequence"));
                    }
                    self.grant_on_relation(relation, privileges, &terms)?;
                }
            }
            GrantTarget::AllRelationsIn(namespaces) => self.grant_on_all(namespaces, false, privileges, &terms)?,
            GrantTarget::AllSequencesIn(namespaces) => self.grant_on_all(namespaces, true, privileges, &terms)?,
            GrantTarget::Namespaces(names) => {
                for name in names {
                    self.grant_on_namespace(name, privileges, &terms)?;
                }
            }
            GrantTarget::Database => self.grant_on_database(privileges, &terms)?,
            GrantTarget::Functions(functions) => {
                for oid in functions {
                    self.grant_on_function(*oid, privileges, &terms)?;
                }
            }
            GrantTarget::Types(types) => {
                for oid in types {
                    self.grant_on_type(*oid, privileges, &terms)?;
                }
            }
            GrantTarget::AllFunctionsIn { kind, namespaces } => {
                for namespace in namespaces {
                    if !self.after.namespaces.contains_key(namespace) {
                        return Err(no_namespace(namespace));
                    }
                    for function in self.functions_in(namespace).into_iter().filter(|f| kind.covers(f.procedure)) {
                        self.grant_on_function(function.oid, privileges, &terms)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn grant_on_all(
        &mut self,
        namespaces: &[Name],
        sequences: bool,
        privileges: &[GrantedPrivilege],
        terms: &Terms,
    ) -> Result<()> {
        for namespace in namespaces {
            if !self.after.namespaces.contains_key(namespace) {
                return Err(no_namespace(namespace));
            }
            let wanted = |r: &Relation| match r.kind {
                RelationKind::Table | RelationKind::View { .. } | RelationKind::MaterializedView { .. } => !sequences,
                RelationKind::Sequence(_) => sequences,
                RelationKind::Composite | RelationKind::System => false,
            };
            let mut inside: Vec<Relation> = self
                .after
                .relations
                .values()
                .filter(|r| r.namespace == *namespace && wanted(r))
                .map(|r| (**r).clone())
                .collect();
            inside.sort_by_key(|r| r.oid);
            for relation in inside {
                self.grant_on_relation(relation, privileges, terms)?;
            }
        }
        Ok(())
    }

    fn grant_on_relation(
        &mut self,
        mut relation: Relation,
        privileges: &[GrantedPrivilege],
        terms: &Terms,
    ) -> Result<()> {
        self.may_grant(&relation.managed, super::alter::word(&relation), &relation.name)?;
        let kind = Kind::of(&relation);
        for GrantedPrivilege { privileges: wanted, columns } in privileges {
            if columns.is_empty() {
                let wanted = checked(*wanted, kind, &relation.name)?;
                let wanted = self.grantable(wanted, &relation.acl, kind, relation.owner, &relation.name);
                relation.acl = change(&relation.acl, kind, relation.owner, wanted, terms, &self.after)?;
                if terms.revoke {
                    // REVOKE on the table takes the same privileges on its columns.
                    let of_columns = wanted.intersect(Privileges::ALL_COLUMN);
                    for column in &mut relation.columns {
                        column.acl = change(&column.acl, Kind::Column, relation.owner, of_columns, terms, &self.after)?;
                    }
                }
                continue;
            }
            let wanted = checked(*wanted, Kind::Column, &relation.name)?;
            for name in columns {
                let owner = relation.owner;
                let whole = self.after.grantable(terms.grantor, &relation.acl, kind, owner);
                let column = column_mut(&mut relation, name)?;
                let own = self.after.grantable(terms.grantor, &column.acl, Kind::Column, owner);
                let wanted = wanted.intersect(whole.union(own));
                column.acl = change(&column.acl, Kind::Column, owner, wanted, terms, &self.after)?;
            }
        }
        self.put_relation(relation);
        Ok(())
    }

    /// Files say who may do what with what they define; the system's own objects may be granted on.
    fn may_grant(&self, managed: &Managed, what: &str, name: &str) -> Result<()> {
        match managed {
            Managed::Sql | Managed::System => Ok(()),
            Managed::File { .. } => self.may_change(managed, &format!("the access to {what}"), name),
        }
    }

    fn grant_on_namespace(&mut self, name: &Name, privileges: &[GrantedPrivilege], terms: &Terms) -> Result<()> {
        let Some(namespace) = self.after.namespaces.get(name).cloned() else { return Err(no_namespace(name)) };
        self.may_grant(&namespace.managed, "schema", name)?;
        let mut namespace = (*namespace).clone();
        for GrantedPrivilege { privileges: wanted, columns: _ } in privileges {
            let wanted = checked(*wanted, Kind::Namespace, name)?;
            let wanted = self.grantable(wanted, &namespace.acl, Kind::Namespace, namespace.owner, name);
            namespace.acl = change(&namespace.acl, Kind::Namespace, namespace.owner, wanted, terms, &self.after)?;
        }
        self.put_namespace(namespace);
        Ok(())
    }

    fn grant_on_function(&mut self, oid: Oid, privileges: &[GrantedPrivilege], terms: &Terms) -> Result<()> {
        let mut function = (*self.function_of(oid)?).clone();
        for GrantedPrivilege { privileges: wanted, columns: _ } in privileges {
            let wanted = checked(*wanted, Kind::Function, &function.name)?;
            let wanted = self.grantable(wanted, &function.acl, Kind::Function, function.owner, &function.name);
            function.acl = change(&function.acl, Kind::Function, function.owner, wanted, terms, &self.after)?;
        }
        self.change(Change::PutFunction(std::sync::Arc::new(function)));
        Ok(())
    }

    fn grant_on_type(&mut self, oid: Oid, privileges: &[GrantedPrivilege], terms: &Terms) -> Result<()> {
        let Some(ty) = self.after.user_type_by_oid(oid).cloned() else {
            let composite = self.after.relation_of_row(oid).map(|r| (**r).clone());
            let composite = composite.ok_or_else(|| Error::internal("a grant on a type that is nobody's"))?;
            return self.grant_on_relation(composite, privileges, terms);
        };
        self.may_grant(&ty.managed, "type", &ty.name)?;
        let mut ty = (*ty).clone();
        for GrantedPrivilege { privileges: wanted, columns: _ } in privileges {
            let wanted = checked(*wanted, Kind::Type, &ty.name)?;
            let wanted = self.grantable(wanted, &ty.acl, Kind::Type, ty.owner, &ty.name);
            ty.acl = change(&ty.acl, Kind::Type, ty.owner, wanted, terms, &self.after)?;
        }
        self.put_type(ty);
        Ok(())
    }

    /// ALTER … OWNER TO of a type.
    pub fn type_goes_to(&mut self, ty: &mut UserType, to: &Name) -> Result<()> {
        let owner = self.role(to)?.oid;
        ty.acl = change_owner(&ty.acl, ty.owner, owner);
        ty.owner = owner;
        Ok(())
    }

    fn grant_on_database(&mut self, privileges: &[GrantedPrivilege], terms: &Terms) -> Result<()> {
        let (mut acl, name) = (self.after.database_acl.clone(), self.after.database.clone());
        for GrantedPrivilege { privileges: wanted, columns: _ } in privileges {
            let wanted = checked(*wanted, Kind::Database, &name)?;
            let wanted = self.grantable(wanted, &acl, Kind::Database, builtin::SUPERUSER, &name);
            acl = change(&acl, Kind::Database, builtin::SUPERUSER, wanted, terms, &self.after)?;
        }
        let comment = self.after.database_comment.clone();
        self.change(Change::PutDatabase { acl, comment });
        Ok(())
    }

    /// What of `wanted` the grantor may give; PostgreSQL warns where that is less.
    fn grantable(&mut self, wanted: Privileges, acl: &Acl, kind: Kind, owner: Oid, name: &str) -> Privileges {
        let has = self.after.grantable(self.cx.role, acl, kind, owner);
        let given = wanted.intersect(has);
        if given.is_empty() || given != wanted && wanted != kind.all() {
            let (code, what) = if self.plan.tag == "REVOKE" {
                (SqlState::WARNING_PRIVILEGE_NOT_REVOKED, "revoked")
            } else {
                (SqlState::WARNING_PRIVILEGE_NOT_GRANTED, "granted")
            };
            let message = if given.is_empty() {
                format!("no privileges were {what} for \"{name}\"")
            } else {
                format!("not all privileges were {what} for \"{name}\"")
            };
            self.plan.notices.push(Report::warning(code, message));
        }
        given
    }
}

/// ALL becomes the kind's own; a privilege that the kind has not is 0LP01.
pub(super) fn checked(wanted: Privileges, kind: Kind, name: &str) -> Result<Privileges> {
    if wanted == WANTED_ALL {
        return Ok(kind.all());
    }
    // PostgreSQL takes GRANT … ON TABLE for sequences too, with the privileges that both have.
    let extra = wanted.minus(kind.all());
    if extra.is_empty() {
        return Ok(wanted);
    }
    let what = match kind {
        Kind::Table | Kind::System => "relation",
        Kind::Sequence => "sequence",
        Kind::Namespace => "schema",
        Kind::Database => "database",
        Kind::Column => "column",
        Kind::Function => "function",
        Kind::Type => "type",
    };
    let _ = name;
    let message = format!("invalid privilege type {extra:?} for {what}");
    Err(Error::new(SqlState::INVALID_GRANT_OPERATION, message))
}

fn column_mut<'a>(relation: &'a mut Relation, name: &str) -> Result<&'a mut Column> {
    if SYSTEM_COLUMNS.contains(&name) {
        return Err(Error::unsupported(format!("a grant on the system column \"{name}\""))
            .hint("Whoever may read the whole table may read it."));
    }
    let message = format!("column \"{name}\" of relation \"{}\" does not exist", relation.name);
    let found = relation.columns.iter_mut().find(|c| &*c.name == name);
    found.ok_or_else(|| Error::new(SqlState::UNDEFINED_COLUMN, message))
}

/// The list after a GRANT or REVOKE. Who has the owner's rights acts as the owner, as in PostgreSQL (select_best_grantor).
pub(super) fn change(
    acl: &Acl,
    kind: Kind,
    owner: Oid,
    wanted: Privileges,
    terms: &Terms,
    snapshot: &Snapshot,
) -> Result<Acl> {
    let mut list = acl.explicit(kind, owner);
    let may_pass_on = list.iter().any(|g| g.grantee == terms.grantor && !g.with_grant.is_empty());
    let grantor = if may_pass_on && !snapshot.has_rights_of(terms.grantor, owner) { terms.grantor } else { owner };
    for grantee in &terms.grantees {
        if terms.revoke {
            let mut lost = Privileges::NONE;
            for grant in list.iter_mut().filter(|g| g.grantee == *grantee && g.grantor == grantor) {
                lost = lost.union(grant.with_grant.intersect(wanted));
                grant.with_grant = grant.with_grant.minus(wanted);
                if !terms.option_only {
                    grant.privileges = grant.privileges.minus(wanted);
                }
            }
            revoke_dependent(&mut list, owner, *grantee, lost, terms.cascade, snapshot)?;
            continue;
        }
        let option = if terms.with_option { wanted } else { Privileges::NONE };
        match list.iter_mut().find(|g| g.grantee == *grantee && g.grantor == grantor) {
            Some(grant) => {
                grant.privileges = grant.privileges.union(wanted);
                grant.with_grant = grant.with_grant.union(option);
            }
            None => list.push(Grant { grantee: *grantee, grantor, privileges: wanted, with_grant: option }),
        }
    }
    list.retain(|g| !g.privileges.is_empty());
    if list.is_empty() && kind != Kind::Column {
        // An explicit list without entries differs from no list: nobody has anything, not even the owner.
        list.push(Grant { grantee: owner, grantor: owner, privileges: Privileges::NONE, with_grant: Privileges::NONE });
    }
    Ok(Acl(list))
}

/// What `by`, who lost these grant options, had given on (recursive_revoke): it goes with CASCADE, else 2BP01.
fn revoke_dependent(
    list: &mut Vec<Grant>,
    owner: Oid,
    by: Oid,
    lost: Privileges,
    cascade: bool,
    snapshot: &Snapshot,
) -> Result<()> {
    // An owner cannot lose the right to grant; others may still have it from somebody else.
    if by == owner || by == PUBLIC {
        return Ok(());
    }
    let still = list.iter().filter(|g| g.grantee != PUBLIC && snapshot.has_rights_of(by, g.grantee));
    let lost = lost.minus(still.fold(Privileges::NONE, |all, g| all.union(g.with_grant)));
    while let Some(grant) = list.iter_mut().find(|g| g.grantor == by && !g.privileges.intersect(lost).is_empty()) {
        if !cascade {
            return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, "dependent privileges exist")
                .hint("Use CASCADE to revoke them too."));
        }
        let (grantee, next) = (grant.grantee, grant.with_grant.intersect(lost));
        grant.privileges = grant.privileges.minus(lost);
        grant.with_grant = grant.with_grant.minus(lost);
        revoke_dependent(list, owner, grantee, next, cascade, snapshot)?;
    }
    Ok(())
}

/// The list when the object gets another owner: grants by and to the old one become the new one's.
pub fn change_owner(acl: &Acl, from: Oid, to: Oid) -> Acl {
    let mut list: Vec<Grant> = Vec::new();
    for grant in &acl.0 {
        let swap = |oid: Oid| if oid == from { to } else { oid };
        let grant = Grant { grantee: swap(grant.grantee), grantor: swap(grant.grantor), ..grant.clone() };
        match list.iter_mut().find(|g| g.grantee == grant.grantee && g.grantor == grant.grantor) {
            Some(same) => {
                same.privileges = same.privileges.union(grant.privileges);
                same.with_grant = same.with_grant.union(grant.with_grant);
            }
            None => list.push(grant),
        }
    }
    Acl(list)
}
