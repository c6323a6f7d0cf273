//! What PostgreSQL's grammar knows and we have not: refused by name (0A000), before sqlparser calls it a syntax error.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use crate::error::{Error, Result, SqlState};

/// Kinds of objects that CREATE, ALTER, DROP and COMMENT ON know in PostgreSQL and that we have not; a kind whose name
/// begins another's comes after it.
const KINDS: &[&str] = &[
    "access method",
    "aggregate",
    "cast",
    "collation",
    "constraint trigger",
    "conversion",
    "default conversion",
    "event trigger",
    "foreign data wrapper",
    "foreign table",
    "language",
    "trusted language",
    "trusted procedural language",
    "procedural language",
    "large object",
    "operator class",
    "operator family",
    "operator",
    "publication",
    "rule",
    "server",
    "subscription",
    "tablespace",
    "text search configuration",
    "text search dictionary",
    "text search parser",
    "text search template",
    "transform",
    "trigger",
    "user mapping",
];

/// What GRANT and REVOKE may name and we keep no privileges for.
const GRANTED: &[&str] =
    &["foreign data wrapper", "foreign server", "language", "large object", "parameter", "tablespace"];

/// Actions of ALTER TABLE on what we have not.
const ACTIONS: &[&str] = &[
    "disable rule",
    "enable always rule",
    "enable replica rule",
    "enable rule",
    "inherit",
    "no inherit",
    "not of",
    "of",
    "options",
    "replica identity using",
    "set access method",
];

/// Refuses the command if it is one of these. The cursor stands behind the first word, which is `word`, and stays there.
pub fn check(c: &mut Cursor<'_>, word: &str) -> Result<()> {
    let start = c.at;
    let refused = match word {
        "create" => create(c),
        "alter" => alter(c),
        "drop" => drop(c),
        "comment" if c.eat("on") => comment(c),
        "grant" | "revoke" => grant(c, word),
        _ => None,
    };
    c.at = start;
    refused.map_or(Ok(()), Err)
}

fn refused(what: impl std::fmt::Display) -> Option<Error> {
    Some(Error::unsupported(what))
}

fn object(c: &mut Cursor<'_>, verb: &str) -> Option<Error> {
    let kind = KINDS.iter().find(|kind| c.eat(kind))?;
    let error = refused(format!("{verb} {}", kind.to_uppercase()));
    match *kind {
        "trigger" | "rule" | "aggregate" => {
            error.map(|e| e.hint("The logic belongs into the application, or into a view."))
        }
        _ => error,
    }
}

/// Most of what DROP names and we have not does not exist: that is said by name (`super::absent`).
fn drop(c: &mut Cursor<'_>) -> Option<Error> {
    let others = ["materialized view", "large object", "user mapping", "constraint trigger"];
    let comes = |words: &str| words.split(' ').enumerate().all(|(n, word)| c.is_word(n, word));
    if others.into_iter().any(comes) { object(c, "DROP") } else { None }
}

fn comment(c: &mut Cursor<'_>) -> Option<Error> {
    object(c, "COMMENT ON")
}

fn create(c: &mut Cursor<'_>) -> Option<Error> {
    if c.eat("database") {
        return refused("CREATE DATABASE").map(|e| {
            e.hint("A gateway serves one database: CREATE SCHEMA parts it, and another gateway serves another (duckgate serve --database).")
        });
    }
    c.eat("or replace");
    if let Some(error) = object(c, "CREATE") {
        return Some(error);
    }
    let _ = c.eat("global") || c.eat("local");
    let _ = c.eat("temporary") || c.eat("temp");
    if c.eat("unique index") || c.eat("index") {
        return None;
    }
    if c.eat("type") {
        return create_type(c);
    }
    if !c.eat("table") {
        return None;
    }
    c.eat("if not exists");
    c.qualified().ok()?;
    if c.eat("of") {
        return refused("CREATE TABLE … OF");
    }
    create_table_tail(c)
}

fn create_type(c: &mut Cursor<'_>) -> Option<Error> {
    c.qualified().ok()?;
    if c.eat("as") {
        return None;
    }
    refused("CREATE TYPE of a base type")
        .map(|e| e.hint("Use CREATE TYPE name AS ENUM ('…', …), CREATE TYPE name AS (…), or CREATE DOMAIN."))
}

/// Clauses of CREATE TABLE from its column list on.
fn create_table_tail(c: &mut Cursor<'_>) -> Option<Error> {
    let mut depth = 0;
    while !c.is_end() {
        match c.peek() {
            Some(Token::LParen) => depth += 1,
            Some(Token::RParen) => depth -= 1,
            _ if depth == 0 && c.eat("as execute") => {
                return refused("CREATE TABLE AS EXECUTE").map(|e| e.hint("Write the query itself after AS."));
            }
            // A query may say much of what follows in another sense.
            _ if depth == 0 && c.is_word(0, "as") => return None,
            _ => {}
        }
        c.at += 1;
    }
    None
}

fn alter(c: &mut Cursor<'_>) -> Option<Error> {
    if c.eat("database") {
        return refused("ALTER DATABASE");
    }
    if c.eat("system") {
        return refused("ALTER SYSTEM");
    }
    if let Some(error) = object(c, "ALTER") {
        return Some(error);
    }
    let index = c.eat("index");
    if !(index || c.eat("table") || c.eat("view") || c.eat("materialized view") || c.eat("sequence")) {
        return None;
    }
    c.eat("if exists");
    c.eat("only");
    c.qualified().ok()?;
    c.eat_token(&Token::Mul);
    if index && c.eat("depends on") {
        return refused("ALTER INDEX … DEPENDS ON EXTENSION");
    }
    if index && (c.at..c.tokens.len()).any(|at| c.is_word(at - c.at, "statistics")) {
        return refused("ALTER INDEX … SET STATISTICS");
    }
    let mut depth = 0;
    loop {
        if depth == 0
            && let Some(error) = action(c)
        {
            return Some(error);
        }
        // To the next action.
        loop {
            match c.peek() {
                None => return None,
                Some(Token::LParen) => depth += 1,
                Some(Token::RParen) => depth -= 1,
                Some(Token::Comma) if depth == 0 => break,
                Some(_) => {}
            }
            c.at += 1;
        }
        c.at += 1;
    }
}

fn action(c: &mut Cursor<'_>) -> Option<Error> {
    if let Some(known) = ACTIONS.iter().find(|words| c.eat(words)) {
        return refused(format!("ALTER TABLE … {}", known.to_uppercase()));
    }
    if c.eat("set tablespace") {
        let alone = c.name().is_ok() && c.is_end();
        return if alone { None } else { refused("ALTER TABLE … SET TABLESPACE beside other actions".to_owned()) };
    }
    None
}

fn grant(c: &mut Cursor<'_>, word: &str) -> Option<Error> {
    let on = (c.at..c.tokens.len()).find(|i| c.is_word(i - c.at, "on"))?;
    c.at = on + 1;
    let kind = GRANTED.iter().find(|kind| c.eat(kind))?;
    let first = c.tokens.get(c.at).map(|t| t.token.to_string().to_lowercase()).unwrap_or_default();
    let refusal = match (*kind, &*first) {
        // There is none.
        ("large object", _) => Some((SqlState::UNDEFINED_OBJECT, format!("large object {first} does not exist"))),
        ("language", "c" | "internal") => {
            Some((SqlState::WRONG_OBJECT_TYPE, format!("language \"{first}\" is not trusted")))
        }
        _ => None,
    };
    if let Some((code, message)) = refusal {
        let error = Error::new(code, message);
        return Some(match *kind {
            "language" => error.detail(
                "GRANT and REVOKE are not allowed on untrusted languages, because only superusers can use untrusted languages.",
            ),
            _ => error,
        });
    }
    refused(format!("{} ON {}", word.to_uppercase(), kind.to_uppercase()))
}

#[cfg(test)]
mod tests {
    use crate::error::SqlState;
    use crate::sql::parse::parse;

    #[test]
    fn what_postgresql_knows_and_we_do_not_is_refused_by_name() {
        for (text, message) in [
            ("create aggregate a(int) (sfunc = int4pl, stype = int4)", "CREATE AGGREGATE is not supported"),
            ("create or replace rule r as on insert to t do nothing", "CREATE RULE is not supported"),
            ("alter table t add x int, no inherit u", "ALTER TABLE … NO INHERIT is not supported"),
            ("grant usage on foreign server s to u", "GRANT ON FOREIGN SERVER is not supported"),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!((error.code(), &*error.report().message), (SqlState::FEATURE_NOT_SUPPORTED, message), "{text}");
        }
        for text in ["insert into t (a, b) select c.x[1], y.z from c, y", "create table t as select 1 as exclude"] {
            assert!(parse(text).is_ok(), "{text}");
        }
    }
}
