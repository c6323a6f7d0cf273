//! pg_lsn: a place in the write-ahead log, as eight bytes.

use super::super::text::invalid_syntax;
use crate::error::Result;

/// `pg_lsn_in`: two numbers of up to eight hexadecimal digits.
pub fn parse(text: &str) -> Result<[u8; 8]> {
    let wrong = || invalid_syntax("pg_lsn", text);
    let half = |part: &str| {
        let fits = (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_hexdigit());
        if fits { u32::from_str_radix(part, 16).map_err(|_| wrong()) } else { Err(wrong()) }
    };
    let (high, low) = text.split_once('/').ok_or_else(wrong)?;
    Ok((u64::from(half(high)?) << 32 | u64::from(half(low)?)).to_be_bytes())
}

/// `pg_lsn_out`.
pub fn text(bytes: &[u8]) -> String {
    let place = bytes.try_into().map_or(0, u64::from_be_bytes);
    format!("{:X}/{:X}", place >> 32, place & 0xffff_ffff)
}
