//! The audit: one record for each statement, login and refusal, made from the permit or the denial.
//!
//! Records go to the sinks that are configured, each by a thread of its own ([`queue`]): as lines of JSON ([`lines`]), and into a
//! table that the engine keeps ([`table`]). With [`Full::Block`] nothing begins while a sink has no room: who begins waits in
//! [`Audit::room`], and what has begun is always taken. The view pg_catalog.duckgate_audit shows the table with what waits to be
//! written to it; without one, the newest records, which are kept in memory for that.

mod bound;
mod json;
mod lines;
mod queue;
mod table;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

use super::METRICS;
use crate::error::Result;
use lines::Lines;
use queue::Queue;

pub use table::{Batches, Table};

/// Objects that a statement asked for, and the rules that hold for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    pub objects: Vec<Object>,
    pub rules: Vec<Rules>,
}

/// One object with the privileges that were asked for on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Empty for what lives in no schema.
    pub schema: Arc<str>,
    pub name: Arc<str>,
    /// In whose name: the current role, or a view's owner inside it.
    pub role: Arc<str>,
    pub privileges: Vec<Privilege>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Privilege {
    pub word: &'static str,
    /// Empty where no column is named (`count(*)`, DELETE).
    pub columns: Vec<Arc<str>>,
}

/// What hid rows or values of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    pub schema: Arc<str>,
    pub table: Arc<str>,
    pub role: Arc<str>,
    /// Without one, no row is there.
    pub policies: Vec<Arc<str>>,
    pub masks: Vec<Arc<str>>,
}

/// A statement without its literals.
#[derive(Debug, PartialEq, Eq)]
pub struct Digest {
    /// Equal for statements that differ in literals, blanks, comments and the case of words only.
    pub fingerprint: String,
    /// Its first word.
    pub command: String,
    pub text: String,
}

/// What a record tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A login that succeeded or failed.
    Login,
    Logout,
    Statement,
    /// A transaction that was to be committed at Sync and was not.
    Commit,
    /// Records that were dropped because the sink had no room.
    Gap,
}

impl Event {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Logout => "logout",
            Self::Statement => "statement",
            Self::Commit => "commit",
            Self::Gap => "gap",
        }
    }
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Ok,
    /// Refused by a rule of access (SQLSTATE 42501 or class 28), or failed otherwise.
    Failed {
        sqlstate: String,
        denied: bool,
        /// What it says, where that tells no values.
        message: Option<String>,
    },
    /// Nobody waited for its end: the session was ended.
    Abandoned,
}

impl Outcome {
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed { denied: true, .. } => "denied",
            Self::Failed { denied: false, .. } => "error",
            Self::Abandoned => "abandoned",
        }
    }
}

/// Who is connected: the same for all records of a session.
#[derive(Debug, Clone)]
pub struct Client {
    /// 0 before there is a session.
    pub pid: i32,
    pub user: Arc<str>,
    pub database: Arc<str>,
    /// `None` on a Unix socket.
    pub address: Option<SocketAddr>,
    pub tls: bool,
}

#[derive(Debug, Clone)]
pub struct Record {
    pub event: Event,
    /// When it began.
    pub at: SystemTime,
    pub client: Arc<Client>,
    /// current_user when it ended.
    pub role: Arc<str>,
    pub application: Arc<str>,
    /// `None` for what is no SQL.
    pub digest: Option<Arc<Digest>>,
    pub access: Vec<Arc<Access>>,
    /// Rows sent, changed or loaded.
    pub rows: u64,
    /// Bytes of results that were sent, and of COPY's data that came.
    pub bytes_sent: u64,
    pub bytes_received: u64,
    pub duration: Duration,
    pub outcome: Outcome,
    /// Of a gap: how many records are missing.
    pub dropped: u64,
}

/// What happens while the sink has no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Full {
    /// Statements and logins wait before they begin.
    #[default]
    Block,
    /// Records are dropped and counted; a record of the gap follows.
    Drop,
}

/// Where JSON lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sink {
    Stdout,
    File {
        path: PathBuf,
        /// Beyond this many bytes the file is put aside and a new one begun.
        rotate: u64,
        /// How many of those put aside are kept.
        keep: usize,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    pub sinks: Vec<Sink>,
    pub full: Full,
    /// Whether statements are kept as they were written.
    pub literals: bool,
    /// Records that wait for the sink.
    pub queue: usize,
    /// Records that are kept in memory where there is no table.
    pub memory: usize,
    pub table: Option<Kept>,
}

/// The table of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub path: PathBuf,
    /// How many are kept, and how long; `None` is no bound.
    pub rows: Option<u64>,
    pub age: Option<Duration>,
}

/// Takes records. Cheap to ask; without a sink and a place in memory it takes none.
#[derive(Default)]
pub struct Audit {
    settings: Settings,
    memory: Mutex<VecDeque<Arc<Record>>>,
    lines: Option<Arc<Queue>>,
    table: Option<(Arc<Queue>, Arc<dyn Table>)>,
}

impl Audit {
    /// Opens the sinks, and starts the threads that write to them.
    ///
    /// # Errors
    /// A file cannot be opened; the text names it.
    pub fn open(settings: Settings, table: Option<Arc<dyn Table>>) -> std::io::Result<Self> {
        let (limit, full) = (settings.queue, settings.full);
        let lines = match settings.sinks.is_empty() {
            true => None,
            false => {
                let lines = Lines::open(&settings.sinks)?;
                Some(Queue::start("audit", limit, full, lines::PACE, Box::new(lines))?)
            }
        };
        let table = match table {
            None => None,
            Some(table) => {
                let rows = table::Rows::of(table.clone());
                Some((Queue::start("audit-table", limit, full, table::PACE, Box::new(rows))?, table))
            }
        };
        Ok(Self { settings, memory: Mutex::default(), lines, table })
    }

    fn queues(&self) -> impl Iterator<Item = &Arc<Queue>> {
        self.lines.iter().chain(self.table.as_ref().map(|(queue, _)| queue))
    }

    /// Is anything recorded at all?
    pub fn is_on(&self) -> bool {
        self.settings.memory > 0 || self.queues().next().is_some()
    }

    pub fn literals(&self) -> bool {
        self.settings.literals
    }

    /// Comes back when there is room for the record of what is about to begin. Cancel-safe.
    pub async fn room(&self) {
        for queue in self.queues() {
            queue.room().await;
        }
    }

    /// False if [`Audit::room`] would wait.
    pub fn has_room(&self) -> bool {
        self.queues().all(|queue| queue.has_room())
    }

    pub fn take(&self, record: Record) {
        METRICS.audit_records.increment();
        let record = Arc::new(bound::bounded(record));
        for queue in self.queues() {
            queue.push(record.clone());
        }
        if self.settings.memory == 0 || self.table.is_some() {
            return;
        }
        let mut memory = self.memory.lock();
        while memory.len() >= self.settings.memory {
            memory.pop_front();
        }
        memory.push_back(record);
    }

    /// The records that can be read: these columns of the table's, and what is in memory alone; the oldest first.
    ///
    /// # Errors
    /// The table cannot be read.
    pub fn read(&self, columns: &[usize]) -> Result<(Option<Batches>, Vec<Arc<Record>>)> {
        match &self.table {
            Some((queue, table)) => {
                let (kept, waiting) = queue.read(|| table.read(columns));
                Ok((Some(kept?), waiting))
            }
            None => Ok((None, self.records())),
        }
    }

    /// The records in memory, the oldest first.
    pub fn records(&self) -> Vec<Arc<Record>> {
        self.memory.lock().iter().cloned().collect()
    }

    /// Opens the files anew: somebody else has put them aside.
    pub fn reopen(&self) {
        if let Some(queue) = &self.lines {
            queue.reopen();
        }
    }

    /// Writes what waits, for as long as `patience`. False if something is left.
    pub fn close(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        // One that fails does not keep the other from being written.
        let left = self.queues().filter(|queue| !queue.close(until)).count();
        if let Some((_, table)) = &self.table {
            table.close();
        }
        left == 0
    }
}

/// A record as the sinks write it: one line of JSON, without its end.
pub fn json_line(record: &Record) -> String {
    json::line(record)
}

/// The objects and rules of a record, as JSON.
pub fn json_access(record: &Record) -> (String, String) {
    json::access(record)
}

#[cfg(test)]
mod tests;
