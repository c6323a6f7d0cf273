//! Functions and operators, and the functions that the SQL standard gives a syntax of their own.
//!
//! `extract(year from d)` → `EXTRACT(year FROM t.d)`, `a + 1` → `(t.a + 1)`

use std::collections::HashMap;
use std::sync::LazyLock;

use super::Printer;
use crate::error::{Error, Result};
use crate::facts::{OPERATORS, Proc};
use crate::registry::expression::quote;
use crate::tree::{Call, CallForm, Expr, ExprKind, Routine};
use crate::types::{Oid, Value, oid};

/// The operators by the functions that carry them out.
static OPERATORS_OF: LazyLock<HashMap<Oid, &'static str>> = LazyLock::new(|| {
    let mut found = HashMap::new();
    for operator in &OPERATORS.all {
        // Of several the oldest: the others are kept for the sake of old queries.
        found.entry(operator.proc_).or_insert(operator.name);
    }
    found
});

/// The operator that a function carries out.
pub(super) fn operator_of(func: &Proc) -> Result<&'static str> {
    OPERATORS_OF
        .get(&func.oid)
        .copied()
        .ok_or_else(|| Error::internal(format!("{} is no operator's function", func.name)))
}

pub(super) fn operator_name(call: &Call) -> Option<&'static str> {
    OPERATORS.by_oid(call.operator?).map(|o| o.name)
}

impl Printer<'_> {
    pub(super) fn invocation(&mut self, e: &Expr, call: &Call) -> Result<()> {
        if let Some(name) = operator_name(call) {
            return self.operation(e, call, name);
        }
        if call.form == CallForm::Syntax && self.syntax(e, call)? {
            return Ok(());
        }
        self.function_name(call.func);
        self.push("(");
        match &call.form {
            CallForm::Named { written, positional } => {
                self.list(written.iter().enumerate(), |p, (i, parameter)| {
                    let parameter = usize::from(*parameter);
                    if i >= usize::from(*positional)
                        && let Some(name) = call.func.names.get(parameter)
                    {
                        p.name(name);
                        p.push(" => ");
                    }
                    match call.args.get(parameter) {
                        Some(arg) => p.expr(arg, true),
                        None => Err(Error::internal("a call without that argument")),
                    }
                })?;
            }
            CallForm::Given(n) => self.list(call.args.iter().take(usize::from(*n)), |p, arg| p.expr(arg, true))?,
            CallForm::Plain | CallForm::Syntax => self.arguments(call)?,
        }
        self.push(")");
        Ok(())
    }

    /// A call of a user's function, by the name that finds it.
    pub(super) fn routine(&mut self, routine: &Routine) -> Result<()> {
        let function = &routine.function;
        let visible = self.seen.finds_function(&function.namespace, &function.name);
        let name = self.seen.written(&function.namespace, &function.name, visible);
        self.push(&name);
        self.push("(");
        let argument = |parameter: usize| {
            let missing = || Error::internal("a call without that argument");
            routine.args.get(parameter).ok_or_else(missing)
        };
        match &routine.form {
            CallForm::Named { written, positional } => {
                let names: Vec<_> = function.inputs().map(|p| p.name.clone()).collect();
                self.list(written.iter().enumerate(), |p, (i, parameter)| {
                    let parameter = usize::from(*parameter);
                    if i >= usize::from(*positional)
                        && let Some(name) = names.get(parameter)
                    {
                        p.name(name);
                        p.push(" => ");
                    }
                    p.expr(argument(parameter)?, true)
                })?;
            }
            CallForm::Given(n) => self.list(routine.args.iter().take(usize::from(*n)), |p, arg| p.expr(arg, true))?,
            CallForm::Plain | CallForm::Syntax => {
                let last = routine.args.len().wrapping_sub(1);
                self.list(routine.args.iter().enumerate(), |p, (i, arg)| {
                    if i == last && function.variadic != 0 {
                        p.push("VARIADIC ");
                    }
                    p.expr(arg, true)
                })?;
            }
        }
        self.push(")");
        Ok(())
    }

    fn arguments(&mut self, call: &Call) -> Result<()> {
        let collected = call.func.variadic != 0 && call.func.variadic != oid::ANY;
        let last = call.args.len().wrapping_sub(1);
        self.list(call.args.iter().enumerate(), |p, (i, arg)| {
            if i == last && (collected || call.variadic) {
                p.push("VARIADIC ");
            }
            // "any" takes a literal as it is: its type was not written.
            let declared = call.func.args.get(i).or(call.func.args.last());
            match &arg.kind {
                ExprKind::Const(value @ Value::Text(_)) if declared == Some(&oid::ANY) && arg.ty.oid == oid::TEXT => {
                    p.constant(value, arg.ty, super::constant::Label::Never);
                    Ok(())
                }
                _ => p.expr(arg, true),
            }
        })
    }

    /// With the namespace, if it is not one that is always found.
    pub(super) fn function_name(&mut self, func: &Proc) {
        match func.extension {
            Some(extension) => {
                let namespace = self.seen.snapshot.extension_namespace(extension).cloned();
                if let Some(namespace) = namespace.filter(|n| !self.seen.finds_function(n, func.name)) {
                    self.push(&format!("{}.", quote(&namespace)));
                }
            }
            None if func.namespace != crate::registry::builtin::PG_CATALOG => self.push("information_schema."),
            None => {}
        }
        self.push(&quote(func.name));
    }

    fn operation(&mut self, e: &Expr, call: &Call, name: &str) -> Result<()> {
        self.open();
        match call.args.as_slice() {
            [arg] => {
                self.push(name);
                self.push(" ");
                self.operand(arg, true, e)?;
            }
            [left, right] => {
                self.operand(left, true, e)?;
                self.push(" ");
                self.push(name);
                self.push(" ");
                self.operand(right, true, e)?;
            }
            _ => return Err(Error::internal("an operator of more than two")),
        }
        self.close();
        Ok(())
    }

    /// The SQL standard's syntax (get_func_sql_syntax); false if the function has none.
    fn syntax(&mut self, e: &Expr, call: &Call) -> Result<bool> {
        let args = call.args.as_slice();
        match (call.func.name, args) {
            ("timezone", [zone, time]) => {
                self.push("(");
                self.operand(time, false, e)?;
                self.push(" AT TIME ZONE ");
                self.operand(zone, false, e)?;
                self.push(")");
            }
            ("overlaps", [a, b, c, d]) => {
                self.words(&[
                    ("((", Some(a)),
                    (", ", Some(b)),
                    (") OVERLAPS (", Some(c)),
                    (", ", Some(d)),
                    ("))", None),
                ])?;
            }
            ("extract", [field, from]) => {
                self.push("EXTRACT(");
                match &field.kind {
                    ExprKind::Const(Value::Text(field)) => self.push(field),
                    _ => return Err(Error::internal("EXTRACT of what is no constant")),
                }
                self.words(&[(" FROM ", Some(from)), (")", None)])?;
            }
            ("is_normalized", [text, rest @ ..]) => {
                self.push("(");
                self.operand(text, false, e)?;
                self.push(" IS");
                self.form(rest.first(), " ");
                self.push(" NORMALIZED)");
            }
            ("normalize", [text, rest @ ..]) => {
                self.words(&[("NORMALIZE(", Some(text))])?;
                self.form(rest.first(), ", ");
                self.push(")");
            }
            ("pg_collation_for", [arg]) => self.words(&[("COLLATION FOR (", Some(arg)), (")", None)])?,
            ("overlay", [text, with, from]) => {
                self.words(&[
                    ("OVERLAY(", Some(text)),
                    (" PLACING ", Some(with)),
                    (" FROM ", Some(from)),
                    (")", None),
                ])?;
            }
            ("overlay", [text, with, from, count]) => {
                self.words(&[("OVERLAY(", Some(text)), (" PLACING ", Some(with)), (" FROM ", Some(from))])?;
                self.words(&[(" FOR ", Some(count)), (")", None)])?;
            }
            // The grammar takes less than an expression there: parentheses make it one.
            ("position", [text, sought]) => {
                self.words(&[("POSITION((", Some(sought)), (") IN (", Some(text)), ("))", None)])?;
            }
            ("substring", [text, from]) if from.ty.oid == oid::INT4 => {
                self.words(&[("SUBSTRING(", Some(text)), (" FROM ", Some(from)), (")", None)])?;
            }
            ("substring", [text, pattern, escape]) if escape.ty.oid == oid::TEXT => {
                self.words(&[("SUBSTRING(", Some(text)), (" SIMILAR ", Some(pattern))])?;
                self.words(&[(" ESCAPE ", Some(escape)), (")", None)])?;
            }
            ("substring", [text, from, count]) => {
                self.words(&[("SUBSTRING(", Some(text)), (" FROM ", Some(from)), (" FOR ", Some(count)), (")", None)])?;
            }
            ("btrim", _) => self.trim("TRIM(BOTH", args)?,
            ("ltrim", _) => self.trim("TRIM(LEADING", args)?,
            ("rtrim", _) => self.trim("TRIM(TRAILING", args)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Each word with the expression after it.
    fn words(&mut self, words: &[(&str, Option<&Expr>)]) -> Result<()> {
        for (word, expr) in words {
            self.push(word);
            if let Some(expr) = expr {
                self.expr(expr, false)?;
            }
        }
        Ok(())
    }

    fn trim(&mut self, word: &str, args: &[Expr]) -> Result<()> {
        self.push(word);
        if let Some(characters) = args.get(1) {
            self.words(&[(" ", Some(characters))])?;
        }
        self.words(&[(" FROM ", args.first()), (")", None)])
    }

    /// NFC and kin, a word in the text.
    fn form(&mut self, form: Option<&Expr>, before: &str) {
        if let Some(ExprKind::Const(Value::Text(form))) = form.map(|f| &f.kind) {
            self.push(before);
            self.push(form);
        }
    }
}
