//! The rules inside functions' bodies: in whose name they hold, and who is current_user there.

use super::rules::Rules;
use crate::error::{Error, Result};
use crate::tree::*;
use crate::types::Value;

impl Rules<'_> {
    /// A function's body is ruled as its caller's, or as its owner's.
    pub(super) fn routine(&mut self, routine: &mut Routine) -> Result<()> {
        let Routine { function, args, form: _, variadic: _, params: _, body, row: _, pending: _ } = routine;
        self.exprs(args)?;
        let outer = (self.role, self.user);
        if function.definer {
            self.user = (function.owner, true);
        }
        self.role = self.user.0;
        let done = stacker::maybe_grow(128 << 10, 1 << 20, || self.query(body));
        (self.role, self.user) = outer;
        done
    }

    /// Inside a SECURITY DEFINER function current_user is the owner.
    pub(super) fn as_definer(&self, expr: &mut Expr) -> Result<()> {
        let (owner, true) = self.user else { return Ok(()) };
        if let ExprKind::Session(SessionValue::CurrentUser, _) = &expr.kind {
            let name = self.authority.snapshot.role_by_oid(owner).map(|r| r.name.clone());
            let name = name.ok_or_else(|| Error::internal("policy: a function's owner is gone"))?;
            expr.kind = ExprKind::Const(Value::Text(name));
        } else if let ExprKind::Call(call) = &expr.kind
            && asks_current_user(call)
        {
            // These ask the session who it is.
            let what = format!("{} of the current user in a SECURITY DEFINER function", call.func.name);
            return Err(Error::unsupported(what).hint("Name the role as the first argument."));
        }
        Ok(())
    }
}

/// The forms of has_…_privilege() and kin that leave the role out.
fn asks_current_user(call: &Call) -> bool {
    let name = call.func.name;
    let with_role = if name == "has_column_privilege" { 4 } else { 3 };
    match name {
        "row_security_active" => true,
        "pg_has_role" => call.args.len() < 3,
        _ => name.starts_with("has_") && name.ends_with("_privilege") && call.args.len() < with_role,
    }
}
