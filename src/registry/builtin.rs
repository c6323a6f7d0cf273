//! OIDs of what every database has.

use crate::types::Oid;

/// The bootstrap superuser, as in PostgreSQL.
pub const SUPERUSER: Oid = 10;
pub const PG_CATALOG: Oid = 11;
pub const PUBLIC_NAMESPACE: Oid = 2200;
pub const INFORMATION_SCHEMA: Oid = 13207;
pub const DATABASE: Oid = 5;
