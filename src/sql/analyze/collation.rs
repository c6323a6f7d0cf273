//! COLLATE that is written on two arguments of one call must be the same (select_common_collation). What lies deeper is not followed: all text is in the
//! order of its bytes here, whatever its collation.

use crate::error::{Error, Result, SqlState};
use crate::tree::{Expr, ExprKind};
use crate::types::Oid;

/// The collation that is written on an expression, casts above it left out.
fn written(expr: &Expr) -> Option<(Oid, u32)> {
    match &expr.kind {
        ExprKind::Collate { collation, .. } => Some((*collation, expr.pos)),
        ExprKind::Cast { arg, .. } => match &arg.kind {
            ExprKind::Collate { collation, .. } => Some((*collation, arg.pos)),
            _ => None,
        },
        _ => None,
    }
}

/// # Errors
/// 42P21 if two of them differ.
pub(super) fn agree<'e>(args: impl IntoIterator<Item = &'e Expr>) -> Result<()> {
    let mut written = args.into_iter().filter_map(written);
    let Some((first, _)) = written.next() else { return Ok(()) };
    match written.find(|(collation, _)| *collation != first) {
        None => Ok(()),
        Some((other, pos)) => {
            let name = |collation| crate::facts::collation_name(collation).unwrap_or_default();
            let message =
                format!("collation mismatch between explicit collations \"{}\" and \"{}\"", name(first), name(other));
            Err(Error::new(SqlState::COLLATION_MISMATCH, message).at(pos))
        }
    }
}
