//! Rows of LATERAL queries with ORDER BY come in that order, for each row of what they are beside: the "first few of each". DuckDB
//! joins them by hash, last first and mixed. Nobody promises an order, but what comes is numbered, aggregated and stored as it
//! comes, and PostgreSQL's nested loop has it.
//!
//! `FROM r1 AS t1, LATERAL (SELECT … ORDER BY r2.b DESC LIMIT 2) AS t2` → `… ORDER BY t1.rowid, t2.c1 DESC`,
//! below what makes lists of such rows: `SELECT list(s1.c0) FROM (SELECT … ORDER BY t1.rowid, t2.c1 DESC) AS s1`

use super::own_rows::Level;
use super::row_order::{gathers, is_plain, is_set};
use crate::sql::lower::ir::walk::{aliases, children_mut, has, key_mut, query_columns_mut, query_mut, values_mut};
use crate::sql::lower::ir::{Alias, Body, From, Node, Order, OrderKey, Query, Scalar, Select, Statement, output_name};
use crate::sql::lower::query::keys_below::put_below;

/// Aliases from here on are this file's own.
const FIRST: u32 = 1_100_000_000;

/// Puts what is lateral in order.
pub(crate) fn ordered(statement: &mut Statement) {
    match statement {
        Statement::Query(query) | Statement::Keep { table: _, query } => Orderer::default().query(query),
        Statement::Insert { source, .. } => Orderer::default().query(source),
        Statement::Explain { analyze: _, statement } => ordered(statement),
        Statement::Update { sets, filter, .. } => {
            let values = sets.iter_mut().map(|(_, value)| value).chain(filter);
            values.for_each(|value| Orderer::default().value(value));
        }
        Statement::Delete { filter, .. } => filter.iter_mut().for_each(|value| Orderer::default().value(value)),
    }
}

/// A lateral query with an order: what it goes by, and its keys.
type Lateral = (Alias, Vec<Order>);

#[derive(Default)]
struct Orderer {
    made: u32,
    keys: u32,
}

impl Orderer {
    fn query(&mut self, query: &mut Query) {
        let Query { ctes, recursive: _, body, order_by, limit, offset, columns: _ } = query;
        ctes.iter_mut().for_each(|cte| self.query(&mut cte.query));
        match body {
            Body::Select(select) => {
                select.from.iter_mut().for_each(|item| self.item(item));
                values_mut(select).into_iter().for_each(|value| self.value(value));
                if order_by.is_empty() {
                    *order_by = self.select(select);
                } else if select.targets.iter().any(|target| has(target, &gathers)) {
                    self.below(select, order_by);
                }
            }
            Body::SetOp { op: _, left, right } => {
                self.query(left);
                self.query(right);
            }
            Body::Values(rows) => rows.iter_mut().flatten().for_each(|value| self.value(value)),
        }
        let keys = order_by.iter_mut().filter_map(key_mut);
        keys.chain(limit).chain(offset).for_each(|value| self.value(value));
    }

    fn value(&mut self, value: &mut Scalar) {
        children_mut(value).into_iter().for_each(|child| self.value(child));
        if matches!(value.node, Node::Exists(_)) {
            return;
        }
        if let Some(query) = query_mut(value) {
            self.query(query);
        }
    }

    fn item(&mut self, item: &mut From) {
        match item {
            From::Table { .. } => {}
            From::Function { args, .. } => args.iter_mut().for_each(|arg| self.value(arg)),
            From::Query { query, .. } => self.query(query),
            From::With { from, alias: _, columns } => {
                self.item(from);
                columns.iter_mut().for_each(|(_, value)| self.value(value));
            }
            From::Join { kind: _, left, right, on } => {
                self.item(left);
                self.item(right);
                on.iter_mut().for_each(|on| self.value(on));
            }
        }
    }

    /// The order of a select that has none; of what it makes its rows from if these are made of several, or see others.
    fn select(&mut self, select: &mut Select) -> Vec<Order> {
        let seen = |node: &Node| is_set(node) || matches!(node, Node::Aggregate(_));
        if is_plain(select) && !select.targets.iter().any(|target| has(target, &seen)) {
            return self.orders(&mut select.from).unwrap_or_default();
        }
        let gathered = select.targets.iter().chain(&select.having).any(|target| has(target, &gathers));
        if gathered || is_plain(select) {
            self.below(select, &mut []);
        }
        Vec::new()
    }

    fn below(&mut self, select: &mut Select, keys: &mut [Order]) {
        let Some(orders) = self.orders(&mut select.from) else { return };
        let from = std::mem::take(&mut select.from);
        self.made += 1;
        put_below((Alias::Made(FIRST + self.made), Vec::new()), from, select, keys);
        if let [From::Query { query: below, .. }] = select.from.as_mut_slice() {
            below.order_by = orders;
        }
    }

    /// What the rows of FROM are to be sorted by, if there is such a query in it.
    fn orders(&mut self, from: &mut [From]) -> Option<Vec<Order>> {
        let mut own = Vec::new();
        from.iter().for_each(|item| aliases(item, &mut own));
        let mut laterals: Vec<Lateral> = Vec::new();
        from.iter_mut().for_each(|item| find(item, &own, &mut laterals));
        let last = own.iter().rposition(|alias| laterals.iter().any(|(known, _)| known == alias))?;
        let mut level = Level::of(from, &Select::default());
        let mut orders = Vec::new();
        for alias in own.into_iter().take(last + 1) {
            if let Some(at) = laterals.iter().position(|(known, _)| *known == alias) {
                orders.append(&mut laterals[at].1);
            } else {
                let key = OrderKey::Scalar(level.row(alias, "dg_o", &mut self.keys));
                orders.push(Order { key, descending: false, nulls_first: false });
            }
        }
        level.put(from);
        Some(orders)
    }
}

/// Finds them. What takes nothing of the relations beside it is computed once, and keeps its order.
fn find(item: &mut From, own: &[Alias], laterals: &mut Vec<Lateral>) {
    match item {
        From::Query { query, alias, lateral: true } => {
            let mut beside = false;
            query_columns_mut(query, &mut |alias, _, _| beside |= own.contains(alias));
            if beside && let Some(orders) = shown_keys(query, *alias) {
                laterals.push((*alias, orders));
            }
        }
        From::Table { .. } | From::Function { .. } | From::Query { .. } | From::With { .. } => {}
        From::Join { kind: _, left, right, on: _ } => {
            find(left, own, laterals);
            find(right, own, laterals);
        }
    }
}

/// The keys of a query's order as columns of its own, behind those that it has.
fn shown_keys(query: &mut Query, alias: Alias) -> Option<Vec<Order>> {
    let Query { ctes: _, recursive: _, body, order_by, limit: _, offset: _, columns } = query;
    if order_by.is_empty() {
        return None;
    }
    let mut orders = Vec::with_capacity(order_by.len());
    let mut added = Vec::new();
    for order in order_by.iter() {
        let at = match &order.key {
            OrderKey::Position(n) => n - 1,
            // What draws would draw again.
            OrderKey::Scalar(value) if value.weight().1 => return None,
            OrderKey::Scalar(value) => {
                added.push(value.clone());
                columns.len() + added.len() - 1
            }
        };
        orders.push((at, order.descending, order.nulls_first));
    }
    if !added.is_empty() {
        let Body::Select(select) = body else { return None };
        if select.distinct || select.targets.len() != columns.len() {
            return None;
        }
        columns.extend(added.iter().map(|key| key.phys.clone()));
        select.targets.append(&mut added);
    }
    let key = |(at, descending, nulls_first): (usize, bool, bool)| {
        let phys = columns.get(at)?.clone();
        let key = OrderKey::Scalar(Scalar::column(alias, output_name(at), phys));
        Some(Order { key, descending, nulls_first })
    };
    orders.into_iter().map(key).collect()
}
