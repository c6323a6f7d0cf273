//! Access rules. [`check`] takes a typed statement and gives back a [`Permit`] with the statement that may run.
//!
//! Authorization is a value: only this module makes a permit, and the engine's only entry takes one.

/// What was asked for, for the audit.
mod access;
mod check;
mod collation;
mod ddl;
mod definer;
mod files;
mod function;
/// The rules' way into the tree.
mod rewrite;
mod roles;
/// Row rules and masks: the step between check and permit.
mod rules;
mod walk;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use check::{SequenceUse, kind_word, may_use_sequence, must_own};
pub use files::{asked_for as files_asked_for, may_read as may_read_files, opens_everything};
pub use rules::is_of_rules;
pub use walk::{columns_of_expression, columns_of_query, fields_of_expression, fields_of_query};

use crate::error::Result;
use crate::observe::audit::Access;
use crate::registry::{Column, Name, Relation, Snapshot};
use crate::tree::{Expr, RelId, Statement, Utility};
use crate::types::Oid;

/// In whose name a statement is checked, against which schema.
#[derive(Debug, Clone)]
pub struct Authority {
    pub snapshot: Arc<Snapshot>,
    /// current_user's OID.
    pub role: Oid,
    /// The setting row_security: without it, what a rule would change fails.
    pub row_security: bool,
    pub ways: Ways,
}

/// Ways in and out that a role may be kept from, whatever its privileges on objects are: the settings duckgate.copy_from,
/// copy_to and ddl of who logged in. Superusers are kept from nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ways {
    pub copy_from: bool,
    pub copy_to: bool,
    pub ddl: bool,
    /// Directories of the server are named for who logged in: duckgate.read_directories and write_directories.
    pub read_files: bool,
    pub write_files: bool,
}

impl Default for Ways {
    fn default() -> Self {
        Self { copy_from: true, copy_to: true, ddl: true, read_files: false, write_files: false }
    }
}

/// Reads the kept texts of rules: analysis, which stands above this module.
pub trait Reader {
    /// A condition over the columns of `table` as those of relation `row`, in which relations and WITH queries are numbered
    /// from `free` on; and what is free afterwards.
    fn condition(&self, text: &str, table: &Relation, row: RelId, free: u32) -> Result<(Expr, u32)>;

    /// What is read in the place of a column, in that column's type. It has no subqueries.
    fn mask(&self, text: &str, table: &Relation, column: &Column, row: RelId) -> Result<Expr>;
}

/// Checks every privilege that the statement needs and applies the rules. The only way from a client's statement to a
/// permit. Fails with 42501 in PostgreSQL's words; permit and error both have what was asked for with them.
pub fn check(statement: Statement, authority: &Authority, reader: &dyn Reader) -> Result<Permit<Statement>> {
    let (found, judged) = check::statement(&statement, authority);
    let mut access = access::asked(&statement, &found, authority.role, &authority.snapshot);
    match judged.and_then(|()| rules::apply(statement, &found, authority, reader)) {
        Ok((what, rules)) => {
            access.rules = access::rules(&rules, &authority.snapshot);
            if let Statement::Utility(utility) = &what
                && let Utility::Declare { .. } = &**utility
            {
                // Its query gets a permit of its own when it is opened.
                access = Access::default();
            }
            let barrier = found.uses.iter().any(|used| used.def.rules.barrier);
            Ok(Permit { what, rules: rules.into(), barrier, access: Arc::new(access) })
        }
        Err(error) => Err(error.asking(&Arc::new(access))),
    }
}

/// Checks an expression over a row that the statement writes (a CHECK of its table or of a domain), which is known only once the
/// statement is lowered. Fails with 42501 in PostgreSQL's words.
pub fn check_expression(expr: Expr, authority: &Authority) -> Result<Permit<Expr>> {
    check::expression(&expr, authority)?;
    Ok(Permit { what: expr, rules: Arc::default(), barrier: false, access: Arc::default() })
}

/// Proof that `T` came out of a statement that the rules allow. `T` is the authorized tree at first, then what
/// `sql` made of it: the proof goes along by [`Permit::map`].
#[derive(Debug, Clone)]
pub struct Permit<T = Statement> {
    what: T,
    /// What hides rows or values from the statement.
    rules: Arc<[Applied]>,
    /// It reads a view that hides rows as rules do (security_barrier).
    barrier: bool,
    /// The same and what it touches, in words.
    access: Arc<Access>,
}

/// Rules of one table that went into a statement.
#[derive(Debug, Clone)]
pub struct Applied {
    pub table: Arc<Relation>,
    /// In whose name the table is read.
    pub role: Oid,
    /// Whether it has row rules for that role.
    pub filtered: bool,
    /// The policies that hold; without one, no row is there.
    pub policies: BTreeSet<Name>,
    pub masked: BTreeSet<Name>,
}

impl<T> Permit<T> {
    /// The next form of the same authorized statement.
    pub fn map<U>(self, step: impl FnOnce(T) -> U) -> Permit<U> {
        Permit { what: step(self.what), rules: self.rules, barrier: self.barrier, access: self.access }
    }

    /// As [`Permit::map`], for a step that can fail.
    pub fn try_map<U, E>(self, step: impl FnOnce(T) -> Result<U, E>) -> Result<Permit<U>, E> {
        let Self { what, rules, barrier, access } = self;
        step(what).map(|what| Permit { what, rules, barrier, access })
    }

    /// Do rules, or views that are barriers, hide rows or values from the statement? Then nothing that it tells beside its result
    /// may count them.
    pub fn is_ruled(&self) -> bool {
        self.barrier || !self.rules.is_empty()
    }

    /// Do they hide rows? Where they put other values in the place of a column's only, there is nothing to be met by accident.
    pub fn hides_rows(&self) -> bool {
        self.barrier || self.rules.iter().any(|applied| applied.filtered)
    }

    pub fn rules(&self) -> &[Applied] {
        &self.rules
    }

    /// What the statement asked for and was allowed: for the audit.
    pub fn access(&self) -> &Arc<Access> {
        &self.access
    }

    pub fn get(&self) -> &T {
        &self.what
    }

    /// A permit for what the gateway does on its own behalf: applying schema files, keeping its metadata, loading demo
    /// data. Its callers are listed in tests/architecture.rs; no text of a client goes through it.
    pub(crate) fn system(what: T) -> Self {
        Self { what, rules: Arc::default(), barrier: false, access: Arc::default() }
    }
}
