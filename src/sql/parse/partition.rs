//! Partitioning clauses, which sqlparser knows in part: PARTITION BY and PARTITION OF of CREATE TABLE are taken out of its tokens; bounds
//! and keys are read here.
//!
//! `CREATE TABLE p PARTITION OF t (a DEFAULT 1) FOR VALUES IN (1) PARTITION BY RANGE (b)` → `CREATE TABLE p (a dg_inherited DEFAULT 1)`

use sqlparser::ast;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::cursor::Cursor;
use super::ddl::RawDdl;
use super::source::Source;
use super::with_parser;
use crate::error::{Error, Result, SqlState};
use crate::registry::Name;
use crate::tree::QualifiedName;

/// The type that stands for a column's of the parent.
pub const INHERITED: &str = "dg_inherited";

/// What was taken out of CREATE TABLE.
#[derive(Debug, Clone, Default)]
pub struct PartitionClauses {
    pub by: Option<RawKey>,
    pub of: Option<RawOf>,
}

/// ATTACH and DETACH PARTITION of a table.
#[derive(Debug, Clone)]
pub struct RawAction {
    pub table: QualifiedName,
    pub if_exists: bool,
    pub partition: QualifiedName,
    pub what: RawChange,
}

#[derive(Debug, Clone)]
pub enum RawChange {
    Attach(RawBound),
    Detach { concurrently: bool },
}

/// PARTITION BY.
#[derive(Debug, Clone)]
pub struct RawKey {
    pub strategy: Name,
    pub pos: u32,
    pub parts: Vec<RawPart>,
}

#[derive(Debug, Clone)]
pub struct RawPart {
    pub expr: ast::Expr,
    /// In parentheses, or a function's call: no plain column.
    pub expression: bool,
    pub collation: Option<QualifiedName>,
    pub opclass: Option<QualifiedName>,
    pub pos: u32,
}

/// PARTITION OF.
#[derive(Debug, Clone)]
pub struct RawOf {
    pub parent: QualifiedName,
    pub bound: RawBound,
}

#[derive(Debug, Clone)]
pub enum RawBound {
    Default,
    List(Vec<ast::Expr>),
    Range { from: Vec<ast::Expr>, to: Vec<ast::Expr> },
    Hash { modulus: i32, remainder: i32 },
}

/// Takes the clauses out of a CREATE TABLE's tokens.
pub fn take(tokens: &mut Vec<TokenWithSpan>, source: &Source) -> Result<PartitionClauses> {
    let mut clauses = PartitionClauses::default();
    let mut c = Cursor::new(tokens, source);
    if !c.eat("create") {
        return Ok(clauses);
    }
    let _ = c.eat("global") || c.eat("local");
    let _ = c.eat("temporary") || c.eat("temp") || c.eat("unlogged");
    if !c.eat("table") {
        return Ok(clauses);
    }
    c.eat("if not exists");
    if c.qualified().is_err() {
        return Ok(clauses);
    }
    let of = c.at;
    if c.eat("partition of") {
        let parent = c.qualified()?;
        let elements = c.at;
        if c.peek() == Some(&Token::LParen) {
            c.parenthesized()?;
        }
        let end = c.at;
        let bound = bound(&mut c)?;
        let after = c.at;
        clauses.of = Some(RawOf { parent, bound });
        tokens.drain(end..after);
        typed_elements(tokens, elements, end, source);
        tokens.drain(of..elements);
    }
    let Some(by) = partition_by(tokens, source) else { return Ok(clauses) };
    let mut c = Cursor::new(tokens, source);
    c.at = by;
    c.eat("partition by");
    let pos = c.position();
    let strategy = c.name()?;
    let inside = c.parenthesized()?;
    let parts = key_parts(inside, source)?;
    let end = c.at;
    clauses.by = Some(RawKey { strategy, pos, parts });
    tokens.drain(by..end);
    Ok(clauses)
}

/// Where PARTITION BY stands outside of all parentheses.
fn partition_by(tokens: &[TokenWithSpan], source: &Source) -> Option<usize> {
    let mut depth = 0;
    let mut c = Cursor::new(tokens, source);
    while let Some(token) = c.peek() {
        match token {
            Token::LParen => depth += 1,
            Token::RParen => depth -= 1,
            _ if depth == 0 && c.is_word(0, "as") => return None,
            _ if depth == 0 && c.is_word(0, "partition") && c.is_word(1, "by") => return Some(c.at),
            _ => {}
        }
        c.at += 1;
    }
    None
}

/// `(a NOT NULL, b WITH OPTIONS DEFAULT 1, CHECK (…))`: columns get the type that stands for their parent's.
fn typed_elements(tokens: &mut Vec<TokenWithSpan>, open: usize, end: usize, source: &Source) {
    let mut starts = Vec::new();
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().take(end).skip(open) {
        match token.token {
            Token::LParen => {
                depth += 1;
                if depth == 1 {
                    starts.push(at + 1);
                }
            }
            Token::RParen => depth -= 1,
            Token::Comma if depth == 1 => starts.push(at + 1),
            _ => {}
        }
    }
    for start in starts.into_iter().rev() {
        let mut c = Cursor::new(tokens, source);
        c.at = start;
        let constraint = ["constraint", "primary", "unique", "check", "foreign", "exclude", "like"];
        if constraint.iter().any(|w| c.is_word(0, w)) || c.name().is_err() {
            continue;
        }
        let (from, span) = (c.at, tokens[start].span);
        let mut c = Cursor::new(tokens, source);
        c.at = from;
        let to = if c.eat("with options") { c.at } else { from };
        tokens.splice(from..to, [TokenWithSpan { token: Token::make_word(INHERITED, None), span }]);
    }
}

/// ATTACH and DETACH PARTITION.
pub fn action(c: &mut Cursor<'_>, table: &QualifiedName, if_exists: bool) -> Result<Option<RawDdl>> {
    let table = table.clone();
    if c.eat("attach partition") {
        let partition = c.qualified()?;
        let bound = bound(c)?;
        let what = RawChange::Attach(bound);
        return Ok(Some(RawDdl::Partition(RawAction { table, if_exists, partition, what })));
    }
    if !c.eat("detach partition") {
        return Ok(None);
    }
    let partition = c.qualified()?;
    let concurrently = c.eat("concurrently");
    if c.eat("finalize") {
        return Err(Error::unsupported("DETACH PARTITION … FINALIZE").hint("A partition is detached at once here."));
    }
    let what = RawChange::Detach { concurrently };
    Ok(Some(RawDdl::Partition(RawAction { table, if_exists, partition, what })))
}

/// `FOR VALUES …` or DEFAULT.
pub fn bound(c: &mut Cursor<'_>) -> Result<RawBound> {
    if c.eat("default") {
        return Ok(RawBound::Default);
    }
    c.expect("for")?;
    c.expect("values")?;
    if c.eat("in") {
        return Ok(RawBound::List(values(c)?));
    }
    if c.eat("from") {
        let from = values(c)?;
        c.expect("to")?;
        return Ok(RawBound::Range { from, to: values(c)? });
    }
    c.expect("with")?;
    c.expect_token(&Token::LParen)?;
    let (mut modulus, mut remainder) = (None, None);
    loop {
        let pos = c.position();
        let name = c.name()?;
        let text = c.signed_number()?;
        let number = text.parse::<i32>().map_err(|_| c.error())?;
        let twice = |what: &str| Err(Error::new(SqlState::DUPLICATE_OBJECT, what).at(pos));
        match &*name {
            "modulus" if modulus.replace(number).is_some() => {
                return twice("modulus for hash partition provided more than once");
            }
            "remainder" if remainder.replace(number).is_some() => {
                return twice("remainder for hash partition provided more than once");
            }
            "modulus" | "remainder" => {}
            other => {
                let message = format!("unrecognized hash partition bound specification \"{other}\"");
                return Err(Error::syntax(message).at(pos));
            }
        }
        if !c.eat_token(&Token::Comma) {
            break;
        }
    }
    c.expect_token(&Token::RParen)?;
    let missing = |what: &str| Error::syntax(format!("{what} for hash partition must be specified"));
    Ok(RawBound::Hash {
        modulus: modulus.ok_or_else(|| missing("modulus"))?,
        remainder: remainder.ok_or_else(|| missing("remainder"))?,
    })
}

fn values(c: &mut Cursor<'_>) -> Result<Vec<ast::Expr>> {
    let inside = c.parenthesized()?;
    if inside.is_empty() {
        c.at -= 1;
        return Err(c.error());
    }
    c.expressions(inside)
}

fn key_parts(tokens: &[TokenWithSpan], source: &Source) -> Result<Vec<RawPart>> {
    let mut parts = Vec::new();
    let mut c = Cursor::new(tokens, source);
    loop {
        parts.push(key_part(&mut c)?);
        if !c.eat_token(&Token::Comma) {
            break;
        }
    }
    c.end()?;
    Ok(parts)
}

/// `column`, `(expression)` or `function(…)`, then COLLATE and an operator class.
fn key_part(c: &mut Cursor<'_>) -> Result<RawPart> {
    let (start, pos) = (c.at, c.position());
    let expression = if c.peek() == Some(&Token::LParen) {
        c.parenthesized()?;
        true
    } else {
        c.qualified()?;
        let call = c.peek() == Some(&Token::LParen);
        if call {
            c.parenthesized()?;
        }
        call
    };
    let expr = with_parser(&c.tokens[start..c.at], c.source, |p| p.parse_expr())?;
    let collation = if c.eat("collate") { Some(c.qualified()?) } else { None };
    let opclass = if matches!(c.peek(), Some(Token::Word(_))) { Some(c.qualified()?) } else { None };
    Ok(RawPart { expr, expression, collation, opclass, pos })
}

/// Takes `ONLY` out of the places where a table is named to be read or changed. Gives the positions of the names that had it.
pub fn take_only(tokens: &mut Vec<TokenWithSpan>, source: &Source) -> Vec<u32> {
    let mut found = Vec::new();
    let mut at = 1;
    while at + 1 < tokens.len() {
        let c = Cursor { tokens, at, source };
        let before = Cursor { tokens, at: at - 1, source };
        let place = ["from", "join", "update", "using"].iter().any(|word| before.is_word(0, word))
            || before.peek() == Some(&Token::Comma);
        if !(place && c.is_word(0, "only")) {
            at += 1;
            continue;
        }
        match tokens[at + 1].token {
            Token::Word(_) => {}
            Token::LParen => {
                let Some(close) = (at + 1..tokens.len()).find(|i| tokens[*i].token == Token::RParen) else { break };
                tokens.remove(close);
                tokens.remove(at + 1);
            }
            _ => {
                at += 1;
                continue;
            }
        }
        tokens.remove(at);
        if let Some(name) = tokens.get(at) {
            found.push(source.position(name.span.start));
        }
    }
    found
}
