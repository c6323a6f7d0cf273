//! Locks: who holds which, who waits in line, and who waits for whom (PostgreSQL's lock.c and deadlock.c). Advisory locks,
//! tables and rows.
//!
//! They are the gateway's own: DuckDB knows nothing of them. Whoever releases a lock hands it to those who wait first.

mod state;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use self::state::{Grant, Ledger, State, Waiter};
use crate::engine::directory::{LockMode, LockRow, LockScope, LockTag};
use crate::error::{Error, Result, SqlState};
use crate::types::Oid;

/// All locks of a gateway.
pub struct Locks {
    state: Mutex<State>,
    /// Tables that nobody else may even read, or that somebody waits for to be so.
    shut: AtomicUsize,
    /// How many advisory locks one session may hold or wait for, and how many rows.
    limit: usize,
    row_limit: usize,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    pub session: u64,
    pub pid: i32,
}

/// A moment in what a session has locked: what came later can be given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place(u64);

/// What is given back to a [`Place`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// What the transaction has locked: ROLLBACK TO.
    Savepoint,
    /// All of it: a statement is begun anew.
    Attempt,
}

/// What came of a request.
pub enum Answer<'a> {
    Granted,
    /// Somebody has it, and the caller did not want to wait.
    Refused,
    Wait(Waiting<'a>),
}

/// A place in line. Dropped before it was granted, it is given up.
pub struct Waiting<'a> {
    locks: &'a Locks,
    grant: Grant,
    who: Owner,
    ticket: u64,
    granted: oneshot::Receiver<()>,
    /// The lock is the caller's, and stays.
    taken: bool,
}

impl Waiting<'_> {
    /// True once the lock is the caller's.
    pub fn is_granted(&mut self) -> bool {
        self.taken |= self.granted.try_recv().is_ok();
        self.taken
    }

    /// Waits for its turn. Cancel-safe.
    pub async fn turn(&mut self) {
        if !self.taken {
            // The sender is dropped without a word only when the line is, with this place in it.
            self.taken = (&mut self.granted).await.is_ok();
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.taken {
            return;
        }
        let mut state = self.locks.state.lock();
        let Grant { tag, .. } = self.grant;
        if !state.give_up(tag, self.ticket) {
            // It was granted and nobody has noticed.
            state.release(self.who.session, self.grant);
        }
        state.settle(tag);
        state.forget(self.who.session, tag);
        self.locks.count(&state);
    }
}

impl Locks {
    /// `limit`: how many advisory locks one session may hold or wait for; `row_limit`: how many rows.
    pub fn new(limit: usize, row_limit: usize) -> Self {
        Self { state: Mutex::default(), shut: AtomicUsize::new(0), limit, row_limit }
    }

    fn count(&self, state: &State) {
        self.shut.store(state.shut(), Ordering::SeqCst);
    }

    /// True if somebody keeps even readers from the table, or waits to: who reads has to ask. (Who need not has read before.)
    pub fn is_shut(&self, table: Oid) -> bool {
        self.shut.load(Ordering::SeqCst) > 0 && self.state.lock().is_shut(table)
    }

    fn check_limit(&self, tag: LockTag, own: Option<&Ledger>) -> Result<()> {
        let (count, limit, hint) = match tag {
            LockTag::Key { .. } => (
                own.map_or(0, Ledger::keys),
                self.limit,
                "limits.advisory_locks sets how many advisory locks a session may hold.",
            ),
            LockTag::Row(..) => {
                (own.map_or(0, Ledger::rows), self.row_limit, "limits.row_locks sets how many rows a session may lock.")
            }
            LockTag::Relation(_) | LockTag::Rows(_) | LockTag::Object(_) | LockTag::Name(_) => return Ok(()),
        };
        if count < limit || own.is_some_and(|own| own.knows(tag)) {
            return Ok(());
        }
        Err(Error::new(SqlState::OUT_OF_MEMORY, "out of shared memory").hint(hint))
    }

    /// Asks for a lock. An advisory one that is held already is held once more. 40P01 if waiting for it would never end.
    pub fn request(
        &self,
        who: Owner,
        tag: LockTag,
        mode: LockMode,
        scope: LockScope,
        wait: bool,
    ) -> Result<Answer<'_>> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if !matches!(tag, LockTag::Key { .. }) && state.has(who.session, tag, mode) {
            return Ok(Answer::Granted);
        }
        self.check_limit(tag, state.of_session.get(&who.session))?;
        let grant = Grant { tag, mode, scope };
        if state.grant_at_once(who, grant) {
            self.count(state);
            return Ok(Answer::Granted);
        }
        if !wait {
            return Ok(Answer::Refused);
        }
        let (sender, granted) = oneshot::channel();
        let waiter = Waiter { ticket: 0, who, mode, scope, since: SystemTime::now(), jumps: false, granted: sender };
        let ticket = state.stand_in_line(tag, waiter);
        if let Err(error) = state.avoid_deadlock(who, (tag, ticket)) {
            state.give_up(tag, ticket);
            state.settle(tag);
            state.forget(who.session, tag);
            self.count(state);
            return Err(error);
        }
        self.count(state);
        Ok(Answer::Wait(Waiting { locks: self, grant, who, ticket, granted, taken: false }))
    }

    /// Gives a lock back once; false if the session does not hold it so.
    pub fn release(&self, session: u64, tag: LockTag, mode: LockMode, scope: LockScope) -> bool {
        let mut state = self.state.lock();
        let held = state.release(session, Grant { tag, mode, scope });
        state.settle(tag);
        self.count(&state);
        held
    }

    fn release_all(&self, session: u64, since: Place, scopes: &[LockScope]) {
        let mut state = self.state.lock();
        let Some(own) = state.of_session.get(&session) else { return };
        for grant in own.grants(since, scopes) {
            state.release(session, grant);
            state.settle(grant.tag);
        }
        self.count(&state);
    }

    /// pg_advisory_unlock_all() and the session's end: what it holds beyond its transaction is given back.
    pub fn release_session(&self, session: u64) {
        self.release_all(session, Place(0), &[LockScope::Session]);
    }

    /// What the transaction has done is committed, and its locks are still to be given back: the rows that it holds may be others now.
    pub fn remember(&self, session: u64) {
        self.state.lock().remember(session);
    }

    /// The transaction has ended; `committed`: the rows that it held may be others now.
    pub fn release_transaction(&self, session: u64, committed: bool) {
        if committed {
            self.remember(session);
        }
        self.release_all(session, Place(0), &[LockScope::Transaction]);
    }

    /// A moment to compare changes of rows with; taken before a transaction's snapshot.
    pub fn now(&self) -> u64 {
        self.state.lock().now()
    }

    /// Whether a row that is locked now may have been changed since that moment: by one who held it, or one who did not say
    /// which rows it changed.
    pub fn changed_since(&self, row: LockTag, moment: u64) -> bool {
        self.state.lock().changed_since(row, moment)
    }

    /// Whether the session holds the lock in just this mode.
    pub fn holds(&self, session: u64, tag: LockTag, mode: LockMode) -> bool {
        self.state.lock().has(session, tag, mode)
    }

    /// Whether somebody who held this lock of one row has committed since that moment.
    pub fn taken_since(&self, row: LockTag, moment: u64) -> bool {
        self.state.lock().taken_since(row, moment)
    }

    /// Where the session is in what it locks, for a savepoint or a statement that may be begun anew.
    pub fn mark(&self, session: u64) -> Place {
        self.state.lock().of_session.get(&session).map_or(Place(0), Ledger::next)
    }

    /// Gives back what the session has locked since then.
    pub fn release_since(&self, session: u64, place: Place, what: Since) {
        let scopes: &[LockScope] = match what {
            Since::Savepoint => &[LockScope::Transaction],
            Since::Attempt => &[LockScope::Transaction, LockScope::Session],
        };
        self.release_all(session, place, scopes);
    }

    /// pg_blocking_pids(): whom a process waits for, those before it in line included.
    pub fn blocking(&self, pid: i32) -> Vec<i32> {
        self.state.lock().blocking(pid)
    }

    /// pg_locks.
    pub fn rows(&self) -> Vec<LockRow> {
        self.state.lock().rows()
    }
}
