//! What sessions have: settings, activity, prepared statements, cursors.

use super::*;
use crate::engine::directory::{ActivityRow, LockMode, LockRow, LockTag};
use crate::registry::{builtin, predefined};

pub(super) fn pg_settings(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&[
        "name",
        "setting",
        "unit",
        "category",
        "short_desc",
        "extra_desc",
        "context",
        "vartype",
        "source",
        "min_val",
        "max_val",
        "enumvals",
        "boot_val",
        "reset_val",
        "pending_restart",
    ]);
    for s in ask.view.settings() {
        let enums = s.enumvals.map_or(Value::Null, |v| array(oid::TEXT, v.into_iter().map(text).collect()));
        rows.push([
            text(s.name),
            opt_text(s.setting),
            opt_text(s.unit),
            text(s.category),
            text(s.short_desc),
            opt_text(s.extra_desc),
            text(s.context),
            text(s.vartype),
            text(s.source),
            opt_text(s.min_val),
            opt_text(s.max_val),
            enums,
            opt_text(s.boot_val),
            opt_text(s.reset_val),
            Value::Bool(false),
        ]);
    }
    Ok(rows)
}

/// Others' statements and addresses are for superusers and pg_read_all_stats, and for who has their rights.
pub(in crate::catalog) fn may_see(snapshot: &Snapshot, caller: Oid, session: &ActivityRow) -> bool {
    snapshot.has_rights_of(caller, predefined::READ_ALL_STATS) || snapshot.has_rights_of(caller, session.role)
}

pub(super) fn pg_stat_activity(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&[
        "datid",
        "datname",
        "pid",
        "usesysid",
        "usename",
        "application_name",
        "client_addr",
        "client_hostname",
        "client_port",
        "backend_start",
        "xact_start",
        "query_start",
        "state_change",
        "state",
        "query",
        "backend_type",
    ]);
    for a in ask.view.activity() {
        let open = may_see(ask.snapshot, ask.view.role(), &a);
        let shown = |v: Value| if open { v } else { Value::Null };
        let at = |t: Option<std::time::SystemTime>| t.map_or(Value::Null, timestamp);
        rows.push([
            Value::Oid(builtin::DATABASE),
            text(&a.database),
            Value::Int4(a.pid),
            Value::Oid(a.role),
            text(&a.user),
            text(a.application_name),
            shown(a.client_addr.map_or(Value::Null, |c| address(c.ip()))),
            Value::Null,
            shown(a.client_addr.map_or(Value::Null, |c| Value::Int4(i32::from(c.port())))),
            shown(timestamp(a.backend_start)),
            shown(at(a.xact_start)),
            shown(at(a.query_start)),
            shown(timestamp(a.state_change)),
            shown(text(a.state)),
            if open { text(&a.query) } else { text("<insufficient privilege>") },
            shown(text("client backend")),
        ]);
    }
    Ok(rows)
}

/// The COPYs that run. STDIN and STDOUT are what PostgreSQL calls a pipe; how many bytes there will be nobody knows.
pub(super) fn pg_stat_progress_copy(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&[
        "pid",
        "datid",
        "datname",
        "relid",
        "command",
        "type",
        "bytes_processed",
        "bytes_total",
        "tuples_processed",
        "tuples_excluded",
    ]);
    let caller = ask.view.role();
    let all = ask.snapshot.role_by_oid(caller).is_some_and(|r| r.superuser);
    for a in ask.view.activity() {
        let Some(copy) = a.copy else { continue };
        let shown = |v: Value| if all || a.role == caller { v } else { Value::Null };
        rows.push([
            Value::Int4(a.pid),
            Value::Oid(builtin::DATABASE),
            text(&a.database),
            shown(Value::Oid(copy.relation)),
            shown(text(copy.command)),
            shown(text(if copy.file.is_some() { "FILE" } else { "PIPE" })),
            shown(Value::Int8(copy.bytes_processed.cast_signed())),
            shown(Value::Int8(copy.file.unwrap_or(0).cast_signed())),
            shown(Value::Int8(copy.tuples_processed.cast_signed())),
            shown(Value::Int8(0)),
        ]);
    }
    Ok(rows)
}

pub(super) fn pg_prepared_statements(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&["name", "statement", "prepare_time", "parameter_types", "from_sql"]);
    for p in ask.view.prepared_statements() {
        let types = array(oid::REGTYPE, p.parameter_types.iter().map(|t| Value::Oid(t.oid)).collect());
        rows.push([text(p.name), text(p.statement), timestamp(p.prepare_time), types, Value::Bool(p.from_sql)]);
    }
    Ok(rows)
}

pub(super) fn pg_cursors(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&["name", "statement", "is_holdable", "is_binary", "is_scrollable", "creation_time"]);
    for c in ask.view.cursors() {
        rows.push([
            text(c.name),
            text(c.statement),
            Value::Bool(c.is_holdable),
            Value::Bool(c.is_binary),
            Value::Bool(c.is_scrollable),
            timestamp(c.creation_time),
        ]);
    }
    Ok(rows)
}

/// Locks on keys (advisory), tables and rows. A row's page and tuple are parts of the number by which it is known. The own
/// transaction's number, which only the engine knows, comes in with the view.
pub(super) fn pg_locks(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&[
        "locktype",
        "database",
        "relation",
        "page",
        "tuple",
        "classid",
        "objid",
        "objsubid",
        "virtualtransaction",
        "pid",
        "mode",
        "granted",
        "fastpath",
        "waitstart",
    ]);
    let locks = ask.view.locks();
    let own = ask.view.pid();
    let virtual_transaction = |pid: i32| text(format!("{pid}/0"));
    let has_number = |l: &LockRow| {
        l.pid == own && l.mode >= LockMode::RowShare && l.waits_since.is_none() && !matches!(l.tag, LockTag::Key { .. })
    };
    if locks.iter().any(has_number) {
        let mut row = vec![text("transactionid")];
        row.extend([Value::Null, Value::Null, Value::Null, Value::Null, Value::Null, Value::Null, Value::Null]);
        row.extend([virtual_transaction(own), Value::Int4(own), text(LockMode::Exclusive.name())]);
        row.extend([Value::Bool(true), Value::Bool(false), Value::Null]);
        rows.push_row(row);
    }
    for l in locks {
        let mut what = [Value::Null, Value::Null, Value::Null, Value::Null, Value::Null, Value::Null];
        let kind = match l.tag {
            LockTag::Key { high, low, kind } => {
                what[3] = Value::Oid(high);
                what[4] = Value::Oid(low);
                what[5] = Value::Int2(kind.cast_signed());
                "advisory"
            }
            LockTag::Relation(oid) => {
                what[0] = Value::Oid(oid);
                "relation"
            }
            // The gateway's own, by which those who know their rows and those who do not meet: of no interest until waited for.
            LockTag::Rows(_) if l.waits_since.is_none() => continue,
            LockTag::Rows(oid) => {
                what[0] = Value::Oid(oid);
                "tuple"
            }
            LockTag::Row(oid, row) => {
                what[0] = Value::Oid(oid);
                what[1] = Value::Int4(((row >> 16) as u32 & 0x7fff_ffff).cast_signed());
                what[2] = Value::Int2((row as u16 & 0x7fff).cast_signed());
                "tuple"
            }
            LockTag::Object(oid) => {
                what[4] = Value::Oid(oid);
                "object"
            }
            // Where PostgreSQL's second waits for the first's row of a catalog.
            LockTag::Name(_) if l.waits_since.is_none() => continue,
            LockTag::Name(_) => "object",
        };
        let [relation, page, tuple, class, object, sub] = what;
        rows.push([
            text(kind),
            Value::Oid(builtin::DATABASE),
            relation,
            page,
            tuple,
            class,
            object,
            sub,
            virtual_transaction(l.pid),
            Value::Int4(l.pid),
            text(l.mode.name()),
            Value::Bool(l.waits_since.is_none()),
            Value::Bool(false),
            l.waits_since.map_or(Value::Null, timestamp),
        ]);
    }
    Ok(rows)
}

/// A client's address as an inet.
pub(in crate::catalog) fn address(ip: std::net::IpAddr) -> Value {
    Value::Bytea(crate::types::coded::inet::Inet::host(ip).encode().into())
}
