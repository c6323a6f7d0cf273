//! Rows of COPY in binary, as the client has sent them: decoded a column at a time straight into the engine's vectors, or row by row into
//! a record batch. The second also finds which value is the first that is wrong.

use std::sync::Arc;

use bytes::Bytes;

use super::batches::Batches;
use super::column::{Column, short_text};
use super::{CopySource, DecodedBatch};
use crate::engine::{Block, Number, Vectors};
use crate::error::{Error, Result, SqlState};
use crate::types::numeric::receive_decimal;
use crate::types::{PgType, Phys, base_type, binary as wire, oid};

/// Rows that are decoded at once, a column at a time: they stay in the processor's nearest caches.
const STEP: usize = 256;

/// What the rows are to become.
pub(super) struct Layout {
    pub source: CopySource,
    ways: Vec<Way>,
    runs: Vec<Run>,
}

/// Columns side by side whose values have one length: where they begin is known before one of them is read, if none is NULL.
struct Run {
    columns: usize,
    /// Where each length stands, counted from the first, and what it is on the wire. Empty for a column of any length.
    lengths: Vec<(usize, [u8; 4])>,
    bytes: usize,
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
        let ways: Vec<Way> = source.columns.iter().map(way).collect();
        Self { runs: runs(&ways), ways, source }
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
        let (mut end, mut column) = (2, 0);
        for run in &self.runs {
            column += run.columns;
            if let Some(run_data) = data.get(end..end + run.bytes).filter(|_| run.bytes > 0) {
                let odd = run.lengths.iter().fold(0, |odd, (at, length)| {
                    let found = run_data.get(*at..).and_then(<[u8]>::first_chunk::<4>);
                    odd | found.map_or(1, |found| u32::from_ne_bytes(*found) ^ u32::from_ne_bytes(*length))
                });
                if odd == 0 {
                    end += run.bytes;
                    continue;
                }
            }
            for column in column - run.columns..column {
                let Some(length) = data.get(end..).and_then(<[u8]>::first_chunk::<4>) else { return Row::Incomplete };
                let length = i32::from_be_bytes(*length);
                end += 4;
                match usize::try_from(length) {
                    Ok(length) if length <= most => end += length,
                    Err(_) if length == -1 => {}
                    Ok(_) | Err(_) => return self.wrong_length(length, column),
                }
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

impl Way {
    /// The length of all its values on the wire, if they have one.
    fn length(self) -> Option<usize> {
        match self {
            Self::Bool => Some(1),
            Self::Int2 => Some(2),
            Self::Int4 | Self::Date => Some(4),
            Self::Int8 | Self::Float8 | Self::Timestamp => Some(8),
            Self::Decimal { .. } | Self::Text(_) | Self::Bytea | Self::Array => None,
        }
    }
}

fn runs(ways: &[Way]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for way in ways {
        let Some(length) = way.length() else {
            runs.push(Run { columns: 1, lengths: Vec::new(), bytes: 0 });
            continue;
        };
        if runs.last().is_none_or(|run| run.bytes == 0) {
            runs.push(Run { columns: 0, lengths: Vec::new(), bytes: 0 });
        }
        if let Some(run) = runs.last_mut() {
            run.columns += 1;
            run.lengths.push((run.bytes, (length as u32).to_be_bytes()));
            run.bytes += 4 + length;
        }
    }
    runs
}

/// Rows that are there as a whole.
pub(super) struct BinaryRows {
    layout: Arc<Layout>,
    data: Bytes,
    /// Where the first begins, and where each ends.
    first: usize,
    ends: Vec<u32>,
    /// The line before the first.
    before: u64,
}

/// Where the fields are of a column that is being decoded, in some rows: each begins with its length.
struct Fields<'a, 'p> {
    data: &'a [u8],
    places: &'p [u32],
}

fn internal() -> Error {
    Error::internal("rows of COPY data are not where they were")
}

impl BinaryRows {
    /// `first` is where the first begins in the data, `ends` where each ends; `before` is the line before it.
    pub fn new(layout: &Arc<Layout>, data: Bytes, first: usize, ends: Vec<u32>, before: u64) -> Self {
        Self { layout: Arc::clone(layout), data, first, ends, before }
    }

    /// Where a row begins.
    fn place(&self, row: usize) -> usize {
        row.checked_sub(1).map_or(self.first, |before| self.ends[before] as usize)
    }

    /// All rows as a record batch.
    pub fn decode(&self, batches: &mut Batches) -> Result<DecodedBatch> {
        let columns = self.layout.columns();
        let types = self.layout.source.types.as_ref();
        let mut failed = None;
        'rows: for (row, end) in self.ends.iter().enumerate() {
            let data = self.data.get(self.place(row)..*end as usize).ok_or_else(internal)?;
            for (column, field) in fields(data, columns).enumerate() {
                let pushed = match field {
                    Some(field) => batches.column(column).push_binary(field, types),
                    None => {
                        batches.column(column).push_null();
                        Ok(())
                    }
                };
                if let Err(error) = pushed {
                    failed = Some(self.layout.at_field(error, column, self.before + row as u64 + 1));
                    break 'rows;
                }
            }
            batches.add_row(data.len());
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

    /// Writes a column of some rows, and where the next column's fields are; false if there are values that this does not know, or
    /// that are wrong.
    fn write_column<'a>(
        &self,
        fields: &Fields<'a, '_>,
        next: &mut [u32],
        at: (usize, usize),
        out: &mut Vectors<'a>,
    ) -> Result<bool> {
        match self.layout.ways[at.0] {
            Way::Bool => numbers(fields, next, at, out, |b: [u8; 1]| (b[0] < 2).then_some(b[0])),
            Way::Int2 => numbers(fields, next, at, out, |b| Some(i16::from_be_bytes(b))),
            Way::Int4 => numbers(fields, next, at, out, |b| Some(i32::from_be_bytes(b))),
            Way::Int8 => numbers(fields, next, at, out, |b| Some(i64::from_be_bytes(b))),
            Way::Float8 => numbers(fields, next, at, out, |b| Some(f64::from_be_bytes(b))),
            Way::Date => numbers(fields, next, at, out, |b| wire::date_from_wire(i32::from_be_bytes(b)).ok()),
            Way::Timestamp => numbers(fields, next, at, out, |b| wire::timestamp_from_wire(i64::from_be_bytes(b)).ok()),
            Way::Decimal { precision, scale } => {
                let read = |field: &[u8]| receive_decimal(field, precision, scale);
                match precision {
                    0..=4 => values(fields, next, at, out, |field| Some(read(field)? as i16)),
                    5..=9 => values(fields, next, at, out, |field| Some(read(field)? as i32)),
                    _ => values(fields, next, at, out, |field| Some(read(field)? as i64)),
                }
            }
            Way::Text(ty) => strings(fields, next, at, out, |field| {
                short_text(field, ty).filter(|text| is_plain(text) || wire::text(text).is_ok())
            }),
            Way::Bytea => strings(fields, next, at, out, Some),
            Way::Array => Ok(false),
        }
    }

    /// The same by way of an Arrow array, whatever the values; false if one of them is wrong.
    fn write_array(
        &self,
        fields: &Fields<'_, '_>,
        next: &mut [u32],
        (column, first): (usize, usize),
        out: &mut Vectors<'_>,
    ) -> Result<bool> {
        let types = self.layout.source.types.as_ref();
        let mut made = Column::new(&self.layout.source.columns[column], types);
        for (place, next) in fields.places.iter().zip(next) {
            let (field, end) = field_at(fields.data, *place).ok_or_else(internal)?;
            *next = end;
            match field {
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
        self.ends.len()
    }

    fn bytes(&self) -> usize {
        self.data.len() + 4 * self.ends.len()
    }

    fn write<'a>(&'a self, row: &mut usize, out: &mut Vectors<'a>) -> Result<()> {
        let (mut places, mut next) = ([0; STEP], [0; STEP]);
        let mut first = 0;
        while first < out.rows() {
            let rows = STEP.min(out.rows() - first);
            let (mut places, mut next) = (&mut places[..rows], &mut next[..rows]);
            for (i, place) in places.iter_mut().enumerate() {
                // Behind the number of fields.
                *place = self.place(*row + i) as u32 + 2;
            }
            for column in 0..self.layout.columns() {
                let at = (column, first);
                let fields = Fields { data: &self.data, places };
                if !self.write_column(&fields, next, at, out)? && !self.write_array(&fields, next, at, out)? {
                    self.check()?;
                    return Err(Error::internal("a value of COPY data is wrong and right"));
                }
                std::mem::swap(&mut places, &mut next);
            }
            *row += rows;
            first += rows;
        }
        Ok(())
    }

    fn check(&self) -> Result<()> {
        self.decode(&mut Batches::new(&self.layout.source)).map(drop)
    }
}

/// The field whose length stands there, `None` for NULL, and where it ends.
#[inline]
fn field_at(data: &[u8], place: u32) -> Option<(Option<&[u8]>, u32)> {
    let (length, rest) = data.get(place as usize..)?.split_first_chunk::<4>()?;
    match usize::try_from(i32::from_be_bytes(*length)) {
        Ok(length) => Some((Some(rest.get(..length)?), place + 4 + length as u32)),
        Err(_) => Some((None, place + 4)),
    }
}

/// Values of a fixed length, each a number of the engine's.
#[inline]
fn numbers<T: Number + Default, const N: usize>(
    fields: &Fields<'_, '_>,
    next: &mut [u32],
    (column, first): (usize, usize),
    out: &mut Vectors<'_>,
    read: impl Fn([u8; N]) -> Option<T>,
) -> Result<bool> {
    let mut nulls = false;
    let slots = &mut out.numbers::<T>(column)?[first..first + fields.places.len()];
    for ((slot, place), next) in slots.iter_mut().zip(fields.places).zip(next) {
        let (length, rest) =
            fields.data.get(*place as usize..).and_then(<[u8]>::split_first_chunk::<4>).ok_or_else(internal)?;
        if *length == (N as u32).to_be_bytes() {
            let Some(value) = rest.first_chunk::<N>().and_then(|field| read(*field)) else { return Ok(false) };
            slot.write(value);
            *next = place + 4 + N as u32;
        } else if i32::from_be_bytes(*length) < 0 {
            nulls = true;
            slot.write(T::default());
            *next = place + 4;
        } else {
            return Ok(false);
        }
    }
    tell_nulls(nulls, fields, (column, first), out);
    Ok(true)
}

/// Values of which each is a number of the engine's. NULLs are zeros there, and are told apart.
#[inline]
fn values<T: Number + Default>(
    fields: &Fields<'_, '_>,
    next: &mut [u32],
    (column, first): (usize, usize),
    out: &mut Vectors<'_>,
    read: impl Fn(&[u8]) -> Option<T>,
) -> Result<bool> {
    let mut nulls = false;
    let slots = &mut out.numbers::<T>(column)?[first..first + fields.places.len()];
    for ((slot, place), next) in slots.iter_mut().zip(fields.places).zip(next) {
        let (field, end) = field_at(fields.data, *place).ok_or_else(internal)?;
        *next = end;
        let value = match field {
            Some(field) => read(field),
            None => {
                nulls = true;
                Some(T::default())
            }
        };
        let Some(value) = value else { return Ok(false) };
        slot.write(value);
    }
    tell_nulls(nulls, fields, (column, first), out);
    Ok(true)
}

#[inline]
fn strings<'a>(
    fields: &Fields<'a, '_>,
    next: &mut [u32],
    (column, first): (usize, usize),
    out: &mut Vectors<'a>,
    read: impl Fn(&'a [u8]) -> Option<&'a [u8]>,
) -> Result<bool> {
    let mut nulls = false;
    let mut slots = out.strings(column)?;
    for ((row, place), next) in fields.places.iter().enumerate().zip(next) {
        let (field, end) = field_at(fields.data, *place).ok_or_else(internal)?;
        *next = end;
        let text = match field {
            Some(field) => read(field),
            None => {
                nulls = true;
                Some(&[][..])
            }
        };
        let Some(text) = text else { return Ok(false) };
        slots.put(first + row, text);
    }
    tell_nulls(nulls, fields, (column, first), out);
    Ok(true)
}

fn tell_nulls(nulls: bool, fields: &Fields<'_, '_>, (column, first): (usize, usize), out: &mut Vectors<'_>) {
    if nulls {
        let is_null = |place: u32| matches!(field_at(fields.data, place), Some((None, _)));
        let rows = fields.places.iter().enumerate().filter(|(_, place)| is_null(**place));
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
