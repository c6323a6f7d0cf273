//! Casts: written ones, and those that nobody wrote where PostgreSQL shows them (operands and arguments).
//!
//! `c = 'x'` over varchar → `((t.c)::text = 'x'::text)`

use super::Printer;
use super::constant::Label;
use crate::error::Result;
use crate::tree::{CastHow, Expr, ExprKind};
use crate::types::PgType;

impl Printer<'_> {
    /// `whole` is the cast, `shown` says whether casts that nobody wrote are shown here.
    pub(super) fn cast(&mut self, whole: &Expr, arg: &Expr, how: &CastHow, explicit: bool, shown: bool) -> Result<()> {
        if !explicit && !shown {
            return match how {
                CastHow::Domain(_) => self.expr(arg, false),
                _ => self.operand(arg, false, whole),
            };
        }
        // CURRENT_TIMESTAMP(3)
        if let (CastHow::Typmod, ExprKind::Session(_, written)) = (how, &arg.kind)
            && !written.ends_with(')')
        {
            self.push(written);
            self.push(&format!("({})", whole.ty.typmod));
            return Ok(());
        }
        if let (CastHow::Domain(_), ExprKind::Row(items)) = (how, &arg.kind) {
            self.open();
            self.row(items)?;
            self.close();
            self.label(whole.ty);
            return Ok(());
        }
        self.coercion(whole, arg)
    }

    /// get_coercion_expr.
    fn coercion(&mut self, whole: &Expr, arg: &Expr) -> Result<()> {
        match &arg.kind {
            ExprKind::Const(value) if arg.ty.oid == whole.ty.oid && arg.ty.typmod == -1 => {
                self.constant(value, arg.ty, Label::Never);
            }
            _ => {
                self.open();
                self.operand(arg, false, whole)?;
                self.close();
            }
        }
        self.label(PgType::with(whole.ty.oid, whole.ty.typmod));
        Ok(())
    }
}
