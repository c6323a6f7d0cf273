//! Targets of derived tables that nobody reads and that hold subqueries: PostgreSQL does not compute them
//! (remove_unused_subquery_outputs), while DuckDB may fail in them (21000).
//!
//! `SELECT a FROM (SELECT a, (SELECT b FROM u WHERE u.c = t.c) AS s FROM t) q` → `SELECT a FROM (SELECT a, NULL AS s FROM t) q`

use std::collections::{HashMap, HashSet};

use crate::error::Result;
use crate::sql::analyze::{children, children_mut, walk};
use crate::sql::lower::value::routine::is_volatile;
use crate::tree::{Body, CteBody, CteId, Distinct, Expr, ExprKind, FromItem, Query, RelId, Select, SetOp, Source};
use crate::types::Value;

use super::arms::has_query;

/// An output column of a query (by its [`Query::output_rel`]), or of the relation that it is.
type Place = (RelId, u16);

/// For a place: all columns.
const WHOLE: u16 = u16::MAX;

/// The query without what nobody reads; `None` if there is no such thing.
pub(crate) fn without_unused(query: &Query) -> Result<Option<Query>> {
    if !nests(query) {
        return Ok(None);
    }
    let mut uses = Uses::default();
    uses.query(query, None, false)?;
    let unused = uses.unused();
    if unused.is_empty() {
        return Ok(None);
    }
    let mut query = query.clone();
    leave_out(&mut query, &unused);
    Ok(Some(query))
}

/// Whether a query has others in it.
fn nests(query: &Query) -> bool {
    fn item(from: &FromItem) -> bool {
        match from {
            FromItem::Relation(r) => matches!(r.source, Source::Subquery(_) | Source::View { .. }),
            FromItem::Join(join) => item(&join.left) || item(&join.right),
        }
    }
    !query.ctes.is_empty()
        || match &query.body {
            Body::Select(select) => {
                let exprs = select.targets.iter().chain(&select.filter).chain(&select.having);
                select.from.iter().any(item) || exprs.into_iter().any(has_query)
            }
            Body::SetOp { left, right, .. } => nests(left) || nests(right),
            Body::Values(_) => false,
        }
}

struct With {
    output: RelId,
    columns: u16,
    readers: u32,
    /// NOT MATERIALIZED: computed by each reader for itself.
    apart: bool,
}

/// Who reads what. `None` stands for the statement itself.
#[derive(Default)]
struct Uses {
    reads: HashMap<Option<Place>, Vec<Place>>,
    /// The query that a relation is.
    outputs: HashMap<RelId, RelId>,
    with: HashMap<CteId, With>,
    /// What may go, if nobody reads it.
    spare: HashSet<Place>,
    /// Something is done besides reading: all is read.
    writes: bool,
}

impl Uses {
    /// `own`: its targets are computed for who reads them; otherwise for `reader`.
    fn query(&mut self, query: &Query, reader: Option<Place>, own: bool) -> Result<()> {
        crate::sql::heed::step()?;
        for cte in &query.ctes {
            let CteBody::Query(body) = &cte.query else {
                self.writes = true;
                continue;
            };
            let spare = !cte.recursive && cte.materialized != Some(true);
            if spare {
                let (output, columns) = (body.output_rel, cte.columns.len() as u16);
                let apart = cte.materialized == Some(false);
                self.with.insert(cte.id, With { output, columns, readers: 0, apart });
            }
            self.query(body, reader, spare)?;
        }
        match &query.body {
            Body::Select(select) => {
                for (i, target) in select.targets.iter().enumerate() {
                    let place = (query.output_rel, i as u16);
                    let spare = own && is_spare(query, select, target);
                    if spare {
                        self.spare.insert(place);
                    }
                    self.expr(target, if own && is_apart(query, select, target) { Some(place) } else { reader })?;
                }
                for item in &select.from {
                    self.from(item, reader)?;
                }
                let group = select.group_by.iter().flat_map(|group| group.exprs.iter().chain(&group.dependent));
                let rest = select.filter.iter().chain(group).chain(&select.having).chain(&select.qualify);
                let on = match &select.distinct {
                    Distinct::On(on) => on.as_slice(),
                    Distinct::All | Distinct::Distinct => &[],
                };
                for expr in rest.chain(on) {
                    self.expr(expr, reader)?;
                }
            }
            Body::SetOp { op, all, left, right } => {
                let own = own && *op == SetOp::Union && *all && query.order_by.is_empty() && query.limit.is_none();
                for side in [left, right] {
                    if own {
                        for i in 0..query.columns.len() as u16 {
                            self.reads.entry(Some((query.output_rel, i))).or_default().push((side.output_rel, i));
                        }
                    }
                    self.query(side, reader, own)?;
                }
            }
            Body::Values(rows) => {
                for expr in rows.iter().flatten() {
                    self.expr(expr, reader)?;
                }
            }
        }
        for expr in query.order_by.iter().map(|key| &key.expr).chain(&query.limit).chain(&query.offset) {
            self.expr(expr, reader)?;
        }
        Ok(())
    }

    fn from(&mut self, item: &FromItem, reader: Option<Place>) -> Result<()> {
        let relation = match item {
            FromItem::Relation(relation) => relation,
            FromItem::Join(join) => {
                self.from(&join.left, reader)?;
                self.from(&join.right, reader)?;
                return join.on.iter().try_for_each(|on| self.expr(on, reader));
            }
        };
        match &relation.source {
            Source::Subquery(query) | Source::View { query, .. } => {
                self.outputs.insert(relation.id, query.output_rel);
                self.query(query, reader, true)
            }
            Source::Cte(id) => {
                if let Some(with) = self.with.get_mut(id) {
                    with.readers += 1;
                    self.outputs.insert(relation.id, with.output);
                }
                Ok(())
            }
            Source::Function { calls, ordinality: _ } => calls.iter().try_for_each(|call| self.expr(call, reader)),
            Source::Table { def: _, only: _, sample } => {
                let parts = sample.iter().flat_map(|sample| std::iter::once(&sample.percent).chain(&sample.seed));
                parts.into_iter().try_for_each(|part| self.expr(part, reader))
            }
            Source::System { .. } | Source::Sequence { .. } | Source::Feed | Source::File(_) => Ok(()),
        }
    }

    fn expr(&mut self, expr: &Expr, reader: Option<Place>) -> Result<()> {
        match &expr.kind {
            ExprKind::Column { rel, column } => self.reads.entry(reader).or_default().push((*rel, *column)),
            ExprKind::WholeRow(rel) => self.reads.entry(reader).or_default().push((*rel, WHOLE)),
            _ => {}
        }
        let (mut exprs, mut queries) = (Vec::new(), Vec::new());
        children(expr, &mut exprs, &mut queries);
        for child in exprs {
            stacker::maybe_grow(128 << 10, 1 << 20, || self.expr(child, reader))?;
        }
        for query in queries {
            // What EXISTS selects is not computed.
            let exists = matches!(expr.kind, ExprKind::Exists(_)) && query.limit.is_none() && query.offset.is_none();
            stacker::maybe_grow(128 << 10, 1 << 20, || self.query(query, reader, exists))?;
        }
        Ok(())
    }

    fn unused(self) -> HashSet<Place> {
        let Self { reads, outputs, with, spare, writes } = self;
        if writes || spare.is_empty() {
            return HashSet::new();
        }
        // What several read is computed once, whole.
        let shared = with.values().filter(|with| with.readers > 1 && !with.apart);
        let mut open: Vec<Place> = shared.flat_map(|with| (0..with.columns).map(|i| (with.output, i))).collect();
        open.extend(reads.get(&None).into_iter().flatten());
        let mut read = HashSet::new();
        let all = |output: RelId| {
            let places = reads.keys().flatten().chain(&spare);
            places.filter(move |place| place.0 == output).copied().collect::<Vec<_>>()
        };
        while let Some((rel, column)) = open.pop() {
            let output = outputs.get(&rel).copied().unwrap_or(rel);
            match column {
                WHOLE if read.insert((output, WHOLE)) => open.extend(all(output)),
                column if read.insert((output, column)) => {
                    open.extend(reads.get(&Some((output, column))).into_iter().flatten());
                }
                _ => {}
            }
        }
        spare.difference(&read).copied().collect()
    }
}

/// Whether what a target reads is read for it alone.
fn is_apart(query: &Query, select: &Select, target: &Expr) -> bool {
    let keys = query.order_by.iter().map(|key| &key.expr);
    let groups = select.group_by.iter().flat_map(|group| &group.exprs);
    let sets = crate::sql::lower::query::returns_sets(query);
    matches!(select.distinct, Distinct::All) && !sets && !keys.chain(groups).any(has_query) && !is_volatile(target)
}

/// Whether a target may go if nobody reads it. What has no subquery DuckDB leaves out itself; without its aggregate a select
/// may be none of groups any more.
fn is_spare(query: &Query, select: &Select, target: &Expr) -> bool {
    has_query(target) && !aggregates(target) && is_apart(query, select, target)
}

fn aggregates(target: &Expr) -> bool {
    let mut found = false;
    let walked = walk(target, 0, &mut |e, _| {
        found |= matches!(e.kind, ExprKind::Aggregate(_));
        Ok(!found)
    });
    found || walked.is_err()
}

fn leave_out(query: &mut Query, unused: &HashSet<Place>) {
    for cte in &mut query.ctes {
        if let CteBody::Query(body) = &mut cte.query {
            leave_out(body, unused);
        }
    }
    let output = query.output_rel;
    match &mut query.body {
        Body::Select(select) => {
            for (i, target) in select.targets.iter_mut().enumerate() {
                match unused.contains(&(output, i as u16)) {
                    true => target.kind = ExprKind::Const(Value::Null),
                    false => leave_out_below(target, unused),
                }
            }
            select.from.iter_mut().for_each(|item| leave_out_of(item, unused));
            // What stands in several places stays alike.
            let groups =
                select.group_by.iter_mut().flat_map(|group| group.exprs.iter_mut().chain(&mut group.dependent));
            let on: &mut [Expr] = match &mut select.distinct {
                Distinct::On(on) => on,
                Distinct::All | Distinct::Distinct => &mut [],
            };
            let rest = select.filter.iter_mut().chain(&mut select.having).chain(&mut select.qualify).chain(groups);
            rest.chain(on).for_each(|expr| leave_out_below(expr, unused));
        }
        Body::SetOp { left, right, .. } => [left, right].into_iter().for_each(|side| leave_out(side, unused)),
        Body::Values(rows) => rows.iter_mut().flatten().for_each(|expr| leave_out_below(expr, unused)),
    }
    let keys = query.order_by.iter_mut().map(|key| &mut key.expr);
    keys.chain(&mut query.limit).chain(&mut query.offset).for_each(|expr| leave_out_below(expr, unused));
}

fn leave_out_of(item: &mut FromItem, unused: &HashSet<Place>) {
    match item {
        FromItem::Relation(relation) => match &mut relation.source {
            Source::Subquery(query) | Source::View { query, .. } => leave_out(query, unused),
            Source::Function { calls, .. } => calls.iter_mut().for_each(|call| leave_out_below(call, unused)),
            Source::Cte(_)
            | Source::Table { .. }
            | Source::System { .. }
            | Source::Sequence { .. }
            | Source::Feed
            | Source::File(_) => {}
        },
        FromItem::Join(join) => {
            leave_out_of(&mut join.left, unused);
            leave_out_of(&mut join.right, unused);
            join.on.iter_mut().for_each(|on| leave_out_below(on, unused));
        }
    }
}

fn leave_out_below(expr: &mut Expr, unused: &HashSet<Place>) {
    stacker::maybe_grow(128 << 10, 1 << 20, || {
        match &mut expr.kind {
            ExprKind::Exists(query) | ExprKind::ScalarSubquery(query) | ExprKind::ArraySubquery(query) => {
                leave_out(query, unused);
            }
            ExprKind::AnyAllSubquery { query, .. } => leave_out(query, unused),
            _ => {}
        }
        children_mut(expr).into_iter().for_each(|child| leave_out_below(child, unused));
    });
}
