//! What a relation is in DuckDB: its name, its CREATE TABLE, and which constraints DuckDB keeps by itself.
//!
//! NOT NULL, PRIMARY KEY and UNIQUE are DuckDB's own. CHECKs and DEFAULTs stay out: they may call functions that are not
//! registered when DuckDB replays its log. Foreign keys are the session's to check (`session::keys`).

use crate::error::{Error, Result, SqlState};
use crate::registry::{Column, Constraint, ConstraintKind, Relation, Snapshot, Storage, physical_name};
use crate::types::name::format_type;
use crate::types::{Oid, PgType, Phys, TypeLookup, base_type, oid, phys};

/// An identifier for DuckDB: the physical name, in quotes.
pub fn ident(name: &str) -> String {
    quote(&physical_name(name))
}

/// In quotes, as it is.
pub fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A column in DuckDB's SQL.
pub fn column_ident(relation: &Relation, column: &Column) -> String {
    quote(&relation.physical_column(column))
}

/// The table in DuckDB's SQL.
pub fn table_name(relation: &Relation) -> String {
    if relation.storage == Storage::Numbered {
        return format!("r{}", relation.oid);
    }
    let name = ident(&relation.name);
    if relation.temporary { format!("temp.main.{name}") } else { format!("{}.{name}", ident(&relation.namespace)) }
}

/// A query that finds a NULL in a column.
pub fn is_null(relation: &Relation, column: &Column) -> String {
    format!("SELECT 1 FROM {} WHERE {} IS NULL LIMIT 1", table_name(relation), column_ident(relation, column))
}

/// The type of a stored column; 0A000 where DuckDB has none.
pub fn column_type(ty: PgType, types: &Snapshot) -> Result<Phys> {
    let refused = || Error::unsupported(format!("a column of type {}", format_type(ty, types)));
    match phys(ty, types) {
        Some(found) if is_unlabelled(&found) => {
            Err(refused().hint("An enum of no labels cannot be stored: add one (ALTER TYPE … ADD VALUE) first."))
        }
        Some(Phys::Void) | None => Err(refused()),
        Some(found) => Ok(found),
    }
}

/// An enum without labels, or an array of it: DuckDB has no such type.
fn is_unlabelled(phys: &Phys) -> bool {
    match phys {
        Phys::Enum(labels) => labels.is_empty(),
        Phys::List(element) => is_unlabelled(element),
        _ => false,
    }
}

/// DuckDB wants a column in each table. This one stands in where PostgreSQL has none, and stays, unseen, when one comes.
pub const FILLER: &str = "dg_none";

/// The definition of [`FILLER`].
pub fn filler_definition() -> String {
    format!("{FILLER} BOOLEAN")
}

/// CREATE TABLE.
pub fn create_table(relation: &Relation, types: &Snapshot) -> Result<String> {
    let mut parts = Vec::new();
    if relation.columns.is_empty() {
        parts.push(filler_definition());
    }
    for column in &relation.columns {
        parts.push(column_definition(relation, column, types)?);
    }
    for constraint in &relation.constraints {
        parts.extend(native_constraint(relation, constraint, types)?);
    }
    let temporary = if relation.temporary { "TEMP " } else { "" };
    Ok(format!("CREATE {temporary}TABLE {} ({})", table_name(relation), parts.join(", ")))
}

fn column_definition(relation: &Relation, column: &Column, types: &Snapshot) -> Result<String> {
    let ty = column_type(column.ty, types)?.duckdb();
    let not_null = if column.not_null { " NOT NULL" } else { "" };
    Ok(format!("{} {ty}{not_null}", column_ident(relation, column)))
}

/// The table's clause for a constraint that DuckDB keeps; `None` for a CHECK and for foreign keys, which the session checks.
pub fn native_constraint(relation: &Relation, constraint: &Constraint, types: &Snapshot) -> Result<Option<String>> {
    Ok(match &constraint.kind {
        ConstraintKind::PrimaryKey { columns } => {
            key_types(relation, columns, types)?;
            let list = column_list(relation, columns)?;
            constraint.is_native(relation, types).then(|| format!("PRIMARY KEY ({list})"))
        }
        ConstraintKind::Unique { columns, nulls_not_distinct: _ } => {
            key_types(relation, columns, types)?;
            let list = column_list(relation, columns)?;
            constraint.is_native(relation, types).then(|| format!("UNIQUE ({list})"))
        }
        ConstraintKind::ForeignKey { columns, target, target_columns, .. } => {
            let own = (*target == relation.oid).then_some(relation);
            let found = own.or_else(|| types.relation_by_oid(*target).map(|r| &**r));
            let target = found.ok_or_else(|| Error::internal(format!("no relation {target} for a foreign key")))?;
            comparable_types(&constraint.name, (relation, columns), (target, target_columns), types)?;
            None
        }
        ConstraintKind::Check { .. } | ConstraintKind::Exclusion { .. } => None,
    })
}

/// A key is compared with the one it refers to: PostgreSQL wants an operator for that in the family of the referenced index.
pub fn comparable_types(
    name: &str,
    own: (&Relation, &[i16]),
    target: (&Relation, &[i16]),
    types: &Snapshot,
) -> Result<()> {
    for (a, b) in own.1.iter().zip(target.1) {
        let (Some(a), Some(b)) = (own.0.column_by_num(*a), target.0.column_by_num(*b)) else { continue };
        if !is_comparable(base_type(a.ty, types), base_type(b.ty, types)) {
            let message = format!("foreign key constraint \"{name}\" cannot be implemented");
            let (from, to) = (format_type(PgType::new(a.ty.oid), types), format_type(PgType::new(b.ty.oid), types));
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message).detail(format!(
                "Key columns \"{}\" and \"{}\" are of incompatible types: {from} and {to}.",
                a.name, b.name
            )));
        }
    }
    Ok(())
}

/// Whether values of a type can refer to keys of another: by an operator of one family, or by an implicit cast.
fn is_comparable(from: PgType, to: PgType) -> bool {
    const INTEGERS: [Oid; 3] = [oid::INT2, oid::INT4, oid::INT8];
    const TEXTS: [Oid; 4] = [oid::TEXT, oid::VARCHAR, oid::BPCHAR, oid::NAME];
    const MOMENTS: [Oid; 3] = [oid::DATE, oid::TIMESTAMP, oid::TIMESTAMPTZ];
    const FLOATS: [Oid; 2] = [oid::FLOAT4, oid::FLOAT8];
    let both = |group: &[Oid]| group.contains(&from.oid) && group.contains(&to.oid);
    from.oid == to.oid
        || both(&INTEGERS)
        || both(&TEXTS)
        || both(&MOMENTS)
        || both(&FLOATS)
        || INTEGERS.contains(&from.oid) && (to.oid == oid::NUMERIC || FLOATS.contains(&to.oid))
        || from.oid == oid::NUMERIC && FLOATS.contains(&to.oid)
}

/// Refuses an index over columns whose type has no order.
pub fn sortable(relation: &Relation, columns: &[i16], types: &Snapshot) -> Result<()> {
    for column in columns.iter().filter_map(|n| relation.column_by_num(*n)) {
        if crate::types::coded::is_orderless(base_type(column.ty, types).oid) {
            let name = format_type(column.ty, types);
            let message = format!("data type {name} has no default operator class for access method \"btree\"");
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, message)
                .hint("You must specify an operator class for the index or define a default operator class for the data type."));
        }
    }
    Ok(())
}

/// Refuses keys over columns that nothing carries. (Where DuckDB's equality of what carries one is not PostgreSQL's, the session
/// checks the key: [`Constraint::is_native`].)
pub fn key_types(relation: &Relation, columns: &[i16], types: &Snapshot) -> Result<()> {
    sortable(relation, columns, types)?;
    columns.iter().filter_map(|n| relation.column_by_num(*n)).try_for_each(|c| column_type(c.ty, types).map(drop))
}

/// Names of columns by number, quoted, with commas.
pub fn column_list(relation: &Relation, columns: &[i16]) -> Result<String> {
    let names = columns.iter().map(|n| {
        let column = relation.column_by_num(*n);
        column
            .map(|c| column_ident(relation, c))
            .ok_or_else(|| Error::internal(format!("no column {n} in {}", relation.name)))
    });
    Ok(names.collect::<Result<Vec<_>>>()?.join(", "))
}

/// The table that a foreign key refers to.
pub fn foreign_target(constraint: &Constraint) -> Option<Oid> {
    match &constraint.kind {
        ConstraintKind::ForeignKey { target, .. } => Some(*target),
        ConstraintKind::PrimaryKey { .. }
        | ConstraintKind::Unique { .. }
        | ConstraintKind::Check { .. }
        | ConstraintKind::Exclusion { .. } => None,
    }
}

/// Columns that are read as one must be carried alike: 0A000 where only one of them takes arrays of any shape.
pub fn alike(own: &Column, above: &Column) -> Result<()> {
    if own.ty.is_shaped() == above.ty.is_shaped() {
        return Ok(());
    }
    let what = format!("column \"{}\" with another number of array dimensions than the parent's", own.name);
    Err(Error::unsupported(what).hint("Declare both with one pair of brackets, or both with several."))
}

/// The same type with as many digits or bits, or more.
fn finer(from: PgType, to: PgType) -> bool {
    from.oid == to.oid && (to.typmod == -1 || (0..=to.typmod).contains(&from.typmod))
}

/// True if values of the old type are values of the new one as they are stored, so that DuckDB's own cast is exact.
pub fn widens(from: PgType, to: PgType, types: &dyn TypeLookup) -> bool {
    let (Some(a), Some(b)) = (phys(from, types), phys(to, types)) else { return false };
    match (&a, &b) {
        (Phys::Int2, Phys::Int4 | Phys::Int8) | (Phys::Int4, Phys::Int8) => true,
        (Phys::Decimal { precision: p, scale: s }, Phys::Decimal { precision: q, scale: t }) => {
            t >= s && u32::from(*q) - u32::from(*t) >= u32::from(*p) - u32::from(*s)
        }
        // What carries them has no blanks at its end.
        (Phys::Char(a), Phys::Char(b)) => a <= b,
        (Phys::Text, Phys::Text) => {
            let text = |ty: PgType| matches!(ty.oid, oid::TEXT | oid::VARCHAR);
            let wider = match (from.char_length(), to.char_length()) {
                (_, None) => true,
                (Some(a), Some(b)) => b >= a,
                (None, Some(_)) => false,
            };
            text(from) && text(to) && wider || from.oid == oid::VARBIT && finer(from, to)
        }
        _ => {
            let timed = matches!(from.oid, oid::TIME | oid::TIMETZ | oid::TIMESTAMP | oid::TIMESTAMPTZ);
            a == b && (timed && finer(from, to) || from.oid == to.oid && to.typmod == -1)
        }
    }
}
