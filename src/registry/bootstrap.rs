//! What every database has before anybody defines anything: the built-in namespaces and the first superuser.

use std::sync::Arc;

use super::{Acl, Grant, Managed, Name, Namespace, Privileges, Role, Snapshot, builtin};
use crate::types::Oid;

/// The namespace of temporary tables, in a session's own view. It is not in [`Snapshot::namespaces`].
pub const TEMPORARY: &str = "pg_temp";

/// An empty database with the superuser of that name (without a password).
pub fn snapshot(database: &str, superuser: &str) -> Snapshot {
    let mut snapshot = Snapshot { database: database.into(), ..Snapshot::default() };
    let role = Arc::new(superuser_role(superuser));
    snapshot.role_oids.insert(role.oid, role.name.clone());
    snapshot.roles.insert(role.name.clone(), role);
    super::predefined::add(&mut snapshot);
    for (oid, name, comment) in [
        (builtin::PG_CATALOG, "pg_catalog", "system catalog schema"),
        (builtin::PUBLIC_NAMESPACE, "public", "standard public schema"),
        (builtin::INFORMATION_SCHEMA, "information_schema", ""),
    ] {
        let namespace = namespace(oid, name, comment);
        snapshot.namespaces.insert(namespace.name.clone(), Arc::new(namespace));
    }
    snapshot
}

/// The bootstrap superuser, as initdb makes it.
pub fn superuser_role(name: &str) -> Role {
    Role {
        oid: builtin::SUPERUSER,
        name: name.into(),
        superuser: true,
        login: true,
        inherit: true,
        create_role: true,
        create_db: true,
        bypass_rls: true,
        connection_limit: None,
        valid_until: None,
        verifier: None,
        member_of: Vec::new(),
        settings: Vec::new(),
        database_settings: Vec::new(),
        managed: Managed::System,
        comment: None,
    }
}

fn namespace(oid: Oid, name: &str, comment: &str) -> Namespace {
    let grant =
        |grantee, privileges| Grant { grantee, grantor: builtin::SUPERUSER, privileges, with_grant: Privileges::NONE };
    Namespace {
        oid,
        name: Name::from(name),
        owner: builtin::SUPERUSER,
        // As PostgreSQL 15 has it: everybody may look into them, only the owner creates.
        acl: Acl(vec![
            grant(builtin::SUPERUSER, Privileges::ALL_NAMESPACE),
            grant(super::privileges::PUBLIC, Privileges::USAGE),
        ]),
        comment: (!comment.is_empty()).then(|| comment.to_owned()),
        managed: Managed::System,
    }
}
