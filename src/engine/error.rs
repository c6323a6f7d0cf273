//! DuckDB's errors as PostgreSQL's: one table from its kinds and words to SQLSTATE, and the encoded form in which our own
//! errors travel through DuckDB.

use std::fmt::Write;
use std::sync::LazyLock;

use tokio_util::sync::CancellationToken;

use super::raw::RawError;
use crate::error::{Error, Result, SqlState};

/// Begins our own error inside DuckDB's text.
const MARK: &str = "DG\u{1}";
const SEPARATOR: char = '\u{1}';

/// The encoded form of an error: `DG␁SQLSTATE␁message␁detail␁hint␁schema␁table␁column␁constraint␁data type␁internal␁`.
/// What a native function or a lowered `error('…')` raises comes back as that error.
pub fn encode(error: &Error) -> String {
    let report = error.report();
    let mut text = String::with_capacity(128);
    text.push_str(MARK);
    let _ = write!(text, "{}", report.code);
    let optional = [
        &report.detail,
        &report.hint,
        &report.schema,
        &report.table,
        &report.column,
        &report.constraint,
        &report.data_type,
        &report.internal,
    ];
    let fields = std::iter::once(report.message.as_str()).chain(optional.map(|f| f.as_deref().unwrap_or_default()));
    for field in fields {
        text.push(SEPARATOR);
        // A NUL would end DuckDB's C string, and a separator the field.
        match field.contains(['\u{0}', SEPARATOR]) {
            true => text.push_str(&field.replace(['\u{0}', SEPARATOR], " ")),
            false => text.push_str(field),
        }
    }
    text.push(SEPARATOR);
    text
}

/// The text that a lowered `error('…')` call raises to give an error with this code, message, detail and hint.
pub fn encoded(code: SqlState, message: &str, detail: Option<&str>, hint: Option<&str>) -> String {
    let mut error = Error::new(code, message);
    error.report_mut().detail = detail.map(Into::into);
    error.report_mut().hint = hint.map(Into::into);
    encode(&error)
}

/// Finds an encoded error in DuckDB's text.
pub fn decode(text: &str) -> Option<Error> {
    let at = text.find(MARK)?;
    // DuckDB shows a piece of its SQL behind an error of its own, which may hold another error's text.
    if text[..at].contains("\n\nLINE ") {
        return None;
    }
    let encoded = &text[at + MARK.len()..];
    let mut fields = encoded.split(SEPARATOR);
    let code = SqlState::parse(fields.next()?)?;
    let mut error = Error::new(code, fields.next()?);
    let report = error.report_mut();
    let slots = [
        &mut report.detail,
        &mut report.hint,
        &mut report.schema,
        &mut report.table,
        &mut report.column,
        &mut report.constraint,
        &mut report.data_type,
        &mut report.internal,
    ];
    // What follows the last separator is DuckDB's own (the position in its SQL).
    let mut rest: Vec<_> = fields.collect();
    rest.pop();
    for (slot, field) in slots.into_iter().zip(rest) {
        *slot = (!field.is_empty()).then(|| field.to_owned());
    }
    Some(error)
}

/// Which rule of a table a statement broke, as far as DuckDB says it. The session finds the constraint's name with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// The physical table and column that must not be NULL.
    NotNull { table: String, column: String },
    /// The physical columns and the values of the key that is there already. No columns if DuckDB does not say them
    /// (rows that came together, or a conflict at COMMIT).
    Unique { columns: Vec<String>, values: Vec<String>, primary: bool },
}

/// The violation behind an error that [`from_raw`] made, if it was one.
pub fn violation(error: &Error) -> Option<Violation> {
    let text = error.report().internal.as_deref()?;
    find_violation(text.strip_prefix("Constraint Error: ").unwrap_or(text))
}

fn find_violation(text: &str) -> Option<Violation> {
    if let Some(rest) = text.strip_prefix("NOT NULL constraint failed: ") {
        let name = rest.lines().next()?;
        let (table, column) = name.rsplit_once('.')?;
        return Some(Violation::NotNull { table: table.into(), column: column.into() });
    }
    let after = |start: &str| text.find(start).map(|at| &text[at + start.len()..]);
    if let Some(rest) = after("Duplicate key \"") {
        let (columns, values) = key(rest)?;
        return Some(Violation::Unique { columns, values, primary: text.contains("violates primary key") });
    }
    if let Some(rest) = after("constraint violation: duplicate key \"") {
        // Found when many rows came together, or at COMMIT: the values only.
        let values = rest[..rest.rfind('"')?].split(", ").map(str::to_owned).collect();
        return Some(Violation::Unique { columns: Vec::new(), values, primary: false });
    }
    None
}

/// Reads DuckDB's `a: 1, b: x" …`. Values are not quoted in it: a text with `, ` or `"` in it may be cut wrongly, so the
/// columns are what is relied on.
fn key(text: &str) -> Option<(Vec<String>, Vec<String>)> {
    let end = text.rfind("\" ").or_else(|| text.rfind('"'))?;
    let mut columns = Vec::new();
    let mut values: Vec<String> = Vec::new();
    for part in text[..end].split(", ") {
        match part.split_once(": ") {
            Some((column, value)) => {
                columns.push(column.to_owned());
                values.push(value.to_owned());
            }
            None => {
                let last = values.last_mut()?;
                last.push_str(", ");
                last.push_str(part);
            }
        }
    }
    Some((columns, values))
}

/// DuckDB's error as the client may see it. What this table does not know is an internal error: DuckDB's words tell of its
/// own SQL and types, and go to the log only.
pub(super) fn from_raw(raw: &RawError) -> Error {
    let text = raw.0.as_str();
    if let Some(error) = decode(text) {
        return error;
    }
    let (kind, message) = text.split_once(": ").unwrap_or(("", text));
    if message.starts_with("Max expression depth limit") {
        return Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    }
    let mut error = translate(kind, message).unwrap_or_else(|| Error::internal(text));
    error.report_mut().internal = Some(text.to_owned());
    error
}

/// Is cancelled when DuckDB has given its database up: it could neither finish something nor undo it (a checkpoint on a full
/// disk), and every later statement fails until the file is opened anew. What was committed is in the file and its log.
pub fn given_up() -> &'static CancellationToken {
    static GIVEN_UP: LazyLock<CancellationToken> = LazyLock::new(CancellationToken::new);
    &GIVEN_UP
}

fn fatal(message: &str) -> Error {
    given_up().cancel();
    if !message.contains("has been invalidated")
        && let Some(error) = io(message)
    {
        return error;
    }
    Error::fatal(SqlState::CRASH_SHUTDOWN, "terminating connection because of a fatal error of the database")
        .hint("In a moment you should be able to reconnect to the database and repeat your command.")
}

/// One row for each kind of DuckDB's errors that a permitted statement can run into.
fn translate(kind: &str, message: &str) -> Option<Error> {
    let error = match kind {
        "Constraint Error" => return constraint(message),
        "Conversion Error" => return conversion(message),
        "Out of Range Error" => return out_of_range(message),
        "INTERRUPT Error" => Error::new(SqlState::QUERY_CANCELED, "canceling statement due to user request"),
        "TransactionContext Error" | "Transaction Error" | "Catalog Error" => return transaction(message),
        "Out of Memory Error" => out_of_memory(message),
        // A database in memory has nowhere to put what its memory does not hold.
        "Permission Error" if message.contains("Cannot access directory") => out_of_memory(message),
        "IO Error" => return io(message),
        "FATAL Error" => fatal(message),
        "Invalid Input Error" => return invalid_input(message),
        "Syntax Error" if message.starts_with("Invalid escape string") => {
            Error::new(SqlState::INVALID_ESCAPE_SEQUENCE, "invalid escape string")
                .hint("Escape string must be empty or one character.")
        }
        // Correlated subqueries and joins of shapes that its planner does not know.
        "Not implemented Error" => beyond(),
        "Binder Error" if no_column(message) => concurrent(),
        // What is computed once stands in a lambda.
        "Binder Error" if message.contains("subqueries in lambda") => beyond(),
        "Binder Error" if message.contains("non-inner LATERAL JOIN") => beyond(),
        "Binder Error" if message.starts_with("window expression is not supported here") => {
            Error::unsupported("a window function at this place").hint("Compute it in a subquery in FROM.")
        }
        "Binder Error" if message.contains("orrelated") && message.contains("not supported") => beyond(),
        _ => return None,
    };
    Some(error)
}

fn beyond() -> Error {
    Error::unsupported("this form of a correlated subquery or join")
        .hint("Try a join or a plain subquery in its place.")
}

fn constraint(message: &str) -> Option<Error> {
    Some(match find_violation(message) {
        // The session knows the names of what DuckDB has by number.
        Some(Violation::NotNull { .. }) => {
            Error::new(SqlState::NOT_NULL_VIOLATION, "null value violates not-null constraint")
        }
        Some(Violation::Unique { .. }) => {
            Error::new(SqlState::UNIQUE_VIOLATION, "duplicate key value violates unique constraint")
        }
        None if message.starts_with("CHECK constraint failed") => {
            Error::new(SqlState::CHECK_VIOLATION, "new row violates check constraint")
        }
        None if message.contains("duplicate")
            || message.contains("Duplicate")
            || message.contains("violates unique") =>
        {
            Error::new(SqlState::UNIQUE_VIOLATION, "duplicate key value violates unique constraint")
        }
        None => return None,
    })
}

fn conversion(message: &str) -> Option<Error> {
    // DuckDB adds lines with its own SQL and a mark below it.
    let message = message.lines().next().unwrap_or(message);
    if message.contains("not in timestamp range") {
        return Some(Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "timestamp out of range"));
    }
    if let Some(rest) = message.strip_prefix("Could not convert string ") {
        return Some(conversion_of_text(rest));
    }
    if let Some((_, ty)) = message.split_once(" to DECIMAL").or_else(|| message.split_once(" to type DECIMAL")) {
        return Some(decimal_overflow(ty));
    }
    let of_decimal = message.strip_prefix("Failed to cast decimal value ").and_then(|m| m.split_once(" to type "));
    let of_number = || message.split_once("out of range for the destination type ");
    if let Some((_, ty)) = of_decimal.or_else(of_number) {
        // What column it was is told behind the type.
        let text = match ty.split(' ').next().unwrap_or_default() {
            "FLOAT" => "value out of range: overflow".into(),
            "UINT32" => "OID out of range".into(),
            ty => format!("{} out of range", type_name(ty).unwrap_or("value")),
        };
        return Some(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, text));
    }
    let temporal = ["date", "timestamp", "time"].iter().find(|ty| message.contains(&format!("{ty} field ")));
    if let Some(ty) = temporal {
        let value =
            message.split_once(": \"").and_then(|(_, rest)| rest.split_once('"')).map_or("", |(value, _)| value);
        // Text that holds no digit is no date at all, though DuckDB calls it one out of range.
        return Some(if message.contains("out of range") && value.contains(|c: char| c.is_ascii_digit()) {
            Error::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("date/time field value out of range: \"{value}\""))
        } else {
            Error::new(SqlState::INVALID_DATETIME_FORMAT, format!("invalid input syntax for type {ty}: \"{value}\""))
        });
    }
    if message.starts_with("Malformed JSON") {
        return Some(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "invalid input syntax for type json"));
    }
    if message.contains("out of range") {
        return Some(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range"));
    }
    Some(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "invalid input syntax"))
}

/// `'x' to INT32`: text that is no value of the type, or one too large for it.
fn conversion_of_text(rest: &str) -> Error {
    let (quoted, ty) = rest.rsplit_once(" to ").unwrap_or((rest, ""));
    let value = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    let digits = value.trim().trim_start_matches(['-', '+']);
    let number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if let Some(decimal) = ty.strip_prefix("DECIMAL")
        && number
    {
        return decimal_overflow(decimal);
    }
    if let Some(decimal) = ty.strip_prefix("DECIMAL") {
        match value {
            "NaN" => {
                return Error::unsupported(format!("NaN as a value of type numeric{decimal}"))
                    .hint("The type numeric without precision takes it.");
            }
            "Infinity" | "-Infinity" => {
                return Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "numeric field overflow");
            }
            _ => {}
        }
    }
    let name = type_name(ty);
    match name {
        Some(name)
            if number && (ty.starts_with("INT") && ty != "INT128" || ty == "UINT32") && !digits.contains('.') =>
        {
            Error::new(
                SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
                format!("value \"{value}\" is out of range for type {name}"),
            )
        }
        Some("interval") => Error::new(
            SqlState::INVALID_DATETIME_FORMAT,
            format!("invalid input syntax for type interval: \"{value}\""),
        ),
        Some(name) => Error::new(
            SqlState::INVALID_TEXT_REPRESENTATION,
            format!("invalid input syntax for type {name}: \"{value}\""),
        ),
        // An enum's keys are integers without a sign.
        None => Error::new(SqlState::INVALID_TEXT_REPRESENTATION, format!("invalid input value for enum: \"{value}\"")),
    }
}

/// PostgreSQL's name of one of DuckDB's internal types, as far as physical types use them.
fn type_name(ty: &str) -> Option<&'static str> {
    Some(match ty {
        "INT16" => "smallint",
        "INT32" => "integer",
        "INT64" => "bigint",
        "UINT32" => "oid",
        "FLOAT" => "real",
        "DOUBLE" => "double precision",
        "BOOL" => "boolean",
        "INT128" => "uuid",
        "INTERVAL" => "interval",
        _ if ty.starts_with("DECIMAL") => "numeric",
        _ => return None,
    })
}

/// `(5,2)`
fn decimal_overflow(ty: &str) -> Error {
    let error = Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "numeric field overflow");
    let numbers = ty.trim_start_matches('(').split_once(')').map_or("", |(numbers, _)| numbers);
    match numbers.split_once(',').map(|(p, s)| (p.parse::<i32>(), s.parse::<i32>())) {
        Some((Ok(precision), Ok(scale))) => error.detail(format!(
            "A field with precision {precision}, scale {scale} must round to an absolute value less than 10^{}.",
            precision - scale
        )),
        _ => error,
    }
}

fn out_of_range(message: &str) -> Option<Error> {
    let lower = message.to_ascii_lowercase();
    if lower.contains("division by zero") || lower.contains("divide by zero") {
        return Some(Error::new(SqlState::DIVISION_BY_ZERO, "division by zero"));
    }
    let message = message.lines().next().unwrap_or(message);
    if message.starts_with("cannot take square root") {
        return Some(Error::new(SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION, message));
    }
    if message.starts_with("cannot take logarithm") {
        return Some(Error::new(SqlState::INVALID_ARGUMENT_FOR_LOG, message));
    }
    if lower.contains("interval") {
        return Some(Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "interval out of range"));
    }
    if lower.contains("timestamp") {
        return Some(Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "timestamp out of range"));
    }
    if lower.contains("date") {
        return Some(Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "date out of range"));
    }
    if let Some(number) = message.strip_prefix("Overflow on abs(") {
        // Only the smallest integer of a type has no absolute value in it.
        let name = match number.trim_end_matches([')', '!']) {
            "-32768" => "smallint",
            "-2147483648" => "integer",
            _ => "bigint",
        };
        return Some(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("{name} out of range")));
    }
    // PostgreSQL names the type that overflowed; DuckDB does too, in its own words.
    let type_name = [("INT64", "bigint"), ("INT32", "integer"), ("INT16", "smallint"), ("DECIMAL", "numeric")]
        .iter()
        .find(|(ours, _)| message.contains(ours))
        .map_or("value", |(_, name)| name);
    Some(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("{type_name} out of range")))
}

fn concurrent() -> Error {
    Error::new(SqlState::T_R_SERIALIZATION_FAILURE, "could not serialize access due to concurrent update")
        .hint("The transaction might succeed if retried.")
}

/// Another session has dropped the column between this statement's analysis and its run.
fn no_column(message: &str) -> bool {
    let name = ["does not have a column named \"a", "Referenced column \"a"]
        .iter()
        .find_map(|start| message.split_once(start).map(|(_, rest)| rest));
    let digits = name.and_then(|rest| rest.split_once('"')).map(|(digits, _)| digits);
    digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

fn transaction(message: &str) -> Option<Error> {
    // Another session has dropped it between this statement's analysis and its run.
    if let Some((name, _)) =
        message.strip_prefix("Table with name ").and_then(|rest| rest.split_once(" does not exist"))
    {
        return Some(Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{name}\" does not exist")));
    }
    let lower = message.to_ascii_lowercase();
    if lower.contains("current transaction is aborted") {
        return Some(Error::new(
            SqlState::IN_FAILED_SQL_TRANSACTION,
            "current transaction is aborted, commands ignored until end of transaction block",
        ));
    }
    if lower.contains("read-only") {
        return Some(Error::new(
            SqlState::READ_ONLY_SQL_TRANSACTION,
            "cannot execute a change in a read-only transaction",
        ));
    }
    if lower.contains("conflict") || lower.contains("has been altered") || lower.contains("is not current") {
        return Some(concurrent());
    }
    if lower.contains("failed to commit") {
        // The reason of a failed commit follows in DuckDB's text, in the words of its own kind.
        let memory = ["could not allocate", "failed to allocate", "failed to pin", "out of memory"];
        if memory.iter().any(|words| lower.contains(words)) {
            return Some(out_of_memory(message));
        }
        return io(message).or_else(|| constraint(message)).or_else(|| {
            Some(Error::new(
                SqlState::T_R_SERIALIZATION_FAILURE,
                "could not serialize access due to read/write dependencies among transactions",
            ))
        });
    }
    None
}

fn out_of_memory(message: &str) -> Error {
    if message.contains("max_temp_directory_size") || message.contains("No space left") {
        return Error::new(SqlState::DISK_FULL, "could not write to temporary file: no space left on device");
    }
    no_memory()
}

pub(super) fn no_memory() -> Error {
    Error::new(SqlState::OUT_OF_MEMORY, "out of memory").hint("Raise memory_limit, or ask for less at a time.")
}

fn io(message: &str) -> Option<Error> {
    if message.contains("No space left") {
        return Some(Error::new(SqlState::DISK_FULL, "could not write to file: no space left on device"));
    }
    None
}

/// How RE2 begins its complaints about a pattern.
const PATTERN_ERRORS: [&str; 11] = [
    "missing )",
    "missing ]",
    "missing argument to repetition operator",
    "no argument for repetition operator",
    "bad repetition operator",
    "invalid escape sequence",
    "invalid character class range",
    "invalid perl operator",
    "unexpected )",
    "invalid repetition size",
    "trailing \\",
];

fn invalid_input(message: &str) -> Option<Error> {
    let message = message.lines().next().unwrap_or(message);
    if message.contains("More than one row returned by a subquery") {
        return Some(Error::new(
            SqlState::CARDINALITY_VIOLATION,
            "more than one row returned by a subquery used as an expression",
        ));
    }
    if message.starts_with("Type INT32 with value ") && message.contains("destination type INT64") {
        // A date that no timestamp is.
        return Some(Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "date out of range for timestamp"));
    }
    if PATTERN_ERRORS.iter().any(|start| message.starts_with(start)) {
        return Some(Error::new(
            SqlState::INVALID_REGULAR_EXPRESSION,
            format!("invalid regular expression: {message}"),
        ));
    }
    if let Some(code) = message.strip_prefix("Invalid UTF8 Codepoint ") {
        return Some(Error::new(
            SqlState::PROGRAM_LIMIT_EXCEEDED,
            format!("requested character too large for encoding: {code}"),
        ));
    }
    None
}

/// As `raw.map_err(from_raw)`.
pub(super) trait Translate<T> {
    fn translated(self) -> Result<T>;
}

impl<T> Translate<T> for Result<T, RawError> {
    fn translated(self) -> Result<T> {
        self.map_err(|raw| from_raw(&raw))
    }
}

/// True if DuckDB stopped because it was asked to.
pub(super) fn is_interrupt(error: &Error) -> bool {
    error.code() == SqlState::QUERY_CANCELED
}
