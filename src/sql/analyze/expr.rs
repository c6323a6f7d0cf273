//! Expressions (transformExpr): names, constants, operators and the constructs that have a node of their own.

use std::borrow::Cow;

use sqlparser::ast::{self, BinaryOperator, UnaryOperator};

use super::{Analyzer, CastContext, Expr, ExprKind};
use crate::error::{Error, Result, SqlState};
use crate::tree::{BoolTest, Quantifier};
use crate::types::{Oid, PgType, Value, oid};

pub(crate) fn boolean(kind: ExprKind, pos: u32) -> Expr {
    Expr { kind, ty: PgType::new(oid::BOOL), pos }
}

pub(crate) fn unknown_text(text: &str, pos: u32) -> Expr {
    Expr { kind: ExprKind::Const(Value::text(text)), ty: PgType::new(oid::UNKNOWN), pos }
}

impl Analyzer<'_> {
    pub fn expr(&mut self, expr: &ast::Expr) -> Result<Expr> {
        self.deeper(|a| a.expr_inner(expr))
    }

    fn expr_inner(&mut self, expr: &ast::Expr) -> Result<Expr> {
        use ast::Expr as E;
        match expr {
            E::Identifier(ident) => self.identifier(ident),
            E::CompoundIdentifier(idents) => self.dotted(idents),
            E::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain),
            E::Nested(inner) => self.expr(inner),
            E::Value(value) => self.value(value),
            E::TypedString(typed) => {
                let ty = self.constant_type(&typed.data_type)?;
                let pos = self.pos_of_type(typed.value.span);
                let literal = self.value(&typed.value)?;
                if literal.ty.oid != oid::UNKNOWN {
                    return Err(Error::syntax("syntax error").at(literal.pos));
                }
                self.explicit_cast(literal, ty, pos)
            }
            E::Cast { kind, expr, data_type, .. } => self.cast_expr(kind, expr, data_type),
            E::Interval(interval) => self.interval(interval),
            E::BinaryOp { left, op: op @ (BinaryOperator::And | BinaryOperator::Or), right } => {
                self.and_or(left, op, right)
            }
            E::BinaryOp { left, op, right } => self.binary(left, op, right),
            E::UnaryOp { op, expr } => self.unary(op, expr),
            E::IsNull(e) => self.is_null(e, false),
            E::IsNotNull(e) => self.is_null(e, true),
            E::IsTrue(e) => self.is_bool(e, BoolTest::True, false, "IS TRUE"),
            E::IsNotTrue(e) => self.is_bool(e, BoolTest::True, true, "IS NOT TRUE"),
            E::IsFalse(e) => self.is_bool(e, BoolTest::False, false, "IS FALSE"),
            E::IsNotFalse(e) => self.is_bool(e, BoolTest::False, true, "IS NOT FALSE"),
            E::IsUnknown(e) => self.is_bool(e, BoolTest::Unknown, false, "IS UNKNOWN"),
            E::IsNotUnknown(e) => self.is_bool(e, BoolTest::Unknown, true, "IS NOT UNKNOWN"),
            E::IsDistinctFrom(l, r) => self.distinct(l, r, false),
            E::IsNotDistinctFrom(l, r) => self.distinct(l, r, true),
            E::InList { expr, list, negated } => self.in_list(expr, list, *negated),
            E::Between { expr, negated, low, high } => self.between(expr, *negated, low, high),
            E::Case { operand, conditions, else_result, case_token, .. } => {
                let pos = self.pos(case_token.0.span);
                self.case(operand.as_deref(), conditions, else_result.as_deref(), pos)
            }
            E::Array(array) => self.array(array, None, self.pos_before_array(array)),
            E::Tuple(items) => self.row(items, self.pos_of(expr)),
            E::Collate { expr, collation } => self.collate(expr, collation),
            E::Function(function) => self.function(function),
            E::Exists { subquery, negated } => self.exists(subquery, *negated),
            E::Subquery(query) => self.scalar_subquery(query),
            E::InSubquery { expr, subquery, negated } => self.in_subquery(expr, subquery, *negated),
            E::AnyOp { left, compare_op, right, .. } => self.any_all(left, compare_op, right, false),
            E::AllOp { left, compare_op, right } => self.any_all(left, compare_op, right, true),
            _ => self.special(expr),
        }
    }

    fn cast_expr(&mut self, kind: &ast::CastKind, arg: &ast::Expr, ty: &ast::DataType) -> Result<Expr> {
        let (at, type_pos) = self.cast_pos(arg);
        let target = self.data_type(ty).map_err(|e| e.at(type_pos))?;
        let pos = match kind {
            ast::CastKind::DoubleColon => at,
            ast::CastKind::Cast => self.pos_of_word("cast", arg),
            ast::CastKind::TryCast | ast::CastKind::SafeCast => return Err(Error::unsupported("TRY_CAST")),
        };
        // An array constructor takes its element type from the cast.
        let mut inner = arg;
        while let ast::Expr::Nested(nested) = inner {
            inner = nested;
        }
        if let ast::Expr::Array(array) = inner {
            let base = self.base_type(target);
            let wanted = (self.type_facts(base.oid).element != 0).then_some(base);
            let array = self.array(array, wanted, self.pos_before_array(array))?;
            return self.explicit_cast(array, target, pos);
        }
        let arg = self.expr(arg)?;
        self.explicit_cast(arg, target, pos)
    }

    /// AND and OR, however many in a row: their trees lean left, so this follows them without recursion.
    fn and_or(&mut self, left: &ast::Expr, op: &BinaryOperator, right: &ast::Expr) -> Result<Expr> {
        let mut items = vec![right];
        let mut rest = left;
        while let ast::Expr::BinaryOp { left, op: o, right } = rest
            && o == op
        {
            items.push(right);
            rest = left;
        }
        items.push(rest);
        let name = if *op == BinaryOperator::And { "AND" } else { "OR" };
        let mut args = Vec::with_capacity(items.len());
        for item in items.into_iter().rev() {
            let arg = self.expr(item)?;
            args.push(self.coerce_boolean(arg, name)?);
        }
        let pos = self.pos_after(rest, name);
        Ok(boolean(if *op == BinaryOperator::And { ExprKind::And(args) } else { ExprKind::Or(args) }, pos))
    }

    fn binary(&mut self, left: &ast::Expr, op: &BinaryOperator, right: &ast::Expr) -> Result<Expr> {
        let pos = self.operator_pos(left, op);
        let name = self.operator_name(op, pos)?;
        if *op == BinaryOperator::Overlaps {
            return self.overlaps(left, right, pos);
        }
        if let (Some(l), Some(r)) = (row_items(left), row_items(right)) {
            return self.row_compare(&name, &l, &r, pos);
        }
        if let (Some(_), ast::Expr::Subquery(query)) = (row_items(left), right) {
            return self.quantified(left, &name, Quantifier::One, query, pos);
        }
        let left = self.expr(left)?;
        let right = self.expr(right)?;
        self.operator(&name, Some(left), right, pos)
    }

    /// The operator's text; of `OPERATOR(n.op)` without pg_catalog.
    pub(crate) fn operator_name(&self, op: &BinaryOperator, pos: u32) -> Result<String> {
        match op {
            BinaryOperator::PGCustomBinaryOperator(parts) => match parts.as_slice() {
                [name] => Ok(name.clone()),
                [namespace, name] if namespace.eq_ignore_ascii_case("pg_catalog") => Ok(name.clone()),
                // Another has only those of extensions.
                _ => Ok(parts.join(".")),
            },
            BinaryOperator::Custom(name) => Ok(name.clone()),
            BinaryOperator::Xor | BinaryOperator::DuckIntegerDivide | BinaryOperator::MyIntegerDivide => {
                Err(Error::unsupported(format!("the operator {op}")).at(pos))
            }
            other => Ok(other.to_string()),
        }
    }

    /// Where the operator after `left` stands.
    pub(crate) fn operator_pos(&self, left: &ast::Expr, op: &BinaryOperator) -> u32 {
        match op {
            BinaryOperator::PGCustomBinaryOperator(_) => self.pos_after(left, "operator"),
            op => self.pos_after(left, &op.to_string()),
        }
    }

    fn unary(&mut self, op: &UnaryOperator, arg: &ast::Expr) -> Result<Expr> {
        let pos = self.pos_before(arg);
        if *op == UnaryOperator::Minus
            && let Some((negative, digits)) = signed_number(arg)
        {
            return self.number(&format!("{}{digits}", if negative { "" } else { "-" }), pos);
        }
        if *op == UnaryOperator::Not {
            let arg = self.expr(arg)?;
            let arg = self.coerce_boolean(arg, "NOT")?;
            return Ok(boolean(ExprKind::Not(Box::new(arg)), pos));
        }
        let name = op.to_string();
        let arg = self.expr(arg)?;
        self.operator(name.trim(), None, arg, pos)
    }

    fn is_null(&mut self, arg: &ast::Expr, not: bool) -> Result<Expr> {
        let pos = self.pos_after(arg, "is");
        let arg = self.expr(arg)?;
        Ok(boolean(ExprKind::IsNull { arg: Box::new(arg), not, whole: false }, pos))
    }

    fn is_bool(&mut self, arg: &ast::Expr, test: BoolTest, not: bool, name: &str) -> Result<Expr> {
        let pos = self.pos_after(arg, "is");
        let arg = self.expr(arg)?;
        let arg = self.coerce_boolean(arg, name)?;
        Ok(boolean(ExprKind::IsBool { arg: Box::new(arg), test, not }, pos))
    }

    fn distinct(&mut self, left: &ast::Expr, right: &ast::Expr, not: bool) -> Result<Expr> {
        let pos = self.pos_after(left, "is");
        if let (Some(lefts), Some(rights)) = (row_items(left), row_items(right)) {
            let differ = self.row_distinct(&lefts, &rights, pos)?;
            return Ok(if not { boolean(ExprKind::Not(Box::new(differ)), pos) } else { differ });
        }
        let left = self.expr(left)?;
        let right = self.expr(right)?;
        // A literal NULL on one side is a test for NULL (make_nulltest_from_distinct).
        for (null, other) in [(&left, &right), (&right, &left)] {
            if matches!(null.kind, ExprKind::Const(Value::Null)) && null.ty.oid == oid::UNKNOWN {
                let base = self.base_oid(other.ty.oid);
                let whole = base == oid::RECORD || self.row_type_relation(base).is_some();
                return Ok(boolean(ExprKind::IsNull { arg: Box::new(other.clone()), not: !not, whole }, pos));
            }
        }
        self.distinct_pair(left, right, not, pos)
    }

    /// make_row_distinct_op: rows differ if one of their pairs does.
    fn row_distinct(&mut self, lefts: &[ast::Expr], rights: &[ast::Expr], pos: u32) -> Result<Expr> {
        if lefts.len() != rights.len() {
            return Err(Error::syntax("unequal number of entries in row expressions").at(pos));
        }
        let mut tests = Vec::with_capacity(lefts.len());
        for (left, right) in lefts.iter().zip(rights) {
            let (left, right) = (self.expr(left)?, self.expr(right)?);
            tests.push(self.distinct_pair(left, right, false, pos)?);
        }
        Ok(match tests.is_empty() {
            true => boolean(ExprKind::Const(Value::Bool(false)), pos),
            false => join_tests(tests, false, pos),
        })
    }

    /// make_distinct_op.
    fn distinct_pair(&mut self, left: Expr, right: Expr, not: bool, pos: u32) -> Result<Expr> {
        let found = self.find_operator("=", Some(left.ty.oid), right.ty.oid, pos)?;
        let left = self.coerce_type(left, PgType::new(found.args[0]), CastContext::Implicit, false)?;
        let right = self.coerce_type(right, PgType::new(found.args[1]), CastContext::Implicit, false)?;
        Ok(boolean(ExprKind::Distinct { eq: found.func, left: Box::new(left), right: Box::new(right), not }, pos))
    }

    /// transformAExprIn: constants become one `= ANY (ARRAY[…])`, what reads columns is compared one by one.
    fn in_list(&mut self, left: &ast::Expr, list: &[ast::Expr], negated: bool) -> Result<Expr> {
        let pos = self.pos_after(left, if negated { "not" } else { "in" });
        let name = if negated { "<>" } else { "=" };
        if let Some(items) = row_items(left) {
            let mut tests = Vec::with_capacity(list.len());
            for item in list {
                let Some(right) = row_items(item) else {
                    return Err(Error::unsupported("IN with a row and what is no row").at(pos));
                };
                tests.push(self.row_compare(name, &items, &right, pos)?);
            }
            return Ok(join_tests(tests, negated, pos));
        }
        let arg = self.expr(left)?;
        let items = list.iter().map(|item| self.expr(item)).collect::<Result<Vec<_>>>()?;
        // One constant alone stays where it stands.
        let (variables, mut constants) = match items.iter().filter(|item| !has_column(item)).count() {
            0 | 1 => (items, Vec::new()),
            _ => items.into_iter().partition(has_column),
        };
        let mut tests = Vec::new();
        if constants.len() > 1 {
            let types: Vec<(Oid, u32)> =
                std::iter::once((arg.ty.oid, arg.pos)).chain(constants.iter().map(|c| (c.ty.oid, c.pos))).collect();
            let common = self.common_type(&types, "IN").ok();
            let fits = |ty: Oid| types.iter().all(|(t, _)| self.can_coerce(*t, ty, CastContext::Implicit));
            if let Some(ty) = common.filter(|t| *t != oid::RECORD && fits(*t) && self.type_facts(*t).array != 0) {
                let element = PgType::new(ty);
                let items = std::mem::take(&mut constants)
                    .into_iter()
                    .map(|c| self.coerce_common(c, element, "IN"))
                    .collect::<Result<Vec<_>>>()?;
                let array_ty = PgType::new(self.array_of(ty)?);
                let array = Expr { kind: ExprKind::Array { items, nested: false }, ty: array_ty, pos };
                tests.push(self.array_operator(name, negated, arg.clone(), array, pos)?);
            }
        }
        for item in constants.into_iter().chain(variables) {
            tests.push(self.operator(name, Some(arg.clone()), item, pos)?);
        }
        Ok(join_tests(tests, negated, pos))
    }

    /// `x BETWEEN a AND b` is `x >= a AND x <= b`; x is analyzed for each.
    fn between(&mut self, arg: &ast::Expr, negated: bool, low: &ast::Expr, high: &ast::Expr) -> Result<Expr> {
        let pos = self.pos_after(arg, if negated { "not" } else { "between" });
        let (first, second) = if negated { ("<", ">") } else { (">=", "<=") };
        let (x, low) = (self.expr(arg)?, self.expr(low)?);
        let low = self.operator(first, Some(x), low, pos)?;
        let (x, high) = (self.expr(arg)?, self.expr(high)?);
        let high = self.operator(second, Some(x), high, pos)?;
        let both = vec![low, high];
        Ok(boolean(if negated { ExprKind::Or(both) } else { ExprKind::And(both) }, pos))
    }

    fn case(
        &mut self,
        operand: Option<&ast::Expr>,
        conditions: &[ast::CaseWhen],
        otherwise: Option<&ast::Expr>,
        pos: u32,
    ) -> Result<Expr> {
        let before = self.sets;
        let mut whens = Vec::with_capacity(conditions.len());
        let mut results = Vec::with_capacity(conditions.len() + 1);
        for when in conditions {
            let condition = match operand {
                Some(operand) => {
                    let operand = self.expr(operand)?;
                    let operand = self.resolve_unknown(operand)?;
                    let value = self.expr(&when.condition)?;
                    let at = value.pos;
                    self.operator("=", Some(operand), value, at)?
                }
                None => self.expr(&when.condition)?,
            };
            whens.push(self.coerce_boolean(condition, "CASE/WHEN")?);
            results.push(self.expr(&when.result)?);
        }
        let default = match otherwise {
            Some(e) => self.expr(e)?,
            None => Expr { kind: ExprKind::Const(Value::Null), ty: PgType::new(oid::UNKNOWN), pos: 0 },
        };
        self.refuse_sets(before, "set-returning functions are not allowed in CASE")?;
        // PostgreSQL looks at ELSE first when it chooses the type.
        let mut ordered = vec![default];
        ordered.append(&mut results);
        let ty = self.common_type_of_exprs(&ordered, "CASE")?;
        let written = otherwise.is_some();
        let mut items = ordered.into_iter();
        let default = items.next().map(|e| self.coerce_common(e, ty, if written { "CASE/ELSE" } else { "CASE" }));
        let default = default.transpose()?;
        let results = items.map(|e| self.coerce_common(e, ty, "CASE/WHEN")).collect::<Result<Vec<_>>>()?;
        let whens = whens.into_iter().zip(results).collect();
        // Without ELSE it is NULL, which PostgreSQL writes out.
        let otherwise = default.map(Box::new);
        Ok(Expr { kind: ExprKind::Case { simple: operand.is_some(), whens, otherwise }, ty, pos })
    }

    /// transformArrayExpr. `wanted` is the array type that a cast around it asks for.
    pub(crate) fn array(&mut self, array: &ast::Array, wanted: Option<PgType>, pos: u32) -> Result<Expr> {
        let mut items = Vec::with_capacity(array.elem.len());
        for item in &array.elem {
            items.push(match item {
                ast::Expr::Array(inner) => self.array(inner, wanted, self.pos_before_array(inner))?,
                other => self.expr(other)?,
            });
        }
        let nested = items.iter().any(|i| self.type_facts(i.ty.oid).element != 0);
        let array_ty = match wanted {
            Some(wanted) if items.is_empty() && matches!(wanted.oid, oid::INT2VECTOR | oid::OIDVECTOR) => {
                let message = format!("array is not a valid {}", self.type_name(wanted.oid));
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
            }
            Some(wanted) => wanted,
            None if items.is_empty() => {
                return Err(Error::new(SqlState::INDETERMINATE_DATATYPE, "cannot determine type of empty array")
                    .hint("Explicitly cast to the desired type, for example ARRAY[]::integer[].")
                    .at(pos));
            }
            None => {
                let common = self.common_type_of_exprs(&items, "ARRAY")?;
                let vector = matches!(common.oid, oid::INT2VECTOR | oid::OIDVECTOR);
                if self.type_facts(common.oid).element != 0 && !vector {
                    common
                } else {
                    PgType::with(self.array_of(common.oid)?, common.typmod)
                }
            }
        };
        let element = self.type_facts(array_ty.oid).element;
        let target = if nested { array_ty } else { PgType::with(element, array_ty.typmod) };
        let mut coerced = Vec::with_capacity(items.len());
        for item in items {
            let item = match wanted {
                Some(_) => {
                    let (from, at) = (item.ty.oid, item.pos);
                    self.coerce_to(item, target, CastContext::Explicit, true)?.ok_or_else(|| {
                        super::coerce::cannot_cast(&self.type_name(from), &self.type_name(target.oid)).at(at)
                    })?
                }
                None => self.coerce_common(item, target, "ARRAY")?,
            };
            coerced.push(item);
        }
        Ok(Expr { kind: ExprKind::Array { items: coerced, nested }, ty: array_ty, pos })
    }

    fn pos_before_array(&self, array: &ast::Array) -> u32 {
        array.elem.first().map_or_else(|| self.pos_of_words("array", "["), |e| self.pos_of_word("array", e))
    }

    pub(crate) fn row(&mut self, items: &[ast::Expr], pos: u32) -> Result<Expr> {
        let items = self.expression_list(items)?;
        Ok(Expr { kind: ExprKind::Row(items), ty: PgType::new(oid::RECORD), pos })
    }

    /// transformExpressionList: the items of ROW or of a row of VALUES, where `t.*` and `(row).*` are as many as they have fields.
    pub(crate) fn expression_list(&mut self, items: &[ast::Expr]) -> Result<Vec<Expr>> {
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            let mut all = Vec::new();
            match item {
                ast::Expr::QualifiedWildcard(name, token) => self.qualified_star(name, token.0.span, &mut all)?,
                item => match super::target::starred(item) {
                    Some(row) => self.row_star(&row, &mut all)?,
                    // What is unknown stays so: a cast of the row to a composite type gives it the field's type.
                    None => out.push(self.expr(item)?),
                },
            }
            out.extend(all.into_iter().map(|t| t.expr));
        }
        Ok(out)
    }

    /// make_row_comparison_op.
    pub(crate) fn row_compare(
        &mut self,
        name: &str,
        left: &[ast::Expr],
        right: &[ast::Expr],
        pos: u32,
    ) -> Result<Expr> {
        if left.len() != right.len() {
            return Err(Error::syntax("unequal number of entries in row expressions").at(pos));
        }
        if left.is_empty() {
            let message = "cannot compare rows of zero length";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(pos));
        }
        check_row_operator(name).map_err(|e| e.at(pos))?;
        let (mut ops, mut lefts, mut rights) = (Vec::new(), Vec::new(), Vec::new());
        for (l, r) in left.iter().zip(right) {
            let (l, r) = (self.expr(l)?, self.expr(r)?);
            let found = self.find_operator(name, Some(l.ty.oid), r.ty.oid, pos)?;
            lefts.push(self.coerce_type(l, PgType::new(found.args[0]), CastContext::Implicit, false)?);
            rights.push(self.coerce_type(r, PgType::new(found.args[1]), CastContext::Implicit, false)?);
            ops.push(found.func);
        }
        Ok(boolean(ExprKind::RowCompare { op_name: name.into(), ops, left: lefts, right: rights }, pos))
    }

    fn collate(&mut self, arg: &ast::Expr, collation: &ast::ObjectName) -> Result<Expr> {
        let pos = self.pos_after(arg, "collate");
        let arg = self.expr(arg)?;
        let collation = self.collation(collation, pos)?;
        self.collatable(arg.ty).map_err(|e| e.at(pos))?;
        let ty = arg.ty;
        Ok(Expr { kind: ExprKind::Collate { arg: Box::new(arg), collation }, ty, pos })
    }

    /// The collation that is meant: one of PostgreSQL's own.
    pub(super) fn collation(&self, name: &ast::ObjectName, pos: u32) -> Result<Oid> {
        let (namespace, name, _) = self.name_parts(name)?;
        self.collation_of((namespace.as_deref(), &name), pos)
    }

    pub(super) fn collation_of(&self, (namespace, name): (Option<&str>, &str), pos: u32) -> Result<Oid> {
        let found = namespace.is_none_or(|n| n == "pg_catalog").then(|| crate::facts::collation_named(name));
        found.flatten().ok_or_else(|| {
            let shown = namespace.map_or_else(|| name.to_owned(), |n| format!("{n}.{name}"));
            let message = format!("collation \"{shown}\" for encoding \"UTF8\" does not exist");
            Error::new(SqlState::UNDEFINED_OBJECT, message).at(pos)
        })
    }

    pub(super) fn collatable(&self, ty: PgType) -> Result<()> {
        if matches!(self.type_facts(ty.oid).category, b'S' | b'X' | b'A') {
            return Ok(());
        }
        let message = format!("collations are not supported by type {}", self.type_name(ty.oid));
        Err(Error::new(SqlState::DATATYPE_MISMATCH, message))
    }
}

/// The items of `(a, b)` or `ROW(a, b)`.
pub(crate) fn row_items(expr: &ast::Expr) -> Option<Cow<'_, [ast::Expr]>> {
    match expr {
        ast::Expr::Tuple(items) => Some(Cow::Borrowed(items)),
        ast::Expr::Nested(inner) => row_items(inner),
        ast::Expr::Function(f) => {
            let [part] = f.name.0.as_slice() else { return None };
            let row = part.as_ident().is_some_and(|i| i.quote_style.is_none() && i.value.eq_ignore_ascii_case("row"));
            let ast::FunctionArguments::List(list) = &f.args else { return None };
            let items = list.args.iter().map(|arg| super::from::plain_arg(arg).ok().cloned());
            items.collect::<Option<Vec<_>>>().filter(|_| row).map(Cow::Owned)
        }
        _ => None,
    }
}

/// How many tests of an IN list are put inside each other, which is how PostgreSQL shows them.
const NESTED_TESTS: usize = 64;

fn join_tests(mut tests: Vec<Expr>, negated: bool, pos: u32) -> Expr {
    match (tests.pop(), tests.is_empty()) {
        (Some(only), true) => only,
        (Some(last), false) if tests.len() < NESTED_TESTS => {
            // As PostgreSQL has them: each with all before it.
            let joined = tests.into_iter().chain([last]).reduce(|a, b| {
                boolean(if negated { ExprKind::And(vec![a, b]) } else { ExprKind::Or(vec![a, b]) }, pos)
            });
            joined.unwrap_or_else(|| boolean(ExprKind::Const(Value::Bool(negated)), pos))
        }
        (Some(last), false) => {
            tests.push(last);
            boolean(if negated { ExprKind::And(tests) } else { ExprKind::Or(tests) }, pos)
        }
        (None, _) => boolean(ExprKind::Const(Value::Bool(negated)), pos),
    }
}

/// contain_vars_of_level: whether anything of the row is read.
fn has_column(expr: &Expr) -> bool {
    let mut found = false;
    let _ = super::check::walk(expr, 0, &mut |e, _| {
        found |= matches!(e.kind, ExprKind::Column { .. } | ExprKind::WholeRow(_));
        Ok(!found)
    });
    found
}

/// A number with the signs before it, which the grammar folds into the constant (doNegate): is it negative, and its digits.
fn signed_number(expr: &ast::Expr) -> Option<(bool, &str)> {
    match expr {
        ast::Expr::Value(value) => match &value.value {
            ast::Value::Number(digits, _) => Some((false, digits)),
            _ => None,
        },
        ast::Expr::Nested(inner) => signed_number(inner),
        ast::Expr::UnaryOp { op: UnaryOperator::Minus, expr } => {
            signed_number(expr).map(|(negative, digits)| (!negative, digits))
        }
        _ => None,
    }
}

/// Rows compare by the operators of an order.
pub(super) fn check_row_operator(name: &str) -> Result<()> {
    if matches!(name, "=" | "<>" | "<" | "<=" | ">" | ">=") {
        return Ok(());
    }
    let message = format!("could not determine interpretation of row comparison operator {name}");
    Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
        .hint("Row comparison operators must be associated with btree operator families."))
}
