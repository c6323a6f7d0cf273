//! Time zones by IANA name, POSIX rule or fixed offset, with a cache of the last transition's reach.

use std::cell::Cell;

use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::civil;
use crate::error::{Error, Result, SqlState};

/// Offsets in seconds east of UTC; PostgreSQL allows less than 16 hours (MAX_TZDISP_HOUR).
pub const MAX_OFFSET: i32 = 15 * 3600 + 59 * 60 + 59;

/// A session's time zone. Not `Sync`: each encoder holds its own, with its own cache.
#[derive(Debug, Clone)]
pub struct Zone {
    tz: TimeZone,
    /// The abbreviation to print for zones that are a bare offset.
    fixed: Option<(i32, String)>,
    /// The abbreviation by which it was called, if that says which of its offsets is meant (`MSK`).
    word: Option<&'static str>,
    cache: Cell<Span>,
}

/// UTC seconds `from..to` for which the offset is known.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: i64,
    to: i64,
    offset: i32,
}

const EMPTY: Span = Span { from: 0, to: 0, offset: 0 };
/// Seconds in 400 Gregorian years, after which the calendar repeats, weekdays included.
const CYCLE: i64 = 146_097 * 86_400;
/// Where jiff's range ends, cut to whole years: 9998-01-01 and -9998-01-01.
const JIFF_MAX: i64 = 253_339_228_800;
const JIFF_MIN: i64 = -377_642_476_800;

impl Zone {
    pub fn utc() -> Self {
        Self { tz: TimeZone::UTC, fixed: None, word: None, cache: Cell::new(EMPTY) }
    }

    /// A zone by the text of the TimeZone setting. 22023 if there is none of that name.
    pub fn named(name: &str) -> Result<Self> {
        Self::find(name).ok_or_else(|| {
            Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("invalid value for parameter \"TimeZone\": \"{name}\""),
            )
        })
    }

    /// A zone by IANA name (in any case) or POSIX rule; `None` if there is none.
    pub fn find(name: &str) -> Option<Self> {
        if matches!(name, "UTC" | "utc" | "GMT" | "gmt") {
            // GMT prints as itself under the styles that print abbreviations.
            return (name.eq_ignore_ascii_case("utc")).then(Self::utc).or_else(|| Some(Self::fixed(0, "GMT".into())));
        }
        if name.is_empty() || name.len() > 255 {
            return None;
        }
        if let Some(zone) = posix_fixed(name) {
            return Some(zone);
        }
        if let Ok(tz) = TimeZone::get(name) {
            return (!tz.is_unknown()).then_some(Self { tz, fixed: None, word: None, cache: Cell::new(EMPTY) });
        }
        let tz = TimeZone::posix(name).ok()?;
        Some(Self { tz, fixed: None, word: None, cache: Cell::new(EMPTY) })
    }

    /// What AT TIME ZONE takes: an abbreviation, else a zone as [`Zone::find`] finds it.
    pub fn spelled(name: &str) -> Option<Self> {
        match super::token::abbreviation(&name.to_lowercase()) {
            Some(super::token::Abbreviation::Offset(east)) => Some(Self::fixed(east, name.to_uppercase())),
            Some(super::token::Abbreviation::Zone(zone)) => Self::called(&name.to_lowercase(), zone),
            None => Self::find(name),
        }
    }

    /// The zone that an abbreviation means in lower case: its offset is the one that went by that abbreviation last.
    pub fn called(word: &str, zone: &str) -> Option<Self> {
        Some(Self { word: super::token::known_abbreviation(word), ..Self::find(zone)? })
    }

    /// pg_interpret_timezone_abbrev: the offset in force, if it goes by this abbreviation; else that of the last time
    /// before that did, or the first after; else the one in force.
    fn offset_by_word(&self, utc_seconds: i64, word: &str) -> i32 {
        let Ok(at) = Timestamp::from_second(into_range(utc_seconds)) else { return 0 };
        let now = self.tz.to_offset_info(at);
        if now.abbreviation().eq_ignore_ascii_case(word) {
            return now.offset().seconds();
        }
        let mut before = self.tz.preceding(at);
        let known = before.find(|t| t.abbreviation().eq_ignore_ascii_case(word)).map(|t| t.offset().seconds());
        // Zones with a rule for all times to come have no end of transitions.
        let next = || self.tz.following(at).take(200).find(|t| t.abbreviation().eq_ignore_ascii_case(word));
        known.or_else(|| next().map(|t| t.offset().seconds())).unwrap_or(now.offset().seconds())
    }

    /// A zone of one offset, with the abbreviation that it prints.
    pub fn fixed(east: i32, abbreviation: String) -> Self {
        Self { tz: TimeZone::UTC, fixed: Some((east, abbreviation)), word: None, cache: Cell::new(EMPTY) }
    }

    /// Seconds east of UTC at a moment (seconds since 1970).
    #[inline]
    pub fn offset_at(&self, utc_seconds: i64) -> i32 {
        let span = self.cache.get();
        if utc_seconds >= span.from && utc_seconds < span.to {
            return span.offset;
        }
        self.look_up(utc_seconds)
    }

    #[cold]
    fn look_up(&self, utc_seconds: i64) -> i32 {
        if let Some((east, _)) = &self.fixed {
            self.cache.set(Span { from: i64::MIN, to: i64::MAX, offset: *east });
            return *east;
        }
        if let Some(word) = self.word {
            return self.offset_by_word(utc_seconds, word);
        }
        let shifted = into_range(utc_seconds);
        let Ok(at) = Timestamp::from_second(shifted) else { return 0 };
        let offset = self.tz.to_offset(at).seconds();
        if shifted != utc_seconds {
            return offset;
        }
        let from = match Timestamp::from_second(shifted + 1).ok().and_then(|t| self.tz.preceding(t).next()) {
            Some(t) => t.timestamp().as_second(),
            None => JIFF_MIN,
        };
        let to = match self.tz.following(at).next() {
            Some(t) => t.timestamp().as_second(),
            None => JIFF_MAX,
        };
        if from <= shifted && shifted < to {
            self.cache.set(Span { from, to, offset });
        }
        offset
    }

    /// The offset, if it is the same at all times.
    pub fn fixed_offset(&self) -> Option<i32> {
        match &self.fixed {
            Some((east, _)) => Some(*east),
            None => {
                let at = Timestamp::UNIX_EPOCH;
                let once = self.tz.following(at).next().is_none() && self.tz.preceding(at).next().is_none();
                once.then(|| self.tz.to_offset(at).seconds())
            }
        }
    }

    /// The abbreviation in force at a moment (`EST`), as the SQL, Postgres and German date styles print it.
    pub fn abbreviation_at(&self, utc_seconds: i64) -> String {
        if let Some((_, abbreviation)) = &self.fixed {
            return abbreviation.clone();
        }
        match Timestamp::from_second(into_range(utc_seconds)) {
            Ok(at) => self.tz.to_offset_info(at).abbreviation().to_owned(),
            Err(_) => String::new(),
        }
    }

    /// Seconds east of UTC for a local time (seconds since 1970-01-01 00:00 local), as PostgreSQL decides it:
    /// in a gap the offset from before it, in an overlap the offset from after the change.
    pub fn offset_of_local(&self, local_seconds: i64) -> i32 {
        if let Some((east, _)) = &self.fixed {
            return *east;
        }
        let shifted = into_range(local_seconds);
        let days = shifted.div_euclid(86_400) as i32;
        let (y, m, d) = civil::from_days(days);
        let s = shifted.rem_euclid(86_400) as i32;
        let Ok(local) = jiff::civil::DateTime::new(
            y as i16,
            m as i8,
            d as i8,
            (s / 3600) as i8,
            (s / 60 % 60) as i8,
            (s % 60) as i8,
            0,
        ) else {
            return 0;
        };
        let plain = match self.tz.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.seconds(),
            AmbiguousOffset::Gap { before, .. } => before.seconds(),
            AmbiguousOffset::Fold { after, .. } => after.seconds(),
        };
        match self.word {
            Some(word) => self.offset_by_word(local_seconds - i64::from(plain), word),
            None => plain,
        }
    }
}

/// Moves a moment by whole 400-year cycles into the range that jiff knows.
fn into_range(seconds: i64) -> i64 {
    if seconds >= JIFF_MAX {
        let over = seconds - JIFF_MAX;
        return seconds - (over / CYCLE + 1) * CYCLE;
    }
    // PostgreSQL's first day, 4714 BC, is within.
    seconds.max(JIFF_MIN)
}

/// A POSIX zone without daylight saving: `EST5`, `UTC+3`, `<-03>+3`, and the bare `+3`. West is positive.
fn posix_fixed(name: &str) -> Option<Zone> {
    let (abbreviation, rest) = match name.strip_prefix('<') {
        Some(quoted) => quoted.split_once('>')?,
        None => {
            let end = name.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(name.len());
            name.split_at(end)
        }
    };
    let (sign, digits) = match rest.as_bytes().first()? {
        b'+' => (1, &rest[1..]),
        b'-' => (-1, &rest[1..]),
        b'0'..=b'9' => (1, rest),
        _ => return None,
    };
    let mut seconds = 0;
    let mut unit = 3600;
    let mut parts = digits.split(':');
    for part in parts.by_ref().take(3) {
        if part.is_empty() || part.len() > 3 || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let n: i32 = part.parse().ok()?;
        if unit < 3600 && n >= 60 {
            return None;
        }
        seconds += n * unit;
        unit /= 60;
    }
    if parts.next().is_some() || seconds > 167 * 3600 {
        return None;
    }
    Some(Zone::fixed(-sign * seconds, abbreviation.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_follow_transitions_and_their_cache() {
        let zone = Zone::named("America/New_York").expect("zone");
        // 2024-03-10 07:00 UTC is the spring transition.
        let spring = 1_710_054_000;
        for (at, offset) in [(spring - 1, -18_000), (spring, -14_400), (spring - 1, -18_000), (0, -18_000)] {
            assert_eq!(zone.offset_at(at), offset, "{at}");
        }
        // 1883-11-18: local mean time before.
        assert_eq!(zone.offset_at(-2_717_650_800 - 100_000), -17_762);
        // Year 20024 is like 2024.
        assert_eq!(zone.offset_at(1_720_000_000 + 45 * CYCLE), -14_400);
    }

    #[test]
    fn local_times_in_gaps_and_overlaps_go_as_in_postgresql() {
        let zone = Zone::named("America/New_York").expect("zone");
        let local = |days: i64, h: i64, m: i64| days * 86_400 + h * 3600 + m * 60;
        let spring = civil::to_days(2024, 3, 10);
        let autumn = civil::to_days(2024, 11, 3);
        assert_eq!(zone.offset_of_local(local(spring, 2, 30)), -18_000);
        assert_eq!(zone.offset_of_local(local(autumn, 1, 30)), -18_000);
        assert_eq!(Zone::named("<-03>+3").expect("zone").offset_at(0), -10_800);
        assert!(Zone::named("Mars/Olympus").is_err());
    }
}
