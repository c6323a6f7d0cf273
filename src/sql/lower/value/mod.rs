//! Expressions: one construct a file.

pub(crate) mod any_all;
pub(crate) mod array;
pub(crate) mod array_search;
pub(crate) mod blanks;
pub(crate) mod call;
pub(crate) mod cast;
pub(crate) mod compare;
pub(crate) mod constant;
pub(crate) mod datetime;
pub(crate) mod expr;
pub(crate) mod fold;
pub(crate) mod hstore;
pub(crate) mod json;
pub(crate) mod longest;
pub(crate) mod numeric;
pub(crate) mod raise;
pub(crate) mod range;
pub(crate) mod record;
pub(crate) mod routine;
pub(crate) mod row;
pub(crate) mod shaped;
pub(crate) mod shaped_call;
