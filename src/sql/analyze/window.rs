//! Window definitions (transformWindowFuncCall, transformWindowDefinitions).

use sqlparser::ast::{self, Spanned};
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;

use super::query::sort_key;
use super::scope::Clause;
use super::{Analyzer, CastContext, Expr};
use crate::error::{Error, Result, SqlState};
use crate::sql::parse::fold;
use crate::sql::parse::rewrite;
use crate::tree::{Frame, FrameBound, FrameExclude, FrameUnits, WindowSpec};
use crate::types::{PgType, oid};

impl Analyzer<'_> {
    /// WINDOW name AS (…), …
    pub(crate) fn window_clause(&mut self, windows: &[ast::NamedWindowDefinition]) -> Result<()> {
        for ast::NamedWindowDefinition(name, definition) in windows {
            let folded = fold(name);
            if self.scope().windows.iter().any(|(n, _)| *n == folded) {
                let message = format!("window \"{folded}\" is already defined");
                return Err(Error::new(SqlState::WINDOWING_ERROR, message).at(self.pos(name.span)));
            }
            let spec = match definition {
                ast::NamedWindowExpr::NamedWindow(other) => self.named_window(other)?,
                ast::NamedWindowExpr::WindowSpec(spec) => self.window_spec(spec)?,
            };
            self.scope().windows.push((folded, spec));
        }
        Ok(())
    }

    fn named_window(&mut self, name: &ast::Ident) -> Result<WindowSpec> {
        let folded = fold(name);
        let found = self.scope().windows.iter().find(|(n, _)| *n == folded).map(|(_, s)| s.clone());
        let found = found.map(|s| WindowSpec { name: Some(folded.clone()), ..s });
        found.ok_or_else(|| {
            let message = format!("window \"{folded}\" does not exist");
            Error::new(SqlState::UNDEFINED_OBJECT, message).at(self.pos(name.span))
        })
    }

    pub(crate) fn over(&mut self, over: &ast::WindowType) -> Result<WindowSpec> {
        match over {
            ast::WindowType::NamedWindow(name) => self.named_window(name),
            ast::WindowType::WindowSpec(spec) => self.window_spec(spec),
        }
    }

    fn window_spec(&mut self, spec: &ast::WindowSpec) -> Result<WindowSpec> {
        let base = spec.window_name.as_ref().map(|n| self.named_window(n).map(|s| (n, s))).transpose()?;
        let mut partition_by = self.in_clause(Clause::WindowPartition, |a| {
            spec.partition_by
                .iter()
                .map(|e| {
                    let e = a.expr(e)?;
                    let e = a.resolve_unknown(e)?;
                    a.check_groupable(e.ty.oid, e.pos)?;
                    Ok(e)
                })
                .collect::<Result<Vec<_>>>()
        })?;
        let mut order_by = self.in_clause(Clause::WindowOrder, |a| {
            spec.order_by
                .iter()
                .map(|item| {
                    let e = a.expr(&item.expr)?;
                    let e = a.resolve_unknown(e)?;
                    a.check_sortable(e.ty.oid, e.pos)?;
                    Ok(sort_key(e, item))
                })
                .collect::<Result<Vec<_>>>()
        })?;
        let mut of = None;
        if let Some((name, base)) = base {
            let pos = self.pos(name.span);
            let refuse = |what: &str| {
                let message = format!("cannot override {what} of window \"{}\"", fold(name));
                Err(Error::new(SqlState::WINDOWING_ERROR, message).at(pos))
            };
            if !partition_by.is_empty() {
                return refuse("PARTITION BY clause");
            }
            if !order_by.is_empty() && !base.order_by.is_empty() {
                return refuse("ORDER BY clause");
            }
            if base.frame.is_some() {
                let message = format!("cannot copy window \"{}\" because it has a frame clause", fold(name));
                return Err(Error::new(SqlState::WINDOWING_ERROR, message).at(pos));
            }
            of = Some((fold(name), order_by.is_empty()));
            partition_by = base.partition_by;
            if order_by.is_empty() {
                order_by = base.order_by;
            }
        }
        let frame = match &spec.window_frame {
            Some(frame) => Some(self.frame(frame, &order_by)?),
            None => None,
        };
        Ok(WindowSpec { name: None, base: of, partition_by, order_by, frame })
    }

    fn frame(&mut self, frame: &ast::WindowFrame, order_by: &[crate::tree::SortKey]) -> Result<Frame> {
        let units = match frame.units {
            ast::WindowFrameUnits::Rows => FrameUnits::Rows,
            ast::WindowFrameUnits::Range => FrameUnits::Range,
            ast::WindowFrameUnits::Groups => FrameUnits::Groups,
        };
        let error = |message: &str| Err(Error::new(SqlState::WINDOWING_ERROR, message));
        let bounded = |b: &ast::WindowFrameBound| {
            matches!(b, ast::WindowFrameBound::Preceding(Some(_)) | ast::WindowFrameBound::Following(Some(_)))
        };
        let has_offset = bounded(&frame.start_bound) || frame.end_bound.as_ref().is_some_and(bounded);
        if units == FrameUnits::Groups && order_by.is_empty() {
            return error("GROUPS mode requires an ORDER BY clause");
        }
        if units == FrameUnits::Range && has_offset && order_by.len() != 1 {
            return error("RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column");
        }
        let key = order_by.first().map(|k| k.expr.ty);
        let start = self.bound(&frame.start_bound, units, key)?;
        let end = match &frame.end_bound {
            Some(bound) => self.bound(bound, units, key)?,
            None => FrameBound::CurrentRow,
        };
        if matches!(start, FrameBound::UnboundedFollowing) {
            return error("frame start cannot be UNBOUNDED FOLLOWING");
        }
        if matches!(end, FrameBound::UnboundedPreceding) {
            return error("frame end cannot be UNBOUNDED PRECEDING");
        }
        match (&start, &end) {
            (FrameBound::CurrentRow, FrameBound::Preceding(_)) => {
                return error("frame starting from current row cannot have preceding rows");
            }
            (FrameBound::Following(_), FrameBound::Preceding(_) | FrameBound::CurrentRow) => {
                return error("frame starting from following row cannot have preceding rows");
            }
            _ => {}
        }
        Ok(Frame { units, between: frame.end_bound.is_some(), start, end, exclude: self.frame_exclude(frame) })
    }

    /// EXCLUDE was taken out of the tokens; it belongs to the frame that ends just before its position.
    fn frame_exclude(&self, frame: &ast::WindowFrame) -> FrameExclude {
        let excludes = &self.parsed.extras.excludes;
        let offset = |b: &ast::WindowFrameBound| match b {
            ast::WindowFrameBound::Preceding(Some(e)) | ast::WindowFrameBound::Following(Some(e)) => {
                Some(self.pos_of(&**e))
            }
            _ => None,
        };
        // The last bound of a frame with EXCLUDE has an expression (see strip::place_last_bound).
        let Some(at) = offset(frame.end_bound.as_ref().unwrap_or(&frame.start_bound)) else {
            return FrameExclude::NoOthers;
        };
        let around = excludes.iter().filter(|(begins, ends, _)| *begins < at && at < *ends);
        around.min_by_key(|(_, ends, _)| *ends).map_or(FrameExclude::NoOthers, |(_, _, e)| *e)
    }

    fn bound(&mut self, bound: &ast::WindowFrameBound, units: FrameUnits, key: Option<PgType>) -> Result<FrameBound> {
        Ok(match bound {
            ast::WindowFrameBound::CurrentRow => FrameBound::CurrentRow,
            ast::WindowFrameBound::Preceding(None) => FrameBound::UnboundedPreceding,
            ast::WindowFrameBound::Following(None) => FrameBound::UnboundedFollowing,
            ast::WindowFrameBound::Following(Some(e)) | ast::WindowFrameBound::Preceding(Some(e))
                if is_mark(e, rewrite::CURRENT_ROW) =>
            {
                FrameBound::CurrentRow
            }
            ast::WindowFrameBound::Preceding(Some(e)) if is_mark(e, rewrite::UNBOUNDED) => {
                FrameBound::UnboundedPreceding
            }
            ast::WindowFrameBound::Following(Some(e)) if is_mark(e, rewrite::UNBOUNDED) => {
                FrameBound::UnboundedFollowing
            }
            ast::WindowFrameBound::Preceding(Some(e)) => FrameBound::Preceding(Box::new(self.offset(e, units, key)?)),
            ast::WindowFrameBound::Following(Some(e)) => FrameBound::Following(Box::new(self.offset(e, units, key)?)),
        })
    }

    /// A string by itself, which sqlparser takes for an interval whatever it is.
    fn bare_string<'e>(&self, expr: &'e ast::Expr) -> Option<&'e ast::Expr> {
        let ast::Expr::Interval(ast::Interval { value, leading_field: None, last_field: None, .. }) = expr else {
            return None;
        };
        let start = value.span().start;
        let at = self.parsed.tokens.iter().position(|t| t.span.start == start)?;
        let before = self.parsed.tokens.get(at.checked_sub(1)?)?;
        let interval = matches!(&before.token, Token::Word(w) if w.keyword == Keyword::INTERVAL);
        (!interval).then_some(&**value)
    }

    /// An offset: bigint for ROWS and GROUPS; for RANGE the type that in_range takes for the sort key's.
    fn offset(&mut self, expr: &ast::Expr, units: FrameUnits, key: Option<PgType>) -> Result<Expr> {
        let expr = self.bare_string(expr).unwrap_or(expr);
        let expr = self.in_clause(Clause::WindowFrame, |a| a.expr(expr))?;
        let own = self.scopes.last().map(|s| s.rels.clone()).unwrap_or_default();
        if let Some(pos) = super::check::first_column_of(&expr, &own) {
            let word = match units {
                FrameUnits::Rows => "ROWS",
                FrameUnits::Range => "RANGE",
                FrameUnits::Groups => "GROUPS",
            };
            let message = format!("argument of {word} must not contain variables");
            return Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message).at(pos));
        }
        match (units, key) {
            (FrameUnits::Rows, _) => self.coerce_specific(expr, oid::INT8, "ROWS"),
            (FrameUnits::Groups, _) => self.coerce_specific(expr, oid::INT8, "GROUPS"),
            (FrameUnits::Range, Some(key)) => {
                let wanted = match key.oid {
                    oid::DATE | oid::TIMESTAMP | oid::TIMESTAMPTZ | oid::TIME | oid::TIMETZ | oid::INTERVAL => {
                        oid::INTERVAL
                    }
                    oid::FLOAT4 => oid::FLOAT8,
                    // in_range(int4, int4, int8) and kin.
                    oid::INT2 | oid::INT4 if matches!(expr.ty.oid, oid::INT2 | oid::INT4 | oid::INT8) => expr.ty.oid,
                    oid::INT2 | oid::INT4 | oid::INT8 | oid::FLOAT8 | oid::NUMERIC => key.oid,
                    other => {
                        let message = format!(
                            "RANGE with offset PRECEDING/FOLLOWING is not supported for column type {}",
                            self.type_name(other)
                        );
                        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(expr.pos));
                    }
                };
                let pos = expr.pos;
                let from = expr.ty.oid;
                self.coerce_to(expr, PgType::new(wanted), CastContext::Implicit, false)?.ok_or_else(|| {
                    let message = format!(
                        "RANGE with offset PRECEDING/FOLLOWING is not supported for column type {} and offset type {}",
                        self.type_name(key.oid),
                        self.type_name(from)
                    );
                    Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
                        .hint("Cast the offset value to an appropriate type.")
                        .at(pos)
                })
            }
            (FrameUnits::Range, None) => Err(Error::new(
                SqlState::WINDOWING_ERROR,
                "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column",
            )),
        }
    }
}

/// True if a frame's bound is one of the parser's marks.
fn is_mark(expr: &ast::Expr, mark: &str) -> bool {
    matches!(expr, ast::Expr::Identifier(ident) if ident.value == mark)
}
