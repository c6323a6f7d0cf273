//! One session: the state that a connected client has, and what every message needs of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use super::audit::{Meter, Pending};
use super::environment::Environment;
use super::front::{Front, Idle};
use super::gateway::Gateway;
use super::keys::Duty;
use super::lifecycle::{Lease, Timer};
use super::notify::Notification;
use super::plan_cache::Text;
use super::portals::Portals;
use super::quota::Place;
use super::shared::Shared;
use super::statements::Statements;
use super::transaction::Transaction;
use super::uniques::Known;
use crate::engine::directory;
use crate::error::{Error, Report, Result, SqlState};
use crate::registry::seen::Seen;
use crate::registry::{Change, Overlay, Snapshot};
use crate::sql::ddl::keys::Key;
use crate::sql::{self, Compiled};
use crate::tree::OnCommit;
use crate::types::{Oid, OutputSettings};

/// A connected client's state. It ends when it is dropped: its transaction rolls back, its place becomes free.
pub struct Session {
    pub(super) gateway: Arc<Gateway>,
    pub(super) shared: Arc<Shared>,
    /// Held while there is a transaction in the engine, a result being read, or a temporary table.
    pub(super) lease: Option<Lease>,
    pub(super) transaction: Transaction,
    /// What makes the session's temporary objects, on top of any snapshot.
    pub(super) temporary: Vec<Change>,
    /// What becomes of temporary tables at the end of a transaction, where something does.
    pub(super) on_commit: Vec<(Oid, OnCommit)>,
    /// The current snapshot with the temporary objects, and the version it was made from.
    pub(super) view: Option<(u64, Overlay)>,
    pub(super) environment: Option<Arc<Environment>>,
    /// Foreign keys of the snapshot of that version.
    pub(super) keys: Option<(u64, Arc<[Arc<Key>]>)>,
    /// The unique keys of tables that the session checks.
    pub(super) uniques: HashMap<Oid, Known>,
    /// What the running statement has to answer for, so far.
    pub(super) duties: Vec<Duty>,
    /// The numbers of temporary tables by which foreign keys' own statements learn their keys.
    pub(super) key_tables: Vec<Oid>,
    pub(super) statements: Statements,
    pub(super) portals: Portals,
    pub(super) statement_start: SystemTime,
    /// When statement_timeout stops the running statement.
    pub(super) deadline: Option<Instant>,
    pub(super) idle_since: Instant,
    /// Ends the session when its transaction has taken too long.
    pub(super) transaction_timer: Option<Timer>,
    /// The audit's record of what is being done.
    pub(super) record: Option<Pending>,
    pub(super) meter: Meter,
    /// Among the statements of its role.
    pub(super) place: Option<Place>,
    /// True if `deadline` is the role's limit.
    pub(super) role_deadline: bool,
    /// The number of the last execution that locked rows before it ran.
    pub(super) execution: i64,
    /// The table whose rows the running statement changes, each of which it has locked.
    pub(super) singly: Option<Oid>,
    /// What the running statement was compiled for has been redefined since.
    pub(super) redefined: bool,
    /// How deep the statements of DO that are at work are inside each other.
    pub(super) block_depth: usize,
    /// How deep the calls of PL/pgSQL that are at work are inside each other.
    pub(super) call_depth: usize,
    /// What the functions of the running statement have read and written.
    pub(super) inside: super::plpgsql::Inside,
    /// A schema change is at work: the snapshot stays.
    pub(super) pinned: bool,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.audit_logout();
        directory::forget(self.shared.id);
        self.gateway.engine().end_session(self.shared.id);
        self.gateway.channels.unlisten_all(&self.shared.mailbox);
        self.gateway.locks.release_transaction(self.shared.id, false);
        self.gateway.locks.release_session(self.shared.id);
        self.gateway.leave(self.shared.pid);
    }
}

impl Session {
    pub fn gateway(&self) -> &Arc<Gateway> {
        &self.gateway
    }

    /// The types as the running statement sees them.
    pub fn types(&self) -> Arc<Snapshot> {
        self.shared.state.lock().snapshot.clone()
    }

    /// What BackendKeyData says beside the secret.
    pub fn pid(&self) -> i32 {
        self.shared.pid
    }

    /// The number by which natives and system tables ask for it.
    pub fn id(&self) -> u64 {
        self.shared.id
    }

    /// The ParameterStatus messages at the start of a session.
    pub fn parameters(&mut self) -> Vec<(String, String)> {
        let reports = self.shared.state.lock().settings.reports();
        reports.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// ReadyForQuery's byte: `I`, `T` or `E`.
    pub fn transaction_status(&self) -> u8 {
        self.transaction.status()
    }

    /// Before every ReadyForQuery, simple or extended: reports changed parameters.
    pub fn ready(&mut self, front: &mut dyn Front) {
        self.shared.interrupt.end();
        self.idle_since = Instant::now();
        self.time_transaction();
        let mut state = self.shared.state.lock();
        state.activity.state = match self.transaction {
            Transaction::Idle | Transaction::Implicit(_) => "idle",
            Transaction::Block(_) => "idle in transaction",
            Transaction::Failed(_) => "idle in transaction (aborted)",
        };
        state.activity.state_change = SystemTime::now();
        state.activity.xact_start = self.transaction.started();
        for (name, value) in state.settings.reports() {
            front.parameter_status(name, &value);
        }
        drop(state);
        self.pass_notices(front);
        if !self.transaction.in_block() {
            // An overflow is told when the session is idle.
            while let Ok(Some(Notification { pid, channel, payload })) = self.shared.mailbox.take() {
                front.notification(pid, &channel, &payload);
            }
        }
    }

    /// Waits for what may happen while the client is silent. Cancel-safe; never completes if nothing happens. `unfinished`: within a
    /// batch, where nobody is idle and nothing is heard.
    pub async fn idle(&mut self, unfinished: bool) -> Idle {
        let acting = self.shared.state.lock().settings.acting().clone();
        let (limit, code, message) = if self.transaction.in_block() {
            (
                acting.idle_in_transaction,
                SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
                "terminating connection due to idle-in-transaction timeout",
            )
        } else {
            (acting.idle_session, SqlState::IDLE_SESSION_TIMEOUT, "terminating connection due to idle-session timeout")
        };
        let timeout = async {
            match limit.filter(|_| !unfinished) {
                Some(limit) => tokio::time::sleep_until((self.idle_since + limit).into()).await,
                None => std::future::pending().await,
            }
        };
        // Within a transaction nothing is heard, as in PostgreSQL; but who cannot be told all is told so.
        let (in_block, mailbox) = (self.transaction.in_block() || unfinished, self.shared.mailbox.clone());
        let heard = async {
            match in_block {
                true => Err(mailbox.overflow().await),
                false => mailbox.next().await,
            }
        };
        tokio::select! {
            error = self.shared.interrupt.terminated() => Idle::Terminate(error),
            () = timeout => Idle::Terminate(Error::fatal(code, message)),
            heard = heard => match heard {
                Ok(Notification { pid, channel, payload }) => {
                    Idle::Notification { pid, channel: channel.to_string(), payload: payload.to_string() }
                }
                Err(error) => Idle::Terminate(error),
            },
        }
    }

    /// The front end itself found an error (a malformed message): the transaction fails as by an error of ours.
    pub async fn fail(&mut self) {
        self.abort().await;
    }

    pub fn output_settings(&self) -> OutputSettings {
        self.shared.state.lock().settings.acting().output.clone()
    }

    /// A statement begins: for pg_stat_activity, cancel, and statement_timeout.
    pub(super) fn begin_statement(&mut self, text: &Arc<str>) -> Result<()> {
        self.time_transaction();
        let now = SystemTime::now();
        self.statement_start = now;
        self.duties.clear();
        let timeout = self.shared.state.lock().settings.acting().statement_timeout;
        (self.deadline, self.role_deadline) = self.deadline_of(timeout, Instant::now());
        let mut state = self.shared.state.lock();
        let activity = &mut state.activity;
        if !Arc::ptr_eq(&activity.query, text) {
            activity.query = text.clone();
        }
        activity.state = "active";
        activity.query_start = Some(now);
        activity.state_change = now;
        activity.xact_start = self.transaction.started().or(Some(now));
        drop(state);
        self.shared.interrupt.begin(self.deadline)
    }

    /// The schema as the next statement sees it.
    pub(super) fn overlay(&mut self) -> Overlay {
        if let Some(active) = self.transaction.active()
            && let Some(overlay) = &active.overlay
        {
            return overlay.clone();
        }
        let version = self.gateway.registry().snapshot().version;
        match &self.view {
            Some((base, overlay)) if *base == version => overlay.clone(),
            _ => {
                let overlay = self.gateway.registry().overlay(&self.temporary);
                self.view = Some((version, overlay.clone()));
                overlay
            }
        }
    }

    /// The schema as this session sees it: for values that print as names.
    pub(super) fn seen(&self) -> Seen {
        let state = self.shared.state.lock();
        Seen::new(Arc::clone(&state.snapshot), Arc::clone(&state.search_path), state.role)
    }

    pub(super) fn snapshot(&mut self) -> Arc<Snapshot> {
        if let Some(overlay) = self.transaction.active().and_then(|a| a.overlay.as_ref()) {
            return overlay.snapshot().clone();
        }
        if self.temporary.is_empty() {
            return self.gateway.registry().snapshot();
        }
        self.overlay().snapshot().clone()
    }

    /// current_user's OID.
    pub(super) fn role(&self) -> Oid {
        self.shared.state.lock().role
    }

    /// What the next statement is compiled in; made anew when snapshot, role or settings have changed.
    pub(super) fn environment(&mut self) -> Result<Arc<Environment>> {
        let gateway = self.gateway.clone();
        if let Some(overlay) = self.transaction.active_mut().and_then(|a| a.overlay.as_mut()) {
            overlay.judge_by(gateway.registry())?;
        }
        let snapshot = self.snapshot();
        let mut state = self.shared.state.lock();
        if state.snapshot.version != snapshot.version {
            state.snapshot = snapshot.clone();
        }
        state.resolve_roles();
        let acting = state.settings.acting();
        let roles = (state.role, state.session_user);
        if let Some(environment) = &self.environment
            && environment.is_for(&snapshot, roles, acting)
        {
            return Ok(environment.clone());
        }
        let environment =
            Arc::new(Environment::new(snapshot, roles, acting.clone()).with_files(gateway.engine().file_scans()));
        state.search_path = environment.context.search_path.clone();
        self.environment = Some(environment.clone());
        Ok(environment)
    }

    /// Compiles one statement of a text, or finds it compiled.
    pub(super) fn compile(
        &mut self,
        text: &Text,
        index: usize,
        given: &Arc<[Oid]>,
    ) -> Result<(Arc<Environment>, Arc<Compiled>)> {
        let environment = self.environment()?;
        let compiled = self.compile_for(&environment, text, index, given)?;
        Ok((environment, compiled))
    }

    /// As [`Self::compile`], in an environment that the caller has.
    pub(super) fn compile_for(
        &self,
        environment: &Environment,
        text: &Text,
        index: usize,
        given: &Arc<[Oid]>,
    ) -> Result<Arc<Compiled>> {
        let parsed = text.statements.get(index).ok_or_else(|| Error::internal("no such statement in the text"))?;
        let compiled = self.gateway.plans.compile(text, index, given, environment, || {
            let types: Vec<Option<Oid>> = given.iter().map(|oid| Some(*oid).filter(|oid| *oid != 0)).collect();
            let shared = Arc::clone(&self.shared);
            let stop = Box::new(move || shared.interrupt.stopping());
            sql::heed::heeding(stop, || sql::compile(parsed, &environment.context, &types))
        })?;
        if compiled.params.len() > self.gateway.limits().parameters {
            let message = format!("a statement may have at most {} parameters", self.gateway.limits().parameters);
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
        }
        let most = self.gateway.limits().relations;
        if compiled.relations > most as u64 {
            return Err(sql::analyze::too_many_relations(most as u64));
        }
        Ok(compiled)
    }

    /// Passes on what natives and the parser have to tell.
    pub fn pass_notices(&self, front: &mut dyn Front) {
        let notices = std::mem::take(&mut self.shared.state.lock().notices);
        for notice in &notices {
            self.notice(front, notice);
        }
    }

    /// Sends a notice, if client_min_messages lets it through.
    pub(super) fn notice(&self, front: &mut dyn Front, report: &Report) {
        let least = self.shared.state.lock().settings.acting().least_notice;
        if report.severity >= least || report.severity == crate::error::Severity::Info {
            front.notice(report);
        }
    }
}
