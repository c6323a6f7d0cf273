//! `ts_rewrite`: a part of a query replaced by another.
//!
//! Parts of AND and OR are looked for in any order, and as some of many: so both queries are laid flat and sorted before, as
//! PostgreSQL lays and sorts them, since what comes out shows the order.

use std::cmp::Ordering;

use crate::error::Result;
use crate::types::coded::tsquery::{Joined, Node, Query, Word, legacy_sum};

/// A node with any number of nodes under it, the right ones first.
#[derive(Debug, Clone)]
struct Flat {
    what: What,
    under: Vec<Flat>,
    /// True for what was put in, which is not looked into.
    settled: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum What {
    Word(Word),
    Not,
    And,
    Or,
    Phrase(u16),
}

impl What {
    /// Operators before words, and among them the greater number first.
    fn order(&self) -> u8 {
        match self {
            Self::Phrase(_) => 0,
            Self::Or => 1,
            Self::And => 2,
            Self::Not => 3,
            Self::Word(_) => 4,
        }
    }
}

impl Flat {
    fn of(node: Node) -> Self {
        let (what, under) = match node {
            // A complete query has none of these.
            Node::Stop => (What::Or, Vec::new()),
            Node::Word(word) => (What::Word(word), Vec::new()),
            Node::Not(under) => (What::Not, vec![Self::of(*under)]),
            Node::Two(by, sides) => {
                let [left, right] = *sides;
                let what = match by {
                    Joined::And => What::And,
                    Joined::Or => What::Or,
                    Joined::Phrase(distance) => What::Phrase(distance),
                };
                (what, vec![Self::of(right), Self::of(left)])
            }
        };
        Self { what, under, settled: false }
    }

    /// AND under AND and OR under OR become one.
    fn flattened(mut self) -> Self {
        let under = std::mem::take(&mut self.under).into_iter().map(Self::flattened);
        let several = matches!(self.what, What::And | What::Or);
        for child in under {
            match several && child.what == self.what {
                true => self.under.extend(child.under),
                false => self.under.push(child),
            }
        }
        self
    }

    fn sort(&mut self) {
        self.under.iter_mut().for_each(Self::sort);
        if !matches!(self.what, What::Phrase(_)) {
            self.under.sort_by(Self::compare);
        }
    }

    /// QTNodeCompare.
    fn compare(&self, other: &Self) -> Ordering {
        if let (What::Word(a), What::Word(b)) = (&self.what, &other.what) {
            let sum = |word: &Word| legacy_sum(&word.text) as i32;
            return sum(b).cmp(&sum(a)).then_with(|| a.text.cmp(&b.text));
        }
        let mut order = self.what.order().cmp(&other.what.order());
        order = order.then_with(|| other.under.len().cmp(&self.under.len()));
        for (a, b) in self.under.iter().zip(&other.under) {
            order = order.then_with(|| a.compare(b));
        }
        match (&self.what, &other.what) {
            (What::Phrase(a), What::Phrase(b)) => order.then_with(|| b.cmp(a)),
            _ => order,
        }
    }

    fn is(&self, other: &Self) -> bool {
        self.compare(other) == Ordering::Equal
    }

    /// Itself with the target replaced; `None` if nothing is left.
    fn replaced(mut self, target: &Self, by: Option<&Self>) -> Option<Self> {
        if self.settled {
            return Some(self);
        }
        let put = || by.map(|by| Self { settled: true, ..by.clone() });
        if self.is(target) {
            return put();
        }
        let some = self.what == target.what && self.under.len() > target.under.len() && !target.under.is_empty();
        if some && let Some(places) = self.places_of(target) {
            let mut i = 0;
            self.under.retain(|_| {
                i += 1;
                !places.contains(&(i - 1))
            });
            self.under.extend(put());
            self.sort();
        }
        if matches!(self.what, What::Word(_)) {
            return Some(self);
        }
        self.under = self.under.into_iter().filter_map(|child| child.replaced(target, by)).collect();
        match self.under.len() {
            0 => None,
            1 if self.what != What::Not => self.under.pop(),
            _ => Some(self),
        }
    }

    /// Which of those under it are all of those under another; both are sorted.
    fn places_of(&self, target: &Self) -> Option<Vec<usize>> {
        let mut places = Vec::with_capacity(target.under.len());
        let mut own = self.under.iter().enumerate();
        for wanted in &target.under {
            let (at, _) = own.by_ref().find(|(_, child)| child.compare(wanted) != Ordering::Less)?;
            if !self.under[at].is(wanted) {
                return None;
            }
            places.push(at);
        }
        Some(places)
    }

    /// Two under each again.
    fn node(mut self) -> Node {
        let by = match self.what {
            What::Word(word) => return Node::Word(word),
            What::Not => return self.under.pop().map_or(Node::Stop, |under| under.node().negated()),
            What::And => Joined::And,
            What::Or => Joined::Or,
            What::Phrase(distance) => Joined::Phrase(distance),
        };
        let mut under: Vec<Node> = self.under.into_iter().map(Self::node).collect();
        while under.len() > 2 {
            // The first two become one, and the last comes behind it.
            let second = under.remove(1);
            let first = std::mem::replace(&mut under[0], Node::Stop);
            under[0] = second.joined(by, first);
            if let Some(last) = under.pop() {
                under.insert(1, last);
            }
        }
        match (under.pop(), under.pop()) {
            (Some(left), Some(right)) => left.joined(by, right),
            (Some(one), None) => one,
            (None, _) => Node::Stop,
        }
    }
}

/// The query with its parts that are the target replaced.
///
/// # Errors
/// 54001 for what then nests too deep.
pub fn rewrite(query: Query, target: Query, by: Query) -> Result<Query> {
    let (query, target) = match (query, target) {
        (Some(query), Some(target)) => (query, target),
        (query, _) => return Ok(query),
    };
    let laid = |node: Node| {
        let mut flat = Flat::of(node).flattened();
        flat.sort();
        flat
    };
    let by = by.map(Flat::of);
    laid(query).replaced(&laid(target), by.as_ref()).map(|flat| flat.node().checked()).transpose()
}
