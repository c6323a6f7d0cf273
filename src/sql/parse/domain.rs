//! CREATE DOMAIN and ALTER DOMAIN; GRANT and REVOKE on domains and other types.

use sqlparser::tokenizer::TokenWithSpan;

use super::cursor::Cursor;
use super::ddl::RawDdl;
use super::function::grantee;
use super::with_parser;
use crate::error::{Error, Result};
use crate::registry::{Name, Privileges};
use crate::tree::{AlterDomain, QualifiedName};

/// GRANT or REVOKE on types.
#[derive(Debug, Clone)]
pub struct RawTypeGrant {
    pub revoke: bool,
    /// ON DOMAIN.
    pub domain: bool,
    /// WITH GRANT OPTION, GRANT OPTION FOR.
    pub option: bool,
    pub privileges: Privileges,
    pub names: Vec<QualifiedName>,
    /// `None` is PUBLIC.
    pub grantees: Vec<Option<Name>>,
    pub cascade: bool,
    pub granted_by: Option<Name>,
}

/// Words that end a domain's type and its default.
const CLAUSES: &[&str] = &["default", "constraint", "not", "null", "check", "collate"];

/// The cursor stands behind CREATE DOMAIN.
pub fn create(c: &mut Cursor<'_>) -> Result<RawDdl> {
    let name = c.qualified()?;
    c.eat("as");
    let ty = with_parser(until_clause(c)?, c.source, |p| p.parse_data_type())?;
    let (mut collation, mut default, mut not_null, mut checks) = (None, None, None, Vec::new());
    while !c.is_end() {
        let constraint = if c.eat("constraint") { Some(c.name()?) } else { None };
        if c.eat("collate") {
            let name = c.qualified()?;
            super::composite::known_collation(&name.name)?;
            collation = Some(name);
        } else if c.eat("default") {
            if default.is_some() {
                return Err(Error::syntax("multiple default expressions"));
            }
            default = Some(expression(until_clause(c)?, c)?);
        } else if c.eat("not null") {
            if not_null == Some(false) {
                return Err(Error::syntax("conflicting NULL/NOT NULL constraints"));
            }
            not_null = Some(true);
        } else if c.eat("null") {
            if not_null == Some(true) {
                return Err(Error::syntax("conflicting NULL/NOT NULL constraints"));
            }
            not_null = Some(false);
        } else {
            checks.push((constraint, check(c)?));
        }
    }
    Ok(RawDdl::CreateDomain { name, ty, collation, default, not_null: not_null == Some(true), checks })
}

/// `CHECK (expression)`.
fn check(c: &mut Cursor<'_>) -> Result<String> {
    c.expect("check")?;
    let inside = c.parenthesized()?;
    expression(inside, c)
}

fn expression(tokens: &[TokenWithSpan], c: &Cursor<'_>) -> Result<String> {
    with_parser(tokens, c.source, |p| p.parse_expr()).map(|e| super::printed(&e))
}

/// At least one token, and all up to the next clause.
fn until_clause<'a>(c: &mut Cursor<'a>) -> Result<&'a [TokenWithSpan]> {
    let from = c.at;
    let mut depth = 0usize;
    while !c.is_end() {
        match c.peek() {
            Some(sqlparser::tokenizer::Token::LParen) => depth += 1,
            Some(sqlparser::tokenizer::Token::RParen) => depth = depth.saturating_sub(1),
            _ if c.at > from && depth == 0 && CLAUSES.iter().any(|w| c.is_word(0, w)) => break,
            _ => {}
        }
        c.at += 1;
    }
    if c.at == from {
        return Err(c.error());
    }
    Ok(&c.tokens[from..c.at])
}

/// The cursor stands behind ALTER DOMAIN. `None` for what has no place here (SET SCHEMA).
pub fn alter(c: &mut Cursor<'_>) -> Result<RawDdl> {
    let name = c.qualified()?;
    let change = if c.eat("set default") {
        AlterDomain::SetDefault(Some(expression(c.rest(), c)?))
    } else if c.eat("drop default") {
        AlterDomain::SetDefault(None)
    } else if c.eat("set not null") {
        AlterDomain::SetNotNull(true)
    } else if c.eat("drop not null") {
        AlterDomain::SetNotNull(false)
    } else if c.eat("owner to") {
        AlterDomain::SetOwner { to: super::role::role(c)? }
    } else if c.eat("rename constraint") {
        let from = c.name()?;
        c.expect("to")?;
        AlterDomain::RenameConstraint { from, to: c.name()? }
    } else if c.eat("rename to") {
        AlterDomain::Rename { to: c.name()? }
    } else if c.eat("drop constraint") {
        let if_exists = c.eat("if exists");
        let name = c.name()?;
        let _ = c.eat("cascade") || c.eat("restrict");
        AlterDomain::DropConstraint { name, if_exists }
    } else if c.eat("add") {
        add(c)?
    } else if c.eat("validate constraint") {
        AlterDomain::Validate { name: c.name()? }
    } else if c.eat("set schema") {
        return Err(Error::unsupported("ALTER DOMAIN … SET SCHEMA"));
    } else {
        return Err(c.error());
    };
    Ok(RawDdl::AlterDomain { name, change })
}

fn add(c: &mut Cursor<'_>) -> Result<AlterDomain> {
    let name: Option<Name> = if c.eat("constraint") { Some(c.name()?) } else { None };
    if c.eat("not null") {
        return Ok(AlterDomain::SetNotNull(true));
    }
    let expression = check(c)?;
    if c.eat("not valid") {
        return Err(Error::unsupported("NOT VALID")
            .hint("A constraint holds for all rows from the beginning; leave NOT VALID out."));
    }
    Ok(AlterDomain::AddCheck { name, expression })
}

/// GRANT and REVOKE, of which the cursor stands behind ON, if they name types; nothing otherwise. `start`: where the privileges begin.
pub(super) fn granted(c: &mut Cursor<'_>, revoke: bool, start: usize) -> Result<Option<RawDdl>> {
    let domain = c.eat("domain");
    if !domain && !c.eat("type") {
        return Ok(None);
    }
    let behind = c.at;
    c.at = start;
    let option_for = revoke && c.eat("grant option for");
    let privileges = super::defaults::privileges(c)?;
    c.expect("on")?;
    c.at = behind;
    let names = super::defaults::list(c, |c| c.qualified())?;
    c.expect(if revoke { "from" } else { "to" })?;
    let grantees = super::defaults::list(c, |c| {
        c.eat("group");
        grantee(c)
    })?;
    let option = if revoke { option_for } else { c.eat("with grant option") };
    let granted_by = if c.eat("granted by") { Some(super::role::role(c)?) } else { None };
    let cascade = revoke && c.eat("cascade");
    c.eat("restrict");
    Ok(Some(RawDdl::GrantOnTypes(RawTypeGrant {
        revoke,
        domain,
        option,
        privileges,
        names,
        grantees,
        cascade,
        granted_by,
    })))
}
