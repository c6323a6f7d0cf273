//! `@@`: does a vector have what a query asks for?
//!
//! A phrase works on places: where its parts match, or, under NOT, where they do not. Of words without places that is not known,
//! so there are three answers.

use crate::types::coded::tsquery::{Joined, Node, Query, Word};
use crate::types::coded::tsvector::{Seen, look};

/// No, perhaps, yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    No,
    Maybe,
    Yes,
}

impl Truth {
    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Maybe => Self::Maybe,
            Self::Yes => Self::No,
        }
    }
}

impl From<bool> for Truth {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

/// Where a part of a phrase ends, in order.
#[derive(Debug, Default, Clone)]
pub struct Spots {
    pub at: Vec<i32>,
    /// True if it is everywhere but there.
    pub negated: bool,
    /// How far before its end it begins.
    pub width: i32,
}

/// What words are looked up in.
pub trait Document {
    /// Is the word there?
    fn has(&self, word: &Word) -> Truth;
    /// The places at which it is, in order, each once; `Maybe` if they are not known.
    fn spots(&self, word: &Word) -> (Truth, Vec<i32>);
}

/// True if the document has what the query asks for; an empty query asks for nothing that could be had.
pub fn matches(query: &Query, document: &impl Document) -> bool {
    query.as_ref().is_some_and(|node| holds(node, document) != Truth::No)
}

/// As [`matches`], for a part of a query.
pub fn holds(node: &Node, document: &impl Document) -> Truth {
    match node {
        Node::Stop => Truth::No,
        Node::Word(word) => document.has(word),
        Node::Not(under) => holds(under, document).not(),
        Node::Two(Joined::And, sides) => match holds(&sides[0], document) {
            Truth::No => Truth::No,
            left => left.min(holds(&sides[1], document)),
        },
        Node::Two(Joined::Or, sides) => match holds(&sides[0], document) {
            Truth::Yes => Truth::Yes,
            left => left.max(holds(&sides[1], document)),
        },
        // Without places there are no phrases.
        Node::Two(Joined::Phrase(_), _) => (phrase(node, document).0 == Truth::Yes).into(),
    }
}

/// Where a part of a phrase matches.
fn phrase(node: &Node, document: &impl Document) -> (Truth, Spots) {
    let nowhere = |truth| (truth, Spots::default());
    match node {
        Node::Stop => nowhere(Truth::No),
        Node::Word(word) => {
            let (truth, at) = document.spots(word);
            (truth, Spots { at, ..Spots::default() })
        }
        Node::Not(under) => match phrase(under, document) {
            (Truth::Maybe, _) => nowhere(Truth::Maybe),
            (Truth::No, _) => (Truth::Yes, Spots { negated: true, ..Spots::default() }),
            (Truth::Yes, spots) if spots.at.is_empty() => nowhere(Truth::No),
            (Truth::Yes, spots) => (Truth::Yes, Spots { negated: !spots.negated, ..spots }),
        },
        Node::Two(by, sides) => {
            let (left_truth, left) = phrase(&sides[0], document);
            if left_truth == Truth::No && *by != Joined::Or {
                return nowhere(Truth::No);
            }
            let (right_truth, right) = phrase(&sides[1], document);
            if right_truth == Truth::No && (*by != Joined::Or || left_truth == Truth::No) {
                return nowhere(Truth::No);
            }
            if left_truth == Truth::Maybe || right_truth == Truth::Maybe {
                return nowhere(Truth::Maybe);
            }
            both(*by, &left, &right)
        }
    }
}

/// Which of two lists' spots stay: those of the left alone, of both, of the right alone.
type Keep = (bool, bool, bool);

const LEFT: Keep = (true, false, false);
const BOTH: Keep = (false, true, false);
const RIGHT: Keep = (false, false, true);
const ANY: Keep = (true, true, true);

fn both(by: Joined, left: &Spots, right: &Spots) -> (Truth, Spots) {
    let widest = left.width.max(right.width);
    let (width, left_by, right_by) = match by {
        Joined::Phrase(distance) => {
            let distance = i32::from(distance);
            (distance + left.width + right.width, distance + right.width, 0)
        }
        Joined::And | Joined::Or => (widest, widest - left.width, widest - right.width),
    };
    // By De Morgan's laws what is not anywhere is kept as the places of which it is not.
    let (keep, negated) = match (by == Joined::Or, left.negated, right.negated) {
        (false, true, true) => (ANY, true),
        (false, true, false) => (RIGHT, false),
        (false, false, true) => (LEFT, false),
        (false, false, false) => (BOTH, false),
        (true, true, true) => (BOTH, true),
        (true, true, false) => (LEFT, true),
        (true, false, true) => (RIGHT, true),
        (true, false, false) => (ANY, false),
    };
    let at = merged((&left.at, left_by), (&right.at, right_by), keep);
    match at.is_empty() && !negated {
        true => (Truth::No, Spots::default()),
        false => (Truth::Yes, Spots { at, negated, width }),
    }
}

/// Goes through two lists, each moved by so much, side by side.
fn merged(left: (&[i32], i32), right: (&[i32], i32), keep: Keep) -> Vec<i32> {
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    loop {
        let (a, b) = (left.0.get(i).map(|at| at + left.1), right.0.get(j).map(|at| at + right.1));
        let (kept, at) = match (a, b) {
            (None, None) => return out,
            (Some(a), Some(b)) if a == b => {
                (i, j) = (i + 1, j + 1);
                (keep.1, a)
            }
            (Some(a), b) if b.is_none_or(|b| a < b) => {
                i += 1;
                (keep.0, a)
            }
            (_, b) => {
                j += 1;
                (keep.2, b.unwrap_or_default())
            }
        };
        if kept && at > 0 {
            out.push(at);
        }
    }
}

/// A vector's entries, by their words.
pub struct Entries<'a>(Vec<Seen<'a>>);

impl<'a> Entries<'a> {
    /// Of a vector's bytes.
    pub fn of(bytes: &'a [u8]) -> Self {
        Self(look(bytes).collect())
    }

    /// Those that a word of a query means.
    pub fn named(&self, word: &Word) -> &[Seen<'a>] {
        let text = word.text.as_bytes();
        let from = self.0.partition_point(|entry| entry.word < text);
        let rest = self.0.get(from..).unwrap_or_default();
        let fits = |entry: &Seen<'_>| if word.prefix { entry.word.starts_with(text) } else { entry.word == text };
        let count = match word.prefix {
            true => rest.iter().take_while(|entry| fits(entry)).count(),
            false => usize::from(rest.first().is_some_and(fits)),
        };
        &rest[..count]
    }

    pub fn all(&self) -> &[Seen<'a>] {
        &self.0
    }
}

impl Document for Entries<'_> {
    fn has(&self, word: &Word) -> Truth {
        let mut best = Truth::No;
        for entry in self.named(word) {
            let truth = match (word.weights, entry.has_places()) {
                // A word without places has any weight.
                (0, _) | (_, false) => Truth::Yes,
                (weights, true) => entry.places().any(|place| weights >> place.weight() & 1 == 1).into(),
            };
            best = best.max(truth);
            if best == Truth::Yes {
                break;
            }
        }
        best
    }

    fn spots(&self, word: &Word) -> (Truth, Vec<i32>) {
        let mut at = Vec::new();
        let named = self.named(word);
        for entry in named {
            if !entry.has_places() {
                return (Truth::Maybe, Vec::new());
            }
            let fits = entry.places().filter(|place| word.weights == 0 || word.weights >> place.weight() & 1 == 1);
            at.extend(fits.map(|place| i32::from(place.at())));
        }
        if named.len() > 1 {
            at.sort_unstable();
            at.dedup();
        }
        ((!at.is_empty()).into(), at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::coded::tsquery;
    use crate::types::coded::tsvector::TsVector;

    #[test]
    fn queries_hold_as_in_postgresql() {
        let cases = [
            ("a:1 b:2", "a & b", true),
            ("a:1 b:2", "a & !b", false),
            ("a:1 b:2", "a <-> b", true),
            ("a:1 b:3", "a <-> b", false),
            ("a:1 b:3", "a <2> b", true),
            ("a:1 b:2 c:3", "a <-> (b <-> c)", true),
            ("a:1 b:2 c:3", "(a | b) <-> c", true),
            ("a:1 b:2 c:3", "!a <-> c", true),
            ("a:1 b:2 c:3", "!b <-> c", false),
            ("a:1 c:3", "a <-> !b", true),
            ("a b", "a <-> b", false),
            ("a b", "!(a <-> b)", true),
            ("a:1A", "a:A", true),
            ("a:1", "a:A", false),
            ("a", "a:A", true),
            ("abc:1 abd:2", "ab:* <-> abd", true),
            ("a", "", false),
        ];
        for (vector, query, expected) in cases {
            let bytes = TsVector::parse(vector).expect(vector).encode();
            let query_made = tsquery::parse(query).expect(query);
            assert_eq!(matches(&query_made, &Entries::of(&bytes)), expected, "{vector} @@ {query}");
        }
    }
}
