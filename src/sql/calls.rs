//! Calls of PL/pgSQL: the session runs them before the statement, and what they give stands in their place.
//! (Why, and which calls that is exact for: docs/decisions/plpgsql.md.)

use std::sync::Arc;

use super::analyze::{children_mut, walk};
use crate::error::{Error, Result};
use crate::registry::{Function, Name};
use crate::tree::{
    Body, CteBody, CteId, Expr, ExprKind, Field, FromItem, Insert, InsertSource, Query, RelId, Relation, Routine,
    Select, Source, Statement,
};
use crate::types::{PgType, Value, oid};

/// What a call gave.
#[derive(Debug, Clone)]
pub enum Given {
    /// The value of one that returns no set.
    Value(Value),
    /// The rows of a set: each has the result's columns, or the one value.
    Rows(Vec<Vec<Value>>),
}

/// The first call of a statement that nothing is known of yet.
#[derive(Debug, Clone)]
pub struct Pending {
    pub function: Arc<Function>,
    pub args: Vec<Expr>,
    /// What it returns: of a set, each of its rows.
    pub result: PgType,
    /// The columns of a row, if it returns one.
    pub columns: Vec<(Name, PgType)>,
    /// The statement adds several rows: what the function reads of their table would grow.
    pub several: bool,
}

/// Puts what is known in the place of the calls, in the order in which PostgreSQL would make them, and gives the first of which
/// nothing is known; that one and those behind it are NULL or no rows for the moment.
///
/// # Errors
/// 0A000 for a call that would have to be made for each row, or that PostgreSQL might make more or less than once.
pub fn settle(statement: &mut Statement, given: &[Given]) -> Result<Option<Pending>> {
    let mut settler = Settler { given, next: 0, pending: None, around: Vec::new(), several: false };
    match statement {
        Statement::Query(query) => settler.query(query, Times::Once)?,
        Statement::Insert(insert) => settler.insert(insert)?,
        Statement::Update(update) => {
            settler.around.push(update.target.id);
            settler.from(&mut update.from, Times::Once)?;
            update.sets.iter_mut().try_for_each(|(_, value)| settler.expr(value, Times::Any))?;
            settler.option(&mut update.filter)?;
        }
        Statement::Delete(delete) => {
            settler.around.push(delete.target.id);
            settler.from(&mut delete.using, Times::Once)?;
            settler.option(&mut delete.filter)?;
        }
        Statement::Merge(_)
        | Statement::Copy(_)
        | Statement::Explain(_)
        | Statement::Ddl(_)
        | Statement::Utility(_) => {}
    }
    Ok(settler.pending)
}

/// How often PostgreSQL computes what stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Times {
    Once,
    /// For each row, or only if something else is so.
    Any,
}

struct Settler<'g> {
    given: &'g [Given],
    next: usize,
    pending: Option<Pending>,
    /// The relations whose rows are around.
    around: Vec<RelId>,
    several: bool,
}

impl Settler<'_> {
    fn insert(&mut self, insert: &mut Insert) -> Result<()> {
        match &mut insert.source {
            InsertSource::Values(rows) => {
                self.several = rows.len() > 1;
                rows.iter_mut().flatten().try_for_each(|value| self.expr(value, Times::Once))
            }
            InsertSource::Query { query, rel, exprs } => {
                self.several = true;
                self.query(query, Times::Once)?;
                self.around.push(*rel);
                exprs.iter_mut().try_for_each(|value| self.expr(value, Times::Any))
            }
            InsertSource::Feed { .. } => Ok(()),
        }
    }

    fn query(&mut self, query: &mut Query, times: Times) -> Result<()> {
        for cte in &mut query.ctes {
            // One that nobody reads is not computed.
            let read = !cte.recursive && reads(&query.body, cte.id);
            if let CteBody::Query(query) = &mut cte.query {
                self.query(query, if read { times } else { Times::Any })?;
            }
        }
        match &mut query.body {
            Body::Select(select) => {
                let cut = query.limit.is_some() || query.offset.is_some();
                let outside = self.around.len();
                let done = self.select(select, if cut { Times::Any } else { times });
                let keys = done
                    .and_then(|()| query.order_by.iter_mut().try_for_each(|key| self.expr(&mut key.expr, Times::Any)));
                self.around.truncate(outside);
                keys
            }
            Body::SetOp { op: _, all: _, left, right } => {
                let times = if query.limit.is_some() { Times::Any } else { times };
                self.query(left, times)?;
                self.query(right, times)
            }
            Body::Values(rows) => rows.iter_mut().flatten().try_for_each(|value| self.expr(value, times)),
        }
    }

    fn select(&mut self, select: &mut Select, times: Times) -> Result<()> {
        self.from(&mut select.from, times)?;
        let alone = select.from.is_empty() && select.filter.is_none() && !select.aggregated;
        self.option(&mut select.filter)?;
        let sets = select.targets.iter().any(|target| has(target, returns_set));
        for target in &mut select.targets {
            // Beside a set everything else is computed once a row.
            let once = alone && (!sets || returns_set(target));
            self.expr(target, if once { times } else { Times::Any })?;
        }
        self.option(&mut select.having)
    }

    fn from(&mut self, items: &mut [FromItem], times: Times) -> Result<()> {
        for item in items.iter() {
            self.note(item);
        }
        items.iter_mut().try_for_each(|item| self.item(item, times))
    }

    fn note(&mut self, item: &FromItem) {
        match item {
            FromItem::Relation(relation) => self.around.push(relation.id),
            FromItem::Join(join) => {
                self.note(&join.left);
                self.note(&join.right);
            }
        }
    }

    fn item(&mut self, item: &mut FromItem, times: Times) -> Result<()> {
        match item {
            FromItem::Relation(relation) => self.relation(relation, times),
            FromItem::Join(join) => {
                self.item(&mut join.left, times)?;
                self.item(&mut join.right, times)?;
                self.option(&mut join.on)
            }
        }
    }

    fn relation(&mut self, relation: &mut Relation, times: Times) -> Result<()> {
        match &mut relation.source {
            Source::Subquery(query) | Source::View { query, .. } => {
                let times = if relation.lateral { Times::Any } else { times };
                self.query(query, times)
            }
            Source::Function { calls, ordinality: _ } => calls.iter_mut().try_for_each(|call| match &mut call.kind {
                ExprKind::Routine(routine) if routine.pending => self.call(routine, call.ty, times).map(drop),
                _ => self.expr(call, times),
            }),
            Source::Table { .. }
            | Source::System { .. }
            | Source::Sequence { .. }
            | Source::Cte(_)
            | Source::Feed
            | Source::File(_) => Ok(()),
        }
    }

    fn option(&mut self, expr: &mut Option<Expr>) -> Result<()> {
        expr.iter_mut().try_for_each(|expr| self.expr(expr, Times::Any))
    }

    fn expr(&mut self, expr: &mut Expr, times: Times) -> Result<()> {
        stacker::maybe_grow(128 << 10, 1 << 20, || self.expr_here(expr, times))
    }

    fn expr_here(&mut self, expr: &mut Expr, times: Times) -> Result<()> {
        let ty = expr.ty;
        match &mut expr.kind {
            ExprKind::Routine(routine) if routine.pending => {
                if let Some(value) = self.call(routine, ty, times)? {
                    expr.kind = ExprKind::Const(value);
                }
                return Ok(());
            }
            ExprKind::Routine(routine) if !routine.function.definer => {
                routine.args.iter_mut().try_for_each(|arg| self.expr(arg, times))?;
                self.around.push(routine.params);
                return self.query(&mut routine.body, Times::Any);
            }
            ExprKind::ScalarSubquery(query) | ExprKind::ArraySubquery(query) => {
                let times = if self.depends(query) { Times::Any } else { times };
                return self.query(query, times);
            }
            ExprKind::Exists(query) | ExprKind::AnyAllSubquery { query, .. } => self.query(query, Times::Any)?,
            _ => {}
        }
        // Of these only the first is sure to be computed.
        let guards =
            matches!(expr.kind, ExprKind::Case { .. } | ExprKind::Coalesce(_) | ExprKind::And(_) | ExprKind::Or(_));
        let rows = matches!(expr.kind, ExprKind::Aggregate(_) | ExprKind::Window(_));
        for (n, child) in children_mut(expr).into_iter().enumerate() {
            self.expr(child, if rows || guards && n > 0 { Times::Any } else { times })?;
        }
        Ok(())
    }

    fn depends(&self, query: &Query) -> bool {
        super::analyze::refers_to(query, &self.around)
    }

    /// Puts in place what a call gave: for one that returns no set and stands in an expression, its value.
    fn call(&mut self, routine: &mut Routine, result: PgType, times: Times) -> Result<Option<Value>> {
        let function = Arc::clone(&routine.function);
        routine.args.iter_mut().try_for_each(|arg| self.expr(arg, times))?;
        let around = &self.around;
        let of_a_row = |e: &Expr, depth: usize| {
            matches!(&e.kind, ExprKind::Column { rel, .. } | ExprKind::WholeRow(rel) if around.contains(rel))
                || depth == 0 && (matches!(e.kind, ExprKind::Aggregate(_) | ExprKind::Window(_)) || returns_set(e))
        };
        if routine.args.iter().any(|arg| has_at(arg, of_a_row)) {
            let what = format!("a call of function {}, which is in PL/pgSQL, for each row", function.name);
            return Err(Error::unsupported(what)
                .hint("Call it with values that no row has, write it in SQL, or loop over the rows in PL/pgSQL."));
        }
        if function.volatility == b'v' && times == Times::Any {
            let what = format!("a call of the volatile PL/pgSQL function {} here", function.name);
            return Err(Error::unsupported(what).hint(
                "Call it by itself, SELECT f(…) or SELECT … FROM f(…), or declare it STABLE if it changes nothing.",
            ));
        }
        let place = self.next;
        self.next += 1;
        routine.pending = false;
        let args = std::mem::take(&mut routine.args);
        let columns: Vec<(Name, PgType)> = match routine.row {
            true => routine.body.columns.iter().map(|c| (c.name.clone(), c.ty)).collect(),
            false => Vec::new(),
        };
        let nothing = || match function.returns_set {
            true => Given::Rows(Vec::new()),
            false => Given::Value(Value::Null),
        };
        let given = match self.given.get(place) {
            Some(given) => given.clone(),
            None => {
                if self.pending.is_none() {
                    let (function, several) = (Arc::clone(&function), self.several);
                    self.pending = Some(Pending { function, args, result, columns: columns.clone(), several });
                }
                nothing()
            }
        };
        let types: Vec<PgType> = routine.body.columns.iter().map(|c| c.ty).collect();
        let rows = match given {
            Given::Rows(rows) => rows,
            Given::Value(value) => {
                let row = match (&value, routine.row) {
                    (Value::Row(fields), true) => fields.iter().map(|(_, value)| value.clone()).collect(),
                    (_, true) => vec![Value::Null; types.len()],
                    (_, false) => vec![value.clone()],
                };
                set_rows(&mut routine.body, &types, vec![row]);
                return Ok(Some(value));
            }
        };
        set_rows(&mut routine.body, &types, rows);
        Ok(None)
    }
}

/// Does a select have it in its own FROM?
fn reads(body: &Body, cte: CteId) -> bool {
    fn item(from: &FromItem, cte: CteId) -> bool {
        match from {
            FromItem::Relation(relation) => matches!(relation.source, Source::Cte(id) if id == cte),
            FromItem::Join(join) => item(&join.left, cte) || item(&join.right, cte),
        }
    }
    match body {
        Body::Select(select) => select.from.iter().any(|from| item(from, cte)),
        Body::SetOp { .. } | Body::Values(_) => false,
    }
}

/// Makes these rows the query's.
fn set_rows(query: &mut Query, types: &[PgType], rows: Vec<Vec<Value>>) {
    let constant = |(value, ty): (Value, &PgType)| Expr { kind: ExprKind::Const(value), ty: *ty, pos: 0 };
    let exprs = |row: Vec<Value>| -> Vec<Expr> { row.into_iter().zip(types).map(constant).collect() };
    let one = rows.len() == 1;
    let mut rows: Vec<Vec<Expr>> = rows.into_iter().map(exprs).collect();
    query.body = match rows.pop() {
        Some(row) if one => Body::Select(Box::new(Select::of(row, Vec::new()))),
        Some(row) => {
            rows.push(row);
            Body::Values(rows)
        }
        None => {
            let none = types.iter().map(|ty| constant((Value::Null, ty))).collect();
            let never = Expr { kind: ExprKind::Const(Value::Bool(false)), ty: PgType::new(oid::BOOL), pos: 0 };
            Body::Select(Box::new(Select { filter: Some(never), ..Select::of(none, Vec::new()) }))
        }
    };
}

/// The body of a call before it was made: a row of these columns.
pub(super) fn unknown(columns: Vec<(Name, PgType)>, rel: RelId) -> Query {
    let types: Vec<PgType> = columns.iter().map(|(_, ty)| *ty).collect();
    let fields = columns.into_iter().map(|(name, ty)| Field { name, ty, origin: (0, 0), row: None }).collect();
    let mut query = Query::of(Body::Values(Vec::new()), fields, rel);
    set_rows(&mut query, &types, vec![vec![Value::Null; types.len()]]);
    query
}

/// The arguments of a call as a query of one row; `None` if it has none.
pub(super) fn arguments(args: Vec<Expr>) -> Option<Statement> {
    if args.is_empty() {
        return None;
    }
    let field = |arg: &Expr| Field { name: "argument".into(), ty: arg.ty, origin: (0, 0), row: None };
    let columns = args.iter().map(field).collect();
    let select = Select::of(args, Vec::new());
    // Nothing refers to it.
    let rel = RelId(u32::MAX);
    Some(Statement::Query(Box::new(Query::of(Body::Select(Box::new(select)), columns, rel))))
}

fn returns_set(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::SetReturning(_) => true,
        ExprKind::Routine(routine) => routine.function.returns_set,
        _ => false,
    }
}

/// Is there such an expression in it, or in its queries?
pub(super) fn has(expr: &Expr, is: impl Fn(&Expr) -> bool) -> bool {
    has_at(expr, |e, _| is(e))
}

/// As [`has`]; `is` is told how many queries are around the expression.
fn has_at(expr: &Expr, is: impl Fn(&Expr, usize) -> bool) -> bool {
    let mut found = false;
    let _ = walk(expr, 0, &mut |e, depth| {
        found |= is(e, depth);
        Ok(!found)
    });
    found
}

/// Is there a call of PL/pgSQL in it that is not made yet?
pub(super) fn is_pending(e: &Expr) -> bool {
    matches!(&e.kind, ExprKind::Routine(routine) if routine.pending)
}
