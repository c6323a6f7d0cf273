//! From the raw types of all files to one checked [`FileSchema`].

use std::collections::{BTreeMap, BTreeSet, HashMap};

use toml::Spanned;

use super::column::{self, Definition, Reference};
use super::diagnostic::{Diagnostic, Reporter, did_you_mean, nearest};
use super::raw::{self, Literal};
use super::{
    FileColumn, FileEnum, FileGrant, FileGrantTarget, FileIndex, FileNamespace, FileRole, FileSchema, FileTable,
    Password, Place,
};
use crate::registry::draft::{NewConstraint, NewConstraintKind};
use crate::registry::names::MAX_NAME;
use crate::registry::{Name, OnConflictDefault, Privileges, expression, verifier};
use crate::types::{Oid, PgType, TypeLookup, UserTypeInfo, UserTypeInfoKind, name as type_name, oid, phys};

/// A file and where in `parts` it is.
struct Resolver {
    reporters: Vec<Reporter>,
    schema: FileSchema,
    /// Where a foreign key of a table was written, for complaints: (file, offset, table index, constraint index).
    references: Vec<(usize, usize, usize, usize)>,
    /// Which file each table came from, and the offset of its name.
    table_places: Vec<(usize, usize)>,
    enums: EnumNames,
}

/// The enums of the files, as type names.
#[derive(Default)]
struct EnumNames(BTreeMap<(String, String), Vec<Name>>);

const FIRST_ENUM: Oid = 0x8000_0000;

impl EnumNames {
    fn position(&self, namespace: &str, name: &str) -> Option<usize> {
        self.0.keys().position(|(n, e)| n == namespace && e == name)
    }
}

/// Type lookup for the columns of one namespace.
struct Types<'a>(&'a EnumNames, &'a str);

impl TypeLookup for Types<'_> {
    fn user_type(&self, oid: Oid) -> Option<UserTypeInfo> {
        let at = usize::try_from(oid.checked_sub(FIRST_ENUM)?).ok()?;
        let ((_, name), labels) = self.0.0.iter().nth(at / 2)?;
        if at % 2 == 1 {
            let kind = UserTypeInfoKind::Array { element: oid - 1 };
            return Some(UserTypeInfo { name: format!("{name}[]"), array: 0, kind });
        }
        let kind = UserTypeInfoKind::Enum { labels: labels.as_slice().into() };
        Some(UserTypeInfo { name: name.clone(), array: oid + 1, kind })
    }

    fn user_type_named(&self, namespace: Option<&str>, name: &str) -> Option<Oid> {
        let in_namespace = |n: &str| self.0.position(n, name);
        let at = match namespace {
            Some(namespace) => in_namespace(namespace),
            None => in_namespace(self.1).or_else(|| in_namespace("public")),
        }?;
        Some(FIRST_ENUM + 2 * at as Oid)
    }
}

pub fn resolve(parts: Vec<(Reporter, Option<raw::File>)>) -> (FileSchema, Vec<Diagnostic>) {
    let (reporters, raws): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    let mut resolver = Resolver {
        reporters,
        schema: FileSchema::default(),
        references: Vec::new(),
        table_places: Vec::new(),
        enums: EnumNames::default(),
    };
    let raws: Vec<(usize, raw::File)> = raws.into_iter().enumerate().filter_map(|(i, r)| Some((i, r?))).collect();
    for (file, raw) in &raws {
        resolver.namespace(*file, raw);
        for item in &raw.enums {
            resolver.add_enum(*file, raw, item);
        }
    }
    for (file, raw) in &raws {
        for table in &raw.tables {
            resolver.table(*file, raw, table);
        }
    }
    resolver.check_references();
    for (file, raw) in &raws {
        for role in &raw.roles {
            resolver.role(*file, role);
        }
    }
    resolver.check_memberships(&raws);
    for (file, raw) in &raws {
        resolver.grants(*file, raw);
    }
    resolver.order_tables();
    let mut diagnostics: Vec<Diagnostic> = resolver.reporters.into_iter().flat_map(|r| r.found).collect();
    diagnostics.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    diagnostics.dedup();
    (resolver.schema, diagnostics)
}

impl Resolver {
    fn place(&self, file: usize, offset: usize) -> Place {
        let reporter = &self.reporters[file];
        Place { path: reporter.path().clone(), line: reporter.position(offset).0 }
    }

    fn error(&mut self, file: usize, offset: usize, message: impl Into<String>, help: Option<String>) {
        self.reporters[file].error(offset, message, help);
    }

    /// The namespace of a file's things: complaints about its name are made once, where it is written.
    fn file_namespace(raw: &raw::File) -> &str {
        match raw.namespace.as_ref().map(Spanned::get_ref) {
            None => "public",
            Some(raw::Namespace::Name(name)) => name,
            Some(raw::Namespace::Full(table)) => &table.name,
        }
    }

    fn namespace(&mut self, file: usize, raw: &raw::File) {
        let Some(namespace) = &raw.namespace else { return };
        let offset = namespace.span().start;
        let (name, comment, owner) = match namespace.get_ref() {
            raw::Namespace::Name(name) => (name, None, None),
            raw::Namespace::Full(table) => (&table.name, table.comment.clone(), table.owner.clone()),
        };
        if !self.name_ok(file, offset, name) {
            return;
        }
        if name.starts_with("pg_") || name == "information_schema" {
            self.error(file, offset, format!("namespace \"{name}\" belongs to the system"), None);
            return;
        }
        let place = self.place(file, offset);
        let owner = owner.map(Name::from);
        match self.schema.namespaces.iter_mut().find(|n| *n.name == **name) {
            Some(known) => {
                known.comment = known.comment.take().or(comment);
                known.owner = known.owner.take().or(owner);
            }
            None => {
                self.schema.namespaces.push(FileNamespace { place, name: name.as_str().into(), comment, owner });
            }
        }
    }

    /// Complains about names that PostgreSQL could not have.
    fn name_ok(&mut self, file: usize, offset: usize, name: &str) -> bool {
        if name.is_empty() {
            self.error(file, offset, "a name cannot be empty", None);
        } else if name.len() > MAX_NAME {
            self.error(file, offset, format!("name \"{name}\" is longer than {MAX_NAME} bytes"), None);
        } else if name.contains('\0') {
            self.error(file, offset, "a name cannot contain NUL", None);
        } else {
            if name.chars().any(char::is_uppercase) {
                let help = format!("SQL must write it in quotes; \"{}\" needs none", name.to_lowercase());
                self.reporters[file].warning(offset, format!("name \"{name}\" has capitals"), Some(help));
            }
            return true;
        }
        false
    }

    fn add_enum(&mut self, file: usize, raw: &raw::File, item: &Spanned<raw::Enum>) {
        let raw::Enum { name, namespace, labels, comment } = item.get_ref();
        let offset = name.span().start;
        if !self.name_ok(file, offset, name.get_ref()) {
            return;
        }
        let namespace = namespace.as_ref().map_or_else(|| Self::file_namespace(raw), |n| n.get_ref()).to_owned();
        let mut seen = BTreeSet::new();
        for label in labels.get_ref() {
            if label.len() > MAX_NAME {
                self.error(
                    file,
                    labels.span().start,
                    format!("label \"{label}\" is longer than {MAX_NAME} bytes"),
                    None,
                );
            }
            if !seen.insert(label) {
                self.error(file, labels.span().start, format!("label \"{label}\" is there twice"), None);
            }
        }
        let labels: Vec<Name> = labels.get_ref().iter().map(|l| l.as_str().into()).collect();
        let key = (namespace.clone(), name.get_ref().clone());
        if self.enums.0.insert(key, labels.clone()).is_some() {
            self.error(file, offset, format!("enum \"{}\" is defined twice", name.get_ref()), None);
            return;
        }
        self.need_namespace(file, offset, &namespace);
        self.schema.enums.push(FileEnum {
            place: self.place(file, offset),
            namespace: namespace.into(),
            name: name.get_ref().as_str().into(),
            labels,
            comment: comment.clone(),
        });
    }

    /// A namespace that is named anywhere is defined by that.
    fn need_namespace(&mut self, file: usize, offset: usize, name: &str) {
        if name == "public" || self.schema.namespaces.iter().any(|n| &*n.name == name) {
            return;
        }
        let place = self.place(file, offset);
        self.schema.namespaces.push(FileNamespace { place, name: name.into(), comment: None, owner: None });
    }

    fn table(&mut self, file: usize, raw: &raw::File, item: &Spanned<raw::Table>) {
        let raw::Table {
            name,
            namespace,
            comment,
            owner,
            columns,
            primary_key,
            on_conflict,
            unique,
            foreign_key,
            check,
            index,
            grant: _,
        } = item.get_ref();
        let offset = name.span().start;
        if !self.name_ok(file, offset, name.get_ref()) {
            return;
        }
        let namespace = namespace.as_ref().map_or_else(|| Self::file_namespace(raw), |n| n.get_ref()).to_owned();
        self.need_namespace(file, offset, &namespace);
        let same = |t: &FileTable| *t.namespace == *namespace && *t.name == **name.get_ref();
        if let Some(first) = self.schema.tables.iter().find(|t| same(t)).map(|t| t.place.clone()) {
            let help = format!("the first definition is in {}, line {}", first.path.display(), first.line);
            self.error(file, offset, format!("table \"{}\" is defined twice", name.get_ref()), Some(help));
            return;
        }
        let mut table = FileTable {
            place: self.place(file, offset),
            namespace: namespace.into(),
            name: name.get_ref().as_str().into(),
            owner: owner.as_ref().map(|o| o.get_ref().as_str().into()),
            comment: comment.clone(),
            on_conflict: match on_conflict {
                raw::OnConflict::Error => OnConflictDefault::Error,
                raw::OnConflict::Ignore => OnConflictDefault::Ignore,
                raw::OnConflict::Update => OnConflictDefault::Update,
            },
            columns: Vec::new(),
            constraints: Vec::new(),
            indexes: Vec::new(),
        };
        // The parser keeps tables sorted by key; the spans know the order of the text.
        let mut in_order: Vec<_> = columns.iter().collect();
        in_order.sort_by_key(|(key, _)| key.span().start);
        if in_order.is_empty() {
            self.error(file, offset, format!("table \"{}\" has no columns", table.name), None);
        }
        for (key, column) in in_order {
            self.column(file, &mut table, key, column);
        }
        if let Some(key) = primary_key {
            let names = self.key_columns(file, key.span().start, &table, &key.get_ref().list());
            self.constraint(file, key.span().start, &mut table, None, NewConstraintKind::PrimaryKey { columns: names });
        }
        for item in unique {
            let raw::Unique { name, columns } = item.get_ref();
            let list: Vec<&str> = columns.iter().map(String::as_str).collect();
            let columns = self.key_columns(file, item.span().start, &table, &list);
            let kind = NewConstraintKind::Unique { columns, nulls_not_distinct: false };
            self.constraint(file, item.span().start, &mut table, name.as_deref(), kind);
        }
        for item in check {
            let raw::Check { name, expression } = item.get_ref();
            self.check(file, expression.span().start, &mut table, name.as_deref(), expression.get_ref());
        }
        for item in foreign_key {
            let raw::ForeignKey { name, columns, references } = item.get_ref();
            let list: Vec<&str> = columns.iter().map(String::as_str).collect();
            let columns = self.key_columns(file, item.span().start, &table, &list);
            match column::reference(references.get_ref()) {
                Ok(reference) => {
                    self.foreign_key(file, references.span().start, &mut table, name.as_deref(), columns, reference);
                }
                Err(message) => {
                    let help = Some("write \"table\" or \"table(column)\"".to_owned());
                    self.error(file, references.span().start, message, help);
                }
            }
        }
        for item in index {
            self.index(file, &mut table, item);
        }
        if table.on_conflict == OnConflictDefault::Update && !has_key(&table) {
            let help = Some("give the table a primary_key or a unique constraint".to_owned());
            self.error(file, offset, format!("on_conflict needs a key, and \"{}\" has none", table.name), help);
        }
        self.table_places.push((file, offset));
        self.schema.tables.push(table);
    }

    fn column(&mut self, file: usize, table: &mut FileTable, key: &Spanned<String>, column: &Spanned<raw::Column>) {
        let (offset, name) = (key.span().start, key.get_ref());
        if !self.name_ok(file, offset, name) {
            return;
        }
        let (text, at) = match column.get_ref() {
            raw::Column::Short(text) => (text, column.span().start),
            raw::Column::Full(full) => (full.ty.get_ref(), full.ty.span().start),
        };
        let line = self.reporters[file].position(offset).0;
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
        if let raw::Column::Full(full) = column.get_ref() {
            comment.clone_from(&full.comment);
            self.full_column(file, &mut found, full);
        }
        let ty = self.check_type(file, at, table, name, &found.ty);
        if let (Some(default), Some(ty)) = (&found.default, ty) {
            self.check_default(file, column.span().start, name, default, ty);
        }
        if let Some(generated) = &found.generated
            && let Err(message) = expression::parse(generated)
        {
            self.error(file, column.span().start, format!("generated: {message}"), None);
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
            line,
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

    fn full_column(&mut self, file: usize, found: &mut Definition, full: &raw::ColumnTable) {
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
    fn check_type(&mut self, file: usize, at: usize, table: &FileTable, column: &str, text: &str) -> Option<PgType> {
        let namespace = table.namespace.to_string();
        let types = Types(&self.enums, &namespace);
        let resolved = type_name::parse(text).and_then(|name| type_name::resolve(&name, &types));
        let ty = match resolved {
            Ok(ty) => ty,
            Err(error) => {
                let word = text.split(['(', '[']).next().unwrap_or(text).trim();
                let enums: Vec<String> = self.enums.0.keys().map(|(_, name)| name.clone()).collect();
                let known = TYPE_NAMES.iter().copied().chain(enums.iter().map(String::as_str));
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

    /// Is the default an expression, and if it is a constant, one of the type?
    fn check_default(&mut self, file: usize, at: usize, column: &str, default: &str, ty: PgType) {
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
        let namespace = "public";
        let settings = crate::types::OutputSettings::default();
        let read = crate::types::text::parse(&text, ty, &settings, &Types(&self.enums, namespace));
        if let Err(error) = read {
            let message = format!("default of column \"{column}\": {}", error.report().message);
            self.error(file, at, message, error.report().hint.clone());
        }
    }

    fn key_columns(&mut self, file: usize, offset: usize, table: &FileTable, names: &[&str]) -> Vec<Name> {
        let mut list: Vec<Name> = Vec::new();
        if names.is_empty() {
            self.error(file, offset, "a key has at least one column", None);
        }
        for name in names {
            if !table.columns.iter().any(|c| &*c.name == *name) {
                let help = did_you_mean(name, table.columns.iter().map(|c| &*c.name));
                let message = format!("table \"{}\" has no column \"{name}\"", table.name);
                self.error(file, offset, message, help);
            } else if list.iter().any(|n| &**n == *name) {
                self.error(file, offset, format!("column \"{name}\" is in the key twice"), None);
            } else {
                list.push((*name).into());
            }
        }
        list
    }

    fn constraint(
        &mut self,
        file: usize,
        offset: usize,
        table: &mut FileTable,
        name: Option<&str>,
        kind: NewConstraintKind,
    ) {
        let is_primary = |kind: &NewConstraintKind| matches!(kind, NewConstraintKind::PrimaryKey { .. });
        if is_primary(&kind) && table.constraints.iter().any(|c| is_primary(&c.kind)) {
            let help = Some("a key over several columns is primary_key = [\"a\", \"b\"] of the table".to_owned());
            return self.error(file, offset, format!("table \"{}\" has two primary keys", table.name), help);
        }
        if let Some(name) = name {
            if !self.name_ok(file, offset, name) {
                return;
            }
            if table.constraints.iter().any(|c| c.name.as_deref() == Some(name)) {
                let message = format!("constraint \"{name}\" is there twice in table \"{}\"", table.name);
                return self.error(file, offset, message, None);
            }
        }
        table.constraints.push(NewConstraint {
            name: name.map(Name::from),
            kind,
            deferrable: false,
            initially_deferred: false,
        });
    }

    fn check(&mut self, file: usize, offset: usize, table: &mut FileTable, name: Option<&str>, text: &str) {
        if let Err(message) = expression::parse(text) {
            return self.error(file, offset, format!("check: {message}"), None);
        }
        let kind = NewConstraintKind::Check { expression: text.to_owned() };
        self.constraint(file, offset, table, name, kind);
    }

    fn foreign_key(
        &mut self,
        file: usize,
        offset: usize,
        table: &mut FileTable,
        name: Option<&str>,
        columns: Vec<Name>,
        reference: Reference,
    ) {
        let Reference { namespace, table: target, columns: target_columns, on_delete, on_update } = reference;
        for action in [on_delete, on_update] {
            use crate::registry::FkAction;
            if matches!(action, FkAction::Cascade | FkAction::SetNull | FkAction::SetDefault) {
                let help = Some("possible: no action, restrict".to_owned());
                self.error(file, offset, "a foreign key cannot change other rows yet", help);
            }
        }
        let namespace = namespace.map_or_else(|| table.namespace.clone(), Name::from);
        let kind = NewConstraintKind::ForeignKey {
            columns,
            target: (namespace, target.into()),
            target_columns: target_columns.into_iter().map(Name::from).collect(),
            on_delete,
            on_update,
        };
        let before = table.constraints.len();
        self.constraint(file, offset, table, name, kind);
        if table.constraints.len() > before {
            self.references.push((file, offset, self.schema.tables.len(), before));
        }
    }

    fn index(&mut self, file: usize, table: &mut FileTable, item: &Spanned<raw::Index>) {
        let raw::Index { name, columns, unique, comment } = item.get_ref();
        let offset = item.span().start;
        let split: Vec<(String, bool)> = columns
            .iter()
            .map(|c| match c.rsplit_once(' ') {
                Some((name, order)) if order.eq_ignore_ascii_case("desc") => (name.trim().to_owned(), true),
                Some((name, order)) if order.eq_ignore_ascii_case("asc") => (name.trim().to_owned(), false),
                _ => (c.clone(), false),
            })
            .collect();
        let names: Vec<&str> = split.iter().map(|(n, _)| n.as_str()).collect();
        let known = self.key_columns(file, offset, table, &names);
        if known.len() == split.len() {
            table.indexes.push(FileIndex {
                name: name.as_deref().map(Name::from),
                columns: split.into_iter().map(|(n, d)| (n.into(), d)).collect(),
                unique: *unique,
                comment: comment.clone(),
            });
        }
    }

    /// Foreign keys need their target's table, columns and key.
    fn check_references(&mut self) {
        for (file, offset, table, constraint) in std::mem::take(&mut self.references) {
            let Some(constraint) = self.schema.tables.get(table).and_then(|t| t.constraints.get(constraint)) else {
                continue;
            };
            let NewConstraintKind::ForeignKey { columns, target, target_columns, .. } = &constraint.kind else {
                continue;
            };
            let found = self.schema.tables.iter().find(|t| t.namespace == target.0 && t.name == target.1);
            let Some(found) = found else {
                let names = self.schema.tables.iter().map(|t| &*t.name);
                let help = did_you_mean(&target.1, names);
                let message = format!("foreign key to table \"{}\", which no file defines", target.1);
                self.error(file, offset, message, help);
                continue;
            };
            let unknown = target_columns.iter().find(|c| !found.columns.iter().any(|f| f.name == **c));
            if let Some(unknown) = unknown {
                let help = did_you_mean(unknown, found.columns.iter().map(|c| &*c.name));
                let message = format!("foreign key to column \"{unknown}\", which table \"{}\" has not", found.name);
                self.error(file, offset, message, help);
                continue;
            }
            let keys = keys(found);
            let wanted: BTreeSet<Name> = target_columns.iter().cloned().collect();
            let fits = |key: &&(bool, BTreeSet<Name>)| {
                if target_columns.is_empty() { key.0 } else { key.1 == wanted }
            };
            let message = match keys.iter().find(fits) {
                None if target_columns.is_empty() => {
                    format!("foreign key to table \"{}\", which has no primary key", found.name)
                }
                None => format!("foreign key to columns of \"{}\" that are not its primary key or unique", found.name),
                Some((_, key)) if key.len() != columns.len() => {
                    format!("foreign key of {} columns to a key of {}", columns.len(), key.len())
                }
                Some(_) => continue,
            };
            self.error(file, offset, message, None);
        }
    }

    fn role(&mut self, file: usize, item: &Spanned<raw::Role>) {
        let raw::Role {
            name,
            login,
            superuser,
            inherit,
            create_role,
            create_db,
            bypass_rls,
            password,
            connection_limit,
            member_of,
            settings,
            comment,
        } = item.get_ref();
        let offset = name.span().start;
        if !self.name_ok(file, offset, name.get_ref()) {
            return;
        }
        if name.get_ref().starts_with("pg_") || matches!(name.get_ref().as_str(), "public" | "none") {
            return self.error(file, offset, format!("role name \"{}\" is reserved", name.get_ref()), None);
        }
        if self.schema.roles.iter().any(|r| *r.name == **name.get_ref()) {
            return self.error(file, offset, format!("role \"{}\" is defined twice", name.get_ref()), None);
        }
        let password = match password {
            None => Password::None,
            Some(text) => self.password(file, text),
        };
        for setting in settings.keys() {
            if !crate::facts::SETTINGS.contains_key(&setting.to_lowercase()) && !setting.contains('.') {
                let help = did_you_mean(setting, crate::facts::SETTINGS.values().map(|s| s.name));
                self.error(file, offset, format!("there is no setting \"{setting}\""), help);
            }
        }
        self.schema.roles.push(FileRole {
            place: self.place(file, offset),
            name: name.get_ref().as_str().into(),
            login: *login,
            superuser: *superuser,
            inherit: *inherit,
            create_role: *create_role,
            create_db: *create_db,
            bypass_rls: *bypass_rls,
            password,
            connection_limit: *connection_limit,
            member_of: member_of.iter().map(|m| m.get_ref().as_str().into()).collect(),
            settings: settings.iter().map(|(k, v)| (k.as_str().into(), v.clone())).collect(),
            comment: comment.clone(),
        });
    }

    fn password(&mut self, file: usize, text: &Spanned<String>) -> Password {
        let (offset, text) = (text.span().start, text.get_ref());
        if verifier::Verifier::parse(text).is_some() {
            return Password::Verifier(text.clone());
        }
        let (kind, found) = if let Some(variable) = text.strip_prefix("env:") {
            (format!("environment variable {variable}"), std::env::var(variable).ok())
        } else if let Some(path) = text.strip_prefix("file:") {
            let folder = self.reporters[file].path().parent().map(std::path::Path::to_owned).unwrap_or_default();
            let read = std::fs::read_to_string(folder.join(path)).ok();
            (format!("file {path}"), read.map(|p| p.trim_end_matches(['\n', '\r']).to_owned()))
        } else {
            let help = "write env:NAME, file:PATH, or the verifier that \"duckgate role password\" prints";
            self.error(file, offset, "a password does not belong in a schema file", Some(help.to_owned()));
            return Password::None;
        };
        match found.filter(|p| !p.is_empty()) {
            Some(password) => Password::Plain(password),
            None => {
                let help = "the role cannot log in with a password until it is there";
                self.reporters[file].warning(offset, format!("{kind} has no password"), Some(help.to_owned()));
                Password::None
            }
        }
    }

    fn check_memberships(&mut self, raws: &[(usize, raw::File)]) {
        let names: BTreeSet<String> = self.schema.roles.iter().map(|r| r.name.to_string()).collect();
        for (file, raw) in raws {
            for member_of in raw.roles.iter().flat_map(|r| &r.get_ref().member_of) {
                if !names.contains(member_of.get_ref()) {
                    let help = did_you_mean(member_of.get_ref(), names.iter().map(String::as_str));
                    let message = format!("member of role \"{}\", which no file defines", member_of.get_ref());
                    self.error(*file, member_of.span().start, message, help);
                }
            }
        }
        for role in self.schema.roles.clone() {
            let mut seen = BTreeSet::new();
            let mut todo = vec![role.name.clone()];
            while let Some(name) = todo.pop() {
                for parent in self.schema.roles.iter().filter(|r| r.name == name).flat_map(|r| &r.member_of) {
                    if *parent == role.name {
                        let file = self.reporters.iter().position(|r| *r.path() == role.place.path).unwrap_or(0);
                        let at = raws
                            .iter()
                            .find(|(i, _)| *i == file)
                            .and_then(|(_, raw)| raw.roles.iter().find(|r| **r.get_ref().name.get_ref() == *role.name));
                        let offset = at.map_or(0, |r| r.get_ref().name.span().start);
                        let message = format!("role \"{}\" is a member of itself", role.name);
                        self.error(file, offset, message, None);
                        todo.clear();
                        break;
                    }
                    if seen.insert(parent.clone()) {
                        todo.push(parent.clone());
                    }
                }
            }
        }
    }

    fn grants(&mut self, file: usize, raw: &raw::File) {
        for table in &raw.tables {
            let table = table.get_ref();
            let namespace = table.namespace.as_ref().map_or_else(|| Self::file_namespace(raw), |n| n.get_ref());
            let target =
                FileGrantTarget::Table { namespace: namespace.into(), name: table.name.get_ref().as_str().into() };
            for grant in &table.grant {
                let raw::TableGrant { to, privileges, columns } = grant.get_ref();
                let offset = grant.span().start;
                let grantees = self.grantees(file, to);
                self.grant(file, offset, &grantees, privileges, columns.as_ref(), target.clone());
            }
        }
        for grant in &raw.grants {
            let raw::Grant { to, privileges, tables, namespaces, columns } = grant.get_ref();
            let offset = grant.span().start;
            let grantees = self.grantees(file, to);
            let mut targets = Vec::new();
            for (name, at) in tables.iter().flat_map(|t| t.get_ref().list().into_iter().map(|n| (n, t.span().start))) {
                targets.extend(self.grant_table(file, at, raw, name));
            }
            if let Some(names) = namespaces {
                for name in names.get_ref().list() {
                    if name != "public" && !self.schema.namespaces.iter().any(|n| &*n.name == name) {
                        let known = self.schema.namespaces.iter().map(|n| &*n.name);
                        let help = did_you_mean(name, known);
                        let message = format!("grant on namespace \"{name}\", which no file defines");
                        self.error(file, names.span().start, message, help);
                        continue;
                    }
                    targets.push(FileGrantTarget::Namespace(name.into()));
                }
            }
            if tables.is_none() && namespaces.is_none() {
                let help = Some("add on = \"table\" or namespaces = \"namespace\"".to_owned());
                self.error(file, offset, "a grant on nothing", help);
            }
            for target in targets {
                self.grant(file, offset, &grantees, privileges, columns.as_ref(), target);
            }
        }
    }

    fn grant_table(&mut self, file: usize, at: usize, raw: &raw::File, name: &str) -> Option<FileGrantTarget> {
        let (namespace, table) = name.split_once('.').unwrap_or((Self::file_namespace(raw), name));
        let found = self.schema.tables.iter().find(|t| &*t.namespace == namespace && &*t.name == table);
        if found.is_none() {
            let help = did_you_mean(table, self.schema.tables.iter().map(|t| &*t.name));
            self.error(file, at, format!("grant on table \"{name}\", which no file defines"), help);
            return None;
        }
        Some(FileGrantTarget::Table { namespace: namespace.into(), name: table.into() })
    }

    fn grantees(&mut self, file: usize, to: &Spanned<raw::Names>) -> Vec<Option<Name>> {
        let mut grantees = Vec::new();
        for name in to.get_ref().list() {
            if name == "public" {
                grantees.push(None);
            } else if self.schema.roles.iter().any(|r| &*r.name == name) {
                grantees.push(Some(Name::from(name)));
            } else {
                let help = did_you_mean(name, self.schema.roles.iter().map(|r| &*r.name));
                let message = format!("grant to role \"{name}\", which no file defines");
                self.error(file, to.span().start, message, help);
            }
        }
        grantees
    }

    fn grant(
        &mut self,
        file: usize,
        offset: usize,
        grantees: &[Option<Name>],
        privileges: &Spanned<raw::Names>,
        columns: Option<&Spanned<raw::Names>>,
        on: FileGrantTarget,
    ) {
        let mut names = Vec::new();
        if let Some(columns) = columns
            && let FileGrantTarget::Table { namespace, name } = &on
            && let Some(table) =
                self.schema.tables.iter().find(|t| t.namespace == *namespace && t.name == *name).cloned()
        {
            names = self.key_columns(file, columns.span().start, &table, &columns.get_ref().list());
        }
        let possible = match (&on, columns) {
            (FileGrantTarget::Namespace(_), _) => NAMESPACE_PRIVILEGES,
            (FileGrantTarget::Table { .. }, None) => TABLE_PRIVILEGES,
            (FileGrantTarget::Table { .. }, Some(_)) => COLUMN_PRIVILEGES,
        };
        let mut set = Privileges::NONE;
        for word in privileges.get_ref().list() {
            let found = possible.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
            match found {
                Some((_, privilege)) => set = set.union(*privilege),
                None => {
                    let known = possible.iter().map(|(name, _)| *name);
                    let help = nearest(word, known.clone()).map(|n| format!("did you mean \"{n}\"?"));
                    let help = help.or_else(|| Some(format!("possible: {}", known.collect::<Vec<_>>().join(", "))));
                    self.error(file, privileges.span().start, format!("no privilege \"{word}\" here"), help);
                }
            }
        }
        let place = self.place(file, offset);
        self.schema.grants.push(FileGrant { place, to: grantees.to_vec(), on, privileges: set, columns: names });
    }

    /// Tables after those they refer to.
    fn order_tables(&mut self) {
        let index: HashMap<(Name, Name), usize> =
            self.schema.tables.iter().enumerate().map(|(i, t)| ((t.namespace.clone(), t.name.clone()), i)).collect();
        let mut state = vec![0u8; self.schema.tables.len()];
        let mut order = Vec::new();
        for start in 0..state.len() {
            // (table, next constraint to look at): a walk without recursion.
            let mut stack = vec![(start, 0usize)];
            while let Some((table, at)) = stack.pop() {
                if at == 0 {
                    if state[table] != 0 {
                        continue;
                    }
                    state[table] = 1;
                }
                match self.schema.tables[table].constraints.get(at) {
                    None => {
                        state[table] = 2;
                        order.push(table);
                    }
                    Some(constraint) => {
                        stack.push((table, at + 1));
                        if let NewConstraintKind::ForeignKey { target, .. } = &constraint.kind
                            && let Some(next) = index.get(target)
                        {
                            stack.push((*next, 0));
                        }
                    }
                }
            }
        }
        let mut tables: Vec<Option<FileTable>> =
            std::mem::take(&mut self.schema.tables).into_iter().map(Some).collect();
        self.schema.tables = order.into_iter().filter_map(|i| tables[i].take()).collect();
    }
}

const TABLE_PRIVILEGES: &[(&str, Privileges)] = &[
    ("select", Privileges::SELECT),
    ("insert", Privileges::INSERT),
    ("update", Privileges::UPDATE),
    ("delete", Privileges::DELETE),
    ("truncate", Privileges::TRUNCATE),
    ("references", Privileges::REFERENCES),
    ("all", Privileges::ALL_TABLE),
];

const COLUMN_PRIVILEGES: &[(&str, Privileges)] = &[
    ("select", Privileges::SELECT),
    ("insert", Privileges::INSERT),
    ("update", Privileges::UPDATE),
    ("references", Privileges::REFERENCES),
    ("all", Privileges::ALL_COLUMN),
];

const NAMESPACE_PRIVILEGES: &[(&str, Privileges)] =
    &[("usage", Privileges::USAGE), ("create", Privileges::CREATE), ("all", Privileges::ALL_NAMESPACE)];

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

/// The keys of a table: whether it is the primary one, and its columns.
fn keys(table: &FileTable) -> Vec<(bool, BTreeSet<Name>)> {
    let key = |c: &'_ NewConstraint| match &c.kind {
        NewConstraintKind::PrimaryKey { columns } => Some((true, columns.clone())),
        NewConstraintKind::Unique { columns, .. } => Some((false, columns.clone())),
        NewConstraintKind::ForeignKey { .. } | NewConstraintKind::Check { .. } => None,
    };
    table.constraints.iter().filter_map(key).map(|(p, c)| (p, c.into_iter().collect())).collect()
}

fn has_key(table: &FileTable) -> bool {
    !keys(table).is_empty()
}
