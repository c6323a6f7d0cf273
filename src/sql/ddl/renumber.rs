//! Tables that a file from before [`Storage::Numbered`] has by name get their numbers, once, at the next start, and their
//! expressions names that mean the same for everybody.

use std::sync::Arc;

use super::DdlPlan;
use super::physical::{self, column_ident, foreign_target, table_name};
use super::planner::Planner;
use crate::error::{Error, Result};
use crate::registry::{Relation, RelationKind, Storage};
use crate::sql::Context;

/// What makes each table anew under its number; empty if none has to be.
///
/// # Errors
/// Foreign keys between them go round in a circle.
pub fn renumber(cx: &Context) -> Result<DdlPlan> {
    let mut planner = Planner::new(cx);
    let named = |r: &&Arc<Relation>| matches!(r.kind, RelationKind::Table) && r.storage == Storage::Named;
    let mut left: Vec<Arc<Relation>> = cx.snapshot.relations.values().filter(named).cloned().collect();
    left.sort_by_key(|r| r.oid);
    // A table after those that it refers to.
    let mut order: Vec<Arc<Relation>> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waits = |r: &Arc<Relation>| {
            let mut targets = r.constraints.iter().filter_map(foreign_target);
            targets.any(|target| target != r.oid && left.iter().any(|l| l.oid == target))
        };
        let Some(at) = left.iter().position(|r| !waits(r)) else {
            return Err(Error::internal("foreign keys of an older file go round in a circle"));
        };
        order.push(left.remove(at));
    }
    let numbered = |old: &Relation| Relation { storage: Storage::Numbered, ..old.clone() };
    for old in &order {
        let mut new = numbered(old);
        super::kept::adopt(&mut new, cx);
        planner.put_relation(new.clone());
        planner.command(physical::create_table(&new, &planner.after)?);
        let columns = |r: &Relation| r.columns.iter().map(|c| column_ident(r, c)).collect::<Vec<_>>().join(", ");
        let (into, from) = (columns(&new), columns(old));
        planner.command(format!("INSERT INTO {} ({into}) SELECT {from} FROM {}", table_name(&new), table_name(old)));
    }
    for old in order.iter().rev() {
        planner.command(format!("DROP TABLE {}", table_name(old)));
    }
    for old in &order {
        planner.unique_indexes(&numbered(old))?;
    }
    planner.finish()
}
