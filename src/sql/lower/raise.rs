//! Errors that are raised inside DuckDB.
//!
//! `1 / 0` → `CASE WHEN 0 = 0 THEN CAST(error('DG␁22012␁division by zero') AS INTEGER) ELSE … END`

use crate::engine::error::encode;
use crate::error::{Error, SqlState};
use crate::sql::render::literal;
use crate::types::Phys;

use super::ir::Scalar;

/// An expression of that type which fails with `error` when it is evaluated.
pub(super) fn raise(error: &Error, phys: &Phys) -> Scalar {
    Scalar::text(format!("error({})", literal(&encode(error))), Phys::Void).cast(phys.clone())
}

pub(super) fn raise_message(code: SqlState, message: &str, phys: &Phys) -> Scalar {
    raise(&Error::new(code, message), phys)
}

/// Stands in an error's texts for a value that is known at execution only.
pub(super) const VALUE: char = '\u{2}';

/// As [`raise`]; each [`VALUE`] in the error's texts is replaced by `value` (text) at execution.
pub(super) fn raise_with(error: &Error, value: Scalar, phys: &Phys) -> Scalar {
    let parts: Vec<String> = encode(error).split(VALUE).map(literal).collect();
    let text = format!("error({})", parts.join(" || coalesce({0}, 'null') || "));
    Scalar::template(text, vec![value], Phys::Void).cast(phys.clone())
}
