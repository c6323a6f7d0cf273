//! How far a COPY has come: pg_stat_progress_copy.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::shared::Shared;
use crate::engine::directory::CopyRow;
use crate::types::Oid;

/// Counters of a running COPY, that other sessions read.
pub struct CopyProgress {
    /// 0 for a query.
    relation: Oid,
    from: bool,
    file: Option<u64>,
    bytes: AtomicU64,
    rows: AtomicU64,
}

impl CopyProgress {
    pub fn row(&self) -> CopyRow {
        CopyRow {
            file: self.file,
            relation: self.relation,
            command: if self.from { "COPY FROM" } else { "COPY TO" },
            bytes_processed: self.bytes.load(Ordering::Relaxed),
            tuples_processed: self.rows.load(Ordering::Relaxed),
        }
    }

    /// So many bytes and rows more.
    pub fn advance(&self, bytes: usize, rows: u64) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }
}

/// A COPY that is shown while this lives.
pub struct Shown {
    shared: Arc<Shared>,
    pub progress: Arc<CopyProgress>,
}

impl Shown {
    pub fn new(shared: &Arc<Shared>, relation: Oid, from: bool, file: Option<u64>) -> Self {
        let progress =
            Arc::new(CopyProgress { relation, from, file, bytes: AtomicU64::default(), rows: AtomicU64::default() });
        shared.state.lock().copy = Some(progress.clone());
        Self { shared: shared.clone(), progress }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.shared.state.lock().copy = None;
    }
}
