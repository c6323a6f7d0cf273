//! Constraints of tables.

use serde::{Deserialize, Serialize};

use super::{Name, Relation};
use crate::types::Oid;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Constraint {
    pub oid: Oid,
    pub name: Name,
    pub kind: ConstraintKind,
    pub deferrable: bool,
    pub initially_deferred: bool,
    /// False for NOT VALID: rows of before may break it.
    #[serde(default = "yes")]
    pub validated: bool,
    /// ON DELETE SET NULL (a, b), or SET DEFAULT: the columns that are set, if not all of the key.
    #[serde(default)]
    pub delete_sets: Vec<i16>,
    /// NO INHERIT of a CHECK: a table that would inherit from this one would not have it.
    #[serde(default)]
    pub no_inherit: bool,
    pub comment: Option<String>,
    /// In a partition: the constraint of its parent that this one comes from, and goes with.
    #[serde(default)]
    pub parent: Option<Oid>,
}

/// What files from before NOT VALID do not say.
const fn yes() -> bool {
    true
}

/// Columns are attnums, in the order of the definition.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum ConstraintKind {
    PrimaryKey {
        columns: Vec<i16>,
    },
    Unique {
        columns: Vec<i16>,
        nulls_not_distinct: bool,
    },
    ForeignKey {
        columns: Vec<i16>,
        target: Oid,
        target_columns: Vec<i16>,
        on_delete: FkAction,
        on_update: FkAction,
        /// MATCH FULL: all columns are NULL or none.
        #[serde(default)]
        match_full: bool,
    },
    /// An SQL expression in PostgreSQL's dialect, and the columns it reads.
    Check {
        expression: String,
        columns: Vec<i16>,
    },
    /// EXCLUDE: no two rows for which all operators (OIDs, in the order of the keys) hold. Keys, method and WHERE are those of
    /// the index of the same name; `columns` are all that these read.
    Exclusion {
        columns: Vec<i16>,
        operators: Vec<Oid>,
    },
}

impl ConstraintKind {
    /// A unique key as its name is chosen: with what its index includes.
    pub fn covering(&self, included: &[i16]) -> Self {
        match self.clone() {
            Self::Unique { mut columns, nulls_not_distinct } => {
                columns.extend(included);
                Self::Unique { columns, nulls_not_distinct }
            }
            other => other,
        }
    }
}

/// A constraint that is a foreign key, taken apart.
#[derive(Debug, Clone, Copy)]
pub struct ForeignKey<'a> {
    pub constraint: &'a Constraint,
    pub columns: &'a [i16],
    pub target: Oid,
    pub target_columns: &'a [i16],
    pub on_delete: FkAction,
    pub on_update: FkAction,
    pub match_full: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum FkAction {
    #[default]
    NoAction,
    Restrict,
    Cascade,
    SetNull,
    SetDefault,
}

impl Relation {
    /// Its foreign keys. Those that a partition has from its parent are the root's to check.
    pub fn foreign_keys(&self) -> impl Iterator<Item = ForeignKey<'_>> {
        self.constraints.iter().filter(|c| c.parent.is_none()).filter_map(|constraint| match &constraint.kind {
            ConstraintKind::ForeignKey { columns, target, target_columns, on_delete, on_update, match_full } => {
                Some(ForeignKey {
                    constraint,
                    columns,
                    target: *target,
                    target_columns,
                    on_delete: *on_delete,
                    on_update: *on_update,
                    match_full: *match_full,
                })
            }
            ConstraintKind::PrimaryKey { .. }
            | ConstraintKind::Unique { .. }
            | ConstraintKind::Check { .. }
            | ConstraintKind::Exclusion { .. } => None,
        })
    }

    /// Has it EXCLUDE constraints?
    pub fn excludes(&self) -> bool {
        self.constraints.iter().any(|c| matches!(c.kind, ConstraintKind::Exclusion { .. }))
    }

    pub fn primary_key(&self) -> Option<&Constraint> {
        self.constraints.iter().find(|c| matches!(c.kind, ConstraintKind::PrimaryKey { .. }))
    }
}
