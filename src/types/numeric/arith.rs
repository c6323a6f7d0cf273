//! Exact arithmetic, with the scales that PostgreSQL's numeric.c chooses.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Signed, Zero};

use super::{Decimal, MAX_DISPLAY_SCALE, MAX_DSCALE, MIN_SIG_DIGITS, Numeric, div_round, pow10};
use crate::error::{Error, Result, SqlState};

fn division_by_zero() -> Error {
    Error::new(SqlState::DIVISION_BY_ZERO, "division by zero")
}

fn signed_infinity(sign: i32) -> Numeric {
    if sign < 0 { Numeric::NegInfinity } else { Numeric::PosInfinity }
}

/// The scale of a quotient (select_div_scale).
fn div_scale(a: &Decimal, b: &Decimal) -> u32 {
    let first = |d: &Decimal| {
        let (weight, groups) = d.groups();
        (weight, groups.first().copied().unwrap_or(0))
    };
    let ((wa, fa), (wb, fb)) = (first(a), first(b));
    let mut qweight = wa - wb;
    if fa <= fb {
        qweight -= 1;
    }
    let scale = (MIN_SIG_DIGITS - qweight * 4).max(a.dscale as i32).max(b.dscale as i32).max(0);
    scale.min(MAX_DISPLAY_SCALE) as u32
}

impl Decimal {
    fn aligned(&self, other: &Self) -> (BigInt, BigInt, u32) {
        let scale = self.dscale.max(other.dscale);
        (self.rescale(scale).unscaled, other.rescale(scale).unscaled, scale)
    }

    /// The quotient rounded to `scale`.
    pub(super) fn div_at(&self, other: &Self, scale: u32) -> Self {
        // (a / 10^sa) / (b / 10^sb) * 10^scale = a * 10^(scale + sb - sa) / b
        let shift = i64::from(scale) + i64::from(other.dscale) - i64::from(self.dscale);
        let q = if shift >= 0 {
            div_round(&(&self.unscaled * pow10(shift as u32)), &other.unscaled)
        } else {
            div_round(&self.unscaled, &(&other.unscaled * pow10(shift.unsigned_abs() as u32)))
        };
        Self::new(q, scale)
    }

    pub(super) fn mul_at(&self, other: &Self, scale: u32) -> Self {
        Self::new(&self.unscaled * &other.unscaled, self.dscale + other.dscale).rescale(scale)
    }
}

impl Numeric {
    pub fn add(&self, other: &Self) -> Result<Self> {
        match (self, other) {
            (Self::Finite(a), Self::Finite(b)) => {
                let (x, y, scale) = a.aligned(b);
                Ok(Self::Finite(Decimal::new(x + y, scale).checked()?))
            }
            (Self::NaN, _) | (_, Self::NaN) => Ok(Self::NaN),
            (Self::PosInfinity, Self::NegInfinity) | (Self::NegInfinity, Self::PosInfinity) => Ok(Self::NaN),
            (Self::Finite(_), infinity) | (infinity, _) => Ok(infinity.clone()),
        }
    }

    pub fn sub(&self, other: &Self) -> Result<Self> {
        self.add(&other.neg())
    }

    pub fn neg(&self) -> Self {
        match self {
            Self::Finite(d) => Self::Finite(Decimal::new(-&d.unscaled, d.dscale)),
            Self::NaN => Self::NaN,
            Self::PosInfinity => Self::NegInfinity,
            Self::NegInfinity => Self::PosInfinity,
        }
    }

    pub fn abs(&self) -> Self {
        match self {
            Self::Finite(d) => Self::Finite(Decimal::new(d.unscaled.abs(), d.dscale)),
            Self::NaN => Self::NaN,
            Self::PosInfinity | Self::NegInfinity => Self::PosInfinity,
        }
    }

    /// `sign()`: -1, 0 or 1; NaN for NaN.
    pub fn sign(&self) -> Self {
        if self.is_nan() { Self::NaN } else { Self::from_i128(i128::from(self.signum())) }
    }

    pub fn mul(&self, other: &Self) -> Result<Self> {
        match (self, other) {
            (Self::Finite(a), Self::Finite(b)) => {
                let scale = (a.dscale + b.dscale).min(MAX_DSCALE);
                Ok(Self::Finite(a.mul_at(b, scale).checked()?))
            }
            (Self::NaN, _) | (_, Self::NaN) => Ok(Self::NaN),
            _ => Ok(match self.signum() * other.signum() {
                0 => Self::NaN,
                sign => signed_infinity(sign),
            }),
        }
    }

    pub fn div(&self, other: &Self) -> Result<Self> {
        match (self, other) {
            (Self::NaN, _) | (_, Self::NaN) => Ok(Self::NaN),
            (Self::Finite(a), Self::Finite(b)) => {
                if b.unscaled.is_zero() {
                    return Err(division_by_zero());
                }
                Ok(Self::Finite(a.div_at(b, div_scale(a, b)).checked()?))
            }
            (Self::Finite(_), Self::PosInfinity | Self::NegInfinity) => Ok(Self::zero()),
            (Self::PosInfinity | Self::NegInfinity, Self::PosInfinity | Self::NegInfinity) => Ok(Self::NaN),
            (Self::PosInfinity | Self::NegInfinity, Self::Finite(_)) => match other.signum() {
                0 => Err(division_by_zero()),
                sign => Ok(signed_infinity(self.signum() * sign)),
            },
        }
    }

    /// `div(a, b)`: the quotient cut to an integer.
    pub fn div_trunc(&self, other: &Self) -> Result<Self> {
        match (self, other) {
            (Self::Finite(a), Self::Finite(b)) => {
                if b.unscaled.is_zero() {
                    return Err(division_by_zero());
                }
                let (x, y, _) = a.aligned(b);
                Ok(Self::Finite(Decimal::new(x / y, 0)))
            }
            _ => self.div(other),
        }
    }

    /// `a % b`, with the sign of `a`.
    pub fn rem(&self, other: &Self) -> Result<Self> {
        match (self, other) {
            (Self::NaN, _) | (_, Self::NaN) => Ok(Self::NaN),
            (Self::Finite(a), Self::Finite(b)) => {
                if b.unscaled.is_zero() {
                    return Err(division_by_zero());
                }
                let (x, y, scale) = a.aligned(b);
                Ok(Self::Finite(Decimal::new(x % y, scale)))
            }
            (Self::PosInfinity | Self::NegInfinity, _) => {
                if other.is_zero() {
                    return Err(division_by_zero());
                }
                Ok(Self::NaN)
            }
            (Self::Finite(_), Self::PosInfinity | Self::NegInfinity) => Ok(self.clone()),
        }
    }

    /// `round(x, scale)`: half away from zero; a negative scale rounds before the point.
    pub fn round(&self, scale: i32) -> Result<Self> {
        let Self::Finite(d) = self else { return Ok(self.clone()) };
        let scale = scale.clamp(-131_072, MAX_DSCALE as i32);
        let unscaled = d.unscaled_at(scale);
        Ok(Self::Finite(if scale >= 0 {
            Decimal::new(unscaled, scale as u32)
        } else {
            Decimal::new(unscaled * pow10(scale.unsigned_abs()), 0).checked()?
        }))
    }

    /// `trunc(x, scale)`: towards zero.
    pub fn trunc(&self, scale: i32) -> Self {
        let Self::Finite(d) = self else { return self.clone() };
        let scale = scale.clamp(-131_072, MAX_DSCALE as i32);
        let cut = i64::from(d.dscale) - i64::from(scale);
        if cut <= 0 {
            return Self::Finite(d.rescale(scale as u32));
        }
        let unscaled = &d.unscaled / pow10(cut as u32);
        Self::Finite(if scale >= 0 {
            Decimal::new(unscaled, scale as u32)
        } else {
            Decimal::new(unscaled * pow10(scale.unsigned_abs()), 0)
        })
    }

    pub fn floor(&self) -> Self {
        let Self::Finite(d) = self else { return self.clone() };
        Self::Finite(Decimal::new(d.unscaled.div_floor(&pow10(d.dscale)), 0))
    }

    pub fn ceil(&self) -> Self {
        let Self::Finite(d) = self else { return self.clone() };
        Self::Finite(Decimal::new(d.unscaled.div_ceil(&pow10(d.dscale)), 0))
    }

    /// `scale(x)`; `None` for what is not finite.
    pub fn scale(&self) -> Option<u32> {
        match self {
            Self::Finite(d) => Some(d.dscale),
            Self::NaN | Self::PosInfinity | Self::NegInfinity => None,
        }
    }

    /// `min_scale(x)`: the digits after the point that are needed.
    pub fn min_scale(&self) -> Option<u32> {
        let Self::Finite(d) = self else { return None };
        let mut scale = d.dscale;
        let mut n = d.unscaled.clone();
        while scale > 0 {
            let (q, r) = n.div_rem(&BigInt::from(10));
            if !r.is_zero() {
                break;
            }
            n = q;
            scale -= 1;
        }
        Some(scale)
    }

    /// `trim_scale(x)`.
    pub fn trim_scale(&self) -> Self {
        match (self, self.min_scale()) {
            (Self::Finite(d), Some(scale)) => Self::Finite(d.rescale(scale)),
            _ => self.clone(),
        }
    }
}
