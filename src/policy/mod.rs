//! Access rules. [`check`] takes a typed statement and gives back a [`Permit`] with the statement that may run.
//!
//! Authorization is a value: only this module makes a permit, and the engine's only entry takes one.

use crate::tree::Statement;

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
