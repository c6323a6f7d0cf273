//! to_char of numbers.

use super::fill::{fill_in, laid_out, take_number};
use crate::engine::Native;
use crate::engine::budget::{spend, tick};
use crate::engine::vector::NumericText;
use crate::error::{Error, Result, SqlState};
use crate::sql::signatures::native::native2;
use crate::types::numeric::Numeric;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Digit,
    Zero,
    Point,
    Comma,
    Group,
    Currency,
    Sign,
    Minus,
    Plus,
    PlusMinus,
    Bracket,
    Roman { lower: bool },
    Ordinal { upper: bool },
    Shift,
    Exponent,
    Blank,
    Fill,
}

pub(super) enum Piece {
    Key(Key),
    Char(char),
}

const KEYS: &[(&str, Key)] = &[
    (",", Key::Comma),
    (".", Key::Point),
    ("0", Key::Zero),
    ("9", Key::Digit),
    ("B", Key::Blank),
    ("C", Key::Blank),
    ("D", Key::Point),
    ("EEEE", Key::Exponent),
    ("FM", Key::Fill),
    ("G", Key::Group),
    ("L", Key::Currency),
    ("MI", Key::Minus),
    ("PL", Key::Plus),
    ("PR", Key::Bracket),
    ("RN", Key::Roman { lower: false }),
    ("SG", Key::PlusMinus),
    ("SP", Key::Blank),
    ("S", Key::Sign),
    ("TH", Key::Ordinal { upper: true }),
    ("V", Key::Shift),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignPlace {
    None,
    Before,
    After,
}

/// What a template asks for, as a whole.
pub(super) struct Shape {
    pub pre: i32,
    pub post: i32,
    pub sign_place: SignPlace,
    pub sign_at: i32,
    pub zero: bool,
    pub zero_start: i32,
    pub zero_end: i32,
    pub multi: i32,
    pub point: bool,
    pub signed: bool,
    pub minus: bool,
    pub plus: bool,
    pub bracket: bool,
    pub fill: bool,
    pub roman: bool,
    pub shift: bool,
    pub exponent: bool,
}

pub(super) fn natives() -> Vec<Native> {
    vec![
        native2::<NumericText, str, str>("dg_to_char_numeric", |n, template| {
            if template.is_empty() {
                return Ok(Some(String::new()));
            }
            let (pieces, shape) = prepare(template)?;
            let value = Numeric::parse(n)?;
            if shape.roman {
                let whole = roman_whole(&value, n)?;
                return Ok(Some(fill_in(&pieces, shape, roman(Some(whole)), '+', 0)));
            }
            if shape.exponent {
                return scientific(&value, n, &shape).map(Some);
            }
            let shifted = if shape.shift { value.mul(&power_of_ten(shape.multi)?)? } else { value };
            let text = shifted.round(shape.post)?.as_text().into_owned();
            Ok(Some(laid_out(&pieces, shape, &text)))
        }),
        native2::<i64, str, str>("dg_to_char_int8", |n, template| {
            if template.is_empty() {
                return Ok(Some(String::new()));
            }
            let (pieces, shape) = prepare(template)?;
            if shape.roman {
                return Ok(Some(fill_in(&pieces, shape, roman(Some(n)), '+', 0)));
            }
            let value = Numeric::from_i128(i128::from(n));
            if shape.exponent {
                return scientific(&value, "", &shape).map(Some);
            }
            let shifted = if shape.shift { value.mul(&power_of_ten(shape.multi)?)? } else { value };
            let text = shifted.round(0)?.round(shape.post)?.as_text().into_owned();
            Ok(Some(laid_out(&pieces, shape, &text)))
        }),
        native2::<str, str, NumericText>("dg_to_number", |text, template| {
            if template.is_empty() {
                return Ok(None);
            }
            let (pieces, shape) = prepare(template)?;
            for (asked, name) in [(shape.roman, "RN"), (shape.exponent, "EEEE")] {
                if asked {
                    let message = format!("\"{name}\" not supported for input");
                    return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
                }
            }
            let (digits, scale) = take_number(&pieces, &shape, text);
            if !digits.contains(|c: char| c.is_ascii_digit()) {
                let message = format!(
                    "invalid input syntax for type numeric: \"{}\"",
                    if digits.is_empty() { " " } else { &digits }
                );
                return Err(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message));
            }
            let value = Numeric::parse(&digits)?.round(scale)?;
            let value = if shape.shift { value.div(&power_of_ten(shape.multi)?)? } else { value };
            Ok(Some(value.as_text().into_owned()))
        }),
        native2::<f64, str, str>("dg_to_char_float8", |n, template| float(n, template, 15)),
        native2::<f32, str, str>("dg_to_char_float4", |n, template| float(f64::from(n), template, 6)),
    ]
}

fn power_of_ten(n: i32) -> Result<Numeric> {
    Numeric::parse(&format!("1{}", "0".repeat(n.max(0) as usize)))
}

fn float(n: f64, template: &str, digits: i32) -> Result<Option<String>> {
    if template.is_empty() {
        return Ok(Some(String::new()));
    }
    let (pieces, mut shape) = prepare(template)?;
    if shape.roman {
        return Ok(Some(fill_in(&pieces, shape, roman(Some(n.round_ties_even() as i64)), '+', 0)));
    }
    if shape.exponent {
        if !n.is_finite() {
            return Ok(Some(hashes(&shape)));
        }
        let text = format!("{:.*e}", shape.post.max(0) as usize, n);
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let sign = if exponent < 0 { '-' } else { '+' };
        let text = format!("{mantissa}e{sign}{:02}", exponent.abs());
        return Ok(Some(if text.starts_with('-') { text } else { format!(" {text}") }));
    }
    let value = if shape.shift { n * 10_f64.powi(shape.multi) } else { n };
    let text = match value {
        v if v.is_nan() => "NaN".to_owned(),
        v => {
            // "Infinity" counts as eight digits.
            let whole = if v.is_finite() { format!("{:.0}", v.abs()).len() as i32 } else { 8 };
            if whole >= digits {
                shape.post = 0;
            } else if whole + shape.post > digits {
                shape.post = digits - whole;
            }
            match v.is_finite() {
                true => format!("{:.*}", shape.post.max(0) as usize, v),
                false if v > 0.0 => "Infinity".into(),
                false => "-Infinity".into(),
            }
        }
    };
    Ok(Some(laid_out(&pieces, shape, &text)))
}

fn hashes(shape: &Shape) -> String {
    format!(" {}.{}", "#".repeat(shape.pre.max(0) as usize), "#".repeat(shape.post.max(0) as usize + 4))
}

fn scientific(value: &Numeric, text: &str, shape: &Shape) -> Result<String> {
    if text.contains(['N', 'I']) {
        return Ok(hashes(shape));
    }
    let text = value.as_text();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, &*text),
    };
    let post = shape.post.max(0);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{part}");
    let first = all.find(|c| c != '0');
    let exponent = first.map_or(0, |i| whole.len() as i32 - 1 - i as i32);
    // The mantissa rounded to `post` digits; 9.99 becomes 10.0, as in PostgreSQL.
    let scaled = value.round(post - exponent)?;
    let rounded: String = scaled.as_text().chars().filter(char::is_ascii_digit).collect();
    let mut mantissa = rounded.trim_start_matches('0').to_owned();
    // round() keeps no digits beyond the point for a scale below 0: cut what stands for them.
    if post < exponent {
        mantissa.truncate(mantissa.len().saturating_sub((exponent - post) as usize));
    }
    while (mantissa.len() as i32) < post + 1 {
        mantissa.push('0');
    }
    if post > 0 {
        mantissa.insert(mantissa.len() - post as usize, '.');
    }
    let sign = if negative { '-' } else { ' ' };
    let exponent_sign = if exponent < 0 { '-' } else { '+' };
    Ok(format!("{sign}{mantissa}e{exponent_sign}{:02}", exponent.abs()))
}

/// The integer that `RN` writes: PostgreSQL asks for one, and says so where there is none.
fn roman_whole(value: &Numeric, text: &str) -> Result<i64> {
    if let Some(what) = [("NaN", "NaN"), ("Inf", "infinity")].iter().find(|(word, _)| text.contains(word)) {
        let message = format!("cannot convert {} to integer", what.1);
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
    }
    let whole = value.round(0)?.to_i64().filter(|n| i32::try_from(*n).is_ok());
    whole.ok_or_else(|| Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range"))
}

fn roman(n: Option<i64>) -> String {
    let Some(mut n) = n.filter(|n| (1..=3999).contains(n)) else { return "###############".into() };
    const SIGNS: [(i64, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    let mut out = String::new();
    for (value, sign) in SIGNS {
        while n >= value {
            out.push_str(sign);
            n -= value;
        }
    }
    out
}

fn syntax(message: &str) -> Error {
    Error::new(SqlState::SYNTAX_ERROR, message)
}

fn prepare(template: &str) -> Result<(Vec<Piece>, Shape)> {
    let mut shape = Shape {
        pre: 0,
        post: 0,
        sign_place: SignPlace::None,
        sign_at: 0,
        zero: false,
        zero_start: 0,
        zero_end: 0,
        multi: 0,
        point: false,
        signed: false,
        minus: false,
        plus: false,
        bracket: false,
        fill: false,
        roman: false,
        shift: false,
        exponent: false,
    };
    spend(template.len().saturating_mul(size_of::<Piece>()))?;
    let mut out = Vec::new();
    let mut rest = template;
    while let Some(c) = rest.chars().next() {
        tick()?;
        if let Some((key, tail)) = keyword(rest) {
            shape.take(key)?;
            out.push(Piece::Key(key));
            rest = tail;
            continue;
        }
        rest = &rest[c.len_utf8()..];
        match c {
            '"' => {
                while let Some(c) = rest.chars().next() {
                    rest = &rest[c.len_utf8()..];
                    if c == '"' {
                        break;
                    }
                    if c == '\\'
                        && let Some(next) = rest.chars().next()
                    {
                        rest = &rest[next.len_utf8()..];
                        out.push(Piece::Char(next));
                        continue;
                    }
                    out.push(Piece::Char(c));
                }
            }
            '\\' if rest.starts_with('"') => {
                rest = &rest[1..];
                out.push(Piece::Char('"'));
            }
            c => out.push(Piece::Char(c)),
        }
    }
    Ok((out, shape))
}

fn keyword(text: &str) -> Option<(Key, &str)> {
    for (name, key) in KEYS {
        let Some(head) = text.get(..name.len()) else { continue };
        let tail = &text[name.len()..];
        if head == *name {
            return Some((*key, tail));
        }
        if head == name.to_lowercase() {
            let key = match key {
                Key::Roman { .. } => Key::Roman { lower: true },
                Key::Ordinal { .. } => Key::Ordinal { upper: false },
                key => *key,
            };
            return Some((key, tail));
        }
    }
    None
}

impl Shape {
    fn take(&mut self, key: Key) -> Result<()> {
        if self.exponent && key != Key::Exponent {
            return Err(syntax("\"EEEE\" must be the last pattern used"));
        }
        match key {
            Key::Digit if self.bracket => return Err(syntax("\"9\" must be ahead of \"PR\"")),
            Key::Digit if self.shift => self.multi += 1,
            Key::Digit if self.point => self.post += 1,
            Key::Digit => self.pre += 1,
            Key::Zero if self.bracket => return Err(syntax("\"0\" must be ahead of \"PR\"")),
            Key::Zero => {
                if !self.zero && !self.point {
                    self.zero = true;
                    self.zero_start = self.pre;
                }
                if self.point {
                    self.post += 1;
                } else {
                    self.pre += 1;
                }
                self.zero_end = self.pre + self.post;
            }
            Key::Point if self.point => return Err(syntax("multiple decimal points")),
            Key::Point if self.shift => return Err(syntax("cannot use \"V\" and decimal point together")),
            Key::Point => self.point = true,
            Key::Fill => self.fill = true,
            Key::Sign => {
                if self.signed {
                    return Err(syntax("cannot use \"S\" twice"));
                }
                if self.plus || self.minus || self.bracket {
                    return Err(syntax("cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together"));
                }
                self.signed = true;
                if self.point {
                    self.sign_place = SignPlace::After;
                } else {
                    self.sign_place = SignPlace::Before;
                    self.sign_at = self.pre;
                }
            }
            Key::Minus | Key::Plus | Key::PlusMinus if self.signed => {
                let name = match key {
                    Key::Minus => "MI",
                    Key::Plus => "PL",
                    _ => "SG",
                };
                return Err(syntax(&format!("cannot use \"S\" and \"{name}\" together")));
            }
            Key::Minus => self.minus = true,
            Key::Plus => self.plus = true,
            Key::PlusMinus => (self.minus, self.plus) = (true, true),
            Key::Bracket if self.signed || self.plus || self.minus => {
                return Err(syntax("cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together"));
            }
            Key::Bracket => self.bracket = true,
            Key::Roman { .. } => self.roman = true,
            Key::Shift if self.point => return Err(syntax("cannot use \"V\" and decimal point together")),
            Key::Shift => self.shift = true,
            Key::Exponent => {
                if self.exponent {
                    return Err(syntax("cannot use \"EEEE\" twice"));
                }
                if self.fill || self.signed || self.bracket || self.minus || self.plus || self.roman || self.shift {
                    return Err(syntax("\"EEEE\" is incompatible with other formats")
                        .detail("\"EEEE\" may only be used together with digit and decimal point patterns."));
                }
                self.exponent = true;
            }
            Key::Comma | Key::Group | Key::Currency | Key::Ordinal { .. } | Key::Blank => {}
        }
        Ok(())
    }
}
