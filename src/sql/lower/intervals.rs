//! Intervals that are equal need not be the same: one month is thirty days, and adds something else to a date. DuckDB goes by
//! equality where it must not.
//!
//! It computes a query inside once for all rows whose outer values are equal, and gives each of them what it has computed for
//! one. The text of an interval is the same only for the same; so that is what such a query takes:
//! `SELECT (SELECT t1.a1) FROM r1 AS t1` → `SELECT (SELECT CAST(t1.dg_i1 AS INTERVAL)) FROM (SELECT t1.*, CAST(t1.a1 AS VARCHAR) AS dg_i1 FROM r1 AS t1) AS t1`
//!
//! And it computes one expression for two that differ in a constant only: `a + '1 month'`, `a + '30 days'` →
//! `a + '1 month'`, `a + coalesce('30 days', to_days(random()))`, which is no constant for it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::beside::wrap;
use super::ir::walk::{
    aliases, children_mut, every_value_mut, key_mut, place_mut, query_columns_mut, statement_values_mut, values_mut,
};
use super::ir::{Alias, Body, From, Node, Query, Scalar, Statement};
use crate::types::Phys;

/// A relation's column, and what its image is called.
type Images = BTreeMap<(u32, Arc<str>), Arc<str>>;

/// Sees to both.
pub(super) fn told_apart(statement: &mut Statement) {
    let mut constants = Vec::new();
    statement_values_mut(statement, &mut |value| {
        if let Some(constant) = constant(value).filter(|constant| !constants.contains(constant)) {
            constants.push(constant);
        }
    });
    let equal = |a: &Constant, b: &Constant| match (a.length(), b.length()) {
        (Some(a), Some(b)) => a == b,
        // Nobody knows a parameter.
        _ => true,
    };
    let shadowed: Vec<Constant> = constants
        .iter()
        .enumerate()
        .filter(|(at, constant)| constants[..*at].iter().any(|before| equal(before, constant)))
        .map(|(_, constant)| constant.clone())
        .collect();
    if !shadowed.is_empty() {
        statement_values_mut(statement, &mut |value| {
            if constant(value).is_some_and(|constant| shadowed.contains(&constant)) {
                let own = std::mem::replace(value, Scalar::null(Phys::Void));
                let text = "coalesce({0}, to_days(CAST(random() AS INTEGER)))";
                *value = Scalar::template(text, vec![own], Phys::Interval);
            }
        });
    }
    take(statement);
}

fn take(statement: &mut Statement) {
    match statement {
        Statement::Query(query) | Statement::Keep { table: _, query } => Taker::default().query(query),
        Statement::Insert { source, .. } => Taker::default().query(source),
        Statement::Explain { analyze: _, statement } => take(statement),
        Statement::Update { .. } | Statement::Delete { .. } => {}
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Constant {
    /// As `constant.rs` writes it: months, days, microseconds.
    Known([i64; 3]),
    Param(u16),
}

impl Constant {
    /// By which they are equal: a month has thirty days.
    fn length(&self) -> Option<i128> {
        const DAY: i128 = 86_400_000_000;
        match self {
            Self::Known([months, days, micros]) => {
                Some((i128::from(*months) * 30 + i128::from(*days)) * DAY + i128::from(*micros))
            }
            Self::Param(_) => None,
        }
    }
}

fn constant(value: &Scalar) -> Option<Constant> {
    if value.phys != Phys::Interval {
        return None;
    }
    match &value.node {
        Node::Param(number) => Some(Constant::Param(*number)),
        Node::Template { text, args, draw: 0 } if args.is_empty() && text.starts_with("(to_months(") => {
            let numbers = text.split(|c: char| c != '-' && !c.is_ascii_digit()).filter(|part| !part.is_empty());
            let numbers: Vec<i64> = numbers.map(str::parse).collect::<Result<_, _>>().ok()?;
            <[i64; 3]>::try_from(numbers).ok().map(Constant::Known)
        }
        _ => None,
    }
}

#[derive(Default)]
struct Taker {
    made: u32,
}

/// Relations of the statement's own; others have no name that stays.
fn number(alias: Alias) -> Option<u32> {
    match alias {
        Alias::Rel(n) => Some(n),
        Alias::Made(_) | Alias::Excluded => None,
    }
}

impl Taker {
    fn query(&mut self, query: &mut Query) {
        let Query { ctes, recursive: _, body, order_by, limit, offset, columns: _ } = query;
        ctes.iter_mut().for_each(|cte| self.query(&mut cte.query));
        let mut orders: Vec<&mut Scalar> = order_by.iter_mut().filter_map(key_mut).chain(limit).chain(offset).collect();
        match body {
            Body::Select(select) => {
                let mut own = Vec::new();
                select.from.iter().for_each(|item| aliases(item, &mut own));
                let own: HashSet<u32> = own.into_iter().filter_map(number).collect();
                let mut from = std::mem::take(&mut select.from);
                let mut inside: Vec<&mut Query> = Vec::new();
                for value in values_mut(select).into_iter().chain(orders.iter_mut().map(|value| &mut **value)) {
                    queries_of(value, &mut inside);
                }
                from.iter_mut().for_each(|item| queries_in(item, &mut inside));
                let mut images = Images::new();
                for query in &mut inside {
                    self.replace(query, &own, &mut images);
                    self.query(query);
                }
                drop(inside);
                for ((alias, name), image) in images {
                    let alias = Alias::Rel(alias);
                    let text = Scalar::column(alias, name, Phys::Interval).cast(Phys::Text);
                    if let Some(place) = from.iter_mut().find_map(|item| place_mut(item, alias, false)) {
                        wrap(place, alias, vec![(image, text)]);
                    }
                }
                select.from = from;
            }
            Body::SetOp { op: _, left, right } => {
                self.query(left);
                self.query(right);
            }
            Body::Values(rows) => {
                let mut inside = Vec::new();
                rows.iter_mut().flatten().for_each(|value| queries_of(value, &mut inside));
                inside.into_iter().for_each(|query| self.query(query));
            }
        }
    }

    /// The columns of `own` relations that a query takes become their images' values.
    fn replace(&mut self, query: &mut Query, own: &HashSet<u32>, images: &mut Images) {
        let mut taken = Vec::new();
        query_columns_mut(query, &mut |alias, name, phys| {
            if let Some(of) = number(*alias).filter(|of| own.contains(of) && *phys == Phys::Interval) {
                taken.push((of, Arc::clone(name)));
            }
        });
        if taken.is_empty() {
            return;
        }
        for column in taken {
            images.entry(column).or_insert_with(|| {
                self.made += 1;
                format!("dg_i{}", self.made).into()
            });
        }
        every_value_mut(query, &mut |value| {
            let Node::Column(alias, name) = &value.node else { return };
            let image = number(*alias).and_then(|of| images.get(&(of, Arc::clone(name))));
            if let Some(image) = image.filter(|_| value.phys == Phys::Interval) {
                *value = Scalar::column(*alias, Arc::clone(image), Phys::Text).cast(Phys::Interval);
            }
        });
    }
}

/// The queries in a value, but for those in them.
fn queries_of<'q>(value: &'q mut Scalar, out: &mut Vec<&'q mut Query>) {
    match value {
        Scalar { node: Node::Subquery(query) | Node::Exists(query), .. } => out.push(query),
        Scalar { node: Node::Quantified { left, op: _, query }, .. } => {
            queries_of(left, out);
            out.push(query);
        }
        value => children_mut(value).into_iter().for_each(|child| queries_of(child, out)),
    }
}

fn queries_in<'q>(item: &'q mut From, out: &mut Vec<&'q mut Query>) {
    match item {
        From::Table { .. } => {}
        From::Function { args, .. } => args.iter_mut().for_each(|arg| queries_of(arg, out)),
        From::Query { query, .. } => out.push(query),
        From::With { from, alias: _, columns } => {
            queries_in(from, out);
            columns.iter_mut().for_each(|(_, value)| queries_of(value, out));
        }
        From::Join { kind: _, left, right, on } => {
            queries_in(left, out);
            queries_in(right, out);
            on.iter_mut().for_each(|on| queries_of(on, out));
        }
    }
}
