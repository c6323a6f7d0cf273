//! Does what is said of a row say something else, too (predicate_implied_by)? In the same words, or as comparisons of one value with
//! constants.

use std::cmp::Ordering;

use crate::error::Result;
use crate::facts::OPERATORS;
use crate::registry::Snapshot;
use crate::registry::partition::compare;
use crate::tree::{Call, Expr, ExprKind};
use crate::types::{PgType, Value};

/// A condition of a row, or a part of one that AND binds to others.
pub(super) struct Said {
    /// As it is printed.
    text: String,
    compared: Option<Compared>,
    /// What is NULL only if the condition is not met, as it is printed.
    present: Vec<String>,
    /// `x IS NOT NULL`: x as it is printed.
    not_null: Option<String>,
}

/// `x < 5`
struct Compared {
    of: String,
    operator: &'static str,
    value: Value,
    ty: PgType,
}

impl Said {
    /// # Errors
    /// It cannot be printed.
    pub(super) fn new(expr: &Expr, print: &dyn Fn(&Expr) -> Result<String>) -> Result<Self> {
        let mut said = Self { text: print(expr)?, compared: None, present: Vec::new(), not_null: None };
        match &expr.kind {
            ExprKind::Call(call) if call.func.strict => {
                if let Some(operator) = comparison(call) {
                    said.present = call.args.iter().map(print).collect::<Result<_>>()?;
                    if let [left, Expr { kind: ExprKind::Const(value), ty, .. }] = call.args.as_slice()
                        && left.ty.oid == ty.oid
                    {
                        let of = print(left)?;
                        said.compared = Some(Compared { of, operator, value: value.clone(), ty: *ty });
                    }
                }
            }
            ExprKind::IsNull { arg, not: true, whole: _ } => said.not_null = Some(print(arg)?),
            _ => {}
        }
        Ok(said)
    }

    /// Is a row of which this is said one of which the other can be said?
    pub(super) fn implies(&self, other: &Self, snapshot: &Snapshot) -> bool {
        self.text == other.text
            || other.not_null.as_ref().is_some_and(|value| self.present.contains(value))
            || matches!((&self.compared, &other.compared), (Some(own), Some(other)) if own.implies(other, snapshot))
    }
}

fn comparison(call: &Call) -> Option<&'static str> {
    let name = OPERATORS.by_oid(call.operator?)?.name;
    matches!(name, "<" | "<=" | "=" | ">=" | ">").then_some(name)
}

impl Compared {
    fn implies(&self, other: &Self, snapshot: &Snapshot) -> bool {
        if self.of != other.of || self.ty.oid != other.ty.oid {
            return false;
        }
        let Some(order) = compare(&self.value, &other.value, self.ty, snapshot) else { return false };
        match (self.operator, other.operator) {
            ("=", "=") => order == Ordering::Equal,
            ("=", "<") | ("<=", "<") => order == Ordering::Less,
            ("=", "<=") | ("<", "<" | "<=") | ("<=", "<=") => order != Ordering::Greater,
            ("=", ">") | (">=", ">") => order == Ordering::Greater,
            ("=", ">=") | (">", ">" | ">=") | (">=", ">=") => order != Ordering::Less,
            _ => false,
        }
    }
}
