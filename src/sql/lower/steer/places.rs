//! By what the rows of a relation are in order: numbers that DuckDB has for them, or that go with what they are made from.

use crate::sql::lower::ir::walk::has;
use crate::sql::lower::ir::{Node, SUBQUERY_WEIGHT, Scalar};
use crate::types::Phys;

use super::row_order::is_set;

/// What is unnested, and the number of a row of WITH ORDINALITY, as `function.rs` writes them.
const UNNEST: &str = "unnest({0})";
pub(crate) const NUMBER: &str = "unnest(generate_series(1, greatest({*})))";

/// What a relation's rows are in order by.
#[derive(Clone)]
pub(super) struct Place<T> {
    pub by: T,
    /// Of a function's rows. PostgreSQL thinks them many, and joins them last.
    pub made: bool,
    /// How many rows a series of constants has: of such alone, PostgreSQL begins with the shortest.
    pub rows: Option<i128>,
}

/// From where to where a series of constants goes, and by which step.
pub(super) fn bounds(args: &[Scalar]) -> Option<[i64; 3]> {
    let [from, to, step] = args else { return None };
    let bounds = [from, to, step].map(|arg| {
        let mut arg = arg;
        while let Node::Cast(inner) = &arg.node {
            arg = inner;
        }
        match &arg.node {
            Node::Text(text) => text.parse::<i64>().ok(),
            _ => None,
        }
    });
    match bounds {
        [Some(from), Some(to), Some(step)] if step != 0 => Some([from, to, step]),
        _ => None,
    }
}

pub(super) fn count([from, to, step]: [i64; 3]) -> i128 {
    ((i128::from(to) - i128::from(from)) / i128::from(step) + 1).max(0)
}

/// Places in the order in which PostgreSQL joins.
pub(super) fn sorted(mut places: Vec<Place<Scalar>>) -> Vec<Place<Scalar>> {
    places.sort_by_key(|place| place.made);
    if places.iter().all(|place| place.rows.is_some()) {
        places.sort_by_key(|place| place.rows);
    }
    places
}

/// The places of what a select without FROM unnests: WITH ORDINALITY's numbers, or numbers of its own.
pub(super) fn numbers(targets: &[Scalar]) -> Vec<Place<Scalar>> {
    let mut lengths = Vec::new();
    for target in targets.iter().filter(|target| has(target, &is_set)) {
        match &target.node {
            Node::Template { text, .. } if **text == *NUMBER => {
                return vec![Place { by: target.clone(), made: true, rows: None }];
            }
            Node::Template { text, args, .. } if **text == *UNNEST => {
                let (weight, draws) = args[0].weight();
                if draws || weight >= SUBQUERY_WEIGHT {
                    return Vec::new();
                }
                lengths.push(Scalar::template("coalesce(len({0}), 0)", args.clone(), Phys::Int8));
            }
            _ => return Vec::new(),
        }
    }
    match lengths.is_empty() {
        true => Vec::new(),
        false => vec![Place { by: Scalar::template(NUMBER, lengths, Phys::Int8), made: true, rows: None }],
    }
}
