//! Default privileges: what a role's new objects are granted (pg_default_acl).

use serde::{Deserialize, Serialize};

use super::privileges::Kind;
use super::{Acl, Snapshot};
use crate::types::Oid;

/// What ALTER DEFAULT PRIVILEGES has set for one role, one kind of objects, and one namespace or all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultAcl {
    pub oid: Oid,
    pub role: Oid,
    /// 0: in all namespaces. Such a list stands in the place of PostgreSQL's own defaults; one of a namespace comes to it.
    pub namespace: Oid,
    pub kind: DefaultKind,
    pub acl: Acl,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DefaultKind {
    /// Tables and views.
    Tables,
    Sequences,
    Functions,
    Types,
    Namespaces,
}

impl DefaultKind {
    pub const fn kind(self) -> Kind {
        match self {
            Self::Tables => Kind::Table,
            Self::Sequences => Kind::Sequence,
            Self::Functions => Kind::Function,
            Self::Types => Kind::Type,
            Self::Namespaces => Kind::Namespace,
        }
    }

    /// defaclobjtype.
    pub const fn letter(self) -> u8 {
        match self {
            Self::Tables => b'r',
            Self::Sequences => b'S',
            Self::Functions => b'f',
            Self::Types => b'T',
            Self::Namespaces => b'n',
        }
    }

    /// As DROP ROLE's detail calls them.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tables => "relations",
            Self::Sequences => "sequences",
            Self::Functions => "functions",
            Self::Types => "types",
            Self::Namespaces => "schemas",
        }
    }
}

impl Snapshot {
    pub fn default_acl(&self, role: Oid, namespace: Oid, kind: DefaultKind) -> Option<&DefaultAcl> {
        let mut all = self.default_acls.values();
        all.find(|d| (d.role, d.namespace, d.kind) == (role, namespace, kind)).map(|d| &**d)
    }

    /// The list that a new object of the role's begins with (get_user_default_acl).
    pub fn acl_of_new(&self, role: Oid, namespace: Oid, kind: DefaultKind) -> Acl {
        if self.default_acls.is_empty() {
            return Acl::default();
        }
        let everywhere = self.default_acl(role, 0, kind);
        let inside = if namespace == 0 { None } else { self.default_acl(role, namespace, kind) };
        let usual = Acl::default().explicit(kind.kind(), role);
        let mut list = everywhere.map_or_else(|| usual.clone(), |d| d.acl.0.clone());
        for grant in inside.iter().flat_map(|d| &d.acl.0) {
            match list.iter_mut().find(|g| (g.grantee, g.grantor) == (grant.grantee, grant.grantor)) {
                Some(same) => {
                    same.privileges = same.privileges.union(grant.privileges);
                    same.with_grant = same.with_grant.union(grant.with_grant);
                }
                None => list.push(grant.clone()),
            }
        }
        list.sort_by_key(|g| (g.grantee, g.grantor));
        if list == usual { Acl::default() } else { Acl(list) }
    }
}
