//! How a statement changes its table's rows inside DuckDB: what `engine::commits` has to know of it.

use std::sync::Arc;

use super::lower::ir::{Scalar, Statement};
use crate::engine::{Change, Writes};
use crate::registry::{ConstraintKind, Relation};
use crate::types::{Phys, TypeLookup};

/// DuckDB removes a row and writes it anew where RETURNING is asked for, or a column of an index is set, or one whose type
/// has parts; otherwise it changes the row in its place. Where that is not certain from here, both are said.
pub(super) fn writes(statement: &Statement, target: Option<&Relation>, types: &dyn TypeLookup) -> Option<Writes> {
    let target = target?;
    let change = match statement {
        Statement::Query(_) | Statement::Keep { .. } => Change::default(),
        Statement::Insert { conflict, returning, .. } => match conflict.as_ref().and_then(|c| c.sets.as_ref()) {
            None => Change::APPENDS,
            Some(sets) => Change { appends: true, ..update(target, sets, returning, types) },
        },
        Statement::Update { sets, returning, .. } => update(target, sets, returning, types),
        Statement::Delete { .. } => Change { removes: true, ..Change::default() },
        Statement::Explain { statement, .. } => return writes(statement, Some(target), types),
    };
    Some(Writes::Table(target.oid, change))
}

fn update(target: &Relation, sets: &[(Arc<str>, Scalar)], returning: &[Scalar], types: &dyn TypeLookup) -> Change {
    if !returning.is_empty() {
        return Change { removes: true, ..Change::default() };
    }
    let column = |name| target.column_by_physical(name);
    if sets.iter().any(|(name, _)| column(name).is_some_and(|column| indexed(target, column.num, types))) {
        // Said as surely as it is: two that say both of different rows never go together.
        return Change { removes: true, ..Change::default() };
    }
    let in_place = sets.iter().all(|(name, value)| {
        let simple = !matches!(value.phys, Phys::List(_) | Phys::Shaped(_) | Phys::Row(_) | Phys::Void);
        simple && column(name).is_some()
    });
    Change { in_place: true, removes: !in_place, ..Change::default() }
}

/// Whether DuckDB has an index over a column.
fn indexed(target: &Relation, column: i16, types: &dyn TypeLookup) -> bool {
    let native = target.constraints.iter().filter(|constraint| constraint.is_native(target, types));
    let in_constraint = native.into_iter().any(|constraint| match &constraint.kind {
        ConstraintKind::PrimaryKey { columns } | ConstraintKind::Unique { columns, .. } => columns.contains(&column),
        ConstraintKind::ForeignKey { .. } | ConstraintKind::Check { .. } | ConstraintKind::Exclusion { .. } => false,
    });
    let mut indexes = target.indexes.iter().filter(|index| index.unique && index.is_native(target, types));
    in_constraint || indexes.any(|index| index.keys.iter().any(|key| key.column == column))
}
