//! The TimeZone setting: IANA names, POSIX offsets, and plain hours east of UTC.

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::error::{Error, Result};
use crate::types::datetime::zone::Zone;

/// The name as SHOW prints it. `None` if there is no such zone; an error if there is one that DuckDB cannot do.
///
/// A number is hours east, and so is what an interval says; PostgreSQL shows them in POSIX form (`5` → `<+05>-05`), and
/// takes everything else that looks like an offset as POSIX does: `+05:30` is west of Greenwich.
pub fn canonical(text: &str) -> Option<Result<String>> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    if let Some(interval) = text.get(..8).filter(|word| word.eq_ignore_ascii_case("interval")).map(|_| &text[8..]) {
        let seconds = interval_seconds(interval.trim().strip_prefix('\'')?.strip_suffix('\'')?)?;
        return Some(whole_hours(seconds).map(|()| posix(seconds)));
    }
    if let Ok(hours) = text.parse::<f64>() {
        let seconds = (hours.abs() < 168.0).then_some((hours * 3600.0) as i32)?;
        return Some(whole_hours(seconds).map(|()| posix(seconds)));
    }
    if let Ok(zone) = TimeZone::get(text) {
        let name = zone.iana_name().unwrap_or(text);
        // jiff knows `UTC` and GMT under one name; PostgreSQL keeps the one that was asked for.
        let name = if name.eq_ignore_ascii_case(text) { name.to_owned() } else { text.to_owned() };
        return Some(Ok(name));
    }
    let offset = Zone::find(text)?.fixed_offset();
    Some(match offset {
        // As PostgreSQL reports it: pgjdbc understands GMT-3, not gmt-3.
        Some(offset) => whole_hours(offset).map(|()| text.to_ascii_uppercase()),
        None => Err(Error::unsupported("a time zone given as a rule")
            .hint("Name the zone, as in SET TimeZone TO 'Europe/Berlin'.")),
    })
}

/// What DuckDB's ICU calls this zone.
pub fn for_engine(name: &str) -> Arc<str> {
    if TimeZone::get(name).is_ok() {
        return name.into();
    }
    match Zone::find(name).and_then(|zone| zone.fixed_offset()).unwrap_or_default() / 3600 {
        0 => "UTC".into(),
        hours if hours > 0 => format!("Etc/GMT-{hours}").into(),
        hours => format!("Etc/GMT+{}", -hours).into(),
    }
}

/// Seconds east of UTC of an interval of hours, minutes and seconds (`-08:30`).
fn interval_seconds(text: &str) -> Option<i32> {
    let text = text.trim();
    let (sign, body) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let parts: Vec<i32> = body.split(':').map(|p| p.parse().ok().filter(|n| *n < 168)).collect::<Option<_>>()?;
    match parts.as_slice() {
        [h] => Some(sign * h * 3600),
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
