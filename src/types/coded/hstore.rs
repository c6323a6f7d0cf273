//! hstore: pairs of keys and values, sorted by their keys, shorter keys first.
//!
//! Bytes: nothing but a zero if there is no pair. Otherwise a one, all keys and values one after the other and a zero behind
//! them (which no text has), how many pairs there are, and where each of the texts ends with whether it is NULL: in the order
//! in which hstore_cmp compares two of them.

use super::super::text::is_space;
use crate::error::{Error, Result, SqlState};

/// A key with its value, of which NULL is one.
pub type Pair = (String, Option<String>);

/// Pairs as an hstore has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hstore(Vec<Pair>);

impl Hstore {
    /// Sorted, of those with one key the first (hstoreUniquePairs).
    pub fn new(mut pairs: Vec<Pair>) -> Self {
        pairs.sort_by(|a, b| order(&a.0, &b.0));
        pairs.dedup_by(|b, a| a.0 == b.0);
        Self(pairs)
    }

    pub fn pairs(&self) -> &[Pair] {
        &self.0
    }

    /// The value of a key, if it has that key.
    pub fn get(&self, key: &str) -> Option<Option<&str>> {
        let at = self.0.binary_search_by(|(own, _)| order(own, key)).ok()?;
        self.0.get(at).map(|(_, value)| value.as_deref())
    }

    /// The pairs that pass a test.
    pub fn filtered(&self, keep: impl Fn(&Pair) -> bool) -> Self {
        Self(self.0.iter().filter(|pair| keep(pair)).cloned().collect())
    }

    pub fn encode(&self) -> Vec<u8> {
        if self.0.is_empty() {
            return vec![0];
        }
        let texts = || self.0.iter().flat_map(|(key, value)| [Some(key), value.as_ref()]);
        let mut out = vec![1];
        texts().flatten().for_each(|text| out.extend_from_slice(text.as_bytes()));
        out.push(0);
        out.extend_from_slice(&(self.0.len() as u32).to_be_bytes());
        let mut end = 0u32;
        for text in texts() {
            end += text.map_or(0, |text| text.len() as u32);
            out.extend_from_slice(&end.to_be_bytes());
            out.push(u8::from(text.is_none()));
        }
        out
    }

    /// What [`Hstore::encode`] wrote; other bytes give some pairs.
    pub fn decode(bytes: &[u8]) -> Self {
        let [1, rest @ ..] = bytes else { return Self::default() };
        let Some(zero) = rest.iter().position(|byte| *byte == 0) else { return Self::default() };
        let (texts, ends) = (&rest[..zero], rest.get(zero + 5..).unwrap_or_default());
        let mut from = 0;
        let mut texts = ends.chunks_exact(5).map(|entry| {
            let end = u32::from_be_bytes([entry[0], entry[1], entry[2], entry[3]]) as usize;
            let text = texts.get(from..end).map(|text| String::from_utf8_lossy(text).into_owned());
            from = end;
            if entry[4] == 0 { text } else { None }
        });
        let mut pairs = Vec::with_capacity(ends.len() / 10);
        while let (Some(key), Some(value)) = (texts.next(), texts.next()) {
            pairs.push((key.unwrap_or_default(), value));
        }
        Self(pairs)
    }

    /// `hstore_out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        for (i, (key, value)) in self.0.iter().enumerate() {
            if i > 0 {
                out.extend_from_slice(b", ");
            }
            write_quoted(out, key);
            out.extend_from_slice(b"=>");
            match value {
                Some(value) => write_quoted(out, value),
                None => out.extend_from_slice(b"NULL"),
            }
        }
    }

    /// `hstore_send`.
    pub fn send(&self, out: &mut Vec<u8>) {
        let text = |out: &mut Vec<u8>, text: &str| {
            out.extend_from_slice(&(text.len() as u32).to_be_bytes());
            out.extend_from_slice(text.as_bytes());
        };
        out.extend_from_slice(&(self.0.len() as u32).to_be_bytes());
        for (key, value) in &self.0 {
            text(out, key);
            match value {
                Some(value) => text(out, value),
                None => out.extend_from_slice(&[0xff; 4]),
            }
        }
    }

    /// `hstore_recv`.
    ///
    /// # Errors
    /// 22004 for a key that is NULL, 08P01 and kin for bytes that are none.
    pub fn receive(data: &[u8]) -> Result<Self> {
        use super::super::binary::{insufficient, left_over, text};
        let mut rest = data;
        let word = |rest: &mut &[u8]| -> Result<i32> {
            let (head, tail) = rest.split_first_chunk::<4>().ok_or_else(insufficient)?;
            *rest = tail;
            Ok(i32::from_be_bytes(*head))
        };
        let count = word(&mut rest)?;
        if count < 0 || count as usize > MAX_PAIRS {
            let message = format!("number of pairs ({count}) exceeds the maximum allowed ({MAX_PAIRS})");
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
        }
        let mut pairs = Vec::with_capacity((count as usize).min(rest.len() / 8));
        for _ in 0..count {
            let item = |rest: &mut &[u8]| -> Result<Option<String>> {
                let length = word(rest)?;
                if length < 0 {
                    return Ok(None);
                }
                if length as usize > rest.len() {
                    return Err(insufficient());
                }
                let (item, tail) = rest.split_at(length as usize);
                *rest = tail;
                text(item).map(|text| Some(text.to_owned()))
            };
            let key = item(&mut rest)?.ok_or_else(null_key)?;
            pairs.push((key, item(&mut rest)?));
        }
        if rest.is_empty() { Ok(Self::new(pairs)) } else { Err(left_over()) }
    }

    /// `hstore_in`.
    ///
    /// # Errors
    /// XX000, as PostgreSQL 15 has it, for text that is none.
    pub fn parse(text: &str) -> Result<Self> {
        let mut input = Input { text: text.as_bytes(), at: 0 };
        let mut pairs = Vec::new();
        while let Some((key, _)) = input.word(false)? {
            input.arrow()?;
            let (value, quoted) = input.word(true)?.ok_or_else(ended)?;
            let null = !quoted && value.eq_ignore_ascii_case("null");
            pairs.push((key, (!null).then_some(value)));
            input.blanks();
            match input.peek() {
                None => break,
                Some(b',') => input.at += 1,
                Some(_) => return Err(input.wrong()),
            }
        }
        Ok(Self::new(pairs))
    }
}

impl FromIterator<Pair> for Hstore {
    fn from_iter<T: IntoIterator<Item = Pair>>(pairs: T) -> Self {
        Self::new(pairs.into_iter().collect())
    }
}

/// As many as PostgreSQL's own struct allows in a datum.
const MAX_PAIRS: usize = 0x3fff_ffff / 40;

pub fn null_key() -> Error {
    Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "null value not allowed for hstore key")
}

/// Shorter keys first, then by bytes (comparePairs).
fn order(a: &str, b: &str) -> std::cmp::Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

fn write_quoted(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

fn ended() -> Error {
    Error::new(SqlState::INTERNAL_ERROR, "Unexpected end of string")
}

/// The text that is read, and how far.
struct Input<'a> {
    text: &'a [u8],
    at: usize,
}

impl Input<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|byte| is_space(char::from(byte))) {
            self.at += 1;
        }
    }

    fn wrong(&self) -> Error {
        // The character, not its first byte.
        let rest = self.text.get(self.at..).unwrap_or_default();
        let shown = String::from_utf8_lossy(rest).chars().next().unwrap_or(' ');
        Error::new(SqlState::INTERNAL_ERROR, format!("Syntax error near \"{shown}\" at position {}", self.at))
    }

    /// A key, or a value: its text, and whether it was quoted. `None` at the end.
    fn word(&mut self, value: bool) -> Result<Option<(String, bool)>> {
        self.blanks();
        let mut out = Vec::new();
        match self.peek() {
            None => return Ok(None),
            Some(b'=') if !value => return Err(self.wrong()),
            Some(b'"') => {
                self.at += 1;
                loop {
                    let byte = self.peek().ok_or_else(ended)?;
                    self.at += 1;
                    match byte {
                        b'"' => return Ok(Some((String::from_utf8_lossy(&out).into_owned(), true))),
                        b'\\' => {
                            out.push(self.peek().ok_or_else(ended)?);
                            self.at += 1;
                        }
                        byte => out.push(byte),
                    }
                }
            }
            Some(_) => {}
        }
        let mut first = true;
        while let Some(byte) = self.peek() {
            let ends = if value { byte == b',' } else { byte == b'=' };
            // What a value begins with belongs to it, a comma too.
            if is_space(char::from(byte)) || (ends && !first) {
                break;
            }
            first = false;
            self.at += 1;
            match byte {
                b'\\' => {
                    out.push(self.peek().ok_or_else(ended)?);
                    self.at += 1;
                }
                byte => out.push(byte),
            }
        }
        Ok(Some((String::from_utf8_lossy(&out).into_owned(), false)))
    }

    fn arrow(&mut self) -> Result<()> {
        self.blanks();
        for byte in [b'=', b'>'] {
            match self.peek() {
                None => return Err(ended()),
                Some(found) if found == byte => self.at += 1,
                Some(_) => return Err(self.wrong()),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_sort_as_hstores_do_and_come_back() {
        let texts = ["", "a=>1", "a=>1,b=>NULL", "a=>1,b=>2", "b=>1", "aa=>NULL", "é=>ß"];
        for text in texts {
            let made = Hstore::parse(text).expect(text);
            assert_eq!(Hstore::decode(&made.encode()), made, "{text}");
            let mut sent = Vec::new();
            made.send(&mut sent);
            assert_eq!(Hstore::receive(&sent).expect(text), made);
        }
        let bytes = |text: &str| Hstore::parse(text).expect(text).encode();
        assert!(bytes("") < bytes("a=>1"));
        // By all texts together, then by where they end, then NULL behind empty.
        assert!(bytes("a=>1") < bytes("a=>11"));
        assert!(bytes("a=>12") < bytes("a1=>2"));
        assert!(bytes("a=>\"\"") < bytes("a=>NULL"));
    }

    #[test]
    fn lengths_that_the_bytes_do_not_bear_out_are_refused() {
        for bytes in [&[0, 0, 0, 1][..], &[0x7f, 0xff, 0xff, 0xff], &[0, 0, 0, 1, 0, 0, 0, 9, b'a'], &[0, 0, 0, 0, 1]] {
            assert!(Hstore::receive(bytes).is_err(), "{bytes:?}");
        }
    }
}
