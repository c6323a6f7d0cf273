//! The options of views: `WITH (security_invoker = true)`, `ALTER VIEW … SET (…)`, `RESET (…)`.

use std::sync::Arc;

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::cursor::Cursor;
use crate::error::{Error, Result, SqlState};
use crate::registry::CheckOption;
use crate::tree::AlterTable;
use crate::types::text::parse_bool;

/// What the options of a view say.
#[derive(Debug, Clone, Copy, Default)]
pub struct ViewOptions {
    /// security_invoker.
    pub invoker: bool,
    /// security_barrier.
    pub barrier: bool,
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
            "security_barrier" => found.barrier = flag()?,
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

/// `SET (security_invoker = …)` or `RESET (security_barrier)` of ALTER VIEW; `None` if neither stands here.
pub(super) fn alter(c: &mut Cursor<'_>) -> Result<Option<AlterTable>> {
    let reset = c.is_word(0, "reset");
    if !reset && !c.is_word(0, "set") || c.tokens.get(c.at + 1).is_none_or(|t| t.token != Token::LParen) {
        return Ok(None);
    }
    c.at += 2;
    let mut options = Vec::new();
    loop {
        let name = c.name()?;
        let value = match !reset && c.eat_token(&Token::Eq) {
            true => Some(value(c)?),
            false => reset.then(|| "false".to_owned()),
        };
        options.push((name, value));
        if !c.eat_token(&Token::Comma) {
            break;
        }
    }
    c.expect_token(&Token::RParen)?;
    let named = |wanted: &str| options.iter().any(|(name, _)| &**name == wanted);
    if named("check_option") {
        return Err(Error::unsupported("ALTER VIEW … SET or RESET of check_option")
            .hint("Write the view anew with CREATE OR REPLACE VIEW."));
    }
    let found = view_options(&options)?;
    let (invoker, barrier) = (named("security_invoker"), named("security_barrier"));
    Ok(Some(AlterTable::ViewSecurity {
        invoker: invoker.then_some(found.invoker),
        barrier: barrier.then_some(found.barrier),
    }))
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
