//! Structural equality of expressions, positions aside (PostgreSQL's equal()).

mod query;

use crate::tree::{CastHow, CteId, Expr, ExprKind, FrameBound, RelId, SortKey, Subscript, Window, WindowSpec};

/// Are the two the same? Those of subqueries are, too, whose relations have numbers of their own.
pub(crate) fn same(a: &Expr, b: &Expr) -> bool {
    Pairs::default().same(a, b)
}

/// The relations of the two sides' subqueries that stand for each other.
#[derive(Default)]
struct Pairs {
    rels: Vec<(RelId, RelId)>,
    ctes: Vec<(CteId, CteId)>,
}

impl Pairs {
    fn same(&mut self, a: &Expr, b: &Expr) -> bool {
        a.ty == b.ty && self.same_kind(&a.kind, &b.kind)
    }

    fn all(&mut self, a: &[Expr], b: &[Expr]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.same(a, b))
    }

    fn optional(&mut self, a: Option<&Expr>, b: Option<&Expr>) -> bool {
        match (a, b) {
            (None, None) => true,
            (Some(a), Some(b)) => self.same(a, b),
            _ => false,
        }
    }

    fn same_kind(&mut self, a: &ExprKind, b: &ExprKind) -> bool {
        use ExprKind as K;
        match (a, b) {
            (K::Const(a), K::Const(b)) => a == b,
            (K::Param(a), K::Param(b)) => a == b,
            (K::NextValue(a), K::NextValue(b)) => a == b,
            (K::Column { rel: r1, column: c1 }, K::Column { rel: r2, column: c2 }) => {
                c1 == c2 && self.same_rel(*r1, *r2)
            }
            (K::WholeRow(a), K::WholeRow(b)) => self.same_rel(*a, *b),
            (K::Call(a), K::Call(b)) | (K::SetReturning(a), K::SetReturning(b)) => {
                a.func.oid == b.func.oid && self.all(&a.args, &b.args)
            }
            (K::Routine(a), K::Routine(b)) => a.function.oid == b.function.oid && self.all(&a.args, &b.args),
            (K::Aggregate(a), K::Aggregate(b)) => {
                a.func.oid == b.func.oid
                    && a.star == b.star
                    && a.distinct == b.distinct
                    && self.all(&a.args, &b.args)
                    && self.optional(a.filter.as_ref(), b.filter.as_ref())
                    && a.order_by.len() == b.order_by.len()
                    && a.order_by.iter().zip(&b.order_by).all(|(a, b)| self.same_key(a, b))
            }
            (K::Window(a), K::Window(b)) => self.same_window(a, b),
            (K::Cast { arg: a, how: h1, .. }, K::Cast { arg: b, how: h2, .. }) => {
                self.same_how(h1, h2) && self.same(a, b)
            }
            (K::And(a), K::And(b))
            | (K::Or(a), K::Or(b))
            | (K::Coalesce(a), K::Coalesce(b))
            | (K::Row(a), K::Row(b)) => self.all(a, b),
            (K::Not(a), K::Not(b)) => self.same(a, b),
            (K::IsNull { arg: a, not: n1, whole: w1 }, K::IsNull { arg: b, not: n2, whole: w2 }) => {
                n1 == n2 && w1 == w2 && self.same(a, b)
            }
            (K::IsBool { arg: a, test: t1, not: n1 }, K::IsBool { arg: b, test: t2, not: n2 }) => {
                t1 == t2 && n1 == n2 && self.same(a, b)
            }
            (
                K::Distinct { eq: e1, left: l1, right: r1, not: n1 },
                K::Distinct { eq: e2, left: l2, right: r2, not: n2 },
            ) => e1.oid == e2.oid && n1 == n2 && self.same(l1, l2) && self.same(r1, r2),
            (K::NullIf { eq: e1, left: l1, right: r1 }, K::NullIf { eq: e2, left: l2, right: r2 }) => {
                e1.oid == e2.oid && self.same(l1, l2) && self.same(r1, r2)
            }
            (K::Case { whens: w1, otherwise: o1, .. }, K::Case { whens: w2, otherwise: o2, .. }) => {
                w1.len() == w2.len()
                    && w1.iter().zip(w2).all(|((c1, r1), (c2, r2))| self.same(c1, c2) && self.same(r1, r2))
                    && self.optional(o1.as_deref(), o2.as_deref())
            }
            (K::MinMax { greatest: g1, args: a }, K::MinMax { greatest: g2, args: b }) => g1 == g2 && self.all(a, b),
            (
                K::AnyAll { op: o1, all: a1, left: l1, array: r1 },
                K::AnyAll { op: o2, all: a2, left: l2, array: r2 },
            ) => o1.oid == o2.oid && a1 == a2 && self.same(l1, l2) && self.same(r1, r2),
            (K::Array { items: a, nested: n1 }, K::Array { items: b, nested: n2 }) => n1 == n2 && self.all(a, b),
            (K::Subscript { array: a, indices: i1 }, K::Subscript { array: b, indices: i2 }) => {
                self.same(a, b) && i1.len() == i2.len() && i1.iter().zip(i2).all(|(a, b)| self.same_subscript(a, b))
            }
            (K::Field { row: a, field: f1 }, K::Field { row: b, field: f2 }) => f1 == f2 && self.same(a, b),
            (K::Session(a, _), K::Session(b, _)) => a == b,
            (K::Collate { arg: a, collation: c1 }, K::Collate { arg: b, collation: c2 }) => c1 == c2 && self.same(a, b),
            (K::Grouping(a), K::Grouping(b)) => a == b,
            (
                K::RowCompare { op_name: n1, ops: o1, left: l1, right: r1 },
                K::RowCompare { op_name: n2, ops: o2, left: l2, right: r2 },
            ) => {
                n1 == n2
                    && o1.iter().map(|o| o.oid).eq(o2.iter().map(|o| o.oid))
                    && self.all(l1, l2)
                    && self.all(r1, r2)
            }
            (K::Exists(a), K::Exists(b))
            | (K::ScalarSubquery(a), K::ScalarSubquery(b))
            | (K::ArraySubquery(a), K::ArraySubquery(b)) => self.same_query(a, b),
            (
                K::AnyAllSubquery { of: a1, op_name: n1, ops: o1, left: l1, casts: c1, query: q1 },
                K::AnyAllSubquery { of: a2, op_name: n2, ops: o2, left: l2, casts: c2, query: q2 },
            ) => {
                let cast = |this: &mut Self, a: &Option<CastHow>, b: &Option<CastHow>| match (a, b) {
                    (None, None) => true,
                    (Some(a), Some(b)) => this.same_how(a, b),
                    _ => false,
                };
                a1 == a2
                    && n1 == n2
                    && o1.iter().map(|o| o.oid).eq(o2.iter().map(|o| o.oid))
                    && self.all(l1, l2)
                    && c1.len() == c2.len()
                    && c1.iter().zip(c2).all(|(a, b)| cast(self, a, b))
                    && self.same_query(q1, q2)
            }
            _ => false,
        }
    }

    fn same_key(&mut self, a: &SortKey, b: &SortKey) -> bool {
        a.descending == b.descending && a.nulls_first == b.nulls_first && self.same(&a.expr, &b.expr)
    }

    fn same_window(&mut self, a: &Window, b: &Window) -> bool {
        a.func.oid == b.func.oid
            && a.star == b.star
            && self.all(&a.args, &b.args)
            && self.optional(a.filter.as_ref(), b.filter.as_ref())
            && self.same_spec(&a.spec, &b.spec)
    }

    fn same_spec(&mut self, a: &WindowSpec, b: &WindowSpec) -> bool {
        self.all(&a.partition_by, &b.partition_by)
            && a.order_by.len() == b.order_by.len()
            && a.order_by.iter().zip(&b.order_by).all(|(a, b)| self.same_key(a, b))
            && match (&a.frame, &b.frame) {
                (None, None) => true,
                (Some(a), Some(b)) => {
                    a.units == b.units
                        && a.exclude == b.exclude
                        && self.same_bound(&a.start, &b.start)
                        && self.same_bound(&a.end, &b.end)
                }
                _ => false,
            }
    }

    fn same_bound(&mut self, a: &FrameBound, b: &FrameBound) -> bool {
        match (a, b) {
            (FrameBound::Preceding(a), FrameBound::Preceding(b))
            | (FrameBound::Following(a), FrameBound::Following(b)) => self.same(a, b),
            _ => std::mem::discriminant(a) == std::mem::discriminant(b),
        }
    }

    fn same_subscript(&mut self, a: &Subscript, b: &Subscript) -> bool {
        match (a, b) {
            (Subscript::Index(a), Subscript::Index(b)) => self.same(a, b),
            (Subscript::Slice(a, b), Subscript::Slice(c, d)) => {
                self.optional(a.as_ref(), c.as_ref()) && self.optional(b.as_ref(), d.as_ref())
            }
            _ => false,
        }
    }

    fn same_how(&mut self, a: &CastHow, b: &CastHow) -> bool {
        match (a, b) {
            (CastHow::Function(a), CastHow::Function(b)) => a.oid == b.oid,
            (CastHow::ArrayElements(a), CastHow::ArrayElements(b)) => self.same_how(a, b),
            (CastHow::Domain(a), CastHow::Domain(b)) => a == b,
            _ => std::mem::discriminant(a) == std::mem::discriminant(b),
        }
    }
}
