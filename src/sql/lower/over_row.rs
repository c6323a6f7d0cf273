//! An expression that a table keeps, as DuckDB's text over a row of it: for questions of the gateway's own.

use crate::error::{Error, Result};
use crate::policy;
use crate::registry::{Relation, expression};
use crate::sql::analyze::{self, Stored};
use crate::sql::deparse::{self, Style};
use crate::sql::{Context, compile};
use crate::tree::{RelColumn, RelId};
use crate::types::{PgType, Phys};

use super::ir::{Alias, Scalar};
use super::{Decimals, Lowerer};

/// Stands for the row.
const ROW: RelId = RelId(1 << 30);

/// What DuckDB computes, and its type.
pub struct OverRow {
    pub sql: String,
    pub phys: Phys,
    /// What is compared in its place, and what carries that.
    pub key: (String, Phys),
    pub ty: PgType,
    /// As PostgreSQL prints an index's key.
    pub shown: String,
}

/// `lower(email)` over a row of a table that goes by `t0`.
///
/// # Errors
/// What analysis and lowering say; internal if it is not fixed by the row.
pub fn over_row(text: &str, stored: Stored, table: &Relation, cx: &Context) -> Result<OverRow> {
    let columns: Vec<RelColumn> =
        table.columns.iter().map(|c| RelColumn { name: c.name.clone(), ty: c.ty, attnum: c.num }).collect();
    let e = analyze::expression(text, stored, (&table.name, ROW), &columns, cx)?;
    let ty = e.ty;
    let seen = cx.seen();
    let names: Vec<String> = table.columns.iter().map(|c| expression::quote(&c.name)).collect();
    let shown = deparse::expression(&e, ("", ROW), &names, &seen, Style::PRETTY)?;
    let shown = if deparse::looks_like_function(&e) { shown } else { format!("({shown})") };
    let permit = policy::check_expression(e, &compile::authority(cx))?;
    let mut lowerer = Lowerer::new(cx, Decimals::Fast);
    let mut values = Vec::with_capacity(columns.len());
    for column in &table.columns {
        let phys = lowerer.phys(column.ty)?;
        values.push(Some(Scalar::column(Alias::Rel(0), table.physical_column(column), phys)));
    }
    lowerer.substitutes.insert(ROW, values);
    let value = lowerer.expr(permit.get())?;
    if !lowerer.params.is_empty() {
        // The text of a float, say: it goes by extra_float_digits.
        return Err(Error::unsupported("a unique index over an expression that the session's settings decide")
            .hint("Index the columns, or an expression that gives the same in every session."));
    }
    let (sql, key, key_phys) = super::same::with_key(&value);
    Ok(OverRow { sql, phys: value.phys, key: (key, key_phys), ty, shown })
}
