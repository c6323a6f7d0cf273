//! `point`, `lseg`, `box`, `path`, `polygon`, `line` and `circle`: their binary forms, as they are. PostgreSQL gives them no
//! order and no equality by which they could be sorted, grouped or keys, so nothing compares the bytes.

use crate::error::{Error, Result, SqlState};
use crate::types::text::{invalid_syntax, is_space, parse_f64, write_f64};
use crate::types::{Oid, oid};

/// Two coordinates nearer than this are the same (`EPSILON`).
pub const NEAR: f64 = 1e-6;

pub type Point = [f64; 2];

/// `FPeq`.
pub fn same(a: f64, b: f64) -> bool {
    a == b || (a - b).abs() <= NEAR
}

/// `point_eq_point`.
pub fn same_point(a: Point, b: Point) -> bool {
    a.iter().zip(&b).all(|(a, b)| if a.is_nan() || b.is_nan() { a.is_nan() && b.is_nan() } else { same(*a, *b) })
}

/// The type's name if it is one of these.
pub fn name(ty: Oid) -> Option<&'static str> {
    Some(match ty {
        oid::POINT => "point",
        oid::LSEG => "lseg",
        oid::PATH => "path",
        oid::BOX => "box",
        oid::POLYGON => "polygon",
        oid::LINE => "line",
        oid::CIRCLE => "circle",
        _ => return None,
    })
}

/// Numbers one after the other, as the binary forms hold them.
pub fn bytes_of(numbers: &[f64]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_be_bytes()).collect()
}

/// The numbers of a form that holds nothing else, or those behind its count of points.
pub fn numbers(bytes: &[u8], ty: Oid) -> Vec<f64> {
    let from = match ty {
        oid::PATH => 5,
        oid::POLYGON => 4,
        _ => 0,
    };
    let all = bytes.get(from..).unwrap_or_default().chunks_exact(8);
    all.map(|n| f64::from_be_bytes(n.try_into().unwrap_or_default())).collect()
}

pub fn points(bytes: &[u8], ty: Oid) -> Vec<Point> {
    numbers(bytes, ty).chunks_exact(2).map(|p| [p[0], p[1]]).collect()
}

/// True for a path whose last point is joined to its first.
pub fn is_closed(path: &[u8]) -> bool {
    path.first() == Some(&1)
}

pub fn path(closed: bool, points: &[Point]) -> Vec<u8> {
    let mut out = vec![u8::from(closed)];
    out.extend(polygon(points));
    out
}

pub fn polygon(points: &[Point]) -> Vec<u8> {
    let mut out = u32::try_from(points.len()).unwrap_or(u32::MAX).to_be_bytes().to_vec();
    out.extend(bytes_of(points.as_flattened()));
    out
}

/// A box of two corners: the upper right one comes first.
pub fn make_box(a: Point, b: Point) -> Vec<u8> {
    let high = |i: usize| if greater(a[i], b[i]) { a[i] } else { b[i] };
    let low = |i: usize| if greater(a[i], b[i]) { b[i] } else { a[i] };
    bytes_of(&[high(0), high(1), low(0), low(1)])
}

/// `float8_gt`: NaN is greater than all else.
fn greater(a: f64, b: f64) -> bool {
    if a.is_nan() { !b.is_nan() } else { a > b }
}

/// The line through two points (`line_construct` of `point_sl`).
pub fn line_through(a: Point, b: Point) -> Vec<u8> {
    bytes_of(&line_at(a, slope(a, b)))
}

/// How steep the way from one point to the other is (`point_sl`).
pub fn slope(a: Point, b: Point) -> f64 {
    match (same(a[0], b[0]), same(a[1], b[1])) {
        (true, _) => f64::INFINITY,
        (false, true) => 0.0,
        (false, false) => (a[1] - b[1]) / (a[0] - b[0]),
    }
}

/// The line of that slope through a point (`line_construct`).
pub fn line_at(point: Point, slope: f64) -> [f64; 3] {
    if slope.is_infinite() {
        return [-1.0, 0.0, point[0]];
    }
    if slope == 0.0 {
        return [0.0, -1.0, point[1]];
    }
    let constant = point[1] - slope * point[0];
    // No negative zero.
    [slope, -1.0, if constant == 0.0 { 0.0 } else { constant }]
}

/// What reads a text: where it is, and what it is a text of.
struct Reader<'a> {
    rest: &'a str,
    given: &'a str,
    name: &'static str,
}

impl<'a> Reader<'a> {
    fn invalid(&self) -> Error {
        invalid_syntax(self.name, self.given)
    }

    fn skip(&mut self) {
        self.rest = self.rest.trim_start_matches(is_space);
    }

    fn eat(&mut self, c: char) -> bool {
        let rest = self.rest.strip_prefix(c);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, c: char) -> Result<()> {
        if self.eat(c) { Ok(()) } else { Err(self.invalid()) }
    }

    fn end(&self) -> Result<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.invalid()) }
    }

    /// `single_decode`.
    fn number(&mut self) -> Result<f64> {
        self.skip();
        let bytes = self.rest.as_bytes();
        let sign = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
        let word = ["infinity", "inf", "nan"]
            .into_iter()
            .find(|word| bytes.get(sign..sign + word.len()).is_some_and(|b| b.eq_ignore_ascii_case(word.as_bytes())));
        let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
        let end = if let Some(word) = word {
            sign + word.len()
        } else {
            let mut end = sign + digits(sign);
            let mut found = end > sign;
            if bytes.get(end) == Some(&b'.') {
                let fraction = digits(end + 1);
                found |= fraction > 0;
                end += 1 + fraction;
            }
            if !found {
                return Err(self.invalid());
            }
            if matches!(bytes.get(end), Some(b'e' | b'E')) {
                let exponent = end + 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
                let count = bytes.get(exponent..).map_or(0, |_| digits(exponent));
                end = if count > 0 { exponent + count } else { end };
            }
            end
        };
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.skip();
        parse_f64(text)
    }

    /// `pair_decode`.
    fn pair(&mut self) -> Result<Point> {
        self.skip();
        let delimited = self.eat('(');
        let x = self.number()?;
        self.expect(',')?;
        let y = self.number()?;
        if delimited {
            self.expect(')')?;
            self.skip();
        }
        Ok([x, y])
    }

    /// `path_decode`: so many points, and whether they stood in brackets.
    fn points(&mut self, count: usize, may_be_open: bool) -> Result<(bool, Vec<Point>)> {
        let mut depth = 0;
        self.skip();
        let open = self.rest.starts_with('[');
        if open {
            if !may_be_open {
                return Err(self.invalid());
            }
            self.eat('[');
            depth = 1;
        } else if let Some(inner) = self.rest.strip_prefix('(') {
            let inner = inner.trim_start_matches(is_space);
            // Around all points, or around the only one's coordinates.
            if inner.starts_with('(') {
                (self.rest, depth) = (inner, 1);
            } else if !self.rest[1..].contains('(') {
                self.eat('(');
                depth = 1;
            }
        }
        let mut points = Vec::new();
        for _ in 0..count {
            points.push(self.pair()?);
            self.eat(',');
        }
        while depth > 0 {
            if !(self.eat(')') || (open && depth == 1 && self.eat(']'))) {
                return Err(self.invalid());
            }
            depth -= 1;
            self.skip();
        }
        Ok((open, points))
    }

    /// As many points as the text has commas for (`pair_count`).
    fn count(&self) -> Result<usize> {
        let commas = self.given.matches(',').count();
        if commas % 2 == 1 { Ok(commas.div_ceil(2)) } else { Err(self.invalid()) }
    }
}

/// The type's input function.
///
/// # Errors
/// 22P02 for what is no text of the type.
pub fn parse(given: &str, ty: Oid) -> Result<Vec<u8>> {
    let name = name(ty).ok_or_else(|| Error::internal("geometry of no such type"))?;
    let mut r = Reader { rest: given, given, name };
    let bytes = match ty {
        oid::POINT => bytes_of(&r.pair()?),
        oid::LSEG => bytes_of(r.points(2, true)?.1.as_flattened()),
        oid::BOX => {
            let (_, corners) = r.points(2, false)?;
            make_box(corners[0], corners[1])
        }
        oid::POLYGON => {
            let count = r.count()?;
            polygon(&r.points(count, false)?.1)
        }
        oid::PATH => {
            let count = r.count()?;
            r.skip();
            // A single parenthesis around all of it.
            let around = r.rest.starts_with('(') && !r.rest[1..].contains('(');
            if around {
                r.eat('(');
            }
            let (open, points) = r.points(count, true)?;
            if around {
                r.expect(')')?;
                r.skip();
            }
            path(!open, &points)
        }
        oid::LINE => parse_line(&mut r)?,
        _ => parse_circle(&mut r)?,
    };
    r.end()?;
    Ok(bytes)
}

fn parse_line(r: &mut Reader<'_>) -> Result<Vec<u8>> {
    let bad =
        |what: &str| Error::new(SqlState::INVALID_TEXT_REPRESENTATION, format!("invalid line specification: {what}"));
    r.skip();
    if !r.eat('{') {
        let (_, points) = r.points(2, true)?;
        if same_point(points[0], points[1]) {
            return Err(bad("must be two distinct points"));
        }
        return Ok(line_through(points[0], points[1]));
    }
    let mut numbers = [0.0; 3];
    for (i, number) in numbers.iter_mut().enumerate() {
        if i > 0 {
            r.expect(',')?;
        }
        *number = r.number()?;
    }
    r.expect('}')?;
    r.skip();
    r.end()?;
    if same(numbers[0], 0.0) && same(numbers[1], 0.0) {
        return Err(bad("A and B cannot both be zero"));
    }
    Ok(bytes_of(&numbers))
}

fn parse_circle(r: &mut Reader<'_>) -> Result<Vec<u8>> {
    let mut depth = 0;
    r.skip();
    if r.eat('<') {
        depth = 1;
    } else if let Some(inner) = r.rest.strip_prefix('(') {
        let inner = inner.trim_start_matches(is_space);
        if inner.starts_with('(') {
            (r.rest, depth) = (inner, 1);
        }
    }
    let [x, y] = r.pair()?;
    r.eat(',');
    let radius = r.number()?;
    if radius < 0.0 {
        return Err(r.invalid());
    }
    if depth == 1 {
        if !(r.eat(')') || r.eat('>')) {
            return Err(r.invalid());
        }
        r.skip();
    }
    Ok(bytes_of(&[x, y, radius]))
}

/// The type's binary input: what was sent is what is kept, once it is looked at.
///
/// # Errors
/// 22P03 for what is no binary form of the type.
pub fn receive(data: &[u8], ty: Oid) -> Result<Vec<u8>> {
    let bad = |what: &str| Error::new(SqlState::INVALID_BINARY_REPRESENTATION, what.to_owned());
    let many = |at: usize| {
        let count = data.get(at..at + 4).and_then(|n| n.try_into().ok()).map(i32::from_be_bytes);
        count.and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0)
    };
    let wanted = match ty {
        oid::POINT => 16,
        oid::LSEG | oid::BOX => 32,
        oid::LINE | oid::CIRCLE => 24,
        oid::PATH => 5 + 16 * many(1).ok_or_else(|| bad("invalid number of points in external \"path\" value"))?,
        _ => 4 + 16 * many(0).ok_or_else(|| bad("invalid number of points in external \"polygon\" value"))?,
    };
    if data.len() != wanted {
        let short = data.len() < wanted;
        let message = if short { "insufficient data left in message" } else { "incorrect binary data format" };
        let code = if short { SqlState::PROTOCOL_VIOLATION } else { SqlState::INVALID_BINARY_REPRESENTATION };
        return Err(Error::new(code, message));
    }
    let given = numbers(data, ty);
    Ok(match ty {
        oid::BOX => make_box([given[0], given[1]], [given[2], given[3]]),
        oid::CIRCLE if given[2] < 0.0 => return Err(bad("invalid radius in external \"circle\" value")),
        oid::LINE if same(given[0], 0.0) && same(given[1], 0.0) => {
            return Err(bad("invalid line specification: A and B cannot both be zero"));
        }
        oid::PATH => path(data[0] != 0, &points(data, ty)),
        _ => data.to_vec(),
    })
}

/// Appends the type's text.
pub fn write(out: &mut Vec<u8>, bytes: &[u8], ty: Oid, extra_float_digits: i8) {
    let (before, after): (&[u8], &[u8]) = match ty {
        oid::LSEG => (b"[", b"]"),
        oid::PATH if !is_closed(bytes) => (b"[", b"]"),
        oid::PATH | oid::POLYGON => (b"(", b")"),
        oid::LINE => (b"{", b"}"),
        oid::CIRCLE => (b"<", b">"),
        _ => (b"", b""),
    };
    out.extend_from_slice(before);
    let numbers = numbers(bytes, ty);
    let paired = if ty == oid::LINE { 0 } else { numbers.len() / 2 * 2 };
    for (i, number) in numbers.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        if i < paired && i % 2 == 0 {
            out.push(b'(');
        }
        write_f64(out, *number, extra_float_digits);
        if i < paired && i % 2 == 1 {
            out.push(b')');
        }
    }
    out.extend_from_slice(after);
}
