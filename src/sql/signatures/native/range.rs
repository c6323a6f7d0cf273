//! Functions of ranges and multiranges, over the bytes that carry them.

use super::*;
use crate::catalog::Asker;
use crate::types::coded::range::*;
use crate::types::{ArrayValue, oid};

type Bytes = [u8];

/// The natives over one subtype: a constructor that gives ranges of integers and dates their one form, what gives the bounds, what
/// makes the set of one value, and a constructor that leaves the bounds as they are.
macro_rules! names {
    ($of:literal) => {
        [
            concat!("dg_range_make_", $of),
            concat!("dg_range_lower_", $of),
            concat!("dg_range_upper_", $of),
            concat!("dg_range_of_", $of),
            concat!("dg_range_plain_", $of),
        ]
    };
}

/// What ranges are over, by the names that their natives have.
pub(crate) const SUBTYPES: [(crate::types::Oid, Phys, [&str; 5]); 12] = [
    (oid::INT2, Phys::Int2, names!("int2")),
    (oid::INT4, Phys::Int4, names!("int4")),
    (oid::INT8, Phys::Int8, names!("int8")),
    (oid::OID, Phys::Oid, names!("oid")),
    (oid::NUMERIC, Phys::Numeric, names!("numeric")),
    (oid::FLOAT8, Phys::Float8, names!("float8")),
    (oid::DATE, Phys::Date, names!("date")),
    (oid::TIME, Phys::Time, names!("time")),
    (oid::TIMESTAMP, Phys::Timestamp, names!("timestamp")),
    (oid::TIMESTAMPTZ, Phys::TimestampTz, names!("timestamptz")),
    (oid::UUID, Phys::Uuid, names!("uuid")),
    (oid::TEXT, Phys::Text, names!("text")),
];

pub(super) fn natives() -> Vec<Native> {
    let mut all = Vec::new();
    for (subtype, phys, [make, lower, upper, of, plain]) in SUBTYPES {
        let args = vec![phys.clone(), phys.clone(), Phys::Text];
        let own = RANGES.into_iter().find(|r| r.subtype == subtype).unwrap_or_else(|| users(subtype));
        all.push(native_values_or_null(make, args.clone(), Phys::Bytea, move |given| constructed(given, own)));
        all.push(native_values_or_null(plain, args, Phys::Bytea, move |given| constructed(given, users(subtype))));
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
    all.extend(texts());
    all
}

/// A user's type over this one.
fn users(subtype: crate::types::Oid) -> RangeType {
    RangeType { range: oid::FIRST_USER, multirange: oid::FIRST_USER, subtype }
}

/// Input and output of users' range types, which the last two arguments tell.
fn texts() -> Vec<Native> {
    let convert =
        |name: &'static str, from: Phys, to: Phys, f: fn(&Asker, &Value, (RangeType, bool)) -> Result<Value>| {
            let (taken, given) = (from.clone(), to.clone());
            Native {
                name,
                args: vec![Phys::Int8, from, Phys::Oid, Phys::Bool],
                varargs: None,
                result: to,
                strict: true,
                volatile: false,
                body: Arc::new(move |arrays, rows| {
                    let mut values = Vec::with_capacity(rows);
                    if rows == 0 {
                        return array_from_values(&values, &given);
                    }
                    let asker = asker(downcast::<i64>(arrays, 0)?.value(0))?;
                    for row in 0..rows {
                        if arrays.iter().any(|a| a.is_null(row)) {
                            values.push(Value::Null);
                            continue;
                        }
                        let kind = (value_at(&*arrays[2], row, &Phys::Oid), value_at(&*arrays[3], row, &Phys::Bool));
                        let (Value::Oid(subtype), Value::Bool(multi)) = kind else {
                            return Err(Error::internal("a range of no range type"));
                        };
                        values.push(f(&asker, &value_at(&*arrays[1], row, &taken), (users(subtype), multi))?);
                    }
                    array_from_values(&values, &given)
                }),
            }
        };
    vec![
        convert("dg_range_in", Phys::Text, Phys::Bytea, |asker, text, of| {
            let Value::Text(text) = text else { return Ok(Value::Null) };
            let settings = asker.view.output_settings();
            Ok(Value::Bytea(crate::types::text::parse_range_with(text, of, &settings, &asker.seen)?.into()))
        }),
        convert("dg_range_out", Phys::Bytea, Phys::Text, |asker, bytes, of| {
            let Value::Bytea(bytes) = bytes else { return Ok(Value::Null) };
            let settings = asker.view.output_settings();
            let mut out = Vec::new();
            crate::types::text::write_range(
                &mut out,
                bytes,
                of,
                &crate::types::text::Output::new(&settings, &asker.seen),
            );
            Ok(Value::text(String::from_utf8_lossy(&out)))
        }),
    ]
}

fn members(given: &[Value]) -> Vec<Range> {
    match given {
        [Value::Bytea(bytes), ..] => decode(bytes),
        _ => Vec::new(),
    }
}

/// `int4range(1, 5, '[]')`.
fn constructed(given: &[Value], of: RangeType) -> Result<Value> {
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
    let range = make(Bound::of(lower, lower_inclusive)?, Bound::of(upper, upper_inclusive)?, of)?;
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
