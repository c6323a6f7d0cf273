//! DISTINCT and DISTINCT ON.
//!
//! `SELECT DISTINCT n` of numeric text → `SELECT DISTINCT ON (dg_numeric_key(n)) n`: 1.0 and 1.00 are one value.

use crate::error::Result;
use crate::tree::Expr;

use super::Lowerer;
use super::ir::{OrderKey, Scalar, Select};

impl Lowerer<'_> {
    pub(super) fn distinct(&mut self, select: &mut Select) -> Result<()> {
        if !select.targets.iter().any(|t| super::compare::needs_key(&t.phys)) {
            select.distinct = true;
            return Ok(());
        }
        for target in &select.targets {
            select.distinct_on.push(OrderKey::Scalar(self.sort_key(target.clone())?));
        }
        Ok(())
    }

    pub(super) fn distinct_on(&mut self, exprs: &[Expr], targets: &[Scalar]) -> Result<Vec<OrderKey>> {
        exprs
            .iter()
            .map(|e| {
                let value = self.expr(e)?;
                self.order_key(value, targets)
            })
            .collect()
    }
}
