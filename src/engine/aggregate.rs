//! Native aggregates: ours in Rust, their states kept by DuckDB as pointers.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Decimal128Array, Float32Array, Float64Array, Int16Array, Int32Array,
    Int64Array, StringArray, UInt32Array,
};
use duckdb::ffi;

use super::bind::decimal;
use super::logical::logical_type;
use super::native::{drop_box, guarded};
use super::raw::RawConnection;
use super::read::array_of;
use super::unwind;
use super::write::{Span, Texts, write};
use super::{AggregateState, NativeAggregate};
use crate::error::{Error, Result};
use crate::types::{Phys, Value};

/// What DuckDB keeps for one group: NULL until the first row comes.
type State = *mut Box<dyn AggregateState>;

/// Registers the aggregates, overloads of one name together.
pub(super) fn register(raw: &RawConnection, aggregates: &[NativeAggregate]) -> Result<()> {
    let mut by_name: BTreeMap<&str, Vec<&NativeAggregate>> = BTreeMap::new();
    for aggregate in aggregates {
        by_name.entry(aggregate.name).or_default().push(aggregate);
    }
    for (name, overloads) in by_name {
        register_set(raw, name, &overloads)?;
    }
    Ok(())
}

fn register_set(raw: &RawConnection, name: &str, overloads: &[&NativeAggregate]) -> Result<()> {
    let c_name = CString::new(name).map_err(Error::internal)?;
    // SAFETY: a NUL-terminated string that outlives the call.
    let mut set = unsafe { ffi::duckdb_create_aggregate_function_set(c_name.as_ptr()) };
    let mut added = Ok(());
    for aggregate in overloads {
        added = added.and_then(|()| add(set, &c_name, aggregate));
    }
    // SAFETY: a live connection and a live set, which DuckDB copies.
    let state = unsafe { ffi::duckdb_register_aggregate_function_set(raw.handle(), set) };
    // SAFETY: made above, destroyed once.
    unsafe { ffi::duckdb_destroy_aggregate_function_set(&mut set) };
    added?;
    if state == ffi::duckdb_state_DuckDBSuccess {
        return Ok(());
    }
    Err(Error::internal(format!("DuckDB does not take the native aggregate {name}")))
}

fn add(set: ffi::duckdb_aggregate_function_set, name: &CString, aggregate: &NativeAggregate) -> Result<()> {
    let types = aggregate.args.iter().map(logical_type).collect::<Result<Vec<_>>>()?;
    let result = logical_type(&aggregate.result)?;
    let extra = Box::new(aggregate.clone());
    // SAFETY: a new function that is described, copied into the live set, and destroyed; the box is given to DuckDB
    // with its destructor, and names and types outlive the calls.
    let state = unsafe {
        let mut function = ffi::duckdb_create_aggregate_function();
        ffi::duckdb_aggregate_function_set_name(function, name.as_ptr());
        types.iter().for_each(|ty| ffi::duckdb_aggregate_function_add_parameter(function, ty.0));
        ffi::duckdb_aggregate_function_set_return_type(function, result.0);
        // Rows with NULLs are the state's own business.
        ffi::duckdb_aggregate_function_set_special_handling(function);
        ffi::duckdb_aggregate_function_set_functions(
            function,
            Some(state_size),
            Some(init),
            Some(update),
            Some(combine),
            unwind::finalize(finalize),
        );
        ffi::duckdb_aggregate_function_set_destructor(function, Some(destroy));
        ffi::duckdb_aggregate_function_set_extra_info(
            function,
            Box::into_raw(extra).cast(),
            Some(drop_box::<NativeAggregate>),
        );
        let state = ffi::duckdb_add_aggregate_function_to_set(set, function);
        ffi::duckdb_destroy_aggregate_function(&mut function);
        state
    };
    if state == ffi::duckdb_state_DuckDBSuccess {
        return Ok(());
    }
    Err(Error::internal(format!("DuckDB does not take the native aggregate {name:?}")))
}

/// # Safety
/// As DuckDB calls an aggregate's functions.
unsafe fn extra<'a>(info: ffi::duckdb_function_info) -> &'a NativeAggregate {
    // SAFETY: the extra info of the function that is called, which lives as long as it.
    unsafe { &*ffi::duckdb_aggregate_function_get_extra_info(info).cast::<NativeAggregate>() }
}

/// The slot of state `i`.
///
/// # Safety
/// `states` points to more than `i` states that init() was called on.
unsafe fn slot<'a>(states: *mut ffi::duckdb_aggregate_state, i: usize) -> &'a mut State {
    // SAFETY: by this function's contract; a state's memory is state_size() bytes and ours alone.
    unsafe { &mut *(*states.add(i)).cast::<State>() }
}

fn report(info: ffi::duckdb_function_info, failed: Option<CString>) {
    if let Some(text) = failed {
        // SAFETY: a live handle and a NUL-terminated string, which DuckDB copies.
        unsafe { ffi::duckdb_aggregate_function_set_error(info, text.as_ptr()) };
    }
}

unsafe extern "C" fn state_size(_: ffi::duckdb_function_info) -> ffi::idx_t {
    size_of::<State>() as ffi::idx_t
}

unsafe extern "C" fn init(_: ffi::duckdb_function_info, state: ffi::duckdb_aggregate_state) {
    // SAFETY: DuckDB gives memory of state_size() bytes.
    unsafe { state.cast::<State>().write(std::ptr::null_mut()) };
}

unsafe extern "C" fn destroy(states: *mut ffi::duckdb_aggregate_state, count: ffi::idx_t) {
    for i in 0..count as usize {
        // SAFETY: DuckDB hands out states that init() was called on.
        let state = std::mem::replace(unsafe { slot(states, i) }, std::ptr::null_mut());
        if !state.is_null() {
            // SAFETY: made by Box::into_raw in update() or combine(), freed once: the slot is NULL now.
            drop(unsafe { Box::from_raw(state) });
        }
    }
}

unsafe extern "C" fn update(
    info: ffi::duckdb_function_info,
    input: ffi::duckdb_data_chunk,
    states: *mut ffi::duckdb_aggregate_state,
) {
    let failed = guarded(|| {
        // SAFETY: as DuckDB calls it.
        let native = unsafe { extra(info) };
        // SAFETY: a live chunk.
        let rows = unsafe { ffi::duckdb_data_chunk_get_size(input) } as usize;
        let mut args = Vec::with_capacity(native.args.len());
        for (i, phys) in native.args.iter().enumerate() {
            // SAFETY: a live chunk of flat vectors of the registered types, which DuckDB has cast to.
            args.push(unsafe { array_of(ffi::duckdb_data_chunk_get_vector(input, i as u64), rows, phys)? });
        }
        for row in 0..rows {
            // SAFETY: one state a row.
            let slot = unsafe { slot(states, row) };
            if slot.is_null() {
                *slot = Box::into_raw(Box::new((native.new_state)()));
            }
            // SAFETY: not NULL, made above or by an earlier call; DuckDB gives a state to one thread at a time.
            unsafe { &mut **slot }.update(&args, row)?;
        }
        Ok(())
    });
    report(info, failed);
}

unsafe extern "C" fn combine(
    info: ffi::duckdb_function_info,
    source: *mut ffi::duckdb_aggregate_state,
    target: *mut ffi::duckdb_aggregate_state,
    count: ffi::idx_t,
) {
    let failed = guarded(|| {
        // SAFETY: as DuckDB calls it.
        let native = unsafe { extra(info) };
        for i in 0..count as usize {
            // SAFETY: as many states in both; a source is not also a target.
            let (source, target) = unsafe { (slot(source, i), slot(target, i)) };
            if source.is_null() {
                continue;
            }
            if target.is_null() {
                *target = Box::into_raw(Box::new((native.new_state)()));
            }
            // SAFETY: both are not NULL and were made by us.
            unsafe { (&mut **target).merge((**source).as_ref())? };
        }
        Ok(())
    });
    report(info, failed);
}

unsafe extern "C-unwind" fn finalize(
    info: ffi::duckdb_function_info,
    source: *mut ffi::duckdb_aggregate_state,
    result: ffi::duckdb_vector,
    count: ffi::idx_t,
    offset: ffi::idx_t,
) {
    // SAFETY: as DuckDB calls it.
    let native = unsafe { extra(info) };
    let rows = count as usize;
    let compute = || {
        let mut values = Vec::with_capacity(rows);
        for i in 0..rows {
            // SAFETY: that many states.
            let slot = unsafe { slot(source, i) };
            values.push(if slot.is_null() {
                (native.new_state)().finish()?
            } else {
                // SAFETY: not NULL, made by us.
                unsafe { &**slot }.finish()?
            });
        }
        array_from_values(&values, &native.result)
    };
    let failed = unwind::guarded_then(compute, |array| {
        let span = Span { from: 0, at: offset as usize, rows, texts: Texts::Copied };
        // SAFETY: the result has the registered type and room for the states from the offset on.
        unsafe { write(result, &array, span, &native.result) }
    });
    report(info, failed);
}

/// Results of aggregates as an array.
fn array_from_values(values: &[Value], phys: &Phys) -> Result<ArrayRef> {
    macro_rules! collect {
        ($array:ty, $($pattern:pat => $value:expr),+) => {{
            let items = values.iter().map(|value| match value {
                Value::Null => Ok(None),
                $($pattern => Ok(Some($value)),)+
                other => Err(Error::internal(format!("an aggregate gave {other:?} for {phys:?}"))),
            });
            Arc::new(items.collect::<Result<Vec<_>>>()?.into_iter().collect::<$array>()) as ArrayRef
        }};
    }
    Ok(match phys {
        Phys::Bool => collect!(BooleanArray, Value::Bool(v) => *v),
        Phys::Int2 => collect!(Int16Array, Value::Int2(v) => *v),
        Phys::Int4 => collect!(Int32Array, Value::Int4(v) => *v),
        Phys::Int8 => collect!(Int64Array, Value::Int8(v) => *v),
        Phys::Oid => collect!(UInt32Array, Value::Oid(v) => *v),
        Phys::Float4 => collect!(Float32Array, Value::Float4(v) => *v),
        Phys::Float8 => collect!(Float64Array, Value::Float8(v) => *v),
        Phys::Text | Phys::Char(_) | Phys::Padded | Phys::Jsonb | Phys::Citext | Phys::Numeric => {
            collect!(StringArray, Value::Text(v) => v.to_string(), Value::Numeric(v) => v.to_string())
        }
        Phys::Bytea | Phys::Coded(_) => collect!(BinaryArray, Value::Bytea(v) => v.to_vec()),
        Phys::Decimal { precision, scale } => {
            let units = values.iter().map(|value| match value {
                Value::Null => Ok(None),
                Value::Numeric(v) => decimal(v, *precision, *scale).map(Some),
                other => Err(Error::internal(format!("an aggregate gave {other:?} for {phys:?}"))),
            });
            let array: Decimal128Array = units.collect::<Result<Vec<_>>>()?.into_iter().collect();
            Arc::new(array.with_data_type(phys.arrow()))
        }
        Phys::Interval => crate::types::arrow::array_from_values(values, phys)?,
        _ => return Err(Error::unsupported(format!("an aggregate of {phys:?}"))),
    })
}
