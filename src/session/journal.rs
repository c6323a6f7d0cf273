//! What a transaction has done to the engine, so that it can be done again up to a savepoint.
//!
//! Remembering is cheap: the statement's text is shared with its plan, COPY's batches with the engine. Nothing is kept of
//! queries: they change nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, SortField};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use parking_lot::Mutex;

use super::shared::Scene;
use crate::engine::tape::Record;
use crate::engine::{Change, Kind, Outcome, Rendered, Rows, Spool, Writes};
use crate::error::Result;
use crate::policy::Permit;
use crate::sql::{Command, Depends, Plan};
use crate::types::{Oid, Phys, Value};

/// What an entry takes beside what it points to, about.
const ENTRY_BYTES: usize = 512;

/// So many rows, or statements, that to do them again costs more than a look at what each next statement would write.
const DEAR_ROWS: u64 = 1000;
const DEAR_ENTRIES: usize = 16;

/// The statements that changed something, in their order.
#[derive(Default)]
pub struct Journal {
    entries: Vec<Entry>,
    bytes: usize,
    /// Statements in all: more than entries, where something went over the limit or cannot be repeated.
    done: u64,
    incomplete: bool,
    /// How many entries there were when the tape began to record: what it has belongs to none of these.
    taped_from: usize,
}

/// A place in a journal: what was done by then.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub entries: usize,
    done: u64,
    complete: bool,
}

/// One statement as the engine got it.
pub struct Entry {
    pub permit: Permit<Rendered>,
    pub values: Vec<Value>,
    pub time_zone: Arc<str>,
    /// See [`crate::engine::Run::singly`].
    pub singly: bool,
    pub scene: Scene,
    /// `None`: it may depend on anything (a definition).
    pub depends: Option<Arc<Depends>>,
    pub drew: Record,
    pub saw: Saw,
    pub data: Option<CopyData>,
}

/// What COPY brought, and which parameter names the feed.
pub struct CopyData {
    pub columns: Vec<(String, Phys)>,
    pub spool: Spool,
    pub parameter: usize,
}

/// What the client was told of a statement.
pub enum Saw {
    Nothing,
    Changed(u64),
    Rows(Arc<Mutex<Digest>>),
}

impl Saw {
    /// How many rows it was about; `None` if not all were read.
    fn rows(&self) -> Option<u64> {
        match self {
            Self::Nothing => Some(0),
            Self::Changed(rows) => Some(*rows),
            Self::Rows(digest) => {
                let digest = digest.lock();
                digest.complete.then_some(digest.rows)
            }
        }
    }
}

impl Journal {
    /// Where it ends now.
    pub fn place(&self) -> Place {
        Place { entries: self.entries.len(), done: self.done, complete: !self.incomplete }
    }

    /// True if everything up to that place can be done again.
    pub fn reaches(&self, place: Place) -> bool {
        place.complete
    }

    /// True if doing it all again takes long, as far as that can be said without trying.
    pub fn is_dear(&self) -> bool {
        let rows = || self.entries.iter().filter_map(|entry| entry.saw.rows()).sum::<u64>();
        self.incomplete || self.entries.len() >= DEAR_ENTRIES || rows() >= DEAR_ROWS
    }

    /// True if something was done since.
    pub fn goes_beyond(&self, place: Place) -> bool {
        self.done > place.done
    }

    /// How many rows of which tables were added since; `None` if something else was done, or nobody knows what.
    pub fn appended_since(&self, place: Place) -> Option<BTreeMap<Oid, u64>> {
        let since = self.entries.get(place.entries..)?;
        if self.incomplete || self.done - place.done != since.len() as u64 {
            return None;
        }
        let mut appended = BTreeMap::new();
        for entry in since {
            let rows = entry.saw.rows();
            match entry.permit.get().writes {
                Writes::Table(table, Change::APPENDS) => *appended.entry(table).or_default() += rows?,
                // Its own temporary tables, or what RETURNING gives when all is written.
                Writes::Aside => {}
                Writes::Table(_, change) if change == Change::default() => {}
                Writes::Nothing | Writes::Table(..) | Writes::Anything => return None,
            }
        }
        Some(appended)
    }

    /// Keeps an entry, if it is within `limit` bytes.
    pub fn add(&mut self, entry: Entry, limit: usize) {
        self.done += 1;
        let bytes = entry.bytes();
        if self.incomplete || self.bytes + bytes > limit {
            self.incomplete = true;
            return;
        }
        self.bytes += bytes;
        self.entries.push(entry);
    }

    /// Something was done that no entry says.
    pub fn lose(&mut self) {
        self.done += 1;
        self.incomplete = true;
    }

    /// What the statement drew that the tape has recorded; another begins. A statement that failed has no entry, and what
    /// it drew is nobody's.
    pub fn drew(&mut self, record: Record) {
        if let Some(last) = self.entries.get_mut(self.taped_from..).and_then(<[Entry]>::last_mut)
            && !record.is_empty()
        {
            self.bytes += record.bytes();
            last.drew = record;
        }
        self.taped_from = self.entries.len();
    }

    pub fn truncate(&mut self, place: Place) {
        for entry in self.entries.drain(place.entries.min(self.entries.len())..) {
            self.bytes = self.bytes.saturating_sub(entry.bytes());
        }
        self.done = place.done;
        self.incomplete = !place.complete;
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub fn entries_mut(&mut self) -> &mut [Entry] {
        &mut self.entries
    }

    /// Room in memory that is left within `limit`.
    pub fn room(&self, limit: usize) -> usize {
        limit.saturating_sub(self.bytes)
    }

    pub fn spilled(&self) -> usize {
        self.entries.iter().filter_map(|e| e.data.as_ref()).map(|d| d.spool.spilled()).sum()
    }

    /// What all entries together depend on: the tables, or (`None`) anything.
    pub fn depends(&self) -> Option<BTreeSet<Oid>> {
        let mut all = BTreeSet::new();
        for entry in &self.entries {
            all.extend(entry.depends.as_ref()?.tables.iter().copied());
        }
        Some(all)
    }

    /// True if some entry draws from what nobody can bring back.
    pub fn is_elusive(&self) -> bool {
        self.entries.iter().any(|e| e.depends.as_ref().is_some_and(|d| d.elusive))
    }
}

impl Entry {
    fn bytes(&self) -> usize {
        let data = self.data.as_ref().map_or(0, |d| d.spool.bytes());
        let values: usize = self.values.iter().map(value_bytes).sum();
        ENTRY_BYTES + self.permit.get().sql.len() + values + self.drew.bytes() + data
    }
}

fn value_bytes(value: &Value) -> usize {
    let own = match value {
        Value::Text(text) | Value::Numeric(text) => text.len(),
        Value::Bytea(bytes) => bytes.len(),
        Value::Array(array) => array.items.iter().map(value_bytes).sum(),
        Value::Row(fields) => fields.iter().map(|(_, value)| value_bytes(value)).sum(),
        _ => 0,
    };
    own + size_of::<Value>()
}

/// True for a statement that changes what DuckDB rolls back. (nextval and kin change what it does not.)
pub fn changes(plan: &Plan) -> bool {
    plan.permit.get().kind != Kind::Rows || plan.command != Command::Select
}

/// What the rows of a result come to, whatever their order.
#[derive(Debug, Default)]
pub struct Digest {
    pub rows: u64,
    sum: u64,
    /// All of them were read.
    pub complete: bool,
    /// Some column has no canonical bytes.
    uncertain: bool,
}

impl Digest {
    fn add(&mut self, batch: &RecordBatch) {
        self.rows += batch.num_rows() as u64;
        let fields = batch.columns().iter().map(|c| SortField::new(c.data_type().clone())).collect();
        let rows = RowConverter::new(fields).and_then(|converter| converter.convert_columns(batch.columns()));
        match rows {
            Ok(rows) => {
                for row in &rows {
                    let mut hasher = DefaultHasher::new();
                    hasher.write(row.as_ref());
                    self.sum = self.sum.wrapping_add(hasher.finish());
                }
            }
            Err(_) => self.uncertain = true,
        }
    }

    /// False if what was seen first is contradicted by `again`, which is complete.
    pub fn agrees(&self, again: &Self) -> bool {
        if !self.complete {
            return self.rows <= again.rows;
        }
        self.rows == again.rows && (self.sum == again.sum || self.uncertain || again.uncertain)
    }
}

/// Rows on their way to the client, and what they come to.
struct Witnessed {
    rows: Box<dyn Rows>,
    digest: Arc<Mutex<Digest>>,
}

impl Rows for Witnessed {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<RecordBatch>>> {
        let Self { rows, digest } = self;
        async move {
            let batch = rows.next().await?;
            match &batch {
                Some(batch) => digest.lock().add(batch),
                None => digest.lock().complete = true,
            }
            Ok(batch)
        }
        .boxed()
    }

    fn suspend(&mut self) {
        self.rows.suspend();
    }
}

/// The outcome, and what the client will have seen of it.
pub fn witness(outcome: Outcome) -> (Outcome, Saw) {
    match outcome {
        Outcome::Rows(rows) => {
            let digest = Arc::<Mutex<Digest>>::default();
            let saw = Saw::Rows(digest.clone());
            (Outcome::Rows(Box::new(Witnessed { rows, digest })), saw)
        }
        Outcome::Changed(rows) => (Outcome::Changed(rows), Saw::Changed(rows)),
        Outcome::Done => (Outcome::Done, Saw::Nothing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Int64Array};

    fn digest(batches: &[&[i64]]) -> Digest {
        let mut digest = Digest { complete: true, ..Digest::default() };
        for values in batches {
            let values: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
            digest.add(&RecordBatch::try_from_iter([("c0", values)]).unwrap());
        }
        digest
    }

    #[test]
    fn rows_agree_in_any_order_and_any_batches_and_not_otherwise() {
        assert!(digest(&[&[1, 2], &[3]]).agrees(&digest(&[&[3, 1, 2]])));
        assert!(!digest(&[&[1, 2, 3]]).agrees(&digest(&[&[1, 2, 4]])));
        assert!(!digest(&[&[1, 2]]).agrees(&digest(&[&[1, 2, 2]])));
        let unread = Digest { complete: false, ..digest(&[&[1]]) };
        assert!(unread.agrees(&digest(&[&[5, 6]])));
    }
}
