//! The settings that are the gateway's own, by name: what schema files may give to roles, and who may set them.

use std::path::{Component, PathBuf};

use super::SETTINGS;

/// What a value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnKind {
    Bool,
    /// A whole number; 0 is no limit.
    Number,
    /// Bytes, or with a unit.
    Bytes,
    /// Milliseconds, or with a unit.
    Time,
    Dialect,
    /// Folders of the server.
    Directories,
}

/// Those that every role sets for itself.
const FREE: [&str; 2] = ["duckgate.dialect", "duckgate.keep_load_order"];

/// All of them but [`FREE`] ones are limits and ways of a role, which only superusers set.
pub const OWN_SETTINGS: &[(&str, OwnKind)] = &[
    ("duckgate.dialect", OwnKind::Dialect),
    ("duckgate.keep_load_order", OwnKind::Bool),
    ("duckgate.max_rows", OwnKind::Number),
    ("duckgate.max_result_bytes", OwnKind::Bytes),
    ("duckgate.max_load_rows", OwnKind::Number),
    ("duckgate.max_running", OwnKind::Number),
    ("duckgate.max_statement_time", OwnKind::Time),
    ("duckgate.statements_per_second", OwnKind::Number),
    ("duckgate.bytes_per_second", OwnKind::Bytes),
    ("duckgate.copy_from", OwnKind::Bool),
    ("duckgate.copy_to", OwnKind::Bool),
    ("duckgate.ddl", OwnKind::Bool),
    ("duckgate.read_directories", OwnKind::Directories),
    ("duckgate.write_directories", OwnKind::Directories),
];

/// May only superusers set it, or take it back?
pub fn needs_superuser(setting: &str) -> bool {
    let key = setting.to_lowercase();
    match SETTINGS.get(&key) {
        Some(known) => known.context == "superuser",
        None => key.starts_with("duckgate.") && !FREE.contains(&key.as_str()),
    }
}

/// Folders as settings name them: absolute, without `..`, separated by commas.
pub fn directories(text: &str) -> Option<Vec<PathBuf>> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let folder = |part: &str| {
        let path = PathBuf::from(part);
        let plain = path.components().all(|c| matches!(c, Component::RootDir | Component::Normal(_)));
        (path.is_absolute() && plain && !part.contains('\0')).then_some(path)
    };
    parts.map(folder).collect()
}

/// What one would call a role's share of memory. There is none: DuckDB has one limit for all, and does not tell whose a buffer is.
const SHARES: [&str; 4] = ["duckgate.memory_share", "duckgate.max_memory", "duckgate.memory_limit", "duckgate.memory"];

pub const NO_SHARE: &str = "a role has no share of memory: the engine has one limit for all, memory_limit";
pub const INSTEAD: &str = "what bounds it: duckgate.max_running, duckgate.max_statement_time, duckgate.max_result_bytes, duckgate.max_load_rows";

/// Is this the name of a limit that would be a promise that does not hold?
pub fn is_share_of_memory(setting: &str) -> bool {
    SHARES.iter().any(|share| share.eq_ignore_ascii_case(setting))
}

/// What is wrong with a value for one of them; `None` if nothing is, or the name is none of them.
pub fn wrong_value(setting: &str, value: &str) -> Option<String> {
    let key = setting.to_lowercase();
    let (_, kind) = OWN_SETTINGS.iter().find(|(name, _)| *name == key)?;
    let text = value.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number = text[..digits].parse::<i64>().is_ok();
    let unit = text[digits..].trim();
    let (good, expected) = match kind {
        OwnKind::Bool => (matches!(text.to_ascii_lowercase().as_str(), "on" | "off" | "true" | "false"), "on or off"),
        OwnKind::Number => (number && unit.is_empty(), "a whole number"),
        OwnKind::Bytes => (number && matches!(unit, "" | "B" | "kB" | "MB" | "GB" | "TB"), "a size such as 64MB"),
        OwnKind::Time => (number && matches!(unit, "" | "ms" | "s" | "min" | "h" | "d"), "a time such as 30s"),
        OwnKind::Directories => (directories(text).is_some(), "a list of absolute folder names"),
        OwnKind::Dialect => (matches!(text, "postgres" | "extended"), "postgres or extended"),
    };
    (!good).then(|| format!("\"{value}\" is no value for {setting}: {expected} is expected"))
}
