//! VACUUM, ANALYZE, REINDEX, CLUSTER and CHECKPOINT: nothing here is done as they say, but what they say must be right.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::command::Body;
use super::cursor::Cursor;
use crate::error::{Error, Result, SqlState};
use crate::registry::Name;
use crate::tree::{MaintainCommand, QualifiedName};

/// One of these commands but REINDEX.
#[derive(Debug, Clone)]
pub struct Maintained {
    pub command: MaintainCommand,
    /// With the columns that VACUUM and ANALYZE name.
    pub tables: Vec<(QualifiedName, Vec<Name>)>,
    /// CLUSTER … USING an index.
    pub using: Option<Name>,
}

/// REINDEX, with the tablespace that it names.
#[derive(Debug, Clone)]
pub struct Reindex {
    pub what: Reindexed,
    pub concurrently: bool,
    pub tablespace: Option<Name>,
}

/// What REINDEX names.
#[derive(Debug, Clone)]
pub enum Reindexed {
    Index(QualifiedName),
    Table(QualifiedName),
    Namespace(QualifiedName),
    /// DATABASE and SYSTEM; PostgreSQL 16 lets the name be left out.
    Database(Option<QualifiedName>),
}

/// `(name [value], …)`, in lower case.
type Options = Vec<(String, Option<String>)>;

/// The options that each command knows.
const fn known(command: MaintainCommand) -> (&'static str, &'static [&'static str]) {
    match command {
        MaintainCommand::Vacuum => (
            "VACUUM",
            &[
                "analyze",
                "disable_page_skipping",
                "freeze",
                "full",
                "index_cleanup",
                "parallel",
                "process_toast",
                "skip_locked",
                "truncate",
                "verbose",
            ],
        ),
        MaintainCommand::Analyze => ("ANALYZE", &["skip_locked", "verbose"]),
        MaintainCommand::Reindex => ("REINDEX", &["concurrently", "tablespace", "verbose"]),
        MaintainCommand::Cluster => ("CLUSTER", &["verbose"]),
        MaintainCommand::Checkpoint => ("CHECKPOINT", &[]),
    }
}

fn options(c: &mut Cursor<'_>, command: MaintainCommand) -> Result<Options> {
    let mut found = Vec::new();
    if c.peek() != Some(&Token::LParen) || command == MaintainCommand::Checkpoint {
        return Ok(found);
    }
    let inside = c.parenthesized()?;
    let (verb, names) = known(command);
    for option in inside.split(|t| t.token == Token::Comma) {
        let Some((name, value)) = option.split_first() else { return Err(c.error()) };
        let Token::Word(name) = &name.token else { return Err(c.error()) };
        let name = name.value.to_ascii_lowercase();
        if !names.contains(&name.as_str()) {
            return Err(Error::syntax(format!("unrecognized {verb} option \"{name}\"")));
        }
        found.push((name, word_of(value)));
    }
    Ok(found)
}

fn word_of(value: &[TokenWithSpan]) -> Option<String> {
    match value.first().map(|t| &t.token)? {
        Token::Word(w) if w.quote_style.is_some() => Some(w.value.clone()),
        Token::SingleQuotedString(text) => Some(text.clone()),
        other => Some(other.to_string().to_ascii_lowercase()),
    }
}

fn is_on(options: &[(String, Option<String>)], name: &str) -> bool {
    let value = options.iter().rev().find(|(known, _)| known == name);
    value.is_some_and(|(_, value)| !matches!(value.as_deref(), Some("false" | "off" | "0")))
}

/// Reads the command; the cursor stands behind its first word.
pub fn maintain(c: &mut Cursor<'_>, word: &str) -> Result<Body> {
    let command = match word {
        "vacuum" => MaintainCommand::Vacuum,
        "checkpoint" => MaintainCommand::Checkpoint,
        "reindex" => MaintainCommand::Reindex,
        "cluster" => MaintainCommand::Cluster,
        _ => MaintainCommand::Analyze,
    };
    let options = options(c, command)?;
    if command == MaintainCommand::Reindex {
        return reindex(c, &options);
    }
    let mut analyze = command == MaintainCommand::Analyze || is_on(&options, "analyze");
    while let Some(word) = ["full", "freeze", "verbose", "analyze", "analyse"].into_iter().find(|w| c.eat(w)) {
        analyze |= word.starts_with("analy");
    }
    let refused = |message: &str| Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
    let toast_is_off = options.iter().any(|(name, _)| name == "process_toast") && !is_on(&options, "process_toast");
    if toast_is_off && is_on(&options, "full") {
        return refused("PROCESS_TOAST required with VACUUM FULL");
    }
    let (mut tables, mut using) = (Vec::new(), None);
    if !c.is_end() && command != MaintainCommand::Checkpoint {
        loop {
            let table = c.qualified()?;
            let columns = if c.peek() == Some(&Token::LParen) { names(c)? } else { Vec::new() };
            if !columns.is_empty() && !analyze {
                return refused("ANALYZE option must be specified when a column list is provided");
            }
            tables.push((table, columns));
            if !c.eat_token(&Token::Comma) {
                break;
            }
        }
        if command == MaintainCommand::Cluster && c.eat("using") {
            using = Some(c.name()?);
        } else if command == MaintainCommand::Cluster && c.eat("on") {
            // As it was written before PostgreSQL 8.3: CLUSTER index ON table.
            using = tables.pop().map(|(index, _)| index.name);
            tables.push((c.qualified()?, Vec::new()));
        }
    }
    c.end()?;
    Ok(Body::Maintain(Maintained { command, tables, using }))
}

fn names(c: &mut Cursor<'_>) -> Result<Vec<Name>> {
    c.expect_token(&Token::LParen)?;
    let mut found = vec![c.name()?];
    while c.eat_token(&Token::Comma) {
        found.push(c.name()?);
    }
    c.expect_token(&Token::RParen)?;
    Ok(found)
}

fn reindex(c: &mut Cursor<'_>, options: &[(String, Option<String>)]) -> Result<Body> {
    let Some(kind) = ["index", "table", "schema", "system", "database"].into_iter().find(|kind| c.eat(kind)) else {
        return Err(c.error());
    };
    let concurrently = c.eat("concurrently") || is_on(options, "concurrently");
    let what = match kind {
        "index" => Reindexed::Index(c.qualified()?),
        "table" => Reindexed::Table(c.qualified()?),
        "schema" => Reindexed::Namespace(c.qualified()?),
        _ => Reindexed::Database(if c.is_end() { None } else { Some(c.qualified()?) }),
    };
    c.end()?;
    let tablespace = options.iter().find(|(name, _)| name == "tablespace").and_then(|(_, value)| value.as_deref());
    Ok(Body::Reindex(Reindex { what, concurrently, tablespace: tablespace.map(Into::into) }))
}
