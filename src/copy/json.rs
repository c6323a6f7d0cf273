//! COPY FROM in json: an object a line, its members matched to columns by name.
//!
//! A member's value goes through its column's input function, as `json_populate_record` does it: a string by its characters,
//! anything else by its JSON text, an array of an array column as that type's literal. A column whose member is absent takes
//! its default, `null` is NULL, a member that is no column is an error.

use std::collections::HashMap;
use std::sync::Arc;

use memchr::memchr;

use super::batches::Batches;
use super::lines::first_invalid;
use super::skips::{Rejected, Skips, Wrong};
use super::{CopySource, DecodedBatch, shown};
use crate::error::{Error, Result, SqlState};
use crate::tree::CopyOptions;
use crate::types::text::array::put_element;
use crate::types::text::json::tree::{self, Json, Node};
use crate::types::text::{Input, is_space};
use crate::types::{base_type, binary, oid};

pub(super) struct JsonDecoder {
    source: CopySource,
    /// The columns by name, and how each reads a value.
    places: HashMap<Arc<str>, usize>,
    readers: Vec<Reader>,
    batches: Batches,
    skips: Skips,
    /// The part of a line that has come so far.
    pending: Vec<u8>,
    line: u64,
    ended: bool,
}

/// What of a value a column's input function is given.
#[derive(Debug, Clone, Copy)]
struct Reader {
    /// It has a default.
    default: bool,
    /// It is json or jsonb, or an array of those: strings stay JSON.
    json: bool,
    array: bool,
}

impl JsonDecoder {
    pub fn new(options: &CopyOptions, source: CopySource) -> Self {
        let defaults = options.default.as_ref().map_or(&[] as &[usize], |default| &default.columns);
        let reader = |(place, column): (usize, &super::CopyColumn)| {
            let ty = base_type(column.ty, source.types.as_ref()).oid;
            Reader {
                default: defaults.contains(&place),
                json: matches!(ty, oid::JSON | oid::JSONB | oid::JSON_ARRAY | oid::JSONB_ARRAY),
                array: column.phys.array_element().is_some(),
            }
        };
        Self {
            places: source.columns.iter().enumerate().map(|(place, c)| (Arc::clone(&c.name), place)).collect(),
            readers: source.columns.iter().enumerate().map(reader).collect(),
            batches: Batches::new(&source),
            skips: Skips::new(options),
            pending: Vec::new(),
            line: 0,
            ended: false,
            source,
        }
    }

    pub fn rows(&self) -> u64 {
        self.batches.total
    }

    pub fn skipped(&self) -> u64 {
        self.skips.skipped
    }

    pub fn notices(&mut self) -> Vec<String> {
        self.skips.notices()
    }

    pub fn rejected(&mut self) -> Vec<Rejected> {
        self.skips.rejected()
    }

    pub fn columns(&self) -> usize {
        self.source.columns.len()
    }

    pub fn take(&mut self) -> Option<DecodedBatch> {
        self.batches.take()
    }

    pub fn flush(&mut self) -> Result<()> {
        self.batches.flush()
    }

    pub fn feed(&mut self, mut data: &[u8]) -> Result<()> {
        while let Some(end) = memchr(b'\n', data) {
            let (line, rest) = (&data[..end], &data[end + 1..]);
            if self.pending.is_empty() {
                self.row(line)?;
            } else {
                let mut pending = std::mem::take(&mut self.pending);
                pending.extend_from_slice(line);
                self.row(&pending)?;
                pending.clear();
                self.pending = pending;
            }
            data = rest;
        }
        self.pending.extend_from_slice(data);
        if self.pending.len() > self.source.max_row { Err(self.too_long()) } else { Ok(()) }
    }

    pub fn finish(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        if !pending.is_empty() {
            self.row(&pending)?;
        }
        self.batches.flush()
    }

    fn too_long(&self) -> Error {
        let limit = self.source.max_row;
        let message = format!("a row of COPY data is longer than the limit of {limit} bytes");
        self.in_next_line(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message))
    }

    pub fn in_next_line(&self, error: Error) -> Error {
        error.context(format!("COPY {}, line {}", self.source.table, self.line + 1))
    }

    fn row(&mut self, line: &[u8]) -> Result<()> {
        if self.ended {
            return Ok(());
        }
        if line.len() > self.source.max_row {
            return Err(self.too_long());
        }
        if let Some(at) = first_invalid(line) {
            let error = binary::text(&line[at..]).err().unwrap_or_else(|| Error::internal("encoding"));
            return Err(self.in_next_line(error));
        }
        let text = std::str::from_utf8(line).map_err(Error::internal)?.trim_matches(is_space);
        self.line += 1;
        // As in text: psql before 18 sends the marker with the data of a script.
        self.ended |= text == "\\.";
        if text.is_empty() || self.ended {
            return Ok(());
        }
        match self.object(text) {
            Ok(None) => self.batches.end_row(line.len()),
            Ok(Some(wrong)) => {
                let name = Arc::clone(&self.source.columns[wrong.column].name);
                self.skips.skip(wrong, self.line, &name, &self.source.table)?;
                self.batches.reject_row(line.len())
            }
            Err(JsonError::Line(error)) => {
                Err(error.context(format!("COPY {}, line {}: \"{}\"", self.source.table, self.line, shown(line))))
            }
            Err(JsonError::Field(Wrong { column, field, error })) => {
                let name = &self.source.columns[column].name;
                let place = format!("COPY {}, line {}, column {name}", self.source.table, self.line);
                Err(error.context(format!("{place}: \"{}\"", shown(field.as_bytes()))))
            }
        }
    }

    /// Reads an object's members; where errors are ignored, a row with a wrong one is filled up with NULLs.
    fn object(&mut self, text: &str) -> Result<Option<Wrong>, JsonError> {
        let node = tree::parse(text).map_err(JsonError::Line)?;
        let bad = |message: String| JsonError::Line(Error::new(SqlState::BAD_COPY_FILE_FORMAT, message));
        let Json::Object(members) = &node.value else {
            return Err(bad(format!("a line of COPY data is a JSON {}, not an object", node.type_name())));
        };
        if node.text.len() != text.len() {
            return Err(bad("extra data after a line's JSON object".to_owned()));
        }
        let mut values: Vec<Option<&Node<'_>>> = vec![None; self.readers.len()];
        for (name, value) in members {
            let Some(place) = self.places.get(name.as_str()) else {
                let message = format!(
                    "column \"{name}\" is not among those of relation \"{}\" that are copied",
                    self.source.table
                );
                return Err(JsonError::Line(Error::new(SqlState::UNDEFINED_COLUMN, message)));
            };
            values[*place] = Some(value);
        }
        let source = &self.source;
        let input = Input { settings: &source.settings, types: source.types.as_ref(), now: source.now };
        let mut wrong = None;
        for (place, value) in values.into_iter().enumerate() {
            let (column, reader) = (self.batches.column(place), self.readers[place]);
            match value {
                _ if wrong.is_some() => column.push_null(),
                None if reader.default => column.push_default(),
                None => column.push_null(),
                Some(Node { value: Json::Null, .. }) => column.push_null(),
                Some(node) => {
                    let field = field(node, reader);
                    if let Err(error) = column.push_text(&field, &input) {
                        let fault = Wrong { column: place, field, error };
                        if !self.skips.skips(&fault.error) {
                            return Err(JsonError::Field(fault));
                        }
                        wrong = Some(fault);
                        column.push_null();
                    }
                }
            }
        }
        Ok(wrong)
    }
}

enum JsonError {
    /// The whole line is at fault.
    Line(Error),
    Field(Wrong),
}

/// What the input function is given.
fn field(node: &Node<'_>, reader: Reader) -> String {
    if reader.array && matches!(node.value, Json::Array(_)) {
        let mut out = Vec::new();
        array_literal(node, reader.json, &mut out);
        return String::from_utf8_lossy(&out).into_owned();
    }
    if reader.json && !reader.array { node.text.to_owned() } else { node.as_text().unwrap_or_default() }
}

/// `[[1,null],["a b"]]` → `{{1,NULL},{"a b"}}`. (An array of json keeps each element's text.)
fn array_literal(node: &Node<'_>, json: bool, out: &mut Vec<u8>) {
    let Json::Array(items) = &node.value else { return };
    out.push(b'{');
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        match &item.value {
            Json::Null => out.extend_from_slice(b"NULL"),
            Json::Array(_) if !json => array_literal(item, json, out),
            Json::String(text) if !json => put_element(out, text.as_bytes()),
            Json::Bool(_) | Json::Number | Json::String(_) | Json::Array(_) | Json::Object(_) => {
                put_element(out, item.text.as_bytes());
            }
        }
    }
    out.push(b'}');
}
