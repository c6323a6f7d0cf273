//! Storage parameters of tables and indexes (`WITH (fillfactor = 70)`): PostgreSQL's reloptions. The catalog shows them, dumps
//! bring them, and nothing is done with them; but their names and values must be PostgreSQL's.

use super::Name;
use crate::error::{Error, Result, SqlState};
use crate::types::text::parse_bool;

/// Whose parameters they are.
#[derive(Debug, Clone, Copy)]
pub enum Holder<'a> {
    Table,
    /// It has no rows of its own, and no parameters.
    PartitionedTable,
    /// Of an access method.
    Index(&'a str),
}

/// What values a parameter takes.
#[derive(Debug, Clone, Copy)]
enum Takes {
    Bool,
    Integer(i64, i64),
    Real(f64, f64),
    OneOf(&'static [&'static str]),
}

const MOST: i64 = i32::MAX as i64;
const SWITCH: &[&str] = &["auto", "on", "off", "true", "false", "yes", "no", "1", "0"];

const TABLE: &[(&str, Takes)] = &[
    ("autovacuum_analyze_scale_factor", Takes::Real(0.0, 100.0)),
    ("autovacuum_analyze_threshold", Takes::Integer(0, MOST)),
    ("autovacuum_enabled", Takes::Bool),
    ("autovacuum_freeze_max_age", Takes::Integer(100_000, 2_000_000_000)),
    ("autovacuum_freeze_min_age", Takes::Integer(0, 1_000_000_000)),
    ("autovacuum_freeze_table_age", Takes::Integer(0, 2_000_000_000)),
    ("autovacuum_multixact_freeze_max_age", Takes::Integer(10_000, 2_000_000_000)),
    ("autovacuum_multixact_freeze_min_age", Takes::Integer(0, 1_000_000_000)),
    ("autovacuum_multixact_freeze_table_age", Takes::Integer(0, 2_000_000_000)),
    ("autovacuum_vacuum_cost_delay", Takes::Real(0.0, 100.0)),
    ("autovacuum_vacuum_cost_limit", Takes::Integer(1, 10_000)),
    ("autovacuum_vacuum_insert_scale_factor", Takes::Real(0.0, 100.0)),
    ("autovacuum_vacuum_insert_threshold", Takes::Integer(-1, MOST)),
    ("autovacuum_vacuum_scale_factor", Takes::Real(0.0, 100.0)),
    ("autovacuum_vacuum_threshold", Takes::Integer(0, MOST)),
    ("fillfactor", Takes::Integer(10, 100)),
    ("log_autovacuum_min_duration", Takes::Integer(-1, MOST)),
    ("parallel_workers", Takes::Integer(0, 1024)),
    ("toast_tuple_target", Takes::Integer(128, 8160)),
    ("user_catalog_table", Takes::Bool),
    ("vacuum_index_cleanup", Takes::OneOf(SWITCH)),
    ("vacuum_truncate", Takes::Bool),
];

const FILL: (&str, Takes) = ("fillfactor", Takes::Integer(10, 100));

fn known(holder: Holder<'_>) -> &'static [(&'static str, Takes)] {
    match holder {
        Holder::Table => TABLE,
        Holder::PartitionedTable => &[],
        Holder::Index("btree") => &[FILL, ("deduplicate_items", Takes::Bool)],
        Holder::Index("gin") => &[("fastupdate", Takes::Bool), ("gin_pending_list_limit", Takes::Integer(64, MOST))],
        Holder::Index("gist") => &[FILL, ("buffering", Takes::OneOf(&["auto", "on", "off"]))],
        Holder::Index("brin") => &[("pages_per_range", Takes::Integer(1, 131_072)), ("autosummarize", Takes::Bool)],
        Holder::Index(_) => &[FILL],
    }
}

fn invalid(message: String) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

fn check(holder: Holder<'_>, name: &str, value: &str) -> Result<()> {
    let Some((_, takes)) = known(holder).iter().find(|(known, _)| *known == name) else {
        return Err(invalid(format!("unrecognized parameter \"{name}\"")));
    };
    let wrong = |kind: &str| Err(invalid(format!("invalid value for {kind} option \"{name}\": {value}")));
    let outside = |from: String, to: String| {
        Err(invalid(format!("value {value} out of bounds for option \"{name}\""))
            .detail(format!("Valid values are between \"{from}\" and \"{to}\".")))
    };
    match *takes {
        Takes::Bool if parse_bool(value).is_err() => wrong("boolean"),
        Takes::Integer(from, to) => match value.trim().parse::<i64>() {
            Ok(number) if (from..=to).contains(&number) => Ok(()),
            Ok(_) => outside(from.to_string(), to.to_string()),
            Err(_) => wrong("integer"),
        },
        Takes::Real(from, to) => match value.trim().parse::<f64>() {
            Ok(number) if (from..=to).contains(&number) => Ok(()),
            Ok(_) => outside(format!("{from:.6}"), format!("{to:.6}")),
            Err(_) => wrong("floating point"),
        },
        Takes::OneOf(words) if !words.contains(&value.to_ascii_lowercase().as_str()) => {
            wrong("enum").map_err(|error| error.detail("Valid values are \"on\", \"off\", and \"auto\"."))
        }
        Takes::Bool | Takes::OneOf(_) => Ok(()),
    }
}

/// Sets parameters among those that are kept, as `name=value`. One without a value is true; those of a table's TOAST table
/// (`toast.…`) are nowhere to be kept.
pub fn set(kept: &mut Vec<String>, holder: Holder<'_>, options: &[(Name, Option<String>)]) -> Result<()> {
    for (i, (name, value)) in options.iter().enumerate() {
        if options[..i].iter().any(|(other, _)| other == name) {
            return Err(invalid(format!("parameter \"{name}\" specified more than once")));
        }
        let value = value.as_deref().unwrap_or("true");
        if let (Some((namespace, of_toast)), Holder::Table | Holder::PartitionedTable) = (name.split_once('.'), holder)
        {
            if namespace != "toast" {
                return Err(invalid(format!("unrecognized parameter namespace \"{namespace}\"")));
            }
            if matches!(holder, Holder::Table) {
                check(holder, of_toast, value)?;
            }
            continue;
        }
        check(holder, name, value)?;
        reset(kept, std::slice::from_ref(name));
        kept.push(format!("{name}={value}"));
    }
    Ok(())
}

/// Takes parameters away, whether they are there or not.
pub fn reset(kept: &mut Vec<String>, names: &[Name]) {
    kept.retain(|option| option.split_once('=').is_none_or(|(known, _)| !names.iter().any(|name| **name == *known)));
}
