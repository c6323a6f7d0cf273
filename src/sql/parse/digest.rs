//! A statement without its literals, and its fingerprint: what the audit keeps of it.
//!
//! `select * from T where a = 'x' -- why` and `SELECT * FROM t WHERE a='y'` → `SELECT * FROM t WHERE a = ?`, one fingerprint.

use std::fmt::Write as _;

use ring::digest::{SHA256, digest as hash};
use sqlparser::tokenizer::Token;

use super::{Parsed, tokenize};
use crate::observe::audit::Digest;

/// What is kept of a statement at most, in bytes.
const KEPT: usize = 4 << 10;
/// Bytes of a fingerprint.
const FINGERPRINT: usize = 8;

/// The digest of a statement; with `literals` the text is as it was written, unless it may have a password in it.
pub fn digest(parsed: &Parsed, literals: bool) -> Digest {
    // Its own text, not the tokens that are parsed: these lack what the parser has no place for.
    let source = super::Source::new(parsed.text.clone());
    let tokens: Vec<Token> = tokenize(&source).into_iter().flatten().map(|t| t.token).collect();
    let mut words: Vec<Word> = tokens.iter().map(word).collect();
    if let Some(at) = custom_value(&tokens) {
        words.truncate(at);
        words.push(Word::literal());
    }
    let words = merged(words);
    let mut hashed = String::new();
    let mut text = String::new();
    for Word { shown, same, glued } in &words {
        let blank =
            if text.is_empty() || *glued || text.ends_with(['(', '.']) || text.ends_with("::") { "" } else { " " };
        let _ = write!(text, "{blank}{shown}");
        let _ = write!(hashed, "{same}\0");
    }
    let secret = tokens.iter().any(|t| matches!(t, Token::Word(w) if w.value.eq_ignore_ascii_case("password")));
    if literals && !secret {
        text = parsed.text.to_string();
    }
    cut(&mut text);
    let sum = hash(&SHA256, hashed.as_bytes());
    let fingerprint = sum.as_ref()[..FINGERPRINT].iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let command = words.first().map(|w| w.shown.to_uppercase()).unwrap_or_default();
    Digest { fingerprint, command, text }
}

/// A token as it is shown and as it counts.
#[derive(Debug, PartialEq, Eq)]
struct Word {
    shown: String,
    same: String,
    /// Nothing stands between it and what is before it.
    glued: bool,
}

impl Word {
    fn literal() -> Self {
        Self { shown: "?".into(), same: "?".into(), glued: false }
    }
}

/// Where the value of a setting of the client's own begins, in SET and in ALTER … SET: `set app.token = word` has one without quotes,
/// which is no less a value. Nothing but values follows it.
fn custom_value(tokens: &[Token]) -> Option<usize> {
    let is = |token: &Token, words: &[&str]| matches!(token, Token::Word(w) if w.quote_style.is_none() && words.iter().any(|word| w.value.eq_ignore_ascii_case(word)));
    // Elsewhere SET a.b = … is an assignment.
    if !tokens.first().is_some_and(|first| is(first, &["set", "alter", "create"])) {
        return None;
    }
    let sets = (0..tokens.len()).filter(|at| is(&tokens[*at], &["set"]));
    sets.filter_map(|at| {
        let mut at = at + 1;
        if tokens.get(at).is_some_and(|t| is(t, &["local", "session"])) {
            at += 1;
        }
        // The name may be one word in quotes.
        let dotted = match tokens.get(at..at + 2)? {
            [Token::Word(_), Token::Period] => true,
            [Token::Word(name), _] => name.quote_style.is_some() && name.value.contains('.'),
            _ => false,
        };
        let name = tokens[at..].iter().take_while(|t| {
            matches!(t, Token::Word(w) if !(w.quote_style.is_none() && w.value.eq_ignore_ascii_case("to")))
                || **t == Token::Period
        });
        let end = at + name.count();
        (dotted && tokens.get(end).is_some_and(|t| *t == Token::Eq || is(t, &["to"]))).then_some(end + 1)
    })
    .next()
}

/// Names, parameters and signs are shown; everything else is a literal.
fn word(token: &Token) -> Word {
    match token {
        Token::Word(word) => {
            let shown = token.to_string();
            let same = if word.quote_style.is_some() { shown.clone() } else { word.value.to_lowercase() };
            Word { shown, same, glued: false }
        }
        Token::Placeholder(text) if text.starts_with('$') => {
            Word { shown: text.clone(), same: text.clone(), glued: false }
        }
        other => {
            let shown = other.to_string();
            let sign = |c: char| c.is_ascii_punctuation() && !matches!(c, '\'' | '"');
            if shown.is_empty() || !shown.chars().all(sign) {
                return Word::literal();
            }
            let glued = matches!(other, Token::Comma | Token::RParen | Token::Period | Token::DoubleColon);
            Word { same: shown.clone(), shown, glued }
        }
    }
}

/// Lists of literals count as one: `(?, ?), (?, ?)` → `(?)`.
fn merged(words: Vec<Word>) -> Vec<Word> {
    let mut out: Vec<Word> = Vec::with_capacity(words.len());
    let ends = |out: &[Word], tail: &[&str]| {
        out.len() >= tail.len() && out[out.len() - tail.len()..].iter().zip(tail).all(|(w, t)| w.shown == *t)
    };
    for word in words {
        out.push(word);
        if ends(&out, &["?", ",", "?"]) {
            out.truncate(out.len() - 2);
        } else if ends(&out, &["(", "?", ")", ",", "(", "?", ")"]) {
            out.truncate(out.len() - 4);
        }
    }
    out
}

fn cut(text: &mut String) {
    if text.len() <= KEPT {
        return;
    }
    let mut end = KEPT;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text.push_str(" …");
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn of(text: &str) -> Digest {
        digest(&parse(text).expect(text)[0], false)
    }

    #[test]
    fn literals_blanks_comments_and_case_make_no_difference() {
        let one = of("select * from T where a = 'x' and b in (1, 2.5, -3) -- why");
        assert_eq!(
            (one.text.as_str(), one.command.as_str()),
            ("select * from T where a = ? and b in (?, - ?)", "SELECT")
        );
        assert_eq!(of("SELECT *\nFROM t /* c */ WHERE a=$$y$$ AND b IN (7,-8)").fingerprint, one.fingerprint);
        assert_ne!(of("select * from u where a = 'x'").fingerprint, one.fingerprint);
        assert_ne!(of("select \"T\"").fingerprint, of("select T").fingerprint);
        assert_eq!(of("insert into t values (1, 'a'), (2, E'b\\n'), (3, U&'c')").text, "insert into t values (?)");
        assert_eq!(of("select b'01', x'ff', n.c::text, $1, 1e3").text, "select ?, n.c::text, $1, ?");
    }

    #[test]
    fn no_literal_is_left() {
        let texts = [
            "create role r password 'SECRET'",
            "alter role r with password 'SECRET' valid until 'SECRET'",
            "set app.tenant = 'SECRET'",
            "comment on table t is 'SECRET'",
            "select 'a' 'SECRET'",
            "select E'\\'SECRET', $q$SECRET$q$, interval 'SECRET' day, date 'SECRET'",
            "copy t from stdin (delimiter 'S', null 'SECRET')",
            "notify c, 'SECRET'",
            "prepare p as select 'SECRET'",
            "set app.token = SECRET",
            "set local app.token to SECRET, SECRET",
            "set session \"app\".token.part = \"SECRET\"",
            "alter role r set app.token = SECRET",
            "set \"app.token\" = SECRET",
            "set local \"app.token\" to SECRET",
            "alter role r set \"app.token\" = SECRET",
            "alter role r in database d set app.token to SECRET",
        ];
        for text in texts {
            if let Ok(parsed) = parse(text) {
                assert!(!digest(&parsed[0], false).text.contains("SECRET"), "{text}");
            }
        }
        assert_eq!(of("SET app.token = word").text, "SET app.token = ?");
        assert_eq!(of("set app.token = a").fingerprint, of("set app.token = 'b'").fingerprint);
        assert_eq!(of("set search_path = a, b").text, "set search_path = a, b");
        assert_eq!(of("update t set a.b = c where d = e").text, "update t set a.b = c where d = e");
        let with = |text: &str| digest(&parse(text).expect(text)[0], true).text;
        assert_eq!(with("select  'x'"), "select  'x'");
        assert!(!with("alter role r password 'SECRET'").contains("SECRET"));
    }
}
