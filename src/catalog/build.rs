//! From rows of values to record batches with a system table's columns.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;

use super::relations::relations;
use crate::error::{Error, Result};
use crate::types::{PgType, Phys, Value, oid};

/// Rows of a table: the columns that are given, and for each row a value for each of them.
pub(super) struct Rows {
    pub columns: &'static [&'static str],
    pub rows: Vec<Vec<Value>>,
}

impl Rows {
    pub fn new(columns: &'static [&'static str]) -> Self {
        Self { columns, rows: Vec::new() }
    }

    pub fn push<const N: usize>(&mut self, row: [Value; N]) {
        debug_assert_eq!(N, self.columns.len());
        self.rows.push(row.into());
    }
}

struct Shape {
    columns: Vec<(String, PgType, Phys)>,
}

static SHAPES: LazyLock<HashMap<String, Shape>> = LazyLock::new(|| {
    relations()
        .iter()
        .map(|relation| {
            let columns = relation
                .columns
                .iter()
                .map(|c| {
                    // Types that only statistics have are carried as text.
                    let phys = crate::types::phys(c.ty, &crate::types::BuiltinTypes).unwrap_or(Phys::Text);
                    (c.name.to_string(), c.ty, phys)
                })
                .collect();
            let name = match &*relation.namespace {
                "pg_catalog" => relation.name.to_string(),
                other => format!("{other}.{}", relation.name),
            };
            (name, Shape { columns })
        })
        .collect()
});

/// A system table's column names and physical types; tables of information_schema go by their qualified name.
pub(super) fn columns(table: &str) -> Option<Vec<(String, Phys)>> {
    Some(SHAPES.get(table)?.columns.iter().map(|(name, _, phys)| (name.clone(), phys.clone())).collect())
}

/// What a column holds that the rows do not give.
fn default(ty: PgType) -> Value {
    match ty.oid {
        oid::BOOL => Value::Bool(false),
        oid::INT2 => Value::Int2(0),
        oid::INT4 => Value::Int4(0),
        oid::INT8 => Value::Int8(0),
        oid::FLOAT4 => Value::Float4(0.0),
        oid::FLOAT8 => Value::Float8(0.0),
        oid::OID | oid::XID => Value::Oid(0),
        oid::REGPROC => Value::Oid(0),
        _ => Value::Null,
    }
}

/// The batch of a whole table.
pub(super) fn batch(table: &str, mut given: Rows) -> Result<RecordBatch> {
    let shape = SHAPES.get(table).ok_or_else(|| Error::internal(format!("no system table {table}")))?;
    for column in given.columns {
        if !shape.columns.iter().any(|(name, ..)| name == column) {
            return Err(Error::internal(format!("system table {table} has no column {column}")));
        }
    }
    let mut fields = Vec::with_capacity(shape.columns.len());
    let mut arrays = Vec::with_capacity(shape.columns.len());
    for (name, ty, phys) in &shape.columns {
        let at = given.columns.iter().position(|c| c == name);
        let values: Vec<Value> = match at {
            Some(i) => given.rows.iter_mut().map(|row| std::mem::replace(&mut row[i], Value::Null)).collect(),
            None => vec![default(*ty); given.rows.len()],
        };
        let array = crate::types::arrow::array_from_values(&values, phys)?;
        fields.push(Field::new(name, DataType::clone(array.data_type()), true));
        arrays.push(array);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(Error::internal)
}
