//! How well a vector answers a query: `ts_rank` and `ts_rank_cd`.

use std::collections::BTreeMap;

use super::matching::{Document, Entries, Truth, holds};
use crate::types::coded::tsquery::{Joined, Node, Query, Word};
use crate::types::coded::tsvector::{LAST_PLACE, Seen};

/// What the weights D, C, B and A count.
pub type Weights = [f32; 4];

pub const WEIGHTS: Weights = [0.1, 0.2, 0.4, 1.0];

/// Ways in which the text's length counts, as bits of `normalization`.
const BY_LOG_OF_LENGTH: i32 = 1;
const BY_LENGTH: i32 = 2;
const BY_DISTANCE: i32 = 4;
const BY_WORDS: i32 = 8;
const BY_LOG_OF_WORDS: i32 = 16;
const BELOW_ONE: i32 = 32;

/// How many words the text has, as far as places tell.
fn length(entries: &Entries<'_>) -> usize {
    entries.all().iter().map(|entry| entry.places().len().max(1)).sum()
}

/// The query's words, sorted; of those with one text the last.
fn words(node: &Node) -> Vec<&Word> {
    let mut all = Vec::new();
    node.words(&mut all);
    let by_text: BTreeMap<&str, &Word> = all.into_iter().map(|word| (&*word.text, word)).collect();
    by_text.into_values().collect()
}

/// A place, and what its weight counts.
type Spot = (u16, f32);

fn spots(entry: Seen<'_>, weights: &Weights) -> Vec<Spot> {
    entry.places().map(|place| (place.at(), weights[usize::from(place.weight())])).collect()
}

/// `ts_rank`.
pub fn rank(weights: &Weights, vector: &[u8], query: &Query, normalization: i32) -> f32 {
    let entries = Entries::of(vector);
    let Some(node) = query.as_ref().filter(|_| !entries.all().is_empty()) else { return 0.0 };
    let words = words(node);
    let together = matches!(node, Node::Two(Joined::And | Joined::Phrase(_), _)) && words.len() > 1;
    let mut rank = if together { of_all(weights, &entries, &words) } else { of_any(weights, &entries, &words) };
    if rank < 0.0 {
        rank = 1e-20;
    }
    let (length, count) = (length(&entries), entries.all().len());
    if normalization & BY_LOG_OF_LENGTH != 0 {
        rank = (f64::from(rank) / (((length + 1) as f64).ln() / 2f64.ln())) as f32;
    }
    if normalization & BY_LENGTH != 0 && length > 0 {
        rank /= length as f32;
    }
    if normalization & BY_WORDS != 0 {
        rank /= count as f32;
    }
    if normalization & BY_LOG_OF_WORDS != 0 {
        rank = (f64::from(rank) / (((count + 1) as f64).ln() / 2f64.ln())) as f32;
    }
    if normalization & BELOW_ONE != 0 {
        rank /= rank + 1.0;
    }
    rank
}

/// Each word for itself: its heaviest place counts whole, the others less with each.
fn of_any(weights: &Weights, entries: &Entries<'_>, words: &[&Word]) -> f32 {
    // The sum of all 1/n², which such a row of places stays below.
    const LIMIT: f64 = 1.644_934_066_85;
    let mut rank = 0f32;
    for word in words {
        for entry in entries.named(word) {
            let mut spots = spots(*entry, weights);
            if spots.is_empty() {
                spots.push((0, weights[0]));
            }
            let square = |i: usize| ((i + 1) * (i + 1)) as f32;
            let (mut sum, mut heaviest, mut at) = (0f32, -1f32, 0);
            for (i, (_, weight)) in spots.iter().enumerate() {
                sum += weight / square(i);
                if *weight > heaviest {
                    (heaviest, at) = (*weight, i);
                }
            }
            rank = (f64::from(rank) + f64::from(heaviest + sum - heaviest / square(at)) / LIMIT) as f32;
        }
    }
    if words.is_empty() { rank } else { rank / words.len() as f32 }
}

/// Two words count the more the nearer they stand.
fn of_all(weights: &Weights, entries: &Entries<'_>, words: &[&Word]) -> f32 {
    let nearness = |apart: u16| -> f32 {
        if apart > 100 {
            return 1e-30;
        }
        (1.0 / (1.005 + 0.05 * (f64::from(f32::from(apart)) / 1.5 - 2.0).exp())) as f32
    };
    let mut rank = -1f32;
    // Of each word what was seen last, and whether its places are known.
    let mut seen: Vec<Option<(Vec<Spot>, bool)>> = vec![None; words.len()];
    for (i, word) in words.iter().enumerate() {
        for entry in entries.named(word) {
            let known = entry.has_places();
            let own = if known { spots(*entry, weights) } else { vec![(LAST_PLACE, weights[0])] };
            for (others, others_known) in seen.iter().take(i).flatten() {
                for (at, weight) in &own {
                    for (other_at, other_weight) in others {
                        let apart = match at.abs_diff(*other_at) {
                            0 if known && *others_known => continue,
                            0 => LAST_PLACE + 1,
                            apart => apart,
                        };
                        let one = f64::from(weight * other_weight * nearness(apart)).sqrt() as f32;
                        rank = match rank < 0.0 {
                            true => one,
                            false => (1.0 - (1.0 - f64::from(rank)) * (1.0 - f64::from(one))) as f32,
                        };
                    }
                }
            }
            seen[i] = Some((own, known));
        }
    }
    rank
}

/// A place at which one of the query's words stands, and which of them.
struct Occurrence {
    at: u16,
    weight: u8,
    words: Vec<usize>,
}

/// The words seen so far between two ends.
struct Window<'a> {
    words: &'a [&'a Word],
    seen: Vec<Vec<i32>>,
}

impl Document for Window<'_> {
    fn has(&self, word: &Word) -> Truth {
        self.of(word).is_some_and(|spots| !spots.is_empty()).into()
    }

    fn spots(&self, word: &Word) -> (Truth, Vec<i32>) {
        let mut spots = self.of(word).cloned().unwrap_or_default();
        spots.sort_unstable();
        spots.dedup();
        ((!spots.is_empty()).into(), spots)
    }
}

impl Window<'_> {
    fn of(&self, word: &Word) -> Option<&Vec<i32>> {
        self.seen.get(self.words.iter().position(|own| std::ptr::eq(*own, word))?)
    }

    fn add(&mut self, occurrence: &Occurrence) {
        for word in &occurrence.words {
            self.seen[*word].push(i32::from(occurrence.at));
        }
    }

    fn clear(&mut self) {
        self.seen.iter_mut().for_each(Vec::clear);
    }
}

/// The places of the query's words, in order.
fn occurrences(entries: &Entries<'_>, words: &[&Word]) -> Vec<Occurrence> {
    let mut all: BTreeMap<(u16, u8, usize), Vec<usize>> = BTreeMap::new();
    for (i, word) in words.iter().enumerate() {
        for entry in entries.named(word) {
            let index = entries.all().partition_point(|other| other.word < entry.word);
            for place in entry.places() {
                if word.weights == 0 || word.weights >> place.weight() & 1 == 1 {
                    all.entry((place.at(), place.weight(), index)).or_default().push(i);
                }
            }
        }
    }
    all.into_iter().map(|((at, weight, _), words)| Occurrence { at, weight, words }).collect()
}

/// The next stretch, from `from` on, that has what the query asks for, as short as it can be: its first and last occurrence.
fn cover(node: &Node, all: &[Occurrence], mut from: usize, window: &mut Window<'_>) -> Option<(usize, usize)> {
    loop {
        window.clear();
        let holds_with = |window: &mut Window<'_>, i: usize| {
            window.add(&all[i]);
            holds(node, window) != Truth::No
        };
        let last = (from..all.len()).find(|i| holds_with(window, *i)).filter(|i| all[*i].at > 0)?;
        window.clear();
        let first = (from..=last).rev().find(|i| holds_with(window, *i));
        match first {
            Some(first) if all[first].at <= all[last].at => return Some((first, last)),
            _ => from += 1,
        }
    }
}

/// `ts_rank_cd`: by how close together the words stand that answer the query.
pub fn rank_by_cover(weights: &Weights, vector: &[u8], query: &Query, normalization: i32) -> f32 {
    let entries = Entries::of(vector);
    let Some(node) = query else { return 0.0 };
    let mut words = Vec::new();
    node.words(&mut words);
    let all = occurrences(&entries, &words);
    let mut window = Window { words: &words, seen: vec![Vec::new(); words.len()] };
    let (mut rank, mut count, mut nearness, mut before, mut from) = (0f64, 0u32, 0f64, 0f64, 0);
    while let Some((first, last)) = cover(node, &all, from, &mut window) {
        let stretch = &all[first..=last];
        let inverse: f64 = stretch.iter().map(|o| 1.0 / f64::from(weights[usize::from(o.weight)])).sum();
        let (p, q) = (i32::from(all[first].at), i32::from(all[last].at));
        let between = (last - first) as i32;
        // Words between that the query does not ask for; several at one place make less than none.
        let others = match q - p - between {
            less if less < 0 => between / 2,
            others => others,
        };
        rank += stretch.len() as f64 / inverse / f64::from(1 + others);
        let middle = f64::from(q + p) / 2.0;
        if count > 0 && middle > before {
            nearness += 1.0 / (middle - before);
        }
        (before, count, from) = (middle, count + 1, first + 1);
    }
    let (length, entries) = (length(&entries), entries.all().len());
    if normalization & BY_LOG_OF_LENGTH != 0 && entries > 0 {
        rank /= ((length + 1) as f64).ln();
    }
    if normalization & BY_LENGTH != 0 && length > 0 {
        rank /= length as f64;
    }
    if normalization & BY_DISTANCE != 0 && count > 0 && nearness > 0.0 {
        rank /= f64::from(count) / nearness;
    }
    if normalization & BY_WORDS != 0 && entries > 0 {
        rank /= entries as f64;
    }
    if normalization & BY_LOG_OF_WORDS != 0 && entries > 0 {
        rank /= ((entries + 1) as f64).ln() / 2f64.ln();
    }
    if normalization & BELOW_ONE != 0 {
        rank /= rank + 1.0;
    }
    rank as f32
}
