//! COPY FROM in binary: signature, rows of counted fields, trailer. Here the rows are only told from each other; who takes a block of
//! them decodes it (`binary_rows`).

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use super::batches::Batches;
use super::binary_rows::{BinaryRows, Building, Layout, Row};
use super::pending::Pending;
use super::{CopySource, DecodedBatch};
use crate::error::{Error, Result, SqlState};

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
    pending: Pending,
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

fn bad(message: impl Into<String>) -> Error {
    Error::new(SqlState::BAD_COPY_FILE_FORMAT, message)
}

fn word(data: &[u8], at: usize) -> Option<i32> {
    data.get(at..at + 4).map(|b| i32::from_be_bytes([b[0], b[1], b[2], b[3]]))
}

impl BinaryDecoder {
    pub fn new(source: CopySource) -> Self {
        let batches = Batches::new(&source);
        let layout = Arc::new(Layout::new(source));
        Self {
            building: Building::new(&layout, 0),
            layout,
            batches,
            pending: Pending::default(),
            state: State::Header,
            line: 0,
            rows: 0,
            ready: VecDeque::new(),
            failed: None,
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
        let next = Building::new(&self.layout, self.line);
        self.ready.extend(std::mem::replace(&mut self.building, next).finish());
    }

    fn fail(&mut self, error: Error) {
        self.flush();
        self.failed = Some(error);
        self.state = State::Failed;
    }

    /// What is wrong with it is told by [`Self::take`], after the rows before it.
    pub fn feed(&mut self, data: &Bytes) {
        let mut pending = std::mem::take(&mut self.pending);
        // Cannot fail: what is wrong is kept.
        let _ = pending.feed(data, |piece| Ok(self.read(piece, data)));
        self.pending = pending;
        let limit = self.layout.source.max_row;
        if self.state != State::Failed && self.pending.len() > limit {
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
            State::Rows if !self.pending.is_empty() => {
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

    /// Takes what is whole off the front; gives the bytes that it took. `data` may be a part of `all`.
    fn read(&mut self, data: &[u8], all: &Bytes) -> usize {
        let mut at = 0;
        loop {
            let rest = &data[at..];
            match self.state {
                State::Header => match header(rest) {
                    Ok(None) => return at,
                    Ok(Some(extension)) => {
                        at += 19;
                        self.state = State::Extension(extension);
                    }
                    Err(error) => self.fail(error),
                },
                State::Extension(left) => {
                    let skip = left.min(rest.len());
                    at += skip;
                    if skip < left {
                        self.state = State::Extension(left - skip);
                        return at;
                    }
                    self.state = State::Rows;
                }
                State::Rows => {
                    at += self.read_rows(rest, all);
                    if self.state == State::Rows {
                        return at;
                    }
                }
                State::Ended if rest.is_empty() => return at,
                State::Ended => self.fail(self.at_line(bad("received copy data after EOF marker"))),
                State::Failed => return data.len(),
            }
        }
    }

    /// Rows off the front, until one is not whole or the state changes.
    fn read_rows(&mut self, data: &[u8], all: &Bytes) -> usize {
        let (mut from, mut at, mut count) = (0, 0, 0);
        loop {
            let room = self.building.room(count, at - from);
            let row = if room { self.layout.row(&data[at..]) } else { Row::Incomplete };
            if let Row::Whole(length) = row {
                at += length;
                count += 1;
                continue;
            }
            self.building.add(&data[from..at], count, all);
            self.rows += count as u64;
            self.line += count as u64;
            (from, count) = (at, 0);
            match row {
                Row::Incomplete if !room => self.flush(),
                Row::Whole(_) | Row::Incomplete => return at,
                Row::Trailer => {
                    self.line += 1;
                    self.state = State::Ended;
                    return at + 2;
                }
                Row::Wrong { column, error } => {
                    self.line += 1;
                    let error = match column {
                        None => self.at_line(error),
                        // The fields before it come first.
                        Some(column) => {
                            let before = self.layout.fields(&data[at..], column, self.line);
                            before.err().unwrap_or_else(|| self.layout.at_field(error, column, self.line))
                        }
                    };
                    self.fail(error);
                    return at;
                }
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
