//! Finished loads that were given a name (COPY's BATCH_ID), in `duckgate_internal.loads`: a row is written in the load's own
//! transaction, and goes with its table, or when that is emptied by TRUNCATE.

use super::physical::{literal, quote};
use super::planner::{self, question};
use crate::engine::Rendered;
use crate::policy::Permit;
use crate::registry::INTERNAL_SCHEMA;
use crate::types::{Oid, Phys};

fn table() -> String {
    format!("{}.loads", quote(INTERNAL_SCHEMA))
}

/// Makes the table in a new database.
pub(super) fn create() -> [String; 2] {
    // No key: DuckDB would not let a row be removed and written again in one transaction. The session's lock on the name
    // sees to it that there is one.
    let made = format!(
        "CREATE TABLE IF NOT EXISTS {} (relation UINTEGER NOT NULL, batch VARCHAR NOT NULL, loaded BIGINT NOT NULL, \
         finished TIMESTAMPTZ NOT NULL, role UINTEGER)",
        table()
    );
    // Older files do not know who it was.
    [made, format!("ALTER TABLE {} ADD COLUMN IF NOT EXISTS role UINTEGER", table())]
}

/// How many rows the load brought, when it was finished, in UTC, and by whom (0 if that is not known); no row if it was not.
pub fn find(relation: Oid, batch: &str) -> Permit<Rendered> {
    let sql = format!(
        "SELECT loaded, strftime(timezone('UTC', finished), '%Y-%m-%d %H:%M:%S'), coalesce(role, 0)::UINTEGER FROM {} \
         WHERE relation = {relation} AND batch = {}",
        table(),
        literal(batch)
    );
    question(sql, vec![Phys::Int8, Phys::Text, Phys::Oid])
}

/// Remembers a load that is about to be committed.
pub fn remember(relation: Oid, batch: &str, rows: u64, role: Oid) -> Permit<Rendered> {
    let sql = format!(
        "INSERT INTO {} (relation, batch, loaded, finished, role) VALUES ({relation}, {}, {rows}, now(), {role})",
        table(),
        literal(batch)
    );
    // It appends, and nobody else writes that row: no commit of others' is in its way.
    planner::command(sql)
}

/// The command that forgets the loads of a table.
pub(super) fn forget(relation: Oid) -> String {
    format!("DELETE FROM {} WHERE relation = {relation}", table())
}
