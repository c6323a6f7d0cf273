//! Errors that are raised inside DuckDB.
//!
//! `1 / 0` → `CASE WHEN 0 = 0 THEN CAST(error('DG␁22012␁division by zero') AS INTEGER) ELSE … END`

use crate::engine::error::encode;
use crate::error::{Error, SqlState};
use crate::sql::lower::ir::{Piece, Scalar, Template};
use crate::types::Phys;

/// An expression of that type which fails with `error` when it is evaluated.
pub(crate) fn raise(error: &Error, phys: &Phys) -> Scalar {
    raise_told(told(error), phys)
}

/// As [`raise`], with the error's text as a value.
pub(crate) fn raise_told(told: Scalar, phys: &Phys) -> Scalar {
    Scalar::call("error", vec![told], Phys::Void).cast(phys.clone())
}

pub(crate) fn raise_message(code: SqlState, message: &str, phys: &Phys) -> Scalar {
    raise(&Error::new(code, message), phys)
}

/// Stands in an error's texts for a value that is known at execution only.
pub(crate) const VALUE: char = '\u{2}';

/// As [`raise`]; each [`VALUE`] in the error's texts is replaced by `value` (text) at execution.
pub(crate) fn raise_with(error: &Error, value: Scalar, phys: &Phys) -> Scalar {
    raise_told(told_with(error, value), phys)
}

/// The text that raises an error, as a value.
pub(crate) fn told(error: &Error) -> Scalar {
    Scalar::literal(encode(error), Phys::Text)
}

/// As [`told`], with `value` in the place of each [`VALUE`].
fn told_with(error: &Error, value: Scalar) -> Scalar {
    // The error's texts hold names that clients gave: they are arguments, never the template's text.
    let mut args = vec![value];
    let mut pieces = Vec::new();
    for (i, part) in encode(error).split(VALUE).enumerate() {
        args.push(Scalar::literal(part, Phys::Text));
        let before = if i == 0 { "{" } else { " || coalesce({0}, 'null') || {" };
        pieces.extend([before.into(), Piece::from(i + 1), "}".into()]);
    }
    Scalar::template(Template::of(&pieces), args, Phys::Text)
}
