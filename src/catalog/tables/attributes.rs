//! pg_attribute and pg_attrdef: columns of relations and keys of indexes.

use super::objects::{relations, relkind};
use super::*;
use crate::registry::{Column, UserTypeKind};
use crate::types::PgType;

/// What pg_attribute repeats of a column's type.
pub(super) struct Storage {
    pub len: i16,
    pub by_value: bool,
    pub align: &'static str,
    pub storage: &'static str,
    pub collation: Oid,
    dims: i32,
}

pub(super) fn storage(ask: &Ask<'_>, ty: PgType) -> Storage {
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
                Some((UserTypeKind::Domain { base, collation, .. }, false)) => {
                    let of = storage(ask, *base);
                    Storage { collation: if *collation == 0 { of.collation } else { *collation }, ..of }
                }
                Some((UserTypeKind::Range { .. } | UserTypeKind::Multirange { .. }, false)) => {
                    Storage { len: -1, by_value: false, align: "i", storage: "x", collation: 0, dims: 0 }
                }
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
        "attinhcount",
        "attcollation",
        "attacl",
    ]);
    let push =
        |rows: &mut Rows, relation: Oid, num: i16, name: &str, ty: PgType, column: Option<&Column>, key: bool| {
            let s = storage(ask, ty);
            let system = num < 0;
            let identity = match column.and_then(|c| c.identity) {
                Some(i) if i.always => b'a',
                Some(_) => b'd',
                None => 0,
            };
            let generated = column.is_some_and(|c| c.generated.is_some());
            let inherited =
                column.is_some() && ask.snapshot.relation_by_oid(relation).is_some_and(|r| r.is_partition());
            rows.push([
                Value::Oid(relation),
                text(name),
                Value::Oid(ty.oid),
                Value::Int4(if system { 0 } else { -1 }),
                Value::Int2(s.len),
                Value::Int2(num),
                Value::Int4(if key { 0 } else { s.dims.max(ty.ndims.into()) }),
                Value::Int4(-1),
                Value::Int4(ty.typmod),
                Value::Bool(s.by_value),
                text(s.align),
                text(s.storage),
                text(""),
                Value::Bool(system || column.map_or(!key && num > 0, |c| c.not_null && !key)),
                Value::Bool(column.is_some_and(|c| c.default.is_some()) || generated),
                char_(identity),
                char_(if generated { b's' } else { 0 }),
                Value::Bool(!inherited),
                Value::Int4(i32::from(inherited)),
                Value::Oid(column.map(|c| c.collation).filter(|c| *c != 0 && !key).unwrap_or(s.collation)),
                column.map_or(Value::Null, |c| acl(&c.acl, ask.snapshot)),
            ]);
        };
    for r in relations(ask) {
        rows.about[0] = r.oid;
        for column in &r.columns {
            push(&mut rows, r.oid, column.num, &column.name, column.ty, Some(column), false);
        }
        if matches!(relkind(r), b'r' | b'p' | b'm' | b'S') {
            for (num, name, ty) in SYSTEM_COLUMNS {
                push(&mut rows, r.oid, num, name, PgType::new(ty), None, false);
            }
        }
        for index in &r.indexes {
            let names = crate::registry::build::index_columns(r, index);
            let columns = index.keys.iter().map(|key| key.column).chain(index.included.iter().copied());
            for (i, (column, name)) in columns.zip(&names).enumerate() {
                let column = r.column_by_num(column);
                let ty = column.map_or(PgType::new(oid::TEXT), |c| c.ty);
                push(&mut rows, index.oid, i as i16 + 1, name, ty, None, true);
            }
        }
    }
    Ok(rows)
}

/// Defaults have no OID of their own here; one that is derived stays the same across restarts.
pub(in crate::catalog) fn attrdef_oid(relation: Oid, column: i16) -> Oid {
    relation ^ (0x4000_0000 | (u32::from(column as u16) << 16))
}

pub(super) fn pg_attrdef(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&["oid", "adrelid", "adnum", "adbin"]);
    for r in relations(ask) {
        rows.about[0] = r.oid;
        for column in &r.columns {
            if let Some(expression) = column.default.as_ref().or(column.generated.as_ref()) {
                let oid = attrdef_oid(r.oid, column.num);
                rows.push([Value::Oid(oid), Value::Oid(r.oid), Value::Int2(column.num), text(expression)]);
            }
        }
    }
    Ok(rows)
}
