//! `json` (validated, kept as written) and `jsonb` (normalized as PostgreSQL prints it).

pub mod tree;

use crate::error::{Error, Result, SqlState};
use crate::types::numeric::Numeric;

/// Nesting beyond this fails with 54001, as PostgreSQL does where its stack ends.
pub const MAX_DEPTH: usize = 1000;

/// `json_in`: fails with 22P02 on what is not JSON.
pub fn validate_json(text: &str) -> Result<()> {
    let mut p = Parser { text, bytes: text.as_bytes(), at: 0, normalize: false };
    p.document(&mut Vec::new())
}

/// `jsonb_in` and `jsonb_out` in one: keys by length then bytes, the last of equal keys, numbers as numeric prints them,
/// a blank after each colon and comma.
pub fn normalize_jsonb(text: &str) -> Result<String> {
    let mut p = Parser { text, bytes: text.as_bytes(), at: 0, normalize: true };
    let mut out = Vec::with_capacity(text.len() + 16);
    p.document(&mut out)?;
    String::from_utf8(out).map_err(|e| Error::internal(format!("jsonb text: {e}")))
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    End,
    String,
    Number,
    True,
    False,
    Null,
    Punct(u8),
}

#[derive(Clone, Copy)]
struct Token {
    kind: Kind,
    from: usize,
    to: usize,
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    normalize: bool,
}

impl Parser<'_> {
    fn error(&self, detail: String, at: usize) -> Error {
        Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "invalid input syntax for type json")
            .detail(detail)
            .context(self.context(at))
    }

    /// `JSON data, line 2: …{"a": x`: the line up to the error, cut to the last 50 bytes or so.
    fn context(&self, at: usize) -> String {
        let at = self.boundary(at.min(self.bytes.len()));
        let line = 1 + self.bytes[..at].iter().filter(|b| **b == b'\n').count();
        let line_start = self.bytes[..at].iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
        let mut from = line_start;
        while at - from >= 50 {
            from += 1;
            while !self.text.is_char_boundary(from) {
                from += 1;
            }
        }
        // A prefix of three bytes or less is shown rather than dots in its place.
        if from - line_start <= 3 {
            from = line_start;
        }
        let before = if from > line_start { "..." } else { "" };
        let rest = &self.bytes[at..];
        let after = if rest.is_empty() || rest[0] == b'\n' || rest[0] == b'\r' { "" } else { "..." };
        format!("JSON data, line {line}: {before}{}{after}", &self.text[from..at])
    }

    fn boundary(&self, mut at: usize) -> usize {
        while at < self.bytes.len() && !self.text.is_char_boundary(at) {
            at += 1;
        }
        at
    }

    fn unexpected(&self, token: Token, expected: &str) -> Error {
        if token.kind == Kind::End {
            return self.error("The input string ended unexpectedly.".into(), token.to);
        }
        let found = &self.text[token.from..self.boundary(token.to)];
        self.error(format!("Expected {expected}, but found \"{found}\"."), token.to)
    }

    fn token(&mut self) -> Result<Token> {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        let from = self.at;
        let Some(&b) = self.bytes.get(from) else { return Ok(Token { kind: Kind::End, from, to: from }) };
        let kind = match b {
            b'{' | b'}' | b'[' | b']' | b',' | b':' => {
                self.at += 1;
                Kind::Punct(b)
            }
            b'"' => {
                self.string_end()?;
                Kind::String
            }
            b'-' | b'0'..=b'9' => {
                self.number()?;
                Kind::Number
            }
            _ => {
                self.word_end();
                match &self.bytes[from..self.at] {
                    b"true" => Kind::True,
                    b"false" => Kind::False,
                    b"null" => Kind::Null,
                    _ => return Err(self.invalid_token(from)),
                }
            }
        };
        Ok(Token { kind, from, to: self.at })
    }

    /// Moves past a run of letters, digits, underscores and non-ASCII bytes; one byte at least.
    fn word_end(&mut self) {
        let from = self.at;
        while self.bytes.get(self.at).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b >= 0x80) {
            self.at += 1;
        }
        if self.at == from {
            self.at = self.boundary(from + 1);
        }
    }

    fn invalid_token(&self, from: usize) -> Error {
        self.error(format!("Token \"{}\" is invalid.", &self.text[from..self.at]), self.at)
    }

    fn number(&mut self) -> Result<()> {
        let from = self.at;
        let digits = |p: &mut Self| {
            let start = p.at;
            while p.bytes.get(p.at).is_some_and(u8::is_ascii_digit) {
                p.at += 1;
            }
            p.at > start
        };
        if self.bytes[self.at] == b'-' {
            self.at += 1;
        }
        let mut good = match self.bytes.get(self.at) {
            Some(b'0') => {
                self.at += 1;
                true
            }
            _ => digits(self),
        };
        if good && self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            good = digits(self);
        }
        if good && matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.bytes.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            good = digits(self);
        }
        let end = self.at;
        while self.bytes.get(self.at).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b >= 0x80) {
            self.at += 1;
        }
        if good && self.at == end { Ok(()) } else { Err(self.invalid_token(from)) }
    }

    /// Moves past a string and checks its escapes.
    fn string_end(&mut self) -> Result<()> {
        let from = self.at;
        self.at += 1;
        loop {
            let Some(&b) = self.bytes.get(self.at) else {
                return Err(self.error(format!("Token \"{}\" is invalid.", &self.text[from..]), self.at));
            };
            match b {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                0..=0x1f => {
                    return Err(self.error(format!("Character with value 0x{b:02x} must be escaped."), self.at));
                }
                b'\\' => {
                    self.at += 1;
                    self.escape(from)?;
                }
                _ => self.at += 1,
            }
        }
    }

    fn escape(&mut self, from: usize) -> Result<()> {
        match self.bytes.get(self.at) {
            None => Err(self.error(format!("Token \"{}\" is invalid.", &self.text[from..]), self.at)),
            Some(b'u') => {
                for i in 1..=4 {
                    if !self.bytes.get(self.at + i).is_some_and(u8::is_ascii_hexdigit) {
                        let detail = "\"\\u\" must be followed by four hexadecimal digits.";
                        return Err(self.error(detail.into(), self.at + i + 1));
                    }
                }
                self.at += 5;
                Ok(())
            }
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(_) => {
                let end = self.boundary(self.at + 1);
                let detail = format!("Escape sequence \"\\{}\" is invalid.", &self.text[self.at..end]);
                Err(self.error(detail, end))
            }
        }
    }

    fn document(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let first = self.token()?;
        self.value(first, 0, out)?;
        let end = self.token()?;
        if end.kind == Kind::End { Ok(()) } else { Err(self.unexpected(end, "end of input")) }
    }

    fn value(&mut self, token: Token, depth: usize, out: &mut Vec<u8>) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
        }
        match token.kind {
            Kind::Punct(b'{') => self.object(depth, out),
            Kind::Punct(b'[') => self.array(depth, out),
            Kind::String if self.normalize => {
                let text = self.unescape(token)?;
                escape_into(out, &text);
                Ok(())
            }
            Kind::Number if self.normalize => {
                let number = Numeric::parse(&self.text[token.from..token.to])?;
                out.extend_from_slice(number.as_text().as_bytes());
                Ok(())
            }
            Kind::True | Kind::False | Kind::Null | Kind::String | Kind::Number => {
                if self.normalize {
                    out.extend_from_slice(&self.bytes[token.from..token.to]);
                }
                Ok(())
            }
            Kind::Punct(_) | Kind::End => Err(self.unexpected(token, "JSON value")),
        }
    }

    fn array(&mut self, depth: usize, out: &mut Vec<u8>) -> Result<()> {
        out.push(b'[');
        let mut token = self.token()?;
        if token.kind == Kind::Punct(b']') {
            out.push(b']');
            return Ok(());
        }
        loop {
            self.value(token, depth + 1, out)?;
            let next = self.token()?;
            match next.kind {
                Kind::Punct(b',') => out.extend_from_slice(b", "),
                Kind::Punct(b']') => {
                    out.push(b']');
                    return Ok(());
                }
                _ => return Err(self.unexpected(next, "\",\" or \"]\"")),
            }
            token = self.token()?;
        }
    }

    fn object(&mut self, depth: usize, out: &mut Vec<u8>) -> Result<()> {
        let mut members: Vec<(String, Vec<u8>)> = Vec::new();
        let mut key = self.token()?;
        let mut expected = "string or \"}\"";
        if key.kind != Kind::Punct(b'}') {
            loop {
                if key.kind != Kind::String {
                    return Err(self.unexpected(key, expected));
                }
                let name = if self.normalize { self.unescape(key)? } else { String::new() };
                let colon = self.token()?;
                if colon.kind != Kind::Punct(b':') {
                    return Err(self.unexpected(colon, "\":\""));
                }
                let first = self.token()?;
                let mut text = Vec::new();
                self.value(first, depth + 1, &mut text)?;
                if self.normalize {
                    members.push((name, text));
                }
                let next = self.token()?;
                match next.kind {
                    Kind::Punct(b',') => {}
                    Kind::Punct(b'}') => break,
                    _ => return Err(self.unexpected(next, "\",\" or \"}\"")),
                }
                key = self.token()?;
                expected = "string";
            }
        }
        if self.normalize {
            put_members(out, members);
        }
        Ok(())
    }

    /// The characters of a string token.
    fn unescape(&self, token: Token) -> Result<String> {
        let body = &self.text[token.from + 1..token.to - 1];
        if !body.contains('\\') {
            return Ok(body.to_owned());
        }
        let mut out = String::with_capacity(body.len());
        let mut chars = body.chars();
        let mut high: Option<u32> = None;
        let orphan = |p: &Self| p.error("Unicode low surrogate must follow a high surrogate.".into(), token.to);
        while let Some(c) = chars.next() {
            if c != '\\' {
                if high.is_some() {
                    return Err(orphan(self));
                }
                out.push(c);
                continue;
            }
            let escape = chars.next().unwrap_or('\\');
            if escape != 'u' {
                if high.is_some() {
                    return Err(orphan(self));
                }
                out.push(match escape {
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    other => other,
                });
                continue;
            }
            let code = (0..4).fold(0, |n, _| n * 16 + chars.next().and_then(|c| c.to_digit(16)).unwrap_or(0));
            match (high.take(), code) {
                (None, 0) => {
                    return Err(Error::new(SqlState::UNTRANSLATABLE_CHARACTER, "unsupported Unicode escape sequence")
                        .detail("\\u0000 cannot be converted to text.")
                        .context(self.context(token.to)));
                }
                (None, 0xd800..=0xdbff) => high = Some(code),
                (Some(_), 0xd800..=0xdbff) => {
                    let detail = "Unicode high surrogate must not follow a high surrogate.";
                    return Err(self.error(detail.into(), token.to));
                }
                (Some(h), 0xdc00..=0xdfff) => {
                    let scalar = 0x10000 + ((h - 0xd800) << 10) + (code - 0xdc00);
                    out.extend(char::from_u32(scalar));
                }
                (None, 0xdc00..=0xdfff) | (Some(_), _) => return Err(orphan(self)),
                (None, _) => out.extend(char::from_u32(code)),
            }
        }
        if high.is_some() {
            return Err(orphan(self));
        }
        Ok(out)
    }
}

/// Sorts and prints an object's members; of equal keys the last one stays.
fn put_members(out: &mut Vec<u8>, mut members: Vec<(String, Vec<u8>)>) {
    members.sort_by(|a, b| a.0.len().cmp(&b.0.len()).then_with(|| a.0.as_bytes().cmp(b.0.as_bytes())));
    out.push(b'{');
    let mut first = true;
    for i in 0..members.len() {
        if members.get(i + 1).is_some_and(|next| next.0 == members[i].0) {
            continue;
        }
        if !first {
            out.extend_from_slice(b", ");
        }
        first = false;
        escape_into(out, &members[i].0);
        out.extend_from_slice(b": ");
        out.extend_from_slice(&members[i].1);
    }
    out.push(b'}');
}

/// `escape_json`.
fn escape_into(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for b in text.bytes() {
        match b {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            8 => out.extend_from_slice(b"\\b"),
            12 => out.extend_from_slice(b"\\f"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..=0x1f => out.extend_from_slice(format!("\\u{b:04x}").as_bytes()),
            _ => out.push(b),
        }
    }
    out.push(b'"');
}
