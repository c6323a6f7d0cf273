//! What PostgreSQL does not compute: a subquery in the arm of a CASE that is not taken. DuckDB computes it for all rows; where
//! that could fail, what it takes from the row around it is NULL where the arm is not taken.
//!
//! `CASE WHEN a = 0 THEN 0 ELSE (SELECT 10 / t.a FROM u) END` →
//! `CASE WHEN a = 0 THEN 0 ELSE (SELECT 10 / CASE WHEN NOT a = 0 THEN t.a END FROM u) END`

use std::collections::HashSet;

use super::hold::may_fail;
use crate::error::Result;
use crate::sql::analyze::{walk, walk_query_where};
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::{Node, Scalar};
use crate::sql::lower::value::routine::{of_groups, reads};
use crate::tree::{Expr, ExprKind, Query, RelId};
use crate::types::Phys;

/// How large a test may be that stands at each outer column.
const MAX_TEST: usize = 9;

/// A subquery that is computed only where a test holds: the relations around it, and the test.
pub(crate) struct Guarded {
    outer: HashSet<RelId>,
    test: Scalar,
}

/// Is there a query in an expression, at its own level?
pub(crate) fn has_query(e: &Expr) -> bool {
    let mut found = false;
    let _ = walk(e, 0, &mut |e, depth| {
        found |= depth == 0
            && match &e.kind {
                ExprKind::Exists(_)
                | ExprKind::ScalarSubquery(_)
                | ExprKind::ArraySubquery(_)
                | ExprKind::AnyAllSubquery { .. } => true,
                ExprKind::Routine(r) => reads(&r.body),
                _ => false,
            };
        Ok(depth == 0 && !found)
    });
    found
}

/// Whether what a query computes may fail by the row around it, or for want of it. The rules' own conditions and masks do not
/// count: they look at their table's rows alone, and where one fails, whatever reads the table does.
pub(crate) fn query_may_fail(query: &Query) -> bool {
    let mut found = false;
    let _ = walk_query_where(query, &|inner| !crate::policy::is_of_rules(inner), &mut |e, _| {
        found |= may_fail(e);
        Ok(!found)
    });
    found
}

/// Can it be repeated inside of a query?
fn can_guard(test: &Scalar) -> bool {
    let (weight, volatile) = test.weight();
    weight < crate::sql::lower::ir::SUBQUERY_WEIGHT && !volatile && !of_groups(test) && !has_variable(test)
}

fn has_variable(value: &Scalar) -> bool {
    match &value.node {
        Node::Variable(_) => true,
        Node::Template { args, .. } => args.iter().any(has_variable),
        Node::Cast(inner) => has_variable(inner),
        Node::And(parts) | Node::Or(parts) => parts.iter().any(has_variable),
        Node::Case { whens, otherwise } => {
            whens.iter().any(|(a, b)| has_variable(a) || has_variable(b))
                || otherwise.as_deref().is_some_and(has_variable)
        }
        Node::Text(_)
        | Node::Literal(_)
        | Node::Type
        | Node::Column(..)
        | Node::Bare(_)
        | Node::Param(_)
        | Node::Aggregate(_)
        | Node::Subquery(_)
        | Node::Exists(_)
        | Node::Quantified { .. } => false,
    }
}

fn is_constant(value: &Scalar) -> bool {
    match &value.node {
        Node::Text(_) | Node::Literal(_) | Node::Type | Node::Param(_) => true,
        Node::Cast(inner) => is_constant(inner),
        _ => false,
    }
}

/// Which of two sides an expression mentions, its queries (from depth 1 on) included.
pub(crate) fn about(e: &Expr, sides: &[HashSet<RelId>; 2], from_depth: usize) -> [bool; 2] {
    let mut found = [false; 2];
    let _ = walk(e, 0, &mut |e, depth| {
        if let ExprKind::Column { rel, .. } | ExprKind::WholeRow(rel) = &e.kind
            && depth >= from_depth
        {
            found.iter_mut().zip(sides).for_each(|(found, side)| *found |= side.contains(rel));
        }
        Ok(true)
    });
    found
}

impl Lowerer<'_> {
    /// Lowers what is computed only where these tests are as they are said to be: each is true, or is not.
    pub(crate) fn only_where(&mut self, tests: &[(Scalar, bool)], e: &Expr) -> Result<Scalar> {
        if tests.is_empty() || !has_query(e) || !tests.iter().all(|(test, _)| can_guard(test)) {
            return self.expr(e);
        }
        let text =
            |holds: &bool| if *holds { "({0} IS NOT DISTINCT FROM TRUE)" } else { "({0} IS DISTINCT FROM TRUE)" };
        let tests = tests.iter().map(|(test, holds)| Scalar::template(text(holds), vec![test.clone()], Phys::Bool));
        let before = self.arms.len();
        self.arms.extend(tests);
        let lowered = self.expr(e);
        self.arms.truncate(before);
        lowered
    }

    /// The condition of an outer join. A query in it is guarded by what comes before it only if that is about no side that the query itself
    /// is not about: DuckDB has no outer join by a query that looks at both.
    pub(crate) fn outer_condition(&mut self, sides: &[HashSet<RelId>; 2], on: &Expr) -> Result<Scalar> {
        let ExprKind::And(parts) = &on.kind else { return self.expr(on) };
        if !parts.iter().any(has_query) || parts.iter().any(crate::sql::lower::value::routine::acts) {
            return self.expr(on);
        }
        let mut known: Vec<([bool; 2], (Scalar, bool))> = Vec::new();
        let mut values = Vec::with_capacity(parts.len());
        for part in parts {
            let inside = about(part, sides, 1);
            let fits = |of: &[bool; 2]| of.iter().zip(&inside).all(|(known, inside)| !known || *inside);
            let tests: Vec<_> = known.iter().filter(|(of, _)| fits(of)).map(|(_, test)| test.clone()).collect();
            let value = self.only_where(&tests, part)?;
            let open = Scalar::template("({0} IS DISTINCT FROM FALSE)", vec![value.clone()], Phys::Bool);
            known.push((about(part, sides, 0), (open, true)));
            values.push(value);
        }
        Ok(Scalar::new(Node::And(values), Phys::Bool))
    }

    /// Lowers a query inside a value.
    pub(crate) fn inner_query(&mut self, query: &Query) -> Result<crate::sql::lower::ir::Query> {
        let arms = std::mem::take(&mut self.arms);
        // Larger ones would be bound by lambdas, which DuckDB does not take around aggregates of correlated subqueries.
        let test = Scalar::and(arms.clone()).filter(|test| test.weight().0 <= MAX_TEST && query_may_fail(query));
        let guarded = test.is_some();
        if let Some(test) = test {
            let outer = self.rels.keys().chain(self.substitutes.keys()).copied().collect();
            self.guarded.push(Guarded { outer, test });
        }
        let lowered = self.query(query);
        if guarded {
            self.guarded.pop();
        }
        self.arms = arms;
        lowered
    }

    /// A value of a relation, as the subqueries around it may see it.
    pub(crate) fn as_guarded(&self, rel: RelId, value: Scalar) -> Scalar {
        let tests = self.guarded.iter().filter(|g| g.outer.contains(&rel)).map(|g| g.test.clone());
        guard(tests.collect(), value)
    }

    /// The arguments of a function that reads tables, as its body may see them.
    /// `None` if they are no others.
    pub(crate) fn guarded_arguments(&self, body: &Query, args: &[Scalar]) -> Option<Vec<Scalar>> {
        if self.arms.is_empty() || args.iter().all(is_constant) || !query_may_fail(body) {
            return None;
        }
        Some(args.iter().map(|arg| guard(self.arms.clone(), arg.clone())).collect())
    }
}

fn guard(tests: Vec<Scalar>, value: Scalar) -> Scalar {
    if is_constant(&value) || value.phys == Phys::Void || value.dscale.is_some() {
        return value;
    }
    let Some(test) = Scalar::and(tests) else { return value };
    let phys = value.phys.clone();
    Scalar::new(Node::Case { whens: vec![(test, value)], otherwise: None }, phys)
}
