//! Locks on tables: LOCK TABLE, and what statements take by themselves; and a transaction's view of the data after waiting.

use std::sync::Arc;

use super::advisory::wait_turn;
use super::execute::Done;
use super::front::Front;
use super::locks::Answer;
use super::session::Session;
use super::transaction;
use crate::engine::Writes;
use crate::engine::directory::{LockMode, LockScope, LockTag};
use crate::error::{Error, Result, SqlState};
use crate::registry::Relation;
use crate::sql::Plan;
use crate::sql::ddl::locks::Locks;
use crate::tree::{Isolation, LockWait};
use crate::types::Oid;

/// What came of asking for a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Got {
    AtOnce,
    AfterWaiting,
    /// Somebody has it, and nobody wanted to wait.
    Nothing,
}

impl Session {
    /// Asks for a lock until the end of the transaction, and waits for it if that is what `wait` says.
    pub(super) async fn acquire(
        &mut self,
        tag: LockTag,
        mode: LockMode,
        wait: LockWait,
        front: &mut dyn Front,
    ) -> Result<Got> {
        let (gateway, shared) = (self.gateway.clone(), self.shared.clone());
        let waits = wait == LockWait::Block;
        match gateway.locks.request(shared.owner(), tag, mode, LockScope::Transaction, waits)? {
            Answer::Granted => Ok(Got::AtOnce),
            Answer::Refused => Ok(Got::Nothing),
            Answer::Wait(mut waiting) => {
                wait_turn(waiting.turn(), &shared, self.deadline, front).await?;
                Ok(Got::AfterWaiting)
            }
        }
    }

    /// LOCK TABLE. What the transaction sees of the tables from here on is not older than the lock.
    pub(super) async fn lock_table(
        &mut self,
        tables: &[Arc<Relation>],
        below: &[Arc<Relation>],
        mode: LockMode,
        nowait: bool,
        front: &mut dyn Front,
    ) -> Result<Done> {
        if !self.transaction.in_block() {
            return Err(transaction::only_in_block("LOCK TABLE"));
        }
        let wait = if nowait { LockWait::NoWait } else { LockWait::Block };
        for table in tables.iter().chain(below) {
            if self.acquire(LockTag::Relation(table.oid), mode, wait, front).await? == Got::Nothing {
                return Err(unavailable(&format!("relation \"{}\"", table.name)));
            }
        }
        if self.has_only_read() {
            self.take_snapshot().await?;
        } else if self.is_read_committed() && mode > LockMode::RowExclusive {
            let oids: Vec<Oid> = tables.iter().chain(below).map(|table| table.oid).collect();
            let moment = self.transaction.active().filter(|a| a.engine).and_then(|a| a.moment);
            if moment.is_some_and(|moment| self.gateway.engine().changed_since(moment, Some(&oids))) {
                return Err(outdated("Another transaction has changed the table since this one has begun."));
            }
        }
        Done::tag("LOCK TABLE")
    }

    /// What a plan's tables are locked with by itself. Who reads outside of a block waits for those who shut a table, but keeps
    /// nobody waiting: its snapshot is from before or after.
    pub(super) async fn lock_tables(&mut self, plan: &Plan, front: &mut dyn Front) -> Result<()> {
        let before = self.transaction.in_block();
        let locks_rows = !plan.row_locks.is_empty();
        let mut waited = false;
        for oid in &plan.depends.tables {
            if !before && !locks_rows && !self.gateway.locks.is_shut(*oid) {
                continue;
            }
            let mode = if locks_rows { LockMode::RowShare } else { LockMode::AccessShare };
            let got = self.acquire(LockTag::Relation(*oid), mode, LockWait::Block, &mut *front).await?;
            waited |= got == Got::AfterWaiting;
        }
        for target in plan.before.iter().chain([plan]).filter_map(written) {
            let tag = LockTag::Relation(target);
            let got = self.acquire(tag, LockMode::RowExclusive, LockWait::Block, &mut *front).await?;
            waited |= got == Got::AfterWaiting;
        }
        let begun = self.transaction.active().is_some_and(|active| active.engine);
        if waited || !begun { self.still_defined(plan) } else { Ok(()) }
    }

    /// Who waited for a table, or has yet to begin in the engine, may find that it is another one now; or that something else is,
    /// which the plan would have had to ask: another's foreign key to the table, a partition, a check of a domain.
    fn still_defined(&mut self, plan: &Plan) -> Result<()> {
        let Some(known) = self.environment.clone() else { return Ok(()) };
        let (known, now) = (&known.context.snapshot, self.gateway.registry().snapshot());
        let redefined = outdated("The table has been redefined while the statement waited for it.");
        let active = self.transaction.active().filter(|active| active.engine);
        let own = active.and_then(|active| active.overlay.as_ref()).map(|o| (o.base(), !o.changes().is_empty()));
        let again = match own {
            None => self.snapshot().version != known.version,
            // What it has redefined itself is another one than everybody else's.
            Some((base, redefines)) if base == now.version || redefines => return Ok(()),
            // COMMIT looks at what the tables that it has changed are to be held against.
            Some(_) => self.has_only_read(),
        };
        if again {
            self.redefined = true;
            return Err(redefined);
        }
        if own.is_none() {
            return Ok(());
        }
        let same = |oid: &Oid| match (known.relation_by_oid(*oid), now.relation_by_oid(*oid)) {
            (Some(known), Some(now)) => Arc::ptr_eq(known, now),
            // A temporary one.
            (known, None) => known.is_none_or(|known| known.temporary),
            (None, Some(_)) => true,
        };
        let written: Vec<Oid> = plan.before.iter().chain([plan]).filter_map(written).collect();
        match plan.depends.tables.iter().chain(&written).all(same) {
            true => Ok(()),
            false => {
                self.redefined = true;
                Err(redefined)
            }
        }
    }

    /// Takes the locks of a schema change, each until the end of the transaction; true if one was waited for.
    pub(super) async fn lock_for_ddl(&mut self, locks: &Locks, front: &mut dyn Front) -> Result<bool> {
        let mut waited = false;
        for (tag, mode) in &locks.tags {
            let got = self.acquire(*tag, *mode, LockWait::Block, &mut *front).await?;
            waited |= got == Got::AfterWaiting;
        }
        Ok(waited)
    }

    /// Whether the snapshot of a transaction that has begun is from before what others have done to what is locked now: redefined it,
    /// taken a name, changed its rows.
    pub(super) fn is_outdated(&self, locks: &Locks) -> bool {
        let Some(active) = self.transaction.active().filter(|active| active.engine) else { return false };
        let rows: Vec<Oid> = locks.rows.iter().copied().collect();
        let engine = self.gateway.engine();
        if active.moment.is_none_or(|moment| engine.changed_since(moment, Some(&rows))) {
            return true;
        }
        let registry = self.gateway.registry();
        let (Some(overlay), now) = (&active.overlay, registry.snapshot()) else { return false };
        if overlay.base() == now.version {
            return false;
        }
        let locked =
            |oid: Oid| [LockTag::Relation(oid), LockTag::Object(oid)].iter().any(|tag| locks.tags.contains_key(tag));
        let known = overlay.snapshot();
        registry.changed_since(overlay.base()).iter().any(|(_, oid)| locked(*oid))
            || locks.names.iter().any(|(namespace, name)| {
                now.relation_name_taken(namespace, name) && !known.relation_name_taken(namespace, name)
            })
    }

    pub(super) fn is_read_committed(&self) -> bool {
        match self.shared.state.lock().settings.transaction.isolation {
            Isolation::ReadUncommitted | Isolation::ReadCommitted => true,
            Isolation::RepeatableRead | Isolation::Serializable => false,
        }
    }
}

/// The table that one of a plan's statements writes to, unless nobody else sees it.
fn written(plan: &Plan) -> Option<Oid> {
    let temporary = plan.target.as_ref().is_some_and(|target| target.temporary);
    match plan.permit.get().writes {
        Writes::Table(oid, _) if !temporary && plan.target.is_some() => Some(oid),
        Writes::Table(..) | Writes::Nothing | Writes::Aside | Writes::Anything => None,
    }
}

/// NOWAIT.
pub(super) fn unavailable(what: &str) -> Error {
    Error::new(SqlState::LOCK_NOT_AVAILABLE, format!("could not obtain lock on {what}"))
}

pub(super) fn outdated(detail: &str) -> Error {
    Error::new(SqlState::T_R_SERIALIZATION_FAILURE, "could not serialize access due to concurrent update")
        .detail(detail)
        .hint("The transaction might succeed if retried.")
}
