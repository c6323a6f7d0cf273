//! Tables that a file from before [`Storage::Numbered`] has by name get their numbers, once, at the next start, and their
//! expressions names that mean the same for everybody.

use std::collections::HashMap;
use std::sync::Arc;

use super::DdlPlan;
use super::physical::{self, column_ident, foreign_target, table_name};
use super::planner::Planner;
use super::rebuild::Rebuild;
use crate::error::Result;
use crate::registry::{Relation, RelationKind, Storage};
use crate::sql::Context;
use crate::types::Oid;

/// What makes each table anew under its number; empty if none has to be.
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
        // Those of DuckDB's own do not go round in a circle.
        let at = left.iter().position(|r| !waits(r)).unwrap_or_default();
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

/// What makes tables anew that DuckDB holds to foreign keys of its own: files from before the gateway checked these.
/// `keyed` are their OIDs.
pub fn unkey(cx: &Context, keyed: &[Oid]) -> Result<DdlPlan> {
    let mut planner = Planner::new(cx);
    let mut left: Vec<Arc<Relation>> =
        keyed.iter().filter_map(|oid| cx.snapshot.relation_by_oid(*oid)).cloned().collect();
    left.sort_by_key(|r| r.oid);
    while !left.is_empty() {
        // A table before those that it refers to: DuckDB drops none that another refers to.
        let pointed = |r: &Arc<Relation>| {
            left.iter().any(|l| l.oid != r.oid && l.constraints.iter().filter_map(foreign_target).any(|t| t == r.oid))
        };
        let at = left.iter().position(|r| !pointed(r)).unwrap_or_default();
        let old = left.remove(at);
        planner.rebuild(&Rebuild { old: old.clone(), new: (*old).clone(), sources: HashMap::new() })?;
    }
    Ok(planner.plan)
}
