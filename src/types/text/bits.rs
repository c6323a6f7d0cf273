//! Bit strings: kept as text of zeros and ones, which sorts and compares as PostgreSQL's do.

use bytes::BufMut;

use crate::error::{Error, Result, SqlState};

/// `bit_in`: a length that is declared must be met.
pub fn parse_bit(text: &str, typmod: i32) -> Result<String> {
    let bits = digits(text)?;
    let length = bits.len();
    if typmod > 0 && length != typmod as usize {
        return Err(length_mismatch(length, typmod as usize));
    }
    Ok(bits)
}

/// `varbit_in`: a length that is declared must not be exceeded.
pub fn parse_varbit(text: &str, typmod: i32) -> Result<String> {
    let bits = digits(text)?;
    if typmod > 0 && bits.len() > typmod as usize {
        return Err(too_long(typmod as usize));
    }
    Ok(bits)
}

pub fn length_mismatch(length: usize, declared: usize) -> Error {
    let message = format!("bit string length {length} does not match type bit({declared})");
    Error::new(SqlState::STRING_DATA_LENGTH_MISMATCH, message)
}

pub fn too_long(declared: usize) -> Error {
    let message = format!("bit string too long for type bit varying({declared})");
    Error::new(SqlState::STRING_DATA_RIGHT_TRUNCATION, message)
}

/// Binary digits, after a `b` or nothing; hexadecimal ones after an `x`.
fn digits(text: &str) -> Result<String> {
    let wrong = |c: char, kind: &str| {
        let message = format!("\"{c}\" is not a valid {kind} digit");
        Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message)
    };
    if let Some(hex) = text.strip_prefix(['x', 'X']) {
        let mut bits = String::with_capacity(hex.len() * 4);
        for c in hex.chars() {
            let digit = c.to_digit(16).ok_or_else(|| wrong(c, "hexadecimal"))?;
            bits.push_str(&format!("{digit:04b}"));
        }
        return Ok(bits);
    }
    let binary = text.strip_prefix(['b', 'B']).unwrap_or(text);
    match binary.chars().find(|c| !matches!(c, '0' | '1')) {
        Some(c) => Err(wrong(c, "binary")),
        None => Ok(binary.to_owned()),
    }
}

/// The send function: the number of bits, then bytes with the first bit highest.
pub fn send(bits: &str, out: &mut Vec<u8>) {
    out.put_i32(bits.len() as i32);
    for chunk in bits.as_bytes().chunks(8) {
        out.put_u8(chunk.iter().enumerate().fold(0, |byte, (i, bit)| byte | (bit & 1) << (7 - i)));
    }
}

/// The receive function, as binary digits.
pub fn receive(data: &[u8]) -> Result<String> {
    let invalid = || Error::new(SqlState::INVALID_BINARY_REPRESENTATION, "invalid length in external bit string");
    let (length, bytes) = data.split_first_chunk::<4>().ok_or_else(invalid)?;
    let length = usize::try_from(i32::from_be_bytes(*length)).map_err(|_| invalid())?;
    if bytes.len() != length.div_ceil(8) {
        return Err(invalid());
    }
    Ok((0..length).map(|i| if bytes[i / 8] >> (7 - i % 8) & 1 == 1 { '1' } else { '0' }).collect())
}
