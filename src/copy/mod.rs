//! COPY's formats, text, csv, binary, Arrow and json: bytes to record batches and back. Pure: no socket, no engine.

mod arrow;
mod arrow_compressed;
mod arrow_out;
mod batches;
mod binary;
mod binary_rows;
mod column;
mod convert;
mod encode;
mod json;
mod lines;
mod pending;
mod rows;
mod skips;
mod spare;
mod texts;

use std::sync::Arc;

use ::arrow::buffer::BooleanBuffer;
use ::arrow::record_batch::RecordBatch;

use crate::engine::Block;
use crate::error::{Error, Result, SqlState};
use crate::tree::{CopyFormat, CopyOptions};
use crate::types::encoding::Encoding;
use crate::types::{OutputSettings, PgType, Phys, RowTypes, TypeLookup};

pub use arrow_out::{ArrowEncoder, Part};
pub use encode::Encoder;
pub use skips::Rejected;
pub use spare::Room;

/// Rows of a decoded batch, at most.
pub const BATCH_ROWS: usize = 16_384;
/// Bytes of input that make a batch, about.
pub const BATCH_BYTES: usize = 8 << 20;

/// One column that is copied.
#[derive(Debug, Clone)]
pub struct CopyColumn {
    pub name: Arc<str>,
    pub ty: PgType,
    pub phys: Phys,
    /// For an anonymous row: its fields' types.
    pub row: Option<RowTypes>,
}

/// What decoding needs besides the options.
#[derive(Clone)]
pub struct CopySource {
    /// The table's name, for the CONTEXT of errors.
    pub table: Arc<str>,
    pub columns: Vec<CopyColumn>,
    pub settings: OutputSettings,
    pub types: Arc<dyn TypeLookup + Send + Sync>,
    /// The transaction's time, in microseconds since 1970, for `now`, `today` …
    pub now: Option<i64>,
    /// The longest row, in bytes; a longer one fails with 54000.
    pub max_row: usize,
}

/// Rows that were decoded.
#[derive(Debug, Clone)]
pub struct DecodedBatch {
    pub batch: RecordBatch,
    /// For each column, the rows whose field was the DEFAULT marker (the batch has NULL there); `None` if there are none.
    pub defaults: Vec<Option<BooleanBuffer>>,
}

/// What is ready of the data.
pub enum Ready {
    Batch(DecodedBatch),
    /// Rows that are told from each other, and are still to be decoded.
    Block(Arc<dyn Block>),
}

/// Turns COPY data into batches: feed it, take what is ready, finish it, take the rest.
///
/// After an error it must not be used further.
pub struct Decoder {
    format: Format,
    recode: Option<Recode>,
}

/// Data that is not UTF-8.
struct Recode {
    from: Encoding,
    /// The beginning of a character whose end has not come yet.
    begun: Vec<u8>,
}

enum Format {
    Lines(Box<rows::LineDecoder>),
    Binary(Box<binary::BinaryDecoder>),
    Arrow(Box<arrow::ArrowDecoder>),
    Json(Box<json::JsonDecoder>),
}

impl Decoder {
    /// 0A000 for an encoding that is not carried.
    pub fn new(options: &CopyOptions, source: CopySource, client: Encoding) -> Result<Self> {
        let from = encoding(options, client)?;
        let recode = (from.converts() && options.format.is_text()).then(|| Recode { from, begun: Vec::new() });
        let format = match options.format {
            CopyFormat::Text | CopyFormat::Csv => {
                Format::Lines(Box::new(rows::LineDecoder::new(options.clone(), source)?))
            }
            CopyFormat::Binary => Format::Binary(Box::new(binary::BinaryDecoder::new(source))),
            CopyFormat::Arrow => Format::Arrow(Box::new(arrow::ArrowDecoder::new(source, "Arrow"))),
            // The engine reads the file and gives it as a stream.
            CopyFormat::Parquet => Format::Arrow(Box::new(arrow::ArrowDecoder::new(source, "Parquet"))),
            CopyFormat::Json => Format::Json(Box::new(json::JsonDecoder::new(options, source))),
        };
        Ok(Self { format, recode })
    }

    /// Takes a piece of data of any size. Errors have PostgreSQL's SQLSTATE, message and CONTEXT; those of binary data come from
    /// [`Self::take`], each after the rows before it.
    pub fn feed(&mut self, data: &[u8]) -> Result<()> {
        match (&mut self.format, &mut self.recode) {
            (Format::Lines(lines), Some(recode)) => recode.feed(data, lines.as_mut()),
            (Format::Lines(lines), None) => lines.feed(data),
            (Format::Json(lines), Some(recode)) => recode.feed(data, lines.as_mut()),
            (Format::Json(lines), None) => lines.feed(data),
            (Format::Binary(d), _) => {
                d.feed(data);
                Ok(())
            }
            (Format::Arrow(d), _) => d.feed(data),
        }
    }

    /// Where data may be put as they come, in place of [`Self::feed`]; then [`Self::placed`] is to be called. `None` where the
    /// format has no use for it.
    pub fn room(&mut self) -> Option<Room<'_>> {
        match &mut self.format {
            Format::Lines(_) | Format::Json(_) => None,
            Format::Binary(d) => Some(d.room()),
            Format::Arrow(d) => Some(d.room()),
        }
    }

    /// Something was put into the room. Errors are those of [`Self::feed`].
    pub fn placed(&mut self) -> Result<()> {
        match &mut self.format {
            Format::Lines(_) | Format::Json(_) => Err(Error::internal("lines of COPY data were put into no room")),
            Format::Binary(d) => {
                d.placed();
                Ok(())
            }
            Format::Arrow(d) => d.placed(),
        }
    }

    /// No more data. What is left in [`Decoder::take`] after this is the end.
    pub fn finish(&mut self) -> Result<()> {
        // An unfinished character is an error.
        let unfinished = self.recode.take().and_then(|recode| recode.from.decode(&recode.begun).err());
        match &mut self.format {
            Format::Lines(d) => unfinished.map_or(Ok(()), |error| Err(d.in_next_line(error))).and_then(|()| d.finish()),
            Format::Json(d) => unfinished.map_or(Ok(()), |error| Err(d.in_next_line(error))).and_then(|()| d.finish()),
            Format::Binary(d) => {
                d.finish();
                Ok(())
            }
            Format::Arrow(d) => d.finish(),
        }
    }

    /// A batch that is ready; call until `None` after each feed.
    pub fn take(&mut self) -> Result<Option<DecodedBatch>> {
        match &mut self.format {
            Format::Lines(d) => Ok(d.take()),
            Format::Json(d) => Ok(d.take()),
            Format::Binary(d) => d.take(),
            Format::Arrow(d) => d.take(),
        }
    }

    /// As [`Self::take`], for an engine that decodes for itself: of binary data only what cannot be told to be rows is an error here,
    /// and comes after the rows before it.
    pub fn take_ready(&mut self) -> Result<Option<Ready>> {
        match &mut self.format {
            Format::Binary(d) => Ok(d.take_rows()?.map(|rows| Ready::Block(Arc::new(rows)))),
            Format::Lines(_) | Format::Json(_) | Format::Arrow(_) => Ok(self.take()?.map(Ready::Batch)),
        }
    }

    /// True if the rows that were taken by [`Self::take_ready`] may still turn out to be wrong.
    pub fn leaves_undecoded(&self) -> bool {
        matches!(self.format, Format::Binary(_))
    }

    /// Makes a batch of the rows that are complete, though it is small. Arrow's batches are the client's own.
    ///
    /// # Errors
    /// Of the values, where a column finds them only when it is full.
    pub fn flush(&mut self) -> Result<()> {
        match &mut self.format {
            Format::Lines(d) => d.flush(),
            Format::Json(d) => d.flush(),
            Format::Binary(d) => {
                d.flush();
                Ok(())
            }
            Format::Arrow(_) => Ok(()),
        }
    }

    /// Which of the source's columns the batches have; `None` if that is still to come with the data.
    pub fn present(&self) -> Option<Vec<usize>> {
        match &self.format {
            Format::Lines(d) => Some((0..d.columns()).collect()),
            Format::Json(d) => Some((0..d.columns()).collect()),
            Format::Binary(d) => Some((0..d.columns()).collect()),
            Format::Arrow(d) => d.present(),
        }
    }

    /// Rows that were skipped so far (ON_ERROR ignore).
    pub fn skipped(&self) -> u64 {
        match &self.format {
            Format::Lines(d) => d.skipped(),
            Format::Json(d) => d.skipped(),
            Format::Binary(_) | Format::Arrow(_) => 0,
        }
    }

    /// What there is to say of rows that were skipped since the last call (LOG_VERBOSITY verbose).
    pub fn notices(&mut self) -> Vec<String> {
        match &mut self.format {
            Format::Lines(d) => d.notices(),
            Format::Json(d) => d.notices(),
            Format::Binary(_) | Format::Arrow(_) => Vec::new(),
        }
    }

    /// The rows that were skipped since the last call, if the options want them kept.
    pub fn rejected(&mut self) -> Vec<Rejected> {
        match &mut self.format {
            Format::Lines(d) => d.rejected(),
            Format::Json(d) => d.rejected(),
            Format::Binary(_) | Format::Arrow(_) => Vec::new(),
        }
    }

    /// Rows decoded so far.
    pub fn rows(&self) -> u64 {
        match &self.format {
            Format::Lines(d) => d.rows(),
            Format::Json(d) => d.rows(),
            Format::Binary(d) => d.rows(),
            Format::Arrow(d) => d.rows(),
        }
    }
}

/// Decoders of text.
trait Lines {
    fn feed(&mut self, data: &[u8]) -> Result<()>;
    /// An error in the data that comes next.
    fn in_next_line(&self, error: Error) -> Error;
}

impl Lines for rows::LineDecoder {
    fn feed(&mut self, data: &[u8]) -> Result<()> {
        self.feed(data)
    }

    fn in_next_line(&self, error: Error) -> Error {
        self.in_next_line(error)
    }
}

impl Lines for json::JsonDecoder {
    fn feed(&mut self, data: &[u8]) -> Result<()> {
        self.feed(data)
    }

    fn in_next_line(&self, error: Error) -> Error {
        self.in_next_line(error)
    }
}

impl Recode {
    fn feed(&mut self, data: &[u8], lines: &mut dyn Lines) -> Result<()> {
        let mut all = std::mem::take(&mut self.begun);
        all.extend_from_slice(data);
        self.begun = all.split_off(self.from.whole(&all));
        match self.from.decode(&all) {
            Ok(text) => lines.feed(text.as_bytes()),
            // Line by line, so that the error comes in its own; no encoding has the newline inside a character.
            Err(_) => all.split_inclusive(|b| *b == b'\n').try_for_each(|line| {
                let text = self.from.decode(line).map_err(|error| lines.in_next_line(error))?;
                lines.feed(text.as_bytes())
            }),
        }
    }
}

/// What the data is in: the option, or the client's encoding.
fn encoding(options: &CopyOptions, client: Encoding) -> Result<Encoding> {
    let encoding = match &options.encoding {
        None => client,
        Some(name) => Encoding::by_name(name).ok_or_else(|| {
            let message = "argument to option \"encoding\" must be a valid encoding name";
            Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
        })?,
    };
    if !encoding.is_known() {
        return Err(
            Error::unsupported(format!("COPY in encoding \"{}\"", encoding.name())).hint("Convert the data to UTF8.")
        );
    }
    // Binary texts come in the client's encoding, whatever the option says.
    if options.format == CopyFormat::Binary && client.converts() {
        return Err(Error::unsupported(format!("binary COPY with client_encoding {}", client.name()))
            .hint("Set client_encoding to UTF8."));
    }
    Ok(encoding)
}

/// Text for a CONTEXT, cut to 100 bytes at a character's border.
fn shown(bytes: &[u8]) -> String {
    const LIMIT: usize = 100;
    if bytes.len() <= LIMIT {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let mut end = LIMIT;
    while end > 0 && bytes[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    format!("{}...", String::from_utf8_lossy(&bytes[..end]))
}

#[cfg(test)]
mod tests;
