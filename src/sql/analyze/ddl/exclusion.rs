//! EXCLUDE: what is compared, and what the operators mean (ComputeIndexAttrs).

use sqlparser::ast::{self, Ident};

use super::super::Analyzer;
use super::super::stored::{Stored, new_expression, without_position};
use crate::error::{Error, Result, SqlState};
use crate::facts::{OPERATORS, Operator};
use crate::registry::draft::{Excluding, NewExclusion};
use crate::registry::{Name, opclass};
use crate::sql::Context;
use crate::sql::parse::{self, exclusion::RawExclusion};
use crate::tree::{ExprKind, NewConstraint, NewConstraintKind, RelColumn};
use crate::types::name::format_type;
use crate::types::{PgType, base_type, oid};

impl Analyzer<'_> {
    /// The constraint as it was written: its types are looked at when the table's columns are known ([`check`]).
    pub(super) fn exclusion(&self, name: Option<&Ident>, raw: &RawExclusion) -> Result<NewConstraint> {
        let RawExclusion { method, elements, predicate, deferrable, initially_deferred, pos } = raw;
        if self.parsed.extras.partition.by.is_some() {
            let message = "exclusion constraints are not supported on partitioned tables";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(*pos));
        }
        let mut excluding = Vec::with_capacity(elements.len());
        for (column, operator) in elements {
            let ast::IndexColumn { column: ast::OrderByExpr { expr, options, with_fill: _ }, operator_class } = column;
            if options.asc.is_some() || options.nulls_first.is_some() {
                return Err(Error::unsupported("an order in an exclusion constraint").hint("Leave it out."));
            }
            let opclass = match operator_class {
                Some(name) => Some(self.name_parts(name)?.1),
                None => None,
            };
            let mut expr = expr;
            while let ast::Expr::Nested(inner) = expr {
                expr = inner;
            }
            let (column, expression, name) = match expr {
                ast::Expr::Identifier(ident) => (Some(parse::fold(ident)), None, None),
                expr => (None, Some(parse::printed(expr)), self.figure(expr).map(|(name, _)| name)),
            };
            let operator = operator.clone();
            excluding.push(Excluding { column, expression, name, opclass, operator, operator_oid: 0 });
        }
        let predicate = predicate.as_ref().map(parse::printed);
        let new = NewExclusion { method: method.clone(), elements: excluding, predicate };
        Ok(NewConstraint {
            name: name.map(parse::fold),
            kind: NewConstraintKind::Exclusion(Box::new(new)),
            included: Vec::new(),
            deferrable: *deferrable,
            initially_deferred: *initially_deferred,
            not_valid: false,
            no_inherit: false,
            delete_sets: Vec::new(),
        })
    }
}

/// Texts as they are kept, operators and operator classes by the columns' types.
pub(in crate::sql::analyze) fn check(
    table: &str,
    new: &mut NewExclusion,
    columns: &[RelColumn],
    ctx: &Context,
) -> Result<()> {
    let method = new.method.clone();
    match &*method {
        "btree" | "hash" | "gist" | "spgist" => {}
        "gin" | "brin" => {
            let message = format!("access method \"{method}\" does not support exclusion constraints");
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        _ => {
            let message = format!("access method \"{method}\" does not exist");
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
        }
    }
    for element in &mut new.elements {
        let ty = match (&element.column, &mut element.expression) {
            (Some(name), _) => {
                let found = columns.iter().find(|c| c.name == *name);
                let message = || format!("column \"{name}\" named in key does not exist");
                found.ok_or_else(|| Error::new(SqlState::UNDEFINED_COLUMN, message()))?.ty
            }
            (None, Some(text)) => {
                let made = new_expression(text, Stored::IndexExpression, table, columns, None, ctx);
                let (expr, kept) = made.map_err(without_position)?;
                *text = kept;
                expr.ty
            }
            (None, None) => return Err(Error::internal("an exclusion of nothing")),
        };
        compared(element, &method, base_type(ty, &*ctx.snapshot), ctx)?;
    }
    if let Some(text) = &mut new.predicate {
        let made = new_expression(text, Stored::IndexPredicate, table, columns, None, ctx);
        let (expr, kept) = made.map_err(without_position)?;
        if expr.ty.oid != oid::BOOL {
            let name = format_type(PgType::new(expr.ty.oid), &*ctx.snapshot);
            let message = format!("argument of WHERE must be type boolean, not type {name}");
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        }
        *text = kept;
    }
    Ok(())
}

/// The operator class and the operator for values of a type.
fn compared(element: &mut Excluding, method: &Name, ty: PgType, ctx: &Context) -> Result<()> {
    let type_name = format_type(PgType::new(ty.oid), &*ctx.snapshot);
    let default = opclass::default_of(method, ty.oid, &ctx.snapshot);
    let class = match &element.opclass {
        Some(name) => Some(opclass::named(method, name, (ty.oid, &type_name), &ctx.snapshot)?),
        None => default,
    };
    let class = class.ok_or_else(|| {
        let message = format!("data type {type_name} has no default operator class for access method \"{method}\"");
        Error::new(SqlState::UNDEFINED_OBJECT, message).hint(
            "You must specify an operator class for the index or define a default operator class for the data type.",
        )
    })?;
    element.opclass = default.is_none_or(|default| default.oid != class.oid).then(|| class.name.into());
    let side = |name: &str, attnum| RelColumn { name: name.into(), ty, attnum };
    let sides = [side("a", 1), side("b", 2)];
    let text = match element.operator.contains('.') {
        true => format!("a OPERATOR({}) b", element.operator),
        false => format!("a {} b", element.operator),
    };
    let made = new_expression(&text, Stored::IndexPredicate, "", &sides, None, ctx);
    let (expr, _) = made.map_err(without_position)?;
    let operator = match &expr.kind {
        ExprKind::Call(call) => call.operator.and_then(|oid| OPERATORS.by_oid(oid)),
        _ => None,
    };
    let operator = operator.filter(|operator| operator.extension.is_none() && operator.result == oid::BOOL);
    let Some(operator) = operator else {
        return Err(Error::unsupported(format!("an exclusion constraint by {} of type {type_name}", element.operator))
            .hint("Use another operator, or compare an expression of another type."));
    };
    let wrong =
        |message: String, detail: &str| Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message).detail(detail.to_owned()));
    let shown = shown(operator, ctx);
    if operator.commutator != operator.oid {
        let message = format!("operator {shown} is not commutative");
        return wrong(message, "Only commutative operators can be used in exclusion constraints.");
    }
    if !class.has(operator) {
        let message = format!("operator {shown} is not a member of operator family \"{}\"", class.family_name());
        return wrong(
            message,
            "The exclusion operator must be related to the index operator class for the constraint.",
        );
    }
    element.operator_oid = operator.oid;
    Ok(())
}

/// `&&(anyrange,anyrange)`
fn shown(operator: &Operator, ctx: &Context) -> String {
    let [left, right] = [operator.left, operator.right].map(|ty| format_type(PgType::new(ty), &*ctx.snapshot));
    format!("{}({left},{right})", operator.name)
}
