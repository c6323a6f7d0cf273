//! Sizes and times as people write them, in PostgreSQL's units.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A size: a number of bytes, or with a unit (`B`, `kB`, `MB`, `GB`, `TB`; powers of 1024).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes(pub u64);

/// A time: a number of seconds, or with a unit (`ms`, `s`, `min`, `h`, `d`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

const SIZES: [(&str, u64); 5] = [("TB", 1 << 40), ("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10), ("B", 1)];
const TIMES: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000), ("ms", 1)];

impl Span {
    pub const fn seconds(n: u64) -> Self {
        Self(Duration::from_secs(n))
    }
}

/// The number and the unit's factor; without a unit, `bare`.
fn parse(text: &str, units: &[(&str, u64)], bare: u64) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = (&text[..digits], text[digits..].trim());
    let known = || units.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let factor = match unit {
        "" => bare,
        unit => match units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)) {
            Some((_, factor)) => *factor,
            None => return Err(format!("unknown unit \"{unit}\": one of {} is expected", known())),
        },
    };
    let number: u64 = number.parse().map_err(|_| format!("a whole number is expected, then one of {}", known()))?;
    number.checked_mul(factor).ok_or_else(|| "the number is too large".to_owned())
}

fn print(value: u64, units: &[(&str, u64)], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let found = units.iter().find(|(_, factor)| value != 0 && value.is_multiple_of(*factor));
    match found {
        Some((unit, factor)) => write!(f, "{}{unit}", value / factor),
        None => write!(f, "{value}"),
    }
}

impl FromStr for Bytes {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        parse(text, &SIZES, 1).map(Self)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(self.0, &SIZES, f)
    }
}

impl FromStr for Span {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        parse(text, &TIMES, 1_000).map(|ms| Self(Duration::from_millis(ms)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        print(ms, &TIMES, f)
    }
}

impl From<Bytes> for u64 {
    fn from(size: Bytes) -> u64 {
        size.0
    }
}

impl From<Bytes> for usize {
    fn from(size: Bytes) -> usize {
        usize::try_from(size.0).unwrap_or(usize::MAX)
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Duration {
        span.0
    }
}

/// In a file, either a number or text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Number(u64),
    Text(String),
}

macro_rules! serde_as_text {
    ($ty:ident, $from_number:expr) => {
        impl Serialize for $ty {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $ty {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                match Written::deserialize(deserializer)? {
                    Written::Number(n) => Ok($from_number(n)),
                    Written::Text(text) => text.parse().map_err(serde::de::Error::custom),
                }
            }
        }
    };
}

serde_as_text!(Bytes, Bytes);
serde_as_text!(Span, Span::seconds);
