//! The advisory locks that a statement is sure to ask for: the session waits for them before it runs the statement, and
//! so keeps neither a slot nor a thread of the engine meanwhile.
//!
//! `SELECT pg_advisory_lock(1), pg_advisory_xact_lock($1)` → 1 and `$1`;
//! `WITH s AS (SELECT set_config('lock_timeout', '5s', true)) SELECT pg_advisory_lock(1) FROM s` → 1, for five seconds

use crate::engine::directory::LockMode;
use crate::sql::lower::value::constant::const_int;
use crate::sql::{LockCall, LockKey, LockStep, LockTimeout};
use crate::tree::{Body, Call, Cte, CteBody, Expr, ExprKind, FromItem, Query, Select, Source, Statement};
use crate::types::{Value, oid};

/// Those of a query's target list, where there is exactly one row: FROM has nothing, or more of such queries.
pub(crate) fn asked_for(statement: &Statement) -> Vec<LockStep> {
    let Statement::Query(query) = statement else { return Vec::new() };
    let mut steps = Vec::new();
    if of_one_row(query, &[], &mut steps).is_none() || !steps.iter().any(|step| matches!(step, LockStep::Take(_))) {
        return Vec::new();
    }
    steps
}

/// What a query does about locks; `None` if it may give no row, or several.
fn of_one_row(query: &Query, around: &[Cte], steps: &mut Vec<LockStep>) -> Option<()> {
    let Query { ctes, body: Body::Select(select), limit: None, offset: None, .. } = query else { return None };
    let Select { targets, from, filter: None, having: None, qualify: None, aggregated: false, .. } = &**select else {
        return None;
    };
    let known = if ctes.is_empty() { around } else { ctes };
    for item in from {
        let FromItem::Relation(relation) = item else { return None };
        match &relation.source {
            Source::Subquery(inner) => of_one_row(inner, known, steps)?,
            Source::Cte(id) => match &known.iter().find(|cte| cte.id == *id)?.query {
                CteBody::Query(inner) => of_one_row(inner, &[], steps)?,
                CteBody::Insert(_) | CteBody::Update(_) | CteBody::Delete(_) => return None,
            },
            Source::Table { .. }
            | Source::System { .. }
            | Source::Sequence { .. }
            | Source::View { .. }
            | Source::Function { .. }
            | Source::Feed
            | Source::File(_) => return None,
        }
    }
    steps.extend(targets.iter().filter_map(step));
    Some(())
}

fn step(target: &Expr) -> Option<LockStep> {
    let ExprKind::Call(call) = &target.kind else { return None };
    let mode = match call.func.name {
        "pg_advisory_lock" | "pg_advisory_xact_lock" => LockMode::Exclusive,
        "pg_advisory_lock_shared" | "pg_advisory_xact_lock_shared" => LockMode::Share,
        "set_config" => return patience(call),
        _ => return None,
    };
    Some(LockStep::Take(LockCall { mode, keys: call.args.iter().map(key).collect::<Option<_>>()? }))
}

fn patience(call: &Call) -> Option<LockStep> {
    let [name, timeout, local] = call.args.as_slice() else { return None };
    let (ExprKind::Const(Value::Text(name)), ExprKind::Const(Value::Bool(local))) = (&name.kind, &local.kind) else {
        return None;
    };
    let timeout = match &timeout.kind {
        ExprKind::Const(Value::Text(text)) => LockTimeout::Const(text.clone()),
        ExprKind::Param(n) if timeout.ty.oid == oid::TEXT => LockTimeout::Param(*n),
        _ => return None,
    };
    name.eq_ignore_ascii_case("lock_timeout").then_some(LockStep::Patience { timeout, local: *local })
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
