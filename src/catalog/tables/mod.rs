//! The system tables that have rows: one function a table.

mod builtins;
mod objects;
mod roles;
mod sessions;
mod types;

use std::sync::Arc;

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
    Table { name: "pg_namespace", changes: Changes::WithSnapshot, rows: objects::pg_namespace },
    Table { name: "pg_class", changes: Changes::WithSnapshot, rows: objects::pg_class },
    Table { name: "pg_attribute", changes: Changes::WithSnapshot, rows: objects::pg_attribute },
    Table { name: "pg_attrdef", changes: Changes::WithSnapshot, rows: objects::pg_attrdef },
    Table { name: "pg_index", changes: Changes::WithSnapshot, rows: objects::pg_index },
    Table { name: "pg_constraint", changes: Changes::WithSnapshot, rows: objects::pg_constraint },
    Table { name: "pg_sequence", changes: Changes::WithSnapshot, rows: objects::pg_sequence },
    Table { name: "pg_description", changes: Changes::WithSnapshot, rows: objects::pg_description },
    Table { name: "pg_type", changes: Changes::WithSnapshot, rows: types::pg_type },
    Table { name: "pg_enum", changes: Changes::WithSnapshot, rows: types::pg_enum },
    Table { name: "pg_range", changes: Changes::Never, rows: types::pg_range },
    Table { name: "pg_proc", changes: Changes::Never, rows: builtins::pg_proc },
    Table { name: "pg_aggregate", changes: Changes::Never, rows: builtins::pg_aggregate },
    Table { name: "pg_operator", changes: Changes::Never, rows: builtins::pg_operator },
    Table { name: "pg_cast", changes: Changes::Never, rows: builtins::pg_cast },
    Table { name: "pg_collation", changes: Changes::Never, rows: builtins::pg_collation },
    Table { name: "pg_am", changes: Changes::Never, rows: builtins::pg_am },
    Table { name: "pg_opclass", changes: Changes::Never, rows: builtins::pg_opclass },
    Table { name: "pg_language", changes: Changes::Never, rows: builtins::pg_language },
    Table { name: "pg_tablespace", changes: Changes::Never, rows: builtins::pg_tablespace },
    Table { name: "pg_authid", changes: Changes::WithSnapshot, rows: roles::pg_authid },
    Table { name: "pg_auth_members", changes: Changes::WithSnapshot, rows: roles::pg_auth_members },
    Table { name: "pg_database", changes: Changes::WithSnapshot, rows: roles::pg_database },
    Table { name: "pg_settings", changes: Changes::Always, rows: sessions::pg_settings },
    Table { name: "pg_stat_activity", changes: Changes::Always, rows: sessions::pg_stat_activity },
    Table { name: "pg_prepared_statements", changes: Changes::Always, rows: sessions::pg_prepared_statements },
    Table { name: "pg_cursors", changes: Changes::Always, rows: sessions::pg_cursors },
    Table { name: "pg_timezone_names", changes: Changes::Never, rows: empty },
];

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

fn text(s: impl AsRef<str>) -> Value {
    Value::text(s.as_ref())
}

fn opt_text(s: Option<impl AsRef<str>>) -> Value {
    s.map_or(Value::Null, text)
}

fn char_(c: u8) -> Value {
    if c == 0 { text("") } else { text(char::from(c).to_string()) }
}

/// An array of one dimension; `None` where PostgreSQL has NULL instead of an empty array.
fn array(element: Oid, items: Vec<Value>) -> Value {
    let dims = if items.is_empty() { Vec::new() } else { vec![(items.len() as i32, 1)] };
    Value::Array(ArrayValue { element, dims, items })
}

fn int2s(items: impl IntoIterator<Item = i16>) -> Value {
    array(oid::INT2, items.into_iter().map(Value::Int2).collect())
}

fn oids(items: impl IntoIterator<Item = Oid>) -> Value {
    array(oid::OID, items.into_iter().map(Value::Oid).collect())
}

/// `oid[]` and kin from a recorded field of numbers separated by blanks.
fn oid_list(field: Option<&str>) -> Value {
    field.map_or(Value::Null, |f| oids(f.split_whitespace().filter_map(|n| n.parse().ok())))
}

fn number<T: std::str::FromStr + Default>(field: Option<&str>) -> T {
    field.and_then(|f| f.parse().ok()).unwrap_or_default()
}

fn timestamp(at: std::time::SystemTime) -> Value {
    let micros = at.duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_micros() as i64);
    Value::TimestampTz(micros)
}

/// An object's grants as `aclitem[]`; NULL if none was ever made.
fn acl(list: &crate::registry::Acl, owner: Oid, snapshot: &Snapshot) -> Value {
    if list.0.is_empty() {
        return Value::Null;
    }
    let name = |oid: Oid| match oid {
        0 => String::new(),
        _ => snapshot.role_by_oid(oid).map_or_else(|| oid.to_string(), |r| r.name.to_string()),
    };
    let _ = owner;
    let items = list.0.iter().map(|grant| {
        let mut item = format!("{}=", name(grant.grantee));
        for (bit, letter) in PRIVILEGE_LETTERS {
            if grant.privileges.contains(*bit) {
                item.push(*letter);
                if grant.with_grant.contains(*bit) {
                    item.push('*');
                }
            }
        }
        item.push('/');
        item.push_str(&name(grant.grantor));
        text(item)
    });
    array(oid::ACLITEM, items.collect())
}

/// In the order in which PostgreSQL prints them.
const PRIVILEGE_LETTERS: &[(crate::registry::Privileges, char)] = {
    use crate::registry::Privileges as P;
    &[
        (P::INSERT, 'a'),
        (P::SELECT, 'r'),
        (P::UPDATE, 'w'),
        (P::DELETE, 'd'),
        (P::TRUNCATE, 'D'),
        (P::REFERENCES, 'x'),
        (P::TRIGGER, 't'),
        (P::EXECUTE, 'X'),
        (P::USAGE, 'U'),
        (P::CREATE, 'C'),
        (P::CONNECT, 'c'),
        (P::TEMPORARY, 'T'),
    ]
};
