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
use crate::registry::{Name, Relation};
use crate::sql::Plan;
use crate::tree::{Ddl, Isolation, LockWait, ObjectKind};
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

    /// Who waited for a table, or has yet to begin in the engine, may find that it is another one now.
    fn still_defined(&mut self, plan: &Plan) -> Result<()> {
        // What it has redefined itself is another one than everybody else's.
        if self.transaction.active().is_some_and(|a| a.overlay.as_ref().is_some_and(|o| !o.changes().is_empty())) {
            return Ok(());
        }
        let (Some(known), now) = (self.environment.clone(), self.gateway.registry().snapshot()) else { return Ok(()) };
        let known = &known.context.snapshot;
        if known.version == now.version {
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
                // The plan is for the old one: to try it again is of no use.
                self.redefined = true;
                Err(outdated("The table has been redefined while the statement waited for it."))
            }
        }
    }

    /// A schema change (but for TRUNCATE) waits for who has shut a table. It keeps nobody waiting: where it crosses with others, the one that
    /// commits later is told so.
    pub(super) async fn lock_for_ddl(&mut self, ddl: &Ddl, front: &mut dyn Front) -> Result<()> {
        let snapshot = self.snapshot();
        let named = |(namespace, name): &(Name, Name)| snapshot.relation(namespace, name).map(|r| r.oid);
        let one = |namespace: &Name, name: &Name| named(&(namespace.clone(), name.clone())).into_iter().collect();
        let tables: Vec<Oid> = match ddl {
            Ddl::AlterTable { namespace, name, .. } => one(namespace, name),
            Ddl::Drop { kind: ObjectKind::Table, names, .. } => names.iter().filter_map(named).collect(),
            // Rows that are locked are not to be gone.
            Ddl::Truncate { tables, .. } => {
                for table in tables {
                    let tag = LockTag::Relation(table.oid);
                    self.acquire(tag, LockMode::AccessExclusive, LockWait::Block, &mut *front).await?;
                }
                return Ok(());
            }
            Ddl::CreatePolicy { namespace, table, .. } | Ddl::CreateIndex { namespace, table, .. } => {
                one(namespace, table)
            }
            Ddl::Refresh { view, .. } => vec![view.oid],
            _ => return Ok(()),
        };
        for oid in tables.into_iter().filter(|oid| self.gateway.locks.is_shut(*oid)).collect::<Vec<_>>() {
            self.acquire(LockTag::Relation(oid), LockMode::AccessShare, LockWait::Block, &mut *front).await?;
        }
        Ok(())
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
        Writes::Table(..) | Writes::Nothing | Writes::Anything => None,
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
