//! One column of a batch that is being decoded: the common types go straight from bytes into an Arrow builder.

use std::sync::Arc;

use ::arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBufferBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder,
    Int16Builder, Int32Builder, Int64Builder, TimestampMicrosecondBuilder,
};
use ::arrow::buffer::BooleanBuffer;
use ::arrow::datatypes::DataType;

use super::CopyColumn;
use super::texts::{Texts, without_blanks};
use crate::error::{Error, Result};
use crate::types::binary as wire;
use crate::types::datetime;
use crate::types::numeric::{Numeric, receive_decimal};
use crate::types::text::{self, Input};
use crate::types::{Oid, PgType, Phys, TypeLookup, Value, arrow, base_type, oid};

/// Builds one column.
pub(super) struct Column {
    /// The declared type, domains resolved.
    ty: PgType,
    phys: Phys,
    data: Data,
    defaults: Option<BooleanBufferBuilder>,
    rows: usize,
}

enum Data {
    Int2(Int16Builder),
    Int4(Int32Builder),
    Int8(Int64Builder),
    Float8(Float64Builder),
    Bool(BooleanBuilder),
    Decimal(Decimal128Builder, u8, u8),
    /// Text without any check but its declared length.
    Text(Texts),
    Bytea(BinaryBuilder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
    /// In UTC.
    TimestampTz(TimestampMicrosecondBuilder),
    /// Every other type, by way of values.
    Other(Vec<Value>),
}

/// True if the text of the type is its value, up to a declared length.
pub(super) fn is_plain_text(ty: Oid) -> bool {
    matches!(ty, oid::TEXT | oid::VARCHAR | oid::BPCHAR | oid::REFCURSOR | oid::UNKNOWN)
}

impl Column {
    pub fn new(column: &CopyColumn, types: &dyn TypeLookup) -> Self {
        let ty = base_type(column.ty, types);
        let data = match &column.phys {
            Phys::Int2 => Data::Int2(Int16Builder::new()),
            Phys::Int4 => Data::Int4(Int32Builder::new()),
            Phys::Int8 if ty.oid == oid::INT8 => Data::Int8(Int64Builder::new()),
            Phys::Float8 => Data::Float8(Float64Builder::new()),
            Phys::Bool => Data::Bool(BooleanBuilder::new()),
            Phys::Decimal { precision, scale } => Data::Decimal(
                Decimal128Builder::new().with_data_type(DataType::Decimal128(*precision, *scale as i8)),
                *precision,
                *scale,
            ),
            Phys::Text | Phys::Char(_) | Phys::Padded if is_plain_text(ty.oid) => Data::Text(Texts::new()),
            Phys::Bytea => Data::Bytea(BinaryBuilder::new()),
            Phys::Date => Data::Date(Date32Builder::new()),
            Phys::Timestamp => Data::Timestamp(TimestampMicrosecondBuilder::new()),
            Phys::TimestampTz => {
                Data::TimestampTz(TimestampMicrosecondBuilder::new().with_data_type(column.phys.arrow()))
            }
            _ => Data::Other(Vec::new()),
        };
        Self { ty, phys: column.phys.clone(), data, defaults: None, rows: 0 }
    }

    pub fn push_null(&mut self) {
        self.rows += 1;
        match &mut self.data {
            Data::Int2(b) => b.append_null(),
            Data::Int4(b) => b.append_null(),
            Data::Int8(b) => b.append_null(),
            Data::Float8(b) => b.append_null(),
            Data::Bool(b) => b.append_null(),
            Data::Decimal(b, ..) => b.append_null(),
            Data::Text(texts) => texts.push_null(),
            Data::Bytea(b) => b.append_null(),
            Data::Date(b) => b.append_null(),
            Data::Timestamp(b) | Data::TimestampTz(b) => b.append_null(),
            Data::Other(values) => values.push(Value::Null),
        }
    }

    pub fn push_default(&mut self) {
        let row = self.rows;
        self.push_null();
        let defaults = self.defaults.get_or_insert_with(|| BooleanBufferBuilder::new(0));
        defaults.append_n(row - defaults.len(), false);
        defaults.append(true);
    }

    /// Reads a field by the type's input function. On an error nothing has been appended.
    pub fn push_text(&mut self, field: &str, input: &Input<'_>) -> Result<()> {
        let bytes = field.as_bytes();
        match &mut self.data {
            Data::Int4(b) => b.append_value(match small_int(bytes) {
                Some(n) => n as i32,
                None => text::parse_int(field, "integer")?,
            }),
            Data::Int8(b) => b.append_value(match small_int(bytes) {
                Some(n) => n,
                None => text::parse_int(field, "bigint")?,
            }),
            Data::Int2(b) => b.append_value(text::parse_int(field, "smallint")?),
            Data::Float8(b) => b.append_value(text::parse_f64(field)?),
            Data::Bool(b) => b.append_value(match bytes {
                b"t" => true,
                b"f" => false,
                _ => text::parse_bool(field)?,
            }),
            Data::Decimal(b, precision, scale) => {
                let unscaled = match plain_decimal(bytes, *precision, *scale) {
                    Some(n) => n,
                    None => decimal(Numeric::parse_typed(field, self.ty)?, &self.phys)?,
                };
                b.append_value(unscaled);
            }
            Data::Text(texts) => texts.push(declared_text(field, self.ty)?)?,
            Data::Bytea(b) => b.append_value(text::parse_bytea(field)?),
            Data::Date(b) => b.append_value(datetime::parse_date(field, input)?),
            Data::Timestamp(b) => b.append_value(datetime::parse_timestamp(field, self.ty.typmod, input)?),
            Data::TimestampTz(b) => b.append_value(datetime::parse_timestamptz(field, self.ty.typmod, input)?),
            Data::Other(values) => values.push(checked(text::parse_with(field, self.ty, input)?, &self.phys)?),
        }
        self.rows += 1;
        Ok(())
    }

    /// Reads a field by the type's receive function. Of texts only the length is looked at: [`Self::unsound`] does the rest.
    #[inline]
    pub fn push_binary(&mut self, field: &[u8], types: &dyn TypeLookup) -> Result<()> {
        if self.push_binary_fast(field)? {
            self.rows += 1;
            return Ok(());
        }
        match (&mut self.data, wire::decode(field, self.ty, types)?) {
            (Data::Int2(b), Value::Int2(v)) => b.append_value(v),
            (Data::Int4(b), Value::Int4(v)) => b.append_value(v),
            (Data::Int8(b), Value::Int8(v)) => b.append_value(v),
            (Data::Float8(b), Value::Float8(v)) => b.append_value(v),
            (Data::Bool(b), Value::Bool(v)) => b.append_value(v),
            (Data::Decimal(b, ..), Value::Numeric(v)) => b.append_value(decimal(Numeric::parse(&v)?, &self.phys)?),
            (Data::Text(texts), Value::Text(v)) => texts.push(v.as_bytes())?,
            (Data::Bytea(b), Value::Bytea(v)) => b.append_value(v),
            (Data::Date(b), Value::Date(v)) => b.append_value(v),
            (Data::Timestamp(b), Value::Timestamp(v)) | (Data::TimestampTz(b), Value::TimestampTz(v)) => {
                b.append_value(v)
            }
            (Data::Other(values), value) => values.push(checked(value, &self.phys)?),
            (_, value) => return Err(Error::internal(format!("value {value:?} for {:?}", self.phys))),
        }
        self.rows += 1;
        Ok(())
    }

    /// The first row whose text is none, of those that came in binary.
    pub fn unsound(&self) -> Option<(usize, Error)> {
        match &self.data {
            Data::Text(texts) => texts.unsound(),
            _ => None,
        }
    }

    /// The common types without a value in between; false if the field is not of the length or form that this knows.
    #[inline]
    fn push_binary_fast(&mut self, field: &[u8]) -> Result<bool> {
        match (&mut self.data, field) {
            (Data::Int2(b), &[a, z]) => b.append_value(i16::from_be_bytes([a, z])),
            (Data::Int4(b), &[a, c, d, z]) => b.append_value(i32::from_be_bytes([a, c, d, z])),
            (Data::Date(b), &[a, c, d, z]) => {
                b.append_value(wire::date_from_wire(i32::from_be_bytes([a, c, d, z]))?);
            }
            (Data::Bool(b), [0 | 1]) => b.append_value(field[0] == 1),
            (Data::Int8(_) | Data::Float8(_) | Data::Timestamp(_) | Data::TimestampTz(_), _) => {
                let Ok(word) = <[u8; 8]>::try_from(field) else { return Ok(false) };
                match &mut self.data {
                    Data::Int8(b) => b.append_value(i64::from_be_bytes(word)),
                    Data::Float8(b) => b.append_value(f64::from_be_bytes(word)),
                    Data::Timestamp(b) | Data::TimestampTz(b) if self.ty.typmod < 0 || self.ty.typmod >= 6 => {
                        b.append_value(wire::timestamp_from_wire(i64::from_be_bytes(word))?);
                    }
                    _ => return Ok(false),
                }
            }
            (Data::Decimal(b, precision, scale), _) => match receive_decimal(field, *precision, *scale) {
                Some(unscaled) => b.append_value(unscaled),
                None => return Ok(false),
            },
            (Data::Text(texts), _) => match short_text(field, self.ty) {
                Some(text) => texts.push(text)?,
                None => texts.push(declared_text(wire::text(field)?, self.ty)?)?,
            },
            (Data::Bytea(b), _) => b.append_value(field),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The column so far, and which of its rows were DEFAULT; begins anew.
    pub fn finish(&mut self) -> Result<(ArrayRef, Option<BooleanBuffer>)> {
        let defaults = self.defaults.take().map(|mut b| {
            b.append_n(self.rows - b.len(), false);
            b.finish()
        });
        self.rows = 0;
        let array: ArrayRef = match &mut self.data {
            Data::Int2(b) => Arc::new(b.finish()),
            Data::Int4(b) => Arc::new(b.finish()),
            Data::Int8(b) => Arc::new(b.finish()),
            Data::Float8(b) => Arc::new(b.finish()),
            Data::Bool(b) => Arc::new(b.finish()),
            Data::Decimal(b, ..) => Arc::new(b.finish()),
            Data::Text(texts) => texts.finish()?,
            Data::Bytea(b) => Arc::new(b.finish()),
            Data::Date(b) => Arc::new(b.finish()),
            Data::Timestamp(b) | Data::TimestampTz(b) => Arc::new(b.finish()),
            Data::Other(values) => arrow::array_from_values(&std::mem::take(values), &self.phys)?,
        };
        Ok((array, defaults))
    }
}

/// Fails for a value that the physical type cannot hold while the row is known, not when the batch is made.
fn checked(value: Value, phys: &Phys) -> Result<Value> {
    if matches!(phys, Phys::List(_) | Phys::Shaped(_) | Phys::Interval | Phys::Row(_)) {
        arrow::array_from_values(std::slice::from_ref(&value), phys)?;
    }
    Ok(value)
}

fn decimal(value: Numeric, phys: &Phys) -> Result<i128> {
    let Phys::Decimal { precision, scale } = phys else { return Err(Error::internal("not a decimal")) };
    value.to_decimal128(u32::from(*scale)).ok_or_else(|| {
        Error::unsupported(format!("{value} in a numeric({precision},{scale}) column"))
            .hint("Declare the column as numeric, without precision.")
    })
}

/// Text under `varchar(n)` or `char(n)`, as it is stored.
fn declared_text(field: &str, ty: PgType) -> Result<&[u8]> {
    Ok(match ty.oid {
        oid::VARCHAR if ty.typmod >= 4 => text::limit_length(field, ty.typmod, "character varying")?.as_bytes(),
        oid::BPCHAR if ty.typmod >= 4 => without_blanks(text::limit_length(field, ty.typmod, "character")?.as_bytes()),
        _ => field.as_bytes(),
    })
}

/// The same of bytes that are few enough for the declared length whatever they are.
#[inline]
pub(super) fn short_text(field: &[u8], ty: PgType) -> Option<&[u8]> {
    let limit = match ty.oid {
        oid::VARCHAR | oid::BPCHAR if ty.typmod >= 4 => ty.typmod as usize - 4,
        _ => return Some(field),
    };
    let text = if ty.oid == oid::BPCHAR { without_blanks(field) } else { field };
    (field.len() <= limit).then_some(text)
}

/// An optional minus and at most nine digits: what needs no range check for integer.
fn small_int(bytes: &[u8]) -> Option<i64> {
    let (negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        all => (false, all),
    };
    if digits.is_empty() || digits.len() > 9 {
        return None;
    }
    let mut n = 0i64;
    for b in digits {
        let d = b.wrapping_sub(b'0');
        if d > 9 {
            return None;
        }
        n = n * 10 + i64::from(d);
    }
    Some(if negative { -n } else { n })
}

/// `-123.45` with no more digits than the type has; anything else goes the long way.
fn plain_decimal(bytes: &[u8], precision: u8, scale: u8) -> Option<i128> {
    let (negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        all => (false, all),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut n = 0i64;
    let mut fraction: Option<u8> = None;
    let mut seen = 0u8;
    for b in digits {
        let d = b.wrapping_sub(b'0');
        if d <= 9 {
            n = n * 10 + i64::from(d);
            seen += 1;
            fraction = fraction.map(|f| f + 1);
        } else if *b == b'.' && fraction.is_none() {
            fraction = Some(0);
        } else {
            return None;
        }
    }
    let fraction = fraction.unwrap_or(0);
    // Whole digits must fit before the point, those of the fraction after it.
    if seen == 0 || fraction > scale || seen - fraction > precision - scale {
        return None;
    }
    let unscaled = i128::from(n) * 10i128.pow(u32::from(scale - fraction));
    Some(if negative { -unscaled } else { unscaled })
}
