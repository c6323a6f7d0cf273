//! pg_type, pg_enum, pg_range.

use super::*;
use crate::engine::directory::Deparsed;
use crate::facts::{TYPE_ROWS, TYPES};
use crate::registry::{RelationKind, UserType, UserTypeKind};
use crate::types::PgType;

const COLUMNS: &[&str] = &[
    "oid",
    "typname",
    "typnamespace",
    "typowner",
    "typlen",
    "typbyval",
    "typtype",
    "typcategory",
    "typispreferred",
    "typisdefined",
    "typdelim",
    "typrelid",
    "typsubscript",
    "typelem",
    "typarray",
    "typinput",
    "typoutput",
    "typreceive",
    "typsend",
    "typmodin",
    "typmodout",
    "typanalyze",
    "typalign",
    "typstorage",
    "typnotnull",
    "typbasetype",
    "typtypmod",
    "typndims",
    "typcollation",
    "typdefault",
    // What pg_dump prints; without it the text would be a literal.
    "typdefaultbin",
    "typacl",
];

/// A row's fields that differ from a plain type's.
struct Row<'a> {
    oid: Oid,
    name: &'a str,
    namespace: Oid,
    owner: Oid,
    len: i16,
    by_value: bool,
    kind: u8,
    category: u8,
    preferred: bool,
    delimiter: u8,
    relation: Oid,
    subscript: &'a str,
    element: Oid,
    array: Oid,
    /// input, output, receive, send, modin, modout
    io: [&'a str; 6],
    align: &'a str,
    storage: &'a str,
    not_null: bool,
    base: (Oid, i32),
    collation: Oid,
    default: Option<&'a str>,
    /// The default as PostgreSQL prints it.
    shown_default: Option<std::sync::Arc<str>>,
    acl: Value,
}

/// A function's OID by the name that regproc prints; 0 for `-`.
fn proc_oid(name: &str) -> Value {
    Value::Oid(crate::facts::PROCS.by_name(name).next().map_or(0, |p| p.oid))
}

fn push(rows: &mut Rows, r: Row<'_>) {
    rows.push([
        Value::Oid(r.oid),
        text(r.name),
        Value::Oid(r.namespace),
        Value::Oid(r.owner),
        Value::Int2(r.len),
        Value::Bool(r.by_value),
        char_(r.kind),
        char_(r.category),
        Value::Bool(r.preferred),
        Value::Bool(true),
        char_(r.delimiter),
        Value::Oid(r.relation),
        proc_oid(r.subscript),
        Value::Oid(r.element),
        Value::Oid(r.array),
        proc_oid(r.io[0]),
        proc_oid(r.io[1]),
        proc_oid(r.io[2]),
        proc_oid(r.io[3]),
        proc_oid(r.io[4]),
        proc_oid(r.io[5]),
        Value::Oid(match (r.kind, r.category) {
            (b'b', b'A') => 3816,
            (b'r', _) => 3916,
            (b'm', _) => 4242,
            _ => 0,
        }),
        text(r.align),
        text(r.storage),
        Value::Bool(r.not_null),
        Value::Oid(r.base.0),
        Value::Int4(r.base.1),
        Value::Int4(0),
        Value::Oid(r.collation),
        opt_text(r.shown_default),
        opt_text(r.default),
        r.acl,
    ]);
}

pub(super) fn pg_type(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(COLUMNS);
    let mut user: Vec<&Arc<UserType>> = ask.snapshot.types.values().collect();
    user.sort_by_key(|t| t.oid);
    for t in user {
        push_user(&mut rows, ask, t);
    }
    push_row_types(&mut rows, ask);
    Ok(rows)
}

const ARRAY_IO: [&str; 6] = ["array_in", "array_out", "array_recv", "array_send", "-", "-"];

fn push_array(rows: &mut Rows, oid: Oid, name: &str, namespace: Oid, owner: Oid, element: Oid) {
    push(
        rows,
        Row {
            oid,
            name: &format!("_{name}"),
            namespace,
            owner,
            len: -1,
            by_value: false,
            kind: b'b',
            category: b'A',
            preferred: false,
            delimiter: b',',
            relation: 0,
            subscript: "array_subscript_handler",
            element,
            array: 0,
            io: ARRAY_IO,
            align: "i",
            storage: "x",
            not_null: false,
            base: (0, -1),
            collation: 0,
            default: None,
            shown_default: None,
            acl: Value::Null,
        },
    );
}

fn push_user(rows: &mut Rows, ask: &Ask<'_>, t: &UserType) {
    let namespace = super::objects::namespace_oid(ask, &t.namespace);
    let common = Row {
        oid: t.oid,
        name: &t.name,
        namespace,
        owner: t.owner,
        len: 4,
        by_value: true,
        kind: b'e',
        category: b'E',
        preferred: false,
        delimiter: b',',
        relation: 0,
        subscript: "-",
        element: 0,
        array: t.array_oid,
        io: ["enum_in", "enum_out", "enum_recv", "enum_send", "-", "-"],
        align: "i",
        storage: "p",
        not_null: false,
        base: (0, -1),
        collation: 0,
        default: None,
        shown_default: None,
        acl: acl(&t.acl, ask.snapshot),
    };
    match &t.kind {
        UserTypeKind::Enum { .. } => push(rows, common),
        UserTypeKind::Range { .. } => push(rows, Row { kind: b'r', io: RANGE_IO, ..of_ranges(ask, t, common) }),
        UserTypeKind::Multirange { .. } => {
            push(rows, Row { kind: b'm', io: MULTIRANGE_IO, ..of_ranges(ask, t, common) });
        }
        UserTypeKind::Domain { base, collation, not_null, default, .. } => {
            let of = super::attributes::storage(ask, *base);
            let (category, [out, send]) = output_of(ask, *base);
            push(
                rows,
                Row {
                    kind: b'd',
                    category,
                    len: of.len,
                    by_value: of.by_value,
                    io: ["domain_in", out, "domain_recv", send, "-", "-"],
                    align: of.align,
                    storage: of.storage,
                    not_null: *not_null,
                    base: (base.oid, base.typmod),
                    collation: if *collation == 0 { of.collation } else { *collation },
                    default: default.as_deref(),
                    shown_default: default.as_deref().map(|text| {
                        let printed = ask.view.deparsed(Deparsed::Expression { text, relation: 0 }, false);
                        printed.map_or_else(|| text.into(), |printed| printed.text)
                    }),
                    ..common
                },
            );
        }
    }
    push_array(rows, t.array_oid, &t.name, namespace, t.owner, t.oid);
}

/// The category of a type, and the functions that write it: what a domain has of it.
fn output_of(ask: &Ask<'_>, ty: PgType) -> (u8, [&'static str; 2]) {
    let base = crate::types::base_type(ty, &**ask.snapshot).oid;
    if let Some(known) = TYPES.by_oid(base) {
        let field = |column| TYPE_ROWS.get(known.row, column).unwrap_or("-");
        return (known.category, [field("typoutput"), field("typsend")]);
    }
    match ask.snapshot.user_type_by_oid(base) {
        Some(user) if user.array_oid == base => (b'A', ["array_out", "array_send"]),
        Some(user) => match user.kind {
            UserTypeKind::Enum { .. } => (b'E', ["enum_out", "enum_send"]),
            UserTypeKind::Range { .. } => (b'R', [RANGE_IO[1], RANGE_IO[3]]),
            UserTypeKind::Multirange { .. } => (b'R', [MULTIRANGE_IO[1], MULTIRANGE_IO[3]]),
            UserTypeKind::Domain { .. } => (b'U', ["-", "-"]),
        },
        None => {
            let relation = ask.snapshot.objects().row_types.get(&base).copied();
            let relation = relation.and_then(|oid| ask.snapshot.relation_by_oid(oid));
            match relation.is_some_and(|r| r.row_array_type == base) {
                true => (b'A', ["array_out", "array_send"]),
                false => (b'C', ["record_out", "record_send"]),
            }
        }
    }
}

const RANGE_IO: [&str; 6] = ["range_in", "range_out", "range_recv", "range_send", "-", "-"];
const MULTIRANGE_IO: [&str; 6] = ["multirange_in", "multirange_out", "multirange_recv", "multirange_send", "-", "-"];

/// What ranges and multiranges have in common: they are aligned as their bounds are, at least as integers.
fn of_ranges<'a>(ask: &Ask<'_>, t: &UserType, common: Row<'a>) -> Row<'a> {
    let subtype = crate::types::coded::range::range_of(t.oid, &**ask.snapshot).map_or(0, |(of, _)| of.subtype);
    let double = TYPES.by_oid(subtype).is_some_and(|s| TYPE_ROWS.get(s.row, "typalign") == Some("d"));
    Row { len: -1, by_value: false, category: b'R', align: if double { "d" } else { "i" }, storage: "x", ..common }
}

pub(super) fn pg_range(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&["rngtypid", "rngsubtype", "rngmultitypid", "rngcollation", "rngsubopc"]);
    let mut user: Vec<&Arc<UserType>> = ask.snapshot.types.values().collect();
    user.sort_by_key(|t| t.oid);
    for t in user {
        if let UserTypeKind::Range { subtype, multirange, opclass } = &t.kind {
            let collation = TYPES.by_oid(*subtype).map_or(0, |s| s.collation);
            rows.push([t.oid, *subtype, *multirange, collation, *opclass].map(Value::Oid));
        }
    }
    Ok(rows)
}

/// The row types of tables and views.
fn push_row_types(rows: &mut Rows, ask: &Ask<'_>) {
    let mut all: Vec<_> = ask.snapshot.relations.values().filter(|r| r.row_type >= oid::FIRST_USER).collect();
    all.sort_by_key(|r| r.oid);
    for r in all {
        let namespace = super::objects::namespace_oid(ask, &r.namespace);
        rows.about[0] = r.oid;
        push(
            rows,
            Row {
                oid: r.row_type,
                name: &r.name,
                namespace,
                owner: r.owner,
                len: -1,
                by_value: false,
                kind: b'c',
                category: b'C',
                preferred: false,
                delimiter: b',',
                relation: r.oid,
                subscript: "-",
                element: 0,
                array: r.row_array_type,
                io: ["record_in", "record_out", "record_recv", "record_send", "-", "-"],
                align: "d",
                storage: "x",
                not_null: false,
                base: (0, -1),
                collation: 0,
                default: None,
                shown_default: None,
                acl: match r.kind {
                    RelationKind::Composite => acl(&r.acl, ask.snapshot),
                    _ => Value::Null,
                },
            },
        );
        if r.row_array_type != 0 {
            push_array(rows, r.row_array_type, &r.name, namespace, r.owner, r.row_type);
        }
    }
}

pub(super) fn pg_enum(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&["oid", "enumtypid", "enumsortorder", "enumlabel"]);
    let mut user: Vec<&Arc<UserType>> = ask.snapshot.types.values().collect();
    user.sort_by_key(|t| t.oid);
    for t in user {
        if let UserTypeKind::Enum { labels } = &t.kind {
            for ((i, label), place) in labels.iter().enumerate().zip(t.places(labels.len())) {
                // Labels have no OID of their own here; one that is derived stays the same across restarts.
                let oid = t.oid ^ (0x8000_0000 | ((i as u32 + 1) << 18));
                rows.push([Value::Oid(oid), Value::Oid(t.oid), Value::Float4(place), text(label)]);
            }
        }
    }
    Ok(rows)
}
