//! Access rules. [`check`] takes a typed statement and gives back a [`Permit`] with the statement that may run.
//!
//! Authorization is a value: only this module makes a permit, and the engine's only entry takes one.

mod check;
mod ddl;
/// Row rules and masks: the step between check and permit.
mod rules;
mod walk;

use std::sync::Arc;

pub use check::{SequenceUse, may_use_sequence};

use crate::error::Result;
use crate::registry::Snapshot;
use crate::tree::{Expr, Statement};
use crate::types::Oid;

/// In whose name a statement is checked, against which schema.
#[derive(Debug, Clone)]
pub struct Authority {
    pub snapshot: Arc<Snapshot>,
    /// current_user's OID.
    pub role: Oid,
}

/// Checks every privilege that the statement needs and applies the rules. The only way from a client's statement to a
/// permit. Fails with 42501 in PostgreSQL's words.
pub fn check(statement: Statement, authority: &Authority) -> Result<Permit<Statement>> {
    check::statement(&statement, authority)?;
    let what = rules::apply(statement, authority)?;
    Ok(Permit { what })
}

/// Checks an expression over a row that the statement writes (a CHECK of its table or of a domain), which is known only once the
/// statement is lowered. Fails with 42501 in PostgreSQL's words.
pub fn check_expression(expr: Expr, authority: &Authority) -> Result<Permit<Expr>> {
    check::expression(&expr, authority)?;
    Ok(Permit { what: expr })
}

/// Proof that `T` came out of a statement that the rules allow. `T` is the authorized tree at first, then what
/// `sql` made of it: the proof goes along by [`Permit::map`].
#[derive(Debug, Clone)]
pub struct Permit<T = Statement> {
    what: T,
}

impl<T> Permit<T> {
    /// The next form of the same authorized statement.
    pub fn map<U>(self, step: impl FnOnce(T) -> U) -> Permit<U> {
        Permit { what: step(self.what) }
    }

    /// As [`Permit::map`], for a step that can fail.
    pub fn try_map<U, E>(self, step: impl FnOnce(T) -> Result<U, E>) -> Result<Permit<U>, E> {
        step(self.what).map(|what| Permit { what })
    }

    pub fn get(&self) -> &T {
        &self.what
    }

    /// A permit for what the gateway does on its own behalf: applying schema files, keeping its metadata, loading demo
    /// data. Its callers are listed in tests/architecture.rs; no text of a client goes through it.
    pub(crate) fn system(what: T) -> Self {
        Self { what }
    }
}
