//! Table functions: `dg_system(session, name)` over the plugged-in system tables, and what feeds share with it.

use std::ffi::{CString, c_void};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use arrow::record_batch::RecordBatch;
use duckdb::ffi;
use parking_lot::Mutex;

use super::logical::logical_type;
use super::native::{drop_box, guarded};
use super::raw::{LogicalType, OwnedValue, RawConnection, text_of};
use super::unwind;
use super::write::{Span, Texts, write};
use super::{Batches, SystemTables};
use crate::error::{Error, Result, SqlState};
use crate::types::Phys;

/// A table function to be registered.
pub(super) struct TableFunction<'a> {
    pub name: &'a str,
    pub parameters: &'a [ffi::duckdb_type],
    /// It gives only the columns that are read.
    pub projection: bool,
    pub bind: unsafe extern "C" fn(ffi::duckdb_bind_info),
    pub init: unsafe extern "C" fn(ffi::duckdb_init_info),
    /// What each thread that reads it begins with.
    pub local: Option<unsafe extern "C" fn(ffi::duckdb_init_info)>,
    pub function: unwind::TableFunction,
}

impl TableFunction<'_> {
    /// Registers it; `extra` is what its callbacks get as extra info.
    pub fn register<T: Send + Sync>(self, raw: &RawConnection, extra: Box<T>) -> Result<()> {
        let name = CString::new(self.name).map_err(Error::internal)?;
        // SAFETY: a new function that is described, copied by DuckDB when it is registered, and destroyed; the box is
        // given to DuckDB with its destructor, and names and types outlive the calls.
        let state = unsafe {
            let mut function = ffi::duckdb_create_table_function();
            ffi::duckdb_table_function_set_name(function, name.as_ptr());
            for parameter in self.parameters {
                let ty = LogicalType(ffi::duckdb_create_logical_type(*parameter));
                ffi::duckdb_table_function_add_parameter(function, ty.0);
            }
            ffi::duckdb_table_function_supports_projection_pushdown(function, self.projection);
            ffi::duckdb_table_function_set_extra_info(function, Box::into_raw(extra).cast(), Some(drop_box::<T>));
            ffi::duckdb_table_function_set_bind(function, Some(self.bind));
            ffi::duckdb_table_function_set_init(function, Some(self.init));
            if let Some(local) = self.local {
                ffi::duckdb_table_function_set_local_init(function, Some(local));
            }
            ffi::duckdb_table_function_set_function(function, unwind::table(self.function));
            let state = ffi::duckdb_register_table_function(raw.handle(), function);
            ffi::duckdb_destroy_table_function(&mut function);
            state
        };
        if state == ffi::duckdb_state_DuckDBSuccess {
            return Ok(());
        }
        Err(Error::internal(format!("DuckDB does not take the table function {}", self.name)))
    }
}

/// A parameter of the call that is bound.
pub(super) fn parameter<T>(info: ffi::duckdb_bind_info, index: u64, read: impl FnOnce(ffi::duckdb_value) -> T) -> T {
    // SAFETY: a live handle; the value is ours to destroy.
    let value = OwnedValue(unsafe { ffi::duckdb_bind_get_parameter(info, index) });
    read(value.0)
}

/// Says which columns a call gives.
pub(super) fn output_columns(info: ffi::duckdb_bind_info, columns: &[(String, Phys)]) -> Result<()> {
    for (name, phys) in columns {
        let name = CString::new(name.as_str()).map_err(Error::internal)?;
        let ty = logical_type(phys)?;
        // SAFETY: a live handle, a NUL-terminated string and a live type, which DuckDB copies.
        unsafe { ffi::duckdb_bind_add_result_column(info, name.as_ptr(), ty.0) };
    }
    Ok(())
}

/// Ends a table function's bind: an error if it failed.
pub(super) fn set_bind(info: ffi::duckdb_bind_info, failed: Option<CString>) {
    if let Some(text) = failed {
        // SAFETY: a live handle and a NUL-terminated string, which DuckDB copies.
        unsafe { ffi::duckdb_bind_set_error(info, text.as_ptr()) };
    }
}

/// Ends a table function's init: an error if it failed.
pub(super) fn set_init(info: ffi::duckdb_init_info, failed: Option<CString>) {
    if let Some(text) = failed {
        // SAFETY: a live handle and a NUL-terminated string, which DuckDB copies.
        unsafe { ffi::duckdb_init_set_error(info, text.as_ptr()) };
    }
}

/// Ends a call of a table function: an error if it failed.
pub(super) fn set_output(info: ffi::duckdb_function_info, output: ffi::duckdb_data_chunk, failed: Option<CString>) {
    if let Some(text) = failed {
        // SAFETY: live handles and a NUL-terminated string, which DuckDB copies.
        unsafe {
            ffi::duckdb_data_chunk_set_size(output, 0);
            ffi::duckdb_function_set_error(info, text.as_ptr());
        }
    }
}

/// The column behind a system table's own: the number of the row, by which lowering keeps rows in order.
pub const PLACE: &str = "dg_row";

/// Registers `dg_system(session, name)`. The session's number may come as any integer type.
pub(super) fn register(raw: &RawConnection, tables: Arc<dyn SystemTables>) -> Result<()> {
    TableFunction {
        name: "dg_system",
        parameters: &[ffi::DUCKDB_TYPE_DUCKDB_TYPE_HUGEINT, ffi::DUCKDB_TYPE_DUCKDB_TYPE_VARCHAR],
        projection: true,
        bind,
        init,
        local: None,
        function: scan,
    }
    .register(raw, Box::new(tables))
}

/// One use of a system table in a statement.
struct Bound {
    tables: Arc<dyn SystemTables>,
    session: u64,
    table: String,
    columns: Vec<(String, Phys)>,
}

/// A column that is read.
enum Wanted {
    Column(Phys),
    Place,
    /// What DuckDB asks for when it only counts rows.
    Nothing,
}

/// How far a scan has come.
struct Scan {
    columns: Vec<Wanted>,
    batches: Batches,
    /// The one that is being written.
    batch: Option<RecordBatch>,
    row: usize,
    /// Rows of the batches that are done.
    done: usize,
}

unsafe extern "C" fn bind(info: ffi::duckdb_bind_info) {
    let failed = guarded(|| {
        // SAFETY: a live handle, whose extra info is what register() gave.
        let tables = unsafe { &*ffi::duckdb_bind_get_extra_info(info).cast::<Arc<dyn SystemTables>>() };
        // SAFETY: a live value that is a HUGEINT.
        let session = parameter(info, 0, |value| unsafe { ffi::duckdb_get_hugeint(value) }).lower;
        let table = parameter(info, 1, |value| {
            // SAFETY: a live value that is a VARCHAR; the text is ours to free.
            let text = unsafe { ffi::duckdb_get_varchar(value) };
            // SAFETY: NUL-terminated, allocated by DuckDB.
            let table = unsafe { text_of(text) };
            // SAFETY: allocated by DuckDB, freed once.
            unsafe { ffi::duckdb_free(text.cast::<c_void>()) };
            table
        });
        let columns = tables
            .columns(&table)
            .ok_or_else(|| Error::new(SqlState::UNDEFINED_TABLE, format!("system table \"{table}\" does not exist")))?;
        let place = (PLACE.to_owned(), Phys::Int8);
        output_columns(info, &columns)?;
        output_columns(info, &[place])?;
        if let Some(rows) = tables.cardinality(session, &table) {
            // SAFETY: a live handle.
            unsafe { ffi::duckdb_bind_set_cardinality(info, rows as u64, false) };
        }
        let bound = Box::new(Bound { tables: Arc::clone(tables), session, table, columns });
        // SAFETY: a live handle; the box is given to DuckDB with its destructor.
        unsafe { ffi::duckdb_bind_set_bind_data(info, Box::into_raw(bound).cast(), Some(drop_box::<Bound>)) };
        Ok(())
    });
    set_bind(info, failed);
}

unsafe extern "C" fn init(info: ffi::duckdb_init_info) {
    let failed = guarded(|| {
        // SAFETY: a live handle, whose bind data is what bind() gave.
        let bound = unsafe { &*ffi::duckdb_init_get_bind_data(info).cast::<Bound>() };
        // SAFETY: a live handle.
        let count = unsafe { ffi::duckdb_init_get_column_count(info) };
        // SAFETY: a live handle and indexes in range.
        let wanted: Vec<u64> = (0..count).map(|i| unsafe { ffi::duckdb_init_get_column_index(info, i) }).collect();
        let projection: Vec<usize> = wanted.iter().map(|i| *i as usize).filter(|i| *i < bound.columns.len()).collect();
        let columns = wanted.iter().map(|i| match bound.columns.get(*i as usize) {
            Some((_, phys)) => Wanted::Column(phys.clone()),
            None if *i as usize == bound.columns.len() => Wanted::Place,
            // DuckDB's row number.
            None => Wanted::Nothing,
        });
        let columns = columns.collect();
        let batches = bound.tables.rows(bound.session, &bound.table, &projection)?;
        let scan = Box::new(Mutex::new(Scan { columns, batches, batch: None, row: 0, done: 0 }));
        // SAFETY: a live handle; the box is given to DuckDB with its destructor.
        unsafe {
            ffi::duckdb_init_set_max_threads(info, 1);
            ffi::duckdb_init_set_init_data(info, Box::into_raw(scan).cast(), Some(drop_box::<Mutex<Scan>>));
        }
        Ok(())
    });
    set_init(info, failed);
}

unsafe extern "C-unwind" fn scan(info: ffi::duckdb_function_info, output: ffi::duckdb_data_chunk) {
    let failed = unwind::guarded_then(
        || {
            // SAFETY: a live handle, whose init data is what init() gave.
            let scan = unsafe { &*ffi::duckdb_function_get_init_data(info).cast::<Mutex<Scan>>() };
            let mut scan = scan.lock();
            while scan.batch.as_ref().is_none_or(|batch| batch.num_rows() == scan.row) {
                scan.done += std::mem::take(&mut scan.row);
                scan.batch = scan.batches.next().transpose()?;
                if scan.batch.is_none() {
                    break;
                }
            }
            Ok(scan)
        },
        |mut scan| {
            let scan = &mut *scan;
            let Some(batch) = &scan.batch else {
                // SAFETY: a live chunk.
                unsafe { ffi::duckdb_data_chunk_set_size(output, 0) };
                return Ok(());
            };
            // SAFETY: no arguments.
            let rows = (batch.num_rows() - scan.row).min(unsafe { ffi::duckdb_vector_size() } as usize);
            let mut column = 0;
            for (i, wanted) in scan.columns.iter().enumerate() {
                let phys = match wanted {
                    Wanted::Column(phys) => phys,
                    Wanted::Place => {
                        let first = (scan.done + scan.row) as i64;
                        let places: ArrayRef = Arc::new(Int64Array::from_iter_values(first..first + rows as i64));
                        let span = Span { from: 0, at: 0, rows, texts: Texts::Copied };
                        // SAFETY: a live chunk with the wanted columns, this one a BIGINT with room for a vector's rows.
                        unsafe {
                            write(ffi::duckdb_data_chunk_get_vector(output, i as u64), &places, span, &Phys::Int8)?
                        };
                        continue;
                    }
                    Wanted::Nothing => continue,
                };
                if column == batch.num_columns() {
                    return Err(Error::internal("a system table gives fewer columns than it was asked for"));
                }
                let span = Span { from: scan.row, at: 0, rows, texts: Texts::Copied };
                // SAFETY: a live chunk with the wanted columns, each of its type and with room for a vector's rows.
                unsafe {
                    write(ffi::duckdb_data_chunk_get_vector(output, i as u64), batch.column(column), span, phys)?
                };
                column += 1;
            }
            scan.row += rows;
            // SAFETY: a live chunk with that many rows written.
            unsafe { ffi::duckdb_data_chunk_set_size(output, rows as u64) };
            Ok(())
        },
    );
    set_output(info, output, failed);
}
