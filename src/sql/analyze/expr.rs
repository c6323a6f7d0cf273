//! Expressions (transformExpr): names, constants, operators and the constructs that have a node of their own.

use sqlparser::ast::{self, AccessExpr, BinaryOperator, Spanned, UnaryOperator};

use super::{Analyzer, CastContext, Expr, ExprKind};
use crate::error::{Error, Result, SqlState};
use crate::sql::parse::fold;
use crate::tree::{BoolTest, Subscript};
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
                let ty = self.data_type(&typed.data_type)?;
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

    /// An unqualified name: a column, or a whole row of a relation.
    fn identifier(&mut self, ident: &ast::Ident) -> Result<Expr> {
        let name = fold(ident);
        let pos = self.pos(ident.span);
        if ident.quote_style.is_none() && &*name == "default" {
            return Err(Error::syntax("DEFAULT is not allowed in this context").at(pos));
        }
        if let Some(column) = self.find_column(&name, pos)? {
            return Ok(column);
        }
        if let Some(row) = self.whole_row(None, &name, pos)? {
            return Ok(row);
        }
        // System columns need no qualification.
        let items = self.scopes.iter().rev().flat_map(|s| &s.items);
        if let Some(column) = items.filter(|i| i.cols_visible).find_map(|i| self.system_column(i, &name, pos)) {
            return Ok(column);
        }
        if self.scopes.iter().any(|s| s.items.iter().any(|i| i.rel.is_some_and(|r| self.rel_tables.contains_key(&r)))) {
            Self::refuse_system_column(&name, pos)?;
        }
        Err(self.missing_column(None, &name, pos))
    }

    fn whole_row(&mut self, namespace: Option<&str>, name: &str, pos: u32) -> Result<Option<Expr>> {
        let Some(item) = self.find_item(namespace, name, pos)? else { return Ok(None) };
        let Some(rel) = item.rel else { return Ok(None) };
        // A function with one plain result stands for its value, not for a row.
        if item.row_type == oid::RECORD && item.columns.len() == 1 && self.function_rels.contains(&rel) {
            return Ok(Some(super::scope::at(item.columns[0].expr.clone(), pos)));
        }
        Ok(Some(Expr { kind: ExprKind::WholeRow(rel), ty: PgType::new(item.row_type), pos }))
    }

    /// `t.a`, `n.t.a`, `db.n.t.a`.
    fn dotted(&mut self, idents: &[ast::Ident]) -> Result<Expr> {
        let pos = idents.first().map_or(0, |i| self.pos(i.span));
        let folded: Vec<_> = idents.iter().map(fold).collect();
        let (namespace, relation, column) = match folded.as_slice() {
            [relation, column] => (None, relation, column),
            [namespace, relation, column] => (Some(namespace), relation, column),
            [database, namespace, relation, column] => {
                if *database != self.ctx.snapshot.database {
                    let message = format!("cross-database references are not implemented: {}", folded.join("."));
                    return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(pos));
                }
                (Some(namespace), relation, column)
            }
            _ => {
                let message = format!("improper qualified name (too many dotted names): {}", folded.join("."));
                return Err(Error::syntax(message).at(pos));
            }
        };
        let namespace = namespace.map(|n| &**n);
        let Some(item) = self.find_item(namespace, relation, pos)? else {
            return Err(self.missing_relation(namespace, relation, pos));
        };
        if let Some(found) = item.columns.iter().find(|c| c.name == *column) {
            if item.columns.iter().filter(|c| c.name == *column).count() > 1 {
                let message = format!("column reference \"{column}\" is ambiguous");
                return Err(Error::new(SqlState::AMBIGUOUS_COLUMN, message).at(pos));
            }
            return Ok(super::scope::at(found.expr.clone(), pos));
        }
        if let Some(column) = self.system_column(item, column, pos) {
            return Ok(column);
        }
        if item.rel.is_some_and(|r| self.rel_tables.contains_key(&r)) {
            Self::refuse_system_column(column, pos)?;
        }
        Err(self.missing_column(Some(relation), column, pos))
    }

    /// `root.field[…]…`.
    fn access(&mut self, root: &ast::Expr, chain: &[AccessExpr]) -> Result<Expr> {
        let pos = self.pos_of(root);
        // Leading names are a column reference: `t.a[1]`.
        let mut idents = Vec::new();
        let mut rest = chain;
        if let ast::Expr::Identifier(ident) = root {
            idents.push(ident.clone());
            while let [AccessExpr::Dot(ast::Expr::Identifier(next)), more @ ..] = rest {
                idents.push(next.clone());
                rest = more;
            }
        }
        if matches!(root, ast::Expr::Value(_)) {
            // A constant takes subscripts in parentheses only.
            let at = self.pos_after(root.span(), "[");
            return Err(Error::syntax("syntax error at or near \"[\"").at(at));
        }
        let mut value = match idents.len() {
            0 => self.expr(root)?,
            1 => self.identifier(&idents[0])?,
            _ => self.dotted(&idents)?,
        };
        while let Some(next) = rest.first() {
            match next {
                AccessExpr::Dot(ast::Expr::Identifier(field)) => {
                    value = self.field(value, field)?;
                    rest = &rest[1..];
                }
                AccessExpr::Dot(_) => return Err(Error::unsupported("this field access").at(pos)),
                AccessExpr::Subscript(_) => {
                    let count = rest.iter().take_while(|a| matches!(a, AccessExpr::Subscript(_))).count();
                    value = self.subscripts(value, &rest[..count])?;
                    rest = &rest[count..];
                }
            }
        }
        Ok(value)
    }

    fn field(&mut self, row: Expr, field: &ast::Ident) -> Result<Expr> {
        let name = fold(field);
        let pos = self.pos(field.span);
        if let ExprKind::WholeRow(rel) = row.kind {
            let item = self.scopes.iter().rev().flat_map(|s| &s.items).find(|i| i.rel == Some(rel));
            if let Some(column) = item.and_then(|i| i.columns.iter().find(|c| c.name == name)) {
                return Ok(super::scope::at(column.expr.clone(), row.pos));
            }
            if let Some(item) = item {
                return Err(self.missing_column(Some(&item.alias), &name, row.pos));
            }
        }
        let fields = self.row_fields(&row);
        if let Some(i) = fields.iter().position(|(n, _)| *n == name) {
            let ty = fields[i].1;
            let pos = row.pos;
            return Ok(Expr { kind: ExprKind::Field { row: Box::new(row), field: i as u16 }, ty, pos });
        }
        let message = if fields.is_empty() {
            if row.ty.oid == oid::RECORD {
                format!("could not identify column \"{name}\" in record data type")
            } else {
                let shown = self.type_name(row.ty.oid);
                let message = format!("column notation .{name} applied to type {shown}, which is not a composite type");
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message).at(row.pos));
            }
        } else {
            format!("column \"{name}\" not found in data type {}", self.type_name(row.ty.oid))
        };
        Err(Error::new(SqlState::UNDEFINED_COLUMN, message).at(pos))
    }

    /// transformContainerSubscripts.
    fn subscripts(&mut self, array: Expr, chain: &[AccessExpr]) -> Result<Expr> {
        let pos = array.pos;
        if array.ty.oid == oid::JSONB {
            return self.jsonb_subscripts(array, chain);
        }
        let base = self.base_type(array.ty);
        let element = match self.type_facts(base.oid).element {
            0 => match base.oid {
                oid::INT2VECTOR => oid::INT2,
                oid::OIDVECTOR => oid::OID,
                _ => {
                    let shown = self.type_name(array.ty.oid);
                    let message = format!("cannot subscript type {shown} because it does not support subscripting");
                    return Err(Error::new(SqlState::DATATYPE_MISMATCH, message).at(pos));
                }
            },
            element => element,
        };
        let mut indices = Vec::with_capacity(chain.len());
        let mut slice = false;
        for access in chain {
            let AccessExpr::Subscript(subscript) = access else { continue };
            indices.push(match subscript {
                ast::Subscript::Index { index } => Subscript::Index(self.subscript_index(index)?),
                ast::Subscript::Slice { lower_bound, upper_bound, stride } => {
                    if stride.is_some() {
                        return Err(Error::syntax("syntax error").at(pos));
                    }
                    slice = true;
                    let lower = lower_bound.as_ref().map(|e| self.subscript_index(e)).transpose()?;
                    let upper = upper_bound.as_ref().map(|e| self.subscript_index(e)).transpose()?;
                    Subscript::Slice(lower, upper)
                }
            });
        }
        if slice {
            // One slice makes all of them slices: `a[2]` reads as `a[1:2]`.
            for index in &mut indices {
                if let Subscript::Index(upper) = index {
                    let one =
                        Expr { kind: ExprKind::Const(Value::Int4(1)), ty: PgType::new(oid::INT4), pos: upper.pos };
                    *index = Subscript::Slice(Some(one), Some(upper.clone()));
                }
            }
        }
        let ty = if slice { base } else { PgType::with(element, array.ty.typmod) };
        Ok(Expr { kind: ExprKind::Subscript { array: Box::new(array), indices }, ty, pos })
    }

    fn subscript_index(&mut self, index: &ast::Expr) -> Result<Expr> {
        let index = self.expr(index)?;
        let pos = index.pos;
        self.coerce_to(index, PgType::new(oid::INT4), CastContext::Assignment, false)?
            .ok_or_else(|| Error::new(SqlState::DATATYPE_MISMATCH, "array subscript must have type integer").at(pos))
    }

    /// `j['key']`, `j[1]`: the same as `->`.
    fn jsonb_subscripts(&mut self, mut value: Expr, chain: &[AccessExpr]) -> Result<Expr> {
        for access in chain {
            let AccessExpr::Subscript(ast::Subscript::Index { index }) = access else {
                let message = "jsonb subscript does not support slices";
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, message).at(value.pos));
            };
            let index = self.expr(index)?;
            let wanted = if index.ty.oid == oid::INT4 { oid::INT4 } else { oid::TEXT };
            let (from, pos) = (index.ty.oid, index.pos);
            let index = self.coerce_to(index, PgType::new(wanted), CastContext::Implicit, false)?.ok_or_else(|| {
                let message = format!("subscript type {} is not supported", self.type_name(from));
                Error::new(SqlState::DATATYPE_MISMATCH, message)
                    .hint("jsonb subscript must be coercible to either integer or text.")
                    .at(pos)
            })?;
            let pos = value.pos;
            value = self.operator("->", Some(value), index, pos)?;
        }
        Ok(value)
    }

    fn cast_expr(&mut self, kind: &ast::CastKind, arg: &ast::Expr, ty: &ast::DataType) -> Result<Expr> {
        let (at, type_pos) = self.cast_pos(arg);
        let target = self.data_type(ty).map_err(|e| e.at(type_pos))?;
        let pos = match kind {
            ast::CastKind::DoubleColon => at,
            ast::CastKind::Cast => self.pos_of_word("cast", arg.span()),
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
        let pos = self.pos_after(rest.span(), name);
        Ok(boolean(if *op == BinaryOperator::And { ExprKind::And(args) } else { ExprKind::Or(args) }, pos))
    }

    fn binary(&mut self, left: &ast::Expr, op: &BinaryOperator, right: &ast::Expr) -> Result<Expr> {
        let pos = self.operator_pos(left, op);
        let name = self.operator_name(op, pos)?;
        if *op == BinaryOperator::Overlaps {
            return self.overlaps(left, right, pos);
        }
        if let (Some(l), Some(r)) = (row_items(left), row_items(right)) {
            return self.row_compare(&name, l, r, pos);
        }
        if row_items(left).is_some() && matches!(right, ast::Expr::Subquery(_)) {
            return Err(Error::unsupported("a comparison of a row with a subquery's row").at(pos));
        }
        let left = self.expr(left)?;
        let right = self.expr(right)?;
        self.operator(&name, Some(left), right, pos)
    }

    /// The operator's text; `OPERATOR(n.op)` must name pg_catalog.
    pub(crate) fn operator_name(&self, op: &BinaryOperator, pos: u32) -> Result<String> {
        match op {
            BinaryOperator::PGCustomBinaryOperator(parts) => match parts.as_slice() {
                [name] => Ok(name.clone()),
                [namespace, name] if namespace.eq_ignore_ascii_case("pg_catalog") => Ok(name.clone()),
                // No other namespace has operators: the lookup fails under the qualified name.
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
            BinaryOperator::PGCustomBinaryOperator(_) => self.pos_after(left.span(), "operator"),
            op => self.pos_after(left.span(), &op.to_string()),
        }
    }

    fn unary(&mut self, op: &UnaryOperator, arg: &ast::Expr) -> Result<Expr> {
        let pos = self.pos_before(arg.span());
        if let (UnaryOperator::Minus, ast::Expr::Value(v)) = (op, arg)
            && let ast::Value::Number(digits, _) = &v.value
        {
            // The grammar folds the sign into the constant (doNegate).
            return self.number(&format!("-{digits}"), pos);
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
        let pos = self.pos_after(arg.span(), "is");
        let arg = self.expr(arg)?;
        Ok(boolean(ExprKind::IsNull { arg: Box::new(arg), not }, pos))
    }

    fn is_bool(&mut self, arg: &ast::Expr, test: BoolTest, not: bool, name: &str) -> Result<Expr> {
        let pos = self.pos_after(arg.span(), "is");
        let arg = self.expr(arg)?;
        let arg = self.coerce_boolean(arg, name)?;
        Ok(boolean(ExprKind::IsBool { arg: Box::new(arg), test, not }, pos))
    }

    fn distinct(&mut self, left: &ast::Expr, right: &ast::Expr, not: bool) -> Result<Expr> {
        let pos = self.pos_after(left.span(), "is");
        if row_items(left).is_some() && row_items(right).is_some() {
            return Err(Error::unsupported("IS DISTINCT FROM between rows").at(pos));
        }
        let left = self.expr(left)?;
        let right = self.expr(right)?;
        // A literal NULL on one side is a test for NULL (make_nulltest_from_distinct).
        for (null, other) in [(&left, &right), (&right, &left)] {
            if matches!(null.kind, ExprKind::Const(Value::Null)) && null.ty.oid == oid::UNKNOWN {
                return Ok(boolean(ExprKind::IsNull { arg: Box::new(other.clone()), not: !not }, pos));
            }
        }
        let found = self.find_operator("=", Some(left.ty.oid), right.ty.oid, pos)?;
        let left = self.coerce_type(left, PgType::new(found.args[0]), CastContext::Implicit, false)?;
        let right = self.coerce_type(right, PgType::new(found.args[1]), CastContext::Implicit, false)?;
        Ok(boolean(ExprKind::Distinct { eq: found.func, left: Box::new(left), right: Box::new(right), not }, pos))
    }

    /// transformAExprIn: constants become one `= ANY (ARRAY[…])`, what reads columns is compared one by one.
    fn in_list(&mut self, left: &ast::Expr, list: &[ast::Expr], negated: bool) -> Result<Expr> {
        let pos = self.pos_after(left.span(), if negated { "not" } else { "in" });
        let name = if negated { "<>" } else { "=" };
        if let Some(items) = row_items(left) {
            let mut tests = Vec::with_capacity(list.len());
            for item in list {
                let Some(right) = row_items(item) else {
                    return Err(Error::unsupported("IN with a row and what is no row").at(pos));
                };
                tests.push(self.row_compare(name, items, right, pos)?);
            }
            return Ok(join_tests(tests, negated, pos));
        }
        let arg = self.expr(left)?;
        let mut constants = Vec::new();
        let mut variables = Vec::new();
        for item in list {
            let item = self.expr(item)?;
            if has_column(&item) { variables.push(item) } else { constants.push(item) }
        }
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
        let pos = self.pos_after(arg.span(), if negated { "not" } else { "between" });
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
        let otherwise = default.filter(|_| written).map(Box::new);
        Ok(Expr { kind: ExprKind::Case { whens, otherwise }, ty, pos })
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
            Some(wanted) => wanted,
            None if items.is_empty() => {
                return Err(Error::new(SqlState::INDETERMINATE_DATATYPE, "cannot determine type of empty array")
                    .hint("Explicitly cast to the desired type, for example ARRAY[]::integer[].")
                    .at(pos));
            }
            None => {
                let common = self.common_type_of_exprs(&items, "ARRAY")?;
                if self.type_facts(common.oid).element != 0 {
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
        array.elem.first().map_or_else(|| self.pos_of_words("array", "["), |e| self.pos_of_word("array", e.span()))
    }

    pub(crate) fn row(&mut self, items: &[ast::Expr], pos: u32) -> Result<Expr> {
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            let item = self.expr(item)?;
            out.push(self.resolve_unknown(item)?);
        }
        Ok(Expr { kind: ExprKind::Row(out), ty: PgType::new(oid::RECORD), pos })
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
        if !matches!(name, "=" | "<>" | "<" | "<=" | ">" | ">=") {
            let message = format!("could not determine interpretation of row comparison operator {name}");
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
                .hint("Row comparison operators must be associated with btree operator families.")
                .at(pos));
        }
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
        let pos = self.pos_after(arg.span(), "collate");
        let (namespace, name, _) = self.name_parts(collation)?;
        let arg = self.expr(arg)?;
        let collation = match (namespace.as_deref(), &*name) {
            (None | Some("pg_catalog"), "default") => 100,
            (None | Some("pg_catalog"), "C") => 950,
            (None | Some("pg_catalog"), "POSIX") => 951,
            (None | Some("pg_catalog"), "ucs_basic") => 12340,
            (namespace, name) => {
                let shown = namespace.map_or_else(|| name.to_owned(), |n| format!("{n}.{name}"));
                let message = format!("collation \"{shown}\" for encoding \"UTF8\" does not exist");
                return Err(Error::new(SqlState::UNDEFINED_OBJECT, message).at(pos));
            }
        };
        let category = self.type_facts(arg.ty.oid).category;
        if !matches!(category, b'S' | b'X' | b'A') {
            let message = format!("collations are not supported by type {}", self.type_name(arg.ty.oid));
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message).at(pos));
        }
        let ty = arg.ty;
        Ok(Expr { kind: ExprKind::Collate { arg: Box::new(arg), collation }, ty, pos })
    }
}

/// The items of `(a, b)` or `ROW(a, b)`.
pub(crate) fn row_items(expr: &ast::Expr) -> Option<&[ast::Expr]> {
    match expr {
        ast::Expr::Tuple(items) => Some(items),
        _ => None,
    }
}

fn join_tests(mut tests: Vec<Expr>, negated: bool, pos: u32) -> Expr {
    match (tests.pop(), tests.is_empty()) {
        (Some(only), true) => only,
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
