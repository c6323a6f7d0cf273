//! Sequences: their state, kept by the engine because it outlives rollbacks, as PostgreSQL's does.
//!
//! Definitions are in the snapshot that the session reads; here is what has been given out. A block of values is
//! reserved durably before the first of it is given out, so that after a crash no value comes twice (some are skipped).
//! The state is written by a connection of its own to a table that nothing else touches, so it conflicts with nobody.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use duckdb::ffi;
use parking_lot::Mutex;

use super::directory;
use super::error::Translate;
use super::raw::RawConnection;
use crate::error::{Error, Result, SqlState};
use crate::policy::{SequenceUse, may_use_sequence};
use crate::registry::{Name, RelationKind, Sequence};
use crate::types::Oid;

mod functions;
mod relation;
pub use functions::Draw;
pub(super) use functions::register;
pub(super) use relation::register as register_relation;

/// Values reserved at first: one and the 32 that PostgreSQL logs ahead; doubled while a block lasts less than [`BLOCK_TIME`].
const FIRST_BLOCK: u64 = 33;
const GREATEST_BLOCK: u64 = FIRST_BLOCK << 11;
const BLOCK_TIME: Duration = Duration::from_secs(1);

/// The table in the database file. Its schema is the gateway's own, no namespace of any user's.
const CREATE: &str = "CREATE SCHEMA IF NOT EXISTS duckgate_internal; \
     CREATE TABLE IF NOT EXISTS duckgate_internal.sequences(oid UINTEGER, last_value BIGINT, is_called BOOLEAN)";

/// All sequences of the database.
pub(super) struct Sequences {
    states: Mutex<HashMap<Oid, State>>,
    sessions: Mutex<HashMap<u64, Session>>,
    store: Mutex<RawConnection>,
}

/// What has been given out of one sequence.
#[derive(Debug, Clone, Copy)]
struct State {
    last: i64,
    /// `last` itself has been given out.
    called: bool,
    /// How many more may be given out before the next block is reserved.
    reserved: u64,
    block: u64,
    reserved_at: Option<Instant>,
}

/// What a session has been given.
#[derive(Default)]
struct Session {
    last: Option<Oid>,
    values: HashMap<Oid, i64>,
}

impl Sequences {
    /// Reads the state of all sequences; `store` is from then on theirs.
    pub fn open(store: RawConnection) -> Result<Arc<Self>> {
        store.run(CREATE).translated()?;
        let mut states = HashMap::new();
        let rows = store.prepare("SELECT oid, last_value, is_called FROM duckgate_internal.sequences").translated()?;
        let mut result = rows.execute().translated()?;
        while let Some(chunk) = result.fetch().translated()? {
            for row in 0..chunk.rows() {
                // SAFETY: a live chunk whose columns have these types, none of them NULL.
                let (oid, last, called) = unsafe {
                    (
                        *ffi::duckdb_vector_get_data(chunk.vector(0)).cast::<u32>().add(row),
                        *ffi::duckdb_vector_get_data(chunk.vector(1)).cast::<i64>().add(row),
                        *ffi::duckdb_vector_get_data(chunk.vector(2)).cast::<u8>().add(row) != 0,
                    )
                };
                states.insert(oid, State::at(last, called));
            }
        }
        drop(result);
        drop(rows);
        Ok(Arc::new(Self { states: Mutex::new(states), sessions: Mutex::default(), store: Mutex::new(store) }))
    }

    /// nextval().
    pub fn next(&self, session: u64, oid: Oid, name: &str, definition: &Sequence) -> Result<i64> {
        let value = {
            let mut states = self.states.lock();
            let count_number = definition.count_of(oid);
            let state = states.entry(count_number).or_insert_with(|| State::at(definition.first(), false));
            let value = state.successor(name, definition)?;
            if state.reserved == 0 {
                let block = state.next_block();
                // The last value of the block, so that a restart goes on after it.
                let (end, count) = furthest(value, block, definition);
                self.persist(count_number, end, true)?;
                state.reserved = count;
                state.block = block;
                state.reserved_at = Some(Instant::now());
            }
            state.reserved -= 1;
            state.last = value;
            state.called = true;
            value
        };
        let mut sessions = self.sessions.lock();
        let session = sessions.entry(session).or_default();
        session.last = Some(oid);
        session.values.insert(oid, value);
        Ok(value)
    }

    /// currval().
    pub fn current(&self, session: u64, oid: Oid, name: &str) -> Result<i64> {
        let sessions = self.sessions.lock();
        sessions.get(&session).and_then(|s| s.values.get(&oid)).copied().ok_or_else(|| {
            Error::new(
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("currval of sequence \"{name}\" is not yet defined in this session"),
            )
        })
    }

    /// lastval(), and the sequence that it is of.
    pub fn last(&self, session: u64) -> Result<(Oid, i64)> {
        let sessions = self.sessions.lock();
        let found = sessions.get(&session).and_then(|s| s.last.and_then(|oid| Some((oid, *s.values.get(&oid)?))));
        found.ok_or_else(undefined_last)
    }

    /// setval().
    pub fn set(
        &self,
        session: u64,
        oid: Oid,
        name: &str,
        definition: &Sequence,
        value: i64,
        called: bool,
    ) -> Result<i64> {
        if value < definition.min || value > definition.max {
            return Err(Error::new(
                SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
                format!(
                    "setval: value {value} is out of bounds for sequence \"{name}\" ({}..{})",
                    definition.min, definition.max
                ),
            ));
        }
        self.restart(definition.count_of(oid), value, called)?;
        if called {
            // PostgreSQL's setval also counts for currval, not for lastval.
            self.sessions.lock().entry(session).or_default().values.insert(oid, value);
        }
        Ok(value)
    }

    /// Sets a count, durably.
    pub fn restart(&self, oid: Oid, value: i64, called: bool) -> Result<()> {
        let mut states = self.states.lock();
        self.persist(oid, value, called)?;
        states.insert(oid, State::at(value, called));
        Ok(())
    }

    /// Forgets a count: its sequence was dropped or has another now.
    pub fn forget(&self, oid: Oid) -> Result<()> {
        self.states.lock().remove(&oid);
        let store = self.store.lock();
        store.run(&format!("DELETE FROM duckgate_internal.sequences WHERE oid = {oid}")).translated()
    }

    pub fn end_session(&self, session: u64) {
        self.sessions.lock().remove(&session);
    }

    /// A sequence as the row that it is: last_value, log_cnt (how many more values PostgreSQL would give out before it logs
    /// some again) and is_called.
    fn row(&self, oid: Oid, definition: &Sequence) -> (i64, i64, bool) {
        match self.states.lock().get(&definition.count_of(oid)) {
            Some(state) => (state.last, (state.reserved % FIRST_BLOCK) as i64, state.called),
            None => (definition.first(), 0, false),
        }
    }

    /// The last value of a count, and whether it was given out.
    pub fn state(&self, oid: Oid) -> Option<(i64, bool)> {
        self.states.lock().get(&oid).map(|state| (state.last, state.called))
    }

    /// Writes the exact state of all: after a clean end no value is skipped.
    pub fn close(&self) -> Result<()> {
        let mut states = self.states.lock();
        for (oid, state) in states.iter_mut().filter(|(_, state)| state.reserved > 0) {
            self.persist(*oid, state.last, state.called)?;
            state.reserved = 0;
        }
        Ok(())
    }

    fn persist(&self, oid: Oid, last: i64, called: bool) -> Result<()> {
        let store = self.store.lock();
        let update = format!(
            "UPDATE duckgate_internal.sequences SET last_value = {last}, is_called = {called} WHERE oid = {oid}"
        );
        let changed = store.prepare(&update).and_then(|s| s.execute()).map(|mut r| r.rows_changed()).translated()?;
        if changed > 0 {
            return Ok(());
        }
        let insert = format!("INSERT INTO duckgate_internal.sequences VALUES ({oid}, {last}, {called})");
        store.run(&insert).translated()
    }
}

impl State {
    fn at(last: i64, called: bool) -> Self {
        Self { last, called, reserved: 0, block: 0, reserved_at: None }
    }

    /// The value that comes next.
    fn successor(&self, name: &str, definition: &Sequence) -> Result<i64> {
        if !self.called {
            return Ok(self.last);
        }
        let next = self.last.checked_add(definition.increment);
        match next.filter(|next| (definition.min..=definition.max).contains(next)) {
            Some(next) => Ok(next),
            None if definition.cycle => Ok(if definition.increment > 0 { definition.min } else { definition.max }),
            None => {
                let (which, limit) =
                    if definition.increment > 0 { ("maximum", definition.max) } else { ("minimum", definition.min) };
                Err(Error::new(
                    SqlState::SEQUENCE_GENERATOR_LIMIT_EXCEEDED,
                    format!("nextval: reached {which} value of sequence \"{name}\" ({limit})"),
                ))
            }
        }
    }

    fn next_block(&self) -> u64 {
        match self.reserved_at {
            Some(at) if at.elapsed() < BLOCK_TIME => (self.block * 2).clamp(FIRST_BLOCK, GREATEST_BLOCK),
            _ => FIRST_BLOCK,
        }
    }
}

fn undefined_last() -> Error {
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "lastval is not yet defined in this session")
}

/// The last of `count` values from `first` on, within the limits, and how many that are.
fn furthest(first: i64, count: u64, definition: &Sequence) -> (i64, u64) {
    let limit = if definition.increment > 0 { definition.max } else { definition.min };
    let step = i128::from(definition.increment);
    let room = ((i128::from(limit) - i128::from(first)) / step).max(0);
    let steps = room.min(i128::from(count) - 1);
    ((i128::from(first) + steps * step) as i64, steps as u64 + 1)
}

/// Whether the running statement's role may do that with the sequence; what is no relation is `definition`'s to say.
fn permitted(session: u64, oid: Oid, what: SequenceUse) -> Result<()> {
    let view = directory::session(session)?;
    let snapshot = view.snapshot();
    match snapshot.relation_by_oid(oid) {
        Some(relation) => may_use_sequence(&snapshot, view.role(), relation, what),
        None => Ok(()),
    }
}

/// A sequence's name and definition, as the session's statement sees it.
fn definition(session: u64, oid: Oid) -> Result<(Name, Sequence)> {
    let snapshot = directory::session(session)?.snapshot();
    let relation = snapshot
        .relation_by_oid(oid)
        .ok_or_else(|| Error::new(SqlState::UNDEFINED_TABLE, format!("relation with OID {oid} does not exist")))?;
    match &relation.kind {
        RelationKind::Sequence(sequence) => Ok((Arc::clone(&relation.name), sequence.clone())),
        RelationKind::Table
        | RelationKind::View { .. }
        | RelationKind::MaterializedView { .. }
        | RelationKind::Composite
        | RelationKind::System => {
            Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not a sequence", relation.name)))
        }
    }
}
