//! Walking the tree, and the rule that ungrouped columns stand only inside aggregates (parseCheckAggregates).

use super::Analyzer;
use super::same::same;
use crate::error::{Error, Result, SqlState};
use crate::tree::{
    Body, Cte, CteBody, Distinct, Expr, ExprKind, FrameBound, FromItem, GroupBy, Place, Query, RelId, Select, SortKey,
    Source, Subscript,
};

/// What stands directly under an expression.
pub(crate) enum Child<'e> {
    Expr(&'e Expr),
    Query(&'e Query),
}

/// Shows the expressions directly under one, then the queries, until one of them is refused.
fn each_child<'e>(expr: &'e Expr, see: &mut dyn FnMut(Child<'e>) -> Result<()>) -> Result<()> {
    use ExprKind as K;
    let mut all = |exprs: &mut dyn Iterator<Item = &'e Expr>| {
        for expr in exprs {
            see(Child::Expr(expr))?;
        }
        Ok(())
    };
    match &expr.kind {
        K::Const(_) | K::Param(_) | K::Column { .. } | K::WholeRow(_) | K::Session(_, _) | K::NextValue(_) => Ok(()),
        K::Default | K::Grouping(_) => Ok(()),
        K::Call(c) | K::SetReturning(c) => all(&mut c.args.iter()),
        K::Routine(r) => {
            all(&mut r.args.iter())?;
            see(Child::Query(&r.body))
        }
        K::Aggregate(a) => all(&mut a.args.iter().chain(a.order_by.iter().map(|k| &k.expr)).chain(&a.filter)),
        K::Window(w) => {
            all(&mut w.args.iter().chain(&w.filter).chain(&w.spec.partition_by))?;
            all(&mut w.spec.order_by.iter().map(|k| &k.expr))?;
            let bounds = w.spec.frame.iter().flat_map(|f| [&f.start, &f.end]);
            all(&mut bounds.filter_map(|bound| match bound {
                FrameBound::Preceding(e) | FrameBound::Following(e) => Some(&**e),
                _ => None,
            }))
        }
        K::Cast { arg, .. } | K::Not(arg) | K::IsNull { arg, .. } | K::IsBool { arg, .. } | K::Collate { arg, .. } => {
            see(Child::Expr(arg))
        }
        K::Field { row, .. } => see(Child::Expr(row)),
        K::And(items) | K::Or(items) | K::Coalesce(items) | K::Row(items) => all(&mut items.iter()),
        K::MinMax { args, .. } | K::Extended { args, .. } => all(&mut args.iter()),
        K::Array { items, .. } => all(&mut items.iter()),
        K::Distinct { left, right, .. } | K::NullIf { left, right, .. } => all(&mut [&**left, &**right].into_iter()),
        K::AnyAll { left, array, .. } => all(&mut [&**left, &**array].into_iter()),
        K::RowCompare { left, right, .. } => all(&mut left.iter().chain(right)),
        K::Case { simple: _, whens, otherwise } => {
            all(&mut whens.iter().flat_map(|(c, r)| [c, r]).chain(otherwise.as_deref()))
        }
        K::Subscript { array, indices } => {
            all(&mut std::iter::once(&**array).chain(indices.iter().flat_map(subscript_parts)))
        }
        K::Put { whole, place, value } => {
            all(&mut [&**whole, &**value].into_iter())?;
            match place {
                Place::Items(indices) => all(&mut indices.iter().flat_map(subscript_parts)),
                _ => Ok(()),
            }
        }
        K::Exists(q) | K::ScalarSubquery(q) | K::ArraySubquery(q) => see(Child::Query(q)),
        K::AnyAllSubquery { left, query, .. } => {
            all(&mut left.iter())?;
            see(Child::Query(query))
        }
    }
}

/// The expressions directly under one, and the queries.
pub(crate) fn children<'e>(expr: &'e Expr, exprs: &mut Vec<&'e Expr>, queries: &mut Vec<&'e Query>) {
    let seen = each_child(expr, &mut |child| {
        match child {
            Child::Expr(expr) => exprs.push(expr),
            Child::Query(query) => queries.push(query),
        }
        Ok(())
    });
    debug_assert!(seen.is_ok());
}

/// The expressions directly under one, to be changed. Queries are left out.
pub(crate) fn children_mut(expr: &mut Expr) -> Vec<&mut Expr> {
    use ExprKind as K;
    let mut out: Vec<&mut Expr> = Vec::new();
    match &mut expr.kind {
        K::Const(_) | K::Param(_) | K::Column { .. } | K::WholeRow(_) | K::Session(_, _) | K::NextValue(_) => {}
        K::Default | K::Grouping(_) | K::Exists(_) | K::ScalarSubquery(_) | K::ArraySubquery(_) => {}
        K::Call(c) | K::SetReturning(c) => out.extend(&mut c.args),
        K::Routine(r) => out.extend(&mut r.args),
        K::Aggregate(a) => {
            out.extend(&mut a.args);
            out.extend(a.order_by.iter_mut().map(|k| &mut k.expr));
            out.extend(&mut a.filter);
        }
        K::Window(w) => {
            out.extend(&mut w.args);
            out.extend(&mut w.filter);
            out.extend(&mut w.spec.partition_by);
            out.extend(w.spec.order_by.iter_mut().map(|k| &mut k.expr));
        }
        K::Cast { arg, .. } | K::Not(arg) | K::IsNull { arg, .. } | K::IsBool { arg, .. } | K::Collate { arg, .. } => {
            out.push(arg);
        }
        K::Field { row, .. } => out.push(row),
        K::And(items) | K::Or(items) | K::Coalesce(items) | K::Row(items) => out.extend(items),
        K::MinMax { args, .. } | K::Extended { args, .. } => out.extend(args),
        K::Array { items, .. } => out.extend(items),
        K::Distinct { left, right, .. } | K::NullIf { left, right, .. } => out.extend([&mut **left, &mut **right]),
        K::AnyAll { left, array, .. } => out.extend([&mut **left, &mut **array]),
        K::AnyAllSubquery { left, .. } => out.extend(left),
        K::RowCompare { left, right, .. } => out.extend(left.iter_mut().chain(right)),
        K::Case { simple: _, whens, otherwise } => {
            out.extend(whens.iter_mut().flat_map(|(c, r)| [c, r]));
            out.extend(otherwise.as_deref_mut());
        }
        K::Subscript { array, indices } => {
            out.push(array);
            out.extend(indices.iter_mut().flat_map(subscript_parts_mut));
        }
        K::Put { whole, place, value } => {
            out.extend([&mut **whole, &mut **value]);
            if let Place::Items(indices) = place {
                out.extend(indices.iter_mut().flat_map(subscript_parts_mut));
            }
        }
    }
    out
}

fn subscript_parts(index: &Subscript) -> Vec<&Expr> {
    match index {
        Subscript::Index(e) => vec![e],
        Subscript::Slice(a, b) => a.iter().chain(b).collect(),
    }
}

fn subscript_parts_mut(index: &mut Subscript) -> Vec<&mut Expr> {
    match index {
        Subscript::Index(e) => vec![e],
        Subscript::Slice(a, b) => a.iter_mut().chain(b).collect(),
    }
}

/// Replaces each column of a relation by what `value` gives for it.
pub(crate) fn substitute(expr: &mut Expr, rel: RelId, value: &dyn Fn(u16) -> Option<Expr>) {
    if let ExprKind::Column { rel: r, column } = expr.kind
        && r == rel
    {
        if let Some(replacement) = value(column) {
            *expr = replacement;
        }
        return;
    }
    for child in children_mut(expr) {
        substitute(child, rel, value);
    }
}

/// What goes through a tree.
struct Visit<'v> {
    /// Gets each expression, and how many queries deep it is; false where a branch ends.
    expr: &'v mut dyn FnMut(&Expr, usize) -> Result<bool>,
    /// Whether a query is gone into.
    enters: &'v dyn Fn(&Query) -> bool,
}

/// Calls `visit` for an expression and everything under it, queries included, until it says false for a branch.
/// `visit` gets how many queries deep it is.
pub(crate) fn walk(expr: &Expr, depth: usize, visit: &mut dyn FnMut(&Expr, usize) -> Result<bool>) -> Result<()> {
    go(expr, depth, &mut Visit { expr: visit, enters: &|_| true })
}

fn go(expr: &Expr, depth: usize, visit: &mut Visit<'_>) -> Result<()> {
    crate::sql::heed::step()?;
    if !(visit.expr)(expr, depth)? {
        return Ok(());
    }
    each_child(expr, &mut |child| match child {
        Child::Expr(child) => stacker::maybe_grow(128 << 10, 1 << 20, || go(child, depth, visit)),
        Child::Query(query) => go_query(query, depth + 1, visit),
    })
}

/// All expressions of a query that may refer to outer levels.
pub(crate) fn walk_query(
    query: &Query,
    depth: usize,
    visit: &mut dyn FnMut(&Expr, usize) -> Result<bool>,
) -> Result<()> {
    go_query(query, depth, &mut Visit { expr: visit, enters: &|_| true })
}

/// As [`walk_query`], but for queries below it of which `enters` says no.
pub(crate) fn walk_query_where(
    query: &Query,
    enters: &dyn Fn(&Query) -> bool,
    visit: &mut dyn FnMut(&Expr, usize) -> Result<bool>,
) -> Result<()> {
    go_query(query, 0, &mut Visit { expr: visit, enters })
}

fn go_query(query: &Query, depth: usize, visit: &mut Visit<'_>) -> Result<()> {
    if !(visit.enters)(query) {
        return Ok(());
    }
    for Cte { query, .. } in &query.ctes {
        if let CteBody::Query(query) = query {
            go_query(query, depth + 1, visit)?;
        }
    }
    match &query.body {
        Body::Select(select) => {
            for item in &select.from {
                go_from(item, depth, visit)?;
            }
            let on: &[Expr] = match &select.distinct {
                Distinct::On(on) => on,
                Distinct::All | Distinct::Distinct => &[],
            };
            let group = select.group_by.iter().flat_map(|g| &g.exprs);
            let rest = select.targets.iter().chain(&select.filter).chain(group).chain(&select.having);
            for expr in rest.chain(&select.qualify).chain(on) {
                go(expr, depth, visit)?;
            }
        }
        Body::SetOp { left, right, .. } => {
            go_query(left, depth, visit)?;
            go_query(right, depth, visit)?;
        }
        Body::Values(rows) => {
            for expr in rows.iter().flatten() {
                go(expr, depth, visit)?;
            }
        }
    }
    let order = query.order_by.iter().map(|k| &k.expr);
    for expr in order.chain(&query.limit).chain(&query.offset) {
        go(expr, depth, visit)?;
    }
    Ok(())
}

fn go_from(item: &FromItem, depth: usize, visit: &mut Visit<'_>) -> Result<()> {
    match item {
        FromItem::Join(join) => {
            go_from(&join.left, depth, visit)?;
            go_from(&join.right, depth, visit)?;
            if let Some(on) = &join.on {
                go(on, depth, visit)?;
            }
        }
        FromItem::Relation(relation) => match &relation.source {
            Source::Subquery(query) => go_query(query, depth + 1, visit)?,
            Source::Function { calls, .. } => {
                for call in calls {
                    go(call, depth, visit)?;
                }
            }
            Source::Table { .. }
            | Source::System { .. }
            | Source::Sequence { .. }
            | Source::View { .. }
            | Source::Cte(_)
            | Source::Feed
            | Source::File(_) => {}
        },
    }
    Ok(())
}

/// The position of the first column of these relations in an expression.
pub(crate) fn first_column_of(expr: &Expr, rels: &[RelId]) -> Option<u32> {
    let mut found = None;
    let _ = walk(expr, 0, &mut |e, _| {
        if let ExprKind::Column { rel, .. } | ExprKind::WholeRow(rel) = &e.kind
            && rels.contains(rel)
        {
            found = found.or(Some(e.pos));
        }
        Ok(found.is_none())
    });
    found
}

/// Does a query have columns of these relations around it?
pub(crate) fn refers_to(query: &Query, rels: &[RelId]) -> bool {
    let mut found = false;
    let _ = walk_query(query, 0, &mut |e, _| {
        found |= matches!(&e.kind, ExprKind::Column { rel, .. } | ExprKind::WholeRow(rel) if rels.contains(rel));
        Ok(!found)
    });
    found
}

/// What a select groups by.
struct Groups<'e> {
    exprs: &'e [Expr],
    /// Those that are in all of its grouping sets.
    common: Vec<&'e Expr>,
}

impl<'e> Groups<'e> {
    fn of(group_by: Option<&'e GroupBy>) -> Self {
        let Some(group) = group_by else { return Self { exprs: &[], common: Vec::new() } };
        let everywhere = |i: &u16| group.sets.iter().all(|set| set.contains(i));
        let common = group.exprs.iter().zip(0_u16..).filter(|(_, i)| everywhere(i)).map(|(e, _)| e).collect();
        Self { exprs: &group.exprs, common }
    }
}

impl Analyzer<'_> {
    /// parseCheckAggregates for a select whose clauses are all analyzed.
    pub(crate) fn check_grouping(&mut self, select: &mut Select, order_by: &mut [SortKey]) -> Result<()> {
        if !select.aggregated {
            return Ok(());
        }
        let mut dependent = Vec::new();
        let groups = Groups::of(select.group_by.as_ref());
        let on: &[Expr] = match &select.distinct {
            Distinct::On(on) => on,
            Distinct::All | Distinct::Distinct => &[],
        };
        let order = order_by.iter().map(|k| &k.expr);
        for expr in select.targets.iter().chain(&select.having).chain(order).chain(on) {
            self.check_grouped(expr, &groups, &mut dependent)?;
        }
        if let Some(group) = &mut select.group_by {
            group.dependent = dependent;
        }
        Ok(())
    }

    /// Collects in `dependent` the columns that may stand there because their table's primary key is grouped by.
    fn check_grouped(&self, expr: &Expr, groups: &Groups<'_>, dependent: &mut Vec<Expr>) -> Result<()> {
        let Some(scope) = self.scopes.last() else { return Ok(()) };
        let rels = &scope.rels;
        walk(expr, 0, &mut |e, depth| {
            // In subqueries only grouped columns are known again.
            let may_be = |g: &&Expr| depth == 0 || matches!(g.kind, ExprKind::Column { .. });
            if groups.exprs.iter().filter(may_be).any(|g| same(g, e)) {
                return Ok(false);
            }
            match &e.kind {
                ExprKind::Aggregate(aggregate) if depth == 0 => {
                    // Direct arguments stand outside of the aggregate.
                    if aggregate.func.agg_kind != b'n' {
                        for argument in &aggregate.args {
                            self.check_grouped(argument, groups, dependent)?;
                        }
                    }
                    Ok(false)
                }
                ExprKind::Column { rel, .. } | ExprKind::WholeRow(rel) if rels.contains(rel) => {
                    if self.determined_by_key(*rel, &groups.common) {
                        for column in self.columns_of(e) {
                            if !groups.exprs.iter().chain(&*dependent).any(|known| same(known, &column)) {
                                dependent.push(column);
                            }
                        }
                        return Ok(false);
                    }
                    let name = self.column_label(e);
                    let message = if depth == 0 {
                        format!(
                            "column \"{name}\" must appear in the GROUP BY clause or be used in an aggregate function"
                        )
                    } else {
                        format!("subquery uses ungrouped column \"{name}\" from outer query")
                    };
                    Err(Error::new(SqlState::GROUPING_ERROR, message).at(e.pos))
                }
                _ => Ok(true),
            }
        })
    }

    /// A table's column, or all of them for its whole row.
    fn columns_of(&self, expr: &Expr) -> Vec<Expr> {
        let ExprKind::WholeRow(rel) = &expr.kind else { return vec![expr.clone()] };
        let columns = self.rel_tables.get(rel).map(|def| super::from::table_columns(def)).unwrap_or_default();
        let each = columns.iter().zip(0..).map(|(column, i)| Expr {
            kind: ExprKind::Column { rel: *rel, column: i },
            ty: column.ty,
            ..expr.clone()
        });
        each.collect()
    }

    /// Whether the expressions that every grouping set has hold the relation's whole primary key (check_functional_grouping).
    fn determined_by_key(&self, rel: RelId, groups: &[&Expr]) -> bool {
        let Some(def) = self.rel_tables.get(&rel) else { return false };
        let columns = match def.primary_key().map(|key| &key.kind) {
            Some(crate::registry::ConstraintKind::PrimaryKey { columns }) => columns,
            _ => match crate::facts::catalog_key(def.oid) {
                Some(columns) => columns,
                None => return false,
            },
        };
        columns.iter().all(|num| {
            groups.iter().any(|g| match &g.kind {
                ExprKind::Column { rel: r, column } => {
                    *r == rel && def.columns.get(usize::from(*column)).is_some_and(|c| c.num == *num)
                }
                _ => false,
            })
        })
    }

    /// `alias.column`, for messages.
    pub(crate) fn column_label(&self, expr: &Expr) -> String {
        let items = || self.scopes.iter().rev().flat_map(|s| &s.items);
        match &expr.kind {
            ExprKind::Column { rel, column } => {
                let item = items().find(|i| i.rel == Some(*rel));
                item.and_then(|i| i.columns.get(usize::from(*column)).map(|c| format!("{}.{}", i.alias, c.name)))
                    .unwrap_or_default()
            }
            ExprKind::WholeRow(rel) => {
                items().find(|i| i.rel == Some(*rel)).map(|i| format!("{}.*", i.alias)).unwrap_or_default()
            }
            _ => String::new(),
        }
    }
}
