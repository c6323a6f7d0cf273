//! Differences in a table's columns, and what a change of type would do to the values that are there.

use std::sync::Arc;

use super::question::qualified;
use super::{Answer, Effect, Work, rows};
use crate::error::Result;
use crate::registry::expression::{self, quote};
use crate::registry::files::{FileColumn, FileTable};
use crate::registry::{Column, Name, Relation, RelationKind, build};
use crate::sql::analyze::{self, Stored};
use crate::sql::ddl::alter::constraint_columns;
use crate::sql::ddl::physical::widens;
use crate::sql::ddl::pipeline;
use crate::sql::ddl::planner::Planner;
use crate::tree::{AlterTable, DropBehavior, Expr, NewColumn, ObjectKind, RelColumn, RelId};
use crate::types::name::format_type;
use crate::types::{PgType, oid};

/// What it takes to change a table's columns: one ALTER TABLE, and what PostgreSQL has no such words for.
///
/// Each part stands with the change that it belongs to, by its position in [`Work::changes`].
#[derive(Default)]
pub(super) struct Columns {
    pub actions: Vec<(usize, AlterTable)>,
    pub generated: Vec<(usize, Name, Option<String>)>,
    pub sequences: Vec<(usize, Numbers)>,
}

impl Columns {
    pub(super) fn is_empty(&self) -> bool {
        self.actions.is_empty() && self.generated.is_empty() && self.sequences.is_empty()
    }

    /// Plans all of it, or what belongs to one change.
    pub(super) fn carry_out(
        &self,
        planner: &mut Planner<'_>,
        table: (&Name, &Name),
        only: Option<usize>,
    ) -> Result<()> {
        let wanted = |change: usize| only.is_none_or(|only| only == change);
        for (_, numbers) in self.sequences.iter().filter(|(change, _)| wanted(*change)) {
            numbers.take_away(planner, table)?;
        }
        let actions = self.actions.iter().filter(|(change, _)| wanted(*change));
        let actions: Vec<AlterTable> = actions.map(|(_, action)| action.clone()).collect();
        if !actions.is_empty() {
            planner.alter_table(ObjectKind::Table, table, &actions, (false, false))?;
        }
        for (_, numbers) in self.sequences.iter().filter(|(change, _)| wanted(*change)) {
            numbers.give(planner, table)?;
        }
        for (_, column, text) in self.generated.iter().filter(|(change, ..)| wanted(*change)) {
            let old = planner.relation(table.0, table.1)?;
            planner.set_generated(old, column, text.clone())?;
        }
        Ok(())
    }
}

/// A column that draws its numbers otherwise than before: from nothing (`None`), a serial's sequence (`Some(None)`), or
/// as an identity, always or by default (`Some(Some(always))`).
pub(super) struct Numbers {
    column: Name,
    from: Option<Option<bool>>,
    to: Option<Option<bool>>,
}

/// The change of one column's type.
struct Retyping<'a> {
    table: &'a Relation,
    column: &'a Column,
    ty: PgType,
}

impl Work<'_> {
    /// Notes how the columns differ, and what to do about it.
    pub(super) fn columns(&mut self, file: &FileTable, found: &Relation, out: &mut Columns) -> Result<()> {
        let name = format!("{}.{}", file.namespace, file.name);
        for column in found.columns.iter().filter(|c| !file.columns.iter().any(|f| f.name == c.name)) {
            let notes = match self.count(found, &format!("{} IS NOT NULL", quote(&column.name))) {
                Some(Answer::Count(n)) => vec![format!("its values in {}", rows(n))],
                Some(Answer::Failed(why)) => vec![format!("its values, which cannot be counted: {why}")],
                None => Vec::new(),
            };
            let what = format!("drop column {} of table {name}", column.name);
            if self.note(Effect::Destructive, &file.place, what, notes) {
                let behavior = DropBehavior::Restrict;
                let action = AlterTable::DropColumn { name: column.name.clone(), if_exists: false, behavior };
                out.actions.push((self.last(), action));
            }
        }
        for column in &file.columns {
            let draft = self.draft_column(file, column)?;
            match found.column(&column.name) {
                None => self.add_column(file, found, column, draft, out),
                Some(there) => self.column(file, found, column, &draft, there, out),
            }
        }
        Ok(())
    }

    fn add_column(
        &mut self,
        file: &FileTable,
        found: &Relation,
        column: &FileColumn,
        draft: NewColumn,
        out: &mut Columns,
    ) {
        let place = file.place.at(column.at);
        let what = format!("add column {} to table {}.{}", column.name, file.namespace, file.name);
        let valueless = draft.default.is_none() && draft.generated.is_none() && draft.sequence.is_none();
        let in_key = file.constraints.iter().any(|c| {
            matches!(&c.constraint.kind, crate::tree::NewConstraintKind::PrimaryKey { columns } if columns.contains(&draft.name))
        });
        if (draft.not_null || in_key) && valueless {
            match self.count(found, "true") {
                Some(Answer::Count(0)) | None => {}
                Some(Answer::Count(n)) => {
                    let notes = vec![format!(
                        "{} would have no value in it: give it a default, or leave not null out",
                        rows(n)
                    )];
                    self.note(Effect::Impossible, &place, what, notes);
                    self.waiting.insert((found.oid, draft.name));
                    return;
                }
                Some(Answer::Failed(why)) => {
                    self.note(Effect::Impossible, &place, what, vec![why]);
                    self.waiting.insert((found.oid, draft.name));
                    return;
                }
            }
        }
        self.does(&place, what);
        let action = AlterTable::AddColumn { column: draft, constraints: Vec::new(), if_not_exists: false };
        out.actions.push((self.last(), action));
    }

    fn column(
        &mut self,
        file: &FileTable,
        found: &Relation,
        column: &FileColumn,
        draft: &NewColumn,
        there: &Column,
        out: &mut Columns,
    ) {
        let place = file.place.at(column.at);
        let name = format!("column {} of table {}.{}", column.name, file.namespace, file.name);
        let from = numbers(&self.planner, found, there);
        let default = if from == Some(None) { None } else { there.default.clone() };
        if there.ty != draft.ty {
            let retyping = Retyping { table: found, column: there, ty: draft.ty };
            let Some(action) = self.retype(file, column, &retyping) else {
                self.waiting.insert((found.oid, there.name.clone()));
                return;
            };
            if default.is_some() {
                // The old default need not fit the new type; the file's is set below.
                let action = AlterTable::SetDefault { column: there.name.clone(), default: None };
                out.actions.push((self.last(), action));
            }
            out.actions.push((self.last(), action));
        }
        if from != draft.sequence {
            let word = match draft.sequence {
                None => "no identity",
                Some(None) => "serial",
                Some(Some(true)) => "identity always",
                Some(Some(false)) => "identity by default",
            };
            self.does(&place, format!("alter {name}: {word}"));
            let numbers = Numbers { column: there.name.clone(), from, to: draft.sequence };
            out.sequences.push((self.last(), numbers));
        }
        let same_default = same_expression(default.as_deref(), draft.default.as_deref());
        if !same_default {
            self.does(
                &place,
                match &draft.default {
                    Some(text) => format!("alter {name}: default {text}"),
                    None => format!("alter {name}: drop default"),
                },
            );
        }
        if !same_default || there.ty != draft.ty && draft.default.is_some() {
            let action = AlterTable::SetDefault { column: there.name.clone(), default: draft.default.clone() };
            out.actions.push((self.last(), action));
        }
        self.generated(file, found, column, there, out);
        let in_key = file.constraints.iter().any(|c| {
            matches!(&c.constraint.kind, crate::tree::NewConstraintKind::PrimaryKey { columns } if columns.contains(&draft.name))
        });
        // A key that is new sees to it by itself; one that is there and stays has done so.
        let in_old_key = found.primary_key().is_some_and(|key| constraint_columns(key).contains(&there.num));
        let kept = in_old_key && (in_key || !self.destructive);
        let not_null = draft.not_null || draft.sequence.is_some() || kept;
        if there.not_null && !not_null {
            self.does(&place, format!("alter {name}: drop not null"));
            let action = AlterTable::SetNotNull { column: there.name.clone(), not_null: false };
            out.actions.push((self.last(), action));
        } else if !there.not_null && not_null {
            self.not_null(&place, found, there, draft, &name, out);
        }
    }

    fn generated(
        &mut self,
        file: &FileTable,
        found: &Relation,
        column: &FileColumn,
        there: &Column,
        out: &mut Columns,
    ) {
        if same_expression(there.generated.as_deref(), column.generated.as_deref()) {
            return;
        }
        let place = file.place.at(column.value_at);
        let name = format!("column {} of table {}.{}", column.name, file.namespace, file.name);
        let (effect, what, notes) = match (&there.generated, &column.generated) {
            (_, None) => (Effect::Additive, format!("alter {name}: no longer generated, its values stay"), Vec::new()),
            (Some(_), Some(text)) => (Effect::Additive, format!("alter {name}: generated as ({text})"), Vec::new()),
            (None, Some(text)) => {
                let notes = match self.count(found, &format!("{} IS NOT NULL", quote(&there.name))) {
                    Some(Answer::Count(n)) => {
                        vec![format!("its values in {}, which are computed from now on", rows(n))]
                    }
                    Some(Answer::Failed(why)) => vec![why],
                    None => Vec::new(),
                };
                (Effect::Destructive, format!("alter {name}: generated as ({text})"), notes)
            }
        };
        if self.note(effect, &place, what, notes) {
            out.generated.push((self.last(), there.name.clone(), column.generated.clone()));
        } else {
            self.waiting.insert((found.oid, there.name.clone()));
        }
    }

    fn not_null(
        &mut self,
        place: &crate::registry::files::Place,
        found: &Relation,
        there: &Column,
        draft: &NewColumn,
        name: &str,
        out: &mut Columns,
    ) {
        let what = format!("alter {name}: set not null");
        let nulls = self.count(found, &format!("{} IS NULL", quote(&there.name)));
        let action = AlterTable::SetNotNull { column: there.name.clone(), not_null: true };
        match (nulls, &draft.default) {
            (Some(Answer::Count(0)) | None, _) => {
                self.does(place, what);
                out.actions.push((self.last(), action));
            }
            (Some(Answer::Count(n)), Some(default)) => {
                let notes = vec![format!("the NULLs in {}, which become the default, {default}", rows(n))];
                if self.note(Effect::Destructive, place, what, notes) {
                    let text = format!("coalesce({}, {default})", quote(&there.name));
                    match self.using(found, &text, draft.ty, &there.name) {
                        Ok(expr) => {
                            let using = Some((text, Box::new(expr)));
                            let (column, ty, collation) = (there.name.clone(), draft.ty, there.collation);
                            out.actions
                                .retain(|(_, a)| !matches!(a, AlterTable::SetType { column: c, .. } if *c == column));
                            let change = self.last();
                            let retype = AlterTable::SetType { column, ty, using, collation };
                            out.actions.extend([(change, retype), (change, action)]);
                        }
                        Err(error) => self.fails(&error),
                    }
                }
            }
            (Some(Answer::Count(n)), None) => {
                let notes =
                    vec![format!("{} with NULL: give them a value first, or give the column a default", rows(n))];
                self.note(Effect::Impossible, place, what, notes);
            }
            (Some(Answer::Failed(why)), _) => {
                self.note(Effect::Impossible, place, what, vec![why]);
            }
        }
    }

    /// The position of the change that was noted last.
    pub(super) fn last(&self) -> usize {
        self.changes.len().saturating_sub(1)
    }

    /// The last change that was noted cannot be made.
    fn fails(&mut self, error: &crate::error::Error) {
        if let Some(change) = self.changes.last_mut() {
            (change.effect, change.done, change.notes) = (Effect::Impossible, false, vec![super::reason(error)]);
        }
    }

    /// An expression over a table's columns that becomes a column's values.
    fn using(&self, table: &Relation, text: &str, ty: PgType, column: &str) -> Result<Expr> {
        let columns: Vec<RelColumn> =
            table.columns.iter().map(|c| RelColumn { name: c.name.clone(), ty: c.ty, attnum: c.num }).collect();
        let after = Arc::new(self.planner.after.clone());
        let cx = crate::sql::Context { snapshot: after, ..self.planner.cx.clone() };
        analyze::assigned_expression(text, Stored::Transform, (&table.name, RelId(0)), &columns, (column, ty), &cx)
    }

    /// The action for a change of type, if it is to be made.
    fn retype(&mut self, file: &FileTable, column: &FileColumn, change: &Retyping<'_>) -> Option<AlterTable> {
        let place = file.place.at(column.type_at);
        let (from, ty) = (change.column.ty, change.ty);
        let types = &self.planner.after;
        let (is, wanted) = (format_type(from, types), format_type(ty, types));
        let what =
            format!("alter column {} of table {}.{}: type {is} to {wanted}", column.name, file.namespace, file.name);
        let (name, collation) = (change.column.name.clone(), change.column.collation);
        if widens(from, ty, types) {
            self.does(&place, what);
            return Some(AlterTable::SetType { column: name, ty, using: None, collation });
        }
        let text = format!("{}::{wanted}", quote(&name));
        let using = match self.using(change.table, &text, ty, &name) {
            Ok(expr) => Some((text, Box::new(expr))),
            Err(error) => {
                let note = "drop the column and add it under the new type, in two steps".to_owned();
                self.note(Effect::Impossible, &place, what, vec![super::reason(&error), note]);
                return None;
            }
        };
        let (effect, notes) =
            if keeps_values(from, ty) { (Effect::Additive, Vec::new()) } else { self.losses(change, &is, &wanted) };
        let action = AlterTable::SetType { column: name, ty, using, collation };
        self.note(effect, &place, what, notes).then_some(action)
    }

    /// What becomes of the values that are there.
    fn losses(&mut self, change: &Retyping<'_>, is: &str, wanted: &str) -> (Effect, Vec<String>) {
        let column = quote(&change.column.name);
        let (misfits, changed) = conditions(&column, change.column.ty, change.ty, is, wanted);
        let mut notes = Vec::new();
        if let Some(condition) = misfits {
            match self.count(change.table, &condition) {
                Some(Answer::Count(0)) | None => {}
                Some(Answer::Count(n)) => {
                    let note = format!("{} with values that do not fit {wanted}: change them first", rows(n));
                    return (Effect::Impossible, vec![note]);
                }
                Some(Answer::Failed(why)) => return (Effect::Impossible, vec![why]),
            }
        }
        match self.count(change.table, &changed) {
            None => {}
            Some(Answer::Count(0)) => notes.push(format!("nothing now: every value fits {wanted}; later ones may not")),
            Some(Answer::Count(n)) => notes.push(format!("what {wanted} rounds or cuts of the values in {}", rows(n))),
            Some(Answer::Failed(why)) => {
                let note = format!("values cannot be converted: {why}; change them first");
                return (Effect::Impossible, vec![note]);
            }
        }
        (Effect::Destructive, notes)
    }

    /// Where the sequences of columns that were there go on.
    pub(super) fn restart(&mut self, changed: &[(usize, Numbers)], file: &FileTable) {
        let Some(table) = self.existing(file) else { return };
        let made = |change: usize| self.changes.get(change).is_some_and(|c| c.done);
        let changed = changed.iter().filter(|(change, n)| n.to.is_some() && made(*change));
        let columns: Vec<Name> = changed.map(|(_, n)| n.column.clone()).collect();
        for name in &columns {
            let Some(column) = table.column(name) else { continue };
            let sequence = owned(&self.planner, &table, column);
            let text = format!("SELECT max({})::bigint FROM {}", quote(&column.name), qualified(&table));
            if let (Some(sequence), Ok(plan)) =
                (sequence, pipeline::question_after(self.planner.cx, &self.planner.after, &text))
            {
                self.restarts.push((sequence.oid, plan));
            }
        }
    }
}

/// The conditions for values that the new type cannot have, if that can be said so, and for those that come out changed.
fn conditions(c: &str, from: PgType, to: PgType, is: &str, wanted: &str) -> (Option<String>, String) {
    let whole = |ty: PgType| match ty.oid {
        oid::INT2 => Some((i64::from(i16::MIN), i64::from(i16::MAX))),
        oid::INT4 => Some((i64::from(i32::MIN), i64::from(i32::MAX))),
        oid::INT8 => Some((i64::MIN, i64::MAX)),
        _ => None,
    };
    let exact = |ty: PgType| whole(ty).is_some() || ty.oid == oid::NUMERIC;
    if let (true, Some((low, high))) = (exact(from), whole(to)) {
        return (
            Some(format!("round({c}::numeric) NOT BETWEEN {low} AND {high}")),
            format!("{c} <> round({c}::numeric)"),
        );
    }
    if let (true, Some((precision, scale))) = (exact(from) && to.oid == oid::NUMERIC, to.numeric_precision()) {
        let limit = format!("1{}", "0".repeat(usize::try_from(i32::from(precision) - i32::from(scale)).unwrap_or(0)));
        let misfits = format!("abs(round({c}::numeric, {scale})) >= {limit}");
        return (Some(misfits), format!("{c} <> round({c}::numeric, {scale})"));
    }
    let text = |ty: PgType| matches!(ty.oid, oid::TEXT | oid::VARCHAR | oid::BPCHAR);
    if let (true, true, Some(length)) = (text(from), text(to), to.char_length()) {
        return (None, format!("length(rtrim({c}::text, ' ')) > {length}"));
    }
    (None, format!("({c}::{wanted})::{is} IS DISTINCT FROM {c}"))
}

/// Types whose every value the other type has too, under a cast that must be carried out.
fn keeps_values(from: PgType, to: PgType) -> bool {
    let digits = match from.oid {
        oid::INT2 => Some(5),
        oid::INT4 => Some(10),
        oid::INT8 => Some(19),
        _ => None,
    };
    match (from.oid, to.oid) {
        (oid::FLOAT4, oid::FLOAT8) | (oid::DATE, oid::TIMESTAMP) => true,
        (oid::INT2 | oid::INT4 | oid::INT8 | oid::NUMERIC, oid::NUMERIC) => match (digits, to.numeric_precision()) {
            (_, None) => true,
            (Some(digits), Some((precision, scale))) => i32::from(precision) - i32::from(scale) >= digits,
            (None, Some(_)) => false,
        },
        (oid::BPCHAR, oid::TEXT) => false,
        (_, oid::TEXT) => true,
        _ => false,
    }
}

/// How a column draws its numbers now.
fn numbers(planner: &Planner<'_>, table: &Relation, column: &Column) -> Option<Option<bool>> {
    if let Some(identity) = column.identity {
        return Some(Some(identity.always));
    }
    let sequence = owned(planner, table, column)?;
    (column.default.as_ref() == Some(&build::next_value_text(&sequence))).then_some(None)
}

/// The sequence that a column owns.
fn owned(planner: &Planner<'_>, table: &Relation, column: &Column) -> Option<Arc<Relation>> {
    planner.owned_sequences(table.oid).into_iter().find(|sequence| match &sequence.kind {
        RelationKind::Sequence(s) => s.owned_by == Some((table.oid, column.num)),
        RelationKind::Table
        | RelationKind::View { .. }
        | RelationKind::MaterializedView { .. }
        | RelationKind::Composite
        | RelationKind::System => false,
    })
}

/// Do two texts say the same, apart from blanks and case of keywords?
pub(super) fn same_expression(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) if a == b => true,
        (Some(a), Some(b)) => match (expression::parse(a), expression::parse(b)) {
            (Ok(a), Ok(b)) => a.to_string() == b.to_string(),
            _ => false,
        },
        _ => false,
    }
}

impl Numbers {
    /// What the column had goes, before its default can be another.
    pub(super) fn take_away(&self, planner: &mut Planner<'_>, (namespace, table): (&Name, &Name)) -> Result<()> {
        match (self.from, self.to) {
            (Some(None), None | Some(Some(_))) => {
                let mut relation = planner.own_table(namespace, table)?;
                let Some(column) = relation.column(&self.column).cloned() else { return Ok(()) };
                let sequence = owned(planner, &relation, &column);
                relation.columns.iter_mut().filter(|c| c.num == column.num).for_each(|c| c.default = None);
                planner.put_relation(relation);
                if let Some(sequence) = sequence {
                    planner.drop_relation(&sequence);
                }
                Ok(())
            }
            (Some(Some(_)), None | Some(None)) => {
                let action = AlterTable::SetIdentity {
                    column: self.column.clone(),
                    always: None,
                    options: None,
                    sequence: None,
                    if_exists: true,
                };
                planner.alter_table(ObjectKind::Table, (namespace, table), &[action], (false, false))
            }
            (None, _) | (Some(None), Some(None)) | (Some(Some(_)), Some(Some(_))) => Ok(()),
        }
    }

    /// What the column gets.
    pub(super) fn give(&self, planner: &mut Planner<'_>, (namespace, table): (&Name, &Name)) -> Result<()> {
        match self.to {
            None => Ok(()),
            Some(Some(always)) => {
                let (column, always) = (self.column.clone(), Some(always));
                let action =
                    AlterTable::SetIdentity { column, always, options: None, sequence: None, if_exists: false };
                planner.alter_table(ObjectKind::Table, (namespace, table), &[action], (false, false))
            }
            Some(None) => {
                let mut relation = planner.own_table(namespace, table)?;
                let Some(column) = relation.column(&self.column).cloned() else { return Ok(()) };
                let sequence = build::owned_sequence(&planner.after, &relation, &column, None, &[])?;
                let default = build::next_value_text(&sequence);
                relation
                    .columns
                    .iter_mut()
                    .filter(|c| c.num == column.num)
                    .for_each(|c| c.default = Some(default.clone()));
                planner.put_sequence(sequence, None);
                planner.put_relation(relation);
                Ok(())
            }
        }
    }
}
