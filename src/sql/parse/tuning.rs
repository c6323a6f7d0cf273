//! Actions of ALTER TABLE and INDEX that tune PostgreSQL's storage and statistics, and say nothing here.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::ddl::any_word;

/// Actions that tune PostgreSQL's storage and statistics and say nothing about what the table means. True if the whole
/// command has no others; the cursor then stands at its end.
pub(super) fn tuning(c: &mut Cursor<'_>) -> bool {
    let start = c.at;
    loop {
        if !tuning_action(c) {
            c.at = start;
            return false;
        }
        if !c.eat_token(&Token::Comma) {
            break;
        }
    }
    let whole = c.is_end();
    if !whole {
        c.at = start;
    }
    whole
}

fn tuning_action(c: &mut Cursor<'_>) -> bool {
    let parameters = |c: &mut Cursor<'_>| {
        (c.is_word(0, "set") || c.is_word(0, "reset"))
            && c.tokens.get(c.at + 1).is_some_and(|t| t.token == Token::LParen)
            && {
                c.at += 1;
                c.parenthesized().is_ok()
            }
    };
    if c.eat("set without oids") || parameters(c) {
        return true;
    }
    // What a log of changes would tell of a row: there is none.
    if c.eat("replica identity") {
        return ["default", "full", "nothing"].iter().any(|word| c.eat(word));
    }
    if !c.eat("alter") {
        return false;
    }
    c.eat("column");
    if c.signed_number().is_err() && c.name().is_err() {
        return false;
    }
    if c.eat("set statistics") {
        return c.signed_number().is_ok();
    }
    if c.eat("set storage") || c.eat("set compression") {
        return any_word(c).is_ok();
    }
    parameters(c)
}
