//! pg_extension and pg_available_extensions.

use super::objects::namespace_oid;
use super::*;
use crate::registry::builtin;
use crate::registry::extension::{AVAILABLE, PLPGSQL, PLPGSQL_OID};

pub(super) fn pg_extension(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&["oid", "extname", "extowner", "extnamespace", "extrelocatable", "extversion"]);
    rows.push([
        Value::Oid(PLPGSQL_OID),
        text(PLPGSQL.name),
        Value::Oid(builtin::SUPERUSER),
        Value::Oid(builtin::PG_CATALOG),
        Value::Bool(false),
        text(PLPGSQL.version),
    ]);
    let mut all: Vec<_> = ask.snapshot.extensions.values().collect();
    all.sort_by_key(|e| e.oid);
    for e in all {
        rows.push([
            Value::Oid(e.oid),
            text(&e.name),
            Value::Oid(e.owner),
            Value::Oid(namespace_oid(ask, &e.namespace)),
            Value::Bool(true),
            text(e.available().map_or("", |a| a.version)),
        ]);
    }
    Ok(rows)
}

pub(super) fn pg_available_extensions(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&["name", "default_version", "installed_version", "comment"]);
    for available in AVAILABLE.iter().chain([&PLPGSQL]) {
        let installed = available.name == PLPGSQL.name || ask.snapshot.extensions.contains_key(available.name);
        rows.push([
            text(available.name),
            text(available.version),
            opt_text(installed.then_some(available.version)),
            text(available.comment),
        ]);
    }
    Ok(rows)
}
