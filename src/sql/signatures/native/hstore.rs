//! Functions of hstore, over the bytes that carry it.

use super::json::list;
use super::*;
use crate::types::coded::hstore::{Hstore, Pair, null_key};
use crate::types::text::json::tree::quote;
use crate::types::{PgType, oid};

type Bytes = [u8];

pub(super) fn natives() -> Vec<Native> {
    let mut all = questions();
    all.extend(made());
    all.extend(lists());
    all.extend(changed());
    all
}

fn texts() -> Phys {
    Phys::List(Box::new(Phys::Text))
}

/// A key and a value as a row.
fn pair_phys() -> Phys {
    Phys::Row(vec![Phys::Text, Phys::Text].into())
}

fn pairs_of(given: &Value) -> Hstore {
    match given {
        Value::Bytea(bytes) => Hstore::decode(bytes),
        _ => Hstore::default(),
    }
}

fn coded(made: &Hstore) -> Value {
    Value::Bytea(made.encode().into())
}

fn text_of(given: &Value) -> Option<String> {
    match given {
        Value::Text(text) => Some(text.to_string()),
        _ => None,
    }
}

fn optional(value: Option<&str>) -> Value {
    value.map_or(Value::Null, Value::text)
}

/// The texts of an array, NULLs among them.
fn items(given: &Value) -> Vec<Option<String>> {
    match given {
        Value::Array(array) => array.items.iter().map(text_of).collect(),
        _ => Vec::new(),
    }
}

fn questions() -> Vec<Native> {
    let among = |name: &'static str, f: fn(&Hstore, &[String]) -> bool| {
        native_values(name, vec![Phys::Bytea, texts()], Phys::Bool, move |given| {
            let [h, keys] = given else { return Ok(Value::Null) };
            let keys: Vec<String> = items(keys).into_iter().flatten().collect();
            Ok(Value::Bool(f(&pairs_of(h), &keys)))
        })
    };
    vec![
        native2::<Bytes, str, str>("dg_hstore_get", |h, key| {
            Ok(Hstore::decode(h).get(key).flatten().map(str::to_owned))
        }),
        native2::<Bytes, str, bool>("dg_hstore_exists", |h, key| Ok(Some(Hstore::decode(h).get(key).is_some()))),
        native2::<Bytes, str, bool>("dg_hstore_defined", |h, key| {
            Ok(Some(Hstore::decode(h).get(key).flatten().is_some()))
        }),
        among("dg_hstore_exists_any", |h, keys| keys.iter().any(|key| h.get(key).is_some())),
        among("dg_hstore_exists_all", |h, keys| keys.iter().all(|key| h.get(key).is_some())),
        native2::<Bytes, Bytes, bool>("dg_hstore_contains", |a, b| {
            let (a, b) = (Hstore::decode(a), Hstore::decode(b));
            Ok(Some(b.pairs().iter().all(|(key, value)| a.get(key) == Some(value.as_deref()))))
        }),
    ]
}

fn subscripts(message: &str) -> Error {
    Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message.to_owned())
}

/// Pairs of keys and values.
fn zipped(keys: Vec<Option<String>>, values: Vec<Option<String>>) -> Result<Value> {
    let pairs = keys.into_iter().zip(values).map(|(key, value)| Ok((key.ok_or_else(null_key)?, value)));
    Ok(coded(&pairs.collect::<Result<Hstore>>()?))
}

fn made() -> Vec<Native> {
    vec![
        native_values_or_null("dg_hstore_pair", vec![Phys::Text, Phys::Text], Phys::Bytea, |given| match given {
            [Value::Text(key), value] => Ok(coded(&Hstore::new(vec![(key.to_string(), text_of(value))]))),
            _ => Ok(Value::Null),
        }),
        native_values_or_null("dg_hstore_zip", vec![texts(), texts()], Phys::Bytea, |given| {
            let [keys @ Value::Array(_), values] = given else { return Ok(Value::Null) };
            let keys = items(keys);
            match values {
                Value::Null => {
                    let none = vec![None; keys.len()];
                    zipped(keys, none)
                }
                values => {
                    let values = items(values);
                    if keys.len() != values.len() {
                        return Err(subscripts("arrays must have same bounds"));
                    }
                    zipped(keys, values)
                }
            }
        }),
        native_values("dg_hstore_of_list", vec![texts()], Phys::Bytea, |given| {
            let all = given.first().map(items).unwrap_or_default();
            if all.len() % 2 != 0 {
                return Err(subscripts("array must have even number of elements"));
            }
            let (mut keys, mut values) = (Vec::with_capacity(all.len() / 2), Vec::with_capacity(all.len() / 2));
            for (i, item) in all.into_iter().enumerate() {
                if i % 2 == 0 { keys.push(item) } else { values.push(item) }
            }
            zipped(keys, values)
        }),
    ]
}

fn lists() -> Vec<Native> {
    let of = |name: &'static str, f: fn(&Pair) -> Vec<Value>| {
        native_values(name, vec![Phys::Bytea], texts(), move |given| {
            Ok(list(given.iter().flat_map(|h| pairs_of(h).pairs().iter().flat_map(f).collect::<Vec<_>>()).collect()))
        })
    };
    let json = |name: &'static str, loose: bool| {
        native1::<Bytes, str>(name, move |h| Ok(Some(to_json(&Hstore::decode(h), loose))))
    };
    vec![
        of("dg_hstore_keys", |(key, _)| vec![Value::text(key.as_str())]),
        of("dg_hstore_values", |(_, value)| vec![optional(value.as_deref())]),
        native_values("dg_hstore_each", vec![Phys::Bytea], Phys::List(Box::new(pair_phys())), |given| {
            let ty = PgType::new(oid::TEXT);
            let row = |(key, value): &Pair| {
                Value::Row(vec![(ty, Value::text(key.as_str())), (ty, optional(value.as_deref()))])
            };
            Ok(list(given.iter().flat_map(|h| pairs_of(h).pairs().iter().map(row).collect::<Vec<_>>()).collect()))
        }),
        of("dg_hstore_list", |(key, value)| vec![Value::text(key.as_str()), optional(value.as_deref())]),
        native_values("dg_hstore_get_all", vec![Phys::Bytea, texts()], texts(), |given| {
            let [h, keys] = given else { return Ok(Value::Null) };
            let h = pairs_of(h);
            let found =
                |key: Option<String>| optional(key.and_then(|key| h.get(&key).flatten().map(str::to_owned)).as_deref());
            Ok(list(items(keys).into_iter().map(found).collect()))
        }),
        json("dg_hstore_json", false),
        json("dg_hstore_json_loose", true),
    ]
}

/// `{"a": "1", "b": null}`; loose: numbers and the words of booleans as JSON has them.
fn to_json(h: &Hstore, loose: bool) -> String {
    let mut out = String::from("{");
    for (i, (key, value)) in h.pairs().iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        out.push_str(&quote(key));
        out.push_str(": ");
        match value.as_deref() {
            None => out.push_str("null"),
            Some("t") if loose => out.push_str("true"),
            Some("f") if loose => out.push_str("false"),
            Some(number) if loose && is_number(number) => out.push_str(number),
            Some(text) => out.push_str(&quote(text)),
        }
    }
    out.push('}');
    out
}

/// Is it a number as JSON writes them (IsValidJsonNumber)?
fn is_number(text: &str) -> bool {
    let digits = |text: &mut &str| {
        let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
        let some = rest.len() < text.len();
        *text = rest;
        some
    };
    let mut rest = text.strip_prefix('-').unwrap_or(text);
    match rest.strip_prefix('0') {
        Some(after) => rest = after,
        None if !digits(&mut rest) => return false,
        None => {}
    }
    if let Some(fraction) = rest.strip_prefix('.') {
        rest = fraction;
        if !digits(&mut rest) {
            return false;
        }
    }
    if let Some(power) = rest.strip_prefix(['e', 'E']) {
        rest = power.strip_prefix(['+', '-']).unwrap_or(power);
        if !digits(&mut rest) {
            return false;
        }
    }
    rest.is_empty()
}

fn changed() -> Vec<Native> {
    let map = |name: &'static str, f: fn(&Hstore, &Hstore) -> Hstore| {
        native2::<Bytes, Bytes, Bytes>(name, move |a, b| Ok(Some(f(&Hstore::decode(a), &Hstore::decode(b)).encode())))
    };
    let by_keys = |name: &'static str, f: fn(&Hstore, &[String]) -> Hstore| {
        native_values(name, vec![Phys::Bytea, texts()], Phys::Bytea, move |given| {
            let [h, keys] = given else { return Ok(Value::Null) };
            let keys: Vec<String> = items(keys).into_iter().flatten().collect();
            Ok(coded(&f(&pairs_of(h), &keys)))
        })
    };
    vec![
        // Of two with one key the first stays.
        map("dg_hstore_concat", |a, b| b.pairs().iter().chain(a.pairs()).cloned().collect()),
        map("dg_hstore_minus", |a, b| a.filtered(|(key, value)| b.get(key) != Some(value.as_deref()))),
        native2::<Bytes, str, Bytes>("dg_hstore_delete", |h, key| {
            Ok(Some(Hstore::decode(h).filtered(|(own, _)| own != key).encode()))
        }),
        by_keys("dg_hstore_delete_all", |h, keys| h.filtered(|(own, _)| !keys.contains(own))),
        by_keys("dg_hstore_slice", |h, keys| h.filtered(|(own, _)| keys.contains(own))),
    ]
}
