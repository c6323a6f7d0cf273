//! What others may see of a session, and what natives may ask of it: the part behind a lock.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::SystemTime;

use parking_lot::Mutex;

use super::copy_progress::CopyProgress;
use super::gateway::Gateway;
use super::identity::Identity;
use super::interrupt::Interrupt;
use super::locks::{Answer, Owner};
use super::notify::{Mailbox, Pending};
use super::settings::{Scope, Settings, Source, Value, Values};
use crate::engine::CancelReason;
use crate::engine::directory::{
    ActivityRow, CursorRow, Deparsed, HostRule, LockMode, LockRow, LockScope, LockTag, PreparedRow, Printed,
    SessionView, SettingRow,
};
use crate::engine::tape::Tape;
use crate::error::{Error, Report, Result, SqlState};
use crate::observe::audit::{Batches, Client, Record};
use crate::registry::depend::Reference;
use crate::registry::{Name, Snapshot, builtin};
use crate::sql::analyze::kept;
use crate::sql::{Context, Dialect, ddl};
use crate::types::{Oid, OutputSettings};

pub struct Shared {
    pub id: u64,
    pub pid: i32,
    pub secret: Vec<u8>,
    pub gateway: Weak<Gateway>,
    pub database: Name,
    /// Who logged in.
    pub user: Name,
    pub peer: Option<SocketAddr>,
    pub local: Option<SocketAddr>,
    pub tls: bool,
    /// The same for the audit.
    pub client: Arc<Client>,
    pub backend_start: SystemTime,
    pub interrupt: Interrupt,
    pub tape: Tape,
    pub mailbox: Arc<Mailbox>,
    /// What the transaction wants to say and to hear. Never locked together with `state`.
    pub pending: Mutex<Pending>,
    pub state: Mutex<State>,
    /// Rows that were locked for an execution of a statement, by number and list.
    pub chosen: Mutex<HashMap<(i64, i32), HashSet<i64>>>,
}

/// Never locked across an await, nor while the engine is called.
pub struct State {
    pub settings: Settings,
    pub authenticated: Oid,
    /// As the running statement has them.
    pub session_user: Oid,
    pub role: Oid,
    /// The owner of the SECURITY DEFINER function that is at work: it acts with these rights.
    pub definer: Option<Oid>,
    /// What the names of roles that the session has become meant then: another role that is made under such a name later is
    /// not taken for it.
    pub known_roles: HashMap<String, Oid>,
    pub snapshot: Arc<Snapshot>,
    pub search_path: Arc<[Name]>,
    pub activity: Activity,
    pub prepared: BTreeMap<String, PreparedRow>,
    pub cursors: BTreeMap<String, CursorRow>,
    /// What natives have to tell the client.
    pub notices: Vec<Report>,
    /// The COPY that runs.
    pub copy: Option<Arc<CopyProgress>>,
}

pub struct Activity {
    pub state: &'static str,
    pub query: Arc<str>,
    pub query_start: Option<SystemTime>,
    pub xact_start: Option<SystemTime>,
    pub state_change: SystemTime,
}

/// What natives may ask of the session while a statement runs.
#[derive(Clone)]
pub struct Scene {
    values: Values,
    session_user: Oid,
    role: Oid,
    snapshot: Arc<Snapshot>,
    search_path: Arc<[Name]>,
}

impl State {
    pub fn scene(&self) -> Scene {
        Scene {
            values: self.settings.values(),
            session_user: self.session_user,
            role: self.role,
            snapshot: self.snapshot.clone(),
            search_path: self.search_path.clone(),
        }
    }

    /// For a statement that is done again: everything as it was.
    pub fn enter(&mut self, scene: Scene) {
        let Scene { values, session_user, role, snapshot, search_path } = scene;
        self.settings.exchange(values);
        self.session_user = session_user;
        self.role = role;
        self.snapshot = snapshot;
        self.search_path = search_path;
    }

    pub fn superuser(&self) -> bool {
        self.snapshot.is_superuser(self.role)
    }

    /// SET by a statement.
    pub fn set(&mut self, name: &str, value: Option<&str>, scope: Scope) -> Result<()> {
        let source = Source::Statement { superuser: self.superuser() };
        self.settings.set(name, value, scope, source)
    }

    /// Resolves `session_authorization` and `role`, which are settings and so go back with the transaction.
    pub fn resolve_roles(&mut self) {
        let user = self.settings.get("session_authorization");
        self.session_user = user.and_then(|name| self.named(name)).unwrap_or(self.authenticated);
        let role = self.settings.get("role").filter(|r| r != "none");
        // A role that was dropped meanwhile must not turn into another's rights: those of the session user remain.
        let role = role.and_then(|name| self.named(name)).filter(|role| self.snapshot.role_by_oid(*role).is_some());
        let role = role.unwrap_or(self.session_user);
        self.role = self.definer.filter(|role| self.snapshot.role_by_oid(*role).is_some()).unwrap_or(role);
    }

    /// Nobody becomes another with the rights of a function's owner (GUC_NOT_WHILE_SEC_REST).
    pub fn may_change_role(&self, what: &str) -> Result<()> {
        if self.definer.is_none() {
            return Ok(());
        }
        let message = format!("cannot set parameter \"{what}\" within security-definer function");
        Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
    }

    /// set_config() of `role`, as SET ROLE, but from the next statement on: what runs goes on with the rights that it was
    /// compiled with.
    fn take_role(&mut self, name: Option<&str>, scope: Scope) -> Result<()> {
        self.may_change_role("role")?;
        let name = name.filter(|name| *name != "none");
        let role = match name {
            None => self.session_user,
            Some(name) => {
                Identity::Role.check(name, self.session_user, &self.snapshot)?;
                self.known_roles.remove(name);
                self.snapshot.role(name).map_or(self.session_user, |role| role.oid)
            }
        };
        self.settings.follow("role", Value::Text(name.unwrap_or("none").into()), scope);
        let superuser = self.snapshot.is_superuser(role);
        self.settings.follow("is_superuser", Value::Bool(superuser), scope);
        Ok(())
    }

    /// set_config() of `session_authorization`, likewise.
    fn take_session_authorization(&mut self, name: Option<&str>, scope: Scope) -> Result<()> {
        self.may_change_role("session_authorization")?;
        let name =
            name.ok_or_else(|| Error::unsupported("set_config('session_authorization', NULL, …)").hint("Use RESET."))?;
        Identity::SessionAuthorization.check(name, self.authenticated, &self.snapshot)?;
        self.known_roles.remove(name);
        let superuser = self.snapshot.role(name).is_some_and(|role| role.superuser);
        self.settings.follow("session_authorization", Value::Text(name.into()), scope);
        self.settings.follow("role", Value::Text("none".into()), scope);
        self.settings.follow("is_superuser", Value::Bool(superuser), scope);
        Ok(())
    }

    fn named(&mut self, name: String) -> Option<Oid> {
        if let Some(known) = self.known_roles.get(&name) {
            return Some(*known);
        }
        let oid = self.snapshot.role(&name)?.oid;
        self.known_roles.insert(name, oid);
        Some(oid)
    }
}

impl Shared {
    pub fn row(&self) -> ActivityRow {
        let state = self.state.lock();
        ActivityRow {
            pid: self.pid,
            session: self.id,
            role: state.session_user,
            user: self.user.clone(),
            database: self.database.clone(),
            application_name: state.settings.acting().application_name.to_string(),
            client_addr: self.peer,
            tls: self.tls,
            backend_start: self.backend_start,
            xact_start: state.activity.xact_start,
            query_start: state.activity.query_start,
            state_change: state.activity.state_change,
            state: state.activity.state,
            query: state.activity.query.clone(),
            copy: state.copy.as_ref().map(|copy| copy.row()),
        }
    }

    pub fn owner(&self) -> Owner {
        Owner { session: self.id, pid: self.pid }
    }

    fn gateway(&self) -> Result<Arc<Gateway>> {
        self.gateway.upgrade().ok_or_else(|| Error::internal("the gateway is closed"))
    }

    /// PostgreSQL's pg_signal_backend: the target, if this session may stop it; `None` if there is none.
    fn target(&self, pid: i32, what: &str) -> Result<Option<Arc<Shared>>> {
        let Some(target) = self.gateway()?.session(pid) else { return Ok(None) };
        let owner = target.state.lock().session_user;
        let state = self.state.lock();
        if state.superuser() {
            drop(state);
            return Ok(Some(target));
        }
        let denied = |message: String| Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        if state.snapshot.is_superuser(owner) {
            return denied(format!("must be a superuser to {what} superuser process"));
        }
        let may_signal = state.snapshot.has_rights_of(state.role, crate::registry::predefined::SIGNAL_BACKEND);
        if !may_signal && !state.snapshot.has_rights_of(state.role, owner) {
            return denied(format!(
                "must be a member of the role whose {} or member of pg_signal_backend",
                if what == "terminate" { "process is being terminated" } else { "query is being canceled" }
            ));
        }
        drop(state);
        Ok(Some(target))
    }
}

impl Shared {
    /// NOTIFY. What a transaction notifies of is no more than a result may have: it can be heard in the same session.
    pub fn say(&self, channel: &str, payload: &str, limit: usize) -> Result<()> {
        let most = self.state.lock().settings.acting().quotas.result_bytes;
        let own = most.and_then(|most| usize::try_from(most).ok()).filter(|own| *own < limit);
        let said = self.pending.lock().notify(channel, payload, own.unwrap_or(limit));
        said.map_err(|error| match own {
            Some(own) if error.code() == SqlState::PROGRAM_LIMIT_EXCEEDED => {
                let message = format!("the transaction notifies of more than {own} bytes");
                super::quota::exceeded(message, "duckgate.max_result_bytes")
            }
            _ => error,
        })
    }
}

/// In what the texts that a snapshot keeps are read, to be shown.
fn reading(snapshot: Arc<Snapshot>, (role, session_role): (Oid, Oid), search_path: Arc<[Name]>) -> Context {
    Context {
        told: None,
        snapshot,
        role,
        session_role,
        search_path,
        creation_namespace: None,
        settings: OutputSettings::default(),
        dialect: Dialect::default(),
        standard_strings: true,
        row_security: true,
        check_bodies: true,
        ways: Default::default(),
        files: None,
        held: false,
        probed: false,
        scratch: 0,
        shaped: Arc::default(),
        given: Arc::default(),
        touched: Arc::default(),
    }
}

impl SessionView for Shared {
    fn id(&self) -> u64 {
        self.id
    }

    fn tape(&self) -> Option<&Tape> {
        Some(&self.tape)
    }

    fn pid(&self) -> i32 {
        self.pid
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        self.state.lock().snapshot.clone()
    }

    fn deparsed(&self, what: Deparsed<'_>, pretty: bool) -> Option<Printed> {
        let gateway = self.gateway().ok()?;
        let state = self.state.lock();
        let cx = reading(state.snapshot.clone(), (state.role, state.session_user), state.search_path.clone());
        drop(state);
        gateway.definitions.print(what, pretty, &cx)
    }

    fn references(&self, snapshot: &Arc<Snapshot>) -> Vec<Reference> {
        // What is kept means the same for everybody; who may see which row is asked of each.
        let path: Vec<Name> = kept::PATH.map(Name::from).to_vec();
        ddl::references(&reading(Arc::clone(snapshot), (builtin::SUPERUSER, builtin::SUPERUSER), path.into()))
    }

    fn stopping(&self) -> Option<Error> {
        self.interrupt.stopping()
    }

    fn role(&self) -> Oid {
        self.state.lock().role
    }

    fn session_user(&self) -> Oid {
        self.state.lock().session_user
    }

    fn database(&self) -> Name {
        self.database.clone()
    }

    fn search_path(&self) -> Arc<[Name]> {
        self.state.lock().search_path.clone()
    }

    fn output_settings(&self) -> OutputSettings {
        self.state.lock().settings.acting().output.clone()
    }

    fn setting(&self, name: &str) -> Option<String> {
        self.state.lock().settings.get(name)
    }

    fn set_config(&self, name: &str, value: Option<&str>, local: bool) -> Result<String> {
        let scope = if local { Scope::Local } else { Scope::Session };
        let mut state = self.state.lock();
        match name.to_lowercase().as_str() {
            "role" => state.take_role(value, scope)?,
            "session_authorization" => state.take_session_authorization(value, scope)?,
            // These have checks of their own, that SET makes.
            "transaction_isolation" | "transaction_read_only" | "transaction_deferrable" => {
                return Err(Error::unsupported(format!("set_config('{name}', …)")).hint("Use SET."));
            }
            _ => state.set(name, value, scope)?,
        }
        state.settings.show(name)
    }

    fn settings(&self) -> Vec<SettingRow> {
        self.state.lock().settings.rows()
    }

    fn prepared_statements(&self) -> Vec<PreparedRow> {
        self.state.lock().prepared.values().cloned().collect()
    }

    fn cursors(&self) -> Vec<CursorRow> {
        self.state.lock().cursors.values().cloned().collect()
    }

    fn activity(&self) -> Vec<ActivityRow> {
        self.gateway().map(|g| g.activity()).unwrap_or_default()
    }

    fn cancel_backend(&self, pid: i32) -> Result<bool> {
        let target = self.target(pid, "cancel")?;
        Ok(target.map(|t| t.interrupt.cancel(CancelReason::UserRequest)).is_some())
    }

    fn terminate_backend(&self, pid: i32) -> Result<bool> {
        let target = self.target(pid, "terminate")?;
        Ok(target.map(|t| t.interrupt.terminate()).is_some())
    }

    fn reload(&self) -> Result<()> {
        if !self.state.lock().superuser() {
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, "must be superuser to reload the schema files"));
        }
        self.gateway()?.reload()
    }

    fn host_rules(&self) -> Vec<HostRule> {
        self.gateway().map(|gateway| gateway.host_rules()).unwrap_or_default()
    }

    fn lock(&self, tag: LockTag, mode: LockMode, scope: LockScope, wait: bool) -> Result<bool> {
        let gateway = self.gateway()?;
        match gateway.locks.request(self.owner(), tag, mode, scope, wait)? {
            Answer::Granted => Ok(true),
            Answer::Refused => Ok(false),
            Answer::Wait(waiting) => {
                let (timeout, role) = {
                    let state = self.state.lock();
                    (state.settings.acting().lock_timeout, state.authenticated)
                };
                gateway.wait_for_lock(waiting, timeout, (&self.interrupt, role)).map(|()| true)
            }
        }
    }

    fn unlock(&self, tag: LockTag, mode: LockMode) -> bool {
        let held = self.gateway().is_ok_and(|g| g.locks.release(self.id, tag, mode, LockScope::Session));
        if !held {
            let warning = format!("you don't own a lock of type {}", mode.name());
            self.state.lock().notices.push(Report::warning(SqlState::WARNING, warning));
        }
        held
    }

    fn unlock_all(&self) {
        if let Ok(gateway) = self.gateway() {
            gateway.locks.release_session(self.id);
        }
    }

    fn has_chosen(&self, execution: i64, list: i32, row: i64) -> bool {
        self.chosen.lock().get(&(execution, list)).is_some_and(|rows| rows.contains(&row))
    }

    fn locks(&self) -> Vec<LockRow> {
        self.gateway().map(|g| g.locks.rows()).unwrap_or_default()
    }

    fn blocking_pids(&self, pid: i32) -> Vec<i32> {
        self.gateway().map(|g| g.locks.blocking(pid)).unwrap_or_default()
    }

    fn notify(&self, channel: &str, payload: &str) -> Result<()> {
        self.say(channel, payload, self.gateway()?.limits().notifications)
    }

    fn listening(&self) -> Vec<String> {
        self.gateway().map(|g| g.channels.of(&self.mailbox)).unwrap_or_default()
    }

    fn audit(&self, columns: &[usize]) -> Result<(Option<Batches>, Vec<Arc<Record>>)> {
        self.gateway()?.audit.read(columns)
    }

    fn notification_queue_usage(&self) -> f64 {
        self.gateway().map_or(0.0, |g| g.channels.usage())
    }
}
