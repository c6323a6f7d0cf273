//! What must not fail for want of memory: COMMIT, ROLLBACK, checkpoints.
//!
//! DuckDB has one limit for everything that runs. A ROLLBACK or a checkpoint that finds nothing left makes it give the database
//! up, and a COMMIT may leave rows behind that were refused, or columns of unequal length. So where memory may get short, these run
//! without the limit. What statements take meanwhile that is not theirs they are stopped for: under their own limit they would have
//! found no memory either.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use duckdb::ffi;
use parking_lot::{Condvar, Mutex, MutexGuard};

use super::control::Control;
use super::error::Translate;
use super::raw::{Database, RawConnection};
use super::{Cancel, CancelReason, budget};
use crate::error::{Error, Result};

/// DuckDB's limit while there is none, in bytes.
const NONE: u64 = 1 << 50;
/// What statements may take meanwhile, in bytes, if it is more than half of what they may have.
const LEAST: u64 = 128 << 20;
/// How often they are stopped: those that begin then are not to be stopped for what others still give back.
const SELDOM: Duration = Duration::from_millis(250);
/// How often it is looked whether who is at work needs more, and what statements take meanwhile; and for how long after.
const AGAIN: Duration = Duration::from_millis(5);
const WATCHED: Duration = Duration::from_secs(1);
/// How long they may have more than is theirs when nobody needs it any more, and how long who needs it waits for them to give it back.
const PATIENCE: Duration = Duration::from_millis(20);
const WAITED: Duration = Duration::from_millis(500);

pub(super) struct Reserve(Arc<Inner>);

struct Inner {
    /// What statements may have, in bytes, and what they may take beside it for a moment.
    limit: u64,
    beside: u64,
    /// Changes the limit; `None` when the database is being closed.
    own: Mutex<Option<RawConnection>>,
    state: Mutex<State>,
    changed: Condvar,
    statements: Mutex<Vec<Weak<Control>>>,
    stopped: Mutex<Option<Instant>>,
}

#[derive(Default)]
struct State {
    /// How many are at work that must not fail, and whether there were any since it was looked last.
    users: usize,
    used: bool,
    /// There is no limit.
    raised: bool,
    /// When it was last seen whether statements hold much.
    seen: Option<(Instant, bool)>,
    /// The thread waits to be woken.
    idle: bool,
    closing: bool,
}

/// What must not fail is at work while this lives.
pub(super) struct Taken<'a>(&'a Inner);

impl Reserve {
    pub fn open(database: &Arc<Database>, memory_limit: u64) -> Result<Self> {
        let limit = budget::of_duckdb(memory_limit);
        let inner = Arc::new(Inner {
            limit,
            beside: (limit / 2).max(LEAST),
            own: Mutex::new(Some(RawConnection::open(database).translated()?)),
            state: Mutex::default(),
            changed: Condvar::new(),
            statements: Mutex::default(),
            stopped: Mutex::default(),
        });
        let thread = std::thread::Builder::new().name("reserve".into());
        let lived = Arc::clone(&inner);
        thread.spawn(move || lived.live()).map_err(Error::internal)?;
        Ok(Self(inner))
    }

    /// Whose statements are stopped when they hold too much.
    pub fn watch(&self, statements: &Arc<Control>) {
        let mut all = self.0.statements.lock();
        if all.len() == all.capacity() {
            all.retain(|one| one.strong_count() > 0);
        }
        all.push(Arc::downgrade(statements));
    }

    /// As [`Self::take`], for what is not done often and ends the gateway where it fails: without asking.
    pub fn take_whole(&self) -> Taken<'_> {
        let taken = self.take();
        let mut state = self.0.state.lock();
        if !state.raised {
            state.raised = self.0.set(NONE);
        }
        drop(state);
        taken
    }

    /// What must not fail begins. Waits while statements have not given back what they took when it was needed last.
    pub fn take(&self) -> Taken<'_> {
        let Self(inner) = self;
        let mut state = inner.state.lock();
        let asked = Instant::now();
        while state.raised && state.users == 0 && !state.closing && !inner.lower(&mut state) && asked.elapsed() < WAITED
        {
            MutexGuard::unlocked(&mut state, || inner.stop_all());
            inner.changed.wait_for(&mut state, AGAIN);
        }
        (state.users, state.used) = (state.users + 1, true);
        inner.raise_if_short(&mut state);
        if state.idle {
            inner.changed.notify_all();
        }
        Taken(inner)
    }

    /// The database is being closed: from here on there is nothing to take.
    pub fn close(&self) {
        self.0.state.lock().closing = true;
        self.0.changed.notify_all();
        drop(self.0.own.lock().take());
    }
}

impl Drop for Reserve {
    fn drop(&mut self) {
        self.close();
    }
}

impl Inner {
    /// Lifts the limit if statements hold more than a quarter of what they may, because they can take as much again in no time: what
    /// they let DuckDB write to disk is counted too, what is only kept of the file is not.
    fn raise_if_short(&self, state: &mut State) {
        // To ask the machine costs next to nothing.
        if state.raised || resident().is_some_and(|resident| resident < self.limit / 4) {
            return;
        }
        let short = match state.seen {
            Some((at, short)) if at.elapsed() < AGAIN => short,
            _ => {
                let short = self.held().is_none_or(|held| held > self.limit / 4);
                state.seen = Some((Instant::now(), short));
                short
            }
        };
        state.raised = short && self.set(NONE);
    }

    /// False if statements hold more than they may.
    fn lower(&self, state: &mut State) -> bool {
        state.raised &= !self.set(self.limit);
        !state.raised
    }

    /// The bytes that statements hold: what is only kept of the file's blocks can be given up. `None` if that cannot be told.
    fn held(&self) -> Option<u64> {
        let own = self.own.lock();
        let sql = "SELECT sum(memory_usage_bytes)::UBIGINT FROM duckdb_memory() WHERE tag <> 'BASE_TABLE'";
        let mut result = own.as_ref()?.prepare(sql).and_then(|query| query.execute()).ok()?;
        let chunk = result.fetch().ok()??;
        // SAFETY: a live chunk with one row, of one column of this type, which is not NULL: it sums over a fixed list of tags.
        Some(unsafe { *ffi::duckdb_vector_get_data(chunk.vector(0)).cast::<u64>() })
    }

    /// Sets DuckDB's limit; not below what is in use and cannot be given up.
    fn set(&self, limit: u64) -> bool {
        let own = self.own.lock();
        own.as_ref().is_none_or(|own| own.run(&format!("SET memory_limit = '{limit}B'")).is_ok())
    }

    /// The life of the thread that watches who is at work, and sets the limit again.
    fn live(&self) {
        let mut overdrawn: Option<Instant> = None;
        let mut watched = Instant::now();
        let mut state = self.state.lock();
        while !state.closing {
            if std::mem::take(&mut state.used) || state.users > 0 || state.raised {
                watched = Instant::now();
            }
            if watched.elapsed() > WATCHED {
                state.idle = true;
                self.changed.wait(&mut state);
                state.idle = false;
                continue;
            }
            self.changed.wait_for(&mut state, AGAIN);
            if state.closing {
                return;
            }
            let stop = if state.users > 0 {
                overdrawn = None;
                self.raise_if_short(&mut state);
                state.raised && self.held().is_none_or(|held| held > self.limit + self.beside)
            } else if !state.raised || self.lower(&mut state) {
                overdrawn = None;
                false
            } else {
                overdrawn.get_or_insert_with(Instant::now).elapsed() > PATIENCE
            };
            if stop {
                overdrawn = None;
                MutexGuard::unlocked(&mut state, || self.stop_all());
            }
        }
    }

    fn stop_all(&self) {
        {
            let mut stopped = self.stopped.lock();
            if stopped.is_some_and(|at| at.elapsed() < SELDOM) {
                return;
            }
            *stopped = Some(Instant::now());
        }
        tracing::warn!(
            "statements hold more memory than they may while a COMMIT or a checkpoint needs some: they are stopped"
        );
        let all: Vec<_> = self.statements.lock().iter().filter_map(Weak::upgrade).collect();
        for statement in all {
            statement.cancel(CancelReason::OutOfMemory);
        }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.users -= 1;
        if state.users == 0 && state.raised {
            // If they hold too much, it is tried again.
            self.0.lower(&mut state);
        }
    }
}

/// The bytes of memory that this process has; `None` where the machine does not tell.
fn resident() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * page_size())
}

fn page_size() -> u64 {
    // SAFETY: asks for a number that does not change.
    u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}
