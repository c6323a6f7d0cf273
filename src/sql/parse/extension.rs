//! CREATE, ALTER and DROP EXTENSION.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::ddl::RawDdl;
use crate::error::{Error, Result};
use crate::registry::Name;
use crate::tree::{Ddl, DropBehavior, ObjectKind};

/// Behind CREATE EXTENSION.
pub fn create(c: &mut Cursor<'_>) -> Result<RawDdl> {
    let if_not_exists = c.eat("if not exists");
    let name = c.name()?;
    c.eat("with");
    let (mut namespace, mut version) = (None, None);
    loop {
        if c.eat("schema") {
            namespace = Some(c.name()?);
        } else if c.eat("version") {
            version = Some(version_name(c)?);
        } else if !c.eat("cascade") {
            return Ok(RawDdl::CreateExtension { name, if_not_exists, namespace, version });
        }
    }
}

/// Behind ALTER EXTENSION.
pub fn alter(c: &mut Cursor<'_>) -> Result<RawDdl> {
    let name = c.name()?;
    if !c.eat("update") {
        return Err(Error::unsupported("this form of ALTER EXTENSION"));
    }
    let version = if c.eat("to") { Some(version_name(c)?) } else { None };
    Ok(RawDdl::Ready(Ddl::UpdateExtension { name, version }))
}

/// Behind DROP EXTENSION.
pub fn drop(c: &mut Cursor<'_>) -> Result<RawDdl> {
    let if_exists = c.eat("if exists");
    let mut names: Vec<(Name, Name)> = vec![("".into(), c.name()?)];
    while c.eat_token(&Token::Comma) {
        names.push(("".into(), c.name()?));
    }
    let behavior = if c.eat("cascade") { DropBehavior::Cascade } else { DropBehavior::Restrict };
    c.eat("restrict");
    Ok(RawDdl::Ready(Ddl::Drop { kind: ObjectKind::Extension, names, if_exists, behavior }))
}

/// A word or a string.
fn version_name(c: &mut Cursor<'_>) -> Result<String> {
    c.string().or_else(|_| c.name().map(|name| name.to_string()))
}
