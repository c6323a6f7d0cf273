//! The only place that names duckdb: pool, connections, streams, cancel, watchdog, native functions.
//!
//! Above this module an engine is the traits here: [`Engine`] lends [`Connection`]s, which run what a permit allows and
//! give [`Rows`]. DuckDB's implementation is [`Pool`]; a second engine would stand beside it.
//!
//! ```ignore
//! let engine: Arc<dyn Engine> = Pool::open(config, plugins)?;      // blocks; replays the log of a crash
//! let mut connection = engine.connect()?;                          // takes DuckDB's connection with its first statement
//! connection.begin(Access::ReadWrite).await?;
//! let run = Run::new("Europe/Berlin".into(), None);
//! match connection.execute(&permit, vec![Value::Int4(7)], &run).await? {
//!     Outcome::Rows(mut rows) => while let Some(batch) = rows.next().await? { /* encode it */ },
//!     Outcome::Changed(rows) => { /* INSERT 0 rows */ }
//!     Outcome::Done => {}
//! }
//! connection.commit().await?;
//! ```
//!
//! How it works: a statement takes one of `max_running` slots, in line, for each piece of work (its start, each batch),
//! and runs it on a blocking thread under a watch that interrupts it when it is cancelled. Between two pieces it holds
//! neither slot nor thread. What DuckDB plans is never run against data that has changed since (`data::DataVersion`).

mod aggregate;
mod alone;
mod aside;
mod bind;
mod block;
/// What native functions may make.
pub mod budget;
mod checkpoint;
mod commits;
mod connection;
mod control;
mod data;
pub mod error;
mod feed;
mod feed_scan;
mod file_columns;
#[cfg(target_os = "linux")]
mod file_names;
mod file_scan;
mod helpers;
mod interrupts;
mod keys;
mod ledger;
mod link;
mod logical;
mod native;
mod parquet;
mod patience;
mod places;
mod pool;
mod quick;
mod raw;
mod read;
mod reserve;
mod sequence;
mod server_files;
mod spool;
mod stream;
mod system;
/// What statements drew, to be drawn again.
pub mod tape;
mod transaction;
mod unwind;
/// Building blocks of native functions.
pub(crate) mod vector;
mod write;

#[cfg(test)]
mod tests;

pub use alone::write_alone;
pub use block::{Block, Number, Strings, Vectors};
pub use commits::Moment;
pub use file_columns::FileColumn;
pub use file_scan::{FileFormat, FileOption, FileReach, FileRequest, FileScan, FileScans, MOST_FILES};
pub use ledger::Ledger;
pub use parquet::{Parquet, ParquetDownload, ParquetUpload};
pub use pool::Pool;
pub use sequence::Draw;
pub use server_files::{NewFile, Reach, ServerFiles, pieces};
pub use spool::Spool;
pub use system::PLACE;

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::record_batch::RecordBatch;
use futures::future::BoxFuture;

use crate::error::{Error, Result, SqlState};
use crate::policy::Permit;
use crate::types::{Oid, Phys, Value};

pub mod directory;

/// A statement in the engine's own SQL, complete: it was printed from an authorized tree.
#[derive(Debug, Clone)]
pub struct Rendered {
    pub sql: Arc<str>,
    /// What each `$n` carries.
    pub params: Vec<Phys>,
    /// What each result column carries; empty if `kind` is not `Rows`.
    pub columns: Vec<Phys>,
    pub kind: Kind,
    pub writes: Writes,
    /// The same without parameters, for a look-up by key: it reads `params` by the functions of [`KEY_TYPES`], whose first
    /// argument, the connection's place, is written as NUL.
    pub keyed: Option<Keyed>,
    /// It changes rows, few by what it says, and waits for nobody meanwhile.
    pub prompt: bool,
}

/// A look-up by key in a form that has no parameters. It reads one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyed {
    pub sql: Arc<str>,
    pub table: Oid,
    /// DuckDB's plan of it is the same whatever rows the table has: it takes nothing from their statistics.
    pub lasting: bool,
}

/// The types that a key may have, with the function that reads it: of a place, and of the key's number in it.
pub const KEY_TYPES: [(Phys, &str); 5] = [
    (Phys::Int2, "dg_key_int2"),
    (Phys::Int4, "dg_key_int4"),
    (Phys::Int8, "dg_key_int8"),
    (Phys::Text, "dg_key_text"),
    (Phys::Uuid, "dg_key_uuid"),
];

/// How a table's rows are changed. DuckDB notices when two transactions change the same row both in place, or both by
/// removing it; of one that does it this way and one that does it that way it forgets the former's change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Change {
    /// Values are changed in their rows.
    pub in_place: bool,
    /// Rows are removed (and written anew, if it is an update).
    pub removes: bool,
    /// The table is another one, or gone: a schema change. (It excludes changes of rows by its lock.)
    pub redefines: bool,
    /// So, with a copy of the rows that its transaction has seen: what others have changed since would be lost.
    pub rebuilds: bool,
    /// Rows are added.
    pub appends: bool,
}

impl Change {
    pub const REDEFINES: Self =
        Self { in_place: false, removes: false, redefines: true, rebuilds: false, appends: false };
    pub const REBUILDS: Self = Self { rebuilds: true, ..Self::REDEFINES };
    /// Nothing else is done than to add rows.
    pub const APPENDS: Self =
        Self { in_place: false, removes: false, redefines: false, rebuilds: false, appends: true };
}

/// What a statement changes, if it changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// Nothing that another session could see.
    Nothing,
    /// What a statement of several steps keeps for itself.
    Aside,
    /// Rows of one table.
    Table(Oid, Change),
    /// Whatever it may be.
    Anything,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Gives rows.
    Rows,
    /// Changes rows and gives their number.
    Change,
    /// Gives nothing (DDL).
    Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    ReadWrite,
    ReadOnly,
}

/// Why a running statement was stopped; says the error's text (all are 57014 but the last two, 57P01 and 08006).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelReason {
    UserRequest,
    StatementTimeout,
    LockTimeout,
    TransactionTimeout,
    Shutdown,
    ClientGone,
    /// It holds memory that others must have.
    OutOfMemory,
}

impl CancelReason {
    /// What a client reads when its statement was stopped.
    pub fn error(self) -> Error {
        match self {
            Self::UserRequest => Error::new(SqlState::QUERY_CANCELED, "canceling statement due to user request"),
            Self::StatementTimeout => {
                Error::new(SqlState::QUERY_CANCELED, "canceling statement due to statement timeout")
            }
            Self::LockTimeout => Error::new(SqlState::LOCK_NOT_AVAILABLE, "canceling statement due to lock timeout"),
            Self::TransactionTimeout => {
                Error::fatal(SqlState::TRANSACTION_TIMEOUT, "terminating connection due to transaction timeout")
            }
            Self::Shutdown => {
                Error::fatal(SqlState::ADMIN_SHUTDOWN, "terminating connection due to administrator command")
            }
            Self::ClientGone => Error::fatal(SqlState::CONNECTION_FAILURE, "connection to client lost"),
            Self::OutOfMemory => error::no_memory(),
        }
    }
}

/// Stops whatever runs on one connection, now or never: a cancel that finds nothing running has no effect later.
pub trait Cancel: Send + Sync {
    fn cancel(&self, reason: CancelReason);
}

/// How one statement is to be run.
#[derive(Debug, Clone)]
pub struct Run {
    /// The session's TimeZone, which DuckDB's functions on timestamptz read.
    pub time_zone: Arc<str>,
    /// When to stop it with `StatementTimeout`.
    pub deadline: Option<Instant>,
    /// Whoever runs it keeps each row that it changes or removes from all others who do so singly, until the transaction ends, and
    /// knows that nobody has changed it since the transaction's snapshot.
    pub singly: bool,
}

impl Run {
    pub fn new(time_zone: Arc<str>, deadline: Option<Instant>) -> Self {
        Self { time_zone, deadline, singly: false }
    }
}

pub enum Outcome {
    Rows(Box<dyn Rows>),
    Changed(u64),
    Done,
}

/// Bytes of a batch's own rows, where it may be a slice of a larger one.
pub fn batch_bytes(batch: &RecordBatch) -> usize {
    let bytes = |array: &arrow::array::ArrayRef| {
        array.to_data().get_slice_memory_size().unwrap_or_else(|_| array.get_array_memory_size())
    };
    batch.columns().iter().map(bytes).sum()
}

/// A stream of batches in constant memory. Another statement on the same connection first reads the rest of it aside
/// (to memory, then to disk). Dropping it ends the query.
pub trait Rows: Send {
    /// `None` at the end. After an error there is nothing more to come.
    fn next(&mut self) -> BoxFuture<'_, Result<Option<RecordBatch>>>;
    /// The portal rests: until the next call of `next` a cancel passes this stream by, as PostgreSQL's do when a
    /// session is idle.
    fn suspend(&mut self) {}
}

/// Whether a feed's rows are written in the order in which they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedOrder {
    Kept,
    /// Those of a long feed may be written by several threads, side by side.
    Free,
}

/// A feed of batches into a statement (COPY FROM): the rendered SQL reads it by number.
pub trait FeedWriter: Send {
    /// Waits while the engine is behind. Fails with the statement's own error if that has failed.
    fn send(&mut self, batch: RecordBatch) -> BoxFuture<'_, Result<()>>;
    /// The same with rows that are not decoded yet. If one of them is wrong the statement fails with the first such error.
    fn send_block(&mut self, block: Arc<dyn Block>) -> BoxFuture<'_, Result<()>>;
    /// What was sent is to be read, and found good, before more comes.
    fn hurry(&mut self);
    /// No more rows. A writer that is dropped without this makes the statement fail.
    fn finish(self: Box<Self>);
    /// What comes next is wrong: the statement fails with this, unless a row that was sent before makes it fail.
    fn fail(self: Box<Self>, error: Error);
}

/// One connection of the engine, held by a session while it has a statement, transaction or temporary table.
/// A connection that is dropped rolls back and goes back to the pool clean.
pub trait Connection: Send {
    fn begin(&mut self, access: Access) -> BoxFuture<'_, Result<()>>;
    fn commit(&mut self) -> BoxFuture<'_, Result<()>>;
    fn rollback(&mut self) -> BoxFuture<'_, Result<()>>;
    /// Rolls back; results that are being read are read aside first. With `access`, begins anew at once, with a snapshot of
    /// this moment.
    fn rewind(&mut self, access: Option<Access>) -> BoxFuture<'_, Result<()>>;
    /// False if no more can be done in the transaction that is open: a statement of it has failed.
    fn is_sound(&mut self) -> BoxFuture<'_, bool>;
    /// Waits fairly for a slot among the statements that run at once, then runs it.
    fn execute<'a>(
        &'a mut self,
        permit: &'a Permit<Rendered>,
        params: Vec<Value>,
        run: &'a Run,
    ) -> BoxFuture<'a, Result<Outcome>>;
    /// Stops what runs here, from anywhere.
    fn canceller(&self) -> Arc<dyn Cancel>;
}

/// Numbers for pg_stat_activity, metrics and tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stats {
    pub running: usize,
    pub waiting: usize,
    pub connections: usize,
    pub stuck: usize,
}

pub trait Engine: Send + Sync {
    /// A connection, at once: what is limited is the statements that run, not the connections.
    fn connect(&self) -> Result<Box<dyn Connection>>;
    /// The same for a role's session: its statements have places of the role's share, which leaves one to others.
    fn connect_as(&self, role: Oid) -> Result<Box<dyn Connection>>;
    /// A connection whose statements wait for nobody: the gateway's own, which a session's statement may itself wait for
    /// (`SELECT duckgate.reload()`).
    fn connect_beside(&self) -> Result<Box<dyn Connection>>;
    /// A moment to compare later ones with; taken before a transaction begins.
    fn moment(&self) -> Moment;
    /// True if others may have committed changes to one of these tables since; `None` asks for any change at all.
    fn changed_since(&self, moment: Moment, tables: Option<&[Oid]>) -> bool;
    /// True if others may have removed rows of the table since, or rewritten them.
    fn removed_since(&self, moment: Moment, table: Oid) -> bool;
    /// Makes a feed of batches with these columns. The SQL that reads it says `duckgate_feed(<number>)` in FROM.
    fn open_feed(&self, columns: Vec<(String, Phys)>, order: FeedOrder) -> Result<(u64, Box<dyn FeedWriter>)>;
    /// Keeps batches to be read again, up to `memory` bytes of them in memory.
    fn spool(&self, memory: usize) -> Spool;
    /// Reads and writes Parquet files of that many bytes at most.
    fn parquet(&self, limit: usize) -> Parquet;
    /// The files of the server that statements may name.
    fn server_files(&self) -> &ServerFiles;
    /// The same, to be read in FROM.
    fn file_scans(&self) -> &Arc<FileScans>;
    fn stats(&self) -> Stats;
    fn checkpoint(&self) -> BoxFuture<'_, Result<()>>;
    /// Sets the count of a sequence (see `registry::Sequence::count`) at once and durably: the next value is `value`, or the
    /// one after it if that was given out (`called`).
    fn restart_sequence(&self, oid: Oid, value: i64, called: bool) -> BoxFuture<'_, Result<()>>;
    /// Forgets the count of a sequence that was dropped, or restarted. (A new one needs nothing: its definition is in the
    /// snapshot.)
    fn drop_sequence(&self, oid: Oid) -> BoxFuture<'_, Result<()>>;
    /// last_value and is_called; `None` if it was never used: then last_value is its start.
    fn sequence_state(&self, oid: Oid) -> Result<Option<(i64, bool)>>;
    /// Forgets what currval() and lastval() know of a session; DISCARD SEQUENCES and the session's end.
    fn end_session(&self, session: u64);
    /// Lets another statement, also one of this role, run for as long as the answer lives: for a native that waits for another
    /// session.
    fn give_way(&self, role: Oid) -> Box<dyn Send>;
    /// Checkpoints and closes; every later call fails.
    fn close(&self) -> BoxFuture<'_, Result<()>>;
}

/// A function of ours in Rust that DuckDB calls, vector by vector. `sql::signatures` and `catalog` list them.
#[derive(Clone)]
pub struct Native {
    /// Its name inside DuckDB; begins with `dg_`. May be overloaded by argument types.
    pub name: &'static str,
    pub args: Vec<Phys>,
    /// The type of any further arguments.
    pub varargs: Option<Phys>,
    pub result: Phys,
    /// True if a NULL argument gives NULL without a call for that row.
    pub strict: bool,
    pub volatile: bool,
    /// Arguments as Arrow arrays of `rows` values each (the Arrow type of their [`Phys`]); gives an array of the result's.
    pub body: NativeBody,
}

pub type NativeBody = Arc<dyn Fn(&[arrow::array::ArrayRef], usize) -> Result<arrow::array::ArrayRef> + Send + Sync>;

/// An aggregate of ours in Rust; same conventions as [`Native`].
#[derive(Clone)]
pub struct NativeAggregate {
    pub name: &'static str,
    pub args: Vec<Phys>,
    pub result: Phys,
    pub new_state: Arc<dyn Fn() -> Box<dyn AggregateState> + Send + Sync>,
}

/// The state of one group.
pub trait AggregateState: Send {
    /// Takes in row `row` of the arguments.
    fn update(&mut self, args: &[arrow::array::ArrayRef], row: usize) -> Result<()>;
    fn merge(&mut self, other: &dyn AggregateState) -> Result<()>;
    fn finish(&self) -> Result<Value>;
    fn as_any(&self) -> &dyn std::any::Any;
}

/// Rows that the gateway itself answers (pg_catalog and information_schema). In SQL: `dg_system($session, 'name')`,
/// with only the columns that are read.
pub trait SystemTables: Send + Sync {
    /// Column names and physical types; `None` if there is no such table.
    fn columns(&self, table: &str) -> Option<Vec<(String, Phys)>>;
    /// The rows as `session` sees them now, with the columns of that projection, in that order.
    fn rows(&self, session: u64, table: &str, projection: &[usize]) -> Result<Batches>;
    /// How many rows there are, if that is known without making them; for the order of joins.
    fn cardinality(&self, session: u64, table: &str) -> Option<usize> {
        let _ = (session, table);
        None
    }
}

/// Batches that are made as they are read.
pub type Batches = crate::observe::audit::Batches;

/// What is plugged into an engine when it is opened.
#[derive(Clone)]
pub struct Plugins {
    pub natives: Vec<Native>,
    pub aggregates: Vec<NativeAggregate>,
    pub system_tables: Arc<dyn SystemTables>,
}

/// What the engine is opened with.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// `None` is an in-memory database.
    pub path: Option<std::path::PathBuf>,
    /// In bytes: most of it is DuckDB's own memory_limit.
    pub memory_limit: u64,
    pub threads: usize,
    pub temp_directory: Option<std::path::PathBuf>,
    pub extension_directory: Option<std::path::PathBuf>,
    pub server_files: ServerFiles,
    /// Statements that run at once; the rest wait.
    pub max_running: usize,
    /// How long a statement waits for a slot before it fails with 53300.
    pub queue_timeout: Duration,
    /// How long after an interrupt a statement may go on before it counts as stuck.
    pub interrupt_grace: Duration,
}
