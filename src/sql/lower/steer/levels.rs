//! Arguments of functions inside the aggregates and windows of their bodies: for DuckDB an aggregate of outer columns alone is
//! the outer query's, and a window has no outer columns.
//!
//! `f(t.a)` of `SELECT count($1)` → `(SELECT count(s1.c0) FROM (SELECT t.a AS c0) AS s1)`

use crate::error::Result;
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::{self, Alias, From, Node, Scalar, Select};
use crate::sql::lower::value::array::{derived, plain_query};
use crate::sql::render;
use crate::tree::RelId;

/// A select that is being lowered.
#[derive(Default)]
pub(crate) struct Level {
    /// What is lowered stands inside of an aggregate or a window.
    over_rows: bool,
    /// Outer values that such ones mention, as the row of a relation of its own.
    row: Option<(Alias, Vec<(String, Scalar)>)>,
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

/// Is it the same for all rows of all queries?
fn is_constant(value: &Scalar) -> bool {
    match &value.node {
        Node::Text(_) | Node::Literal(_) | Node::Type | Node::Param(_) => true,
        Node::Cast(inner) => is_constant(inner),
        Node::Template { args, draw, .. } => *draw == 0 && args.iter().all(is_constant),
        _ => false,
    }
}
