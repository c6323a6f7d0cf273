//! Statements: which parser reads which, and the session's commands, which we read ourselves.

use std::sync::Arc;

use sqlparser::ast;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::copy::{self, CopyStatement};
use super::cursor::Cursor;
use super::settings;
use super::source::Source;
use super::{over_all, with_parser};
use crate::error::{Error, Result, SqlState};
use crate::registry::Name;
use crate::tree::{
    CursorOptions, Discard, ExplainFormat, FetchDirection, Isolation, LockMode, QualifiedName, TransactionModes,
    Utility,
};

/// What a statement is before analysis.
#[derive(Debug, Clone)]
pub enum Body {
    /// What sqlparser reads: queries, DML and DDL.
    Statement(Box<ast::Statement>),
    /// Schema commands that we read ourselves.
    Ddl(Box<super::RawDdl>),
    /// Commands that need no analysis.
    Utility(Utility),
    Declare {
        name: Name,
        options: CursorOptions,
        query: Box<ast::Statement>,
    },
    /// `offset`: characters of the client's text before the body's.
    Prepare {
        name: Name,
        types: Vec<ast::DataType>,
        body: Arc<str>,
        offset: u32,
    },
    Execute {
        name: Name,
        args: Vec<ast::Expr>,
    },
    Explain {
        options: ExplainOptions,
        body: Box<Body>,
    },
    Copy(Box<CopyStatement>),
    Lock {
        items: Vec<LockItem>,
        mode: LockMode,
        nowait: bool,
    },
    Maintain(super::maintain::Maintained),
    Reindex(super::maintain::Reindex),
    /// An expression by itself.
    Expression,
}

#[derive(Debug, Clone)]
pub struct LockItem {
    pub name: QualifiedName,
    /// Without what is below it.
    pub only: bool,
}

#[derive(Debug, Clone, Copy)]
pub struct ExplainOptions {
    pub analyze: bool,
    pub verbose: bool,
    pub costs: bool,
    pub format: ExplainFormat,
    /// An option that was switched on and means something with ANALYZE only.
    pub measured: Option<&'static str>,
}

/// The statements that are PostgreSQL's and that we refuse by name, before sqlparser guesses at them.
const REFUSED: &[&str] = &["load", "import", "security"];

/// The statements that are sqlparser's by their first word.
const PLAIN: &[&str] = &["select", "with", "values", "insert", "update", "delete", "merge", "truncate"];

/// A statement of these tokens, which come back: those that clients send most are parsed without a copy of them.
pub fn parse_whole(tokens: Vec<TokenWithSpan>, source: &Source) -> Result<(Body, Vec<TokenWithSpan>)> {
    let first = tokens.first().map(|token| &token.token);
    let word = match first {
        Some(Token::Word(word)) if word.quote_style.is_none() => {
            PLAIN.iter().find(|w| word.value.eq_ignore_ascii_case(w))
        }
        _ => None,
    };
    let Some(word) = word else { return parse(&tokens, source).map(|body| (body, tokens)) };
    let mut c = Cursor::new(&tokens, source);
    c.at = 1;
    super::refuse::check(&mut c, word)?;
    let (statement, tokens) = over_all(tokens, source, |p| p.parse_statement())?;
    Ok((Body::Statement(Box::new(statement)), tokens))
}

pub fn parse(tokens: &[TokenWithSpan], source: &Source) -> Result<Body> {
    let mut c = Cursor::new(tokens, source);
    let Some(Token::Word(first)) = c.peek() else {
        // A parenthesized query.
        return match c.peek() {
            Some(Token::LParen) => statement(tokens, source),
            _ => Err(c.error()),
        };
    };
    let word = if first.quote_style.is_some() { String::new() } else { first.value.to_ascii_lowercase() };
    if REFUSED.contains(&word.as_str()) {
        return Err(Error::unsupported(word.to_uppercase()).at(c.position()));
    }
    c.at = 1;
    let utility = match word.as_str() {
        "abort" | "begin" | "start" | "commit" | "end" | "rollback" | "savepoint" | "release" => {
            transaction(&mut c, &word)?
        }
        "set" => settings::set(&mut c)?,
        "reset" => settings::reset(&mut c)?,
        "show" => settings::show(&mut c)?,
        "discard" => Utility::Discard(discard(&mut c)?),
        "deallocate" => {
            c.eat("prepare");
            Utility::Deallocate { name: name_or_all(&mut c)? }
        }
        "do" => do_block(&mut c)?,
        "close" => Utility::CloseCursor { name: name_or_all(&mut c)? },
        "fetch" => fetch(&mut c, false)?,
        "move" => fetch(&mut c, true)?,
        "listen" => Utility::Listen(c.name()?),
        "unlisten" => Utility::Unlisten(if c.eat_token(&Token::Mul) { None } else { Some(c.name()?) }),
        "notify" => {
            let channel = c.name()?;
            let payload = if c.eat_token(&Token::Comma) { c.string()? } else { String::new() };
            Utility::Notify { channel, payload }
        }
        "prepare" => return prepare(&mut c),
        "execute" => return execute(&mut c),
        "declare" => return declare(&mut c),
        "explain" => return explain(&mut c),
        "copy" => return copy::parse(&mut c).map(|copy| Body::Copy(Box::new(copy))),
        "reassign" => return super::role::reassign(&mut c).map(|raw| Body::Ddl(Box::new(raw))),
        "refresh" => return super::ddl::refresh(&mut c).map(|raw| Body::Ddl(Box::new(raw))),
        "lock" => return lock(&mut c),
        "vacuum" | "analyze" | "analyse" | "checkpoint" | "reindex" | "cluster" => {
            return super::maintain::maintain(&mut c, &word);
        }
        "create" | "alter" | "drop" | "grant" | "revoke" | "comment" => {
            super::refuse::check(&mut c, &word)?;
            return match super::ddl::parse(&mut c, &word)? {
                Some(raw) => Ok(Body::Ddl(Box::new(raw))),
                None => statement(tokens, source),
            };
        }
        "call" => {
            c.qualified()?;
            if c.peek() != Some(&Token::LParen) {
                return Err(c.error());
            }
            return statement(tokens, source);
        }
        "table" => {
            let query = with_parser(tokens, source, |p| p.parse_query())?;
            return Ok(Body::Statement(Box::new(ast::Statement::Query(query))));
        }
        word if PLAIN.contains(&word) => {
            super::refuse::check(&mut c, word)?;
            return statement(tokens, source);
        }
        _ => {
            c.at = 0;
            return Err(c.error());
        }
    };
    c.end()?;
    Ok(Body::Utility(utility))
}

fn statement(tokens: &[TokenWithSpan], source: &Source) -> Result<Body> {
    with_parser(tokens, source, |p| p.parse_statement()).map(|s| Body::Statement(Box::new(s)))
}

/// How many characters are before the content of the string that comes next, if that stands there as it is.
pub(super) fn offset_of(c: &Cursor<'_>) -> Option<u32> {
    let before = match c.peek()? {
        Token::DollarQuotedString(quoted) => quoted.tag.as_ref().map_or(0, |tag| tag.chars().count() as u32) + 2,
        Token::SingleQuotedString(text) if !text.contains('\'') => 1,
        _ => return None,
    };
    Some(c.position() - 1 + before)
}

/// DO [LANGUAGE lang] 'text' [LANGUAGE lang].
fn do_block(c: &mut Cursor<'_>) -> Result<Utility> {
    let (mut language, mut text, mut offset) = (None, None, None);
    while !c.is_end() {
        let pos = c.position();
        let again = if c.eat("language") {
            let quoted = matches!(c.peek(), Some(Token::SingleQuotedString(_)));
            let name = if quoted { c.string()?.into() } else { c.name()? };
            language.replace(name).is_some()
        } else {
            offset = offset_of(c);
            text.replace(c.string()?).is_some()
        };
        if again {
            return Err(Error::syntax("conflicting or redundant options").at(pos));
        }
    }
    let text = text.ok_or_else(|| Error::syntax("no inline code specified"))?;
    match language.as_deref() {
        None | Some("plpgsql") => Ok(Utility::Do { text: text.into(), offset }),
        Some("sql" | "internal" | "c") => {
            let language = language.unwrap_or_default();
            let message = format!("language \"{language}\" does not support inline code execution");
            Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
        }
        Some(other) => Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("language \"{other}\" does not exist"))),
    }
}

fn name_or_all(c: &mut Cursor<'_>) -> Result<Option<Name>> {
    if c.eat("all") { Ok(None) } else { c.name().map(Some) }
}

fn transaction(c: &mut Cursor<'_>, word: &str) -> Result<Utility> {
    let utility = match word {
        "savepoint" => return Ok(Utility::Savepoint(c.name()?)),
        "release" => {
            c.eat("savepoint");
            return Ok(Utility::ReleaseSavepoint(c.name()?));
        }
        "start" => {
            c.expect("transaction")?;
            return Ok(Utility::Begin { modes: modes(c)?, start: true });
        }
        "begin" => {
            let _ = c.eat("work") || c.eat("transaction");
            return Ok(Utility::Begin { modes: modes(c)?, start: false });
        }
        "commit" | "rollback" if c.is_word(0, "prepared") => {
            c.expect("prepared")?;
            let message = format!("prepared transaction with identifier \"{}\" does not exist", c.string()?);
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
        }
        "commit" | "end" => {
            let _ = c.eat("work") || c.eat("transaction");
            Utility::Commit { chain: chain(c)? }
        }
        _ => {
            let _ = c.eat("work") || c.eat("transaction");
            if word == "rollback" && c.eat("to") {
                c.eat("savepoint");
                return Ok(Utility::RollbackTo(c.name()?));
            }
            Utility::Rollback { chain: chain(c)? }
        }
    };
    Ok(utility)
}

fn chain(c: &mut Cursor<'_>) -> Result<bool> {
    if c.eat("and no chain") {
        return Ok(false);
    }
    Ok(c.eat("and chain"))
}

/// Transaction modes up to the statement's end, with or without commas.
pub fn modes(c: &mut Cursor<'_>) -> Result<TransactionModes> {
    let mut modes = TransactionModes::default();
    let mut first = true;
    while !c.is_end() {
        if !first {
            c.eat_token(&Token::Comma);
        }
        first = false;
        if c.eat("isolation level") {
            modes.isolation = Some(isolation(c)?);
        } else if c.eat("read only") {
            modes.read_only = Some(true);
        } else if c.eat("read write") {
            modes.read_only = Some(false);
        } else if c.eat("not deferrable") {
            modes.deferrable = Some(false);
        } else if c.eat("deferrable") {
            modes.deferrable = Some(true);
        } else {
            return Err(c.error());
        }
    }
    Ok(modes)
}

fn isolation(c: &mut Cursor<'_>) -> Result<Isolation> {
    for (words, level) in [
        ("read uncommitted", Isolation::ReadUncommitted),
        ("read committed", Isolation::ReadCommitted),
        ("repeatable read", Isolation::RepeatableRead),
        ("serializable", Isolation::Serializable),
    ] {
        if c.eat(words) {
            return Ok(level);
        }
    }
    Err(c.error())
}

fn discard(c: &mut Cursor<'_>) -> Result<Discard> {
    for (word, what) in [
        ("all", Discard::All),
        ("plans", Discard::Plans),
        ("sequences", Discard::Sequences),
        ("temporary", Discard::Temp),
        ("temp", Discard::Temp),
    ] {
        if c.eat(word) {
            return Ok(what);
        }
    }
    Err(c.error())
}

/// FETCH and MOVE in all forms: `[direction [FROM | IN]] cursor`.
fn fetch(c: &mut Cursor<'_>, move_only: bool) -> Result<Utility> {
    let direction = direction(c)?;
    let _ = c.eat("from") || c.eat("in");
    let cursor = c.name()?;
    Ok(Utility::Fetch { cursor, direction, move_only })
}

fn direction(c: &mut Cursor<'_>) -> Result<FetchDirection> {
    // A word followed by nothing is the cursor's own name, even if it reads like a direction.
    if c.at + 1 >= c.tokens.len() {
        return Ok(FetchDirection::Forward(1));
    }
    let counted = |c: &mut Cursor<'_>| c.signed_number().ok();
    let number = |c: &Cursor<'_>, n: &str| n.parse::<i64>().map_err(|_| c.error());
    let direction = if c.eat("next") {
        FetchDirection::Forward(1)
    } else if c.eat("prior") {
        FetchDirection::Prior
    } else if c.eat("first") {
        FetchDirection::First
    } else if c.eat("last") {
        FetchDirection::Last
    } else if c.eat("absolute") {
        let n = c.signed_number()?;
        FetchDirection::Absolute(number(c, &n)?)
    } else if c.eat("relative") {
        let n = c.signed_number()?;
        FetchDirection::Relative(number(c, &n)?)
    } else if c.eat("forward all") || c.eat("all") {
        FetchDirection::ForwardAll
    } else if c.eat("backward all") {
        FetchDirection::BackwardAll
    } else if c.eat("forward") {
        match counted(c) {
            Some(n) => by_count(number(c, &n)?),
            None => FetchDirection::Forward(1),
        }
    } else if c.eat("backward") {
        match counted(c) {
            Some(n) => by_count(number(c, &n)?.saturating_neg()),
            None => FetchDirection::Backward(1),
        }
    } else if let Some(n) = counted(c) {
        by_count(number(c, &n)?)
    } else {
        FetchDirection::Forward(1)
    };
    Ok(direction)
}

fn by_count(n: i64) -> FetchDirection {
    if n < 0 { FetchDirection::Backward(n.unsigned_abs()) } else { FetchDirection::Forward(n.unsigned_abs()) }
}

fn prepare(c: &mut Cursor<'_>) -> Result<Body> {
    if c.is_word(0, "transaction") {
        c.eat("transaction");
        c.string()?;
        c.end()?;
        return Ok(Body::Utility(Utility::PrepareTransaction));
    }
    let name = c.name()?;
    let types = if c.peek() == Some(&Token::LParen) {
        let inside = c.parenthesized()?;
        with_parser(inside, c.source, |p| p.parse_comma_separated(|p| p.parse_data_type()))?
    } else {
        Vec::new()
    };
    c.expect("as")?;
    let offset = c.position() - 1;
    let rest = c.rest();
    let (Some(first), Some(last)) = (rest.first(), rest.last()) else { return Err(c.error()) };
    let body = &c.source.text[c.source.byte(first.span.start)..c.source.byte(last.span.end)];
    // Its syntax is checked now, as PostgreSQL does.
    statement_of_query(rest, c.source)?;
    Ok(Body::Prepare { name, types, body: body.trim_end().into(), offset })
}

/// SELECT, VALUES, INSERT, UPDATE, DELETE and kin: what PREPARE, EXPLAIN and cursors take.
fn statement_of_query(tokens: &[TokenWithSpan], source: &Source) -> Result<Body> {
    let c = Cursor::new(tokens, source);
    let fits = c.peek() == Some(&Token::LParen)
        || ["select", "with", "values", "table", "insert", "update", "delete", "merge"].iter().any(|w| c.is_word(0, w));
    if !fits {
        return Err(c.error());
    }
    statement(tokens, source)
}

fn execute(c: &mut Cursor<'_>) -> Result<Body> {
    let name = c.name()?;
    let args = if c.peek() == Some(&Token::LParen) {
        let inside = c.parenthesized()?;
        c.expressions(inside)?
    } else {
        Vec::new()
    };
    c.end()?;
    Ok(Body::Execute { name, args })
}

fn declare(c: &mut Cursor<'_>) -> Result<Body> {
    let name = c.name()?;
    let mut options = CursorOptions::default();
    loop {
        if c.eat("binary") {
            options.binary = true;
        } else if c.eat("no scroll") {
            options.scroll = Some(false);
        } else if c.eat("scroll") {
            options.scroll = Some(true);
        } else if !(c.eat("insensitive") || c.eat("asensitive")) {
            break;
        }
    }
    c.expect("cursor")?;
    if c.eat("with hold") {
        options.with_hold = true;
    } else {
        c.eat("without hold");
    }
    c.expect("for")?;
    match statement_of_query(c.rest(), c.source)? {
        Body::Statement(query) => Ok(Body::Declare { name, options, query }),
        _ => Err(Error::internal("a query parsed to something else")),
    }
}

fn explain(c: &mut Cursor<'_>) -> Result<Body> {
    let mut options =
        ExplainOptions { analyze: false, verbose: false, costs: true, format: ExplainFormat::Text, measured: None };
    if c.peek() == Some(&Token::LParen) && !is_query_in_parentheses(c) {
        c.at += 1;
        loop {
            explain_option(c, &mut options)?;
            if !c.eat_token(&Token::Comma) {
                break;
            }
        }
        c.expect_token(&Token::RParen)?;
        if let Some(option) = options.measured
            && !options.analyze
        {
            let message = format!("EXPLAIN option {option} requires ANALYZE");
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
    } else {
        options.analyze = c.eat("analyze") || c.eat("analyse");
        options.verbose = c.eat("verbose");
    }
    let rest = c.rest();
    let inner = Cursor::new(rest, c.source);
    let body = if ["execute", "declare", "create"].iter().any(|w| inner.is_word(0, w)) {
        parse(rest, c.source)?
    } else {
        statement_of_query(rest, c.source)?
    };
    Ok(Body::Explain { options, body: Box::new(body) })
}

fn is_query_in_parentheses(c: &Cursor<'_>) -> bool {
    ["select", "with", "values", "table"].iter().any(|w| c.is_word(1, w))
        || c.tokens.get(c.at + 1).is_some_and(|t| t.token == Token::LParen)
}

fn explain_option(c: &mut Cursor<'_>, options: &mut ExplainOptions) -> Result<()> {
    let pos = c.position();
    // The one reserved word among their names.
    let name = if c.eat("analyze") || c.eat("analyse") { "analyze".into() } else { c.name()? };
    let value = match c.peek() {
        Some(Token::Comma | Token::RParen) | None => None,
        Some(Token::Word(_)) => Some(match ["true", "false", "on"].into_iter().find(|word| c.eat(word)) {
            Some(word) => word.to_owned(),
            None => c.name()?.to_lowercase(),
        }),
        Some(Token::Number(..)) => Some(c.signed_number()?),
        _ => Some(c.string()?.to_ascii_lowercase()),
    };
    let flag = || match value.as_deref() {
        None | Some("true" | "on" | "1") => Ok(true),
        Some("false" | "off" | "0") => Ok(false),
        Some(_) => Err(Error::syntax(format!("{name} requires a Boolean value"))),
    };
    match &*name {
        "analyze" => options.analyze = flag()?,
        "verbose" => options.verbose = flag()?,
        "costs" => options.costs = flag()?,
        "buffers" | "summary" | "settings" => drop(flag()?),
        "timing" => options.measured = flag()?.then_some("TIMING").or(options.measured),
        "wal" => options.measured = flag()?.then_some("WAL").or(options.measured),
        "format" => {
            options.format = match value.as_deref() {
                Some("text") => ExplainFormat::Text,
                Some("json") => ExplainFormat::Json,
                Some("xml") => ExplainFormat::Xml,
                Some("yaml") => ExplainFormat::Yaml,
                other => {
                    let message =
                        format!("unrecognized value for EXPLAIN option \"format\": \"{}\"", other.unwrap_or_default());
                    return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).at(pos));
                }
            }
        }
        _ => return Err(Error::syntax(format!("unrecognized EXPLAIN option \"{name}\"")).at(pos)),
    }
    Ok(())
}

fn lock(c: &mut Cursor<'_>) -> Result<Body> {
    c.eat("table");
    let mut items = Vec::new();
    loop {
        let only = c.eat("only");
        items.push(LockItem { name: c.qualified()?, only });
        c.eat_token(&Token::Mul);
        if !c.eat_token(&Token::Comma) {
            break;
        }
    }
    let mut mode = LockMode::AccessExclusive;
    if c.eat("in") {
        // Those of several words before those that they begin with.
        let mut modes = LockMode::ALL;
        modes.sort_by_key(|mode| std::cmp::Reverse(mode.words().len()));
        mode = modes.into_iter().find(|mode| c.eat(mode.words())).ok_or_else(|| c.error())?;
        c.expect("mode")?;
    }
    let nowait = c.eat("nowait");
    c.end()?;
    Ok(Body::Lock { items, mode, nowait })
}
