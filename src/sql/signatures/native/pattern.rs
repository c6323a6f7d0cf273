//! LIKE's escapes, SIMILAR TO, and POSIX regular expressions by translation to the `regex` crate's syntax.
//!
//! What PostgreSQL's advanced regular expressions have and `regex` lacks (back references, look-around) is refused.
//! Whether text matches does not depend on the engines' different rules for which match is preferred; where the matched
//! text itself is returned, alternations are the one place where they differ, and leftmost-first is documented.

use std::cell::RefCell;
use std::num::NonZeroUsize;

use lru::LruCache;
use regex::Regex;

use super::*;

/// Compiled expressions kept by each thread.
const CACHED: NonZeroUsize = NonZeroUsize::new(64).expect("not zero");
/// The largest compiled program.
const SIZE_LIMIT: usize = 1 << 22;

thread_local! {
    static CACHE: RefCell<LruCache<(String, String), Regex>> = RefCell::new(LruCache::new(CACHED));
}

pub(super) fn natives() -> Vec<Native> {
    vec![
        native2::<str, str, bool>("dg_regex", |s, p| Ok(Some(compiled(p, "", |r| r.is_match(s))?))),
        native2::<str, str, bool>("dg_regex_i", |s, p| Ok(Some(compiled(p, "i", |r| r.is_match(s))?))),
        native2::<str, str, i32>("dg_regexp_count", |s, p| {
            Ok(Some(compiled(p, "", |r| r.find_iter(s).count())? as i32))
        }),
        native4::<str, str, str, str, str>("dg_regexp_replace", |s, p, new, flags| replace(s, p, new, flags).map(Some)),
        native3::<str, str, str, TextList>("dg_regexp_match", |s, p, flags| {
            if flags.contains('g') {
                return Err(Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    "regexp_match() does not support the \"global\" option",
                )
                .hint("Use the regexp_matches function instead."));
            }
            compiled(p, flags, |r| first_match(r, s))
        }),
        native2::<str, str, TextList>("dg_regexp_split_to_array", |s, p| compiled(p, "", |r| Some(split(r, s)))),
        native2::<str, str, str>("dg_regexp_substring", |s, p| {
            compiled(p, "", |r| {
                let found = r.captures(s)?;
                // With parentheses the text that matched the first of them is returned.
                found.get(usize::from(r.captures_len() > 1)).map(|m| m.as_str().to_owned())
            })
        }),
        native2::<str, str, str>("dg_like_escape", |p, escape| like_escape(p, escape).map(Some)),
        native1::<str, str>("dg_like_pattern", |p| {
            // A pattern must not end in its escape character.
            if p.bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 1 {
                return Err(Error::new(
                    SqlState::INVALID_ESCAPE_SEQUENCE,
                    "LIKE pattern must not end with escape character",
                ));
            }
            Ok(Some(p.to_owned()))
        }),
        native2::<str, str, str>("dg_similar_to_escape", |p, escape| similar(p, escape).map(Some)),
    ]
}

fn compiled<T>(pattern: &str, flags: &str, f: impl FnOnce(&Regex) -> T) -> Result<T> {
    CACHE.with_borrow_mut(|cache| {
        let key = (pattern.to_owned(), flags.to_owned());
        if let Some(regex) = cache.get(&key) {
            return Ok(f(regex));
        }
        let regex = compile(pattern, flags)?;
        let result = f(&regex);
        cache.put(key, regex);
        Ok(result)
    })
}

/// PostgreSQL's flags: i, c case; n, m newline-sensitive; p, w partly; s default; x expanded; q literal; g is the caller's.
fn compile(pattern: &str, flags: &str) -> Result<Regex> {
    let (mut insensitive, mut newline, mut expanded, mut literal) = (false, false, false, false);
    for flag in flags.chars() {
        match flag {
            'i' => insensitive = true,
            'c' => insensitive = false,
            'n' | 'm' => newline = true,
            's' | 't' => newline = false,
            'x' => expanded = true,
            'q' => literal = true,
            'g' => {}
            'p' | 'w' | 'b' | 'e' => return Err(Error::unsupported(format!("regular expression option \"{flag}\""))),
            other => {
                return Err(Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("invalid regular expression option: \"{other}\""),
                ));
            }
        }
    }
    let translated = if literal { regex::escape(pattern) } else { translate(pattern, &mut insensitive)? };
    regex::RegexBuilder::new(&translated)
        .case_insensitive(insensitive)
        // By default a newline is an ordinary character and ^ $ match at the ends only.
        .multi_line(newline)
        .dot_matches_new_line(!newline)
        .ignore_whitespace(expanded)
        .size_limit(SIZE_LIMIT)
        .build()
        .map_err(|e| invalid(&e.to_string()))
}

fn invalid(why: &str) -> Error {
    let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
    Error::new(SqlState::INVALID_REGULAR_EXPRESSION, format!("invalid regular expression: {why}"))
}

/// From PostgreSQL's syntax to `regex`'s.
fn translate(pattern: &str, insensitive: &mut bool) -> Result<String> {
    let mut p = pattern;
    if let Some(rest) = p.strip_prefix("***=") {
        return Ok(regex::escape(rest));
    }
    p = p.strip_prefix("***:").unwrap_or(p);
    if let Some(rest) = p.strip_prefix("(?")
        && let Some((options, tail)) = rest.split_once(')')
        && !options.is_empty()
        && options.chars().all(|c| "icstnmx".contains(c))
    {
        *insensitive = options.contains('i');
        p = tail;
    }
    let mut out = String::with_capacity(p.len() + 8);
    let mut chars = p.chars().peekable();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => escape(&mut chars, &mut out)?,
            '[' if in_class => match chars.peek() {
                Some(':') => out.push('['),
                Some('.' | '=') => return Err(Error::unsupported("collating elements in regular expressions")),
                // Nested sets and set operations are regex's own: not meant here.
                _ => out.push_str("\\["),
            },
            '[' => {
                in_class = true;
                out.push('[');
                if chars.peek() == Some(&'^') {
                    out.push('^');
                    chars.next();
                }
                if chars.peek() == Some(&']') {
                    out.push_str("\\]");
                    chars.next();
                }
            }
            ']' if in_class => {
                // The end of [:alpha:] is not the end of the set.
                in_class = out.ends_with(':') && out.rfind("[:").is_some_and(|i| !out[i + 2..].contains(']'));
                out.push(']');
            }
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(c);
            }
            '(' if chars.peek() == Some(&'?') => {
                let mut ahead = chars.clone();
                ahead.next();
                match ahead.next() {
                    Some(':') => out.push('('),
                    Some('=' | '!' | '<') => return Err(Error::unsupported("look-around in regular expressions")),
                    _ => return Err(invalid("quantifier operand invalid")),
                }
            }
            other => out.push(other),
        }
    }
    Ok(out)
}

fn escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) -> Result<()> {
    match chars.next() {
        None => return Err(invalid("invalid escape \\ sequence")),
        Some('m') => out.push_str("\\b{start}"),
        Some('M') => out.push_str("\\b{end}"),
        Some('y') => out.push_str("\\b"),
        Some('Y') => out.push_str("\\B"),
        Some('A') => out.push_str("\\A"),
        Some('Z') => out.push_str("\\z"),
        Some(c @ ('d' | 'w' | 's' | 'D' | 'W' | 'S' | 'n' | 't' | 'r' | 'f' | 'v' | 'a')) => {
            out.push('\\');
            out.push(c);
        }
        Some('e') => out.push_str("\\x1B"),
        Some('u') => hex_escape(chars, 4, out)?,
        Some('U') => hex_escape(chars, 8, out)?,
        Some('x') => out.push_str("\\x"),
        Some(c) if c.is_ascii_digit() => return Err(Error::unsupported("back references in regular expressions")),
        Some(c) if c.is_ascii_alphabetic() => return Err(invalid("invalid escape \\ sequence")),
        Some(c) => out.push_str(&regex::escape(&c.to_string())),
    }
    Ok(())
}

fn hex_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, digits: usize, out: &mut String) -> Result<()> {
    let code: String = chars.by_ref().take(digits).collect();
    if code.len() != digits || !code.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(invalid("invalid escape \\ sequence"));
    }
    out.push_str(&format!("\\x{{{code}}}"));
    Ok(())
}

fn first_match(regex: &Regex, s: &str) -> Option<Vec<Option<String>>> {
    let found = regex.captures(s)?;
    let own = |i: usize| found.get(i).map(|m| m.as_str().to_owned());
    Some(if regex.captures_len() == 1 { vec![own(0)] } else { (1..regex.captures_len()).map(own).collect() })
}

/// Splits at each match; an empty match at the ends or right after another match splits nothing.
fn split(regex: &Regex, s: &str) -> Vec<Option<String>> {
    let mut parts = Vec::new();
    let mut from = 0;
    for found in regex.find_iter(s) {
        if found.is_empty() && (found.start() == 0 || found.start() == s.len() || found.start() == from) {
            continue;
        }
        parts.push(Some(s[from..found.start()].to_owned()));
        from = found.end();
    }
    parts.push(Some(s[from..].to_owned()));
    parts
}

fn replace(s: &str, pattern: &str, new: &str, flags: &str) -> Result<String> {
    compiled(pattern, flags, |regex| {
        let mut out = String::with_capacity(s.len());
        let mut from = 0;
        for found in regex.captures_iter(s) {
            let Some(whole) = found.get(0) else { continue };
            out.push_str(&s[from..whole.start()]);
            let mut chars = new.chars();
            while let Some(c) = chars.next() {
                if c != '\\' {
                    out.push(c);
                    continue;
                }
                match chars.next() {
                    Some('&') => out.push_str(whole.as_str()),
                    Some(d @ '1'..='9') => {
                        let group = d as usize - '0' as usize;
                        out.push_str(found.get(group).map_or("", |m| m.as_str()));
                    }
                    Some('\\') | None => out.push('\\'),
                    Some(other) => {
                        out.push('\\');
                        out.push(other);
                    }
                }
            }
            from = whole.end();
            if !flags.contains('g') {
                break;
            }
        }
        out.push_str(&s[from..]);
        out
    })
}

/// LIKE … ESCAPE 'x': the pattern with `x` turned into a backslash, and backslashes made literal.
fn like_escape(pattern: &str, escape: &str) -> Result<String> {
    let mut escapes = escape.chars();
    let escape = escapes.next();
    if escapes.next().is_some() {
        return Err(Error::new(SqlState::INVALID_ESCAPE_SEQUENCE, "invalid escape string")
            .hint("Escape string must be empty or one character."));
    }
    if escape == Some('\\') {
        return Ok(pattern.to_owned());
    }
    let mut out = String::with_capacity(pattern.len() + 4);
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if Some(c) == escape {
            out.push('\\');
            if let Some(next) = chars.next() {
                out.push(next);
            }
        } else {
            if c == '\\' {
                out.push('\\');
            }
            out.push(c);
        }
    }
    Ok(out)
}

/// SIMILAR TO's pattern as a POSIX one, for the regular expression operators.
fn similar(pattern: &str, escape: &str) -> Result<String> {
    let mut escapes = escape.chars();
    let escape = escapes.next();
    if escapes.next().is_some() {
        return Err(Error::new(SqlState::INVALID_ESCAPE_SEQUENCE, "invalid escape string")
            .hint("Escape string must be empty or one character."));
    }
    let mut out = String::from("^(?:");
    let mut chars = pattern.chars();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        if Some(c) == escape {
            match chars.next() {
                Some('"') => return Err(Error::unsupported("SIMILAR TO with escape-double-quote separators")),
                Some(next) => {
                    out.push('\\');
                    out.push(next);
                }
                None => out.push_str("\\\\"),
            }
            continue;
        }
        match c {
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            _ if in_class => {
                if c == '\\' {
                    out.push('\\');
                }
                out.push(c);
            }
            '[' => {
                in_class = true;
                out.push('[');
            }
            '%' => out.push_str(".*"),
            '_' => out.push('.'),
            '(' => out.push_str("(?:"),
            '\\' | '.' | '^' | '$' => {
                out.push('\\');
                out.push(c);
            }
            other => out.push(other),
        }
    }
    out.push_str(")$");
    Ok(out)
}
