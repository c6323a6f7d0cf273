//! PostgreSQL's built-in functions, operators, casts and the like, from the recorded facts.

use super::*;
use crate::facts::{self, Row, Table};
use crate::registry::builtin;

/// The extensions' and internal language's OIDs.
const INTERNAL_LANGUAGE: Oid = 12;
const C_LANGUAGE: Oid = 13;
const SQL_LANGUAGE: Oid = 14;

fn oid_of(t: &Table, r: Row, column: &str) -> Value {
    Value::Oid(number(t.get(r, column)))
}

fn bool_of(t: &Table, r: Row, column: &str) -> Value {
    Value::Bool(t.get(r, column) == Some("t"))
}

fn char_of(t: &Table, r: Row, column: &str) -> Value {
    text(t.get(r, column).unwrap_or(""))
}

fn text_list(field: Option<&str>, element: Oid) -> Value {
    field.map_or(Value::Null, |f| array(element, f.split(' ').map(|s| text(if s == "-" { "" } else { s })).collect()))
}

pub(super) fn pg_proc(_: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&[
        "oid",
        "proname",
        "pronamespace",
        "proowner",
        "prolang",
        "procost",
        "prorows",
        "provariadic",
        "prosupport",
        "prokind",
        "prosecdef",
        "proleakproof",
        "proisstrict",
        "proretset",
        "provolatile",
        "proparallel",
        "pronargs",
        "pronargdefaults",
        "prorettype",
        "proargtypes",
        "proallargtypes",
        "proargmodes",
        "proargnames",
        "proargdefaults",
        "prosrc",
    ]);
    let t = &*facts::PROC_ROWS;
    for &r in &t.rows {
        let language = match t.get(r, "lang") {
            Some("sql") => SQL_LANGUAGE,
            Some("c") => C_LANGUAGE,
            _ => INTERNAL_LANGUAGE,
        };
        let set = t.get(r, "proretset") == Some("t");
        rows.push([
            oid_of(t, r, "oid"),
            char_of(t, r, "proname"),
            Value::Oid(builtin::PG_CATALOG),
            Value::Oid(builtin::SUPERUSER),
            Value::Oid(language),
            Value::Float4(1.0),
            Value::Float4(if set { 1000.0 } else { 0.0 }),
            oid_of(t, r, "provariadic"),
            Value::Oid(0),
            char_of(t, r, "prokind"),
            Value::Bool(false),
            bool_of(t, r, "proleakproof"),
            bool_of(t, r, "proisstrict"),
            Value::Bool(set),
            char_of(t, r, "provolatile"),
            char_of(t, r, "proparallel"),
            Value::Int2(number(t.get(r, "pronargs"))),
            Value::Int2(number(t.get(r, "pronargdefaults"))),
            oid_of(t, r, "prorettype"),
            oid_list(t.get(r, "proargtypes").or(Some(""))),
            oid_list(t.get(r, "proallargtypes")),
            text_list(t.get(r, "proargmodes"), oid::CHAR),
            text_list(t.get(r, "proargnames"), oid::TEXT),
            opt_text(t.get(r, "proargdefaults")),
            char_of(t, r, "prosrc"),
        ]);
    }
    Ok(rows)
}

pub(super) fn pg_aggregate(_: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&["aggfnoid", "aggkind", "aggnumdirectargs"]);
    let t = &*facts::AGGREGATE_ROWS;
    for &r in &t.rows {
        let direct = Value::Int2(number(t.get(r, "aggnumdirectargs")));
        rows.push([oid_of(t, r, "aggfnoid"), char_of(t, r, "aggkind"), direct]);
    }
    Ok(rows)
}

pub(super) fn pg_operator(_: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&[
        "oid",
        "oprname",
        "oprnamespace",
        "oprowner",
        "oprkind",
        "oprcanmerge",
        "oprcanhash",
        "oprleft",
        "oprright",
        "oprresult",
        "oprcom",
        "oprnegate",
        "oprcode",
    ]);
    let t = &*facts::OPERATOR_ROWS;
    for &r in &t.rows {
        rows.push([
            oid_of(t, r, "oid"),
            char_of(t, r, "oprname"),
            Value::Oid(builtin::PG_CATALOG),
            Value::Oid(builtin::SUPERUSER),
            char_of(t, r, "oprkind"),
            bool_of(t, r, "oprcanmerge"),
            bool_of(t, r, "oprcanhash"),
            oid_of(t, r, "oprleft"),
            oid_of(t, r, "oprright"),
            oid_of(t, r, "oprresult"),
            oid_of(t, r, "oprcom"),
            oid_of(t, r, "oprnegate"),
            oid_of(t, r, "oprcode"),
        ]);
    }
    Ok(rows)
}

pub(super) fn pg_cast(_: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&["oid", "castsource", "casttarget", "castfunc", "castcontext", "castmethod"]);
    let t = &*facts::CAST_ROWS;
    for &r in &t.rows {
        rows.push([
            oid_of(t, r, "oid"),
            oid_of(t, r, "castsource"),
            oid_of(t, r, "casttarget"),
            oid_of(t, r, "castfunc"),
            char_of(t, r, "castcontext"),
            char_of(t, r, "castmethod"),
        ]);
    }
    Ok(rows)
}

pub(super) fn pg_collation(_: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&[
        "oid",
        "collname",
        "collnamespace",
        "collowner",
        "collprovider",
        "collisdeterministic",
        "collencoding",
        "collcollate",
        "collctype",
    ]);
    let t = &*facts::COLLATION_ROWS;
    for &r in &t.rows {
        rows.push([
            oid_of(t, r, "oid"),
            char_of(t, r, "collname"),
            Value::Oid(builtin::PG_CATALOG),
            Value::Oid(builtin::SUPERUSER),
            char_of(t, r, "collprovider"),
            bool_of(t, r, "collisdeterministic"),
            Value::Int4(number(t.get(r, "collencoding"))),
            opt_text(t.get(r, "collcollate")),
            opt_text(t.get(r, "collctype")),
        ]);
    }
    Ok(rows)
}

pub(super) fn pg_am(_: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&["oid", "amname", "amhandler", "amtype"]);
    let t = &*facts::AM_ROWS;
    for &r in &t.rows {
        let handler = t.get(r, "amhandler").and_then(|name| facts::PROCS.by_name(name).next()).map_or(0, |p| p.oid);
        rows.push([oid_of(t, r, "oid"), char_of(t, r, "amname"), Value::Oid(handler), char_of(t, r, "amtype")]);
    }
    Ok(rows)
}

pub(super) fn pg_opclass(_: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&[
        "oid",
        "opcmethod",
        "opcname",
        "opcnamespace",
        "opcowner",
        "opcfamily",
        "opcintype",
        "opcdefault",
        "opckeytype",
    ]);
    let t = &*facts::OPCLASS_ROWS;
    for &r in &t.rows {
        rows.push([
            oid_of(t, r, "oid"),
            oid_of(t, r, "opcmethod"),
            char_of(t, r, "opcname"),
            Value::Oid(builtin::PG_CATALOG),
            Value::Oid(builtin::SUPERUSER),
            oid_of(t, r, "opcfamily"),
            oid_of(t, r, "opcintype"),
            bool_of(t, r, "opcdefault"),
            oid_of(t, r, "opckeytype"),
        ]);
    }
    Ok(rows)
}

pub(super) fn pg_language(_: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&["oid", "lanname", "lanowner", "lanispl", "lanpltrusted"]);
    let t = &*facts::LANGUAGE_ROWS;
    for &r in &t.rows {
        // plpgsql is not here: its functions are refused.
        if t.get(r, "lanname") == Some("plpgsql") {
            continue;
        }
        rows.push([
            oid_of(t, r, "oid"),
            char_of(t, r, "lanname"),
            Value::Oid(builtin::SUPERUSER),
            bool_of(t, r, "lanispl"),
            bool_of(t, r, "lanpltrusted"),
        ]);
    }
    Ok(rows)
}

pub(super) fn pg_tablespace(_: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&["oid", "spcname", "spcowner"]);
    rows.push([Value::Oid(1663), text("pg_default"), Value::Oid(builtin::SUPERUSER)]);
    rows.push([Value::Oid(1664), text("pg_global"), Value::Oid(builtin::SUPERUSER)]);
    Ok(rows)
}
