//! FOR UPDATE and kin over a subquery or a view: all that these read from is locked (transformLockingClause, markQueryForLocking).

use std::collections::BTreeSet;

use crate::tree::{Body, FromItem, Query, RelId};

/// Adds what the query reads from; the subqueries among these hand it on when they are met.
pub(super) fn all_of(query: &Query, locked: &mut BTreeSet<RelId>) {
    match &query.body {
        Body::Select(select) => select.from.iter().for_each(|item| relations_of(item, locked)),
        Body::SetOp { op: _, all: _, left, right } => {
            all_of(left, locked);
            all_of(right, locked);
        }
        Body::Values(_) => {}
    }
}

fn relations_of(item: &FromItem, locked: &mut BTreeSet<RelId>) {
    match item {
        FromItem::Relation(relation) => {
            locked.insert(relation.id);
        }
        FromItem::Join(join) => {
            relations_of(&join.left, locked);
            relations_of(&join.right, locked);
        }
    }
}
