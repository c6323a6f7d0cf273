//! COPY TO in Arrow: the engine's batches as an IPC stream. Types that Arrow has go as they are, all others as PostgreSQL's
//! text: `docs/decisions/copy-arrow.md`.

use std::sync::Arc;

use ::arrow::array::{ArrayRef, AsArray, StringBuilder};
use ::arrow::datatypes::{DataType, Date32Type, Field, Schema, SchemaRef, TimestampMicrosecondType};
use ::arrow::ipc::writer::StreamWriter;
use ::arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::CopyColumn;
use super::column::is_plain_text;
use super::texts::Texts;
use crate::error::{Error, Result, SqlState};
use crate::types::datetime::{MAX_DATE, MIN_DATE, TIMESTAMP_INFINITY, TIMESTAMP_NEG_INFINITY};
use crate::types::rows::{CellEncoders, ColumnShape};
use crate::types::{OutputSettings, PgType, Phys, TypeLookup, base_type, oid};

/// Bytes of one CopyData message.
const MESSAGE: usize = 128 << 10;

pub struct ArrowEncoder {
    columns: Vec<CopyColumn>,
    /// True for those that go as text.
    as_text: Vec<bool>,
    cells: CellEncoders,
    schema: SchemaRef,
    /// `None` after the end.
    writer: Option<StreamWriter<Vec<u8>>>,
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
            writer: Some(StreamWriter::try_new(Vec::new(), &schema).map_err(Error::internal)?),
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

    /// Appends a batch; gives the ends of the messages.
    pub fn encode(&mut self, batch: &RecordBatch, types: &dyn TypeLookup, out: &mut Vec<u8>) -> Result<Vec<usize>> {
        let batch = self.convert(batch, types)?;
        let Some(writer) = &mut self.writer else { return Err(Error::internal("a stream that has ended")) };
        out.append(writer.get_mut());
        // It writes behind what is there, instead of having it copied there.
        std::mem::swap(out, writer.get_mut());
        let written = writer.write(&batch);
        std::mem::swap(out, writer.get_mut());
        written.map_err(Error::internal)?;
        Ok(ends(out))
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

    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<Vec<usize>> {
        if let Some(mut writer) = self.writer.take() {
            writer.finish().map_err(Error::internal)?;
            out.append(writer.get_mut());
        }
        Ok(ends(out))
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
    let ascii = texts.value_data().is_ascii();
    let mut made = Texts::new();
    for text in texts {
        match text {
            None => made.push_null(),
            Some(text) => {
                let characters = if ascii { text.len() } else { text.chars().count() };
                made.push_padded(text.as_bytes(), (*length as usize).saturating_sub(characters))?;
            }
        }
    }
    made.finish().map(Some)
}

/// Arrow has no infinite dates.
fn finite(array: &ArrayRef, name: &str, phys: &Phys) -> Result<()> {
    let wrong = match phys {
        Phys::Date => {
            let days = array.as_primitive::<Date32Type>();
            days.iter().flatten().any(|day| !(MIN_DATE..=MAX_DATE).contains(&day))
        }
        Phys::Timestamp | Phys::TimestampTz => {
            let micros = array.as_primitive::<TimestampMicrosecondType>();
            micros.iter().flatten().any(|m| m == TIMESTAMP_INFINITY || m == TIMESTAMP_NEG_INFINITY)
        }
        _ => false,
    };
    if wrong {
        let message = format!("column \"{name}\" has an infinite value, which Arrow has not");
        return Err(Error::new(SqlState::DATETIME_FIELD_OVERFLOW, message).hint("Cast the column to text."));
    }
    Ok(())
}

fn ends(out: &[u8]) -> Vec<usize> {
    let mut ends: Vec<usize> = (1..=out.len() / MESSAGE).map(|n| n * MESSAGE).collect();
    if ends.last().copied().unwrap_or(0) < out.len() {
        ends.push(out.len());
    }
    ends
}
