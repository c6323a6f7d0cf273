//! The system tables that have rows: one function a table.

mod attributes;
mod constraints;
mod depend;
mod extensions;
mod hosts;
mod objects;
mod policies;
mod procs;
mod roles;
mod sessions;
mod statistics;
mod types;

use std::sync::Arc;

pub(super) use attributes::attrdef_oid;
pub(super) use constraints::{domain_check_oid, domain_checks};
pub(super) use depend::rule_oid;
pub(super) use objects::domain_check_comments;
pub(super) use objects::{TEMPORARY_NAMESPACE, relkind};
pub(super) use sessions::{address, may_see};

use super::build::Rows;
use crate::engine::directory::SessionView;
use crate::error::Result;
use crate::registry::Snapshot;
use crate::types::{ArrayValue, Oid, Value, oid};

/// Who asks, and what they see.
pub(super) struct Ask<'a> {
    pub view: &'a dyn SessionView,
    pub snapshot: &'a Arc<Snapshot>,
}

/// When a table's rows change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changes {
    Never,
    WithSnapshot,
    Always,
}

pub(super) struct Table {
    pub name: &'static str,
    pub changes: Changes,
    pub rows: fn(&Ask<'_>) -> Result<Rows>,
}

const TABLES: &[Table] = &[
    table("pg_namespace", objects::pg_namespace),
    table("pg_class", objects::pg_class),
    table("pg_attribute", attributes::pg_attribute),
    table("pg_attrdef", attributes::pg_attrdef),
    table("pg_index", objects::pg_index),
    table("pg_inherits", objects::pg_inherits),
    table("pg_partitioned_table", objects::pg_partitioned_table),
    table("pg_constraint", constraints::pg_constraint),
    table("pg_trigger", constraints::pg_trigger),
    table("pg_proc", procs::pg_proc),
    table("pg_default_acl", procs::pg_default_acl),
    table("pg_sequence", objects::pg_sequence),
    table("pg_description", objects::pg_description),
    table("pg_shdescription", roles::pg_shdescription),
    table("pg_rewrite", depend::pg_rewrite),
    table("pg_depend", depend::pg_depend),
    table("pg_statistic_ext", statistics::pg_statistic_ext),
    table("pg_shdepend", depend::pg_shdepend),
    table("pg_type", types::pg_type),
    table("pg_enum", types::pg_enum),
    table("pg_range", types::pg_range),
    // Passwords are told to some.
    Table { name: "pg_authid", changes: Changes::Always, rows: roles::pg_authid },
    table("pg_roles", roles::pg_roles),
    table("pg_auth_members", roles::pg_auth_members),
    table("pg_db_role_setting", roles::pg_db_role_setting),
    table("pg_extension", extensions::pg_extension),
    table("pg_available_extensions", extensions::pg_available_extensions),
    table("pg_database", roles::pg_database),
    Table { name: "pg_policy", changes: Changes::Always, rows: policies::pg_policy },
    Table { name: "pg_settings", changes: Changes::Always, rows: sessions::pg_settings },
    Table { name: "pg_stat_activity", changes: Changes::Always, rows: sessions::pg_stat_activity },
    Table { name: "pg_stat_progress_copy", changes: Changes::Always, rows: sessions::pg_stat_progress_copy },
    Table { name: "pg_prepared_statements", changes: Changes::Always, rows: sessions::pg_prepared_statements },
    Table { name: "pg_locks", changes: Changes::Always, rows: sessions::pg_locks },
    Table { name: "pg_cursors", changes: Changes::Always, rows: sessions::pg_cursors },
    Table { name: "pg_hba_file_rules", changes: Changes::Always, rows: hosts::pg_hba_file_rules },
];

const fn table(name: &'static str, rows: fn(&Ask<'_>) -> Result<Rows>) -> Table {
    Table { name, changes: Changes::WithSnapshot, rows }
}

static EMPTY: Table = Table { name: "", changes: Changes::Never, rows: empty };

fn empty(_: &Ask<'_>) -> Result<Rows> {
    Ok(Rows::new(&[]))
}

/// A table's rows: those listed above; any other system relation is empty.
pub(super) fn find(name: &str) -> Option<Table> {
    if let Some(table) = TABLES.iter().find(|t| t.name == name) {
        return Some(Table { ..*table });
    }
    let known = super::relations::relations().iter().find(|r| &*r.name == name.rsplit('.').next().unwrap_or(name))?;
    // The relations live as long as the process.
    Some(Table { name: leak_once(&known.namespace, &known.name), ..EMPTY })
}

/// The system table's key as a static text: its own recorded name.
fn leak_once(namespace: &str, name: &str) -> &'static str {
    use std::collections::HashMap;
    use std::sync::LazyLock;
    static KEYS: LazyLock<HashMap<(String, String), &'static str>> = LazyLock::new(|| {
        super::relations::relations()
            .iter()
            .map(|r| {
                let key = match &*r.namespace {
                    "pg_catalog" => r.name.to_string(),
                    other => format!("{other}.{}", r.name),
                };
                ((r.namespace.to_string(), r.name.to_string()), &*Box::leak(key.into_boxed_str()))
            })
            .collect()
    });
    KEYS.get(&(namespace.to_owned(), name.to_owned())).copied().unwrap_or("")
}

pub(super) fn text(s: impl AsRef<str>) -> Value {
    Value::text(s.as_ref())
}

pub(super) fn opt_text(s: Option<impl AsRef<str>>) -> Value {
    s.map_or(Value::Null, text)
}

fn char_(c: u8) -> Value {
    if c == 0 { text("") } else { text(char::from(c).to_string()) }
}

/// An array of one dimension; `None` where PostgreSQL has NULL instead of an empty array.
pub(super) fn array(element: Oid, items: Vec<Value>) -> Value {
    let dims = if items.is_empty() { Vec::new() } else { vec![(items.len() as i32, 1)] };
    Value::Array(ArrayValue { element, dims, items })
}

fn int2s(items: impl IntoIterator<Item = i16>) -> Value {
    array(oid::INT2, items.into_iter().map(Value::Int2).collect())
}

fn oids(items: impl IntoIterator<Item = Oid>) -> Value {
    array(oid::OID, items.into_iter().map(Value::Oid).collect())
}

pub(super) fn timestamp(at: std::time::SystemTime) -> Value {
    let micros = at.duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_micros() as i64);
    Value::TimestampTz(micros)
}

/// An object's grants as `aclitem[]`; NULL if none was ever made.
fn acl(list: &crate::registry::Acl, snapshot: &Snapshot) -> Value {
    if list.0.is_empty() {
        return Value::Null;
    }
    array(oid::ACLITEM, list.0.iter().map(|grant| text(super::acl::item(grant, snapshot))).collect())
}
