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

use super::raw::{Database, TaskState};

/// How long a statement runs alone, and how long its planning may have taken: what is longer to plan is not short to run.
pub(super) const ALONE: Duration = Duration::from_micros(300);
/// DuckDB counts a signal for each task, also for those that no helper has waited for; a helper looks at them one by one.
/// So that they do not pile up, the helpers are called for every so manieth statement.
const DRAIN_EVERY: u32 = 4096;
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
    /// What the helpers at work can be sent home by.
    at_work: Vec<Arc<TaskState>>,
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
            state.send_home();
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

impl State {
    fn send_home(&self) {
        // Each is woken by a signal that any of them may take: one that is still to work sleeps again. So all are told
        // first, and then woken once more.
        for _ in 0..2 {
            self.at_work.iter().for_each(|tasks| tasks.finish());
        }
    }
}

impl Drop for Help {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.callers -= 1;
        if state.callers == 0 {
            state.send_home();
        }
    }
}

/// A helper's life.
fn help(shared: &Shared, database: &Arc<Database>) {
    let mut state = shared.state.lock();
    while !state.closing {
        if state.callers == 0 {
            shared.called.wait(&mut state);
            continue;
        }
        let tasks = Arc::new(TaskState::new(database));
        state.at_work.push(Arc::clone(&tasks));
        MutexGuard::unlocked(&mut state, || tasks.execute());
        state.at_work.retain(|other| !Arc::ptr_eq(other, &tasks));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_work(helpers: &Helpers) -> usize {
        helpers.shared.state.lock().at_work.len()
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
