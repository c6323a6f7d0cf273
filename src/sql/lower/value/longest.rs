//! How long a text can be at most, where its expression says so: then its length need not be looked at.
//!
//! `(left(a, 10) || '*')::varchar(25)` → `left(a, 10) || '*'`

use crate::tree::{CastHow, Expr, ExprKind};
use crate::types::{PgType, Value, oid};

use super::constant::const_int;

/// Whether a text is surely not too long for `varchar(n)` or `char(n)`.
pub(crate) fn fits(e: &Expr, ty: PgType) -> bool {
    ty.char_length().is_some_and(|length| longest(e).is_some_and(|longest| longest <= length))
}

/// In characters.
fn longest(e: &Expr) -> Option<u32> {
    let declared = matches!(e.ty.oid, oid::VARCHAR | oid::BPCHAR).then(|| e.ty.char_length()).flatten();
    match &e.kind {
        ExprKind::Const(Value::Null) => Some(0),
        // It may yet have to be cut, whatever its type says.
        ExprKind::Const(Value::Text(text)) => u32::try_from(text.chars().count()).ok(),
        _ if declared.is_some() => declared,
        ExprKind::Cast { arg, how: CastHow::Relabel, explicit: _ } => longest(arg),
        ExprKind::Coalesce(values) => values.iter().map(longest).try_fold(0, |most, one| Some(most.max(one?))),
        ExprKind::Call(call) => match (call.func.name, call.args.as_slice()) {
            ("left" | "right", [_, count]) => u32::try_from(const_int(count)?).ok(),
            ("textcat", [left, right]) => longest(left)?.checked_add(longest(right)?),
            ("md5", [_]) => Some(32),
            _ => None,
        },
        _ => None,
    }
}
