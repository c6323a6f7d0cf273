//! Views that can be written through: INSERT, UPDATE and DELETE of such a view are those of its table (rewriteTargetView).
//!
//! `UPDATE v SET a = 1 WHERE b = 2`, v being `SELECT x AS a, y AS b FROM t WHERE z`, is `UPDATE t SET x = 1 WHERE y = 2 AND z`:
//! names in scope are the view's and stand for expressions over the table. What each view on the way lets the statement read
//! and write is noted beside it, for the check of privileges.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::check::{substitute, walk};
use super::scope::{NsColumn, NsItem};
use super::{Analyzer, Expr, ExprKind};
use crate::error::{Error, Result, SqlState};
use crate::registry::{CheckOption, Relation as TableDef, RelationKind};
use crate::tree::{
    Body, CastHow, CheckedRow, Distinct, FromItem, Query, RelId, Relation, RowCheck, Select, Source, TargetRules,
    Through, ThroughView,
};
use crate::types::{Oid, PgType, oid};

/// A view that a statement writes to, down to its table.
#[derive(Debug, Clone)]
pub(crate) struct ViewTarget {
    verb: &'static str,
    /// The table.
    pub def: Arc<TableDef>,
    /// The table as the innermost view has it in FROM.
    pub base: Relation,
    /// The table's columns that the innermost view reads.
    used: BTreeSet<u16>,
    /// What the outermost view's columns are, over the table.
    columns: Vec<Expr>,
    /// From the one that the statement names inwards.
    levels: Vec<Level>,
}

/// One view on the way.
#[derive(Debug, Clone)]
struct Level {
    def: Arc<TableDef>,
    /// In whose name what is below it is read and written; `None`: of whoever asks.
    owner: Option<Oid>,
    /// The table's columns that its columns are, where they are no more than that.
    simple: Vec<Option<u16>>,
    /// Its columns that the view above reads.
    used: BTreeSet<u16>,
    filter: Option<Expr>,
}

impl ViewTarget {
    /// Whether names see this view by the item.
    pub fn is(&self, item: &NsItem) -> bool {
        item.rel.is_none() && item.columns.len() == self.columns.len() && item.row_type == self.view().row_type
    }

    fn view(&self) -> &TableDef {
        &self.levels[0].def
    }

    /// The table's column that a column of the view is.
    pub fn column(&self, name: &str, pos: u32) -> Result<u16> {
        let view = self.view();
        let Some(at) = view.columns.iter().position(|c| &*c.name == name) else {
            let message = format!("column \"{name}\" of relation \"{}\" does not exist", view.name);
            return Err(Error::new(SqlState::UNDEFINED_COLUMN, message).at(pos));
        };
        self.nth(at)
    }

    /// As [`Self::column`], of the view's column of that place.
    pub fn nth(&self, at: usize) -> Result<u16> {
        let level = &self.levels[0];
        if let Some(column) = level.simple.get(at).copied().flatten() {
            return Ok(column);
        }
        let name = level.def.columns.get(at).map_or("", |c| &*c.name);
        let message = format!("cannot {} column \"{name}\" of view \"{}\"", self.verb, level.def.name);
        Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
            .detail("View columns that are not columns of their base relation are not updatable."))
    }

    /// How many columns the view has.
    pub fn width(&self) -> usize {
        self.view().columns.len()
    }

    /// The conditions of WITH CHECK OPTION, inner views first, over the table's row; with the views that they are of.
    fn checks(&self) -> Vec<(&Arc<str>, Vec<&Expr>)> {
        let mut cascaded = false;
        let mut checks = Vec::new();
        for (i, level) in self.levels.iter().enumerate() {
            let own = level.def.rules.check_option;
            cascaded |= own == Some(CheckOption::Cascaded);
            // What an outer view's CASCADED reaches is checked at the inner ones, each by its own condition.
            if (own.is_some() || cascaded)
                && let Some(filter) = &level.filter
            {
                checks.push((&self.levels[i].def.name, vec![filter]));
            }
        }
        checks.reverse();
        checks
    }
}

impl Analyzer<'_> {
    /// The table below a view, and the way to it. `verb` is as in [`Self::writable`].
    ///
    /// # Errors
    /// 55000 if the view cannot be written through.
    pub(crate) fn view_target(&mut self, def: &Arc<TableDef>, verb: &'static str) -> Result<ViewTarget> {
        let RelationKind::View { definition, search_path } = &def.kind else {
            return Err(Error::internal("the target of no view"));
        };
        let query = self.expand_view(def, definition, search_path)?;
        let target = self.flatten(def, query, verb)?;
        if verb != DELETE && target.levels[0].simple.iter().all(Option::is_none) {
            let why = "Views that have no updatable columns are not automatically updatable.";
            return Err(not_updatable(def, verb, why));
        }
        Ok(target)
    }

    fn flatten(&mut self, def: &Arc<TableDef>, query: Query, verb: &'static str) -> Result<ViewTarget> {
        if let Some(why) = why_not(&query) {
            return Err(not_updatable(def, verb, why));
        }
        let simple_only = |what: &str| {
            Error::unsupported(format!("{what} in a view that is written to")).hint("Change the table itself.")
        };
        let Body::Select(select) = query.body else { return Err(Error::internal("a view of no SELECT")) };
        let Select { mut targets, from, mut filter, .. } = *select;
        if targets.iter().chain(&filter).any(has_query) {
            return Err(simple_only("a subquery"));
        }
        if !query.locking.is_empty() {
            return Err(simple_only("FOR UPDATE"));
        }
        let Some(FromItem::Relation(relation)) = from.into_iter().next() else {
            return Err(Error::internal("a view of no relation"));
        };
        if def.rules.barrier {
            // Its condition and the statement's would be one.
            return Err(simple_only("security_barrier"));
        }
        let used: BTreeSet<u16> = columns_read(targets.iter().chain(&filter), relation.id);
        let owner = (!def.rules.invoker).then_some(def.owner);
        let (base, table, read, mut below) = match &relation.source {
            Source::Table { def: table, only: _, sample: _ } => {
                let table = Arc::clone(table);
                (*relation, table, used, Vec::new())
            }
            Source::View { def: inner, query, owner: _ } => {
                let mut inner = self.flatten(&Arc::clone(inner), (**query).clone(), verb)?;
                if targets.iter().chain(&filter).any(|e| is_whole(e, relation.id)) {
                    return Err(simple_only("a whole row"));
                }
                let columns = std::mem::take(&mut inner.columns);
                for expr in targets.iter_mut().chain(&mut filter) {
                    substitute(expr, relation.id, &|c| columns.get(usize::from(c)).cloned());
                }
                if let Some(first) = inner.levels.first_mut() {
                    first.used = used;
                }
                (inner.base, inner.def, inner.used, inner.levels)
            }
            _ => {
                let message = format!("permission denied: view \"{}\" is over a system catalog", def.name);
                return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
            }
        };
        let simple = targets.iter().map(|t| simple_column(t, &base)).collect();
        below.insert(0, Level { def: Arc::clone(def), owner, simple, used: BTreeSet::new(), filter });
        self.rel_tables.insert(base.id, Arc::clone(&table));
        self.origins.insert(base.id, base.columns.iter().map(|c| (table.oid, c.attnum)).collect());
        let columns = targets.into_iter().map(marked).collect();
        Ok(ViewTarget { verb: column_verb(verb), def: table, base, used: read, columns, levels: below })
    }

    /// Puts the view's names into the current level's namespace, for its table as `target`.
    pub(crate) fn scope_view(&mut self, target: &Relation, view: &Arc<ViewTarget>, aliased: bool) {
        let def = Arc::clone(&view.levels[0].def);
        let column = |(column, expr): (&crate::registry::Column, &Expr)| NsColumn {
            name: Arc::clone(&column.name),
            expr: Expr { pos: 0, ..expr.clone() },
            hidden: false,
        };
        let mut item = NsItem::new(Arc::clone(&target.alias), target.id, &[]);
        item.rel = None;
        item.row_type = def.row_type;
        item.columns = def.columns.iter().zip(&view.columns).map(column).collect();
        if !aliased {
            item.namespace = Some(Arc::clone(&def.namespace));
        }
        let scope = self.scope();
        scope.target = Some(target.id);
        scope.rels.push(target.id);
        scope.items.push(item);
        scope.view = Some(Arc::clone(view));
    }

    /// What is left to do once the statement is analyzed: the views' conditions on the rows that are there (`filter`) and on
    /// new ones, and what the statement reads (`read`) and writes of the views.
    pub(crate) fn through(
        &mut self,
        filter: Option<&mut Option<Expr>>,
        read: &[&Expr],
        written: &[u16],
    ) -> (Option<Box<Through>>, Option<Box<TargetRules>>) {
        let Some(view) = self.scope().view.clone() else { return (None, None) };
        let columns = columns_read(read.iter().copied(), view.base.id);
        let mut views: Vec<ThroughView> = Vec::with_capacity(view.levels.len());
        for (i, level) in view.levels.iter().enumerate() {
            let wrote = |at: &u16| level.simple[usize::from(*at)].is_some_and(|c| written.contains(&c));
            let all = || 0..level.simple.len() as u16;
            let read = match i {
                0 => {
                    all().filter(|at| is_read(&view.columns[usize::from(*at)], &columns, read, view.base.id)).collect()
                }
                _ if views[0].read.is_empty() => BTreeSet::new(),
                _ => level.used.clone(),
            };
            views.push(ThroughView {
                id: self.new_rel(),
                def: Arc::clone(&level.def),
                owner: level.owner,
                read,
                written: all().filter(wrote).collect(),
            });
        }
        let has_rows = filter.is_some();
        if let Some(filter) = filter {
            let conditions = view.levels.iter().rev().filter_map(|l| l.filter.clone());
            let all: Vec<Expr> = conditions.chain(filter.take()).collect();
            *filter = match all.len() {
                0 | 1 => all.into_iter().next(),
                _ => Some(Expr { kind: ExprKind::And(all), ty: PgType::new(oid::BOOL), pos: 0 }),
            };
        }
        let rules = if has_rows && written.is_empty() { None } else { self.view_rules(&view) };
        let below = if views[0].read.is_empty() { BTreeSet::new() } else { view.used.clone() };
        (Some(Box::new(Through { views, below })), rules)
    }

    fn view_rules(&mut self, view: &ViewTarget) -> Option<Box<TargetRules>> {
        let (row, new_row) = (self.new_rel(), self.new_rel());
        let mut checks = Vec::new();
        for (name, conditions) in view.checks() {
            for condition in conditions {
                let mut condition = condition.clone();
                substitute(&mut condition, view.base.id, &|column| {
                    let ty = view.base.columns.get(usize::from(column))?.ty;
                    Some(Expr { kind: ExprKind::Column { rel: new_row, column }, ty, pos: 0 })
                });
                checks.push(RowCheck {
                    condition,
                    policy: None,
                    checked: CheckedRow::New,
                    view: Some(Arc::clone(name)),
                });
            }
        }
        if checks.is_empty() {
            return None;
        }
        let rules =
            TargetRules { row, filter: None, masks: Vec::new(), new_row, checks, conflict: None, deleted: Vec::new() };
        Some(Box::new(rules))
    }
}

/// WITH CHECK OPTION is for views that can be written through.
pub(crate) fn check_option_fits(query: &Query) -> Result<()> {
    let Some(why) = why_not(query) else { return Ok(()) };
    let message = "WITH CHECK OPTION is supported only on automatically updatable views";
    Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).hint(why))
}

/// The relation below a view of this query that can be written through, its number, and what the view's columns are.
pub fn written_through(query: &Query) -> Option<(&Arc<TableDef>, RelId, &[Expr])> {
    let Body::Select(select) = &query.body else { return None };
    let [FromItem::Relation(relation)] = select.from.as_slice() else { return None };
    match &relation.source {
        Source::Table { def, .. } | Source::View { def, .. } if why_not(query).is_none() => {
            Some((def, relation.id, &select.targets))
        }
        _ => None,
    }
}

const DELETE: &str = "delete from";

fn column_verb(verb: &'static str) -> &'static str {
    if verb == DELETE { "update" } else { verb }
}

fn not_updatable(view: &TableDef, verb: &str, why: &str) -> Error {
    let message = format!("cannot {verb} view \"{}\"", view.name);
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message).detail(why).hint("Change the table itself.")
}

/// view_query_is_auto_updatable: why a view of this query cannot be written through.
fn why_not(query: &Query) -> Option<&'static str> {
    const SINGLE: &str = "Views that do not select from a single table or view are not automatically updatable.";
    let select = match &query.body {
        Body::Select(select) => select,
        Body::SetOp { .. } => {
            return Some("Views containing UNION, INTERSECT, or EXCEPT are not automatically updatable.");
        }
        Body::Values(_) => return Some(SINGLE),
    };
    let any = |test: &dyn Fn(&ExprKind) -> bool| select.targets.iter().any(|t| holds(t, test));
    if !matches!(select.distinct, Distinct::All) {
        return Some("Views containing DISTINCT are not automatically updatable.");
    }
    if select.group_by.is_some() {
        return Some("Views containing GROUP BY are not automatically updatable.");
    }
    if select.having.is_some() {
        return Some("Views containing HAVING are not automatically updatable.");
    }
    if !query.ctes.is_empty() {
        return Some("Views containing WITH are not automatically updatable.");
    }
    if query.limit.is_some() || query.offset.is_some() {
        return Some("Views containing LIMIT or OFFSET are not automatically updatable.");
    }
    if select.aggregated {
        return Some("Views that return aggregate functions are not automatically updatable.");
    }
    if select.qualify.is_some() || any(&|kind| matches!(kind, ExprKind::Window(_))) {
        return Some("Views that return window functions are not automatically updatable.");
    }
    if select.targets.iter().any(super::call::makes_rows) {
        return Some("Views that return set-returning functions are not automatically updatable.");
    }
    let [FromItem::Relation(relation)] = select.from.as_slice() else { return Some(SINGLE) };
    match &relation.source {
        Source::Table { sample: Some(_), .. } | Source::System { sample: Some(_), .. } => {
            Some("Views containing TABLESAMPLE are not automatically updatable.")
        }
        Source::Table { def, .. } if matches!(def.kind, RelationKind::Table) => None,
        Source::View { .. } | Source::System { .. } => None,
        _ => Some(SINGLE),
    }
}

fn simple_column(target: &Expr, base: &Relation) -> Option<u16> {
    match target.kind {
        ExprKind::Column { rel, column } if rel == base.id => {
            base.columns.get(usize::from(column)).filter(|c| c.attnum > 0).map(|_| column)
        }
        _ => None,
    }
}

/// Whether a statement that reads these columns of the table may have read this column of the view: if it has read all that the
/// column is made of; where that is none of the table's, if the column's expression is there.
fn is_read(column: &Expr, columns: &BTreeSet<u16>, read: &[&Expr], base: RelId) -> bool {
    let made_of = columns_read(std::iter::once(column), base);
    if made_of.is_empty() && !is_whole(column, base) {
        let mut found = false;
        for expr in read {
            let _ = walk(expr, 0, &mut |e, _| {
                found |= super::same::same(e, column);
                Ok(!found)
            });
        }
        return found;
    }
    made_of.is_subset(columns)
}

/// A constant as a column of a view, told from others of its value: as a cast to its own type.
fn marked(expr: Expr) -> Expr {
    if !matches!(expr.kind, ExprKind::Const(_)) {
        return expr;
    }
    let (ty, pos) = (expr.ty, expr.pos);
    Expr { kind: ExprKind::Cast { arg: Box::new(expr), how: CastHow::Relabel, explicit: true }, ty, pos }
}

/// The columns of a relation that expressions refer to, in queries under them too.
fn columns_read<'e>(exprs: impl Iterator<Item = &'e Expr>, of: RelId) -> BTreeSet<u16> {
    let mut found = BTreeSet::new();
    for expr in exprs {
        let _ = walk(expr, 0, &mut |e, _| {
            if let ExprKind::Column { rel, column } = e.kind
                && rel == of
            {
                found.insert(column);
            }
            Ok(true)
        });
    }
    found
}

fn has_query(expr: &Expr) -> bool {
    let mut found = false;
    let _ = walk(expr, 0, &mut |_, depth| {
        found |= depth > 0;
        Ok(!found)
    });
    found
}

fn is_whole(expr: &Expr, of: RelId) -> bool {
    holds(expr, &|kind| matches!(kind, ExprKind::WholeRow(rel) if *rel == of))
}

fn holds(expr: &Expr, test: &dyn Fn(&ExprKind) -> bool) -> bool {
    let mut found = false;
    let _ = walk(expr, 0, &mut |e, _| {
        found |= test(&e.kind);
        Ok(!found)
    });
    found
}
