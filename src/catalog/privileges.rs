//! has_table_privilege() and kin: what a role may do, by the same rules that `policy` checks.

use super::definitions::find_by_path;
use super::functions::{Asker, ask};
use crate::engine::Native;
use crate::engine::vector::{Oid as OidArg, native2, native3, native4};
use crate::error::{Error, Result, SqlState};
use crate::registry::Privileges;
use crate::types::Oid;

pub(super) fn natives() -> Vec<Native> {
    vec![
        native3::<i64, OidArg, str, bool>("dg_has_table_privilege", |s, table, wanted| {
            let asker = ask(s)?;
            let role = asker.view.role();
            table_privilege(&asker, role, table, wanted)
        }),
        native3::<i64, str, str, bool>("dg_has_table_privilege_name", |s, table, wanted| {
            let asker = ask(s)?;
            let role = asker.view.role();
            let table = table_named(&asker, table)?;
            table_privilege(&asker, role, table, wanted)
        }),
        native4::<i64, str, OidArg, str, bool>("dg_has_table_privilege_role", |s, role, table, wanted| {
            let asker = ask(s)?;
            let role = role_named(&asker, role)?;
            table_privilege(&asker, role, table, wanted)
        }),
        native4::<i64, str, str, str, bool>("dg_has_table_privilege_names", |s, role, table, wanted| {
            let asker = ask(s)?;
            let (role, table) = (role_named(&asker, role)?, table_named(&asker, table)?);
            table_privilege(&asker, role, table, wanted)
        }),
        native4::<i64, OidArg, i32, str, bool>("dg_has_column_privilege", |s, table, column, wanted| {
            let asker = ask(s)?;
            let Some(relation) = asker.snapshot.relation_by_oid(table) else { return Ok(None) };
            let Some(column) = relation.column_by_num(column as i16) else { return Ok(None) };
            let held = asker.snapshot.column_privileges(asker.view.role(), relation, column);
            any(wanted, held, &TABLE).map(Some)
        }),
        native3::<i64, OidArg, str, bool>("dg_has_any_column_privilege", |s, table, wanted| {
            let asker = ask(s)?;
            let Some(relation) = asker.snapshot.relation_by_oid(table) else { return Ok(None) };
            let held = asker.snapshot.any_column_privileges(asker.view.role(), relation);
            any(wanted, held, &TABLE).map(Some)
        }),
        native3::<i64, str, str, bool>("dg_has_schema_privilege", |s, namespace, wanted| {
            let asker = ask(s)?;
            let Some(found) = asker.snapshot.namespaces.get(namespace) else {
                return Err(Error::new(
                    SqlState::INVALID_SCHEMA_NAME,
                    format!("schema \"{namespace}\" does not exist"),
                ));
            };
            any(wanted, asker.snapshot.namespace_privileges(asker.view.role(), found), &NAMESPACE).map(Some)
        }),
        native3::<i64, OidArg, str, bool>("dg_has_schema_privilege_oid", |s, namespace, wanted| {
            let asker = ask(s)?;
            let Some(found) = asker.snapshot.namespaces.values().find(|n| n.oid == namespace) else { return Ok(None) };
            any(wanted, asker.snapshot.namespace_privileges(asker.view.role(), found), &NAMESPACE).map(Some)
        }),
        native2::<i64, str, bool>("dg_has_database_privilege", |s, wanted| {
            let asker = ask(s)?;
            any(wanted, asker.snapshot.database_privileges(asker.view.role()), &DATABASE).map(Some)
        }),
        native3::<i64, OidArg, str, bool>("dg_pg_has_role", |s, role, _wanted| {
            let asker = ask(s)?;
            Ok(Some(asker.snapshot.has_rights_of(asker.view.role(), role)))
        }),
    ]
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
const NAMESPACE: [(&str, Privileges); 2] = [("CREATE", Privileges::CREATE), ("USAGE", Privileges::USAGE)];
const DATABASE: [(&str, Privileges); 4] = [
    ("CREATE", Privileges::CREATE),
    ("CONNECT", Privileges::CONNECT),
    ("TEMPORARY", Privileges::TEMPORARY),
    ("TEMP", Privileges::TEMPORARY),
];

/// True if one of the privileges of a comma-separated list is held.
fn any(wanted: &str, held: Privileges, words: &Words) -> Result<bool> {
    let mut found = false;
    for word in wanted.split(',') {
        let word = word.trim().to_ascii_uppercase();
        let plain = word.strip_suffix(" WITH GRANT OPTION").unwrap_or(&word);
        let Some((_, bit)) = words.iter().find(|(name, _)| *name == plain) else {
            return Err(Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("unrecognized privilege type: \"{}\"", wanted.trim()),
            ));
        };
        found |= held.contains(*bit);
    }
    Ok(found)
}

fn table_privilege(asker: &Asker, role: Oid, table: Oid, wanted: &str) -> Result<Option<bool>> {
    let Some(relation) = asker.snapshot.relation_by_oid(table) else { return Ok(None) };
    any(wanted, asker.snapshot.relation_privileges(role, relation), &TABLE).map(Some)
}

fn table_named(asker: &Asker, name: &str) -> Result<Oid> {
    find_by_path(asker, name)
        .ok_or_else(|| Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{name}\" does not exist")))
}

fn role_named(asker: &Asker, name: &str) -> Result<Oid> {
    asker
        .snapshot
        .role(name)
        .map(|r| r.oid)
        .ok_or_else(|| Error::new(SqlState::UNDEFINED_OBJECT, format!("role \"{name}\" does not exist")))
}
