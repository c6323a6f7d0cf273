//! Reading and printing settings' values: booleans, units, ranges, enums, as PostgreSQL's guc.c does.

use super::definition::{Kind, Value};
use crate::error::{Error, Result, SqlState};

/// The unit that a setting counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes in one step: `B`, `kB`, `8kB`, `MB`.
    Memory(i64, &'static str),
    /// Microseconds in one step: `ms`, `s`, `min`.
    Time(i64, &'static str),
}

/// From the largest: name and bytes.
const MEMORY: &[(&str, i64)] = &[("TB", 1 << 40), ("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10), ("B", 1)];
/// From the largest: name and microseconds.
const TIME: &[(&str, i64)] =
    &[("d", 86_400_000_000), ("h", 3_600_000_000), ("min", 60_000_000), ("s", 1_000_000), ("ms", 1_000), ("us", 1)];

const MEMORY_HINT: &str = "Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\".";
const TIME_HINT: &str = "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\".";

impl Unit {
    pub fn parse(name: &'static str) -> Option<Self> {
        Some(match name {
            "8kB" => Self::Memory(8 << 10, name),
            "s" | "ms" | "min" => Self::Time(TIME.iter().find(|(n, _)| *n == name)?.1, name),
            _ => Self::Memory(MEMORY.iter().find(|(n, _)| *n == name)?.1, name),
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Memory(_, name) | Self::Time(_, name) => name,
        }
    }

    fn step(self) -> i64 {
        match self {
            Self::Memory(step, _) | Self::Time(step, _) => step,
        }
    }

    fn table(self) -> &'static [(&'static str, i64)] {
        match self {
            Self::Memory(..) => MEMORY,
            Self::Time(..) => TIME,
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Memory(..) => MEMORY_HINT,
            Self::Time(..) => TIME_HINT,
        }
    }

    /// `number` of the unit called `name` in steps of this one. Fractions are rounded to the next smaller unit, as
    /// PostgreSQL does, so that '0.1min' is a whole number of seconds.
    fn convert(self, number: f64, name: &str) -> Option<f64> {
        let table = self.table();
        let at = table.iter().position(|(n, _)| *n == name)?;
        let size = table[at].1 as f64;
        let mut base = number * size;
        if let Some((_, smaller)) = table.get(at + 1) {
            base = (base / *smaller as f64).round_ties_even() * *smaller as f64;
        }
        Some(base / self.step() as f64)
    }

    /// The largest unit that `value` steps are a whole number of.
    fn largest(self, value: i64) -> (i64, &'static str) {
        let Some(base) = value.checked_mul(self.step()) else { return (value, self.name()) };
        let found = self.table().iter().find(|(_, size)| base % size == 0);
        found.map_or((value, self.name()), |(name, size)| (base / size, *name))
    }

    /// The same of a number that need not be whole: the largest unit that it is a whole number of, within a hair, or else
    /// the smallest.
    fn largest_of(self, value: f64) -> (f64, &'static str) {
        let of = |size: i64| value * self.step() as f64 / size as f64;
        let whole = |number: f64| (number.round_ties_even() / number - 1.0).abs() <= 1e-8;
        let found = self.table().iter().find(|(_, size)| whole(of(*size))).or_else(|| self.table().last());
        found.map_or((value, self.name()), |(name, size)| (of(*size), *name))
    }
}

fn invalid(name: &str, text: &str) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid value for parameter \"{name}\": \"{text}\""))
}

/// Reads a value for a setting; the setting's own check comes after.
pub fn parse(name: &str, kind: &Kind, text: &str) -> Result<Value> {
    match kind {
        Kind::Bool => parse_bool(text).map(Value::Bool).ok_or_else(|| {
            Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("parameter \"{name}\" requires a Boolean value"))
        }),
        Kind::Int { min, max, unit } => parse_int(name, text, *min, *max, *unit).map(Value::Int),
        Kind::Real { min, max, unit } => parse_real(name, text, *min, *max, *unit).map(Value::Real),
        Kind::Text => Ok(Value::Text(text.into())),
        Kind::Enum(values) => parse_enum(name, text, values).map(|v| Value::Text(v.into())),
    }
}

/// PostgreSQL's parse_bool: unique prefixes of true, false, yes, no; on, off; 1, 0.
pub fn parse_bool(text: &str) -> Option<bool> {
    let text = text.trim().to_ascii_lowercase();
    let prefix = |word: &str, least: usize| text.len() >= least && word.starts_with(&text);
    if prefix("true", 1) || prefix("yes", 1) || text == "on" || text == "1" {
        Some(true)
    } else if prefix("false", 1) || prefix("no", 1) || prefix("off", 2) || text == "0" {
        Some(false)
    } else {
        None
    }
}

fn parse_enum(name: &str, text: &str, values: &[&'static str]) -> Result<&'static str> {
    if let Some(found) = values.iter().find(|v| v.eq_ignore_ascii_case(text)) {
        return Ok(found);
    }
    // Enums that began as booleans take a boolean's other spellings.
    let alias = match parse_bool(text) {
        Some(true) => values.iter().find(|v| **v == "on"),
        Some(false) => values.iter().find(|v| **v == "off"),
        None => None,
    };
    if let Some(found) = alias {
        return Ok(found);
    }
    Err(invalid(name, text).hint(format!("Available values: {}.", values.join(", "))))
}

/// A number and the unit's name that follows it, which may be empty.
fn split_number(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let (sign, body) = match text.as_bytes().first()? {
        b'-' => (-1.0, &text[1..]),
        b'+' => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    let based = |radix: u32, skip: usize| {
        let digits = &body[skip..];
        let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
        (end > 0).then(|| i64::from_str_radix(&digits[..end], radix).ok())?.map(|n| (n as f64, &digits[end..]))
    };
    let lower = body.get(..2).map(str::to_ascii_lowercase);
    let (number, rest) = if lower.as_deref() == Some("0x") {
        based(16, 2)?
    } else {
        let end = decimal_end(body);
        if end == 0 {
            return None;
        }
        // strtol's octal, as PostgreSQL reads integers with base 0.
        if end > 1 && body.starts_with('0') && body[..end].bytes().all(|b| b.is_ascii_digit()) {
            based(8, 1)?
        } else {
            (body[..end].parse().ok()?, &body[end..])
        }
    };
    Some((sign * number, rest.trim_start()))
}

/// Where a decimal number ends: digits, a point, an exponent.
fn decimal_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |mut i: usize| {
        while bytes.get(i).is_some_and(u8::is_ascii_digit) {
            i += 1;
        }
        i
    };
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') {
        let after = digits(end + 1);
        if after == end + 1 && end == 0 {
            return 0;
        }
        end = after;
    }
    if end > 0 && matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let after = digits(end + 1 + sign);
        if after > end + 1 + sign {
            end = after;
        }
    }
    end
}

/// The number in the setting's unit.
fn in_unit(name: &str, text: &str, unit: Option<Unit>) -> Result<f64> {
    let (number, suffix) = split_number(text).ok_or_else(|| invalid(name, text))?;
    if suffix.is_empty() {
        return Ok(number);
    }
    let Some(unit) = unit else { return Err(invalid(name, text)) };
    unit.convert(number, suffix).ok_or_else(|| invalid(name, text).hint(unit.hint()))
}

fn with_unit(number: impl std::fmt::Display, unit: Option<Unit>) -> String {
    unit.map_or_else(|| number.to_string(), |u| format!("{number} {}", u.name()))
}

fn parse_int(name: &str, text: &str, min: i64, max: i64, unit: Option<Unit>) -> Result<i64> {
    let number = in_unit(name, text, unit)?.round_ties_even();
    if number > f64::from(i32::MAX) || number < f64::from(i32::MIN) {
        return Err(invalid(name, text).hint("Value exceeds integer range."));
    }
    let number = number as i64;
    if number < min || number > max {
        return Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("{} is outside the valid range for parameter \"{name}\" ({min} .. {max})", with_unit(number, unit)),
        ));
    }
    Ok(number)
}

fn parse_real(name: &str, text: &str, min: f64, max: f64, unit: Option<Unit>) -> Result<f64> {
    let number = in_unit(name, text, unit)?;
    if !(min..=max).contains(&number) {
        return Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!(
                "{} is outside the valid range for parameter \"{name}\" ({} .. {})",
                with_unit(general(number), unit),
                general(min),
                general(max)
            ),
        ));
    }
    Ok(number)
}

/// C's `%g`: six significant digits, without trailing zeros.
fn general(number: f64) -> String {
    if number == 0.0 || !number.is_finite() {
        return format!("{number}");
    }
    let scientific = format!("{number:.5e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let trim = |s: &str| {
        if s.contains('.') { s.trim_end_matches('0').trim_end_matches('.').to_owned() } else { s.to_owned() }
    };
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trim(mantissa), exponent.abs());
    }
    trim(&format!("{number:.*}", (5 - exponent).max(0) as usize))
}

pub fn show(kind: &Kind, value: &Value) -> String {
    match (kind, value) {
        (Kind::Int { unit: Some(unit), .. }, Value::Int(n)) if *n > 0 => {
            let (n, name) = unit.largest(*n);
            format!("{n}{name}")
        }
        (Kind::Real { unit: Some(unit), .. }, Value::Real(n)) if *n > 0.0 => {
            let (n, unit) = unit.largest_of(*n);
            format!("{}{unit}", general(n))
        }
        _ => raw(value),
    }
}

pub fn raw(value: &Value) -> String {
    match value {
        Value::Bool(true) => "on".into(),
        Value::Bool(false) => "off".into(),
        Value::Int(n) => n.to_string(),
        Value::Real(n) => general(*n),
        Value::Text(text) => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory() -> Kind {
        Kind::Int { min: 64, max: i64::from(i32::MAX), unit: Unit::parse("kB") }
    }

    fn time() -> Kind {
        Kind::Int { min: 0, max: i64::from(i32::MAX), unit: Unit::parse("ms") }
    }

    #[test]
    fn values_read_and_print_as_postgresql_does() {
        let cases = [
            (memory(), "1.5MB", "1536kB"),
            (memory(), "64MB", "64MB"),
            (memory(), "65536", "64MB"),
            (memory(), "0x400", "1MB"),
            (memory(), " 2 GB ", "2GB"),
            (time(), "90s", "90s"),
            (time(), "1500us", "2ms"),
            (time(), "1min", "1min"),
            (time(), "3600000", "1h"),
            (time(), "0", "0"),
            (Kind::Real { min: 0.0, max: f64::MAX, unit: None }, "1.10", "1.1"),
            (Kind::Bool, "TRU", "on"),
            (Kind::Bool, "of", "off"),
            (Kind::Enum(vec!["local", "on", "off"]), "false", "off"),
        ];
        for (kind, text, shown) in cases {
            let value = parse("p", &kind, text).unwrap();
            assert_eq!(show(&kind, &value), shown, "{text}");
        }
    }

    #[test]
    fn errors_have_postgresql_wording() {
        let bad = |kind: &Kind, text: &str| {
            let error = parse("p", kind, text).unwrap_err();
            (error.report().message.clone(), error.report().hint.clone())
        };
        assert_eq!(bad(&memory(), "1").0, "1 kB is outside the valid range for parameter \"p\" (64 .. 2147483647)");
        assert_eq!(
            bad(&memory(), "10xx"),
            ("invalid value for parameter \"p\": \"10xx\"".into(), Some(MEMORY_HINT.into()))
        );
        assert_eq!(bad(&memory(), "99999999999").1.unwrap(), "Value exceeds integer range.");
        assert_eq!(bad(&memory(), "abc"), ("invalid value for parameter \"p\": \"abc\"".into(), None));
        assert_eq!(bad(&Kind::Bool, "o").0, "parameter \"p\" requires a Boolean value");
        let real = Kind::Real { min: 0.0, max: f64::MAX, unit: None };
        assert_eq!(bad(&real, "-1").0, "-1 is outside the valid range for parameter \"p\" (0 .. 1.79769e+308)");
        assert_eq!(bad(&Kind::Enum(vec!["escape", "hex"]), "x").1.unwrap(), "Available values: escape, hex.");
    }
}
