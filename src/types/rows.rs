//! The hot path of results: DataRow messages, and the text or binary of single cells, straight from Arrow arrays.
//!
//! Columns are downcast once a batch; a cell costs a match and its digits, and no allocation.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, GenericByteArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    ByteArrayType, DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
    Time64MicrosecondType, TimestampMicrosecondType, UInt32Type,
};
use arrow::record_batch::RecordBatch;
use bytes::BufMut;

use super::arrow::{text_at, try_value_at};
use super::binary::{self, date_to_wire, timestamp_to_wire};
use super::datetime::{self, zone::Zone};
use super::numeric::Numeric;
use super::table::{base_type, interval_bits, timetz_bits};
use super::text::digits::{self, Short};
use super::text::{self, Output};
use super::{BuiltinTypes, Oid, OutputSettings, PgType, Phys, RowTypes, TypeLookup, Value, oid};
use crate::error::{Error, Result, SqlState};

/// What a column is and how it is to be sent.
#[derive(Debug, Clone)]
pub struct ColumnShape {
    pub ty: PgType,
    pub phys: Phys,
    /// 0 text, 1 binary.
    pub format: i16,
    /// For an anonymous row: its fields' types.
    pub row: Option<RowTypes>,
}

/// Encoders for the columns of a result; binds to one batch after another.
#[derive(Debug, Clone)]
pub struct CellEncoders {
    columns: Vec<Plan>,
    settings: OutputSettings,
    zone: Zone,
}

#[derive(Debug, Clone)]
struct Plan {
    ty: PgType,
    phys: Phys,
    binary: bool,
    style: TextStyle,
    row: Option<RowTypes>,
}

impl Plan {
    /// The type that bytes are of: an inet's may be carried as a cidr's, and the other way round.
    fn coded(&self, carried: Oid) -> Oid {
        if super::coded::is_coded(self.ty.oid) { self.ty.oid } else { carried }
    }
}

/// How types that are carried as text differ on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextStyle {
    Plain,
    /// `char(n)`: blanks up to this length in characters.
    Padded(usize),
    /// `"char"`: one byte in binary.
    CharByte,
    /// A version byte in binary.
    Bits,
    Jsonb,
    /// Without a declaration that says nothing.
    Xml,
    /// Six bytes in binary.
    Tid,
    /// Numbers in binary.
    Snapshot,
}

impl CellEncoders {
    /// Fails with 22023 on an unknown format code.
    pub fn new(
        columns: impl IntoIterator<Item = ColumnShape>,
        settings: OutputSettings,
        types: &dyn TypeLookup,
    ) -> Result<Self> {
        let columns = columns
            .into_iter()
            .map(|c| {
                let ty = base_type(c.ty, types);
                let binary = match c.format {
                    0 => false,
                    1 => true,
                    other => {
                        return Err(Error::new(
                            SqlState::INVALID_PARAMETER_VALUE,
                            format!("unsupported format code: {other}"),
                        ));
                    }
                };
                let style = match ty.oid {
                    oid::BPCHAR => match (&c.phys, ty.char_length()) {
                        (Phys::Char(length), _) => TextStyle::Padded(*length as usize),
                        (_, Some(length)) => TextStyle::Padded(length as usize),
                        (_, None) => TextStyle::Plain,
                    },
                    oid::CHAR => TextStyle::CharByte,
                    oid::JSONB | oid::JSONPATH => TextStyle::Jsonb,
                    oid::BIT | oid::VARBIT => TextStyle::Bits,
                    oid::TID => TextStyle::Tid,
                    oid::PG_SNAPSHOT | oid::TXID_SNAPSHOT => TextStyle::Snapshot,
                    oid::XML => TextStyle::Xml,
                    _ => TextStyle::Plain,
                };
                Ok(Plan { ty, phys: c.phys, binary, style, row: c.row })
            })
            .collect::<Result<_>>()?;
        let zone = Zone::find(&settings.time_zone).unwrap_or_else(Zone::utc);
        Ok(Self { columns, settings, zone })
    }

    pub fn len(&self) -> usize {
        self.columns.len()
    }

    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// What the cells' output functions read; make one for a batch.
    pub fn output<'a>(&'a self, types: &'a dyn TypeLookup) -> Output<'a> {
        Output { settings: &self.settings, types, zone: self.zone.clone() }
    }

    /// The columns of one batch, downcast. XX000 if the batch is not of the shape.
    pub fn bind<'a>(&'a self, batch: &'a RecordBatch) -> Result<Vec<Cells<'a>>> {
        // A result without columns is carried by one that nobody looks at.
        if batch.num_columns() != self.columns.len().max(1) {
            return Err(Error::internal(format!(
                "batch of {} columns for a shape of {}",
                batch.num_columns(),
                self.columns.len()
            )));
        }
        self.columns.iter().zip(batch.columns()).map(|(plan, array)| Cells::bind(plan, array)).collect()
    }
}

/// Writes whole DataRow messages.
#[derive(Debug, Clone)]
pub struct RowEncoder {
    cells: CellEncoders,
}

impl RowEncoder {
    pub fn new(
        columns: impl IntoIterator<Item = ColumnShape>,
        settings: OutputSettings,
        types: &dyn TypeLookup,
    ) -> Result<Self> {
        Ok(Self { cells: CellEncoders::new(columns, settings, types)? })
    }

    /// Appends the DataRows of rows `from..to`. Names of user's objects (regclass …) print as numbers: see
    /// [`RowEncoder::encode_with`].
    pub fn encode(&mut self, batch: &RecordBatch, from: usize, to: usize, out: &mut Vec<u8>) -> Result<()> {
        self.encode_with(batch, from, to, &BuiltinTypes, out)
    }

    /// Appends the DataRows of rows `from..to`. On an error the buffer is as it was.
    pub fn encode_with(
        &mut self,
        batch: &RecordBatch,
        from: usize,
        to: usize,
        types: &dyn TypeLookup,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let cells = self.cells.bind(batch)?;
        let output = self.cells.output(types);
        let count = u16::try_from(cells.len()).map_err(Error::internal)?;
        let begin = out.len();
        out.reserve((to.saturating_sub(from)).saturating_mul(7 + cells.len() * 12));
        for row in from..to.min(batch.num_rows()) {
            let start = out.len();
            out.put_slice(&[b'D', 0, 0, 0, 0]);
            out.put_u16(count);
            for column in &cells {
                if let Err(e) = column.put(row, &output, out) {
                    out.truncate(begin);
                    return Err(e);
                }
            }
            let length = (out.len() - start - 1) as u32;
            if length > i32::MAX as u32 {
                out.truncate(begin);
                return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "row is too long for a message"));
            }
            out[start + 1..start + 5].copy_from_slice(&length.to_be_bytes());
        }
        let Output { zone, .. } = output;
        drop(cells);
        self.cells.zone = zone;
        Ok(())
    }
}

/// One column of one batch.
pub struct Cells<'a> {
    nulls: Option<&'a NullBuffer>,
    data: Data<'a>,
    plan: &'a Plan,
}

enum Data<'a> {
    Bool(&'a BooleanArray),
    Int2(&'a [i16]),
    Int4(&'a [i32]),
    Int8(&'a [i64]),
    Oid(&'a [u32]),
    Reg(&'a [u32], Oid),
    Xid8(&'a [i64]),
    Float4(&'a [f32]),
    Float8(&'a [f64]),
    Decimal(&'a [i128], u8),
    Numeric(Bytes<'a>),
    Text(Bytes<'a>),
    /// A dictionary of labels.
    Labels(&'a dyn Array),
    Bytea(Bytes<'a>),
    /// Bytes of a type of [`super::coded`].
    Coded(Bytes<'a>, Oid),
    Date(&'a [i32]),
    Time(&'a [i64]),
    TimeTz(&'a [i64]),
    Timestamp(&'a [i64]),
    TimestampTz(&'a [i64]),
    Interval(&'a [i128]),
    Uuid(Bytes<'a>),
    /// Lists and rows: by way of values.
    Other(&'a dyn Array, &'a Phys),
    /// NULLs without a type.
    Nothing,
}

/// Texts or byte strings of an array.
#[derive(Clone, Copy)]
struct Bytes<'a> {
    offsets: &'a [i32],
    values: &'a [u8],
    /// True if it was seen that a character is a byte: only asked where characters count.
    ascii: bool,
}

impl<'a> Bytes<'a> {
    fn of<T: ByteArrayType<Offset = i32>>(array: &'a GenericByteArray<T>) -> Self {
        Self { offsets: array.value_offsets(), values: array.value_data(), ascii: false }
    }

    fn counted(self) -> Self {
        Self { ascii: self.values.is_ascii(), ..self }
    }

    #[inline]
    fn range(&self, row: usize) -> (usize, usize) {
        (self.offsets[row] as usize, self.offsets[row + 1] as usize)
    }

    #[inline]
    fn get(&self, row: usize) -> &'a [u8] {
        let (start, end) = self.range(row);
        &self.values[start..end]
    }

    /// The text; empty if it is none, which Arrow's strings never are.
    fn text(&self, row: usize) -> &'a str {
        std::str::from_utf8(self.get(row)).unwrap_or_default()
    }

    #[inline]
    fn put(&self, row: usize, out: &mut Vec<u8>) {
        let (start, end) = self.range(row);
        digits::put_range(out, self.values, start, end);
    }

    #[inline]
    fn put_sized(&self, row: usize, out: &mut Vec<u8>) {
        let (start, end) = self.range(row);
        out.put_u32((end - start) as u32);
        digits::put_range(out, self.values, start, end);
    }

    /// The blanks that `char(n)` has and storage leaves out.
    #[inline]
    fn blanks(&self, row: usize, length: usize) -> usize {
        let text = self.get(row);
        // Every byte but those that continue a character.
        let have = if self.ascii { text.len() } else { text.iter().filter(|b| **b & 0xc0 != 0x80).count() };
        length.saturating_sub(have)
    }
}

impl<'a> Cells<'a> {
    fn bind(plan: &'a Plan, array: &'a ArrayRef) -> Result<Self> {
        let wrong = || Error::internal(format!("array of {} for {:?}", array.data_type(), plan.phys));
        macro_rules! values {
            ($ty:ty) => {{
                let values: &'a [_] = array.as_primitive_opt::<$ty>().ok_or_else(wrong)?.values();
                values
            }};
        }
        let strings = || array.as_string_opt::<i32>().map(Bytes::of).ok_or_else(wrong);
        let data = if array.data_type() == &DataType::Null {
            Data::Nothing
        } else {
            match &plan.phys {
                Phys::Bool => Data::Bool(array.as_boolean_opt().ok_or_else(wrong)?),
                Phys::Int2 => Data::Int2(values!(Int16Type)),
                Phys::Int4 => Data::Int4(values!(Int32Type)),
                Phys::Int8 if plan.ty.oid == oid::XID8 => Data::Xid8(values!(Int64Type)),
                Phys::Int8 => Data::Int8(values!(Int64Type)),
                Phys::Oid if matches!(plan.ty.oid, oid::OID | oid::XID | oid::CID) => Data::Oid(values!(UInt32Type)),
                Phys::Oid => Data::Reg(values!(UInt32Type), plan.ty.oid),
                Phys::Float4 => Data::Float4(values!(Float32Type)),
                Phys::Float8 => Data::Float8(values!(Float64Type)),
                Phys::Decimal { scale, .. } => Data::Decimal(values!(Decimal128Type), *scale),
                Phys::Numeric => Data::Numeric(strings()?),
                Phys::Text | Phys::Char(_) | Phys::Padded | Phys::Jsonb | Phys::Citext | Phys::Enum(_) => {
                    match array.as_string_opt::<i32>() {
                        Some(strings) => Data::Text(match plan.style {
                            TextStyle::Padded(_) => Bytes::of(strings).counted(),
                            TextStyle::Plain
                            | TextStyle::CharByte
                            | TextStyle::Jsonb
                            | TextStyle::Bits
                            | TextStyle::Xml
                            | TextStyle::Snapshot
                            | TextStyle::Tid => Bytes::of(strings),
                        }),
                        None if matches!(array.data_type(), DataType::Dictionary(..)) => Data::Labels(array.as_ref()),
                        None => return Err(wrong()),
                    }
                }
                Phys::Bytea => Data::Bytea(Bytes::of(array.as_binary_opt::<i32>().ok_or_else(wrong)?)),
                Phys::Coded(ty) => {
                    Data::Coded(Bytes::of(array.as_binary_opt::<i32>().ok_or_else(wrong)?), plan.coded(*ty))
                }
                Phys::Date => Data::Date(values!(Date32Type)),
                Phys::Time => Data::Time(values!(Time64MicrosecondType)),
                Phys::TimeTz => Data::TimeTz(values!(Int64Type)),
                Phys::Timestamp => Data::Timestamp(values!(TimestampMicrosecondType)),
                Phys::TimestampTz => Data::TimestampTz(values!(TimestampMicrosecondType)),
                Phys::Interval => Data::Interval(values!(Decimal128Type)),
                Phys::Uuid => Data::Uuid(strings()?),
                Phys::List(_) | Phys::Shaped(_) | Phys::Row(_) => Data::Other(array.as_ref(), &plan.phys),
                Phys::Void => Data::Nothing,
            }
        };
        Ok(Self { nulls: array.nulls().filter(|nulls| nulls.null_count() > 0), data, plan })
    }

    #[inline]
    pub fn is_null(&self, row: usize) -> bool {
        match self.data {
            Data::Nothing => true,
            _ => self.nulls.is_some_and(|n| n.is_null(row)),
        }
    }

    /// Appends the cell as DataRow and COPY BINARY have it: a length and the bytes, or -1.
    #[inline]
    pub fn put(&self, row: usize, output: &Output<'_>, out: &mut Vec<u8>) -> Result<()> {
        if self.is_null(row) {
            out.put_slice(&[0xff; 4]);
            return Ok(());
        }
        if self.plan.binary { self.put_binary(row, output, out) } else { self.put_text(row, output, out) }
    }

    #[inline]
    fn put_text(&self, row: usize, output: &Output<'_>, out: &mut Vec<u8>) -> Result<()> {
        match &self.data {
            Data::Int2(v) => digits::put_sized_int(out, i64::from(v[row])),
            Data::Int4(v) => digits::put_sized_int(out, i64::from(v[row])),
            Data::Int8(v) => digits::put_sized_int(out, v[row]),
            Data::Text(v) => match self.plan.style {
                TextStyle::Padded(length) => put_sized_padded(v, row, length, out),
                TextStyle::Xml => put_sized(out, text::xml::shown(v.text(row)).as_bytes()),
                _ => v.put_sized(row, out),
            },
            Data::Numeric(v) | Data::Uuid(v) => v.put_sized(row, out),
            Data::Date(v) => match datetime::short_date(v[row], output.settings) {
                Some(text) => {
                    out.put_u32(text.len() as u32);
                    out.put_slice(&text);
                }
                None => self.put_sized_text(row, output, out)?,
            },
            Data::Decimal(v, scale) => match Short::decimal(v[row], usize::from(*scale)) {
                Some(short) => short.put_sized(out),
                None => self.put_sized_text(row, output, out)?,
            },
            _ => self.put_sized_text(row, output, out)?,
        }
        Ok(())
    }

    fn put_sized_text(&self, row: usize, output: &Output<'_>, out: &mut Vec<u8>) -> Result<()> {
        let at = out.len();
        out.put_u32(0);
        self.write_text(row, output, out)?;
        patch_length(out, at);
        Ok(())
    }

    /// Appends the cell's text without a length: what COPY's text and csv formats escape. NULL writes nothing.
    pub fn write_text(&self, row: usize, output: &Output<'_>, out: &mut Vec<u8>) -> Result<()> {
        if self.is_null(row) {
            return Ok(());
        }
        let settings = output.settings;
        match &self.data {
            Data::Bool(v) => out.put_u8(if v.value(row) { b't' } else { b'f' }),
            Data::Int2(v) => digits::put_int(out, i64::from(v[row])),
            Data::Int4(v) => digits::put_int(out, i64::from(v[row])),
            Data::Int8(v) => digits::put_int(out, v[row]),
            Data::Oid(v) => digits::put_uint(out, u64::from(v[row])),
            Data::Reg(v, kind) => text::write(out, &Value::Oid(v[row]), PgType::new(*kind), output),
            Data::Xid8(v) => digits::put_uint(out, v[row] as u64),
            Data::Float4(v) => text::write_f32(out, v[row], settings.extra_float_digits),
            Data::Float8(v) => text::write_f64(out, v[row], settings.extra_float_digits),
            Data::Decimal(v, scale) => digits::put_decimal(out, v[row], usize::from(*scale)),
            Data::Numeric(v) | Data::Uuid(v) => v.put(row, out),
            Data::Text(v) if self.plan.style == TextStyle::Xml => {
                out.put_slice(text::xml::shown(v.text(row)).as_bytes());
            }
            Data::Text(v) => {
                v.put(row, out);
                if let TextStyle::Padded(length) = self.plan.style {
                    digits::put_blanks(out, v.blanks(row, length));
                }
            }
            Data::Labels(v) => out.put_slice(text_at(*v, row).unwrap_or_default().as_bytes()),
            Data::Bytea(v) => text::write_bytea(out, v.get(row), settings.bytea_output),
            Data::Coded(v, ty) => {
                super::coded::write(out, v.get(row), *ty, output);
            }
            Data::Date(v) => datetime::write_date(out, v[row], settings),
            Data::Time(v) => datetime::write_time(out, v[row]),
            Data::TimeTz(v) => {
                let (micros, east) = timetz_bits::unpack(v[row]);
                datetime::write_timetz(out, micros, east);
            }
            Data::Timestamp(v) => datetime::write_timestamp(out, v[row], settings),
            Data::TimestampTz(v) => datetime::write_timestamptz(out, v[row], &output.zone, settings),
            Data::Interval(v) => {
                let (months, days, micros) = interval_bits::unpack(v[row]);
                datetime::write_interval(out, months, days, micros, settings.interval_style);
            }
            Data::Other(v, phys) => {
                let value = self.typed(try_value_at(*v, row, phys)?, output.types);
                text::write(out, &value, self.plan.ty, output);
            }
            Data::Nothing => {}
        }
        Ok(())
    }

    /// An array value knows its element type, and a row its fields', from the column's type, not from what carries it.
    fn typed(&self, value: Value, types: &dyn TypeLookup) -> Value {
        match value {
            Value::Array(mut array) => {
                match self.plan.ty.oid {
                    oid::INT2VECTOR => array.element = oid::INT2,
                    oid::OIDVECTOR => array.element = oid::OID,
                    _ => return text::typed(Value::Array(array), self.plan.ty, types),
                }
                Value::Array(array)
            }
            Value::Row(fields) => match &self.plan.row {
                Some(row) => text::typed_row(fields, row, types),
                None => text::typed(Value::Row(fields), self.plan.ty, types),
            },
            other => text::typed(other, self.plan.ty, types),
        }
    }

    #[inline]
    fn put_binary(&self, row: usize, output: &Output<'_>, out: &mut Vec<u8>) -> Result<()> {
        match &self.data {
            Data::Bool(v) => out.put_slice(&[0, 0, 0, 1, u8::from(v.value(row))]),
            Data::Int2(v) => {
                let b = v[row].to_be_bytes();
                out.put_slice(&[0, 0, 0, 2, b[0], b[1]]);
            }
            Data::Int4(v) => put4(out, v[row].to_be_bytes()),
            Data::Oid(v) | Data::Reg(v, _) => put4(out, v[row].to_be_bytes()),
            Data::Float4(v) => put4(out, v[row].to_be_bytes()),
            Data::Date(v) => put4(out, date_to_wire(v[row]).to_be_bytes()),
            Data::Int8(v) | Data::Xid8(v) | Data::Time(v) => put8(out, v[row].to_be_bytes()),
            Data::Float8(v) => put8(out, v[row].to_be_bytes()),
            Data::Timestamp(v) | Data::TimestampTz(v) => put8(out, timestamp_to_wire(v[row]).to_be_bytes()),
            Data::TimeTz(v) => {
                let (micros, east) = timetz_bits::unpack(v[row]);
                out.put_u32(12);
                out.put_i64(micros);
                out.put_i32(-east);
            }
            Data::Interval(v) => {
                let (months, days, micros) = interval_bits::unpack(v[row]);
                out.put_u32(16);
                out.put_i64(micros);
                out.put_i32(days);
                out.put_i32(months);
            }
            Data::Uuid(v) => {
                out.put_u32(16);
                out.put_u128(text::parse_uuid(v.text(row))?);
            }
            Data::Bytea(v) => v.put_sized(row, out),
            Data::Coded(v, ty) => {
                let at = out.len();
                out.put_u32(0);
                super::coded::send(out, v.get(row), *ty, output.types);
                patch_length(out, at);
            }
            Data::Labels(v) => put_sized(out, text_at(*v, row).unwrap_or_default().as_bytes()),
            Data::Text(v) => match self.plan.style {
                TextStyle::Plain => v.put_sized(row, out),
                TextStyle::Padded(length) => put_sized_padded(v, row, length, out),
                TextStyle::CharByte => out.put_slice(&[0, 0, 0, 1, text::char_byte(v.text(row))]),
                TextStyle::Xml => put_sized(out, text::xml::shown(v.text(row)).as_bytes()),
                TextStyle::Jsonb => {
                    out.put_u32(v.get(row).len() as u32 + 1);
                    out.put_u8(1);
                    v.put(row, out);
                }
                TextStyle::Bits | TextStyle::Tid | TextStyle::Snapshot => {
                    let at = out.len();
                    out.put_u32(0);
                    match self.plan.style {
                        TextStyle::Bits => text::bits::send(v.text(row), out),
                        TextStyle::Snapshot => text::snapshot::send(v.text(row), out),
                        _ => binary::put_tid(v.text(row), out),
                    }
                    patch_length(out, at);
                }
            },
            Data::Decimal(v, scale) => super::numeric::send_sized_decimal(v[row], u32::from(*scale), out),
            Data::Numeric(v) => {
                let at = out.len();
                out.put_u32(0);
                Numeric::parse(v.text(row))?.send(out);
                patch_length(out, at);
            }
            Data::Other(v, phys) => {
                let at = out.len();
                out.put_u32(0);
                let value = self.typed(try_value_at(*v, row, phys)?, output.types);
                binary::encode(&value, self.plan.ty, output.types, out);
                patch_length(out, at);
            }
            Data::Nothing => out.put_u32(0),
        }
        Ok(())
    }
}

#[inline]
fn put4(out: &mut Vec<u8>, b: [u8; 4]) {
    out.put_u64(4 << 32 | u64::from(u32::from_be_bytes(b)));
}

#[inline]
fn put8(out: &mut Vec<u8>, b: [u8; 8]) {
    let mut sized = [0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0];
    sized[4..].copy_from_slice(&b);
    out.put_slice(&sized);
}

#[inline]
fn put_sized(out: &mut Vec<u8>, bytes: &[u8]) {
    out.put_u32(bytes.len() as u32);
    out.put_slice(bytes);
}

#[inline]
fn put_sized_padded(texts: &Bytes<'_>, row: usize, length: usize, out: &mut Vec<u8>) {
    let blanks = texts.blanks(row, length);
    out.put_u32((texts.get(row).len() + blanks) as u32);
    texts.put(row, out);
    digits::put_blanks(out, blanks);
}

#[inline]
fn patch_length(out: &mut [u8], at: usize) {
    let length = (out.len() - at - 4) as u32;
    out[at..at + 4].copy_from_slice(&length.to_be_bytes());
}
