//! nextval(), currval(), lastval() and setval() as DuckDB's functions: `dg_nextval(session, oid)` and kin, and
//! `dg_draw_row(session, what, …)`, which does all that one row asks of sequences before the next row's: DuckDB computes
//! column after column over many rows.

use std::ffi::CString;
use std::sync::Arc;

use duckdb::ffi;

use super::{Sequences, definition, permitted, undefined_last};
use crate::engine::directory::{self, SessionView};
use crate::engine::native::{drop_box, guarded};
use crate::engine::raw::{LogicalType, RawConnection};
use crate::engine::tape::{self, Source};
use crate::engine::unwind;
use crate::error::{Error, Result};
use crate::policy::SequenceUse;
use crate::registry::{Name, Sequence};
use crate::types::Oid;

#[derive(Clone, Copy)]
enum Function {
    /// Policy has judged it: a sequence that was known at compile time, or an identity column's own.
    Next,
    /// As the others, it asks for the privilege itself.
    NextAsked,
    Current,
    Last,
    /// setval with two arguments counts the value as given out.
    Set,
    SetCalled,
    /// The last value given out in any session; NULL before the first.
    Shown,
    /// Several of the first four, as a list.
    Row,
}

/// What `dg_draw_row` does, in the upper half of an argument whose lower half is a sequence's OID. A NULL does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draw {
    Next = 1,
    NextAsked = 2,
    Current = 3,
    Last = 4,
}

impl Draw {
    /// What is added to an OID.
    pub fn code(self) -> i64 {
        (self as i64) << 32
    }

    fn function(code: i64) -> Result<Function> {
        [(Self::Next, Function::Next), (Self::NextAsked, Function::NextAsked)]
            .into_iter()
            .chain([(Self::Current, Function::Current), (Self::Last, Function::Last)])
            .find(|(draw, _)| draw.code() == code & !i64::from(u32::MAX))
            .map(|(_, function)| function)
            .ok_or_else(|| Error::internal("dg_draw_row: no such draw"))
    }
}

/// What DuckDB keeps for each function.
struct Extra {
    function: Function,
    sequences: Arc<Sequences>,
}

/// Registers the functions.
pub(in crate::engine) fn register(raw: &RawConnection, sequences: &Arc<Sequences>) -> Result<()> {
    use ffi::{
        DUCKDB_TYPE_DUCKDB_TYPE_BIGINT as BIGINT, DUCKDB_TYPE_DUCKDB_TYPE_BOOLEAN as BOOLEAN,
        DUCKDB_TYPE_DUCKDB_TYPE_HUGEINT as HUGEINT, DUCKDB_TYPE_DUCKDB_TYPE_UINTEGER as UINTEGER,
    };
    // The session's number may come as any integer type: all of them widen to HUGEINT.
    type Overload<'a> = (Function, &'a [ffi::duckdb_type]);
    let functions: [(&str, &[Overload<'_>]); 7] = [
        ("dg_nextval", &[(Function::Next, &[HUGEINT, UINTEGER])]),
        ("dg_nextval_asked", &[(Function::NextAsked, &[HUGEINT, UINTEGER])]),
        ("dg_currval", &[(Function::Current, &[HUGEINT, UINTEGER])]),
        ("dg_lastval", &[(Function::Last, &[HUGEINT])]),
        ("dg_pg_sequence_last_value", &[(Function::Shown, &[HUGEINT, UINTEGER])]),
        ("dg_draw_row", &[(Function::Row, &[HUGEINT])]),
        (
            "dg_setval",
            &[
                (Function::Set, &[HUGEINT, UINTEGER, BIGINT]),
                (Function::SetCalled, &[HUGEINT, UINTEGER, BIGINT, BOOLEAN]),
            ],
        ),
    ];
    for (name, overloads) in functions {
        let c_name = CString::new(name).map_err(Error::internal)?;
        // SAFETY: a set that is filled with described functions, copied by DuckDB, and destroyed; each box is given to
        // DuckDB with its destructor, and names and types outlive the calls.
        let state = unsafe {
            let mut set = ffi::duckdb_create_scalar_function_set(c_name.as_ptr());
            for (function, types) in overloads {
                let extra = Box::new(Extra { function: *function, sequences: Arc::clone(sequences) });
                let mut handle = ffi::duckdb_create_scalar_function();
                ffi::duckdb_scalar_function_set_name(handle, c_name.as_ptr());
                for ty in *types {
                    let ty = LogicalType(ffi::duckdb_create_logical_type(*ty));
                    ffi::duckdb_scalar_function_add_parameter(handle, ty.0);
                }
                let number = LogicalType(ffi::duckdb_create_logical_type(BIGINT));
                if matches!(function, Function::Row) {
                    let numbers = LogicalType(ffi::duckdb_create_list_type(number.0));
                    ffi::duckdb_scalar_function_set_varargs(handle, number.0);
                    ffi::duckdb_scalar_function_set_return_type(handle, numbers.0);
                } else {
                    ffi::duckdb_scalar_function_set_return_type(handle, number.0);
                }
                ffi::duckdb_scalar_function_set_volatile(handle);
                ffi::duckdb_scalar_function_set_special_handling(handle);
                ffi::duckdb_scalar_function_set_extra_info(
                    handle,
                    Box::into_raw(extra).cast(),
                    Some(drop_box::<Extra>),
                );
                ffi::duckdb_scalar_function_set_function(handle, Some(call));
                ffi::duckdb_add_scalar_function_to_set(set, handle);
                ffi::duckdb_destroy_scalar_function(&mut handle);
            }
            let state = ffi::duckdb_register_scalar_function_set(raw.handle(), set);
            ffi::duckdb_destroy_scalar_function_set(&mut set);
            state
        };
        if state != ffi::duckdb_state_DuckDBSuccess {
            return Err(Error::internal(format!("DuckDB does not take the function {name}")));
        }
    }
    Ok(())
}

unsafe extern "C" fn call(info: ffi::duckdb_function_info, input: ffi::duckdb_data_chunk, output: ffi::duckdb_vector) {
    // SAFETY: DuckDB hands out live handles for the time of the call, with flat vectors of the registered types.
    let failed = guarded(|| unsafe { run(info, input, output) });
    if let Some(text) = failed {
        // SAFETY: a live handle and a NUL-terminated string, which DuckDB copies.
        unsafe { ffi::duckdb_scalar_function_set_error(info, text.as_ptr()) };
    }
}

/// An argument: value `row` of column `column`, `None` if it is NULL.
///
/// # Safety
/// The chunk has such a column of T and such a row.
unsafe fn argument<T: Copy>(input: ffi::duckdb_data_chunk, column: u64, row: usize) -> Option<T> {
    // SAFETY: by this function's contract.
    unsafe {
        let vector = ffi::duckdb_data_chunk_get_vector(input, column);
        let mask = ffi::duckdb_vector_get_validity(vector);
        let valid = mask.is_null() || *mask.add(row / 64) >> (row % 64) & 1 == 1;
        valid.then(|| *ffi::duckdb_vector_get_data(vector).cast::<T>().add(row))
    }
}

/// # Safety
/// As DuckDB calls a scalar function.
unsafe fn run(
    info: ffi::duckdb_function_info,
    input: ffi::duckdb_data_chunk,
    output: ffi::duckdb_vector,
) -> Result<()> {
    // SAFETY: the extra info of the function that is called, a live chunk and a live output.
    let (extra, rows) = unsafe {
        (
            &*ffi::duckdb_scalar_function_get_extra_info(info).cast::<Extra>(),
            ffi::duckdb_data_chunk_get_size(input) as usize,
        )
    };
    if matches!(extra.function, Function::Row) {
        // SAFETY: as this function's contract is.
        return unsafe { run_rows(extra, input, output, rows) };
    }
    // SAFETY: all others give BIGINTs.
    let data = unsafe { ffi::duckdb_vector_get_data(output).cast::<i64>() };
    let mut known = Known::default();
    for row in 0..rows {
        // SAFETY: the registered types of the columns, and a row of the chunk.
        let value = unsafe { value(extra, input, row, &mut known)? };
        // SAFETY: a row of the output.
        unsafe { put(output, data, row, value) };
    }
    Ok(())
}

/// # Safety
/// The vector has that row, and its values are at `data`.
unsafe fn put(output: ffi::duckdb_vector, data: *mut i64, row: usize, value: Option<i64>) {
    // SAFETY: by this function's contract.
    unsafe {
        match value {
            Some(value) => *data.add(row) = value,
            None => {
                ffi::duckdb_vector_ensure_validity_writable(output);
                ffi::duckdb_validity_set_row_invalid(ffi::duckdb_vector_get_validity(output), row as u64);
            }
        }
    }
}

/// What each row asks of sequences, row by row: a list of as many numbers as there are arguments behind the session.
///
/// # Safety
/// As DuckDB calls a scalar function of a HUGEINT and BIGINTs that gives a list of BIGINTs.
unsafe fn run_rows(
    extra: &Extra,
    input: ffi::duckdb_data_chunk,
    output: ffi::duckdb_vector,
    rows: usize,
) -> Result<()> {
    // SAFETY: a live chunk; a list vector, whose child is asked for after it has been given room, which may move it.
    let (draws, base, lists, child, data) = unsafe {
        let draws = (ffi::duckdb_data_chunk_get_column_count(input) as usize).saturating_sub(1);
        let base = ffi::duckdb_list_vector_get_size(output) as usize;
        let size = (base + rows * draws) as u64;
        unwind::duckdb_list_vector_reserve(output, size);
        unwind::duckdb_list_vector_set_size(output, size);
        let child = ffi::duckdb_list_vector_get_child(output);
        let lists = ffi::duckdb_vector_get_data(output).cast::<ffi::duckdb_list_entry>();
        (draws, base, lists, child, ffi::duckdb_vector_get_data(child).cast::<i64>())
    };
    let mut known: Vec<Known> = (0..draws).map(|_| Known::default()).collect();
    for row in 0..rows {
        let first = base + row * draws;
        for (at, known) in known.iter_mut().enumerate() {
            // SAFETY: the registered types of the columns, and a row of the chunk.
            let value = unsafe { draw(extra, input, (row, at as u64 + 1), known)? };
            // SAFETY: the child has room for the rows' lists.
            unsafe { put(child, data, first + at, value) };
        }
        // SAFETY: a row of the output.
        unsafe { *lists.add(row) = ffi::duckdb_list_entry { offset: first as u64, length: draws as u64 } };
    }
    Ok(())
}

/// # Safety
/// The chunk has such a row, a HUGEINT in its first column and a BIGINT in that one.
unsafe fn draw(
    extra: &Extra,
    input: ffi::duckdb_data_chunk,
    (row, column): (usize, u64),
    known: &mut Known,
) -> Result<Option<i64>> {
    // SAFETY: by this function's contract.
    let (session, code) =
        unsafe { (argument::<ffi::duckdb_hugeint>(input, 0, row), argument::<i64>(input, column, row)) };
    let (Some(session), Some(code)) = (session, code) else { return Ok(None) };
    let (function, oid) = (Draw::function(code)?, code as u32);
    let view = known.session(session.lower)?;
    let drawn = tape::draw(&*view, Source::Sequence(oid), || {
        drawn(&extra.sequences, function, (session.lower, oid), known, || None).map(|value| value.map(i128::from))
    })?;
    drawn.map(|value| i64::try_from(value).map_err(Error::internal)).transpose()
}

/// What one statement's rows have in common, nearly always.
#[derive(Default)]
struct Known {
    session: Option<(u64, Arc<dyn SessionView>)>,
    sequence: Option<(Oid, Name, Sequence)>,
}

impl Known {
    fn session(&mut self, id: u64) -> Result<Arc<dyn SessionView>> {
        match &self.session {
            Some((known, view)) if *known == id => Ok(Arc::clone(view)),
            _ => {
                let view = directory::session(id)?;
                self.session = Some((id, Arc::clone(&view)));
                self.sequence = None;
                Ok(view)
            }
        }
    }
}

/// # Safety
/// The chunk has the columns of the function's arguments and such a row.
unsafe fn value(extra: &Extra, input: ffi::duckdb_data_chunk, row: usize, known: &mut Known) -> Result<Option<i64>> {
    // SAFETY: the first column is a HUGEINT.
    let Some(session) = (unsafe { argument::<ffi::duckdb_hugeint>(input, 0, row) }) else { return Ok(None) };
    let session = session.lower;
    let view = known.session(session)?;
    let oid = match extra.function {
        Function::Last => Some(0),
        // SAFETY: the second column is a UINTEGER, but lastval()'s, which has one column.
        _ => unsafe { argument::<u32>(input, 1, row) },
    };
    let Some(oid) = oid else { return Ok(None) };
    // SAFETY: by this function's contract.
    let drawn = tape::draw(&*view, Source::Sequence(oid), || {
        let set_to = || {
            // SAFETY: the third column is a BIGINT.
            let to = unsafe { argument::<i64>(input, 2, row) }?;
            let called = match extra.function {
                // SAFETY: the fourth column is a BOOLEAN, a byte in DuckDB.
                Function::SetCalled => unsafe { argument::<u8>(input, 3, row) }? != 0,
                _ => true,
            };
            Some((to, called))
        };
        drawn(&extra.sequences, extra.function, (session, oid), known, set_to).map(|value| value.map(i128::from))
    })?;
    drawn.map(|value| i64::try_from(value).map_err(Error::internal)).transpose()
}

/// `set_to`: what setval() sets, and whether it counts as given out.
fn drawn(
    sequences: &Sequences,
    function: Function,
    (session, oid): (u64, Oid),
    known: &mut Known,
    set_to: impl FnOnce() -> Option<(i64, bool)>,
) -> Result<Option<i64>> {
    match function {
        Function::Last => {
            let (oid, last) = sequences.last(session)?;
            if directory::session(session)?.snapshot().relation_by_oid(oid).is_none() {
                // It was dropped.
                return Err(undefined_last());
            }
            permitted(session, oid, SequenceUse::Current)?;
            return Ok(Some(last));
        }
        Function::Shown => {
            permitted(session, oid, SequenceUse::Current)?;
            let (_, definition) = definition(session, oid)?;
            return Ok(sequences.state(definition.count_of(oid)).and_then(|(last, called)| called.then_some(last)));
        }
        Function::Row => return Err(Error::internal("sequences: a row of draws is no draw")),
        Function::Next | Function::NextAsked | Function::Current | Function::Set | Function::SetCalled => {}
    }
    if known.sequence.as_ref().is_none_or(|(known, ..)| *known != oid) {
        match function {
            Function::Next | Function::Last | Function::Shown | Function::Row => {}
            Function::NextAsked => permitted(session, oid, SequenceUse::Next)?,
            Function::Current => permitted(session, oid, SequenceUse::Current)?,
            Function::Set | Function::SetCalled => permitted(session, oid, SequenceUse::Set)?,
        }
        let (name, definition) = definition(session, oid)?;
        known.sequence = Some((oid, name, definition));
    }
    let Some((_, name, definition)) = &known.sequence else { return Ok(None) };
    match function {
        Function::Next | Function::NextAsked => sequences.next(session, oid, name, definition).map(Some),
        Function::Current => sequences.current(session, oid, name).map(Some),
        Function::Last | Function::Shown | Function::Row => Ok(None),
        Function::Set | Function::SetCalled => {
            let Some((to, called)) = set_to() else { return Ok(None) };
            sequences.set(session, oid, name, definition, to, called).map(Some)
        }
    }
}
