//! CREATE, ALTER, DROP, GRANT and COMMENT of functions and procedures.

use sqlparser::ast::DataType;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::cursor::Cursor;
use super::parameters::{RawParameter, RawType, is, parameters, raw_type, slice, until_option};
use crate::error::{Error, Result, SqlState};
use crate::registry::{Name, ParameterMode};
use crate::tree::{AlterFunction, DropBehavior, FunctionFlags, QualifiedName, RoutineKind};

/// A command about functions as it was read.
#[derive(Debug, Clone)]
pub enum RawFunction {
    Create(Box<RawCreate>),
    Alter {
        kind: RoutineKind,
        signature: RawSignature,
        change: AlterFunction,
    },
    Drop {
        kind: RoutineKind,
        signatures: Vec<RawSignature>,
        if_exists: bool,
        behavior: DropBehavior,
    },
    Comment {
        kind: RoutineKind,
        signature: RawSignature,
        comment: Option<String>,
    },
    Grant {
        revoke: bool,
        /// WITH GRANT OPTION.
        option: bool,
        on: RawTarget,
        /// `None` is PUBLIC.
        grantees: Vec<Option<Name>>,
        cascade: bool,
        granted_by: Option<Name>,
    },
}

/// What GRANT … ON FUNCTION names.
#[derive(Debug, Clone)]
pub enum RawTarget {
    These { kind: RoutineKind, signatures: Vec<RawSignature> },
    AllIn { kind: RoutineKind, namespaces: Vec<Name> },
}

/// `f(int, text)`, or `f` alone.
#[derive(Debug, Clone)]
pub struct RawSignature {
    pub name: QualifiedName,
    /// The input types; `None` without parentheses.
    pub args: Option<Vec<DataType>>,
}

#[derive(Debug, Clone)]
pub struct RawCreate {
    pub procedure: bool,
    pub or_replace: bool,
    pub name: QualifiedName,
    pub parameters: Vec<RawParameter>,
    /// RETURNS, but for TABLE: its columns are among the parameters. True: SETOF.
    pub returns: Option<(bool, RawType)>,
    pub table: bool,
    pub language: Option<Name>,
    pub flags: FunctionFlags,
    /// AS 'text'.
    pub source: Option<String>,
    /// How many characters of the client's text stand before it; `None` where it is not written as it is.
    pub source_at: Option<u32>,
    pub body: Option<RawBody>,
}

#[derive(Debug, Clone)]
pub enum RawBody {
    Return(String),
    Atomic(Vec<String>),
}

/// True if the statement is CREATE FUNCTION or PROCEDURE, whose body is read as text.
pub fn is_create(tokens: &[TokenWithSpan]) -> bool {
    let word = |i: usize, text: &str| is(tokens.get(i), text);
    let at = if word(1, "or") && word(2, "replace") { 3 } else { 1 };
    word(0, "create") && (word(at, "function") || word(at, "procedure"))
}

/// True if these are a CREATE FUNCTION up to the BEGIN of its body.
pub fn begins_body(tokens: &[TokenWithSpan]) -> bool {
    is(tokens.last(), "begin") && is_create(tokens)
}

fn kind(c: &mut Cursor<'_>) -> Option<RoutineKind> {
    let kinds =
        [("function", RoutineKind::Function), ("procedure", RoutineKind::Procedure), ("routine", RoutineKind::Routine)];
    kinds.into_iter().find(|(word, _)| c.eat(word)).map(|(_, kind)| kind)
}

/// Reads the command if it is about functions. The cursor stands behind the first word.
pub fn parse(c: &mut Cursor<'_>, word: &str) -> Result<Option<RawFunction>> {
    match word {
        "create" => {
            let or_replace = c.eat("or replace");
            match kind(c) {
                None | Some(RoutineKind::Routine) => Ok(None),
                Some(kind) => create(c, kind == RoutineKind::Procedure, or_replace).map(Some),
            }
        }
        "drop" => match kind(c) {
            Some(kind) => drop(c, kind).map(Some),
            None => Ok(None),
        },
        "alter" => match kind(c) {
            Some(kind) => alter(c, kind).map(Some),
            None => Ok(None),
        },
        "comment" => {
            if !c.eat("on") {
                return Ok(None);
            }
            let Some(kind) = kind(c) else { return Ok(None) };
            let signature = signature(c)?;
            c.expect("is")?;
            let comment = if c.eat("null") { None } else { Some(c.string()?) };
            Ok(Some(RawFunction::Comment { kind, signature, comment }))
        }
        "grant" | "revoke" => grant(c, word == "revoke"),
        _ => Ok(None),
    }
}

fn create(c: &mut Cursor<'_>, procedure: bool, or_replace: bool) -> Result<RawFunction> {
    let name = c.qualified()?;
    let inside = c.parenthesized()?;
    let mut listed = parameters(c, inside)?;
    let (mut returns, mut table) = (None, false);
    if !procedure && c.eat("returns") {
        if c.is_word(0, "table") && c.tokens.get(c.at + 1).is_some_and(|t| t.token == Token::LParen) {
            c.at += 1;
            let inside = c.parenthesized()?;
            for mut column in parameters(c, inside)? {
                column.mode = ParameterMode::Table;
                listed.push(column);
            }
            table = true;
        } else {
            let set = c.eat("setof");
            let tokens = until_option(c);
            returns = Some((set, raw_type(c, tokens)?));
        }
    }
    let mut made = RawCreate {
        procedure,
        or_replace,
        name,
        parameters: listed,
        returns,
        table,
        language: None,
        flags: FunctionFlags::default(),
        source: None,
        source_at: None,
        body: None,
    };
    while !c.is_end() && made.body.is_none() {
        create_option(c, &mut made)?;
    }
    Ok(RawFunction::Create(Box::new(made)))
}

fn redundant(c: &Cursor<'_>) -> Error {
    Error::syntax("conflicting or redundant options").at(c.position())
}

fn create_option(c: &mut Cursor<'_>, made: &mut RawCreate) -> Result<()> {
    let before = c.at;
    if c.eat("language") {
        let language = match c.string() {
            Ok(text) => text.to_ascii_lowercase().into(),
            Err(_) => c.name()?,
        };
        if made.language.replace(language).is_some() {
            c.at = before;
            return Err(redundant(c));
        }
    } else if c.eat("as") {
        made.source_at = super::command::offset_of(c);
        let source = c.string()?;
        if c.eat_token(&Token::Comma) {
            c.string()?;
            made.language.get_or_insert_with(|| "c".into());
        }
        if made.source.replace(source).is_some() {
            c.at = before;
            return Err(redundant(c));
        }
    } else if c.eat("return") {
        made.body = Some(RawBody::Return(slice(c, c.rest_from(c.at))?));
        c.at = c.tokens.len();
    } else if c.eat("begin atomic") {
        made.body = Some(RawBody::Atomic(statements(c)?));
    } else if c.eat("window") {
        return Err(Error::unsupported("a window function of the user's"));
    } else if c.eat("transform") {
        return Err(Error::unsupported("TRANSFORM of a function"));
    } else {
        flag(c, &mut made.flags)?;
    }
    Ok(())
}

/// One of the options that ALTER FUNCTION takes, too.
fn flag(c: &mut Cursor<'_>, flags: &mut FunctionFlags) -> Result<()> {
    let before = c.at;
    let set = |c: &mut Cursor<'_>, field: &mut Option<bool>, value| {
        let twice = field.replace(value).is_some();
        if twice {
            c.at = before;
            return Err(redundant(c));
        }
        Ok(())
    };
    if c.eat("called on null input") {
        return set(c, &mut flags.strict, false);
    }
    if c.eat("returns null on null input") || c.eat("strict") {
        return set(c, &mut flags.strict, true);
    }
    if c.eat("not leakproof") {
        return set(c, &mut flags.leakproof, false);
    }
    if c.eat("leakproof") {
        return set(c, &mut flags.leakproof, true);
    }
    if c.eat("external security definer") || c.eat("security definer") {
        return set(c, &mut flags.definer, true);
    }
    if c.eat("external security invoker") || c.eat("security invoker") {
        return set(c, &mut flags.definer, false);
    }
    for (word, value) in [("immutable", b'i'), ("stable", b's'), ("volatile", b'v')] {
        if c.eat(word) {
            if flags.volatility.replace(value).is_some() {
                c.at = before;
                return Err(redundant(c));
            }
            return Ok(());
        }
    }
    if c.eat("parallel") {
        let value = c.name()?;
        let value = match &*value {
            "safe" => b's',
            "restricted" => b'r',
            "unsafe" => b'u',
            _ => return Err(Error::syntax("parameter \"parallel\" must be SAFE, RESTRICTED, or UNSAFE")),
        };
        if flags.parallel.replace(value).is_some() {
            c.at = before;
            return Err(redundant(c));
        }
        return Ok(());
    }
    for (word, field) in [("cost", &mut flags.cost), ("rows", &mut flags.rows)] {
        if c.eat(word) {
            let value: f32 = c.signed_number()?.parse().map_err(|_| c.error())?;
            if value <= 0.0 {
                let message = format!("{} must be positive", word.to_uppercase());
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
            }
            if field.replace(value).is_some() {
                c.at = before;
                return Err(redundant(c));
            }
            return Ok(());
        }
    }
    if c.eat("support") {
        return Err(Error::unsupported("SUPPORT of a function"));
    }
    if c.eat("set") {
        flags.settings.push(super::settings::of_function(c)?);
        return Ok(());
    }
    if c.eat("reset all") {
        flags.settings.push(("all".into(), None));
        return Ok(());
    }
    if c.eat("reset") {
        flags.settings.push((c.name()?, None));
        return Ok(());
    }
    Err(c.error())
}

/// The statements of BEGIN ATOMIC; the cursor stands behind these words.
fn statements(c: &mut Cursor<'_>) -> Result<Vec<String>> {
    let mut out = Vec::new();
    let (mut from, mut depth) = (c.at, 0_usize);
    while let Some(token) = c.tokens.get(c.at) {
        if c.is_word(0, "case") {
            depth += 1;
        } else if c.is_word(0, "end") {
            if depth == 0 {
                if c.at > from {
                    return Err(c.error());
                }
                c.at += 1;
                return Ok(out);
            }
            depth -= 1;
        } else if token.token == Token::SemiColon && depth == 0 {
            if c.at > from {
                out.push(slice(c, &c.tokens[from..c.at])?);
            }
            from = c.at + 1;
        }
        c.at += 1;
    }
    Err(c.error())
}

/// `f`, `f()`, `f(int, OUT text, b numeric)`: what only is an output does not count.
pub(super) fn signature(c: &mut Cursor<'_>) -> Result<RawSignature> {
    let name = c.qualified()?;
    if c.peek() != Some(&Token::LParen) {
        return Ok(RawSignature { name, args: None });
    }
    let inside = c.parenthesized()?;
    let mut args = Vec::new();
    for parameter in parameters(c, inside)?.into_iter().filter(|p| p.mode.is_input()) {
        match parameter.ty {
            RawType::Type(ty) => args.push(ty),
            RawType::OfColumn(..) => return Err(Error::unsupported("%TYPE in a function's signature")),
        }
    }
    Ok(RawSignature { name, args: Some(args) })
}

fn signatures(c: &mut Cursor<'_>) -> Result<Vec<RawSignature>> {
    let mut list = vec![signature(c)?];
    while c.eat_token(&Token::Comma) {
        list.push(signature(c)?);
    }
    Ok(list)
}

fn drop(c: &mut Cursor<'_>, kind: RoutineKind) -> Result<RawFunction> {
    let if_exists = c.eat("if exists");
    let signatures = signatures(c)?;
    let behavior = if c.eat("cascade") { DropBehavior::Cascade } else { DropBehavior::Restrict };
    c.eat("restrict");
    Ok(RawFunction::Drop { kind, signatures, if_exists, behavior })
}

fn alter(c: &mut Cursor<'_>, kind: RoutineKind) -> Result<RawFunction> {
    let signature = signature(c)?;
    let change = if c.eat("rename to") {
        AlterFunction::Rename { to: c.name()? }
    } else if c.eat("owner to") {
        AlterFunction::SetOwner { to: super::role::role(c)? }
    } else if c.eat("set schema") {
        AlterFunction::SetNamespace { to: c.name()? }
    } else if c.is_word(0, "depends") || c.is_word(0, "no") {
        return Err(Error::unsupported("ALTER FUNCTION … DEPENDS ON EXTENSION"));
    } else {
        let mut flags = FunctionFlags::default();
        flag(c, &mut flags)?;
        while !c.is_end() && !c.is_word(0, "restrict") {
            flag(c, &mut flags)?;
        }
        c.eat("restrict");
        AlterFunction::Flags(flags)
    };
    Ok(RawFunction::Alter { kind, signature, change })
}

/// `GRANT EXECUTE ON FUNCTION f(int) TO a`, `… ON ALL FUNCTIONS IN SCHEMA s …`, and REVOKE.
fn grant(c: &mut Cursor<'_>, revoke: bool) -> Result<Option<RawFunction>> {
    let Some(on) = (c.at..c.tokens.len()).find(|i| c.is_word(i - c.at, "on")) else { return Ok(None) };
    let start = c.at;
    c.at = on + 1;
    let plural = [
        ("all functions in schema", RoutineKind::Function),
        ("all procedures in schema", RoutineKind::Procedure),
        ("all routines in schema", RoutineKind::Routine),
    ];
    let all = plural.into_iter().find(|(words, _)| c.eat(words)).map(|(_, kind)| kind);
    let one = if all.is_none() { kind(c) } else { None };
    if all.is_none() && one.is_none() {
        return Ok(None);
    }
    let after = c.at;
    c.at = start;
    let option_for = revoke && c.eat("grant option for");
    let everything = c.eat("all privileges") || c.eat("all");
    if !everything {
        loop {
            let privilege = match c.peek() {
                Some(Token::Word(word)) => word.value.to_ascii_lowercase(),
                _ => return Err(c.error()),
            };
            c.at += 1;
            if privilege != "execute" {
                let message = format!("invalid privilege type {} for function", privilege.to_uppercase());
                return Err(Error::new(SqlState::INVALID_GRANT_OPERATION, message));
            }
            if !c.eat_token(&Token::Comma) {
                break;
            }
        }
    }
    c.expect("on")?;
    c.at = after;
    let target = match (all, one) {
        (Some(kind), _) => RawTarget::AllIn { kind, namespaces: names(c)? },
        (None, kind) => RawTarget::These { kind: kind.unwrap_or(RoutineKind::Routine), signatures: signatures(c)? },
    };
    c.expect(if revoke { "from" } else { "to" })?;
    let mut grantees = Vec::new();
    loop {
        c.eat("group");
        grantees.push(grantee(c)?);
        if !c.eat_token(&Token::Comma) {
            break;
        }
    }
    let option = if revoke { option_for } else { c.eat("with grant option") };
    let granted_by = if c.eat("granted by") { Some(super::role::role(c)?) } else { None };
    let cascade = revoke && c.eat("cascade");
    c.eat("restrict");
    Ok(Some(RawFunction::Grant { revoke, option, on: target, grantees, cascade, granted_by }))
}

/// A role's name; `None` is PUBLIC.
pub fn grantee(c: &mut Cursor<'_>) -> Result<Option<Name>> {
    let name = super::role::role(c)?;
    Ok((&*name != "public").then_some(name))
}

fn names(c: &mut Cursor<'_>) -> Result<Vec<Name>> {
    let mut list = vec![c.name()?];
    while c.eat_token(&Token::Comma) {
        list.push(c.name()?);
    }
    Ok(list)
}
