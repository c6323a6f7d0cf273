//! Which of an INSERT's rows go in where ON CONFLICT DO NOTHING stands: `sql::lower::change::upsert`.

use std::collections::HashSet;

use crate::engine::Native;
use crate::engine::vector::native_values;
use crate::error::{Error, Result};
use crate::sql::lower::FIRST_OF_KEYS;
use crate::types::{ArrayValue, Phys, Value, oid};

pub(super) fn natives() -> Vec<Native> {
    let longs = || Phys::List(Box::new(Phys::Int8));
    vec![native_values(FIRST_OF_KEYS, vec![longs(), longs()], longs(), |args| match args {
        [Value::Array(rows), Value::Array(keys)] => first_of_keys(&rows.items, &keys.items),
        _ => Err(Error::internal("keys that are no lists")),
    })]
}

/// Rows in their order, and the keys of all of them one after the other, as many for each; what is NULL is no key.
fn first_of_keys(rows: &[Value], keys: &[Value]) -> Result<Value> {
    let each = keys.len() / rows.len().max(1);
    if each == 0 || keys.len() != each * rows.len() {
        return Err(Error::internal("not as many keys for each row"));
    }
    let mut taken: Vec<HashSet<i64>> = vec![HashSet::new(); each];
    let mut first = Vec::new();
    for (row, own) in rows.iter().zip(keys.chunks(each)) {
        let own = || {
            own.iter()
                .enumerate()
                .filter_map(|(at, key)| if let Value::Int8(key) = key { Some((at, *key)) } else { None })
        };
        if own().any(|(at, key)| taken[at].contains(&key)) {
            continue;
        }
        own().for_each(|(at, key)| {
            taken[at].insert(key);
        });
        first.push(row.clone());
    }
    let dims =
        if first.is_empty() { Vec::new() } else { vec![(i32::try_from(first.len()).map_err(Error::internal)?, 1)] };
    Ok(Value::Array(ArrayValue { element: oid::INT8, dims, items: first }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shares_a_key_with_a_row_that_is_left_out_goes_in() {
        let long = |n: &i64| if *n == 0 { Value::Null } else { Value::Int8(*n) };
        let chosen = |keys: &[i64]| {
            let rows: Vec<Value> = (1..=keys.len() as i64 / 2).map(Value::Int8).collect();
            match first_of_keys(&rows, &keys.iter().map(long).collect::<Vec<_>>()).unwrap() {
                Value::Array(array) => array.items,
                _ => Vec::new(),
            }
        };
        // (1, b) (8, b) (8, c) (9, c): the second shares b, so the third is the first with 8.
        assert_eq!(chosen(&[1, 1, 8, 1, 8, 2, 9, 2]), [Value::Int8(1), Value::Int8(3)]);
        assert_eq!(chosen(&[0, 1, 0, 2, 0, 1, 3, 0, 3, 0]), [Value::Int8(1), Value::Int8(2), Value::Int8(4)]);
    }
}
