//! Portals: statements with their parameters, on the way of being executed. SQL's cursors are portals too.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;

use super::front::RowShape;
use super::plan_cache::Text;
use super::scroll::Kept;
use crate::engine::Rows;
use crate::engine::budget::RowMemory;
use crate::error::{Error, Result, SqlState};
use crate::sql::Compiled;
use crate::types::{OutputSettings, Value};

pub struct Portal {
    /// The statement's text, for pg_cursors.
    pub text: Arc<Text>,
    /// `None` is the empty statement.
    pub compiled: Option<Arc<Compiled>>,
    pub values: Vec<Value>,
    /// The format codes of the result, as Bind gave them.
    pub formats: Vec<i16>,
    pub shape: Option<RowShape>,
    pub state: PortalState,
    /// Made by DECLARE.
    pub cursor: Option<CursorKind>,
    /// The session's portals are numbered as they are made.
    pub number: u64,
}

#[derive(Debug, Clone, Copy)]
pub struct CursorKind {
    pub hold: bool,
    pub binary: bool,
    /// False once a WITH HOLD cursor has outlived its transaction.
    pub of_transaction: bool,
}

pub enum PortalState {
    Ready,
    Open(OpenRows),
    /// Ran to its end; a query may be asked again and gives no more rows.
    Done {
        rows: bool,
    },
}

/// Where a result's batches come from.
pub enum Batches {
    Engine(Box<dyn Rows>),
    /// Rows kept aside: a held cursor's, whose memory is counted, or those that the gateway itself made.
    Kept {
        batches: std::vec::IntoIter<RecordBatch>,
        _memory: RowMemory,
    },
}

/// A result that is being read.
pub struct OpenRows {
    pub source: Batches,
    /// The batch that is being read, and its first row that is not.
    pub batch: Option<(RecordBatch, usize)>,
    /// Rows read so far, in all.
    pub position: u64,
    pub at_end: bool,
    /// The settings when it was opened: what is half read does not change its look.
    pub settings: OutputSettings,
    /// What it needs to go back.
    pub kept: Option<Kept>,
    /// How it ends, if not well.
    pub fails: Option<Error>,
}

impl OpenRows {
    pub fn new(source: Batches, settings: OutputSettings) -> Self {
        Self { source, batch: None, position: 0, at_end: false, settings, kept: None, fails: None }
    }

    /// The portal rests until it is read on: a cancel meanwhile does not concern it.
    pub fn suspend(&mut self) {
        match &mut self.source {
            Batches::Engine(rows) => rows.suspend(),
            Batches::Kept { .. } => {}
        }
    }

    pub fn kept(batches: Vec<RecordBatch>, settings: OutputSettings) -> Self {
        Self::new(Batches::Kept { batches: batches.into_iter(), _memory: RowMemory::default() }, settings)
    }
}

#[derive(Default)]
pub struct Portals {
    by_name: HashMap<String, Portal>,
    made: u64,
}

impl Portals {
    /// A portal by the name that Execute or Describe gives.
    pub fn get(&self, name: &str) -> Result<&Portal> {
        self.by_name.get(name).ok_or_else(|| missing_portal(name))
    }

    pub fn cursor(&self, name: &str) -> Result<&Portal> {
        self.by_name.get(name).ok_or_else(|| missing_cursor(name))
    }

    /// Takes a portal out while it runs; [`Portals::put`] brings it back.
    pub fn take(&mut self, name: &str) -> Option<Portal> {
        self.by_name.remove(name)
    }

    pub fn put(&mut self, name: &str, portal: Portal) {
        self.by_name.insert(name.to_owned(), portal);
    }

    /// The number of a portal that is made now.
    pub fn next_number(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    /// Closes those of the transaction that were made from this number on, and gives their names.
    pub fn close_since(&mut self, number: u64) -> Vec<String> {
        let since = |portal: &Portal| portal.number >= number && portal.cursor.is_none_or(|c| c.of_transaction);
        let closed = self.by_name.iter().filter(|(_, portal)| since(portal)).map(|(name, _)| name.clone()).collect();
        self.by_name.retain(|_, portal| !since(portal));
        closed
    }

    /// Checks that a portal of this name may be made: the unnamed one is replaced, others must be new.
    pub fn check_new(&self, name: &str, limit: usize) -> Result<()> {
        if name.is_empty() {
            return Ok(());
        }
        if self.by_name.contains_key(name) {
            return Err(Error::new(SqlState::DUPLICATE_CURSOR, format!("cursor \"{name}\" already exists")));
        }
        if self.by_name.len() >= limit {
            let message = format!("a session may have at most {limit} portals and cursors");
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
                .hint("CLOSE those that are no longer used, or raise limits.portals."));
        }
        Ok(())
    }

    pub fn contains(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&String, &Portal)> {
        self.by_name.iter()
    }

    /// The transaction has ended: only cursors WITH HOLD from before, or kept at COMMIT, stay.
    pub fn end_transaction(&mut self) {
        self.by_name.retain(|_, portal| portal.cursor.is_some_and(|c| !c.of_transaction));
    }

    /// The transaction has failed: its portals give up what they hold, but their names stay until ROLLBACK.
    pub fn fail_transaction(&mut self) {
        for portal in self.by_name.values_mut().filter(|p| p.cursor.is_none_or(|c| c.of_transaction)) {
            if matches!(portal.state, PortalState::Open(_)) {
                portal.state = PortalState::Done { rows: false };
            }
        }
    }

    pub fn clear(&mut self) {
        self.by_name.clear();
    }

    /// True if a portal has yet to run, or to be read to its end.
    pub fn unfinished(&self) -> bool {
        self.by_name.values().any(|portal| match &portal.state {
            PortalState::Ready | PortalState::Open(OpenRows { source: Batches::Engine(_), .. }) => true,
            PortalState::Open(OpenRows { source: Batches::Kept { .. }, .. }) | PortalState::Done { .. } => false,
        })
    }

    /// True if a portal's rows still come from the engine.
    pub fn read_from_engine(&self) -> bool {
        self.by_name
            .values()
            .any(|portal| matches!(&portal.state, PortalState::Open(OpenRows { source: Batches::Engine(_), .. })))
    }
}

fn missing_portal(name: &str) -> Error {
    Error::new(SqlState::INVALID_CURSOR_NAME, format!("portal \"{name}\" does not exist"))
}

pub fn missing_cursor(name: &str) -> Error {
    Error::new(SqlState::INVALID_CURSOR_NAME, format!("cursor \"{name}\" does not exist"))
}

/// The formats of `columns` result columns or parameters, from none, one for all, or one each.
pub fn formats(codes: &[i16], columns: usize, wrong: impl Fn(usize) -> String) -> Result<Vec<i16>> {
    if let Some(bad) = codes.iter().find(|code| !matches!(code, 0 | 1)) {
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("unsupported format code: {bad}")));
    }
    match codes {
        [] => Ok(vec![0; columns]),
        [one] => Ok(vec![*one; columns]),
        many if many.len() == columns => Ok(many.to_vec()),
        many => Err(Error::new(SqlState::PROTOCOL_VIOLATION, wrong(many.len()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn portal(cursor: Option<CursorKind>) -> Portal {
        Portal {
            text: Arc::new(Text::new("".into(), Vec::new())),
            compiled: None,
            values: Vec::new(),
            formats: Vec::new(),
            shape: None,
            state: PortalState::Ready,
            cursor,
            number: 0,
        }
    }

    #[test]
    fn format_codes_are_none_one_or_one_each() {
        let wrong = |n| format!("bind message has {n} result formats but query has 3 columns");
        assert_eq!(formats(&[], 3, wrong).unwrap(), [0, 0, 0]);
        assert_eq!(formats(&[1], 3, wrong).unwrap(), [1, 1, 1]);
        assert_eq!(formats(&[0, 1, 0], 3, wrong).unwrap(), [0, 1, 0]);
        let error = formats(&[0, 1], 3, wrong).unwrap_err();
        assert_eq!(error.code(), SqlState::PROTOCOL_VIOLATION);
        assert_eq!(error.report().message, "bind message has 2 result formats but query has 3 columns");
        assert_eq!(formats(&[2], 1, wrong).unwrap_err().code(), SqlState::INVALID_PARAMETER_VALUE);
    }

    #[test]
    fn only_held_cursors_outlive_their_transaction() {
        let mut portals = Portals::default();
        portals.put("", portal(None));
        portals.put("p", portal(None));
        portals.put("c", portal(Some(CursorKind { hold: false, binary: false, of_transaction: true })));
        portals.put("h", portal(Some(CursorKind { hold: true, binary: false, of_transaction: false })));
        assert_eq!(portals.check_new("p", 10).unwrap_err().code(), SqlState::DUPLICATE_CURSOR);
        assert_eq!(portals.check_new("q", 4).unwrap_err().code(), SqlState::PROGRAM_LIMIT_EXCEEDED);
        assert!(portals.check_new("", 0).is_ok());
        portals.end_transaction();
        assert!(portals.contains("h"));
        assert_eq!(portals.by_name.len(), 1);
        assert_eq!(portals.get("p").err().unwrap().code(), SqlState::INVALID_CURSOR_NAME);
    }
}
