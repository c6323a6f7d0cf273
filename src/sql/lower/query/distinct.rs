//! DISTINCT and DISTINCT ON.
//!
//! `SELECT DISTINCT n` of numeric text → `SELECT DISTINCT ON (dg_numeric_key(n)) n`: 1.0 and 1.00 are one value.

use crate::error::Result;
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::{OrderKey, Scalar, Select};
use crate::tree::Expr;

use super::order::is_literal;

impl Lowerer<'_> {
    pub(crate) fn distinct(&mut self, select: &mut Select) -> Result<()> {
        // A constant makes nothing distinct, and DuckDB takes it for a position.
        let varying: Vec<&Scalar> = select.targets.iter().filter(|t| !is_literal(t)).collect();
        if !varying.iter().any(|t| t.phys.needs_key()) {
            select.distinct = true;
            return Ok(());
        }
        let keys = varying.into_iter().map(|t| Ok(OrderKey::Scalar(self.sort_key(t.clone())?)));
        select.distinct_on = keys.collect::<Result<_>>()?;
        Ok(())
    }

    pub(crate) fn distinct_on(&mut self, exprs: &[Expr], targets: &[Scalar]) -> Result<Vec<OrderKey>> {
        exprs
            .iter()
            .map(|e| {
                let value = self.expr(e)?;
                self.order_key(value, targets)
            })
            .collect()
    }
}
