//! Conditions of an outer join that are about one side only, and that side is kept whole: DuckDB has no way to join by these but to
//! try all pairs.
//!
//! `a LEFT JOIN b ON a.x = b.y AND a.kind = 'k'` → `a LEFT JOIN b ON CASE WHEN a.kind = 'k' THEN a.x END = b.y`: where the
//! condition does not hold NULL equals nothing. It is computed for every row then, not for pairs, so it must be one that cannot fail.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::facts::OPERATORS;
use crate::tree::{Expr, ExprKind, FromItem, Join, JoinKind, RelId};

use super::hold::never_fails;

/// Conjuncts beyond which it is not tried: each is compared with the two sides.
const MOST: usize = 100;

/// The condition of a join, so that DuckDB finds what it may join by.
/// `sides`: the relations of each side.
pub(crate) fn joined_by<'e>(join: &Join, on: &'e Expr, sides: &[HashSet<RelId>; 2]) -> Cow<'e, Expr> {
    let mut conjuncts = Vec::new();
    flat(on, &mut conjuncts);
    let (left, right) = match join.kind {
        JoinKind::Left => (true, false),
        JoinKind::Right => (false, true),
        JoinKind::Full => (true, true),
        JoinKind::Cross | JoinKind::Inner => return Cow::Borrowed(on),
    };
    if join.lateral {
        return Cow::Borrowed(on);
    }
    if !(2..=MOST).contains(&conjuncts.len()) {
        return Cow::Borrowed(on);
    }
    let mut conjuncts: Vec<Expr> = conjuncts.into_iter().cloned().collect();
    if left {
        fold(&mut conjuncts, &sides[0], &sides[1]);
    }
    if right {
        fold(&mut conjuncts, &sides[1], &sides[0]);
    }
    let kind = match conjuncts.len() {
        1 => conjuncts.remove(0).kind,
        _ => ExprKind::And(conjuncts),
    };
    Cow::Owned(Expr { kind, ..on.clone() })
}

fn flat<'e>(condition: &'e Expr, conjuncts: &mut Vec<&'e Expr>) {
    match &condition.kind {
        ExprKind::And(parts) => parts.iter().for_each(|part| flat(part, conjuncts)),
        _ => conjuncts.push(condition),
    }
}

/// Puts the conjuncts about `own` into an equality of `own` with `other`.
fn fold(conjuncts: &mut Vec<Expr>, own: &HashSet<RelId>, other: &HashSet<RelId>) {
    let Some(at) = conjuncts.iter().position(|c| side_of_equality(c, own, other).is_some()) else { return };
    let mut equality = conjuncts.remove(at);
    let (about, rest): (Vec<Expr>, Vec<Expr>) =
        std::mem::take(conjuncts).into_iter().partition(|c| is_over(c, own) && never_fails(c));
    *conjuncts = rest;
    if let Some(first) = about.first()
        && let Some(side) = side_of_equality(&equality, own, other)
        && let ExprKind::Call(call) = &mut equality.kind
    {
        let (ty, pos) = (first.ty, first.pos);
        let test = match about.len() {
            1 => about[0].clone(),
            _ => Expr { kind: ExprKind::And(about), ty, pos },
        };
        let value = call.args[side].clone();
        let (ty, pos) = (value.ty, value.pos);
        call.args[side] =
            Expr { kind: ExprKind::Case { simple: false, whens: vec![(test, value)], otherwise: None }, ty, pos };
    }
    conjuncts.insert(0, equality);
}

/// Which argument of an equality between the two sides is `own`'s.
fn side_of_equality(condition: &Expr, own: &HashSet<RelId>, other: &HashSet<RelId>) -> Option<usize> {
    let ExprKind::Call(call) = &condition.kind else { return None };
    let operator = OPERATORS.by_oid(call.operator?)?;
    let [first, second] = call.args.as_slice() else { return None };
    if operator.name != "=" || !call.func.strict {
        return None;
    }
    let sides = [(0, first, second), (1, second, first)];
    sides.into_iter().find(|(_, mine, others)| is_of(mine, own) && is_of(others, other)).map(|(at, ..)| at)
}

/// Are its columns, of which there is one at least, of these relations only, and has it no subquery and nothing volatile?
fn is_of(expr: &Expr, relations: &HashSet<RelId>) -> bool {
    columns(expr, relations).is_some_and(|columns| columns > 0)
}

/// The same, of an expression that may have no columns at all.
fn is_over(expr: &Expr, relations: &HashSet<RelId>) -> bool {
    columns(expr, relations).is_some()
}

fn columns(expr: &Expr, relations: &HashSet<RelId>) -> Option<usize> {
    let (mut count, mut fits) = (0, true);
    let _ = crate::sql::analyze::walk(expr, 0, &mut |e, depth| {
        fits &= depth == 0;
        match &e.kind {
            ExprKind::Column { rel, column: _ } | ExprKind::WholeRow(rel) => {
                count += 1;
                fits &= relations.contains(rel);
            }
            ExprKind::Call(call) => fits &= !crate::sql::lower::value::call::draws(call.func),
            ExprKind::Exists(_)
            | ExprKind::ScalarSubquery(_)
            | ExprKind::ArraySubquery(_)
            | ExprKind::AnyAllSubquery { .. }
            | ExprKind::NextValue(_)
            | ExprKind::Routine(_)
            | ExprKind::SetReturning(_)
            | ExprKind::Aggregate(_)
            | ExprKind::Window(_) => fits = false,
            _ => {}
        }
        Ok(fits)
    });
    fits.then_some(count)
}

/// The relations of one side.
pub(crate) fn relations(item: &FromItem) -> HashSet<RelId> {
    match item {
        FromItem::Relation(relation) => HashSet::from([relation.id]),
        FromItem::Join(join) => relations(&join.left).into_iter().chain(relations(&join.right)).collect(),
    }
}
