//! Statements that a schema change runs itself, through the same compiler as everybody's.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::policy::Permit;
use crate::registry::{Relation, Snapshot};
use crate::sql::{Context, Plan};
use crate::tree::Ddl;

/// The context in which a change's own statements are compiled: the new snapshot, the asking role.
fn context(cx: &Context, after: &Snapshot) -> Context {
    Context { snapshot: Arc::new(after.clone()), ..cx.clone() }
}

/// `INSERT INTO table <query>` for CREATE TABLE AS, from the query that the permit allows.
pub fn insert_query(cx: &Context, after: &Snapshot, table: Arc<Relation>, permit: &Permit<Ddl>) -> Result<Plan> {
    let _ = (context(cx, after), table, permit);
    Err(Error::unsupported("CREATE TABLE AS with data"))
}

/// `INSERT INTO new (…) SELECT … FROM aside` of a rebuild whose columns are not simply copied.
pub fn refill(cx: &Context, after: &Snapshot, change: &super::rebuild::Rebuild, aside: &str) -> Result<Plan> {
    let _ = (context(cx, after), change, aside);
    Err(Error::unsupported("this change of a table that has to convert or fill a column"))
}

/// A query for rows of the table for which the condition is true.
pub fn violations(cx: &Context, after: &Snapshot, table: &Relation, condition: &str) -> Result<Plan> {
    let _ = (context(cx, after), table, condition);
    Err(Error::unsupported("adding a check constraint to an existing table"))
}
