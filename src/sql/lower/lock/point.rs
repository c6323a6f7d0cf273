//! A look-up by key, said in a way that DuckDB need not plan anew for each key: the keys are a row that is joined.
//!
//! `SELECT t1.a2 AS c0 FROM r9 AS t1 WHERE (t1.a1 = CAST($1 AS INTEGER))` →
//! `SELECT t1.a2 AS c0 FROM r9 AS t1, (SELECT dg_key_int4(…, 0) AS c0) AS s0(c0) WHERE (t1.a1 = s0.c0)`
//!
//! DuckDB keeps no plan of a statement that has a parameter and a table. This one has none; its join hands the key to the
//! table's scan as a filter, which finds it in an index where there is one. `engine` says when it takes which.

use crate::engine::KEY_TYPES;
use crate::sql::lower::ir::{
    self, Alias, Body, From, Node, Piece, Query, SUBQUERY_WEIGHT, Scalar, Select, Statement, TableName, Template,
};
use crate::sql::lower::steer::census::Census;
use crate::types::{Oid, Phys};

use super::row_locks::Changed;

/// The alias of the keys' row; [`crate::sql::lower::Lowerer::make`] begins with 1.
const KEYS: Alias = Alias::Made(0);

/// The statement with its parameters as keys, numbered as in `order`, the one table that it reads, and
/// whether DuckDB's plan of it lasts. Where it is more than a look-up in one table, `None`,
/// or a statement that still has parameters.
pub fn keyed(statement: &Statement, order: &[u16]) -> Option<(Statement, Oid, bool)> {
    let Statement::Query(query) = statement else { return None };
    let Query { ctes, recursive: _, body: Body::Select(select), order_by, limit, offset, columns: _ } = query else {
        return None;
    };
    let Select { distinct, distinct_on, targets, from, filter, group_by, having, qualify } = &**select;
    let plain = !distinct && distinct_on.is_empty() && group_by.is_none() && having.is_none() && qualify.is_none();
    let [From::Table { name: TableName::Relation(table), alias, sample: None }] = from.as_slice() else { return None };
    if !plain || !ctes.is_empty() || !targets.iter().all(is_plain) {
        return None;
    }
    let parts = match filter.as_ref() {
        Some(Scalar { node: Node::And(parts), .. }) => parts.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => return None,
    };
    let mut keys = Vec::new();
    let simple =
        order_by.is_empty() && limit.is_none() && offset.is_none() && parts.iter().all(|part| is_key(part, *alias));
    let lasting = simple && targets.iter().all(|target| matches!(target.node, Node::Column(..)));
    let parts = parts.iter().map(|part| by_key(part, *alias, order, &mut keys)).collect::<Option<Vec<_>>>()?;
    if keys.is_empty() {
        return None;
    }
    let columns: Vec<Phys> = keys.iter().map(|key| key.phys.clone()).collect();
    let row = crate::sql::lower::value::array::plain_query(Select { targets: keys, ..Select::default() }, columns);
    let mut select = select.clone();
    select.from.push(From::Query { query: Box::new(row), alias: KEYS, lateral: false });
    select.filter = Scalar::and(parts);
    // These see no column: they read their keys themselves.
    let counted = |count: &Option<Scalar>| match count {
        Some(count) => with_keys(count, order).map(Some),
        None => Some(None),
    };
    let (limit, offset) = (counted(limit)?, counted(offset)?);
    Some((Statement::Query(Query { body: Body::Select(select), limit, offset, ..query.clone() }), *table, lasting))
}

/// True for a change of rows that are given by values, or of the one row that has a key, which asks for nothing else: it waits for
/// nobody, and takes as long each time.
pub fn is_prompt(statement: &Statement, changes: Option<&Changed>) -> bool {
    let few = match statement {
        Statement::Insert { conflict, .. } => conflict.is_none(),
        Statement::Update { .. } | Statement::Delete { .. } => {
            matches!(changes, Some(Changed::Keyed { alone: true, .. }))
        }
        Statement::Query(_) | Statement::Keep { .. } | Statement::Explain { .. } => false,
    };
    few && Census::of(statement).only_values()
}

/// LIMIT or OFFSET with calls in place of its parameters.
fn with_keys(value: &Scalar, order: &[u16]) -> Option<Scalar> {
    let keyed = |value: &Scalar| with_keys(value, order);
    let node = match &value.node {
        Node::Param(n) => return key(*n, &value.phys, order),
        Node::Cast(inner) => Node::Cast(Box::new(keyed(inner)?)),
        Node::Template { text, args, draw } => {
            let args = args.iter().map(keyed).collect::<Option<_>>()?;
            Node::Template { text: text.clone(), args, draw: *draw }
        }
        Node::Case { whens, otherwise } => Node::Case {
            whens: whens.iter().map(|(a, b)| Some((keyed(a)?, keyed(b)?))).collect::<Option<_>>()?,
            otherwise: match otherwise {
                Some(value) => Some(Box::new(keyed(value)?)),
                None => None,
            },
        },
        other => other.clone(),
    };
    Some(Scalar { node, ..value.clone() })
}

/// The call that reads a parameter's value.
fn key(param: u16, phys: &Phys, order: &[u16]) -> Option<Scalar> {
    let number = order.iter().position(|o| *o == param)?;
    let (phys, name) = KEY_TYPES.iter().find(|(known, _)| known == phys)?;
    let text = Template::of(&[Piece::Word(name), Piece::Word("(CAST(\0 AS BIGINT), {0})")]);
    let node = Node::Template { text, args: vec![Scalar::number(number, Phys::Void)], draw: 1 };
    Some(Scalar::new(node, phys.clone()))
}

/// Without subqueries, and the same however often it is computed.
fn is_plain(value: &Scalar) -> bool {
    let (weight, volatile) = value.weight();
    weight < SUBQUERY_WEIGHT && !volatile
}

/// A condition; where it compares a column with a parameter, with the parameter as a key.
fn by_key(condition: &Scalar, table: Alias, order: &[u16], keys: &mut Vec<Scalar>) -> Option<Scalar> {
    if !is_plain(condition) {
        return None;
    }
    let mut condition = condition.clone();
    if let Node::Template { text, args, draw: 0 } = &mut condition.node
        && &**text == "({0} = {1})"
        && let [left, right] = args.as_mut_slice()
    {
        let (column, value) = if matches!(left.node, Node::Param(_)) { (right, left) } else { (left, right) };
        if matches!(column.node, Node::Column(alias, _) if alias == table)
            && let Node::Param(n) = value.node
            && alike(&column.phys, &value.phys)
        {
            let key = key(n, &value.phys, order)?;
            *value = Scalar::column(KEYS, ir::output_name(keys.len()), key.phys.clone());
            keys.push(key);
        }
    }
    Some(condition)
}

/// A comparison of a column with a parameter of its type. What DuckDB knows of a column (its bounds, whether it has NULLs) is
/// no reason to leave such a condition out, or to see it as false: it knows nothing of the key.
fn is_key(condition: &Scalar, table: Alias) -> bool {
    let Node::Template { text, args, draw: 0 } = &condition.node else { return false };
    let [one, other] = args.as_slice() else { return false };
    let column = |value: &Scalar| matches!(value.node, Node::Column(alias, _) if alias == table);
    let param = |value: &Scalar| matches!(value.node, Node::Param(_));
    &**text == "({0} = {1})" && one.phys == other.phys && (column(one) && param(other) || column(other) && param(one))
}

/// DuckDB's join compares them as its `=` does, and can hand the key on.
fn alike(column: &Phys, key: &Phys) -> bool {
    let integer = |phys: &Phys| matches!(phys, Phys::Int2 | Phys::Int4 | Phys::Int8);
    column == key || integer(column) && integer(key)
}
