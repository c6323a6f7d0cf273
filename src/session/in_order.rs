//! Small results of joins in the order of the rows that were joined, where the statement asks for none.
//!
//! DuckDB's hash joins give a row's matches last first and those of several rows mixed; PostgreSQL's nested loop gives a parent's
//! children together, as they were written, and those who load relations by a join read them so. The engine gives the rows' places
//! in hidden columns: what ends within the first few thousand rows is sorted by them here, and of what goes on they are
//! dropped. So a large result costs no sort, and begins to come before it is complete.

use std::collections::VecDeque;

use arrow::array::{Array, AsArray, UInt64Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatch;
use futures::future::BoxFuture;

use crate::engine::{Rows, batch_bytes};
use crate::error::{Error, Result};

/// More rows than this, or bytes, come as they are.
const MOST_ROWS: usize = 8192;
const MOST_BYTES: usize = 4 << 20;

pub struct InOrder {
    rows: Box<dyn Rows>,
    /// So many columns at the end are the places.
    places: usize,
    /// What was read ahead; `None` before the first.
    ahead: Option<VecDeque<RecordBatch>>,
    failed: Option<Error>,
    ended: bool,
}

impl InOrder {
    pub fn new(rows: Box<dyn Rows>, places: usize) -> Self {
        Self { rows, places, ahead: None, failed: None, ended: false }
    }

    /// Reads until it is known whether the result is small.
    async fn read_ahead(&mut self) -> Result<VecDeque<RecordBatch>> {
        let mut read = Vec::new();
        let (mut rows, mut bytes) = (0, 0);
        while rows <= MOST_ROWS && bytes <= MOST_BYTES {
            match self.rows.next().await {
                Ok(Some(batch)) => {
                    rows += batch.num_rows();
                    bytes += batch_bytes(&batch);
                    read.push(batch);
                }
                Ok(None) => {
                    self.ended = true;
                    return sorted(read, self.places);
                }
                // PostgreSQL sends what came before it.
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            }
        }
        Ok(read.into())
    }

    async fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        if self.ahead.is_none() {
            self.ahead = Some(self.read_ahead().await?);
        }
        let batch = match self.ahead.as_mut().and_then(VecDeque::pop_front) {
            Some(batch) => Some(batch),
            None if self.ended => None,
            None => match self.failed.take() {
                Some(error) => return Err(error),
                None => self.rows.next().await?,
            },
        };
        batch.map(|batch| shown(&batch, self.places)).transpose()
    }
}

impl Rows for InOrder {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<RecordBatch>>> {
        Box::pin(self.next_batch())
    }

    fn suspend(&mut self) {
        self.rows.suspend();
    }
}

fn wrong(error: impl std::fmt::Display) -> Error {
    Error::internal(format!("rows in order: {error}"))
}

/// Without the places.
fn shown(batch: &RecordBatch, places: usize) -> Result<RecordBatch> {
    let columns: Vec<usize> = (0..batch.num_columns().saturating_sub(places)).collect();
    batch.project(&columns).map_err(wrong)
}

/// All rows in the order of their places; where there was no row, last.
fn sorted(batches: Vec<RecordBatch>, places: usize) -> Result<VecDeque<RecordBatch>> {
    let Some(schema) = batches.first().map(|batch| batch.schema()) else { return Ok(VecDeque::new()) };
    let all = concat_batches(&schema, &batches).map_err(wrong)?;
    let columns = &all.columns()[all.num_columns().saturating_sub(places)..];
    let keys: Option<Vec<_>> = columns.iter().map(|column| column.as_primitive_opt::<Int64Type>()).collect();
    let keys = keys.ok_or_else(|| wrong("a place that is no number"))?;
    let place = |row: usize| keys.iter().map(move |key| if key.is_valid(row) { key.value(row) } else { i64::MAX });
    let mut order: Vec<usize> = (0..all.num_rows()).collect();
    order.sort_by(|a, b| place(*a).cmp(place(*b)));
    let indices = UInt64Array::from_iter_values(order.into_iter().map(|row| row as u64));
    let taken = take_record_batch(&all, &indices).map_err(wrong)?;
    Ok(VecDeque::from([taken]))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use arrow::array::Int64Array;
    use arrow::datatypes::{DataType, Field, Schema};

    struct Given(Vec<RecordBatch>);

    impl Rows for Given {
        fn next(&mut self) -> BoxFuture<'_, Result<Option<RecordBatch>>> {
            let next = (!self.0.is_empty()).then(|| self.0.remove(0));
            Box::pin(async move { Ok(next) })
        }
    }

    fn batch(values: Vec<i64>, places: Vec<Option<i64>>) -> RecordBatch {
        let fields = ["a", "p"].map(|name| Field::new(name, DataType::Int64, true));
        let columns: Vec<Arc<dyn Array>> = vec![Arc::new(Int64Array::from(values)), Arc::new(Int64Array::from(places))];
        RecordBatch::try_new(Arc::new(Schema::new(fields.to_vec())), columns).unwrap()
    }

    async fn all(batches: Vec<RecordBatch>) -> Vec<i64> {
        let mut rows = InOrder::new(Box::new(Given(batches)), 1);
        let mut out = Vec::new();
        while let Some(batch) = rows.next().await.unwrap() {
            assert_eq!(batch.num_columns(), 1);
            out.extend(batch.column(0).as_primitive::<Int64Type>().values().iter().copied());
        }
        out
    }

    #[tokio::test]
    async fn a_small_result_is_sorted_by_its_places() {
        let batches = vec![batch(vec![3, 9], vec![Some(3), None]), batch(vec![1, 2], vec![Some(1), Some(2)])];
        assert_eq!(all(batches).await, [1, 2, 3, 9]);
        assert!(all(Vec::new()).await.is_empty());
    }

    #[tokio::test]
    async fn a_large_result_comes_as_it_is() {
        let many = |from: i64| batch((from..from + 5000).collect(), (0..5000).map(|n| Some(-n)).collect());
        assert_eq!(all(vec![many(0), many(5000)]).await, (0..10000).collect::<Vec<_>>());
    }
}
