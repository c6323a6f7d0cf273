//! pg_catalog and information_schema, answered from the registry's snapshot and the live session table.
//!
//! Every relation of PostgreSQL's two system namespaces exists with its columns ([`relations`]). Tables are filled by the
//! functions under `tables/`; views are SQL files under `views/`, in PostgreSQL's SQL over those tables; what describes
//! nothing that a gateway has is truly empty. To add a view: one file, named as it is.

mod acl;
mod all_settings;
mod audit;
mod build;
mod definitions;
mod functions;
mod index_properties;
mod names;
mod partitions;
mod privileges;
mod procs;
mod recorded;
mod relations;
mod rows_of;
mod signals;
mod tables;

use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::record_batch::RecordBatch;
use lru::LruCache;
use parking_lot::Mutex;

use crate::engine::{Batches, SystemTables, directory};
use crate::error::{Error, Result};
use crate::registry::builtin;
use crate::registry::seen::Seen;
use crate::types::Phys;
use build::Batch;

pub use acl::check_aclitem;
pub use audit::{audit_batch, audit_columns};
pub use functions::natives;
pub(crate) use functions::{Asker, ask as asker};
pub use relations::{is_system_view, relations, view_definition};

/// Memory that kept batches may take, in bytes; the oldest go first.
const CACHE_BYTES: usize = 256 << 20;

/// A snapshot's version, or the superuser's name for what PostgreSQL itself has.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Age {
    Recorded(Arc<str>),
    Snapshot(u64),
    /// What extensions bring, by a snapshot's version.
    Extensions(u64),
}

/// The relation that rows tell of which are only for those who see everything.
const NOBODY: crate::types::Oid = crate::types::Oid::MAX;

/// The system tables' provider, plugged into the engine.
pub struct Catalog {
    cache: Mutex<Cache>,
}

struct Cache {
    batches: LruCache<(Age, &'static str), Batch>,
    bytes: usize,
}

impl Cache {
    fn put(&mut self, key: (Age, &'static str), batch: Batch) {
        self.bytes += batch.batch.get_array_memory_size();
        if let Some((_, old)) = self.batches.push(key, batch) {
            self.bytes -= old.batch.get_array_memory_size();
        }
        while self.bytes > CACHE_BYTES {
            let Some((_, old)) = self.batches.pop_lru() else { return };
            self.bytes -= old.batch.get_array_memory_size();
        }
    }
}

impl Default for Catalog {
    fn default() -> Self {
        Self { cache: Mutex::new(Cache { batches: LruCache::unbounded(), bytes: 0 }) }
    }
}

impl Catalog {
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    fn kept(&self, key: Option<(Age, &'static str)>, make: impl FnOnce() -> Result<Batch>) -> Result<Batch> {
        let Some(key) = key else { return make() };
        if let Some(batch) = self.cache.lock().batches.get(&key) {
            return Ok(batch.clone());
        }
        let batch = make()?;
        self.cache.lock().put(key, batch.clone());
        Ok(batch)
    }

    /// PostgreSQL's own rows.
    fn recorded(&self, name: &'static str, seen: &Seen) -> Result<Option<Batch>> {
        let Some(table) = crate::facts::recorded(name) else { return Ok(None) };
        let superuser = match recorded::names_roles(table) {
            true => seen.snapshot.role_by_oid(builtin::SUPERUSER).map_or_else(|| "".into(), |r| r.name.clone()),
            false => "".into(),
        };
        let batch = self.kept(Some((Age::Recorded(Arc::clone(&superuser)), name)), || {
            let columns = build::types(name).unwrap_or_default();
            let rows = recorded::rows(name, &columns, &superuser)?;
            build::batch(name, rows.unwrap_or_else(build::Rows::all))
        })?;
        Ok(Some(batch))
    }

    /// What the database's extensions bring.
    fn brought(&self, name: &'static str, snapshot: &crate::registry::Snapshot) -> Result<Option<Batch>> {
        let table = crate::facts::of_extensions(name).filter(|_| !snapshot.extensions.is_empty());
        let Some(table) = table else { return Ok(None) };
        let batch = self.kept(Some((Age::Extensions(snapshot.version), name)), || {
            let columns = build::types(name).unwrap_or_default();
            build::batch(name, recorded::brought(table, &columns, snapshot)?)
        })?;
        Ok(Some(batch))
    }

    fn batches(&self, session: u64, name: &str) -> Result<(Vec<Batch>, Seen)> {
        let table = tables::find(name).ok_or_else(|| Error::internal(format!("no system table {name}")))?;
        let view = directory::session(session)?;
        let snapshot = view.snapshot();
        let seen = Seen::new(Arc::clone(&snapshot), view.search_path(), view.role());
        let recorded = self.recorded(table.name, &seen)?;
        let brought = self.brought(table.name, &snapshot)?;
        let key = match table.changes {
            tables::Changes::Never => return Ok((brought.into_iter().chain(recorded).collect(), seen)),
            // A transaction's own snapshot has a version of its own.
            tables::Changes::WithSnapshot => Some((Age::Snapshot(snapshot.version), table.name)),
            tables::Changes::Always => None,
        };
        let own = self.kept(key, || {
            build::batch(table.name, (table.rows)(&tables::Ask { view: &*view, snapshot: &snapshot })?)
        })?;
        // Users' objects first: who looks at a few rows in no order looks for those.
        Ok((std::iter::once(own).chain(brought).chain(recorded).collect(), seen))
    }
}

/// The rows that tell of no relation but those that are seen.
fn visible(batch: Batch, seen: &Seen, projection: &[usize]) -> Result<RecordBatch> {
    let projected = batch.batch.project(projection).map_err(Error::internal)?;
    let Some(about) = batch.about.filter(|_| !seen.sees_all()) else { return Ok(projected) };
    let unseen = seen.snapshot.relations.values().filter(|r| !seen.sees(r)).map(|r| r.oid);
    let hidden: std::collections::HashSet<_> = unseen.chain([NOBODY]).collect();
    let keep: BooleanArray = about.iter().map(|of| Some(!of.iter().any(|oid| hidden.contains(oid)))).collect();
    arrow::compute::filter_record_batch(&projected, &keep).map_err(Error::internal)
}

impl SystemTables for Catalog {
    fn columns(&self, table: &str) -> Option<Vec<(String, Phys)>> {
        build::columns(table)
    }

    fn rows(&self, session: u64, table: &str, projection: &[usize]) -> Result<Batches> {
        if table == audit::NAME {
            return audit::rows(&*directory::session(session)?, projection);
        }
        let (batches, seen) = self.batches(session, table)?;
        let batches = batches.into_iter().map(|batch| visible(batch, &seen, projection)).collect::<Result<Vec<_>>>()?;
        Ok(Box::new(batches.into_iter().map(Ok)))
    }

    fn cardinality(&self, session: u64, table: &str) -> Option<usize> {
        // What is made for this is kept for the scan, but for what changes all the time.
        let kept = table != audit::NAME && tables::find(table)?.changes != tables::Changes::Always;
        let (batches, _) = kept.then(|| self.batches(session, table).ok()).flatten()?;
        Some(batches.iter().map(|b| b.batch.num_rows()).sum())
    }
}
