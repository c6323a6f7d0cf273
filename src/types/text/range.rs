//! `range_in`, `multirange_in` and their output.

use super::super::coded::range::{Bound, Range, RangeType, decode, encode, make, normalize, value};
use super::super::{OutputSettings, PgType, TypeLookup};
use super::{Input, Output, is_space, parse_with, write};
use crate::error::{Error, Result, SqlState};

fn malformed(what: &str, text: &str, detail: &str) -> Error {
    let message = format!("malformed {what} literal: \"{text}\"");
    Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message).detail(detail)
}

/// The bytes of a range or multirange from its text.
pub fn parse_range(text: &str, (of, multi): (RangeType, bool), input: &Input<'_>) -> Result<Vec<u8>> {
    if multi {
        return Ok(encode(&normalize(multirange(text, of, input)?)));
    }
    Ok(encode(&range(text, of, input)?.into_iter().collect::<Vec<_>>()))
}

/// As [`parse_range`], with settings and types alone.
pub fn parse_range_with(
    text: &str,
    of: (RangeType, bool),
    settings: &OutputSettings,
    types: &dyn TypeLookup,
) -> Result<Vec<u8>> {
    parse_range(text, of, &Input { settings, types, now: None })
}

fn range(text: &str, of: RangeType, input: &Input<'_>) -> Result<Option<Range>> {
    let wrong = |detail: &str| malformed("range", text, detail);
    let trimmed = text.trim_start_matches(is_space);
    if trimmed.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("empty")) {
        return match trimmed[5..].trim_start_matches(is_space).is_empty() {
            true => Ok(None),
            false => Err(wrong("Junk after \"empty\" keyword.")),
        };
    }
    let mut rest = trimmed.chars().peekable();
    let lower_inclusive = match rest.next() {
        Some('[') => true,
        Some('(') => false,
        _ => return Err(wrong("Missing left parenthesis or bracket.")),
    };
    let lower = bound(&mut rest, text)?;
    if rest.next() != Some(',') {
        return Err(wrong("Missing comma after lower bound."));
    }
    let upper = bound(&mut rest, text)?;
    let upper_inclusive = match rest.next() {
        Some(']') => true,
        Some(')') => false,
        _ => return Err(wrong("Too many commas.")),
    };
    if rest.any(|c| !is_space(c)) {
        return Err(wrong("Junk after right parenthesis or bracket."));
    }
    let read = |text: Option<String>, inclusive: bool| match text {
        None => Bound::of(&super::Value::Null, false),
        Some(text) => Bound::of(&parse_with(&text, PgType::new(of.subtype), input)?, inclusive),
    };
    let (lower, upper) = (read(lower, lower_inclusive)?, read(upper, upper_inclusive)?);
    make(lower, upper, of)
}

/// The text of a bound; none if it is infinite.
fn bound(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, text: &str) -> Result<Option<String>> {
    if matches!(rest.peek(), Some(',' | ')' | ']')) {
        return Ok(None);
    }
    let ended = || malformed("range", text, "Unexpected end of input.");
    let (mut out, mut quoted) = (String::new(), false);
    loop {
        match rest.peek() {
            Some(',' | ')' | ']') if !quoted => return Ok(Some(out)),
            None => return Err(ended()),
            Some(_) => {}
        }
        match rest.next() {
            Some('\\') => out.push(rest.next().ok_or_else(ended)?),
            Some('"') if quoted && rest.next_if_eq(&'"').is_some() => out.push('"'),
            Some('"') => quoted = !quoted,
            Some(c) => out.push(c),
            None => {}
        }
    }
}

fn multirange(text: &str, of: RangeType, input: &Input<'_>) -> Result<Vec<Range>> {
    let wrong = |detail: &str| malformed("multirange", text, detail);
    let inner = text.trim_start_matches(is_space);
    let Some(mut rest) = inner.strip_prefix('{') else { return Err(wrong("Missing left brace.")) };
    let mut members = Vec::new();
    let mut first = true;
    loop {
        rest = rest.trim_start_matches(is_space);
        if first && let Some(after) = rest.strip_prefix('}') {
            rest = after;
            break;
        }
        first = false;
        let end = match rest.chars().next() {
            None => return Err(wrong("Unexpected end of input.")),
            Some('[' | '(') => range_end(rest).ok_or_else(|| wrong("Unexpected end of input."))?,
            Some(_) if rest.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("empty")) => 5,
            Some(_) => return Err(wrong("Expected range start.")),
        };
        members.extend(range(&rest[..end], of, input)?);
        rest = rest[end..].trim_start_matches(is_space);
        match rest.chars().next() {
            Some(',') => rest = &rest[1..],
            Some('}') => {
                rest = &rest[1..];
                break;
            }
            None => return Err(wrong("Unexpected end of input.")),
            Some(_) => return Err(wrong("Expected comma or end of multirange.")),
        }
    }
    if rest.chars().any(|c| !is_space(c)) {
        return Err(wrong("Junk after closing right brace."));
    }
    Ok(members)
}

/// Where the range that the text begins with ends.
fn range_end(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            // Doubled quotes turn it off and on again.
            '"' => quoted = !quoted,
            ')' | ']' if !quoted => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// `range_out`, `multirange_out`.
pub fn write_range(out: &mut Vec<u8>, bytes: &[u8], (of, multi): (RangeType, bool), output: &Output<'_>) {
    let members = decode(bytes);
    if multi {
        out.push(b'{');
    } else if members.is_empty() {
        return out.extend_from_slice(b"empty");
    }
    for (i, Range { lower, upper }) in members.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        out.push(if lower.inclusive { b'[' } else { b'(' });
        write_bound(out, lower, of, output);
        out.push(b',');
        write_bound(out, upper, of, output);
        out.push(if upper.inclusive { b']' } else { b')' });
    }
    if multi {
        out.push(b'}');
    }
}

fn write_bound(out: &mut Vec<u8>, bound: &Bound, of: RangeType, output: &Output<'_>) {
    if bound.value.is_none() {
        return;
    }
    let mut text = Vec::new();
    write(&mut text, &value(bound, of.subtype), PgType::new(of.subtype), output);
    let quote = text.is_empty()
        || text
            .iter()
            .any(|b| matches!(b, b'"' | b'\\' | b'(' | b')' | b'[' | b']' | b',') || is_space(char::from(*b)));
    if !quote {
        return out.extend_from_slice(&text);
    }
    out.push(b'"');
    for b in text {
        if matches!(b, b'"' | b'\\') {
            out.push(b);
        }
        out.push(b);
    }
    out.push(b'"');
}
