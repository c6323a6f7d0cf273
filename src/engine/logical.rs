//! Physical types as DuckDB's: making its logical types, and checking those that it gives.

use std::ffi::CString;

use duckdb::ffi;

use super::raw::{LogicalType, text_of};
use crate::error::{Error, Result};
use crate::types::Phys;

/// DuckDB's type identifier of a physical type.
pub(super) fn type_id(phys: &Phys) -> ffi::duckdb_type {
    match phys {
        Phys::Bool => ffi::DUCKDB_TYPE_DUCKDB_TYPE_BOOLEAN,
        Phys::Int2 => ffi::DUCKDB_TYPE_DUCKDB_TYPE_SMALLINT,
        Phys::Int4 => ffi::DUCKDB_TYPE_DUCKDB_TYPE_INTEGER,
        Phys::Int8 => ffi::DUCKDB_TYPE_DUCKDB_TYPE_BIGINT,
        Phys::Oid => ffi::DUCKDB_TYPE_DUCKDB_TYPE_UINTEGER,
        Phys::Float4 => ffi::DUCKDB_TYPE_DUCKDB_TYPE_FLOAT,
        Phys::Float8 => ffi::DUCKDB_TYPE_DUCKDB_TYPE_DOUBLE,
        Phys::Decimal { .. } => ffi::DUCKDB_TYPE_DUCKDB_TYPE_DECIMAL,
        Phys::Numeric | Phys::Text | Phys::Char(_) | Phys::Padded | Phys::Jsonb | Phys::Citext => {
            ffi::DUCKDB_TYPE_DUCKDB_TYPE_VARCHAR
        }
        Phys::Bytea | Phys::Coded(_) => ffi::DUCKDB_TYPE_DUCKDB_TYPE_BLOB,
        Phys::Date => ffi::DUCKDB_TYPE_DUCKDB_TYPE_DATE,
        Phys::Time => ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIME,
        Phys::TimeTz => ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIME_TZ,
        Phys::Timestamp => ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP,
        Phys::TimestampTz => ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_TZ,
        Phys::Interval => ffi::DUCKDB_TYPE_DUCKDB_TYPE_INTERVAL,
        Phys::Uuid => ffi::DUCKDB_TYPE_DUCKDB_TYPE_UUID,
        Phys::Enum(_) => ffi::DUCKDB_TYPE_DUCKDB_TYPE_ENUM,
        Phys::List(_) => ffi::DUCKDB_TYPE_DUCKDB_TYPE_LIST,
        Phys::Shaped(_) | Phys::Row(_) => ffi::DUCKDB_TYPE_DUCKDB_TYPE_STRUCT,
        Phys::Void => ffi::DUCKDB_TYPE_DUCKDB_TYPE_SQLNULL,
    }
}

/// Makes DuckDB's type. Fails for an enum label that C cannot carry.
pub(super) fn logical_type(phys: &Phys) -> Result<LogicalType> {
    let handle = match phys {
        // SAFETY: plain numbers; DuckDB checks that width and scale fit and gives NULL if not, checked below.
        Phys::Decimal { precision, scale } => unsafe { ffi::duckdb_create_decimal_type(*precision, *scale) },
        Phys::Enum(labels) => {
            let labels = labels
                .iter()
                .map(|label| CString::new(&**label).map_err(Error::internal))
                .collect::<Result<Vec<_>>>()?;
            let mut pointers: Vec<_> = labels.iter().map(|label| label.as_ptr()).collect();
            // SAFETY: that many NUL-terminated strings, copied by DuckDB.
            unsafe { ffi::duckdb_create_enum_type(pointers.as_mut_ptr(), pointers.len() as u64) }
        }
        Phys::List(element) => {
            let element = logical_type(element)?;
            // SAFETY: a live type, copied by DuckDB.
            unsafe { ffi::duckdb_create_list_type(element.0) }
        }
        Phys::Shaped(fields) | Phys::Row(fields) => {
            // As in Phys::duckdb: a row without columns has one that is never looked at.
            let fields = if fields.is_empty() { std::slice::from_ref(&Phys::Bool) } else { &**fields };
            let types = fields.iter().map(logical_type).collect::<Result<Vec<_>>>()?;
            let names: Vec<_> = (1..=types.len()).filter_map(|i| CString::new(format!("f{i}")).ok()).collect();
            let mut type_handles: Vec<_> = types.iter().map(|ty| ty.0).collect();
            let mut name_pointers: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
            // SAFETY: as many types as names, all live, copied by DuckDB.
            unsafe {
                ffi::duckdb_create_struct_type(
                    type_handles.as_mut_ptr(),
                    name_pointers.as_mut_ptr(),
                    type_handles.len() as u64,
                )
            }
        }
        simple => {
            // SAFETY: a plain identifier of a type without parameters.
            unsafe { ffi::duckdb_create_logical_type(type_id(simple)) }
        }
    };
    if handle.is_null() {
        return Err(Error::internal(format!("DuckDB has no type for {phys:?}")));
    }
    Ok(LogicalType(handle))
}

/// Checks that vectors of type `given` hold what `phys` says: their memory is read by it.
pub(super) fn check(given: &LogicalType, phys: &Phys) -> Result<()> {
    let id = given.id();
    // A column of bare NULLs fits every type, and a void column may be any (only NULLs are read from it).
    if id == ffi::DUCKDB_TYPE_DUCKDB_TYPE_SQLNULL || *phys == Phys::Void {
        return Ok(());
    }
    let mismatch = || Error::internal(format!("the engine gives {} where {phys:?} is expected", describe(given)));
    if id != type_id(phys) {
        return Err(mismatch());
    }
    match phys {
        Phys::Decimal { precision, scale } => {
            // SAFETY: a live decimal type.
            let (width, given_scale) =
                unsafe { (ffi::duckdb_decimal_width(given.0), ffi::duckdb_decimal_scale(given.0)) };
            if (width, given_scale) != (*precision, *scale) {
                return Err(mismatch());
            }
        }
        Phys::Enum(labels) => {
            // SAFETY: a live enum type.
            let size = unsafe { ffi::duckdb_enum_dictionary_size(given.0) } as usize;
            if size != labels.len() || (0..size).any(|i| enum_label(given, i) != *labels[i]) {
                return Err(mismatch());
            }
        }
        Phys::List(element) => {
            // SAFETY: a live list type; the child is ours to destroy.
            check(&LogicalType(unsafe { ffi::duckdb_list_type_child_type(given.0) }), element)?;
        }
        Phys::Shaped(fields) | Phys::Row(fields) => {
            // SAFETY: a live struct type.
            let count = unsafe { ffi::duckdb_struct_type_child_count(given.0) } as usize;
            if count != fields.len().max(1) {
                return Err(mismatch());
            }
            for (i, field) in fields.iter().enumerate() {
                // SAFETY: a live struct type and an index in range; the child is ours to destroy.
                check(&LogicalType(unsafe { ffi::duckdb_struct_type_child_type(given.0, i as u64) }), field)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn enum_label(ty: &LogicalType, index: usize) -> String {
    // SAFETY: a live enum type and an index in range; the text is ours to free.
    let text = unsafe { ffi::duckdb_enum_dictionary_value(ty.0, index as u64) };
    // SAFETY: NUL-terminated, allocated by DuckDB.
    let label = unsafe { text_of(text) };
    // SAFETY: allocated by DuckDB, freed once.
    unsafe { ffi::duckdb_free(text.cast()) };
    label
}

/// A type for the log.
pub(super) fn describe(ty: &LogicalType) -> String {
    let id = ty.id();
    match id {
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_DECIMAL => {
            // SAFETY: a live decimal type.
            let (width, scale) = unsafe { (ffi::duckdb_decimal_width(ty.0), ffi::duckdb_decimal_scale(ty.0)) };
            format!("DECIMAL({width},{scale})")
        }
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_LIST => {
            // SAFETY: a live list type; the child is ours to destroy.
            format!("{}[]", describe(&LogicalType(unsafe { ffi::duckdb_list_type_child_type(ty.0) })))
        }
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_HUGEINT => "HUGEINT".into(),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_BIGINT => "BIGINT".into(),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_INTEGER => "INTEGER".into(),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_SMALLINT => "SMALLINT".into(),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_DOUBLE => "DOUBLE".into(),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_VARCHAR => "VARCHAR".into(),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_STRUCT => "STRUCT".into(),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_ENUM => "ENUM".into(),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_BOOLEAN => "BOOLEAN".into(),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_DATE => "DATE".into(),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP => "TIMESTAMP".into(),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_TZ => "TIMESTAMPTZ".into(),
        _ => format!("DuckDB's type {id}"),
    }
}
