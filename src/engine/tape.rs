//! What a statement drew from outside its data (sequence values, random numbers, the clock), so that it can be run again
//! with the same: a transaction that goes back to a savepoint repeats what it did before it.
//!
//! The session says when its tape records and when it plays. Natives draw through it, row by row.

use std::thread::ThreadId;

use parking_lot::Mutex;

use super::directory::SessionView;
use crate::error::{Error, Result, SqlState};
use crate::types::Oid;

/// Runs of values that one statement's record may hold (48 bytes each); a statement that draws more is not repeated.
const LONGEST: usize = 1 << 18;

/// Where a value was drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A function over the sequence with this OID: 0 for lastval().
    Sequence(Oid),
    Random,
    Uuid,
    Clock,
}

/// What one statement drew, in order; values at equal distances take one entry.
#[derive(Debug, Clone, Default)]
pub struct Record {
    runs: Vec<RunOf>,
    thread: Option<ThreadId>,
    /// Several threads drew, or more was drawn than is kept: whose value is whose is not known.
    lost: bool,
}

#[derive(Debug, Clone, Copy)]
struct RunOf {
    source: Source,
    /// `None` is NULL.
    first: Option<i128>,
    step: i128,
    count: u64,
}

impl Record {
    fn push(&mut self, source: Source, value: Option<i128>) {
        let thread = std::thread::current().id();
        self.lost |= *self.thread.get_or_insert(thread) != thread;
        if let Some(last) = self.runs.last_mut()
            && last.source == source
            && let (Some(first), Some(value)) = (last.first, value)
        {
            let step = if last.count == 1 { value.wrapping_sub(first) } else { last.step };
            if first.wrapping_add(step.wrapping_mul(i128::from(last.count))) == value {
                last.step = step;
                last.count += 1;
                return;
            }
        }
        if self.runs.len() >= LONGEST {
            self.lost = true;
            return;
        }
        self.runs.push(RunOf { source, first: value, step: 0, count: 1 });
    }

    /// Bytes that it takes, about.
    pub fn bytes(&self) -> usize {
        self.runs.len() * size_of::<RunOf>()
    }

    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }
}

/// A record that is played.
#[derive(Debug)]
struct Play {
    record: Record,
    run: usize,
    within: u64,
    thread: Option<ThreadId>,
    lost: bool,
}

impl Play {
    fn new(record: Record) -> Self {
        Self { record, run: 0, within: 0, thread: None, lost: false }
    }

    fn is_over(&self) -> bool {
        self.run >= self.record.runs.len()
    }

    fn next(&mut self, source: Source) -> Result<Option<i128>> {
        let thread = std::thread::current().id();
        self.lost |= *self.thread.get_or_insert(thread) != thread;
        let run = self.record.runs.get(self.run).filter(|run| run.source == source).ok_or_else(differs)?;
        let value = run.first.map(|first| first.wrapping_add(run.step.wrapping_mul(i128::from(self.within))));
        self.within += 1;
        if self.within == run.count {
            self.run += 1;
            self.within = 0;
        }
        Ok(value)
    }
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Off,
    /// What is drawn first is what was drawn before.
    Recording(Record, Option<Play>),
    Playing(Play),
}

/// A session's tape.
#[derive(Debug, Default)]
pub struct Tape(Mutex<State>);

impl Tape {
    /// From here on what is drawn is recorded, or not; gives what was recorded so far.
    pub fn record(&self, on: bool) -> Record {
        let next = if on { State::Recording(Record::default(), None) } else { State::Off };
        match std::mem::replace(&mut *self.0.lock(), next) {
            State::Recording(record, _) => record,
            State::Off | State::Playing(_) => Record::default(),
        }
    }

    /// The next statement draws what `record` says.
    pub fn play(&self, record: Record) {
        *self.0.lock() = State::Playing(Play::new(record));
    }

    /// What is recorded from now on draws first what `record` says, then anew.
    pub fn draw_again(&self, record: Record) {
        if let State::Recording(_, ahead) = &mut *self.0.lock() {
            *ahead = (!record.is_empty()).then(|| Play::new(record));
        }
    }

    /// The statement that played has ended: fails with 40001 unless it drew all of the record, and in its order.
    /// `one_reader`: its rows have an order of their own, whichever threads they pass through.
    pub fn played(&self, one_reader: bool) -> Result<()> {
        let State::Playing(play) = std::mem::take(&mut *self.0.lock()) else { return Ok(()) };
        let scattered = !one_reader && (play.lost || play.record.lost);
        let too_long = play.record.runs.len() >= LONGEST;
        if play.run < play.record.runs.len() || scattered || too_long { Err(differs()) } else { Ok(()) }
    }

    /// A value: drawn by `draw`, or the recorded one in its place.
    pub fn draw(&self, source: Source, draw: impl FnOnce() -> Result<Option<i128>>) -> Result<Option<i128>> {
        let mut state = self.0.lock();
        match &mut *state {
            State::Off => {
                drop(state);
                draw()
            }
            State::Recording(record, ahead) => {
                let value = match ahead.as_mut().filter(|play| !play.is_over()) {
                    Some(play) => play.next(source)?,
                    None => draw()?,
                };
                record.push(source, value);
                Ok(value)
            }
            State::Playing(play) => play.next(source),
        }
    }
}

/// A value that a session's statement draws.
pub fn draw(
    view: &dyn SessionView,
    source: Source,
    draw: impl FnOnce() -> Result<Option<i128>>,
) -> Result<Option<i128>> {
    match view.tape() {
        Some(tape) => tape.draw(source, draw),
        None => draw(),
    }
}

fn differs() -> Error {
    Error::new(SqlState::T_R_SERIALIZATION_FAILURE, "a repeated statement draws other values than before")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(n: i128) -> Result<Option<i128>> {
        Ok(Some(n))
    }

    #[test]
    fn what_was_recorded_is_played_in_its_order() {
        let tape = Tape::default();
        let drawn =
            [(Source::Sequence(5), 10), (Source::Sequence(5), 12), (Source::Random, 7), (Source::Sequence(5), 14)];
        tape.record(true);
        for (source, n) in drawn {
            assert_eq!(tape.draw(source, || value(n)).unwrap(), Some(n));
        }
        let record = tape.record(false);
        assert_eq!(record.runs.len(), 3);
        tape.play(record.clone());
        for (source, n) in drawn {
            assert_eq!(tape.draw(source, || value(99)).unwrap(), Some(n));
        }
        tape.played(false).unwrap();
        assert_eq!(tape.draw(Source::Clock, || value(1)).unwrap(), Some(1));
        // Too little drawn, too much, something else.
        tape.play(record.clone());
        assert_eq!(tape.played(false).unwrap_err().code(), SqlState::T_R_SERIALIZATION_FAILURE);
        tape.play(record);
        assert!(tape.draw(Source::Uuid, || value(1)).is_err());
        tape.play(Record::default());
        assert!(tape.draw(Source::Uuid, || value(1)).is_err());
    }

    #[test]
    fn what_several_threads_drew_has_no_order() {
        let tape = std::sync::Arc::new(Tape::default());
        tape.record(true);
        tape.draw(Source::Random, || value(1)).unwrap();
        let other = tape.clone();
        std::thread::spawn(move || other.draw(Source::Random, || value(2)).unwrap()).join().unwrap();
        let record = tape.record(false);
        let again = |one_reader| {
            tape.play(record.clone());
            tape.draw(Source::Random, || value(0)).unwrap();
            tape.draw(Source::Random, || value(0)).unwrap();
            tape.played(one_reader)
        };
        assert!(again(false).is_err());
        assert!(again(true).is_ok());
    }
}
