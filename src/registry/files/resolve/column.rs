//! Columns: types, defaults, generated values, and the constraints that stand with a column.

use toml::Spanned;

use super::{Resolver, Types};
use crate::registry::build::SYSTEM_COLUMNS;
use crate::registry::draft::NewConstraintKind;
use crate::registry::files::column::{self, Definition};
use crate::registry::files::diagnostic::nearest;
use crate::registry::files::raw::{self, Literal};
use crate::registry::files::{FileColumn, FileTable};
use crate::registry::{Name, expression};
use crate::types::{PgType, name as type_name, oid, phys};

impl Resolver {
    pub(super) fn column(
        &mut self,
        file: usize,
        table: &mut FileTable,
        key: &Spanned<String>,
        column: &Spanned<raw::Column>,
    ) {
        let (offset, name) = (key.span().start, key.get_ref());
        if !self.name_ok(file, offset, name) {
            return;
        }
        if SYSTEM_COLUMNS.contains(&name.as_str()) {
            let message = format!("column name \"{name}\" conflicts with a system column name");
            return self.error(file, offset, message, Some("choose another name".to_owned()));
        }
        let (text, at) = match column.get_ref() {
            raw::Column::Short(text) => (text, column.span().start),
            raw::Column::Full(full) => (full.ty.get_ref(), full.ty.span().start),
        };
        let mut found = match column::definition(text) {
            Ok(found) => found,
            Err(message) => {
                let help =
                    Some("a column is a type and what CREATE TABLE allows after it: \"bigint not null\"".to_owned());
                self.error(file, at, format!("column \"{name}\": {message}"), help);
                Definition { ty: "text".to_owned(), ..Definition::default() }
            }
        };
        let mut comment = None;
        let value_at = match column.get_ref() {
            raw::Column::Short(_) => at,
            raw::Column::Full(full) => {
                let spans = full.default.as_ref().map(Spanned::span).or(full.generated.as_ref().map(Spanned::span));
                spans.map_or(at, |span| span.start)
            }
        };
        if table.columns.iter().any(|c| *c.name == **name) {
            return self.error(file, offset, format!("column \"{name}\" is there twice"), None);
        }
        if let raw::Column::Full(full) = column.get_ref() {
            comment.clone_from(&full.comment);
            self.full_column(file, &mut found, full);
        }
        let ty = self.check_type(file, at, table, name, &found.ty);
        if let (Some(default), Some(ty)) = (&found.default, ty) {
            self.check_default(file, value_at, table, name, default, ty);
        }
        if let Some(generated) = &found.generated
            && let Err(message) = expression::parse(generated)
        {
            self.error(file, value_at, format!("column \"{name}\", generated: {message}"), None);
        }
        let integer = ty.is_some_and(|t| matches!(t.oid, oid::INT2 | oid::INT4 | oid::INT8));
        if found.sequence.is_some() && !integer && ty.is_some() {
            let message = "identity column type must be smallint, integer, or bigint";
            self.error(file, at, format!("column \"{name}\": {message}"), None);
        }
        let values = [found.default.is_some(), found.generated.is_some(), found.sequence.is_some()];
        if values.iter().filter(|v| **v).count() > 1 {
            let message = format!("column \"{name}\" has more than one of default, generated and identity");
            self.error(file, offset, message, None);
        }
        let own: Name = name.as_str().into();
        table.columns.push(FileColumn {
            at: self.spot(file, offset),
            type_at: self.spot(file, at),
            value_at: self.spot(file, value_at),
            name: own.clone(),
            ty: found.ty,
            not_null: found.not_null,
            default: found.default,
            generated: found.generated,
            sequence: found.sequence,
            comment,
        });
        if found.primary_key {
            let kind = NewConstraintKind::PrimaryKey { columns: vec![own.clone()] };
            self.constraint(file, offset, table, None, kind);
        }
        if found.unique {
            let kind = NewConstraintKind::Unique { columns: vec![own.clone()], nulls_not_distinct: false };
            self.constraint(file, offset, table, None, kind);
        }
        for check in found.checks {
            self.check(file, column.span().start, table, None, &check);
        }
        if let Some(reference) = found.references {
            self.foreign_key(file, column.span().start, table, None, vec![own], reference);
        }
    }

    pub(super) fn full_column(&mut self, file: usize, found: &mut Definition, full: &raw::ColumnTable) {
        let raw::ColumnTable {
            ty: _,
            not_null,
            default,
            identity,
            generated,
            primary_key,
            unique,
            references,
            check,
            comment: _,
        } = full;
        found.not_null |= not_null;
        found.primary_key |= primary_key;
        found.unique |= unique;
        if let Some(default) = default {
            let text = match default.get_ref() {
                Literal::Bool(b) => b.to_string(),
                Literal::Integer(n) => n.to_string(),
                Literal::Float(n) => n.to_string(),
                Literal::Expression(text) => text.clone(),
            };
            found.default = Some(text);
        }
        if let Some(identity) = identity {
            found.sequence = Some(Some(matches!(identity, raw::Identity::Always)));
            found.not_null = true;
        }
        found.generated = generated.as_ref().map(|g| g.get_ref().clone()).or(found.generated.take());
        found.checks.extend(check.as_ref().map(|c| c.get_ref().clone()));
        if let Some(text) = references {
            match column::reference(text.get_ref()) {
                Ok(reference) => found.references = Some(reference),
                Err(message) => {
                    let help = Some("write \"table\" or \"table(column)\"".to_owned());
                    self.error(file, text.span().start, message, help);
                }
            }
        }
    }

    /// Is there such a type, and can a column have it?
    pub(super) fn check_type(
        &mut self,
        file: usize,
        at: usize,
        table: &FileTable,
        column: &str,
        text: &str,
    ) -> Option<PgType> {
        let namespace = table.namespace.to_string();
        let types = Types(&self.enums, &namespace);
        let resolved = type_name::parse(text).and_then(|name| type_name::resolve(&name, &types));
        let ty = match resolved {
            Ok(ty) => ty,
            Err(error) => {
                let word = text.split(['(', '[']).next().unwrap_or(text).trim();
                let enums = self.enums.all.iter().map(|(name, _)| name.as_str());
                let known = TYPE_NAMES.iter().copied().chain(enums);
                let help = nearest(word, known).filter(|n| *n != word).map(|n| format!("did you mean \"{n}\"?"));
                let help = help.or_else(|| error.report().hint.clone());
                let message = format!("column \"{column}\": {}", error.report().message);
                self.error(file, at, message, help);
                return None;
            }
        };
        if let Some((precision, scale)) = ty.numeric_precision()
            && (precision > 38 || scale < 0 || scale as u16 > precision)
        {
            let message = format!("column \"{column}\": numeric({precision},{scale}) cannot be stored as declared");
            let help = "numeric(p,s) takes p from 1 to 38 and s from 0 to p; numeric without them is exact at any size, \
                        and slower";
            self.error(file, at, message, Some(help.to_owned()));
            return None;
        }
        if phys(ty, &Types(&self.enums, &namespace)).is_none() {
            let help = format!("possible: {}, arrays of these, and enums of the files", TYPE_NAMES.join(", "));
            self.error(file, at, format!("column \"{column}\": no column can have type {text}"), Some(help));
            return None;
        }
        Some(ty)
    }

    /// A column's type, if it has a good one.
    pub(super) fn column_type(&self, table: &FileTable, column: &FileColumn) -> Option<PgType> {
        let types = Types(&self.enums, &table.namespace);
        type_name::parse(&column.ty).and_then(|name| type_name::resolve(&name, &types)).ok()
    }

    /// Is the default an expression, and if it is a constant, one of the type?
    pub(super) fn check_default(
        &mut self,
        file: usize,
        at: usize,
        table: &FileTable,
        column: &str,
        default: &str,
        ty: PgType,
    ) {
        use sqlparser::ast::{Expr, Value};
        let parsed = match expression::parse(default) {
            Ok(parsed) => parsed,
            Err(message) => {
                let help = Some(format!("a text constant has SQL's quotes: \"'{}'\"", default.replace('\'', "''")));
                return self.error(file, at, format!("default of column \"{column}\": {message}"), help);
            }
        };
        if let Expr::Identifier(word) = &parsed
            && !matches!(
                word.value.to_lowercase().as_str(),
                "current_date"
                    | "current_timestamp"
                    | "current_time"
                    | "localtime"
                    | "localtimestamp"
                    | "current_user"
                    | "session_user"
                    | "user"
            )
        {
            let help = Some(format!("a text constant has SQL's quotes: \"'{default}'\""));
            let message = format!("default of column \"{column}\" names a column, which a default cannot");
            return self.error(file, at, message, help);
        }
        let text = match &parsed {
            Expr::Value(value) => match &value.value {
                Value::SingleQuotedString(text) => Some(text.clone()),
                Value::Number(number, _) => Some(number.clone()),
                Value::Boolean(_) if ty.oid != oid::BOOL => {
                    let message = format!("default of column \"{column}\" is boolean, the column is not");
                    return self.error(file, at, message, None);
                }
                _ => None,
            },
            _ => None,
        };
        let Some(text) = text else { return };
        let namespace = table.namespace.to_string();
        let settings = crate::types::OutputSettings::default();
        let read = crate::types::text::parse(&text, ty, &settings, &Types(&self.enums, &namespace));
        if let Err(error) = read {
            let message = format!("default of column \"{column}\": {}", error.report().message);
            self.error(file, at, message, error.report().hint.clone());
        }
    }
}

/// The types that messages offer.
const TYPE_NAMES: &[&str] = &[
    "smallint",
    "integer",
    "bigint",
    "real",
    "double precision",
    "numeric",
    "boolean",
    "text",
    "varchar",
    "char",
    "bytea",
    "date",
    "time",
    "timetz",
    "timestamp",
    "timestamptz",
    "interval",
    "uuid",
    "json",
    "jsonb",
    "serial",
    "bigserial",
    "smallserial",
];
