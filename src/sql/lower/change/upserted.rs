//! What the only row of an INSERT … ON CONFLICT adds, so that nobody else adds it at the same time, and the row that its DO UPDATE
//! changes: they are locked before.
//!
//! `INSERT INTO t VALUES (1, 2) ON CONFLICT (a) DO UPDATE …` names it by itself where `a` is the primary key; otherwise it is found:
//! `SELECT t1.rowid, t1.id FROM t AS t1 WHERE t1.a = 1`.

use std::sync::Arc;

use crate::registry::{self, ConstraintKind};
use crate::sql::lower::ir::{self, Scalar};
use crate::sql::lower::lock::row_locks::{Changed, RowLocks, in_unique_key, key_columns, plain, value};
use crate::sql::lower::value::array::plain_query;
use crate::sql::lower::{Decimals, Lowerer, Means, Rel};
use crate::sql::{Context, LockedRows, RowKey};
use crate::tree::{ConflictAction, Expr, ExprKind, FromItem, Insert, InsertSource, LockStrength, LockWait, Source};
use crate::types::{Phys, Value};

pub(crate) fn upserted(insert: &Insert, cx: &Context, decimals: Decimals) -> Option<Changed> {
    let (Source::Table { def, .. }, InsertSource::Values(rows)) = (&insert.target.source, &insert.source) else {
        return None;
    };
    let (conflict, [row]) = (insert.on_conflict.as_ref()?, rows.as_slice()) else { return None };
    let ConflictAction::Update { sets, .. } = &conflict.action else { return None };
    if def.temporary || insert.rules.is_some() || conflict.checked.is_some() || conflict.arbiter.is_empty() {
        return None;
    }
    let number = |at: &u16| insert.target.columns.get(usize::from(*at)).map(|column| column.attnum);
    let strength = match sets.iter().filter_map(|(at, _)| number(at)).any(|num| in_unique_key(def, num)) {
        true => LockStrength::Update,
        false => LockStrength::NoKeyUpdate,
    };
    let written = |at: &u16| row.get(insert.columns.iter().position(|written| written == at)?);
    let columns = key_columns(def);
    let at_of = |num: &i16| conflict.arbiter.iter().find(|at| number(at) == Some(*num));
    let key = columns.iter().map(|num| value(plain(written(at_of(num)?)?))).collect::<Option<Vec<_>>>();
    match key {
        Some(key) if !key.is_empty() && key.len() == conflict.arbiter.len() && !def.is_partitioned() => {
            Some(Changed::Keyed { table: Arc::clone(def), mode: strength.mode(), key, alone: false })
        }
        Some(_) | None => {
            let values = conflict.arbiter.iter().map(|at| Some((*at, written(at)?))).collect::<Option<Vec<_>>>()?;
            let found = found(insert, def, &values, strength, (cx, decimals))?;
            Some(Changed::Found(Box::new(found)))
        }
    }
}

/// The key that the only row of an INSERT … ON CONFLICT has: the numbers of its columns, then their values. Without an arbiter it is the
/// first key whose values are given.
pub(crate) fn added(insert: &Insert) -> Option<Vec<RowKey>> {
    let (Source::Table { def, .. }, InsertSource::Values(rows)) = (&insert.target.source, &insert.source) else {
        return None;
    };
    let (conflict, [row]) = (insert.on_conflict.as_ref()?, rows.as_slice()) else { return None };
    let number = |at: &u16| insert.target.columns.get(usize::from(*at)).map(|column| column.attnum);
    let value_of = |num: &i16| {
        let at = insert.columns.iter().position(|at| number(at) == Some(*num))?;
        let mut expr = row.get(at)?;
        // What `varchar(n)` cuts off or refuses does not matter: it is only whom to wait for.
        while let ExprKind::Cast { arg, .. } = &expr.kind {
            expr = arg;
        }
        value(expr)
    };
    let key = |columns: &[i16]| {
        let marks = columns.iter().map(|num| Some(RowKey::Const(Value::Int2(*num))));
        // No primary key looks like this, so that it is no lock of a row that is there.
        let marks = [Some(RowKey::Const(Value::text("new")))].into_iter().chain(marks);
        marks.chain(columns.iter().map(value_of)).collect::<Option<Vec<_>>>()
    };
    if def.temporary || conflict.checked.is_some() {
        return None;
    }
    if !conflict.arbiter.is_empty() {
        let mut columns = conflict.arbiter.iter().map(number).collect::<Option<Vec<_>>>()?;
        columns.sort_unstable();
        return key(&columns);
    }
    let keys = def.constraints.iter().filter_map(|constraint| match &constraint.kind {
        ConstraintKind::PrimaryKey { columns } | ConstraintKind::Unique { columns, .. } => Some(columns.clone()),
        ConstraintKind::ForeignKey { .. } | ConstraintKind::Check { .. } | ConstraintKind::Exclusion { .. } => None,
    });
    let indexes = def.indexes.iter().filter(|index| index.unique && !index.of_constraint && index.predicate.is_none());
    let indexes = indexes.map(|index| index.keys.iter().map(|key| key.column).collect::<Vec<i16>>());
    keys.chain(indexes).find_map(|mut columns| {
        columns.sort_unstable();
        key(&columns)
    })
}

/// The rows with these values in the arbiter's columns: one, or none.
fn found(
    insert: &Insert,
    def: &Arc<registry::Relation>,
    values: &[(u16, &Expr)],
    strength: LockStrength,
    (cx, decimals): (&Context, Decimals),
) -> Option<RowLocks> {
    let mut lowerer = Lowerer { finds: true, ..Lowerer::new(cx, decimals) };
    if !lowerer.is_whole(&insert.target, def) || !values.iter().all(|(_, e)| is_given(e)) {
        return None;
    }
    let mut from = lowerer.from_items(&[FromItem::Relation(Box::new(insert.target.clone()))]).ok()?;
    let mut parts = Vec::new();
    for (at, e) in values {
        let given = lowerer.expr(e).ok()?;
        let Rel { alias, columns } = lowerer.rels.get(&insert.target.id)?;
        let (Means::Column(name), phys) = columns.get(usize::from(*at))? else { return None };
        let column = Scalar::column(*alias, name.clone(), phys.clone());
        let given = lowerer.coerce(given, phys).ok()?;
        parts.push(Scalar::template("({0} = {1})", vec![column, given], Phys::Bool));
    }
    let (row, key) = lowerer.number_and_key(&insert.target, def).ok()?;
    let types = key.iter().map(|column| column.phys.clone()).collect();
    let targets: Vec<Scalar> = std::iter::once(row).chain(key).collect();
    lowerer.add_presence(&mut from);
    let columns = targets.iter().map(|t| t.phys.clone()).collect();
    let select = ir::Select { targets, from, filter: Scalar::and(parts), ..ir::Select::default() };
    let of = LockedRows { table: Arc::clone(def), mode: strength.mode(), wait: LockWait::Block, key: types };
    Some(RowLocks {
        find: Some(ir::Statement::Query(plain_query(select, columns))),
        params: std::mem::take(&mut lowerer.params),
        of: vec![of],
        whole: Vec::new(),
        list: None,
        limit: None,
        offset: None,
        settled: true,
        alone: false,
    })
}

/// A constant or a parameter, in whatever type.
fn is_given(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Cast { arg, .. } => is_given(arg),
        ExprKind::Const(_) | ExprKind::Param(_) => true,
        _ => false,
    }
}
