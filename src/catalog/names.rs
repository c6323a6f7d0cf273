//! Names of objects, both ways, along the session's search path: to_regclass() and kin, what is visible, comments.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use super::functions::{Asker, ask};
use super::tables::{attrdef_oid, domain_checks, relkind, rule_oid};
use crate::engine::Native;
use crate::engine::vector::{Oid as OidArg, native2, native3, native4};
use crate::error::{Error, Result, SqlState};
use crate::facts;
use crate::registry::extension;
use crate::registry::seen::Seen;
use crate::registry::{Relation, RelationKind, Snapshot};
use crate::types::{Oid, PgType, Phys, name::format_type, oid};

pub(super) fn natives() -> Vec<Native> {
    let mut all = vec![
        format_type_native(),
        native3::<i64, str, str, OidArg>("dg_to_reg", |s, kind, name| to_reg(&ask(s)?, kind, name)),
        native2::<i64, OidArg, str>("dg_regclass_out", |s, oid| {
            Ok(Some(match oid {
                0 => "-".into(),
                oid => ask(s)?.seen.class_text(oid).unwrap_or_else(|| oid.to_string()),
            }))
        }),
        native3::<i64, OidArg, str, str>("dg_obj_description", |s, object, catalog| {
            Ok(comment(&ask(s)?, object, catalog))
        }),
        native3::<i64, OidArg, i32, str>("dg_col_description", |s, table, column| {
            let asker = ask(s)?;
            let Some(relation) = asker.seen.relation(table) else { return Ok(None) };
            Ok(relation.column_by_num(column as i16).and_then(|c| c.comment.clone()))
        }),
        native4::<i64, OidArg, OidArg, i32, str>("dg_pg_describe_object", |s, catalog, object, sub| {
            Ok(describe(&ask(s)?, catalog, object, sub))
        }),
    ];
    all.extend(visibility());
    all
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
                let typmod = (!typmods.is_null(row)).then(|| typmods.value(row));
                out.append_value(type_text(&asker.seen, ty, typmod));
            }
            Ok(Arc::new(out.finish()))
        }),
    }
}

/// format_type(): without a modifier at all, unlike with -1, char and bit go by their SQL names.
pub(super) fn type_text(seen: &Seen, ty: Oid, typmod: Option<i32>) -> String {
    match (typmod, ty) {
        (_, 0) => "-".into(),
        (None, oid::BPCHAR) => "character".into(),
        (None, oid::BIT) => "bit".into(),
        (None, oid::BPCHAR_ARRAY) => "character[]".into(),
        (None, oid::BIT_ARRAY) => "bit[]".into(),
        (Some(typmod), ty) if typmod >= 0 && shows_any_modifier(ty) => {
            format!("{}({typmod})", format_type(PgType::new(ty), seen))
        }
        (typmod, ty) => format_type(PgType::with(ty, typmod.unwrap_or(-1)), seen),
    }
}

/// A type without modifiers, to which format_type() adds whatever number it is given: all but those whose names it spells
/// itself.
fn shows_any_modifier(ty: Oid) -> bool {
    let spelled = [oid::BOOL, oid::INT2, oid::INT4, oid::INT8, oid::FLOAT4, oid::FLOAT8];
    let modified = [
        oid::BPCHAR,
        oid::VARCHAR,
        oid::BIT,
        oid::VARBIT,
        oid::NUMERIC,
        oid::TIME,
        oid::TIMETZ,
        oid::TIMESTAMP,
        oid::TIMESTAMPTZ,
        oid::INTERVAL,
    ];
    let known = facts::TYPES.by_oid(ty).is_some_and(|t| !t.is_array);
    known && !spelled.contains(&ty) && !modified.contains(&ty)
}

/// to_regclass() and kin: NULL for what does not exist, where the cast has an error; a number is no name.
fn to_reg(asker: &Asker, kind: &str, name: &str) -> Result<Option<Oid>> {
    let Some(kind) = facts::TYPES.by_name(kind).next().map(|t| t.oid) else { return Ok(None) };
    if name.is_empty() || name == "-" || name.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(None);
    }
    match crate::types::text::reg::parse(name, kind, &asker.seen) {
        Ok(found) => Ok(Some(found)),
        Err(e) => match e.code() {
            SqlState::UNDEFINED_TABLE
            | SqlState::UNDEFINED_OBJECT
            | SqlState::UNDEFINED_FUNCTION
            | SqlState::AMBIGUOUS_FUNCTION
            | SqlState::INVALID_SCHEMA_NAME => Ok(None),
            _ => Err(e),
        },
    }
}

fn visibility() -> Vec<Native> {
    vec![
        native2::<i64, OidArg, bool>("dg_pg_table_is_visible", |s, oid| {
            let asker = ask(s)?;
            if let Some(relation) = asker.seen.relation(oid) {
                return Ok(Some(asker.seen.finds(relation)));
            }
            if let Some((namespace, name)) = facts::system_index(oid) {
                return Ok(Some(asker.seen.finds_name(namespace, name)));
            }
            let Some(table) = asker.snapshot.objects().indexes.get(&oid).and_then(|table| asker.seen.relation(*table))
            else {
                return Ok(None);
            };
            let index = table.indexes.iter().find(|i| i.oid == oid);
            Ok(index.map(|i| asker.seen.finds_name(&table.namespace, &i.name)))
        }),
        native2::<i64, OidArg, bool>("dg_pg_type_is_visible", |s, oid| {
            if let Some(known) = facts::TYPES.by_oid(oid) {
                if let Some(extension) = known.extension {
                    let asker = ask(s)?;
                    let namespace = asker.snapshot.extension_namespace(extension);
                    return Ok(namespace.map(|namespace| asker.view.search_path().contains(namespace)));
                }
                let field = facts::TYPE_ROWS.get(known.row, "typnamespace");
                return Ok(Some(field == Some("11")));
            }
            let asker = ask(s)?;
            if let Some(ty) = asker.snapshot.user_type_by_oid(oid) {
                return Ok(Some(asker.seen.finds_type(ty)));
            }
            if let Some(name) = facts::system_row_type(oid) {
                return Ok(Some(!name.contains('.')));
            }
            let relation = asker.snapshot.objects().row_types.get(&oid).and_then(|r| asker.seen.relation(*r));
            Ok(relation.map(|r| asker.seen.finds(r)))
        }),
        native2::<i64, OidArg, bool>("dg_pg_function_is_visible", |s, oid| {
            let Some(function) = facts::PROCS.by_oid(oid) else {
                let asker = ask(s)?;
                let found = asker.snapshot.function_by_oid(oid);
                return Ok(found.map(|f| asker.seen.finds_these(f)));
            };
            let builtin = function.namespace == crate::registry::builtin::PG_CATALOG;
            let path = ask(s)?.view.search_path();
            if let Some(extension) = function.extension {
                return Ok(ask(s)?.snapshot.extension_namespace(extension).map(|namespace| path.contains(namespace)));
            }
            Ok(Some(builtin || path.iter().any(|n| &**n == "information_schema")))
        }),
        native2::<i64, OidArg, bool>("dg_always_visible", |_, oid| Ok((oid != 0).then_some(true))),
    ]
}

/// The OIDs of the catalogs that have comments.
fn catalog_oid(name: &str) -> Option<Oid> {
    let relation = super::relations::relations().iter().find(|r| &*r.namespace == "pg_catalog" && *r.name == *name);
    relation.map(|r| r.oid)
}

/// The comment on an object of a catalog; `None` if there is none.
fn comment(asker: &Asker, object: Oid, catalog: &str) -> Option<String> {
    let snapshot = &asker.snapshot;
    if catalog.is_empty() {
        // obj_description() of old, which trusts that no other catalog has that OID.
        return COMMENTED.iter().find_map(|catalog| comment(asker, object, catalog));
    }
    if catalog == "pg_extension" && object == extension::PLPGSQL_OID {
        return Some(extension::PLPGSQL.comment.to_owned());
    }
    if object < oid::FIRST_USER && !matches!(catalog, "pg_database" | "pg_authid" | "pg_roles") {
        return recorded_comment(object, catalog_oid(catalog)?).map(str::to_owned);
    }
    match catalog {
        "pg_class" => match asker.seen.relation(object) {
            Some(relation) if matches!(relation.kind, RelationKind::Composite) => None,
            Some(relation) => relation.comment.clone(),
            None => {
                let table = asker.seen.relation(*snapshot.objects().indexes.get(&object)?)?;
                table.indexes.iter().find(|i| i.oid == object)?.comment.clone()
            }
        },
        "pg_namespace" => snapshot.namespaces.values().find(|n| n.oid == object)?.comment.clone(),
        "pg_type" => match snapshot.user_type_by_oid(object) {
            Some(ty) => ty.comment.clone(),
            None => {
                let composite = snapshot.relation_by_oid(*snapshot.objects().row_types.get(&object)?)?;
                matches!(composite.kind, RelationKind::Composite).then(|| composite.comment.clone())?
            }
        },
        "pg_constraint" => match snapshot.objects().constraints.get(&object) {
            Some(table) => {
                let table = asker.seen.relation(*table)?;
                table.constraints.iter().find(|c| c.oid == object)?.comment.clone()
            }
            None => {
                let mut said = snapshot.types.values().flat_map(|t| super::tables::domain_check_comments(t));
                said.find(|(check, _)| *check == object).map(|(_, comment)| comment.to_owned())
            }
        },
        "pg_policy" => {
            let mut policies = snapshot.relations.values().flat_map(|r| &r.rules.policies);
            policies.find(|p| p.oid == object)?.comment.clone()
        }
        "pg_statistic_ext" => {
            let found =
                |r: &&std::sync::Arc<crate::registry::Relation>| r.details.statistics.iter().any(|s| s.oid == object);
            let table = asker.seen.relation(snapshot.relations.values().find(found)?.oid)?;
            table.details.statistics.iter().find(|s| s.oid == object)?.comment.clone()
        }
        "pg_proc" => snapshot.function_by_oid(object)?.comment.clone(),
        "pg_extension" => snapshot.extensions.values().find(|e| e.oid == object)?.comment.clone(),
        "pg_database" => snapshot.database_comment.clone(),
        "pg_authid" | "pg_roles" => snapshot.role_by_oid(object)?.comment.clone(),
        _ => None,
    }
}

/// The catalogs whose objects have comments.
const COMMENTED: [&str; 13] = [
    "pg_class",
    "pg_namespace",
    "pg_type",
    "pg_constraint",
    "pg_proc",
    "pg_extension",
    "pg_operator",
    "pg_cast",
    "pg_am",
    "pg_collation",
    "pg_language",
    "pg_opclass",
    "pg_opfamily",
];

fn recorded_comment(object: Oid, catalog: Oid) -> Option<&'static str> {
    static COMMENTS: LazyLock<HashMap<(Oid, Oid), &'static str>> = LazyLock::new(|| {
        let t = &*facts::DESCRIPTION_ROWS;
        let number = |r, c| t.get(r, c)?.parse().ok();
        let entry = |r: &facts::Row| {
            let whole = t.get(r, "objsubid") == Some("0");
            whole.then_some(())?;
            Some(((number(r, "classoid")?, number(r, "objoid")?), t.get(r, "description")?))
        };
        t.rows.iter().filter_map(entry).collect()
    });
    COMMENTS.get(&(catalog, object)).copied()
}

/// pg_describe_object() for the kinds of objects that there are; `None` for what does not exist.
fn describe(asker: &Asker, catalog: Oid, object: Oid, sub: i32) -> Option<String> {
    let snapshot: &Snapshot = &asker.snapshot;
    let named = |kind: Oid| crate::types::text::reg::object_text(object, kind, &asker.seen);
    let relation = |relation: &Relation| {
        let kind = match relkind(relation) {
            b'v' => "view",
            b'm' => "materialized view",
            b'S' => "sequence",
            b'c' => "composite type",
            _ => "table",
        };
        format!("{kind} {}", asker.seen.relation_text(relation))
    };
    match catalog {
        1259 => {
            let Some(found) = asker.seen.relation(object) else {
                return asker.seen.class_text(object).map(|text| format!("index {text}"));
            };
            match found.column_by_num(sub as i16).filter(|_| sub != 0) {
                Some(column) => Some(format!("column {} of {}", column.name, relation(found))),
                None => Some(relation(found)),
            }
        }
        1247 => named(oid::REGTYPE).map(|t| format!("type {t}")),
        1255 => named(oid::REGPROCEDURE).map(|t| format!("function {t}")),
        2617 => named(oid::REGOPERATOR).map(|t| format!("operator {t}")),
        2615 => named(oid::REGNAMESPACE).map(|t| format!("schema {t}")),
        1260 => named(oid::REGROLE).map(|t| format!("role {t}")),
        1262 => (object == crate::registry::builtin::DATABASE).then(|| format!("database {}", snapshot.database)),
        2604 => {
            let of = |r: &&Arc<Relation>| r.columns.iter().any(|c| attrdef_oid(r.oid, c.num) == object);
            let table = asker.seen.relation(snapshot.relations.values().find(of)?.oid)?;
            let column = table.columns.iter().find(|c| attrdef_oid(table.oid, c.num) == object)?;
            Some(format!("default value for column {} of {}", column.name, relation(table)))
        }
        2606 => match snapshot.objects().constraints.get(&object) {
            Some(table) => {
                let table = asker.seen.relation(*table)?;
                let constraint = table.constraints.iter().find(|c| c.oid == object)?;
                Some(format!("constraint {} on {}", constraint.name, relation(table)))
            }
            None => {
                let mut checks = snapshot.types.values().flat_map(|ty| domain_checks(ty));
                checks.find(|(check, _)| *check == object).map(|(_, name)| format!("constraint {name}"))
            }
        },
        2618 => {
            let view =
                snapshot.relations.values().find(|r| r.kind.definition().is_some() && rule_oid(r.oid) == object)?;
            Some(format!("rule _RETURN on {}", relation(asker.seen.relation(view.oid)?)))
        }
        3079 => snapshot.extensions.values().find(|e| e.oid == object).map(|e| format!("extension {}", e.name)),
        3256 => {
            let of = |r: &&Arc<Relation>| r.rules.policies.iter().any(|p| p.oid == object);
            let table = asker.seen.relation(snapshot.relations.values().find(of)?.oid)?;
            let policy = table.rules.policies.iter().find(|p| p.oid == object)?;
            Some(format!("policy {} on {}", policy.name, relation(table)))
        }
        _ => None,
    }
}
