//! PostgreSQL's own objects of text search: configurations, dictionaries, kinds of tokens and stop words.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::{Oid, Row, Table, recorded};

/// A configuration: which dictionary a token of each kind is looked up in.
#[derive(Debug)]
pub struct Configuration {
    pub oid: Oid,
    pub name: &'static str,
    /// By the token's kind; `None` for those that are left out.
    pub dictionaries: [Option<Oid>; TOKENS + 1],
}

/// How many kinds of tokens the parser tells, from 1.
pub const TOKENS: usize = 23;

/// A kind of token.
#[derive(Debug)]
pub struct TokenType {
    pub id: i32,
    pub alias: &'static str,
    pub description: &'static str,
}

/// The parser that all configurations have.
pub const DEFAULT_PARSER: Oid = 3722;

static CONFIGURATIONS: LazyLock<Vec<Configuration>> = LazyLock::new(|| {
    let named = |row: Row, table: &'static Table| {
        let (oid, name) = (number(table, row, "oid")?, table.get(row, "cfgname")?);
        Some(Configuration { oid, name, dictionaries: [None; TOKENS + 1] })
    };
    let mut all: Vec<Configuration> = rows("pg_ts_config", named);
    let mapped = |row: Row, table: &'static Table| {
        Some((number(table, row, "mapcfg")?, number(table, row, "maptokentype")?, number(table, row, "mapdict")?))
    };
    for (of, token, dictionary) in rows("pg_ts_config_map", mapped) {
        let of = all.iter_mut().find(|c| c.oid == of);
        if let Some(place) = of.and_then(|c| c.dictionaries.get_mut(token as usize)) {
            *place = Some(dictionary);
        }
    }
    all
});

static DICTIONARIES: LazyLock<Vec<(Oid, &'static str)>> =
    LazyLock::new(|| rows("pg_ts_dict", |row, table| Some((number(table, row, "oid")?, table.get(row, "dictname")?))));

static TOKEN_TYPES: LazyLock<Vec<TokenType>> = LazyLock::new(|| {
    let line = |line: &'static str| {
        let mut fields = line.split('\t');
        let id = fields.next()?.parse().ok()?;
        Some(TokenType { id, alias: fields.next()?, description: fields.next()? })
    };
    include_str!("token_type.tsv").lines().skip(1).filter_map(line).collect()
});

static STOP_WORDS: LazyLock<HashMap<&'static str, HashSet<&'static str>>> = LazyLock::new(|| {
    let mut all: HashMap<_, HashSet<_>> = HashMap::new();
    for (dictionary, word) in include_str!("stop_word.tsv").lines().skip(1).filter_map(|line| line.split_once('\t')) {
        all.entry(dictionary).or_default().insert(word);
    }
    all
});

fn rows<T>(table: &str, each: impl Fn(Row, &'static Table) -> Option<T>) -> Vec<T> {
    let Some(table) = recorded(table) else { return Vec::new() };
    table.rows.iter().filter_map(|row| each(row, table)).collect()
}

fn number(table: &'static Table, row: Row, column: &str) -> Option<Oid> {
    table.get(row, column)?.parse().ok()
}

pub fn configuration(oid: Oid) -> Option<&'static Configuration> {
    CONFIGURATIONS.iter().find(|c| c.oid == oid)
}

pub fn configuration_named(name: &str) -> Option<&'static Configuration> {
    CONFIGURATIONS.iter().find(|c| c.name == name)
}

/// The dictionary's name.
pub fn dictionary(oid: Oid) -> Option<&'static str> {
    DICTIONARIES.iter().find(|(own, _)| *own == oid).map(|(_, name)| *name)
}

pub fn dictionary_named(name: &str) -> Option<Oid> {
    DICTIONARIES.iter().find(|(_, own)| *own == name).map(|(oid, _)| *oid)
}

/// The parser's kinds of tokens, by their numbers.
pub fn token_types() -> &'static [TokenType] {
    &TOKEN_TYPES
}

/// The words that a dictionary leaves out; `None` if it has no list.
pub fn stop_words(dictionary: &str) -> Option<&'static HashSet<&'static str>> {
    STOP_WORDS.get(dictionary)
}

/// What a character beyond ASCII is to the parser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Letter {
    Letter,
    /// A sign that belongs to the letters around it (a vowel's, an accent).
    Sign,
}

/// Ranges of characters that are letters or signs, in order.
static LETTERS: LazyLock<Vec<(u32, u32, Letter)>> = LazyLock::new(|| {
    let line = |line: &'static str| {
        let mut fields = line.split('\t');
        let kind = if fields.next()? == "a" { Letter::Letter } else { Letter::Sign };
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?, kind))
    };
    include_str!("letter.tsv").lines().skip(1).filter_map(line).collect()
});

/// What a character beyond ASCII is; `None` for anything that is in no word.
pub fn letter(c: char) -> Option<Letter> {
    let code = u32::from(c);
    let at = LETTERS.partition_point(|(_, last, _)| *last < code);
    LETTERS.get(at).filter(|(first, ..)| *first <= code).map(|(.., kind)| *kind)
}
