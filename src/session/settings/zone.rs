//! The TimeZone setting: IANA names, POSIX offsets, and plain hours east of UTC.

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::error::{Error, Result};

/// The name as SHOW prints it. `None` if there is no such zone; an error if there is one that DuckDB cannot do.
///
/// A number is hours east, which PostgreSQL shows in POSIX form (`5` → `<+05>-05`: POSIX counts west).
pub fn canonical(text: &str) -> Option<Result<String>> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    if let Some(seconds) = seconds_east(text) {
        return Some(whole_hours(seconds).map(|_| posix(seconds)));
    }
    if let Ok(zone) = TimeZone::get(text) {
        let name = zone.iana_name().unwrap_or(text);
        // jiff knows `UTC` and GMT under one name; PostgreSQL keeps the one that was asked for.
        let name = if name.eq_ignore_ascii_case(text) { name.to_owned() } else { text.to_owned() };
        return Some(Ok(name));
    }
    let zone = TimeZone::posix(text).ok()?;
    let offset = zone.to_fixed_offset().ok()?.seconds();
    Some(whole_hours(offset).map(|_| text.to_owned()))
}

/// What DuckDB's ICU calls this zone.
pub fn for_engine(name: &str) -> Arc<str> {
    if TimeZone::get(name).is_ok() {
        return name.into();
    }
    let offset = TimeZone::posix(name).ok().and_then(|z| z.to_fixed_offset().ok()).map_or(0, |o| o.seconds());
    match offset / 3600 {
        0 => "UTC".into(),
        hours if hours > 0 => format!("Etc/GMT-{hours}").into(),
        hours => format!("Etc/GMT+{}", -hours).into(),
    }
}

/// Seconds east of UTC, if the text is a number of hours (`-5.5`) or PostgreSQL's `INTERVAL '-08:00'` (`-08:00:00`).
fn seconds_east(text: &str) -> Option<i32> {
    if let Ok(hours) = text.parse::<f64>() {
        return (hours.abs() < 168.0).then_some((hours * 3600.0) as i32);
    }
    let (sign, body) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let parts: Vec<i32> = body.split(':').map(|p| p.parse().ok()).collect::<Option<_>>()?;
    match parts.as_slice() {
        [h, m] => Some(sign * (h * 3600 + m * 60)),
        [h, m, s] => Some(sign * (h * 3600 + m * 60 + s)),
        _ => None,
    }
}

/// DuckDB's fixed zones are whole hours within a day.
fn whole_hours(seconds: i32) -> Result<()> {
    if seconds % 3600 == 0 && (-12 * 3600..=14 * 3600).contains(&seconds) {
        return Ok(());
    }
    Err(Error::unsupported("a time zone given as an offset that is not a whole number of hours from -12 to 14")
        .hint("Name the zone, as in SET TimeZone TO 'Asia/Kolkata'."))
}

fn posix(seconds: i32) -> String {
    let sign = |negative| if negative { '-' } else { '+' };
    let (hours, minutes) = (seconds.abs() / 3600, seconds.abs() % 3600 / 60);
    let size = if minutes == 0 { format!("{hours:02}") } else { format!("{hours:02}:{minutes:02}") };
    format!("<{}{size}>{}{size}", sign(seconds < 0), sign(seconds >= 0))
}
