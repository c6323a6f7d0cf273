//! What the rows of a long VALUES have in common is computed over its columns, not written into each row: DuckDB binds every
//! expression of every row by itself, which for thousands of rows takes longer than all else.
//!
//! `VALUES (dg_nextval(7), CAST('a' AS DATE)), (dg_nextval(7), CAST('b' AS DATE))` →
//! `SELECT dg_nextval(7), CAST(s1.c0 AS DATE) FROM (VALUES ('a'), ('b')) AS s1(c0)`

use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::{self, Alias, Body, Node, Scalar, Select};
use crate::sql::lower::query::set_op::query_of;
use crate::sql::lower::value::array::{derived, plain_query};
use crate::types::Phys;

/// From so many rows on: a few are bound in no time, and are compared with by DuckDB's planner.
pub(crate) const MANY_ROWS: usize = 32;

/// More rows DuckDB may give to several threads.
const ONE_GROUP: usize = 100_000;

impl Lowerer<'_> {
    /// VALUES as a query; the rows' values are in the types of `columns`.
    pub(crate) fn factored(&mut self, rows: Vec<Vec<Scalar>>, columns: Vec<Phys>) -> ir::Query {
        if rows.len() < MANY_ROWS {
            return query_of(Body::Values(rows), columns);
        }
        // Sequences and kin are asked row by row, as in the order of the values: one column of them may be computed by itself.
        let volatile = |at: usize| rows.iter().any(|row| row.get(at).is_some_and(|value| value.weight().1));
        let volatile: Vec<usize> = (0..columns.len()).filter(|at| volatile(*at)).collect();
        let in_turn = volatile.len() > 1 || rows.len() > ONE_GROUP;
        let alias = self.make();
        let mut left = Left { alias, columns: Vec::new() };
        let mut targets = Vec::with_capacity(columns.len());
        for (at, phys) in columns.iter().enumerate() {
            let items: Vec<&Scalar> = rows.iter().filter_map(|row| row.get(at)).collect();
            let known = left.columns.len();
            let common = if in_turn && volatile.contains(&at) { None } else { left.common(&items) };
            targets.push(match common {
                Some(value) => value,
                None => {
                    left.columns.truncate(known);
                    left.column(items.into_iter().cloned().collect(), phys.clone())
                }
            });
        }
        if left.columns.is_empty() {
            left.column(rows.iter().map(|_| Scalar::bool(true)).collect(), Phys::Bool);
        }
        let types = left.columns.iter().map(|(_, phys)| phys.clone()).collect();
        let mut values: Vec<_> = left.columns.into_iter().map(|(items, _)| items.into_iter()).collect();
        let rows = rows.iter().map(|_| values.iter_mut().filter_map(Iterator::next).collect()).collect();
        let from = vec![derived(query_of(Body::Values(rows), types), alias)];
        plain_query(Select { targets, from, ..Select::default() }, columns)
    }
}

/// The columns that VALUES keeps.
struct Left {
    alias: Alias,
    columns: Vec<(Vec<Scalar>, Phys)>,
}

impl Left {
    fn column(&mut self, items: Vec<Scalar>, phys: Phys) -> Scalar {
        let column = Scalar::column(self.alias, ir::output_name(self.columns.len()), phys.clone());
        self.columns.push((items, phys));
        column
    }

    /// What gives each row's value, over columns of bare constants; None where the rows have little in common.
    fn common(&mut self, items: &[&Scalar]) -> Option<Scalar> {
        let first = *items.first()?;
        if items.iter().all(|item| same(first, item)) {
            return Some(first.clone());
        }
        if let Some(phys) = constants(items) {
            return Some(self.column(items.iter().map(|item| (*item).clone()).collect(), phys));
        }
        if items.iter().any(|item| item.phys != first.phys || item.dscale.is_some()) {
            return None;
        }
        match &first.node {
            Node::Cast(_) => {
                let inner =
                    items.iter().map(|item| if let Node::Cast(inner) = &item.node { Some(&**inner) } else { None });
                let inner = self.common(&inner.collect::<Option<Vec<_>>>()?)?;
                Some(Scalar::new(Node::Cast(Box::new(inner)), first.phys.clone()))
            }
            Node::Template { text, args, draw } => {
                let own = |item: &&Scalar| match &item.node {
                    Node::Template { text: own, args, draw: _ } if own == text => Some(args.clone()),
                    _ => None,
                };
                let rows = items.iter().map(own).collect::<Option<Vec<Vec<Scalar>>>>()?;
                let mut common = Vec::with_capacity(args.len());
                for at in 0..args.len() {
                    let column = rows.iter().map(|row| row.get(at)).collect::<Option<Vec<&Scalar>>>()?;
                    common.push(self.common(&column)?);
                }
                let node = Node::Template { text: text.clone(), args: common, draw: *draw };
                Some(Scalar::new(node, first.phys.clone()))
            }
            _ => None,
        }
    }
}

/// The type of bare constants of one kind, and NULLs.
fn constants(items: &[&Scalar]) -> Option<Phys> {
    let mut kind: Option<&Scalar> = None;
    for item in items {
        let known = match &item.node {
            Node::Literal(_) => true,
            Node::Text(text) if **text == *"NULL" => continue,
            Node::Text(text) => item.phys == Phys::Bool || text.parse::<i64>().is_ok(),
            _ => false,
        };
        let alike = |before: &Scalar| {
            before.phys == item.phys && matches!(before.node, Node::Literal(_)) == matches!(item.node, Node::Literal(_))
        };
        if !known || !kind.is_none_or(alike) {
            return None;
        }
        kind = Some(item);
    }
    kind.map(|item| item.phys.clone())
}

/// Whether two rows compute the same, each for itself.
fn same(a: &Scalar, b: &Scalar) -> bool {
    let nodes = match (&a.node, &b.node) {
        (Node::Text(a), Node::Text(b)) => a == b,
        (Node::Literal(a), Node::Literal(b)) => a == b,
        (Node::Type, Node::Type) => true,
        (Node::Param(a), Node::Param(b)) => a == b,
        (Node::Cast(a), Node::Cast(b)) => same(a, b),
        (Node::Template { text: a, args: of_a, draw: _ }, Node::Template { text: b, args: of_b, draw: _ }) => {
            a == b && of_a.len() == of_b.len() && of_a.iter().zip(of_b).all(|(a, b)| same(a, b))
        }
        _ => false,
    };
    nodes && a.phys == b.phys && a.dscale.is_none() && b.dscale.is_none()
}
