//! Dates, times and intervals: arithmetic with PostgreSQL's carrying, limits and infinities.

use super::*;
use crate::types::datetime::{civil, coerce_interval, valid_timestamp};

const USECS_PER_SEC: i64 = 1_000_000;
const USECS_PER_DAY: i64 = 86_400 * USECS_PER_SEC;
/// DuckDB's infinities.
const INFINITE_DATE: i32 = i32::MAX;
const INFINITE_TIMESTAMP: i64 = i64::MAX;
/// PostgreSQL's range of date: 4713-11-24 BC to 5874897-12-31.
const DATE_RANGE: std::ops::RangeInclusive<i64> = -2_440_588..=2_145_042_905;

pub(super) fn natives() -> Vec<Native> {
    let mut all = arithmetic();
    all.extend(scales());
    all.extend(intervals());
    all.extend(makers());
    all.push(native2::<str, Timestamp, Timestamp>("dg_date_trunc_timestamp", |unit, ts| {
        if ts.abs() == INFINITE_TIMESTAMP {
            return Ok(Some(ts));
        }
        truncate(unit, ts).map(Some)
    }));
    all.push(native2::<str, Interval, Interval>("dg_date_trunc_interval", |unit, v| {
        truncate_interval(unit, v).map(Some)
    }));
    all.push(native2::<str, Interval, NumericText>("dg_extract_interval", |unit, v| {
        extract_interval(unit, v).map(Some)
    }));
    all.push(native2::<str, Time, NumericText>("dg_extract_time", |unit, t| extract_time(unit, t).map(Some)));
    all.push(native2::<Timestamp, Timestamp, Interval>("dg_age", |a, b| age(a, b).map(Some)));
    all
}

/// A value of type `time(p)`, `timestamp(p)`, `interval day to minute` … rounded to its precision, cut to its fields.
fn scales() -> Vec<Native> {
    vec![
        native2::<Time, i32, Time>("dg_time_scale", |t, p| Ok(Some(to_precision(t, p)))),
        native2::<Timestamp, i32, Timestamp>("dg_timestamp_scale", |t, p| Ok(Some(to_precision(t, p)))),
        native2::<TimestampTz, i32, TimestampTz>("dg_timestamptz_scale", |t, p| Ok(Some(to_precision(t, p)))),
        native2::<Interval, i32, Interval>("dg_interval_scale", |v, typmod| {
            let (months, days, micros) = coerce_interval(v.months, v.days, v.micros, typmod)?;
            Ok(Some(Interval { months, days, micros }))
        }),
    ]
}

/// Rounds microseconds half away from zero to `p` digits of a second.
pub(super) fn to_precision(micros: i64, p: i32) -> i64 {
    if !(0..6).contains(&p) || micros.abs() == INFINITE_TIMESTAMP {
        return micros;
    }
    let step = 10_i64.pow(6 - p as u32);
    let half = step / 2;
    if micros >= 0 { (micros + half) / step * step } else { -((-micros + half) / step * step) }
}

fn arithmetic() -> Vec<Native> {
    vec![
        native2::<Date, i32, Date>("dg_date_pli", |d, n| date_add(d, i64::from(n)).map(Some)),
        native2::<Date, i32, Date>("dg_date_mii", |d, n| date_add(d, -i64::from(n)).map(Some)),
        native2::<Date, Date, i32>("dg_date_mi", |a, b| {
            if is_infinite_date(a) || is_infinite_date(b) {
                return Err(Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "cannot subtract infinite dates"));
            }
            Ok(Some(a.wrapping_sub(b)))
        }),
        native2::<Timestamp, Timestamp, Interval>("dg_timestamp_mi", |a, b| {
            if a.abs() == INFINITE_TIMESTAMP || b.abs() == INFINITE_TIMESTAMP {
                return Err(Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "cannot subtract infinite timestamps"));
            }
            let micros = a.checked_sub(b).ok_or_else(interval_out_of_range)?;
            justify_hours(Interval { months: 0, days: 0, micros }).map(Some)
        }),
        native2::<Time, Time, Interval>("dg_time_mi_time", |a, b| {
            Ok(Some(Interval { months: 0, days: 0, micros: a - b }))
        }),
        native1::<Time, Interval>("dg_time_to_interval", |t| Ok(Some(Interval { months: 0, days: 0, micros: t }))),
        native1::<Interval, Time>("dg_interval_to_time", |v| Ok(Some(v.micros.rem_euclid(USECS_PER_DAY)))),
    ]
}

/// An interval that is equal in PostgreSQL's eyes, where months have 30 days and days 24 hours, and that DuckDB compares as
/// PostgreSQL does: days and microseconds are not negative and less than a month and a day.
fn key(v: Interval) -> Interval {
    let micros = i128::from(v.micros) + i128::from(USECS_PER_DAY) * (i128::from(v.days) + 30 * i128::from(v.months));
    let (days, micros) = (micros.div_euclid(USECS_PER_DAY.into()), micros.rem_euclid(USECS_PER_DAY.into()));
    // At the very ends the months are full, and the days take what is left.
    let months = days.div_euclid(30).clamp(i32::MIN.into(), i32::MAX.into());
    let days = days - 30 * months;
    Interval { months: months as i32, days: days as i32, micros: micros as i64 }
}

fn intervals() -> Vec<Native> {
    vec![
        native2::<Interval, Interval, Interval>("dg_interval_pl", |a, b| add(a, b).map(Some)),
        native2::<Interval, Interval, Interval>("dg_interval_mi", |a, b| add(a, negate(b)?).map(Some)),
        native1::<Interval, Interval>("dg_interval_key", |v| Ok(Some(key(v)))),
        native1::<Interval, Interval>("dg_interval_um", |v| negate(v).map(Some)),
        native2::<Interval, f64, Interval>("dg_interval_mul", |v, factor| multiply(v, factor, |x, f| x * f).map(Some)),
        native2::<Interval, f64, Interval>("dg_interval_div", |v, divisor| {
            if divisor == 0.0 {
                return Err(Error::new(SqlState::DIVISION_BY_ZERO, "division by zero"));
            }
            multiply(v, divisor, |x, f| x / f).map(Some)
        }),
        native1::<Interval, Interval>("dg_justify_hours", |v| justify_hours(v).map(Some)),
        native1::<Interval, Interval>("dg_justify_days", |v| justify_days(v).map(Some)),
        native1::<Interval, Interval>("dg_justify_interval", |v| justify_interval(v).map(Some)),
    ]
}

fn makers() -> Vec<Native> {
    vec![
        native3::<i32, i32, i32, Date>("dg_make_date", |y, m, d| make_date(y, m, d).map(Some)),
        native3::<i32, i32, f64, Time>("dg_make_time", |h, m, s| make_time(h, m, s).map(Some)),
        native6::<i32, i32, i32, i32, i32, f64, Timestamp>("dg_make_timestamp", |y, mo, d, h, mi, s| {
            let days = i64::from(make_date(y, mo, d)?);
            let time = make_time(h, mi, s)?;
            let micros = days.checked_mul(USECS_PER_DAY).and_then(|day| day.checked_add(time));
            let Some(micros) = micros.filter(|micros| valid_timestamp(*micros)) else {
                let message = format!("timestamp out of range: {y}-{mo:02}-{d:02} {h}:{mi:02}:{s:02}");
                return Err(Error::new(SqlState::DATETIME_FIELD_OVERFLOW, message));
            };
            Ok(Some(micros))
        }),
        native7::<i32, i32, i32, i32, i32, i32, f64, Interval>("dg_make_interval", |y, mo, w, d, h, mi, s| {
            make_interval(y, mo, w, d, h, mi, s).ok_or_else(interval_out_of_range).map(Some)
        }),
        native1::<f64, TimestampTz>("dg_to_timestamp", |seconds| {
            if seconds.is_nan() {
                return Err(Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "timestamp cannot be NaN"));
            }
            if seconds.is_infinite() {
                return Ok(Some(if seconds > 0.0 { INFINITE_TIMESTAMP } else { -INFINITE_TIMESTAMP }));
            }
            let micros = (seconds * 1e6).round_ties_even();
            if !(-2.1e17..9.224318016e18).contains(&micros) {
                return Err(Error::new(
                    SqlState::DATETIME_FIELD_OVERFLOW,
                    format!("timestamp out of range: \"{seconds}\""),
                ));
            }
            Ok(Some(micros as i64))
        }),
    ]
}

fn is_infinite_date(d: i32) -> bool {
    d == INFINITE_DATE || d == -INFINITE_DATE
}

fn date_add(d: i32, n: i64) -> Result<i32> {
    if is_infinite_date(d) {
        return Ok(d);
    }
    let sum = i64::from(d) + n;
    if !DATE_RANGE.contains(&sum) {
        return Err(Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "date out of range"));
    }
    i32::try_from(sum).map_err(|_| Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "date out of range"))
}

pub(super) fn interval_out_of_range() -> Error {
    Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "interval out of range")
}

pub(super) fn add(a: Interval, b: Interval) -> Result<Interval> {
    let sum = || {
        Some(Interval {
            months: a.months.checked_add(b.months)?,
            days: a.days.checked_add(b.days)?,
            micros: a.micros.checked_add(b.micros)?,
        })
    };
    sum().ok_or_else(interval_out_of_range)
}

fn negate(v: Interval) -> Result<Interval> {
    let negated = || {
        Some(Interval { months: v.months.checked_neg()?, days: v.days.checked_neg()?, micros: v.micros.checked_neg()? })
    };
    negated().ok_or_else(interval_out_of_range)
}

/// interval_mul and interval_div: what is left of months goes to days (30 a month), of days to time.
pub(super) fn multiply(v: Interval, factor: f64, op: fn(f64, f64) -> f64) -> Result<Interval> {
    let fit =
        |x: f64| if x.is_nan() || x.abs() >= 2_147_483_648.0 { Err(interval_out_of_range()) } else { Ok(x as i32) };
    let round_micro = |x: f64| (x * 1e6).round_ties_even() / 1e6;
    let months_exact = op(f64::from(v.months), factor);
    let days_exact = op(f64::from(v.days), factor);
    let months = fit(months_exact)?;
    let mut days = fit(days_exact)?;
    let month_days = round_micro((months_exact - f64::from(months)) * 30.0);
    let mut seconds = round_micro((days_exact - f64::from(days) + month_days - month_days.trunc()) * 86_400.0);
    if seconds.abs() >= 86_400.0 {
        days = days.checked_add((seconds / 86_400.0) as i32).ok_or_else(interval_out_of_range)?;
        seconds -= f64::from((seconds / 86_400.0) as i32) * 86_400.0;
    }
    days = days.checked_add(month_days as i32).ok_or_else(interval_out_of_range)?;
    let micros = (op(v.micros as f64, factor) + seconds * 1e6).round_ties_even();
    if micros.is_nan() || micros.abs() >= 9.223372036854775e18 {
        return Err(interval_out_of_range());
    }
    Ok(Interval { months, days, micros: micros as i64 })
}

fn justify_hours(v: Interval) -> Result<Interval> {
    let whole = v.micros / USECS_PER_DAY;
    let mut days = i64::from(v.days) + whole;
    let mut micros = v.micros - whole * USECS_PER_DAY;
    if days > 0 && micros < 0 {
        micros += USECS_PER_DAY;
        days -= 1;
    } else if days < 0 && micros > 0 {
        micros -= USECS_PER_DAY;
        days += 1;
    }
    Ok(Interval { months: v.months, days: i32::try_from(days).map_err(|_| interval_out_of_range())?, micros })
}

fn justify_days(v: Interval) -> Result<Interval> {
    let whole = v.days / 30;
    let mut days = v.days - whole * 30;
    let mut months = v.months.checked_add(whole).ok_or_else(interval_out_of_range)?;
    if months > 0 && days < 0 {
        days += 30;
        months -= 1;
    } else if months < 0 && days > 0 {
        days -= 30;
        months += 1;
    }
    Ok(Interval { months, days, micros: v.micros })
}

/// All three parts get the same sign, days below 30, time below a day.
fn justify_interval(v: Interval) -> Result<Interval> {
    let whole_days = v.micros / USECS_PER_DAY;
    let mut micros = v.micros - whole_days * USECS_PER_DAY;
    let mut days = i64::from(v.days) + whole_days;
    let whole_months = days / 30;
    days -= whole_months * 30;
    let mut months = i64::from(v.months) + whole_months;
    if months > 0 && (days < 0 || (days == 0 && micros < 0)) {
        days += 30;
        months -= 1;
    } else if months < 0 && (days > 0 || (days == 0 && micros > 0)) {
        days -= 30;
        months += 1;
    }
    if days > 0 && micros < 0 {
        micros += USECS_PER_DAY;
        days -= 1;
    } else if days < 0 && micros > 0 {
        micros -= USECS_PER_DAY;
        days += 1;
    }
    Ok(Interval { months: i32::try_from(months).map_err(|_| interval_out_of_range())?, days: days as i32, micros })
}

/// Year, month, day, and microseconds of the day.
pub(super) fn split(ts: i64) -> (i64, i64, i64, i64) {
    let days = ts.div_euclid(USECS_PER_DAY);
    let (y, m, d) = civil::from_days(days as i32);
    (i64::from(y), i64::from(m), i64::from(d), ts.rem_euclid(USECS_PER_DAY))
}

fn join(y: i64, m: i64, d: i64, micros: i64) -> i64 {
    civil::to_days(y as i32, m as u32, d as u32) * USECS_PER_DAY + micros
}

pub(super) fn unknown_unit(unit: &str, ty: &str) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("unit \"{unit}\" not recognized for type {ty}"))
}

pub(super) fn truncate(unit: &str, ts: i64) -> Result<i64> {
    let (y, m, d, micros) = split(ts);
    let down = |step: i64| micros - micros % step;
    // Years count from 1 to 100 in a century; those before year 1 (astronomical 0 is 1 BC) count the other way.
    let span = |years: i64, first: i64| {
        if y > 0 {
            (y - first).div_euclid(years) * years + first
        } else {
            -((years - 1 - (y - first)) / years) * years + first
        }
    };
    Ok(match unit.to_lowercase().as_str() {
        "microsecond" | "microseconds" | "us" | "usec" | "usecs" | "usecond" | "useconds" => ts,
        "millisecond" | "milliseconds" | "ms" | "msec" | "msecs" | "msecond" | "mseconds" => join(y, m, d, down(1000)),
        "second" | "seconds" | "s" | "sec" | "secs" => join(y, m, d, down(USECS_PER_SEC)),
        "minute" | "minutes" | "m" | "min" | "mins" => join(y, m, d, down(60 * USECS_PER_SEC)),
        "hour" | "hours" | "h" | "hr" | "hrs" => join(y, m, d, down(3600 * USECS_PER_SEC)),
        "day" | "days" | "d" => join(y, m, d, 0),
        "week" | "weeks" | "w" => {
            let days = ts.div_euclid(USECS_PER_DAY);
            // 1970-01-01 was a Thursday.
            (days - (days + 3).rem_euclid(7)) * USECS_PER_DAY
        }
        "month" | "months" | "mon" | "mons" => join(y, m, 1, 0),
        "quarter" | "quarters" | "qtr" => join(y, (m - 1) / 3 * 3 + 1, 1, 0),
        "year" | "years" | "y" | "yr" | "yrs" => join(y, 1, 1, 0),
        "decade" | "decades" | "decs" | "dec" => join(y.div_euclid(10) * 10, 1, 1, 0),
        "century" | "centuries" | "c" | "cent" => join(span(100, 1), 1, 1, 0),
        "millennium" | "millennia" | "mil" | "mils" => join(span(1000, 1), 1, 1, 0),
        other => return Err(super::moment::bad_unit(other, "timestamp without time zone")),
    })
}

fn truncate_interval(unit: &str, v: Interval) -> Result<Interval> {
    let months = |step: i32| Interval { months: v.months / step * step, days: 0, micros: 0 };
    let time = |step: i64| Interval { micros: v.micros / step * step, ..v };
    Ok(match unit.to_lowercase().as_str() {
        "microsecond" | "microseconds" | "us" | "usec" | "usecs" => v,
        "millisecond" | "milliseconds" | "ms" | "msec" | "msecs" => time(1000),
        "second" | "seconds" | "s" | "sec" | "secs" => time(USECS_PER_SEC),
        "minute" | "minutes" | "m" | "min" | "mins" => time(60 * USECS_PER_SEC),
        "hour" | "hours" | "h" | "hr" | "hrs" => time(3600 * USECS_PER_SEC),
        "day" | "days" | "d" => Interval { micros: 0, ..v },
        "month" | "months" | "mon" | "mons" => months(1),
        "quarter" | "quarters" | "qtr" => months(3),
        "year" | "years" | "y" | "yr" | "yrs" => months(12),
        "decade" | "decades" | "decs" | "dec" => months(120),
        "century" | "centuries" | "c" | "cent" => months(1200),
        "millennium" | "millennia" | "mil" | "mils" => months(12_000),
        "week" | "weeks" | "w" => {
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("unit \"{unit}\" not supported for type interval"),
            )
            .detail("Months usually have fractional weeks."));
        }
        other => return Err(super::moment::bad_unit(other, "interval")),
    })
}

/// Microseconds as seconds (six digits after the point) or milliseconds (three).
pub(super) fn decimal(micros: i128, digits: u32) -> String {
    let unit = 10_i128.pow(digits);
    let sign = if micros < 0 { "-" } else { "" };
    let (whole, part) = (micros.abs() / unit, micros.abs() % unit);
    format!("{sign}{whole}.{part:0width$}", width = digits as usize)
}

fn extract_interval(unit: &str, v: Interval) -> Result<String> {
    let seconds = v.micros % (60 * USECS_PER_SEC);
    let years = v.months / 12;
    Ok(match unit.to_lowercase().as_str() {
        "microsecond" | "microseconds" | "us" | "usec" | "usecs" => seconds.to_string(),
        "millisecond" | "milliseconds" | "ms" | "msec" | "msecs" => decimal(i128::from(seconds), 3),
        "second" | "seconds" | "s" | "sec" | "secs" => decimal(i128::from(seconds), 6),
        "minute" | "minutes" | "m" | "min" | "mins" => (v.micros / (60 * USECS_PER_SEC) % 60).to_string(),
        "hour" | "hours" | "h" | "hr" | "hrs" => (v.micros / (3600 * USECS_PER_SEC)).to_string(),
        "day" | "days" | "d" => v.days.to_string(),
        "month" | "months" | "mon" | "mons" => (v.months % 12).to_string(),
        "quarter" | "quarters" | "qtr" => (v.months % 12 / 3 + 1).to_string(),
        "year" | "years" | "y" | "yr" | "yrs" => years.to_string(),
        "decade" | "decades" | "decs" | "dec" => (years / 10).to_string(),
        "century" | "centuries" | "c" | "cent" => (years / 100).to_string(),
        "millennium" | "millennia" | "mil" | "mils" => (years / 1000).to_string(),
        "epoch" => {
            // A year counts 365.25 days, a month that does not make one 30.
            let quarter_days = i128::from(years) * 1461 + i128::from(v.months % 12) * 120 + i128::from(v.days) * 4;
            decimal(quarter_days * i128::from(USECS_PER_DAY / 4) + i128::from(v.micros), 6)
        }
        other => return Err(super::moment::bad_unit(other, "interval")),
    })
}

fn extract_time(unit: &str, t: i64) -> Result<String> {
    let seconds = t % (60 * USECS_PER_SEC);
    Ok(match unit.to_lowercase().as_str() {
        "microsecond" | "microseconds" | "us" | "usec" | "usecs" => seconds.to_string(),
        "millisecond" | "milliseconds" | "ms" | "msec" | "msecs" => decimal(i128::from(seconds), 3),
        "second" | "seconds" | "s" | "sec" | "secs" => decimal(i128::from(seconds), 6),
        "minute" | "minutes" | "m" | "min" | "mins" => (t / (60 * USECS_PER_SEC) % 60).to_string(),
        "hour" | "hours" | "h" | "hr" | "hrs" => (t / (3600 * USECS_PER_SEC)).to_string(),
        "epoch" => decimal(i128::from(t), 6),
        other => return Err(super::moment::bad_unit(other, "time without time zone")),
    })
}

/// age(a, b): years, months and days counted by the calendar, then the time.
pub(super) fn age(a: i64, b: i64) -> Result<Interval> {
    if a.abs() == INFINITE_TIMESTAMP || b.abs() == INFINITE_TIMESTAMP {
        return Err(interval_out_of_range());
    }
    let ((y1, m1, d1, t1), (y2, m2, d2, t2)) = (split(a), split(b));
    let sign = if a < b { -1 } else { 1 };
    let mut micros = sign * (t1 - t2);
    let mut days = sign * (d1 - d2);
    let mut months = sign * (m1 - m2);
    let mut years = sign * (y1 - y2);
    if micros < 0 {
        micros += USECS_PER_DAY;
        days -= 1;
    }
    while days < 0 {
        // A day borrowed comes from the earlier moment's month.
        days += i64::from(if sign < 0 {
            civil::days_in_month(y1 as i32, m1 as u32)
        } else {
            civil::days_in_month(y2 as i32, m2 as u32)
        });
        months -= 1;
    }
    if months < 0 {
        months += 12;
        years -= 1;
    }
    let months = i32::try_from(years * 12 + months).map_err(|_| interval_out_of_range())?;
    Ok(Interval { months: sign as i32 * months, days: (sign * days) as i32, micros: sign * micros })
}

fn make_date(y: i32, m: i32, d: i32) -> Result<i32> {
    let fail =
        || Error::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("date field value out of range: {y}-{m:02}-{d:02}"));
    if y == 0 || !(1..=12).contains(&m) {
        return Err(fail());
    }
    // Negative years are BC: -1 is astronomical 0.
    let astronomical = y + i32::from(y < 0);
    if d < 1 || i64::from(d) > i64::from(civil::days_in_month(astronomical, m as u32)) {
        return Err(fail());
    }
    let days = civil::to_days(astronomical, m as u32, d as u32);
    if !DATE_RANGE.contains(&days) {
        return Err(Error::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("date out of range: {y}-{m:02}-{d:02}")));
    }
    Ok(days as i32)
}

fn make_time(h: i32, m: i32, s: f64) -> Result<i64> {
    let fail =
        || Error::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("time field value out of range: {h}:{m:02}:{s}"));
    if !(0..=24).contains(&h) || !(0..60).contains(&m) || !(0.0..=60.0).contains(&s) {
        return Err(fail());
    }
    let micros = (i64::from(h) * 60 + i64::from(m)) * 60 * USECS_PER_SEC + (s * 1e6).round_ties_even() as i64;
    if micros > USECS_PER_DAY { Err(fail()) } else { Ok(micros) }
}

fn make_interval(y: i32, mo: i32, w: i32, d: i32, h: i32, mi: i32, s: f64) -> Option<Interval> {
    if !s.is_finite() {
        return None;
    }
    let months = y.checked_mul(12)?.checked_add(mo)?;
    let days = w.checked_mul(7)?.checked_add(d)?;
    // A cast of what is larger stops at the greatest number.
    let seconds = (s * 1e6).round_ties_even() as i64;
    let micros = ((i64::from(h) * 3600 + i64::from(mi) * 60) * USECS_PER_SEC).checked_add(seconds)?;
    Some(Interval { months, days, micros })
}
