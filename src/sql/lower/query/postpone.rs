//! Targets that PostgreSQL computes after the sort: volatile ones, and sets (make_sort_input_target).
//!
//! `SELECT a, nextval('s') FROM t ORDER BY b LIMIT 3` → `SELECT s1.c0, dg_nextval(…) FROM (SELECT a FROM t ORDER BY b LIMIT 3) AS s1`

use crate::error::Result;
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::{self, Alias, Body, Node, Order, OrderKey, Query, Scalar, Select};
use crate::sql::lower::value::array::{derived, plain_query};
use crate::tree::{self, Expr, ExprKind};
use crate::types::Phys;

/// What an expression has that must not run before the sort.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Late {
    volatile: bool,
    set: bool,
}

/// Looks at an expression without its subqueries.
fn late(expr: &Expr) -> Late {
    let mut found = Late::default();
    let _ = crate::sql::analyze::walk(expr, 0, &mut |e, depth| {
        if depth == 0 {
            match &e.kind {
                ExprKind::NextValue(_) => found.volatile = true,
                ExprKind::Call(call) if crate::sql::lower::value::call::draws(call.func) => found.volatile = true,
                ExprKind::SetReturning(_) => found.set = true,
                ExprKind::Routine(r) => {
                    found.set |= r.function.returns_set;
                    found.volatile |= crate::sql::lower::value::routine::is_volatile(e);
                }
                _ => {}
            }
        }
        Ok(depth == 0)
    });
    found
}

impl Lowerer<'_> {
    /// Splits a lowered query whose select has such targets; gives it back as it is if it has none.
    pub(crate) fn postpone(&mut self, select: &tree::Select, query: &tree::Query, lowered: Query) -> Result<Query> {
        let plain = matches!(select.distinct, tree::Distinct::All) && !lowered.order_by.is_empty();
        if !plain || query.order_by.iter().any(|k| late(&k.expr) != Late::default()) {
            return Ok(lowered);
        }
        let late: Vec<Late> = select.targets.iter().map(late).collect();
        let any_set = late.iter().any(|l| l.set);
        let postponed: Vec<bool> = late.iter().map(|l| l.volatile || l.set).collect();
        let Body::Select(inner) = &lowered.body else { return Ok(lowered) };
        if !postponed.contains(&true) || inner.targets.len() != postponed.len() {
            return Ok(lowered);
        }
        Ok(self.split(inner, &lowered, &postponed, any_set).unwrap_or(lowered))
    }

    /// None if a postponed target holds what cannot be moved.
    fn split(&mut self, select: &Select, lowered: &Query, postponed: &[bool], any_set: bool) -> Option<Query> {
        let alias = self.make();
        let mut inner = Select { targets: Vec::new(), ..select.clone() };
        let mut outer = Vec::with_capacity(select.targets.len());
        let mut columns: Vec<(Alias, std::sync::Arc<str>, usize)> = Vec::new();
        for (target, late) in select.targets.iter().zip(postponed) {
            if !late {
                outer.push(Scalar::column(alias, ir::output_name(inner.targets.len()), target.phys.clone()));
                inner.targets.push(target.clone());
                continue;
            }
            let mut moved = target.clone();
            let movable = replace_columns(&mut moved, &mut |of, name, phys: &Phys| {
                let known = columns.iter().find(|(a, n, _)| *a == of && n == name).map(|(_, _, at)| *at);
                let at = known.unwrap_or_else(|| {
                    inner.targets.push(Scalar::column(of, name.clone(), phys.clone()));
                    columns.push((of, name.clone(), inner.targets.len() - 1));
                    inner.targets.len() - 1
                });
                (alias, ir::output_name(at))
            });
            if !movable {
                return None;
            }
            outer.push(moved);
        }
        if inner.targets.is_empty() {
            inner.targets.push(Scalar::int4(1));
        }
        let mut order_by = Vec::with_capacity(lowered.order_by.len());
        for order in &lowered.order_by {
            let key = match &order.key {
                OrderKey::Position(n) if postponed.get(n - 1) == Some(&true) => return None,
                OrderKey::Position(n) => OrderKey::Scalar(select.targets.get(n - 1)?.clone()),
                OrderKey::Scalar(_) => order.key.clone(),
            };
            order_by.push(Order { key, ..order.clone() });
        }
        let inner_columns = inner.targets.iter().map(|t| t.phys.clone()).collect();
        let (limit, offset) = (lowered.limit.clone(), lowered.offset.clone());
        let (inside, outside) = if any_set { ((None, None), (limit, offset)) } else { ((limit, offset), (None, None)) };
        let body = Body::Select(Box::new(inner));
        let sorted = Query {
            order_by,
            limit: inside.0,
            offset: inside.1,
            ctes: Vec::new(),
            recursive: false,
            body,
            columns: inner_columns,
        };
        let around = Select { targets: outer, from: vec![derived(sorted, alias)], ..Select::default() };
        Some(Query {
            ctes: lowered.ctes.clone(),
            recursive: lowered.recursive,
            limit: outside.0,
            offset: outside.1,
            ..plain_query(around, lowered.columns.clone())
        })
    }
}

/// Puts other columns in the place of all columns; false if there is an aggregate or a subquery in it: DuckDB makes joins of
/// subqueries, and above the sort these would lose its order.
fn replace_columns(
    scalar: &mut Scalar,
    replace: &mut dyn FnMut(Alias, &std::sync::Arc<str>, &Phys) -> (Alias, std::sync::Arc<str>),
) -> bool {
    let phys = scalar.phys.clone();
    let inner = match &mut scalar.node {
        Node::Text(_) | Node::Variable(_) | Node::Param(_) | Node::Literal(_) | Node::Type => true,
        Node::Bare(_) => false,
        Node::Column(alias, name) => {
            (*alias, *name) = replace(*alias, name, &phys);
            true
        }
        // An entry's own subquery is one like any other.
        Node::Template { text, .. } if text.contains("SELECT") => false,
        Node::Template { args, .. } => args.iter_mut().all(|a| replace_columns(a, replace)),
        Node::Cast(inner) => replace_columns(inner, replace),
        Node::And(parts) | Node::Or(parts) => parts.iter_mut().all(|p| replace_columns(p, replace)),
        Node::Case { whens, otherwise } => {
            whens.iter_mut().all(|(a, b)| replace_columns(a, replace) && replace_columns(b, replace))
                && otherwise.iter_mut().all(|o| replace_columns(o, replace))
        }
        Node::Aggregate(_) | Node::Subquery(_) | Node::Exists(_) | Node::Quantified { .. } => false,
    };
    inner && scalar.dscale.as_mut().is_none_or(|scale| replace_columns(scale, replace))
}
