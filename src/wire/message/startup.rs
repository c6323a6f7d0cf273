//! The packets before authentication, which have no type byte.

use bytes::Bytes;

use super::reader::{Reader, utf8};
use crate::error::{Error, Result, SqlState};

/// A protocol version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub major: u16,
    pub minor: u16,
}

impl Version {
    pub const V3_0: Self = Self { major: 3, minor: 0 };
    /// Cancel keys of variable length.
    pub const V3_2: Self = Self { major: 3, minor: 2 };
    /// The newest that the gateway speaks.
    pub const LATEST: Self = Self::V3_2;
}

/// The startup parameters, as the client wrote them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    pub user: String,
    pub database: Option<String>,
    pub replication: bool,
    /// Settings, in order.
    pub settings: Vec<(String, String)>,
    /// `_pq_.…` options: none is known yet, the client is told so.
    pub unknown_options: Vec<String>,
}

/// A packet without a type byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    Ssl,
    GssEncryption,
    Cancel {
        pid: i32,
        secret: Bytes,
    },
    /// Not decoded further: what the parameters are is only looked at once the version is accepted.
    Startup {
        version: Version,
        body: Bytes,
    },
}

const CANCEL_CODE: u32 = (1234 << 16) | 5678;
const SSL_CODE: u32 = (1234 << 16) | 5679;
const GSS_CODE: u32 = (1234 << 16) | 5680;

/// PostgreSQL's bound on a cancel key.
pub const MAX_CANCEL_KEY: usize = 256;

/// The longest name that PostgreSQL keeps (NAMEDATALEN less one).
const MAX_NAME: usize = 63;

/// Decodes a packet whose length word has been taken off.
///
/// # Errors
/// 08P01 if it is too short for its kind.
pub fn decode_packet(body: &Bytes) -> Result<Packet> {
    let mut r = Reader::new(body);
    Ok(match r.u32()? {
        SSL_CODE if r.is_empty() => Packet::Ssl,
        GSS_CODE if r.is_empty() => Packet::GssEncryption,
        CANCEL_CODE => {
            let pid = r.i32()?;
            let secret = r.rest();
            if secret.is_empty() || secret.len() > MAX_CANCEL_KEY {
                return Err(Error::fatal(SqlState::PROTOCOL_VIOLATION, "invalid length of query cancel packet"));
            }
            Packet::Cancel { pid, secret }
        }
        code => Packet::Startup {
            version: Version { major: (code >> 16) as u16, minor: (code & 0xffff) as u16 },
            body: r.rest(),
        },
    })
}

impl Parameters {
    /// Reads name/value pairs up to the empty name.
    ///
    /// # Errors
    /// FATAL 08P01 or 28000 in PostgreSQL's words.
    pub fn decode(body: &Bytes) -> Result<Self> {
        let layout = |message: &str| Error::fatal(SqlState::PROTOCOL_VIOLATION, message.to_owned());
        let mut r = Reader::new(body);
        let mut parameters = Self::default();
        let last = "invalid startup packet layout: expected terminator as last byte";
        loop {
            let name = r.string().map_err(|e| fatal_text(e, last))?;
            if name.is_empty() {
                break;
            }
            let value = r.string().map_err(|e| fatal_text(e, last))?;
            parameters.set(name, value)?;
        }
        if !r.is_empty() {
            return Err(layout(last));
        }
        if parameters.user.is_empty() {
            let message = "no PostgreSQL user name specified in startup packet";
            return Err(Error::fatal(SqlState::INVALID_AUTHORIZATION_SPECIFICATION, message));
        }
        Ok(parameters)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        match name {
            "user" => self.user = truncated(value).to_owned(),
            "database" => self.database = Some(truncated(value).to_owned()).filter(|name| !name.is_empty()),
            "replication" => match value {
                "false" | "off" | "no" | "0" => self.replication = false,
                "true" | "on" | "yes" | "1" | "database" => self.replication = true,
                other => {
                    let message = format!("invalid value for parameter \"replication\": \"{other}\"");
                    let hint = "Valid values are: \"false\", 0, \"true\", 1, \"database\".";
                    return Err(Error::fatal(SqlState::INVALID_PARAMETER_VALUE, message).hint(hint));
                }
            },
            option if option.starts_with("_pq_.") => self.unknown_options.push(option.to_owned()),
            setting => self.settings.push((setting.to_owned(), value.to_owned())),
        }
        Ok(())
    }
}

/// A missing zero byte has its own words here; text that is not UTF-8 keeps its own.
fn fatal_text(error: Error, layout: &str) -> Error {
    if error.code() == SqlState::PROTOCOL_VIOLATION {
        return Error::fatal(SqlState::PROTOCOL_VIOLATION, layout);
    }
    error.into_fatal()
}

/// Cut to NAMEDATALEN at a character's boundary.
fn truncated(name: &str) -> &str {
    let mut end = name.len().min(MAX_NAME);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

/// SASLInitialResponse: the mechanism, and the client's first message if it came along.
///
/// # Errors
/// FATAL 08P01.
pub fn decode_sasl_initial(body: &Bytes) -> Result<(String, Option<Bytes>)> {
    let mut r = Reader::new(body);
    let read = |r: &mut Reader<'_>| -> Result<(String, Option<Bytes>)> {
        let mechanism = r.string()?.to_owned();
        let data = match r.i32()? {
            -1 => None,
            length => Some(r.bytes(usize::try_from(length).unwrap_or(usize::MAX))?),
        };
        r.end()?;
        Ok((mechanism, data))
    };
    read(&mut r).map_err(Error::into_fatal)
}

/// Text of a SASL message.
///
/// # Errors
/// FATAL 22021.
pub fn sasl_text(body: &[u8]) -> Result<&str> {
    utf8(body).map_err(Error::into_fatal)
}
