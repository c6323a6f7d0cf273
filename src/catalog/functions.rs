//! PostgreSQL's functions that read its catalogs: natives that ask the session's snapshot.

use std::sync::Arc;

use num_bigint::{BigInt, Sign};

use super::{acl, definitions, index_properties, names, partitions, privileges, procs, rows_of, signals};
use crate::engine::Native;
use crate::engine::directory::{self, SessionView};
use crate::engine::vector::{NumericText, Oid as OidArg, TextList, native1, native2, native3, native4};
use crate::error::{Error, Result, SqlState};
use crate::registry::seen::Seen;
use crate::registry::{Column, RelationKind, Snapshot};
use crate::types::Oid;
use crate::types::encoding::Encoding;
use crate::types::numeric::Numeric;

/// Who asks: the session behind the number that each of these gets first.
pub(crate) struct Asker {
    pub view: Arc<dyn SessionView>,
    pub snapshot: Arc<Snapshot>,
    /// The snapshot as this session sees it: what names mean, and what its role may know of.
    pub seen: Seen,
}

pub(crate) fn ask(session: i64) -> Result<Asker> {
    let view = directory::session(session as u64)?;
    let snapshot = view.snapshot();
    let seen = Seen::new(Arc::clone(&snapshot), view.search_path(), view.role());
    Ok(Asker { view, snapshot, seen })
}

/// The natives that sql::signatures::system names.
pub fn natives() -> Vec<Native> {
    let mut all = own();
    all.extend(settings());
    all.extend(acl::natives());
    all.extend(names::natives());
    all.push(super::all_settings::settings());
    all.extend(signals::natives());
    all.extend(definitions::natives());
    all.extend(index_properties::natives());
    all.extend(procs::natives());
    all.extend(partitions::natives());
    all.extend(privileges::natives());
    all.extend(rows_of::natives());
    all
}

fn own() -> Vec<Native> {
    vec![
        native2::<i64, OidArg, str>("dg_pg_get_userbyid", |s, role| {
            let found = ask(s)?.snapshot.role_by_oid(role).map(|r| r.name.to_string());
            Ok(Some(found.unwrap_or_else(|| format!("unknown (OID={role})"))))
        }),
        native2::<i64, OidArg, bool>("dg_pg_relation_is_publishable", |s, oid| {
            let found = ask(s)?.seen.relation(oid).map(|r| {
                matches!(r.kind, crate::registry::RelationKind::Table)
                    && !r.temporary
                    && oid >= crate::types::oid::FIRST_USER
            });
            Ok(found)
        }),
        native1::<i32, str>("dg_pg_encoding_to_char", |n| {
            Ok(Some(Encoding::by_number(n).map_or_else(String::new, |e| e.name().to_owned())))
        }),
        native1::<str, i32>("dg_pg_char_to_encoding", |name| {
            Ok(Some(Encoding::by_name(name).map_or(-1, Encoding::number)))
        }),
        native1::<i32, i32>("dg_pg_encoding_max_length", |n| Ok(Encoding::by_number(n).map(Encoding::max_length))),
        native2::<i64, OidArg, bool>("dg_pg_relation_is_table", |s, oid| {
            Ok(ask(s)?.seen.relation(oid).map(|r| r.kind.is_stored()))
        }),
        native2::<i64, OidArg, i32>("dg_pg_relation_is_updatable", |s, oid| Ok(Some(updatable(&ask(s)?, oid)))),
        native3::<i64, OidArg, i32, bool>("dg_pg_column_is_updatable", |s, oid, attnum| {
            let asker = ask(s)?;
            Ok(Some(i16::try_from(attnum).is_ok_and(|num| column_updatable(&asker, oid, num))))
        }),
        native2::<i64, OidArg, bool>("dg_pg_counts", |s, oid| {
            let asker = ask(s)?;
            let role = asker.view.role();
            let owned = asker.seen.relation(oid).is_some_and(|r| asker.snapshot.has_rights_of(role, r.owner));
            Ok(Some(owned && oid >= crate::types::oid::FIRST_USER))
        }),
        native2::<i64, OidArg, bool>("dg_row_security_active", |s, oid| {
            let asker = ask(s)?;
            let found = asker.snapshot.relation_by_oid(oid);
            let active = |r: &std::sync::Arc<crate::registry::Relation>| {
                matches!(asker.snapshot.row_security(asker.view.role(), r), crate::registry::RowSecurity::On { .. })
            };
            Ok(Some(found.is_some_and(active)))
        }),
        native1::<i64, OidArg>("dg_pg_my_temp_schema", |s| {
            let temporary = ask(s)?.snapshot.relations.values().any(|r| r.temporary);
            Ok(Some(if temporary { super::tables::TEMPORARY_NAMESPACE } else { 0 }))
        }),
        keywords(),
        available_extensions(),
        native1::<NumericText, str>("dg_pg_size_pretty_numeric", |bytes| {
            // What is smaller than the second unit keeps its fraction; the others are not cut to it.
            match bytes.split('.').next().unwrap_or_default().parse::<BigInt>() {
                Ok(whole) if whole.magnitude() < &(10u32 * 1024).into() => Ok(Some(format!("{bytes} bytes"))),
                Ok(whole) => Ok(Some(size_pretty(whole))),
                Err(_) => Ok(Some(format!("{bytes} PB"))),
            }
        }),
        native1::<str, i64>("dg_pg_size_bytes", |text| size_bytes(text).map(Some)),
        native1::<str, str>("dg_pg_stat_reset_shared", |target| match target {
            "archiver" | "bgwriter" | "recovery_prefetch" | "wal" => Ok(Some(String::new())),
            _ => {
                let message = format!("unrecognized reset target: \"{target}\"");
                let hint = r#"Target must be "archiver", "bgwriter", "recovery_prefetch", or "wal"."#;
                Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).hint(hint))
            }
        }),
        native1::<i64, str>("dg_pg_size_pretty", |bytes| Ok(Some(size_pretty(bytes.into())))),
    ]
}

/// pg_get_keywords(): its rows as a list.
fn keywords() -> Native {
    use crate::types::{ArrayValue, PgType, Phys, Value, oid};
    let fields = vec![Phys::Text, Phys::Text, Phys::Bool, Phys::Text, Phys::Text];
    let result = Phys::List(Box::new(Phys::Row(fields.into())));
    crate::engine::vector::native_values("dg_pg_get_keywords", vec![Phys::Int8], result, |_| {
        let t = &*crate::facts::KEYWORD_ROWS;
        let row = |r: &crate::facts::Row| {
            let text = |c: &str, ty| (PgType::new(ty), t.get(r, c).map_or(Value::Null, Value::text));
            let label = (PgType::new(oid::BOOL), Value::Bool(t.get(r, "barelabel") == Some("t")));
            Value::Row(vec![
                text("word", oid::TEXT),
                text("catcode", oid::CHAR),
                label,
                text("catdesc", oid::TEXT),
                text("baredesc", oid::TEXT),
            ])
        };
        let items: Vec<Value> = t.rows.iter().map(row).collect();
        let dims = vec![(items.len() as i32, 1)];
        Ok(Value::Array(ArrayValue { element: oid::RECORD, dims, items }))
    })
}

/// pg_available_extensions(), which psql 18 asks where the view stood before.
fn available_extensions() -> Native {
    use crate::registry::extension::{AVAILABLE, PLPGSQL};
    use crate::types::{ArrayValue, PgType, Phys, Value, oid};
    let result = Phys::List(Box::new(Phys::Row(vec![Phys::Text; 3].into())));
    crate::engine::vector::native_values("dg_pg_available_extensions", vec![Phys::Int8], result, |_| {
        let row = |(name, version, comment): (&str, &str, &str)| {
            let text = |ty, value| (PgType::new(ty), Value::text(value));
            Value::Row(vec![text(oid::NAME, name), text(oid::TEXT, version), text(oid::TEXT, comment)])
        };
        let all = AVAILABLE.iter().chain([&PLPGSQL]);
        let items: Vec<Value> = all.map(|known| row((known.name, known.version, known.comment))).collect();
        let dims = vec![(items.len() as i32, 1)];
        Ok(Value::Array(ArrayValue { element: oid::RECORD, dims, items }))
    })
}

/// bytes, kB, MB, GB, TB, PB: the largest unit that leaves a number of at most five digits, halves rounded away.
fn size_pretty(bytes: BigInt) -> String {
    const UNITS: [&str; 6] = ["bytes", "kB", "MB", "GB", "TB", "PB"];
    if bytes.magnitude() < &(10u32 * 1024).into() {
        return format!("{bytes} bytes");
    }
    // One bit is kept for rounding until the unit is found.
    let mut size: BigInt = bytes / 512;
    for (i, unit) in UNITS.iter().enumerate().skip(1) {
        if size.magnitude() < &(20u32 * 1024 - 1).into() || i == UNITS.len() - 1 {
            let half = if size.sign() == Sign::Minus { -1 } else { 1 };
            return format!("{} {unit}", (size + half) / 2);
        }
        size /= 1024;
    }
    String::new()
}

/// The bytes of a size with its unit: `1.5 kB`.
fn size_bytes(text: &str) -> Result<i64> {
    const UNITS: [&str; 6] = ["bytes", "kb", "mb", "gb", "tb", "pb"];
    let wrong = || Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid size: \"{text}\""));
    let blank = |c: char| matches!(c, ' ' | '\t'..='\r');
    let given = text.trim_start_matches(blank);
    let digits = |from: usize| given[from..].bytes().take_while(u8::is_ascii_digit).count();
    let mut end = usize::from(given.starts_with(['-', '+']));
    let whole = digits(end);
    end += whole;
    let mut fraction = 0;
    if given[end..].starts_with('.') {
        fraction = digits(end + 1);
        end += 1 + fraction;
    }
    if whole + fraction == 0 {
        return Err(wrong());
    }
    if given[end..].starts_with(['e', 'E']) {
        let sign = usize::from(given[end + 1..].starts_with(['-', '+']));
        let exponent = digits(end + 1 + sign);
        end += if exponent > 0 { 1 + sign + exponent } else { 0 };
    }
    let unit = given[end..].trim_matches(blank);
    let shift = match unit {
        "" => Some(0),
        unit => UNITS.iter().position(|known| unit.eq_ignore_ascii_case(known)),
    };
    let Some(shift) = shift else {
        let valid = r#"Valid units are "bytes", "kB", "MB", "GB", "TB", and "PB"."#;
        return Err(wrong().detail(format!("Invalid size unit: \"{unit}\".")).hint(valid));
    };
    let bytes = Numeric::parse(&given[..end])?.mul(&Numeric::from_i128(1 << (10 * shift)))?;
    bytes.to_i64().ok_or_else(|| Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range"))
}

fn settings() -> Vec<Native> {
    vec![
        volatile(native2::<i64, str, str>("dg_current_setting", |s, name| {
            let value = ask(s)?.view.setting(name);
            value.map(Some).ok_or_else(|| {
                Error::new(SqlState::UNDEFINED_OBJECT, format!("unrecognized configuration parameter \"{name}\""))
            })
        })),
        volatile(native1::<i64, str>("dg_pg_client_encoding", |s| Ok(ask(s)?.view.setting("client_encoding")))),
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
        volatile(native1::<i64, str>("dg_current_query", |s| {
            let view = ask(s)?.view;
            let own = view.activity().into_iter().find(|a| a.session == view.id());
            Ok(own.map(|a| a.query.to_string()))
        })),
        volatile(native2::<i64, f64, str>("dg_pg_sleep", |s, seconds| {
            let asker = ask(s)?;
            let step = std::time::Duration::from_millis(5);
            let end = std::time::Instant::now()
                + std::time::Duration::try_from_secs_f64(seconds.clamp(0.0, 1e9)).unwrap_or_default();
            while std::time::Instant::now() < end {
                if let Some(error) = asker.view.stopping() {
                    return Err(error);
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

pub(super) fn volatile(native: Native) -> Native {
    Native { volatile: true, ..native }
}

/// Bits of the commands that a relation takes: update 2, insert 3, delete 4.
fn updatable(asker: &Asker, oid: Oid) -> i32 {
    const DELETE: i32 = 1 << 4;
    const ALL: i32 = (1 << 2) | (1 << 3) | DELETE;
    let Some(relation) = asker.seen.relation(oid) else { return 0 };
    if matches!(relation.kind, RelationKind::Table) {
        return ALL;
    }
    let Some(over) = &relation.rules.over else { return 0 };
    if updatable(asker, over.relation) & DELETE == 0 {
        return 0;
    }
    let takes = |column: &Column| column_updatable(asker, oid, column.num);
    if relation.columns.iter().any(takes) { ALL } else { DELETE }
}

fn column_updatable(asker: &Asker, oid: Oid, attnum: i16) -> bool {
    let Some(relation) = asker.seen.relation(oid).filter(|_| attnum > 0) else { return false };
    if matches!(relation.kind, RelationKind::Table) {
        return relation.column_by_num(attnum).is_some();
    }
    let Some(over) = &relation.rules.over else { return false };
    let place = relation.columns.iter().position(|c| c.num == attnum);
    let below = place.and_then(|at| over.columns.get(at).copied().flatten());
    below.is_some_and(|num| column_updatable(asker, over.relation, num))
}
