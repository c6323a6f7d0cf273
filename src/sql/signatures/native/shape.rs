//! Shapes of arrays of several dimensions ([`crate::types::shaped`]): what PostgreSQL's array functions do to them.
//!
//! The items themselves stay with DuckDB. Where a function picks or places items, its native gives a plan: the length of
//! the new shape, the new shape, then for each item of the result its place in the list of items (0: NULL).

use super::*;
use crate::engine::budget::{lend, spend};
use crate::types::shaped::{MAX_DIMENSIONS, check_dimensions, count, dimensions};
use crate::types::{ArrayValue, BuiltinTypes, PgType, oid};

/// How many elements an array may have.
const MAX_ELEMENTS: i64 = 134_217_727;
/// A bound of a slice that was left out, in place of a number: beyond what an integer holds.
pub(crate) const OMITTED: i64 = 1 << 40;

type Dims = Vec<(i32, i32)>;

pub(super) fn natives() -> Vec<Native> {
    let shape = || Phys::List(Box::new(Phys::Int4));
    let longs = || Phys::List(Box::new(Phys::Int8));
    vec![
        native_values("dg_shape_at", vec![shape(), longs()], Phys::Int8, |args| {
            let (dims, [subscripts]) = given(args)?;
            let Some(subscripts) = subscripts.into_iter().collect::<Option<Vec<_>>>() else { return Ok(Value::Null) };
            Ok(place(&dims, &subscripts).map_or(Value::Null, |n| Value::Int8(n + 1)))
        }),
        native_values("dg_shape_slice", vec![shape(), longs(), longs()], longs(), |args| {
            let (dims, [lows, highs]) = given(args)?;
            let bounds = lows.into_iter().zip(highs).map(|(low, high)| Some((low?, high?))).collect::<Option<Vec<_>>>();
            let Some(bounds) = bounds else { return Ok(Value::Null) };
            slice(&dims, &bounds)
        }),
        native_values("dg_shape_dims", vec![shape()], Phys::Text, |args| {
            let (dims, []) = given(args)?;
            let part =
                |(length, lower): &(i32, i32)| format!("[{lower}:{}]", i64::from(*lower) + i64::from(*length) - 1);
            Ok(if dims.is_empty() { Value::Null } else { Value::text(dims.iter().map(part).collect::<String>()) })
        }),
        native_values("dg_shape_count", vec![shape()], Phys::Int8, |args| {
            let (dims, []) = given(args)?;
            Ok(Value::Int8(count(&dims).unwrap_or_default() as i64))
        }),
        native_values("dg_shape_cat", vec![shape(), shape()], shape(), |args| {
            let (left, []) = given(&args[..1])?;
            let (right, []) = given(&args[1..])?;
            Ok(shape_value(&cat(left, right)?))
        }),
        native_values("dg_shape_grow", vec![shape()], shape(), |args| {
            let (dims, []) = given(args)?;
            Ok(shape_value(&match dims.as_slice() {
                [] => vec![(1, 1)],
                [(length, lower)] => {
                    let length = i64::from(*length) + 1;
                    vec![(length_of(length)?, lower_of(i64::from(*lower), length)?)]
                }
                _ => {
                    let message = "argument must be empty or one-dimensional array";
                    return Err(Error::new(SqlState::DATA_EXCEPTION, message));
                }
            }))
        }),
        native_values("dg_shape_outer", vec![Phys::Int8, shape()], shape(), |args| {
            let (dims, []) = given(&args[1..])?;
            let Some(Value::Int8(length)) = args.first() else { return Ok(Value::Null) };
            check_dimensions(dims.len() + 1)?;
            let outer = if dims.is_empty() { None } else { Some((length_of(*length)?, 1)) };
            Ok(shape_value(&outer.into_iter().chain(dims).collect::<Dims>()))
        }),
        native_values_or_null("dg_shape_fill", vec![shape(), shape(), Phys::Bool], shape(), |args| {
            Ok(shape_value(&fill(args)?))
        }),
        native_values("dg_shape_put", vec![shape(), longs()], longs(), |args| {
            let (dims, [subscripts]) = given(args)?;
            put(&dims, &all(subscripts)?)
        }),
        native_values("dg_shape_put_slice", vec![shape(), longs(), longs(), Phys::Int8], longs(), |args| {
            let (dims, [lows, highs]) = given(&args[..3])?;
            let Some(Value::Int8(items)) = args.get(3) else { return Ok(Value::Null) };
            let bounds: Vec<(i64, i64)> = all(lows)?.into_iter().zip(all(highs)?).collect();
            put_slice(&dims, &bounds, *items)
        }),
        native_values("dg_shape_out", vec![TextList::phys(), shape()], Phys::Text, |args| {
            let array = array_of_texts(args)?;
            let ty = PgType::new(oid::TEXT_ARRAY);
            Ok(Value::text(crate::types::text::format(&array, ty, &OutputSettings::default(), &BuiltinTypes)))
        }),
        native_values("dg_shape_json", vec![TextList::phys(), shape(), Phys::Text], Phys::Text, |args| {
            let Value::Array(array) = array_of_texts(args)? else { return Ok(Value::Null) };
            let Some(Value::Text(separator)) = args.get(2) else { return Ok(Value::Null) };
            let mut out = String::new();
            put_json(&mut out, &array.dims, &mut array.items.iter(), separator);
            Ok(Value::text(out))
        }),
    ]
}

/// The shape that comes first, and the lists of numbers after it.
fn given<const N: usize>(args: &[Value]) -> Result<(Dims, [Vec<Option<i64>>; N])> {
    let numbers = |value: Option<&Value>| match value {
        Some(Value::Array(array)) => array
            .items
            .iter()
            .map(|item| match item {
                Value::Int4(n) => Some(i64::from(*n)),
                Value::Int8(n) => Some(*n),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    let shape: Option<Vec<i32>> =
        numbers(args.first()).into_iter().map(|n: Option<i64>| i32::try_from(n?).ok()).collect();
    let dims = dimensions(&shape.ok_or_else(|| Error::internal("a shape with a NULL in it"))?)?;
    Ok((dims, std::array::from_fn(|i| numbers(args.get(i + 1)))))
}

fn all(subscripts: Vec<Option<i64>>) -> Result<Vec<i64>> {
    subscripts
        .into_iter()
        .collect::<Option<_>>()
        .ok_or_else(|| Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "array subscript in assignment must not be null"))
}

fn error(message: &str) -> Error {
    Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message)
}

fn too_large() -> Error {
    let message = format!("array size exceeds the maximum allowed ({MAX_ELEMENTS})");
    Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
}

/// A dimension's length; 54000 beyond what an array may have.
fn length_of(length: i64) -> Result<i32> {
    if !(0..=MAX_ELEMENTS).contains(&length) {
        return Err(too_large());
    }
    Ok(length as i32)
}

/// A dimension's lower bound; 54000 if its last subscript is no integer.
fn lower_of(lower: i64, length: i64) -> Result<i32> {
    match i32::try_from(lower) {
        // As ArrayCheckBounds: one beyond the last must be a number too.
        Ok(bound) if lower + length <= i64::from(i32::MAX) => Ok(bound),
        _ => {
            let message = format!("array lower bound is too large: {lower}");
            Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message))
        }
    }
}

pub(super) fn shape_value(dims: &[(i32, i32)]) -> Value {
    let whole = ArrayValue { element: oid::INT4, dims: dims.to_vec(), items: vec![Value::Null] };
    let dims = if count(dims) == Some(0) { Vec::new() } else { whole.shape() };
    list(oid::INT4, dims.into_iter().map(Value::Int4).collect())
}

fn list(element: crate::types::Oid, items: Vec<Value>) -> Value {
    let dims = if items.is_empty() { Vec::new() } else { vec![(items.len() as i32, 1)] };
    Value::Array(ArrayValue { element, dims, items })
}

/// A plan: the new shape and the places of its items, from 0; `None` is NULL.
fn plan(dims: &[(i32, i32)], places: impl Iterator<Item = Option<i64>>) -> Value {
    let Value::Array(shape) = shape_value(dims) else { return Value::Null };
    let shape = shape.items.into_iter().map(|n| match n {
        Value::Int4(n) => Value::Int8(i64::from(n)),
        other => other,
    });
    let mut items = vec![Value::Int8(shape.len() as i64)];
    items.extend(shape);
    items.extend(places.map(|place| Value::Int8(place.map_or(0, |n| n + 1))));
    list(oid::INT8, items)
}

/// The place of an item, from 0; `None` where there is none.
fn place(dims: &[(i32, i32)], subscripts: &[i64]) -> Option<i64> {
    if dims.len() != subscripts.len() || dims.is_empty() {
        return None;
    }
    dims.iter().zip(subscripts).try_fold(0, |at, ((length, lower), subscript)| {
        let offset = subscript - i64::from(*lower);
        (0..i64::from(*length)).contains(&offset).then_some(at * i64::from(*length) + offset)
    })
}

/// The places of the items between bounds (both of them in it) in every dimension, in row-major order.
fn places(dims: &[(i32, i32)], bounds: &[(i64, i64)]) -> Vec<i64> {
    let mut out = vec![0];
    for ((length, lower), (low, high)) in dims.iter().zip(bounds) {
        let inner = *low - i64::from(*lower)..=*high - i64::from(*lower);
        out = out.iter().flat_map(|at| inner.clone().map(move |offset| at * i64::from(*length) + offset)).collect();
    }
    out
}

/// `array_get_slice`: what is outside is cut off, and the result counts from 1.
fn slice(dims: &[(i32, i32)], bounds: &[(i64, i64)]) -> Result<Value> {
    let empty = || plan(&[], std::iter::empty());
    if dims.len() < bounds.len() || dims.is_empty() {
        return Ok(empty());
    }
    let mut cut = Vec::with_capacity(dims.len());
    for (i, (length, lower)) in dims.iter().enumerate() {
        let (first, last) = (i64::from(*lower), i64::from(*lower) + i64::from(*length) - 1);
        let (low, high) = bounds.get(i).copied().unwrap_or((OMITTED, OMITTED));
        let low = if low == OMITTED { first } else { low.max(first) };
        let high = if high == OMITTED { last } else { high.min(last) };
        if low > high {
            return Ok(empty());
        }
        cut.push((low, high));
    }
    let sliced: Dims = cut.iter().map(|(low, high)| ((high - low + 1) as i32, 1)).collect();
    let _lent = lend(count(&sliced).unwrap_or(usize::MAX).saturating_mul(2 * size_of::<Value>()))?;
    Ok(plan(&sliced, places(dims, &cut).into_iter().map(Some)))
}

/// `array_cat`'s rules: the same number of dimensions, or one more on one side; inner ones must be alike.
fn cat(left: Dims, right: Dims) -> Result<Dims> {
    if left.is_empty() {
        return Ok(right);
    }
    if right.is_empty() {
        return Ok(left);
    }
    let wrong = |detail: &str| Err(error("cannot concatenate incompatible arrays").detail(detail));
    let (mut joined, added, like) = match left.len() as i64 - right.len() as i64 {
        0 => (left.clone(), i64::from(right[0].0), left[1..] == right[1..]),
        1 => (left.clone(), 1, left[1..] == right[..]),
        -1 => (right.clone(), 1, right[1..] == left[..]),
        _ => {
            return wrong(&format!(
                "Arrays of {} and {} dimensions are not compatible for concatenation.",
                left.len(),
                right.len()
            ));
        }
    };
    if !like {
        return wrong(match left.len() == right.len() {
            true => "Arrays with differing element dimensions are not compatible for concatenation.",
            false => "Arrays with differing dimensions are not compatible for concatenation.",
        });
    }
    let length = i64::from(joined[0].0) + added;
    joined[0] = (length_of(length)?, lower_of(i64::from(joined[0].1), length)?);
    checked(joined)
}

/// The dimensions, if there may be as many items as they have.
fn checked(dims: Dims) -> Result<Dims> {
    match count(&dims) {
        Some(n) if n as i64 <= MAX_ELEMENTS => Ok(dims),
        _ => Err(too_large()),
    }
}

/// `array_fill`: lengths, lower bounds, and whether these were given.
fn fill(args: &[Value]) -> Result<Dims> {
    let null = |message: &str| Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message));
    let with_bounds = matches!(args.get(2), Some(Value::Bool(true)));
    let (Some(Value::Array(lengths)), Some(bounds)) = (args.first(), args.get(1)) else {
        return null("dimension array or low bound array cannot be null");
    };
    let bounds = match (bounds, with_bounds) {
        (Value::Array(bounds), true) => Some(bounds),
        (_, false) => None,
        (_, true) => return null("dimension array or low bound array cannot be null"),
    };
    check_dimensions(lengths.items.len())?;
    if bounds.is_some_and(|b| b.items.len() != lengths.items.len()) {
        let detail = "Low bound array has different size than dimensions array.";
        return Err(error("wrong number of array subscripts").detail(detail));
    }
    let number = |value: Option<&Value>| match value {
        Some(Value::Int4(n)) => Ok(i64::from(*n)),
        _ => Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "dimension values cannot be null")),
    };
    let mut dims = Vec::with_capacity(lengths.items.len());
    for i in 0..lengths.items.len() {
        let length = number(lengths.items.get(i))?;
        let lower = bounds.map_or(Ok(1), |b| number(b.items.get(i)))?;
        dims.push((length_of(length)?, lower));
    }
    let dims: Result<Dims> = dims.into_iter().map(|(n, lower)| Ok((n, lower_of(lower, i64::from(n))?))).collect();
    let dims = checked(dims?)?;
    // As many items will be made; texts take more.
    spend(count(&dims).unwrap_or_default().saturating_mul(16))?;
    Ok(dims)
}

/// `array_set_element`: the new value has the place after the last item.
fn put(dims: &[(i32, i32)], subscripts: &[i64]) -> Result<Value> {
    check_dimensions(subscripts.len())?;
    let new = count(dims).unwrap_or_default() as i64;
    if dims.is_empty() {
        let made = subscripts.iter().map(|s| Ok((1, lower_of(*s, 1)?))).collect::<Result<Dims>>()?;
        return Ok(plan(&made, std::iter::once(Some(new))));
    }
    if dims.len() != subscripts.len() {
        return Err(error("wrong number of array subscripts"));
    }
    if let ([(length, lower)], [subscript]) = (dims, subscripts) {
        let (first, last) = (i64::from(*lower), i64::from(*lower) + i64::from(*length) - 1);
        return extended((first, last), (*subscript, *subscript), new);
    }
    let at = place(dims, subscripts).ok_or_else(|| error("array subscript out of range"))?;
    let _lent = lend((new as usize).saturating_mul(2 * size_of::<Value>()))?;
    Ok(plan(dims, (0..new).map(|i| Some(if i == at { new } else { i }))))
}

/// Items of one dimension from `first` to `last` with those from `low` to `high` replaced by what begins at place `new`.
fn extended((first, last): (i64, i64), (low, high): (i64, i64), new: i64) -> Result<Value> {
    let (from, to) = (first.min(low), last.max(high));
    let length = to - from + 1;
    let dims = [(length_of(length)?, lower_of(from, length)?)];
    let _lent = lend((length as usize).saturating_mul(2 * size_of::<Value>()))?;
    let places = (from..=to).map(|i| match i {
        i if (low..=high).contains(&i) => Some(new + i - low),
        i if (first..=last).contains(&i) => Some(i - first),
        _ => None,
    });
    Ok(plan(&dims, places))
}

/// `array_set_slice`: the slice's items, of which there are `given`, have the places after the last item.
fn put_slice(dims: &[(i32, i32)], bounds: &[(i64, i64)], given: i64) -> Result<Value> {
    check_dimensions(bounds.len())?;
    let new = count(dims).unwrap_or_default() as i64;
    let too_few = |wanted: Option<i64>| match wanted {
        Some(n) if n <= given => Ok(n),
        Some(_) => Err(error("source array too small")),
        None => Err(too_large()),
    };
    if dims.is_empty() {
        if bounds.iter().any(|(low, high)| *low == OMITTED || *high == OMITTED) {
            let detail = "When assigning to a slice of an empty array value, slice boundaries must be fully specified.";
            return Err(error("array slice subscript must provide both boundaries").detail(detail));
        }
        let made = bounds.iter().map(|(low, high)| {
            let length = high - low + 1;
            Ok((length_of(length)?, lower_of(*low, length)?))
        });
        let made = checked(made.collect::<Result<Dims>>()?)?;
        let n = too_few(count(&made).map(|n| n as i64))?;
        return Ok(plan(&made, (0..n).map(|i| Some(new + i))));
    }
    if dims.len() < bounds.len() || dims.len() > MAX_DIMENSIONS {
        return Err(error("wrong number of array subscripts"));
    }
    let mut whole = Vec::with_capacity(dims.len());
    for (i, (length, lower)) in dims.iter().enumerate() {
        let (first, last) = (i64::from(*lower), i64::from(*lower) + i64::from(*length) - 1);
        let Some((low, high)) = bounds.get(i) else {
            whole.push((first, last));
            continue;
        };
        let (low, high) = (if *low == OMITTED { first } else { *low }, if *high == OMITTED { last } else { *high });
        if low > high {
            return Err(error("upper bound cannot be less than lower bound"));
        }
        if dims.len() > 1 && (low < first || high > last) {
            return Err(error("array subscript out of range"));
        }
        whole.push((low, high));
    }
    let wanted = whole.iter().try_fold(1i64, |n, (low, high)| n.checked_mul(high - low + 1));
    let n = too_few(wanted)?;
    if let ([(length, lower)], [bounds]) = (dims, whole.as_slice()) {
        let (first, last) = (i64::from(*lower), i64::from(*lower) + i64::from(*length) - 1);
        return extended((first, last), *bounds, new);
    }
    let _lent = lend((new as usize).saturating_add(n as usize).saturating_mul(2 * size_of::<Value>()))?;
    let mut all: Vec<i64> = (0..new).collect();
    for (i, place) in places(dims, &whole).into_iter().enumerate() {
        if let Some(item) = usize::try_from(place).ok().and_then(|p| all.get_mut(p)) {
            *item = new + i as i64;
        }
    }
    Ok(plan(dims, all.into_iter().map(Some)))
}

fn array_of_texts(args: &[Value]) -> Result<Value> {
    let (dims, []) = given(&args[1..])?;
    let Some(Value::Array(texts)) = args.first() else { return Ok(Value::Null) };
    if count(&dims) != Some(texts.items.len()) {
        return Err(Error::internal("an array's items are not as many as its shape says"));
    }
    Ok(Value::Array(ArrayValue { element: oid::TEXT, dims, items: texts.items.clone() }))
}

/// Items that are JSON already, in brackets within brackets; the separator is the outermost level's.
fn put_json<'a>(out: &mut String, dims: &[(i32, i32)], items: &mut impl Iterator<Item = &'a Value>, separator: &str) {
    out.push('[');
    if let Some(((length, _), inner)) = dims.split_first() {
        for i in 0..*length {
            if i > 0 {
                out.push_str(separator);
            }
            if !inner.is_empty() {
                put_json(out, inner, items, ",");
                continue;
            }
            match items.next() {
                Some(Value::Text(text)) => out.push_str(text),
                Some(_) | None => out.push_str("null"),
            }
        }
    }
    out.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ints(value: &Value) -> Vec<i64> {
        let Value::Array(array) = value else { panic!("{value:?} is no list") };
        array.items.iter().map(|n| if let Value::Int8(n) = n { *n } else { panic!("{n:?} is no number") }).collect()
    }

    #[test]
    fn a_slice_is_cut_to_what_there_is_and_counts_from_one() {
        // [0:2][1:2]: the rows 1 and 2, second column.
        let plan = slice(&[(3, 0), (2, 1)], &[(1, 9), (2, 2)]).expect("a slice");
        assert_eq!(ints(&plan), [5, 2, 2, 1, 1, 1, 4, 6]);
        let nothing = slice(&[(3, 0), (2, 1)], &[(5, 9)]).expect("a slice");
        assert_eq!(ints(&nothing), [0]);
    }

    #[test]
    fn an_element_before_the_first_extends_the_array() {
        assert_eq!(ints(&put(&[(2, 1)], &[-1]).expect("a plan")), [3, 1, 4, -1, 3, 0, 1, 2]);
        assert_eq!(ints(&put(&[], &[2, 3]).expect("a plan")), [5, 2, 1, 1, 2, 3, 1]);
        let message = put(&[(2, 1), (2, 1)], &[3, 1]).expect_err("out of range").report().message.clone();
        assert_eq!(message, "array subscript out of range");
    }

    #[test]
    fn a_huge_gap_is_refused_before_anything_is_made_for_it() {
        assert_eq!(put(&[(1, 1)], &[2_000_000_000]).expect_err("too large").code(), SqlState::PROGRAM_LIMIT_EXCEEDED);
        assert_eq!(put(&[], &[i64::from(i32::MAX)]).expect_err("too large").code(), SqlState::PROGRAM_LIMIT_EXCEEDED);
    }

    #[test]
    fn a_slice_of_several_dimensions_takes_its_items_in_order() {
        let plan = put_slice(&[(2, 1), (2, 1)], &[(1, 2), (2, 2)], 2).expect("a plan");
        assert_eq!(ints(&plan), [5, 2, 2, 2, 1, 1, 1, 5, 3, 6]);
    }
}
