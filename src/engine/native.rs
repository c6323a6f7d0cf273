//! Native scalar functions: ours in Rust, called by DuckDB vector by vector.

use std::collections::BTreeMap;
use std::ffi::{CString, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, UInt32Array};
use arrow::buffer::NullBuffer;
use arrow::compute::take;
use duckdb::ffi;

use super::error::encode;
use super::interrupts::{self, Interrupts};
use super::logical::logical_type;
use super::raw::{LogicalType, RawConnection};
use super::read::array_of;
use super::unwind;
use super::write::{Span, Texts, write};
use super::{Native, NativeBody};
use crate::error::{Error, Result};
use crate::types::Phys;

/// What DuckDB keeps for a function and hands to each call.
struct Extra {
    args: Vec<Phys>,
    varargs: Option<Phys>,
    result: Phys,
    strict: bool,
    body: NativeBody,
    interrupts: Arc<Interrupts>,
}

/// Registers the functions, overloads of one name together.
pub(super) fn register(raw: &RawConnection, natives: &[Native]) -> Result<()> {
    let mut by_name: BTreeMap<&str, Vec<&Native>> = BTreeMap::new();
    for native in natives {
        by_name.entry(native.name).or_default().push(native);
    }
    for (name, overloads) in by_name {
        let set = FunctionSet::new(name)?;
        for native in overloads {
            let types = native.args.iter().map(logical_type).collect::<Result<Vec<_>>>()?;
            set.add(native, &types, raw.interrupts())?;
            // A session's number comes as UBIGINT; a native that takes it says Int8, whose memory is the same.
            if native.args.first() == Some(&Phys::Int8) {
                let mut types = native.args.iter().map(logical_type).collect::<Result<Vec<_>>>()?;
                // SAFETY: a plain type identifier.
                types[0] =
                    LogicalType(unsafe { ffi::duckdb_create_logical_type(ffi::DUCKDB_TYPE_DUCKDB_TYPE_UBIGINT) });
                set.add(native, &types, raw.interrupts())?;
            }
        }
        set.register(raw)?;
    }
    Ok(())
}

struct FunctionSet {
    handle: ffi::duckdb_scalar_function_set,
    name: CString,
}

impl FunctionSet {
    fn new(name: &str) -> Result<Self> {
        let name = CString::new(name).map_err(Error::internal)?;
        // SAFETY: a NUL-terminated string that outlives the call.
        let handle = unsafe { ffi::duckdb_create_scalar_function_set(name.as_ptr()) };
        Ok(Self { handle, name })
    }

    fn add(&self, native: &Native, types: &[LogicalType], interrupts: &Arc<Interrupts>) -> Result<()> {
        let result = logical_type(&native.result)?;
        let varargs = native.varargs.as_ref().map(logical_type).transpose()?;
        let extra = Box::new(Extra {
            args: native.args.clone(),
            varargs: native.varargs.clone(),
            result: native.result.clone(),
            strict: native.strict,
            body: native.body.clone(),
            interrupts: Arc::clone(interrupts),
        });
        // SAFETY: a new function that is described, copied into the live set, and destroyed; the box is given to DuckDB
        // with its destructor, and all names and types outlive the calls.
        let state = unsafe {
            let mut function = ffi::duckdb_create_scalar_function();
            ffi::duckdb_scalar_function_set_name(function, self.name.as_ptr());
            types.iter().for_each(|ty| ffi::duckdb_scalar_function_add_parameter(function, ty.0));
            if let Some(varargs) = &varargs {
                ffi::duckdb_scalar_function_set_varargs(function, varargs.0);
            }
            ffi::duckdb_scalar_function_set_return_type(function, result.0);
            if !native.strict {
                ffi::duckdb_scalar_function_set_special_handling(function);
            }
            if native.volatile {
                ffi::duckdb_scalar_function_set_volatile(function);
            }
            ffi::duckdb_scalar_function_set_extra_info(function, Box::into_raw(extra).cast(), Some(drop_box::<Extra>));
            ffi::duckdb_scalar_function_set_bind(function, Some(bind));
            ffi::duckdb_scalar_function_set_function(function, unwind::scalar(call));
            let state = ffi::duckdb_add_scalar_function_to_set(self.handle, function);
            ffi::duckdb_destroy_scalar_function(&mut function);
            state
        };
        self.checked(state)
    }

    fn register(self, raw: &RawConnection) -> Result<()> {
        // SAFETY: a live connection and a live set, which DuckDB copies.
        self.checked(unsafe { ffi::duckdb_register_scalar_function_set(raw.handle(), self.handle) })
    }

    fn checked(&self, state: ffi::duckdb_state) -> Result<()> {
        if state == ffi::duckdb_state_DuckDBSuccess {
            return Ok(());
        }
        Err(Error::internal(format!("DuckDB does not take the native function {:?} with these types", self.name)))
    }
}

impl Drop for FunctionSet {
    fn drop(&mut self) {
        // SAFETY: made above, destroyed once.
        unsafe { ffi::duckdb_destroy_scalar_function_set(&mut self.handle) };
    }
}

/// Frees what was given to DuckDB as `Box<T>`.
///
/// # Safety
/// `data` came from `Box::<T>::into_raw` and is freed once.
pub(super) unsafe extern "C" fn drop_box<T>(data: *mut c_void) {
    // SAFETY: by this function's contract.
    drop(unsafe { Box::from_raw(data.cast::<T>()) });
}

/// A panic as an error. Nothing that calls what DuckDB throws in may stand in it (see [`unwind`]).
pub(super) fn caught<T>(callback: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(callback)).map_err(|panic| {
        let what = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("panic");
        Error::internal(format!("a function of the gateway panicked: {what}"))
    })
}

/// Runs a callback of DuckDB's: a panic must not unwind into C++, so it becomes an error like any other.
/// Gives the text for DuckDB if it failed.
pub(super) fn guarded(callback: impl FnOnce() -> Result<()>) -> Option<CString> {
    let error = caught(callback).flatten().err()?;
    // encode() leaves no NUL in it.
    Some(CString::new(encode(&error)).unwrap_or_default())
}

unsafe extern "C" fn bind(info: ffi::duckdb_bind_info) {
    // SAFETY: DuckDB hands out a live handle; the extra info lives as long as the function.
    unsafe {
        let extra = ffi::duckdb_scalar_function_bind_get_extra_info(info).cast::<Extra>();
        interrupts::bind(info, &(*extra).interrupts);
    }
}

unsafe extern "C-unwind" fn call(
    info: ffi::duckdb_function_info,
    input: ffi::duckdb_data_chunk,
    output: ffi::duckdb_vector,
) {
    // SAFETY: DuckDB hands out live handles for the time of the call, with flat vectors of the registered types.
    let compute = || unsafe { run(info, input) };
    let failed = unwind::guarded_then(compute, |(result, phys)| {
        let span = Span { from: 0, at: 0, rows: result.len(), texts: Texts::Copied };
        // SAFETY: the output has the registered result type and room for the input's rows.
        unsafe { write(output, &result, span, phys) }
    });
    if let Some(text) = failed {
        // SAFETY: a live handle and a NUL-terminated string, which DuckDB copies.
        unsafe { ffi::duckdb_scalar_function_set_error(info, text.as_ptr()) };
    }
}

/// # Safety
/// As DuckDB calls a scalar function.
unsafe fn run<'a>(info: ffi::duckdb_function_info, input: ffi::duckdb_data_chunk) -> Result<(ArrayRef, &'a Phys)> {
    // SAFETY: the extra info of the function that is called, which lives as long as it.
    let extra: &'a Extra = unsafe { &*ffi::duckdb_scalar_function_get_extra_info(info).cast::<Extra>() };
    // SAFETY: a live chunk.
    let (rows, columns) = unsafe {
        (ffi::duckdb_data_chunk_get_size(input) as usize, ffi::duckdb_data_chunk_get_column_count(input) as usize)
    };
    let mut args = Vec::with_capacity(columns);
    for i in 0..columns {
        let phys = extra.args.get(i).or(extra.varargs.as_ref()).ok_or_else(|| Error::internal("too many arguments"))?;
        // SAFETY: a live chunk and a column of it.
        let vector = unsafe { ffi::duckdb_data_chunk_get_vector(input, i as u64) };
        // SAFETY: the vector is flat and of the registered type, which DuckDB has cast to.
        args.push(unsafe { array_of(vector, rows, phys)? });
    }
    super::budget::begin();
    // SAFETY: what bind() made for this call, which outlives it.
    let _running = unsafe { interrupts::run(ffi::duckdb_scalar_function_get_bind_data(info)) };
    interrupts::tick()?;
    let result = evaluate(extra, &args, rows)?;
    if result.len() != rows {
        return Err(Error::internal(format!("a native function gave {} values for {rows} rows", result.len())));
    }
    Ok((result, &extra.result))
}

fn evaluate(extra: &Extra, args: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    if extra.strict {
        let nulls = args.iter().fold(None, |all, arg| NullBuffer::union(all.as_ref(), arg.logical_nulls().as_ref()));
        if let Some(nulls) = nulls
            && nulls.null_count() > 0
        {
            return evaluate_valid(extra, args, &nulls);
        }
    }
    (extra.body)(args, rows)
}

/// Calls a strict function for the rows without NULLs only: it never sees the others, which may hold anything.
fn evaluate_valid(extra: &Extra, args: &[ArrayRef], nulls: &NullBuffer) -> Result<ArrayRef> {
    let valid: UInt32Array = nulls.valid_indices().map(|row| row as u32).collect();
    if valid.is_empty() {
        return Ok(arrow::array::new_null_array(&extra.result.arrow(), nulls.len()));
    }
    let args = args.iter().map(|arg| take(arg, &valid, None).map_err(Error::internal)).collect::<Result<Vec<_>>>()?;
    let result = (extra.body)(&args, valid.len())?;
    let mut next = 0;
    let places: UInt32Array = nulls
        .iter()
        .map(|valid| {
            valid.then(|| {
                next += 1;
                next - 1
            })
        })
        .collect();
    take(&result, &places, None).map_err(Error::internal)
}
