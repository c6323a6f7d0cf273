//! real and double precision: `float8in`, `float8out` and kin.

use bytes::BufMut;

use super::{invalid_syntax, is_space, trim_start};
use crate::error::{Error, Result, SqlState};

/// `%.*g` of C, for a finite value.
pub fn format_g(value: f64, digits: usize) -> String {
    let digits = digits.max(1);
    let scientific = format!("{:.*e}", digits - 1, value);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trim = |s: &str| -> String {
        if s.contains('.') { s.trim_end_matches('0').trim_end_matches('.').to_owned() } else { s.to_owned() }
    };
    if exponent < -4 || exponent >= digits as i32 {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{}e{sign}{:02}", trim(mantissa), exponent.abs())
    } else {
        trim(&format!("{:.*}", (digits as i32 - 1 - exponent).max(0) as usize, value))
    }
}

/// `float8out` under extra_float_digits.
#[inline]
pub fn write_f64(out: &mut Vec<u8>, value: f64, extra_float_digits: i8) {
    if put_special(out, value) {
        return;
    }
    if extra_float_digits > 0 {
        let mut buffer = ryu::Buffer::new();
        let text = buffer.format_finite(value);
        if value.abs() >= 9_007_199_254_740_992.0 && is_midpoint(text, f64::MANTISSA_DIGITS) {
            let inside = (0..17)
                .map(|p| format!("{value:.p$e}"))
                .find(|t| t.parse() == Ok(value) && !is_midpoint(t, f64::MANTISSA_DIGITS));
            return put_shortest(out, inside.as_deref().unwrap_or(text).as_bytes(), 15);
        }
        put_shortest(out, text.as_bytes(), 15);
    } else {
        out.put_slice(format_g(value, (15 + i32::from(extra_float_digits)).max(1) as usize).as_bytes());
    }
}

/// `float4out` under extra_float_digits.
#[inline]
pub fn write_f32(out: &mut Vec<u8>, value: f32, extra_float_digits: i8) {
    if put_special(out, f64::from(value)) {
        return;
    }
    if extra_float_digits > 0 {
        let mut buffer = ryu::Buffer::new();
        let text = buffer.format_finite(value);
        if value.abs() >= 16_777_216.0 && is_midpoint(text, f32::MANTISSA_DIGITS) {
            let inside = (0..9)
                .map(|p| format!("{value:.p$e}"))
                .find(|t| t.parse() == Ok(value) && !is_midpoint(t, f32::MANTISSA_DIGITS));
            return put_shortest(out, inside.as_deref().unwrap_or(text).as_bytes(), 6);
        }
        put_shortest(out, text.as_bytes(), 6);
    } else {
        out.put_slice(format_g(f64::from(value), (6 + i32::from(extra_float_digits)).max(1) as usize).as_bytes());
    }
}

/// True if the decimal lies halfway between two floating numbers. Ryu takes such text for the even neighbour's shortest;
/// PostgreSQL does not, and prints the shortest that is nearer to the number than to any other (`1e23` as
/// `9.999999999999999e+22`). Only whole numbers beyond the mantissa's digits can be so.
fn is_midpoint(text: &str, mantissa_bits: u32) -> bool {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let Ok(mut exponent) = exponent.parse::<i32>() else { return false };
    let mut digits: u128 = 0;
    let mut point = false;
    for b in mantissa.bytes() {
        match b {
            b'.' => point = true,
            b'0'..=b'9' => {
                digits = digits * 10 + u128::from(b - b'0');
                exponent -= i32::from(point);
            }
            _ => {}
        }
    }
    while exponent < 0 && digits > 0 && digits.is_multiple_of(10) {
        digits /= 10;
        exponent += 1;
    }
    // 5^23 has 54 bits: a longer power cannot be part of a midpoint.
    if digits == 0 || !(0..=23).contains(&exponent) {
        return false;
    }
    let odd = digits * 5u128.pow(exponent as u32);
    128 - odd.leading_zeros() - odd.trailing_zeros() == mantissa_bits + 1
}

#[inline]
fn put_special(out: &mut Vec<u8>, value: f64) -> bool {
    if value.is_finite() {
        return false;
    }
    out.put_slice(if value.is_nan() {
        b"NaN".as_slice()
    } else if value > 0.0 {
        b"Infinity"
    } else {
        b"-Infinity"
    });
    true
}

/// Rewrites Ryu's text (`1e16`, `1.5e-5`, `0.1`, `12.0`) in PostgreSQL's form: fixed notation for exponents from -4 to
/// below `limit`, otherwise scientific with a signed exponent of two digits at least.
fn put_shortest(out: &mut Vec<u8>, text: &[u8], limit: i32) {
    let text = match text {
        [b'-', rest @ ..] => {
            out.put_u8(b'-');
            rest
        }
        _ => text,
    };
    let mut digits = [0u8; 20];
    let mut n = 0;
    for b in text.iter().take_while(|b| **b != b'e') {
        if *b != b'.' && (n > 0 || *b != b'0') && n < digits.len() {
            digits[n] = *b;
            n += 1;
        }
    }
    if n == 0 {
        return out.put_u8(b'0');
    }
    put_parsed(out, text, &digits[..n], limit);
}

/// As above, with the digits collected (they may end in zeros); finds the decimal exponent from the text.
fn put_parsed(out: &mut Vec<u8>, text: &[u8], digits: &[u8], limit: i32) {
    let (mantissa, explicit) = match text.iter().position(|b| *b == b'e') {
        Some(at) => {
            let e = std::str::from_utf8(&text[at + 1..]).ok().and_then(|e| e.parse().ok()).unwrap_or(0i32);
            (&text[..at], e)
        }
        None => (text, 0),
    };
    let point = mantissa.iter().position(|b| *b == b'.').unwrap_or(mantissa.len()) as i32;
    let first = mantissa.iter().position(|b| (b'1'..=b'9').contains(b)).unwrap_or(0) as i32;
    let exponent = explicit + if first < point { point - first - 1 } else { point - first };
    let end = digits.iter().rposition(|b| *b != b'0').map_or(1, |at| at + 1);
    let digits = &digits[..end];
    if exponent < -4 || exponent >= limit {
        out.put_u8(digits[0]);
        if digits.len() > 1 {
            out.put_u8(b'.');
            out.put_slice(&digits[1..]);
        }
        out.put_slice(if exponent < 0 { b"e-" } else { b"e+" });
        let e = exponent.unsigned_abs();
        if e < 10 {
            out.put_u8(b'0');
        }
        super::digits::put_uint(out, u64::from(e));
    } else if exponent < 0 {
        out.put_slice(&b"0.0000"[..(1 - exponent) as usize]);
        out.put_slice(digits);
    } else {
        let whole = exponent as usize + 1;
        if digits.len() <= whole {
            out.put_slice(digits);
            out.put_slice(&b"000000000000000"[..whole - digits.len()]);
        } else {
            out.put_slice(&digits[..whole]);
            out.put_u8(b'.');
            out.put_slice(&digits[whole..]);
        }
    }
}

/// `float8in`.
pub fn parse_f64(text: &str) -> Result<f64> {
    let (number, value) = scan(text, "double precision", |s| s.parse::<f64>().ok())?;
    check_range(number, value == 0.0, value.is_infinite(), "double precision")?;
    Ok(value)
}

/// `float4in`.
pub fn parse_f32(text: &str) -> Result<f32> {
    let (number, value) = scan(text, "real", |s| s.parse::<f32>().ok())?;
    check_range(number, value == 0.0, value.is_infinite(), "real")?;
    Ok(value)
}

/// Infinity from digits is an overflow, zero from digits that are not all zero an underflow.
fn check_range(number: &str, zero: bool, infinite: bool, ty: &str) -> Result<()> {
    let written = number.bytes().any(|b| b.is_ascii_digit());
    let mantissa = number.split(['e', 'E']).next().unwrap_or("");
    let nonzero = mantissa.bytes().any(|b| (b'1'..=b'9').contains(&b));
    if written && ((zero && nonzero) || infinite) {
        return Err(Error::new(
            SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
            format!("\"{number}\" is out of range for type {ty}"),
        ));
    }
    Ok(())
}

/// The number in the text, without the blanks around it, and its value.
fn scan<'a, T>(text: &'a str, ty: &str, parse: impl Fn(&str) -> Option<T>) -> Result<(&'a str, T)> {
    let body = trim_start(text).trim_end_matches(is_space);
    let bad = || invalid_syntax(ty, text);
    let unsigned = body.strip_prefix(['+', '-']).unwrap_or(body);
    let lower = unsigned.as_bytes().first().map(u8::to_ascii_lowercase);
    let special = match lower {
        Some(b'i') => unsigned.eq_ignore_ascii_case("infinity") || unsigned.eq_ignore_ascii_case("inf"),
        Some(b'n') => unsigned.eq_ignore_ascii_case("nan"),
        _ => false,
    };
    let numeric = matches!(lower, Some(b'0'..=b'9' | b'.'))
        && unsigned.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    if !special && !numeric {
        return Err(bad());
    }
    parse(body).map(|value| (body, value)).ok_or_else(bad)
}
