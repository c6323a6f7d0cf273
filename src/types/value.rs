//! One value of any type: parameters, constants, defaults.

use std::sync::Arc;

/// A value in the program's hands. Which PostgreSQL type it belongs to is said by whoever holds it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int2(i16),
    Int4(i32),
    Int8(i64),
    Oid(u32),
    Float4(f32),
    Float8(f64),
    /// PostgreSQL's decimal text: `12.50`, `NaN`, `Infinity`; what is after the point is its display scale.
    Numeric(Arc<str>),
    /// Every type whose physical type is text, and enum labels.
    Text(Arc<str>),
    Bytea(Arc<[u8]>),
    /// Days since 1970-01-01; `i32::MAX` is infinity, `-i32::MAX` is -infinity (DuckDB's convention).
    Date(i32),
    /// Microseconds since midnight; 24:00 is allowed.
    Time(i64),
    /// Microseconds since midnight local time, and the zone's seconds *east* of UTC.
    TimeTz(i64, i32),
    /// Microseconds since 1970-01-01 00:00; `i64::MAX` is infinity, `-i64::MAX` is -infinity (DuckDB's convention).
    Timestamp(i64),
    /// As `Timestamp`, in UTC.
    TimestampTz(i64),
    Interval {
        months: i32,
        days: i32,
        micros: i64,
    },
    Uuid(u128),
    Array(ArrayValue),
    /// A row value; each field with its type.
    Row(Vec<(super::PgType, Value)>),
}

/// A PostgreSQL array value. `dims` is empty for `{}`; elements are in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct ArrayValue {
    pub element: super::Oid,
    /// (length, lower bound) of each dimension.
    pub dims: Vec<(i32, i32)>,
    pub items: Vec<Value>,
}

impl Value {
    pub fn text(s: impl Into<Arc<str>>) -> Self {
        Self::Text(s.into())
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}
