//! PostgreSQL's character encodings, and conversion between a client's and UTF-8.
//!
//! The tables are recorded from PostgreSQL by `scripts/record-encodings.py`. `encoding_rs` would be the library for it, but
//! follows the WHATWG's standard, which maps thousands of characters otherwise than PostgreSQL (EUC_JP, BIG5, SJIS).
//! What has no table (GB18030, EUC_TW, JOHAB and the 2004 editions) is refused.

mod binary;
mod multi;
mod names;
#[cfg(test)]
mod tests;

pub use binary::binary;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use crate::error::{Error, Result, SqlState};

/// An encoding of PostgreSQL, by its number (`pg_encoding_to_char`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Encoding(u8);

/// How its bytes are converted.
enum Conversion {
    /// UTF8, and SQL_ASCII: bytes go through, if they are UTF-8.
    None,
    Single(&'static SingleByte),
    Multi(&'static multi::Table),
    /// Nobody here knows how.
    Unknown,
}

/// An encoding of one byte a character, ASCII below 0x80.
struct SingleByte {
    to_unicode: [Option<char>; 128],
    to_bytes: HashMap<char, u8>,
}

static SINGLE_BYTE: LazyLock<HashMap<&'static str, SingleByte>> = LazyLock::new(|| {
    let table = |line: &'static str| {
        let (name, codes) = line.split_once('\t')?;
        let mut single = SingleByte { to_unicode: [None; 128], to_bytes: HashMap::new() };
        for (slot, (byte, code)) in single.to_unicode.iter_mut().zip((0x80..=0xff).zip(codes.split(' '))) {
            *slot = u32::from_str_radix(code, 16).ok().and_then(char::from_u32);
            single.to_bytes.extend(slot.map(|c| (c, byte)));
        }
        Some((name, single))
    };
    include_str!("single_byte.tsv").lines().filter_map(table).collect()
});

impl Encoding {
    pub const SQL_ASCII: Self = Self(0);
    pub const UTF8: Self = Self(6);

    /// By any of PostgreSQL's names for it; case and punctuation do not matter.
    pub fn by_name(name: &str) -> Option<Self> {
        names::number(name).map(Self)
    }

    /// By PostgreSQL's number.
    pub fn by_number(number: i32) -> Option<Self> {
        u8::try_from(number).ok().filter(|n| usize::from(*n) < names::NAMES.len()).map(Self)
    }

    /// PostgreSQL's name for it.
    pub fn name(self) -> &'static str {
        names::NAMES[usize::from(self.0)]
    }

    pub fn number(self) -> i32 {
        self.0.into()
    }

    /// The most bytes that a character takes (`pg_encoding_max_length`).
    pub fn max_length(self) -> i32 {
        names::max_length(self.0)
    }

    /// Whether text is converted at all. Without, bytes go through if they are UTF-8.
    pub fn converts(self) -> bool {
        self != Self::UTF8 && self != Self::SQL_ASCII
    }

    /// Whether [`Self::decode`] and [`Self::encode`] know this encoding.
    pub fn is_known(self) -> bool {
        !self.converts() || SINGLE_BYTE.contains_key(self.name()) || multi::is_known(self.name())
    }

    fn conversion(self) -> Conversion {
        if !self.converts() {
            return Conversion::None;
        }
        match SINGLE_BYTE.get(self.name()) {
            Some(single) => Conversion::Single(single),
            None => multi::table(self.name()).map_or(Conversion::Unknown, Conversion::Multi),
        }
    }

    /// Text in this encoding as UTF-8.
    ///
    /// # Errors
    /// 22021 for bytes that are no text in this encoding, 22P05 for a character that Unicode (or this gateway's tables)
    /// does not have, 0A000 for an encoding that is not known.
    pub fn decode(self, bytes: &[u8]) -> Result<Cow<'_, str>> {
        if self.converts() && bytes.contains(&0) {
            return Err(self.invalid(&[0]));
        }
        if self.converts()
            && let Some(ascii) = ascii(bytes)
        {
            return Ok(Cow::Borrowed(ascii));
        }
        match self.conversion() {
            Conversion::None => super::binary::text(bytes).map(Cow::Borrowed),
            Conversion::Single(single) => {
                let decoded = bytes.iter().map(|b| match b {
                    0..0x80 => Ok(char::from(*b)),
                    _ => single.to_unicode[usize::from(b & 0x7f)].ok_or_else(|| self.no_equivalent(&[*b])),
                });
                decoded.collect::<Result<String>>().map(Cow::Owned)
            }
            Conversion::Multi(table) => multi::decode(self, table, bytes).map(Cow::Owned),
            Conversion::Unknown => Err(self.unknown()),
        }
    }

    /// UTF-8 text in this encoding.
    ///
    /// # Errors
    /// 22P05 for a character that this encoding does not have, 0A000 for an encoding that is not known.
    pub fn encode(self, text: &str) -> Result<Cow<'_, [u8]>> {
        if !self.converts() || text.is_ascii() {
            return Ok(Cow::Borrowed(text.as_bytes()));
        }
        let mut out = Vec::with_capacity(text.len());
        for c in text.chars() {
            self.push(c, &mut out)?;
        }
        Ok(Cow::Owned(out))
    }

    /// As [`Self::encode`], with `?` for what this encoding does not have: for messages that must arrive.
    pub fn encode_lossy(self, text: &str) -> Cow<'_, [u8]> {
        if !self.converts() || text.is_ascii() {
            return Cow::Borrowed(text.as_bytes());
        }
        let mut out = Vec::with_capacity(text.len());
        for c in text.chars() {
            if self.push(c, &mut out).is_err() {
                out.push(b'?');
            }
        }
        Cow::Owned(out)
    }

    fn push(self, c: char, out: &mut Vec<u8>) -> Result<()> {
        if c.is_ascii() {
            out.push(c as u8);
            return Ok(());
        }
        let found = match self.conversion() {
            Conversion::None => {
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                true
            }
            Conversion::Single(single) => single.to_bytes.get(&c).map(|b| out.push(*b)).is_some(),
            Conversion::Multi(table) => multi::push(table, c, out),
            Conversion::Unknown => return Err(self.unknown()),
        };
        if found { Ok(()) } else { Err(self.lacks(c)) }
    }

    /// How many of these bytes are whole characters; the rest waits for more. COPY data comes in pieces.
    pub fn whole(self, bytes: &[u8]) -> usize {
        match self.conversion() {
            Conversion::Multi(_) => multi::whole(self.name(), bytes),
            Conversion::None | Conversion::Single(_) | Conversion::Unknown => bytes.len(),
        }
    }

    fn unknown(self) -> Error {
        Error::unsupported(format!("conversion between {} and UTF8", self.name())).hint("Use UTF8.")
    }

    fn lacks(self, c: char) -> Error {
        let bytes = hexadecimal(c.encode_utf8(&mut [0; 4]).as_bytes());
        let message = format!(
            "character with byte sequence {bytes} in encoding \"UTF8\" has no equivalent in encoding \"{}\"",
            self.name()
        );
        Error::new(SqlState::UNTRANSLATABLE_CHARACTER, message)
    }

    fn no_equivalent(self, bytes: &[u8]) -> Error {
        let message = format!(
            "character with byte sequence {} in encoding \"{}\" has no equivalent in encoding \"UTF8\"",
            hexadecimal(bytes),
            self.name()
        );
        Error::new(SqlState::UNTRANSLATABLE_CHARACTER, message)
    }

    fn invalid(self, bytes: &[u8]) -> Error {
        let message = format!("invalid byte sequence for encoding \"{}\": {}", self.name(), hexadecimal(bytes));
        Error::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, message)
    }
}

fn ascii(bytes: &[u8]) -> Option<&str> {
    bytes.is_ascii().then(|| std::str::from_utf8(bytes).ok()).flatten()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("0x{b:02x}")).collect::<Vec<_>>().join(" ")
}
