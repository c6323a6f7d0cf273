//! What the database is: namespaces, relations, types, sequences, roles and grants, as one immutable [`Snapshot`].
//!
//! A statement reads one snapshot from beginning to end. Whoever changes the schema makes [`Change`]s, which give a new
//! snapshot; inside a transaction the session works on its own, and the changes reach the others at COMMIT.

mod change;
pub mod draft;
mod model;
pub use change::{Change, ObjectClass};
pub use model::*;
