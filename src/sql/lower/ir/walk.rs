//! Ways through values and queries, one for all who look for something in them.

use std::sync::Arc;

use super::{
    Aggregate, Alias, Body, Conflict, From, Node, Order, OrderKey, Over, Query, Scalar, Select, Statement, TableName,
};
use crate::types::Phys;

/// The key of an order, if it is a value.
pub fn key_mut(order: &mut Order) -> Option<&mut Scalar> {
    value_of(&mut order.key)
}

fn value_of(key: &mut OrderKey) -> Option<&mut Scalar> {
    match key {
        OrderKey::Position(_) => None,
        OrderKey::Scalar(value) => Some(value),
    }
}

/// All values of an aggregate or a window.
pub fn parts_mut(aggregate: &mut Aggregate) -> Vec<&mut Scalar> {
    let Aggregate { name: _, args, distinct: _, order_by, filter, over } = aggregate;
    let mut out: Vec<&mut Scalar> = args.iter_mut().collect();
    out.extend(order_by.iter_mut().filter_map(key_mut));
    out.extend(filter);
    if let Some(Over { partition_by, order_by, frame }) = over {
        out.extend(partition_by);
        out.extend(order_by.iter_mut().filter_map(key_mut));
        out.extend(frame.iter_mut().flat_map(|(_, args)| args));
    }
    out
}

/// The values directly in one; those of its query are the query's.
pub fn children_mut(value: &mut Scalar) -> Vec<&mut Scalar> {
    match &mut value.node {
        Node::Text(_)
        | Node::Literal(_)
        | Node::Type
        | Node::Column(..)
        | Node::Bare(_)
        | Node::Variable(_)
        | Node::Param(_)
        | Node::Subquery(_)
        | Node::Exists(_) => Vec::new(),
        Node::Template { text: _, args, draw: _ } => args.iter_mut().collect(),
        Node::Cast(inner) => vec![inner],
        Node::Aggregate(aggregate) => parts_mut(aggregate),
        Node::And(all) | Node::Or(all) => all.iter_mut().collect(),
        Node::Case { whens, otherwise } => {
            let parts = whens.iter_mut().flat_map(|(test, then)| [test, then]);
            parts.chain(otherwise.as_deref_mut()).collect()
        }
        Node::Quantified { left, op: _, query: _ } => vec![left],
    }
}

/// The query directly in a value.
pub fn query_mut(value: &mut Scalar) -> Option<&mut Query> {
    match &mut value.node {
        Node::Subquery(query) | Node::Exists(query) | Node::Quantified { left: _, op: _, query } => Some(query),
        Node::Text(_)
        | Node::Literal(_)
        | Node::Type
        | Node::Column(..)
        | Node::Bare(_)
        | Node::Variable(_)
        | Node::Param(_)
        | Node::Template { .. }
        | Node::Cast(_)
        | Node::Aggregate(_)
        | Node::And(_)
        | Node::Or(_)
        | Node::Case { .. } => None,
    }
}

/// All values of a select, but for those in its FROM.
pub fn values_mut(select: &mut Select) -> Vec<&mut Scalar> {
    let Select { distinct: _, distinct_on, targets, from: _, filter, group_by, having, qualify } = select;
    let mut out: Vec<&mut Scalar> = targets.iter_mut().collect();
    out.extend(distinct_on.iter_mut().filter_map(value_of));
    out.extend(filter);
    out.extend(group_by.iter_mut().flatten().flatten());
    out.extend(having);
    out.extend(qualify);
    out
}

/// What the relations in FROM go by.
pub fn aliases(item: &From, out: &mut Vec<Alias>) {
    match item {
        From::Table { alias, .. }
        | From::Function { alias, .. }
        | From::Query { alias, .. }
        | From::With { alias, .. } => {
            out.push(*alias);
        }
        From::Join { left, right, .. } => {
            aliases(left, out);
            aliases(right, out);
        }
    }
}

/// The WITH queries that a FROM item reads.
pub fn ctes_of(item: &From, out: &mut Vec<u32>) {
    match item {
        From::Table { name: TableName::Cte(id), .. } => out.push(*id),
        From::Table { .. } | From::Function { .. } | From::Query { .. } => {}
        From::With { from, .. } => ctes_of(from, out),
        From::Join { left, right, .. } => {
            ctes_of(left, out);
            ctes_of(right, out);
        }
    }
}

/// Where a relation stands in FROM. With `whole`, only if each of its rows goes into what the item gives, with what is put beside
/// it: not on a side that an outer join leaves out.
pub fn place_mut(item: &mut From, wanted: Alias, whole: bool) -> Option<&mut From> {
    match item {
        From::Table { alias, .. }
        | From::Function { alias, .. }
        | From::Query { alias, .. }
        | From::With { alias, .. } => (*alias == wanted).then_some(item),
        From::Join { kind, left, right, on: _ } => {
            let inner = matches!(*kind, "CROSS JOIN" | "INNER JOIN");
            let left = if !whole || inner || *kind == "LEFT JOIN" { place_mut(left, wanted, whole) } else { None };
            let right = if !whole || inner || *kind == "RIGHT JOIN" { Some(right) } else { None };
            left.or_else(|| place_mut(right?, wanted, whole))
        }
    }
}

/// What is done with each value.
pub type Change<'v> = &'v mut dyn FnMut(&mut Scalar);

/// Goes to a value, those in it, and those of its queries; the innermost come first.
pub fn each_mut(value: &mut Scalar, change: Change<'_>) {
    for child in children_mut(value) {
        each_mut(child, change);
    }
    if let Some(query) = query_mut(value) {
        every_value_mut(query, change);
    }
    if let Some(scale) = &mut value.dscale {
        each_mut(scale, change);
    }
    change(value);
}

/// Goes to all values of a query, and to those of its queries.
pub fn every_value_mut(query: &mut Query, change: Change<'_>) {
    let Query { ctes, recursive: _, body, order_by, limit, offset, columns: _ } = query;
    for cte in ctes {
        every_value_mut(&mut cte.query, change);
    }
    match body {
        Body::Select(select) => {
            values_mut(select).into_iter().for_each(|value| each_mut(value, change));
            select.from.iter_mut().for_each(|item| from_values_mut(item, change));
        }
        Body::SetOp { op: _, left, right } => {
            every_value_mut(left, change);
            every_value_mut(right, change);
        }
        Body::Values(rows) => rows.iter_mut().flatten().for_each(|value| each_mut(value, change)),
    }
    let keys = order_by.iter_mut().filter_map(key_mut);
    keys.chain(limit).chain(offset).for_each(|value| each_mut(value, change));
}

/// Goes to all values of a statement.
pub fn statement_values_mut(statement: &mut Statement, change: Change<'_>) {
    match statement {
        Statement::Query(query) | Statement::Keep { table: _, query } => every_value_mut(query, change),
        Statement::Insert { table: _, alias: _, columns: _, source, conflict, returning } => {
            every_value_mut(source, change);
            if let Some(Conflict { columns: _, sets, filter }) = conflict {
                let sets = sets.iter_mut().flatten().map(|(_, value)| value);
                sets.chain(filter).for_each(|value| each_mut(value, change));
            }
            returning.iter_mut().for_each(|value| each_mut(value, change));
        }
        Statement::Update { ctes, recursive: _, table: _, alias: _, sets, from, filter, returning } => {
            ctes.iter_mut().for_each(|cte| every_value_mut(&mut cte.query, change));
            from.iter_mut().for_each(|item| from_values_mut(item, change));
            let sets = sets.iter_mut().map(|(_, value)| value);
            sets.chain(filter).chain(returning).for_each(|value| each_mut(value, change));
        }
        Statement::Delete { ctes, recursive: _, table: _, alias: _, using, filter, returning } => {
            ctes.iter_mut().for_each(|cte| every_value_mut(&mut cte.query, change));
            using.iter_mut().for_each(|item| from_values_mut(item, change));
            filter.iter_mut().chain(returning).for_each(|value| each_mut(value, change));
        }
        Statement::Explain { analyze: _, statement } => statement_values_mut(statement, change),
    }
}

/// What is done with each query.
pub type ChangeQuery<'v> = &'v mut dyn FnMut(&mut Query);

/// Goes to all queries of a statement that give it rows, the innermost first: not to those in values, nor to lateral ones.
pub fn sources_mut(statement: &mut Statement, change: ChangeQuery<'_>) {
    match statement {
        Statement::Query(query) | Statement::Keep { table: _, query } | Statement::Insert { source: query, .. } => {
            source_mut(query, change);
        }
        Statement::Update { ctes, from, .. } | Statement::Delete { ctes, using: from, .. } => {
            ctes.iter_mut().for_each(|cte| source_mut(&mut cte.query, change));
            from.iter_mut().for_each(|item| from_sources_mut(item, change));
        }
        Statement::Explain { analyze: _, statement } => sources_mut(statement, change),
    }
}

fn source_mut(query: &mut Query, change: ChangeQuery<'_>) {
    query.ctes.iter_mut().for_each(|cte| source_mut(&mut cte.query, change));
    match &mut query.body {
        Body::Select(select) => select.from.iter_mut().for_each(|item| from_sources_mut(item, change)),
        Body::SetOp { op: _, left, right } => {
            source_mut(left, change);
            source_mut(right, change);
        }
        Body::Values(_) => {}
    }
    change(query);
}

fn from_sources_mut(item: &mut From, change: ChangeQuery<'_>) {
    match item {
        From::Table { .. } | From::Function { .. } => {}
        From::Query { query, alias: _, lateral } => {
            if !*lateral {
                source_mut(query, change);
            }
        }
        From::With { from, alias: _, columns: _ } => from_sources_mut(from, change),
        From::Join { kind: _, left, right, on: _ } => {
            from_sources_mut(left, change);
            from_sources_mut(right, change);
        }
    }
}

fn from_values_mut(item: &mut From, change: Change<'_>) {
    match item {
        From::Table { .. } => {}
        From::Function { text: _, args, alias: _, columns: _ } => {
            args.iter_mut().for_each(|arg| each_mut(arg, change));
        }
        From::Query { query, alias: _, lateral: _ } => every_value_mut(query, change),
        From::With { from, alias: _, columns } => {
            from_values_mut(from, change);
            columns.iter_mut().for_each(|(_, value)| each_mut(value, change));
        }
        From::Join { kind: _, left, right, on } => {
            from_values_mut(left, change);
            from_values_mut(right, change);
            on.iter_mut().for_each(|on| each_mut(on, change));
        }
    }
}

/// What is done with each column that is mentioned.
pub type Visit<'v> = &'v mut dyn FnMut(&mut Alias, &mut Arc<str>, &Phys);

fn column_of(value: &mut Scalar, visit: Visit<'_>) {
    if let Node::Column(alias, name) = &mut value.node {
        visit(alias, name, &value.phys);
    }
}

/// Visits the columns that a value mentions, also inside of its queries.
pub fn columns_mut(value: &mut Scalar, visit: Visit<'_>) {
    each_mut(value, &mut |value| column_of(value, visit));
}

/// Visits the columns that a query mentions, its own ones, too.
pub fn query_columns_mut(query: &mut Query, visit: Visit<'_>) {
    every_value_mut(query, &mut |value| column_of(value, visit));
}

/// Shows the values directly in one; those of its query are the query's.
pub fn each_child<'s>(value: &'s Scalar, show: &mut dyn FnMut(&'s Scalar)) {
    match &value.node {
        Node::Text(_)
        | Node::Literal(_)
        | Node::Type
        | Node::Column(..)
        | Node::Bare(_)
        | Node::Variable(_)
        | Node::Param(_)
        | Node::Subquery(_)
        | Node::Exists(_) => {}
        Node::Template { text: _, args, draw: _ } => args.iter().for_each(show),
        Node::Cast(inner) => show(inner),
        Node::Aggregate(aggregate) => each_part(aggregate, show),
        Node::And(all) | Node::Or(all) => all.iter().for_each(show),
        Node::Case { whens, otherwise } => {
            let parts = whens.iter().flat_map(|(test, then)| [test, then]);
            parts.chain(otherwise.as_deref()).for_each(show);
        }
        Node::Quantified { left, op: _, query: _ } => show(left),
    }
}

/// Shows all values of an aggregate or a window.
pub fn each_part<'s>(aggregate: &'s Aggregate, show: &mut dyn FnMut(&'s Scalar)) {
    let Aggregate { name: _, args, distinct: _, order_by, filter, over } = aggregate;
    args.iter().chain(keys(order_by)).chain(filter).for_each(&mut *show);
    if let Some(Over { partition_by, order_by, frame }) = over {
        partition_by.iter().chain(keys(order_by)).for_each(&mut *show);
        frame.iter().flat_map(|(_, args)| args).for_each(show);
    }
}

/// The keys of an order that are values.
pub fn keys(orders: &[Order]) -> impl Iterator<Item = &Scalar> {
    orders.iter().filter_map(|order| match &order.key {
        OrderKey::Position(_) => None,
        OrderKey::Scalar(value) => Some(value),
    })
}

/// The query directly in a value.
pub fn query_of(value: &Scalar) -> Option<&Query> {
    match &value.node {
        Node::Subquery(query) | Node::Exists(query) | Node::Quantified { left: _, op: _, query } => Some(query),
        Node::Text(_)
        | Node::Literal(_)
        | Node::Type
        | Node::Column(..)
        | Node::Bare(_)
        | Node::Variable(_)
        | Node::Param(_)
        | Node::Template { .. }
        | Node::Cast(_)
        | Node::Aggregate(_)
        | Node::And(_)
        | Node::Or(_)
        | Node::Case { .. } => None,
    }
}

/// Is there anything of this kind in a value, outside of its queries?
pub fn has(value: &Scalar, kind: &dyn Fn(&Node) -> bool) -> bool {
    let mut found = kind(&value.node);
    each_child(value, &mut |child| found = found || has(child, kind));
    found
}

/// Is a value computed by a lambda?
pub fn is_lambda(node: &Node) -> bool {
    matches!(node, Node::Template { text, .. } if text.contains("lambda "))
}

/// Is a value a query's?
pub fn is_query(node: &Node) -> bool {
    matches!(node, Node::Subquery(_) | Node::Exists(_) | Node::Quantified { .. })
}

/// Is a value computed over a window?
pub fn is_window(node: &Node) -> bool {
    matches!(node, Node::Aggregate(aggregate) if aggregate.over.is_some())
}

/// Is a value one of several rows together?
pub fn is_aggregate(node: &Node) -> bool {
    matches!(node, Node::Aggregate(aggregate) if aggregate.over.is_none())
}
