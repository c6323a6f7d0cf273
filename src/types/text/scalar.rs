//! Input and output of the small scalar types: integers, booleans, bytea, uuid, oid, tid, vectors.

use bytes::BufMut;

use super::{invalid_syntax, is_space, trim_start};
use crate::error::{Error, Result, SqlState};
use crate::types::{ArrayValue, ByteaOutput, Oid, Value, oid};

fn out_of_range(text: &str, ty: &str) -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("value \"{text}\" is out of range for type {ty}"))
}

/// `int2in`, `int4in`, `int8in`: blanks around, an optional sign, decimal digits.
pub fn parse_int<T: TryFrom<i64>>(text: &str, ty: &str) -> Result<T> {
    let body = text.trim_matches(is_space);
    let (negative, digits) = match body.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        all => (false, all),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(invalid_syntax(ty, text));
    }
    // Accumulates downwards: the smallest number has no positive counterpart.
    let mut n: i64 = 0;
    for b in digits {
        n = n.checked_mul(10).and_then(|n| n.checked_sub(i64::from(b - b'0'))).ok_or_else(|| out_of_range(text, ty))?;
    }
    let n = if negative { Some(n) } else { n.checked_neg() };
    n.and_then(|n| T::try_from(n).ok()).ok_or_else(|| out_of_range(text, ty))
}

/// `boolin`: any unique prefix of true, false, yes, no, on, off; 1 and 0.
pub fn parse_bool(text: &str) -> Result<bool> {
    let body = text.trim_matches(is_space).to_ascii_lowercase();
    let is = |word: &str, least: usize| body.len() >= least && word.starts_with(&body);
    if is("true", 1) || is("yes", 1) || is("on", 2) || body == "1" {
        Ok(true)
    } else if is("false", 1) || is("no", 1) || is("off", 2) || body == "0" {
        Ok(false)
    } else {
        Err(invalid_syntax("boolean", text))
    }
}

/// `byteain`: `\x` and hexadecimal digits, or the escape form.
pub fn parse_bytea(text: &str) -> Result<Vec<u8>> {
    if let Some(hex) = text.strip_prefix("\\x") {
        return parse_hex(hex);
    }
    let bad = || Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "invalid input syntax for type bytea");
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&b, tail)) = rest.split_first() {
        if b != b'\\' {
            out.push(b);
            rest = tail;
            continue;
        }
        match tail {
            [b'\\', tail @ ..] => {
                out.push(b'\\');
                rest = tail;
            }
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..] => {
                out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = tail;
            }
            _ => return Err(bad()),
        }
    }
    Ok(out)
}

fn parse_hex(hex: &str) -> Result<Vec<u8>> {
    let invalid = |message: String| Error::new(SqlState::INVALID_PARAMETER_VALUE, message);
    let mut out = Vec::with_capacity(hex.len() / 2);
    let mut high: Option<u8> = None;
    for c in hex.chars() {
        // Blanks may stand between bytes, not within one.
        if high.is_none() && matches!(c, ' ' | '\n' | '\t' | '\r') {
            continue;
        }
        let digit = c.to_digit(16).ok_or_else(|| invalid(format!("invalid hexadecimal digit: \"{c}\"")))? as u8;
        match high.take() {
            None => high = Some(digit),
            Some(h) => out.push(h << 4 | digit),
        }
    }
    if high.is_some() {
        return Err(invalid("invalid hexadecimal data: odd number of digits".into()));
    }
    Ok(out)
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// `byteaout`.
pub fn write_bytea(out: &mut Vec<u8>, bytes: &[u8], output: ByteaOutput) {
    match output {
        ByteaOutput::Hex => {
            out.reserve(2 + bytes.len() * 2);
            out.put_slice(b"\\x");
            for b in bytes {
                out.put_slice(&[HEX[usize::from(b >> 4)], HEX[usize::from(b & 15)]]);
            }
        }
        ByteaOutput::Escape => {
            for b in bytes {
                match b {
                    b'\\' => out.put_slice(b"\\\\"),
                    0x20..=0x7e => out.put_u8(*b),
                    _ => out.put_slice(&[b'\\', b'0' + (b >> 6), b'0' + (b >> 3 & 7), b'0' + (b & 7)]),
                }
            }
        }
    }
}

/// `uuid_in`: 32 hexadecimal digits, a hyphen allowed after any four, braces around allowed.
pub fn parse_uuid(text: &str) -> Result<u128> {
    let bad = || invalid_syntax("uuid", text);
    let body = match text.strip_prefix('{') {
        Some(inner) => inner.strip_suffix('}').ok_or_else(bad)?,
        None => text,
    };
    let mut n: u128 = 0;
    let mut count = 0;
    let mut hyphen_ok = false;
    for b in body.bytes() {
        if b == b'-' && hyphen_ok {
            hyphen_ok = false;
            continue;
        }
        let digit = (b as char).to_digit(16).ok_or_else(bad)?;
        if count == 32 {
            return Err(bad());
        }
        n = n << 4 | u128::from(digit);
        count += 1;
        hyphen_ok = count % 4 == 0 && count < 32;
    }
    if count == 32 { Ok(n) } else { Err(bad()) }
}

/// `uuid_out`.
pub fn write_uuid(out: &mut Vec<u8>, uuid: u128) {
    let mut text = [b'-'; 36];
    let mut at = 0;
    for (i, byte) in uuid.to_be_bytes().iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            at += 1;
        }
        text[at] = HEX[usize::from(byte >> 4)];
        text[at + 1] = HEX[usize::from(byte & 15)];
        at += 2;
    }
    out.put_slice(&text);
}

/// `oidin`, `xidin`, `cidin`. The last two take whatever C's strtoul takes and never fail.
pub fn parse_oid(text: &str, ty: Oid) -> Result<u32> {
    if ty == oid::XID || ty == oid::CID {
        return Ok(parse_c_unsigned(text) as u32);
    }
    let body = text.trim_matches(is_space);
    let digits = body.strip_prefix(['+', '-']).unwrap_or(body);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(invalid_syntax("oid", text));
    }
    // A negative number wraps, for old clients' sake.
    match body.parse::<i64>() {
        Ok(n) if n >= i64::from(i32::MIN) && n <= i64::from(u32::MAX) => Ok(n as u32),
        _ => Err(out_of_range(text, "oid")),
    }
}

/// C's strtoull with base 0: decimal, octal (0…) or hexadecimal (0x…), as far as it goes.
pub fn parse_c_unsigned(text: &str) -> u64 {
    let body = trim_start(text);
    let (negative, body) = match body.as_bytes().first() {
        Some(b'-') => (true, &body[1..]),
        Some(b'+') => (false, &body[1..]),
        _ => (false, body),
    };
    let (radix, digits) = if let Some(hex) = body.strip_prefix("0x").or_else(|| body.strip_prefix("0X")) {
        (16, hex)
    } else if body.starts_with('0') {
        (8, body)
    } else {
        (10, body)
    };
    let mut n: u64 = 0;
    for c in digits.chars() {
        let Some(d) = c.to_digit(radix) else { break };
        match n.checked_mul(u64::from(radix)).and_then(|n| n.checked_add(u64::from(d))) {
            Some(next) => n = next,
            None => return u64::MAX,
        }
    }
    if negative { n.wrapping_neg() } else { n }
}

/// `tidin`: `(block,offset)`, in its canonical text.
pub fn parse_tid(text: &str) -> Result<String> {
    let bad = || invalid_syntax("tid", text);
    let body = text.split_once('(').map(|(_, rest)| rest).ok_or_else(bad)?;
    let (block, rest) = body.split_once(',').ok_or_else(bad)?;
    let offset = rest.split_once(')').map(|(offset, _)| offset).ok_or_else(bad)?;
    let block: i64 = block.trim_start().parse().map_err(|_| bad())?;
    let offset: u16 = offset.trim_start().parse().map_err(|_| bad())?;
    if block < i64::from(i32::MIN) || block > i64::from(u32::MAX) {
        return Err(bad());
    }
    Ok(format!("({},{offset})", block as u32))
}

/// `charin`: the first byte, or one byte in octal (`\\101`). Carried as `charout` prints it.
pub fn parse_char_byte(text: &str) -> String {
    char_byte_text(char_byte(text))
}

/// The byte that the text of a `"char"` stands for.
pub fn char_byte(text: &str) -> u8 {
    match text.as_bytes() {
        [b'\\', digits @ ..] if digits.len() == 3 && digits.iter().all(|d| (b'0'..=b'7').contains(d)) => {
            digits.iter().fold(0u32, |n, d| n * 8 + u32::from(d - b'0')) as u8
        }
        [first, ..] => *first,
        [] => 0,
    }
}

/// `charout`: nothing for zero, octal beyond ASCII.
pub fn char_byte_text(byte: u8) -> String {
    match byte {
        0 => String::new(),
        b if b.is_ascii() => (b as char).to_string(),
        b => format!("\\{b:03o}"),
    }
}

/// `int2vectorin`, `oidvectorin`: numbers between blanks. That they count from 0 is known by their type: inside, the
/// bound is 1 as in any list.
pub fn parse_vector(text: &str, element: Oid) -> Result<Value> {
    let mut items = Vec::new();
    for word in text.split(is_space).filter(|w| !w.is_empty()) {
        items.push(if element == oid::INT2 {
            Value::Int2(parse_int(word, "smallint")?)
        } else {
            Value::Oid(parse_oid(word, oid::OID)?)
        });
    }
    let dims = if items.is_empty() { Vec::new() } else { vec![(items.len() as i32, 1)] };
    Ok(Value::Array(ArrayValue { element, dims, items }))
}
