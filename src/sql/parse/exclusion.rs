//! `EXCLUDE USING gist (a WITH =, b WITH &&) WHERE (c)` among a table's constraints, which sqlparser does not know: it is kept
//! aside, and a CHECK of a name that no client can write stands in its place.
//!
//! `CONSTRAINT x EXCLUDE USING gist (b WITH &&)` → `CONSTRAINT x CHECK ("␁exclude 0")`

use sqlparser::ast;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::cursor::Cursor;
use super::source::Source;
use super::with_parser;
use crate::error::{Error, Result, SqlState};
use crate::registry::Name;

const MARK: &str = "\u{1}exclude ";

/// An exclusion constraint as it was written.
#[derive(Debug, Clone)]
pub struct RawExclusion {
    pub method: Name,
    /// What is compared, and by which operator.
    pub elements: Vec<(ast::IndexColumn, String)>,
    pub predicate: Option<ast::Expr>,
    pub deferrable: bool,
    pub initially_deferred: bool,
    /// Where it stands.
    pub pos: u32,
}

/// The number of a CHECK that stands for an exclusion constraint.
pub fn number(condition: &ast::Expr) -> Option<usize> {
    match condition {
        ast::Expr::Identifier(ident) => ident.value.strip_prefix(MARK)?.parse().ok(),
        _ => None,
    }
}

/// Takes the exclusion constraints out of CREATE TABLE and ALTER TABLE.
pub fn take(tokens: &mut Vec<TokenWithSpan>, source: &Source) -> Result<Vec<RawExclusion>> {
    let c = Cursor::new(tokens, source);
    let table = (1..5).any(|at| c.is_word(at, "table"));
    if !table || !(c.is_word(0, "create") || c.is_word(0, "alter")) {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    let mut at = 1;
    while at < tokens.len() {
        let mut c = Cursor { tokens, at, source };
        if !begins(&c) {
            at += 1;
            continue;
        }
        let exclusion = read(&mut c)?;
        let (end, span) = (c.at, tokens[at].span);
        let mark = format!("{MARK}{}", found.len());
        let words = [Token::make_word("CHECK", None), Token::LParen, Token::make_word(&mark, Some('"')), Token::RParen];
        found.push(exclusion);
        tokens.splice(at..end, words.map(|token| TokenWithSpan { token, span }));
        at += 4;
    }
    Ok(found)
}

/// `EXCLUDE (` or `EXCLUDE USING`, where a constraint may stand.
fn begins(c: &Cursor<'_>) -> bool {
    let behind = |n: usize| c.at.checked_sub(n).and_then(|at| c.tokens.get(at)).map(|t| &t.token);
    let word = |n: usize, word: &str| matches!(behind(n), Some(Token::Word(w)) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word));
    let place = matches!(behind(1), Some(Token::LParen | Token::Comma)) || word(1, "add") || word(2, "constraint");
    let next = c.tokens.get(c.at + 1).map(|t| &t.token);
    place && c.is_word(0, "exclude") && (c.is_word(1, "using") || next == Some(&Token::LParen))
}

fn read(c: &mut Cursor<'_>) -> Result<RawExclusion> {
    let pos = c.position();
    c.expect("exclude")?;
    let method = if c.eat("using") { c.name()? } else { "btree".into() };
    let mut elements = Vec::new();
    let mut end = c.at;
    let inner = c.parenthesized()?;
    for element in inner.split(outer_comma()) {
        end += element.len() + 1;
        elements.push(read_element(element, (c.tokens.get(end), c.source))?);
    }
    if c.is_word(0, "include") || c.is_word(0, "with") {
        return Err(Error::unsupported("INCLUDE and WITH of an exclusion constraint").hint("Leave the clause out."));
    }
    let mut predicate = None;
    if c.eat("where") {
        let tokens = c.parenthesized()?;
        predicate = Some(with_parser(tokens, c.source, |p| p.parse_expr())?);
    }
    let (mut deferrable, mut initially_deferred) = (None, None);
    loop {
        if c.eat("not valid") {
            let message = "EXCLUDE constraints cannot be marked NOT VALID";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        } else if c.eat("not deferrable") {
            deferrable = Some(false);
        } else if c.eat("deferrable") {
            deferrable = Some(true);
        } else if c.eat("initially deferred") {
            initially_deferred = Some(true);
        } else if c.eat("initially immediate") {
            initially_deferred = Some(false);
        } else {
            break;
        }
    }
    let initially_deferred = initially_deferred == Some(true);
    if initially_deferred && deferrable == Some(false) {
        return Err(Error::syntax("constraint declared INITIALLY DEFERRED must be DEFERRABLE"));
    }
    let deferrable = deferrable == Some(true) || initially_deferred;
    Ok(RawExclusion { method, elements, predicate, deferrable, initially_deferred, pos })
}

fn outer_comma() -> impl FnMut(&TokenWithSpan) -> bool {
    let mut depth = 0usize;
    move |token| {
        match token.token {
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && token.token == Token::Comma
    }
}

/// `lower(a) text_ops WITH =`, `b WITH OPERATOR(pg_catalog.&&)`
fn read_element(
    tokens: &[TokenWithSpan],
    (behind, source): (Option<&TokenWithSpan>, &Source),
) -> Result<(ast::IndexColumn, String)> {
    let mut depth = 0usize;
    let with = tokens.iter().position(|token| {
        match &token.token {
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket => depth = depth.saturating_sub(1),
            _ => {}
        }
        let is =
            matches!(&token.token, Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case("with"));
        depth == 0 && is
    });
    let Some(with) = with.filter(|at| *at > 0) else { return Err(source.syntax_error(behind)) };
    let column = with_parser(&tokens[..with], source, |p| p.parse_create_index_expr())?;
    let mut c = Cursor { tokens, at: with + 1, source };
    let mut written = &tokens[c.at..];
    if c.eat("operator") {
        written = c.parenthesized()?;
        c.end()?;
    }
    let operator: String = written.iter().map(|token| token.token.to_string()).collect();
    if operator.is_empty() {
        return Err(source.syntax_error(behind));
    }
    Ok((column, operator))
}
