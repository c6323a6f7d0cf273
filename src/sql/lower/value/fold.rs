//! What PostgreSQL decides before it runs anything (eval_const_expressions), where that shows: arms of CASE that are never
//! or always taken, and arithmetic of constants that fails, also where no row is ever read.

use std::cmp::Ordering;

use crate::error::{Error, Result, SqlState};
use crate::facts;
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::Scalar;
use crate::tree::{CastHow, Expr, ExprKind};
use crate::types::{Value, oid};

type Arms<'a> = (Vec<(Expr, Expr)>, Option<&'a Expr>);

/// What of a statement PostgreSQL would compute while it plans, and why that fails.
#[derive(Default)]
pub(crate) struct Planned {
    /// Inside of how many things that it may leave out of the plan, or that it plans when they are called.
    left_out: usize,
    /// Inside of how many queries in FROM: columns of theirs that nobody reads are left out.
    in_from: usize,
    error: Option<Error>,
}

impl Lowerer<'_> {
    /// Lowers what may not be planned at all: nothing in it fails before it is run.
    pub(crate) fn left_out<T>(&mut self, lower: impl FnOnce(&mut Self) -> T) -> T {
        self.planned.left_out += 1;
        let lowered = lower(self);
        self.planned.left_out -= 1;
        lowered
    }

    /// Lowers a query in FROM.
    pub(crate) fn in_from<T>(&mut self, lower: impl FnOnce(&mut Self) -> T) -> T {
        self.planned.in_from += 1;
        let lowered = lower(self);
        self.planned.in_from -= 1;
        lowered
    }

    /// A column of a query: one in FROM may be left out.
    pub(crate) fn target(&mut self, target: &Expr) -> Result<Scalar> {
        if self.planned.in_from > 0 { self.left_out(|this| this.expr(target)) } else { self.expr(target) }
    }

    /// Notes that the expression fails wherever it is computed.
    pub(crate) fn note_doomed(&mut self, e: &Expr) {
        if self.planned.left_out == 0
            && self.planned.error.is_none()
            && let Err(error) = computed(e, 0)
        {
            self.planned.error = Some(error);
        }
    }

    /// Why the statement fails before it runs.
    pub(crate) fn doomed(&mut self) -> Option<Box<Error>> {
        self.planned.error.take().map(Box::new)
    }
}

/// The arms of CASE that may be taken, and what remains if none is.
pub(crate) fn reachable<'a>(whens: &'a [(Expr, Expr)], otherwise: Option<&'a Expr>) -> Arms<'a> {
    let mut left = Vec::with_capacity(whens.len());
    for (test, then) in whens {
        match truth(test) {
            Some(false) => continue,
            Some(true) => return (left, Some(then)),
            None => {}
        }
        left.push((test.clone(), then.clone()));
    }
    if left.is_empty() && otherwise.is_none() {
        // Nothing is left but NULL: the first arm, never taken, keeps the type.
        return (whens.first().cloned().into_iter().collect(), None);
    }
    (left, otherwise)
}

/// Does the constant decide AND (OR), so that nothing behind it is looked at?
pub(crate) fn decides(part: &Expr, and: bool) -> bool {
    known(part) == Some(Some(!and))
}

/// What a condition of constants gives; NULL counts as false.
fn truth(expr: &Expr) -> Option<bool> {
    known(expr).map(|known| known == Some(true))
}

/// What a condition of constants gives, NULL included; `None` if that is not known.
fn known(expr: &Expr) -> Option<Option<bool>> {
    match &expr.kind {
        ExprKind::Const(Value::Bool(value)) => Some(Some(*value)),
        ExprKind::Const(Value::Null) => Some(None),
        ExprKind::Not(inner) => known(inner).map(|known| known.map(|value| !value)),
        ExprKind::And(parts) => arms(parts, true),
        ExprKind::Or(parts) => arms(parts, false),
        ExprKind::IsNull { arg, not, whole: _ } => {
            let ExprKind::Const(value) = &arg.kind else { return None };
            Some(Some(value.is_null() != *not))
        }
        ExprKind::Call(call) => {
            let [left, right] = call.args.as_slice() else { return None };
            let comparison = super::compare::comparison(call.func)?;
            if [left, right].iter().any(|side| matches!(side.kind, ExprKind::Const(Value::Null))) {
                return Some(None);
            }
            let order = match (integer(left), integer(right)) {
                (Some(left), Some(right)) => left.cmp(&right),
                _ => text(left, call.func)?.cmp(text(right, call.func)?),
            };
            let holds = match comparison {
                "=" => order == Ordering::Equal,
                "<>" => order != Ordering::Equal,
                "<" => order == Ordering::Less,
                "<=" => order != Ordering::Greater,
                ">" => order == Ordering::Greater,
                ">=" => order != Ordering::Less,
                _ => return None,
            };
            Some(Some(holds))
        }
        _ => None,
    }
}

/// AND (OR) of conditions.
fn arms(parts: &[Expr], and: bool) -> Option<Option<bool>> {
    let mut all = Some(Some(and));
    for part in parts {
        match known(part) {
            Some(Some(value)) if value != and => return Some(Some(!and)),
            // One that is not known, or could not be computed, comes first.
            None => return None,
            Some(None) => all = Some(None),
            Some(Some(_)) => {}
        }
    }
    all
}

/// The text that a constant is, where the function compares texts, which are in order by their bytes.
fn text<'e>(e: &'e Expr, by: &facts::Proc) -> Option<&'e str> {
    let of_text = by.args == [oid::TEXT, oid::TEXT];
    match &e.kind {
        ExprKind::Const(Value::Text(text)) if of_text => Some(text),
        ExprKind::Cast { arg, how: CastHow::Relabel, .. } => text(arg, by),
        _ => None,
    }
}

fn integer(expr: &Expr) -> Option<i64> {
    super::constant::const_int(expr)
}

/// The number that a constant is, cast to another type of numbers or not.
fn number(e: &Expr) -> Option<f64> {
    match &e.kind {
        ExprKind::Cast { arg, how: CastHow::Function(_), .. } if e.ty.oid == oid::NUMERIC => number(arg),
        _ => super::constant::const_float(e),
    }
}

/// How deep arithmetic is looked into: each level asks anew for what is below.
const MAX_DEPTH: usize = 16;

/// The integer that arithmetic of constants gives; `None` for anything else.
///
/// # Errors
/// 22012 for a division by zero (of other numbers, too), 22003 for what does not fit its type.
fn computed(e: &Expr, depth: usize) -> Result<Option<i64>> {
    if depth > MAX_DEPTH {
        return Ok(None);
    }
    if let Some(known) = integer(e) {
        return Ok(Some(known));
    }
    let call = match &e.kind {
        ExprKind::Call(call) => call,
        ExprKind::Cast { arg, how: CastHow::Function(_), .. } => {
            let Some((least, most, ty)) = bounds(e.ty.oid) else { return Ok(None) };
            let value = match &arg.kind {
                // Digits that are no bigint's.
                ExprKind::Const(Value::Numeric(text)) => text.parse::<i128>().ok(),
                _ => computed(arg, depth + 1)?.map(i128::from),
            };
            let Some(value) = value else { return Ok(None) };
            let fits = i64::try_from(value).ok().filter(|value| (least..=most).contains(value));
            return fits.map(Some).ok_or_else(|| out_of_range(ty));
        }
        _ => return Ok(None),
    };
    if call.operator.is_none() {
        return Ok(None);
    }
    let name = call.func.name;
    let by_zero = || Error::new(SqlState::DIVISION_BY_ZERO, "division by zero");
    let [left, right] = call.args.as_slice() else { return Ok(None) };
    if matches!(name, "numeric_div" | "numeric_mod" | "float4div" | "float8div" | "float48div" | "float84div") {
        let both = (number(left), number(right));
        return if matches!(both, (Some(left), Some(0.0)) if left.is_finite()) { Err(by_zero()) } else { Ok(None) };
    }
    let Some((least, most, ty)) = bounds(call.func.result) else { return Ok(None) };
    let verb = name.strip_prefix("int").unwrap_or_default().trim_start_matches(['2', '4', '8']);
    if !matches!(verb, "pl" | "mi" | "mul" | "div" | "mod") {
        return Ok(None);
    }
    let (Some(left), Some(right)) = (computed(left, depth + 1)?, computed(right, depth + 1)?) else { return Ok(None) };
    let value = match verb {
        "pl" => left.checked_add(right),
        "mi" => left.checked_sub(right),
        "mul" => left.checked_mul(right),
        "div" | "mod" if right == 0 => return Err(by_zero()),
        "div" => left.checked_div(right),
        _ => Some(left.checked_rem(right).unwrap_or(0)),
    };
    match value.filter(|value| (least..=most).contains(value)) {
        Some(value) => Ok(Some(value)),
        None => Err(out_of_range(ty)),
    }
}

/// The least and the greatest of a type of integers, and its name.
fn bounds(ty: u32) -> Option<(i64, i64, &'static str)> {
    Some(match ty {
        oid::INT2 => (i64::from(i16::MIN), i64::from(i16::MAX), "smallint"),
        oid::INT4 => (i64::from(i32::MIN), i64::from(i32::MAX), "integer"),
        oid::INT8 => (i64::MIN, i64::MAX, "bigint"),
        _ => return None,
    })
}

fn out_of_range(ty: &str) -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("{ty} out of range"))
}
