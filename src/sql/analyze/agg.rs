//! Aggregates and grouping: GROUP BY with its sets, GROUPING(), and where aggregates may stand (parse_agg).

use std::collections::{BTreeSet, HashSet};

use sqlparser::ast;

use super::check::{children_mut, first_column_of, walk};
use super::query::sort_key;
use super::same::same;
use super::scope::{Clause, Scope};
use super::target::Target;
use super::{Analyzer, Expr, ExprKind};
use crate::error::{Error, Result, SqlState};
use crate::facts::Proc;
use crate::sql::parse;
use crate::tree::{GroupBy, Grouping, SortKey};
use crate::types::{PgType, oid};

/// The distinct expressions of GROUP BY.
#[derive(Default)]
struct Groups {
    exprs: Vec<Expr>,
    /// The column of the output that each one stands for, if for one.
    outputs: Vec<Option<usize>>,
    /// An expression is there as two columns of the output, of which PostgreSQL groups each on its own.
    several_outputs: bool,
}

impl Groups {
    fn add(&mut self, expr: Expr, output: Option<usize>) -> usize {
        match self.exprs.iter().position(|e| same(e, &expr)) {
            Some(index) => {
                self.several_outputs |= self.outputs[index] != output;
                index
            }
            None => {
                self.exprs.push(expr);
                self.outputs.push(output);
                self.exprs.len() - 1
            }
        }
    }
}

/// The column of the output that an item of GROUP BY means: by number, by name, or else the first that is equal.
fn output_of(item: &ast::Expr, expr: &Expr, targets: &[Target]) -> Option<usize> {
    let equal = |t: &Target| same(&t.expr, expr);
    let number = match item {
        ast::Expr::Value(value) => value.to_string().parse::<usize>().ok().and_then(|n| n.checked_sub(1)),
        _ => None,
    };
    let named = || match item {
        ast::Expr::Identifier(ident) => {
            let name = crate::sql::parse::fold(ident);
            targets.iter().position(|t| t.name == name && equal(t))
        }
        _ => None,
    };
    number.filter(|n| targets.get(*n).is_some_and(equal)).or_else(named).or_else(|| targets.iter().position(equal))
}

/// Grouping sets that CUBE and cross products may make at most (as in PostgreSQL).
const MAX_GROUPING_SETS: usize = 4096;

impl Analyzer<'_> {
    /// GROUP BY's items: expressions, sets in parentheses, ROLLUP, CUBE, GROUPING SETS.
    pub(crate) fn grouping(&mut self, items: &[ast::Expr], targets: &[Target]) -> Result<GroupBy> {
        let mut exprs = Groups::default();
        let mut sets: Vec<Vec<u16>> = vec![Vec::new()];
        let mut written = Vec::with_capacity(items.len());
        let distinct = items.first().is_some_and(is_distinct);
        for item in items.iter().skip(usize::from(distinct)) {
            let item = self.grouping_item(item, targets, &mut exprs)?;
            let choices = choices(&item)?;
            let mut product = Vec::with_capacity(sets.len() * choices.len());
            for set in &sets {
                for choice in &choices {
                    let mut joined = set.clone();
                    joined.extend(choice.iter().filter(|i| !set.contains(i)));
                    product.push(joined);
                }
            }
            if product.len() > MAX_GROUPING_SETS {
                let message = format!("too many grouping sets present (maximum {MAX_GROUPING_SETS})");
                return Err(Error::new(SqlState::STATEMENT_TOO_COMPLEX, message));
            }
            sets = product;
            written.push(item);
        }
        if exprs.several_outputs && sets.len() > 1 {
            return Err(Error::unsupported("grouping sets over two columns of the output that are one expression")
                .hint("Name the expression once in the select list."));
        }
        if distinct {
            let mut seen = HashSet::new();
            sets.retain(|set| seen.insert(set.iter().copied().collect::<BTreeSet<_>>()));
        }
        Ok(GroupBy { exprs: exprs.exprs, sets, dependent: Vec::new(), written, distinct })
    }

    /// One item of GROUP BY.
    fn grouping_item(&mut self, item: &ast::Expr, targets: &[Target], exprs: &mut Groups) -> Result<Grouping> {
        match item {
            ast::Expr::Rollup(parts) => Ok(Grouping::Rollup(self.grouping_parts(parts, targets, exprs)?)),
            ast::Expr::Cube(parts) => {
                let parts = self.grouping_parts(parts, targets, exprs)?;
                if parts.len() > 12 {
                    let message = "CUBE is limited to 12 elements";
                    return Err(Error::new(SqlState::TOO_MANY_COLUMNS, message));
                }
                Ok(Grouping::Cube(parts))
            }
            ast::Expr::GroupingSets(parts) => {
                let mut sets = Vec::with_capacity(parts.len());
                for part in parts {
                    sets.push(match part.as_slice() {
                        [nested @ (ast::Expr::Rollup(_) | ast::Expr::Cube(_) | ast::Expr::GroupingSets(_))] => {
                            self.grouping_item(nested, targets, exprs)?
                        }
                        part => match part.first().and_then(nested_set).filter(|_| part.len() == 1) {
                            Some(nested) => self.grouping_item(&nested, targets, exprs)?,
                            None => Grouping::Simple(self.grouping_part(part, targets, exprs)?),
                        },
                    });
                }
                Ok(Grouping::Sets(sets))
            }
            ast::Expr::Tuple(parts) => Ok(Grouping::Simple(self.grouping_part(parts, targets, exprs)?)),
            ast::Expr::Nested(inner) => self.grouping_item(inner, targets, exprs),
            expr => Ok(Grouping::Simple(self.grouping_part(std::slice::from_ref(expr), targets, exprs)?)),
        }
    }

    fn grouping_parts(
        &mut self,
        parts: &[Vec<ast::Expr>],
        targets: &[Target],
        exprs: &mut Groups,
    ) -> Result<Vec<Grouping>> {
        parts.iter().map(|p| self.grouping_part(p, targets, exprs).map(Grouping::Simple)).collect()
    }

    fn grouping_part(&mut self, part: &[ast::Expr], targets: &[Target], exprs: &mut Groups) -> Result<Vec<u16>> {
        let mut out = Vec::with_capacity(part.len());
        for item in part {
            let expr = self.output_or_expression(item, targets, Clause::GroupBy, "GROUP BY")?;
            let output = output_of(item, &expr, targets);
            self.refuse_inside_group(&expr)?;
            let expr = self.resolve_unknown(expr)?;
            self.check_groupable(expr.ty.oid, expr.pos)?;
            let index = exprs.add(expr, output);
            if !out.contains(&(index as u16)) {
                out.push(index as u16);
            }
        }
        Ok(out)
    }

    /// An output column may hold what GROUP BY may not (checkTargetlistEntrySQL92).
    fn refuse_inside_group(&self, expr: &Expr) -> Result<()> {
        walk(expr, 0, &mut |e, depth| match &e.kind {
            ExprKind::Aggregate(_) if depth == 0 => {
                let message = "aggregate functions are not allowed in GROUP BY";
                Err(Error::new(SqlState::GROUPING_ERROR, message).at(e.pos))
            }
            ExprKind::Window(_) if depth == 0 => {
                let message = "window functions are not allowed in GROUP BY";
                Err(Error::new(SqlState::WINDOWING_ERROR, message).at(e.pos))
            }
            _ => Ok(true),
        })
    }

    /// GROUPING(…): its arguments are looked up in GROUP BY once that is known.
    pub(crate) fn grouping_function(&mut self, args: &[ast::Expr], pos: u32) -> Result<Expr> {
        let args = args.iter().map(|a| self.expr(a)).collect::<Result<Vec<_>>>()?;
        if args.len() > 31 {
            return Err(Error::new(SqlState::TOO_MANY_ARGUMENTS, "GROUPING must have fewer than 32 arguments").at(pos));
        }
        let scope = self.scope();
        let number = scope.grouping_calls.len();
        scope.grouping_calls.push((args, pos));
        Ok(Expr { kind: ExprKind::Grouping(vec![number as u16]), ty: PgType::new(oid::INT4), pos })
    }

    /// Puts the indexes of grouping expressions into the GROUPING() calls of the select's clauses.
    pub(crate) fn grouping_calls(
        &mut self,
        group_by: Option<GroupBy>,
        exprs: Vec<&mut Expr>,
    ) -> Result<Option<GroupBy>> {
        let calls = std::mem::take(&mut self.scope().grouping_calls);
        if calls.is_empty() {
            return Ok(group_by);
        }
        let groups = group_by.as_ref().map(|g| g.exprs.as_slice()).unwrap_or_default();
        let mut resolved = Vec::with_capacity(calls.len());
        for (args, pos) in &calls {
            let mut indexes = Vec::with_capacity(args.len());
            for arg in args {
                let Some(index) = groups.iter().position(|g| same(g, arg)) else {
                    let message = "arguments to GROUPING must be grouping expressions of the associated query level";
                    let pos = if arg.pos > 0 { arg.pos } else { *pos };
                    return Err(Error::new(SqlState::GROUPING_ERROR, message).at(pos));
                };
                indexes.push(index as u16);
            }
            resolved.push(indexes);
        }
        for expr in exprs {
            fill_grouping(expr, &resolved);
        }
        Ok(group_by)
    }

    /// What stands around an aggregate call is checked here; then it counts for its level, which its arguments say, but
    /// the direct ones of an ordered set (check_agglevels_and_constraints).
    pub(crate) fn admit_aggregate(&mut self, args: &[Expr], direct: &[Expr], pos: u32) -> Result<()> {
        let scope = self.scope();
        if scope.in_aggregate {
            return Err(Error::new(SqlState::GROUPING_ERROR, "aggregate function calls cannot be nested").at(pos));
        }
        let clause = scope.clause;
        self.refuse_outer_aggregate(args, direct, pos)?;
        if let Some(name) = clause.refuses_aggregates() {
            let message = format!("aggregate functions are not allowed in {name}");
            return Err(Error::new(SqlState::GROUPING_ERROR, message).at(pos));
        }
        self.scope().has_aggregates = true;
        Ok(())
    }

    /// The query that an aggregate over these arguments belongs to, as an index of the scopes: the innermost that they
    /// have a column of, or the current one.
    pub(crate) fn aggregate_level(&self, args: &[Expr]) -> usize {
        let of = |scope: &Scope| args.iter().any(|a| first_column_of(a, &scope.rels).is_some());
        self.scopes.iter().rposition(of).unwrap_or(self.scopes.len().saturating_sub(1))
    }

    /// An aggregate whose columns all belong to an outer query is that query's, and may stand only where the outer
    /// query's aggregates may; DuckDB has no such thing.
    fn refuse_outer_aggregate(&self, args: &[Expr], direct: &[Expr], pos: u32) -> Result<()> {
        let level = self.aggregate_level(args);
        let (Some(owner), Some(current)) = (self.scopes.get(level), self.scopes.last()) else { return Ok(()) };
        if level + 1 == self.scopes.len() {
            return Ok(());
        }
        let grouping = |message: String| Err(Error::new(SqlState::GROUPING_ERROR, message).at(pos));
        if let Some(pos) = direct.iter().find_map(|a| first_column_of(a, &current.rels)) {
            let message = "outer-level aggregate cannot contain a lower-level variable in its direct arguments";
            return Err(Error::new(SqlState::GROUPING_ERROR, message).at(pos));
        }
        if owner.in_aggregate || current.filtered == Some(level) {
            return grouping("aggregate function calls cannot be nested".to_owned());
        }
        match owner.clause {
            Clause::Other => {
                grouping("aggregate functions are not allowed in FROM clause of their own query level".to_owned())
            }
            clause => match clause.refuses_aggregates() {
                Some(name) => grouping(format!("aggregate functions are not allowed in {name}")),
                None => Err(Error::unsupported("an aggregate of an outer query's columns").at(pos)),
            },
        }
    }

    /// ORDER BY inside an aggregate's parentheses or WITHIN GROUP.
    pub(crate) fn aggregate_order(&mut self, items: &[ast::OrderByExpr]) -> Result<Vec<SortKey>> {
        let mut keys = Vec::with_capacity(items.len());
        for item in items {
            let expr = self.expr(&item.expr)?;
            let expr = self.resolve_unknown(expr)?;
            self.check_sortable(expr.ty.oid, expr.pos)?;
            keys.push(sort_key(expr, item));
        }
        Ok(keys)
    }

    /// The arguments of a DISTINCT aggregate must be comparable, and its ORDER BY among them.
    pub(crate) fn check_distinct_aggregate(&self, func: &Proc, args: &[Expr], order_by: &[SortKey]) -> Result<()> {
        for key in order_by {
            if !args.iter().any(|a| same(uncast(a), uncast(&key.expr))) {
                let message = "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list";
                return Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message).at(key.expr.pos));
            }
        }
        let _ = func;
        for arg in args {
            self.check_groupable(arg.ty.oid, arg.pos)?;
        }
        Ok(())
    }
}

/// The mark of GROUP BY DISTINCT.
fn is_distinct(item: &ast::Expr) -> bool {
    let ast::Expr::Function(f) = item else { return false };
    matches!(f.name.0.as_slice(), [part] if part.as_ident().is_some_and(|name| name.value == parse::rewrite::DISTINCT))
}

/// ROLLUP and CUBE inside GROUPING SETS, which the parser takes for calls.
fn nested_set(item: &ast::Expr) -> Option<ast::Expr> {
    let ast::Expr::Function(f) = item else { return None };
    let [part] = f.name.0.as_slice() else { return None };
    let word = part.as_ident().filter(|i| i.quote_style.is_none())?.value.to_lowercase();
    let ast::FunctionArguments::List(list) = &f.args else { return None };
    let parts = list.args.iter().map(|arg| match super::from::plain_arg(arg).ok()? {
        ast::Expr::Tuple(items) => Some(items.clone()),
        item => Some(vec![item.clone()]),
    });
    let parts = parts.collect::<Option<Vec<_>>>()?;
    match word.as_str() {
        "rollup" => Some(ast::Expr::Rollup(parts)),
        "cube" => Some(ast::Expr::Cube(parts)),
        _ => None,
    }
}

/// The alternatives that one item of GROUP BY stands for.
fn choices(item: &Grouping) -> Result<Vec<Vec<u16>>> {
    Ok(match item {
        Grouping::Simple(set) => vec![set.clone()],
        Grouping::Rollup(parts) => {
            let parts = simple(parts)?;
            (0..=parts.len()).rev().map(|n| parts[..n].concat()).collect()
        }
        Grouping::Cube(parts) => {
            let parts = simple(parts)?;
            let subsets = (0..1usize << parts.len()).rev().map(|mask| {
                let chosen = (0..parts.len()).filter(|i| mask >> (parts.len() - 1 - i) & 1 == 1);
                chosen.flat_map(|i| parts[i].iter().copied()).collect()
            });
            subsets.collect()
        }
        Grouping::Sets(sets) => {
            let mut all = Vec::new();
            for set in sets {
                all.extend(choices(set)?);
            }
            all
        }
    })
}

/// The parts of ROLLUP and CUBE, which are expressions or lists of them.
fn simple(parts: &[Grouping]) -> Result<Vec<&[u16]>> {
    let found: Option<Vec<&[u16]>> = parts
        .iter()
        .map(|part| match part {
            Grouping::Simple(set) => Some(set.as_slice()),
            Grouping::Rollup(_) | Grouping::Cube(_) | Grouping::Sets(_) => None,
        })
        .collect();
    found.ok_or_else(|| Error::internal("a set inside ROLLUP or CUBE"))
}

/// Replaces the numbers of GROUPING() calls by the indexes that they resolved to.
pub(crate) fn fill_grouping(expr: &mut Expr, resolved: &[Vec<u16>]) {
    if let ExprKind::Grouping(number) = &mut expr.kind {
        if let Some(indexes) = number.first().and_then(|n| resolved.get(usize::from(*n))) {
            *number = indexes.clone();
        }
        return;
    }
    for child in children_mut(expr) {
        fill_grouping(child, resolved);
    }
}

/// What is under casts that nobody wrote.
fn uncast(e: &Expr) -> &Expr {
    match &e.kind {
        ExprKind::Cast { arg, explicit: false, .. } => uncast(arg),
        _ => e,
    }
}

/// In grouping sets the row that `rank(a) WITHIN GROUP …` asks for has NULL for what its set leaves out.
pub(super) fn no_hypothetical_row(expr: &Expr) -> Result<()> {
    walk(expr, 0, &mut |e, _| match &e.kind {
        ExprKind::Aggregate(aggregate) if aggregate.func.agg_kind == b'h' && aggregate.args.iter().any(has_column) => {
            Err(Error::unsupported("a hypothetical-set aggregate over a column, with grouping sets").at(e.pos))
        }
        _ => Ok(true),
    })
}

fn has_column(expr: &Expr) -> bool {
    let mut found = false;
    let _ = walk(expr, 0, &mut |e, _| {
        found |= matches!(e.kind, ExprKind::Column { .. } | ExprKind::WholeRow(_));
        Ok(!found)
    });
    found
}
