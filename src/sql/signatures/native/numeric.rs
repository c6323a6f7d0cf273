//! `numeric` of any precision, carried as decimal text: PostgreSQL's exact arithmetic by `types::numeric`.

use super::*;
use crate::types::numeric::Numeric;
use crate::types::{PgType, Value};

pub(super) fn natives() -> Vec<Native> {
    let mut all = arithmetic();
    all.extend(rounding());
    all.extend(conversions());
    all
}

pub(super) fn aggregates() -> Vec<NativeAggregate> {
    vec![NativeAggregate {
        name: "dg_numeric_sum",
        args: vec![Phys::Numeric],
        result: Phys::Numeric,
        new_state: Arc::new(|| Box::new(Sum(None))),
    }]
}

fn text(n: Numeric) -> Result<Option<String>> {
    Ok(Some(n.as_text().into_owned()))
}

fn unary(name: &'static str, f: fn(&Numeric) -> Result<Numeric>) -> Native {
    native1::<NumericText, NumericText>(name, move |a| text(f(&Numeric::parse(a)?)?))
}

fn binary(name: &'static str, f: fn(&Numeric, &Numeric) -> Result<Numeric>) -> Native {
    native2::<NumericText, NumericText, NumericText>(name, move |a, b| {
        text(f(&Numeric::parse(a)?, &Numeric::parse(b)?)?)
    })
}

fn arithmetic() -> Vec<Native> {
    vec![
        binary("dg_numeric_add", Numeric::add),
        binary("dg_numeric_sub", Numeric::sub),
        binary("dg_numeric_mul", Numeric::mul),
        binary("dg_numeric_div", Numeric::div),
        binary("dg_numeric_div_trunc", Numeric::div_trunc),
        binary("dg_numeric_mod", Numeric::rem),
        binary("dg_numeric_power", Numeric::power),
        binary("dg_numeric_log", Numeric::log),
        unary("dg_numeric_uminus", |a| Ok(a.neg())),
        unary("dg_numeric_abs", |a| Ok(a.abs())),
        unary("dg_numeric_sign", |a| Ok(a.sign())),
        unary("dg_numeric_sqrt", Numeric::sqrt),
        unary("dg_numeric_exp", Numeric::exp),
        unary("dg_numeric_ln", Numeric::ln),
        unary("dg_numeric_log10", Numeric::log10),
        // Bytes that sort and compare as the numbers do, whatever their display scale.
        native1::<NumericText, [u8]>("dg_numeric_key", |a| Ok(Some(Numeric::parse(a)?.sort_key()))),
        native1::<i64, NumericText>("dg_factorial", |n| factorial(n).and_then(text)),
    ]
}

fn rounding() -> Vec<Native> {
    vec![
        unary("dg_numeric_ceil", |a| Ok(a.ceil())),
        unary("dg_numeric_floor", |a| Ok(a.floor())),
        unary("dg_numeric_trim_scale", |a| Ok(a.trim_scale())),
        native2::<NumericText, i32, NumericText>("dg_numeric_round", |a, n| text(Numeric::parse(a)?.round(n)?)),
        native2::<NumericText, i32, NumericText>("dg_numeric_trunc", |a, n| text(Numeric::parse(a)?.trunc(n))),
        native1::<NumericText, i32>("dg_numeric_scale", |a| Ok(Numeric::parse(a)?.scale().map(|s| s as i32))),
        native1::<NumericText, i32>("dg_numeric_min_scale", |a| Ok(Numeric::parse(a)?.min_scale().map(|s| s as i32))),
        native3::<NumericText, i32, i32, NumericText>("dg_numeric_typmod", |a, precision, scale| {
            text(Numeric::parse(a)?.coerce(PgType::numeric(precision as u16, scale as i16))?)
        }),
    ]
}

fn conversions() -> Vec<Native> {
    vec![
        native1::<NumericText, i16>("dg_numeric_to_int2", |a| integer(a, "smallint", |n| i16::try_from(n).ok())),
        native1::<NumericText, i32>("dg_numeric_to_int4", |a| integer(a, "integer", |n| i32::try_from(n).ok())),
        native1::<NumericText, i64>("dg_numeric_to_int8", |a| integer(a, "bigint", Some)),
        native1::<NumericText, f64>("dg_numeric_to_float8", |a| {
            let n = Numeric::parse(a)?;
            let f = n.to_f64();
            if f.is_infinite() && !a.contains("nfinity") || f == 0.0 && !is_zero(a) {
                return Err(out_of_range(&format!("\"{a}\" is out of range for type double precision")));
            }
            Ok(Some(f))
        }),
        native1::<NumericText, f32>("dg_numeric_to_float4", |a| {
            // By the text, so that the value is rounded once.
            let f: f32 = match a {
                "NaN" => f32::NAN,
                "Infinity" => f32::INFINITY,
                "-Infinity" => f32::NEG_INFINITY,
                _ => a.parse().map_err(Error::internal)?,
            };
            if f.is_infinite() && !a.contains("nfinity") || f == 0.0 && !is_zero(a) {
                return Err(out_of_range(&format!("\"{a}\" is out of range for type real")));
            }
            Ok(Some(f))
        }),
        native1::<f64, NumericText>("dg_float8_to_numeric", |v| text(Numeric::from_f64(v))),
        native1::<f32, NumericText>("dg_float4_to_numeric", |v| text(Numeric::from_f32(v))),
    ]
}

fn is_zero(text: &str) -> bool {
    !text.bytes().any(|b| matches!(b, b'1'..=b'9'))
}

/// Rounds half away from zero, then checks the range.
fn integer<T>(a: &str, ty: &str, convert: fn(i64) -> Option<T>) -> Result<Option<T>> {
    let n = Numeric::parse(a)?;
    if matches!(a, "NaN" | "Infinity" | "-Infinity") {
        let what = if a == "NaN" { "NaN" } else { "infinity" };
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("cannot convert {what} to {ty}")));
    }
    let rounded = n.round(0)?.to_i64().and_then(convert);
    rounded.map(Some).ok_or_else(|| out_of_range(&format!("{ty} out of range")))
}

/// PostgreSQL's largest argument, by its numeric format's range.
const MAX_FACTORIAL: i64 = 32_177;

fn factorial(n: i64) -> Result<Numeric> {
    if n < 0 {
        return Err(out_of_range("factorial of a negative number is undefined"));
    }
    if n > MAX_FACTORIAL {
        return Err(out_of_range("value overflows numeric format"));
    }
    let product = (2..=n).fold(num_bigint::BigInt::from(1), |acc, k| acc * k);
    Numeric::parse(&product.to_string())
}

/// sum(numeric) over text.
struct Sum(Option<Numeric>);

impl crate::engine::AggregateState for Sum {
    fn update(&mut self, args: &[ArrayRef], row: usize) -> Result<()> {
        let array = downcast::<NumericText>(args, 0)?;
        if !array.is_null(row) {
            let n = Numeric::parse(array.value(row))?;
            self.0 = Some(match &self.0 {
                Some(sum) => sum.add(&n)?,
                None => n,
            });
        }
        Ok(())
    }

    fn merge(&mut self, other: &dyn crate::engine::AggregateState) -> Result<()> {
        let Some(Self(Some(n))) = other.as_any().downcast_ref::<Self>() else { return Ok(()) };
        self.0 = Some(match &self.0 {
            Some(sum) => sum.add(n)?,
            None => n.clone(),
        });
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        Ok(self.0.as_ref().map_or(Value::Null, |n| Value::Numeric(n.as_text().into())))
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
