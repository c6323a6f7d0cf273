//! Building blocks of native functions: typed arguments and results over Arrow arrays.
//!
//! `native2::<i32, str, bool>("dg_x", |n, text| …)` is a strict function of two arguments: NULL in, NULL out.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BinaryBuilder, BooleanArray, BooleanBuilder, Date32Array, Decimal128Array,
    Float32Array, Float64Array, Int16Array, Int32Array, Int64Array, ListBuilder, PrimitiveArray, PrimitiveBuilder,
    StringArray, StringBuilder, Time64MicrosecondArray, TimestampMicrosecondArray, UInt32Array,
};
use arrow::datatypes::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
    Time64MicrosecondType, TimestampMicrosecondType, UInt32Type,
};

use super::Native;
use super::budget::{lend, spend, tick};
use crate::error::{Error, Result};
use crate::types::arrow::{array_from_values, value_at};
use crate::types::{Phys, Value};

/// A PostgreSQL interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interval {
    pub months: i32,
    pub days: i32,
    pub micros: i64,
}

/// Marker types for arguments and results whose Rust type is shared by several physical types.
pub(crate) struct Date;
pub(crate) struct Time;
pub(crate) struct Timestamp;
pub(crate) struct TimestampTz;
pub(crate) struct Oid;
pub(crate) struct NumericText;
pub(crate) struct TextList;

/// A kind of argument: how its array is read.
pub(crate) trait Arg {
    type Array: Array + 'static;
    type Value<'a>;
    fn phys() -> Phys;
    fn get(array: &Self::Array, row: usize) -> Result<Self::Value<'_>>;
}

/// A kind of result: how its array is built.
pub(crate) trait Ret {
    type Builder;
    type Value;
    fn phys() -> Phys;
    fn builder(rows: usize) -> Self::Builder;
    fn push(builder: &mut Self::Builder, value: Option<Self::Value>);
    fn finish(builder: Self::Builder) -> ArrayRef;
}

macro_rules! primitive {
    ($marker:ty, $value:ty, $array:ty, $arrow:ty, $phys:expr) => {
        impl Arg for $marker {
            type Array = $array;
            type Value<'a> = $value;
            fn phys() -> Phys {
                $phys
            }
            fn get(array: &$array, row: usize) -> Result<$value> {
                Ok(array.value(row))
            }
        }
        impl Ret for $marker {
            type Builder = PrimitiveBuilder<$arrow>;
            type Value = $value;
            fn phys() -> Phys {
                $phys
            }
            fn builder(rows: usize) -> Self::Builder {
                PrimitiveBuilder::with_capacity(rows)
            }
            fn push(builder: &mut Self::Builder, value: Option<$value>) {
                builder.append_option(value);
            }
            fn finish(builder: Self::Builder) -> ArrayRef {
                finish_primitive(builder, &$phys)
            }
        }
    };
}

fn finish_primitive<T: ArrowPrimitiveType>(mut builder: PrimitiveBuilder<T>, phys: &Phys) -> ArrayRef {
    let array: PrimitiveArray<T> = builder.finish();
    // Timestamps with a zone have an Arrow type that the builder does not know.
    Arc::new(array.with_data_type(phys.arrow()))
}

primitive!(i16, i16, Int16Array, Int16Type, Phys::Int2);
primitive!(i32, i32, Int32Array, Int32Type, Phys::Int4);
primitive!(i64, i64, Int64Array, Int64Type, Phys::Int8);
primitive!(Oid, u32, UInt32Array, UInt32Type, Phys::Oid);
primitive!(f32, f32, Float32Array, Float32Type, Phys::Float4);
primitive!(f64, f64, Float64Array, Float64Type, Phys::Float8);
primitive!(Date, i32, Date32Array, Date32Type, Phys::Date);
primitive!(Time, i64, Time64MicrosecondArray, Time64MicrosecondType, Phys::Time);
primitive!(Timestamp, i64, TimestampMicrosecondArray, TimestampMicrosecondType, Phys::Timestamp);
primitive!(TimestampTz, i64, TimestampMicrosecondArray, TimestampMicrosecondType, Phys::TimestampTz);

impl Arg for bool {
    type Array = BooleanArray;
    type Value<'a> = bool;
    fn phys() -> Phys {
        Phys::Bool
    }
    fn get(array: &BooleanArray, row: usize) -> Result<bool> {
        Ok(array.value(row))
    }
}

impl Ret for bool {
    type Builder = BooleanBuilder;
    type Value = bool;
    fn phys() -> Phys {
        Phys::Bool
    }
    fn builder(rows: usize) -> Self::Builder {
        BooleanBuilder::with_capacity(rows)
    }
    fn push(builder: &mut Self::Builder, value: Option<bool>) {
        builder.append_option(value);
    }
    fn finish(mut builder: Self::Builder) -> ArrayRef {
        Arc::new(builder.finish())
    }
}

macro_rules! string {
    ($marker:ty, $phys:expr) => {
        impl Arg for $marker {
            type Array = StringArray;
            type Value<'a> = &'a str;
            fn phys() -> Phys {
                $phys
            }
            fn get(array: &StringArray, row: usize) -> Result<&str> {
                Ok(array.value(row))
            }
        }
        impl Ret for $marker {
            type Builder = StringBuilder;
            type Value = String;
            fn phys() -> Phys {
                $phys
            }
            fn builder(rows: usize) -> Self::Builder {
                StringBuilder::with_capacity(rows, rows * 8)
            }
            fn push(builder: &mut Self::Builder, value: Option<String>) {
                builder.append_option(value);
            }
            fn finish(mut builder: Self::Builder) -> ArrayRef {
                Arc::new(builder.finish())
            }
        }
    };
}

string!(str, Phys::Text);
string!(NumericText, Phys::Numeric);

impl Arg for [u8] {
    type Array = BinaryArray;
    type Value<'a> = &'a [u8];
    fn phys() -> Phys {
        Phys::Bytea
    }
    fn get(array: &BinaryArray, row: usize) -> Result<&[u8]> {
        Ok(array.value(row))
    }
}

impl Ret for [u8] {
    type Builder = BinaryBuilder;
    type Value = Vec<u8>;
    fn phys() -> Phys {
        Phys::Bytea
    }
    fn builder(rows: usize) -> Self::Builder {
        BinaryBuilder::with_capacity(rows, rows * 16)
    }
    fn push(builder: &mut Self::Builder, value: Option<Vec<u8>>) {
        builder.append_option(value);
    }
    fn finish(mut builder: Self::Builder) -> ArrayRef {
        Arc::new(builder.finish())
    }
}

impl Arg for Interval {
    type Array = Decimal128Array;
    type Value<'a> = Interval;
    fn phys() -> Phys {
        Phys::Interval
    }
    fn get(array: &Decimal128Array, row: usize) -> Result<Interval> {
        let (months, days, micros) = crate::types::table::interval_bits::unpack(array.value(row));
        Ok(Interval { months, days, micros })
    }
}

impl Ret for Interval {
    type Builder = PrimitiveBuilder<Decimal128Type>;
    type Value = Interval;
    fn phys() -> Phys {
        Phys::Interval
    }
    fn builder(rows: usize) -> Self::Builder {
        PrimitiveBuilder::with_capacity(rows).with_data_type(Phys::Interval.arrow())
    }
    fn push(builder: &mut Self::Builder, value: Option<Interval>) {
        builder.append_option(value.map(|v| crate::types::table::interval_bits::pack(v.months, v.days, v.micros)));
    }
    fn finish(mut builder: Self::Builder) -> ArrayRef {
        Arc::new(builder.finish())
    }
}

impl Ret for TextList {
    type Builder = ListBuilder<StringBuilder>;
    type Value = Vec<Option<String>>;
    fn phys() -> Phys {
        Phys::List(Box::new(Phys::Text))
    }
    fn builder(_rows: usize) -> Self::Builder {
        ListBuilder::new(StringBuilder::new())
    }
    fn push(builder: &mut Self::Builder, value: Option<Self::Value>) {
        let valid = value.is_some();
        for item in value.into_iter().flatten() {
            builder.values().append_option(item);
        }
        builder.append(valid);
    }
    fn finish(mut builder: Self::Builder) -> ArrayRef {
        Arc::new(builder.finish())
    }
}

pub(crate) fn downcast<A: Arg + ?Sized>(args: &[ArrayRef], i: usize) -> Result<&A::Array> {
    args.get(i)
        .and_then(|a| a.as_any().downcast_ref::<A::Array>())
        .ok_or_else(|| Error::internal(format!("native function: argument {i} has another type than declared")))
}

macro_rules! strict_native {
    ($fn_name:ident, $($arg:ident $value:ident $index:tt),+) => {
        /// A strict native: NULL in, NULL out; the function may also give NULL by `None`.
        pub(crate) fn $fn_name<$($arg: Arg + ?Sized + 'static,)+ R: Ret + ?Sized + 'static>(
            name: &'static str,
            f: impl for<'a> Fn($($arg::Value<'a>),+) -> Result<Option<R::Value>> + Send + Sync + 'static,
        ) -> Native {
            Native {
                name,
                args: vec![$($arg::phys()),+],
                varargs: None,
                result: R::phys(),
                strict: true,
                volatile: false,
                body: Arc::new(move |args, rows| {
                    $(let $value = downcast::<$arg>(args, $index)?;)+
                    let mut out = R::builder(rows);
                    for row in 0..rows {
                        tick()?;
                        if false $(|| $value.is_null(row))+ {
                            R::push(&mut out, None);
                        } else {
                            let value = f($($arg::get($value, row)?),+)?;
                            R::push(&mut out, value);
                        }
                    }
                    Ok(R::finish(out))
                }),
            }
        }
    };
}

strict_native!(native1, A a 0);
strict_native!(native2, A a 0, B b 1);
strict_native!(native3, A a 0, B b 1, C c 2);
strict_native!(native4, A a 0, B b 1, C c 2, D d 3);
strict_native!(native5, A a 0, B b 1, C c 2, D d 3, E e 4);
strict_native!(native6, A a 0, B b 1, C c 2, D d 3, E e 4, F g 5);
strict_native!(native7, A a 0, B b 1, C c 2, D d 3, E e 4, F g 5, G h 6);

/// A strict native over values, for what is called seldom or costs much more than its values do.
pub(crate) fn native_values(
    name: &'static str,
    args: Vec<Phys>,
    result: Phys,
    f: impl Fn(&[Value]) -> Result<Value> + Send + Sync + 'static,
) -> Native {
    let strict = move |given: &[Value]| match given.iter().any(Value::is_null) {
        true => Ok(Value::Null),
        false => f(given),
    };
    Native { strict: true, ..native_values_or_null(name, args, result, strict) }
}

/// As [`native_values`], but NULLs are the function's own affair.
pub(crate) fn native_values_or_null(
    name: &'static str,
    args: Vec<Phys>,
    result: Phys,
    f: impl Fn(&[Value]) -> Result<Value> + Send + Sync + 'static,
) -> Native {
    Native {
        name,
        args: args.clone(),
        varargs: None,
        result: result.clone(),
        strict: false,
        volatile: false,
        body: Arc::new(move |arrays, rows| {
            let mut values = Vec::with_capacity(rows);
            for row in 0..rows {
                tick()?;
                let _lent = lend(arrays.iter().map(|a| weight(&**a, row)).fold(0, usize::saturating_add))?;
                let given: Vec<Value> = arrays.iter().zip(&args).map(|(a, phys)| value_at(&**a, row, phys)).collect();
                let value = f(&given)?;
                spend(size(&value))?;
                values.push(value);
            }
            array_from_values(&values, &result)
        }),
    }
}

/// The memory that a row of a list takes as a value, in bytes; what is no list is not counted.
pub(crate) fn weight(array: &dyn Array, row: usize) -> usize {
    match array.as_list_opt::<i32>() {
        Some(list) if !list.is_null(row) => {
            let items = list.value(row);
            let bytes = items.to_data().get_slice_memory_size().unwrap_or_default();
            items.len().saturating_mul(size_of::<Value>()).saturating_add(bytes)
        }
        Some(_) | None => 0,
    }
}

/// The memory that a value takes beside its own place, in bytes.
pub(crate) fn size(value: &Value) -> usize {
    match value {
        Value::Numeric(text) | Value::Text(text) => text.len(),
        Value::Bytea(bytes) => bytes.len(),
        Value::Array(array) => array.items.iter().map(|item| size_of::<Value>() + size(item)).sum(),
        Value::Row(fields) => fields.iter().map(|(_, field)| size_of::<Value>() + size(field)).sum(),
        Value::Null
        | Value::Bool(_)
        | Value::Int2(_)
        | Value::Int4(_)
        | Value::Int8(_)
        | Value::Oid(_)
        | Value::Float4(_)
        | Value::Float8(_)
        | Value::Date(_)
        | Value::Time(_)
        | Value::TimeTz(..)
        | Value::Timestamp(_)
        | Value::TimestampTz(_)
        | Value::Interval { .. }
        | Value::Uuid(_) => 0,
    }
}
