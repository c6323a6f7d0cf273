//! Rows that come to a feed as a client has sent them: the threads that load decode them, straight into DuckDB's vectors.

use std::mem::MaybeUninit;

use arrow::array::{Array, ArrayRef};
use duckdb::ffi;

use super::read::decimal_width;
use super::write::{Span, Texts, set_null, string, write};
use crate::error::{Error, Result};
use crate::types::Phys;

/// Rows of COPY data that are not decoded yet. They are read once, from the first to the last.
pub trait Block: Send + Sync {
    fn rows(&self) -> usize;
    /// What it takes of memory, about.
    fn bytes(&self) -> usize;
    /// Writes the rows that come next, from this one on: as many as there is room for.
    ///
    /// # Errors
    /// Of the first value of the whole block that its column cannot have.
    fn write<'a>(&'a self, row: &mut usize, out: &mut Vectors<'a>) -> Result<()>;
    /// Looks at every value; as [`Self::write`] fails.
    fn check(&self) -> Result<()>;
}

/// Columns of DuckDB's that are being filled: some rows of them, counted from 0. What is written here DuckDB sees when all is
/// right ([`Self::settle`]); texts are not copied.
pub struct Vectors<'a> {
    columns: &'a [(String, Phys)],
    vectors: Vec<Vector>,
    /// The first row, in the vectors.
    first: usize,
    rows: usize,
    nulls: Vec<Vec<usize>>,
    arrays: Vec<(usize, usize, ArrayRef)>,
    texts: std::marker::PhantomData<&'a [u8]>,
}

#[derive(Clone, Copy)]
struct Vector {
    vector: ffi::duckdb_vector,
    data: *mut std::ffi::c_void,
}

/// What a column of numbers has in DuckDB's memory.
pub trait Number: Copy {
    fn is_of(phys: &Phys) -> bool;
}

macro_rules! numbers {
    ($($ty:ty: $width:literal, $($phys:path)|*;)*) => {
        $(impl Number for $ty {
            fn is_of(phys: &Phys) -> bool {
                match phys {
                    Phys::Decimal { precision, .. } => decimal_width(*precision) == $width,
                    other => matches!(other, $($phys)|*),
                }
            }
        })*
    };
}

numbers! {
    u8: 1, Phys::Bool;
    i16: 2, Phys::Int2;
    i32: 4, Phys::Int4 | Phys::Date;
    i64: 8, Phys::Int8 | Phys::Timestamp | Phys::TimestampTz;
    f64: 0, Phys::Float8;
}

/// Rows of a column of texts or bytes.
pub struct Strings<'v, 'a> {
    slots: &'v mut [MaybeUninit<ffi::duckdb_string_t>],
    texts: std::marker::PhantomData<&'a [u8]>,
}

impl<'a> Strings<'_, 'a> {
    /// DuckDB reads the text where it is.
    #[inline]
    pub fn put(&mut self, row: usize, text: &'a [u8]) {
        self.slots[row].write(string(text));
    }
}

impl<'a> Vectors<'a> {
    /// # Safety
    /// The chunk is live and has these columns, flat and writable, with room for the rows from `first` on. What the texts are in
    /// lives for as long as DuckDB uses the chunk.
    pub(super) unsafe fn of(
        chunk: ffi::duckdb_data_chunk,
        columns: &'a [(String, Phys)],
        first: usize,
        rows: usize,
    ) -> Self {
        let vector = |column: usize| {
            // SAFETY: a live chunk with that many columns.
            unsafe {
                let vector = ffi::duckdb_data_chunk_get_vector(chunk, column as u64);
                Vector { vector, data: ffi::duckdb_vector_get_data(vector) }
            }
        };
        Self {
            vectors: (0..columns.len()).map(vector).collect(),
            nulls: vec![Vec::new(); columns.len()],
            columns,
            first,
            rows,
            arrays: Vec::new(),
            texts: std::marker::PhantomData,
        }
    }

    /// How many rows there is room for.
    pub fn rows(&self) -> usize {
        self.rows
    }

    fn slots<T>(&mut self, column: usize, is_of: bool) -> Result<&mut [MaybeUninit<T>]> {
        if !is_of {
            return Err(Error::internal("a column of a feed is of another type"));
        }
        let data = self.vectors[column].data.cast::<MaybeUninit<T>>();
        // SAFETY: room for the rows by the contract of `of`, of the type that the column has; nobody else writes there meanwhile.
        Ok(unsafe { std::slice::from_raw_parts_mut(data.add(self.first), self.rows) })
    }

    /// A column of numbers.
    ///
    /// # Errors
    /// If it has others.
    pub fn numbers<T: Number>(&mut self, column: usize) -> Result<&mut [MaybeUninit<T>]> {
        let is_of = T::is_of(&self.columns[column].1);
        self.slots(column, is_of)
    }

    /// A column of texts or bytes.
    ///
    /// # Errors
    /// If it has numbers.
    pub fn strings(&mut self, column: usize) -> Result<Strings<'_, 'a>> {
        let is_of = matches!(self.columns[column].1, Phys::Text | Phys::Char(_) | Phys::Padded | Phys::Bytea);
        Ok(Strings { slots: self.slots(column, is_of)?, texts: std::marker::PhantomData })
    }

    /// The value of that row is NULL; its place must have been written all the same.
    #[inline]
    pub fn null(&mut self, column: usize, row: usize) {
        self.nulls[column].push(row);
    }

    /// Values from a row on, in the column's Arrow type.
    pub fn array(&mut self, column: usize, row: usize, values: ArrayRef) {
        self.arrays.push((column, row, values));
    }

    /// Tells DuckDB the rest. Gives what has to live as long as the texts.
    ///
    /// # Safety
    /// As [`Self::of`]; all rows have been written. What DuckDB throws goes through this.
    pub(super) unsafe fn settle(self) -> Result<Vec<ArrayRef>> {
        for (column, nulls) in self.nulls.iter().enumerate().filter(|(_, nulls)| !nulls.is_empty()) {
            let rows = nulls.iter().map(|row| self.first + row);
            // SAFETY: a live, flat vector with those rows.
            unsafe { set_null(self.vectors[column].vector, &self.columns[column].1, rows) };
        }
        for (column, row, array) in &self.arrays {
            if row + array.len() > self.rows {
                return Err(Error::internal("a column of a feed has more rows than it has room for"));
            }
            let span = Span { from: 0, at: self.first + row, rows: array.len(), texts: Texts::Lent };
            // SAFETY: a live, flat vector of the column's type with room for the rows; the caller keeps the array.
            unsafe { write(self.vectors[*column].vector, array, span, &self.columns[*column].1)? };
        }
        Ok(self.arrays.into_iter().map(|(_, _, array)| array).collect())
    }
}
