//! Who may name a file of the server: members of PostgreSQL's roles for it, and who logged in as a role that has directories.
//!
//! Which files those are is decided where they are opened, by the kernel on its way to them: what was checked is what is open.

use super::Authority;
use crate::error::{Error, Result, SqlState};
use crate::registry::{Snapshot, predefined};
use crate::tree::{Copy, CopyDirection};
use crate::types::Oid;

/// May the role open whatever lies in the directories that the operator has named?
pub fn opens_everything(snapshot: &Snapshot, role: Oid, write: bool) -> bool {
    let of = if write { predefined::WRITE_SERVER_FILES } else { predefined::READ_SERVER_FILES };
    snapshot.has_rights_of(role, of)
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
