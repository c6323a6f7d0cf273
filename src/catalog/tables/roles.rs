//! Roles, memberships, the database.

use super::*;
use crate::registry::{Name, Role, builtin};

fn roles<'a>(ask: &Ask<'a>) -> Vec<&'a Arc<Role>> {
    let mut all: Vec<_> = ask.snapshot.roles.values().collect();
    all.sort_by_key(|r| r.oid);
    all
}

pub(super) fn pg_authid(ask: &Ask<'_>) -> Result<Rows> {
    // For dumps (pg_dumpall); PostgreSQL lets nobody else look into this table at all.
    let superuser = ask.snapshot.is_superuser(ask.view.role());
    let mut rows = Rows::new(&[
        "oid",
        "rolname",
        "rolsuper",
        "rolinherit",
        "rolcreaterole",
        "rolcreatedb",
        "rolcanlogin",
        "rolreplication",
        "rolbypassrls",
        "rolconnlimit",
        "rolvaliduntil",
        "rolpassword",
    ]);
    for r in roles(ask) {
        let mut row = attributes(r).to_vec();
        row.push(opt_text(r.verifier.as_deref().filter(|_| superuser)));
        rows.push_row(row);
    }
    Ok(rows)
}

/// Not a view over other tables: tools ask it in conditions that depend on other rows.
pub(super) fn pg_roles(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&[
        "oid",
        "rolname",
        "rolsuper",
        "rolinherit",
        "rolcreaterole",
        "rolcreatedb",
        "rolcanlogin",
        "rolreplication",
        "rolbypassrls",
        "rolconnlimit",
        "rolvaliduntil",
        "rolpassword",
        "rolconfig",
    ]);
    for r in roles(ask) {
        let mut row = attributes(r).to_vec();
        row.extend([text("********"), settings(&r.settings)]);
        rows.push_row(row);
    }
    Ok(rows)
}

/// What both have, from `oid` to `rolvaliduntil`.
fn attributes(r: &Role) -> [Value; 11] {
    [
        Value::Oid(r.oid),
        text(&r.name),
        Value::Bool(r.superuser),
        Value::Bool(r.inherit),
        Value::Bool(r.create_role),
        Value::Bool(r.create_db),
        Value::Bool(r.login),
        // Nobody replicates; PostgreSQL's first role might.
        Value::Bool(r.oid == builtin::SUPERUSER),
        Value::Bool(r.bypass_rls),
        Value::Int4(r.connection_limit.map_or(-1, |n| n as i32)),
        r.valid_until.map_or(Value::Null, |seconds| Value::TimestampTz(seconds.saturating_mul(1_000_000))),
    ]
}

/// Settings from ALTER ROLE … SET as pg_db_role_setting has them; NULL where there are none.
fn settings(of: &[(Name, String)]) -> Value {
    match of {
        [] => Value::Null,
        of => array(oid::TEXT, of.iter().map(|(name, value)| text(format!("{name}={value}"))).collect()),
    }
}

pub(super) fn pg_auth_members(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&["roleid", "member", "grantor", "admin_option"]);
    for r in roles(ask) {
        for m in &r.member_of {
            rows.push([Value::Oid(m.role), Value::Oid(r.oid), Value::Oid(builtin::SUPERUSER), Value::Bool(m.admin)]);
        }
    }
    Ok(rows)
}

pub(super) fn pg_database(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&[
        "oid",
        "datname",
        "datdba",
        "encoding",
        "datlocprovider",
        "datistemplate",
        "datallowconn",
        "datconnlimit",
        "dattablespace",
        "datcollate",
        "datctype",
        "datacl",
        "datfrozenxid",
        "datminmxid",
    ]);
    rows.push([
        Value::Oid(builtin::DATABASE),
        text(&ask.snapshot.database),
        Value::Oid(builtin::SUPERUSER),
        // UTF8
        Value::Int4(6),
        text("c"),
        Value::Bool(false),
        Value::Bool(true),
        Value::Int4(-1),
        Value::Oid(1663),
        text("C"),
        text("C.UTF-8"),
        acl(&ask.snapshot.database_acl, ask.snapshot),
        // The first of all: what watches for their end sees none.
        Value::Oid(3),
        Value::Oid(1),
    ]);
    Ok(rows)
}

/// Settings from ALTER ROLE … SET.
pub(super) fn pg_db_role_setting(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&["setdatabase", "setrole", "setconfig"]);
    for r in roles(ask) {
        for (database, own) in [(0, &r.settings), (builtin::DATABASE, &r.database_settings)] {
            if !own.is_empty() {
                rows.push([Value::Oid(database), Value::Oid(r.oid), settings(own)]);
            }
        }
    }
    Ok(rows)
}

/// Comments on the database and on roles.
pub(super) fn pg_shdescription(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&["objoid", "classoid", "description"]);
    if let Some(comment) = &ask.snapshot.database_comment {
        rows.push([Value::Oid(builtin::DATABASE), Value::Oid(1262), text(comment)]);
    }
    for r in roles(ask) {
        if let Some(comment) = &r.comment {
            rows.push([Value::Oid(r.oid), Value::Oid(1260), text(comment)]);
        }
    }
    Ok(rows)
}
