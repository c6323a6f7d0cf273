//! The roles that every database of PostgreSQL has from its making, with PostgreSQL's OIDs. What they may do stands where it is judged: `privileges.rs`
//! for data, the catalog and the session for statistics and signals. The one that opens what the gateway has not (programs) opens nothing.

use std::sync::Arc;

use super::{Managed, Membership, Role, Snapshot, bootstrap};
use crate::types::Oid;

/// The owner of the current database is a member of it, and nobody else.
pub const DATABASE_OWNER: Oid = 6171;
/// SELECT on every table, view and sequence, USAGE on every schema.
pub const READ_ALL_DATA: Oid = 6181;
/// INSERT, UPDATE and DELETE on every table and view, USAGE on every schema.
pub const WRITE_ALL_DATA: Oid = 6182;
const MONITOR: Oid = 3373;
pub const READ_ALL_SETTINGS: Oid = 3374;
pub const READ_ALL_STATS: Oid = 3375;
const STAT_SCAN_TABLES: Oid = 3377;
/// Every file of the directories that the operator has named.
pub const READ_SERVER_FILES: Oid = 4569;
pub const WRITE_SERVER_FILES: Oid = 4570;
pub const SIGNAL_BACKEND: Oid = 4200;
pub const CHECKPOINT: Oid = 4544;

/// OID, name, and of which others it is a member.
const ROLES: [(Oid, &str, &[Oid]); 12] = [
    (DATABASE_OWNER, "pg_database_owner", &[]),
    (READ_ALL_DATA, "pg_read_all_data", &[]),
    (WRITE_ALL_DATA, "pg_write_all_data", &[]),
    (MONITOR, "pg_monitor", &[READ_ALL_SETTINGS, READ_ALL_STATS, STAT_SCAN_TABLES]),
    (READ_ALL_SETTINGS, "pg_read_all_settings", &[]),
    (READ_ALL_STATS, "pg_read_all_stats", &[]),
    (STAT_SCAN_TABLES, "pg_stat_scan_tables", &[]),
    (READ_SERVER_FILES, "pg_read_server_files", &[]),
    (WRITE_SERVER_FILES, "pg_write_server_files", &[]),
    (4571, "pg_execute_server_program", &[]),
    (SIGNAL_BACKEND, "pg_signal_backend", &[]),
    (CHECKPOINT, "pg_checkpoint", &[]),
];

/// Puts them into an empty database.
pub fn add(snapshot: &mut Snapshot) {
    for (oid, name, of) in ROLES {
        let role = Role {
            oid,
            superuser: false,
            login: false,
            create_role: false,
            create_db: false,
            bypass_rls: false,
            managed: Managed::System,
            member_of: of.iter().map(|role| Membership { role: *role, admin: false }).collect(),
            ..bootstrap::superuser_role(name)
        };
        snapshot.role_oids.insert(oid, role.name.clone());
        snapshot.roles.insert(role.name.clone(), Arc::new(role));
    }
}

/// True for PostgreSQL's own: nobody renames them, gives them a login or other attributes, or drops them.
pub fn is_predefined(role: Oid) -> bool {
    ROLES.iter().any(|(oid, ..)| *oid == role)
}
