//! PostgreSQL's built-in catalog rows as data: types, functions, operators, casts, settings, keywords.
//!
//! The `.tsv` files beside this one are recorded from a real PostgreSQL by scripts/record-facts.sh.
//! They are parsed once, at first use, and live as long as the process.

mod index;
mod map;
mod own;
pub mod search;

use std::sync::LazyLock;

pub use index::{Indexed, OPERATORS, PROCS, TYPES, cast};
pub use map::Map;
pub use own::{
    INSTEAD, NO_SHARE, OWN_SETTINGS, OwnKind, directories, is_share_of_memory, needs_superuser, wrong_value,
};

/// PostgreSQL's object identifier.
pub type Oid = u32;

/// One row of pg_type.
#[derive(Debug)]
pub struct Type {
    pub oid: Oid,
    pub name: &'static str,
    /// The name that `format_type` prints: `integer` for `int4`.
    pub sql_name: &'static str,
    pub len: i16,
    pub by_value: bool,
    /// `b` base, `d` domain, `e` enum, `p` pseudo, `r` range, `m` multirange, `c` composite.
    pub kind: u8,
    pub category: u8,
    pub preferred: bool,
    pub delimiter: u8,
    /// The element type of an array (or of a subscriptable type such as `name`); 0 if none.
    pub element: Oid,
    /// The type of an array of this; 0 if none.
    pub array: Oid,
    /// True for a real array type (`typsubscript` is `array_subscript_handler`).
    pub is_array: bool,
    pub collation: Oid,
    /// The extension that brings it: unknown to a database that has not got that.
    pub extension: Option<&'static str>,
    pub row: Row,
}

/// One row of pg_proc, joined with pg_aggregate.
#[derive(Debug)]
pub struct Proc {
    pub oid: Oid,
    /// pg_catalog or information_schema; 0 for an extension's.
    pub namespace: Oid,
    /// The extension that brings it.
    pub extension: Option<&'static str>,
    pub name: &'static str,
    /// Names of all arguments, those that are not named as empty texts; no items if none has a name.
    pub names: Vec<&'static str>,
    /// `f` function, `a` aggregate, `w` window function, `p` procedure.
    pub kind: u8,
    pub returns_set: bool,
    pub strict: bool,
    /// `i` immutable, `s` stable, `v` volatile.
    pub volatility: u8,
    pub leakproof: bool,
    /// Input argument types.
    pub args: Vec<Oid>,
    /// How many of the last arguments have a default.
    pub defaults: usize,
    /// The element type of a variadic last argument; 0 if not variadic.
    pub variadic: Oid,
    pub result: Oid,
    /// OUT, INOUT and TABLE arguments: name and type; empty if the function has none.
    pub out_args: Vec<(&'static str, Oid)>,
    /// For aggregates: `n` normal, `o` ordered-set, `h` hypothetical-set; 0 otherwise.
    pub agg_kind: u8,
    pub agg_direct_args: usize,
    pub row: Row,
}

/// One row of pg_operator.
#[derive(Debug)]
pub struct Operator {
    pub oid: Oid,
    pub name: &'static str,
    /// 0 for a prefix operator.
    pub left: Oid,
    pub right: Oid,
    pub result: Oid,
    pub commutator: Oid,
    pub negator: Oid,
    /// The function that carries it out.
    pub proc_: Oid,
    /// The extension that brings it.
    pub extension: Option<&'static str>,
    pub row: Row,
}

/// One row of pg_cast.
#[derive(Debug)]
pub struct Cast {
    pub source: Oid,
    pub target: Oid,
    /// 0 if there is no function.
    pub func: Oid,
    pub context: CastContext,
    pub method: CastMethod,
    pub row: Row,
}

/// Where a cast may be applied without being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CastContext {
    Implicit,
    Assignment,
    Explicit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CastMethod {
    Function,
    InOut,
    Binary,
}

/// One row of pg_settings.
#[derive(Debug)]
pub struct Setting {
    pub name: &'static str,
    pub unit: Option<&'static str>,
    pub category: &'static str,
    pub short_desc: &'static str,
    pub extra_desc: Option<&'static str>,
    /// internal, postmaster, sighup, backend, superuser-backend, superuser, user.
    pub context: &'static str,
    /// bool, integer, real, string, enum.
    pub vartype: &'static str,
    pub min: Option<&'static str>,
    pub max: Option<&'static str>,
    pub enum_values: Vec<&'static str>,
    pub boot: Option<&'static str>,
}

/// One SQL keyword, as pg_get_keywords() tells.
#[derive(Debug)]
pub struct Keyword {
    pub word: &'static str,
    /// `U` unreserved, `C` not a function or type name, `T` reserved except as those, `R` reserved.
    pub category: u8,
    pub bare_label: bool,
    pub row: Row,
}

/// All fields of a recorded row by column name, for the catalog; `None` is NULL.
pub type Row = &'static [Option<&'static str>];

/// A recorded file: its column names and rows.
#[derive(Debug)]
pub struct Table {
    pub columns: &'static [&'static str],
    pub rows: Vec<Row>,
}

impl Table {
    fn parse(text: &'static str) -> Self {
        let mut lines = text.lines();
        let columns: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
        let rows = lines
            .map(|line| {
                let fields: Vec<Option<&'static str>> = line.split('\t').map(unescape).collect();
                &*Box::leak(fields.into_boxed_slice())
            })
            .collect();
        Self { columns: Box::leak(columns.into_boxed_slice()), rows }
    }

    /// A field of a row by its column's name; `None` if it is NULL. Panics as `at` does.
    pub fn get(&self, row: Row, column: &str) -> Option<&'static str> {
        row[self.at(column)]
    }

    /// The extension that brings what a row is about.
    fn extension(&self, row: Row) -> Option<&'static str> {
        self.columns.iter().position(|c| *c == "extension").and_then(|at| row[at])
    }

    /// The index of a column. Panics if the recorded file lacks it: the files are part of the program.
    pub fn at(&self, column: &str) -> usize {
        self.columns.iter().position(|c| *c == column).unwrap_or_else(|| panic!("recorded facts lack column {column}"))
    }
}

/// Undoes COPY's text escapes.
fn unescape(field: &'static str) -> Option<&'static str> {
    if field == "\\N" {
        return None;
    }
    if !field.contains('\\') {
        return Some(field);
    }
    let mut out = String::with_capacity(field.len());
    let mut chars = field.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('b') => out.push('\u{8}'),
            Some(other) => out.push(other),
            None => {}
        }
    }
    Some(Box::leak(out.into_boxed_str()))
}

fn num<T: std::str::FromStr + Default>(field: Option<&str>) -> T {
    field.and_then(|f| f.parse().ok()).unwrap_or_default()
}

fn byte(field: Option<&str>) -> u8 {
    field.and_then(|f| f.bytes().next()).unwrap_or(0)
}

fn is_true(field: Option<&str>) -> bool {
    field == Some("t")
}

fn oids(field: Option<&str>) -> Vec<Oid> {
    let digits = |c: char| !c.is_ascii_digit();
    field.unwrap_or_default().split(digits).filter_map(|f| f.parse().ok()).collect()
}

/// The items of an array (`{a,"b c"}`) or a vector (`1 2`) as COPY writes them; none of them holds a comma or a brace.
pub fn items(field: Option<&'static str>) -> Vec<&'static str> {
    let Some(field) = field.filter(|f| !f.is_empty() && *f != "{}") else { return Vec::new() };
    match field.strip_prefix('{').and_then(|f| f.strip_suffix('}')) {
        Some(list) => list.split(',').map(|item| item.trim_matches('"')).collect(),
        None => field.split(' ').collect(),
    }
}

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident = $file:literal;)*) => {
        $($(#[$doc])* pub static $name: LazyLock<Table> = LazyLock::new(|| Table::parse(include_str!($file)));)*
    };
}

macro_rules! catalogs {
    ($($name:literal = $file:literal;)*) => {
        /// The recorded rows of a table of pg_catalog (or, by its qualified name, of information_schema) that has columns
        /// of the same names; `None` if it has no recorded rows.
        pub fn recorded(table: &str) -> Option<&'static Table> {
            match table {
                "pg_type" => Some(&TYPE_ROWS),
                "pg_proc" => Some(&PROC_ROWS),
                "pg_operator" => Some(&OPERATOR_ROWS),
                "pg_cast" => Some(&CAST_ROWS),
                "pg_aggregate" => Some(&AGGREGATE_ROWS),
                "pg_range" => Some(&RANGE_ROWS),
                "pg_opclass" => Some(&OPCLASS_ROWS),
                "pg_description" => Some(&DESCRIPTION_ROWS),
                "pg_constraint" => Some(&CONSTRAINT_ROWS),
                $($name => {
                    static TABLE: LazyLock<Table> = LazyLock::new(|| Table::parse(include_str!($file)));
                    Some(&TABLE)
                })*
                _ => None,
            }
        }
    };
}

catalogs! {
    "pg_am" = "am.tsv";
    "pg_amop" = "amop.tsv";
    "pg_amproc" = "amproc.tsv";
    "pg_attribute" = "attribute.tsv";
    "pg_class" = "class.tsv";
    "pg_collation" = "collation.tsv";
    "pg_conversion" = "conversion.tsv";
    "pg_index" = "index.tsv";
    "pg_init_privs" = "init_privs.tsv";
    "pg_language" = "language.tsv";
    "pg_opfamily" = "opfamily.tsv";
    "pg_rewrite" = "rewrite.tsv";
    "pg_tablespace" = "tablespace.tsv";
    "pg_ts_config" = "ts_config.tsv";
    "pg_ts_config_map" = "ts_config_map.tsv";
    "pg_ts_dict" = "ts_dict.tsv";
    "pg_ts_parser" = "ts_parser.tsv";
    "pg_ts_template" = "ts_template.tsv";
    "pg_timezone_abbrevs" = "timezone_abbrev.tsv";
    "pg_timezone_names" = "timezone.tsv";
    "information_schema.sql_features" = "sql_features.tsv";
    "information_schema.sql_implementation_info" = "sql_implementation_info.tsv";
    "information_schema.sql_parts" = "sql_parts.tsv";
    "information_schema.sql_sizing" = "sql_sizing.tsv";
}

/// The recorded rows of a table of pg_catalog that extensions bring, with a last column `extension`.
pub fn of_extensions(table: &str) -> Option<&'static Table> {
    match table {
        "pg_type" => Some(&EXTENSION_TYPE_ROWS),
        "pg_proc" => Some(&EXTENSION_PROC_ROWS),
        "pg_operator" => Some(&EXTENSION_OPERATOR_ROWS),
        "pg_cast" => Some(&EXTENSION_CAST_ROWS),
        "pg_aggregate" => Some(&EXTENSION_AGGREGATE_ROWS),
        "pg_opclass" => Some(&EXTENSION_OPCLASS_ROWS),
        "pg_opfamily" => Some(&EXTENSION_OPFAMILY_ROWS),
        "pg_amop" => Some(&EXTENSION_AMOP_ROWS),
        "pg_amproc" => Some(&EXTENSION_AMPROC_ROWS),
        _ => None,
    }
}

/// The tables that [`of_extensions`] knows, with the OIDs of those that pg_depend has extensions' members of (0 for the others).
pub const EXTENSION_TABLES: [(&str, Oid); 9] = [
    ("pg_type", 1247),
    ("pg_proc", 1255),
    ("pg_operator", 2617),
    ("pg_cast", 2605),
    ("pg_opclass", 2616),
    ("pg_opfamily", 2753),
    ("pg_aggregate", 0),
    ("pg_amop", 0),
    ("pg_amproc", 0),
];

/// The key by which an extension's types, functions and operators are found.
fn key_of(extension: Option<&'static str>, name: &'static str) -> &'static str {
    match extension {
        Some(extension) => &*Box::leak(format!("{extension}.{name}").into_boxed_str()),
        None => name,
    }
}

/// PostgreSQL's own collations, by name.
static COLLATIONS: LazyLock<Map<&'static str, Oid>> = LazyLock::new(|| {
    let Some(table) = recorded("pg_collation") else { return Map::default() };
    let row = |row: &Row| Some((table.get(row, "collname")?, table.get(row, "oid")?.parse().ok()?));
    table.rows.iter().filter_map(row).collect()
});

/// One of PostgreSQL's own collations.
pub fn collation_named(name: &str) -> Option<Oid> {
    COLLATIONS.get(name).copied()
}

/// The name of one of PostgreSQL's own collations.
pub fn collation_name(collation: Oid) -> Option<&'static str> {
    COLLATIONS.iter().find(|(_, oid)| **oid == collation).map(|(name, _)| *name)
}

/// The columns (attnums) of the primary keys of PostgreSQL's catalogs.
static CATALOG_KEYS: LazyLock<Map<Oid, Vec<i16>>> = LazyLock::new(|| {
    let Some(table) = recorded("pg_constraint") else { return Map::default() };
    let key = |row: &Row| {
        let columns = table.get(row, "conkey")?.trim_matches(['{', '}']).split(',');
        let columns = columns.map(|n| n.parse().ok()).collect::<Option<Vec<i16>>>()?;
        Some((table.get(row, "conrelid")?.parse().ok()?, columns))
    };
    table.rows.iter().filter(|row| table.get(row, "contype") == Some("p")).filter_map(key).collect()
});

/// The primary key of one of PostgreSQL's catalogs.
pub fn catalog_key(catalog: Oid) -> Option<&'static [i16]> {
    CATALOG_KEYS.get(&catalog).map(Vec::as_slice)
}

tables! {
    TYPE_ROWS = "type.tsv";
    PROC_ROWS = "proc.tsv";
    OPERATOR_ROWS = "operator.tsv";
    CAST_ROWS = "cast.tsv";
    AGGREGATE_ROWS = "aggregate.tsv";
    RANGE_ROWS = "range.tsv";
    CONSTRAINT_ROWS = "constraint.tsv";
    KEYWORD_ROWS = "keyword.tsv";
    SETTING_ROWS = "setting.tsv";
    CONDITION_ROWS = "condition.tsv";
    OPCLASS_ROWS = "opclass.tsv";
    NAMESPACE_ROWS = "namespace.tsv";
    DESCRIPTION_ROWS = "description.tsv";
    EXTENSION_TYPE_ROWS = "extension_type.tsv";
    EXTENSION_PROC_ROWS = "extension_proc.tsv";
    EXTENSION_OPERATOR_ROWS = "extension_operator.tsv";
    EXTENSION_CAST_ROWS = "extension_cast.tsv";
    EXTENSION_AGGREGATE_ROWS = "extension_aggregate.tsv";
    EXTENSION_OPCLASS_ROWS = "extension_opclass.tsv";
    EXTENSION_OPFAMILY_ROWS = "extension_opfamily.tsv";
    EXTENSION_AMOP_ROWS = "extension_amop.tsv";
    EXTENSION_AMPROC_ROWS = "extension_amproc.tsv";
    /// What unaccent() makes of a character.
    UNACCENT_ROWS = "unaccent.tsv";
    /// Tables and views of pg_catalog and information_schema.
    SYSTEM_RELATION_ROWS = "system_relation.tsv";
    /// Their columns; information_schema's domains are given as their base types.
    SYSTEM_COLUMN_ROWS = "system_column.tsv";
}

pub static KEYWORDS: LazyLock<Map<&'static str, Keyword>> = LazyLock::new(|| {
    let t = &*KEYWORD_ROWS;
    t.rows
        .iter()
        .map(|r| {
            let word = r[t.at("word")].unwrap_or_default();
            let keyword =
                Keyword { word, category: byte(r[t.at("catcode")]), bare_label: is_true(r[t.at("barelabel")]), row: r };
            (word, keyword)
        })
        .collect()
});

/// The names of errors in PL/pgSQL, with their SQLSTATE; some have two.
pub static CONDITIONS: LazyLock<Vec<(&'static str, &'static str)>> = LazyLock::new(|| {
    let t = &*CONDITION_ROWS;
    t.rows.iter().map(|r| (r[t.at("name")].unwrap_or_default(), r[t.at("code")].unwrap_or_default())).collect()
});

/// PostgreSQL's settings by lower-case name.
pub static SETTINGS: LazyLock<Map<String, Setting>> = LazyLock::new(|| {
    let t = &*SETTING_ROWS;
    let at = |c: &str| t.at(c);
    t.rows
        .iter()
        .map(|r| {
            let setting = Setting {
                name: r[at("name")].unwrap_or_default(),
                unit: r[at("unit")],
                category: r[at("category")].unwrap_or_default(),
                short_desc: r[at("short_desc")].unwrap_or_default(),
                extra_desc: r[at("extra_desc")],
                context: r[at("context")].unwrap_or_default(),
                vartype: r[at("vartype")].unwrap_or_default(),
                min: r[at("min_val")],
                max: r[at("max_val")],
                enum_values: r[at("enumvals")].map(|v| v.split(',').collect()).unwrap_or_default(),
                boot: r[at("boot_val")],
            };
            (setting.name.to_lowercase(), setting)
        })
        .collect()
});

/// Names of pg_catalog's and information_schema's own indexes by OID, with their namespace.
static SYSTEM_INDEXES: LazyLock<Map<Oid, (&'static str, &'static str)>> = LazyLock::new(|| {
    let Some(t) = recorded("pg_class") else { return Map::default() };
    let indexes = t.rows.iter().filter(|r| t.get(r, "relkind") == Some("i"));
    indexes.map(|r| (num(t.get(r, "oid")), ("pg_catalog", t.get(r, "relname").unwrap_or_default()))).collect()
});

/// The namespace and name of one of the system's indexes.
pub fn system_index(oid: Oid) -> Option<(&'static str, &'static str)> {
    SYSTEM_INDEXES.get(&oid).copied()
}

/// One of the system's indexes by its name.
pub fn system_index_named(namespace: &str, name: &str) -> Option<Oid> {
    SYSTEM_INDEXES.iter().find(|(_, index)| **index == (namespace, name)).map(|(oid, _)| *oid)
}

/// The row types of the system's relations and the arrays of them: their names.
static SYSTEM_ROW_TYPES: LazyLock<Map<Oid, &'static str>> = LazyLock::new(|| {
    let t = &*TYPE_ROWS;
    let rows = t.rows.iter().filter(|r| TYPES.by_oid(num(t.get(r, "oid"))).is_none());
    let entry = |r: &Row| (num(t.get(r, "oid")), t.get(r, "sql_name").unwrap_or_default());
    rows.map(entry).collect()
});

/// The name of the row type of one of the system's relations, or of the array of it, as `format_type` prints it.
pub fn system_row_type(oid: Oid) -> Option<&'static str> {
    SYSTEM_ROW_TYPES.get(&oid).copied()
}

/// Definitions of the system's indexes and constraints, as PostgreSQL writes them.
static SYSTEM_DEFINITIONS: LazyLock<Map<Oid, &'static str>> = LazyLock::new(|| {
    let of = |table: &str, key: &'static str| {
        let rows = recorded(table).into_iter().flat_map(|t| t.rows.iter().map(move |r| (t, *r)));
        rows.filter_map(move |(t, r)| Some((num(t.get(r, key)), t.get(r, "definition")?))).collect::<Vec<_>>()
    };
    of("pg_index", "indexrelid").into_iter().chain(of("pg_constraint", "oid")).collect()
});

/// The definition of one of the system's indexes or constraints.
pub fn system_definition(oid: Oid) -> Option<&'static str> {
    SYSTEM_DEFINITIONS.get(&oid).copied()
}
