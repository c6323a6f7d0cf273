//! The advisory locks that a statement is sure to ask for: the session waits for them before it runs the statement, and
//! so keeps neither a slot nor a thread of the engine meanwhile.
//!
//! `SELECT pg_advisory_lock(1), pg_advisory_xact_lock($1)` → 1 and `$1`

use crate::engine::directory::LockMode;
use crate::sql::lower::value::constant::const_int;
use crate::sql::{LockCall, LockKey};
use crate::tree::{Body, Expr, ExprKind, Query, Select, Statement};
use crate::types::oid;

/// Those of a query's target list without FROM and conditions, of which there is exactly one row.
pub(crate) fn asked_for(statement: &Statement) -> Vec<LockCall> {
    let Statement::Query(query) = statement else { return Vec::new() };
    let Query { ctes, body: Body::Select(select), limit: None, offset: None, .. } = &**query else { return Vec::new() };
    let Select { targets, from, filter: None, having: None, qualify: None, aggregated: false, .. } = &**select else {
        return Vec::new();
    };
    if !ctes.is_empty() || !from.is_empty() {
        return Vec::new();
    }
    targets.iter().filter_map(call).collect()
}

fn call(target: &Expr) -> Option<LockCall> {
    let ExprKind::Call(call) = &target.kind else { return None };
    let mode = match call.func.name {
        "pg_advisory_lock" | "pg_advisory_xact_lock" => LockMode::Exclusive,
        "pg_advisory_lock_shared" | "pg_advisory_xact_lock_shared" => LockMode::Share,
        _ => return None,
    };
    Some(LockCall { mode, keys: call.args.iter().map(key).collect::<Option<_>>()? })
}

pub(crate) fn key(e: &Expr) -> Option<LockKey> {
    if let Some(n) = const_int(e) {
        return Some(LockKey::Const(n));
    }
    match &e.kind {
        ExprKind::Param(n) if matches!(e.ty.oid, oid::INT2 | oid::INT4 | oid::INT8) => Some(LockKey::Param(*n)),
        // From one integer type to a wider one.
        ExprKind::Cast { arg, .. } if e.ty.oid == oid::INT8 && e.ty.typmod < 0 => key(arg),
        _ => None,
    }
}
