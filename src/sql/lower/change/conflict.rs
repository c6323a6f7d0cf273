//! ON CONFLICT.
//!
//! `ON CONFLICT (a) DO UPDATE SET b = excluded.b WHERE t.c` → the same in DuckDB's terms, and over several rows a guard
//! that no key comes twice: PostgreSQL refuses that (21000), DuckDB would keep one of them.

use std::sync::Arc;

use crate::error::{Error, Result, SqlState};
use crate::registry::{self, ConstraintKind};
use crate::sql::lower::ir::{self, Alias, Scalar};
use crate::sql::lower::{Lowerer, Rel};
use crate::tree::{ConflictAction, ConflictRules, Expr, ExprKind, Insert, OnConflict, RelId, Relation};
use crate::types::Phys;

use super::check::Guard;

/// The rules of a conflict, and the relation that stands for the row that is there.
pub(crate) type Rules<'a> = Option<(RelId, &'a ConflictRules)>;

impl Lowerer<'_> {
    pub(crate) fn conflict(
        &mut self,
        conflict: &OnConflict,
        insert: &Insert,
        def: &Arc<registry::Relation>,
    ) -> Result<ir::Conflict> {
        self.depends.tables.insert(def.oid);
        if conflict.checked.is_some()
            || (conflict.arbiter.is_empty() && def.checked_keys(&*self.cx.snapshot).next().is_some())
        {
            return Err(Error::unsupported(
                "a load of rows ON CONFLICT with a unique key that the gateway checks itself (over expressions, over some rows, with NULLS NOT DISTINCT, over types that DuckDB compares otherwise)",
            )
            .hint("Name the columns of another unique key."));
        }
        let name_of = |index: &u16| {
            let column = insert.target.columns.get(usize::from(*index));
            let column = column.ok_or_else(|| Error::internal("lower: ON CONFLICT names no column"))?;
            crate::sql::lower::query::from::column_name(def, column)
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
        let touched: Vec<u16> = kept.iter().map(|(index, _)| *index).collect();
        if (def.is_partition() || def.is_partitioned()) && self.touches_key(def, &insert.target, Some(&touched)) {
            return Err(Error::unsupported("ON CONFLICT DO UPDATE of a column of a partition key, for several rows")
                .hint("Insert the rows by statements of their own."));
        }
        let rules = insert.rules.as_deref();
        let conflict_rules = rules.and_then(|r| r.conflict.as_ref().map(|c| (r.row, c)));
        let mut lowered = self.set_values(&insert.target, &kept, def, Some((&conflict.arbiter, conflict_rules)))?;
        if lowered.is_empty()
            && let Some((index, _)) = sets.first()
        {
            // Only the key was set to itself; some column must be written for the row to count.
            let name = name_of(index)?;
            let phys = self.phys(insert.target.columns[usize::from(*index)].ty)?;
            let kept = Scalar::column(Alias::Excluded, name.clone(), phys);
            let guarded = self.conflict_guards(conflict_rules, (def, &insert.target), &|_| None)?;
            let guarded = self.where_there_is_one(guarded, insert.target.id, &conflict.arbiter)?;
            let mut values = [kept];
            super::check::guard_first(&mut values, guarded, None);
            let [kept] = values;
            lowered.push((name, kept));
        }
        let mut filter = filter.as_ref().map(|f| self.expr(f)).transpose()?;
        if let Some((row, rules)) = conflict_rules
            && let Some(test) = filter.take()
        {
            filter = Some(self.of_visible_rows(test, row, rules, (def, &insert.target))?);
        }
        // DuckDB's binder refuses them.
        if lowered.iter().map(|(_, value)| value).chain(&filter).any(|value| value.weight().0 >= ir::SUBQUERY_WEIGHT) {
            return Err(Error::unsupported("a subquery in ON CONFLICT DO UPDATE")
                .hint("Compute the value in the INSERT's own query and use it as excluded.column."));
        }
        Ok(ir::Conflict { columns, sets: Some(lowered), filter })
    }

    /// WHERE of ON CONFLICT DO UPDATE where rules hide rows: it does not look at such a row, whose update then fails by its
    /// guard. (PostgreSQL looks first.)
    fn of_visible_rows(
        &mut self,
        test: Scalar,
        row: RelId,
        rules: &ConflictRules,
        of: (&registry::Relation, &Relation),
    ) -> Result<Scalar> {
        let existing = self.existing_row(of.1.id)?;
        let guards = self.rule_guards(&rules.existing, row, of, &existing)?;
        let whens = guards.into_iter().map(|(hidden, _)| (hidden, Scalar::bool(true))).collect();
        Ok(Scalar::new(ir::Node::Case { whens, otherwise: Some(Box::new(test)) }, Phys::Bool))
    }

    /// What a row that is there, and what it becomes, must meet by the rules. `value_of` gives the new values.
    pub(crate) fn conflict_guards(
        &mut self,
        rules: Rules<'_>,
        of: (&registry::Relation, &Relation),
        value_of: &dyn Fn(u16) -> Option<Scalar>,
    ) -> Result<Vec<Guard>> {
        let Some((row, rules)) = rules else { return Ok(Vec::new()) };
        let existing = self.existing_row(of.1.id)?;
        let mut guards = self.rule_guards(&rules.existing, row, of, &existing)?;
        let new = |index| value_of(index).or_else(|| existing(index));
        guards.extend(self.rule_guards(&rules.updated, rules.updated_row, of, &new)?);
        Ok(guards)
    }

    /// DuckDB computes SET's values for every row, also where no row is there that it conflicts with.
    pub(crate) fn where_there_is_one(&self, guards: Vec<Guard>, target: RelId, arbiter: &[u16]) -> Result<Vec<Guard>> {
        let existing = self.existing_row(target)?;
        let key = arbiter.iter().filter_map(|index| existing(*index)).map(Scalar::is_not_null);
        let Some(there) = Scalar::and(key.collect()) else { return Ok(guards) };
        let guards = guards.into_iter();
        Ok(guards
            .map(|(test, error)| (Scalar::new(ir::Node::And(vec![there.clone(), test]), Phys::Bool), error))
            .collect())
    }

    fn existing_row(&self, target: RelId) -> Result<impl Fn(u16) -> Option<Scalar> + use<>> {
        let rel = self.rels.get(&target).cloned();
        let rel = rel.ok_or_else(|| Error::internal("lower: the target of ON CONFLICT is not in scope"))?;
        Ok(super::rules::value_in(Some(&rel)))
    }

    /// The guards against keys with NULLs that come twice in one statement: nothing conflicts with them, but DuckDB would
    /// keep only one of the rows.
    pub(crate) fn null_keys(
        &mut self,
        conflict: &OnConflict,
        insert: &Insert,
        def: &registry::Relation,
        value_of: impl Fn(u16) -> Option<Scalar>,
    ) -> Result<Vec<Guard>> {
        let keys = if conflict.arbiter.is_empty() { keys_of(def) } else { vec![conflict.arbiter.clone()] };
        let mut guards = Vec::new();
        for key in keys {
            let nullable = key.iter().filter(|i| def.columns.get(usize::from(**i)).is_some_and(|c| !c.not_null));
            let nulls: Vec<Scalar> = nullable.filter_map(|i| value_of(*i)).map(Scalar::is_null).collect();
            let Some(values) = key.iter().map(|i| value_of(*i)).collect::<Option<Vec<_>>>() else { continue };
            if nulls.is_empty() || insert.columns.is_empty() {
                continue;
            }
            let values = values.into_iter().map(|value| self.sort_key(value)).collect::<Result<Vec<_>>>()?;
            let over = ir::Over { partition_by: values, order_by: vec![], frame: None };
            let clauses = crate::sql::lower::query::aggregate::Clauses {
                distinct: false,
                order_by: vec![],
                filter: None,
                over: Some(over),
            };
            let nth = clauses.call("row_number", vec![], Phys::Int8);
            let twice = Scalar::template("({0} > 1)", vec![nth], Phys::Bool);
            let test =
                Scalar::new(ir::Node::And(vec![twice, Scalar::new(ir::Node::Or(nulls), Phys::Bool)]), Phys::Bool);
            let error = Error::unsupported("ON CONFLICT for several rows with NULL in the same key")
                .hint("Insert those rows by a statement of their own, without ON CONFLICT.");
            guards.push((test, error));
        }
        Ok(guards)
    }

    /// The guards against rows of one statement that share a key, where DO NOTHING names none of several: DuckDB leaves out
    /// what shares a key with a row that is left out itself, and then is in nobody's way.
    pub(crate) fn shared_keys(
        &mut self,
        conflict: &OnConflict,
        def: &registry::Relation,
        value_of: impl Fn(u16) -> Option<Scalar>,
    ) -> Result<Vec<Guard>> {
        let mut keys = keys_of(def);
        keys.iter_mut().for_each(|key| key.sort_unstable());
        keys.sort();
        keys.dedup();
        let mut guards = Vec::new();
        if !conflict.arbiter.is_empty() || keys.len() < 2 {
            return Ok(guards);
        }
        for key in keys {
            let Some(values) = key.iter().map(|i| value_of(*i)).collect::<Option<Vec<_>>>() else { continue };
            let known: Vec<Scalar> = values.iter().map(|k| k.clone().is_not_null()).collect();
            let values = values.into_iter().map(|value| self.sort_key(value)).collect::<Result<Vec<_>>>()?;
            let over = ir::Over { partition_by: values, order_by: vec![], frame: None };
            let clauses = crate::sql::lower::query::aggregate::Clauses {
                distinct: false,
                order_by: vec![],
                filter: None,
                over: Some(over),
            };
            let nth = clauses.call("row_number", vec![], Phys::Int8);
            let mut parts = vec![Scalar::template("({0} > 1)", vec![nth], Phys::Bool)];
            parts.extend(known);
            let what =
                "ON CONFLICT DO NOTHING without a target, of rows that share a key, into a table with several keys";
            let error = Error::unsupported(what)
                .hint("Name the key's columns: ON CONFLICT (column), or insert those rows by statements of their own.");
            guards.extend(Scalar::and(parts).map(|test| (test, error)));
        }
        Ok(guards)
    }

    /// The guard against a key that comes twice in one statement.
    pub(crate) fn second_time(
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
        let clauses = crate::sql::lower::query::aggregate::Clauses {
            distinct: false,
            order_by: vec![],
            filter: None,
            over: Some(over),
        };
        // Not count(*): DuckDB joins a query with itself for that, and a feed can be read only once.
        let nth = clauses.call("row_number", vec![], Phys::Int8);
        let mut parts = vec![Scalar::template("({0} > 1)", vec![nth], Phys::Bool)];
        parts.extend(known);
        let error = Error::new(
            SqlState::CARDINALITY_VIOLATION,
            "ON CONFLICT DO UPDATE command cannot affect row a second time",
        )
        .hint("Ensure that no rows proposed for insertion within the same command have duplicate constrained values.");
        Ok(Scalar::and(parts).map(|test| (test, error)))
    }
}

/// The columns of each key of a table.
pub(crate) fn keys_of(def: &registry::Relation) -> Vec<Vec<u16>> {
    let place = |num: &i16| def.columns.iter().position(|c| c.num == *num).map(|at| at as u16);
    let constraints = def.constraints.iter().filter_map(|constraint| match &constraint.kind {
        ConstraintKind::PrimaryKey { columns } | ConstraintKind::Unique { columns, .. } => {
            columns.iter().map(place).collect::<Option<Vec<_>>>()
        }
        ConstraintKind::ForeignKey { .. } | ConstraintKind::Check { .. } | ConstraintKind::Exclusion { .. } => None,
    });
    let indexes = def.indexes.iter().filter(|index| index.unique);
    let indexes = indexes.filter_map(|index| index.keys.iter().map(|key| place(&key.column)).collect());
    constraints.chain(indexes).collect()
}

/// False for a bare DO NOTHING on a table without any key: DuckDB would not hear of it.
pub(crate) fn may_conflict(conflict: &OnConflict, def: &registry::Relation) -> bool {
    !conflict.arbiter.is_empty()
        || def.indexes.iter().any(|index| index.unique)
        || !keys_of(def).is_empty()
        || def.excludes()
}

/// `key = excluded.key` of an arbiter column changes nothing, and DuckDB does not let indexed columns be set there.
pub(crate) fn keeps_key((index, value): &(u16, Expr), conflict: &OnConflict, insert: &Insert) -> bool {
    conflict.arbiter.contains(index)
        && matches!(&value.kind, ExprKind::Column { rel, column }
            if column == index && (Some(*rel) == insert.excluded || *rel == insert.target.id))
}
