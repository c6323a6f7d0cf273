//! `a JOIN b JOIN c ON p ON q` → `a JOIN (b JOIN c ON p) ON q`: a join without parentheses as the right side of another.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::super::source::Source;
use super::{ends_from, instead, is_word, keyword};
use crate::error::Result;

/// A qualified join whose ON or USING is still to come.
struct Pending {
    /// The index of its right side's first token.
    start: usize,
    /// Its right side is itself a join.
    joined: bool,
}

pub(super) fn parenthesize(tokens: Vec<TokenWithSpan>, source: &Source) -> Result<Vec<TokenWithSpan>> {
    let mut levels: Vec<Vec<Pending>> = vec![Vec::new()];
    let mut opens = Vec::new();
    let mut closes = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        let top = levels.len() - 1;
        match &token.token {
            Token::LParen => levels.push(Vec::new()),
            Token::RParen if top > 0 => {
                let pending = levels.pop().unwrap_or_default();
                if !pending.is_empty() {
                    return Err(source.syntax_error(Some(token)));
                }
            }
            Token::Comma if !levels[top].is_empty() => return Err(source.syntax_error(Some(token))),
            _ => {}
        }
        match keyword(Some(token)) {
            Keyword::JOIN => {
                if let Some(outer) = levels[top].last_mut() {
                    outer.joined = true;
                }
                if needs_condition(&tokens, i) {
                    levels[top].push(Pending { start: i + 1, joined: false });
                }
            }
            Keyword::ON | Keyword::USING => {
                if let Some(Pending { start, joined: true }) = levels[top].pop() {
                    opens.push(start);
                    closes.push(i);
                }
            }
            word if ends_from(word) && !levels[top].is_empty() => return Err(source.syntax_error(Some(token))),
            _ => {}
        }
    }
    if levels.iter().any(|pending| !pending.is_empty()) {
        return Err(source.syntax_error(None));
    }
    if opens.is_empty() {
        return Ok(tokens);
    }
    let mut out = Vec::with_capacity(tokens.len() + opens.len() * 2);
    for (i, token) in tokens.into_iter().enumerate() {
        out.extend(closes.iter().filter(|c| **c == i).map(|_| instead(&token, Token::RParen)));
        out.extend(opens.iter().filter(|o| **o == i).map(|_| instead(&token, Token::LParen)));
        out.push(token);
    }
    Ok(out)
}

/// True if the JOIN at `i` takes ON or USING.
fn needs_condition(tokens: &[TokenWithSpan], i: usize) -> bool {
    let mut n = i;
    while n > 0 && is_word(tokens.get(n - 1)) {
        n -= 1;
        match keyword(tokens.get(n)) {
            Keyword::INNER | Keyword::LEFT | Keyword::RIGHT | Keyword::FULL | Keyword::OUTER => {}
            Keyword::CROSS | Keyword::NATURAL => return false,
            _ => return !super::is(tokens.get(n), "positional"),
        }
    }
    true
}
