//! `regclass`, `regtype`, `regproc` and kin: OIDs that are read and written as names.

use bytes::BufMut;

use super::digits::put_uint;
use crate::error::{Error, Result, SqlState};
use crate::facts::{OPERATORS, PROCS, search};
use crate::types::name::{self, quote};
use crate::types::{Oid, PgType, TypeLookup, oid};

/// The output function. 0 prints as `-`, what has no name (any more) as its number.
pub fn write(out: &mut Vec<u8>, value: Oid, kind: Oid, types: &dyn TypeLookup) {
    if !is_reg(kind) {
        return put_uint(out, u64::from(value));
    }
    if value == 0 {
        return out.put_u8(if kind == oid::REGOPER || kind == oid::REGOPERATOR { b'0' } else { b'-' });
    }
    match object_text(value, kind, types) {
        Some(text) => out.put_slice(text.as_bytes()),
        None => put_uint(out, u64::from(value)),
    }
}

fn is_reg(kind: Oid) -> bool {
    matches!(
        kind,
        oid::REGPROC
            | oid::REGPROCEDURE
            | oid::REGOPER
            | oid::REGOPERATOR
            | oid::REGCLASS
            | oid::REGTYPE
            | oid::REGCONFIG
            | oid::REGDICTIONARY
            | oid::REGNAMESPACE
            | oid::REGROLE
            | oid::REGCOLLATION
    )
}

/// The text of a reg* value's object, if it has one.
pub fn object_text(value: Oid, kind: Oid, types: &dyn TypeLookup) -> Option<String> {
    if let Some(name) = types.object_name(kind, value) {
        return Some(name);
    }
    let signature = |args: &[Oid]| {
        let args: Vec<String> = args.iter().map(|a| format_oid(*a, types)).collect();
        args.join(",")
    };
    match kind {
        oid::REGTYPE => {
            let text = format_oid(value, types);
            (text != "???").then_some(text)
        }
        oid::REGPROC => PROCS.by_oid(value).map(|p| {
            // An overloaded name needs its schema to be told apart, says regprocout.
            let name = quote(p.name);
            if PROCS.by_name(p.name).count() > 1 { format!("pg_catalog.{name}") } else { name }
        }),
        oid::REGPROCEDURE => PROCS.by_oid(value).map(|p| format!("{}({})", quote(p.name), signature(&p.args))),
        oid::REGOPER => OPERATORS.by_oid(value).map(|o| {
            if OPERATORS.by_name(o.name).count() > 1 { format!("pg_catalog.{}", o.name) } else { o.name.to_owned() }
        }),
        oid::REGOPERATOR => OPERATORS.by_oid(value).map(|o| {
            let side = |t: Oid| if t == 0 { "NONE".to_owned() } else { format_oid(t, types) };
            format!("{}({},{})", o.name, side(o.left), side(o.right))
        }),
        oid::REGCOLLATION => crate::facts::collation_name(value).map(quote),
        oid::REGCONFIG => search::configuration(value).map(|c| quote(c.name)),
        oid::REGDICTIONARY => search::dictionary(value).map(quote),
        _ => None,
    }
}

/// `format_type(oid, NULL)`: unlike with a modifier of -1, char and bit print by their SQL names.
fn format_oid(ty: Oid, types: &dyn TypeLookup) -> String {
    match ty {
        oid::BPCHAR => "character".into(),
        oid::BIT => "bit".into(),
        1014 => "character[]".into(),
        1561 => "bit[]".into(),
        _ => name::format_type(PgType::new(ty), types),
    }
}

/// The input function: a number, `-`, or a name.
pub fn parse(text: &str, kind: Oid, types: &dyn TypeLookup) -> Result<Oid> {
    if text == "-" {
        return Ok(0);
    }
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return super::scalar::parse_oid(text, oid::OID);
    }
    if let Some(found) = types.object_named(kind, text) {
        return Ok(found);
    }
    match kind {
        oid::REGTYPE => Ok(name::parse_type(text, types)?.oid),
        oid::REGPROC => {
            let short = text.strip_prefix("pg_catalog.").unwrap_or(text);
            let mut found = PROCS.by_name(short);
            match (found.next(), found.next()) {
                (Some(p), None) => Ok(p.oid),
                (Some(_), Some(_)) => {
                    Err(Error::new(SqlState::AMBIGUOUS_FUNCTION, format!("more than one function named \"{text}\"")))
                }
                (None, _) => {
                    Err(Error::new(SqlState::UNDEFINED_FUNCTION, format!("function \"{text}\" does not exist")))
                }
            }
        }
        oid::REGPROCEDURE => parse_procedure(text, types),
        oid::REGCLASS => Err(no_relation(&split_name(text)?, types)),
        oid::REGNAMESPACE => Err(no_namespace(&single(text)?)),
        oid::REGROLE => {
            Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("role \"{}\" does not exist", single(text)?)))
        }
        oid::REGOPER => parse_operator(text, types),
        oid::REGOPERATOR => parse_operator_of(text, types),
        oid::REGCOLLATION => parse_collation(text, types),
        oid::REGCONFIG => {
            parse_search(text, "configuration", types, |name| search::configuration_named(name).map(|c| c.oid))
        }
        oid::REGDICTIONARY => parse_search(text, "dictionary", types, search::dictionary_named),
        _ => Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("object \"{text}\" does not exist"))),
    }
}

/// A name that cannot be qualified.
fn single(text: &str) -> Result<String> {
    let mut parts = split_name(text)?;
    match (parts.pop(), parts.is_empty()) {
        (Some(name), true) => Ok(name),
        _ => Err(invalid_name()),
    }
}

fn invalid_name() -> Error {
    Error::new(SqlState::INVALID_NAME, "invalid name syntax")
}

fn no_namespace(name: &str) -> Error {
    Error::new(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{name}\" does not exist"))
}

/// Why there is no relation of that name (RangeVarGetRelid).
fn no_relation(parts: &[String], types: &dyn TypeLookup) -> Error {
    let whole = parts.join(".");
    match parts {
        [namespace, _] if types.object_named(oid::REGNAMESPACE, &quote(namespace)).is_none() => no_namespace(namespace),
        [namespace, _] if !types.may_look_into(namespace) => {
            Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("permission denied for schema {namespace}"))
        }
        [_] | [_, _] => Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{whole}\" does not exist")),
        [_, _, _] => Error::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            format!("cross-database references are not implemented: \"{whole}\""),
        ),
        _ => Error::syntax(format!("improper relation name (too many dotted names): {whole}")),
    }
}

fn parse_procedure(text: &str, types: &dyn TypeLookup) -> Result<Oid> {
    let missing = || Error::new(SqlState::UNDEFINED_FUNCTION, format!("function \"{text}\" does not exist"));
    let Some((name, rest)) = text.split_once('(') else {
        return Err(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "expected a left parenthesis"));
    };
    let Some(args) = rest.trim_end().strip_suffix(')') else {
        return Err(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "expected a right parenthesis"));
    };
    let args = args
        .split(',')
        .map(str::trim)
        .filter(|a| !a.is_empty())
        .map(|a| name::parse_type(a, types).map(|t| t.oid))
        .collect::<Result<Vec<Oid>>>()?;
    let name = name.trim();
    let short = name.strip_prefix("pg_catalog.").unwrap_or(name);
    PROCS.by_name(short).find(|p| p.args == args).map(|p| p.oid).ok_or_else(missing)
}

/// The parts of a name at its dots, folded unless quoted (stringToQualifiedNameList). 42602 if malformed.
pub fn split_name(text: &str) -> Result<Vec<String>> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    loop {
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut name = String::new();
            let mut chars = quoted.char_indices();
            let end = loop {
                match chars.next() {
                    Some((i, '"')) if quoted[i + 1..].starts_with('"') => {
                        name.push('"');
                        chars.next();
                    }
                    Some((i, '"')) => break i,
                    Some((_, c)) => name.push(c),
                    None => return Err(invalid_name()),
                }
            };
            parts.push(name);
            rest = quoted[end + 1..].trim_start();
        } else {
            let end = rest.find('.').unwrap_or(rest.len());
            let name = rest[..end].trim();
            if name.is_empty() || name.contains(char::is_whitespace) {
                return Err(invalid_name());
            }
            parts.push(name.to_ascii_lowercase());
            rest = &rest[end..];
        }
        match rest.strip_prefix('.') {
            Some(more) => rest = more.trim_start(),
            None if rest.is_empty() => return Ok(parts),
            None => return Err(invalid_name()),
        }
    }
}

/// An operator's name, which may have its schema before it.
fn operator_name<'t>(text: &'t str, types: &dyn TypeLookup) -> Result<&'t str> {
    let text = text.trim();
    let Some((namespace, name)) = text.rsplit_once('.') else { return Ok(text) };
    match single(namespace)?.as_str() {
        "pg_catalog" => Ok(name.trim_start()),
        other if types.object_named(oid::REGNAMESPACE, namespace).is_none() => Err(no_namespace(other)),
        _ => Err(no_operator(text)),
    }
}

fn no_operator(text: &str) -> Error {
    Error::new(SqlState::UNDEFINED_FUNCTION, format!("operator does not exist: {text}"))
}

fn parse_operator(text: &str, types: &dyn TypeLookup) -> Result<Oid> {
    let mut found = OPERATORS.by_name(operator_name(text, types)?);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one.oid),
        (Some(_), Some(_)) => {
            Err(Error::new(SqlState::AMBIGUOUS_FUNCTION, format!("more than one operator named {text}")))
        }
        (None, _) => Err(no_operator(text)),
    }
}

/// `+(int4,int4)`; NONE stands for the side that a prefix operator has not.
fn parse_operator_of(text: &str, types: &dyn TypeLookup) -> Result<Oid> {
    let Some((name, args)) = text.trim_end().strip_suffix(')').and_then(|t| t.split_once('(')) else {
        let message = match text.contains('(') {
            true => "expected a right parenthesis",
            false => "expected a left parenthesis",
        };
        return Err(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message));
    };
    let side = |t: &str| match t.trim() {
        none if none.eq_ignore_ascii_case("none") => Ok(0),
        ty => name::parse_type(ty, types).map(|t| t.oid),
    };
    let sides = args.split(',').map(side).collect::<Result<Vec<Oid>>>()?;
    let [left, right] = sides.as_slice() else {
        let (message, hint) = match sides.len() {
            0 | 1 => ("missing argument", "Use NONE to denote the missing argument of a unary operator."),
            _ => ("too many arguments", "Provide two argument types for operator."),
        };
        let code = if sides.len() < 2 { SqlState::UNDEFINED_PARAMETER } else { SqlState::TOO_MANY_ARGUMENTS };
        return Err(Error::new(code, message).hint(hint));
    };
    let mut found = OPERATORS.by_name(operator_name(name, types)?);
    found.find(|o| o.left == *left && o.right == *right).map(|o| o.oid).ok_or_else(|| no_operator(text))
}

/// The name of an object of PostgreSQL's own, which may have pg_catalog before it; empty for one of another schema.
fn own_name<'p>(parts: &'p [String], types: &dyn TypeLookup) -> Result<&'p str> {
    match parts {
        [name] => Ok(name),
        [namespace, name] if namespace == "pg_catalog" => Ok(name),
        [namespace, _] if types.object_named(oid::REGNAMESPACE, &quote(namespace)).is_none() => {
            Err(no_namespace(namespace))
        }
        _ => Ok(""),
    }
}

fn parse_collation(text: &str, types: &dyn TypeLookup) -> Result<Oid> {
    let parts = split_name(text)?;
    crate::facts::collation_named(own_name(&parts, types)?).ok_or_else(|| {
        let message = format!("collation \"{}\" for encoding \"UTF8\" does not exist", parts.join("."));
        Error::new(SqlState::UNDEFINED_OBJECT, message)
    })
}

/// A configuration or dictionary of text search.
fn parse_search(text: &str, what: &str, types: &dyn TypeLookup, own: fn(&str) -> Option<Oid>) -> Result<Oid> {
    let parts = split_name(text)?;
    own(own_name(&parts, types)?).ok_or_else(|| {
        let message = format!("text search {what} \"{}\" does not exist", parts.join("."));
        Error::new(SqlState::UNDEFINED_OBJECT, message)
    })
}

/// The configuration of text search that a text names.
pub fn search_configuration(text: &str) -> Option<&'static search::Configuration> {
    let parts = split_name(text).ok()?;
    match parts.as_slice() {
        [name] => search::configuration_named(name),
        [namespace, name] if namespace == "pg_catalog" => search::configuration_named(name),
        _ => None,
    }
}
