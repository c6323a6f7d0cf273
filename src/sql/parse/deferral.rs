//! `ALTER TABLE … ALTER CONSTRAINT`: when a foreign key is checked.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use crate::error::{Error, Result};
use crate::tree::AlterTable;

/// `ALTER CONSTRAINT name [[NOT] DEFERRABLE] [INITIALLY {DEFERRED | IMMEDIATE}]`; what is not said is not.
pub fn deferral(c: &mut Cursor<'_>) -> Result<AlterTable> {
    let name = c.name()?;
    let (mut deferrable, mut initially_deferred, mut never) = (false, false, false);
    while !c.is_end() {
        if c.eat("deferrable") {
            deferrable = true;
        } else if c.eat("not deferrable") {
            never = true;
        } else if c.eat("initially deferred") {
            initially_deferred = true;
        } else if !c.eat("initially immediate") {
            return match c.peek() {
                Some(Token::Comma) => {
                    Err(Error::unsupported("ALTER CONSTRAINT beside other actions").hint("Write it by itself."))
                }
                _ => Err(c.error()),
            };
        }
    }
    if never && (deferrable || initially_deferred) {
        return Err(Error::syntax("constraint declared INITIALLY DEFERRED must be DEFERRABLE"));
    }
    Ok(AlterTable::DeferConstraint { name, deferrable: deferrable || initially_deferred, initially_deferred })
}
