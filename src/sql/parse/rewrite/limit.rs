//! FETCH FIRST as LIMIT, and row locks behind it.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::super::source::Source;
use super::super::strip::Extras;
use super::{TIES, instead, is, is_token, keyword, mark};
use crate::error::Result;

/// `FETCH {FIRST | NEXT} [n] {ROW | ROWS} {ONLY | WITH TIES}` → `LIMIT n`, marked if with ties.
pub(super) fn fetch(tokens: Vec<TokenWithSpan>, source: &Source) -> Result<Vec<TokenWithSpan>> {
    let mut out = Vec::with_capacity(tokens.len());
    let mut i = 0;
    while i < tokens.len() {
        let token = &tokens[i];
        let begins = i > 0 && keyword(Some(token)) == Keyword::FETCH;
        if !begins || !(is(tokens.get(i + 1), "first") || is(tokens.get(i + 1), "next")) {
            out.push(token.clone());
            i += 1;
            continue;
        }
        let from = i + 2;
        let mut depth = 0usize;
        let rows = (from..tokens.len()).find(|n| {
            match tokens[*n].token {
                Token::LParen => depth += 1,
                Token::RParen => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && (is(tokens.get(*n), "row") || is(tokens.get(*n), "rows"))
        });
        let Some(rows) = rows else { return Err(source.syntax_error(None)) };
        let (ties, words) = if is(tokens.get(rows + 1), "only") {
            (false, 1)
        } else if is(tokens.get(rows + 1), "with") && is(tokens.get(rows + 2), "ties") {
            (true, 2)
        } else {
            return Err(source.syntax_error(tokens.get(rows + 1)));
        };
        out.push(instead(token, Token::make_word("LIMIT", None)));
        if ties {
            out.push(mark(token, TIES));
        }
        out.push(instead(token, Token::LParen));
        if rows == from {
            out.push(instead(&tokens[rows], Token::Number("1".into(), false)));
        }
        out.extend(tokens[from..rows].iter().cloned());
        out.push(instead(&tokens[rows], Token::RParen));
        i = rows + 1 + words;
    }
    Ok(out)
}

/// A row-locking clause: `FOR UPDATE [OF a, b] [NOWAIT | SKIP LOCKED]`.
fn lock_length(tokens: &[TokenWithSpan], from: usize) -> usize {
    let kind = matches!(keyword(tokens.get(from + 1)), Keyword::UPDATE | Keyword::SHARE);
    if keyword(tokens.get(from)) != Keyword::FOR || !kind {
        return 0;
    }
    let mut n = from + 2;
    if keyword(tokens.get(n)) == Keyword::OF {
        n += 2;
        while is_token(tokens.get(n), &Token::Comma) || is_token(tokens.get(n), &Token::Period) {
            n += 2;
        }
    }
    n += suffix_length(tokens, n);
    n.min(tokens.len()) - from
}

fn suffix_length(tokens: &[TokenWithSpan], at: usize) -> usize {
    match () {
        _ if is(tokens.get(at), "nowait") => 1,
        _ if is(tokens.get(at), "skip") && is(tokens.get(at + 1), "locked") => 2,
        _ => 0,
    }
}

/// Puts locks behind LIMIT and OFFSET, and writes one for each relation that OF names.
pub(super) fn locks(tokens: Vec<TokenWithSpan>, extras: &mut Extras) -> Vec<TokenWithSpan> {
    let mut out = Vec::with_capacity(tokens.len());
    // Locks that wait for the end of their level.
    let mut waiting: Vec<Vec<TokenWithSpan>> = vec![Vec::new()];
    let mut number = 0;
    let mut i = 0;
    while i < tokens.len() {
        let length = lock_length(&tokens, i);
        if length > 0 {
            let clauses = one_each(&tokens[i..i + length]);
            if let Some(strength) = extras.locks.get(number).copied() {
                for _ in 1..clauses.len() {
                    extras.locks.insert(number, strength);
                }
            }
            number += clauses.len();
            if let Some(level) = waiting.last_mut() {
                level.extend(clauses.into_iter().flatten());
            }
            i += length;
            continue;
        }
        match tokens[i].token {
            Token::LParen => waiting.push(Vec::new()),
            Token::RParen if waiting.len() > 1 => out.extend(waiting.pop().into_iter().flatten()),
            _ => {}
        }
        out.push(tokens[i].clone());
        i += 1;
    }
    out.extend(waiting.into_iter().rev().flatten());
    out
}

/// `FOR UPDATE OF a, b NOWAIT` → `FOR UPDATE OF a NOWAIT`, `FOR UPDATE OF b NOWAIT`.
fn one_each(clause: &[TokenWithSpan]) -> Vec<Vec<TokenWithSpan>> {
    if keyword(clause.get(2)) != Keyword::OF {
        return vec![clause.to_vec()];
    }
    let suffix = (clause.len().saturating_sub(2)..clause.len())
        .find(|n| suffix_length(clause, *n) == clause.len() - n)
        .unwrap_or(clause.len());
    clause[3..suffix]
        .split(|t| t.token == Token::Comma)
        .map(|name| [&clause[..3], name, &clause[suffix..]].concat())
        .collect()
}
