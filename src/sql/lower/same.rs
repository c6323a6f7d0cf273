//! What DuckDB compares in place of values that are stored, as text: for questions of the gateway's own about keys.

use super::ir::{Alias, Node, Scalar};
use super::value::{blanks, compare, numeric};
use crate::sql::render;
use crate::types::Phys;

/// A value of which a question speaks.
#[derive(Debug, Clone, Copy)]
pub enum Operand<'a> {
    /// A column of a row that goes by `t<n>`.
    Column(u32, &'a str),
    /// The n-th parameter, from 0; they come in order.
    Param(u16),
}

fn scalar(operand: Operand<'_>, phys: &Phys) -> Scalar {
    match operand {
        Operand::Column(alias, name) => Scalar::column(Alias::Rel(alias), name, phys.clone()),
        Operand::Param(n) => Scalar::new(Node::Param(n), phys.clone()),
    }
}

/// The column of a row that goes by `t<n>`, and what is compared in its place, with what carries that.
pub(super) fn with_key(value: &Scalar) -> (String, String, Phys) {
    let key = compare::sort_key(value.clone());
    (render::scalar(value), render::scalar(&key), key.phys)
}

/// As [`with_key`], of a column.
pub fn column_key(alias: u32, name: &str, phys: &Phys) -> (String, String, Phys) {
    with_key(&scalar(Operand::Column(alias, name), phys))
}

/// A value and what carries it.
pub type Given<'a> = (Operand<'a>, &'a Phys);

/// That values (the first of each pair) are those that others, which refer to them, say: by the equality of the former, as a
/// foreign key asks.
pub fn are_same<'a>(pairs: impl IntoIterator<Item = (Given<'a>, Given<'a>)>) -> String {
    let tests = pairs.into_iter().map(|(to, from)| is_same(to, from)).collect();
    Scalar::and(tests).map_or_else(|| "true".to_owned(), |all| render::scalar(&all))
}

fn is_same((to, to_phys): Given<'_>, (from, from_phys): Given<'_>) -> Scalar {
    let (to, from) = (scalar(to, to_phys), scalar(from, from_phys));
    let (to, from) = match (to_phys, from_phys) {
        (Phys::Float4 | Phys::Float8, Phys::Numeric) => (to, from.cast(Phys::Float8)),
        (Phys::Numeric, _) | (_, Phys::Numeric) => (by_worth(to), by_worth(from)),
        (Phys::Char(_) | Phys::Padded, _) => (without_blanks(to), without_blanks(from)),
        _ => (compare::sort_key(to), compare::sort_key(from)),
    };
    Scalar::template("({0} = {1})", vec![to, from], Phys::Bool)
}

/// The key of a number that is compared as `numeric`.
fn by_worth(value: Scalar) -> Scalar {
    let value = match value.phys {
        Phys::Int2 | Phys::Int4 | Phys::Int8 => Scalar { phys: Phys::Numeric, ..value.cast(Phys::Text) },
        _ => value,
    };
    numeric::numeric_key(value)
}

/// A text that is compared as `char(n)`.
fn without_blanks(value: Scalar) -> Scalar {
    match value.phys {
        Phys::Text => blanks::trimmed(Scalar { phys: Phys::Padded, ..value }),
        _ => blanks::trimmed(value),
    }
}
