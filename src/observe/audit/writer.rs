//! The sink: a queue, and the thread that writes what is in it as JSON lines, to a file that rotates and to standard output.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;

use super::super::METRICS;
use super::{Client, Event, Full, Outcome, Record, Settings, Sink};

/// How long the thread rests after the sink has failed, before it tries the same records again.
const RETRY: Duration = Duration::from_secs(1);
/// Records that are written in one go at most.
const BATCH: usize = 1024;

pub(super) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
    /// Told when records have been written, and at the end.
    written: Condvar,
    room: Notify,
    limit: usize,
    full: Full,
}

#[derive(Default)]
struct State {
    records: VecDeque<Arc<Record>>,
    /// Being written: they count for the room.
    at_work: usize,
    /// Dropped since the last gap was told.
    dropped: u64,
    reopen: bool,
    closed: bool,
}

impl Queue {
    pub fn open(settings: &Settings) -> io::Result<Arc<Self>> {
        let outputs = settings.sinks.iter().map(Output::open).collect::<io::Result<Vec<_>>>()?;
        let queue = Arc::new(Self {
            state: Mutex::default(),
            arrived: Condvar::new(),
            written: Condvar::new(),
            room: Notify::new(),
            limit: settings.queue.max(1),
            full: settings.full,
        });
        let own = queue.clone();
        std::thread::Builder::new().name("audit".into()).spawn(move || own.run(outputs))?;
        Ok(queue)
    }

    pub fn has_room(&self) -> bool {
        let state = self.state.lock();
        self.full == Full::Drop || state.records.len() + state.at_work < self.limit
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
        if self.full == Full::Drop && state.records.len() + state.at_work >= self.limit {
            state.dropped += 1;
            METRICS.audit_dropped.increment();
            return;
        }
        state.records.push_back(record);
        drop(state);
        self.arrived.notify_one();
    }

    pub fn reopen(&self) {
        self.state.lock().reopen = true;
        self.arrived.notify_one();
    }

    pub fn close(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let mut state = self.state.lock();
        state.closed = true;
        self.arrived.notify_one();
        while !state.records.is_empty() || state.at_work > 0 {
            if self.written.wait_until(&mut state, until).timed_out() {
                return false;
            }
        }
        true
    }

    fn run(&self, mut outputs: Vec<Output>) {
        loop {
            let (batch, reopen) = match self.next() {
                Some(next) => next,
                None => return,
            };
            if reopen {
                outputs.iter_mut().for_each(Output::reopen);
            }
            if batch.is_empty() {
                continue;
            }
            let mut text = String::new();
            for record in &batch {
                text.push_str(&super::json::line(record));
                text.push('\n');
            }
            outputs.iter_mut().for_each(|output| output.pending = text.as_bytes().to_vec());
            self.write(&mut outputs, &batch);
            let mut state = self.state.lock();
            state.at_work = 0;
            drop(state);
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
                let count = state.records.len().min(BATCH);
                let batch: Vec<_> = state.records.drain(..count).collect();
                state.at_work = batch.len();
                return Some((batch, reopen));
            }
            if state.closed {
                return None;
            }
            self.arrived.wait(&mut state);
        }
    }

    /// Writes to every output; what fails is tried again until it succeeds, or given up if records may be dropped.
    fn write(&self, outputs: &mut [Output], batch: &[Arc<Record>]) {
        let mut told = false;
        loop {
            let failed: Vec<io::Error> = outputs.iter_mut().filter_map(|output| output.write().err()).collect();
            let Some(error) = failed.first() else { return };
            METRICS.audit_failures.increment();
            if !told {
                tracing::error!(%error, "the audit cannot be written");
                told = true;
            }
            if self.full == Full::Drop {
                let lost = batch.iter().filter(|record| record.event != Event::Gap).count() as u64;
                METRICS.audit_dropped.add(lost);
                let told: u64 = batch.iter().map(|record| record.dropped).sum();
                outputs.iter_mut().for_each(|output| output.pending.clear());
                let mut state = self.state.lock();
                state.dropped += lost + told;
                let closed = state.closed;
                drop(state);
                if !closed {
                    std::thread::sleep(RETRY);
                }
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

/// One place where lines go.
struct Output {
    to: Option<Kept>,
    /// What is still to be written of the batch.
    pending: Vec<u8>,
}

/// A file, and what becomes of it.
struct Kept {
    path: PathBuf,
    rotate: u64,
    keep: usize,
    file: Option<File>,
    size: u64,
}

impl Output {
    fn open(sink: &Sink) -> io::Result<Self> {
        let to = match sink {
            Sink::Stdout => None,
            Sink::File { path, rotate, keep } => {
                let mut kept = Kept { path: path.clone(), rotate: *rotate, keep: *keep, file: None, size: 0 };
                kept.open().map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", path.display())))?;
                Some(kept)
            }
        };
        Ok(Self { to, pending: Vec::new() })
    }

    fn reopen(&mut self) {
        if let Some(kept) = &mut self.to {
            kept.file = None;
        }
    }

    /// Writes what is pending. What was written before a failure is not written again.
    fn write(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let Some(kept) = &mut self.to else {
            let mut out = io::stdout().lock();
            write_some(&mut out, &mut self.pending)?;
            return out.flush();
        };
        if kept.size > 0 && kept.size + self.pending.len() as u64 > kept.rotate {
            kept.put_aside()?;
        }
        kept.open()?;
        let Some(file) = &mut kept.file else { return Ok(()) };
        let before = self.pending.len();
        let done = write_some(file, &mut self.pending);
        kept.size += (before - self.pending.len()) as u64;
        done
    }
}

fn write_some(out: &mut impl io::Write, pending: &mut Vec<u8>) -> io::Result<()> {
    while !pending.is_empty() {
        match out.write(pending) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => drop(pending.drain(..n)),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

impl Kept {
    fn open(&mut self) -> io::Result<()> {
        if self.file.is_some() {
            return Ok(());
        }
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        // It tells who did what: for its owner only.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&self.path)?;
        self.size = file.metadata()?.len();
        self.file = Some(file);
        Ok(())
    }

    /// `x` becomes `x.1`, that `x.2`, and so on; what is beyond those to be kept goes.
    fn put_aside(&mut self) -> io::Result<()> {
        self.file = None;
        if self.keep == 0 {
            std::fs::remove_file(&self.path)?;
        }
        for n in (1..=self.keep).rev() {
            let from = if n == 1 { self.path.clone() } else { numbered(&self.path, n - 1) };
            match std::fs::rename(&from, numbered(&self.path, n)) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                Ok(()) | Err(_) => {}
            }
        }
        self.size = 0;
        Ok(())
    }
}

fn numbered(path: &Path, n: usize) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{n}"));
    name.into()
}
