//! Results that the gateway makes itself: SHOW, EXPLAIN.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::{DataType, Field as ArrowField, Schema};
use arrow::record_batch::RecordBatch;

use super::front::RowShape;
use crate::error::{Error, Result};
use crate::tree::Field;
use crate::types::{Oid, PgType, Phys, oid};

pub fn text_field(name: &str) -> Field {
    field(name, oid::TEXT)
}

pub fn field(name: &str, ty: Oid) -> Field {
    Field { name: name.into(), ty: PgType::new(ty), origin: (0, 0), row: None }
}

pub fn text_shape(fields: Vec<Field>, formats: Vec<i16>) -> RowShape {
    let phys = vec![Phys::Text; fields.len()];
    RowShape { fields, phys, formats }
}

/// A batch of text columns.
pub fn text_batch(columns: Vec<Vec<Option<String>>>) -> Result<RecordBatch> {
    let names = 0..columns.len();
    let fields: Vec<ArrowField> = names.map(|i| ArrowField::new(format!("c{i}"), DataType::Utf8, true)).collect();
    let arrays: Vec<ArrayRef> =
        columns.into_iter().map(|values| Arc::new(StringArray::from(values)) as ArrayRef).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(Error::internal)
}
