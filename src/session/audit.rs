//! The session's part of the audit: a record is begun with each statement, learns what its permits say, and ends with it.
//!
//! A statement of the simple query has one record, whatever becomes of it. Of the extended query Execute has one; Parse, Bind
//! and Describe have one if they fail; so has a commit at Sync. What nobody waits for any more is recorded when the session goes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use super::execute::Done;
use super::front::Front;
use super::gateway::Gateway;
use super::plan_cache::Text;
use super::session::Session;
use crate::engine::CancelReason;
use crate::error::{Error, Result, SqlState};
use crate::observe::audit::{Access, Client, Digest, Event, Outcome, Record};

/// What the running statement has moved so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Meter {
    /// Rows that were sent.
    pub rows: u64,
    /// Bytes of results that were sent.
    pub sent: u64,
    /// Bytes of COPY's data that came.
    pub received: u64,
}

/// The record of what is being done.
pub struct Pending {
    event: Event,
    at: SystemTime,
    since: Instant,
    text: Option<(Arc<Text>, usize)>,
    access: Vec<Arc<Access>>,
}

/// Who wants to log in, before there is a session.
#[derive(Debug, Clone)]
pub struct Visitor<'a> {
    pub user: &'a str,
    pub database: &'a str,
    pub application: &'a str,
    pub peer: Option<SocketAddr>,
    pub tls: bool,
}

impl Text {
    /// A statement's digest; made when it is first asked for.
    pub fn digest(&self, index: usize, literals: bool) -> Option<Arc<Digest>> {
        let parsed = self.statements.get(index)?;
        let kept = self.digests.get(index)?;
        Some(kept.get_or_init(|| Arc::new(crate::sql::digest(parsed, literals))).clone())
    }
}

fn is_denial(code: SqlState) -> bool {
    code == SqlState::INSUFFICIENT_PRIVILEGE || code.as_str().starts_with("28")
}

/// What is kept of an error: its text may have values in it, unless it says no more than who may not do what.
fn outcome(error: &Error, literals: bool) -> Outcome {
    let denied = is_denial(error.code());
    let message = (denied || literals).then(|| error.report().message.clone());
    Outcome::Failed { sqlstate: error.code().as_str().to_owned(), denied, message }
}

impl Gateway {
    /// Records a login that failed, with its error.
    pub fn refused(&self, visitor: &Visitor<'_>, error: &Error) {
        if !self.audit.is_on() {
            return;
        }
        let Visitor { user, database, application, peer, tls } = *visitor;
        let (user, database): (Arc<str>, Arc<str>) = (user.into(), database.into());
        self.audit.take(Record {
            event: Event::Login,
            at: SystemTime::now(),
            client: Arc::new(Client { pid: 0, user: user.clone(), database, address: peer, tls }),
            role: user,
            application: application.into(),
            digest: None,
            access: Vec::new(),
            rows: 0,
            bytes_sent: 0,
            bytes_received: 0,
            duration: Default::default(),
            outcome: outcome(error, self.audit.literals()),
            dropped: 0,
        });
    }
}

impl Session {
    /// Records that the session begins.
    pub(super) fn audit_login(&mut self) {
        self.audit_event(Event::Login);
        self.audit_finish(Outcome::Ok, 0);
    }

    /// Records that the session ends, and what it has not brought to an end.
    pub(super) fn audit_logout(&mut self) {
        if self.record.is_some() {
            self.audit_finish(Outcome::Abandoned, self.meter.rows);
        }
        self.audit_event(Event::Logout);
        self.audit_finish(Outcome::Ok, 0);
    }

    fn audit_event(&mut self, event: Event) {
        if self.record.is_some() {
            self.audit_finish(Outcome::Abandoned, self.meter.rows);
        }
        self.meter = Meter::default();
        if self.gateway.audit.is_on() {
            let (at, since) = (SystemTime::now(), Instant::now());
            self.record = Some(Pending { event, at, since, text: None, access: Vec::new() });
        }
    }

    /// A statement, or a part of one, is about to begin. Waits until there is room for its record.
    pub(super) async fn audit_begin(&mut self, front: Option<&mut dyn Front>) -> Result<()> {
        self.audit_event(Event::Statement);
        if self.gateway.audit.has_room() {
            return Ok(());
        }
        let (audit, shared, deadline) = (self.gateway.audit.clone(), self.shared.clone(), self.deadline);
        let late = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        let gone = async {
            match front {
                Some(front) => front.gone().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            error = shared.interrupt.cancelled() => Err(error),
            () = gone => Err(CancelReason::ClientGone.error()),
            () = late => Err(CancelReason::StatementTimeout.error()),
            () = audit.room() => Ok(()),
        }
    }

    /// What the record is about is known.
    pub(super) fn audit_text(&mut self, text: &Arc<Text>, index: usize) {
        if let Some(record) = &mut self.record {
            record.text = Some((text.clone(), index));
        }
    }

    /// What a permit says was asked for.
    pub(super) fn audit_access(&mut self, access: &Arc<Access>) {
        let empty = access.objects.is_empty() && access.rules.is_empty();
        if let Some(record) = &mut self.record
            && !empty
            && !record.access.iter().any(|known| Arc::ptr_eq(known, access))
        {
            record.access.push(access.clone());
        }
    }

    /// The statement is over.
    pub(super) fn audit_done(&mut self, done: Result<&Done, &Error>) {
        match done {
            Ok(Done::Tag(tag)) => {
                let rows = tag.rsplit(' ').next().and_then(|word| word.parse().ok());
                self.audit_finish(Outcome::Ok, rows.unwrap_or(self.meter.rows));
            }
            Ok(Done::Suspended) => self.audit_finish(Outcome::Ok, self.meter.rows),
            Err(error) => self.audit_failed(error),
        }
    }

    /// A part of a statement is over that is recorded only if it failed.
    pub(super) fn audit_part<T>(&mut self, done: &Result<T>) {
        match done {
            Ok(_) => self.record = None,
            Err(error) => self.audit_failed(error),
        }
    }

    fn audit_failed(&mut self, error: &Error) {
        if let Some(asked) = &error.report().asked {
            self.audit_access(asked);
        }
        let outcome = outcome(error, self.gateway.audit.literals());
        self.audit_finish(outcome, self.meter.rows);
    }

    /// The implicit transaction was not committed at Sync.
    pub(super) fn audit_commit(&mut self, error: &Error) {
        self.audit_event(Event::Commit);
        self.audit_failed(error);
    }

    fn audit_finish(&mut self, outcome: Outcome, rows: u64) {
        let Some(Pending { event, at, since, text, access }) = self.record.take() else { return };
        let audit = &self.gateway.audit;
        let state = self.shared.state.lock();
        let role = state.snapshot.role_by_oid(state.role).map_or_else(|| "".into(), |role| role.name.clone());
        let application = state.settings.acting().application_name.clone();
        drop(state);
        let duration = match event {
            Event::Logout => self.shared.backend_start.elapsed().unwrap_or_default(),
            Event::Login | Event::Statement | Event::Commit | Event::Gap => since.elapsed(),
        };
        let Meter { rows: _, sent, received } = self.meter;
        audit.take(Record {
            event,
            at,
            client: self.shared.client.clone(),
            role,
            application,
            digest: text.and_then(|(text, index)| text.digest(index, audit.literals())),
            access,
            rows,
            bytes_sent: sent,
            bytes_received: received,
            duration,
            outcome,
            dropped: 0,
        });
    }
}
