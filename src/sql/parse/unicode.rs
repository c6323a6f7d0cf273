//! What the escapes of `U&'…'` and `U&"…"` stand for: text by code points.

use crate::error::{Error, Result};

/// check_uescapechar
pub(super) fn sign(text: &str) -> Option<char> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if !c.is_ascii_hexdigit() && !"+'\"".contains(c) && !c.is_ascii_whitespace() => Some(c),
        _ => None,
    }
}

/// str_udeescape, over a text that begins at this position.
pub(super) fn decoded(text: &str, sign: char, position: u32) -> Result<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut first: Option<u32> = None;
    let mut i = 0;
    while let Some(c) = chars.get(i) {
        let at = position + i as u32;
        let pair = || Error::syntax("invalid Unicode surrogate pair").at(at);
        if *c != sign || chars.get(i + 1) == Some(&sign) {
            if first.is_some() {
                return Err(pair());
            }
            out.push(*c);
            i += 1 + usize::from(*c == sign);
            continue;
        }
        let (from, digits) = if chars.get(i + 1) == Some(&'+') { (i + 2, 6) } else { (i + 1, 4) };
        let number = chars
            .get(from..from + digits)
            .and_then(|digits| digits.iter().try_fold(0, |number, digit| Some(number * 16 + digit.to_digit(16)?)));
        let Some(number) = number else {
            let hint = "Unicode escapes must be \\XXXX or \\+XXXXXX.";
            return Err(Error::syntax("invalid Unicode escape").hint(hint).at(at));
        };
        match (first.take(), number) {
            (None, 0xD800..=0xDBFF) => first = Some(number),
            (Some(high), 0xDC00..=0xDFFF) => {
                let both = 0x10000 + ((high - 0xD800) << 10) + (number - 0xDC00);
                out.push(char::from_u32(both).ok_or_else(pair)?);
            }
            (None, number) if !(0xDC00..=0xDFFF).contains(&number) => {
                let known = char::from_u32(number).filter(|c| *c != '\0');
                out.push(known.ok_or_else(|| Error::syntax("invalid Unicode escape value").at(at))?);
            }
            _ => return Err(pair()),
        }
        i = from + digits;
    }
    match first {
        Some(_) => Err(Error::syntax("invalid Unicode surrogate pair").at(position + i as u32)),
        None => Ok(out),
    }
}
