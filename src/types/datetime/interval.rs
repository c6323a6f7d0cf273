//! `interval_in`: PostgreSQL's verbose and SQL forms, and ISO 8601's.

use super::fields::{Bad, time_fields};
use super::input::{error, round_to};
use super::token::{self, Field, Shape, Unit, Word, interval_unit};
use super::{MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND};
use crate::error::{Error, Result, SqlState};
use crate::types::IntervalStyle;
use crate::types::name::interval_mask as mask;

/// Months, days, microseconds.
pub type Parts = (i32, i32, i64);

/// Reads an interval and applies its modifier.
pub fn parse_interval(text: &str, typmod: i32, style: IntervalStyle) -> Result<Parts> {
    let range = if typmod >= 0 { (typmod >> 16) & mask::FULL } else { mask::FULL };
    let decoded = match token::split(text).ok_or(Bad::Format).and_then(|fields| verbose(&fields, range, style)) {
        Err(Bad::Format) => iso8601(text),
        other => other,
    };
    let sum = decoded.map_err(|bad| match bad {
        Bad::Overflow | Bad::OverflowMonthDay => {
            Error::new(SqlState::INTERVAL_FIELD_OVERFLOW, format!("interval field value out of range: \"{text}\""))
        }
        other => error(other, text, "interval"),
    })?;
    let months = i64::from(sum.years) * 12 + i64::from(sum.months);
    let months =
        i32::try_from(months).map_err(|_| Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "interval out of range"))?;
    coerce_interval(months, sum.days, sum.micros, typmod)
}

/// Cuts an interval to the fields and precision of its modifier.
pub fn coerce_interval(mut months: i32, mut days: i32, mut micros: i64, typmod: i32) -> Result<Parts> {
    if typmod < 0 {
        return Ok((months, days, micros));
    }
    let range = (typmod >> 16) & mask::FULL;
    let precision = typmod & 0xffff;
    if range != mask::FULL {
        let cut = |micros: i64, unit: i64| micros / unit * unit;
        if range == mask::YEAR {
            months = months / 12 * 12;
        }
        if range & (mask::DAY | mask::HOUR | mask::MINUTE | mask::SECOND) == 0 {
            (days, micros) = (0, 0);
        } else if range == mask::DAY {
            micros = 0;
        } else if range & (mask::MINUTE | mask::SECOND) == 0 {
            micros = cut(micros, MICROS_PER_HOUR);
        } else if range & mask::SECOND == 0 {
            micros = cut(micros, MICROS_PER_MINUTE);
        }
    }
    if precision < 6 {
        let half = 10i64.pow(6 - precision as u32) / 2;
        if micros.unsigned_abs() > (i64::MAX - half) as u64 {
            return Err(Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "interval out of range"));
        }
        micros = round_to(micros, precision);
    }
    Ok((months, days, micros))
}

#[derive(Debug, Default, Clone, Copy)]
struct Sum {
    years: i32,
    months: i32,
    days: i32,
    micros: i64,
}

fn add32(to: &mut i32, value: i64, factor: i64) -> Result<(), Bad> {
    let value = value.checked_mul(factor).and_then(|v| i32::try_from(v).ok()).ok_or(Bad::Overflow)?;
    *to = to.checked_add(value).ok_or(Bad::Overflow)?;
    Ok(())
}

impl Sum {
    fn micros(&mut self, value: i64, fraction: f64, unit: i64) -> Result<(), Bad> {
        let whole = value.checked_mul(unit).ok_or(Bad::Overflow)?;
        self.micros = self.micros.checked_add(whole).ok_or(Bad::Overflow)?;
        self.fraction_micros(fraction, unit)
    }

    /// Adds a fraction of a unit, rounding what remains below a microsecond.
    fn fraction_micros(&mut self, fraction: f64, unit: i64) -> Result<(), Bad> {
        if fraction == 0.0 {
            return Ok(());
        }
        let scaled = fraction * unit as f64;
        let whole = scaled.trunc();
        let rest = scaled - whole;
        let mut micros = whole as i64;
        if rest > 0.5 {
            micros += 1;
        } else if rest < -0.5 {
            micros -= 1;
        }
        self.micros = self.micros.checked_add(micros).ok_or(Bad::Overflow)?;
        Ok(())
    }

    /// Adds a fraction of a number of days: whole days first, the rest as time.
    fn fraction_days(&mut self, fraction: f64, days: i64) -> Result<(), Bad> {
        if fraction == 0.0 {
            return Ok(());
        }
        let scaled = fraction * days as f64;
        let whole = scaled.trunc();
        self.days = self.days.checked_add(whole as i32).ok_or(Bad::Overflow)?;
        self.fraction_micros(scaled - whole, MICROS_PER_DAY)
    }

    fn fraction_years(&mut self, fraction: f64, years: i64) -> Result<(), Bad> {
        let months = (fraction * years as f64 * 12.0).round_ties_even();
        self.months = self.months.checked_add(months as i32).ok_or(Bad::Overflow)?;
        Ok(())
    }

    /// Adds `value + fraction` units.
    fn add(&mut self, unit: Unit, value: i64, fraction: f64) -> Result<(), Bad> {
        match unit {
            Unit::Microsecond => self.micros(value, fraction, 1),
            Unit::Millisecond => self.micros(value, fraction, 1000),
            Unit::Second => self.micros(value, fraction, MICROS_PER_SECOND),
            Unit::Minute => self.micros(value, fraction, MICROS_PER_MINUTE),
            Unit::Hour => self.micros(value, fraction, MICROS_PER_HOUR),
            Unit::Day => {
                add32(&mut self.days, value, 1)?;
                self.fraction_micros(fraction, MICROS_PER_DAY)
            }
            Unit::Week => {
                add32(&mut self.days, value, 7)?;
                self.fraction_days(fraction, 7)
            }
            Unit::Month => {
                add32(&mut self.months, value, 1)?;
                self.fraction_days(fraction, 30)
            }
            Unit::Year | Unit::Decade | Unit::Century | Unit::Millennium => {
                let years = match unit {
                    Unit::Year => 1,
                    Unit::Decade => 10,
                    Unit::Century => 100,
                    _ => 1000,
                };
                add32(&mut self.years, value, years)?;
                self.fraction_years(fraction, years)
            }
            Unit::Quarter | Unit::Julian | Unit::Time | Unit::Other => Err(Bad::Format),
        }
    }
}

/// One bit a unit, to refuse a unit given twice. A fraction of seconds stands for milli- and microseconds too.
fn unit_bit(unit: Unit, fraction: bool) -> u32 {
    match unit {
        Unit::Second if fraction => {
            unit_bit(Unit::Second, false) | 1 << Unit::Millisecond as u32 | 1 << Unit::Microsecond as u32
        }
        _ => 1 << unit as u32,
    }
}

const TIME_BITS: u32 = 1 << Unit::Hour as u32
    | 1 << Unit::Minute as u32
    | 1 << Unit::Second as u32
    | 1 << Unit::Millisecond as u32
    | 1 << Unit::Microsecond as u32;

/// The unit of a number that has none, by the interval's declared fields.
fn default_unit(range: i32) -> Unit {
    match range {
        mask::YEAR => Unit::Year,
        r if r == mask::MONTH || r == mask::YEAR | mask::MONTH => Unit::Month,
        mask::DAY => Unit::Day,
        r if r & mask::SECOND != 0 => Unit::Second,
        r if r & mask::MINUTE != 0 => Unit::Minute,
        r if r & mask::HOUR != 0 => Unit::Hour,
        _ => Unit::Second,
    }
}

/// `1 year 2 mons -3 days 04:05:06 ago`, `1-2 3 4:05:06`: read from the end, so that units come before their numbers.
fn verbose(fields: &[Field], range: i32, style: IntervalStyle) -> Result<Sum, Bad> {
    let signed = |f: &Field| f.text.starts_with(['-', '+']);
    // The SQL standard lets a leading minus hold for all fields, unless there are more signs.
    let force_negative = style == IntervalStyle::SqlStandard
        && fields.first().is_some_and(|f| f.text.starts_with('-'))
        && !fields[1..].iter().any(signed);
    let mut sum = Sum::default();
    let mut seen = 0u32;
    let mut unit: Option<Unit> = None;
    let mut ago = false;
    for field in fields.iter().rev() {
        let mut bits = 0;
        match field.shape {
            Shape::Word | Shape::SignedWord => match interval_unit(&field.text) {
                Some(Some(u)) => unit = Some(u),
                Some(None) => {
                    ago = true;
                    unit = None;
                }
                None if token::word(&field.text) == Some(Word::Ignore) => {}
                None => return Err(Bad::Format),
            },
            Shape::Time | Shape::Signed if field.shape == Shape::Time || field.text[1..].contains(':') => {
                let negative = field.text.starts_with('-');
                let digits = field.text.trim_start_matches(['-', '+']);
                let (hour, minute, second, fraction) = time_fields(digits, range == mask::MINUTE | mask::SECOND)?;
                let mut micros = hour
                    .checked_mul(MICROS_PER_HOUR)
                    .and_then(|m| m.checked_add(i64::from(minute) * MICROS_PER_MINUTE))
                    .and_then(|m| m.checked_add(i64::from(second) * MICROS_PER_SECOND + fraction))
                    .ok_or(Bad::Overflow)?;
                if negative || force_negative {
                    micros = -micros;
                }
                sum.micros = sum.micros.checked_add(micros).ok_or(Bad::Overflow)?;
                bits = TIME_BITS;
                // `1 02:03` is a day and a time.
                unit = Some(Unit::Day);
            }
            Shape::Number | Shape::Date | Shape::Signed | Shape::Time => {
                let u = unit.unwrap_or_else(|| default_unit(range));
                let (u, value, fraction) = number(&field.text, u, force_negative)?;
                sum.add(u, value, fraction)?;
                bits = unit_bit(u, fraction != 0.0);
                // `1 2 hours` reads as a day and two hours.
                unit = Some(if u == Unit::Hour { Unit::Day } else { u });
            }
        }
        if seen & bits != 0 {
            return Err(Bad::Format);
        }
        seen |= bits;
    }
    if seen == 0 {
        return Err(Bad::Format);
    }
    if ago {
        sum.years = sum.years.checked_neg().ok_or(Bad::Overflow)?;
        sum.months = sum.months.checked_neg().ok_or(Bad::Overflow)?;
        sum.days = sum.days.checked_neg().ok_or(Bad::Overflow)?;
        sum.micros = sum.micros.checked_neg().ok_or(Bad::Overflow)?;
    }
    Ok(sum)
}

/// A number with its unit: `3`, `-1.5`, or `1-2` for years and months.
fn number(text: &str, unit: Unit, force_negative: bool) -> Result<(Unit, i64, f64), Bad> {
    let sign = usize::from(text.starts_with(['-', '+']));
    let negative = text.starts_with('-');
    let end = text[sign..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |n| n + sign);
    let mut value: i64 = if end == sign { 0 } else { text[..end].parse().map_err(|_| Bad::Overflow)? };
    let rest = &text[end..];
    let mut fraction = 0.0;
    let mut unit = unit;
    match rest.as_bytes().first() {
        None => {}
        Some(b'-') => {
            let months: i64 = match &rest[1..] {
                "" => 0,
                digits if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().map_err(|_| Bad::Overflow)?,
                _ => return Err(Bad::Format),
            };
            if months >= 12 {
                return Err(Bad::Overflow);
            }
            value = value
                .checked_mul(12)
                .and_then(|v| v.checked_add(if negative { -months } else { months }))
                .ok_or(Bad::Overflow)?;
            unit = Unit::Month;
        }
        Some(b'.') => {
            if !rest[1..].bytes().all(|b| b.is_ascii_digit()) {
                return Err(Bad::Format);
            }
            fraction = format!("0{rest}0").parse().map_err(|_| Bad::Format)?;
            if negative {
                fraction = -fraction;
            }
        }
        Some(_) => return Err(Bad::Format),
    }
    if force_negative {
        value = -value.abs();
        fraction = -f64::abs(fraction);
    }
    Ok((unit, value, fraction))
}

/// `P1Y2M3DT4H5M6S`, `P0001-02-03T04:05:06`, `P00010203T040506`.
fn iso8601(text: &str) -> Result<Sum, Bad> {
    let mut rest = text.strip_prefix('P').filter(|r| !r.is_empty()).ok_or(Bad::Format)?;
    let mut sum = Sum::default();
    let mut date = true;
    let mut have_field = false;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('T') {
            (date, have_field, rest) = (false, false, after);
            continue;
        }
        let start = rest;
        let (value, fraction) = iso_number(&mut rest)?;
        let width = start.strip_prefix('-').unwrap_or(start).bytes().take_while(u8::is_ascii_digit).count();
        let designator = rest.chars().next();
        let unit = match (date, designator) {
            (true, Some('Y')) => Unit::Year,
            (true, Some('M')) => Unit::Month,
            (true, Some('W')) => Unit::Week,
            (true, Some('D')) => Unit::Day,
            (false, Some('H')) => Unit::Hour,
            (false, Some('M')) => Unit::Minute,
            (false, Some('S')) => Unit::Second,
            (true, None | Some('T')) if width == 8 && !have_field => {
                add32(&mut sum.years, value / 10_000, 1)?;
                add32(&mut sum.months, value / 100 % 100, 1)?;
                add32(&mut sum.days, value % 100, 1)?;
                sum.fraction_micros(fraction, MICROS_PER_DAY)?;
                continue;
            }
            (false, None) if width == 6 && !have_field => {
                sum.micros(value / 10_000, 0.0, MICROS_PER_HOUR)?;
                sum.micros(value / 100 % 100, 0.0, MICROS_PER_MINUTE)?;
                sum.micros(value % 100, fraction, MICROS_PER_SECOND)?;
                return Ok(sum);
            }
            (true, None | Some('T' | '-')) if !have_field => {
                sum.add(Unit::Year, value, fraction)?;
                rest = iso_extended(rest, '-', &[Unit::Month, Unit::Day], &mut sum)?;
                continue;
            }
            (false, None | Some(':')) if !have_field => {
                sum.add(Unit::Hour, value, fraction)?;
                rest = iso_extended(rest, ':', &[Unit::Minute, Unit::Second], &mut sum)?;
                return if rest.is_empty() { Ok(sum) } else { Err(Bad::Format) };
            }
            _ => return Err(Bad::Format),
        };
        sum.add(unit, value, fraction)?;
        rest = &rest[1..];
        have_field = true;
    }
    Ok(sum)
}

/// The further fields of `0001-02-03` or `04:05:06`; stops at the end or at `T`.
fn iso_extended<'a>(mut rest: &'a str, separator: char, units: &[Unit], sum: &mut Sum) -> Result<&'a str, Bad> {
    for unit in units {
        let Some(after) = rest.strip_prefix(separator) else { break };
        rest = after;
        let (value, fraction) = iso_number(&mut rest)?;
        sum.add(*unit, value, fraction)?;
    }
    if rest.is_empty() || (separator == '-' && rest.starts_with('T')) { Ok(rest) } else { Err(Bad::Format) }
}

/// A decimal number off the front of the text: whole part and fraction, both with the sign.
fn iso_number(rest: &mut &str) -> Result<(i64, f64), Bad> {
    let text = *rest;
    if !text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.') {
        return Err(Bad::Format);
    }
    let sign = usize::from(text.starts_with('-'));
    let mut end = sign + text[sign..].bytes().take_while(u8::is_ascii_digit).count();
    let whole = &text[..end];
    let mut fraction = 0.0;
    if text[end..].starts_with('.') {
        let digits = text[end + 1..].bytes().take_while(u8::is_ascii_digit).count();
        fraction = format!("0.{}0", &text[end + 1..end + 1 + digits]).parse().map_err(|_| Bad::Format)?;
        if end == sign && digits == 0 {
            return Err(Bad::Format);
        }
        end += 1 + digits;
    } else if end == sign {
        return Err(Bad::Format);
    }
    if let Some(exponent) = text[end..].strip_prefix(['e', 'E']) {
        let sign = usize::from(exponent.starts_with(['-', '+']));
        let digits = exponent[sign..].bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            end += 1 + sign + digits;
            let value: f64 = text[..end].parse().map_err(|_| Bad::Format)?;
            // What strtod's number may be at most.
            if !(-1.0e15..=1.0e15).contains(&value) {
                return Err(Bad::Overflow);
            }
            *rest = &text[end..];
            return Ok((value.trunc() as i64, value.fract()));
        }
    }
    let value: i64 = if whole.len() == sign { 0 } else { whole.parse().map_err(|_| Bad::Overflow)? };
    if value != 0 && fraction != 0.0 {
        // PostgreSQL reads the number as one double, whose fraction has the fewer digits the larger the number is.
        let number: f64 = text[..end].parse().map_err(|_| Bad::Format)?;
        fraction = number.fract().abs();
    }
    *rest = &text[end..];
    Ok((value, if sign == 1 { -fraction } else { fraction }))
}
