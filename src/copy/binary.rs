//! COPY FROM in binary: signature, rows of counted fields, trailer.

use super::batches::Batches;
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
}

pub(super) struct BinaryDecoder {
    source: CopySource,
    batches: Batches,
    pending: Pending,
    state: State,
    line: u64,
    /// The line before the batch's first.
    before: u64,
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
        if let Err(error) = fed {
            // A text before it may be wrong too: it comes first.
            return self.look_at_texts().and(Err(error));
        }
        if self.pending.len() > self.source.max_row {
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
                State::Rows => match self.row(rest)? {
                    Some(used) => at += used,
                    None => return Ok(at),
                },
                State::Ended => {
                    if !rest.is_empty() {
                        return Err(self.at_line(bad("received copy data after EOF marker")));
                    }
                    return Ok(at);
                }
            }
        }
    }

    /// One row off the front, if it is there as a whole; gives the bytes that it took.
    fn row(&mut self, data: &[u8]) -> Result<Option<usize>> {
        let Some(count) = data.get(..2).map(|b| i16::from_be_bytes([b[0], b[1]])) else { return Ok(None) };
        if count == -1 {
            self.line += 1;
            self.state = State::Ended;
            return Ok(Some(2));
        }
        let expected = self.source.columns.len();
        if usize::try_from(count) != Ok(expected) {
            self.line += 1;
            let message = format!("row field count is {count}, expected {expected}");
            return Err(self.at_line(bad(message)));
        }
        // First see that all is there, so that nothing is appended twice.
        let mut end = 2;
        for i in 0..expected {
            let Some(length) = word(data, end) else { return Ok(None) };
            end += 4;
            let most = self.source.max_row;
            let wrong = match usize::try_from(length) {
                Err(_) if length < -1 => Some(bad("invalid field size")),
                Ok(length) if length > most => Some(Error::new(
                    SqlState::PROGRAM_LIMIT_EXCEEDED,
                    format!("a row of COPY data is longer than the limit of {most} bytes"),
                )),
                Ok(_) | Err(_) => None,
            };
            if let Some(error) = wrong {
                self.line += 1;
                // The fields before it come first.
                self.fields(data, i)?;
                return Err(self.at_field(error, i));
            }
            end += usize::try_from(length).unwrap_or(0);
            if end > data.len() {
                return Ok(None);
            }
        }
        self.line += 1;
        self.fields(data, expected)?;
        if self.batches.add_row(end) {
            self.flush()?;
        }
        Ok(Some(end))
    }

    /// Appends the first fields of a row, which are there as a whole.
    fn fields(&mut self, data: &[u8], count: usize) -> Result<()> {
        let mut at = 2;
        for i in 0..count {
            let length = word(data, at).unwrap_or(-1);
            at += 4;
            let Ok(length) = usize::try_from(length) else {
                self.batches.column(i).push_null();
                continue;
            };
            let field = &data[at..at + length];
            at += length;
            if let Err(error) = self.batches.column(i).push_binary(field, self.source.types.as_ref()) {
                return Err(self.at_field(error, i));
            }
        }
        Ok(())
    }

    fn at_field(&self, error: Error, column: usize) -> Error {
        let name = &self.source.columns[column].name;
        error.context(format!("COPY {}, line {}, column {name}", self.source.table, self.line))
    }
}
