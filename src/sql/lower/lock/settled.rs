//! Whether an UPDATE or DELETE finds the same rows however often it is asked in one snapshot.
//!
//! `UPDATE t SET b = 1 WHERE a IN (SELECT a FROM u)` does. `… WHERE a = (SELECT a FROM u ORDER BY b LIMIT 1)` need not, where several
//! rows of `u` are first; but with FOR UPDATE of all that it reads it does: the rows that were locked are the ones.

use crate::sql::analyze::walk;
use crate::sql::lower::value::routine::is_volatile;
use crate::tree::{Body, Cte, CteBody, Distinct, Expr, ExprKind, FromItem, Query, Source};

/// Of its WITH, what it joins, and its condition.
pub(crate) fn is_settled(ctes: &[Cte], from: &[FromItem], filter: Option<&Expr>) -> bool {
    ctes.iter().all(cte) && from.iter().all(item) && filter.is_none_or(expr)
}

fn cte(cte: &Cte) -> bool {
    match &cte.query {
        CteBody::Query(inner) => !cte.recursive && query(inner),
        CteBody::Insert(_) | CteBody::Update(_) | CteBody::Delete(_) => false,
    }
}

fn item(item_: &FromItem) -> bool {
    match item_ {
        FromItem::Join(join) => item(&join.left) && item(&join.right) && join.on.as_ref().is_none_or(expr),
        FromItem::Relation(relation) => match &relation.source {
            Source::Table { sample, .. } => sample.is_none(),
            Source::View { query: inner, .. } | Source::Subquery(inner) => query(inner),
            // WITH is looked at where it stands.
            Source::Cte(_) => true,
            Source::Function { calls, ordinality: _ } => calls.iter().all(|call| match &call.kind {
                // `unnest($1)` and kin.
                ExprKind::SetReturning(of) => of.func.volatility == b'i' && of.args.iter().all(expr),
                _ => expr(call),
            }),
            Source::System { .. } | Source::Sequence { .. } | Source::Feed | Source::File(_) => false,
        },
    }
}

fn query(query_: &Query) -> bool {
    let cut = query_.limit.is_some() || query_.offset.is_some();
    if cut && !is_locked(query_) || !query_.ctes.iter().all(cte) {
        return false;
    }
    match &query_.body {
        Body::Select(select) => {
            let whole = !select.aggregated && select.windows.is_empty() && select.qualify.is_none();
            let distinct = !matches!(select.distinct, Distinct::On(_));
            whole
                && distinct
                && select.from.iter().all(item)
                && select.targets.iter().all(expr)
                && select.filter.as_ref().is_none_or(expr)
        }
        Body::SetOp { left, right, .. } => query(left) && query(right),
        Body::Values(rows) => rows.iter().flatten().all(expr),
    }
}

/// True if each row that a query gives is of rows that it locks.
fn is_locked(query: &Query) -> bool {
    let locked = |item: &FromItem| match item {
        // Which of those that one row is joined with come first is not said.
        FromItem::Join(_) => false,
        FromItem::Relation(relation) => {
            let by_row = match &relation.source {
                Source::Table { def, .. } => !def.temporary && !def.is_partition() && !def.is_partitioned(),
                _ => false,
            };
            by_row && query.locking.iter().any(|locking| locking.rel == relation.id)
        }
    };
    match &query.body {
        Body::Select(select) => matches!(select.from.as_slice(), [item] if locked(item)),
        Body::SetOp { .. } | Body::Values(_) => false,
    }
}

fn expr(e: &Expr) -> bool {
    if is_volatile(e) {
        return false;
    }
    let mut settled = true;
    let walked = walk(e, 0, &mut |e, depth| {
        settled &= match &e.kind {
            // Queries are looked into from where they stand.
            _ if depth > 0 => true,
            ExprKind::Exists(inner) | ExprKind::ScalarSubquery(inner) => query(inner),
            ExprKind::AnyAllSubquery { query: inner, .. } => query(inner),
            // In whatever order its rows come.
            ExprKind::ArraySubquery(_) => false,
            ExprKind::Window(_) | ExprKind::Aggregate(_) | ExprKind::Routine(_) | ExprKind::SetReturning(_) => false,
            _ => true,
        };
        Ok(settled)
    });
    walked.is_ok() && settled
}
