//! The transaction: a state machine whose states carry their own data.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::deferred::Touched;
use super::journal::Journal;
use super::key_log::{Began, Footprint};
use super::keys::Late;
use super::savepoints::Savepoint;
use crate::engine::{Access, Moment, Rendered};
use crate::error::{Error, Report, SqlState};
use crate::policy::Permit;
use crate::registry::Overlay;
use crate::tree::TransactionModes;
use crate::types::Oid;

use super::settings::Characteristics;

/// Where a session is between BEGIN and COMMIT.
pub enum Transaction {
    Idle,
    /// Opened by a statement outside a block: ends with the simple query, or at Sync.
    Implicit(Active),
    /// Opened by BEGIN.
    Block(Active),
    /// A statement of the block failed, and only ROLLBACK (or COMMIT) is heard.
    Failed(Failed),
}

/// A block that has failed.
pub struct Failed {
    pub started: SystemTime,
    /// What it has done, if there is a savepoint to go back to; otherwise everything is rolled back already.
    pub kept: Option<Box<Active>>,
}

/// A transaction that goes on.
pub struct Active {
    /// now().
    pub started: SystemTime,
    /// What the schema is to it: the snapshot at its first statement in the engine, with its own changes.
    pub overlay: Option<Overlay>,
    /// The engine has begun too.
    pub engine: bool,
    /// A query has run: its isolation can no longer be set.
    pub queried: bool,
    /// It has done more than read: its snapshot cannot be given up for a later one.
    pub changed: bool,
    /// It has added rows by ON CONFLICT.
    pub arbitrates: bool,
    /// Counts of sequences that the engine forgets at COMMIT.
    pub forgotten: Vec<Oid>,
    /// What drops the temporary tables of statements of several steps.
    pub scratch: Vec<Permit<Rendered>>,
    /// How the engine's transaction was begun, and before which commits of others.
    pub access: Access,
    pub moment: Option<Moment>,
    /// The same for rows that are locked.
    pub locks_from: u64,
    pub journal: Journal,
    /// The tables it has changed, for constraints that are checked late.
    pub touched: Touched,
    /// Deferred constraints that are not, by SET CONSTRAINTS, and the other way round.
    pub immediate: Vec<Oid>,
    pub deferred: Vec<Oid>,
    /// Foreign keys that are to be checked before COMMIT.
    pub late: BTreeMap<Oid, Late>,
    /// Where it began among the commits of others, and what it has to do with keys.
    pub began: Option<Began>,
    pub footprint: Footprint,
    /// Children and parents whose rows were checked for a new foreign key.
    pub checked: Vec<(Oid, Oid)>,
    /// Innermost last.
    pub savepoints: Vec<Savepoint>,
}

impl Active {
    pub fn new(started: SystemTime) -> Self {
        Self {
            started,
            overlay: None,
            engine: false,
            queried: false,
            changed: false,
            forgotten: Vec::new(),
            arbitrates: false,
            scratch: Vec::new(),
            access: Access::ReadWrite,
            moment: None,
            locks_from: 0,
            journal: Journal::default(),
            touched: Touched::default(),
            immediate: Vec::new(),
            deferred: Vec::new(),
            late: BTreeMap::new(),
            began: None,
            footprint: Footprint::default(),
            checked: Vec::new(),
            savepoints: Vec::new(),
        }
    }
}

/// What COMMIT and ROLLBACK found.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum End {
    /// There was something to commit (or roll back).
    Transaction,
    /// COMMIT of a failed transaction rolls back.
    RolledBack,
    /// There was no block: a warning, and what was implicit ends.
    NotInBlock,
}

impl Transaction {
    /// ReadyForQuery's byte.
    pub fn status(&self) -> u8 {
        match self {
            Self::Idle | Self::Implicit(_) => b'I',
            Self::Block(_) => b'T',
            Self::Failed(_) => b'E',
        }
    }

    pub fn in_block(&self) -> bool {
        matches!(self, Self::Block(_) | Self::Failed(_))
    }

    pub fn is_failed(&self) -> bool {
        matches!(self, Self::Failed(_))
    }

    pub fn active(&self) -> Option<&Active> {
        match self {
            Self::Implicit(active) | Self::Block(active) => Some(active),
            Self::Idle | Self::Failed(_) => None,
        }
    }

    pub fn active_mut(&mut self) -> Option<&mut Active> {
        match self {
            Self::Implicit(active) | Self::Block(active) => Some(active),
            Self::Idle | Self::Failed(_) => None,
        }
    }

    /// What has been done and is not undone yet: of a failed transaction too, while it has savepoints.
    pub fn held(&self) -> Option<&Active> {
        match self {
            Self::Implicit(active) | Self::Block(active) => Some(active),
            Self::Failed(failed) => failed.kept.as_deref(),
            Self::Idle => None,
        }
    }

    pub fn held_mut(&mut self) -> Option<&mut Active> {
        match self {
            Self::Implicit(active) | Self::Block(active) => Some(active),
            Self::Failed(failed) => failed.kept.as_deref_mut(),
            Self::Idle => None,
        }
    }

    /// True below a savepoint: what PostgreSQL calls a subtransaction.
    pub fn in_savepoint(&self) -> bool {
        self.active().is_some_and(|a| !a.savepoints.is_empty())
    }

    pub fn started(&self) -> Option<SystemTime> {
        match self {
            Self::Idle => None,
            Self::Implicit(active) | Self::Block(active) => Some(active.started),
            Self::Failed(failed) => Some(failed.started),
        }
    }

    /// A statement begins outside a transaction: one is opened for it. True if so.
    pub fn open_implicit(&mut self, now: SystemTime) -> bool {
        let opens = matches!(self, Self::Idle);
        if opens {
            *self = Self::Implicit(Active::new(now));
        }
        opens
    }

    /// BEGIN: an implicit transaction becomes the block, with what it has done. The warning says that one was open.
    pub fn begin(&mut self, now: SystemTime) -> Option<Report> {
        match std::mem::replace(self, Self::Idle) {
            Self::Idle => *self = Self::Block(Active::new(now)),
            Self::Implicit(active) => *self = Self::Block(active),
            already @ (Self::Block(_) | Self::Failed(_)) => {
                *self = already;
                return Some(Report::warning(
                    SqlState::ACTIVE_SQL_TRANSACTION,
                    "there is already a transaction in progress",
                ));
            }
        }
        None
    }

    /// DO outside of a block runs as in one: it goes back to savepoints of its own. True if it is outside.
    pub fn enter_block(&mut self) -> bool {
        let (entered, outside) = match std::mem::replace(self, Self::Idle) {
            Self::Implicit(active) => (Self::Block(active), true),
            other @ (Self::Idle | Self::Block(_) | Self::Failed(_)) => (other, false),
        };
        *self = entered;
        outside
    }

    /// The other way; what has failed as a whole is over.
    pub fn leave_block(&mut self) {
        *self = match std::mem::replace(self, Self::Idle) {
            Self::Block(active) => Self::Implicit(active),
            Self::Failed(Failed { kept: Some(active), .. }) => Self::Implicit(*active),
            other @ (Self::Idle | Self::Implicit(_)) => other,
            Self::Failed(Failed { kept: None, .. }) => Self::Idle,
        };
    }

    /// What an end of the transaction (COMMIT or ROLLBACK) will mean.
    pub fn end(&self) -> End {
        match self {
            Self::Block(_) => End::Transaction,
            Self::Failed(_) => End::RolledBack,
            Self::Idle | Self::Implicit(_) => End::NotInBlock,
        }
    }
}

pub fn not_in_progress() -> Report {
    Report::warning(SqlState::NO_ACTIVE_SQL_TRANSACTION, "there is no transaction in progress")
}

/// `SAVEPOINT`, `LOCK TABLE` …: what makes sense only in a block.
pub fn only_in_block(what: &str) -> Error {
    Error::new(SqlState::NO_ACTIVE_SQL_TRANSACTION, format!("{what} can only be used in transaction blocks"))
}

pub fn only_in_block_warning(what: &str) -> Report {
    Report::warning(SqlState::NO_ACTIVE_SQL_TRANSACTION, format!("{what} can only be used in transaction blocks"))
}

pub fn never_in_block(what: &str) -> Error {
    Error::new(SqlState::ACTIVE_SQL_TRANSACTION, format!("{what} cannot run inside a transaction block"))
}

pub fn aborted() -> Error {
    Error::new(
        SqlState::IN_FAILED_SQL_TRANSACTION,
        "current transaction is aborted, commands ignored until end of transaction block",
    )
}

pub fn read_only(what: &str) -> Error {
    Error::new(SqlState::READ_ONLY_SQL_TRANSACTION, format!("cannot execute {what} in a read-only transaction"))
}

/// SET TRANSACTION and BEGIN's modes, with PostgreSQL's checks on when they may still change.
pub fn apply_modes(
    modes: &TransactionModes,
    queried: bool,
    in_savepoint: bool,
    current: &mut Characteristics,
) -> Result<(), Error> {
    let TransactionModes { isolation, read_only, deferrable } = modes;
    let too_late = |message: &str| Err(Error::new(SqlState::ACTIVE_SQL_TRANSACTION, message));
    if let Some(isolation) = isolation {
        if queried && *isolation != current.isolation {
            return too_late("SET TRANSACTION ISOLATION LEVEL must be called before any query");
        }
        if in_savepoint && *isolation != current.isolation {
            return too_late("SET TRANSACTION ISOLATION LEVEL must not be called in a subtransaction");
        }
        current.isolation = *isolation;
    }
    if let Some(read_only) = read_only {
        if in_savepoint && current.read_only && !read_only {
            return too_late("cannot set transaction read-write mode inside a read-only transaction");
        }
        if queried && current.read_only && !read_only {
            return too_late("transaction read-write mode must be set before any query");
        }
        current.read_only = *read_only;
    }
    if let Some(deferrable) = deferrable {
        if in_savepoint {
            return too_late("SET TRANSACTION [NOT] DEFERRABLE cannot be called within a subtransaction");
        }
        if queried {
            return too_late("SET TRANSACTION [NOT] DEFERRABLE must be called before any query");
        }
        current.deferrable = *deferrable;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Isolation;

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    #[test]
    fn begin_takes_over_what_an_implicit_transaction_did() {
        let mut transaction = Transaction::Idle;
        assert!(transaction.open_implicit(now()));
        if let Some(active) = transaction.active_mut() {
            active.engine = true;
        }
        assert_eq!(transaction.status(), b'I');
        assert!(transaction.begin(now()).is_none());
        assert_eq!(transaction.status(), b'T');
        assert!(transaction.active().is_some_and(|a| a.engine));
        assert!(!transaction.open_implicit(now()));
        let warning = transaction.begin(now()).unwrap();
        assert_eq!(warning.code, SqlState::ACTIVE_SQL_TRANSACTION);
        assert_eq!(transaction.end(), End::Transaction);
    }

    #[test]
    fn a_failed_block_says_so_until_it_ends() {
        let transaction = Transaction::Failed(Failed { started: now(), kept: None });
        assert_eq!(transaction.status(), b'E');
        assert!(transaction.in_block() && transaction.is_failed());
        assert_eq!(transaction.end(), End::RolledBack);
        assert_eq!(Transaction::Idle.end(), End::NotInBlock);
    }

    #[test]
    fn modes_are_checked_as_postgresql_does() {
        let mut current = Characteristics { isolation: Isolation::ReadCommitted, read_only: true, deferrable: false };
        let modes = |isolation, read_only| TransactionModes { isolation, read_only, deferrable: None };
        let code = |r: Result<(), Error>| r.unwrap_err().code();
        let serializable = modes(Some(Isolation::Serializable), None);
        assert_eq!(code(apply_modes(&serializable, true, false, &mut current)), SqlState::ACTIVE_SQL_TRANSACTION);
        assert_eq!(
            code(apply_modes(&modes(None, Some(false)), true, false, &mut current)),
            SqlState::ACTIVE_SQL_TRANSACTION
        );
        apply_modes(&modes(None, Some(true)), true, false, &mut current).unwrap();
        apply_modes(&serializable, false, false, &mut current).unwrap();
        assert_eq!(current.isolation, Isolation::Serializable);
        let below = apply_modes(&modes(Some(Isolation::ReadCommitted), None), false, true, &mut current);
        assert_eq!(code(below), SqlState::ACTIVE_SQL_TRANSACTION);
        assert!(apply_modes(&modes(None, Some(false)), false, true, &mut current).is_err());
    }
}
