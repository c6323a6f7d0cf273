//! CREATE, ALTER and DROP STATISTICS, and COMMENT ON STATISTICS.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::ddl::RawDdl;
use crate::error::{Error, Result, SqlState};
use crate::registry::{Name, StatisticsKinds};
use crate::tree::QualifiedName;

/// What is to be done with statistics objects.
#[derive(Debug, Clone)]
pub enum RawStatistics {
    Create {
        name: QualifiedName,
        if_not_exists: bool,
        kinds: StatisticsKinds,
        columns: Vec<Name>,
        table: QualifiedName,
    },
    Alter {
        name: QualifiedName,
        if_exists: bool,
        change: AlteredStatistics,
    },
    Drop {
        names: Vec<QualifiedName>,
        if_exists: bool,
    },
}

#[derive(Debug, Clone)]
pub enum AlteredStatistics {
    Rename(Name),
    SetOwner(Name),
    SetNamespace(Name),
    SetTarget(i32),
    Comment(Option<String>),
}

/// `[IF NOT EXISTS] name [(kind, …)] ON column, … FROM table`.
pub(super) fn create(c: &mut Cursor<'_>) -> Result<RawDdl> {
    let if_not_exists = c.eat("if not exists");
    let name = c.qualified()?;
    let mut kinds = StatisticsKinds { ndistinct: true, dependencies: true, mcv: true };
    if c.eat_token(&Token::LParen) {
        kinds = StatisticsKinds { ndistinct: false, dependencies: false, mcv: false };
        loop {
            match &*c.name()? {
                "ndistinct" => kinds.ndistinct = true,
                "dependencies" => kinds.dependencies = true,
                "mcv" => kinds.mcv = true,
                other => return Err(Error::syntax(format!("unrecognized statistics kind \"{other}\""))),
            }
            if !c.eat_token(&Token::Comma) {
                break;
            }
        }
        c.expect_token(&Token::RParen)?;
    }
    c.expect("on")?;
    let mut columns = Vec::new();
    loop {
        let column = if c.peek() == Some(&Token::LParen) { None } else { Some(c.name()?) };
        columns.push(column.filter(|_| c.peek() != Some(&Token::LParen)).ok_or_else(of_expressions)?);
        if !c.eat_token(&Token::Comma) {
            break;
        }
    }
    c.expect("from")?;
    let table = c.qualified()?;
    Ok(RawDdl::Statistics(RawStatistics::Create { name, if_not_exists, kinds, columns, table }))
}

fn of_expressions() -> Error {
    Error::unsupported("CREATE STATISTICS over expressions")
        .hint("The engine's statistics are its own: leave it out, or name columns only.")
}

pub(super) fn alter(c: &mut Cursor<'_>) -> Result<RawDdl> {
    let if_exists = c.eat("if exists");
    let name = c.qualified()?;
    let change = if c.eat("rename to") {
        AlteredStatistics::Rename(c.name()?)
    } else if c.eat("owner to") {
        AlteredStatistics::SetOwner(super::role::role(c)?)
    } else if c.eat("set schema") {
        AlteredStatistics::SetNamespace(c.name()?)
    } else {
        c.expect("set")?;
        c.expect("statistics")?;
        let number = c.signed_number()?;
        let target = number.parse().map_err(|_| c.error())?;
        if target < -1 {
            let message = format!("statistics target {target} is too low");
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        AlteredStatistics::SetTarget(target)
    };
    Ok(RawDdl::Statistics(RawStatistics::Alter { name, if_exists, change }))
}

pub(super) fn drop(c: &mut Cursor<'_>) -> Result<RawDdl> {
    let if_exists = c.eat("if exists");
    let mut names = vec![c.qualified()?];
    while c.eat_token(&Token::Comma) {
        names.push(c.qualified()?);
    }
    let _ = c.eat("cascade") || c.eat("restrict");
    Ok(RawDdl::Statistics(RawStatistics::Drop { names, if_exists }))
}

/// `name IS …`
pub(super) fn comment(c: &mut Cursor<'_>) -> Result<RawDdl> {
    let name = c.qualified()?;
    c.expect("is")?;
    let comment = if c.eat("null") { None } else { Some(c.string()?) };
    let change = AlteredStatistics::Comment(comment);
    Ok(RawDdl::Statistics(RawStatistics::Alter { name, if_exists: false, change }))
}
