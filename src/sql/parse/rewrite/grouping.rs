//! Elements of ROLLUP, CUBE and GROUPING SETS that begin with a parenthesis and go on behind it: `ROLLUP ((d)::date)` →
//! `ROLLUP (((d)::date))`. sqlparser takes a parenthesis at an element's beginning for that of a list.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{instead, is, is_token, keyword};

pub(super) fn elements(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut added: Vec<(usize, Token)> = Vec::new();
    for at in 0..tokens.len() {
        let begins = match keyword(tokens.get(at)) {
            Keyword::ROLLUP | Keyword::CUBE => true,
            Keyword::SETS => at > 0 && is(tokens.get(at - 1), "grouping"),
            _ => false,
        };
        if begins && is_token(tokens.get(at + 1), &Token::LParen) {
            wrap(&tokens, at + 2, &mut added);
        }
    }
    if added.is_empty() {
        return tokens;
    }
    // Inner ones are found later: by their places, and what closes before what opens.
    added.sort_by_key(|(at, token)| (*at, *token == Token::LParen));
    let mut out = Vec::with_capacity(tokens.len() + added.len());
    let mut added = added.into_iter().peekable();
    for (at, token) in tokens.into_iter().enumerate() {
        while let Some((_, new)) = added.next_if(|(place, _)| *place == at) {
            out.push(instead(&token, new));
        }
        out.push(token);
    }
    out
}

/// Goes through the elements of the list that begins at `from`.
fn wrap(tokens: &[TokenWithSpan], from: usize, added: &mut Vec<(usize, Token)>) {
    let mut start = from;
    let mut depth = 0usize;
    // Behind the parenthesis with which the element begins.
    let mut behind = None;
    for at in from..tokens.len() {
        let ends = depth == 0 && matches!(tokens[at].token, Token::Comma | Token::RParen);
        if ends {
            if behind.is_some_and(|behind| behind != at) {
                added.extend([(start, Token::LParen), (at, Token::RParen)]);
            }
            if tokens[at].token == Token::RParen {
                return;
            }
            (start, behind) = (at + 1, None);
            continue;
        }
        match tokens[at].token {
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket => {
                depth = depth.saturating_sub(1);
                if depth == 0 && behind.is_none() && is_token(tokens.get(start), &Token::LParen) {
                    behind = Some(at + 1);
                }
            }
            _ => {}
        }
    }
}
