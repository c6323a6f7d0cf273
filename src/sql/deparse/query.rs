//! SELECT, VALUES, set operations, WITH.
//!
//! `select a from t where b` → ` SELECT t.a\n   FROM t\n  WHERE t.b`

use std::sync::Arc;

use super::{CLAUSE, ITEM, Printer};
use crate::error::{Error, Result};
use crate::registry::Name;
use crate::tree::{
    Body, Cte, CteBody, Distinct, Expr, ExprKind, FromItem, GroupBy, Grouping, LockStrength, LockWait, Query, Select,
    SetOp, Source,
};

/// The alias of the subquery that analysis puts around a term of a set operation to cast its columns.
const AROUND: &str = "unnamed_subquery";

impl Printer<'_> {
    /// A query inside another: the indentation is as before afterwards.
    pub(super) fn subquery(&mut self, query: &Query, names_visible: bool) -> Result<()> {
        let (indent, prefix) = (self.indent, std::mem::replace(&mut self.prefix, true));
        let result = stacker::maybe_grow(256 << 10, 2 << 20, || self.query(query, names_visible, None));
        (self.indent, self.prefix) = (indent, prefix);
        result
    }

    /// `columns` are the names that the result's columns have outside.
    pub(super) fn query(&mut self, query: &Query, names_visible: bool, columns: Option<&[Name]>) -> Result<()> {
        let query = uncovered(query);
        let before = std::mem::replace(&mut self.names_visible, names_visible);
        let from: &[FromItem] = match &query.body {
            Body::Select(select) => &select.from,
            Body::SetOp { .. } | Body::Values(_) => &[],
        };
        self.enter(&query.ctes, from);
        let result = self.query_in_level(query, columns);
        self.leave();
        self.names_visible = before;
        result
    }

    fn query_in_level(&mut self, query: &Query, columns: Option<&[Name]>) -> Result<()> {
        self.with(query)?;
        match &query.body {
            Body::Select(select) => {
                self.begin();
                self.select(select, query, columns)?;
            }
            Body::Values(rows) => {
                self.begin();
                self.values_query(rows, query, columns)?;
            }
            Body::SetOp { op, all, left, right } => self.set_operation((*op, *all), left, right, columns)?,
        }
        if !query.order_by.is_empty() {
            self.keyword(" ORDER BY ", -CLAUSE, CLAUSE, 1);
            self.order_by(&query.order_by, Some(query.output_rel))?;
        }
        if let Some(offset) = &query.offset {
            self.keyword(" OFFSET ", -CLAUSE, CLAUSE, 0);
            self.expr(offset, false)?;
        }
        if let Some(limit) = &query.limit {
            self.limit(limit, query.with_ties)?;
        }
        self.locking(query);
        Ok(())
    }

    /// Where SELECT or VALUES begins.
    fn begin(&mut self) {
        if self.style.lines {
            self.indent += CLAUSE;
            self.push(" ");
        }
    }

    fn limit(&mut self, limit: &Expr, with_ties: bool) -> Result<()> {
        if with_ties {
            self.keyword(" FETCH FIRST (", -CLAUSE, CLAUSE, 0);
            self.expr(limit, false)?;
            self.push(") ROWS WITH TIES");
            return Ok(());
        }
        self.keyword(" LIMIT ", -CLAUSE, CLAUSE, 0);
        match limit.kind {
            ExprKind::Const(crate::types::Value::Null) => self.push("ALL"),
            _ => self.expr(limit, false)?,
        }
        Ok(())
    }

    fn locking(&mut self, query: &Query) {
        for lock in &query.locking {
            let strength = match lock.strength {
                LockStrength::Update => " FOR UPDATE",
                LockStrength::NoKeyUpdate => " FOR NO KEY UPDATE",
                LockStrength::Share => " FOR SHARE",
                LockStrength::KeyShare => " FOR KEY SHARE",
            };
            self.keyword(strength, -CLAUSE, CLAUSE, 0);
            if let Some(name) = self.find(lock.rel).map(|(_, called)| called.name.clone()) {
                self.push(" OF ");
                self.name(&name);
            }
            self.push(match lock.wait {
                LockWait::Block => "",
                LockWait::NoWait => " NOWAIT",
                LockWait::SkipLocked => " SKIP LOCKED",
            });
        }
    }

    fn with(&mut self, query: &Query) -> Result<()> {
        if query.ctes.is_empty() {
            return Ok(());
        }
        if self.style.lines {
            self.indent += CLAUSE;
            self.push(" ");
        }
        self.push(if query.recursive { "WITH RECURSIVE " } else { "WITH " });
        self.list(&query.ctes, |p, cte| p.cte(cte))?;
        if self.style.lines {
            self.indent -= CLAUSE;
            self.keyword("", 0, 0, 0);
        } else {
            self.push(" ");
        }
        Ok(())
    }

    fn cte(&mut self, cte: &Cte) -> Result<()> {
        if cte.extended {
            return Err(Error::unsupported("printing SEARCH or CYCLE"));
        }
        let CteBody::Query(query) = &cte.query else {
            return Err(Error::unsupported("printing a WITH query that modifies data"));
        };
        self.name(&cte.name);
        if cte.named > 0 {
            self.push("(");
            self.list(cte.columns.iter().take(cte.named.into()), |p, column| {
                p.name(&column.name);
                Ok(())
            })?;
            self.push(")");
        }
        self.push(match cte.materialized {
            None => " AS (",
            Some(true) => " AS MATERIALIZED (",
            Some(false) => " AS NOT MATERIALIZED (",
        });
        if self.style.lines {
            self.keyword("", 0, 0, 0);
        }
        self.subquery(query, true)?;
        if self.style.lines {
            self.keyword("", 0, 0, 0);
        }
        self.push(")");
        Ok(())
    }

    fn select(&mut self, select: &Select, query: &Query, columns: Option<&[Name]>) -> Result<()> {
        if select.qualify.is_some() {
            return Err(Error::unsupported("printing QUALIFY"));
        }
        self.level().groups = select.group_by.as_ref().map(|g| g.exprs.clone()).unwrap_or_default();
        self.push("SELECT");
        match &select.distinct {
            Distinct::All => {}
            Distinct::Distinct => self.push(" DISTINCT"),
            Distinct::On(exprs) => {
                self.push(" DISTINCT ON (");
                self.list(exprs, |p, expr| p.sort_item(expr))?;
                self.push(")");
            }
        }
        let names = query.columns.iter().map(|c| &c.name);
        let shown = names.enumerate().map(|(i, name)| columns.and_then(|c| c.get(i)).unwrap_or(name));
        self.targets(&select.targets, &shown.collect::<Vec<_>>())?;
        self.from_clause(&select.from)?;
        if let Some(filter) = &select.filter {
            self.keyword(" WHERE ", -CLAUSE, CLAUSE, 1);
            self.expr(filter, false)?;
        }
        if let Some(group) = &select.group_by {
            self.keyword(" GROUP BY ", -CLAUSE, CLAUSE, 1);
            self.group_by(group)?;
        }
        if let Some(having) = &select.having {
            self.keyword(" HAVING ", -CLAUSE, CLAUSE, 0);
            self.expr(having, false)?;
        }
        for (i, (name, spec)) in select.windows.iter().enumerate() {
            match i {
                0 => self.keyword(" WINDOW ", -CLAUSE, CLAUSE, 1),
                _ => self.push(", "),
            }
            self.name(name);
            self.push(" AS ");
            self.window_spec(spec)?;
        }
        Ok(())
    }

    fn targets(&mut self, targets: &[Expr], names: &[&Arc<str>]) -> Result<()> {
        for (i, target) in targets.iter().enumerate() {
            self.push(if i == 0 { " " } else { ", " });
            let text = self.aside(|p| p.target(target, names.get(i).map(|n| &***n)))?;
            if self.style.lines {
                if text.starts_with('\n') {
                    self.strip();
                } else if i > 0 {
                    // PostgreSQL wraps at column 0 by default: each target has its line.
                    self.keyword("", -CLAUSE, CLAUSE, ITEM);
                }
            }
            self.push(&text);
        }
        Ok(())
    }

    fn target(&mut self, target: &Expr, name: Option<&str>) -> Result<()> {
        // A cast that nobody wrote is there to fit a set operation.
        let target = super::expr::implicit_arg(target);
        let own = match &target.kind {
            ExprKind::Column { .. } | ExprKind::WholeRow(_) => self.variable(target, true)?,
            _ => match self.merged(target) {
                Some(name) => {
                    self.name(&name);
                    Some(name)
                }
                None => {
                    self.expr(target, true)?;
                    (!self.names_visible).then(|| "?column?".to_owned())
                }
            },
        };
        if let Some(name) = name
            && own.as_deref() != Some(name)
        {
            self.push(" AS ");
            self.name(name);
        }
        Ok(())
    }

    fn group_by(&mut self, group: &GroupBy) -> Result<()> {
        if group.distinct {
            self.push("DISTINCT ");
        }
        let plain = |item: &Grouping| matches!(item, Grouping::Simple(_));
        if group.written.iter().all(plain) && !group.exprs.is_empty() {
            return self.list(&group.exprs, |p, expr| p.sort_item(expr));
        }
        self.list(&group.written, |p, item| p.grouping(item, group, true))
    }

    fn grouping(&mut self, item: &Grouping, group: &GroupBy, bare: bool) -> Result<()> {
        let (word, parts, bare_parts) = match item {
            Grouping::Simple(set) => {
                let parens = !bare || set.len() != 1;
                self.push(if parens { "(" } else { "" });
                let exprs = set.iter().filter_map(|i| group.exprs.get(usize::from(*i)));
                self.list(exprs, |p, expr| p.sort_item(expr))?;
                self.push(if parens { ")" } else { "" });
                return Ok(());
            }
            Grouping::Rollup(parts) => ("ROLLUP(", parts, true),
            Grouping::Cube(parts) => ("CUBE(", parts, true),
            Grouping::Sets(parts) => ("GROUPING SETS (", parts, false),
        };
        self.push(word);
        self.list(parts, |p, part| p.grouping(part, group, bare_parts))?;
        self.push(")");
        Ok(())
    }

    /// VALUES as a query: with other column names it is `SELECT … FROM (VALUES …)`.
    fn values_query(&mut self, rows: &[Vec<Expr>], query: &Query, columns: Option<&[Name]>) -> Result<()> {
        let renamed = columns.is_some_and(|columns| columns.iter().zip(&query.columns).any(|(c, own)| *c != own.name));
        if !renamed {
            return self.values(rows);
        }
        self.push("SELECT");
        for (i, (name, own)) in columns.unwrap_or_default().iter().zip(&query.columns).enumerate() {
            if i > 0 {
                self.push(",");
                self.keyword(if self.style.lines { "" } else { " " }, -CLAUSE, CLAUSE, ITEM);
            } else {
                self.push(" ");
            }
            self.push("\"*VALUES*\".");
            self.name(&own.name);
            self.push(" AS ");
            self.name(name);
        }
        self.keyword(" FROM ", -CLAUSE, CLAUSE, 2);
        self.push("(");
        self.values(rows)?;
        self.push(") \"*VALUES*\"");
        Ok(())
    }

    pub(super) fn values(&mut self, rows: &[Vec<Expr>]) -> Result<()> {
        self.push("VALUES ");
        self.list(rows, |p, row| {
            p.push("(");
            for (i, value) in row.iter().enumerate() {
                p.push(if i > 0 { "," } else { "" });
                p.top(value, false)?;
            }
            p.push(")");
            Ok(())
        })
    }

    fn set_operation(
        &mut self,
        (op, all): (SetOp, bool),
        left: &Query,
        right: &Query,
        columns: Option<&[Name]>,
    ) -> Result<()> {
        let (left, right) = (uncovered(left), uncovered(right));
        let same = |query: &Query| matches!(&query.body, Body::SetOp { op: o, all: a, .. } if *o == op && *a == all);
        let parens = is_set_operation(left) && !same(left);
        let inner = if parens { CLAUSE } else { 0 };
        if parens {
            self.push("(");
            self.keyword("", inner, 0, 0);
        }
        self.term(left, columns)?;
        match (parens, self.style.lines) {
            (true, _) => self.keyword(") ", -inner, 0, 0),
            (false, true) => self.keyword("", -inner, 0, 0),
            (false, false) => self.push(" "),
        }
        self.push(match op {
            SetOp::Union => "UNION ",
            SetOp::Intersect => "INTERSECT ",
            SetOp::Except => "EXCEPT ",
        });
        self.push(if all { "ALL " } else { "" });
        let parens = is_set_operation(right);
        let inner = if parens { CLAUSE } else { 0 };
        self.push(if parens { "(" } else { "" });
        self.keyword("", inner, 0, 0);
        // The names of the right side's columns do not matter.
        let visible = std::mem::replace(&mut self.names_visible, false);
        self.term(right, columns)?;
        self.names_visible = visible;
        if self.style.lines {
            self.indent -= inner;
        }
        if parens {
            self.keyword(")", 0, 0, 0);
        }
        Ok(())
    }

    /// A side of a set operation.
    fn term(&mut self, query: &Query, columns: Option<&[Name]>) -> Result<()> {
        let plain =
            query.ctes.is_empty() && query.order_by.is_empty() && query.limit.is_none() && query.offset.is_none();
        let indent = self.indent;
        let result = match &query.body {
            Body::SetOp { op, all, left, right } if plain => self.set_operation((*op, *all), left, right, columns),
            _ => {
                let parens = !plain || !query.locking.is_empty();
                self.push(if parens { "(" } else { "" });
                let visible = self.names_visible;
                self.query(query, visible, columns)?;
                self.push(if parens { ")" } else { "" });
                Ok(())
            }
        };
        self.indent = indent;
        result
    }
}

fn is_set_operation(query: &Query) -> bool {
    let plain = query.ctes.is_empty() && query.order_by.is_empty() && query.limit.is_none() && query.offset.is_none();
    plain && matches!(query.body, Body::SetOp { .. })
}

/// The query without the one that analysis puts around it to cast its columns.
fn uncovered(query: &Query) -> &Query {
    if let Body::Select(select) = &query.body
        && let [FromItem::Relation(relation)] = select.from.as_slice()
        && let Source::Subquery(inner) = &relation.source
        && relation.pos == 0
        && &*relation.alias == AROUND
        && query.order_by.is_empty()
    {
        return uncovered(inner);
    }
    query
}
