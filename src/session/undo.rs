//! ROLLBACK TO without doing anything again: where only rows were added since the savepoint, and no statement has failed in
//! the engine, those rows are removed. They are the last ones of their tables, and nobody else has seen them.

use std::collections::BTreeMap;

use super::execute::guarded;
use super::front::Front;
use super::journal::Place;
use super::session::Session;
use super::transaction::Active;
use crate::engine::{Outcome, Run};
use crate::error::Result;
use crate::registry::Relation;
use crate::sql::ddl::keys::{FIRST_OWN_ROW, last_row, remove_from};
use crate::types::{Oid, Phys, Value, arrow};

/// How often more rows are looked for below those that were removed: what another ROLLBACK TO has removed leaves gaps.
const GAPS: usize = 64;

impl Session {
    /// Whether going back there is only to begin anew: nothing was done by then, and the isolation allows another snapshot.
    pub(super) fn begins_anew(&self, upto: Place) -> bool {
        let plain = |active: &Active| {
            upto.entries == 0 && active.overlay.as_ref().is_none_or(|overlay| overlay.changes().is_empty())
        };
        self.is_read_committed() && self.transaction.active().is_none_or(plain)
    }

    /// Removes the rows that were added to tables since then. False if that did not come out as it had to: what was done
    /// before is to be done again.
    pub(super) async fn take_rows_back(
        &mut self,
        upto: Place,
        appended: &BTreeMap<Oid, u64>,
        front: &mut dyn Front,
    ) -> bool {
        let snapshot = self.snapshot();
        for (table, rows) in appended.iter().filter(|(_, rows)| **rows > 0) {
            let Some(relation) = snapshot.relation_by_oid(*table).cloned() else { return false };
            match self.remove_last(&relation, *rows, front).await {
                Ok(true) => {}
                Ok(false) => return false,
                // A cancel, say: it is heard again by who does the transaction again.
                Err(error) => {
                    tracing::debug!(%error, table, "rows are not removed");
                    return false;
                }
            }
        }
        if let Some(active) = self.transaction.active_mut() {
            active.journal.truncate(upto);
        }
        true
    }

    async fn remove_last(&mut self, table: &Relation, rows: u64, front: &mut dyn Front) -> Result<bool> {
        let last = self.ask(&last_row(table, FIRST_OWN_ROW), Vec::new()).await?;
        let last = last.first().map(|batch| arrow::value_at(batch.column(0).as_ref(), 0, &Phys::Int8));
        let Some(Value::Int8(last)) = last else { return Ok(false) };
        let (mut from, mut left) = (last + 1, i64::try_from(rows).unwrap_or(i64::MAX));
        for _ in 0..GAPS {
            // Below the last n numbers there are at most n rows: never too many are removed.
            from = from.saturating_sub(left);
            if from < FIRST_OWN_ROW {
                return Ok(false);
            }
            left -= self.remove_from(table, from, front).await?;
            match left {
                0 => return Ok(true),
                1.. => {}
                ..0 => return Ok(false),
            }
        }
        Ok(false)
    }

    /// How many rows were removed.
    async fn remove_from(&mut self, table: &Relation, row: i64, front: &mut dyn Front) -> Result<i64> {
        let permit = remove_from(table, row);
        let run = Run::new(self.shared.state.lock().settings.acting().engine_zone.clone(), self.deadline);
        let shared = self.shared.clone();
        shared.interrupt.check()?;
        let lease = self.lease()?;
        let work = lease.connection.execute(&permit, Vec::new(), &run);
        match guarded(Some(front), &shared.interrupt, &lease.canceller, work).await? {
            Outcome::Changed(rows) => Ok(i64::try_from(rows).unwrap_or(i64::MAX)),
            Outcome::Rows(_) | Outcome::Done => Ok(0),
        }
    }
}
