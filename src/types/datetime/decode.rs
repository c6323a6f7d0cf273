//! Fields of date and time text, put together by PostgreSQL's rules (DecodeDateTime and DecodeTimeOnly).

use super::fields::{Bad, Civil, Decoded, fraction_micros, leading_int, time_fields, zone_offset};
use super::token::{self, Abbreviation, Field, Shape, Unit, Word};
use super::zone::Zone;
use super::{MICROS_PER_DAY, MICROS_PER_SECOND, civil};
use crate::types::DateOrder;

/// Which fields have been seen.
mod mask {
    pub const YEAR: u32 = 1;
    pub const MONTH: u32 = 1 << 1;
    pub const DAY: u32 = 1 << 2;
    pub const HOUR: u32 = 1 << 3;
    pub const MINUTE: u32 = 1 << 4;
    pub const SECOND: u32 = 1 << 5;
    pub const FRACTION: u32 = 1 << 6;
    pub const ZONE: u32 = 1 << 7;
    pub const DAYLIGHT: u32 = 1 << 8;
    pub const WEEKDAY: u32 = 1 << 9;
    pub const YEARDAY: u32 = 1 << 10;
    pub const MERIDIAN: u32 = 1 << 11;
    pub const ERA: u32 = 1 << 12;
    pub const DATE: u32 = YEAR | MONTH | DAY;
    pub const TIME: u32 = HOUR | MINUTE | SECOND | FRACTION;
}

/// What the text says as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Fields,
    Epoch,
    Infinity,
    NegInfinity,
}

/// What decoding needs besides the text.
pub struct Context<'a> {
    pub order: DateOrder,
    pub zone: &'a Zone,
    /// Microseconds since 1970.
    pub now: Option<i64>,
}

enum NamedZone {
    Zone(Zone),
    Abbreviation(Zone),
}

struct Decoder<'a> {
    context: &'a Context<'a>,
    out: Civil,
    /// Fields seen.
    seen: u32,
    kind: Kind,
    /// A label (`y`, `j`, `t` …) that says what the next number is.
    label: Option<Unit>,
    text_month: bool,
    two_digit_year: bool,
    year_day: i32,
    julian: bool,
    bc: bool,
    meridian: Option<bool>,
    named: Option<NamedZone>,
    daylight: i32,
    /// A word asked for the clock and there was none; an error only if the rest is in order.
    no_clock: bool,
}

/// A date with an optional time and zone.
pub fn date_time(fields: &[Field], context: &Context<'_>) -> Decoded<(Kind, Civil)> {
    let mut d = Decoder::new(context);
    for (i, field) in fields.iter().enumerate() {
        let mask = d.field(field, fields.get(i + 1), false)?;
        d.merge(mask)?;
    }
    if d.kind != Kind::Fields {
        return Ok((d.kind, d.out));
    }
    d.validate_date()?;
    d.apply_meridian()?;
    if d.seen & mask::DATE != mask::DATE {
        return Err(Bad::Format);
    }
    d.resolve_zone()?;
    if d.no_clock { Err(Bad::NoClock) } else { Ok((Kind::Fields, d.out)) }
}

/// A time of day with an optional zone; a date is taken where it helps to know the zone's offset.
pub fn time_only(fields: &[Field], context: &Context<'_>) -> Decoded<Civil> {
    let mut d = Decoder::new(context);
    let last = fields.last().map(|f| f.shape);
    for (i, field) in fields.iter().enumerate() {
        let date_ok = i == 0 && fields.len() >= 2;
        let next_time = fields.get(1).is_some_and(|f| f.shape == Shape::Time);
        let mask = match field.shape {
            Shape::Date if date_ok && (last == Some(Shape::Date) || next_time) => d.date(&field.text)?,
            Shape::Number if d.label.is_none() => d.time_number(field, date_ok && last == Some(Shape::Date))?,
            _ => d.field(field, fields.get(i + 1), true)?,
        };
        d.merge(mask)?;
    }
    if d.kind != Kind::Fields {
        return Err(Bad::Format);
    }
    d.validate_date()?;
    d.apply_meridian()?;
    if time_overflows(&d.out) {
        return Err(Bad::Overflow);
    }
    if d.seen & mask::TIME != mask::TIME {
        return Err(Bad::Format);
    }
    d.resolve_time_zone()?;
    if d.no_clock { Err(Bad::NoClock) } else { Ok(d.out) }
}

fn time_overflows(t: &Civil) -> bool {
    !(0..=24).contains(&t.hour)
        || !(0..60).contains(&t.minute)
        || !(0..=60).contains(&t.second)
        || !(0..=MICROS_PER_SECOND).contains(&t.micros)
        || t.time_micros() > MICROS_PER_DAY
}

impl<'a> Decoder<'a> {
    fn new(context: &'a Context<'a>) -> Self {
        Self {
            context,
            out: Civil::default(),
            seen: 0,
            kind: Kind::Fields,
            label: None,
            text_month: false,
            two_digit_year: false,
            year_day: 0,
            julian: false,
            bc: false,
            meridian: None,
            named: None,
            daylight: 0,
            no_clock: false,
        }
    }

    fn merge(&mut self, mask: u32) -> Decoded<()> {
        if self.seen & mask != 0 {
            return Err(Bad::Format);
        }
        self.seen |= mask;
        Ok(())
    }

    fn has(&self, mask: u32) -> bool {
        self.seen & mask == mask
    }

    fn field(&mut self, field: &Field, next: Option<&Field>, time_only: bool) -> Decoded<u32> {
        let text = field.text.as_str();
        match field.shape {
            Shape::Date => {
                if self.label == Some(Unit::Julian) {
                    return self.julian_with_zone(text);
                }
                if time_only || self.label.is_some() || self.has(mask::MONTH | mask::DAY) {
                    return self.zone_or_run_together(text);
                }
                self.date(text)
            }
            Shape::Time => {
                if self.label.take().is_some_and(|l| l != Unit::Time) {
                    return Err(Bad::Format);
                }
                let (hour, minute, second, micros) = time_fields(text, false)?;
                (self.out.hour, self.out.minute, self.out.second, self.out.micros) = (hour, minute, second, micros);
                if time_overflows(&self.out) {
                    return Err(Bad::Overflow);
                }
                Ok(mask::TIME)
            }
            Shape::Signed => {
                self.out.east = zone_offset(text)?;
                Ok(mask::ZONE)
            }
            Shape::Number => match self.label.take() {
                Some(label) => self.labelled(label, text),
                None => self.bare_number(text),
            },
            Shape::Word | Shape::SignedWord => self.word(text, next, time_only),
        }
    }

    /// A zone name, or `hhmmss-zz`.
    fn zone_or_run_together(&mut self, text: &str) -> Decoded<u32> {
        if text.as_bytes()[0].is_ascii_digit() || self.label.is_some() {
            if self.label.take().is_some_and(|l| l != Unit::Time) || self.has(mask::TIME) {
                return Err(Bad::Format);
            }
            let at = text.find('-').ok_or(Bad::Format)?;
            self.out.east = zone_offset(&text[at..])?;
            let mask = self.number_field(&text[..at], self.seen | mask::DATE)?;
            return Ok(mask | mask::ZONE);
        }
        let zone = Zone::find(text).ok_or_else(|| Bad::Zone(text.to_owned()))?;
        self.named = Some(NamedZone::Zone(zone));
        Ok(mask::ZONE)
    }

    /// `J2451187-08`: a Julian day with a zone.
    fn julian_with_zone(&mut self, text: &str) -> Decoded<u32> {
        let (value, rest) = leading_int(text)?;
        self.label = None;
        self.julian = true;
        self.out.set_days(value - 2_440_588);
        self.out.east = zone_offset(rest)?;
        Ok(mask::DATE | mask::TIME | mask::ZONE)
    }

    /// `1999-01-08`, `Jan-08-1999`, `8.1.1999` …
    fn date(&mut self, text: &str) -> Decoded<u32> {
        let mut parts: Vec<&str> = Vec::new();
        let mut rest = text;
        while !rest.is_empty() && parts.len() < 25 {
            rest = rest.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
            let Some(first) = rest.as_bytes().first() else { return Err(Bad::Format) };
            let digit = first.is_ascii_digit();
            let end = rest
                .find(|c: char| if digit { !c.is_ascii_digit() } else { !c.is_ascii_alphabetic() })
                .unwrap_or(rest.len());
            parts.push(&rest[..end]);
            // One separator goes with each field.
            rest = rest.get(end + 1..).unwrap_or("");
        }
        let before = self.seen;
        let mut found = 0;
        let mut text_month = false;
        let mut add = |this: &mut Self, mask: u32| {
            if this.seen & mask != 0 {
                return Err(Bad::Format);
            }
            this.seen |= mask;
            found |= mask;
            Ok(())
        };
        for part in parts.iter().filter(|p| p.as_bytes()[0].is_ascii_alphabetic()) {
            match token::word(part) {
                Some(Word::Ignore) => {}
                Some(Word::Month(month)) => {
                    self.out.month = month as i32;
                    text_month = true;
                    add(self, mask::MONTH)?;
                }
                _ => return Err(Bad::Format),
            }
        }
        for part in parts.iter().filter(|p| p.as_bytes()[0].is_ascii_digit()) {
            let mask = self.date_number(part, text_month)?;
            add(self, mask)?;
        }
        let complete = self.seen & !(mask::YEARDAY | mask::ZONE) == mask::DATE;
        // The caller merges what was found.
        self.seen = before;
        if complete { Ok(found) } else { Err(Bad::Format) }
    }

    /// A number whose meaning follows from what has been seen and from DateStyle's order.
    fn date_number(&mut self, text: &str, text_month: bool) -> Decoded<u32> {
        let (value, rest) = leading_int(text)?;
        if rest.starts_with('.') {
            if text.len() - rest.len() > 2 {
                return self.number_field(text, self.seen | mask::DATE);
            }
            self.out.micros = fraction_micros(rest)?;
        } else if !rest.is_empty() {
            return Err(Bad::Format);
        }
        let value = value as i32;
        let digits = text.len();
        let have = self.seen & mask::DATE;
        if digits == 3 && have == mask::YEAR && (1..=366).contains(&value) {
            self.year_day = value;
            return Ok(mask::YEARDAY | mask::MONTH | mask::DAY);
        }
        let year_first = digits >= 3 || self.context.order == DateOrder::Ymd;
        let field = match have {
            0 if year_first => mask::YEAR,
            0 if self.context.order == DateOrder::Dmy => mask::DAY,
            0 => mask::MONTH,
            mask::YEAR | mask::DAY => mask::MONTH,
            mask::MONTH if text_month && year_first => mask::YEAR,
            mask::MONTH => mask::DAY,
            m if m == mask::YEAR | mask::MONTH => {
                if text_month && digits >= 3 && self.two_digit_year {
                    // The first number was the day after all.
                    self.out.day = self.out.year;
                    self.out.year = value;
                    self.two_digit_year = false;
                    return Ok(mask::DAY);
                }
                mask::DAY
            }
            m if m == mask::MONTH | mask::DAY => mask::YEAR,
            mask::DATE => return self.number_field(text, self.seen),
            _ => return Err(Bad::Format),
        };
        match field {
            mask::YEAR => {
                self.out.year = value;
                self.two_digit_year = digits <= 2;
            }
            mask::MONTH => self.out.month = value,
            _ => self.out.day = value,
        }
        Ok(field)
    }

    /// Concatenated digits: `20011223`, `040506.789`.
    fn number_field(&mut self, text: &str, seen: u32) -> Decoded<u32> {
        let int = |s: &str| s.parse::<i32>().map_err(|_| Bad::Format);
        let (digits, fraction) = match text.find('.') {
            Some(at) => (&text[..at], Some(&text[at..])),
            None => (text, None),
        };
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Bad::Format);
        }
        let n = digits.len();
        match fraction {
            Some(fraction) => self.out.micros = fraction_micros(fraction)?,
            None if seen & mask::DATE != mask::DATE && n >= 6 => {
                self.out.day = int(&digits[n - 2..])?;
                self.out.month = int(&digits[n - 4..n - 2])?;
                self.out.year = int(&digits[..n - 4])?;
                if n == 6 {
                    self.two_digit_year = true;
                }
                return Ok(mask::DATE);
            }
            None => {}
        }
        if seen & mask::TIME != mask::TIME && (n == 6 || n == 4) {
            self.out.second = if n == 6 { int(&digits[4..])? } else { 0 };
            self.out.minute = int(&digits[2..4])?;
            self.out.hour = i64::from(int(&digits[..2])?);
            return Ok(mask::TIME);
        }
        Err(Bad::Format)
    }

    fn bare_number(&mut self, text: &str) -> Decoded<u32> {
        let point = text.find('.');
        match point {
            Some(_) if self.seen & mask::DATE == 0 => self.date(text),
            Some(at) if at > 2 => self.number_field(text, self.seen),
            _ if text.len() >= 6 && (self.seen & mask::DATE == 0 || self.seen & mask::TIME == 0) => {
                self.number_field(text, self.seen)
            }
            _ => self.date_number(text, self.text_month),
        }
    }

    /// A number in a time of day.
    fn time_number(&mut self, field: &Field, date_ok: bool) -> Decoded<u32> {
        let text = field.text.as_str();
        match text.find('.') {
            Some(_) if date_ok => self.date(text),
            Some(at) if at > 2 => self.number_field(text, self.seen | mask::DATE),
            Some(_) => Err(Bad::Format),
            None if text.len() > 4 => self.number_field(text, self.seen | mask::DATE),
            None => {
                // As if the date were known: what is left must be a time.
                leading_int(text)?;
                self.number_field(text, self.seen | mask::DATE)
            }
        }
    }

    /// The number after a label: `y2001`, `J2451187`, `T040506`.
    fn labelled(&mut self, label: Unit, text: &str) -> Decoded<u32> {
        let (value, rest) = leading_int(text)?;
        let fraction = rest.starts_with('.');
        if fraction && !matches!(label, Unit::Julian | Unit::Time | Unit::Second) || !fraction && !rest.is_empty() {
            return Err(Bad::Format);
        }
        let v = value as i32;
        Ok(match label {
            Unit::Year => {
                self.out.year = v;
                mask::YEAR
            }
            Unit::Month if self.has(mask::MONTH | mask::HOUR) => {
                self.out.minute = v;
                mask::MINUTE
            }
            Unit::Month => {
                self.out.month = v;
                mask::MONTH
            }
            Unit::Day => {
                self.out.day = v;
                mask::DAY
            }
            Unit::Hour => {
                self.out.hour = value;
                mask::HOUR
            }
            Unit::Minute => {
                self.out.minute = v;
                mask::MINUTE
            }
            Unit::Second => {
                self.out.second = v;
                if fraction {
                    self.out.micros = fraction_micros(rest)?;
                }
                mask::SECOND | mask::FRACTION
            }
            Unit::Julian => {
                if value < 0 {
                    return Err(Bad::Overflow);
                }
                self.julian = true;
                self.out.set_days(value - 2_440_588);
                if !fraction {
                    return Ok(mask::DATE);
                }
                let part: f64 = format!("0{rest}0").parse().map_err(|_| Bad::Format)?;
                self.out.set_time((part * MICROS_PER_DAY as f64) as i64);
                mask::DATE | mask::TIME
            }
            Unit::Time => {
                let found = self.number_field(text, self.seen | mask::DATE)?;
                if found != mask::TIME {
                    return Err(Bad::Format);
                }
                found
            }
            _ => return Err(Bad::Format),
        })
    }

    fn word(&mut self, text: &str, next: Option<&Field>, time_only: bool) -> Decoded<u32> {
        if let Some(abbreviation) = token::abbreviation(text) {
            match abbreviation {
                Abbreviation::Offset(east) => self.out.east = east,
                Abbreviation::Zone(name) => {
                    self.named = Zone::called(text, name).map(NamedZone::Abbreviation);
                }
            }
            return Ok(mask::ZONE);
        }
        let Some(word) = token::word(text) else {
            let zone = Zone::find(text).ok_or(Bad::Format)?;
            self.named = Some(NamedZone::Zone(zone));
            return Ok(mask::ZONE);
        };
        match word {
            Word::Ignore => Ok(0),
            Word::Month(_)
            | Word::Weekday
            | Word::Today
            | Word::Tomorrow
            | Word::Yesterday
            | Word::Epoch
            | Word::Infinity
            | Word::NegInfinity
                if time_only =>
            {
                Err(Bad::Format)
            }
            Word::Month(month) => {
                let mut found = mask::MONTH;
                // A number taken for the month was the day.
                if self.has(mask::MONTH)
                    && !self.text_month
                    && self.seen & mask::DAY == 0
                    && (1..=31).contains(&self.out.month)
                {
                    self.out.day = self.out.month;
                    found = mask::DAY;
                }
                self.text_month = true;
                self.out.month = month as i32;
                Ok(found)
            }
            Word::Weekday => Ok(mask::WEEKDAY),
            Word::Am | Word::Pm => {
                self.meridian = Some(word == Word::Pm);
                Ok(mask::MERIDIAN)
            }
            Word::Ad | Word::Bc => {
                self.bc = word == Word::Bc;
                Ok(mask::ERA)
            }
            Word::Unit(unit) => {
                self.label = Some(unit);
                Ok(0)
            }
            Word::IsoTime => {
                let follows = next.is_some_and(|f| matches!(f.shape, Shape::Number | Shape::Time | Shape::Date));
                if !follows || (!time_only && !self.has(mask::DATE)) {
                    return Err(Bad::Format);
                }
                self.label = Some(Unit::Time);
                Ok(0)
            }
            Word::DaylightModifier => {
                self.daylight = 3600;
                Ok(mask::DAYLIGHT)
            }
            Word::AllBalls => {
                self.out.set_time(0);
                self.out.east = 0;
                Ok(mask::TIME | mask::ZONE)
            }
            Word::Now | Word::Today | Word::Tomorrow | Word::Yesterday => self.clock(word, time_only),
            Word::Epoch => self.whole(Kind::Epoch),
            Word::Infinity => self.whole(Kind::Infinity),
            Word::NegInfinity => self.whole(Kind::NegInfinity),
        }
    }

    fn whole(&mut self, kind: Kind) -> Decoded<u32> {
        self.kind = kind;
        Ok(mask::DATE | mask::TIME | mask::ZONE)
    }

    fn clock(&mut self, word: Word, time_only: bool) -> Decoded<u32> {
        self.no_clock |= self.context.now.is_none();
        let now = self.context.now.unwrap_or(0);
        let east = self.context.zone.offset_at(now.div_euclid(MICROS_PER_SECOND));
        let local = now + i64::from(east) * MICROS_PER_SECOND;
        let days = local.div_euclid(MICROS_PER_DAY);
        let shift = match word {
            Word::Tomorrow => 1,
            Word::Yesterday => -1,
            _ => 0,
        };
        if !time_only {
            self.out.set_days(days + shift);
        }
        if word != Word::Now {
            return Ok(mask::DATE);
        }
        self.out.set_time(local.rem_euclid(MICROS_PER_DAY));
        self.out.east = east;
        Ok(if time_only { mask::TIME } else { mask::DATE | mask::TIME | mask::ZONE })
    }

    fn validate_date(&mut self) -> Decoded<()> {
        let out = &mut self.out;
        if self.seen & mask::YEAR != 0 && !self.julian {
            if self.bc {
                if out.year <= 0 {
                    return Err(Bad::Overflow);
                }
                out.year = 1 - out.year;
            } else if self.two_digit_year {
                out.year += match out.year {
                    i32::MIN..0 => return Err(Bad::Overflow),
                    0..70 => 2000,
                    70..100 => 1900,
                    _ => 0,
                };
            } else if out.year <= 0 {
                return Err(Bad::Overflow);
            }
        }
        if self.seen & mask::YEARDAY != 0 {
            let days = civil::to_days(out.year, 1, 1) + i64::from(self.year_day) - 1;
            out.set_days(days);
        }
        if self.seen & mask::MONTH != 0 && !(1..=12).contains(&out.month) {
            return Err(Bad::OverflowMonthDay);
        }
        if self.seen & mask::DAY != 0 && !(1..=31).contains(&out.day) {
            return Err(Bad::OverflowMonthDay);
        }
        if self.seen & mask::DATE == mask::DATE && out.day > civil::days_in_month(out.year, out.month as u32) as i32 {
            return Err(Bad::Overflow);
        }
        Ok(())
    }

    fn apply_meridian(&mut self) -> Decoded<()> {
        let Some(pm) = self.meridian else { return Ok(()) };
        if self.out.hour > 12 {
            return Err(Bad::Overflow);
        }
        if pm && self.out.hour != 12 {
            self.out.hour += 12;
        } else if !pm && self.out.hour == 12 {
            self.out.hour = 0;
        }
        Ok(())
    }

    fn local_seconds(&self) -> i64 {
        self.out.days() * 86_400 + self.out.time_micros() / MICROS_PER_SECOND
    }

    fn resolve_zone(&mut self) -> Decoded<()> {
        let local = self.local_seconds();
        match &self.named {
            Some(NamedZone::Zone(_)) if self.daylight != 0 => return Err(Bad::Format),
            Some(NamedZone::Zone(zone) | NamedZone::Abbreviation(zone)) => self.out.east = zone.offset_of_local(local),
            None if self.seen & mask::ZONE == 0 => {
                if self.daylight != 0 {
                    return Err(Bad::Format);
                }
                self.out.east = self.context.zone.offset_of_local(local);
            }
            None => {}
        }
        self.out.east += self.daylight;
        Ok(())
    }

    /// For a time alone: a zone with daylight saving needs a date, the session's zone takes today's.
    fn resolve_time_zone(&mut self) -> Decoded<()> {
        if self.has(mask::DATE) {
            return self.resolve_zone();
        }
        let today = self.context.now.unwrap_or(0).div_euclid(MICROS_PER_SECOND);
        match &self.named {
            Some(NamedZone::Zone(zone)) => {
                let east = zone.fixed_offset().ok_or(Bad::Format)?;
                if self.daylight != 0 {
                    return Err(Bad::Format);
                }
                self.out.east = east;
            }
            Some(NamedZone::Abbreviation(zone)) => self.out.east = zone.offset_at(today),
            None if self.seen & mask::ZONE == 0 => match self.context.zone.fixed_offset() {
                Some(east) => self.out.east = east,
                // Without a clock the caller learns that one is needed, if it wants the offset at all.
                None if self.context.now.is_none() => self.out.east = i32::MIN,
                None => self.out.east = self.context.zone.offset_at(today),
            },
            None => {}
        }
        if self.out.east != i32::MIN {
            self.out.east += self.daylight;
        }
        Ok(())
    }
}
