//! VALUES (transformValuesClause).

use sqlparser::ast;

use super::scope::Clause;
use super::{Analyzer, Expr};
use crate::error::{Error, Result};
use crate::tree::{Body, Field, Query};
use crate::types::oid;

impl Analyzer<'_> {
    pub(crate) fn values_query(&mut self, values: &ast::Values, query: &ast::Query) -> Result<Query> {
        let rows = self.value_rows(values)?;
        let width = rows.first().map_or(0, Vec::len);
        if width == 0 {
            return Err(Error::unsupported("VALUES of rows without columns"));
        }
        let mut rows: Vec<Vec<Option<Expr>>> = rows.into_iter().map(|r| r.into_iter().map(Some).collect()).collect();
        let mut columns = Vec::with_capacity(width);
        for i in 0..width {
            let column: Vec<Expr> = rows.iter_mut().filter_map(|r| r[i].take()).collect();
            let unknown = column.iter().all(|e| e.ty.oid == oid::UNKNOWN);
            // A column of nothing but unknown literals stays unknown until it is used.
            let (column, ty) = if unknown {
                let ty = crate::types::PgType::new(oid::UNKNOWN);
                (column, ty)
            } else {
                self.unify(column, "VALUES")?
            };
            for (row, value) in rows.iter_mut().zip(column) {
                row[i] = Some(value);
            }
            columns.push(Field { name: format!("column{}", i + 1).into(), ty, origin: (0, 0), row: None });
        }
        let rows = rows.into_iter().map(|r| r.into_iter().flatten().collect()).collect();
        let output_rel = self.new_rel();
        let mut analyzed = Query::of(Body::Values(rows), columns, output_rel);
        if query.order_by.is_some() {
            self.resolve_unknown_outputs(&mut analyzed)?;
            analyzed.order_by = self.output_order(query.order_by.as_ref(), &analyzed.columns, output_rel)?;
        }
        (analyzed.limit, analyzed.offset, analyzed.with_ties) = self.limit_clause(query)?;
        Ok(analyzed)
    }

    /// The rows as they stand, each as long as the first.
    pub(crate) fn value_rows(&mut self, values: &ast::Values) -> Result<Vec<Vec<Expr>>> {
        self.in_clause(Clause::Values, |a| {
            let mut rows: Vec<Vec<Expr>> = Vec::with_capacity(values.rows.len());
            for row in &values.rows {
                let exprs = a.expression_list(&row.content)?;
                if rows.first().is_some_and(|first: &Vec<Expr>| first.len() != exprs.len()) {
                    let pos = exprs.first().map_or(0, |e| e.pos);
                    return Err(Error::syntax("VALUES lists must all be the same length").at(pos));
                }
                rows.push(exprs);
            }
            Ok(rows)
        })
    }
}
