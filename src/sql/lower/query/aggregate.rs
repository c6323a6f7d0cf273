//! Aggregates: DuckDB's, with PostgreSQL's result types.
//!
//! `avg(l_quantity)` → `dg_numeric_div(CAST(sum(…) AS VARCHAR), CAST(count(…) AS VARCHAR))`: one call a group,
//! `sum(int4)` → `CAST(sum(…) AS BIGINT)`, `min(numeric text)` → `arg_min(x, dg_numeric_key(x))`

use crate::error::{Error, Result, SqlState};
use crate::facts::Proc;
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::{self, Node, Order, Over, Scalar};
use crate::sql::lower::value::compare::kept_whole;
use crate::sql::lower::value::numeric::decimal;
use crate::sql::signatures::{self, How};
use crate::tree::{self, ExprKind, SortKey};
use crate::types::{PgType, Phys, Value, oid};

/// What an aggregate or window call has beside its function and arguments.
#[derive(Clone)]
pub(crate) struct Clauses {
    pub distinct: bool,
    pub order_by: Vec<Order>,
    pub filter: Option<Scalar>,
    pub over: Option<Over>,
}

impl Clauses {
    pub(crate) fn call(&self, name: &'static str, args: Vec<Scalar>, phys: Phys) -> Scalar {
        let mut over = self.over.clone();
        if let Some(over) = over.as_mut().filter(|_| name.starts_with("dg_")) {
            over.vary();
        }
        let aggregate = ir::Aggregate {
            name,
            args,
            distinct: self.distinct,
            order_by: self.order_by.clone(),
            filter: self.filter.clone(),
            over,
        };
        Scalar::new(Node::Aggregate(Box::new(aggregate)), phys)
    }

    pub(crate) fn filtered(&self, test: Scalar) -> Self {
        let mut parts: Vec<Scalar> = self.filter.iter().cloned().collect();
        parts.push(test);
        Self { filter: Scalar::and(parts), ..self.clone() }
    }
}

impl Lowerer<'_> {
    pub(crate) fn aggregate(&mut self, aggregate: &tree::Aggregate, ty: PgType) -> Result<Scalar> {
        // Inside an aggregate a grouping expression is itself.
        let outside = self.grouped.pop();
        let lowered = self.over_rows(|this| this.aggregate_inside(aggregate, ty));
        self.grouped.extend(outside);
        lowered
    }

    fn aggregate_inside(&mut self, aggregate: &tree::Aggregate, ty: PgType) -> Result<Scalar> {
        let args = self.exprs(&aggregate.args)?;
        let filter = aggregate.filter.as_ref().map(|f| self.expr(f)).transpose()?;
        if aggregate.func.agg_kind == b'o' {
            return self.ordered_set(aggregate, filter, ty);
        }
        if aggregate.func.agg_kind == b'h' {
            return self.hypothetical(aggregate, filter, ty);
        }
        let args = guarded_all(filter.as_ref(), args);
        // By a constant nothing is sorted, and DuckDB says so by an error.
        let keys: Vec<SortKey> = aggregate.order_by.iter().filter(|key| !is_constant(&key.expr)).cloned().collect();
        let mut order_by = self.sort_keys(&keys)?;
        if aggregate.distinct && matches!(aggregate.func.name, "array_agg" | "string_agg") {
            // PostgreSQL finds what is distinct by sorting.
            if order_by.is_empty() {
                let arg = args[0].clone();
                let key = ir::OrderKey::Scalar(self.sort_key(arg)?);
                order_by.push(Order { key, descending: false, nulls_first: false });
            }
        }
        let clauses = Clauses { distinct: aggregate.distinct, order_by, filter, over: None };
        if aggregate.star {
            return Ok(clauses.call("count", vec![Scalar::text("*", Phys::Void)], Phys::Int8));
        }
        self.aggregate_call(aggregate.func, args, &clauses, &aggregate.args, ty)
    }

    /// Sort keys as DuckDB sorts by them.
    pub(crate) fn sort_keys(&mut self, keys: &[SortKey]) -> Result<Vec<Order>> {
        keys.iter()
            .map(|key| {
                let value = self.expr(&key.expr)?;
                let value = if key.expr.ty.oid == oid::JSONB { jsonb_key(value) } else { self.sort_key(value)? };
                Ok(Order { key: ir::OrderKey::Scalar(value), descending: key.descending, nulls_first: key.nulls_first })
            })
            .collect()
    }

    /// One aggregate function, plain or over a window.
    pub(crate) fn aggregate_call(
        &mut self,
        func: &'static Proc,
        mut args: Vec<Scalar>,
        clauses: &Clauses,
        trees: &[tree::Expr],
        ty: PgType,
    ) -> Result<Scalar> {
        let Some(entry) = signatures::entry(func) else {
            return Err(Error::unsupported(format!("aggregate {}", signatures::signature(func))));
        };
        // Those of JSON write every shape; the other special ones take no arrays.
        let known = matches!(func.name, "array_agg" | "count" | "min" | "max");
        if !known && !matches!(entry.how, How::Special) {
            args = self.plain_arguments(func, args)?;
        }
        let name = match entry.how {
            How::Aggregate(name) => name,
            How::Refused(reason) => {
                return Err(Error::unsupported(format!("aggregate {}", signatures::signature(func))).hint(reason));
            }
            How::Special => return self.special_aggregate(func, args, clauses, trees, ty),
            How::Native(name) => {
                let args = args.into_iter().map(|a| self.native_argument(a, func)).collect();
                return Ok(clauses.call(name, args, self.phys(PgType::new(ty.oid))?));
            }
            How::Template(_) | How::When(..) | How::SessionNative(_) => {
                return Err(Error::unsupported(format!("aggregate {}", signatures::signature(func))));
            }
        };
        if name == "list" {
            args = args.into_iter().map(|a| self.settle(a)).collect();
            let element = args.first().map_or(Phys::Void, |a| a.phys.clone());
            self.refuse_distinct(clauses, &element)?;
            let arrays = element.array_element().is_some();
            let list = clauses.call(name, args, Phys::List(Box::new(element)));
            return if arrays { self.nest(list, crate::sql::lower::value::shaped::Nest::Gathered) } else { Ok(list) };
        }
        let phys = self.phys(PgType::new(ty.oid))?;
        let value = clauses.call(name, args.clone(), Phys::Void);
        // Polymorphic ones give what they take.
        let same = crate::sql::lower::value::call::is_polymorphic(func.result)
            || matches!(name, "min" | "max" | "first" | "last");
        match args.first() {
            Some(arg)
                if matches!(name, "min" | "max")
                    && matches!(arg.phys, Phys::Padded | Phys::Interval | Phys::Citext | Phys::TimeTz) =>
            {
                let key = self.sort_key(arg.clone())?;
                let clauses = Clauses { distinct: false, order_by: Vec::new(), ..clauses.clone() };
                let name = if name == "min" { "arg_min" } else { "arg_max" };
                Ok(clauses.call(name, vec![arg.clone(), key], arg.phys.clone()))
            }
            Some(arg) if same && arg.phys.needs_key() => {
                Err(Error::unsupported(format!("aggregate {} of this type", func.name)))
            }
            Some(arg) if same && crate::sql::lower::value::shaped::is_shaped(&arg.phys) => {
                Ok(Scalar { phys: arg.phys.clone(), ..value })
            }
            Some(arg) if same && matches!(arg.phys, Phys::Char(_)) => Ok(Scalar { phys: arg.phys.clone(), ..value }),
            Some(arg) if same => Ok(Scalar { phys: arg.phys.clone(), ..value }.cast(phys)),
            _ => Ok(Scalar::new(Node::Cast(Box::new(value)), phys)),
        }
    }

    /// Our natives take numbers as decimal text, integers too.
    fn native_argument(&self, arg: Scalar, func: &Proc) -> Scalar {
        let integer = matches!(func.args.first(), Some(&(oid::INT2 | oid::INT4 | oid::INT8)));
        match decimal(&arg.phys) {
            Some(_) => self.to_text(arg),
            None if integer => Scalar { phys: Phys::Numeric, ..arg.cast(Phys::Text) },
            None => arg,
        }
    }

    fn refuse_distinct(&self, clauses: &Clauses, phys: &Phys) -> Result<()> {
        if clauses.distinct && *phys == Phys::Interval {
            return Err(Error::unsupported("DISTINCT in this aggregate of intervals")
                .hint("Aggregate over a subquery with SELECT DISTINCT."));
        }
        if clauses.distinct && phys.needs_key() {
            return Err(Error::unsupported(
                "DISTINCT in this aggregate of numeric without precision, of jsonb and kin",
            )
            .hint("Cast the argument to numeric with precision and scale."));
        }
        Ok(())
    }

    /// Aggregates whose type or meaning is another in DuckDB.
    fn special_aggregate(
        &mut self,
        func: &'static Proc,
        mut args: Vec<Scalar>,
        clauses: &Clauses,
        trees: &[tree::Expr],
        ty: PgType,
    ) -> Result<Scalar> {
        let unknown = || Error::unsupported(format!("aggregate {}", signatures::signature(func)));
        if func.name == "string_agg" {
            return self.string_agg(args, clauses, trees);
        }
        if let Some(value) = self.json_aggregate(func, &args, clauses, trees)? {
            return Ok(value);
        }
        let arg = kept_whole(args.pop().ok_or_else(unknown)?);
        match (func.name, func.args.first().copied().unwrap_or(0)) {
            ("count", _) => {
                let key = if clauses.distinct { self.sort_key(arg)? } else { Scalar { dscale: None, ..arg } };
                Ok(clauses.call("count", vec![key], Phys::Int8))
            }
            ("sum", oid::INT2 | oid::INT4) => Ok(clauses.call("sum", vec![arg], Phys::Void).cast(Phys::Int8)),
            ("sum", oid::INT8) => Ok(clauses.call("sum", vec![arg], Phys::Void).cast(WIDE_INTEGER)),
            ("sum" | "avg", oid::FLOAT4 | oid::FLOAT8) => {
                let phys = self.phys(PgType::new(ty.oid))?;
                let name: &'static str = match (self.decimals, func.name) {
                    (crate::sql::lower::Decimals::Fast, "sum") => "sum",
                    (crate::sql::lower::Decimals::Fast, _) => "avg",
                    (crate::sql::lower::Decimals::Wide, "sum") => "dg_float8_sum",
                    (crate::sql::lower::Decimals::Wide, _) => "dg_float8_avg",
                };
                let far = (name == "avg" && arg.phys == Phys::Float8 && !arg.weight().1).then(|| {
                    let size =
                        Scalar::template("CASE WHEN isfinite({0}) THEN abs({0}) END", vec![arg.clone()], Phys::Float8);
                    clauses.call("max", vec![size], Phys::Float8)
                });
                let sum = clauses.call(name, vec![arg], Phys::Void);
                let sum = Scalar::new(Node::Cast(Box::new(sum)), phys.clone());
                if self.decimals == crate::sql::lower::Decimals::Wide {
                    return Ok(sum);
                }
                // Infinity comes of infinite values, or of an overflow: ours tells the two apart.
                let error = crate::sql::lower::value::raise::raise_message(
                    SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
                    FLOAT_OVERFLOW,
                    &phys,
                );
                // PostgreSQL's avg() sums squares, too (float8_accum): these overflow for far smaller values.
                let (text, args) = match far {
                    Some(far) => ("CASE WHEN isinf({0}) OR {2} > 1e140 THEN {1} ELSE {0} END", vec![sum, error, far]),
                    None => ("CASE WHEN isinf({0}) THEN {1} ELSE {0} END", vec![sum, error]),
                };
                Ok(Scalar::template(text, args, phys))
            }
            ("sum", oid::NUMERIC) => self.sum_numeric(arg, clauses),
            // What is drawn is drawn once for both.
            ("avg", oid::INT2 | oid::INT4 | oid::INT8) if arg.weight().1 => {
                let element = arg.phys.clone();
                let all = clauses.call("list", vec![arg], Phys::List(Box::new(element)));
                let text = "CAST(list_sum(CAST({0} AS HUGEINT[])) AS VARCHAR)";
                let sum = Scalar::template(text, vec![all.clone()], Phys::Numeric);
                Ok(average(sum, Scalar::template("list_count({0})", vec![all], Phys::Int8)))
            }
            ("avg", oid::INT2 | oid::INT4 | oid::INT8) => {
                let sum = clauses.call("sum", vec![arg.clone()], Phys::Void).cast(Phys::Text);
                Ok(average(Scalar { phys: Phys::Numeric, ..sum }, clauses.call("count", vec![arg], Phys::Int8)))
            }
            ("avg", oid::NUMERIC) => {
                let sum = self.sum_numeric(arg.clone(), clauses)?;
                let arg = Scalar { dscale: None, ..arg };
                Ok(average(self.to_text(sum), clauses.call("count", vec![arg], Phys::Int8)))
            }
            ("min" | "max", oid::NUMERIC) => {
                let arg = self.settle(arg);
                if decimal(&arg.phys).is_some() || arg.phys == Phys::Void {
                    let phys = arg.phys.clone();
                    return Ok(clauses.call(func.name, vec![arg], phys));
                }
                if arg.weight().1 {
                    return self.extreme_of_drawn(func.name, arg, clauses);
                }
                let name = if func.name == "min" { "arg_min" } else { "arg_max" };
                let key = self.numeric_key(arg.clone());
                // The extreme of a set does not change with its duplicates.
                let clauses = Clauses { distinct: false, order_by: Vec::new(), ..clauses.clone() };
                Ok(clauses.call(name, vec![arg, key], Phys::Numeric))
            }
            ("range_agg" | "range_intersect_agg", _) => {
                let phys = self.phys(PgType::new(ty.oid))?;
                let present = Clauses { distinct: false, ..clauses.filtered(arg.clone().is_not_null()) };
                let list = Phys::List(Box::new(arg.phys.clone()));
                let native = if func.name == "range_agg" { "dg_multirange_make" } else { "dg_range_intersect_all" };
                Ok(Scalar::call(native, vec![present.call("list", vec![arg], list)], phys))
            }
            ("sum" | "avg", oid::INTERVAL) => {
                let phys = self.phys(ty)?;
                let name = if func.name == "avg" { "dg_interval_avg" } else { "dg_interval_sum" };
                Ok(clauses.call(name, vec![arg.cast(Phys::Interval)], phys))
            }
            _ => Err(unknown()),
        }
    }

    /// min() or max() of numeric text that is drawn: computed once, and kept beside its key.
    fn extreme_of_drawn(&mut self, name: &'static str, arg: Scalar, clauses: &Clauses) -> Result<Scalar> {
        let variable = self.variable();
        let arg = self.settle(arg);
        let value = Scalar::new(Node::Variable(variable), arg.phys.clone());
        let pair = "CASE WHEN {0} IS NOT NULL THEN struct_pack(k := {1}, v := {0}) END";
        let pair = Scalar::template(pair, vec![value.clone(), self.numeric_key(value)], Phys::Void);
        let clauses = Clauses { distinct: false, order_by: Vec::new(), ..clauses.clone() };
        let extreme = clauses.call(name, vec![ir::bound(variable, arg, pair)], Phys::Void);
        Ok(Scalar::template("struct_extract({0}, 'v')", vec![extreme], Phys::Numeric))
    }

    fn sum_numeric(&mut self, arg: Scalar, clauses: &Clauses) -> Result<Scalar> {
        let Some((_, scale)) = decimal(&arg.phys) else {
            if arg.phys == Phys::Void {
                return Ok(clauses.call("sum", vec![arg.cast(WIDE_INTEGER)], WIDE_INTEGER));
            }
            self.refuse_distinct(clauses, &arg.phys)?;
            return Ok(clauses.call("dg_numeric_sum", vec![arg], Phys::Numeric));
        };
        let dscale = arg.dscale.clone().map(|scale| {
            let present = clauses.filtered(Scalar { dscale: None, ..arg.clone() }.is_not_null());
            let present = Clauses { distinct: false, order_by: Vec::new(), ..present };
            Box::new(present.call("max", vec![*scale], Phys::Int4))
        });
        let arg = Scalar { dscale: None, ..arg };
        let sum = clauses.call("sum", vec![arg], Phys::Decimal { precision: 38, scale });
        Ok(Scalar { dscale, ..sum })
    }

    /// Of bytes: each after its delimiter, as hexadecimal text, without the first one's delimiter.
    fn bytea_agg(&mut self, args: Vec<Scalar>, clauses: &Clauses) -> Result<Scalar> {
        if clauses.distinct || clauses.over.is_some() {
            return Err(Error::unsupported("string_agg of bytea with DISTINCT or OVER"));
        }
        let mut hex = args.into_iter().map(|a| Scalar::template("coalesce(hex({0}), '')", vec![a], Phys::Text));
        let (Some(value), Some(delimiter)) = (hex.next(), hex.next()) else {
            return Err(Error::internal("lower: string_agg of nothing"));
        };
        let Node::Template { args: bytes, .. } = &value.node else {
            return Err(Error::internal("lower: string_agg of nothing"));
        };
        let clauses = clauses.filtered(bytes[0].clone().is_not_null());
        let pair = Scalar::template("({0} || {1})", vec![delimiter.clone(), value], Phys::Text);
        let all = clauses.call("string_agg", vec![pair, Scalar::literal("", Phys::Text)], Phys::Text);
        let first = clauses.call("first", vec![delimiter], Phys::Text);
        Ok(Scalar::template("unhex(substring({0}, length({1}) + 1))", vec![all, first], Phys::Bytea))
    }

    fn string_agg(&mut self, args: Vec<Scalar>, clauses: &Clauses, trees: &[tree::Expr]) -> Result<Scalar> {
        if args.first().is_some_and(|a| a.phys == Phys::Bytea) {
            return self.bytea_agg(args, clauses);
        }
        match trees.get(1).map(|t| &t.kind) {
            Some(ExprKind::Const(Value::Text(_))) => Ok(clauses.call("string_agg", args, Phys::Text)),
            Some(ExprKind::Const(Value::Null)) => {
                let mut args = args;
                args.truncate(1);
                args.push(Scalar::literal("", Phys::Text));
                Ok(clauses.call("string_agg", args, Phys::Text))
            }
            _ if clauses.distinct || clauses.over.is_some() => {
                Err(Error::unsupported("string_agg with a delimiter that is not a constant, and DISTINCT or OVER"))
            }
            _ => {
                // Each value after its own delimiter, without the first one's.
                let mut args = args.into_iter();
                let (Some(value), Some(delimiter)) = (args.next(), args.next()) else {
                    return Err(Error::internal("lower: string_agg of nothing"));
                };
                let clauses = clauses.filtered(value.clone().is_not_null());
                let delimiter = Scalar::template("coalesce({0}, '')", vec![delimiter], Phys::Text);
                let pair = Scalar::template("({0} || {1})", vec![delimiter.clone(), value], Phys::Text);
                let all = clauses.call("string_agg", vec![pair, Scalar::literal("", Phys::Text)], Phys::Text);
                let first = clauses.call("first", vec![delimiter], Phys::Text);
                Ok(Scalar::template("substring({0}, length({1}) + 1)", vec![all, first], Phys::Text))
            }
        }
    }
}

/// Arguments as PostgreSQL computes them: of the rows that pass the filter only.
pub(crate) fn guarded_all(filter: Option<&Scalar>, args: Vec<Scalar>) -> Vec<Scalar> {
    match filter {
        Some(filter) => args.into_iter().map(|arg| guarded(filter, arg)).collect(),
        None => args,
    }
}

/// An argument that could fail, for the rows that pass a filter.
pub(crate) fn guarded(filter: &Scalar, arg: Scalar) -> Scalar {
    if arg.is_cheap() || arg.dscale.is_some() || matches!(arg.phys, Phys::Void) || filter.weight().1 {
        return arg;
    }
    let phys = arg.phys.clone();
    Scalar::new(Node::Case { whens: vec![(filter.clone(), arg)], otherwise: None }, phys)
}

/// What a sum of float8 that left the range says; the session then tries again with [`crate::sql::lower::Decimals::Wide`].
const FLOAT_OVERFLOW: &str = "value out of range: overflow";

fn is_constant(expr: &tree::Expr) -> bool {
    match &expr.kind {
        tree::ExprKind::Const(_) => true,
        tree::ExprKind::Cast { arg, .. } | tree::ExprKind::Collate { arg, .. } => is_constant(arg),
        _ => false,
    }
}

/// jsonb has an order of its own.
pub(crate) fn jsonb_key(value: Scalar) -> Scalar {
    Scalar::call("dg_jsonb_key", vec![value], Phys::Bytea)
}

/// sum(int8)'s type.
const WIDE_INTEGER: Phys = Phys::Decimal { precision: 38, scale: 0 };

fn average(sum: Scalar, count: Scalar) -> Scalar {
    let count = count.cast(Phys::Text);
    // count is 0 only where sum is NULL, and a NULL argument gives NULL before the division.
    Scalar::call("dg_numeric_div", vec![sum, Scalar { phys: Phys::Numeric, ..count }], Phys::Numeric)
}
