//! Degrees, buckets, common divisors of numeric, binary forms of floats.

use super::*;
use crate::types::numeric::Numeric;

pub(super) fn natives() -> Vec<Native> {
    vec![
        native1::<f64, f64>("dg_asind", |x| arc(x).map(|()| Some(if x.is_nan() { x } else { asind(x) }))),
        native1::<f64, f64>("dg_acosd", |x| arc(x).map(|()| Some(if x.is_nan() { x } else { acosd(x) }))),
        native1::<f64, f64>("dg_atand", |x| Ok(Some(x.atan() / 1.0_f64.atan() * 45.0))),
        native2::<f64, f64, f64>("dg_atan2d", |y, x| Ok(Some(y.atan2(x) / 1.0_f64.atan() * 45.0))),
        native4::<f64, f64, f64, i32, i32>("dg_width_bucket_float8", |x, low, high, n| {
            float_bucket(x, low, high, n).map(Some)
        }),
        native4::<NumericText, NumericText, NumericText, i32, i32>("dg_width_bucket_numeric", |x, low, high, n| {
            numeric_bucket(x, low, high, n).map(Some)
        }),
        native2::<NumericText, NumericText, NumericText>("dg_gcd_numeric", |a, b| {
            let (a, b) = (Numeric::parse(a)?, Numeric::parse(b)?);
            Ok(Some(gcd(&a, &b)?.as_text().into_owned()))
        }),
        native2::<NumericText, NumericText, NumericText>("dg_lcm_numeric", |a, b| {
            let (a, b) = (Numeric::parse(a)?, Numeric::parse(b)?);
            let scale = a.dscale().max(b.dscale());
            if special(&a) || special(&b) {
                return Ok(Some("NaN".to_owned()));
            }
            if a.is_zero() || b.is_zero() {
                return Ok(Some(Numeric::zero().round(scale as i32)?.as_text().into_owned()));
            }
            let lcm = a.div_trunc(&gcd(&a, &b)?)?.mul(&b)?.abs();
            Ok(Some(lcm.round(scale as i32)?.as_text().into_owned()))
        }),
        native1::<f32, [u8]>("dg_float4send", |x| Ok(Some(x.to_be_bytes().to_vec()))),
        native1::<f64, [u8]>("dg_float8send", |x| Ok(Some(x.to_be_bytes().to_vec()))),
    ]
}

fn arc(x: f64) -> Result<()> {
    if x.is_nan() || (-1.0..=1.0).contains(&x) { Ok(()) } else { Err(out_of_range("input is out of range")) }
}

/// Exact at a half, as PostgreSQL's is.
fn asind(x: f64) -> f64 {
    let quarter = |x: f64| {
        if x <= 0.5 { x.asin() / 0.5_f64.asin() * 30.0 } else { 90.0 - x.acos() / 0.5_f64.acos() * 60.0 }
    };
    if x >= 0.0 { quarter(x) } else { -quarter(-x) }
}

fn acosd(x: f64) -> f64 {
    let quarter = |x: f64| {
        if x <= 0.5 { 90.0 - x.asin() / 0.5_f64.asin() * 30.0 } else { x.acos() / 0.5_f64.acos() * 60.0 }
    };
    if x >= 0.0 { quarter(x) } else { 90.0 + asind(-x) }
}

fn bucket_error(message: &str) -> Error {
    Error::new(SqlState::INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION, message)
}

fn float_bucket(x: f64, low: f64, high: f64, count: i32) -> Result<i32> {
    if count <= 0 {
        return Err(bucket_error("count must be greater than zero"));
    }
    if x.is_nan() || low.is_nan() || high.is_nan() {
        return Err(bucket_error("operand, lower bound, and upper bound cannot be NaN"));
    }
    if low.is_infinite() || high.is_infinite() {
        return Err(bucket_error("lower and upper bounds must be finite"));
    }
    let past = || count.checked_add(1).ok_or_else(|| out_of_range("integer out of range"));
    let within = |from: f64, to: f64| {
        let part = if (to - from).is_finite() {
            (x - from) / (to - from)
        } else {
            (x / 2.0 - from / 2.0) / (to / 2.0 - from / 2.0)
        };
        ((part * f64::from(count)) as i32).min(count - 1) + 1
    };
    if low < high {
        match x {
            x if x < low => Ok(0),
            x if x >= high => past(),
            _ => Ok(within(low, high)),
        }
    } else if low > high {
        match x {
            x if x > low => Ok(0),
            x if x <= high => past(),
            _ => Ok(within(low, high)),
        }
    } else {
        Err(bucket_error("lower bound cannot equal upper bound"))
    }
}

fn special(n: &Numeric) -> bool {
    n.scale().is_none()
}

fn numeric_bucket(x: &str, low: &str, high: &str, count: i32) -> Result<i32> {
    use std::cmp::Ordering::{Equal, Greater, Less};
    if count <= 0 {
        return Err(bucket_error("count must be greater than zero"));
    }
    let (x, low, high) = (Numeric::parse(x)?, Numeric::parse(low)?, Numeric::parse(high)?);
    if x.is_nan() || low.is_nan() || high.is_nan() {
        return Err(bucket_error("operand, lower bound, and upper bound cannot be NaN"));
    }
    if special(&low) || special(&high) {
        return Err(bucket_error("lower and upper bounds must be finite"));
    }
    let past = || count.checked_add(1).ok_or_else(|| out_of_range("integer out of range"));
    let rising = match low.compare(&high) {
        Equal => return Err(bucket_error("lower bound cannot equal upper bound")),
        order => order == Less,
    };
    let (before, after) = if rising { (Less, Less) } else { (Greater, Greater) };
    if x.compare(&low) == before {
        return Ok(0);
    }
    if x.compare(&high) != after {
        return past();
    }
    let part = x.sub(&low)?.mul(&Numeric::from_i128(i128::from(count)))?;
    let bucket = part.div_trunc(&high.sub(&low)?)?.to_i64().unwrap_or(0);
    Ok((bucket as i32).min(count - 1) + 1)
}

/// Euclid's, of absolute values; with the greater display scale.
fn gcd(a: &Numeric, b: &Numeric) -> Result<Numeric> {
    if special(a) || special(b) {
        return Numeric::parse("NaN");
    }
    let scale = a.dscale().max(b.dscale());
    let (mut a, mut b) = (a.abs(), b.abs());
    while !b.is_zero() {
        let rest = a.rem(&b)?;
        (a, b) = (b, rest);
    }
    a.round(scale as i32)
}
