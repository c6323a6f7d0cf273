//! The options of views: `WITH (security_invoker = true)`, `ALTER VIEW … SET (…)`, `RESET (…)`.

use std::sync::Arc;

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::cursor::Cursor;
use crate::error::{Error, Result, SqlState};
use crate::registry::CheckOption;
use crate::types::text::parse_bool;

/// What the options of a view say.
#[derive(Debug, Clone, Copy, Default)]
pub struct ViewOptions {
    /// security_invoker.
    pub invoker: bool,
    pub check: Option<CheckOption>,
}

/// The options as they were written. Without a value an option is true.
pub fn view_options(options: &[(Arc<str>, Option<String>)]) -> Result<ViewOptions> {
    let mut found = ViewOptions::default();
    for (i, (name, value)) in options.iter().enumerate() {
        let invalid = |message: String| Error::new(SqlState::INVALID_PARAMETER_VALUE, message);
        if options[..i].iter().any(|(other, _)| other == name) {
            return Err(invalid(format!("parameter \"{name}\" specified more than once")));
        }
        let text = value.as_deref().unwrap_or("true");
        let flag = || match parse_bool(text) {
            Ok(flag) => Ok(flag),
            Err(_) => Err(invalid(format!("invalid value for boolean option \"{name}\": {text}"))),
        };
        match &**name {
            "security_invoker" => found.invoker = flag()?,
            "security_barrier" => {
                if flag()? {
                    return Err(Error::unsupported("security_barrier")
                        .hint("Write the condition as a policy of the table: what can fail does not run on rows that it hides."));
                }
            }
            "check_option" => {
                found.check = match text.to_ascii_lowercase().as_str() {
                    "local" => Some(CheckOption::Local),
                    "cascaded" => Some(CheckOption::Cascaded),
                    _ => {
                        let message = format!("invalid value for enum option \"check_option\": {text}");
                        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
                            .detail("Valid values are \"local\" and \"cascaded\"."));
                    }
                };
            }
            other => return Err(invalid(format!("unrecognized parameter \"{other}\""))),
        }
    }
    Ok(found)
}

/// Takes `WITH [LOCAL | CASCADED] CHECK OPTION` from the end of CREATE VIEW.
pub(super) fn take_check_option(tokens: &mut Vec<TokenWithSpan>) -> Option<CheckOption> {
    let is = |at: usize, word: &str| {
        matches!(tokens.get(at).map(|t| &t.token),
            Some(Token::Word(w)) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
    };
    // `CREATE [OR REPLACE] [TEMPORARY] [RECURSIVE] VIEW`
    if !is(0, "create") || !(1..6).any(|at| is(at, "view")) || is(1, "materialized") {
        return None;
    }
    let end = tokens.iter().rposition(|t| !matches!(t.token, Token::SemiColon | Token::EOF))?;
    if end < 3 || !is(end, "option") || !is(end - 1, "check") {
        return None;
    }
    let (with, found) = match () {
        () if is(end - 2, "with") => (end - 2, CheckOption::Cascaded),
        () if is(end - 3, "with") && is(end - 2, "local") => (end - 3, CheckOption::Local),
        () if is(end - 3, "with") && is(end - 2, "cascaded") => (end - 3, CheckOption::Cascaded),
        () => return None,
    };
    tokens.drain(with..=end);
    Some(found)
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
    view_options(&options).map(|options| Some(options.invoker))
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
