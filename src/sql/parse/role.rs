//! Roles where a statement names one (RoleSpec): by name, or as who asks.

use super::RawDdl;
use super::cursor::Cursor;
use crate::error::{Error, Result, SqlState};
use crate::registry::Name;
use crate::tree::{Ddl, DropBehavior};

/// What stands for CURRENT_USER and CURRENT_ROLE until analysis knows who that is: no role can be called so.
pub const CURRENT: &str = "\0current_user";
/// The same for SESSION_USER.
pub const SESSION: &str = "\0session_user";

/// A role that may be one of those.
pub fn role(c: &mut Cursor<'_>) -> Result<Name> {
    if c.eat("current_user") || c.eat("current_role") {
        return Ok(CURRENT.into());
    }
    if c.eat("session_user") {
        return Ok(SESSION.into());
    }
    c.name()
}

pub fn roles(c: &mut Cursor<'_>) -> Result<Vec<Name>> {
    super::defaults::list(c, role)
}

/// A role that must have a name.
///
/// # Errors
/// 42939 for the words that stand for who asks.
pub fn named(c: &mut Cursor<'_>) -> Result<Name> {
    for word in ["current_user", "current_role", "session_user"] {
        if c.is_word(0, word) {
            let message = format!("{} cannot be used as a role name here", word.to_uppercase());
            return Err(Error::new(SqlState::RESERVED_NAME, message).at(c.position()));
        }
    }
    c.name()
}

/// The role of an identifier of sqlparser's, which keeps such words as names.
pub fn of_ident(ident: &sqlparser::ast::Ident) -> Name {
    match ident.value.to_ascii_lowercase().as_str() {
        "current_user" | "current_role" if ident.quote_style.is_none() => CURRENT.into(),
        "session_user" if ident.quote_style.is_none() => SESSION.into(),
        _ => super::fold(ident),
    }
}

/// REASSIGN OWNED BY roles TO role.
pub fn reassign(c: &mut Cursor<'_>) -> Result<RawDdl> {
    c.expect("owned")?;
    c.expect("by")?;
    let roles = roles(c)?;
    c.expect("to")?;
    let to = role(c)?;
    c.end()?;
    Ok(RawDdl::Ready(Ddl::ReassignOwned { roles, to }))
}

/// `roles [CASCADE | RESTRICT]`. The cursor stands behind DROP OWNED BY.
pub fn drop_owned(c: &mut Cursor<'_>) -> Result<RawDdl> {
    let roles = roles(c)?;
    let behavior = if c.eat("cascade") { DropBehavior::Cascade } else { DropBehavior::Restrict };
    c.eat("restrict");
    Ok(RawDdl::Ready(Ddl::DropOwned { roles, behavior }))
}
