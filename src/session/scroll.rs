//! Going back in a cursor: the batches that it has read, and the way to any row of them.

use arrow::record_batch::RecordBatch;

use super::portals::OpenRows;
use crate::engine::budget::RowMemory;
use crate::error::{Error, Result, SqlState};

/// What a cursor that was not declared with SCROLL keeps, in bytes: PostgreSQL lets most such cursors go back too.
const UNASKED: usize = 1 << 20;

/// The batches that a cursor has read so far.
pub struct Kept {
    batches: Vec<RecordBatch>,
    /// How many rows there are before each of them.
    before: Vec<u64>,
    rows: u64,
    memory: RowMemory,
    limit: usize,
    /// SCROLL was asked for: more than the limit is an error, not the end of going back.
    asked: bool,
    /// The batch that is read next, if it has been read before.
    next: usize,
    /// There are no more rows than these.
    whole: bool,
}

impl Kept {
    pub fn new(asked: bool, limit: usize) -> Self {
        let limit = if asked { limit } else { limit.min(UNASKED) };
        let memory = RowMemory::default();
        Self { batches: Vec::new(), before: Vec::new(), rows: 0, memory, limit, asked, next: 0, whole: false }
    }

    /// A batch that was read before and is to be read again.
    fn again(&mut self) -> Option<RecordBatch> {
        let batch = self.batches.get(self.next)?.clone();
        self.next += 1;
        Some(batch)
    }

    /// Keeps a batch. False if there is no room, and going back was not asked for. 53400 or 53200 if it was.
    fn keep(&mut self, batch: &RecordBatch) -> Result<bool> {
        let bytes = batch.get_array_memory_size();
        let taken = self.memory.take(bytes);
        if taken.is_err() || self.memory.bytes() > self.limit {
            if !self.asked {
                return Ok(false);
            }
            taken?;
            let message = format!("a scrollable cursor may keep at most {} bytes of rows", self.limit);
            return Err(Error::new(SqlState::CONFIGURATION_LIMIT_EXCEEDED, message)
                .hint("Declare it with NO SCROLL and read it forward."));
        }
        self.before.push(self.rows);
        self.rows += batch.num_rows() as u64;
        self.batches.push(batch.clone());
        self.next = self.batches.len();
        Ok(true)
    }

    /// The batch that has a row (counted from 0), and the row's place in it.
    fn find(&self, row: u64) -> Option<(usize, usize)> {
        let batch = self.before.partition_point(|before| *before <= row).checked_sub(1)?;
        let place = usize::try_from(row - self.before[batch]).ok()?;
        (place < self.batches[batch].num_rows()).then_some((batch, place))
    }
}

impl OpenRows {
    /// A batch that was read before, if the cursor has gone back.
    pub fn reread(&mut self) -> Option<RecordBatch> {
        self.kept.as_mut()?.again()
    }

    /// True if the source has given all that it had.
    pub fn is_whole(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.whole)
    }

    /// Remembers what the source has just given: a batch, or its end.
    pub fn remember(&mut self, batch: Option<&RecordBatch>) -> Result<()> {
        let Some(kept) = &mut self.kept else { return Ok(()) };
        match batch {
            None => kept.whole = true,
            Some(batch) => {
                if !kept.keep(batch)? {
                    self.kept = None;
                }
            }
        }
        Ok(())
    }

    /// True if the cursor stands on a row, and neither before the first nor after the last.
    pub fn on_row(&self) -> bool {
        self.position > 0 && !self.past_end()
    }

    pub fn past_end(&self) -> bool {
        self.at_end && self.batch.is_none()
    }

    /// The row that the cursor stands on, from 1; one more than there are after the last.
    pub fn place(&self) -> u64 {
        self.position + u64::from(self.past_end())
    }

    /// Stands behind the first `rows` rows, all of which were read before. False if the cursor cannot go back.
    pub fn go_to(&mut self, rows: u64) -> bool {
        let Some(kept) = &mut self.kept else { return false };
        match kept.find(rows) {
            Some((batch, place)) => {
                self.batch = Some((kept.batches[batch].clone(), place));
                kept.next = batch + 1;
            }
            None => {
                self.batch = None;
                kept.next = kept.batches.len();
            }
        }
        self.position = rows;
        self.at_end = false;
        true
    }

    /// The batch of a row that was read before (from 1), and the row's place in it.
    pub fn row(&self, number: u64) -> Option<(RecordBatch, usize)> {
        let kept = self.kept.as_ref()?;
        let (batch, place) = kept.find(number.checked_sub(1)?)?;
        Some((kept.batches[batch].clone(), place))
    }
}
