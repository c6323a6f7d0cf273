//! Dictionaries: the form under which a word is found, and words that are not looked for.
//!
//! Which of the two crates of stemmers a language is given by was found out by asking PostgreSQL for thousands of words: it has
//! version 2.2 of the Snowball algorithms, one crate has an older one and the other a newer one, and for each language that is
//! given one of them says the same.

use std::collections::HashSet;

use crate::error::{Error, Result, SqlState};
use crate::facts::Oid;
use crate::facts::search;

/// What a dictionary says of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// It is not looked for.
    Stop,
    Lexeme(String),
}

/// A dictionary that is ready to be asked.
pub struct Dictionary {
    stop: Option<&'static HashSet<&'static str>>,
    stem: Stem,
}

enum Stem {
    None,
    Older(rust_stemmers::Stemmer),
    Newer(snowball_stemmers_rs::Stemmer),
}

/// Words beyond this many bytes are only brought to lower case.
const LONGEST_STEMMED: usize = 1000;

impl Dictionary {
    /// # Errors
    /// 42704 for no dictionary, 0A000 for one whose algorithm is not to be had here.
    pub fn of(oid: Oid) -> Result<Self> {
        let name = search::dictionary(oid).ok_or_else(|| {
            Error::new(SqlState::INTERNAL_ERROR, format!("cache lookup failed for text search dictionary {oid}"))
        })?;
        if name == "simple" {
            return Ok(Self { stop: None, stem: Stem::None });
        }
        let stem = stemmer(name).ok_or_else(|| {
            Error::unsupported(format!("text search dictionary \"{name}\""))
                .hint("Its stemmer differs from PostgreSQL's here. Use the configuration \"simple\".")
        })?;
        Ok(Self { stop: search::stop_words(name), stem })
    }

    pub fn look(&self, word: &str) -> Looked {
        let word = lower(word);
        if matches!(self.stem, Stem::None) {
            return Looked::Lexeme(word);
        }
        if word.is_empty() || self.stop.is_some_and(|stop| stop.contains(&*word)) {
            return Looked::Stop;
        }
        if word.len() > LONGEST_STEMMED {
            return Looked::Lexeme(word);
        }
        let stem = match &self.stem {
            Stem::None => None,
            Stem::Older(stemmer) => Some(stemmer.stem(&word).into_owned()),
            Stem::Newer(stemmer) => Some(stemmer.stem(&word).into_owned()),
        };
        // A word of which nothing is left stays whole.
        Looked::Lexeme(stem.filter(|stem| !stem.is_empty()).unwrap_or(word))
    }
}

/// Letter by letter, as C's towlower does.
fn lower(word: &str) -> String {
    if word.is_ascii() {
        return word.to_ascii_lowercase();
    }
    word.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect()
}

fn stemmer(dictionary: &str) -> Option<Stem> {
    use rust_stemmers::Algorithm as Old;
    use snowball_stemmers_rs::Algorithm as New;
    let old = |algorithm| Some(Stem::Older(rust_stemmers::Stemmer::create(algorithm)));
    let new = |algorithm| Some(Stem::Newer(snowball_stemmers_rs::Stemmer::create(algorithm)));
    match dictionary.strip_suffix("_stem")? {
        "arabic" => old(Old::Arabic),
        "armenian" => new(New::Armenian),
        "basque" => new(New::Basque),
        "catalan" => new(New::Catalan),
        "danish" => old(Old::Danish),
        "dutch" => old(Old::Dutch),
        "english" => old(Old::English),
        "finnish" => new(New::Finnish),
        "french" => old(Old::French),
        "german" => old(Old::German),
        "greek" => new(New::Greek),
        "hindi" => new(New::Hindi),
        "hungarian" => old(Old::Hungarian),
        "indonesian" => new(New::Indonesian),
        "irish" => new(New::Irish),
        "italian" => old(Old::Italian),
        "nepali" => new(New::Nepali),
        "norwegian" => old(Old::Norwegian),
        "portuguese" => old(Old::Portuguese),
        "romanian" => old(Old::Romanian),
        "russian" => new(New::Russian),
        "serbian" => new(New::Serbian),
        "spanish" => old(Old::Spanish),
        "swedish" => old(Old::Swedish),
        "tamil" => old(Old::Tamil),
        "turkish" => old(Old::Turkish),
        "yiddish" => new(New::Yiddish),
        _ => None,
    }
}
