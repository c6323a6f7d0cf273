//! json and jsonb: access, tests, changes, texts. A jsonb value is its normalized text.

use super::*;
use crate::engine::budget::spend;
use crate::types::text::json::tree::{Json, Node, array_text, object_text, parse, quote};
use crate::types::text::json::{normalize_jsonb, validate_json};
use crate::types::{ArrayValue, Value};

pub(super) fn natives() -> Vec<Native> {
    let mut all = access();
    all.extend(tests());
    all.extend(sets());
    all.extend(casts());
    all.extend(builders());
    all.extend(records());
    all.extend(super::json_edit::natives());
    all.extend(super::json_assign::natives());
    all
}

pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message.into())
}

/// The texts of a text array's elements.
pub(super) fn strings(value: &Value) -> Vec<Option<&str>> {
    match value {
        Value::Array(ArrayValue { items, .. }) => items.iter().map(text_of).collect(),
        _ => Vec::new(),
    }
}

pub(super) fn text_of(value: &Value) -> Option<&str> {
    match value {
        Value::Text(s) => Some(s),
        _ => None,
    }
}

fn access() -> Vec<Native> {
    vec![
        native2::<str, str, str>("dg_json_field", |j, k| Ok(parse(j)?.get(k).map(|n| n.text.to_owned()))),
        native2::<str, str, str>("dg_json_field_text", |j, k| Ok(parse(j)?.get(k).and_then(Node::as_text))),
        native2::<str, i32, str>("dg_json_element", |j, i| Ok(parse(j)?.at(i64::from(i)).map(|n| n.text.to_owned()))),
        native2::<str, i32, str>("dg_json_element_text", |j, i| Ok(parse(j)?.at(i64::from(i)).and_then(Node::as_text))),
        native2::<str, i32, str>("dg_jsonb_element", |j, i| {
            Ok(element_or_scalar(&parse(j)?, i).map(|n| n.text.to_owned()))
        }),
        native2::<str, i32, str>("dg_jsonb_element_text", |j, i| {
            Ok(element_or_scalar(&parse(j)?, i).and_then(Node::as_text))
        }),
        path("dg_json_path", |n| Some(n.text.to_owned())),
        path("dg_json_path_text", |n| n.as_text()),
        native1::<str, str>("dg_json_text", |j| Ok(parse(j)?.as_text())),
        native1::<str, str>("dg_json_typeof", |j| Ok(Some(parse(j)?.type_name().to_owned()))),
        native1::<str, i32>("dg_json_array_length", |j| match parse(j)?.value {
            Json::Array(items) => Ok(Some(items.len() as i32)),
            Json::Object(_) => Err(invalid("cannot get array length of a non-array")),
            Json::Null | Json::Bool(_) | Json::Number | Json::String(_) => {
                Err(invalid("cannot get array length of a scalar"))
            }
        }),
        native1::<str, [u8]>("dg_jsonb_key", |j| parse(j)?.sort_key().map(Some)),
        native1::<str, str>("dg_jsonb", |j| normalize_jsonb(j).map(Some)),
        native1::<str, str>("dg_json_check", |j| validate_json(j).map(|()| Some(j.to_owned()))),
    ]
}

/// jsonb keeps a scalar as an array of one element, and `->` of a number shows it.
fn element_or_scalar<'n, 'a>(node: &'n Node<'a>, index: i32) -> Option<&'n Node<'a>> {
    if node.is_scalar() { matches!(index, 0 | -1).then_some(node) } else { node.at(i64::from(index)) }
}

/// `#>` and `#>>`: NULL if any step is.
fn path(name: &'static str, f: fn(&Node<'_>) -> Option<String>) -> Native {
    native_values(name, vec![Phys::Text, TextList::phys()], Phys::Text, move |args| {
        let root = parse(text_of(&args[0]).unwrap_or_default())?;
        let mut node = &root;
        for step in strings(&args[1]) {
            let Some(next) = step.and_then(|s| node.step(s)) else { return Ok(Value::Null) };
            node = next;
        }
        Ok(f(node).map_or(Value::Null, Value::text))
    })
}

fn tests() -> Vec<Native> {
    vec![
        native2::<str, str, bool>("dg_jsonb_contains", |a, b| {
            let (a, b) = (parse(a)?, parse(b)?);
            // An array contains a scalar that is one of its elements: the one exception.
            let element = match &a.value {
                Json::Array(items) if b.is_scalar() => items.iter().any(|i| i.equals(&b)),
                _ => false,
            };
            Ok(Some(element || a.contains(&b)))
        }),
        native2::<str, str, bool>("dg_jsonb_exists", |j, k| Ok(Some(exists(&parse(j)?, k)))),
        native_values("dg_jsonb_exists_any", vec![Phys::Text, TextList::phys()], Phys::Bool, |args| {
            let node = parse(text_of(&args[0]).unwrap_or_default())?;
            Ok(Value::Bool(strings(&args[1]).into_iter().flatten().any(|k| exists(&node, k))))
        }),
        native_values("dg_jsonb_exists_all", vec![Phys::Text, TextList::phys()], Phys::Bool, |args| {
            let node = parse(text_of(&args[0]).unwrap_or_default())?;
            Ok(Value::Bool(strings(&args[1]).into_iter().flatten().all(|k| exists(&node, k))))
        }),
    ]
}

/// `?`: a key of an object, a string of an array, or the string itself.
fn exists(node: &Node<'_>, key: &str) -> bool {
    let is = |n: &Node<'_>| matches!(&n.value, Json::String(s) if s == key);
    match &node.value {
        Json::Object(_) => node.get(key).is_some(),
        Json::Array(items) => items.iter().any(is),
        Json::Null | Json::Bool(_) | Json::Number | Json::String(_) => is(node),
    }
}

/// What a set-returning function unfolds, with what it says of a value that has nothing to unfold.
fn unfold<T>(
    name: &'static str,
    result: Phys,
    wanted: fn(&Node<'_>) -> Option<Vec<T>>,
    complaint: [&'static str; 3],
    value: fn(T) -> Value,
) -> Native
where
    T: 'static,
{
    native_values(name, vec![Phys::Text], Phys::List(Box::new(result)), move |args| {
        let node = parse(text_of(&args[0]).unwrap_or_default())?;
        match wanted(&node) {
            Some(items) => Ok(list(items.into_iter().map(value).collect())),
            None => Err(invalid(match &node.value {
                Json::Array(_) => complaint[0],
                Json::Object(_) => complaint[1],
                Json::Null | Json::Bool(_) | Json::Number | Json::String(_) => complaint[2],
            })),
        }
    })
}

/// A list of values of any kind; its element type is said by whoever asked for it.
pub(super) fn list(items: Vec<Value>) -> Value {
    let dims = if items.is_empty() { Vec::new() } else { vec![(items.len() as i32, 1)] };
    Value::Array(ArrayValue { element: crate::types::oid::TEXT, dims, items })
}

fn elements(node: &Node<'_>) -> Option<Vec<String>> {
    match &node.value {
        Json::Array(items) => Some(items.iter().map(|i| i.text.to_owned()).collect()),
        Json::Null | Json::Bool(_) | Json::Number | Json::String(_) | Json::Object(_) => None,
    }
}

fn element_texts(node: &Node<'_>) -> Option<Vec<Option<String>>> {
    match &node.value {
        Json::Array(items) => Some(items.iter().map(Node::as_text).collect()),
        Json::Null | Json::Bool(_) | Json::Number | Json::String(_) | Json::Object(_) => None,
    }
}

fn keys(node: &Node<'_>) -> Option<Vec<String>> {
    match &node.value {
        Json::Object(members) => Some(members.iter().map(|(k, _)| k.clone()).collect()),
        Json::Null | Json::Bool(_) | Json::Number | Json::String(_) | Json::Array(_) => None,
    }
}

type Pair = (String, Option<String>);

fn pairs(node: &Node<'_>) -> Option<Vec<Pair>> {
    match &node.value {
        Json::Object(members) => Some(members.iter().map(|(k, v)| (k.clone(), Some(v.text.to_owned()))).collect()),
        Json::Null | Json::Bool(_) | Json::Number | Json::String(_) | Json::Array(_) => None,
    }
}

fn text_pairs(node: &Node<'_>) -> Option<Vec<Pair>> {
    match &node.value {
        Json::Object(members) => Some(members.iter().map(|(k, v)| (k.clone(), v.as_text())).collect()),
        Json::Null | Json::Bool(_) | Json::Number | Json::String(_) | Json::Array(_) => None,
    }
}

fn sets() -> Vec<Native> {
    let text = |s: String| Value::text(s);
    let optional = |s: Option<String>| s.map_or(Value::Null, Value::text);
    let row = |(key, value): Pair| {
        let ty = crate::types::PgType::new(crate::types::oid::TEXT);
        Value::Row(vec![(ty, Value::text(key)), (ty, value.map_or(Value::Null, Value::text))])
    };
    let pair = || Phys::Row(vec![Phys::Text, Phys::Text].into());
    let scalar = "cannot extract elements from a scalar";
    let plain = ["", "cannot call json_array_elements on a non-array", "cannot call json_array_elements on a scalar"];
    let plain_text =
        ["", "cannot call json_array_elements_text on a non-array", "cannot call json_array_elements_text on a scalar"];
    let binary = ["", "cannot extract elements from an object", scalar];
    let json_each = ["cannot deconstruct an array as an object", "", "cannot deconstruct a scalar"];
    let each = |name: &'static str| [name, "", name];
    let json_keys = ["cannot call json_object_keys on an array", "", "cannot call json_object_keys on a scalar"];
    let jsonb_keys = ["cannot call jsonb_object_keys on an array", "", "cannot call jsonb_object_keys on a scalar"];
    vec![
        unfold("dg_json_array_elements", Phys::Text, elements, plain, text),
        unfold("dg_json_array_elements_text", Phys::Text, element_texts, plain_text, optional),
        unfold("dg_jsonb_array_elements", Phys::Text, elements, binary, text),
        unfold("dg_jsonb_array_elements_text", Phys::Text, element_texts, binary, optional),
        unfold("dg_json_object_keys", Phys::Text, keys, json_keys, text),
        unfold("dg_jsonb_object_keys", Phys::Text, keys, jsonb_keys, text),
        unfold("dg_json_each", pair(), pairs, json_each, row),
        unfold("dg_json_each_text", pair(), text_pairs, json_each, row),
        unfold("dg_jsonb_each", pair(), pairs, each("cannot call jsonb_each on a non-object"), row),
        unfold("dg_jsonb_each_text", pair(), text_pairs, each("cannot call jsonb_each_text on a non-object"), row),
    ]
}

fn casts() -> Vec<Native> {
    vec![
        native1::<str, bool>("dg_jsonb_to_bool", |j| match parse(j)?.value {
            Json::Bool(b) => Ok(Some(b)),
            _ => Err(cannot_cast(&parse(j)?, "boolean")),
        }),
        native2::<str, str, NumericText>("dg_jsonb_to_numeric", |j, ty| {
            let node = parse(j)?;
            match node.value {
                Json::Number => Ok(Some(node.text.to_owned())),
                _ => Err(cannot_cast(&node, ty)),
            }
        }),
    ]
}

fn cannot_cast(node: &Node<'_>, ty: &str) -> Error {
    let kind = if matches!(node.value, Json::Number) { "numeric" } else { node.type_name() };
    invalid(format!("cannot cast jsonb {kind} to type {ty}"))
}

fn builders() -> Vec<Native> {
    vec![
        native1::<str, str>("dg_json_quote", |s| {
            let escapes = s.bytes().map(|b| match b {
                0..0x20 => 5,
                b'"' | b'\\' => 1,
                _ => 0,
            });
            spend(escapes.sum())?;
            Ok(Some(quote(s)))
        }),
        native1::<str, str>("dg_json_number", |s| {
            Ok(Some(if s.contains(['N', 'I']) { format!("\"{s}\"") } else { s.to_owned() }))
        }),
        native_values("dg_json_object", vec![TextList::phys()], Phys::Text, |args| {
            let items = strings(&args[0]);
            if items.len() % 2 == 1 {
                return Err(array_error("array must have even number of elements"));
            }
            object_of(items.chunks(2).map(|p| (p[0], p[1]))).map(Value::text)
        }),
        native_values("dg_json_object2", vec![TextList::phys(), TextList::phys()], Phys::Text, |args| {
            let (keys, values) = (strings(&args[0]), strings(&args[1]));
            if keys.len() != values.len() {
                return Err(array_error("mismatched array dimensions"));
            }
            object_of(keys.into_iter().zip(values)).map(Value::text)
        }),
        // (function's name, the array's texts, the same as JSON) → the pairs that they make.
        native_values(
            "dg_json_build_object",
            vec![Phys::Text, TextList::phys(), TextList::phys()],
            Phys::Text,
            |args| {
                let name = text_of(&args[0]).unwrap_or_default();
                let (keys, values) = (strings(&args[1]), strings(&args[2]));
                if keys.len() % 2 == 1 {
                    return Err(invalid("argument list must have even number of elements")
                        .hint(format!("The arguments of {name}() must consist of alternating keys and values.")));
                }
                let mut parts = Vec::with_capacity(keys.len() / 2);
                for (i, key) in keys.iter().enumerate().step_by(2) {
                    let value = values.get(i + 1).copied().flatten();
                    let Some(key) = key else {
                        return Err(match name {
                            "jsonb_build_object" => invalid(format!("argument {}: key must not be null", i + 1)),
                            _ => invalid(format!("argument {} cannot be null", i + 1))
                                .hint("Object keys should be text."),
                        });
                    };
                    parts.push(format!("{} : {}", quote(key), value.unwrap_or("null")));
                }
                Ok(Value::text(format!("{{{}}}", parts.join(", "))))
            },
        ),
        native1::<str, str>("dg_json_strip_nulls", |j| {
            let mut out = String::new();
            strip(&parse(j)?, &mut out);
            Ok(Some(out))
        }),
        native1::<str, str>("dg_jsonb_pretty", |j| {
            let mut out = String::new();
            pretty(&parse(j)?, 0, &mut out);
            Ok(Some(out))
        }),
        native1::<str, str>("dg_jsonb_strip_nulls", |j| {
            let mut out = String::new();
            strip(&parse(j)?, &mut out);
            normalize_jsonb(&out).map(Some)
        }),
    ]
}

fn array_error(message: &str) -> Error {
    Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message)
}

fn object_of<'a>(pairs: impl Iterator<Item = (Option<&'a str>, Option<&'a str>)>) -> Result<String> {
    let mut parts = Vec::new();
    for (key, value) in pairs {
        let Some(key) = key else {
            return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "null value not allowed for object key"));
        };
        parts.push(format!("{} : {}", quote(key), value.map_or_else(|| "null".to_owned(), quote)));
    }
    Ok(format!("{{{}}}", parts.join(", ")))
}

/// json_strip_nulls: without blanks, strings written anew.
fn strip(node: &Node<'_>, out: &mut String) {
    match &node.value {
        Json::Null | Json::Bool(_) | Json::Number => out.push_str(node.text),
        Json::String(s) => out.push_str(&quote(s)),
        Json::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                strip(item, out);
            }
            out.push(']');
        }
        Json::Object(members) => {
            out.push('{');
            let mut first = true;
            for (key, value) in members.iter().filter(|(_, v)| !matches!(v.value, Json::Null)) {
                out.push_str(if first { "" } else { "," });
                first = false;
                out.push_str(&quote(key));
                out.push(':');
                strip(value, out);
            }
            out.push('}');
        }
    }
}

/// jsonb_pretty: four blanks a level.
fn pretty(node: &Node<'_>, level: usize, out: &mut String) {
    let line = |out: &mut String, level: usize| {
        out.push('\n');
        out.push_str(&"    ".repeat(level));
    };
    match &node.value {
        Json::Null | Json::Bool(_) | Json::Number | Json::String(_) => out.push_str(node.text),
        Json::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                line(out, level + 1);
                pretty(item, level + 1, out);
            }
            line(out, level);
            out.push(']');
        }
        Json::Object(members) => {
            out.push('{');
            for (i, (key, value)) in members.iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                line(out, level + 1);
                out.push_str(&quote(key));
                out.push_str(": ");
                pretty(value, level + 1, out);
            }
            line(out, level);
            out.push('}');
        }
    }
}

/// Members of an object as texts, to be changed and put together again.
pub(super) fn owned(members: &[(String, Node<'_>)]) -> Vec<(String, String)> {
    members.iter().map(|(k, v)| (k.clone(), v.text.to_owned())).collect()
}

/// Elements as texts.
pub(super) fn owned_items(items: &[Node<'_>]) -> Vec<String> {
    items.iter().map(|i| i.text.to_owned()).collect()
}

/// `||` of jsonb.
pub(super) fn concat(a: &str, b: &str) -> Result<String> {
    let (a, b) = (parse(a)?, parse(b)?);
    if let (Json::Object(left), Json::Object(right)) = (&a.value, &b.value) {
        let mut members = owned(left);
        members.extend(owned(right));
        return Ok(object_text(members));
    }
    let mut all = Vec::new();
    for node in [&a, &b] {
        match &node.value {
            Json::Array(items) => all.extend(owned_items(items)),
            Json::Null | Json::Bool(_) | Json::Number | Json::String(_) | Json::Object(_) => {
                all.push(node.text.to_owned());
            }
        }
    }
    Ok(array_text(&all))
}

/// What lowering builds records from.
fn records() -> Vec<Native> {
    vec![
        // (function's name, document) → its elements, which must be objects.
        native_values("dg_json_records", vec![Phys::Text, Phys::Text], TextList::phys(), |args| {
            let name = text_of(&args[0]).unwrap_or_default();
            let node = parse(text_of(&args[1]).unwrap_or_default())?;
            let binary = name.starts_with("jsonb");
            match &node.value {
                Json::Array(items) => {
                    if items.iter().any(|i| !matches!(i.value, Json::Object(_))) {
                        return Err(invalid(format!("argument of {name} must be an array of objects")));
                    }
                    Ok(list(items.iter().map(|i| Value::text(i.text)).collect()))
                }
                Json::Object(_) if !binary => Err(invalid(format!("cannot call {name} on an object"))),
                Json::Object(_) => Err(invalid(format!("cannot call {name} on a non-array"))),
                Json::Null | Json::Bool(_) | Json::Number | Json::String(_) if !binary => {
                    Err(invalid(format!("cannot call {name} on a scalar")))
                }
                Json::Null | Json::Bool(_) | Json::Number | Json::String(_) => {
                    Err(invalid(format!("cannot call {name} on a non-array")))
                }
            }
        }),
        native1::<str, str>("dg_json_composite", |j| match parse(j)?.value {
            Json::Object(_) => Ok(Some(j.to_owned())),
            Json::Array(_) => Err(invalid("cannot call populate_composite on an array")),
            Json::Null | Json::Bool(_) | Json::Number | Json::String(_) => {
                Err(invalid("cannot call populate_composite on a scalar"))
            }
        }),
        native1::<str, str>("dg_json_not_null", |j| Ok((parse(j)?.type_name() != "null").then(|| j.to_owned()))),
        // A JSON array's elements of all dimensions, and its shape; NULL for null and for a string, which the caller reads
        // otherwise.
        native_values("dg_json_items", vec![Phys::Text], TextList::phys(), |args| {
            let node = parse(text_of(&args[0]).unwrap_or_default())?;
            let Some((_, items)) = super::json_array::read(&node)? else { return Ok(Value::Null) };
            Ok(list(items.iter().map(|i| Value::text(i.text)).collect()))
        }),
        native_values("dg_json_shape", vec![Phys::Text], Phys::List(Box::new(Phys::Int4)), |args| {
            let node = parse(text_of(&args[0]).unwrap_or_default())?;
            Ok(super::json_array::read(&node)?.map_or(Value::Null, |(dims, _)| super::shape::shape_value(&dims)))
        }),
        written("dg_json_date", Phys::Date, crate::types::oid::DATE),
        written("dg_json_timestamp", Phys::Timestamp, crate::types::oid::TIMESTAMP),
        written("dg_json_timestamptz", Phys::TimestampTz, crate::types::oid::TIMESTAMPTZ),
    ]
}

/// Dates and times in JSON are ISO 8601, whatever DateStyle says.
fn written(name: &'static str, phys: Phys, ty: crate::types::Oid) -> Native {
    session_values(name, vec![phys], Phys::Text, move |settings, args| {
        let iso = crate::types::OutputSettings { date_style: crate::types::DateStyle::Iso, ..settings.clone() };
        let text =
            crate::types::text::format(&args[0], crate::types::PgType::new(ty), &iso, &crate::types::BuiltinTypes);
        let dated = ty == crate::types::oid::DATE || !text.starts_with(|c: char| c.is_ascii_digit());
        let mut text = if dated { text } else { text.replacen(' ', "T", 1) };
        // The offset has its minutes.
        if ty == crate::types::oid::TIMESTAMPTZ
            && let Some(i) = text.rfind(['+', '-'])
            && i > 10
            && text.len() - i == 3
            && text.contains('T')
        {
            text.push_str(":00");
        }
        Ok(Value::text(quote(&text)))
    })
}
