//! The words of a jsonpath: names, strings and variables with their escapes, numbers, punctuation, comments.

use crate::error::{Error, Result, SqlState};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Word(String),
    String(String),
    Variable(String),
    Number(String),
    Punct(&'static str),
    End,
}

const PUNCTUATION: &[&str] = &[
    "**", "&&", "||", "==", "<>", "!=", "<=", ">=", "<", ">", "!", "(", ")", "[", "]", "{", "}", "?", "@", "$", ".",
    ",", "+", "-", "*", "/", "%",
];

pub(super) fn at_or_near(what: &str, near: &str) -> Error {
    let place = if near.is_empty() { "end".to_owned() } else { format!("or near \"{near}\"") };
    Error::new(SqlState::SYNTAX_ERROR, format!("{what} at {place} of jsonpath input"))
}

/// The words of a path.
pub(super) fn scan(text: &str) -> Result<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c') {
            rest = &rest[1..];
            continue;
        }
        if let Some(comment) = rest.strip_prefix("/*") {
            let end = comment.find("*/").ok_or_else(|| at_or_near("unexpected end of comment", ""))?;
            rest = &comment[end + 2..];
            continue;
        }
        let starts_number = c.is_ascii_digit() || (c == '.' && rest[1..].starts_with(|d: char| d.is_ascii_digit()));
        if starts_number && !(c == '.' && matches!(tokens.last(), Some(Token::Word(_) | Token::String(_)))) {
            let (number, tail) = scan_number(rest)?;
            tokens.push(Token::Number(number));
            rest = tail;
            continue;
        }
        if c == '"' {
            let (string, tail) = scan_string(&rest[1..])?;
            tokens.push(Token::String(string));
            rest = tail;
            continue;
        }
        if let Some(tail) = rest.strip_prefix('$') {
            if let Some(quoted) = tail.strip_prefix('"') {
                let (name, tail) = scan_string(quoted)?;
                tokens.push(Token::Variable(name));
                rest = tail;
            } else {
                let (name, after) = scan_word(tail)?;
                tokens.push(if name.is_empty() { Token::Punct("$") } else { Token::Variable(name) });
                rest = after;
            }
            continue;
        }
        if let Some(punct) = PUNCTUATION.iter().find(|p| rest.starts_with(**p)) {
            tokens.push(Token::Punct(punct));
            rest = &rest[punct.len()..];
            continue;
        }
        let (word, tail) = scan_word(rest)?;
        if word.is_empty() {
            return Err(at_or_near("syntax error", &c.to_string()));
        }
        tokens.push(Token::Word(word));
        rest = tail;
    }
    tokens.push(Token::End);
    Ok(tokens)
}

/// Characters that end a name.
fn is_special(c: char) -> bool {
    matches!(
        c,
        '?' | '%'
            | '$'
            | '.'
            | '['
            | ']'
            | '{'
            | '}'
            | '('
            | ')'
            | '|'
            | '&'
            | '!'
            | '='
            | '<'
            | '>'
            | '@'
            | '#'
            | ','
            | '*'
            | ':'
            | '-'
            | '+'
            | '/'
            | '"'
            | ' '
            | '\t'
            | '\n'
            | '\r'
            | '\x0c'
    )
}

fn scan_word(text: &str) -> Result<(String, &str)> {
    let mut word = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '\\' {
            rest = escape(&rest[1..], &mut word)?;
        } else if is_special(c) {
            break;
        } else {
            word.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    Ok((word, rest))
}

fn scan_string(text: &str) -> Result<(String, &str)> {
    let mut string = String::new();
    let mut rest = text;
    loop {
        match rest.chars().next() {
            None => return Err(at_or_near("unterminated quoted string", "")),
            Some('"') => return Ok((string, &rest[1..])),
            Some('\\') => rest = escape(&rest[1..], &mut string)?,
            Some(c) => {
                string.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
}

/// What follows a backslash.
fn escape<'a>(text: &'a str, out: &mut String) -> Result<&'a str> {
    let Some(c) = text.chars().next() else { return Err(at_or_near("unexpected end after backslash", "")) };
    let rest = &text[c.len_utf8()..];
    let plain = match c {
        'b' => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        'x' => {
            let code = rest.get(..2).filter(|h| h.chars().all(|c| c.is_ascii_hexdigit()));
            let Some(code) = code else { return Err(at_or_near("invalid hexadecimal character sequence", "\\x")) };
            push_code(u32::from_str_radix(code, 16).unwrap_or(0), out)?;
            return Ok(&rest[2..]);
        }
        'u' => return unicode(rest, out),
        other => other,
    };
    out.push(plain);
    Ok(rest)
}

/// `\uXXXX` (pairs of surrogates too) and `\u{X…}`.
fn unicode<'a>(text: &'a str, out: &mut String) -> Result<&'a str> {
    let one = |text: &'a str| -> Result<(u32, &'a str)> {
        let invalid = || at_or_near("invalid Unicode escape sequence", "\\u");
        let (code, rest) = match text.strip_prefix('{') {
            Some(braced) => {
                let end = braced.find('}').filter(|n| (1..=6).contains(n)).ok_or_else(invalid)?;
                (&braced[..end], &braced[end + 1..])
            }
            None => (text.get(..4).ok_or_else(invalid)?, text.get(4..).unwrap_or_default()),
        };
        if !code.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err(invalid());
        }
        Ok((u32::from_str_radix(code, 16).unwrap_or(0), rest))
    };
    let syntax = |detail: &str| {
        Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "invalid input syntax for type jsonpath").detail(detail)
    };
    let (code, rest) = one(text)?;
    if (0xDC00..0xE000).contains(&code) {
        return Err(syntax("Unicode low surrogate must follow a high surrogate."));
    }
    if !(0xD800..0xDC00).contains(&code) {
        push_code(code, out)?;
        return Ok(rest);
    }
    let Some(second) = rest.strip_prefix("\\u") else {
        return Err(syntax("Unicode low surrogate must follow a high surrogate."));
    };
    let (low, rest) = one(second)?;
    if (0xD800..0xDC00).contains(&low) {
        return Err(syntax("Unicode high surrogate must not follow a high surrogate."));
    }
    if !(0xDC00..0xE000).contains(&low) {
        return Err(syntax("Unicode low surrogate must follow a high surrogate."));
    }
    push_code(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00), out)?;
    Ok(rest)
}

fn push_code(code: u32, out: &mut String) -> Result<()> {
    if code == 0 {
        return Err(Error::new(SqlState::UNTRANSLATABLE_CHARACTER, "unsupported Unicode escape sequence")
            .detail("\\u0000 cannot be converted to text."));
    }
    match char::from_u32(code) {
        Some(c) => out.push(c),
        None => return Err(at_or_near("invalid Unicode escape sequence", "\\u")),
    }
    Ok(())
}

fn scan_number(text: &str) -> Result<(String, &str)> {
    let bytes = text.as_bytes();
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let junk = |end: usize| {
        let c = text[end..].chars().next().map_or(0, char::len_utf8);
        at_or_near("trailing junk after numeric literal", &text[..end + c])
    };
    let mut end = digits(0);
    let integer = end;
    // No leading zeroes: 00 is junk after 0.
    if integer > 1 && bytes[0] == b'0' {
        return Err(junk(1));
    }
    if bytes.get(end) == Some(&b'.') {
        let after = digits(end + 1);
        // `1.type()`: PostgreSQL's scanner takes the point into the number.
        end = after;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let after = digits(end + 1 + sign);
        if after == end + 1 + sign {
            return Err(junk(end));
        }
        end = after;
    }
    if text[end..].chars().next().is_some_and(|c| !is_special(c)) {
        return Err(junk(end));
    }
    Ok((text[..end].to_owned(), &text[end..]))
}
