//! What a column of a file in FROM is: of DuckDB's type the type that a client sees, and how a value comes in what carries that.

use duckdb::ffi;

use super::logical::describe;
use super::raw::{LogicalType, text_of};
use crate::error::{Error, Result};
use crate::types::table::array_type;
use crate::types::{BuiltinTypes, PgType, Phys, oid};

/// A column of a file.
#[derive(Debug, Clone)]
pub struct FileColumn {
    pub name: String,
    pub ty: PgType,
    pub phys: Phys,
    how: How,
}

/// How a value is made one of its carrier.
#[derive(Debug, Clone)]
enum How {
    /// It is one.
    Same,
    /// By a cast to this type of DuckDB's.
    Cast(String),
    /// A row, a map, a list of such: as JSON.
    Json,
}

impl FileColumn {
    /// The value of a column of that name.
    pub(super) fn value(&self, column: &str) -> String {
        match &self.how {
            How::Same => column.to_owned(),
            How::Cast(ty) => format!("CAST({column} AS {ty})"),
            // NULL is NULL, not 'null'.
            How::Json => {
                format!("CASE WHEN {column} IS NOT NULL THEN CAST(to_json({column}) AS VARCHAR) END")
            }
        }
    }
}

/// The column of `glob()`.
pub(super) fn name_of_a_file() -> FileColumn {
    FileColumn { name: "file".into(), ty: PgType::new(oid::TEXT), phys: Phys::Text, how: How::Same }
}

/// What a column of that type is to a client.
///
/// # Errors
/// 0A000 for a type that PostgreSQL has nothing like.
pub(super) fn column(name: String, ty: &LogicalType) -> Result<FileColumn> {
    if let Some((ty, phys, how)) = plain(ty) {
        return Ok(FileColumn { name, ty, phys, how });
    }
    let json = FileColumn { name, ty: PgType::new(oid::JSON), phys: Phys::Text, how: How::Json };
    match ty.id() {
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_LIST | ffi::DUCKDB_TYPE_DUCKDB_TYPE_ARRAY => {
            Ok(listed(&json.name, ty).unwrap_or(json))
        }
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_STRUCT | ffi::DUCKDB_TYPE_DUCKDB_TYPE_MAP | ffi::DUCKDB_TYPE_DUCKDB_TYPE_UNION => {
            Ok(json)
        }
        _ => Err(Error::unsupported(format!("column \"{}\" of the file, of type {}", json.name, describe(ty)))),
    }
}

/// A list of plain values is an array.
fn listed(name: &str, ty: &LogicalType) -> Option<FileColumn> {
    // SAFETY: a live type of that kind; the child is ours to destroy.
    let element = LogicalType(unsafe {
        match ty.id() {
            ffi::DUCKDB_TYPE_DUCKDB_TYPE_ARRAY => ffi::duckdb_array_type_child_type(ty.0),
            _ => ffi::duckdb_list_type_child_type(ty.0),
        }
    });
    let (element, phys, how) = plain(&element)?;
    let array = array_type(element.oid, &BuiltinTypes)?;
    let cast = match how {
        How::Same => format!("{}[]", phys.duckdb()),
        How::Cast(ty) => format!("{ty}[]"),
        How::Json => return None,
    };
    let ty = PgType::with(array, element.typmod);
    Some(FileColumn { name: name.to_owned(), ty, phys: Phys::List(Box::new(phys)), how: How::Cast(cast) })
}

/// A type of single values.
fn plain(ty: &LogicalType) -> Option<(PgType, Phys, How)> {
    let same = |of, phys| Some((PgType::new(of), phys, How::Same));
    let cast = |of, phys: Phys, to: &str| Some((PgType::new(of), phys, How::Cast(to.to_owned())));
    match ty.id() {
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_BOOLEAN => same(oid::BOOL, Phys::Bool),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_SMALLINT => same(oid::INT2, Phys::Int2),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TINYINT | ffi::DUCKDB_TYPE_DUCKDB_TYPE_UTINYINT => {
            cast(oid::INT2, Phys::Int2, "SMALLINT")
        }
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_INTEGER => same(oid::INT4, Phys::Int4),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_USMALLINT => cast(oid::INT4, Phys::Int4, "INTEGER"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_BIGINT => same(oid::INT8, Phys::Int8),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_UINTEGER => cast(oid::INT8, Phys::Int8, "BIGINT"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_UBIGINT
        | ffi::DUCKDB_TYPE_DUCKDB_TYPE_HUGEINT
        | ffi::DUCKDB_TYPE_DUCKDB_TYPE_UHUGEINT => cast(oid::NUMERIC, Phys::Numeric, "VARCHAR"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_FLOAT => same(oid::FLOAT4, Phys::Float4),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_DOUBLE => same(oid::FLOAT8, Phys::Float8),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_DECIMAL => {
            // SAFETY: a live decimal type.
            let (precision, scale) = unsafe { (ffi::duckdb_decimal_width(ty.0), ffi::duckdb_decimal_scale(ty.0)) };
            let of = PgType::numeric(precision.into(), scale.into());
            Some((of, Phys::Decimal { precision, scale }, How::Same))
        }
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_VARCHAR if is_json(ty) => cast(oid::JSON, Phys::Text, "VARCHAR"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_VARCHAR => same(oid::TEXT, Phys::Text),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_ENUM | ffi::DUCKDB_TYPE_DUCKDB_TYPE_BIT | ffi::DUCKDB_TYPE_DUCKDB_TYPE_SQLNULL => {
            cast(oid::TEXT, Phys::Text, "VARCHAR")
        }
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_BLOB => same(oid::BYTEA, Phys::Bytea),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_DATE => same(oid::DATE, Phys::Date),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIME => same(oid::TIME, Phys::Time),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIME_NS => cast(oid::TIME, Phys::Time, "TIME"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIME_TZ => same(oid::TIMETZ, Phys::TimeTz),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP => same(oid::TIMESTAMP, Phys::Timestamp),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_S
        | ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_MS
        | ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_NS => cast(oid::TIMESTAMP, Phys::Timestamp, "TIMESTAMP"),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_TZ => same(oid::TIMESTAMPTZ, Phys::TimestampTz),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_INTERVAL => same(oid::INTERVAL, Phys::Interval),
        ffi::DUCKDB_TYPE_DUCKDB_TYPE_UUID => same(oid::UUID, Phys::Uuid),
        _ => None,
    }
}

/// DuckDB's JSON is a VARCHAR of that name.
fn is_json(ty: &LogicalType) -> bool {
    // SAFETY: a live type; the text is ours to free.
    unsafe {
        let alias = ffi::duckdb_logical_type_get_alias(ty.0);
        let name = text_of(alias);
        ffi::duckdb_free(alias.cast());
        name == "JSON"
    }
}
