//! What PostgreSQL decides before it runs anything (eval_const_expressions), where that shows: arms of CASE that are never
//! or always taken, and divisions by zero in those that may be.

use std::cmp::Ordering;

use crate::error::{Error, Result, SqlState};
use crate::tree::{Expr, ExprKind};
use crate::types::Value;

type Arms<'a> = (Vec<(Expr, Expr)>, Option<&'a Expr>);

/// The arms of CASE that may be taken, and what remains if none is. A constant that cannot be computed in one of them
/// fails at once, as in PostgreSQL.
pub(super) fn reachable<'a>(whens: &'a [(Expr, Expr)], otherwise: Option<&'a Expr>) -> Result<Arms<'a>> {
    let mut left = Vec::with_capacity(whens.len());
    for (test, then) in whens {
        refuse_doomed(test)?;
        match truth(test) {
            Some(false) => continue,
            Some(true) => {
                refuse_doomed(then)?;
                return Ok((left, Some(then)));
            }
            None => {}
        }
        refuse_doomed(then)?;
        left.push((test.clone(), then.clone()));
    }
    if let Some(otherwise) = otherwise {
        refuse_doomed(otherwise)?;
    }
    if left.is_empty() && otherwise.is_none() {
        // Nothing is left but NULL: the first arm, never taken, keeps the type.
        return Ok((whens.first().cloned().into_iter().collect(), None));
    }
    Ok((left, otherwise))
}

/// What a condition of constants gives; NULL counts as false.
fn truth(expr: &Expr) -> Option<bool> {
    match &expr.kind {
        ExprKind::Const(Value::Bool(value)) => Some(*value),
        ExprKind::Const(Value::Null) => Some(false),
        ExprKind::Not(inner) => match &inner.kind {
            ExprKind::Const(Value::Null) => Some(false),
            _ => truth(inner).map(|t| !t),
        },
        ExprKind::Call(call) => {
            let [left, right] = call.args.as_slice() else { return None };
            let order = integer(left)?.cmp(&integer(right)?);
            match super::compare::comparison(call.func)? {
                "=" => Some(order == Ordering::Equal),
                "<>" => Some(order != Ordering::Equal),
                "<" => Some(order == Ordering::Less),
                "<=" => Some(order != Ordering::Greater),
                ">" => Some(order == Ordering::Greater),
                ">=" => Some(order != Ordering::Less),
                _ => None,
            }
        }
        _ => None,
    }
}

fn integer(expr: &Expr) -> Option<i64> {
    super::constant::const_int(expr)
}

/// Fails for a division of constants by zero, wherever it is sure to be computed.
fn refuse_doomed(expr: &Expr) -> Result<()> {
    match &expr.kind {
        ExprKind::Cast { arg, .. } => refuse_doomed(arg),
        ExprKind::Call(call) => {
            for arg in &call.args {
                refuse_doomed(arg)?;
            }
            let divides =
                call.operator.is_some() && (call.func.name.ends_with("div") || call.func.name.ends_with("mod"));
            match call.args.as_slice() {
                [left, right] if divides && integer(left).is_some() && integer(right) == Some(0) => {
                    Err(Error::new(SqlState::DIVISION_BY_ZERO, "division by zero"))
                }
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}
