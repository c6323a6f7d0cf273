//! Functions over the row beside them (`FROM t, jsonb_array_elements(t.j)`): their lists are unnested in a select of that
//! relation alone. DuckDB joins what is lateral by hash, which gives rows in another order than PostgreSQL's nested loop does.
//! Nobody promises that order, but it is always the list's, and arrays are numbered, aggregated and stored by it. It is the
//! faster way, too: conditions on the row reach the table, and nothing is joined.
//!
//! `FROM r1 AS t1, LATERAL (SELECT unnest(f(t1.a2)) AS c0) AS t2` → `FROM (SELECT t1.*, unnest(f(t1.a2)) AS dg_u1 FROM r1 AS t1) AS t1`

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::places::NUMBER;
use crate::sql::lower::ir::walk::{
    self, children_mut, has, is_query, key_mut, place_mut, query_columns_mut, query_mut, values_mut,
};
use crate::sql::lower::ir::{Alias, Body, From, Node, Query, Scalar, Select, Statement, TableName, output_name};
use crate::types::Phys;

/// What a column was called, and is now.
type Renamed = HashMap<(Alias, Arc<str>), (Alias, Arc<str>)>;

/// The number of a table's row.
pub(crate) const ROW: &str = "rowid";

/// Lists as `function.rs` unnests them.
const UNNEST: &str = "unnest(";

/// Unnests beside their rows what can be.
pub(crate) fn unnested(statement: &mut Statement) {
    let mut beside = Beside::default();
    match statement {
        Statement::Query(query) | Statement::Keep { table: _, query } => beside.query(query),
        Statement::Insert { source, .. } => beside.query(source),
        Statement::Explain { analyze: _, statement } => unnested(statement),
        Statement::Update { .. } | Statement::Delete { .. } => {}
    }
}

/// A lateral query that is nothing but lists that are unnested.
struct Lists {
    alias: Alias,
    /// With the number of a row, where that was asked for.
    lists: Vec<Scalar>,
    /// What is given out of the rows of the only list, by the name that they go by.
    fields: Option<(Alias, Vec<Scalar>)>,
    /// The relation whose row they are made of.
    of: Alias,
}

#[derive(Default)]
struct Beside {
    made: u32,
}

impl Beside {
    fn query(&mut self, query: &mut Query) {
        // Once for each function: one may be over what another gives.
        while let Body::Select(select) = &mut query.body
            && let Some(renamed) = self.first(&mut select.from)
        {
            query_columns_mut(query, &mut |alias, name, _| {
                if let Some((of, now)) = renamed.get(&(*alias, Arc::clone(name))) {
                    (*alias, *name) = (*of, Arc::clone(now));
                }
            });
        }
        let Query { ctes, recursive: _, body, order_by, limit, offset, columns: _ } = query;
        ctes.iter_mut().for_each(|cte| self.query(&mut cte.query));
        match body {
            Body::Select(select) => {
                select.from.iter_mut().for_each(|item| self.item(item));
                values_mut(select).into_iter().for_each(|value| self.value(value));
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

    fn value(&mut self, value: &mut Scalar) {
        children_mut(value).into_iter().for_each(|child| self.value(child));
        if let Some(query) = query_mut(value) {
            self.query(query);
        }
    }

    /// Takes the first such function out of a FROM list.
    fn first(&mut self, items: &mut Vec<From>) -> Option<Renamed> {
        for at in 0..items.len() {
            if let Some(renamed) = self.joined(&mut items[at]) {
                return Some(renamed);
            }
            let (before, rest) = items.split_at_mut(at);
            let Some(lists) = rest.first().and_then(lists_of) else {
                continue;
            };
            let Some(place) = before.iter_mut().find_map(|item| place_mut(item, lists.of, true)) else { continue };
            let renamed = self.put(place, lists);
            items.remove(at);
            return Some(renamed);
        }
        None
    }

    fn joined(&mut self, item: &mut From) -> Option<Renamed> {
        let From::Join { kind, left, right, on } = item else { return None };
        if let Some(renamed) = self.joined(left).or_else(|| self.joined(right)) {
            return Some(renamed);
        }
        let mut lists = lists_of(right)?;
        let always = on.as_ref().is_none_or(|on| matches!(&on.node, Node::Text(text) if text.starts_with("TRUE")));
        match *kind {
            "CROSS JOIN" | "INNER JOIN" => {}
            "LEFT JOIN" if always => lists = or_null(lists)?,
            _ => return None,
        }
        let alias = lists.alias;
        let renamed = self.put(place_mut(left, lists.of, true)?, lists);
        if always {
            let nothing = From::Table { name: TableName::Cte(0), alias, sample: None };
            *item = std::mem::replace(&mut **left, nothing);
        } else {
            // The condition is about columns of the left side now.
            let one = Select { targets: vec![Scalar::int4(1)], ..Select::default() };
            let query = Box::new(crate::sql::lower::value::array::plain_query(one, vec![Phys::Int4]));
            **right = From::Query { query, alias, lateral: false };
        }
        Some(renamed)
    }

    /// Puts the lists beside the relation at `place`.
    fn put(&mut self, place: &mut From, lists: Lists) -> Renamed {
        let Lists { alias, lists, fields, of } = lists;
        let mut renamed = Renamed::new();
        let columns = self.named(lists);
        match fields {
            None => {
                let now = columns.iter().map(|(name, _)| (of, Arc::clone(name)));
                renamed.extend(now.enumerate().map(|(i, now)| ((alias, output_name(i)), now)));
                wrap(place, of, columns);
            }
            Some((row, mut fields)) => {
                let given = columns.first().map(|(name, _)| Arc::clone(name)).unwrap_or_default();
                wrap(place, of, columns);
                for field in &mut fields {
                    walk::columns_mut(field, &mut |alias, name, _| {
                        if *alias == row {
                            (*alias, *name) = (of, Arc::clone(&given));
                        }
                    });
                }
                let fields = self.named(fields);
                let now = fields.iter().map(|(name, _)| (of, Arc::clone(name)));
                renamed.extend(now.enumerate().map(|(i, now)| ((alias, output_name(i)), now)));
                wrap(place, of, fields);
            }
        }
        renamed
    }

    fn named(&mut self, values: Vec<Scalar>) -> Vec<(Arc<str>, Scalar)> {
        let mut name = || {
            self.made += 1;
            format!("dg_u{}", self.made).into()
        };
        values.into_iter().map(|value| (name(), value)).collect()
    }
}

/// Puts columns beside a relation's own.
pub(crate) fn wrap(place: &mut From, alias: Alias, mut columns: Vec<(Arc<str>, Scalar)>) {
    // The number of a table's row is none of its columns.
    if matches!(place, From::Table { name: TableName::Relation(_), .. }) {
        columns.push((ROW.into(), Scalar::column(alias, ROW, Phys::Int8)));
    }
    let nothing = From::Table { name: TableName::Cte(0), alias, sample: None };
    let from = Box::new(std::mem::replace(place, nothing));
    *place = From::With { from, alias, columns };
}

fn is_unnest(node: &Node) -> bool {
    matches!(node, Node::Template { text, .. } if text.starts_with(UNNEST))
}

/// The targets of a query that has nothing else, and what it reads.
fn plain(query: &Query) -> Option<(&[Scalar], &[From])> {
    let Query { ctes, recursive: _, body, order_by, limit, offset, columns: _ } = query;
    let Body::Select(select) = body else { return None };
    let Select { distinct, distinct_on, targets, from, filter, group_by, having, qualify } = &**select;
    let nothing_else = ctes.is_empty()
        && order_by.is_empty()
        && limit.is_none()
        && offset.is_none()
        && !distinct
        && distinct_on.is_empty()
        && filter.is_none()
        && group_by.is_none()
        && having.is_none()
        && qualify.is_none();
    nothing_else.then_some((targets, from))
}

fn lists_of(item: &From) -> Option<Lists> {
    let From::Query { query, alias, lateral: true } = item else { return None };
    let (targets, from) = plain(query)?;
    let (lists, fields) = match from {
        [] => (targets.to_vec(), None),
        [From::Query { query: inner, alias: row, lateral: _ }] => {
            let (lists, []) = plain(inner)? else { return None };
            if lists.len() != 1 || targets.iter().any(|target| has(target, &is_unnest) || has(target, &is_query)) {
                return None;
            }
            (lists.to_vec(), Some((*row, targets.to_vec())))
        }
        _ => return None,
    };
    let unnests = lists.iter().any(|list| has(list, &is_unnest));
    if !unnests || lists.iter().any(|list| has(list, &is_query)) {
        return None;
    }
    let mut read = HashSet::new();
    let mut query = (**query).clone();
    query_columns_mut(&mut query, &mut |alias, _, _| _ = read.insert(*alias));
    if let Some((row, _)) = &fields {
        read.remove(row);
    }
    let mut read = read.into_iter();
    let (Some(of), None) = (read.next(), read.next()) else { return None };
    Some(Lists { alias: *alias, lists, fields, of })
}

/// For a left join: NULLs where there is nothing in the lists.
fn or_null(mut lists: Lists) -> Option<Lists> {
    let mut lengths = Vec::new();
    for list in &mut lists.lists {
        let Node::Template { text, args, .. } = &mut list.node else { return None };
        match (&**text, args.as_slice()) {
            ("unnest({0})", [list]) => {
                lengths.push(Scalar::template("coalesce(len({0}), 0)", vec![list.clone()], Phys::Int8));
            }
            // WITH ORDINALITY's numbers.
            (NUMBER, _) => {
                let phys = Phys::List(Box::new(Phys::Int8));
                let numbers = Scalar::template("generate_series(1, greatest({*}))", std::mem::take(args), phys);
                (*text, *args) = ("unnest({0})".into(), vec![numbers]);
            }
            _ => return None,
        }
    }
    let some = Scalar::template("(greatest({*}) > 0)", lengths, Phys::Bool);
    for list in &mut lists.lists {
        let Node::Template { args, .. } = &mut list.node else { return None };
        let [list] = args.as_mut_slice() else { return None };
        let none = Scalar::template("[NULL]", Vec::new(), Phys::Void).cast(list.phys.clone());
        *list = Scalar::when(some.clone(), list.clone(), none);
    }
    Some(lists)
}
