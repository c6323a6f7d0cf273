//! COPY TO STDOUT: the result's batches, encoded as they come, one row a message.

use super::constraint;
use super::copy_progress::Shown;
use super::execute::{Alone, Done};
use super::front::Front;
use super::interrupt::Interrupt;
use super::portals::{Batches, OpenRows};
use super::session::Session;
use crate::copy::{ArrowEncoder, CopyColumn, Encoder};
use crate::engine::{Outcome, Rows};
use crate::error::{Error, Result};
use crate::sql::Plan;
use crate::tree::{CopyFormat, CopyOptions};
use crate::types::Oid;

/// Rows that are encoded before they are sent: bounds what is held, and how late a cancel is noticed.
const ROWS_AT_ONCE: usize = 1024;

impl Session {
    pub(super) async fn copy_out(
        &mut self,
        plan: &Plan,
        options: &CopyOptions,
        relation: Oid,
        front: &mut dyn Front,
    ) -> Result<Done> {
        self.duties.clear();
        let done = self.copy_rows(plan, options, relation, front).await;
        let sent = match (done, &plan.target) {
            (Err(error), Some(target)) => {
                return Err(constraint::explain(error, Some(target), &self.snapshot(), self.role()));
            }
            (done, _) => done?,
        };
        if plan.writes {
            let settled = self.settle_keys(front).await;
            // The client has the rows.
            self.redefined = false;
            settled?;
        }
        front.copy_out_done();
        Done::tag(format!("COPY {sent}"))
    }

    /// How many were sent.
    async fn copy_rows(
        &mut self,
        plan: &Plan,
        options: &CopyOptions,
        relation: Oid,
        front: &mut dyn Front,
    ) -> Result<u64> {
        let shown = Shown::new(&self.shared, relation, false);
        let Outcome::Rows(rows) = self.start(plan, &[], front, Alone::No, None).await? else {
            return Err(Error::internal("COPY TO gave no rows"));
        };
        let columns: Vec<CopyColumn> = plan
            .fields
            .iter()
            .zip(&plan.phys)
            .map(|(field, phys)| CopyColumn {
                name: field.name.clone(),
                ty: field.ty,
                phys: phys.clone(),
                row: field.row.clone(),
            })
            .collect();
        let types = self.seen();
        let shared = self.shared.clone();
        if options.format == CopyFormat::Arrow {
            let encoder = ArrowEncoder::new(&columns, self.output_settings(), &types)?;
            return self.arrow_out(rows, encoder, columns.len(), &shown, front).await;
        }
        if options.format == CopyFormat::Parquet {
            let encoder = ArrowEncoder::new(&columns, self.output_settings(), &types)?;
            return self.parquet_out(rows, encoder, columns.len(), &shown, front).await;
        }
        let mut encoder = Encoder::new(options, &columns, self.output_settings(), &types)?;
        front.copy_out(!options.format.is_text(), columns.len());
        let mut open = OpenRows::new(Batches::Engine(rows), self.output_settings());
        let mut out = Vec::new();
        let mut sent: u64 = 0;
        let quotas = self.result_quotas();
        while let Some(batch) = self.next_batch(&mut open, front).await? {
            self.check_result(&quotas, sent + batch.num_rows() as u64)?;
            let mut from = 0;
            while from < batch.num_rows() {
                let to = (from + ROWS_AT_ONCE).min(batch.num_rows());
                let ends = encoder.encode(&batch, from, to, &types, &mut out)?;
                shown.progress.advance(out.len(), (to - from) as u64);
                let before = front.sent();
                messages(&mut out, &ends, &shared.interrupt, front).await?;
                self.meter.sent += front.sent() - before;
                self.meter.rows += (to - from) as u64;
                self.check_result(&quotas, self.meter.rows)?;
                from = to;
            }
            sent += batch.num_rows() as u64;
        }
        let ends = encoder.finish(&mut out)?;
        messages(&mut out, &ends, &shared.interrupt, front).await?;
        Ok(sent)
    }

    /// The engine's batches, without a detour through rows.
    async fn arrow_out(
        &mut self,
        rows: Box<dyn Rows>,
        mut encoder: ArrowEncoder,
        width: usize,
        shown: &Shown,
        front: &mut dyn Front,
    ) -> Result<u64> {
        let types = self.seen();
        let shared = self.shared.clone();
        front.copy_out(true, width);
        let mut open = OpenRows::new(Batches::Engine(rows), self.output_settings());
        let (mut out, mut sent) = (Vec::new(), 0_u64);
        let quotas = self.result_quotas();
        while let Some(batch) = self.next_batch(&mut open, front).await? {
            self.check_result(&quotas, sent + batch.num_rows() as u64)?;
            let ends = encoder.encode(&batch, &types, &mut out)?;
            shown.progress.advance(out.len(), batch.num_rows() as u64);
            let before = front.sent();
            messages(&mut out, &ends, &shared.interrupt, front).await?;
            self.meter.sent += front.sent() - before;
            self.meter.rows += batch.num_rows() as u64;
            self.check_result(&quotas, self.meter.rows)?;
            sent += batch.num_rows() as u64;
        }
        let ends = encoder.finish(&mut out)?;
        messages(&mut out, &ends, &shared.interrupt, front).await?;
        Ok(sent)
    }
}

impl Session {
    /// As [`Self::arrow_out`], into a file, which is sent when it is whole.
    async fn parquet_out(
        &mut self,
        rows: Box<dyn Rows>,
        encoder: ArrowEncoder,
        width: usize,
        shown: &Shown,
        front: &mut dyn Front,
    ) -> Result<u64> {
        let types = self.seen();
        let shared = self.shared.clone();
        let parquet = self.gateway.engine().parquet(self.gateway.limits().copy_file_bytes);
        let mut file = parquet.download(&encoder.schema(), encoder.carriers())?;
        let mut open = OpenRows::new(Batches::Engine(rows), self.output_settings());
        let mut sent = 0;
        let quotas = self.result_quotas();
        while let Some(batch) = self.next_batch(&mut open, front).await? {
            self.check_result(&quotas, (sent + batch.num_rows()) as u64)?;
            let batch = encoder.convert(&batch, &types)?;
            let rows = batch.num_rows();
            file.add(batch).await?;
            shown.progress.advance(0, rows as u64);
            sent += rows;
        }
        let mut pieces = file.finish().await?;
        front.copy_out(true, width);
        self.meter.rows += sent as u64;
        loop {
            let Some(piece) = pieces.recv().await.transpose()? else {
                return Err(Error::internal("the reader of a file broke off"));
            };
            if piece.is_empty() {
                break;
            }
            let mut out = piece.to_vec();
            shown.progress.advance(out.len(), 0);
            let (ends, before) = ([out.len()], front.sent());
            messages(&mut out, &ends, &shared.interrupt, front).await?;
            self.meter.sent += front.sent() - before;
            self.check_result(&quotas, self.meter.rows)?;
        }
        Ok(sent as u64)
    }
}

/// Sends what was encoded, cut where the messages end.
async fn messages(out: &mut Vec<u8>, ends: &[usize], interrupt: &Interrupt, front: &mut dyn Front) -> Result<()> {
    tokio::select! {
        biased;
        done = front.copy_write(out, ends) => done?,
        error = interrupt.terminated() => return Err(error),
    }
    out.clear();
    interrupt.check()
}
