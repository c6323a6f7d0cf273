//! Output of dates, times and intervals in every DateStyle and IntervalStyle.

use bytes::BufMut;

use super::zone::Zone;
use super::{
    DATE_INFINITY, DATE_NEG_INFINITY, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND,
    TIMESTAMP_INFINITY, TIMESTAMP_NEG_INFINITY, civil,
};
use crate::types::text::digits::{iso_date, pair, put_int, put_padded2, put_uint};
use crate::types::{DateOrder, DateStyle, IntervalStyle, OutputSettings};

const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `YYYY-MM-DD HH:MM:SS` for years of four digits: the form of nearly all output.
#[inline]
fn put_iso_timestamp(out: &mut Vec<u8>, year: u32, month: u32, day: u32, time: i64) {
    let seconds = (time / MICROS_PER_SECOND) as u32;
    let [h1, h2] = pair(seconds / 3600);
    let [m1, m2] = pair(seconds / 60 % 60);
    let [s1, s2] = pair(seconds % 60);
    out.put_slice(&iso_date(year, month, day));
    out.put_slice(&[b' ', h1, h2, b':', m1, m2, b':', s1, s2]);
    put_fraction(out, (time % MICROS_PER_SECOND) as u32);
}

/// The year as it is printed (1 BC is 1), and whether BC follows.
fn printed_year(year: i32) -> (u32, bool) {
    if year > 0 { (year as u32, false) } else { ((1 - year) as u32, true) }
}

/// At least four digits.
#[inline]
fn put_year(out: &mut Vec<u8>, year: u32) {
    if year < 10_000 {
        put_padded2(out, year / 100);
        put_padded2(out, year % 100);
    } else {
        put_uint(out, u64::from(year));
    }
}

#[inline]
fn put_ymd(out: &mut Vec<u8>, days: i32) -> bool {
    let (year, month, day) = civil::from_days(days);
    if (1..10_000).contains(&year) {
        out.put_slice(&iso_date(year as u32, month, day));
        return false;
    }
    let (year, bc) = printed_year(year);
    put_year(out, year);
    out.put_u8(b'-');
    put_padded2(out, month);
    out.put_u8(b'-');
    put_padded2(out, day);
    bc
}

/// `date_out` in ISO style of a year of four digits.
#[inline]
pub fn short_date(days: i32, settings: &OutputSettings) -> Option<[u8; 10]> {
    if settings.date_style != DateStyle::Iso {
        return None;
    }
    let (year, month, day) = civil::from_days(days);
    (1..10_000).contains(&year).then(|| iso_date(year as u32, month, day))
}

/// `date_out`.
#[inline]
pub fn write_date(out: &mut Vec<u8>, days: i32, settings: &OutputSettings) {
    match days {
        DATE_INFINITY => return out.put_slice(b"infinity"),
        DATE_NEG_INFINITY => return out.put_slice(b"-infinity"),
        _ => {}
    }
    let bc = match settings.date_style {
        DateStyle::Iso => put_ymd(out, days),
        DateStyle::Sql => put_numeric_date(out, days, b'/', settings.date_order),
        DateStyle::German => put_numeric_date(out, days, b'.', DateOrder::Dmy),
        DateStyle::Postgres => put_numeric_date(out, days, b'-', settings.date_order),
    };
    if bc {
        out.put_slice(b" BC");
    }
}

/// `MM/DD/YYYY`, or with the day first.
fn put_numeric_date(out: &mut Vec<u8>, days: i32, separator: u8, order: DateOrder) -> bool {
    let (year, month, day) = civil::from_days(days);
    let (first, second) = match order {
        DateOrder::Dmy => (day, month),
        DateOrder::Mdy | DateOrder::Ymd => (month, day),
    };
    put_padded2(out, first);
    out.put_u8(separator);
    put_padded2(out, second);
    out.put_u8(separator);
    let (year, bc) = printed_year(year);
    put_year(out, year);
    bc
}

/// `HH:MM:SS[.ffffff]` without trailing zeros in the fraction. `micros` is not negative.
#[inline]
pub fn write_time(out: &mut Vec<u8>, micros: i64) {
    let seconds = (micros / MICROS_PER_SECOND) as u32;
    put_padded2(out, seconds / 3600);
    out.put_u8(b':');
    put_padded2(out, seconds / 60 % 60);
    out.put_u8(b':');
    put_padded2(out, seconds % 60);
    put_fraction(out, (micros % MICROS_PER_SECOND) as u32);
}

#[inline]
fn put_fraction(out: &mut Vec<u8>, mut fraction: u32) {
    if fraction == 0 {
        return;
    }
    let mut buf = *b".000000";
    for place in (1..7).rev() {
        buf[place] = b'0' + (fraction % 10) as u8;
        fraction /= 10;
    }
    let mut len = 7;
    while buf[len - 1] == b'0' {
        len -= 1;
    }
    out.put_slice(&buf[..len]);
}

/// `+HH[:MM[:SS]]`.
#[inline]
pub fn write_offset(out: &mut Vec<u8>, east: i32) {
    out.put_u8(if east < 0 { b'-' } else { b'+' });
    let seconds = east.unsigned_abs();
    put_padded2(out, seconds / 3600);
    if !seconds.is_multiple_of(3600) {
        out.put_u8(b':');
        put_padded2(out, seconds / 60 % 60);
        if !seconds.is_multiple_of(60) {
            out.put_u8(b':');
            put_padded2(out, seconds % 60);
        }
    }
}

/// `timetz_out`.
pub fn write_timetz(out: &mut Vec<u8>, micros: i64, east: i32) {
    write_time(out, micros);
    write_offset(out, east);
}

/// `timestamp_out`.
#[inline]
pub fn write_timestamp(out: &mut Vec<u8>, micros: i64, settings: &OutputSettings) {
    if put_infinity(out, micros) {
        return;
    }
    put_timestamp(out, micros, None, settings);
}

fn put_infinity(out: &mut Vec<u8>, micros: i64) -> bool {
    match micros {
        TIMESTAMP_INFINITY => out.put_slice(b"infinity"),
        TIMESTAMP_NEG_INFINITY => out.put_slice(b"-infinity"),
        _ => return false,
    }
    true
}

/// `timestamptz_out`: `micros` in UTC, printed in `zone`.
#[inline]
pub fn write_timestamptz(out: &mut Vec<u8>, micros: i64, zone: &Zone, settings: &OutputSettings) {
    if put_infinity(out, micros) {
        return;
    }
    let seconds = micros.div_euclid(MICROS_PER_SECOND);
    let east = zone.offset_at(seconds);
    let local = micros.saturating_add(i64::from(east) * MICROS_PER_SECOND);
    let abbreviation = (settings.date_style != DateStyle::Iso).then(|| zone.abbreviation_at(seconds));
    put_timestamp(out, local, Some((east, abbreviation.as_deref())), settings);
}

fn put_timestamp(out: &mut Vec<u8>, local: i64, zone: Option<(i32, Option<&str>)>, settings: &OutputSettings) {
    let days = local.div_euclid(MICROS_PER_DAY) as i32;
    let time = local.rem_euclid(MICROS_PER_DAY);
    let bc = match settings.date_style {
        DateStyle::Iso => {
            let (year, month, day) = civil::from_days(days);
            let bc = if (1..10_000).contains(&year) {
                put_iso_timestamp(out, year as u32, month, day, time);
                false
            } else {
                let bc = put_ymd(out, days);
                out.put_u8(b' ');
                write_time(out, time);
                bc
            };
            if let Some((east, _)) = zone {
                write_offset(out, east);
            }
            bc
        }
        DateStyle::Sql | DateStyle::German => {
            let bc = if settings.date_style == DateStyle::Sql {
                put_numeric_date(out, days, b'/', settings.date_order)
            } else {
                put_numeric_date(out, days, b'.', DateOrder::Dmy)
            };
            out.put_u8(b' ');
            write_time(out, time);
            put_zone(out, zone, false);
            bc
        }
        DateStyle::Postgres => {
            let (year, month, day) = civil::from_days(days);
            out.put_slice(WEEKDAYS[civil::weekday(days) as usize].as_bytes());
            out.put_u8(b' ');
            let month = MONTHS[month as usize - 1].as_bytes();
            if settings.date_order == DateOrder::Dmy {
                put_padded2(out, day);
                out.put_u8(b' ');
                out.put_slice(month);
            } else {
                out.put_slice(month);
                out.put_u8(b' ');
                put_padded2(out, day);
            }
            out.put_u8(b' ');
            write_time(out, time);
            out.put_u8(b' ');
            let (year, bc) = printed_year(year);
            put_year(out, year);
            put_zone(out, zone, true);
            bc
        }
    };
    if bc {
        out.put_slice(b" BC");
    }
}

/// The zone's abbreviation, or its offset where it has none.
fn put_zone(out: &mut Vec<u8>, zone: Option<(i32, Option<&str>)>, space: bool) {
    match zone {
        None => {}
        Some((_, Some(abbreviation))) if !abbreviation.is_empty() => {
            out.put_u8(b' ');
            out.put_slice(abbreviation.as_bytes());
        }
        Some((east, _)) => {
            if space {
                out.put_u8(b' ');
            }
            write_offset(out, east);
        }
    }
}

/// `interval_out` in the session's IntervalStyle.
pub fn write_interval(out: &mut Vec<u8>, months: i32, days: i32, micros: i64, style: IntervalStyle) {
    let parts = Parts::new(months, days, micros);
    match style {
        IntervalStyle::Postgres => parts.postgres(out),
        IntervalStyle::PostgresVerbose => parts.verbose(out),
        IntervalStyle::SqlStandard => parts.sql_standard(out),
        IntervalStyle::Iso8601 => parts.iso(out),
    }
}

/// An interval's fields, each with its own sign.
struct Parts {
    years: i32,
    months: i32,
    days: i32,
    hours: i64,
    minutes: i64,
    seconds: i64,
    fraction: i64,
}

impl Parts {
    fn new(months: i32, days: i32, micros: i64) -> Self {
        Self {
            years: months / 12,
            months: months % 12,
            days,
            hours: micros / MICROS_PER_HOUR,
            minutes: micros / MICROS_PER_MINUTE % 60,
            seconds: micros / MICROS_PER_SECOND % 60,
            fraction: micros % MICROS_PER_SECOND,
        }
    }

    fn has_time(&self) -> bool {
        self.hours != 0 || self.minutes != 0 || self.seconds != 0 || self.fraction != 0
    }

    fn negative_time(&self) -> bool {
        self.hours < 0 || self.minutes < 0 || self.seconds < 0 || self.fraction < 0
    }

    /// Seconds with fraction, without sign; at least `width` digits before the point.
    fn put_seconds(&self, out: &mut Vec<u8>, padded: bool) {
        let seconds = self.seconds.unsigned_abs() as u32;
        if padded {
            put_padded2(out, seconds);
        } else {
            put_uint(out, u64::from(seconds));
        }
        put_fraction(out, self.fraction.unsigned_abs() as u32);
    }

    fn put_clock(&self, out: &mut Vec<u8>, padded_hours: bool) {
        let hours = self.hours.unsigned_abs();
        if padded_hours && hours < 100 {
            put_padded2(out, hours as u32);
        } else {
            put_uint(out, hours);
        }
        out.put_u8(b':');
        put_padded2(out, self.minutes.unsigned_abs() as u32);
        out.put_u8(b':');
        self.put_seconds(out, true);
    }

    /// `1 year 2 mons -3 days +04:05:06`.
    fn postgres(&self, out: &mut Vec<u8>) {
        let mut empty = true;
        let mut negative_before = false;
        for (value, unit) in [(self.years, "year"), (self.months, "mon"), (self.days, "day")] {
            if value == 0 {
                continue;
            }
            if !empty {
                out.put_u8(b' ');
            }
            if negative_before && value > 0 {
                out.put_u8(b'+');
            }
            put_int(out, i64::from(value));
            out.put_u8(b' ');
            out.put_slice(unit.as_bytes());
            if value != 1 {
                out.put_u8(b's');
            }
            negative_before = value < 0;
            empty = false;
        }
        if empty || self.has_time() {
            let minus = self.negative_time();
            if !empty {
                out.put_u8(b' ');
            }
            if minus {
                out.put_u8(b'-');
            } else if negative_before {
                out.put_u8(b'+');
            }
            self.put_clock(out, true);
        }
    }

    /// `@ 1 year 2 mons 3 days 4 hours 5 mins 6 secs ago`: the first field's sign decides, the others are shown relative to it.
    fn verbose(&self, out: &mut Vec<u8>) {
        out.put_u8(b'@');
        let mut empty = true;
        let mut ago = false;
        let fields = [
            (i64::from(self.years), "year"),
            (i64::from(self.months), "mon"),
            (i64::from(self.days), "day"),
            (self.hours, "hour"),
            (self.minutes, "min"),
        ];
        for (value, unit) in fields {
            if value == 0 {
                continue;
            }
            let mut value = value;
            if empty {
                ago = value < 0;
                value = value.abs();
            } else if ago {
                value = -value;
            }
            out.put_u8(b' ');
            put_int(out, value);
            out.put_u8(b' ');
            out.put_slice(unit.as_bytes());
            if value != 1 {
                out.put_u8(b's');
            }
            empty = false;
        }
        if self.seconds != 0 || self.fraction != 0 {
            out.put_u8(b' ');
            if self.seconds < 0 || self.fraction < 0 {
                if empty {
                    ago = true;
                } else if !ago {
                    out.put_u8(b'-');
                }
            } else if ago {
                out.put_u8(b'-');
            }
            self.put_seconds(out, false);
            out.put_slice(if self.seconds.abs() != 1 || self.fraction != 0 { b" secs" } else { b" sec" });
            empty = false;
        }
        if empty {
            out.put_slice(b" 0");
        }
        if ago {
            out.put_slice(b" ago");
        }
    }

    /// `1-2`, `3 4:05:06`, or with a sign on each part where they differ or both kinds are there.
    fn sql_standard(&self, out: &mut Vec<u8>) {
        let has_year_month = self.years != 0 || self.months != 0;
        let has_day_time = self.days != 0 || self.has_time();
        let negative = self.years < 0 || self.months < 0 || self.days < 0 || self.negative_time();
        let positive = self.years > 0
            || self.months > 0
            || self.days > 0
            || self.hours > 0
            || self.minutes > 0
            || self.seconds > 0
            || self.fraction > 0;
        let sign = |out: &mut Vec<u8>, negative: bool| out.put_u8(if negative { b'-' } else { b'+' });
        let year_month = |out: &mut Vec<u8>| {
            put_uint(out, u64::from(self.years.unsigned_abs()));
            out.put_u8(b'-');
            put_uint(out, u64::from(self.months.unsigned_abs()));
        };
        let standard = !(positive && negative || has_year_month && has_day_time);
        if !negative && !positive {
            out.put_u8(b'0');
        } else if !standard {
            sign(out, self.years < 0 || self.months < 0);
            year_month(out);
            out.put_u8(b' ');
            sign(out, self.days < 0);
            put_uint(out, u64::from(self.days.unsigned_abs()));
            out.put_u8(b' ');
            sign(out, self.negative_time());
            self.put_clock(out, false);
        } else {
            if negative {
                out.put_u8(b'-');
            }
            if has_year_month {
                year_month(out);
            } else {
                if self.days != 0 {
                    put_uint(out, u64::from(self.days.unsigned_abs()));
                    out.put_u8(b' ');
                }
                self.put_clock(out, false);
            }
        }
    }

    /// `P1Y2M3DT4H5M6S`.
    fn iso(&self, out: &mut Vec<u8>) {
        if self.years == 0 && self.months == 0 && self.days == 0 && !self.has_time() {
            return out.put_slice(b"PT0S");
        }
        let field = |out: &mut Vec<u8>, value: i64, unit: u8| {
            if value != 0 {
                put_int(out, value);
                out.put_u8(unit);
            }
        };
        out.put_u8(b'P');
        field(out, i64::from(self.years), b'Y');
        field(out, i64::from(self.months), b'M');
        field(out, i64::from(self.days), b'D');
        if !self.has_time() {
            return;
        }
        out.put_u8(b'T');
        field(out, self.hours, b'H');
        field(out, self.minutes, b'M');
        if self.seconds != 0 || self.fraction != 0 {
            if self.seconds < 0 || self.fraction < 0 {
                out.put_u8(b'-');
            }
            self.put_seconds(out, false);
            out.put_u8(b'S');
        }
    }
}
