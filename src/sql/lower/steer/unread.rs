//! Columns of queries in FROM that do something (draw a number, take a lock) are computed though nobody reads them: PostgreSQL
//! keeps what is volatile (remove_unused_subquery_outputs), DuckDB leaves it out.
//!
//! `SELECT count(*) FROM (SELECT dg_nextval(…) AS c0 FROM t) AS s1` →
//! `SELECT count(*) FROM (…) AS s1 WHERE ((s1.c0 IS NULL) IS NOT NULL)`, which is always so and which DuckDB does not know

use std::collections::HashMap;

use crate::sql::lower::ir::walk::{children_mut, has, key_mut, query_mut, values_mut};
use crate::sql::lower::ir::{Alias, Body, From, Node, Query, Scalar, Statement, TableName, output_name};
use crate::types::Phys;

pub(crate) fn computed(statement: &mut Statement) {
    let mut unread = Unread::default();
    match statement {
        Statement::Query(query) | Statement::Keep { table: _, query } => unread.query(query, false),
        Statement::Insert { source, .. } => unread.query(source, false),
        Statement::Explain { analyze: _, statement } => computed(statement),
        // Their FROM is read for each row that is changed.
        Statement::Update { .. } | Statement::Delete { .. } => {}
    }
}

/// Does computing it do something besides?
fn acts(value: &Scalar) -> bool {
    const PURE: [&str; 4] = ["random(", "gen_random_uuid(", "clock_timestamp(", "get_current_timestamp("];
    has(value, &|node| match node {
        Node::Template { text, draw, .. } => {
            *draw != 0 && !PURE.iter().any(|name| text.trim_start_matches("dg_").starts_with(name))
        }
        _ => false,
    })
}

/// The columns of a query that do something.
fn acting(query: &Query) -> Vec<(usize, Phys)> {
    let of = |values: &[Scalar]| {
        let acting = values.iter().enumerate().filter(|(_, value)| acts(value));
        acting.map(|(at, value)| (at, value.phys.clone())).collect::<Vec<_>>()
    };
    match &query.body {
        Body::Select(select) => of(&select.targets),
        Body::Values(rows) => rows.iter().flat_map(|row| of(row)).collect(),
        Body::SetOp { op: _, left, right } => [acting(left), acting(right)].concat(),
    }
}

#[derive(Default)]
struct Unread {
    /// The acting columns of WITH queries.
    with: HashMap<u32, Vec<(usize, Phys)>>,
}

impl Unread {
    /// `below`: it is itself one whose columns may not be read.
    fn query(&mut self, query: &mut Query, below: bool) {
        for cte in &mut query.ctes {
            self.query(&mut cte.query, true);
            self.with.insert(cte.id, acting(&cte.query));
        }
        match &mut query.body {
            Body::Select(select) => {
                let mut found = Vec::new();
                for item in &mut select.from {
                    self.item(item, &mut found);
                }
                if !below {
                    let values = values_mut(select);
                    let read = |column: &Scalar| values.iter().any(|value| reads(value, column));
                    found.retain(|column| !read(column));
                }
                for column in found {
                    let computed = Scalar::template("(({0} IS NULL) IS NOT NULL)", vec![column], Phys::Bool);
                    select.filter = Scalar::and(select.filter.take().into_iter().chain([computed]).collect());
                }
                for value in values_mut(select) {
                    self.value(value);
                }
            }
            Body::SetOp { op: _, left, right } => {
                self.query(left, below);
                self.query(right, below);
            }
            Body::Values(rows) => rows.iter_mut().flatten().for_each(|value| self.value(value)),
        }
        for value in query.order_by.iter_mut().filter_map(key_mut) {
            self.value(value);
        }
    }

    fn item(&mut self, item: &mut From, found: &mut Vec<Scalar>) {
        let column = |alias: Alias, (at, phys): &(usize, Phys)| Scalar::column(alias, output_name(*at), phys.clone());
        match item {
            From::Table { name: TableName::Cte(id), alias, sample: _ } => {
                found.extend(self.with.get(id).into_iter().flatten().map(|acting| column(*alias, acting)));
            }
            From::Table { .. } | From::Function { .. } => {}
            From::Query { query, alias, lateral: _ } => {
                self.query(query, true);
                found.extend(acting(query).iter().map(|acting| column(*alias, acting)));
            }
            From::With { from, alias: _, columns: _ } => self.item(from, found),
            From::Join { kind: _, left, right, on: _ } => {
                self.item(left, found);
                self.item(right, found);
            }
        }
    }

    fn value(&mut self, value: &mut Scalar) {
        children_mut(value).into_iter().for_each(|child| self.value(child));
        // EXISTS wants a row alone.
        if !matches!(value.node, Node::Exists(_))
            && let Some(query) = query_mut(value)
        {
            self.query(query, false);
        }
    }
}

fn reads(value: &Scalar, column: &Scalar) -> bool {
    let Node::Column(alias, name) = &column.node else { return false };
    has(value, &|node| matches!(node, Node::Column(of, own) if of == alias && own == name))
}
