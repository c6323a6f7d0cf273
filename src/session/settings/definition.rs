//! What settings there are: PostgreSQL's own with our defaults where they differ, those that PostgreSQL hides, and ours.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use super::value::{self, Unit};
use crate::facts;

/// The version that clients are told: PostgreSQL's, so that drivers choose the right protocol and catalog queries.
pub const SERVER_VERSION: &str = concat!("15.18 (Duckgate ", env!("CARGO_PKG_VERSION"), ")");
/// What `version()` says.
pub const VERSION_TEXT: &str =
    concat!("PostgreSQL 15.18 (Duckgate ", env!("CARGO_PKG_VERSION"), ") on ", "DuckDB 1.5.5, 64-bit");

/// A setting's value, typed.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Bool(bool),
    Int(i64),
    Real(f64),
    Text(Arc<str>),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Bool,
    Int { min: i64, max: i64, unit: Option<Unit> },
    Real { min: f64, max: f64, unit: Option<Unit> },
    Text,
    Enum(Vec<&'static str>),
}

/// Who may change a setting, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    Internal,
    Postmaster,
    Sighup,
    Backend,
    Superuser,
    User,
}

#[derive(Debug)]
pub struct Definition {
    pub name: &'static str,
    pub kind: Kind,
    pub context: Context,
    pub boot: Value,
    /// Reported to the client by ParameterStatus when it changes.
    pub report: bool,
    /// Left out of SHOW ALL and pg_settings, as PostgreSQL's GUC_NO_SHOW_ALL.
    pub hidden: bool,
    pub unit_name: Option<&'static str>,
    pub category: &'static str,
    pub short_desc: &'static str,
    pub extra_desc: Option<&'static str>,
    pub context_name: &'static str,
    pub vartype: &'static str,
}

/// By lower-case name.
pub static DEFINITIONS: LazyLock<HashMap<String, Definition>> = LazyLock::new(|| {
    let mut all: HashMap<String, Definition> =
        facts::SETTINGS.iter().map(|(key, setting)| (key.clone(), from_fact(setting))).collect();
    for definition in own() {
        all.insert(definition.name.to_lowercase(), definition);
    }
    all
});

/// What a client hears of at the start and on change (PostgreSQL 15's GUC_REPORT), in the order PostgreSQL sends it.
pub const REPORTED: &[&str] = &[
    "application_name",
    "client_encoding",
    "DateStyle",
    "default_transaction_read_only",
    "in_hot_standby",
    "integer_datetimes",
    "IntervalStyle",
    "is_superuser",
    "server_encoding",
    "server_version",
    "session_authorization",
    "standard_conforming_strings",
    "TimeZone",
];

/// Our values where PostgreSQL's boot value differs from what this gateway is.
fn boot_override(name: &str) -> Option<&'static str> {
    Some(match name {
        "TimeZone" | "log_timezone" => "UTC",
        "client_encoding" | "server_encoding" => "UTF8",
        "server_version" => SERVER_VERSION,
        "server_version_num" => "150018",
        "default_text_search_config" => "pg_catalog.english",
        "timezone_abbreviations" => "Default",
        "ssl_library" => "rustls",
        "ssl" => "on",
        "jit" => "off",
        "data_directory" | "config_file" | "hba_file" | "ident_file" | "external_pid_file" => "",
        "transaction_isolation" | "default_transaction_isolation" => "read committed",
        "wal_level" => "replica",
        "max_prepared_transactions" => "0",
        _ => return None,
    })
}

fn from_fact(setting: &'static facts::Setting) -> Definition {
    let unit = setting.unit.and_then(Unit::parse);
    let kind = match setting.vartype {
        "bool" => Kind::Bool,
        "integer" => Kind::Int { min: number(setting.min), max: number(setting.max), unit },
        "real" => Kind::Real {
            min: setting.min.and_then(|m| m.parse().ok()).unwrap_or(f64::MIN),
            // PostgreSQL prints DBL_MAX with six digits, which reads back as infinity's neighbour.
            max: setting.max.and_then(|m| m.parse().ok()).filter(|m: &f64| m.is_finite()).unwrap_or(f64::MAX),
            unit,
        },
        "enum" => Kind::Enum(setting.enum_values.clone()),
        _ => Kind::Text,
    };
    let context = match setting.context {
        "postmaster" => Context::Postmaster,
        "sighup" => Context::Sighup,
        "backend" | "superuser-backend" => Context::Backend,
        "superuser" => Context::Superuser,
        "user" => Context::User,
        // What is not known is not changeable.
        _ => Context::Internal,
    };
    let boot = boot_override(setting.name).or(setting.boot).unwrap_or_default();
    Definition {
        name: setting.name,
        boot: boot_value(&kind, boot),
        kind,
        context,
        report: REPORTED.contains(&setting.name),
        hidden: false,
        unit_name: setting.unit,
        category: setting.category,
        short_desc: setting.short_desc,
        extra_desc: setting.extra_desc,
        context_name: setting.context,
        vartype: setting.vartype,
    }
}

fn number(text: Option<&str>) -> i64 {
    text.and_then(|t| t.parse().ok()).unwrap_or_default()
}

fn boot_value(kind: &Kind, text: &'static str) -> Value {
    match kind {
        Kind::Bool => Value::Bool(text == "on"),
        Kind::Int { .. } => Value::Int(text.parse().unwrap_or_default()),
        Kind::Real { .. } => Value::Real(text.parse().unwrap_or_default()),
        Kind::Text | Kind::Enum(_) => Value::Text(text.into()),
    }
}

const OURS: &str = "Duckgate";
const LIMITS: &str = "Duckgate / Limits";
const WAYS: &str = "Duckgate / Ways in and out";
const HIDDEN: &str = "Client Connection Defaults / Statement Behavior";

/// Duckgate's settings, and those of PostgreSQL that pg_settings does not list.
fn own() -> Vec<Definition> {
    let ours = |name, kind, boot: &'static str, short_desc| {
        let vartype = match &kind {
            Kind::Bool => "bool",
            Kind::Int { .. } => "integer",
            Kind::Real { .. } => "real",
            Kind::Text => "string",
            Kind::Enum(_) => "enum",
        };
        Definition {
            name,
            boot: boot_value(&kind, boot),
            kind,
            context: Context::User,
            report: false,
            hidden: false,
            unit_name: None,
            category: OURS,
            short_desc,
            extra_desc: None,
            context_name: "user",
            vartype,
        }
    };
    let hidden = |name, kind, context, boot, short_desc| Definition {
        context,
        hidden: true,
        report: REPORTED.contains(&name),
        category: HIDDEN,
        context_name: if context == Context::Internal { "internal" } else { "user" },
        ..ours(name, kind, boot, short_desc)
    };
    let number = || Kind::Int { min: 0, max: i64::MAX, unit: None };
    let unit = |name| Kind::Int { min: 0, max: i64::MAX, unit: Unit::parse(name) };
    // A limit that the limited could lift would be none.
    let limit = |name, kind, boot, unit_name, short_desc| Definition {
        context: Context::Superuser,
        context_name: "superuser",
        unit_name,
        category: LIMITS,
        extra_desc: Some("0 is no limit. It holds for the sessions of the role that logs in."),
        ..ours(name, kind, boot, short_desc)
    };
    let way = |name, short_desc| Definition {
        context: Context::Superuser,
        context_name: "superuser",
        category: WAYS,
        ..ours(name, Kind::Bool, "on", short_desc)
    };
    let directories = |name, short_desc| Definition {
        context: Context::Superuser,
        context_name: "superuser",
        category: WAYS,
        ..ours(name, Kind::Text, "", short_desc)
    };
    vec![
        ours(
            "duckgate.dialect",
            Kind::Enum(vec!["postgres", "extended"]),
            "extended",
            "Which SQL is understood: PostgreSQL's alone, or with DuckDB's additions that do not contradict it.",
        ),
        ours(
            "duckgate.keep_load_order",
            Kind::Bool,
            "off",
            "Whether the rows of a long COPY FROM are written in their order, by one thread.",
        ),
        limit("duckgate.max_rows", number(), "0", None, "The most rows that one result may have, however it is read."),
        limit("duckgate.max_result_bytes", unit("B"), "0", Some("B"), "The most bytes that one statement may send."),
        limit("duckgate.max_load_rows", number(), "0", None, "The most rows that one COPY FROM may bring."),
        limit("duckgate.max_running", number(), "0", None, "The most statements of a role that run at once."),
        limit("duckgate.max_statement_time", unit("ms"), "0", Some("ms"), "The longest that one statement may run."),
        limit(
            "duckgate.statements_per_second",
            number(),
            "0",
            None,
            "The most statements that a role may begin in a second.",
        ),
        limit(
            "duckgate.bytes_per_second",
            unit("B"),
            "0",
            Some("B"),
            "The most bytes of results that a role may receive in a second, over its statements.",
        ),
        way("duckgate.copy_from", "Whether the role may use COPY FROM."),
        way("duckgate.copy_to", "Whether the role may use COPY TO."),
        way("duckgate.ddl", "Whether the role may change the schema, but for temporary tables and its own password."),
        directories(
            "duckgate.read_directories",
            "Folders of the server whose files the role may read, separated by commas; inside of read_directories of the configuration.",
        ),
        directories(
            "duckgate.write_directories",
            "Folders of the server where the role may write files, separated by commas; inside of write_directories of the configuration.",
        ),
        hidden("is_superuser", Kind::Bool, Context::Internal, "off", "Shows whether the current user is a superuser."),
        // PostgreSQL 17's: the catalogs are 15's.
        Definition {
            unit_name: Some("ms"),
            ..hidden(
                "transaction_timeout",
                Kind::Int { min: 0, max: i64::from(i32::MAX), unit: Unit::parse("ms") },
                Context::User,
                "0",
                "Sets the maximum allowed duration of any transaction within a session.",
            )
        },
        hidden("role", Kind::Text, Context::Internal, "none", "Sets the current role."),
        hidden("session_authorization", Kind::Text, Context::Internal, "", "Sets the session user name."),
        hidden(
            "seed",
            Kind::Real { min: -1.0, max: 1.0, unit: None },
            Context::User,
            "0",
            "Sets the seed for random-number generation.",
        ),
    ]
}

impl Definition {
    /// The value as SHOW prints it.
    pub fn show(&self, value: &Value) -> String {
        value::show(&self.kind, value)
    }

    /// The value as pg_settings has it: in the setting's own unit.
    pub fn raw(&self, value: &Value) -> String {
        value::raw(value)
    }
}
