//! Constructs with a syntax of their own that are functions underneath: LIKE, EXTRACT, TRIM, AT TIME ZONE …

use sqlparser::ast;

use super::expr::{boolean, row_items, unknown_text};
use super::types::interval_fields;
use super::{Analyzer, CastContext, Expr, ExprKind};
use crate::error::{Error, Result, SqlState};
use crate::types::coded::is_orderless;
use crate::types::{PgType, oid};

impl Analyzer<'_> {
    /// Expressions that `expr` leaves to this module.
    pub(crate) fn special(&mut self, expr: &ast::Expr) -> Result<Expr> {
        use ast::Expr as E;
        match expr {
            E::Like { negated, any, expr, pattern, escape_char } => {
                let name = if *negated { "!~~" } else { "~~" };
                self.like(name, *any, expr, pattern, escape_char.as_ref(), "like_escape")
            }
            E::ILike { negated, any, expr, pattern, escape_char } => {
                let name = if *negated { "!~~*" } else { "~~*" };
                self.like(name, *any, expr, pattern, escape_char.as_ref(), "like_escape")
            }
            E::SimilarTo { negated, expr, pattern, escape_char } => {
                self.similar_to(*negated, expr, pattern, escape_char.as_ref())
            }
            E::AtTimeZone { timestamp, time_zone } => {
                let pos = self.pos_after(timestamp, "at");
                let args = [&**time_zone, &**timestamp];
                self.call_with("timezone", &args, pos)
            }
            E::Extract { field, expr, .. } => {
                let pos = self.pos_of_word("extract", expr);
                let field = match field {
                    ast::DateTimeField::Custom(ident) => ident.value.to_lowercase(),
                    other => other.to_string().to_lowercase(),
                };
                let arg = self.expr(expr)?;
                self.call_syntax("extract", vec![unknown_text(&field, pos), arg], pos)
            }
            E::Ceil { expr, field } => self.rounding("ceil", expr, field),
            E::Floor { expr, field } => self.rounding("floor", expr, field),
            E::Position { expr, r#in } => {
                let pos = self.pos_of_word("position", expr);
                self.call_with("position", &[&**r#in, &**expr], pos)
            }
            E::Substring { expr, substring_from, substring_for, special, shorthand } => {
                self.substring(expr, substring_from.as_deref(), substring_for.as_deref(), *special, *shorthand)
            }
            E::Trim { trim_where, trim_what, expr, trim_characters } => {
                let name = match trim_where {
                    Some(ast::TrimWhereField::Leading) => "ltrim",
                    Some(ast::TrimWhereField::Trailing) => "rtrim",
                    Some(ast::TrimWhereField::Both) | None => "btrim",
                };
                let pos = self.pos_of_word("trim", expr);
                let mut args = vec![&**expr];
                args.extend(trim_what.as_deref());
                args.extend(trim_characters.iter().flatten());
                self.call_with(name, &args, pos)
            }
            E::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
                let pos = self.pos_of_word("overlay", expr);
                let mut args = vec![&**expr, &**overlay_what, &**overlay_from];
                args.extend(overlay_for.as_deref());
                self.call_with("overlay", &args, pos)
            }
            E::IsNormalized { expr, form, negated } => {
                let pos = self.pos_after(expr, "is");
                let arg = self.expr(expr)?;
                let mut args = vec![arg];
                args.extend(form.map(|f| unknown_text(&f.to_string(), pos)));
                let test = self.call_syntax("is_normalized", args, pos)?;
                Ok(if *negated { boolean(ExprKind::Not(Box::new(test)), pos) } else { test })
            }
            E::Named { expr, .. } => {
                let pos = self.pos_of_word("variadic", expr);
                Err(Error::syntax("syntax error at or near \"variadic\"").at(pos))
            }
            E::Dictionary(fields) => {
                let pos = fields.first().map_or(0, |field| self.pos(field.key.span));
                Err(Error::syntax("syntax error at or near \"{\"").at(pos.saturating_sub(1)))
            }
            E::Wildcard(token) => Err(Error::syntax("syntax error at or near \"*\"").at(self.pos(token.0.span))),
            E::QualifiedWildcard(relation, _) => self.starred_relation(relation),
            other => {
                let text = other.to_string();
                let word = text.split_whitespace().next().unwrap_or_default().to_owned();
                Err(Error::unsupported(format!("the expression {word} …")).at(self.pos_of(other)))
            }
        }
    }

    /// A call in the SQL standard's syntax with arguments still to be analyzed.
    fn call_with(&mut self, name: &str, args: &[&ast::Expr], pos: u32) -> Result<Expr> {
        let args = args.iter().map(|a| self.expr(a)).collect::<Result<Vec<_>>>()?;
        self.call_syntax(name, args, pos)
    }

    fn like(
        &mut self,
        name: &str,
        any: bool,
        left: &ast::Expr,
        pattern: &ast::Expr,
        escape: Option<&ast::ValueWithSpan>,
        escape_function: &str,
    ) -> Result<Expr> {
        let word = match name {
            "~~" => "like",
            "~~*" => "ilike",
            _ => "not",
        };
        let pos = self.pos_after(left, word);
        if any {
            let left = self.expr(left)?;
            let array = self.expr(pattern)?;
            return self.array_operator(name, false, left, array, pos);
        }
        let left = self.expr(left)?;
        let mut pattern = self.expr(pattern)?;
        if let Some(escape) = escape {
            let escape = self.value(escape)?;
            pattern = self.call_by_name(escape_function, vec![pattern, escape], pos)?;
        }
        self.operator(name, Some(left), pattern, pos)
    }

    fn similar_to(
        &mut self,
        negated: bool,
        left: &ast::Expr,
        pattern: &ast::Expr,
        escape: Option<&ast::ValueWithSpan>,
    ) -> Result<Expr> {
        let pos = self.pos_after(left, if negated { "not" } else { "similar" });
        let left = self.expr(left)?;
        let mut args = vec![self.expr(pattern)?];
        if let Some(escape) = escape {
            args.push(self.value(escape)?);
        }
        let pattern = self.call_by_name("similar_to_escape", args, pos)?;
        self.operator(if negated { "!~" } else { "~" }, Some(left), pattern, pos)
    }

    fn rounding(&mut self, name: &str, arg: &ast::Expr, field: &ast::CeilFloorKind) -> Result<Expr> {
        let pos = self.pos_of_word(name, arg);
        match field {
            ast::CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime) => {
                let arg = self.expr(arg)?;
                self.call_unqualified(name, vec![arg], pos)
            }
            _ => Err(Error::syntax(format!("function {name} takes one argument")).at(pos)),
        }
    }

    fn substring(
        &mut self,
        arg: &ast::Expr,
        from: Option<&ast::Expr>,
        length: Option<&ast::Expr>,
        commas: bool,
        shorthand: bool,
    ) -> Result<Expr> {
        let name = if shorthand { "substr" } else { "substring" };
        let pos = self.pos_of_word(name, arg);
        let mut args = vec![self.expr(arg)?];
        match (from, length) {
            (Some(from), _) => args.push(self.expr(from)?),
            // SUBSTRING(x FOR n) begins at 1.
            (None, Some(_)) => args.push(self.number("1", pos)?),
            (None, None) => return self.call_unqualified(name, args, pos),
        }
        if let Some(length) = length {
            let length = self.expr(length)?;
            args.push(if from.is_none() { self.explicit_cast(length, PgType::new(oid::INT4), pos)? } else { length });
        }
        if commas || shorthand {
            return self.call_unqualified(name, args, pos);
        }
        self.call_syntax(name, args, pos)
    }

    /// `interval '…' fields`, `interval(p) '…'`.
    pub(crate) fn interval(&mut self, interval: &ast::Interval) -> Result<Expr> {
        let literal = self.expr(&interval.value)?;
        let pos = self.pos_before(&interval.value);
        if literal.ty.oid != oid::UNKNOWN {
            return Err(Error::syntax("syntax error").at(literal.pos));
        }
        let mut typmod = -1;
        if let Some(first) = &interval.leading_field {
            typmod = interval_fields(first, interval.last_field.as_ref())
                .ok_or_else(|| Error::syntax("syntax error").at(literal.pos))?;
        }
        if let Some(precision) = interval.fractional_seconds_precision.or(interval.leading_precision) {
            let range = if typmod < 0 { 0x7fff << 16 } else { typmod & !0xffff };
            typmod = range | precision.min(6) as i32;
        }
        self.explicit_cast(literal, PgType::with(oid::INTERVAL, typmod), pos)
    }

    /// `(a, b) OVERLAPS (c, d)`.
    pub(crate) fn overlaps(&mut self, left: &ast::Expr, right: &ast::Expr, pos: u32) -> Result<Expr> {
        let (Some(l), Some(r)) = (row_items(left), row_items(right)) else {
            return Err(Error::syntax("syntax error at or near \"OVERLAPS\"").at(pos));
        };
        for (items, side) in [(&l, "left"), (&r, "right")] {
            if items.len() != 2 {
                let message = format!("wrong number of parameters on {side} side of OVERLAPS expression");
                return Err(Error::syntax(message).at(pos));
            }
        }
        let args: Vec<&ast::Expr> = l.iter().chain(r.iter()).collect();
        self.call_with("overlaps", &args, pos)
    }

    /// COALESCE, GREATEST, LEAST.
    pub(crate) fn min_max_coalesce(&mut self, name: &str, args: &[&ast::Expr], pos: u32) -> Result<Expr> {
        let before = self.sets;
        let exprs = args.iter().map(|a| self.expr(a)).collect::<Result<Vec<_>>>()?;
        let context = name.to_uppercase();
        if name == "coalesce" {
            self.refuse_sets(before, "set-returning functions are not allowed in COALESCE")?;
        }
        let (exprs, ty) = self.unify(exprs, &context)?;
        if name != "coalesce" && (is_orderless(self.base_oid(ty.oid)) || self.orderless_element(ty.oid).is_some()) {
            let of = self.orderless_element(ty.oid).unwrap_or(ty.oid);
            let message = format!("could not identify a comparison function for type {}", self.type_name(of));
            return Err(Error::new(SqlState::UNDEFINED_FUNCTION, message));
        }
        let kind = match name {
            "coalesce" => ExprKind::Coalesce(exprs),
            _ => ExprKind::MinMax { greatest: name == "greatest", args: exprs },
        };
        Ok(Expr { kind, ty, pos })
    }

    /// NULLIF: the type is the left side's, after it took the operator's.
    pub(crate) fn null_if(&mut self, left: &ast::Expr, right: &ast::Expr, pos: u32) -> Result<Expr> {
        let (left, right) = (self.expr(left)?, self.expr(right)?);
        let found = self.find_operator("=", Some(left.ty.oid), right.ty.oid, pos)?;
        if found.result != oid::BOOL {
            let message = "NULLIF requires = operator to yield boolean";
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message).at(pos));
        }
        let left = self.coerce_type(left, PgType::new(found.args[0]), CastContext::Implicit, false)?;
        let right = self.coerce_type(right, PgType::new(found.args[1]), CastContext::Implicit, false)?;
        let ty = left.ty;
        let kind = ExprKind::NullIf { eq: found.func, left: Box::new(left), right: Box::new(right) };
        Ok(Expr { kind, ty, pos })
    }
}
