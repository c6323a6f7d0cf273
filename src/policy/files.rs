//! Who may name a file of the server: members of PostgreSQL's roles for it, and who logged in as a role that has directories.
//!
//! Which files those are is decided where they are opened, by the kernel on its way to them: what was checked is what is open.

use std::sync::Arc;

use super::{Authority, Ways};
use crate::error::{Error, Result, SqlState};
use crate::observe::audit::Access;
use crate::registry::{Snapshot, predefined};
use crate::tree::{Copy, CopyDirection};
use crate::types::Oid;

/// May the role open whatever lies in the directories that the operator has named?
pub fn opens_everything(snapshot: &Snapshot, role: Oid, write: bool) -> bool {
    let of = if write { predefined::WRITE_SERVER_FILES } else { predefined::READ_SERVER_FILES };
    snapshot.has_rights_of(role, of)
}

/// May files be read in FROM? Asked before they are opened, which analysis does, and again of the statement. The error has what
/// was asked for with it.
///
/// # Errors
/// 42501 for who has no directory at all.
pub fn may_read(function: &str, paths: &[Arc<str>], (role, ways): (Oid, Ways), snapshot: &Snapshot) -> Result<()> {
    if ways.read_files || opens_everything(snapshot, role, false) {
        return Ok(());
    }
    let message = format!("permission denied for function {function}");
    Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
        .hint("Files of the server are read by superusers, members of pg_read_server_files, and who has duckgate.read_directories.")
        .asking(&asked_for(paths, role, snapshot)))
}

/// What reading these files asks for, for the audit.
pub fn asked_for(paths: &[Arc<str>], role: Oid, snapshot: &Snapshot) -> Arc<Access> {
    Arc::new(Access { objects: super::access::files(paths, role, snapshot), rules: Vec::new() })
}

/// 42501 for who has no directory at all.
pub(super) fn check(copy: &Copy, authority: &Authority) -> Result<()> {
    let Copy { direction, options } = copy;
    if options.file.is_none() {
        return Ok(());
    }
    let (write, directories) = match direction {
        CopyDirection::In { .. } => (false, authority.ways.read_files),
        CopyDirection::Out { .. } => (true, authority.ways.write_files),
    };
    if directories || opens_everything(&authority.snapshot, authority.role, write) {
        return Ok(());
    }
    let (role, what) = match write {
        true => ("pg_write_server_files", "to"),
        false => ("pg_read_server_files", "from"),
    };
    let message = format!("must be superuser or have privileges of the {role} role to COPY {what} a file");
    Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
        .hint("Anyone can COPY to stdout or from stdin. psql's \\copy command also works for anyone."))
}
