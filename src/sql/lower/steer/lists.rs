//! What is about many constants or parameters goes to DuckDB as lists, by which it is quick.
//!
//! Of a long VALUES it binds each value of each row by itself, which takes ten times as long as all else:
//! `VALUES (CAST($1 AS INTEGER), CAST($2 AS VARCHAR)), …` → `SELECT unnest(CAST($1 AS INTEGER[])), unnest(CAST($2 AS VARCHAR[]))`.
//!
//! `= ANY(list)` it computes for each row anew, item by item: 5,000 items against 100,000 rows take 17 seconds. Where a WHERE asks
//! it of a column, it is a join: `CASE … WHEN list_contains($1, t1.a) …` → `t1.a IN (SELECT unnest($1))`.

use crate::sql::lower::change::factor::MANY_ROWS;
use crate::sql::lower::ir::walk::{aliases, sources_mut};
use crate::sql::lower::ir::{Alias, Body, Node, Scalar, Select, Statement};
use crate::sql::lower::value::any_all::{DIFFERS_FROM_ALL, EQUALS_ANY};
use crate::sql::lower::value::array::plain_query;
use crate::sql::{Cell, Cells, ParamSource};
use crate::types::{Phys, Value};

/// Makes lists of what can be in a statement's sources, and joins of what its conditions ask of lists.
pub(crate) fn listed(statement: &mut Statement, params: &mut Vec<(ParamSource, Phys)>) {
    sources_mut(statement, &mut |query| match &mut query.body {
        Body::Select(select) => {
            let mut own = Vec::new();
            select.from.iter().for_each(|item| aliases(item, &mut own));
            if let Some(filter) = &mut select.filter {
                joined(filter, &own);
            }
        }
        Body::Values(rows) if rows.len() >= MANY_ROWS => {
            if let Some(targets) = columns(rows, &query.columns, params) {
                query.body = Body::Select(Box::new(Select { targets, ..Select::default() }));
            }
        }
        Body::Values(_) | Body::SetOp { .. } => {}
    });
    match statement {
        Statement::Update { alias, from, filter: Some(filter), .. }
        | Statement::Delete { alias, using: from, filter: Some(filter), .. } => {
            let mut own = vec![*alias];
            from.iter().for_each(|item| aliases(item, &mut own));
            joined(filter, &own);
        }
        _ => {}
    }
}

/// The columns of VALUES as lists; `None` if there is more in them than constants and parameters.
fn columns(rows: &[Vec<Scalar>], types: &[Phys], params: &mut Vec<(ParamSource, Phys)>) -> Option<Vec<Scalar>> {
    let mut lists = Vec::with_capacity(types.len());
    for (at, phys) in types.iter().enumerate() {
        let values = || rows.iter().filter_map(|row| row.get(at));
        let kind = values().find(|value| !value.is_null_literal()).map_or(phys, |value| &value.phys);
        // A number has the type that DuckDB finds for it.
        let kind = if *kind == Phys::Void { Phys::Int8 } else { kind.clone() };
        let cells = values().map(|value| cell(value, &kind, params)).collect::<Option<Vec<Cell>>>()?;
        lists.push((cells, kind));
    }
    if params.len() + lists.len() > usize::from(u16::MAX) {
        return None;
    }
    let mut targets = Vec::with_capacity(lists.len());
    for (cells, kind) in lists {
        let list = Phys::List(Box::new(kind.clone()));
        let number = params.len() as u16;
        params.push((ParamSource::Column(Cells(cells.into())), list.clone()));
        targets.push(Scalar::template("unnest({0})", vec![Scalar::new(Node::Param(number), list)], kind));
    }
    Some(targets)
}

fn cell(value: &Scalar, kind: &Phys, params: &[(ParamSource, Phys)]) -> Option<Cell> {
    if value.is_null_literal() {
        return Some(Cell::Is(Value::Null));
    }
    if value.dscale.is_some() {
        return None;
    }
    let constant = match (&value.node, kind) {
        (Node::Param(number), kind) if value.phys == *kind && is_bound(kind) => {
            let (source, phys) = params.get(usize::from(*number))?;
            return (phys == kind).then(|| Cell::Of(source.clone()));
        }
        (Node::Literal(text), Phys::Text | Phys::Padded | Phys::Jsonb | Phys::Citext) if value.phys == *kind => {
            Value::Text(text.clone())
        }
        (Node::Literal(text), Phys::Numeric) if value.phys == *kind => Value::Numeric(text.clone()),
        (Node::Text(text), Phys::Int8) if matches!(value.phys, Phys::Void | Phys::Int8) => {
            Value::Int8(text.parse().ok()?)
        }
        (Node::Text(text), Phys::Bool) => match &**text {
            "TRUE" => Value::Bool(true),
            "FALSE" => Value::Bool(false),
            _ => return None,
        },
        _ => return None,
    };
    Some(Cell::Is(constant))
}

/// Types of which DuckDB makes a list as quickly as of numbers.
fn is_bound(phys: &Phys) -> bool {
    !matches!(phys, Phys::Enum(_) | Phys::List(_) | Phys::Shaped(_) | Phys::Row(_) | Phys::Void)
}

/// What a condition asks of lists, by joins: NULL is as FALSE there.
fn joined(condition: &mut Scalar, own: &[Alias]) {
    if let Node::And(parts) = &mut condition.node {
        parts.iter_mut().for_each(|part| joined(part, own));
        return;
    }
    let Node::Template { text, args, draw: 0 } = &mut condition.node else { return };
    let word = match &**text {
        EQUALS_ANY => "IN",
        DIFFERS_FROM_ALL => "NOT IN",
        _ => return,
    };
    let [list, left] = args.as_slice() else { return };
    if !is_own_column(left, own) || !is_given(list) {
        return;
    }
    let Phys::List(item) = list.phys.clone() else { return };
    let items = Scalar::template("unnest({0})", vec![list.clone()], (*item).clone());
    let query = plain_query(Select { targets: vec![items], ..Select::default() }, vec![*item]);
    let left = Box::new(left.clone());
    let asked = Scalar::new(Node::Quantified { left, op: word.into(), query: Box::new(query) }, Phys::Bool);
    *condition = match word {
        "IN" => asked,
        // No list at all differs from nothing.
        _ => Scalar::new(
            Node::And(vec![Scalar::template("({0} IS NOT NULL)", vec![list.clone()], Phys::Bool), asked]),
            Phys::Bool,
        ),
    };
}

fn is_own_column(value: &Scalar, own: &[Alias]) -> bool {
    match &value.node {
        Node::Column(alias, _) => own.contains(alias),
        Node::Cast(inner) => is_own_column(inner, own),
        _ => false,
    }
}

/// A parameter or constants.
fn is_given(list: &Scalar) -> bool {
    match &list.node {
        Node::Param(_) | Node::Literal(_) | Node::Text(_) => true,
        Node::Cast(inner) => is_given(inner),
        Node::Template { text, args, draw: 0 } => &**text == "[{*}]" && args.iter().all(is_given),
        _ => false,
    }
}
