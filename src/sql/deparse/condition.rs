//! AND, OR, tests, CASE and their kin.
//!
//! `a in (1, 2) and not b` → `((t.a = ANY (ARRAY[1, 2])) AND (NOT t.b))`

use super::call::operator_of;
use super::expr::{implicit_arg, row_logic};
use super::{ITEM, Printer, Style};
use crate::error::{Error, Result};
use crate::tree::{BoolTest, Expr, ExprKind};

impl Printer<'_> {
    pub(super) fn condition(&mut self, e: &Expr) -> Result<()> {
        match &e.kind {
            ExprKind::And(items) => self.logic(e, items, " AND "),
            ExprKind::Or(items) => self.logic(e, items, " OR "),
            ExprKind::Not(arg) => {
                self.open();
                self.push("NOT ");
                self.operand(arg, false, e)?;
                self.close();
                Ok(())
            }
            ExprKind::IsNull { arg, not, whole } => {
                let test = match (whole, not) {
                    (false, false) => " IS NULL",
                    (false, true) => " IS NOT NULL",
                    (true, false) => " IS NOT DISTINCT FROM NULL",
                    (true, true) => " IS DISTINCT FROM NULL",
                };
                self.test(e, arg, true, test)
            }
            ExprKind::IsBool { arg, test, not } => {
                let test = match (test, not) {
                    (BoolTest::True, false) => " IS TRUE",
                    (BoolTest::True, true) => " IS NOT TRUE",
                    (BoolTest::False, false) => " IS FALSE",
                    (BoolTest::False, true) => " IS NOT FALSE",
                    (BoolTest::Unknown, false) => " IS UNKNOWN",
                    (BoolTest::Unknown, true) => " IS NOT UNKNOWN",
                };
                self.test(e, arg, false, test)
            }
            ExprKind::Distinct { eq: _, left, right, not } => self.distinct(e, left, right, *not),
            ExprKind::NullIf { eq: _, left, right } => self.function_of("NULLIF(", [&**left, &**right]),
            ExprKind::Coalesce(args) => self.function_of("COALESCE(", args),
            ExprKind::MinMax { greatest: true, args } => self.function_of("GREATEST(", args),
            ExprKind::MinMax { greatest: false, args } => self.function_of("LEAST(", args),
            ExprKind::Case { simple, whens, otherwise } => self.case(e, *simple, whens, otherwise.as_deref()),
            ExprKind::AnyAll { op, all, left, array } => {
                self.open();
                self.operand(left, true, e)?;
                self.push(&format!(" {} {} (", operator_of(op)?, if *all { "ALL" } else { "ANY" }));
                self.operand(array, true, e)?;
                // Alone it would be taken for the query that gives the values.
                if matches!(array.kind, ExprKind::ScalarSubquery(_)) {
                    self.label(array.ty);
                }
                self.push(")");
                self.close();
                Ok(())
            }
            ExprKind::RowCompare { op_name, ops: _, left, right } => self.row_compare(e, op_name, left, right),
            _ => Err(Error::internal("no condition")),
        }
    }

    fn logic(&mut self, e: &Expr, items: &[Expr], word: &str) -> Result<()> {
        self.open();
        for (i, item) in items.iter().enumerate() {
            self.push(if i > 0 { word } else { "" });
            self.operand(item, false, e)?;
        }
        self.close();
        Ok(())
    }

    fn test(&mut self, e: &Expr, arg: &Expr, implicit: bool, test: &str) -> Result<()> {
        self.open();
        self.operand(arg, implicit, e)?;
        self.push(test);
        self.close();
        Ok(())
    }

    /// IS NOT DISTINCT FROM is shown as the negation of the other; what is kept keeps it.
    fn distinct(&mut self, e: &Expr, left: &Expr, right: &Expr, not: bool) -> Result<()> {
        if not && self.style == Style::KEPT {
            self.push("(");
            self.expr(left, true)?;
            self.push(" IS NOT DISTINCT FROM ");
            self.expr(right, true)?;
            self.push(")");
            return Ok(());
        }
        if not {
            self.open();
            self.push("NOT ");
        }
        self.open();
        self.operand(left, true, e)?;
        self.push(" IS DISTINCT FROM ");
        self.operand(right, true, e)?;
        self.close();
        if not {
            self.close();
        }
        Ok(())
    }

    fn function_of<'e>(&mut self, name: &str, args: impl IntoIterator<Item = &'e Expr>) -> Result<()> {
        self.push(name);
        self.list(args, |p, arg| p.expr(arg, true))?;
        self.push(")");
        Ok(())
    }

    fn case(&mut self, e: &Expr, simple: bool, whens: &[(Expr, Expr)], otherwise: Option<&Expr>) -> Result<()> {
        self.keyword("CASE", 0, ITEM, 0);
        if let (true, Some((first, _))) = (simple, whens.first()) {
            let (operand, _) = compared(first)?;
            self.push(" ");
            self.expr(implicit_arg(operand), true)?;
        }
        let space = if self.style.lines { "" } else { " " };
        for (when, result) in whens {
            self.push(space);
            self.keyword("WHEN ", 0, 0, 0);
            match simple {
                true => self.expr(compared(when)?.1, false)?,
                false => self.expr(when, false)?,
            }
            self.push(" THEN ");
            self.expr(result, true)?;
        }
        self.push(space);
        self.keyword("ELSE ", 0, 0, 0);
        match otherwise {
            Some(otherwise) => self.expr(otherwise, true)?,
            None => self.constant(&crate::types::Value::Null, e.ty, super::constant::Label::Needed),
        }
        self.push(space);
        self.keyword("END", -ITEM, 0, 0);
        Ok(())
    }

    /// By = and <> rows are compared column by column; the other comparisons go from left to right.
    fn row_compare(&mut self, e: &Expr, op: &str, left: &[Expr], right: &[Expr]) -> Result<()> {
        if let ([l], [r]) = (left, right) {
            return self.compare(e, op, l, r);
        }
        if let Some(conjunction) = row_logic(e) {
            self.open();
            for (i, (l, r)) in left.iter().zip(right).enumerate() {
                self.push(if i == 0 {
                    ""
                } else if conjunction {
                    " AND "
                } else {
                    " OR "
                });
                self.compare(e, op, l, r)?;
            }
            self.close();
            return Ok(());
        }
        self.push("(ROW(");
        self.list(left, |p, l| p.top(l, true))?;
        self.push(&format!(") {op} ROW("));
        self.list(right, |p, r| p.top(r, true))?;
        self.push("))");
        Ok(())
    }

    fn compare(&mut self, e: &Expr, op: &str, left: &Expr, right: &Expr) -> Result<()> {
        // Each of a row's comparisons is an operator of its own, and no row.
        let operator = Expr { kind: ExprKind::Default, ty: e.ty, pos: e.pos };
        self.open();
        self.operand(left, true, &operator)?;
        self.push(&format!(" {op} "));
        self.operand(right, true, &operator)?;
        self.close();
        Ok(())
    }
}

/// The two sides of a simple CASE's comparison.
fn compared(when: &Expr) -> Result<(&Expr, &Expr)> {
    match &implicit_arg(when).kind {
        ExprKind::Call(call) => match call.args.as_slice() {
            [operand, value] => Ok((operand, value)),
            _ => Err(Error::internal("CASE compares two")),
        },
        _ => Err(Error::unsupported("printing this CASE")),
    }
}
