//! RETURN in its forms, CASE and FOREACH.

use sqlparser::tokenizer::Token;

use super::reader::Reader;
use super::{CASE_VARIABLE, Kind, LoopKind};
use crate::error::{Error, Result, SqlState};

fn mismatch(message: &str) -> Error {
    Error::new(SqlState::DATATYPE_MISMATCH, message)
}

impl Reader<'_> {
    /// The cursor stands behind RETURN (make_return_stmt and the two beside it).
    pub fn return_kind(&mut self) -> Result<Kind> {
        let before = self.c.at.checked_sub(1).and_then(|at| self.c.tokens.get(at));
        let pos = before.map_or(1, |word| self.c.source.position(word.span.start));
        if self.c.eat("next") {
            if !self.shape.set {
                return Err(mismatch("cannot use RETURN NEXT in a non-SETOF function").at(pos));
            }
            if self.shape.outputs {
                if !self.at_token(&Token::SemiColon) {
                    let message = "RETURN NEXT cannot have a parameter in function with OUT parameters";
                    return Err(mismatch(message).at(self.c.position()));
                }
                self.semicolon()?;
                return Ok(Kind::ReturnNext(None));
            }
            return self.expression_to_end().map(|row| Kind::ReturnNext(Some(row)));
        }
        if self.c.eat("query") {
            if !self.shape.set {
                return Err(mismatch("cannot use RETURN QUERY in a non-SETOF function").at(pos));
            }
            return self.return_query();
        }
        if self.shape.set {
            return self.no_value(|_| {
                mismatch("RETURN cannot have a parameter in function returning set")
                    .hint("Use RETURN NEXT or RETURN QUERY.")
            });
        }
        if self.shape.void || self.shape.procedure && !self.shape.outputs {
            return self.no_value(|r| match r.shape.procedure {
                true => Error::syntax("RETURN cannot have a parameter in a procedure"),
                false => mismatch("RETURN cannot have a parameter in function returning void"),
            });
        }
        if self.shape.outputs {
            return self.no_value(|_| mismatch("RETURN cannot have a parameter in function with OUT parameters"));
        }
        self.expression_to_end().map(|value| Kind::Return(Some(value)))
    }

    fn no_value(&mut self, refused: impl FnOnce(&Self) -> Error) -> Result<Kind> {
        if !self.at_token(&Token::SemiColon) {
            return Err(refused(self).at(self.c.position()));
        }
        self.semicolon()?;
        Ok(Kind::Return(None))
    }

    fn return_query(&mut self) -> Result<Kind> {
        if self.c.eat("execute") {
            let query = self.expression_until(&["using"], &[Token::SemiColon])?;
            let using = if self.c.eat("using") { self.expressions_until(&[])? } else { Vec::new() };
            self.semicolon()?;
            return Ok(Kind::ReturnExecute { query, using });
        }
        let (from, to) = self.until(|r| r.at_token(&Token::SemiColon))?;
        let query = self.fragment("", &self.text(from, to), from)?;
        self.semicolon()?;
        Ok(Kind::ReturnQuery(query))
    }

    /// CASE as a statement.
    pub fn case(&mut self) -> Result<Kind> {
        let operand = if self.at_word("when") { None } else { Some(self.expression_until(&["when"], &[])?) };
        let mut arms = Vec::new();
        self.c.expect("when")?;
        loop {
            let condition = match operand {
                None => self.expression_until(&["then"], &[])?,
                Some(_) => {
                    let (from, to) = self.until(|r| r.at_word("then"))?;
                    if from == to {
                        return Err(self.missing("expression"));
                    }
                    self.expression_at(&format!("\"{CASE_VARIABLE}\" IN ({})", self.text(from, to)), from)?
                }
            };
            self.c.expect("then")?;
            arms.push((condition, self.statements()?));
            if !self.c.eat("when") {
                break;
            }
        }
        let otherwise = if self.c.eat("else") { Some(self.statements()?) } else { None };
        self.c.expect("end")?;
        self.c.expect("case")?;
        self.semicolon()?;
        Ok(Kind::Case { operand, arms, otherwise })
    }

    /// FOREACH … IN ARRAY …; the cursor stands behind the first word.
    pub fn for_each(&mut self) -> Result<LoopKind> {
        let targets = self.targets()?;
        if self.at_word("slice") {
            return Err(Error::unsupported("FOREACH … SLICE"));
        }
        self.c.expect("in")?;
        self.c.expect("array")?;
        let array = self.expression_until(&["loop"], &[])?;
        Ok(LoopKind::Array { targets, array })
    }
}
