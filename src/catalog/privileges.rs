//! has_table_privilege() and kin: what a role may do, by the same rules that `policy` checks.
//!
//! Each of PostgreSQL's many forms is a call of `dg_has_privilege(session, kind, role, object, column, privileges)` over
//! natives that find a role, an object or a column by its name.

use super::functions::{Asker, ask};
use crate::engine::Native;
use crate::engine::vector::{Oid as OidArg, native1, native2, native3, native6};
use crate::error::{Error, Result, SqlState};
use crate::facts;
use crate::registry::privileges::{Kind, PUBLIC, missing_role};
use crate::registry::{Privileges, RelationKind};
use crate::types::{Oid, TypeLookup, oid};

pub(super) fn natives() -> Vec<Native> {
    vec![
        native6::<i64, str, OidArg, OidArg, i32, str, bool>(
            "dg_has_privilege",
            |s, kind, role, object, column, words| has(&ask(s)?, kind, role, object, column, words),
        ),
        native1::<i64, OidArg>("dg_privilege_self", |s| Ok(Some(ask(s)?.view.role()))),
        native2::<i64, str, OidArg>("dg_privilege_role", |s, name| {
            if name == "public" {
                return Ok(Some(PUBLIC));
            }
            let found = ask(s)?.snapshot.role(name).map(|r| r.oid);
            found.map(Some).ok_or_else(|| missing_role(name))
        }),
        native3::<i64, str, str, OidArg>("dg_privilege_object", |s, kind, name| object(&ask(s)?, kind, name).map(Some)),
        native3::<i64, OidArg, str, i32>("dg_privilege_column", |s, table, name| {
            let asker = ask(s)?;
            let Some(relation) = asker.seen.named(table) else { return Ok(None) };
            let found = relation.column(name).map(|c| i32::from(c.num));
            found.map(Some).ok_or_else(|| {
                let message = format!("column \"{name}\" of relation \"{}\" does not exist", relation.name);
                missing(SqlState::UNDEFINED_COLUMN, message)
            })
        }),
    ]
}

fn missing(state: SqlState, message: String) -> Error {
    Error::new(state, message)
}

type Words = [(&'static str, Privileges)];

const TABLE: [(&str, Privileges); 7] = [
    ("SELECT", Privileges::SELECT),
    ("INSERT", Privileges::INSERT),
    ("UPDATE", Privileges::UPDATE),
    ("DELETE", Privileges::DELETE),
    ("TRUNCATE", Privileges::TRUNCATE),
    ("REFERENCES", Privileges::REFERENCES),
    ("TRIGGER", Privileges::TRIGGER),
];
const COLUMN: [(&str, Privileges); 4] = [
    ("SELECT", Privileges::SELECT),
    ("INSERT", Privileges::INSERT),
    ("UPDATE", Privileges::UPDATE),
    ("REFERENCES", Privileges::REFERENCES),
];
const SEQUENCE: [(&str, Privileges); 3] =
    [("USAGE", Privileges::USAGE), ("SELECT", Privileges::SELECT), ("UPDATE", Privileges::UPDATE)];
const NAMESPACE: [(&str, Privileges); 2] = [("CREATE", Privileges::CREATE), ("USAGE", Privileges::USAGE)];
const DATABASE: [(&str, Privileges); 4] = [
    ("CREATE", Privileges::CREATE),
    ("CONNECT", Privileges::CONNECT),
    ("TEMPORARY", Privileges::TEMPORARY),
    ("TEMP", Privileges::TEMPORARY),
];
const USAGE: [(&str, Privileges); 1] = [("USAGE", Privileges::USAGE)];
const EXECUTE: [(&str, Privileges); 1] = [("EXECUTE", Privileges::EXECUTE)];
const CREATE: [(&str, Privileges); 1] = [("CREATE", Privileges::CREATE)];

/// True if one of the privileges of a comma-separated list is held (or may be passed on, where it says so).
fn any(wanted: &str, held: Privileges, grantable: Privileges, words: &Words) -> Result<Option<bool>> {
    let mut found = false;
    for given in wanted.split(',') {
        let word = given.trim().to_ascii_uppercase();
        let plain = word.strip_suffix(" WITH GRANT OPTION");
        // What it was called for once is still taken by has_table_privilege(), and held by nobody.
        if words.iter().any(|(name, _)| *name == "TRIGGER") && plain.unwrap_or(&word) == "RULE" {
            continue;
        }
        let Some((_, bit)) = words.iter().find(|(name, _)| *name == plain.unwrap_or(&word)) else {
            return Err(unrecognized(given.trim()));
        };
        found |= if plain.is_some() { grantable.contains(*bit) } else { held.contains(*bit) };
    }
    Ok(Some(found))
}

fn unrecognized(word: &str) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("unrecognized privilege type: \"{word}\""))
}

fn has(asker: &Asker, kind: &str, role: Oid, object: Oid, column: i32, words: &str) -> Result<Option<bool>> {
    let snapshot = &asker.snapshot;
    match kind {
        "table" | "sequence" | "column" | "any_column" => relation(asker, kind, role, object, column, words),
        "schema" => {
            let Some(found) = snapshot.namespaces.values().find(|n| n.oid == object) else { return Ok(None) };
            let grantable = snapshot.grantable(role, &found.acl, Kind::Namespace, found.owner);
            any(words, snapshot.namespace_privileges(role, found), grantable, &NAMESPACE)
        }
        "database" => {
            if object != crate::registry::builtin::DATABASE {
                return Ok(None);
            }
            let owner = crate::registry::builtin::SUPERUSER;
            let grantable = snapshot.grantable(role, &snapshot.database_acl, Kind::Database, owner);
            any(words, snapshot.database_privileges(role), grantable, &DATABASE)
        }
        "role" => member(asker, role, object, words),
        _ => builtin(asker, kind, role, object, words),
    }
}

fn relation(asker: &Asker, kind: &str, role: Oid, object: Oid, column: i32, words: &str) -> Result<Option<bool>> {
    let snapshot = &asker.snapshot;
    let Some(found) = asker.seen.named(object) else { return Ok(None) };
    let held = snapshot.relation_privileges(role, found);
    let grantable = snapshot.grantable(role, &found.acl, Kind::of(found), found.owner);
    match kind {
        "table" => any(words, held, grantable, &TABLE),
        "sequence" if !matches!(found.kind, RelationKind::Sequence(_)) => {
            Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not a sequence", found.name)))
        }
        "sequence" => any(words, held, grantable, &SEQUENCE),
        "any_column" => {
            let columns = found.columns.iter();
            let of_columns = columns.clone().map(|c| snapshot.grantable(role, &c.acl, Kind::Column, found.owner));
            let grantable = of_columns.fold(grantable, Privileges::union);
            any(words, snapshot.any_column_privileges(role, found), grantable, &COLUMN)
        }
        _ => {
            let Some(column) = found.column_by_num(column as i16) else { return Ok(None) };
            let own = snapshot.grantable(role, &column.acl, Kind::Column, found.owner);
            let held = held.union(snapshot.column_privileges(role, found, column));
            any(words, held, grantable.union(own), &COLUMN)
        }
    }
}

/// pg_has_role(): USAGE is having the rights at once, MEMBER being able to get them.
fn member(asker: &Asker, role: Oid, other: Oid, words: &str) -> Result<Option<bool>> {
    let mut found = false;
    for given in words.split(',') {
        let word = given.trim().to_ascii_uppercase();
        found |= match word.as_str() {
            "USAGE" => asker.snapshot.has_rights_of(role, other),
            "MEMBER" => asker.snapshot.is_member(role, other),
            "USAGE WITH GRANT OPTION"
            | "USAGE WITH ADMIN OPTION"
            | "MEMBER WITH GRANT OPTION"
            | "MEMBER WITH ADMIN OPTION" => asker.snapshot.has_admin_option(role, other),
            _ => return Err(unrecognized(given.trim())),
        };
    }
    Ok(Some(found))
}

/// What PostgreSQL itself has, or what no role but a superuser has anything to do with here.
fn builtin(asker: &Asker, kind: &str, role: Oid, object: Oid, words: &str) -> Result<Option<bool>> {
    let superuser = asker.snapshot.is_superuser(role);
    let open = |bit: Privileges, everybody: bool| if superuser || everybody { bit } else { Privileges::NONE };
    let grantable = |bit: Privileges| if superuser { bit } else { Privileges::NONE };
    match kind {
        "function" => {
            if let Some(function) = asker.snapshot.function_now(object) {
                let has = asker.snapshot.function_privileges(role, function);
                let may = asker.snapshot.grantable(role, &function.acl, Kind::Function, function.owner);
                return any(words, has, may, &EXECUTE);
            }
            let Some(function) = facts::PROCS.by_oid(object) else { return Ok(None) };
            let acl = facts::PROC_ROWS.get(function.row, "proacl");
            let everybody = acl.is_none_or(|acl| facts::items(Some(acl)).iter().any(|item| item.starts_with('=')));
            any(words, open(Privileges::EXECUTE, everybody), grantable(Privileges::EXECUTE), &EXECUTE)
        }
        "language" => {
            // internal, c and sql, of which anybody may use the last.
            if !(12..=14).contains(&object) {
                return Ok(None);
            }
            any(words, open(Privileges::USAGE, object == 14), grantable(Privileges::USAGE), &USAGE)
        }
        "type" => {
            let snapshot = &asker.snapshot;
            let (acl, owner) = match (asker.seen.user_type(object), snapshot.user_type_by_oid(object)) {
                (None, _) if facts::TYPES.by_oid(object).is_none() => return Ok(None),
                (_, Some(ty)) => (Some(&ty.acl), ty.owner),
                (_, None) => match snapshot.relation_of_row(object) {
                    Some(r) if matches!(r.kind, RelationKind::Composite) => (Some(&r.acl), r.owner),
                    Some(_) | None => (None, 0),
                },
            };
            let may = acl.map_or(grantable(Privileges::USAGE), |acl| snapshot.grantable(role, acl, Kind::Type, owner));
            any(words, snapshot.type_privileges(role, object), may, &USAGE)
        }
        "tablespace" => any(words, open(Privileges::CREATE, false), grantable(Privileges::CREATE), &CREATE),
        "parameter" => {
            for word in words.split(',') {
                let word = word.trim().to_ascii_uppercase();
                if !matches!(word.strip_suffix(" WITH GRANT OPTION").unwrap_or(&word), "SET" | "ALTER SYSTEM") {
                    return Err(unrecognized(&word));
                }
            }
            Ok(Some(superuser))
        }
        // There are no foreign servers.
        _ => Ok(None),
    }
}

/// An object of that kind by its name.
fn object(asker: &Asker, kind: &str, name: &str) -> Result<Oid> {
    let named = |kind: Oid| crate::types::text::reg::parse(name, kind, &asker.seen);
    match kind {
        "sequence" => {
            let found = named(oid::REGCLASS)?;
            match asker.snapshot.relation_by_oid(found) {
                Some(relation) if matches!(relation.kind, RelationKind::Sequence(_)) => Ok(found),
                _ => Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{name}\" is not a sequence"))),
            }
        }
        "table" | "column" | "any_column" => named(oid::REGCLASS),
        "function" => named(oid::REGPROCEDURE),
        "type" => named(oid::REGTYPE),
        "schema" => asker
            .snapshot
            .namespaces
            .get(name)
            .map(|n| n.oid)
            .ok_or_else(|| missing(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{name}\" does not exist"))),
        "database" if *asker.snapshot.database == *name => Ok(crate::registry::builtin::DATABASE),
        "database" => Err(missing(SqlState::INVALID_CATALOG_NAME, format!("database \"{name}\" does not exist"))),
        "role" => asker.snapshot.role(name).map(|r| r.oid).ok_or_else(|| missing_role(name)),
        "language" => match name {
            "internal" => Ok(12),
            "c" => Ok(13),
            "sql" => Ok(14),
            _ => Err(missing(SqlState::UNDEFINED_OBJECT, format!("language \"{name}\" does not exist"))),
        },
        "tablespace" => match name {
            "pg_default" => Ok(1663),
            "pg_global" => Ok(1664),
            _ => Err(missing(SqlState::UNDEFINED_OBJECT, format!("tablespace \"{name}\" does not exist"))),
        },
        "parameter" => Ok(0),
        "server" => Err(missing(SqlState::UNDEFINED_OBJECT, format!("server \"{name}\" does not exist"))),
        _ => Err(missing(SqlState::UNDEFINED_OBJECT, format!("foreign-data wrapper \"{name}\" does not exist"))),
    }
}
