//! A number's digits into a template's places, and a template's digits out of a text: PostgreSQL's `NUM_processor`.

use super::number::{Key, Piece, Shape, SignPlace};
use super::ordinal;

/// A number's text in its places: blanks before it, or `#` if it does not fit.
pub(super) fn laid_out(pieces: &[Piece], mut shape: Shape, text: &str) -> String {
    shape.pre += shape.multi;
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ('-', digits.to_owned()),
        None => ('+', text.to_owned()),
    };
    let whole = digits.find('.').unwrap_or(digits.len()) as i32;
    if whole > shape.pre {
        let filled = format!("{}.{}", "#".repeat(shape.pre.max(0) as usize), "#".repeat(shape.post.max(0) as usize));
        return fill_in(pieces, shape, filled, sign, 0);
    }
    let spaces = shape.pre - whole;
    fill_in(pieces, shape, digits, sign, spaces)
}

/// The state of PostgreSQL's `NUM_processor`.
struct Filler {
    shape: Shape,
    number: Vec<u8>,
    at: usize,
    sign: char,
    sign_written: bool,
    count: i32,
    current: i32,
    spaces: i32,
    inside: bool,
    /// The last digit after the point that is not a needless zero, or the point.
    relevant: Option<usize>,
    out: String,
}

pub(super) fn fill_in(pieces: &[Piece], mut shape: Shape, number: String, sign: char, spaces: i32) -> String {
    let number = number.into_bytes();
    let sign_written;
    if shape.plus || shape.minus {
        sign_written = !shape.plus || shape.minus;
    } else {
        if sign != '-' && shape.fill {
            shape.bracket = false;
        }
        sign_written = sign == '+' && shape.fill && !shape.signed;
        if shape.sign_place == SignPlace::Before && shape.pre == shape.sign_at {
            shape.sign_place = SignPlace::After;
        }
    }
    let mut relevant = None;
    if shape.fill && shape.point {
        relevant = last_relevant(&number);
        if let Some(last) = relevant
            && shape.zero_end > spaces
        {
            let zero = (number.len() as i32 - 1).min(shape.zero_end - spaces).max(0) as usize;
            relevant = Some(last.max(zero));
        }
    }
    let mut count = shape.post + shape.pre - 1;
    if !sign_written && spaces == 0 {
        count += 1;
    }
    let mut filler = Filler {
        shape,
        number,
        at: 0,
        sign,
        sign_written,
        count,
        current: 0,
        spaces,
        inside: false,
        relevant,
        out: String::new(),
    };
    for piece in pieces {
        match piece {
            Piece::Char(c) => filler.out.push(*c),
            Piece::Key(key) => filler.key(*key),
        }
    }
    filler.out
}

fn last_relevant(number: &[u8]) -> Option<usize> {
    let point = number.iter().position(|b| *b == b'.')?;
    Some((point + 1..number.len()).rev().find(|i| number[*i] != b'0').unwrap_or(point))
}

impl Filler {
    fn key(&mut self, key: Key) {
        match key {
            Key::Digit | Key::Zero | Key::Point => self.digit(key),
            Key::Comma | Key::Group => match (self.inside, self.shape.fill) {
                (true, _) => self.out.push(','),
                (false, false) => self.out.push(' '),
                (false, true) => {}
            },
            Key::Currency => self.out.push(' '),
            Key::Roman { lower } => {
                let text = String::from_utf8_lossy(&self.number).into_owned();
                let text = if lower { text.to_lowercase() } else { text };
                self.out.push_str(&if self.shape.fill { text } else { format!("{text:>15}") });
            }
            Key::Ordinal { upper } => {
                if !self.shape.roman && self.number.first() != Some(&b'#') && self.sign != '-' && !self.shape.point {
                    let text = String::from_utf8_lossy(&self.number).into_owned();
                    self.out.push_str(ordinal(&text, upper));
                }
            }
            Key::Minus => match (self.sign, self.shape.fill) {
                ('-', _) => self.out.push('-'),
                (_, false) => self.out.push(' '),
                (_, true) => {}
            },
            Key::Plus => match (self.sign, self.shape.fill) {
                ('+', _) => self.out.push('+'),
                (_, false) => self.out.push(' '),
                (_, true) => {}
            },
            Key::PlusMinus => self.out.push(self.sign),
            Key::Sign | Key::Bracket | Key::Shift | Key::Exponent | Key::Blank | Key::Fill => {}
        }
    }

    fn byte(&self, at: usize) -> u8 {
        self.number.get(at).copied().unwrap_or(0)
    }

    fn relevant_is_point(&self) -> bool {
        self.relevant.is_some_and(|i| self.byte(i) == b'.')
    }

    /// `9.9` of 0.1 gives a blank for the 0.
    fn blank_before_point(&self) -> bool {
        !self.shape.zero && self.at == 0 && self.byte(0) == b'0' && self.shape.post != 0
    }

    fn digit(&mut self, key: Key) {
        if self.shape.roman {
            return;
        }
        self.inside = false;
        self.leading_sign();
        if self.current < self.spaces && (self.shape.zero_start > self.current || !self.shape.zero) {
            if !self.shape.fill {
                self.out.push(' ');
            }
        } else if self.shape.zero && self.current < self.spaces && self.shape.zero_start <= self.current {
            self.out.push('0');
            self.inside = true;
        } else {
            self.number_byte(key);
        }
        let mut end = self.count + i32::from(self.spaces != 0) + i32::from(self.shape.point);
        if self.relevant == Some(self.at) {
            end = self.current;
        }
        if self.current + 1 == end {
            if self.sign_written && self.shape.bracket {
                self.out.push(if self.sign == '+' { ' ' } else { '>' });
            } else if self.shape.signed && self.shape.sign_place == SignPlace::After {
                self.out.push(self.sign);
            }
        }
        self.current += 1;
    }

    fn leading_sign(&mut self) {
        let begins = self.current >= self.spaces || (self.shape.zero && self.shape.zero_start == self.current);
        if self.sign_written || !begins || (self.blank_before_point() && !self.relevant_is_point()) {
            return;
        }
        if self.shape.signed {
            if self.shape.sign_place == SignPlace::Before {
                self.out.push(self.sign);
                self.sign_written = true;
            }
        } else if self.shape.bracket {
            self.out.push(if self.sign == '+' { ' ' } else { '<' });
            self.sign_written = true;
        } else if self.sign == '+' {
            if !self.shape.fill {
                self.out.push(' ');
            }
            self.sign_written = true;
        } else {
            self.out.push('-');
            self.sign_written = true;
        }
    }

    fn number_byte(&mut self, key: Key) {
        let byte = self.byte(self.at);
        if byte == b'.' {
            if !self.relevant_is_point() || self.shape.fill {
                self.out.push('.');
            }
        } else if self.relevant.is_some_and(|last| self.at > last) && key != Key::Zero {
            // A needless zero.
        } else if self.blank_before_point() {
            if !self.shape.fill {
                self.out.push(' ');
            } else if self.relevant_is_point() {
                self.out.push('0');
            }
        } else if byte != 0 {
            self.out.push(char::from(byte));
            self.inside = true;
        }
        if byte != 0 {
            self.at += 1;
        }
    }
}

/// What to_number reads a number from.
struct Taker<'a> {
    shape: &'a Shape,
    rest: &'a [u8],
    sign: Option<u8>,
    digits: Vec<u8>,
    before: i32,
    after: i32,
    point: bool,
}

/// The number that a text has in a template's places, as numeric's input takes it; and its digits after the point.
pub(super) fn take_number(pieces: &[Piece], shape: &Shape, text: &str) -> (String, i32) {
    let mut taker =
        Taker { shape, rest: text.as_bytes(), sign: None, digits: Vec::new(), before: 0, after: 0, point: false };
    for piece in pieces {
        if taker.rest.is_empty() {
            break;
        }
        match piece {
            Piece::Char(_) => taker.skip_char(),
            Piece::Key(key) => taker.key(*key),
        }
    }
    if taker.digits.last() == Some(&b'.') {
        taker.digits.pop();
    }
    let sign = match taker.sign {
        Some(b'-') => "-",
        _ => "",
    };
    (format!("{sign}{}", String::from_utf8_lossy(&taker.digits)), taker.after)
}

impl Taker<'_> {
    fn first(&self) -> u8 {
        self.rest.first().copied().unwrap_or(0)
    }

    fn advance(&mut self) {
        self.rest = self.rest.get(1..).unwrap_or_default();
    }

    fn skip_char(&mut self) {
        self.advance();
        while self.first() & 0xc0 == 0x80 {
            self.advance();
        }
    }

    /// Skips at most `n` characters that no number has.
    fn skip_other(&mut self, n: usize) {
        for _ in 0..n {
            if self.rest.is_empty() || b"0123456789.,+-".contains(&self.first()) {
                break;
            }
            self.skip_char();
        }
    }

    fn key(&mut self, key: Key) {
        match key {
            Key::Digit | Key::Zero | Key::Point => {
                self.digit(key);
                self.advance();
            }
            Key::Comma | Key::Group => {
                if (self.shape.fill && self.before + self.after == 0) || self.first() != b',' {
                    return;
                }
                self.advance();
            }
            Key::Currency => self.skip_other(1),
            Key::Ordinal { .. } => self.skip_other(2),
            Key::Minus | Key::Plus | Key::PlusMinus => {
                let wanted: &[u8] = match key {
                    Key::Minus => b"-",
                    Key::Plus => b"+",
                    _ => b"+-",
                };
                if wanted.contains(&self.first()) {
                    self.sign = Some(self.first());
                    self.advance();
                } else {
                    self.skip_other(1);
                }
            }
            Key::Roman { .. } | Key::Sign | Key::Bracket | Key::Shift | Key::Exponent | Key::Blank | Key::Fill => {}
        }
    }

    /// One digit or the point, with a sign before or after it; leaves the last character that it read to its caller.
    fn digit(&mut self, key: Key) {
        if self.first() == b' ' {
            self.advance();
        }
        if self.rest.is_empty() {
            return;
        }
        if self.sign.is_none() && key != Key::Point && self.before + self.after == 0 {
            match self.first() {
                b @ (b'-' | b'+') => {
                    self.sign = Some(b);
                    self.advance();
                }
                b'<' if self.shape.bracket => {
                    self.sign = Some(b'-');
                    self.advance();
                }
                _ => {}
            }
        }
        let mut read = false;
        if self.first().is_ascii_digit() {
            if self.point && self.after == self.shape.post {
                return;
            }
            self.digits.push(self.first());
            if self.point {
                self.after += 1;
            } else {
                self.before += 1;
            }
            read = true;
        } else if self.shape.point && !self.point && self.first() == b'.' {
            self.digits.push(b'.');
            self.point = true;
            read = true;
        }
        if self.sign.is_some() || self.before + self.after == 0 {
            return;
        }
        if self.shape.signed {
            if let (true, Some(b @ (b'-' | b'+'))) = (read, self.rest.get(1)) {
                self.sign = Some(*b);
                self.advance();
            }
        } else if !read && (self.shape.plus || self.shape.minus) && matches!(self.first(), b'-' | b'+') {
            self.sign = Some(self.first());
        }
    }
}
