//! Values → DuckDB's values, by physical type: parameters of prepared statements.

use duckdb::ffi;

use super::logical::logical_type;
use super::raw::OwnedValue;
use crate::error::{Error, Result, SqlState};
use crate::types::{ArrayValue, Phys, Value};

/// Makes DuckDB's value of a parameter that is carried as `phys`.
pub(super) fn value(value: &Value, phys: &Phys) -> Result<OwnedValue> {
    if let Some(handle) = plain(value, phys) {
        return Ok(OwnedValue(handle));
    }
    let handle = match (phys, value) {
        // SAFETY: no arguments.
        (_, Value::Null) => unsafe { ffi::duckdb_create_null_value() },
        (Phys::Decimal { precision, scale }, Value::Numeric(text)) => {
            let value = ffi::duckdb_decimal {
                width: *precision,
                scale: *scale,
                value: hugeint(decimal(text, *precision, *scale)?),
            };
            // SAFETY: plain data whose digits fit the width.
            unsafe { ffi::duckdb_create_decimal(value) }
        }
        (Phys::Numeric, Value::Numeric(text))
        | (Phys::Text | Phys::Padded | Phys::Jsonb | Phys::Citext, Value::Text(text)) => varchar(text),
        (Phys::Char(_), Value::Text(text)) => varchar(text.trim_end_matches(' ')),
        // SAFETY: a pointer to that many bytes, copied by DuckDB.
        (Phys::Bytea | Phys::Coded(_), Value::Bytea(bytes)) => unsafe {
            ffi::duckdb_create_blob(bytes.as_ptr(), bytes.len() as u64)
        },
        (Phys::TimeTz, Value::TimeTz(micros, east)) => {
            let value = ffi::duckdb_time_tz { bits: time_tz(*micros, *east) };
            // SAFETY: plain data.
            unsafe { ffi::duckdb_create_time_tz_value(value) }
        }
        (Phys::Interval, Value::Interval { months, days, micros }) => {
            let value = ffi::duckdb_interval { months: *months, days: *days, micros: *micros };
            // SAFETY: plain data.
            unsafe { ffi::duckdb_create_interval(value) }
        }
        (Phys::Uuid, Value::Uuid(bits)) => {
            let value = ffi::duckdb_uhugeint { lower: *bits as u64, upper: (*bits >> 64) as u64 };
            // SAFETY: plain data.
            unsafe { ffi::duckdb_create_uuid(value) }
        }
        (Phys::Enum(labels), Value::Text(label)) => {
            let index = labels.iter().position(|known| known == label).ok_or_else(|| {
                Error::new(SqlState::INVALID_TEXT_REPRESENTATION, format!("invalid input value for enum: \"{label}\""))
            })?;
            let ty = logical_type(phys)?;
            // SAFETY: a live enum type and an index of one of its labels.
            unsafe { ffi::duckdb_create_enum_value(ty.0, index as u64) }
        }
        (Phys::List(element), Value::Array(array)) => return list(array, element),
        (Phys::Shaped(types), Value::Array(array)) => return shaped(array, types, phys),
        (Phys::Row(types), Value::Row(fields)) if types.len() == fields.len() => {
            let values =
                fields.iter().zip(types.iter()).map(|((_, v), ty)| self::value(v, ty)).collect::<Result<Vec<_>>>()?;
            let ty = logical_type(phys)?;
            let mut handles: Vec<_> = values.iter().map(|v| v.0).collect();
            // SAFETY: a live struct type and as many live values as it has fields, copied by DuckDB.
            unsafe { ffi::duckdb_create_struct_value(ty.0, handles.as_mut_ptr()) }
        }
        _ => return Err(Error::internal(format!("a parameter carried as {phys:?} cannot be {value:?}"))),
    };
    if handle.is_null() {
        return Err(Error::internal(format!("DuckDB does not take {value:?} as {phys:?}")));
    }
    Ok(OwnedValue(handle))
}

/// Values that are nothing but a number to DuckDB too.
fn plain(value: &Value, phys: &Phys) -> Option<ffi::duckdb_value> {
    // SAFETY: plain data, of which DuckDB makes a value of its own.
    Some(unsafe {
        match (phys, value) {
            (Phys::Bool, Value::Bool(v)) => ffi::duckdb_create_bool(*v),
            (Phys::Int2, Value::Int2(v)) => ffi::duckdb_create_int16(*v),
            (Phys::Int4, Value::Int4(v)) => ffi::duckdb_create_int32(*v),
            (Phys::Int8, _) => ffi::duckdb_create_int64(int(value)?),
            (Phys::Oid, Value::Oid(v)) => ffi::duckdb_create_uint32(*v),
            (Phys::Float4, Value::Float4(v)) => ffi::duckdb_create_float(*v),
            (Phys::Float8, Value::Float8(v)) => ffi::duckdb_create_double(*v),
            (Phys::Date, Value::Date(days)) => ffi::duckdb_create_date(ffi::duckdb_date { days: *days }),
            (Phys::Time, Value::Time(micros)) => ffi::duckdb_create_time(ffi::duckdb_time { micros: *micros }),
            (Phys::Timestamp, Value::Timestamp(micros)) => {
                ffi::duckdb_create_timestamp(ffi::duckdb_timestamp { micros: *micros })
            }
            (Phys::TimestampTz, Value::TimestampTz(micros)) => {
                ffi::duckdb_create_timestamp_tz(ffi::duckdb_timestamp { micros: *micros })
            }
            _ => return None,
        }
    })
}

fn int(value: &Value) -> Option<i64> {
    match value {
        Value::Int2(v) => Some(i64::from(*v)),
        Value::Int4(v) => Some(i64::from(*v)),
        Value::Int8(v) => Some(*v),
        Value::Oid(v) => Some(i64::from(*v)),
        _ => None,
    }
}

fn varchar(text: &str) -> ffi::duckdb_value {
    // SAFETY: a pointer to that many bytes of UTF-8, copied by DuckDB.
    unsafe { ffi::duckdb_create_varchar_length(text.as_ptr().cast(), text.len() as u64) }
}

/// An array of any shape: its items and its shape.
fn shaped(array: &ArrayValue, fields: &[Phys], phys: &Phys) -> Result<OwnedValue> {
    let [Phys::List(element), Phys::List(number)] = fields else {
        return Err(Error::internal(format!("{phys:?} is no array of any shape")));
    };
    let items = array.items.iter().map(|item| value(item, element)).collect::<Result<Vec<_>>>()?;
    let shape = array.shape().into_iter().map(|n| value(&Value::Int4(n), number)).collect::<Result<Vec<_>>>()?;
    let parts = [list_of(&items, element)?, list_of(&shape, number)?];
    let ty = logical_type(phys)?;
    let mut handles = parts.each_ref().map(|part| part.0);
    // SAFETY: a live struct type of two fields and two live values, copied by DuckDB.
    let handle = unsafe { ffi::duckdb_create_struct_value(ty.0, handles.as_mut_ptr()) };
    if handle.is_null() {
        return Err(Error::internal(format!("DuckDB does not take an array as {phys:?}")));
    }
    Ok(OwnedValue(handle))
}

/// A list; an array of n dimensions is n lists deep.
fn list(array: &ArrayValue, element: &Phys) -> Result<OwnedValue> {
    if array.dims.len() > 1 {
        let Phys::List(inner) = element else {
            return Err(Error::unsupported("a multidimensional array here"));
        };
        let rest = &array.dims[1..];
        let stride = rest.iter().map(|(len, _)| *len as usize).product::<usize>().max(1);
        let rows = array
            .items
            .chunks(stride)
            .map(|items| {
                let row = ArrayValue { element: array.element, dims: rest.to_vec(), items: items.to_vec() };
                list(&row, inner)
            })
            .collect::<Result<Vec<_>>>()?;
        return list_of(&rows, element);
    }
    let values = array.items.iter().map(|item| value(item, element)).collect::<Result<Vec<_>>>()?;
    list_of(&values, element)
}

fn list_of(values: &[OwnedValue], element: &Phys) -> Result<OwnedValue> {
    let ty = logical_type(element)?;
    let mut handles: Vec<_> = values.iter().map(|v| v.0).collect();
    // SAFETY: a live element type and that many live values, copied by DuckDB.
    let handle = unsafe { ffi::duckdb_create_list_value(ty.0, handles.as_mut_ptr(), handles.len() as u64) };
    if handle.is_null() {
        return Err(Error::internal(format!("DuckDB does not take a list of {element:?}")));
    }
    Ok(OwnedValue(handle))
}

pub(super) fn hugeint(value: i128) -> ffi::duckdb_hugeint {
    ffi::duckdb_hugeint { lower: value as u64, upper: (value >> 64) as i64 }
}

/// DuckDB's TIME WITH TIME ZONE: 40 bits of microseconds, 24 bits of the offset, counted down from its greatest so that
/// the bits sort as the values do.
pub(super) fn time_tz(micros: i64, seconds_east: i32) -> u64 {
    const MAX_OFFSET: i64 = 16 * 3600 - 1;
    ((micros as u64) << 24) | ((MAX_OFFSET - i64::from(seconds_east)) as u64 & 0xff_ffff)
}

/// Decimal text as an integer of units of the last place; rounds half away from zero, as PostgreSQL does.
pub(super) fn decimal(text: &str, precision: u8, scale: u8) -> Result<i128> {
    let overflow = || {
        Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "numeric field overflow").detail(format!(
            "A field with precision {precision}, scale {scale} must round to an absolute value less than 10^{}.",
            i32::from(precision) - i32::from(scale)
        ))
    };
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| overflow())?),
        None => (digits, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.len() + fraction.len() == 0 || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return match text {
            "NaN" | "Infinity" | "-Infinity" => {
                Err(Error::unsupported(format!("{text} in a numeric with declared precision and scale"))
                    .hint("Declare the column as numeric without precision."))
            }
            _ => Err(Error::new(
                SqlState::INVALID_TEXT_REPRESENTATION,
                format!("invalid input syntax for type numeric: \"{text}\""),
            )),
        };
    }
    // The digit at index `keep` of all digits is the first that is cut off.
    let keep = whole.len() as i64 + i64::from(exponent) + i64::from(scale);
    let mut units: i128 = 0;
    let mut all = whole.bytes().chain(fraction.bytes());
    for _ in 0..keep.max(0) {
        let digit = all.next().map_or(0, |b| i128::from(b - b'0'));
        units = units.checked_mul(10).and_then(|u| u.checked_add(digit)).ok_or_else(overflow)?;
        if units == 0 && all.size_hint().0 == 0 {
            break;
        }
    }
    if keep >= 0 && all.next().is_some_and(|b| b >= b'5') {
        units += 1;
    }
    if units >= 10i128.checked_pow(u32::from(precision)).unwrap_or(i128::MAX) {
        return Err(overflow());
    }
    Ok(if negative { -units } else { units })
}
