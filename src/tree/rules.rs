//! What rules do with the rows that a statement writes. Analysis makes none of it: `policy` puts it into the tree.

use super::{Expr, RelId};
use crate::registry::Name;

/// The rules of the target of INSERT, UPDATE, DELETE or MERGE, as they hold for this statement.
#[derive(Debug, Clone)]
pub struct TargetRules {
    /// A row as the table has it: `filter`, `masks` and `conflict` are over its columns.
    pub row: RelId,
    /// The rows that may be seen and changed. `None`: all.
    pub filter: Option<Expr>,
    /// What the statement's own expressions read in the place of a column.
    pub masks: Vec<(u16, Expr)>,
    /// A row as it is going to be: `checks` are over its columns.
    pub new_row: RelId,
    pub checks: Vec<RowCheck>,
    /// ON CONFLICT DO UPDATE, MERGE … UPDATE: what a row that is there must meet, over `row`, and what it becomes, over `updated_row`.
    pub conflict: Option<ConflictRules>,
    /// MERGE … DELETE: what the row must meet, over `row`.
    pub deleted: Vec<RowCheck>,
}

#[derive(Debug, Clone)]
pub struct ConflictRules {
    pub existing: Vec<RowCheck>,
    pub updated_row: RelId,
    pub updated: Vec<RowCheck>,
}

/// A condition that a row must meet (PostgreSQL's WithCheckOption).
#[derive(Debug, Clone)]
pub struct RowCheck {
    pub condition: Expr,
    /// The restrictive policy that it comes from; none where it is several in one.
    pub policy: Option<Name>,
    pub checked: CheckedRow,
    /// The view whose WITH CHECK OPTION it is, and no policy.
    pub view: Option<Name>,
}

/// Which row a condition is about (WCOKind).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckedRow {
    New,
    /// The one that ON CONFLICT DO UPDATE has met: USING.
    Conflicting,
    /// The one that MERGE is going to change or delete: USING.
    Merged,
}
