//! Tables: keys, foreign keys, checks and indexes, and the order in which tables can be made.

use std::collections::{BTreeSet, HashMap};

use toml::Spanned;

use super::Resolver;
use crate::registry::draft::{NewConstraint, NewConstraintKind};
use crate::registry::files::column::{self, Reference};
use crate::registry::files::diagnostic::did_you_mean;
use crate::registry::files::{FileIndex, FileTable, raw};
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
                name: name.as_deref().map(Name::from),
                columns: split.into_iter().map(|(n, d)| (n.into(), d)).collect(),
                unique: *unique,
                comment: comment.clone(),
            });
        }
    }

    /// Foreign keys need their target's table, columns and key.
    pub(super) fn check_references(&mut self) {
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

    /// Tables after those they refer to.
    pub(super) fn order_tables(&mut self) {
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
