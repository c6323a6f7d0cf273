//! What the grammar of a jsonpath does not say: where `@` and `last` may stand.

use super::{Item, Kind, with_stack};
use crate::error::{Error, Result, SqlState};

/// `@` stands only in filters, `last` only in subscripts.
pub(super) fn check(item: &Item, filters: usize, subscript: bool) -> Result<()> {
    with_stack(|| check_item(item, filters, subscript))
}

fn check_item(item: &Item, filters: usize, subscript: bool) -> Result<()> {
    let syntax = |message: &str| Err(Error::new(SqlState::SYNTAX_ERROR, message));
    match &item.kind {
        Kind::Current if filters == 0 => return syntax("@ is not allowed in root expressions"),
        Kind::Last if !subscript => return syntax("LAST is allowed only in array subscripts"),
        Kind::Index(subscripts) => {
            for (from, to) in subscripts {
                check(from, filters, true)?;
                to.as_ref().map_or(Ok(()), |to| check(to, filters, true))?;
            }
        }
        Kind::Filter(arg) => check(arg, filters + 1, subscript)?,
        Kind::Plus(arg) | Kind::Minus(arg) | Kind::Not(arg) | Kind::IsUnknown(arg) | Kind::Exists(arg) => {
            check(arg, filters, subscript)?;
        }
        Kind::LikeRegex { arg, .. } => check(arg, filters, subscript)?,
        Kind::Binary(_, left, right) | Kind::StartsWith(left, right) => {
            check(left, filters, subscript)?;
            check(right, filters, subscript)?;
        }
        Kind::Null
        | Kind::Bool(_)
        | Kind::Number(_)
        | Kind::String(_)
        | Kind::Variable(_)
        | Kind::Root
        | Kind::Current
        | Kind::Last
        | Kind::Key(_)
        | Kind::AnyKey
        | Kind::AnyArray
        | Kind::Any(..)
        | Kind::Method(_) => {}
    }
    item.next.as_ref().map_or(Ok(()), |next| check(next, filters, subscript))
}
