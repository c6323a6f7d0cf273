//! Namespaces, relations and what belongs to them.

use super::*;
use crate::catalog::relations::is_system_view;
use crate::registry::{
    Column, Constraint, ConstraintKind, FkAction, Index, Managed, Relation, RelationKind, UserTypeKind, builtin,
};
use crate::types::PgType;

/// OIDs of the catalogs that other catalogs point into.
const CLASS_CATALOG: Oid = 1259;
const NAMESPACE_CATALOG: Oid = 2615;
const TYPE_CATALOG: Oid = 1247;
const CONSTRAINT_CATALOG: Oid = 2606;
/// Access methods.
const HEAP: Oid = 2;
const BTREE: Oid = 403;

fn namespace_oid(ask: &Ask<'_>, name: &str) -> Oid {
    match name {
        "pg_catalog" => builtin::PG_CATALOG,
        _ => ask.snapshot.namespaces.get(name).map_or(0, |n| n.oid),
    }
}

/// Relations in the order of their OIDs, so that the catalog looks the same each time.
fn relations<'a>(ask: &Ask<'a>) -> Vec<&'a Arc<Relation>> {
    let mut all: Vec<_> = ask.snapshot.relations.values().collect();
    all.sort_by_key(|r| r.oid);
    all
}

pub(super) fn pg_namespace(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&["oid", "nspname", "nspowner", "nspacl"]);
    let mut all: Vec<_> = ask.snapshot.namespaces.values().collect();
    all.sort_by_key(|n| n.oid);
    for n in all {
        rows.push([Value::Oid(n.oid), text(&n.name), Value::Oid(n.owner), acl(&n.acl, n.owner, ask.snapshot)]);
    }
    Ok(rows)
}

/// `r` table, `v` view, `S` sequence.
pub(in crate::catalog) fn relkind(relation: &Relation) -> u8 {
    match relation.kind {
        RelationKind::Table => b'r',
        RelationKind::System if is_system_view(relation.oid) => b'v',
        RelationKind::System => b'r',
        RelationKind::View { .. } => b'v',
        RelationKind::Sequence(_) => b'S',
    }
}

pub(super) fn pg_class(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&[
        "oid",
        "relname",
        "relnamespace",
        "reltype",
        "relowner",
        "relam",
        "relfilenode",
        "reltuples",
        "relhasindex",
        "relisshared",
        "relpersistence",
        "relkind",
        "relnatts",
        "relchecks",
        "relhasrules",
        "relispopulated",
        "relreplident",
        "relacl",
    ]);
    for r in relations(ask) {
        let kind = relkind(r);
        let stored = kind == b'r';
        let persistence = if r.temporary { b't' } else { b'p' };
        let checks = r.constraints.iter().filter(|c| matches!(c.kind, ConstraintKind::Check { .. })).count();
        let namespace = Value::Oid(namespace_oid(ask, &r.namespace));
        let owned = matches!(r.managed, Managed::System);
        rows.push([
            Value::Oid(r.oid),
            text(&r.name),
            namespace.clone(),
            Value::Oid(r.row_type),
            Value::Oid(r.owner),
            Value::Oid(if stored { HEAP } else { 0 }),
            Value::Oid(if kind == b'v' || owned { 0 } else { r.oid }),
            Value::Float4(-1.0),
            Value::Bool(!r.indexes.is_empty()),
            Value::Bool(false),
            char_(persistence),
            char_(kind),
            Value::Int2(r.columns.len() as i16),
            Value::Int2(checks as i16),
            Value::Bool(kind == b'v'),
            Value::Bool(true),
            char_(if stored && !owned { b'd' } else { b'n' }),
            acl(&r.acl, r.owner, ask.snapshot),
        ]);
        for index in &r.indexes {
            rows.push([
                Value::Oid(index.oid),
                text(&index.name),
                namespace.clone(),
                Value::Oid(0),
                Value::Oid(r.owner),
                Value::Oid(BTREE),
                Value::Oid(index.oid),
                Value::Float4(0.0),
                Value::Bool(false),
                Value::Bool(false),
                char_(persistence),
                char_(b'i'),
                Value::Int2(index.keys.len() as i16),
                Value::Int2(0),
                Value::Bool(false),
                Value::Bool(true),
                char_(b'n'),
                Value::Null,
            ]);
        }
    }
    Ok(rows)
}

/// What pg_attribute repeats of a column's type.
struct Storage {
    len: i16,
    by_value: bool,
    align: &'static str,
    storage: &'static str,
    collation: Oid,
    dims: i32,
}

fn storage(ask: &Ask<'_>, ty: PgType) -> Storage {
    let facts = &crate::facts::TYPE_ROWS;
    let found = crate::facts::TYPES.by_oid(ty.oid);
    match found {
        Some(t) => Storage {
            len: t.len,
            by_value: t.by_value,
            align: facts.get(t.row, "typalign").unwrap_or("i"),
            storage: facts.get(t.row, "typstorage").unwrap_or("x"),
            collation: t.collation,
            dims: i32::from(t.is_array),
        },
        None => {
            let user = ask.snapshot.user_type_by_oid(ty.oid);
            match user.map(|u| (&u.kind, u.array_oid == ty.oid)) {
                Some((UserTypeKind::Enum { .. }, false)) => {
                    Storage { len: 4, by_value: true, align: "i", storage: "p", collation: 0, dims: 0 }
                }
                Some((UserTypeKind::Domain { base, .. }, false)) => storage(ask, *base),
                Some((_, true)) | None => {
                    Storage { len: -1, by_value: false, align: "i", storage: "x", collation: 0, dims: 1 }
                }
            }
        }
    }
}

/// The columns that PostgreSQL adds to whatever it stores, with their numbers. Introspection lists them; statements that
/// name them are refused.
const SYSTEM_COLUMNS: [(i16, &str, Oid); 6] = [
    (-1, "ctid", oid::TID),
    (-2, "xmin", oid::XID),
    (-3, "cmin", oid::CID),
    (-4, "xmax", oid::XID),
    (-5, "cmax", oid::CID),
    (-6, "tableoid", oid::OID),
];

pub(super) fn pg_attribute(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&[
        "attrelid",
        "attname",
        "atttypid",
        "attstattarget",
        "attlen",
        "attnum",
        "attndims",
        "attcacheoff",
        "atttypmod",
        "attbyval",
        "attalign",
        "attstorage",
        "attcompression",
        "attnotnull",
        "atthasdef",
        "attidentity",
        "attgenerated",
        "attislocal",
        "attcollation",
        "attacl",
    ]);
    let mut push = |relation: Oid, num: i16, name: &str, ty: PgType, column: Option<&Column>, key: bool| {
        let s = storage(ask, ty);
        let system = num < 0;
        let identity = match column.and_then(|c| c.identity) {
            Some(i) if i.always => b'a',
            Some(_) => b'd',
            None => 0,
        };
        let generated = column.is_some_and(|c| c.generated.is_some());
        rows.push([
            Value::Oid(relation),
            text(name),
            Value::Oid(ty.oid),
            Value::Int4(if system { 0 } else { -1 }),
            Value::Int2(s.len),
            Value::Int2(num),
            Value::Int4(if key { 0 } else { s.dims }),
            Value::Int4(-1),
            Value::Int4(ty.typmod),
            Value::Bool(s.by_value),
            text(s.align),
            text(s.storage),
            text(""),
            Value::Bool(system || column.is_some_and(|c| c.not_null)),
            Value::Bool(column.is_some_and(|c| c.default.is_some()) || generated),
            char_(identity),
            char_(if generated { b's' } else { 0 }),
            Value::Bool(true),
            Value::Oid(s.collation),
            column.map_or(Value::Null, |c| acl(&c.acl, 0, ask.snapshot)),
        ]);
    };
    for r in relations(ask) {
        for column in &r.columns {
            push(r.oid, column.num, &column.name, column.ty, Some(column), false);
        }
        if matches!(relkind(r), b'r' | b'S') {
            for (num, name, ty) in SYSTEM_COLUMNS {
                push(r.oid, num, name, PgType::new(ty), None, false);
            }
        }
        for index in &r.indexes {
            for (i, key) in index.keys.iter().enumerate() {
                let column = r.column_by_num(key.column);
                let name = column.map_or("expr", |c| &c.name);
                let ty = column.map_or(PgType::new(oid::TEXT), |c| c.ty);
                push(index.oid, i as i16 + 1, name, ty, None, true);
            }
        }
    }
    Ok(rows)
}

pub(super) fn pg_attrdef(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&["oid", "adrelid", "adnum", "adbin"]);
    for r in relations(ask) {
        for column in &r.columns {
            if let Some(expression) = column.default.as_ref().or(column.generated.as_ref()) {
                // Defaults have no OID of their own here; one that is derived stays the same across restarts.
                let oid = r.oid ^ (0x4000_0000 | (u32::from(column.num as u16) << 16));
                rows.push([Value::Oid(oid), Value::Oid(r.oid), Value::Int2(column.num), text(expression)]);
            }
        }
    }
    Ok(rows)
}

/// The default operator class of B-tree for a type.
fn opclass(ty: Oid) -> Oid {
    let table = &*crate::facts::OPCLASS_ROWS;
    let wanted = if ty == oid::VARCHAR { oid::TEXT } else { ty };
    table
        .rows
        .iter()
        .find(|r| {
            table.get(r, "opcmethod") == Some("403")
                && table.get(r, "opcdefault") == Some("t")
                && number::<Oid>(table.get(r, "opcintype")) == wanted
        })
        .map_or(0, |r| number(table.get(r, "oid")))
}

pub(super) fn pg_index(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&[
        "indexrelid",
        "indrelid",
        "indnatts",
        "indnkeyatts",
        "indisunique",
        "indnullsnotdistinct",
        "indisprimary",
        "indisexclusion",
        "indimmediate",
        "indisclustered",
        "indisvalid",
        "indcheckxmin",
        "indisready",
        "indislive",
        "indisreplident",
        "indkey",
        "indcollation",
        "indclass",
        "indoption",
        "indexprs",
        "indpred",
    ]);
    for r in relations(ask) {
        for index in &r.indexes {
            let primary = r.primary_key().is_some_and(|c| c.name == index.name && index.of_constraint);
            let type_of = |num: i16| r.column_by_num(num).map_or(PgType::new(oid::TEXT), |c| c.ty);
            let expressions: Vec<&str> = index.keys.iter().filter_map(|k| k.expression.as_deref()).collect();
            rows.push([
                Value::Oid(index.oid),
                Value::Oid(r.oid),
                Value::Int2(index.keys.len() as i16),
                Value::Int2(index.keys.len() as i16),
                Value::Bool(index.unique),
                Value::Bool(false),
                Value::Bool(primary),
                Value::Bool(false),
                Value::Bool(true),
                Value::Bool(false),
                Value::Bool(true),
                Value::Bool(false),
                Value::Bool(true),
                Value::Bool(true),
                Value::Bool(false),
                int2s(index.keys.iter().map(|k| k.column)),
                oids(index.keys.iter().map(|k| storage(ask, type_of(k.column)).collation)),
                oids(index.keys.iter().map(|k| opclass(type_of(k.column).oid))),
                int2s(index.keys.iter().map(|k| i16::from(k.descending) | (i16::from(k.nulls_first) << 1))),
                if expressions.is_empty() { Value::Null } else { text(expressions.join(", ")) },
                opt_text(index.predicate.as_ref()),
            ]);
        }
    }
    Ok(rows)
}

fn action(action: FkAction) -> u8 {
    match action {
        FkAction::NoAction => b'a',
        FkAction::Restrict => b'r',
        FkAction::Cascade => b'c',
        FkAction::SetNull => b'n',
        FkAction::SetDefault => b'd',
    }
}

fn index_of(r: &Relation, name: &str) -> Oid {
    r.indexes.iter().find(|i: &&Index| i.of_constraint && *i.name == *name).map_or(0, |i| i.oid)
}

/// The index behind the key that a foreign key points to.
fn referenced_index(target: Option<&Arc<Relation>>, columns: &[i16]) -> Oid {
    let Some(target) = target else { return 0 };
    let key = target.constraints.iter().find(|c: &&Constraint| match &c.kind {
        ConstraintKind::PrimaryKey { columns: k } | ConstraintKind::Unique { columns: k, .. } => {
            k.len() == columns.len() && columns.iter().all(|c| k.contains(c))
        }
        ConstraintKind::ForeignKey { .. } | ConstraintKind::Check { .. } => false,
    });
    key.map_or(0, |c| index_of(target, &c.name))
}

pub(super) fn pg_constraint(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&[
        "oid",
        "conname",
        "connamespace",
        "contype",
        "condeferrable",
        "condeferred",
        "convalidated",
        "conrelid",
        "conindid",
        "confrelid",
        "confupdtype",
        "confdeltype",
        "confmatchtype",
        "conislocal",
        "connoinherit",
        "conkey",
        "confkey",
        "conbin",
    ]);
    for r in relations(ask) {
        for c in &r.constraints {
            let foreign = matches!(c.kind, ConstraintKind::ForeignKey { .. });
            let (kind, key, index, target, target_key, actions, expression) = match &c.kind {
                ConstraintKind::PrimaryKey { columns } => {
                    (b'p', columns, index_of(r, &c.name), 0, None, (b' ', b' '), None)
                }
                ConstraintKind::Unique { columns, .. } => {
                    (b'u', columns, index_of(r, &c.name), 0, None, (b' ', b' '), None)
                }
                ConstraintKind::ForeignKey { columns, target, target_columns, on_delete, on_update } => (
                    b'f',
                    columns,
                    referenced_index(ask.snapshot.relation_by_oid(*target), target_columns),
                    *target,
                    Some(target_columns),
                    (action(*on_update), action(*on_delete)),
                    None,
                ),
                ConstraintKind::Check { expression, columns } => {
                    (b'c', columns, 0, 0, None, (b' ', b' '), Some(expression))
                }
            };
            rows.push([
                Value::Oid(c.oid),
                text(&c.name),
                Value::Oid(namespace_oid(ask, &r.namespace)),
                char_(kind),
                Value::Bool(c.deferrable),
                Value::Bool(c.initially_deferred),
                Value::Bool(true),
                Value::Oid(r.oid),
                Value::Oid(index),
                Value::Oid(target),
                char_(actions.0),
                char_(actions.1),
                char_(if foreign { b's' } else { b' ' }),
                Value::Bool(true),
                Value::Bool(kind != b'c'),
                if key.is_empty() { Value::Null } else { int2s(key.iter().copied()) },
                target_key.map_or(Value::Null, |k| int2s(k.iter().copied())),
                opt_text(expression),
            ]);
        }
    }
    Ok(rows)
}

pub(super) fn pg_sequence(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows =
        Rows::new(&["seqrelid", "seqtypid", "seqstart", "seqincrement", "seqmax", "seqmin", "seqcache", "seqcycle"]);
    for r in relations(ask) {
        if let RelationKind::Sequence(s) = &r.kind {
            rows.push([
                Value::Oid(r.oid),
                Value::Oid(s.ty),
                Value::Int8(s.start),
                Value::Int8(s.increment),
                Value::Int8(s.max),
                Value::Int8(s.min),
                Value::Int8(s.cache),
                Value::Bool(s.cycle),
            ]);
        }
    }
    Ok(rows)
}

pub(super) fn pg_description(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&["objoid", "classoid", "objsubid", "description"]);
    let mut push = |object: Oid, catalog: Oid, sub: i32, comment: &Option<String>| {
        if let Some(comment) = comment {
            rows.push([Value::Oid(object), Value::Oid(catalog), Value::Int4(sub), text(comment)]);
        }
    };
    for n in ask.snapshot.namespaces.values() {
        push(n.oid, NAMESPACE_CATALOG, 0, &n.comment);
    }
    for t in ask.snapshot.types.values() {
        push(t.oid, TYPE_CATALOG, 0, &t.comment);
    }
    for r in relations(ask) {
        push(r.oid, CLASS_CATALOG, 0, &r.comment);
        for c in &r.columns {
            push(r.oid, CLASS_CATALOG, i32::from(c.num), &c.comment);
        }
        for c in &r.constraints {
            push(c.oid, CONSTRAINT_CATALOG, 0, &c.comment);
        }
        for i in &r.indexes {
            push(i.oid, CLASS_CATALOG, 0, &i.comment);
        }
    }
    let facts = &*crate::facts::DESCRIPTION_ROWS;
    for row in &facts.rows {
        let catalog = match facts.get(row, "classoid") {
            Some("pg_proc") => 1255,
            Some("pg_type") => TYPE_CATALOG,
            Some("pg_operator") => 2617,
            _ => continue,
        };
        let object = number(facts.get(row, "objoid"));
        push(object, catalog, 0, &facts.get(row, "description").map(str::to_owned));
    }
    Ok(rows)
}
