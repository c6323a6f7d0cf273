//! Messages of a client that has authenticated.

use bytes::Bytes;

use super::kind;
use super::reader::Reader;
use crate::error::{Error, Result, SqlState};

/// What Describe and Close name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    Statement(&'a str),
    Portal(&'a str),
}

/// What follows Bind's names and counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindTail {
    pub values: Vec<Option<Bytes>>,
    pub result_formats: Vec<i16>,
}

/// A message, borrowing from its body.
#[derive(Debug, Clone)]
pub enum Frontend<'a> {
    Query(&'a str),
    Parse {
        name: &'a str,
        text: &'a str,
        types: Vec<u32>,
    },
    Bind {
        portal: &'a str,
        statement: &'a str,
        param_formats: Vec<i16>,
        /// How many values are announced. PostgreSQL compares it with the statement before it reads them, so that
        /// an error in the values comes second.
        count: usize,
        tail: Result<BindTail>,
    },
    Describe(Target<'a>),
    Execute {
        portal: &'a str,
        /// Zero or less: all.
        max_rows: i32,
    },
    Close(Target<'a>),
    Flush,
    Sync,
    FunctionCall,
    /// Its body is the data.
    CopyData,
    CopyDone,
    CopyFail(&'a str),
    Terminate,
}

/// Decodes a message's body.
///
/// # Errors
/// 08P01 or 22021 in PostgreSQL's words; FATAL if the message's type is unknown, since the framing is then lost.
pub fn decode(message: u8, body: &Bytes) -> Result<Frontend<'_>> {
    let mut r = Reader::new(body);
    let decoded = match message {
        kind::QUERY => Frontend::Query(r.string()?),
        kind::PARSE => parse(&mut r)?,
        kind::BIND => return bind(&mut r),
        kind::DESCRIBE => Frontend::Describe(target(&mut r, "DESCRIBE")?),
        kind::EXECUTE => Frontend::Execute { portal: r.string()?, max_rows: r.i32()? },
        kind::CLOSE => Frontend::Close(target(&mut r, "CLOSE")?),
        kind::FLUSH => Frontend::Flush,
        kind::SYNC => Frontend::Sync,
        kind::FUNCTION_CALL => {
            r.rest();
            Frontend::FunctionCall
        }
        kind::COPY_DATA => {
            r.rest();
            Frontend::CopyData
        }
        kind::COPY_DONE => Frontend::CopyDone,
        kind::COPY_FAIL => Frontend::CopyFail(r.string()?),
        // PostgreSQL does not look inside a Terminate.
        kind::TERMINATE => return Ok(Frontend::Terminate),
        other => return Err(invalid_type(other)),
    };
    r.end()?;
    Ok(decoded)
}

/// The error that ends a session whose client sends what is no message.
pub fn invalid_type(message: u8) -> Error {
    Error::fatal(SqlState::PROTOCOL_VIOLATION, format!("invalid frontend message type {message}"))
}

fn parse<'a>(r: &mut Reader<'a>) -> Result<Frontend<'a>> {
    let (name, text) = (r.string()?, r.string()?);
    let count = r.u16()?;
    let mut types = Vec::with_capacity(r.room(4).min(count.into()));
    for _ in 0..count {
        types.push(r.u32()?);
    }
    Ok(Frontend::Parse { name, text, types })
}

fn bind<'a>(r: &mut Reader<'a>) -> Result<Frontend<'a>> {
    let (portal, statement) = (r.string()?, r.string()?);
    let param_formats = formats(r)?;
    let count = usize::from(r.u16()?);
    let tail = bind_tail(r, portal, count);
    Ok(Frontend::Bind { portal, statement, param_formats, count, tail })
}

fn bind_tail(r: &mut Reader<'_>, portal: &str, count: usize) -> Result<BindTail> {
    let mut values = Vec::with_capacity(r.room(4).min(count));
    for i in 0..count {
        let in_parameter = |e: Error| {
            let portal = if portal.is_empty() { "unnamed portal".into() } else { format!("portal \"{portal}\"") };
            e.context(format!("{portal} parameter ${}", i + 1))
        };
        let length = r.i32().map_err(in_parameter)?;
        values.push(match length {
            -1 => None,
            // Any other negative length is more than can be left.
            length => Some(r.bytes(usize::try_from(length).unwrap_or(usize::MAX)).map_err(in_parameter)?),
        });
    }
    let result_formats = formats(r)?;
    r.end()?;
    Ok(BindTail { values, result_formats })
}

fn formats(r: &mut Reader<'_>) -> Result<Vec<i16>> {
    let count = r.u16()?;
    let mut formats = Vec::with_capacity(r.room(2).min(count.into()));
    for _ in 0..count {
        formats.push(r.i16()?);
    }
    Ok(formats)
}

fn target<'a>(r: &mut Reader<'a>, verb: &str) -> Result<Target<'a>> {
    let subtype = r.u8()?;
    let name = r.string()?;
    r.end()?;
    match subtype {
        b'S' => Ok(Target::Statement(name)),
        b'P' => Ok(Target::Portal(name)),
        other => {
            Err(Error::new(SqlState::PROTOCOL_VIOLATION, format!("invalid {verb} message subtype {}", other as i8)))
        }
    }
}
