//! From rows of values to record batches with a system table's columns.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;

use super::relations::relations;
use crate::error::{Error, Result};
use crate::types::{Oid, PgType, Phys, Value, oid};

/// Rows of a table: the columns that are given, and for each row a value for each of them.
pub(super) struct Rows {
    /// `None`: all columns of the table, in order.
    columns: Option<&'static [&'static str]>,
    rows: Vec<Vec<Value>>,
    /// The relations that what is pushed next tells of (0 is none): a role that may not know of one sees none of it.
    pub about: [Oid; 2],
    abouts: Vec<[Oid; 2]>,
}

impl Rows {
    pub fn new(columns: &'static [&'static str]) -> Self {
        Self { columns: Some(columns), rows: Vec::new(), about: [0, 0], abouts: Vec::new() }
    }

    /// Rows with every column of the table.
    pub fn all() -> Self {
        Self { columns: None, rows: Vec::new(), about: [0, 0], abouts: Vec::new() }
    }

    /// Each row's values of the columns with these names, NULL where the rows do not give it. `types` are the table's columns.
    pub fn in_order(self, names: &[&str], types: &[(String, PgType)]) -> Vec<Vec<Value>> {
        let place = |name: &&str| match self.columns {
            Some(columns) => columns.iter().position(|c| c == name),
            None => types.iter().position(|(c, _)| c == name),
        };
        let places: Vec<Option<usize>> = names.iter().map(place).collect();
        let value = |row: &Vec<Value>, at: &Option<usize>| at.map_or(Value::Null, |at| row[at].clone());
        self.rows.iter().map(|row| places.iter().map(|at| value(row, at)).collect()).collect()
    }

    pub fn push<const N: usize>(&mut self, row: [Value; N]) {
        debug_assert_eq!(Some(N), self.columns.map(<[_]>::len));
        self.push_row(row.into());
    }

    pub fn push_row(&mut self, row: Vec<Value>) {
        self.rows.push(row);
        self.abouts.push(self.about);
    }
}

/// A system table's rows as a batch, with the relations that each tells of.
#[derive(Clone)]
pub(super) struct Batch {
    pub batch: RecordBatch,
    /// `None` if no row tells of a relation.
    pub about: Option<Arc<[[Oid; 2]]>>,
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

/// A system table's column names and PostgreSQL types.
pub(super) fn types(table: &str) -> Option<Vec<(String, PgType)>> {
    Some(SHAPES.get(table)?.columns.iter().map(|(name, ty, _)| (name.clone(), *ty)).collect())
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

/// The batch of rows of a table.
pub(super) fn batch(table: &str, mut given: Rows) -> Result<Batch> {
    let shape = SHAPES.get(table).ok_or_else(|| Error::internal(format!("no system table {table}")))?;
    for column in given.columns.unwrap_or_default() {
        if !shape.columns.iter().any(|(name, ..)| name == column) {
            return Err(Error::internal(format!("system table {table} has no column {column}")));
        }
    }
    let mut fields = Vec::with_capacity(shape.columns.len());
    let mut arrays = Vec::with_capacity(shape.columns.len());
    for (i, (name, ty, phys)) in shape.columns.iter().enumerate() {
        let at = match given.columns {
            Some(columns) => columns.iter().position(|c| c == name),
            None => Some(i),
        };
        let values: Vec<Value> = match at {
            Some(i) => given.rows.iter_mut().map(|row| std::mem::replace(&mut row[i], Value::Null)).collect(),
            None => vec![default(*ty); given.rows.len()],
        };
        let array = crate::types::arrow::array_from_values(&values, phys)?;
        fields.push(Field::new(name, DataType::clone(array.data_type()), true));
        arrays.push(array);
    }
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(Error::internal)?;
    let about = given.abouts.iter().any(|about| *about != [0, 0]).then(|| given.abouts.into());
    Ok(Batch { batch, about })
}
