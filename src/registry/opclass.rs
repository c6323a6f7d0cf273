//! Operator classes of indexes: how an index's column is sorted or searched in PostgreSQL. Here they are what the catalog shows, and nothing is done with them.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::Snapshot;
use crate::error::{Error, Result, SqlState};
use crate::facts::{self, Row, Table};
use crate::types::{Oid, PgType, base_type, oid};

/// One row of pg_opclass.
#[derive(Debug)]
pub struct Opclass {
    pub oid: Oid,
    pub name: &'static str,
    /// The access method (pg_am).
    method: Oid,
    /// The type that it is over.
    input: Oid,
    default: bool,
    family: Oid,
    /// The extension that brings it.
    extension: Option<&'static str>,
}

static ALL: LazyLock<Vec<Opclass>> = LazyLock::new(|| {
    let opclass = |t: &'static Table, r: &Row| {
        Some(Opclass {
            oid: number(t, r, "oid")?,
            name: t.get(r, "opcname")?,
            method: number(t, r, "opcmethod")?,
            input: number(t, r, "opcintype")?,
            default: t.get(r, "opcdefault") == Some("t"),
            family: number(t, r, "opcfamily")?,
            extension: t.columns.contains(&"extension").then(|| t.get(r, "extension")).flatten(),
        })
    };
    let tables: [&'static Table; 2] = [&facts::OPCLASS_ROWS, &facts::EXTENSION_OPCLASS_ROWS];
    tables.into_iter().flat_map(|t| t.rows.iter().filter_map(move |r| opclass(t, r))).collect()
});

/// Those that a database has.
fn present(snapshot: &Snapshot) -> impl Iterator<Item = &'static Opclass> {
    ALL.iter().filter(|class| class.extension.is_none_or(|extension| snapshot.extensions.contains_key(extension)))
}

static METHODS: LazyLock<HashMap<&'static str, Oid>> = LazyLock::new(|| {
    let Some(t) = facts::recorded("pg_am") else { return HashMap::new() };
    t.rows.iter().filter_map(|r| Some((t.get(r, "amname")?, number(t, r, "oid")?))).collect()
});

fn number(table: &'static Table, row: Row, column: &str) -> Option<Oid> {
    table.get(row, column)?.parse().ok()
}

/// The OID of an access method; B-tree's if there is none of that name.
pub fn access_method(name: &str) -> Oid {
    const BTREE: Oid = 403;
    METHODS.get(name).copied().unwrap_or(BTREE)
}

/// The types whose classes take a column of this type: its own, and what it is the same bytes as.
fn inputs(ty: Oid, snapshot: &Snapshot) -> [Oid; 2] {
    let base = base_type(PgType::new(ty), snapshot).oid;
    let wider = match facts::TYPES.by_oid(base) {
        Some(t) if t.oid == oid::VARCHAR => oid::TEXT,
        Some(t) if t.oid == oid::CIDR => oid::INET,
        Some(t) if t.is_array => oid::ANYARRAY,
        Some(t) if t.kind == b'r' => oid::ANYRANGE,
        Some(t) => t.oid,
        None => match snapshot.user_type_by_oid(base) {
            Some(user) if user.array_oid == base => oid::ANYARRAY,
            Some(_) => oid::ANYENUM,
            None => oid::RECORD,
        },
    };
    [base, wider]
}

/// The class that an index of this method has for a column of this type, if none is named.
pub fn default_of(method: &str, ty: Oid, snapshot: &Snapshot) -> Option<&'static Opclass> {
    let method = access_method(method);
    let of = |input: Oid| present(snapshot).find(|c| c.method == method && c.default && c.input == input);
    inputs(ty, snapshot).into_iter().find_map(of)
}

/// A class by its name.
///
/// # Errors
/// 42704: the method has none of that name; 42804: it is not for this type (`type_name`).
pub fn named(method: &str, name: &str, (ty, type_name): (Oid, &str), snapshot: &Snapshot) -> Result<&'static Opclass> {
    let oid = access_method(method);
    let Some(found) = present(snapshot).find(|c| c.method == oid && c.name == name) else {
        let message = format!("operator class \"{name}\" does not exist for access method \"{method}\"");
        return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
    };
    if inputs(ty, snapshot).contains(&found.input) {
        return Ok(found);
    }
    let message = format!("operator class \"{name}\" does not accept data type {type_name}");
    Err(Error::new(SqlState::DATATYPE_MISMATCH, message))
}

impl Opclass {
    /// Whether an operator is one of its family's. (What btree_gist's families have is not recorded: the comparisons of a type.)
    pub fn has(&self, operator: &facts::Operator) -> bool {
        if self.extension == Some("btree_gist") {
            return operator.left == self.input && operator.right == self.input && matches!(operator.name, "=" | "<>");
        }
        let (family, oid) = (self.family.to_string(), operator.oid.to_string());
        let rows = facts::recorded("pg_amop").into_iter().chain(facts::of_extensions("pg_amop"));
        rows.flat_map(|t| t.rows.iter().map(move |r| (t, r))).any(|(t, r)| {
            t.get(r, "amopfamily") == Some(&*family)
                && t.get(r, "amopopr") == Some(&*oid)
                && t.get(r, "amoppurpose") == Some("s")
        })
    }

    /// The name of its family.
    pub fn family_name(&self) -> &'static str {
        let oid = self.family.to_string();
        let rows = facts::recorded("pg_opfamily").into_iter().chain(facts::of_extensions("pg_opfamily"));
        let mut rows = rows.flat_map(|t| t.rows.iter().map(move |r| (t, r)));
        rows.find(|(t, r)| t.get(r, "oid") == Some(&*oid)).and_then(|(t, r)| t.get(r, "opfname")).unwrap_or_default()
    }

    /// Whether an extension brings it.
    pub fn is_of(&self, extension: &str) -> bool {
        self.extension == Some(extension)
    }
}

/// The class of a method by its name, as it was kept.
pub fn kept(method: &str, name: &str) -> Option<&'static Opclass> {
    let method = access_method(method);
    ALL.iter().find(|c| c.method == method && c.name == name)
}
