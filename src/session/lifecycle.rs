//! Transactions in motion: what BEGIN, COMMIT, ROLLBACK and errors do to engine, schema, settings and portals.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::task::AbortHandle;

use super::journal::Journal;
use super::key_log::Footprint;
use super::probe;
use super::session::Session;
use super::transaction::{Active, Failed, Transaction};
use crate::engine::{Access, Cancel, CancelReason, Connection, Run};
use crate::error::{Error, Result, SqlState};
use crate::registry::{Change, Overlay};
use crate::tree::Isolation;

/// A connection that the session holds, and how to stop what runs on it.
pub struct Lease {
    pub connection: Box<dyn Connection>,
    pub canceller: Arc<dyn Cancel>,
}

/// A task that ends with what it waits for.
pub(super) struct Timer(AbortHandle);

impl Drop for Timer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Session {
    /// A statement runs in a transaction: if none is open, one that ends with the query or at Sync.
    pub(super) fn open_implicit(&mut self) {
        if self.transaction.open_implicit(self.statement_start) {
            self.shared.state.lock().settings.begin();
            self.time_transaction();
        }
    }

    /// transaction_timeout counts from the beginning of the transaction, or from when it was set in it; a longer or shorter one that is
    /// set later in it counts for the next, as in PostgreSQL.
    pub(super) fn time_transaction(&mut self) {
        let limit = self.shared.state.lock().settings.acting().transaction_timeout;
        let open = self.transaction.held().is_some();
        match limit.filter(|_| open) {
            Some(limit) if self.transaction_timer.is_none() => {
                let shared = self.shared.clone();
                let ends = async move {
                    tokio::time::sleep(limit).await;
                    shared.interrupt.terminate_for(CancelReason::TransactionTimeout);
                };
                self.transaction_timer = Some(Timer(tokio::spawn(ends).abort_handle()));
            }
            Some(_) => {}
            None => self.transaction_timer = None,
        }
    }

    /// The session's connection; taken from the pool if it has none.
    pub(super) fn lease(&mut self) -> Result<&mut Lease> {
        if self.lease.is_none() {
            let role = self.shared.state.lock().authenticated;
            let connection = self.gateway.engine().connect_as(role)?;
            let canceller = connection.canceller();
            self.shared.interrupt.attach(Some(canceller.clone()));
            self.lease = Some(Lease { connection, canceller });
        }
        self.lease.as_mut().ok_or_else(|| Error::internal("no connection"))
    }

    /// Begins in the engine, if the transaction has not yet; from here on its schema is pinned.
    pub(super) async fn open_engine(&mut self) -> Result<()> {
        if self.transaction.active().is_none_or(|a| a.engine) {
            return Ok(());
        }
        let read_only = self.shared.state.lock().settings.transaction.read_only;
        let access = if read_only { Access::ReadOnly } else { Access::ReadWrite };
        let overlay = self.overlay();
        let moment = self.gateway.engine().moment();
        let locks_from = self.gateway.locks.now();
        let began = self.gateway.keys.begin();
        self.lease()?.connection.begin(access).await?;
        if let Some(active) = self.transaction.active_mut() {
            active.engine = true;
            active.access = access;
            active.moment = Some(moment);
            active.locks_from = locks_from;
            // What it has learned of keys may be older than what the engine begins anew.
            active.began.get_or_insert(began);
            active.overlay = Some(overlay);
        }
        Ok(())
    }

    /// [`Session::open_engine`] for what does more than read.
    pub(super) async fn open_engine_to_change(&mut self) -> Result<()> {
        self.open_engine().await?;
        if let Some(active) = self.transaction.active_mut() {
            active.changed = true;
        }
        Ok(())
    }

    /// In READ COMMITTED each statement sees what is committed when it begins. DuckDB's transaction keeps the snapshot of its first
    /// statement; one that has only read is given up for another, and with it the schema that was pinned.
    pub(super) async fn take_snapshot(&mut self) -> Result<()> {
        let Some(active) = self.transaction.active().filter(|a| a.engine) else { return Ok(()) };
        let data = active.moment != Some(self.gateway.engine().moment());
        let schema = active.overlay.as_ref().is_none_or(|o| o.base() != self.gateway.registry().snapshot().version);
        if (data || schema) && self.has_only_read() {
            self.begin_anew().await?;
        }
        Ok(())
    }

    /// [`Session::take_snapshot`] for a statement that is compiled already and may have waited since: only if nothing was redefined.
    pub(super) async fn take_later_data(&mut self) -> Result<()> {
        let base = self.transaction.active().and_then(|a| a.overlay.as_ref()).map(|overlay| overlay.base());
        match base == Some(self.gateway.registry().snapshot().version) {
            true => self.take_snapshot().await,
            false => Ok(()),
        }
    }

    /// True if nothing but its snapshot would be lost if the transaction began anew in the engine, and its isolation allows
    /// another one.
    pub(super) fn has_only_read(&self) -> bool {
        let each_statement = match self.shared.state.lock().settings.transaction.isolation {
            Isolation::ReadUncommitted | Isolation::ReadCommitted => true,
            Isolation::RepeatableRead | Isolation::Serializable => false,
        };
        let unchanged = self.transaction.active().is_some_and(|a| !a.changed);
        // What is bound or half read belongs to the snapshot that it was bound in.
        each_statement && unchanged && !self.portals.unfinished()
    }

    /// Takes back what the only statement so far began in the engine, so that it can be tried in another way.
    pub(super) async fn begin_anew(&mut self) -> Result<()> {
        if self.transaction.active().is_some_and(|a| a.engine) {
            self.lease()?.connection.rollback().await?;
        }
        if let Some(active) = self.transaction.active_mut() {
            active.engine = false;
            active.overlay = None;
            active.changed = false;
            active.journal = Journal::default();
            active.began = None;
            active.footprint = Footprint::default();
            active.scratch.clear();
            for savepoint in &mut active.savepoints {
                savepoint.forget_schema();
            }
        }
        Ok(())
    }

    /// Ends the transaction; if that fails, it is rolled back and the error says why.
    pub(super) async fn commit(&mut self) -> Result<()> {
        let committed = self.commit_all().await;
        if committed.is_err() {
            self.rollback().await;
        }
        committed
    }

    /// The only statement of its transaction, which has found its rows before: commits what the engine would have committed by
    /// itself, so that a conflict comes while the statement can still be tried again.
    pub(super) async fn commit_alone(&mut self) -> Result<()> {
        let Transaction::Implicit(active) = &self.transaction else { return Ok(()) };
        let redefined = active.overlay.as_ref().is_some_and(|overlay| !overlay.changes().is_empty());
        if !active.engine
            || redefined
            || !active.scratch.is_empty()
            || !active.late.is_empty()
            || !self.on_commit.is_empty()
        {
            return Ok(());
        }
        self.shared.pending.lock().check_room(&self.gateway.channels)?;
        self.shared.tape.record(false);
        let _turn = self.before_commit().await?;
        self.lease()?.connection.commit().await?;
        // Whatever becomes of the statement from here on, its rows are others now.
        self.gateway.locks.remember(self.shared.id);
        if let Some(active) = self.transaction.active_mut() {
            active.engine = false;
        }
        Ok(())
    }

    async fn commit_all(&mut self) -> Result<()> {
        self.hold_cursors().await?;
        self.on_commit_actions().await?;
        self.commit_engine().await
    }

    async fn commit_engine(&mut self) -> Result<()> {
        // What is about to be committed is not ended any more.
        self.transaction_timer = None;
        self.end_portals();
        self.shared.tape.record(false);
        self.drop_scratch().await?;
        let active = match &self.transaction {
            Transaction::Implicit(active) | Transaction::Block(active) => active,
            Transaction::Idle | Transaction::Failed(_) => return Ok(()),
        };
        self.shared.pending.lock().check_room(&self.gateway.channels)?;
        let overlay = active.overlay.clone().filter(|o| !o.changes().is_empty());
        let arbitrates = active.arbitrates;
        if active.engine {
            let registry = self.gateway.registry().clone();
            // The check for concurrent changes holds off other publications until ours is in force.
            let pending = match &overlay {
                Some(overlay) => Some(registry.prepare(overlay).await?),
                None => None,
            };
            let _turn = self.before_commit().await?;
            self.lease()?.connection.commit().await.map_err(|error| match error.code() {
                SqlState::UNIQUE_VIOLATION if arbitrates => probe::newcomer(),
                _ => error,
            })?;
            if let Some(pending) = pending {
                pending.publish();
            }
        }
        self.forget_sequences().await;
        self.transaction = Transaction::Idle;
        if let Some(overlay) = overlay {
            self.keep_temporary(&overlay);
        }
        self.shared.state.lock().settings.commit();
        self.shared.pending.lock().publish(self.shared.pid, &self.shared.mailbox, &self.gateway.channels);
        self.gateway.locks.release_transaction(self.shared.id, true);
        self.shared.chosen.lock().clear();
        self.release();
        Ok(())
    }

    /// Drops what statements of several steps have kept.
    async fn drop_scratch(&mut self) -> Result<()> {
        let Some(active) = self.transaction.active_mut() else { return Ok(()) };
        let scratch = std::mem::take(&mut active.scratch);
        let run = Run::new(self.shared.state.lock().settings.acting().engine_zone.clone(), None);
        for permit in scratch {
            self.lease()?.connection.execute(&permit, Vec::new(), &run).await?;
        }
        Ok(())
    }

    /// The transaction is committed: the sequences it dropped are gone, and the counts of those it restarted.
    async fn forget_sequences(&mut self) {
        let Some(active) = self.transaction.active_mut() else { return };
        for oid in std::mem::take(&mut active.forgotten) {
            // Nobody can name it any more: what is left behind is a row that the next start removes.
            if let Err(error) = self.gateway.engine().drop_sequence(oid).await {
                tracing::warn!(%error, oid, "the count of a sequence is not forgotten");
            }
        }
    }

    /// Temporary objects outlive the transaction that made them, in this session alone.
    fn keep_temporary(&mut self, overlay: &Overlay) {
        for change in overlay.changes() {
            match change {
                Change::PutRelation(relation) if relation.temporary => {
                    self.forget_temporary(relation.oid);
                    self.temporary.push(change.clone());
                }
                Change::PutType(ty) if ty.is_temporary() => {
                    self.forget_temporary(ty.oid);
                    self.temporary.push(change.clone());
                }
                Change::PutFunction(function) if function.is_temporary() => {
                    self.forget_temporary(function.oid);
                    self.temporary.push(change.clone());
                }
                Change::DropRelation(oid) | Change::DropType(oid) | Change::DropFunction(oid) => {
                    self.forget_temporary(*oid);
                }
                _ => continue,
            }
            self.view = None;
        }
    }

    fn forget_temporary(&mut self, oid: crate::types::Oid) {
        self.temporary.retain(|c| c.key().1 != oid);
    }

    /// Undoes everything; afterwards no transaction is open.
    pub(super) async fn rollback(&mut self) {
        self.end_portals();
        self.undo().await;
    }

    async fn undo(&mut self) {
        self.transaction_timer = None;
        self.shared.tape.record(false);
        let engine = self.transaction.held().is_some_and(|a| a.engine);
        if engine
            && let Some(lease) = &mut self.lease
            && let Err(error) = lease.connection.rollback().await
        {
            // A connection that cannot roll back is given up: dropping it ends whatever it did.
            tracing::error!(%error, pid = self.shared.pid, "rollback failed");
            self.give_up_connection();
        }
        self.transaction = Transaction::Idle;
        self.shared.state.lock().settings.rollback();
        self.shared.pending.lock().forget();
        self.gateway.locks.release_transaction(self.shared.id, false);
        self.shared.chosen.lock().clear();
        self.release();
    }

    pub(super) fn give_up_connection(&mut self) {
        self.lease = None;
        self.shared.interrupt.attach(None);
        // With the connection go its temporary tables.
        self.temporary.clear();
        self.on_commit.clear();
        self.view = None;
    }

    /// A statement failed: a block waits for its ROLLBACK, everything else is over.
    pub(super) async fn abort(&mut self) {
        match std::mem::replace(&mut self.transaction, Transaction::Idle) {
            failed @ Transaction::Failed(_) => self.transaction = failed,
            // What it has done is needed to go back to a savepoint.
            Transaction::Block(active) if !active.savepoints.is_empty() => self.fail_in_savepoint(Box::new(active)),
            block @ Transaction::Block(_) => {
                self.transaction = block;
                self.give_up_transaction().await;
            }
            other @ (Transaction::Idle | Transaction::Implicit(_)) => {
                self.transaction = other;
                self.rollback().await;
            }
        }
    }

    /// Undoes everything and waits for ROLLBACK.
    pub(super) async fn give_up_transaction(&mut self) {
        let started = self.transaction.started().unwrap_or(self.statement_start);
        // Portals stay, without their rows, until ROLLBACK: what names them is told that the transaction has failed.
        self.portals.fail_transaction();
        let characteristics = self.shared.state.lock().settings.transaction;
        self.undo().await;
        // For AND CHAIN.
        self.shared.state.lock().settings.transaction = characteristics;
        self.transaction = Transaction::Failed(Failed { started, kept: None });
    }

    /// AND CHAIN: a new block with the characteristics of the one that ended.
    pub(super) fn chain(&mut self, characteristics: super::settings::Characteristics) {
        self.transaction = Transaction::Block(Active::new(SystemTime::now()));
        let mut state = self.shared.state.lock();
        state.settings.begin();
        state.settings.transaction = characteristics;
    }

    /// The transaction's portals go with it.
    fn end_portals(&mut self) {
        self.portals.end_transaction();
        let portals = &self.portals;
        self.shared.state.lock().cursors.retain(|name, _| portals.contains(name));
    }

    /// Gives the connection back, if nothing needs it.
    pub(super) fn release(&mut self) {
        let engine = self.transaction.held().is_some_and(|a| a.engine);
        if engine || !self.temporary.is_empty() || self.portals.read_from_engine() {
            return;
        }
        if self.lease.take().is_some() {
            self.shared.interrupt.attach(None);
        }
    }
}
