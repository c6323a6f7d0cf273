//! ON CONFLICT's target where it is more than columns: it is kept aside.
//!
//! `ON CONFLICT (lower(a), b) WHERE c DO NOTHING` → `ON CONFLICT ("␁0") DO NOTHING`

use sqlparser::ast::Expr;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{MARK, closing, is, is_token, is_word, keyword, mark};
use crate::error::{Error, Result};
use crate::sql::parse::source::Source;
use crate::sql::parse::strip::Extras;

/// What decides of a conflict: columns and expressions, and which rows they are unique among.
#[derive(Debug, Clone)]
pub struct Arbiter {
    pub elements: Vec<Expr>,
    pub predicate: Option<Expr>,
}

pub(super) fn take(tokens: Vec<TokenWithSpan>, source: &Source, extras: &mut Extras) -> Result<Vec<TokenWithSpan>> {
    let mut out = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let open = at + 2;
        let begins = keyword(Some(token)) == Keyword::ON
            && is(tokens.get(at + 1), "conflict")
            && is_token(tokens.get(open), &Token::LParen);
        if !begins {
            out.push(token.clone());
            at += 1;
            continue;
        }
        let close = closing(&tokens, open);
        let Some(inner) = tokens.get(open + 1..close).filter(|inner| !inner.is_empty()) else {
            return Err(source.syntax_error(tokens.get(close)));
        };
        let filtered = keyword(tokens.get(close + 1)) == Keyword::WHERE;
        let elements = listed(inner);
        let names = elements.iter().all(|element| matches!(element, [name] if is_word(Some(name))));
        if names && !filtered {
            out.extend(tokens[at..=close].iter().cloned());
            at = close + 1;
            continue;
        }
        let end = if filtered { condition_end(&tokens, close + 2) } else { close + 1 };
        let elements = elements.into_iter().map(|element| parsed(element, source)).collect::<Result<Vec<_>>>()?;
        let predicate = tokens.get(close + 2..end).filter(|_| filtered);
        let predicate = predicate.map(|tokens| parsed(tokens, source)).transpose()?;
        let number = extras.arbiters.len();
        extras.arbiters.push(Arbiter { elements, predicate });
        out.extend(tokens[at..=open].iter().cloned());
        out.push(mark(&inner[0], &format!("{MARK}{number}")));
        out.push(tokens[close].clone());
        at = end;
    }
    Ok(out)
}

/// What stands between commas.
fn listed(tokens: &[TokenWithSpan]) -> Vec<&[TokenWithSpan]> {
    let mut depth = 0usize;
    let outer = move |token: &TokenWithSpan| {
        match token.token {
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && token.token == Token::Comma
    };
    tokens.split(outer).collect()
}

/// Where DO stands.
fn condition_end(tokens: &[TokenWithSpan], from: usize) -> usize {
    let mut depth = 0usize;
    for (i, token) in tokens.iter().enumerate().skip(from) {
        match token.token {
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket => depth = depth.saturating_sub(1),
            _ if depth == 0 && is(Some(token), "do") => return i,
            _ => {}
        }
    }
    tokens.len()
}

fn parsed(tokens: &[TokenWithSpan], source: &Source) -> Result<Expr> {
    if let [.., before, class] = tokens
        && is_word(Some(class))
        && (is_word(Some(before)) || is_token(Some(before), &Token::RParen))
        && class.token.to_string().to_ascii_lowercase().ends_with("_ops")
    {
        return Err(Error::unsupported("an operator class in ON CONFLICT").hint("Leave it out."));
    }
    super::super::with_parser(tokens, source, |p| p.parse_expr())
}
