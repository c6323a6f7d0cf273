//! Who may do what: ACLs, ownership, membership. The one place that reads an [`Acl`].

use std::collections::BTreeSet;

use super::{Acl, Column, Grant, Namespace, Privileges, Relation, RelationKind, Snapshot, builtin, predefined};
use crate::error::{Error, SqlState};
use crate::types::Oid;

/// The grantee that stands for everybody.
pub const PUBLIC: Oid = 0;

/// What an object's owner has, and what PUBLIC has without any grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Table,
    Sequence,
    Namespace,
    Database,
    Function,
    Type,
    /// A view of the system catalog: everybody may read it, unless its ACL says otherwise.
    System,
    Column,
}

impl Kind {
    pub const fn all(self) -> Privileges {
        match self {
            Self::Table | Self::System => Privileges::ALL_TABLE,
            Self::Sequence => Privileges::ALL_SEQUENCE,
            Self::Namespace => Privileges::ALL_NAMESPACE,
            Self::Database => Privileges::ALL_DATABASE,
            Self::Function => Privileges::ALL_FUNCTION,
            Self::Type => Privileges::USAGE,
            Self::Column => Privileges::ALL_COLUMN,
        }
    }

    /// What a GRANT or REVOKE asks for, where this is all that it can be; 0LP01 for anything else.
    pub fn only(self, wanted: Privileges) -> Result<Privileges, Error> {
        let extra = wanted.minus(self.all());
        let Some(first) = (0..u16::BITS).map(|bit| Privileges(1 << bit)).find(|p| extra.contains(*p)) else {
            return Ok(wanted);
        };
        let what = match self {
            Self::Table | Self::System if first == Privileges::USAGE => "table",
            Self::Table | Self::System => "relation",
            Self::Sequence => "sequence",
            Self::Namespace => "schema",
            Self::Database => "database",
            Self::Column => "column",
            Self::Function => "function",
            Self::Type => "type",
        };
        let message = format!("invalid privilege type {first:?} for {what}");
        Err(Error::new(SqlState::INVALID_GRANT_OPERATION, message))
    }

    const fn public(self) -> Privileges {
        match self {
            Self::System => Privileges::SELECT,
            Self::Function => Privileges::EXECUTE,
            Self::Type => Privileges::USAGE,
            Self::Database => Privileges::TEMPORARY.union(Privileges::CONNECT),
            Self::Table | Self::Sequence | Self::Namespace | Self::Column => Privileges::NONE,
        }
    }

    pub fn of(relation: &Relation) -> Self {
        match relation.kind {
            RelationKind::Table | RelationKind::View { .. } | RelationKind::MaterializedView { .. } => Self::Table,
            RelationKind::Composite => Self::Type,
            RelationKind::Sequence(_) => Self::Sequence,
            RelationKind::System => Self::System,
        }
    }
}

impl Acl {
    /// The list as GRANT sees it: written out if it was empty (PostgreSQL's acldefault).
    pub fn explicit(&self, kind: Kind, owner: Oid) -> Vec<Grant> {
        if !self.0.is_empty() || kind == Kind::Column {
            return self.0.clone();
        }
        let grant = |grantee, privileges| Grant { grantee, grantor: owner, privileges, with_grant: Privileges::NONE };
        let mut list = Vec::new();
        if !kind.public().is_empty() {
            list.push(grant(PUBLIC, kind.public()));
        }
        list.push(grant(owner, kind.all()));
        list
    }

    /// What the roles together have by this list; grant options alone if `grantable`.
    fn privileges(&self, kind: Kind, owner: Oid, roles: &BTreeSet<Oid>, grantable: bool) -> Privileges {
        let mut found = Privileges::NONE;
        for grant in self.explicit(kind, owner) {
            if grant.grantee == PUBLIC || roles.contains(&grant.grantee) {
                found = found.union(if grantable { grant.with_grant } else { grant.privileges });
            }
        }
        if grantable && roles.contains(&owner) {
            // An owner can always grant.
            found = found.union(kind.all());
        }
        found
    }
}

/// What is said of a role that is not there.
pub fn missing_role(name: &str) -> Error {
    Error::new(SqlState::UNDEFINED_OBJECT, format!("role \"{name}\" does not exist"))
}

impl Snapshot {
    /// What privileges are judged by: roles, owners and grants as they are now.
    fn rights(&self) -> &Self {
        self.rights.as_deref().unwrap_or(self)
    }

    /// A relation of this snapshot as it is now; `None` if it has been dropped meanwhile.
    pub fn relation_now<'a>(&'a self, relation: &'a Relation) -> Option<&'a Relation> {
        match &self.rights {
            None => Some(relation),
            Some(now) => now.relation_by_oid(relation.oid).map(|r| &**r),
        }
    }

    /// A role as it is now.
    pub fn role_now(&self, role: Oid) -> Option<&super::Role> {
        self.rights().role_by_oid(role).map(|r| &**r)
    }

    pub fn is_superuser(&self, role: Oid) -> bool {
        self.rights().role_by_oid(role).is_some_and(|r| r.superuser)
    }

    /// The role and every role whose privileges it has without SET ROLE.
    pub fn effective_roles(&self, role: Oid) -> BTreeSet<Oid> {
        self.memberships(role, true)
    }

    /// The role and every role whose member it is, with or without INHERIT: what would make a circle.
    pub fn effective_members(&self, role: Oid) -> BTreeSet<Oid> {
        self.memberships(role, false)
    }

    /// The role and every role it is a member of, directly or not. With `inherit`, only through roles that inherit.
    fn memberships(&self, role: Oid, inherit: bool) -> BTreeSet<Oid> {
        let mut seen = BTreeSet::from([role]);
        let mut todo = vec![role];
        while let Some(oid) = todo.pop() {
            let Some(role) = self.rights().role_by_oid(oid) else { continue };
            if inherit && !role.inherit {
                continue;
            }
            todo.extend(role.member_of.iter().map(|m| m.role).filter(|m| seen.insert(*m)));
        }
        seen
    }

    /// May `role` become `other` by SET ROLE?
    pub fn is_member(&self, role: Oid, other: Oid) -> bool {
        role == other || self.is_superuser(role) || self.memberships(role, false).contains(&other)
    }

    /// Has `role` the rights of `other` at once?
    pub fn has_rights_of(&self, role: Oid, other: Oid) -> bool {
        role == other || self.is_superuser(role) || self.effective_roles(role).contains(&other)
    }

    /// May `role` grant membership in `other`?
    pub fn has_admin_option(&self, role: Oid, other: Oid) -> bool {
        self.is_superuser(role)
            || self.memberships(role, false).iter().any(|r| {
                self.rights().role_by_oid(*r).is_some_and(|r| r.member_of.iter().any(|m| m.role == other && m.admin))
            })
    }

    fn acl_privileges(&self, role: Oid, acl: &Acl, kind: Kind, owner: Oid) -> Privileges {
        if self.is_superuser(role) {
            return kind.all();
        }
        acl.privileges(kind, owner, &self.effective_roles(role), false)
    }

    /// What has been dropped meanwhile is nobody's but the superusers', who need no grant.
    fn of_dropped(&self, role: Oid, kind: Kind) -> Privileges {
        if self.is_superuser(role) { kind.all() } else { Privileges::NONE }
    }

    /// What `role` may do with the whole relation.
    pub fn relation_privileges(&self, role: Oid, relation: &Relation) -> Privileges {
        let Some(relation) = self.relation_now(relation) else { return self.of_dropped(role, Kind::of(relation)) };
        let kind = Kind::of(relation);
        let granted = self.acl_privileges(role, &relation.acl, kind, relation.owner);
        granted.union(self.all_data_privileges(role, kind))
    }

    /// What the members of pg_read_all_data and pg_write_all_data may do with every object of the kind. The system's own relations are left out: PostgreSQL
    /// opens pg_authid and its kin so, too.
    fn all_data_privileges(&self, role: Oid, kind: Kind) -> Privileges {
        let (read, write) = match kind {
            Kind::Table => (Privileges::SELECT, Privileges::INSERT.union(Privileges::UPDATE).union(Privileges::DELETE)),
            Kind::Sequence => (Privileges::SELECT, Privileges::UPDATE),
            Kind::Namespace => (Privileges::USAGE, Privileges::USAGE),
            Kind::Database | Kind::Function | Kind::Type | Kind::Column | Kind::System => return Privileges::NONE,
        };
        if self.is_superuser(role) {
            return Privileges::NONE;
        }
        let roles = self.effective_roles(role);
        let of = |all: Oid, what: Privileges| if roles.contains(&all) { what } else { Privileges::NONE };
        of(predefined::READ_ALL_DATA, read).union(of(predefined::WRITE_ALL_DATA, write))
    }

    /// What `role` may do with the column by grants on it alone.
    pub fn column_privileges(&self, role: Oid, relation: &Relation, column: &Column) -> Privileges {
        let now = self
            .relation_now(relation)
            .and_then(|r| Some((r, if self.rights.is_some() { r.column_by_num(column.num)? } else { column })));
        let Some((relation, column)) = now else { return self.of_dropped(role, Kind::Column) };
        self.acl_privileges(role, &column.acl, Kind::Column, relation.owner)
    }

    /// May `role` do this with the relation or at least one of its columns? (What the catalog shows, and `count(*)`.)
    pub fn any_column_privileges(&self, role: Oid, relation: &Relation) -> Privileges {
        let columns = relation.columns.iter().map(|c| self.column_privileges(role, relation, c));
        columns.fold(self.relation_privileges(role, relation), Privileges::union)
    }

    pub fn namespace_privileges(&self, role: Oid, namespace: &Namespace) -> Privileges {
        let now = match &self.rights {
            None => Some(namespace),
            Some(now) => now.namespaces.values().find(|n| n.oid == namespace.oid).map(|n| &**n),
        };
        let Some(namespace) = now else { return self.of_dropped(role, Kind::Namespace) };
        let granted = self.acl_privileges(role, &namespace.acl, Kind::Namespace, namespace.owner);
        granted.union(self.all_data_privileges(role, Kind::Namespace))
    }

    pub fn function_privileges(&self, role: Oid, function: &super::Function) -> Privileges {
        let Some(now) = self.function_now(function.oid) else { return self.of_dropped(role, Kind::Function) };
        self.acl_privileges(role, &now.acl, Kind::Function, now.owner)
    }

    /// What `role` may do with a type, by its OID or its array's. The types of all databases, and rows of tables, are everybody's.
    pub fn type_privileges(&self, role: Oid, ty: Oid) -> Privileges {
        if let Some(known) = self.user_type_by_oid(ty) {
            let Some(now) = self.rights().user_type_by_oid(known.oid) else { return self.of_dropped(role, Kind::Type) };
            return self.acl_privileges(role, &now.acl, Kind::Type, now.owner);
        }
        match self.relation_of_row(ty) {
            Some(relation) if matches!(relation.kind, RelationKind::Composite) => {
                self.relation_privileges(role, relation)
            }
            Some(_) | None => Privileges::USAGE,
        }
    }

    pub fn database_privileges(&self, role: Oid) -> Privileges {
        self.acl_privileges(role, &self.rights().database_acl, Kind::Database, builtin::SUPERUSER)
    }

    /// The role and every role whose privileges it has, nearest first (the order of roles_is_member_of).
    fn nearest_first(&self, role: Oid) -> Vec<Oid> {
        let mut found = vec![role];
        let mut at = 0;
        while let Some(known) = found.get(at).and_then(|oid| self.rights().role_by_oid(*oid)) {
            let mut next: Vec<Oid> = known.member_of.iter().map(|m| m.role).collect();
            next.retain(|oid| known.inherit && !found.contains(oid));
            next.sort_unstable();
            found.extend(next);
            at += 1;
        }
        found
    }

    /// Whose GRANT or REVOKE it is, and how much of `wanted` that role may pass on (select_best_grantor): the owner's, of who has
    /// its rights; else that of the role, or one whose rights it has, that has the most of the grant options.
    pub fn best_grantor(&self, role: Oid, wanted: Privileges, lists: &[Grant], owner: Oid) -> (Oid, Privileges) {
        if role == owner || self.is_superuser(role) {
            return (owner, wanted);
        }
        let (mut best, mut most) = (role, Privileges::NONE);
        for other in self.nearest_first(role) {
            let own = lists.iter().filter(|g| g.grantee == other).map(|g| g.with_grant.intersect(wanted));
            let options = if other == owner { wanted } else { own.fold(Privileges::NONE, Privileges::union) };
            if options == wanted {
                return (other, wanted);
            }
            if options.0.count_ones() > most.0.count_ones() {
                (best, most) = (other, options);
            }
        }
        (best, most)
    }

    /// May this role's GRANT go on, if only with a warning (restrict_and_check_grant)? It has an option of what is wanted, or
    /// anything at all on the object: `held` says what a role has.
    pub fn may_grant(
        &self,
        role: Oid,
        wanted: Privileges,
        lists: &[Grant],
        owner: Oid,
        held: impl Fn(Oid) -> Privileges,
    ) -> bool {
        let (grantor, options) = self.best_grantor(role, wanted, lists, owner);
        !options.is_empty() || !held(grantor).is_empty()
    }

    /// What `role` may grant to others.
    pub fn grantable(&self, role: Oid, acl: &Acl, kind: Kind, owner: Oid) -> Privileges {
        if self.is_superuser(role) {
            return kind.all();
        }
        acl.privileges(kind, owner, &self.effective_roles(role), true)
    }
}
