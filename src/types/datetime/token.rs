//! Date and time text cut into fields, and the words that have a meaning in it (PostgreSQL's ParseDateTime and tables).

use std::collections::HashMap;
use std::sync::LazyLock;

/// What a field looks like; its meaning depends on the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Digits, perhaps with a decimal point.
    Number,
    /// Letters.
    Word,
    /// Digits or letters with `-`, `/` or `.` between; also zone names.
    Date,
    /// Digits with colons.
    Time,
    /// A sign and digits.
    Signed,
    /// A sign and letters.
    SignedWord,
}

#[derive(Debug, Clone)]
pub struct Field {
    pub shape: Shape,
    /// In lower case.
    pub text: String,
}

/// PostgreSQL's limits: 25 fields, 128 bytes.
const MAX_FIELDS: usize = 25;
const MAX_LENGTH: usize = 128;

/// Cuts the text into fields; `None` if it cannot be a date or time.
pub fn split(text: &str) -> Option<Vec<Field>> {
    let bytes = text.as_bytes();
    let mut fields = Vec::new();
    let mut at = 0;
    let mut total = 0;
    while at < bytes.len() {
        if bytes[at].is_ascii_whitespace() || bytes[at] == 0xb {
            at += 1;
            continue;
        }
        let from = at;
        let mut prefix = String::new();
        let shape = match bytes[at] {
            b'0'..=b'9' => number_like(bytes, &mut at),
            b'.' => {
                at += 1;
                take(bytes, &mut at, |b| b.is_ascii_digit());
                Shape::Number
            }
            b if b.is_ascii_alphabetic() => word_like(text, &mut at),
            sign @ (b'+' | b'-') => {
                at += 1;
                take(bytes, &mut at, |b| b.is_ascii_whitespace());
                prefix.push(sign as char);
                let start = at;
                let shape = match bytes.get(at) {
                    Some(b'0'..=b'9') => {
                        take(bytes, &mut at, |b| b.is_ascii_digit() || matches!(b, b':' | b'.' | b'-'));
                        Shape::Signed
                    }
                    Some(b) if b.is_ascii_alphabetic() => {
                        take(bytes, &mut at, |b| b.is_ascii_alphabetic());
                        Shape::SignedWord
                    }
                    _ => return None,
                };
                prefix.push_str(&text[start..at]);
                shape
            }
            b if b.is_ascii_punctuation() => {
                at += 1;
                continue;
            }
            _ => return None,
        };
        let text = if prefix.is_empty() { text[from..at].to_ascii_lowercase() } else { prefix.to_ascii_lowercase() };
        total += text.len() + 1;
        if fields.len() >= MAX_FIELDS || total > MAX_LENGTH {
            return None;
        }
        fields.push(Field { shape, text });
    }
    Some(fields)
}

fn take(bytes: &[u8], at: &mut usize, accept: impl Fn(u8) -> bool) {
    while bytes.get(*at).is_some_and(|b| accept(*b)) {
        *at += 1;
    }
}

fn number_like(bytes: &[u8], at: &mut usize) -> Shape {
    take(bytes, at, |b| b.is_ascii_digit());
    match bytes.get(*at) {
        Some(b':') => {
            take(bytes, at, |b| b.is_ascii_digit() || matches!(b, b':' | b'.'));
            Shape::Time
        }
        Some(delimiter @ (b'-' | b'/' | b'.')) => {
            *at += 1;
            if bytes.get(*at).is_some_and(u8::is_ascii_digit) {
                take(bytes, at, |b| b.is_ascii_digit());
                // The delimiters must match for a date of three fields.
                if bytes.get(*at) == Some(delimiter) {
                    take(bytes, at, |b| b.is_ascii_digit() || b == *delimiter);
                    return Shape::Date;
                }
                if *delimiter == b'.' { Shape::Number } else { Shape::Date }
            } else {
                take(bytes, at, |b| b.is_ascii_alphanumeric() || b == *delimiter);
                Shape::Date
            }
        }
        _ => Shape::Number,
    }
}

fn word_like(text: &str, at: &mut usize) -> Shape {
    let bytes = text.as_bytes();
    let from = *at;
    take(bytes, at, |b| b.is_ascii_alphabetic());
    let compound = match bytes.get(*at) {
        Some(b'-' | b'/' | b'.') => true,
        // `t04:05` is a known word and a time; `pst8pdt` is a zone.
        Some(b'+' | b'0'..=b'9') => word(&text[from..*at].to_ascii_lowercase()).is_none(),
        _ => false,
    };
    if !compound {
        return Shape::Word;
    }
    take(bytes, at, |b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'/' | b'_' | b'.' | b':'));
    Shape::Date
}

/// A unit of date and time fields, of labels (`y2001m02d04`) and of intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    Decade,
    Century,
    Millennium,
    Julian,
    /// The `t` before an ISO time.
    Time,
    /// dow, doy, isodow, timezone …: known words that no input takes.
    Other,
}

/// What a word means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    Ignore,
    Month(u32),
    Weekday,
    Am,
    Pm,
    Ad,
    Bc,
    Unit(Unit),
    IsoTime,
    /// `dst`: the zone before it, an hour further east.
    DaylightModifier,
    Now,
    Today,
    Tomorrow,
    Yesterday,
    AllBalls,
    Epoch,
    Infinity,
    NegInfinity,
}

/// Words are told apart by their first ten letters, as in PostgreSQL.
fn significant(word: &str) -> &str {
    word.get(..10).unwrap_or(word)
}

/// The words of dates and times (PostgreSQL's datetktbl).
pub fn word(text: &str) -> Option<Word> {
    Some(match significant(text) {
        "jan" | "january" => Word::Month(1),
        "feb" | "february" => Word::Month(2),
        "mar" | "march" => Word::Month(3),
        "apr" | "april" => Word::Month(4),
        "may" => Word::Month(5),
        "jun" | "june" => Word::Month(6),
        "jul" | "july" => Word::Month(7),
        "aug" | "august" => Word::Month(8),
        "sep" | "sept" | "september" => Word::Month(9),
        "oct" | "october" => Word::Month(10),
        "nov" | "november" => Word::Month(11),
        "dec" | "december" => Word::Month(12),
        "sun" | "sunday" | "mon" | "monday" | "tue" | "tues" | "tuesday" | "wed" | "weds" | "wednesday" | "thu"
        | "thur" | "thurs" | "thursday" | "fri" | "friday" | "sat" | "saturday" => Word::Weekday,
        "am" => Word::Am,
        "pm" => Word::Pm,
        "ad" => Word::Ad,
        "bc" => Word::Bc,
        "at" | "on" => Word::Ignore,
        "t" => Word::IsoTime,
        "dst" => Word::DaylightModifier,
        "d" => Word::Unit(Unit::Day),
        "h" => Word::Unit(Unit::Hour),
        "m" => Word::Unit(Unit::Month),
        "mm" => Word::Unit(Unit::Minute),
        "s" => Word::Unit(Unit::Second),
        "y" => Word::Unit(Unit::Year),
        "j" | "jd" | "julian" => Word::Unit(Unit::Julian),
        "dow" | "doy" | "isodow" | "isoyear" => Word::Unit(Unit::Other),
        "now" => Word::Now,
        "today" => Word::Today,
        "tomorrow" => Word::Tomorrow,
        "yesterday" => Word::Yesterday,
        "allballs" => Word::AllBalls,
        "epoch" => Word::Epoch,
        "infinity" => Word::Infinity,
        "-infinity" => Word::NegInfinity,
        _ => return None,
    })
}

/// The units of intervals (PostgreSQL's deltatktbl); `None` in the inner place is `ago`.
pub fn interval_unit(text: &str) -> Option<Option<Unit>> {
    Some(Some(match significant(text) {
        "ago" => return Some(None),
        "us" | "usec" | "usecs" | "useconds" | "microsecon" => Unit::Microsecond,
        "ms" | "msec" | "msecs" | "mseconds" | "millisecon" => Unit::Millisecond,
        "s" | "sec" | "secs" | "second" | "seconds" => Unit::Second,
        "m" | "min" | "mins" | "minute" | "minutes" => Unit::Minute,
        "h" | "hr" | "hrs" | "hour" | "hours" => Unit::Hour,
        "d" | "day" | "days" => Unit::Day,
        "w" | "week" | "weeks" => Unit::Week,
        "mon" | "mons" | "month" | "months" => Unit::Month,
        "qtr" | "quarter" => Unit::Quarter,
        "y" | "yr" | "yrs" | "year" | "years" => Unit::Year,
        "dec" | "decs" | "decade" | "decades" => Unit::Decade,
        "c" | "cent" | "century" | "centuries" => Unit::Century,
        "mil" | "mils" | "millennia" | "millennium" => Unit::Millennium,
        "timezone" | "timezone_h" | "timezone_m" => Unit::Other,
        _ => return None,
    }))
}

/// What a zone abbreviation stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abbreviation {
    /// Seconds east of UTC.
    Offset(i32),
    /// A zone, whose offset depends on the date.
    Zone(&'static str),
}

static ABBREVIATIONS: LazyLock<HashMap<&'static str, Abbreviation>> = LazyLock::new(|| {
    include_str!("abbreviations.tsv")
        .lines()
        .filter_map(|line| {
            let mut columns = line.split('\t');
            let (name, value) = (columns.next()?, columns.next()?);
            let meaning = value.parse().map_or(Abbreviation::Zone(value), Abbreviation::Offset);
            Some((name, meaning))
        })
        .collect()
});

/// The word itself, if it is an abbreviation.
pub fn known_abbreviation(text: &str) -> Option<&'static str> {
    ABBREVIATIONS.get_key_value(text).map(|(word, _)| *word)
}

pub fn abbreviation(text: &str) -> Option<Abbreviation> {
    ABBREVIATIONS.get(text).copied()
}
