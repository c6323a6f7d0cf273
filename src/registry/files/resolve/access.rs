//! Roles and grants: who there is, and who may do what.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use toml::Spanned;

use super::Resolver;
use crate::facts::{INSTEAD, NO_SHARE, OWN_SETTINGS, is_share_of_memory, wrong_value};
use crate::registry::files::diagnostic::{did_you_mean, nearest};
use crate::registry::files::{FileGrant, FileGrantTarget, FileRole, Password, raw};
use crate::registry::{Name, Privileges, verifier};

impl Resolver {
    pub(super) fn role(&mut self, file: usize, item: &Spanned<raw::Role>) {
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
        if crate::registry::names::is_reserved_role(name.get_ref()) {
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
        self.own_settings(file, offset, settings);
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

    /// A limit that is misspelled would be none.
    fn own_settings(&mut self, file: usize, offset: usize, settings: &IndexMap<String, String>) {
        for (setting, value) in settings.iter().filter(|(name, _)| name.to_lowercase().starts_with("duckgate.")) {
            let known = OWN_SETTINGS.iter().map(|(name, _)| *name);
            if is_share_of_memory(setting) {
                self.error(file, offset, NO_SHARE, Some(INSTEAD.to_owned()));
            } else if !known.clone().any(|name| name.eq_ignore_ascii_case(setting)) {
                let help = did_you_mean(setting, known);
                self.error(file, offset, format!("there is no setting \"{setting}\""), help);
            } else if let Some(problem) = wrong_value(setting, value) {
                self.error(file, offset, problem, None);
            }
        }
    }

    pub(super) fn password(&mut self, file: usize, text: &Spanned<String>) -> Password {
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

    pub(super) fn check_memberships(&mut self, raws: &[(usize, raw::File)]) {
        let names: BTreeSet<String> = self.schema.roles.iter().map(|r| r.name.to_string()).collect();
        for (file, raw) in raws {
            for member_of in raw.roles.iter().flat_map(|r| &r.get_ref().member_of) {
                if !names.contains(member_of.get_ref()) {
                    let help = did_you_mean(member_of.get_ref(), names.iter().map(String::as_str));
                    let what = format!("member of role \"{}\"", member_of.get_ref());
                    self.undefined(*file, member_of.span().start, &what, help);
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

    pub(super) fn grants(&mut self, file: usize, raw: &raw::File) {
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
                        let what = format!("grant on namespace \"{name}\"");
                        self.undefined(file, names.span().start, &what, help);
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

    pub(super) fn grant_table(
        &mut self,
        file: usize,
        at: usize,
        raw: &raw::File,
        name: &str,
    ) -> Option<FileGrantTarget> {
        let (namespace, table) = name.split_once('.').unwrap_or((Self::file_namespace(raw), name));
        if self.table_named(namespace, table).is_none() {
            let help = did_you_mean(table, self.schema.tables.iter().map(|t| &*t.name));
            self.undefined(file, at, &format!("grant on table \"{name}\""), help);
            return None;
        }
        Some(FileGrantTarget::Table { namespace: namespace.into(), name: table.into() })
    }

    pub(super) fn grantees(&mut self, file: usize, to: &Spanned<raw::Names>) -> Vec<Option<Name>> {
        let mut grantees = Vec::new();
        for name in to.get_ref().list() {
            if name == "public" {
                grantees.push(None);
            } else if self.schema.roles.iter().any(|r| &*r.name == name) {
                grantees.push(Some(Name::from(name)));
            } else {
                let help = did_you_mean(name, self.schema.roles.iter().map(|r| &*r.name));
                let what = format!("grant to role \"{name}\"");
                self.undefined(file, to.span().start, &what, help);
            }
        }
        grantees
    }

    pub(super) fn grant(
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
            && let Some(table) = self.table_named(namespace, name).cloned()
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
