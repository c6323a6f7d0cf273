//! `numeric`: exact decimal arithmetic with PostgreSQL's scales, NaN and infinities.

mod arith;
mod key;
mod transcend;
mod wire;

pub use wire::{receive_decimal, send_sized_decimal};

use std::borrow::Cow;
use std::cmp::Ordering;

use num_bigint::{BigInt, BigUint, Sign};
use num_traits::{Signed, Zero};

use super::PgType;
use crate::error::{Error, Result, SqlState};

/// The most digits after the point that the type stores (NUMERIC_DSCALE_MAX).
pub const MAX_DSCALE: u32 = 16383;
/// The most digits before the point: (NUMERIC_WEIGHT_MAX + 1) * 4.
pub const MAX_INTEGER_DIGITS: i64 = 131_072;
/// The most digits after the point that arithmetic chooses by itself (NUMERIC_MAX_DISPLAY_SCALE).
const MAX_DISPLAY_SCALE: i32 = 1000;
/// The significant digits that inexact results have at least (NUMERIC_MIN_SIG_DIGITS).
const MIN_SIG_DIGITS: i32 = 16;

/// A value of type numeric. The display scale is part of the value, as in PostgreSQL, but not of its identity:
/// `1.0` and `1.00` compare equal.
#[derive(Debug, Clone)]
pub enum Numeric {
    NegInfinity,
    Finite(Decimal),
    PosInfinity,
    NaN,
}

/// `unscaled / 10^dscale`.
#[derive(Debug, Clone)]
pub struct Decimal {
    pub unscaled: BigInt,
    /// Digits after the decimal point, at most [`MAX_DSCALE`].
    pub dscale: u32,
}

pub(crate) fn overflow() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format")
}

pub(crate) fn pow10(n: u32) -> BigInt {
    BigInt::from(BigUint::from(10u8).pow(n))
}

/// Divides, rounding half away from zero.
fn div_round(n: &BigInt, d: &BigInt) -> BigInt {
    let negative = (n.sign() == Sign::Minus) != (d.sign() == Sign::Minus);
    let (n, d) = (n.magnitude(), d.magnitude());
    let q = (n * 2u8 + d) / (d * 2u8);
    BigInt::from_biguint(if negative { Sign::Minus } else { Sign::Plus }, q)
}

impl Decimal {
    pub fn new(unscaled: impl Into<BigInt>, dscale: u32) -> Self {
        Self { unscaled: unscaled.into(), dscale }
    }

    /// The value with exactly this many digits after the point, rounded half away from zero.
    pub fn rescale(&self, dscale: u32) -> Self {
        let unscaled = match dscale.cmp(&self.dscale) {
            Ordering::Equal => self.unscaled.clone(),
            Ordering::Greater => &self.unscaled * pow10(dscale - self.dscale),
            Ordering::Less => div_round(&self.unscaled, &pow10(self.dscale - dscale)),
        };
        Self { unscaled, dscale }
    }

    /// The unscaled value at a scale that may be negative (multiples of 10^-scale); rounded.
    fn unscaled_at(&self, scale: i32) -> BigInt {
        if scale >= 0 {
            return self.rescale(scale as u32).unscaled;
        }
        div_round(&self.unscaled, &pow10(self.dscale + scale.unsigned_abs()))
    }

    fn checked(self) -> Result<Self> {
        // Cheap test by bits first: 10^131072 has 435412 bits.
        if self.unscaled.bits() > 400_000 && self.digit_count() - i64::from(self.dscale) > MAX_INTEGER_DIGITS {
            return Err(overflow());
        }
        if self.dscale > MAX_DSCALE {
            return Ok(self.rescale(MAX_DSCALE));
        }
        Ok(self)
    }

    fn digit_count(&self) -> i64 {
        self.unscaled.magnitude().to_str_radix(10).len() as i64
    }

    /// Base-10000 digits as PostgreSQL stores them: weight of the first digit, digits without leading and trailing zeros.
    fn groups(&self) -> (i32, Vec<i16>) {
        if self.unscaled.is_zero() {
            return (0, Vec::new());
        }
        let text = self.unscaled.magnitude().to_str_radix(10);
        let exponent = text.len() as i32 - 1 - self.dscale as i32;
        let weight = exponent.div_euclid(4);
        let lead = (exponent - 4 * weight + 1) as usize;
        let mut groups = Vec::with_capacity(text.len() / 4 + 2);
        let digits = text.as_bytes();
        let (mut from, mut to) = (0, lead.min(digits.len()));
        let mut missing = lead - to;
        while from < digits.len() {
            let mut group = digits[from..to].iter().fold(0i16, |n, d| n * 10 + i16::from(d - b'0'));
            for _ in 0..missing {
                group *= 10;
            }
            groups.push(group);
            from = to;
            to = (from + 4).min(digits.len());
            missing = 4 - (to - from);
        }
        while groups.last() == Some(&0) {
            groups.pop();
        }
        (weight, groups)
    }

    fn is_integer(&self) -> bool {
        self.dscale == 0 || (&self.unscaled % pow10(self.dscale)).is_zero()
    }

    fn to_text(&self) -> String {
        let digits = self.unscaled.magnitude().to_str_radix(10);
        let scale = self.dscale as usize;
        let mut out = String::with_capacity(digits.len() + 3 + scale.saturating_sub(digits.len()));
        if self.unscaled.is_negative() {
            out.push('-');
        }
        if scale == 0 {
            out.push_str(&digits);
        } else if digits.len() > scale {
            out.push_str(&digits[..digits.len() - scale]);
            out.push('.');
            out.push_str(&digits[digits.len() - scale..]);
        } else {
            out.push_str("0.");
            out.extend(std::iter::repeat_n('0', scale - digits.len()));
            out.push_str(&digits);
        }
        out
    }
}

impl std::fmt::Display for Numeric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.as_text())
    }
}

impl Numeric {
    pub fn from_i128(n: i128) -> Self {
        Self::Finite(Decimal::new(n, 0))
    }

    /// `unscaled / 10^scale`: a DuckDB decimal.
    pub fn from_decimal(unscaled: i128, scale: u32) -> Self {
        Self::Finite(Decimal::new(unscaled, scale))
    }

    pub fn zero() -> Self {
        Self::from_i128(0)
    }

    pub fn as_text(&self) -> Cow<'static, str> {
        match self {
            Self::NaN => "NaN".into(),
            Self::PosInfinity => "Infinity".into(),
            Self::NegInfinity => "-Infinity".into(),
            Self::Finite(d) => d.to_text().into(),
        }
    }

    pub fn is_nan(&self) -> bool {
        matches!(self, Self::NaN)
    }

    pub fn is_zero(&self) -> bool {
        matches!(self, Self::Finite(d) if d.unscaled.is_zero())
    }

    /// -1, 0 or 1; NaN counts as positive.
    fn signum(&self) -> i32 {
        match self {
            Self::NegInfinity => -1,
            Self::PosInfinity | Self::NaN => 1,
            Self::Finite(d) => match d.unscaled.sign() {
                Sign::Minus => -1,
                Sign::NoSign => 0,
                Sign::Plus => 1,
            },
        }
    }

    /// The display scale; 0 for what is not finite.
    pub fn dscale(&self) -> u32 {
        match self {
            Self::Finite(d) => d.dscale,
            Self::NaN | Self::PosInfinity | Self::NegInfinity => 0,
        }
    }

    /// numeric_in without a modifier. 22P02, or 22003 for what is too large.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = || {
            Error::new(
                SqlState::INVALID_TEXT_REPRESENTATION,
                format!("invalid input syntax for type numeric: \"{text}\""),
            )
        };
        let body = text.trim_matches(|c: char| super::text::is_space(c));
        let (negative, digits) = match body.as_bytes().first() {
            Some(b'-') => (true, &body[1..]),
            Some(b'+') => (false, &body[1..]),
            _ => (false, body),
        };
        if !digits.as_bytes().first().is_some_and(|b| b.is_ascii_digit() || *b == b'.') {
            let signed = digits.len() != body.len();
            return match digits.to_ascii_lowercase().as_str() {
                "nan" if !signed => Ok(Self::NaN),
                "infinity" | "inf" => Ok(if negative { Self::NegInfinity } else { Self::PosInfinity }),
                _ => Err(bad()),
            };
        }
        let (mantissa, exponent) = match digits.find(['e', 'E']) {
            Some(at) => {
                let exponent = &digits[at + 1..];
                let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
                if unsigned.is_empty() || !unsigned.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(bad());
                }
                // PostgreSQL's bound is INT_MAX / 2; what lies between that and its format's bounds overflows as well.
                let e: i64 = exponent.parse().map_err(|_| overflow())?;
                if e.abs() >= i64::from(i32::MAX / 2) {
                    return Err(overflow());
                }
                (&digits[..at], e)
            }
            None => (digits, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if (whole.is_empty() && fraction.is_empty())
            || !whole.bytes().all(|b| b.is_ascii_digit())
            || !fraction.bytes().all(|b| b.is_ascii_digit())
        {
            return Err(bad());
        }
        Self::assemble(negative, whole, fraction, exponent)
    }

    fn assemble(negative: bool, whole: &str, fraction: &str, exponent: i64) -> Result<Self> {
        let significant = whole.trim_start_matches('0');
        let dscale = (fraction.len() as i64 - exponent).max(0);
        if dscale > i64::from(MAX_DSCALE) {
            return Err(overflow());
        }
        let zero = significant.is_empty() && fraction.bytes().all(|b| b == b'0');
        if zero {
            return Ok(Self::Finite(Decimal::new(0, dscale as u32)));
        }
        if significant.len() as i64 + exponent > MAX_INTEGER_DIGITS {
            return Err(overflow());
        }
        let mut unscaled = if significant.len() + fraction.len() <= 38 {
            let mut n: u128 = 0;
            for b in significant.bytes().chain(fraction.bytes()) {
                n = n * 10 + u128::from(b - b'0');
            }
            BigUint::from(n)
        } else {
            let all: Vec<u8> = significant.bytes().chain(fraction.bytes()).collect();
            BigUint::parse_bytes(&all, 10).ok_or_else(overflow)?
        };
        // Shift the point: with a positive exponent beyond the fraction, zeros are appended.
        let extra = exponent - fraction.len() as i64;
        if extra > 0 {
            unscaled *= BigUint::from(10u8).pow(extra as u32);
        }
        let sign = if negative { Sign::Minus } else { Sign::Plus };
        Ok(Self::Finite(Decimal::new(BigInt::from_biguint(sign, unscaled), dscale as u32).checked()?))
    }

    /// numeric_in with the modifier of `ty`.
    pub fn parse_typed(text: &str, ty: PgType) -> Result<Self> {
        Self::parse(text)?.coerce(ty)
    }

    /// Rounds to a `numeric(p,s)` type and checks that the value fits (22003).
    pub fn coerce(self, ty: PgType) -> Result<Self> {
        let Some((precision, scale)) = ty.numeric_precision() else { return Ok(self) };
        let fail = |detail: String| {
            Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "numeric field overflow").detail(detail))
        };
        match &self {
            Self::NaN => Ok(self),
            Self::PosInfinity | Self::NegInfinity => {
                fail(format!("A field with precision {precision}, scale {scale} cannot hold an infinite value."))
            }
            Self::Finite(d) => {
                let unscaled = d.unscaled_at(i32::from(scale));
                if unscaled.magnitude() >= &BigUint::from(10u8).pow(u32::from(precision)) {
                    let whole = i32::from(precision) - i32::from(scale);
                    let bound = if whole == 0 { "1".into() } else { format!("10^{whole}") };
                    return fail(format!(
                        "A field with precision {precision}, scale {scale} must round to an absolute value less than {bound}."
                    ));
                }
                Ok(Self::Finite(if scale >= 0 {
                    Decimal::new(unscaled, scale as u32)
                } else {
                    Decimal::new(unscaled * pow10(u32::from(scale.unsigned_abs())), 0)
                }))
            }
        }
    }

    /// The value as DuckDB's DECIMAL(p,s) holds it: unscaled, rounded to the scale; `None` if it does not fit 38 digits.
    pub fn to_decimal128(&self, scale: u32) -> Option<i128> {
        match self {
            Self::Finite(d) => {
                let n = i128::try_from(d.rescale(scale).unscaled).ok()?;
                (n.unsigned_abs() < 10u128.pow(38)).then_some(n)
            }
            Self::NaN | Self::PosInfinity | Self::NegInfinity => None,
        }
    }

    /// The nearest double; overflow gives infinity.
    pub fn to_f64(&self) -> f64 {
        match self {
            Self::NaN => f64::NAN,
            Self::PosInfinity => f64::INFINITY,
            Self::NegInfinity => f64::NEG_INFINITY,
            Self::Finite(d) => d.to_text().parse().unwrap_or(f64::NAN),
        }
    }

    /// Rounds to an integer; `None` if it does not fit or is not finite.
    pub fn to_i64(&self) -> Option<i64> {
        match self {
            Self::Finite(d) => i64::try_from(d.rescale(0).unscaled).ok(),
            Self::NaN | Self::PosInfinity | Self::NegInfinity => None,
        }
    }

    /// As PostgreSQL casts double precision to numeric: 15 significant digits.
    pub fn from_f64(value: f64) -> Self {
        Self::from_float_text(value, 15)
    }

    /// As PostgreSQL casts real to numeric: 6 significant digits.
    pub fn from_f32(value: f32) -> Self {
        Self::from_float_text(f64::from(value), 6)
    }

    fn from_float_text(value: f64, digits: usize) -> Self {
        if value.is_nan() {
            return Self::NaN;
        }
        if value.is_infinite() {
            return if value > 0.0 { Self::PosInfinity } else { Self::NegInfinity };
        }
        let text = super::text::format_g(value, digits);
        Self::parse(&text).unwrap_or(Self::NaN)
    }

    /// PostgreSQL's order: -Infinity < numbers < Infinity < NaN; NaN equals NaN.
    pub fn compare(&self, other: &Self) -> Ordering {
        fn rank(n: &Numeric) -> u8 {
            match n {
                Numeric::NegInfinity => 0,
                Numeric::Finite(_) => 1,
                Numeric::PosInfinity => 2,
                Numeric::NaN => 3,
            }
        }
        match (self, other) {
            (Self::Finite(a), Self::Finite(b)) => {
                let scale = a.dscale.max(b.dscale);
                a.rescale(scale).unscaled.cmp(&b.rescale(scale).unscaled)
            }
            _ => rank(self).cmp(&rank(other)),
        }
    }
}

impl PartialEq for Numeric {
    fn eq(&self, other: &Self) -> bool {
        self.compare(other) == Ordering::Equal
    }
}

impl Eq for Numeric {}

impl PartialOrd for Numeric {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Numeric {
    fn cmp(&self, other: &Self) -> Ordering {
        self.compare(other)
    }
}
