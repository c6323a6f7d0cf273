//! Intervals that are equal need not be the same: one month is thirty days, and adds something else to a date. DuckDB goes by
//! equality where it must not.
//!
//! It computes one expression for two that differ in a constant only: `a + '1 month'`, `a + '30 days'` →
//! `a + '1 month'`, `a + coalesce('30 days', to_days(random()))`, which is no constant for it.

use crate::sql::lower::ir::walk::statement_values_mut;
use crate::sql::lower::ir::{Node, Scalar, Statement};
use crate::types::Phys;

/// Keeps equal constants apart.
pub(crate) fn told_apart(statement: &mut Statement) {
    let mut constants = Vec::new();
    statement_values_mut(statement, &mut |value| {
        if let Some(constant) = constant(value).filter(|constant| !constants.contains(constant)) {
            constants.push(constant);
        }
    });
    let equal = |a: &Constant, b: &Constant| match (a.length(), b.length()) {
        (Some(a), Some(b)) => a == b,
        // Nobody knows a parameter.
        _ => true,
    };
    let shadowed: Vec<Constant> = constants
        .iter()
        .enumerate()
        .filter(|(at, constant)| constants[..*at].iter().any(|before| equal(before, constant)))
        .map(|(_, constant)| constant.clone())
        .collect();
    if !shadowed.is_empty() {
        statement_values_mut(statement, &mut |value| {
            if constant(value).is_some_and(|constant| shadowed.contains(&constant)) {
                let own = std::mem::replace(value, Scalar::null(Phys::Void));
                let text = "coalesce({0}, to_days(CAST(random() AS INTEGER)))";
                *value = Scalar::template(text, vec![own], Phys::Interval);
            }
        });
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Constant {
    /// As `constant.rs` writes it: months, days, microseconds.
    Known([i64; 3]),
    Param(u16),
}

impl Constant {
    /// By which they are equal: a month has thirty days.
    fn length(&self) -> Option<i128> {
        const DAY: i128 = 86_400_000_000;
        match self {
            Self::Known([months, days, micros]) => {
                Some((i128::from(*months) * 30 + i128::from(*days)) * DAY + i128::from(*micros))
            }
            Self::Param(_) => None,
        }
    }
}

fn constant(value: &Scalar) -> Option<Constant> {
    if value.phys != Phys::Interval {
        return None;
    }
    match &value.node {
        Node::Param(number) => Some(Constant::Param(*number)),
        Node::Template { text, args, draw: 0 } if args.is_empty() && text.starts_with("(to_months(") => {
            let numbers = text.split(|c: char| c != '-' && !c.is_ascii_digit()).filter(|part| !part.is_empty());
            let numbers: Vec<i64> = numbers.map(str::parse).collect::<Result<_, _>>().ok()?;
            <[i64; 3]>::try_from(numbers).ok().map(Constant::Known)
        }
        _ => None,
    }
}
