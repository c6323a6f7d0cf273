//! Grouping by what DuckDB does not know again when it stands in the targets: it is computed once in a select below, and
//! named by its column there. So are keys that draw, and constants of several grouping sets.
//!
//! `SELECT array_remove(a, 1), count(*) FROM t GROUP BY 1` →
//! `SELECT s1.c0, count(*) FROM (SELECT list_filter(t1.a, lambda v2: …) AS c0 FROM t AS t1) AS s1 GROUP BY s1.c0`

use std::sync::Arc;

use crate::error::Result;
use crate::sql::analyze::same;
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::walk::{self, columns_mut, has, key_mut, values_mut};
use crate::sql::lower::ir::{self, Alias, From, Node, Order, Scalar, Select};
use crate::sql::lower::value::array::{derived, plain_query};
use crate::tree::{self, Expr, ExprKind, GroupBy};

/// The keys of the select below, and what it goes by.
pub(crate) struct Below {
    alias: Alias,
    keys: Vec<Scalar>,
}

impl Below {
    /// As [`put_below`] takes them.
    pub(crate) fn parts(self) -> (Alias, Vec<Scalar>) {
        (self.alias, self.keys)
    }
}

/// Does DuckDB fail to see that two copies of it are one, or does it see more than there is?
fn is_elusive(value: &Scalar, several_sets: bool) -> bool {
    let elusive = |node: &Node| walk::is_lambda(node) || walk::is_query(node);
    has(value, &elusive) || value.weight().1 || several_sets && !has(value, &|node| matches!(node, Node::Column(..)))
}

impl Lowerer<'_> {
    /// The keys that a select below has to compute, if one has to. What is lowered from here on names them by its columns,
    /// until [`Lowerer::end_keys`].
    pub(crate) fn keys_below(&mut self, group: Option<&GroupBy>) -> Result<Option<Below>> {
        let below = match group {
            Some(group) if !group.exprs.iter().all(|e| matches!(e.kind, ExprKind::Column { .. })) => {
                self.elusive_keys(group)?
            }
            _ => None,
        };
        let columns = match (&below, group) {
            (Some(below), Some(group)) => {
                let column =
                    |(i, key): (usize, &Scalar)| Scalar::column(below.alias, ir::output_name(i), key.phys.clone());
                group.exprs.iter().cloned().zip(below.keys.iter().enumerate().map(column)).collect()
            }
            _ => Vec::new(),
        };
        self.keys.push(columns);
        Ok(below)
    }

    fn elusive_keys(&mut self, group: &GroupBy) -> Result<Option<Below>> {
        let several = group.sets.len() > 1;
        let mut keys = Vec::with_capacity(group.exprs.len());
        for e in &group.exprs {
            let value = self.expr(e)?;
            keys.push(self.output_column(value, e.ty)?);
        }
        if !keys.iter().any(|key| is_elusive(key, several)) {
            return Ok(None);
        }
        Ok(Some(Below { alias: self.make(), keys }))
    }

    pub(crate) fn end_keys(&mut self) {
        self.keys.pop();
    }

    /// The column of the select below that has the value of this grouping expression.
    pub(crate) fn key_below(&self, e: &Expr) -> Option<Scalar> {
        let known = self.keys.iter().flatten().find(|(key, _)| same(key, e));
        known.map(|(_, column)| column.clone())
    }
}

/// Puts FROM and WHERE into a select below, which gives these targets and the columns that the one above needs of them.
pub(crate) fn put_below(
    (alias, mut targets): (Alias, Vec<Scalar>),
    from: Vec<From>,
    above: &mut Select,
    orders: &mut [Order],
) {
    let mut own = Vec::new();
    from.iter().for_each(|item| walk::aliases(item, &mut own));
    let mut known: Vec<(Alias, Arc<str>, usize)> = Vec::new();
    let filter = above.filter.take();
    let mut replace = |of: &mut Alias, name: &mut Arc<str>, phys: &crate::types::Phys| {
        if !own.contains(of) {
            return;
        }
        let at = known.iter().find(|(a, n, _)| a == of && n == name).map(|(_, _, at)| *at);
        let at = at.unwrap_or_else(|| {
            targets.push(Scalar::column(*of, name.clone(), phys.clone()));
            known.push((*of, name.clone(), targets.len() - 1));
            targets.len() - 1
        });
        (*of, *name) = (alias, ir::output_name(at));
    };
    let keys = orders.iter_mut().filter_map(key_mut);
    for value in values_mut(above).into_iter().chain(keys) {
        columns_mut(value, &mut replace);
    }
    if targets.is_empty() {
        targets.push(Scalar::int4(1));
    }
    let columns = targets.iter().map(|t| t.phys.clone()).collect();
    let inner = Select { targets, from, filter, ..Select::default() };
    above.from = vec![derived(plain_query(inner, columns), alias)];
}

/// A grouping expression, and the column that has its value.
pub(crate) type Key = (tree::Expr, Scalar);
