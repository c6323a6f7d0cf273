//! Ordered-set aggregates, and hypothetical-set ones.
//!
//! `percentile_disc(f) WITHIN GROUP (ORDER BY a)` → `list(a ORDER BY a)[greatest(ceil(f * len), 1)]`,
//! `mode() WITHIN GROUP (ORDER BY a)` → the most frequent key of `histogram(a)`,
//! `rank(3) WITHIN GROUP (ORDER BY a)` → `1 + count(*) FILTER (WHERE a sorts before 3)`

use crate::error::{Error, Result, SqlState};
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::{Node, Order, OrderKey, Scalar, Variable, template};
use crate::sql::signatures;
use crate::tree::{self, Expr, SortKey};
use crate::types::{PgType, Phys, oid};

use super::aggregate::Clauses;

fn plain(filter: Option<Scalar>) -> Clauses {
    Clauses { distinct: false, order_by: Vec::new(), filter, over: None }
}

impl Lowerer<'_> {
    /// percentile_cont, percentile_disc, mode.
    pub(crate) fn ordered_set(
        &mut self,
        aggregate: &tree::Aggregate,
        filter: Option<Scalar>,
        ty: PgType,
    ) -> Result<Scalar> {
        let unknown = || Error::unsupported(format!("aggregate {}", signatures::signature(aggregate.func)));
        // Types that DuckDB sorts otherwise.
        if aggregate.order_by.iter().any(|key| matches!(key.expr.ty.oid, oid::JSONB | oid::TIMETZ)) {
            return Err(Error::unsupported(format!("aggregate {} of this type", aggregate.func.name)));
        }
        match (aggregate.func.name, aggregate.args.as_slice(), aggregate.order_by.as_slice()) {
            ("percentile_cont" | "percentile_disc", [fraction], [key]) => {
                if let Some(value) = crate::sql::lower::value::constant::const_float(fraction)
                    && let Some(value) = self.quantile(aggregate.func.name, value, key, filter.clone(), ty)?
                {
                    return Ok(value);
                }
                self.percentile(aggregate.func.name, fraction, key, filter, ty)
            }
            ("mode", [], [key]) => self.mode(key, filter),
            _ => Err(unknown()),
        }
    }

    /// A constant fraction: DuckDB's own aggregate.
    fn quantile(
        &mut self,
        name: &str,
        value: f64,
        key: &SortKey,
        filter: Option<Scalar>,
        ty: PgType,
    ) -> Result<Option<Scalar>> {
        if !(0.0..=1.0).contains(&value) {
            let message = format!("percentile value {value} is not between 0 and 1");
            return Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message));
        }
        let name = if name == "percentile_cont" { "quantile_cont" } else { "quantile_disc" };
        // DuckDB counts a negative fraction from the top.
        let value = match (key.descending, value == 0.0) {
            (false, _) => value,
            (true, true) => 1.0,
            (true, false) => -value,
        };
        let arg = self.expr(&key.expr)?;
        let arg = self.settle(arg);
        if arg.phys.needs_key() || arg.phys == Phys::Interval {
            return Ok(None);
        }
        let phys = if name == "quantile_disc" { arg.phys.clone() } else { self.phys(ty)? };
        let fraction = Scalar::literal(format!("{value:?}"), Phys::Text).cast(Phys::Float8);
        let value = plain(filter).call(name, vec![arg, fraction], Phys::Void);
        Ok(Some(value.cast(phys)))
    }

    /// Any fraction, or an array of them, over the group's values as a sorted list.
    fn percentile(
        &mut self,
        name: &str,
        fraction: &Expr,
        key: &SortKey,
        filter: Option<Scalar>,
        ty: PgType,
    ) -> Result<Scalar> {
        let arg = self.expr(&key.expr)?;
        let arg = self.settle(arg);
        if name == "percentile_cont" && arg.phys == Phys::Interval {
            return Err(Error::unsupported("percentile_cont of intervals"));
        }
        let sorted = self.sort_key(arg.clone())?;
        let order = Order { key: OrderKey::Scalar(sorted), descending: key.descending, nulls_first: key.nulls_first };
        let mut clauses = plain(filter);
        clauses.order_by = vec![order];
        let clauses = clauses.filtered(arg.clone().is_not_null());
        let list = clauses.call("list", vec![arg.clone()], Phys::List(Box::new(arg.phys.clone())));
        let fraction = self.expr(fraction)?;
        if crate::sql::lower::value::shaped::is_shaped(&fraction.phys) {
            return Err(Error::unsupported("an array of fractions of more than one dimension"));
        }
        let element = match (name, self.phys(ty)?) {
            ("percentile_disc", _) => arg.phys.clone(),
            (_, Phys::List(element)) => *element,
            (_, phys) => phys,
        };
        let of_one = if name == "percentile_disc" {
            "{0}[greatest(CAST(ceil({1} * len({0})) AS BIGINT), 1)]"
        } else {
            "({0}[CAST(floor({1} * (len({0}) - 1)) AS BIGINT) + 1] \
             + ({0}[CAST(ceil({1} * (len({0}) - 1)) AS BIGINT) + 1] - {0}[CAST(floor({1} * (len({0}) - 1)) AS BIGINT) + 1]) \
             * ({1} * (len({0}) - 1) - floor({1} * (len({0}) - 1))))"
        };
        let message = "percentile value is not between 0 and 1";
        let error =
            crate::sql::lower::value::raise::raise_message(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message, &element);
        let many = matches!(fraction.phys, Phys::List(_));
        self.made += 2;
        let (sorted, asked) = (Variable(self.made - 1), Variable(self.made));
        let variable = |name: Variable, phys: Phys| Scalar::new(Node::Variable(name), phys);
        let text = template!(
            "CASE WHEN {1} IS NULL OR len({0}) = 0 THEN NULL WHEN NOT ({1} >= 0 AND {1} <= 1) THEN {2} ELSE ",
            of_one,
            " END"
        );
        let args = vec![variable(sorted, list.phys.clone()), variable(asked, Phys::Float8), error];
        let one = Scalar::template(text, args, element.clone());
        let fractions = match many {
            true => fraction,
            false => Scalar::template("[{0}]", vec![fraction], Phys::List(Box::new(Phys::Float8))),
        };
        // No row, no result; an array of fractions gives an array.
        let text = template!(
            "(list_transform([{0}], lambda ",
            sorted,
            ": CASE WHEN ",
            sorted,
            " IS NULL THEN NULL ELSE (list_transform({1}, lambda ",
            asked,
            ": {2}))",
            if many { "" } else { "[1]" },
            " END))[1]"
        );
        let phys = if many { Phys::List(Box::new(element)) } else { element };
        Ok(Scalar::template(text, vec![list, fractions, one], phys))
    }

    fn mode(&mut self, key: &SortKey, filter: Option<Scalar>) -> Result<Scalar> {
        let arg = self.expr(&key.expr)?;
        let arg = self.settle(arg);
        if arg.phys.needs_key() || matches!(arg.phys, Phys::List(_) | Phys::Row(_)) {
            return Err(Error::unsupported("aggregate mode of this type"));
        }
        let phys = arg.phys.clone();
        // The map's keys are sorted: among equals the first in the order wins. NaN would have no place among bare floats.
        let boxed = matches!(phys, Phys::Float4 | Phys::Float8) && !arg.weight().1;
        let arg = match boxed {
            true => Scalar::template("CASE WHEN {0} IS NOT NULL THEN struct_pack(v := {0}) END", vec![arg], Phys::Void),
            false => arg,
        };
        let map = plain(filter).call("histogram", vec![arg], Phys::Void);
        self.bind_once(map, |_, map| {
            let text = if key.descending {
                "list_reverse(map_keys({0}))[list_position(list_reverse(map_values({0})), list_max(map_values({0})))]"
            } else {
                "map_keys({0})[list_position(map_values({0}), list_max(map_values({0})))]"
            };
            let mode = Scalar::template(text, vec![map], phys.clone());
            Ok(if boxed { Scalar::template("struct_extract({0}, 'v')", vec![mode], phys) } else { mode })
        })
    }

    /// rank, dense_rank, percent_rank, cume_dist of a row that is not there.
    pub(crate) fn hypothetical(
        &mut self,
        aggregate: &tree::Aggregate,
        filter: Option<Scalar>,
        ty: PgType,
    ) -> Result<Scalar> {
        let mut before: Option<Scalar> = None;
        let mut equal: Option<Scalar> = None;
        let mut keys = Vec::new();
        for (direct, key) in aggregate.args.iter().zip(&aggregate.order_by).rev() {
            let (asked, have) = (self.expr(direct)?, self.expr(&key.expr)?);
            let (have, asked) = self.keys_of(have, asked)?;
            keys.push(have.clone());
            let (order, nulls) = (if key.descending { ">" } else { "<" }, if key.nulls_first { "" } else { "NOT " });
            let text = template!(
                "CASE WHEN {0} IS NULL THEN ({1} IS NOT NULL AND ",
                nulls,
                "TRUE) WHEN {1} IS NULL THEN NOT (",
                nulls,
                "TRUE) ELSE {0} ",
                order,
                " {1} END"
            );
            let first = Scalar::template(text, vec![have.clone(), asked.clone()], Phys::Bool);
            let same = Scalar::template("({0} IS NOT DISTINCT FROM {1})", vec![have, asked], Phys::Bool);
            before = Some(match before.take() {
                None => first,
                Some(rest) => Scalar::new(
                    Node::Or(vec![first, Scalar::new(Node::And(vec![same.clone(), rest]), Phys::Bool)]),
                    Phys::Bool,
                ),
            });
            equal = Some(match equal.take() {
                None => same,
                Some(rest) => Scalar::new(Node::And(vec![same, rest]), Phys::Bool),
            });
        }
        let (Some(before), Some(equal)) = (before, equal) else {
            return Err(Error::internal("lower: a hypothetical row without columns"));
        };
        let star = || vec![Scalar::text("*", Phys::Void)];
        let all = plain(filter);
        let ahead = all.filtered(before.clone());
        let rows = all.call("count", star(), Phys::Int8);
        let value = match aggregate.func.name {
            "rank" => Scalar::template("({0} + 1)", vec![ahead.call("count", star(), Phys::Int8)], Phys::Int8),
            "dense_rank" => {
                let row = self.row_of(keys)?;
                let distinct = Clauses { distinct: true, ..ahead };
                Scalar::template("({0} + 1)", vec![distinct.call("count", vec![row], Phys::Int8)], Phys::Int8)
            }
            "percent_rank" => {
                let text = "CASE WHEN {1} = 0 THEN CAST(0 AS DOUBLE) ELSE CAST({0} AS DOUBLE) / {1} END";
                Scalar::template(text, vec![ahead.call("count", star(), Phys::Int8), rows], Phys::Float8)
            }
            "cume_dist" => {
                let not_behind = Scalar::new(Node::Or(vec![before, equal]), Phys::Bool);
                let count = all.filtered(not_behind).call("count", star(), Phys::Int8);
                Scalar::template("(CAST({0} + 1 AS DOUBLE) / ({1} + 1))", vec![count, rows], Phys::Float8)
            }
            other => return Err(Error::unsupported(format!("hypothetical-set aggregate {other}"))),
        };
        Ok(value.cast(self.phys(ty)?))
    }
}
