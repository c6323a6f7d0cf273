//! COPY (ProcessCopyOptions, BeginCopyFrom, BeginCopyTo): the table or query, and options checked as PostgreSQL does.

use std::sync::Arc;

use super::Analyzer;
use crate::error::{Error, Result, SqlState};
use crate::registry::{Relation as TableDef, RelationKind};
use crate::sql::parse::{self, CopyOptionValue, CopyStatement, CopySubject};
use crate::tree::{Copy, CopyDirection, CopyFormat, CopyHeader, CopyOnError, CopyOptions, QualifiedName, Statement};

/// Options as they are given, before defaults that depend on the format.
#[derive(Default)]
struct Raw {
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
}

impl Analyzer<'_> {
    pub(crate) fn copy(&mut self, copy: &CopyStatement) -> Result<Statement> {
        let raw = self.raw_options(&copy.options, copy.from)?;
        let direction = match &copy.subject {
            CopySubject::Query(statement) => match self.statement(statement)? {
                Statement::Query(query) => (CopyDirection::Out { query }, Vec::new()),
                Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_) | Statement::Merge(_) => {
                    return Err(Error::unsupported("COPY of a data-modifying statement"));
                }
                _ => return Err(Error::unsupported("COPY of this statement")),
            },
            CopySubject::Table { name, columns } => self.copy_table(copy, name, columns)?,
        };
        let (direction, names) = direction;
        let names = match &direction {
            CopyDirection::Out { query } => query.columns.iter().map(|f| Arc::clone(&f.name)).collect(),
            CopyDirection::In { .. } => names,
        };
        let options = finish(raw, copy.from, &names)?;
        Ok(Statement::Copy(Box::new(Copy { direction, options })))
    }

    fn copy_table(
        &mut self,
        copy: &CopyStatement,
        name: &QualifiedName,
        columns: &[(Arc<str>, u32)],
    ) -> Result<(CopyDirection, Vec<Arc<str>>)> {
        let namespace = name.namespace.as_deref();
        let Some(def) = self.find_relation(namespace, &name.name) else {
            // COPY opens its table without a parse state: its error has no position.
            return Err(self.no_relation(namespace, &name.name, 0));
        };
        let chosen = self.copy_columns(&def, columns)?;
        let names: Vec<Arc<str>> = chosen.iter().map(|c| Arc::clone(&def.columns[usize::from(*c)].name)).collect();
        if !copy.from {
            if def.kind.definition().is_some() {
                let message = format!("cannot copy from {} \"{}\"", crate::policy::kind_word(&def), def.name);
                return Err(
                    Error::new(SqlState::WRONG_OBJECT_TYPE, message).hint("Try the COPY (SELECT ...) TO variant.")
                );
            }
            if def.is_partitioned() {
                let message = format!("cannot copy from partitioned table \"{}\"", def.name);
                return Err(
                    Error::new(SqlState::WRONG_OBJECT_TYPE, message).hint("Try the COPY (SELECT ...) TO variant.")
                );
            }
            if let RelationKind::Sequence(_) = def.kind {
                let message = format!("cannot copy from sequence \"{}\"", def.name);
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
            }
            let query = self.select_columns(&def, &names)?;
            return Ok((CopyDirection::Out { query: Box::new(query) }, names));
        }
        match def.kind {
            RelationKind::Table => {}
            RelationKind::View { .. } | RelationKind::MaterializedView { .. } | RelationKind::Sequence(_) => {
                let message = format!("cannot copy to {} \"{}\"", crate::policy::kind_word(&def), def.name);
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
            }
            RelationKind::System => self.check_writable(&def, "copy to")?,
        }
        let insert = self.feed_insert(&def, &chosen, copy.filter.as_deref())?;
        let nums = chosen.iter().map(|c| def.columns[usize::from(*c)].num).collect();
        Ok((CopyDirection::In { insert: Box::new(insert), table: def, columns: nums }, names))
    }

    /// CopyGetAttnums: all columns but generated ones, or those that are named.
    fn copy_columns(&self, def: &TableDef, columns: &[(Arc<str>, u32)]) -> Result<Vec<u16>> {
        if columns.is_empty() {
            let plain = def.columns.iter().enumerate().filter(|(_, c)| c.generated.is_none() && c.num > 0);
            return Ok(plain.map(|(i, _)| i as u16).collect());
        }
        let mut chosen = Vec::with_capacity(columns.len());
        for (name, _) in columns {
            let column = self.column_index_of(def, name, 0)?;
            if def.columns[usize::from(column)].generated.is_some() {
                return Err(Error::new(
                    SqlState::INVALID_COLUMN_REFERENCE,
                    format!("column \"{name}\" is a generated column"),
                )
                .detail("Generated columns cannot be used in COPY."));
            }
            if chosen.contains(&column) {
                let message = format!("column \"{name}\" specified more than once");
                return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
            }
            chosen.push(column);
        }
        Ok(chosen)
    }

    /// `SELECT columns FROM table`, for COPY table TO.
    fn select_columns(&mut self, def: &TableDef, names: &[Arc<str>]) -> Result<crate::tree::Query> {
        let quote = |n: &str| format!("\"{}\"", n.replace('"', "\"\""));
        let list: Vec<String> = names.iter().map(|n| quote(n)).collect();
        let text = format!("SELECT {} FROM {}.{}", list.join(", "), quote(&def.namespace), quote(&def.name));
        let parsed = parse::parse(&text)?;
        match parsed.first().map(|p| &*p.body) {
            Some(parse::Body::Statement(statement)) => match self.statement(statement)? {
                Statement::Query(query) => Ok(*query),
                _ => Err(Error::internal("COPY made no query")),
            },
            _ => Err(Error::internal("COPY made no statement")),
        }
    }

    fn raw_options(&self, options: &[(Arc<str>, CopyOptionValue, u32)], from: bool) -> Result<Raw> {
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
                "force_quote" => raw.force_quote = Some(value.clone()),
                "force_not_null" => raw.force_not_null = Some(value.clone()),
                "force_null" => raw.force_null = Some(value.clone()),
                "encoding" => raw.encoding = Some(text(name, value)?),
                "on_error" if from => raw.ignore_errors = Some(choice(name, value, ["stop", "ignore"], *pos)?),
                "reject_limit" if from => raw.reject_limit = Some(reject_limit(value)?),
                "log_verbosity" => raw.verbose = Some(choice(name, value, ["default", "verbose"], *pos)?),
                "on_error" | "reject_limit" => {
                    let message = format!("COPY {} cannot be used with COPY TO", name.to_uppercase());
                    return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).at(*pos));
                }
                _ => return Err(Error::syntax(format!("option \"{name}\" not recognized")).at(*pos)),
            }
        }
        Ok(raw)
    }
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
        _ => {
            let message = format!("COPY format \"{name}\" not recognized");
            Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).at(pos))
        }
    }
}

/// The checks of ProcessCopyOptions, in its order.
fn finish(raw: Raw, from: bool, names: &[Arc<str>]) -> Result<CopyOptions> {
    let format = raw.format.unwrap_or(CopyFormat::Text);
    let (csv, binary) = (format == CopyFormat::Csv, matches!(format, CopyFormat::Binary | CopyFormat::Arrow));
    let mode = if format == CopyFormat::Arrow { "ARROW" } else { "BINARY" };
    let syntax = |message: &str| Err(Error::syntax(message));
    let invalid = |message: &str| Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    let unsupported = |message: &str| Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
    if binary && raw.delimiter.is_some() {
        return syntax(&format!("cannot specify DELIMITER in {mode} mode"));
    }
    if binary && raw.null.is_some() {
        return syntax(&format!("cannot specify NULL in {mode} mode"));
    }
    let delimiter = raw.delimiter.unwrap_or_else(|| if csv { "," } else { "\t" }.to_owned());
    let null = raw.null.unwrap_or_else(|| if csv { "" } else { "\\N" }.to_owned());
    let quote = raw.quote.clone().unwrap_or_else(|| "\"".to_owned());
    let escape = raw.escape.clone().unwrap_or_else(|| quote.clone());
    let &[delimiter] = delimiter.as_bytes() else {
        return unsupported("COPY delimiter must be a single one-byte character");
    };
    if matches!(delimiter, b'\r' | b'\n') {
        return invalid("COPY delimiter cannot be newline or carriage return");
    }
    if null.contains(['\r', '\n']) {
        return invalid("COPY null representation cannot use newline or carriage return");
    }
    if !csv && b"\\.abcdefghijklmnopqrstuvwxyz0123456789".contains(&delimiter) {
        return Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("COPY delimiter cannot be \"{}\"", delimiter as char),
        ));
    }
    if binary && raw.header.is_some_and(|h| h != CopyHeader::No) {
        return unsupported(&format!("cannot specify HEADER in {mode} mode"));
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
            return unsupported(&format!("COPY {name} available only in CSV mode"));
        }
        if output && from {
            return unsupported("COPY force quote only available using COPY TO");
        }
        if !output && !from {
            return unsupported(&format!("COPY {name} only available using COPY FROM"));
        }
    }
    if null.as_bytes().contains(&delimiter) {
        return unsupported("COPY delimiter must not appear in the NULL specification");
    }
    if csv && null.as_bytes().contains(&quote) {
        return unsupported("CSV quote character must not appear in the NULL specification");
    }
    let ignore = raw.ignore_errors.unwrap_or(false);
    if binary && ignore {
        return syntax(&format!("only ON_ERROR STOP is allowed in {mode} mode"));
    }
    if raw.reject_limit.is_some() && !ignore {
        return invalid("COPY REJECT_LIMIT requires ON_ERROR to be set to IGNORE");
    }
    let header = raw.header.unwrap_or(CopyHeader::No);
    if header == CopyHeader::Match && !from {
        return unsupported("cannot use \"match\" with HEADER in COPY TO");
    }
    Ok(CopyOptions {
        format,
        delimiter,
        null,
        default: None,
        header,
        quote,
        escape,
        force_quote: positions(raw.force_quote, names, "FORCE_QUOTE")?,
        force_not_null: positions(raw.force_not_null, names, "FORCE_NOT_NULL")?,
        force_null: positions(raw.force_null, names, "FORCE_NULL")?,
        encoding: raw.encoding,
        freeze: raw.freeze.unwrap_or(false),
        on_error: if ignore { CopyOnError::Ignore { limit: raw.reject_limit } } else { CopyOnError::Stop },
        verbose: raw.verbose.unwrap_or(false),
    })
}

/// Column names of an option as positions among the copied columns.
fn positions(value: Option<CopyOptionValue>, names: &[Arc<str>], option: &str) -> Result<Vec<usize>> {
    match value {
        None => Ok(Vec::new()),
        Some(CopyOptionValue::All) => Ok((0..names.len()).collect()),
        Some(CopyOptionValue::Columns(columns)) => columns
            .iter()
            .map(|column| {
                names.iter().position(|n| n == column).ok_or_else(|| {
                    let message = format!("{option} column \"{column}\" not referenced by COPY");
                    Error::new(SqlState::INVALID_COLUMN_REFERENCE, message)
                })
            })
            .collect(),
        Some(_) => {
            let message = format!("argument to option \"{}\" must be a list of column names", option.to_lowercase());
            Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message))
        }
    }
}
