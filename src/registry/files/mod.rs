//! Schema files: `schemas/**/*.toml` → what they define, or every complaint about them in one pass.

/// Column definitions as CREATE TABLE writes them.
mod column;
/// Where something is wrong, and what would be right.
mod diagnostic;
mod raw;
mod read;
mod resolve;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use diagnostic::Reporter;
pub use diagnostic::{Diagnostic, Level};
pub use raw::File as RawFile;

use super::draft::NewConstraint;
use super::{Name, OnConflictDefault, PolicyCommand, Privileges};

/// How many files are read at most, and how large one may be, in bytes.
pub const MAX_FILES: usize = 20_000;
pub const MAX_FILE_SIZE: u64 = 4 << 20;

/// What the files define, checked for itself. Types and expressions are still text: what they mean depends on the enums
/// and functions of the database.
#[derive(Debug, Clone, Default)]
pub struct FileSchema {
    pub namespaces: Vec<FileNamespace>,
    pub enums: Vec<FileEnum>,
    /// A table stands after those that its foreign keys refer to, unless they go round in a circle.
    pub tables: Vec<FileTable>,
    pub roles: Vec<FileRole>,
    pub grants: Vec<FileGrant>,
}

/// Where a thing is defined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub path: PathBuf,
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
}

impl Place {
    /// Another place in the same file.
    pub fn at(&self, spot: Spot) -> Self {
        Self { path: self.path.clone(), line: spot.line, column: spot.column }
    }

    /// A complaint about what stands here.
    pub fn complain(&self, level: Level, message: String, help: Option<String>) -> Diagnostic {
        Diagnostic { level, file: self.path.clone(), line: self.line, column: self.column, message, help }
    }
}

/// A place in a file that is known: line and column, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    pub line: u32,
    pub column: u32,
}

#[derive(Debug, Clone)]
pub struct FileNamespace {
    pub place: Place,
    pub name: Name,
    pub comment: Option<String>,
    pub owner: Option<Name>,
}

#[derive(Debug, Clone)]
pub struct FileEnum {
    pub place: Place,
    pub namespace: Name,
    pub name: Name,
    pub labels: Vec<Name>,
    pub comment: Option<String>,
}

#[derive(Debug, Clone)]
pub struct FileTable {
    pub place: Place,
    pub namespace: Name,
    pub name: Name,
    pub owner: Option<Name>,
    pub comment: Option<String>,
    pub on_conflict: OnConflictDefault,
    pub columns: Vec<FileColumn>,
    pub constraints: Vec<FileConstraint>,
    pub indexes: Vec<FileIndex>,
    pub rules: Vec<FileRule>,
    pub masks: Vec<FileMask>,
    pub force_row_rules: bool,
}

#[derive(Debug, Clone)]
pub struct FileRule {
    pub at: Spot,
    pub using_at: Spot,
    pub check_at: Spot,
    pub name: Name,
    /// Role names; `None` is PUBLIC.
    pub to: Vec<Option<Name>>,
    pub command: PolicyCommand,
    pub permissive: bool,
    pub using: Option<String>,
    pub check: Option<String>,
}

#[derive(Debug, Clone)]
pub struct FileMask {
    /// Where its expression is.
    pub at: Spot,
    pub column: Name,
    /// Role names; `None` is PUBLIC.
    pub to: Vec<Option<Name>>,
    pub expression: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct FileColumn {
    pub at: Spot,
    /// Where its type is written.
    pub type_at: Spot,
    /// Where its default, or what it is generated from, is written.
    pub value_at: Spot,
    pub name: Name,
    /// The type's name, without serial.
    pub ty: String,
    pub not_null: bool,
    pub default: Option<String>,
    pub generated: Option<String>,
    /// As in [`super::draft::NewColumn::sequence`].
    pub sequence: Option<Option<bool>>,
    pub comment: Option<String>,
}

#[derive(Debug, Clone)]
pub struct FileConstraint {
    pub at: Spot,
    pub constraint: NewConstraint,
}

#[derive(Debug, Clone)]
pub struct FileIndex {
    pub at: Spot,
    pub name: Option<Name>,
    /// Column and whether it is descending.
    pub columns: Vec<(Name, bool)>,
    pub unique: bool,
    pub comment: Option<String>,
}

#[derive(Debug, Clone)]
pub struct FileRole {
    pub place: Place,
    pub name: Name,
    pub login: bool,
    pub superuser: bool,
    pub inherit: bool,
    pub create_role: bool,
    pub create_db: bool,
    pub bypass_rls: bool,
    pub password: Password,
    pub connection_limit: Option<u32>,
    pub member_of: Vec<Name>,
    pub settings: Vec<(Name, String)>,
    pub comment: Option<String>,
}

/// What a file says about a role's password, its reference looked up.
#[derive(Clone, PartialEq, Eq)]
pub enum Password {
    None,
    Verifier(String),
    /// From the environment or a file; becomes a verifier when it is applied.
    Plain(String),
}

impl std::fmt::Debug for Password {
    /// Secrets do not belong in logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Verifier(_) => "Verifier(…)",
            Self::Plain(_) => "Plain(…)",
        })
    }
}

#[derive(Debug, Clone)]
pub struct FileGrant {
    pub place: Place,
    /// Role names; `None` is PUBLIC.
    pub to: Vec<Option<Name>>,
    pub on: FileGrantTarget,
    pub privileges: Privileges,
    /// Columns of the table; empty for all of it.
    pub columns: Vec<Name>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileGrantTarget {
    Table { namespace: Name, name: Name },
    Namespace(Name),
}

/// What came of reading the files.
#[derive(Debug, Default)]
pub struct Loaded {
    pub schema: FileSchema,
    pub diagnostics: Vec<Diagnostic>,
    pub files: usize,
}

impl Loaded {
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|d| d.level == Level::Error)
    }
}

/// Reads every `*.toml` below a folder, in the order of their paths. A folder that is not there is empty.
pub fn load(folder: &Path) -> Loaded {
    let mut diagnostics = Vec::new();
    let mut paths = Vec::new();
    collect(folder, &mut paths, &mut diagnostics, &mut Vec::new());
    paths.sort();
    if paths.len() > MAX_FILES {
        diagnostics.push(whole_file(folder, format!("more than {MAX_FILES} schema files")));
        paths.truncate(MAX_FILES);
    }
    let mut texts = Vec::new();
    for path in paths {
        let size = std::fs::metadata(&path).map(|m| m.len()).unwrap_or(0);
        if size > MAX_FILE_SIZE {
            diagnostics.push(whole_file(&path, format!("larger than {MAX_FILE_SIZE} bytes")));
            continue;
        }
        match std::fs::read(&path).map(String::from_utf8) {
            Ok(Ok(text)) => texts.push((path, text)),
            Ok(Err(error)) => diagnostics.push(not_text(&path, &error)),
            Err(error) => diagnostics.push(whole_file(&path, format!("cannot be read: {error}"))),
        }
    }
    let mut loaded = load_texts(texts);
    loaded.diagnostics.splice(0..0, diagnostics);
    loaded
}

/// As [`load`], from texts that are there already.
pub fn load_texts(texts: Vec<(PathBuf, String)>) -> Loaded {
    let files = texts.len();
    let mut parts = Vec::new();
    for (path, text) in texts {
        let mut reporter = Reporter::new(path, text);
        let raw = read::read(&mut reporter);
        parts.push((reporter, raw));
    }
    let (schema, diagnostics) = resolve::resolve(parts);
    Loaded { schema, diagnostics, files }
}

/// The JSON Schema of the format, for completion in editors.
pub fn json_schema() -> String {
    let schema = schemars::schema_for!(raw::File);
    serde_json::to_string_pretty(&schema).map(|s| s + "\n").unwrap_or_default()
}

/// For a message about a column that is not there: the one that was probably meant.
pub fn unknown_column_help(message: &str, columns: &[&str]) -> Option<String> {
    let word = message.strip_prefix("column \"")?.split('"').next()?;
    let known = || format!("columns here: {}", columns.join(", "));
    message
        .ends_with("does not exist")
        .then(|| diagnostic::did_you_mean(word, columns.iter().copied()).unwrap_or_else(known))
}

/// How deep folders may nest.
const MAX_DEPTH: usize = 16;

/// `within`: the folders that this one is in, by where they really are: a link to one of them is not followed.
fn collect(folder: &Path, paths: &mut Vec<PathBuf>, diagnostics: &mut Vec<Diagnostic>, within: &mut Vec<PathBuf>) {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && within.is_empty() => return,
        Err(error) => return diagnostics.push(whole_file(folder, format!("cannot be read: {error}"))),
    };
    let place = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    if within.contains(&place) {
        return;
    }
    within.push(place);
    for entry in entries.flatten() {
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if hidden {
            continue;
        }
        if path.is_dir() {
            if within.len() <= MAX_DEPTH {
                collect(&path, paths, diagnostics, within);
            }
        } else if path.extension().is_some_and(|e| e == "toml") {
            // A pipe would be waited for.
            match std::fs::metadata(&path) {
                Ok(found) if !found.is_file() => diagnostics.push(whole_file(&path, "not a file".to_owned())),
                Ok(_) | Err(_) => paths.push(path),
            }
        }
    }
    within.pop();
}

/// The first byte that is no UTF-8.
fn not_text(path: &Path, error: &std::string::FromUtf8Error) -> Diagnostic {
    let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
    Diagnostic {
        level: Level::Error,
        file: path.to_owned(),
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(column).unwrap_or(u32::MAX),
        message: "not valid UTF-8".to_owned(),
        help: Some("save the file as UTF-8".to_owned()),
    }
}

fn whole_file(path: &Path, message: String) -> Diagnostic {
    Diagnostic { level: Level::Error, file: path.to_owned(), line: 0, column: 0, message, help: None }
}
