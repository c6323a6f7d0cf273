//! MERGE: a join as its source, DO NOTHING and INSERT DEFAULT VALUES, which sqlparser does not read.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::super::source::Source;
use super::{DEFAULTS, DO_NOTHING, closing, instead, is, is_token, keyword, mark};
use crate::error::Result;

/// `WHEN [NOT] MATCHED` begins here.
fn is_when(tokens: &[TokenWithSpan], at: usize) -> bool {
    keyword(tokens.get(at)) == Keyword::WHEN
        && (is(tokens.get(at + 1), "matched") || is(tokens.get(at + 1), "not") && is(tokens.get(at + 2), "matched"))
}

pub(super) fn spell(tokens: Vec<TokenWithSpan>, source: &Source) -> Result<Vec<TokenWithSpan>> {
    let Some(merge) = (0..tokens.len()).find(|i| keyword(tokens.get(*i)) == Keyword::MERGE && begins(&tokens, *i))
    else {
        return Ok(tokens);
    };
    let Some(first) = (merge..tokens.len()).find(|i| is_when(&tokens, *i)) else {
        return Err(source.syntax_error(None));
    };
    let mut out = tokens[..merge].to_vec();
    out.extend(joined_source(&tokens[merge..first]));
    let (mut matched, mut depth) = (true, 0usize);
    let mut i = first;
    while i < tokens.len() {
        let token = &tokens[i];
        if is_when(&tokens, i) {
            matched = is(tokens.get(i + 1), "matched");
        }
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            // INSERT takes one row.
            Token::Word(_) if depth == 0 && keyword(Some(token)) == Keyword::VALUES => {
                let next = tokens.get(closing(&tokens, i + 1) + 1);
                if is_token(next, &Token::Comma) {
                    return Err(source.syntax_error(next));
                }
            }
            _ => {}
        }
        let then = keyword(Some(token)) == Keyword::THEN;
        let word = |text: &str| instead(token, Token::make_word(text, None));
        let zero = instead(token, Token::Number("0".into(), false));
        out.push(token.clone());
        i += 1;
        if then && is(tokens.get(i), "do") && is(tokens.get(i + 1), "nothing") {
            if matched {
                out.extend([word("UPDATE"), word("SET"), mark(token, DO_NOTHING), instead(token, Token::Eq), zero]);
            } else {
                out.extend(insert_mark(token, DO_NOTHING));
            }
            i += 2;
        } else if then
            && is(tokens.get(i), "insert")
            && is(tokens.get(i + 1), "default")
            && is(tokens.get(i + 2), "values")
        {
            out.extend(insert_mark(token, DEFAULTS));
            i += 3;
        }
    }
    Ok(out)
}

/// MERGE as a statement's verb: at its beginning, or after WITH's last query.
fn begins(tokens: &[TokenWithSpan], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|i| tokens.get(i));
    let verb = before.is_none() || is_token(before, &Token::RParen) || is(before, "explain") || is(before, "analyze");
    verb && is(tokens.get(at + 1), "into")
}

/// `INSERT ("mark") VALUES (0)`.
fn insert_mark(like: &TokenWithSpan, name: &str) -> Vec<TokenWithSpan> {
    let token = |token| instead(like, token);
    vec![
        token(Token::make_word("INSERT", None)),
        token(Token::LParen),
        mark(like, name),
        token(Token::RParen),
        token(Token::make_word("VALUES", None)),
        token(Token::LParen),
        token(Token::Number("0".into(), false)),
        token(Token::RParen),
    ]
}

/// `MERGE INTO t USING a JOIN b ON p ON q`, with parentheses around the join.
fn joined_source(head: &[TokenWithSpan]) -> Vec<TokenWithSpan> {
    let mut head = head.to_vec();
    // MERGE INTO ONLY t, MERGE INTO t *
    let name = |i: usize| matches!(head.get(i).map(|t| &t.token), Some(Token::Word(_)));
    if is(head.get(2), "only") && name(3) && keyword(head.get(3)) != Keyword::USING && !is(head.get(3), "as") {
        head.remove(2);
    }
    let end = 3 + 2 * usize::from(is_token(head.get(3), &Token::Period));
    if is_token(head.get(end), &Token::Mul) {
        head.remove(end);
    }
    let head = &head[..];
    let (mut depth, mut using, mut joined, mut on) = (0usize, None, false, None);
    for (i, token) in head.iter().enumerate() {
        match &token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            Token::Word(_) if depth == 0 => match keyword(Some(token)) {
                // A join's own USING has a parenthesis behind it, but so may the source: the first is MERGE's.
                Keyword::USING if using.is_none() => using = Some(i),
                Keyword::JOIN => joined = true,
                Keyword::ON => on = Some(i),
                _ => {}
            },
            _ => {}
        }
    }
    let (Some(using), Some(on), true) = (using, on, joined) else { return head.to_vec() };
    let mut out = head[..=using].to_vec();
    out.push(instead(&head[using], Token::LParen));
    out.extend_from_slice(&head[using + 1..on]);
    out.push(instead(&head[on], Token::RParen));
    out.extend_from_slice(&head[on..]);
    out
}
