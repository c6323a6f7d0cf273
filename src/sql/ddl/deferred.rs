//! Foreign keys that are INITIALLY DEFERRED: DuckDB does not have them; the session asks these questions before COMMIT.

use super::physical::{column_ident, table_name};
use super::planner::question;
use crate::engine::Rendered;
use crate::error::{Error, Result};
use crate::policy::Permit;
use crate::registry::Relation;
use crate::types::Phys;

/// A key of `child` that `parent` does not have, as text, at most one; `None` if a column is missing.
fn orphan_sql(child: &Relation, columns: &[i16], parent: &Relation, target_columns: &[i16]) -> Option<String> {
    let ours =
        columns.iter().map(|n| Some(column_ident(child, child.column_by_num(*n)?))).collect::<Option<Vec<_>>>()?;
    let theirs = target_columns
        .iter()
        .map(|n| Some(column_ident(parent, parent.column_by_num(*n)?)))
        .collect::<Option<Vec<_>>>()?;
    let each =
        |separator: &str, part: &dyn Fn(usize) -> String| (0..ours.len()).map(part).collect::<Vec<_>>().join(separator);
    let shown = each(", ", &|i| format!("CAST(child.{} AS VARCHAR)", ours[i]));
    let present = each(" AND ", &|i| format!("child.{} IS NOT NULL", ours[i]));
    let on = each(" AND ", &|i| format!("parent.{} = child.{}", theirs.get(i).unwrap_or(&ours[i]), ours[i]));
    Some(format!(
        "SELECT {shown} FROM {} AS child WHERE {present} AND NOT EXISTS (SELECT 1 FROM {} AS parent WHERE {on}) LIMIT 1",
        table_name(child),
        table_name(parent)
    ))
}

/// Asks for a key of `child` that `parent` does not have.
pub fn orphan(
    child: &Relation,
    columns: &[i16],
    parent: &Relation,
    target_columns: &[i16],
) -> Result<Permit<Rendered>> {
    let sql = orphan_sql(child, columns, parent, target_columns)
        .ok_or_else(|| Error::internal("a foreign key over a column that is not there"))?;
    Ok(question(sql, vec![Phys::Text; columns.len()]))
}

/// The same, for a constraint that is added to rows that are there already.
pub(super) fn orphans_exist(child: &Relation, columns: &[i16], parent: &Relation, targets: &[i16]) -> Option<String> {
    orphan_sql(child, columns, parent, targets).map(|sql| format!("SELECT 1 FROM ({sql}) AS orphan"))
}
