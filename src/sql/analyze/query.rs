//! SELECT: its clauses in PostgreSQL's order (transformSelectStmt, transformSortClause, transformDistinctClause …).

use sqlparser::ast;

use super::scope::{Clause, Scope};
use super::target::Target;
use super::{Analyzer, CastContext, Expr, ExprKind};
use crate::error::{Error, Result, SqlState};
use crate::sql::parse::{fold, rewrite};
use crate::tree::{
    self, Body, Distinct, GroupBy, LockStrength, LockWait, Locking, Query, Select, SortKey, Source, Statement,
};
use crate::types::{Oid, PgType, Value, oid};

impl Analyzer<'_> {
    /// A statement that is a query, or DML under a WITH.
    pub(crate) fn query_statement(&mut self, query: &ast::Query) -> Result<Statement> {
        if let Some(dml) = dml_body(query) {
            return self.dml_under_with(query.with.as_ref(), dml);
        }
        let mut analyzed = self.query(query)?;
        self.resolve_unknown_outputs(&mut analyzed)?;
        Ok(Statement::Query(Box::new(analyzed)))
    }

    /// A query at a level of its own. Unknown literals among its outputs stay unknown: see
    /// [`Analyzer::resolve_unknown_outputs`].
    pub(crate) fn query(&mut self, query: &ast::Query) -> Result<Query> {
        self.deeper(|a| {
            a.scopes.push(Scope::default());
            let sets = a.sets;
            let result = a.query_in_scope(query);
            a.sets = sets;
            a.scopes.pop();
            result
        })
    }

    fn query_in_scope(&mut self, query: &ast::Query) -> Result<Query> {
        if !query.pipe_operators.is_empty() || query.for_clause.is_some() || query.format_clause.is_some() {
            return Err(Error::unsupported("this query syntax"));
        }
        // A query in parentheses takes what is written after them as its own (insertSelectOptions).
        if let ast::SetExpr::Query(inner) = &*query.body {
            return self.query_in_scope(&merge_options(query, inner)?);
        }
        let (ctes, recursive) = self.with_clause(query.with.as_ref())?;
        let mut analyzed = match &*query.body {
            ast::SetExpr::Select(select) => self.select(select, query)?,
            ast::SetExpr::SetOperation { .. } => self.set_operation(query)?,
            ast::SetExpr::Values(values) => self.values_query(values, query)?,
            ast::SetExpr::Table(_) => return Err(Error::syntax("syntax error at or near \"TABLE\"")),
            ast::SetExpr::Query(_) => return Err(Error::internal("nested query was merged")),
            ast::SetExpr::Insert(_) | ast::SetExpr::Update(_) | ast::SetExpr::Delete(_) | ast::SetExpr::Merge(_) => {
                return Err(Error::syntax("a data-modifying statement cannot stand here"));
            }
        };
        analyzed.ctes = ctes;
        analyzed.recursive = recursive;
        Ok(analyzed)
    }

    fn select(&mut self, select: &ast::Select, query: &ast::Query) -> Result<Query> {
        if let Some(into) = &select.into {
            let pos = into.name.0.first().map_or(0, |part| self.pos(sqlparser::ast::Spanned::span(part)));
            return Err(Error::syntax("SELECT ... INTO is not allowed here").at(pos));
        }
        refuse_foreign(select)?;
        if select.projection.is_empty() && select.distinct.is_some() {
            return Err(Error::syntax("syntax error: SELECT DISTINCT needs a target list"));
        }
        let from = self.range_table(&select.from)?;
        self.window_clause(&select.named_window)?;
        let mut targets = self.targets(&select.projection, Clause::Target)?;
        let filter = match &select.selection {
            Some(expr) => Some(self.condition(expr, Clause::Where, "WHERE")?),
            None => None,
        };
        let having = match &select.having {
            Some(expr) => Some(self.condition(expr, Clause::Having, "HAVING")?),
            None => None,
        };
        let mut order_by = self.sort_clause(query.order_by.as_ref(), &targets)?;
        let group_by = self.group_clause(&select.group_by, &targets)?;
        let distinct = self.distinct_clause(select.distinct.as_ref(), &targets, &order_by)?;
        let (limit, offset, with_ties) = self.limit_clause(query)?;
        // An unknown output that is also sorted by is text in both places.
        for key in &mut order_by {
            self.check_sortable(key.expr.ty.oid, key.expr.pos)?;
        }
        if matches!(distinct, Distinct::Distinct) {
            for target in &targets {
                self.check_groupable(target.expr.ty.oid, target.expr.pos)?;
            }
        }
        let qualify = match &select.qualify {
            Some(expr) => {
                let expr = self.in_clause(Clause::Target, |a| a.expr(expr))?;
                Some(self.coerce_boolean(expr, "QUALIFY")?)
            }
            None => None,
        };
        let scope = self.scope();
        let aggregated = scope.has_aggregates || group_by.is_some() || having.is_some();
        if aggregated && scope.reads_recursion {
            let message = "aggregate functions are not allowed in a recursive query's recursive term";
            return Err(Error::new(SqlState::INVALID_RECURSION, message));
        }
        let mut having = having;
        let places = targets.iter_mut().map(|t| &mut t.expr).chain(&mut having);
        let places = places.chain(order_by.iter_mut().map(|k| &mut k.expr)).collect();
        let group_by = self.grouping_calls(group_by, places)?;
        let columns = self.fields(&targets);
        let windows = std::mem::take(&mut self.scope().windows);
        let mut analyzed = Select {
            distinct,
            targets: targets.into_iter().map(|t| t.expr).collect(),
            from,
            filter,
            group_by,
            having,
            windows,
            qualify,
            aggregated,
        };
        self.check_grouping(&mut analyzed, &mut order_by)?;
        let unlockable = if query.locks.is_empty() { None } else { unlockable(&analyzed, &order_by)? };
        let locking = self.locking(&query.locks, &analyzed.from, unlockable)?;
        let output_rel = self.new_rel();
        Ok(Query {
            ctes: Vec::new(),
            recursive: false,
            body: Body::Select(Box::new(analyzed)),
            order_by,
            limit,
            offset,
            with_ties,
            locking,
            columns,
            output_rel,
        })
    }

    /// A boolean clause.
    pub(crate) fn condition(&mut self, expr: &ast::Expr, clause: Clause, name: &str) -> Result<Expr> {
        self.in_clause(clause, |a| {
            let expr = a.expr(expr)?;
            a.coerce_boolean(expr, name)
        })
    }

    /// transformSortClause, over a plain select.
    fn sort_clause(&mut self, order_by: Option<&ast::OrderBy>, targets: &[Target]) -> Result<Vec<SortKey>> {
        let mut keys = Vec::new();
        for item in sort_items(order_by)? {
            let expr = self.output_or_expression(&item.expr, targets, Clause::OrderBy, "ORDER BY")?;
            let expr = self.resolve_unknown(expr)?;
            keys.push(sort_key(expr, item));
        }
        Ok(keys)
    }

    /// findTargetlistEntrySQL92: an output column's name or position, or any expression.
    pub(crate) fn output_or_expression(
        &mut self,
        item: &ast::Expr,
        targets: &[Target],
        clause: Clause,
        name: &str,
    ) -> Result<Expr> {
        if let ast::Expr::Identifier(ident) = item {
            let wanted = fold(ident);
            let pos = self.pos(ident.span);
            // For GROUP BY a column of FROM wins over an output name.
            let in_from = clause == Clause::GroupBy && self.find_column(&wanted, pos)?.is_some();
            if !in_from {
                let mut found: Option<&Target> = None;
                for target in targets.iter().filter(|t| t.name == wanted) {
                    if let Some(first) = found
                        && !super::same::same(&first.expr, &target.expr)
                    {
                        let message = format!("{name} \"{wanted}\" is ambiguous");
                        return Err(Error::new(SqlState::AMBIGUOUS_COLUMN, message).at(pos));
                    }
                    found = found.or(Some(target));
                }
                if let Some(target) = found {
                    return Ok(super::scope::at(target.expr.clone(), pos));
                }
            }
        }
        if let ast::Expr::Value(value) = item {
            let pos = self.pos(value.span);
            let constant = self.value(value)?;
            match constant.kind {
                ExprKind::Const(Value::Int4(n)) => {
                    let target = usize::try_from(n).ok().and_then(|n| targets.get(n.wrapping_sub(1)));
                    return match target {
                        Some(target) => Ok(super::scope::at(target.expr.clone(), pos)),
                        None => {
                            let message = format!("{name} position {n} is not in select list");
                            Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message).at(pos))
                        }
                    };
                }
                ExprKind::Const(_) => {
                    return Err(Error::syntax(format!("non-integer constant in {name}")).at(pos));
                }
                _ => {}
            }
        }
        self.in_clause(clause, |a| a.expr(item))
    }

    fn distinct_clause(
        &mut self,
        distinct: Option<&ast::Distinct>,
        targets: &[Target],
        order_by: &[SortKey],
    ) -> Result<Distinct> {
        match distinct {
            None | Some(ast::Distinct::All) => Ok(Distinct::All),
            Some(ast::Distinct::Distinct) => {
                if let Some(key) =
                    order_by.iter().find(|k| !targets.iter().any(|t| super::same::same(&t.expr, &k.expr)))
                {
                    let message = "for SELECT DISTINCT, ORDER BY expressions must appear in select list";
                    // A literal sorted by position differs from its target by the cast to text only.
                    if key.expr.ty.oid != oid::TEXT || !matches!(key.expr.kind, ExprKind::Const(_)) {
                        return Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message).at(key.expr.pos));
                    }
                }
                Ok(Distinct::Distinct)
            }
            Some(ast::Distinct::On(exprs)) => {
                let mut on = Vec::with_capacity(exprs.len());
                for expr in exprs {
                    let expr = self.output_or_expression(expr, targets, Clause::DistinctOn, "DISTINCT ON")?;
                    on.push(self.resolve_unknown(expr)?);
                }
                let leading = order_by.iter().take(on.len());
                for key in leading {
                    if !on.iter().any(|e| super::same::same(e, &key.expr)) {
                        let message = "SELECT DISTINCT ON expressions must match initial ORDER BY expressions";
                        let pos = on.first().map_or(0, |e| e.pos);
                        return Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message).at(pos));
                    }
                }
                Ok(Distinct::On(on))
            }
        }
    }

    /// LIMIT, OFFSET and FETCH FIRST.
    pub(crate) fn limit_clause(&mut self, query: &ast::Query) -> Result<(Option<Expr>, Option<Expr>, bool)> {
        let (mut limit, mut offset) = (None, None);
        let mut with_ties = false;
        match &query.limit_clause {
            None => {}
            Some(ast::LimitClause::LimitOffset { limit: l, offset: o, limit_by }) => {
                if !limit_by.is_empty() {
                    return Err(Error::unsupported("LIMIT BY"));
                }
                limit = l.as_ref();
                if let Some(rows) = limit.and_then(ties) {
                    with_ties = true;
                    limit = Some(rows);
                }
                offset = o.as_ref().map(|o| &o.value);
            }
            Some(ast::LimitClause::OffsetCommaLimit { .. }) => {
                return Err(
                    Error::syntax("LIMIT #,# syntax is not supported").hint("Use separate LIMIT and OFFSET clauses.")
                );
            }
        }
        if with_ties {
            if query.order_by.is_none() {
                return Err(Error::syntax("WITH TIES cannot be specified without ORDER BY clause"));
            }
            if query.locks.iter().any(|l| matches!(l.nonblock, Some(ast::NonBlock::SkipLocked))) {
                return Err(Error::syntax("SKIP LOCKED and WITH TIES options cannot be used together"));
            }
            if limit.is_some_and(is_null) {
                let message = "row count cannot be null in FETCH FIRST ... WITH TIES clause";
                return Err(Error::new(SqlState::INVALID_ROW_COUNT_IN_LIMIT_CLAUSE, message));
            }
        }
        let limit = limit.map(|l| self.row_count(l, Clause::Limit, "LIMIT")).transpose()?;
        let offset = offset.map(|o| self.row_count(o, Clause::Offset, "OFFSET")).transpose()?;
        Ok((limit, offset, with_ties))
    }

    fn row_count(&mut self, expr: &ast::Expr, clause: Clause, name: &str) -> Result<Expr> {
        let expr = self.in_clause(clause, |a| a.expr(expr))?;
        let rels = std::mem::take(&mut self.scope().rels);
        let variable = super::check::first_column_of(&expr, &rels);
        self.scope().rels = rels;
        if let Some(pos) = variable {
            let message = format!("argument of {name} must not contain variables");
            return Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message).at(pos));
        }
        self.coerce_specific(expr, oid::INT8, name)
    }

    /// FOR UPDATE and kin.
    fn locking(
        &mut self,
        locks: &[ast::LockClause],
        from: &[tree::FromItem],
        unlockable: Option<&'static str>,
    ) -> Result<Vec<Locking>> {
        let mut out = Vec::new();
        for (i, lock) in locks.iter().enumerate() {
            let strength = self.parsed.extras.locks.get(i).copied().unwrap_or(match lock.lock_type {
                ast::LockType::Share => LockStrength::Share,
                ast::LockType::Update => LockStrength::Update,
            });
            let refused = |what: &str| {
                let message = format!("FOR {} is not allowed with {what}", strength_name(strength));
                Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
            };
            if let Some(what) = unlockable {
                return refused(what);
            }
            let wait = match lock.nonblock {
                None => LockWait::Block,
                Some(ast::NonBlock::Nowait) => LockWait::NoWait,
                Some(ast::NonBlock::SkipLocked) => LockWait::SkipLocked,
            };
            let of = lock.of.as_ref().map(|n| self.name_parts(n)).transpose()?;
            let before = out.len();
            let mut stack: Vec<(&tree::FromItem, bool)> = from.iter().map(|item| (item, false)).collect();
            while let Some((item, nullable)) = stack.pop() {
                match item {
                    tree::FromItem::Join(join) => {
                        let (left, right) = match join.kind {
                            tree::JoinKind::Cross | tree::JoinKind::Inner => (false, false),
                            tree::JoinKind::Left => (false, true),
                            tree::JoinKind::Right => (true, false),
                            tree::JoinKind::Full => (true, true),
                        };
                        stack.extend([(&join.left, nullable || left), (&join.right, nullable || right)]);
                    }
                    tree::FromItem::Relation(r) => {
                        let named = of.as_ref().is_none_or(|(_, name, _)| *name == r.alias);
                        let extended = |what: Option<&str>| named && nullable && what.is_none();
                        let what = match &r.source {
                            Source::Table { .. }
                            | Source::View { .. }
                            | Source::Sequence { .. }
                            | Source::Subquery(_) => None,
                            Source::Function { .. } | Source::File(_) => Some("a function"),
                            Source::Cte(_) => Some("a WITH query"),
                            Source::System { .. } | Source::Feed => Some("this relation"),
                        };
                        use crate::registry::RelationKind;
                        if let Source::Table { def, .. } | Source::Sequence { def } = &r.source
                            && named
                            && matches!(def.kind, RelationKind::MaterializedView { .. } | RelationKind::Sequence(_))
                        {
                            let kind = crate::policy::kind_word(def);
                            let message = format!("cannot lock rows in {kind} \"{}\"", def.name);
                            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
                        }
                        if extended(what) {
                            let message = format!(
                                "FOR {} cannot be applied to the nullable side of an outer join",
                                strength_name(strength)
                            );
                            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
                        }
                        match what {
                            None if named => out.push(Locking { rel: r.id, strength, wait }),
                            Some(what) if named && of.is_some() => {
                                let message = format!("FOR {} cannot be applied to {what}", strength_name(strength));
                                let pos = of.as_ref().map_or(0, |(_, _, pos)| *pos);
                                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(pos));
                            }
                            _ => {}
                        }
                    }
                }
            }
            if let Some((_, name, pos)) = of
                && out.len() == before
            {
                let message =
                    format!("relation \"{name}\" in FOR {} clause not found in FROM clause", strength_name(strength));
                return Err(Error::new(SqlState::UNDEFINED_TABLE, message).at(pos));
            }
        }
        Ok(out)
    }

    /// Unknown outputs become text (resolveTargetListUnknowns).
    pub(crate) fn resolve_unknown_outputs(&mut self, query: &mut Query) -> Result<()> {
        for i in 0..query.columns.len() {
            if query.columns[i].ty.oid == oid::UNKNOWN {
                self.coerce_output(query, i, PgType::new(oid::TEXT), CastContext::Implicit)?;
            }
        }
        Ok(())
    }

    /// Changes the type of one output column in place; for a plain select and VALUES only.
    pub(crate) fn coerce_output(
        &mut self,
        query: &mut Query,
        column: usize,
        ty: PgType,
        context: CastContext,
    ) -> Result<()> {
        let placeholder = || Expr { kind: ExprKind::Default, ty: PgType::new(oid::UNKNOWN), pos: 0 };
        match &mut query.body {
            Body::Select(select) => {
                let expr = std::mem::replace(&mut select.targets[column], placeholder());
                select.targets[column] = self.coerce_type(expr, ty, context, false)?;
            }
            Body::Values(rows) => {
                for row in rows {
                    let expr = std::mem::replace(&mut row[column], placeholder());
                    row[column] = self.coerce_type(expr, ty, context, false)?;
                }
            }
            Body::SetOp { .. } => return Err(Error::internal("set operation with an unknown column")),
        }
        query.columns[column].ty = ty;
        Ok(())
    }

    /// Whether values of a type can be put in order.
    pub(crate) fn check_sortable(&self, ty: Oid, pos: u32) -> Result<()> {
        // The one type whose B-tree goes by other names.
        let less = if self.base_oid(ty) == oid::HSTORE { "#<#" } else { "<" };
        if self.find_operator(less, Some(ty), ty, 0).is_ok() && self.orderless_part(ty).is_none() {
            return Ok(());
        }
        let message = format!("could not identify an ordering operator for type {}", self.type_name(ty));
        Err(Error::new(SqlState::UNDEFINED_FUNCTION, message)
            .hint("Use an explicit ordering operator or modify the query.")
            .at(pos))
    }

    pub(crate) fn check_groupable(&self, ty: Oid, pos: u32) -> Result<()> {
        if ty == oid::UNKNOWN || self.find_operator("=", Some(ty), ty, 0).is_ok() && self.orderless_part(ty).is_none() {
            return Ok(());
        }
        let message = format!("could not identify an equality operator for type {}", self.type_name(ty));
        Err(Error::new(SqlState::UNDEFINED_FUNCTION, message).at(pos))
    }

    /// GROUP BY; grouping sets are in the `agg` module.
    fn group_clause(&mut self, group: &ast::GroupByExpr, targets: &[Target]) -> Result<Option<GroupBy>> {
        match group {
            ast::GroupByExpr::Expressions(exprs, modifiers) if exprs.is_empty() && modifiers.is_empty() => Ok(None),
            ast::GroupByExpr::Expressions(exprs, modifiers) if modifiers.is_empty() => {
                let grouping = self.grouping(exprs, targets)?;
                if grouping.exprs.iter().any(super::call::makes_rows) {
                    return Err(Error::unsupported("a set-returning function in GROUP BY")
                        .hint("Put it into a query in FROM, and group by its column."));
                }
                if grouping.sets.len() > 1 {
                    targets.iter().try_for_each(|t| super::agg::no_hypothetical_row(&t.expr))?;
                }
                Ok(Some(grouping))
            }
            _ => Err(Error::unsupported("GROUP BY ALL and its modifiers")),
        }
    }
}

/// The items of ORDER BY.
pub(crate) fn sort_items(order_by: Option<&ast::OrderBy>) -> Result<&[ast::OrderByExpr]> {
    match order_by.map(|o| &o.kind) {
        None => Ok(&[]),
        Some(ast::OrderByKind::Expressions(items)) => Ok(items),
        Some(ast::OrderByKind::All(_)) => Err(Error::unsupported("ORDER BY ALL")),
    }
}

pub(crate) fn sort_key(expr: Expr, item: &ast::OrderByExpr) -> SortKey {
    let descending = item.options.asc == Some(false);
    SortKey { expr, descending, nulls_first: item.options.nulls_first.unwrap_or(descending) }
}

fn strength_name(strength: LockStrength) -> &'static str {
    match strength {
        LockStrength::Update => "UPDATE",
        LockStrength::NoKeyUpdate => "NO KEY UPDATE",
        LockStrength::Share => "SHARE",
        LockStrength::KeyShare => "KEY SHARE",
    }
}

fn dml_body(query: &ast::Query) -> Option<&ast::Statement> {
    match &*query.body {
        ast::SetExpr::Insert(s) | ast::SetExpr::Update(s) | ast::SetExpr::Delete(s) | ast::SetExpr::Merge(s) => Some(s),
        _ => None,
    }
}

/// What is written after a parenthesized query belongs to it, unless it has that clause already.
fn merge_options(outer: &ast::Query, inner: &ast::Query) -> Result<ast::Query> {
    let mut merged = inner.clone();
    let twice = |clause: &str| Err(Error::syntax(format!("multiple {clause} clauses not allowed")));
    if outer.with.is_some() {
        if merged.with.is_some() {
            return twice("WITH");
        }
        merged.with.clone_from(&outer.with);
    }
    if outer.order_by.is_some() {
        if merged.order_by.is_some() {
            return twice("ORDER BY");
        }
        merged.order_by.clone_from(&outer.order_by);
    }
    if outer.limit_clause.is_some() {
        if merged.limit_clause.is_some() {
            return twice("LIMIT");
        }
        merged.limit_clause.clone_from(&outer.limit_clause);
    }
    if outer.fetch.is_some() {
        if merged.fetch.is_some() || merged.limit_clause.is_some() {
            return twice("LIMIT");
        }
        merged.fetch.clone_from(&outer.fetch);
    }
    merged.locks.extend(outer.locks.iter().cloned());
    Ok(merged)
}

/// What keeps a select from FOR UPDATE: CheckSelectLocking.
fn unlockable(select: &Select, order_by: &[SortKey]) -> Result<Option<&'static str>> {
    if !matches!(select.distinct, Distinct::All) {
        return Ok(Some("DISTINCT clause"));
    }
    if select.group_by.is_some() {
        return Ok(Some("GROUP BY clause"));
    }
    if select.having.is_some() {
        return Ok(Some("HAVING clause"));
    }
    if select.aggregated {
        return Ok(Some("aggregate functions"));
    }
    let (mut windows, mut sets) = (false, false);
    let mut visit = |e: &Expr, depth: usize| {
        windows |= depth == 0 && matches!(e.kind, tree::ExprKind::Window(_));
        sets |= depth == 0 && matches!(e.kind, tree::ExprKind::SetReturning(_));
        Ok(true)
    };
    for e in select.targets.iter().chain(order_by.iter().map(|key| &key.expr)) {
        super::check::walk(e, 0, &mut visit)?;
    }
    Ok(match (windows, sets) {
        (true, _) => Some("window functions"),
        (false, true) => Some("set-returning functions in the target list"),
        (false, false) => None,
    })
}

/// Clauses of other systems that sqlparser would read.
fn refuse_foreign(select: &ast::Select) -> Result<()> {
    let foreign = select.top.is_some()
        || select.prewhere.is_some()
        || !select.lateral_views.is_empty()
        || !select.connect_by.is_empty()
        || !select.cluster_by.is_empty()
        || !select.distribute_by.is_empty()
        || !select.sort_by.is_empty()
        || select.value_table_mode.is_some()
        || select.exclude.is_some();
    if foreign { Err(Error::unsupported("this SELECT syntax")) } else { Ok(()) }
}

/// The row count of FETCH FIRST … WITH TIES, which the parser has marked.
fn ties(limit: &ast::Expr) -> Option<&ast::Expr> {
    let ast::Expr::Function(f) = limit else { return None };
    let marked = f.name.0.last().and_then(|p| p.as_ident()).is_some_and(|i| i.value == rewrite::TIES);
    match &f.args {
        ast::FunctionArguments::List(list) if marked => match list.args.as_slice() {
            [arg] => super::from::plain_arg(arg).ok(),
            _ => None,
        },
        _ => None,
    }
}

fn is_null(expr: &ast::Expr) -> bool {
    match expr {
        ast::Expr::Nested(inner) => is_null(inner),
        ast::Expr::Value(value) => matches!(value.value, ast::Value::Null),
        _ => false,
    }
}
