//! COPY FROM with ON_CONFLICT update: of rows with the same key the last one counts, wherever they stand in the data.
//!
//! The parts of a load are statements of their own, and a later one's rows replace an earlier one's. Within a part DuckDB
//! would not say which row it keeps, so the last is picked: `SELECT … FROM (SELECT *, row_number() OVER (PARTITION BY key
//! ORDER BY place DESC) …) WHERE … = 1 ORDER BY place`.

use crate::error::{Error, Result};
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::{self, Order, OrderKey, Scalar, Select};
use crate::sql::lower::query::aggregate::Clauses;
use crate::sql::lower::value::array::{derived, plain_query};
use crate::tree::{ConflictAction, Insert, InsertSource};
use crate::types::Phys;

impl Lowerer<'_> {
    /// The source of an insert, with the last row of each key only where that is what COPY means.
    pub(crate) fn last_of_each_key(&mut self, insert: &Insert, source: ir::Query) -> Result<ir::Query> {
        let (InsertSource::Feed { .. }, Some(conflict)) = (&insert.source, &insert.on_conflict) else {
            return Ok(source);
        };
        if matches!(conflict.action, ConflictAction::Nothing) {
            return Ok(source);
        }
        let columns = source.columns.clone();
        let (rows, places, ranks) = (self.make(), self.make(), self.make());
        let keys = conflict.arbiter.iter().map(|index| insert.columns.iter().position(|c| c == index));
        let keys: Vec<usize> =
            keys.collect::<Option<_>>().ok_or_else(|| Error::internal("lower: COPY writes no key"))?;
        let of = |alias, from: usize| -> Vec<Scalar> {
            let column = |(i, phys): (usize, &Phys)| Scalar::column(alias, ir::output_name(i), phys.clone());
            columns.iter().enumerate().map(column).take(from).collect()
        };
        let count = columns.len();
        let place = |alias| Scalar::column(alias, ir::output_name(count), Phys::Int8);
        let ranked = |partition_by, order_by| {
            let over = ir::Over { partition_by, order_by, frame: None };
            let clauses = Clauses { distinct: false, order_by: vec![], filter: None, over: Some(over) };
            clauses.call("row_number", vec![], Phys::Int8)
        };
        let with = |more: usize| -> Vec<Phys> {
            columns.iter().cloned().chain(std::iter::repeat_n(Phys::Int8, more)).collect()
        };

        let mut targets = of(rows, count);
        targets.push(ranked(vec![], vec![]));
        let numbered = Select { targets, from: vec![derived(source, rows)], ..Select::default() };
        let numbered = plain_query(numbered, with(1));

        let mut targets = of(places, count);
        targets.push(place(places));
        let key = |i: &usize| Scalar::column(places, ir::output_name(*i), columns[*i].clone());
        let partition = keys.iter().map(|i| self.sort_key(key(i))).collect::<Result<Vec<_>>>()?;
        let latest = Order { key: OrderKey::Scalar(place(places)), descending: true, nulls_first: false };
        targets.push(ranked(partition, vec![latest]));
        let from = vec![derived(numbered, places)];
        let ranking = plain_query(Select { targets, from, ..Select::default() }, with(2));

        let rank = Scalar::column(ranks, ir::output_name(count + 1), Phys::Int8);
        // A key with a NULL in it is nobody's.
        let nulls = keys.iter().map(|i| Scalar::column(ranks, ir::output_name(*i), columns[*i].clone()).is_null());
        let last = Scalar::template("({0} = 1)", vec![rank], Phys::Bool);
        let kept = Scalar::new(ir::Node::Or(std::iter::once(last).chain(nulls).collect()), Phys::Bool);
        let select = Select {
            targets: of(ranks, count),
            from: vec![derived(ranking, ranks)],
            filter: Some(kept),
            ..Select::default()
        };
        let order = Order { key: OrderKey::Scalar(place(ranks)), descending: false, nulls_first: false };
        Ok(ir::Query { order_by: vec![order], ..plain_query(select, columns) })
    }
}
