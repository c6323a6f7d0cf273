//! How words stand in the text of a tsvector or tsquery: bare or in quotes, with positions and weights behind a colon.

use super::super::text::is_space;

/// The longest word, in bytes.
pub const LONGEST_WORD: usize = 2046;

/// Whose text it is, which decides where a bare word ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordOf {
    Vector,
    Query,
    /// A query as people type them: no quotes and backslashes, but `"`.
    Web,
}

/// What stands where a word should.
#[derive(Debug)]
pub enum Found {
    Word(String),
    /// Nothing but blanks.
    End,
    Malformed,
    /// A backslash at the end.
    NothingEscaped,
}

/// A text that is read from left to right.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    pub text: &'a str,
    pub at: usize,
}

impl<'a> Reader<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    pub fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(is_space).len();
    }

    /// The number that stands here, as far as 32 bits hold it; its digits are read whatever they say.
    pub fn number(&mut self) -> u32 {
        let rest = self.rest();
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        self.at += digits;
        rest[..digits].parse().unwrap_or(u32::MAX)
    }

    /// The word that begins here.
    pub fn word(&mut self, of: WordOf) -> Found {
        self.blanks();
        let mut word = String::new();
        match self.peek() {
            None => return Found::End,
            Some('\'') if of != WordOf::Web => {
                self.at += 1;
                return self.quoted();
            }
            Some('\\') if of != WordOf::Web => {
                self.at += 1;
                match self.take() {
                    Some(c) => word.push(c),
                    None => return Found::NothingEscaped,
                }
            }
            Some(c) if of != WordOf::Vector && is_operator(c) => return Found::Malformed,
            Some(c) => {
                self.at += c.len_utf8();
                word.push(c);
            }
        }
        while let Some(c) = self.peek() {
            let ends = match of {
                WordOf::Vector => is_space(c) || c == ':',
                WordOf::Query => is_space(c) || c == ':' || is_operator(c),
                WordOf::Web => is_space(c) || c == ':' || is_operator(c) || c == '"',
            };
            if ends {
                break;
            }
            self.at += c.len_utf8();
            if c != '\\' || of == WordOf::Web {
                word.push(c);
                continue;
            }
            match self.take() {
                Some(c) => word.push(c),
                None => return Found::NothingEscaped,
            }
        }
        Found::Word(word)
    }

    /// What stands behind an opening quote.
    fn quoted(&mut self) -> Found {
        let mut word = String::new();
        loop {
            match self.take() {
                None => return Found::Malformed,
                Some('\\') => match self.take() {
                    Some(c) => word.push(c),
                    None => return Found::NothingEscaped,
                },
                Some('\'') if self.peek() == Some('\'') => {
                    self.at += 1;
                    word.push('\'');
                }
                Some('\'') if word.is_empty() => return Found::Malformed,
                Some('\'') => return Found::Word(word),
                Some(c) => word.push(c),
            }
        }
    }
}

/// A character that no bare word of a query has.
pub fn is_operator(c: char) -> bool {
    matches!(c, '!' | '&' | '|' | '(' | ')' | '<')
}

/// A word in quotes, as output shows it.
pub fn write_quoted(out: &mut Vec<u8>, word: &str) {
    out.push(b'\'');
    for byte in word.bytes() {
        if matches!(byte, b'\'' | b'\\') {
            out.push(byte);
        }
        out.push(byte);
    }
    out.push(b'\'');
}

/// The weight that a letter means: D is 0, A is 3.
pub fn weight_of(letter: char) -> Option<u8> {
    match letter {
        'A' | 'a' => Some(3),
        'B' | 'b' => Some(2),
        'C' | 'c' => Some(1),
        'D' | 'd' => Some(0),
        _ => None,
    }
}
