//! ALTER TYPE of composite types, and what it does to types of every kind.

use sqlparser::ast::DataType;
use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::ddl::{RawAttribute, RawDdl};
use super::with_parser;
use crate::error::{Error, Result};
use crate::tree::DropBehavior;

/// The cursor stands behind ALTER TYPE. `None` for what sqlparser reads (enums).
pub fn alter(c: &mut Cursor<'_>) -> Result<Option<RawDdl>> {
    let name = c.qualified()?;
    if c.eat("owner to") {
        return Ok(Some(RawDdl::AlterTypeOwner { name, to: super::role::role(c)? }));
    }
    if c.eat("set schema") {
        return Ok(Some(RawDdl::AlterTypeSchema { name, to: c.name()? }));
    }
    if c.eat("rename attribute") {
        let from = c.name()?;
        c.expect("to")?;
        let to = c.name()?;
        let _ = behavior(c);
        return Ok(Some(RawDdl::AlterComposite { name, changes: vec![RawAttribute::Rename { from, to }] }));
    }
    let mut changes = Vec::new();
    loop {
        let change = if c.eat("add attribute") {
            RawAttribute::Add { name: c.name()?, ty: data_type(c)? }
        } else if c.eat("drop attribute") {
            let if_exists = c.eat("if exists");
            RawAttribute::Drop { name: c.name()?, if_exists, behavior: behavior(c) }
        } else if c.eat("alter attribute") {
            let name = c.name()?;
            c.eat("set data");
            c.expect("type")?;
            RawAttribute::SetType { name, ty: data_type(c)? }
        } else if changes.is_empty() {
            return Ok(None);
        } else {
            return Err(c.error());
        };
        let _ = behavior(c);
        changes.push(change);
        if !c.eat_token(&Token::Comma) {
            return Ok(Some(RawDdl::AlterComposite { name, changes }));
        }
    }
}

fn behavior(c: &mut Cursor<'_>) -> DropBehavior {
    if c.eat("cascade") {
        return DropBehavior::Cascade;
    }
    c.eat("restrict");
    DropBehavior::Restrict
}

/// A type, up to the comma or clause behind it.
fn data_type(c: &mut Cursor<'_>) -> Result<DataType> {
    let from = c.at;
    let mut depth = 0usize;
    while let Some(token) = c.peek() {
        match token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            Token::Comma if depth == 0 => break,
            _ if ["cascade", "restrict", "collate"].iter().any(|w| c.is_word(0, w)) => break,
            _ => {}
        }
        c.at += 1;
    }
    if c.at == from {
        return Err(c.error());
    }
    let ty = with_parser(&c.tokens[from..c.at], c.source, |p| p.parse_data_type())?;
    if c.eat("collate") {
        known_collation(&c.qualified()?.name)?;
    }
    Ok(ty)
}

/// Text compares by code point: collations that do so are the only ones.
pub fn known_collation(name: &str) -> Result<()> {
    match name {
        "C" | "POSIX" | "default" | "ucs_basic" => Ok(()),
        other => Err(Error::unsupported(format!("collation \"{other}\""))),
    }
}
