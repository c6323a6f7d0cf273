//! Roles, memberships and grants: the files are the whole truth about what they define, so what is no longer in them is
//! taken away.

use std::collections::HashSet;

use super::{Work, at, former, is_file, managed};
use crate::error::Result;
use crate::registry::files::{FileGrant, FileRole, Password, Place};
use crate::registry::privileges::{Kind, PUBLIC};
use crate::registry::verifier::{self, Verifier};
use crate::registry::{Acl, Column, Grant, Membership, Name, Namespace, Privileges, Relation, RelationKind, Role};
use crate::sql::ddl::planner::Planner;
use crate::tree::{GrantChange, GrantTarget, GrantedPrivilege};
use crate::types::Oid;

/// What each grantee has, by the files.
type Wanted = Vec<(Oid, Privileges)>;

impl Work<'_> {
    pub(super) fn role(&mut self, file: &FileRole) -> Result<()> {
        let found = self.planner.after.role(&file.name).cloned();
        if found.as_ref().is_some_and(|role| !is_file(&role.managed)) {
            let notes =
                vec!["it was not made from a file: drop or rename it, or name the one of the file otherwise".into()];
            self.note(
                super::Effect::Impossible,
                &file.place,
                format!("create role {}, which exists", file.name),
                notes,
            );
            return Ok(());
        }
        let kept = found.as_ref().and_then(|role| role.verifier.clone());
        let oid = found.as_ref().map_or_else(|| self.planner.after.counters.allocate_oid(), |role| role.oid);
        let role = Role {
            oid,
            name: file.name.clone(),
            superuser: file.superuser,
            login: file.login,
            inherit: file.inherit,
            create_role: file.create_role,
            create_db: file.create_db,
            bypass_rls: file.bypass_rls,
            connection_limit: file.connection_limit,
            valid_until: None,
            verifier: verifier(&file.password, kept).map_err(|e| at(&file.place, e))?,
            member_of: found.as_ref().map(|role| role.member_of.clone()).unwrap_or_default(),
            settings: file.settings.clone(),
            database_settings: Vec::new(),
            managed: managed(&file.place),
            comment: file.comment.clone(),
        };
        match found {
            None => self.does(&file.place, format!("create role {}", file.name)),
            Some(found) if same_role(&found, &role) => {
                if found.managed == role.managed {
                    return Ok(());
                }
            }
            Some(found) => self.does(&file.place, format!("alter role {}{}", file.name, what_differs(&found, &role))),
        }
        self.planner.put_role(role);
        Ok(())
    }

    pub(super) fn memberships(&mut self, file: &FileRole) -> Result<()> {
        let role = self.planner.role(&file.name)?;
        if !is_file(&role.managed) {
            return Ok(());
        }
        let mut wanted = Vec::new();
        for name in &file.member_of {
            wanted.push(Membership { role: self.planner.role(name)?.oid, admin: false });
        }
        if role.member_of != wanted {
            let names = |list: &[Membership], but: &[Membership]| {
                let new = list.iter().filter(|m| !but.iter().any(|b| b.role == m.role));
                new.map(|m| self.planner.role_name(m.role).to_string()).collect::<Vec<_>>().join(", ")
            };
            let (given, taken) = (names(&wanted, &role.member_of), names(&role.member_of, &wanted));
            if !given.is_empty() {
                self.does(&file.place, format!("grant {given} to {}", file.name));
            }
            if !taken.is_empty() {
                self.does(&file.place, format!("revoke {taken} from {}", file.name));
            }
            self.planner.put_role(Role { member_of: wanted, ..(*role).clone() });
        }
        Ok(())
    }

    /// What may be done with each file-managed table, sequence and namespace.
    pub(super) fn grants(&mut self) -> Result<()> {
        let (tables, namespaces) = self.grants_by_target();
        for file in &self.schema.tables {
            if let Some(found) = self.existing(file) {
                let grants = tables.get(&(file.namespace.clone(), file.name.clone()));
                self.table_grants(&file.place, &found, grants.map(Vec::as_slice).unwrap_or_default())?;
            }
        }
        for (name, grants) in &namespaces {
            let managed_here = self.planner.after.namespaces.get(name).is_some_and(|n| is_file(&n.managed));
            if !managed_here {
                self.shared_namespace(name, grants)?;
            }
        }
        for file in &self.schema.namespaces {
            let Some(found) = self.planner.after.namespaces.get(&file.name).cloned() else { continue };
            if is_file(&found.managed) {
                let grants = namespaces.get(&file.name).map(Vec::as_slice).unwrap_or_default();
                let wanted =
                    acl(Kind::Namespace, found.owner, &self.wanted(grants.iter().map(|g| (*g, g.privileges)))?);
                if self.compare_acl(&file.place, &found.acl, &wanted, Kind::Namespace, found.owner, &file.name) {
                    self.planner.put_namespace(Namespace { acl: wanted, ..(*found).clone() });
                }
            }
        }
        Ok(())
    }

    /// A namespace that SQL may grant on too: what the files say is added, and nothing taken away.
    fn shared_namespace(&mut self, name: &Name, grants: &[&FileGrant]) -> Result<()> {
        for grant in grants {
            let Some(found) = self.planner.after.namespaces.get(name).cloned() else { continue };
            let mut grantees = Vec::new();
            for grantee in &grant.to {
                let oid = self.grantee(grantee.as_ref())?;
                let list = found.acl.explicit(Kind::Namespace, found.owner);
                if !list.iter().any(|g| g.grantee == oid && g.privileges.contains(grant.privileges)) {
                    grantees.push(grantee.clone());
                }
            }
            if grantees.is_empty() {
                continue;
            }
            let to: Vec<&str> = grantees.iter().map(|name| name.as_deref().unwrap_or("public")).collect();
            self.does(&grant.place, format!("grant {} on {name} to {}", words(grant.privileges), to.join(", ")));
            self.planner.grant(&GrantChange {
                revoke: false,
                grant_option_only: false,
                with_grant_option: false,
                privileges: vec![GrantedPrivilege { privileges: grant.privileges, columns: Vec::new() }],
                on: GrantTarget::Namespaces(vec![name.clone()]),
                grantees,
                cascade: false,
            })?;
        }
        Ok(())
    }

    fn table_grants(&mut self, place: &Place, found: &Relation, grants: &[&FileGrant]) -> Result<()> {
        let name = format!("{}.{}", found.namespace, found.name);
        let whole = grants.iter().filter(|g| g.columns.is_empty()).map(|g| (*g, g.privileges));
        let whole = self.wanted(whole)?;
        let mut next = found.clone();
        let table_acl = acl(Kind::Table, found.owner, &whole);
        let mut changed = self.compare_acl(place, &found.acl, &table_acl, Kind::Table, found.owner, &name);
        if changed {
            next.acl = table_acl;
        }
        for column in &mut next.columns {
            let on_it = grants.iter().filter(|g| g.columns.contains(&column.name)).map(|g| (*g, g.privileges));
            let wanted = acl(Kind::Column, found.owner, &self.wanted(on_it)?);
            let what = format!("{name} ({})", column.name);
            if self.compare_acl(place, &column.acl, &wanted, Kind::Column, found.owner, &what) {
                column.acl = wanted;
                changed = true;
            }
        }
        if changed {
            self.planner.put_relation(next.clone());
        }
        // Who may insert may draw the numbers of serial columns: a file has no other way to say so.
        for sequence in self.planner.owned_sequences(found.oid) {
            let RelationKind::Sequence(s) = &sequence.kind else { continue };
            let column = s.owned_by.and_then(|(_, num)| next.column_by_num(num));
            let inserts = |g: &&&FileGrant| {
                g.privileges.contains(Privileges::INSERT)
                    && (g.columns.is_empty() || column.is_some_and(|c: &Column| g.columns.contains(&c.name)))
            };
            let wanted = self.wanted(grants.iter().filter(inserts).map(|g| (*g, Privileges::USAGE)))?;
            let wanted = acl(Kind::Sequence, sequence.owner, &wanted);
            let what = format!("sequence {}.{}", sequence.namespace, sequence.name);
            if self.compare_acl(place, &sequence.acl, &wanted, Kind::Sequence, sequence.owner, &what) {
                self.planner.put_relation(Relation { acl: wanted, ..(*sequence).clone() });
            }
        }
        Ok(())
    }

    fn grantee(&self, name: Option<&Name>) -> Result<Oid> {
        name.map_or(Ok(PUBLIC), |name| self.planner.role(name).map(|role| role.oid))
    }

    fn wanted<'g>(&self, grants: impl Iterator<Item = (&'g FileGrant, Privileges)>) -> Result<Wanted> {
        let mut wanted = Wanted::new();
        for (grant, privileges) in grants {
            for name in &grant.to {
                wanted.push((self.grantee(name.as_ref()).map_err(|e| at(&grant.place, e))?, privileges));
            }
        }
        Ok(wanted)
    }

    /// Notes who gets and who loses what. Gives whether the lists differ.
    fn compare_acl(&mut self, place: &Place, is: &Acl, wanted: &Acl, kind: Kind, owner: Oid, on: &str) -> bool {
        let (is, wanted) = (is.explicit(kind, owner), wanted.explicit(kind, owner));
        let of = |list: &[Grant], grantee: Oid| {
            let own = list.iter().filter(|g| g.grantee == grantee);
            own.fold((Privileges::NONE, Privileges::NONE), |(p, w), g| (p.union(g.privileges), w.union(g.with_grant)))
        };
        let mut grantees: Vec<Oid> = is.iter().chain(&wanted).map(|g| g.grantee).collect();
        grantees.sort_unstable();
        grantees.dedup();
        let mut differs = false;
        for grantee in grantees {
            let (has, gets) = (of(&is, grantee), of(&wanted, grantee));
            let name = if grantee == PUBLIC { "public".into() } else { self.planner.role_name(grantee) };
            let (given, taken) = (gets.0.minus(has.0), has.0.minus(gets.0));
            if !given.is_empty() {
                self.does(place, format!("grant {} on {on} to {name}", words(given)));
            }
            if !taken.is_empty() {
                self.does(place, format!("revoke {} on {on} from {name}", words(taken)));
            } else if has.1 != gets.1 {
                self.does(place, format!("revoke grant option for {} on {on} from {name}", words(has.1)));
            }
            differs |= has != gets;
        }
        differs
    }

    /// Roles that no file defines any more. They lose at once what they could do; what is left of them is dropped when
    /// that is asked for, as they may own or have been granted other things.
    pub(super) fn drop_roles(&mut self) {
        let names: HashSet<_> = self.schema.roles.iter().map(|r| r.name.clone()).collect();
        let roles = self.planner.after.roles.values();
        let mut gone: Vec<_> = roles.filter(|r| is_file(&r.managed) && !names.contains(&r.name)).cloned().collect();
        gone.sort_by(|a, b| a.name.cmp(&b.name));
        for role in gone {
            let place = former(&role.managed);
            let able = role.login || role.superuser || role.create_role || role.create_db || role.bypass_rls;
            if able || !role.member_of.is_empty() {
                self.does(&place, format!("alter role {}: no login, no attributes, no memberships", role.name));
                self.planner.put_role(Role {
                    login: false,
                    superuser: false,
                    create_role: false,
                    create_db: false,
                    bypass_rls: false,
                    verifier: None,
                    member_of: Vec::new(),
                    ..(*role).clone()
                });
            }
            let first = self.changes.len();
            if self.note(super::Effect::Destructive, &place, format!("drop role {}", role.name), Vec::new()) {
                self.attempt(first, |planner: &mut Planner<'_>| {
                    planner.drop_roles(std::slice::from_ref(&role.name), false)
                });
            }
        }
    }
}

fn acl(kind: Kind, owner: Oid, wanted: &Wanted) -> Acl {
    if wanted.is_empty() {
        return Acl::default();
    }
    let mut list = Acl::default().explicit(kind, owner);
    for (grantee, privileges) in wanted {
        match list.iter_mut().find(|g| g.grantee == *grantee) {
            Some(grant) => grant.privileges = grant.privileges.union(*privileges),
            None => list.push(Grant {
                grantee: *grantee,
                grantor: owner,
                privileges: *privileges,
                with_grant: Privileges::NONE,
            }),
        }
    }
    Acl(list)
}

fn words(privileges: Privileges) -> String {
    format!("{privileges:?}").to_lowercase().replace('|', ", ")
}

/// The verifier to keep: the one that is there, if it is the same password's.
fn verifier(password: &Password, kept: Option<String>) -> Result<Option<String>> {
    match password {
        Password::None => Ok(None),
        Password::Verifier(text) => Ok(Some(text.clone())),
        Password::Plain(plain) => {
            let fits = kept.as_deref().and_then(Verifier::parse).is_some_and(|kept| kept.accepts(plain));
            if fits { Ok(kept) } else { verifier::from_password(plain) }
        }
    }
}

fn attributes(r: &Role) -> [(&'static str, bool); 6] {
    [
        ("superuser", r.superuser),
        ("login", r.login),
        ("inherit", r.inherit),
        ("createrole", r.create_role),
        ("createdb", r.create_db),
        ("bypassrls", r.bypass_rls),
    ]
}

/// Everything but memberships, which come later, and the place in the file.
fn same_role(a: &Role, b: &Role) -> bool {
    attributes(a) == attributes(b)
        && a.connection_limit == b.connection_limit
        && a.verifier == b.verifier
        && a.settings == b.settings
        && a.comment == b.comment
        && a.valid_until == b.valid_until
}

/// `: login, password`, for the line that tells of it.
fn what_differs(a: &Role, b: &Role) -> String {
    let mut words: Vec<String> = Vec::new();
    for ((name, was), (_, is)) in attributes(a).into_iter().zip(attributes(b)) {
        if was != is {
            words.push(if is { name.to_owned() } else { format!("no{name}") });
        }
    }
    words.extend((a.connection_limit != b.connection_limit).then(|| "connection limit".to_owned()));
    words.extend((a.verifier != b.verifier).then(|| "password".to_owned()));
    words.extend((a.settings != b.settings).then(|| "settings".to_owned()));
    words.extend((a.comment != b.comment).then(|| "comment".to_owned()));
    if words.is_empty() { String::new() } else { format!(": {}", words.join(", ")) }
}
