//! ALTER DEFAULT PRIVILEGES.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::function::grantee;
use crate::error::{Error, Result, SqlState};
use crate::registry::{DefaultKind, Privileges};
use crate::tree::{DefaultPrivileges, WANTED_ALL};

/// Reads the rest of the command; the cursor stands behind ALTER DEFAULT PRIVILEGES.
pub fn alter(c: &mut Cursor<'_>) -> Result<DefaultPrivileges> {
    let (mut roles, mut namespaces) = (Vec::new(), Vec::new());
    loop {
        if c.eat("for role") || c.eat("for user") {
            roles.extend(list(c, |c| Ok(grantee(c)?.unwrap_or_else(|| "public".into())))?);
        } else if c.eat("in schema") {
            namespaces.extend(list(c, |c| c.name())?);
        } else {
            break;
        }
    }
    let revoke = !c.eat("grant");
    if revoke {
        c.expect("revoke")?;
    }
    let option_only = revoke && c.eat("grant option for");
    let privileges = privileges(c)?;
    c.expect("on")?;
    let kinds = [
        ("tables", DefaultKind::Tables),
        ("sequences", DefaultKind::Sequences),
        ("functions", DefaultKind::Functions),
        ("routines", DefaultKind::Functions),
        ("types", DefaultKind::Types),
        ("schemas", DefaultKind::Namespaces),
    ];
    let kind = kinds.into_iter().find(|(word, _)| c.eat(word)).map(|(_, kind)| kind).ok_or_else(|| c.error())?;
    c.expect(if revoke { "from" } else { "to" })?;
    let grantees = list(c, |c| {
        c.eat("group");
        grantee(c)
    })?;
    let with_option = !revoke && c.eat("with grant option");
    let cascade = revoke && c.eat("cascade");
    c.eat("restrict");
    if kind == DefaultKind::Namespaces && !namespaces.is_empty() {
        let message = "cannot use IN SCHEMA clause when using GRANT/REVOKE ON SCHEMAS";
        return Err(Error::new(SqlState::INVALID_GRANT_OPERATION, message));
    }
    Ok(DefaultPrivileges { roles, namespaces, kind, revoke, option_only, with_option, privileges, grantees, cascade })
}

/// What is granted or revoked.
pub(super) fn privileges(c: &mut Cursor<'_>) -> Result<Privileges> {
    if c.eat("all privileges") || c.eat("all") {
        return Ok(WANTED_ALL);
    }
    Ok(list(c, privilege)?.into_iter().fold(Privileges::NONE, Privileges::union))
}

pub(super) fn list<T>(c: &mut Cursor<'_>, item: impl Fn(&mut Cursor<'_>) -> Result<T>) -> Result<Vec<T>> {
    let mut out = vec![item(c)?];
    while c.eat_token(&Token::Comma) {
        out.push(item(c)?);
    }
    Ok(out)
}

fn privilege(c: &mut Cursor<'_>) -> Result<Privileges> {
    const WORDS: &[(&str, Privileges)] = &[
        ("select", Privileges::SELECT),
        ("insert", Privileges::INSERT),
        ("update", Privileges::UPDATE),
        ("delete", Privileges::DELETE),
        ("truncate", Privileges::TRUNCATE),
        ("references", Privileges::REFERENCES),
        ("trigger", Privileges::TRIGGER),
        ("usage", Privileges::USAGE),
        ("create", Privileges::CREATE),
        ("execute", Privileges::EXECUTE),
        ("connect", Privileges::CONNECT),
        ("temporary", Privileges::TEMPORARY),
        ("temp", Privileges::TEMPORARY),
    ];
    if let Some((_, privilege)) = WORDS.iter().find(|(word, _)| c.eat(word)) {
        return Ok(*privilege);
    }
    let at = c.position();
    let word = c.name()?;
    Err(Error::syntax(format!("unrecognized privilege type \"{word}\"")).at(at))
}
