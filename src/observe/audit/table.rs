//! Records as rows of a table that outlives the process.

use std::sync::Arc;
use std::time::Duration;

use arrow::record_batch::RecordBatch;

use super::Record;
use super::queue::{Pace, Writer};
use crate::error::Result;

/// Each batch waits for the disk, so records wait for others: a crash costs what came in this time, and while the batch before was written.
pub(super) const PACE: Pace = Pace { batch: 8192, linger: Duration::from_millis(100) };

/// Rows of a table as they are read.
pub type Batches = Box<dyn Iterator<Item = Result<RecordBatch>> + Send>;

/// The table, which is the engine's. Its columns are those of pg_catalog.duckgate_audit.
pub trait Table: Send + Sync {
    /// Adds records; they are on disk when this comes back. When it has failed it is called again with the same ones, and with
    /// the number that it has given them, by which it knows if they are there nevertheless.
    ///
    /// # Errors
    /// They cannot be written.
    fn append(&self, records: &[Arc<Record>], number: &mut Option<i64>) -> Result<()>;
    /// These columns of all its rows as they are now, the oldest first.
    ///
    /// # Errors
    /// It cannot be read.
    fn read(&self, columns: &[usize]) -> Result<Batches>;
    /// No more comes.
    fn close(&self);
}

/// What is to be written to a table next.
pub(super) struct Rows {
    table: Arc<dyn Table>,
    batch: Vec<Arc<Record>>,
    number: Option<i64>,
}

impl Rows {
    pub fn of(table: Arc<dyn Table>) -> Self {
        Self { table, batch: Vec::new(), number: None }
    }
}

impl Writer for Rows {
    fn take(&mut self, batch: &[Arc<Record>]) {
        self.batch = batch.to_vec();
        self.number = None;
    }

    fn write(&mut self) -> std::result::Result<(), String> {
        self.table.append(&self.batch, &mut self.number).map_err(|error| error.to_string())
    }

    fn give_up(&mut self) {
        self.batch.clear();
    }
}
