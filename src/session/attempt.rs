//! A statement that is begun anew: what it has said, locked and done is taken back first.

use std::time::{Duration, Instant};

use super::front::Front;
use super::journal;
use super::locks::{Place, Since};
use super::notify::Mark;
use super::session::Session;
use crate::error::Result;

/// How often, or for how long, a statement that finds its tables redefined when it has its locks is compiled again: somebody may change
/// the schema all the time.
const LOOKS: usize = 8;
const LOOKING: Duration = Duration::from_secs(10);

/// Where the session was when it began a statement.
pub(super) struct Attempt {
    /// What the transaction had done by then, if more than to read.
    pub(super) began: Option<(journal::Place, usize)>,
    said: Mark,
    locks: Place,
    looks: usize,
    /// When it first looked again.
    looked: Option<Instant>,
}

impl Session {
    pub(super) fn attempt(&self) -> Attempt {
        let kept = self.transaction.active().filter(|active| active.engine && !self.has_only_read());
        Attempt {
            began: kept.map(|active| (active.journal.place(), active.scratch.len())),
            said: self.shared.pending.lock().mark(),
            locks: self.gateway.locks.mark(self.shared.id),
            looks: 0,
            looked: None,
        }
    }

    /// Forgets what was said and locked (for the session, too) since.
    pub(super) fn take_back(&self, attempt: &Attempt) {
        self.shared.pending.lock().rewind(attempt.said);
        self.gateway.locks.release_since(self.shared.id, attempt.locks, Since::Attempt);
    }

    /// After an error: true if the statement failed because what it was compiled for has been redefined while it waited, and it
    /// can be compiled and run again, under the schema of now. What it had done is undone; the tables that it has locked stay so.
    pub(super) async fn look_again(&mut self, attempt: &mut Attempt, front: &mut dyn Front) -> Result<bool> {
        if !std::mem::take(&mut self.redefined) {
            return Ok(false);
        }
        let looked = attempt.looked.get_or_insert_with(Instant::now);
        if attempt.looks >= LOOKS && looked.elapsed() > LOOKING {
            return Ok(false);
        }
        attempt.looks += 1;
        let moved = match attempt.began {
            None => {
                self.begin_anew().await?;
                true
            }
            Some(_) if !self.is_read_committed() || self.pinned || self.portals.read_from_engine() => false,
            Some(place) => match self.before_statement(place, front).await {
                Ok(moved) => moved,
                Err(error) => {
                    // What was done again in part is nothing to go back from.
                    self.give_up_transaction().await;
                    return Err(error);
                }
            },
        };
        if moved {
            self.shared.pending.lock().rewind(attempt.said);
        }
        Ok(moved)
    }
}
