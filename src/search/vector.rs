//! What is made of vectors: weights given, words taken out, two put together.

use crate::types::coded::tsvector::{Entry, LAST_PLACE, MOST_PLACES, Place, TsVector};

/// Without places.
pub fn strip(vector: TsVector) -> TsVector {
    let bare = |entry: Entry| Entry { places: Vec::new(), ..entry };
    TsVector::sorted(vector.into_entries().into_iter().map(bare).collect())
}

/// All places of the words that pass with one weight.
pub fn with_weight(vector: TsVector, weight: u8, of: impl Fn(&str) -> bool) -> TsVector {
    let mut entries = vector.into_entries();
    for entry in entries.iter_mut().filter(|entry| of(&entry.word)) {
        entry.places.iter_mut().for_each(|place| *place = Place::new(u32::from(place.at()), weight));
    }
    TsVector::sorted(entries)
}

/// The words that pass.
pub fn kept(vector: TsVector, keep: impl Fn(&str) -> bool) -> TsVector {
    TsVector::sorted(vector.into_entries().into_iter().filter(|entry| keep(&entry.word)).collect())
}

/// The places of these weights (A being 8, D being 1), and the words that have one.
pub fn of_weights(vector: TsVector, weights: u8) -> TsVector {
    let mut entries = vector.into_entries();
    entries.retain_mut(|entry| {
        entry.places.retain(|place| weights >> place.weight() & 1 == 1);
        !entry.places.is_empty()
    });
    TsVector::sorted(entries)
}

/// The second behind the first: its places count from the first's last one.
pub fn concat(first: &TsVector, second: &TsVector) -> TsVector {
    let places = |vector: &TsVector| vector.entries().iter().flat_map(|e| e.places.iter().map(|p| p.at())).max();
    let last = u32::from(places(first).unwrap_or(0));
    let moved = |entry: &Entry, before: &[Place]| {
        let mut places = before.to_vec();
        for place in &entry.places {
            if places.len() >= MOST_PLACES || places.last().is_some_and(|p| p.at() == LAST_PLACE) {
                break;
            }
            places.push(Place::new(u32::from(place.at()) + last, place.weight()));
        }
        Entry { word: entry.word.clone(), places }
    };
    let (mut left, mut right) = (first.entries().iter().peekable(), second.entries().iter().peekable());
    let mut out = Vec::with_capacity(first.entries().len() + second.entries().len());
    loop {
        match (left.peek(), right.peek()) {
            (None, None) => return TsVector::sorted(out),
            (Some(a), Some(b)) if a.word == b.word => {
                out.push(moved(b, &a.places));
                left.next();
                right.next();
            }
            (Some(a), b) if b.is_none_or(|b| a.word < b.word) => {
                out.push((*a).clone());
                left.next();
            }
            (_, b) => {
                out.extend(b.map(|b| moved(b, &[])));
                right.next();
            }
        }
    }
}
