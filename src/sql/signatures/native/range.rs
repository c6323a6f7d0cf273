//! Functions of ranges and multiranges, over the bytes that carry them.

use super::*;
use crate::types::coded::range::*;
use crate::types::{ArrayValue, oid};

type Bytes = [u8];

/// What ranges are over, by the names that their natives have.
pub(crate) const SUBTYPES: [(crate::types::Oid, Phys, [&str; 4]); 6] = [
    (oid::INT4, Phys::Int4, ["dg_range_make_int4", "dg_range_lower_int4", "dg_range_upper_int4", "dg_range_of_int4"]),
    (oid::INT8, Phys::Int8, ["dg_range_make_int8", "dg_range_lower_int8", "dg_range_upper_int8", "dg_range_of_int8"]),
    (
        oid::NUMERIC,
        Phys::Numeric,
        ["dg_range_make_numeric", "dg_range_lower_numeric", "dg_range_upper_numeric", "dg_range_of_numeric"],
    ),
    (oid::DATE, Phys::Date, ["dg_range_make_date", "dg_range_lower_date", "dg_range_upper_date", "dg_range_of_date"]),
    (
        oid::TIMESTAMP,
        Phys::Timestamp,
        ["dg_range_make_timestamp", "dg_range_lower_timestamp", "dg_range_upper_timestamp", "dg_range_of_timestamp"],
    ),
    (
        oid::TIMESTAMPTZ,
        Phys::TimestampTz,
        [
            "dg_range_make_timestamptz",
            "dg_range_lower_timestamptz",
            "dg_range_upper_timestamptz",
            "dg_range_of_timestamptz",
        ],
    ),
];

pub(super) fn natives() -> Vec<Native> {
    let mut all = Vec::new();
    for (subtype, phys, [make, lower, upper, of]) in SUBTYPES {
        let args = vec![phys.clone(), phys.clone(), Phys::Text];
        all.push(native_values_or_null(make, args, Phys::Bytea, move |given| constructed(given, subtype)));
        all.push(native_values(lower, vec![Phys::Bytea], phys.clone(), move |given| {
            Ok(members(given).first().map_or(Value::Null, |r| value(&r.lower, subtype)))
        }));
        all.push(native_values(upper, vec![Phys::Bytea], phys.clone(), move |given| {
            Ok(members(given).last().map_or(Value::Null, |r| value(&r.upper, subtype)))
        }));
        // The set of one value: what contains it contains the value.
        all.push(native_values(of, vec![phys.clone()], Phys::Bytea, |given| {
            let bound = |given: &Value| Bound::of(given, true);
            let range = Range { lower: bound(&given[0])?, upper: bound(&given[0])? };
            Ok(Value::Bytea(encode(&[range]).into()))
        }));
    }
    all.extend(questions());
    all.extend(pairs());
    all.extend(sets());
    all
}

fn members(given: &[Value]) -> Vec<Range> {
    match given {
        [Value::Bytea(bytes), ..] => decode(bytes),
        _ => Vec::new(),
    }
}

/// `int4range(1, 5, '[]')`.
fn constructed(given: &[Value], subtype: crate::types::Oid) -> Result<Value> {
    let [lower, upper, flags] = given else { return Err(Error::internal("a range of other than three arguments")) };
    let (lower_inclusive, upper_inclusive) = match flags {
        Value::Text(flags) => match &**flags {
            "[]" => (true, true),
            "[)" => (true, false),
            "(]" => (false, true),
            "()" => (false, false),
            _ => {
                return Err(Error::syntax("invalid range bound flags")
                    .hint("Valid values are \"[]\", \"[)\", \"(]\", and \"()\"."));
            }
        },
        _ => {
            let message = "range constructor flags argument must not be null";
            return Err(Error::new(SqlState::DATA_EXCEPTION, message));
        }
    };
    let range = make(Bound::of(lower, lower_inclusive)?, Bound::of(upper, upper_inclusive)?, subtype)?;
    Ok(Value::Bytea(encode(range.as_slice()).into()))
}

fn questions() -> Vec<Native> {
    let ask =
        |name: &'static str, f: fn(&[Range]) -> bool| native1::<Bytes, bool>(name, move |a| Ok(Some(f(&decode(a)))));
    vec![
        ask("dg_range_isempty", <[Range]>::is_empty),
        ask("dg_range_lower_inc", |a| a.first().is_some_and(|r| r.lower.inclusive)),
        ask("dg_range_upper_inc", |a| a.last().is_some_and(|r| r.upper.inclusive)),
        ask("dg_range_lower_inf", |a| a.first().is_some_and(|r| r.lower.value.is_none())),
        ask("dg_range_upper_inf", |a| a.last().is_some_and(|r| r.upper.value.is_none())),
    ]
}

fn pairs() -> Vec<Native> {
    let test = |name: &'static str, f: fn(&[Range], &[Range]) -> bool| {
        native2::<Bytes, Bytes, bool>(name, move |a, b| Ok(Some(f(&decode(a), &decode(b)))))
    };
    let map = |name: &'static str, f: fn(&[Range], &[Range]) -> Result<Vec<Range>>| {
        native2::<Bytes, Bytes, Bytes>(name, move |a, b| Ok(Some(encode(&f(&decode(a), &decode(b))?))))
    };
    vec![
        test("dg_range_overlaps", overlaps),
        test("dg_range_contains", contains),
        test("dg_range_before", before),
        test("dg_range_overleft", no_further_right),
        test("dg_range_overright", no_further_left),
        test("dg_range_adjacent", adjacent),
        map("dg_range_union", |a, b| single(union(a, b), "union")),
        map("dg_range_minus", |a, b| single(minus(a, b), "difference")),
        map("dg_range_intersect", |a, b| Ok(intersect(a, b))),
        map("dg_range_merge", |a, b| Ok(hull(a, b))),
        map("dg_multirange_union", |a, b| Ok(union(a, b))),
        map("dg_multirange_minus", |a, b| Ok(minus(a, b))),
    ]
}

fn union(a: &[Range], b: &[Range]) -> Vec<Range> {
    normalize(a.iter().chain(b).cloned().collect())
}

/// A range has no gaps.
fn single(members: Vec<Range>, what: &str) -> Result<Vec<Range>> {
    if members.len() > 1 {
        let message = format!("result of range {what} would not be contiguous");
        return Err(Error::new(SqlState::DATA_EXCEPTION, message));
    }
    Ok(members)
}

fn sets() -> Vec<Native> {
    let list = Phys::List(Box::new(Phys::Bytea));
    vec![
        // Numerics that show other digits are equal.
        native1::<Bytes, Bytes>("dg_range_key", |a| Ok(Some(key(a)))),
        native_values("dg_multirange_make", vec![list.clone()], Phys::Bytea, |given| {
            let [Value::Array(array)] = given else { return Ok(Value::Null) };
            let mut all = Vec::new();
            for item in &array.items {
                let Value::Bytea(bytes) = item else {
                    let message = "multirange values cannot contain null members";
                    return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message));
                };
                all.extend(decode(bytes));
            }
            Ok(Value::Bytea(encode(&normalize(all)).into()))
        }),
        native_values("dg_range_intersect_all", vec![list.clone()], Phys::Bytea, |given| {
            let [Value::Array(array)] = given else { return Ok(Value::Null) };
            let mut all = array.items.iter().map(|item| members(std::slice::from_ref(item)));
            let first = all.next().unwrap_or_default();
            Ok(Value::Bytea(encode(&all.fold(first, |a, b| intersect(&a, &b))).into()))
        }),
        native_values("dg_multirange_members", vec![Phys::Bytea], list, |given| {
            let items: Vec<Value> = members(given).into_iter().map(|r| Value::Bytea(encode(&[r]).into())).collect();
            let dims = if items.is_empty() { Vec::new() } else { vec![(items.len() as i32, 1)] };
            Ok(Value::Array(ArrayValue { element: oid::BYTEA, dims, items }))
        }),
    ]
}
