//! A queue of records, and the thread that writes what is in it to a sink.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;

use super::super::METRICS;
use super::bound::weight;
use super::{Client, Event, Full, Outcome, Record};

/// How long the thread rests after the sink has failed, before it tries the same records again.
const RETRY: Duration = Duration::from_secs(1);

/// What is written in one go, in bytes: less than the memory that a sink has.
const BATCH_BYTES: usize = 8 << 20;

/// Where records go.
pub(super) trait Writer: Send {
    /// These come next.
    fn take(&mut self, batch: &[Arc<Record>]);
    /// Writes what is left of them.
    fn write(&mut self) -> Result<(), String>;
    /// What is left of them is not to be written.
    fn give_up(&mut self);
    /// Somebody else has put its files aside.
    fn reopen(&mut self) {}
}

/// How records are written together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// At most so many in one go.
    pub batch: usize,
    /// How long the first waits for others.
    pub linger: Duration,
}

pub(super) struct Queue {
    state: Mutex<State>,
    /// Held while a batch is being written and until it does not wait any more, so that who reads finds each record once.
    writing: Mutex<()>,
    arrived: Condvar,
    /// Told when there is a whole batch.
    enough: Condvar,
    /// Told when records have been written, and at the end.
    written: Condvar,
    room: Notify,
    limit: usize,
    full: Full,
    pace: Pace,
}

#[derive(Default)]
struct State {
    records: VecDeque<Arc<Record>>,
    /// Being written: they count for the room.
    at_work: Vec<Arc<Record>>,
    /// Dropped since the last gap was told.
    dropped: u64,
    reopen: bool,
    closed: bool,
}

impl State {
    fn waiting(&self) -> usize {
        self.records.len() + self.at_work.len()
    }
}

impl Queue {
    /// Starts the thread, which is called `name`.
    pub fn start(name: &str, limit: usize, full: Full, pace: Pace, mut sink: Box<dyn Writer>) -> io::Result<Arc<Self>> {
        let limit = limit.max(1);
        let queue = Arc::new(Self {
            state: Mutex::default(),
            writing: Mutex::default(),
            arrived: Condvar::new(),
            enough: Condvar::new(),
            written: Condvar::new(),
            room: Notify::new(),
            limit,
            full,
            pace: Pace { batch: pace.batch.min(limit), ..pace },
        });
        let own = queue.clone();
        std::thread::Builder::new().name(name.into()).spawn(move || own.run(&mut *sink))?;
        Ok(queue)
    }

    pub fn has_room(&self) -> bool {
        self.full == Full::Drop || self.state.lock().waiting() < self.limit
    }

    pub async fn room(&self) {
        loop {
            let told = self.room.notified();
            tokio::pin!(told);
            // Registers before the look, so that room made between the two is not missed.
            told.as_mut().enable();
            if self.has_room() {
                return;
            }
            told.await;
        }
    }

    pub fn push(&self, record: Arc<Record>) {
        let mut state = self.state.lock();
        if self.full == Full::Drop && state.waiting() >= self.limit {
            state.dropped += 1;
            METRICS.audit_dropped.increment();
            return;
        }
        state.records.push_back(record);
        let enough = state.records.len() == self.pace.batch;
        drop(state);
        self.arrived.notify_one();
        if enough {
            self.enough.notify_one();
        }
    }

    /// What `begin` finds written, and all that is not.
    pub fn read<T>(&self, begin: impl FnOnce() -> T) -> (T, Vec<Arc<Record>>) {
        let writing = self.writing.lock();
        let found = begin();
        let state = self.state.lock();
        drop(writing);
        (found, state.at_work.iter().chain(&state.records).cloned().collect())
    }

    pub fn reopen(&self) {
        self.state.lock().reopen = true;
        self.arrived.notify_one();
    }

    pub fn close(&self, until: Instant) -> bool {
        let mut state = self.state.lock();
        state.closed = true;
        self.arrived.notify_one();
        self.enough.notify_one();
        // A gap is to be told, too.
        while state.waiting() > 0 || state.dropped > 0 {
            if self.written.wait_until(&mut state, until).timed_out() {
                return false;
            }
        }
        true
    }

    fn run(&self, sink: &mut dyn Writer) {
        while let Some((batch, reopen)) = self.next() {
            if reopen {
                sink.reopen();
            }
            if batch.is_empty() {
                continue;
            }
            sink.take(&batch);
            self.write(sink, &batch);
            self.room.notify_waiters();
            self.written.notify_all();
        }
    }

    /// What is to be written next; `None` at the end.
    fn next(&self) -> Option<(Vec<Arc<Record>>, bool)> {
        let mut state = self.state.lock();
        loop {
            let reopen = std::mem::take(&mut state.reopen);
            if state.dropped > 0 && state.records.len() < self.limit {
                let dropped = std::mem::take(&mut state.dropped);
                state.records.push_back(Arc::new(gap(dropped)));
            }
            if reopen || !state.records.is_empty() {
                let until = Instant::now() + self.pace.linger;
                while !reopen && !state.closed && state.records.len() < self.pace.batch {
                    if self.enough.wait_until(&mut state, until).timed_out() {
                        break;
                    }
                }
                let count = together(&state.records).min(self.pace.batch);
                let batch: Vec<_> = state.records.drain(..count).collect();
                state.at_work.clone_from(&batch);
                return Some((batch, reopen));
            }
            if state.closed {
                return None;
            }
            self.arrived.wait(&mut state);
        }
    }

    /// Writes the batch; what fails is tried again until it succeeds, or given up if records may be dropped.
    fn write(&self, sink: &mut dyn Writer, batch: &[Arc<Record>]) {
        let mut told = false;
        loop {
            let writing = self.writing.lock();
            let problem = match sink.write() {
                Ok(()) => {
                    self.state.lock().at_work.clear();
                    return;
                }
                Err(problem) => problem,
            };
            drop(writing);
            METRICS.audit_failures.increment();
            if !told {
                tracing::error!(problem, "the audit cannot be written");
                told = true;
            }
            if self.full == Full::Drop {
                let lost = batch.iter().filter(|record| record.event != Event::Gap).count() as u64;
                METRICS.audit_dropped.add(lost);
                let told: u64 = batch.iter().map(|record| record.dropped).sum();
                sink.give_up();
                let mut state = self.state.lock();
                state.at_work.clear();
                state.dropped += lost + told;
                let pause = if state.closed { RETRY / 10 } else { RETRY };
                drop(state);
                std::thread::sleep(pause);
                return;
            }
            let mut state = self.state.lock();
            if state.closed {
                // close() waits as long as it was told to; the process ends then.
                drop(state);
                std::thread::sleep(RETRY / 10);
            } else {
                self.arrived.wait_for(&mut state, RETRY);
            }
        }
    }
}

/// How many of the first are written in one go: one at least.
fn together(records: &VecDeque<Arc<Record>>) -> usize {
    let mut bytes = 0;
    let fits = |record: &&Arc<Record>| {
        bytes += weight(record);
        bytes <= BATCH_BYTES
    };
    records.iter().take_while(fits).count().max(1).min(records.len())
}

fn gap(dropped: u64) -> Record {
    Record {
        event: Event::Gap,
        at: SystemTime::now(),
        client: Arc::new(Client { pid: 0, user: "".into(), database: "".into(), address: None, tls: false }),
        role: "".into(),
        application: "".into(),
        digest: None,
        access: Vec::new(),
        rows: 0,
        bytes_sent: 0,
        bytes_received: 0,
        duration: Duration::ZERO,
        outcome: Outcome::Ok,
        dropped,
    }
}
