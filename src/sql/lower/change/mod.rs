//! Statements that change rows.

pub(crate) mod check;
pub(crate) mod conflict;
pub(crate) mod copy;
pub(crate) mod delete;
pub(crate) mod factor;
pub(crate) mod insert;
pub(crate) mod merge;
pub(crate) mod put;
pub(crate) mod rules;
pub(crate) mod staged;
pub(crate) mod steps;
pub(crate) mod update;
pub(crate) mod upsert;
pub(crate) mod upserted;
