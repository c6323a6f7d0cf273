//! Calls of users' functions: the body is analyzed where the call stands, over a relation of its arguments
//! (inline_function, inline_set_returning_function; sql_fn_post_column_ref for the names of parameters).

use std::sync::Arc;

use sqlparser::ast;

use super::call::written_form;
use super::candidate::{Arguments, Callee, Form};
use super::kept::Place;
use super::stored::{self, Stored};
use super::{Analyzer, CastContext, Expr, ExprKind};
use crate::error::{Error, Result, SqlState};
use crate::registry::{Function, FunctionBody, Name};
use crate::sql::{Context, parse};
use crate::tree::{Body, Distinct, Field, FromItem, Query, RelColumn, RelId, Relation, Routine, Select, Source};
use crate::types::{Oid, PgType, oid};

/// Calls that a statement may have put their bodies in the place of: what lowers them grows faster than their number.
const MAX_ROUTINES: u32 = 200;

/// How deep calls of users' functions may be inside each other's bodies.
pub(super) const MAX_CALLS: usize = 64;

/// What the names of parameters mean inside a function's body.
#[derive(Debug, Clone)]
pub(crate) struct Inside {
    function: Name,
    rel: RelId,
    params: Vec<(Name, PgType)>,
}

/// What a function gives back: of a call, with its polymorphic types replaced.
pub(crate) struct Returns {
    pub ty: Oid,
    /// The columns of a row, if they are known.
    pub columns: Vec<(Name, PgType)>,
}

impl Analyzer<'_> {
    /// The functions of users with that name in that namespace.
    pub(super) fn user_functions(&self, namespace: &str, name: &str) -> impl Iterator<Item = Callee> {
        let snapshot = &self.ctx.snapshot;
        let mut found: Vec<Callee> = snapshot.functions_named(namespace, name).cloned().map(Callee::User).collect();
        for extension in snapshot.extensions_in(namespace) {
            found.extend(super::candidate::builtin(&extension.key(name)));
        }
        found.into_iter()
    }

    /// Has a user made a function of that name of one row of this type?
    pub(super) fn is_function_of(&self, name: &str, row: Oid) -> bool {
        let of = |f: &Function| !f.procedure && f.args == [row];
        let path = self.search_path().filter(|n| !n.starts_with("pg_temp"));
        path.flat_map(|n| self.ctx.snapshot.functions_named(n, name)).any(|f| of(f))
    }

    /// The candidates along the search path: of two that take the same, the first one met.
    pub(super) fn forms_along_path(&self, name: &str, count: usize, arguments: &Arguments) -> Vec<Form> {
        // What is kept names functions of users that share a name with one of PostgreSQL's with their namespace (Names::write):
        // nobody can put one in the place of the other later.
        let own = self.is_settled() && super::candidate::builtin(name).next().is_some();
        if own || self.ctx.snapshot.functions.is_empty() && self.ctx.snapshot.extensions.is_empty() {
            return super::candidate::forms(super::candidate::builtin(name), count, arguments);
        }
        let mut out: Vec<Form> = Vec::new();
        // Temporary namespaces are never searched for functions.
        for namespace in self.search_path().filter(|n| !n.starts_with("pg_temp")) {
            let found = match namespace {
                "pg_catalog" => super::candidate::forms(super::candidate::builtin(name), count, arguments),
                other => super::candidate::forms(self.user_functions(other, name), count, arguments),
            };
            for form in found {
                let same = |f: &Form| f.args[..count.min(f.args.len())] == form.args[..count.min(form.args.len())];
                if !out.iter().any(same) {
                    out.push(form);
                }
            }
        }
        out
    }

    /// The default of a parameter, from its kept text.
    pub(super) fn kept_default(&mut self, function: &Function, parameter: usize) -> Result<Expr> {
        let of = function.inputs().nth(parameter).and_then(|p| Some((&*p.name, p.ty, p.default.as_ref()?)));
        let (name, ty, text) =
            of.ok_or_else(|| Error::internal(format!("{} has no default for {parameter}", function.name)))?;
        let (row, place) = (("", RelId(0)), (name, PgType::new(ty)));
        let mut expr = match crate::registry::polymorphic(ty) {
            true => stored::expression(text, Stored::Default, row, &[], self.ctx)?,
            false => stored::assigned_expression(text, Stored::Default, row, &[], place, self.ctx)?,
        };
        expr.pos = 0;
        Ok(expr)
    }

    /// A call of a user's function.
    pub(super) fn user_call(
        &mut self,
        function: &Arc<Function>,
        form: Form,
        args: Vec<Expr>,
        variadic: bool,
        pos: u32,
    ) -> Result<Expr> {
        let calling = self.calling == Some(pos);
        if calling && !function.procedure {
            let types: Vec<String> = args.iter().map(|a| self.type_name(a.ty.oid)).collect();
            let message = format!("{}({}) is not a procedure", function.name, types.join(", "));
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                .hint("To call a function, use SELECT.")
                .at(pos));
        }
        if function.procedure && !calling {
            let types: Vec<String> = args.iter().map(|a| self.type_name(a.ty.oid)).collect();
            let message = format!("{}({}) is a procedure", function.name, types.join(", "));
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                .hint("To call a procedure, use CALL.")
                .at(pos));
        }
        let written = written_form(&form, args.len());
        let (args, _) = self.coerce_arguments(form, args, pos)?;
        if function.returns_set {
            if let Some(clause) = self.scope().clause.refuses_sets() {
                let message = format!("set-returning functions are not allowed in {clause}");
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(pos));
            }
            self.sets = (self.sets.0 + 1, pos);
            if function.result == oid::VOID && !function.is_run() {
                // Its body runs and gives no row.
                return Err(Error::unsupported(format!("function {}, which returns a set of void", function.name)));
            }
        }
        let types: Vec<Oid> = args.iter().map(|a| a.ty.oid).collect();
        let returns = self.returns_of(function, &types).map_err(|e| e.at(pos))?;
        let expression = if function.is_run() { self.expression_of(function, &args, &returns) } else { None };
        let pending = function.is_run() && expression.is_none();
        let (params, body, row) = match expression {
            Some(body) => body,
            None if pending => self.body_to_come(&returns)?,
            None => self.expand_function(function, &types, &returns)?,
        };
        let ty = PgType::new(returns.ty);
        let function = Arc::clone(function);
        let routine = Routine { function, args, form: written, variadic, params, body: Box::new(body), row, pending };
        Ok(Expr { kind: ExprKind::Routine(Box::new(routine)), ty, pos })
    }

    /// CALL: as if the procedure were a function in FROM, whose columns are what it puts out.
    pub(super) fn call_procedure(&mut self, call: &ast::Function) -> Result<crate::tree::Statement> {
        let pos = self.pos_of(&call.name);
        self.scopes.push(super::scope::Scope::default());
        self.calling = Some(pos);
        let expr = self.in_clause(super::scope::Clause::Call, |a| a.function(call));
        self.calling = None;
        self.scopes.pop();
        let expr = expr.map_err(no_procedure)?;
        let ExprKind::Routine(routine) = &expr.kind else {
            let shown = call.name.to_string();
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("{shown} is not a procedure"))
                .hint("To call a function, use SELECT.")
                .at(pos));
        };
        let fields = routine.body.columns.clone();
        let id = self.new_rel();
        let columns: Vec<RelColumn> =
            fields.iter().map(|f| RelColumn { name: f.name.clone(), ty: f.ty, attnum: 0 }).collect();
        let target =
            |(i, f): (usize, &Field)| Expr { kind: ExprKind::Column { rel: id, column: i as u16 }, ty: f.ty, pos: 0 };
        let targets = fields.iter().enumerate().map(target).collect();
        let source = Source::Function { calls: vec![expr], ordinality: false };
        let relation = Relation { id, alias: "call".into(), source, columns, lateral: false, pos };
        let select = Select::of(targets, vec![FromItem::Relation(Box::new(relation))]);
        let query = Query::of(Body::Select(Box::new(select)), fields, self.new_rel());
        Ok(crate::tree::Statement::Query(Box::new(query)))
    }

    /// What a call with arguments of these types gives.
    pub(super) fn returns_of(&self, function: &Function, actual: &[Oid]) -> Result<Returns> {
        let settle = |ty: Oid| self.enforce_generic(actual, &function.args, ty).map(|(_, ty)| ty);
        let ty = settle(function.result)?;
        let outputs: Vec<_> = function.outputs().collect();
        let columns = if outputs.len() > 1 || function.result == oid::RECORD {
            let named = outputs.iter().enumerate().map(|(at, p)| {
                let name = if p.name.is_empty() { format!("column{}", at + 1).into() } else { p.name.clone() };
                Ok((name, PgType::new(settle(p.ty)?)))
            });
            named.collect::<Result<Vec<_>>>()?
        } else {
            let base = self.base_oid(ty);
            match self.row_type_relation(base) {
                Some(relation) if relation.row_type == base => {
                    relation.columns.iter().map(|c| (c.name.clone(), c.ty)).collect()
                }
                Some(_) | None => Vec::new(),
            }
        };
        Ok(Returns { ty, columns })
    }

    /// What stands for the body of a function in PL/pgSQL until it was run.
    fn body_to_come(&mut self, returns: &Returns) -> Result<(RelId, Query, bool)> {
        self.note_relation()?;
        let row = !returns.columns.is_empty();
        let columns = match row {
            true => returns.columns.clone(),
            false => vec![("column".into(), PgType::new(returns.ty))],
        };
        Ok((self.new_rel(), crate::sql::calls::unknown(columns, self.new_rel()), row))
    }

    /// The body with its parameters as the columns of a relation, whose number it gives; and whether its columns are the
    /// fields of a row.
    fn expand_function(
        &mut self,
        function: &Arc<Function>,
        actual: &[Oid],
        returns: &Returns,
    ) -> Result<(RelId, Query, bool)> {
        let name = &function.name;
        if self.calls.contains(&function.oid) {
            return Err(Error::unsupported(format!("function {name}, which calls itself"))
                .hint("Use WITH RECURSIVE in its body."));
        }
        if self.calls.len() >= MAX_CALLS {
            return Err(parse::too_deep());
        }
        self.note_relation()?;
        self.routines += 1;
        if self.routines > MAX_ROUTINES {
            return Err(parse::too_deep());
        }
        let [text] = function.body.statements.as_slice() else { return Err(not_one_query(function)) };
        let parsed = parse::parse(text).map_err(|e| inside(e, name))?;
        let [parsed] = parsed.as_slice() else { return Err(not_one_query(function)) };
        let made = &function.body.search_path;
        let fixed = function.definer || self.kept || !self.views.is_empty();
        let ctx = match made.is_empty() {
            true => self.unread_context(function, fixed),
            false => Context { search_path: made.clone().into(), ..super::kept::context(self.ctx) },
        };
        let rel = self.new_rel();
        let mut inner = self.inner(&ctx, parsed, function.oid);
        inner.kept = fixed || !made.is_empty();
        inner.settled = fixed && made.is_empty();
        inner.inside = Some(Inside::of(function, rel, actual));
        let query = inner.body_query(function, returns).map_err(|e| inside(e, name));
        let (query, row) = query?;
        self.next_rel = inner.next_rel;
        self.next_cte = inner.next_cte;
        self.relations = inner.relations;
        self.routines = inner.routines;
        let tables: Vec<Oid> = match function.volatility {
            b'v' => inner.rel_tables.values().map(|t| inner.ctx.snapshot.partition_root(t).oid).collect(),
            _ => Vec::new(),
        };
        self.volatile_reads.extend(tables.into_iter().chain(std::mem::take(&mut inner.volatile_reads)));
        self.note_height(inner.height)?;
        Ok((rel, query, row))
    }

    /// What analyzes a piece of a function's body.
    pub(super) fn inner<'a>(&self, ctx: &'a Context, parsed: &'a parse::Parsed, function: Oid) -> Analyzer<'a> {
        let mut inner = Analyzer::new(ctx, parsed);
        inner.next_rel = self.next_rel;
        inner.next_cte = self.next_cte;
        inner.depth = self.depth;
        inner.relations = self.relations;
        inner.routines = self.routines;
        inner.views = self.views.clone();
        inner.kept = self.kept;
        inner.calls = self.calls.clone();
        inner.calls.push(function);
        inner
    }

    /// In what a body is read that was not analyzed when it was made: what PostgreSQL would find along the path of the statement
    /// that calls it, and where that has nothing, in the function's own namespace and public. `fixed`: it runs with its owner's
    /// rights, or is part of what is kept: nobody chooses the path for it.
    fn unread_context(&self, function: &Function, fixed: bool) -> Context {
        let mut path: Vec<Name> = match fixed {
            true => vec!["pg_catalog".into()],
            false => self.ctx.search_path.to_vec(),
        };
        for last in [function.namespace.clone(), "public".into()] {
            if !path.contains(&last) {
                path.push(last);
            }
        }
        let cx = if fixed { super::kept::context(self.ctx) } else { self.ctx.clone() };
        Context { search_path: path.into(), ..cx }
    }

    /// The query of a body, its columns as the function returns them.
    fn body_query(&mut self, function: &Function, returns: &Returns) -> Result<(Query, bool)> {
        let parsed = self.parsed;
        let ast = match &*parsed.body {
            parse::Body::Statement(statement) => match &**statement {
                ast::Statement::Query(query) => query,
                _ => return Err(not_one_query(function)),
            },
            _ => return Err(not_one_query(function)),
        };
        let statement = self.query_statement(ast)?;
        let crate::tree::Statement::Query(query) = statement else { return Err(not_one_query(function)) };
        let result = self.result_of(*query, returns)?;
        if !self.finish_params()?.is_empty() {
            return Err(Error::internal("a parameter that is no argument"));
        }
        Ok(result)
    }

    /// check_sql_fn_retval: the query's columns coerced to what the function returns.
    fn result_of(&mut self, query: Query, returns: &Returns) -> Result<(Query, bool)> {
        let mismatch = |detail: String| {
            let message = format!("return type mismatch in function declared to return {}", self.type_name(returns.ty));
            Error::new(SqlState::INVALID_FUNCTION_DEFINITION, message).detail(detail)
        };
        if returns.ty == oid::VOID {
            return Ok((query, false));
        }
        if returns.ty != oid::RECORD && self.type_facts(returns.ty).kind != b'c' {
            let [column] = query.columns.as_slice() else {
                return Err(mismatch("Final statement must return exactly one column.".to_owned()));
            };
            let (from, to) = (column.ty, PgType::new(returns.ty));
            if !self.can_coerce(from.oid, to.oid, CastContext::Assignment) {
                return Err(mismatch(format!("Actual return type is {}.", self.type_name(from.oid))));
            }
            let query = self.with_types(query, &[to])?;
            // A domain over a composite type.
            let row = !returns.columns.is_empty();
            return Ok((if row { self.unpacked(query, returns) } else { query }, row));
        }
        // One column that is the row already.
        if let [column] = query.columns.as_slice()
            && (column.ty.oid == returns.ty && returns.ty != oid::RECORD)
        {
            return Ok((self.unpacked(query, returns), true));
        }
        if returns.columns.is_empty() {
            return Ok((query, true));
        }
        let (have, want) = (query.columns.len(), returns.columns.len());
        if have > want {
            return Err(mismatch("Final statement returns too many columns.".to_owned()));
        }
        if have < want {
            return Err(mismatch("Final statement returns too few columns.".to_owned()));
        }
        for (i, (column, (_, to))) in query.columns.iter().zip(&returns.columns).enumerate() {
            if !self.can_coerce(column.ty.oid, to.oid, CastContext::Assignment) {
                let (from, to) = (self.type_name(column.ty.oid), self.type_name(to.oid));
                return Err(mismatch(format!("Final statement returns {from} instead of {to} at column {}.", i + 1)));
            }
        }
        let types: Vec<PgType> = returns.columns.iter().map(|(_, ty)| *ty).collect();
        let mut query = self.with_types(query, &types)?;
        for (column, (name, _)) in query.columns.iter_mut().zip(&returns.columns) {
            column.name = name.clone();
        }
        Ok((query, true))
    }

    /// The query with columns of these types.
    fn with_types(&mut self, mut query: Query, types: &[PgType]) -> Result<Query> {
        let same = query.columns.iter().zip(types).all(|(column, ty)| column.ty.oid == ty.oid);
        if same {
            return Ok(query);
        }
        let in_place = match &query.body {
            Body::Select(select) => matches!(select.distinct, Distinct::All),
            Body::Values(_) => query.order_by.is_empty(),
            Body::SetOp { .. } => false,
        };
        if in_place {
            for (i, ty) in types.iter().enumerate() {
                if query.columns[i].ty.oid != ty.oid {
                    self.coerce_output(&mut query, i, *ty, CastContext::Assignment)?;
                }
            }
            return Ok(query);
        }
        let (mut targets, from) = self.in_from(query);
        for (target, ty) in targets.iter_mut().zip(types).filter(|(target, ty)| target.ty.oid != ty.oid) {
            let value = std::mem::replace(target, Expr { kind: ExprKind::Default, ty: *ty, pos: 0 });
            *target = self.coerce_type(value, *ty, CastContext::Assignment, false)?;
        }
        Ok(self.select_of(targets, from))
    }

    /// The fields of the one column of a query, as columns.
    fn unpacked(&mut self, query: Query, returns: &Returns) -> Query {
        let (targets, from) = self.in_from(query);
        let fields = targets.into_iter().flat_map(|row| {
            returns.columns.iter().enumerate().map(move |(i, (_, ty))| Expr {
                kind: ExprKind::Field { row: Box::new(row.clone()), field: i as u16 },
                ty: *ty,
                pos: 0,
            })
        });
        let mut made = self.select_of(fields.collect(), from);
        for (column, (name, _)) in made.columns.iter_mut().zip(&returns.columns) {
            column.name = name.clone();
        }
        made
    }

    /// The columns of a query, as it stands in FROM.
    fn in_from(&mut self, query: Query) -> (Vec<Expr>, FromItem) {
        let id = self.new_rel();
        let columns: Vec<RelColumn> =
            query.columns.iter().map(|f| RelColumn { name: f.name.clone(), ty: f.ty, attnum: 0 }).collect();
        let column = |(i, c): (usize, &RelColumn)| Expr {
            kind: ExprKind::Column { rel: id, column: i as u16 },
            ty: c.ty,
            pos: 0,
        };
        let targets = columns.iter().enumerate().map(column).collect();
        let source = Source::Subquery(Box::new(query));
        let relation = Relation { id, alias: "body".into(), source, columns, lateral: false, pos: 0 };
        (targets, FromItem::Relation(Box::new(relation)))
    }

    fn select_of(&mut self, targets: Vec<Expr>, from: FromItem) -> Query {
        let columns =
            targets.iter().map(|t| Field { name: "column".into(), ty: t.ty, origin: (0, 0), row: None }).collect();
        let select = Select::of(targets, vec![from]);
        Query::of(Body::Select(Box::new(select)), columns, self.new_rel())
    }

    /// Does a body give what a column definition list says?
    pub(super) fn fits_definition(&self, given: &[Field], defined: &[RelColumn]) -> Result<()> {
        let message = "return type mismatch in function declared to return record";
        let mismatch = |detail: String| Err(Error::new(SqlState::INVALID_FUNCTION_DEFINITION, message).detail(detail));
        if given.len() > defined.len() {
            return mismatch("Final statement returns too many columns.".to_owned());
        }
        if given.len() < defined.len() {
            return mismatch("Final statement returns too few columns.".to_owned());
        }
        for (i, (given, defined)) in given.iter().zip(defined).enumerate() {
            if given.ty.oid != defined.ty.oid {
                let (from, to) = (self.type_name(given.ty.oid), self.type_name(defined.ty.oid));
                return mismatch(format!("Final statement returns {from} instead of {to} at column {}.", i + 1));
            }
        }
        Ok(())
    }

    /// `$n` inside a body.
    pub(super) fn parameter(&self, number: usize, pos: u32) -> Option<Result<Expr>> {
        let inside = self.inside.as_ref()?;
        let missing = || Error::new(SqlState::UNDEFINED_PARAMETER, format!("there is no parameter ${number}")).at(pos);
        Some(inside.at(number.wrapping_sub(1), pos).ok_or_else(missing))
    }

    /// A parameter by its name, where there is no such column; `qualifier` is the function's name.
    pub(super) fn named_parameter(&self, qualifier: Option<&str>, name: &str, pos: u32) -> Option<Expr> {
        let inside = self.inside.as_ref()?;
        if qualifier.is_some_and(|q| *q != *inside.function) {
            return None;
        }
        let at = inside.params.iter().position(|(n, _)| !n.is_empty() && **n == *name)?;
        inside.at(at, pos)
    }
}

/// A body analyzed with no call around: the relation of its parameters, its query, and where it names something.
pub(super) fn body_alone(
    function: &Function,
    parsed: &parse::Parsed,
    cx: &Context,
    kept: bool,
) -> Result<(RelId, Query, Vec<Place>)> {
    let mut a = Analyzer::new(cx, parsed);
    a.note_places();
    a.kept = kept;
    a.calls.push(function.oid);
    let rel = a.new_rel();
    let params = function.inputs().map(|p| (p.name.clone(), PgType::new(p.ty))).collect();
    a.inside = Some(Inside { function: function.name.clone(), rel, params });
    let returns = a.returns_of(function, &function.args)?;
    let (query, _) = a.body_query(function, &returns).map_err(|e| inside(e, &function.name))?;
    Ok((rel, query, a.take_places()))
}

impl Inside {
    /// Of a call with arguments of these types.
    pub(super) fn of(function: &Function, rel: RelId, actual: &[Oid]) -> Self {
        let types = function.inputs().zip(actual).map(|(p, ty)| (p.name.clone(), PgType::new(*ty)));
        Self { function: function.name.clone(), rel, params: types.collect() }
    }

    pub(super) fn rel(&self) -> RelId {
        self.rel
    }

    /// How many names there are.
    pub(super) fn count(&self) -> usize {
        self.params.len()
    }

    /// One more name: the relation's next column.
    pub(super) fn add(&mut self, name: Name, ty: PgType) {
        self.params.push((name, ty));
    }

    fn at(&self, n: usize, pos: u32) -> Option<Expr> {
        let (_, ty) = self.params.get(n)?;
        Some(Expr { kind: ExprKind::Column { rel: self.rel, column: n as u16 }, ty: *ty, pos })
    }
}

/// What CALL says where no function has the name.
fn no_procedure(mut error: Error) -> Error {
    if error.code() == SqlState::UNDEFINED_FUNCTION {
        let report = error.report_mut();
        report.message = report.message.replacen("function ", "procedure ", 1);
        report.hint = report.hint.take().map(|hint| hint.replacen("function", "procedure", 1));
    }
    error
}

/// The targets of a body that is nothing but expressions.
pub(crate) fn plain_targets(body: &Query) -> Option<&[Expr]> {
    let Query { ctes, body: Body::Select(select), order_by, limit: None, offset: None, locking, .. } = body else {
        return None;
    };
    let Select {
        distinct: Distinct::All,
        targets,
        from,
        filter: None,
        group_by: None,
        having: None,
        windows: _,
        qualify: None,
        aggregated: false,
    } = &**select
    else {
        return None;
    };
    let sets = |e: &Expr| {
        let mut found = false;
        let _ = super::walk(e, 0, &mut |e, depth| {
            found |= depth == 0
                && match &e.kind {
                    ExprKind::SetReturning(_) | ExprKind::Window(_) => true,
                    ExprKind::Routine(r) => r.function.returns_set,
                    _ => false,
                };
            Ok(depth == 0 && !found)
        });
        found
    };
    let plain = ctes.is_empty() && order_by.is_empty() && locking.is_empty() && from.is_empty();
    (plain && !targets.iter().any(sets)).then_some(targets)
}

/// Positions count in the body's own text there, not in the statement's.
fn inside(mut error: Error, name: &str) -> Error {
    error.report_mut().position = None;
    error.context(format!("SQL function \"{name}\""))
}

pub(super) fn not_one_query(function: &Function) -> Error {
    let FunctionBody { statements, .. } = &function.body;
    let what = if statements.len() == 1 { "a body that is no query" } else { "a body that is not one query" };
    Error::unsupported(format!("{} {} with {what}", function.word(), function.name))
        .hint("One SELECT is what a function may consist of.")
}
