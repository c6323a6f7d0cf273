//! ON CONFLICT's target: which unique key decides (infer_arbiter_indexes).

use std::collections::BTreeSet;

use sqlparser::ast;

use super::Analyzer;
use super::implied::Said;
use super::scope::{Clause, Scope};
use super::stored::{Stored, expression};
use crate::error::{Error, Result, SqlState};
use crate::registry::{ConstraintKind, Relation as TableDef, expression::quote};
use crate::sql::deparse::{self, Style};
use crate::sql::parse::{self, fold};
use crate::tree::{Expr, ExprKind, RelColumn, RelId, Relation};
use crate::types::Oid;

/// What was found.
pub(super) struct Arbiter {
    /// Its columns, if it is one that DuckDB has an index for.
    pub columns: Vec<u16>,
    /// Otherwise the key, which the session checks.
    pub checked: Option<Oid>,
    pub read: Vec<u16>,
}

/// What a target asks for.
struct Wanted {
    columns: BTreeSet<i16>,
    /// As they are printed.
    expressions: BTreeSet<String>,
    /// What is said of the rows.
    conditions: Vec<Said>,
}

impl Analyzer<'_> {
    pub(super) fn arbiter(
        &mut self,
        def: &TableDef,
        row: &Relation,
        target: Option<&ast::ConflictTarget>,
    ) -> Result<Arbiter> {
        match target {
            None => {
                // Rows that an earlier key keeps out do not come to it.
                let is_earlier = |before| def.indexes.iter().any(|index| index.unique && index.oid < before);
                let whole = !def.is_partition() && !def.is_partitioned();
                match def.first_deferrable() {
                    Some((key, index)) if !whole || !is_earlier(index) => Err(deferrable_arbiter(def, &key.name)),
                    _ => Ok(Arbiter { columns: Vec::new(), checked: None, read: Vec::new() }),
                }
            }
            Some(ast::ConflictTarget::OnConstraint(name)) => self.arbiter_constraint(def, name),
            Some(ast::ConflictTarget::Columns(columns)) => {
                let kept = match columns.as_slice() {
                    [only] => parse::kept_place(only).and_then(|n| self.parsed.extras.arbiters.get(n)),
                    _ => None,
                };
                let (wanted, order) = match kept {
                    Some(kept) => self.wanted_elements(def, row, kept)?,
                    None => self.wanted_columns(def, columns)?,
                };
                self.infer(def, &wanted, &order)
            }
        }
    }

    fn wanted_columns(&self, def: &TableDef, names: &[ast::Ident]) -> Result<(Wanted, Vec<u16>)> {
        let mut order = Vec::with_capacity(names.len());
        for name in names {
            let folded = fold(name);
            match def.columns.iter().position(|c| c.name == folded) {
                Some(i) => order.push(i as u16),
                None => {
                    let message = format!("column \"{folded}\" does not exist");
                    // PostgreSQL points at the list.
                    let pos = self.paren_before(names.first().map_or(name.span, |n| n.span));
                    return Err(Error::new(SqlState::UNDEFINED_COLUMN, message).at(pos));
                }
            }
        }
        let columns = order.iter().map(|c| def.columns[usize::from(*c)].num).collect();
        Ok((Wanted { columns, expressions: BTreeSet::new(), conditions: Vec::new() }, order))
    }

    fn wanted_elements(&mut self, def: &TableDef, row: &Relation, kept: &parse::Arbiter) -> Result<(Wanted, Vec<u16>)> {
        let (mut names, mut expressions) = (Vec::new(), BTreeSet::new());
        for element in &kept.elements {
            let mut inner = element;
            while let ast::Expr::Nested(nested) = inner {
                inner = nested;
            }
            match inner {
                ast::Expr::Identifier(name) => names.push(name.clone()),
                other => {
                    let found = self.kept_expression(&parse::printed(other), Stored::IndexExpression, def)?;
                    expressions.insert(self.printed_over(&found, RelId(0), def)?);
                }
            }
        }
        let (wanted, order) = self.wanted_columns(def, &names)?;
        let conditions = match &kept.predicate {
            Some(predicate) => self.wanted_conditions(predicate, def, row)?,
            None => Vec::new(),
        };
        Ok((Wanted { expressions, conditions, ..wanted }, order))
    }

    fn kept_expression(&self, text: &str, kind: Stored, def: &TableDef) -> Result<Expr> {
        let columns: Vec<RelColumn> =
            def.columns.iter().map(|c| RelColumn { name: c.name.clone(), ty: c.ty, attnum: c.num }).collect();
        let found = expression(text, kind, (&def.name, RelId(0)), &columns, self.ctx);
        // Positions are those in the text by itself.
        found.map_err(|mut error| {
            error.report_mut().position = None;
            error
        })
    }

    fn printed_over(&self, expr: &Expr, row: RelId, def: &TableDef) -> Result<String> {
        let seen = self.ctx.seen();
        let names: Vec<String> = def.columns.iter().map(|c| quote(&c.name)).collect();
        deparse::expression(expr, ("", row), &names, &seen, Style::KEPT)
    }

    /// The condition of a target is the statement's own: parameters in it have their types from there, and the table goes by its
    /// alias.
    fn wanted_conditions(&mut self, predicate: &ast::Expr, def: &TableDef, row: &Relation) -> Result<Vec<Said>> {
        let mut scope = Scope { clause: Clause::Stored(Stored::IndexPredicate), ..Scope::default() };
        scope.add_columns(&row.alias, row.id, &row.columns);
        self.scopes.push(scope);
        let expr = self.expr(predicate).and_then(|expr| self.resolve_unknown(expr));
        self.scopes.pop();
        self.parts(&expr?, row.id, def)
    }

    /// A condition's parts.
    fn conditions(&self, text: &str, def: &TableDef) -> Result<Vec<Said>> {
        let expr = self.kept_expression(text, Stored::IndexPredicate, def)?;
        self.parts(&expr, RelId(0), def)
    }

    fn parts(&self, expr: &Expr, row: RelId, def: &TableDef) -> Result<Vec<Said>> {
        let parts = match &expr.kind {
            ExprKind::And(parts) => parts.iter().collect(),
            _ => vec![expr],
        };
        parts.into_iter().map(|part| Said::new(part, &|expr| self.printed_over(expr, row, def))).collect()
    }

    /// The key that has just these columns and expressions, over rows of which the conditions say that they are among its own.
    fn infer(&self, def: &TableDef, wanted: &Wanted, order: &[u16]) -> Result<Arbiter> {
        let (mut of_session, mut deferrable) = (None, None);
        let native = || Arbiter { columns: order.to_vec(), checked: None, read: order.to_vec() };
        for constraint in &def.constraints {
            let columns = match &constraint.kind {
                ConstraintKind::PrimaryKey { columns } | ConstraintKind::Unique { columns, .. } => columns,
                ConstraintKind::ForeignKey { .. } | ConstraintKind::Check { .. } | ConstraintKind::Exclusion { .. } => {
                    continue;
                }
            };
            if !wanted.expressions.is_empty() || wanted.columns != columns.iter().copied().collect() {
                continue;
            }
            if constraint.is_native(def, &*self.ctx.snapshot) {
                return Ok(native());
            }
            match constraint.deferrable {
                true => deferrable = Some(&constraint.name),
                false => of_session = of_session.or(Some(constraint.oid)),
            }
        }
        for index in def.indexes.iter().filter(|i| i.unique && !i.of_constraint) {
            let columns: BTreeSet<i16> = index.keys.iter().map(|k| k.column).filter(|num| *num != 0).collect();
            if columns != wanted.columns {
                continue;
            }
            let mut expressions = BTreeSet::new();
            for text in index.keys.iter().filter_map(|key| key.expression.as_deref()) {
                let expr = self.kept_expression(text, Stored::IndexExpression, def)?;
                expressions.insert(self.printed_over(&expr, RelId(0), def)?);
            }
            let conditions = index.predicate.as_deref().map(|text| self.conditions(text, def)).transpose()?;
            let said = |asked: &Said| wanted.conditions.iter().any(|said| said.implies(asked, &self.ctx.snapshot));
            if expressions != wanted.expressions || !conditions.unwrap_or_default().iter().all(said) {
                continue;
            }
            if index.is_native(def, &*self.ctx.snapshot) {
                return Ok(native());
            }
            of_session = of_session.or(Some(index.oid));
        }
        match (of_session, deferrable) {
            (Some(oid), _) => Ok(self.checked_arbiter(def, oid)),
            (None, Some(name)) => Err(deferrable_arbiter(def, name)),
            (None, None) => {
                let message = "there is no unique or exclusion constraint matching the ON CONFLICT specification";
                Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message))
            }
        }
    }

    fn checked_arbiter(&self, def: &TableDef, oid: Oid) -> Arbiter {
        let key = def.checked_keys(&*self.ctx.snapshot).find(|key| key.oid == oid);
        let read = key.map(|key| places(def, key.columns().collect::<Vec<_>>().into_iter())).unwrap_or_default();
        Arbiter { columns: Vec::new(), checked: Some(oid), read }
    }

    fn arbiter_constraint(&self, def: &TableDef, name: &ast::ObjectName) -> Result<Arbiter> {
        let name = super::types::last_name(name);
        let Some(constraint) = def.constraints.iter().find(|c| c.name == name) else {
            let message = format!("constraint \"{name}\" for table \"{}\" does not exist", def.name);
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
        };
        match &constraint.kind {
            ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. } | ConstraintKind::Exclusion { .. }
                if constraint.deferrable =>
            {
                Err(deferrable_arbiter(def, &constraint.name))
            }
            ConstraintKind::PrimaryKey { columns } | ConstraintKind::Unique { columns, .. } => {
                if !constraint.is_native(def, &*self.ctx.snapshot) {
                    return Ok(self.checked_arbiter(def, constraint.oid));
                }
                let columns = places(def, columns.iter().copied());
                Ok(Arbiter { read: columns.clone(), columns, checked: None })
            }
            ConstraintKind::Exclusion { .. } => Ok(self.checked_arbiter(def, constraint.oid)),
            ConstraintKind::ForeignKey { .. } | ConstraintKind::Check { .. } => {
                let message = "constraint in ON CONFLICT clause has no associated index";
                Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
            }
        }
    }
}

fn places(def: &TableDef, nums: impl Iterator<Item = i16>) -> Vec<u16> {
    nums.filter_map(|num| def.columns.iter().position(|c| c.num == num).map(|i| i as u16)).collect()
}

pub(crate) fn deferrable_arbiter(table: &TableDef, name: &str) -> Error {
    let message = "ON CONFLICT does not support deferrable unique constraints/exclusion constraints as arbiters";
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
        .table(&*table.namespace, &*table.name)
        .constraint(name)
}
