//! Functions of tsvector and tsquery, over the bytes that carry them.

use super::json::list;
use super::*;
use crate::engine::budget::tick;
use crate::search::matching::{Entries, matches};
use crate::search::rewrite::rewrite;
use crate::search::{query, vector};
use crate::types::coded::tsquery::{self, Joined, Node, Query};
use crate::types::coded::tsvector::{Entry, TsVector, look};
use crate::types::coded::tsword::weight_of;
use crate::types::{PgType, oid};

pub(super) type Bytes = [u8];

pub(super) fn natives() -> Vec<Native> {
    let mut all = vectors();
    all.extend(lists());
    all.extend(queries());
    all.push(matching());
    all
}

fn texts() -> Phys {
    Phys::List(Box::new(Phys::Text))
}

fn vector_of(given: &Value) -> TsVector {
    match given {
        Value::Bytea(bytes) => TsVector::decode(bytes),
        _ => TsVector::default(),
    }
}

pub(super) fn coded(made: &TsVector) -> Value {
    Value::Bytea(made.encode().into())
}

/// The texts of an array without its NULLs.
fn items(given: &Value) -> Vec<&str> {
    match given {
        Value::Array(array) => array.items.iter().filter_map(text_of).collect(),
        _ => Vec::new(),
    }
}

fn text_of(given: &Value) -> Option<&str> {
    match given {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// `setweight`'s letter.
fn weight(letter: &str) -> Result<u8> {
    let first = letter.chars().next();
    first.and_then(weight_of).ok_or_else(|| {
        let code = letter.bytes().next().map_or(0, |byte| i32::from(byte as i8));
        Error::new(SqlState::INTERNAL_ERROR, format!("unrecognized weight: {code}"))
    })
}

fn no_nulls(what: &str) -> Error {
    Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, format!("{what} array may not contain nulls"))
}

fn vectors() -> Vec<Native> {
    vec![
        native1::<Bytes, Bytes>("dg_ts_strip", |v| Ok(Some(vector::strip(TsVector::decode(v)).encode()))),
        native1::<Bytes, i32>("dg_ts_length", |v| Ok(Some(look(v).count() as i32))),
        native2::<Bytes, str, Bytes>("dg_ts_setweight", |v, letter| {
            Ok(Some(vector::with_weight(TsVector::decode(v), weight(letter)?, |_| true).encode()))
        }),
        native2::<Bytes, str, Bytes>("dg_ts_delete", |v, word| {
            Ok(Some(vector::kept(TsVector::decode(v), |own| own != word).encode()))
        }),
        native2::<Bytes, Bytes, Bytes>("dg_ts_concat", |a, b| {
            Ok(Some(vector::concat(&TsVector::decode(a), &TsVector::decode(b)).checked()?.encode()))
        }),
        native_values("dg_ts_setweight_of", vec![Phys::Bytea, Phys::Text, texts()], Phys::Bytea, |given| {
            let [v, Value::Text(letter), words] = given else { return Ok(Value::Null) };
            let words = items(words);
            Ok(coded(&vector::with_weight(vector_of(v), weight(letter)?, |own| words.contains(&own))))
        }),
        native_values("dg_ts_delete_all", vec![Phys::Bytea, texts()], Phys::Bytea, |given| {
            let [v, words] = given else { return Ok(Value::Null) };
            let words = items(words);
            Ok(coded(&vector::kept(vector_of(v), |own| !words.contains(&own))))
        }),
        native_values("dg_ts_filter", vec![Phys::Bytea, texts()], Phys::Bytea, |given| {
            let [v, Value::Array(letters)] = given else { return Ok(Value::Null) };
            let mut weights = 0;
            for letter in &letters.items {
                let letter = text_of(letter).ok_or_else(|| no_nulls("weight"))?;
                let weight = letter.chars().next().and_then(weight_of).ok_or_else(|| {
                    let message = format!("unrecognized weight: \"{letter}\"");
                    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
                })?;
                weights |= 1 << weight;
            }
            Ok(coded(&vector::of_weights(vector_of(v), weights)))
        }),
    ]
}

fn lists() -> Vec<Native> {
    let entry = Phys::Row(vec![Phys::Text, Phys::List(Box::new(Phys::Int2)), texts()].into());
    vec![
        native_values("dg_ts_of_array", vec![texts()], Phys::Bytea, |given| {
            let [Value::Array(words)] = given else { return Ok(Value::Null) };
            let mut entries = Vec::with_capacity(words.items.len());
            for word in &words.items {
                match text_of(word) {
                    None => return Err(no_nulls("lexeme")),
                    Some("") => {
                        let message = "lexeme array may not contain empty strings";
                        return Err(Error::new(SqlState::ZERO_LENGTH_CHARACTER_STRING, message));
                    }
                    Some(word) => entries.push(Entry { word: word.to_owned(), places: Vec::new() }),
                }
            }
            Ok(coded(&TsVector::new(entries)))
        }),
        native_values("dg_ts_words", vec![Phys::Bytea], texts(), |given| {
            let word = |entry: Entry| Value::text(entry.word);
            Ok(list(given.iter().flat_map(|v| vector_of(v).into_entries()).map(word).collect()))
        }),
        native_values("dg_ts_unnest", vec![Phys::Bytea], Phys::List(Box::new(entry)), |given| {
            let row = |Entry { word, places }: Entry| {
                let lists = match places.is_empty() {
                    true => [Value::Null, Value::Null],
                    false => [
                        list(places.iter().map(|place| Value::Int2(place.at() as i16)).collect()),
                        list(places.iter().map(|place| Value::text(LETTERS[usize::from(place.weight())])).collect()),
                    ],
                };
                let [at, weights] = lists;
                Value::Row(vec![
                    (PgType::new(oid::TEXT), Value::text(word)),
                    (PgType::new(oid::INT2_ARRAY), at),
                    (PgType::new(oid::TEXT_ARRAY), weights),
                ])
            };
            Ok(list(given.iter().flat_map(|v| vector_of(v).into_entries()).map(row).collect()))
        }),
    ]
}

/// By weight.
const LETTERS: [&str; 4] = ["D", "C", "B", "A"];

fn queries() -> Vec<Native> {
    let joined = |name: &'static str, by: Joined| {
        native2::<Bytes, Bytes, Bytes>(name, move |a, b| {
            let made = query::joined(tsquery::decode(a), by, tsquery::decode(b))?;
            Ok(Some(tsquery::encode(&made)))
        })
    };
    vec![
        native1::<Bytes, Bytes>("dg_tsquery_key", |q| Ok(Some(tsquery::key(q).to_vec()))),
        joined("dg_tsquery_and", Joined::And),
        joined("dg_tsquery_or", Joined::Or),
        native1::<Bytes, Bytes>("dg_tsquery_not", |q| {
            let made = tsquery::decode(q).map(|node| node.negated().checked()).transpose()?;
            Ok(Some(tsquery::encode(&made)))
        }),
        native3::<Bytes, Bytes, i32, Bytes>("dg_tsquery_phrase", |a, b, distance| {
            let made = query::joined(tsquery::decode(a), Joined::phrase(distance.into())?, tsquery::decode(b))?;
            Ok(Some(tsquery::encode(&made)))
        }),
        native3::<Bytes, Bytes, Bytes, Bytes>("dg_tsquery_rewrite", |q, target, by| {
            let made = rewrite(tsquery::decode(q), tsquery::decode(target), tsquery::decode(by))?;
            Ok(Some(tsquery::encode(&made)))
        }),
        native2::<Bytes, Bytes, bool>("dg_tsquery_contains", |a, b| {
            Ok(Some(query::contains(&tsquery::decode(a), &tsquery::decode(b))))
        }),
        native1::<Bytes, i32>("dg_tsquery_nodes", |q| {
            Ok(Some(tsquery::decode(q).as_ref().map_or(0, Node::count) as i32))
        }),
        native1::<Bytes, str>("dg_tsquery_tree", |q| {
            let Some(node) = tsquery::decode(q) else { return Ok(Some(String::new())) };
            let Some(left) = query::indexable(&node) else { return Ok(Some("T".into())) };
            let mut out = Vec::new();
            tsquery::write(&mut out, &Some(left));
            Ok(Some(String::from_utf8_lossy(&out).into_owned()))
        }),
    ]
}

/// `@@`. The query is the same for row after row as a rule, and is read once then.
fn matching() -> Native {
    Native {
        name: "dg_ts_match",
        args: vec![Phys::Bytea, Phys::Bytea],
        varargs: None,
        result: Phys::Bool,
        strict: true,
        volatile: false,
        body: Arc::new(|arrays, rows| {
            let (vectors, asked) = (downcast::<Bytes>(arrays, 0)?, downcast::<Bytes>(arrays, 1)?);
            let mut last: Option<(&[u8], Query)> = None;
            let mut out = arrow::array::BooleanBuilder::with_capacity(rows);
            for row in 0..rows {
                tick()?;
                if vectors.is_null(row) || asked.is_null(row) {
                    out.append_null();
                    continue;
                }
                let bytes = asked.value(row);
                let read = match last.take() {
                    Some((own, read)) if own == bytes => read,
                    _ => tsquery::decode(bytes),
                };
                out.append_value(matches(&read, &Entries::of(vectors.value(row))));
                last = Some((bytes, read));
            }
            Ok(Arc::new(out.finish()))
        }),
    }
}
