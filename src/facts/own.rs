//! The settings that are the gateway's own, by name: what schema files may give to roles, and who may set them.

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
];

/// May only superusers set it, or take it back?
pub fn needs_superuser(setting: &str) -> bool {
    let key = setting.to_lowercase();
    match SETTINGS.get(&key) {
        Some(known) => known.context == "superuser",
        None => key.starts_with("duckgate.") && !FREE.contains(&key.as_str()),
    }
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
        OwnKind::Dialect => (matches!(text, "postgres" | "extended"), "postgres or extended"),
    };
    (!good).then(|| format!("\"{value}\" is no value for {setting}: {expected} is expected"))
}
