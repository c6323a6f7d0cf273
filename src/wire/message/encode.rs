//! The backend's messages, appended to a buffer.

use bytes::BufMut;

use crate::error::{Report, Severity, SqlState};
use crate::types::Oid;
use crate::types::encoding::Encoding;

/// A message of this type whose body `write` appends; the length is filled in afterwards.
pub fn message(out: &mut Vec<u8>, kind: u8, write: impl FnOnce(&mut Vec<u8>)) {
    out.put_u8(kind);
    let at = out.len();
    out.put_u32(0);
    write(out);
    // The gateway's own messages are bounded far below 2^31 by the rows' and texts' limits.
    let length = u32::try_from(out.len() - at).unwrap_or(u32::MAX);
    out[at..at + 4].copy_from_slice(&length.to_be_bytes());
}

/// Text and its zero byte. A zero inside would end it early: it is left out.
fn string(out: &mut Vec<u8>, text: &str) {
    if memchr::memchr(0, text.as_bytes()).is_some() {
        out.extend(text.bytes().filter(|b| *b != 0));
    } else {
        out.put_slice(text.as_bytes());
    }
    out.put_u8(0);
}

/// [`string`] for a client whose text is not UTF-8. What its encoding lacks becomes `?`: messages must arrive.
fn client_string(out: &mut Vec<u8>, text: &str, encoding: Encoding) {
    if encoding.converts() {
        out.extend(encoding.encode_lossy(text).iter().filter(|b| **b != 0));
        out.put_u8(0);
    } else {
        string(out, text);
    }
}

fn count16(n: usize) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}

/// What is asked for, or answered, during authentication.
#[derive(Debug, Clone, Copy)]
pub enum Authentication<'a> {
    Ok,
    Sasl(&'a [&'a str]),
    SaslContinue(&'a str),
    SaslFinal(&'a str),
}

pub fn authentication(out: &mut Vec<u8>, what: Authentication<'_>) {
    message(out, b'R', |out| match what {
        Authentication::Ok => out.put_i32(0),
        Authentication::Sasl(mechanisms) => {
            out.put_i32(10);
            mechanisms.iter().for_each(|name| string(out, name));
            out.put_u8(0);
        }
        Authentication::SaslContinue(data) => {
            out.put_i32(11);
            out.put_slice(data.as_bytes());
        }
        Authentication::SaslFinal(data) => {
            out.put_i32(12);
            out.put_slice(data.as_bytes());
        }
    });
}

pub fn negotiate_protocol_version(out: &mut Vec<u8>, newest: super::Version, unknown_options: &[String]) {
    message(out, b'v', |out| {
        out.put_u16(newest.major);
        out.put_u16(newest.minor);
        out.put_u32(u32::try_from(unknown_options.len()).unwrap_or(u32::MAX));
        unknown_options.iter().for_each(|name| string(out, name));
    });
}

pub fn parameter_status(out: &mut Vec<u8>, name: &str, value: &str, encoding: Encoding) {
    message(out, b'S', |out| {
        string(out, name);
        client_string(out, value, encoding);
    });
}

pub fn backend_key_data(out: &mut Vec<u8>, pid: i32, secret: &[u8]) {
    message(out, b'K', |out| {
        out.put_i32(pid);
        out.put_slice(secret);
    });
}

/// `status`: `I`, `T` or `E`.
pub fn ready_for_query(out: &mut Vec<u8>, status: u8) {
    message(out, b'Z', |out| out.put_u8(status));
}

/// ErrorResponse or NoticeResponse, by severity, with every field that is there in PostgreSQL's order.
pub fn report(out: &mut Vec<u8>, report: &Report, encoding: Encoding) {
    let kind = if report.severity >= Severity::Error { b'E' } else { b'N' };
    message(out, kind, |out| {
        let mut field = |code: u8, text: &str| {
            out.put_u8(code);
            client_string(out, text, encoding);
        };
        field(b'S', report.severity.as_str());
        field(b'V', report.severity.as_str());
        field(b'C', report.code.as_str());
        field(b'M', &report.message);
        let position = report.position.map(|position| position.to_string());
        let optional = [
            (b'D', &report.detail),
            (b'H', &report.hint),
            (b'P', &position),
            (b'W', &report.context),
            (b's', &report.schema),
            (b't', &report.table),
            (b'c', &report.column),
            (b'd', &report.data_type),
            (b'n', &report.constraint),
        ];
        for (code, text) in optional {
            if let Some(text) = text {
                field(code, text);
            }
        }
        let (file, routine) = source(report);
        field(b'F', file);
        field(b'L', &report.location.line().to_string());
        field(b'R', routine);
        out.put_u8(0);
    });
}

/// The fields `F` and `R` of a report: the file below `src`, and in place of a function the file's own name.
fn source(report: &Report) -> (&'static str, &'static str) {
    let file = report.location.file();
    let file = file.rsplit_once("src/").map_or(file, |(_, below)| below);
    if let Some(routine) = known_routine(report) {
        return (file, routine);
    }
    let stem = file.strip_suffix("/mod.rs").or_else(|| file.strip_suffix(".rs")).unwrap_or(file);
    (file, stem.rsplit_once('/').map_or(stem, |(_, name)| name))
}

/// asyncpg, pgjdbc and postgres.js prepare again when the error comes from these routines of PostgreSQL, and only then.
fn known_routine(report: &Report) -> Option<&'static str> {
    let message = &report.message;
    if message == "cached plan must not change result type" {
        Some("RevalidateCachedQuery")
    } else if report.code == SqlState::INVALID_SQL_STATEMENT_NAME && message.starts_with("prepared statement ") {
        Some("FetchPreparedStatement")
    } else if report.code == SqlState::DATATYPE_MISMATCH && message.contains("but expression is of type") {
        Some("transformAssignedExpr")
    } else {
        None
    }
}

/// A column, as RowDescription tells it.
#[derive(Debug, Clone)]
pub struct Column<'a> {
    pub name: &'a str,
    pub table: Oid,
    pub number: i16,
    pub ty: Oid,
    pub size: i16,
    pub typmod: i32,
    pub format: i16,
}

pub fn row_description<'a>(out: &mut Vec<u8>, columns: impl ExactSizeIterator<Item = Column<'a>>, encoding: Encoding) {
    message(out, b'T', |out| {
        out.put_u16(count16(columns.len()));
        for column in columns {
            client_string(out, column.name, encoding);
            out.put_u32(column.table);
            out.put_i16(column.number);
            out.put_u32(column.ty);
            out.put_i16(column.size);
            out.put_i32(column.typmod);
            out.put_i16(column.format);
        }
    });
}

pub fn parameter_description(out: &mut Vec<u8>, types: &[Oid]) {
    message(out, b't', |out| {
        out.put_u16(count16(types.len()));
        types.iter().for_each(|oid| out.put_u32(*oid));
    });
}

pub fn command_complete(out: &mut Vec<u8>, tag: &str) {
    message(out, b'C', |out| string(out, tag));
}

pub fn notification(out: &mut Vec<u8>, pid: i32, channel: &str, payload: &str, encoding: Encoding) {
    message(out, b'A', |out| {
        out.put_i32(pid);
        client_string(out, channel, encoding);
        client_string(out, payload, encoding);
    });
}

/// CopyInResponse (`G`) or CopyOutResponse (`H`): all columns have the overall format.
fn copy_response(out: &mut Vec<u8>, kind: u8, binary: bool, columns: usize) {
    message(out, kind, |out| {
        out.put_u8(binary.into());
        out.put_u16(count16(columns));
        (0..columns).for_each(|_| out.put_i16(binary.into()));
    });
}

pub fn copy_in_response(out: &mut Vec<u8>, binary: bool, columns: usize) {
    copy_response(out, b'G', binary, columns);
}

pub fn copy_out_response(out: &mut Vec<u8>, binary: bool, columns: usize) {
    copy_response(out, b'H', binary, columns);
}

pub fn copy_data(out: &mut Vec<u8>, data: &[u8]) {
    message(out, b'd', |out| out.put_slice(data));
}

/// CopyData but for its data, which come behind it.
pub fn copy_data_head(out: &mut Vec<u8>, length: usize) {
    out.put_u8(b'd');
    out.put_u32(length as u32 + 4);
}

/// Messages that are nothing but their type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bare {
    ParseComplete,
    BindComplete,
    CloseComplete,
    NoData,
    EmptyQueryResponse,
    PortalSuspended,
    CopyDone,
}

pub fn bare(out: &mut Vec<u8>, what: Bare) {
    let kind = match what {
        Bare::ParseComplete => b'1',
        Bare::BindComplete => b'2',
        Bare::CloseComplete => b'3',
        Bare::NoData => b'n',
        Bare::EmptyQueryResponse => b'I',
        Bare::PortalSuspended => b's',
        Bare::CopyDone => b'c',
    };
    message(out, kind, |_| {});
}
