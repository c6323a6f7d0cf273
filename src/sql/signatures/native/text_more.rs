//! Byte strings by byte and bit, identifiers, Unicode escapes, `"char"`.

use super::*;
use crate::types::encoding::Encoding;
use crate::types::text::{char_byte, char_byte_text};

fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message.into())
}

pub(super) fn natives() -> Vec<Native> {
    let mut all = bytes();
    all.extend([
        native2::<str, bool, TextList>("dg_parse_ident", |s, strict| parse_ident(s, strict).map(Some)),
        native1::<str, str>("dg_unistr", |s| unistr(s).map(Some)),
        native2::<str, str, str>("dg_normalize", |s, form| normalized(s, form).map(Some)),
        native2::<str, str, bool>("dg_is_normalized", |s, form| Ok(Some(normalized(s, form)? == s))),
        native1::<str, str>("dg_record_field", |s| {
            let mut out = Vec::with_capacity(s.len() + 2);
            crate::types::text::put_field(&mut out, s.as_bytes());
            Ok(Some(String::from_utf8_lossy(&out).into_owned()))
        }),
        native1::<str, str>("dg_char", |s| Ok(Some(char_byte_text(char_byte(s))))),
        native1::<i32, str>("dg_int4_to_char", |n| match i8::try_from(n) {
            Ok(byte) => Ok(Some(char_byte_text(byte as u8))),
            Err(_) => Err(out_of_range("\"char\" out of range")),
        }),
        // PostgreSQL's char_bpchar takes the byte as it is, also where that is no text.
        native1::<str, str>("dg_char_to_bpchar", |s| match char_byte(s) {
            1..=127 => Ok(Some(s.to_owned())),
            _ => Err(Error::unsupported("a byte that is zero or beyond ASCII in a value of type character")
                .hint("Convert the \"char\" to text.")),
        }),
        native1::<str, i32>("dg_char_to_int4", |s| Ok(Some(i32::from(char_byte(s) as i8)))),
    ]);
    all
}

/// A text in one of Unicode's normal forms.
fn normalized(text: &str, form: &str) -> Result<String> {
    use unicode_normalization::UnicodeNormalization;
    match form.to_ascii_uppercase().as_str() {
        "NFC" => Ok(text.nfc().collect()),
        "NFD" => Ok(text.nfd().collect()),
        "NFKC" => Ok(text.nfkc().collect()),
        "NFKD" => Ok(text.nfkd().collect()),
        _ => Err(invalid(format!("invalid normalization form: {form}"))),
    }
}

fn bytes() -> Vec<Native> {
    vec![
        native1::<[u8], i64>("dg_bytea_bit_count", |b| Ok(Some(b.iter().map(|x| i64::from(x.count_ones())).sum()))),
        native2::<[u8], i32, i32>("dg_get_byte", |b, n| Ok(Some(i32::from(b[index(b.len(), i64::from(n))?])))),
        native3::<[u8], i32, i32, [u8]>("dg_set_byte", |b, n, value| {
            let at = index(b.len(), i64::from(n))?;
            let mut out = b.to_vec();
            out[at] = value as u8;
            Ok(Some(out))
        }),
        native2::<[u8], i64, i32>("dg_get_bit", |b, n| {
            let at = index(b.len() * 8, n)?;
            Ok(Some(i32::from(b[at / 8] >> (at % 8) & 1)))
        }),
        native3::<[u8], i64, i32, [u8]>("dg_set_bit", |b, n, value| {
            let at = index(b.len() * 8, n)?;
            if !(0..=1).contains(&value) {
                return Err(invalid("new bit must be 0 or 1"));
            }
            let mut out = b.to_vec();
            out[at / 8] = out[at / 8] & !(1 << (at % 8)) | (value as u8) << (at % 8);
            Ok(Some(out))
        }),
        native3::<[u8], [u8], i32, [u8]>("dg_bytea_overlay3", |b, new, at| {
            overlay(b, new, at, new.len() as i32).map(Some)
        }),
        native4::<[u8], [u8], i32, i32, [u8]>("dg_bytea_overlay4", |b, new, at, len| {
            overlay(b, new, at, len).map(Some)
        }),
        native2::<[u8], [u8], i32>("dg_bytea_position", |b, part| {
            let found = if part.is_empty() { Some(0) } else { b.windows(part.len()).position(|w| w == part) };
            Ok(Some(found.map_or(0, |i| i as i32 + 1)))
        }),
        native2::<[u8], [u8], [u8]>("dg_bytea_btrim", |b, set| Ok(Some(trim(b, set, true, true)))),
        native2::<[u8], [u8], [u8]>("dg_bytea_ltrim", |b, set| Ok(Some(trim(b, set, true, false)))),
        native2::<[u8], [u8], [u8]>("dg_bytea_rtrim", |b, set| Ok(Some(trim(b, set, false, true)))),
        native3::<[u8], str, str, [u8]>("dg_convert", |b, from, to| {
            let from = super::text::encoding(from, "source")?;
            let to = super::text::encoding(to, "destination")?;
            // PostgreSQL has few conversions that do not go to or from UTF8.
            if from != to && from.converts() && to.converts() {
                return Err(Error::unsupported(format!("conversion from {} to {}", from.name(), to.name()))
                    .hint("Convert to UTF8 first."));
            }
            Ok(Some(to.encode(&from.decode(b)?)?.into_owned()))
        }),
        native2::<[u8], str, i32>("dg_bytea_length", |b, encoding| {
            let found = Encoding::by_name(encoding).ok_or_else(|| {
                Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid encoding name \"{encoding}\""))
            })?;
            Ok(Some(found.decode(b)?.chars().count() as i32))
        }),
    ]
}

fn index(len: usize, n: i64) -> Result<usize> {
    usize::try_from(n).ok().filter(|i| *i < len).ok_or_else(|| {
        Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, format!("index {n} out of valid range, 0..{}", len as i64 - 1))
    })
}

fn overlay(b: &[u8], new: &[u8], at: i32, len: i32) -> Result<Vec<u8>> {
    if at <= 0 {
        return Err(Error::new(SqlState::SUBSTRING_ERROR, "negative substring length not allowed"));
    }
    let after = at.checked_add(len).ok_or_else(|| out_of_range("integer out of range"))?;
    let head = (at as usize - 1).min(b.len());
    let tail = usize::try_from(after - 1).unwrap_or(0).min(b.len());
    Ok([&b[..head], new, &b[tail..]].concat())
}

fn trim(b: &[u8], set: &[u8], left: bool, right: bool) -> Vec<u8> {
    let mut rest = b;
    while left && rest.first().is_some_and(|x| set.contains(x)) {
        rest = &rest[1..];
    }
    while right && rest.last().is_some_and(|x| set.contains(x)) {
        rest = &rest[..rest.len() - 1];
    }
    rest.to_vec()
}

/// parse_ident: a qualified name's parts, small letters unless quoted.
fn parse_ident(text: &str, strict: bool) -> Result<Vec<Option<String>>> {
    let fail = |detail: Option<&str>| {
        let error = invalid(format!("string is not a valid identifier: \"{text}\""));
        match detail {
            Some(detail) => error.detail(detail),
            None => error,
        }
    };
    let mut parts = Vec::new();
    let mut rest = text.trim_start_matches(|c: char| c.is_ascii_whitespace());
    let mut after_dot = false;
    loop {
        let mut missing = true;
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut name = String::new();
            let mut tail = quoted;
            loop {
                let Some(end) = tail.find('"') else { return Err(fail(Some("String has unclosed double quotes."))) };
                name.push_str(&tail[..end]);
                tail = &tail[end + 1..];
                match tail.strip_prefix('"') {
                    Some(more) => {
                        name.push('"');
                        tail = more;
                    }
                    None => break,
                }
            }
            if name.is_empty() {
                return Err(fail(Some("Quoted identifier must not be empty.")));
            }
            parts.push(Some(name));
            rest = tail;
            missing = false;
        } else if rest.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic() || !c.is_ascii()) {
            let end = rest
                .find(|c: char| !(c == '_' || c == '$' || c.is_ascii_alphanumeric() || !c.is_ascii()))
                .unwrap_or(rest.len());
            parts.push(Some(rest[..end].to_ascii_lowercase()));
            rest = &rest[end..];
            missing = false;
        }
        if missing {
            return Err(match (rest.starts_with('.'), after_dot) {
                (true, _) => fail(Some("No valid identifier before \".\".")),
                (false, true) => fail(Some("No valid identifier after \".\".")),
                (false, false) => fail(None),
            });
        }
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
        if let Some(tail) = rest.strip_prefix('.') {
            after_dot = true;
            rest = tail.trim_start_matches(|c: char| c.is_ascii_whitespace());
        } else if rest.is_empty() || !strict {
            return Ok(parts);
        } else {
            return Err(fail(None));
        }
    }
}

/// unistr: `\XXXX`, `\+XXXXXX`, `\uXXXX`, `\UXXXXXXXX`, surrogates in pairs.
fn unistr(text: &str) -> Result<String> {
    let bad = || {
        Error::new(SqlState::SYNTAX_ERROR, "invalid Unicode escape")
            .hint("Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX.")
    };
    let pair = || Error::new(SqlState::SYNTAX_ERROR, "invalid Unicode surrogate pair");
    let mut out = String::new();
    let mut rest = text;
    let mut high: Option<u32> = None;
    while let Some(c) = rest.chars().next() {
        if c != '\\' || rest.starts_with("\\\\") {
            if high.is_some() {
                return Err(pair());
            }
            out.push(c);
            rest = &rest[if c == '\\' { 2 } else { c.len_utf8() }..];
            continue;
        }
        let (skip, digits) = match rest[1..].chars().next() {
            Some('+') => (2, 6),
            Some('u') => (2, 4),
            Some('U') => (2, 8),
            _ => (1, 4),
        };
        let hex = rest.get(skip..skip + digits).filter(|h| h.bytes().all(|b| b.is_ascii_hexdigit())).ok_or_else(bad)?;
        let code = u32::from_str_radix(hex, 16).map_err(|_| bad())?;
        rest = &rest[skip + digits..];
        match (high.take(), code) {
            (None, 0xd800..0xdc00) => high = Some(code),
            (Some(h), 0xdc00..0xe000) => {
                out.extend(char::from_u32(0x10000 + ((h - 0xd800) << 10) + (code - 0xdc00)));
            }
            (Some(_), _) | (None, 0xdc00..0xe000) => return Err(pair()),
            (None, code) => match char::from_u32(code).filter(|c| *c != '\0') {
                Some(c) => out.push(c),
                None => {
                    return Err(Error::new(SqlState::SYNTAX_ERROR, format!("invalid Unicode code point: {code:04X}")));
                }
            },
        }
    }
    if high.is_some() { Err(pair()) } else { Ok(out) }
}
