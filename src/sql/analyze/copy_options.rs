//! COPY's options (ProcessCopyOptions), with PostgreSQL's checks in its order, and those that are ours.

use std::sync::Arc;

use crate::error::{Error, Result, SqlState};
use crate::registry::{OnConflictDefault, Relation};
use crate::sql::parse::{self, CopyOptionValue, CopySubject};
use crate::tree::{CopyDefault, CopyFormat, CopyHeader, CopyOnError, CopyOptions, QualifiedName};

/// Options as they are given, before defaults that depend on the format.
#[derive(Default)]
pub(super) struct Raw {
    format: Option<CopyFormat>,
    delimiter: Option<String>,
    null: Option<String>,
    header: Option<CopyHeader>,
    quote: Option<String>,
    escape: Option<String>,
    force_quote: Option<CopyOptionValue>,
    force_not_null: Option<CopyOptionValue>,
    force_null: Option<CopyOptionValue>,
    encoding: Option<String>,
    freeze: Option<bool>,
    ignore_errors: Option<bool>,
    reject_limit: Option<u64>,
    verbose: Option<bool>,
    default: Option<String>,
    rejects: Option<QualifiedName>,
    batch: Option<String>,
    /// What becomes of a row whose key is in the table already; `None` leaves it to the table.
    pub on_conflict: Option<OnConflictDefault>,
}

impl Raw {
    pub fn is_json(&self) -> bool {
        self.format == Some(CopyFormat::Json)
    }
}

/// What is copied.
pub(super) struct Copied<'a> {
    /// The columns, in their order.
    pub names: &'a [Arc<str>],
    /// The table; none of a query.
    pub of: Option<&'a Relation>,
}

pub(super) fn raw_options(options: &[(Arc<str>, CopyOptionValue, u32)], from: bool) -> Result<Raw> {
    let mut raw = Raw::default();
    let mut seen: Vec<&str> = Vec::new();
    for (name, value, pos) in options {
        if seen.contains(&&**name) {
            return Err(Error::syntax("conflicting or redundant options").at(*pos));
        }
        seen.push(name);
        match &**name {
            "format" => raw.format = Some(format_of(value, *pos)?),
            "freeze" => raw.freeze = Some(flag(name, value)?),
            "delimiter" => raw.delimiter = Some(text(name, value)?),
            "null" => raw.null = Some(text(name, value)?),
            "header" => raw.header = Some(header_of(value)?),
            "quote" => raw.quote = Some(text(name, value)?),
            "escape" => raw.escape = Some(text(name, value)?),
            "force_quote" => raw.force_quote = Some(listed(name, value)?),
            "force_not_null" => raw.force_not_null = Some(listed(name, value)?),
            "force_null" => raw.force_null = Some(listed(name, value)?),
            "encoding" => raw.encoding = Some(text(name, value)?),
            "default" => raw.default = Some(text(name, value)?),
            "on_conflict" if from => raw.on_conflict = Some(on_conflict(value, *pos)?),
            "rejects" if from => raw.rejects = Some(rejects(&text(name, value)?, *pos)?),
            "batch_id" if from => raw.batch = Some(batch(text(name, value)?, *pos)?),
            "on_error" if from => raw.ignore_errors = Some(choice(name, value, ["stop", "ignore"], *pos)?),
            "reject_limit" if from => raw.reject_limit = Some(reject_limit(value)?),
            "log_verbosity" => raw.verbose = Some(choice(name, value, ["default", "verbose"], *pos)?),
            "on_error" | "reject_limit" | "on_conflict" | "rejects" | "batch_id" => {
                let message = format!("COPY {} cannot be used with COPY TO", name.to_uppercase());
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).at(*pos));
            }
            _ => return Err(Error::syntax(format!("option \"{name}\" not recognized")).at(*pos)),
        }
    }
    Ok(raw)
}

fn text(name: &str, value: &CopyOptionValue) -> Result<String> {
    match value {
        CopyOptionValue::Text(text) => Ok(text.clone()),
        _ => Err(Error::syntax(format!("{name} requires a parameter"))),
    }
}

fn flag(name: &str, value: &CopyOptionValue) -> Result<bool> {
    match value {
        CopyOptionValue::None => Ok(true),
        CopyOptionValue::Text(t) => match t.to_ascii_lowercase().as_str() {
            "true" | "on" | "1" => Ok(true),
            "false" | "off" | "0" => Ok(false),
            _ => Err(Error::syntax(format!("{name} requires a Boolean value"))),
        },
        CopyOptionValue::Columns(_) | CopyOptionValue::All => {
            Err(Error::syntax(format!("{name} requires a Boolean value")))
        }
    }
}

/// An option of two words: true for the second. Without a value it is the first.
fn choice(name: &str, value: &CopyOptionValue, words: [&str; 2], pos: u32) -> Result<bool> {
    let given = match value {
        CopyOptionValue::None => return Ok(false),
        value => text(name, value)?,
    };
    match words.iter().position(|word| given.eq_ignore_ascii_case(word)) {
        Some(place) => Ok(place == 1),
        None => {
            let message = format!("COPY {} \"{given}\" not recognized", name.to_uppercase());
            Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).at(pos))
        }
    }
}

fn reject_limit(value: &CopyOptionValue) -> Result<u64> {
    let given = text("reject_limit", value)?;
    let invalid = |message: String| Error::new(SqlState::INVALID_PARAMETER_VALUE, message);
    let limit: i64 = given.parse().map_err(|_| Error::syntax("reject_limit requires a numeric value"))?;
    match u64::try_from(limit) {
        Ok(limit) if limit > 0 => Ok(limit),
        _ => Err(invalid(format!("REJECT_LIMIT ({limit}) must be greater than zero"))),
    }
}

fn on_conflict(value: &CopyOptionValue, pos: u32) -> Result<OnConflictDefault> {
    let given = text("on_conflict", value)?;
    match given.to_ascii_lowercase().as_str() {
        "error" => Ok(OnConflictDefault::Error),
        "ignore" => Ok(OnConflictDefault::Ignore),
        "update" => Ok(OnConflictDefault::Update),
        _ => {
            let message = format!("COPY ON_CONFLICT \"{given}\" not recognized");
            Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).at(pos).hint("It is error, ignore or update."))
        }
    }
}

/// A table's name as SQL writes it, with its schema or without.
fn rejects(name: &str, pos: u32) -> Result<QualifiedName> {
    // The name is taken from what was read: whatever else the text says, it has no effect.
    let parsed = parse::parse(&format!("COPY {name} TO STDOUT")).ok().filter(|statements| statements.len() == 1);
    if let Some(parse::Body::Copy(copy)) = parsed.as_ref().and_then(|statements| statements.first()).map(|p| &*p.body)
        && let CopySubject::Table { name, columns } = &copy.subject
        && columns.is_empty()
        && copy.options.is_empty()
    {
        return Ok(QualifiedName { pos, ..name.clone() });
    }
    Err(Error::new(SqlState::INVALID_NAME, format!("COPY REJECTS \"{name}\" is not the name of a table")).at(pos))
}

/// Bytes of a BATCH_ID, at most.
const BATCH_ID: usize = 256;

fn batch(id: String, pos: u32) -> Result<String> {
    if id.is_empty() || id.len() > BATCH_ID {
        let message = format!("COPY BATCH_ID must have between 1 and {BATCH_ID} bytes");
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).at(pos));
    }
    Ok(id)
}

fn header_of(value: &CopyOptionValue) -> Result<CopyHeader> {
    if let CopyOptionValue::Text(t) = value
        && t.eq_ignore_ascii_case("match")
    {
        return Ok(CopyHeader::Match);
    }
    match flag("header", value) {
        Ok(true) => Ok(CopyHeader::Yes),
        Ok(false) => Ok(CopyHeader::No),
        Err(_) => Err(Error::syntax("header requires a Boolean value or \"match\"")),
    }
}

fn format_of(value: &CopyOptionValue, pos: u32) -> Result<CopyFormat> {
    let name = text("format", value)?;
    match name.as_str() {
        "text" => Ok(CopyFormat::Text),
        "csv" => Ok(CopyFormat::Csv),
        "binary" => Ok(CopyFormat::Binary),
        "arrow" => Ok(CopyFormat::Arrow),
        "json" => Ok(CopyFormat::Json),
        "parquet" => Ok(CopyFormat::Parquet),
        _ => {
            let message = format!("COPY format \"{name}\" not recognized");
            Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).at(pos))
        }
    }
}

/// How messages call a format that has no delimiters; `None` for text and csv.
fn mode(format: CopyFormat) -> Option<&'static str> {
    match format {
        CopyFormat::Text | CopyFormat::Csv => None,
        CopyFormat::Binary => Some("BINARY"),
        CopyFormat::Arrow => Some("ARROW"),
        CopyFormat::Json => Some("JSON"),
        CopyFormat::Parquet => Some("PARQUET"),
    }
}

fn invalid<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message))
}

fn unsupported<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
}

fn no_line_end(text: &str, what: &str) -> Result<()> {
    if text.contains(['\r', '\n']) {
        return invalid(format!("COPY {what} representation cannot use newline or carriage return"));
    }
    Ok(())
}

/// The checks of ProcessCopyOptions, in its order. `defaults` are the copied columns that have a default.
pub(super) fn finish(raw: Raw, from: bool, copied: &Copied<'_>, defaults: Vec<usize>) -> Result<CopyOptions> {
    let format = raw.format.unwrap_or(CopyFormat::Text);
    let csv = format == CopyFormat::Csv;
    if let Some(mode) = mode(format) {
        for (given, option) in [(&raw.delimiter, "DELIMITER"), (&raw.null, "NULL"), (&raw.default, "DEFAULT")] {
            if given.is_some() {
                return Err(Error::syntax(format!("cannot specify {option} in {mode} mode")));
            }
        }
    }
    let null = raw.null.clone().unwrap_or_else(|| if csv { "" } else { "\\N" }.to_owned());
    let (delimiter, quote, escape) = separators(&raw, csv, &null)?;
    let lists = [
        (&raw.force_quote, "force quote", true),
        (&raw.force_not_null, "force not null", false),
        (&raw.force_null, "force null", false),
    ];
    for (value, name, output) in lists {
        if value.is_none() {
            continue;
        }
        if !csv {
            return unsupported(format!("COPY {name} available only in CSV mode"));
        }
        if output && from {
            return unsupported("COPY force quote only available using COPY TO");
        }
        if !output && !from {
            return unsupported(format!("COPY {name} only available using COPY FROM"));
        }
    }
    if null.as_bytes().contains(&delimiter) {
        return unsupported("COPY delimiter must not appear in the NULL specification");
    }
    if csv && null.as_bytes().contains(&quote) {
        return unsupported("CSV quote character must not appear in the NULL specification");
    }
    if let Some(default) = &raw.default {
        check_default(default, from, &null, delimiter, csv.then_some(quote))?;
    }
    let default = match (raw.default, format) {
        (None, CopyFormat::Json) if from => Some(CopyDefault { marker: None, columns: defaults }),
        (marker, _) => marker.map(|marker| CopyDefault { marker: Some(marker), columns: defaults }),
    };
    let on_error = on_error(format, raw.ignore_errors, raw.reject_limit, raw.rejects.is_some())?;
    let header = raw.header.unwrap_or(CopyHeader::No);
    if header == CopyHeader::Match && !from {
        return unsupported("cannot use \"match\" with HEADER in COPY TO");
    }
    Ok(CopyOptions {
        file: None,
        format,
        delimiter,
        null,
        default,
        header,
        quote,
        escape,
        force_quote: positions(raw.force_quote, copied, "FORCE_QUOTE")?,
        force_not_null: positions(raw.force_not_null, copied, "FORCE_NOT_NULL")?,
        force_null: positions(raw.force_null, copied, "FORCE_NULL")?,
        encoding: raw.encoding,
        freeze: raw.freeze.unwrap_or(false),
        on_error,
        verbose: raw.verbose.unwrap_or(false),
        rejects: raw.rejects,
        batch: raw.batch,
    })
}

/// Delimiter, quote and escape, each one byte.
fn separators(raw: &Raw, csv: bool, null: &str) -> Result<(u8, u8, u8)> {
    let delimiter = raw.delimiter.as_deref().unwrap_or(if csv { "," } else { "\t" });
    let quote = raw.quote.as_deref().unwrap_or("\"");
    let escape = raw.escape.as_deref().unwrap_or(quote);
    let &[delimiter] = delimiter.as_bytes() else {
        return unsupported("COPY delimiter must be a single one-byte character");
    };
    if matches!(delimiter, b'\r' | b'\n') {
        return invalid("COPY delimiter cannot be newline or carriage return");
    }
    no_line_end(null, "null")?;
    if let Some(default) = &raw.default {
        no_line_end(default, "default")?;
    }
    if !csv && b"\\.abcdefghijklmnopqrstuvwxyz0123456789".contains(&delimiter) {
        return invalid(format!("COPY delimiter cannot be \"{}\"", delimiter as char));
    }
    if let Some(mode) = mode(raw.format.unwrap_or(CopyFormat::Text))
        && raw.header.is_some_and(|h| h != CopyHeader::No)
    {
        return unsupported(format!("cannot specify HEADER in {mode} mode"));
    }
    if !csv && raw.quote.is_some() {
        return unsupported("COPY quote available only in CSV mode");
    }
    let &[quote] = quote.as_bytes() else {
        return unsupported("COPY quote must be a single one-byte character");
    };
    if csv && delimiter == quote {
        return invalid("COPY delimiter and quote must be different");
    }
    if !csv && raw.escape.is_some() {
        return unsupported("COPY escape available only in CSV mode");
    }
    let &[escape] = escape.as_bytes() else {
        return unsupported("COPY escape must be a single one-byte character");
    };
    Ok((delimiter, quote, escape))
}

/// PostgreSQL 17's checks of DEFAULT.
fn check_default(default: &str, from: bool, null: &str, delimiter: u8, quote: Option<u8>) -> Result<()> {
    if !from {
        return invalid("COPY DEFAULT cannot be used with COPY TO");
    }
    if default.as_bytes().contains(&delimiter) {
        return invalid("COPY delimiter character must not appear in the DEFAULT specification");
    }
    if quote.is_some_and(|quote| default.as_bytes().contains(&quote)) {
        return invalid("CSV quote character must not appear in the DEFAULT specification");
    }
    if default == null {
        return invalid("NULL specification and DEFAULT specification cannot be the same");
    }
    Ok(())
}

fn on_error(format: CopyFormat, ignore: Option<bool>, limit: Option<u64>, rejects: bool) -> Result<CopyOnError> {
    if rejects && ignore == Some(false) {
        return invalid("COPY REJECTS requires ON_ERROR to be set to IGNORE");
    }
    let ignore = ignore.unwrap_or(rejects);
    if let (Some(mode), true) = (mode(format).filter(|_| format != CopyFormat::Json), ignore) {
        return Err(Error::syntax(format!("only ON_ERROR STOP is allowed in {mode} mode")));
    }
    match (ignore, limit) {
        (true, limit) => Ok(CopyOnError::Ignore { limit }),
        (false, None) => Ok(CopyOnError::Stop),
        (false, Some(_)) => invalid("COPY REJECT_LIMIT requires ON_ERROR to be set to IGNORE"),
    }
}

/// The value of an option that is a list of columns.
fn listed(name: &str, value: &CopyOptionValue) -> Result<CopyOptionValue> {
    if matches!(value, CopyOptionValue::All | CopyOptionValue::Columns(_)) {
        return Ok(value.clone());
    }
    invalid(format!("argument to option \"{name}\" must be a list of column names"))
}

/// Column names of an option as positions among the copied columns.
fn positions(value: Option<CopyOptionValue>, copied: &Copied<'_>, option: &str) -> Result<Vec<usize>> {
    let columns = match value {
        Some(CopyOptionValue::All) => return Ok((0..copied.names.len()).collect()),
        Some(CopyOptionValue::Columns(columns)) => columns,
        _ => return Ok(Vec::new()),
    };
    let position = |column: &Arc<str>| {
        copied.names.iter().position(|n| n == column).ok_or_else(|| match copied.of {
            Some(relation) if relation.columns.iter().any(|known| known.name == *column) => {
                let message = format!("{option} column \"{column}\" not referenced by COPY");
                Error::new(SqlState::INVALID_COLUMN_REFERENCE, message)
            }
            Some(relation) => {
                let message = format!("column \"{column}\" of relation \"{}\" does not exist", relation.name);
                Error::new(SqlState::UNDEFINED_COLUMN, message)
            }
            None => Error::new(SqlState::UNDEFINED_COLUMN, format!("column \"{column}\" does not exist")),
        })
    };
    columns.iter().map(position).collect()
}
