//! `char(n)` and its blanks: what carries it has none, what shows it has them.
//!
//! `coalesce(c, 'x')` of a char(4) → `coalesce(rpad(c, 4, ' '), 'x')`; `b = 'a  '` of a bpchar → `rtrim(b, ' ') = 'a'`

use crate::facts::Proc;
use crate::sql::lower::ir::{Node, Scalar, template};
use crate::sql::signatures;
use crate::tree::Expr;
use crate::types::{Phys, oid};

/// The value as it compares, and as the cast to text gives it: without trailing blanks.
pub(crate) fn trimmed(value: Scalar) -> Scalar {
    match value.phys {
        Phys::Padded => match &value.node {
            Node::Literal(text) => Scalar::literal(text.trim_end_matches(' '), Phys::Text),
            Node::Cast(inner) if matches!(inner.phys, Phys::Text | Phys::Padded) => {
                trimmed(Scalar { phys: Phys::Padded, ..(**inner).clone() })
            }
            _ if value.is_null_literal() => value.cast(Phys::Text),
            _ => Scalar::template("rtrim({0}, ' ')", vec![value], Phys::Text),
        },
        Phys::Char(_) => Scalar { phys: Phys::Text, ..value },
        _ => value,
    }
}

/// The value with its blanks: as its output function writes it, and as it is where its length is not known any more.
pub(crate) fn padded(value: Scalar) -> Scalar {
    match value.phys {
        Phys::Char(length) => Scalar::template(template!["rpad({0}, ", length, ", ' ')"], vec![value], Phys::Padded),
        Phys::Text => Scalar { phys: Phys::Padded, ..value },
        _ => value,
    }
}

/// What carries the values of two carriers of which one is `bpchar`'s; `None` if none is.
pub(crate) fn meet(left: &Phys, right: &Phys) -> Option<Phys> {
    match (left, right) {
        (Phys::Char(a), Phys::Char(b)) if a == b => Some(left.clone()),
        (Phys::Char(_) | Phys::Padded, Phys::Char(_) | Phys::Padded | Phys::Text)
        | (Phys::Text, Phys::Char(_) | Phys::Padded) => Some(Phys::Padded),
        _ => None,
    }
}

/// The function takes a `bpchar` with its blanks; all others find none at its end.
pub(crate) fn sees_blanks(func: &Proc) -> bool {
    func.name.contains("like") || func.name.contains("regex") || gives_one(func)
}

/// The function gives one of its arguments back.
fn gives_one(func: &Proc) -> bool {
    matches!(func.name, "bpchar_larger" | "bpchar_smaller")
}

/// The arguments of a function that sees blanks, with them. A pattern that ends in % is as true without.
pub(crate) fn seen_by(func: &Proc, mut args: Vec<Scalar>, trees: &[Expr]) -> Vec<Scalar> {
    if gives_one(func) {
        return args.into_iter().map(padded).collect();
    }
    if func.args.first() == Some(&oid::BPCHAR)
        && sees_blanks(func)
        && !signatures::padding_is_no_matter(trees)
        && let Some(first) = args.first_mut()
    {
        let value = std::mem::replace(first, Scalar::null(Phys::Void));
        *first = padded(value);
    }
    args
}
