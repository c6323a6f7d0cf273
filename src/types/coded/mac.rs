//! `macaddr` and `macaddr8`: six and eight bytes, as they are.

use crate::error::{Error, Result, SqlState};
use crate::types::text::{invalid_syntax, is_space};

pub fn text(bytes: &[u8]) -> String {
    let parts: Vec<String> = bytes.iter().map(|b| format!("{b:02x}")).collect();
    parts.join(":")
}

/// `macaddr_in`: six octets with colons or hyphens, or twelve digits in one, two or three groups.
pub fn parse(given: &str) -> Result<[u8; 6]> {
    let text = given.trim_matches(is_space);
    let invalid = || invalid_syntax("macaddr", given);
    let groups = |separator: char| {
        let parts: Vec<&str> = text.split(separator).collect();
        let hex = parts.iter().all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_hexdigit()));
        hex.then_some(parts)
    };
    for separator in [':', '-'] {
        if let Some(parts) = groups(separator)
            && parts.len() == 6
        {
            let mut out = [0; 6];
            for (octet, part) in out.iter_mut().zip(parts) {
                *octet = u8::from_str_radix(part.trim_start_matches('0'), 16).or_else(|_| {
                    if part.bytes().all(|b| b == b'0') {
                        return Ok(0);
                    }
                    let message = format!("invalid octet value in \"macaddr\" value: \"{given}\"");
                    Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message))
                })?;
            }
            return Ok(out);
        }
    }
    let sizes: [(char, &[usize]); 5] =
        [(':', &[6, 6]), ('-', &[6, 6]), ('.', &[4, 4, 4]), ('-', &[4, 4, 4]), ('-', &[12])];
    for (separator, sizes) in sizes {
        if let Some(parts) = groups(separator)
            && parts.len() == sizes.len()
            && parts.iter().zip(sizes).all(|(p, n)| p.len() == *n)
        {
            return octets(&parts.concat()).and_then(|all| all.try_into().ok()).ok_or_else(invalid);
        }
    }
    Err(invalid())
}

fn octets(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = hex.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect();
    Some(digits?.chunks(2).map(|pair| pair.iter().fold(0, |all, digit| all << 4 | digit)).collect())
}

/// `macaddr8_in`: pairs of digits with one kind of separator or none; six octets get ff:fe in their middle.
pub fn parse8(given: &str) -> Result<[u8; 8]> {
    let invalid = || invalid_syntax("macaddr8", given);
    let text = given.trim_matches(is_space);
    let mut out: Vec<u8> = Vec::with_capacity(8);
    let mut separator = None;
    let mut rest = text.chars().peekable();
    while rest.peek().is_some() {
        let mut digit = || rest.next().and_then(|c| c.to_digit(16)).ok_or_else(invalid);
        let pair = digit()? << 4 | digit()?;
        if out.len() == 8 {
            return Err(invalid());
        }
        out.push(pair as u8);
        if let Some(c) = rest.next_if(|c| matches!(c, ':' | '-' | '.'))
            && (*separator.get_or_insert(c) != c || rest.peek().is_none())
        {
            return Err(invalid());
        }
    }
    if out.len() == 6 {
        out.splice(3..3, [0xff, 0xfe]);
    }
    out.try_into().map_err(|_| invalid())
}
