//! SET, RESET and SHOW.

use sqlparser::tokenizer::Token;

use super::command::modes;
use super::cursor::Cursor;
use crate::error::{Error, Result, SqlState};
use crate::registry::{NAME_LISTS, Name};
use crate::tree::{TransactionModes, Utility};

/// SET in all its forms; the word SET is already taken.
pub fn set(c: &mut Cursor<'_>) -> Result<Utility> {
    if c.eat("session characteristics as transaction") {
        return Ok(Utility::SetTransaction { modes: some_modes(c)?, session: true });
    }
    if c.eat("transaction") {
        if c.eat("snapshot") {
            return Err(Error::unsupported("SET TRANSACTION SNAPSHOT"));
        }
        return Ok(Utility::SetTransaction { modes: some_modes(c)?, session: false });
    }
    if c.eat("constraints") {
        return set_constraints(c);
    }
    if c.eat("session authorization") {
        return set_authorization(c, false);
    }
    let local = c.eat("local");
    if !local {
        c.eat("session");
    }
    if c.eat("session authorization") {
        return set_authorization(c, local);
    }
    if c.eat("time zone") {
        return Ok(Utility::Set { name: "timezone".into(), value: time_zone(c)?, local });
    }
    if c.is_word(0, "role")
        && !matches!(c.tokens.get(c.at + 1).map(|t| &t.token), Some(Token::Eq))
        && !c.is_word(1, "to")
    {
        c.at += 1;
        let name = if c.eat("none") { None } else { Some(name_or_string(c)?) };
        return Ok(Utility::SetRole { name, local });
    }
    if c.eat("names") {
        let value = if c.is_end() || c.eat("default") { None } else { Some(c.string()?) };
        return Ok(Utility::Set { name: "client_encoding".into(), value, local });
    }
    if c.is_word(0, "schema") && matches!(c.tokens.get(c.at + 1).map(|t| &t.token), Some(Token::SingleQuotedString(_)))
    {
        c.at += 1;
        let schema = c.string()?;
        return Ok(Utility::Set { name: "search_path".into(), value: Some(quote(&schema)), local });
    }
    if c.eat("xml option") {
        let value = c.name()?;
        return Ok(Utility::Set { name: "xmloption".into(), value: Some(value.to_string()), local });
    }
    let name = setting_name(c)?;
    if !(c.eat_token(&Token::Eq) || c.eat("to")) {
        return Err(c.error());
    }
    if c.eat("default") {
        return Ok(Utility::Set { name, value: None, local });
    }
    let value = values(c, &name)?;
    Ok(Utility::Set { name, value: Some(value), local })
}

/// SET of a function; the word SET is already taken.
pub fn of_function(c: &mut Cursor<'_>) -> Result<(Name, Option<String>)> {
    if c.eat("time zone") {
        return Ok(("timezone".into(), time_zone(c)?));
    }
    let name = setting_name(c)?;
    if c.eat("from current") {
        return Err(Error::unsupported("SET … FROM CURRENT of a function").hint("Write the value."));
    }
    if !(c.eat_token(&Token::Eq) || c.eat("to")) {
        return Err(c.error());
    }
    if c.eat("default") {
        return Ok((name.into(), None));
    }
    let value = values(c, &name)?;
    Ok((name.into(), Some(value)))
}

fn some_modes(c: &mut Cursor<'_>) -> Result<TransactionModes> {
    if c.is_end() {
        return Err(c.error());
    }
    modes(c)
}

fn set_constraints(c: &mut Cursor<'_>) -> Result<Utility> {
    let mut names = Vec::new();
    if !c.eat("all") {
        loop {
            let name = c.qualified()?;
            names.push((name.namespace, name.name));
            if !c.eat_token(&Token::Comma) {
                break;
            }
        }
    }
    let deferred = c.eat("deferred");
    if !deferred {
        c.expect("immediate")?;
    }
    Ok(Utility::SetConstraints { names, deferred })
}

fn set_authorization(c: &mut Cursor<'_>, local: bool) -> Result<Utility> {
    let name = if c.eat("default") { None } else { Some(name_or_string(c)?) };
    Ok(Utility::SetSessionAuthorization { name, local })
}

fn name_or_string(c: &mut Cursor<'_>) -> Result<std::sync::Arc<str>> {
    match c.peek() {
        Some(Token::SingleQuotedString(_)) => Ok(c.string()?.into()),
        _ => c.name(),
    }
}

/// `a` or `a.b`.
fn setting_name(c: &mut Cursor<'_>) -> Result<String> {
    let mut name = c.name()?.to_string();
    while c.eat_token(&Token::Period) {
        name.push('.');
        name.push_str(&c.name()?);
    }
    Ok(name)
}

fn time_zone(c: &mut Cursor<'_>) -> Result<Option<String>> {
    if c.eat("local") || c.eat("default") {
        return Ok(None);
    }
    if c.eat("interval") {
        let text = c.string()?;
        if c.eat("hour to minute") || c.is_end() {
            // PostgreSQL keeps `<+05:30>-05:30`; the session reads an interval by itself.
            return Ok(Some(format!("INTERVAL '{text}'")));
        }
        return Err(c.error());
    }
    match c.peek() {
        Some(Token::Word(_)) => c.name().map(|n| Some(n.to_string())),
        Some(Token::SingleQuotedString(_)) => c.string().map(Some),
        _ => c.signed_number().map(Some),
    }
}

/// The values of a SET as one text, as flatten_set_variable_args makes it.
fn values(c: &mut Cursor<'_>, name: &str) -> Result<String> {
    let list = NAME_LISTS.contains(&name);
    let mut out = Vec::new();
    loop {
        let value = match c.peek() {
            Some(Token::Word(w)) if w.quote_style.is_none() => {
                let word = w.value.to_ascii_lowercase();
                c.at += 1;
                // ON is a keyword; TRUE and FALSE are, too: they come as they are.
                if list { quote(&word) } else { word }
            }
            Some(Token::Word(_)) => {
                let word = c.name()?;
                if list { quote(&word) } else { word.to_string() }
            }
            Some(Token::Number(..) | Token::Minus | Token::Plus) => c.signed_number()?,
            _ => {
                let text = c.string()?;
                if list { quote(&text) } else { text }
            }
        };
        out.push(value);
        if !c.eat_token(&Token::Comma) {
            break;
        }
    }
    if out.len() > 1 && !list && !is_list(name) {
        let message = format!("SET {name} takes only one argument");
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    Ok(out.join(", "))
}

fn is_list(name: &str) -> bool {
    matches!(
        name,
        "datestyle" | "wal_consistency_checking" | "listen_addresses" | "log_destination" | "debug_io_direct"
    ) || name.contains('.')
}

/// quote_identifier: quotes unless the name is lower case letters, digits and underscores, and no keyword.
fn quote(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && crate::facts::KEYWORDS.get(name).is_none_or(|k| k.category == b'U');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

pub fn reset(c: &mut Cursor<'_>) -> Result<Utility> {
    if c.eat("all") {
        return Ok(Utility::Reset { name: None });
    }
    if c.eat("session authorization") {
        return Ok(Utility::Reset { name: Some("session_authorization".into()) });
    }
    if c.eat("time zone") {
        return Ok(Utility::Reset { name: Some("timezone".into()) });
    }
    if c.eat("transaction isolation level") {
        return Ok(Utility::Reset { name: Some("transaction_isolation".into()) });
    }
    Ok(Utility::Reset { name: Some(setting_name(c)?) })
}

pub fn show(c: &mut Cursor<'_>) -> Result<Utility> {
    if c.eat("all") {
        return Ok(Utility::Show { name: None });
    }
    for (words, name) in [
        ("time zone", "timezone"),
        ("transaction isolation level", "transaction_isolation"),
        ("session authorization", "session_authorization"),
    ] {
        if c.eat(words) {
            return Ok(Utility::Show { name: Some(name.into()) });
        }
    }
    Ok(Utility::Show { name: Some(setting_name(c)?) })
}
