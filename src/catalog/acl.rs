//! aclitem: who grants whom which privileges, as text (`ann=arw*/bob`) and taken apart.

use super::functions::ask;
use crate::engine::Native;
use crate::engine::vector::{TextList, native_values};
use crate::error::{Error, Result, SqlState};
use crate::registry::{Grant, Privileges, Snapshot};
use crate::types::{ArrayValue, Oid, PgType, Phys, Value, oid};

/// In the order in which PostgreSQL prints them: the privilege, its letter and its name.
const PRIVILEGES: &[(Privileges, char, &str)] = &[
    (Privileges::INSERT, 'a', "INSERT"),
    (Privileges::SELECT, 'r', "SELECT"),
    (Privileges::UPDATE, 'w', "UPDATE"),
    (Privileges::DELETE, 'd', "DELETE"),
    (Privileges::TRUNCATE, 'D', "TRUNCATE"),
    (Privileges::REFERENCES, 'x', "REFERENCES"),
    (Privileges::TRIGGER, 't', "TRIGGER"),
    (Privileges::EXECUTE, 'X', "EXECUTE"),
    (Privileges::USAGE, 'U', "USAGE"),
    (Privileges::CREATE, 'C', "CREATE"),
    (Privileges::TEMPORARY, 'T', "TEMPORARY"),
    (Privileges::CONNECT, 'c', "CONNECT"),
];

/// Privileges of objects that the gateway has not: on parameters.
const FOREIGN: &[(char, &str)] = &[('s', "SET"), ('A', "ALTER SYSTEM")];

/// A role's name as aclitem writes it: in quotes unless it is made of letters, digits and underscores.
fn written(snapshot: &Snapshot, role: Oid) -> String {
    if role == 0 {
        return String::new();
    }
    let Some(role) = snapshot.role_by_oid(role) else { return role.to_string() };
    if role.name.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return role.name.to_string();
    }
    format!("\"{}\"", role.name.replace('"', "\"\""))
}

/// A grant as aclitem's output function writes it.
pub(super) fn item(grant: &Grant, snapshot: &Snapshot) -> String {
    let mut item = format!("{}=", written(snapshot, grant.grantee));
    for (bit, letter, _) in PRIVILEGES {
        if grant.privileges.contains(*bit) {
            item.push(*letter);
            if grant.with_grant.contains(*bit) {
                item.push('*');
            }
        }
    }
    item.push('/');
    item.push_str(&written(snapshot, grant.grantor));
    item
}

/// What acldefault() tells of an object of that kind: the letters of PUBLIC's privileges and of the owner's.
fn defaults(kind: &str) -> Result<(&'static str, &'static str)> {
    Ok(match kind {
        "c" => ("", ""),
        "r" => ("", "arwdDxt"),
        "s" => ("", "rwU"),
        "d" => ("Tc", "CTc"),
        "f" => ("X", "X"),
        "l" | "T" => ("U", "U"),
        "L" => ("", "rw"),
        "n" => ("", "UC"),
        "p" => ("", "sA"),
        "t" => ("", "C"),
        "F" | "S" => ("", "U"),
        other => return Err(Error::internal(format!("unrecognized object type abbreviation: {other}"))),
    })
}

fn default_items(kind: &str, owner: Oid, snapshot: &Snapshot) -> Result<Vec<Value>> {
    let (public, own) = defaults(kind)?;
    let owner = written(snapshot, owner);
    let mut items = Vec::new();
    if !public.is_empty() {
        items.push(Value::text(format!("={public}/{owner}")));
    }
    if !own.is_empty() {
        items.push(Value::text(format!("{owner}={own}/{owner}")));
    }
    Ok(items)
}

/// One word of an aclitem: a role's name, maybe in quotes, and what follows it.
fn name(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(['=', '/']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut name = String::new();
    let mut chars = quoted.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' if chars.next_if(|(_, next)| *next == '"').is_some() => name.push('"'),
            '"' => return (name, &quoted[at + 1..]),
            c => name.push(c),
        }
    }
    (name, "")
}

/// What aclitem's input function says of a text.
///
/// # Errors
/// 22P02 for what is no aclitem, 42704 for a role that does not exist.
pub fn check_aclitem(text: &str, snapshot: &Snapshot) -> Result<()> {
    let bad = |message: &str| Err(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message));
    let known = |name: &str| match snapshot.role(name) {
        Some(_) => Ok(()),
        None => Err(crate::registry::privileges::missing_role(name)),
    };
    let text = text.trim();
    let (mut grantee, mut rest) = name(text);
    for word in ["group ", "user "] {
        if let Some(of_kind) = text.strip_prefix(word) {
            (grantee, rest) = name(of_kind.trim_start());
        }
    }
    let Some(rest) = rest.strip_prefix('=') else { return bad("missing \"=\" sign") };
    let (letters, grantor) = rest.split_once('/').map_or((rest, None), |(letters, grantor)| (letters, Some(grantor)));
    const LETTERS: &str = "arwdDxtXUCTcsA";
    if letters.chars().any(|c| c != '*' && !LETTERS.contains(c)) {
        return bad(&format!("invalid mode character: must be one of \"{LETTERS}\""));
    }
    if !grantee.is_empty() {
        known(&grantee)?;
    }
    match grantor.map(name) {
        Some((grantor, _)) if grantor.is_empty() => bad("a name must follow the \"/\" sign"),
        Some((_, rest)) if !rest.trim().is_empty() => bad("extra garbage at the end of the ACL specification"),
        Some((grantor, _)) => known(&grantor),
        None => Ok(()),
    }
}

/// An aclitem taken apart: grantor, grantee and each privilege with whether it may be passed on.
fn explode(item: &str, snapshot: &Snapshot) -> Vec<(Oid, Oid, &'static str, bool)> {
    let role = |name: &str| match name {
        "" => Some(0),
        // A role that has been dropped goes by its number.
        name => snapshot.role(name).map(|r| r.oid).or_else(|| name.parse().ok()),
    };
    let (grantee, rest) = name(item);
    let (letters, grantor) = rest.trim_start_matches('=').split_once('/').unwrap_or((rest, ""));
    let (Some(grantee), Some(grantor)) = (role(&grantee), role(&name(grantor).0)) else { return Vec::new() };
    let known = |letter: char| {
        let own = PRIVILEGES.iter().find(|(_, l, _)| *l == letter).map(|(_, _, name)| *name);
        own.or_else(|| FOREIGN.iter().find(|(l, _)| *l == letter).map(|(_, name)| *name))
    };
    let mut found = Vec::new();
    let mut chars = letters.chars().peekable();
    while let Some(letter) = chars.next() {
        let grantable = chars.next_if_eq(&'*').is_some();
        found.extend(known(letter).map(|privilege| (grantor, grantee, privilege, grantable)));
    }
    found
}

/// The fields of aclexplode().
fn exploded() -> Phys {
    Phys::Row(vec![Phys::Oid, Phys::Oid, Phys::Text, Phys::Bool].into())
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let items: &[Value] = if let Value::Array(array) = value { &array.items } else { &[] };
    items.iter().filter_map(|item| match item {
        Value::Text(text) => Some(&**text),
        _ => None,
    })
}

fn list(element: Oid, items: Vec<Value>) -> Value {
    let dims = if items.is_empty() { Vec::new() } else { vec![(items.len() as i32, 1)] };
    Value::Array(ArrayValue { element, dims, items })
}

pub(super) fn natives() -> Vec<Native> {
    use crate::engine::vector::Ret;
    vec![
        native_values("dg_acldefault", vec![Phys::Int8, Phys::Text, Phys::Oid], TextList::phys(), |args| {
            let [Value::Int8(session), Value::Text(kind), Value::Oid(owner)] = args else { return Ok(Value::Null) };
            Ok(list(oid::ACLITEM, default_items(kind, *owner, &ask(*session)?.snapshot)?))
        }),
        native_values("dg_aclexplode", vec![Phys::Int8, TextList::phys()], Phys::List(Box::new(exploded())), |args| {
            let [Value::Int8(session), items] = args else { return Ok(Value::Null) };
            let snapshot = ask(*session)?.snapshot;
            let row = |(grantor, grantee, privilege, grantable): (Oid, Oid, &'static str, bool)| {
                Value::Row(vec![
                    (PgType::new(oid::OID), Value::Oid(grantor)),
                    (PgType::new(oid::OID), Value::Oid(grantee)),
                    (PgType::new(oid::TEXT), Value::text(privilege)),
                    (PgType::new(oid::BOOL), Value::Bool(grantable)),
                ])
            };
            let rows = texts(items).flat_map(|item| explode(item, &snapshot)).map(row);
            Ok(list(oid::RECORD, rows.collect()))
        }),
        native_values(
            "dg_makeaclitem",
            vec![Phys::Int8, Phys::Oid, Phys::Oid, Phys::Text, Phys::Bool],
            Phys::Text,
            |args| {
                let [
                    Value::Int8(session),
                    Value::Oid(grantee),
                    Value::Oid(grantor),
                    Value::Text(words),
                    Value::Bool(grantable),
                ] = args
                else {
                    return Ok(Value::Null);
                };
                let privileges = privileges_of(words)?;
                let with_grant = if *grantable { privileges } else { Privileges::NONE };
                let grant = Grant { grantee: *grantee, grantor: *grantor, privileges, with_grant };
                Ok(Value::text(item(&grant, &ask(*session)?.snapshot)))
            },
        ),
        native_values("dg_aclcontains", vec![Phys::Int8, TextList::phys(), Phys::Text], Phys::Bool, |args| {
            let [Value::Int8(session), items, Value::Text(wanted)] = args else { return Ok(Value::Null) };
            let snapshot = ask(*session)?.snapshot;
            let held: Vec<_> = texts(items).flat_map(|item| explode(item, &snapshot)).collect();
            let grants = explode(wanted, &snapshot);
            let covers =
                |w: &(Oid, Oid, &str, bool)| held.iter().any(|h| (h.0, h.1, h.2) == (w.0, w.1, w.2) && (h.3 || !w.3));
            Ok(Value::Bool(grants.iter().all(covers)))
        }),
    ]
}

/// Privileges by their names, comma-separated.
fn privileges_of(words: &str) -> Result<Privileges> {
    let mut found = Privileges::NONE;
    for word in words.split(',') {
        let wanted = word.trim().to_ascii_uppercase();
        let known =
            PRIVILEGES.iter().find(|(_, _, name)| *name == wanted || (wanted == "TEMP" && *name == "TEMPORARY"));
        let Some((bit, ..)) = known else {
            let message = format!("unrecognized privilege type: \"{}\"", word.trim());
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        };
        found = found.union(*bit);
    }
    Ok(found)
}
