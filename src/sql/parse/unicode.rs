//! `U&'…' UESCAPE '!'` and `U&"…"`: text by code points. sqlparser reads `U&'…'` with backslashes alone.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Span, Token, TokenWithSpan, Word};

use super::source::Source;
use crate::error::{Error, Result};

/// Puts what they stand for in their place. Identifiers of no length are refused.
pub(super) fn spelled(tokens: Vec<TokenWithSpan>, source: &Source) -> Result<Vec<TokenWithSpan>> {
    let empty = |token: &&TokenWithSpan| matches!(&token.token, Token::Word(w) if w.quote_style == Some('"') && w.value.is_empty());
    if let Some(token) = tokens.iter().find(empty) {
        let message = "zero-length delimited identifier at or near \"\"\"\"";
        return Err(Error::syntax(message).at(source.position(token.span.start)));
    }
    if !source.text.contains("&\"") && !source.text.contains("&'") {
        return Ok(tokens);
    }
    let mut out = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let token = &tokens[at];
        let position = || source.position(token.span.start);
        let name = named(&tokens, at);
        let behind = at + if name.is_some() { 3 } else { 1 };
        let escape = escape_behind(&tokens, behind);
        let literal = matches!(token.token, Token::UnicodeStringLiteral(_)) && escape.is_some();
        if name.is_none() && !literal {
            out.push(token.clone());
            at += 1;
            continue;
        }
        let sign = match &escape {
            Some((text, _)) => sign(text).map_err(|e| e.at(position()))?,
            None => '\\',
        };
        let last = name.unwrap_or(token);
        let written = source.slice(last.span);
        let written = if name.is_some() { written } else { written.get(2..).unwrap_or_default() };
        let quote = if name.is_some() { '"' } else { '\'' };
        let inner = written.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)).unwrap_or_default();
        let value = decoded(&inner.replace(&format!("{quote}{quote}"), &quote.to_string()), sign);
        let value = value.map_err(|e| e.at(position()))?;
        let made = match name {
            Some(_) => Token::Word(Word { value, quote_style: Some('"'), keyword: Keyword::NoKeyword }),
            None => Token::UnicodeStringLiteral(value),
        };
        out.push(TokenWithSpan { token: made, span: Span::new(token.span.start, last.span.end) });
        at = escape.map_or(behind, |(_, end)| end);
    }
    Ok(out)
}

/// The quoted name of `U&"…"`, which has no blanks between.
fn named(tokens: &[TokenWithSpan], at: usize) -> Option<&TokenWithSpan> {
    let [u, and, name] = tokens.get(at..at + 3)? else { return None };
    let together = u.span.end == and.span.start && and.span.end == name.span.start;
    let is_u = matches!(&u.token, Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case("u"));
    let quoted = matches!(&name.token, Token::Word(w) if w.quote_style == Some('"'));
    (together && is_u && and.token == Token::Ampersand && quoted).then_some(name)
}

/// What stands in `UESCAPE '…'`, and where that ends.
fn escape_behind(tokens: &[TokenWithSpan], at: usize) -> Option<(String, usize)> {
    let mut rest = (at..tokens.len()).filter(|i| !matches!(tokens[*i].token, Token::Whitespace(_)));
    let word = &tokens[rest.next()?].token;
    if !matches!(word, Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case("uescape")) {
        return None;
    }
    let end = rest.next()?;
    match &tokens[end].token {
        Token::SingleQuotedString(text) => Some((text.clone(), end + 1)),
        _ => None,
    }
}

/// check_uescapechar
fn sign(text: &str) -> Result<char> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if !c.is_ascii_hexdigit() && !"+'\"".contains(c) && !c.is_ascii_whitespace() => Ok(c),
        _ => Err(Error::syntax("invalid Unicode escape character")),
    }
}

/// str_udeescape
fn decoded(text: &str, sign: char) -> Result<String> {
    let wrong = || {
        let message = "invalid Unicode escape";
        Error::syntax(message).hint("Unicode escapes must be \\XXXX or \\+XXXXXX.")
    };
    let pair = || Error::syntax("invalid Unicode surrogate pair");
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut first: Option<u32> = None;
    while let Some(c) = chars.next() {
        let number = if c == sign && chars.next_if_eq(&sign).is_none() {
            let digits = if chars.next_if_eq(&'+').is_some() { 6 } else { 4 };
            let mut number = 0;
            for _ in 0..digits {
                number = number * 16 + chars.next().and_then(|c| c.to_digit(16)).ok_or_else(wrong)?;
            }
            number
        } else {
            if first.is_some() {
                return Err(pair());
            }
            out.push(c);
            continue;
        };
        match (first.take(), number) {
            (None, 0xD800..=0xDBFF) => first = Some(number),
            (Some(high), 0xDC00..=0xDFFF) => {
                let both = 0x10000 + ((high - 0xD800) << 10) + (number - 0xDC00);
                out.push(char::from_u32(both).ok_or_else(pair)?);
            }
            (None, number) if !(0xDC00..=0xDFFF).contains(&number) => {
                let known = char::from_u32(number).filter(|c| *c != '\0');
                out.push(known.ok_or_else(|| Error::syntax("invalid Unicode escape value"))?);
            }
            _ => return Err(pair()),
        }
    }
    if first.is_some() { Err(pair()) } else { Ok(out) }
}
