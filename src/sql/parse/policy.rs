//! CREATE, ALTER and DROP POLICY.

use super::cursor::Cursor;
use super::ddl::RawDdl;
use super::with_parser;
use crate::error::{Error, Result};
use crate::registry::{Name, PolicyCommand};
use crate::tree::{NewPolicy, PolicyChange};

/// The cursor stands behind CREATE POLICY.
pub fn create(c: &mut Cursor<'_>) -> Result<RawDdl> {
    let name = c.name()?;
    c.expect("on")?;
    let table = c.qualified()?;
    let mut policy =
        NewPolicy { name, permissive: true, command: PolicyCommand::All, roles: vec![None], using: None, check: None };
    if c.eat("as") {
        policy.permissive = match () {
            () if c.eat("permissive") => true,
            () if c.eat("restrictive") => false,
            () => {
                let word = c.name()?;
                return Err(Error::syntax(format!("unrecognized row security option \"{word}\""))
                    .hint("Only PERMISSIVE or RESTRICTIVE policies are supported currently."));
            }
        };
    }
    if c.eat("for") {
        let commands = [
            ("all", PolicyCommand::All),
            ("select", PolicyCommand::Select),
            ("insert", PolicyCommand::Insert),
            ("update", PolicyCommand::Update),
            ("delete", PolicyCommand::Delete),
        ];
        let found = commands.into_iter().find(|(word, _)| c.eat(word));
        policy.command = found.ok_or_else(|| c.error())?.1;
    }
    if c.eat("to") {
        policy.roles = roles(c)?;
    }
    (policy.using, policy.check) = conditions(c)?;
    Ok(RawDdl::CreatePolicy { table, policy })
}

/// The cursor stands behind ALTER POLICY.
pub fn alter(c: &mut Cursor<'_>) -> Result<RawDdl> {
    let name = c.name()?;
    c.expect("on")?;
    let table = c.qualified()?;
    let change = if c.eat("rename to") {
        PolicyChange::Rename { to: c.name()? }
    } else {
        let roles = if c.eat("to") { Some(roles(c)?) } else { None };
        let (using, check) = conditions(c)?;
        PolicyChange::Alter { roles, using, check }
    };
    Ok(RawDdl::AlterPolicy { table, name, change })
}

/// The cursor stands behind DROP POLICY.
pub fn drop(c: &mut Cursor<'_>) -> Result<RawDdl> {
    let if_exists = c.eat("if exists");
    let name = c.name()?;
    c.expect("on")?;
    let table = c.qualified()?;
    let _ = c.eat("cascade") || c.eat("restrict");
    Ok(RawDdl::DropPolicy { table, name, if_exists })
}

fn roles(c: &mut Cursor<'_>) -> Result<Vec<Option<Name>>> {
    let mut list = Vec::new();
    loop {
        list.push(super::function::grantee(c)?);
        if !c.eat_token(&sqlparser::tokenizer::Token::Comma) {
            return Ok(list);
        }
    }
}

/// `[USING (…)] [WITH CHECK (…)]`, as they are written.
fn conditions(c: &mut Cursor<'_>) -> Result<(Option<String>, Option<String>)> {
    let using = if c.eat("using") { Some(condition(c)?) } else { None };
    let check = if c.eat("with check") { Some(condition(c)?) } else { None };
    Ok((using, check))
}

fn condition(c: &mut Cursor<'_>) -> Result<String> {
    let inside = c.parenthesized()?;
    let (Some(first), Some(last)) = (inside.first(), inside.last()) else { return Err(c.error()) };
    with_parser(inside, c.source, |p| p.parse_expr())?;
    let (from, to) = (c.source.byte(first.span.start), c.source.byte(last.span.end));
    Ok(c.source.text.get(from..to).unwrap_or_default().to_owned())
}
