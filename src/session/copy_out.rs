//! COPY TO STDOUT, or to a file of the server: the result's batches, encoded as they come, one row a message.

use super::constraint;
use super::copy_progress::Shown;
use super::execute::{Alone, Done};
use super::front::Front;
use super::portals::{Batches, OpenRows};
use super::server_files::Target;
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
        let file = match &options.file {
            Some(path) => Some(self.create_server_file(path).await?),
            None => None,
        };
        let mut target = Target::new(front, file);
        let done = self.copy_rows(plan, options, relation, &mut target).await;
        let sent = match (done, &plan.target) {
            (Err(error), Some(target)) => {
                return Err(constraint::explain(error, Some(target), &self.snapshot(), self.role()));
            }
            (done, _) => done?,
        };
        if plan.writes {
            let settled = self.settle_keys(target.front).await;
            // The client has the rows.
            self.redefined = false;
            settled?;
        }
        target.finish()?;
        Done::tag(format!("COPY {sent}"))
    }

    /// How many were sent.
    async fn copy_rows(
        &mut self,
        plan: &Plan,
        options: &CopyOptions,
        relation: Oid,
        target: &mut Target<'_>,
    ) -> Result<u64> {
        let shown = Shown::new(&self.shared, relation, false, options.file.as_ref().map(|_| 0));
        let Outcome::Rows(rows) = self.start(plan, &[], target.front, Alone::No, None).await? else {
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
            return self.arrow_out(rows, encoder, columns.len(), &shown, target).await;
        }
        if options.format == CopyFormat::Parquet {
            let encoder = ArrowEncoder::new(&columns, self.output_settings(), &types)?;
            return self.parquet_out(rows, encoder, columns.len(), &shown, target).await;
        }
        let mut encoder = Encoder::new(options, &columns, self.output_settings(), &types)?;
        target.begin(!options.format.is_text(), columns.len());
        let mut open = OpenRows::new(Batches::Engine(rows), self.output_settings());
        let mut out = Vec::new();
        let mut sent: u64 = 0;
        let quotas = self.result_quotas();
        while let Some(batch) = self.next_batch(&mut open, target.front).await? {
            self.check_result(&quotas, sent + batch.num_rows() as u64)?;
            let mut from = 0;
            while from < batch.num_rows() {
                let to = (from + ROWS_AT_ONCE).min(batch.num_rows());
                let ends = encoder.encode(&batch, from, to, &types, &mut out)?;
                self.check_bytes(&quotas, out.len())?;
                shown.progress.advance(out.len(), (to - from) as u64);
                let before = target.sent();
                target.write(&mut out, &ends, &shared.interrupt).await?;
                self.meter.sent += target.sent() - before;
                self.meter.rows += (to - from) as u64;
                self.check_result(&quotas, self.meter.rows)?;
                from = to;
            }
            sent += batch.num_rows() as u64;
        }
        let ends = encoder.finish(&mut out)?;
        target.write(&mut out, &ends, &shared.interrupt).await?;
        Ok(sent)
    }

    /// The engine's batches, without a detour through rows.
    async fn arrow_out(
        &mut self,
        rows: Box<dyn Rows>,
        mut encoder: ArrowEncoder,
        width: usize,
        shown: &Shown,
        target: &mut Target<'_>,
    ) -> Result<u64> {
        let types = self.seen();
        let shared = self.shared.clone();
        target.begin(true, width);
        let mut open = OpenRows::new(Batches::Engine(rows), self.output_settings());
        let mut sent = 0_u64;
        let quotas = self.result_quotas();
        while let Some(batch) = self.next_batch(&mut open, target.front).await? {
            self.check_result(&quotas, sent + batch.num_rows() as u64)?;
            let part = encoder.encode(&batch, &types)?;
            self.check_bytes(&quotas, part.bytes())?;
            shown.progress.advance(part.bytes(), batch.num_rows() as u64);
            let before = target.sent();
            target.write_part(part, &shared.interrupt).await?;
            self.meter.sent += target.sent() - before;
            self.meter.rows += batch.num_rows() as u64;
            self.check_result(&quotas, self.meter.rows)?;
            sent += batch.num_rows() as u64;
        }
        target.write_part(encoder.finish()?, &shared.interrupt).await?;
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
        target: &mut Target<'_>,
    ) -> Result<u64> {
        let types = self.seen();
        let shared = self.shared.clone();
        let parquet = self.gateway.engine().parquet(self.gateway.limits().copy_file_bytes);
        let mut file = parquet.download(&encoder.schema(), encoder.carriers())?;
        let mut open = OpenRows::new(Batches::Engine(rows), self.output_settings());
        let mut sent = 0;
        let quotas = self.result_quotas();
        while let Some(batch) = self.next_batch(&mut open, target.front).await? {
            self.check_result(&quotas, (sent + batch.num_rows()) as u64)?;
            let batch = encoder.convert(&batch, &types)?;
            let rows = batch.num_rows();
            file.add(batch).await?;
            shown.progress.advance(0, rows as u64);
            sent += rows;
        }
        let mut pieces = file.finish().await?;
        target.begin(true, width);
        self.meter.rows += sent as u64;
        loop {
            let Some(piece) = pieces.recv().await.transpose()? else {
                return Err(Error::internal("the reader of a file broke off"));
            };
            if piece.is_empty() {
                break;
            }
            let mut out = piece.to_vec();
            self.check_bytes(&quotas, out.len())?;
            shown.progress.advance(out.len(), 0);
            let (ends, before) = ([out.len()], target.sent());
            target.write(&mut out, &ends, &shared.interrupt).await?;
            self.meter.sent += target.sent() - before;
            self.check_result(&quotas, self.meter.rows)?;
        }
        Ok(sent as u64)
    }
}
