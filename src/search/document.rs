//! Texts become vectors: each token is looked up in the dictionary that the configuration has for its kind.

use std::collections::HashMap;

use super::dictionary::{Dictionary, Looked};
use super::parser::{Token, tokens};
use crate::error::{Error, Result, SqlState};
use crate::facts::Oid;
use crate::facts::search::{TOKENS, configuration};
use crate::types::coded::tsvector::{Entry, LAST_PLACE, MOST_PLACES, Place, TsVector};
use crate::types::coded::tsword::LONGEST_WORD;

/// A configuration that is ready to be used.
pub struct Configuration {
    /// By the token's kind.
    dictionaries: [Option<usize>; TOKENS + 1],
    all: Vec<Dictionary>,
}

/// A word as it is found, and the place at which it stands among the words of its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub lexeme: String,
    pub at: u32,
}

impl Configuration {
    /// # Errors
    /// XX000 for no configuration, 0A000 for one with a dictionary that is not to be had here.
    pub fn of(oid: Oid) -> Result<Self> {
        let own = configuration(oid).ok_or_else(|| {
            Error::new(SqlState::INTERNAL_ERROR, format!("cache lookup failed for text search configuration {oid}"))
        })?;
        let (mut dictionaries, mut known, mut all) = ([None; TOKENS + 1], Vec::new(), Vec::new());
        for (kind, dictionary) in own.dictionaries.iter().enumerate() {
            let Some(dictionary) = dictionary else { continue };
            let at = match known.iter().position(|own| own == dictionary) {
                Some(at) => at,
                None => {
                    known.push(*dictionary);
                    all.push(Dictionary::of(*dictionary)?);
                    all.len() - 1
                }
            };
            dictionaries[kind] = Some(at);
        }
        Ok(Self { dictionaries, all })
    }

    /// What the configuration's dictionary says of a token; `None` for a kind of tokens that is left out.
    pub fn look(&self, token: Token, text: &str) -> Option<Looked> {
        let dictionary = self.all.get(self.dictionaries[token.kind as usize]?)?;
        let word = text.get(token.from..token.to)?;
        // PostgreSQL leaves them out with a notice.
        (word.len() <= LONGEST_WORD).then(|| dictionary.look(word))
    }

    /// The words of a text behind `last`, the place of the last one before it, which is moved on.
    pub fn words(&self, text: &str, last: &mut u32) -> Vec<Found> {
        let mut out = Vec::new();
        for token in tokens(text) {
            match self.look(token, text) {
                None => {}
                Some(Looked::Stop) => *last += 1,
                Some(Looked::Lexeme(lexeme)) => {
                    *last += 1;
                    out.push(Found { lexeme, at: *last });
                }
            }
        }
        out
    }

    /// `to_tsvector`.
    ///
    /// # Errors
    /// 54000 for more than a vector holds.
    pub fn vector(&self, text: &str) -> Result<TsVector> {
        vector_of(self.words(text, &mut 0))
    }

    /// `to_tsvector` of several texts, with a place left free between them.
    pub fn vector_of_all<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> Result<TsVector> {
        let (mut last, mut all) = (0, Vec::new());
        for text in texts {
            let words = self.words(text, &mut last);
            last += u32::from(!words.is_empty());
            all.extend(words);
        }
        vector_of(all)
    }
}

fn vector_of(words: Vec<Found>) -> Result<TsVector> {
    let mut entries: HashMap<String, Vec<Place>> = HashMap::with_capacity(words.len());
    for Found { lexeme, at } in words {
        let places = entries.entry(lexeme).or_default();
        let place = Place::new(at, 0);
        // What is read from text has room for one more.
        let full = places.len() >= MOST_PLACES - 1 || places.last().is_some_and(|last| last.at() == LAST_PLACE);
        if !full {
            places.push(place);
        }
    }
    let mut entries: Vec<Entry> = entries.into_iter().map(|(word, places)| Entry { word, places }).collect();
    entries.sort_unstable_by(|a, b| a.word.cmp(&b.word));
    TsVector::sorted(entries).checked()
}
