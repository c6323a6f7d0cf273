//! What a statement has to answer for where foreign keys are concerned.

use std::sync::Arc;

use super::lower::ir::Statement;
use super::{KeptRows, KeyChange, KeyDuty};
use crate::registry::{Relation, Snapshot};

/// What a statement that changes `target` does to keys; `None` if no foreign key is concerned. UPDATE and DELETE are where they
/// have kept something.
pub(super) fn duty(
    statement: &Statement,
    target: Option<&Arc<Relation>>,
    kept: Option<KeptRows>,
    types: &Snapshot,
) -> Option<Arc<KeyDuty>> {
    let table = Arc::clone(target?);
    let change = match (kept, statement) {
        (Some(kept), _) => KeyChange::Kept(kept),
        (None, Statement::Insert { conflict, .. }) => {
            let sets = conflict.iter().filter_map(|c| c.sets.as_ref()).flatten();
            let sets: Vec<i16> = sets.filter_map(|(name, _)| table.column_by_physical(name).map(|c| c.num)).collect();
            let checked = table.foreign_keys().next().is_some() || table.checked_keys(types).next().is_some();
            if !checked && sets.is_empty() {
                return None;
            }
            KeyChange::Appended { sets }
        }
        (None, Statement::Explain { statement, .. }) => return duty(statement, target, None, types),
        (None, Statement::Query(_) | Statement::Keep { .. } | Statement::Update { .. } | Statement::Delete { .. }) => {
            return None;
        }
    };
    Some(Arc::new(KeyDuty { table, change }))
}
