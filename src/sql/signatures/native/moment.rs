//! Dates and times: fields (extract), truncation and bins, OVERLAPS, zones, and arithmetic that DuckDB does otherwise at
//! infinities and limits.

use super::datetime::{decimal, interval_out_of_range, split, unknown_unit};
use super::template::iso_week;
use super::*;
use crate::types::datetime::civil;
use crate::types::datetime::zone::Zone;
use crate::types::datetime::{MAX_DATE, MIN_DATE, valid_timestamp};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
const INFINITE: i64 = i64::MAX;

pub(super) fn natives() -> Vec<Native> {
    let mut all = extracts();
    all.extend(zones());
    all.extend(sums());
    all.push(native3::<Interval, Timestamp, Timestamp, Timestamp>("dg_date_bin", |stride, ts, origin| {
        bin(stride, ts, origin).map(Some)
    }));
    all.push(session_values(
        "dg_date_trunc_timestamptz",
        vec![Phys::Text, Phys::TimestampTz],
        Phys::TimestampTz,
        |s, args| {
            let (Value::Text(unit), Value::TimestampTz(ts)) = (&args[0], &args[1]) else { return Ok(Value::Null) };
            truncate_in(unit, *ts, &Zone::named(&s.time_zone)?).map(Value::TimestampTz)
        },
    ));
    all.push(native3::<str, TimestampTz, str, TimestampTz>("dg_date_trunc_zone", |unit, ts, zone| {
        if ts.abs() == INFINITE { Ok(Some(ts)) } else { truncate_in(unit, ts, &find_zone(zone)?).map(Some) }
    }));
    all.push(native_values_or_null(
        "dg_overlaps",
        vec![Phys::Timestamp, Phys::Timestamp, Phys::Timestamp, Phys::Timestamp],
        Phys::Bool,
        |args| Ok(overlaps(args)),
    ));
    all
}

fn find_zone(name: &str) -> Result<Zone> {
    Zone::spelled(name)
        .ok_or_else(|| Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("time zone \"{name}\" not recognized")))
}

/// parse_sane_timezone: a number is an offset in ISO's sense and needs its sign.
fn sane_offset(name: &str, local: i64) -> Result<i32> {
    let invalid = |message: String| Error::new(SqlState::INVALID_PARAMETER_VALUE, message);
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(invalid(format!("invalid input syntax for type numeric time zone: \"{name}\""))
            .hint("Numeric time zones must have \"-\" or \"+\" as first character."));
    }
    match crate::types::datetime::offset_of_text(name) {
        Some(Ok(east)) => Ok(east),
        Some(Err(())) => Err(invalid(format!("numeric time zone \"{name}\" out of range"))),
        None => Ok(find_zone(name)?.offset_of_local(local.div_euclid(SECOND))),
    }
}

/// `extract` of every field from dates and timestamps; NULL where an infinite value has no such field.
fn extracts() -> Vec<Native> {
    vec![
        native2::<str, Date, NumericText>("dg_extract_date", |unit, d| {
            let ts = match d {
                i32::MAX => INFINITE,
                d if d == -i32::MAX => -INFINITE,
                d => i64::from(d) * DAY,
            };
            let unit = unit.to_lowercase();
            match field(&unit) {
                Some(
                    "microseconds" | "milliseconds" | "second" | "minute" | "hour" | "timezone" | "timezone_hour"
                    | "timezone_minute",
                ) => Err(unsupported_unit(&unit, "date")),
                Some("epoch") if ts.abs() != INFINITE => Ok(Some((i64::from(d) * 86_400).to_string())),
                _ => extract(&unit, ts, None, "date"),
            }
        }),
        native2::<str, Timestamp, NumericText>("dg_extract_timestamp", |unit, ts| {
            let unit = unit.to_lowercase();
            match field(&unit) {
                Some("timezone" | "timezone_hour" | "timezone_minute") => {
                    Err(unsupported_unit(&unit, "timestamp without time zone"))
                }
                _ => extract(&unit, ts, None, "timestamp without time zone"),
            }
        }),
        session_values("dg_extract_timestamptz", vec![Phys::Text, Phys::TimestampTz], Phys::Numeric, |s, args| {
            let (Value::Text(unit), Value::TimestampTz(ts)) = (&args[0], &args[1]) else { return Ok(Value::Null) };
            let zone = Zone::named(&s.time_zone)?;
            let unit = unit.to_lowercase();
            let found = extract(&unit, *ts, Some(&zone), "timestamp with time zone")?;
            Ok(found.map_or(Value::Null, |text| Value::Numeric(text.into())))
        }),
        native_values("dg_extract_timetz", vec![Phys::Text, Phys::TimeTz], Phys::Numeric, |args| {
            let (Value::Text(unit), Value::TimeTz(t, east)) = (&args[0], &args[1]) else { return Ok(Value::Null) };
            let unit = unit.to_lowercase();
            let text = match field(&unit) {
                Some("timezone") => east.to_string(),
                Some("timezone_hour") => (east / 3600).to_string(),
                Some("timezone_minute") => (east / 60 % 60).to_string(),
                Some("epoch") => decimal(i128::from(*t) - i128::from(*east) * i128::from(SECOND), 6),
                Some("microseconds" | "milliseconds" | "second" | "minute" | "hour") => time_field(&unit, *t),
                Some(_) => return Err(unsupported_unit(&unit, "time with time zone")),
                None => return Err(unknown_unit(&unit, "time with time zone")),
            };
            Ok(Value::Numeric(text.into()))
        }),
    ]
}

fn unsupported_unit(unit: &str, ty: &str) -> Error {
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("unit \"{unit}\" not supported for type {ty}"))
}

/// A unit that a type does not have (0A000), or that nobody has (22023).
pub(super) fn bad_unit(unit: &str, ty: &str) -> Error {
    if field(unit).is_some() { unsupported_unit(unit, ty) } else { unknown_unit(unit, ty) }
}

/// A field's own name from one of its spellings.
fn field(unit: &str) -> Option<&'static str> {
    Some(match unit {
        "microsecond" | "microseconds" | "us" | "usec" | "usecs" | "usecond" | "useconds" => "microseconds",
        "millisecond" | "milliseconds" | "ms" | "msec" | "msecs" | "msecond" | "mseconds" => "milliseconds",
        "second" | "seconds" | "s" | "sec" | "secs" => "second",
        "minute" | "minutes" | "m" | "min" | "mins" => "minute",
        "hour" | "hours" | "h" | "hr" | "hrs" => "hour",
        "day" | "days" | "d" => "day",
        "week" | "weeks" | "w" => "week",
        "month" | "months" | "mon" | "mons" => "month",
        "quarter" | "quarters" | "qtr" => "quarter",
        "year" | "years" | "y" | "yr" | "yrs" => "year",
        "decade" | "decades" | "decs" | "dec" => "decade",
        "century" | "centuries" | "c" | "cent" => "century",
        "millennium" | "millennia" | "mil" | "mils" => "millennium",
        "isoyear" => "isoyear",
        "dow" => "dow",
        "isodow" => "isodow",
        "doy" => "doy",
        "julian" | "jd" | "j" => "julian",
        "epoch" => "epoch",
        "timezone" => "timezone",
        "timezone_h" | "timezone_hour" => "timezone_hour",
        "timezone_m" | "timezone_minute" => "timezone_minute",
        _ => return None,
    })
}

fn time_field(unit: &str, t: i64) -> String {
    let seconds = t.rem_euclid(60 * SECOND);
    match field(unit) {
        Some("microseconds") => seconds.to_string(),
        Some("milliseconds") => decimal(i128::from(seconds), 3),
        Some("second") => decimal(i128::from(seconds), 6),
        Some("minute") => (t / (60 * SECOND) % 60).to_string(),
        _ => (t / (3600 * SECOND)).to_string(),
    }
}

fn extract(unit: &str, ts: i64, zone: Option<&Zone>, ty: &str) -> Result<Option<String>> {
    let Some(name) = field(unit) else { return Err(unknown_unit(unit, ty)) };
    if ts.abs() == INFINITE {
        // What grows with time is infinite too, what goes round is unknown.
        return Ok(match name {
            "year" | "decade" | "century" | "millennium" | "julian" | "isoyear" | "epoch" => {
                Some(if ts > 0 { "Infinity".into() } else { "-Infinity".into() })
            }
            _ => None,
        });
    }
    let east = zone.map_or(0, |z| i64::from(z.offset_at(ts.div_euclid(SECOND))));
    let local = ts + east * SECOND;
    let (y, m, d, micros) = split(local);
    let days = local.div_euclid(DAY);
    let counted = |y: i64| if y > 0 { y } else { y - 1 };
    Ok(Some(match name {
        "microseconds" | "milliseconds" | "second" | "minute" | "hour" => time_field(unit, micros),
        "day" => d.to_string(),
        "month" => m.to_string(),
        "quarter" => ((m - 1) / 3 + 1).to_string(),
        "week" => iso_week(days).0.to_string(),
        "year" => counted(y).to_string(),
        "isoyear" => counted(iso_week(days).1).to_string(),
        "decade" => y.div_euclid(10).to_string(),
        "century" => (if y > 0 { (y + 99) / 100 } else { -((99 - (y - 1)) / 100) }).to_string(),
        "millennium" => (if y > 0 { (y + 999) / 1000 } else { -((999 - (y - 1)) / 1000) }).to_string(),
        "dow" => (days + 4).rem_euclid(7).to_string(),
        "isodow" => ((days + 3).rem_euclid(7) + 1).to_string(),
        "doy" => (days - civil::to_days(y as i32, 1, 1) + 1).to_string(),
        "julian" => {
            let day = days + 2_440_588;
            if ty == "date" { day.to_string() } else { julian(day, micros)? }
        }
        "epoch" => decimal(i128::from(ts), 6),
        "timezone" => east.to_string(),
        "timezone_hour" => (east / 3600).to_string(),
        _ => (east / 60 % 60).to_string(),
    }))
}

/// A day and the part of it that has gone, with numeric's division.
fn julian(day: i64, micros: i64) -> Result<String> {
    use crate::types::numeric::Numeric;
    let part = Numeric::from_i128(i128::from(micros)).div(&Numeric::from_i128(i128::from(DAY)))?;
    Ok(Numeric::from_i128(i128::from(day)).add(&part)?.as_text().into_owned())
}

fn truncate_in(unit: &str, ts: i64, zone: &Zone) -> Result<i64> {
    let lower = unit.to_lowercase();
    if field(&lower).is_none() {
        return Err(unknown_unit(&lower, "timestamp with time zone"));
    }
    if ts.abs() == INFINITE {
        return Ok(ts);
    }
    let east = i64::from(zone.offset_at(ts.div_euclid(SECOND)));
    let local = ts + east * SECOND;
    let cut =
        super::datetime::truncate(unit, local).map_err(|_| unsupported_unit(&lower, "timestamp with time zone"))?;
    // Parts of a day keep the offset, longer ones take that of their beginning.
    let east = match field(&lower) {
        Some("microseconds" | "milliseconds" | "second" | "minute" | "hour") => east,
        _ => i64::from(zone.offset_of_local(cut.div_euclid(SECOND))),
    };
    Ok(cut - east * SECOND)
}

fn bin(stride: Interval, ts: i64, origin: i64) -> Result<i64> {
    if ts.abs() == INFINITE {
        return Ok(ts);
    }
    let overflow = |m: &str| Error::new(SqlState::DATETIME_FIELD_OVERFLOW, m);
    if origin.abs() == INFINITE {
        return Err(overflow("origin out of range"));
    }
    if stride.months != 0 {
        let message = "timestamps cannot be binned into intervals containing months or years";
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
    }
    let step = i64::from(stride.days)
        .checked_mul(DAY)
        .and_then(|d| d.checked_add(stride.micros))
        .ok_or_else(interval_out_of_range)?;
    if step <= 0 {
        return Err(overflow("stride must be greater than zero"));
    }
    let gap = ts.checked_sub(origin).ok_or_else(interval_out_of_range)?;
    in_range(origin + gap.div_euclid(step) * step)
}

/// Two periods, whose ends may come in either order, and of which one may be open (NULL).
fn overlaps(args: &[Value]) -> Value {
    let at = |i: usize| match &args[i] {
        Value::Timestamp(ts) => Some(*ts),
        _ => None,
    };
    let order = |a: Option<i64>, b: Option<i64>| match (a, b) {
        (Some(a), Some(b)) => Some((a.min(b), Some(a.max(b)))),
        (Some(a), None) | (None, Some(a)) => Some((a, None)),
        (None, None) => None,
    };
    let (Some(first), Some(second)) = (order(at(0), at(1)), order(at(2), at(3))) else { return Value::Null };
    let (early, late) = if first.0 > second.0 { (second, first) } else { (first, second) };
    if early.0 == late.0 {
        return if early.1.is_none() || late.1.is_none() { Value::Null } else { Value::Bool(true) };
    }
    match early.1 {
        // The earlier one's end is not known, nor therefore whether it reaches the later one.
        None => Value::Null,
        Some(end) if late.0 < end => Value::Bool(true),
        // The later one begins after it, but where its own end is not known PostgreSQL does not say.
        Some(_) if late.1.is_none() => Value::Null,
        Some(_) => Value::Bool(false),
    }
}

fn zones() -> Vec<Native> {
    vec![
        // What is infinite is so in every zone, also in one that is not there.
        native2::<str, TimestampTz, Timestamp>("dg_timezone_timestamptz", |zone, ts| {
            if ts.abs() == INFINITE {
                return Ok(Some(ts));
            }
            Ok(Some(ts + i64::from(find_zone(zone)?.offset_at(ts.div_euclid(SECOND))) * SECOND))
        }),
        native2::<str, Timestamp, TimestampTz>("dg_timezone_timestamp", |zone, ts| {
            if ts.abs() == INFINITE {
                return Ok(Some(ts));
            }
            let east = i64::from(find_zone(zone)?.offset_of_local(ts.div_euclid(SECOND)));
            in_range(ts - east * SECOND).map(Some)
        }),
        native2::<Interval, TimestampTz, Timestamp>("dg_timezone_interval_tz", |zone, ts| {
            Ok(Some(if ts.abs() == INFINITE { ts } else { ts + offset(zone)? }))
        }),
        native2::<Interval, Timestamp, TimestampTz>("dg_timezone_interval", |zone, ts| {
            Ok(Some(if ts.abs() == INFINITE { ts } else { ts - offset(zone)? }))
        }),
        native_values("dg_timezone_timetz", vec![Phys::Text, Phys::TimeTz], Phys::TimeTz, |args| {
            let (Value::Text(zone), Value::TimeTz(t, own)) = (&args[0], &args[1]) else { return Ok(Value::Null) };
            // The zone's offset of today.
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs());
            Ok(moved(*t, *own, find_zone(zone)?.offset_at(now as i64)))
        }),
        native_values("dg_timezone_interval_timetz", vec![Phys::Interval, Phys::TimeTz], Phys::TimeTz, |args| {
            let (Value::Interval { months, days, micros }, Value::TimeTz(t, own)) = (&args[0], &args[1]) else {
                return Ok(Value::Null);
            };
            let east = offset(Interval { months: *months, days: *days, micros: *micros })? / SECOND;
            match i32::try_from(east) {
                Ok(east) if east.abs() <= crate::types::datetime::zone::MAX_OFFSET => Ok(moved(*t, *own, east)),
                _ => Err(Error::unsupported("a time zone sixteen or more hours from UTC")),
            }
        }),
        native_values("dg_timetz_plus", vec![Phys::TimeTz, Phys::Interval, Phys::Int4], Phys::TimeTz, |args| {
            let (Value::TimeTz(t, east), Value::Interval { micros, .. }, Value::Int4(sign)) =
                (&args[0], &args[1], &args[2])
            else {
                return Ok(Value::Null);
            };
            let sum = t.wrapping_add(micros.wrapping_mul(i64::from(*sign))).rem_euclid(DAY);
            Ok(Value::TimeTz(sum, *east))
        }),
        native_values("dg_timetz_scale", vec![Phys::TimeTz, Phys::Int4], Phys::TimeTz, |args| {
            match (&args[0], &args[1]) {
                (Value::TimeTz(t, east), Value::Int4(p)) => {
                    Ok(Value::TimeTz(super::datetime::to_precision(*t, *p), *east))
                }
                _ => Ok(Value::Null),
            }
        }),
        // By the moment, then by the zone from east to west (timetz_cmp_internal).
        native_values("dg_timetz_key", vec![Phys::TimeTz], Phys::Int8, |args| match &args[0] {
            Value::TimeTz(t, east) => Ok(Value::Int8(((t - i64::from(*east) * SECOND) << 18) - i64::from(*east))),
            _ => Ok(Value::Null),
        }),
        native_values("dg_timetz_time", vec![Phys::TimeTz], Phys::Time, |args| match &args[0] {
            Value::TimeTz(t, _) => Ok(Value::Time(*t)),
            _ => Ok(Value::Null),
        }),
        native_values("dg_date_timetz", vec![Phys::Date, Phys::TimeTz], Phys::TimestampTz, |args| {
            let (Value::Date(d), Value::TimeTz(t, east)) = (&args[0], &args[1]) else { return Ok(Value::Null) };
            Ok(Value::TimestampTz(match *d {
                i32::MAX => INFINITE,
                d if d == -i32::MAX => -INFINITE,
                d => in_range(i64::from(d).saturating_mul(DAY).saturating_add(*t - i64::from(*east) * SECOND))?,
            }))
        }),
        native3::<Timestamp, str, i32, TimestampTz>("dg_make_timestamptz", |ts, zone, _| {
            let east = i64::from(sane_offset(zone, ts)?);
            in_range(ts - east * SECOND).map(Some)
        }),
        session_values("dg_local_to_timestamptz", vec![Phys::Timestamp], Phys::TimestampTz, |s, args| {
            let Value::Timestamp(ts) = &args[0] else { return Ok(Value::Null) };
            if ts.abs() == INFINITE {
                return Ok(Value::TimestampTz(*ts));
            }
            let east = i64::from(Zone::named(&s.time_zone)?.offset_of_local(ts.div_euclid(SECOND)));
            Ok(Value::TimestampTz(in_range(ts - east * SECOND)?))
        }),
        session_values("dg_date_at_zone", vec![Phys::Date], Phys::TimestampTz, |s, args| {
            let Value::Date(d) = &args[0] else { return Ok(Value::Null) };
            let ts = date_at(*d);
            if ts.abs() >= INFINITE - 1 {
                return Ok(Value::TimestampTz(ts));
            }
            let east = i64::from(Zone::named(&s.time_zone)?.offset_of_local(ts.div_euclid(SECOND)));
            Ok(Value::TimestampTz((ts - east * SECOND).clamp(1 - INFINITE, INFINITE - 1)))
        }),
        // A day and a time of it (24:00 stays what it is): the offset that the zone has then.
        session_values("dg_time_to_timetz", vec![Phys::Date, Phys::Time], Phys::TimeTz, |s, args| {
            let (Value::Date(d), Value::Time(t)) = (&args[0], &args[1]) else { return Ok(Value::Null) };
            let local = i64::from(*d).saturating_mul(DAY).saturating_add(*t);
            Ok(Value::TimeTz(*t, Zone::named(&s.time_zone)?.offset_of_local(local.div_euclid(SECOND))))
        }),
        session_values("dg_timestamptz_to_timetz", vec![Phys::TimestampTz], Phys::TimeTz, |s, args| {
            let Value::TimestampTz(ts) = &args[0] else { return Ok(Value::Null) };
            if ts.abs() == INFINITE {
                return Ok(Value::Null);
            }
            let east = Zone::named(&s.time_zone)?.offset_at(ts.div_euclid(SECOND));
            Ok(Value::TimeTz((ts + i64::from(east) * SECOND).rem_euclid(DAY), east))
        }),
    ]
}

fn moved(t: i64, own: i32, east: i32) -> Value {
    Value::TimeTz((t + i64::from(east - own) * SECOND).rem_euclid(DAY), east)
}

/// An interval as a zone's offset: without months or days.
fn offset(zone: Interval) -> Result<i64> {
    if zone.months != 0 || zone.days != 0 {
        let text = crate::types::text::format(
            &Value::Interval { months: zone.months, days: zone.days, micros: zone.micros },
            crate::types::PgType::new(crate::types::oid::INTERVAL),
            &OutputSettings::default(),
            &crate::types::BuiltinTypes,
        );
        let message = format!("interval time zone \"{text}\" must not include months or days");
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    Ok(zone.micros / SECOND * SECOND)
}

fn in_range(ts: i64) -> Result<i64> {
    if valid_timestamp(ts) { Ok(ts) } else { Err(timestamp_out_of_range()) }
}

fn timestamp_out_of_range() -> Error {
    Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "timestamp out of range")
}

/// Timestamps and intervals added: months by the calendar, then days, then time; infinities stay.
fn sums() -> Vec<Native> {
    vec![
        native3::<Timestamp, Interval, i32, Timestamp>("dg_timestamp_plus", |ts, v, sign| plus(ts, v, sign).map(Some)),
        native3::<Date, Interval, i32, Timestamp>("dg_date_plus", |d, v, sign| {
            plus(date_to_timestamp(d)?, v, sign).map(Some)
        }),
        session_values(
            "dg_timestamptz_plus",
            vec![Phys::TimestampTz, Phys::Interval, Phys::Int4],
            Phys::TimestampTz,
            |s, args| {
                let (Value::TimestampTz(ts), Value::Interval { months, days, micros }, Value::Int4(sign)) =
                    (&args[0], &args[1], &args[2])
                else {
                    return Ok(Value::Null);
                };
                if ts.abs() == INFINITE {
                    return Ok(Value::TimestampTz(*ts));
                }
                let mut at = *ts;
                if *months != 0 || *days != 0 {
                    let zone = Zone::named(&s.time_zone)?;
                    let local = at + i64::from(zone.offset_at(at.div_euclid(SECOND))) * SECOND;
                    let part = Interval { months: *months, days: *days, micros: 0 };
                    let local = plus(local, part, *sign)?;
                    at = local - i64::from(zone.offset_of_local(local.div_euclid(SECOND))) * SECOND;
                }
                let time = Interval { months: 0, days: 0, micros: *micros };
                plus(at, time, *sign).map(Value::TimestampTz)
            },
        ),
        native1::<Date, Timestamp>("dg_date_at", |d| Ok(Some(date_at(d)))),
        native1::<Date, Timestamp>("dg_date_to_timestamp", |d| date_to_timestamp(d).map(Some)),
        session_values("dg_age_tz", vec![Phys::TimestampTz, Phys::TimestampTz], Phys::Interval, |s, args| {
            let (Value::TimestampTz(a), Value::TimestampTz(b)) = (&args[0], &args[1]) else { return Ok(Value::Null) };
            let zone = Zone::named(&s.time_zone)?;
            let local = |ts: i64| match ts.abs() == INFINITE {
                true => ts,
                false => ts + i64::from(zone.offset_at(ts.div_euclid(SECOND))) * SECOND,
            };
            let Interval { months, days, micros } = super::datetime::age(local(*a), local(*b))?;
            Ok(Value::Interval { months, days, micros })
        }),
    ]
}

fn date_to_timestamp(d: i32) -> Result<i64> {
    match d {
        i32::MAX => Ok(INFINITE),
        d if d == -i32::MAX => Ok(-INFINITE),
        d if (MIN_DATE..=MAX_DATE).contains(&d) => {
            let ts = i64::from(d).checked_mul(DAY).filter(|ts| valid_timestamp(*ts));
            ts.ok_or_else(|| Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "date out of range for timestamp"))
        }
        _ => Err(Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "date out of range for timestamp")),
    }
}

/// Where a date stands among timestamps (date2timestamp_opt_overflow): beyond the last of them, but not infinite, if it is none.
fn date_at(d: i32) -> i64 {
    match d {
        i32::MAX => INFINITE,
        d if d == -i32::MAX => -INFINITE,
        d => i64::from(d).saturating_mul(DAY).clamp(1 - INFINITE, INFINITE - 1),
    }
}

fn plus(ts: i64, v: Interval, sign: i32) -> Result<i64> {
    if ts.abs() == INFINITE {
        return Ok(ts);
    }
    let sign = i64::from(sign);
    let mut ts = ts;
    if v.months != 0 {
        let (y, m, d, micros) = split(ts);
        let total = y * 12 + (m - 1) + sign * i64::from(v.months);
        let (y, m) = (total.div_euclid(12), total.rem_euclid(12) + 1);
        let year = i32::try_from(y).map_err(|_| timestamp_out_of_range())?;
        if year.abs() > 300_000 {
            return Err(timestamp_out_of_range());
        }
        let d = d.min(i64::from(civil::days_in_month(year, m as u32)));
        ts = civil::to_days(year, m as u32, d as u32) * DAY + micros;
    }
    let moved = i64::from(v.days)
        .checked_mul(DAY * sign)
        .and_then(|d| ts.checked_add(d))
        .and_then(|t| v.micros.checked_mul(sign).and_then(|m| t.checked_add(m)))
        .ok_or_else(timestamp_out_of_range)?;
    in_range(moved)
}
