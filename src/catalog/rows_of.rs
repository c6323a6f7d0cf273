//! Functions that give a system table's rows, and what pg_stat_get_backend_…() tell of one session.

use super::functions::{ask, volatile};
use super::tables::{self, may_see};
use super::{build, recorded};
use crate::engine::Native;
use crate::engine::directory::ActivityRow;
use crate::engine::vector::{native_values, native_values_or_null};
use crate::error::Error;
use crate::facts::{self, Oid};
use crate::registry::builtin;
use crate::types::{BuiltinTypes, PgType, Phys, Value, oid};

/// A function, its native, and the table whose rows it gives.
const TABLES: &[(&str, &str, &str)] = &[
    ("pg_cursor", "dg_pg_cursor", "pg_cursors"),
    ("pg_prepared_statement", "dg_pg_prepared_statement", "pg_prepared_statements"),
    ("pg_lock_status", "dg_pg_lock_status", "pg_locks"),
    ("pg_hba_file_rules", "dg_pg_hba_file_rules", "pg_hba_file_rules"),
    ("pg_ident_file_mappings", "dg_pg_ident_file_mappings", "pg_ident_file_mappings"),
    ("pg_show_all_file_settings", "dg_pg_show_all_file_settings", "pg_file_settings"),
    ("pg_prepared_xact", "dg_pg_prepared_xact", "pg_prepared_xacts"),
    ("pg_timezone_names", "dg_pg_timezone_names", "pg_timezone_names"),
    ("pg_timezone_abbrevs", "dg_pg_timezone_abbrevs", "pg_timezone_abbrevs"),
    ("pg_get_replication_slots", "dg_pg_get_replication_slots", "pg_replication_slots"),
    ("pg_show_replication_origin_status", "dg_pg_show_replication_origin_status", "pg_replication_origin_status"),
    ("pg_stat_get_wal_senders", "dg_pg_stat_get_wal_senders", "pg_stat_replication"),
];

pub(super) fn natives() -> Vec<Native> {
    let mut all: Vec<Native> =
        TABLES.iter().map(|(function, native, table)| rows_of(function, native, table)).collect();
    all.extend([extension_versions(), activity(), backends()]);
    all.extend(of_one_backend());
    all.into_iter().map(volatile).collect()
}

/// What a function gives, as pg_proc has it.
fn columns(function: &str) -> Vec<(&'static str, PgType)> {
    let found = facts::PROCS.by_name(function).next();
    found.map(|f| f.out_args.iter().map(|(name, ty)| (*name, PgType::new(*ty))).collect()).unwrap_or_default()
}

fn row_phys(columns: &[(&str, PgType)]) -> Phys {
    let phys = |ty| crate::types::phys(ty, &BuiltinTypes).unwrap_or(Phys::Text);
    Phys::Row(columns.iter().map(|(_, ty)| phys(*ty)).collect::<Vec<_>>().into())
}

fn row(columns: &[(&str, PgType)], values: Vec<Value>) -> Value {
    Value::Row(columns.iter().map(|(_, ty)| *ty).zip(values).collect())
}

fn rows_of(function: &'static str, native: &'static str, table: &'static str) -> Native {
    let columns = columns(function);
    let result = Phys::List(Box::new(row_phys(&columns)));
    native_values(native, vec![Phys::Int8], result, move |args| {
        let [Value::Int8(session)] = args else { return Ok(Value::Null) };
        let asker = ask(*session)?;
        let types = build::types(table).unwrap_or_default();
        let rows = match recorded::rows(table, &types, "")? {
            Some(rows) => rows,
            None => {
                let found = tables::find(table).ok_or_else(|| Error::internal(format!("no system table {table}")))?;
                (found.rows)(&tables::Ask { view: &*asker.view, snapshot: &asker.snapshot })?
            }
        };
        let wanted: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        let rows = rows.in_order(&wanted, &types).into_iter().map(|values| row(&columns, values));
        Ok(tables::array(oid::RECORD, rows.collect()))
    })
}

/// pg_available_extension_versions(): one version of each, as the view has it.
fn extension_versions() -> Native {
    use crate::registry::extension::{AVAILABLE, PLPGSQL};
    let columns = columns("pg_available_extension_versions");
    let result = Phys::List(Box::new(row_phys(&columns)));
    native_values("dg_pg_available_extension_versions", vec![Phys::Int8], result, move |_| {
        let rows = AVAILABLE.iter().chain([&PLPGSQL]).map(|known| {
            let schema = if known.name == PLPGSQL.name { Value::text("pg_catalog") } else { Value::Null };
            let flags = [Value::Bool(true), Value::Bool(true), Value::Bool(known.name != PLPGSQL.name)];
            let mut values = vec![Value::text(known.name), Value::text(known.version)];
            values.extend(flags);
            values.extend([schema, Value::Null, Value::text(known.comment)]);
            row(&columns, values)
        });
        Ok(tables::array(oid::RECORD, rows.collect()))
    })
}

/// pg_stat_get_activity(): of one process, or (NULL, -1) of all.
fn activity() -> Native {
    let columns = columns("pg_stat_get_activity");
    let result = Phys::List(Box::new(row_phys(&columns)));
    native_values_or_null("dg_pg_stat_get_activity", vec![Phys::Int8, Phys::Int4], result, move |args| {
        let [Value::Int8(session), wanted] = args else { return Ok(Value::Null) };
        let asker = ask(*session)?;
        let types = build::types("pg_stat_activity").unwrap_or_default();
        let table = tables::find("pg_stat_activity").ok_or_else(|| Error::internal("no pg_stat_activity"))?;
        let found = (table.rows)(&tables::Ask { view: &*asker.view, snapshot: &asker.snapshot })?;
        let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        let at = |name: &str| names.iter().position(|n| *n == name);
        let (pid, query, ssl) = (at("pid"), at("state_change"), at("ssl"));
        let known = asker.view.activity();
        let rows = found.in_order(&names, &types).into_iter().filter_map(|mut values| {
            let pid = pid
                .map(|at| values[at].clone())
                .filter(|pid| matches!(wanted, Value::Null | Value::Int4(-1)) || pid == wanted)?;
            // What is hidden of others hides how they are connected.
            if let (Some(query), Some(ssl)) = (query, ssl)
                && !values[query].is_null()
            {
                values[ssl] = Value::Bool(known.iter().any(|a| Value::Int4(a.pid) == pid && a.tls));
                let gss = ["gss_auth", "gss_enc"].map(at);
                gss.into_iter().flatten().for_each(|at| values[at] = Value::Bool(false));
            }
            Some(row(&columns, values))
        });
        Ok(tables::array(oid::RECORD, rows.collect()))
    })
}

/// pg_stat_get_backend_idset(): a session is known by its process.
fn backends() -> Native {
    let result = Phys::List(Box::new(Phys::Int4));
    native_values("dg_backend_ids", vec![Phys::Int8], result, |args| {
        let [Value::Int8(session)] = args else { return Ok(Value::Null) };
        let pids = ask(*session)?.view.activity().into_iter().map(|a| Value::Int4(a.pid));
        Ok(tables::array(oid::INT4, pids.collect()))
    })
}

type Told = fn(&ActivityRow) -> Value;

/// pg_stat_get_backend_…(): what is everybody's to know.
const OPEN: &[(&str, Oid, Told)] = &[
    ("dg_backend_pid", oid::INT4, |a| Value::Int4(a.pid)),
    ("dg_backend_dbid", oid::OID, |_| Value::Oid(builtin::DATABASE)),
    ("dg_backend_userid", oid::OID, |a| Value::Oid(a.role)),
];

/// What is for those who see it in pg_stat_activity.
const HIDDEN: &[(&str, Oid, Told)] = &[
    ("dg_backend_activity", oid::TEXT, |a| Value::text(&*a.query)),
    ("dg_backend_activity_start", oid::TIMESTAMPTZ, |a| a.query_start.map_or(Value::Null, tables::timestamp)),
    ("dg_backend_xact_start", oid::TIMESTAMPTZ, |a| a.xact_start.map_or(Value::Null, tables::timestamp)),
    ("dg_backend_start", oid::TIMESTAMPTZ, |a| tables::timestamp(a.backend_start)),
    ("dg_backend_client_addr", oid::INET, |a| a.client_addr.map_or(Value::Null, |c| tables::address(c.ip()))),
    ("dg_backend_client_port", oid::INT4, |a| a.client_addr.map_or(Value::Int4(-1), |c| Value::Int4(c.port().into()))),
    // pg_stat_activity tells of no wait either.
    ("dg_backend_wait_event", oid::TEXT, |_| Value::Null),
];

fn of_one_backend() -> Vec<Native> {
    let native = |(name, ty, told): &(&'static str, Oid, Told), hidden: bool| {
        let (ty, told) = (PgType::new(*ty), *told);
        // What has words has them for what cannot be told, too.
        let instead = move |why: &str| if ty.oid == oid::TEXT { Value::text(why) } else { Value::Null };
        let phys = crate::types::phys(ty, &BuiltinTypes).unwrap_or(Phys::Text);
        native_values(name, vec![Phys::Int8, Phys::Int4], phys, move |args| {
            let [Value::Int8(session), Value::Int4(pid)] = args else { return Ok(Value::Null) };
            let asker = ask(*session)?;
            let Some(found) = asker.view.activity().into_iter().find(|a| a.pid == *pid) else {
                return Ok(instead("<backend information not available>"));
            };
            Ok(match !hidden || may_see(&asker.snapshot, asker.view.role(), &found) {
                true => told(&found),
                false => instead("<insufficient privilege>"),
            })
        })
    };
    let open = OPEN.iter().map(|one| native(one, false));
    open.chain(HIDDEN.iter().map(|one| native(one, true))).collect()
}
