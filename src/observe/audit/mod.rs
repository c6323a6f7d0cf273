//! The audit: one record for each statement, login and refusal, made from the permit or the denial.
//!
//! Records go into a bounded table in memory (the view pg_catalog.duckgate_audit) and, where one is configured, to a sink of
//! JSON lines ([`writer`]). With [`Full::Block`] nothing begins while the sink has no room: who begins waits in
//! [`Audit::room`], and what has begun is always taken.

mod json;
mod writer;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;

use super::METRICS;
use writer::Queue;

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
    /// Records in the table in memory.
    pub table: usize,
}

/// Takes records. Cheap to ask; without a table and a sink it takes none.
#[derive(Default)]
pub struct Audit {
    settings: Settings,
    table: Mutex<VecDeque<Arc<Record>>>,
    queue: Option<Arc<Queue>>,
}

impl Audit {
    /// Opens the sinks, and starts the thread that writes to them.
    ///
    /// # Errors
    /// A file cannot be opened; the text names it.
    pub fn open(settings: Settings) -> std::io::Result<Self> {
        let queue = match settings.sinks.is_empty() {
            true => None,
            false => Some(Queue::open(&settings)?),
        };
        Ok(Self { settings, table: Mutex::default(), queue })
    }

    /// Is anything recorded at all?
    pub fn is_on(&self) -> bool {
        self.settings.table > 0 || self.queue.is_some()
    }

    pub fn literals(&self) -> bool {
        self.settings.literals
    }

    /// Comes back when there is room for the record of what is about to begin. Cancel-safe.
    pub async fn room(&self) {
        if let Some(queue) = &self.queue {
            queue.room().await;
        }
    }

    /// False if [`Audit::room`] would wait.
    pub fn has_room(&self) -> bool {
        self.queue.as_ref().is_none_or(|queue| queue.has_room())
    }

    pub fn take(&self, record: Record) {
        METRICS.audit_records.increment();
        let record = Arc::new(record);
        if let Some(queue) = &self.queue {
            queue.push(record.clone());
        }
        if self.settings.table == 0 {
            return;
        }
        let mut table = self.table.lock();
        while table.len() >= self.settings.table {
            table.pop_front();
        }
        table.push_back(record);
    }

    /// The records in memory, the oldest first.
    pub fn records(&self) -> Vec<Arc<Record>> {
        self.table.lock().iter().cloned().collect()
    }

    /// Opens the files anew: somebody else has put them aside.
    pub fn reopen(&self) {
        if let Some(queue) = &self.queue {
            queue.reopen();
        }
    }

    /// Writes what waits, for as long as `patience`. False if something is left.
    pub fn close(&self, patience: Duration) -> bool {
        self.queue.as_ref().is_none_or(|queue| queue.close(patience))
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
