//! The parts of date and time text: numbers, fractions, clock times, zone offsets; and what they make up.

use super::MICROS_PER_SECOND;
use super::civil;
use super::zone::MAX_OFFSET;

/// Why text is not a date or time; the caller, who knows the type, makes the error of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bad {
    /// 22007
    Format,
    /// 22008
    Overflow,
    /// 22008, with a hint at DateStyle
    OverflowMonthDay,
    /// 22009
    Displacement,
    /// 22023
    Zone(String),
    /// `now` and kin where no clock was given
    NoClock,
}

/// What the decoders give.
pub(super) type Decoded<T> = Result<T, Bad>;

/// The result: a local date and time, and the offset in seconds east of UTC that belongs to it.
#[derive(Debug, Default, Clone, Copy)]
pub struct Civil {
    pub year: i32,
    pub month: i32,
    pub day: i32,
    pub hour: i64,
    pub minute: i32,
    pub second: i32,
    pub micros: i64,
    pub east: i32,
}

impl Civil {
    /// Days since 1970; month and day have been checked.
    pub fn days(&self) -> i64 {
        civil::to_days(self.year, self.month as u32, self.day as u32)
    }

    pub fn time_micros(&self) -> i64 {
        ((self.hour * 60 + i64::from(self.minute)) * 60 + i64::from(self.second)) * MICROS_PER_SECOND + self.micros
    }

    pub(super) fn set_days(&mut self, days: i64) {
        let (year, month, day) = civil::from_days(days.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32);
        (self.year, self.month, self.day) = (year, month as i32, day as i32);
    }

    pub(super) fn set_time(&mut self, micros: i64) {
        let seconds = micros / MICROS_PER_SECOND;
        self.hour = seconds / 3600;
        self.minute = (seconds / 60 % 60) as i32;
        self.second = (seconds % 60) as i32;
        self.micros = micros % MICROS_PER_SECOND;
    }
}

/// Digits at the start of the text, and what follows; overflow is told from absence.
pub(super) fn leading_int(text: &str) -> Decoded<(i64, &str)> {
    let sign = usize::from(matches!(text.as_bytes().first(), Some(b'+' | b'-')));
    let end = text[sign..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |n| n + sign);
    if end == sign {
        return Err(Bad::Format);
    }
    let n = text[..end].parse::<i32>().map_err(|_| Bad::Overflow)?;
    Ok((i64::from(n), &text[end..]))
}

/// `.123456` as microseconds, rounded.
pub fn fraction_micros(text: &str) -> Decoded<i64> {
    let digits = text.strip_prefix('.').ok_or(Bad::Format)?;
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Bad::Format);
    }
    let f: f64 = format!("0.{digits}0").parse().map_err(|_| Bad::Format)?;
    Ok((f * 1_000_000.0).round_ties_even() as i64)
}

/// `HH:MM[:SS[.f]]`, or `MM:SS.f`: hours, minutes, seconds, microseconds. `minute_second` reads two fields as MM:SS.
pub fn time_fields(text: &str, minute_second: bool) -> Decoded<(i64, i32, i32, i64)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let mut hour: i64 = text[..end].parse().map_err(|_| if end == 0 { Bad::Format } else { Bad::Overflow })?;
    let rest = text[end..].strip_prefix(':').ok_or(Bad::Format)?;
    // A colon at the end reads as zero, as C's strtol has it.
    let (mut minute, rest) = colon_int(rest)?;
    let (mut second, mut micros) = (0, 0);
    match rest.as_bytes().first() {
        None => {
            if minute_second {
                (second, minute, hour) = (minute, hour, 0);
            }
        }
        Some(b'.') => {
            micros = fraction_micros(rest)?;
            (second, minute, hour) = (minute, hour, 0);
        }
        Some(b':') => {
            let (s, rest) = colon_int(&rest[1..])?;
            second = s;
            match rest.as_bytes().first() {
                None => {}
                Some(b'.') => micros = fraction_micros(rest)?,
                Some(_) => return Err(Bad::Format),
            }
        }
        Some(_) => return Err(Bad::Format),
    }
    if hour < 0 || !(0..60).contains(&minute) || !(0..=60).contains(&second) || micros > MICROS_PER_SECOND {
        return Err(Bad::Overflow);
    }
    Ok((hour, minute as i32, second as i32, micros))
}

fn colon_int(text: &str) -> Decoded<(i64, &str)> {
    if text.as_bytes().first().is_some_and(u8::is_ascii_digit) { leading_int(text) } else { Ok((0, text)) }
}

/// A zone that is a number with its sign, as seconds east; `Err` if it is too far from UTC, `None` if it is none.
pub fn offset_of_text(text: &str) -> Option<Result<i32, ()>> {
    match zone_offset(text) {
        Ok(east) => Some(Ok(east)),
        Err(Bad::Displacement) => Some(Err(())),
        Err(_) => None,
    }
}

/// `+HH[:MM[:SS]]` or `+HHMM`, as seconds east.
pub(super) fn zone_offset(text: &str) -> Decoded<i32> {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'+') => (false, &text[1..]),
        Some(b'-') => (true, &text[1..]),
        _ => return Err(Bad::Format),
    };
    let (mut hour, mut rest) =
        leading_int(digits).map_err(|e| if e == Bad::Overflow { Bad::Displacement } else { e })?;
    let (mut minute, mut second) = (0, 0);
    if let Some(after) = rest.strip_prefix(':') {
        (minute, rest) = colon_int(after)?;
        if let Some(after) = rest.strip_prefix(':') {
            (second, rest) = colon_int(after)?;
        }
    } else if rest.is_empty() && text.len() > 3 {
        (hour, minute) = (hour / 100, hour % 100);
    }
    if !(0..=15).contains(&hour) || !(0..60).contains(&minute) || !(0..60).contains(&second) {
        return Err(Bad::Displacement);
    }
    if !rest.is_empty() {
        return Err(Bad::Format);
    }
    let seconds = (hour * 3600 + minute * 60 + second) as i32;
    debug_assert!(seconds <= MAX_OFFSET);
    Ok(if negative { -seconds } else { seconds })
}
