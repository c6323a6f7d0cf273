//! Arrays and rows as text: `{1,"a b",NULL}`, `[0:1]={…}`, `(1,"a b",)`.

use bytes::BufMut;

use super::digits::put_int;
use super::{Input, Output, is_space, parse_codec, write};
use crate::error::{Error, Result, SqlState};
use crate::types::table::codec;
use crate::types::{ArrayValue, PgType, Value, oid};

/// The most dimensions that an array has.
pub const MAX_DIMS: usize = 6;
/// The most elements (MaxArraySize: what fits PostgreSQL's largest allocation).
pub const MAX_ITEMS: usize = 134_217_727;

fn malformed(text: &str, detail: &str) -> Error {
    Error::new(SqlState::INVALID_TEXT_REPRESENTATION, format!("malformed array literal: \"{text}\"")).detail(detail)
}

/// `array_in` for arrays of `element`.
pub fn parse_array(text: &str, element: PgType, input: &Input<'_>) -> Result<ArrayValue> {
    let mut p = ArrayParser {
        text,
        bytes: text.as_bytes(),
        at: 0,
        delimiter: delimiter(element),
        depth_seen: 0,
        lengths: [-1; MAX_DIMS],
        items: Vec::new(),
    };
    let bounds = p.bounds()?;
    let (codec, typmod) = codec(element, input.types)?;
    p.body()?;
    let ArrayParser { items: raw, lengths, depth_seen, .. } = p;
    let mut items = Vec::with_capacity(raw.len());
    for item in raw {
        items.push(match item {
            None => Value::Null,
            Some(text) => parse_codec(&text, element, &codec, typmod, input)?,
        });
    }
    let mut dims: Vec<(i32, i32)> = lengths[..depth_seen].iter().map(|n| (*n, 1)).collect();
    if let Some(bounds) = bounds {
        if bounds.len() != dims.len() || bounds.iter().zip(&dims).any(|(b, d)| b.0 != d.0) {
            return Err(malformed(text, "Specified array dimensions do not match array contents."));
        }
        dims = bounds;
    }
    if items.is_empty() {
        dims.clear();
    }
    Ok(ArrayValue { element: element.oid, dims, items })
}

struct ArrayParser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    delimiter: u8,
    depth_seen: usize,
    lengths: [i32; MAX_DIMS],
    items: Vec<Option<String>>,
}

impl ArrayParser<'_> {
    fn skip_space(&mut self) {
        while self.bytes.get(self.at).is_some_and(|b| is_space(*b as char)) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn error(&self, detail: &str) -> Error {
        malformed(self.text, detail)
    }

    fn number(&mut self) -> Option<i32> {
        let from = self.at;
        if matches!(self.peek(), Some(b'-' | b'+')) {
            self.at += 1;
        }
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        self.text[from..self.at].parse().ok()
    }

    /// `[1:3][0:1]=` before the braces: (length, lower bound) of each dimension.
    fn bounds(&mut self) -> Result<Option<Vec<(i32, i32)>>> {
        let mut dims = Vec::new();
        loop {
            self.skip_space();
            if self.peek() != Some(b'[') {
                break;
            }
            self.at += 1;
            if dims.len() >= MAX_DIMS {
                return Err(Error::new(
                    SqlState::PROGRAM_LIMIT_EXCEEDED,
                    format!("number of array dimensions ({}) exceeds the maximum allowed ({MAX_DIMS})", dims.len() + 1),
                ));
            }
            let missing = "\"[\" must introduce explicitly-specified array dimensions.";
            let first = self.number().ok_or_else(|| self.error(missing))?;
            let (lower, upper) = if self.peek() == Some(b':') {
                self.at += 1;
                (first, self.number().ok_or_else(|| self.error("Missing array dimension value."))?)
            } else {
                (1, first)
            };
            if self.peek() != Some(b']') {
                return Err(self.error("Missing \"]\" after array dimensions."));
            }
            self.at += 1;
            if upper < lower {
                return Err(Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "upper bound cannot be less than lower bound"));
            }
            let length = i64::from(upper) - i64::from(lower) + 1;
            let length = i32::try_from(length).map_err(|_| too_large())?;
            dims.push((length, lower));
        }
        if dims.is_empty() {
            if self.peek() != Some(b'{') {
                return Err(self.error("Array value must start with \"{\" or dimension information."));
            }
            return Ok(None);
        }
        if self.peek() != Some(b'=') {
            return Err(self.error("Missing \"=\" after array dimensions."));
        }
        self.at += 1;
        self.skip_space();
        if self.peek() != Some(b'{') {
            return Err(self.error("Array contents must start with \"{\"."));
        }
        Ok(Some(dims))
    }

    fn body(&mut self) -> Result<()> {
        self.braces(0)?;
        self.skip_space();
        if self.at < self.bytes.len() {
            return Err(self.error("Junk after closing right brace."));
        }
        Ok(())
    }

    /// One `{…}`, at nesting `depth`. Depth is bounded by MAX_DIMS.
    fn braces(&mut self, depth: usize) -> Result<()> {
        if depth >= MAX_DIMS {
            return Err(Error::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                format!("number of array dimensions ({}) exceeds the maximum allowed ({MAX_DIMS})", depth + 1),
            ));
        }
        let ragged = "Multidimensional arrays must have sub-arrays with matching dimensions.";
        self.at += 1;
        self.depth_seen = self.depth_seen.max(depth + 1);
        let mut count = 0;
        let mut nested = None;
        self.skip_space();
        if self.peek() == Some(b'}') {
            // Only the whole array may be empty.
            if depth > 0 {
                return Err(self.error("Unexpected \"}\" character."));
            }
            self.at += 1;
            return self.close(depth, 0, ragged);
        }
        loop {
            self.skip_space();
            match self.peek() {
                None => return Err(self.error("Unexpected end of input.")),
                Some(b'{') => {
                    if nested == Some(false) {
                        return Err(self.error("Unexpected \"{\" character."));
                    }
                    nested = Some(true);
                    self.braces(depth + 1)?;
                }
                Some(b) => {
                    if nested == Some(true) || self.depth_seen > depth + 1 {
                        return Err(match b {
                            b'}' => self.error("Unexpected \"}\" character."),
                            b if b == self.delimiter => {
                                self.error(&format!("Unexpected \"{}\" character.", char::from(b)))
                            }
                            _ => self.error("Unexpected array element."),
                        });
                    }
                    nested = Some(false);
                    let item = self.item()?;
                    if self.items.len() >= MAX_ITEMS {
                        return Err(too_large());
                    }
                    self.items.push(item);
                }
            }
            count += 1;
            self.skip_space();
            match self.peek() {
                Some(b) if b == self.delimiter => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return self.close(depth, count, ragged);
                }
                Some(b'{') => return Err(self.error("Unexpected \"{\" character.")),
                Some(_) => return Err(self.error("Unexpected array element.")),
                None => return Err(self.error("Unexpected end of input.")),
            }
        }
    }

    fn close(&mut self, depth: usize, count: i32, ragged: &str) -> Result<()> {
        if self.lengths[depth] >= 0 && self.lengths[depth] != count {
            return Err(self.error(ragged));
        }
        self.lengths[depth] = count;
        Ok(())
    }

    /// One element: quoted, or bare up to a comma or brace; `None` is NULL.
    fn item(&mut self) -> Result<Option<String>> {
        let mut out = Vec::new();
        let mut quoted = false;
        // What must stay even if it is a blank at the end: escaped or quoted characters.
        let mut keep = 0;
        loop {
            let Some(b) = self.peek() else { return Err(self.error("Unexpected end of input.")) };
            match b {
                b'"' => {
                    if quoted || !out.is_empty() {
                        return Err(self.error("Unexpected array element."));
                    }
                    quoted = true;
                    self.at += 1;
                    self.quoted(&mut out)?;
                    self.skip_space();
                    match self.peek() {
                        Some(b) if b == b'}' || b == self.delimiter => break,
                        None => return Err(self.error("Unexpected end of input.")),
                        Some(_) => return Err(self.error("Unexpected array element.")),
                    }
                }
                b'\\' => {
                    self.at += 1;
                    let Some(c) = self.peek() else { return Err(self.error("Unexpected end of input.")) };
                    out.push(c);
                    self.at += 1;
                    keep = out.len();
                }
                b if b == b'}' || b == self.delimiter => break,
                b'{' => return Err(self.error("Unexpected \"{\" character.")),
                _ => {
                    out.push(b);
                    if !is_space(b as char) {
                        keep = out.len();
                    }
                    self.at += 1;
                }
            }
        }
        if !quoted {
            out.truncate(keep);
            if out.is_empty() {
                let next = self.peek().unwrap_or(b'}') as char;
                return Err(self.error(&format!("Unexpected \"{next}\" character.")));
            }
            if out.eq_ignore_ascii_case(b"null") {
                return Ok(None);
            }
        }
        String::from_utf8(out).map(Some).map_err(|_| self.error("Unexpected array element."))
    }

    fn quoted(&mut self, out: &mut Vec<u8>) -> Result<()> {
        loop {
            match self.peek() {
                None => return Err(self.error("Unexpected end of input.")),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    let Some(c) = self.peek() else { return Err(self.error("Unexpected end of input.")) };
                    out.push(c);
                    self.at += 1;
                }
                Some(b) => {
                    out.push(b);
                    self.at += 1;
                }
            }
        }
    }
}

fn too_large() -> Error {
    Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, format!("array size exceeds the maximum allowed ({MAX_ITEMS})"))
}

/// `array_out`; `ty` is the array's type (for its modifier), or int2vector or oidvector.
pub fn write_array(out: &mut Vec<u8>, array: &ArrayValue, ty: PgType, output: &Output<'_>) {
    let element = PgType::with(array.element, ty.typmod);
    if ty.oid == oid::INT2VECTOR || ty.oid == oid::OIDVECTOR {
        for (i, item) in array.items.iter().enumerate() {
            if i > 0 {
                out.put_u8(b' ');
            }
            write(out, item, element, output);
        }
        return;
    }
    if array.items.is_empty() || array.dims.is_empty() {
        return out.put_slice(b"{}");
    }
    if array.dims.iter().any(|(_, lower)| *lower != 1) {
        for (length, lower) in &array.dims {
            out.put_u8(b'[');
            put_int(out, i64::from(*lower));
            out.put_u8(b':');
            put_int(out, i64::from(*lower) + i64::from(*length) - 1);
            out.put_u8(b']');
        }
        out.put_u8(b'=');
    }
    let mut scratch = Vec::new();
    let mut next = 0;
    write_level(out, array, 0, &mut next, element, output, &mut scratch);
}

fn write_level(
    out: &mut Vec<u8>,
    array: &ArrayValue,
    depth: usize,
    next: &mut usize,
    element: PgType,
    output: &Output<'_>,
    scratch: &mut Vec<u8>,
) {
    out.put_u8(b'{');
    for i in 0..array.dims[depth].0 {
        if i > 0 {
            out.put_u8(delimiter(element));
        }
        if depth + 1 < array.dims.len() {
            write_level(out, array, depth + 1, next, element, output, scratch);
            continue;
        }
        match array.items.get(*next) {
            None | Some(Value::Null) => out.put_slice(b"NULL"),
            Some(value) => {
                scratch.clear();
                write(scratch, value, element, output);
                put_delimited(out, scratch, delimiter(element));
            }
        }
        *next += 1;
    }
    out.put_u8(b'}');
}

/// What stands between an array's elements (typdelim): a box alone has commas outside of parentheses.
fn delimiter(element: PgType) -> u8 {
    if element.oid == oid::BOX { b';' } else { b',' }
}

/// An element's text, quoted where `array_out` quotes.
pub fn put_element(out: &mut Vec<u8>, text: &[u8]) {
    put_delimited(out, text, b',');
}

fn put_delimited(out: &mut Vec<u8>, text: &[u8], delimiter: u8) {
    let quote = text.is_empty()
        || text.eq_ignore_ascii_case(b"null")
        || text.iter().any(|b| matches!(b, b'"' | b'\\' | b'{' | b'}') || *b == delimiter || is_space(*b as char));
    if !quote {
        return out.put_slice(text);
    }
    out.put_u8(b'"');
    for b in text {
        if matches!(b, b'"' | b'\\') {
            out.put_u8(b'\\');
        }
        out.put_u8(*b);
    }
    out.put_u8(b'"');
}

/// `record_out`.
pub fn write_record(out: &mut Vec<u8>, fields: &[(PgType, Value)], output: &Output<'_>) {
    let mut scratch = Vec::new();
    out.put_u8(b'(');
    for (i, (ty, value)) in fields.iter().enumerate() {
        if i > 0 {
            out.put_u8(b',');
        }
        if !value.is_null() {
            scratch.clear();
            write(&mut scratch, value, *ty, output);
            put_field(out, &scratch);
        }
    }
    out.put_u8(b')');
}

/// A field's text, quoted where `record_out` quotes: by doubling, not by backslash.
pub fn put_field(out: &mut Vec<u8>, text: &[u8]) {
    let quote =
        text.is_empty() || text.iter().any(|b| matches!(b, b'"' | b'\\' | b'(' | b')' | b',') || is_space(*b as char));
    if !quote {
        return out.put_slice(text);
    }
    out.put_u8(b'"');
    for b in text {
        if matches!(b, b'"' | b'\\') {
            out.put_u8(*b);
        }
        out.put_u8(*b);
    }
    out.put_u8(b'"');
}
