//! A session's connection: statements and transactions on one of DuckDB's connections, which it takes when it first
//! needs one.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use arrow::record_batch::RecordBatch;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::commits::Written;
use super::control::{Control, Watch};
use super::data::Touched;
use super::error::Translate;
use super::feed::{Feed, Part, Threads};
use super::helpers::{ALONE, Help, PLANNING};
use super::link::{Held, Plan, Transaction, Work};
use super::patience::Stopwatch;
use super::places::Line;
use super::pool::{Shared, blocking};
use super::quick::{self, InPlace, QUICK};
use super::raw::QueryResult;
use super::stream::{Stream, StreamRows};
use super::transaction::{aborted, commit_work, make_way, rollback_work};
use super::{Access, Cancel, CancelReason, Connection, Kind, Outcome, Rendered, Run, Writes};
use crate::error::{Error, Result, SqlState};
use crate::policy::Permit;
use crate::types::Value;

pub(super) struct Lease {
    shared: Arc<Shared>,
    queued: bool,
    held: Option<Arc<Held>>,
    control: Arc<Control>,
    transaction: Block,
    /// The statement that was begun last.
    epoch: u64,
}

/// The transaction block as the session sees it; DuckDB's own state is in [`Work`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    None,
    /// Begins in DuckDB with the first statement.
    Asked(Access),
    Begun,
    /// Its connection was abandoned.
    Lost,
}

/// What a statement gave when it was begun.
pub(super) enum Started {
    Rows {
        stream: Arc<Stream>,
        first: Option<RecordBatch>,
        transaction: Transaction,
        /// It is in a transaction that ends with it.
        own: bool,
    },
    Changed(u64),
    /// It reads a feed: it is run again for each part of it, when the part is there.
    Feed {
        feed: Arc<Feed>,
        plan: Plan,
    },
    Done,
}

impl Lease {
    /// `queued`: its statements wait in line for a slot; `share`: of its role's.
    pub fn new(shared: Arc<Shared>, queued: bool, share: Option<Arc<Line>>) -> Self {
        let control = Arc::new(Control::of(share));
        if queued {
            shared.checkpoints.reserve().watch(&control);
        }
        Self { shared, queued, held: None, control, transaction: Block::None, epoch: 0 }
    }

    fn held(&mut self) -> Result<Arc<Held>> {
        if let Some(held) = &self.held {
            if !held.abandoned.load(Ordering::SeqCst) {
                return Ok(Arc::clone(held));
            }
            self.held = None;
            if self.transaction != Block::None {
                self.transaction = Block::Lost;
            }
        }
        if self.transaction == Block::Lost {
            return Err(aborted());
        }
        let held = Held::take(&self.shared)?;
        Ok(Arc::clone(self.held.insert(held)))
    }

    async fn run(&mut self, permit: &Permit<Rendered>, params: Vec<Value>, run: &Run) -> Result<Outcome> {
        let epoch = self.control.begin();
        self.epoch = epoch;
        let outcome = self.run_as(epoch, permit, params, run).await;
        if !matches!(outcome, Ok(Outcome::Rows(_))) {
            self.control.rest(epoch);
        }
        outcome
    }

    async fn run_as(
        &mut self,
        epoch: u64,
        permit: &Permit<Rendered>,
        params: Vec<Value>,
        run: &Run,
    ) -> Result<Outcome> {
        if self.transaction == Block::Lost {
            return Err(aborted());
        }
        // The slot first: who waits in line has no connection, so that those there are keep their plans.
        let slot = match self.queued {
            true => Some(self.shared.slot(&self.control, epoch, run.deadline).await?),
            false => None,
        };
        let held = self.held()?;
        let block = self.transaction;
        if let Block::Asked(_) = block {
            self.transaction = Block::Begun;
        }
        let rendered = permit.get().clone();
        let (time_zone, singly) = (Arc::clone(&run.time_zone), run.singly);
        let job_held = Arc::clone(&held);
        let watch = self.watch(&held, epoch, run.deadline);
        let in_place = match block {
            Block::None | Block::Begun => quick::run(&held, &rendered, &params, (&time_zone, singly)),
            Block::Asked(_) | Block::Lost => InPlace::No,
        };
        let started = match in_place {
            InPlace::Done(done) => watch.outcome(Ok(done), None),
            InPlace::Late(late) => {
                let job = move || {
                    let _slot = slot;
                    let mut work = job_held.work.lock();
                    match late.finish(&job_held, &mut work, &rendered, &params)? {
                        Some(started) => Ok(started),
                        None => start(&job_held, &mut work, rendered, &params, (&time_zone, singly)),
                    }
                };
                watch.run(job).await
            }
            InPlace::No => {
                watch
                    .run(move || {
                        let _slot = slot;
                        let mut work = job_held.work.lock();
                        if let Block::Asked(access) = block {
                            work.transaction = Transaction::Begun(access);
                        }
                        let started = start(&job_held, &mut work, rendered, &params, (&time_zone, singly));
                        if started.is_err() {
                            work.failed();
                        }
                        started
                    })
                    .await
            }
        };
        Ok(match started? {
            Started::Rows { stream, first, transaction, own: _ } => Outcome::Rows(Box::new(StreamRows::new(
                held,
                stream,
                first,
                Arc::clone(&self.control),
                epoch,
                run.deadline,
                transaction,
            ))),
            Started::Changed(rows) => Outcome::Changed(rows),
            Started::Feed { feed, plan } => {
                let writes = permit.get().writes;
                Outcome::Changed(self.load(held, epoch, feed, plan, run, writes).await?)
            }
            Started::Done => Outcome::Done,
        })
    }

    /// Runs a statement that reads a feed, once for each part. Between the parts it holds neither slot nor thread: the
    /// client may be slow. The parts are one transaction.
    async fn load(
        &mut self,
        held: Arc<Held>,
        epoch: u64,
        feed: Arc<Feed>,
        plan: Plan,
        run: &Run,
        writes: Writes,
    ) -> Result<u64> {
        let own_transaction = self.transaction == Block::None;
        let loaded = self.load_parts(&held, epoch, &feed, plan, run, writes, own_transaction).await;
        let done = match loaded {
            Ok(rows) if own_transaction => {
                let held = Arc::clone(&held);
                blocking(move || commit_work(&held, &mut held.work.lock())).await.map(|()| rows)
            }
            Err(error) if own_transaction => {
                if !held.abandoned.load(Ordering::SeqCst) {
                    let held = Arc::clone(&held);
                    drop(blocking(move || rollback_work(&held, &mut held.work.lock())).await);
                }
                Err(error)
            }
            other => other,
        };
        feed.close(done.as_ref().err().cloned());
        done
    }

    async fn load_parts(
        &self,
        held: &Arc<Held>,
        epoch: u64,
        feed: &Arc<Feed>,
        plan: Plan,
        run: &Run,
        writes: Writes,
        own_transaction: bool,
    ) -> Result<u64> {
        let watch = self.watch(held, epoch, run.deadline);
        let mut rows = 0;
        let mut plan = Some(plan);
        let mut first = true;
        loop {
            let part = tokio::select! {
                biased;
                reason = self.control.stopped(epoch, run.deadline) => Err(reason.error()),
                part = feed.part() => part,
            };
            let threads = match part {
                Ok(Part::Rows(threads)) => threads,
                Ok(Part::End) => return Ok(rows),
                Err(error) => {
                    let held = Arc::clone(held);
                    blocking(move || {
                        held.work.lock().failed();
                        Ok(())
                    })
                    .await?;
                    return Err(error);
                }
            };
            let slot = self.shared.slot(&self.control, epoch, run.deadline).await?;
            let Some(statement) = plan.take() else { return Err(Error::internal("a load without a plan")) };
            let job_held = Arc::clone(held);
            let begin = std::mem::take(&mut first) && own_transaction;
            let ran = watch
                .run(move || {
                    let _slot = slot;
                    let mut work = job_held.work.lock();
                    if begin {
                        work.moment = Some(job_held.shared.commits.now());
                        job_held.raw.begin_transaction().translated()?;
                        work.transaction = Transaction::Active;
                    }
                    work.touched.add(writes);
                    let _writing = job_held.shared.data.write(Touched::of(writes));
                    let _help = job_held.shared.helpers.call();
                    let ready = work.set_unordered(&job_held.raw, threads == Threads::Several);
                    match ready.and_then(|()| statement.statement.execute().translated()) {
                        Ok(mut result) => Ok((statement, result.rows_changed())),
                        Err(error) => {
                            work.failed();
                            Err(error)
                        }
                    }
                })
                .await;
            let (statement, changed) = ran.map_err(|error| feed.fault().unwrap_or(error))?;
            plan = Some(statement);
            rows += changed;
        }
    }

    fn watch<'a>(&'a self, held: &'a Arc<Held>, epoch: u64, deadline: Option<Instant>) -> Watch<'a> {
        Watch { control: &self.control, epoch, deadline, held }
    }

    async fn end(&mut self, commit: bool) -> Result<()> {
        let block = std::mem::replace(&mut self.transaction, Block::None);
        match block {
            Block::None | Block::Asked(_) => return Ok(()),
            Block::Lost if commit => return Err(aborted()),
            Block::Lost => return Ok(()),
            Block::Begun => {}
        }
        let Some(held) = self.held.clone() else { return Ok(()) };
        if held.abandoned.load(Ordering::SeqCst) {
            self.held = None;
            return if commit { Err(aborted()) } else { Ok(()) };
        }
        if !commit {
            // What is still being fetched is not worth waiting for.
            self.control.resume(self.epoch);
            self.control.cancel(CancelReason::ClientGone);
            self.control.rest(self.epoch);
        }
        blocking(move || {
            let mut work = held.work.lock();
            if commit { commit_work(&held, &mut work) } else { rollback_work(&held, &mut work) }
        })
        .await
    }

    /// Rolls back, keeping what is still to be read of open results; begins anew at once if asked to.
    async fn begin_again(&mut self, access: Option<Access>) -> Result<()> {
        if self.transaction == Block::Lost {
            return Err(aborted());
        }
        self.transaction = Block::None;
        let held = self.held()?;
        if access.is_some() {
            self.transaction = Block::Begun;
        }
        blocking(move || {
            let mut work = held.work.lock();
            make_way(&held, &mut work);
            rollback_work(&held, &mut work)?;
            let Some(access) = access else { return Ok(()) };
            work.transaction = Transaction::Begun(access);
            work.moment = Some(held.shared.commits.now());
            work.begin(&held.raw)?;
            // DuckDB takes its snapshot when a statement first reads: let it be now.
            held.raw.run("SELECT oid FROM duckgate_internal.sequences LIMIT 0").translated()
        })
        .await
    }

    async fn sound(&mut self) -> bool {
        match (self.transaction, &self.held) {
            (Block::None | Block::Asked(_), _) => true,
            (Block::Lost, _) | (Block::Begun, None) => false,
            (Block::Begun, Some(held)) => {
                let held = Arc::clone(held);
                let sound = move || {
                    let abandoned = held.abandoned.load(Ordering::SeqCst);
                    Ok(!abandoned && held.work.lock().transaction != Transaction::Failed)
                };
                blocking(sound).await.unwrap_or(false)
            }
        }
    }
}

/// Begins a statement; blocks until its first rows or its end are there.
fn start(
    held: &Arc<Held>,
    work: &mut Work,
    rendered: Rendered,
    params: &[Value],
    (time_zone, singly): (&Arc<str>, bool),
) -> Result<Started> {
    if work.transaction == Transaction::Failed {
        return Err(aborted());
    }
    make_way(held, work);
    if held.lone.load(Ordering::SeqCst) {
        // Its statement was dropped before anybody read its result.
        held.roll_back()?;
    }
    if let Transaction::Begun(_) = work.transaction {
        work.moment = Some(held.shared.commits.now());
    }
    work.settle(&held.raw, time_zone)?;
    let statement = Statement { held, rendered, params, singly };
    // DuckDB plans with the statistics of the moment and takes the snapshot later, unless both are in one transaction:
    // so a change has one of its own, and so does a query while others write.
    let autocommit = work.transaction == Transaction::None;
    let own = match statement.rendered.kind {
        Kind::Change => autocommit,
        Kind::Rows => autocommit && !held.shared.data.is_quiet(),
        Kind::Command => false,
    };
    match statement.begin(work, own)? {
        Some(started) => Ok(started),
        // It turned out to need a transaction of its own.
        None => statement.begin(work, autocommit)?.ok_or_else(|| Error::internal("a statement that cannot begin")),
    }
}

/// A statement that is being begun.
pub(super) struct Statement<'a> {
    pub held: &'a Arc<Held>,
    pub rendered: Rendered,
    pub params: &'a [Value],
    /// See [`Run::singly`].
    pub singly: bool,
}

impl Statement<'_> {
    /// Begins it, in a transaction of its own if `own`. `None` if it must be begun again with one.
    fn begin(&self, work: &mut Work, own: bool) -> Result<Option<Started>> {
        let raw = &self.held.raw;
        let moment = self.held.shared.commits.now();
        if own {
            raw.begin_transaction().translated()?;
            self.held.lone.store(true, Ordering::SeqCst);
        }
        let mut help = self.held.shared.helpers.pass();
        let begun = self.begin_in(work, own, &mut help);
        if own {
            match &begun {
                // The reader ends it.
                Ok(Some(Started::Rows { own: true, .. })) => {}
                Ok(Some(Started::Rows { .. } | Started::Changed(_) | Started::Done)) => {
                    let _writing = self.held.shared.data.write(Touched::of(self.rendered.writes));
                    let _reserve = self.held.shared.checkpoints.reserve().take();
                    let committing = self.held.shared.commits.begin(self.written(), Some(moment));
                    if let Err(error) = committing.and_then(|_committing| raw.commit().translated()) {
                        drop(self.held.roll_back());
                        // An interrupt that came when it was done, but for this.
                        let aborted = error.code() == SqlState::IN_FAILED_SQL_TRANSACTION;
                        return Err(if aborted { CancelReason::UserRequest.error() } else { error });
                    }
                    self.held.lone.store(false, Ordering::SeqCst);
                    self.held.shared.checkpoints.committed();
                }
                Ok(Some(Started::Feed { .. }) | None) | Err(_) => {
                    let _reserve = self.held.shared.checkpoints.reserve().take();
                    drop(self.held.roll_back());
                }
            }
        }
        begun
    }

    fn written(&self) -> Written {
        let mut written = Written::default();
        written.add(self.rendered.writes, self.singly);
        written
    }

    /// `help`: is called when the statement goes on for long.
    fn begin_in(&self, work: &mut Work, own: bool, help: &mut Option<Help>) -> Result<Option<Started>> {
        let Rendered { kind, writes, .. } = &self.rendered;
        let data = &self.held.shared.data;
        let autocommit = work.transaction == Transaction::None;
        // What an earlier statement that failed may have left behind.
        drop(super::feed_scan::bound());
        let plan = work.prepare(self.held, data, &self.rendered, self.params)?;
        if let Some(feed) = super::feed_scan::bound() {
            work.written.add(*writes, self.singly);
            return Ok(Some(Started::Feed { feed, plan }));
        }
        let select = plan.is_select();
        if *kind == Kind::Rows && !select && autocommit && !own {
            return Ok(None);
        }
        let _writing = (!select).then(|| data.write(Touched::of(*writes)));
        let alone = !select && autocommit && !own;
        // It commits by itself.
        let _reserve = alone.then(|| self.held.shared.checkpoints.reserve().take());
        let _committing = alone.then(|| self.held.shared.commits.begin(self.written(), None)).transpose()?;
        if !select && !autocommit {
            work.touched.add(*writes);
            work.written.add(*writes, self.singly);
        }
        let helpers = &self.held.shared.helpers;
        let late = || {
            help.get_or_insert_with(|| helpers.call());
        };
        let begun = Stopwatch::start();
        let result = plan.statement.execute_alone_for(PLANNING, ALONE, late).translated()?;
        // A feed whose number is a parameter is only bound when the statement runs: it has run over nothing so far.
        if let Some(feed) = super::feed_scan::bound() {
            drop(result);
            work.written.add(*writes, self.singly);
            return Ok(Some(Started::Feed { feed, plan }));
        }
        if alone {
            self.held.shared.checkpoints.committed();
        }
        self.begun(work, plan, result, own, help, Some(begun))
    }

    /// What a statement that has begun to give its result is to its reader. `begun`: when, unless that is long ago. `None` as
    /// in [`Self::begin`].
    pub fn begun(
        &self,
        work: &mut Work,
        mut plan: Plan,
        mut result: QueryResult,
        own: bool,
        help: &mut Option<Help>,
        begun: Option<Stopwatch>,
    ) -> Result<Option<Started>> {
        let Rendered { columns, kind, .. } = &self.rendered;
        let select = plan.is_select();
        let autocommit = work.transaction == Transaction::None;
        if select && autocommit && !own && !plan.is_current(&self.held.shared.data) {
            // Somebody wrote before this query's snapshot was taken: its plan may be wrong for what it sees.
            return Ok(None);
        }
        let started = match kind {
            Kind::Rows => {
                let own = own && select;
                let stream = Arc::new(Stream::open(result, columns.clone(), own)?);
                // What a change gives has been computed when its first row comes.
                let first = stream.first(self.held, help.take(), !select)?;
                plan.quick = stream.is_done() && begun.is_some_and(|begun| !begun.is_past(QUICK));
                work.open = Arc::downgrade(&stream);
                Started::Rows { stream, first, transaction: work.transaction, own }
            }
            Kind::Change => {
                plan.quick = begun.is_some_and(|begun| !begun.is_past(QUICK));
                Started::Changed(result.rows_changed())
            }
            Kind::Command => Started::Done,
        };
        work.keep(&self.rendered, plan);
        Ok(Some(started))
    }
}

impl Connection for Lease {
    fn begin(&mut self, access: Access) -> BoxFuture<'_, Result<()>> {
        let begun = match self.transaction {
            Block::None => {
                self.transaction = Block::Asked(access);
                Ok(())
            }
            Block::Asked(_) | Block::Begun | Block::Lost => {
                Err(Error::new(SqlState::ACTIVE_SQL_TRANSACTION, "there is already a transaction in progress"))
            }
        };
        futures::future::ready(begun).boxed()
    }

    fn commit(&mut self) -> BoxFuture<'_, Result<()>> {
        self.end(true).boxed()
    }

    fn rollback(&mut self) -> BoxFuture<'_, Result<()>> {
        self.end(false).boxed()
    }

    fn rewind(&mut self, access: Option<Access>) -> BoxFuture<'_, Result<()>> {
        self.begin_again(access).boxed()
    }

    fn is_sound(&mut self) -> BoxFuture<'_, bool> {
        self.sound().boxed()
    }

    fn execute<'a>(
        &'a mut self,
        permit: &'a Permit<Rendered>,
        params: Vec<Value>,
        run: &'a Run,
    ) -> BoxFuture<'a, Result<Outcome>> {
        self.run(permit, params, run).boxed()
    }

    fn canceller(&self) -> Arc<dyn Cancel> {
        Arc::clone(&self.control) as Arc<dyn Cancel>
    }
}
