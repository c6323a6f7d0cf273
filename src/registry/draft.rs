//! Tables as they are asked for, by CREATE TABLE or by a schema file, before names and OIDs are given out.

use super::{ConstraintKind, FkAction, Name, Relation, Sequence};
use crate::error::{Error, Result, SqlState};
use crate::types::{Oid, PgType};

/// A table as CREATE TABLE gives it, before OIDs are given out.
#[derive(Debug, Clone)]
pub struct NewTable {
    pub namespace: Name,
    pub name: Name,
    pub temporary: bool,
    pub unlogged: bool,
    pub columns: Vec<NewColumn>,
    pub constraints: Vec<NewConstraint>,
    pub on_commit: OnCommit,
    /// PARTITION BY and PARTITION OF; `constraints` and `columns` have then what the parent gives of these.
    pub partitioning: super::Partitioning,
    /// Storage parameters, `name=value`.
    pub options: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnCommit {
    PreserveRows,
    DeleteRows,
    Drop,
}

#[derive(Debug, Clone)]
pub struct NewColumn {
    pub name: Name,
    pub ty: PgType,
    /// A collation's OID; 0 for the type's own.
    pub collation: Oid,
    pub not_null: bool,
    pub default: Option<String>,
    pub generated: Option<String>,
    /// serial: `Some(None)`; identity: `Some(Some(always))`.
    pub sequence: Option<Option<bool>>,
    pub sequence_options: Option<Sequence>,
}

/// A constraint whose columns are still names.
#[derive(Debug, Clone)]
pub struct NewConstraint {
    pub name: Option<Name>,
    pub kind: NewConstraintKind,
    /// INCLUDE of a key: what its index has beside the key's columns.
    pub included: Vec<Name>,
    pub deferrable: bool,
    pub initially_deferred: bool,
    /// NOT VALID: rows that are there already are not checked.
    pub not_valid: bool,
    /// NO INHERIT of a CHECK.
    pub no_inherit: bool,
    /// ON DELETE SET NULL (a, b), or SET DEFAULT.
    pub delete_sets: Vec<Name>,
}

impl NewConstraint {
    /// The numbers of the columns that ON DELETE SET names (validateFkOnDeleteSetColumns).
    pub fn delete_sets_in(&self, relation: &Relation, kind: &ConstraintKind) -> Result<Vec<i16>> {
        let ConstraintKind::ForeignKey { columns, .. } = kind else { return Ok(Vec::new()) };
        let number = |name: &Name| {
            let found = relation.column(name).map(|c| c.num).filter(|num| columns.contains(num));
            found.ok_or_else(|| match relation.column(name) {
                None => {
                    let message = format!("column \"{name}\" referenced in foreign key constraint does not exist");
                    Error::new(SqlState::UNDEFINED_COLUMN, message)
                }
                Some(_) => {
                    let message =
                        format!("column \"{name}\" referenced in ON DELETE SET action must be part of foreign key");
                    Error::new(SqlState::INVALID_COLUMN_REFERENCE, message)
                }
            })
        };
        let mut numbers = self.delete_sets.iter().map(number).collect::<Result<Vec<_>>>()?;
        let mut seen = std::collections::HashSet::new();
        numbers.retain(|num| seen.insert(*num));
        Ok(numbers)
    }
}

#[derive(Debug, Clone)]
pub enum NewConstraintKind {
    PrimaryKey {
        columns: Vec<Name>,
    },
    Unique {
        columns: Vec<Name>,
        nulls_not_distinct: bool,
    },
    ForeignKey {
        columns: Vec<Name>,
        target: (Name, Name),
        target_columns: Vec<Name>,
        on_delete: FkAction,
        on_update: FkAction,
        match_full: bool,
    },
    Check {
        expression: String,
    },
    Exclusion(Box<NewExclusion>),
}

/// EXCLUDE USING method (element WITH operator, …) WHERE (predicate).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewExclusion {
    pub method: Name,
    pub elements: Vec<Excluding>,
    pub predicate: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excluding {
    /// A column, or an expression and what its column is called.
    pub column: Option<Name>,
    pub expression: Option<String>,
    pub name: Option<Name>,
    /// The operator class, if it is not the type's own.
    pub opclass: Option<Name>,
    /// As it was written.
    pub operator: String,
    /// What that means for the element's type; 0 before analysis.
    pub operator_oid: Oid,
}
