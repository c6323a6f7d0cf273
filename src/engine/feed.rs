//! Feeds: batches that a client sends, read by a statement through the table function `duckgate_feed(n)`.
//!
//! A statement over a feed is run once for each part of it (COPY's rows are independent of each other), so that no slot
//! and none of DuckDB's threads waits for a slow client. A part goes on for as long as batches come without a pause: each
//! end of one costs the threads the row groups that they have begun.
//!
//! A feed whose rows need not keep their order is read by several threads once it has turned out to be a long one: DuckDB then
//! fills row groups side by side. Each thread has to fill whole ones: what is less DuckDB copies once more, one thread
//! after the other, so that short parts would gain nothing by it.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use arrow::record_batch::RecordBatch;
use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;

use super::{Block, FeedOrder, FeedWriter};
use crate::error::{Error, Result, SqlState};
use crate::types::Phys;

/// What waits to be read, in bytes, at most; and the part of the memory limit that it may be, as a divisor.
const ROOM: u64 = 24 << 20;
const SHARE: u64 = 32;
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

/// The feeds that are open, by number.
pub(super) struct Feeds {
    next: AtomicU64,
    open: Mutex<HashMap<u64, Slot>>,
    /// How many statements wait for a slot.
    queue: Arc<AtomicUsize>,
    /// There is memory for several threads that load.
    roomy: bool,
    /// Bytes that may wait in a feed.
    room: usize,
}

/// An open feed.
struct Slot {
    feed: Weak<Feed>,
    /// The feed itself from its end on, until a statement has bound it: a short one is finished before that.
    finished: Option<(Arc<Feed>, Instant)>,
}

/// A feed that is finished and that no statement has bound for so long is forgotten: its statement failed before.
const FORGOTTEN: Duration = Duration::from_secs(600);

/// What a writer sends at once.
#[derive(Clone)]
pub(super) enum Piece {
    Batch(RecordBatch),
    /// The number says which of the feed's blocks it is.
    Block(u64, Arc<dyn Block>),
}

impl Piece {
    fn bytes(&self) -> usize {
        match self {
            Self::Batch(batch) => super::batch_bytes(batch),
            Self::Block(_, block) => block.bytes(),
        }
    }
}

/// One feed: filled by a [`Writer`], emptied part by part.
pub(super) struct Feed {
    pub columns: Vec<(String, Phys)>,
    order: FeedOrder,
    room: usize,
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
    waiting: VecDeque<Piece>,
    bytes: usize,
    /// Blocks that threads are reading.
    begun: Vec<(u64, Arc<dyn Block>)>,
    /// What the first wrong row of them is.
    fault: Option<Error>,
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

#[derive(Default)]
enum End {
    #[default]
    Open,
    Finished,
    /// What comes next is wrong.
    Failed(Error),
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

/// How a scan begins.
pub(super) struct Beginning {
    /// False for the run over nothing.
    pub live: bool,
    pub threads: Threads,
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
        let room = (memory_limit / SHARE).clamp(PART_BYTES as u64, ROOM) as usize;
        Self { next: AtomicU64::default(), open: Mutex::default(), queue, roomy, room }
    }

    pub fn open(self: &Arc<Self>, columns: Vec<(String, Phys)>, order: FeedOrder) -> (u64, Box<dyn FeedWriter>) {
        let order = if self.roomy { order } else { FeedOrder::Kept };
        let number = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let feed = Arc::new(Feed {
            columns,
            order,
            room: self.room,
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
        (number, Box::new(Writer { feed, number, blocks: 0, feeds: Arc::clone(self) }))
    }

    /// The feed of this number, for a statement that reads it.
    pub fn bind(&self, number: u64) -> Option<Arc<Feed>> {
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
    pub fn pull(&self, patient: bool) -> Option<Piece> {
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
            if let Some(piece) = state.waiting.pop_front() {
                let bytes = piece.bytes();
                state.bytes -= bytes;
                state.read += bytes as u64;
                state.hurried &= !state.waiting.is_empty();
                if let Piece::Block(number, block) = &piece {
                    state.begun.push((*number, Arc::clone(block)));
                }
                drop(state);
                self.emptied.notify_waiters();
                return Some(piece);
            }
            if !patient {
                return None;
            }
            let lull = if queued { SHORT_LULL } else { LULL };
            // Of several threads one may get all that comes for a while: the others go on waiting.
            let silent = state.last.map_or(begun, |last| last.max(begun)).elapsed();
            if !matches!(state.end, End::Open) || silent >= lull {
                state.part = Running::Over;
                return None;
            }
            // Who comes into the queue meanwhile is seen after the short time.
            self.came.wait_for(&mut state, SHORT_LULL);
        }
    }

    /// A block has been read to its end.
    pub fn done(&self, number: u64) {
        self.state.lock().begun.retain(|(begun, _)| *begun != number);
    }

    /// A row of this block is wrong. Other threads may be in the middle of blocks that came before it: what is wrong in those is
    /// the error.
    pub fn wrong(&self, number: u64, error: Error) -> Error {
        let mut before: Vec<_> = self.state.lock().begun.iter().filter(|(begun, _)| *begun < number).cloned().collect();
        before.sort_by_key(|(begun, _)| *begun);
        let first = before.into_iter().find_map(|(_, block)| block.check().err()).unwrap_or(error);
        self.state.lock().fault.get_or_insert(first).clone()
    }

    /// What was wrong with a row, with all that DuckDB's errors do not carry.
    pub fn fault(&self) -> Option<Error> {
        self.state.lock().fault.clone()
    }

    /// In which order a part is read that begins now.
    pub fn begin(&self) -> Result<Beginning> {
        let mut state = self.state.lock();
        let live = match state.reading {
            Reading::Nothing => false,
            Reading::Ready => {
                state.reading = Reading::Done;
                true
            }
            Reading::Done => return Err(Error::internal("a plan reads its feed twice")),
        };
        let threads = match state.part {
            Running::Since(_, threads) => threads,
            Running::Over => Threads::One,
        };
        Ok(Beginning { live, threads })
    }

    /// The statement is over: its writer learns how.
    pub fn close(&self, error: Option<Error>) {
        let mut state = self.state.lock();
        state.closed.get_or_insert(error);
        state.waiting.clear();
        state.begun.clear();
        state.bytes = 0;
        state.part = Running::Over;
        drop(state);
        self.emptied.notify_waiters();
    }
}

impl State {
    fn next_part(&mut self, order: FeedOrder) -> Result<Option<Part>> {
        let last = match &self.end {
            End::Broken => {
                return Err(Error::new(SqlState::QUERY_CANCELED, "COPY from stdin failed: the feed broke off"));
            }
            // What was sent before it may be wrong too, and comes first.
            End::Failed(error) if self.waiting.is_empty() => return Err(error.clone()),
            End::Finished | End::Failed(_) => true,
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
    /// That it has sent.
    blocks: u64,
    feeds: Arc<Feeds>,
}

impl Writer {
    async fn push(&self, piece: Piece) -> Result<()> {
        let bytes = piece.bytes();
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
                if state.bytes < self.feed.room {
                    state.bytes += bytes;
                    state.waiting.push_back(piece);
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
        if matches!(state.end, End::Open) {
            state.end = end;
        }
        drop(state);
        self.feed.came.notify_all();
        self.feed.filled.notify_waiters();
    }
}

impl FeedWriter for Writer {
    fn send(&mut self, batch: RecordBatch) -> BoxFuture<'_, Result<()>> {
        async move {
            if batch.num_columns() != self.feed.columns.len() {
                return Err(Error::internal("a batch has not the columns of its feed"));
            }
            self.push(Piece::Batch(batch)).await
        }
        .boxed()
    }

    fn send_block(&mut self, block: Arc<dyn Block>) -> BoxFuture<'_, Result<()>> {
        self.blocks += 1;
        let piece = Piece::Block(self.blocks, block);
        async move { self.push(piece).await }.boxed()
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

    fn fail(self: Box<Self>, error: Error) {
        self.end(End::Failed(error));
        self.feeds.keep(self.number, &self.feed);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.end(End::Broken);
    }
}
