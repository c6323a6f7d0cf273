//! COPY TO: batches to text, csv, json or binary, one row a message.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use bytes::BufMut;

use super::CopyColumn;
use super::binary::SIGNATURE;
use crate::error::Result;
use crate::tree::{CopyFormat, CopyHeader, CopyOptions};
use crate::types::encoding::Encoding;
use crate::types::rows::{CellEncoders, ColumnShape};
use crate::types::{OutputSettings, TypeLookup};

/// Encodes rows. What it writes is cut into messages where the returned offsets say: one row a CopyData, as PostgreSQL
/// does and some clients rely on. The signature of binary shares the first row's message.
pub struct Encoder {
    options: CopyOptions,
    names: Vec<Arc<str>>,
    cells: CellEncoders,
    force_quote: Vec<bool>,
    begun: bool,
    /// What text and csv are written in.
    encoding: Encoding,
    scratch: Vec<u8>,
}

impl Encoder {
    pub fn new(
        options: &CopyOptions,
        columns: &[CopyColumn],
        settings: OutputSettings,
        types: &dyn TypeLookup,
    ) -> Result<Self> {
        let encoding = super::encoding(options, settings.client_encoding)?;
        let format = i16::from(options.format == CopyFormat::Binary);
        let shapes = columns.iter().map(|c| ColumnShape { ty: c.ty, phys: c.phys.clone(), format, row: c.row.clone() });
        Ok(Self {
            names: columns.iter().map(|c| Arc::clone(&c.name)).collect(),
            cells: CellEncoders::new(shapes, settings, types)?,
            force_quote: (0..columns.len()).map(|i| options.force_quote.contains(&i)).collect(),
            options: options.clone(),
            begun: false,
            encoding,
            scratch: Vec::new(),
        })
    }

    /// What stands before the rows: the header line (a message of its own), or binary's signature.
    fn begin(&mut self, out: &mut Vec<u8>, ends: &mut Vec<usize>) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        match self.options.format {
            // Of json each row is a line already: the query made it.
            CopyFormat::Arrow | CopyFormat::Json | CopyFormat::Parquet => {}
            CopyFormat::Binary => {
                out.put_slice(SIGNATURE);
                out.put_slice(&[0; 8]);
            }
            CopyFormat::Text | CopyFormat::Csv => {
                if self.options.header == CopyHeader::No {
                    return;
                }
                for (i, name) in self.names.iter().enumerate() {
                    if i > 0 {
                        out.put_u8(self.options.delimiter);
                    }
                    if self.options.format == CopyFormat::Csv {
                        put_csv(out, name.as_bytes(), false, self.names.len() == 1, &self.options);
                    } else {
                        put_text(out, name.as_bytes(), self.options.delimiter);
                    }
                }
                out.put_u8(b'\n');
                ends.push(out.len());
            }
        }
    }

    /// Appends rows `from..to`; gives the end of each message in `out`, of which the first begins where `out` ended.
    pub fn encode(
        &mut self,
        batch: &RecordBatch,
        from: usize,
        to: usize,
        types: &dyn TypeLookup,
        out: &mut Vec<u8>,
    ) -> Result<Vec<usize>> {
        let first = out.len();
        let mut ends = Vec::with_capacity(to.saturating_sub(from) + 1);
        self.begin(out, &mut ends);
        let cells = self.cells.bind(batch)?;
        let output = self.cells.output(types);
        let mut scratch = std::mem::take(&mut self.scratch);
        for row in from..to.min(batch.num_rows()) {
            if self.options.format == CopyFormat::Binary {
                out.put_u16(cells.len() as u16);
                for column in &cells {
                    column.put(row, &output, out)?;
                }
                ends.push(out.len());
                continue;
            }
            for (i, column) in cells.iter().enumerate() {
                if i > 0 {
                    out.put_u8(self.options.delimiter);
                }
                if column.is_null(row) {
                    out.put_slice(self.options.null.as_bytes());
                    continue;
                }
                // Most cells need no escape: they are written in place and only then looked at.
                let start = out.len();
                column.write_text(row, &output, out)?;
                if self.options.format == CopyFormat::Json {
                    one_line(&mut out[start..]);
                } else if self.options.format == CopyFormat::Csv {
                    let single = cells.len() == 1;
                    if self.force_quote[i] || csv_needs_quote(&out[start..], single, &self.options) {
                        scratch.clear();
                        scratch.put_slice(&out[start..]);
                        out.truncate(start);
                        put_csv(out, &scratch, true, single, &self.options);
                    }
                } else if out[start..].iter().any(|b| text_needs_escape(*b, self.options.delimiter)) {
                    scratch.clear();
                    scratch.put_slice(&out[start..]);
                    out.truncate(start);
                    put_text(out, &scratch, self.options.delimiter);
                }
            }
            out.put_u8(b'\n');
            ends.push(out.len());
        }
        self.scratch = scratch;
        self.recode(first, out, &mut ends)?;
        Ok(ends)
    }

    /// Converts the messages that stand in `out` from `first` on, if the client's text is not UTF-8.
    fn recode(&self, first: usize, out: &mut Vec<u8>, ends: &mut [usize]) -> Result<()> {
        if !self.encoding.converts() || self.options.format == CopyFormat::Binary || out[first..].is_ascii() {
            return Ok(());
        }
        let utf8 = out.split_off(first);
        let mut start = 0;
        for end in ends {
            let until = *end - first;
            out.put_slice(&self.encoding.encode(crate::types::binary::text(&utf8[start..until])?)?);
            start = until;
            *end = out.len();
        }
        Ok(())
    }

    /// What stands after the rows (binary's trailer; the header if there were no rows); gives the ends of messages.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<Vec<usize>> {
        let first = out.len();
        let mut ends = Vec::new();
        self.begin(out, &mut ends);
        self.recode(first, out, &mut ends)?;
        if self.options.format == CopyFormat::Binary {
            out.put_i16(-1);
            ends.push(out.len());
        }
        Ok(ends)
    }
}

/// A document on one line: outside its strings a line's end is a blank, and inside there is none.
fn one_line(json: &mut [u8]) {
    json.iter_mut().filter(|b| matches!(b, b'\n' | b'\r')).for_each(|b| *b = b' ');
}

fn text_needs_escape(b: u8, delimiter: u8) -> bool {
    b == b'\\' || b == delimiter || matches!(b, 8..=13)
}

/// Text format's escapes.
fn put_text(out: &mut Vec<u8>, text: &[u8], delimiter: u8) {
    for b in text {
        match b {
            8 => out.put_slice(b"\\b"),
            9 => out.put_slice(b"\\t"),
            10 => out.put_slice(b"\\n"),
            11 => out.put_slice(b"\\v"),
            12 => out.put_slice(b"\\f"),
            13 => out.put_slice(b"\\r"),
            b'\\' => out.put_slice(b"\\\\"),
            b if *b == delimiter => out.put_slice(&[b'\\', *b]),
            b => out.put_u8(*b),
        }
    }
}

fn csv_needs_quote(text: &[u8], single: bool, options: &CopyOptions) -> bool {
    text == options.null.as_bytes()
        || (single && text == b"\\.")
        || text.iter().any(|b| *b == options.delimiter || *b == options.quote || matches!(b, b'\n' | b'\r'))
}

/// A csv field, quoted if forced or needed.
fn put_csv(out: &mut Vec<u8>, text: &[u8], force: bool, single: bool, options: &CopyOptions) {
    if !force && !csv_needs_quote(text, single, options) {
        return out.put_slice(text);
    }
    out.put_u8(options.quote);
    for b in text {
        if *b == options.quote || *b == options.escape {
            out.put_u8(options.escape);
        }
        out.put_u8(*b);
    }
    out.put_u8(options.quote);
}
