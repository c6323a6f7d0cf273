//! Expressions that tables keep and that run later, with other people's statements: defaults, checks, generated columns,
//! index keys and predicates, and the one that a change of type runs at once. They are expressions over one row: no
//! subqueries, aggregates, window functions or sets (PostgreSQL's EXPR_KIND_… of these places).
//!
//! The rules hold whenever such an expression is analyzed, so also for what schema files say and what the store kept.

use std::sync::Arc;

use super::Analyzer;
use super::check::walk;
use super::kept::{self, Names, Place};
use super::scope::{Clause, Scope};
use crate::error::{Error, Result, SqlState};
use crate::facts::{self, Proc};
use crate::registry::draft::{NewColumn, NewTable};
use crate::registry::{Change, Managed, Relation, build};
use crate::sql::{Context, calls, parse};
use crate::tree::{CastHow, Expr, ExprKind, NewConstraint, NewConstraintKind, RelColumn, RelId};
use crate::types::{Oid, PgType, Value, oid};

/// Where a kept expression stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    Default,
    /// A CHECK of a table or a domain.
    Check,
    Generated,
    IndexExpression,
    IndexPredicate,
    /// ALTER COLUMN … TYPE … USING.
    Transform,
    /// A policy's USING or WITH CHECK.
    Policy,
    /// What a role reads in the place of a column.
    Mask,
    PartitionKey,
    PartitionBound,
}

impl Stored {
    /// Its place as messages about subqueries call it.
    fn one(self) -> &'static str {
        match self {
            Self::Default => "DEFAULT expression",
            Self::Check => "check constraint",
            Self::Generated => "column generation expression",
            Self::IndexExpression => "index expression",
            Self::IndexPredicate => "index predicate",
            Self::Transform => "transform expression",
            Self::Policy => "policy expression",
            Self::Mask => "column mask",
            Self::PartitionKey => "partition key expression",
            Self::PartitionBound => "partition bound",
        }
    }

    /// Its place as messages about aggregates, window functions and sets call it.
    pub(super) fn many(self) -> &'static str {
        match self {
            Self::Default => "DEFAULT expressions",
            Self::Check => "check constraints",
            Self::Generated => "column generation expressions",
            Self::IndexExpression => "index expressions",
            Self::IndexPredicate => "index predicates",
            Self::Transform => "transform expressions",
            Self::Policy => "policy expressions",
            Self::Mask => "column masks",
            Self::PartitionKey => "partition key expressions",
            Self::PartitionBound => "partition bound",
        }
    }

    /// PL/pgSQL is run before a statement, and not for its rows.
    fn judge_calls(self, expr: &Expr) -> Result<()> {
        let column = |e: &Expr| matches!(e.kind, ExprKind::Column { .. } | ExprKind::WholeRow(_));
        let asks = |e: &Expr| matches!(&e.kind, ExprKind::Routine(r) if r.pending && r.args.iter().any(|arg| calls::has(arg, column)));
        let refused = match self {
            Self::Default | Self::Transform | Self::PartitionBound => false,
            // One that asks no row is made once for the statement.
            Self::Policy => calls::has(expr, asks),
            Self::Check => calls::has(expr, calls::is_pending),
            // What they have given is stored, or hides something: it is not to change with the function.
            Self::Generated | Self::IndexExpression | Self::IndexPredicate | Self::Mask | Self::PartitionKey => {
                calls::has(expr, |e| matches!(&e.kind, ExprKind::Routine(r) if r.function.is_run()))
            }
        };
        if !refused {
            return Ok(());
        }
        Err(Error::unsupported(format!("a function in PL/pgSQL in a {}", self.one())).hint("Write it in SQL."))
    }

    /// What the whole expression must be.
    fn judge(self, expr: &Expr) -> Result<()> {
        self.judge_calls(expr)?;
        let immutable = |message| {
            let mut mutable = false;
            mutable_in(expr, &mut mutable)?;
            match mutable {
                true => Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message)),
                false => Ok(()),
            }
        };
        match self {
            Self::Default | Self::Transform | Self::Policy | Self::PartitionBound => Ok(()),
            Self::PartitionKey => immutable("functions in partition key expression must be marked IMMUTABLE"),
            Self::Generated => immutable("generation expression is not immutable"),
            Self::IndexExpression => immutable("functions in index expression must be marked IMMUTABLE"),
            Self::IndexPredicate => immutable("functions in index predicate must be marked IMMUTABLE"),
            // They run with the rights of whoever writes or reads: they must not be able to do anything with them.
            Self::Check | Self::Mask => walk(expr, 0, &mut |e, _| match uses_sequence(e) {
                true => Err(Error::unsupported(format!("a sequence function in a {}", self.one()))),
                false => Ok(true),
            }),
        }
    }
}

impl Clause {
    /// How messages call a place where no subquery may stand.
    pub(super) fn refuses_subqueries(self) -> Option<&'static str> {
        match self {
            Self::Stored(Stored::Policy) => None,
            Self::Stored(stored) => Some(stored.one()),
            Self::CopyWhere => Some("COPY FROM WHERE condition"),
            Self::Execute => Some("EXECUTE parameter"),
            Self::Call => Some("CALL argument"),
            _ => None,
        }
    }
}

/// Analyzes a kept expression by itself. `columns` are in scope as the columns of a relation named `alias` with the id
/// `rel`. The result is as it is typed, without a cast.
pub fn expression(
    text: &str,
    kind: Stored,
    (alias, rel): (&str, RelId),
    columns: &[RelColumn],
    ctx: &Context,
) -> Result<Expr> {
    let finish = |a: &mut Analyzer<'_>, expr: Expr| a.resolve_unknown(expr);
    analyze(text, kind, (alias, rel), columns, &reading(kind, ctx), true, finish)
}

/// The context in which such an expression is read again.
fn reading(kind: Stored, ctx: &Context) -> Context {
    match kind {
        // It runs at once, in the statement that has it.
        Stored::Transform | Stored::PartitionBound => ctx.clone(),
        Stored::Default
        | Stored::Check
        | Stored::Generated
        | Stored::IndexExpression
        | Stored::IndexPredicate
        | Stored::Policy
        | Stored::Mask
        | Stored::PartitionKey => kept::context(ctx),
    }
}

/// As [`expression`], then coerced as an assignment to a column of type `ty` (`column` is for the message).
pub fn assigned_expression(
    text: &str,
    kind: Stored,
    (alias, rel): (&str, RelId),
    columns: &[RelColumn],
    (column, ty): (&str, PgType),
    ctx: &Context,
) -> Result<Expr> {
    let finish = |a: &mut Analyzer<'_>, expr: Expr| a.assign(expr, ty, column, "column");
    analyze(text, kind, (alias, rel), columns, &reading(kind, ctx), kind != Stored::Transform, finish)
}

/// Where a kept expression names something. It is over a row of these columns, which goes by that name; its value is assigned to
/// `target`, if there is one.
///
/// # Errors
/// It cannot be analyzed.
pub fn places(
    text: &str,
    kind: Stored,
    row: (&str, &[RelColumn]),
    target: Option<PgType>,
    ctx: &Context,
) -> Result<Vec<Place>> {
    places_along(text, kind, row, target, &reading(kind, ctx))
}

/// As [`places`], for a text that is read along the context's own search path.
///
/// # Errors
/// It cannot be analyzed.
pub fn places_along(
    text: &str,
    kind: Stored,
    (alias, columns): (&str, &[RelColumn]),
    target: Option<PgType>,
    ctx: &Context,
) -> Result<Vec<Place>> {
    let mut places = Vec::new();
    analyze(text, kind, (alias, RelId(0)), columns, ctx, true, |a, expr| {
        let expr = match target {
            Some(ty) => a.assign(expr, ty, "", "column"),
            None => a.resolve_unknown(expr),
        };
        places = a.take_places();
        expr
    })?;
    Ok(places)
}

/// An expression that is going to be kept: analyzed along the session's search path, and its text as it is kept.
pub(super) fn new_expression(
    text: &str,
    kind: Stored,
    alias: &str,
    columns: &[RelColumn],
    target: Option<(&str, PgType)>,
    ctx: &Context,
) -> Result<(Expr, String)> {
    let mut places = Vec::new();
    let finish = |a: &mut Analyzer<'_>, expr: Expr| match target {
        Some((column, ty)) => a.assign(expr, ty, column, "column"),
        None if kind == Stored::Policy => a.coerce_boolean(expr, "POLICY"),
        None => a.resolve_unknown(expr),
    };
    let expr = analyze(text, kind, (alias, RelId(0)), columns, ctx, false, |a, expr| {
        let expr = finish(a, expr)?;
        places = a.take_places();
        Ok(expr)
    })?;
    let written = Names::new(&ctx.snapshot).write(text, &places, &ctx.snapshot)?;
    // Read again, it must mean the same.
    let objects = |places: &[Place]| places.iter().filter_map(Place::object).collect::<Vec<_>>();
    let mut again = Vec::new();
    analyze(&written, kind, (alias, RelId(0)), columns, &reading(kind, ctx), true, |a, expr| {
        let expr = finish(a, expr)?;
        again = a.take_places();
        Ok(expr)
    })?;
    if objects(&places) != objects(&again) {
        return Err(Error::unsupported("an expression whose names cannot be kept")
            .hint("Write the names in it with their schemas."));
    }
    Ok((expr, written))
}

fn analyze(
    text: &str,
    kind: Stored,
    (alias, rel): (&str, RelId),
    columns: &[RelColumn],
    ctx: &Context,
    kept: bool,
    finish: impl FnOnce(&mut Analyzer<'_>, Expr) -> Result<Expr>,
) -> Result<Expr> {
    analyze_over(text, kind, &Over { alias, rel, columns, free: rel.0 + 1 }, ctx, kept, finish)
}

/// The row that an expression is over, and from where on relations in it may be numbered.
struct Over<'a> {
    alias: &'a str,
    rel: RelId,
    columns: &'a [RelColumn],
    free: u32,
}

fn analyze_over(
    text: &str,
    kind: Stored,
    &Over { alias, rel, columns, free }: &Over<'_>,
    ctx: &Context,
    kept: bool,
    finish: impl FnOnce(&mut Analyzer<'_>, Expr) -> Result<Expr>,
) -> Result<Expr> {
    let (expr, parsed) = parse::parse_expression(text)?;
    let mut a = Analyzer::new(ctx, &parsed);
    a.note_places();
    a.kept = kept;
    (a.next_rel, a.next_cte) = (free, free);
    let mut scope = Scope { clause: Clause::Stored(kind), ..Scope::default() };
    if !columns.is_empty() {
        scope.add_columns(alias, rel, columns);
    }
    a.scopes.push(scope);
    let expr = a.expr(&expr)?;
    let expr = finish(&mut a, expr)?;
    if !a.finish_params()?.is_empty() {
        return Err(Error::new(SqlState::UNDEFINED_PARAMETER, "there is no parameter $1"));
    }
    kind.judge(&expr)?;
    Ok(expr)
}

/// Do the expressions of a new table mean something, and may they stand where they do?
/// They are written as they are kept.
pub(super) fn check_table(table: &mut NewTable, ctx: &Context) -> Result<()> {
    let scope = rel_columns(&table.columns);
    let with_sequences = with_own_sequences(table, ctx);
    let of_defaults = with_sequences.as_ref().unwrap_or(ctx);
    for column in &mut table.columns {
        check_default((&column.name, column.ty), &mut column.default, of_defaults)?;
    }
    for constraint in &mut table.constraints {
        check_constraint(&table.name, constraint, &scope, ctx)?;
    }
    let generated: Vec<_> = table.columns.iter().filter(|c| c.generated.is_some()).map(|c| c.name.clone()).collect();
    let is_generated = |name: &str| generated.iter().any(|known| **known == *name);
    for column in &mut table.columns {
        let place = (&column.name, column.ty);
        check_generated(&table.name, (&place.0[..], place.1), &mut column.generated, (&scope, &is_generated), ctx)?;
    }
    Ok(())
}

/// The sequences of a new table's serial and identity columns are there before its defaults are read, which may draw from them
/// (generateSerialExtraStmts). `None` where nothing could.
fn with_own_sequences(table: &NewTable, ctx: &Context) -> Option<Context> {
    let has = |given: fn(&NewColumn) -> bool| table.columns.iter().any(given);
    if !has(|c| c.sequence.is_some()) || !has(|c| c.default.is_some()) {
        return None;
    }
    let bare = NewTable { constraints: Vec::new(), ..table.clone() };
    // What is wrong with the columns is told where the table is made.
    let built = build::table(&ctx.snapshot, &bare, ctx.role, &Managed::Sql).ok()?;
    let changes: Vec<_> = built.sequences.into_iter().map(|s| Change::PutRelation(Arc::new(s))).collect();
    Some(Context { snapshot: Arc::new(ctx.snapshot.apply(&changes)), ..ctx.clone() })
}

/// A policy's condition over the columns of its table, as it is kept.
pub(super) fn new_policy(text: &str, table: &Relation, ctx: &Context) -> Result<String> {
    let columns = super::from::table_columns(table);
    let made = new_expression(text, Stored::Policy, &table.name, &columns, None, ctx);
    made.map(|(_, kept)| kept).map_err(without_position)
}

/// A policy's condition over the table's columns as those of relation `row`, ready to be put into a statement in which no
/// relation and no WITH query has a number from `free` on. Gives the first number that is free afterwards, too.
pub fn policy_condition(text: &str, table: &Relation, (row, free): (RelId, u32), ctx: &Context) -> Result<(Expr, u32)> {
    let columns = super::from::table_columns(table);
    let mut after = free;
    let finish = |a: &mut Analyzer<'_>, expr: Expr| {
        after = a.next_rel.max(a.next_cte) + 1;
        a.coerce_boolean(expr, "POLICY")
    };
    let kind = Stored::Policy;
    let scope = Over { alias: &table.name, rel: row, columns: &columns, free };
    let expr = analyze_over(text, kind, &scope, &reading(kind, ctx), true, finish)?;
    Ok((expr, after))
}

/// The default of a function's parameter, as it is kept.
pub(super) fn parameter_default(text: &str, parameter: (&str, PgType), ctx: &Context) -> Result<String> {
    let made = new_expression(text, Stored::Default, "", &[], Some(parameter), ctx);
    made.map(|(_, kept)| kept).map_err(without_position)
}

/// Does a default mean something, and can the column take it? It is written as it is kept.
pub(super) fn check_default(column: (&str, PgType), default: &mut Option<String>, ctx: &Context) -> Result<()> {
    let Some(text) = default else { return Ok(()) };
    match new_expression(text, Stored::Default, "", &[], Some(column), ctx) {
        // NULL is what a column without a default has; a domain may refuse it.
        Ok((Expr { kind: ExprKind::Const(Value::Null), .. }, _)) => {
            *default = None;
            Ok(())
        }
        Ok((_, kept)) => {
            *text = kept;
            Ok(())
        }
        // Not an object that is missing: a name that is none.
        Err(error) if error.code() == SqlState::UNDEFINED_COLUMN || error.report().message.contains("FROM-clause") => {
            let message = "cannot use column reference in DEFAULT expression";
            Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
        }
        Err(error) => Err(without_position(error)),
    }
}

pub(super) fn check_constraint(
    table: &str,
    constraint: &mut NewConstraint,
    columns: &[RelColumn],
    ctx: &Context,
) -> Result<()> {
    match &mut constraint.kind {
        NewConstraintKind::Check { expression: text } => *text = check_condition(text, table, columns, ctx)?,
        NewConstraintKind::Exclusion(new) => super::ddl::exclusion::check(table, new, columns, ctx)?,
        NewConstraintKind::PrimaryKey { .. }
        | NewConstraintKind::Unique { .. }
        | NewConstraintKind::ForeignKey { .. } => {}
    }
    Ok(())
}

/// A CHECK's condition over the columns of `table`, or over `value` of a domain, as it is kept.
pub(super) fn check_condition(text: &str, table: &str, columns: &[RelColumn], ctx: &Context) -> Result<String> {
    let (expr, kept) = new_expression(text, Stored::Check, table, columns, None, ctx).map_err(without_position)?;
    if expr.ty.oid != oid::BOOL {
        let name = crate::types::name::format_type(PgType::new(expr.ty.oid), &*ctx.snapshot);
        let message = format!("argument of CHECK must be type boolean, not type {name}");
        return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
    }
    Ok(kept)
}

pub(super) fn check_generated(
    table: &str,
    column: (&str, PgType),
    generated: &mut Option<String>,
    (columns, is_generated): (&[RelColumn], &dyn Fn(&str) -> bool),
    ctx: &Context,
) -> Result<()> {
    let Some(text) = generated else { return Ok(()) };
    let (made, kept) =
        new_expression(text, Stored::Generated, table, columns, Some(column), ctx).map_err(without_position)?;
    let invalid = |message: String| Error::new(SqlState::INVALID_OBJECT_DEFINITION, message);
    walk(&made, 0, &mut |e, _| match &e.kind {
        ExprKind::WholeRow(_) => {
            Err(invalid("cannot use whole-row variable in column generation expression".to_owned())
                .detail("This would cause the generated column to depend on its own value."))
        }
        ExprKind::Column { rel: RelId(0), column } => {
            match columns.get(usize::from(*column)).filter(|c| is_generated(&c.name)) {
                Some(c) => {
                    Err(invalid(format!("cannot use generated column \"{}\" in column generation expression", c.name))
                        .detail("A generated column cannot reference another generated column."))
                }
                None => Ok(true),
            }
        }
        _ => Ok(true),
    })?;
    *text = kept;
    Ok(())
}

/// A table's columns as scope for its checks.
pub(super) fn rel_columns(columns: &[crate::registry::draft::NewColumn]) -> Vec<RelColumn> {
    let number = |i: usize| i16::try_from(i + 1).unwrap_or(i16::MAX);
    columns.iter().enumerate().map(|(i, c)| RelColumn { name: c.name.clone(), ty: c.ty, attnum: number(i) }).collect()
}

/// Positions count in the expression's own text there, not in the statement's.
pub(super) fn without_position(mut error: Error) -> Error {
    error.report_mut().position = None;
    error
}

const SEQUENCE_FUNCTIONS: [&str; 4] = ["nextval", "currval", "setval", "lastval"];

fn uses_sequence(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::NextValue(_) => true,
        ExprKind::Call(call) => SEQUENCE_FUNCTIONS.contains(&call.func.name),
        _ => false,
    }
}

/// Is something in the expression mutable? A user's function is what it says of itself, unless it is nothing but an expression:
/// PostgreSQL looks at that.
fn mutable_in(expr: &Expr, mutable: &mut bool) -> Result<()> {
    walk(expr, 0, &mut |e, _| match &e.kind {
        ExprKind::Routine(routine) if routine.function.volatility == b'i' => {
            routine.args.iter().try_for_each(|arg| mutable_in(arg, mutable))?;
            Ok(false)
        }
        _ => {
            *mutable |= is_mutable(e);
            Ok(!*mutable)
        }
    })
}

/// Whether the outermost operation of an expression may give another result at another time or with other settings
/// (contain_mutable_functions).
fn is_mutable(expr: &Expr) -> bool {
    let func = |f: &Proc| f.volatility != b'i';
    match &expr.kind {
        ExprKind::Session(_, _) | ExprKind::NextValue(_) | ExprKind::Param(_) => true,
        // PostgreSQL inlines these two: a cast to text, and textcat.
        ExprKind::Call(call) if matches!(call.func.name, "textanycat" | "anytextcat") => {
            call.args.iter().any(|arg| mutable_text(arg.ty.oid, "typoutput"))
        }
        ExprKind::Call(call) | ExprKind::SetReturning(call) => func(call.func),
        ExprKind::Routine(routine) => {
            routine.function.volatility != b'i' && super::routine::plain_targets(&routine.body).is_none()
        }
        ExprKind::Cast { arg, how, explicit: _ } => cast_is_mutable(how, arg.ty.oid, expr.ty.oid),
        ExprKind::Distinct { eq, .. } | ExprKind::NullIf { eq, .. } => func(eq),
        ExprKind::AnyAll { op, .. } => func(op),
        ExprKind::RowCompare { ops, .. } => ops.iter().any(|op| func(op)),
        _ => false,
    }
}

fn cast_is_mutable(how: &CastHow, from: Oid, to: Oid) -> bool {
    match how {
        CastHow::Function(func) => func.volatility != b'i',
        CastHow::InOut => mutable_text(from, "typoutput") || mutable_text(to, "typinput"),
        CastHow::ArrayElements(inner) => match **inner {
            CastHow::InOut => {
                let element = |oid| facts::TYPES.by_oid(oid).map_or(oid, |t| t.element);
                cast_is_mutable(inner, element(from), element(to))
            }
            _ => cast_is_mutable(inner, from, to),
        },
        CastHow::Row(casts) => casts.iter().flatten().any(|how| cast_is_mutable(how, from, to)),
        CastHow::EnumIn | CastHow::EnumOut => true,
        CastHow::Relabel | CastHow::Typmod | CastHow::Domain(_) => false,
    }
}

/// Whether a type's input or output function depends on settings. A type of the user's is an enum or a domain.
fn mutable_text(ty: Oid, column: &str) -> bool {
    let Some(facts) = facts::TYPES.by_oid(ty) else { return true };
    let function = facts::TYPE_ROWS.get(facts.row, column).unwrap_or_default();
    facts::PROCS.by_name(function).any(|f| f.volatility != b'i')
}
