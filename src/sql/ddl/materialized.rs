//! Materialized views: tables that are filled from a kept query, by REFRESH in the name of their owner.

use std::sync::Arc;

use super::planner::Planner;
use super::{Step, pipeline};
use crate::error::{Error, Result, SqlState};
use crate::registry::{Name, Relation, RelationKind};
use crate::sql::analyze::kept;

/// What makes a table a materialized view.
pub fn kind(definition: &str, populated: bool) -> RelationKind {
    let search_path = kept::PATH.map(Name::from).to_vec();
    RelationKind::MaterializedView { definition: definition.to_owned(), search_path, populated }
}

impl Planner<'_> {
    /// REFRESH. The old rows go and the new ones come in one transaction: readers see the ones or the others, and CONCURRENTLY,
    /// which is about locks that nobody takes here, asks for what PostgreSQL asks for and does the same.
    pub fn refresh(&mut self, view: &Relation, concurrently: bool, with_data: bool) -> Result<()> {
        self.tag("REFRESH MATERIALIZED VIEW");
        let RelationKind::MaterializedView { populated, .. } = view.kind else {
            let message = format!("\"{}\" is not a materialized view", view.name);
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        };
        self.may_change(&view.managed, "materialized view", &view.name)?;
        if concurrently {
            may_be_concurrent(view, populated, with_data)?;
        }
        self.empty_table(view);
        if with_data {
            let plan = pipeline::refresh_query(self.cx, &self.after, &Arc::new(view.clone()))?;
            self.plan.steps.push(Step::Plan(plan));
        }
        if populated != with_data {
            let mut new = view.clone();
            if let RelationKind::MaterializedView { populated, .. } = &mut new.kind {
                *populated = with_data;
            }
            self.put_relation(new);
        }
        Ok(())
    }
}

fn may_be_concurrent(view: &Relation, populated: bool, with_data: bool) -> Result<()> {
    if !populated {
        let message = "CONCURRENTLY cannot be used when the materialized view is not populated";
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
    }
    if !with_data {
        return Err(Error::syntax("CONCURRENTLY and WITH NO DATA options cannot be used together"));
    }
    if !view.indexes.iter().any(|i| i.unique && i.predicate.is_none()) {
        let message = format!("cannot refresh materialized view \"{}.{}\" concurrently", view.namespace, view.name);
        return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
            .hint("Create a unique index with no WHERE clause on one or more columns of the materialized view."));
    }
    Ok(())
}
