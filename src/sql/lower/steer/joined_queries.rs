//! Queries in the condition of an outer join, which DuckDB takes only in a comparison of one side with the other: what looks at
//! one side at most is computed beside that side, and the condition reads its value.
//!
//! `a LEFT JOIN b ON a.x = (SELECT max(y) FROM c WHERE c.b = b.id)` →
//! `a LEFT JOIN (b CROSS JOIN LATERAL (SELECT (SELECT max(y) …) AS c0) AS t9) ON a.x = t9.c0`
//!
//! It is computed for each row of that side, then, not for pairs: a query that may fail stays where it is unless it is the first
//! thing that PostgreSQL computes, too.
//!
//! The same for columns of the queries around, which DuckDB takes in the condition of an inner join only:
//! `a LEFT JOIN b ON a.x = b.x AND b.id > t.id` → `a LEFT JOIN (b CROSS JOIN (SELECT t.id AS c0) AS t9) ON a.x = b.x AND b.id > t9.c0`

use std::collections::HashSet;
use std::sync::Arc;

use super::arms::{about, has_query, query_may_fail};
use super::lift::LIFTED;
use crate::error::Result;
use crate::sql::analyze::{children_mut, same};
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::walk::has;
use crate::sql::lower::ir::{From, Node};
use crate::sql::lower::value::routine::is_volatile;
use crate::tree::{
    Body, Expr, ExprKind, Field, FromItem, Join, JoinKind, Query, RelColumn, RelId, Relation, Select, Source,
};

/// A condition of which queries were drawn out, and what is computed beside each side.
#[derive(Default)]
pub(crate) struct Drawn {
    pub on: Option<Expr>,
    beside: [Vec<From>; 2],
}

impl Drawn {
    /// The two sides with what is computed beside them.
    pub fn joined(self, left: From, right: From) -> [From; 2] {
        let [beside_left, beside_right] = self.beside;
        let cross = |own: From, beside: From| From::Join {
            kind: "CROSS JOIN",
            left: Box::new(own),
            right: Box::new(beside),
            on: None,
        };
        [beside_left.into_iter().fold(left, cross), beside_right.into_iter().fold(right, cross)]
    }
}

impl Lowerer<'_> {
    /// The condition over sides that compute its queries. `sides`: the relations of each.
    pub(crate) fn drawn_out(&mut self, join: &Join, sides: &mut [HashSet<RelId>; 2]) -> Result<Drawn> {
        let mut drawn = Drawn::default();
        let Some(on) = &join.on else { return Ok(drawn) };
        if matches!(join.kind, JoinKind::Cross | JoinKind::Inner) || join.lateral {
            return Ok(drawn);
        }
        let mut on = on.clone();
        self.draw_outer(&mut on, sides, &mut drawn)?;
        if !has_query(&on) {
            drawn.on = (!drawn.beside[1].is_empty()).then_some(on);
            return Ok(drawn);
        }
        let parts = match &mut on.kind {
            ExprKind::And(parts) => parts.iter_mut().collect(),
            _ => vec![&mut on],
        };
        for (at, part) in parts.into_iter().enumerate() {
            let of = about(part, sides, 0);
            if !pairs(part, sides) {
                self.draw(part, sides, &mut drawn, (at == 0 && !self.held, of))?;
            }
        }
        drawn.on = Some(on);
        Ok(drawn)
    }

    /// Columns of the queries around, beside the right side.
    fn draw_outer(&mut self, on: &mut Expr, sides: &mut [HashSet<RelId>; 2], drawn: &mut Drawn) -> Result<()> {
        self.made += 2;
        let (rel, output) = (RelId(LIFTED + self.made - 1), RelId(LIFTED + self.made));
        let mut values = Vec::new();
        self.take_outer(on, sides, rel, &mut values);
        if values.is_empty() {
            return Ok(());
        }
        let relation = one_row(values, false, rel, output);
        drawn.beside[1].push(self.from_item(&FromItem::Relation(Box::new(relation)))?);
        sides[1].insert(rel);
        Ok(())
    }

    fn take_outer(&self, e: &mut Expr, sides: &[HashSet<RelId>; 2], to: RelId, values: &mut Vec<Expr>) {
        if !self.is_outer(e, sides) {
            return children_mut(e).into_iter().for_each(|child| self.take_outer(child, sides, to, values));
        }
        let at = values.iter().position(|v| same(v, e)).unwrap_or(values.len());
        let column = Expr { kind: ExprKind::Column { rel: to, column: at as u16 }, ty: e.ty, pos: e.pos };
        let value = std::mem::replace(e, column);
        if at == values.len() {
            values.push(value);
        }
    }

    /// Is it a column of a query around the join?
    fn is_outer(&self, e: &Expr, sides: &[HashSet<RelId>; 2]) -> bool {
        let ExprKind::Column { rel, column } = &e.kind else { return false };
        if sides.iter().any(|side| side.contains(rel)) {
            return false;
        }
        match self.substitutes.get(rel) {
            Some(values) => {
                let value = values.get(usize::from(*column)).and_then(Option::as_ref);
                value.is_some_and(|value| has(value, &|node| matches!(node, Node::Column(..))))
            }
            None => self.rels.contains_key(rel),
        }
    }

    /// `may_fail`: it is computed for each row in any case. `of`: which sides the conjunct is about.
    fn draw(
        &mut self,
        e: &mut Expr,
        sides: &mut [HashSet<RelId>; 2],
        drawn: &mut Drawn,
        (may_fail, of): (bool, [bool; 2]),
    ) -> Result<()> {
        let query = match &e.kind {
            ExprKind::Exists(query)
            | ExprKind::ScalarSubquery(query)
            | ExprKind::ArraySubquery(query)
            | ExprKind::AnyAllSubquery { query, .. } => query,
            kind => {
                // What stands in an arm is not always computed.
                let always = matches!(kind, ExprKind::Call(_) | ExprKind::Not(_) | ExprKind::IsNull { .. });
                for child in children_mut(e) {
                    self.draw(child, sides, drawn, (may_fail && always, of))?;
                }
                return Ok(());
            }
        };
        let side = match about(e, sides, 0) {
            [true, true] => return Ok(()),
            [true, false] => 0,
            [false, true] => 1,
            // Beside the side that it is not compared with, so that the two can be joined by it.
            [false, false] => usize::from(of == [true, false]),
        };
        if is_volatile(e) || query_may_fail(query) && !may_fail {
            return Ok(());
        }
        let lateral = about(e, sides, 0).contains(&true);
        self.made += 2;
        let (rel, output) = (RelId(LIFTED + self.made - 1), RelId(LIFTED + self.made));
        let column = Expr { kind: ExprKind::Column { rel, column: 0 }, ty: e.ty, pos: e.pos };
        let relation = one_row(vec![std::mem::replace(e, column)], lateral, rel, output);
        let beside = self.from_item(&FromItem::Relation(Box::new(relation)))?;
        drawn.beside[side].push(beside);
        sides[side].insert(rel);
        Ok(())
    }
}

/// An operator on one value of each side: DuckDB computes either beside its side by itself.
fn pairs(part: &Expr, sides: &[HashSet<RelId>; 2]) -> bool {
    let ExprKind::Call(call) = &part.kind else { return false };
    let [first, second] = call.args.as_slice() else { return false };
    matches!(
        (about(first, sides, 0), about(second, sides, 0)),
        ([true, false], [false, true]) | ([false, true], [true, false])
    )
}

/// `(SELECT value, …)` as a relation.
fn one_row(values: Vec<Expr>, lateral: bool, rel: RelId, output_rel: RelId) -> Relation {
    let name: Arc<str> = "computed".into();
    let columns = values.iter().map(|v| RelColumn { name: name.clone(), ty: v.ty, attnum: 0 }).collect();
    let fields = values.iter().map(|v| Field { name: name.clone(), ty: v.ty, origin: (0, 0), row: None }).collect();
    let select = Select::of(values, Vec::new());
    let query = Query::of(Body::Select(Box::new(select)), fields, output_rel);
    Relation { id: rel, alias: name, source: Source::Subquery(Box::new(query)), columns, lateral, pos: 0 }
}
