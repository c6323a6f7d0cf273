//! `x op ANY/ALL` of an array and of a subquery, with PostgreSQL's NULL logic.
//!
//! `x IN (1, 2)` → `(x IN (1, 2))`, `x = ANY(a)` → `CASE WHEN list_contains(a, x) THEN TRUE WHEN … NULL … END`,
//! `(a, b) IN (SELECT …)` → `((a, b) IN (SELECT …))`

use crate::error::{Error, Result};
use crate::facts::Proc;
use crate::sql::analyze::{same, walk};
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::{self, Node, Scalar, Select, Variable, template};
use crate::sql::lower::query::aggregate::{Clauses, jsonb_key};
use crate::sql::signatures;
use crate::tree::{Body, CastHow, Expr, ExprKind, Field, Quantifier, Query, RelId};
use crate::types::{PgType, Phys, oid};

use super::array::{derived, plain_query};

/// `{1} = ANY({0})` and `{1} <> ALL({0})` without a lambda, which DuckDB cannot bind in some correlated subqueries.
pub(crate) const EQUALS_ANY: &str = "CASE WHEN {0} IS NULL THEN NULL WHEN len({0}) = 0 THEN FALSE WHEN {1} IS NULL THEN NULL \
     WHEN list_contains({0}, {1}) THEN TRUE WHEN list_count({0}) < len({0}) THEN NULL ELSE FALSE END";
pub(crate) const DIFFERS_FROM_ALL: &str = "CASE WHEN {0} IS NULL THEN NULL WHEN len({0}) = 0 THEN TRUE WHEN {1} IS NULL THEN NULL \
     WHEN list_contains({0}, {1}) THEN FALSE WHEN list_count({0}) < len({0}) THEN NULL ELSE TRUE END";

fn contains(op: &Proc, all: bool) -> Option<&'static str> {
    match (super::compare::comparison(op)?, all) {
        ("=", false) => Some(EQUALS_ANY),
        ("<>", true) => Some(DIFFERS_FROM_ALL),
        _ => None,
    }
}

/// From so many rows on a list of them is a query.
const MANY_ROWS: usize = 32;

/// Relation ids from here on stand for the output of such lists.
const LISTED: u32 = (1 << 29) + (1 << 27);

/// A constant or a parameter, cast or not.
fn is_given(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Const(_) | ExprKind::Param(_) => true,
        ExprKind::Cast { arg, .. } => is_given(arg),
        _ => false,
    }
}

/// Has it a window of its own query?
fn has_window(e: &Expr) -> bool {
    let mut found = false;
    let _ = walk(e, 0, &mut |e, depth| {
        found |= depth == 0 && matches!(e.kind, ExprKind::Window(_));
        Ok(!found && depth == 0)
    });
    found
}

/// Types whose values are equal exactly where DuckDB's lists find them equal.
fn is_plain(phys: &Phys) -> bool {
    matches!(phys, Phys::Coded(ty) if !crate::types::coded::needs_key(*ty))
        || matches!(
            phys,
            Phys::Bool
                | Phys::Int2
                | Phys::Int4
                | Phys::Int8
                | Phys::Oid
                | Phys::Text
                | Phys::Char(_)
                | Phys::Bytea
                | Phys::Uuid
                | Phys::Date
                | Phys::Time
                | Phys::Timestamp
                | Phys::TimestampTz
                | Phys::Enum(_)
        )
}

/// Integers of two sizes in the larger: drivers send lists of small numbers as smallint[].
fn as_one_integer(left: Scalar, list: Scalar, element: Box<Phys>) -> (Scalar, Scalar, Box<Phys>) {
    let size = |phys: &Phys| [Phys::Int2, Phys::Int4, Phys::Int8].iter().position(|known| known == phys);
    match (size(&left.phys), size(&element)) {
        (Some(of_left), Some(of_items)) if of_left < of_items => (left.cast((*element).clone()), list, element),
        (Some(of_left), Some(of_items)) if of_left > of_items => {
            let element = Box::new(left.phys.clone());
            (left, list.cast(Phys::List(element.clone())), element)
        }
        _ => (left, list, element),
    }
}

impl Lowerer<'_> {
    pub(crate) fn any_all_array(&mut self, op: &'static Proc, all: bool, left: &Expr, array: &Expr) -> Result<Scalar> {
        let left_value = self.expr(left)?;
        if let ExprKind::Array { items, nested: false } = &array.kind {
            return self.in_list(op, all, left_value, items);
        }
        let list = super::shaped::items_of(self.expr(array)?);
        let Phys::List(element) = list.phys.clone() else {
            if list.is_null_literal() {
                return Ok(Scalar::null(Phys::Bool));
            }
            return Err(Error::unsupported("ANY or ALL of this type"));
        };
        let (left_value, list, element) = as_one_integer(left_value, list, element);
        if let Some(text) = contains(op, all)
            && signatures::entry(op).is_some()
            && left_value.phys == *element
            && is_plain(&element)
        {
            return self.bind_once(left_value, |this, left| {
                this.bind_once(list, |_, list| Ok(Scalar::template(text, vec![list, left], Phys::Bool)))
            });
        }
        self.bind_once(left_value, |this, left| {
            let variable = this.variable();
            let item = Scalar::new(Node::Variable(variable), *element);
            let test = this.compare(op, left, item)?;
            this.fold_list(list, variable, test, all)
        })
    }

    /// Folds `test` over the items: TRUE (FALSE for ALL) if any is, else NULL if any is NULL, else the other.
    fn fold_list(&mut self, list: Scalar, variable: Variable, test: Scalar, all: bool) -> Result<Scalar> {
        let tests = Scalar::template(
            template!["list_transform({0}, lambda ", variable, ": {1})"],
            vec![list, test],
            Phys::List(Box::new(Phys::Bool)),
        );
        self.bind_once(tests, |_, tests| {
            let text = if all {
                "CASE WHEN {0} IS NULL THEN NULL WHEN list_contains({0}, FALSE) THEN FALSE \
                 WHEN len(list_filter({0}, lambda b: b IS NULL)) > 0 THEN NULL ELSE TRUE END"
            } else {
                "CASE WHEN {0} IS NULL THEN NULL WHEN list_contains({0}, TRUE) THEN TRUE \
                 WHEN len(list_filter({0}, lambda b: b IS NULL)) > 0 THEN NULL ELSE FALSE END"
            };
            Ok(Scalar::template(text, vec![tests], Phys::Bool))
        })
    }

    /// `IN (…)` and `op ANY (ARRAY[…])` with the items written out.
    fn in_list(&mut self, op: &'static Proc, all: bool, left: Scalar, items: &[Expr]) -> Result<Scalar> {
        let word = super::compare::comparison(op);
        let mut items = self.exprs(items)?;
        let plain = match (word, all) {
            (Some("="), false) => Some("IN"),
            (Some("<>"), true) => Some("NOT IN"),
            _ => None,
        };
        if items.is_empty() {
            return Ok(Scalar::bool(all));
        }
        if let Some(word) = plain
            && op.args.first() == op.args.get(1)
        {
            items.insert(0, super::compare::kept_whole(left));
            if op.args.first() == Some(&oid::BPCHAR) {
                let keys = items.into_iter().map(super::blanks::trimmed).collect();
                return Ok(Scalar::template(template!["({0} ", word, " ({1*}))"], keys, Phys::Bool));
            }
            let (values, phys) = self.meet(items, true)?;
            let values = if op.args.first() == Some(&oid::JSONB) {
                values.into_iter().map(jsonb_key).collect()
            } else if phys.needs_key() {
                values
                    .into_iter()
                    .map(|v| {
                        let v = self.coerce(v, &phys)?;
                        self.sort_key(v)
                    })
                    .collect::<Result<Vec<_>>>()?
            } else {
                values.into_iter().map(|v| Scalar { dscale: None, ..v }).collect()
            };
            return Ok(Scalar::template(template!["({0} ", word, " ({1*}))"], values, Phys::Bool));
        }
        self.bind_once(left, |this, left| {
            let tests =
                items.into_iter().map(|item| this.compare(op, left.clone(), item)).collect::<Result<Vec<_>>>()?;
            Ok(Scalar::new(if all { Node::And(tests) } else { Node::Or(tests) }, Phys::Bool))
        })
    }

    pub(crate) fn any_all_subquery(
        &mut self,
        of: Quantifier,
        op_name: &str,
        ops: &[&'static Proc],
        left: &[Expr],
        casts: &[Option<CastHow>],
        query: &Query,
    ) -> Result<Scalar> {
        let all = match of {
            Quantifier::Any => false,
            Quantifier::All => true,
            Quantifier::One => return self.one_row(op_name, ops, left, casts, query),
        };
        if let Some(value) = self.any_all_rows((all, op_name, ops), left, casts, query)? {
            return Ok(value);
        }
        let correlated = left.len() > 1 && self.refers_outside(query)?;
        let windowed = left.len() > 1 && left.iter().any(has_window);
        let tie = if let [sought] = left { self.tie(sought, query)? } else { None };
        let left = self.exprs(left)?;
        let known = ops.iter().all(|op| super::compare::comparison(op).is_some());
        if !known {
            return Err(Error::unsupported(format!("operator {op_name} with ANY or ALL of a subquery")));
        }
        let inner = self.inner_query(query)?;
        let (inner, rights) = self.cast_output(inner, query, ops, casts)?;
        if left.len() != rights.len() {
            return Err(Error::internal("lower: ANY of a subquery with other columns"));
        }
        if windowed {
            return self.rows_of_list((all, op_name, ops), left, (inner, rights));
        }
        let whole = matches!((op_name, all), ("=", false) | ("<>", true));
        if left.len() > 1 && !whole && !left.iter().any(super::expr::is_dear) {
            return self.rows_of_query((all, op_name, ops), left, (inner, rights));
        }
        let ordered = !matches!(super::compare::comparison_word(op_name)?, "=" | "<>");
        // Both sides in one comparable form.
        let alias = self.make();
        let mut lefts = Vec::with_capacity(left.len());
        let mut targets = Vec::with_capacity(left.len());
        let mut changed = false;
        for (i, (l, phys)) in left.into_iter().zip(rights).enumerate() {
            let column = Scalar::column(alias, ir::output_name(i), phys.clone());
            let (l, r) = match ops.get(i).and_then(|op| op.args.first()) {
                Some(&oid::JSONB) => (jsonb_key(l), jsonb_key(column)),
                _ => {
                    let (l, r) = self.keys_of(l, column)?;
                    if ordered { (flat_key(l), flat_key(r)) } else { (l, r) }
                }
            };
            changed |= !matches!(r.node, Node::Column(..));
            lefts.push(l);
            targets.push(r);
        }
        let inner = if changed {
            let columns = targets.iter().map(|t| t.phys.clone()).collect();
            let select = Select { targets, from: vec![derived(inner, alias)], ..Select::default() };
            plain_query(select, columns)
        } else {
            inner
        };
        let op = match (super::compare::comparison_word(op_name)?, all) {
            ("=", false) => "IN".into(),
            ("<>", true) => "NOT IN".into(),
            (op, true) => template![op, " ALL"],
            (op, false) => template![op, " ANY"],
        };
        if lefts.len() > 1 && !matches!(&*op, "IN" | "NOT IN") {
            return Err(Error::unsupported(format!("{op_name} with ANY or ALL of a subquery of several columns")));
        }
        if lefts.len() > 1 {
            return Ok(self.rows_in(lefts, inner, correlated, all));
        }
        let left = Box::new(lefts.remove(0));
        let inner = match tie {
            Some(to) => self.tied(inner, to),
            None => inner,
        };
        Ok(Scalar::new(Node::Quantified { left, op, query: Box::new(inner) }, Phys::Bool))
    }

    /// `(a, b) < ANY (SELECT …)`: each row is compared, and what has come of it counted.
    fn rows_of_query(
        &mut self,
        (all, op_name, ops): (bool, &str, &[&'static Proc]),
        left: Vec<Scalar>,
        (inner, types): (ir::Query, Vec<Phys>),
    ) -> Result<Scalar> {
        let alias = self.make();
        let columns = types.into_iter().enumerate();
        let columns = columns.map(|(i, phys)| Scalar::column(alias, ir::output_name(i), phys)).collect();
        let test = self.row_compare_values(op_name, ops, left, columns)?;
        let clauses = Clauses { distinct: false, order_by: Vec::new(), filter: None, over: None };
        let some = |test: Scalar| clauses.call("bool_or", vec![test], Phys::Bool);
        let decides = if all { Scalar::template("(NOT {0})", vec![test.clone()], Phys::Bool) } else { test.clone() };
        let text = match all {
            false => "CASE WHEN {0} THEN TRUE WHEN {1} THEN NULL ELSE FALSE END",
            true => "CASE WHEN {0} THEN FALSE WHEN {1} THEN NULL ELSE TRUE END",
        };
        let target = Scalar::template(text, vec![some(decides), some(test.is_null())], Phys::Bool);
        let select = Select { targets: vec![target], from: vec![derived(inner, alias)], ..Select::default() };
        let query = plain_query(select, vec![Phys::Bool]);
        Ok(Scalar::new(Node::Subquery(Box::new(query)), Phys::Bool))
    }

    /// The same where the left side has windows, which cannot stand in the query: its rows come as a list beside them.
    fn rows_of_list(
        &mut self,
        (all, op_name, ops): (bool, &str, &[&'static Proc]),
        left: Vec<Scalar>,
        (inner, types): (ir::Query, Vec<Phys>),
    ) -> Result<Scalar> {
        let alias = self.make();
        let columns = types.into_iter().enumerate();
        let row = self.row_of(columns.map(|(i, phys)| Scalar::column(alias, ir::output_name(i), phys)).collect())?;
        let (element, list) = (row.phys.clone(), Phys::List(Box::new(row.phys.clone())));
        let clauses = Clauses { distinct: false, order_by: Vec::new(), filter: None, over: None };
        let rows = clauses.call("list", vec![row], list.clone());
        let rows = Scalar::template("coalesce({0}, [])", vec![rows], list.clone());
        let select = Select { targets: vec![rows], from: vec![derived(inner, alias)], ..Select::default() };
        let query = plain_query(select, vec![list.clone()]);
        let left = self.row_of(left)?;
        let both = self.row_of(vec![left, Scalar::new(Node::Subquery(Box::new(query)), list)])?;
        self.bind_once(both, |this, both| {
            let sides = super::row::fields(&both)?;
            let [left, rows] = sides.as_slice() else { return Err(Error::internal("lower: a row beside a list")) };
            let variable = this.variable();
            let right = super::row::fields(&Scalar::new(Node::Variable(variable), element))?;
            let test = this.row_compare_values(op_name, ops, super::row::fields(left)?, right)?;
            this.fold_list(rows.clone(), variable, test, all)
        })
    }

    /// `(a, b) op (SELECT …)`: the query gives its row as one value.
    fn one_row(
        &mut self,
        op_name: &str,
        ops: &[&'static Proc],
        left: &[Expr],
        casts: &[Option<CastHow>],
        query: &Query,
    ) -> Result<Scalar> {
        let left = self.exprs(left)?;
        let inner = self.inner_query(query)?;
        let (inner, columns) = self.cast_output(inner, query, ops, casts)?;
        let alias = self.make();
        let columns = columns.into_iter().enumerate();
        let row = self.row_of(columns.map(|(i, phys)| Scalar::column(alias, ir::output_name(i), phys)).collect())?;
        let phys = row.phys.clone();
        let select = Select { targets: vec![row], from: vec![derived(inner, alias)], ..Select::default() };
        let inner = plain_query(select, vec![phys.clone()]);
        let right = Scalar::new(Node::Subquery(Box::new(inner)), phys);
        if !left.iter().any(super::expr::is_dear) {
            return self.bind_once(right, |this, right| {
                let right = super::row::fields(&right)?;
                this.row_compare_values(op_name, ops, left, right)
            });
        }
        // Among them queries, which cannot stand where the other side is a variable.
        let left = self.row_of(left)?;
        let both = self.row_of(vec![left, right])?;
        self.bind_once(both, |this, both| {
            let sides = super::row::fields(&both)?;
            let [left, right] = sides.as_slice() else { return Err(Error::internal("lower: two rows")) };
            let (left, right) = (super::row::fields(left)?, super::row::fields(right)?);
            this.row_compare_values(op_name, ops, left, right)
        })
    }

    /// `op ANY/ALL (VALUES …)` of a few rows that refer to what is around, which DuckDB has no join for: each is compared.
    fn any_all_rows(
        &mut self,
        (all, op_name, ops): (bool, &str, &[&'static Proc]),
        left: &[Expr],
        casts: &[Option<CastHow>],
        query: &Query,
    ) -> Result<Option<Scalar>> {
        let Body::Values(rows) = &query.body else { return Ok(None) };
        let plain = query.ctes.is_empty() && query.limit.is_none() && query.offset.is_none();
        let refers = |e: &Expr| {
            let mut found = false;
            walk(e, 0, &mut |e, _| {
                found |= matches!(e.kind, ExprKind::Column { .. } | ExprKind::WholeRow(_));
                Ok(!found)
            })
            .map(|()| found)
        };
        let each = left.len() == 1 || matches!((op_name, all), ("=", false) | ("<>", true));
        if !plain || !each || rows.len() >= MANY_ROWS || left.iter().any(super::routine::is_volatile) {
            return Ok(None);
        }
        if !rows.iter().flatten().map(refers).collect::<Result<Vec<_>>>()?.contains(&true) {
            return Ok(None);
        }
        let lefts = self.exprs(left)?;
        let mut tests = Vec::with_capacity(rows.len());
        for row in rows {
            let mut parts = Vec::with_capacity(row.len());
            for (i, (value, l)) in row.iter().zip(&lefts).enumerate() {
                let op = ops.get(i).ok_or_else(|| Error::internal("lower: ANY of a subquery with other columns"))?;
                let mut r = self.expr(value)?;
                if let Some(how) = casts.get(i).and_then(Option::as_ref) {
                    let to = op.args.get(1).copied().unwrap_or(value.ty.oid);
                    r = self.cast_value(r, value.ty, how, false, PgType::new(to))?;
                    r = self.settle(r);
                }
                parts.push(self.compare(op, l.clone(), r)?);
            }
            tests.push(Scalar::new(if all { Node::Or(parts) } else { Node::And(parts) }, Phys::Bool));
        }
        Ok(Some(Scalar::new(if all { Node::And(tests) } else { Node::Or(tests) }, Phys::Bool)))
    }

    /// `(a, b) [NOT] IN ((1, 2), …)` with many rows of constants, which DuckDB would compare one by one and plan in quadratic
    /// time: they are the rows of a query.
    pub(crate) fn rows_in_list(&mut self, parts: &[Expr], and: bool) -> Result<Option<Scalar>> {
        if parts.len() < MANY_ROWS {
            return Ok(None);
        }
        let wanted = if and { "<>" } else { "=" };
        let rows: Option<Vec<Pairs<'_>>> = parts.iter().map(|part| pairs(part, wanted)).collect();
        let Some(rows) = rows else { return Ok(None) };
        let Some(Pairs { ops, left, right: first }) = rows.first() else { return Ok(None) };
        let alike = rows.iter().all(|row| {
            row.ops.iter().map(|op| op.oid).eq(ops.iter().map(|op| op.oid))
                && row.left.len() == left.len()
                && row.left.iter().zip(left).all(|(a, b)| same(a, b))
                && row.right.iter().zip(first).all(|(a, b)| a.ty == b.ty && is_given(a))
        });
        if !alike || left.len() < 2 || left.iter().any(|l| super::routine::is_volatile(l)) {
            return Ok(None);
        }
        self.made += 1;
        let columns =
            first.iter().map(|e| Field { name: "column".into(), ty: e.ty, origin: (0, 0), row: None }).collect();
        let query = Query::of(
            Body::Values(rows.iter().map(|row| row.right.iter().map(|e| (*e).clone()).collect()).collect()),
            columns,
            RelId(LISTED + self.made),
        );
        let casts = vec![None; left.len()];
        let of = if and { Quantifier::All } else { Quantifier::Any };
        let left: Vec<Expr> = left.iter().map(|e| (*e).clone()).collect();
        self.any_all_subquery(of, wanted, ops, &left, &casts, &query).map(Some)
    }

    /// `(a, b) [NOT] IN (SELECT …)`. Where DuckDB says NULL, as there are NULLs somewhere, PostgreSQL looks whether a row is
    /// there that could be equal. A correlated query is asked both by EXISTS: DuckDB has IN of rows for others only.
    fn rows_in(&mut self, lefts: Vec<Scalar>, inner: ir::Query, correlated: bool, not: bool) -> Scalar {
        let maybe = self.row_exists(&lefts, inner.clone(), "(({0} = {1}) IS DISTINCT FROM FALSE)");
        let first = if correlated {
            let found = self.row_exists(&lefts, inner, "({0} = {1})");
            (Scalar::new(found, Phys::Bool), Scalar::bool(true))
        } else {
            let left = Box::new(Scalar::template("({*})", lefts, Phys::Void));
            let found = Node::Quantified { left, op: "IN".into(), query: Box::new(inner) };
            let found = Scalar::new(found, Phys::Bool);
            (found.clone().is_not_null(), found)
        };
        let value = Node::Case {
            whens: vec![first, (Scalar::new(maybe, Phys::Bool), Scalar::null(Phys::Bool))],
            otherwise: Some(Box::new(Scalar::bool(false))),
        };
        let value = Scalar::new(value, Phys::Bool);
        if not { Scalar::template("(NOT {0})", vec![value], Phys::Bool) } else { value }
    }

    /// Whether the query has a row of which each column and the value beside it are as `test` says.
    fn row_exists(&mut self, values: &[Scalar], query: ir::Query, test: &'static str) -> Node {
        let alias = self.make();
        let columns = query.columns.iter().enumerate();
        let columns = columns.map(|(i, phys)| Scalar::column(alias, ir::output_name(i), phys.clone()));
        let tests = values.iter().cloned().zip(columns).map(|(l, r)| Scalar::template(test, vec![l, r], Phys::Bool));
        let tests = tests.collect();
        let rows = Select {
            targets: vec![Scalar::int4(1)],
            from: vec![derived(query, alias)],
            filter: Scalar::and(tests),
            ..Select::default()
        };
        Node::Exists(Box::new(plain_query(rows, vec![Phys::Int4])))
    }

    /// The subquery with its output columns cast to what the operators take.
    fn cast_output(
        &mut self,
        inner: ir::Query,
        query: &Query,
        ops: &[&'static Proc],
        casts: &[Option<CastHow>],
    ) -> Result<(ir::Query, Vec<Phys>)> {
        if casts.iter().all(Option::is_none) {
            let columns = inner.columns.clone();
            return Ok((inner, columns));
        }
        let alias = self.make();
        let mut targets = Vec::new();
        for (i, ((field, cast), op)) in query.columns.iter().zip(casts).zip(ops).enumerate() {
            let column = Scalar::column(alias, ir::output_name(i), inner.columns[i].clone());
            let to = op.args.get(1).copied().unwrap_or(field.ty.oid);
            targets.push(match cast {
                None => column,
                Some(how) => {
                    let value = self.cast_value(column, field.ty, how, false, PgType::new(to))?;
                    self.settle(value)
                }
            });
        }
        let columns: Vec<Phys> = targets.iter().map(|t| t.phys.clone()).collect();
        let select = Select { targets, from: vec![derived(inner, alias)], ..Select::default() };
        Ok((plain_query(select, columns.clone()), columns))
    }
}

/// `(a, b) = (1, 2)`, taken apart.
struct Pairs<'e> {
    ops: Vec<&'static Proc>,
    left: Vec<&'e Expr>,
    right: Vec<&'e Expr>,
}

/// The pairs of a comparison of rows by `=` or `<>`, also of one that is written out: `a = 1 AND b = 2`, `a <> 1 OR b <> 2`.
fn pairs<'e>(e: &'e Expr, wanted: &str) -> Option<Pairs<'e>> {
    let parts = match &e.kind {
        ExprKind::RowCompare { op_name, ops, left, right } if **op_name == *wanted => {
            return Some(Pairs { ops: ops.clone(), left: left.iter().collect(), right: right.iter().collect() });
        }
        ExprKind::And(parts) if wanted == "=" => parts,
        ExprKind::Or(parts) if wanted == "<>" => parts,
        _ => return None,
    };
    let mut found = Pairs { ops: Vec::new(), left: Vec::new(), right: Vec::new() };
    for part in parts {
        let ExprKind::Call(call) = &part.kind else { return None };
        let [left, right] = call.args.as_slice() else { return None };
        let compares = call.operator.is_some() && super::compare::comparison(call.func) == Some(wanted);
        // Written out, what stands on the right of AND is not computed where its left decides.
        if !compares || !is_given(right) || !crate::sql::lower::steer::hold::never_fails(left) {
            return None;
        }
        found.ops.push(call.func);
        found.left.push(left);
        found.right.push(right);
    }
    Some(found)
}

/// A list as bytes that sort as it does: where it orders one and the rows of a query, DuckDB takes a NULL inside for one outside.
fn flat_key(value: Scalar) -> Scalar {
    if !matches!(value.phys, Phys::List(_)) {
        return value;
    }
    let text = "CASE WHEN {0} IS NOT NULL THEN create_sort_key({0}, 'ASC NULLS LAST') END";
    Scalar::template(text, vec![value], Phys::Bytea)
}

/// A condition of which only TRUE counts: [`Lowerer::rows_in`] need not tell FALSE from NULL.
pub(crate) fn only_true(condition: Scalar) -> Scalar {
    let Scalar { node, phys, dscale } = condition;
    let node = match node {
        Node::And(parts) => Node::And(parts.into_iter().map(only_true).collect()),
        Node::Or(parts) => Node::Or(parts.into_iter().map(only_true).collect()),
        Node::Case { whens, otherwise } => match whens.as_slice() {
            [(_, found), (Scalar { node: Node::Exists(_), .. }, _)]
                if matches!(found.node, Node::Quantified { .. }) =>
            {
                return found.clone();
            }
            [(found, _), (Scalar { node: Node::Exists(_), .. }, _)] if matches!(found.node, Node::Exists(_)) => {
                return found.clone();
            }
            _ => Node::Case { whens, otherwise },
        },
        node => node,
    };
    Scalar { node, phys, dscale }
}
