//! Rows of COPY in binary, as the client has sent them: decoded a column at a time straight into the engine's vectors, or row by row into
//! a record batch. The second also finds which value is the first that is wrong.

use std::sync::Arc;

use bytes::Bytes;

use super::batches::Batches;
use super::column::{Column, short_text};
use super::{BATCH_BYTES, BATCH_ROWS, CopySource, DecodedBatch};
use crate::engine::{Block, Cursor, Number, Vectors};
use crate::error::{Error, Result, SqlState};
use crate::types::numeric::receive_decimal;
use crate::types::{PgType, Phys, base_type, binary as wire, oid};

/// Rows that are decoded at once: where their fields are stays in the processor's nearest cache.
const STEP: usize = 256;
/// Pieces of fewer bytes are copied together: each that is kept costs some of its own, and keeps all of what it was read into.
const LENT: usize = 16 << 10;

/// What the rows are to become.
pub(super) struct Layout {
    pub source: CopySource,
    ways: Vec<Way>,
}

/// How a column's values get into the engine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Bool,
    Int2,
    Int4,
    Int8,
    Float8,
    Date,
    /// With or without a time zone.
    Timestamp,
    Decimal {
        precision: u8,
        scale: u8,
    },
    Text(PgType),
    Bytea,
    /// By way of an Arrow array.
    Array,
}

/// What is at the front of the data.
pub(super) enum Row {
    /// A row of that many bytes.
    Whole(usize),
    Incomplete,
    Trailer,
    /// The row is wrong, from this of its fields on.
    Wrong {
        column: Option<usize>,
        error: Error,
    },
}

impl Layout {
    pub fn new(source: CopySource) -> Self {
        let way = |column: &super::CopyColumn| {
            let ty = base_type(column.ty, source.types.as_ref());
            match &column.phys {
                Phys::Bool => Way::Bool,
                Phys::Int2 => Way::Int2,
                Phys::Int4 => Way::Int4,
                Phys::Int8 if ty.oid == oid::INT8 => Way::Int8,
                Phys::Float8 => Way::Float8,
                Phys::Date => Way::Date,
                Phys::Timestamp | Phys::TimestampTz if ty.typmod < 0 || ty.typmod >= 6 => Way::Timestamp,
                Phys::Decimal { precision, scale } if *precision <= 18 => {
                    Way::Decimal { precision: *precision, scale: *scale }
                }
                Phys::Text | Phys::Char(_) | Phys::Padded if super::column::is_plain_text(ty.oid) => Way::Text(ty),
                Phys::Bytea => Way::Bytea,
                _ => Way::Array,
            }
        };
        Self { ways: source.columns.iter().map(way).collect(), source }
    }

    pub fn columns(&self) -> usize {
        self.ways.len()
    }

    /// Tells how long the row is that the data begin with.
    #[inline]
    pub fn row(&self, data: &[u8]) -> Row {
        let Some(count) = data.first_chunk::<2>().map(|bytes| i16::from_be_bytes(*bytes)) else {
            return Row::Incomplete;
        };
        let (expected, most) = (self.ways.len(), self.source.max_row);
        if usize::try_from(count) != Ok(expected) {
            return if count == -1 { Row::Trailer } else { self.wrong_count(count) };
        }
        let mut end = 2;
        for column in 0..expected {
            let Some(length) = data.get(end..).and_then(<[u8]>::first_chunk::<4>) else { return Row::Incomplete };
            let length = i32::from_be_bytes(*length);
            end += 4;
            match usize::try_from(length) {
                Ok(length) if length <= most => end += length,
                Err(_) if length == -1 => {}
                Ok(_) | Err(_) => return self.wrong_length(length, column),
            }
        }
        if end <= data.len() { Row::Whole(end) } else { Row::Incomplete }
    }

    #[cold]
    fn wrong_count(&self, count: i16) -> Row {
        let message = format!("row field count is {count}, expected {}", self.ways.len());
        Row::Wrong { column: None, error: Error::new(SqlState::BAD_COPY_FILE_FORMAT, message) }
    }

    #[cold]
    fn wrong_length(&self, length: i32, column: usize) -> Row {
        let most = self.source.max_row;
        let error = if length < 0 {
            Error::new(SqlState::BAD_COPY_FILE_FORMAT, "invalid field size")
        } else {
            let message = format!("a row of COPY data is longer than the limit of {most} bytes");
            Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
        };
        Row::Wrong { column: Some(column), error }
    }

    /// Looks at the first fields of a row, which are there as a whole.
    pub fn fields(&self, data: &[u8], count: usize, line: u64) -> Result<()> {
        let mut columns: Vec<Column> =
            self.source.columns.iter().take(count).map(|c| Column::new(c, self.source.types.as_ref())).collect();
        let types = self.source.types.as_ref();
        for (column, field) in fields(data, count).enumerate() {
            let wrong = match field {
                Some(field) => {
                    columns[column].push_binary(field, types).err().or_else(|| Some(columns[column].unsound()?.1))
                }
                None => None,
            };
            if let Some(error) = wrong {
                return Err(self.at_field(error, column, line));
            }
        }
        Ok(())
    }

    pub fn at_field(&self, error: Error, column: usize, line: u64) -> Error {
        let name = &self.source.columns[column].name;
        error.context(format!("COPY {}, line {line}, column {name}", self.source.table))
    }
}

/// The fields of a row that is whole; `None` for NULL.
fn fields(data: &[u8], count: usize) -> impl Iterator<Item = Option<&[u8]>> {
    let mut at = 2;
    (0..count).map(move |_| {
        let length = data.get(at..).and_then(<[u8]>::first_chunk::<4>).map_or(-1, |length| i32::from_be_bytes(*length));
        at += 4;
        let length = usize::try_from(length).ok()?;
        at += length;
        data.get(at - length..at)
    })
}

/// Rows that come, until there are enough for a block.
pub(super) struct Building {
    rows: BinaryRows,
    /// Small pieces, copied together.
    tail: Vec<u8>,
    tail_rows: usize,
}

impl Building {
    /// `line` is the line before its first.
    pub fn new(layout: &Arc<Layout>, line: u64) -> Self {
        let rows = BinaryRows { layout: Arc::clone(layout), pieces: Vec::new(), rows: 0, bytes: 0, before: line };
        Self { rows, tail: Vec::new(), tail_rows: 0 }
    }

    /// True if there is room for a row more, with these rows and bytes that are not added yet.
    #[inline]
    pub fn room(&self, rows: usize, bytes: usize) -> bool {
        self.rows.rows + rows < BATCH_ROWS && self.rows.bytes + bytes < BATCH_BYTES
    }

    /// Adds whole rows; `all` is what they may be a part of.
    pub fn add(&mut self, data: &[u8], rows: usize, all: &Bytes) {
        if rows == 0 {
            return;
        }
        self.rows.rows += rows;
        self.rows.bytes += data.len();
        let inside = all.as_ptr_range().contains(&data.as_ptr()) && data.len() >= LENT;
        if inside {
            self.end_tail();
            self.rows.pieces.push((all.slice_ref(data), rows));
        } else {
            self.tail.extend_from_slice(data);
            self.tail_rows += rows;
        }
    }

    fn end_tail(&mut self) {
        if self.tail_rows > 0 {
            self.rows.pieces.push((std::mem::take(&mut self.tail).into(), std::mem::take(&mut self.tail_rows)));
        }
    }

    /// The block, if there are rows for one.
    pub fn finish(mut self) -> Option<BinaryRows> {
        self.end_tail();
        (self.rows.rows > 0).then_some(self.rows)
    }
}

/// Rows that are there as a whole.
pub(super) struct BinaryRows {
    layout: Arc<Layout>,
    /// Each with its number of rows.
    pieces: Vec<(Bytes, usize)>,
    rows: usize,
    bytes: usize,
    /// The line before the first.
    before: u64,
}

/// Where a field is in its piece; NULL has the length -1.
#[derive(Clone, Copy, Default)]
struct Field {
    at: u32,
    length: i32,
}

fn internal() -> Error {
    Error::internal("rows of COPY data are not where they were")
}

impl BinaryRows {
    /// All rows as a record batch.
    pub fn decode(&self, batches: &mut Batches) -> Result<DecodedBatch> {
        let columns = self.layout.columns();
        let types = self.layout.source.types.as_ref();
        let mut line = self.before;
        let mut failed = None;
        'rows: for (data, rows) in &self.pieces {
            let mut rest = &data[..];
            for _ in 0..*rows {
                line += 1;
                let mut length = 2;
                for (column, field) in fields(rest, columns).enumerate() {
                    length += 4 + field.map_or(0, <[u8]>::len);
                    let pushed = match field {
                        Some(field) => batches.column(column).push_binary(field, types),
                        None => {
                            batches.column(column).push_null();
                            Ok(())
                        }
                    };
                    if let Err(error) = pushed {
                        failed = Some(self.layout.at_field(error, column, line));
                        break 'rows;
                    }
                }
                rest = rest.get(length..).ok_or_else(internal)?;
                batches.add_row(length);
            }
        }
        // A text before it may be wrong too: it comes first.
        if let Some((row, column, error)) = batches.unsound() {
            return Err(self.layout.at_field(error, column, self.before + row as u64 + 1));
        }
        match failed {
            Some(error) => Err(error),
            None => {
                batches.flush()?;
                batches.take().ok_or_else(internal)
            }
        }
    }

    /// Where the fields are of the rows that come next, of one piece.
    fn find(&self, cursor: &mut Cursor, most: usize, found: &mut [Field]) -> Result<(&[u8], usize)> {
        let columns = self.layout.columns();
        while self.pieces.get(cursor.piece).is_some_and(|(data, _)| cursor.at == data.len()) {
            (cursor.piece, cursor.at) = (cursor.piece + 1, 0);
        }
        let (data, _) = self.pieces.get(cursor.piece).ok_or_else(internal)?;
        let mut rows = 0;
        while rows < most && cursor.at < data.len() {
            let mut at = cursor.at + 2;
            for column in 0..columns {
                let length = data.get(at..).and_then(<[u8]>::first_chunk::<4>).ok_or_else(internal)?;
                let length = i32::from_be_bytes(*length);
                at += 4;
                found[column * STEP + rows] = Field { at: at as u32, length };
                at += length.max(0) as usize;
            }
            if at > data.len() {
                return Err(internal());
            }
            cursor.at = at;
            rows += 1;
        }
        cursor.row += rows;
        Ok((data, rows))
    }

    /// Writes a column of some rows; false if there are values that this does not know, or that are wrong.
    fn write_column<'a>(
        &self,
        data: &'a [u8],
        fields: &[Field],
        (column, first): (usize, usize),
        out: &mut Vectors<'a>,
    ) -> Result<bool> {
        let at = (column, first);
        match self.layout.ways[column] {
            Way::Bool => numbers(data, fields, at, out, |b: [u8; 1]| (b[0] < 2).then_some(b[0])),
            Way::Int2 => numbers(data, fields, at, out, |b| Some(i16::from_be_bytes(b))),
            Way::Int4 => numbers(data, fields, at, out, |b| Some(i32::from_be_bytes(b))),
            Way::Int8 => numbers(data, fields, at, out, |b| Some(i64::from_be_bytes(b))),
            Way::Float8 => numbers(data, fields, at, out, |b| Some(f64::from_be_bytes(b))),
            Way::Date => numbers(data, fields, at, out, |b| wire::date_from_wire(i32::from_be_bytes(b)).ok()),
            Way::Timestamp => numbers(data, fields, at, out, |b| wire::timestamp_from_wire(i64::from_be_bytes(b)).ok()),
            Way::Decimal { precision, scale } => {
                let read = |field: &[u8]| receive_decimal(field, precision, scale);
                match precision {
                    0..=4 => values(data, fields, at, out, |field| Some(read(field)? as i16)),
                    5..=9 => values(data, fields, at, out, |field| Some(read(field)? as i32)),
                    _ => values(data, fields, at, out, |field| Some(read(field)? as i64)),
                }
            }
            Way::Text(ty) => strings(data, fields, at, out, |field| {
                short_text(field, ty).filter(|text| is_plain(text) || wire::text(text).is_ok())
            }),
            Way::Bytea => strings(data, fields, at, out, Some),
            Way::Array => Ok(false),
        }
    }

    /// The same by way of an Arrow array, whatever the values; false if one of them is wrong.
    fn write_array(
        &self,
        data: &[u8],
        fields: &[Field],
        (column, first): (usize, usize),
        out: &mut Vectors<'_>,
    ) -> Result<bool> {
        let types = self.layout.source.types.as_ref();
        let mut made = Column::new(&self.layout.source.columns[column], types);
        for field in fields {
            match field.of(data) {
                None => made.push_null(),
                Some(field) if made.push_binary(field, types).is_ok() => {}
                Some(_) => return Ok(false),
            }
        }
        if made.unsound().is_some() {
            return Ok(false);
        }
        out.array(column, first, made.finish()?.0);
        Ok(true)
    }
}

impl Block for BinaryRows {
    fn rows(&self) -> usize {
        self.rows
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn write<'a>(&'a self, cursor: &mut Cursor, out: &mut Vectors<'a>) -> Result<()> {
        let columns = self.layout.columns();
        let mut found = vec![Field::default(); columns * STEP];
        let mut first = 0;
        while first < out.rows() {
            let most = STEP.min(out.rows() - first);
            let (data, rows) = self.find(cursor, most, &mut found)?;
            for column in 0..columns {
                let fields = &found[column * STEP..column * STEP + rows];
                let at = (column, first);
                if !self.write_column(data, fields, at, out)? && !self.write_array(data, fields, at, out)? {
                    self.check()?;
                    return Err(Error::internal("a value of COPY data is wrong and right"));
                }
            }
            first += rows;
        }
        Ok(())
    }

    fn check(&self) -> Result<()> {
        self.decode(&mut Batches::new(&self.layout.source)).map(drop)
    }
}

impl Field {
    #[inline]
    fn of<'a>(&self, data: &'a [u8]) -> Option<&'a [u8]> {
        let length = usize::try_from(self.length).ok()?;
        data.get(self.at as usize..self.at as usize + length)
    }
}

/// Values of a fixed length.
#[inline]
fn numbers<T: Number + Default, const N: usize>(
    data: &[u8],
    fields: &[Field],
    at: (usize, usize),
    out: &mut Vectors<'_>,
    read: impl Fn([u8; N]) -> Option<T>,
) -> Result<bool> {
    values(data, fields, at, out, |field| read(*field.first_chunk::<N>().filter(|_| field.len() == N)?))
}

/// Values of which each is a number of the engine's. NULLs are zeros there, and are told apart.
#[inline]
fn values<T: Number + Default>(
    data: &[u8],
    fields: &[Field],
    (column, first): (usize, usize),
    out: &mut Vectors<'_>,
    read: impl Fn(&[u8]) -> Option<T>,
) -> Result<bool> {
    let mut nulls = 0;
    let slots = &mut out.numbers::<T>(column)?[first..first + fields.len()];
    for (slot, field) in slots.iter_mut().zip(fields) {
        let value = match field.of(data) {
            Some(field) => read(field),
            None => {
                nulls += 1;
                Some(T::default())
            }
        };
        match value {
            Some(value) => slot.write(value),
            None => return Ok(false),
        };
    }
    tell_nulls(nulls, fields, (column, first), out);
    Ok(true)
}

#[inline]
fn strings<'a>(
    data: &'a [u8],
    fields: &[Field],
    (column, first): (usize, usize),
    out: &mut Vectors<'a>,
    read: impl Fn(&'a [u8]) -> Option<&'a [u8]>,
) -> Result<bool> {
    let mut nulls = 0;
    let mut slots = out.strings(column)?;
    for (row, field) in fields.iter().enumerate() {
        let text = match field.of(data) {
            Some(field) => read(field),
            None => {
                nulls += 1;
                Some(&[][..])
            }
        };
        match text {
            Some(text) => slots.put(first + row, text),
            None => return Ok(false),
        }
    }
    tell_nulls(nulls, fields, (column, first), out);
    Ok(true)
}

fn tell_nulls(nulls: usize, fields: &[Field], (column, first): (usize, usize), out: &mut Vectors<'_>) {
    if nulls > 0 {
        let rows = fields.iter().enumerate().filter(|(_, field)| field.length < 0);
        rows.for_each(|(row, _)| out.null(column, first + row));
    }
}

/// True of ASCII without zero bytes: most texts. Eight bytes at a time, the last of which may be looked at twice.
#[inline]
fn is_plain(text: &[u8]) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    const LOW: u64 = 0x0101_0101_0101_0101;
    // A byte that is zero borrows; one that is not ASCII has its highest bit: either shows in the highest bits.
    let odd = |word: u64| (word.wrapping_sub(LOW) | word) & HIGH;
    let Some(last) = text.last_chunk::<8>() else {
        return text.iter().all(|byte| (1..0x80).contains(byte));
    };
    let words =
        text.chunks_exact(8).map(|word| word.first_chunk::<8>().map_or(HIGH, |word| odd(u64::from_le_bytes(*word))));
    words.fold(odd(u64::from_le_bytes(*last)), |all, word| all | word) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_texts_are_those_without_zeros_and_high_bytes() {
        for length in 0..40 {
            assert!(is_plain(&vec![b'a'; length]) && is_plain(&vec![1; length]) && is_plain(&vec![0x7f; length]));
            for at in 0..length {
                for wrong in [0, 0x80, 0xc3, 0xff] {
                    let mut text = vec![b'a'; length];
                    text[at] = wrong;
                    assert!(!is_plain(&text), "{text:?}");
                }
            }
        }
    }
}
