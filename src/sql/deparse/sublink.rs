//! Subqueries in expressions.
//!
//! `a in (select b from u)` → `(t.a IN ( SELECT u.b FROM u))`

use super::Printer;
use crate::error::{Error, Result};
use crate::tree::{Expr, ExprKind, Quantifier, Query};

impl Printer<'_> {
    pub(super) fn sublink(&mut self, e: &Expr) -> Result<()> {
        match &e.kind {
            ExprKind::Exists(query) => self.around("(EXISTS (", query, "))"),
            ExprKind::ScalarSubquery(query) => self.around("(", query, ")"),
            ExprKind::ArraySubquery(query) => self.around("ARRAY(", query, ")"),
            ExprKind::AnyAllSubquery { of, op_name, ops: _, left, casts: _, query } => {
                // NOT IN is the negation of IN.
                let negated = *of == Quantifier::All && &**op_name == "<>";
                if negated {
                    self.open();
                    self.push("NOT ");
                }
                self.push("(");
                match left.as_slice() {
                    [left] => self.expr(left, true)?,
                    left => {
                        self.push("(");
                        self.list(left, |p, l| p.expr(l, true))?;
                        self.push(")");
                    }
                }
                let word = match (&**op_name, of) {
                    ("<>", Quantifier::All) | ("=", Quantifier::Any) => " IN (".to_owned(),
                    (op, Quantifier::Any) => format!(" {op} ANY ("),
                    (op, Quantifier::All) => format!(" {op} ALL ("),
                    (op, Quantifier::One) => format!(" {op} ("),
                };
                self.around(&word, query, "))")?;
                if negated {
                    self.close();
                }
                Ok(())
            }
            _ => Err(Error::internal("no subquery")),
        }
    }

    fn around(&mut self, before: &str, query: &Query, after: &str) -> Result<()> {
        self.push(before);
        self.subquery(query, false)?;
        self.push(after);
        Ok(())
    }
}
