//! Integers: shifts, greatest common divisors, conversions from floats.

use super::*;

pub(super) fn natives() -> Vec<Native> {
    vec![
        native2::<i16, i32, i16>("dg_int2shl", |a, n| Ok(Some((i32::from(a)).wrapping_shl(n as u32) as i16))),
        native2::<i16, i32, i16>("dg_int2shr", |a, n| Ok(Some((i32::from(a)).wrapping_shr(n as u32) as i16))),
        native2::<i32, i32, i32>("dg_int4shl", |a, n| Ok(Some(a.wrapping_shl(n as u32)))),
        native2::<i32, i32, i32>("dg_int4shr", |a, n| Ok(Some(a.wrapping_shr(n as u32)))),
        native2::<i64, i32, i64>("dg_int8shl", |a, n| Ok(Some(a.wrapping_shl(n as u32)))),
        native2::<i64, i32, i64>("dg_int8shr", |a, n| Ok(Some(a.wrapping_shr(n as u32)))),
        native2::<i32, i32, i32>("dg_gcd_int4", |a, b| {
            to_int4(gcd(i64::from(a), i64::from(b)).ok_or_else(integer_out_of_range)?)
        }),
        native2::<i64, i64, i64>("dg_gcd_int8", |a, b| gcd(a, b).map(Some).ok_or_else(bigint_out_of_range)),
        native2::<i32, i32, i32>("dg_lcm_int4", |a, b| {
            to_int4(lcm(i64::from(a), i64::from(b)).ok_or_else(integer_out_of_range)?)
        }),
        native2::<i64, i64, i64>("dg_lcm_int8", |a, b| lcm(a, b).map(Some).ok_or_else(bigint_out_of_range)),
        native1::<f32, i16>("dg_float4_to_int2", |v| {
            float_to(f64::from(v), -32768.0, 32768.0, "smallint out of range", |v| v as i16)
        }),
        native1::<f32, i32>("dg_float4_to_int4", |v| {
            float_to(f64::from(v), -2147483648.0, 2147483648.0, "integer out of range", |v| v as i32)
        }),
        native1::<f32, i64>("dg_float4_to_int8", |v| {
            float_to(f64::from(v), -9223372036854775808.0, 9223372036854775808.0, "bigint out of range", |v| v as i64)
        }),
        native1::<f64, i16>("dg_float8_to_int2", |v| {
            float_to(v, -32768.0, 32768.0, "smallint out of range", |v| v as i16)
        }),
        native1::<f64, i32>("dg_float8_to_int4", |v| {
            float_to(v, -2147483648.0, 2147483648.0, "integer out of range", |v| v as i32)
        }),
        native1::<f64, i64>("dg_float8_to_int8", |v| {
            float_to(v, -9223372036854775808.0, 9223372036854775808.0, "bigint out of range", |v| v as i64)
        }),
        native1::<i64, Oid>("dg_int8_to_oid", |v| {
            u32::try_from(v).map(Some).map_err(|_| out_of_range("OID out of range"))
        }),
        native1::<i32, str>("dg_to_hex_int4", |v| Ok(Some(format!("{v:x}")))),
        native1::<i64, str>("dg_to_hex_int8", |v| Ok(Some(format!("{v:x}")))),
    ]
}

fn integer_out_of_range() -> Error {
    out_of_range("integer out of range")
}

fn bigint_out_of_range() -> Error {
    out_of_range("bigint out of range")
}

fn to_int4(v: i64) -> Result<Option<i32>> {
    i32::try_from(v).map(Some).map_err(|_| integer_out_of_range())
}

/// `None` if the result does not fit.
fn gcd(a: i64, b: i64) -> Option<i64> {
    i64::try_from(num_integer::gcd(i128::from(a), i128::from(b))).ok()
}

fn lcm(a: i64, b: i64) -> Option<i64> {
    i64::try_from(num_integer::lcm(i128::from(a), i128::from(b))).ok()
}

/// Rounds half to even, as PostgreSQL's rint does, then checks the range `[low, high)`.
fn float_to<T>(v: f64, low: f64, high: f64, message: &str, convert: fn(f64) -> T) -> Result<Option<T>> {
    let rounded = v.round_ties_even();
    if rounded.is_nan() || rounded < low || rounded >= high {
        return Err(out_of_range(message));
    }
    Ok(Some(convert(rounded)))
}
