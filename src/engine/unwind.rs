//! Calls of DuckDB's that throw where it finds no memory, and callbacks that let such an exception through to DuckDB's own
//! handler, which makes an error of it.
//!
//! The C API's functions are declared as if they never unwound, and Rust cannot catch C++'s exceptions: one that met
//! `catch_unwind` ended the process. So what allocates in DuckDB is declared here by an ABI that may unwind, and is called outside
//! of what catches Rust's own panics.

use std::ffi::{CString, c_char};
use std::mem::transmute;

use duckdb::ffi;

use super::error::encode;
use super::native::guarded;
use crate::error::Result;

unsafe extern "C-unwind" {
    pub fn duckdb_unsafe_vector_assign_string_element_len(
        vector: ffi::duckdb_vector,
        index: ffi::idx_t,
        text: *const c_char,
        length: ffi::idx_t,
    );
    pub fn duckdb_list_vector_reserve(vector: ffi::duckdb_vector, capacity: ffi::idx_t) -> ffi::duckdb_state;
    pub fn duckdb_list_vector_set_size(vector: ffi::duckdb_vector, size: ffi::idx_t) -> ffi::duckdb_state;
    pub fn duckdb_vector_ensure_validity_writable(vector: ffi::duckdb_vector);
}

pub type ScalarFunction =
    unsafe extern "C-unwind" fn(ffi::duckdb_function_info, ffi::duckdb_data_chunk, ffi::duckdb_vector);
pub type TableFunction = unsafe extern "C-unwind" fn(ffi::duckdb_function_info, ffi::duckdb_data_chunk);
pub type Finalize = unsafe extern "C-unwind" fn(
    ffi::duckdb_function_info,
    *mut ffi::duckdb_aggregate_state,
    ffi::duckdb_vector,
    ffi::idx_t,
    ffi::idx_t,
);

/// As the C API's declarations have it.
pub fn scalar(function: ScalarFunction) -> ffi::duckdb_scalar_function_t {
    // SAFETY: the same arguments by the same convention; that it may unwind is for the caller, which is C++, as it is.
    Some(unsafe {
        transmute::<
            ScalarFunction,
            unsafe extern "C" fn(ffi::duckdb_function_info, ffi::duckdb_data_chunk, ffi::duckdb_vector),
        >(function)
    })
}

/// See [`scalar`].
pub fn table(function: TableFunction) -> ffi::duckdb_table_function_t {
    // SAFETY: as above.
    Some(unsafe {
        transmute::<TableFunction, unsafe extern "C" fn(ffi::duckdb_function_info, ffi::duckdb_data_chunk)>(function)
    })
}

/// See [`scalar`].
pub fn finalize(function: Finalize) -> ffi::duckdb_aggregate_finalize_t {
    // SAFETY: as above.
    Some(unsafe {
        transmute::<
            Finalize,
            unsafe extern "C" fn(
                ffi::duckdb_function_info,
                *mut ffi::duckdb_aggregate_state,
                ffi::duckdb_vector,
                ffi::idx_t,
                ffi::idx_t,
            ),
        >(function)
    })
}

/// Runs a callback of DuckDB's in two parts: what is computed, in which a panic becomes an error, and what is written, through which
/// DuckDB's exceptions go. Gives the text for DuckDB if one failed.
pub fn guarded_then<T>(compute: impl FnOnce() -> Result<T>, write: impl FnOnce(T) -> Result<()>) -> Option<CString> {
    let mut computed = None;
    let failed = guarded(|| {
        computed = Some(compute()?);
        Ok(())
    });
    failed.or_else(|| {
        let error = write(computed?).err()?;
        // encode() leaves no NUL in it.
        Some(CString::new(encode(&error)).unwrap_or_default())
    })
}
