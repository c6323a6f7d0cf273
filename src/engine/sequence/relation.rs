//! A sequence as the relation of one row that it is: `dg_sequence(session, oid)`, with last_value, log_cnt and is_called.

use std::sync::Arc;

use duckdb::ffi;
use parking_lot::Mutex;

use super::{Sequences, definition};
use crate::engine::directory;
use crate::engine::native::{drop_box, guarded};
use crate::engine::raw::RawConnection;
use crate::engine::system::{TableFunction, output_columns, parameter, set_bind, set_init, set_output};
use crate::engine::tape::{self, Source};
use crate::engine::unwind;
use crate::error::{Error, Result};
use crate::types::{Oid, Phys};

/// Registers the function. Policy has asked for SELECT on the sequence.
pub(in crate::engine) fn register(raw: &RawConnection, sequences: &Arc<Sequences>) -> Result<()> {
    TableFunction {
        name: "dg_sequence",
        parameters: &[ffi::DUCKDB_TYPE_DUCKDB_TYPE_HUGEINT, ffi::DUCKDB_TYPE_DUCKDB_TYPE_UINTEGER],
        projection: false,
        bind,
        init,
        local: None,
        function: scan,
    }
    .register(raw, Box::new(Arc::clone(sequences)))
}

/// One use of a sequence in a statement.
struct Bound {
    sequences: Arc<Sequences>,
    session: u64,
    oid: Oid,
}

/// The row that is still to be given.
type Scan = Mutex<Option<(i64, i64, bool)>>;

unsafe extern "C" fn bind(info: ffi::duckdb_bind_info) {
    let failed = guarded(|| {
        // SAFETY: a live handle, whose extra info is what register() gave.
        let sequences = unsafe { &*ffi::duckdb_bind_get_extra_info(info).cast::<Arc<Sequences>>() };
        // SAFETY: a live value that is a HUGEINT.
        let session = parameter(info, 0, |value| unsafe { ffi::duckdb_get_hugeint(value) }).lower;
        // SAFETY: a live value that is a UINTEGER.
        let oid = parameter(info, 1, |value| unsafe { ffi::duckdb_get_uint32(value) });
        let columns = [("last_value", Phys::Int8), ("log_cnt", Phys::Int8), ("is_called", Phys::Bool)];
        output_columns(info, &columns.map(|(name, phys)| (name.to_owned(), phys)))?;
        let bound = Box::new(Bound { sequences: Arc::clone(sequences), session, oid });
        // SAFETY: a live handle; the box is given to DuckDB with its destructor.
        unsafe {
            ffi::duckdb_bind_set_cardinality(info, 1, true);
            ffi::duckdb_bind_set_bind_data(info, Box::into_raw(bound).cast(), Some(drop_box::<Bound>));
        }
        Ok(())
    });
    set_bind(info, failed);
}

unsafe extern "C" fn init(info: ffi::duckdb_init_info) {
    let failed = guarded(|| {
        // SAFETY: a live handle, whose bind data is what bind() gave.
        let bound = unsafe { &*ffi::duckdb_init_get_bind_data(info).cast::<Bound>() };
        let scan: Box<Scan> = Box::new(Mutex::new(Some(bound.row()?)));
        // SAFETY: a live handle; the box is given to DuckDB with its destructor.
        unsafe {
            ffi::duckdb_init_set_max_threads(info, 1);
            ffi::duckdb_init_set_init_data(info, Box::into_raw(scan).cast(), Some(drop_box::<Scan>));
        }
        Ok(())
    });
    set_init(info, failed);
}

impl Bound {
    /// The state as it is now, or as it was when the statement that is done again ran first.
    fn row(&self) -> Result<(i64, i64, bool)> {
        let view = directory::session(self.session)?;
        let drawn = tape::draw(&*view, Source::Sequence(self.oid), || {
            let (_, definition) = definition(self.session, self.oid)?;
            Ok(Some(packed(self.sequences.row(self.oid, &definition))))
        })?;
        drawn.map(unpacked).ok_or_else(|| Error::internal("a sequence without a state"))
    }
}

/// A row as one number, as the tape keeps it.
fn packed((last, logged, called): (i64, i64, bool)) -> i128 {
    i128::from(last) << 32 | i128::from(logged as u32) << 1 | i128::from(called)
}

fn unpacked(row: i128) -> (i64, i64, bool) {
    ((row >> 32) as i64, i64::from(row as u32 >> 1), row & 1 == 1)
}

unsafe extern "C-unwind" fn scan(info: ffi::duckdb_function_info, output: ffi::duckdb_data_chunk) {
    let failed = unwind::guarded_then(
        || Ok(()),
        |()| {
            // SAFETY: a live handle, whose init data is what init() gave.
            let row = unsafe { &*ffi::duckdb_function_get_init_data(info).cast::<Scan>() }.lock().take();
            // SAFETY: a live chunk with the three columns that bind() told, and room for a row.
            unsafe {
                if let Some((last, logged, called)) = row {
                    let at = |column| ffi::duckdb_vector_get_data(ffi::duckdb_data_chunk_get_vector(output, column));
                    *at(0).cast::<i64>() = last;
                    *at(1).cast::<i64>() = logged;
                    *at(2).cast::<bool>() = called;
                }
                ffi::duckdb_data_chunk_set_size(output, u64::from(row.is_some()));
            }
            Ok(())
        },
    );
    set_output(info, output, failed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_one_number_and_back() {
        for row in [(i64::MIN, 0, false), (i64::MAX, 32, true), (-1, 1, true), (0, 0, false)] {
            assert_eq!(unpacked(packed(row)), row);
        }
    }
}
