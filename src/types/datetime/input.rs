//! `date_in`, `time_in`, `timetz_in`, `timestamp_in`, `timestamptz_in`.

use super::decode::{self, Context, Kind};
use super::fields::{Bad, Civil};
use super::token;
use super::zone::Zone;
use super::{
    DATE_INFINITY, DATE_NEG_INFINITY, MAX_DATE, MICROS_PER_DAY, MICROS_PER_SECOND, MIN_DATE, TIMESTAMP_INFINITY,
    TIMESTAMP_NEG_INFINITY, civil,
};
use crate::error::{Error, Result, SqlState};
use crate::types::text::{Input, invalid_syntax};

/// The error for text that is not of the type.
pub fn error(bad: Bad, text: &str, ty: &str) -> Error {
    let out_of_range =
        || Error::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("date/time field value out of range: \"{text}\""));
    match bad {
        Bad::Format => {
            let mut e = invalid_syntax(ty, text);
            e.report_mut().code = SqlState::INVALID_DATETIME_FORMAT;
            e
        }
        Bad::Overflow => out_of_range(),
        Bad::OverflowMonthDay => out_of_range().hint("Perhaps you need a different \"datestyle\" setting."),
        Bad::Displacement => Error::new(
            SqlState::INVALID_TIME_ZONE_DISPLACEMENT_VALUE,
            format!("time zone displacement out of range: \"{text}\""),
        ),
        Bad::Zone(name) => {
            Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("time zone \"{name}\" not recognized"))
        }
        Bad::NoClock => Error::unsupported(format!("the value \"{text}\" of type {ty} here"))
            .hint("Use now() or current_date, or write the value out."),
    }
}

thread_local! {
    /// The session's zone of the last value: text is parsed value by value, and a zone is costly to look up.
    static LAST_ZONE: std::cell::RefCell<Option<(std::sync::Arc<str>, std::rc::Rc<Zone>)>> =
        const { std::cell::RefCell::new(None) };
}

fn session_zone(input: &Input<'_>) -> std::rc::Rc<Zone> {
    LAST_ZONE.with(|last| {
        let mut last = last.borrow_mut();
        if let Some((name, zone)) = &*last
            && *name == input.settings.time_zone
        {
            return std::rc::Rc::clone(zone);
        }
        let zone = std::rc::Rc::new(Zone::find(&input.settings.time_zone).unwrap_or_else(Zone::utc));
        *last = Some((std::sync::Arc::clone(&input.settings.time_zone), std::rc::Rc::clone(&zone)));
        zone
    })
}

fn decode_date_time(text: &str, ty: &str, input: &Input<'_>) -> Result<(Kind, Civil)> {
    let zone = session_zone(input);
    let context = Context { order: input.settings.date_order, zone: &zone, now: input.now };
    let fields = token::split(text).ok_or_else(|| error(Bad::Format, text, ty))?;
    decode::date_time(&fields, &context).map_err(|bad| error(bad, text, ty))
}

/// `YYYY-MM-DD` with plain digits, the form of nearly all input.
fn iso_date(b: &[u8]) -> Option<i32> {
    if b.len() != 10 || b[4] != b'-' || b[7] != b'-' {
        return None;
    }
    let number = |range: std::ops::Range<usize>| {
        b[range].iter().try_fold(0u32, |n, d| d.is_ascii_digit().then(|| n * 10 + u32::from(d - b'0')))
    };
    let (year, month, day) = (number(0..4)? as i32, number(5..7)?, number(8..10)?);
    if year == 0 || !(1..=12).contains(&month) || day == 0 || day > civil::days_in_month(year, month) {
        return None;
    }
    Some(civil::to_days(year, month, day) as i32)
}

/// `HH:MM:SS[.ffffff]` with plain digits.
fn iso_time(b: &[u8]) -> Option<i64> {
    if b.len() < 8 || b[2] != b':' || b[5] != b':' {
        return None;
    }
    let two = |at: usize| {
        (b[at].is_ascii_digit() && b[at + 1].is_ascii_digit())
            .then(|| i64::from(b[at] - b'0') * 10 + i64::from(b[at + 1] - b'0'))
    };
    let (hour, minute, second) = (two(0)?, two(3)?, two(6)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut micros = 0;
    if b.len() > 8 {
        if b[8] != b'.' || b.len() > 15 || b.len() == 9 {
            return None;
        }
        let mut place = 100_000;
        for d in &b[9..] {
            if !d.is_ascii_digit() {
                return None;
            }
            micros += i64::from(d - b'0') * place;
            place /= 10;
        }
    }
    Some(((hour * 60 + minute) * 60 + second) * MICROS_PER_SECOND + micros)
}

/// `date_in`: days since 1970.
pub fn parse_date(text: &str, input: &Input<'_>) -> Result<i32> {
    if let Some(days) = iso_date(text.as_bytes()) {
        return Ok(days);
    }
    let (kind, fields) = decode_date_time(text, "date", input)?;
    match kind {
        Kind::Epoch => Ok(0),
        Kind::Infinity => Ok(DATE_INFINITY),
        Kind::NegInfinity => Ok(DATE_NEG_INFINITY),
        Kind::Fields => {
            let days = fields.days();
            if !(i64::from(MIN_DATE)..=i64::from(MAX_DATE)).contains(&days) {
                return Err(Error::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("date out of range: \"{text}\"")));
            }
            Ok(days as i32)
        }
    }
}

/// `1996-02-12 08:30:00` with or without a fraction, in microseconds since 1970.
fn iso_timestamp(b: &[u8]) -> Option<i64> {
    if b.len() < 19 || !matches!(b[10], b' ' | b'T') {
        return None;
    }
    Some(i64::from(iso_date(&b[..10])?) * MICROS_PER_DAY + iso_time(&b[11..])?)
}

/// `timestamp_in`: microseconds since 1970; a zone in the text is read and ignored.
pub fn parse_timestamp(text: &str, typmod: i32, input: &Input<'_>) -> Result<i64> {
    if let Some(micros) = iso_timestamp(text.as_bytes()) {
        return round_timestamp(micros, typmod);
    }
    let (kind, fields) = decode_date_time(text, "timestamp", input)?;
    timestamp_value(kind, &fields, 0, text, typmod)
}

/// `timestamptz_in`: microseconds since 1970 in UTC; without a zone the text is in the session's.
pub fn parse_timestamptz(text: &str, typmod: i32, input: &Input<'_>) -> Result<i64> {
    // As PostgreSQL writes it where the time zone is UTC.
    if let Some(micros) = text.strip_suffix("+00").and_then(|text| iso_timestamp(text.as_bytes())) {
        return round_timestamp(micros, typmod);
    }
    let (kind, fields) = decode_date_time(text, "timestamp with time zone", input)?;
    timestamp_value(kind, &fields, fields.east, text, typmod)
}

fn timestamp_value(kind: Kind, fields: &Civil, east: i32, text: &str, typmod: i32) -> Result<i64> {
    match kind {
        Kind::Epoch => Ok(0),
        Kind::Infinity => Ok(TIMESTAMP_INFINITY),
        Kind::NegInfinity => Ok(TIMESTAMP_NEG_INFINITY),
        Kind::Fields => {
            let out_of_range =
                || Error::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("timestamp out of range: \"{text}\""));
            let days = fields.days();
            if !(i64::from(MIN_DATE)..=i64::from(MAX_DATE)).contains(&days) {
                return Err(out_of_range());
            }
            let micros = i128::from(days) * i128::from(MICROS_PER_DAY) + i128::from(fields.time_micros())
                - i128::from(east) * i128::from(MICROS_PER_SECOND);
            let micros = i64::try_from(micros).ok().filter(|m| valid_timestamp(*m)).ok_or_else(out_of_range)?;
            round_timestamp(micros, typmod).map_err(|_| out_of_range())
        }
    }
}

/// True for what is a finite timestamp to PostgreSQL and to DuckDB, which ends at 294247-01-10, 30 years earlier.
pub fn valid_timestamp(micros: i64) -> bool {
    micros >= i64::from(MIN_DATE) * MICROS_PER_DAY && micros < TIMESTAMP_INFINITY
}

fn decode_time(text: &str, ty: &str, input: &Input<'_>) -> Result<Civil> {
    let zone = session_zone(input);
    let context = Context { order: input.settings.date_order, zone: &zone, now: input.now };
    let fields = token::split(text).ok_or_else(|| error(Bad::Format, text, ty))?;
    decode::time_only(&fields, &context).map_err(|bad| error(bad, text, ty))
}

/// `time_in`: microseconds since midnight, 24:00 included.
pub fn parse_time(text: &str, typmod: i32, input: &Input<'_>) -> Result<i64> {
    if let Some(micros) = iso_time(text.as_bytes()) {
        return Ok(round_time(micros, typmod));
    }
    let fields = decode_time(text, "time", input)?;
    Ok(round_time(fields.time_micros(), typmod))
}

/// `timetz_in`: microseconds since midnight and seconds east of UTC.
pub fn parse_timetz(text: &str, typmod: i32, input: &Input<'_>) -> Result<(i64, i32)> {
    let fields = decode_time(text, "time with time zone", input)?;
    if fields.east == i32::MIN {
        return Err(error(Bad::NoClock, text, "time with time zone"));
    }
    Ok((round_time(fields.time_micros(), typmod), fields.east))
}

const SCALES: [i64; 7] = [1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];

/// Rounds half away from zero to `10^-precision` seconds.
pub(super) fn round_to(micros: i64, precision: i32) -> i64 {
    let scale = SCALES[precision.clamp(0, 6) as usize];
    let half = scale / 2;
    if micros >= 0 { (micros + half) / scale * scale } else { -((-micros + half) / scale * scale) }
}

/// A time under `time(p)`.
pub fn round_time(micros: i64, typmod: i32) -> i64 {
    if (0..6).contains(&typmod) { round_to(micros, typmod) } else { micros }
}

/// A timestamp under `timestamp(p)`.
pub fn round_timestamp(micros: i64, typmod: i32) -> Result<i64> {
    if !(0..6).contains(&typmod) || micros == TIMESTAMP_INFINITY || micros == TIMESTAMP_NEG_INFINITY {
        return Ok(micros);
    }
    // PostgreSQL rounds what it counts from 2000; whole seconds apart, that is the same except for ties before 2000.
    let rounded = round_to(micros.saturating_sub(super::PG_EPOCH_MICROS), typmod).checked_add(super::PG_EPOCH_MICROS);
    rounded
        .filter(|m| valid_timestamp(*m))
        .ok_or_else(|| Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "timestamp out of range"))
}
