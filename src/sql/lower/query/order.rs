//! ORDER BY: NULL order always explicit, keys that DuckDB sorts as PostgreSQL sorts the values.
//!
//! `ORDER BY a DESC` → `ORDER BY t1."a" DESC NULLS FIRST`; a key that is an output column goes by its position.

use crate::error::Result;
use crate::sql::analyze::same;
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::walk::{has, is_lambda};
use crate::sql::lower::ir::{Node, Order, OrderKey, Scalar};
use crate::tree::{Expr, ExprKind, RelId, SortKey};

impl Lowerer<'_> {
    /// `trees` are the expressions that the targets were lowered from: a key that is one of them is that target.
    pub(crate) fn order_by(
        &mut self,
        keys: &[SortKey],
        (trees, targets): (&[Expr], &[Scalar]),
        output: RelId,
    ) -> Result<Vec<Order>> {
        let mut orders = Vec::with_capacity(keys.len());
        for key in keys {
            let of_output = match &key.expr.kind {
                ExprKind::Column { rel, column } if *rel == output => targets.get(usize::from(*column)).cloned(),
                _ => {
                    let at = trees.iter().position(|tree| same(tree, &key.expr));
                    at.and_then(|at| targets.get(at)).filter(|target| has(target, &is_lambda)).cloned()
                }
            };
            let value = match of_output {
                Some(value) => value,
                None => self.expr(&key.expr)?,
            };
            if is_literal(&value) {
                continue;
            }
            let key_value = match key.expr.ty.oid {
                crate::types::oid::JSONB => OrderKey::Scalar(super::aggregate::jsonb_key(value)),
                _ => self.order_key(value, targets)?,
            };
            orders.push(Order { key: key_value, descending: key.descending, nulls_first: key.nulls_first });
        }
        Ok(orders)
    }

    /// An output column's position, or the value's sort key.
    pub(crate) fn order_key(&self, value: Scalar, targets: &[Scalar]) -> Result<OrderKey> {
        if !value.phys.needs_key() && value.dscale.is_none() {
            let text = std::cell::OnceCell::new();
            let text = || text.get_or_init(|| crate::sql::render::scalar(&value));
            // To render it costs more than to see that it is something else, or the same.
            let same = |target: &Scalar| {
                target.node == value.node || is_like(target, &value) && crate::sql::render::scalar(target) == *text()
            };
            let is_it = |target: &Scalar| {
                same(target) || matches!(&target.node, Node::Cast(inner) if inner.phys == target.phys && same(inner))
            };
            if let Some(position) = targets.iter().position(is_it) {
                return Ok(OrderKey::Position(position + 1));
            }
        }
        Ok(OrderKey::Scalar(self.sort_key(value)?))
    }
}

/// May the texts of two values be the same?
fn is_like(a: &Scalar, b: &Scalar) -> bool {
    match (&a.node, &b.node) {
        (Node::Column(of, name), Node::Column(other, known)) => of == other && name == known,
        (Node::Template { text, args, .. }, Node::Template { text: other, args: others, .. }) => {
            text == other && args.len() == others.len() && args.iter().zip(others).all(|(a, b)| is_like(a, b))
        }
        (Node::Aggregate(a), Node::Aggregate(b)) => {
            a.name == b.name && a.args.len() == b.args.len() && a.args.iter().zip(&b.args).all(|(a, b)| is_like(a, b))
        }
        (Node::Cast(a), Node::Cast(b)) => is_like(a, b),
        (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}

/// A literal sorts nothing, and DuckDB takes it for a position.
pub(crate) fn is_literal(value: &Scalar) -> bool {
    match &value.node {
        Node::Text(_) | Node::Literal(_) => true,
        Node::Cast(inner) => is_literal(inner),
        _ => false,
    }
}
