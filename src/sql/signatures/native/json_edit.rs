//! Changes of jsonb values: concatenation, deletion, setting and inserting by path.

use super::json::{concat, invalid, owned, owned_items, strings, text_of};
use super::*;
use crate::types::Value;
use crate::types::text::json::tree::{Json, Node, array_text, object_text, parse};

pub(super) fn natives() -> Vec<Native> {
    vec![
        native2::<str, str, str>("dg_jsonb_concat", |a, b| concat(a, b).map(Some)),
        native2::<str, str, str>("dg_jsonb_delete_key", |j, k| delete_keys(j, &[Some(k)]).map(Some)),
        native2::<str, i32, str>("dg_jsonb_delete_index", |j, i| delete_index(j, i).map(Some)),
        native_values("dg_jsonb_delete_keys", vec![Phys::Text, TextList::phys()], Phys::Text, |args| {
            delete_keys(text_of(&args[0]).unwrap_or_default(), &strings(&args[1])).map(Value::text)
        }),
        native_values("dg_jsonb_delete_path", vec![Phys::Text, TextList::phys()], Phys::Text, |args| {
            change(args, "cannot delete path in scalar", &Edit::Delete)
        }),
        native_values("dg_jsonb_set", vec![Phys::Text, TextList::phys(), Phys::Text, Phys::Bool], Phys::Text, |args| {
            let new = text_of(&args[2]).unwrap_or_default();
            change(args, "cannot set path in scalar", &Edit::Set { new, create: args[3] == Value::Bool(true) })
        }),
        set_lax(),
        native_values(
            "dg_jsonb_insert",
            vec![Phys::Text, TextList::phys(), Phys::Text, Phys::Bool],
            Phys::Text,
            |args| {
                let new = text_of(&args[2]).unwrap_or_default();
                change(args, "cannot set path in scalar", &Edit::Insert { new, after: args[3] == Value::Bool(true) })
            },
        ),
    ]
}

/// jsonb_set_lax: what a NULL as the new value does is said by its last argument.
fn set_lax() -> Native {
    let args = vec![Phys::Text, TextList::phys(), Phys::Text, Phys::Bool, Phys::Text];
    native_values_or_null("dg_jsonb_set_lax", args, Phys::Text, |args| {
        if args[..2].iter().chain(&args[3..4]).any(Value::is_null) {
            return Ok(Value::Null);
        }
        let create = args[3] == Value::Bool(true);
        if let Some(new) = text_of(&args[2]) {
            return change(args, "cannot set path in scalar", &Edit::Set { new, create });
        }
        match text_of(&args[4]) {
            None => Err(invalid(
                "null_value_treatment must be \"delete_key\", \"return_target\", \"use_json_null\", or \"raise_exception\"",
            )),
            Some("raise_exception") => {
                Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "JSON value must not be null")
                    .detail("Exception was raised because null_value_treatment is \"raise_exception\".")
                    .hint("To avoid, either change the null_value_treatment argument or ensure that an SQL NULL is not passed."))
            }
            Some("use_json_null") => {
                change(args, "cannot set path in scalar", &Edit::Set { new: "null", create })
            }
            Some("delete_key") => change(args, "cannot delete path in scalar", &Edit::Delete),
            Some("return_target") => Ok(args[0].clone()),
            Some(_) => Err(invalid(
                "null_value_treatment must be \"delete_key\", \"return_target\", \"use_json_null\", or \"raise_exception\"",
            )),
        }
    })
}

enum Edit<'a> {
    Delete,
    Set { new: &'a str, create: bool },
    Insert { new: &'a str, after: bool },
}

impl Edit<'_> {
    /// The value for a place where there is none yet.
    fn addition(&self) -> Option<&str> {
        match self {
            Self::Delete | Self::Set { create: false, .. } => None,
            Self::Set { new, create: true } | Self::Insert { new, .. } => Some(new),
        }
    }
}

fn delete_keys(j: &str, keys: &[Option<&str>]) -> Result<String> {
    let node = parse(j)?;
    let gone = |key: &str| keys.iter().flatten().any(|k| *k == key);
    Ok(match &node.value {
        Json::Object(members) => object_text(owned(members).into_iter().filter(|(key, _)| !gone(key)).collect()),
        Json::Array(items) => {
            let kept: Vec<&str> = items
                .iter()
                .filter(|item| !matches!(&item.value, Json::String(s) if gone(s)))
                .map(|item| item.text)
                .collect();
            array_text(&kept)
        }
        Json::Null | Json::Bool(_) | Json::Number | Json::String(_) => {
            return Err(invalid("cannot delete from scalar"));
        }
    })
}

fn delete_index(j: &str, index: i32) -> Result<String> {
    let node = parse(j)?;
    match &node.value {
        Json::Array(items) => {
            let index = i64::from(index) + if index < 0 { items.len() as i64 } else { 0 };
            let mut texts = owned_items(items);
            if let Ok(i) = usize::try_from(index)
                && i < texts.len()
            {
                texts.remove(i);
            }
            Ok(array_text(&texts))
        }
        Json::Object(_) => Err(invalid("cannot delete from object using integer index")),
        Json::Null | Json::Bool(_) | Json::Number | Json::String(_) => Err(invalid("cannot delete from scalar")),
    }
}

fn change(args: &[Value], scalar: &str, edit: &Edit<'_>) -> Result<Value> {
    let text = text_of(&args[0]).unwrap_or_default();
    let node = parse(text)?;
    if node.is_scalar() {
        return Err(invalid(scalar));
    }
    let path = strings(&args[1]);
    let empty =
        matches!(&node.value, Json::Array(i) if i.is_empty()) || matches!(&node.value, Json::Object(m) if m.is_empty());
    if path.is_empty() || (empty && edit.addition().is_none()) {
        return Ok(Value::text(text));
    }
    apply(&node, &path, 0, edit).map(Value::text)
}

fn apply(node: &Node<'_>, path: &[Option<&str>], level: usize, edit: &Edit<'_>) -> Result<String> {
    let step = path[level].ok_or_else(|| {
        Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, format!("path element at position {} is null", level + 1))
    });
    match &node.value {
        Json::Object(members) => in_object(members, path, level, step?, edit),
        Json::Array(items) => in_array(items, path, level, step?, edit),
        Json::Null | Json::Bool(_) | Json::Number | Json::String(_) => Ok(node.text.to_owned()),
    }
}

fn in_object(
    members: &[(String, Node<'_>)],
    path: &[Option<&str>],
    level: usize,
    key: &str,
    edit: &Edit<'_>,
) -> Result<String> {
    let last = level + 1 == path.len();
    let mut out = owned(members);
    match (members.iter().position(|(k, _)| k == key), last, edit) {
        (Some(i), false, _) => out[i].1 = apply(&members[i].1, path, level + 1, edit)?,
        (Some(i), true, Edit::Delete) => {
            out.remove(i);
        }
        (Some(i), true, Edit::Set { new, .. }) => out[i].1 = (*new).to_owned(),
        (Some(_), true, Edit::Insert { .. }) => {
            return Err(
                invalid("cannot replace existing key").hint("Try using the function jsonb_set to replace key value.")
            );
        }
        (None, true, edit) => out.extend(edit.addition().map(|new| (key.to_owned(), new.to_owned()))),
        (None, false, _) => {}
    }
    Ok(object_text(out))
}

fn in_array(items: &[Node<'_>], path: &[Option<&str>], level: usize, step: &str, edit: &Edit<'_>) -> Result<String> {
    let Ok(asked) = step.trim_start().parse::<i32>() else {
        return Err(Error::new(
            SqlState::INVALID_TEXT_REPRESENTATION,
            format!("path element at position {} is not an integer: \"{step}\"", level + 1),
        ));
    };
    let last = level + 1 == path.len();
    let mut out = owned_items(items);
    let index = if asked < 0 { i64::from(asked) + items.len() as i64 } else { i64::from(asked) };
    match (usize::try_from(index).ok().filter(|i| *i < items.len()), last, edit) {
        (Some(i), false, _) => out[i] = apply(&items[i], path, level + 1, edit)?,
        (Some(i), true, Edit::Delete) => {
            out.remove(i);
        }
        (Some(i), true, Edit::Set { new, .. }) => out[i] = (*new).to_owned(),
        (Some(i), true, Edit::Insert { new, after }) => out.insert(i + usize::from(*after), (*new).to_owned()),
        // Beyond an end: at that end.
        (None, true, edit) => {
            if let Some(new) = edit.addition() {
                out.insert(if index < 0 { 0 } else { items.len() }, new.to_owned());
            }
        }
        (None, false, _) => {}
    }
    Ok(array_text(&out))
}
