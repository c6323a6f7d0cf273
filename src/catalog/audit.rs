//! The shape of pg_catalog.duckgate_audit, the one system view that PostgreSQL has not.

use crate::registry::{Acl, Column, Managed, Relation, RelationKind, builtin};
use crate::types::{Oid, PgType, oid};

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
