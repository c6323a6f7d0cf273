//! Calls of functions that read tables, of what a select computes over several rows: the select goes into FROM, and the calls
//! stand around it. Inside their bodies, DuckDB takes its aggregates for the bodies' own.
//!
//! `SELECT f(count(*)) FROM t` with f of `SELECT sum(d) + $1 FROM u` →
//! `SELECT (SELECT sum(d) + t9.c0 FROM u) FROM (SELECT count(*) AS c0 FROM t) AS t9`

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::sql::analyze::{children_mut, refers_to, same, walk};
use crate::sql::lower::Lowerer;
use crate::sql::lower::value::routine::{is_volatile, reads};
use crate::tree::{Body, Distinct, Expr, ExprKind, Field, FromItem, Query, RelColumn, RelId, Relation, Select, Source};

/// Relation ids from here on stand for selects in FROM that were none.
pub(crate) const LIFTED: u32 = 1 << 29;

/// Whether an expression has, outside of queries, aggregates and windows, a call that `wanted` asks for.
fn calls(e: &Expr, groups: &[Expr], wanted: &dyn Fn(&Expr) -> bool) -> bool {
    let mut found = false;
    let _ = walk(e, 0, &mut |e, depth| {
        if depth > 0 || groups.iter().any(|g| same(g, e)) {
            return Ok(false);
        }
        Ok(match &e.kind {
            ExprKind::Aggregate(_) | ExprKind::Window(_) => false,
            ExprKind::Routine(r) if reads(&r.body) => {
                found |= r.args.iter().any(wanted);
                !found
            }
            _ => !found,
        })
    });
    found
}

/// Is there, outside of queries, anything of this kind?
fn has(e: &Expr, kind: impl Fn(&ExprKind) -> bool) -> bool {
    let mut found = false;
    let _ = walk(e, 0, &mut |e, depth| {
        found |= depth == 0 && kind(&e.kind);
        Ok(depth == 0 && !found)
    });
    found
}

/// The same for all rows, whatever the select is.
fn is_fixed(e: &Expr) -> bool {
    let of_rows = |kind: &ExprKind| {
        is_set(kind)
            || matches!(
                kind,
                ExprKind::Column { .. }
                    | ExprKind::WholeRow(_)
                    | ExprKind::Aggregate(_)
                    | ExprKind::Window(_)
                    | ExprKind::Grouping(_)
                    | ExprKind::SetReturning(_)
                    | ExprKind::Exists(_)
                    | ExprKind::ScalarSubquery(_)
                    | ExprKind::ArraySubquery(_)
                    | ExprKind::AnyAllSubquery { .. }
            )
    };
    !has(e, of_rows) && !is_volatile(e)
}

/// Is there, outside of queries, a function that returns a set?
pub(crate) fn has_sets(e: &Expr) -> bool {
    has(e, is_set)
}

fn is_set(kind: &ExprKind) -> bool {
    match kind {
        ExprKind::SetReturning(_) => true,
        ExprKind::Routine(r) => r.function.returns_set,
        _ => false,
    }
}

fn set_of_sets(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::SetReturning(call) => call.args.iter().any(|a| has(a, is_set)),
        ExprKind::Routine(r) => r.args.iter().any(|a| has(a, is_set)),
        _ => false,
    }
}

/// The select that goes into FROM.
struct Below {
    rel: RelId,
    groups: Vec<Expr>,
    rels: Vec<RelId>,
    targets: Vec<Expr>,
    /// Sets go below, too, but for those of other sets.
    sets: bool,
    /// Targets that are sorted by, or made distinct by, and are drawn.
    drawn: Vec<Expr>,
}

impl Below {
    /// An expression of the select, over the columns of what it has become.
    fn above(&mut self, e: &Expr) -> Result<Expr> {
        let any = |_: &Expr| true;
        let grouped = self.groups.iter().any(|g| same(g, e));
        if !grouped && is_fixed(e) {
            return Ok(e.clone());
        }
        let calls = || calls(e, &self.groups, &any) || has(e, is_set);
        let whole = matches!(e.kind, ExprKind::Aggregate(_) | ExprKind::Window(_) | ExprKind::Column { .. });
        let set = self.sets && is_set(&e.kind) && !set_of_sets(e);
        let drawn = self.drawn.iter().any(|d| same(d, e));
        // Others are computed after the sort, as everything volatile is.
        let late = !drawn && is_volatile(e);
        if grouped || whole || set || drawn || !(late || calls()) {
            return Ok(self.column(e));
        }
        let mut e = e.clone();
        let stays = match &e.kind {
            ExprKind::AnyAllSubquery { query, .. } => !refers_to(query, &self.rels),
            _ => true,
        };
        if !stays {
            return Err(Error::unsupported("a function that reads tables beside this subquery").at(e.pos));
        }
        let reads = matches!(&e.kind, ExprKind::Routine(r) if reads(&r.body));
        for child in children_mut(&mut e) {
            // DuckDB computes a query once for equal arguments.
            *child = if reads && is_volatile(child) { self.column(child) } else { self.above(child)? };
        }
        Ok(e)
    }

    fn column(&mut self, e: &Expr) -> Expr {
        let known = matches!(e.kind, ExprKind::Column { .. }).then(|| self.targets.iter().position(|t| same(t, e)));
        let at = known.flatten().unwrap_or(self.targets.len());
        if at == self.targets.len() {
            self.targets.push(e.clone());
        }
        Expr { kind: ExprKind::Column { rel: self.rel, column: at as u16 }, ty: e.ty, pos: e.pos }
    }
}

fn rels_of(item: &FromItem, out: &mut Vec<RelId>) {
    match item {
        FromItem::Relation(relation) => out.push(relation.id),
        FromItem::Join(join) => {
            rels_of(&join.left, out);
            rels_of(&join.right, out);
        }
    }
}

/// Volatile targets by whose values the rows are sorted or made distinct: they are computed once, below.
fn drawn_keys(select: &Select, query: &Query) -> Vec<Expr> {
    let is_target = |e: &&Expr| is_volatile(e) && select.targets.iter().any(|t| same(t, e));
    let keys = query.order_by.iter().map(|k| &k.expr);
    let found: Vec<&Expr> = match &select.distinct {
        Distinct::All => keys.filter(is_target).collect(),
        Distinct::Distinct => select.targets.iter().filter(|t| is_volatile(t)).collect(),
        Distinct::On(on) => keys.chain(on).filter(is_target).collect(),
    };
    // Only what is known for the same again comes to an end.
    found.into_iter().filter(|e| !has(e, is_set) && same(e, e)).cloned().collect()
}

/// All that a select computes after its rows are found and grouped.
fn computed<'q>(select: &'q Select, query: &'q Query) -> Vec<&'q Expr> {
    let on: &[Expr] = match &select.distinct {
        Distinct::On(on) => on,
        Distinct::All | Distinct::Distinct => &[],
    };
    let rest = select.having.iter().chain(&select.qualify).chain(on);
    select.targets.iter().chain(rest).chain(query.order_by.iter().map(|k| &k.expr)).collect()
}

impl Lowerer<'_> {
    /// The query with its select in FROM, if it calls such functions.
    pub(crate) fn lifted(&mut self, query: &Query) -> Result<Option<Query>> {
        let Body::Select(select) = &query.body else { return Ok(None) };
        let drawn = drawn_keys(select, query);
        if drawn.is_empty() && self.cx.snapshot.functions.is_empty() {
            return Ok(None);
        }
        let computed = computed(select, query);
        let groups = select.group_by.as_ref().map(|g| g.exprs.as_slice()).unwrap_or_default();
        let grouped = select.aggregated || select.group_by.is_some();
        let windows = |e: &Expr| has(e, |kind| matches!(kind, ExprKind::Window(_)));
        let rows = !select.from.is_empty();
        let wanted = |e: &Expr| grouped && !is_fixed(e) || windows(e) || has_sets(e) || rows && is_volatile(e);
        if drawn.is_empty() && !computed.iter().any(|e| calls(e, groups, &wanted)) {
            return Ok(None);
        }
        self.made += 1;
        let mut below = Below {
            rel: RelId(LIFTED + self.made),
            groups: groups.to_vec(),
            rels: Vec::new(),
            targets: Vec::new(),
            sets: computed.iter().any(|e| calls(e, groups, &has_sets)),
            drawn,
        };
        select.from.iter().for_each(|item| rels_of(item, &mut below.rels));
        self.lift(select, query, below, &wanted).map(Some)
    }

    fn lift(
        &mut self,
        select: &Select,
        query: &Query,
        mut below: Below,
        wanted: &dyn Fn(&Expr) -> bool,
    ) -> Result<Query> {
        let over = |e: &Expr| has(e, |kind| matches!(kind, ExprKind::Window(_)));
        let moved = select.having.as_ref().filter(|e| calls(e, &below.groups, wanted));
        if moved.is_some() && computed(select, query).into_iter().any(over) {
            return Err(Error::unsupported("a function that reads tables in HAVING, beside window functions"));
        }
        let targets = select.targets.iter().map(|t| below.above(t)).collect::<Result<Vec<_>>>()?;
        let distinct = match &select.distinct {
            Distinct::All => Distinct::All,
            Distinct::Distinct => Distinct::Distinct,
            Distinct::On(on) => {
                let keys = on.iter().map(|e| key(&mut below, e, select, &targets));
                Distinct::On(keys.collect::<Result<_>>()?)
            }
        };
        let mut orders = Vec::with_capacity(query.order_by.len());
        for key in &query.order_by {
            orders.push(match &key.expr.kind {
                ExprKind::Column { rel, .. } if *rel == query.output_rel => key.expr.clone(),
                _ => self::key(&mut below, &key.expr, select, &targets)?,
            });
        }
        let filters = moved.into_iter().chain(&select.qualify).map(|e| below.above(e)).collect::<Result<Vec<_>>>()?;
        let having = if moved.is_some() { None } else { select.having.clone() };
        let Below { rel, targets: inside, .. } = below;
        let name: Arc<str> = "computed".into();
        let fields: Vec<Field> =
            inside.iter().map(|t| Field { name: name.clone(), ty: t.ty, origin: (0, 0), row: None }).collect();
        let columns = inside.iter().map(|t| RelColumn { name: name.clone(), ty: t.ty, attnum: 0 }).collect();
        let inner = Select { distinct: Distinct::All, targets: inside, having, qualify: None, ..select.clone() };
        self.made += 1;
        let inner = Query::of(Body::Select(Box::new(inner)), fields, RelId(LIFTED + self.made));
        let source = Source::Subquery(Box::new(inner));
        let relation = Relation { id: rel, alias: name, source, columns, lateral: false, pos: 0 };
        let filter = match filters.len() {
            0 | 1 => filters.into_iter().next(),
            _ => filters.first().cloned().map(|first| Expr { kind: ExprKind::And(filters), ..first }),
        };
        let from = vec![FromItem::Relation(Box::new(relation))];
        let around = Select { distinct, filter, ..Select::of(targets, from) };
        let mut query = Query { body: Body::Select(Box::new(around)), locking: Vec::new(), ..query.clone() };
        for (key, expr) in query.order_by.iter_mut().zip(orders) {
            key.expr = expr;
        }
        Ok(query)
    }
}

/// A key over the columns; one that is a target is that target.
fn key(below: &mut Below, e: &Expr, select: &Select, targets: &[Expr]) -> Result<Expr> {
    match select.targets.iter().position(|t| same(t, e)) {
        Some(at) => Ok(targets[at].clone()),
        None => below.above(e),
    }
}
