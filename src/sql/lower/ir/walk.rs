//! Ways through values and queries, one for all who look for something in them.

use std::sync::Arc;

use super::{Aggregate, Alias, Body, From, Node, Order, OrderKey, Over, Query, Scalar, Select};
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
        From::Table { alias, .. } | From::Function { alias, .. } | From::Query { alias, .. } => out.push(*alias),
        From::Join { left, right, .. } => {
            aliases(left, out);
            aliases(right, out);
        }
    }
}

/// What is done with each column that is mentioned.
pub type Visit<'v> = &'v mut dyn FnMut(&mut Alias, &mut Arc<str>, &Phys);

/// Visits the columns that a value mentions, also inside of its queries.
pub fn columns_mut(value: &mut Scalar, visit: Visit<'_>) {
    if let Node::Column(alias, name) = &mut value.node {
        visit(alias, name, &value.phys);
    }
    for child in children_mut(value) {
        columns_mut(child, visit);
    }
    if let Some(query) = query_mut(value) {
        query_columns_mut(query, visit);
    }
    if let Some(scale) = &mut value.dscale {
        columns_mut(scale, visit);
    }
}

/// Visits the columns that a query mentions, its own ones, too.
pub fn query_columns_mut(query: &mut Query, visit: Visit<'_>) {
    let Query { ctes, recursive: _, body, order_by, limit, offset, columns: _ } = query;
    for cte in ctes {
        query_columns_mut(&mut cte.query, visit);
    }
    match body {
        Body::Select(select) => {
            values_mut(select).into_iter().for_each(|value| columns_mut(value, visit));
            select.from.iter_mut().for_each(|item| from_columns_mut(item, visit));
        }
        Body::SetOp { op: _, left, right } => {
            query_columns_mut(left, visit);
            query_columns_mut(right, visit);
        }
        Body::Values(rows) => rows.iter_mut().flatten().for_each(|value| columns_mut(value, visit)),
    }
    let keys = order_by.iter_mut().filter_map(key_mut);
    keys.chain(limit).chain(offset).for_each(|value| columns_mut(value, visit));
}

fn from_columns_mut(item: &mut From, visit: Visit<'_>) {
    match item {
        From::Table { .. } => {}
        From::Function { text: _, args, alias: _, columns: _ } => {
            args.iter_mut().for_each(|arg| columns_mut(arg, visit));
        }
        From::Query { query, alias: _, lateral: _ } => query_columns_mut(query, visit),
        From::Join { kind: _, left, right, on } => {
            from_columns_mut(left, visit);
            from_columns_mut(right, visit);
            on.iter_mut().for_each(|on| columns_mut(on, visit));
        }
    }
}

/// Is there anything of this kind in a value, outside of its queries?
pub fn has(value: &Scalar, kind: &dyn Fn(&Node) -> bool) -> bool {
    kind(&value.node)
        || match &value.node {
            Node::Text(_)
            | Node::Literal(_)
            | Node::Type
            | Node::Column(..)
            | Node::Bare(_)
            | Node::Variable(_)
            | Node::Param(_)
            | Node::Subquery(_)
            | Node::Exists(_) => false,
            Node::Template { text: _, args, draw: _ } => args.iter().any(|arg| has(arg, kind)),
            Node::Cast(inner) => has(inner, kind),
            Node::Aggregate(aggregate) => {
                // Read only: a copy is what there is a walk for.
                let mut aggregate = aggregate.clone();
                parts_mut(&mut aggregate).into_iter().any(|part| has(part, kind))
            }
            Node::And(all) | Node::Or(all) => all.iter().any(|part| has(part, kind)),
            Node::Case { whens, otherwise } => {
                let parts = whens.iter().flat_map(|(test, then)| [test, then]);
                parts.chain(otherwise.as_deref()).any(|part| has(part, kind))
            }
            Node::Quantified { left, op: _, query: _ } => has(left, kind),
        }
}

/// Is a value computed by a lambda?
pub fn is_lambda(node: &Node) -> bool {
    matches!(node, Node::Template { text, .. } if text.contains("lambda "))
}

/// Is a value a query's?
pub fn is_query(node: &Node) -> bool {
    matches!(node, Node::Subquery(_) | Node::Exists(_) | Node::Quantified { .. })
}
