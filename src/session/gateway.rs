//! What all sessions share: the registry, the engine, the plan cache, and the table of who is connected.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::RwLock;

use super::definitions::Definitions;
use super::key_log::KeyLog;
use super::locks::Locks;
use super::notify::Channels;
use super::plan_cache::PlanCache;
use super::quota::Usages;
use super::shared::Shared;
use super::{Session, Startup, Visitor};
use crate::config::Limits;
use crate::engine::directory::ActivityRow;
use crate::engine::directory::HostRule;
use crate::engine::{CancelReason, Engine};
use crate::error::{Error, Result, SqlState};
use crate::observe::audit::Audit;
use crate::registry::{Name, Privileges, Registry, Role, Snapshot};

/// Reads the schema files again and puts them in force, or says why not.
pub type Reload = Box<dyn Fn() -> Result<()> + Send + Sync>;

/// Reads the host rules for who wants to see them.
pub type HostRules = Box<dyn Fn() -> Vec<HostRule> + Send + Sync>;

/// The gateway behind every front end.
pub struct Gateway {
    limits: Limits,
    registry: Arc<Registry>,
    engine: Arc<dyn Engine>,
    pub(super) plans: PlanCache,
    pub(super) definitions: Definitions,
    sessions: RwLock<HashMap<i32, Arc<Shared>>>,
    closing: AtomicBool,
    pub(super) locks: Locks,
    pub(super) channels: Channels,
    /// Threads that wait for a lock.
    pub(super) lock_waiters: AtomicUsize,
    /// What transactions do to foreign keys.
    pub(super) keys: Arc<KeyLog>,
    reload: OnceLock<Reload>,
    host_rules: OnceLock<HostRules>,
    pub(super) started: SystemTime,
    pub(super) audit: Arc<Audit>,
    /// What roles with limits use up.
    pub(super) usages: Usages,
}

/// Process IDs as clients see them: unique in the process, so that tests may run several gateways in one.
static NEXT_PID: AtomicI32 = AtomicI32::new(1000);

/// How often a shutdown looks whether sessions have ended.
const SHUTDOWN_POLL: Duration = Duration::from_millis(20);
/// How long sessions that were told to end may take for it.
const SHUTDOWN_LAST: Duration = Duration::from_secs(2);

impl Gateway {
    pub fn new(limits: Limits, registry: Arc<Registry>, engine: Arc<dyn Engine>, audit: Audit) -> Arc<Self> {
        Arc::new(Self {
            plans: PlanCache::new(limits.cached_plans),
            locks: Locks::new(limits.advisory_locks, limits.row_locks),
            definitions: Definitions::default(),
            limits,
            registry,
            engine,
            sessions: RwLock::default(),
            closing: AtomicBool::new(false),
            channels: Channels::default(),
            lock_waiters: AtomicUsize::new(0),
            keys: Arc::default(),
            reload: OnceLock::new(),
            host_rules: OnceLock::new(),
            started: SystemTime::now(),
            audit: Arc::new(audit),
            usages: Usages::default(),
        })
    }

    /// What `duckgate.reload()` does. Set once, at start.
    pub fn on_reload(&self, reload: Reload) {
        let _ = self.reload.set(reload);
    }

    pub fn reload(&self) -> Result<()> {
        match self.reload.get() {
            Some(reload) => reload(),
            None => Err(Error::unsupported("reloading without schema files")),
        }
    }

    /// What pg_hba_file_rules shows. Set once, by the front end that has such rules.
    pub fn on_host_rules(&self, rules: HostRules) {
        let _ = self.host_rules.set(rules);
    }

    pub(super) fn host_rules(&self) -> Vec<HostRule> {
        self.host_rules.get().map(|rules| rules()).unwrap_or_default()
    }

    /// The role that a client wants to be, for its verifier and rights to log in.
    pub fn role(&self, user: &str) -> Option<Arc<Role>> {
        self.registry.snapshot().role(user).cloned()
    }

    /// The one database's name.
    pub fn database(&self) -> Name {
        self.registry.snapshot().database.clone()
    }

    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub fn engine(&self) -> &Arc<dyn Engine> {
        &self.engine
    }

    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// Begins a session for a client that has proved who it is. Errors are FATAL: 3D000, 28000, 53300, 22023 …
    pub fn open_session(self: &Arc<Self>, startup: Startup) -> Result<Session> {
        let (user, database) = (startup.user.clone(), startup.database.clone());
        let (peer, tls, application) = (startup.peer, startup.tls, startup.application().to_owned());
        #[cfg(test)]
        super::tests::faults::meet_at_startup(&application);
        self.admit(&startup).and_then(|(role, snapshot)| Session::open(self, startup, &role, snapshot)).map_err(
            |error| {
                let visitor = Visitor { user: &user, database: &database, application: &application, peer, tls };
                self.refused(&visitor, &error);
                error.into_fatal()
            },
        )
    }

    /// Whether a role may connect to the database.
    fn admit(&self, startup: &Startup) -> Result<(Arc<Role>, Arc<Snapshot>)> {
        if self.closing.load(Ordering::Relaxed) {
            return Err(Error::new(SqlState::CANNOT_CONNECT_NOW, "the database system is shutting down"));
        }
        let snapshot = self.registry.snapshot();
        let user = &startup.user;
        let invalid = |message| Err(Error::new(SqlState::INVALID_AUTHORIZATION_SPECIFICATION, message));
        let Some(role) = snapshot.role(user).cloned() else {
            return invalid(format!("role \"{user}\" does not exist"));
        };
        if !role.login {
            return invalid(format!("role \"{user}\" is not permitted to log in"));
        }
        if *startup.database != *snapshot.database {
            let message = format!("database \"{}\" does not exist", startup.database);
            let hint = format!("A gateway serves one database, here \"{}\".", snapshot.database);
            return Err(Error::new(SqlState::INVALID_CATALOG_NAME, message).hint(hint));
        }
        if !snapshot.database_privileges(role.oid).contains(Privileges::CONNECT) {
            let message = format!("permission denied for database \"{}\"", startup.database);
            return Err(
                Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message).detail("User does not have CONNECT privilege.")
            );
        }
        Ok((role, snapshot))
    }

    /// Takes a place in the table, if there is one.
    pub(super) fn enter(&self, make: impl FnOnce(i32) -> Arc<Shared>, role: &Role) -> Result<Arc<Shared>> {
        let full = |message: String| Err(Error::new(SqlState::TOO_MANY_CONNECTIONS, message));
        let mut sessions = self.sessions.write();
        let total = sessions.len();
        if total >= self.limits.connections {
            return full("sorry, too many clients already".into());
        }
        if !role.superuser {
            if total + self.limits.superuser_connections >= self.limits.connections {
                return full(
                    "remaining connection slots are reserved for non-replication superuser connections".into(),
                );
            }
            let limit = match role.connection_limit {
                Some(limit) => limit as usize,
                None if self.limits.connections_per_role == 0 => usize::MAX,
                None => self.limits.connections_per_role,
            };
            if sessions.values().filter(|s| s.user == role.name).count() >= limit {
                return full(format!("too many connections for role \"{}\"", role.name));
            }
        }
        let pid = loop {
            let pid = NEXT_PID.fetch_add(1, Ordering::Relaxed) & i32::MAX;
            if pid != 0 && !sessions.contains_key(&pid) {
                break pid;
            }
        };
        let shared = make(pid);
        sessions.insert(pid, shared.clone());
        Ok(shared)
    }

    pub(super) fn leave(&self, pid: i32) {
        self.sessions.write().remove(&pid);
    }

    pub(super) fn session(&self, pid: i32) -> Option<Arc<Shared>> {
        self.sessions.read().get(&pid).cloned()
    }

    pub fn session_count(&self) -> usize {
        self.sessions.read().len()
    }

    /// pg_stat_activity, by pid.
    pub fn activity(&self) -> Vec<ActivityRow> {
        let sessions: Vec<_> = self.sessions.read().values().cloned().collect();
        let mut rows: Vec<_> = sessions.iter().map(|s| s.row()).collect();
        rows.sort_by_key(|row| row.pid);
        rows
    }

    /// CancelRequest: stops what the session runs, if the secret is its own. Silent otherwise, as the protocol says.
    pub fn cancel(&self, pid: i32, secret: &[u8]) {
        if let Some(session) = self.session(pid)
            && same(&session.secret, secret)
        {
            session.interrupt.cancel(CancelReason::UserRequest);
        }
    }

    /// Ends a session. False if there is none of this process ID.
    pub fn terminate(&self, pid: i32) -> bool {
        self.session(pid).map(|s| s.interrupt.terminate()).is_some()
    }

    /// No new sessions; running statements may go on for `grace`, then every session ends with 57P01.
    pub async fn shutdown(&self, grace: Duration) {
        self.closing.store(true, Ordering::Relaxed);
        let deadline = Instant::now() + grace;
        loop {
            let sessions: Vec<_> = self.sessions.read().values().cloned().collect();
            let late = Instant::now() >= deadline;
            for session in &sessions {
                if late || session.state.lock().activity.state != "active" {
                    session.interrupt.terminate();
                }
            }
            if sessions.is_empty() || Instant::now() >= deadline + SHUTDOWN_LAST {
                return;
            }
            tokio::time::sleep(SHUTDOWN_POLL).await;
        }
    }
}

/// Compares secrets in a time that tells nothing of where they differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && !a.is_empty() && a.iter().zip(b).fold(0, |acc, (x, y)| acc | (x ^ y)) == 0
}
