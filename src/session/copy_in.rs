//! COPY FROM STDIN, or from a file of the server: what comes is decoded into batches, which feed an insert while it runs.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::bind::micros;
use super::constraint;
use super::copy_feed::{Fed, Feed, Kept, Rows, Source, copy_failed, input, placed_nowhere, pump};
use super::copy_progress::Shown;
use super::deferred::touch;
use super::execute::{Alone, Done};
use super::front::{CopyInput, Front};
use super::journal::{CopyData, Entry, Saw};
use super::plan_cache::Origin;
use super::session::Session;
use super::transaction;
use crate::copy::{CopyColumn, CopySource, Decoder};
use crate::engine::{FeedOrder, Outcome, Run, pieces};
use crate::error::{Error, Report, Result};
use crate::registry::Relation;
use crate::sql::{self, Compiled, CompiledBody, ParamSource, Plan};
use crate::tree::{CopyFormat, Field};
use crate::types::{self, Phys, TypeLookup};

impl Session {
    pub(super) async fn copy_in(
        &mut self,
        compiled: &Arc<Compiled>,
        origin: &Origin,
        front: &mut dyn Front,
        alone: Alone,
    ) -> Result<Done> {
        let CompiledBody::CopyIn { plan, options, columns, table, counts_sent, in_order } = &compiled.body else {
            return Err(Error::internal("COPY is another statement"));
        };
        if self.shared.state.lock().settings.transaction.read_only {
            return Err(transaction::read_only("COPY FROM"));
        }
        let file = match &options.file {
            Some(path) => Some((self.open_server_file(path).await?, path)),
            None => None,
        };
        let several = plan.keys.is_some() || options.rejects.is_some() || options.batch.is_some();
        let alone = if several { Alone::No } else { alone };
        let finished = match &options.batch {
            Some(batch) => self.claim_batch(table, batch, front).await?,
            None => None,
        };
        self.lock_before(plan, &[], front).await?;
        self.open_engine_to_change().await?;
        if let Some(active) = self.transaction.active_mut() {
            active.queried = true;
        }
        let mut rejects = match &options.rejects {
            Some(name) => Some(self.open_rejects(name, table, options.batch.as_deref(), front).await?),
            None => None,
        };
        let duty = self.before_duty(plan).await?;
        let source = self.copy_source(columns, table)?;
        let types: Vec<_> = source.columns.iter().map(|c| c.phys.clone()).collect();
        let mut decoder = Decoder::new(options, source, self.output_settings().client_encoding)?;
        if file.is_none() {
            front.copy_in(!options.format.is_text(), types.len()).await?;
        }
        if let (Some(finished), Some(batch)) = (finished, &options.batch) {
            return self.repeat_batch(table, batch, &finished, file.is_none(), front).await;
        }
        let shown = Shown::new(&self.shared, table.oid, true, file.as_ref().map(|(file, _)| length(file)));
        let mut input = match (file, options.format) {
            (Some((file, _)), CopyFormat::Parquet) => {
                Source::File(self.gateway.engine().parquet(self.gateway.limits().copy_file_bytes).read(file)?)
            }
            (Some((file, path)), _) => Source::File(pieces(file, path)),
            (None, CopyFormat::Parquet) => Source::File(self.upload(front).await?),
            (None, CopyFormat::Text | CopyFormat::Csv | CopyFormat::Binary | CopyFormat::Arrow | CopyFormat::Json) => {
                Source::Client
            }
        };
        let present = self.present_columns(&mut decoder, &mut input, front).await?;
        let narrowed = match present.len() < types.len() {
            true => Some(self.without_absent(origin, columns, &present)?),
            false => None,
        };
        let plan = narrowed.as_ref().map_or(Ok(plan), |compiled| match &compiled.body {
            CompiledBody::CopyIn { plan, .. } => Ok(plan),
            _ => Err(Error::internal("COPY is another statement")),
        })?;
        let present: Vec<Phys> = present.into_iter().map(|place| types[place].clone()).collect();
        let flagged: &[usize] = options.default.as_ref().map_or(&[], |default| &default.columns);
        let named = feed_columns(&present, flagged.len());
        let mut kept = self.keep_data(alone);
        let free = !in_order && !self.shared.state.lock().settings.acting().keep_load_order;
        let order = if free { FeedOrder::Free } else { FeedOrder::Kept };
        let (number, writer) = self.gateway.engine().open_feed(named.clone(), order)?;
        let params = self.bind_values(plan, &[], Some(number))?;
        self.next_tape(kept.is_some());
        self.audit_access(plan.permit.access());
        let most = self.result_quotas().load_rows;
        let mut received = 0;
        let (kept_data, rejects_of) = (kept.as_mut(), rejects.as_mut());
        let feed = Feed {
            decoder,
            flagged,
            writer,
            kept: kept_data,
            rejects: rejects_of,
            progress: &shown.progress,
            received: &mut received,
            rows: Rows { most, so_far: 0 },
        };
        let shared = self.shared.clone();
        let least = shared.state.lock().settings.acting().least_notice;
        let pump = pump(front, input, feed, &shared.interrupt, self.deadline, least);
        let outcome = self.run_fed(plan, params.clone(), pump).await;
        self.meter.received += received;
        if let Ok((_, Fed { skipped, .. })) = &outcome
            && *skipped > 0
        {
            let rows = if *skipped == 1 { "row was" } else { "rows were" };
            let message = format!("{skipped} {rows} skipped due to data type incompatibility");
            self.notice(front, &Report::notice(message));
        }
        if let (Ok((rows, _)), Some(kept)) = (&outcome, kept) {
            self.keep_copy(plan, params, named, kept, *rows);
            self.end_tape();
        }
        let (snapshot, role) = (self.snapshot(), self.role());
        let (written, fed) = outcome.map_err(|error| constraint::explain(error, Some(table), &snapshot, role))?;
        self.duties.extend(duty);
        let settled = self.settle_keys(front).await;
        // What the client has sent cannot be had again.
        self.redefined = false;
        settled?;
        if let Some(rejects) = rejects {
            self.write_rejects(rejects, front).await?;
        }
        let rows = if *counts_sent { fed.rows } else { written };
        if let Some(batch) = &options.batch {
            self.remember_batch(table, batch, rows).await?;
        }
        Done::tag(format!("COPY {rows}"))
    }

    /// The file that the client sends, to be read when it is whole.
    async fn upload(&mut self, front: &mut dyn Front) -> Result<mpsc::Receiver<Result<Bytes>>> {
        let mut upload = self.gateway.engine().parquet(self.gateway.limits().copy_file_bytes).upload()?;
        loop {
            match input(front, None, &self.shared.interrupt, self.deadline).await? {
                CopyInput::Data(data) => {
                    self.meter.received += data.len() as u64;
                    upload.add(data).await?;
                }
                CopyInput::Placed(_) => return Err(placed_nowhere()),
                CopyInput::Done => return Ok(upload.read()),
                CopyInput::Fail(message) => return Err(copy_failed(&message)),
            }
        }
    }

    /// Which of the columns the data bring: for Arrow that is known when its schema has come.
    async fn present_columns(
        &mut self,
        decoder: &mut Decoder,
        source: &mut Source,
        front: &mut dyn Front,
    ) -> Result<Vec<usize>> {
        loop {
            if let Some(present) = decoder.present() {
                return Ok(present);
            }
            match source.next(front, None, &self.shared.interrupt, self.deadline).await? {
                CopyInput::Data(data) => decoder.feed(&data)?,
                CopyInput::Placed(_) => return Err(placed_nowhere()),
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

    pub(super) fn copy_source(&mut self, columns: &[Field], table: &Relation) -> Result<CopySource> {
        let snapshot = self.snapshot();
        let column = |field: &Field| {
            let phys = types::phys(field.ty, snapshot.as_ref())
                .ok_or_else(|| Error::unsupported(format!("COPY into column \"{}\" of its type", field.name)))?;
            Ok(CopyColumn { name: field.name.clone(), ty: field.ty, phys, row: None })
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

    pub(super) fn keep_copy(
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
            singly: false,
            scene,
            depends: Some(plan.depends.clone()),
            drew: Default::default(),
            saw: Saw::Changed(rows),
            data: Some(CopyData { columns, spool, parameter }),
        });
    }

    /// Runs a statement over a feed, and what fills the feed at the same time. What fails first is the error. Gives the number
    /// of rows that were written, and what the other gave.
    pub(super) async fn run_fed<T>(
        &mut self,
        plan: &Plan,
        params: Vec<types::Value>,
        pump: impl Future<Output = Result<T>>,
    ) -> Result<(u64, T)> {
        let run = Run::new(self.shared.state.lock().settings.acting().engine_zone.clone(), self.deadline);
        let lease = self.lease()?;
        let mut work = pin!(lease.connection.execute(&plan.permit, params, &run));
        let mut pump = pin!(pump);
        let (done, fed) = tokio::select! {
            biased;
            done = &mut work => match done {
                // The statement cannot end well before its feed does.
                Ok(_) => return Err(Error::internal("COPY's statement ended before its data")),
                Err(error) => return Err(error),
            },
            fed = &mut pump => {
                // If the feed failed its writer is gone, and the statement fails for want of it.
                let done = work.await;
                (done, fed?)
            }
        };
        match done? {
            Outcome::Changed(rows) => Ok((rows, fed)),
            Outcome::Rows(_) | Outcome::Done => Err(Error::internal("COPY gave no number of rows")),
        }
    }
}

/// How long a file is, as far as it can be told.
fn length(file: &std::fs::File) -> u64 {
    file.metadata().map_or(0, |of| of.len())
}

/// The columns of a feed: the rendered statement calls them by their place, as those of any query.
pub(super) fn feed_columns(copied: &[Phys], flags: usize) -> Vec<(String, Phys)> {
    let all = copied.iter().cloned().chain(std::iter::repeat_n(Phys::Bool, flags));
    all.enumerate().map(|(i, phys)| (format!("c{i}"), phys)).collect()
}
