//! Who is connected, for natives and system tables: what they may ask of the session whose number they are given.
//!
//! The session layer registers each session here; the numbers are unique in the process, so that a native function
//! needs nothing but the number that the statement hands it (`SessionValue::SessionId`).

mod lock;

pub use lock::{LockMode, LockRow, LockScope, LockTag};

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Weak};
use std::time::SystemTime;

use parking_lot::RwLock;

use super::tape::Tape;
use crate::error::{Error, Result};
use crate::observe::audit::{Batches, Record};
use crate::registry::depend::Reference;
use crate::registry::{Name, Snapshot};
use crate::types::{Oid, OutputSettings, PgType};

/// One session as natives and system tables see it. Every method is quick and takes no lock for long.
pub trait SessionView: Send + Sync {
    fn id(&self) -> u64;
    fn pid(&self) -> i32;
    /// The snapshot that the running statement reads (with the transaction's own changes).
    fn snapshot(&self) -> Arc<Snapshot>;
    /// Why the running statement is to stop: natives that wait look here.
    fn stopping(&self) -> Option<Error> {
        None
    }
    /// current_user.
    fn role(&self) -> Oid;
    fn session_user(&self) -> Oid;
    fn database(&self) -> Name;
    /// The namespaces that are searched, implicit ones included.
    fn search_path(&self) -> Arc<[Name]>;
    fn output_settings(&self) -> OutputSettings;
    /// A setting's value as SHOW prints it; `None` if there is no such setting.
    fn setting(&self, name: &str) -> Option<String>;
    /// set_config(): the new value as SHOW prints it. `None` resets.
    fn set_config(&self, name: &str, value: Option<&str>, local: bool) -> Result<String>;
    /// Rows of pg_settings, by name.
    fn settings(&self) -> Vec<SettingRow>;
    fn prepared_statements(&self) -> Vec<PreparedRow>;
    fn cursors(&self) -> Vec<CursorRow>;
    /// All sessions of this gateway.
    fn activity(&self) -> Vec<ActivityRow>;
    /// pg_cancel_backend(): false if there is no such backend; 42501 if the role may not.
    fn cancel_backend(&self, pid: i32) -> Result<bool>;
    /// pg_terminate_backend().
    fn terminate_backend(&self, pid: i32) -> Result<bool>;
    /// What its statements draw goes through here.
    fn tape(&self) -> Option<&Tape> {
        None
    }
    /// duckgate.reload() and pg_reload_conf(): reads the schema files again.
    fn reload(&self) -> Result<()>;
    /// pg_advisory_lock() and kin: waits for the lock if `wait`; false if it is another's and the caller does not.
    fn lock(&self, _tag: LockTag, _mode: LockMode, _scope: LockScope, _wait: bool) -> Result<bool> {
        Err(Error::unsupported("an advisory lock of no session"))
    }
    /// pg_advisory_unlock(): false, and a warning for the client, if the session does not hold it.
    fn unlock(&self, _tag: LockTag, _mode: LockMode) -> bool {
        false
    }
    /// pg_advisory_unlock_all().
    fn unlock_all(&self) {}
    /// A definition as PostgreSQL prints it, with or without needless parentheses; `None` if there is no printer for it.
    fn deparsed(&self, _what: Deparsed<'_>, _pretty: bool) -> Option<Printed> {
        None
    }
    /// What the texts that this snapshot keeps name.
    fn references(&self, _snapshot: &Arc<Snapshot>) -> Vec<Reference> {
        Vec::new()
    }
    /// Whether this row is on that list of an execution: what FOR UPDATE has locked of what it found.
    fn has_chosen(&self, _execution: i64, _list: i32, _row: i64) -> bool {
        false
    }
    /// Rows of pg_locks.
    fn locks(&self) -> Vec<LockRow> {
        Vec::new()
    }
    /// pg_blocking_pids(): the processes that another one waits for.
    fn blocking_pids(&self, _pid: i32) -> Vec<i32> {
        Vec::new()
    }
    /// pg_notify(): heard when the transaction commits.
    fn notify(&self, _channel: &str, _payload: &str) -> Result<()> {
        Err(Error::unsupported("a notification of no session"))
    }
    /// pg_listening_channels().
    fn listening(&self) -> Vec<String> {
        Vec::new()
    }
    /// Rows of pg_catalog.duckgate_audit, the oldest first: these columns of those that are kept, and records that are in memory.
    fn audit(&self, _columns: &[usize]) -> Result<(Option<Batches>, Vec<Arc<Record>>)> {
        Ok((None, Vec::new()))
    }
    /// Rows of pg_hba_file_rules: what the file says now, whether it is in force or not.
    fn host_rules(&self) -> Vec<HostRule> {
        Vec::new()
    }
    /// pg_notification_queue_usage().
    fn notification_queue_usage(&self) -> f64 {
        0.0
    }
}

/// A line of the host rules as pg_hba_file_rules shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostRule {
    /// None where no file says it.
    pub line: Option<i32>,
    /// None in a line that is not understood.
    pub rule: Option<HostRuleFields>,
    pub error: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostRuleFields {
    pub kind: String,
    pub databases: Vec<String>,
    pub users: Vec<String>,
    pub address: Option<String>,
    pub netmask: Option<String>,
    pub method: String,
    pub options: Vec<String>,
}

/// What is to be printed: a view's query, a function's body, or an expression that a relation or function keeps as this text
/// (0: a domain's check).
#[derive(Debug, Clone, Copy)]
pub enum Deparsed<'a> {
    View(Oid),
    Body(Oid),
    Expression { text: &'a str, relation: Oid },
}

/// A definition, and whether it is printed as a call, which needs no parentheses around it.
#[derive(Debug, Clone)]
pub struct Printed {
    pub text: Arc<str>,
    pub call: bool,
}

/// A row of pg_settings.
#[derive(Debug, Clone)]
pub struct SettingRow {
    pub name: String,
    /// In the setting's own unit.
    pub setting: Option<String>,
    pub unit: Option<String>,
    pub category: String,
    pub short_desc: String,
    pub extra_desc: Option<String>,
    pub context: String,
    pub vartype: String,
    pub source: String,
    pub min_val: Option<String>,
    pub max_val: Option<String>,
    pub enumvals: Option<Vec<String>>,
    pub boot_val: Option<String>,
    pub reset_val: Option<String>,
}

/// A row of pg_prepared_statements.
#[derive(Debug, Clone)]
pub struct PreparedRow {
    pub name: String,
    pub statement: String,
    pub prepare_time: SystemTime,
    pub parameter_types: Vec<PgType>,
    pub from_sql: bool,
}

/// A row of pg_cursors.
#[derive(Debug, Clone)]
pub struct CursorRow {
    pub name: String,
    pub statement: String,
    pub is_holdable: bool,
    pub is_binary: bool,
    pub is_scrollable: bool,
    pub creation_time: SystemTime,
}

/// How far a COPY has come.
#[derive(Debug, Clone, Copy)]
pub struct CopyRow {
    /// A file of the server, not the client: its length, where it is read.
    pub file: Option<u64>,
    /// 0 for a query.
    pub relation: Oid,
    /// COPY FROM or COPY TO.
    pub command: &'static str,
    pub bytes_processed: u64,
    pub tuples_processed: u64,
}

/// A row of pg_stat_activity.
#[derive(Debug, Clone)]
pub struct ActivityRow {
    pub pid: i32,
    pub session: u64,
    pub role: Oid,
    pub user: Name,
    pub database: Name,
    pub application_name: String,
    pub client_addr: Option<std::net::SocketAddr>,
    pub tls: bool,
    pub backend_start: SystemTime,
    pub xact_start: Option<SystemTime>,
    pub query_start: Option<SystemTime>,
    pub state_change: SystemTime,
    /// active, idle, idle in transaction, idle in transaction (aborted).
    pub state: &'static str,
    pub query: Arc<str>,
    /// The COPY that it runs.
    pub copy: Option<CopyRow>,
}

static SESSIONS: LazyLock<RwLock<HashMap<u64, Weak<dyn SessionView>>>> = LazyLock::new(RwLock::default);

/// The session with this number. An error only if it has just ended.
pub fn session(id: u64) -> Result<Arc<dyn SessionView>> {
    let found = SESSIONS.read().get(&id).and_then(Weak::upgrade);
    found.ok_or_else(|| Error::internal(format!("no session {id}")))
}

/// Makes a session known; called by the session layer alone.
pub fn register(id: u64, view: Weak<dyn SessionView>) {
    SESSIONS.write().insert(id, view);
}

/// Forgets a session; called by the session layer alone.
pub fn forget(id: u64) {
    SESSIONS.write().remove(&id);
}
