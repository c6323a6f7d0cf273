//! The options of sequences and identity columns.

use sqlparser::ast::DataType;
use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::with_parser;
use crate::error::{Error, Result, SqlState};
use crate::registry::Name;
use crate::tree::{QualifiedName, SequenceChange};

#[derive(Default)]
pub struct SequenceOptions {
    pub ty: Option<DataType>,
    pub change: SequenceChange,
    pub owned_by: Option<Option<(QualifiedName, Name)>>,
}

pub fn sequence_options(c: &mut Cursor<'_>, options: &mut SequenceOptions) -> Result<()> {
    while !c.is_end() {
        if !sequence_option(c, options)? {
            return Err(c.error());
        }
    }
    Ok(())
}

/// One option; false if there is none.
pub fn sequence_option(c: &mut Cursor<'_>, options: &mut SequenceOptions) -> Result<bool> {
    let change = &mut options.change;
    if c.eat("as") {
        let from = c.at;
        c.at += 1;
        let tokens = c.tokens.get(from..c.at).ok_or_else(|| c.error())?;
        options.ty = Some(with_parser(tokens, c.source, |p| p.parse_data_type())?);
    } else if c.eat("increment") {
        c.eat("by");
        change.increment = Some(number(c)?);
    } else if c.eat("minvalue") {
        change.min = Some(Some(number(c)?));
    } else if c.eat("maxvalue") {
        change.max = Some(Some(number(c)?));
    } else if c.eat("no minvalue") {
        change.min = Some(None);
    } else if c.eat("no maxvalue") {
        change.max = Some(None);
    } else if c.eat("start") {
        c.eat("with");
        change.start = Some(number(c)?);
    } else if c.eat("restart") {
        c.eat("with");
        change.restart = Some(number(c).ok());
    } else if c.eat("cache") {
        change.cache = Some(number(c)?);
    } else if c.eat("no cycle") {
        change.cycle = Some(false);
    } else if c.eat("cycle") {
        change.cycle = Some(true);
    } else if c.eat("owned by") {
        options.owned_by = Some(owned_by(c)?);
    } else {
        return Ok(false);
    }
    Ok(true)
}

/// `NONE`, `table.column` or `namespace.table.column`.
pub fn owned_by(c: &mut Cursor<'_>) -> Result<Option<(QualifiedName, Name)>> {
    if c.eat("none") {
        return Ok(None);
    }
    let first = c.qualified()?;
    let Some(namespace) = first.namespace.clone() else {
        return Err(Error::syntax("invalid OWNED BY option").hint("Specify OWNED BY table.column or OWNED BY NONE."));
    };
    if c.eat_token(&Token::Period) {
        return Ok(Some((first, c.name()?)));
    }
    let table = QualifiedName { namespace: None, name: namespace, pos: first.pos };
    Ok(Some((table, first.name)))
}

pub fn number(c: &mut Cursor<'_>) -> Result<i64> {
    let text = c.signed_number()?;
    text.parse().map_err(|_| {
        let message = format!("value \"{text}\" is out of range for type bigint");
        Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)
    })
}
