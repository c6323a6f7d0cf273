//! pg_catalog and information_schema, answered from the registry's snapshot and the live session table.
//!
//! Every relation of PostgreSQL's two system namespaces exists with its columns ([`relations`]). Tables are filled by the
//! functions under `tables/`; views are SQL files under `views/`, in PostgreSQL's SQL over those tables; what describes
//! nothing that a gateway has is truly empty. To add a view: one file, named as it is.

mod build;
mod definitions;
mod functions;
mod privileges;
mod relations;
mod tables;

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use lru::LruCache;
use parking_lot::Mutex;

use crate::engine::{SystemTables, directory};
use crate::error::{Error, Result};
use crate::types::Phys;

pub(crate) use functions::ask as asker;
pub use functions::natives;
pub use relations::{relations, view_definition};

/// Batches kept: one for each table of the newest snapshots.
const CACHED_TABLES: usize = 256;

/// The system tables' provider, plugged into the engine.
pub struct Catalog {
    cache: Mutex<LruCache<(u64, &'static str), RecordBatch>>,
}

impl Default for Catalog {
    fn default() -> Self {
        let capacity = std::num::NonZeroUsize::new(CACHED_TABLES).unwrap_or(std::num::NonZeroUsize::MIN);
        Self { cache: Mutex::new(LruCache::new(capacity)) }
    }
}

impl Catalog {
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    fn batch(&self, session: u64, name: &str) -> Result<RecordBatch> {
        let table = tables::find(name).ok_or_else(|| Error::internal(format!("no system table {name}")))?;
        let view = directory::session(session)?;
        let snapshot = view.snapshot();
        let key = match table.changes {
            tables::Changes::Never => Some((0, table.name)),
            // A transaction's own snapshot has a version of its own.
            tables::Changes::WithSnapshot => Some((snapshot.version, table.name)),
            tables::Changes::Always => None,
        };
        if let Some(key) = key
            && let Some(batch) = self.cache.lock().get(&key)
        {
            return Ok(batch.clone());
        }
        let batch = build::batch(table.name, (table.rows)(&tables::Ask { view: &*view, snapshot: &snapshot })?)?;
        if let Some(key) = key {
            self.cache.lock().put(key, batch.clone());
        }
        Ok(batch)
    }
}

impl SystemTables for Catalog {
    fn columns(&self, table: &str) -> Option<Vec<(String, Phys)>> {
        build::columns(table)
    }

    fn rows(&self, session: u64, table: &str, projection: &[usize]) -> Result<Vec<RecordBatch>> {
        let batch = self.batch(session, table)?;
        let projected = batch.project(projection).map_err(Error::internal)?;
        Ok(vec![projected])
    }
}
