//! pg_proc: the functions of users (PostgreSQL's own are recorded); pg_default_acl.

use super::objects::namespace_oid;
use super::*;
use crate::registry::{Function, Language, ParameterMode};

/// pg_language's row of SQL.
const SQL: Oid = 14;
/// Of PL/pgSQL, as initdb makes it.
const PLPGSQL: Oid = 13563;

/// fmgr_sql_validator's language carries out SQL functions; what carries out one of them has no name.
pub(super) fn pg_proc(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&[
        "oid",
        "proname",
        "pronamespace",
        "proowner",
        "prolang",
        "procost",
        "prorows",
        "provariadic",
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
        "prosqlbody",
        "proconfig",
        "proacl",
    ]);
    let mut functions: Vec<_> = ask.snapshot.functions.values().collect();
    functions.sort_by_key(|f| f.oid);
    for f in functions {
        rows.push(row(ask, f));
    }
    Ok(rows)
}

fn row(ask: &Ask<'_>, f: &Function) -> [Value; 27] {
    let plain = f.parameters.iter().all(|p| p.mode == ParameterMode::In);
    let named = f.parameters.iter().any(|p| !p.name.is_empty());
    let or_null = |null: bool, value: Value| if null { Value::Null } else { value };
    let settings = f.settings.iter().map(|(name, value)| text(format!("{name}={value}"))).collect();
    let defaults: Vec<&str> = f.inputs().filter_map(|p| p.default.as_deref()).collect();
    let modes = f.parameters.iter().map(|p| char_(mode(p.mode))).collect();
    let names = f.parameters.iter().map(|p| text(&p.name)).collect();
    [
        Value::Oid(f.oid),
        text(&f.name),
        Value::Oid(namespace_oid(ask, &f.namespace)),
        Value::Oid(f.owner),
        Value::Oid(match f.body.language {
            Language::Sql => SQL,
            Language::Plpgsql => PLPGSQL,
        }),
        Value::Float4(f.cost),
        Value::Float4(f.rows),
        Value::Oid(f.variadic),
        char_(if f.procedure { b'p' } else { b'f' }),
        Value::Bool(f.definer),
        Value::Bool(f.leakproof),
        Value::Bool(f.strict),
        Value::Bool(f.returns_set),
        char_(f.volatility),
        char_(f.parallel),
        Value::Int2(f.args.len() as i16),
        Value::Int2(f.defaults() as i16),
        Value::Oid(f.result),
        oids(f.args.iter().copied()),
        or_null(plain, oids(f.parameters.iter().map(|p| p.ty))),
        or_null(plain, array(oid::CHAR, modes)),
        or_null(!named, array(oid::TEXT, names)),
        or_null(defaults.is_empty(), text(defaults.join(", "))),
        text(f.body.source.as_deref().unwrap_or_default()),
        opt_text(f.bound_text()),
        or_null(f.settings.is_empty(), array(oid::TEXT, settings)),
        acl(&f.acl, ask.snapshot),
    ]
}

const fn mode(mode: ParameterMode) -> u8 {
    match mode {
        ParameterMode::In => b'i',
        ParameterMode::Out => b'o',
        ParameterMode::InOut => b'b',
        ParameterMode::Variadic => b'v',
        ParameterMode::Table => b't',
    }
}

pub(super) fn pg_default_acl(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&["oid", "defaclrole", "defaclnamespace", "defaclobjtype", "defaclacl"]);
    let mut all: Vec<_> = ask.snapshot.default_acls.values().collect();
    all.sort_by_key(|d| d.oid);
    for d in all {
        let acl = acl(&d.acl, ask.snapshot);
        rows.push([Value::Oid(d.oid), Value::Oid(d.role), Value::Oid(d.namespace), char_(d.kind.letter()), acl]);
    }
    Ok(rows)
}
