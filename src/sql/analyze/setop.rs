//! UNION, INTERSECT, EXCEPT (transformSetOperationStmt).

use std::sync::Arc;

use sqlparser::ast::{self, SetExpr, SetOperator, SetQuantifier};

use super::query::{sort_items, sort_key};
use super::scope::{Clause, NsItem, Scope};
use super::target::Target;
use super::{Analyzer, CastContext, Expr, ExprKind};
use crate::error::{Error, Result, SqlState};
use crate::tree::{self, Body, Distinct, Field, FromItem, Query, RelId, Relation, Select, SetOp, SortKey, Source};
use crate::types::{PgType, oid};

impl Analyzer<'_> {
    /// A set operation with its ORDER BY and LIMIT.
    pub(crate) fn set_operation(&mut self, query: &ast::Query) -> Result<Query> {
        let mut analyzed = self.set_expr(&query.body)?;
        analyzed.order_by = self.output_order(query.order_by.as_ref(), &analyzed.columns, analyzed.output_rel)?;
        (analyzed.limit, analyzed.offset, analyzed.with_ties) = self.limit_clause(query)?;
        if !query.locks.is_empty() {
            let message = "FOR UPDATE is not allowed with UNION/INTERSECT/EXCEPT";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        Ok(analyzed)
    }

    fn set_expr(&mut self, expr: &SetExpr) -> Result<Query> {
        let SetExpr::SetOperation { left, op, set_quantifier, right } = expr else {
            return self.set_leaf(expr);
        };
        self.deeper(|a| {
            let left = a.set_expr(left)?;
            let right = a.set_expr(right)?;
            a.combine_set(op, set_quantifier, left, right)
        })
    }

    /// One arm: a select, VALUES, or a query in parentheses, at a level of its own.
    fn set_leaf(&mut self, expr: &SetExpr) -> Result<Query> {
        if let SetExpr::Query(query) = expr {
            return self.query(query);
        }
        let query = ast::Query {
            with: None,
            body: Box::new(expr.clone()),
            order_by: None,
            limit_clause: None,
            fetch: None,
            locks: vec![],
            for_clause: None,
            settings: None,
            format_clause: None,
            pipe_operators: vec![],
        };
        self.query(&query)
    }

    fn combine_set(
        &mut self,
        op: &SetOperator,
        quantifier: &SetQuantifier,
        mut left: Query,
        mut right: Query,
    ) -> Result<Query> {
        let (op, name) = match op {
            SetOperator::Union => (SetOp::Union, "UNION"),
            SetOperator::Intersect => (SetOp::Intersect, "INTERSECT"),
            SetOperator::Except => (SetOp::Except, "EXCEPT"),
            SetOperator::Minus => return Err(Error::syntax("syntax error at or near \"MINUS\"")),
        };
        let all = match quantifier {
            SetQuantifier::All => true,
            SetQuantifier::Distinct | SetQuantifier::None => false,
            _ => return Err(Error::unsupported("a set operation BY NAME")),
        };
        if left.columns.len() != right.columns.len() {
            let message = format!("each {name} query must have the same number of columns");
            return Err(Error::syntax(message).at(output_pos(&right, 0)));
        }
        let mut columns = Vec::with_capacity(left.columns.len());
        for i in 0..left.columns.len() {
            let (l, r) = (left.columns[i].ty, right.columns[i].ty);
            let ty = self.common_type(&[(l.oid, output_pos(&left, i)), (r.oid, output_pos(&right, i))], name)?;
            let typmod = if l == r && l.oid == ty { l.typmod } else { -1 };
            for (side, from) in [(&left, l.oid), (&right, r.oid)] {
                if !self.can_coerce(from, ty, CastContext::Implicit) {
                    let message =
                        format!("{name} could not convert type {} to {}", self.type_name(from), self.type_name(ty));
                    return Err(Error::new(SqlState::CANNOT_COERCE, message).at(output_pos(side, i)));
                }
            }
            if !(op == SetOp::Union && all) {
                self.check_groupable(ty, output_pos(&left, i))?;
            }
            let ty = PgType::with(ty, typmod);
            let row = left.columns[i].row.clone().filter(|row| right.columns[i].row.as_ref() == Some(row));
            columns.push(Field { name: Arc::clone(&left.columns[i].name), ty, origin: (0, 0), row });
        }
        left = self.fit_outputs(left, &columns)?;
        right = self.fit_outputs(right, &columns)?;
        let output_rel = self.new_rel();
        Ok(Query::of(Body::SetOp { op, all, left: Box::new(left), right: Box::new(right) }, columns, output_rel))
    }

    /// Casts a query's outputs to the types of `columns`: in place where that changes nothing else, else around it.
    pub(crate) fn fit_outputs(&mut self, mut query: Query, columns: &[Field]) -> Result<Query> {
        let plain = match &query.body {
            Body::Select(select) => {
                matches!(select.distinct, Distinct::All) && query.order_by.is_empty() && query.limit.is_none()
            }
            Body::Values(_) => query.order_by.is_empty(),
            Body::SetOp { .. } => false,
        };
        let mut wrap = Vec::new();
        for (i, column) in columns.iter().enumerate() {
            let from = query.columns[i].ty.oid;
            if from == column.ty.oid {
                continue;
            }
            if plain || from == oid::UNKNOWN && !matches!(query.body, Body::SetOp { .. }) {
                self.coerce_output(&mut query, i, PgType::new(column.ty.oid), CastContext::Implicit)?;
            } else {
                wrap.push(i);
            }
        }
        if wrap.is_empty() { Ok(query) } else { self.wrap_outputs(query, columns) }
    }

    /// `SELECT column::type, … FROM (query)`.
    fn wrap_outputs(&mut self, query: Query, columns: &[Field]) -> Result<Query> {
        let id = self.new_rel();
        let rel_columns = super::from::fields_to_columns(&query.columns);
        let mut targets = Vec::with_capacity(columns.len());
        let mut fields = Vec::with_capacity(columns.len());
        for (i, (have, want)) in query.columns.iter().zip(columns).enumerate() {
            let kind = ExprKind::Column { rel: id, column: i as u16 };
            let column = Expr { kind, ty: have.ty, pos: 0 };
            let ty = PgType::new(want.ty.oid);
            targets.push(self.coerce_type(column, ty, CastContext::Implicit, false)?);
            fields.push(Field { name: Arc::clone(&have.name), ty, origin: (0, 0), row: None });
        }
        let relation = Relation {
            id,
            alias: "unnamed_subquery".into(),
            source: Source::Subquery(Box::new(query)),
            columns: rel_columns,
            lateral: false,
            pos: 0,
        };
        let select = Select::of(targets, vec![FromItem::Relation(Box::new(relation))]);
        let output_rel = self.new_rel();
        Ok(Query::of(Body::Select(Box::new(select)), fields, output_rel))
    }

    /// ORDER BY over a set operation or VALUES: output columns only.
    pub(crate) fn output_order(
        &mut self,
        order_by: Option<&ast::OrderBy>,
        columns: &[Field],
        output: RelId,
    ) -> Result<Vec<SortKey>> {
        let items = sort_items(order_by)?;
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let targets: Vec<Target> = columns
            .iter()
            .enumerate()
            .map(|(i, f)| Target {
                name: Arc::clone(&f.name),
                expr: Expr { kind: ExprKind::Column { rel: output, column: i as u16 }, ty: f.ty, pos: 0 },
            })
            .collect();
        let rel_columns = super::from::fields_to_columns(columns);
        let mut keys = Vec::with_capacity(items.len());
        for item in items {
            let mut scope = Scope::default();
            scope.rels.push(output);
            scope.items.push(NsItem::new("*SELECT*".into(), output, &rel_columns));
            self.scopes.push(scope);
            let expr = self.output_or_expression(&item.expr, &targets, Clause::OrderBy, "ORDER BY");
            self.scopes.pop();
            let expr = expr?;
            if !matches!(&expr.kind, ExprKind::Column { rel, .. } if *rel == output) {
                return Err(Error::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    "invalid UNION/INTERSECT/EXCEPT ORDER BY clause",
                )
                .detail("Only result column names can be used, not expressions or functions.")
                .hint("Add the expression/function to every SELECT, or move the UNION into a FROM clause.")
                .at(super::target::start(self, &item.expr)));
            }
            self.check_sortable(expr.ty.oid, expr.pos)?;
            keys.push(sort_key(expr, item));
        }
        Ok(keys)
    }
}

/// Where an output's expression stands, for messages.
pub(crate) fn output_pos(query: &Query, column: usize) -> u32 {
    match &query.body {
        tree::Body::Select(select) => select.targets.get(column).map_or(0, |t| t.pos),
        tree::Body::Values(rows) => rows.first().and_then(|r| r.get(column)).map_or(0, |e| e.pos),
        tree::Body::SetOp { left, .. } => output_pos(left, column),
    }
}
