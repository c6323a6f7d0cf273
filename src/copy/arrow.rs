//! COPY FROM in Arrow: the messages of an IPC stream, and its batches as the table's columns. What becomes of which type
//! says `docs/decisions/copy-arrow.md`.
//!
//! A message's lengths are checked before anything is kept for it, and what is kept grows with what has come.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::buffer::Buffer;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::{self, MessageHeader};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::arrow_compressed::{expand, most_buffers};
use super::convert::{Fault, Way, convert};
use super::spare::{Room, Spare};
use super::{CopySource, DecodedBatch, shown};
use crate::error::{Error, Result, SqlState};
use crate::types::text::Input;

/// Rows that are handed on at once.
const ROWS: usize = 1 << 16;
/// Rows that a batch may have beyond the number of its bytes: those of a column of nulls take none.
const FREE_ROWS: usize = 1 << 20;
/// Bytes that are made room for at once, before they have come, if no part had more.
const ROOM: usize = 8 << 20;
/// Buffers of so many bytes are used again.
const USED_AGAIN: usize = 64 << 10;
/// Bytes of a message's description.
const MOST_HEADER: usize = 16 << 20;
const CONTINUATION: [u8; 4] = [0xff; 4];

pub(super) struct ArrowDecoder {
    source: CopySource,
    what: &'static str,
    state: State,
    /// What has come of the part that is being read.
    piece: Vec<u8>,
    spare: Arc<Spare>,
    /// Bytes of the longest that has come: room for as many is made at once.
    longest: usize,
    /// The description of the message whose body is being read.
    header: Buffer,
    schema: Option<SchemaRef>,
    dictionaries: HashMap<i64, ArrayRef>,
    dictionary_bytes: HashMap<i64, usize>,
    /// The source's columns that the stream brings, by their places in the source: which of the stream's they are, and how
    /// they become the source's.
    columns: Vec<(usize, usize, Way)>,
    /// Batches that have come, and how far the first of them is handed on.
    batches: VecDeque<RecordBatch>,
    taken: usize,
    /// How many rows of it are handed on at once.
    rows_at_once: usize,
    rows: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The first word of a message: a marker, or in old streams its length.
    Marker,
    Length,
    /// The description, of so many bytes.
    Header(usize),
    Body(usize),
    Ended,
}

pub(super) fn bad(message: impl std::fmt::Display) -> Error {
    Error::new(SqlState::BAD_COPY_FILE_FORMAT, format!("invalid Arrow stream: {message}"))
}

/// Arrow's own reader may panic on what no writer writes.
fn read<T>(read: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(bad("a message contradicts itself")))
}

impl ArrowDecoder {
    /// `what` names the data in messages.
    pub fn new(source: CopySource, what: &'static str) -> Self {
        Self {
            source,
            what,
            state: State::Marker,
            piece: Vec::new(),
            spare: Arc::new(Spare::default()),
            longest: 0,
            header: Buffer::from(Vec::<u8>::new()),
            schema: None,
            dictionaries: HashMap::new(),
            dictionary_bytes: HashMap::new(),
            columns: Vec::new(),
            batches: VecDeque::new(),
            rows_at_once: ROWS,
            taken: 0,
            rows: 0,
        }
    }

    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Which of the source's columns the stream brings, in the source's order, once its schema has come.
    pub fn present(&self) -> Option<Vec<usize>> {
        self.schema.as_ref().map(|_| self.columns.iter().map(|(place, _, _)| *place).collect())
    }

    pub fn feed(&mut self, mut data: &[u8]) -> Result<()> {
        while !data.is_empty() {
            data = self.room().put(data);
            self.placed()?;
        }
        Ok(())
    }

    /// Bytes of the part that is being read.
    fn wanted(&self) -> usize {
        match self.state {
            State::Marker | State::Length => 4,
            State::Header(length) | State::Body(length) => length,
            // One too many.
            State::Ended => 1,
        }
    }

    /// Where to put what comes next; then [`Self::placed`].
    pub fn room(&mut self) -> Room<'_> {
        let (wanted, len) = (self.wanted(), self.piece.len());
        if self.piece.capacity() == len {
            let room = wanted.min(ROOM.max(self.longest).max(2 * len));
            if room < USED_AGAIN {
                self.piece.reserve_exact(room - len);
            } else {
                // The next may be a little longer.
                let mut piece = self.spare.take(wanted.min(room + room / 8));
                piece.extend_from_slice(&self.piece);
                self.piece = piece;
            }
        }
        Room { most: wanted.min(self.piece.capacity()) - len, out: &mut self.piece }
    }

    /// Something was put into the room.
    pub fn placed(&mut self) -> Result<()> {
        if self.state == State::Ended && !self.piece.is_empty() {
            return Err(bad("there is data after its end"));
        }
        if self.piece.len() == self.wanted() {
            self.longest = self.longest.max(self.piece.len());
            let piece = std::mem::take(&mut self.piece);
            let used_again = piece.capacity() >= USED_AGAIN;
            let piece = if used_again { self.spare.lend(piece).into() } else { Buffer::from_vec(piece) };
            self.state = self.step(piece)?;
        }
        Ok(())
    }

    pub fn finish(&mut self) -> Result<()> {
        // A stream may end without saying so, but not within a message.
        let whole = self.state == State::Ended || self.state == State::Marker && self.piece.is_empty();
        if self.schema.is_none() || !whole {
            return Err(bad("it ends too early"));
        }
        Ok(())
    }

    /// A part of a message is complete.
    fn step(&mut self, piece: Buffer) -> Result<State> {
        let length = |piece: &Buffer| <[u8; 4]>::try_from(piece.as_slice()).map_or(0, u32::from_le_bytes) as usize;
        let header = |length: usize| match length {
            0 => Ok(State::Ended),
            _ if length > MOST_HEADER => {
                Err(bad(format!("a message's description is longer than {MOST_HEADER} bytes")))
            }
            _ => Ok(State::Header(length)),
        };
        match self.state {
            State::Marker if piece.as_slice() == CONTINUATION => Ok(State::Length),
            State::Marker | State::Length => header(length(&piece)),
            State::Header(_) => {
                let body = self.check_header(&piece)?;
                self.header = piece;
                if body > 0 { Ok(State::Body(body)) } else { self.message(&Buffer::from(Vec::<u8>::new())) }
            }
            State::Body(_) => self.message(&piece),
            State::Ended => Ok(State::Ended),
        }
    }

    /// Checks what a message says of itself; gives the length of its body.
    fn check_header(&mut self, header: &Buffer) -> Result<usize> {
        let message = ipc::root_as_message(header).map_err(bad)?;
        let most = self.source.max_row;
        let body = usize::try_from(message.bodyLength()).map_err(|_| bad("a message of negative length"))?;
        if body > most {
            return Err(Error::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                format!("a batch of COPY data has {body} bytes, the limit is {most}"),
            )
            .hint("Write smaller batches, or raise limits.copy_line."));
        }
        if let Some(dictionary) = message.header_as_dictionary_batch() {
            self.count_dictionary(dictionary.id(), body)?;
        }
        Ok(body)
    }

    /// Checks how many rows a message says that there are.
    fn check_rows(message: &ipc::Message<'_>, body: usize) -> Result<()> {
        let dictionary = message.header_as_dictionary_batch();
        let batch = message.header_as_record_batch().or_else(|| dictionary.and_then(|d| d.data()));
        let Some(batch) = batch else { return Ok(()) };
        let nodes = batch.nodes().into_iter().flatten().map(ipc::FieldNode::length);
        let rows = usize::try_from(nodes.chain([batch.length()]).max().unwrap_or(0));
        if rows.is_err() || rows.is_ok_and(|rows| rows > body.saturating_add(FREE_ROWS)) {
            return Err(bad("a batch has more rows than bytes"));
        }
        Ok(())
    }

    fn count_dictionary(&mut self, id: i64, bytes: usize) -> Result<()> {
        let most = self.source.max_row;
        self.dictionary_bytes.insert(id, bytes);
        if self.dictionary_bytes.values().sum::<usize>() > most {
            let message = format!("the dictionaries of COPY data have more than {most} bytes");
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
        }
        Ok(())
    }

    /// A message is complete.
    fn message(&mut self, body: &Buffer) -> Result<State> {
        let header = std::mem::take(&mut self.header);
        let buffers = self.schema.as_ref().map_or(0, |schema| most_buffers(schema));
        let plain = read(|| expand(&header, body, buffers, self.source.max_row))?;
        let (header, body) = plain.as_ref().map_or((&header, body), |(header, body)| (header, body));
        let message = ipc::root_as_message(header).map_err(bad)?;
        Self::check_rows(&message, body.len())?;
        match message.header_type() {
            MessageHeader::Schema => {
                if self.schema.is_some() {
                    return Err(bad("a second schema"));
                }
                let schema = message.header_as_schema().ok_or_else(|| bad("no schema"))?;
                let schema = read(|| Ok(ipc::convert::fb_to_schema(schema)))?;
                self.columns = self.match_columns(&schema)?;
                self.schema = Some(Arc::new(schema));
            }
            MessageHeader::DictionaryBatch => {
                let dictionary = message.header_as_dictionary_batch().ok_or_else(|| bad("no dictionary"))?;
                let schema = self.schema.clone().ok_or_else(|| bad("a dictionary before the schema"))?;
                self.count_dictionary(dictionary.id(), body.len())?;
                let dictionaries = &mut self.dictionaries;
                read(|| {
                    ipc::reader::read_dictionary(body, dictionary, &schema, dictionaries, &message.version())
                        .map_err(bad)
                })?;
            }
            MessageHeader::RecordBatch => {
                let batch = message.header_as_record_batch().ok_or_else(|| bad("no batch"))?;
                let schema = self.schema.clone().ok_or_else(|| bad("a batch before the schema"))?;
                let dictionaries = &self.dictionaries;
                let batch = read(|| {
                    ipc::reader::read_record_batch(body, batch, schema, dictionaries, None, &message.version())
                        .map_err(bad)
                })?;
                if batch.num_rows() > 0 {
                    self.batches.push_back(batch);
                }
            }
            MessageHeader::NONE => {}
            other => return Err(bad(format!("a message that is no batch: {other:?}"))),
        }
        Ok(State::Marker)
    }

    /// Which of the stream's columns is which of the table's, by name.
    fn match_columns(&self, schema: &Schema) -> Result<Vec<(usize, usize, Way)>> {
        let table = &self.source.table;
        let mut columns: Vec<(usize, usize, Way)> = Vec::with_capacity(schema.fields().len());
        for (at, field) in schema.fields().iter().enumerate() {
            let name = field.name();
            let Some(place) = self.source.columns.iter().position(|c| *c.name == **name) else {
                let message = format!(
                    "column \"{name}\" of the {} data is not among those of relation \"{table}\" that are copied",
                    self.what
                );
                return Err(Error::new(SqlState::UNDEFINED_COLUMN, message)
                    .hint("Columns are matched by name. Rename it, or leave it out of the data."));
            };
            if columns.iter().any(|(known, _, _)| *known == place) {
                let message = format!("column \"{name}\" is in the {} data more than once", self.what);
                return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
            }
            let target = &self.source.columns[place];
            let way = Way::between(field.data_type(), target, self.source.types.as_ref()).ok_or_else(|| {
                let ty = crate::types::name::format_type(target.ty, self.source.types.as_ref());
                let message =
                    format!("column \"{name}\" is of type {ty} but the {} data has {}", self.what, field.data_type());
                Error::new(SqlState::DATATYPE_MISMATCH, message).hint("You will need to cast the data.")
            })?;
            columns.push((place, at, way));
        }
        if columns.is_empty() {
            return Err(bad("it has no columns"));
        }
        columns.sort_by_key(|(place, _, _)| *place);
        Ok(columns)
    }

    /// The next rows, as the table's columns have them.
    pub fn take(&mut self) -> Result<Option<DecodedBatch>> {
        let Some(batch) = self.batches.front() else { return Ok(None) };
        let mut rows = (batch.num_rows() - self.taken).min(self.rows_at_once);
        let decoded = loop {
            match self.converted(&batch.slice(self.taken, rows)) {
                Ok(decoded) => break decoded,
                // What is said once for many rows (a dictionary, views, runs) comes to more than should be in memory at once.
                Err((fault, _)) if fault.error.code() == SqlState::PROGRAM_LIMIT_EXCEEDED && rows > 1 => {
                    rows /= 2;
                    self.rows_at_once = rows;
                }
                Err((fault, column)) => return Err(self.at_row(fault, &column)),
            }
        };
        self.rows += rows as u64;
        self.taken += rows;
        if self.taken == batch.num_rows() {
            self.batches.pop_front();
            (self.taken, self.rows_at_once) = (0, ROWS);
        }
        let defaults = vec![None; self.columns.len()];
        Ok(Some(DecodedBatch { batch: decoded, defaults }))
    }

    /// Rows of the stream's as the table's columns have them; a fault comes with its column.
    fn converted(&self, rows: &RecordBatch) -> Result<RecordBatch, (Fault, Arc<str>)> {
        let input = Input { settings: &self.source.settings, types: self.source.types.as_ref(), now: self.source.now };
        let mut arrays = Vec::with_capacity(self.columns.len());
        let mut fields = Vec::with_capacity(self.columns.len());
        for (place, at, way) in &self.columns {
            let target = &self.source.columns[*place];
            let array = convert(rows.column(*at), way, target, &input).map_err(|fault| (fault, target.name.clone()))?;
            fields.push(arrow::datatypes::Field::new(target.name.as_ref(), target.phys.arrow(), true));
            arrays.push(array);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
            .map_err(|error| (Fault::internal(error), "".into()))
    }

    fn at_row(&self, fault: Fault, column: &str) -> Error {
        let Fault { row, value, error } = fault;
        let line = self.rows + row as u64 + 1;
        let value = value.map_or_else(String::new, |value| format!(": \"{}\"", shown(value.as_bytes())));
        error.context(format!("COPY {}, line {line}, column {column}{value}", self.source.table))
    }
}
