//! Functions in PL/pgSQL that are nothing but an expression after all: conditions, and what each way returns. A call that gets a
//! row's values becomes that expression, as one of a function in SQL does: the session, which makes calls before the
//! statement, has no rows then. (docs/decisions/plpgsql.md says what must not change by that.)
//!
//! `BEGIN IF a > 9 THEN RETURN 'large'; END IF; RETURN 'small'; END` → `CASE WHEN a > 9 THEN 'large' ELSE 'small' END`

use std::sync::Arc;

use sqlparser::ast;

use super::check::{children, substitute, walk};
use super::routine::{Inside, MAX_CALLS, Returns, plain_targets};
use super::{Analyzer, CastContext, Expr, ExprKind};
use crate::error::Result;
use crate::registry::Function;
use crate::sql::Context;
use crate::sql::parse::plpgsql::{self, CASE_VARIABLE, Fragment, Kind, Statement};
use crate::sql::parse::{self};
use crate::tree::{Body, Field, Query, RelId, Select, Statement as Analyzed};
use crate::types::{Oid, PgType, Value, oid};

/// How many ways a body may have: one behind an IF is there in each of its arms.
const MAX_WAYS: usize = 40;

/// What a body comes to.
enum Way<'b> {
    Return(&'b Fragment),
    /// IF, and CASE with what it looks at.
    Choice {
        operand: Option<&'b Fragment>,
        arms: Vec<(&'b Fragment, Way<'b>)>,
        otherwise: Box<Way<'b>>,
    },
}

/// The statements that come behind those of an arm.
struct Rest<'a, 'b> {
    statements: &'b [Statement],
    next: Option<&'a Rest<'a, 'b>>,
}

impl<'b> Way<'b> {
    /// `None` for what does more than choose and return, or ends without a value.
    fn of(statements: &'b [Statement], behind: Option<&Rest<'_, 'b>>, left: &mut usize) -> Option<Self> {
        *left = left.checked_sub(1)?;
        let Some((first, rest)) = statements.split_first() else {
            let behind = behind?;
            return Self::of(behind.statements, behind.next, left);
        };
        let next = Rest { statements: rest, next: behind };
        let mut choice = |operand, arms: &'b [(Fragment, Vec<Statement>)], otherwise: &'b [Statement]| {
            let mut taken = Vec::with_capacity(arms.len());
            for (condition, body) in arms {
                taken.push((condition, Self::of(body, Some(&next), left)?));
            }
            let otherwise = Box::new(Self::of(otherwise, Some(&next), left)?);
            Some(Self::Choice { operand, arms: taken, otherwise })
        };
        match &first.kind {
            Kind::Null => Self::of(rest, behind, left),
            Kind::Return(Some(value)) => Some(Self::Return(value)),
            Kind::If { arms, otherwise } => choice(None, arms, otherwise),
            // Without ELSE no arm is an error.
            Kind::Case { operand, arms, otherwise: Some(otherwise) } => choice(operand.as_ref(), arms, otherwise),
            _ => None,
        }
    }
}

/// Where a body's expressions are read.
struct Reading<'a> {
    ctx: &'a Context,
    function: &'a Arc<Function>,
    inside: Inside,
    returns: PgType,
}

impl Analyzer<'_> {
    /// The body of a call in PL/pgSQL, if its arguments are a row's and it is an expression: as one in SQL.
    pub(super) fn expression_of(
        &mut self,
        function: &Arc<Function>,
        args: &[Expr],
        returns: &Returns,
    ) -> Option<(RelId, Query, bool)> {
        let plain = !function.returns_set && !function.procedure && function.outputs().next().is_none();
        let scalar = returns.columns.is_empty() && returns.ty != oid::VOID;
        let own = function.definer || !function.settings.is_empty();
        if !plain || !scalar || own || !args.iter().any(of_row) || self.calls.contains(&function.oid) {
            return None;
        }
        if self.calls.len() >= MAX_CALLS {
            return None;
        }
        let block = plpgsql::parse_function(function.body.source.as_deref()?, function).ok()?;
        if !block.declarations.is_empty() || block.handlers.is_some() {
            return None;
        }
        let way = Way::of(&block.body, None, &mut MAX_WAYS.clone())?;
        // Nobody chooses for others what is kept means.
        let fixed = self.kept || !self.views.is_empty();
        let ctx = match fixed {
            true => Context { search_path: vec!["pg_catalog".into()].into(), ..super::kept::context(self.ctx) },
            false => self.ctx.clone(),
        };
        let types: Vec<Oid> = args.iter().map(|arg| arg.ty.oid).collect();
        let rel = self.new_rel();
        let inside = Inside::of(function, rel, &types);
        let reading = Reading { ctx: &ctx, function, inside, returns: PgType::new(returns.ty) };
        let value = self.way(&way, &reading).ok()??;
        let columns = vec![Field { name: "column".into(), ty: value.ty, origin: (0, 0), row: None }];
        let select = Select::of(vec![value], Vec::new());
        Some((rel, Query::of(Body::Select(Box::new(select)), columns, self.new_rel()), false))
    }

    fn way(&mut self, way: &Way<'_>, reading: &Reading<'_>) -> Result<Option<Expr>> {
        let to = reading.returns;
        match way {
            Way::Return(value) => {
                let Some(value) = self.piece(value, reading, None)? else { return Ok(None) };
                if matches!(value.kind, ExprKind::Const(Value::Null)) {
                    return Ok(Some(Expr { ty: to, ..value }));
                }
                self.coerce_to(value, to, CastContext::Assignment, false)
            }
            Way::Choice { operand, arms, otherwise } => {
                let operand = match operand {
                    None => None,
                    Some(operand) => match self.piece(operand, reading, None)? {
                        // It is there in each condition.
                        Some(operand) if !draws(&operand) => Some(operand),
                        _ => return Ok(None),
                    },
                };
                let mut whens = Vec::with_capacity(arms.len());
                for (condition, way) in arms {
                    let condition = self.piece(condition, reading, operand.as_ref())?;
                    let Some(condition) = condition.filter(|e| e.ty.oid == oid::BOOL) else { return Ok(None) };
                    let Some(value) = self.way(way, reading)? else { return Ok(None) };
                    whens.push((condition, value));
                }
                let Some(otherwise) = self.way(otherwise, reading)? else { return Ok(None) };
                let kind = ExprKind::Case { simple: false, whens, otherwise: Some(Box::new(otherwise)) };
                Ok(Some(Expr { kind, ty: to, pos: 0 }))
            }
        }
    }

    /// One of the body's expressions, if it is no query, does nothing and calls nothing that must be run.
    fn piece(&mut self, piece: &Fragment, reading: &Reading<'_>, operand: Option<&Expr>) -> Result<Option<Expr>> {
        let parse::Body::Statement(statement) = &*piece.parsed.body else { return Ok(None) };
        let ast::Statement::Query(query) = &**statement else { return Ok(None) };
        let mut inside = reading.inside.clone();
        let place = inside.count();
        if let Some(operand) = operand {
            inside.add(CASE_VARIABLE.into(), operand.ty);
        }
        let rel = inside.rel();
        let mut inner = self.inner(reading.ctx, &piece.parsed, reading.function.oid);
        inner.inside = Some(inside);
        let analyzed = inner.query_statement(query)?;
        if !inner.finish_params()?.is_empty() {
            return Ok(None);
        }
        let height = inner.height;
        let (next_rel, next_cte, relations, routines) =
            (inner.next_rel, inner.next_cte, inner.relations, inner.routines);
        (self.next_rel, self.next_cte, self.relations, self.routines) = (next_rel, next_cte, relations, routines);
        self.note_height(height)?;
        let Analyzed::Query(query) = analyzed else { return Ok(None) };
        let Some([target]) = plain_targets(&query) else { return Ok(None) };
        if !is_plain(target) {
            return Ok(None);
        }
        let mut target = target.clone();
        if let Some(operand) = operand {
            substitute(&mut target, rel, &|n| (usize::from(n) == place).then(|| operand.clone()));
        }
        Ok(Some(target))
    }
}

/// Is it made from a row around it?
fn of_row(arg: &Expr) -> bool {
    let mut found = false;
    let walked = walk(arg, 0, &mut |e, _| {
        found |= matches!(e.kind, ExprKind::Column { .. } | ExprKind::WholeRow(_));
        Ok(!found)
    });
    found && walked.is_ok()
}

/// Is an argument there, so that nothing is computed for it that could fail or do something?
pub(crate) fn is_there(arg: &Expr) -> bool {
    match &arg.kind {
        ExprKind::Column { .. } | ExprKind::WholeRow(_) | ExprKind::Const(_) | ExprKind::Param(_) => true,
        ExprKind::Cast { arg, how: crate::tree::CastHow::Relabel, .. } => is_there(arg),
        _ => false,
    }
}

/// What gives another value each time, and does nothing besides.
const DRAWS: [&str; 5] = ["random", "clock_timestamp", "timeofday", "gen_random_uuid", "uuid_generate_v4"];

fn draws(e: &Expr) -> bool {
    let mut found = false;
    let walked = walk(e, 0, &mut |e, _| {
        found |= match &e.kind {
            ExprKind::NextValue(_) => true,
            ExprKind::Call(call) | ExprKind::SetReturning(call) => call.func.volatility == b'v',
            _ => false,
        };
        Ok(!found)
    });
    found || walked.is_err()
}

fn is_plain(e: &Expr) -> bool {
    let mut plain = true;
    let walked = walk(e, 0, &mut |e, _| {
        plain &= match &e.kind {
            ExprKind::Exists(_)
            | ExprKind::ScalarSubquery(_)
            | ExprKind::ArraySubquery(_)
            | ExprKind::AnyAllSubquery { .. }
            | ExprKind::SetReturning(_)
            | ExprKind::NextValue(_)
            | ExprKind::Aggregate(_)
            | ExprKind::Window(_)
            | ExprKind::Extended { .. } => false,
            ExprKind::Call(call) => call.func.volatility != b'v' || DRAWS.contains(&call.func.name),
            ExprKind::Routine(r) => !r.pending && plain_targets(&r.body).is_some(),
            _ => true,
        };
        Ok(plain)
    });
    plain && walked.is_ok()
}

/// Is a parameter computed whatever way is taken?
pub(crate) fn is_always(e: &Expr, rel: RelId, n: u16) -> bool {
    let always = |e: &Expr| is_always(e, rel, n);
    match &e.kind {
        ExprKind::Column { rel: of, column } => *of == rel && *column == n,
        ExprKind::Call(call) => call.args.iter().any(always),
        ExprKind::And(parts) | ExprKind::Or(parts) | ExprKind::Coalesce(parts) => parts.first().is_some_and(always),
        ExprKind::Case { whens, .. } => whens.first().is_some_and(|(test, _)| always(test)),
        ExprKind::Cast { .. }
        | ExprKind::Not(_)
        | ExprKind::IsNull { .. }
        | ExprKind::IsBool { .. }
        | ExprKind::Collate { .. }
        | ExprKind::Distinct { .. }
        | ExprKind::NullIf { .. }
        | ExprKind::AnyAll { .. }
        | ExprKind::MinMax { .. }
        | ExprKind::Array { .. } => {
            let (mut below, mut queries) = (Vec::new(), Vec::new());
            children(e, &mut below, &mut queries);
            below.into_iter().any(always)
        }
        _ => false,
    }
}
