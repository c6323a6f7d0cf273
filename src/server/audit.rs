//! The audit with its table, which the engine keeps.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

use crate::catalog::{audit_batch, audit_columns};
use crate::engine::Ledger;
use crate::error::{Error, Result, SqlState};
use crate::observe::audit::{Audit, Batches, Kept, Record, Settings, Table};

/// How often what is too old is removed, at most.
const TRIM: Duration = Duration::from_secs(60);
/// How much of what may be kept may be there beyond that.
const SLACK: u64 = 10;

/// The column of the records' time.
const TIME: usize = 0;

/// Opens the audit's sinks.
///
/// # Errors
/// A file cannot be opened, or is not what it should be.
pub async fn open(settings: Settings) -> Result<Audit> {
    let opened = tokio::task::spawn_blocking(move || {
        let table = settings.table.clone().map(Records::open).transpose()?;
        let table = table.map(|table| Arc::new(table) as Arc<dyn Table>);
        Audit::open(settings, table).map_err(|e| Error::fatal(SqlState::IO_ERROR, format!("audit: {e}")))
    });
    opened.await.map_err(Error::internal)?
}

struct Records {
    ledger: Ledger,
    settings: Kept,
    trimmed: Mutex<Option<Instant>>,
}

impl Records {
    fn open(settings: Kept) -> Result<Self> {
        let ledger =
            Ledger::open(&settings.path, audit_columns()).map_err(|e| Error::fatal(e.code(), format!("audit: {e}")))?;
        let records = Self { ledger, settings, trimmed: Mutex::default() };
        records.trim();
        Ok(records)
    }

    /// Removes what is too much or too old. That it fails keeps nobody from writing.
    fn trim(&self) {
        let Kept { path, rows, age } = &self.settings;
        let many = rows.filter(|rows| self.ledger.rows() > rows + rows / SLACK);
        let mut trimmed = self.trimmed.lock();
        let due = trimmed.is_none_or(|at| at.elapsed() >= TRIM);
        let old = age.filter(|_| due).and_then(|age| SystemTime::now().checked_sub(age));
        if many.is_none() && old.is_none() {
            return;
        }
        *trimmed = Some(Instant::now());
        let micros = |at: SystemTime| at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |t| t.as_micros() as i64);
        if let Err(error) = self.ledger.trim(many, old.map(|old| (TIME, micros(old)))) {
            tracing::error!(path = %path.display(), %error, "the audit's oldest records could not be removed");
        }
    }
}

impl Table for Records {
    fn append(&self, records: &[Arc<Record>], number: &mut Option<i64>) -> Result<()> {
        self.ledger.append(&audit_batch(records)?, number)?;
        self.trim();
        Ok(())
    }

    fn read(&self, columns: &[usize]) -> Result<Batches> {
        Ok(Box::new(self.ledger.read(columns)?))
    }

    fn close(&self) {
        self.ledger.close();
    }
}
