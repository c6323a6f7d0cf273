//! The options of views: `WITH (security_invoker = true)`, `ALTER VIEW … SET (…)`, `RESET (…)`.

use std::sync::Arc;

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use crate::error::{Error, Result, SqlState};
use crate::types::text::parse_bool;

/// The options as they were written: is it security_invoker? Without a value an option is true.
pub fn view_options(options: &[(Arc<str>, Option<String>)]) -> Result<bool> {
    let mut invoker = false;
    for (i, (name, value)) in options.iter().enumerate() {
        let invalid = |message: String| Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        if options[..i].iter().any(|(other, _)| other == name) {
            return invalid(format!("parameter \"{name}\" specified more than once"));
        }
        let text = value.as_deref().unwrap_or("true");
        let flag = || match parse_bool(text) {
            Ok(flag) => Ok(flag),
            Err(_) => invalid(format!("invalid value for boolean option \"{name}\": {text}")),
        };
        match &**name {
            "security_invoker" => invoker = flag()?,
            "security_barrier" => {
                if flag()? {
                    return Err(Error::unsupported("security_barrier")
                        .hint("Write the condition as a policy of the table: what can fail does not run on rows that it hides."));
                }
            }
            "check_option" => {
                return Err(Error::unsupported("check_option").hint("Views are not updatable; leave it out."));
            }
            other => return invalid(format!("unrecognized parameter \"{other}\"")),
        }
    }
    Ok(invoker)
}

/// `SET (security_invoker = …)` or `RESET (security_invoker)` of ALTER VIEW; `None` if neither stands here.
pub(super) fn alter(c: &mut Cursor<'_>) -> Result<Option<bool>> {
    let reset = c.is_word(0, "reset");
    if !reset && !c.is_word(0, "set") || c.tokens.get(c.at + 1).is_none_or(|t| t.token != Token::LParen) {
        return Ok(None);
    }
    c.at += 2;
    let (mut options, mut resets) = (Vec::new(), false);
    loop {
        let name = c.name()?;
        if reset {
            resets |= &*name == "security_invoker";
        } else if c.eat_token(&Token::Eq) {
            options.push((name, Some(value(c)?)));
        } else {
            options.push((name, None));
        }
        if !c.eat_token(&Token::Comma) {
            break;
        }
    }
    c.expect_token(&Token::RParen)?;
    if !reset && !options.iter().any(|(name, _)| &**name == "security_invoker") {
        view_options(&options)?;
        return Err(Error::unsupported("ALTER VIEW … SET without security_invoker"));
    }
    if reset && !resets {
        return Err(Error::unsupported("ALTER VIEW … RESET of anything but security_invoker"));
    }
    view_options(&options).map(Some)
}

fn value(c: &mut Cursor<'_>) -> Result<String> {
    let text = match c.peek() {
        Some(Token::Word(word)) => word.value.clone(),
        Some(Token::SingleQuotedString(text)) => text.clone(),
        Some(Token::Number(text, _)) => text.clone(),
        _ => return Err(c.error()),
    };
    c.at += 1;
    Ok(text)
}
