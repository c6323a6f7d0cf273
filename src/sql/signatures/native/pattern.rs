//! LIKE's escapes, SIMILAR TO, and POSIX regular expressions by translation to the `regex` crate's syntax.
//!
//! What PostgreSQL's advanced regular expressions have and `regex` lacks (back references, look-around) is refused.
//! Whether text matches does not depend on the engines' different rules for which match is preferred; where the matched
//! text itself is returned, [`Matcher::find`] looks for PostgreSQL's.

use std::cell::RefCell;
use std::num::NonZeroUsize;

use lru::LruCache;
use regex::Regex;

use super::regexp_syntax::{Options, invalid, quantifiers, translate};
use super::*;
use crate::engine::budget::tick;

/// Compiled expressions kept by each thread.
const CACHED: NonZeroUsize = NonZeroUsize::new(64).expect("not zero");
/// The largest compiled program.
const SIZE_LIMIT: usize = 1 << 22;

thread_local! {
    static CACHE: RefCell<LruCache<(String, String), Matcher>> = RefCell::new(LruCache::new(CACHED));
}

/// A compiled expression. PostgreSQL prefers the longest of all matches at the leftmost place where `regex` prefers the
/// first alternative: an expression with alternatives has a second form, which must end where the text is cut.
pub(super) struct Matcher {
    regex: Regex,
    to_end: Option<Regex>,
    mixed: bool,
}

/// The byte ranges of a match and of its parenthesized parts.
pub(super) type Found = Vec<Option<std::ops::Range<usize>>>;

impl Matcher {
    pub(super) fn is_match(&self, s: &str) -> bool {
        self.regex.is_match(s)
    }

    /// How many parenthesized parts there are.
    pub(super) fn groups(&self) -> usize {
        self.regex.captures_len() - 1
    }

    /// The match that begins first at or after byte `at`, the longest of those.
    pub(super) fn find(&self, s: &str, at: usize) -> Result<Option<Found>> {
        if self.mixed {
            return Err(Error::unsupported("a regular expression that mixes greedy and non-greedy quantifiers")
                .hint("The matched text would differ from PostgreSQL's."));
        }
        let ranges = |c: &regex::Captures<'_>| (0..c.len()).map(|i| c.get(i).map(|m| m.range())).collect::<Found>();
        let Some(first) = self.regex.captures_at(s, at) else { return Ok(None) };
        let found = ranges(&first);
        let (Some(to_end), Some(whole)) = (&self.to_end, first.get(0)) else { return Ok(Some(found)) };
        let ends = s[whole.end()..].char_indices().map(|(i, c)| whole.end() + i + c.len_utf8());
        for end in ends.rev() {
            if let Some(longer) = to_end.captures_at(&s[..end], whole.start())
                && longer.get(0).is_some_and(|m| m.start() == whole.start())
            {
                return Ok(Some(ranges(&longer)));
            }
        }
        Ok(Some(found))
    }

    /// The matches from byte `at` on, one after the other, as PostgreSQL finds them. `degenerate`: those of no length at
    /// the ends and right after another count too.
    pub(super) fn find_all(&self, s: &str, at: usize, degenerate: bool, limit: usize) -> Result<Vec<Found>> {
        let mut all = Vec::new();
        let (mut start, mut previous) = (at, 0);
        while all.len() < limit {
            tick()?;
            let Some(found) = self.find(s, start)? else { break };
            let Some(whole) = found.first().cloned().flatten() else { break };
            if degenerate || (whole.start < s.len() && whole.end > previous) {
                all.push(found);
            }
            previous = whole.end;
            start = whole.end;
            if whole.is_empty() {
                match s[start..].chars().next() {
                    Some(c) => start += c.len_utf8(),
                    None => break,
                }
            }
        }
        Ok(all)
    }
}

pub(super) fn natives() -> Vec<Native> {
    let mut all = super::regexp::natives();
    all.extend([
        native2::<str, str, bool>("dg_regex", |s, p| Ok(Some(compiled(p, "", |r| Ok(r.is_match(s)))?))),
        native2::<str, str, bool>("dg_regex_i", |s, p| Ok(Some(compiled(p, "i", |r| Ok(r.is_match(s)))?))),
        native2::<str, str, str>("dg_like_escape", |p, escape| like_escape(p, escape).map(Some)),
        native2::<[u8], [u8], bool>("dg_bytea_like", |s, p| {
            like(characters(s).as_bytes(), characters(p).as_bytes()).map(Some)
        }),
        native2::<[u8], [u8], [u8]>("dg_bytea_like_escape", |p, escape| {
            let pattern = like_escape(&characters(p), &characters(escape))?;
            Ok(Some(pattern.chars().map(|c| c as u8).collect()))
        }),
        native2::<str, str, bool>("dg_like", |s, p| like(s.as_bytes(), p.as_bytes()).map(Some)),
        native2::<str, str, str>("dg_similar_to_escape", |p, escape| similar(p, escape).map(Some)),
        native3::<str, str, str, str>("dg_similar_substring", similar_substring),
    ]);
    all
}

/// Calls `f` with a compiled expression, which is kept for the next call.
pub(super) fn compiled<T>(pattern: &str, flags: &str, f: impl FnOnce(&Matcher) -> Result<T>) -> Result<T> {
    CACHE.with_borrow_mut(|cache| {
        let key = (pattern.to_owned(), flags.to_owned());
        if let Some(matcher) = cache.get(&key) {
            return f(matcher);
        }
        let matcher = compile(pattern, flags)?;
        let result = f(&matcher);
        cache.put(key, matcher);
        result
    })
}

fn compile(pattern: &str, flags: &str) -> Result<Matcher> {
    let mut options = Options::default();
    // g is the caller's.
    for flag in flags.chars().filter(|flag| *flag != 'g') {
        if !options.take(flag)? {
            let message = format!("invalid regular expression option: \"{flag}\"");
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
    }
    let pattern = options.take_prefix(pattern)?;
    let Options { insensitive, expanded: _, literal, stops, lines } = options;
    let translated = if literal { regex::escape(pattern) } else { translate(pattern, options)? };
    let build = |text: &str| {
        regex::RegexBuilder::new(text)
            .case_insensitive(insensitive)
            // By default a newline is an ordinary character and ^ $ match at the ends only.
            .multi_line(lines)
            .dot_matches_new_line(!stops)
            .size_limit(SIZE_LIMIT)
            .build()
            .map_err(|e| invalid(&e.to_string()))
    };
    let regex = build(&translated)?;
    let (lazy, greedy) = quantifiers(&translated);
    let to_end = if translated.contains('|') && !lazy { Some(build(&format!("(?:{translated})\\z"))?) } else { None };
    let mixed = lazy && (greedy || translated.contains('|'));
    Ok(Matcher { regex, to_end, mixed })
}

/// LIKE (MatchText). Only the last `%` that was met is gone back to, for an earlier one would find nothing that this one does not:
/// so the time is that of text and pattern multiplied at most.
fn like(text: &[u8], pattern: &[u8]) -> Result<bool> {
    let unfinished =
        || Error::new(SqlState::INVALID_ESCAPE_SEQUENCE, "LIKE pattern must not end with escape character");
    let (mut t, mut p) = (0, 0);
    // Behind the last `%`, and where what it stands for ends.
    let mut any: Option<(usize, usize)> = None;
    let mut steps = 0u32;
    while t < text.len() {
        let matched = match pattern.get(p) {
            Some(b'%') => {
                if pattern.get(p + 1).is_none() {
                    return Ok(true);
                }
                // What goes on behind is asked for as soon as there is text for each `_`.
                let fixed = pattern[p..].iter().take_while(|b| matches!(b, b'%' | b'_')).count();
                let least = pattern[p..p + fixed].iter().filter(|b| **b == b'_').count();
                let left = || text[t..].iter().filter(|b| **b & 0xc0 != 0x80).count();
                if &pattern[p + fixed..] == b"\\" && (least == 0 || left() >= least) {
                    return Err(unfinished());
                }
                any = Some((p + 1, t));
                p += 1;
                continue;
            }
            Some(b'_') => {
                t += width(text[t]);
                p += 1;
                continue;
            }
            Some(b'\\') => {
                let literal = pattern.get(p + 1).ok_or_else(unfinished)?;
                (*literal == text[t]).then_some(2)
            }
            Some(literal) => (*literal == text[t]).then_some(1),
            None => None,
        };
        if let Some(length) = matched {
            t += 1;
            p += length;
            continue;
        }
        let Some((behind, end)) = any else { return Ok(false) };
        let end = end + width(text[end]);
        any = Some((behind, end));
        (t, p) = (end, behind);
        steps += 1;
        if steps.is_multiple_of(4096) {
            tick()?;
        }
    }
    Ok(pattern[p..].iter().all(|b| *b == b'%'))
}

/// The bytes of the character that begins so.
fn width(first: u8) -> usize {
    match first {
        0xf0.. => 4,
        0xe0.. => 3,
        0xc0.. => 2,
        _ => 1,
    }
}

/// LIKE … ESCAPE 'x': the pattern with `x` turned into a backslash, and backslashes made literal.
/// Bytes as a text of as many characters: those of ISO 8859-1.
fn characters(bytes: &[u8]) -> String {
    bytes.iter().map(|b| char::from(*b)).collect()
}

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
    let parts = similar_parts(pattern, escape)?;
    Ok(match parts.as_slice() {
        [whole] => format!("^(?:{whole})$"),
        [first, second] => format!("^(?:{first}){{1,1}}?({second})$"),
        [first, second, third, ..] => format!("^(?:{first}){{1,1}}?({second}){{1,1}}(?:{third})$"),
        [] => "^(?:)$".to_owned(),
    })
}

/// The parts of a SIMILAR TO pattern between its separators (the escape character and a double quote), of which there
/// are at most two (similar_escape_internal).
fn similar_parts(pattern: &str, escape: &str) -> Result<Vec<String>> {
    let mut escapes = escape.chars();
    let escape = escapes.next();
    if escapes.next().is_some() {
        return Err(Error::new(SqlState::INVALID_ESCAPE_SEQUENCE, "invalid escape string")
            .hint("Escape string must be empty or one character."));
    }
    let mut parts = vec![String::new()];
    let mut in_class = false;
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        let count = parts.len();
        let Some(out) = parts.last_mut() else { break };
        if Some(c) == escape {
            match chars.next() {
                Some('"') if !in_class && count == 3 => {
                    return Err(Error::new(
                        SqlState::INVALID_USE_OF_ESCAPE_CHARACTER,
                        "SQL regular expression may not contain more than two escape-double-quote separators",
                    ));
                }
                Some('"') if !in_class => parts.push(String::new()),
                Some(next) => out.extend(['\\', next]),
                None => {}
            }
            continue;
        }
        match c {
            _ if in_class => {
                if c == '\\' {
                    out.push('\\');
                }
                out.push(c);
                in_class = c != ']';
            }
            '[' => {
                in_class = true;
                out.push('[');
            }
            '%' => out.push_str(".*"),
            '_' => out.push('.'),
            '(' => out.push_str("(?:"),
            '\\' | '.' | '^' | '$' => out.extend(['\\', c]),
            other => out.push(other),
        }
    }
    Ok(parts)
}

/// `substring(s SIMILAR p ESCAPE e)`: what the pattern's middle part matches; the first part takes as little as it can,
/// the middle one then as much.
fn similar_substring(s: &str, pattern: &str, escape: &str) -> Result<Option<String>> {
    let parts = similar_parts(pattern, escape)?;
    let matches = |part: &str, text: &str| compiled(&format!("^(?:{part})$"), "", |r| Ok(r.is_match(text)));
    let (first, second, third) = match parts.as_slice() {
        [first, second, rest @ ..] => (first, second, rest.first().map_or("", String::as_str)),
        _ => {
            let whole = parts.first().map_or("", String::as_str);
            return Ok(matches(whole, s)?.then(|| s.to_owned()));
        }
    };
    // Where the whole does not match, no split does.
    if !matches(&format!("(?:{first})(?:{second})(?:{third})"), s)? {
        return Ok(None);
    }
    let places: Vec<usize> = s.char_indices().map(|(i, _)| i).chain([s.len()]).collect();
    for (at, start) in places.iter().enumerate() {
        if !matches(first, &s[..*start])? {
            continue;
        }
        for end in places[at..].iter().rev() {
            if matches(third, &s[*end..])? && matches(second, &s[*start..*end])? {
                return Ok(Some(s[*start..*end].to_owned()));
            }
        }
    }
    Ok(None)
}
