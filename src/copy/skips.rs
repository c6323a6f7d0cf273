//! ON_ERROR ignore: the rows that are skipped, what is said of them, and how many may be.

use std::sync::Arc;

use super::shown;
use crate::error::{Error, Result, SqlState};
use crate::tree::{CopyOnError, CopyOptions};

/// A row that was skipped, for REJECTS.
#[derive(Debug, Clone)]
pub struct Rejected {
    /// Of the data, from 1.
    pub line: u64,
    pub column: Arc<str>,
    /// The field that its column's input function does not take, as the data have it.
    pub value: String,
    pub error: Error,
}

/// A field that its column's input function does not take.
pub(super) struct Wrong {
    pub column: usize,
    pub field: String,
    pub error: Error,
}

pub(super) struct Skips {
    on_error: CopyOnError,
    /// A notice for each row.
    verbose: bool,
    notices: Vec<String>,
    pub skipped: u64,
    /// The rows since the last look; `None` if nobody wants them.
    rejected: Option<Vec<Rejected>>,
}

impl Skips {
    pub fn new(options: &CopyOptions) -> Self {
        Self {
            on_error: options.on_error,
            verbose: options.verbose,
            notices: Vec::new(),
            skipped: 0,
            rejected: options.rejects.as_ref().map(|_| Vec::new()),
        }
    }

    /// True if the row of such an error is skipped.
    pub fn skips(&self, error: &Error) -> bool {
        self.on_error != CopyOnError::Stop && error.code().as_str().starts_with("22")
    }

    /// A row is skipped, unless that were too many.
    pub fn skip(&mut self, wrong: Wrong, line: u64, column: &Arc<str>, table: &str) -> Result<()> {
        let Wrong { column: _, field, error } = wrong;
        self.skipped += 1;
        if self.verbose {
            let field = shown(field.as_bytes());
            self.notices.push(format!(
                "skipping row due to data type incompatibility at line {line} for column \"{column}\": \"{field}\""
            ));
        }
        if let CopyOnError::Ignore { limit: Some(limit) } = self.on_error
            && self.skipped > limit
        {
            let message = format!("skipped more than REJECT_LIMIT ({limit}) rows due to data type incompatibility");
            let place = format!("COPY {table}, line {line}, column {column}: \"{}\"", shown(field.as_bytes()));
            return Err(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message).context(place));
        }
        if let Some(rejected) = &mut self.rejected {
            rejected.push(Rejected { line, column: Arc::clone(column), value: field, error });
        }
        Ok(())
    }

    /// What there is to say of the rows that were skipped since the last call.
    pub fn notices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notices)
    }

    /// The rows that were skipped since the last call.
    pub fn rejected(&mut self) -> Vec<Rejected> {
        self.rejected.as_mut().map(std::mem::take).unwrap_or_default()
    }
}
