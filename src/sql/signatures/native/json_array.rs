//! JSON arrays as PostgreSQL's arrays of several dimensions (populate_array): the first value that is no array says how many.

use crate::error::{Error, Result, SqlState};
use crate::types::shaped::check_dimensions;
use crate::types::text::json::tree::{Json, Node};

/// The dimensions of an array that JSON writes, and its elements in order; `None` for null and for a string.
pub(super) fn read<'n>(node: &'n Node<'n>) -> Result<Option<(Vec<(i32, i32)>, Vec<&'n Node<'n>>)>> {
    if matches!(node.value, Json::Null | Json::String(_)) {
        return Ok(None);
    }
    let mut depth = 0;
    let mut first = Some(node);
    while let Some(Json::Array(items)) = first.map(|node| &node.value) {
        depth += 1;
        first = items.first();
    }
    check_dimensions(depth)?;
    let mut lengths = vec![None; depth];
    let mut elements = Vec::new();
    collect(node, &mut lengths, &mut elements)?;
    Ok(Some((lengths.into_iter().map(|n| (n.unwrap_or(0), 1)).collect(), elements)))
}

fn malformed(message: &str) -> Error {
    Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message)
}

fn collect<'n>(node: &'n Node<'n>, lengths: &mut [Option<i32>], elements: &mut Vec<&'n Node<'n>>) -> Result<()> {
    let Json::Array(items) = &node.value else { return Err(malformed("expected JSON array")) };
    let Some((length, inner)) = lengths.split_first_mut() else {
        return Err(Error::internal("a JSON array of no dimension"));
    };
    for item in items {
        match inner.is_empty() {
            true => elements.push(item),
            false => collect(item, inner, elements)?,
        }
    }
    let here = i32::try_from(items.len()).map_err(Error::internal)?;
    if *length.get_or_insert(here) != here {
        return Err(malformed("malformed JSON array")
            .detail("Multidimensional arrays must have sub-arrays with matching dimensions."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::text::json::tree::parse;

    fn dims(text: &str) -> Result<Option<(Vec<(i32, i32)>, usize)>> {
        let node = parse(text)?;
        Ok(read(&node)?.map(|(dims, elements)| (dims, elements.len())))
    }

    #[test]
    fn the_first_value_that_is_no_array_says_how_many_dimensions() {
        assert_eq!(dims("[[1,2],[3,[4]]]").expect("an array"), Some((vec![(2, 1), (2, 1)], 4)));
        assert_eq!(dims("[1,[2,3]]").expect("an array"), Some((vec![(2, 1)], 2)));
        assert_eq!(dims("[[],[]]").expect("an array"), Some((vec![(2, 1), (0, 1)], 0)));
        assert_eq!(dims("null").expect("nothing"), None);
        for wrong in ["1", "[[1],2]", "[[1],[2,3]]", "[[[[[[[1]]]]]]]"] {
            assert!(dims(wrong).is_err(), "{wrong}");
        }
    }
}
