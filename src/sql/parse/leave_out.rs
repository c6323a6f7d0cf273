//! More clauses that sqlparser has no place for: what says nothing here is left out, what the gateway has not is refused by name before sqlparser
//! calls it a syntax error.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::strip::Extras;
use super::words::Words;
use crate::error::{Error, Result, SqlState};
use crate::registry::Name;

/// Access methods of indexes, which tables cannot have.
const INDEX_METHODS: [&str; 6] = ["btree", "hash", "gist", "gin", "spgist", "brin"];

/// XML's own syntax, of which the gateway has none.
const XML: [&str; 9] = [
    "xmlattributes",
    "xmlelement",
    "xmlexists",
    "xmlforest",
    "xmlparse",
    "xmlpi",
    "xmlroot",
    "xmlserialize",
    "xmltable",
];

/// What the constructs that [`absent`] looks for cannot do without.
const ABSENT: [&str; 7] = ["current", "document", "compression", "collation", "include", "alter", "rows"];

/// The last of a key's columns, which has those that INCLUDE names.
pub const INCLUDE: &str = "\u{1}include";

/// What the name of a column's UNIQUE NULLS NOT DISTINCT begins with.
pub const NOT_DISTINCT: &str = "\u{1}nulls not distinct ";

/// The order in which sqlparser wants the options of an identity column's sequence.
const SEQUENCE_OPTIONS: [&str; 6] = ["increment", "minvalue", "maxvalue", "start", "cache", "cycle"];

fn is(tokens: &[TokenWithSpan], at: usize, word: &str) -> bool {
    matches!(tokens.get(at).map(|t| &t.token),
        Some(Token::Word(w)) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
}

fn token(tokens: &[TokenWithSpan], at: usize) -> Option<&Token> {
    tokens.get(at).map(|t| &t.token)
}

fn name_at(tokens: &[TokenWithSpan], at: usize) -> Option<Name> {
    match token(tokens, at)? {
        Token::Word(w) if w.quote_style.is_some() => Some(w.value.as_str().into()),
        Token::Word(w) => Some(w.value.to_lowercase().into()),
        _ => None,
    }
}

/// The parenthesis that closes the one at `open`.
fn closing(tokens: &[TokenWithSpan], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, found) in tokens.iter().enumerate().skip(open) {
        match found.token {
            Token::LParen => depth += 1,
            Token::RParen if depth == 1 => return Some(at),
            Token::RParen => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    None
}

/// Behind the name of `CREATE [TEMPORARY …] {TABLE | MATERIALIZED VIEW} [IF NOT EXISTS] name`.
fn after_created_name(tokens: &[TokenWithSpan]) -> Option<usize> {
    if !is(tokens, 0, "create") {
        return None;
    }
    let mut at = 1;
    while ["global", "local", "temporary", "temp", "unlogged"].iter().any(|w| is(tokens, at, w)) {
        at += 1;
    }
    at += if is(tokens, at, "table") {
        1
    } else if is(tokens, at, "materialized") && is(tokens, at + 1, "view") {
        2
    } else {
        return None;
    };
    if is(tokens, at, "if") && is(tokens, at + 1, "not") && is(tokens, at + 2, "exists") {
        at += 3;
    }
    at += 1;
    while token(tokens, at) == Some(&Token::Period) {
        at += 2;
    }
    Some(at)
}

/// Takes out what says nothing here, and notes what does.
///
/// # Errors
/// 0A000 for what is not supported, PostgreSQL's own for what it refuses.
pub fn take(tokens: &mut Vec<TokenWithSpan>, words: &Words, extras: &mut Extras) -> Result<()> {
    compared_images(tokens)?;
    if words.any(&["include"])
        && (after_created_name(tokens).is_some() || is(tokens, 0, "alter") && is(tokens, 1, "table"))
    {
        included(tokens);
    }
    if words.any(&["references"]) {
        delete_sets(tokens, extras);
    }
    if words.any(&ABSENT) || words.any(&XML) {
        absent(tokens)?;
    }
    if words.any(&["preceding", "following"]) {
        frame_bounds(tokens);
    }
    if let Some(at) = after_created_name(tokens) {
        toast_parameters(tokens, at)?;
        if !is(tokens, 1, "materialized") {
            column_names(tokens, at, extras);
        }
        access_method(tokens, at)?;
    }
    if is(tokens, 0, "create") || is(tokens, 0, "alter") {
        sequence_name(tokens, extras);
        identity_options(tokens);
        index_tablespace(tokens)?;
    }
    if is(tokens, 0, "create") && (1..4).any(|at| is(tokens, at, "view")) {
        view_flags(tokens);
    }
    if after_created_name(tokens).is_some() || is(tokens, 0, "alter") && is(tokens, 1, "table") {
        nulls_not_distinct(tokens);
    }
    if is(tokens, 0, "alter") && is(tokens, 1, "table") {
        type_collations(tokens, extras);
        // `ALTER TABLE t*`: with what inherits from it.
        let star = (2..8).find(|at| token(tokens, *at) == Some(&Token::Mul));
        if let Some(star) = star.filter(|at| name_at(tokens, at - 1).is_some()) {
            tokens.remove(star);
        }
    }
    Ok(())
}

/// `REFERENCES t … ON DELETE SET NULL (a, b)`: the columns are put aside, with the place of the table's name.
fn delete_sets(tokens: &mut Vec<TokenWithSpan>, extras: &mut Extras) {
    let (mut at, mut target) = (1, None);
    while at + 2 < tokens.len() {
        if is(tokens, at, "references") {
            target = tokens.get(at + 1).map(|t| t.span.start);
        }
        let sets = is(tokens, at, "set") && (is(tokens, at + 1, "null") || is(tokens, at + 1, "default"));
        if sets
            && is(tokens, at - 1, "delete")
            && token(tokens, at + 2) == Some(&Token::LParen)
            && let (Some(target), Some(end)) = (target, closing(tokens, at + 2))
        {
            let names = (at + 3..end).filter_map(|n| name_at(tokens, n)).collect();
            tokens.drain(at + 2..=end);
            extras.delete_sets.push((target, names));
        }
        at += 1;
    }
}

/// `UNIQUE (a) INCLUDE (b)` → `UNIQUE (a, "␁include"(b))`; EXCLUDE's is refused.
fn included(tokens: &mut Vec<TokenWithSpan>) {
    let mut opened = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at].token {
            Token::LParen => opened.push(at),
            Token::RParen => {
                let open = opened.pop().unwrap_or(0);
                let before = |n: usize, word: &str| open >= n && is(tokens, open - n, word);
                let of_key = before(1, "unique") || before(1, "key") && before(2, "primary") || before(1, "distinct");
                if of_key
                    && is(tokens, at + 1, "include")
                    && let Some(end) = closing(tokens, at + 2).filter(|_| token(tokens, at + 2) == Some(&Token::LParen))
                {
                    let close = TokenWithSpan { token: Token::RParen, span: tokens[end].span };
                    tokens.insert(end + 1, close);
                    tokens[at].token = Token::Comma;
                    tokens[at + 1].token = Token::make_word(INCLUDE, Some('"'));
                    at = end + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
}

/// `UNIQUE NULLS NOT DISTINCT` of a column: the mark goes into the constraint's name.
fn nulls_not_distinct(tokens: &mut Vec<TokenWithSpan>) {
    let mut at = 0;
    while at + 3 < tokens.len() {
        let written = |words: &[&str]| words.iter().enumerate().all(|(i, word)| is(tokens, at + i, word));
        let found = written(&["unique", "nulls", "not", "distinct"]);
        if written(&["unique", "nulls", "distinct"]) && token(tokens, at + 3) != Some(&Token::LParen) {
            tokens.drain(at + 1..at + 3);
        }
        // Of a table's constraint the columns come next, or the index.
        let of_table = token(tokens, at + 4) == Some(&Token::LParen) || is(tokens, at + 4, "using");
        if found && !of_table {
            tokens.drain(at + 1..at + 4);
            let marked = |name: &str| Token::make_word(&format!("{NOT_DISTINCT}{name}"), Some('"'));
            let named = at.checked_sub(2).filter(|before| is(tokens, *before, "constraint"));
            match named.and_then(|before| name_at(tokens, before + 1)) {
                Some(name) => tokens[at - 1].token = marked(&name),
                None => {
                    let span = tokens[at].span;
                    let word = |token| TokenWithSpan { token, span };
                    tokens.splice(at..at, [word(Token::make_word("CONSTRAINT", None)), word(marked(""))]);
                    at += 2;
                }
            }
        }
        at += 1;
    }
}

/// `ALTER c TYPE t COLLATE x`, for each column.
fn type_collations(tokens: &mut Vec<TokenWithSpan>, extras: &mut Extras) {
    let (mut at, mut depth, mut column) = (3, 0_usize, None);
    while at < tokens.len() {
        match &tokens[at].token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            Token::Comma if depth == 0 => column = None,
            _ if depth > 0 => {}
            _ if is(tokens, at, "alter") && column.is_none() => {
                let name = at + 1 + usize::from(is(tokens, at + 1, "column"));
                let typed =
                    is(tokens, name + 1, "type") || is(tokens, name + 2, "data") && is(tokens, name + 3, "type");
                column = name_at(tokens, name).filter(|_| typed);
                at = name;
            }
            // What USING says is a value's own collation.
            _ if is(tokens, at, "using") => column = None,
            _ if is(tokens, at, "collate") => {
                if let (Some(column), Some(first)) = (column.take(), name_at(tokens, at + 1)) {
                    let second = match token(tokens, at + 2) {
                        Some(Token::Period) => name_at(tokens, at + 3),
                        _ => None,
                    };
                    tokens.drain(at..at + if second.is_some() { 4 } else { 2 });
                    let parts = std::iter::once(first).chain(second).collect();
                    extras.type_collations.push((column, parts));
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
}

/// Operators on the bytes of rows (record_image_eq and kin).
fn compared_images(tokens: &[TokenWithSpan]) -> Result<()> {
    let images = |op: &str| matches!(op, "*=" | "*<>" | "*<" | "*<=" | "*>" | "*>=");
    match tokens.iter().any(|t| matches!(&t.token, Token::CustomBinaryOperator(op) if images(op))) {
        true => Err(Error::unsupported("a comparison of the images of records")),
        false => Ok(()),
    }
}

/// Words of PostgreSQL's grammar that are refused by name.
fn absent(tokens: &[TokenWithSpan]) -> Result<()> {
    let refused = |what: &str| Err(Error::unsupported(what));
    // Where a table's columns are defined, which is before any query.
    let definitions = match after_created_name(tokens) {
        Some(open) if token(tokens, open) == Some(&Token::LParen) => closing(tokens, open).unwrap_or(0),
        _ => 0,
    };
    let of_table = definitions > 0 || is(tokens, 0, "alter") && is(tokens, 1, "table");
    for (at, found) in tokens.iter().enumerate() {
        let Token::Word(word) = &found.token else { continue };
        if word.quote_style.is_some() {
            continue;
        }
        match word.value.to_ascii_lowercase().as_str() {
            "current" if is(tokens, at + 1, "of") && at > 0 && is(tokens, at - 1, "where") => {
                return Err(Error::unsupported("WHERE CURRENT OF").hint("Name the row by its key."));
            }
            "is" if is(tokens, at + 1, "document") || is(tokens, at + 1, "not") && is(tokens, at + 2, "document") => {
                return refused("IS DOCUMENT");
            }
            "compression" if at < definitions && name_at(tokens, at + 1).is_some() => {
                let begins = matches!(token(tokens, at - 1), Some(Token::Comma | Token::LParen));
                let ends = matches!(token(tokens, at + 2), Some(Token::Comma | Token::RParen | Token::Word(_)));
                if !begins && ends {
                    return refused("COMPRESSION of a column");
                }
            }
            "collation" if is(tokens, at + 1, "for") && token(tokens, at + 2) == Some(&Token::LParen) => {
                return refused("COLLATION FOR");
            }
            "include" if of_table && at > 0 && tokens[at - 1].token == Token::RParen => {
                return refused("INCLUDE of a constraint");
            }
            "alter" if at > 2 && is(tokens, 0, "alter") && is(tokens, 1, "view") => {
                return Err(Error::unsupported("ALTER VIEW … ALTER COLUMN").hint("Views are not updatable."));
            }
            "rows" if is(tokens, at + 1, "from") && token(tokens, at + 2) == Some(&Token::LParen) => {
                let end = closing(tokens, at + 2).unwrap_or(tokens.len());
                let defined = |n: usize| is(tokens, n, "as") && token(tokens, n + 1) == Some(&Token::LParen);
                if (at + 3..end).any(defined) {
                    return refused("ROWS FROM with a column definition list");
                }
            }
            name if XML.contains(&name) && token(tokens, at + 1) == Some(&Token::LParen) => {
                return refused(&name.to_uppercase());
            }
            _ => {}
        }
    }
    Ok(())
}

/// `BETWEEN '1 year'::interval PRECEDING`: sqlparser takes a string at this place for the whole of an interval.
fn frame_bounds(tokens: &mut Vec<TokenWithSpan>) {
    let mut at = 1;
    while at < tokens.len() {
        let bound = is(tokens, at, "preceding") || is(tokens, at, "following");
        let begins = |n: usize| ["between", "and", "range", "rows", "groups"].iter().any(|w| is(tokens, n, w));
        let start = if bound { (0..at).rev().find(|n| begins(*n)).map(|n| n + 1) } else { None };
        if let Some(start) = start.filter(|start| at - start > 1)
            && matches!(tokens[start].token, Token::SingleQuotedString(_))
        {
            let (open, close) = (tokens[start].span, tokens[at - 1].span);
            tokens.insert(at, TokenWithSpan { token: Token::RParen, span: close });
            tokens.insert(start, TokenWithSpan { token: Token::LParen, span: open });
            at += 2;
        }
        at += 1;
    }
}

/// `CREATE TABLE t (a, b) … AS query`: the names alone.
fn column_names(tokens: &mut Vec<TokenWithSpan>, open: usize, extras: &mut Extras) {
    if token(tokens, open) != Some(&Token::LParen) {
        return;
    }
    let Some(close) = closing(tokens, open) else { return };
    let inside = &tokens[open + 1..close];
    let alternate = |(i, t): (usize, &TokenWithSpan)| match &t.token {
        Token::Word(_) => i % 2 == 0,
        Token::Comma => i % 2 == 1,
        _ => false,
    };
    if inside.is_empty() || inside.len().is_multiple_of(2) || !inside.iter().enumerate().all(alternate) {
        return;
    }
    // In a partition, names alone are no columns either, but there is no query.
    let mut depth = 0_usize;
    let queried = (close + 1..tokens.len()).any(|at| {
        match tokens[at].token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && is(tokens, at, "as")
    });
    if !queried {
        return;
    }
    extras.column_names = (open + 1..close).step_by(2).filter_map(|at| name_at(tokens, at)).collect();
    tokens.drain(open..=close);
}

/// `USING heap` behind the columns of a table or the name of a materialized view.
fn access_method(tokens: &mut Vec<TokenWithSpan>, from: usize) -> Result<()> {
    let mut depth = 0_usize;
    for at in from..tokens.len() {
        match tokens[at].token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > 0 {
            continue;
        }
        if is(tokens, at, "as") {
            return Ok(());
        }
        if !is(tokens, at, "using") {
            continue;
        }
        let Some(method) = name_at(tokens, at + 1) else { return Ok(()) };
        if INDEX_METHODS.contains(&&*method) {
            let message = format!("access method \"{method}\" is not of type TABLE");
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
        }
        if &*method != "heap" {
            let message = format!("access method \"{method}\" does not exist");
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
        }
        tokens.drain(at..at + 2);
        return Ok(());
    }
    Ok(())
}

/// `WITH (toast.autovacuum_enabled = false, …)` behind the columns: there are no TOAST tables whose parameters it could be.
fn toast_parameters(tokens: &mut Vec<TokenWithSpan>, columns: usize) -> Result<()> {
    let Some(end) = (token(tokens, columns) == Some(&Token::LParen)).then(|| closing(tokens, columns)).flatten() else {
        return Ok(());
    };
    let begins = |n: usize| is(tokens, n, "with") && token(tokens, n + 1) == Some(&Token::LParen);
    let Some(with) = (end..tokens.len()).find(|n| begins(*n)) else { return Ok(()) };
    let Some(mut close) = closing(tokens, with + 1) else { return Ok(()) };
    let mut at = with + 2;
    while at < close {
        if token(tokens, at + 1) == Some(&Token::Period) {
            if !is(tokens, at, "toast") {
                let message =
                    format!("unrecognized parameter namespace \"{}\"", name_at(tokens, at).unwrap_or_default());
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
            }
            let next = (at..close).find(|n| tokens[*n].token == Token::Comma);
            // With the comma behind it, or with the one before the last.
            let (from, to) = match next {
                Some(comma) => (at, comma + 1),
                None if at > with + 2 => (at - 1, close),
                None => (at, close),
            };
            tokens.drain(from..to);
            close -= to - from;
            at = from;
        } else {
            at = (at..close).find(|n| tokens[*n].token == Token::Comma).map_or(close, |comma| comma + 1);
        }
    }
    if close == with + 2 {
        tokens.drain(with..=close);
    }
    Ok(())
}

/// `SEQUENCE NAME n` among the options of `… AS IDENTITY (…)`, as pg_dump writes it.
fn sequence_name(tokens: &mut Vec<TokenWithSpan>, extras: &mut Extras) {
    let begins = |n: usize| is(tokens, n, "identity") && token(tokens, n + 1) == Some(&Token::LParen);
    let Some(open) = (0..tokens.len()).find(|n| begins(*n)).map(|n| n + 1) else { return };
    let Some(close) = closing(tokens, open) else { return };
    let named = |n: usize| is(tokens, n, "sequence") && is(tokens, n + 1, "name");
    let Some(at) = (open + 1..close).find(|n| named(*n)) else { return };
    let (namespace, name, words) = match token(tokens, at + 3) {
        Some(Token::Period) => (name_at(tokens, at + 2), name_at(tokens, at + 4), 5),
        _ => (None, name_at(tokens, at + 2), 3),
    };
    let Some(name) = name else { return };
    extras.identity_sequence = Some((namespace, name));
    tokens.drain(at..at + words);
    if token(tokens, open + 1) == Some(&Token::RParen) {
        tokens.drain(open..open + 2);
    }
}

/// The options of `… AS IDENTITY (…)`, in sqlparser's order.
fn identity_options(tokens: &mut [TokenWithSpan]) {
    let begins = |n: usize| is(tokens, n, "identity") && token(tokens, n + 1) == Some(&Token::LParen);
    let Some(open) = (0..tokens.len()).find(|n| begins(*n)).map(|n| n + 1) else { return };
    let Some(close) = closing(tokens, open) else { return };
    let rank = |at: usize| {
        let at = if is(tokens, at, "no") { at + 1 } else { at };
        SEQUENCE_OPTIONS.iter().position(|word| is(tokens, at, word))
    };
    let mut groups: Vec<(usize, Vec<TokenWithSpan>)> = Vec::new();
    let mut at = open + 1;
    while at < close {
        match rank(at) {
            Some(rank) => {
                groups.push((rank, Vec::new()));
                if is(tokens, at, "no") {
                    groups.last_mut().into_iter().for_each(|(_, group)| group.push(tokens[at].clone()));
                    at += 1;
                }
            }
            // Something else begins the list: sqlparser will say what.
            None if groups.is_empty() => return,
            None => {}
        }
        groups.last_mut().into_iter().for_each(|(_, group)| group.push(tokens[at].clone()));
        at += 1;
    }
    groups.sort_by_key(|(rank, _)| *rank);
    let ordered: Vec<TokenWithSpan> = groups.into_iter().flat_map(|(_, group)| group).collect();
    tokens[open + 1..close].clone_from_slice(&ordered);
}

/// `[USING INDEX] TABLESPACE name` of an index and of a key: there is PostgreSQL's default.
fn index_tablespace(tokens: &mut Vec<TokenWithSpan>) -> Result<()> {
    let index = is(tokens, 1, "index") || is(tokens, 1, "unique") && is(tokens, 2, "index");
    let mut at = 2;
    while at + 1 < tokens.len() {
        let using = is(tokens, at, "using") && is(tokens, at + 1, "index") && is(tokens, at + 2, "tablespace");
        let plain = index && is(tokens, 0, "create") && is(tokens, at, "tablespace");
        if let Some(name) = name_at(tokens, at + if using { 3 } else { 1 }).filter(|_| using || plain) {
            known_tablespace(&name)?;
            tokens.drain(at..at + if using { 4 } else { 2 });
            continue;
        }
        at += 1;
    }
    Ok(())
}

/// What a tablespace that something is put into may be: PostgreSQL's own default.
///
/// # Errors
/// 22023 for `pg_global`, 42704 for any other.
pub fn known_tablespace(name: &str) -> Result<()> {
    match name {
        "pg_default" => Ok(()),
        "pg_global" => Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            "only shared relations can be placed in pg_global tablespace",
        )),
        _ => Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("tablespace \"{name}\" does not exist"))),
    }
}

/// `CREATE VIEW … WITH (security_barrier)`: an option without a value is true.
fn view_flags(tokens: &mut Vec<TokenWithSpan>) {
    let begins = |n: usize| is(tokens, n, "with") && token(tokens, n + 1) == Some(&Token::LParen);
    let before = (0..tokens.len()).find(|n| is(tokens, *n, "as")).unwrap_or(tokens.len());
    let Some(open) = (0..before).find(|n| begins(*n)).map(|n| n + 1) else { return };
    let Some(mut close) = closing(tokens, open) else { return };
    let mut at = open + 1;
    while at < close {
        let ends = matches!(token(tokens, at + 1), Some(Token::Comma | Token::RParen));
        let starts = matches!(token(tokens, at - 1), Some(Token::Comma | Token::LParen));
        if starts && ends && matches!(tokens[at].token, Token::Word(_)) {
            let span = tokens[at].span;
            let value = [Token::Eq, Token::make_word("true", None)].map(|token| TokenWithSpan { token, span });
            tokens.splice(at + 1..at + 1, value);
            close += 2;
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use crate::sql::parse::parse;

    #[test]
    fn clauses_that_say_nothing_are_left_out() {
        for text in [
            "create table t (a, b) as select 1, 2",
            "create temp table t (a) on commit delete rows as select 1",
            "create table t (a int) using heap",
            "create materialized view m using heap as select 1",
            "create table t (a int generated by default as identity (start with 7 increment by 5 no cycle))",
            "create index i on t (a) tablespace pg_default",
            "alter table t add constraint k unique (a) using index tablespace pg_default",
            "create view v with (security_invoker) as select 1",
            "alter table t* add column a int",
            "select sum(a) over (order by d range between '1 year'::interval preceding and '1 day'::interval following) from t",
        ] {
            assert!(parse(text).is_ok(), "{text}: {:?}", parse(text).unwrap_err());
        }
    }

    #[test]
    fn what_is_absent_has_its_own_error() {
        for (text, code) in [
            ("create schema s create function f() returns int return 1", "42601"),
            ("delete from t where current of c", "0A000"),
            ("select xmlelement(name a)", "0A000"),
            ("select x is not document from t", "0A000"),
            ("select a *= b from t", "0A000"),
            ("create table t (a text compression lz4)", "0A000"),
            ("select collation for ('a')", "0A000"),
            ("alter view v alter column a set default 1", "0A000"),
            ("create table t (a int) using btree", "55000"),
            ("create table t (a int) using columnar", "42704"),
            ("create index i on t (a) tablespace fast", "42704"),
        ] {
            assert_eq!(parse(text).unwrap_err().code().as_str(), code, "{text}");
        }
    }
}
