//! Equality of subqueries: their clauses one by one, with the relations of one for those of the other.

use super::Pairs;
use crate::tree::{Body, CteBody, Distinct, FromItem, GroupBy, Join, Query, RelId, Relation, Select, SortKey, Source};

impl Pairs {
    /// A relation of a subquery is the one that came in its place; one from outside is itself.
    pub(super) fn same_rel(&self, a: RelId, b: RelId) -> bool {
        match self.rels.iter().rev().find(|(left, right)| *left == a || *right == b) {
            Some(pair) => *pair == (a, b),
            None => a == b,
        }
    }

    pub(super) fn same_query(&mut self, a: &Query, b: &Query) -> bool {
        let (rels, ctes) = (self.rels.len(), self.ctes.len());
        self.rels.push((a.output_rel, b.output_rel));
        let same = self.same_clauses(a, b);
        self.rels.truncate(rels);
        self.ctes.truncate(ctes);
        same
    }

    fn same_clauses(&mut self, a: &Query, b: &Query) -> bool {
        let Query { ctes, recursive, body, order_by, limit, offset, with_ties, locking, columns, output_rel: _ } = a;
        // Rows are locked each time.
        let plain =
            *recursive == b.recursive && *with_ties == b.with_ties && locking.is_empty() && b.locking.is_empty();
        plain
            && columns.len() == b.columns.len()
            && columns.iter().zip(&b.columns).all(|(a, b)| a.ty == b.ty)
            && ctes.len() == b.ctes.len()
            && ctes.iter().zip(&b.ctes).all(|(a, b)| {
                // It may refer to itself.
                self.ctes.push((a.id, b.id));
                let (CteBody::Query(left), CteBody::Query(right)) = (&a.query, &b.query) else { return false };
                a.materialized == b.materialized && a.recursive == b.recursive && self.same_query(left, right)
            })
            && self.same_body(body, &b.body)
            && self.keys(order_by, &b.order_by)
            && self.optional(limit.as_ref(), b.limit.as_ref())
            && self.optional(offset.as_ref(), b.offset.as_ref())
    }

    fn keys(&mut self, a: &[SortKey], b: &[SortKey]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.same_key(a, b))
    }

    fn same_body(&mut self, a: &Body, b: &Body) -> bool {
        match (a, b) {
            (Body::Select(a), Body::Select(b)) => self.same_select(a, b),
            (
                Body::SetOp { op: o1, all: a1, left: l1, right: r1 },
                Body::SetOp { op: o2, all: a2, left: l2, right: r2 },
            ) => o1 == o2 && a1 == a2 && self.same_query(l1, l2) && self.same_query(r1, r2),
            (Body::Values(a), Body::Values(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.all(a, b)),
            _ => false,
        }
    }

    fn same_select(&mut self, a: &Select, b: &Select) -> bool {
        let Select { distinct, targets, from, filter, group_by, having, windows: _, qualify, aggregated } = a;
        let mut same = *aggregated == b.aggregated
            && from.len() == b.from.len()
            && from.iter().zip(&b.from).all(|(a, b)| self.same_from(a, b));
        same = same && self.all(targets, &b.targets) && self.optional(filter.as_ref(), b.filter.as_ref());
        same = same
            && match (distinct, &b.distinct) {
                (Distinct::All, Distinct::All) | (Distinct::Distinct, Distinct::Distinct) => true,
                (Distinct::On(a), Distinct::On(b)) => self.all(a, b),
                _ => false,
            };
        same && self.same_group(group_by.as_ref(), b.group_by.as_ref())
            && self.optional(having.as_ref(), b.having.as_ref())
            && self.optional(qualify.as_ref(), b.qualify.as_ref())
    }

    fn same_group(&mut self, a: Option<&GroupBy>, b: Option<&GroupBy>) -> bool {
        match (a, b) {
            (None, None) => true,
            (Some(a), Some(b)) => a.sets == b.sets && self.all(&a.exprs, &b.exprs),
            _ => false,
        }
    }

    fn same_from(&mut self, a: &FromItem, b: &FromItem) -> bool {
        match (a, b) {
            (FromItem::Relation(a), FromItem::Relation(b)) => self.same_relation(a, b),
            (FromItem::Join(a), FromItem::Join(b)) => self.same_join(a, b),
            _ => false,
        }
    }

    fn same_join(&mut self, a: &Join, b: &Join) -> bool {
        a.kind == b.kind
            && self.same_from(&a.left, &b.left)
            && self.same_from(&a.right, &b.right)
            && self.optional(a.on.as_ref(), b.on.as_ref())
    }

    fn same_relation(&mut self, a: &Relation, b: &Relation) -> bool {
        let same = a.columns.len() == b.columns.len()
            && a.columns.iter().zip(&b.columns).all(|(a, b)| a.ty == b.ty && a.attnum == b.attnum)
            && self.same_source(&a.source, &b.source);
        self.rels.push((a.id, b.id));
        same
    }

    fn same_source(&mut self, a: &Source, b: &Source) -> bool {
        match (a, b) {
            // A sample differs each time.
            (Source::Table { def: d1, only: o1, sample: None }, Source::Table { def: d2, only: o2, sample: None }) => {
                d1.oid == d2.oid && o1 == o2
            }
            (Source::System { def: a, sample: None }, Source::System { def: b, sample: None }) => a.oid == b.oid,
            (Source::Sequence { def: a }, Source::Sequence { def: b }) => a.oid == b.oid,
            (Source::View { def: a, .. }, Source::View { def: b, .. }) => a.oid == b.oid,
            (Source::Subquery(a), Source::Subquery(b)) => self.same_query(a, b),
            (Source::Cte(a), Source::Cte(b)) => match self.ctes.iter().rev().find(|(left, _)| left == a) {
                Some((_, right)) => right == b,
                None => a == b,
            },
            (Source::Function { calls: c1, ordinality: o1 }, Source::Function { calls: c2, ordinality: o2 }) => {
                o1 == o2 && self.all(c1, c2)
            }
            _ => false,
        }
    }
}
