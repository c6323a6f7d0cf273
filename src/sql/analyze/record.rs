//! The fields of records (rows of no named type), as far as a statement's tree tells them: PostgreSQL's records carry them along
//! when they run, and expandRecordVariable looks for them as this does.
//!
//! `(SELECT x FROM (SELECT 1 AS a) AS x)` → `a integer`, also through CASE, COALESCE, arrays, WITH and columns of subqueries

use std::sync::Arc;

use super::Analyzer;
use super::scope::NsColumn;
use crate::tree::{Expr, ExprKind, Field, Query, RelId};
use crate::types::{self, PgType, RowField, RowTypes, TypeLookup, UserTypeInfoKind, Value, oid};

/// Where the fields of what an expression names are looked up.
pub trait Records {
    fn types(&self) -> &dyn TypeLookup;
    /// The fields of a relation's row.
    fn whole(&self, rel: RelId) -> Option<RowTypes>;
    /// The fields of a column of type record, or of the records in it.
    fn column(&self, rel: RelId, column: u16) -> Option<RowTypes>;
    /// The fields of what a function gives.
    fn call(&self, e: &Expr) -> Option<RowTypes>;
}

/// The fields of a row that an expression gives, or of the rows in the array that it gives; `None` where they are not known, or
/// not the same in each case.
pub fn record_of(e: &Expr, known: &impl Records) -> Option<RowTypes> {
    let here = |e: &Expr| record_of(e, known);
    let found = match &e.kind {
        ExprKind::WholeRow(rel) => known.whole(*rel),
        ExprKind::Column { rel, column } => known.column(*rel, *column),
        ExprKind::Row(items) if e.ty.oid == oid::RECORD => {
            let field = |(i, item): (usize, &Expr)| RowField {
                name: format!("f{}", i + 1).into(),
                ty: item.ty,
                row: nested(item, known),
            };
            Some(RowTypes(items.iter().enumerate().map(field).collect()))
        }
        ExprKind::Cast { arg, .. } if is_record(e.ty) => here(arg),
        ExprKind::ScalarSubquery(query) | ExprKind::ArraySubquery(query) => output_of(query, 0),
        ExprKind::Case { whens, otherwise, .. } => {
            agreed(whens.iter().map(|(_, then)| then).chain(otherwise.as_deref()), known)
        }
        ExprKind::Coalesce(items) | ExprKind::Array { items, .. } | ExprKind::MinMax { args: items, .. } => {
            agreed(items.iter(), known)
        }
        ExprKind::NullIf { left, .. } => here(left),
        ExprKind::Subscript { array, .. } => here(array),
        ExprKind::Field { row, field } => here(row)?.0.get(usize::from(*field))?.row.clone(),
        ExprKind::Aggregate(aggregate) if aggregate.func.name == "array_agg" => here(aggregate.args.first()?),
        ExprKind::Window(window) if gives_an_argument(window.func.name) => here(window.args.first()?),
        ExprKind::Call(_) | ExprKind::SetReturning(_) | ExprKind::Routine(_) => known.call(e),
        _ => None,
    };
    found.or_else(|| composite(e.ty, known.types()))
}

/// As [`record_of`], of an expression that need not be a row at all.
pub fn nested(e: &Expr, known: &impl Records) -> Option<RowTypes> {
    is_record(e.ty).then(|| record_of(e, known)).flatten()
}

/// Is it of type record, or of records?
pub fn is_record(ty: PgType) -> bool {
    matches!(ty.oid, oid::RECORD | oid::RECORD_ARRAY)
}

/// The fields of a composite type.
pub fn composite(ty: PgType, lookup: &dyn TypeLookup) -> Option<RowTypes> {
    match lookup.user_type(types::base_type(ty, lookup).oid).map(|t| t.kind) {
        Some(UserTypeInfoKind::Composite { fields }) => {
            Some(RowTypes::of(fields.iter().map(|(name, ty)| (Arc::clone(name), *ty))))
        }
        _ => None,
    }
}

fn output_of(query: &Query, column: usize) -> Option<RowTypes> {
    query.columns.get(column)?.row.clone()
}

/// What all of them have that are no NULL.
fn agreed<'e>(items: impl Iterator<Item = &'e Expr>, known: &impl Records) -> Option<RowTypes> {
    let mut rows = items.filter(|e| !is_null(e)).map(|e| record_of(e, known));
    let first = rows.next()??;
    rows.all(|row| row.as_ref() == Some(&first)).then_some(first)
}

fn is_null(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Const(value) => matches!(value, Value::Null),
        ExprKind::Cast { arg, .. } => is_null(arg),
        _ => false,
    }
}

/// Window functions that give a row's argument as it is.
fn gives_an_argument(name: &str) -> bool {
    matches!(name, "array_agg" | "lag" | "lead" | "first_value" | "last_value" | "nth_value")
}

impl Analyzer<'_> {
    /// The fields of a subquery's or a WITH query's columns of type record.
    pub(crate) fn keep_records(&mut self, rel: RelId, columns: &[Field]) {
        for (i, field) in columns.iter().enumerate() {
            if let Some(row) = &field.row {
                self.records.insert((rel, i as u16), row.clone());
            }
        }
    }
}

impl Records for Analyzer<'_> {
    fn types(&self) -> &dyn TypeLookup {
        &*self.ctx.snapshot
    }

    fn whole(&self, rel: RelId) -> Option<RowTypes> {
        let item = self.scopes.iter().rev().flat_map(|s| &s.items).find(|i| i.rel == Some(rel))?;
        let columns = item.columns.iter().filter(|c| !c.hidden);
        let field = |c: &NsColumn| RowField { name: Arc::clone(&c.name), ty: c.expr.ty, row: nested(&c.expr, self) };
        Some(RowTypes(columns.map(field).collect()))
    }

    fn column(&self, rel: RelId, column: u16) -> Option<RowTypes> {
        self.records.get(&(rel, column)).cloned()
    }

    fn call(&self, e: &Expr) -> Option<RowTypes> {
        let fields = self.row_fields(e);
        (!fields.is_empty()).then(|| RowTypes::of(fields))
    }
}
