//! Numbers as PostgreSQL 15 reads them: what is written right behind one is junk, not an alias.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::rewrite::MARK;
use super::source::Source;
use crate::error::{Error, Result};

/// Refuses `123abc`, `1_000`, `0x1F` and `$1a`, and identifiers that could be taken for our own marks.
pub(super) fn check(tokens: &[TokenWithSpan], source: &Source) -> Result<()> {
    for (i, token) in tokens.iter().enumerate() {
        match &token.token {
            Token::Number(..) => {
                if let Some(next) = tokens.get(i + 1)
                    && let Token::Word(word) = &next.token
                    && word.quote_style.is_none()
                    && next.span.start == token.span.end
                {
                    return Err(junk("numeric literal", token, next, source));
                }
            }
            Token::HexStringLiteral(_) if source.text[source.byte(token.span.start)..].starts_with('0') => {
                let adjacent =
                    tokens.get(i + 1).filter(|n| matches!(n.token, Token::Word(_)) && n.span.start == token.span.end);
                return Err(junk("numeric literal", token, adjacent.unwrap_or(token), source));
            }
            Token::Placeholder(text) => {
                let digits = text.trim_start_matches('$').trim_start_matches(|c: char| c.is_ascii_digit());
                if text.starts_with('$') && !digits.is_empty() && text[1..].starts_with(|c: char| c.is_ascii_digit()) {
                    return Err(junk("parameter", token, token, source));
                }
            }
            Token::Word(word) if word.value.starts_with(MARK) => return Err(source.syntax_error(Some(token))),
            _ => {}
        }
    }
    Ok(())
}

fn junk(what: &str, from: &TokenWithSpan, to: &TokenWithSpan, source: &Source) -> Error {
    let text = source.text.get(source.byte(from.span.start)..source.byte(to.span.end)).unwrap_or_default();
    Error::syntax(format!("trailing junk after {what} at or near \"{text}\"")).at(source.position(from.span.start))
}
