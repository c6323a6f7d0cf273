//! Text functions by character, with PostgreSQL's treatment of negative and odd arguments.

use std::collections::HashMap;

use super::*;
use crate::engine::budget::spend;
use crate::registry::expression::quote as quote_ident;
use crate::types::encoding::Encoding;

pub(super) fn natives() -> Vec<Native> {
    vec![
        native1::<str, str>("dg_initcap", |s| Ok(Some(initcap(s)))),
        native1::<str, str>("dg_reverse", |s| Ok(Some(s.chars().rev().collect()))),
        native1::<str, str>("dg_name", |s| Ok(Some(truncate_name(s).to_owned()))),
        native3::<str, i32, i32, str>("dg_substr3", |s, start, len| substr(s, start, Some(len)).map(Some)),
        native2::<str, i32, str>("dg_substr2", |s, start| substr(s, start, None).map(Some)),
        native3::<[u8], i32, i32, [u8]>("dg_bytea_substr3", |s, start, len| byte_substr(s, start, Some(len)).map(Some)),
        native2::<[u8], i32, [u8]>("dg_bytea_substr2", |s, start| byte_substr(s, start, None).map(Some)),
        native3::<str, i32, str, str>("dg_lpad", |s, n, fill| pad(s, n, fill, true).map(Some)),
        native3::<str, i32, str, str>("dg_rpad", |s, n, fill| pad(s, n, fill, false).map(Some)),
        native2::<str, i32, str>("dg_repeat", |s, n| {
            let n = usize::try_from(n).unwrap_or(0);
            spend(s.len().saturating_mul(n))?;
            Ok(Some(s.repeat(n)))
        }),
        native3::<str, str, str, str>("dg_replace", |s, from, to| replace(s, from, to).map(Some)),
        native3::<str, str, str, str>("dg_translate", |s, from, to| Ok(Some(translate(s, from, to)))),
        // DuckDB's own compares at each place anew: for a long text that is sought it takes their product.
        native2::<str, str, i32>("dg_strpos", |s, sought| {
            let found = s.find(sought).map_or(0, |at| s[..at].chars().count() + 1);
            i32::try_from(found).map(Some).map_err(Error::internal)
        }),
        native3::<str, str, i32, str>("dg_split_part", |s, sep, n| split_part(s, sep, n).map(Some)),
        native1::<i32, str>("dg_chr", |n| chr(n).map(Some)),
        native1::<str, str>("dg_quote_ident", |s| Ok(Some(quote_ident(s)))),
        native1::<str, str>("dg_quote_literal", |s| Ok(Some(quote_literal(s)))),
        native4::<str, str, i32, i32, str>("dg_overlay4", |s, new, start, len| overlay(s, new, start, len).map(Some)),
        native3::<str, str, i32, str>("dg_overlay3", |s, new, start| {
            overlay(s, new, start, new.chars().count() as i32).map(Some)
        }),
        string_to_array(2),
        string_to_array(3),
        format_native(),
        native_values("dg_format_list", vec![Phys::Text, TextList::phys()], Phys::Text, |args| {
            let template = super::json::text_of(&args[0]).unwrap_or_default();
            format(template, &super::json::strings(&args[1])).map(Value::text)
        }),
        array_to_string(2),
        array_to_string(3),
        native2::<[u8], str, str>("dg_encode", |b, format| encode(b, format).map(Some)),
        native2::<str, str, [u8]>("dg_decode", |s, format| decode(s, format).map(Some)),
        sha("dg_sha224", None),
        sha("dg_sha256", Some(&ring::digest::SHA256)),
        sha("dg_sha384", Some(&ring::digest::SHA384)),
        sha("dg_sha512", Some(&ring::digest::SHA512)),
        native2::<str, str, [u8]>("dg_convert_to", |s, name| {
            let to = encoding(name, "destination")?;
            Ok(Some(to.encode(s)?.into_owned()))
        }),
        native2::<[u8], str, str>("dg_convert_from", |b, name| {
            let from = encoding(name, "source")?;
            Ok(Some(from.decode(b)?.into_owned()))
        }),
    ]
}

fn sha(name: &'static str, algorithm: Option<&'static ring::digest::Algorithm>) -> Native {
    native1::<[u8], [u8]>(name, move |b| match algorithm {
        Some(algorithm) => Ok(Some(ring::digest::digest(algorithm, b).as_ref().to_vec())),
        None => Ok(Some(super::sha224::digest(b).to_vec())),
    })
}

/// `which` of a conversion's two encodings has this name.
pub(super) fn encoding(name: &str, which: &str) -> Result<Encoding> {
    Encoding::by_name(name).ok_or_else(|| {
        Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid {which} encoding name \"{name}\""))
    })
}

fn initcap(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    let mut inside = false;
    for c in s.chars() {
        if inside {
            out.extend(c.to_lowercase().next());
        } else {
            // A character becomes one character: ß has no upper case.
            let mut upper = c.to_uppercase();
            out.push(if upper.len() == 1 { upper.next().unwrap_or(c) } else { c });
        }
        inside = c.is_alphanumeric();
    }
    out
}

/// A `name` holds at most 63 bytes; a character is never cut in two.
fn truncate_name(s: &str) -> &str {
    let mut end = s.len().min(63);
    while !s.is_char_boundary(end) {
        end -= 1;
    }
    &s[..end]
}

/// The character range `[from, to)` that `substring(start, len)` asks for, from 0.
fn range(start: i32, len: Option<i32>) -> Result<(usize, usize)> {
    let start = i64::from(start);
    let end = match len {
        None => i64::MAX,
        Some(len) if len < 0 => {
            return Err(Error::new(SqlState::SUBSTRING_ERROR, "negative substring length not allowed"));
        }
        Some(len) => start + i64::from(len),
    };
    let from = start.max(1) - 1;
    let to = (end.max(1) - 1).max(from);
    Ok((from as usize, usize::try_from(to).unwrap_or(usize::MAX)))
}

fn substr(s: &str, start: i32, len: Option<i32>) -> Result<String> {
    let (from, to) = range(start, len)?;
    Ok(s.chars().skip(from).take(to - from).collect())
}

fn byte_substr(s: &[u8], start: i32, len: Option<i32>) -> Result<Vec<u8>> {
    let (from, to) = range(start, len)?;
    let (from, to) = (from.min(s.len()), to.min(s.len()));
    Ok(s[from..to.max(from)].to_vec())
}

fn pad(s: &str, n: i32, fill: &str, left: bool) -> Result<String> {
    let n = usize::try_from(n).unwrap_or(0);
    let (len, unit) = (s.chars().count(), fill.chars().count());
    if len >= n || unit == 0 {
        return Ok(s.chars().take(n).collect());
    }
    let missing = n - len;
    spend(s.len().saturating_add(fill.len().saturating_mul(missing / unit + 1)))?;
    let mut padding = fill.repeat(missing / unit);
    padding.extend(fill.chars().take(missing % unit));
    Ok(if left { padding + s } else { s.to_owned() + &padding })
}

/// PostgreSQL leaves the text as it is if what is looked for is empty.
fn replace(s: &str, from: &str, to: &str) -> Result<String> {
    if from.is_empty() {
        return Ok(s.to_owned());
    }
    if to.len() > from.len() {
        spend(s.matches(from).count().saturating_mul(to.len() - from.len()))?;
    }
    Ok(s.replace(from, to))
}

/// Characters of `from` that are few enough to be looked at one after the other.
const FEW: usize = 32;

fn translate(s: &str, from: &str, to: &str) -> String {
    let to: Vec<char> = to.chars().collect();
    if from.len() > FEW {
        let mut becomes = HashMap::new();
        for (i, c) in from.chars().enumerate() {
            // Of equal ones the first counts.
            becomes.entry(c).or_insert_with(|| to.get(i).copied());
        }
        return s.chars().filter_map(|c| becomes.get(&c).copied().unwrap_or(Some(c))).collect();
    }
    s.chars()
        .filter_map(|c| match from.chars().position(|f| f == c) {
            None => Some(c),
            Some(i) => to.get(i).copied(),
        })
        .collect()
}

fn split_part(s: &str, sep: &str, n: i32) -> Result<String> {
    if n == 0 {
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "field position must not be zero"));
    }
    if sep.is_empty() {
        return Ok(if n == 1 || n == -1 { s.to_owned() } else { String::new() });
    }
    let index = n.unsigned_abs() as usize - 1;
    if n > 0 {
        return Ok(s.split(sep).nth(index).unwrap_or("").to_owned());
    }
    // Counted from the end of the same fields, which rsplit would find elsewhere for separators that overlap.
    let fields: Vec<&str> = s.split(sep).collect();
    Ok(fields.iter().rev().nth(index).map_or_else(String::new, |f| (*f).to_owned()))
}

fn chr(n: i32) -> Result<String> {
    let fail = |m: &str| Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, m));
    if n == 0 {
        return fail("null character not permitted");
    }
    if n < 0 {
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "character number must be positive"));
    }
    match char::from_u32(n as u32) {
        Some(c) => Ok(c.to_string()),
        None => Err(Error::new(
            SqlState::PROGRAM_LIMIT_EXCEEDED,
            format!("requested character not valid for encoding: {n}"),
        )),
    }
}

fn quote_literal(s: &str) -> String {
    let quoted = s.replace('\'', "''");
    if s.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

fn overlay(s: &str, new: &str, start: i32, len: i32) -> Result<String> {
    if start <= 0 {
        return Err(Error::new(SqlState::SUBSTRING_ERROR, "negative substring length not allowed"));
    }
    let after = start.checked_add(len).ok_or_else(|| out_of_range("integer out of range"))?;
    let mut out = substr(s, 1, Some(start - 1))?;
    out.push_str(new);
    out.push_str(&substr(s, after, None)?);
    Ok(out)
}

/// string_to_array(text, separator [, null]): a NULL separator splits into characters, so it is not strict; a part that
/// is the third argument's text is NULL.
fn string_to_array(arity: usize) -> Native {
    Native {
        name: "dg_string_to_array",
        args: vec![Phys::Text; arity],
        varargs: None,
        result: TextList::phys(),
        strict: false,
        volatile: false,
        body: Arc::new(move |args, rows| {
            let (text, sep) = (downcast::<str>(args, 0)?, downcast::<str>(args, 1)?);
            let null = if arity == 3 { Some(downcast::<str>(args, 2)?) } else { None };
            let mut out = TextList::builder(rows);
            for row in 0..rows {
                if text.is_null(row) {
                    TextList::push(&mut out, None);
                    continue;
                }
                let s = text.value(row);
                let null = null.filter(|n| !n.is_null(row)).map(|n| n.value(row));
                let part = |part: &str| (null != Some(part)).then(|| part.to_owned());
                let separator = if sep.is_null(row) { None } else { Some(sep.value(row)) };
                // Each part is a text of its own until all are there.
                let count = match separator {
                    None => s.chars().count(),
                    Some("") => 1,
                    Some(separator) => s.matches(separator).count() + 1,
                };
                spend(count.saturating_mul(size_of::<Option<String>>() + 16).saturating_add(s.len()))?;
                let items = if s.is_empty() {
                    Vec::new()
                } else if sep.is_null(row) {
                    s.chars().map(|c| part(c.encode_utf8(&mut [0; 4]))).collect()
                } else if sep.value(row).is_empty() {
                    vec![part(s)]
                } else {
                    s.split(sep.value(row)).map(part).collect()
                };
                TextList::push(&mut out, Some(items));
            }
            Ok(TextList::finish(out))
        }),
    }
}

fn encode(b: &[u8], format: &str) -> Result<String> {
    use base64::Engine as _;
    match format.to_ascii_lowercase().as_str() {
        "hex" => Ok(b.iter().map(|x| format!("{x:02x}")).collect()),
        "base64" => {
            let text = base64::engine::general_purpose::STANDARD.encode(b);
            // Lines of 76 characters, as MIME has them.
            let lines: Vec<&str> = (0..text.len()).step_by(76).map(|i| &text[i..(i + 76).min(text.len())]).collect();
            Ok(lines.join("\n"))
        }
        "escape" => Ok(b
            .iter()
            .map(|x| match x {
                b'\\' => "\\\\".to_owned(),
                0 | 0x80.. => format!("\\{x:03o}"),
                _ => char::from(*x).to_string(),
            })
            .collect()),
        _ => Err(unrecognized(format)),
    }
}

fn unrecognized(format: &str) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("unrecognized encoding: \"{format}\""))
}

fn decode(s: &str, format: &str) -> Result<Vec<u8>> {
    use base64::Engine as _;
    let bad = |m: String| Error::new(SqlState::INVALID_PARAMETER_VALUE, m);
    match format.to_ascii_lowercase().as_str() {
        "hex" => {
            let digits: Vec<char> = s.chars().filter(|c| !matches!(c, ' ' | '\n' | '\t' | '\r')).collect();
            if let Some(c) = digits.iter().find(|c| !c.is_ascii_hexdigit()) {
                return Err(bad(format!("invalid hexadecimal digit: \"{c}\"")));
            }
            if !digits.len().is_multiple_of(2) {
                return Err(bad("invalid hexadecimal data: odd number of digits".into()));
            }
            let nibble = |c: char| c.to_digit(16).unwrap_or(0) as u8;
            Ok(digits.chunks(2).map(|p| nibble(p[0]) << 4 | nibble(p[1])).collect())
        }
        "base64" => {
            let packed: String = s.chars().filter(|c| !matches!(c, ' ' | '\n' | '\t' | '\r')).collect();
            base64::engine::general_purpose::STANDARD.decode(packed).map_err(|_| {
                bad("invalid base64 end sequence".into())
                    .hint("Input data is missing padding, is truncated, or is otherwise corrupted.")
            })
        }
        "escape" => decode_escape(s.as_bytes()),
        _ => Err(unrecognized(format)),
    }
}

fn decode_escape(s: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(s.len());
    let mut rest = s;
    while let Some((&c, tail)) = rest.split_first() {
        if c != b'\\' {
            out.push(c);
            rest = tail;
        } else if tail.first() == Some(&b'\\') {
            out.push(b'\\');
            rest = &tail[1..];
        } else if let [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', more @ ..] = tail {
            out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
            rest = more;
        } else {
            return Err(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "invalid input syntax for type bytea"));
        }
    }
    Ok(out)
}

/// format(text, …): the arguments arrive as their text; a NULL argument is not a NULL result.
fn format_native() -> Native {
    Native {
        name: "dg_format",
        args: vec![Phys::Text],
        varargs: Some(Phys::Text),
        result: Phys::Text,
        strict: false,
        volatile: false,
        body: Arc::new(|args, rows| {
            let texts = (0..args.len()).map(|i| downcast::<str>(args, i)).collect::<Result<Vec<_>>>()?;
            let mut out = StringBuilder::with_capacity(rows, rows * 16);
            for row in 0..rows {
                if texts[0].is_null(row) {
                    out.append_null();
                    continue;
                }
                let values: Vec<Option<&str>> =
                    texts[1..].iter().map(|t| (!t.is_null(row)).then(|| t.value(row))).collect();
                out.append_value(format(texts[0].value(row), &values)?);
            }
            Ok(Arc::new(out.finish()))
        }),
    }
}

/// One `%` of a format: `%[position$][-][width]type`.
fn format(template: &str, values: &[Option<&str>]) -> Result<String> {
    let bad = |m: &str| Error::new(SqlState::INVALID_PARAMETER_VALUE, m.to_owned());
    let unterminated = || bad("unterminated format() type specifier").hint("For a single \"%\" use \"%%\".");
    let mut out = String::new();
    let mut chars = template.chars().peekable();
    let mut next = 0;
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        if chars.peek() == Some(&'%') {
            chars.next();
            out.push('%');
            continue;
        }
        let mut number = digits(&mut chars);
        let mut position = None;
        if number.is_some() && chars.peek() == Some(&'$') {
            chars.next();
            position = number.take();
            if position == Some(0) {
                return Err(bad("format specifies argument 0, but arguments are numbered from 1"));
            }
        }
        let mut left = false;
        while number.is_none() && chars.peek() == Some(&'-') {
            chars.next();
            left = true;
        }
        let mut width = number.or_else(|| digits(&mut chars)).unwrap_or(0);
        let mut take = |position: Option<usize>| {
            let index = position.map_or(next, |p| p - 1);
            next = index + 1;
            values.get(index).copied().ok_or_else(|| bad("too few arguments for format()"))
        };
        if chars.peek() == Some(&'*') {
            chars.next();
            let at = digits(&mut chars);
            if at == Some(0) {
                return Err(bad("format specifies argument 0, but arguments are numbered from 1"));
            }
            if at.is_some() && chars.next() != Some('$') {
                return Err(bad("width argument position must be ended by \"$\""));
            }
            let asked: i64 = take(at)?.unwrap_or("0").parse().map_err(|_| bad("number is out of range"))?;
            left |= asked < 0;
            width = asked.unsigned_abs() as usize;
        }
        spend(width)?;
        let kind = chars.next().ok_or_else(unterminated)?;
        if !matches!(kind, 's' | 'I' | 'L') {
            return Err(
                bad(&format!("unrecognized format() type specifier \"{kind}\"")).hint("For a single \"%\" use \"%%\".")
            );
        }
        let value = take(position)?;
        let text = match (kind, value) {
            ('s', value) => value.unwrap_or("").to_owned(),
            ('I', Some(value)) => quote_ident(value),
            ('I', None) => {
                return Err(Error::new(
                    SqlState::NULL_VALUE_NOT_ALLOWED,
                    "null values cannot be formatted as an SQL identifier",
                ));
            }
            (_, Some(value)) => quote_literal(value),
            (_, None) => "NULL".to_owned(),
        };
        let padding = " ".repeat(width.saturating_sub(text.chars().count()));
        if left {
            out.push_str(&text);
            out.push_str(&padding);
        } else {
            out.push_str(&padding);
            out.push_str(&text);
        }
    }
    Ok(out)
}

fn digits(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<usize> {
    let mut number = None;
    while let Some(d) = chars.peek().and_then(|c| c.to_digit(10)) {
        chars.next();
        number = Some(number.unwrap_or(0_usize).saturating_mul(10).saturating_add(d as usize));
    }
    number
}

/// array_to_string(array, separator [, null text]): NULL elements are left out unless a text stands for them.
fn array_to_string(arity: usize) -> Native {
    Native {
        name: "dg_array_to_string",
        args: [TextList::phys(), Phys::Text, Phys::Text][..arity].to_vec(),
        varargs: None,
        result: Phys::Text,
        strict: false,
        volatile: false,
        body: Arc::new(move |args, rows| {
            let wrong = || Error::internal("array_to_string: the first argument is no list");
            let lists = args[0].as_any().downcast_ref::<arrow::array::ListArray>().ok_or_else(wrong)?;
            let separators = downcast::<str>(args, 1)?;
            let nulls = if arity == 3 { Some(downcast::<str>(args, 2)?) } else { None };
            let mut out = StringBuilder::with_capacity(rows, rows * 16);
            for row in 0..rows {
                if lists.is_null(row) || separators.is_null(row) {
                    out.append_null();
                    continue;
                }
                let items = lists.value(row);
                let items = items.as_any().downcast_ref::<StringArray>().ok_or_else(wrong)?;
                let null = nulls.filter(|n| !n.is_null(row)).map(|n| n.value(row));
                let parts: Vec<&str> = items.iter().filter_map(|item| item.or(null)).collect();
                let between = separators.value(row);
                spend(between.len().saturating_mul(parts.len()))?;
                out.append_value(parts.join(between));
            }
            Ok(Arc::new(out.finish()))
        }),
    }
}
