//! Values to Arrow arrays and back, by physical type.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Float32Builder,
    Float64Builder, Int16Builder, Int32Builder, Int64Builder, ListArray, NullArray, StringBuilder, StructArray,
    Time64MicrosecondBuilder, TimestampMicrosecondBuilder, UInt32Builder,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
    Time64MicrosecondType, TimeUnit, TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type,
};

use super::numeric::Numeric;
use super::table::{interval_bits, timetz_bits};
use super::{ArrayValue, PgType, Phys, Value, oid};
use crate::error::{Error, Result, SqlState};

fn mismatch(value: &Value, phys: &Phys) -> Error {
    Error::internal(format!("value {value:?} for {phys:?}"))
}

/// Fails with 0A000 for what PostgreSQL's type holds and the physical type does not (NaN in a DECIMAL column).
fn decimal(text: &str, precision: u8, scale: u8) -> Result<i128> {
    let value = Numeric::parse(text)?;
    match value.to_decimal128(u32::from(scale)) {
        Some(n) if n.unsigned_abs() < 10u128.pow(u32::from(precision)) => Ok(n),
        Some(_) => Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "numeric field overflow")),
        None => Err(Error::unsupported(format!("{text} in a numeric({precision},{scale}) column"))
            .hint("Declare the column as numeric, without precision.")),
    }
}

macro_rules! build {
    ($values:expr, $phys:expr, $builder:expr, $($pattern:pat => $value:expr),+) => {{
        let mut builder = $builder;
        for value in $values {
            match value {
                Value::Null => builder.append_null(),
                $($pattern => builder.append_value($value),)+
                other => return Err(mismatch(other, $phys)),
            }
        }
        Arc::new(builder.finish())
    }};
}

/// An array of the physical type's Arrow type. The values must be of the type; NULLs are taken everywhere.
pub fn array_from_values(values: &[Value], phys: &Phys) -> Result<ArrayRef> {
    let n = values.len();
    Ok(match phys {
        Phys::Bool => build!(values, phys, BooleanBuilder::with_capacity(n), Value::Bool(b) => *b),
        Phys::Int2 => build!(values, phys, Int16Builder::with_capacity(n), Value::Int2(v) => *v),
        Phys::Int4 => build!(values, phys, Int32Builder::with_capacity(n), Value::Int4(v) => *v),
        Phys::Int8 => build!(values, phys, Int64Builder::with_capacity(n), Value::Int8(v) => *v),
        Phys::Oid => build!(values, phys, UInt32Builder::with_capacity(n), Value::Oid(v) => *v),
        Phys::Float4 => build!(values, phys, Float32Builder::with_capacity(n), Value::Float4(v) => *v),
        Phys::Float8 => build!(values, phys, Float64Builder::with_capacity(n), Value::Float8(v) => *v),
        Phys::Decimal { precision, scale } => build!(
            values, phys,
            Decimal128Builder::with_capacity(n).with_data_type(DataType::Decimal128(*precision, *scale as i8)),
            Value::Numeric(text) => decimal(text, *precision, *scale)?
        ),
        Phys::Numeric => build!(values, phys, StringBuilder::new(), Value::Numeric(text) => text),
        Phys::Text | Phys::Padded | Phys::Jsonb | Phys::Citext => {
            build!(values, phys, StringBuilder::new(), Value::Text(text) => text)
        }
        Phys::Char(_) => build!(values, phys, StringBuilder::new(), Value::Text(text) => text.trim_end_matches(' ')),
        Phys::Bytea | Phys::Coded(_) => build!(values, phys, BinaryBuilder::new(), Value::Bytea(bytes) => bytes),
        Phys::Date => build!(values, phys, Date32Builder::with_capacity(n), Value::Date(v) => *v),
        Phys::Time => build!(values, phys, Time64MicrosecondBuilder::with_capacity(n), Value::Time(v) => *v),
        Phys::TimeTz => {
            build!(values, phys, Int64Builder::with_capacity(n), Value::TimeTz(micros, east) => timetz_bits::pack(*micros, *east))
        }
        Phys::Timestamp => {
            build!(values, phys, TimestampMicrosecondBuilder::with_capacity(n), Value::Timestamp(v) => *v)
        }
        Phys::TimestampTz => build!(
            values, phys,
            TimestampMicrosecondBuilder::with_capacity(n)
                .with_data_type(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))),
            Value::TimestampTz(v) => *v
        ),
        Phys::Interval => build!(
            values, phys, Decimal128Builder::with_capacity(n).with_data_type(phys.arrow()),
            Value::Interval { months, days, micros } => interval_bits::pack(*months, *days, *micros)
        ),
        Phys::Uuid => build!(values, phys, StringBuilder::new(), Value::Uuid(v) => uuid_text(*v)),
        Phys::Enum(labels) => enum_array(values, labels, phys)?,
        Phys::List(element) => list_array(values, element, phys)?,
        Phys::Shaped(fields) => shaped_array(values, fields, phys)?,
        Phys::Row(fields) => row_array(values, fields, phys)?,
        Phys::Void => Arc::new(NullArray::new(n)),
    })
}

fn uuid_text(uuid: u128) -> String {
    uuid::Uuid::from_u128(uuid).hyphenated().to_string()
}

fn enum_array(values: &[Value], labels: &[Arc<str>], phys: &Phys) -> Result<ArrayRef> {
    let dictionary: ArrayRef = Arc::new(labels.iter().map(|l| Some(&**l)).collect::<arrow::array::StringArray>());
    let mut keys = Vec::with_capacity(values.len());
    for value in values {
        keys.push(match value {
            Value::Null => None,
            Value::Text(text) => {
                Some(labels.iter().position(|l| l == text).ok_or_else(|| mismatch(value, phys))? as u32)
            }
            other => return Err(mismatch(other, phys)),
        });
    }
    macro_rules! dictionary {
        ($key:ty, $native:ty) => {{
            let keys: arrow::array::PrimitiveArray<$key> = keys.iter().map(|k| k.map(|k| k as $native)).collect();
            Arc::new(arrow::array::DictionaryArray::<$key>::try_new(keys, dictionary).map_err(Error::internal)?)
        }};
    }
    Ok(match phys.arrow() {
        DataType::Dictionary(key, _) if *key == DataType::UInt8 => dictionary!(UInt8Type, u8),
        DataType::Dictionary(key, _) if *key == DataType::UInt16 => dictionary!(UInt16Type, u16),
        _ => dictionary!(UInt32Type, u32),
    })
}

/// The values of an array's first dimension, each an array of one dimension less.
fn outer_items(array: &ArrayValue) -> Vec<Value> {
    if array.dims.len() <= 1 {
        return array.items.clone();
    }
    let dims = array.dims[1..].to_vec();
    let size = dims.iter().map(|(n, _)| *n as usize).product::<usize>().max(1);
    array
        .items
        .chunks(size)
        .map(|items| Value::Array(ArrayValue { element: array.element, dims: dims.clone(), items: items.to_vec() }))
        .collect()
}

fn list_array(values: &[Value], element: &Phys, phys: &Phys) -> Result<ArrayRef> {
    let mut items = Vec::new();
    let mut offsets: Vec<i32> = vec![0];
    let mut valid = Vec::with_capacity(values.len());
    for value in values {
        match value {
            Value::Null => valid.push(false),
            Value::Array(array) => {
                let nested = matches!(element, Phys::List(_));
                if array.dims.len() > 1 && !nested {
                    return Err(Error::unsupported("a multidimensional array here"));
                }
                if array.dims.iter().any(|(_, lower)| *lower != 1) {
                    return Err(Error::unsupported("an array whose subscripts do not begin with 1"));
                }
                items.extend(outer_items(array));
                valid.push(true);
            }
            other => return Err(mismatch(other, phys)),
        }
        offsets.push(i32::try_from(items.len()).map_err(Error::internal)?);
    }
    let values = array_from_values(&items, element)?;
    let field = Arc::new(Field::new("l", values.data_type().clone(), true));
    let array = ListArray::try_new(field, OffsetBuffer::new(offsets.into()), values, Some(NullBuffer::from(valid)));
    Ok(Arc::new(array.map_err(Error::internal)?))
}

fn row_array(values: &[Value], fields: &[Phys], phys: &Phys) -> Result<ArrayRef> {
    let mut columns: Vec<Vec<Value>> = fields.iter().map(|_| Vec::with_capacity(values.len())).collect();
    let mut valid = Vec::with_capacity(values.len());
    for value in values {
        match value {
            Value::Null => columns.iter_mut().for_each(|c| c.push(Value::Null)),
            Value::Row(row) if row.len() == fields.len() => {
                for (column, (_, value)) in columns.iter_mut().zip(row) {
                    column.push(value.clone());
                }
            }
            other => return Err(mismatch(other, phys)),
        }
        valid.push(!value.is_null());
    }
    let arrays = columns.iter().zip(fields).map(|(c, f)| array_from_values(c, f)).collect::<Result<Vec<_>>>()?;
    let DataType::Struct(arrow_fields) = phys.arrow() else { return Err(Error::internal("row type")) };
    let array = StructArray::try_new_with_length(arrow_fields, arrays, Some(NullBuffer::from(valid)), values.len());
    Ok(Arc::new(array.map_err(Error::internal)?))
}

/// Arrays of any shape: their items and their shapes.
fn shaped_array(values: &[Value], fields: &[Phys], phys: &Phys) -> Result<ArrayRef> {
    let plain = |element, items: Vec<Value>| {
        let dims = if items.is_empty() { Vec::new() } else { vec![(items.len() as i32, 1)] };
        Value::Array(ArrayValue { element, dims, items })
    };
    let rows = values.iter().map(|value| match value {
        Value::Null => Ok(Value::Null),
        Value::Array(array) => {
            let shape = array.shape().into_iter().map(Value::Int4).collect();
            let (items, shape) = (plain(array.element, array.items.clone()), plain(oid::INT4, shape));
            Ok(Value::Row(vec![(PgType::new(array.element), items), (PgType::new(oid::INT4_ARRAY), shape)]))
        }
        other => Err(mismatch(other, phys)),
    });
    row_array(&rows.collect::<Result<Vec<_>>>()?, fields, phys)
}

fn shaped_value(array: &dyn Array, row: usize, fields: &[Phys]) -> Result<Value> {
    let wrong = || Error::internal(format!("array of {} for an array of any shape", array.data_type()));
    let columns = array.as_struct_opt().ok_or_else(wrong)?;
    let part = |i: usize| match (columns.columns().get(i), fields.get(i)) {
        (Some(column), Some(phys)) => match try_value_at(column.as_ref(), row, phys)? {
            Value::Array(array) => Ok(array),
            _ => Err(wrong()),
        },
        _ => Err(wrong()),
    };
    let (items, shape) = (part(0)?, part(1)?);
    let shape = shape.items.iter().map(|n| match n {
        Value::Int4(n) => Ok(*n),
        _ => Err(wrong()),
    });
    let shape = shape.collect::<Result<Vec<_>>>()?;
    Ok(Value::Array(ArrayValue::of_shape(items.element, &shape, items.items)?))
}

/// The value in one row; NULL if it is NULL. Nested lists become an array of several dimensions.
///
/// The array must be of the physical type ([`Phys::arrow`]); anything else gives NULL here and an error in
/// [`try_value_at`].
pub fn value_at(array: &dyn Array, row: usize, phys: &Phys) -> Value {
    try_value_at(array, row, phys).unwrap_or(Value::Null)
}

/// As [`value_at`]; fails (XX000) on an array of another type, and with 2202E on nested lists of unequal lengths.
pub fn try_value_at(array: &dyn Array, row: usize, phys: &Phys) -> Result<Value> {
    if row >= array.len() || array.is_null(row) || matches!(array.data_type(), DataType::Null) {
        return Ok(Value::Null);
    }
    let wrong = || Error::internal(format!("array of {} for {phys:?}", array.data_type()));
    macro_rules! primitive {
        ($ty:ty) => {
            array.as_primitive_opt::<$ty>().ok_or_else(wrong)?.value(row)
        };
    }
    Ok(match phys {
        Phys::Bool => Value::Bool(array.as_boolean_opt().ok_or_else(wrong)?.value(row)),
        Phys::Int2 => Value::Int2(primitive!(Int16Type)),
        Phys::Int4 => Value::Int4(primitive!(Int32Type)),
        Phys::Int8 => Value::Int8(primitive!(Int64Type)),
        Phys::Oid => Value::Oid(primitive!(UInt32Type)),
        Phys::Float4 => Value::Float4(primitive!(Float32Type)),
        Phys::Float8 => Value::Float8(primitive!(Float64Type)),
        Phys::Decimal { scale, .. } => {
            Value::Numeric(Numeric::from_decimal(primitive!(Decimal128Type), u32::from(*scale)).as_text().into())
        }
        Phys::Numeric => Value::Numeric(text_at(array, row).ok_or_else(wrong)?.into()),
        Phys::Text | Phys::Padded | Phys::Jsonb | Phys::Citext | Phys::Enum(_) => {
            Value::text(text_at(array, row).ok_or_else(wrong)?)
        }
        Phys::Char(length) => Value::text(super::text::padded(text_at(array, row).ok_or_else(wrong)?, *length)),
        Phys::Bytea | Phys::Coded(_) => Value::Bytea(array.as_binary_opt::<i32>().ok_or_else(wrong)?.value(row).into()),
        Phys::Date => Value::Date(primitive!(Date32Type)),
        Phys::Time => Value::Time(primitive!(Time64MicrosecondType)),
        Phys::TimeTz => {
            let (micros, east) = timetz_bits::unpack(primitive!(Int64Type));
            Value::TimeTz(micros, east)
        }
        Phys::Timestamp => Value::Timestamp(primitive!(TimestampMicrosecondType)),
        Phys::TimestampTz => Value::TimestampTz(primitive!(TimestampMicrosecondType)),
        Phys::Interval => {
            let (months, days, micros) = interval_bits::unpack(primitive!(Decimal128Type));
            Value::Interval { months, days, micros }
        }
        Phys::Uuid => Value::Uuid(super::text::parse_uuid(text_at(array, row).ok_or_else(wrong)?)?),
        Phys::List(element) => {
            let items = array.as_list_opt::<i32>().ok_or_else(wrong)?.value(row);
            list_value(items.as_ref(), element)?
        }
        Phys::Shaped(fields) => shaped_value(array, row, fields)?,
        Phys::Row(fields) => {
            let columns = array.as_struct_opt().ok_or_else(wrong)?;
            let values = fields.iter().enumerate().map(|(i, f)| {
                let column = columns.columns().get(i).ok_or_else(wrong)?;
                Ok((f.default_type(), try_value_at(column.as_ref(), row, f)?))
            });
            Value::Row(values.collect::<Result<_>>()?)
        }
        Phys::Void => Value::Null,
    })
}

/// Text in a Utf8 array or in a dictionary of text.
pub(crate) fn text_at(array: &dyn Array, row: usize) -> Option<&str> {
    if let Some(strings) = array.as_string_opt::<i32>() {
        return Some(strings.value(row));
    }
    let dictionary = array.as_any_dictionary_opt()?;
    let keys = dictionary.keys();
    let key = match keys.data_type() {
        DataType::UInt8 => usize::from(keys.as_primitive::<UInt8Type>().value(row)),
        DataType::UInt16 => usize::from(keys.as_primitive::<UInt16Type>().value(row)),
        DataType::UInt32 => keys.as_primitive::<UInt32Type>().value(row) as usize,
        DataType::Int32 => keys.as_primitive::<Int32Type>().value(row) as usize,
        _ => return None,
    };
    let values = dictionary.values().as_string_opt::<i32>()?;
    (key < values.len()).then(|| values.value(key))
}

fn list_value(items: &dyn Array, element: &Phys) -> Result<Value> {
    let mut leaf = element;
    while let Phys::List(inner) = leaf {
        leaf = inner;
    }
    let oid = leaf.default_type().oid;
    let Phys::List(_) = element else {
        let values = (0..items.len()).map(|i| try_value_at(items, i, element)).collect::<Result<Vec<_>>>()?;
        let dims = if values.is_empty() { Vec::new() } else { vec![(values.len() as i32, 1)] };
        return Ok(Value::Array(ArrayValue { element: oid, dims, items: values }));
    };
    let mut dims: Option<Vec<(i32, i32)>> = None;
    let mut all = Vec::new();
    for i in 0..items.len() {
        let (inner_dims, inner) = match try_value_at(items, i, element)? {
            Value::Array(inner) => (inner.dims, inner.items),
            _ => (Vec::new(), Vec::new()),
        };
        if dims.as_ref().is_some_and(|d| *d != inner_dims) {
            return Err(Error::new(
                SqlState::ARRAY_SUBSCRIPT_ERROR,
                "multidimensional arrays must have array expressions with matching dimensions",
            ));
        }
        dims = Some(inner_dims);
        all.extend(inner);
    }
    let dims = match dims {
        Some(inner) if !all.is_empty() => std::iter::once((items.len() as i32, 1)).chain(inner).collect(),
        _ => Vec::new(),
    };
    Ok(Value::Array(ArrayValue { element: oid, dims, items: all }))
}
