//! Checkpoints: DuckDB's file takes in what its log has gathered.
//!
//! By itself DuckDB makes them at the end of a COMMIT, which then takes as long. Here a thread of their own makes them, for which
//! there is memory ([`super::reserve`]).

use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::error::Translate;
use super::helpers::Helpers;
use super::raw::{Database, RawConnection};
use super::reserve::Reserve;
use crate::error::{Error, Result};

/// DuckDB's own checkpoints: at a log of this length, which none has.
pub(super) const NEVER: &str = "1000000GB";
/// The length in bytes at which the log is taken in: DuckDB's default.
const LONG: u64 = 16 << 20;
/// After how long it is tried again when others' transactions were in the way; twice as long each time, up to the second, while
/// nobody commits.
const AGAIN: Duration = Duration::from_millis(20);
const SELDOM: Duration = Duration::from_secs(1);

pub(super) struct Checkpoints {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    /// DuckDB's log; `None` of a database in memory.
    log: Option<PathBuf>,
    reserve: Reserve,
    state: Mutex<State>,
    changed: Condvar,
    /// One at a time.
    making: Mutex<()>,
}

#[derive(Default)]
struct State {
    due: bool,
    closing: bool,
}

/// How an attempt ended.
enum Made {
    Done,
    /// Others' transactions have changes that are not committed.
    Busy,
}

impl Checkpoints {
    /// Begins to make them, of a database that is in a file.
    pub fn start(
        path: Option<&Path>,
        memory_limit: u64,
        database: &Arc<Database>,
        helpers: &Arc<Helpers>,
    ) -> Result<Self> {
        let log = path.map(|path| {
            let mut log = path.as_os_str().to_owned();
            log.push(".wal");
            PathBuf::from(log)
        });
        let shared = Arc::new(Shared {
            reserve: Reserve::open(database, memory_limit)?,
            state: Mutex::default(),
            changed: Condvar::new(),
            making: Mutex::default(),
            log,
        });
        let thread = match shared.log {
            None => None,
            Some(_) => {
                // The database is closed when its last user is gone: this thread is not to be it.
                let (shared, database, helpers) = (Arc::clone(&shared), Arc::downgrade(database), Arc::clone(helpers));
                let thread = std::thread::Builder::new().name("checkpoints".into());
                Some(thread.spawn(move || shared.live(&database, &helpers)).map_err(Error::internal)?)
            }
        };
        Ok(Self { shared, thread: Mutex::new(thread) })
    }

    /// Something was committed: looks whether the log is long.
    pub fn committed(&self) {
        let Some(log) = &self.shared.log else { return };
        if std::fs::metadata(log).is_ok_and(|log| log.len() >= LONG) {
            let mut state = self.shared.state.lock();
            if !std::mem::replace(&mut state.due, true) {
                self.shared.changed.notify_one();
            }
        }
    }

    /// Makes one now, unless others' transactions are in the way: what they have committed is in the log, which is taken in later.
    /// Blocks.
    pub fn make(&self, database: &Arc<Database>, helpers: &Helpers) -> Result<()> {
        self.shared.make(database, helpers).map(drop)
    }

    /// Makes the last one. Blocks until the thread has ended.
    pub fn close(&self, database: &Arc<Database>, helpers: &Helpers) -> Result<()> {
        self.end();
        let done = self.shared.make(database, helpers).map(drop);
        self.shared.reserve.close();
        done
    }

    pub fn reserve(&self) -> &Reserve {
        &self.shared.reserve
    }

    fn end(&self) {
        self.shared.state.lock().closing = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.lock().take() {
            // One that panicked is gone too.
            let _ = thread.join();
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    /// The thread's life.
    fn live(&self, database: &Weak<Database>, helpers: &Helpers) {
        let mut pause = None;
        while self.wait(&mut pause) {
            let Some(database) = database.upgrade() else { return };
            match self.make(&database, helpers) {
                Ok(Made::Done) => pause = None,
                Ok(Made::Busy) => pause = pause.or(Some(AGAIN)),
                Err(error) => {
                    pause = None;
                    tracing::error!(error = %error, "no checkpoint");
                }
            }
        }
    }

    /// Waits until there is something to do; false at the end.
    fn wait(&self, pause: &mut Option<Duration>) -> bool {
        let mut state = self.state.lock();
        match pause {
            None => self.changed.wait_while(&mut state, |state| !state.due && !state.closing),
            Some(pause) => {
                let until = Instant::now() + *pause;
                // Right after a COMMIT is the moment where a writer that goes on and on has nothing open.
                while !state.closing && !state.due && !self.changed.wait_until(&mut state, until).timed_out() {}
                *pause = if state.due { AGAIN } else { (2 * *pause).min(SELDOM) };
            }
        }
        state.due = false;
        !state.closing
    }

    fn make(&self, database: &Arc<Database>, helpers: &Helpers) -> Result<Made> {
        let _making = self.making.lock();
        let _reserve = self.reserve.take_whole();
        let _help = helpers.call();
        match RawConnection::open(database).and_then(|own| own.run("CHECKPOINT")) {
            Err(error) if error.0.contains("Cannot CHECKPOINT") => Ok(Made::Busy),
            made => made.translated().map(|()| Made::Done),
        }
    }
}
