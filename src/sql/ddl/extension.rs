//! CREATE, ALTER and DROP EXTENSION. Nothing is loaded: an extension that a database has makes analysis answer to the names of
//! those of its functions that have a counterpart here, and refuse its types and other functions by name.

use std::sync::Arc;

use super::depends::{Object, brought_by};
use super::planner::{Planner, no_namespace};
use crate::error::{Error, Report, Result, SqlState};
use crate::facts::TYPES;
use crate::registry::extension::{Available, ELSEWHERE, Extension, PLPGSQL};
use crate::registry::{Change, Name, opclass};
use crate::tree::DropBehavior;

impl Planner<'_> {
    pub fn create_extension(&mut self, name: &Name, namespace: &Name, if_not_exists: bool) -> Result<()> {
        self.tag("CREATE EXTENSION");
        if self.after.extensions.contains_key(name) || **name == *PLPGSQL.name {
            let message = format!("extension \"{name}\" already exists");
            if !if_not_exists {
                return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
            }
            let mut report = Report::notice(format!("{message}, skipping"));
            report.code = SqlState::DUPLICATE_OBJECT;
            self.plan.notices.push(report);
            return Ok(());
        }
        let Some(available) = Available::named(name) else { return Err(not_available(name)) };
        if !self.after.namespaces.contains_key(namespace) {
            return Err(no_namespace(namespace));
        }
        let taken = |t: &&crate::facts::Type| t.extension == Some(available.name) && self.takes_name(namespace, t.name);
        if let Some(ty) = TYPES.all.iter().find(taken) {
            let message = format!("type \"{}\" already exists", ty.name);
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        self.tell_what_is_missing(available);
        let extension = Extension {
            oid: self.after.counters.allocate_oid(),
            name: name.clone(),
            owner: self.cx.role,
            namespace: namespace.clone(),
            comment: Some(available.comment.to_owned()),
        };
        self.change(Change::PutExtension(Arc::new(extension)));
        Ok(())
    }

    fn takes_name(&self, namespace: &Name, name: &str) -> bool {
        self.after.user_type(namespace, name).is_some() || self.after.relation(namespace, name).is_some()
    }

    fn tell_what_is_missing(&mut self, available: &Available) {
        let missing = match (available.types.first(), available.functions) {
            (Some(ty), _) => format!("its type {ty} is refused"),
            (None, []) => return,
            (None, functions) => format!("refused are {}", functions.join(", ")),
        };
        let message = format!("extension \"{}\" is supported in part: {missing}", available.name);
        self.plan.notices.push(Report::warning(SqlState::WARNING, message));
    }

    pub fn update_extension(&mut self, name: &Name, version: Option<&str>) -> Result<()> {
        self.tag("ALTER EXTENSION");
        let found = self.after.extensions.get(name).and_then(|e| e.available());
        let Some(available) = found.or((**name == *PLPGSQL.name).then_some(&PLPGSQL)) else {
            return Err(missing(name));
        };
        match version {
            Some(other) if other != available.version => {
                let message = format!(
                    "extension \"{name}\" has no update path from version \"{}\" to version \"{other}\"",
                    available.version
                );
                Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message))
            }
            _ => {
                let version = available.version;
                self.notice(format!("version \"{version}\" of extension \"{name}\" is already installed"));
                Ok(())
            }
        }
    }

    /// The indexes that have an operator class of the extension's.
    fn indexes_by(&self, extension: &Extension) -> Vec<String> {
        let mut lines = Vec::new();
        for relation in self.after.relations.values() {
            for index in &relation.indexes {
                for key in &index.keys {
                    let class = match (&key.opclass, relation.column_by_num(key.column)) {
                        (Some(name), _) => opclass::kept(&index.method, name),
                        (None, Some(column)) => opclass::default_of(&index.method, column.ty.oid, &self.after),
                        (None, None) => None,
                    };
                    let Some(class) = class.filter(|class| class.is_of(&extension.name)) else { continue };
                    let (name, method) = (class.name, &index.method);
                    let index = &index.name;
                    lines.push(format!("index {index} depends on operator class {name} for access method {method}"));
                }
            }
        }
        lines.sort_unstable();
        lines
    }

    /// 2BP01 if columns, functions or texts use what the extension brings.
    fn is_not_used(&self, extension: &Extension, behavior: DropBehavior) -> Result<()> {
        let asked: Vec<Object> = brought_by(&[&*extension.name]).collect();
        let graph = self.graph();
        let mut lines = self.needs(&graph.going(&asked), &graph);
        lines.extend(self.indexes_by(extension));
        if lines.is_empty() {
            return Ok(());
        }
        let name = &extension.name;
        if behavior == DropBehavior::Cascade {
            return Err(Error::unsupported("DROP EXTENSION … CASCADE with objects that use it")
                .detail(lines.join("\n"))
                .hint("Drop these first."));
        }
        let message = format!("cannot drop extension {name} because other objects depend on it");
        Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
            .detail(lines.join("\n"))
            .hint("Use DROP ... CASCADE to drop the dependent objects too."))
    }

    pub fn drop_extensions(&mut self, names: &[(Name, Name)], if_exists: bool, behavior: DropBehavior) -> Result<()> {
        self.tag("DROP EXTENSION");
        for (_, name) in names {
            if **name == *PLPGSQL.name {
                return Err(Error::unsupported("DROP EXTENSION plpgsql"));
            }
            match self.after.extensions.get(name).cloned() {
                Some(extension) => {
                    self.is_not_used(&extension, behavior)?;
                    self.change(Change::DropExtension(extension.oid));
                }
                None if if_exists => self.notice(format!("extension \"{name}\" does not exist, skipping")),
                None => return Err(missing(name)),
            }
        }
        Ok(())
    }

    pub fn comment_on_extension(&mut self, name: &Name, comment: Option<String>) -> Result<()> {
        let Some(found) = self.after.extensions.get(name).cloned() else { return Err(missing(name)) };
        self.change(Change::PutExtension(Arc::new(Extension { comment, ..(*found).clone() })));
        Ok(())
    }
}

fn missing(name: &str) -> Error {
    Error::new(SqlState::UNDEFINED_OBJECT, format!("extension \"{name}\" does not exist"))
}

fn not_available(name: &str) -> Error {
    if ELSEWHERE.contains(&name) {
        return Error::unsupported(format!("extension \"{name}\""))
            .hint("pg_available_extensions lists the extensions that can be created.");
    }
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("extension \"{name}\" is not available"))
        .hint("The extension must first be installed on the system where PostgreSQL is running.")
}
