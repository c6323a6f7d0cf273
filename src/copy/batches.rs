//! The columns that are being filled, and the batches that are full.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{filter, filter_record_batch};
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::column::Column;
use super::{BATCH_BYTES, BATCH_ROWS, CopySource, DecodedBatch};
use crate::error::{Error, Result};

/// The columns that are being filled, and the batches that are full.
pub(super) struct Batches {
    columns: Vec<Column>,
    schema: SchemaRef,
    rows: usize,
    /// Those of them that are not to be handed on.
    rejected: Vec<usize>,
    bytes: usize,
    pub total: u64,
    ready: VecDeque<DecodedBatch>,
}

impl Batches {
    pub fn new(source: &CopySource) -> Self {
        let fields: Vec<Field> =
            source.columns.iter().map(|c| Field::new(c.name.as_ref(), c.phys.arrow(), true)).collect();
        Self {
            columns: source.columns.iter().map(|c| Column::new(c, source.types.as_ref())).collect(),
            schema: Arc::new(Schema::new(fields)),
            rows: 0,
            rejected: Vec::new(),
            bytes: 0,
            total: 0,
            ready: VecDeque::new(),
        }
    }

    pub fn column(&mut self, i: usize) -> &mut Column {
        &mut self.columns[i]
    }

    /// A row of this many bytes is complete.
    pub fn end_row(&mut self, bytes: usize) -> Result<()> {
        if self.add_row(bytes) { self.flush() } else { Ok(()) }
    }

    /// As [`Self::end_row`]; true if the batch is to be flushed.
    pub fn add_row(&mut self, bytes: usize) -> bool {
        self.rows += 1;
        self.total += 1;
        self.bytes += bytes;
        self.rows >= BATCH_ROWS || self.bytes >= BATCH_BYTES
    }

    /// The first text of the batch that is none, by its row and column: what [`Column::push_binary`] has not looked at. A row that is
    /// not complete counts too.
    pub fn unsound(&self) -> Option<(usize, usize, Error)> {
        let wrong = self.columns.iter().enumerate().filter_map(|(i, column)| {
            let (row, error) = column.unsound()?;
            Some((row, i, error))
        });
        wrong.min_by_key(|(row, column, _)| (*row, *column))
    }

    /// As [`Self::end_row`], of a row that counts for nothing.
    pub fn reject_row(&mut self, bytes: usize) -> Result<()> {
        self.rejected.push(self.rows);
        self.end_row(bytes)?;
        self.total -= 1;
        Ok(())
    }

    pub fn flush(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut arrays = Vec::with_capacity(self.columns.len());
        let mut defaults = Vec::with_capacity(self.columns.len());
        for column in &mut self.columns {
            let (array, default) = column.finish()?;
            arrays.push(array);
            defaults.push(default);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let batch =
            RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options).map_err(Error::internal)?;
        self.ready.push_back(without(std::mem::take(&mut self.rejected), DecodedBatch { batch, defaults })?);
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }

    pub fn take(&mut self) -> Option<DecodedBatch> {
        self.ready.pop_front()
    }
}

/// The batch without some of its rows.
fn without(rejected: Vec<usize>, decoded: DecodedBatch) -> Result<DecodedBatch> {
    if rejected.is_empty() {
        return Ok(decoded);
    }
    let mut kept = vec![true; decoded.batch.num_rows()];
    rejected.into_iter().for_each(|row| kept[row] = false);
    let kept = BooleanArray::from(kept);
    let batch = filter_record_batch(&decoded.batch, &kept).map_err(Error::internal)?;
    let default = |rows: BooleanBuffer| {
        let rows = filter(&BooleanArray::new(rows, None), &kept).map_err(Error::internal)?;
        Ok(rows.as_boolean().values().clone())
    };
    let defaults = decoded.defaults.into_iter().map(|rows| rows.map(default).transpose());
    Ok(DecodedBatch { batch, defaults: defaults.collect::<Result<_>>()? })
}
