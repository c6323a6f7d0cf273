//! PostgreSQL's functions that read its catalogs: natives that ask the session's snapshot.

use std::sync::Arc;

use super::definitions;
use super::privileges;
use crate::engine::Native;
use crate::engine::directory::{self, SessionView};
use crate::engine::vector::{Oid as OidArg, TextList, native1, native2, native3, native4};
use crate::error::{Error, Result, SqlState};
use crate::registry::{Relation, Snapshot};
use crate::types::{Oid, PgType, Phys, name::format_type};

/// Who asks: the session behind the number that each of these gets first.
pub(crate) struct Asker {
    pub view: Arc<dyn SessionView>,
    pub snapshot: Arc<Snapshot>,
}

pub(crate) fn ask(session: i64) -> Result<Asker> {
    let view = directory::session(session as u64)?;
    let snapshot = view.snapshot();
    Ok(Asker { view, snapshot })
}

/// The natives that sql::signatures::system names.
pub fn natives() -> Vec<Native> {
    let mut all = names();
    all.extend(visibility());
    all.extend(settings());
    all.extend(definitions::natives());
    all.extend(privileges::natives());
    all
}

fn names() -> Vec<Native> {
    vec![
        native2::<i64, OidArg, str>("dg_pg_get_userbyid", |s, role| {
            let found = ask(s)?.snapshot.role_by_oid(role).map(|r| r.name.to_string());
            Ok(Some(found.unwrap_or_else(|| format!("unknown (OID={role})"))))
        }),
        format_type_native(),
        native2::<i64, OidArg, bool>("dg_pg_relation_is_publishable", |s, oid| {
            let found = ask(s)?.snapshot.relation_by_oid(oid).map(|r| {
                matches!(r.kind, crate::registry::RelationKind::Table)
                    && !r.temporary
                    && oid >= crate::types::oid::FIRST_USER
            });
            Ok(found)
        }),
        native2::<i64, OidArg, str>("dg_regclass_out", |s, oid| Ok(Some(regclass_text(&ask(s)?, oid)))),
        native3::<i64, OidArg, str, str>("dg_obj_description", |s, object, catalog| {
            Ok(comment(&ask(s)?.snapshot, object, catalog))
        }),
        native3::<i64, OidArg, i32, str>("dg_col_description", |s, table, column| {
            let asker = ask(s)?;
            let Some(relation) = asker.snapshot.relation_by_oid(table) else { return Ok(None) };
            Ok(relation.column_by_num(column as i16).and_then(|c| c.comment.clone()))
        }),
        native1::<i32, str>("dg_pg_encoding_to_char", |n| {
            Ok(Some(match n {
                0 => "SQL_ASCII".into(),
                6 => "UTF8".into(),
                8 => "LATIN1".into(),
                _ => String::new(),
            }))
        }),
        native1::<i64, str>("dg_pg_size_pretty", |bytes| Ok(Some(size_pretty(bytes)))),
    ]
}

/// format_type(oid, typmod): the modifier may be NULL.
fn format_type_native() -> Native {
    use arrow::array::{Array, Int32Array, Int64Array, StringBuilder, UInt32Array};
    Native {
        name: "dg_format_type",
        args: vec![Phys::Int8, Phys::Oid, Phys::Int4],
        varargs: None,
        result: Phys::Text,
        strict: false,
        volatile: false,
        body: Arc::new(|args, rows| {
            let wrong = || Error::internal("format_type: arguments of other types than declared");
            let session = args[0].as_any().downcast_ref::<Int64Array>().ok_or_else(wrong)?;
            let types = args[1].as_any().downcast_ref::<UInt32Array>().ok_or_else(wrong)?;
            let typmods = args[2].as_any().downcast_ref::<Int32Array>().ok_or_else(wrong)?;
            let mut out = StringBuilder::with_capacity(rows, rows * 12);
            if rows == 0 {
                return Ok(Arc::new(out.finish()));
            }
            let asker = ask(session.value(0))?;
            for row in 0..rows {
                if types.is_null(row) {
                    out.append_null();
                    continue;
                }
                let ty = types.value(row);
                // Without a modifier these two are asked for by their SQL names; -1 says that there is none.
                match (typmods.is_null(row), ty) {
                    (true, crate::types::oid::BPCHAR) => out.append_value("character"),
                    (true, crate::types::oid::BIT) => out.append_value("bit"),
                    (true, _) => out.append_value(type_text(&asker.snapshot, ty, -1)),
                    (false, _) => out.append_value(type_text(&asker.snapshot, ty, typmods.value(row))),
                }
            }
            Ok(Arc::new(out.finish()))
        }),
    }
}

pub(super) fn type_text(snapshot: &Snapshot, ty: Oid, typmod: i32) -> String {
    if ty == 0 {
        return "-".into();
    }
    format_type(PgType::with(ty, typmod), snapshot)
}

/// A relation's name as regclass prints it: qualified if it is not found along the search path.
pub(super) fn relation_text(asker: &Asker, relation: &Relation) -> String {
    qualified(asker, &relation.namespace, &relation.name, is_visible(asker, relation))
}

pub(super) fn qualified(_asker: &Asker, namespace: &str, name: &str, visible: bool) -> String {
    use crate::registry::expression::quote as quote_ident;
    if visible { quote_ident(name) } else { format!("{}.{}", quote_ident(namespace), quote_ident(name)) }
}

fn regclass_text(asker: &Asker, oid: Oid) -> String {
    if oid == 0 {
        return "-".into();
    }
    if let Some(relation) = asker.snapshot.relation_by_oid(oid) {
        return relation_text(asker, relation);
    }
    for relation in asker.snapshot.relations.values() {
        if let Some(index) = relation.indexes.iter().find(|i| i.oid == oid) {
            return qualified(asker, &relation.namespace, &index.name, is_visible(asker, relation));
        }
    }
    oid.to_string()
}

fn is_visible(asker: &Asker, relation: &Relation) -> bool {
    let path = asker.view.search_path();
    for namespace in path.iter() {
        if *namespace == relation.namespace {
            return true;
        }
        if asker.snapshot.relation(namespace, &relation.name).is_some() {
            return false;
        }
    }
    false
}

fn visibility() -> Vec<Native> {
    vec![
        native2::<i64, OidArg, bool>("dg_pg_table_is_visible", |s, oid| {
            let asker = ask(s)?;
            if let Some(relation) = asker.snapshot.relation_by_oid(oid) {
                return Ok(Some(is_visible(&asker, relation)));
            }
            let owner = asker.snapshot.relations.values().find(|r| r.indexes.iter().any(|i| i.oid == oid));
            Ok(owner.map(|relation| is_visible(&asker, relation)))
        }),
        native2::<i64, OidArg, bool>("dg_pg_type_is_visible", |s, oid| {
            if crate::facts::TYPES.by_oid(oid).is_some() {
                return Ok(Some(true));
            }
            let asker = ask(s)?;
            if let Some(ty) = asker.snapshot.user_type_by_oid(oid) {
                return Ok(Some(asker.view.search_path().iter().any(|n| *n == ty.namespace)));
            }
            let row = asker.snapshot.relations.values().find(|r| r.row_type == oid || r.row_array_type == oid);
            Ok(row.map(|relation| is_visible(&asker, relation)))
        }),
        native2::<i64, OidArg, bool>("dg_always_visible", |_, oid| Ok((oid != 0).then_some(true))),
    ]
}

/// The comment on an object of a catalog; `None` if there is none.
fn comment(snapshot: &Snapshot, object: Oid, catalog: &str) -> Option<String> {
    match catalog {
        "pg_class" => snapshot.relation_by_oid(object).map(|r| r.comment.clone()).unwrap_or_else(|| {
            let indexes = snapshot.relations.values().flat_map(|r| &r.indexes);
            indexes.into_iter().find(|i| i.oid == object).and_then(|i| i.comment.clone())
        }),
        "pg_namespace" => snapshot.namespaces.values().find(|n| n.oid == object).and_then(|n| n.comment.clone()),
        "pg_type" => snapshot
            .user_type_by_oid(object)
            .map(|t| t.comment.clone())
            .unwrap_or_else(|| recorded_comment(object, catalog)),
        "pg_constraint" => snapshot
            .relations
            .values()
            .flat_map(|r| &r.constraints)
            .find(|c| c.oid == object)
            .and_then(|c| c.comment.clone()),
        "pg_database" => snapshot.database_comment.clone(),
        "pg_authid" | "pg_roles" => snapshot.role_by_oid(object).and_then(|r| r.comment.clone()),
        _ => recorded_comment(object, catalog),
    }
}

fn recorded_comment(object: Oid, catalog: &str) -> Option<String> {
    use std::collections::HashMap;
    use std::sync::LazyLock;
    static COMMENTS: LazyLock<HashMap<(&'static str, Oid), &'static str>> = LazyLock::new(|| {
        let t = &*crate::facts::DESCRIPTION_ROWS;
        t.rows
            .iter()
            .filter_map(|r| {
                let oid = t.get(r, "objoid")?.parse().ok()?;
                Some(((t.get(r, "classoid")?, oid), t.get(r, "description")?))
            })
            .collect()
    });
    // The key's text lives as long as the look-up only.
    COMMENTS.iter().find(|((c, o), _)| *c == catalog && *o == object).map(|(_, text)| (*text).to_owned())
}

/// bytes, kB, MB, GB, TB, PB: the largest unit that leaves a number of at most five digits, halves rounded away.
fn size_pretty(bytes: i64) -> String {
    const UNITS: [&str; 6] = ["bytes", "kB", "MB", "GB", "TB", "PB"];
    let mut size = i128::from(bytes);
    if size.abs() < 10 * 1024 {
        return format!("{size} bytes");
    }
    // One bit is kept for rounding until the unit is found.
    size >>= 9;
    for (i, unit) in UNITS.iter().enumerate().skip(1) {
        if size.abs() < 20 * 1024 - 1 || i == UNITS.len() - 1 {
            let rounded = if size >= 0 { (size + 1) / 2 } else { (size - 1) / 2 };
            return format!("{rounded} {unit}");
        }
        size >>= 10;
    }
    format!("{bytes} bytes")
}

fn settings() -> Vec<Native> {
    vec![
        volatile(native2::<i64, str, str>("dg_current_setting", |s, name| {
            let value = ask(s)?.view.setting(name);
            value.map(Some).ok_or_else(|| {
                Error::new(SqlState::UNDEFINED_OBJECT, format!("unrecognized configuration parameter \"{name}\""))
            })
        })),
        volatile(native3::<i64, str, bool, str>("dg_current_setting", |s, name, missing_ok| {
            match ask(s)?.view.setting(name) {
                Some(value) => Ok(Some(value)),
                None if missing_ok => Ok(None),
                None => Err(Error::new(
                    SqlState::UNDEFINED_OBJECT,
                    format!("unrecognized configuration parameter \"{name}\""),
                )),
            }
        })),
        volatile(native4::<i64, str, str, bool, str>("dg_set_config", |s, name, value, local| {
            ask(s)?.view.set_config(name, Some(value), local).map(Some)
        })),
        volatile(native2::<i64, i32, bool>("dg_pg_cancel_backend", |s, pid| {
            ask(s)?.view.cancel_backend(pid).map(Some)
        })),
        volatile(native2::<i64, i32, bool>("dg_pg_terminate_backend", |s, pid| {
            ask(s)?.view.terminate_backend(pid).map(Some)
        })),
        volatile(native1::<i64, bool>("dg_reload", |s| ask(s)?.view.reload().map(|()| Some(true)))),
        volatile(native2::<i64, f64, str>("dg_pg_sleep", |s, seconds| {
            let asker = ask(s)?;
            let step = std::time::Duration::from_millis(5);
            let end = std::time::Instant::now()
                + std::time::Duration::try_from_secs_f64(seconds.clamp(0.0, 1e9)).unwrap_or_default();
            while std::time::Instant::now() < end {
                if asker.view.interrupted() {
                    return Err(Error::new(SqlState::QUERY_CANCELED, "canceling statement due to user request"));
                }
                std::thread::sleep(step.min(end.saturating_duration_since(std::time::Instant::now())));
            }
            Ok(Some(String::new()))
        })),
        native2::<i64, bool, TextList>("dg_current_schemas", |s, implicit| {
            let path = ask(s)?.view.search_path();
            let shown = path.iter().filter(|n| implicit || &***n != "pg_catalog").map(|n| Some(n.to_string()));
            Ok(Some(shown.collect()))
        }),
    ]
}

fn volatile(native: Native) -> Native {
    Native { volatile: true, ..native }
}
