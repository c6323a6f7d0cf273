//! What files mean, checked without a database: every type, default, check and key is built and analyzed, and every
//! complaint told with its place.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Answers, Work, is_file};
use crate::error::{Error, Result, SqlState};
use crate::registry::files::{Diagnostic, FileConstraint, FileSchema, FileTable, Level, Place};
use crate::registry::{Change, Counters, Snapshot, build};
use crate::sql::analyze::Stored;
use crate::sql::ddl::physical;
use crate::sql::{Context, analyze};
use crate::tree::{NewConstraintKind, NewTable, OnCommit, RelColumn, RelId};
use crate::types::name::format_type;
use crate::types::{PgType, oid};

/// Checks what the files say beyond their form. `cx.snapshot` has what they may refer to besides each other; `alone` if
/// there is no database: then what they do not define may still be there, and is only warned of.
pub fn check(schema: &FileSchema, cx: &Context, alone: bool) -> Vec<Diagnostic> {
    let cx = Context { snapshot: Arc::new(without_files(&cx.snapshot, schema)), ..cx.clone() };
    let answers = Answers::new();
    let mut checker = Checker {
        work: Work::new(schema, &cx, false, &answers),
        cx: &cx,
        alone,
        found: Vec::new(),
        good: HashSet::new(),
    };
    checker.objects();
    let after = Arc::new(checker.work.planner.after.clone());
    let cx = Context { snapshot: after, ..cx.clone() };
    let mut checker = Checker { cx: &cx, ..checker };
    for table in &schema.tables {
        checker.expressions(table);
        checker.rules(table);
    }
    checker.found
}

struct Checker<'a, 'b> {
    work: Work<'a>,
    cx: &'b Context,
    alone: bool,
    found: Vec<Diagnostic>,
    /// Defaults that are known to be good, with their types: files repeat them.
    good: HashSet<(String, PgType)>,
}

/// The database without what files have defined or would define: numbers are given out apart from its own.
fn without_files(snapshot: &Snapshot, schema: &FileSchema) -> Snapshot {
    let mut clean = snapshot.clone();
    clean.counters = Counters::default();
    for oid in snapshot.relation_oids.keys().chain(snapshot.type_oids.keys()).chain(snapshot.role_oids.keys()) {
        clean.counters.note_oid(*oid);
    }
    let tables: HashSet<_> = schema.tables.iter().map(|t| (t.namespace.clone(), t.name.clone())).collect();
    let enums: HashSet<_> = schema.enums.iter().map(|t| (t.namespace.clone(), t.name.clone())).collect();
    let mut drops = Vec::new();
    for (key, relation) in &snapshot.relations {
        if is_file(&relation.managed) || tables.contains(key) {
            drops.push(Change::DropRelation(relation.oid));
        }
    }
    for (key, ty) in &snapshot.types {
        if is_file(&ty.managed) || enums.contains(key) {
            drops.push(Change::DropType(ty.oid));
        }
    }
    drops.iter().for_each(|change| clean.apply_in_place(change));
    clean
}

impl Checker<'_, '_> {
    fn complain(&mut self, place: &Place, error: &Error) {
        let report = error.report();
        let help = report.hint.clone().or_else(|| report.detail.clone());
        self.found.push(place.complain(Level::Error, report.message.clone(), help));
    }

    /// What is named must be there, and what is defined must be possible.
    fn objects(&mut self) {
        let schema = self.work.schema;
        for role in &schema.roles {
            let made = self.work.role(role);
            self.note(&role.place, made);
        }
        for namespace in &schema.namespaces {
            let made = self.work.namespace(namespace);
            self.note(&namespace.place, made);
        }
        for item in &schema.enums {
            let made = self.work.enumeration(item);
            self.note(&item.place, made);
        }
        for table in &schema.tables {
            self.table(table);
        }
    }

    fn note(&mut self, place: &Place, made: Result<()>) {
        if let Err(error) = made {
            self.complain(place, &error);
        }
    }

    /// A table part by part, so that each part's complaint has its own place.
    fn table(&mut self, file: &FileTable) {
        if let Some(owner) = &file.owner
            && let Err(error) = self.work.planner.role(owner)
        {
            self.complain(&file.place, &error);
        }
        let mut draft = NewTable {
            namespace: file.namespace.clone(),
            name: file.name.clone(),
            temporary: false,
            unlogged: false,
            columns: Vec::new(),
            constraints: Vec::new(),
            on_commit: OnCommit::PreserveRows,
            partitioning: Default::default(),
            options: Vec::new(),
        };
        for column in &file.columns {
            let place = file.place.at(column.type_at);
            match self.work.draft_column(file, column) {
                Ok(mut new) => match physical::column_type(new.ty, &self.work.planner.after) {
                    Ok(_) => {
                        // That only whole numbers are drawn was said where the file was read.
                        new.sequence = new.sequence.filter(|_| matches!(new.ty.oid, oid::INT2 | oid::INT4 | oid::INT8));
                        draft.columns.push(new);
                    }
                    Err(error) => self.complain(&place, &error),
                },
                Err(error) => self.complain(&place, &error),
            }
        }
        let managed = super::managed(&file.place);
        let planner = &mut self.work.planner;
        if planner.after.relation_name_taken(&file.namespace, &file.name) {
            let message = format!("\"{}\" is the name of another relation or index", file.name);
            self.found.push(file.place.complain(Level::Error, message, Some("choose another name".to_owned())));
            return;
        }
        if let Err(error) = planner.type_is_free(&file.namespace, &file.name) {
            return self.complain(&file.place, &error);
        }
        let built = match build::table(&planner.after, &draft, planner.cx.role, &managed) {
            Ok(built) => built,
            Err(error) => return self.complain(&file.place, &error),
        };
        for sequence in built.sequences {
            planner.put_relation(sequence);
        }
        let mut table = built.table;
        // Primary keys first, as the table is made.
        let primary = |c: &&FileConstraint| matches!(c.constraint.kind, NewConstraintKind::PrimaryKey { .. });
        let ordered = file.constraints.iter().filter(primary).chain(file.constraints.iter().filter(|c| !primary(c)));
        for said in ordered {
            let place = file.place.at(said.at);
            let after = &self.work.planner.after;
            let added = build::add_constraint(after, &mut table, &said.constraint)
                .and_then(|i| physical::native_constraint(&table, &table.constraints[i], after).map(|_| ()));
            self.note(&place, added);
        }
        self.work.planner.put_relation(table.clone());
        for index in &file.indexes {
            let place = file.place.at(index.at);
            let new = super::constraint::index_of(index, &table);
            let made = self.work.planner.create_index(
                (&file.namespace, &file.name),
                index.name.as_ref(),
                &new,
                (false, false),
            );
            self.note(&place, made);
        }
        // What was made here is a sketch: its steps are of no use, and would only grow.
        self.work.planner.plan.steps.clear();
        self.work.changes.clear();
    }

    /// Defaults, generated columns and checks: do they mean something, and fit?
    fn expressions(&mut self, file: &FileTable) {
        let mut columns = Vec::new();
        for (i, column) in file.columns.iter().enumerate() {
            if let Ok(ty) = self.work.column_type(file, column) {
                let attnum = i16::try_from(i + 1).unwrap_or(i16::MAX);
                columns.push(RelColumn { name: column.name.clone(), ty, attnum });
            }
        }
        for column in &file.columns {
            let Some(ty) = columns.iter().find(|c| c.name == column.name).map(|c| c.ty) else { continue };
            let place = file.place.at(column.value_at);
            if let Some(text) = &column.default {
                self.default(&place, &column.name, text, ty);
            }
            if let Some(text) = &column.generated {
                // A generated column may not read another one, nor itself.
                let plain: Vec<RelColumn> = columns
                    .iter()
                    .filter(|c| file.columns.iter().any(|f| f.name == c.name && f.generated.is_none()))
                    .cloned()
                    .collect();
                let (place_of, of) = ((&*file.name, RelId(0)), (&*column.name, ty));
                let read = analyze::assigned_expression(text, Stored::Generated, place_of, &plain, of, self.cx);
                if let Err(error) = read {
                    self.expression_fault(&place, &format!("column \"{}\", generated", column.name), &error, text);
                }
            }
        }
        for said in &file.constraints {
            let NewConstraintKind::Check { expression: text } = &said.constraint.kind else { continue };
            let place = file.place.at(said.at);
            match analyze::expression(text, Stored::Check, (&file.name, RelId(0)), &columns, self.cx) {
                Ok(expr) if expr.ty.oid == oid::BOOL => {}
                Ok(expr) => {
                    let ty = format_type(expr.ty, &*self.cx.snapshot);
                    let message = format!("check: a condition is expected, this is of type {ty}");
                    let help = Some("compare it with something: \"amount > 0\"".to_owned());
                    self.found.push(place.complain(Level::Error, message, help));
                }
                Err(error) => {
                    let names: Vec<&str> = file.columns.iter().map(|c| &*c.name).collect();
                    let help = crate::registry::files::unknown_column_help(&error.report().message, &names);
                    let error = help.map_or_else(|| error.clone(), |help| error.clone().hint(help));
                    self.expression_fault(&place, "check", &error, text);
                }
            }
        }
    }

    /// Row rules and masks, with the table as it would be.
    fn rules(&mut self, file: &FileTable) {
        let Some(table) = self.cx.snapshot.relation(&file.namespace, &file.name).cloned() else { return };
        let names: Vec<&str> = file.columns.iter().map(|c| &*c.name).collect();
        let helped = |error: Error| match crate::registry::files::unknown_column_help(&error.report().message, &names) {
            Some(help) => error.hint(help),
            None => error,
        };
        for rule in &file.rules {
            for (text, spot, word) in
                [(&rule.using, rule.using_at, "using"), (&rule.check, rule.check_at, "with_check")]
            {
                let Some(text) = text else { continue };
                if let Err(error) = analyze::policy_condition(text, &table, (RelId(0), 1), self.cx) {
                    let what = format!("row rule \"{}\", {word}", rule.name);
                    self.expression_fault(&file.place.at(spot), &what, &helped(error), text);
                }
            }
        }
        for mask in &file.masks {
            let Some(column) = table.column(&mask.column) else { continue };
            let columns = analyze::relation_columns(&table);
            let (row, of, text) = ((&*file.name, RelId(0)), (&*column.name, column.ty), &mask.expression);
            if let Err(error) = analyze::assigned_expression(text, Stored::Mask, row, &columns, of, self.cx) {
                let what = format!("mask of column \"{}\"", mask.column);
                self.expression_fault(&file.place.at(mask.at), &what, &helped(error), text);
            }
        }
    }

    fn default(&mut self, place: &Place, column: &str, text: &str, ty: PgType) {
        if self.good.contains(&(text.to_owned(), ty)) {
            return;
        }
        match analyze::assigned_expression(text, Stored::Default, ("", RelId(0)), &[], (column, ty), self.cx) {
            Ok(_) => {
                self.good.insert((text.to_owned(), ty));
            }
            Err(error) => {
                let error = match error.code() {
                    SqlState::UNDEFINED_COLUMN => error.hint(
                        "a default cannot read other columns, \"generated\" can; text stands in SQL's quotes: 'text'",
                    ),
                    _ => error,
                };
                self.expression_fault(place, &format!("default of column \"{column}\""), &error, text);
            }
        }
    }

    fn expression_fault(&mut self, place: &Place, what: &str, error: &Error, text: &str) {
        let report = error.report();
        let code = error.code();
        // A sequence that SQL has made, say.
        let elsewhere = self.alone && (code == SqlState::UNDEFINED_TABLE || code == SqlState::UNDEFINED_OBJECT);
        let level = if elsewhere { Level::Warning } else { Level::Error };
        let mut help = report.hint.clone().or_else(|| report.detail.clone());
        if elsewhere {
            help = Some("no file defines it: the database must have it when the files are applied".to_owned());
        }
        let message = match report.position {
            Some(at) if at > 1 => format!("{what}: {} (character {at} of \"{text}\")", report.message),
            _ => format!("{what}: {}", report.message),
        };
        self.found.push(place.complain(level, message, help));
    }
}
