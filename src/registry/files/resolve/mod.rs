//! From the raw types of all files to one checked [`FileSchema`].

mod access;
mod column;
mod rules;
mod table;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use toml::Spanned;

use super::diagnostic::{Diagnostic, Reporter};
use super::raw;
use super::{FileEnum, FileNamespace, FileSchema, FileTable, Place, Spot};
use crate::registry::Name;
use crate::registry::names::MAX_NAME;
use crate::types::{Oid, TypeLookup, UserTypeInfo, UserTypeInfoKind};

/// A file and where in `parts` it is.
struct Resolver {
    reporters: Vec<Reporter>,
    schema: FileSchema,
    /// Where a foreign key of a table was written, for complaints: (file, offset, table index, constraint index).
    references: Vec<(usize, usize, usize, usize)>,
    /// Where each table stands in `schema.tables`, by namespace and name.
    by_name: HashMap<(Name, Name), usize>,
    enums: EnumNames,
    /// A file has errors that leave open what it defines.
    unread: bool,
}

/// The enums of the files, as type names.
#[derive(Default)]
struct EnumNames {
    /// By name, then by namespace: position in `all`.
    by_name: HashMap<String, BTreeMap<String, usize>>,
    all: Vec<(String, Vec<Name>)>,
}

const FIRST_ENUM: Oid = 0x8000_0000;

impl EnumNames {
    fn position(&self, namespace: &str, name: &str) -> Option<usize> {
        self.by_name.get(name)?.get(namespace).copied()
    }

    /// False if there is one already.
    fn add(&mut self, namespace: &str, name: &str, labels: Vec<Name>) -> bool {
        let places = self.by_name.entry(name.to_owned()).or_default();
        let free = places.insert(namespace.to_owned(), self.all.len()).is_none();
        self.all.push((name.to_owned(), labels));
        free
    }
}

/// Type lookup for the columns of one namespace.
struct Types<'a>(&'a EnumNames, &'a str);

impl TypeLookup for Types<'_> {
    fn user_type(&self, oid: Oid) -> Option<UserTypeInfo> {
        let at = usize::try_from(oid.checked_sub(FIRST_ENUM)?).ok()?;
        let (name, labels) = self.0.all.get(at / 2)?;
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
    let unread = raws.iter().any(Option::is_none);
    let mut resolver = Resolver {
        unread,
        reporters,
        schema: FileSchema::default(),
        references: Vec::new(),
        by_name: HashMap::new(),
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
    for (file, raw) in &raws {
        resolver.rules(*file, raw);
    }
    resolver.order_tables();
    let mut diagnostics: Vec<Diagnostic> = resolver.reporters.into_iter().flat_map(|r| r.found).collect();
    diagnostics.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    diagnostics.dedup();
    (resolver.schema, diagnostics)
}

impl Resolver {
    /// The table of that name in the files.
    fn table_named(&self, namespace: &str, name: &str) -> Option<&FileTable> {
        let at = self.by_name.get(&(Name::from(namespace), Name::from(name)))?;
        self.schema.tables.get(*at)
    }

    fn place(&self, file: usize, offset: usize) -> Place {
        let reporter = &self.reporters[file];
        let (line, column) = reporter.position(offset);
        Place { path: reporter.path().clone(), line, column }
    }

    fn spot(&self, file: usize, offset: usize) -> Spot {
        let (line, column) = self.reporters[file].position(offset);
        Spot { line, column }
    }

    fn error(&mut self, file: usize, offset: usize, message: impl Into<String>, help: Option<String>) {
        self.reporters[file].error(offset, message, help);
    }

    /// Something is named that no file defines. Not told while there is a file of which nothing is known but its errors: it
    /// may well be there.
    fn undefined(&mut self, file: usize, offset: usize, what: &str, help: Option<String>) {
        if !self.unread {
            self.error(file, offset, format!("{what}, which no file defines"), help);
        }
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
        if is_system(name) {
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
        let mut kept = Vec::new();
        for label in labels.get_ref() {
            if label.len() > MAX_NAME {
                self.error(
                    file,
                    labels.span().start,
                    format!("label \"{label}\" is longer than {MAX_NAME} bytes"),
                    None,
                );
            }
            if seen.contains(label) {
                self.error(file, labels.span().start, format!("label \"{label}\" is there twice"), None);
            } else {
                seen.insert(label);
                kept.push(label.as_str());
            }
        }
        let labels: Vec<Name> = kept.into_iter().map(Name::from).collect();
        if !self.enums.add(&namespace, name.get_ref(), labels.clone()) {
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
        if is_system(name) {
            let message = format!("namespace \"{name}\" belongs to the system");
            // Where the file's own namespace is the bad one, that was said at its name.
            if !self.reporters[file].found.iter().any(|d| d.message == message) {
                self.error(file, offset, message, None);
            }
            return;
        }
        let place = self.place(file, offset);
        self.schema.namespaces.push(FileNamespace { place, name: name.into(), comment: None, owner: None });
    }
}

fn is_system(namespace: &str) -> bool {
    namespace.starts_with("pg_") || namespace == "information_schema"
}
