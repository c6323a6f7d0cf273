//! DuckDB's vectors → Arrow arrays, read straight from their memory as the physical type says.
//!
//! A [`Column`] takes in ranges of vectors and gives one array of all of them. The type of a vector has been checked
//! ([`super::logical::check`]) before its memory is read. Vectors are flat: DuckDB flattens what it hands out, and what
//! lies inside lists and rows is copied flat by [`Flat`] first.

use std::sync::Arc;

use arrow::array::{
    ArrayData, ArrayRef, BooleanArray, BooleanBufferBuilder, Decimal128Array, ListArray, NullArray, StringArray,
    StructArray, make_array,
};
use arrow::buffer::{BooleanBuffer, Buffer, MutableBuffer, NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields};
use duckdb::ffi;

use super::logical::check;
use super::raw::LogicalType;
use crate::error::{Error, Result, SqlState};
use crate::types::Phys;
use crate::types::text::digits;

/// Collects one column of a batch.
pub(super) struct Column {
    phys: Phys,
    data: Data,
    /// Made with the first NULL.
    validity: Option<BooleanBufferBuilder>,
    len: usize,
}

enum Data {
    Bits(BooleanBufferBuilder),
    /// Values whose memory is Arrow's own: integers, floats, dates, times, timestamps, enum keys.
    Fixed {
        width: usize,
        bytes: MutableBuffer,
    },
    Decimal {
        width: usize,
        values: Vec<i128>,
    },
    Interval(Vec<i128>),
    Bytes {
        offsets: Vec<i32>,
        values: Vec<u8>,
    },
    Uuid {
        offsets: Vec<i32>,
        values: Vec<u8>,
    },
    List {
        offsets: Vec<i32>,
        child: Box<Column>,
    },
    Row(Vec<Column>),
    Null,
}

/// The width in bytes of DuckDB's integer behind a DECIMAL of this precision.
pub(super) fn decimal_width(precision: u8) -> usize {
    match precision {
        0..=4 => 2,
        5..=9 => 4,
        10..=18 => 8,
        _ => 16,
    }
}

/// The width in bytes of an enum's keys.
pub(super) fn enum_width(labels: usize) -> usize {
    match labels {
        0..=255 => 1,
        256..=65_535 => 2,
        _ => 4,
    }
}

impl Column {
    pub fn new(phys: &Phys) -> Self {
        let fixed = |width| Data::Fixed { width, bytes: MutableBuffer::new(0) };
        let data = match phys {
            Phys::Bool => Data::Bits(BooleanBufferBuilder::new(0)),
            Phys::Int2 => fixed(2),
            Phys::Int4 | Phys::Oid | Phys::Float4 | Phys::Date => fixed(4),
            Phys::Int8 | Phys::Float8 | Phys::Time | Phys::TimeTz | Phys::Timestamp | Phys::TimestampTz => fixed(8),
            Phys::Enum(labels) => fixed(enum_width(labels.len())),
            Phys::Decimal { precision, .. } => Data::Decimal { width: decimal_width(*precision), values: Vec::new() },
            Phys::Numeric
            | Phys::Text
            | Phys::Char(_)
            | Phys::Padded
            | Phys::Jsonb
            | Phys::Citext
            | Phys::Bytea
            | Phys::Coded(_) => Data::Bytes { offsets: vec![0], values: Vec::new() },
            Phys::Interval => Data::Interval(Vec::new()),
            Phys::Uuid => Data::Uuid { offsets: vec![0], values: Vec::new() },
            Phys::List(element) => Data::List { offsets: vec![0], child: Box::new(Self::new(element)) },
            Phys::Shaped(fields) | Phys::Row(fields) => Data::Row(fields.iter().map(Self::new).collect()),
            Phys::Void => Data::Null,
        };
        Self { phys: phys.clone(), data, validity: None, len: 0 }
    }

    /// Roughly how many bytes it holds.
    pub fn bytes(&self) -> usize {
        match &self.data {
            Data::Bits(bits) => bits.len() / 8,
            Data::Fixed { bytes, .. } => bytes.len(),
            Data::Decimal { values, .. } => values.len() * 16,
            Data::Interval(values) => values.len() * 16,
            Data::Bytes { values, offsets } | Data::Uuid { values, offsets } => values.len() + offsets.len() * 4,
            Data::List { offsets, child } => offsets.len() * 4 + child.bytes(),
            Data::Row(children) => children.iter().map(Self::bytes).sum(),
            Data::Null => 0,
        }
    }

    /// Takes in a column of a chunk that DuckDB gave.
    ///
    /// # Safety
    /// `vector` is live and flat, and holds `rows` rows or more of a type that `check` found to be this column's.
    pub unsafe fn append(&mut self, vector: ffi::duckdb_vector, rows: usize) -> Result<()> {
        if matches!(self.phys, Phys::List(_) | Phys::Shaped(_) | Phys::Row(_)) {
            let flat = Flat::of(vector, rows, &self.phys)?;
            // SAFETY: Flat is a deep copy of the vector with all its rows, and lives until the end of this block.
            return unsafe { self.append_range(flat.vector, 0, rows) };
        }
        // SAFETY: by this function's contract.
        unsafe { self.append_range(vector, 0, rows) }
    }

    /// Takes in NULLs: what a column of bare NULLs gives.
    pub fn append_nulls(&mut self, rows: usize) {
        self.push_validity(|bits| bits.append_n(rows, false));
        match &mut self.data {
            Data::Bits(bits) => bits.append_n(rows, false),
            Data::Fixed { width, bytes } => bytes.resize(bytes.len() + *width * rows, 0),
            Data::Decimal { values, .. } => values.resize(values.len() + rows, 0),
            Data::Interval(values) => values.resize(values.len() + rows, 0),
            Data::Bytes { offsets, .. } | Data::Uuid { offsets, .. } | Data::List { offsets, .. } => {
                offsets.resize(offsets.len() + rows, offsets.last().copied().unwrap_or(0));
            }
            Data::Row(children) => children.iter_mut().for_each(|child| child.append_nulls(rows)),
            Data::Null => {}
        }
        self.len += rows;
    }

    fn push_validity(&mut self, push: impl FnOnce(&mut BooleanBufferBuilder)) {
        let len = self.len;
        let bits = self.validity.get_or_insert_with(|| {
            let mut bits = BooleanBufferBuilder::new(len + 2048);
            bits.append_n(len, true);
            bits
        });
        push(bits);
    }

    /// # Safety
    /// As [`Self::append`], and the vector holds at least `from + rows` rows, flat all the way down.
    unsafe fn append_range(&mut self, vector: ffi::duckdb_vector, from: usize, rows: usize) -> Result<()> {
        if rows == 0 {
            return Ok(());
        }
        if matches!(self.data, Data::Null) {
            self.len += rows;
            return Ok(());
        }
        // SAFETY: a live vector.
        let mask = unsafe { ffi::duckdb_vector_get_validity(vector) };
        let valid = Validity { mask, from };
        // SAFETY: the mask covers the vector's rows.
        let all_valid = mask.is_null() || unsafe { valid.all(rows) };
        if !all_valid || self.validity.is_some() {
            self.push_validity(|bits| {
                if all_valid {
                    bits.append_n(rows, true);
                } else {
                    // SAFETY: the mask covers from + rows bits, in 64-bit words.
                    let bytes =
                        unsafe { std::slice::from_raw_parts(mask.cast::<u8>(), (from + rows).div_ceil(64) * 8) };
                    bits.append_packed_range(from..from + rows, bytes);
                }
            });
        }
        // SAFETY: a live vector; its data is an array of the type that was checked.
        let data = unsafe { ffi::duckdb_vector_get_data(vector) };
        // SAFETY: by this function's contract.
        unsafe { self.append_values(vector, data.cast(), &valid, all_valid, rows)? };
        self.len += rows;
        Ok(())
    }

    /// # Safety
    /// As [`Self::append_range`]; `data` is the vector's.
    unsafe fn append_values(
        &mut self,
        vector: ffi::duckdb_vector,
        data: *const u8,
        valid: &Validity,
        all_valid: bool,
        rows: usize,
    ) -> Result<()> {
        let from = valid.from;
        // SAFETY (of the closure's callers): the vector holds from + rows values of T.
        unsafe fn values<'a, T>(data: *const u8, from: usize, rows: usize) -> &'a [T] {
            // SAFETY: by the caller's word; DuckDB aligns vectors' data for their type.
            unsafe { std::slice::from_raw_parts(data.cast::<T>().add(from), rows) }
        }
        match &mut self.data {
            Data::Bits(bits) => {
                // DuckDB's bool is a byte; rows that are NULL may hold anything, so it is compared, not reinterpreted.
                // SAFETY: one byte a row.
                let bytes = unsafe { values::<u8>(data, from, rows) };
                bits.reserve(rows);
                bytes.iter().for_each(|b| bits.append(*b != 0));
            }
            Data::Fixed { width, bytes } => {
                // SAFETY: `width` bytes a row.
                bytes.extend_from_slice(unsafe { values::<u8>(data, from * *width, rows * *width) });
            }
            Data::Decimal { width, values: out } => match width {
                // SAFETY: the physical width of a DECIMAL follows from its precision, which was checked.
                2 => out.extend(unsafe { values::<i16>(data, from, rows) }.iter().map(|v| i128::from(*v))),
                // SAFETY: as above.
                4 => out.extend(unsafe { values::<i32>(data, from, rows) }.iter().map(|v| i128::from(*v))),
                // SAFETY: as above.
                8 => out.extend(unsafe { values::<i64>(data, from, rows) }.iter().map(|v| i128::from(*v))),
                // SAFETY: as above.
                _ => out.extend(unsafe { values::<ffi::duckdb_hugeint>(data, from, rows) }.iter().map(hugeint)),
            },
            Data::Interval(out) => {
                // SAFETY: the checked type is INTERVAL.
                let intervals = unsafe { values::<ffi::duckdb_interval>(data, from, rows) };
                out.extend(
                    intervals.iter().map(|v| crate::types::table::interval_bits::pack(v.months, v.days, v.micros)),
                );
            }
            Data::Bytes { offsets, values: out } => {
                // SAFETY: the checked type is VARCHAR or BLOB.
                let strings = unsafe { values::<ffi::duckdb_string_t>(data, from, rows) };
                offsets.reserve(rows);
                out.reserve(rows * INLINED);
                for (i, string) in strings.iter().enumerate() {
                    // SAFETY: the mask covers the row.
                    if all_valid || unsafe { valid.is(i) } {
                        // SAFETY: a valid row's string points to its bytes, which live as long as the vector.
                        unsafe { put_string(string, out) };
                    }
                    // Checked below: the last is the largest.
                    offsets.push(out.len() as i32);
                }
                offset(out.len())?;
            }
            Data::Uuid { offsets, values: out } => {
                // SAFETY: the checked type is UUID, a hugeint whose top bit is flipped.
                let uuids = unsafe { values::<ffi::duckdb_hugeint>(data, from, rows) };
                for (i, value) in uuids.iter().enumerate() {
                    // SAFETY: the mask covers the row.
                    if all_valid || unsafe { valid.is(i) } {
                        let bits = hugeint(value) as u128 ^ (1 << 127);
                        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
                        out.extend_from_slice(
                            uuid::Uuid::from_u128(bits).hyphenated().encode_lower(&mut text).as_bytes(),
                        );
                    }
                    offsets.push(offset(out.len())?);
                }
            }
            Data::List { offsets, child } => {
                // SAFETY: the checked type is LIST.
                let entries = unsafe { values::<ffi::duckdb_list_entry>(data, from, rows) };
                // SAFETY: a live list vector; the child lives as long as it.
                let elements = unsafe { ffi::duckdb_list_vector_get_child(vector) };
                let mut end = offsets.last().copied().unwrap_or(0) as usize;
                for (i, entry) in entries.iter().enumerate() {
                    // SAFETY: the mask covers the row.
                    if all_valid || unsafe { valid.is(i) } {
                        // SAFETY: a valid row's entry is a range of the child, whose type was checked too.
                        unsafe { child.append_range(elements, entry.offset as usize, entry.length as usize)? };
                        end += entry.length as usize;
                    }
                    offsets.push(offset(end)?);
                }
            }
            Data::Row(children) => {
                for (i, child) in children.iter_mut().enumerate() {
                    // SAFETY: a live struct vector with that many children, checked; each has the parent's rows.
                    unsafe { child.append_range(ffi::duckdb_struct_vector_get_child(vector, i as u64), from, rows)? };
                }
            }
            Data::Null => {}
        }
        Ok(())
    }

    /// The array of all that was taken in.
    pub fn finish(mut self) -> Result<ArrayRef> {
        let len = self.len;
        let nulls = self.validity.take().map(|mut bits| NullBuffer::new(bits.finish()));
        let array: ArrayRef = match self.data {
            Data::Bits(mut bits) => Arc::new(BooleanArray::new(bits.finish(), nulls)),
            Data::Fixed { bytes, .. } => {
                if let Phys::Enum(labels) = &self.phys {
                    return enum_array(bytes, labels, len, nulls);
                }
                fixed_array(self.phys.arrow(), bytes, len, nulls)?
            }
            Data::Decimal { values, .. } => {
                let array = Decimal128Array::new(values.into(), nulls);
                Arc::new(array.with_data_type(self.phys.arrow()))
            }
            Data::Interval(values) => {
                let array = Decimal128Array::new(values.into(), nulls);
                Arc::new(array.with_data_type(self.phys.arrow()))
            }
            Data::Bytes { offsets, values } => bytes_array(self.phys.arrow(), offsets, values, len, nulls)?,
            Data::Uuid { offsets, values } => bytes_array(DataType::Utf8, offsets, values, len, nulls)?,
            Data::List { offsets, child } => {
                let child = child.finish()?;
                let field = Arc::new(Field::new("l", child.data_type().clone(), true));
                let offsets = OffsetBuffer::new(offsets.into());
                Arc::new(ListArray::try_new(field, offsets, child, nulls).map_err(Error::internal)?)
            }
            Data::Row(children) => {
                let children = children.into_iter().map(Self::finish).collect::<Result<Vec<_>>>()?;
                let fields: Fields = children
                    .iter()
                    .enumerate()
                    .map(|(i, child)| Field::new(format!("f{}", i + 1), child.data_type().clone(), true))
                    .collect();
                Arc::new(StructArray::try_new_with_length(fields, children, nulls, len).map_err(Error::internal)?)
            }
            Data::Null => Arc::new(NullArray::new(len)),
        };
        Ok(array)
    }
}

/// A vector's validity mask, from row `from` on.
struct Validity {
    mask: *const u64,
    from: usize,
}

impl Validity {
    /// # Safety
    /// The mask is not NULL and covers the row.
    unsafe fn is(&self, row: usize) -> bool {
        let row = self.from + row;
        // SAFETY: by this function's contract.
        unsafe { *self.mask.add(row / 64) >> (row % 64) & 1 == 1 }
    }

    /// # Safety
    /// The mask is not NULL and covers the rows.
    unsafe fn all(&self, rows: usize) -> bool {
        // SAFETY: the mask's words cover from + rows bits.
        let words = unsafe { std::slice::from_raw_parts(self.mask.cast::<u8>(), (self.from + rows).div_ceil(64) * 8) };
        BooleanBuffer::new(Buffer::from(words), self.from, rows).count_set_bits() == rows
    }
}

fn hugeint(value: &ffi::duckdb_hugeint) -> i128 {
    i128::from(value.upper) << 64 | i128::from(value.lower)
}

/// A string's bytes.
///
/// # Safety
/// `string` is a valid string of a live vector.
pub(super) unsafe fn string_bytes(string: &ffi::duckdb_string_t) -> &[u8] {
    // SAFETY: the length is the first word of both forms; up to twelve bytes are inline, else the pointer counts.
    unsafe {
        let length = string.value.inlined.length as usize;
        if length <= 12 {
            std::slice::from_raw_parts(string.value.inlined.inlined.as_ptr().cast(), length)
        } else {
            std::slice::from_raw_parts(string.value.pointer.ptr.cast(), length)
        }
    }
}

/// Up to so many bytes of a string stand in the string itself.
const INLINED: usize = 12;

/// Appends a string's bytes.
///
/// # Safety
/// As [`string_bytes`].
#[inline]
unsafe fn put_string(string: &ffi::duckdb_string_t, out: &mut Vec<u8>) {
    // SAFETY: the length is the first word of both forms.
    let length = unsafe { string.value.inlined.length } as usize;
    if length <= INLINED {
        // SAFETY: a string of this length is inline; DuckDB has written all of its bytes, those behind its end with zeros.
        digits::put_prefix(out, &unsafe { string.value.inlined.inlined }.map(|c| c as u8), length);
    } else {
        // SAFETY: by this function's contract.
        out.extend_from_slice(unsafe { string_bytes(string) });
    }
}

fn offset(len: usize) -> Result<i32> {
    i32::try_from(len).map_err(|_| {
        Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "values of 2048 rows exceed 2 GB")
            .hint("Read such large values fewer rows at a time.")
    })
}

fn fixed_array(ty: DataType, bytes: MutableBuffer, len: usize, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
    let data = ArrayData::builder(ty).len(len).add_buffer(bytes.into()).nulls(nulls);
    Ok(make_array(data.build().map_err(Error::internal)?))
}

fn bytes_array(
    ty: DataType,
    offsets: Vec<i32>,
    values: Vec<u8>,
    len: usize,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef> {
    let data = ArrayData::builder(ty)
        .len(len)
        .add_buffer(Buffer::from_vec(offsets))
        .add_buffer(Buffer::from_vec(values))
        .nulls(nulls);
    // SAFETY: offsets grow by construction and end at the values' end, and DuckDB's VARCHAR is UTF-8 by its own checks
    // (our natives and feeds write only Rust strings).
    Ok(make_array(unsafe { data.build_unchecked() }))
}

fn enum_array(bytes: MutableBuffer, labels: &[Arc<str>], len: usize, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
    let key = match enum_width(labels.len()) {
        1 => DataType::UInt8,
        2 => DataType::UInt16,
        _ => DataType::UInt32,
    };
    let values = StringArray::from_iter_values(labels.iter());
    let data = ArrayData::builder(DataType::Dictionary(Box::new(key), Box::new(DataType::Utf8)))
        .len(len)
        .add_buffer(bytes.into())
        .add_child_data(arrow::array::Array::to_data(&values))
        .nulls(nulls);
    Ok(make_array(data.build().map_err(Error::internal)?))
}

/// A deep copy of a vector, flat at every level: what lies inside lists and rows may be a dictionary or a constant.
struct Flat {
    vector: ffi::duckdb_vector,
}

impl Flat {
    fn of(source: ffi::duckdb_vector, rows: usize, phys: &Phys) -> Result<Self> {
        // SAFETY: a live vector; the type is ours to destroy.
        let ty = LogicalType(unsafe { ffi::duckdb_vector_get_column_type(source) });
        check(&ty, phys)?;
        // The copy has the vector's own type: a row's fields may bear other names than ours.
        // SAFETY: a live type.
        let flat = Self { vector: unsafe { ffi::duckdb_create_vector(ty.0, rows as u64) } };
        // SAFETY: made here, filled below, destroyed below.
        let all = unsafe { ffi::duckdb_create_selection_vector(rows as u64) };
        // SAFETY: the selection has room for that many indexes.
        let indexes = unsafe { std::slice::from_raw_parts_mut(ffi::duckdb_selection_vector_get_data_ptr(all), rows) };
        indexes.iter_mut().zip(0..).for_each(|(slot, i)| *slot = i);
        // SAFETY: both vectors have the same type and room for the rows that the selection names.
        unsafe { ffi::duckdb_vector_copy_sel(source, flat.vector, all, rows as u64, 0, 0) };
        // SAFETY: made above, destroyed once.
        unsafe { ffi::duckdb_destroy_selection_vector(all) };
        Ok(flat)
    }
}

impl Drop for Flat {
    fn drop(&mut self) {
        // SAFETY: made by duckdb_create_vector, destroyed once.
        unsafe { ffi::duckdb_destroy_vector(&mut self.vector) };
    }
}

/// The array of one vector: an argument of a native function.
///
/// # Safety
/// `vector` is live, flat, and holds `rows` rows or more.
pub(super) unsafe fn array_of(vector: ffi::duckdb_vector, rows: usize, phys: &Phys) -> Result<ArrayRef> {
    let mut column = Column::new(phys);
    // SAFETY: by this function's contract; the type is what the function was registered with, or checked by Flat.
    unsafe { column.append(vector, rows)? };
    column.finish()
}
