//! Arguments of functions inside the aggregates and windows of their bodies: for DuckDB an aggregate of outer columns alone is
//! the outer query's, and a window has no outer columns.
//!
//! `f(t.a)` of `SELECT count($1)` → `(SELECT count(s1.c0) FROM (SELECT t.a AS c0) AS s1)`

use std::cell::Cell;
use std::collections::HashSet;

use crate::error::Result;
use crate::sql::analyze::{walk, walk_query_where};
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::{self, Alias, From, Node, Scalar, Select};
use crate::sql::lower::value::array::{derived, plain_query};
use crate::sql::render;
use crate::tree::{Body, Expr, ExprKind, FromItem, Query, RelId, Source};
use crate::types::Phys;

/// A select that is being lowered.
#[derive(Default)]
pub(crate) struct Level {
    /// What is lowered stands inside of an aggregate or a window.
    over_rows: bool,
    /// Outer values that such ones mention, as the row of a relation of its own.
    row: Option<(Alias, Vec<(String, Scalar)>)>,
    /// The relations of its FROM, inside of another select where WITH has queries.
    own: Option<HashSet<RelId>>,
}

impl Level {
    /// The relation of the outer values.
    pub(crate) fn into_from(self) -> Option<From> {
        let (alias, values) = self.row?;
        let targets: Vec<Scalar> = values.into_iter().map(|(_, value)| value).collect();
        let columns = targets.iter().map(|t| t.phys.clone()).collect();
        Some(derived(plain_query(Select { targets, ..Select::default() }, columns), alias))
    }
}

impl Lowerer<'_> {
    pub(crate) fn level_of(&self, from: &[FromItem]) -> Level {
        let known = !self.levels.is_empty() && !self.ctes.is_empty();
        let own = known.then(|| from.iter().flat_map(super::one_sided::relations).collect());
        Level { own, ..Level::default() }
    }

    /// An outer column to which the query that an IN looks into must be tied: where what is looked for is made of outer columns alone, and
    /// the query reads WITH's and looks at nothing around it, DuckDB loses those columns. Asked before the query is lowered.
    pub(crate) fn tie(&mut self, left: &Expr, query: &Query) -> Result<Option<Scalar>> {
        let Some(own) = self.levels.last().and_then(|level| level.own.as_ref()) else { return Ok(None) };
        let (mut outer, mut inside) = (None, false);
        walk(left, 0, &mut |e, _| {
            if let ExprKind::Column { rel, .. } = &e.kind {
                inside |= own.contains(rel);
                if self.rels.contains_key(rel) {
                    outer.get_or_insert_with(|| e.clone());
                }
            }
            Ok(!inside)
        })?;
        match outer {
            Some(outer) if !inside && reads_with(query) && !self.refers_outside(query)? => self.expr(&outer).map(Some),
            _ => Ok(None),
        }
    }

    /// `(SELECT c0 FROM w)` → `(SELECT s1.c0 FROM (SELECT c0 FROM w) AS s1 WHERE (t.a IS NULL) IS NOT NULL)`, which is always so.
    pub(crate) fn tied(&mut self, inner: ir::Query, to: Scalar) -> ir::Query {
        let (alias, columns) = (self.make(), inner.columns.clone());
        let column = |(i, phys): (usize, &Phys)| Scalar::column(alias, ir::output_name(i), phys.clone());
        let targets = columns.iter().enumerate().map(column).collect();
        let filter = Some(Scalar::template("(({0} IS NULL) IS NOT NULL)", vec![to], Phys::Bool));
        let select = Select { targets, from: vec![derived(inner, alias)], filter, ..Select::default() };
        plain_query(select, columns)
    }

    /// Lowers what an aggregate or a window of the innermost select has inside.
    pub(crate) fn over_rows(&mut self, lower: impl FnOnce(&mut Self) -> Result<Scalar>) -> Result<Scalar> {
        let Some(level) = self.levels.last_mut() else { return lower(self) };
        let before = std::mem::replace(&mut level.over_rows, true);
        let lowered = lower(self);
        if let Some(level) = self.levels.last_mut() {
            level.over_rows = before;
        }
        lowered
    }

    /// What stands for a parameter of a function, seen from where it is mentioned.
    pub(crate) fn of_own_level(&mut self, params: RelId, value: Scalar) -> Scalar {
        let depth = self.levels.len();
        let outer = self.given_at.get(&params).is_some_and(|given| *given < depth);
        if !outer || !self.levels.last().is_some_and(|level| level.over_rows) || is_constant(&value) {
            return value;
        }
        let value = self.settle(value);
        let (text, fresh, phys) = (render::scalar(&value), self.make(), value.phys.clone());
        let Some(level) = self.levels.last_mut() else { return value };
        let (alias, row) = level.row.get_or_insert_with(|| (fresh, Vec::new()));
        let at = row.iter().position(|(known, _)| *known == text).unwrap_or(row.len());
        if at == row.len() {
            row.push((text, value));
        }
        Scalar::column(*alias, ir::output_name(at), phys)
    }
}

/// Does a query, or one inside of it, read one of WITH?
fn reads_with(query: &Query) -> bool {
    fn of_with(item: &FromItem) -> bool {
        match item {
            FromItem::Relation(relation) => matches!(relation.source, Source::Cte(_)),
            FromItem::Join(join) => of_with(&join.left) || of_with(&join.right),
        }
    }
    let found = Cell::new(false);
    let look = |query: &Query| {
        if let Body::Select(select) = &query.body {
            found.set(found.get() || select.from.iter().any(of_with));
        }
        !found.get()
    };
    let _ = walk_query_where(query, &look, &mut |_, _| Ok(true));
    found.get()
}

/// Is it the same for all rows of all queries?
fn is_constant(value: &Scalar) -> bool {
    match &value.node {
        Node::Text(_) | Node::Literal(_) | Node::Type | Node::Param(_) => true,
        Node::Cast(inner) => is_constant(inner),
        Node::Template { args, draw, .. } => *draw == 0 && args.iter().all(is_constant),
        _ => false,
    }
}
