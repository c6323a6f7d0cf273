//! RAISE, ASSERT, handlers of exceptions and GET STACKED DIAGNOSTICS.

use super::machine::Machine;
use crate::error::{Error, Report, Result, Severity, SqlState};
use crate::sql::parse::plpgsql::{Condition, Diagnostic, Raise, RaiseOption, Raised, codes_of};
use crate::types::{self, PgType, Value};

impl Machine<'_> {
    /// Tells the client, or fails.
    pub async fn raise(&mut self, raise: &Raise, line: u64) -> Result<()> {
        let (mut code, mut message, mut named) = (None, None, None);
        match &raise.what {
            Raised::Again => {
                return Err(self.handling.last().cloned().unwrap_or_else(|| {
                    let message = "RAISE without parameters cannot be used outside an exception handler";
                    Error::new(SqlState::STACKED_DIAGNOSTICS_ACCESSED_WITHOUT_ACTIVE_HANDLER, message)
                }));
            }
            Raised::Options => {}
            Raised::Condition { code: given, named: name } => {
                code = Some(*given);
                named = Some(name.clone());
            }
            Raised::Message { format, values } => {
                let mut shown = Vec::with_capacity(values.len());
                for value in values {
                    let (ty, value) = self.value(value).await?;
                    shown.push(self.show(&value, ty).unwrap_or_else(|| "<NULL>".to_owned()));
                }
                message = Some(filled(format, &shown));
            }
        }
        let mut options = Vec::new();
        for (option, value) in &raise.using {
            let (ty, value) = self.value(value).await?;
            let Some(text) = self.show(&value, ty) else {
                return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "RAISE statement option cannot be null"));
            };
            let word = word(*option);
            let again = match option {
                RaiseOption::Message => message.replace(text).is_some(),
                RaiseOption::Errcode => code.replace(self::code(&text)?).is_some(),
                _ => {
                    let again = options.iter().any(|(known, _)| known == option);
                    options.push((*option, text));
                    again
                }
            };
            if again {
                return Err(Error::syntax(format!("RAISE option already specified: {word}")));
            }
        }
        let severity = raise.level.unwrap_or(Severity::Error);
        let code = code.unwrap_or(match severity {
            Severity::Error | Severity::Fatal => SqlState::RAISE_EXCEPTION,
            Severity::Warning => SqlState::WARNING,
            Severity::Debug | Severity::Log | Severity::Info | Severity::Notice => SqlState::SUCCESSFUL_COMPLETION,
        });
        let message = message.or(named).unwrap_or_else(|| code.as_str().to_owned());
        let mut error = Error::new(code, message);
        let report = error.report_mut();
        report.severity = severity;
        for (option, text) in options {
            let field = match option {
                RaiseOption::Detail => &mut report.detail,
                RaiseOption::Hint => &mut report.hint,
                RaiseOption::Column => &mut report.column,
                RaiseOption::Constraint => &mut report.constraint,
                RaiseOption::Datatype => &mut report.data_type,
                RaiseOption::Table => &mut report.table,
                RaiseOption::Schema => &mut report.schema,
                RaiseOption::Message | RaiseOption::Errcode => continue,
            };
            *field = Some(text);
        }
        if severity == Severity::Error {
            return Err(error);
        }
        let error = self.frame.at(error, line, "at RAISE");
        self.session.count_told(error.report())?;
        self.session.notice(&mut *self.front, error.report());
        Ok(())
    }

    /// A value as its type prints it; `None` for NULL.
    pub fn show(&self, value: &Value, ty: PgType) -> Option<String> {
        let (settings, types) = (self.session.output_settings(), self.session.seen());
        (*value != Value::Null).then(|| types::text::format(value, ty, &settings, &types))
    }
}

/// A condition's name, or a code.
fn code(text: &str) -> Result<SqlState> {
    let is_code = text.len() == 5 && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    match SqlState::parse(text).filter(|_| is_code) {
        Some(code) => Ok(code),
        None => codes_of(text).map(|codes| codes.first().copied().unwrap_or(SqlState::RAISE_EXCEPTION)),
    }
}

fn word(option: RaiseOption) -> &'static str {
    match option {
        RaiseOption::Message => "MESSAGE",
        RaiseOption::Detail => "DETAIL",
        RaiseOption::Hint => "HINT",
        RaiseOption::Errcode => "ERRCODE",
        RaiseOption::Column => "COLUMN",
        RaiseOption::Constraint => "CONSTRAINT",
        RaiseOption::Datatype => "DATATYPE",
        RaiseOption::Table => "TABLE",
        RaiseOption::Schema => "SCHEMA",
    }
}

/// The format with the values in the place of each `%`; `%%` is one.
fn filled(format: &str, values: &[String]) -> String {
    let mut out = String::new();
    let (mut chars, mut values) = (format.chars().peekable(), values.iter());
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
        } else if chars.next_if_eq(&'%').is_some() {
            out.push('%');
        } else {
            out.push_str(values.next().map_or("", String::as_str));
        }
    }
    out
}

/// Whether a handler of these conditions takes the error.
pub(super) fn takes(conditions: &[Condition], error: &Error) -> bool {
    let code = error.code();
    conditions.iter().any(|condition| match condition {
        Condition::Others => code != SqlState::QUERY_CANCELED && code != SqlState::ASSERT_FAILURE,
        Condition::Code(wanted) if wanted.as_str().ends_with("000") => code.as_str()[..2] == wanted.as_str()[..2],
        Condition::Code(wanted) => code == *wanted,
    })
}

pub(super) fn stacked(item: Diagnostic, report: &Report) -> String {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    match item {
        Diagnostic::RowCount => String::new(),
        Diagnostic::Sqlstate => report.code.as_str().to_owned(),
        Diagnostic::Message => report.message.clone(),
        Diagnostic::Detail => text(&report.detail),
        Diagnostic::Hint => text(&report.hint),
        Diagnostic::Context => text(&report.context),
        Diagnostic::Column => text(&report.column),
        Diagnostic::Constraint => text(&report.constraint),
        Diagnostic::Datatype => text(&report.data_type),
        Diagnostic::Table => text(&report.table),
        Diagnostic::Schema => text(&report.schema),
    }
}
