//! ON CONFLICT.
//!
//! `ON CONFLICT (a) DO UPDATE SET b = excluded.b WHERE t.c` → the same in DuckDB's terms, and over several rows a guard
//! that no key comes twice: PostgreSQL refuses that (21000), DuckDB would keep one of them.

use std::sync::Arc;

use crate::error::{Error, Result, SqlState};
use crate::registry;
use crate::tree::{ConflictAction, Expr, ExprKind, Insert, OnConflict};
use crate::types::Phys;

use super::ir::{self, Alias, Scalar};
use super::{Lowerer, Rel};

impl Lowerer<'_> {
    pub(super) fn conflict(
        &mut self,
        conflict: &OnConflict,
        insert: &Insert,
        def: &Arc<registry::Relation>,
    ) -> Result<ir::Conflict> {
        self.depends.tables.insert(def.oid);
        if conflict.arbiter_predicate.is_some() {
            return Err(Error::unsupported("ON CONFLICT with a predicate on a partial index"));
        }
        let name_of = |index: &u16| {
            let column = insert.target.columns.get(usize::from(*index));
            let column = column.ok_or_else(|| Error::internal("lower: ON CONFLICT names no column"))?;
            super::from::column_name(def, column)
        };
        let columns = conflict.arbiter.iter().map(name_of).collect::<Result<Vec<_>>>()?;
        let ConflictAction::Update { sets, filter } = &conflict.action else {
            return Ok(ir::Conflict { columns, sets: None, filter: None });
        };
        if let Some(rel) = insert.excluded {
            let columns = self.table_columns(&insert.target, def)?;
            self.rels.insert(rel, Rel { alias: Alias::Excluded, columns });
        }
        let kept: Vec<&(u16, Expr)> = sets.iter().filter(|set| !keeps_key(set, conflict, insert)).collect();
        let mut lowered = self.set_values(&insert.target, &kept, def)?;
        if lowered.is_empty()
            && let Some((index, _)) = sets.first()
        {
            // Only the key was set to itself; some column must be written for the row to count.
            let name = name_of(index)?;
            let phys = self.phys(insert.target.columns[usize::from(*index)].ty)?;
            lowered.push((name.clone(), Scalar::column(Alias::Excluded, name, phys)));
        }
        let filter = filter.as_ref().map(|f| self.expr(f)).transpose()?;
        // DuckDB's binder refuses them.
        if lowered.iter().map(|(_, value)| value).chain(&filter).any(|value| value.weight().0 >= ir::SUBQUERY_WEIGHT) {
            return Err(Error::unsupported("a subquery in ON CONFLICT DO UPDATE")
                .hint("Compute the value in the INSERT's own query and use it as excluded.column."));
        }
        Ok(ir::Conflict { columns, sets: Some(lowered), filter })
    }

    /// The guard against a key that comes twice in one statement.
    pub(super) fn second_time(
        &mut self,
        conflict: &OnConflict,
        value_of: impl Fn(u16) -> Option<Scalar>,
    ) -> Result<Option<(Scalar, Error)>> {
        if matches!(conflict.action, ConflictAction::Nothing) {
            return Ok(None);
        }
        let Some(keys) = conflict.arbiter.iter().map(|c| value_of(*c)).collect::<Option<Vec<_>>>() else {
            return Ok(None);
        };
        let known: Vec<Scalar> = keys.iter().map(|k| k.clone().is_not_null()).collect();
        let keys = keys.into_iter().map(|k| self.sort_key(k)).collect::<Result<Vec<_>>>()?;
        let over = ir::Over { partition_by: keys, order_by: vec![], frame: None };
        let clauses = super::aggregate::Clauses { distinct: false, order_by: vec![], filter: None, over: Some(over) };
        let count = clauses.call("count", vec![Scalar::text("*", Phys::Void)], Phys::Int8);
        let mut parts = vec![Scalar::template("({0} > 1)", vec![count], Phys::Bool)];
        parts.extend(known);
        let error = Error::new(
            SqlState::CARDINALITY_VIOLATION,
            "ON CONFLICT DO UPDATE command cannot affect row a second time",
        )
        .hint("Ensure that no rows proposed for insertion within the same command have duplicate constrained values.");
        Ok(Scalar::and(parts).map(|test| (test, error)))
    }
}

/// `key = excluded.key` of an arbiter column changes nothing, and DuckDB does not let indexed columns be set there.
fn keeps_key((index, value): &(u16, Expr), conflict: &OnConflict, insert: &Insert) -> bool {
    conflict.arbiter.contains(index)
        && matches!(&value.kind, ExprKind::Column { rel, column }
            if column == index && (Some(*rel) == insert.excluded || *rel == insert.target.id))
}
