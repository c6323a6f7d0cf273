//! SQL's cursors: DECLARE, FETCH, MOVE, CLOSE, and what becomes of WITH HOLD at COMMIT.

use std::sync::Arc;
use std::time::SystemTime;

use super::execute::{Alone, Done, guarded, shape};
use super::front::{Front, RowShape};
use super::plan_cache::Text;
use super::portals::{Batches, CursorKind, OpenRows, Portal, PortalState, missing_cursor};
use super::scroll::Kept;
use super::session::Session;
use super::transaction;
use crate::engine::Outcome;
use crate::engine::budget::RowMemory;
use crate::engine::directory::CursorRow;
use crate::error::{Error, Result, SqlState};
use crate::registry::Name;
use crate::sql::{self, CompiledBody};
use crate::tree::{CursorOptions, FetchDirection, Statement};
use crate::types::Value;

/// A FETCH in terms of the rows that were read and those that were not yet.
enum Way {
    /// Passes over `skip` rows and gives `take` (`None`: all).
    Forward { skip: u64, take: Option<u64> },
    /// The row it stands on.
    Again,
    /// That row (from 1), which lies behind.
    To(u64),
    /// From the row before the cursor back to row `to`, on which it then stands; 0 is before the first.
    Back { to: u64 },
    /// Only the row to which it goes back; 0 is before the first.
    BackTo(u64),
    /// That row from the end.
    FromEnd(u64),
}

impl Session {
    pub(super) async fn declare(
        &mut self,
        name: &Name,
        options: CursorOptions,
        query: &Statement,
        text: &Arc<Text>,
        values: &[Value],
        front: &mut dyn Front,
    ) -> Result<Done> {
        let CursorOptions { binary, with_hold, scroll } = options;
        if !with_hold && !self.transaction.in_block() {
            return Err(transaction::only_in_block("DECLARE CURSOR"));
        }
        self.portals.check_new(name, self.gateway.limits().portals)?;
        let environment = self.environment()?;
        let context = sql::Context { shaped: super::execute::shaped_params(values), ..environment.context.clone() };
        let compiled = Arc::new(sql::compile_statement(query.clone(), Vec::new(), &context)?);
        let CompiledBody::Plan(plan) = &compiled.body else {
            return Err(Error::internal("a cursor over something else than a query"));
        };
        let Outcome::Rows(rows) = self.start(plan, values, front, Alone::No, None).await? else {
            return Err(Error::internal("a cursor's query gave no rows"));
        };
        let mut open = OpenRows::new(Batches::Engine(rows), self.output_settings());
        if scroll != Some(false) {
            open.kept = Some(Kept::new(scroll == Some(true), self.gateway.limits().held_cursor_bytes));
        }
        open.suspend();
        let codes = vec![i16::from(binary); plan.fields.len()];
        let created = SystemTime::now();
        let row = CursorRow {
            name: name.to_string(),
            statement: text.text.to_string(),
            is_holdable: with_hold,
            is_binary: binary,
            is_scrollable: scroll != Some(false),
            creation_time: created,
        };
        self.shared.state.lock().cursors.insert(name.to_string(), row);
        let portal = Portal {
            text: text.clone(),
            shape: Some(shape(plan, codes.clone())),
            compiled: Some(compiled),
            values: Vec::new(),
            formats: codes,
            state: PortalState::Open(open),
            cursor: Some(CursorKind { hold: with_hold, binary, of_transaction: true }),
            number: self.portals.next_number(),
        };
        self.portals.put(name, portal);
        Done::tag("DECLARE CURSOR")
    }

    /// FETCH and MOVE.
    pub(super) async fn fetch(
        &mut self,
        name: &Name,
        direction: FetchDirection,
        move_only: bool,
        codes: &[i16],
        front: &mut dyn Front,
        describe: bool,
    ) -> Result<Done> {
        let mut portal = self.portals.take(name).ok_or_else(|| missing_cursor(name))?;
        if let Some(compiled) = &portal.compiled {
            self.audit_access(&compiled.access);
        }
        let done = self.fetch_from(name, &mut portal, direction, move_only, codes, front, describe).await;
        // As in PostgreSQL, a cursor that failed cannot be run any more, also not after ROLLBACK TO.
        if done.as_ref().is_err_and(|error| error.code() != SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE) {
            portal.state = PortalState::Done { rows: false };
        }
        self.portals.put(name, portal);
        let rows = done?;
        Done::tag(format!("{} {rows}", if move_only { "MOVE" } else { "FETCH" }))
    }

    async fn fetch_from(
        &mut self,
        name: &Name,
        portal: &mut Portal,
        direction: FetchDirection,
        move_only: bool,
        codes: &[i16],
        front: &mut dyn Front,
        describe: bool,
    ) -> Result<u64> {
        if matches!(portal.state, PortalState::Done { rows: false }) && portal.cursor.is_some() {
            return Err(cannot_run(name));
        }
        if matches!(portal.state, PortalState::Ready) {
            self.open_for_fetch(portal, front).await?;
        }
        let mut shape = portal.shape.clone().ok_or_else(|| Error::internal("a cursor without columns"))?;
        let binary = portal.cursor.is_some_and(|c| c.binary);
        shape.formats = match codes {
            // FETCH through the extended protocol: Bind says the formats, unless the cursor is BINARY.
            codes if codes.len() == shape.fields.len() && !binary => codes.to_vec(),
            _ => vec![i16::from(binary); shape.fields.len()],
        };
        let way = match &portal.state {
            PortalState::Open(open) => Some(way(direction, open)?),
            PortalState::Done { .. } | PortalState::Ready => None,
        };
        if describe && !move_only {
            front.row_description(&shape, &*self.types())?;
        }
        let (Some(way), PortalState::Open(open)) = (way, &mut portal.state) else {
            return self.at_end(direction);
        };
        let rows = match way {
            Way::Forward { skip, take } => {
                if skip > 0 {
                    self.send_rows(open, &shape, front, false, Some(skip)).await?;
                }
                self.send_rows(open, &shape, front, !move_only, take).await?
            }
            Way::Again => self.send_back(open, &shape, front, !move_only, open.position, open.position).await?,
            Way::To(row) => {
                go_to(open, row - 1)?;
                self.send_rows(open, &shape, front, !move_only, Some(1)).await?
            }
            Way::Back { to } => {
                let from = open.place() - 1;
                let sent = self.send_back(open, &shape, front, !move_only, from, to.max(1)).await?;
                go_to(open, to)?;
                sent
            }
            Way::BackTo(row) => {
                go_to(open, row)?;
                match row {
                    0 => 0,
                    _ => self.send_back(open, &shape, front, !move_only, row, row).await?,
                }
            }
            Way::FromEnd(rows) => {
                self.send_rows(open, &shape, front, false, None).await?;
                match (open.position + 1).saturating_sub(rows) {
                    0 => {
                        go_to(open, 0)?;
                        0
                    }
                    row => {
                        go_to(open, row - 1)?;
                        self.send_rows(open, &shape, front, !move_only, Some(1)).await?
                    }
                }
            }
        };
        open.suspend();
        Ok(rows)
    }

    /// Sends the rows from `first` back to `last` (from 1), the later ones first. The cursor stays where it is.
    async fn send_back(
        &mut self,
        open: &mut OpenRows,
        shape: &RowShape,
        front: &mut dyn Front,
        send: bool,
        first: u64,
        last: u64,
    ) -> Result<u64> {
        let types = self.seen();
        let mut sent = 0;
        for number in (last..=first).rev() {
            if send {
                let (batch, row) = open.row(number).ok_or_else(only_forward)?;
                let (interrupt, before) = (&self.shared.interrupt, front.sent());
                tokio::select! {
                    biased;
                    done = front.rows(shape, &open.settings, &types, &batch, row, row + 1) => done?,
                    error = interrupt.terminated() => return Err(error),
                }
                self.meter.rows += 1;
                self.meter.sent += front.sent() - before;
                self.shared.interrupt.check()?;
            }
            sent += 1;
        }
        Ok(sent)
    }

    /// A portal of the extended protocol that SQL reads before anybody has executed it.
    async fn open_for_fetch(&mut self, portal: &mut Portal, front: &mut dyn Front) -> Result<()> {
        let compiled = portal.compiled.clone();
        let Some(CompiledBody::Plan(plan)) = compiled.as_ref().map(|c| &c.body) else {
            return Err(Error::new(SqlState::INVALID_CURSOR_DEFINITION, "portal is not a cursor"));
        };
        match self.start(plan, &portal.values, front, Alone::No, None).await? {
            Outcome::Rows(rows) => {
                portal.state = PortalState::Open(OpenRows::new(Batches::Engine(rows), self.output_settings()));
            }
            Outcome::Changed(_) | Outcome::Done => portal.state = PortalState::Done { rows: false },
        }
        Ok(())
    }

    /// A cursor that was read to its end by Execute.
    fn at_end(&self, direction: FetchDirection) -> Result<u64> {
        match direction {
            FetchDirection::Forward(1..) | FetchDirection::ForwardAll => Ok(0),
            _ => Err(only_forward()),
        }
    }

    pub(super) fn close_cursor(&mut self, name: Option<&Name>) -> Result<Done> {
        let mut state = self.shared.state.lock();
        let Some(name) = name else {
            state.cursors.clear();
            drop(state);
            self.portals.clear();
            return Done::tag("CLOSE CURSOR ALL");
        };
        state.cursors.remove(&**name);
        drop(state);
        self.portals.take(name).ok_or_else(|| missing_cursor(name))?;
        Done::tag("CLOSE CURSOR")
    }

    /// COMMIT: the rest of each WITH HOLD cursor's rows is kept, so that it can be read on.
    pub(super) async fn hold_cursors(&mut self) -> Result<()> {
        let held: Vec<String> = self
            .portals
            .iter()
            .filter(|(_, portal)| portal.cursor.is_some_and(|c| c.hold && c.of_transaction))
            .map(|(name, _)| name.clone())
            .collect();
        let limit = self.gateway.limits().held_cursor_bytes;
        for name in held {
            let Some(mut portal) = self.portals.take(&name) else { continue };
            if let PortalState::Open(open) = &mut portal.state {
                self.keep_rest(open, limit).await?;
            }
            if let Some(cursor) = &mut portal.cursor {
                cursor.of_transaction = false;
            }
            self.portals.put(&name, portal);
        }
        Ok(())
    }

    async fn keep_rest(&mut self, open: &mut OpenRows, limit: usize) -> Result<()> {
        let Batches::Engine(rows) = &mut open.source else { return Ok(()) };
        let shared = self.shared.clone();
        let canceller = self.lease()?.canceller.clone();
        let (mut kept, mut memory) = (Vec::new(), RowMemory::default());
        while let Some(batch) = guarded(None, &shared.interrupt, &canceller, rows.next()).await? {
            memory.take(batch.get_array_memory_size())?;
            if memory.bytes() > limit {
                let message = format!("a cursor WITH HOLD may keep at most {limit} bytes of rows");
                return Err(
                    Error::new(SqlState::CONFIGURATION_LIMIT_EXCEEDED, message).hint("Read it inside its transaction.")
                );
            }
            kept.push(batch);
        }
        open.source = Batches::Kept { batches: kept.into_iter(), _memory: memory };
        Ok(())
    }
}

/// What a FETCH means for a cursor where it stands (DoPortalRunFetch). 55000 if it would have to go back and cannot.
fn way(direction: FetchDirection, open: &OpenRows) -> Result<Way> {
    // Row `here` was read last; 0 is before the first, one more than there are after the last.
    let here = open.place();
    let ahead = |skip, take| Way::Forward { skip, take };
    let again = || if open.on_row() { Way::Again } else { ahead(0, Some(0)) };
    let back = |rows: u64| match here {
        0 => ahead(0, Some(0)),
        _ => Way::Back { to: here.saturating_sub(rows) },
    };
    let to = |row: u64| if row > here { ahead(row - here - 1, Some(1)) } else { Way::To(row) };
    let way = match direction {
        FetchDirection::Forward(0) | FetchDirection::Backward(0) | FetchDirection::Relative(0) => again(),
        FetchDirection::Forward(rows) => ahead(0, Some(rows)),
        FetchDirection::ForwardAll => ahead(0, None),
        FetchDirection::Relative(rows) if rows > 0 => ahead(rows.unsigned_abs() - 1, Some(1)),
        FetchDirection::Relative(rows) => Way::BackTo(here.saturating_sub(rows.unsigned_abs())),
        FetchDirection::Absolute(0) if here == 0 => ahead(0, Some(0)),
        FetchDirection::Absolute(0) => Way::BackTo(0),
        FetchDirection::Absolute(row) if row > 0 => to(row.unsigned_abs()),
        FetchDirection::Absolute(row) => Way::FromEnd(row.unsigned_abs()),
        FetchDirection::First => to(1),
        FetchDirection::Last => Way::FromEnd(1),
        FetchDirection::Prior => back(1),
        FetchDirection::Backward(rows) => back(rows),
        FetchDirection::BackwardAll => back(here),
    };
    match way {
        Way::Again | Way::To(_) | Way::Back { .. } | Way::BackTo(_) | Way::FromEnd(_) if open.kept.is_none() => {
            Err(only_forward())
        }
        _ => Ok(way),
    }
}

/// Stands behind that many rows.
fn go_to(open: &mut OpenRows, rows: u64) -> Result<()> {
    if open.go_to(rows) { Ok(()) } else { Err(only_forward()) }
}

fn cannot_run(name: &str) -> Error {
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, format!("portal \"{name}\" cannot be run"))
}

fn only_forward() -> Error {
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "cursor can only scan forward")
        .hint("Declare it with SCROLL option to enable backward scan.")
}
