//! What keeps DuckDB's planner to PostgreSQL's meaning: what it would compute too early, too late, twice, or not at all.

pub(crate) mod arms;
pub(crate) mod beside;
pub(crate) mod census;
pub(crate) mod drawn_returning;
pub(crate) mod drawn_rows;
pub(crate) mod hold;
pub(crate) mod intervals;
pub(crate) mod joined_queries;
pub(crate) mod lambdas;
pub(crate) mod lateral_order;
pub(crate) mod left_to_right;
pub(crate) mod levels;
pub(crate) mod lift;
pub(crate) mod lists;
pub(crate) mod nesting;
pub(crate) mod once;
pub(crate) mod one_sided;
pub(crate) mod own_rows;
mod places;
pub(crate) mod presence;
pub(crate) mod row_order;
pub(crate) mod unread;
pub(crate) mod unused;
