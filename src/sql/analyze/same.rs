//! Structural equality of expressions, positions aside (PostgreSQL's equal()).

use crate::tree::{CastHow, Expr, ExprKind, Subscript, Window, WindowSpec};

pub(crate) fn same(a: &Expr, b: &Expr) -> bool {
    a.ty == b.ty && same_kind(&a.kind, &b.kind)
}

fn all(a: &[Expr], b: &[Expr]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
}

fn optional(a: Option<&Expr>, b: Option<&Expr>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => same(a, b),
        _ => false,
    }
}

fn same_kind(a: &ExprKind, b: &ExprKind) -> bool {
    use ExprKind as K;
    match (a, b) {
        (K::Const(a), K::Const(b)) => a == b,
        (K::Param(a), K::Param(b)) => a == b,
        (K::NextValue(a), K::NextValue(b)) => a == b,
        (K::Column { rel: r1, column: c1 }, K::Column { rel: r2, column: c2 }) => r1 == r2 && c1 == c2,
        (K::WholeRow(a), K::WholeRow(b)) => a == b,
        (K::Call(a), K::Call(b)) | (K::SetReturning(a), K::SetReturning(b)) => {
            a.func.oid == b.func.oid && all(&a.args, &b.args)
        }
        (K::Routine(a), K::Routine(b)) => a.function.oid == b.function.oid && all(&a.args, &b.args),
        (K::Aggregate(a), K::Aggregate(b)) => {
            a.func.oid == b.func.oid
                && a.star == b.star
                && a.distinct == b.distinct
                && all(&a.args, &b.args)
                && optional(a.filter.as_ref(), b.filter.as_ref())
                && a.order_by.len() == b.order_by.len()
                && a.order_by.iter().zip(&b.order_by).all(|(a, b)| same_key(a, b))
        }
        (K::Window(a), K::Window(b)) => same_window(a, b),
        (K::Cast { arg: a, how: h1, .. }, K::Cast { arg: b, how: h2, .. }) => same_how(h1, h2) && same(a, b),
        (K::And(a), K::And(b)) | (K::Or(a), K::Or(b)) | (K::Coalesce(a), K::Coalesce(b)) | (K::Row(a), K::Row(b)) => {
            all(a, b)
        }
        (K::Not(a), K::Not(b)) => same(a, b),
        (K::IsNull { arg: a, not: n1 }, K::IsNull { arg: b, not: n2 }) => n1 == n2 && same(a, b),
        (K::IsBool { arg: a, test: t1, not: n1 }, K::IsBool { arg: b, test: t2, not: n2 }) => {
            t1 == t2 && n1 == n2 && same(a, b)
        }
        (
            K::Distinct { eq: e1, left: l1, right: r1, not: n1 },
            K::Distinct { eq: e2, left: l2, right: r2, not: n2 },
        ) => e1.oid == e2.oid && n1 == n2 && same(l1, l2) && same(r1, r2),
        (K::NullIf { eq: e1, left: l1, right: r1 }, K::NullIf { eq: e2, left: l2, right: r2 }) => {
            e1.oid == e2.oid && same(l1, l2) && same(r1, r2)
        }
        (K::Case { whens: w1, otherwise: o1, .. }, K::Case { whens: w2, otherwise: o2, .. }) => {
            w1.len() == w2.len()
                && w1.iter().zip(w2).all(|((c1, r1), (c2, r2))| same(c1, c2) && same(r1, r2))
                && optional(o1.as_deref(), o2.as_deref())
        }
        (K::MinMax { greatest: g1, args: a }, K::MinMax { greatest: g2, args: b }) => g1 == g2 && all(a, b),
        (K::AnyAll { op: o1, all: a1, left: l1, array: r1 }, K::AnyAll { op: o2, all: a2, left: l2, array: r2 }) => {
            o1.oid == o2.oid && a1 == a2 && same(l1, l2) && same(r1, r2)
        }
        (K::Array { items: a, nested: n1 }, K::Array { items: b, nested: n2 }) => n1 == n2 && all(a, b),
        (K::Subscript { array: a, indices: i1 }, K::Subscript { array: b, indices: i2 }) => {
            same(a, b) && i1.len() == i2.len() && i1.iter().zip(i2).all(|(a, b)| same_subscript(a, b))
        }
        (K::Field { row: a, field: f1 }, K::Field { row: b, field: f2 }) => f1 == f2 && same(a, b),
        (K::Session(a, _), K::Session(b, _)) => a == b,
        (K::Collate { arg: a, collation: c1 }, K::Collate { arg: b, collation: c2 }) => c1 == c2 && same(a, b),
        (K::Grouping(a), K::Grouping(b)) => a == b,
        (
            K::RowCompare { op_name: n1, ops: o1, left: l1, right: r1 },
            K::RowCompare { op_name: n2, ops: o2, left: l2, right: r2 },
        ) => n1 == n2 && o1.iter().map(|o| o.oid).eq(o2.iter().map(|o| o.oid)) && all(l1, l2) && all(r1, r2),
        // Two subqueries are never taken for the same one.
        _ => false,
    }
}

fn same_key(a: &crate::tree::SortKey, b: &crate::tree::SortKey) -> bool {
    a.descending == b.descending && a.nulls_first == b.nulls_first && same(&a.expr, &b.expr)
}

fn same_window(a: &Window, b: &Window) -> bool {
    a.func.oid == b.func.oid
        && a.star == b.star
        && all(&a.args, &b.args)
        && optional(a.filter.as_ref(), b.filter.as_ref())
        && same_spec(&a.spec, &b.spec)
}

fn same_spec(a: &WindowSpec, b: &WindowSpec) -> bool {
    all(&a.partition_by, &b.partition_by)
        && a.order_by.len() == b.order_by.len()
        && a.order_by.iter().zip(&b.order_by).all(|(a, b)| same_key(a, b))
        && a.frame.is_none()
        && b.frame.is_none()
}

fn same_subscript(a: &Subscript, b: &Subscript) -> bool {
    match (a, b) {
        (Subscript::Index(a), Subscript::Index(b)) => same(a, b),
        (Subscript::Slice(a, b), Subscript::Slice(c, d)) => {
            optional(a.as_ref(), c.as_ref()) && optional(b.as_ref(), d.as_ref())
        }
        _ => false,
    }
}

fn same_how(a: &CastHow, b: &CastHow) -> bool {
    match (a, b) {
        (CastHow::Function(a), CastHow::Function(b)) => a.oid == b.oid,
        (CastHow::ArrayElements(a), CastHow::ArrayElements(b)) => same_how(a, b),
        (CastHow::Domain(a), CastHow::Domain(b)) => a == b,
        _ => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}
