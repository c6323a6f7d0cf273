//! PostgreSQL's own rows of its catalogs, from the recorded facts.

use super::build::Rows;
use crate::error::{Error, Result};
use crate::facts::{self, Table};
use crate::registry::Snapshot;
use crate::types::{BuiltinTypes, OutputSettings, PgType, Value, oid};

/// The recorded rows of a system table, if it has any. `superuser` is the name of the role that initdb would have made.
pub(super) fn rows(table: &str, columns: &[(String, PgType)], superuser: &str) -> Result<Option<Rows>> {
    let Some(recorded) = facts::recorded(table) else { return Ok(None) };
    let settings = OutputSettings::default();
    let mut rows = Rows::all();
    let at: Vec<Option<usize>> =
        columns.iter().map(|(name, _)| recorded.columns.iter().position(|c| c == name)).collect();
    for row in &recorded.rows {
        let mut values = Vec::with_capacity(columns.len());
        for ((_, ty), at) in columns.iter().zip(&at) {
            let field = at.and_then(|at| row[at]);
            values.push(field.map_or(Ok(Value::Null), |f| value(f, *ty, superuser, &settings))?);
        }
        rows.push_row(values);
    }
    Ok(Some(rows))
}

/// The rows that the database's extensions bring: in their namespaces, and their owners'.
pub(super) fn brought(recorded: &'static Table, columns: &[(String, PgType)], snapshot: &Snapshot) -> Result<Rows> {
    let settings = OutputSettings::default();
    let mut rows = Rows::all();
    for row in &recorded.rows {
        let extension = recorded.get(row, "extension").and_then(|name| snapshot.extensions.get(name));
        let Some(extension) = extension else { continue };
        let mut values = Vec::with_capacity(columns.len());
        for (name, ty) in columns {
            let at = recorded.columns.iter().position(|c| c == name);
            values.push(match at.and_then(|at| row[at]) {
                Some(_) if name.ends_with("namespace") => {
                    Value::Oid(snapshot.namespaces.get(&extension.namespace).map_or(0, |n| n.oid))
                }
                Some(_) if name.ends_with("owner") => Value::Oid(extension.owner),
                Some(field) => value(field, *ty, "", &settings)?,
                None => Value::Null,
            });
        }
        rows.push_row(values);
    }
    Ok(rows)
}

/// True if the rows name the superuser.
pub(super) fn names_roles(table: &Table) -> bool {
    table.columns.iter().any(|c| c.ends_with("acl") || *c == "initprivs")
}

fn value(field: &'static str, ty: PgType, superuser: &str, settings: &OutputSettings) -> Result<Value> {
    match ty.oid {
        oid::REGPROC => {
            let found = || facts::PROCS.by_name(field).next().map_or(0, |p| p.oid);
            Ok(Value::Oid(field.parse().unwrap_or_else(|_| found())))
        }
        oid::PG_NODE_TREE | oid::CHAR | oid::TEXT | oid::NAME => Ok(Value::text(field)),
        1034 => {
            let items =
                facts::items(Some(field)).into_iter().filter_map(|item| renamed(item, superuser).map(Value::text));
            Ok(super::tables::array(oid::ACLITEM, items.collect()))
        }
        _ => crate::types::text::parse(field, ty, settings, &BuiltinTypes)
            .map_err(|e| Error::internal(format!("recorded value {field}: {e}"))),
    }
}

/// `postgres=r/postgres` as the superuser of this database has it; `None` for a grant to a role that is not here.
fn renamed(item: &str, superuser: &str) -> Option<String> {
    let (grantee, rest) = item.split_once('=')?;
    let (privileges, _) = rest.split_once('/')?;
    match grantee {
        "" => Some(format!("={privileges}/{superuser}")),
        "postgres" => Some(format!("{superuser}={privileges}/{superuser}")),
        _ => None,
    }
}
