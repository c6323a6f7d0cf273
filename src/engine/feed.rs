//! Feeds: batches that a client sends, read by a statement through the table function `duckgate_feed(n)`.
//!
//! A statement over a feed is run once for each part of it (COPY's rows are independent of each other), so that no slot
//! and none of DuckDB's threads waits for a slow client. A part goes on for as long as batches come without a pause: each
//! end of one costs the threads the row groups that they have begun.
//!
//! A feed whose rows need not keep their order is read by several threads once it has turned out to be a long one: DuckDB then
//! fills row groups side by side. Each thread has to fill whole ones: what is less DuckDB copies once more, one thread
//! after the other, so that short parts would gain nothing by it.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::ffi::CString;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use arrow::record_batch::RecordBatch;
use duckdb::ffi;
use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;

use super::native::{caught, drop_box, guarded};
use super::raw::RawConnection;
use super::system::{TableFunction, output_columns, parameter, set_output};
use super::unwind;
use super::write::{Span, Texts, write};
use super::{FeedOrder, FeedWriter};
use crate::error::{Error, Result, SqlState};
use crate::types::Phys;

/// What waits to be read, in bytes, at most.
const ROOM: usize = 24 << 20;
/// A part begins when there are so many bytes for it.
const PART_BYTES: usize = 8 << 20;
/// A part ends when nothing has come for so long: a batch of wide rows may take a decoder as long.
const LULL: Duration = Duration::from_millis(50);
/// The same where others wait in line for its slot.
const SHORT_LULL: Duration = Duration::from_millis(5);
/// And after so long when others wait in line for its slot.
const TURN: Duration = Duration::from_secs(2);
/// So many bytes of a feed keep their order in any case.
const IN_ORDER: u64 = 32 << 20;
/// What a thread that loads needs of the memory limit: with less, the row groups that it compresses go beyond it.
const PER_THREAD: u64 = 256 << 20;
/// More than DuckDB has: it takes as many as there are.
const MOST_THREADS: u64 = 1024;

/// The feeds that are open, by number.
pub(super) struct Feeds {
    next: AtomicU64,
    open: Mutex<HashMap<u64, Slot>>,
    /// How many statements wait for a slot.
    queue: Arc<AtomicUsize>,
    /// There is memory for several threads that load.
    roomy: bool,
}

/// An open feed.
struct Slot {
    feed: Weak<Feed>,
    /// The feed itself from its end on, until a statement has bound it: a short one is finished before that.
    finished: Option<(Arc<Feed>, Instant)>,
}

/// A feed that is finished and that no statement has bound for so long is forgotten: its statement failed before.
const FORGOTTEN: Duration = Duration::from_secs(600);

/// One feed: filled by a [`Writer`], emptied part by part.
pub(super) struct Feed {
    columns: Vec<(String, Phys)>,
    order: FeedOrder,
    queue: Arc<AtomicUsize>,
    /// True once a statement has bound it.
    bound: AtomicBool,
    state: Mutex<State>,
    filled: Notify,
    emptied: Notify,
    /// A batch has come, for threads of the running statement.
    came: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<RecordBatch>,
    bytes: usize,
    /// When the last batch came.
    last: Option<Instant>,
    /// What is there is to be read, though it is less than a part.
    hurried: bool,
    /// Bytes that were read.
    read: u64,
    part: Running,
    reading: Reading,
    end: End,
    /// The statement is over, with this error if it failed.
    closed: Option<Option<Error>>,
}

/// The part that is being read.
#[derive(Default)]
enum Running {
    /// None, or one that has ended: its threads get no more rows.
    #[default]
    Over,
    Since(Instant, Threads),
}

/// A part is read once. A plan that scans the feed twice (DuckDB may join a query with itself) would lose its rows.
#[derive(Default, PartialEq, Eq)]
enum Reading {
    /// No part has come: the statement runs over nothing, to be bound.
    #[default]
    Nothing,
    Ready,
    Done,
}

#[derive(Default, PartialEq, Eq)]
enum End {
    #[default]
    Open,
    Finished,
    /// The writer was dropped without a word.
    Broken,
}

/// By how many threads a part is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Threads {
    /// One: its rows keep their order.
    One,
    Several,
}

/// What there is to be done of a feed.
pub(super) enum Part {
    /// A part is ready to be read, possibly an empty one.
    Rows(Threads),
    /// All has been read.
    End,
}

impl Feeds {
    /// `queue` is how many statements wait for a slot.
    pub fn new(queue: Arc<AtomicUsize>, memory_limit: u64, threads: usize) -> Self {
        let roomy = memory_limit / threads.max(1) as u64 >= PER_THREAD;
        Self { next: AtomicU64::default(), open: Mutex::default(), queue, roomy }
    }

    pub fn open(self: &Arc<Self>, columns: Vec<(String, Phys)>, order: FeedOrder) -> (u64, Box<dyn FeedWriter>) {
        let order = if self.roomy { order } else { FeedOrder::Kept };
        let number = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let feed = Arc::new(Feed {
            columns,
            order,
            queue: Arc::clone(&self.queue),
            bound: AtomicBool::new(false),
            state: Mutex::default(),
            filled: Notify::new(),
            emptied: Notify::new(),
            came: Condvar::new(),
        });
        let mut open = self.open.lock();
        for slot in open.values_mut() {
            slot.finished.take_if(|(_, since)| since.elapsed() > FORGOTTEN);
        }
        open.retain(|_, slot| slot.feed.strong_count() > 0);
        open.insert(number, Slot { feed: Arc::downgrade(&feed), finished: None });
        (number, Box::new(Writer { feed, number, feeds: Arc::clone(self) }))
    }

    /// The feed of this number, for a statement that reads it.
    fn bind(&self, number: u64) -> Option<Arc<Feed>> {
        let mut open = self.open.lock();
        let slot = open.get_mut(&number)?;
        let feed = slot.feed.upgrade()?;
        feed.bound.store(true, Ordering::Relaxed);
        slot.finished = None;
        Some(feed)
    }

    /// Its writer goes: what no statement has bound yet has to stay.
    fn keep(&self, number: u64, feed: &Arc<Feed>) {
        if let Some(slot) = self.open.lock().get_mut(&number)
            && !feed.bound.load(Ordering::Relaxed)
        {
            slot.finished = Some((Arc::clone(feed), Instant::now()));
        }
    }
}

impl Feed {
    /// Waits for the next part and makes it the one that is read.
    pub async fn part(&self) -> Result<Part> {
        loop {
            let filled = self.filled.notified();
            tokio::pin!(filled);
            filled.as_mut().enable();
            {
                let mut state = self.state.lock();
                if let Some(part) = state.next_part(self.order)? {
                    return Ok(part);
                }
            }
            filled.await;
        }
    }

    /// The next batch of the part that is read, for one of its threads. `None` ends the part for that thread; so does `patient`
    /// being false when there is none at the moment.
    fn pull(&self, patient: bool) -> Option<RecordBatch> {
        let mut state = self.state.lock();
        let begun = Instant::now();
        loop {
            let Running::Since(since, threads) = state.part else { return None };
            let in_order = threads == Threads::One && self.order == FeedOrder::Free && state.read >= IN_ORDER;
            let queued = self.queue.load(Ordering::Relaxed) > 0;
            if in_order || queued && since.elapsed() > TURN {
                state.part = Running::Over;
                return None;
            }
            if let Some(batch) = state.waiting.pop_front() {
                let bytes = super::batch_bytes(&batch);
                state.bytes -= bytes;
                state.read += bytes as u64;
                state.hurried &= !state.waiting.is_empty();
                drop(state);
                self.emptied.notify_waiters();
                return Some(batch);
            }
            if !patient {
                return None;
            }
            let lull = if queued { SHORT_LULL } else { LULL };
            // Of several threads one may get all that comes for a while: the others go on waiting.
            let silent = state.last.map_or(begun, |last| last.max(begun)).elapsed();
            if state.end != End::Open || silent >= lull {
                state.part = Running::Over;
                return None;
            }
            // Who comes into the queue meanwhile is seen after the short time.
            self.came.wait_for(&mut state, SHORT_LULL);
        }
    }

    /// The statement is over: its writer learns how.
    pub fn close(&self, error: Option<Error>) {
        let mut state = self.state.lock();
        state.closed.get_or_insert(error);
        state.waiting.clear();
        state.bytes = 0;
        state.part = Running::Over;
        drop(state);
        self.emptied.notify_waiters();
    }
}

impl State {
    fn next_part(&mut self, order: FeedOrder) -> Result<Option<Part>> {
        let last = match self.end {
            End::Broken => {
                return Err(Error::new(SqlState::QUERY_CANCELED, "COPY from stdin failed: the feed broke off"));
            }
            End::Finished => true,
            End::Open => false,
        };
        if last && self.waiting.is_empty() && self.reading != Reading::Nothing {
            return Ok(Some(Part::End));
        }
        if !last && !self.hurried && self.bytes < PART_BYTES {
            return Ok(None);
        }
        let several = order == FeedOrder::Free && self.read >= IN_ORDER;
        let threads = if several { Threads::Several } else { Threads::One };
        self.hurried = false;
        self.reading = Reading::Ready;
        self.part = Running::Since(Instant::now(), threads);
        Ok(Some(Part::Rows(threads)))
    }
}

struct Writer {
    feed: Arc<Feed>,
    number: u64,
    feeds: Arc<Feeds>,
}

impl Writer {
    async fn push(&self, batch: RecordBatch) -> Result<()> {
        if batch.num_columns() != self.feed.columns.len() {
            return Err(Error::internal("a batch has not the columns of its feed"));
        }
        loop {
            let emptied = self.feed.emptied.notified();
            tokio::pin!(emptied);
            emptied.as_mut().enable();
            {
                let mut state = self.feed.state.lock();
                match &state.closed {
                    Some(Some(error)) => return Err(error.clone()),
                    Some(None) => return Err(Error::internal("a feed goes on after its statement's end")),
                    None => {}
                }
                if state.bytes < ROOM {
                    state.bytes += super::batch_bytes(&batch);
                    state.waiting.push_back(batch);
                    state.last = Some(Instant::now());
                    let enough = state.bytes >= PART_BYTES;
                    drop(state);
                    self.feed.came.notify_one();
                    if enough {
                        self.feed.filled.notify_waiters();
                    }
                    return Ok(());
                }
            }
            emptied.await;
        }
    }

    fn end(&self, end: End) {
        let mut state = self.feed.state.lock();
        if state.end == End::Open {
            state.end = end;
        }
        drop(state);
        self.feed.came.notify_all();
        self.feed.filled.notify_waiters();
    }
}

impl FeedWriter for Writer {
    fn send(&mut self, batch: RecordBatch) -> BoxFuture<'_, Result<()>> {
        self.push(batch).boxed()
    }

    fn hurry(&mut self) {
        {
            let mut state = self.feed.state.lock();
            state.hurried = !state.waiting.is_empty();
        }
        self.feed.filled.notify_waiters();
    }

    fn finish(self: Box<Self>) {
        self.end(End::Finished);
        self.feeds.keep(self.number, &self.feed);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.end(End::Broken);
    }
}

thread_local! {
    /// The feed that the statement reads which this thread has just prepared. Binding happens inside that call.
    static BOUND: RefCell<Option<Arc<Feed>>> = const { RefCell::new(None) };
}

/// Takes the feed that the last prepared statement reads, if it reads one.
pub(super) fn bound() -> Option<Arc<Feed>> {
    BOUND.take()
}

/// Registers `duckgate_feed`.
pub(super) fn register(raw: &RawConnection, feeds: &Arc<Feeds>) -> Result<()> {
    TableFunction {
        name: "duckgate_feed",
        parameters: &[ffi::DUCKDB_TYPE_DUCKDB_TYPE_BIGINT],
        projection: false,
        bind,
        init,
        local: Some(local),
        function: scan,
    }
    .register(raw, Box::new(Arc::clone(feeds)))
}

unsafe extern "C" fn bind(info: ffi::duckdb_bind_info) {
    let failed = guarded(|| {
        // SAFETY: a live handle, whose extra info is what register() gave.
        let feeds = unsafe { &*ffi::duckdb_bind_get_extra_info(info).cast::<Arc<Feeds>>() };
        // SAFETY: a live handle; the first parameter is a BIGINT.
        let number = parameter(info, 0, |value| unsafe { ffi::duckdb_get_int64(value) });
        let feed = feeds.bind(number as u64).ok_or_else(|| Error::internal(format!("no feed {number}")))?;
        output_columns(info, &feed.columns)?;
        BOUND.set(Some(Arc::clone(&feed)));
        // SAFETY: a live handle; the box is given to DuckDB with its destructor.
        unsafe {
            ffi::duckdb_bind_set_bind_data(info, Box::into_raw(Box::new(feed)).cast(), Some(drop_box::<Arc<Feed>>));
        }
        Ok(())
    });
    if let Some(text) = failed {
        // SAFETY: a live handle and a NUL-terminated string, which DuckDB copies.
        unsafe { ffi::duckdb_bind_set_error(info, text.as_ptr()) };
    }
}

/// A statement's scan.
struct Scan {
    /// False for the run over nothing.
    live: bool,
}

/// How far one of its threads has come.
#[derive(Default)]
struct Local {
    batch: Option<(RecordBatch, usize)>,
    /// Those that the last chunk's texts are in: DuckDB is done with them when it asks for the next.
    held: Vec<RecordBatch>,
}

unsafe extern "C" fn init(info: ffi::duckdb_init_info) {
    let failed: Option<CString> = guarded(|| {
        // SAFETY: a live handle, whose bind data is what bind() gave.
        let feed = unsafe { &*ffi::duckdb_init_get_bind_data(info).cast::<Arc<Feed>>() };
        let mut state = feed.state.lock();
        let live = match state.reading {
            Reading::Nothing => false,
            Reading::Ready => {
                state.reading = Reading::Done;
                true
            }
            Reading::Done => return Err(Error::internal("a plan reads its feed twice")),
        };
        let threads = match state.part {
            Running::Since(_, Threads::Several) => MOST_THREADS,
            Running::Since(_, Threads::One) | Running::Over => 1,
        };
        drop(state);
        let scan = Box::new(Scan { live });
        // SAFETY: a live handle; the box is given to DuckDB with its destructor.
        unsafe {
            ffi::duckdb_init_set_max_threads(info, threads);
            ffi::duckdb_init_set_init_data(info, Box::into_raw(scan).cast(), Some(drop_box::<Scan>));
        }
        Ok(())
    });
    if let Some(text) = failed {
        // SAFETY: a live handle and a NUL-terminated string, which DuckDB copies.
        unsafe { ffi::duckdb_init_set_error(info, text.as_ptr()) };
    }
}

unsafe extern "C" fn local(info: ffi::duckdb_init_info) {
    let local = Box::new(Mutex::new(Local::default()));
    // SAFETY: a live handle; the box is given to DuckDB with its destructor.
    unsafe { ffi::duckdb_init_set_init_data(info, Box::into_raw(local).cast(), Some(drop_box::<Mutex<Local>>)) };
}

unsafe extern "C-unwind" fn scan(info: ffi::duckdb_function_info, output: ffi::duckdb_data_chunk) {
    let failed = unwind::guarded_then(
        || Ok(()),
        |()| {
            // SAFETY: live handles, whose data is what bind(), init() and local() gave.
            let (feed, scan, local) = unsafe {
                (
                    &*ffi::duckdb_function_get_bind_data(info).cast::<Arc<Feed>>(),
                    &*ffi::duckdb_function_get_init_data(info).cast::<Scan>(),
                    &*ffi::duckdb_function_get_local_init_data(info).cast::<Mutex<Local>>(),
                )
            };
            let mut local = local.lock();
            local.held.clear();
            // SAFETY: no arguments.
            let room = unsafe { ffi::duckdb_vector_size() } as usize;
            let mut filled = 0;
            while scan.live && filled < room {
                let next = match local.batch.take() {
                    Some(next) => Some(next),
                    None => caught(|| feed.pull(filled == 0))?.map(|batch| (batch, 0)),
                };
                let Some((batch, row)) = next else { break };
                let rows = (batch.num_rows() - row).min(room - filled);
                for (i, (_, phys)) in feed.columns.iter().enumerate() {
                    // SAFETY: a live chunk with the feed's columns.
                    let vector = unsafe { ffi::duckdb_data_chunk_get_vector(output, i as u64) };
                    let span = Span { from: row, at: filled, rows, texts: Texts::Lent };
                    // SAFETY: the vector has the column's type and room for `room` rows; the batch is kept until DuckDB asks for
                    // the next chunk.
                    unsafe { write(vector, batch.column(i), span, phys)? };
                }
                filled += rows;
                if row + rows == batch.num_rows() {
                    local.held.push(batch);
                } else {
                    local.batch = Some((batch, row + rows));
                }
            }
            // SAFETY: a live chunk with that many rows written.
            unsafe { ffi::duckdb_data_chunk_set_size(output, filled as u64) };
            Ok(())
        },
    );
    set_output(info, output, failed);
}
