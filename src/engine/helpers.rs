//! DuckDB's worker threads. They are ours, so that they help only statements that go on for a while.
//!
//! A worker of DuckDB's own wakes up for every statement and takes its work to another core. For a statement of a tenth of
//! a millisecond that costs more than it helps: here it is carried out where it was planned. Only when it has gone on for
//! [`ALONE`] the helpers come, and stay until nobody needs them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::patience::Patience;
use super::raw::Database;

/// How long a statement runs alone. What takes longer than [`PLANNING`] to plan is not short to run.
pub(super) const ALONE: Patience = Patience { work: Duration::from_micros(300), wall: Duration::from_millis(2) };
pub(super) const PLANNING: Patience = Patience { work: Duration::from_millis(1), wall: Duration::from_millis(5) };
/// DuckDB counts a signal for each task, also for those that no helper has waited for; a helper looks at them one by one.
/// So that they do not pile up, the helpers are called for every so manieth statement.
const DRAIN_EVERY: u32 = 4096;
/// A helper that nobody has called for so long gives back the memory that it keeps for its next task, as DuckDB's own
/// threads do. Right after each task it would cost more than most tasks: what is given back is soon asked for again.
const REST: Duration = Duration::from_millis(500);
/// As DuckDB's own threads have it; Rust's default is less.
const STACK: usize = 8 << 20;

pub(super) struct Helpers {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    called: Condvar,
    alone: AtomicU32,
}

#[derive(Default)]
struct State {
    /// Who needs help.
    callers: usize,
    /// Helpers that have come.
    at_work: usize,
    closing: bool,
}

/// The helpers are at work for as long as it lives.
pub(super) struct Help(Arc<Shared>);

impl Helpers {
    pub fn start(database: &Arc<Database>, count: usize) -> std::io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let helpers = Self { shared: Arc::clone(&shared), threads: Mutex::default() };
        for _ in 0..count {
            let (shared, database) = (Arc::clone(&shared), Arc::clone(database));
            let thread = std::thread::Builder::new().name("duckdb-helper".into()).stack_size(STACK);
            helpers.threads.lock().push(thread.spawn(move || help(&shared, &database))?);
        }
        Ok(helpers)
    }

    pub fn call(&self) -> Help {
        let mut state = self.shared.state.lock();
        state.callers += 1;
        if state.callers == 1 {
            self.shared.called.notify_all();
        }
        Help(Arc::clone(&self.shared))
    }

    /// A statement begins that may do without help; every so manieth gets it all the same.
    pub fn pass(&self) -> Option<Help> {
        let passed = self.shared.alone.fetch_add(1, Ordering::Relaxed);
        (passed % DRAIN_EVERY == DRAIN_EVERY - 1).then(|| self.call())
    }

    /// Sends the helpers away for good, and waits until they are gone. From here on everybody runs alone.
    pub fn close(&self) {
        {
            let mut state = self.shared.state.lock();
            state.closing = true;
            self.shared.called.notify_all();
        }
        for thread in std::mem::take(&mut *self.threads.lock()) {
            // One that panicked is gone too.
            let _ = thread.join();
        }
    }
}

impl Drop for Helpers {
    fn drop(&mut self) {
        self.close();
    }
}

impl Drop for Help {
    fn drop(&mut self) {
        // A helper that waits for a task looks soon whether there is still somebody to help.
        self.0.state.lock().callers -= 1;
    }
}

/// A helper's life.
fn help(shared: &Shared, database: &Arc<Database>) {
    let mut state = shared.state.lock();
    // It has memory to give back.
    let mut loaded = false;
    while !state.closing {
        if state.callers > 0 {
            state.at_work += 1;
            while state.callers > 0 && !state.closing {
                MutexGuard::unlocked(&mut state, || database.execute_task());
            }
            state.at_work -= 1;
            loaded = true;
        } else if !loaded {
            shared.called.wait(&mut state);
        } else if shared.called.wait_for(&mut state, REST).timed_out() && state.callers == 0 {
            MutexGuard::unlocked(&mut state, || database.give_back_memory());
            loaded = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_work(helpers: &Helpers) -> usize {
        helpers.shared.state.lock().at_work
    }

    fn wait_for(helpers: &Helpers, count: usize) {
        for _ in 0..5000 {
            if at_work(helpers) == count {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("{} helpers at work, {count} are expected", at_work(helpers));
    }

    #[test]
    fn helpers_work_while_somebody_needs_them() {
        let settings = [("threads", "3".to_string()), ("external_threads", "3".to_string())];
        let database = Database::open(None, &settings).unwrap();
        let helpers = Helpers::start(&database, 2).unwrap();
        wait_for(&helpers, 0);
        for _ in 0..20 {
            let (one, other) = (helpers.call(), helpers.call());
            wait_for(&helpers, 2);
            drop(one);
            assert_eq!(at_work(&helpers), 2);
            drop(other);
            wait_for(&helpers, 0);
        }
        let _help = helpers.call();
        helpers.close();
        assert_eq!(at_work(&helpers), 0);
    }

    #[test]
    fn signals_that_nobody_waited_for_are_drained_now_and_then() {
        let database = Database::open(None, &[]).unwrap();
        let helpers = Helpers::start(&database, 0).unwrap();
        let given = (0..DRAIN_EVERY * 3).filter(|_| helpers.pass().is_some()).count();
        assert_eq!(given, 3);
    }
}
