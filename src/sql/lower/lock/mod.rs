//! The locks and keys that the session is told of.

pub(crate) mod locks;
pub(crate) mod point;
pub(crate) mod row_locks;
pub(crate) mod settled;
