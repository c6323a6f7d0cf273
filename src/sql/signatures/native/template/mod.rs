//! to_char, to_date, to_timestamp, to_number: PostgreSQL's template patterns.

mod fill;
mod number;
mod read;
mod write;

use super::*;

pub(in crate::sql::signatures::native) use write::iso_week;

/// Keywords of date templates, longest first among those with a common beginning; `true` if a field of digits.
const DATE_KEYS: &[(&str, Key, bool)] = &[
    ("A.D.", Key::Era { dots: true }, false),
    ("A.M.", Key::Half { dots: true }, false),
    ("AD", Key::Era { dots: false }, false),
    ("AM", Key::Half { dots: false }, false),
    ("B.C.", Key::Era { dots: true }, false),
    ("BC", Key::Era { dots: false }, false),
    ("CC", Key::Century, true),
    ("DAY", Key::DayName, false),
    ("DDD", Key::DayOfYear, true),
    ("DD", Key::Day, true),
    ("DY", Key::DayShort, false),
    ("D", Key::Weekday, true),
    ("FF1", Key::Fraction(1), true),
    ("FF2", Key::Fraction(2), true),
    ("FF3", Key::Fraction(3), true),
    ("FF4", Key::Fraction(4), true),
    ("FF5", Key::Fraction(5), true),
    ("FF6", Key::Fraction(6), true),
    ("FX", Key::Exact, false),
    ("HH24", Key::Hour24, true),
    ("HH12", Key::Hour12, true),
    ("HH", Key::Hour12, true),
    ("IDDD", Key::IsoDayOfYear, true),
    ("ID", Key::IsoWeekday, true),
    ("IW", Key::IsoWeek, true),
    ("IYYY", Key::IsoYear(4), true),
    ("IYY", Key::IsoYear(3), true),
    ("IY", Key::IsoYear(2), true),
    ("I", Key::IsoYear(1), true),
    ("J", Key::Julian, true),
    ("MI", Key::Minute, true),
    ("MM", Key::Month, true),
    ("MONTH", Key::MonthName, false),
    ("MON", Key::MonthShort, false),
    ("MS", Key::Milliseconds, true),
    ("OF", Key::Offset, false),
    ("P.M.", Key::Half { dots: true }, false),
    ("PM", Key::Half { dots: false }, false),
    ("Q", Key::Quarter, true),
    ("RM", Key::Roman, false),
    ("SSSSS", Key::DaySeconds, true),
    ("SSSS", Key::DaySeconds, true),
    ("SS", Key::Second, true),
    ("TZH", Key::ZoneHour, false),
    ("TZM", Key::ZoneMinute, true),
    ("TZ", Key::Zone, false),
    ("US", Key::Microseconds, true),
    ("WW", Key::Week, true),
    ("W", Key::MonthWeek, true),
    ("Y,YYY", Key::YearComma, true),
    ("YYYY", Key::Year(4), true),
    ("YYY", Key::Year(3), true),
    ("YY", Key::Year(2), true),
    ("Y", Key::Year(1), true),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Era { dots: bool },
    Half { dots: bool },
    Century,
    DayName,
    DayShort,
    DayOfYear,
    Day,
    Weekday,
    Fraction(u8),
    Exact,
    Hour24,
    Hour12,
    IsoDayOfYear,
    IsoWeekday,
    IsoWeek,
    IsoYear(u8),
    Julian,
    Minute,
    Month,
    MonthName,
    MonthShort,
    Milliseconds,
    Offset,
    Quarter,
    Roman,
    DaySeconds,
    Second,
    ZoneHour,
    ZoneMinute,
    Zone,
    Microseconds,
    Week,
    MonthWeek,
    YearComma,
    Year(u8),
}

/// How a name is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Upper,
    Lower,
    Capital,
}

/// One piece of a date template.
#[derive(Debug, Clone)]
enum Piece {
    Field(Field),
    Space,
    Separator,
    Char(char),
    /// A character that a separator or blank is in the input, for to_char.
    Literal(char),
}

#[derive(Debug, Clone)]
struct Field {
    key: Key,
    /// As it stands in the template, for messages.
    name: String,
    digits: bool,
    case: Case,
    fill: bool,
    /// TH or th.
    ordinal: Option<bool>,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
/// XII first, as PostgreSQL searches them.
const ROMANS: [&str; 12] = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"];

/// A date template's pieces. Separators stand as [`Piece::Separator`] or [`Piece::Space`] if `reading`, else literally.
fn pieces(template: &str, reading: bool) -> Vec<Piece> {
    let mut out = Vec::new();
    let mut rest = template;
    while !rest.is_empty() {
        let (mut fill, mut local) = (false, false);
        if let Some(tail) = rest.strip_prefix("FM").or_else(|| rest.strip_prefix("fm")) {
            fill = true;
            rest = tail;
        } else if let Some(tail) = rest.strip_prefix("TM").or_else(|| rest.strip_prefix("tm")) {
            // The names of the C locale, which are not padded then.
            local = true;
            rest = tail;
        }
        if let Some((key, name, digits, case, tail)) = keyword(rest) {
            rest = tail;
            let mut ordinal = None;
            if let Some(tail) = rest.strip_prefix("TH") {
                (ordinal, rest) = (Some(true), tail);
            } else if let Some(tail) = rest.strip_prefix("th") {
                (ordinal, rest) = (Some(false), tail);
            }
            out.push(Piece::Field(Field {
                key,
                name: name.to_owned(),
                digits,
                case,
                fill: fill || (local && named(key)),
                ordinal,
            }));
            continue;
        }
        let Some(c) = rest.chars().next() else { break };
        rest = &rest[c.len_utf8()..];
        match c {
            '"' => {
                while let Some(c) = rest.chars().next() {
                    rest = &rest[c.len_utf8()..];
                    match c {
                        '"' => break,
                        '\\' => {
                            let Some(next) = rest.chars().next() else {
                                out.push(Piece::Char('\\'));
                                break;
                            };
                            rest = &rest[next.len_utf8()..];
                            out.push(Piece::Char(next));
                        }
                        c => out.push(Piece::Char(c)),
                    }
                }
            }
            '\\' if rest.starts_with('"') => {
                rest = &rest[1..];
                out.push(Piece::Char('"'));
            }
            c if reading && c.is_ascii_whitespace() => out.push(Piece::Space),
            c if reading && c.is_ascii_punctuation() => out.push(Piece::Separator),
            c => out.push(Piece::Literal(c)),
        }
    }
    out
}

fn named(key: Key) -> bool {
    matches!(key, Key::MonthName | Key::MonthShort | Key::DayName | Key::DayShort)
}

/// The keyword at the beginning of a text: all in capitals, all in small letters, or a name's own case.
fn keyword(text: &str) -> Option<(Key, &str, bool, Case, &str)> {
    for (name, key, digits) in DATE_KEYS {
        let Some(head) = text.get(..name.len()) else { continue };
        let tail = &text[name.len()..];
        if head == *name {
            return Some((*key, head, *digits, Case::Upper, tail));
        }
        if named(*key) && head.is_ascii() && head[..1] == name[..1] && head[1..] == name[1..].to_lowercase() {
            return Some((*key, head, *digits, Case::Capital, tail));
        }
        if head == name.to_lowercase() {
            return Some((*key, head, *digits, Case::Lower, tail));
        }
    }
    None
}

fn format_error(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_DATETIME_FORMAT, message.into())
}

pub(super) fn natives() -> Vec<Native> {
    let mut all = write::natives();
    all.extend(number::natives());
    all.extend(read::natives());
    all
}

/// The ordinal's ending of a number: `st`, `nd`, `rd`, `th`.
fn ordinal(number: &str, upper: bool) -> &'static str {
    let mut last = number.chars().rev();
    let (last, before) = (last.next(), last.next());
    let endings = if upper { ["ST", "ND", "RD", "TH"] } else { ["st", "nd", "rd", "th"] };
    match (before, last) {
        (Some('1'), _) => endings[3],
        (_, Some('1')) => endings[0],
        (_, Some('2')) => endings[1],
        (_, Some('3')) => endings[2],
        _ => endings[3],
    }
}
