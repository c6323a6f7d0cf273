//! COPY FROM in text and csv: rows into fields, fields into columns.

use memchr::memchr;

use super::batches::Batches;
use super::lines::{Found, LineFinder, first_invalid};
use super::pending::Pending;
use super::skips::{Rejected, Skips, Wrong};
use super::{CopySource, DecodedBatch, shown};
use crate::error::{Error, Result, SqlState};
use crate::tree::{CopyFormat, CopyHeader, CopyOptions};
use crate::types::binary;
use crate::types::text::Input;

pub(super) struct LineDecoder {
    fields: FieldReader,
    finder: LineFinder,
    batches: Batches,
    /// The part of a row that has come so far.
    pending: Pending,
    header: CopyHeader,
    line: u64,
    ended: bool,
    skips: Skips,
}

impl LineDecoder {
    pub fn new(options: CopyOptions, source: CopySource) -> Result<Self> {
        let csv = options.format == CopyFormat::Csv;
        Ok(Self {
            finder: LineFinder::new(csv, options.quote, options.escape),
            batches: Batches::new(&source),
            pending: Pending::default(),
            header: options.header,
            line: 0,
            ended: false,
            skips: Skips::new(&options),
            fields: FieldReader::new(options, source),
        })
    }

    pub fn rows(&self) -> u64 {
        self.batches.total
    }

    /// Rows that were skipped so far.
    pub fn skipped(&self) -> u64 {
        self.skips.skipped
    }

    /// What there is to say of the rows that were skipped since the last call.
    pub fn notices(&mut self) -> Vec<String> {
        self.skips.notices()
    }

    /// The rows that were skipped since the last call, if they are wanted.
    pub fn rejected(&mut self) -> Vec<Rejected> {
        self.skips.rejected()
    }

    pub fn columns(&self) -> usize {
        self.fields.source.columns.len()
    }

    pub fn take(&mut self) -> Option<DecodedBatch> {
        self.batches.take()
    }

    pub fn flush(&mut self) -> Result<()> {
        self.batches.flush()
    }

    pub fn feed(&mut self, data: &[u8]) -> Result<()> {
        if self.ended {
            return Ok(());
        }
        let mut pending = std::mem::take(&mut self.pending);
        let fed = pending.feed(data, |data| self.read(data, false));
        self.pending = pending;
        fed?;
        if self.pending.len() > self.fields.source.max_row {
            return Err(self.too_long());
        }
        Ok(())
    }

    pub fn finish(&mut self) -> Result<()> {
        let pending = self.pending.take();
        if !self.ended && !pending.is_empty() {
            let used = self.read(&pending, true)?;
            if !self.ended && used < pending.len() {
                // The last row may lack its newline.
                if self.finder.unterminated() {
                    self.line += 1;
                    let error = Error::new(SqlState::BAD_COPY_FILE_FORMAT, "unterminated CSV quoted field");
                    return Err(self.line_error(error, &pending[used..]));
                }
                self.row(&pending[used..])?;
            }
        }
        self.batches.flush()
    }

    /// Reads whole rows off the front; gives how many bytes they took.
    fn read(&mut self, data: &[u8], last: bool) -> Result<usize> {
        if self.ended {
            return Ok(data.len());
        }
        let mut at = 0;
        while at < data.len() && !self.ended {
            match self.finder.find(&data[at..], last) {
                Ok(Found::Incomplete) => break,
                Ok(Found::Row { end, next }) => {
                    self.row(&data[at..at + end])?;
                    at += next;
                }
                Ok(Found::Marker { end }) => {
                    self.ended = true;
                    if end > 0 {
                        self.row(&data[at..at + end])?;
                    }
                    return Ok(data.len());
                }
                Err(error) => {
                    self.line += 1;
                    return Err(self.bare_error(error));
                }
            }
        }
        Ok(at)
    }

    fn too_long(&self) -> Error {
        let limit = self.fields.source.max_row;
        let error = Error::new(
            SqlState::PROGRAM_LIMIT_EXCEEDED,
            format!("a row of COPY data is longer than the limit of {limit} bytes"),
        );
        error.context(format!("COPY {}, line {}", self.fields.source.table, self.line + 1))
    }

    /// An error in the data that comes next.
    pub fn in_next_line(&self, error: Error) -> Error {
        error.context(format!("COPY {}, line {}", self.fields.source.table, self.line + 1))
    }

    fn bare_error(&self, error: Error) -> Error {
        error.context(format!("COPY {}, line {}", self.fields.source.table, self.line))
    }

    fn line_error(&self, error: Error, line: &[u8]) -> Error {
        error.context(format!("COPY {}, line {}: \"{}\"", self.fields.source.table, self.line, shown(line)))
    }

    fn row(&mut self, line: &[u8]) -> Result<()> {
        self.line += 1 + std::mem::take(&mut self.finder.inner_lines);
        if line.len() > self.fields.source.max_row {
            self.line -= 1;
            return Err(self.too_long());
        }
        let text = match std::str::from_utf8(line) {
            Ok(text) if memchr(0, line).is_none() => text,
            Ok(_) | Err(_) => {
                let at = first_invalid(line).unwrap_or_default();
                let error = binary::text(&line[at..]).err().unwrap_or_else(|| Error::internal("encoding"));
                return Err(self.bare_error(error));
            }
        };
        let escaped = self.finder.backslash;
        match std::mem::replace(&mut self.header, CopyHeader::No) {
            CopyHeader::No => {}
            CopyHeader::Yes => return Ok(()),
            CopyHeader::Match => return self.fields.match_header(text).map_err(|e| self.line_error(e, line)),
        }
        match self.fields.read(text, escaped, &mut self.batches, &self.skips) {
            Ok(None) => self.batches.end_row(line.len()),
            Ok(Some(wrong)) => {
                let name = &self.fields.source.columns[wrong.column].name;
                self.skips.skip(wrong, self.line, name, &self.fields.source.table)?;
                self.batches.reject_row(line.len())
            }
            Err(RowError::Line(error)) => Err(self.line_error(error, line)),
            Err(RowError::Field(error, column, field)) => {
                let name = &self.fields.source.columns[column].name;
                let place = format!("COPY {}, line {}, column {name}", self.fields.source.table, self.line);
                // An input function's own context (json's) comes first.
                let inner = error.report().context.clone().map(|c| c + "\n").unwrap_or_default();
                Err(error.context(format!("{inner}{place}: \"{}\"", shown(field.as_bytes()))))
            }
        }
    }
}

enum RowError {
    /// The whole row is at fault.
    Line(Error),
    /// One column's field is at fault.
    Field(Error, usize, String),
}

/// Cuts rows into fields.
struct FieldReader {
    options: CopyOptions,
    source: CopySource,
    force_not_null: Vec<bool>,
    force_null: Vec<bool>,
    scratch: Vec<u8>,
}

/// A field as it was written.
enum Raw<'a> {
    Null,
    Default,
    Text(&'a str),
}

fn format_error(message: impl Into<String>) -> Error {
    Error::new(SqlState::BAD_COPY_FILE_FORMAT, message)
}

impl FieldReader {
    fn new(options: CopyOptions, source: CopySource) -> Self {
        let flags = |list: &[usize]| (0..source.columns.len()).map(|i| list.contains(&i)).collect();
        Self {
            force_not_null: flags(&options.force_not_null),
            force_null: flags(&options.force_null),
            options,
            source,
            scratch: Vec::new(),
        }
    }

    /// Reads a row; where errors are ignored, one with a wrong field is filled up with NULLs.
    fn read(
        &mut self,
        line: &str,
        escaped: bool,
        batches: &mut Batches,
        skips: &Skips,
    ) -> Result<Option<Wrong>, RowError> {
        let mut wrong: Option<Wrong> = None;
        let count = self.source.columns.len();
        let source = &self.source;
        let defaults = self.options.default.as_ref().map_or(&[] as &[usize], |default| &default.columns);
        let input = Input { settings: &source.settings, types: source.types.as_ref(), now: source.now };
        let mut put = |i: usize, raw: Raw<'_>| -> Result<(), RowError> {
            if i >= count {
                return Err(RowError::Line(format_error("extra data after last expected column")));
            }
            match raw {
                _ if wrong.is_some() => batches.column(i).push_null(),
                Raw::Null => batches.column(i).push_null(),
                Raw::Default if defaults.contains(&i) => batches.column(i).push_default(),
                Raw::Default => {
                    let name = &source.columns[i].name;
                    let error = format_error("unexpected default marker in COPY data");
                    return Err(RowError::Line(error.detail(format!("Column \"{name}\" has no default value."))));
                }
                Raw::Text(text) => match batches.column(i).push_text(text, &input) {
                    Ok(()) => {}
                    Err(error) if skips.skips(&error) => {
                        wrong = Some(Wrong { column: i, field: text.to_owned(), error });
                        batches.column(i).push_null();
                    }
                    Err(error) => return Err(RowError::Field(error, i, text.to_owned())),
                },
            }
            Ok(())
        };
        if count == 0 {
            return if line.is_empty() {
                Ok(None)
            } else {
                Err(RowError::Line(format_error("extra data after last expected column")))
            };
        }
        let fields = match self.options.format {
            CopyFormat::Csv => {
                csv_fields(line, &self.options, &self.force_not_null, &self.force_null, &mut self.scratch, &mut put)?
            }
            CopyFormat::Text | CopyFormat::Binary | CopyFormat::Arrow | CopyFormat::Json | CopyFormat::Parquet => {
                text_fields(line, escaped, &self.options, &mut self.scratch, &mut put)?
            }
        };
        if fields < count && wrong.is_some() {
            (fields..count).for_each(|i| batches.column(i).push_null());
        } else if fields < count {
            let name = &self.source.columns[fields].name;
            return Err(RowError::Line(format_error(format!("missing data for column \"{name}\""))));
        }
        Ok(wrong)
    }

    fn match_header(&mut self, line: &str) -> Result<()> {
        let mut names: Vec<Option<String>> = Vec::new();
        let mut put = |_: usize, raw: Raw<'_>| {
            names.push(match raw {
                Raw::Text(text) => Some(text.to_owned()),
                Raw::Null | Raw::Default => None,
            });
            Ok(())
        };
        let read = match self.options.format {
            CopyFormat::Csv => csv_fields(line, &self.options, &[], &[], &mut self.scratch, &mut put),
            CopyFormat::Text | CopyFormat::Binary | CopyFormat::Arrow | CopyFormat::Json | CopyFormat::Parquet => {
                let escaped = memchr(b'\\', line.as_bytes()).is_some();
                text_fields(line, escaped, &self.options, &mut self.scratch, &mut put)
            }
        };
        match read {
            Ok(_) => {}
            Err(RowError::Line(e) | RowError::Field(e, ..)) => return Err(e),
        }
        let expected = self.source.columns.len();
        if names.len() != expected {
            return Err(format_error(format!(
                "wrong number of fields in header line: got {}, expected {expected}",
                names.len()
            )));
        }
        for (i, (name, column)) in names.iter().zip(&self.source.columns).enumerate() {
            let wrong = match name {
                Some(name) if **name == *column.name => continue,
                Some(name) => format!("got \"{name}\""),
                None => format!("got null value (\"{}\")", self.options.null),
            };
            return Err(format_error(format!(
                "column name mismatch in header line field {}: {wrong}, expected \"{}\"",
                i + 1,
                column.name
            )));
        }
        Ok(())
    }
}

fn is_default(options: &CopyOptions, field: &[u8]) -> bool {
    let marker = options.default.as_ref().and_then(|default| default.marker.as_ref());
    marker.is_some_and(|marker| marker.as_bytes() == field)
}

/// What was put together of parts of a row.
fn as_str(bytes: &[u8]) -> Result<&str, RowError> {
    std::str::from_utf8(bytes).map_err(|_| {
        RowError::Line(binary::text(bytes).err().unwrap_or_else(|| Error::internal("encoding of COPY data")))
    })
}

/// Text format: fields between delimiters, backslash escapes. Gives the number of fields.
fn text_fields(
    line: &str,
    escaped: bool,
    options: &CopyOptions,
    scratch: &mut Vec<u8>,
    put: &mut dyn FnMut(usize, Raw<'_>) -> Result<(), RowError>,
) -> Result<usize, RowError> {
    let mut rest = line;
    let mut i = 0;
    loop {
        let bytes = rest.as_bytes();
        let end = if escaped { escaped_field_end(bytes, options.delimiter) } else { memchr(options.delimiter, bytes) };
        // Delimiters are ASCII, so that a field begins and ends with whole characters.
        let field = &rest[..end.unwrap_or(rest.len())];
        if field == options.null {
            put(i, Raw::Null)?;
        } else if is_default(options, field.as_bytes()) {
            put(i, Raw::Default)?;
        } else if escaped && memchr(b'\\', field.as_bytes()).is_some() {
            unescape(field.as_bytes(), scratch);
            if let Some(at) = first_invalid(scratch) {
                let error = binary::text(&scratch[at..]).err();
                return Err(RowError::Line(error.unwrap_or_else(|| Error::internal("encoding"))));
            }
            put(i, Raw::Text(as_str(scratch)?))?;
        } else {
            put(i, Raw::Text(field))?;
        }
        i += 1;
        match end {
            Some(end) => rest = &rest[end + 1..],
            None => return Ok(i),
        }
    }
}

/// The next delimiter that no backslash stands before.
fn escaped_field_end(data: &[u8], delimiter: u8) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(delimiter, b'\\', &data[at..])?;
        if data[at] == delimiter {
            return Some(at);
        }
        at = (at + 2).min(data.len());
    }
}

/// Backslash sequences of the text format: `\b \f \n \r \t \v`, octal, hexadecimal; any other character is itself.
fn unescape(field: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let mut at = 0;
    while let Some(&b) = field.get(at) {
        at += 1;
        if b != b'\\' {
            out.push(b);
            continue;
        }
        let Some(&c) = field.get(at) else {
            // A backslash at the end of a row stands for itself.
            out.push(b'\\');
            break;
        };
        at += 1;
        match c {
            b'0'..=b'7' => {
                let mut n = u32::from(c - b'0');
                for _ in 0..2 {
                    match field.get(at) {
                        Some(d @ b'0'..=b'7') => {
                            n = n * 8 + u32::from(d - b'0');
                            at += 1;
                        }
                        _ => break,
                    }
                }
                out.push(n as u8);
            }
            b'x' => {
                let digit = |at: usize| field.get(at).and_then(|d| (*d as char).to_digit(16));
                match digit(at) {
                    None => out.push(b'x'),
                    Some(high) => {
                        at += 1;
                        let mut n = high;
                        if let Some(low) = digit(at) {
                            at += 1;
                            n = n * 16 + low;
                        }
                        out.push(n as u8);
                    }
                }
            }
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'v' => out.push(11),
            other => out.push(other),
        }
    }
}

/// Csv: fields between delimiters, quotes anywhere in a field. Gives the number of fields.
fn csv_fields(
    line: &str,
    options: &CopyOptions,
    force_not_null: &[bool],
    force_null: &[bool],
    scratch: &mut Vec<u8>,
    put: &mut dyn FnMut(usize, Raw<'_>) -> Result<(), RowError>,
) -> Result<usize, RowError> {
    let (delimiter, quote, escape) = (options.delimiter, options.quote, options.escape);
    let mut at = 0;
    let mut i = 0;
    loop {
        let rest = &line[at..];
        let bytes = rest.as_bytes();
        let (field, quoted, end): (&str, bool, Option<usize>) = match memchr::memchr2(delimiter, quote, bytes) {
            None => (rest, false, None),
            Some(n) if bytes[n] == delimiter => (&rest[..n], false, Some(n)),
            Some(_) => {
                let end = quoted_field(bytes, delimiter, quote, escape, scratch)
                    .ok_or_else(|| RowError::Line(format_error("unterminated CSV quoted field")))?;
                (as_str(scratch)?, true, end)
            }
        };
        let flag = |flags: &[bool]| flags.get(i).copied().unwrap_or(false);
        let is_null = field == options.null && if quoted { flag(force_null) } else { !flag(force_not_null) };
        if is_null {
            put(i, Raw::Null)?;
        } else if !quoted && is_default(options, field.as_bytes()) {
            put(i, Raw::Default)?;
        } else {
            put(i, Raw::Text(field))?;
        }
        i += 1;
        match end {
            Some(end) => at += end + 1,
            None => return Ok(i),
        }
    }
}

/// Reads a field with quotes into `out`; gives where its delimiter is, or `None` in the inner place at the row's end.
/// `None` if a quote is not closed.
fn quoted_field(rest: &[u8], delimiter: u8, quote: u8, escape: u8, out: &mut Vec<u8>) -> Option<Option<usize>> {
    out.clear();
    let mut at = 0;
    let mut inside = false;
    while let Some(&b) = rest.get(at) {
        if inside {
            if b == escape && rest.get(at + 1).is_some_and(|n| *n == escape || *n == quote) {
                out.push(rest[at + 1]);
                at += 2;
                continue;
            }
            if b == quote {
                inside = false;
            } else {
                out.push(b);
            }
        } else if b == delimiter {
            return Some(Some(at));
        } else if b == quote {
            inside = true;
        } else {
            out.push(b);
        }
        at += 1;
    }
    (!inside).then_some(None)
}
