//! The rows before an error. DuckDB computes some 2,000 rows at a time and drops all of them when one fails; PostgreSQL has
//! by then sent those before it.
//!
//! `SELECT 1.0 / g FROM generate_series(3, -1, -1) g` → three rows, then 22012. The first rows are asked for anew, more of them
//! each time until that fails: DuckDB puts a LIMIT below what computes the columns. Where a sort or an aggregate is in the way,
//! the first row already fails, and as in PostgreSQL none is sent.

use std::time::{Duration, Instant};

use arrow::record_batch::RecordBatch;

use super::execute::{Alone, Started};
use super::front::Front;
use super::portals::OpenRows;
use super::session::Session;
use crate::engine::Rendered;
use crate::error::{Error, Result};
use crate::sql::{Command, Plan};
use crate::types::Value;

/// DuckDB's vector: an error in a later one comes after the rows of those before it.
const VECTOR: usize = 2048;

/// What failed after longer than this is not asked again. By the clock: on a busy machine what takes a millisecond alone has been
/// seen to take twenty.
const PATIENCE: Duration = Duration::from_millis(500);

/// All that is asked anew ends within this.
const WHOLE_PATIENCE: Duration = Duration::from_secs(1);

impl Session {
    /// What a query that has failed before its first row answers: the rows that come before `error`, then `error`.
    pub(super) async fn rows_before(
        &mut self,
        error: Error,
        plan: &Plan,
        values: &[Value],
        front: &mut dyn Front,
        began: Instant,
    ) -> Result<Started> {
        if began.elapsed() > PATIENCE || !may_be_asked_again(plan) || !of_a_value(&error) {
            return Err(error);
        }
        let (mut good, mut bad) = (0, VECTOR);
        let mut rows: Vec<RecordBatch> = Vec::new();
        let mut count = 1;
        while good + 1 < bad && began.elapsed() < WHOLE_PATIENCE {
            match self.first_rows(plan, values, &mut *front, count).await? {
                Some(batches) => {
                    good = count;
                    rows = batches;
                }
                None => bad = count,
            }
            count = if bad == VECTOR { (good * 4).min(VECTOR - 1) } else { good.midpoint(bad) };
        }
        if good == 0 {
            return Err(error);
        }
        self.leave_failed().await?;
        let mut open = OpenRows::kept(rows, self.output_settings());
        open.fails = Some(error);
        Ok(Started::Rows(open))
    }

    /// The first `count` rows; `None` if they cannot be had.
    async fn first_rows(
        &mut self,
        plan: &Plan,
        values: &[Value],
        front: &mut dyn Front,
        count: usize,
    ) -> Result<Option<Vec<RecordBatch>>> {
        if !self.leave_failed().await? {
            return Ok(None);
        }
        let attempt = self.attempt();
        let read = self.read_first(plan, values, front, count).await;
        self.take_back(&attempt);
        self.shared.interrupt.check()?;
        Ok(read.ok())
    }

    /// Leaves the engine's transaction, which the error has broken; false if something was done in it.
    async fn leave_failed(&mut self) -> Result<bool> {
        if self.transaction.active().is_some_and(|active| active.engine) {
            if !self.has_only_read() {
                return Ok(false);
            }
            self.begin_anew().await?;
        }
        Ok(true)
    }

    async fn read_first(
        &mut self,
        plan: &Plan,
        values: &[Value],
        front: &mut dyn Front,
        count: usize,
    ) -> Result<Vec<RecordBatch>> {
        let first = Plan { permit: plan.permit.clone().map(|rendered| limited(rendered, count)), ..plan.clone() };
        let Started::Rows(mut open) = self.try_open(&first, values, &mut *front, Alone::No).await? else {
            return Ok(Vec::new());
        };
        let mut batches: Vec<RecordBatch> = open.batch.take().map(|(batch, _)| batch).into_iter().collect();
        while !open.at_end {
            match self.next_batch(&mut open, &mut *front).await? {
                Some(batch) => batches.push(batch),
                None => open.at_end = true,
            }
        }
        Ok(batches)
    }
}

/// The same statement, asked for its first rows only.
fn limited(rendered: Rendered, count: usize) -> Rendered {
    Rendered { sql: format!("SELECT * FROM ({}) LIMIT {count}", rendered.sql).into(), keyed: None, ..rendered }
}

/// Only what reads, and leaves no trace in the session.
fn may_be_asked_again(plan: &Plan) -> bool {
    plan.command == Command::Select
        && !plan.writes
        && !plan.once
        && plan.before.is_empty()
        && plan.row_locks.is_empty()
        && plan.locks.is_empty()
}

/// A value was wrong in some row (class 22), not the statement.
fn of_a_value(error: &Error) -> bool {
    error.code().as_str().starts_with("22")
}
