//! How deep queries stand inside values, and how many of them look outside: DuckDB's planner takes a multiple of the time for
//! each level of the first (2 s at ten), and the square of the second's number (1 s for a hundred), and heeds no interrupt.

use std::collections::HashSet;

use crate::error::Result;
use crate::sql::lower::ir::walk::{each_child, keys, query_of};
use crate::sql::lower::ir::{self, Alias, Body, Conflict, From, Node, OrderKey, Query, Scalar, Select, Statement};
use crate::sql::parse::too_deep;

/// Levels of `(SELECT … (SELECT …))`.
const MAX_LEVELS: usize = 8;

/// Correlated subqueries in one statement.
const MAX_CORRELATED: usize = 100;

/// How deep values may stand inside each other for nothing, and how many levels beyond there may be, summed over all values:
/// DuckDB looks at what is inside of a call anew for each level.
pub(super) const FREE_DEPTH: usize = 16;
const MAX_DEPTHS: usize = 300_000;

/// 54001 if planning a statement would take too long.
pub(crate) fn bounded(statement: &Statement) -> Result<()> {
    let mut nesting = Nesting::default();
    nesting.statement(statement)?;
    Ok(())
}

/// The relations that something mentions and does not have.
type Free = HashSet<Alias>;

#[derive(Default)]
struct Nesting {
    level: usize,
    correlated: usize,
    depth: usize,
    depths: usize,
}

impl Nesting {
    fn statement(&mut self, statement: &Statement) -> Result<()> {
        let mut free = Free::new();
        match statement {
            Statement::Query(query) | Statement::Keep { table: _, query } => self.query(query, &mut free),
            Statement::Insert { table: _, alias: _, columns: _, source, conflict, returning } => {
                self.query(source, &mut free)?;
                if let Some(Conflict { columns: _, sets, filter }) = conflict {
                    let sets = sets.iter().flatten().map(|(_, value)| value);
                    self.values(sets.chain(filter), &mut free)?;
                }
                self.values(returning, &mut free)
            }
            Statement::Update { ctes, recursive: _, table: _, alias: _, sets, from, filter, returning } => {
                self.ctes(ctes, &mut free)?;
                self.from_items(from, &mut free)?;
                self.values(sets.iter().map(|(_, value)| value).chain(filter).chain(returning), &mut free)
            }
            Statement::Delete { ctes, recursive: _, table: _, alias: _, using, filter, returning } => {
                self.ctes(ctes, &mut free)?;
                self.from_items(using, &mut free)?;
                self.values(filter.iter().chain(returning), &mut free)
            }
            Statement::Explain { analyze: _, statement } => self.statement(statement),
        }
    }

    fn ctes(&mut self, ctes: &[ir::Cte], free: &mut Free) -> Result<()> {
        ctes.iter().try_for_each(|cte| self.query(&cte.query, free))
    }

    fn query(&mut self, query: &Query, free: &mut Free) -> Result<()> {
        let Query { ctes, recursive: _, body, order_by, limit, offset, columns: _ } = query;
        self.ctes(ctes, free)?;
        let mut own = Free::new();
        let mut here = HashSet::new();
        match body {
            Body::Select(select) => self.select(select, &mut own, &mut here)?,
            Body::SetOp { op: _, left, right } => {
                self.query(left, &mut own)?;
                self.query(right, &mut own)?;
            }
            Body::Values(rows) => self.values(rows.iter().flatten(), &mut own)?,
        }
        self.values(keys(order_by).chain(limit).chain(offset), &mut own)?;
        free.extend(own.into_iter().filter(|alias| !here.contains(alias)));
        Ok(())
    }

    fn select(&mut self, select: &Select, free: &mut Free, here: &mut HashSet<Alias>) -> Result<()> {
        let Select { distinct: _, distinct_on, targets, from, filter, group_by, having, qualify } = select;
        self.from_items(from, free)?;
        let mut own = Vec::new();
        from.iter().for_each(|item| crate::sql::lower::ir::walk::aliases(item, &mut own));
        here.extend(own);
        let on = distinct_on.iter().filter_map(|key| match key {
            OrderKey::Position(_) => None,
            OrderKey::Scalar(value) => Some(value),
        });
        let groups = group_by.iter().flatten().flatten();
        self.values(targets.iter().chain(filter).chain(having).chain(qualify).chain(on).chain(groups), free)
    }

    fn from_items(&mut self, items: &[From], free: &mut Free) -> Result<()> {
        for item in items {
            match item {
                From::Table { .. } => {}
                From::Function { text: _, args, alias: _, columns: _ } => self.values(args, free)?,
                From::Query { query, alias: _, lateral: _ } => self.query(query, free)?,
                From::With { from, alias: _, columns } => {
                    self.from_items(std::slice::from_ref(from), free)?;
                    self.values(columns.iter().map(|(_, value)| value), free)?;
                }
                From::Join { kind: _, left, right, on } => {
                    self.from_items(std::slice::from_ref(left), free)?;
                    self.from_items(std::slice::from_ref(right), free)?;
                    self.values(on, free)?;
                }
            }
        }
        Ok(())
    }

    fn values<'s>(&mut self, values: impl IntoIterator<Item = &'s Scalar>, free: &mut Free) -> Result<()> {
        values.into_iter().try_for_each(|value| self.value(value, free))
    }

    fn value(&mut self, value: &Scalar, free: &mut Free) -> Result<()> {
        self.depth += 1;
        self.depths += self.depth.saturating_sub(FREE_DEPTH);
        if self.depths > MAX_DEPTHS {
            return Err(too_deep());
        }
        let done = self.inside(value, free);
        self.depth -= 1;
        done
    }

    fn inside(&mut self, value: &Scalar, free: &mut Free) -> Result<()> {
        if let Node::Column(alias, _) = &value.node {
            free.insert(*alias);
        }
        let mut done = Ok(());
        each_child(value, &mut |child| {
            if done.is_ok() {
                done = self.value(child, free);
            }
        });
        done?;
        query_of(value).map_or(Ok(()), |query| self.inner(query, free))
    }

    /// A query inside a value.
    fn inner(&mut self, query: &Query, free: &mut Free) -> Result<()> {
        if self.level == MAX_LEVELS {
            return Err(too_deep());
        }
        self.level += 1;
        let mut own = Free::new();
        self.query(query, &mut own)?;
        self.level -= 1;
        if !own.is_empty() {
            self.correlated += 1;
            if self.correlated > MAX_CORRELATED {
                return Err(too_deep());
            }
        }
        free.extend(own);
        Ok(())
    }
}
