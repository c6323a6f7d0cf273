//! The extensions fuzzystrmatch and unaccent: how far texts are apart, how they sound, and what they are without their accents.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::dmetaphone::double_metaphone;
use super::metaphone::metaphone;
use super::*;
use crate::facts;

/// Characters that levenshtein() and metaphone() take.
const LONGEST: usize = 255;

pub(super) fn natives() -> Vec<Native> {
    vec![
        native2::<str, str, i32>("dg_levenshtein", |a, b| distance(a, b, [1, 1, 1]).map(Some)),
        native5::<str, str, i32, i32, i32, i32>("dg_levenshtein_costs", |a, b, insert, delete, replace| {
            distance(a, b, [insert, delete, replace]).map(Some)
        }),
        native3::<str, str, i32, i32>("dg_levenshtein_up_to", |a, b, most| {
            Ok(Some(cut(distance(a, b, [1, 1, 1])?, most, a.is_empty() || b.is_empty())))
        }),
        native6::<str, str, i32, i32, i32, i32, i32>(
            "dg_levenshtein_costs_up_to",
            |a, b, insert, delete, replace, most| {
                Ok(Some(cut(distance(a, b, [insert, delete, replace])?, most, a.is_empty() || b.is_empty())))
            },
        ),
        native1::<str, str>("dg_soundex", |text| Ok(Some(soundex(text)))),
        native2::<str, str, i32>("dg_difference", |a, b| {
            let (a, b) = (soundex(a), soundex(b));
            if a.is_empty() && b.is_empty() {
                return Ok(Some(4));
            }
            Ok(Some(a.bytes().zip(b.bytes()).filter(|(a, b)| a == b).count() as i32))
        }),
        native2::<str, i32, str>("dg_metaphone", |text, most| {
            let invalid = |message: &str| Error::new(SqlState::INVALID_PARAMETER_VALUE, message);
            if text.is_empty() {
                return Ok(Some(String::new()));
            }
            if text.len() > LONGEST {
                return Err(invalid("argument exceeds the maximum length of 255 bytes"));
            }
            if most > LONGEST as i32 {
                return Err(invalid("output exceeds the maximum length of 255 bytes"));
            }
            if most <= 0 {
                return Err(Error::new(SqlState::ZERO_LENGTH_CHARACTER_STRING, "output cannot be empty string"));
            }
            Ok(Some(metaphone(text, most as usize)))
        }),
        native1::<str, str>("dg_dmetaphone", |text| {
            let [english, _] = double_metaphone(text);
            Ok(Some(english))
        }),
        native1::<str, str>("dg_dmetaphone_alt", |text| {
            let [_, other] = double_metaphone(text);
            Ok(Some(other))
        }),
        native1::<str, str>("dg_unaccent", |text| Ok(Some(unaccent(text)))),
    ]
}

/// The least that it costs to turn one text into the other by inserting, deleting and replacing characters.
fn distance(from: &str, to: &str, [insert, delete, replace]: [i32; 3]) -> Result<i32> {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let times = |n: usize, cost: i32| (n as i32).wrapping_mul(cost);
    if from.is_empty() || to.is_empty() {
        return Ok(if from.is_empty() { times(to.len(), insert) } else { times(from.len(), delete) });
    }
    if from.len() > LONGEST || to.len() > LONGEST {
        let message = format!("levenshtein argument exceeds maximum length of {LONGEST} characters");
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    let mut row: Vec<i32> = (0..=from.len()).map(|n| times(n, delete)).collect();
    for (n, b) in to.iter().enumerate() {
        let mut before = std::mem::replace(&mut row[0], times(n + 1, insert));
        for (m, a) in from.iter().enumerate() {
            let replaced = before.wrapping_add(if a == b { 0 } else { replace });
            before = row[m + 1];
            row[m + 1] = replaced.min(before.wrapping_add(insert)).min(row[m].wrapping_add(delete));
        }
    }
    Ok(row[from.len()])
}

/// As PostgreSQL tells a distance that is only of interest up to a limit.
fn cut(distance: i32, most: i32, sure: bool) -> i32 {
    if sure || most < 0 || distance <= most { distance } else { most + 1 }
}

fn soundex(text: &str) -> String {
    // By bytes, as PostgreSQL goes through a text: what is no ASCII letter is its own code.
    const CODES: &[u8; 26] = b"01230120022455012623010202";
    let code = |byte: u8| match byte.to_ascii_uppercase() {
        letter @ b'A'..=b'Z' => CODES[usize::from(letter - b'A')],
        other => other,
    };
    let bytes = text.as_bytes();
    let Some(first) = bytes.iter().position(u8::is_ascii_alphabetic) else { return String::new() };
    let mut out = String::from(char::from(bytes[first].to_ascii_uppercase()));
    for pair in bytes[first..].windows(2) {
        let [before, byte] = [pair[0], pair[1]].map(code);
        if out.len() < 4 && pair[1].is_ascii_alphabetic() && byte != before && byte != b'0' {
            out.push(char::from(byte));
        }
    }
    format!("{out:0<4}")
}

fn unaccent(text: &str) -> String {
    static PLAIN: LazyLock<HashMap<char, &'static str>> = LazyLock::new(|| {
        let row = |row: &facts::Row| Some((char::from_u32(row.first()?.as_ref()?.parse().ok()?)?, (*row.get(1)?)?));
        facts::UNACCENT_ROWS.rows.iter().filter_map(row).collect()
    });
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match PLAIN.get(&c) {
            Some(plain) if !c.is_ascii() => out.push_str(plain),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_and_sounds() {
        assert_eq!(distance("GUMBO", "GAMBOL", [1, 1, 1]).unwrap(), 2);
        assert_eq!(distance("GUMBO", "GAMBOL", [2, 1, 1]).unwrap(), 3);
        assert_eq!(cut(4, 2, false), 3);
        assert_eq!(soundex("Anne"), "A500");
        assert_eq!(soundex("Margaret"), "M626");
        assert_eq!(unaccent("Hôtel Ångström"), "Hotel Angstrom");
    }
}
