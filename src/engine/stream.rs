//! Results as streams: batches fetched chunk by chunk, some ahead of the reader; read aside when their connection is
//! needed for something else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use arrow::array::ArrayRef;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};

use super::aside::Aside;
use super::control::{Control, Watch};
use super::error::Translate;
use super::helpers::Help;
use super::link::{Held, Link, Transaction};
use super::logical::check;
use super::raw::{Chunk, QueryResult};
use super::read::Column;
use super::{CancelReason, Rows};
use crate::error::{Error, Result};
use crate::types::Phys;

/// A batch is fetched until it holds this much: large enough that a hop to a blocking thread does not count, small
/// enough that many streams fit in memory.
const BATCH_BYTES: usize = 512 * 1024;
const BATCH_ROWS: usize = 16 * 2048;
/// Batches that are fetched before their reader asks for them: who fetches and who reads wait for each other less often.
const AHEAD: usize = 4;
/// Batches that are fetched at a go, of a result that is read on: then another statement may have the place.
const AT_ONCE: usize = 16;

/// One result. Its state is locked after its connection's [`super::link::Work`], never before.
pub(super) struct Stream {
    columns: Columns,
    state: Mutex<State>,
    /// Its reader is gone.
    closed: AtomicBool,
    /// A transaction was begun for it alone, which only read: it ends with the stream.
    own_transaction: AtomicBool,
    /// What DuckDB streams, it produces with help.
    help: Mutex<Option<Help>>,
}

enum State {
    /// DuckDB streams it.
    Live(QueryResult),
    /// Read aside, to its end.
    Aside(Aside),
    /// It broke while it was read aside.
    Failed(Error),
    Done,
}

/// What the columns of a result are.
struct Columns {
    phys: Vec<Phys>,
    /// True where DuckDB gives bare NULLs, which have no memory of the column's type.
    bare_null: Vec<bool>,
    schema: SchemaRef,
}

impl Columns {
    fn of(result: &mut QueryResult, phys: Vec<Phys>) -> Result<Self> {
        let given = result.column_count();
        if given != phys.len() {
            return Err(Error::internal(format!("the engine gives {given} columns, {} are expected", phys.len())));
        }
        let mut bare_null = Vec::with_capacity(given);
        for (i, phys) in phys.iter().enumerate() {
            let ty = result.column_type(i);
            check(&ty, phys)?;
            bare_null.push(ty.id() == duckdb::ffi::DUCKDB_TYPE_DUCKDB_TYPE_SQLNULL);
        }
        let fields: Vec<_> =
            phys.iter().enumerate().map(|(i, p)| Field::new(format!("c{}", i + 1), p.arrow(), true)).collect();
        Ok(Self { phys, bare_null, schema: Arc::new(Schema::new(fields)) })
    }

    fn builders(&self) -> Vec<Column> {
        self.phys.iter().map(Column::new).collect()
    }

    fn take_in(&self, builders: &mut [Column], chunk: &Chunk) -> Result<()> {
        let rows = chunk.rows();
        for (i, (column, bare_null)) in builders.iter_mut().zip(&self.bare_null).enumerate() {
            if *bare_null {
                column.append_nulls(rows);
            } else {
                // SAFETY: a live chunk of the result whose types were checked; DuckDB flattens what it hands out.
                unsafe { column.append(chunk.vector(i), rows)? };
            }
        }
        Ok(())
    }

    fn finish(&self, builders: Vec<Column>, rows: usize) -> Result<RecordBatch> {
        let arrays = builders.into_iter().map(Column::finish).collect::<Result<Vec<ArrayRef>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options).map_err(Error::internal)
    }
}

/// What one fetch gave.
struct Fetched {
    batch: Option<RecordBatch>,
    /// There is nothing more to come.
    ended: bool,
}

impl Stream {
    /// Takes a result that DuckDB has begun to give.
    pub fn open(mut result: QueryResult, phys: Vec<Phys>, own_transaction: bool) -> Result<Self> {
        let columns = Columns::of(&mut result, phys)?;
        Ok(Self {
            columns,
            state: Mutex::new(State::Live(result)),
            closed: AtomicBool::new(false),
            own_transaction: AtomicBool::new(own_transaction),
            help: Mutex::default(),
        })
    }

    /// The first rows, as soon as there are any; goes on to the end only if DuckDB has that ready, as it has if it is `computed`.
    pub fn first(&self, held: &Held, help: Option<Help>, computed: bool) -> Result<Option<RecordBatch>> {
        let first = self.fetch_with(held, |link, _| computed || link.raw.execution_is_finished())?;
        if self.is_live() {
            *self.help.lock() = Some(help.unwrap_or_else(|| held.shared.helpers.call()));
        }
        Ok(first)
    }

    /// The next batch. Blocks; the connection's work is locked.
    fn fetch(&self, link: &Link) -> Result<Option<RecordBatch>> {
        self.fetch_with(link, |_, _| true)
    }

    fn fetch_with(&self, link: &Link, go_on: impl Fn(&Link, usize) -> bool) -> Result<Option<RecordBatch>> {
        let mut state = self.state.lock();
        let fetched = match &mut *state {
            State::Live(result) => self.fetch_live(link, result, go_on),
            State::Aside(aside) => aside.next().map(|batch| Fetched { ended: batch.is_none(), batch }),
            State::Failed(error) => Err(error.clone()),
            State::Done => Ok(Fetched { batch: None, ended: true }),
        };
        match fetched {
            Ok(Fetched { batch, ended }) => {
                if ended {
                    self.end(&mut state, State::Done, link);
                }
                Ok(batch)
            }
            Err(error) => {
                self.end(&mut state, State::Done, link);
                Err(error)
            }
        }
    }

    /// DuckDB streams it no longer. The connection's work is locked, or this stream needs it no more.
    fn end(&self, state: &mut State, next: State, link: &Link) {
        *state = next;
        drop(self.help.lock().take());
        if self.own_transaction.swap(false, Ordering::SeqCst) {
            drop(link.roll_back());
        }
    }

    fn fetch_live(
        &self,
        link: &Link,
        result: &mut QueryResult,
        go_on: impl Fn(&Link, usize) -> bool,
    ) -> Result<Fetched> {
        let mut builders = self.columns.builders();
        let mut rows = 0;
        loop {
            let Some(chunk) = result.fetch().translated()? else {
                let batch = if rows == 0 { None } else { Some(self.columns.finish(builders, rows)?) };
                return Ok(Fetched { batch, ended: true });
            };
            self.columns.take_in(&mut builders, &chunk)?;
            rows += chunk.rows();
            let bytes: usize = builders.iter().map(Column::bytes).sum();
            if bytes >= BATCH_BYTES || rows >= BATCH_ROWS || !go_on(link, rows) {
                return Ok(Fetched { batch: Some(self.columns.finish(builders, rows)?), ended: false });
            }
        }
    }

    /// Reads what is left aside, so that the connection is free. Blocks; the connection's work is locked.
    pub fn set_aside(&self, link: &Link, mut aside: Aside) {
        let mut state = self.state.lock();
        let State::Live(result) = &mut *state else { return };
        if self.closed.load(Ordering::SeqCst) {
            return self.end(&mut state, State::Done, link);
        }
        let next = loop {
            let fetched = self.fetch_live(link, result, |_, _| true);
            match fetched.and_then(|f| f.batch.map_or(Ok(()), |batch| aside.push(batch)).map(|()| f.ended)) {
                Ok(false) => {}
                Ok(true) => break State::Aside(aside),
                Err(error) => break State::Failed(error),
            }
        };
        self.end(&mut state, next, link);
    }

    /// Gives up what is left. Blocks; the connection's work is locked.
    pub fn close(&self, link: &Link) {
        let mut state = self.state.lock();
        if matches!(*state, State::Live(_)) {
            self.end(&mut state, State::Done, link);
            // DuckDB ends an abandoned query (and its transaction) only when the connection is used again.
            drop(link.raw.prepare("SELECT 1"));
        }
    }

    fn is_live(&self) -> bool {
        matches!(*self.state.lock(), State::Live(_))
    }

    pub fn is_done(&self) -> bool {
        // While it is locked it is being fetched, so it is not done.
        self.state.try_lock().is_some_and(|state| matches!(*state, State::Done))
    }
}

/// What a fetch needs to run; shared between the reader and the fetch ahead.
#[derive(Clone)]
struct Source {
    held: Arc<Held>,
    stream: Arc<Stream>,
    control: Arc<Control>,
    epoch: u64,
    deadline: Option<Instant>,
}

impl Source {
    /// Fetches batches while there is room for them, `most` at the most. True when nothing more is to come.
    async fn fetch(self, into: mpsc::Sender<RecordBatch>, most: usize) -> Result<bool> {
        let shared = &self.held.shared;
        let slot = shared.slot(&self.control, self.epoch, self.deadline).await;
        let watch = Watch { control: &self.control, epoch: self.epoch, deadline: self.deadline, held: &self.held };
        let (held, stream) = (Arc::clone(&self.held), Arc::clone(&self.stream));
        let failed = slot.as_ref().err().cloned();
        watch
            .run(move || {
                let _slot = slot.ok();
                if let Some(error) = failed {
                    // Stopped while it waited in line: the query is given up.
                    let _work = held.work.lock();
                    stream.close(&held);
                    return Err(error);
                }
                for nth in 0..most {
                    let Ok(room) = into.try_reserve() else { break };
                    // Another statement of the connection may have begun since: it is not to be stopped for this one's time.
                    let mut work = match held.work.try_lock() {
                        Some(work) => work,
                        None if nth == 0 => held.work.lock(),
                        None => break,
                    };
                    let live = stream.is_live();
                    match stream.fetch(&held) {
                        Ok(Some(batch)) => room.send(batch),
                        Ok(None) => return Ok(true),
                        Err(error) => {
                            if live {
                                work.failed();
                            }
                            return Err(error);
                        }
                    }
                }
                Ok(stream.is_done())
            })
            .await
    }
}

/// Spawns work that is at work at once. A task that is spawned waits until the one that spawned it has to: here that would
/// be after the rows at hand are encoded, and the fetch is to run beside that.
fn started<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    let mut work = Box::pin(work);
    // Whoever wakes this waker wakes nobody: the task asks again when it is scheduled.
    match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => tokio::spawn(std::future::ready(done)),
        Poll::Pending => tokio::spawn(work),
    }
}

/// The reader of a [`Stream`].
pub(super) struct StreamRows {
    source: Source,
    /// The first batch, fetched when the statement was begun.
    first: Option<RecordBatch>,
    /// Fetches what is read next, and says whether that is all.
    ahead: Option<JoinHandle<Result<bool>>>,
    /// What was fetched ahead, and where it is put.
    ready: mpsc::Receiver<RecordBatch>,
    into: mpsc::Sender<RecordBatch>,
    /// How many batches are fetched at the next go.
    most: usize,
    /// How the fetching ended.
    fetched: Option<Result<()>>,
    ended: bool,
    /// Outside of a transaction an abandoned fetch can be interrupted; inside, that would abort the transaction.
    autocommit: bool,
}

impl StreamRows {
    pub fn new(
        held: Arc<Held>,
        stream: Arc<Stream>,
        first: Option<RecordBatch>,
        control: Arc<Control>,
        epoch: u64,
        deadline: Option<Instant>,
        transaction: Transaction,
    ) -> Self {
        let ended = first.is_none();
        if stream.is_done() {
            // Nothing runs any more, whenever the rows are read.
            control.rest(epoch);
        }
        let (into, ready) = mpsc::channel(AHEAD);
        Self {
            source: Source { held, stream, control, epoch, deadline },
            first,
            ahead: None,
            ready,
            into,
            most: 1,
            fetched: None,
            ended,
            autocommit: transaction == Transaction::None,
        }
    }

    /// Has more fetched when little is left of what was.
    fn fetch_ahead(&mut self) {
        if let Some(done) = self.ahead.as_mut().and_then(|ahead| ahead.now_or_never()) {
            self.reap(done);
        }
        if self.fetched.is_some() || self.ahead.is_some() || self.ready.len() > AHEAD / 2 {
            return;
        }
        if self.source.stream.is_done() {
            self.fetched = Some(Ok(()));
        } else {
            self.ahead = Some(started(self.source.clone().fetch(self.into.clone(), self.most)));
            self.most = (2 * self.most).min(AT_ONCE);
        }
    }

    fn reap(&mut self, done: std::result::Result<Result<bool>, JoinError>) {
        self.ahead = None;
        self.fetched = match done.unwrap_or_else(|e| Err(Error::internal(e))) {
            Ok(false) => None,
            Ok(true) => Some(Ok(())),
            Err(error) => Some(Err(error)),
        };
    }

    fn finish(&mut self) {
        self.ended = true;
        self.source.control.rest(self.source.epoch);
    }

    /// The next batch that was fetched; what ended the fetching, behind the last.
    async fn fetched(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            self.fetch_ahead();
            if let Ok(batch) = self.ready.try_recv() {
                return Ok(Some(batch));
            }
            let Some(ahead) = &mut self.ahead else { return self.fetched.take().unwrap_or(Ok(())).map(|()| None) };
            let done = tokio::select! {
                biased;
                Some(batch) = self.ready.recv() => return Ok(Some(batch)),
                done = ahead => done,
            };
            self.reap(done);
        }
    }

    async fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let next = if let Some(first) = self.first.take() {
            Ok(Some(first))
        } else if self.ended {
            return Ok(None);
        } else {
            self.source.control.resume(self.source.epoch);
            match self.source.control.check(self.source.epoch) {
                Ok(()) => self.fetched().await,
                Err(error) => Err(error),
            }
        };
        match next {
            Ok(Some(batch)) => {
                self.fetch_ahead();
                if matches!(self.fetched, Some(Ok(()))) && self.ready.is_empty() {
                    self.finish();
                }
                Ok(Some(batch))
            }
            end => {
                self.finish();
                if end.is_err() {
                    self.abandon();
                }
                end
            }
        }
    }

    /// Gives up the query, if DuckDB still runs it.
    fn abandon(&mut self) {
        let Source { held, stream, .. } = self.source.clone();
        stream.closed.store(true, Ordering::SeqCst);
        if stream.is_done() {
            return;
        }
        if self.ahead.take().is_some_and(|ahead| !ahead.is_finished()) && self.autocommit {
            self.source.control.resume(self.source.epoch);
            super::Cancel::cancel(&*self.source.control, CancelReason::ClientGone);
        }
        self.source.control.rest(self.source.epoch);
        let close = move || {
            let _work = held.work.lock();
            stream.close(&held);
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(close)),
            Err(_) => close(),
        }
    }
}

impl Rows for StreamRows {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<RecordBatch>>> {
        self.next_batch().boxed()
    }

    fn suspend(&mut self) {
        self.source.control.rest(self.source.epoch);
    }
}

impl Drop for StreamRows {
    fn drop(&mut self) {
        self.abandon();
    }
}
