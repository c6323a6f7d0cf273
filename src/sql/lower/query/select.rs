//! A plain SELECT.
//!
//! `SELECT a, sum(b) FROM t GROUP BY a ORDER BY 2` →
//! `SELECT t1."a" AS c0, CAST(sum(t1."b") AS BIGINT) AS c1 FROM "public"."t" AS t1 GROUP BY t1."a" ORDER BY 2 ASC NULLS LAST`

use crate::error::{Error, Result};
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::{self, Order};
use crate::sql::lower::steer::levels::Level;
use crate::tree::{Distinct, Query, Select};
use crate::types::Phys;

use super::keys_below::put_below;

impl Lowerer<'_> {
    /// The select, what its columns carry, and the query's ORDER BY, which is of its scope.
    pub(crate) fn select(&mut self, select: &Select, query: &Query) -> Result<(ir::Select, Vec<Phys>, Vec<Order>)> {
        let level = self.level_of(&select.from);
        self.levels.push(level);
        let lowered = self.select_at_level(select, query);
        let level = self.levels.pop();
        let (mut lowered, columns, order_by) = lowered?;
        lowered.from.extend(level.and_then(Level::into_from));
        Ok((lowered, columns, order_by))
    }

    fn select_at_level(&mut self, select: &Select, query: &Query) -> Result<(ir::Select, Vec<Phys>, Vec<Order>)> {
        let mut from = self.from_items(&select.from)?;
        let filter =
            select.filter.as_ref().map(|e| self.expr(e)).transpose()?.map(crate::sql::lower::value::any_all::only_true);
        let below = self.keys_below(select.group_by.as_ref())?;
        let group_by = self.group_by(select.group_by.as_ref())?;
        let lowered = self.grouped_part(select, query, ir::Select { filter, group_by, ..ir::Select::default() });
        self.end_group();
        self.end_keys();
        let (mut lowered, columns, mut order_by) = lowered?;
        self.add_presence(&mut from);
        match below {
            None => lowered.from = from,
            Some(below) => put_below(below.parts(), from, &mut lowered, &mut order_by),
        }
        Ok((lowered, columns, order_by))
    }

    fn grouped_part(
        &mut self,
        select: &Select,
        query: &Query,
        mut lowered: ir::Select,
    ) -> Result<(ir::Select, Vec<Phys>, Vec<Order>)> {
        for (target, field) in select.targets.iter().zip(&query.columns) {
            let value = self.target(target)?;
            lowered.targets.push(self.output_column(value, field.ty)?);
        }
        if lowered.targets.is_empty() {
            // DuckDB has no SELECT of nothing; nobody looks at this column.
            lowered.targets.push(ir::Scalar::int4(1));
        }
        lowered.having = select.having.as_ref().map(|e| self.expr(e)).transpose()?;
        lowered.qualify = select.qualify.as_ref().map(|e| self.expr(e)).transpose()?;
        let columns = lowered.targets.iter().map(|t| t.phys.clone()).collect();
        match &select.distinct {
            Distinct::All => {}
            Distinct::Distinct => self.distinct(&mut lowered)?,
            // PostgreSQL makes a set's rows after it has chosen, unless a set is what it chooses by.
            Distinct::On(_) if super::returns_sets(query) => {
                return Err(Error::unsupported("a set-returning function in SELECT DISTINCT ON")
                    .hint("Put the query into FROM, and the function around it."));
            }
            Distinct::On(exprs) => lowered.distinct_on = self.distinct_on(exprs, &lowered.targets)?,
        }
        let trees = select.targets.as_slice();
        let order_by = self.order_by(&query.order_by, (trees, &lowered.targets), query.output_rel)?;
        Ok((lowered, columns, order_by))
    }
}
