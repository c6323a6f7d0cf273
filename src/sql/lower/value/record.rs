//! The fields of records: what lowering knows of the relations in FROM, for rows that keep their names.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::sql::analyze::record::{Records, composite, record_of};
use crate::sql::lower::Lowerer;
use crate::tree::{Cte, Expr, Field, RelColumn, RelId, Relation, Source};
use crate::types::{PgType, RowField, RowTypes, TypeLookup};

impl Lowerer<'_> {
    /// The visible columns of a relation, as a row of it has them: a table's has the names of the table's type, whatever alias
    /// the columns have.
    pub(crate) fn shape_of(&self, relation: &Relation) -> RowTypes {
        let own = |c: &RelColumn| match &relation.source {
            Source::Table { def, .. } => def.column_by_num(c.attnum).map(|column| Arc::clone(&column.name)),
            _ => None,
        };
        let below = |i: usize| match &relation.source {
            Source::Subquery(query) | Source::View { query, .. } => query.columns.get(i)?.row.clone(),
            Source::Cte(id) => self.records.get(id)?.get(i)?.clone(),
            Source::Table { .. }
            | Source::System { .. }
            | Source::Sequence { .. }
            | Source::Function { .. }
            | Source::Feed
            | Source::File(_) => None,
        };
        let columns = relation.columns.iter().enumerate().filter(|(_, c)| c.attnum >= 0);
        let field = |(i, c): (usize, &RelColumn)| RowField {
            name: own(c).unwrap_or_else(|| Arc::clone(&c.name)),
            ty: c.ty,
            row: below(i),
        };
        RowTypes(columns.map(field).collect())
    }

    pub(crate) fn keep_records(&mut self, cte: &Cte) {
        self.records.insert(cte.id, cte.columns.iter().map(|field: &Field| field.row.clone()).collect());
    }

    /// The fields of a row: from the expression that makes it, or from its composite type.
    pub(crate) fn shape(&self, tree: Option<&Expr>, ty: PgType) -> Result<RowTypes> {
        self.fields_or_type(tree.and_then(|tree| record_of(tree, self)), ty)
    }

    /// Those fields, or those of a composite type.
    pub(crate) fn fields_or_type(&self, fields: Option<RowTypes>, ty: PgType) -> Result<RowTypes> {
        fields.or_else(|| composite(ty, &*self.cx.snapshot)).ok_or_else(unknown_fields)
    }
}

pub(crate) fn unknown_fields() -> Error {
    Error::unsupported("the text or JSON of a record whose columns are not known here")
        .hint("Give the row itself, or a row of a named composite type.")
}

impl Records for Lowerer<'_> {
    fn types(&self) -> &dyn TypeLookup {
        &*self.cx.snapshot
    }

    fn whole(&self, rel: RelId) -> Option<RowTypes> {
        self.shapes.get(&rel).cloned()
    }

    /// Relations that have columns of records have no system columns.
    fn column(&self, rel: RelId, column: u16) -> Option<RowTypes> {
        self.shapes.get(&rel)?.0.get(usize::from(column))?.row.clone()
    }

    fn call(&self, _: &Expr) -> Option<RowTypes> {
        None
    }
}
