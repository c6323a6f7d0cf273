//! UNION, INTERSECT, EXCEPT: both sides in one physical type a column.

use crate::error::{Error, Result};
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::{self, Body, OrderKey, Scalar, Select};
use crate::sql::lower::value::array::{derived, plain_query};
use crate::tree::{Field, Query, SetOp};
use crate::types::Phys;

impl Lowerer<'_> {
    pub(crate) fn set_op(
        &mut self,
        op: SetOp,
        all: bool,
        left: &Query,
        right: &Query,
        fields: &[Field],
    ) -> Result<(Body, Vec<Phys>)> {
        let left = self.query(left)?;
        let right = self.query(right)?;
        let mut columns = Vec::with_capacity(fields.len());
        for (l, r) in left.columns.iter().zip(&right.columns) {
            let samples = vec![
                Scalar::new(ir::Node::Text("NULL".into()), l.clone()),
                Scalar::new(ir::Node::Text("NULL".into()), r.clone()),
            ];
            columns.push(self.meet(samples, false)?.1);
        }
        let left = self.with_columns(left, &columns)?;
        let right = self.with_columns(right, &columns)?;
        self.combine(op, all, left, right, columns)
    }

    pub(crate) fn combine(
        &mut self,
        op: SetOp,
        all: bool,
        left: ir::Query,
        right: ir::Query,
        columns: Vec<Phys>,
    ) -> Result<(Body, Vec<Phys>)> {
        let keyed = columns.iter().any(Phys::needs_key_to_equal);
        if keyed && !all && op != SetOp::Union {
            return self.by_keys(op, left, right, columns);
        }
        let word = match (op, all) {
            (SetOp::Union, true) => "UNION ALL",
            (SetOp::Union, false) if keyed => "UNION ALL",
            (SetOp::Union, false) => "UNION",
            (_, _) if keyed => {
                return Err(Error::unsupported(
                    "INTERSECT ALL or EXCEPT ALL of numeric without precision, of jsonb and kin",
                )
                .hint("Cast the column to numeric with precision and scale."));
            }
            (SetOp::Intersect, true) => "INTERSECT ALL",
            (SetOp::Intersect, false) => "INTERSECT",
            (SetOp::Except, true) => "EXCEPT ALL",
            (SetOp::Except, false) => "EXCEPT",
        };
        let body = Body::SetOp { op: word, left: Box::new(left), right: Box::new(right) };
        if !(keyed && op == SetOp::Union && !all) {
            return Ok((body, columns));
        }
        let alias = self.make();
        let targets: Vec<Scalar> = columns
            .iter()
            .enumerate()
            .map(|(i, phys)| Scalar::column(alias, ir::output_name(i), phys.clone()))
            .collect();
        let distinct_on =
            targets.iter().map(|t| self.sort_key(t.clone()).map(OrderKey::Scalar)).collect::<Result<_>>()?;
        let inner = query_of(body, columns.clone());
        let select = Select { targets, distinct_on, from: vec![derived(inner, alias)], ..Select::default() };
        Ok((Body::Select(Box::new(select)), columns))
    }

    /// INTERSECT and EXCEPT whose columns are compared by keys: the left rows that have, or have not, one on the right.
    fn by_keys(
        &mut self,
        op: SetOp,
        left: ir::Query,
        right: ir::Query,
        columns: Vec<Phys>,
    ) -> Result<(Body, Vec<Phys>)> {
        let (l, r) = (self.make(), self.make());
        let mut equal = Vec::with_capacity(columns.len());
        let mut targets = Vec::with_capacity(columns.len());
        let mut distinct_on = Vec::with_capacity(columns.len());
        for (i, phys) in columns.iter().enumerate() {
            let value = Scalar::column(l, ir::output_name(i), phys.clone());
            let key = self.sort_key(value.clone())?;
            let other = self.sort_key(Scalar::column(r, ir::output_name(i), phys.clone()))?;
            equal.push(Scalar::template("({0} IS NOT DISTINCT FROM {1})", vec![key.clone(), other], Phys::Bool));
            distinct_on.push(OrderKey::Scalar(key));
            targets.push(value);
        }
        let found = Select {
            targets: vec![Scalar::int4(1)],
            from: vec![derived(right, r)],
            filter: Scalar::and(equal),
            ..Select::default()
        };
        let found = Scalar::new(ir::Node::Exists(Box::new(plain_query(found, vec![Phys::Int4]))), Phys::Bool);
        let filter = match op {
            SetOp::Except => Scalar::template("(NOT {0})", vec![found], Phys::Bool),
            SetOp::Intersect | SetOp::Union => found,
        };
        let select =
            Select { targets, distinct_on, from: vec![derived(left, l)], filter: Some(filter), ..Select::default() };
        Ok((Body::Select(Box::new(select)), columns))
    }

    /// A query whose columns carry these types.
    pub(crate) fn with_columns(&mut self, query: ir::Query, columns: &[Phys]) -> Result<ir::Query> {
        if query.columns == columns {
            return Ok(query);
        }
        let alias = self.make();
        let targets = query
            .columns
            .iter()
            .zip(columns)
            .enumerate()
            .map(|(i, (from, to))| self.coerce(Scalar::column(alias, ir::output_name(i), from.clone()), to))
            .collect::<Result<Vec<_>>>()?;
        let select = Select { targets, from: vec![derived(query, alias)], ..Select::default() };
        Ok(plain_query(select, columns.to_vec()))
    }
}

pub(crate) fn query_of(body: Body, columns: Vec<Phys>) -> ir::Query {
    ir::Query { ctes: vec![], recursive: false, body, order_by: vec![], limit: None, offset: None, columns }
}
