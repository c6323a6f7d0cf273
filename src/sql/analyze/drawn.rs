//! Generated columns over columns whose values are drawn (`id * 2` over a serial `id`): what is generated is computed from the
//! value that the row gets. Elsewhere the column's expression stands in the place of the column, which would draw again.

use std::sync::Arc;

use super::check::walk;
use super::{Analyzer, Expr, ExprKind};
use crate::error::{Error, Result};
use crate::registry::Relation as TableDef;
use crate::tree::{Body, Field, FromItem, InsertSource, Query, RelColumn, Relation, Select, Source};
use crate::types::{PgType, Value, oid};

/// True if the expression may give another value each time.
pub(super) fn draws(expr: &Expr) -> bool {
    let mut found = false;
    let walked = walk(expr, 0, &mut |part, _| {
        found |= match &part.kind {
            ExprKind::NextValue(_) => true,
            ExprKind::Call(call) => call.func.volatility == b'v',
            _ => false,
        };
        Ok(true)
    });
    found || walked.is_err()
}

/// Where a generated column would draw again what another column has drawn, and nothing can be put before it.
pub(super) fn not_drawn_again(statement: &str, generated: &Expr) -> Result<()> {
    if !draws(generated) {
        return Ok(());
    }
    Err(Error::unsupported(format!("{statement} of a generated column over a value that is drawn"))
        .hint("Draw it in a statement before, and give it as a value."))
}

/// Where the generated columns begin, which stand behind all others.
fn first_generated(def: &TableDef, columns: &[u16]) -> Option<usize> {
    columns.iter().position(|column| def.columns[usize::from(*column)].generated.is_some())
}

/// [`not_drawn_again`] of a row.
pub(super) fn none_drawn_again(statement: &str, def: &TableDef, columns: &[u16], row: &[Expr]) -> Result<()> {
    let generated = first_generated(def, columns).map_or(&[][..], |at| row.get(at..).unwrap_or_default());
    generated.iter().try_for_each(|value| not_drawn_again(statement, value))
}

impl Analyzer<'_> {
    /// INSERT's source, with what is drawn for generated columns drawn in a query below.
    pub(super) fn drawn_first(
        &mut self,
        def: &Arc<TableDef>,
        source: InsertSource,
        columns: &[u16],
    ) -> Result<InsertSource> {
        let Some(at) = first_generated(def, columns) else { return Ok(source) };
        let again = match &source {
            InsertSource::Values(rows) => rows.iter().any(|row| row[at..].iter().any(draws)),
            InsertSource::Query { exprs, .. } => exprs[at..].iter().any(draws),
            InsertSource::Feed { .. } => false,
        };
        if !again {
            return Ok(source);
        }
        let (given, generated) = columns.split_at(at);
        let own = |column: &u16| &def.columns[usize::from(*column)];
        let field = |c: &u16| Field { name: own(c).name.clone(), ty: own(c).ty, origin: (0, 0), row: None };
        let fields = given.iter().map(field).collect();
        let body = match source {
            InsertSource::Values(mut rows) => {
                rows.iter_mut().for_each(|row| row.truncate(at));
                Body::Values(rows)
            }
            InsertSource::Query { mut query, rel, mut exprs } => {
                exprs.truncate(at);
                // Numbers are drawn in the order of the query's rows.
                if query.limit.is_none() && query.offset.is_none() {
                    let ty = PgType::new(oid::INT8);
                    query.offset = Some(Expr { kind: ExprKind::Const(Value::Int8(0)), ty, pos: 0 });
                }
                let column = |f: &Field| RelColumn { name: f.name.clone(), ty: f.ty, attnum: 0 };
                let columns = query.columns.iter().map(column).collect();
                let (alias, source) = ("source".into(), Source::Subquery(query));
                let relation = Relation { id: rel, alias, source, columns, lateral: false, pos: 0 };
                Body::Select(Box::new(Select::of(exprs, vec![FromItem::Relation(Box::new(relation))])))
            }
            source @ InsertSource::Feed { .. } => return Ok(source),
        };
        let query = Box::new(Query::of(body, fields, self.new_rel()));
        let rel = self.new_rel();
        let drawn = |column: u16| {
            let at = given.iter().position(|c| *c == column)?;
            let ty = def.columns[usize::from(column)].ty;
            Some(Expr { kind: ExprKind::Column { rel, column: at as u16 }, ty, pos: 0 })
        };
        let mut exprs: Vec<Expr> = given.iter().filter_map(|column| drawn(*column)).collect();
        for column in generated.iter().map(own) {
            let text = column.generated.as_deref().unwrap_or_default();
            exprs.push(self.generated(def, column, text, drawn)?);
        }
        Ok(InsertSource::Query { query, rel, exprs })
    }
}
