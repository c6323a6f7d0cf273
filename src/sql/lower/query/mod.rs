//! Queries: WITH, the body, ORDER BY, LIMIT. Recursive WITH has its columns' types fixed by their PostgreSQL types.

pub(crate) mod aggregate;
pub(crate) mod distinct;
pub(crate) mod from;
pub(crate) mod function;
pub(crate) mod group;
pub(crate) mod keys_below;
pub(crate) mod limit;
pub(crate) mod order;
pub(crate) mod ordered_set;
pub(crate) mod output;
pub(crate) mod partition;
pub(crate) mod postpone;
pub(crate) mod select;
pub(crate) mod set_op;
pub(crate) mod window;

use crate::error::{Error, Result};
use crate::sql::Command;
use crate::sql::lower::ir::walk::{has, is_window};
use crate::sql::lower::ir::{self, Order, Scalar, Select};
use crate::sql::lower::query::aggregate::Clauses;
use crate::sql::lower::query::set_op::query_of;
use crate::sql::lower::value::array::derived;
use crate::sql::lower::{Lowered, Lowerer};
use crate::tree::{self, Body, Cte, CteBody, Expr, ExprKind, Query};
use crate::types::{PgType, Phys, oid};

impl Lowerer<'_> {
    pub(crate) fn top_query(mut self, query: &Query) -> Result<Lowered> {
        let lowered = self.query(query)?;
        let phys = lowered.columns.clone();
        Ok(self.done(ir::Statement::Query(lowered), (query.columns.clone(), phys), Command::Select, None))
    }

    /// CREATE TABLE AS: the columns as the table's will be.
    pub(crate) fn table_query(mut self, query: &Query) -> Result<Lowered> {
        let lowered = self.query(query)?;
        let columns = query.columns.iter().map(|f| self.phys(f.ty)).collect::<Result<Vec<_>>>()?;
        let lowered = self.with_columns(lowered, &columns)?;
        Ok(self.done(ir::Statement::Query(lowered), (query.columns.clone(), columns), Command::Select, None))
    }

    pub(crate) fn query(&mut self, query: &Query) -> Result<ir::Query> {
        if let Some(lifted) = self.lifted(query)? {
            if !query.locking.is_empty() {
                // Its rows are no longer those of its tables.
                return Err(Error::unsupported("FOR UPDATE of a query that computes something once for each row")
                    .hint("Choose the rows first, and lock them by their keys."));
            }
            return self.query(&lifted);
        }
        let numbered = self.limit_is_refused(query)?;
        if !query.locking.is_empty() {
            self.rows_to_lock(query)?;
            self.chosen_tell(query);
        }
        let ctes = self.ctes(&query.ctes)?;
        let recursive = query.recursive && ctes.iter().any(|c| c.recursive);
        let (body, columns, order_by) = match &query.body {
            Body::Select(select) => {
                let (mut select, columns, order_by) = self.select(select, query)?;
                self.only_chosen(query, &mut select);
                (ir::Body::Select(Box::new(select)), columns, order_by)
            }
            Body::SetOp { op, all, left, right } => {
                let (body, columns) = self.set_op(*op, *all, left, right, &query.columns)?;
                self.ordered(body, columns, query)?
            }
            Body::Values(rows) => {
                let types: Vec<PgType> = query.columns.iter().map(|f| f.ty).collect();
                let (rows, columns) = self.values(rows, &types)?;
                self.ordered(ir::Body::Values(rows), columns, query)?
            }
        };
        let mut limit = self.row_count(query.limit.as_ref(), false)?;
        let mut offset = self.row_count(query.offset.as_ref(), true)?;
        if self.is_cut(query) {
            // The rows that were locked are those behind OFFSET already.
            offset = None;
        }
        let (mut body, mut order_by) = (body, order_by);
        // Sets in the target list make rows, which are counted then.
        let counted = |body| (body, returns_sets(query));
        if query.with_ties
            && let Some(rows) = limit.take()
        {
            (body, order_by) = with_ties(counted(body), order_by, &columns, (rows, offset.as_ref()), self.make())?;
        }
        if numbered && (limit.is_some() || offset.is_some()) {
            (body, order_by) =
                number_rows(counted(body), order_by, &columns, (limit.take(), offset.take()), self.make())?;
        }
        let lowered = ir::Query { ctes, recursive, body, order_by, limit, offset, columns };
        match &query.body {
            Body::Select(select) => self.postpone(select, query, lowered),
            Body::SetOp { .. } | Body::Values(_) => Ok(lowered),
        }
    }

    /// True if LIMIT or OFFSET is no constant and the query refers to others around it: DuckDB does not take both.
    fn limit_is_refused(&self, query: &Query) -> Result<bool> {
        let counts = [&query.limit, &query.offset];
        if self.rels.is_empty()
            || counts.into_iter().flatten().all(|e| crate::sql::lower::value::constant::const_int(e).is_some())
        {
            return Ok(false);
        }
        self.refers_outside(query)
    }

    /// Whether a query that is yet to be lowered refers to others around it.
    pub(crate) fn refers_outside(&self, query: &Query) -> Result<bool> {
        let mut outer = false;
        // What is known before the query is lowered is not the query's own.
        let mut visit = |e: &Expr, _: usize| {
            let of = match &e.kind {
                ExprKind::Column { rel, .. } | ExprKind::WholeRow(rel) => Some(rel),
                _ => None,
            };
            outer |= of.is_some_and(|rel| self.rels.contains_key(rel) || self.substitutes.contains_key(rel));
            Ok(!outer)
        };
        crate::sql::analyze::walk_query(query, 0, &mut visit)?;
        Ok(outer)
    }

    /// A set operation or VALUES with its order: over its output by name.
    fn ordered(
        &mut self,
        body: ir::Body,
        columns: Vec<Phys>,
        query: &Query,
    ) -> Result<(ir::Body, Vec<Phys>, Vec<Order>)> {
        if query.order_by.is_empty() && query.limit.is_none() && query.offset.is_none() {
            return Ok((body, columns, Vec::new()));
        }
        let alias = self.make();
        let targets: Vec<Scalar> = columns
            .iter()
            .enumerate()
            .map(|(i, phys)| Scalar::column(alias, ir::output_name(i), phys.clone()))
            .collect();
        let order_by = self.order_by(&query.order_by, (&[], &targets), query.output_rel)?;
        let from = vec![derived(query_of(body, columns.clone()), alias)];
        let select = Select { targets, from, ..Select::default() };
        Ok((ir::Body::Select(Box::new(select)), columns, order_by))
    }

    /// Rows of expressions, each column of one physical type.
    pub(crate) fn values(&mut self, rows: &[Vec<Expr>], types: &[PgType]) -> Result<(Vec<Vec<Scalar>>, Vec<Phys>)> {
        let mut lowered = rows
            .iter()
            .map(|row| {
                row.iter()
                    .map(|e| {
                        let value = self.expr(e)?;
                        Ok(self.settle(value))
                    })
                    .collect::<Result<Vec<_>>>()
            })
            .collect::<Result<Vec<_>>>()?;
        let mut columns = Vec::with_capacity(types.len());
        for (i, ty) in types.iter().enumerate() {
            let column: Vec<Scalar> = lowered.iter().map(|row| row[i].clone()).collect();
            let (column, mut phys) = self.meet(column, false)?;
            if phys == Phys::Void {
                phys = self.phys(*ty)?;
            }
            for (row, value) in lowered.iter_mut().zip(column) {
                row[i] = self.coerce(value, &phys)?;
            }
            columns.push(phys);
        }
        Ok((lowered, columns))
    }

    pub(crate) fn ctes(&mut self, ctes: &[Cte]) -> Result<Vec<ir::Cte>> {
        let mut out = Vec::with_capacity(ctes.len());
        for cte in ctes {
            let mut lowered = self.left_out(|this| this.cte(cte))?;
            if lowered.recursive {
                // DuckDB's recursive queries have no WITH of their own; their names are unique anyway.
                out.append(&mut lowered.query.ctes);
            }
            out.push(lowered);
        }
        Ok(out)
    }

    fn cte(&mut self, cte: &Cte) -> Result<ir::Cte> {
        self.keep_records(cte);
        let query = match &cte.query {
            CteBody::Query(query) => query,
            CteBody::Insert(_) | CteBody::Update(_) | CteBody::Delete(_) => {
                return Err(Error::unsupported("a data-modifying statement in WITH"));
            }
        };
        let after_filter =
            if cte.recursive { None } else { crate::sql::lower::steer::left_to_right::after_filter(query) };
        let query: &tree::Query = after_filter.as_ref().unwrap_or(query);
        // What is drawn is the same wherever it is read (contain_volatile_functions in SS_process_ctes).
        let materialized =
            if crate::sql::lower::value::routine::query_is_volatile(query) { Some(true) } else { cte.materialized };
        let query = if cte.recursive { self.recursive(cte, query)? } else { self.query(query)? };
        self.ctes.insert(cte.id, query.columns.clone());
        Ok(ir::Cte { id: cte.id.0, query, materialized, recursive: cte.recursive })
    }

    /// A recursive CTE as a query by itself: it cannot refer to itself but under its name in WITH.
    pub(crate) fn recursive_query(&mut self, cte: &Cte, query: &tree::Query) -> Result<ir::Query> {
        let inner = self.recursive(cte, query)?;
        let columns = inner.columns.clone();
        let alias = self.make();
        let targets = columns
            .iter()
            .enumerate()
            .map(|(i, phys)| Scalar::column(alias, ir::output_name(i), phys.clone()))
            .collect();
        let from = vec![ir::From::Table { name: ir::TableName::Cte(cte.id.0), alias, sample: None }];
        let ctes = vec![ir::Cte { id: cte.id.0, query: inner, materialized: None, recursive: true }];
        let select = Select { targets, from, ..Select::default() };
        Ok(ir::Query { ctes, recursive: true, ..crate::sql::lower::value::array::plain_query(select, columns) })
    }

    /// `x UNION [ALL] y` where y refers to the CTE itself.
    fn recursive(&mut self, cte: &Cte, query: &tree::Query) -> Result<ir::Query> {
        let Body::SetOp { op: tree::SetOp::Union, all, left, right } = &query.body else {
            return Err(Error::unsupported("this form of a recursive WITH query"));
        };
        if !query.order_by.is_empty() || query.limit.is_some() || query.offset.is_some() {
            return Err(Error::unsupported("ORDER BY or LIMIT in a recursive WITH query"));
        }
        let ctes = self.ctes(&query.ctes)?;
        let left = self.query(left)?;
        // A record's fields are those of the first rows.
        let columns = cte.columns.iter().zip(&left.columns).map(|(f, phys)| match f.ty.oid {
            oid::RECORD | oid::RECORD_ARRAY => Ok(phys.clone()),
            _ => self.phys(f.ty),
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        if !all && columns.iter().any(Phys::needs_key) {
            return Err(Error::unsupported("a recursive UNION of numeric without precision, of jsonb and kin"));
        }
        let left = self.with_columns(left, &columns)?;
        self.ctes.insert(cte.id, columns.clone());
        let right = self.query(right)?;
        let right = self.with_columns(right, &columns)?;
        let op = if *all { "UNION ALL" } else { "UNION" };
        let body = ir::Body::SetOp { op, left: Box::new(left), right: Box::new(right) };
        Ok(ir::Query { ctes, ..query_of(body, columns) })
    }
}

/// A window function over a query's order.
fn over_order(function: &'static str, select: &Select, orders: &[Order]) -> Scalar {
    let order_by = orders
        .iter()
        .map(|order| {
            let key = match &order.key {
                ir::OrderKey::Position(n) => ir::OrderKey::Scalar(select.targets[n - 1].clone()),
                ir::OrderKey::Scalar(_) => order.key.clone(),
            };
            Order { key, ..order.clone() }
        })
        .collect();
    let over = ir::Over { partition_by: vec![], order_by, frame: None };
    let clauses = Clauses { distinct: false, order_by: vec![], filter: None, over: Some(over) };
    clauses.call(function, vec![], Phys::Int8)
}

/// Has its target list a function that returns a set?
pub(crate) fn returns_sets(query: &Query) -> bool {
    let Body::Select(select) = &query.body else { return false };
    let mut found = false;
    for target in &select.targets {
        let _ = crate::sql::analyze::walk(target, 0, &mut |e, depth| {
            found |= depth == 0 && matches!(e.kind, ExprKind::SetReturning(_));
            Ok(!found)
        });
    }
    found
}

/// FETCH FIRST n ROWS WITH TIES: those that rank up to n (and what OFFSET skips).
fn with_ties(
    body: (ir::Body, bool),
    orders: Vec<Order>,
    columns: &[Phys],
    (rows, offset): (Scalar, Option<&Scalar>),
    alias: ir::Alias,
) -> Result<(ir::Body, Vec<Order>)> {
    let (mut select, orders) = countable(body, orders, columns, alias)?;
    let rank = over_order("rank", &select, &orders);
    let last = match offset {
        None => rows,
        Some(offset) => Scalar::template("({0} + {1})", vec![rows, offset.clone()], Phys::Int8),
    };
    select.qualify = Some(Scalar::template("({0} <= {1})", vec![rank, last], Phys::Bool));
    Ok((ir::Body::Select(Box::new(select)), orders))
}

/// A select over whose rows a window function by their order may stand: the query itself, or one around it where DISTINCT, sets
/// or the order's own window functions come before.
fn countable(
    (body, sets): (ir::Body, bool),
    orders: Vec<Order>,
    columns: &[Phys],
    alias: ir::Alias,
) -> Result<(Select, Vec<Order>)> {
    let ir::Body::Select(mut select) = body else { return Err(Error::internal("lower: a count of what is no select")) };
    let windows = orders.iter().any(|order| match &order.key {
        ir::OrderKey::Position(n) => select.targets.get(n - 1).is_some_and(|target| has(target, &is_window)),
        ir::OrderKey::Scalar(key) => has(key, &is_window),
    });
    let distinct = select.distinct;
    if !sets && !distinct && select.distinct_on.is_empty() && select.qualify.is_none() && !windows {
        return Ok((*select, orders));
    }
    let mut inner = columns.to_vec();
    // DISTINCT ON takes the first of each by the order.
    let inside = if select.distinct_on.is_empty() { Vec::new() } else { orders.clone() };
    let by_column = |order: Order| match order.key {
        ir::OrderKey::Position(_) => Ok(order),
        ir::OrderKey::Scalar(_) if distinct => Err(Error::unsupported(
            "LIMIT that is no constant in a correlated subquery, or WITH TIES, with DISTINCT and this ORDER BY",
        )),
        ir::OrderKey::Scalar(key) => {
            let column = Scalar::column(alias, ir::output_name(inner.len()), key.phys.clone());
            inner.push(key.phys.clone());
            select.targets.push(key);
            Ok(Order { key: ir::OrderKey::Scalar(column), ..order })
        }
    };
    let orders = orders.into_iter().map(by_column).collect::<Result<Vec<_>>>()?;
    let targets = columns.iter().enumerate();
    let targets = targets.map(|(i, phys)| Scalar::column(alias, ir::output_name(i), phys.clone())).collect();
    let inner = ir::Query { order_by: inside, ..query_of(ir::Body::Select(select), inner) };
    let from = vec![derived(inner, alias)];
    Ok((Select { targets, from, ..Select::default() }, orders))
}

/// LIMIT and OFFSET as a condition on the number that a row has in the query's order.
fn number_rows(
    body: (ir::Body, bool),
    orders: Vec<Order>,
    columns: &[Phys],
    (limit, offset): (Option<Scalar>, Option<Scalar>),
    alias: ir::Alias,
) -> Result<(ir::Body, Vec<Order>)> {
    let (mut select, orders) = countable(body, orders, columns, alias)?;
    let number = over_order("row_number", &select, &orders);
    let zero = || Scalar::number(0, Phys::Int8);
    let skipped = offset.map_or_else(zero, |o| Scalar::template("coalesce({0}, 0)", vec![o], Phys::Int8));
    let (text, args) = match limit {
        None => ("({0} > {1})", vec![number, skipped]),
        Some(limit) => ("({0} > {1} AND coalesce({0} - {1} <= {2}, TRUE))", vec![number, skipped, limit]),
    };
    select.qualify = Some(Scalar::template(text, args, Phys::Bool));
    Ok((ir::Body::Select(Box::new(select)), orders))
}
