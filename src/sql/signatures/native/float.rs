//! Floating point with PostgreSQL's overflow, underflow and domain errors.

use super::*;

pub(super) fn natives() -> Vec<Native> {
    let mut all = vec![
        native2::<f64, f64, f64>("dg_float8pl", |a, b| checked(a + b, a, b, false)),
        native2::<f64, f64, f64>("dg_float8mi", |a, b| checked(a - b, a, b, false)),
        native2::<f64, f64, f64>("dg_float8mul", |a, b| checked(a * b, a, b, a != 0.0 && b != 0.0)),
        native2::<f64, f64, f64>("dg_float8div", |a, b| {
            if b == 0.0 && !a.is_nan() {
                return Err(division_by_zero());
            }
            checked(a / b, a, b, a != 0.0 && !b.is_infinite())
        }),
        native2::<f32, f32, f32>("dg_float4pl", |a, b| checked4(a + b, a, b, false)),
        native2::<f32, f32, f32>("dg_float4mi", |a, b| checked4(a - b, a, b, false)),
        native2::<f32, f32, f32>("dg_float4mul", |a, b| checked4(a * b, a, b, a != 0.0 && b != 0.0)),
        native2::<f32, f32, f32>("dg_float4div", |a, b| {
            if b == 0.0 && !a.is_nan() {
                return Err(division_by_zero());
            }
            checked4(a / b, a, b, a != 0.0 && !b.is_infinite())
        }),
        native1::<f64, f32>("dg_float8_to_float4", |v| {
            let r = v as f32;
            if r.is_infinite() && !v.is_infinite() {
                return Err(overflow());
            }
            if r == 0.0 && v != 0.0 {
                return Err(underflow());
            }
            Ok(Some(r))
        }),
        native2::<f64, f64, f64>("dg_power", power),
        native2::<f64, f64, f64>("dg_atan2", |a, b| Ok(Some(a.atan2(b)))),
        native1::<f64, f64>("dg_sqrt", |v| {
            if v < 0.0 {
                return Err(Error::new(
                    SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION,
                    "cannot take square root of a negative number",
                ));
            }
            Ok(Some(v.sqrt()))
        }),
        native1::<f64, f64>("dg_exp", |v| {
            let r = v.exp();
            if r.is_infinite() && !v.is_infinite() {
                return Err(overflow());
            }
            if r == 0.0 && !v.is_infinite() {
                return Err(underflow());
            }
            Ok(Some(r))
        }),
        native1::<f64, f64>("dg_ln", |v| log(v, f64::ln)),
        native1::<f64, f64>("dg_log", |v| log(v, f64::log10)),
        native1::<f64, f64>("dg_degrees", |v| in_range(v, v / RADIANS_PER_DEGREE)),
        native1::<f64, f64>("dg_radians", |v| in_range(v, v * RADIANS_PER_DEGREE)),
    ];
    all.extend(plain());
    all.extend(trigonometry());
    all
}

const RADIANS_PER_DEGREE: f64 = 0.017_453_292_519_943_295;

/// float8_mul() and float8_div(): what `value` has become by a factor.
fn in_range(value: f64, result: f64) -> Result<Option<f64>> {
    if result.is_infinite() && !value.is_infinite() {
        return Err(out_of_range("value out of range: overflow"));
    }
    if result == 0.0 && value != 0.0 {
        return Err(out_of_range("value out of range: underflow"));
    }
    Ok(Some(result))
}

/// Functions that neither fail nor overflow.
fn plain() -> Vec<Native> {
    let functions: [(&'static str, fn(f64) -> f64); 8] = [
        ("dg_round", f64::round_ties_even),
        ("dg_trunc", f64::trunc),
        ("dg_ceil", f64::ceil),
        ("dg_floor", f64::floor),
        ("dg_cbrt", f64::cbrt),
        ("dg_sign", |v| {
            if v > 0.0 {
                1.0
            } else if v < 0.0 {
                -1.0
            } else {
                v
            }
        }),
        ("dg_tanh", f64::tanh),
        ("dg_asinh", |v| far(v).unwrap_or_else(|| v.asinh())),
    ];
    functions.into_iter().map(|(name, f)| native1::<f64, f64>(name, move |v| Ok(Some(f(v))))).collect()
}

/// asinh and acosh of what is so far out that Rust's would leave the range on its way: there they are ln(2x).
fn far(v: f64) -> Option<f64> {
    (v.is_finite() && v.abs() > 1e300).then(|| (v.abs().ln() + std::f64::consts::LN_2).copysign(v))
}

/// Functions with a domain: outside it `input is out of range`.
fn trigonometry() -> Vec<Native> {
    type Test = fn(f64) -> bool;
    let finite: Test = |v| !v.is_infinite();
    let unit: Test = |v| v.is_nan() || (-1.0..=1.0).contains(&v);
    let functions: [(&'static str, fn(f64) -> f64, Test); 15] = [
        ("dg_sin", f64::sin, finite),
        ("dg_cos", f64::cos, finite),
        ("dg_tan", f64::tan, finite),
        ("dg_cot", |v| 1.0 / v.tan(), finite),
        ("dg_asin", f64::asin, unit),
        ("dg_acos", f64::acos, unit),
        ("dg_atan", f64::atan, |_| true),
        ("dg_sinh", f64::sinh, |_| true),
        ("dg_cosh", f64::cosh, |_| true),
        ("dg_acosh", |v| far(v).unwrap_or_else(|| v.acosh()), |v| v.is_nan() || v >= 1.0),
        ("dg_atanh", f64::atanh, unit),
        ("dg_sind", |v| degrees(v, f64::sin), finite),
        ("dg_cosd", |v| degrees(v, f64::cos), finite),
        // Scaled so that 45 degrees give 1.
        ("dg_tand", |v| by_quadrant(v, |x| degrees(x, f64::sin) / degrees(x, f64::cos) / tangent_of_45()), finite),
        (
            "dg_cotd",
            |v| {
                by_quadrant(v, |x| {
                    degrees(x, f64::cos) / degrees(x, f64::sin) / (degrees(45.0, f64::cos) / degrees(45.0, f64::sin))
                })
            },
            finite,
        ),
    ];
    functions
        .into_iter()
        .map(|(name, f, domain)| {
            native1::<f64, f64>(name, move |v| {
                if !domain(v) {
                    return Err(out_of_range("input is out of range"));
                }
                Ok(Some(f(v)))
            })
        })
        .collect()
}

/// A tangent or cotangent by that of the angle between 0 and 90 degrees, so that all quadrants are as exact.
fn by_quadrant(v: f64, f: fn(f64) -> f64) -> f64 {
    let mut x = v % 360.0;
    let mut sign = 1.0;
    if x < 0.0 {
        (x, sign) = (-x, -sign);
    }
    if x > 180.0 {
        (x, sign) = (360.0 - x, -sign);
    }
    if x > 90.0 {
        (x, sign) = (180.0 - x, -sign);
    }
    let result = sign * f(x);
    // Without a sign of zero, as PostgreSQL's.
    if result == 0.0 { 0.0 } else { result }
}

fn tangent_of_45() -> f64 {
    degrees(45.0, f64::sin) / degrees(45.0, f64::cos)
}

/// Sine or cosine of an angle in degrees, exact at multiples of 30.
fn degrees(v: f64, f: fn(f64) -> f64) -> f64 {
    let r = f((v % 360.0).to_radians());
    let near = (r * 2.0).round() / 2.0;
    if (r - near).abs() < 1e-15 { near } else { r }
}

fn checked(r: f64, a: f64, b: f64, nonzero: bool) -> Result<Option<f64>> {
    if r.is_infinite() && !a.is_infinite() && !b.is_infinite() {
        return Err(overflow());
    }
    if nonzero && r == 0.0 {
        return Err(underflow());
    }
    Ok(Some(r))
}

fn checked4(r: f32, a: f32, b: f32, nonzero: bool) -> Result<Option<f32>> {
    if r.is_infinite() && !a.is_infinite() && !b.is_infinite() {
        return Err(overflow());
    }
    if nonzero && r == 0.0 {
        return Err(underflow());
    }
    Ok(Some(r))
}

fn log(v: f64, f: fn(f64) -> f64) -> Result<Option<f64>> {
    let fail = |m: &str| Err(Error::new(SqlState::INVALID_ARGUMENT_FOR_LOG, m));
    if v == 0.0 {
        return fail("cannot take logarithm of zero");
    }
    if v < 0.0 {
        return fail("cannot take logarithm of a negative number");
    }
    Ok(Some(f(v)))
}

fn power(a: f64, b: f64) -> Result<Option<f64>> {
    let fail = |m: &str| Err(Error::new(SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION, m));
    if a.is_nan() {
        return Ok(Some(if b == 0.0 { 1.0 } else { a }));
    }
    if b.is_nan() {
        return Ok(Some(if a == 1.0 { 1.0 } else { b }));
    }
    if a == 0.0 && b < 0.0 {
        return fail("zero raised to a negative power is undefined");
    }
    if a < 0.0 && b.floor() != b {
        return fail("a negative number raised to a non-integer power yields a complex result");
    }
    let r = a.powf(b);
    if a.is_infinite() || b.is_infinite() {
        return Ok(Some(r));
    }
    if r.is_infinite() {
        return Err(overflow());
    }
    if r == 0.0 && a != 0.0 {
        return Err(underflow());
    }
    Ok(Some(r))
}

fn overflow() -> Error {
    out_of_range("value out of range: overflow")
}

fn underflow() -> Error {
    out_of_range("value out of range: underflow")
}

fn division_by_zero() -> Error {
    Error::new(SqlState::DIVISION_BY_ZERO, "division by zero")
}
