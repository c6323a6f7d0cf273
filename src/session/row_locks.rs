//! Locks on rows: FOR UPDATE and kin, and those that UPDATE and DELETE take.
//!
//! A row is known by a hash of its primary key, or by its number in DuckDB. Whoever locks rows takes them one by one and says
//! so at the table's rows as a whole; whoever changes rows takes them one by one where they are known before (by key, or
//! found like those of FOR UPDATE), and otherwise, or if they are many, the table's rows beside all others that change some
//! and nobody that holds one ([`LockTag::Rows`]). Of changes that both hold their rows one by one the engine need not fear that they
//! overlook each other ([`Run::singly`]).
//!
//! A row that was changed between the snapshot and the lock is read anew, from a newer snapshot, or (where the transaction
//! cannot have one) is 40001.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::record_batch::RecordBatch;

use super::execute::guarded;
use super::front::Front;
use super::locking::{Got, outdated, unavailable};
use super::session::Session;
use crate::engine::directory::{LockMode, LockTag};
use crate::engine::{Outcome, Rendered, Rows, Run, Writes};
use crate::error::{Error, Result, SqlState};
use crate::policy::Permit;
use crate::sql::ddl::keys::FIRST_OWN_ROW;
use crate::sql::lower::LIST_WIDTH;
use crate::sql::{ChangedRows, Depends, LockKey, LockedRows, Plan, RowKey, RowLocks, WholeTable};
use crate::tree::LockWait;
use crate::types::{self, Oid, Phys, Value};

/// Rows of one table that a statement locks one by one; beyond that it locks the table's rows as a whole.
const ONE_BY_ONE: usize = 10_000;

/// Rows that a statement changes one by one. Beyond that to hold each costs more than it is worth: those who meet in one of them
/// are told by the engine.
const CHANGED_ONE_BY_ONE: usize = 2_000;

/// What is known, before a statement runs, of the rows that it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changing {
    /// Nothing; or there are none.
    Unknown,
    /// It is this one alone, and it is locked.
    Row(LockTag),
    /// They are to be found and locked first.
    ToBeFound,
}

/// What locking the rows of a query came to.
#[derive(Default)]
struct Locked {
    /// Rows were changed after the snapshot was taken and before they were locked.
    stale: bool,
    /// Some of the rows may be left again: they were not waited for.
    skips: bool,
}

/// What locking the rows that a statement changes came to.
struct Held {
    /// All of them are held, and there are no others.
    each: bool,
    /// Some were changed after the snapshot was taken.
    stale: bool,
}

impl Session {
    /// Before a statement: its tables, the row that it changes if its key is given, or all that it may change. A row that was
    /// changed after the transaction's snapshot is read anew, if the transaction can be moved to another.
    pub(super) async fn lock_before(
        &mut self,
        plan: &Plan,
        values: &[Value],
        front: &mut dyn Front,
    ) -> Result<Changing> {
        self.lock_tables(plan, front).await?;
        if self.pinned {
            // A schema change has locked its tables.
            return Ok(Changing::Unknown);
        }
        let mut changing = Changing::Unknown;
        let mut known = None;
        match plan.changes.as_deref() {
            Some(ChangedRows::Keyed { table, mode, key, alone: _ }) => {
                known = Some(table.oid);
                let key: Option<Vec<Value>> = key.iter().map(|part| value_of(part, values)).collect();
                if let Some(row) = key.and_then(|key| LockTag::of_row(table.oid, &key)) {
                    let rows = LockTag::Rows(table.oid);
                    self.acquire(rows, LockTag::KEYED_WRITER, LockWait::Block, &mut *front).await?;
                    let one = self.acquire(row, *mode, LockWait::Block, &mut *front).await;
                    if one.as_ref().is_err_and(|error| error.code() == SqlState::OUT_OF_MEMORY) {
                        // So many rows are not held one by one.
                        self.acquire(rows, LockTag::ROW_WRITER, LockWait::Block, &mut *front).await?;
                    } else {
                        one?;
                        changing = Changing::Row(row);
                    }
                    let engine = self.transaction.active().is_some_and(|active| active.engine);
                    if engine && self.is_row_changed(row) && !self.has_only_read() {
                        if self.is_read_committed() {
                            self.move_on(&mut *front).await?;
                        } else if !self.is_as_locked(row) && self.is_changed(table.oid) {
                            return Err(changed_since());
                        }
                    }
                }
            }
            Some(ChangedRows::Found(rows)) if rows.of.len() == 1 => {
                let of = &rows.of[0];
                let table = of.table.oid;
                known = Some(table);
                // Where the statement is sure to change the rows that are found, others need not fear for the rest.
                let sure = rows.settled && changed_table(plan) == Some(table);
                // A queue: who takes its rows by FOR UPDATE leaves the others to others.
                let queue = plan.row_locks.iter().flat_map(|rows| &rows.of).any(|of| of.table.oid == table);
                let (tag, mode) = (LockTag::Rows(table), LockTag::ROW_WRITER);
                // Who holds some of its rows takes these in the same way: others are not kept from the rest.
                let holds = self.gateway.locks.holds(self.shared.id, tag, LockTag::ROW_LOCKER);
                let read_only = self.shared.state.lock().settings.transaction.read_only;
                let find = sure && !read_only
                    || queue
                    || holds
                    || self.acquire(tag, mode, LockWait::SkipLocked, &mut *front).await? == Got::Nothing;
                if find {
                    changing = Changing::ToBeFound;
                }
            }
            Some(ChangedRows::Found(_)) | None => {}
        }
        if let (Some(key), Some(target)) = (&plan.added, &plan.target) {
            self.lock_added(target.oid, key, values, &mut *front).await?;
        }
        let written = plan.before.iter().chain([plan]).filter_map(|step| step.keys.as_deref());
        let excluding = written.filter(|keys| keys.may_exclude()).map(|keys| &keys.table.oid);
        for table in plan.upserts.iter().chain(excluding) {
            // What one of them has found to be new, another must not find so, too.
            let tag = LockTag::of_upserts(*table);
            let got = self.acquire(tag, LockMode::Exclusive, LockWait::Block, &mut *front).await?;
            let stale = got == Got::AfterWaiting && self.is_changed(*table);
            let begun = self.transaction.active().is_some_and(|active| active.engine);
            if stale && begun && !self.has_only_read() && self.is_read_committed() {
                self.move_on(&mut *front).await?;
            }
        }
        for step in plan.before.iter().chain([plan]) {
            if let Writes::Table(oid, change) = step.permit.get().writes
                && (change.in_place || change.removes)
                && known != Some(oid)
                && step.target.as_ref().is_some_and(|target| !target.temporary)
            {
                self.acquire(LockTag::Rows(oid), LockTag::ROW_WRITER, LockWait::Block, &mut *front).await?;
            }
        }
        Ok(changing)
    }

    /// Who adds a row with the same key by ON CONFLICT waits, and finds it then. DuckDB would tell the second of them at COMMIT only.
    async fn lock_added(&mut self, table: Oid, key: &[RowKey], values: &[Value], front: &mut dyn Front) -> Result<()> {
        let key: Option<Vec<Value>> = key.iter().map(|part| value_of(part, values)).collect();
        let Some(added) = key.and_then(|key| LockTag::of_row(table, &key)) else { return Ok(()) };
        match self.acquire(added, LockMode::AccessExclusive, LockWait::Block, &mut *front).await {
            // So many are not held one by one: then it is COMMIT that tells.
            Err(error) if error.code() == SqlState::OUT_OF_MEMORY => return Ok(()),
            got => got?,
        };
        let active = self.transaction.active().filter(|active| active.engine);
        let stale = active.is_some_and(|active| self.gateway.locks.taken_since(added, active.locks_from));
        if stale && !self.has_only_read() && self.is_read_committed() {
            self.move_on(&mut *front).await?;
        }
        Ok(())
    }

    /// Locks what a statement's FOR UPDATE finds and (`target`) the rows that it changes, as of a snapshot in which they still
    /// are as they were when they were locked. `fresh`: the transaction can have another snapshot. True if it holds each row that it
    /// changes.
    pub(super) async fn lock_found(
        &mut self,
        plan: &Plan,
        values: &[Value],
        (fresh, target): (bool, bool),
        front: &mut dyn Front,
    ) -> Result<bool> {
        self.execution += 1;
        loop {
            let mark = self.gateway.locks.mark(self.shared.id);
            let mut all = Locked::default();
            let changed = plan.changes.as_deref().filter(|_| target);
            let changed = changed.and_then(|changed| match changed {
                ChangedRows::Found(rows) => Some(&**rows),
                ChangedRows::Keyed { .. } => None,
            });
            for rows in &plan.row_locks {
                for WholeTable { table, wait } in &rows.whole {
                    let tag = LockTag::Rows(table.oid);
                    if self.acquire(tag, LockTag::ALL_ROWS, *wait, &mut *front).await? == Got::Nothing {
                        return Err(of_row(&table.name));
                    }
                    all.stale |= self.is_changed(table.oid);
                }
                let Locked { stale, skips } = self.lock_list(rows, values, &mut *front).await?;
                all.stale |= stale;
                all.skips |= skips;
            }
            let mut singly = false;
            if let Some(rows) = changed {
                let held = self.lock_changed(rows, values, fresh, &mut *front).await?;
                singly = held.each;
                if fresh || self.is_read_committed() {
                    all.stale |= held.stale;
                } else if held.stale {
                    // Others may have done no more than to lock it.
                    singly = false;
                    if rows.of.iter().any(|of| self.is_changed(of.table.oid)) {
                        return Err(changed_since());
                    }
                }
            }
            if !all.stale {
                return Ok(singly);
            }
            if all.skips {
                // Others may have what it does not want any more.
                self.gateway.locks.release_since(self.shared.id, mark, super::locks::Since::Savepoint);
            }
            if fresh {
                self.begin_anew().await?;
            } else if self.is_read_committed() {
                self.move_on(&mut *front).await?;
            } else {
                return Err(changed_since());
            }
            self.shared.interrupt.check()?;
            self.open_engine().await?;
        }
    }

    /// READ COMMITTED, and the transaction has changed something: does that again in a newer snapshot. 40001 if it comes out
    /// differently, or rests on what others have changed.
    pub(super) async fn move_on(&mut self, front: &mut dyn Front) -> Result<()> {
        self.end_tape();
        let Some(active) = self.transaction.active() else { return Ok(()) };
        let place = active.journal.place();
        if !active.journal.reaches(place) || self.pinned || self.portals.read_from_engine() {
            return Err(changed_since());
        }
        if let Err(error) = self.repeat(place, front).await {
            // What was done again in part is nothing to go back from.
            self.give_up_transaction().await;
            return Err(error);
        }
        Ok(())
    }

    /// Whether others have changed something of a table since the transaction's snapshot.
    fn is_changed(&self, table: Oid) -> bool {
        let moment = self.transaction.active().and_then(|active| active.moment);
        moment.is_none_or(|moment| self.gateway.engine().changed_since(moment, Some(&[table])))
    }

    /// Locks the rows that a statement is about to change, in an order that is the same for all who do: each of them, or else the
    /// table's rows as one does who does not know which. `fresh`: it costs nothing to look again.
    async fn lock_changed(
        &mut self,
        rows: &RowLocks,
        values: &[Value],
        fresh: bool,
        front: &mut dyn Front,
    ) -> Result<Held> {
        let ([LockedRows { table, mode, key, .. }], Some(find)) = (rows.of.as_slice(), &rows.find) else {
            return Err(Error::internal("rows of no table are changed"));
        };
        let whole = LockTag::Rows(table.oid);
        // Where others may be changed than are found, nobody takes single rows meanwhile as a whole.
        let beside = if rows.settled { LockTag::KEYED_WRITER } else { LockTag::ROW_LOCKER };
        self.acquire(whole, beside, LockWait::Block, &mut *front).await?;
        let mut found = self.open_rows(rows, find, values, &mut *front).await?;
        let shared = self.shared.clone();
        let canceller = self.lease()?.canceller.clone();
        let mut tags = Vec::new();
        while tags.len() <= CHANGED_ONE_BY_ONE {
            let next = guarded(Some(&mut *front), &shared.interrupt, &canceller, found.next()).await?;
            let Some(batch) = next else { break };
            let found = (0..batch.num_rows()).filter_map(|at| tag_of(table.oid, key, batch.columns(), at));
            tags.extend(found.filter(|row| !is_own(key, row.0)).map(|row| row.1));
        }
        drop(found);
        tags.sort_unstable();
        tags.dedup();
        let mut held = Held { each: rows.settled && tags.len() <= CHANGED_ONE_BY_ONE, stale: false };
        let since = self.transaction.active().map_or(0, |active| active.locks_from);
        if tags.len() <= CHANGED_ONE_BY_ONE {
            for tag in tags {
                match self.acquire(tag, *mode, LockWait::Block, &mut *front).await {
                    // So many rows are not held one by one.
                    Err(error) if error.code() == SqlState::OUT_OF_MEMORY => {
                        held.each = false;
                        break;
                    }
                    got => got?,
                };
                // What others have changed without saying which rows the engine tells, should it be these.
                let locks = &self.gateway.locks;
                held.stale |= if fresh { locks.changed_since(tag, since) } else { locks.taken_since(tag, since) };
            }
        }
        if !held.each && rows.settled {
            let got = self.acquire(whole, LockTag::ROW_WRITER, LockWait::Block, &mut *front).await?;
            held.stale |= got == Got::AfterWaiting && self.is_changed(table.oid);
        }
        Ok(held)
    }

    /// Starts the query that finds rows to be locked.
    async fn open_rows(
        &mut self,
        rows: &RowLocks,
        find: &Permit<Rendered>,
        values: &[Value],
        front: &mut dyn Front,
    ) -> Result<Box<dyn Rows>> {
        let params = self.bind_sources(&rows.params, values, None)?;
        let run = Run::new(self.shared.state.lock().settings.acting().engine_zone.clone(), self.deadline);
        self.end_tape();
        let shared = self.shared.clone();
        shared.interrupt.check()?;
        let lease = self.lease()?;
        let canceller = lease.canceller.clone();
        let work = lease.connection.execute(find, params, &run);
        match guarded(Some(&mut *front), &shared.interrupt, &canceller, work).await? {
            Outcome::Rows(found) => Ok(found),
            Outcome::Changed(_) | Outcome::Done => Err(Error::internal("rows to be locked are no rows")),
        }
    }

    /// Finds rows and locks them one by one.
    async fn lock_list(&mut self, rows: &RowLocks, values: &[Value], front: &mut dyn Front) -> Result<Locked> {
        let mut done = Locked { skips: rows.of.iter().any(|of| of.wait == LockWait::SkipLocked), ..Locked::default() };
        if let Some(list) = rows.list {
            self.shared.chosen.lock().retain(|(execution, number), _| {
                *execution != self.execution || number / i32::from(LIST_WIDTH) != i32::from(list)
            });
        }
        let Some(find) = &rows.find else { return Ok(done) };
        for LockedRows { table, wait, .. } in &rows.of {
            match self.acquire(LockTag::Rows(table.oid), LockTag::ROW_LOCKER, *wait, &mut *front).await? {
                Got::AtOnce | Got::AfterWaiting => {}
                Got::Nothing if *wait == LockWait::SkipLocked => return Ok(done),
                Got::Nothing => return Err(of_row(&table.name)),
            }
        }
        let most = most(rows, values)?;
        let mut found = self.open_rows(rows, find, values, &mut *front).await?;
        let shared = self.shared.clone();
        let canceller = self.lease()?.canceller.clone();
        let mut locked = 0;
        let mut whole = vec![false; rows.of.len()];
        while most.is_none_or(|most| locked < most) {
            let next = guarded(Some(&mut *front), &shared.interrupt, &canceller, found.next()).await?;
            let Some(batch) = next else { break };
            for at in 0..batch.num_rows() {
                if most.is_some_and(|most| locked >= most) {
                    break;
                }
                if self.lock_one(rows, &batch, at, &mut whole, &mut done, &mut *front).await? {
                    locked += 1;
                }
            }
            if !done.skips && locked > ONE_BY_ONE as u64 {
                whole.fill(true);
            }
        }
        Ok(done)
    }

    /// Locks one row of each relation; false if it was skipped.
    async fn lock_one(
        &mut self,
        rows: &RowLocks,
        batch: &RecordBatch,
        at: usize,
        whole: &mut [bool],
        done: &mut Locked,
        front: &mut dyn Front,
    ) -> Result<bool> {
        let mut column = 0;
        let mut numbers = Vec::with_capacity(rows.of.len());
        let mark = self.gateway.locks.mark(self.shared.id);
        for (LockedRows { table, mode, wait, key }, whole) in rows.of.iter().zip(whole) {
            let own = &batch.columns()[column..=column + key.len()];
            column += 1 + key.len();
            let Some((number, tag)) = tag_of(table.oid, key, own, at) else {
                numbers.push(None);
                continue;
            };
            numbers.push(Some(number));
            if is_own(key, number) {
                continue;
            }
            if *whole {
                self.acquire(LockTag::Rows(table.oid), LockTag::ALL_ROWS, LockWait::Block, &mut *front).await?;
                done.stale |= self.is_changed(table.oid);
                continue;
            }
            match self.acquire(tag, *mode, *wait, &mut *front).await? {
                Got::AtOnce | Got::AfterWaiting => done.stale |= self.is_row_changed(tag),
                Got::Nothing if *wait == LockWait::SkipLocked => {
                    // What else of the row was locked for it is given back.
                    self.gateway.locks.release_since(self.shared.id, mark, super::locks::Since::Savepoint);
                    return Ok(false);
                }
                Got::Nothing => return Err(of_row(&table.name)),
            }
        }
        if let Some(list) = rows.list {
            let mut chosen = self.shared.chosen.lock();
            for (place, number) in numbers.into_iter().enumerate() {
                let list = i32::from(list * LIST_WIDTH) + place as i32;
                chosen.entry((self.execution, list)).or_default().extend(number);
            }
        }
        Ok(true)
    }

    /// Whether a row that is locked is, in the transaction's snapshot, as it was when it was locked.
    pub(super) fn is_as_locked(&self, row: LockTag) -> bool {
        let begun = self.transaction.active().filter(|active| active.engine);
        begun.is_none_or(|active| !self.gateway.locks.taken_since(row, active.locks_from))
    }

    fn is_row_changed(&self, row: LockTag) -> bool {
        let since = self.transaction.active().map_or(0, |active| active.locks_from);
        self.gateway.locks.changed_since(row, since)
    }
}

/// A row that was found: its number in DuckDB, and by what it is locked. `None` where an outer join has none.
fn tag_of(table: Oid, key: &[Phys], columns: &[ArrayRef], at: usize) -> Option<(i64, LockTag)> {
    let [number, columns @ ..] = columns else { return None };
    let Value::Int8(number) = types::arrow::value_at(number.as_ref(), at, &Phys::Int8) else { return None };
    let of_key = |(column, phys): (&ArrayRef, &Phys)| types::arrow::value_at(column.as_ref(), at, phys);
    let values: Vec<Value> = columns.iter().zip(key).map(of_key).collect();
    let by_key = if values.is_empty() { None } else { LockTag::of_row(table, &values) };
    Some((number, by_key.unwrap_or(LockTag::Row(table, number.cast_unsigned()))))
}

/// A row that its transaction has added, of a table without a key: nobody else sees it, and its number is another's, too.
fn is_own(key: &[Phys], number: i64) -> bool {
    key.is_empty() && number >= FIRST_OWN_ROW
}

/// The table of an UPDATE or DELETE, if nothing but it changes or removes rows there.
pub(super) fn changed_table(plan: &Plan) -> Option<Oid> {
    let table = match plan.changes.as_deref()? {
        ChangedRows::Keyed { table, .. } => table.oid,
        ChangedRows::Found(rows) => rows.of.first()?.table.oid,
    };
    let changes = |step: &&Plan| match step.permit.get().writes {
        Writes::Table(oid, change) => oid == table && (change.in_place || change.removes),
        Writes::Nothing | Writes::Aside => false,
        Writes::Anything => true,
    };
    (plan.before.iter().chain([plan]).filter(changes).count() == 1).then_some(table)
}

fn changed_since() -> Error {
    outdated("Another transaction has changed a row after this one had begun.")
}

fn of_row(table: &str) -> Error {
    unavailable(&format!("row in relation \"{table}\""))
}

fn value_of(key: &RowKey, values: &[Value]) -> Option<Value> {
    let value = match key {
        RowKey::Const(value) => value.clone(),
        RowKey::Param(n) => values.get(usize::from(*n))?.clone(),
    };
    (!value.is_null()).then_some(value)
}

/// How many rows are wanted, those that OFFSET leaves out among them.
fn most(rows: &RowLocks, values: &[Value]) -> Result<Option<u64>> {
    let number = |count: &Option<LockKey>| match count {
        None => None,
        Some(LockKey::Const(n)) => Some(*n),
        Some(LockKey::Param(n)) => match values.get(usize::from(*n)) {
            Some(Value::Int2(n)) => Some(i64::from(*n)),
            Some(Value::Int4(n)) => Some(i64::from(*n)),
            Some(Value::Int8(n)) => Some(*n),
            _ => None,
        },
    };
    let Some(limit) = number(&rows.limit) else { return Ok(None) };
    let (limit, offset) = (u64::try_from(limit), u64::try_from(number(&rows.offset).unwrap_or(0)));
    let negative = |code, word| Error::new(code, format!("{word} must not be negative"));
    let limit = limit.map_err(|_| negative(SqlState::INVALID_ROW_COUNT_IN_LIMIT_CLAUSE, "LIMIT"))?;
    let offset = offset.map_err(|_| negative(SqlState::INVALID_ROW_COUNT_IN_RESULT_OFFSET_CLAUSE, "OFFSET"))?;
    Ok(Some(limit.saturating_add(offset)))
}

/// What a statement's effect depends on, but for the rows that its transaction has locked for it (`singly`: all that it has found. What
/// others have added since, it would change, too, if it were done again: its count tells).
pub(super) fn depends(plan: &Plan, singly: bool) -> Arc<Depends> {
    let locked = match plan.changes.as_deref() {
        Some(ChangedRows::Keyed { table, alone: true, .. }) => Some(table.oid),
        Some(ChangedRows::Found(rows)) if rows.alone && singly => rows.of.first().map(|of| of.table.oid),
        Some(ChangedRows::Keyed { .. } | ChangedRows::Found(_)) | None => None,
    };
    match locked {
        Some(table) if plan.before.is_empty() => {
            let tables = plan.depends.tables.iter().copied().filter(|oid| *oid != table).collect();
            Arc::new(Depends { tables, ..(*plan.depends).clone() })
        }
        Some(_) | None => Arc::clone(&plan.depends),
    }
}

/// What a read-only transaction calls a query that locks rows.
pub(super) fn locking_word(plan: &Plan) -> &'static str {
    let strongest = plan.row_locks.iter().flat_map(|rows| &rows.of).map(|of| of.mode).max();
    match strongest {
        Some(LockMode::AccessShare) => "SELECT FOR KEY SHARE",
        Some(LockMode::RowShare) => "SELECT FOR SHARE",
        Some(LockMode::Exclusive) => "SELECT FOR NO KEY UPDATE",
        _ => "SELECT FOR UPDATE",
    }
}
