//! Waiting for advisory locks: before a statement, where it is plain which ones it asks for, and inside one.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::front::Front;
use super::gateway::Gateway;
use super::interrupt::Interrupt;
use super::locks::{Answer, Waiting};
use super::session::Session;
use super::shared::Shared;
use crate::engine::CancelReason;
use crate::engine::directory::{LockMode, LockScope, LockTag, SessionView as _};
use crate::error::{Error, Result, SqlState};
use crate::sql::{LockCall, LockKey, LockStep, LockTimeout, Plan};
use crate::types::{Oid, Value};

/// How often a statement that waits on its thread looks whether the lock is its own.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Locks that a statement is about to ask for, held so that it need not wait; given back when it has.
pub(super) struct Ahead {
    gateway: Arc<Gateway>,
    session: u64,
    held: Vec<(LockTag, LockMode)>,
}

impl Drop for Ahead {
    fn drop(&mut self) {
        for (tag, mode) in &self.held {
            self.gateway.locks.release(self.session, *tag, *mode, LockScope::Transaction);
        }
    }
}

impl LockCall {
    /// `None` if an argument is NULL: then nothing is locked.
    fn tag(&self, values: &[Value]) -> Option<LockTag> {
        let number = |key: &LockKey| match key {
            LockKey::Const(n) => Some(*n),
            LockKey::Param(n) => match values.get(usize::from(*n))? {
                Value::Int2(n) => Some(i64::from(*n)),
                Value::Int4(n) => Some(i64::from(*n)),
                Value::Int8(n) => Some(*n),
                _ => None,
            },
        };
        match self.keys.as_slice() {
            [key] => Some(LockTag::of_key(number(key)?)),
            [first, second] => {
                let half = |key| number(key).and_then(|n| i32::try_from(n).ok());
                Some(LockTag::of_pair(half(first)?, half(second)?))
            }
            _ => None,
        }
    }
}

impl LockTimeout {
    fn text<'a>(&'a self, values: &'a [Value]) -> Option<&'a str> {
        match self {
            Self::Const(text) => Some(text),
            Self::Param(n) => match values.get(usize::from(*n))? {
                Value::Text(text) => Some(text),
                _ => None,
            },
        }
    }
}

impl Session {
    /// Waits for the locks of a plan, without a place in the engine.
    pub(super) async fn lock_ahead(
        &mut self,
        plan: &Plan,
        values: &[Value],
        front: &mut dyn Front,
    ) -> Result<Option<Ahead>> {
        if plan.locks.is_empty() {
            return Ok(None);
        }
        let gateway = self.gateway.clone();
        let mut ahead = Ahead { gateway: gateway.clone(), session: self.shared.id, held: Vec::new() };
        let shared = self.shared.clone();
        let owner = shared.owner();
        for step in &plan.locks {
            let call = match step {
                LockStep::Take(call) => call,
                // Said now, since it is now that the locks are waited for; the statement says it once more.
                LockStep::Patience { timeout, local } => {
                    if let Some(timeout) = timeout.text(values) {
                        shared.set_config("lock_timeout", Some(timeout), *local)?;
                    }
                    continue;
                }
            };
            let Some(tag) = call.tag(values) else { continue };
            match gateway.locks.request(owner, tag, call.mode, LockScope::Transaction, true)? {
                Answer::Granted => {}
                Answer::Refused => continue,
                Answer::Wait(mut waiting) => wait_turn(waiting.turn(), &shared, self.deadline, &mut *front).await?,
            }
            ahead.held.push((tag, call.mode));
        }
        Ok(Some(ahead))
    }
}

/// Waits for a place in line to come up, until the session is to stop or has waited long enough.
pub(super) async fn wait_turn(
    turn: impl Future<Output = ()>,
    shared: &Shared,
    deadline: Option<Instant>,
    front: &mut dyn Front,
) -> Result<()> {
    let limit = shared.state.lock().settings.acting().lock_timeout.map(|limit| Instant::now() + limit);
    let until = async |at: Option<Instant>| match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    };
    tokio::select! {
        biased;
        () = turn => Ok(()),
        error = shared.interrupt.cancelled() => Err(error),
        () = front.gone() => Err(CancelReason::ClientGone.error()),
        () = until(limit) => Err(CancelReason::LockTimeout.error()),
        () = until(deadline) => Err(CancelReason::StatementTimeout.error()),
    }
}

/// Counts the threads that wait for a lock.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Gateway {
    /// Waits on this thread, inside a statement, while another statement may run in its place.
    pub(super) fn wait_for_lock(
        &self,
        mut waiting: Waiting<'_>,
        limit: Option<Duration>,
        (interrupt, role): (&Interrupt, Oid),
    ) -> Result<()> {
        let place = Place(&self.lock_waiters);
        if place.0.fetch_add(1, Ordering::SeqCst) >= self.limits().lock_waiters {
            return Err(Error::new(SqlState::TOO_MANY_CONNECTIONS, "too many statements wait for advisory locks")
                .hint("Write SELECT pg_advisory_lock(…) with a number or a parameter and without FROM, or raise limits.lock_waiters."));
        }
        let _another = self.engine().give_way(role);
        let end = limit.map(|limit| Instant::now() + limit);
        while !waiting.is_granted() {
            if let Some(error) = interrupt.stopping() {
                return Err(error);
            }
            if end.is_some_and(|end| Instant::now() >= end) {
                return Err(CancelReason::LockTimeout.error());
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }
}
