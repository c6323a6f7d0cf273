//! COPY FROM in binary: signature, rows of counted fields, trailer. Here the rows are only told from each other; who takes a block of
//! them decodes it (`binary_rows`).

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use super::batches::Batches;
use super::binary_rows::{BinaryRows, Layout, Row};
use super::spare::{Room, Spare};
use super::{CopySource, DecodedBatch};
use crate::error::{Error, Result, SqlState};

/// Bytes that are read into one block: while they are decoded they should not have left the processor's caches.
const BLOCK: usize = 1 << 20;
/// The same of the first: most loads are short.
const FIRST: usize = 64 << 10;
/// The longest row, whatever the limit: places in a block are 32 bits.
const MOST_ROW: usize = 1 << 30;

/// What every binary file begins with.
pub(super) const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Header,
    /// Bytes of the header's extension that are still to be skipped.
    Extension(usize),
    Rows,
    Ended,
    /// What came is wrong: [`BinaryDecoder::failed`] says how.
    Failed,
}

pub(super) struct BinaryDecoder {
    layout: Arc<Layout>,
    state: State,
    /// Rows that have come, the trailer too.
    line: u64,
    rows: u64,
    building: Building,
    ready: VecDeque<BinaryRows>,
    /// What is wrong after the rows that are ready.
    failed: Option<Error>,
    /// For those who want Arrow.
    batches: Batches,
}

/// What has come and is not handed on: rows that are whole, and the beginning of another.
struct Building {
    data: Vec<u8>,
    /// What has been looked at: whole rows, and what is none before and behind them.
    at: usize,
    /// Where the first row begins.
    first: usize,
    /// Where each row ends.
    ends: Vec<u32>,
    /// The line before the first.
    before: u64,
    spare: Arc<Spare>,
}

fn bad(message: impl Into<String>) -> Error {
    Error::new(SqlState::BAD_COPY_FILE_FORMAT, message)
}

fn word(data: &[u8], at: usize) -> Option<i32> {
    data.get(at..at + 4).map(|b| i32::from_be_bytes([b[0], b[1], b[2], b[3]]))
}

impl Building {
    /// Makes place at the end of the data. Gives the rows, if they have to go for that.
    fn make_room(&mut self, layout: &Arc<Layout>) -> Option<BinaryRows> {
        if self.data.capacity() - self.data.len() > self.data.capacity() / 16 {
            return None;
        }
        let rows = self.take(layout);
        self.drop_front();
        if self.data.capacity() < 2 * self.data.len() || self.data.capacity() < FIRST {
            let mut larger = self.spare.take((2 * self.data.len()).max(FIRST));
            larger.extend_from_slice(&self.data);
            self.data = larger;
        }
        rows
    }

    /// What was looked at is needed no more.
    fn drop_front(&mut self) {
        self.data.drain(..self.at);
        (self.at, self.first) = (0, 0);
        self.ends.clear();
    }

    /// The rows, if there are some.
    fn take(&mut self, layout: &Arc<Layout>) -> Option<BinaryRows> {
        let end = *self.ends.last()? as usize;
        let ends = std::mem::take(&mut self.ends);
        self.ends.reserve(ends.len());
        let (first, before) = (self.first, self.before);
        self.before += ends.len() as u64;
        let data = if end < self.data.capacity() / 4 {
            let few = Bytes::copy_from_slice(&self.data[..end]);
            self.drop_front();
            few
        } else {
            let begun = &self.data[self.at..];
            let mut next = self.spare.take((2 * self.data.capacity()).min(BLOCK).max(2 * begun.len()));
            next.extend_from_slice(begun);
            let mut data = std::mem::replace(&mut self.data, next);
            (self.at, self.first) = (0, 0);
            data.truncate(end);
            self.spare.lend(data)
        };
        Some(BinaryRows::new(layout, data, first, ends, before))
    }
}

impl BinaryDecoder {
    pub fn new(source: CopySource) -> Self {
        let batches = Batches::new(&source);
        let building = Building {
            data: Vec::new(),
            at: 0,
            first: 0,
            ends: Vec::new(),
            before: 0,
            spare: Arc::new(Spare::default()),
        };
        Self {
            layout: Arc::new(Layout::new(source)),
            state: State::Header,
            line: 0,
            rows: 0,
            building,
            ready: VecDeque::new(),
            failed: None,
            batches,
        }
    }

    pub fn rows(&self) -> u64 {
        self.rows
    }

    pub fn columns(&self) -> usize {
        self.layout.columns()
    }

    /// The next rows, decoded.
    pub fn take(&mut self) -> Result<Option<DecodedBatch>> {
        match self.take_rows()? {
            Some(rows) => rows.decode(&mut self.batches).map(Some),
            None => Ok(None),
        }
    }

    /// The next rows as they are.
    pub fn take_rows(&mut self) -> Result<Option<BinaryRows>> {
        match (self.ready.pop_front(), &self.failed) {
            (Some(rows), _) => Ok(Some(rows)),
            (None, Some(error)) => Err(error.clone()),
            (None, None) => Ok(None),
        }
    }

    pub fn flush(&mut self) {
        self.ready.extend(self.building.take(&self.layout));
    }

    fn fail(&mut self, error: Error) {
        self.flush();
        self.failed = Some(error);
        self.state = State::Failed;
    }

    /// Where to put what comes next; then [`Self::placed`].
    pub fn room(&mut self) -> Room<'_> {
        self.ready.extend(self.building.make_room(&self.layout));
        let out = &mut self.building.data;
        Room { most: out.capacity() - out.len(), out }
    }

    /// What is wrong with it is told by [`Self::take`], after the rows before it.
    pub fn feed(&mut self, mut data: &[u8]) {
        while !data.is_empty() {
            data = self.room().put(data);
            self.placed();
        }
    }

    /// Something was put into the room.
    pub fn placed(&mut self) {
        self.read();
        let limit = self.layout.source.max_row.min(MOST_ROW);
        if self.state != State::Failed && self.building.data.len() - self.building.at > limit {
            self.line += 1;
            self.fail(self.at_line(Error::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                format!("a row of COPY data is longer than the limit of {limit} bytes"),
            )));
        }
    }

    pub fn finish(&mut self) {
        let wrong = match self.state {
            State::Header => bad("COPY file signature not recognized"),
            State::Extension(_) => bad("invalid COPY file header (wrong length)"),
            State::Rows if self.building.at < self.building.data.len() => {
                self.line += 1;
                self.at_line(bad("unexpected EOF in COPY data"))
            }
            // PostgreSQL takes a file that ends between rows without its trailer.
            State::Rows | State::Ended | State::Failed => return self.flush(),
        };
        self.fail(wrong);
    }

    fn at_line(&self, error: Error) -> Error {
        error.context(format!("COPY {}, line {}", self.layout.source.table, self.line))
    }

    /// Tells what has come, as far as it is whole.
    fn read(&mut self) {
        loop {
            let building = &mut self.building;
            let rest = &building.data[building.at..];
            match self.state {
                State::Header => match header(rest) {
                    Ok(None) => return,
                    Ok(Some(extension)) => {
                        building.at += 19;
                        building.first = building.at;
                        self.state = State::Extension(extension);
                    }
                    Err(error) => self.fail(error),
                },
                State::Extension(left) => {
                    let skip = left.min(rest.len());
                    building.at += skip;
                    building.first = building.at;
                    if skip < left {
                        self.state = State::Extension(left - skip);
                        return;
                    }
                    self.state = State::Rows;
                }
                State::Rows => {
                    self.read_rows();
                    if self.state == State::Rows {
                        return;
                    }
                }
                State::Ended if rest.is_empty() => return,
                State::Ended => self.fail(self.at_line(bad("received copy data after EOF marker"))),
                State::Failed => {
                    building.at = building.data.len();
                    return building.drop_front();
                }
            }
        }
    }

    /// Rows, until one is not whole or the state changes.
    fn read_rows(&mut self) {
        let building = &mut self.building;
        let (mut at, known) = (building.at, building.ends.len());
        let row = loop {
            match self.layout.row(&building.data[at..]) {
                Row::Whole(length) => {
                    at += length;
                    building.ends.push(at as u32);
                }
                other => break other,
            }
        };
        building.at = at;
        let count = (building.ends.len() - known) as u64;
        self.rows += count;
        self.line += count;
        match row {
            Row::Whole(_) | Row::Incomplete => {}
            Row::Trailer => {
                building.at += 2;
                self.line += 1;
                self.state = State::Ended;
            }
            Row::Wrong { column, error } => {
                self.line += 1;
                let error = match column {
                    None => self.at_line(error),
                    // The fields before it come first.
                    Some(column) => {
                        let before = self.layout.fields(&self.building.data[at..], column, self.line);
                        before.err().unwrap_or_else(|| self.layout.at_field(error, column, self.line))
                    }
                };
                self.fail(error);
            }
        }
    }
}

/// The file's header, if it is there: the length of its extension.
fn header(data: &[u8]) -> Result<Option<usize>> {
    let known = data.len().min(SIGNATURE.len());
    if data[..known] != SIGNATURE[..known] {
        return Err(bad("COPY file signature not recognized"));
    }
    let (Some(flags), Some(extension)) = (word(data, 11), word(data, 15)) else { return Ok(None) };
    if flags & (1 << 16) != 0 {
        return Err(bad("invalid COPY file header (WITH OIDS)"));
    }
    if (flags & !(1 << 16)) >> 16 != 0 {
        return Err(bad("unrecognized critical flags in COPY file header"));
    }
    usize::try_from(extension).map(Some).map_err(|_| bad("invalid COPY file header (missing length)"))
}
