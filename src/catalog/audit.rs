//! pg_catalog.duckgate_audit, the one system view that PostgreSQL has not: its shape, and records as its rows.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;

use super::build::{self, Rows};
use super::tables::{opt_text, text, timestamp};
use crate::engine::Batches;
use crate::engine::directory::SessionView;
use crate::error::{Error, Result};
use crate::observe::audit::{Outcome, Record, json_access};
use crate::registry::{Acl, Column, Managed, Relation, RelationKind, builtin};
use crate::types::{Oid, PgType, Phys, Value, oid};

pub(super) const NAME: &str = "duckgate_audit";

/// Below users' OIDs, above all that PostgreSQL gives out itself.
const OID: Oid = 16_000;

/// As docs/audit.md explains them.
const COLUMNS: &[(&str, Oid)] = &[
    ("time", oid::TIMESTAMPTZ),
    ("event", oid::TEXT),
    ("outcome", oid::TEXT),
    ("sqlstate", oid::TEXT),
    ("message", oid::TEXT),
    ("user_name", oid::TEXT),
    ("role", oid::TEXT),
    ("database", oid::TEXT),
    ("pid", oid::INT4),
    ("client_addr", oid::TEXT),
    ("client_port", oid::INT4),
    ("tls", oid::BOOL),
    ("application_name", oid::TEXT),
    ("fingerprint", oid::TEXT),
    ("command", oid::TEXT),
    ("statement", oid::TEXT),
    ("objects", oid::JSON),
    ("rules", oid::JSON),
    ("rows", oid::INT8),
    ("bytes_sent", oid::INT8),
    ("bytes_received", oid::INT8),
    ("duration_ms", oid::FLOAT8),
];

pub(super) fn relation(acl: Acl) -> Relation {
    let column = |(i, (name, ty)): (usize, &(&str, Oid))| Column {
        num: i as i16 + 1,
        name: (*name).into(),
        ty: PgType::new(*ty),
        collation: 0,
        not_null: false,
        default: None,
        identity: None,
        generated: None,
        acl: Acl::default(),
        comment: None,
    };
    Relation {
        oid: OID,
        namespace: "pg_catalog".into(),
        name: NAME.into(),
        owner: builtin::SUPERUSER,
        managed: Managed::System,
        temporary: false,
        kind: RelationKind::System,
        columns: COLUMNS.iter().enumerate().map(column).collect(),
        constraints: Vec::new(),
        indexes: Vec::new(),
        acl,
        comment: Some("who did what: the newest records of the audit".into()),
        row_type: OID + 1,
        row_array_type: 0,
        on_conflict: Default::default(),
        storage: Default::default(),
        last_dropped: 0,
        partitioning: Default::default(),
        details: Default::default(),
        rules: Default::default(),
    }
}

/// Its columns, as a table has to have them that keeps its rows.
pub fn audit_columns() -> Vec<(String, Phys)> {
    build::columns(NAME).unwrap_or_default()
}

/// The rows, those that are kept first. Who may read them is a matter of grants on the view: by itself nobody but superusers.
pub(super) fn rows(view: &dyn SessionView, projection: &[usize]) -> Result<Batches> {
    let (kept, waiting) = view.audit(projection)?;
    let waiting = audit_batch(&waiting)?.project(projection).map_err(Error::internal);
    Ok(Box::new(kept.into_iter().flatten().chain([waiting])))
}

/// Records as rows, with all columns.
///
/// # Errors
/// The gateway's own fault: a value is not its column's.
pub fn audit_batch(records: &[Arc<Record>]) -> Result<RecordBatch> {
    let mut rows = Rows::all();
    let count = |n: u64| Value::Int8(i64::try_from(n).unwrap_or(i64::MAX));
    for record in records {
        let (objects, rules) = json_access(record);
        let Record {
            event,
            at,
            client,
            role,
            application,
            digest,
            access: _,
            rows: moved,
            bytes_sent,
            bytes_received,
            duration,
            outcome,
            dropped: _,
        } = &**record;
        let (sqlstate, message) = match outcome {
            Outcome::Failed { sqlstate, denied: _, message } => (text(sqlstate), opt_text(message.as_ref())),
            Outcome::Ok | Outcome::Abandoned => (Value::Null, Value::Null),
        };
        let digest = digest.as_ref();
        rows.push_row(vec![
            timestamp(*at),
            text(event.word()),
            text(outcome.word()),
            sqlstate,
            message,
            text(&client.user),
            text(role),
            text(&client.database),
            Value::Int4(client.pid),
            opt_text(client.address.map(|a| a.ip().to_string())),
            client.address.map_or(Value::Null, |a| Value::Int4(i32::from(a.port()))),
            Value::Bool(client.tls),
            text(application),
            opt_text(digest.map(|d| &d.fingerprint)),
            opt_text(digest.map(|d| &d.command)),
            opt_text(digest.map(|d| &d.text)),
            text(objects),
            text(rules),
            count(*moved),
            count(*bytes_sent),
            count(*bytes_received),
            Value::Float8(duration.as_micros() as f64 / 1000.0),
        ]);
    }
    Ok(build::batch(NAME, rows)?.batch)
}
