//! numeric_send and numeric_recv: base-10000 digits with weight, sign and display scale.

use bytes::BufMut;
use num_bigint::{BigInt, Sign};

use super::{Decimal, MAX_DSCALE, Numeric, overflow};
use crate::error::{Error, Result, SqlState};
use crate::types::text::digits::put_prefix;

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xc000;
const POS_INFINITY: u16 = 0xd000;
const NEG_INFINITY: u16 = 0xf000;

fn bad(what: &str) -> Error {
    Error::new(SqlState::INVALID_BINARY_REPRESENTATION, format!("invalid {what} in external \"numeric\" value"))
}

impl Numeric {
    /// Appends the binary form, without a length word.
    pub fn send(&self, out: &mut Vec<u8>) {
        let header = |out: &mut Vec<u8>, n: usize, weight: i32, sign: u16, dscale: u32| {
            out.put_i16(n as i16);
            out.put_i16(weight as i16);
            out.put_u16(sign);
            out.put_u16(dscale as u16);
        };
        match self {
            Self::NaN => header(out, 0, 0, NAN, 0),
            // What PostgreSQL reads from an infinity as its display scale.
            Self::PosInfinity => header(out, 0, 0, POS_INFINITY, 0x20),
            Self::NegInfinity => header(out, 0, 0, NEG_INFINITY, 0x20),
            Self::Finite(d) => {
                let (weight, groups) = d.groups();
                let sign = if d.unscaled.sign() == Sign::Minus { NEGATIVE } else { POSITIVE };
                header(out, groups.len(), weight, sign, d.dscale);
                groups.iter().for_each(|g| out.put_i16(*g));
            }
        }
    }

    /// Reads the binary form. 22P03 for what is malformed.
    pub fn receive(data: &[u8]) -> Result<Self> {
        let word = |at: usize| data.get(at..at + 2).map(|b| u16::from_be_bytes([b[0], b[1]]));
        let (Some(n), Some(weight), Some(sign), Some(dscale)) = (word(0), word(2), word(4), word(6)) else {
            return Err(Error::new(SqlState::PROTOCOL_VIOLATION, "insufficient data left in message"));
        };
        let n = usize::from(n);
        if data.len() != 8 + 2 * n {
            return Err(if data.len() < 8 + 2 * n {
                Error::new(SqlState::PROTOCOL_VIOLATION, "insufficient data left in message")
            } else {
                Error::new(SqlState::INVALID_BINARY_REPRESENTATION, "incorrect binary data format")
            });
        }
        let sign = match sign {
            POSITIVE => Sign::Plus,
            NEGATIVE => Sign::Minus,
            NAN => return Ok(Self::NaN),
            POS_INFINITY => return Ok(Self::PosInfinity),
            NEG_INFINITY => return Ok(Self::NegInfinity),
            _ => return Err(bad("sign")),
        };
        let dscale = u32::from(dscale);
        if dscale > MAX_DSCALE {
            return Err(bad("scale"));
        }
        let mut digits = Vec::with_capacity(n * 4);
        for i in 0..n {
            let group = word(8 + 2 * i).unwrap_or(0);
            if group >= 10_000 {
                return Err(bad("digit"));
            }
            digits.extend([group / 1000, group / 100 % 10, group / 10 % 10, group % 10].map(|d| d as u8));
        }
        if digits.is_empty() {
            return Ok(Self::Finite(Decimal::new(0, dscale)));
        }
        // The digits are the value times 10^scale, where scale may be negative; digits past dscale are cut, not rounded.
        let scale = (n as i64 - 1 - i64::from(weight as i16)) * 4;
        let keep = digits.len() as i64 + i64::from(dscale) - scale;
        if keep <= 0 {
            return Ok(Self::Finite(Decimal::new(0, dscale)));
        }
        if keep > 200_000 {
            return Err(overflow());
        }
        digits.resize(keep as usize, 0);
        let unscaled = BigInt::from_radix_be(sign, &digits, 10).ok_or_else(|| bad("digit"))?;
        Ok(Self::Finite(Decimal::new(unscaled, dscale).checked()?))
    }
}

/// numeric_send of a DuckDB decimal with its length in four bytes, without a detour through big integers.
#[inline]
pub fn send_sized_decimal(unscaled: i128, scale: u32, out: &mut Vec<u8>) {
    let padded = u64::try_from(unscaled.unsigned_abs()).ok().and_then(|n| n.checked_mul(padding(scale)));
    match padded {
        Some(padded) if padded < 10_000_000_000_000_000 => send_small(padded, unscaled < 0, scale, out),
        Some(_) | None => {
            let at = out.len();
            out.put_u32(0);
            send_wide(unscaled, scale, out);
            let length = (out.len() - at - 4) as u32;
            out[at..at + 4].copy_from_slice(&length.to_be_bytes());
        }
    }
}

/// Groups of four digits count from the point: by this the fraction is padded to whole groups.
#[inline]
fn padding(scale: u32) -> u64 {
    match scale % 4 {
        0 => 1,
        1 => 1000,
        2 => 100,
        _ => 10,
    }
}

/// Up to four groups: composed in registers, without a branch, and stored in one piece. `padded` is the value in units of
/// the last group of its scale.
#[inline]
fn send_small(padded: u64, negative: bool, scale: u32, out: &mut Vec<u8>) {
    const GROUPS: u32 = 4;
    let (high, low) = (padded / 100_000_000, padded % 100_000_000);
    let groups = (high / 10_000) << 48 | (high % 10_000) << 32 | (low / 10_000) << 16 | (low % 10_000);
    // Zeros before the first group do not count, nor are those after the last sent.
    let count = GROUPS - (groups.leading_zeros() / 16).min(GROUPS);
    let kept = count - (groups.trailing_zeros() / 16).min(count);
    let digits = groups.checked_shl(16 * (GROUPS - count)).unwrap_or(0);
    let weight = if count == 0 { 0 } else { count as i32 - scale.div_ceil(4) as i32 - 1 };
    let sign = if negative { NEGATIVE } else { POSITIVE };
    let header =
        u64::from(kept) << 48 | u64::from(weight as u16) << 32 | u64::from(sign) << 16 | u64::from(scale as u16);
    let length = 8 + 2 * kept;
    let mut text = [0; 20];
    text[..4].copy_from_slice(&length.to_be_bytes());
    text[4..12].copy_from_slice(&header.to_be_bytes());
    text[12..].copy_from_slice(&digits.to_be_bytes());
    put_prefix(out, &text, 4 + length as usize);
}

/// numeric_send of a decimal that does not fit 64 bits.
fn send_wide(unscaled: i128, scale: u32, out: &mut Vec<u8>) {
    // Groups of four digits count from the point: the fraction is padded to whole groups.
    let fraction_groups = scale.div_ceil(4);
    let padding = 10u128.pow(fraction_groups * 4 - scale);
    let Some(mut rest) = unscaled.unsigned_abs().checked_mul(padding) else {
        return Numeric::from_decimal(unscaled, scale).send(out);
    };
    let mut groups = [0u8; 24];
    let mut from = groups.len();
    let mut count = 0i32;
    let mut significant = false;
    let mut push = |group: u16| {
        count += 1;
        significant |= group != 0;
        if significant {
            from -= 2;
            groups[from..from + 2].copy_from_slice(&group.to_be_bytes());
        }
    };
    while rest > u128::from(u64::MAX) {
        push((rest % 10_000) as u16);
        rest /= 10_000;
    }
    let mut low = rest as u64;
    while low > 0 {
        push((low % 10_000) as u16);
        low /= 10_000;
    }
    let digits = &groups[from..];
    let weight = if digits.is_empty() { 0 } else { count - fraction_groups as i32 - 1 };
    out.put_u16((digits.len() / 2) as u16);
    out.put_i16(weight as i16);
    out.put_u16(if unscaled < 0 { NEGATIVE } else { POSITIVE });
    out.put_u16(scale as u16);
    out.put_slice(digits);
}

/// numeric_recv straight into the unscaled value of a DECIMAL(precision, scale), for what fits without rounding;
/// `None` for anything else (malformed, special, too large or too fine), which goes the long way.
#[inline]
pub fn receive_decimal(data: &[u8], precision: u8, scale: u8) -> Option<i128> {
    let (header, digits) = data.split_first_chunk::<8>()?;
    let word = u64::from_be_bytes(*header);
    let (count, weight) = ((word >> 48) as usize, i32::from((word >> 32) as u16 as i16));
    let (sign, dscale) = ((word >> 16) as u16, word as u16);
    let special = sign != POSITIVE && sign != NEGATIVE;
    if count <= 4 && precision <= 18 && !special && digits.len() == 2 * count && dscale == u16::from(scale) {
        let unscaled = receive_small(digits, 4 * (weight + 1 - count as i32) + i32::from(scale), precision)?;
        return Some(i128::from(if sign == NEGATIVE { -unscaled } else { unscaled }));
    }
    // Seven groups are 28 digits: no overflow below.
    if special || digits.len() != 2 * count || count > 7 || u32::from(dscale) > u32::from(scale) {
        return None;
    }
    let mut unscaled: i128 = 0;
    for pair in digits.chunks_exact(2) {
        let group = u16::from_be_bytes([pair[0], pair[1]]);
        if group >= 10_000 {
            return None;
        }
        unscaled = unscaled * 10_000 + i128::from(group);
    }
    // The groups count in units of 10^(4 * (weight + 1 - count)).
    let shift = 4 * (weight + 1 - count as i32) + i32::from(scale);
    let unscaled = if shift >= 0 {
        unscaled.checked_mul(10i128.checked_pow(shift as u32)?)?
    } else {
        // Digits beyond the display scale are cut on receipt: where there are any, the long way decides.
        let unit = 10i128.checked_pow(shift.unsigned_abs())?;
        if unscaled % unit != 0 {
            return None;
        }
        unscaled / unit
    };
    let shown = 10i128.checked_pow(u32::from(scale) - u32::from(dscale))?;
    if unscaled % shown != 0 || unscaled >= 10i128.checked_pow(u32::from(precision))? {
        return None;
    }
    Some(if sign == NEGATIVE { -unscaled } else { unscaled })
}

/// The same for at most four groups, which are less than 10^16: in one register.
#[inline]
fn receive_small(digits: &[u8], shift: i32, precision: u8) -> Option<i64> {
    const BASE: u64 = 10_000;
    let group = |a: u8, b: u8| u64::from(u16::from_be_bytes([a, b]));
    let (unscaled, most) = match *digits {
        [] => (0, 0),
        [a, b] => (group(a, b), group(a, b)),
        [a, b, c, d] => {
            let (high, low) = (group(a, b), group(c, d));
            (high * BASE + low, high.max(low))
        }
        [a, b, c, d, e, f] => {
            let (high, middle, low) = (group(a, b), group(c, d), group(e, f));
            ((high * BASE + middle) * BASE + low, high.max(middle).max(low))
        }
        [a, b, c, d, e, f, g, h] => {
            let (one, two, three, four) = (group(a, b), group(c, d), group(e, f), group(g, h));
            ((one * BASE + two) * (BASE * BASE) + (three * BASE + four), one.max(two).max(three).max(four))
        }
        _ => return None,
    };
    if most >= BASE {
        return None;
    }
    let power = |n: u32| POWERS.get(n as usize).copied();
    let unscaled = if shift >= 0 {
        unscaled.checked_mul(power(shift as u32)?)?
    } else {
        // A power known at compile time makes the division a multiplication.
        let (whole, rest) = match shift {
            -1 => (unscaled / 10, unscaled % 10),
            -2 => (unscaled / 100, unscaled % 100),
            -3 => (unscaled / 1000, unscaled % 1000),
            _ => {
                let unit = power(shift.unsigned_abs())?;
                (unscaled / unit, unscaled % unit)
            }
        };
        if rest != 0 {
            return None;
        }
        whole
    };
    (unscaled < power(u32::from(precision))?).then_some(unscaled as i64)
}

/// 10^0 to 10^18.
const POWERS: [u64; 19] = {
    let mut powers = [1; 19];
    let mut i = 1;
    while i < 19 {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_received_as_big_numbers_are() {
        let groups: Vec<u16> = vec![0, 1, 9, 10, 99, 100, 5000, 7890, 9999, 10_000];
        let mut seed = 1u64;
        let mut next = |n: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % n
        };
        let mut known = 0;
        for _ in 0..200_000 {
            let (count, scale) = (next(7), next(9) as u8);
            let precision = scale + 1 + next(18) as u8;
            let dscale = if next(3) > 0 { scale } else { next(10) as u8 };
            let mut data = Vec::new();
            data.extend((count as u16).to_be_bytes());
            data.extend((next(9) as i16 - 4).to_be_bytes());
            data.extend([POSITIVE, NEGATIVE, POSITIVE, 0xc000][next(4)].to_be_bytes());
            data.extend(u16::from(dscale).to_be_bytes());
            (0..count).for_each(|_| data.extend(groups[next(groups.len())].to_be_bytes()));
            let Some(short) = receive_decimal(&data, precision, scale) else { continue };
            known += 1;
            let long = Numeric::receive(&data).unwrap().to_decimal128(u32::from(scale));
            assert_eq!(Some(short), long, "{data:?}");
            assert!(short.unsigned_abs() < 10u128.pow(u32::from(precision)));
        }
        assert!(known > 10_000, "{known}");
    }

    #[test]
    fn decimals_are_sent_as_big_numbers_are() {
        let values = (0..38).flat_map(|i| {
            let power = 10i128.pow(i);
            [power, power - 1, power + 1, power / 3 * 7, -power, power / 3]
        });
        for value in values.chain([0, i128::from(u64::MAX), i128::from(u64::MAX) + 1, 12_340_000, 100_000_001]) {
            for scale in 0..=38 {
                let (mut short, mut long) = (Vec::new(), vec![0; 4]);
                send_sized_decimal(value, scale, &mut short);
                Numeric::from_decimal(value, scale).send(&mut long);
                let length = long.len() as u32 - 4;
                long[..4].copy_from_slice(&length.to_be_bytes());
                assert_eq!(short, long, "{value} of scale {scale}");
            }
        }
    }
}
