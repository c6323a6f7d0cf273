//! Assignment to a subscript of jsonb (jsonb_subscript_assign): what is missing on the way is made.

use super::json::{invalid, owned, owned_items, strings, text_of};
use super::*;
use crate::types::Value;
use crate::types::text::json::tree::{Json, Node, array_text, object_text, parse};

/// The value (NULL for none), the path, the new value (NULL for JSON's), whether the first step is a number.
pub(super) fn natives() -> Vec<Native> {
    let args = vec![Phys::Text, TextList::phys(), Phys::Text, Phys::Bool];
    vec![native_values_or_null("dg_jsonb_assign", args, Phys::Text, |args| {
        let path: Option<Vec<&str>> = strings(&args[1]).into_iter().collect();
        let path = path.ok_or_else(|| {
            Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "jsonb subscript in assignment must not be null")
        })?;
        let none = if args[3] == Value::Bool(true) { "[]" } else { "{}" };
        let whole = text_of(&args[0]).unwrap_or(none);
        assigned(&parse(whole)?, &path, 0, text_of(&args[2]).unwrap_or("null")).map(Value::text)
    })]
}

/// How deep a value may become by one assignment: as deep as one that is parsed.
const MAX_STEPS: usize = 6000;

/// A value with a new one at the rest of the path.
fn assigned(node: &Node<'_>, path: &[&str], level: usize, new: &str) -> Result<String> {
    if path.len() > MAX_STEPS {
        return Err(Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
    }
    let Some(step) = path.get(level) else { return Ok(new.to_owned()) };
    match &node.value {
        Json::Object(members) => {
            let mut out = owned(members);
            match members.iter().position(|(key, _)| key == step) {
                Some(i) => out[i].1 = assigned(&members[i].1, path, level + 1, new)?,
                None => out.push(((*step).to_owned(), made(path, level + 1, new)?)),
            }
            Ok(object_text(out))
        }
        Json::Array(items) => {
            let Ok(asked) = step.trim_start().parse::<i32>() else {
                let message = format!("path element at position {} is not an integer: \"{step}\"", level + 1);
                return Err(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message));
            };
            let mut out = owned_items(items);
            let index = if asked < 0 { i64::from(asked) + items.len() as i64 } else { i64::from(asked) };
            let Ok(index) = usize::try_from(index) else {
                let message = format!("path element at position {} is out of range: {asked}", level + 1);
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
            };
            match items.get(index) {
                Some(item) => out[index] = assigned(item, path, level + 1, new)?,
                None => {
                    filled(&mut out, index)?;
                    out.push(made(path, level + 1, new)?);
                }
            }
            Ok(array_text(&out))
        }
        Json::Null | Json::Bool(_) | Json::Number | Json::String(_) => Err(invalid("cannot replace existing key")
            .detail("The path assumes key is a composite object, but it is a scalar value.")),
    }
}

/// The new value inside of what the rest of the path asks for (push_path).
fn made(path: &[&str], level: usize, new: &str) -> Result<String> {
    let mut value = new.to_owned();
    for step in path.get(level..).unwrap_or_default().iter().rev() {
        value = match step.trim_start().parse::<i32>() {
            Ok(index) => {
                let mut items = Vec::new();
                filled(&mut items, usize::try_from(index).unwrap_or(0))?;
                items.push(value);
                array_text(&items)
            }
            Err(_) => object_text(vec![((*step).to_owned(), value)]),
        };
    }
    Ok(value)
}

/// Nulls up to an index.
fn filled(items: &mut Vec<String>, index: usize) -> Result<()> {
    // PostgreSQL's limit of an array's elements (JB_MAX_ELEMS).
    if index >= 0x0FFF_FFFF / 12 {
        let message = "number of jsonb array elements exceeds the maximum allowed (22369621)";
        return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
    }
    items.resize(index, "null".to_owned());
    Ok(())
}
