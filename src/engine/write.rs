//! Arrow arrays → DuckDB's vectors, written straight into their memory as the physical type says.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, GenericByteArray, PrimitiveArray};
use arrow::datatypes::{
    ByteArrayType, DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
    Time64MicrosecondType, TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type,
};
use duckdb::ffi;

use super::bind::hugeint;
use super::read::{decimal_width, enum_width};
use super::unwind;
use crate::error::{Error, Result, SqlState};
use crate::types::Phys;

/// Bytes of a string that has no others.
const INLINED: usize = 12;

/// Rows of an array, and where in a vector they go.
#[derive(Clone, Copy)]
pub(super) struct Span {
    /// The first row of the array.
    pub from: usize,
    /// The first row of the vector.
    pub at: usize,
    pub rows: usize,
    pub texts: Texts,
}

/// What becomes of texts and bytes that are too long to stand in a vector itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Texts {
    /// DuckDB copies them.
    Copied,
    /// The vector points to the array's own, which lives for as long as the vector is used.
    Lent,
}

/// Writes rows of `array` into `vector`. Fails, having written nothing that counts, if the array is not of the
/// physical type's Arrow type.
///
/// # Safety
/// `vector` is live, flat, writable, of DuckDB's type for `phys`, and has room for the rows; the array has them, and lives as
/// long as `span.texts` says.
pub(super) unsafe fn write(vector: ffi::duckdb_vector, array: &ArrayRef, span: Span, phys: &Phys) -> Result<()> {
    if span.rows == 0 {
        return Ok(());
    }
    if array.len() < span.from + span.rows {
        return Err(Error::internal("an array is shorter than its batch"));
    }
    if matches!(array.data_type(), DataType::Null) || *phys == Phys::Void {
        // SAFETY: by this function's contract.
        unsafe { set_null(vector, phys, (0..span.rows).map(|i| span.at + i)) };
        return Ok(());
    }
    // SAFETY: a live vector; what it points to is written below by the type that it has.
    let data = unsafe { ffi::duckdb_vector_get_data(vector) };
    let target = Target { vector, data, span };
    // SAFETY: by this function's contract, each arm writes what the vector's type holds.
    unsafe {
        match phys {
            Phys::Bool => {
                let values = array.as_boolean_opt().ok_or_else(|| wrong(array, phys))?;
                for i in 0..span.rows {
                    target.put(i, u8::from(values.value(span.from + i)));
                }
            }
            Phys::Int2 => target.copy::<Int16Type>(array, phys)?,
            Phys::Int4 => target.copy::<Int32Type>(array, phys)?,
            Phys::Int8 | Phys::TimeTz => target.copy::<Int64Type>(array, phys)?,
            Phys::Oid => target.copy::<UInt32Type>(array, phys)?,
            Phys::Float4 => target.copy::<Float32Type>(array, phys)?,
            Phys::Float8 => target.copy::<Float64Type>(array, phys)?,
            Phys::Date => target.copy::<Date32Type>(array, phys)?,
            Phys::Time => target.copy::<Time64MicrosecondType>(array, phys)?,
            Phys::Timestamp | Phys::TimestampTz => target.copy::<TimestampMicrosecondType>(array, phys)?,
            Phys::Decimal { precision, scale } => target.decimals(array, phys, *precision, *scale)?,
            Phys::Numeric | Phys::Text | Phys::Char(_) | Phys::Padded | Phys::Jsonb | Phys::Citext => {
                let values = array.as_string_opt::<i32>().ok_or_else(|| wrong(array, phys))?;
                target.strings(values);
            }
            Phys::Bytea | Phys::Coded(_) => {
                let values = array.as_binary_opt::<i32>().ok_or_else(|| wrong(array, phys))?;
                target.strings(values);
            }
            Phys::Interval => target.intervals(array, phys)?,
            Phys::Uuid => target.uuids(array, phys)?,
            Phys::Enum(labels) => target.enums(array, phys, labels)?,
            Phys::List(element) => target.lists(array, phys, element)?,
            Phys::Shaped(fields) | Phys::Row(fields) => target.structs(array, phys, fields)?,
            Phys::Void => {}
        }
        if array.null_count() > 0 {
            let nulls = (0..span.rows).filter(|i| array.is_null(span.from + i)).map(|i| span.at + i);
            set_null(vector, phys, nulls);
        }
    }
    Ok(())
}

fn wrong(array: &ArrayRef, phys: &Phys) -> Error {
    Error::internal(format!("an array of {} was given for {phys:?}", array.data_type()))
}

/// Makes rows NULL, a row value's fields with it.
///
/// # Safety
/// As [`write`].
pub(super) unsafe fn set_null(vector: ffi::duckdb_vector, phys: &Phys, rows: impl Iterator<Item = usize> + Clone) {
    // SAFETY: a live, writable vector; the mask then covers all its rows.
    unsafe {
        unwind::duckdb_vector_ensure_validity_writable(vector);
        let mask = ffi::duckdb_vector_get_validity(vector);
        for row in rows.clone() {
            *mask.add(row / 64) &= !(1 << (row % 64));
        }
    }
    if let Phys::Shaped(fields) | Phys::Row(fields) = phys {
        let rows: Vec<usize> = rows.collect();
        for (i, field) in fields.iter().enumerate() {
            // SAFETY: a live struct vector with that many children, each with the parent's rows.
            unsafe {
                set_null(ffi::duckdb_struct_vector_get_child(vector, i as u64), field, rows.iter().copied());
            }
        }
    }
}

/// A string as DuckDB has it: a short one's bytes are in it, a longer one begins with four of them and points to all. It is made in
/// registers: what is stored in pieces and read as a whole stalls.
#[inline]
pub(super) fn string(bytes: &[u8]) -> ffi::duckdb_string_t {
    let rest = if bytes.len() <= INLINED {
        inlined(bytes)
    } else {
        let prefix = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        u128::from(prefix) | (bytes.as_ptr().expose_provenance() as u128) << 32
    };
    let value = u128::from(bytes.len() as u32) | rest << 32;
    // SAFETY: sixteen bytes of which any are a string: its length, then its bytes, or four of them and a pointer.
    unsafe { std::mem::transmute::<[u8; 16], ffi::duckdb_string_t>(value.to_le_bytes()) }
}

/// At most twelve bytes and zeros behind them: from pieces of fixed size, which may overlap.
#[inline]
fn inlined(bytes: &[u8]) -> u128 {
    let n = bytes.len();
    if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        // Of the last eight those that are not among the first.
        let beyond = u64::from_le_bytes(*last).checked_shr(8 * (16 - n) as u32).unwrap_or(0);
        u128::from(u64::from_le_bytes(*first)) | u128::from(beyond) << 64
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        u128::from(u32::from_le_bytes(*first)) | u128::from(u32::from_le_bytes(*last)) << (8 * (n - 4))
    } else if let [first, .., last] = bytes {
        u128::from(*first) | u128::from(bytes[n / 2]) << (8 * (n / 2)) | u128::from(*last) << (8 * (n - 1))
    } else {
        bytes.first().map_or(0, |only| u128::from(*only))
    }
}

struct Target {
    vector: ffi::duckdb_vector,
    data: *mut std::ffi::c_void,
    span: Span,
}

impl Target {
    /// # Safety
    /// The vector holds values of T, and row `i` of the span is in it.
    unsafe fn put<T>(&self, i: usize, value: T) {
        // SAFETY: by this function's contract; DuckDB aligns a vector's data for its type.
        unsafe { self.data.cast::<T>().add(self.span.at + i).write(value) };
    }

    /// # Safety
    /// The vector holds values of T's native type.
    unsafe fn copy<T: ArrowPrimitiveType>(&self, array: &ArrayRef, phys: &Phys) -> Result<()> {
        let values: &PrimitiveArray<T> = array.as_primitive_opt().ok_or_else(|| wrong(array, phys))?;
        let values = &values.values()[self.span.from..self.span.from + self.span.rows];
        // SAFETY: room for the rows by the contract; source and target do not overlap.
        unsafe {
            std::ptr::copy_nonoverlapping(
                values.as_ptr(),
                self.data.cast::<T::Native>().add(self.span.at),
                self.span.rows,
            );
        }
        Ok(())
    }

    unsafe fn decimals(&self, array: &ArrayRef, phys: &Phys, precision: u8, scale: u8) -> Result<()> {
        let values = array.as_primitive_opt::<Decimal128Type>().ok_or_else(|| wrong(array, phys))?;
        if values.scale() != scale as i8 {
            return Err(wrong(array, phys));
        }
        let rows = self.span.from..self.span.from + self.span.rows;
        let known = &values.values()[rows.clone()];
        let limit = 10i128.pow(u32::from(precision)).unsigned_abs();
        // SAFETY: the physical width of a DECIMAL follows from its precision. What does not fit it is cut off: where it stands for NULL
        // nobody reads it, and elsewhere it is an error.
        let fit = unsafe {
            match decimal_width(precision) {
                2 => self.narrow(known, limit, |value| value as i16),
                4 => self.narrow(known, limit, |value| value as i32),
                8 => self.narrow(known, limit, |value| value as i64),
                _ => self.narrow(known, limit, hugeint),
            }
        };
        if !fit && rows.zip(known).any(|(row, value)| values.is_valid(row) && value.unsigned_abs() >= limit) {
            return Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "numeric field overflow"));
        }
        Ok(())
    }

    /// Writes values in another form; true if all are less than the limit.
    ///
    /// # Safety
    /// The vector holds values of T, and there are no more than the span's.
    unsafe fn narrow<T>(&self, known: &[i128], limit: u128, form: impl Fn(i128) -> T) -> bool {
        let mut fit = true;
        for (i, value) in known.iter().enumerate() {
            fit &= value.unsigned_abs() < limit;
            // SAFETY: by this function's contract.
            unsafe { self.put(i, form(*value)) };
        }
        fit
    }

    /// # Safety
    /// The vector holds strings.
    unsafe fn strings<T: ByteArrayType<Offset = i32>>(&self, values: &GenericByteArray<T>) {
        let offsets = &values.value_offsets()[self.span.from..=self.span.from + self.span.rows];
        let data = values.value_data();
        let nulls = values.nulls();
        for i in 0..self.span.rows {
            let bytes = match nulls {
                Some(nulls) if nulls.is_null(self.span.from + i) => &[],
                Some(_) | None => &data[offsets[i] as usize..offsets[i + 1] as usize],
            };
            if bytes.len() > INLINED && self.span.texts == Texts::Copied {
                // SAFETY: a live vector of strings with that row; DuckDB copies the bytes. They are UTF-8 or a blob's.
                unsafe {
                    unwind::duckdb_unsafe_vector_assign_string_element_len(
                        self.vector,
                        (self.span.at + i) as u64,
                        bytes.as_ptr().cast(),
                        bytes.len() as u64,
                    );
                }
            } else {
                // SAFETY: a short string's bytes are all in it; a longer one's outlive the vector's use.
                unsafe { self.put(i, string(bytes)) };
            }
        }
    }

    unsafe fn intervals(&self, array: &ArrayRef, phys: &Phys) -> Result<()> {
        let values = array.as_primitive_opt::<Decimal128Type>().ok_or_else(|| wrong(array, phys))?;
        for i in 0..self.span.rows {
            let (months, days, micros) = crate::types::table::interval_bits::unpack(values.value(self.span.from + i));
            // SAFETY: the vector holds intervals.
            unsafe { self.put(i, ffi::duckdb_interval { months, days, micros }) };
        }
        Ok(())
    }

    unsafe fn uuids(&self, array: &ArrayRef, phys: &Phys) -> Result<()> {
        let values = array.as_string_opt::<i32>().ok_or_else(|| wrong(array, phys))?;
        for i in 0..self.span.rows {
            let row = self.span.from + i;
            let bits = match array.is_null(row) {
                true => 0,
                false => uuid::Uuid::parse_str(values.value(row)).map_err(Error::internal)?.as_u128(),
            };
            // SAFETY: the vector holds UUIDs: hugeints whose top bit is flipped.
            unsafe { self.put(i, hugeint((bits ^ (1 << 127)) as i128)) };
        }
        Ok(())
    }

    unsafe fn enums(&self, array: &ArrayRef, phys: &Phys, labels: &[Arc<str>]) -> Result<()> {
        let invalid = |label: &str| {
            Error::new(SqlState::INVALID_TEXT_REPRESENTATION, format!("invalid input value for enum: \"{label}\""))
        };
        let index = |label: &str| labels.iter().position(|l| **l == *label).ok_or_else(|| invalid(label));
        // Each dictionary value is looked up once.
        let (keys, map): (ArrayRef, Option<Vec<Result<usize>>>) = match array.as_any_dictionary_opt() {
            Some(dictionary) => {
                let values = dictionary.values().as_string_opt::<i32>().ok_or_else(|| wrong(array, phys))?;
                let map = values.iter().map(|label| index(label.unwrap_or_default())).collect();
                (dictionary.keys().slice(0, dictionary.keys().len()), Some(map))
            }
            None => (Arc::clone(array), None),
        };
        for i in 0..self.span.rows {
            let row = self.span.from + i;
            let label = if array.is_null(row) {
                0
            } else if let Some(map) = &map {
                let key = match keys.data_type() {
                    DataType::UInt8 => usize::from(keys.as_primitive::<UInt8Type>().value(row)),
                    DataType::UInt16 => usize::from(keys.as_primitive::<UInt16Type>().value(row)),
                    DataType::UInt32 => keys.as_primitive::<UInt32Type>().value(row) as usize,
                    DataType::Int32 => keys.as_primitive::<Int32Type>().value(row) as usize,
                    _ => return Err(wrong(array, phys)),
                };
                map.get(key).ok_or_else(|| wrong(array, phys))?.clone()?
            } else {
                index(array.as_string_opt::<i32>().ok_or_else(|| wrong(array, phys))?.value(row))?
            };
            // SAFETY: the width of an enum's keys follows from the number of its labels.
            unsafe {
                match enum_width(labels.len()) {
                    1 => self.put(i, label as u8),
                    2 => self.put(i, label as u16),
                    _ => self.put(i, label as u32),
                }
            }
        }
        Ok(())
    }

    unsafe fn lists(&self, array: &ArrayRef, phys: &Phys, element: &Phys) -> Result<()> {
        let lists = array.as_list_opt::<i32>().ok_or_else(|| wrong(array, phys))?;
        let offsets = &lists.value_offsets()[self.span.from..=self.span.from + self.span.rows];
        let (first, last) = (offsets[0] as usize, offsets[self.span.rows] as usize);
        // SAFETY: a live list vector; its child is asked for after it has been given room, which may move it.
        let (base, child) = unsafe {
            let base = ffi::duckdb_list_vector_get_size(self.vector) as usize;
            let size = (base + last - first) as u64;
            unwind::duckdb_list_vector_reserve(self.vector, size);
            unwind::duckdb_list_vector_set_size(self.vector, size);
            (base, ffi::duckdb_list_vector_get_child(self.vector))
        };
        for i in 0..self.span.rows {
            let entry = ffi::duckdb_list_entry {
                offset: (base + offsets[i] as usize - first) as u64,
                length: (offsets[i + 1] - offsets[i]) as u64,
            };
            // SAFETY: the vector holds list entries.
            unsafe { self.put(i, entry) };
        }
        let span = Span { from: first, at: base, rows: last - first, texts: self.span.texts };
        // SAFETY: the child has DuckDB's type for the element and room for the rows.
        unsafe { write(child, lists.values(), span, element) }
    }

    unsafe fn structs(&self, array: &ArrayRef, phys: &Phys, fields: &[Phys]) -> Result<()> {
        let rows = array.as_struct_opt().ok_or_else(|| wrong(array, phys))?;
        if rows.num_columns() != fields.len() {
            return Err(wrong(array, phys));
        }
        for (i, field) in fields.iter().enumerate() {
            // SAFETY: a live struct vector with that many children, each with the parent's rows.
            unsafe {
                write(ffi::duckdb_struct_vector_get_child(self.vector, i as u64), rows.column(i), self.span, field)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_strings_stand_in_the_vector_with_zeros_behind() {
        for n in 0..=INLINED {
            let text: Vec<u8> = (1..=n as u8).collect();
            let mut wanted = [0; 16];
            wanted[..n].copy_from_slice(&text);
            assert_eq!(inlined(&text).to_le_bytes(), wanted);
        }
    }
}
