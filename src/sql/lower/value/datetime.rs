//! Dates and times where lowering knows better than an entry can: constants folded, fields extracted without text.
//!
//! `date '1998-12-01' - interval '90 days'` → `CAST('1998-09-02 00:00:00' AS TIMESTAMP)`, and compared with a date → a date;
//! `extract(year from d)` → `CAST(date_part('year', d) AS DECIMAL(10,0))`

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::facts::Proc;
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::{Node, Scalar, template};
use crate::tree::{Expr, ExprKind};
use crate::types::{PgType, Phys, Value, oid};

const DAY: i64 = 86_400_000_000;

/// A constant date plus or minus a constant interval, as a timestamp.
pub(crate) fn fold_date(name: &str, date: &Expr, interval: &Expr) -> Option<Value> {
    let (ExprKind::Const(Value::Date(days)), ExprKind::Const(Value::Interval { months, days: more, micros })) =
        (&date.kind, &interval.kind)
    else {
        return None;
    };
    if days.unsigned_abs() > 1_000_000 {
        return None;
    }
    let sign: i64 = if name == "date_mi_interval" { -1 } else { 1 };
    let date = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().try_days(*days).ok()?).ok()?;
    let months = i32::try_from(sign * i64::from(*months)).ok()?;
    let moved = date.checked_add(jiff::Span::new().try_months(months).ok()?).ok()?;
    let epoch = jiff::civil::date(1970, 1, 1);
    let days = i64::from(epoch.until((jiff::Unit::Day, moved)).ok()?.get_days());
    let days = days.checked_add(sign.checked_mul(i64::from(*more))?)?;
    let micros = days.checked_mul(DAY)?.checked_add(sign.checked_mul(*micros)?)?;
    Some(Value::Timestamp(micros))
}

/// `date op timestamp` where the timestamp is a constant midnight: a comparison of dates, which scans can use.
pub(crate) fn compare_date(name: &'static str, op: &Proc, left: &Scalar, right: &Scalar) -> Option<Scalar> {
    let (left, right) = match op.args.as_slice() {
        [oid::DATE, oid::TIMESTAMP] => (left.clone(), midnight(right)?),
        [oid::TIMESTAMP, oid::DATE] => (midnight(left)?, right.clone()),
        // DuckDB asks `moment::date = '…'` of the moment, between that day and the next: infinity has none.
        [oid::DATE, oid::DATE] => match (infinite(left), infinite(right)) {
            (Some(left), None) => (left, moment(right)?),
            (None, Some(right)) => (moment(left)?, right),
            _ => return None,
        },
        _ => return None,
    };
    Some(Scalar::template(template!["({0} ", name, " {1})"], vec![left, right], Phys::Bool))
}

/// An infinite date, as a timestamp.
fn infinite(value: &Scalar) -> Option<Scalar> {
    let Node::Cast(inner) = &value.node else { return None };
    let Node::Literal(text) = &inner.node else { return None };
    text.ends_with("infinity").then(|| Scalar::literal(Arc::clone(text), Phys::Text).cast(Phys::Timestamp))
}

/// The timestamp that a date is made of.
fn moment(value: &Scalar) -> Option<Scalar> {
    let Node::Template { text, args, .. } = &value.node else { return None };
    args.first().filter(|inner| &**text == "{0}::DATE" && inner.phys == Phys::Timestamp).cloned()
}

fn midnight(value: &Scalar) -> Option<Scalar> {
    let Node::Cast(inner) = &value.node else { return None };
    let Node::Literal(text) = &inner.node else { return None };
    let date = text.strip_suffix(" 00:00:00.000000")?;
    Some(Scalar::literal(date, Phys::Text).cast(Phys::Date))
}

/// How a field is computed: DuckDB's text over the value, and the digits after the point.
fn field_text(field: &str, from: u32) -> Option<(&'static str, u8)> {
    let dated = matches!(from, oid::DATE | oid::TIMESTAMP | oid::TIMESTAMPTZ);
    let timed = matches!(from, oid::TIMESTAMP | oid::TIMESTAMPTZ | oid::TIME);
    Some(match field {
        // Of a timestamp with a zone DuckDB gives the year of the era.
        "year" if from == oid::TIMESTAMPTZ => (
            "CASE WHEN date_part('year', {0}::TIMESTAMP) > 0 THEN date_part('year', {0}::TIMESTAMP) \
             ELSE date_part('year', {0}::TIMESTAMP) - 1 END",
            0,
        ),
        // PostgreSQL has no year 0: 1 BC is -1.
        "year" if dated => {
            ("CASE WHEN date_part('year', {0}) > 0 THEN date_part('year', {0}) ELSE date_part('year', {0}) - 1 END", 0)
        }
        "month" if dated => ("date_part('month', {0})", 0),
        "day" if dated => ("date_part('day', {0})", 0),
        "quarter" if dated => ("date_part('quarter', {0})", 0),
        "dow" if dated => ("date_part('dow', {0})", 0),
        "isodow" if dated => ("date_part('isodow', {0})", 0),
        "doy" if dated => ("date_part('doy', {0})", 0),
        "week" if dated => ("date_part('week', {0})", 0),
        "hour" if timed => ("date_part('hour', {0})", 0),
        "minute" if timed => ("date_part('minute', {0})", 0),
        "second" if timed => ("date_part('microseconds', {0})", 6),
        "milliseconds" if timed => ("date_part('microseconds', {0})", 3),
        "microseconds" if timed => ("date_part('microseconds', {0})", 0),
        "epoch" if from == oid::DATE => ("(date_diff('day', DATE '1970-01-01', {0}) * 86400)", 0),
        "epoch" if timed => ("epoch_us({0})", 6),
        _ => return None,
    })
}

impl Lowerer<'_> {
    /// extract() and date_part() of a constant field; `None` leaves it to the function's entry.
    pub(crate) fn extract(
        &mut self,
        func: &'static Proc,
        field: &Expr,
        from: &Expr,
        ty: PgType,
    ) -> Result<Option<Scalar>> {
        let ExprKind::Const(Value::Text(name)) = &field.kind else { return Ok(None) };
        let source = func.args.get(1).copied().unwrap_or(0);
        let name = name.to_lowercase();
        let name = match name.as_str() {
            "years" => "year",
            "months" | "mon" | "mons" => "month",
            "days" => "day",
            "hours" => "hour",
            "minutes" | "min" | "mins" => "minute",
            "seconds" | "sec" | "secs" => "second",
            other => other,
        };
        let Some((text, scale)) = field_text(name, source) else { return Ok(None) };
        if matches!(from.kind, ExprKind::Const(_)) {
            return Ok(None);
        }
        let value = self.expr(from)?;
        // A value that is NULL for sure would have no type in DuckDB.
        let value = match value.node {
            Node::Column(..) => value,
            _ => Scalar { phys: value.phys.clone(), node: Node::Cast(Box::new(value)), dscale: None },
        };
        let extracted = self.bind_once(value, |_, value| {
            let whole = Scalar::template(text, vec![value.clone()], Phys::Int8);
            let result = if ty.oid == oid::FLOAT8 {
                match scale {
                    0 => whole.cast(Phys::Float8),
                    3 => Scalar::template("({0} / 1000.0::DOUBLE)", vec![whole.cast(Phys::Float8)], Phys::Float8),
                    _ => Scalar::template("({0} / 1000000.0::DOUBLE)", vec![whole.cast(Phys::Float8)], Phys::Float8),
                }
            } else if scale == 0 {
                whole.cast(Phys::Decimal { precision: 18, scale: 0 })
            } else {
                let unit = if scale == 3 { "0.001" } else { "0.000001" };
                let text = template!["({0} * CAST(", unit, " AS DECIMAL(", scale + 1, ",", scale, ")))"];
                let whole = whole.cast(Phys::Decimal { precision: 19, scale: 0 });
                Scalar::template(text, vec![whole], Phys::Decimal { precision: 20 + scale, scale })
            };
            if source == oid::TIME {
                return Ok(result);
            }
            // What grows with time is infinite too, which DECIMAL does not hold; what goes round is unknown.
            let grows = matches!(name, "year" | "epoch");
            let of_infinite = if !grows {
                Scalar::null(result.phys.clone())
            } else if ty.oid == oid::FLOAT8 {
                let text = "CASE WHEN {0} > DATE '2000-01-01' THEN 'Infinity'::DOUBLE ELSE '-Infinity'::DOUBLE END";
                Scalar::template(text, vec![value.clone()], Phys::Float8)
            } else {
                let refusal = Error::unsupported(format!("extract({name}) of an infinite value of a column"));
                super::raise::raise(&refusal, &result.phys)
            };
            let test = Scalar::template("isinf({0})", vec![value], Phys::Bool);
            Ok(Scalar::when(test, of_infinite, result))
        })?;
        Ok(Some(extracted))
    }

    /// `timestamp(p)` and kin: rounds to p digits of a second; an interval is cut to its fields, too.
    pub(crate) fn time_precision(&mut self, value: Scalar, typmod: i32) -> Result<Scalar> {
        if typmod >= 6 && value.phys != Phys::Interval {
            return Ok(value);
        }
        let name = match value.phys {
            Phys::Interval => "dg_interval_scale",
            Phys::Time => "dg_time_scale",
            Phys::TimeTz => "dg_timetz_scale",
            Phys::Timestamp => "dg_timestamp_scale",
            _ => "dg_timestamptz_scale",
        };
        let phys = value.phys.clone();
        Ok(Scalar::call(name, vec![value, Scalar::int4(typmod)], phys))
    }

    /// Functions of dates and times that lowering knows by name.
    pub(crate) fn datetime_function(
        &mut self,
        func: &'static Proc,
        args: &[Scalar],
        trees: &[Expr],
        ty: PgType,
    ) -> Result<Option<Scalar>> {
        if let ("extract" | "date_part", [_, _]) = (func.name, args) {
            return self.extract_any(func, args, ty).map(Some);
        }
        match (func.name, args) {
            ("age", [value]) => {
                // From midnight of today.
                let today = self.session(crate::tree::SessionValue::CurrentDate, Phys::Date).cast(Phys::Timestamp);
                if func.args.first() == Some(&oid::TIMESTAMP) {
                    return Ok(Some(Scalar::call("dg_age", vec![today, value.clone()], Phys::Interval)));
                }
                let session = self.session_id();
                let today = Scalar::call("dg_local_to_timestamptz", vec![session, today], Phys::TimestampTz);
                let session = self.session_id();
                return Ok(Some(Scalar::call("dg_age_tz", vec![session, today, value.clone()], Phys::Interval)));
            }
            ("timetz", [time]) if func.args.first() == Some(&oid::TIME) => {
                // The session's offset, today at that time.
                let today = self.session(crate::tree::SessionValue::CurrentDate, Phys::Date);
                let session = self.session_id();
                let args = vec![session, today, time.clone()];
                return Ok(Some(Scalar::call("dg_time_to_timetz", args, Phys::TimeTz)));
            }
            ("date_trunc", [field, value, zone]) => {
                let args = vec![field.clone(), value.clone(), zone.clone()];
                return Ok(Some(Scalar::call("dg_date_trunc_zone", args, Phys::TimestampTz)));
            }
            _ => {}
        }
        match (func.name, args, trees.first().map(|t| &t.kind)) {
            ("date_trunc", [_, value], Some(ExprKind::Const(Value::Text(field))))
                if func.args.get(1) == Some(&oid::TIMESTAMPTZ) =>
            {
                let field = field.to_lowercase();
                // Not "hour": DuckDB takes the later one of two that are called the same at the end of summer time.
                let plain =
                    ["microseconds", "milliseconds", "second", "minute", "day", "week", "month", "quarter", "year"];
                if field == "hour" && matches!(value.node, Node::Column(..)) {
                    let hour = "CASE WHEN isfinite({0}) THEN {0} - ({0}::TIMESTAMP - date_trunc('hour', {0}::TIMESTAMP)) ELSE {0} END";
                    return Ok(Some(Scalar::template(hour, vec![value.clone()], Phys::TimestampTz)));
                }
                let Some(field) = plain.into_iter().find(|f| *f == field) else {
                    let session = self.session_id();
                    let args = vec![session, args[0].clone(), value.clone()];
                    return Ok(Some(Scalar::call("dg_date_trunc_timestamptz", args, Phys::TimestampTz)));
                };
                let phys = self.phys(ty)?;
                let args = vec![Scalar::literal(field, Phys::Text), value.clone()];
                // DuckDB's own moves infinity.
                let text = "CASE WHEN isfinite({1}) THEN date_trunc({0}, {1}) ELSE {1} END";
                Ok(Some(Scalar::template(text, args, phys)))
            }
            ("date_trunc", [field, value], _) if func.args.get(1) == Some(&oid::TIMESTAMPTZ) => {
                let session = self.session_id();
                let args = vec![session, field.clone(), value.clone()];
                Ok(Some(Scalar::call("dg_date_trunc_timestamptz", args, Phys::TimestampTz)))
            }
            _ => Ok(None),
        }
    }

    /// extract() and date_part() of any field, by its text at run time.
    fn extract_any(&mut self, func: &'static Proc, args: &[Scalar], ty: PgType) -> Result<Scalar> {
        let name = match func.args.get(1) {
            Some(&oid::DATE) => "dg_extract_date",
            Some(&oid::TIMESTAMP) => "dg_extract_timestamp",
            Some(&oid::TIMETZ) => "dg_extract_timetz",
            _ => "dg_extract_timestamptz",
        };
        let mut all = args.to_vec();
        if name == "dg_extract_timestamptz" {
            all.insert(0, self.session_id());
        }
        let value = Scalar::call(name, all, Phys::Numeric);
        if ty.oid != oid::FLOAT8 {
            return Ok(value);
        }
        Ok(Scalar::call("dg_numeric_to_float8", vec![value], Phys::Float8))
    }
}
