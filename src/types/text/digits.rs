//! Digit writers for the hot path: no allocation, no formatting machinery.

use bytes::BufMut;

/// "00" to "99".
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0u8; 2]; 100];
    let mut i = 0;
    while i < 100 {
        pairs[i] = [b'0' + (i / 10) as u8, b'0' + (i % 10) as u8];
        i += 1;
    }
    pairs
};

/// Two digits; `n` is below 100 (more wraps, it never panics).
#[inline]
pub fn pair(n: u32) -> [u8; 2] {
    PAIRS[(n % 100) as usize]
}

/// Two digits; `n` is below 100 (more wraps, it never panics).
#[inline]
pub fn put_padded2(out: &mut Vec<u8>, n: u32) {
    out.put_slice(&pair(n));
}

/// Appends the first `len` of `bytes`. A copy whose size the compiler knows is a few instructions, any other a call.
#[inline]
pub fn put_prefix<const N: usize>(out: &mut Vec<u8>, bytes: &[u8; N], len: usize) {
    let end = out.len() + len;
    out.extend_from_slice(bytes);
    out.truncate(end);
}

/// Appends `bytes[start..end]`; short texts with the bytes that stand behind them, which are cut off again.
#[inline]
pub fn put_range(out: &mut Vec<u8>, bytes: &[u8], start: usize, end: usize) {
    let len = end - start;
    if len <= 16
        && let Some(chunk) = bytes[start..].first_chunk::<16>()
    {
        put_prefix(out, chunk, len);
    } else if len <= 48
        && let Some(chunk) = bytes[start..].first_chunk::<48>()
    {
        put_prefix(out, chunk, len);
    } else {
        out.extend_from_slice(&bytes[start..end]);
    }
}

#[inline]
pub fn put_blanks(out: &mut Vec<u8>, n: usize) {
    match n {
        0 => {}
        1..=32 => put_prefix(out, &[b' '; 32], n),
        _ => out.put_bytes(b' ', n),
    }
}

/// Eight digits of a number below 10^8 as bytes 0 to 9, the first digit lowest: all of them at once, in three steps that
/// halve what the lanes of the word hold.
#[inline]
fn digits8(n: u64) -> u64 {
    // Division by multiplication: exact for every value that a lane can hold.
    let fours = (n / 10_000) | ((n % 10_000) << 32);
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let twos = hundreds | (fours - 100 * hundreds) << 16;
    let tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | (twos - 10 * tens) << 8
}

const ZEROS: u64 = u64::from_le_bytes([b'0'; 8]);

/// A number's text of up to sixteen bytes, held in a register: it is composed by shifts and stored in one piece.
#[derive(Clone, Copy)]
pub struct Short {
    /// The first byte lowest; zero behind the last.
    text: u128,
    len: usize,
}

impl Short {
    const LONGEST: usize = 16;

    /// `None` from 10^16 on.
    #[inline]
    pub fn unsigned(n: u64) -> Option<Self> {
        if n < 100_000_000 {
            let digits = digits8(n);
            // The last digit is printed even if it is a zero.
            let skipped = ((digits.trailing_zeros() / 8) as usize).min(7);
            return Some(Self { text: u128::from((digits | ZEROS) >> (8 * skipped)), len: 8 - skipped });
        }
        if n >= 10_000_000_000_000_000 {
            return None;
        }
        let digits = u128::from(digits8(n / 100_000_000)) | u128::from(digits8(n % 100_000_000)) << 64;
        let zeros = u128::from(ZEROS) | u128::from(ZEROS) << 64;
        let skipped = (digits.trailing_zeros() / 8) as usize;
        Some(Self { text: (digits | zeros) >> (8 * skipped), len: Self::LONGEST - skipped })
    }

    /// `None` if it takes more than sixteen bytes.
    #[inline]
    pub fn signed(n: i64) -> Option<Self> {
        Self::unsigned(n.unsigned_abs())?.with_sign(n < 0)
    }

    /// `unscaled / 10^scale` with all digits of the scale; `None` if it takes more than sixteen bytes, or if its scale is
    /// beyond seven.
    #[inline]
    pub fn decimal(unscaled: i128, scale: usize) -> Option<Self> {
        let unit = *[1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000].get(scale)?;
        let magnitude = u64::try_from(unscaled.unsigned_abs()).ok()?;
        let whole = Self::unsigned(magnitude / unit)?;
        if scale == 0 {
            return whole.with_sign(unscaled < 0);
        }
        let len = whole.len + 1 + scale;
        if len > Self::LONGEST {
            return None;
        }
        // The fraction's digits are the last of eight; the point takes the place of the one before them.
        let digits = (digits8(magnitude % unit) | ZEROS) >> (8 * (8 - scale));
        let fraction = u128::from(digits) << 8 | u128::from(b'.');
        Self { text: whole.text | fraction << (8 * whole.len), len }.with_sign(unscaled < 0)
    }

    #[inline]
    fn with_sign(self, negative: bool) -> Option<Self> {
        match negative {
            false => Some(self),
            true if self.len < Self::LONGEST => {
                Some(Self { text: self.text << 8 | u128::from(b'-'), len: self.len + 1 })
            }
            true => None,
        }
    }

    #[inline]
    pub fn put(self, out: &mut Vec<u8>) {
        put_prefix(out, &self.text.to_le_bytes(), self.len);
    }

    /// Its length in four bytes, and the text.
    #[inline]
    pub fn put_sized(self, out: &mut Vec<u8>) {
        out.put_u32(self.len as u32);
        self.put(out);
    }
}

#[inline]
pub fn put_uint(out: &mut Vec<u8>, n: u64) {
    match Short::unsigned(n) {
        Some(short) => short.put(out),
        None => out.put_slice(itoa::Buffer::new().format(n).as_bytes()),
    }
}

#[inline]
pub fn put_int(out: &mut Vec<u8>, n: i64) {
    match Short::signed(n) {
        Some(short) => short.put(out),
        None => out.put_slice(itoa::Buffer::new().format(n).as_bytes()),
    }
}

/// A length in four bytes, and the number.
#[inline]
pub fn put_sized_int(out: &mut Vec<u8>, n: i64) {
    match Short::signed(n) {
        Some(short) => short.put_sized(out),
        None => {
            let mut buffer = itoa::Buffer::new();
            let text = buffer.format(n).as_bytes();
            out.put_u32(text.len() as u32);
            out.put_slice(text);
        }
    }
}

/// `YYYY-MM-DD` of a year of four digits.
#[inline]
pub fn iso_date(year: u32, month: u32, day: u32) -> [u8; 10] {
    let two = |n| u64::from(u16::from_le_bytes(pair(n)));
    let hyphen = u64::from(b'-');
    let first = two(year / 100) | two(year) << 16 | hyphen << 32 | two(month) << 40 | hyphen << 56;
    let [y1, y2, y3, y4, h1, m1, m2, h2] = first.to_le_bytes();
    let [d1, d2] = pair(day);
    [y1, y2, y3, y4, h1, m1, m2, h2, d1, d2]
}

/// `unscaled / 10^scale` with all digits of the scale.
#[inline]
pub fn put_decimal(out: &mut Vec<u8>, unscaled: i128, scale: usize) {
    match Short::decimal(unscaled, scale) {
        Some(short) => short.put(out),
        None => put_long_decimal(out, unscaled, scale),
    }
}

#[cold]
fn put_long_decimal(out: &mut Vec<u8>, unscaled: i128, scale: usize) {
    let digits = unscaled.unsigned_abs().to_string();
    if unscaled < 0 {
        out.put_u8(b'-');
    }
    let (whole, fraction) = digits.split_at(digits.len().saturating_sub(scale));
    out.put_slice(if whole.is_empty() { b"0" } else { whole.as_bytes() });
    if scale > 0 {
        out.put_u8(b'.');
        out.put_bytes(b'0', scale - fraction.len());
        out.put_slice(fraction.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(unscaled: i128, scale: usize) -> String {
        let mut out = Vec::new();
        put_decimal(&mut out, unscaled, scale);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn decimals_have_all_digits_of_their_scale() {
        assert_eq!(decimal(0, 0), "0");
        assert_eq!(decimal(0, 3), "0.000");
        assert_eq!(decimal(-5, 1), "-0.5");
        assert_eq!(decimal(123_456, 2), "1234.56");
        assert_eq!(decimal(-700, 7), "-0.0000700");
        assert_eq!(decimal(99_999_999_999_999, 1), "9999999999999.9");
        assert_eq!(decimal(-99_999_999_999_999, 1), "-9999999999999.9");
        assert_eq!(decimal(-9_999_999_999_999_999, 2), "-99999999999999.99");
        assert_eq!(decimal(100_000_000_000_000_000, 2), "1000000000000000.00");
        assert_eq!(decimal(7, 19), "0.0000000000000000007");
        let most = i128::from(u64::MAX);
        assert_eq!(decimal(-most, 0), "-18446744073709551615");
        assert_eq!(decimal(-most, 19), "-1.8446744073709551615");
        assert_eq!(decimal(-most, 20), "-0.18446744073709551615");
        assert_eq!(decimal(most + 1, 0), "18446744073709551616");
        assert_eq!(decimal(-(most + 1), 30), "-0.000000000018446744073709551616");
        let widest = 10i128.pow(38) - 1;
        assert_eq!(decimal(widest, 38), format!("0.{}", "9".repeat(38)));
        assert_eq!(decimal(-widest, 10), format!("-{}.{}", "9".repeat(28), "9".repeat(10)));
    }

    #[test]
    fn integers_print_to_their_ends() {
        let powers = (0..19).map(|i| 10i64.pow(i));
        for n in powers.flat_map(|p| [p - 1, p, p + 7, -p, 1 - p]).chain([0, i64::MAX, i64::MIN, 1_020_304_050_607]) {
            let mut out = b"x".to_vec();
            put_int(&mut out, n);
            assert_eq!(String::from_utf8(out).unwrap(), format!("x{n}"));
        }
        for n in 0..100_000 {
            let text = Short::unsigned(n * 1009).unwrap();
            assert_eq!(text.text.to_le_bytes()[..text.len], *(n * 1009).to_string().as_bytes());
        }
    }

    #[test]
    fn ranges_at_the_end_of_their_buffer_are_copied_too() {
        let bytes: Vec<u8> = (0..60).collect();
        for start in 0..bytes.len() {
            for end in start..=bytes.len() {
                let mut out = vec![255];
                put_range(&mut out, &bytes, start, end);
                assert_eq!(out[1..], bytes[start..end]);
            }
        }
    }
}
