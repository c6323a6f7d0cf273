//! The rules' way into a statement's tree: a table that is read becomes a query of the rows and values that the role may see;
//! what is written carries its conditions along.
//!
//! No wildcard arms, every struct destructured: what is added to the tree does not compile until it is decided here.

use std::sync::Arc;

use super::rules::{Rules, Write, all_of};
use super::walk::Walk;
use crate::error::{Error, Result, SqlState};
use crate::registry::{self, PolicyCommand, RowSecurity};
use crate::tree::*;

impl Rules<'_> {
    pub(super) fn statement(&mut self, statement: &mut Statement) -> Result<()> {
        match statement {
            Statement::Query(query) => self.query(query),
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            Statement::Merge(merge) => self.merge(merge),
            Statement::Copy(copy) => {
                let Copy { direction, options: _ } = &mut **copy;
                match direction {
                    CopyDirection::In { insert, table, columns: _ } => {
                        if matches!(self.holds(table)?, Some(RowSecurity::On { .. })) {
                            let message = "COPY FROM not supported with row-level security";
                            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
                                .hint("Use INSERT statements instead."));
                        }
                        self.insert(insert)
                    }
                    CopyDirection::Out { statement, relation: _ } => self.statement(statement),
                }
            }
            Statement::Explain(explain) => {
                let Explain { statement: inner, analyze: _, verbose: _, costs: _, format: _ } = &mut **explain;
                self.statement(inner)
            }
            Statement::Ddl(ddl) => match &mut **ddl {
                Ddl::CreateTableAs { query, .. } => self.query(query),
                // A view's query is kept as text, and gets the rules of its owner when it is read. USING of a change of
                // type is for the table's owner, over all of its rows.
                Ddl::CreateView { .. } | Ddl::AlterTable { .. } => Ok(()),
                // What it reads is compiled by itself, in the name of the view's owner.
                Ddl::Refresh { .. } => Ok(()),
                Ddl::CreateNamespace { .. }
                | Ddl::CreateTable { .. }
                | Ddl::CreateIndex { .. }
                | Ddl::CreateSequence { .. }
                | Ddl::AlterSequence { .. }
                | Ddl::CreateEnum { .. }
                | Ddl::CreateRange { .. }
                | Ddl::CreateComposite { .. }
                | Ddl::AlterComposite { .. }
                | Ddl::AlterEnum { .. }
                | Ddl::CreateExtension { .. }
                | Ddl::UpdateExtension { .. }
                | Ddl::CreateDomain { .. }
                | Ddl::AlterDomain { .. }
                | Ddl::AlterNamespace { .. }
                | Ddl::Drop { .. }
                | Ddl::Comment { .. }
                | Ddl::Truncate { .. }
                | Ddl::Grant(_)
                | Ddl::Function(_)
                | Ddl::DefaultPrivileges(_)
                | Ddl::Nothing { .. }
                | Ddl::CreatePolicy { .. }
                | Ddl::AlterPolicy { .. }
                | Ddl::DropPolicy { .. }
                | Ddl::CreateRole { .. }
                | Ddl::AlterRole { .. }
                | Ddl::AlterRoleSet { .. }
                | Ddl::RenameRole { .. }
                | Ddl::DropRole { .. }
                | Ddl::ReassignOwned { .. }
                | Ddl::DropOwned { .. }
                | Ddl::GrantRole { .. } => Ok(()),
            },
            Statement::Utility(utility) => match &mut **utility {
                Utility::Execute { name: _, args } => self.exprs(args),
                // The cursor's query is compiled by itself, and comes by here then.
                Utility::Declare { .. } => Ok(()),
                Utility::Begin { .. }
                | Utility::Commit { .. }
                | Utility::Rollback { .. }
                | Utility::Savepoint(_)
                | Utility::ReleaseSavepoint(_)
                | Utility::RollbackTo(_)
                | Utility::SetTransaction { .. }
                | Utility::Set { .. }
                | Utility::Reset { .. }
                | Utility::Show { .. }
                | Utility::SetRole { .. }
                | Utility::SetSessionAuthorization { .. }
                | Utility::Discard(_)
                | Utility::Prepare { .. }
                | Utility::Deallocate { .. }
                | Utility::Fetch { .. }
                | Utility::CloseCursor { .. }
                | Utility::Do { .. }
                | Utility::Listen(_)
                | Utility::Unlisten(_)
                | Utility::Notify { .. }
                | Utility::Lock { .. }
                | Utility::Maintain { .. }
                | Utility::PrepareTransaction
                | Utility::SetConstraints { .. } => Ok(()),
            },
        }
    }

    pub(super) fn query(&mut self, query: &mut Query) -> Result<()> {
        let Query {
            ctes,
            recursive: _,
            body,
            order_by,
            limit,
            offset,
            with_ties: _,
            // What is locked, the walk has found.
            locking: _,
            columns: _,
            output_rel: _,
        } = query;
        self.ctes(ctes)?;
        match body {
            Body::Select(select) => self.select(select)?,
            Body::SetOp { op: _, all: _, left, right } => {
                self.query(left)?;
                self.query(right)?;
            }
            Body::Values(rows) => rows.iter_mut().try_for_each(|row| self.exprs(row))?,
        }
        self.sort_keys(order_by)?;
        self.option(limit)?;
        self.option(offset)
    }

    fn ctes(&mut self, ctes: &mut [Cte]) -> Result<()> {
        for Cte { id: _, name: _, query, columns: _, materialized: _, recursive: _, named: _, extended: _ } in ctes {
            match query {
                CteBody::Query(query) => self.query(query)?,
                CteBody::Insert(insert) => self.insert(insert)?,
                CteBody::Update(update) => self.update(update)?,
                CteBody::Delete(delete) => self.delete(delete)?,
            }
        }
        Ok(())
    }

    fn select(&mut self, select: &mut Select) -> Result<()> {
        let Select { distinct, targets, from, filter, group_by, having, windows, qualify, aggregated: _ } = select;
        self.from_items(from)?;
        self.exprs(targets)?;
        match distinct {
            Distinct::All | Distinct::Distinct => {}
            Distinct::On(exprs) => self.exprs(exprs)?,
        }
        self.option(filter)?;
        if let Some(GroupBy { exprs, sets: _, dependent, written: _, distinct: _ }) = group_by {
            self.exprs(exprs)?;
            self.exprs(dependent)?;
        }
        self.option(having)?;
        // They are only printed, but nothing in the tree stays as it was.
        for (_, WindowSpec { name: _, base: _, partition_by, order_by, frame: _ }) in windows {
            self.exprs(partition_by)?;
            self.sort_keys(order_by)?;
        }
        self.option(qualify)
    }

    fn from_items(&mut self, items: &mut [FromItem]) -> Result<()> {
        items.iter_mut().try_for_each(|item| self.from_item(item))
    }

    fn from_item(&mut self, item: &mut FromItem) -> Result<()> {
        match item {
            FromItem::Relation(relation) => self.relation(relation),
            FromItem::Join(join) => {
                let Join { kind: _, left, right, on, lateral: _, merged: _, merged_alias: _, alias: _ } = &mut **join;
                self.from_item(left)?;
                self.from_item(right)?;
                self.option(on)
            }
        }
    }

    fn relation(&mut self, relation: &mut Relation) -> Result<()> {
        let locked = self.found.locked.contains(&relation.id);
        let Relation { id: _, alias: _, source, columns: _, lateral: _, pos: _ } = relation;
        match source {
            Source::Table { def, only: _, sample } => {
                if let Some(Sample { bernoulli: _, percent, seed }) = sample {
                    self.expr(percent)?;
                    self.option(seed)?;
                }
                let def = Arc::clone(def);
                self.table(relation, &def, locked)
            }
            Source::System { def: _, sample } => {
                if let Some(Sample { bernoulli: _, percent, seed }) = sample {
                    self.expr(percent)?;
                    self.option(seed)?;
                }
                Ok(())
            }
            Source::Sequence { def: _ } | Source::Cte(_) | Source::Feed | Source::File(_) => Ok(()),
            Source::View { def: _, query, owner } => {
                let outer = std::mem::replace(&mut self.role, owner.unwrap_or(self.user.0));
                let done = self.query(query);
                self.role = outer;
                done
            }
            Source::Subquery(query) => self.query(query),
            Source::Function { calls, ordinality: _ } => self.exprs(calls),
        }
    }

    /// A table that is read: under its number comes a query over it.
    fn table(&mut self, relation: &mut Relation, def: &Arc<registry::Relation>, locked: bool) -> Result<()> {
        let Some(security) = self.holds(def)? else { return Ok(()) };
        self.not_in_itself(def)?;
        let row = self.fresh()?;
        let mut conditions = Vec::new();
        if let RowSecurity::On { .. } = security {
            conditions = self.using(def, PolicyCommand::Select, row)?;
            if locked {
                conditions.extend(self.using(def, PolicyCommand::Update, row)?);
            }
        }
        let masks = self.masks(def, &relation.columns, row)?;
        let raw = |(i, column): (usize, &RelColumn)| Expr {
            kind: ExprKind::Column { rel: row, column: i as u16 },
            ty: column.ty,
            pos: 0,
        };
        let mut targets: Vec<Expr> = relation.columns.iter().enumerate().map(raw).collect();
        for (at, mask) in masks {
            if let Some(target) = targets.get_mut(usize::from(at)) {
                *target = mask;
            }
        }
        let columns = relation.columns.iter();
        let columns = columns
            .map(|c| Field { name: Arc::clone(&c.name), ty: c.ty, origin: (def.oid, c.attnum), row: None })
            .collect();
        let output_rel = self.fresh()?;
        let hidden = Relation { id: row, lateral: false, pos: 0, ..relation.clone() };
        let select =
            Select { filter: all_of(conditions), ..Select::of(targets, vec![FromItem::Relation(Box::new(hidden))]) };
        relation.source = Source::Subquery(Box::new(Query::of(Body::Select(Box::new(select)), columns, output_rel)));
        Ok(())
    }

    fn insert(&mut self, insert: &mut Insert) -> Result<()> {
        let Insert {
            ctes,
            recursive: _,
            target,
            columns: _,
            named: _,
            source,
            on_conflict,
            excluded: _,
            xmax: _,
            returning,
            overriding: _,
            rules,
            through,
        } = insert;
        self.ctes(ctes)?;
        self.insert_source(source)?;
        let mut updates = false;
        if let Some(OnConflict { arbiter: _, checked: _, read: _, action }) = on_conflict {
            match action {
                ConflictAction::Nothing => {}
                ConflictAction::Update { sets, filter } => {
                    updates = true;
                    sets.iter_mut().try_for_each(|(_, expr)| self.expr(expr))?;
                    self.option(filter)?;
                }
            }
        }
        self.returning(returning)?;
        let write = Write::Insert { conflict: updates };
        *rules = self.target_rules(target, write, through.as_deref(), rules.take())?;
        let Some(rules) = rules else { return Ok(()) };
        if let Some(OnConflict { action: ConflictAction::Update { sets, filter }, .. }) = on_conflict {
            sets.iter().try_for_each(|(_, expr)| no_mask(expr, target, rules))?;
            filter.iter_mut().try_for_each(|e| put_masks(e, target, rules))?;
        }
        returning.exprs.iter_mut().try_for_each(|e| put_masks(e, target, rules))
    }

    fn update(&mut self, update: &mut Update) -> Result<()> {
        let Update { ctes, recursive: _, target, sets, from, filter, returning, rules, through } = update;
        self.ctes(ctes)?;
        self.from_items(from)?;
        sets.iter_mut().try_for_each(|(_, expr)| self.expr(expr))?;
        self.option(filter)?;
        self.returning(returning)?;
        *rules = self.target_rules(target, Write::Update, through.as_deref(), rules.take())?;
        let Some(rules) = rules else { return Ok(()) };
        sets.iter().try_for_each(|(_, expr)| no_mask(expr, target, rules))?;
        returning.exprs.iter_mut().try_for_each(|e| put_masks(e, target, rules))
    }

    fn delete(&mut self, delete: &mut Delete) -> Result<()> {
        let Delete { ctes, recursive: _, target, using, filter, returning, rules, through } = delete;
        self.ctes(ctes)?;
        self.from_items(using)?;
        self.option(filter)?;
        self.returning(returning)?;
        *rules = self.target_rules(target, Write::Delete, through.as_deref(), rules.take())?;
        let Some(rules) = rules else { return Ok(()) };
        returning.exprs.iter_mut().try_for_each(|e| put_masks(e, target, rules))
    }

    fn merge(&mut self, merge: &mut Merge) -> Result<()> {
        let Merge { ctes, target, source, on, whens, rules } = merge;
        self.ctes(ctes)?;
        self.from_item(source)?;
        self.expr(on)?;
        for MergeWhen { matched: _, condition, action } in &mut *whens {
            self.option(condition)?;
            match action {
                MergeAction::Nothing | MergeAction::Delete => {}
                MergeAction::Update { sets } => sets.iter_mut().try_for_each(|(_, expr)| self.expr(expr))?,
                MergeAction::Insert(insert) => {
                    self.insert_source(&mut insert.source)?;
                    // A row that it inserts need not be one that the role sees.
                    insert.rules = self.written_rules(target, Write::Insert { conflict: false }, false, None)?;
                }
            }
        }
        *rules = self.target_rules(target, Write::Merge, None, None)?;
        let Some(rules) = rules else { return Ok(()) };
        for MergeWhen { matched: _, condition: _, action } in whens {
            match action {
                MergeAction::Nothing | MergeAction::Delete | MergeAction::Insert(_) => {}
                MergeAction::Update { sets } => sets.iter().try_for_each(|(_, expr)| no_mask(expr, target, rules))?,
            }
        }
        Ok(())
    }

    fn insert_source(&mut self, source: &mut InsertSource) -> Result<()> {
        match source {
            InsertSource::Values(rows) => rows.iter_mut().try_for_each(|row| self.exprs(row)),
            InsertSource::Query { query, rel: _, exprs } => {
                self.query(query)?;
                self.exprs(exprs)
            }
            InsertSource::Feed { rel: _, exprs, filter } => {
                self.exprs(exprs)?;
                self.option(filter)
            }
        }
    }

    fn returning(&mut self, returning: &mut Returning) -> Result<()> {
        let Returning { exprs, columns: _, system: _ } = returning;
        self.exprs(exprs)
    }

    fn option(&mut self, expr: &mut Option<Expr>) -> Result<()> {
        expr.iter_mut().try_for_each(|e| self.expr(e))
    }

    pub(super) fn exprs(&mut self, exprs: &mut [Expr]) -> Result<()> {
        exprs.iter_mut().try_for_each(|e| self.expr(e))
    }

    fn sort_keys(&mut self, keys: &mut [SortKey]) -> Result<()> {
        keys.iter_mut().try_for_each(|SortKey { expr, descending: _, nulls_first: _ }| self.expr(expr))
    }

    /// Goes to the queries inside an expression.
    pub(super) fn expr(&mut self, expr: &mut Expr) -> Result<()> {
        self.as_definer(expr)?;
        if let ExprKind::Routine(routine) = &mut expr.kind {
            return self.routine(routine);
        }
        stacker::maybe_grow(128 << 10, 1 << 20, || {
            each_part(expr, &mut |part| match part {
                Part::Expr(inner) => self.expr(inner),
                Part::Query(query) => self.query(query),
            })
        })
    }
}

/// What stands directly under an expression.
enum Part<'a> {
    Expr(&'a mut Expr),
    Query(&'a mut Query),
}

fn each_part(expr: &mut Expr, visit: &mut dyn FnMut(Part<'_>) -> Result<()>) -> Result<()> {
    let Expr { kind, ty: _, pos: _ } = expr;
    let mut all = |exprs: &mut [Expr]| exprs.iter_mut().try_for_each(|e| visit(Part::Expr(e)));
    match kind {
        ExprKind::Const(_)
        | ExprKind::Param(_)
        | ExprKind::Session(_, _)
        | ExprKind::Default
        | ExprKind::Grouping(_)
        | ExprKind::Column { rel: _, column: _ }
        | ExprKind::WholeRow(_)
        | ExprKind::NextValue(_) => Ok(()),
        ExprKind::Call(call) | ExprKind::SetReturning(call) => {
            let Call { func: _, args, operator: _, variadic: _, form: _ } = &mut **call;
            all(args)
        }
        ExprKind::Routine(routine) => {
            let Routine { function: _, args, form: _, variadic: _, params: _, body, row: _, pending: _ } =
                &mut **routine;
            all(args)?;
            visit(Part::Query(body))
        }
        ExprKind::Aggregate(aggregate) => {
            let Aggregate { func: _, args, distinct: _, order_by, filter, star: _ } = &mut **aggregate;
            all(args)?;
            keys(order_by, visit)?;
            filter.iter_mut().try_for_each(|e| visit(Part::Expr(e)))
        }
        ExprKind::Window(window) => {
            let Window { func: _, args, star: _, filter, spec } = &mut **window;
            let WindowSpec { name: _, base: _, partition_by, order_by, frame } = spec;
            all(args)?;
            all(partition_by)?;
            keys(order_by, visit)?;
            filter.iter_mut().try_for_each(|e| visit(Part::Expr(e)))?;
            let Some(Frame { units: _, between: _, start, end, exclude: _ }) = frame else { return Ok(()) };
            [start, end].into_iter().try_for_each(|bound| match bound {
                FrameBound::Preceding(by) | FrameBound::Following(by) => visit(Part::Expr(by)),
                FrameBound::UnboundedPreceding | FrameBound::CurrentRow | FrameBound::UnboundedFollowing => Ok(()),
            })
        }
        ExprKind::Cast { arg, how: _, explicit: _ }
        | ExprKind::Not(arg)
        | ExprKind::IsNull { arg, not: _, whole: _ }
        | ExprKind::IsBool { arg, test: _, not: _ }
        | ExprKind::Collate { arg, collation: _ }
        | ExprKind::Field { row: arg, field: _ } => visit(Part::Expr(arg)),
        ExprKind::And(args) | ExprKind::Or(args) | ExprKind::Coalesce(args) | ExprKind::Row(args) => all(args),
        ExprKind::MinMax { greatest: _, args } | ExprKind::Extended { name: _, args } => all(args),
        ExprKind::Array { items, nested: _ } => all(items),
        ExprKind::Distinct { eq: _, left, right, not: _ }
        | ExprKind::NullIf { eq: _, left, right }
        | ExprKind::AnyAll { op: _, all: _, left, array: right } => {
            visit(Part::Expr(left))?;
            visit(Part::Expr(right))
        }
        ExprKind::Case { simple: _, whens, otherwise } => {
            for (when, then) in whens {
                visit(Part::Expr(when))?;
                visit(Part::Expr(then))?;
            }
            otherwise.iter_mut().try_for_each(|e| visit(Part::Expr(e)))
        }
        ExprKind::Exists(query) | ExprKind::ScalarSubquery(query) | ExprKind::ArraySubquery(query) => {
            visit(Part::Query(query))
        }
        ExprKind::AnyAllSubquery { of: _, op_name: _, ops: _, left, casts: _, query } => {
            all(left)?;
            visit(Part::Query(query))
        }
        ExprKind::RowCompare { op_name: _, ops: _, left, right } => {
            all(left)?;
            all(right)
        }
        ExprKind::Subscript { array, indices } => {
            visit(Part::Expr(array))?;
            subscripts(indices, visit)
        }
        ExprKind::Put { whole, place, value } => {
            visit(Part::Expr(whole))?;
            match place {
                Place::Items(indices) => subscripts(indices, visit)?,
                Place::Field(_) => {}
            }
            visit(Part::Expr(value))
        }
    }
}

fn subscripts(indices: &mut [Subscript], visit: &mut dyn FnMut(Part<'_>) -> Result<()>) -> Result<()> {
    indices.iter_mut().try_for_each(|index| match index {
        Subscript::Index(at) => visit(Part::Expr(at)),
        Subscript::Slice(from, to) => from.iter_mut().chain(to).try_for_each(|e| visit(Part::Expr(e))),
    })
}

fn keys(keys: &mut [SortKey], visit: &mut dyn FnMut(Part<'_>) -> Result<()>) -> Result<()> {
    keys.iter_mut().try_for_each(|SortKey { expr, descending: _, nulls_first: _ }| visit(Part::Expr(expr)))
}

/// Refuses an expression whose value would be written and that reads a masked column: the mask would become the value.
fn no_mask(expr: &Expr, target: &Relation, rules: &TargetRules) -> Result<()> {
    let mut walk = Walk::new(0);
    walk.expr(expr);
    refuse_masked(&walk, target, rules, "a new value that is made from the masked column")
}

fn refuse_masked(walk: &Walk, target: &Relation, rules: &TargetRules, what: &str) -> Result<()> {
    let read = walk.found.columns_of(target.id);
    let Some((at, _)) = rules.masks.iter().find(|(at, _)| read.as_ref().is_none_or(|read| read.contains(at))) else {
        return Ok(());
    };
    let name = target.columns.get(usize::from(*at)).map_or("", |c| &*c.name);
    Err(Error::unsupported(format!("{what} \"{name}\"")).hint("The role reads this column through a mask."))
}

/// Puts masks in the place of the target's columns, in an expression over its rows.
fn put_masks(expr: &mut Expr, target: &Relation, rules: &TargetRules) -> Result<()> {
    if rules.masks.is_empty() {
        return Ok(());
    }
    match &expr.kind {
        ExprKind::WholeRow(rel) if *rel == target.id => {
            Err(Error::unsupported("the whole row of a table with masked columns in RETURNING or ON CONFLICT"))
        }
        ExprKind::Column { rel, column } if *rel == target.id => {
            if let Some((_, mask)) = rules.masks.iter().find(|(at, _)| at == column) {
                let mut mask = mask.clone();
                renumber(&mut mask, rules.row, target.id)?;
                *expr = mask;
            }
            Ok(())
        }
        _ => each_part(expr, &mut |part| match part {
            Part::Expr(inner) => put_masks(inner, target, rules),
            Part::Query(query) => {
                let mut walk = Walk::new(0);
                walk.query(query);
                refuse_masked(
                    &walk,
                    target,
                    rules,
                    "a subquery in RETURNING or ON CONFLICT that reads the masked column",
                )
            }
        }),
    }
}

/// A mask has no subqueries.
fn renumber(expr: &mut Expr, from: RelId, to: RelId) -> Result<()> {
    match &mut expr.kind {
        ExprKind::Column { rel, column: _ } | ExprKind::WholeRow(rel) if *rel == from => {
            *rel = to;
            Ok(())
        }
        _ => each_part(expr, &mut |part| match part {
            Part::Expr(inner) => renumber(inner, from, to),
            Part::Query(_) => Err(Error::internal("policy: a mask with a subquery")),
        }),
    }
}
