//! COPY, in its old and its new syntax.

use std::sync::Arc;

use sqlparser::ast;
use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::{Body, Parsed, with_parser};
use crate::error::{Error, Result};
use crate::tree::QualifiedName;

#[derive(Debug, Clone)]
pub struct CopyStatement {
    pub subject: CopySubject,
    /// True for COPY … FROM.
    pub from: bool,
    /// Options in the order written: name, value, position.
    pub options: Vec<(Arc<str>, CopyOptionValue, u32)>,
    pub filter: Option<Box<ast::Expr>>,
    /// The file of the server that is named in the place of STDIN and STDOUT.
    pub file: Option<String>,
}

#[derive(Debug, Clone)]
pub enum CopySubject {
    Table { name: QualifiedName, columns: Vec<(Arc<str>, u32)> },
    Query(Box<ast::Statement>),
}

/// The COPY of this text into these columns of its table instead.
pub fn copy_of_columns(parsed: &Parsed, columns: &[Arc<str>]) -> Result<Parsed> {
    let other = || Error::internal("COPY is another statement");
    let Body::Copy(copy) = &*parsed.body else { return Err(other()) };
    let CopySubject::Table { name, .. } = &copy.subject else { return Err(other()) };
    let columns = columns.iter().map(|column| (Arc::clone(column), 0)).collect();
    let subject = CopySubject::Table { name: name.clone(), columns };
    let body = Body::Copy(Box::new(CopyStatement { subject, ..CopyStatement::clone(copy) }));
    Ok(Parsed { body: Arc::new(body), ..parsed.clone() })
}

#[derive(Debug, Clone)]
pub enum CopyOptionValue {
    None,
    Text(String),
    Columns(Vec<Arc<str>>),
    /// `*`
    All,
}

/// COPY; the word itself is already taken.
pub fn parse(c: &mut Cursor<'_>) -> Result<CopyStatement> {
    let mut options = Vec::new();
    if c.is_word(0, "binary") && !c.is_word(1, "from") && !c.is_word(1, "to") {
        options.push(("format".into(), CopyOptionValue::Text("binary".into()), c.position()));
        c.at += 1;
    }
    let subject = if c.peek() == Some(&Token::LParen) {
        let inside = c.parenthesized()?;
        CopySubject::Query(Box::new(with_parser(inside, c.source, |p| p.parse_statement())?))
    } else {
        let name = c.qualified()?;
        let mut columns = Vec::new();
        if c.eat_token(&Token::LParen) {
            loop {
                let pos = c.position();
                columns.push((c.name()?, pos));
                if !c.eat_token(&Token::Comma) {
                    break;
                }
            }
            c.expect_token(&Token::RParen)?;
        }
        CopySubject::Table { name, columns }
    };
    let from = c.eat("from");
    if !from {
        c.expect("to")?;
    }
    if from && matches!(subject, CopySubject::Query(_)) {
        return Err(Error::syntax("syntax error at or near \"from\"").at(c.position()));
    }
    let file = endpoint(c)?;
    if c.eat("using") {
        c.eat("delimiters");
        let pos = c.position();
        options.push(("delimiter".into(), CopyOptionValue::Text(c.string()?), pos));
    }
    let with = c.eat("with");
    if c.peek() == Some(&Token::LParen) {
        c.at += 1;
        loop {
            options.push(option(c)?);
            if !c.eat_token(&Token::Comma) {
                break;
            }
        }
        c.expect_token(&Token::RParen)?;
    } else {
        let before = options.len();
        while let Some(option) = legacy_option(c)? {
            options.push(option);
        }
        if with && options.len() == before && !c.is_end() {
            return Err(c.error());
        }
    }
    let filter = if c.eat("where") {
        let rest = c.rest();
        Some(Box::new(with_parser(rest, c.source, |p| p.parse_expr())?))
    } else {
        None
    };
    if filter.is_some() && !from {
        return Err(Error::syntax("WHERE clause not allowed with COPY TO"));
    }
    c.end()?;
    Ok(CopyStatement { subject, from, options, filter, file })
}

/// STDIN or STDOUT, or a file of the server. Its programs are nobody's to start.
fn endpoint(c: &mut Cursor<'_>) -> Result<Option<String>> {
    if c.eat("stdin") || c.eat("stdout") {
        return Ok(None);
    }
    if c.eat("program") {
        c.string()?;
        return Err(Error::unsupported("COPY with a program of the server")
            .hint("psql's \\copy … program starts a program of the client."));
    }
    c.string().map(Some)
}

fn option(c: &mut Cursor<'_>) -> Result<(Arc<str>, CopyOptionValue, u32)> {
    let pos = c.position();
    let name = match c.peek() {
        // Any word does, reserved or not (NULL, DEFAULT …).
        Some(Token::Word(w)) => {
            let name = super::fold_text(&w.value, w.quote_style.is_some());
            c.at += 1;
            name
        }
        _ => return Err(c.error()),
    };
    let value = match c.peek() {
        Some(Token::Comma | Token::RParen) | None => CopyOptionValue::None,
        Some(Token::LParen) => {
            c.at += 1;
            CopyOptionValue::Columns(column_list(c)?)
        }
        Some(Token::Mul) => {
            c.at += 1;
            CopyOptionValue::All
        }
        Some(Token::Word(w)) => {
            let text = super::fold_text(&w.value, w.quote_style.is_some()).to_string();
            c.at += 1;
            CopyOptionValue::Text(text)
        }
        Some(Token::Number(..) | Token::Minus | Token::Plus) => CopyOptionValue::Text(c.signed_number()?),
        _ => CopyOptionValue::Text(c.string()?),
    };
    Ok((name, value, pos))
}

fn column_list(c: &mut Cursor<'_>) -> Result<Vec<Arc<str>>> {
    let mut columns = vec![c.name()?];
    while c.eat_token(&Token::Comma) {
        columns.push(c.name()?);
    }
    c.expect_token(&Token::RParen)?;
    Ok(columns)
}

/// The options of COPY's syntax before PostgreSQL 9.0, which psql's \copy and old loaders still send.
fn legacy_option(c: &mut Cursor<'_>) -> Result<Option<(Arc<str>, CopyOptionValue, u32)>> {
    let pos = c.position();
    let text = |name: &str, value: &str| Ok(Some((name.into(), CopyOptionValue::Text(value.into()), pos)));
    for word in ["binary", "csv"] {
        if c.eat(word) {
            return text("format", word);
        }
    }
    for word in ["freeze", "header"] {
        if c.eat(word) {
            return Ok(Some((word.into(), CopyOptionValue::None, pos)));
        }
    }
    for word in ["delimiter", "null", "quote", "escape", "encoding"] {
        if c.eat(word) {
            c.eat("as");
            let value = c.string()?;
            return text(word, &value);
        }
    }
    for (words, name) in
        [("force quote", "force_quote"), ("force not null", "force_not_null"), ("force null", "force_null")]
    {
        if c.eat(words) {
            if c.eat_token(&Token::Mul) {
                return Ok(Some((name.into(), CopyOptionValue::All, pos)));
            }
            let mut columns = vec![c.name()?];
            while c.eat_token(&Token::Comma) {
                columns.push(c.name()?);
            }
            return Ok(Some((name.into(), CopyOptionValue::Columns(columns), pos)));
        }
    }
    if c.is_end() || c.is_word(0, "where") {
        return Ok(None);
    }
    Err(c.error())
}
