//! How the registry is kept in DuckDB: each object is a row of `duckgate_internal.objects`, written in the transaction
//! that changes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::physical::{literal, quote};
use crate::error::{Error, Result};
use crate::registry::{Change, INTERNAL_SCHEMA, Managed, ObjectClass, Relation, Snapshot, builtin};
use crate::types::Oid;

/// The commands that make the gateway's own schema in a new database. Harmless in an old one.
pub fn create() -> Vec<String> {
    let schema = quote(INTERNAL_SCHEMA);
    let [loads, role_of_loads] = super::loads::create();
    vec![
        format!("CREATE SCHEMA IF NOT EXISTS {schema}"),
        // No key: DuckDB would not let a row be replaced within one transaction.
        format!(
            "CREATE TABLE IF NOT EXISTS {schema}.objects (kind VARCHAR NOT NULL, oid UINTEGER NOT NULL, definition VARCHAR NOT NULL)"
        ),
        format!("CREATE TABLE IF NOT EXISTS {schema}.counters (name VARCHAR NOT NULL, value UBIGINT NOT NULL)"),
        loads,
        role_of_loads,
        "CREATE SCHEMA IF NOT EXISTS \"public\"".to_owned(),
    ]
}

/// The query that reads everything back; columns kind, oid (as BIGINT), definition.
pub fn select() -> String {
    format!("SELECT kind, oid::BIGINT, definition FROM {}.objects ORDER BY oid", quote(INTERNAL_SCHEMA))
}

/// The commands that keep these changes, the first of each relation's with its OID. Temporary objects leave no trace.
pub fn keep(changes: &[Change], before: &Snapshot) -> Result<Vec<(Option<Oid>, String)>> {
    // The last change of an object is the one that is kept.
    let mut last: BTreeMap<(ObjectClass, Oid), &Change> = BTreeMap::new();
    for change in changes.iter().filter(|c| !c.is_temporary(before)) {
        last.insert(change.key(), change);
    }
    let table = format!("{}.objects", quote(INTERNAL_SCHEMA));
    let mut out = Vec::new();
    for ((class, oid), change) in last {
        // What every new database has (bootstrap) must be dropped again at the next start: that is kept, too.
        let bootstrap = matches!(change, Change::DropNamespace(builtin::PUBLIC_NAMESPACE));
        let definition = if change.is_drop() && !bootstrap { None } else { Some(encode(change)?) };
        let kind = literal(class.as_str());
        let relation = (class == ObjectClass::Relation).then_some(oid);
        out.push((relation, format!("DELETE FROM {table} WHERE kind = {kind} AND oid = {oid}")));
        if let Some(definition) = definition {
            out.push((None, format!("INSERT INTO {table} VALUES ({kind}, {oid}, {})", literal(&definition))));
        }
    }
    Ok(out)
}

fn encode(change: &Change) -> Result<String> {
    serde_json::to_string(change).map_err(Error::internal)
}

/// Adds kept objects to a snapshot. Rows that cannot be read are an error: a schema with holes must not be served.
pub fn restore(snapshot: &mut Snapshot, rows: impl IntoIterator<Item = (String, Oid, String)>) -> Result<()> {
    for (kind, oid, definition) in rows {
        let change: Change = serde_json::from_str(&definition)
            .map_err(|e| Error::internal(format!("duckgate_internal.objects, {kind} {oid}: {e}")))?;
        match change {
            Change::PutRelation(kept) if kept.managed == Managed::System => {
                // Its shape is this program's; what is kept of it is who may read it.
                if let Some(own) = snapshot.relation_by_oid(kept.oid) {
                    let granted = Arc::new(granted(own, &kept));
                    snapshot.apply_in_place(&Change::PutRelation(granted));
                }
            }
            other => snapshot.apply_in_place(&other),
        }
    }
    Ok(())
}

/// A relation with another's grants and comment.
fn granted(own: &Relation, kept: &Relation) -> Relation {
    let mut own = own.clone();
    own.acl = kept.acl.clone();
    own.comment.clone_from(&kept.comment);
    for column in &mut own.columns {
        if let Some(known) = kept.column(&column.name) {
            column.acl = known.acl.clone();
        }
    }
    own
}
