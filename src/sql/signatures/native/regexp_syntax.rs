//! PostgreSQL's advanced regular expressions as the `regex` crate's (regcomp.c, regc_lex.c).
//!
//! `[[:alpha:]_]+?` → `[[\p{Alphabetic}…]_]+?`, `\mword\M` → `\b{start}word\b{end}`

use crate::error::{Error, Result, SqlState};

/// What flags and embedded options say: i, c case; n, m newline-sensitive, p, w partly, s not at all; x, t expanded or not;
/// q literal.
#[derive(Clone, Copy, Default)]
pub(super) struct Options {
    pub insensitive: bool,
    pub expanded: bool,
    pub literal: bool,
    /// `.` and `[^…]` leave newlines out.
    pub stops: bool,
    /// ^ and $ match at lines.
    pub lines: bool,
}

impl Options {
    /// Takes in one letter; false if it is none of them.
    ///
    /// # Errors
    /// 0A000 for one that means another syntax.
    pub fn take(&mut self, letter: char) -> Result<bool> {
        match letter {
            'i' => self.insensitive = true,
            'c' => self.insensitive = false,
            'n' | 'm' => (self.stops, self.lines) = (true, true),
            's' => (self.stops, self.lines) = (false, false),
            'p' => (self.stops, self.lines) = (true, false),
            'w' => (self.stops, self.lines) = (false, true),
            'x' => self.expanded = true,
            't' => self.expanded = false,
            'q' => self.literal = true,
            'b' | 'e' => return Err(Error::unsupported(format!("regular expression option \"{letter}\""))),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Reads what may stand before an expression: `***=`, `***:`, `(?…)`. Gives the rest.
    pub fn take_prefix<'p>(&mut self, pattern: &'p str) -> Result<&'p str> {
        if self.literal {
            return Ok(pattern);
        }
        let mut rest = pattern;
        if let Some(behind) = pattern.strip_prefix("***") {
            if let Some(text) = behind.strip_prefix('=') {
                self.literal = true;
                return Ok(text);
            }
            rest = behind.strip_prefix(':').ok_or_else(|| invalid("quantifier operand invalid"))?;
        }
        let Some(options) = rest.strip_prefix("(?").filter(|o| o.starts_with(|c: char| c.is_ascii_alphabetic())) else {
            return Ok(rest);
        };
        let wrong = || invalid("invalid embedded option");
        let (letters, tail) = options.split_once(')').ok_or_else(wrong)?;
        for letter in letters.chars() {
            if !self.take(letter)? {
                return Err(wrong());
            }
        }
        Ok(tail)
    }
}

/// Whether there are quantifiers that prefer the shortest match, and ones that prefer the longest.
pub(super) fn quantifiers(pattern: &str) -> (bool, bool) {
    let (mut lazy, mut greedy) = (false, false);
    let mut chars = pattern.chars().peekable();
    // Our own sets stand inside those of the pattern.
    let mut brackets = 0;
    let mut after_open = false;
    while let Some(c) = chars.next() {
        let opened = std::mem::replace(&mut after_open, false);
        match c {
            '\\' => {
                chars.next();
                if chars.peek() == Some(&'{') {
                    let _ = chars.find(|c| *c == '}');
                }
            }
            '[' => brackets += 1,
            ']' => brackets -= 1,
            _ if brackets > 0 => {}
            '(' => after_open = true,
            '?' if opened => {}
            '*' | '+' | '?' | '}' => {
                if chars.peek() == Some(&'?') {
                    chars.next();
                    lazy = true;
                } else {
                    greedy = true;
                }
            }
            _ => {}
        }
    }
    (lazy, greedy)
}

/// 2201B, in PostgreSQL's words where they are known for what `regex` says.
pub(super) fn invalid(why: &str) -> Error {
    let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
    let known = [
        ("repetition operator missing expression", "quantifier operand invalid"),
        ("invalid repetition count range", "invalid repetition count(s)"),
        ("unclosed counted repetition", "braces {} not balanced"),
        ("invalid character class range", "invalid character range"),
        ("unclosed character class", "brackets [] not balanced"),
        ("unclosed group", "parentheses () not balanced"),
        ("unopened group", "parentheses () not balanced"),
        ("exceeds size limit", "regular expression is too complex"),
    ];
    let why = known.iter().find(|(said, _)| why.contains(said)).map_or(why, |(_, words)| words);
    Error::new(SqlState::INVALID_REGULAR_EXPRESSION, format!("invalid regular expression: {why}"))
}

/// From PostgreSQL's syntax to `regex`'s. Expanded: white space and comments (`# …` to the end of the line) outside of
/// brackets say nothing.
pub(super) fn translate(p: &str, Options { expanded, stops, insensitive, .. }: Options) -> Result<String> {
    let mut out = String::with_capacity(p.len() + 8);
    let mut chars = p.chars().peekable();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            c if expanded && !in_class && c.is_whitespace() => {}
            '#' if expanded && !in_class => while chars.next().is_some_and(|c| c != '\n') {},
            '\\' => escape(&mut chars, &mut out, in_class)?,
            '[' if in_class => match chars.peek() {
                Some(':') => class(&mut chars, &mut out, insensitive)?,
                Some('.' | '=') => return Err(Error::unsupported("collating elements in regular expressions")),
                // Nested sets and set operations are regex's own: not meant here.
                _ => out.push_str("\\["),
            },
            '[' if word_edge(&mut chars, "[:<:]]") => out.push_str("\\b{start}"),
            '[' if word_edge(&mut chars, "[:>:]]") => out.push_str("\\b{end}"),
            '[' => {
                in_class = true;
                out.push('[');
                if chars.peek() == Some(&'^') {
                    out.push_str(if stops { "^\\n" } else { "^" });
                    chars.next();
                }
                if chars.peek() == Some(&']') {
                    out.push_str("\\]");
                    chars.next();
                }
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(c);
            }
            // A brace that no digit follows is itself, as is a closing one that closes nothing.
            '{' if !in_class && !chars.peek().is_some_and(char::is_ascii_digit) => out.push_str("\\{"),
            '{' if !in_class => {
                out.push('{');
                for inner in chars.by_ref() {
                    out.push(inner);
                    if inner == '}' {
                        break;
                    }
                }
            }
            '}' if !in_class => out.push_str("\\}"),
            '(' if chars.peek() == Some(&'?') => {
                let mut ahead = chars.clone();
                ahead.next();
                match ahead.next() {
                    Some(':') => out.push('('),
                    // (?# a comment )
                    Some('#') => while chars.next().is_some_and(|c| c != ')') {},
                    Some('=' | '!' | '<') => return Err(Error::unsupported("look-around in regular expressions")),
                    _ => return Err(invalid("quantifier operand invalid")),
                }
            }
            other => out.push(other),
        }
    }
    Ok(out)
}

type Chars<'p> = std::iter::Peekable<std::str::Chars<'p>>;

/// Takes in the rest of `[[:<:]]` or `[[:>:]]`.
fn word_edge(chars: &mut Chars<'_>, rest: &str) -> bool {
    let is_it = rest.chars().eq(chars.clone().take(rest.len()));
    if is_it {
        chars.nth(rest.len() - 1);
    }
    is_it
}

macro_rules! spaces {
    () => {
        r"[\t-\r\x20\x{1680}\x{2000}-\x{2006}\x{2008}-\x{200A}\x{2028}\x{2029}\x{205F}\x{3000}]"
    };
}

/// Signs that are alphabetic in a later Unicode only.
macro_rules! marks {
    () => {
        r"[\x{363}-\x{36F}\x{C04}\x{F82}\x{F83}\x{1DD3}-\x{1DE6}\x{11080}\x{11081}]"
    };
}

/// The classes as PostgreSQL asks the C library for them under C.UTF-8. To `regex` those of these names are ASCII's, and `\d`,
/// `\s`, `\w` other sets of Unicode's.
const CLASSES: [(&str, &str); 14] = [
    ("alpha", concat!(r"[\p{Alphabetic}\p{Nd}--[0-9", marks!(), "]]")),
    ("alnum", concat!(r"[\p{Alphabetic}\p{Nd}--", marks!(), "]")),
    ("word", concat!(r"[\p{Alphabetic}\p{Nd}_--", marks!(), "]")),
    ("upper", r"[\p{Uppercase}\p{Lt}]"),
    ("lower", r"[\p{Lowercase}\x{1C5}\x{1C8}\x{1CB}\x{1F2}--[\x{10FC}\x{A7F2}-\x{A7F4}\x{AB69}]]"),
    ("digit", "[0-9]"),
    ("xdigit", "[0-9A-Fa-f]"),
    ("space", spaces!()),
    ("blank", r"[\x20\t]"),
    ("cntrl", r"[\p{Cc}]"),
    ("print", r"[^\p{Cn}\p{Cc}\p{Zl}\p{Zp}]"),
    ("graph", concat!(r"[[^\p{Cn}\p{Cc}]--", spaces!(), "]")),
    ("punct", concat!(r"[[[^\p{Cn}\p{Cc}\p{Alphabetic}\p{Nd}]--", spaces!(), "]", marks!(), "]")),
    ("ascii", r"[\x00-\x7f]"),
];

fn class_of(name: &str) -> Option<&'static str> {
    CLASSES.iter().find(|(known, _)| *known == name).map(|(_, set)| *set)
}

/// Behind the bracket of `[:alpha:]`.
fn class(chars: &mut Chars<'_>, out: &mut String, insensitive: bool) -> Result<()> {
    let rest: String = chars.clone().skip(1).collect();
    let (name, _) = rest.split_once(":]").ok_or_else(|| invalid("unclosed character class"))?;
    chars.nth(name.chars().count() + 2);
    let name = match name {
        "upper" | "lower" if insensitive => "alpha",
        name => name,
    };
    out.push_str(class_of(name).ok_or_else(|| invalid("invalid character class"))?);
    Ok(())
}

fn escape(chars: &mut Chars<'_>, out: &mut String, in_class: bool) -> Result<()> {
    let unknown = || invalid("invalid escape \\ sequence");
    let letter = chars.next().ok_or_else(unknown)?;
    let edge = match letter {
        'm' => "\\b{start}",
        'M' => "\\b{end}",
        'y' => "\\b",
        'Y' => "\\B",
        'A' => "\\A",
        'Z' => "\\z",
        _ => "",
    };
    if !edge.is_empty() {
        if in_class {
            return Err(unknown());
        }
        out.push_str(edge);
        return Ok(());
    }
    match letter {
        'd' | 'w' | 's' | 'D' | 'W' | 'S' => {
            let name = match letter.to_ascii_lowercase() {
                'd' => "digit",
                'w' => "word",
                _ => "space",
            };
            let set = class_of(name).unwrap_or_default();
            match letter.is_ascii_uppercase() {
                true => out.extend(["[^", set, "]"]),
                false => out.push_str(set),
            }
        }
        'n' | 't' | 'r' | 'f' | 'v' | 'a' => out.extend(['\\', letter]),
        'e' => out.push_str("\\x1B"),
        'b' => out.push_str("\\x08"),
        'B' => out.push_str("\\\\"),
        'c' => {
            let of = chars.next().ok_or_else(unknown)?;
            out.push_str(&format!("\\x{{{:x}}}", u32::from(of) & 0x1f));
        }
        'u' => hex_escape(chars, 4, out)?,
        'U' => hex_escape(chars, 8, out)?,
        'x' => {
            let mut code = String::new();
            while let Some(digit) = chars.next_if(char::is_ascii_hexdigit) {
                code.push(digit);
            }
            if code.is_empty() {
                return Err(unknown());
            }
            out.push_str(&format!("\\x{{{code}}}"));
        }
        c if c.is_ascii_digit() => return Err(Error::unsupported("back references in regular expressions")),
        c if c.is_ascii_alphabetic() => return Err(unknown()),
        c => out.push_str(&regex::escape(&c.to_string())),
    }
    Ok(())
}

fn hex_escape(chars: &mut Chars<'_>, digits: usize, out: &mut String) -> Result<()> {
    let code: String = chars.by_ref().take(digits).collect();
    if code.len() != digits || !code.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(invalid("invalid escape \\ sequence"));
    }
    out.push_str(&format!("\\x{{{code}}}"));
    Ok(())
}
