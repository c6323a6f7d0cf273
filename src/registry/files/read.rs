//! From a file's text to the raw types, with every complaint and not only the first.
//!
//! serde stops at its first error. So what it complained about is noted, cut out of the parsed document, and the rest is
//! tried again until it fits.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Reporter, nearest};
use super::raw;

/// The most complaints that one file gets; more than these nobody reads.
const MAX_ERRORS: usize = 100;

/// Reads a file. `None` if it is not TOML.
pub fn read(reporter: &mut Reporter) -> Option<raw::File> {
    let text = reporter.text().to_owned();
    let (document, errors) = DeTable::parse_recoverable(&text);
    if !errors.is_empty() {
        for error in errors.iter().take(MAX_ERRORS) {
            let at = error.span().map_or(0, |s| s.start);
            let (message, help) = not_toml(&text, at, error.message().trim());
            reporter.error(at, message, help);
        }
        return None;
    }
    let span = document.span();
    let mut document = document.into_inner();
    for _ in 0..MAX_ERRORS {
        let value = Spanned::new(span.clone(), DeValue::Table(document.clone()));
        let error = match raw::File::deserialize(toml::de::ValueDeserializer::from(value)) {
            Ok(file) => return Some(file),
            Err(error) => error,
        };
        let at = error.span().unwrap_or_else(|| span.clone());
        let (message, help) = explain(error.message());
        reporter.error(at.start, message, help);
        if !cut(&mut document, &at) {
            return None;
        }
    }
    None
}

/// The parser's message, and what was probably meant.
fn not_toml(text: &str, at: usize, message: &str) -> (String, Option<String>) {
    let rest = text.get(at..).unwrap_or_default();
    let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '"')).collect();
    if message == "duplicate key" {
        return (format!("\"{}\" is there twice", word.trim_matches('"')), None);
    }
    let value = text.get(..at).is_some_and(|before| before.trim_end_matches([' ', '\t']).ends_with('='));
    if value && word.starts_with(char::is_alphabetic) {
        let line = rest.lines().next().unwrap_or_default().trim_end();
        let help = format!("text stands in quotes: \"{}\"", line.replace('"', "\\\""));
        return ("not valid TOML: this is no value".to_owned(), Some(help));
    }
    (format!("not valid TOML: {message}"), None)
}

/// serde's message in our words, with the word that was probably meant.
fn explain(message: &str) -> (String, Option<String>) {
    let message = message.trim();
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if let (true, Some((word, known))) = (message.starts_with("unknown field"), quoted.split_first()) {
        let help = match nearest(word, known.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("known here: {}", known.join(", ")),
        };
        return (format!("unknown key \"{word}\""), Some(help));
    }
    if let (true, Some((word, known))) = (message.starts_with("unknown variant"), quoted.split_first()) {
        let help = match nearest(word, known.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("possible: {}", known.join(", ")),
        };
        return (format!("\"{word}\" is not possible here"), Some(help));
    }
    if let (true, [field, ..]) = (message.starts_with("missing field"), quoted.as_slice()) {
        return (format!("\"{field}\" is missing"), None);
    }
    if let Some((found, wanted)) =
        message.strip_prefix("invalid type: ").and_then(|rest| rest.split_once(", expected "))
    {
        return wrong_kind(found, wanted);
    }
    if let Some((found, wanted)) =
        message.strip_prefix("invalid value: ").and_then(|rest| rest.split_once(", expected "))
    {
        let wanted = match wanted {
            "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0 on",
            other => other,
        };
        return wrong_kind(found, wanted);
    }
    if message.contains("untagged enum Names") {
        return ("a name or a list of names is expected".to_owned(), None);
    }
    if message.contains("untagged enum Literal") {
        return ("an SQL expression in quotes, a number or a boolean is expected".to_owned(), None);
    }
    (message.replace('`', "\""), None)
}

/// A value of another kind than its key takes.
fn wrong_kind(found: &str, wanted: &str) -> (String, Option<String>) {
    let word = |kind: &str| match kind.trim_start_matches("a ") {
        "map" => "a table".to_owned(),
        "sequence" => "a list".to_owned(),
        _ if kind.starts_with("struct ") => "a table of keys and values".to_owned(),
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0 on".to_owned(),
        "i32" | "i64" | "integer" => "a whole number".to_owned(),
        "a whole number from 0 on" => kind.to_owned(),
        // One with its value: integer `5`.
        _ if kind.ends_with(['`', '"']) => format!("the {}", kind.replace('`', "\"")),
        _ => kind.replace('`', "\""),
    };
    let help = match (found, wanted) {
        ("map", "a sequence") => Some("there may be several: two pairs of brackets, as in [[table]]"),
        ("sequence", "a map") => Some("names with their values: one pair of brackets, as in [table.columns]"),
        _ => None,
    };
    (format!("{} is expected, and this is {}", word(wanted), word(found)), help.map(str::to_owned))
}

/// Cuts the innermost entry that an error's span points at out of the document; false if there is none.
fn cut(table: &mut DeTable<'_>, at: &Range<usize>) -> bool {
    let covers = |span: Range<usize>| span.start <= at.start && at.end <= span.end;
    let key = table
        .iter()
        .find(|(key, value)| covers(key.span()) || covers(value.span()) || holds(value, at))
        .map(|(key, _)| key.clone());
    let Some(key) = key else { return false };
    let by_key = covers(key.span());
    let inner = !by_key && table.get_mut(&key).is_some_and(|value| cut_value(value, at));
    if !inner {
        table.remove(&key);
    }
    true
}

/// Spans of tables with headers do not hold their entries: look inside.
fn holds(value: &Spanned<DeValue<'_>>, at: &Range<usize>) -> bool {
    let covers = |span: Range<usize>| span.start <= at.start && at.end <= span.end;
    covers(value.span())
        || match value.get_ref() {
            DeValue::Table(table) => table.iter().any(|(key, value)| covers(key.span()) || holds(value, at)),
            DeValue::Array(items) => items.iter().any(|item| holds(item, at)),
            _ => false,
        }
}

fn cut_value(value: &mut Spanned<DeValue<'_>>, at: &Range<usize>) -> bool {
    let own = value.span() == *at;
    match value.get_mut() {
        DeValue::Table(table) if !own => cut(table, at),
        DeValue::Array(items) => {
            let Some(i) = items.iter().position(|item| holds(item, at)) else { return false };
            let mut kept: Vec<Spanned<DeValue<'_>>> = items.iter().cloned().collect();
            if !cut_value(&mut kept[i], at) {
                kept.remove(i);
            }
            let array: toml::de::DeArray<'_> = kept.into_iter().collect();
            *items = array;
            true
        }
        _ => false,
    }
}
