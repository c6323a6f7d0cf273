//! Arrow's columns as the table's: nothing is lost on the way, or it is an error with its row.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeBinaryArray, ListArray, RunArray, StringArray, new_null_array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::kernels::cmp::distinct;
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{
    ArrowNativeType, DataType, Date32Type, Decimal128Type, DurationMicrosecondType, Field, Int16Type, Int32Type,
    Int64Type, IntervalMonthDayNanoType, IntervalUnit, RunEndIndexType, Time64MicrosecondType, TimeUnit,
    TimestampMicrosecondType,
};
use arrow::util::display::array_value_to_string;

use super::CopyColumn;
use super::column::{Column, is_plain_text};
use super::texts::{Texts, without_blanks};
use crate::error::{Error, Result, SqlState};
use crate::types::arrow::array_from_values;
use crate::types::datetime::{MAX_DATE, MICROS_PER_DAY, MIN_DATE, TIMESTAMP_INFINITY};
use crate::types::text::Input;
use crate::types::{PgType, Phys, TypeLookup, Value, base_type, oid};

/// How a column of the stream becomes one of the table.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Way {
    /// Arrow's types are the same, or differ in no value.
    Same,
    /// By Arrow's cast, and back to see that nothing was lost.
    Cast,
    /// By the type's input function; the stream's column is text, or becomes it.
    Text,
    Uuid,
    Interval,
    Nulls,
    /// An array, whose elements go this way.
    List(Box<Way>),
    /// Said once for many rows (a dictionary, runs): written out as this type, which goes this way.
    WrittenOut(DataType, Box<Way>),
}

/// A value that the column cannot have.
pub(super) struct Fault {
    /// Among those of the array.
    pub row: usize,
    pub value: Option<String>,
    pub error: Error,
}

impl Fault {
    fn at(array: &dyn Array, row: usize, error: Error) -> Self {
        Self { row, value: array_value_to_string(array, row).ok(), error }
    }

    pub(super) fn internal(error: impl std::fmt::Display) -> Self {
        Self { row: 0, value: None, error: Error::internal(error.to_string()) }
    }
}

fn out_of_range(message: impl Into<String>) -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)
}

fn is_text(ty: &DataType) -> bool {
    match ty {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

fn is_binary(ty: &DataType) -> bool {
    matches!(ty, DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_))
}

fn is_decimal(ty: &DataType) -> bool {
    use DataType::{Decimal32, Decimal64, Decimal128, Decimal256};
    matches!(ty, Decimal32(..) | Decimal64(..) | Decimal128(..) | Decimal256(..))
}

impl Way {
    /// `None` if there is none on which nothing is lost.
    pub fn between(from: &DataType, target: &CopyColumn, types: &dyn TypeLookup) -> Option<Self> {
        let ty = base_type(target.ty, types);
        Self::of(from, ty, &target.phys)
    }

    fn of(from: &DataType, ty: PgType, phys: &Phys) -> Option<Self> {
        use DataType::{Boolean, Date32, Date64, Duration, Float16, Float32, Float64, Interval, Null, Time32, Time64};
        let exact = from.is_integer() || is_decimal(from);
        let numbers = from.is_numeric();
        Some(match (phys, from) {
            (_, Null) => Self::Nulls,
            // What runs of lists come to is not measured ([`bounded`]).
            (_, DataType::RunEndEncoded(_, values)) => {
                let values = values.data_type();
                if values.is_nested() || matches!(values, DataType::RunEndEncoded(..)) {
                    return None;
                }
                Self::WrittenOut(values.clone(), Box::new(Self::of(values, ty, phys)?))
            }
            (_, DataType::Dictionary(_, values)) if values.is_primitive() => {
                Self::WrittenOut((**values).clone(), Box::new(Self::of(values, ty, phys)?))
            }
            (
                Phys::List(element),
                DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _),
            ) => {
                // Of an array of arrays the type has the same name.
                let inner = if matches!(**element, Phys::List(_)) { ty } else { element.default_type() };
                Self::List(Box::new(Self::of(field.data_type(), inner, element)?))
            }
            (Phys::List(_) | Phys::Shaped(_), _) if is_text(from) => Self::Text,
            (Phys::List(_) | Phys::Shaped(_) | Phys::Row(_) | Phys::Void, _) => return None,
            (Phys::Uuid, DataType::FixedSizeBinary(16)) => Self::Uuid,
            (Phys::Interval, Interval(IntervalUnit::MonthDayNano) | Duration(_)) => Self::Interval,
            (Phys::Bool, Boolean) => Self::Same,
            (Phys::Int2 | Phys::Int4 | Phys::Oid, _) if exact => Self::Cast,
            (Phys::Int8, _) if exact && ty.oid == oid::INT8 => Self::Cast,
            (Phys::Float4 | Phys::Float8, Float16 | Float32 | Float64) => Self::Cast,
            (Phys::Float4 | Phys::Float8, _) if from.is_integer() => Self::Cast,
            (Phys::Decimal { .. }, _) if exact => Self::Cast,
            (Phys::Numeric, _) if exact => Self::Text,
            (Phys::Date, Date32 | Date64) => Self::Cast,
            (Phys::Time, Time32(_) | Time64(_)) => Self::Cast,
            (Phys::Timestamp, DataType::Timestamp(_, None)) => Self::Cast,
            (Phys::TimestampTz, DataType::Timestamp(_, Some(_))) => Self::Cast,
            (Phys::Bytea, _) if is_binary(from) => Self::Cast,
            (Phys::Text, _) if is_text(from) && is_plain_text(ty.oid) && ty.typmod < 0 => Self::Cast,
            (_, _) if is_text(from) && !numbers => Self::Text,
            _ => return None,
        })
    }
}

/// The array as the column's physical type has it.
pub(super) fn convert(from: &ArrayRef, way: &Way, target: &CopyColumn, input: &Input<'_>) -> Result<ArrayRef, Fault> {
    let ty = base_type(target.ty, input.types);
    value(from, way, ty, &target.phys, input)
}

fn value(from: &ArrayRef, way: &Way, ty: PgType, phys: &Phys, input: &Input<'_>) -> Result<ArrayRef, Fault> {
    let made = match way {
        Way::Nulls => Ok(new_null_array(&phys.arrow(), from.len())),
        Way::Same => Ok(Arc::clone(from)),
        Way::Cast => exactly(from, ty, phys),
        Way::Text => by_text(from, ty, phys, input),
        Way::Uuid => uuids(from),
        Way::Interval => intervals(from),
        Way::List(element) => list(from, element, ty, phys, input),
        Way::WrittenOut(plain, way) => {
            bounded(from)?;
            let plain = cast(from, plain).map_err(Fault::internal)?;
            return value(&plain, way, ty, phys, input);
        }
    }?;
    match first_wrong(&made, ty, phys) {
        None => Ok(made),
        Some((row, error)) => Err(Fault::at(from, row, error)),
    }
}

/// By Arrow's cast; a value that is another one when it is cast back was lost.
fn exactly(from: &ArrayRef, ty: PgType, phys: &Phys) -> Result<ArrayRef, Fault> {
    let to = phys.arrow();
    if *from.data_type() == to {
        return Ok(Arc::clone(from));
    }
    if matches!(phys, Phys::Text | Phys::Bytea) {
        bounded(from)?;
        return cast(from, &to).map_err(Fault::internal);
    }
    there_and_back(from, &to)?.map_err(|row| {
        let name = crate::types::name::format_type(PgType::new(ty.oid), &crate::types::BuiltinTypes);
        let shown = array_value_to_string(from, row).unwrap_or_default();
        Fault::at(from, row, out_of_range(format!("value \"{shown}\" is out of range for type {name}")))
    })
}

/// By the type's input function.
fn by_text(from: &ArrayRef, ty: PgType, phys: &Phys, input: &Input<'_>) -> Result<ArrayRef, Fault> {
    bounded(from)?;
    let array = cast(from, &DataType::Utf8).map_err(Fault::internal)?;
    let texts = array.as_string::<i32>();
    if fit(texts, ty) && phys.arrow() == DataType::Utf8 {
        return Ok(array);
    }
    if let Some(trimmed) = unpadded(texts, ty).filter(|_| phys.arrow() == DataType::Utf8) {
        return Ok(trimmed);
    }
    let scale = ty.numeric_precision().map(|(_, scale)| scale);
    let column = CopyColumn { name: "".into(), ty, phys: phys.clone(), row: None };
    let mut column = Column::new(&column, input.types);
    for (row, text) in texts.iter().enumerate() {
        let Some(text) = text else {
            column.push_null();
            continue;
        };
        let at = |error| Fault { row, value: Some(text.to_owned()), error };
        if text.contains('\0') {
            return Err(at(nul()));
        }
        if let Some(scale) = scale.filter(|_| is_decimal(from.data_type())) {
            let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction).trim_end_matches('0');
            if fraction.len() as i64 > i64::from(scale) {
                return Err(at(out_of_range(format!("value \"{text}\" has more than {scale} digits after the point"))));
            }
        }
        column.push_text(text, input).map_err(at)?;
    }
    column.finish().map(|(array, _)| array).map_err(Fault::internal)
}

/// True if all texts are short enough for the type by their bytes, and have no blanks that it drops: most columns'.
fn fit(texts: &StringArray, ty: PgType) -> bool {
    let Some(most) = ty.char_length().filter(|_| is_plain_text(ty.oid)) else { return false };
    let (offsets, data) = (texts.value_offsets(), texts.value_data());
    let short = |ends: &[i32]| (ends[1] - ends[0]) as u32 <= most;
    let blank = |ends: &[i32]| ends[1] > ends[0] && data[ends[1] as usize - 1] == b' ';
    offsets.windows(2).all(|ends| short(ends) && !(ty.oid == oid::BPCHAR && blank(ends)))
}

/// The texts of a `char(n)` without the blanks at their end; `None` if one of them may be too long.
fn unpadded(texts: &StringArray, ty: PgType) -> Option<ArrayRef> {
    let most = ty.char_length().filter(|_| ty.oid == oid::BPCHAR)? as usize;
    let mut made = Texts::new();
    for text in texts {
        match text.map(str::as_bytes) {
            None => made.push_null(),
            Some(text) if text.len() > most => return None,
            Some(text) => made.push(without_blanks(text)).ok()?,
        }
    }
    made.finish().ok()
}

/// A dictionary, a view and a run may say the same long text for many rows: what they come to is measured before it is made.
/// Of more than that fewer rows are taken at once (`arrow.rs`); one row's text may be as long as any.
fn bounded(from: &ArrayRef) -> Result<(), Fault> {
    const MOST: usize = 64 << 20;
    let bytes: usize = match from.data_type() {
        DataType::Utf8View => from.as_string_view().lengths().map(|length| length as usize).sum(),
        DataType::BinaryView => from.as_binary_view().lengths().map(|length| length as usize).sum(),
        DataType::Dictionary(_, values) if values.is_primitive() => 0,
        DataType::RunEndEncoded(ends, _) => match ends.data_type() {
            DataType::Int16 => run_bytes::<Int16Type>(from)?,
            DataType::Int32 => run_bytes::<Int32Type>(from)?,
            _ => run_bytes::<Int64Type>(from)?,
        },
        DataType::Dictionary(..) => {
            let dictionary = from.as_any_dictionary();
            bounded(dictionary.values())?;
            let values = cast(dictionary.values(), &DataType::LargeUtf8).map_err(Fault::internal)?;
            let values = values.as_string::<i64>();
            let keys = dictionary.normalized_keys();
            let length = |key: &usize| if *key < values.len() { values.value_length(*key) as usize } else { 0 };
            keys.iter().map(length).sum()
        }
        _ => 0,
    };
    if bytes <= MOST || from.len() == 1 {
        return Ok(());
    }
    let message = format!("{} rows of COPY data have more than {MOST} bytes in one column", from.len());
    Err(Fault { row: 0, value: None, error: Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message) })
}

/// What the runs of texts or bytes come to; nothing to speak of for values of other types.
fn run_bytes<T: RunEndIndexType>(from: &ArrayRef) -> Result<usize, Fault> {
    let runs: &RunArray<T> = from.as_run_opt().ok_or_else(|| Fault::internal("no runs"))?;
    let values = runs.values();
    let to = match values.data_type() {
        ty if is_text(ty) => DataType::LargeUtf8,
        ty if is_binary(ty) => DataType::LargeBinary,
        _ => return Ok(0),
    };
    bounded(values)?;
    let values = cast(values, &to).map_err(Fault::internal)?.to_data();
    let offsets = values.buffer::<i64>(0);
    let first = runs.run_ends().get_start_physical_index();
    let mut before = 0;
    let mut bytes = 0_usize;
    for (i, end) in runs.run_ends().sliced_values().enumerate() {
        let rows = end.as_usize() - before;
        before = end.as_usize();
        bytes = bytes.saturating_add(rows.saturating_mul((offsets[first + i + 1] - offsets[first + i]) as usize));
    }
    Ok(bytes)
}

fn nul() -> Error {
    Error::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, "invalid byte sequence for encoding \"UTF8\": 0x00")
}

fn uuids(from: &ArrayRef) -> Result<ArrayRef, Fault> {
    let bytes = from.as_any().downcast_ref::<FixedSizeBinaryArray>().ok_or_else(|| Fault::internal("no uuids"))?;
    let uuid = |bytes: &[u8]| <[u8; 16]>::try_from(bytes).map_or(Value::Null, |b| Value::Uuid(u128::from_be_bytes(b)));
    let values: Vec<Value> = bytes.iter().map(|bytes| bytes.map_or(Value::Null, uuid)).collect();
    array_from_values(&values, &Phys::Uuid).map_err(Fault::internal)
}

fn intervals(from: &ArrayRef) -> Result<ArrayRef, Fault> {
    let wrong = |row| Fault::at(from, row, Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "interval out of range"));
    let mut values = Vec::with_capacity(from.len());
    if let Some(intervals) = from.as_primitive_opt::<IntervalMonthDayNanoType>() {
        for (row, interval) in intervals.iter().enumerate() {
            values.push(match interval {
                None => Value::Null,
                Some(i) if i.nanoseconds % 1000 != 0 => return Err(wrong(row)),
                Some(i) => Value::Interval { months: i.months, days: i.days, micros: i.nanoseconds / 1000 },
            });
        }
    } else {
        let made = there_and_back(from, &DataType::Duration(TimeUnit::Microsecond))?.map_err(wrong)?;
        let interval = |micros: i64| Value::Interval { months: 0, days: 0, micros };
        let micros = made.as_primitive::<DurationMicrosecondType>().iter();
        values.extend(micros.map(|micros| micros.map_or(Value::Null, interval)));
    }
    array_from_values(&values, &Phys::Interval).map_err(Fault::internal)
}

/// Arrow's cast, whose result is cast back: the first row that is then another one was not to be cast.
fn there_and_back(from: &ArrayRef, to: &DataType) -> Result<Result<ArrayRef, usize>, Fault> {
    let options = CastOptions { safe: true, ..CastOptions::default() };
    let made = cast_with_options(from, to, &options).map_err(Fault::internal)?;
    let back = cast_with_options(&made, from.data_type(), &options).map_err(Fault::internal)?;
    let lost = distinct(&back, from).map_err(Fault::internal)?;
    Ok(lost.values().set_indices().next().map_or(Ok(made), Err))
}

fn list(from: &ArrayRef, element: &Way, ty: PgType, phys: &Phys, input: &Input<'_>) -> Result<ArrayRef, Fault> {
    let Phys::List(inner) = phys else { return Err(Fault::internal("no list")) };
    let from = match from.data_type() {
        DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
            cast(from, &DataType::List(Arc::clone(field))).map_err(Fault::internal)?
        }
        _ => Arc::clone(from),
    };
    let lists = from.as_list::<i32>();
    let offsets = lists.value_offsets();
    let (first, last) = (offsets[0], offsets[offsets.len() - 1]);
    let items = lists.values().slice(first as usize, (last - first) as usize);
    let inner_type = if matches!(**inner, Phys::List(_)) { ty } else { element_type(ty, inner, input.types) };
    let items = value(&items, element, inner_type, inner, input).map_err(|fault| {
        let at = first as usize + fault.row;
        let row = offsets.partition_point(|offset| *offset as usize <= at).saturating_sub(1);
        Fault { row, ..fault }
    })?;
    let offsets = OffsetBuffer::new(offsets.iter().map(|offset| offset - first).collect());
    let field = Arc::new(Field::new("l", inner.arrow(), true));
    let made = ListArray::try_new(field, offsets, items, lists.nulls().cloned()).map_err(Fault::internal)?;
    Ok(Arc::new(made))
}

/// The type of an array type's elements, with the array's modifier.
fn element_type(ty: PgType, inner: &Phys, types: &dyn TypeLookup) -> PgType {
    match crate::types::table::element_type(ty.oid, types) {
        Some(element) => PgType::with(element, ty.typmod),
        None => inner.default_type(),
    }
}

/// The first value that Arrow's type has and PostgreSQL's has not.
fn first_wrong(made: &ArrayRef, ty: PgType, phys: &Phys) -> Option<(usize, Error)> {
    let overflow = |message: &str| Error::new(SqlState::DATETIME_FIELD_OVERFLOW, message);
    match phys {
        Phys::Date => {
            let days = made.as_primitive::<Date32Type>().values();
            let wrong = first_of(made, days, |day| !(MIN_DATE..=MAX_DATE).contains(&day));
            wrong.map(|row| (row, overflow("date out of range")))
        }
        Phys::Timestamp | Phys::TimestampTz => {
            let micros = made.as_primitive::<TimestampMicrosecondType>().values();
            let range = i64::from(MIN_DATE) * MICROS_PER_DAY..TIMESTAMP_INFINITY;
            let step = step(ty);
            let wrong = first_of(made, micros, |micros| !range.contains(&micros) || step > 1 && micros % step != 0);
            wrong.map(|row| (row, overflow("timestamp out of range")))
        }
        Phys::Time => {
            let micros = made.as_primitive::<Time64MicrosecondType>().values();
            let (range, step) = (0..=MICROS_PER_DAY, step(ty));
            let wrong = first_of(made, micros, |micros| !range.contains(&micros) || step > 1 && micros % step != 0);
            wrong.map(|row| (row, overflow("time out of range")))
        }
        Phys::Decimal { precision, scale } => {
            let most = 10u128.pow(u32::from(*precision));
            let values = made.as_primitive::<Decimal128Type>().values();
            let wrong = first_of(made, values, |value| value.unsigned_abs() >= most);
            let error = || {
                out_of_range("numeric field overflow").detail(format!(
                    "A field with precision {precision}, scale {scale} must round to an absolute value less than 10^{}.",
                    precision - scale
                ))
            };
            wrong.map(|row| (row, error()))
        }
        Phys::Text | Phys::Char(_) | Phys::Padded | Phys::Jsonb | Phys::Citext => {
            let texts: &StringArray = made.as_string::<i32>();
            memchr::memchr(0, texts.value_data())?;
            let wrong = |row: &usize| texts.is_valid(*row) && texts.value(*row).contains('\0');
            (0..texts.len()).find(wrong).map(|row| (row, nul()))
        }
        _ => None,
    }
}

/// The first of an array's values that is wrong and not NULL. All are looked at without a branch each: hardly one is.
fn first_of<T: Copy>(made: &ArrayRef, values: &[T], wrong: impl Fn(T) -> bool) -> Option<usize> {
    if !values.iter().fold(false, |any, value| any | wrong(*value)) {
        return None;
    }
    (0..values.len()).find(|row| wrong(values[*row]) && made.is_valid(*row))
}

/// The microseconds that a type's precision counts in.
fn step(ty: PgType) -> i64 {
    match ty.typmod {
        digits @ 0..=5 => 10i64.pow(6 - digits as u32),
        _ => 1,
    }
}
