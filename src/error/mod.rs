//! The one error type: what a client may see, with PostgreSQL's fields; and the SQLSTATE table.

mod sqlstate;

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::observe::audit::Access;

/// A five-character SQLSTATE code; the constants are PostgreSQL's own (`SqlState::UNDEFINED_TABLE` …).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SqlState([u8; 5]);

impl SqlState {
    /// PostgreSQL 17's, as the setting of that name is.
    pub const TRANSACTION_TIMEOUT: Self = Self(*b"25P04");
    /// PostgreSQL 16's.
    pub const FILE_NAME_TOO_LONG: Self = Self(*b"58P03");

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XX000")
    }

    /// A code read from data; `None` unless it is five ASCII letters or digits.
    pub fn parse(code: &str) -> Option<Self> {
        let bytes: [u8; 5] = code.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_alphanumeric).then_some(Self(bytes))
    }
}

impl fmt::Display for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How far an error reaches, in the words of PostgreSQL's protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub enum Severity {
    Debug,
    Log,
    Info,
    Notice,
    Warning,
    /// The statement fails.
    Error,
    /// The session ends.
    Fatal,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Log => "LOG",
            Self::Info => "INFO",
            Self::Notice => "NOTICE",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }
}

/// What is reported to a client: an error or a notice, with the fields of PostgreSQL's ErrorResponse.
///
/// `position` counts characters of the statement's text from 1, as the protocol does.
/// `internal` never reaches the client: it is for the log. `location` reaches it as file, line and routine, as PostgreSQL's own do.
#[derive(Clone, Debug)]
pub struct Report {
    pub severity: Severity,
    pub code: SqlState,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
    pub position: Option<u32>,
    pub context: Option<String>,
    pub schema: Option<String>,
    pub table: Option<String>,
    pub column: Option<String>,
    pub data_type: Option<String>,
    pub constraint: Option<String>,
    pub internal: Option<String>,
    /// What a statement that was refused has asked for: for the audit.
    pub asked: Option<Arc<Access>>,
    /// The depth of the PL/pgSQL function that has last said in `context` where in it that was.
    pub placed: Option<usize>,
    /// Where in the gateway's source it was made.
    pub location: &'static Location<'static>,
}

impl Report {
    fn texts(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.message).chain([&self.detail, &self.hint, &self.context].into_iter().flatten())
    }

    /// Bytes of what it tells.
    pub fn bytes(&self) -> usize {
        self.texts().map(String::len).sum()
    }

    /// Cuts what it tells to so many bytes.
    pub fn shorten(&mut self, most: usize) {
        if self.bytes() <= most {
            return;
        }
        let mut left = most;
        for text in std::iter::once(&mut self.message)
            .chain([&mut self.detail, &mut self.hint, &mut self.context].into_iter().flatten())
        {
            if text.len() > left {
                let end = (0..=left).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
                text.truncate(end);
                text.push('…');
            }
            left = left.saturating_sub(text.len());
        }
    }
}

/// The error of every fallible function above the pure codecs. One word wide, so that `Result` stays small.
#[derive(Clone)]
pub struct Error(Box<Report>);

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    #[track_caller]
    pub fn new(code: SqlState, message: impl Into<String>) -> Self {
        Self(Box::new(Report::new(Severity::Error, code, message)))
    }

    /// An error that ends the session.
    #[track_caller]
    pub fn fatal(code: SqlState, message: impl Into<String>) -> Self {
        Self(Box::new(Report::new(Severity::Fatal, code, message)))
    }

    /// Something that must not happen: the client learns only that it did; `what` goes to the log.
    #[track_caller]
    pub fn internal(what: impl fmt::Display) -> Self {
        let mut error = Self::new(SqlState::INTERNAL_ERROR, "internal error");
        error.0.internal = Some(what.to_string());
        error
    }

    /// The honest refusal (0A000): `what` names the construct, as in "MERGE is not supported".
    #[track_caller]
    pub fn unsupported(what: impl fmt::Display) -> Self {
        Self::new(SqlState::FEATURE_NOT_SUPPORTED, format!("{what} is not supported"))
    }

    #[track_caller]
    pub fn syntax(message: impl Into<String>) -> Self {
        Self::new(SqlState::SYNTAX_ERROR, message)
    }

    pub fn report(&self) -> &Report {
        &self.0
    }

    pub fn report_mut(&mut self) -> &mut Report {
        &mut self.0
    }

    pub fn code(&self) -> SqlState {
        self.0.code
    }

    pub fn is_fatal(&self) -> bool {
        self.0.severity >= Severity::Fatal
    }

    pub fn into_fatal(mut self) -> Self {
        self.0.severity = Severity::Fatal;
        self
    }

    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Position in characters from 1; 0 means unknown and leaves the field out.
    pub fn at(mut self, position: u32) -> Self {
        if position > 0 && self.0.position.is_none() {
            self.0.position = Some(position);
        }
        self
    }

    pub fn context(mut self, context: impl Into<String>) -> Self {
        self.0.context = Some(context.into());
        self
    }

    /// What the statement asked for, unless that is known already.
    pub fn asking(mut self, access: &Arc<Access>) -> Self {
        self.0.asked.get_or_insert_with(|| Arc::clone(access));
        self
    }

    pub fn table(mut self, schema: impl Into<String>, table: impl Into<String>) -> Self {
        self.0.schema = Some(schema.into());
        self.0.table = Some(table.into());
        self
    }

    pub fn column(mut self, column: impl Into<String>) -> Self {
        self.0.column = Some(column.into());
        self
    }

    pub fn constraint(mut self, constraint: impl Into<String>) -> Self {
        self.0.constraint = Some(constraint.into());
        self
    }
}

impl Report {
    #[track_caller]
    pub fn new(severity: Severity, code: SqlState, message: impl Into<String>) -> Self {
        Self {
            severity,
            code,
            message: message.into(),
            detail: None,
            hint: None,
            position: None,
            context: None,
            schema: None,
            table: None,
            column: None,
            data_type: None,
            constraint: None,
            internal: None,
            asked: None,
            placed: None,
            location: Location::caller(),
        }
    }

    #[track_caller]
    pub fn notice(message: impl Into<String>) -> Self {
        Self::new(Severity::Notice, SqlState::SUCCESSFUL_COMPLETION, message)
    }

    #[track_caller]
    pub fn warning(code: SqlState, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.severity.as_str(), self.message, self.code)?;
        if let Some(detail) = &self.detail {
            write!(f, " DETAIL: {detail}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, " HINT: {hint}")?;
        }
        if let Some(internal) = &self.internal {
            write!(f, " [{internal}]")?;
        }
        Ok(())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {}
