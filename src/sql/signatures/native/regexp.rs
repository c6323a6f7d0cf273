//! The functions over regular expressions: what matches, where, how often, and what takes its place.

use super::pattern::{Found, Matcher, compiled};
use super::*;
use crate::engine::budget::spend;
use crate::types::Value;

fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message.into())
}

pub(super) fn natives() -> Vec<Native> {
    let mut all = matching();
    all.extend(replacing());
    all.extend(positions());
    all
}

fn not_global(flags: &str, function: &str) -> Result<()> {
    if flags.contains('g') {
        return Err(invalid(format!("{function}() does not support the \"global\" option")));
    }
    Ok(())
}

fn parts(found: &Found, s: &str, groups: usize) -> Vec<Option<String>> {
    let own = |i: usize| found.get(i).cloned().flatten().map(|r| s[r].to_owned());
    if groups == 0 { vec![own(0)] } else { (1..=groups).map(own).collect() }
}

fn matching() -> Vec<Native> {
    vec![
        native3::<str, str, str, bool>("dg_regexp_like", |s, p, flags| {
            not_global(flags, "regexp_like")?;
            compiled(p, flags, |r| Ok(Some(r.is_match(s))))
        }),
        native3::<str, str, str, TextList>("dg_regexp_match", |s, p, flags| {
            not_global(flags, "regexp_match").map_err(|e| e.hint("Use the regexp_matches function instead."))?;
            compiled(p, flags, |r| Ok(r.find(s, 0)?.map(|found| parts(&found, s, r.groups()))))
        }),
        {
            let lists = Phys::List(Box::new(TextList::phys()));
            native_values("dg_regexp_matches", vec![Phys::Text, Phys::Text, Phys::Text], lists, |args| {
                let [s, p, flags] = texts(args);
                let limit = if flags.contains('g') { usize::MAX } else { 1 };
                compiled(p, flags, |r| {
                    let all = r.find_all(s, 0, true, limit)?;
                    let row = |found: &Found| {
                        super::json::list(
                            parts(found, s, r.groups())
                                .into_iter()
                                .map(|p| p.map_or(Value::Null, Value::text))
                                .collect(),
                        )
                    };
                    Ok(nested(all.iter().map(row).collect()))
                })
            })
        },
        native3::<str, str, str, TextList>("dg_regexp_split_to_array", |s, p, flags| {
            not_global(flags, "regexp_split_to_array")?;
            compiled(p, flags, |r| split(r, s).map(Some))
        }),
        native3::<str, str, str, TextList>("dg_regexp_split_to_table", |s, p, flags| {
            not_global(flags, "regexp_split_to_table")?;
            compiled(p, flags, |r| split(r, s).map(Some))
        }),
        native2::<str, str, str>("dg_regexp_substring", |s, p| {
            compiled(p, "", |r| {
                let Some(found) = r.find(s, 0)? else { return Ok(None) };
                // With parentheses the text that matched the first of them is returned.
                Ok(found.get(usize::from(r.groups() > 0)).cloned().flatten().map(|range| s[range].to_owned()))
            })
        }),
    ]
}

/// A list of lists; an inner one that is empty is no dimension.
fn nested(rows: Vec<Value>) -> Value {
    let dims = if rows.is_empty() { Vec::new() } else { vec![(rows.len() as i32, 1)] };
    Value::Array(crate::types::ArrayValue { element: crate::types::oid::TEXT_ARRAY, dims, items: rows })
}

fn texts<const N: usize>(args: &[Value]) -> [&str; N] {
    std::array::from_fn(|i| args.get(i).and_then(super::json::text_of).unwrap_or_default())
}

fn split(r: &Matcher, s: &str) -> Result<Vec<Option<String>>> {
    let mut out = Vec::new();
    let mut from = 0;
    for found in r.find_all(s, 0, false, usize::MAX)? {
        let Some(whole) = found.first().cloned().flatten() else { continue };
        out.push(Some(s[from..whole.start].to_owned()));
        from = whole.end;
    }
    out.push(Some(s[from..].to_owned()));
    Ok(out)
}

/// The byte where the `n`-th character begins (from 1); `None` beyond the end.
fn byte_of(s: &str, n: i32) -> Option<usize> {
    let n = usize::try_from(n).ok()?.checked_sub(1)?;
    s.char_indices().map(|(i, _)| i).chain([s.len()]).nth(n)
}

fn positive(name: &str, value: i32) -> Result<()> {
    if value <= 0 {
        return Err(invalid(format!("invalid value for parameter \"{name}\": {value}")));
    }
    Ok(())
}

fn replacing() -> Vec<Native> {
    vec![
        native4::<str, str, str, str, str>("dg_regexp_replace", |s, p, new, flags| {
            if flags.starts_with(|c: char| c.is_ascii_digit()) {
                return Err(invalid(format!("invalid regular expression option: \"{}\"", &flags[..1])).hint(
                    "If you meant to use regexp_replace() with a start parameter, cast the fourth argument to integer \
                     explicitly.",
                ));
            }
            replace(s, p, new, flags, 1, i32::from(!flags.contains('g'))).map(Some)
        }),
        native_values(
            "dg_regexp_replace_at",
            vec![Phys::Text, Phys::Text, Phys::Text, Phys::Int4, Phys::Int4, Phys::Text],
            Phys::Text,
            |args| {
                let [s, p, new] = texts(args);
                let (Value::Int4(start), Value::Int4(n)) = (&args[3], &args[4]) else { return Ok(Value::Null) };
                let flags = super::json::text_of(&args[5]).unwrap_or_default();
                positive("start", *start)?;
                if *n < 0 {
                    return Err(invalid(format!("invalid value for parameter \"n\": {n}")));
                }
                replace(s, p, new, flags, *start, *n).map(Value::text)
            },
        ),
    ]
}

/// Replaces the `n`-th match from character `start` on, or all of them if `n` is 0.
fn replace(s: &str, pattern: &str, new: &str, flags: &str, start: i32, n: i32) -> Result<String> {
    compiled(pattern, flags, |r| {
        let Some(at) = byte_of(s, start) else { return Ok(s.to_owned()) };
        let limit = if n == 0 { usize::MAX } else { n as usize };
        let all = r.find_all(s, at, true, limit)?;
        let skip = if n == 0 { 0 } else { n as usize - 1 };
        let mut out = String::with_capacity(s.len());
        let mut from = 0;
        for found in all.iter().skip(skip) {
            let Some(whole) = found.first().cloned().flatten() else { continue };
            out.push_str(&s[from..whole.start]);
            let before = out.len();
            expand(&mut out, new, found, s);
            spend(out.len() - before)?;
            from = whole.end;
        }
        out.push_str(&s[from..]);
        Ok(out)
    })
}

/// `\1` … `\9` and `\&` in a replacement.
fn expand(out: &mut String, new: &str, found: &Found, s: &str) {
    let mut chars = new.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let mut group = |i: usize| {
            if let Some(range) = found.get(i).cloned().flatten() {
                out.push_str(&s[range]);
            }
        };
        match chars.next() {
            Some('&') => group(0),
            Some(d @ '1'..='9') => group(d as usize - '0' as usize),
            Some('\\') | None => out.push('\\'),
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
        }
    }
}

fn positions() -> Vec<Native> {
    vec![
        native4::<str, str, i32, str, i32>("dg_regexp_count", |s, p, start, flags| {
            positive("start", start)?;
            not_global(flags, "regexp_count")?;
            compiled(p, flags, |r| match byte_of(s, start) {
                Some(at) => Ok(Some(r.find_all(s, at, true, usize::MAX)?.len() as i32)),
                None => Ok(Some(0)),
            })
        }),
        native_values(
            "dg_regexp_instr",
            vec![Phys::Text, Phys::Text, Phys::Int4, Phys::Int4, Phys::Int4, Phys::Text, Phys::Int4],
            Phys::Int4,
            |args| {
                let Some((s, range)) = nth(args, [2, 3, 6], 5, "regexp_instr", Some(4))? else {
                    return Ok(Value::Int4(0));
                };
                let end = args[4] == Value::Int4(1);
                let at = if end { range.end } else { range.start };
                Ok(Value::Int4(s[..at].chars().count() as i32 + 1))
            },
        ),
        native_values(
            "dg_regexp_substr",
            vec![Phys::Text, Phys::Text, Phys::Int4, Phys::Int4, Phys::Text, Phys::Int4],
            Phys::Text,
            |args| {
                let found = nth(args, [2, 3, 5], 4, "regexp_substr", None)?;
                Ok(found.map_or(Value::Null, |(s, range)| Value::text(&s[range])))
            },
        ),
    ]
}

/// The range of the n-th match, or of one of its parts. `numbers` are the places of start, n and the part among the
/// arguments.
fn nth<'a>(
    args: &'a [Value],
    numbers: [usize; 3],
    flags: usize,
    function: &str,
    end_option: Option<usize>,
) -> Result<Option<(&'a str, std::ops::Range<usize>)>> {
    let int = |i: usize| match args.get(i) {
        Some(Value::Int4(n)) => *n,
        _ => 0,
    };
    let [start, n, part] = numbers.map(int);
    positive("start", start)?;
    positive("n", n)?;
    if let Some(option) = end_option.map(int)
        && !(0..=1).contains(&option)
    {
        return Err(invalid(format!("invalid value for parameter \"endoption\": {option}")));
    }
    if part < 0 {
        return Err(invalid(format!("invalid value for parameter \"subexpr\": {part}")));
    }
    let [s, p] = texts(args);
    let flags = args.get(flags).and_then(super::json::text_of).unwrap_or_default();
    not_global(flags, function)?;
    compiled(p, flags, |r| {
        let Some(at) = byte_of(s, start) else { return Ok(None) };
        let all = r.find_all(s, at, true, n as usize)?;
        let found = all.get(n as usize - 1).and_then(|f| f.get(part as usize)).cloned().flatten();
        Ok(found.map(|range| (s, range)))
    })
}
