//! Types, functions, operators and casts by OID and by name: PostgreSQL's own, and those that extensions bring.

use std::sync::LazyLock;

use super::{
    AGGREGATE_ROWS, CAST_ROWS, Cast, CastContext, CastMethod, EXTENSION_AGGREGATE_ROWS, EXTENSION_CAST_ROWS,
    EXTENSION_OPERATOR_ROWS, EXTENSION_PROC_ROWS, EXTENSION_TYPE_ROWS, Map, OPERATOR_ROWS, Oid, Operator, PROC_ROWS,
    Proc, Row, TYPE_ROWS, Table, Type, byte, is_true, items, key_of, num, oids,
};

/// A list with an index by key.
pub struct Indexed<T: 'static> {
    pub all: Vec<T>,
    by_name: Map<&'static str, Vec<u32>>,
    by_oid: Map<Oid, u32>,
}

impl<T> Indexed<T> {
    fn new(all: Vec<T>, key: impl Fn(&T) -> (Oid, &'static str)) -> Self {
        let mut by_name: Map<&'static str, Vec<u32>> = Map::default();
        let mut by_oid = Map::default();
        for (i, item) in all.iter().enumerate() {
            let (oid, name) = key(item);
            by_name.entry(name).or_default().push(i as u32);
            by_oid.insert(oid, i as u32);
        }
        Self { all, by_name, by_oid }
    }

    pub fn by_oid(&self, oid: Oid) -> Option<&T> {
        self.by_oid.get(&oid).map(|i| &self.all[*i as usize])
    }

    pub fn by_name<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a T> + use<'a, T> {
        self.by_name.get(name).map(Vec::as_slice).unwrap_or_default().iter().map(|i| &self.all[*i as usize])
    }
}

pub static TYPES: LazyLock<Indexed<Type>> = LazyLock::new(|| {
    let t = &*TYPE_ROWS;
    let at = |c: &str| t.at(c);
    // Row types of system relations are composites, which the registry knows by their relations.
    let rows: Map<&str, bool> =
        t.rows.iter().map(|r| (r[at("oid")].unwrap_or_default(), r[at("typtype")] == Some("c"))).collect();
    let is_row = |oid: Option<&str>| rows.get(oid.unwrap_or_default()).copied().unwrap_or(false);
    let scalar = |r: &&Row| !is_row(r[at("oid")]) && !is_row(r[at("typelem")]);
    let of = |t: &'static Table, r: Row| {
        let at = |c: &str| t.at(c);
        let len = num(r[at("typlen")]);
        Type {
            oid: num(r[at("oid")]),
            name: r[at("typname")].unwrap_or_default(),
            sql_name: r[at("sql_name")].unwrap_or_default(),
            len,
            by_value: is_true(r[at("typbyval")]),
            kind: byte(r[at("typtype")]),
            category: byte(r[at("typcategory")]),
            preferred: is_true(r[at("typispreferred")]),
            delimiter: byte(r[at("typdelim")]),
            element: num(r[at("typelem")]),
            array: num(r[at("typarray")]),
            is_array: matches!(r[at("typsubscript")], Some("array_subscript_handler" | ARRAY_SUBSCRIPT_HANDLER))
                && len == -1,
            collation: num(r[at("typcollation")]),
            extension: t.extension(r),
            row: r,
        }
    };
    let own = t.rows.iter().filter(scalar).map(|r| of(t, r));
    let brought = EXTENSION_TYPE_ROWS.rows.iter().map(|r| of(&EXTENSION_TYPE_ROWS, r));
    Indexed::new(own.chain(brought).collect(), |t| (t.oid, key_of(t.extension, t.name)))
});

/// array_subscript_handler's OID: extensions' types have their functions by number.
const ARRAY_SUBSCRIPT_HANDLER: &str = "6179";

pub static PROCS: LazyLock<Indexed<Proc>> = LazyLock::new(|| {
    let aggregate = |t: &'static Table, r: &Row| {
        (num::<Oid>(r[t.at("aggfnoid")]), (byte(r[t.at("aggkind")]), num(r[t.at("aggnumdirectargs")])))
    };
    let aggregates: Map<Oid, (u8, usize)> = [&*AGGREGATE_ROWS, &*EXTENSION_AGGREGATE_ROWS]
        .into_iter()
        .flat_map(|t| t.rows.iter().map(move |r| aggregate(t, r)))
        .collect();
    let of = |t: &'static Table, r: Row| {
        let at = |c: &str| t.at(c);
        let extension = t.extension(r);
        let oid = num(r[at("oid")]);
        let (agg_kind, agg_direct_args) = aggregates.get(&oid).copied().unwrap_or_default();
        let modes = items(r[at("proargmodes")]);
        let names = items(r[at("proargnames")]);
        let out_args = oids(r[at("proallargtypes")])
            .into_iter()
            .enumerate()
            .filter(|(i, _)| matches!(modes.get(*i), Some(&("o" | "b" | "t"))))
            .map(|(i, ty)| (names.get(i).copied().unwrap_or(""), ty))
            .collect();
        Proc {
            oid,
            namespace: if extension.is_some() { 0 } else { num(r[at("pronamespace")]) },
            extension,
            name: r[at("proname")].unwrap_or_default(),
            kind: byte(r[at("prokind")]),
            returns_set: is_true(r[at("proretset")]),
            strict: is_true(r[at("proisstrict")]),
            volatility: byte(r[at("provolatile")]),
            leakproof: is_true(r[at("proleakproof")]),
            args: oids(r[at("proargtypes")]),
            names,
            defaults: num(r[at("pronargdefaults")]),
            variadic: num(r[at("provariadic")]),
            result: num(r[at("prorettype")]),
            out_args,
            agg_kind,
            agg_direct_args,
            row: r,
        }
    };
    let own = PROC_ROWS.rows.iter().map(|r| of(&PROC_ROWS, r));
    let brought = EXTENSION_PROC_ROWS.rows.iter().map(|r| of(&EXTENSION_PROC_ROWS, r));
    // What is not in pg_catalog goes by its qualified name.
    Indexed::new(own.chain(brought).collect(), |p| match p.namespace {
        PG_CATALOG => (p.oid, p.name),
        _ if p.extension.is_some() => (p.oid, key_of(p.extension, p.name)),
        _ => (p.oid, &*Box::leak(format!("information_schema.{}", p.name).into_boxed_str())),
    })
});

/// pg_catalog's OID.
const PG_CATALOG: Oid = 11;

pub static OPERATORS: LazyLock<Indexed<Operator>> = LazyLock::new(|| {
    let of = |t: &'static Table, r: Row| {
        let at = |c: &str| t.at(c);
        Operator {
            oid: num(r[at("oid")]),
            name: r[at("oprname")].unwrap_or_default(),
            left: num(r[at("oprleft")]),
            right: num(r[at("oprright")]),
            result: num(r[at("oprresult")]),
            commutator: num(r[at("oprcom")]),
            negator: num(r[at("oprnegate")]),
            proc_: num(r[at("oprcode")]),
            extension: t.extension(r),
            row: r,
        }
    };
    let own = OPERATOR_ROWS.rows.iter().map(|r| of(&OPERATOR_ROWS, r));
    let brought = EXTENSION_OPERATOR_ROWS.rows.iter().map(|r| of(&EXTENSION_OPERATOR_ROWS, r));
    Indexed::new(own.chain(brought).collect(), |o| (o.oid, key_of(o.extension, o.name)))
});

static CASTS: LazyLock<Map<(Oid, Oid), Cast>> = LazyLock::new(|| {
    let of = |t: &'static Table| {
        let at = |c: &str| t.at(c);
        t.rows
            .iter()
            .map(move |r| {
                let cast = Cast {
                    source: num(r[at("castsource")]),
                    target: num(r[at("casttarget")]),
                    func: num(r[at("castfunc")]),
                    context: match byte(r[at("castcontext")]) {
                        b'i' => CastContext::Implicit,
                        b'a' => CastContext::Assignment,
                        _ => CastContext::Explicit,
                    },
                    method: match byte(r[at("castmethod")]) {
                        b'f' => CastMethod::Function,
                        b'i' => CastMethod::InOut,
                        _ => CastMethod::Binary,
                    },
                    row: r,
                };
                ((cast.source, cast.target), cast)
            })
            .collect::<Vec<_>>()
    };
    of(&CAST_ROWS).into_iter().chain(of(&EXTENSION_CAST_ROWS)).collect()
});

/// The pg_cast entry from one type to another, if there is one. Extensions' casts are from or to types that nobody has without
/// them.
pub fn cast(source: Oid, target: Oid) -> Option<&'static Cast> {
    CASTS.get(&(source, target))
}
