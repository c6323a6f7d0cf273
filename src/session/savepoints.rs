//! SAVEPOINT, RELEASE, ROLLBACK TO: what a savepoint remembers, and how the session goes back to it.
//!
//! DuckDB has no savepoints. What it knows of the transaction is brought back by [`super::replay`]; what the session
//! itself knows is saved here.

use super::execute::Done;
use super::front::Front;
use super::journal::Place;
use super::locks::{self, Since};
use super::notify::Mark;
use super::session::Session;
use super::settings::Saved;
use super::transaction::{self, Active, Failed, Transaction};
use crate::error::{Error, Result, SqlState};
use crate::registry::{Name, Overlay};
use crate::types::Oid;

/// A savepoint: how far everything was when it was made.
pub struct Savepoint {
    name: Name,
    journal: Place,
    overlay: Option<Overlay>,
    settings: Saved,
    /// Portals made since have this number or a greater one.
    portals: u64,
    forgotten: usize,
    scratch: usize,
    said: Mark,
    locks: locks::Place,
    /// SET CONSTRAINTS … IMMEDIATE and … DEFERRED.
    immediate: Vec<Oid>,
    deferred: Vec<Oid>,
}

impl Savepoint {
    /// The engine has not begun yet, as far as this savepoint goes: nothing was done by then.
    pub(super) fn forget_schema(&mut self) {
        self.overlay = None;
    }

    /// The schema that it goes back to.
    pub(super) fn overlay_mut(&mut self) -> Option<&mut Overlay> {
        self.overlay.as_mut()
    }
}

impl Session {
    pub(super) fn savepoint(&mut self, name: &Name) -> Result<Done> {
        self.only_in_block("SAVEPOINT")?;
        self.end_tape();
        let settings = self.shared.state.lock().settings.save();
        let portals = self.portals.next_number();
        let said = self.shared.pending.lock().mark();
        let locks = self.gateway.locks.mark(self.shared.id);
        let limit = self.gateway.limits().savepoints;
        let Some(active) = self.transaction.active_mut() else { return Err(transaction::aborted()) };
        if active.savepoints.len() >= limit {
            let message = format!("a transaction may have at most {limit} savepoints");
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
                .hint("RELEASE those that are no longer needed, or raise limits.savepoints."));
        }
        active.savepoints.push(Savepoint {
            name: name.clone(),
            journal: active.journal.place(),
            overlay: active.overlay.clone(),
            settings,
            portals,
            forgotten: active.forgotten.len(),
            scratch: active.scratch.len(),
            said,
            locks,
            immediate: active.immediate.clone(),
            deferred: active.deferred.clone(),
        });
        Done::tag("SAVEPOINT")
    }

    pub(super) fn release_savepoint(&mut self, name: &Name) -> Result<Done> {
        self.only_in_block("RELEASE SAVEPOINT")?;
        let Some(active) = self.transaction.active_mut() else { return Err(transaction::aborted()) };
        let place = place(&active.savepoints, name)?;
        // What was done stays; but whether the transaction is read-only is the outer level's to say.
        let read_only = active.savepoints[place].settings.characteristics().read_only;
        active.savepoints.truncate(place);
        self.shared.state.lock().settings.transaction.read_only = read_only;
        Done::tag("RELEASE")
    }

    pub(super) async fn rollback_to(&mut self, name: &Name, front: &mut dyn Front) -> Result<Done> {
        self.only_in_block("ROLLBACK TO SAVEPOINT")?;
        let sound = self.is_sound().await;
        self.end_tape();
        let Some(active) = self.transaction.held_mut() else {
            // Failed, and without any savepoint.
            return Err(missing(name));
        };
        let place = place(&active.savepoints, name)?;
        let savepoint = &active.savepoints[place];
        let redefined = savepoint.overlay.is_none() && active.overlay.as_ref().is_some_and(|o| !o.changes().is_empty());
        let undone = redefined || active.journal.goes_beyond(savepoint.journal);
        let repeats = active.engine && (!sound || undone);
        let upto = savepoint.journal;
        let appended = active.journal.appended_since(upto).filter(|_| sound && !redefined);
        let reaches = active.journal.reaches(upto);
        if repeats && !reaches && appended.is_none() {
            return Err(too_much());
        }
        let scratch = active.scratch.clone();
        self.revert(place).await;
        let undone = match appended {
            _ if !repeats => Ok(()),
            Some(appended) if !self.begins_anew(upto) && self.take_rows_back(upto, &appended, front).await => {
                // The temporary tables of what is undone are still there.
                self.drop_at_end(&scratch);
                Ok(())
            }
            _ if !reaches => Err(too_much()),
            _ => self.repeat(upto, front).await,
        };
        if let Err(error) = undone {
            // There is nothing to go back to any more: the whole transaction has failed.
            self.give_up_transaction().await;
            return Err(error);
        }
        Done::tag("ROLLBACK")
    }

    /// Takes the session's own part back to a savepoint, which stays; a failed transaction goes on.
    async fn revert(&mut self, place: usize) {
        let before = std::mem::replace(&mut self.transaction, Transaction::Idle);
        self.transaction = match before {
            Transaction::Failed(Failed { kept: Some(active), .. }) => Transaction::Block(*active),
            other => other,
        };
        let Some(active) = self.transaction.active_mut() else { return };
        active.savepoints.truncate(place + 1);
        let Some(savepoint) = active.savepoints.last() else { return };
        match &savepoint.overlay {
            Some(overlay) => active.overlay = Some(overlay.clone()),
            // The engine had not begun then. It goes on now with the schema that it began with, if that is unchanged.
            None => active.overlay.take_if(|o| !o.changes().is_empty()).map_or((), drop),
        }
        active.scratch.truncate(savepoint.scratch);
        active.immediate.clone_from(&savepoint.immediate);
        active.deferred.clone_from(&savepoint.deferred);
        active.forgotten.truncate(savepoint.forgotten);
        let first = savepoint.portals;
        self.shared.pending.lock().rewind(savepoint.said);
        self.gateway.locks.release_since(self.shared.id, savepoint.locks, Since::Savepoint);
        self.shared.state.lock().settings.restore(&savepoint.settings);
        for name in self.portals.close_since(first) {
            self.shared.state.lock().cursors.remove(&name);
        }
    }

    /// The statement that failed may have changed settings: those of the innermost savepoint hold, until it is gone back
    /// to one of them.
    pub(super) fn fail_in_savepoint(&mut self, active: Box<Active>) {
        if let Some(savepoint) = active.savepoints.last() {
            self.shared.state.lock().settings.restore(&savepoint.settings);
            // Others need not wait until the client has heard of the error.
            self.gateway.locks.release_since(self.shared.id, savepoint.locks, Since::Savepoint);
        }
        self.transaction = Transaction::Failed(Failed { started: active.started, kept: Some(active) });
    }

    fn only_in_block(&self, what: &str) -> Result<()> {
        if self.transaction.in_block() { Ok(()) } else { Err(transaction::only_in_block(what)) }
    }
}

/// The innermost savepoint of that name.
fn place(savepoints: &[Savepoint], name: &Name) -> Result<usize> {
    savepoints.iter().rposition(|s| s.name == *name).ok_or_else(|| missing(name))
}

fn missing(name: &Name) -> Error {
    Error::new(SqlState::S_E_INVALID_SPECIFICATION, format!("savepoint \"{name}\" does not exist"))
}

fn too_much() -> Error {
    Error::new(SqlState::CONFIGURATION_LIMIT_EXCEEDED, "the transaction has done too much to go back to a savepoint")
        .detail("To go back, what came before the savepoint is done again; that is kept up to limits.journal_bytes.")
        .hint("Roll back the transaction. Name a savepoint before a large COPY: its data is then kept on disk, up to limits.journal_spill_bytes; or raise the limits.")
}
