//! Lambdas and windows in queries that look outside: DuckDB binds a call with a lambda, and a window, at one level only, so the
//! columns of queries around it come as columns of a relation of its own select.
//!
//! `(SELECT 1 FROM u AS t2 WHERE … list_filter(t1.a, lambda v: t2.id > v) …)` →
//! `(SELECT 1 FROM u AS t2, (SELECT t1.a AS c0) AS s2000001 WHERE … list_filter(s2000001.c0, lambda v: t2.id > v) …)`

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::sql::lower::ir::walk::{aliases, children_mut, has, is_lambda, is_window, key_mut, query_mut, values_mut};
use crate::sql::lower::ir::{self, Alias, Body, Conflict, From, Node, Query, Scalar, Select, Statement};
use crate::sql::lower::value::array::{derived, plain_query};
use crate::types::Phys;

/// Relations from here on are this file's own.
const FIRST: u32 = 2_000_000;

/// Gives each select with such lambdas and windows the columns that they take from outside.
pub(crate) fn own_columns(statement: &mut Statement) -> Result<()> {
    let mut binder = Binder { made: FIRST };
    match statement {
        Statement::Query(query) | Statement::Keep { table: _, query } => binder.query(query),
        Statement::Insert { table: _, alias: _, columns: _, source, conflict, returning } => {
            binder.query(source)?;
            if let Some(Conflict { columns: _, sets, filter }) = conflict {
                let sets = sets.iter_mut().flatten().map(|(_, value)| value);
                binder.queries(sets.chain(filter).collect())?;
            }
            binder.queries(returning.iter_mut().collect())
        }
        Statement::Update { ctes, recursive: _, table: _, alias: _, sets, from, filter, returning } => {
            ctes.iter_mut().try_for_each(|cte| binder.query(&mut cte.query))?;
            from.iter_mut().try_for_each(|item| binder.inside(item))?;
            let sets = sets.iter_mut().map(|(_, value)| value);
            binder.queries(sets.chain(filter).chain(returning).collect())
        }
        Statement::Delete { ctes, recursive: _, table: _, alias: _, using, filter, returning } => {
            ctes.iter_mut().try_for_each(|cte| binder.query(&mut cte.query))?;
            using.iter_mut().try_for_each(|item| binder.inside(item))?;
            binder.queries(filter.iter_mut().chain(returning).collect())
        }
        Statement::Explain { analyze: _, statement } => own_columns(statement),
    }
}

/// The row of what comes from outside.
struct Outer {
    alias: Alias,
    own: Vec<Alias>,
    columns: Vec<Scalar>,
}

impl Outer {
    /// Takes the outer columns in the lambdas and windows of a value; true if there were any.
    fn take(&mut self, value: &mut Scalar) -> bool {
        if is_lambda(&value.node) || is_window(&value.node) {
            return self.replace(value);
        }
        // Not `any`: each one is to be looked at.
        let mut found = false;
        for child in children_mut(value) {
            found |= self.take(child);
        }
        found
    }

    /// Replaces the outer columns of a value; those of its queries have been seen to.
    fn replace(&mut self, value: &mut Scalar) -> bool {
        let outer = match &value.node {
            Node::Column(alias, name) if *alias != self.alias && !self.own.contains(alias) => {
                Some((*alias, name.clone()))
            }
            _ => None,
        };
        if let Some((alias, name)) = outer {
            let (alias, name) = self.column(alias, &name, &value.phys.clone());
            value.node = Node::Column(alias, name);
            return true;
        }
        let mut found = false;
        for child in children_mut(value) {
            found |= self.replace(child);
        }
        found
    }

    fn column(&mut self, of: Alias, name: &Arc<str>, phys: &Phys) -> (Alias, Arc<str>) {
        let is_it = |known: &Scalar| matches!(&known.node, Node::Column(a, n) if *a == of && n == name);
        let at = self.columns.iter().position(is_it).unwrap_or(self.columns.len());
        if at == self.columns.len() {
            self.columns.push(Scalar::column(of, name.clone(), phys.clone()));
        }
        (self.alias, ir::output_name(at))
    }

    fn into_from(self) -> Option<From> {
        let columns: Vec<Phys> = self.columns.iter().map(|c| c.phys.clone()).collect();
        let select = Select { targets: self.columns, ..Select::default() };
        (!columns.is_empty()).then(|| derived(plain_query(select, columns), self.alias))
    }
}

struct Binder {
    made: u32,
}

impl Binder {
    fn alias(&mut self) -> Alias {
        self.made += 1;
        Alias::Made(self.made)
    }

    fn outer(&mut self, own: Vec<Alias>) -> Outer {
        Outer { alias: self.alias(), own, columns: Vec::new() }
    }

    fn query(&mut self, query: &mut Query) -> Result<()> {
        query.ctes.iter_mut().try_for_each(|cte| self.query(&mut cte.query))?;
        if let Body::Values(rows) = &mut query.body {
            self.queries(rows.iter_mut().flatten().collect())?;
            if let Some(body) = self.rows(rows, &query.columns) {
                query.body = body;
            }
        }
        match &mut query.body {
            Body::Select(select) => {
                let keys: Vec<&mut Scalar> = query.order_by.iter_mut().filter_map(key_mut).collect();
                self.select(select, keys)?;
            }
            Body::SetOp { op: _, left, right } => {
                self.query(left)?;
                self.query(right)?;
            }
            Body::Values(_) => {}
        }
        self.queries(query.limit.iter_mut().chain(&mut query.offset).collect())
    }

    /// The queries inside of values.
    fn queries(&mut self, values: Vec<&mut Scalar>) -> Result<()> {
        for value in values {
            self.queries(children_mut(value))?;
            if let Some(query) = query_mut(value) {
                self.query(query)?;
            }
        }
        Ok(())
    }

    /// VALUES with lambdas that have columns become selects, one for each row.
    fn rows(&mut self, rows: &mut Vec<Vec<Scalar>>, columns: &[Phys]) -> Option<Body> {
        if !rows.iter().flatten().any(|value| has(value, &is_lambda)) {
            return None;
        }
        let mut outer = self.outer(Vec::new());
        let mut found = false;
        for value in rows.clone().iter_mut().flatten() {
            found |= outer.take(value);
        }
        if !found {
            return None;
        }
        let mut selects = std::mem::take(rows).into_iter().map(|targets| {
            let mut select = Select { targets, ..Select::default() };
            let mut outer = self.outer(Vec::new());
            values_mut(&mut select).into_iter().for_each(|value| {
                outer.take(value);
            });
            select.from.extend(outer.into_from());
            plain_query(select, columns.to_vec())
        });
        let first = selects.next()?;
        let union = |left: Query, right: Query| {
            let body = Body::SetOp { op: "UNION ALL", left: Box::new(left), right: Box::new(right) };
            crate::sql::lower::query::set_op::query_of(body, columns.to_vec())
        };
        Some(selects.fold(first, union).body)
    }

    fn select(&mut self, select: &mut Select, mut keys: Vec<&mut Scalar>) -> Result<()> {
        for item in &mut select.from {
            self.function_calls(item)?;
            self.inside(item)?;
        }
        for value in values_mut(select) {
            self.queries(vec![value])?;
        }
        for key in &mut keys {
            self.queries(vec![key])?;
        }
        let mut own = Vec::new();
        select.from.iter().for_each(|item| aliases(item, &mut own));
        for item in &mut select.from {
            self.conditions(item, &mut own)?;
        }
        let mut outer = self.outer(own);
        let summed = select.group_by.is_some() || values_mut(select).into_iter().any(|value| has(value, &is_sum));
        if summed {
            self.summed(select, keys, &mut outer)?;
        } else {
            for value in values_mut(select).into_iter().chain(keys) {
                outer.take(value);
            }
        }
        select.from.extend(outer.into_from());
        Ok(())
    }

    /// A select with aggregates: outside of them, what comes from outside is grouped by, or the aggregates are computed below.
    fn summed(&mut self, select: &mut Select, keys: Vec<&mut Scalar>, outer: &mut Outer) -> Result<()> {
        select.filter.iter_mut().for_each(|filter| {
            outer.take(filter);
        });
        select.group_by.iter_mut().flatten().flatten().for_each(|key| {
            outer.take(key);
        });
        for value in values_mut(select).into_iter() {
            inside_sums(value, outer);
        }
        let mut above = false;
        let mut sums = keys;
        for value in values_mut(select).into_iter().chain(sums.iter_mut().map(|key| &mut **key)) {
            above |= outer.take(value);
        }
        if !above {
            return Ok(());
        }
        let columns: Vec<Scalar> = (0..outer.columns.len())
            .map(|i| Scalar::column(outer.alias, ir::output_name(i), outer.columns[i].phys.clone()))
            .collect();
        match &mut select.group_by {
            Some(sets) if !sets.is_empty() && sets.iter().all(|set| !set.is_empty()) => {
                sets.iter_mut().for_each(|set| set.extend(columns.iter().cloned()));
                Ok(())
            }
            Some(_) => Err(Error::unsupported("this expression of an outer query's columns beside grouping sets")
                .hint("Compute it in a subquery in FROM.")),
            None => {
                self.sums_below(select, sums);
                Ok(())
            }
        }
    }

    /// `SELECT f(sum(a), s.c0) FROM t, s` → `SELECT f(b.c0, s.c0) FROM (SELECT sum(a) AS c0 FROM t) AS b, s`
    fn sums_below(&mut self, select: &mut Select, keys: Vec<&mut Scalar>) {
        let alias = self.alias();
        let mut targets = Vec::new();
        let filter = select.filter.take();
        for value in values_mut(select).into_iter().chain(keys) {
            move_sums(value, alias, &mut targets);
        }
        if targets.is_empty() {
            targets.push(Scalar::int4(1));
        }
        let columns = targets.iter().map(|t| t.phys.clone()).collect();
        let from = std::mem::take(&mut select.from);
        let inner = Select { targets, from, filter, ..Select::default() };
        select.filter = select.having.take();
        select.from = vec![derived(plain_query(inner, columns), alias)];
    }

    /// The queries in FROM, and those in its functions' arguments and conditions.
    fn inside(&mut self, item: &mut From) -> Result<()> {
        match item {
            From::Table { .. } => Ok(()),
            From::Function { text: _, args, alias: _, columns: _ } => self.queries(args.iter_mut().collect()),
            From::Query { query, alias: _, lateral: _ } => self.query(query),
            From::With { from, alias: _, columns } => {
                self.inside(from)?;
                self.queries(columns.iter_mut().map(|(_, value)| value).collect())
            }
            From::Join { kind: _, left, right, on } => {
                self.inside(left)?;
                self.inside(right)?;
                self.queries(on.iter_mut().collect())
            }
        }
    }

    /// Functions in FROM whose arguments have such lambdas: the arguments come from a select before them.
    fn function_calls(&mut self, item: &mut From) -> Result<()> {
        match item {
            From::Table { .. } | From::Query { .. } => Ok(()),
            From::With { from, .. } => self.function_calls(from),
            From::Join { kind: _, left, right, on: _ } => {
                self.function_calls(left)?;
                self.function_calls(right)
            }
            From::Function { text, args, alias, columns } => {
                let mut outer = self.outer(Vec::new());
                let mut inner = Select { targets: args.clone(), ..Select::default() };
                let mut found = false;
                for arg in &mut inner.targets {
                    found |= outer.take(arg);
                }
                let listed = args.iter().all(|arg| !has(arg, &over_no_column));
                let numbered = columns.iter().enumerate().all(|(i, name)| **name == *ir::output_name(i));
                if !found || listed || !numbered || columns.is_empty() {
                    return Ok(());
                }
                inner.from.extend(outer.into_from());
                let given = self.alias();
                let types: Vec<Phys> = args.iter().map(|arg| arg.phys.clone()).collect();
                let args = types.iter().enumerate();
                let args = args.map(|(i, phys)| Scalar::column(given, ir::output_name(i), phys.clone())).collect();
                let inner = derived(plain_query(inner, types), given);
                let call = self.alias();
                let names = columns.clone();
                let targets = names.iter().map(|name| Scalar::column(call, name.clone(), Phys::Void)).collect();
                let function = From::Function { text: text.clone(), args, alias: call, columns: names.clone() };
                let select = Select { targets, from: vec![inner, function], ..Select::default() };
                let query = plain_query(select, vec![Phys::Void; names.len()]);
                *item = From::Query { query: Box::new(query), alias: *alias, lateral: true };
                Ok(())
            }
        }
    }

    /// Conditions of joins: the row stands on a side that keeps its rows.
    fn conditions(&mut self, item: &mut From, own: &mut Vec<Alias>) -> Result<()> {
        let From::Join { kind, left, right, on } = item else { return Ok(()) };
        self.conditions(left, own)?;
        self.conditions(right, own)?;
        let Some(on) = on else { return Ok(()) };
        let mut outer = self.outer(own.clone());
        outer.take(on);
        let alias = outer.alias;
        let Some(row) = outer.into_from() else { return Ok(()) };
        own.push(alias);
        let side = match *kind {
            "RIGHT JOIN" => right,
            "FULL JOIN" => {
                return Err(Error::unsupported("this condition of a full join with an outer query's columns"));
            }
            _ => left,
        };
        let nothing = From::Table { name: ir::TableName::Cte(0), alias, sample: None };
        let kept = std::mem::replace(&mut **side, nothing);
        **side = From::Join { kind: "CROSS JOIN", left: Box::new(row), right: Box::new(kept), on: None };
        Ok(())
    }
}

/// A lambda over a list that has no column: DuckDB binds it where it stands.
fn over_no_column(node: &Node) -> bool {
    let Node::Template { text: _, args, draw: _ } = node else { return false };
    is_lambda(node) && args.first().is_some_and(|list| !has(list, &|node| matches!(node, Node::Column(..))))
}

fn is_sum(node: &Node) -> bool {
    matches!(node, Node::Aggregate(aggregate) if aggregate.over.is_none())
}

fn inside_sums(value: &mut Scalar, outer: &mut Outer) {
    let sum = is_sum(&value.node);
    for child in children_mut(value) {
        if sum {
            outer.take(child);
        } else {
            inside_sums(child, outer);
        }
    }
}

fn move_sums(value: &mut Scalar, alias: Alias, targets: &mut Vec<Scalar>) {
    if is_sum(&value.node) {
        let (phys, dscale) = (value.phys.clone(), value.dscale.take());
        let column = Scalar::column(alias, ir::output_name(targets.len()), phys);
        targets.push(std::mem::replace(value, Scalar { dscale, ..column }));
        return;
    }
    children_mut(value).into_iter().for_each(|child| move_sums(child, alias, targets));
}
