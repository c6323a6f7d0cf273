//! Doing again what a transaction has done, up to a savepoint: a new transaction in the engine, the journal's statements
//! one by one, each with the same outcome as before; otherwise 40001.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;

use super::deferred::touch;
use super::execute::guarded;
use super::front::Front;
use super::journal::{Digest, Entry, Journal, Place, Saw, witness};
use super::savepoints::Savepoint;
use super::session::Session;
use crate::engine::{Access, FeedOrder, Outcome, Rendered, Run};
use crate::error::{Error, Result, SqlState};
use crate::policy::Permit;
use crate::registry::{ObjectClass, Relation};
use crate::sql::Depends;
use crate::types::{Oid, Value};

impl Session {
    /// What the next statement draws is recorded, or not; what the last one drew belongs to its entry.
    pub(super) fn next_tape(&mut self, on: bool) {
        let record = self.shared.tape.record(on);
        if let Some(active) = self.transaction.held_mut() {
            active.journal.drew(record);
        }
    }

    pub(super) fn end_tape(&mut self) {
        self.next_tape(false);
    }

    /// Keeps a statement that was carried out in the transaction.
    pub(super) fn note(
        &mut self,
        permit: &Permit<Rendered>,
        values: Vec<Value>,
        depends: Option<Arc<Depends>>,
        run: &Run,
        outcome: Outcome,
    ) -> Outcome {
        let (outcome, saw) = witness(outcome);
        let entry = Entry {
            permit: permit.clone(),
            values,
            time_zone: run.time_zone.clone(),
            singly: run.singly,
            scene: self.shared.state.lock().scene(),
            depends,
            drew: Default::default(),
            saw,
            data: None,
        };
        self.keep_entry(entry);
        if !matches!(outcome, Outcome::Rows(_)) {
            // It draws no more; a cursor that is read next may.
            self.end_tape();
        }
        outcome
    }

    pub(super) fn keep_entry(&mut self, entry: Entry) {
        let limit = self.gateway.limits().journal_bytes;
        if let Some(active) = self.transaction.active_mut() {
            touch(&mut active.touched, entry.permit.get().writes);
            active.journal.add(entry, limit);
        }
    }

    /// False if a statement has failed in the engine, so that nothing but ROLLBACK is possible there.
    pub(super) async fn is_sound(&mut self) -> bool {
        if !self.transaction.held().is_some_and(|a| a.engine) {
            return true;
        }
        match &mut self.lease {
            Some(lease) => lease.connection.is_sound().await,
            None => false,
        }
    }

    /// A statement failed in a way that another way of saying it would not: takes the engine back to where the statement
    /// began. False if that cannot be done.
    pub(super) async fn before_statement(&mut self, place: (Place, usize), front: &mut dyn Front) -> Result<bool> {
        let (upto, scratch) = place;
        self.end_tape();
        let Some(active) = self.transaction.active_mut() else { return Ok(false) };
        if !active.journal.reaches(upto) {
            return Ok(false);
        }
        active.scratch.truncate(scratch);
        if let Err(error) = self.repeat(upto, front).await {
            // What was done again in part is nothing to go back from.
            self.give_up_transaction().await;
            return Err(error);
        }
        Ok(true)
    }

    /// Rolls the engine back and does again what was done up to that place. The session's own state is that of then already.
    pub(super) async fn repeat(&mut self, upto: Place, front: &mut dyn Front) -> Result<()> {
        let repeatable = !self.is_read_committed();
        let engine = self.gateway.engine().clone();
        let begins_anew = self.begins_anew(upto);
        let Some(active) = self.transaction.active_mut() else { return Ok(()) };
        active.journal.truncate(upto);
        // What was changed after that place is nobody's business any more.
        active.touched.clear();
        active.journal.entries().iter().for_each(|entry| touch(&mut active.touched, entry.permit.get().writes));
        if begins_anew {
            // Nothing was done by then: the next statement begins anew, as the first one did.
            active.engine = false;
            active.overlay = None;
            active.changed = false;
            return self.lease()?.connection.rewind(None).await;
        }
        let before = active.moment;
        if active.overlay.is_none() {
            let overlay = self.overlay();
            if let Some(active) = self.transaction.active_mut() {
                active.overlay = Some(overlay);
            }
        }
        self.rebase()?;
        let Some(active) = self.transaction.active_mut() else { return Ok(()) };
        let mut journal = std::mem::take(&mut active.journal);
        let access = active.access;
        let now = engine.moment();
        let locks_from = self.gateway.locks.now();
        let done = match journal.is_elusive() {
            true => Err(differs(
                "A statement that would be done again calls a function that gives another result each time.",
            )),
            false => self.repeat_entries(&mut journal, access, front).await,
        };
        let mut tables = if repeatable { None } else { journal.depends() };
        if let Some(active) = self.transaction.active_mut() {
            if let Some(tables) = &mut tables {
                tables.extend(active.checked.iter().flat_map(|(child, parent)| [*child, *parent]));
            }
            active.journal = journal;
            active.moment = Some(now);
            active.locks_from = locks_from;
        }
        done.map_err(serialization)?;
        let tables: Option<Vec<_>> = tables.map(|tables| tables.into_iter().collect());
        // What was published meanwhile may be in the engine's new snapshot already.
        let moved = self.meets_redefinitions();
        let changed = before.is_none_or(|before| engine.changed_since(before, tables.as_deref()));
        match moved || changed {
            true => Err(differs("Another transaction has committed meanwhile.")),
            false => Ok(()),
        }
    }

    /// Puts the transaction's changes on top of the schema that is in force now. 40001 where that cannot be.
    fn rebase(&mut self) -> Result<()> {
        if self.meets_redefinitions() {
            return Err(differs("Another transaction has changed the schema meanwhile."));
        }
        let registry = self.gateway.registry().clone();
        let Some(active) = self.transaction.active_mut() else { return Ok(()) };
        let overlays = active.savepoints.iter_mut().filter_map(Savepoint::overlay_mut);
        active.overlay.iter_mut().chain(overlays).try_for_each(|overlay| overlay.rebase(&registry))
    }

    /// Whether others have redefined something that the transaction has worked with since the schema that it sees, or have made something
    /// that rows which it has written would have to be held against.
    fn meets_redefinitions(&self) -> bool {
        let registry = self.gateway.registry();
        let now = registry.snapshot();
        let Some(active) = self.transaction.active() else { return false };
        let Some(overlay) = active.overlay.as_ref().filter(|overlay| overlay.base() != now.version) else {
            return false;
        };
        let known = overlay.snapshot();
        let mut used = active.journal.depends().unwrap_or_default();
        used.extend(active.touched.keys());
        let root = |relation: &Arc<Relation>| {
            let snapshot = if known.relation_by_oid(relation.oid).is_some() { known } else { &now };
            snapshot.partition_root(relation).oid
        };
        let trees: Vec<Oid> = used.iter().filter_map(|oid| known.relation_by_oid(*oid)).map(root).collect();
        let in_the_way = |(class, oid): &(ObjectClass, Oid)| match class {
            ObjectClass::Relation => {
                let mut both = known.relation_by_oid(*oid).into_iter().chain(now.relation_by_oid(*oid));
                used.contains(oid)
                    || both.any(|relation| {
                        let refers = relation.foreign_keys().any(|key| used.contains(&key.target));
                        refers || trees.contains(&root(relation))
                    })
            }
            // One that is new is in nobody's way.
            ObjectClass::Type => known.user_type_by_oid(*oid).is_some(),
            ObjectClass::Role
            | ObjectClass::Namespace
            | ObjectClass::Function
            | ObjectClass::DefaultAcl
            | ObjectClass::Database
            | ObjectClass::Extension => false,
        };
        registry.changed_since(overlay.base()).iter().any(in_the_way)
    }

    async fn repeat_entries(&mut self, journal: &mut Journal, access: Access, front: &mut dyn Front) -> Result<()> {
        self.lease()?.connection.rewind(Some(access)).await?;
        let scene = self.shared.state.lock().scene();
        let mut done = Ok(());
        for entry in journal.entries_mut() {
            self.shared.state.lock().enter(entry.scene.clone());
            self.shared.tape.play(entry.drew.clone());
            done = self.repeat_entry(entry, front).await;
            let played = self.shared.tape.played(entry.data.is_some());
            done = done.and(played);
            if done.is_err() {
                break;
            }
        }
        self.shared.state.lock().enter(scene);
        done
    }

    async fn repeat_entry(&mut self, entry: &mut Entry, front: &mut dyn Front) -> Result<()> {
        // Its rows are the ones that it has locked: it depends on nothing that has changed, and its outcome is to be the same.
        let run = Run { singly: entry.singly, ..Run::new(entry.time_zone.clone(), self.deadline) };
        self.shared.interrupt.check()?;
        let outcome = match entry.data.is_some() {
            true => self.repeat_copy(entry, &run, front).await?,
            false => {
                let shared = self.shared.clone();
                let lease = self.lease()?;
                let work = lease.connection.execute(&entry.permit, entry.values.clone(), &run);
                guarded(Some(&mut *front), &shared.interrupt, &lease.canceller, work).await?
            }
        };
        let (outcome, saw) = witness(outcome);
        if let Outcome::Rows(mut rows) = outcome {
            let shared = self.shared.clone();
            let canceller = self.lease()?.canceller.clone();
            while guarded(Some(&mut *front), &shared.interrupt, &canceller, rows.next()).await?.is_some() {}
        }
        let same = match (&entry.saw, &saw) {
            (Saw::Nothing, Saw::Nothing) => true,
            (Saw::Changed(before), Saw::Changed(again)) => before == again,
            (Saw::Rows(before), Saw::Rows(again)) => Digest::agrees(&before.lock(), &again.lock()),
            _ => false,
        };
        if same { Ok(()) } else { Err(differs("A statement that was done again gave another result.")) }
    }

    async fn repeat_copy(&mut self, entry: &mut Entry, run: &Run, front: &mut dyn Front) -> Result<Outcome> {
        let Some(data) = &mut entry.data else { return Err(Error::internal("COPY without its data")) };
        let (number, mut writer) = self.gateway.engine().open_feed(data.columns.clone(), FeedOrder::Kept)?;
        let mut values = entry.values.clone();
        if let Some(value) = values.get_mut(data.parameter) {
            *value = Value::Int8(i64::try_from(number).map_err(Error::internal)?);
        }
        let mut batches = data.spool.read()?;
        let shared = self.shared.clone();
        let lease = self.lease()?;
        let feed = async move {
            loop {
                // Reading may wait for the disk.
                let (batch, rest) =
                    tokio::task::spawn_blocking(move || (batches.next(), batches)).await.map_err(Error::internal)?;
                batches = rest;
                let batch: RecordBatch = match batch {
                    Some(batch) => batch?,
                    None => break,
                };
                writer.send(batch).await?;
            }
            writer.finish();
            Ok::<(), Error>(())
        };
        let execute = lease.connection.execute(&entry.permit, values, run);
        let work = async move {
            let (done, fed) = futures::future::join(execute, feed).await;
            let outcome = done?;
            fed.map(|()| outcome)
        };
        guarded(Some(front), &shared.interrupt, &lease.canceller, work).await
    }
}

/// What fails when it is done again would not have failed where it was done.
fn serialization(error: Error) -> Error {
    if error.is_fatal() || matches!(error.code(), SqlState::QUERY_CANCELED | SqlState::T_R_SERIALIZATION_FAILURE) {
        return error;
    }
    let mut differs = differs("A statement that was done again failed.");
    differs.report_mut().internal = Some(format!("{error}"));
    differs
}

fn differs(detail: &str) -> Error {
    Error::new(SqlState::T_R_SERIALIZATION_FAILURE, "could not serialize access due to concurrent update")
        .detail(format!("To go back to the savepoint, what came before it is done again. {detail}"))
        .hint("The transaction might succeed if retried.")
}
