//! sqrt, exp, ln, log and power: computed in fixed point with guard digits, rounded to the scale that PostgreSQL chooses.

use std::f64::consts::{LN_10, LOG10_E};

use num_bigint::{BigInt, Sign};
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::{Decimal, MAX_DISPLAY_SCALE, MAX_DSCALE, MAX_INTEGER_DIGITS, MIN_SIG_DIGITS, Numeric, overflow, pow10};
use crate::error::{Error, Result, SqlState};

/// NUMERIC_MAX_RESULT_SCALE.
const MAX_RESULT_SCALE: f64 = 2000.0;
/// Digits computed beyond the result's.
const GUARD: u32 = 12;

fn clamp_scale(scale: i32, least: u32) -> u32 {
    scale.max(least as i32).clamp(0, MAX_DISPLAY_SCALE) as u32
}

fn log_error(message: &str) -> Error {
    Error::new(SqlState::INVALID_ARGUMENT_FOR_LOG, message)
}

fn power_error(message: &str) -> Error {
    Error::new(SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION, message)
}

/// The decimal exponent of ln(x), roughly (estimate_ln_dweight).
fn estimate_ln_dweight(x: &Decimal) -> i32 {
    if !x.unscaled.is_positive() {
        return 0;
    }
    let tenths = &x.unscaled * 10;
    let one = pow10(x.dscale);
    if tenths >= &one * 9 && tenths <= &one * 11 {
        let (weight, groups) = Decimal::new(&x.unscaled - &one, x.dscale).groups();
        return groups.first().map_or(0, |g| weight * 4 + f64::from(*g).log10() as i32);
    }
    let (weight, groups) = x.groups();
    let mut digits = f64::from(groups[0]);
    let mut dweight = weight * 4;
    if let Some(second) = groups.get(1) {
        digits = digits * 10_000.0 + f64::from(*second);
        dweight -= 4;
    }
    let ln = digits.ln() + f64::from(dweight) * LN_10;
    ln.abs().log10() as i32
}

/// ln(2) * 10^p.
fn ln2(p: u32) -> BigInt {
    // ln 2 = 18 atanh(1/26) - 2 atanh(1/4801) + 8 atanh(1/8749)
    let unit = pow10(p);
    let atanh_inv = |n: i64| {
        let square = BigInt::from(n * n);
        let mut term = &unit / n;
        let mut sum = BigInt::zero();
        let mut k = 1i64;
        while !term.is_zero() {
            sum += &term / k;
            term /= &square;
            k += 2;
        }
        sum
    };
    atanh_inv(26) * 18 - atanh_inv(4801) * 2 + atanh_inv(8749) * 8
}

/// ln(x) with `scale` digits after the point, for x > 0.
fn ln_at(x: &Decimal, scale: u32) -> Decimal {
    // k with x / 2^k near 1; a few more digits for k * ln 2.
    let p = scale + GUARD + 8;
    let unit = pow10(p);
    let k = x.unscaled.bits() as i64 - pow10(x.dscale).bits() as i64;
    // m = x / 2^k * 10^p
    let num = &x.unscaled * &unit;
    let den = pow10(x.dscale);
    let mut m = if k >= 0 { num / (den << k as usize) } else { (num << k.unsigned_abs() as usize) / den };
    // Square roots bring m closer to 1, so that the series is short.
    let roots = if scale > 100 { 8 } else { 2 };
    for _ in 0..roots {
        m = (m * &unit).sqrt();
    }
    let y = (&m - &unit) * &unit / (&m + &unit);
    let square = &y * &y / &unit;
    let mut term = y;
    let mut sum = BigInt::zero();
    let mut n = 1i64;
    while !term.is_zero() {
        sum += &term / n;
        term = term * &square / &unit;
        n += 2;
    }
    let total = (sum << (roots + 1)) + ln2(p) * k;
    Decimal::new(total, p).rescale(scale)
}

/// e^x with `scale` digits after the point; |x| is below 6100.
fn exp_at(x: &Decimal, scale: u32) -> Decimal {
    let approx = Numeric::Finite(x.clone()).to_f64() * LOG10_E;
    let p = scale + approx.max(0.0) as u32 + GUARD + 8;
    let fixed = x.rescale(p).unscaled;
    let ln2 = ln2(p);
    let k = fixed.div_floor(&ln2);
    let mut r = fixed - &k * &ln2;
    let halvings = if scale > 100 { 16 } else { 6 };
    // Guard bits for the squarings come from working with a finer unit.
    let fine = pow10(p + 8);
    r *= pow10(8);
    r >>= halvings;
    let mut term = fine.clone();
    let mut sum = fine.clone();
    let mut n = 1i64;
    loop {
        term = term * &r / &fine / n;
        if term.is_zero() {
            break;
        }
        sum += &term;
        n += 1;
    }
    for _ in 0..halvings {
        sum = &sum * &sum / &fine;
    }
    let k = k.to_i64().unwrap_or(0);
    let value = if k >= 0 { sum << k as usize } else { sum >> k.unsigned_abs() as usize };
    Decimal::new(value, p + 8).rescale(scale)
}

/// log10(|x|) by the first sixteen digits; 0 for zero.
fn approx_log10(x: &Decimal) -> f64 {
    let (weight, groups) = x.groups();
    let Some(first) = groups.first() else { return 0.0 };
    let mut f = f64::from(*first);
    let mut p = weight * 4;
    for group in groups.iter().take(4).skip(1) {
        f = f * 10_000.0 + f64::from(*group);
        p -= 4;
    }
    f.log10() + f64::from(p)
}

/// The root of a decimal that is not negative.
fn root(d: &Decimal, scale: u32) -> Decimal {
    // The root of unscaled * 10^(2 * (scale + 1) - dscale), one digit finer, then rounded.
    let fine = 2 * (scale + 1);
    let n = if fine >= d.dscale { &d.unscaled * pow10(fine - d.dscale) } else { &d.unscaled / pow10(d.dscale - fine) };
    Decimal::new(n.sqrt(), scale + 1).rescale(scale)
}

impl Numeric {
    /// The square root with as many digits after the point as are asked for (sqrt_var).
    pub fn sqrt_at(&self, scale: u32) -> Result<Self> {
        match self {
            Self::Finite(d) if !d.unscaled.is_negative() => Ok(Self::Finite(root(d, scale))),
            _ => self.sqrt(),
        }
    }

    pub fn sqrt(&self) -> Result<Self> {
        let negative = || {
            Error::new(SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION, "cannot take square root of a negative number")
        };
        let d = match self {
            Self::NaN | Self::PosInfinity => return Ok(self.clone()),
            Self::NegInfinity => return Err(negative()),
            Self::Finite(d) => d,
        };
        if d.unscaled.is_negative() {
            return Err(negative());
        }
        let (weight, _) = d.groups();
        let sweight = (weight + 1) * 4 / 2 - 1;
        let scale = clamp_scale(MIN_SIG_DIGITS - sweight, d.dscale);
        Ok(Self::Finite(root(d, scale)))
    }

    pub fn exp(&self) -> Result<Self> {
        let d = match self {
            Self::NaN | Self::PosInfinity => return Ok(self.clone()),
            Self::NegInfinity => return Ok(Self::zero()),
            Self::Finite(d) => d,
        };
        let x = self.to_f64();
        let weight = (x * LOG10_E).clamp(-MAX_RESULT_SCALE, MAX_RESULT_SCALE);
        let scale = clamp_scale(MIN_SIG_DIGITS - weight as i32, d.dscale);
        exp_checked(d, x, scale).map(Self::Finite)
    }

    pub fn ln(&self) -> Result<Self> {
        let d = self.log_argument()?;
        let Self::Finite(d) = d else { return Ok(d.clone()) };
        let scale = clamp_scale(MIN_SIG_DIGITS - estimate_ln_dweight(d), d.dscale);
        Ok(Self::Finite(ln_at(d, scale)))
    }

    fn log_argument(&self) -> Result<&Self> {
        match self {
            Self::NaN | Self::PosInfinity => Ok(self),
            _ if self.signum() < 0 => Err(log_error("cannot take logarithm of a negative number")),
            _ if self.is_zero() => Err(log_error("cannot take logarithm of zero")),
            _ => Ok(self),
        }
    }

    /// `log(x)`: to base 10.
    pub fn log10(&self) -> Result<Self> {
        Self::from_i128(10).log(self)
    }

    /// `log(base, x)`.
    pub fn log(&self, x: &Self) -> Result<Self> {
        if self.is_nan() || x.is_nan() {
            return Ok(Self::NaN);
        }
        // With an infinity, signs are judged before zeros, on both sides.
        let finite = matches!((self, x), (Self::Finite(_), Self::Finite(_)));
        if !finite && (self.signum() < 0 || x.signum() < 0) {
            return Err(log_error("cannot take logarithm of a negative number"));
        }
        let (base, num) = (self.log_argument()?, x.log_argument()?);
        let (base, num) = match (base, num) {
            (Self::Finite(b), Self::Finite(n)) => (b, n),
            (Self::PosInfinity, Self::PosInfinity) => return Ok(Self::NaN),
            (Self::PosInfinity, _) => return Ok(Self::zero()),
            _ => return Ok(Self::PosInfinity),
        };
        let (base_weight, num_weight) = (estimate_ln_dweight(base), estimate_ln_dweight(num));
        let weight = num_weight - base_weight;
        let scale = clamp_scale(MIN_SIG_DIGITS - weight, base.dscale.max(num.dscale));
        let at = |w: i32| (scale as i32 + weight - w + 8).max(0) as u32 + 8;
        let (ln_base, ln_num) = (ln_at(base, at(base_weight)), ln_at(num, at(num_weight)));
        if ln_base.unscaled.is_zero() {
            return Err(Error::new(SqlState::DIVISION_BY_ZERO, "division by zero"));
        }
        Ok(Self::Finite(ln_num.div_at(&ln_base, scale)))
    }

    pub fn power(&self, exponent: &Self) -> Result<Self> {
        let one = || Ok(Self::Finite(Decimal::new(1, 0)));
        match (self, exponent) {
            (Self::Finite(b), Self::Finite(e)) => power_finite(b, e).map(Self::Finite),
            // 1 to any power and anything to the power 0 is 1, even with NaN.
            (Self::Finite(_), Self::NaN) if *self == Self::from_i128(1) => one(),
            (Self::NaN, Self::Finite(_)) if exponent.is_zero() => one(),
            (Self::NaN, _) | (_, Self::NaN) => Ok(Self::NaN),
            _ => self.power_infinite(exponent),
        }
    }

    /// At least one of the two is infinite, neither is NaN.
    fn power_infinite(&self, exponent: &Self) -> Result<Self> {
        let one = Self::from_i128(1);
        if self.is_zero() && exponent.signum() < 0 {
            return Err(power_error("zero raised to a negative power is undefined"));
        }
        if *self == one || exponent.is_zero() {
            return Ok(one);
        }
        if let Self::Finite(_) = self {
            // exponent is infinite
            if *self == one.neg() {
                return Ok(one);
            }
            let grows = self.abs() > one;
            return Ok(if grows == (exponent.signum() > 0) { Self::PosInfinity } else { Self::zero() });
        }
        if self.signum() > 0 {
            return Ok(if exponent.signum() > 0 { Self::PosInfinity } else { Self::zero() });
        }
        // -Infinity
        match exponent {
            Self::Finite(e) => {
                if !e.is_integer() {
                    return Err(power_error("a negative number raised to a non-integer power yields a complex result"));
                }
                if exponent.signum() < 0 {
                    return Ok(Self::zero());
                }
                Ok(if e.rescale(0).unscaled.is_odd() { Self::NegInfinity } else { Self::PosInfinity })
            }
            Self::PosInfinity | Self::NaN => Ok(Self::PosInfinity),
            Self::NegInfinity => Ok(Self::zero()),
        }
    }
}

/// exp_var: the overflow test and the computation.
fn exp_checked(d: &Decimal, x: f64, scale: u32) -> Result<Decimal> {
    if x.abs() >= MAX_RESULT_SCALE * 3.0 {
        return if x > 0.0 { Err(overflow()) } else { Ok(Decimal::new(0, scale)) };
    }
    exp_at(d, scale).checked()
}

fn power_finite(base: &Decimal, exponent: &Decimal) -> Result<Decimal> {
    if base.unscaled.is_zero() && exponent.unscaled.is_negative() {
        return Err(power_error("zero raised to a negative power is undefined"));
    }
    let integer = exponent.is_integer();
    if integer && let Some(e) = exponent.rescale(0).unscaled.to_i32() {
        return power_int(base, e);
    }
    if base.unscaled.is_zero() {
        return Ok(Decimal::new(0, MIN_SIG_DIGITS as u32));
    }
    let mut negative = false;
    let mut base = base.clone();
    if base.unscaled.is_negative() {
        if !integer {
            return Err(power_error("a negative number raised to a non-integer power yields a complex result"));
        }
        negative = exponent.rescale(0).unscaled.is_odd();
        base.unscaled = base.unscaled.abs();
    }
    let ln_weight = estimate_ln_dweight(&base);
    let rough = ln_at(&base, (8 - ln_weight).max(0) as u32).mul_at(exponent, (8 - ln_weight).max(0) as u32);
    let val = Numeric::Finite(rough).to_f64();
    if val.abs() > MAX_RESULT_SCALE * 3.01 {
        return if val > 0.0 { Err(overflow()) } else { Ok(Decimal::new(0, MAX_DISPLAY_SCALE as u32)) };
    }
    let weight = (val * LOG10_E) as i32;
    let scale = clamp_scale(MIN_SIG_DIGITS - weight, base.dscale.max(exponent.dscale));
    let digits = (scale as i32 + weight).max(0);
    let local = (digits - ln_weight + 8).max(0) as u32;
    let product = ln_at(&base, local).mul_at(exponent, local);
    let x = Numeric::Finite(product.clone()).to_f64();
    let mut result = exp_checked(&product, x, scale)?;
    if negative {
        result.unscaled = -result.unscaled;
    }
    Ok(result)
}

/// power_var_int of PostgreSQL 15: rounded to sixteen digits after the point, or the base's own scale if that is more.
fn power_int(base: &Decimal, exponent: i32) -> Result<Decimal> {
    let f = approx_log10(base) * f64::from(exponent);
    if f > MAX_INTEGER_DIGITS as f64 {
        return Err(overflow());
    }
    let scale = clamp_scale(MIN_SIG_DIGITS, base.dscale);
    if f + 1.0 < -f64::from(scale) {
        return Ok(Decimal::new(0, scale));
    }
    match exponent {
        0 => return Ok(Decimal::new(1, 0).rescale(scale)),
        1 => return Ok(base.rescale(scale)),
        -1 => return Ok(Decimal::new(1, 0).div_at(base, scale)),
        2 => return Ok(base.mul_at(base, scale)),
        _ => {}
    }
    if base.unscaled.is_zero() {
        return Ok(Decimal::new(0, scale));
    }
    // Digits that the result needs, and enough more to survive the multiplications.
    let digits = (f64::from(scale) + f.max(0.0)) as u32 + 24 + (f64::from(exponent.unsigned_abs())).log10() as u32;
    let mut result = Float::one();
    let mut power = Float::of(base, digits);
    let mut n = exponent.unsigned_abs();
    while n > 0 {
        if n & 1 == 1 {
            result = result.mul(&power, digits);
        }
        n >>= 1;
        if n > 0 {
            power = power.mul(&power, digits);
        }
    }
    if exponent < 0 {
        result = result.reciprocal(digits);
    }
    result.to_decimal(scale)?.checked()
}

/// A decimal floating number with a bounded number of significant digits.
struct Float {
    mantissa: BigInt,
    exponent: i64,
}

impl Float {
    fn one() -> Self {
        Self { mantissa: BigInt::one(), exponent: 0 }
    }

    fn of(d: &Decimal, digits: u32) -> Self {
        Self { mantissa: d.unscaled.clone(), exponent: -i64::from(d.dscale) }.cut(digits)
    }

    fn cut(mut self, digits: u32) -> Self {
        // 3.3219 bits a digit; keep some more rather than count exactly.
        let have = (self.mantissa.bits() as f64 / std::f64::consts::LOG2_10) as i64;
        let extra = have - i64::from(digits) - 2;
        if extra > 0 {
            self.mantissa /= pow10(extra as u32);
            self.exponent += extra;
        }
        self
    }

    fn mul(&self, other: &Self, digits: u32) -> Self {
        Self { mantissa: &self.mantissa * &other.mantissa, exponent: self.exponent + other.exponent }.cut(digits)
    }

    fn reciprocal(&self, digits: u32) -> Self {
        let have = (self.mantissa.bits() as f64 / std::f64::consts::LOG2_10) as u32;
        let shift = digits + have + 4;
        Self { mantissa: pow10(shift) / &self.mantissa, exponent: -self.exponent - i64::from(shift) }
    }

    fn to_decimal(&self, scale: u32) -> Result<Decimal> {
        let shift = self.exponent + i64::from(scale);
        if shift >= 0 {
            if shift > MAX_INTEGER_DIGITS + i64::from(MAX_DSCALE) {
                return Err(overflow());
            }
            return Ok(Decimal::new(&self.mantissa * pow10(shift as u32), scale));
        }
        if shift < -400_000 {
            return Ok(Decimal::new(0, scale));
        }
        let sign = self.mantissa.sign();
        let rounded = super::div_round(&self.mantissa, &pow10(shift.unsigned_abs() as u32));
        debug_assert!(rounded.is_zero() || rounded.sign() == sign || sign == Sign::NoSign);
        Ok(Decimal::new(rounded, scale))
    }
}
