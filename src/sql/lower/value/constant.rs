//! Constants.
//!
//! `12.50` → `CAST('12.50' AS DECIMAL(4,2))`, `date '1998-12-01'` → `CAST('1998-12-01' AS DATE)`, `'{1,2}'::int[]` → `CAST([1, 2] AS INTEGER[])`

use std::fmt::Write;

use crate::error::{Error, Result};
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::{Piece, Scalar, template};
use crate::tree::{CastHow, Expr, ExprKind};
use crate::types::{ArrayValue, PgType, Phys, Value, oid};

impl Lowerer<'_> {
    pub(crate) fn constant(&self, value: &Value, ty: PgType) -> Result<Scalar> {
        if value.is_null() {
            let phys = match ty.oid {
                oid::UNKNOWN => Phys::Text,
                // Takes the fields of what it meets.
                oid::RECORD | oid::RECORD_ARRAY => Phys::Void,
                _ => self.phys(ty)?,
            };
            return Ok(null(phys));
        }
        let raw = |n: Piece, phys: Phys| Scalar::number(n, Phys::Void).cast(phys);
        let quoted = |text: String, phys: Phys| Scalar::literal(text, Phys::Text).cast(phys);
        Ok(match value {
            Value::Null => null(Phys::Void),
            Value::Bool(b) => Scalar::bool(*b),
            Value::Int2(n) => raw((*n).into(), Phys::Int2),
            Value::Int4(n) => raw((*n).into(), Phys::Int4),
            Value::Int8(n) => raw((*n).into(), Phys::Int8),
            Value::Oid(n) => raw((*n).into(), Phys::Oid),
            Value::Float4(f) => quoted(float(f64::from(*f), format!("{f:?}")), Phys::Float4),
            Value::Float8(f) => quoted(float(*f, format!("{f:?}")), Phys::Float8),
            Value::Numeric(text) => match exact_decimal(text) {
                Some(phys) => quoted(text.to_string(), phys),
                None => Scalar::literal(&**text, Phys::Numeric),
            },
            Value::Text(text) => {
                let phys = if ty.oid == oid::UNKNOWN { Phys::Text } else { self.phys(ty)? };
                match phys {
                    Phys::Char(_) => Scalar::literal(text.trim_end_matches(' '), Phys::Text).cast(phys),
                    phys => Scalar::literal(&**text, Phys::Text).cast(phys),
                }
            }
            Value::Bytea(bytes) => {
                let mut hex = String::with_capacity(bytes.len() * 4);
                for byte in bytes.iter() {
                    let _ = write!(hex, "\\x{byte:02X}");
                }
                quoted(hex, self.phys(ty)?)
            }
            Value::Date(days) => match *days {
                i32::MAX => quoted("infinity".into(), Phys::Date),
                n if n == -i32::MAX => quoted("-infinity".into(), Phys::Date),
                // Days from a fixed date: exact for every year, whatever text DuckDB reads.
                n => match civil(i64::from(n)) {
                    Some(text) => quoted(text, Phys::Date),
                    None => Scalar::template(template!["(DATE '1970-01-01' + ", n, ")"], vec![], Phys::Date),
                },
            },
            Value::Time(micros) => quoted(time_text(*micros), Phys::Time),
            Value::TimeTz(micros, east) => {
                let (sign, s) = if *east < 0 { ('-', -east) } else { ('+', *east) };
                let zone = format!("{sign}{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
                quoted(format!("{}{zone}", time_text(*micros)), Phys::TimeTz)
            }
            Value::Timestamp(micros) => timestamp(*micros, Phys::Timestamp),
            Value::TimestampTz(micros) => timestamp(*micros, Phys::TimestampTz),
            Value::Interval { months, days, micros } => Scalar::template(
                template!["(to_months(", *months, ") + to_days(", *days, ") + to_microseconds(", *micros, "))"],
                vec![],
                Phys::Interval,
            ),
            Value::Uuid(bits) => quoted(uuid::Uuid::from_u128(*bits).to_string(), Phys::Uuid),
            Value::Array(array) => self.array_constant(array, ty)?,
            Value::Row(fields) => {
                let field = |(of, value): &(PgType, Value)| match value {
                    Value::Null if ty.oid != oid::RECORD => self.phys(*of).map(Scalar::null),
                    value => self.constant(value, *of),
                };
                let values = fields.iter().map(field).collect::<Result<Vec<_>>>()?;
                self.row_of(values)?
            }
        })
    }

    fn array_constant(&self, array: &ArrayValue, ty: PgType) -> Result<Scalar> {
        if ty.oid == oid::RECORD_ARRAY && array.items.is_empty() {
            return Ok(Scalar::template("[]", vec![], Phys::List(Box::new(Phys::Void))));
        }
        let phys = self.phys(ty)?;
        let Some(element) = phys.array_element().cloned() else {
            return Err(Error::unsupported("this array type"));
        };
        let element_ty = PgType::with(array.element, ty.typmod);
        let items = array
            .items
            .iter()
            .map(|item| Ok(self.coerce(self.constant(item, element_ty)?, &element)))
            .collect::<Result<Result<Vec<_>>>>()??;
        if !array.is_plain() || super::shaped::is_shaped(&phys) {
            return Ok(super::shaped::constant(items, element, &array.shape()));
        }
        Ok(Scalar::template("[{*}]", items, Phys::Void).cast(Phys::List(Box::new(element))))
    }
}

/// The integer that an expression is, if it is a constant, cast among number types or not.
pub(crate) fn const_int(e: &Expr) -> Option<i64> {
    match &e.kind {
        ExprKind::Const(Value::Int2(n)) => Some(i64::from(*n)),
        ExprKind::Const(Value::Int4(n)) => Some(i64::from(*n)),
        ExprKind::Const(Value::Int8(n)) => Some(*n),
        _ => const_operand(e).and_then(const_int),
    }
}

/// The float that an expression is, if it is a constant number, cast among number types or not.
pub(crate) fn const_float(e: &Expr) -> Option<f64> {
    match &e.kind {
        ExprKind::Const(Value::Float4(f)) => Some(f64::from(*f)),
        ExprKind::Const(Value::Float8(f)) => Some(*f),
        ExprKind::Const(Value::Numeric(text)) => text.parse().ok(),
        _ => const_int(e).map(|n| n as f64).or_else(|| const_operand(e).and_then(const_float)),
    }
}

/// What is cast, if the cast is one among integers or to a float: it leaves a constant what it is.
fn const_operand(e: &Expr) -> Option<&Expr> {
    let arg = match &e.kind {
        ExprKind::Cast { arg, how: CastHow::Function(_), .. } => &**arg,
        ExprKind::Call(call) if call.operator.is_none() && call.args.len() == 1 => {
            let known = matches!(call.func.name, "int8" | "int4" | "float4" | "float8");
            if known { &call.args[0] } else { return None }
        }
        _ => return None,
    };
    let widening = matches!(
        (arg.ty.oid, e.ty.oid),
        (oid::INT2, oid::INT4 | oid::INT8)
            | (oid::INT4, oid::INT8)
            | (oid::INT2 | oid::INT4 | oid::INT8 | oid::NUMERIC | oid::FLOAT4, oid::FLOAT8)
            | (oid::INT2 | oid::INT4 | oid::INT8 | oid::NUMERIC, oid::FLOAT4)
    );
    widening.then_some(arg)
}

fn null(phys: Phys) -> Scalar {
    // A NULL numeric adapts to whatever decimal it meets.
    if phys == Phys::Numeric { Scalar::text("NULL", Phys::Void) } else { Scalar::null(phys) }
}

fn float(value: f64, finite: String) -> String {
    if value.is_nan() {
        "nan".into()
    } else if value.is_infinite() {
        if value > 0.0 { "inf".into() } else { "-inf".into() }
    } else {
        finite
    }
}

/// The smallest DECIMAL for a decimal text; `None` for NaN, infinities and what needs more than 38 digits.
pub(crate) fn exact_decimal(text: &str) -> Option<Phys> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (before, after) = digits.split_once('.').unwrap_or((digits, ""));
    if before.is_empty() || !before.bytes().chain(after.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let before = before.trim_start_matches('0').len().max(1);
    let precision = before + after.len();
    (precision <= 38).then_some(Phys::Decimal { precision: precision as u8, scale: after.len() as u8 })
}

/// `YYYY-MM-DD` for years 1 to 9999.
pub(crate) fn civil(days: i64) -> Option<String> {
    let date = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
    (date.year() >= 1).then(|| date.to_string())
}

fn time_text(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    format!("{:02}:{:02}:{:02}.{:06}", seconds / 3600, seconds / 60 % 60, seconds % 60, micros % 1_000_000)
}

fn timestamp(micros: i64, phys: Phys) -> Scalar {
    let zone = if phys == Phys::TimestampTz { "+00" } else { "" };
    let text = match micros {
        i64::MAX => "infinity".to_owned(),
        n if n == -i64::MAX => "-infinity".to_owned(),
        n => match civil(n.div_euclid(86_400_000_000)) {
            Some(date) => format!("{date} {}{zone}", time_text(n.rem_euclid(86_400_000_000))),
            None => {
                let make = if phys == Phys::TimestampTz { "make_timestamptz" } else { "make_timestamp" };
                return Scalar::template(template![make, "(CAST(", n, " AS BIGINT))"], vec![], phys);
            }
        },
    };
    Scalar::literal(text, Phys::Text).cast(phys)
}
