//! The settings that really act: their own checks (PostgreSQL's check hooks), and what they come to.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::super::quota::Quotas;
use super::definition::Value;
use super::zone;
use crate::error::{Error, Result, Severity, SqlState};
use crate::facts::directories;
use crate::policy::Ways;
use crate::sql::Dialect;
use crate::tree::Isolation;
use crate::types::encoding::Encoding;
use crate::types::{ByteaOutput, DateOrder, DateStyle, IntervalStyle, OutputSettings};

/// What the session does with its settings, read once when one of them changes.
#[derive(Debug, Clone)]
pub struct Acting {
    pub output: OutputSettings,
    /// The zone as DuckDB's ICU knows it.
    pub engine_zone: Arc<str>,
    /// The names in search_path, `$user` unexpanded.
    pub search_path: Arc<[String]>,
    pub statement_timeout: Option<Duration>,
    pub lock_timeout: Option<Duration>,
    pub idle_in_transaction: Option<Duration>,
    /// How long a transaction may take.
    pub transaction_timeout: Option<Duration>,
    pub idle_session: Option<Duration>,
    pub dialect: Dialect,
    pub keep_load_order: bool,
    pub standard_strings: bool,
    pub row_security: bool,
    /// check_function_bodies.
    pub check_bodies: bool,
    pub least_notice: Severity,
    pub default_isolation: Isolation,
    pub default_read_only: bool,
    pub default_deferrable: bool,
    /// What foreign keys do is another server's affair (session_replication_role).
    pub replica: bool,
    /// The limits of the role.
    pub quotas: Arc<Quotas>,
    /// What the role may do whatever its privileges on objects are.
    pub ways: Ways,
    /// Where it may read and write files of the server.
    pub read_directories: Arc<[PathBuf]>,
    pub write_directories: Arc<[PathBuf]>,
    pub application_name: Arc<str>,
}

/// The settings (lower case) that [`Acting`] is made from.
pub fn acts(key: &str) -> bool {
    matches!(
        key,
        "timezone"
            | "client_encoding"
            | "datestyle"
            | "intervalstyle"
            | "bytea_output"
            | "extra_float_digits"
            | "search_path"
            | "statement_timeout"
            | "lock_timeout"
            | "idle_in_transaction_session_timeout"
            | "idle_session_timeout"
            | "transaction_timeout"
            | "duckgate.dialect"
            | "duckgate.keep_load_order"
            | "duckgate.max_rows"
            | "duckgate.max_result_bytes"
            | "duckgate.max_load_rows"
            | "duckgate.max_running"
            | "duckgate.max_statement_time"
            | "duckgate.statements_per_second"
            | "duckgate.bytes_per_second"
            | "duckgate.copy_from"
            | "duckgate.copy_to"
            | "duckgate.ddl"
            | "duckgate.read_directories"
            | "duckgate.write_directories"
            | "standard_conforming_strings"
            | "row_security"
            | "check_function_bodies"
            | "client_min_messages"
            | "default_transaction_isolation"
            | "default_transaction_read_only"
            | "default_transaction_deferrable"
            | "session_replication_role"
            | "application_name"
    )
}

impl Acting {
    /// `get` gives the current value of a setting by its lower-case name. Values have passed [`check`].
    pub fn read(get: impl Fn(&str) -> Value) -> Self {
        let text = |key: &str| match get(key) {
            Value::Text(text) => text,
            _ => "".into(),
        };
        let flag = |key: &str| get(key) == Value::Bool(true);
        let int = |key: &str| match get(key) {
            Value::Int(n) => n,
            _ => 0,
        };
        let millis = |key: &str| match int(key) {
            0 => None,
            n => Some(Duration::from_millis(n.unsigned_abs())),
        };
        let limit = |key: &str| Some(int(key).unsigned_abs()).filter(|n| *n > 0);
        let (date_style, date_order) =
            date_style(&text("datestyle"), (DateStyle::Iso, DateOrder::Mdy)).unwrap_or_default();
        let time_zone = text("timezone");
        let folders = |key: &str| directories(&text(key)).unwrap_or_default();
        let (read_directories, write_directories) =
            (folders("duckgate.read_directories"), folders("duckgate.write_directories"));
        Self {
            engine_zone: zone::for_engine(&time_zone),
            output: OutputSettings {
                date_style,
                date_order,
                interval_style: match &*text("intervalstyle") {
                    "postgres_verbose" => IntervalStyle::PostgresVerbose,
                    "sql_standard" => IntervalStyle::SqlStandard,
                    "iso_8601" => IntervalStyle::Iso8601,
                    _ => IntervalStyle::Postgres,
                },
                bytea_output: if &*text("bytea_output") == "escape" { ByteaOutput::Escape } else { ByteaOutput::Hex },
                extra_float_digits: int("extra_float_digits").clamp(-15, 3) as i8,
                time_zone,
                client_encoding: Encoding::by_name(&text("client_encoding")).unwrap_or(Encoding::UTF8),
            },
            search_path: split_names(&text("search_path")).unwrap_or_default().into(),
            statement_timeout: millis("statement_timeout"),
            lock_timeout: millis("lock_timeout"),
            idle_in_transaction: millis("idle_in_transaction_session_timeout"),
            transaction_timeout: millis("transaction_timeout"),
            idle_session: millis("idle_session_timeout"),
            dialect: if &*text("duckgate.dialect") == "postgres" { Dialect::Postgres } else { Dialect::Extended },
            keep_load_order: flag("duckgate.keep_load_order"),
            standard_strings: flag("standard_conforming_strings"),
            row_security: flag("row_security"),
            check_bodies: flag("check_function_bodies"),
            least_notice: least_notice(&text("client_min_messages")),
            default_isolation: isolation(&text("default_transaction_isolation")),
            default_read_only: flag("default_transaction_read_only"),
            default_deferrable: flag("default_transaction_deferrable"),
            replica: &*text("session_replication_role") == "replica",
            quotas: Arc::new(Quotas {
                running: limit("duckgate.max_running"),
                statement_time: millis("duckgate.max_statement_time"),
                rows: limit("duckgate.max_rows"),
                result_bytes: limit("duckgate.max_result_bytes"),
                load_rows: limit("duckgate.max_load_rows"),
                statements_per_second: limit("duckgate.statements_per_second"),
                bytes_per_second: limit("duckgate.bytes_per_second"),
            }),
            ways: Ways {
                copy_from: flag("duckgate.copy_from"),
                copy_to: flag("duckgate.copy_to"),
                ddl: flag("duckgate.ddl"),
                read_files: !read_directories.is_empty(),
                write_files: !write_directories.is_empty(),
            },
            read_directories: read_directories.into(),
            write_directories: write_directories.into(),
            application_name: text("application_name"),
        }
    }
}

fn least_notice(text: &str) -> Severity {
    match text {
        "log" => Severity::Log,
        "notice" => Severity::Notice,
        "warning" => Severity::Warning,
        "error" => Severity::Error,
        _ => Severity::Debug,
    }
}

pub fn isolation(text: &str) -> Isolation {
    match text {
        "serializable" => Isolation::Serializable,
        "repeatable read" => Isolation::RepeatableRead,
        "read uncommitted" => Isolation::ReadUncommitted,
        _ => Isolation::ReadCommitted,
    }
}

pub fn isolation_name(isolation: Isolation) -> &'static str {
    match isolation {
        Isolation::ReadUncommitted => "read uncommitted",
        Isolation::ReadCommitted => "read committed",
        Isolation::RepeatableRead => "repeatable read",
        Isolation::Serializable => "serializable",
    }
}

fn invalid(name: &str, text: &str) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid value for parameter \"{name}\": \"{text}\""))
}

/// The check that a setting makes of a value that its type allows; gives the value as it will be kept and shown.
/// `old` is the current value, which a partial DateStyle keeps the rest of.
pub fn check(name: &str, value: Value, old: &Value) -> Result<Value> {
    let Value::Text(text) = &value else { return check_plain(name, value) };
    let kept: Arc<str> = match name {
        "TimeZone" | "log_timezone" => zone::canonical(text).ok_or_else(|| invalid(name, text))??.into(),
        "DateStyle" => {
            let before = match old {
                Value::Text(old) => date_style(old, Default::default()).unwrap_or_default(),
                _ => Default::default(),
            };
            let (style, order) = date_style(text, before).map_err(|detail| invalid(name, text).detail(detail))?;
            date_style_text(style, order).into()
        }
        "client_encoding" => client_encoding(text)?.into(),
        "default_text_search_config" => {
            let own = crate::types::text::search_configuration(text).ok_or_else(|| invalid(name, text))?;
            format!("pg_catalog.{}", own.name).into()
        }
        "duckgate.read_directories" | "duckgate.write_directories" => {
            let detail = "Absolute names of folders are expected, separated by commas.";
            directories(text).ok_or_else(|| invalid(name, text).detail(detail))?;
            text.clone()
        }
        "search_path" | "temp_tablespaces" => {
            split_names(text).ok_or_else(|| invalid(name, text).detail("List syntax is invalid."))?;
            text.clone()
        }
        // Non-ASCII bytes could confuse a terminal that shows pg_stat_activity; PostgreSQL replaces them too.
        "application_name" => {
            text.chars().map(|c| if (' '..='~').contains(&c) { c } else { '?' }).collect::<String>().into()
        }
        "lc_monetary" | "lc_numeric" | "lc_time" | "lc_messages" => match &**text {
            "" | "C" | "POSIX" | "C.UTF-8" | "C.utf8" => text.clone(),
            _ => return Err(invalid(name, text)),
        },
        "password_encryption" if &**text == "md5" => return Err(refused(name, text)),
        "default_table_access_method" if &**text != "heap" => {
            let missing = format!("Table access method \"{text}\" does not exist.");
            return Err(invalid(name, text).detail(missing));
        }
        "default_tablespace" if !matches!(&**text, "" | "pg_default") => {
            return Err(invalid(name, text).detail(format!("Tablespace \"{text}\" does not exist.")));
        }
        _ => text.clone(),
    };
    Ok(Value::Text(kept))
}

/// Values that would change what SQL means, in ways that the gateway does not follow, are refused.
fn check_plain(name: &str, value: Value) -> Result<Value> {
    match (name, &value) {
        // The parser reads backslashes in plain strings literally: off would store other text than was meant.
        ("array_nulls" | "standard_conforming_strings", Value::Bool(false)) => Err(refused(name, "off")),
        ("transform_null_equals" | "quote_all_identifiers" | "zero_damaged_pages", Value::Bool(true)) => {
            Err(refused(name, "on"))
        }
        _ => Ok(value),
    }
}

/// PL/pgSQL's own settings, which the gateway does not follow.
pub(super) fn check_custom(key: &str, text: Option<&str>) -> Result<()> {
    let plain: &[&str] = match key {
        "plpgsql.extra_errors" => &["", "none"],
        "plpgsql.check_asserts" => &["", "on", "true", "yes", "1"],
        "plpgsql.print_strict_params" => &["", "off", "false", "no", "0"],
        "plpgsql.variable_conflict" => &["", "error"],
        _ => return Ok(()),
    };
    match text {
        Some(text) if !plain.iter().any(|word| text.eq_ignore_ascii_case(word)) => Err(refused(key, text)),
        _ => Ok(()),
    }
}

fn refused(name: &str, text: &str) -> Error {
    Error::unsupported(format!("setting \"{name}\" to \"{text}\""))
        .hint("The gateway behaves as with the default value of this parameter.")
}

/// PostgreSQL's name for the encoding. SQL_ASCII means that bytes go through unconverted.
fn client_encoding(text: &str) -> Result<&'static str> {
    let encoding = Encoding::by_name(text).ok_or_else(|| invalid("client_encoding", text))?;
    if encoding.is_known() {
        return Ok(encoding.name());
    }
    let mut error = invalid("client_encoding", text)
        .detail(format!("Conversion between {} and UTF8 is not supported.", encoding.name()))
        .hint("Set client_encoding to UTF8.");
    error.report_mut().code = SqlState::FEATURE_NOT_SUPPORTED;
    Err(error)
}

/// Reads a DateStyle; what it leaves out stays as `before`. The error is PostgreSQL's detail.
fn date_style(text: &str, before: (DateStyle, DateOrder)) -> Result<(DateStyle, DateOrder), String> {
    let (mut style, mut order) = (None, None);
    let conflict = || "Conflicting \"datestyle\" specifications.".to_owned();
    for word in text.split(',') {
        let word = word.trim();
        let lower = word.to_ascii_lowercase();
        let (new_style, new_order) = match lower.as_str() {
            "iso" => (Some(DateStyle::Iso), None),
            "sql" => (Some(DateStyle::Sql), None),
            "german" => (Some(DateStyle::German), None),
            _ if lower.starts_with("postgres") => (Some(DateStyle::Postgres), None),
            "ymd" => (None, Some(DateOrder::Ymd)),
            "dmy" => (None, Some(DateOrder::Dmy)),
            "mdy" | "us" => (None, Some(DateOrder::Mdy)),
            _ if lower.starts_with("euro") => (None, Some(DateOrder::Dmy)),
            _ if lower.starts_with("noneuro") => (None, Some(DateOrder::Mdy)),
            "default" => (Some(DateStyle::Iso), Some(DateOrder::Mdy)),
            _ => return Err(format!("Unrecognized key word: \"{word}\".")),
        };
        if let Some(new) = new_style
            && style.replace(new).is_some_and(|old| old != new)
        {
            return Err(conflict());
        }
        if let Some(new) = new_order
            && order.replace(new).is_some_and(|old| old != new)
        {
            return Err(conflict());
        }
    }
    // German implies day before month, unless an order is named.
    let order = order.unwrap_or(if style == Some(DateStyle::German) { DateOrder::Dmy } else { before.1 });
    Ok((style.unwrap_or(before.0), order))
}

fn date_style_text(style: DateStyle, order: DateOrder) -> String {
    let style = match style {
        DateStyle::Iso => "ISO",
        DateStyle::Sql => "SQL",
        DateStyle::Postgres => "Postgres",
        DateStyle::German => "German",
    };
    let order = match order {
        DateOrder::Ymd => "YMD",
        DateOrder::Dmy => "DMY",
        DateOrder::Mdy => "MDY",
    };
    format!("{style}, {order}")
}

/// PostgreSQL's SplitIdentifierString: names separated by commas, quoted or folded to lower case. `None` if malformed.
pub fn split_names(text: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut rest = text.trim_start();
    if rest.is_empty() {
        return Some(names);
    }
    loop {
        if let Some(mut quoted) = rest.strip_prefix('"') {
            let mut name = String::new();
            loop {
                let end = quoted.find('"')?;
                name.push_str(&quoted[..end]);
                quoted = &quoted[end + 1..];
                match quoted.strip_prefix('"') {
                    Some(more) => {
                        name.push('"');
                        quoted = more;
                    }
                    None => break,
                }
            }
            names.push(name);
            rest = quoted.trim_start();
        } else {
            let end = rest.find(|c: char| c == ',' || c.is_whitespace()).unwrap_or(rest.len());
            if end == 0 {
                return None;
            }
            names.push(rest[..end].to_lowercase());
            rest = rest[end..].trim_start();
        }
        match rest.strip_prefix(',') {
            Some(more) => rest = more.trim_start(),
            None if rest.is_empty() => return Some(names),
            None => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_as_postgresql_does() {
        assert_eq!(split_names("\"$user\", public").unwrap(), ["$user", "public"]);
        assert_eq!(split_names("A,\"B \"\"c\"").unwrap(), ["a", "B \"c"]);
        assert_eq!(split_names("").unwrap(), Vec::<String>::new());
        assert!(split_names("a,,b").is_none());
        assert!(split_names("a b").is_none());
        assert!(split_names("\"a").is_none());
    }

    #[test]
    fn checks_keep_what_postgresql_keeps() {
        let text = |s: &str| Value::Text(s.into());
        let kept = |name: &str, new: &str, old: &str| match check(name, text(new), &text(old)) {
            Ok(Value::Text(kept)) => kept.to_string(),
            Ok(other) => format!("{other:?}"),
            Err(e) => format!("{}: {}", e.code(), e.report().detail.clone().unwrap_or(e.report().message.clone())),
        };
        let cases = [
            ("DateStyle", "sql", "ISO, DMY", "SQL, DMY"),
            ("DateStyle", "european", "ISO, MDY", "ISO, DMY"),
            ("DateStyle", "german", "ISO, MDY", "German, DMY"),
            ("DateStyle", "iso,sql", "", "22023: Conflicting \"datestyle\" specifications."),
            ("DateStyle", "foo", "", "22023: Unrecognized key word: \"foo\"."),
            ("client_encoding", "utf-8", "", "UTF8"),
            ("client_encoding", "latin-1", "", "LATIN1"),
            ("client_encoding", "gb18030", "", "0A000: Conversion between GB18030 and UTF8 is not supported."),
            ("client_encoding", "foo", "", "22023: invalid value for parameter \"client_encoding\": \"foo\""),
            ("search_path", "a,,b", "", "22023: List syntax is invalid."),
            ("TimeZone", "europe/berlin", "", "Europe/Berlin"),
            ("TimeZone", "5", "", "<+05>-05"),
            ("TimeZone", "-02:00", "", "-02:00"),
            ("TimeZone", "interval '-08:00'", "", "<-08>+08"),
            ("TimeZone", "FOO+3", "", "FOO+3"),
            (
                "TimeZone",
                "+05:30",
                "",
                "0A000: a time zone given as an offset that is not a whole number of hours from -12 to 14 is not supported",
            ),
            ("TimeZone", "nowhere", "", "22023: invalid value for parameter \"TimeZone\": \"nowhere\""),
            ("application_name", "caf\u{e9}", "", "caf?"),
        ];
        for (name, new, old, expected) in cases {
            assert_eq!(kept(name, new, old), expected, "{name} = {new}");
        }
    }
}
