//! Schema changes: a [`tree::Ddl`](crate::tree::Ddl) becomes changes of the registry and steps for DuckDB.

use crate::engine::Rendered;
use crate::error::Report;
use crate::policy::Permit;
use crate::registry::Change;
use crate::sql::Plan;

/// What carrying out one DDL statement takes, in this order, in one transaction: `steps` in DuckDB, then `changes` in
/// the transaction's snapshot. The steps include the rows of `duckgate_internal.objects` that keep the changes.
#[derive(Debug, Clone)]
pub struct DdlPlan {
    pub changes: Vec<Change>,
    pub steps: Vec<Step>,
    pub notices: Vec<Report>,
    /// The command tag, without row count: `CREATE TABLE`.
    pub tag: String,
}

#[derive(Debug, Clone)]
pub enum Step {
    /// A command without parameters and results.
    Command(Permit<Rendered>),
    /// A statement compiled against the new snapshot, whose parameters the session binds (filling a new column with
    /// its default, say). Its results are dropped.
    Plan(Plan),
    /// A query that must give no row; if it does, this is the error (a constraint that existing rows violate).
    Verify(Permit<Rendered>, crate::error::Error),
}
