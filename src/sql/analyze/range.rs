//! Constructors of users' range types, which PostgreSQL makes as functions of their names.

use super::candidate::{Arguments, Resolved};
use super::{Analyzer, CastContext, Expr, ExprKind};
use crate::error::{Error, Result};
use crate::facts::PROCS;
use crate::registry::UserTypeKind;
use crate::tree::{Call, CallForm};
use crate::types::{PgType, oid};

impl Analyzer<'_> {
    /// `r(lower, upper)` and `r(lower, upper, flags)` of a user's range type; `None` for anything else.
    pub(super) fn range_constructor(
        &mut self,
        namespace: Option<&str>,
        name: &str,
        arguments: &Arguments,
        pos: u32,
    ) -> Result<Option<Expr>> {
        let snapshot = &self.ctx.snapshot;
        let found = self.find_type(namespace, name).filter(|ty| *ty >= oid::FIRST_USER);
        let Some(ty) = found.and_then(|ty| snapshot.user_type_by_oid(ty).filter(|t| t.oid == ty)).cloned() else {
            return Ok(None);
        };
        let given = &arguments.exprs;
        let subtype = match ty.kind {
            UserTypeKind::Range { subtype, .. } => subtype,
            UserTypeKind::Multirange { .. } => {
                return Err(Error::unsupported(format!("the constructor of multirange type {name}"))
                    .hint("Write the multirange as a literal.")
                    .at(pos));
            }
            UserTypeKind::Enum { .. } | UserTypeKind::Domain { .. } => return Ok(None),
        };
        let called = || self.resolve_function(namespace, name, arguments, pos);
        if self.is_settled() && matches!(called(), Ok(Resolved::Function(_))) {
            // A function that a kept text calls stays one when a range gets its name.
            return Ok(None);
        }
        if !matches!(given.len(), 2 | 3) || !arguments.names.is_empty() || arguments.variadic {
            return Ok(None);
        }
        let wanted = [subtype, subtype, oid::TEXT];
        if !given.iter().zip(wanted).all(|(arg, ty)| self.can_coerce(arg.ty.oid, ty, CastContext::Implicit)) {
            return Ok(None);
        }
        // Any type's: which one it makes is said by the call's own type.
        let func = PROCS.by_name("numrange").find(|p| p.args.len() == given.len());
        let func = func.ok_or_else(|| Error::internal("no constructor of ranges in the recorded facts"))?;
        let args = given.iter().cloned().zip(wanted);
        let args = args.map(|(arg, ty)| self.coerce_type(arg, PgType::new(ty), CastContext::Implicit, false));
        let args = args.collect::<Result<Vec<_>>>()?;
        let call = Call { func, args, operator: None, variadic: false, form: CallForm::Plain };
        Ok(Some(Expr { kind: ExprKind::Call(Box::new(call)), ty: PgType::new(ty.oid), pos }))
    }
}
