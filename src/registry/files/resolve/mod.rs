//! From the raw types of all files to one checked [`FileSchema`].

mod access;
mod column;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;

use super::diagnostic::{Diagnostic, Reporter};
use super::raw;
use super::{FileEnum, FileNamespace, FileSchema, Place};
use crate::registry::Name;
use crate::registry::names::MAX_NAME;
use crate::types::{Oid, TypeLookup, UserTypeInfo, UserTypeInfoKind};

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
}
