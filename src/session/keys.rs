//! Foreign keys: after each statement, what it wrote is held against them, and what they make follow is done.
//!
//! A statement leaves a [`Duty`] for each table that it changed and that foreign keys concern. Each is settled key by key:
//! first what others' keys make follow from what it took away (ON DELETE, ON UPDATE), then whether its own rows have their
//! parents. What follows are statements of the gateway's own, with duties of their own, which are settled after those that
//! are there: as PostgreSQL queues the triggers of its statements.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, SortField};

use super::constraint::may_read;
use super::execute::{Alone, guarded};
use super::front::Front;
use super::key_log::Keys;
use super::session::Session;
use crate::engine::{Outcome, Rendered, Run};
use crate::error::{Error, Result};
use crate::policy::Permit;
use crate::registry::{FkAction, Relation};
use crate::sql::ddl::keys::{self, Key};
use crate::sql::{Depends, KeptRows, KeyChange, KeyDuty, Plan};
use crate::types::{self, Oid, Phys, Value};

/// Keys that are looked up one by one, in the parent's index; more are asked for at once.
const FEW: usize = 16;
/// Keys of one statement that other transactions are told one by one; more count as all.
pub(super) const TOLD: usize = 1000;
/// Beyond the numbers that a client's statement gives its temporary tables.
const FIRST_SCRATCH: u32 = 1 << 20;
/// Temporary tables of one statement of the gateway's own.
const BLOCK: u32 = 16;

/// What a statement has to answer for.
pub struct Duty {
    pub what: Arc<KeyDuty>,
    /// The first row that it may have appended.
    pub since: i64,
    /// The numbers that its temporary tables have, if it is a statement of the gateway's own.
    block: Option<u32>,
}

/// Which side of a foreign key the rows were on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Parent,
    Child,
}

struct Task {
    duty: Arc<Duty>,
    key: Arc<Key>,
    of: Of,
}

impl Session {
    /// The foreign keys of the schema that the transaction sees.
    pub(super) fn foreign_keys(&mut self) -> Result<Arc<[Arc<Key>]>> {
        let snapshot = self.snapshot();
        match &self.keys {
            Some((version, keys)) if *version == snapshot.version => Ok(keys.clone()),
            _ => {
                let found: Arc<[Arc<Key>]> = Key::all(&snapshot)?.into();
                self.keys = Some((snapshot.version, found.clone()));
                Ok(found)
            }
        }
    }

    /// Before a statement of which keys are concerned: where the rows begin that it appends.
    pub(super) async fn before_duty(&mut self, plan: &Plan) -> Result<Option<Duty>> {
        let Some(what) = plan.keys.clone() else { return Ok(None) };
        let clean = self.transaction.active().is_none_or(|active| {
            let redefined = active.overlay.as_ref().is_some_and(|o| !o.changes().is_empty());
            !redefined && !active.touched.contains_key(&what.table.oid)
        });
        let since = match &what.change {
            KeyChange::Appended { .. } if !clean => {
                let question = keys::last_row(&what.table, keys::FIRST_OWN_ROW);
                let last = self.ask(&question, Vec::new()).await?;
                match last.first().map(|b| types::arrow::value_at(b.column(0).as_ref(), 0, &Phys::Int8)) {
                    Some(Value::Int8(last)) => last + 1,
                    _ => keys::FIRST_OWN_ROW,
                }
            }
            KeyChange::Appended { .. } | KeyChange::Kept(_) => keys::FIRST_OWN_ROW,
        };
        Ok(Some(Duty { what, since, block: None }))
    }

    /// At the end of a statement: its duties, and those of what they make follow.
    pub(super) async fn settle_keys(&mut self, front: &mut dyn Front) -> Result<()> {
        if self.duties.is_empty() {
            return Ok(());
        }
        let mut todo = VecDeque::new();
        for duty in std::mem::take(&mut self.duties) {
            self.settle_uniques(&duty).await?;
            todo.extend(self.tasks(duty)?);
        }
        let mut free = Vec::new();
        let mut blocks = 0;
        while let Some(task) = todo.pop_front() {
            let block = free.pop().unwrap_or_else(|| {
                blocks += 1;
                blocks
            });
            match task.of {
                Of::Parent => self.settle_parent(&task, block, front).await?,
                Of::Child => self.settle_child(&task).await?,
            }
            let mut used = false;
            let mut next = Vec::new();
            for duty in std::mem::take(&mut self.duties) {
                self.settle_uniques(&duty).await?;
                used = true;
                next.extend(self.tasks(Duty { block: Some(block), ..duty })?);
            }
            used &= !next.is_empty();
            todo.extend(next);
            free.extend((!used).then_some(block));
            if let (1, Some(block)) = (Arc::strong_count(&task.duty), task.duty.block) {
                free.push(block);
            }
        }
        Ok(())
    }

    /// In the order in which PostgreSQL's triggers fire: those of others' keys, then the table's own.
    fn tasks(&mut self, duty: Duty) -> Result<Vec<Task>> {
        // Keys are triggers, which a session that repeats what another server has checked does without, and a table can be.
        if self.shared.state.lock().settings.acting().replica {
            return Ok(Vec::new());
        }
        let keys = self.foreign_keys()?;
        let table = duty.what.table.oid;
        let silent = &duty.what.table.details.silent_keys;
        let keys: Vec<Arc<Key>> = keys.iter().filter(|key| !silent.contains(&key.constraint.oid)).cloned().collect();
        let duty = Arc::new(duty);
        let task = |key: &Arc<Key>, of| Task { duty: duty.clone(), key: key.clone(), of };
        let pointing = keys.iter().filter(|key| key.parent.oid == table).map(|key| task(key, Of::Parent));
        let own = keys.iter().filter(|key| key.child.oid == table).map(|key| task(key, Of::Child));
        let concerned = |task: &Task| match (&task.duty.what.change, task.of) {
            (KeyChange::Appended { sets }, Of::Parent) => meets(sets, &task.key.target_columns),
            (KeyChange::Appended { .. }, Of::Child) => true,
            (KeyChange::Kept(kept), Of::Parent) => kept.deleted || sets_some(kept, &task.key.target_columns),
            (KeyChange::Kept(kept), Of::Child) => sets_some(kept, &task.key.columns),
        };
        Ok(pointing.chain(own).filter(concerned).collect())
    }

    /// Rows of the child were written: have they their parents?
    async fn settle_child(&mut self, task: &Task) -> Result<()> {
        let Task { duty, key, .. } = task;
        let (child, parent, types) = (key.child_side(), key.parent_side(), || key.child_types.clone());
        let (written, rows) = match &duty.what.change {
            KeyChange::Appended { sets } if meets(sets, &key.columns) => (None, keys::Written::Anything),
            KeyChange::Appended { .. } => {
                let question = keys::appended(child, types(), duty.since, TOLD + 1)?;
                (Some(question), keys::Written::Since(duty.since))
            }
            KeyChange::Kept(kept) => {
                let question = keys::kept_keys(&key.columns, types(), kept, false, TOLD + 1)?;
                (Some(question), keys::Written::Kept(kept))
            }
        };
        let found = match &written {
            Some(question) => Some(self.distinct(key, question).await?),
            None => None,
        };
        let found = found.filter(|found| found.rows <= TOLD);
        let told = found.as_ref().map_or(Keys::All, |found| found.told.clone());
        if let Some(active) = self.transaction.active_mut() {
            active.footprint.refers(key.constraint.oid, told);
        }
        if self.is_late(key) {
            let new = matches!(rows, keys::Written::Since(_));
            self.put_off(key, |late| late.written(found, new, key.match_full));
            return Ok(());
        }
        match found {
            Some(found) if found.keys.len() <= FEW => {
                if found.mixed && key.match_full {
                    return Err(key.mixed());
                }
                for values in found.keys {
                    let question = keys::has(parent, types(), true)?;
                    if self.ask(&question, values.clone()).await?.is_empty() {
                        return Err(key.missing(self.shown(key, child.relation, &key.columns, &values).as_deref()));
                    }
                }
                Ok(())
            }
            _ => self.find_orphan(key, rows).await,
        }
    }

    /// Looks for a row of the child without a parent.
    pub(super) async fn find_orphan(&mut self, key: &Key, rows: keys::Written<'_>) -> Result<()> {
        let child = key.child_side();
        if key.match_full && child.columns.len() > 1 {
            let question = keys::mixed(child, rows)?;
            if !self.ask(&question, Vec::new()).await?.is_empty() {
                return Err(key.mixed());
            }
        }
        let question = keys::orphan(child, key.parent_side(), key.child_types.clone(), rows)?;
        match self.first_row(&question, &key.child_types).await? {
            Some(values) => Err(key.missing(self.shown(key, child.relation, child.columns, &values).as_deref())),
            None => Ok(()),
        }
    }

    /// Rows of the parent were removed, or have other keys now: what of those that refer to them?
    async fn settle_parent(&mut self, task: &Task, block: u32, front: &mut dyn Front) -> Result<()> {
        let Task { duty, key, .. } = task;
        let kept = match &duty.what.change {
            KeyChange::Kept(kept) => kept,
            // ON CONFLICT DO UPDATE of the key: nobody knows what it was.
            KeyChange::Appended { .. } => return self.settle_unknown(key).await,
        };
        let question = keys::kept_keys(&key.target_columns, key.parent_types.clone(), kept, true, TOLD + 1)?;
        let found = self.distinct(key, &question).await?;
        if found.rows == 0 {
            return Ok(());
        }
        let told = if found.rows > TOLD { Keys::All } else { found.told.clone() };
        if let Some(active) = self.transaction.active_mut() {
            active.footprint.removes(key.constraint.oid, told);
        }
        let action = if kept.deleted { key.on_delete } else { key.on_update };
        match action {
            FkAction::NoAction if self.is_late(key) => {
                self.put_off(key, |late| late.removed(found));
                return Ok(());
            }
            FkAction::NoAction | FkAction::Restrict => {}
            FkAction::Cascade | FkAction::SetNull | FkAction::SetDefault => {
                return self.follow(key, kept, action, block, front).await;
            }
        }
        let restrict = action == FkAction::Restrict;
        let broken = match found.keys.len() <= FEW {
            true => self.still_referred(key, found.keys, restrict).await?,
            false => {
                let (child, parent, types) = (key.child_side(), key.parent_side(), key.child_types.clone());
                let ask = if restrict { keys::child_of } else { keys::orphan_of };
                self.first_row(&ask(child, parent, types, kept)?, &key.child_types).await?
            }
        };
        match broken {
            Some(values) => Err(self.referenced(key, &values)),
            None => Ok(()),
        }
    }

    /// Of keys that the parent has lost, one that the child has; whether the parent has it again or not, if `restrict`.
    pub(super) async fn still_referred(
        &mut self,
        key: &Key,
        lost: Vec<Vec<Value>>,
        restrict: bool,
    ) -> Result<Option<Vec<Value>>> {
        let of_parent = keys::has(key.parent_side(), key.parent_types.clone(), true)?;
        let of_child = keys::has(key.child_side(), key.parent_types.clone(), false)?;
        for values in lost {
            if !restrict && !self.ask(&of_parent, values.clone()).await?.is_empty() {
                continue;
            }
            if !self.ask(&of_child, values.clone()).await?.is_empty() {
                return Ok(Some(values));
            }
        }
        Ok(None)
    }

    pub(super) fn referenced(&mut self, key: &Key, values: &[Value]) -> Error {
        key.referenced(self.shown(key, &key.parent, &key.target_columns, values).as_deref())
    }

    async fn settle_unknown(&mut self, key: &Arc<Key>) -> Result<()> {
        if let Some(active) = self.transaction.active_mut() {
            active.footprint.removes(key.constraint.oid, Keys::All);
        }
        if key.on_update == FkAction::NoAction && self.is_late(key) {
            self.put_off(key, |late| late.lost_all = true);
            return Ok(());
        }
        let (child, parent) = (key.child_side(), key.parent_side());
        let question = keys::orphan(child, parent, key.child_types.clone(), keys::Written::Anything)?;
        let Some(values) = self.first_row(&question, &key.child_types).await? else { return Ok(()) };
        match key.on_update {
            FkAction::NoAction | FkAction::Restrict => Err(self.referenced(key, &values)),
            FkAction::Cascade | FkAction::SetNull | FkAction::SetDefault => {
                Err(Error::unsupported("ON CONFLICT DO UPDATE of a key that a foreign key with an action refers to")
                    .hint("Leave the key's columns out of SET, or use UPDATE."))
            }
        }
    }

    /// CASCADE, SET NULL, SET DEFAULT: the gateway's own statement, which checks and constraints of the child hold for.
    async fn follow(
        &mut self,
        key: &Arc<Key>,
        kept: &KeptRows,
        action: FkAction,
        block: u32,
        front: &mut dyn Front,
    ) -> Result<()> {
        let number = self.key_table(block);
        let mut cx = self.environment()?.context.clone();
        cx.scratch = FIRST_SCRATCH + block * BLOCK;
        let keys::Following { fill, plan, drop } = keys::follow(&cx, key, kept, action, number)?;
        let run = self.plain_run();
        let shared = self.shared.clone();
        let lease = self.lease()?;
        let work = lease.connection.execute(&fill, Vec::new(), &run);
        let outcome = guarded(Some(&mut *front), &shared.interrupt, &lease.canceller, work).await?;
        self.note(&fill, Vec::new(), Some(Arc::new(Depends::default())), &run, outcome);
        self.drop_at_end(&[drop]);
        let done = Box::pin(self.start(&plan, &[], front, Alone::No, None)).await;
        done.map_err(|error| error.context(keys::following_context(key, action, kept.deleted)))?;
        if action == FkAction::SetDefault {
            // The default may be the very key that is gone.
            let (child, parent) = (key.child_side(), key.parent_side());
            let question = keys::orphan_of(child, parent, key.child_types.clone(), kept)?;
            if let Some(values) = self.first_row(&question, &key.child_types).await? {
                return Err(self.referenced(key, &values));
            }
        }
        Ok(())
    }

    /// The number of the table that hands keys to the statements with that block.
    fn key_table(&mut self, block: u32) -> Oid {
        let counters = self.snapshot().counters.clone();
        while self.key_tables.len() < block as usize {
            self.key_tables.push(counters.allocate_oid());
        }
        self.key_tables[block as usize - 1]
    }

    /// What is dropped at the transaction's end, once each.
    pub(super) fn drop_at_end(&mut self, scratch: &[Permit<Rendered>]) {
        let Some(active) = self.transaction.active_mut() else { return };
        for permit in scratch {
            if !active.scratch.iter().any(|known| known.get().sql == permit.get().sql) {
                active.scratch.push(permit.clone());
            }
        }
    }

    fn plain_run(&self) -> Run {
        Run::new(self.shared.state.lock().settings.acting().engine_zone.clone(), self.deadline)
    }

    /// A question of the gateway's own, about the transaction's rows.
    pub(super) async fn ask(&mut self, question: &Permit<Rendered>, params: Vec<Value>) -> Result<Vec<RecordBatch>> {
        let run = self.plain_run();
        self.end_tape();
        let shared = self.shared.clone();
        shared.interrupt.check()?;
        let lease = self.lease()?;
        let work = lease.connection.execute(question, params, &run);
        let Outcome::Rows(mut rows) = guarded(None, &shared.interrupt, &lease.canceller, work).await? else {
            return Err(Error::internal("a question without rows"));
        };
        let mut found = Vec::new();
        while let Some(batch) = guarded(None, &shared.interrupt, &lease.canceller, rows.next()).await? {
            if batch.num_rows() > 0 {
                found.push(batch);
            }
        }
        Ok(found)
    }

    pub(super) async fn first_row(
        &mut self,
        question: &Permit<Rendered>,
        types: &[Phys],
    ) -> Result<Option<Vec<Value>>> {
        let found = self.ask(question, Vec::new()).await?;
        Ok(found.first().map(|batch| row(batch, 0, 0, types)))
    }

    /// The keys that a question about rows of one of the sides gives.
    async fn distinct(&mut self, key: &Key, question: &Permit<Rendered>) -> Result<Found> {
        let types = question.get().columns.clone();
        let skip = types.len() - key.columns.len();
        let types = &types[skip..];
        // The hashes of two types' values do not compare.
        let comparable = key.child_types == key.parent_types && !types.iter().any(has_forms);
        let mut found = Found { rows: 0, keys: Vec::new(), told: Keys::All, mixed: false };
        let (mut seen, mut told) = (HashSet::new(), HashSet::new());
        for batch in self.ask(question, Vec::new()).await? {
            found.rows += batch.num_rows();
            for (at, hash) in hashes(&batch, skip)?.into_iter().enumerate() {
                if !seen.insert(hash) {
                    continue;
                }
                let nulls = batch.columns()[skip..].iter().filter(|column| column.is_null(at)).count();
                found.mixed |= nulls > 0 && nulls < types.len();
                if nulls > 0 {
                    continue;
                }
                told.insert(hash);
                if found.keys.len() <= FEW {
                    found.keys.push(row(&batch, skip, at, types));
                }
            }
        }
        if comparable {
            found.told = Keys::Some(told);
        }
        Ok(found)
    }

    /// A key's values as text, if the role may read them.
    pub(super) fn shown(&mut self, key: &Key, of: &Relation, columns: &[i16], values: &[Value]) -> Option<Vec<String>> {
        let (snapshot, role) = (self.snapshot(), self.role());
        if !may_read((&snapshot, role), of, columns) {
            return None;
        }
        let settings = self.output_settings();
        // The values are the child's, whichever side the columns are of.
        let types = key.columns.iter().filter_map(|num| key.child.column_by_num(*num)).map(|c| c.ty);
        Some(values.iter().zip(types).map(|(v, ty)| types::text::format(v, ty, &settings, snapshot.as_ref())).collect())
    }

    /// TRUNCATE: all keys of these tables are gone.
    pub(super) fn note_emptied(&mut self, tables: &[Oid]) -> Result<()> {
        let keys = self.foreign_keys()?;
        let Some(active) = self.transaction.active_mut() else { return Ok(()) };
        for key in keys.iter().filter(|key| tables.contains(&key.parent.oid)) {
            active.footprint.removes(key.constraint.oid, Keys::All);
        }
        Ok(())
    }

    /// ADD FOREIGN KEY and VALIDATE CONSTRAINT: the rows that are there.
    pub(super) async fn check_existing(&mut self, key: &Arc<Key>) -> Result<()> {
        if let Some(active) = self.transaction.active_mut() {
            active.checked.push((key.child.oid, key.parent.oid));
        }
        self.find_orphan(key, keys::Written::Anything).await
    }
}

/// Keys that some rows have.
pub struct Found {
    rows: usize,
    /// The first few, without those that are NULL; more than [`FEW`] if there are more.
    keys: Vec<Vec<Value>>,
    told: Keys,
    /// Some are NULL in part.
    mixed: bool,
}

/// What is to be checked of a foreign key before COMMIT. The rows may be others by then, so it is the state of then that
/// is looked at, for these keys or for all.
#[derive(Debug, Default, Clone)]
pub struct Late {
    /// Keys that the child has got (in its types), and keys that the parent has lost (in its types).
    pub got: Vec<Vec<Value>>,
    pub lost: Vec<Vec<Value>>,
    /// More new rows of the child than that.
    pub new_rows: bool,
    /// All rows of the child, for what was written or (`lost_all`) for what was taken away.
    pub all: bool,
    pub lost_all: bool,
}

impl Late {
    /// Rows of the child were written; `new` if they were appended.
    fn written(&mut self, found: Option<Found>, new: bool, full: bool) {
        match found {
            Some(found) if found.keys.len() + self.got.len() <= FEW && !(full && found.mixed) => {
                self.got.extend(found.keys);
            }
            _ if new => self.new_rows = true,
            _ => self.all = true,
        }
    }

    /// The parent has lost keys.
    fn removed(&mut self, found: Found) {
        match found.keys.len() + self.lost.len() <= FEW {
            true => self.lost.extend(found.keys),
            false => self.lost_all = true,
        }
    }
}

pub(super) fn meets(some: &[i16], others: &[i16]) -> bool {
    some.iter().any(|column| others.contains(column))
}

fn sets_some(kept: &KeptRows, columns: &[i16]) -> bool {
    !kept.deleted && columns.iter().any(|column| kept.new(*column).is_some())
}

/// Equal values may have different bytes.
fn has_forms(ty: &Phys) -> bool {
    matches!(ty, Phys::Float4 | Phys::Float8) || ty.needs_key()
}

pub(super) fn hashes(batch: &RecordBatch, skip: usize) -> Result<Vec<u64>> {
    let columns = &batch.columns()[skip..];
    let fields = columns.iter().map(|c| SortField::new(c.data_type().clone())).collect();
    let converter = RowConverter::new(fields).map_err(Error::internal)?;
    let rows = converter.convert_columns(columns).map_err(Error::internal)?;
    let hash = |row: arrow::row::Row<'_>| {
        let mut hasher = DefaultHasher::new();
        hasher.write(row.as_ref());
        hasher.finish()
    };
    Ok(rows.iter().map(hash).collect())
}

pub(super) fn row(batch: &RecordBatch, skip: usize, at: usize, types: &[Phys]) -> Vec<Value> {
    let columns = batch.columns()[skip..].iter();
    columns.zip(types).map(|(column, ty)| types::arrow::value_at(column.as_ref(), at, ty)).collect()
}
