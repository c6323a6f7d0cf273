//! COPY TO in Arrow: the engine's batches as an IPC stream. Types that Arrow has go as they are, all others as PostgreSQL's
//! text: `docs/decisions/copy-arrow.md`.

use std::sync::Arc;

use ::arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, StringArray, StringBuilder};
use ::arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use ::arrow::datatypes::{DataType, Date32Type, Field, Schema, SchemaRef, TimestampMicrosecondType};
use ::arrow::ipc::writer::{
    CompressionContext, DictionaryTracker, EncodedData, IpcDataGenerator, IpcWriteOptions, StreamWriter, write_message,
};
use ::arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::CopyColumn;
use super::column::is_plain_text;
use super::texts::{Texts, too_many};
use crate::error::{Error, Result, SqlState};
use crate::types::datetime::{MAX_DATE, MIN_DATE, TIMESTAMP_INFINITY, TIMESTAMP_NEG_INFINITY};
use crate::types::rows::{CellEncoders, ColumnShape};
use crate::types::{OutputSettings, PgType, Phys, TypeLookup, base_type, oid};

/// Bytes of one CopyData message, which is written from where it lies.
const MESSAGE: usize = 256 << 10;

pub struct ArrowEncoder {
    columns: Vec<CopyColumn>,
    /// True for those that go as text.
    as_text: Vec<bool>,
    cells: CellEncoders,
    schema: SchemaRef,
    /// Knows how a stream begins and ends; `None` after the end.
    frame: Option<StreamWriter<Vec<u8>>>,
    batches: IpcDataGenerator,
    options: IpcWriteOptions,
    /// No type that goes out has one.
    dictionaries: DictionaryTracker,
    compression: CompressionContext,
}

/// A part of the stream: what is short and what is long are sent apart, so that the long one is not copied.
#[derive(Debug, Default)]
pub struct Part {
    pub head: Vec<u8>,
    pub body: Vec<u8>,
}

impl Part {
    pub fn bytes(&self) -> usize {
        self.head.len() + self.body.len()
    }

    /// The ends of the messages of its body.
    pub fn ends(&self) -> Vec<usize> {
        let mut ends: Vec<usize> = (1..=self.body.len() / MESSAGE).map(|n| n * MESSAGE).collect();
        if ends.last().copied().unwrap_or(0) < self.body.len() {
            ends.push(self.body.len());
        }
        ends
    }
}

impl ArrowEncoder {
    pub fn new(columns: &[CopyColumn], settings: OutputSettings, types: &dyn TypeLookup) -> Result<Self> {
        let as_text: Vec<bool> = columns.iter().map(|c| !goes_as_it_is(base_type(c.ty, types), &c.phys)).collect();
        let field = |(column, as_text): (&CopyColumn, &bool)| {
            let ty = if *as_text { DataType::Utf8 } else { column.phys.arrow() };
            Field::new(column.name.as_ref(), ty, true)
        };
        let schema = Arc::new(Schema::new(columns.iter().zip(&as_text).map(field).collect::<Vec<_>>()));
        let shapes = columns.iter().map(|c| ColumnShape { ty: c.ty, phys: c.phys.clone(), format: 0, row: None });
        Ok(Self {
            cells: CellEncoders::new(shapes, settings, types)?,
            columns: columns.to_vec(),
            frame: Some(StreamWriter::try_new(Vec::new(), &schema).map_err(Error::internal)?),
            batches: IpcDataGenerator::default(),
            options: IpcWriteOptions::default(),
            dictionaries: DictionaryTracker::new(false),
            compression: CompressionContext::default(),
            as_text,
            schema,
        })
    }

    /// What carries each column of [`Self::convert`]'s batches.
    pub fn carriers(&self) -> Vec<Phys> {
        let carrier = |(column, as_text): (&CopyColumn, &bool)| if *as_text { Phys::Text } else { column.phys.clone() };
        self.columns.iter().zip(&self.as_text).map(carrier).collect()
    }

    /// What [`Self::convert`]'s batches have.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// A batch; before the first goes what begins the stream.
    pub fn encode(&mut self, batch: &RecordBatch, types: &dyn TypeLookup) -> Result<Part> {
        let batch = self.convert(batch, types)?;
        let Some(frame) = &mut self.frame else { return Err(Error::internal("a stream that has ended")) };
        let mut head = std::mem::take(frame.get_mut());
        let (dictionaries, EncodedData { ipc_message, arrow_data }) = self
            .batches
            .encode(&batch, &mut self.dictionaries, &self.options, &mut self.compression)
            .map_err(Error::internal)?;
        if !dictionaries.is_empty() {
            return Err(Error::internal("a column with a dictionary"));
        }
        // The writer would copy the body behind its head.
        let bare = EncodedData { ipc_message, arrow_data: Vec::new() };
        write_message(&mut head, bare, &self.options).map_err(Error::internal)?;
        Ok(Part { head, body: arrow_data })
    }

    /// A batch in the types that go out.
    pub fn convert(&self, batch: &RecordBatch, types: &dyn TypeLookup) -> Result<RecordBatch> {
        let mut arrays = Vec::with_capacity(self.columns.len());
        for (i, (column, as_text)) in self.columns.iter().zip(&self.as_text).enumerate() {
            let array = batch.column(i);
            if *as_text {
                arrays.push(self.texts(batch, i, types)?);
            } else {
                finite(array, &column.name, &column.phys)?;
                arrays.push(Arc::clone(array));
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options).map_err(Error::internal)
    }

    /// What ends the stream.
    pub fn finish(&mut self) -> Result<Part> {
        let Some(mut frame) = self.frame.take() else { return Ok(Part::default()) };
        frame.finish().map_err(Error::internal)?;
        Ok(Part { head: std::mem::take(frame.get_mut()), body: Vec::new() })
    }

    fn texts(&self, batch: &RecordBatch, column: usize, types: &dyn TypeLookup) -> Result<ArrayRef> {
        if let Some(padded) = padded(batch.column(column), &self.columns[column].phys)? {
            return Ok(padded);
        }
        let cells = self.cells.bind(batch)?;
        let output = self.cells.output(types);
        let mut builder = StringBuilder::new();
        let mut cell = Vec::new();
        for row in 0..batch.num_rows() {
            if cells[column].is_null(row) {
                builder.append_null();
                continue;
            }
            cell.clear();
            cells[column].write_text(row, &output, &mut cell)?;
            builder.append_value(std::str::from_utf8(&cell).map_err(Error::internal)?);
        }
        Ok(Arc::new(builder.finish()))
    }
}

/// True if Arrow's value is PostgreSQL's.
fn goes_as_it_is(ty: PgType, phys: &Phys) -> bool {
    match phys {
        Phys::Bool | Phys::Int2 | Phys::Int4 | Phys::Float4 | Phys::Float8 | Phys::Decimal { .. } | Phys::Bytea => true,
        Phys::Int8 => ty.oid == oid::INT8,
        Phys::Oid => ty.oid == oid::OID,
        Phys::Date | Phys::Time | Phys::Timestamp | Phys::TimestampTz => true,
        // char(n) is padded on its way out.
        Phys::Text => (is_plain_text(ty.oid) && ty.oid != oid::BPCHAR) || ty.oid == oid::JSON,
        Phys::Jsonb | Phys::Citext => true,
        Phys::List(element) => match **element {
            // What the elements of arrays are is known of these alone.
            Phys::Int2 | Phys::Int4 | Phys::Float4 | Phys::Float8 | Phys::Bool | Phys::Decimal { .. } => true,
            Phys::Int8 => ty.oid == oid::INT8_ARRAY,
            Phys::Text => matches!(ty.oid, oid::TEXT_ARRAY | oid::VARCHAR_ARRAY),
            _ => false,
        },
        Phys::Numeric | Phys::Interval | Phys::TimeTz | Phys::Uuid | Phys::Enum(_) | Phys::Row(_) | Phys::Void => false,
        Phys::Char(_) | Phys::Padded | Phys::Coded(_) | Phys::Shaped(_) => false,
    }
}

/// The texts of a `char(n)`, with the blanks that it has as PostgreSQL shows it; `None` of another type.
fn padded(array: &ArrayRef, phys: &Phys) -> Result<Option<ArrayRef>> {
    let (Phys::Char(length), Some(texts)) = (phys, array.as_string_opt::<i32>()) else { return Ok(None) };
    if texts.value_data().is_ascii() {
        return padded_ascii(array, texts, *length as usize).map(Some);
    }
    let mut made = Texts::new();
    for text in texts {
        match text {
            None => made.push_null(),
            Some(text) => {
                made.push_padded(text.as_bytes(), (*length as usize).saturating_sub(text.chars().count()))?;
            }
        }
    }
    made.finish().map(Some)
}

/// Texts whose characters are bytes become equally long.
fn padded_ascii(array: &ArrayRef, texts: &StringArray, length: usize) -> Result<ArrayRef> {
    let whole = (texts.len() - texts.null_count()) * length;
    let (first, last) = (texts.value_offsets()[0] as usize, texts.value_offsets()[texts.len()] as usize);
    // None is longer than the type says.
    if last - first == whole && texts.value_data().len() == whole {
        return Ok(Arc::clone(array));
    }
    if whole > i32::MAX as usize {
        return Err(too_many());
    }
    let mut data = vec![b' '; whole];
    let mut ends = Vec::with_capacity(texts.len() + 1);
    let mut end = 0;
    ends.push(0);
    for (row, offsets) in texts.value_offsets().windows(2).enumerate() {
        if texts.is_valid(row) {
            let text = &texts.value_data()[offsets[0] as usize..offsets[1] as usize];
            data[end..end + text.len()].copy_from_slice(text);
            end += length;
        }
        ends.push(end as i32);
    }
    let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
    let padded = StringArray::try_new(offsets, Buffer::from_vec(data), texts.nulls().cloned());
    Ok(Arc::new(padded.map_err(Error::internal)?))
}

/// Arrow has no infinite dates.
fn finite(array: &ArrayRef, name: &str, phys: &Phys) -> Result<()> {
    let wrong = match phys {
        Phys::Date => any(array.as_primitive::<Date32Type>(), |day| !(MIN_DATE..=MAX_DATE).contains(&day)),
        Phys::Timestamp | Phys::TimestampTz => any(array.as_primitive::<TimestampMicrosecondType>(), |micros| {
            (micros == TIMESTAMP_INFINITY) | (micros == TIMESTAMP_NEG_INFINITY)
        }),
        _ => false,
    };
    if wrong {
        let message = format!("column \"{name}\" has an infinite value, which Arrow has not");
        return Err(Error::new(SqlState::DATETIME_FIELD_OVERFLOW, message).hint("Cast the column to text."));
    }
    Ok(())
}

/// True if one of the values that are not NULL is as asked.
fn any<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, asked: impl Fn(T::Native) -> bool) -> bool {
    // At first all are looked at, without a way out and whatever lies where NULL is, which is quick.
    array.values().iter().fold(false, |any, value| any | asked(*value)) && array.iter().flatten().any(asked)
}
