//! How a native function learns that its statement is to stop: DuckDB looks between vectors, not while a function of ours
//! is at one.
//!
//! Each connection has a flag that [`super::raw::RawConnection::interrupt`] sets. DuckDB's worker threads run natives for
//! any connection, so a function finds the flag when it is bound, by its connection's number, and a call makes it the
//! thread's own for as long as it runs. [`tick`] looks at it.

use std::cell::Cell;
use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr::null;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use duckdb::ffi;
use parking_lot::Mutex;

use super::native::drop_box;
use crate::error::{Error, Result, SqlState};

/// Set while what runs on a connection is asked to stop.
pub(super) type Flag = Arc<AtomicBool>;

thread_local! {
    /// The flag of the connection that the native at work here runs for; null when none is.
    static CURRENT: Cell<*const AtomicBool> = const { Cell::new(null()) };
}

/// The flags of a database's connections, by DuckDB's number for each.
#[derive(Default)]
pub(super) struct Interrupts(Mutex<HashMap<u64, Flag>>);

impl Interrupts {
    pub fn add(&self, connection: u64) -> Flag {
        let flag = Flag::default();
        self.0.lock().insert(connection, Arc::clone(&flag));
        flag
    }

    pub fn remove(&self, connection: u64) {
        self.0.lock().remove(&connection);
    }

    fn of(&self, connection: u64) -> Option<Flag> {
        self.0.lock().get(&connection).cloned()
    }
}

/// Gives a function that is bound its connection's flag.
///
/// # Safety
/// `info` is what DuckDB hands to a scalar function's bind callback.
pub(super) unsafe fn bind(info: ffi::duckdb_bind_info, interrupts: &Interrupts) {
    let mut context: ffi::duckdb_client_context = std::ptr::null_mut();
    // SAFETY: a live bind info and an out pointer; the context is asked once and destroyed.
    let connection = unsafe {
        ffi::duckdb_scalar_function_get_client_context(info, &mut context);
        let connection = ffi::duckdb_client_context_get_connection_id(context);
        ffi::duckdb_destroy_client_context(&mut context);
        connection
    };
    let Some(flag) = interrupts.of(connection) else { return };
    // SAFETY: a live bind info; the box is given to DuckDB with its destructor and the way to copy it.
    unsafe {
        ffi::duckdb_scalar_function_set_bind_data(info, Box::into_raw(Box::new(flag)).cast(), Some(drop_box::<Flag>));
        ffi::duckdb_scalar_function_set_bind_data_copy(info, Some(copy));
    }
}

unsafe extern "C" fn copy(data: *mut c_void) -> *mut c_void {
    // SAFETY: what bind() made, alive while it is copied.
    let flag = unsafe { &*data.cast::<Flag>() };
    Box::into_raw(Box::new(Arc::clone(flag))).cast()
}

/// Makes a function's flag this thread's while it lives.
pub(super) struct Running<'f> {
    outer: *const AtomicBool,
    _flag: Option<&'f Flag>,
}

/// A native begins to run, for the connection that `data` was bound for.
///
/// # Safety
/// `data` is null or what [`bind`] made, and lives for `'f`.
pub(super) unsafe fn run<'f>(data: *mut c_void) -> Running<'f> {
    // SAFETY: by this function's contract.
    let flag = unsafe { data.cast::<Flag>().as_ref() };
    Running { outer: CURRENT.replace(flag.map_or(null(), Arc::as_ptr)), _flag: flag }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        CURRENT.set(self.outer);
    }
}

/// To be called by natives in their inner loops: costs next to nothing.
///
/// # Errors
/// 57014 if the statement is to stop.
#[inline]
pub fn tick() -> Result<()> {
    let current = CURRENT.get();
    // SAFETY: null, or the flag that a Running on this thread borrows.
    match unsafe { current.as_ref() } {
        Some(flag) if flag.load(Ordering::Relaxed) => Err(interrupted()),
        Some(_) | None => Ok(()),
    }
}

#[cold]
fn interrupted() -> Error {
    // Whoever set the flag knows the reason and says it (control.rs).
    Error::new(SqlState::QUERY_CANCELED, "canceling statement due to user request")
}
