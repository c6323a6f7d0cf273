//! Elements of ROLLUP, CUBE and GROUPING SETS that begin with a parenthesis and go on behind it: `ROLLUP ((d)::date)` →
//! `ROLLUP (((d)::date))`. sqlparser takes a parenthesis at an element's beginning for that of a list.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};

use super::{DISTINCT, instead, is, is_token, keyword};

/// `GROUPING SETS ((), GROUPING SETS (a, b))` → `GROUPING SETS ((), a, b)`, and `GROUP BY DISTINCT a` → `GROUP BY "␁distinct"(), a`.
pub(super) fn spell(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let called_for = |at: usize| match keyword(tokens.get(at)) {
        Keyword::SETS => true,
        Keyword::BY => matches!(keyword(tokens.get(at + 1)), Keyword::DISTINCT | Keyword::ALL),
        _ => false,
    };
    if !(0..tokens.len()).any(called_for) {
        return tokens;
    }
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    // The parentheses that are open: of grouping sets, and whether they are left out.
    let mut open: Vec<(bool, bool)> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let token = &tokens[at];
        let sets = is(Some(token), "grouping") && is(tokens.get(at + 1), "sets");
        if sets && is_token(tokens.get(at + 2), &Token::LParen) {
            let begins = matches!(out.last().map(|t| &t.token), Some(Token::LParen | Token::Comma));
            let inner = begins && open.last().is_some_and(|(sets, _)| *sets);
            if !inner {
                out.extend_from_slice(&tokens[at..at + 3]);
            }
            open.push((true, inner));
            at += 3;
            continue;
        }
        if is(Some(token), "group") && is(tokens.get(at + 1), "by") {
            out.extend_from_slice(&tokens[at..at + 2]);
            at += 2;
            let ends = |token: Option<&TokenWithSpan>| {
                token.is_none_or(|t| matches!(t.token, Token::EOF | Token::RParen | Token::SemiColon | Token::Comma))
            };
            let listed = !ends(tokens.get(at + 1));
            if listed && is(tokens.get(at), "distinct") {
                let mark = Token::Word(Word {
                    value: DISTINCT.to_owned(),
                    quote_style: Some('"'),
                    keyword: Keyword::NoKeyword,
                });
                let new = [mark, Token::LParen, Token::RParen, Token::Comma];
                out.extend(new.into_iter().map(|new| instead(&tokens[at], new)));
                at += 1;
            } else if listed && is(tokens.get(at), "all") {
                at += 1;
            }
            continue;
        }
        at += 1;
        match token.token {
            Token::LParen => open.push((false, false)),
            Token::RParen => {
                if let Some((_, true)) = open.pop() {
                    continue;
                }
            }
            _ => {}
        }
        out.push(token.clone());
    }
    out
}

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
