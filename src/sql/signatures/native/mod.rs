//! Native functions: what DuckDB lacks or does otherwise, in Rust, a vector at a time.

mod datetime;
mod float;
mod integer;
mod io;
mod numeric;

mod pattern;
mod statistics;
mod text;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray, StringBuilder};

use crate::engine::vector::*;
use crate::engine::{Native, NativeAggregate};
use crate::error::{Error, Result, SqlState};
use crate::types::Phys;

/// All native scalar functions.
pub fn all() -> Vec<Native> {
    let mut all = Vec::new();
    all.extend(integer::natives());
    all.extend(float::natives());
    all.extend(numeric::natives());
    all.extend(io::natives());
    all.extend(crate::catalog::natives());

    all.extend(text::natives());
    all.extend(pattern::natives());
    all.extend(datetime::natives());

    all
}

/// All native aggregates.
pub fn aggregates() -> Vec<NativeAggregate> {
    let mut all = numeric::aggregates();
    all.extend(statistics::aggregates());
    all
}

/// `value out of range` and its kin.
pub(crate) fn out_of_range(message: &str) -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)
}
