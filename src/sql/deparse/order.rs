//! ORDER BY, PARTITION BY and the like: expressions that must not be taken for something else.
//!
//! `order by lower(b) desc` → `ORDER BY (lower(t.b)) DESC`

use super::Printer;
use crate::error::Result;
use crate::tree::{CastHow, Expr, ExprKind, RelId, SortKey};

impl Printer<'_> {
    /// `output` is the relation that stands for the query's own output: its columns are written by number.
    pub(super) fn order_by(&mut self, keys: &[SortKey], output: Option<RelId>) -> Result<()> {
        self.list(keys, |p, key| {
            match key.expr.kind {
                ExprKind::Column { rel, column } if Some(rel) == output => p.push(&(column + 1).to_string()),
                _ => p.sort_item(&key.expr)?,
            }
            match (key.descending, key.nulls_first) {
                (false, false) => {}
                (false, true) => p.push(" NULLS FIRST"),
                (true, true) => p.push(" DESC"),
                (true, false) => p.push(" DESC NULLS LAST"),
            }
            Ok(())
        })
    }

    /// A constant gets its type, so that it is no column's number; what looks like a call gets parentheses, so that it is
    /// no CUBE.
    pub(super) fn sort_item(&mut self, expr: &Expr) -> Result<()> {
        match &expr.kind {
            ExprKind::Const(value) => {
                self.constant(value, expr.ty, super::constant::Label::Always);
                Ok(())
            }
            ExprKind::Column { .. } | ExprKind::WholeRow(_) => self.expr(expr, true),
            _ => {
                let parens = self.style.terse || super::expr::is_call(expr) || is_cast_by_function(expr);
                self.push(if parens { "(" } else { "" });
                self.expr(expr, true)?;
                self.push(if parens { ")" } else { "" });
                Ok(())
            }
        }
    }
}

/// A call to PostgreSQL, which does not look like one.
fn is_cast_by_function(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Cast { how: CastHow::Function(_) | CastHow::Typmod, .. })
}
