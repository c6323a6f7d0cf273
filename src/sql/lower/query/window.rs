//! Window functions, and aggregates over windows.
//!
//! `rank() OVER (PARTITION BY a ORDER BY b)` → `rank() OVER (PARTITION BY a ORDER BY b ASC NULLS LAST)`

use crate::error::{Error, Result, SqlState};
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::walk::{has, key_mut};
use crate::sql::lower::ir::{Node, Over, Piece, Scalar, Template};
use crate::sql::signatures::{self, How};
use crate::tree::{self, FrameBound, FrameExclude, FrameUnits};
use crate::types::{PgType, Phys, oid};

use super::aggregate::{Clauses, guarded_all};

/// No window has as many rows.
const FARTHEST: i64 = 1 << 60;

impl Lowerer<'_> {
    pub(crate) fn window(&mut self, window: &tree::Window, ty: PgType) -> Result<Scalar> {
        self.over_rows(|this| this.window_inside(window, ty))
    }

    fn window_inside(&mut self, window: &tree::Window, ty: PgType) -> Result<Scalar> {
        let args = self.exprs(&window.args)?;
        let filter = window.filter.as_ref().map(|f| self.expr(f)).transpose()?;
        let over = self.over(&window.spec)?;
        let clauses = Clauses { distinct: false, order_by: Vec::new(), filter, over: Some(over) };
        if window.star {
            return Ok(clauses.call("count", vec![Scalar::text("*", Phys::Void)], Phys::Int8));
        }
        if window.func.kind == b'a' {
            let args = guarded_all(clauses.filter.as_ref(), args);
            return self.aggregate_call(window.func, args, &clauses, &window.args, ty);
        }
        self.window_function(window, args, &clauses, ty)
    }

    fn window_function(
        &mut self,
        window: &tree::Window,
        args: Vec<Scalar>,
        clauses: &Clauses,
        ty: PgType,
    ) -> Result<Scalar> {
        let func = window.func;
        let unknown = || Error::unsupported(format!("window function {}", signatures::signature(func)));
        let name = match signatures::entry(func).map(|e| e.how) {
            Some(How::Aggregate(name)) => name,
            Some(How::Special) => func.name,
            _ => return Err(unknown()),
        };
        let args: Vec<Scalar> = args.into_iter().map(|a| self.settle(a)).collect();
        match (name, args.as_slice()) {
            ("lag" | "lead" | "first_value" | "last_value" | "nth_value", [value, rest @ ..]) => {
                let (value, phys, rest) = match rest {
                    [offset, default] => {
                        let (mut met, phys) = self.meet(vec![value.clone(), default.clone()], false)?;
                        let default = met.pop().ok_or_else(unknown)?;
                        let value = met.pop().ok_or_else(unknown)?;
                        (value, phys, vec![offset.clone(), default])
                    }
                    rest => (value.clone(), value.phys.clone(), rest.to_vec()),
                };
                let mut all = vec![value];
                all.extend(rest);
                if name == "nth_value" {
                    check_position(&mut all);
                }
                Ok(clauses.call(name, all, phys))
            }
            ("ntile", [buckets]) if has(buckets, &varies) => Ok(ntile_of_first(buckets.clone(), clauses)),
            ("ntile", [_]) => {
                let mut args = args;
                check_buckets(&mut args);
                Ok(clauses.call(name, args, Phys::Int8).cast(Phys::Int4))
            }
            ("row_number" | "rank" | "dense_rank" | "percent_rank" | "cume_dist", []) => {
                let phys = self.phys(ty)?;
                Ok(clauses.call(name, args, phys))
            }
            _ => Err(unknown()),
        }
    }

    fn over(&mut self, spec: &tree::WindowSpec) -> Result<Over> {
        for e in spec.partition_by.iter().chain(spec.order_by.iter().map(|key| &key.expr)) {
            // PostgreSQL multiplies the rows below the window; DuckDB has no such place.
            if crate::sql::lower::steer::lift::has_sets(e) {
                return Err(Error::unsupported("a set-returning function in the definition of a window")
                    .hint("Compute it in a subquery in FROM.")
                    .at(e.pos));
            }
        }
        let mut partition_by = Vec::with_capacity(spec.partition_by.len());
        for e in &spec.partition_by {
            let value = self.expr(e)?;
            partition_by.push(self.sort_key(value)?);
        }
        let mut order_by = self.sort_keys(&spec.order_by)?;
        let Some(frame) = &spec.frame else { return Ok(Over { partition_by, order_by, frame: None }) };
        let offset = |bound| matches!(bound, &FrameBound::Preceding(_) | &FrameBound::Following(_));
        if frame.units == FrameUnits::Range
            && (offset(&frame.start) || offset(&frame.end))
            && let Some(key) = order_by.first_mut().and_then(key_mut).filter(|key| is_integer(&key.phys))
        {
            *key = wider(key.clone());
        }
        let units = match frame.units {
            FrameUnits::Rows => "ROWS",
            FrameUnits::Range => "RANGE",
            FrameUnits::Groups => "GROUPS",
        };
        let mut args = Vec::new();
        let start = self.bound(&frame.start, "starting", (frame.units, spec), &mut args)?;
        let end = self.bound(&frame.end, "ending", (frame.units, spec), &mut args)?;
        let exclude = match frame.exclude {
            FrameExclude::NoOthers => "",
            FrameExclude::CurrentRow => " EXCLUDE CURRENT ROW",
            FrameExclude::Group => " EXCLUDE GROUP",
            FrameExclude::Ties => " EXCLUDE TIES",
        };
        let mut text = vec![units.into(), Piece::Word(" BETWEEN ")];
        text.extend(start);
        text.push(Piece::Word(" AND "));
        text.extend(end);
        text.push(exclude.into());
        Ok(Over { partition_by, order_by, frame: Some((Template::of(&text), args)) })
    }

    fn bound(
        &mut self,
        bound: &FrameBound,
        side: &str,
        (units, spec): (FrameUnits, &tree::WindowSpec),
        args: &mut Vec<Scalar>,
    ) -> Result<Vec<Piece>> {
        let (offset, word) = match bound {
            FrameBound::UnboundedPreceding => return Ok(vec![Piece::Word("UNBOUNDED PRECEDING")]),
            FrameBound::CurrentRow => return Ok(vec![Piece::Word("CURRENT ROW")]),
            FrameBound::UnboundedFollowing => return Ok(vec![Piece::Word("UNBOUNDED FOLLOWING")]),
            FrameBound::Preceding(offset) => (offset, "PRECEDING"),
            FrameBound::Following(offset) => (offset, "FOLLOWING"),
        };
        match spec.order_by.first().filter(|_| units == FrameUnits::Range).map(|key| key.expr.ty.oid) {
            Some(oid::NUMERIC) => return Err(Error::unsupported("RANGE with an offset over numeric")),
            // PostgreSQL adds the interval's hours alone and goes beyond midnight; DuckDB begins the day anew.
            Some(oid::TIME | oid::TIMETZ) => {
                return Err(Error::unsupported("RANGE with an offset over a time of day")
                    .hint("Order by the time as an interval (t::interval), or by its seconds."));
            }
            Some(_) | None => {}
        }
        let value = self.expr(offset)?;
        let error = |message: &str| {
            crate::sql::lower::value::raise::raise_message(
                SqlState::INVALID_PRECEDING_OR_FOLLOWING_SIZE,
                message,
                &value.phys,
            )
        };
        let null = || {
            let message = format!("frame {side} offset must not be null");
            crate::sql::lower::value::raise::raise_message(SqlState::NULL_VALUE_NOT_ALLOWED, &message, &value.phys)
        };
        let value = match (&value.node, &value.phys) {
            (Node::Cast(inner), Phys::Int2 | Phys::Int4 | Phys::Int8) if matches!(&inner.node, Node::Text(t) if t.parse::<i64>().is_ok_and(|n| (0..FARTHEST).contains(&n))) => {
                value
            }
            (_, Phys::Int2 | Phys::Int4 | Phys::Int8) => {
                let (null, negative) = (null(), error(&format!("frame {side} offset must not be negative")));
                let phys = value.phys.clone();
                let text = "CASE WHEN {0} IS NULL THEN {1} WHEN {0} < 0 THEN {2} ELSE {0} END";
                let checked = Scalar::template(text, vec![value.clone(), null, negative], phys.clone());
                match (&phys, units) {
                    // DuckDB adds it to the row's number, which overflows.
                    (Phys::Int8, FrameUnits::Rows | FrameUnits::Groups) => {
                        let text = Template::of(&["LEAST({0}, ".into(), FARTHEST.into(), ")".into()]);
                        Scalar::template(text, vec![checked], phys)
                    }
                    _ => checked,
                }
            }
            _ => {
                let phys = value.phys.clone();
                let null = null();
                let wrong = error("invalid preceding or following size in window function");
                let infinite = "RANGE with an infinite offset is not supported";
                let infinite =
                    crate::sql::lower::value::raise::raise_message(SqlState::FEATURE_NOT_SUPPORTED, infinite, &phys);
                let text = match phys {
                    Phys::Float4 | Phys::Float8 => {
                        "CASE WHEN {0} IS NULL THEN {1} WHEN isnan({0}) OR {0} < 0 THEN {2} WHEN isinf({0}) THEN {3} ELSE {0} END"
                    }
                    Phys::Interval => {
                        "CASE WHEN {0} IS NULL THEN {1} WHEN {0} < INTERVAL '0' SECOND THEN {2} ELSE {0} END"
                    }
                    _ => "CASE WHEN {0} IS NULL THEN {1} ELSE {0} END",
                };
                Scalar::template(text, vec![value.clone(), null, wrong, infinite], phys)
            }
        };
        args.push(if units == FrameUnits::Range && is_integer(&value.phys) { wider(value) } else { value });
        Ok(vec!["{".into(), (args.len() - 1).into(), "} ".into(), word.into()])
    }
}

fn is_integer(phys: &Phys) -> bool {
    matches!(phys, Phys::Int2 | Phys::Int4 | Phys::Int8)
}

/// DuckDB adds the offset to the key, which may be beside the type's end.
fn wider(value: Scalar) -> Scalar {
    let phys = value.phys.clone();
    Scalar::template("CAST({0} AS HUGEINT)", vec![value], phys)
}

/// Is it another for other rows?
fn varies(node: &Node) -> bool {
    !matches!(node, Node::Text(_) | Node::Literal(_) | Node::Type | Node::Param(_) | Node::Cast(_))
}

/// ntile of what differs from row to row: PostgreSQL takes the first row's number of buckets for the whole partition. The first
/// buckets have one row more where the rows do not go into them evenly.
fn ntile_of_first(buckets: Scalar, clauses: &Clauses) -> Scalar {
    let frame = |text: &'static str| Some((Template::from(text), Vec::new()));
    let over = |all: bool, text: &'static str| {
        let mut own = clauses.clone();
        if let Some(over) = &mut own.over {
            over.frame = frame(text);
            if all {
                over.order_by.clear();
            }
        }
        own
    };
    let so_far = over(false, "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW");
    let whole = over(true, "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING");
    let first = so_far.call("first_value", vec![buckets.cast(Phys::Int8)], Phys::Int8);
    let row = so_far.call("row_number", Vec::new(), Phys::Int8);
    let rows = whole.call("count", vec![Scalar::text("*", Phys::Void)], Phys::Int8);
    let mut args = vec![first];
    check_buckets(&mut args);
    args.extend([row, rows]);
    // PostgreSQL looks for the first number that is not NULL, and counts from there.
    let null = Error::unsupported("ntile() whose first argument in a partition is NULL");
    args.push(crate::sql::lower::value::raise::raise(&null, &Phys::Int8));
    let text = "CASE WHEN {0} IS NULL THEN {3} \
                WHEN {1} <= ({2} % {0}) * ({2} // {0} + 1) THEN ({1} - 1) // ({2} // {0} + 1) + 1 \
                ELSE {2} % {0} + ({1} - 1 - ({2} % {0}) * ({2} // {0} + 1)) // ({2} // {0}) + 1 END";
    Scalar::template(text, args, Phys::Int8).cast(Phys::Int4)
}

/// ntile's number of buckets must be positive.
fn check_buckets(args: &mut [Scalar]) {
    let Some(n) = args.first_mut() else { return };
    let error = crate::sql::lower::value::raise::raise_message(
        SqlState::INVALID_ARGUMENT_FOR_NTILE,
        "argument of ntile must be greater than zero",
        &n.phys,
    );
    let phys = n.phys.clone();
    *n = Scalar::template("CASE WHEN {0} <= 0 THEN {1} ELSE {0} END", vec![n.clone(), error], phys);
}

/// nth_value's position must be positive.
fn check_position(args: &mut [Scalar]) {
    let Some(n) = args.get_mut(1) else { return };
    let error = crate::sql::lower::value::raise::raise_message(
        SqlState::INVALID_ARGUMENT_FOR_NTH_VALUE,
        "argument of nth_value must be greater than zero",
        &n.phys,
    );
    let phys = n.phys.clone();
    *n = Scalar::template("CASE WHEN {0} <= 0 THEN {1} ELSE {0} END", vec![n.clone(), error], phys);
}
