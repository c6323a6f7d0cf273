//! Encodings of several bytes a character.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::Encoding;
use crate::error::Result;

/// Both directions; the bytes of a character are packed into a number.
pub struct Table {
    to_unicode: HashMap<u32, char>,
    to_bytes: HashMap<char, u32>,
}

/// The encodings that PostgreSQL's answers were recorded of; each table is made when it is first used.
static TABLES: LazyLock<HashMap<&'static str, LazyLock<Table, Box<dyn FnOnce() -> Table + Send>>>> =
    LazyLock::new(|| {
        let names: std::collections::BTreeSet<&'static str> = runs().map(|run| run.encoding).collect();
        let table = |name: &'static str| LazyLock::new(Box::new(move || read(name)) as Box<dyn FnOnce() -> _ + Send>);
        names.into_iter().map(|name| (name, table(name))).collect()
    });

/// A line of the recorded file: characters whose last byte goes up by one.
struct Run {
    encoding: &'static str,
    direction: &'static str,
    first: u32,
    characters: &'static str,
}

fn runs() -> impl Iterator<Item = Run> {
    include_str!("multi_byte.tsv").lines().filter_map(|line| {
        let mut parts = line.splitn(4, '\t');
        Some(Run {
            encoding: parts.next()?,
            direction: parts.next()?,
            first: u32::from_str_radix(parts.next()?, 16).ok()?,
            characters: parts.next()?,
        })
    })
}

fn read(name: &str) -> Table {
    let mut table = Table { to_unicode: HashMap::new(), to_bytes: HashMap::new() };
    for run in runs().filter(|run| run.encoding == name) {
        for (code, c) in (run.first..).zip(run.characters.chars()) {
            if run.direction != ">" {
                table.to_unicode.insert(code, c);
            }
            if run.direction != "<" {
                table.to_bytes.insert(c, code);
            }
        }
    }
    table
}

/// The table of an encoding, by PostgreSQL's name.
pub fn table(name: &str) -> Option<&'static Table> {
    TABLES.get(name).map(|table| &**table)
}

/// Whether there is one, without making it.
pub fn is_known(name: &str) -> bool {
    TABLES.contains_key(name)
}

/// How many bytes the character takes that begins so.
fn length(name: &str, first: u8) -> usize {
    match (name, first) {
        (_, 0..0x80) => 1,
        ("EUC_JP", 0x8f) => 3,
        ("SJIS", 0xa1..=0xdf) => 1,
        _ => 2,
    }
}

/// How many of these bytes are whole characters.
pub fn whole(name: &str, bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(first) = bytes.get(at) {
        let length = length(name, *first);
        if length > bytes.len() - at {
            break;
        }
        at += length;
    }
    at
}

/// UTF-8 of bytes that are not all ASCII.
pub fn decode(encoding: Encoding, table: &Table, bytes: &[u8]) -> Result<String> {
    let name = encoding.name();
    let mut out = String::with_capacity(bytes.len() * 2);
    let mut at = 0;
    while let Some(first) = bytes.get(at) {
        if first.is_ascii() {
            out.push(char::from(*first));
            at += 1;
            continue;
        }
        let length = length(name, *first);
        let Some(character) = bytes.get(at..at + length) else { return Err(encoding.invalid(&bytes[at..])) };
        let tail_is_high = character[1..].iter().all(|b| *b >= 0xa1);
        if name.starts_with("EUC") && !tail_is_high || character.contains(&0) {
            return Err(encoding.invalid(character));
        }
        let code = character.iter().fold(0, |code, b| code << 8 | u32::from(*b));
        out.push(*table.to_unicode.get(&code).ok_or_else(|| encoding.no_equivalent(character))?);
        at += length;
    }
    Ok(out)
}

/// Appends a character that is not ASCII; false if the encoding does not have it.
pub fn push(table: &Table, c: char, out: &mut Vec<u8>) -> bool {
    let Some(code) = table.to_bytes.get(&c) else { return false };
    let bytes = code.to_be_bytes();
    let skip = bytes.iter().take_while(|b| **b == 0).count();
    out.extend_from_slice(&bytes[skip..]);
    true
}
