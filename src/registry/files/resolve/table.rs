//! Tables: keys, foreign keys, checks and indexes, and the order in which tables can be made.

use std::collections::BTreeSet;

use toml::Spanned;

use super::Resolver;
use crate::registry::draft::{NewConstraint, NewConstraintKind};
use crate::registry::files::column::{self, Reference};
use crate::registry::files::diagnostic::did_you_mean;
use crate::registry::files::{FileConstraint, FileIndex, FileTable, raw};
use crate::registry::{Name, OnConflictDefault, expression};

impl Resolver {
    pub(super) fn table(&mut self, file: usize, raw: &raw::File, item: &Spanned<raw::Table>) {
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
            // When roles are known.
            row_rule: _,
            mask: _,
            force_row_rules: _,
        } = item.get_ref();
        let offset = name.span().start;
        if !self.name_ok(file, offset, name.get_ref()) {
            return;
        }
        let namespace = namespace.as_ref().map_or_else(|| Self::file_namespace(raw), |n| n.get_ref()).to_owned();
        self.need_namespace(file, offset, &namespace);
        if let Some(first) = self.table_named(&namespace, name.get_ref()).map(|t| t.place.clone()) {
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
            rules: Vec::new(),
            masks: Vec::new(),
            force_row_rules: false,
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
        self.by_name.insert((table.namespace.clone(), table.name.clone()), self.schema.tables.len());
        self.schema.tables.push(table);
    }

    pub(super) fn key_columns(&mut self, file: usize, offset: usize, table: &FileTable, names: &[&str]) -> Vec<Name> {
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

    pub(super) fn constraint(
        &mut self,
        file: usize,
        offset: usize,
        table: &mut FileTable,
        name: Option<&str>,
        kind: NewConstraintKind,
    ) {
        let is_primary = |kind: &NewConstraintKind| matches!(kind, NewConstraintKind::PrimaryKey { .. });
        if is_primary(&kind) && table.constraints.iter().any(|c| is_primary(&c.constraint.kind)) {
            let help = Some("a key over several columns is primary_key = [\"a\", \"b\"] of the table".to_owned());
            return self.error(file, offset, format!("table \"{}\" has two primary keys", table.name), help);
        }
        if let Some(name) = name {
            if !self.name_ok(file, offset, name) {
                return;
            }
            if table.constraints.iter().any(|c| c.constraint.name.as_deref() == Some(name)) {
                let message = format!("constraint \"{name}\" is there twice in table \"{}\"", table.name);
                return self.error(file, offset, message, None);
            }
        }
        let at = self.spot(file, offset);
        let name = name.map(Name::from);
        let constraint = NewConstraint {
            name,
            kind,
            included: Vec::new(),
            deferrable: false,
            initially_deferred: false,
            not_valid: false,
            no_inherit: false,
            delete_sets: Vec::new(),
        };
        table.constraints.push(FileConstraint { at, constraint });
    }

    pub(super) fn check(&mut self, file: usize, offset: usize, table: &mut FileTable, name: Option<&str>, text: &str) {
        if let Err(message) = expression::parse(text) {
            return self.error(file, offset, format!("check: {message}"), None);
        }
        let kind = NewConstraintKind::Check { expression: text.to_owned() };
        self.constraint(file, offset, table, name, kind);
    }

    pub(super) fn foreign_key(
        &mut self,
        file: usize,
        offset: usize,
        table: &mut FileTable,
        name: Option<&str>,
        columns: Vec<Name>,
        reference: Reference,
    ) {
        let Reference { namespace, table: target, columns: target_columns, on_delete, on_update } = reference;
        let namespace = namespace.map_or_else(|| table.namespace.clone(), Name::from);
        let kind = NewConstraintKind::ForeignKey {
            columns,
            target: (namespace, target.into()),
            target_columns: target_columns.into_iter().map(Name::from).collect(),
            on_delete,
            on_update,
            match_full: false,
        };
        let before = table.constraints.len();
        self.constraint(file, offset, table, name, kind);
        if table.constraints.len() > before {
            self.references.push((file, offset, self.schema.tables.len(), before));
        }
    }

    pub(super) fn index(&mut self, file: usize, table: &mut FileTable, item: &Spanned<raw::Index>) {
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
                at: self.spot(file, offset),
                name: name.as_deref().map(Name::from),
                columns: split.into_iter().map(|(n, d)| (n.into(), d)).collect(),
                unique: *unique,
                comment: comment.clone(),
            });
        }
    }

    /// Foreign keys need their target's table, columns and key.
    pub(super) fn check_references(&mut self) {
        for (file, offset, table, constraint) in self.references.clone() {
            if let Some((message, help)) = self.reference_fault(table, constraint) {
                self.error(file, offset, message, help);
            }
        }
    }

    /// What is wrong with a foreign key, and what would be right.
    fn reference_fault(&self, table: usize, constraint: usize) -> Option<(String, Option<String>)> {
        let own = self.schema.tables.get(table)?;
        let constraint = &own.constraints.get(constraint)?.constraint;
        let NewConstraintKind::ForeignKey { columns, target, target_columns, .. } = &constraint.kind else {
            return None;
        };
        let Some(found) = self.table_named(&target.0, &target.1) else {
            if self.unread {
                return None;
            }
            let elsewhere = self.schema.tables.iter().find(|t| t.name == target.1);
            let help = match elsewhere {
                Some(other) => Some(format!("there is one in namespace \"{}\"", other.namespace)),
                None => did_you_mean(&target.1, self.schema.tables.iter().map(|t| &*t.name)),
            };
            return Some((format!("foreign key to table \"{}\", which no file defines", target.1), help));
        };
        if found.namespace != own.namespace {
            let message = format!(
                "foreign key from namespace \"{}\" to table \"{}\" of namespace \"{}\"",
                own.namespace, found.name, found.namespace
            );
            let help = "a foreign key cannot leave its namespace: put both tables into one, or leave the key out";
            return Some((message, Some(help.to_owned())));
        }
        if let Some(unknown) = target_columns.iter().find(|c| !found.columns.iter().any(|f| f.name == **c)) {
            let help = did_you_mean(unknown, found.columns.iter().map(|c| &*c.name));
            let message = format!("foreign key to column \"{unknown}\", which table \"{}\" has not", found.name);
            return Some((message, help));
        }
        let keys = keys(found);
        let wanted: BTreeSet<Name> = target_columns.iter().cloned().collect();
        let fits = |key: &&(bool, BTreeSet<Name>)| if target_columns.is_empty() { key.0 } else { key.1 == wanted };
        match keys.iter().find(fits) {
            None if target_columns.is_empty() => {
                let help = format!("give \"{}\" a primary_key, or name columns that are unique", found.name);
                Some((format!("foreign key to table \"{}\", which has no primary key", found.name), Some(help)))
            }
            None => {
                let message =
                    format!("foreign key to columns of \"{}\" that are not its primary key or unique", found.name);
                let known: Vec<String> = keys.iter().map(|(_, columns)| joined(columns)).collect();
                let help = (!known.is_empty()).then(|| format!("its keys: {}", known.join("; ")));
                Some((message, help))
            }
            Some((_, key)) if key.len() != columns.len() => {
                let help = format!("the key of \"{}\" is {}", found.name, joined(key));
                Some((format!("foreign key of {} columns to a key of {}", columns.len(), key.len()), Some(help)))
            }
            Some(_) => self.type_fault(own, columns, found, target_columns),
        }
    }

    /// Both sides of a foreign key have the same type.
    fn type_fault(
        &self,
        own: &FileTable,
        columns: &[Name],
        target: &FileTable,
        target_columns: &[Name],
    ) -> Option<(String, Option<String>)> {
        let targets = if target_columns.is_empty() { primary_columns(target) } else { target_columns.to_vec() };
        for (from, to) in columns.iter().zip(&targets) {
            let a = own.columns.iter().find(|c| c.name == *from)?;
            let b = target.columns.iter().find(|c| c.name == *to)?;
            let types = (self.column_type(own, a)?, self.column_type(target, b)?);
            if types.0 != types.1 {
                let message =
                    format!("foreign key from column \"{from}\" of type {} to column \"{to}\" of type {}", a.ty, b.ty);
                return Some((message, Some(format!("declare \"{from}\" as {}", b.ty))));
            }
        }
        None
    }

    /// Tables after those they refer to. Keys that go round in a circle are an error: no table of it could be made first.
    pub(super) fn order_tables(&mut self) {
        let mut state = vec![Mark::New; self.schema.tables.len()];
        let mut order = Vec::new();
        let mut circles = Vec::new();
        for start in 0..state.len() {
            // (table, next constraint to look at): a walk without recursion.
            let mut stack = vec![(start, 0usize)];
            while let Some((table, at)) = stack.pop() {
                if at == 0 {
                    if state[table] != Mark::New {
                        continue;
                    }
                    state[table] = Mark::Open;
                }
                let Some(constraint) = self.schema.tables[table].constraints.get(at) else {
                    state[table] = Mark::Done;
                    order.push(table);
                    continue;
                };
                stack.push((table, at + 1));
                if let NewConstraintKind::ForeignKey { target, .. } = &constraint.constraint.kind
                    && let Some(next) = self.by_name.get(target).copied()
                    && next != table
                {
                    if state[next] == Mark::Open {
                        let from = stack.iter().position(|(t, _)| *t == next).unwrap_or(0);
                        let names = stack[from..].iter().map(|(t, _)| self.schema.tables[*t].name.to_string());
                        circles.push((table, at, names.collect::<Vec<_>>(), next));
                    }
                    stack.push((next, 0));
                }
            }
        }
        for (table, at, mut names, first) in circles {
            names.push(self.schema.tables[first].name.to_string());
            let message = format!("foreign keys go round in a circle: {}", names.join(" → "));
            let help =
                Some("leave one of these foreign keys out: no table of the circle could be made first".to_owned());
            let place = self.references.iter().find(|r| (r.2, r.3) == (table, at)).map(|r| (r.0, r.1));
            if let Some((file, offset)) = place {
                self.error(file, offset, message, help);
            }
        }
        let mut tables: Vec<Option<FileTable>> =
            std::mem::take(&mut self.schema.tables).into_iter().map(Some).collect();
        self.schema.tables = order.into_iter().filter_map(|i| tables[i].take()).collect();
    }
}

/// How far the walk has come with a table.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    New,
    Open,
    Done,
}

/// The columns of the primary key, in its order.
fn primary_columns(table: &FileTable) -> Vec<Name> {
    let primary = |c: &FileConstraint| match &c.constraint.kind {
        NewConstraintKind::PrimaryKey { columns } => Some(columns.clone()),
        NewConstraintKind::Unique { .. }
        | NewConstraintKind::ForeignKey { .. }
        | NewConstraintKind::Check { .. }
        | NewConstraintKind::Exclusion(_) => None,
    };
    table.constraints.iter().find_map(primary).unwrap_or_default()
}

fn joined(columns: &BTreeSet<Name>) -> String {
    columns.iter().map(|c| &**c).collect::<Vec<_>>().join(", ")
}

/// The keys of a table: whether it is the primary one, and its columns.
fn keys(table: &FileTable) -> Vec<(bool, BTreeSet<Name>)> {
    let key = |c: &'_ FileConstraint| match &c.constraint.kind {
        NewConstraintKind::PrimaryKey { columns } => Some((true, columns.clone())),
        NewConstraintKind::Unique { columns, .. } => Some((false, columns.clone())),
        NewConstraintKind::ForeignKey { .. } | NewConstraintKind::Check { .. } | NewConstraintKind::Exclusion(_) => {
            None
        }
    };
    table.constraints.iter().filter_map(key).map(|(p, c)| (p, c.into_iter().collect())).collect()
}

fn has_key(table: &FileTable) -> bool {
    !keys(table).is_empty()
}
