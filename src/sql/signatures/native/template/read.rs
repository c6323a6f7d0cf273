//! to_date and to_timestamp, as `do_to_timestamp` reads: a blank or separator of the template takes one of the input's
//! or none, a field takes its width of digits, or all of them where no digit can follow.

use super::write::iso_year_start;
use super::{DAYS, Field, Key, MONTHS, Piece, ROMANS, format_error, pieces};
use crate::engine::Native;
use crate::engine::budget::spend;
use crate::error::{Error, Result, SqlState};
use crate::sql::signatures::native::{native_values, session_values};
use crate::types::datetime::zone::Zone;
use crate::types::datetime::{civil, valid_timestamp};
use crate::types::{Phys, Value};

const DAY: i64 = 86_400_000_000;

pub(super) fn natives() -> Vec<Native> {
    vec![
        native_values("dg_to_date", vec![Phys::Text, Phys::Text], Phys::Date, |args| {
            let (Value::Text(text), Value::Text(template)) = (&args[0], &args[1]) else { return Ok(Value::Null) };
            let read = read(text, template)?;
            let days = i32::try_from(read.days).ok().filter(|d| (-2_440_588..=2_145_042_905).contains(d));
            days.map(Value::Date)
                .ok_or_else(|| Error::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("date out of range: \"{text}\"")))
        }),
        session_values("dg_to_timestamp_text", vec![Phys::Text, Phys::Text], Phys::TimestampTz, |settings, args| {
            let (Value::Text(text), Value::Text(template)) = (&args[0], &args[1]) else { return Ok(Value::Null) };
            let read = read(text, template)?;
            let local = read.days.saturating_mul(DAY).saturating_add(read.micros);
            let east = match read.east {
                Some(east) => east,
                None => Zone::named(&settings.time_zone)?.offset_of_local(local.div_euclid(1_000_000)),
            };
            let micros = local.saturating_sub(i64::from(east) * 1_000_000);
            if !valid_timestamp(micros) {
                return Err(Error::new(
                    SqlState::DATETIME_FIELD_OVERFLOW,
                    format!("timestamp out of range: \"{text}\""),
                ));
            }
            Ok(Value::TimestampTz(micros))
        }),
    ]
}

struct Read {
    /// Since 1970.
    days: i64,
    micros: i64,
    east: Option<i32>,
}

/// The fields as they were read; 0 is what was not.
#[derive(Default)]
struct Fields {
    hour: i64,
    pm: bool,
    minute: i64,
    second: i64,
    day_seconds: i64,
    weekday: i64,
    day: i64,
    day_of_year: i64,
    month: i64,
    millis: i64,
    year: i64,
    bc: bool,
    week: i64,
    month_week: i64,
    century: i64,
    julian: i64,
    micros: i64,
    /// FF1 to FF6: to how many digits of a second the moment is rounded.
    precision: Option<i32>,
    year_digits: u8,
    twelve: bool,
    zone_sign: i64,
    zone_hour: i64,
    zone_minute: i64,
    /// Whether the ISO week calendar is meant; `None` while neither was.
    iso: Option<bool>,
}

struct Reader<'a> {
    rest: &'a str,
    exact: bool,
    /// What was skipped before the field, beyond what the template says, ends with a minus.
    minus: bool,
    fields: Fields,
}

fn read(text: &str, template: &str) -> Result<Read> {
    spend(template.len().saturating_mul(size_of::<Piece>()))?;
    let pieces = pieces(template, true);
    let mut reader = Reader { rest: text, exact: false, minus: false, fields: Fields::default() };
    let mut skipped: i64 = 0;
    for (i, piece) in pieces.iter().enumerate() {
        if reader.rest.is_empty() {
            break;
        }
        let is_field = matches!(piece, Piece::Field(_));
        let is_exact = matches!(piece, Piece::Field(f) if f.key == Key::Exact);
        if !reader.exact && !is_exact && (is_field || i == 0) {
            skipped += reader.skip_blanks();
        }
        match piece {
            Piece::Space | Piece::Separator => {
                let next = reader.rest.chars().next();
                if reader.exact {
                    reader.skip_char();
                } else {
                    skipped -= 1;
                    if next.is_some_and(|c| c.is_ascii_whitespace() || c.is_ascii_punctuation()) {
                        reader.skip_char();
                        skipped += 1;
                    }
                }
            }
            Piece::Char(_) | Piece::Literal(_) => {
                if !reader.exact && skipped > 0 {
                    skipped -= 1;
                } else {
                    reader.skip_char();
                }
            }
            Piece::Field(field) => {
                // A minus may have been taken for a separator.
                let before = &text[..text.len() - reader.rest.len()];
                reader.minus = skipped > 0 && before.ends_with('-');
                reader.field(field, pieces.get(i + 1))?;
                if !reader.exact {
                    skipped = reader.skip_blanks();
                }
            }
        }
    }
    reader.fields.moment(text)
}

fn set(place: &mut i64, value: i64, name: &str) -> Result<()> {
    if *place != 0 && *place != value {
        return Err(format_error(format!("conflicting values for \"{name}\" field in formatting string"))
            .detail("This value contradicts a previous setting for the same field type."));
    }
    *place = value;
    Ok(())
}

/// A year of fewer digits is one near 2020.
fn near_2020(year: i64) -> i64 {
    match year {
        ..70 => year + 2000,
        70..100 => year + 1900,
        100..520 => year + 2000,
        520..1000 => year + 1000,
        _ => year,
    }
}

impl Reader<'_> {
    fn skip_blanks(&mut self) -> i64 {
        let trimmed = self.rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
        let skipped = self.rest.len() - trimmed.len();
        self.rest = trimmed;
        skipped as i64
    }

    fn skip_char(&mut self) {
        let mut chars = self.rest.chars();
        chars.next();
        self.rest = chars.as_str();
    }

    /// A number of at most `width` characters; gives it and how many were taken.
    fn number(&mut self, field: &Field, next: Option<&Piece>, width: usize) -> Result<(i64, usize)> {
        let name = field.name.as_str();
        self.skip_blanks();
        let begin = self.rest;
        let open = field.fill || field.ordinal.is_some() || follows_no_digit(next);
        let head: &str = if open {
            begin
        } else {
            let end = begin.char_indices().nth(width).map_or(begin.len(), |(i, _)| i);
            &begin[..end]
        };
        if !open && begin.len() < width {
            return Err(format_error(format!("source string too short for \"{name}\" formatting field"))
                .detail(format!("Field requires {width} characters, but only {} remain.", begin.len()))
                .hint("If your source string is not fixed-width, try using the \"FM\" modifier."));
        }
        let signed = usize::from(head.starts_with(['-', '+']));
        let digits = head[signed..].bytes().take_while(u8::is_ascii_digit).count();
        let used = if digits == 0 { 0 } else { signed + digits };
        let shown: String = begin.chars().take(width).collect();
        if !open && used > 0 && used < width {
            return Err(format_error(format!("invalid value \"{shown}\" for \"{name}\""))
                .detail(format!("Field requires {width} characters, but only {used} could be parsed."))
                .hint("If your source string is not fixed-width, try using the \"FM\" modifier."));
        }
        if used == 0 {
            return Err(
                format_error(format!("invalid value \"{shown}\" for \"{name}\"")).detail("Value must be an integer.")
            );
        }
        let value = head[..used].parse::<i64>().ok().filter(|v| i32::try_from(*v).is_ok()).ok_or_else(|| {
            Error::new(
                SqlState::DATETIME_FIELD_OVERFLOW,
                format!("value for \"{name}\" in source string is out of range"),
            )
            .detail(format!("Value must be in the range {} to {}.", i32::MIN, i32::MAX))
        })?;
        self.rest = &begin[used..];
        Ok((value, used))
    }

    /// One of some names, whatever their case; its index.
    fn name(&mut self, field: &Field, names: &[&str], short: bool) -> Result<i64> {
        let lower = self.rest.to_ascii_lowercase();
        let shown = |n: &&str| if short { n[..3].to_lowercase() } else { n.to_lowercase() };
        let mut found: Option<(usize, usize)> = None;
        for (i, name) in names.iter().enumerate() {
            let name = shown(name);
            if lower.starts_with(&name) && found.is_none_or(|(_, len)| name.len() > len) {
                found = Some((i, name.len()));
            }
        }
        let Some((index, len)) = found else {
            let word: String = self.rest.chars().take_while(|c| !c.is_ascii_whitespace()).collect();
            return Err(format_error(format!("invalid value \"{word}\" for \"{}\"", field.name))
                .detail("The given value did not match any of the allowed values for this field."));
        };
        self.rest = &self.rest[len..];
        Ok(index as i64)
    }

    fn mode(&mut self, iso: bool) -> Result<()> {
        match self.fields.iso {
            Some(mode) if mode != iso => Err(format_error("invalid combination of date conventions")
                .hint("Do not mix Gregorian and ISO week date conventions in a formatting template.")),
            _ => {
                self.fields.iso = Some(iso);
                Ok(())
            }
        }
    }

    fn field(&mut self, field: &Field, next: Option<&Piece>) -> Result<()> {
        match field.key {
            Key::Week
            | Key::MonthWeek
            | Key::Month
            | Key::MonthName
            | Key::MonthShort
            | Key::Roman
            | Key::Day
            | Key::DayOfYear
            | Key::Weekday
            | Key::DayName
            | Key::DayShort
            | Key::Year(_)
            | Key::YearComma => self.mode(false)?,
            Key::IsoDayOfYear | Key::IsoWeek | Key::IsoWeekday | Key::IsoYear(_) => self.mode(true)?,
            _ => {}
        }
        let width = match field.key {
            Key::YearComma => return self.year_with_comma(field),
            Key::Year(n) | Key::IsoYear(n) => usize::from(n),
            Key::DaySeconds => field.name.len(),
            Key::DayOfYear | Key::IsoDayOfYear | Key::Milliseconds => 3,
            Key::Fraction(n) => usize::from(n),
            Key::Microseconds => 6,
            Key::Weekday | Key::IsoWeekday | Key::Julian | Key::MonthWeek => 1,
            _ => 2,
        };
        match field.key {
            Key::Exact => self.exact = true,
            Key::Half { dots } => {
                let names = if dots { ["a.m.", "p.m."] } else { ["am", "pm"] };
                self.fields.pm = self.name(field, &names, false)? == 1;
                self.fields.twelve = true;
            }
            Key::Era { dots } => {
                let names = if dots { ["a.d.", "b.c."] } else { ["ad", "bc"] };
                self.fields.bc = self.name(field, &names, false)? == 1;
            }
            Key::MonthName | Key::MonthShort => {
                let index = self.name(field, &MONTHS, field.key == Key::MonthShort)?;
                set(&mut self.fields.month, index + 1, &field.name)?;
            }
            Key::Roman => {
                let index = self.name(field, &ROMANS, false)?;
                set(&mut self.fields.month, index + 1, &field.name)?;
            }
            Key::DayName | Key::DayShort => {
                let index = self.name(field, &DAYS, field.key == Key::DayShort)?;
                set(&mut self.fields.weekday, index + 1, &field.name)?;
            }
            Key::Zone | Key::Offset => {
                return Err(Error::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    format!("formatting field \"{}\" is only supported in to_char", field.name),
                ));
            }
            Key::ZoneHour => {
                let signed = self.rest.starts_with(['+', '-', ' ']);
                let negative = if signed { self.rest.starts_with('-') } else { self.minus };
                self.fields.zone_sign = if negative { -1 } else { 1 };
                if signed {
                    self.skip_char();
                }
                let (value, _) = self.number(field, next, 2)?;
                set(&mut self.fields.zone_hour, value, &field.name)?;
            }
            Key::ZoneMinute => {
                if self.fields.zone_sign == 0 {
                    self.fields.zone_sign = 1;
                }
                let (value, _) = self.number(field, next, 2)?;
                set(&mut self.fields.zone_minute, value, &field.name)?;
            }
            _ => {
                let (value, used) = self.number(field, next, width)?;
                self.take(field, value, used)?;
            }
        }
        if field.ordinal.is_some() && self.rest.len() >= 2 {
            self.skip_char();
            self.skip_char();
        }
        Ok(())
    }

    fn take(&mut self, field: &Field, value: i64, used: usize) -> Result<()> {
        let f = &mut self.fields;
        let name = field.name.as_str();
        match field.key {
            Key::Hour12 => {
                set(&mut f.hour, value, name)?;
                f.twelve = true;
            }
            Key::Hour24 => set(&mut f.hour, value, name)?,
            Key::Minute => set(&mut f.minute, value, name)?,
            Key::Second => set(&mut f.second, value, name)?,
            Key::DaySeconds => set(&mut f.day_seconds, value, name)?,
            Key::Milliseconds => set(&mut f.millis, value * 10_i64.pow(3 - used.min(3) as u32), name)?,
            Key::Microseconds | Key::Fraction(_) => {
                if let Key::Fraction(digits) = field.key {
                    f.precision = Some(i32::from(digits));
                }
                set(&mut f.micros, value * 10_i64.pow(6 - used.min(6) as u32), name)?;
            }
            Key::Month => set(&mut f.month, value, name)?,
            Key::Day => set(&mut f.day, value, name)?,
            Key::DayOfYear | Key::IsoDayOfYear => set(&mut f.day_of_year, value, name)?,
            Key::Weekday => set(&mut f.weekday, value, name)?,
            Key::IsoWeekday => set(&mut f.weekday, if value + 1 > 7 { 1 } else { value + 1 }, name)?,
            Key::Week | Key::IsoWeek => set(&mut f.week, value, name)?,
            Key::MonthWeek => set(&mut f.month_week, value, name)?,
            Key::Century => set(&mut f.century, value, name)?,
            Key::Julian => set(&mut f.julian, value, name)?,
            Key::Year(digits) | Key::IsoYear(digits) => {
                let year = if digits < 4 && used < 4 { near_2020(value) } else { value };
                set(&mut f.year, year, name)?;
                f.year_digits = digits;
            }
            // The quarter does not tell a date, and is ignored.
            _ => {}
        }
        Ok(())
    }

    fn year_with_comma(&mut self, field: &Field) -> Result<()> {
        let bad = || format_error(format!("invalid input string for \"{}\"", field.name));
        let (thousands, rest) = self.rest.split_once(',').ok_or_else(bad)?;
        let digits = rest.bytes().take(3).take_while(u8::is_ascii_digit).count();
        let low: i64 = rest[..digits].parse().map_err(|_| bad())?;
        let high: i64 = thousands.trim().parse().map_err(|_| bad())?;
        set(&mut self.fields.year, high.saturating_mul(1000).saturating_add(low), &field.name)?;
        self.fields.year_digits = 4;
        self.rest = &rest[digits..];
        Ok(())
    }
}

/// True where the next piece of a template begins with no digit.
fn follows_no_digit(next: Option<&Piece>) -> bool {
    match next {
        None | Some(Piece::Space | Piece::Separator) => true,
        Some(Piece::Field(field)) => !field.digits,
        Some(Piece::Char(c) | Piece::Literal(c)) => !c.is_ascii_digit(),
    }
}

impl Fields {
    fn moment(mut self, text: &str) -> Result<Read> {
        let overflow =
            || Error::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("date/time field value out of range: \"{text}\""));
        if self.day_seconds != 0 {
            let s = self.day_seconds;
            (self.hour, self.minute, self.second) = (s / 3600, s / 60 % 60, s % 60);
            if s > 86_400 {
                return Err(overflow());
            }
        } else if self.twelve {
            if !(1..=12).contains(&self.hour) {
                return Err(format_error(format!("hour \"{}\" is invalid for the 12-hour clock", self.hour))
                    .hint("Use the 24-hour clock, or give an hour between 1 and 12."));
            }
            self.hour = self.hour % 12 + if self.pm { 12 } else { 0 };
        }
        let days = self.days(&overflow)?;
        let in_range = (0..24).contains(&self.hour)
            && (0..60).contains(&self.minute)
            && (0..60).contains(&self.second)
            && (0..1_000_000).contains(&(self.millis * 1000 + self.micros));
        if !in_range {
            return Err(overflow());
        }
        let micros = ((self.hour * 60 + self.minute) * 60 + self.second) * 1_000_000 + self.millis * 1000 + self.micros;
        let east = match self.zone_sign {
            0 => None,
            sign => {
                if !(0..=15).contains(&self.zone_hour) || !(0..60).contains(&self.zone_minute) {
                    return Err(overflow());
                }
                Some((sign * (self.zone_hour * 3600 + self.zone_minute * 60)) as i32)
            }
        };
        let micros = self.precision.map_or(micros, |p| super::super::datetime::to_precision(micros, p));
        Ok(Read { days, micros, east })
    }

    /// Astronomical year: 0 is 1 BC.
    fn whole_year(&mut self) -> i64 {
        if self.century != 0 && self.bc {
            self.century = -self.century;
        }
        let century = self.century;
        if self.year != 0 {
            // A century counts for years of two digits or fewer.
            if century != 0 && self.year_digits <= 2 {
                let year = self.year % 100;
                return match (year, century >= 0) {
                    (0, _) => century * 100 + i64::from(century < 0),
                    (y, true) => y + (century - 1) * 100,
                    (y, false) => (century + 1) * 100 - y + 1,
                };
            }
            let year = if self.bc { -self.year } else { self.year };
            return if year < 0 { year + 1 } else { year };
        }
        match century {
            0 => 0,
            c if c > 0 => (c - 1) * 100 + 1,
            c => c * 100 + 1,
        }
    }

    fn days(&mut self, overflow: &dyn Fn() -> Error) -> Result<i64> {
        let year = self.whole_year();
        if year.abs() > 6_000_000 {
            return Err(overflow());
        }
        let iso = self.iso == Some(true);
        let (mut year, mut month, mut day) = (year, self.month, self.day);
        if self.julian != 0 {
            let (y, m, d) = civil::from_days((self.julian - 2_440_588) as i32);
            (year, month, day) = (i64::from(y), i64::from(m), i64::from(d));
        }
        let mut day_of_year = self.day_of_year;
        if self.week != 0 {
            if iso {
                let monday = iso_year_start(year) + (self.week - 1) * 7;
                // Sunday is 1 here, and the last of the week.
                let offset = match self.weekday {
                    0 => 0,
                    1 => 6,
                    d => d - 2,
                };
                let (y, m, d) = civil::from_days((monday + offset) as i32);
                (year, month, day) = (i64::from(y), i64::from(m), i64::from(d));
            } else {
                day_of_year = (self.week - 1) * 7 + 1;
            }
        }
        if self.month_week != 0 {
            day = (self.month_week - 1) * 7 + 1;
        }
        if day_of_year != 0 && (month <= 1 || day <= 1) {
            if year == 0 && !self.bc {
                return Err(format_error("cannot calculate day of year without year information"));
            }
            let start = if iso { iso_year_start(year) } else { civil::to_days(year as i32, 1, 1) };
            let limit = if iso { 371 } else { 365 + i64::from(civil::is_leap(year as i32)) };
            if day_of_year < 1 || day_of_year > limit {
                return Err(overflow());
            }
            return Ok(start + day_of_year - 1);
        }
        let (month, day) = (if month == 0 { 1 } else { month }, if day == 0 { 1 } else { day });
        if !(1..=12).contains(&month) || day < 1 || day > i64::from(civil::days_in_month(year as i32, month as u32)) {
            return Err(overflow());
        }
        Ok(civil::to_days(year as i32, month as u32, day as u32))
    }
}
