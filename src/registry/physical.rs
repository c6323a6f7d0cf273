//! What a table and its columns are called inside DuckDB.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

use super::{Column, Relation};

/// How a table is named inside DuckDB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Storage {
    /// By its own name and its columns'. Tables in files from before there were numbers are; the next start gives them theirs.
    #[default]
    Named,
    /// `r<OID>`, in DuckDB's default schema (a temporary one in its temporary schema), with columns `a<attnum>`. Neither
    /// number is ever given out again, so that a plan made before a rename, DROP or CREATE by somebody else reads the table
    /// and columns that it was permitted to read, or fails; never others that have taken their names.
    Numbered,
}

/// The schema inside DuckDB that keeps the gateway's own tables.
pub const INTERNAL_SCHEMA: &str = "duckgate_internal";

/// The name of an object inside DuckDB, whose identifiers ignore case: a name with capitals gets a suffix that
/// tells them apart (`Foo` → `Foo~1`, `FOO` → `FOO~7`: the capitals' positions as a hexadecimal bit mask).
/// Injective: PostgreSQL names that differ only in case get names that differ in more.
pub fn physical_name(name: &str) -> std::borrow::Cow<'_, str> {
    // Names that DuckDB would take for one of its own catalogs or schemas.
    if ["main", "temp", "system", "memory", "information_schema", "pg_catalog", INTERNAL_SCHEMA].contains(&name) {
        return format!("{name}~").into();
    }
    if !name.bytes().any(|b| b.is_ascii_uppercase() || b == b'~') && name.chars().all(|c| !c.is_uppercase()) {
        return name.into();
    }
    let mut mask = String::new();
    let mut nibble = 0u8;
    for (i, c) in name.chars().enumerate() {
        nibble |= u8::from(c.is_uppercase()) << (i % 4);
        if i % 4 == 3 {
            mask.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
            nibble = 0;
        }
    }
    mask.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
    format!("{name}~{}", mask.trim_end_matches('0')).into()
}

/// `a0`, `a1` …: the names of most tables' columns.
static NUMBERED: LazyLock<Vec<Arc<str>>> = LazyLock::new(|| (0..100).map(|num| format!("a{num}").into()).collect());

impl Relation {
    /// What a column is called inside DuckDB.
    pub fn physical_column<'a>(&self, column: &'a Column) -> Cow<'a, str> {
        match self.storage {
            Storage::Named => physical_name(&column.name),
            Storage::Numbered => format!("a{}", column.num).into(),
        }
    }

    /// The same for what keeps it: every table's columns share the commonest names.
    pub fn kept_column_name(&self, column: &Column) -> Arc<str> {
        let numbered = usize::try_from(column.num).ok().filter(|_| matches!(self.storage, Storage::Numbered));
        match numbered.and_then(|num| NUMBERED.get(num)) {
            Some(name) => Arc::clone(name),
            None => self.physical_column(column).into(),
        }
    }

    /// The column that goes by this name inside DuckDB.
    pub fn column_by_physical(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| self.physical_column(c) == name)
    }
}
