//! The extended query's messages, each a verb of the session and its answer.

use std::num::NonZeroU32;

use super::connection::Connection;
use super::message::encode::{self, Bare};
use super::message::{BindTail, Target};
use crate::error::{Error, Result, SqlState};
use crate::types::Oid;

pub async fn parse(c: &mut Connection, name: &str, text: &str, types: &[Oid]) -> Result<()> {
    let done = c.session.parse(name, text, types).await;
    c.session.pass_notices(&mut c.front);
    done?;
    c.front.bare(Bare::ParseComplete);
    Ok(())
}

pub async fn bind(
    c: &mut Connection,
    portal: &str,
    statement: &str,
    formats: Vec<i16>,
    count: usize,
    tail: Result<BindTail>,
) -> Result<()> {
    let tail = match tail {
        Ok(tail) => tail,
        Err(malformed) => {
            let error = mismatch(c, statement, &formats, count).await.unwrap_or(malformed);
            c.session.fail().await;
            return Err(error);
        }
    };
    c.session.bind(portal, statement, formats, tail.values, tail.result_formats).await?;
    c.front.bare(Bare::BindComplete);
    Ok(())
}

/// The error that comes before one in the values: PostgreSQL compares the counts before it reads them.
async fn mismatch(c: &mut Connection, statement: &str, formats: &[i16], count: usize) -> Option<Error> {
    let required = match c.session.describe_statement(statement).await {
        Ok((types, _)) => types.len(),
        Err(unknown) => return Some(unknown),
    };
    let violation = |message| Some(Error::new(SqlState::PROTOCOL_VIOLATION, message));
    if formats.len() > 1 && formats.len() != count {
        return violation(format!("bind message has {} parameter formats but {count} parameters", formats.len()));
    }
    if count != required {
        return violation(format!(
            "bind message supplies {count} parameters, but prepared statement \"{statement}\" requires {required}"
        ));
    }
    None
}

pub async fn describe(c: &mut Connection, target: Target<'_>) -> Result<()> {
    match target {
        Target::Statement(name) => {
            let (params, fields) = c.session.describe_statement(name).await?;
            encode::parameter_description(&mut c.front.stream.output, &params);
            // The formats are only known at Bind.
            c.front.describe(fields.as_deref().map(|fields| (fields, [].as_slice())), &*c.session.types());
        }
        Target::Portal(name) => {
            let shape = c.session.describe_portal(name).await?;
            let fields = shape.as_ref().map(|shape| (shape.fields.as_slice(), shape.formats.as_slice()));
            c.front.describe(fields, &*c.session.types());
        }
    }
    Ok(())
}

pub async fn execute(c: &mut Connection, portal: &str, max_rows: i32) -> Result<()> {
    // Zero and, as in PostgreSQL, anything negative: all rows.
    let max_rows = u32::try_from(max_rows).ok().and_then(NonZeroU32::new);
    c.session.execute(portal, max_rows, &mut c.front).await
}

pub async fn close(c: &mut Connection, target: Target<'_>) -> Result<()> {
    match target {
        Target::Statement(name) => c.session.close_statement(name).await?,
        Target::Portal(name) => c.session.close_portal(name).await?,
    }
    c.front.bare(Bare::CloseComplete);
    Ok(())
}
