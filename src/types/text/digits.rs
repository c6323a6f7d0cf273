//! Digit writers for the hot path: no allocation, no formatting machinery.

use bytes::{BufMut, BytesMut};

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
pub fn put_padded2(out: &mut BytesMut, n: u32) {
    out.put_slice(&PAIRS[(n % 100) as usize]);
}

#[inline]
pub fn put_uint(out: &mut BytesMut, n: u64) {
    let mut buffer = itoa::Buffer::new();
    out.put_slice(buffer.format(n).as_bytes());
}

#[inline]
pub fn put_int(out: &mut BytesMut, n: i64) {
    let mut buffer = itoa::Buffer::new();
    out.put_slice(buffer.format(n).as_bytes());
}

/// `unscaled / 10^scale` with all digits of the scale.
#[inline]
pub fn put_decimal(out: &mut BytesMut, unscaled: i128, scale: usize) {
    let mut buffer = itoa::Buffer::new();
    // Most decimals fit 64 bits, where division is cheap.
    let digits = match u64::try_from(unscaled.unsigned_abs()) {
        Ok(small) => buffer.format(small),
        Err(_) => buffer.format(unscaled.unsigned_abs()),
    }
    .as_bytes();
    // 39 digits, sign, point, leading zero, at most 38 zeros after the point.
    let mut text = [b'0'; 82];
    let mut len = 0;
    if unscaled < 0 {
        text[0] = b'-';
        len = 1;
    }
    if scale == 0 {
        text[len..len + digits.len()].copy_from_slice(digits);
        len += digits.len();
    } else if digits.len() > scale {
        let whole = digits.len() - scale;
        text[len..len + whole].copy_from_slice(&digits[..whole]);
        text[len + whole] = b'.';
        text[len + whole + 1..len + whole + 1 + scale].copy_from_slice(&digits[whole..]);
        len += digits.len() + 1;
    } else {
        let scale = scale.min(40);
        text[len + 1] = b'.';
        let zeros = scale.saturating_sub(digits.len());
        text[len + 2 + zeros..len + 2 + zeros + digits.len()].copy_from_slice(digits);
        len += 2 + zeros + digits.len();
    }
    out.put_slice(&text[..len]);
}
