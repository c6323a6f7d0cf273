//! What is made of queries.

use std::collections::HashSet;

use crate::types::coded::tsquery::{Joined, Node, Query};

/// Two queries joined; of which one is empty, the other.
pub fn joined(left: Query, by: Joined, right: Query) -> crate::error::Result<Query> {
    match (left, right) {
        (Some(left), Some(right)) => left.joined(by, right).checked().map(Some),
        (left, right) => Ok(left.or(right)),
    }
}

/// What an index could look for: what stands under NOT is nothing that it knows. `None` for everything.
pub fn indexable(node: &Node) -> Option<Node> {
    match node {
        Node::Word(_) | Node::Stop => Some(node.clone()),
        Node::Not(_) => None,
        Node::Two(by, sides) => match (indexable(&sides[0]), indexable(&sides[1])) {
            (Some(left), Some(right)) => Some(left.joined(*by, right)),
            (left, right) if *by != Joined::Or => left.or(right),
            _ => None,
        },
    }
}

/// Does the first have all the second's words?
pub fn contains(first: &Query, second: &Query) -> bool {
    let words = |query: &Query| -> HashSet<String> {
        let mut words = Vec::new();
        if let Some(node) = query {
            node.words(&mut words);
        }
        words.into_iter().map(|word| word.text.clone()).collect()
    };
    words(second).is_subset(&words(first))
}

/// Without the words that searching leaves out. A phrase keeps how far apart its words stood: a distance that no node
/// holds any more is added to the phrase around it.
pub fn cleaned(node: Node) -> Query {
    without_stops(node).0
}

/// What stays, and what the phrase on its left and on its right have to add.
fn without_stops(node: Node) -> (Query, u32, u32) {
    match node {
        Node::Stop => (None, 0, 0),
        Node::Word(_) => (Some(node), 0, 0),
        Node::Not(under) => {
            let (under, before, behind) = without_stops(*under);
            (under.map(Node::negated), before, behind)
        }
        Node::Two(by, sides) => {
            let [left, right] = *sides;
            let (left, left_before, left_behind) = without_stops(left);
            let (right, right_before, right_behind) = without_stops(right);
            let distance = match by {
                Joined::Phrase(distance) => Some(u32::from(distance)),
                Joined::And | Joined::Or => None,
            };
            match (left, right, distance) {
                (None, None, Some(distance)) => {
                    let all = left_before + distance + right_before;
                    (None, all, all)
                }
                (None, None, None) => {
                    let most = left_before.max(right_before);
                    (None, most, most)
                }
                (None, right, Some(distance)) => (right, left_before + distance + right_before, right_behind),
                (None, right, None) => (right, right_before, right_behind),
                (left, None, Some(distance)) => (left, left_before, left_behind + distance + right_behind),
                (left, None, None) => (left, left_before, left_behind),
                (Some(left), Some(right), Some(distance)) => {
                    let apart = distance + left_behind + right_before;
                    let by = Joined::Phrase(u16::try_from(apart).unwrap_or(u16::MAX));
                    (Some(left.joined(by, right)), left_before, right_behind)
                }
                (Some(left), Some(right), None) => (Some(left.joined(by, right)), 0, 0),
            }
        }
    }
}
