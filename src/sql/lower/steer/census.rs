//! What there is in a statement that the passes of this room look for. Each of them goes through all of it, and most have nothing
//! to do in most statements: one look, which copies nothing, tells which.

use super::drawn_rows::is_sequence;
use super::nesting::FREE_DEPTH;
use super::row_order::gathers;
use crate::sql::lower::ir::walk::{each_child, is_lambda, is_window, keys, query_of};
use crate::sql::lower::ir::{Body, Conflict, Cte, From, Node, OrderKey, Query, Scalar, Select, Statement};
use crate::types::Phys;

/// How much deeper a pass may put a value that draws nothing and looks at no query.
const DEEPER: usize = 4;

/// What has been seen.
#[derive(Debug, Default)]
pub(crate) struct Census {
    tables: bool,
    sets: bool,
    queries: bool,
    laterals: bool,
    functions: bool,
    lambdas: bool,
    windows: bool,
    draws: bool,
    sequences: bool,
    gathers: bool,
    intervals: usize,
    depth: usize,
}

impl Census {
    pub(crate) fn of(statement: &Statement) -> Self {
        let mut census = Self::default();
        census.statement(statement);
        census
    }

    /// Nothing but values, each of which is the same however often it is computed.
    pub(crate) fn only_values(&self) -> bool {
        !self.tables && !self.sets && !self.functions && !self.looks_outside() && !self.draws()
    }

    /// LATERAL queries in FROM.
    pub(crate) fn laterals(&self) -> bool {
        self.laterals
    }

    /// Rows that are gathered into one value, in turn.
    pub(crate) fn gathers(&self) -> bool {
        self.gathers
    }

    /// Queries that may look at the rows of others.
    pub(crate) fn looks_outside(&self) -> bool {
        self.queries || self.laterals
    }

    /// More than one constant or parameter that is an interval.
    pub(crate) fn several_intervals(&self) -> bool {
        self.intervals > 1
    }

    /// What asks sequences.
    pub(crate) fn asks_sequences(&self) -> bool {
        self.sequences
    }

    /// What differs each time that it is computed.
    pub(crate) fn draws(&self) -> bool {
        self.draws || self.sequences
    }

    /// Lambdas and windows, or what a pass makes some of, where there may be columns from outside.
    pub(crate) fn binds_outside(&self) -> bool {
        let binds = self.lambdas || self.windows || self.gathers || self.laterals || self.draws();
        binds && (self.looks_outside() || self.functions)
    }

    /// Values inside each other, or queries inside values, as deep as may be too deep.
    pub(crate) fn is_deep(&self) -> bool {
        self.looks_outside() || self.draws() || self.depth + DEEPER > FREE_DEPTH
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Query(query) | Statement::Keep { table: _, query } => self.query(query),
            Statement::Insert { table: _, alias: _, columns: _, source, conflict, returning } => {
                self.query(source);
                if let Some(Conflict { columns: _, sets, filter }) = conflict {
                    self.values(sets.iter().flatten().map(|(_, value)| value).chain(filter));
                }
                self.values(returning);
            }
            Statement::Update { ctes, recursive: _, table: _, alias: _, sets, from, filter, returning } => {
                self.ctes(ctes);
                from.iter().for_each(|item| self.item(item));
                self.values(sets.iter().map(|(_, value)| value).chain(filter).chain(returning));
            }
            Statement::Delete { ctes, recursive: _, table: _, alias: _, using, filter, returning } => {
                self.ctes(ctes);
                using.iter().for_each(|item| self.item(item));
                self.values(filter.iter().chain(returning));
            }
            Statement::Explain { analyze: _, statement } => self.statement(statement),
        }
    }

    fn ctes(&mut self, ctes: &[Cte]) {
        ctes.iter().for_each(|cte| self.query(&cte.query));
    }

    fn query(&mut self, query: &Query) {
        let Query { ctes, recursive: _, body, order_by, limit, offset, columns: _ } = query;
        self.ctes(ctes);
        match body {
            Body::Select(select) => self.select(select),
            Body::SetOp { op: _, left, right } => {
                self.query(left);
                self.query(right);
            }
            Body::Values(rows) => self.values(rows.iter().flatten()),
        }
        self.values(keys(order_by).chain(limit).chain(offset));
    }

    fn select(&mut self, select: &Select) {
        let Select { distinct: _, distinct_on, targets, from, filter, group_by, having, qualify } = select;
        from.iter().for_each(|item| self.item(item));
        let on = distinct_on.iter().filter_map(|key| match key {
            OrderKey::Position(_) => None,
            OrderKey::Scalar(value) => Some(value),
        });
        let groups = group_by.iter().flatten().flatten();
        self.values(targets.iter().chain(filter).chain(having).chain(qualify).chain(on).chain(groups));
    }

    fn item(&mut self, item: &From) {
        match item {
            From::Table { .. } => self.tables = true,
            From::Function { text: _, args, alias: _, columns: _ } => {
                self.functions = true;
                self.values(args);
            }
            From::Query { query, alias: _, lateral } => {
                self.laterals |= *lateral;
                self.query(query);
            }
            From::With { from, alias: _, columns } => {
                self.item(from);
                self.values(columns.iter().map(|(_, value)| value));
            }
            From::Join { kind: _, left, right, on } => {
                self.item(left);
                self.item(right);
                self.values(on);
            }
        }
    }

    fn values<'s>(&mut self, values: impl IntoIterator<Item = &'s Scalar>) {
        values.into_iter().for_each(|value| self.value(value, 1));
    }

    fn value(&mut self, value: &Scalar, depth: usize) {
        self.depth = self.depth.max(depth);
        self.lambdas = self.lambdas || is_lambda(&value.node);
        self.windows |= is_window(&value.node);
        self.gathers |= gathers(&value.node);
        let given = match &value.node {
            Node::Template { text, args, draw } => {
                self.draws |= *draw != 0;
                self.sets |= text.starts_with("unnest(");
                self.sequences |= is_sequence(text);
                args.is_empty()
            }
            node => matches!(node, Node::Param(_)),
        };
        self.intervals += usize::from(given && value.phys == Phys::Interval);
        each_child(value, &mut |child| self.value(child, depth + 1));
        if let Some(query) = query_of(value) {
            self.queries = true;
            self.query(query);
        }
        if let Some(scale) = &value.dscale {
            self.value(scale, depth + 1);
        }
    }
}
