//! Subqueries in expressions (transformSubLink).

use std::sync::Arc;

use sqlparser::ast;

use super::expr::{boolean, row_items};
use super::position::query_start;
use super::{Analyzer, CastContext, Expr, ExprKind};
use crate::error::{Error, Result, SqlState};
use crate::tree::{CastHow, Quantifier, Query};
use crate::types::{PgType, oid};

impl Analyzer<'_> {
    fn subquery(&mut self, query: &ast::Query) -> Result<Query> {
        if let Some(place) = self.scope().clause.refuses_subqueries() {
            let message = format!("cannot use subquery in {place}");
            let error = Error::new(SqlState::FEATURE_NOT_SUPPORTED, message);
            return Err(error.at(self.paren_before(query_start(query))));
        }
        // What a subquery may hold is its own affair: the clause around it counts for this level only.
        let mut analyzed = self.query(query)?;
        self.resolve_unknown_outputs(&mut analyzed)?;
        Ok(analyzed)
    }

    pub(crate) fn exists(&mut self, query: &ast::Query, negated: bool) -> Result<Expr> {
        let pos = self.pos_of_word_before("exists", query_start(query));
        let exists = boolean(ExprKind::Exists(Box::new(self.subquery(query)?)), pos);
        Ok(if negated { boolean(ExprKind::Not(Box::new(exists)), pos) } else { exists })
    }

    fn one_column(&self, query: &Query, pos: u32) -> Result<PgType> {
        match query.columns.as_slice() {
            [column] => Ok(column.ty),
            _ => Err(Error::syntax("subquery must return only one column").at(pos)),
        }
    }

    pub(crate) fn scalar_subquery(&mut self, query: &ast::Query) -> Result<Expr> {
        let pos = self.paren_before(query_start(query));
        let query = self.subquery(query)?;
        let ty = self.one_column(&query, pos)?;
        Ok(Expr { kind: ExprKind::ScalarSubquery(Box::new(query)), ty, pos })
    }

    pub(crate) fn array_subquery(&mut self, query: &ast::Query, pos: u32) -> Result<Expr> {
        let query = self.subquery(query)?;
        let element = self.one_column(&query, pos)?;
        // get_promoted_array_type: vectors have arrays of their own, arrays are of more dimensions then.
        let array = match self.array_of(element.oid) {
            Ok(array) => PgType::with(array, element.typmod),
            Err(error) if error.code() == SqlState::FEATURE_NOT_SUPPORTED => return Err(error.at(pos)),
            Err(_) if self.type_facts(element.oid).element != 0 => element,
            Err(_) => {
                let message = format!("could not find array type for data type {}", self.type_name(element.oid));
                return Err(Error::new(SqlState::UNDEFINED_OBJECT, message).at(pos));
            }
        };
        Ok(Expr { kind: ExprKind::ArraySubquery(Box::new(query)), ty: array, pos })
    }

    pub(crate) fn in_subquery(&mut self, left: &ast::Expr, query: &ast::Query, negated: bool) -> Result<Expr> {
        let pos = self.pos_after(left, if negated { "not" } else { "in" });
        let (name, of) = if negated { ("<>", Quantifier::All) } else { ("=", Quantifier::Any) };
        self.quantified(left, name, of, query, pos)
    }

    /// `left op ANY/ALL (…)`: over a subquery or an array.
    pub(crate) fn any_all(
        &mut self,
        left: &ast::Expr,
        op: &ast::BinaryOperator,
        right: &ast::Expr,
        all: bool,
    ) -> Result<Expr> {
        let pos = self.operator_pos(left, op);
        let name = self.operator_name(op, pos)?;
        let mut inner = right;
        while let ast::Expr::Nested(nested) = inner {
            inner = nested;
        }
        if let ast::Expr::Subquery(query) = inner {
            let of = if all { Quantifier::All } else { Quantifier::Any };
            return self.quantified(left, &name, of, query, pos);
        }
        let left = self.expr(left)?;
        let right = self.expr(right)?;
        self.array_operator(&name, all, left, right, pos)
    }

    /// A comparison with a subquery's rows (make_row_comparison_op): an operator for each column.
    pub(crate) fn quantified(
        &mut self,
        left: &ast::Expr,
        name: &str,
        of: Quantifier,
        query: &ast::Query,
        pos: u32,
    ) -> Result<Expr> {
        let row = row_items(left);
        let lefts: Vec<&ast::Expr> = match &row {
            Some(items) => items.iter().collect(),
            None => vec![left],
        };
        let lefts = lefts.into_iter().map(|l| self.expr(l)).collect::<Result<Vec<_>>>()?;
        let query = self.subquery(query)?;
        if lefts.len() != query.columns.len() {
            let message = if lefts.len() < query.columns.len() {
                "subquery has too many columns"
            } else {
                "subquery has too few columns"
            };
            return Err(Error::syntax(message).at(pos));
        }
        let mut ops = Vec::with_capacity(lefts.len());
        let mut left = Vec::with_capacity(lefts.len());
        let mut casts: Vec<Option<CastHow>> = Vec::with_capacity(lefts.len());
        for (l, column) in lefts.into_iter().zip(&query.columns) {
            let found = self.find_operator(name, Some(l.ty.oid), column.ty.oid, pos)?;
            if found.result != oid::BOOL {
                let message = format!(
                    "row comparison operator must yield type boolean, not type {}",
                    self.type_name(found.result)
                );
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, message).at(pos));
            }
            left.push(self.coerce_type(l, PgType::new(found.args[0]), CastContext::Implicit, false)?);
            casts.push(self.output_cast(column.ty, found.args[1])?);
            ops.push(found.func);
        }
        if of == Quantifier::One {
            super::expr::check_row_operator(name).map_err(|e| e.at(pos))?;
        }
        let kind = ExprKind::AnyAllSubquery { of, op_name: Arc::from(name), ops, left, casts, query: Box::new(query) };
        Ok(boolean(kind, pos))
    }

    /// The cast of a subquery's column to what an operator takes.
    fn output_cast(&mut self, from: PgType, to: u32) -> Result<Option<CastHow>> {
        if from.oid == to {
            return Ok(None);
        }
        let probe = Expr { kind: ExprKind::Default, ty: from, pos: 0 };
        match self.coerce_type(probe, PgType::new(to), CastContext::Implicit, false)?.kind {
            ExprKind::Cast { how, .. } => Ok(Some(how)),
            _ => Ok(None),
        }
    }
}
