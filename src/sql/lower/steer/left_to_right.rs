//! AND and OR stop at the arm that decides, and WHERE comes before the targets: what may fail is computed only for rows that get
//! there. DuckDB takes the arms in the order that has been fastest so far, and moves conditions on a subquery's columns into it.
//!
//! `a = 'int' AND b::int > 5` → `a = 'int' AND CASE WHEN a = 'int' IS DISTINCT FROM FALSE THEN b::int > 5 ELSE FALSE END`,
//! `FROM (SELECT b::int AS v FROM t WHERE a = 'int') AS s` → `FROM (SELECT CASE WHEN a = 'int' THEN b::int END AS v FROM t WHERE …) AS s`.
//! That is done for arms over one relation: PostgreSQL, too, computes those of several where it joins them.

use std::collections::BTreeSet;

use super::arms::has_query;
use super::hold::may_fail;
use crate::sql::analyze::walk;
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::{SUBQUERY_WEIGHT, Scalar};
use crate::tree::{Body, Distinct, Expr, ExprKind, Query, RelId};
use crate::types::Phys;

/// How many arms are asked again, and how large they may be together.
const MOST_GUARDS: usize = 8;
const MOST_WEIGHT: usize = 100;

/// The relations whose columns an expression reads, at its own level.
fn relations(e: &Expr) -> BTreeSet<RelId> {
    let mut found = BTreeSet::new();
    let _ = walk(e, 0, &mut |e, depth| {
        if let (ExprKind::Column { rel, .. } | ExprKind::WholeRow(rel), 0) = (&e.kind, depth) {
            found.insert(*rel);
        }
        Ok(true)
    });
    found
}

/// Is something computed from a column that may fail by its value?
fn is_risky(e: &Expr) -> bool {
    let mut risky = false;
    let _ = walk(e, 0, &mut |e, _| {
        risky |= may_fail(e) && !relations(e).is_empty();
        Ok(!risky)
    });
    risky
}

/// Can it be computed where what it guards would be, and as well there?
fn is_guard(e: &Expr, of: &BTreeSet<RelId>) -> bool {
    let read = relations(e);
    !read.is_empty()
        && read.is_subset(of)
        && !is_risky(e)
        && !has_query(e)
        && !crate::sql::lower::value::routine::acts(e)
}

impl Lowerer<'_> {
    /// The arms of AND, or of OR, as they are lowered: those that may fail are computed only where none before them decides.
    pub(crate) fn in_order(parts: &[Expr], mut values: Vec<Scalar>, and: bool) -> Vec<Scalar> {
        for at in 1..values.len() {
            let part = &parts[at];
            if !is_risky(part) || has_query(part) || values[at].weight().1 {
                continue;
            }
            let of = relations(part);
            if of.len() != 1 {
                continue;
            }
            let mut weight = 0;
            let mut open = Vec::new();
            for (_, value) in parts.iter().zip(&values).take(at).filter(|(before, _)| is_guard(before, &of)) {
                let (own, volatile) = value.weight();
                weight += own;
                if volatile || own >= SUBQUERY_WEIGHT || weight > MOST_WEIGHT || open.len() == MOST_GUARDS {
                    continue;
                }
                let text = if and { "({0} IS DISTINCT FROM FALSE)" } else { "({0} IS DISTINCT FROM TRUE)" };
                open.push(Scalar::template(text, vec![value.clone()], Phys::Bool));
            }
            if let Some(open) = Scalar::and(open) {
                let value = std::mem::replace(&mut values[at], Scalar::bool(!and));
                values[at] = Scalar::when(open, value, Scalar::bool(!and));
            }
        }
        values
    }
}

/// The query with its targets that may fail computed only for rows that WHERE lets through; `None` if it is as good as it is.
pub(crate) fn after_filter(query: &Query) -> Option<Query> {
    let Body::Select(select) = &query.body else { return None };
    let filter = select.filter.as_ref()?;
    let whole = matches!(select.distinct, Distinct::All)
        && !select.aggregated
        && select.group_by.is_none()
        && select.qualify.is_none()
        && query.limit.is_none()
        && query.offset.is_none();
    if !whole {
        return None;
    }
    let conjuncts = match &filter.kind {
        ExprKind::And(parts) => parts.as_slice(),
        _ => std::slice::from_ref(filter),
    };
    let guarded = |target: &Expr| -> Option<Expr> {
        if !is_risky(target)
            || has_query(target)
            || crate::sql::lower::value::routine::acts(target)
            || !is_plain(target)
        {
            return None;
        }
        let of = relations(target);
        let guards: Vec<Expr> =
            conjuncts.iter().filter(|part| is_guard(part, &of)).take(MOST_GUARDS).cloned().collect();
        let first = guards.first()?.clone();
        let test = if guards.len() == 1 { first } else { Expr { kind: ExprKind::And(guards), ..first } };
        let whens = vec![(test, target.clone())];
        Some(Expr { kind: ExprKind::Case { simple: false, whens, otherwise: None }, ..target.clone() })
    };
    let found: Vec<Option<Expr>> = select.targets.iter().map(guarded).collect();
    if found.iter().all(Option::is_none) {
        return None;
    }
    let mut query = query.clone();
    if let Body::Select(select) = &mut query.body {
        for (target, guarded) in select.targets.iter_mut().zip(found) {
            *target = guarded.unwrap_or_else(|| target.clone());
        }
    }
    Some(query)
}

/// Neither windows nor sets, which are computed over all rows.
fn is_plain(e: &Expr) -> bool {
    let mut plain = true;
    let _ = walk(e, 0, &mut |e, _| {
        plain &= !matches!(e.kind, ExprKind::Window(_) | ExprKind::SetReturning(_) | ExprKind::Aggregate(_));
        Ok(plain)
    });
    plain
}
