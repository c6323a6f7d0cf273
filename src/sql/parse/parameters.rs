//! A function's parameters and types as they are written.

use sqlparser::ast::DataType;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::cursor::Cursor;
use super::with_parser;
use crate::error::{Error, Result, SqlState};
use crate::registry::{Name, ParameterMode};
use crate::tree::QualifiedName;

#[derive(Debug, Clone)]
pub struct RawParameter {
    pub name: Option<Name>,
    pub mode: ParameterMode,
    pub ty: RawType,
    pub default: Option<String>,
}

#[derive(Debug, Clone)]
pub enum RawType {
    Type(DataType),
    /// `table.column%TYPE`.
    OfColumn(QualifiedName, Name),
}

/// Is it this word, without quotes?
pub fn is(token: Option<&TokenWithSpan>, word: &str) -> bool {
    matches!(token.map(|t| &t.token), Some(Token::Word(w)) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
}

/// The text of some tokens as it was written.
pub fn slice(c: &Cursor<'_>, tokens: &[TokenWithSpan]) -> Result<String> {
    let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else { return Err(c.error()) };
    let (from, to) = (c.source.byte(first.span.start), c.source.byte(last.span.end));
    Ok(c.source.text.get(from..to).unwrap_or_default().trim_end().to_owned())
}

/// The tokens of a result's type: up to the first option.
pub fn until_option<'a>(c: &mut Cursor<'a>) -> &'a [TokenWithSpan] {
    const OPTIONS: &[&str] = &[
        "as",
        "begin",
        "called",
        "cost",
        "external",
        "immutable",
        "language",
        "leakproof",
        "not",
        "parallel",
        "return",
        "returns",
        "rows",
        "security",
        "set",
        "stable",
        "strict",
        "support",
        "transform",
        "volatile",
        "window",
    ];
    let from = c.at;
    while !c.is_end() && (c.at == from || !OPTIONS.iter().any(|word| c.is_word(0, word))) {
        c.at += 1;
    }
    &c.tokens[from..c.at]
}

pub fn raw_type(c: &Cursor<'_>, tokens: &[TokenWithSpan]) -> Result<RawType> {
    if let [before @ .., percent, word] = tokens
        && percent.token == Token::Mod
        && is(Some(word), "type")
    {
        let mut inner = Cursor::new(before, c.source);
        let first = inner.qualified()?;
        if inner.eat_token(&Token::Period) {
            let column = inner.name()?;
            inner.end()?;
            return Ok(RawType::OfColumn(first, column));
        }
        inner.end()?;
        let table = first.namespace.clone().ok_or_else(|| {
            let message = "improper %TYPE reference (too few dotted names): ";
            Error::syntax(format!("{message}{}", first.name))
        })?;
        return Ok(RawType::OfColumn(QualifiedName { namespace: None, name: table, pos: first.pos }, first.name));
    }
    if tokens.is_empty() {
        return Err(c.error());
    }
    with_parser(tokens, c.source, |p| p.parse_data_type()).map(RawType::Type)
}

/// A list of parameters, each `[mode] [name] type [DEFAULT expression]`.
pub fn parameters(c: &Cursor<'_>, tokens: &[TokenWithSpan]) -> Result<Vec<RawParameter>> {
    let mut out = Vec::new();
    for tokens in items(tokens) {
        out.push(parameter(c, tokens)?);
    }
    Ok(out)
}

/// Splits at the commas that stand in no parentheses.
fn items(tokens: &[TokenWithSpan]) -> Vec<&[TokenWithSpan]> {
    let (mut out, mut from, mut depth) = (Vec::new(), 0, 0_i32);
    for (i, token) in tokens.iter().enumerate() {
        match token.token {
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket => depth -= 1,
            Token::Comma if depth == 0 => {
                out.push(&tokens[from..i]);
                from = i + 1;
            }
            _ => {}
        }
    }
    if !tokens.is_empty() {
        out.push(&tokens[from..]);
    }
    out
}

fn mode(c: &mut Cursor<'_>) -> Option<ParameterMode> {
    // A word of these may also be a name or a type: then nothing follows it.
    if c.tokens.len() < c.at + 2 {
        return None;
    }
    if c.eat("in out") || c.eat("inout") {
        Some(ParameterMode::InOut)
    } else if c.eat("in") {
        Some(ParameterMode::In)
    } else if c.eat("out") {
        Some(ParameterMode::Out)
    } else if c.eat("variadic") {
        Some(ParameterMode::Variadic)
    } else {
        None
    }
}

fn parameter(c: &Cursor<'_>, tokens: &[TokenWithSpan]) -> Result<RawParameter> {
    let mut inner = Cursor::new(tokens, c.source);
    let mut found = mode(&mut inner);
    let mut end = tokens.len();
    let mut depth = 0_i32;
    for (i, token) in tokens.iter().enumerate() {
        match token.token {
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket => depth -= 1,
            Token::Eq | Token::Assignment if depth == 0 => end = end.min(i),
            _ if depth == 0 && is(Some(token), "default") => end = end.min(i),
            _ => {}
        }
    }
    let default = match tokens.get(end + 1..) {
        Some(rest) if end < tokens.len() => Some(slice(c, rest)?),
        _ => None,
    };
    let mut rest = &tokens[inner.at.min(end)..end];
    let mut name = None;
    if !is_type_of_words(rest) && matches!(rest.get(1).map(|t| &t.token), Some(Token::Word(_))) {
        let mut first = Cursor::new(rest, c.source);
        name = Some(first.name()?);
        if found.is_none() {
            found = mode(&mut first);
        }
        rest = &rest[first.at..];
    }
    let ty = match rest {
        [] => return Err(c.source.syntax_error(tokens.get(end).or_else(|| c.tokens.get(c.at.saturating_sub(1))))),
        [setof, ..] if is(Some(setof), "setof") => {
            let message = "functions cannot accept set arguments";
            return Err(Error::new(SqlState::INVALID_FUNCTION_DEFINITION, message));
        }
        tokens => raw_type(c, tokens)?,
    };
    Ok(RawParameter { name, mode: found.unwrap_or(ParameterMode::In), ty, default })
}

/// `double precision`, `character varying`, `timestamp with time zone` …: not a name and a type.
fn is_type_of_words(tokens: &[TokenWithSpan]) -> bool {
    let word = |i: usize, words: &[&str]| words.iter().any(|w| is(tokens.get(i), w));
    (word(0, &["double"]) && word(1, &["precision"]))
        || (word(0, &["character", "char", "nchar", "national", "bit"]) && word(1, &["varying", "character", "char"]))
        || (word(0, &["time", "timestamp"]) && word(1, &["with", "without"]))
        || (word(0, &["interval"]) && word(1, &["year", "month", "day", "hour", "minute", "second"]))
        || (word(1, &["array"]) && tokens.len() <= 5 && !word(0, &["in", "out", "inout", "variadic"]))
}
