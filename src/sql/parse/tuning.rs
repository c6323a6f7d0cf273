//! Actions of ALTER TABLE and INDEX that tune PostgreSQL's storage and statistics: shown by the catalog at most.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::ddl::any_word;
use crate::error::{Error, Result};
use crate::registry::Name;
use crate::tree::Tuning;

/// The actions, if the whole command has no others; the cursor then stands at its end.
pub(super) fn tuning(c: &mut Cursor<'_>) -> Result<Option<Vec<Tuning>>> {
    let start = c.at;
    let mut actions = Vec::new();
    while let Some(action) = tuning_action(c)? {
        actions.push(action);
        if !c.eat_token(&Token::Comma) {
            break;
        }
    }
    if !actions.is_empty() && c.is_end() {
        return Ok(Some(actions));
    }
    c.at = start;
    Ok(None)
}

fn tuning_action(c: &mut Cursor<'_>) -> Result<Option<Tuning>> {
    if c.eat("set without oids") {
        return Ok(Some(Tuning::Unseen));
    }
    if c.eat("set tablespace") {
        super::leave_out::known_tablespace(&c.name()?)?;
        return Ok(Some(Tuning::Unseen));
    }
    if c.eat("set without cluster") {
        return Ok(Some(Tuning::Cluster(None)));
    }
    if c.eat("cluster on") {
        return Ok(Some(Tuning::Cluster(Some(c.name()?))));
    }
    if let Some(options) = parameters(c)? {
        return Ok(Some(options));
    }
    // What a log of changes would tell of a row: there is none.
    if c.eat("replica identity") {
        let known = ["default", "full", "nothing"].iter().any(|word| c.eat(word));
        return Ok(known.then_some(Tuning::Unseen));
    }
    if !c.eat("alter") {
        return Ok(None);
    }
    c.eat("column");
    if c.signed_number().is_err() && c.name().is_err() {
        return Ok(None);
    }
    let unseen = if c.eat("set statistics") {
        c.signed_number().is_ok()
    } else if c.eat("set storage") || c.eat("set compression") {
        any_word(c).is_ok()
    } else {
        // n_distinct and kin of a column.
        parameters(c)?.is_some()
    };
    Ok(unseen.then_some(Tuning::Unseen))
}

/// `SET (name [= value], …)`, `RESET (name, …)`.
fn parameters(c: &mut Cursor<'_>) -> Result<Option<Tuning>> {
    let reset = c.is_word(0, "reset");
    if !reset && !c.is_word(0, "set") || c.tokens.get(c.at + 1).is_none_or(|t| t.token != Token::LParen) {
        return Ok(None);
    }
    c.at += 2;
    let mut options = Vec::new();
    loop {
        let first = c.name()?;
        let name: Name = match c.eat_token(&Token::Period) {
            true => format!("{first}.{}", c.name()?).into(),
            false => first,
        };
        let assigned = c.eat_token(&Token::Eq);
        if reset && assigned {
            return Err(Error::syntax("RESET must not include values for parameters"));
        }
        let value = match assigned {
            true => Some(value(c)?),
            false => None,
        };
        options.push((name, value));
        if !c.eat_token(&Token::Comma) {
            break;
        }
    }
    c.expect_token(&Token::RParen)?;
    Ok(Some(match reset {
        true => Tuning::Reset(options.into_iter().map(|(name, _)| name).collect()),
        false => Tuning::Set(options),
    }))
}

fn value(c: &mut Cursor<'_>) -> Result<String> {
    if let Ok(text) = c.string() {
        return Ok(text);
    }
    match c.signed_number() {
        Ok(number) => Ok(number),
        Err(_) => any_word(c),
    }
}
