//! to_char of timestamps and intervals.

use super::{Case, DAYS, Field, Key, MONTHS, Piece, ROMANS, format_error, ordinal, pieces};
use crate::engine::Native;
use crate::engine::budget::{spend, tick};
use crate::error::{Error, Result};
use crate::sql::signatures::native::{native_values, session_values};
use crate::types::datetime::zone::Zone;
use crate::types::datetime::{TIMESTAMP_INFINITY, civil};
use crate::types::{Phys, Value};

/// What fields are taken from.
struct Moment {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
    /// Days since 1970, for what only a date has; `None` of an interval.
    date: Option<i64>,
    day_of_year: i64,
    /// Seconds east of UTC, and the zone's abbreviation.
    zone: Option<(i32, String)>,
}

pub(super) fn natives() -> Vec<Native> {
    vec![
        native_values("dg_to_char_timestamp", vec![Phys::Timestamp, Phys::Text], Phys::Text, |args| {
            let (Value::Timestamp(micros), Value::Text(template)) = (&args[0], &args[1]) else { return wrong() };
            if micros.abs() == TIMESTAMP_INFINITY || template.is_empty() {
                return Ok(Value::Null);
            }
            write(template, &moment(*micros, None)).map(Value::text)
        }),
        session_values("dg_to_char_timestamptz", vec![Phys::TimestampTz, Phys::Text], Phys::Text, |settings, args| {
            let (Value::TimestampTz(micros), Value::Text(template)) = (&args[0], &args[1]) else { return wrong() };
            if micros.abs() == TIMESTAMP_INFINITY || template.is_empty() {
                return Ok(Value::Null);
            }
            let zone = Zone::named(&settings.time_zone)?;
            let utc = micros.div_euclid(1_000_000);
            let east = zone.offset_at(utc);
            let local = micros + i64::from(east) * 1_000_000;
            write(template, &moment(local, Some((east, zone.abbreviation_at(utc))))).map(Value::text)
        }),
        native_values("dg_to_char_interval", vec![Phys::Interval, Phys::Text], Phys::Text, |args| {
            let (Value::Interval { months, days, micros }, Value::Text(template)) = (&args[0], &args[1]) else {
                return wrong();
            };
            if template.is_empty() {
                return Ok(Value::Null);
            }
            let (months, days) = (i64::from(*months), i64::from(*days));
            let moment = Moment {
                year: months / 12,
                month: months % 12,
                day: days,
                hour: micros / 3_600_000_000,
                minute: micros / 60_000_000 % 60,
                second: micros / 1_000_000 % 60,
                micros: micros % 1_000_000,
                date: None,
                day_of_year: months * 30 + days,
                zone: None,
            };
            write(template, &moment).map(Value::text)
        }),
    ]
}

fn wrong() -> Result<Value> {
    Err(Error::internal("to_char: an argument of another type"))
}

fn moment(micros: i64, zone: Option<(i32, String)>) -> Moment {
    const DAY: i64 = 86_400_000_000;
    let days = micros.div_euclid(DAY);
    let time = micros.rem_euclid(DAY);
    let (year, month, day) = civil::from_days(days as i32);
    Moment {
        year: i64::from(year),
        month: i64::from(month),
        day: i64::from(day),
        hour: time / 3_600_000_000,
        minute: time / 60_000_000 % 60,
        second: time / 1_000_000 % 60,
        micros: time % 1_000_000,
        date: Some(days),
        day_of_year: days - civil::to_days(year, 1, 1) + 1,
        zone,
    }
}

/// The ISO week and its year, of days since 1970.
pub(in crate::sql::signatures::native) fn iso_week(days: i64) -> (i64, i64) {
    // The week's Thursday tells the year. 1970-01-01 was one.
    let thursday = days - (days + 3).rem_euclid(7) + 3;
    let (year, _, _) = civil::from_days(thursday as i32);
    ((thursday - civil::to_days(year, 1, 1)) / 7 + 1, i64::from(year))
}

/// The Monday of an ISO year's first week.
pub(super) fn iso_year_start(year: i64) -> i64 {
    let fourth = civil::to_days(year as i32, 1, 4);
    fourth - (fourth + 3).rem_euclid(7)
}

fn write(template: &str, moment: &Moment) -> Result<String> {
    spend(template.len().saturating_mul(size_of::<Piece>()))?;
    let mut out = String::new();
    for piece in pieces(template, false) {
        tick()?;
        match piece {
            Piece::Field(field) => write_field(&mut out, &field, moment)?,
            Piece::Char(c) | Piece::Literal(c) => out.push(c),
            Piece::Space => out.push(' '),
            Piece::Separator => {}
        }
    }
    Ok(out)
}

fn cased(text: &str, case: Case) -> String {
    match case {
        Case::Upper => text.to_uppercase(),
        Case::Lower => text.to_lowercase(),
        Case::Capital => text.to_owned(),
    }
}

/// A year as people count it: 1 BC is 1.
fn counted(year: i64, interval: bool) -> i64 {
    if interval || year > 0 { year } else { 1 - year }
}

fn write_field(out: &mut String, field: &Field, m: &Moment) -> Result<()> {
    let interval = m.date.is_none();
    let dated = || {
        m.date.ok_or_else(|| {
            format_error("invalid format specification for an interval value")
                .hint("Intervals are not tied to specific calendar dates.")
        })
    };
    let name = |text: &str, width: usize| {
        let text = cased(text, field.case);
        if field.fill { text } else { format!("{text:width$}") }
    };
    // Padded with zeros, one place more for a sign.
    let number = |value: i64, width: usize| {
        let width = if field.fill { 0 } else { width + usize::from(value < 0) };
        format!("{value:0width$}")
    };
    let plain = |value: i64, width: usize| {
        let width = if field.fill { 0 } else { width };
        format!("{value:0width$}")
    };
    let text = match field.key {
        Key::Half { dots } => {
            let text = match (m.hour.rem_euclid(24) < 12, dots) {
                (true, true) => "A.M.",
                (true, false) => "AM",
                (false, true) => "P.M.",
                (false, false) => "PM",
            };
            out.push_str(&cased(text, field.case));
            return Ok(());
        }
        Key::Era { dots } => {
            dated()?;
            let text = match (m.year > 0, dots) {
                (true, true) => "A.D.",
                (true, false) => "AD",
                (false, true) => "B.C.",
                (false, false) => "BC",
            };
            out.push_str(&cased(text, field.case));
            return Ok(());
        }
        Key::Hour12 => number(if m.hour % 12 == 0 { 12 } else { m.hour % 12 }, 2),
        Key::Hour24 => number(m.hour, 2),
        Key::Minute => number(m.minute, 2),
        Key::Second => number(m.second, 2),
        Key::Fraction(n) => {
            let value = m.micros / 10_i64.pow(6 - u32::from(n));
            format!("{value:0width$}", width = usize::from(n))
        }
        Key::Milliseconds => format!("{:03}", m.micros / 1000),
        Key::Microseconds => format!("{:06}", m.micros),
        Key::DaySeconds => (m.hour * 3600 + m.minute * 60 + m.second).to_string(),
        Key::Zone | Key::ZoneHour | Key::ZoneMinute | Key::Offset => {
            dated()?;
            out.push_str(&zone_text(field, m));
            return Ok(());
        }
        Key::MonthName | Key::MonthShort => {
            dated()?;
            let full = MONTHS[(m.month - 1).clamp(0, 11) as usize];
            out.push_str(&if field.key == Key::MonthName { name(full, 9) } else { cased(&full[..3], field.case) });
            return Ok(());
        }
        Key::Month => number(m.month, 2),
        Key::DayName | Key::DayShort => {
            let full = DAYS[(dated()? + 4).rem_euclid(7) as usize];
            out.push_str(&if field.key == Key::DayName { name(full, 9) } else { cased(&full[..3], field.case) });
            return Ok(());
        }
        Key::DayOfYear => plain(m.day_of_year, 3),
        Key::IsoDayOfYear => {
            let days = dated()?;
            number(days - iso_year_start(iso_week(days).1) + 1, 3)
        }
        Key::Day => plain(m.day, 2),
        Key::Weekday => ((dated()? + 4).rem_euclid(7) + 1).to_string(),
        Key::IsoWeekday => ((dated()? + 3).rem_euclid(7) + 1).to_string(),
        Key::Week => number((m.day_of_year - 1) / 7 + 1, 2),
        Key::IsoWeek => number(iso_week(dated()?).0, 2),
        Key::MonthWeek => ((m.day - 1) / 7 + 1).to_string(),
        Key::Quarter if m.month == 0 => return Ok(()),
        Key::Quarter => ((m.month - 1) / 3 + 1).to_string(),
        Key::Century => {
            let century = match (interval, m.year > 0) {
                (true, _) => m.year / 100,
                (false, true) => (m.year - 1) / 100 + 1,
                (false, false) => m.year / 100 - 1,
            };
            if century.abs() <= 99 { number(century, 2) } else { century.to_string() }
        }
        Key::YearComma => {
            let year = counted(m.year, interval);
            format!("{},{:03}", year / 1000, year % 1000)
        }
        Key::Year(digits) => year_text(counted(m.year, interval), digits, &number),
        Key::IsoYear(digits) => {
            let year = counted(iso_week(dated()?).1, interval);
            year_text(year, digits, &number)
        }
        Key::Roman if m.month == 0 && m.year == 0 => return Ok(()),
        Key::Roman => {
            let index = match m.month {
                0 => {
                    if m.year >= 0 {
                        11
                    } else {
                        0
                    }
                }
                n if n < 0 => 12 + n.clamp(-12, -1),
                n => (n - 1).clamp(0, 11),
            };
            let text = cased(ROMANS[index as usize], field.case);
            out.push_str(&if field.fill { text } else { format!("{text:4}") });
            return Ok(());
        }
        Key::Julian => match m.date {
            Some(days) => (days + 2_440_588).to_string(),
            None => return Err(Error::unsupported("to_char of an interval with the pattern J")),
        },
        Key::Exact => return Ok(()),
    };
    out.push_str(&text);
    if let Some(upper) = field.ordinal {
        out.push_str(ordinal(&text, upper));
    }
    Ok(())
}

fn year_text(year: i64, digits: u8, number: &dyn Fn(i64, usize) -> String) -> String {
    match digits {
        4 => number(year, 4),
        n => number(year % 10_i64.pow(u32::from(n)), usize::from(n)),
    }
}

fn zone_text(field: &Field, m: &Moment) -> String {
    let (east, abbreviation) = m.zone.clone().unwrap_or((0, String::new()));
    let sign = if east < 0 { '-' } else { '+' };
    let (hours, minutes) = (east.abs() / 3600, east.abs() / 60 % 60);
    match field.key {
        Key::Zone if field.case == Case::Lower => abbreviation.to_lowercase(),
        Key::Zone => abbreviation,
        Key::ZoneHour => format!("{sign}{hours:02}"),
        Key::ZoneMinute => format!("{minutes:02}"),
        _ => {
            let mut text = if field.fill { format!("{sign}{hours}") } else { format!("{sign}{hours:02}") };
            if minutes != 0 {
                text.push_str(&format!(":{minutes:02}"));
            }
            text
        }
    }
}
