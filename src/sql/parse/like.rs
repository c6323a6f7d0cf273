//! `LIKE source [INCLUDING …]` among the elements of CREATE TABLE, which sqlparser knows only alone.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::cursor::Cursor;
use super::source::Source;
use crate::error::Result;
use crate::tree::QualifiedName;

/// What a LIKE clause takes over, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Included(u8);

impl Included {
    pub const COMMENTS: Self = Self(1);
    pub const CONSTRAINTS: Self = Self(2);
    pub const DEFAULTS: Self = Self(4);
    pub const GENERATED: Self = Self(8);
    pub const IDENTITY: Self = Self(16);
    pub const INDEXES: Self = Self(32);
    pub const STATISTICS: Self = Self(64);
    /// COMPRESSION and STORAGE, of which there is nothing to take.
    const NOTHING: Self = Self(0);
    const ALL: Self = Self(127);

    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

#[derive(Debug, Clone)]
pub struct LikeClause {
    pub name: QualifiedName,
    pub included: Included,
    /// How many columns the statement defines before it.
    pub before: usize,
}

/// Takes the LIKE clauses out of CREATE TABLE's elements.
pub fn take(tokens: &mut Vec<TokenWithSpan>, source: &Source) -> Result<Vec<LikeClause>> {
    let Some(open) = elements(tokens, source) else { return Ok(Vec::new()) };
    let (mut likes, mut columns, mut at) = (Vec::new(), 0, open + 1);
    while at < tokens.len() {
        let end = element_end(tokens, at);
        let mut c = Cursor::new(&tokens[at..end], source);
        if c.eat("like") {
            let name = c.qualified()?;
            let included = options(&mut c)?;
            c.end()?;
            likes.push(LikeClause { name, included, before: columns });
            let last = tokens.get(end).is_none_or(|t| t.token != Token::Comma);
            if last && at > open + 1 {
                // The comma before it goes with it.
                tokens.drain(at - 1..end);
                at -= 1;
            } else {
                tokens.drain(at..if last { end } else { end + 1 });
            }
            if last {
                break;
            }
            continue;
        }
        let constraint = ["constraint", "primary", "unique", "check", "foreign", "exclude"];
        columns += usize::from(!constraint.iter().any(|w| c.is_word(0, w)));
        if tokens.get(end).is_none_or(|t| t.token != Token::Comma) {
            break;
        }
        at = end + 1;
    }
    Ok(likes)
}

/// Where the parenthesis of `CREATE [TEMP] TABLE [IF NOT EXISTS] name (` stands.
fn elements(tokens: &[TokenWithSpan], source: &Source) -> Option<usize> {
    let mut c = Cursor::new(tokens, source);
    if !c.eat("create") {
        return None;
    }
    let _ = c.eat("global") || c.eat("local");
    let _ = c.eat("temporary") || c.eat("temp");
    if !c.eat("table") {
        return None;
    }
    c.eat("if not exists");
    c.qualified().ok()?;
    (c.peek() == Some(&Token::LParen)).then_some(c.at)
}

/// The comma or parenthesis behind the element that begins at `at`.
fn element_end(tokens: &[TokenWithSpan], at: usize) -> usize {
    let mut depth = 0;
    for (i, token) in tokens.iter().enumerate().skip(at) {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen if depth == 0 => return i,
            Token::RParen => depth -= 1,
            Token::Comma if depth == 0 => return i,
            _ => {}
        }
    }
    tokens.len()
}

fn options(c: &mut Cursor<'_>) -> Result<Included> {
    const WORDS: &[(&str, Included)] = &[
        ("all", Included::ALL),
        ("comments", Included::COMMENTS),
        ("compression", Included::NOTHING),
        ("constraints", Included::CONSTRAINTS),
        ("defaults", Included::DEFAULTS),
        ("generated", Included::GENERATED),
        ("identity", Included::IDENTITY),
        ("indexes", Included::INDEXES),
        ("statistics", Included::STATISTICS),
        ("storage", Included::NOTHING),
    ];
    let mut included = Included::default();
    loop {
        let more = if c.eat("including") {
            true
        } else if c.eat("excluding") {
            false
        } else {
            return Ok(included);
        };
        let Some((_, what)) = WORDS.iter().find(|(word, _)| c.eat(word)) else { return Err(c.error()) };
        included.0 = if more { included.0 | what.0 } else { included.0 & !what.0 };
    }
}
