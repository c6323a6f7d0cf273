//! COPY's BATCH_ID: a load that was finished under a name is not done again.
//!
//! The name is remembered in the load's own transaction. Who loads under it holds a lock on it until that has ended, so that
//! of two at once the second sees how the first came out. A client whose load is not done sends its data all the same (the
//! protocol, and every driver, wants that) and is told the tag of the first time.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::copy_feed::input;
use super::execute::Done;
use super::front::{CopyInput, Front};
use super::locks::Answer;
use super::session::Session;
use crate::engine::directory::{LockMode, LockScope, LockTag};
use crate::engine::{Outcome, Run};
use crate::error::{Error, Report, Result, SqlState};
use crate::registry::Relation;
use crate::sql::Depends;
use crate::sql::ddl::loads;
use crate::types::{self, Oid, Phys, Value};

/// A load that was finished.
pub(super) struct Finished {
    rows: u64,
    /// In UTC.
    at: String,
    /// Who it was; 0 if that is not known.
    role: Oid,
}

/// The lock on a batch of a table: a kind of its own among the advisory ones, which clients cannot name. (Two names that meet
/// in it only wait for each other.)
fn lock_of(table: &Relation, batch: &str) -> LockTag {
    let mut hasher = DefaultHasher::new();
    batch.hash(&mut hasher);
    LockTag::Key { high: table.oid, low: hasher.finish() as u32, kind: LockTag::BATCH }
}

fn finished(batch: &arrow::record_batch::RecordBatch) -> Result<Finished> {
    let value = |column: usize, phys| types::arrow::value_at(batch.column(column).as_ref(), 0, &phys);
    match (value(0, Phys::Int8), value(1, Phys::Text), value(2, Phys::Oid)) {
        (Value::Int8(rows), Value::Text(at), Value::Oid(role)) => {
            Ok(Finished { rows: rows.cast_unsigned(), at: at.to_string(), role })
        }
        _ => Err(Error::internal("a finished load of other types")),
    }
}

impl Session {
    /// Waits for whoever loads the same batch, and gives the load that is finished already. Call it before the engine begins
    /// for this statement: what others have committed meanwhile is to be seen.
    pub(super) async fn claim_batch(
        &mut self,
        table: &Relation,
        batch: &str,
        front: &mut dyn Front,
    ) -> Result<Option<Finished>> {
        if table.temporary {
            return Err(Error::unsupported("COPY BATCH_ID into a temporary table"));
        }
        let began = self.transaction.active().is_some_and(|active| active.engine);
        let shared = self.shared.clone();
        let gateway = self.gateway.clone();
        let tag = lock_of(table, batch);
        match gateway.locks.request(shared.owner(), tag, LockMode::Exclusive, LockScope::Transaction, true)? {
            Answer::Granted | Answer::Refused => {}
            Answer::Wait(mut waiting) => {
                super::advisory::wait_turn(waiting.turn(), &shared, self.deadline, front).await?;
            }
        }
        self.open_engine_to_change().await?;
        let question = loads::find(table.oid, batch);
        if let Some(found) = self.ask(&question, Vec::new()).await?.first() {
            return self.own_load(table, batch, finished(found)?).map(Some);
        }
        if !began {
            return Ok(None);
        }
        // The transaction does not see what was committed after it began.
        let mut beside = gateway.engine().connect_beside()?;
        let run = Run::new("UTC".into(), self.deadline);
        let Outcome::Rows(mut rows) = beside.execute(&question, Vec::new(), &run).await? else {
            return Err(Error::internal("a question without rows"));
        };
        while let Some(found) = rows.next().await? {
            if found.num_rows() > 0 {
                return self.own_load(table, batch, finished(&found)?).map(Some);
            }
        }
        Ok(None)
    }

    /// A name that another has given to a load is no news to tell, and none to be silent about: nothing would be written.
    fn own_load(&mut self, table: &Relation, batch: &str, found: Finished) -> Result<Finished> {
        if found.role == 0 || self.snapshot().has_rights_of(self.role(), found.role) {
            return Ok(found);
        }
        let message = format!("batch \"{batch}\" was loaded into \"{}\" by another role", table.name);
        Err(Error::new(SqlState::DUPLICATE_OBJECT, message).hint("Give the batch another name."))
    }

    /// The load is done: it is remembered if the transaction commits.
    pub(super) async fn remember_batch(&mut self, table: &Relation, batch: &str, rows: u64) -> Result<()> {
        let permit = loads::remember(table.oid, batch, rows, self.role());
        let run = Run::new(self.shared.state.lock().settings.acting().engine_zone.clone(), self.deadline);
        self.next_tape(true);
        let outcome = self.lease()?.connection.execute(&permit, Vec::new(), &run).await?;
        self.note(&permit, Vec::new(), Some(std::sync::Arc::new(Depends::default())), &run, outcome);
        Ok(())
    }

    /// Takes the data, if they come from the client, and does nothing with them.
    pub(super) async fn repeat_batch(
        &mut self,
        table: &Relation,
        batch: &str,
        finished: &Finished,
        comes: bool,
        front: &mut dyn Front,
    ) -> Result<Done> {
        let message = format!("batch \"{batch}\" was loaded into \"{}\" before, nothing is loaded", table.name);
        let Finished { rows, at, role: _ } = finished;
        let detail = Some(format!("It brought {rows} rows and was finished at {at} UTC."));
        self.notice(front, &Report { detail, ..Report::notice(message) });
        if !comes {
            return Done::tag(format!("COPY {rows}"));
        }
        loop {
            match input(front, None, &self.shared.interrupt, self.deadline).await? {
                CopyInput::Data(_) | CopyInput::Placed(_) => {}
                CopyInput::Done => return Done::tag(format!("COPY {rows}")),
                CopyInput::Fail(message) => return Err(super::copy_feed::copy_failed(&message)),
            }
        }
    }
}
