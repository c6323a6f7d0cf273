//! Calls of users' functions: the body in the place of the call, the arguments in the place of the parameters.
//!
//! `twice(t.a)` of `SELECT $1 + $1` → `t.a + t.a`; `twice(random())` → `(list_transform([random()], lambda v: v + v)[1])`;
//! `FROM f(t.a)` of `SELECT b FROM u WHERE c = $1` → `LATERAL (SELECT u.b FROM u WHERE u.c = t.a)`

use crate::error::{Error, Result};
use crate::sql::analyze::program::{is_always, is_there};
use crate::sql::analyze::{plain_targets, walk, walk_query};
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::{self, Alias, From, Node, Scalar};
use crate::tree::{Body, Expr, ExprKind, Query, RelId, Relation, Routine};
use crate::types::{PgType, Phys, Value, oid};

use super::array::{derived, gathered, plain_query};

/// How large the arguments may become by standing in the place of parameters.
const MAX_WEIGHT: usize = 200_000;

/// Does a value differ each time it is computed, or does computing it do something?
pub(crate) fn is_volatile(expr: &Expr) -> bool {
    let mut found = false;
    let _ = walk(expr, 0, &mut |e, _| {
        found |= drawn(e);
        Ok(!found)
    });
    found
}

pub(crate) fn query_is_volatile(query: &Query) -> bool {
    let mut found = false;
    let _ = walk_query(query, 0, &mut |e, _| {
        found |= drawn(e);
        Ok(!found)
    });
    found
}

fn drawn(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::NextValue(_) => true,
        ExprKind::Call(call) | ExprKind::SetReturning(call) => super::call::draws(call.func),
        _ => false,
    }
}

/// Does computing it do something that others see?
pub(crate) fn acts(expr: &Expr) -> bool {
    let mut found = false;
    let _ = walk(expr, 0, &mut |e, _| {
        found |= match &e.kind {
            ExprKind::Call(call) => drawn(e) && super::call::drawn(call.func).is_none(),
            _ => drawn(e),
        };
        Ok(!found)
    });
    found
}

/// Is there a query in a function's body, or is it nothing but expressions?
pub(crate) fn reads(body: &Query) -> bool {
    plain_targets(body).is_none_or(|targets| targets.iter().any(crate::sql::lower::steer::arms::has_query))
}

/// How often a parameter is used, and whether a body has queries inside.
struct Uses {
    counts: Vec<usize>,
    queries: bool,
}

fn uses(r: &Routine) -> Uses {
    let mut found = Uses { counts: vec![0; r.args.len()], queries: reads(&r.body) };
    let _ = walk_query(&r.body, 0, &mut |e, _| {
        if let ExprKind::Column { rel, column } = &e.kind
            && *rel == r.params
            && let Some(count) = found.counts.get_mut(usize::from(*column))
        {
            *count += 1;
        }
        Ok(true)
    });
    found
}

/// Is the value NULL whenever this parameter is, by functions that are strict?
fn is_strict_in(e: &Expr, params: RelId, n: usize) -> bool {
    match &e.kind {
        ExprKind::Column { rel, column } => *rel == params && usize::from(*column) == n,
        ExprKind::Call(call) if call.func.strict => call.args.iter().any(|a| is_strict_in(a, params, n)),
        ExprKind::Cast { arg, .. } => is_strict_in(arg, params, n),
        _ => false,
    }
}

impl Lowerer<'_> {
    /// A function's one value: its body's first row.
    pub(crate) fn routine(&mut self, r: &Routine, ty: PgType) -> Result<Scalar> {
        is_made(r)?;
        let needs_guard = |n: usize| match plain_targets(&r.body) {
            Some([target]) => !is_strict_in(target, r.params, n),
            Some(_) | None => true,
        };
        let guarded: Vec<usize> =
            if r.function.strict { (0..r.args.len()).filter(|n| needs_guard(*n)).collect() } else { Vec::new() };
        self.with_arguments(r, &guarded, |this, args| {
            let value = this.body_value(r, ty)?;
            let nulls: Vec<Scalar> = guarded.iter().filter_map(|n| args.get(*n)).map(|a| a.clone().is_null()).collect();
            if nulls.is_empty() {
                return Ok(value);
            }
            let value = this.settle(value);
            let phys = value.phys.clone();
            let any = Scalar::new(Node::Or(nulls), Phys::Bool);
            let whens = vec![(any, Scalar::null(phys.clone()))];
            Ok(Scalar::new(Node::Case { whens, otherwise: Some(Box::new(value)) }, phys))
        })
    }

    /// A function that returns a set, in a target list: the rows as a list that is unnested.
    pub(crate) fn routine_set(&mut self, r: &Routine) -> Result<Scalar> {
        let list = self.routine_list(r)?;
        let Phys::List(element) = list.phys.clone() else {
            return Err(Error::internal("lower: a set that is no list"));
        };
        Ok(Scalar::template("unnest({0})", vec![list], *element))
    }

    /// All that a function gives, as a list.
    pub(crate) fn routine_list(&mut self, r: &Routine) -> Result<Scalar> {
        is_made(r)?;
        let guarded: Vec<usize> = if r.function.strict { (0..r.args.len()).collect() } else { Vec::new() };
        self.with_arguments(r, &guarded, |this, args| {
            this.once_a_row(r)?;
            let inner = this.query(&r.body)?;
            let inner = if r.row { this.as_rows(inner)? } else { inner };
            let element = inner.columns.first().cloned().unwrap_or(Phys::Void);
            if matches!(element, Phys::List(_)) {
                return Err(Error::unsupported(format!("a set of arrays from function {}", r.function.name)));
            }
            let phys = Phys::List(Box::new(element.clone()));
            let alias = this.make();
            let column = Scalar::column(alias, ir::output_name(0), element);
            let query = gathered(column, derived(inner, alias), &phys);
            let list = Scalar::new(Node::Subquery(Box::new(query)), phys.clone());
            let nulls: Vec<Scalar> = guarded.iter().filter_map(|n| args.get(*n)).map(|a| a.clone().is_null()).collect();
            if nulls.is_empty() {
                return Ok(list);
            }
            let any = Scalar::new(Node::Or(nulls), Phys::Bool);
            let none = Scalar::text("[]", Phys::Void).cast(phys.clone());
            Ok(Scalar::new(Node::Case { whens: vec![(any, none)], otherwise: Some(Box::new(list)) }, phys))
        })
    }

    /// A function in FROM by itself.
    pub(crate) fn routine_rows(
        &mut self,
        relation: &Relation,
        e: &Expr,
        r: &Routine,
        ordinality: bool,
        alias: Alias,
    ) -> Result<From> {
        let query = if r.function.returns_set { self.routine_query(r)? } else { self.routine_row(e, r)? };
        let query = if ordinality { self.numbered(query) } else { query };
        if query.columns.len() != relation.columns.len() {
            return Err(Error::unsupported(format!("function {} with these columns", r.function.name)));
        }
        self.enter(relation, alias, query.columns.clone());
        Ok(From::Query { query: Box::new(query), alias, lateral: true })
    }

    /// The rows of a set, as they stand in FROM.
    fn routine_query(&mut self, r: &Routine) -> Result<ir::Query> {
        is_made(r)?;
        let args = self.arguments_of(r)?;
        if r.args.iter().any(has_columns) {
            self.once_a_row(r)?;
        }
        if r.args.iter().any(is_volatile) {
            // FROM computes them once, too: as a row of its own.
            if r.args.iter().any(has_columns) {
                return Err(volatile_argument(r));
            }
            return self.query_over_row(r, args);
        }
        let conditions = if r.function.strict { args.clone() } else { Vec::new() };
        self.bounded(r, &args)?;
        let query = self.given(r, &args, |this| this.query(&r.body))?;
        Ok(self.where_not_null(query, conditions))
    }

    /// The body over a row of its arguments: `SELECT b.* FROM (SELECT random() AS c0) AS a, LATERAL (…) AS b`.
    fn query_over_row(&mut self, r: &Routine, args: Vec<Scalar>) -> Result<ir::Query> {
        let (row, from) = self.row_of_arguments(args);
        let conditions = if r.function.strict { row.clone() } else { Vec::new() };
        let query = self.given(r, &row, |this| this.query(&r.body))?;
        let (alias, columns) = (self.make(), query.columns.clone());
        let targets = outputs(alias, &columns);
        let filter = Scalar::and(conditions.into_iter().map(Scalar::is_not_null).collect());
        let body = From::Query { query: Box::new(query), alias, lateral: true };
        let select = ir::Select { targets, from: vec![from, body], filter, ..ir::Select::default() };
        Ok(plain_query(select, columns))
    }

    fn row_of_arguments(&mut self, args: Vec<Scalar>) -> (Vec<Scalar>, From) {
        let alias = self.make();
        let args: Vec<Scalar> = args.into_iter().map(|a| self.settle(a)).collect();
        let columns: Vec<Phys> = args.iter().map(|a| a.phys.clone()).collect();
        let row = outputs(alias, &columns);
        let select = ir::Select { targets: args, ..ir::Select::default() };
        (row, derived(plain_query(select, columns), alias))
    }

    /// The one row of a function that returns no set.
    fn routine_row(&mut self, e: &Expr, r: &Routine) -> Result<ir::Query> {
        let value = self.expr(e)?;
        let value = self.settle(value);
        let phys = value.phys.clone();
        let Phys::Row(fields) = &phys else {
            let select = ir::Select { targets: vec![value], ..ir::Select::default() };
            return Ok(plain_query(select, vec![phys]));
        };
        if !r.row {
            return Err(Error::internal("lower: a row of no row"));
        }
        let fields = fields.to_vec();
        let alias = self.make();
        let select = ir::Select { targets: vec![value], ..ir::Select::default() };
        let from = vec![derived(plain_query(select, vec![phys.clone()]), alias)];
        let row = Scalar::column(alias, ir::output_name(0), phys.clone());
        let targets =
            fields.iter().enumerate().map(|(i, phys)| super::row::field_of(row.clone(), i, phys.clone())).collect();
        Ok(plain_query(ir::Select { targets, from, ..ir::Select::default() }, fields))
    }

    fn where_not_null(&mut self, query: ir::Query, args: Vec<Scalar>) -> ir::Query {
        if args.is_empty() {
            return query;
        }
        let (alias, columns) = (self.make(), query.columns.clone());
        let filter = Scalar::and(args.into_iter().map(Scalar::is_not_null).collect());
        let (targets, from) = (outputs(alias, &columns), vec![derived(query, alias)]);
        plain_query(ir::Select { targets, from, filter, ..ir::Select::default() }, columns)
    }

    /// With a last column that counts the rows.
    pub(crate) fn numbered(&mut self, query: ir::Query) -> ir::Query {
        let (alias, mut columns) = (self.make(), query.columns.clone());
        let mut targets = outputs(alias, &columns);
        targets.push(Scalar::text("row_number() OVER ()", Phys::Int8));
        columns.push(Phys::Int8);
        let from = vec![derived(query, alias)];
        plain_query(ir::Select { targets, from, ..ir::Select::default() }, columns)
    }

    /// A query's columns as one row value.
    fn as_rows(&mut self, query: ir::Query) -> Result<ir::Query> {
        let alias = self.make();
        let row = self.row_of(outputs(alias, &query.columns))?;
        let columns = vec![row.phys.clone()];
        let from = vec![derived(query, alias)];
        Ok(plain_query(ir::Select { targets: vec![row], from, ..ir::Select::default() }, columns))
    }

    /// What the body gives, the parameters being in place.
    fn body_value(&mut self, r: &Routine, ty: PgType) -> Result<Scalar> {
        if let Some(targets) = plain_targets(&r.body) {
            let values = match r.function.is_run() {
                // PostgreSQL plans it when it gets there.
                true => self.left_out(|this| this.exprs(targets))?,
                false => self.exprs(targets)?,
            };
            return match values.as_slice() {
                _ if r.row => self.row_of(values),
                _ if ty.oid == oid::VOID => self.nothing(values, ty),
                [value] => Ok(value.clone()),
                _ => Err(Error::internal("lower: a body without a value")),
            };
        }
        self.once_a_row(r)?;
        // The same call in GROUP BY and in a target is to be the same text.
        let args = self.substitutes.get(&r.params).into_iter().flatten().flatten();
        let args: Vec<String> = args.map(crate::sql::render::scalar).collect();
        let key = format!("{}({})", r.function.oid, args.join(", "));
        if let Some(known) = self.routines.get(&key) {
            return Ok(known.clone());
        }
        let value = self.query_value(r, ty)?;
        self.routines.insert(key, value.clone());
        Ok(value)
    }

    /// The value of a body that is a query.
    fn query_value(&mut self, r: &Routine, ty: PgType) -> Result<Scalar> {
        let query = self.query(&first_row(&r.body, &r.function.name)?)?;
        if ty.oid == oid::VOID {
            let alias = self.make();
            let value = self.nothing(outputs(alias, &query.columns), ty)?;
            let phys = value.phys.clone();
            let select =
                ir::Select { targets: vec![value], from: vec![derived(query, alias)], ..ir::Select::default() };
            return Ok(Scalar::new(Node::Subquery(Box::new(plain_query(select, vec![phys.clone()]))), phys));
        }
        let query = if r.row { self.as_rows(query)? } else { query };
        let phys = query.columns.first().cloned().unwrap_or(Phys::Void);
        Ok(Scalar::new(Node::Subquery(Box::new(query)), phys))
    }

    /// The NULL of a function without a result, whose body is computed nevertheless.
    fn nothing(&mut self, values: Vec<Scalar>, ty: PgType) -> Result<Scalar> {
        let phys = self.phys(ty)?;
        let known = values.into_iter().map(Scalar::is_null).collect();
        Ok(Scalar::template("nullif(left(concat({*}), 0), '')", known, phys))
    }

    /// DuckDB computes a subquery once for equal rows around it: what is volatile must stand alone.
    fn once_a_row(&self, r: &Routine) -> Result<()> {
        if self.rels.is_empty() || !query_is_volatile(&r.body) {
            return Ok(());
        }
        let what =
            format!("function {}, whose body is volatile and more than an expression, for each row", r.function.name);
        Err(Error::unsupported(what).hint("Call it by itself: SELECT f(…)."))
    }

    fn arguments_of(&mut self, r: &Routine) -> Result<Vec<Scalar>> {
        let mut args = Vec::with_capacity(r.args.len());
        for arg in &r.args {
            let value = self.expr(arg)?;
            args.push(if value.phys == Phys::Void { value.cast(self.phys(arg.ty)?) } else { value });
        }
        Ok(args)
    }

    /// Lowers the body with these in the place of the parameters.
    fn given<T>(&mut self, r: &Routine, args: &[Scalar], lower: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.given_at.insert(r.params, self.levels.len());
        self.substitutes.insert(r.params, args.iter().cloned().map(Some).collect());
        let lowered = lower(self);
        self.substitutes.remove(&r.params);
        lowered
    }

    fn bounded(&self, r: &Routine, args: &[Scalar]) -> Result<()> {
        let counts = uses(r).counts;
        let weight: usize = args.iter().zip(counts).map(|(a, n)| a.weight().0.saturating_mul(n)).sum();
        if weight > MAX_WEIGHT { Err(crate::sql::parse::too_deep()) } else { Ok(()) }
    }

    /// Runs `body` with the arguments in the place of the parameters. What is used more than once, or in `guarded`, is computed
    /// once where that may matter.
    fn with_arguments(
        &mut self,
        r: &Routine,
        guarded: &[usize],
        body: impl FnOnce(&mut Self, &[Scalar]) -> Result<Scalar>,
    ) -> Result<Scalar> {
        let args = self.arguments_of(r)?;
        self.bounded(r, &args)?;
        let mut found = uses(r);
        for n in guarded {
            found.counts[*n] += 1;
        }
        if !found.queries {
            // As PostgreSQL does it: of functions in SQL, what is not used is not computed.
            let bound = args.into_iter().zip(found.counts).enumerate();
            let once = |n: usize, count: usize| match in_front(r, n) {
                true => Bind::Always,
                false if count > 1 => Bind::IfDear,
                false => Bind::Not,
            };
            let bound = bound.map(|(n, (arg, count))| (arg, once(n, count))).collect();
            return self.bind_arguments(r, bound, Vec::new(), Box::new(body));
        }
        // No query may stand inside a lambda.
        if args.iter().any(of_groups) {
            let what = format!("an aggregate or window function as an argument of function {} here", r.function.name);
            return Err(Error::unsupported(what).hint("Compute the argument in a subquery in FROM first."));
        }
        let volatile = r.args.iter().any(is_volatile);
        // What is dear and stands in the body more than once would grow from call to call.
        let grows = args.iter().zip(&found.counts).any(|(arg, count)| *count > 1 && super::expr::is_dear(arg));
        let guarded = self.guarded_arguments(&r.body, &args);
        if !volatile && !grows && guarded.is_none() {
            return self.given(r, &args, |this| body(this, &args));
        }
        if volatile && !self.rels.is_empty() {
            return Err(volatile_argument(r));
        }
        let (row, from) = self.row_of_arguments(guarded.unwrap_or(args));
        let value = self.given(r, &row, |this| body(this, &row))?;
        let value = self.settle(value);
        let phys = value.phys.clone();
        let select = ir::Select { targets: vec![value], from: vec![from], ..ir::Select::default() };
        Ok(Scalar::new(Node::Subquery(Box::new(plain_query(select, vec![phys.clone()]))), phys))
    }

    /// One argument after the other: bound if that is asked for.
    fn bind_arguments<'f>(
        &mut self,
        r: &Routine,
        mut rest: std::collections::VecDeque<(Scalar, Bind)>,
        mut done: Vec<Scalar>,
        body: Box<dyn FnOnce(&mut Self, &[Scalar]) -> Result<Scalar> + 'f>,
    ) -> Result<Scalar> {
        let Some((arg, bind)) = rest.pop_front() else {
            return self.given(r, &done, |this| body(this, &done));
        };
        let next = move |this: &mut Self, arg| {
            done.push(arg);
            this.bind_arguments(r, rest, done, body)
        };
        match bind {
            Bind::Not => next(self, arg),
            Bind::IfDear => self.bind_once(arg, next),
            Bind::Always => self.bind(arg, next),
        }
    }
}

/// Whether an argument is computed by itself.
#[derive(Clone, Copy)]
enum Bind {
    Not,
    IfDear,
    Always,
}

/// PL/pgSQL's arguments are computed though the body may not come to use them.
fn in_front(r: &Routine, n: usize) -> bool {
    let used = |targets: &[Expr]| targets.iter().any(|target| is_always(target, r.params, n as u16));
    r.function.is_run() && !is_there(&r.args[n]) && !plain_targets(&r.body).is_some_and(used)
}

/// A call of PL/pgSQL must have been made before the statement.
fn is_made(r: &Routine) -> Result<()> {
    if !r.pending {
        return Ok(());
    }
    let what = format!("a call of function {}, which is in PL/pgSQL, in this place", r.function.name);
    Err(Error::unsupported(what).hint("Call it by itself: SELECT f(…), or SELECT … FROM f(…)."))
}

fn volatile_argument(r: &Routine) -> Error {
    Error::unsupported(format!(
        "a volatile argument of function {}, whose body is more than an expression",
        r.function.name
    ))
    .hint("Compute the argument in a subquery in FROM first.")
}

/// Is it computed over rows of the query around it?
pub(crate) fn of_groups(value: &Scalar) -> bool {
    match &value.node {
        Node::Aggregate(_) => true,
        Node::Template { text, args, .. } => text.contains("GROUPING(") || args.iter().any(of_groups),
        Node::Cast(inner) => of_groups(inner),
        Node::And(parts) | Node::Or(parts) => parts.iter().any(of_groups),
        Node::Case { whens, otherwise } => {
            whens.iter().any(|(test, then)| of_groups(test) || of_groups(then))
                || otherwise.as_deref().is_some_and(of_groups)
        }
        Node::Quantified { left, .. } => of_groups(left),
        Node::Text(_)
        | Node::Literal(_)
        | Node::Type
        | Node::Column(..)
        | Node::Bare(_)
        | Node::Variable(_)
        | Node::Param(_)
        | Node::Subquery(_)
        | Node::Exists(_) => false,
    }
}

fn has_columns(e: &Expr) -> bool {
    let mut found = false;
    let _ = walk(e, 0, &mut |e, _| {
        found |= matches!(e.kind, ExprKind::Column { .. } | ExprKind::WholeRow(_));
        Ok(!found)
    });
    found
}

fn outputs(alias: Alias, columns: &[Phys]) -> Vec<Scalar> {
    columns.iter().enumerate().map(|(i, phys)| Scalar::column(alias, ir::output_name(i), phys.clone())).collect()
}

/// The query with no more than its first row.
fn first_row(query: &Query, name: &str) -> Result<Query> {
    let one = Expr { kind: ExprKind::Const(Value::Int8(1)), ty: PgType::new(oid::INT8), pos: 0 };
    let single = match &query.body {
        Body::Select(select) => select.aggregated && select.group_by.is_none(),
        Body::Values(rows) => rows.len() == 1,
        Body::SetOp { .. } => false,
    };
    let mut query = query.clone();
    match query.limit.as_ref().map(super::constant::const_int) {
        _ if single => {}
        None => query.limit = Some(one),
        Some(Some(n)) if n <= 1 && !query.with_ties => {}
        Some(Some(_)) if !query.with_ties => query.limit = Some(one),
        Some(_) => {
            return Err(Error::unsupported(format!("LIMIT of no constant in function {name}, which returns one row")));
        }
    }
    Ok(query)
}
