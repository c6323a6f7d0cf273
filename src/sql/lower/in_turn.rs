//! RETURNING of INSERT … ON CONFLICT of several rows, in the order of the statement: clients put the keys that come back to the
//! rows that they have sent, one by one. DuckDB joins such rows with the table, and gives and writes them in the join's order.
//!
//! `INSERT INTO t VALUES (3), (1) ON CONFLICT (a) DO NOTHING RETURNING a` → the rows are kept in `dg_step_1` with their numbers, the
//! numbers of those that go in in `dg_step_2`, and when they are written: `SELECT t1.a FROM t AS t1 JOIN dg_step_1 AS s1 ON t1.a = s1.c0
//! JOIN dg_step_2 AS s2 ON s2.c0 = s1.c1 ORDER BY s1.c1`.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::registry;
use crate::tree::{ConflictAction, Insert, InsertSource};
use crate::types::Phys;

use super::Lowerer;
use super::aggregate::Clauses;
use super::array::plain_query;
use super::conflict::{keeps_key, keys_of};
use super::from::{column_name, table_name};
use super::ir::{self, Alias, From, Node, Scalar, Select};
use super::steps::{Kept, Steps};

/// The key by which the rows that were written are found again. None where there is but one row, nothing is
/// returned, or they cannot be found so (then they come in any order).
pub(super) fn key_of(insert: &Insert, def: &registry::Relation) -> Option<Vec<u16>> {
    let conflict = insert.on_conflict.as_ref()?;
    let several = match &insert.source {
        InsertSource::Values(rows) => rows.len() > 1,
        InsertSource::Query { .. } => true,
        InsertSource::Feed { .. } => false,
    };
    if !several || insert.returning.exprs.is_empty() {
        return None;
    }
    let key = match keys_of(def).as_slice() {
        _ if !conflict.arbiter.is_empty() => conflict.arbiter.clone(),
        [only] => only.clone(),
        _ => return None,
    };
    let known = |index: &u16| {
        insert.columns.contains(index) && def.columns.get(usize::from(*index)).is_some_and(|column| column.not_null)
    };
    let same = match &conflict.action {
        ConflictAction::Nothing => true,
        ConflictAction::Update { sets, filter } => {
            filter.is_none() && sets.iter().all(|set| !key.contains(&set.0) || keeps_key(set, conflict, insert))
        }
    };
    (same && key.iter().all(known)).then_some(key)
}

impl Lowerer<'_> {
    /// Of DO NOTHING, keeps the numbers of the rows that will go in: those whose key is not there, and of equal ones the first.
    pub(super) fn newcomers(
        &mut self,
        steps: &mut Steps,
        insert: &Insert,
        def: &Arc<registry::Relation>,
        kept: &Kept,
        key: &[u16],
    ) -> Result<Option<Kept>> {
        let action = insert.on_conflict.as_ref().map(|conflict| &conflict.action);
        if !matches!(action, Some(ConflictAction::Nothing)) {
            return Ok(None);
        }
        let (rows, there) = (self.make(), self.make());
        let same = same_key(insert, def, kept, key, (there, rows))?;
        let table = From::Table { name: table_name(def), alias: there, sample: None };
        let found =
            Select { targets: vec![Scalar::int4(1)], from: vec![table], filter: Some(same), ..Select::default() };
        let found = Scalar::new(Node::Exists(Box::new(plain_query(found, vec![Phys::Int4]))), Phys::Bool);
        let number = number_in(kept, rows);
        let partition_by = key.iter().map(|index| value(insert, kept, *index, rows)).collect::<Result<_>>()?;
        let order_by =
            vec![ir::Order { key: ir::OrderKey::Scalar(number.clone()), descending: false, nulls_first: false }];
        let over = ir::Over { partition_by, order_by, frame: None };
        let clauses = Clauses { distinct: false, order_by: vec![], filter: None, over: Some(over) };
        let nth = clauses.call("row_number", vec![], Phys::Int8);
        let select = Select {
            targets: vec![number],
            from: vec![kept.relation(rows)],
            filter: Some(Scalar::template("(NOT {0})", vec![found], Phys::Bool)),
            qualify: Some(Scalar::template("({0} = 1)", vec![nth], Phys::Bool)),
            ..Select::default()
        };
        Ok(Some(self.keep(steps, plain_query(select, vec![Phys::Int8]))))
    }

    /// RETURNING's query, for when the rows are written.
    pub(super) fn returned_in_turn(
        &mut self,
        insert: &Insert,
        def: &Arc<registry::Relation>,
        (kept, newcomers): (&Kept, Option<&Kept>),
        key: &[u16],
    ) -> Result<ir::Query> {
        let (alias, rows) = (Alias::Rel(insert.target.id.0), self.make());
        self.enter_table(&insert.target, def, alias)?;
        // A query in it would see the rows that are written, PostgreSQL's sees those before.
        if insert.returning.exprs.iter().any(super::arms::has_query) {
            return Err(Error::unsupported("a subquery in RETURNING of INSERT … ON CONFLICT"));
        }
        let mut targets = Vec::with_capacity(insert.returning.exprs.len());
        for (e, field) in insert.returning.exprs.iter().zip(&insert.returning.columns) {
            let value = self.expr(e)?;
            targets.push(self.output_column(value, field.ty)?);
        }
        let number = number_in(kept, rows);
        let on = Some(same_key(insert, def, kept, key, (alias, rows))?);
        let table = From::Table { name: table_name(def), alias, sample: None };
        let mut from =
            From::Join { kind: "INNER JOIN", left: Box::new(table), right: Box::new(kept.relation(rows)), on };
        if let Some(newcomers) = newcomers {
            let new = self.make();
            let same = vec![number.clone(), Scalar::column(new, ir::output_name(0), Phys::Int8)];
            let on = Some(Scalar::template("({0} = {1})", same, Phys::Bool));
            let right = Box::new(newcomers.relation(new));
            from = From::Join { kind: "INNER JOIN", left: Box::new(from), right, on };
        }
        let columns = targets.iter().map(|t| t.phys.clone()).collect();
        let query = plain_query(Select { targets, from: vec![from], ..Select::default() }, columns);
        let order_by = vec![ir::Order { key: ir::OrderKey::Scalar(number), descending: false, nulls_first: false }];
        Ok(ir::Query { order_by, ..query })
    }
}

fn number_in(kept: &Kept, rows: Alias) -> Scalar {
    Scalar::column(rows, ir::output_name(kept.columns.len().saturating_sub(1)), Phys::Int8)
}

fn value(insert: &Insert, kept: &Kept, index: u16, rows: Alias) -> Result<Scalar> {
    let at = insert.columns.iter().position(|column| *column == index);
    let at = at.ok_or_else(|| Error::internal("lower: a key that is not written"))?;
    Ok(Scalar::column(rows, ir::output_name(at), kept.columns[at].clone()))
}

/// `table.key = kept.key`.
fn same_key(
    insert: &Insert,
    def: &registry::Relation,
    kept: &Kept,
    key: &[u16],
    (table, rows): (Alias, Alias),
) -> Result<Scalar> {
    let parts = key.iter().map(|index| {
        let kept = value(insert, kept, *index, rows)?;
        let column = &insert.target.columns[usize::from(*index)];
        let there = Scalar::column(table, column_name(def, column)?, kept.phys.clone());
        Ok(Scalar::template("({0} = {1})", vec![there, kept], Phys::Bool))
    });
    let parts = parts.collect::<Result<Vec<_>>>()?;
    Scalar::and(parts).ok_or_else(|| Error::internal("lower: a key without columns"))
}
