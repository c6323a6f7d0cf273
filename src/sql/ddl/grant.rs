//! GRANT and REVOKE on objects: PostgreSQL's aclitem arithmetic.

use super::planner::{Planner, no_namespace};
use crate::error::{Error, Report, Result, SqlState};
use crate::registry::build::SYSTEM_COLUMNS;
use crate::registry::privileges::{Kind, PUBLIC};
use crate::registry::{
    Acl, Change, Grant, Managed, Name, Privileges, Relation, RelationKind, Snapshot, UserType, builtin,
};
use crate::tree::{GrantChange, GrantTarget, GrantedPrivilege, WANTED_ALL};
use crate::types::Oid;

/// One GRANT or REVOKE, its grantees resolved.
pub(super) struct Terms {
    pub revoke: bool,
    pub option_only: bool,
    pub with_option: bool,
    pub grantees: Vec<Oid>,
    /// Who asks.
    pub role: Oid,
    pub cascade: bool,
    /// Written ON SEQUENCE: a privilege that sequences have not is an error.
    pub sequences: bool,
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
            role: self.cx.role,
            cascade: *cascade,
            sequences: matches!(on, GrantTarget::Sequences(_) | GrantTarget::AllSequencesIn(_)),
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
        let (kind, owner, name) = (Kind::of(&relation), relation.owner, relation.name.clone());
        let Asked { whole, everything, columns } = Asked::of(&relation, privileges, terms.sequences)?;
        let list = relation.acl.explicit(kind, owner);
        let supported = if kind == Kind::Sequence { whole.intersect(kind.all()) } else { whole };
        if supported != whole {
            let message = format!("sequence \"{name}\" only supports USAGE, SELECT, and UPDATE privileges");
            self.plan.notices.push(Report::warning(SqlState::INVALID_GRANT_OPERATION, message));
        }
        let whole = supported;
        if !whole.is_empty() {
            let (grantor, may) = self.after.best_grantor(terms.role, whole, &list, owner);
            self.warn_of_less(terms, whole, may, everything, &format!("\"{name}\""));
            relation.acl = change(&relation.acl, kind, owner, may, grantor, terms, &self.after)?;
        }
        // REVOKE on the table takes the same privileges on its columns.
        let of_all = if terms.revoke { whole.intersect(Privileges::ALL_COLUMN) } else { Privileges::NONE };
        let system = if matches!(relation.kind, RelationKind::View { .. }) { &[][..] } else { &SYSTEM_COLUMNS };
        let system = system.iter().map(|name| (Name::from(*name), None));
        let own = relation.columns.iter().enumerate().map(|(at, c)| (c.name.clone(), Some(at)));
        for (column, at) in system.chain(own).collect::<Vec<_>>() {
            let wanted = columns.iter().filter(|(name, _)| *name == column).fold(of_all, |all, (_, p)| all.union(*p));
            if wanted.is_empty() {
                continue;
            }
            let known = at.map(|at| relation.columns[at].acl.clone()).unwrap_or_default();
            let both: Vec<Grant> = list.iter().chain(&known.0).cloned().collect();
            let (grantor, may) = self.after.best_grantor(terms.role, wanted, &both, owner);
            let what = format!("column \"{column}\" of relation \"{name}\"");
            self.warn_of_less(terms, wanted, may, wanted == Privileges::ALL_COLUMN, &what);
            if let Some(at) = at {
                relation.columns[at].acl = change(&known, Kind::Column, owner, may, grantor, terms, &self.after)?;
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

    /// The list of an object that is no relation.
    fn granted(
        &mut self,
        acl: &Acl,
        kind: Kind,
        owner: Oid,
        name: &str,
        privileges: &[GrantedPrivilege],
        terms: &Terms,
    ) -> Result<Acl> {
        let everything = is_everything(privileges);
        let named = privileges.iter().fold(Privileges::NONE, |all, p| all.union(p.privileges));
        let wanted = if everything { kind.all() } else { kind.only(named)? };
        let (grantor, may) = self.after.best_grantor(terms.role, wanted, &acl.explicit(kind, owner), owner);
        self.warn_of_less(terms, wanted, may, everything, &format!("\"{name}\""));
        change(acl, kind, owner, may, grantor, terms, &self.after)
    }

    fn grant_on_namespace(&mut self, name: &Name, privileges: &[GrantedPrivilege], terms: &Terms) -> Result<()> {
        let Some(namespace) = self.after.namespaces.get(name).cloned() else { return Err(no_namespace(name)) };
        self.may_grant(&namespace.managed, "schema", name)?;
        let mut namespace = (*namespace).clone();
        namespace.acl = self.granted(&namespace.acl, Kind::Namespace, namespace.owner, name, privileges, terms)?;
        self.put_namespace(namespace);
        Ok(())
    }

    fn grant_on_function(&mut self, oid: Oid, privileges: &[GrantedPrivilege], terms: &Terms) -> Result<()> {
        let mut function = (*self.function_of(oid)?).clone();
        function.acl =
            self.granted(&function.acl, Kind::Function, function.owner, &function.name, privileges, terms)?;
        self.change(Change::PutFunction(std::sync::Arc::new(function)));
        Ok(())
    }

    fn grant_on_type(&mut self, oid: Oid, privileges: &[GrantedPrivilege], terms: &Terms) -> Result<()> {
        let Some(ty) = self.after.user_type_by_oid(oid).cloned() else {
            let composite = self.after.relation_of_row(oid).map(|r| (**r).clone());
            let mut composite = composite.ok_or_else(|| Error::internal("a grant on a type that is nobody's"))?;
            composite.acl =
                self.granted(&composite.acl, Kind::Type, composite.owner, &composite.name, privileges, terms)?;
            self.put_relation(composite);
            return Ok(());
        };
        self.may_grant(&ty.managed, "type", &ty.name)?;
        let mut ty = (*ty).clone();
        ty.acl = self.granted(&ty.acl, Kind::Type, ty.owner, &ty.name, privileges, terms)?;
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
        let (acl, name) = (self.after.database_acl.clone(), self.after.database.clone());
        let acl = self.granted(&acl, Kind::Database, builtin::SUPERUSER, &name, privileges, terms)?;
        let comment = self.after.database_comment.clone();
        self.change(Change::PutDatabase { acl, comment });
        Ok(())
    }

    /// The warning where less is given or taken than what was asked for (restrict_and_check_grant).
    fn warn_of_less(&mut self, terms: &Terms, wanted: Privileges, may: Privileges, everything: bool, what: &str) {
        let amount = match () {
            () if may.is_empty() => "no",
            () if may != wanted && !everything => "not all",
            () => return,
        };
        let (code, done) = match terms.revoke {
            true => (SqlState::WARNING_PRIVILEGE_NOT_REVOKED, "could be revoked"),
            false => (SqlState::WARNING_PRIVILEGE_NOT_GRANTED, "were granted"),
        };
        self.plan.notices.push(Report::warning(code, format!("{amount} privileges {done} for {what}")));
    }
}

/// ALL [PRIVILEGES] of a whole object.
fn is_everything(privileges: &[GrantedPrivilege]) -> bool {
    privileges.iter().any(|p| p.columns.is_empty() && p.privileges == WANTED_ALL)
}

/// What one GRANT or REVOKE asks for on one relation.
struct Asked {
    whole: Privileges,
    /// ALL: then nobody is told that it was less.
    everything: bool,
    columns: Vec<(Name, Privileges)>,
}

impl Asked {
    fn of(relation: &Relation, privileges: &[GrantedPrivilege], sequences: bool) -> Result<Self> {
        let kind = Kind::of(relation);
        let mut asked = Self { whole: Privileges::NONE, everything: is_everything(privileges), columns: Vec::new() };
        for GrantedPrivilege { privileges: wanted, columns } in privileges {
            let of_columns =
                || if *wanted == WANTED_ALL { Ok(Privileges::ALL_COLUMN) } else { Kind::Column.only(*wanted) };
            match columns.is_empty() {
                true if asked.everything => asked.whole = kind.all(),
                // GRANT … ON TABLE takes sequences, too, with a warning for what they have not.
                true if kind == Kind::Sequence && !sequences => {
                    asked.whole = asked.whole.union(if Kind::Table.only(*wanted).is_ok() {
                        *wanted
                    } else {
                        kind.only(*wanted)?
                    });
                }
                true => asked.whole = asked.whole.union(kind.only(*wanted)?),
                false => {
                    for name in columns {
                        must_have(relation, name)?;
                        asked.columns.push((name.clone(), of_columns()?));
                    }
                }
            }
        }
        Ok(asked)
    }
}

fn must_have(relation: &Relation, column: &str) -> Result<()> {
    if SYSTEM_COLUMNS.contains(&column) {
        return Err(Error::unsupported(format!("a grant on the system column \"{column}\""))
            .hint("Whoever may read the whole table may read it."));
    }
    if relation.column(column).is_some() {
        return Ok(());
    }
    let message = format!("column \"{column}\" of relation \"{}\" does not exist", relation.name);
    Err(Error::new(SqlState::UNDEFINED_COLUMN, message))
}

/// The list after a GRANT or REVOKE of `wanted` in the name of `grantor`.
pub(super) fn change(
    acl: &Acl,
    kind: Kind,
    owner: Oid,
    wanted: Privileges,
    grantor: Oid,
    terms: &Terms,
    snapshot: &Snapshot,
) -> Result<Acl> {
    let mut list = acl.explicit(kind, owner);
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
        no_circle(&list, owner, *grantee, grantor, option, snapshot)?;
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

/// The grant options that a role has by a list; of who has the owner's rights all.
fn options_of(list: &[Grant], owner: Oid, role: Oid, snapshot: &Snapshot) -> Privileges {
    if snapshot.has_rights_of(role, owner) {
        return Privileges(u16::MAX);
    }
    let own = list.iter().filter(|g| g.grantee != PUBLIC && snapshot.has_rights_of(role, g.grantee));
    own.fold(Privileges::NONE, |all, g| all.union(g.with_grant))
}

/// 0LP01 where the grantor would have an option from nobody but the grantee (check_circularity).
fn no_circle(
    list: &[Grant],
    owner: Oid,
    grantee: Oid,
    grantor: Oid,
    option: Privileges,
    snapshot: &Snapshot,
) -> Result<()> {
    if option.is_empty() || grantor == owner {
        return Ok(());
    }
    let mut without = list.to_vec();
    while let Some(grant) = without.iter_mut().find(|g| g.grantee == grantee && !g.with_grant.is_empty()) {
        let lost = std::mem::take(&mut grant.with_grant);
        grant.privileges = Privileges::NONE;
        revoke_dependent(&mut without, owner, grantee, lost, true, snapshot)?;
    }
    if options_of(&without, owner, grantor, snapshot).contains(option) {
        return Ok(());
    }
    let message = "grant options cannot be granted back to your own grantor";
    Err(Error::new(SqlState::INVALID_GRANT_OPERATION, message))
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
    let lost = lost.minus(options_of(list, owner, by, snapshot));
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
