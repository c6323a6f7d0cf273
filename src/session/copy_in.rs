//! COPY FROM STDIN: what the client sends is decoded into batches, which feed an insert while it runs.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::record_batch::RecordBatch;

use super::bind::micros;
use super::constraint;
use super::deferred::touch;
use super::execute::{Alone, Done};
use super::front::{CopyInput, Front};
use super::interrupt::Interrupt;
use super::journal::{CopyData, Entry, Saw};
use super::plan_cache::Origin;
use super::quota::exceeded;
use super::session::Session;
use super::transaction;
use crate::copy::{CopyColumn, CopySource, DecodedBatch, Decoder};
use crate::engine::{CancelReason, FeedWriter, Outcome, Run, Spool, batch_bytes};
use crate::error::{Error, Report, Result, Severity, SqlState};
use crate::registry::Relation;
use crate::sql::{self, Compiled, CompiledBody, ParamSource, Plan};
use crate::tree::{CopyFormat, Field};
use crate::types::{self, TypeLookup};

/// A client that is silent for so long has the rows that it has sent written: it is to hear of what is wrong with them
/// before it has sent all the others.
const PATIENCE: Duration = Duration::from_millis(50);

impl Session {
    pub(super) async fn copy_in(
        &mut self,
        compiled: &Arc<Compiled>,
        origin: &Origin,
        front: &mut dyn Front,
        alone: Alone,
    ) -> Result<Done> {
        let CompiledBody::CopyIn { plan, options, columns, table } = &compiled.body else {
            return Err(Error::internal("COPY is another statement"));
        };
        if self.shared.state.lock().settings.transaction.read_only {
            return Err(transaction::read_only("COPY FROM"));
        }
        let alone = if plan.keys.is_some() { Alone::No } else { alone };
        self.open_engine().await?;
        if let Some(active) = self.transaction.active_mut() {
            active.queried = true;
        }
        let duty = self.before_duty(plan).await?;
        let source = self.copy_source(columns, table)?;
        let types: Vec<_> = source.columns.iter().map(|c| c.phys.clone()).collect();
        let mut decoder = Decoder::new(options, source, self.output_settings().client_encoding)?;
        front.copy_in(matches!(options.format, CopyFormat::Binary | CopyFormat::Arrow), types.len()).await?;
        let present = self.present_columns(&mut decoder, front).await?;
        let narrowed = match present.len() < types.len() {
            true => Some(self.without_absent(origin, columns, &present)?),
            false => None,
        };
        let plan = narrowed.as_ref().map_or(Ok(plan), |compiled| match &compiled.body {
            CompiledBody::CopyIn { plan, .. } => Ok(plan),
            _ => Err(Error::internal("COPY is another statement")),
        })?;
        // The rendered statement calls the feed's columns by their place, as those of any query.
        let named: Vec<_> = present.iter().enumerate().map(|(i, c)| (format!("c{i}"), types[*c].clone())).collect();
        let (number, writer) = self.gateway.engine().open_feed(named.clone())?;
        let params = self.bind_values(plan, &[], Some(number))?;
        let columns = named;
        let mut kept = self.keep_data(alone);
        self.next_tape(kept.is_some());
        let (mut skipped, mut received) = (0, 0);
        self.audit_access(plan.permit.access());
        let most = self.result_quotas().load_rows;
        let feed =
            Feed { decoder, writer, kept: kept.as_mut(), received: &mut received, rows: Rows { most, so_far: 0 } };
        let outcome = self.feed(plan, params.clone(), feed, front, &mut skipped).await;
        self.meter.received += received;
        if outcome.is_ok() && skipped > 0 {
            let rows = if skipped == 1 { "row was" } else { "rows were" };
            let message = format!("{skipped} {rows} skipped due to data type incompatibility");
            self.notice(front, &Report::notice(message));
        }
        if let (Ok(Outcome::Changed(rows)), Some(kept)) = (&outcome, kept) {
            self.keep_copy(plan, params, columns, kept, *rows);
            self.end_tape();
        }
        let (snapshot, role) = (self.snapshot(), self.role());
        match outcome.map_err(|error| constraint::explain(error, Some(table), &snapshot, role))? {
            Outcome::Changed(rows) => {
                self.duties.extend(duty);
                self.settle_keys(front).await?;
                Done::tag(format!("COPY {rows}"))
            }
            Outcome::Rows(_) | Outcome::Done => Err(Error::internal("COPY gave no number of rows")),
        }
    }

    /// Which of the columns the data bring: for Arrow that is known when its schema has come.
    async fn present_columns(&mut self, decoder: &mut Decoder, front: &mut dyn Front) -> Result<Vec<usize>> {
        loop {
            if let Some(present) = decoder.present() {
                return Ok(present);
            }
            match input(front, &self.shared.interrupt, self.deadline).await? {
                CopyInput::Data(data) => decoder.feed(&data)?,
                CopyInput::Done => {
                    decoder.finish()?;
                    return Err(Error::internal("COPY data without columns"));
                }
                CopyInput::Fail(message) => return Err(copy_failed(&message)),
            }
        }
    }

    /// The same statement for some of its columns: the others take their defaults.
    fn without_absent(&mut self, origin: &Origin, columns: &[Field], present: &[usize]) -> Result<Compiled> {
        let environment = self.environment()?;
        let names: Vec<_> = present.iter().map(|i| columns[*i].name.clone()).collect();
        sql::compile(&sql::copy_of_columns(origin.parsed()?, &names)?, &environment.context, &[])
    }

    fn copy_source(&mut self, columns: &[Field], table: &Relation) -> Result<CopySource> {
        let snapshot = self.snapshot();
        let column = |field: &Field| {
            let phys = types::phys(field.ty, snapshot.as_ref())
                .ok_or_else(|| Error::unsupported(format!("COPY into column \"{}\" of its type", field.name)))?;
            Ok(CopyColumn { name: field.name.clone(), ty: field.ty, phys })
        };
        Ok(CopySource {
            table: table.name.clone(),
            columns: columns.iter().map(column).collect::<Result<_>>()?,
            settings: self.output_settings(),
            types: snapshot.clone() as Arc<dyn TypeLookup + Send + Sync>,
            now: self.transaction.started().map(micros),
            max_row: self.gateway.limits().copy_line,
        })
    }

    /// Where the data is kept, if the transaction may have to do it again.
    fn keep_data(&self, alone: Alone) -> Option<Kept> {
        let goes_on = alone == Alone::No || self.transaction.in_block();
        let active = self.transaction.active().filter(|_| goes_on)?;
        let limits = self.gateway.limits();
        let room = active.journal.room(limits.journal_bytes);
        let spill = if active.savepoints.is_empty() { 0 } else { limits.journal_spill_bytes };
        let spill = spill.saturating_sub(active.journal.spilled());
        Some(Kept { spool: Some(self.gateway.engine().spool(room)), spill })
    }

    fn keep_copy(
        &mut self,
        plan: &Plan,
        values: Vec<types::Value>,
        columns: Vec<(String, types::Phys)>,
        kept: Kept,
        rows: u64,
    ) {
        let parameter = plan.params.iter().position(|p| *p == ParamSource::Feed);
        let (Some(spool), Some(parameter)) = (kept.spool, parameter) else {
            if let Some(active) = self.transaction.active_mut() {
                touch(&mut active.touched, plan.permit.get().writes);
                active.journal.lose();
            }
            return;
        };
        let state = self.shared.state.lock();
        let (scene, time_zone) = (state.scene(), state.settings.acting().engine_zone.clone());
        drop(state);
        self.keep_entry(Entry {
            permit: plan.permit.clone(),
            values,
            time_zone,
            scene,
            depends: Some(plan.depends.clone()),
            drew: Default::default(),
            saw: Saw::Changed(rows),
            data: Some(CopyData { columns, spool, parameter }),
        });
    }

    /// Runs the insert and feeds it at the same time. What fails first is the error.
    async fn feed(
        &mut self,
        plan: &Plan,
        params: Vec<types::Value>,
        feed: Feed<'_>,
        front: &mut dyn Front,
        skipped: &mut u64,
    ) -> Result<Outcome> {
        let run =
            Run { time_zone: self.shared.state.lock().settings.acting().engine_zone.clone(), deadline: self.deadline };
        let shared = self.shared.clone();
        let deadline = self.deadline;
        let least = shared.state.lock().settings.acting().least_notice;
        let lease = self.lease()?;
        let mut work = pin!(lease.connection.execute(&plan.permit, params, &run));
        let mut pump = pin!(pump(front, feed, &shared.interrupt, deadline, least));
        tokio::select! {
            biased;
            done = &mut work => match done {
                // The statement cannot end well before its feed does.
                Ok(_) => Err(Error::internal("COPY's statement ended before its data")),
                Err(error) => Err(error),
            },
            fed = &mut pump => {
                // If the feed failed its writer is gone, and the statement fails for want of it.
                let done = work.await;
                *skipped = fed?;
                done
            }
        }
    }
}

/// The way of COPY's data.
struct Feed<'a> {
    decoder: Decoder,
    writer: Box<dyn FeedWriter>,
    kept: Option<&'a mut Kept>,
    /// Bytes that have come.
    received: &'a mut u64,
    rows: Rows,
}

/// Rows of a load, and how many there may be.
struct Rows {
    most: Option<u64>,
    so_far: u64,
}

impl Rows {
    fn more(&mut self, rows: usize) -> Result<()> {
        self.so_far += rows as u64;
        match self.most {
            Some(most) if self.so_far > most => {
                Err(exceeded(format!("the load has more than {most} rows"), "duckgate.max_load_rows"))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// COPY's data for the journal. Before the first savepoint only what has room in memory: a load is not to be slower for
/// a savepoint that nobody names.
struct Kept {
    /// `None`: there was too much, or the disk failed.
    spool: Option<Spool>,
    /// Bytes that may go to disk.
    spill: usize,
}

impl Kept {
    async fn push(&mut self, batch: &RecordBatch) {
        let Some(mut spool) = self.spool.take() else { return };
        let batch = batch.clone();
        if spool.has_room(&batch) {
            self.spool = spool.push(batch).is_ok().then_some(spool);
            return;
        }
        if spool.spilled() + batch_bytes(&batch) > self.spill {
            return;
        }
        let pushed = tokio::task::spawn_blocking(move || spool.push(batch).map(|()| spool)).await;
        self.spool = pushed.ok().and_then(Result::ok);
    }
}

/// Moves what the client sends into the feed, until the client is done. Gives how many rows were skipped.
async fn pump(
    front: &mut dyn Front,
    feed: Feed<'_>,
    interrupt: &Interrupt,
    deadline: Option<Instant>,
    least: Severity,
) -> Result<u64> {
    let Feed { mut decoder, mut writer, mut kept, received, mut rows } = feed;
    loop {
        let input = {
            let mut next = pin!(input(front, interrupt, deadline));
            match tokio::time::timeout(PATIENCE, &mut next).await {
                Ok(input) => input,
                Err(_) => {
                    decoder.flush()?;
                    drain(&mut decoder, writer.as_mut(), kept.as_deref_mut(), &mut rows).await?;
                    writer.hurry();
                    next.await
                }
            }
        };
        match input? {
            CopyInput::Data(data) => {
                *received += data.len() as u64;
                let fed = decoder.feed(&data);
                notify(&mut decoder, front, least);
                fed?;
                drain(&mut decoder, writer.as_mut(), kept.as_deref_mut(), &mut rows).await?;
            }
            CopyInput::Done => {
                let finished = decoder.finish();
                notify(&mut decoder, front, least);
                finished?;
                drain(&mut decoder, writer.as_mut(), kept.as_deref_mut(), &mut rows).await?;
                writer.finish();
                return Ok(decoder.skipped());
            }
            CopyInput::Fail(message) => {
                return Err(copy_failed(&message));
            }
        }
    }
}

/// Says which rows were skipped, if that is wanted.
fn notify(decoder: &mut Decoder, front: &mut dyn Front, least: Severity) {
    for message in decoder.notices() {
        if Severity::Notice >= least {
            front.notice(&Report::notice(message));
        }
    }
}

fn copy_failed(message: &str) -> Error {
    Error::new(SqlState::QUERY_CANCELED, format!("COPY from stdin failed: {message}"))
}

/// What the client sends next.
async fn input(front: &mut dyn Front, interrupt: &Interrupt, deadline: Option<Instant>) -> Result<CopyInput> {
    let timeout = async {
        match deadline {
            Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        error = interrupt.cancelled() => Err(error),
        () = timeout => Err(CancelReason::StatementTimeout.error()),
        input = front.copy_read() => input,
    }
}

async fn drain(
    decoder: &mut Decoder,
    writer: &mut dyn FeedWriter,
    mut kept: Option<&mut Kept>,
    rows: &mut Rows,
) -> Result<()> {
    while let Some(DecodedBatch { batch, defaults }) = decoder.take()? {
        if defaults.iter().any(Option::is_some) {
            return Err(Error::unsupported("the DEFAULT marker in COPY data")
                .hint("Leave the column out of COPY's column list: it then takes its default."));
        }
        rows.more(batch.num_rows())?;
        if let Some(kept) = kept.as_deref_mut() {
            kept.push(&batch).await;
        }
        writer.send(batch).await?;
    }
    Ok(())
}
