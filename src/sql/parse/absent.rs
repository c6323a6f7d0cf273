//! DROP of kinds of objects of which the gateway has none: what is named does not exist, and PostgreSQL says so.

use sqlparser::ast::DataType;
use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::function::{RawSignature, signature};
use super::with_parser;
use crate::error::Result;
use crate::tree::QualifiedName;

/// DROP of one or more objects of such a kind.
#[derive(Debug, Clone)]
pub struct DropAbsent {
    /// As the command's tag has it: `TEXT SEARCH PARSER`.
    pub kind: &'static str,
    pub objects: Vec<Absent>,
    pub if_exists: bool,
}

/// How an object of such a kind is named.
#[derive(Debug, Clone)]
pub enum Absent {
    Named(QualifiedName),
    /// `sum(int)`; `None` for the types of `count(*)`.
    Aggregate(RawSignature),
    /// Its text; the left side is `None` for a prefix operator.
    Operator {
        text: String,
        left: Option<DataType>,
        right: Option<DataType>,
    },
    /// USING a method.
    OfMethod {
        name: QualifiedName,
        method: QualifiedName,
    },
    Cast {
        from: DataType,
        to: DataType,
    },
    /// A trigger, rule or policy ON a table.
    OfTable {
        name: QualifiedName,
        table: QualifiedName,
    },
    Transform {
        ty: DataType,
        language: QualifiedName,
    },
}

/// Kinds whose objects have but a name; a kind whose name begins another's comes after it.
const NAMED: &[(&str, &str)] = &[
    ("access method", "ACCESS METHOD"),
    ("collation", "COLLATION"),
    ("conversion", "CONVERSION"),
    ("event trigger", "EVENT TRIGGER"),
    ("foreign data wrapper", "FOREIGN DATA WRAPPER"),
    ("foreign table", "FOREIGN TABLE"),
    ("procedural language", "LANGUAGE"),
    ("language", "LANGUAGE"),
    ("publication", "PUBLICATION"),
    ("server", "SERVER"),
    ("subscription", "SUBSCRIPTION"),
    ("tablespace", "TABLESPACE"),
    ("text search configuration", "TEXT SEARCH CONFIGURATION"),
    ("text search dictionary", "TEXT SEARCH DICTIONARY"),
    ("text search parser", "TEXT SEARCH PARSER"),
    ("text search template", "TEXT SEARCH TEMPLATE"),
];

/// Reads a DROP of one of these kinds; the cursor stands behind DROP.
pub fn drop(c: &mut Cursor<'_>) -> Result<Option<DropAbsent>> {
    let named = NAMED.iter().find(|(words, _)| c.eat(words)).map(|(_, kind)| *kind);
    let kind = match named {
        Some(kind) => kind,
        None => {
            let others = [
                ("operator class", "OPERATOR CLASS"),
                ("operator family", "OPERATOR FAMILY"),
                ("operator", "OPERATOR"),
                ("aggregate", "AGGREGATE"),
                ("cast", "CAST"),
                ("trigger", "TRIGGER"),
                ("rule", "RULE"),
                ("transform", "TRANSFORM"),
            ];
            match others.into_iter().find(|(words, _)| c.eat(words)) {
                Some((_, kind)) => kind,
                None => return Ok(None),
            }
        }
    };
    let if_exists = c.eat("if exists");
    let mut objects = vec![object(c, kind)?];
    let several = named.is_some() || matches!(kind, "AGGREGATE" | "OPERATOR");
    while several && c.eat_token(&Token::Comma) {
        objects.push(object(c, kind)?);
    }
    let _ = c.eat("cascade") || c.eat("restrict");
    Ok(Some(DropAbsent { kind, objects, if_exists }))
}

fn object(c: &mut Cursor<'_>, kind: &str) -> Result<Absent> {
    Ok(match kind {
        "OPERATOR CLASS" | "OPERATOR FAMILY" => {
            let name = c.qualified()?;
            c.expect("using")?;
            Absent::OfMethod { name, method: c.qualified()? }
        }
        "OPERATOR" => operator(c)?,
        "AGGREGATE" => aggregate(c)?,
        "CAST" => {
            let inside = c.parenthesized()?;
            let mut inner = Cursor::new(inside, c.source);
            let at = (0..inside.len()).find(|i| inner.is_word(*i, "as")).ok_or_else(|| c.error())?;
            let from = with_parser(&inside[..at], c.source, |p| p.parse_data_type())?;
            inner.at = at + 1;
            Absent::Cast { from, to: with_parser(inner.rest(), c.source, |p| p.parse_data_type())? }
        }
        "TRIGGER" | "RULE" => {
            let pos = c.position();
            let name = QualifiedName { namespace: None, name: c.name()?, pos };
            c.expect("on")?;
            Absent::OfTable { name, table: c.qualified()? }
        }
        "TRANSFORM" => {
            c.expect("for")?;
            let from = c.at;
            while !c.is_end() && !c.is_word(0, "language") {
                c.at += 1;
            }
            let ty = with_parser(&c.tokens[from..c.at], c.source, |p| p.parse_data_type())?;
            c.expect("language")?;
            Absent::Transform { ty, language: c.qualified()? }
        }
        _ => Absent::Named(c.qualified()?),
    })
}

/// `name(types)` or `name(*)`; the parentheses must be there.
fn aggregate(c: &mut Cursor<'_>) -> Result<Absent> {
    let start = c.at;
    let name = c.qualified()?;
    if c.peek() != Some(&Token::LParen) {
        return Err(c.error());
    }
    if c.tokens.get(c.at + 1).is_some_and(|t| t.token == Token::Mul) {
        c.parenthesized()?;
        return Ok(Absent::Aggregate(RawSignature { name, args: None }));
    }
    c.at = start;
    signature(c).map(Absent::Aggregate)
}

/// An operator's text, and the types of its sides: `=== (int, none)`.
fn operator(c: &mut Cursor<'_>) -> Result<Absent> {
    let from = c.at;
    while !c.is_end() && c.peek() != Some(&Token::LParen) {
        c.at += 1;
    }
    let text: String = c.tokens[from..c.at].iter().map(|t| t.token.to_string()).collect();
    let inside = c.parenthesized()?;
    let comma = inside.iter().position(|t| t.token == Token::Comma).ok_or_else(|| c.error())?;
    let side = |tokens: &[_]| {
        let none = Cursor::new(tokens, c.source).is_word(0, "none");
        let parse = || with_parser(tokens, c.source, |p| p.parse_data_type());
        if none { Ok(None) } else { parse().map(Some) }
    };
    Ok(Absent::Operator { text, left: side(&inside[..comma])?, right: side(&inside[comma + 1..])? })
}
