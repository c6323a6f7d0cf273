//! Files of the server in FROM, in the extended dialect: `read_csv('/dir/x.csv', header = true)` and kin.
//!
//! The engine opens them and says which columns they have ([`crate::engine::FileScans`]); whose rights count is asked before.

use std::sync::Arc;

use sqlparser::ast::{self, BinaryOperator, UnaryOperator};

use super::from::Item;
use super::{Analyzer, ExprKind};
use crate::engine::{FileFormat, FileOption, FileReach, FileRequest, MOST_FILES};
use crate::error::{Error, Result, SqlState};
use crate::policy;
use crate::sql::{Dialect, heed};
use crate::tree::{FileScan, RelColumn, Relation, Source};
use crate::types::Value;

/// The functions, and what is always said to DuckDB's.
const READERS: &[(&str, FileFormat, &[(&str, &str)])] = &[
    ("glob", FileFormat::Names, &[]),
    ("parquet_scan", FileFormat::Parquet, &[]),
    ("read_csv", FileFormat::Csv, &[]),
    ("read_csv_auto", FileFormat::Csv, &[]),
    ("read_json", FileFormat::Json, &[]),
    ("read_json_auto", FileFormat::Json, &[]),
    ("read_ndjson", FileFormat::Json, &[("format", "newline_delimited")]),
    ("read_ndjson_auto", FileFormat::Json, &[("format", "newline_delimited")]),
    ("read_parquet", FileFormat::Parquet, &[]),
];

/// What an option may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Bool,
    Number,
    Text,
    /// One or several.
    Texts,
    /// `{'column': 'type'}`
    Columns,
    /// The same, or the types in the columns' order.
    Types,
    /// A boolean or a word.
    Records,
}

/// Options by their names, with DuckDB's name for them.
type Options = &'static [(&'static str, &'static str, Takes)];

const OF_CSV: Options = &[
    ("all_varchar", "all_varchar", Takes::Bool),
    ("allow_quoted_nulls", "allow_quoted_nulls", Takes::Bool),
    ("auto_detect", "auto_detect", Takes::Bool),
    ("columns", "columns", Takes::Columns),
    ("column_names", "names", Takes::Texts),
    ("column_types", "types", Takes::Types),
    ("comment", "comment", Takes::Text),
    ("compression", "compression", Takes::Text),
    ("dateformat", "dateformat", Takes::Text),
    ("date_format", "dateformat", Takes::Text),
    ("decimal_separator", "decimal_separator", Takes::Text),
    ("delim", "delim", Takes::Text),
    ("delimiter", "delim", Takes::Text),
    ("dtypes", "types", Takes::Types),
    ("encoding", "encoding", Takes::Text),
    ("escape", "escape", Takes::Text),
    ("force_not_null", "force_not_null", Takes::Texts),
    ("header", "header", Takes::Bool),
    ("ignore_errors", "ignore_errors", Takes::Bool),
    ("max_line_size", "max_line_size", Takes::Number),
    ("maximum_line_size", "max_line_size", Takes::Number),
    ("names", "names", Takes::Texts),
    ("new_line", "new_line", Takes::Text),
    ("normalize_names", "normalize_names", Takes::Bool),
    ("null", "nullstr", Takes::Texts),
    ("null_padding", "null_padding", Takes::Bool),
    ("nullstr", "nullstr", Takes::Texts),
    ("quote", "quote", Takes::Text),
    ("sample_size", "sample_size", Takes::Number),
    ("sep", "delim", Takes::Text),
    ("skip", "skip", Takes::Number),
    ("strict_mode", "strict_mode", Takes::Bool),
    ("thousands", "thousands", Takes::Text),
    ("timestampformat", "timestampformat", Takes::Text),
    ("timestamp_format", "timestampformat", Takes::Text),
    ("types", "types", Takes::Types),
    ("union_by_name", "union_by_name", Takes::Bool),
];

const OF_PARQUET: Options = &[
    ("binary_as_string", "binary_as_string", Takes::Bool),
    ("file_row_number", "file_row_number", Takes::Bool),
    ("union_by_name", "union_by_name", Takes::Bool),
];

const OF_JSON: Options = &[
    ("auto_detect", "auto_detect", Takes::Bool),
    ("columns", "columns", Takes::Columns),
    ("compression", "compression", Takes::Text),
    ("convert_strings_to_integers", "convert_strings_to_integers", Takes::Bool),
    ("dateformat", "dateformat", Takes::Text),
    ("date_format", "dateformat", Takes::Text),
    ("format", "format", Takes::Text),
    ("ignore_errors", "ignore_errors", Takes::Bool),
    ("maximum_depth", "maximum_depth", Takes::Number),
    ("maximum_object_size", "maximum_object_size", Takes::Number),
    ("records", "records", Takes::Records),
    ("sample_size", "sample_size", Takes::Number),
    ("timestampformat", "timestampformat", Takes::Text),
    ("timestamp_format", "timestampformat", Takes::Text),
    ("union_by_name", "union_by_name", Takes::Bool),
];

/// Endings of names that say how a file is compressed: DuckDB is told no name.
const COMPRESSED: &[(&str, &str)] = &[(".gz", "gzip"), (".zst", "zstd")];

impl Analyzer<'_> {
    /// Is it a function of files, and no user's of that name?
    pub(super) fn reads_files(&self, function: &str) -> bool {
        self.ctx.dialect == Dialect::Extended
            && READERS.iter().any(|(name, ..)| *name == function)
            && self.search_path().all(|namespace| self.user_functions(namespace, function).next().is_none())
    }

    /// A call of it in FROM.
    pub(super) fn file_item(
        &mut self,
        function: &str,
        args: &[ast::FunctionArg],
        alias: Option<&ast::TableAlias>,
        (ordinality, pos): (bool, u32),
    ) -> Result<Item> {
        let refused = |what: &str| Err(Error::unsupported(format!("function {function}() {what}")).at(pos));
        if ordinality {
            return refused("WITH ORDINALITY");
        }
        let passing = self.places.is_none() && !self.kept && self.views.is_empty() && self.inside.is_none();
        let Some(files) = self.ctx.files.as_ref().filter(|_| passing) else {
            return refused("in a view, a rule, or the body of a function in SQL");
        };
        let Some((_, format, always)) = READERS.iter().find(|(name, ..)| *name == function) else {
            return Err(Error::internal("no function of files"));
        };
        let Some((first, rest)) = args.split_first() else { return refused("without a file") };
        let paths = match self.file_option(function, super::from::plain_arg(first)?)? {
            FileOption::Text(path) => vec![path],
            FileOption::List(items) => items.into_iter().map(text).collect::<Option<_>>().unwrap_or_default(),
            _ => Vec::new(),
        };
        self.check_paths(function, &paths).map_err(|e| e.at(pos))?;
        let mut options: Vec<(&'static str, FileOption)> =
            always.iter().map(|(name, word)| (*name, FileOption::Text((*word).to_owned()))).collect();
        for arg in rest {
            let (name, value) = named(arg)
                .ok_or_else(|| Error::unsupported(format!("an argument of {function}() without a name")).at(pos))?;
            let option = self.named_option(function, *format, &name.value.to_lowercase(), value);
            options.extend(option.map_err(|e| e.at(self.pos(name.span)))?);
        }
        if let Some(compression) = compression(&paths).map_err(|e| e.at(pos))?
            && matches!(format, FileFormat::Csv | FileFormat::Json)
            && options.iter().all(|(name, _)| *name != "compression")
        {
            options.push(("compression", FileOption::Text(compression.to_owned())));
        }
        let shown: Arc<[Arc<str>]> = paths.iter().map(|path| path.as_str().into()).collect();
        let (role, ways) = (self.ctx.role, self.ctx.ways);
        policy::may_read_files(function, &shown, (role, ways), &self.ctx.snapshot)?;
        let everything = policy::opens_everything(&self.ctx.snapshot, role, false);
        let reach = FileReach { everything, directories: Arc::clone(&files.directories) };
        let request = FileRequest { format: *format, paths, options };
        let found = files.scans.find(request, reach, &|| heed::now().err());
        let asked = |e: Error| e.asking(&policy::files_asked_for(&shown, role, &self.ctx.snapshot));
        let found = found.map_err(asked)?;
        let columns: Vec<RelColumn> = found
            .columns
            .iter()
            .map(|column| RelColumn { name: column.name.as_str().into(), ty: column.ty, attnum: 0 })
            .collect();
        let number = found.number;
        let paths = found.paths().iter().map(|path| path.as_str().into()).collect();
        let scan = FileScan { function: function.into(), paths, number, held: found };
        let name = alias.map_or_else(|| function.into(), |alias| crate::sql::parse::fold(&alias.name));
        let id = self.new_rel();
        let source = Source::File(Arc::new(scan));
        self.relation_item(Relation { id, alias: name, source, columns, lateral: false, pos }, alias)
    }

    fn check_paths(&self, function: &str, paths: &[String]) -> Result<()> {
        if paths.is_empty() || paths.len() > MOST_FILES {
            let message = format!("{function}() takes the name of a file, or a list of up to {MOST_FILES}");
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        if paths.iter().any(|path| !path.starts_with('/')) {
            let message = format!("relative path not allowed for {function}()");
            return Err(Error::new(SqlState::INVALID_NAME, message));
        }
        Ok(())
    }

    fn named_option(
        &mut self,
        function: &str,
        format: FileFormat,
        name: &str,
        value: &ast::Expr,
    ) -> Result<Option<(&'static str, FileOption)>> {
        let options = match format {
            FileFormat::Csv => OF_CSV,
            FileFormat::Parquet => OF_PARQUET,
            FileFormat::Json => OF_JSON,
            FileFormat::Names => &[],
        };
        let value = self.file_option(function, value)?;
        // They are off anyway.
        if matches!(name, "filename" | "hive_partitioning") && value == FileOption::Bool(false) {
            return Ok(None);
        }
        let Some((_, duckdb, takes)) = options.iter().find(|(known, ..)| *known == name) else {
            let known: Vec<&str> = options.iter().map(|(name, ..)| *name).collect();
            let hint =
                if known.is_empty() { "It has none.".to_owned() } else { format!("Options are {}.", known.join(", ")) };
            return Err(Error::unsupported(format!("option \"{name}\" of {function}()")).hint(hint));
        };
        if !fits(*takes, &value) {
            let message = format!("invalid value for option \"{name}\" of {function}()");
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        Ok(Some((duckdb, value)))
    }

    /// What is known without running anything.
    fn file_option(&mut self, function: &str, value: &ast::Expr) -> Result<FileOption> {
        let no_constant =
            |e: &ast::Expr| Error::unsupported(format!("an argument of {function}() that is no constant: {e}"));
        Ok(match value {
            ast::Expr::Array(array) => {
                FileOption::List(array.elem.iter().map(|e| self.file_option(function, e)).collect::<Result<_>>()?)
            }
            ast::Expr::Dictionary(fields) => {
                let field = |f: &ast::DictionaryField| Ok((f.key.value.clone(), self.file_option(function, &f.value)?));
                FileOption::Struct(fields.iter().map(field).collect::<Result<_>>()?)
            }
            ast::Expr::Nested(inner) => self.file_option(function, inner)?,
            ast::Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match self.file_option(function, expr)? {
                FileOption::Number(n) => FileOption::Number(-n),
                _ => return Err(no_constant(value)),
            },
            ast::Expr::Value(_) => {
                let expr = self.expr(value)?;
                match &expr.kind {
                    ExprKind::Const(Value::Text(text)) => FileOption::Text(text.to_string()),
                    ExprKind::Const(Value::Bool(value)) => FileOption::Bool(*value),
                    ExprKind::Const(Value::Int4(n)) => FileOption::Number((*n).into()),
                    ExprKind::Const(Value::Int8(n)) => FileOption::Number(*n),
                    _ => return Err(no_constant(value)),
                }
            }
            other => return Err(no_constant(other)),
        })
    }
}

/// `name = value`, `name => value`, `name := value`
fn named(arg: &ast::FunctionArg) -> Option<(&ast::Ident, &ast::Expr)> {
    match arg {
        ast::FunctionArg::Named { name, arg: ast::FunctionArgExpr::Expr(value), operator: _ } => Some((name, value)),
        ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(ast::Expr::BinaryOp {
            left,
            op: BinaryOperator::Eq,
            right,
        })) => match &**left {
            ast::Expr::Identifier(name) => Some((name, right)),
            _ => None,
        },
        _ => None,
    }
}

fn text(option: FileOption) -> Option<String> {
    match option {
        FileOption::Text(text) => Some(text),
        _ => None,
    }
}

fn fits(takes: Takes, value: &FileOption) -> bool {
    let is_text = |value: &FileOption| matches!(value, FileOption::Text(_));
    let texts = |value: &FileOption| matches!(value, FileOption::List(items) if items.iter().all(is_text));
    let columns = |value: &FileOption| matches!(value, FileOption::Struct(fields) if fields.iter().all(|(_, v)| is_text(v)) && !fields.is_empty());
    match takes {
        Takes::Bool => matches!(value, FileOption::Bool(_)),
        Takes::Number => matches!(value, FileOption::Number(_)),
        Takes::Text => is_text(value),
        Takes::Texts => is_text(value) || texts(value),
        Takes::Columns => columns(value),
        Takes::Types => columns(value) || texts(value),
        Takes::Records => is_text(value) || matches!(value, FileOption::Bool(_)),
    }
}

/// How the files are compressed, by their names.
fn compression(paths: &[String]) -> Result<Option<&'static str>> {
    let of = |path: &String| COMPRESSED.iter().find(|(ending, _)| path.ends_with(ending)).map(|(_, word)| *word);
    let first = paths.first().and_then(of);
    match paths.iter().all(|path| of(path) == first) {
        true => Ok(first),
        false => Err(Error::unsupported("files in one list that are compressed in different ways")),
    }
}
