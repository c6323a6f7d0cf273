//! COPY.

use std::sync::Arc;

use super::{Insert, QualifiedName, Statement};
use crate::registry;
use crate::types::Oid;

/// COPY between a client and a table or query.
#[derive(Debug, Clone)]
pub struct Copy {
    pub direction: CopyDirection,
    pub options: CopyOptions,
}

#[derive(Debug, Clone)]
pub enum CopyDirection {
    /// FROM STDIN: an insert whose source is a feed with the named columns.
    In { insert: Box<Insert>, table: Arc<registry::Relation>, columns: Vec<i16> },
    /// TO STDOUT: a query, or a change with RETURNING. `relation` is the table that is copied, or 0.
    Out { statement: Box<Statement>, relation: Oid },
}

/// COPY's options as PostgreSQL's documentation names them, validated.
#[derive(Debug, Clone, PartialEq)]
pub struct CopyOptions {
    pub format: CopyFormat,
    pub delimiter: u8,
    pub null: String,
    /// DEFAULT: a field that takes its column's default. COPY FROM only.
    pub default: Option<CopyDefault>,
    pub header: CopyHeader,
    pub quote: u8,
    pub escape: u8,
    /// Column positions among the copied columns.
    pub force_quote: Vec<usize>,
    pub force_not_null: Vec<usize>,
    pub force_null: Vec<usize>,
    pub encoding: Option<String>,
    pub freeze: bool,
    pub on_error: CopyOnError,
    /// LOG_VERBOSITY verbose: a notice for each row that is skipped.
    pub verbose: bool,
    /// REJECTS (ours): the table that keeps the rows that are skipped.
    pub rejects: Option<QualifiedName>,
    /// A file of the server, by its absolute name, in the place of the client.
    pub file: Option<Arc<str>>,
    /// BATCH_ID (ours): a load that was finished under this name is not done again.
    pub batch: Option<String>,
}

/// What takes its column's default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyDefault {
    /// The field's text; `None` where absence says it (json).
    pub marker: Option<String>,
    /// The copied columns that have a default, by their positions. The insert's feed has a boolean column for each of them
    /// behind the copied ones: true where the default is taken.
    pub columns: Vec<usize>,
}

/// What becomes of a row with a field that its column's input function does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyOnError {
    Stop,
    /// It is skipped; after more than so many the statement fails.
    Ignore {
        limit: Option<u64>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyFormat {
    Text,
    Csv,
    Binary,
    /// An Arrow IPC stream.
    Arrow,
    /// A JSON object a line.
    Json,
    /// A Parquet file.
    Parquet,
}

impl CopyFormat {
    /// False if the data are not the client's text: CopyInResponse and CopyOutResponse say so.
    pub fn is_text(self) -> bool {
        match self {
            Self::Text | Self::Csv | Self::Json => true,
            Self::Binary | Self::Arrow | Self::Parquet => false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyHeader {
    No,
    Yes,
    Match,
}
