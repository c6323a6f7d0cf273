//! COPY's REJECTS: the rows that were skipped, with line, column, value and reason, in a table.
//!
//! The table is made if there is none of that name, by the session's role and in the load's own transaction; the rows go into it
//! as by `COPY name (…) FROM STDIN`, with what privileges that needs. Until the load is done they are kept in memory, then on disk.

use std::fmt::Write as _;

use super::copy_feed::with_flags;
use super::copy_in::feed_columns;
use super::front::Front;
use super::session::Session;
use crate::copy::{Decoder, Rejected};
use crate::engine::{FeedOrder, FeedWriter, Spool};
use crate::error::{Error, Result, SqlState};
use crate::registry::Relation;
use crate::sql::{self, Compiled, CompiledBody};
use crate::tree::QualifiedName;
use crate::types::encoding::Encoding;

/// The columns, as `CREATE TABLE` has them.
const COLUMNS: [(&str, &str); 7] = [
    ("relation", "text"),
    ("batch_id", "text"),
    ("line", "bigint"),
    ("column_name", "text"),
    ("value", "text"),
    ("reason", "text"),
    ("sqlstate", "text"),
];

/// Bytes of rejected rows that are kept in memory.
const MEMORY: usize = 4 << 20;

/// The rows that were skipped so far, as rows of their table.
pub(super) struct Rejects {
    compiled: Compiled,
    /// What stands before each row: the loaded table's name and the batch.
    before: String,
    decoder: Decoder,
    spool: Option<Spool>,
    rows: u64,
}

impl Rejects {
    pub async fn add(&mut self, rejected: Vec<Rejected>) -> Result<()> {
        if rejected.is_empty() {
            return Ok(());
        }
        let mut lines = String::new();
        for Rejected { line, column, value, error } in &rejected {
            let report = error.report();
            lines.push_str(&self.before);
            // Writing into a String cannot fail.
            let _ = write!(lines, "{line}");
            for text in [column, value.as_str(), &report.message, report.code.as_str()] {
                lines.push('\t');
                escape(&mut lines, text);
            }
            lines.push('\n');
        }
        self.rows += rejected.len() as u64;
        self.decoder.feed(lines.as_bytes())?;
        self.store().await
    }

    async fn store(&mut self) -> Result<()> {
        while let Some(decoded) = self.decoder.take()? {
            let batch = with_flags(decoded, &[])?;
            let Some(mut spool) = self.spool.take() else { return Err(Error::internal("no spool of rejected rows")) };
            if spool.has_room(&batch) {
                spool.push(batch)?;
                self.spool = Some(spool);
                continue;
            }
            let pushed = tokio::task::spawn_blocking(move || spool.push(batch).map(|()| spool)).await;
            self.spool = Some(pushed.map_err(Error::internal)??);
        }
        Ok(())
    }
}

/// A field of COPY's text format.
fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c => out.push(c),
        }
    }
}

fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Session {
    /// Looks for the table, or makes it.
    pub(super) async fn open_rejects(
        &mut self,
        name: &QualifiedName,
        table: &Relation,
        batch: Option<&str>,
        front: &mut dyn Front,
    ) -> Result<Rejects> {
        let name = match &name.namespace {
            Some(namespace) => format!("{}.{}", ident(namespace), ident(&name.name)),
            None => ident(&name.name),
        };
        let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
        let copy = format!("COPY {name} ({}) FROM STDIN", names.join(", "));
        let compiled = match self.compile_text(&copy) {
            Err(error) if error.code() == SqlState::UNDEFINED_TABLE => {
                let columns: Vec<String> = COLUMNS.iter().map(|(name, ty)| format!("{name} {ty}")).collect();
                let create =
                    format!("CREATE TABLE {name} ({}, rejected_at timestamptz DEFAULT now())", columns.join(", "));
                let CompiledBody::Ddl(permit) = self.compile_text(&create)?.body else {
                    return Err(Error::internal("CREATE TABLE is another statement"));
                };
                self.ddl(&permit, None, &[], front).await?;
                self.compile_text(&copy)?
            }
            other => other?,
        };
        let CompiledBody::CopyIn { options, columns, table: of, .. } = &compiled.body else {
            return Err(Error::internal("COPY is another statement"));
        };
        if of.oid == table.oid {
            let message = format!("COPY REJECTS names \"{}\" itself", table.name);
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        let decoder = Decoder::new(options, self.copy_source(columns, of)?, Encoding::UTF8)?;
        let mut before = String::new();
        escape(&mut before, &table.name);
        before.push('\t');
        match batch {
            Some(batch) => escape(&mut before, batch),
            None => before.push_str("\\N"),
        }
        before.push('\t');
        let spool = Some(self.gateway.engine().spool(MEMORY));
        Ok(Rejects { compiled, before, decoder, spool, rows: 0 })
    }

    /// A statement of the gateway's, under the rights of the session's role.
    fn compile_text(&mut self, text: &str) -> Result<Compiled> {
        let environment = self.environment()?;
        let parsed = sql::parse(text)?;
        let parsed = parsed.first().ok_or_else(|| Error::internal("no statement"))?;
        sql::compile(parsed, &environment.context, &[])
    }

    /// Writes the rows that were skipped.
    pub(super) async fn write_rejects(&mut self, mut rejects: Rejects, front: &mut dyn Front) -> Result<()> {
        if rejects.rows == 0 {
            return Ok(());
        }
        rejects.decoder.finish()?;
        rejects.store().await?;
        let CompiledBody::CopyIn { plan, columns, table, .. } = &rejects.compiled.body else {
            return Err(Error::internal("COPY is another statement"));
        };
        let duty = self.before_duty(plan).await?;
        let source = self.copy_source(columns, table)?;
        let types: Vec<_> = source.columns.into_iter().map(|c| c.phys).collect();
        let named = feed_columns(&types, 0);
        let (number, writer) = self.gateway.engine().open_feed(named.clone(), FeedOrder::Kept)?;
        let params = self.bind_values(plan, &[], Some(number))?;
        let Some(mut spool) = rejects.spool.take() else { return Err(Error::internal("no spool of rejected rows")) };
        let batches = spool.read()?;
        self.next_tape(true);
        self.audit_access(plan.permit.access());
        let outcome = self.run_fed(plan, params.clone(), send_all(batches, writer)).await;
        let (snapshot, role) = (self.snapshot(), self.role());
        let (rows, ()) = outcome.map_err(|error| super::constraint::explain(error, Some(table), &snapshot, role))?;
        self.duties.extend(duty);
        let kept = super::copy_feed::Kept { spool: Some(spool), spill: 0 };
        self.keep_copy(plan, params, named, kept, rows);
        self.end_tape();
        self.settle_keys(front).await
    }
}

async fn send_all(
    batches: impl Iterator<Item = Result<arrow::record_batch::RecordBatch>> + Send + 'static,
    mut writer: Box<dyn FeedWriter>,
) -> Result<()> {
    let mut batches = Some(batches);
    while let Some(mut all) = batches.take() {
        // What does not fit in memory is read from disk.
        let (batch, rest) = tokio::task::spawn_blocking(move || (all.next(), all)).await.map_err(Error::internal)?;
        if let Some(batch) = batch {
            writer.send(batch?).await?;
            batches = Some(rest);
        }
    }
    writer.finish();
    Ok(())
}
