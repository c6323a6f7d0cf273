//! RAISE: level, format and options.

use sqlparser::tokenizer::Token;

use super::reader::Reader;
use super::{Fragment, Raise, RaiseOption, Raised, codes_of};
use crate::error::{Error, Result, Severity, SqlState};

impl Reader<'_> {
    /// The cursor stands behind RAISE.
    pub fn raise(&mut self) -> Result<Raise> {
        if self.c.eat_token(&Token::SemiColon) {
            return Ok(Raise { level: None, what: Raised::Again, using: Vec::new() });
        }
        let levels = [
            ("debug", Some(Severity::Debug)),
            ("log", Some(Severity::Log)),
            ("info", Some(Severity::Info)),
            ("notice", Some(Severity::Notice)),
            ("warning", Some(Severity::Warning)),
            ("exception", None),
        ];
        let level = levels.into_iter().find(|(word, _)| self.c.eat(word)).and_then(|(_, level)| level);
        let what = match self.c.peek() {
            Some(Token::SingleQuotedString(_) | Token::EscapedStringLiteral(_) | Token::DollarQuotedString(_)) => {
                self.raise_message()?
            }
            _ if self.at_word("using") => Raised::Options,
            _ if self.c.eat("sqlstate") => {
                let code = self.sqlstate()?;
                Raised::Condition { code, named: code.as_str().to_owned() }
            }
            _ => {
                let name = self.name()?;
                let codes = codes_of(&name)?;
                let code = codes.first().copied().unwrap_or(SqlState::RAISE_EXCEPTION);
                Raised::Condition { code, named: name.to_string() }
            }
        };
        let using = if self.c.eat("using") { self.raise_options()? } else { Vec::new() };
        self.semicolon()?;
        Ok(Raise { level, what, using })
    }

    fn raise_message(&mut self) -> Result<Raised> {
        let format = self.c.string()?;
        let mut values = Vec::new();
        while self.c.eat_token(&Token::Comma) {
            values.push(self.expression_until(&["using"], &[Token::Comma, Token::SemiColon])?);
        }
        let wanted = format.replace("%%", "").matches('%').count();
        if values.len() != wanted {
            let many = if values.len() < wanted { "few" } else { "many" };
            return Err(Error::syntax(format!("too {many} parameters specified for RAISE")));
        }
        Ok(Raised::Message { format, values })
    }

    fn raise_options(&mut self) -> Result<Vec<(RaiseOption, Fragment)>> {
        let known = [
            ("message", RaiseOption::Message),
            ("detail", RaiseOption::Detail),
            ("hint", RaiseOption::Hint),
            ("errcode", RaiseOption::Errcode),
            ("column", RaiseOption::Column),
            ("constraint", RaiseOption::Constraint),
            ("datatype", RaiseOption::Datatype),
            ("table", RaiseOption::Table),
            ("schema", RaiseOption::Schema),
        ];
        let mut all = Vec::new();
        loop {
            let Some((_, option)) = known.into_iter().find(|(word, _)| self.c.eat(word)) else {
                return Err(Error::syntax("unrecognized RAISE statement option"));
            };
            if !self.c.eat_token(&Token::Assignment) {
                self.c.expect_token(&Token::Eq)?;
            }
            all.push((option, self.expression_until(&[], &[Token::Comma, Token::SemiColon])?));
            if !self.c.eat_token(&Token::Comma) {
                return Ok(all);
            }
        }
    }
}
