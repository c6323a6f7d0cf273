//! Broken constraints in PostgreSQL's words: the engine says which columns, the schema says which constraint.

use crate::engine::error::{Violation, violation};
use crate::error::{Error, SqlState};
use crate::registry::expression::quote;
use crate::registry::{ConstraintKind, Name, Privileges, Relation, Snapshot};
use crate::types::{self, Oid, OutputSettings, PgType, Phys, Value, oid};

/// The error of a statement that wrote `target`, with constraint, table and column as ORMs read them.
///
/// Values are shown to a role only that may read all the columns concerned.
pub fn explain(error: Error, target: Option<&Relation>, snapshot: &Snapshot, role: Oid) -> Error {
    if let Some(name) = dropped(&error, snapshot) {
        return Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{name}\" does not exist"));
    }
    let (Some(target), Some(violation)) = (target, violation(&error)) else { return error };
    let explained = match violation {
        Violation::NotNull { column, .. } => not_null(target, &column),
        Violation::Unique { columns, values, .. } => unique(target, (snapshot, role), &columns, &values),
    };
    let Some(mut explained) = explained else { return error };
    explained.report_mut().internal.clone_from(&error.report().internal);
    explained
}

/// The error over rows that were there before the constraint: those of ALTER TABLE (ATRewriteTable), or of an index that is built.
pub fn of_rows_that_are_there(error: Error) -> Error {
    let report = error.report();
    let (Some(table), constraint) = (&report.table, &report.constraint) else { return error };
    let (code, detail) = (error.code(), report.detail.as_deref());
    let (message, detail) = match (code, constraint, &report.column) {
        (SqlState::UNIQUE_VIOLATION, Some(constraint), _) => {
            let detail = detail.map(|detail| detail.replace(") already exists.", ") is duplicated."));
            (format!("could not create unique index \"{constraint}\""), detail)
        }
        (SqlState::NOT_NULL_VIOLATION, None, Some(column)) => {
            (format!("column \"{column}\" of relation \"{table}\" contains null values"), None)
        }
        (SqlState::CHECK_VIOLATION, Some(constraint), _) => {
            (format!("check constraint \"{constraint}\" of relation \"{table}\" is violated by some row"), None)
        }
        _ => return error,
    };
    let mut error = error;
    let report = error.report_mut();
    (report.message, report.detail) = (message, detail);
    error
}

/// The name of a table that another session has dropped since the statement was analyzed: the engine knows its number.
fn dropped(error: &Error, snapshot: &Snapshot) -> Option<Name> {
    let rest = error.report().internal.as_deref()?.strip_prefix("Catalog Error: Table with name r")?;
    let oid = rest.split_once(' ')?.0.parse().ok()?;
    snapshot.relation_by_oid(oid).map(|r| r.name.clone())
}

/// The attnums of physical columns, sorted: DuckDB may name them in another order.
fn numbers(relation: &Relation, physical: &[String]) -> Option<Vec<i16>> {
    let number = |name: &String| relation.column_by_physical(name).map(|c| c.num);
    let mut numbers: Vec<i16> = physical.iter().map(number).collect::<Option<_>>()?;
    numbers.sort_unstable();
    Some(numbers)
}

fn same_columns(a: &[i16], sorted: &[i16]) -> bool {
    let mut a = a.to_vec();
    a.sort_unstable();
    a == sorted
}

/// Whose eyes an error is for, and by which schema that is judged.
pub(super) type Reader<'a> = (&'a Snapshot, Oid);

/// May the role read the whole relation, or all of these columns of it (BuildIndexValueDescription, ri_ReportViolation)?
pub(super) fn may_read((snapshot, role): Reader<'_>, relation: &Relation, columns: &[i16]) -> bool {
    // Where a rule hides rows or values, an error shows none (BuildIndexValueDescription).
    if !snapshot.shows_values(role, relation) {
        return false;
    }
    snapshot.relation_privileges(role, relation).contains(Privileges::SELECT)
        || columns.iter().all(|num| {
            let column = relation.column_by_num(*num);
            column.is_some_and(|c| snapshot.column_privileges(role, relation, c).contains(Privileges::SELECT))
        })
}

/// `Key (a, b)=(1, 2)`, in the constraint's own order of columns.
fn key(
    relation: &Relation,
    types: &Snapshot,
    constraint_columns: &[i16],
    physical: &[String],
    values: &[String],
) -> String {
    let mut names = Vec::new();
    let mut shown = Vec::new();
    for column in constraint_columns.iter().filter_map(|num| relation.column_by_num(*num)) {
        let name = relation.physical_column(column);
        let value = physical.iter().position(|p| *p == name).and_then(|i| values.get(i));
        names.push(quote(&column.name));
        shown.push(value.map_or_else(String::new, |value| written(value, column.ty, types)));
    }
    format!("Key ({})=({})", names.join(", "), shown.join(", "))
}

/// A value as PostgreSQL writes it: DuckDB shows the bytes that carry it where it has no such type.
fn written(value: &str, ty: PgType, types: &Snapshot) -> String {
    let carried = match types::phys(ty, types) {
        Some(Phys::Coded(carried)) => PgType::new(carried),
        Some(Phys::Bytea) => PgType::new(oid::BYTEA),
        _ => return value.to_owned(),
    };
    match blob(value) {
        Some(bytes) => types::text::format(&Value::Bytea(bytes.into()), carried, &OutputSettings::default(), types),
        None => value.to_owned(),
    }
}

/// The bytes of DuckDB's text of a blob: `\xHH` for each that is no plain character.
fn blob(text: &str) -> Option<Vec<u8>> {
    let mut rest = text.as_bytes();
    let mut out = Vec::with_capacity(rest.len());
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first != b'\\' {
            out.push(*first);
            continue;
        }
        let digits = tail.strip_prefix(b"x")?.get(..2)?;
        out.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = &tail[3..];
    }
    Some(out)
}

fn not_null(target: &Relation, physical: &str) -> Option<Error> {
    let column = target.column_by_physical(physical)?;
    let message = format!(
        "null value in column \"{}\" of relation \"{}\" violates not-null constraint",
        column.name, target.name
    );
    Some(
        Error::new(SqlState::NOT_NULL_VIOLATION, message)
            .table(&*target.namespace, &*target.name)
            .column(&*column.name),
    )
}

fn unique(target: &Relation, reader: Reader<'_>, physical: &[String], values: &[String]) -> Option<Error> {
    if physical.is_empty() {
        return unique_by_values(target, reader, values);
    }
    let sorted = numbers(target, physical)?;
    let of_constraint = target.constraints.iter().find_map(|c| match &c.kind {
        ConstraintKind::PrimaryKey { columns } | ConstraintKind::Unique { columns, .. } => {
            same_columns(columns, &sorted).then(|| (c.name.clone(), columns.clone()))
        }
        ConstraintKind::ForeignKey { .. } | ConstraintKind::Check { .. } | ConstraintKind::Exclusion { .. } => None,
    });
    let (name, columns) = of_constraint.or_else(|| {
        let index = target.indexes.iter().filter(|i| i.unique).find(|i| {
            let columns: Vec<i16> = i.keys.iter().map(|k| k.column).collect();
            same_columns(&columns, &sorted)
        })?;
        Some((index.name.clone(), index.keys.iter().map(|k| k.column).collect()))
    })?;
    Some(duplicate(target, reader, &name, &columns, physical, values))
}

fn duplicate(
    target: &Relation,
    reader: Reader<'_>,
    constraint: &str,
    columns: &[i16],
    physical: &[String],
    values: &[String],
) -> Error {
    let message = format!("duplicate key value violates unique constraint \"{constraint}\"");
    let error =
        Error::new(SqlState::UNIQUE_VIOLATION, message).table(&*target.namespace, &*target.name).constraint(constraint);
    if !may_read(reader, target, columns) {
        return error;
    }
    error.detail(format!("{} already exists.", key(target, reader.0, columns, physical, values)))
}

/// Among rows of the same transaction DuckDB tells the values only. They are enough when one constraint alone has as many
/// columns as there are values; otherwise which one was broken is not guessed.
fn unique_by_values(target: &Relation, reader: Reader<'_>, values: &[String]) -> Option<Error> {
    let of_constraints = target.constraints.iter().filter_map(|c| match &c.kind {
        ConstraintKind::PrimaryKey { columns } | ConstraintKind::Unique { columns, .. } => {
            Some((&c.name, columns.clone()))
        }
        ConstraintKind::ForeignKey { .. } | ConstraintKind::Check { .. } | ConstraintKind::Exclusion { .. } => None,
    });
    let of_indexes = target
        .indexes
        .iter()
        .filter(|i| i.unique && !target.constraints.iter().any(|c| c.name == i.name))
        .map(|i| (&i.name, i.keys.iter().map(|k| k.column).collect::<Vec<i16>>()));
    let mut fitting = of_constraints.chain(of_indexes).filter(|(_, columns)| columns.len() == values.len());
    let (Some((name, columns)), None) = (fitting.next(), fitting.next()) else { return None };
    let physical: Vec<String> = columns
        .iter()
        .filter_map(|num| target.column_by_num(*num).map(|c| target.physical_column(c).into_owned()))
        .collect();
    // The order of the values is DuckDB's: with several columns it is not told which is whose.
    if columns.len() == 1 {
        return Some(duplicate(target, reader, name, &columns, &physical, values));
    }
    let message = format!("duplicate key value violates unique constraint \"{name}\"");
    let error = Error::new(SqlState::UNIQUE_VIOLATION, message);
    Some(error.table(&*target.namespace, &*target.name).constraint(&**name))
}
