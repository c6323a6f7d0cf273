//! COPY FROM in binary: signature, rows of counted fields, trailer.

use super::batches::Batches;
use super::pending::Pending;
use super::{BATCH_ROWS, CopySource, DecodedBatch};
use crate::error::{Error, Result, SqlState};

/// Rows that are decoded at once, column by column: what they take has room in a core's own cache.
const BLOCK_ROWS: usize = 256;
/// The same in bytes, about.
const BLOCK_BYTES: usize = 256 << 10;
/// What every binary file begins with.
pub(super) const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Header,
    /// Bytes of the header's extension that are still to be skipped.
    Extension(usize),
    Rows,
    Ended,
}

pub(super) struct BinaryDecoder {
    source: CopySource,
    batches: Batches,
    pending: Pending,
    state: State,
    line: u64,
    /// The line before the batch's first.
    before: u64,
    /// The fields of a block of rows, row by row.
    spans: Vec<Span>,
}

/// Where a field is, in the data of its block.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    /// `None`: NULL.
    length: Option<usize>,
}

/// One column's fields of a block.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    data: &'a [u8],
    spans: &'a [Span],
    columns: usize,
    column: usize,
}

impl<'a> Fields<'a> {
    /// `None` is NULL.
    #[inline]
    pub fn get(&self, row: usize) -> Option<&'a [u8]> {
        let Span { start, length } = self.spans[row * self.columns + self.column];
        length.map(|length| &self.data[start..start + length])
    }
}

/// What comes next in the data.
enum Stop {
    /// A row of so many bytes.
    Row(usize),
    /// The block has enough rows.
    Full,
    Incomplete,
    Trailer,
    /// A row that is no row, from one of its fields on or as a whole.
    Wrong(Error, Option<usize>),
}

fn bad(message: impl Into<String>) -> Error {
    Error::new(SqlState::BAD_COPY_FILE_FORMAT, message)
}

fn word(data: &[u8], at: usize) -> Option<i32> {
    data.get(at..at + 4).map(|b| i32::from_be_bytes([b[0], b[1], b[2], b[3]]))
}

impl BinaryDecoder {
    pub fn new(source: CopySource) -> Result<Self> {
        Ok(Self {
            batches: Batches::new(&source),
            source,
            pending: Pending::default(),
            state: State::Header,
            line: 0,
            before: 0,
            spans: Vec::new(),
        })
    }

    pub fn rows(&self) -> u64 {
        self.batches.total
    }

    pub fn columns(&self) -> usize {
        self.source.columns.len()
    }

    pub fn take(&mut self) -> Option<DecodedBatch> {
        self.batches.take()
    }

    pub fn flush(&mut self) -> Result<()> {
        self.look_at_texts()?;
        self.before = self.line;
        self.batches.flush()
    }

    /// Fails for the first text of the batch that is none.
    fn look_at_texts(&mut self) -> Result<()> {
        match self.batches.unsound() {
            None => Ok(()),
            Some((row, column, error)) => {
                self.line = self.before + row as u64 + 1;
                Err(self.at_field(error, column))
            }
        }
    }

    pub fn feed(&mut self, data: &[u8]) -> Result<()> {
        let mut pending = std::mem::take(&mut self.pending);
        let fed = pending.feed(data, |data| self.read(data));
        self.pending = pending;
        fed?;
        if self.pending.len() > self.source.max_row {
            self.look_at_texts()?;
            let limit = self.source.max_row;
            return Err(self.at_line(Error::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                format!("a row of COPY data is longer than the limit of {limit} bytes"),
            )));
        }
        Ok(())
    }

    pub fn finish(&mut self) -> Result<()> {
        self.finish_rows().or_else(|error| self.look_at_texts().and(Err(error)))
    }

    fn finish_rows(&mut self) -> Result<()> {
        match self.state {
            State::Header => return Err(bad("COPY file signature not recognized")),
            State::Extension(_) => return Err(bad("invalid COPY file header (wrong length)")),
            // PostgreSQL takes a file that ends between rows without its trailer.
            State::Rows if self.pending.is_empty() => {}
            State::Rows => {
                self.line += 1;
                return Err(self.at_line(bad("unexpected EOF in COPY data")));
            }
            State::Ended => {}
        }
        self.flush()
    }

    fn at_line(&self, error: Error) -> Error {
        error.context(format!("COPY {}, line {}", self.source.table, self.line))
    }

    fn read(&mut self, data: &[u8]) -> Result<usize> {
        let mut at = 0;
        loop {
            let rest = &data[at..];
            match self.state {
                State::Header => {
                    let known = rest.len().min(SIGNATURE.len());
                    if rest[..known] != SIGNATURE[..known] {
                        return Err(bad("COPY file signature not recognized"));
                    }
                    let (Some(flags), Some(extension)) = (word(rest, 11), word(rest, 15)) else { return Ok(at) };
                    if flags & (1 << 16) != 0 {
                        return Err(bad("invalid COPY file header (WITH OIDS)"));
                    }
                    if (flags & !(1 << 16)) >> 16 != 0 {
                        return Err(bad("unrecognized critical flags in COPY file header"));
                    }
                    let extension =
                        usize::try_from(extension).map_err(|_| bad("invalid COPY file header (missing length)"))?;
                    at += 19;
                    self.state = State::Extension(extension);
                }
                State::Extension(left) => {
                    let skip = left.min(rest.len());
                    at += skip;
                    if skip < left {
                        self.state = State::Extension(left - skip);
                        return Ok(at);
                    }
                    self.state = State::Rows;
                }
                State::Rows => match self.rows_off(rest)? {
                    0 => return Ok(at),
                    used => at += used,
                },
                State::Ended => {
                    if !rest.is_empty() {
                        self.look_at_texts()?;
                        return Err(self.at_line(bad("received copy data after EOF marker")));
                    }
                    return Ok(at);
                }
            }
        }
    }

    /// Whole rows off the front, a block of them; gives the bytes that they took, 0 if none is there as a whole.
    fn rows_off(&mut self, data: &[u8]) -> Result<usize> {
        let mut spans = std::mem::take(&mut self.spans);
        spans.clear();
        let room = BLOCK_ROWS.min(BATCH_ROWS - self.batches.rows());
        let (mut end, mut rows) = (0, 0);
        let stopped = loop {
            if rows == room || end > BLOCK_BYTES {
                break Stop::Full;
            }
            match self.row(&data[end..], end, &mut spans) {
                Stop::Row(used) => (end, rows) = (end + used, rows + 1),
                stopped => break stopped,
            }
        };
        let done = self.decode(data, &spans, rows);
        self.spans = spans;
        done?;
        self.line += rows as u64;
        if self.batches.add_rows(rows, end) {
            self.flush()?;
        }
        match stopped {
            Stop::Row(_) | Stop::Full | Stop::Incomplete => Ok(end),
            Stop::Trailer => {
                self.line += 1;
                self.state = State::Ended;
                Ok(end + 2)
            }
            Stop::Wrong(error, None) => {
                self.look_at_texts()?;
                self.line += 1;
                Err(self.at_line(error))
            }
            Stop::Wrong(error, Some(column)) => {
                self.line += 1;
                // The fields before it come first.
                let fields = Fields { data, spans: &self.spans, columns: self.source.columns.len(), column: 0 };
                for i in 0..column {
                    let Some(field) = (Fields { column: i, ..fields }).get(rows) else { continue };
                    let pushed = self.batches.column(i).push_binary(field, self.source.types.as_ref());
                    if let Err(error) = pushed {
                        return self.look_at_texts().and(Err(self.at_field(error, i)));
                    }
                }
                self.look_at_texts().and(Err(self.at_field(error, column)))
            }
        }
    }

    /// Finds the fields of a row, which begins at `start` of its block's data.
    fn row(&self, data: &[u8], start: usize, spans: &mut Vec<Span>) -> Stop {
        let Some(count) = data.get(..2).map(|b| i16::from_be_bytes([b[0], b[1]])) else { return Stop::Incomplete };
        if count == -1 {
            return Stop::Trailer;
        }
        let expected = self.source.columns.len();
        if usize::try_from(count) != Ok(expected) {
            return Stop::Wrong(bad(format!("row field count is {count}, expected {expected}")), None);
        }
        let (mut end, known) = (2, spans.len());
        for i in 0..expected {
            let Some(length) = word(data, end) else {
                spans.truncate(known);
                return Stop::Incomplete;
            };
            end += 4;
            if length < -1 {
                return Stop::Wrong(bad("invalid field size"), Some(i));
            }
            let length = usize::try_from(length).ok();
            if length.is_some_and(|length| length > self.source.max_row) {
                let error = Error::new(
                    SqlState::PROGRAM_LIMIT_EXCEEDED,
                    format!("a row of COPY data is longer than the limit of {} bytes", self.source.max_row),
                );
                return Stop::Wrong(error, Some(i));
            }
            spans.push(Span { start: start + end, length });
            end += length.unwrap_or(0);
            if end > data.len() {
                spans.truncate(known);
                return Stop::Incomplete;
            }
        }
        Stop::Row(end)
    }

    /// Puts a block of rows into the columns, one column after the other.
    fn decode(&mut self, data: &[u8], spans: &[Span], rows: usize) -> Result<()> {
        let columns = self.source.columns.len();
        let before = self.batches.rows();
        let (mut good, mut first) = (rows, None);
        for column in 0..columns {
            let fields = Fields { data, spans, columns, column };
            let pushed = self.batches.column(column).push_all_binary(fields, good, self.source.types.as_ref());
            if let Err((row, error)) = pushed {
                // Of the columns behind it only the rows before count.
                good = row;
                first = Some((before + row, column, error));
            }
        }
        let Some((row, column, error)) = first else { return Ok(()) };
        let text = self.batches.unsound().filter(|text| (text.0, text.1) < (row, column));
        let (row, column, error) = text.unwrap_or((row, column, error));
        self.line = self.before + row as u64 + 1;
        Err(self.at_field(error, column))
    }

    fn at_field(&self, error: Error, column: usize) -> Error {
        let name = &self.source.columns[column].name;
        error.context(format!("COPY {}, line {}, column {name}", self.source.table, self.line))
    }
}
