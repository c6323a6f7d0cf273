//! Ranges and multiranges: sets of values as lists of bounds, of which a range is one with at most one member.
//!
//! Bytes, for each member: the lower bound, then the upper one. A bound is a byte that says whether it is infinite, then its
//! value's bytes (which sort as the values do, zeros escaped) and whether it is inclusive, in the order in which PostgreSQL
//! sorts bounds. An empty range is no bytes at all. Bounds that are numerics sort by what they are worth; how many digits
//! they show stands behind a zero byte at the end, which comparisons leave out ([`key`]).

use super::super::{Oid, PgType, TypeLookup, UserTypeInfoKind, Value, oid};
use super::bounds::{float_bytes, float_of, numeric_bytes, numeric_text};
use crate::error::{Error, Result, SqlState};

/// What a range type is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RangeType {
    pub range: Oid,
    pub multirange: Oid,
    pub subtype: Oid,
}

/// The built-in range types.
pub const RANGES: [RangeType; 6] = [
    RangeType { range: oid::INT4RANGE, multirange: oid::INT4MULTIRANGE, subtype: oid::INT4 },
    RangeType { range: oid::INT8RANGE, multirange: oid::INT8MULTIRANGE, subtype: oid::INT8 },
    RangeType { range: oid::NUMRANGE, multirange: oid::NUMMULTIRANGE, subtype: oid::NUMERIC },
    RangeType { range: oid::DATERANGE, multirange: oid::DATEMULTIRANGE, subtype: oid::DATE },
    RangeType { range: oid::TSRANGE, multirange: oid::TSMULTIRANGE, subtype: oid::TIMESTAMP },
    RangeType { range: oid::TSTZRANGE, multirange: oid::TSTZMULTIRANGE, subtype: oid::TIMESTAMPTZ },
];

/// The range type that this is, and whether it is its multirange.
pub fn range_type(ty: Oid) -> Option<(RangeType, bool)> {
    RANGES.into_iter().find_map(|r| match ty {
        ty if ty == r.range => Some((r, false)),
        ty if ty == r.multirange => Some((r, true)),
        _ => None,
    })
}

/// As [`range_type`], users' own among them.
pub fn range_of(ty: Oid, types: &dyn TypeLookup) -> Option<(RangeType, bool)> {
    range_type(ty).or_else(|| match types.user_type(ty)?.kind {
        UserTypeInfoKind::Range { of, multi } => Some((of, multi)),
        _ => None,
    })
}

impl RangeType {
    /// The subtype, if the type has one form for all ranges of the same values: PostgreSQL's own over what has a next value.
    fn canonical(self) -> Option<Oid> {
        (self.range < oid::FIRST_USER && matches!(self.subtype, oid::INT4 | oid::INT8 | oid::DATE))
            .then_some(self.subtype)
    }
}

/// The end of a range: `value` is none where it is infinite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    pub value: Option<Vec<u8>>,
    pub inclusive: bool,
    /// Digits behind the point that a numeric shows.
    pub scale: u16,
}

/// A range that is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    pub lower: Bound,
    pub upper: Bound,
}

const LOWER_INFINITE: u8 = 1;
const FINITE: u8 = 2;
const UPPER_INFINITE: u8 = 3;

/// Appends a value so that it ends where it ends and sorts as it did.
fn put_escaped(out: &mut Vec<u8>, value: &[u8]) {
    for byte in value {
        out.push(*byte);
        if *byte == 0 {
            out.push(0xff);
        }
    }
    out.extend_from_slice(&[0, 1]);
}

fn take_escaped(bytes: &mut &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let [first, rest @ ..] = *bytes {
        *bytes = rest;
        if *first == 0 {
            let escaped = rest.first() == Some(&0xff);
            *bytes = rest.get(1..).unwrap_or_default();
            if !escaped {
                break;
            }
        }
        out.push(*first);
    }
    out
}

/// The members as bytes.
pub fn encode(members: &[Range]) -> Vec<u8> {
    let mut out = Vec::with_capacity(members.len() * 24);
    let mut scales: Vec<u8> = Vec::new();
    for Range { lower, upper } in members {
        match &lower.value {
            None => out.push(LOWER_INFINITE),
            Some(value) => {
                out.push(FINITE);
                put_escaped(&mut out, value);
                out.push(if lower.inclusive { 1 } else { 2 });
                scales.extend_from_slice(&lower.scale.to_be_bytes());
            }
        }
        match &upper.value {
            None => out.push(UPPER_INFINITE),
            Some(value) => {
                out.push(FINITE);
                put_escaped(&mut out, value);
                out.push(if upper.inclusive { 2 } else { 1 });
                scales.extend_from_slice(&upper.scale.to_be_bytes());
            }
        }
    }
    if scales.iter().any(|byte| *byte != 0) {
        out.push(0);
        out.extend_from_slice(&scales);
    }
    out
}

/// What [`encode`] wrote; other bytes give some ranges.
pub fn decode(bytes: &[u8]) -> Vec<Range> {
    let mut rest = bytes;
    let mut members = Vec::new();
    while let [LOWER_INFINITE | FINITE, ..] = rest {
        let lower = bound(&mut rest, LOWER_INFINITE, 1);
        let upper = bound(&mut rest, UPPER_INFINITE, 2);
        members.push(Range { lower, upper });
    }
    if let [0, scales @ ..] = rest {
        let mut scales = scales.chunks_exact(2).map(|c| u16::from_be_bytes([c[0], c[1]]));
        for member in &mut members {
            for bound in [&mut member.lower, &mut member.upper] {
                if bound.value.is_some() {
                    bound.scale = scales.next().unwrap_or(0);
                }
            }
        }
    }
    members
}

fn bound(rest: &mut &[u8], infinite: u8, inclusive: u8) -> Bound {
    let Some((first, tail)) = rest.split_first() else { return Bound { value: None, inclusive: false, scale: 0 } };
    *rest = tail;
    if *first == infinite {
        return Bound { value: None, inclusive: false, scale: 0 };
    }
    let value = take_escaped(rest);
    let flag = rest.first().copied().unwrap_or(0);
    *rest = rest.get(1..).unwrap_or_default();
    Bound { value: Some(value), inclusive: flag == inclusive, scale: 0 }
}

/// The bytes without what only output looks at.
pub fn key(bytes: &[u8]) -> Vec<u8> {
    let mut members = decode(bytes);
    for member in &mut members {
        (member.lower.scale, member.upper.scale) = (0, 0);
    }
    encode(&members)
}

/// A value of the subtype as a bound's bytes, and how many digits behind the point it shows.
pub fn element(value: &Value) -> Result<(Vec<u8>, u16)> {
    Ok(match value {
        Value::Int4(n) | Value::Date(n) => (((*n as u32) ^ (1 << 31)).to_be_bytes().to_vec(), 0),
        Value::Int8(n) | Value::Timestamp(n) | Value::TimestampTz(n) => {
            (((*n as u64) ^ (1 << 63)).to_be_bytes().to_vec(), 0)
        }
        Value::Numeric(text) => numeric_bytes(text),
        Value::Int2(n) => (((*n as u16) ^ (1 << 15)).to_be_bytes().to_vec(), 0),
        Value::Oid(n) => (n.to_be_bytes().to_vec(), 0),
        Value::Float8(f) => (float_bytes(*f), 0),
        Value::Time(micros) => (micros.to_be_bytes().to_vec(), 0),
        Value::Uuid(uuid) => (uuid.to_be_bytes().to_vec(), 0),
        Value::Text(text) => (text.as_bytes().to_vec(), 0),
        _ => return Err(Error::unsupported("values of a range over this type")),
    })
}

/// The value that a bound has.
pub fn value(bound: &Bound, subtype: Oid) -> Value {
    let Some(bytes) = &bound.value else { return Value::Null };
    let four = || bytes.as_slice().try_into().map_or(0, |b| (u32::from_be_bytes(b) ^ (1 << 31)) as i32);
    let eight = || bytes.as_slice().try_into().map_or(0, |b| (u64::from_be_bytes(b) ^ (1 << 63)) as i64);
    match subtype {
        oid::INT4 => Value::Int4(four()),
        oid::DATE => Value::Date(four()),
        oid::INT8 => Value::Int8(eight()),
        oid::TIMESTAMP => Value::Timestamp(eight()),
        oid::TIMESTAMPTZ => Value::TimestampTz(eight()),
        oid::INT2 => Value::Int2(bytes.as_slice().try_into().map_or(0, |b| (u16::from_be_bytes(b) ^ (1 << 15)) as i16)),
        oid::OID => Value::Oid(bytes.as_slice().try_into().map_or(0, u32::from_be_bytes)),
        oid::FLOAT8 => Value::Float8(float_of(bytes)),
        oid::TIME => Value::Time(bytes.as_slice().try_into().map_or(0, i64::from_be_bytes)),
        oid::UUID => Value::Uuid(bytes.as_slice().try_into().map_or(0, u128::from_be_bytes)),
        oid::TEXT | oid::VARCHAR => Value::text(String::from_utf8_lossy(bytes)),
        _ => Value::Numeric(numeric_text(bytes, usize::from(bound.scale)).into()),
    }
}

/// Can bounds be of this type?
pub fn has_values(subtype: Oid) -> bool {
    matches!(
        subtype,
        oid::INT2
            | oid::INT4
            | oid::INT8
            | oid::OID
            | oid::FLOAT8
            | oid::NUMERIC
            | oid::DATE
            | oid::TIME
            | oid::TIMESTAMP
            | oid::TIMESTAMPTZ
            | oid::UUID
            | oid::TEXT
            | oid::VARCHAR
    )
}

impl Bound {
    fn infinite() -> Self {
        Self { value: None, inclusive: false, scale: 0 }
    }

    /// `None` for NULL, which is no bound.
    pub fn of(given: &Value, inclusive: bool) -> Result<Self> {
        if given.is_null() {
            return Ok(Self::infinite());
        }
        let (value, scale) = element(given)?;
        Ok(Self { value: Some(value), inclusive, scale })
    }
}

/// How two lower bounds sort.
fn lower_order(a: &Bound, b: &Bound) -> std::cmp::Ordering {
    // No value sorts before any; an inclusive bound begins earlier.
    a.value.cmp(&b.value).then((!a.inclusive).cmp(&!b.inclusive))
}

/// How two upper bounds sort.
fn upper_order(a: &Bound, b: &Bound) -> std::cmp::Ordering {
    match (&a.value, &b.value) {
        (None, None) => std::cmp::Ordering::Equal,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (Some(_), None) => std::cmp::Ordering::Less,
        (Some(x), Some(y)) => x.cmp(y).then(a.inclusive.cmp(&b.inclusive)),
    }
}

/// Does what ends at `upper` end before anything that begins at `lower`?
fn ends_before(upper: &Bound, lower: &Bound) -> bool {
    match (&upper.value, &lower.value) {
        (Some(u), Some(l)) => u < l || (u == l && !(upper.inclusive && lower.inclusive)),
        _ => false,
    }
}

/// Do the two meet, with nothing between them and nothing in both?
fn meets(upper: &Bound, lower: &Bound) -> bool {
    match (&upper.value, &lower.value) {
        (Some(u), Some(l)) => u == l && upper.inclusive != lower.inclusive,
        _ => false,
    }
}

/// A range from its bounds: none if it is empty; bounds of PostgreSQL's own types over integers and dates in the form `[a,b)`.
pub fn make(lower: Bound, upper: Bound, of: RangeType) -> Result<Option<Range>> {
    let Some(range) = checked(lower, upper)? else { return Ok(None) };
    let Range { mut lower, mut upper } = range;
    if let Some(subtype) = of.canonical() {
        if !lower.inclusive {
            lower = next(lower, subtype)?;
            lower.inclusive = lower.value.is_some() && finite(&lower, subtype);
        }
        if upper.inclusive && finite(&upper, subtype) {
            upper = next(upper, subtype)?;
            upper.inclusive = false;
        }
    }
    checked(lower, upper)
}

fn checked(lower: Bound, upper: Bound) -> Result<Option<Range>> {
    if let (Some(l), Some(u)) = (&lower.value, &upper.value) {
        match l.cmp(u) {
            std::cmp::Ordering::Greater => {
                let message = "range lower bound must be less than or equal to range upper bound";
                return Err(Error::new(SqlState::DATA_EXCEPTION, message));
            }
            std::cmp::Ordering::Equal if !(lower.inclusive && upper.inclusive) => return Ok(None),
            std::cmp::Ordering::Equal | std::cmp::Ordering::Less => {}
        }
    }
    Ok(Some(Range { lower, upper }))
}

/// Not one of a date's infinities, which have no next day.
fn finite(bound: &Bound, subtype: Oid) -> bool {
    !matches!(value(bound, subtype), Value::Date(n) if n == i32::MAX || n == -i32::MAX)
}

/// The bound at the next value; an infinite one stays.
fn next(bound: Bound, subtype: Oid) -> Result<Bound> {
    let out = |code: SqlState, message: &str| Error::new(code, message.to_owned());
    let moved = match value(&bound, subtype) {
        Value::Int4(n) => Value::Int4(
            n.checked_add(1).ok_or_else(|| out(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range"))?,
        ),
        Value::Int8(n) => Value::Int8(
            n.checked_add(1).ok_or_else(|| out(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range"))?,
        ),
        Value::Date(n) if finite(&bound, subtype) => {
            let next = n.checked_add(1).filter(|n| *n <= super::super::datetime::MAX_DATE);
            Value::Date(next.ok_or_else(|| out(SqlState::DATETIME_FIELD_OVERFLOW, "date out of range"))?)
        }
        _ => return Ok(bound),
    };
    Bound::of(&moved, bound.inclusive)
}

/// Sorted, and what overlaps or meets made one: the members of a multirange.
pub fn normalize(mut members: Vec<Range>) -> Vec<Range> {
    members.sort_by(|a, b| lower_order(&a.lower, &b.lower).then_with(|| upper_order(&a.upper, &b.upper)));
    let mut out: Vec<Range> = Vec::with_capacity(members.len());
    for member in members {
        match out.last_mut() {
            Some(last) if !ends_before(&last.upper, &member.lower) || meets(&last.upper, &member.lower) => {
                if upper_order(&last.upper, &member.upper).is_lt() {
                    last.upper = member.upper;
                }
            }
            _ => out.push(member),
        }
    }
    out
}

pub fn intersect(a: &[Range], b: &[Range]) -> Vec<Range> {
    let (mut i, mut j) = (0, 0);
    let mut out = Vec::new();
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        let lower = if lower_order(&x.lower, &y.lower).is_ge() { &x.lower } else { &y.lower };
        let first = upper_order(&x.upper, &y.upper).is_le();
        let upper = if first { &x.upper } else { &y.upper };
        if !ends_before(upper, lower) {
            out.push(Range { lower: lower.clone(), upper: upper.clone() });
        }
        if first { i += 1 } else { j += 1 }
    }
    out
}

pub fn minus(a: &[Range], b: &[Range]) -> Vec<Range> {
    // What b leaves out: from the end of one member to the beginning of the next.
    let turned = |bound: &Bound| Bound { inclusive: bound.value.is_some() && !bound.inclusive, ..bound.clone() };
    let mut gaps = Vec::with_capacity(b.len() + 1);
    let mut from = Some(Bound::infinite());
    for member in b {
        if let Some(lower) = from.take()
            && member.lower.value.is_some()
        {
            let upper = turned(&member.lower);
            if !ends_before(&upper, &lower) {
                gaps.push(Range { lower, upper });
            }
        }
        from = member.upper.value.is_some().then(|| turned(&member.upper));
    }
    gaps.extend(from.map(|lower| Range { lower, upper: Bound::infinite() }));
    intersect(a, &gaps)
}

pub fn contains(a: &[Range], b: &[Range]) -> bool {
    // Members are sorted and apart: what ends before one ends before all that follow it.
    let mut rest = a;
    b.iter().all(|inner| {
        let ended = rest.iter().take_while(|outer| upper_order(&outer.upper, &inner.upper).is_lt()).count();
        rest = &rest[ended..];
        rest.first().is_some_and(|outer| lower_order(&outer.lower, &inner.lower).is_le())
    })
}

pub fn overlaps(a: &[Range], b: &[Range]) -> bool {
    !intersect(a, b).is_empty()
}

/// The first and the last bound.
pub fn ends(a: &[Range]) -> Option<(&Bound, &Bound)> {
    Some((&a.first()?.lower, &a.last()?.upper))
}

pub fn before(a: &[Range], b: &[Range]) -> bool {
    matches!((ends(a), ends(b)), (Some((_, upper)), Some((lower, _))) if ends_before(upper, lower))
}

pub fn no_further_right(a: &[Range], b: &[Range]) -> bool {
    matches!((ends(a), ends(b)), (Some((_, a)), Some((_, b))) if upper_order(a, b).is_le())
}

pub fn no_further_left(a: &[Range], b: &[Range]) -> bool {
    matches!((ends(a), ends(b)), (Some((a, _)), Some((b, _))) if lower_order(a, b).is_ge())
}

pub fn adjacent(a: &[Range], b: &[Range]) -> bool {
    match (ends(a), ends(b)) {
        (Some((a_lower, a_upper)), Some((b_lower, b_upper))) => meets(a_upper, b_lower) || meets(b_upper, a_lower),
        _ => false,
    }
}

/// From the first bound to the last.
pub fn hull(a: &[Range], b: &[Range]) -> Vec<Range> {
    let both = normalize(a.iter().chain(b).cloned().collect());
    match ends(&both) {
        None => Vec::new(),
        Some((lower, upper)) => vec![Range { lower: lower.clone(), upper: upper.clone() }],
    }
}

const EMPTY: u8 = 0x01;
const LOWER_INCLUSIVE: u8 = 0x02;
const UPPER_INCLUSIVE: u8 = 0x04;
const NO_LOWER: u8 = 0x08;
const NO_UPPER: u8 = 0x10;

fn send_range(out: &mut Vec<u8>, range: Option<&Range>, subtype: Oid, types: &dyn TypeLookup) {
    let Some(Range { lower, upper }) = range else { return out.push(EMPTY) };
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    out.push(
        flag(lower.inclusive, LOWER_INCLUSIVE)
            | flag(upper.inclusive, UPPER_INCLUSIVE)
            | flag(lower.value.is_none(), NO_LOWER)
            | flag(upper.value.is_none(), NO_UPPER),
    );
    for bound in [lower, upper].into_iter().filter(|b| b.value.is_some()) {
        sized(out, |out| super::super::binary::encode(&value(bound, subtype), PgType::new(subtype), types, out));
    }
}

fn sized(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    write(out);
    let length = (out.len() - at - 4) as u32;
    out[at..at + 4].copy_from_slice(&length.to_be_bytes());
}

/// `range_send`, `multirange_send`.
pub fn send(out: &mut Vec<u8>, bytes: &[u8], of: (RangeType, bool), types: &dyn TypeLookup) {
    let members = decode(bytes);
    let (RangeType { subtype, .. }, multi) = of;
    if !multi {
        return send_range(out, members.first(), subtype, types);
    }
    out.extend_from_slice(&(members.len() as u32).to_be_bytes());
    for member in &members {
        sized(out, |out| send_range(out, Some(member), subtype, types));
    }
}

/// So many bytes of what is left.
fn take<'a>(data: &mut &'a [u8], count: usize) -> Result<&'a [u8]> {
    if data.len() < count {
        return Err(super::super::binary::insufficient());
    }
    let (taken, rest) = data.split_at(count);
    *data = rest;
    Ok(taken)
}

fn length(data: &mut &[u8]) -> Result<usize> {
    let bytes = take(data, 4)?;
    let n = i32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    usize::try_from(n).map_err(|_| super::super::binary::insufficient())
}

fn receive_range(data: &[u8], of: RangeType, types: &dyn TypeLookup) -> Result<Option<Range>> {
    let mut data = data;
    let flags = take(&mut data, 1)?[0];
    let mut bound = |infinite: u8, inclusive: u8| -> Result<Bound> {
        if flags & (EMPTY | infinite) != 0 {
            return Ok(Bound::infinite());
        }
        let size = length(&mut data)?;
        let value = super::super::binary::decode(take(&mut data, size)?, PgType::new(of.subtype), types)?;
        Bound::of(&value, flags & inclusive != 0)
    };
    let lower = bound(NO_LOWER, LOWER_INCLUSIVE)?;
    let upper = bound(NO_UPPER, UPPER_INCLUSIVE)?;
    if !data.is_empty() {
        return Err(super::super::binary::left_over());
    }
    if flags & EMPTY != 0 { Ok(None) } else { make(lower, upper, of) }
}

/// `range_recv`, `multirange_recv`.
pub fn receive(data: &[u8], (of, multi): (RangeType, bool), types: &dyn TypeLookup) -> Result<Vec<u8>> {
    if !multi {
        return Ok(encode(&receive_range(data, of, types)?.into_iter().collect::<Vec<_>>()));
    }
    let mut data = data;
    let count = length(&mut data)?;
    let mut members = Vec::new();
    for _ in 0..count {
        let size = length(&mut data)?;
        members.extend(receive_range(take(&mut data, size)?, of, types)?);
    }
    if !data.is_empty() {
        return Err(super::super::binary::left_over());
    }
    Ok(encode(&normalize(members)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::BuiltinTypes;

    const INT4: RangeType = RANGES[0];

    #[test]
    fn lengths_that_the_bytes_do_not_bear_out_are_refused() {
        let most = [0x7f, 0xff, 0xff, 0xff];
        for bytes in [&[2, 0x7f, 0xff, 0xff, 0xff, 0][..], &[2, 0xff, 0xff, 0xff, 0xff], &[], &[2, 0, 0, 0, 4, 0, 0]] {
            assert!(receive(bytes, (INT4, false), &BuiltinTypes).is_err(), "{bytes:?}");
        }
        // So many members, and none of them there.
        assert!(receive(&most, (INT4, true), &BuiltinTypes).is_err());
        // An empty range with a byte too many.
        assert!(receive(&[1, 0], (INT4, false), &BuiltinTypes).is_err());
    }

    #[test]
    fn numerics_sort_by_their_bytes_and_come_back_as_they_were() {
        let sorted = [
            "-Infinity",
            "-1000",
            "-10.5",
            "-10",
            "-0.001",
            "0",
            "0.0009",
            "0.1",
            "1.50",
            "9",
            "10",
            "Infinity",
            "NaN",
        ];
        let bytes: Vec<Vec<u8>> = sorted.iter().map(|text| numeric_bytes(text).0).collect();
        assert!(bytes.is_sorted());
        for text in sorted {
            let bound = Bound::of(&Value::Numeric(text.into()), true).expect("a bound");
            let range = Range { lower: bound.clone(), upper: bound };
            let back = decode(&encode(std::slice::from_ref(&range)));
            assert_eq!(value(&back[0].upper, oid::NUMERIC), Value::Numeric(text.into()));
        }
    }
}
