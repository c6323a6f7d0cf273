//! Walks a statement's tree and collects what it reads and writes: for each relation the columns, and in whose name.
//!
//! No wildcard arms, every struct destructured: what is added to the tree does not compile until it is decided here.

mod found;
mod locked;
mod named;
mod place;
mod target;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use found::Found;
pub use named::{columns_of_expression, columns_of_query, fields_of_expression, fields_of_query};

use super::check::SequenceUse;
use super::collation;
use crate::facts::Proc;
use crate::registry::{self, Privileges};
use crate::tree::*;
use crate::types::{Oid, Value};

/// What a statement does with one relation of the registry.
#[derive(Debug)]
pub struct Use {
    pub def: Arc<registry::Relation>,
    /// The role whose rights are asked for: the current one, or a view's owner inside it.
    pub role: Oid,
    /// True inside a view: USAGE on the namespace was checked when the view was made.
    pub in_view: bool,
    /// It is met inside a view's query or a function's body: the statement itself does not name it.
    pub inner: bool,
    /// Privileges needed on the relation or on every column used (SELECT), or any column where none is.
    pub required: Privileges,
    pub inserted: BTreeSet<i16>,
    pub updated: BTreeSet<i16>,
    /// attnums by index, to translate column references.
    attnums: Vec<i16>,
    id: RelId,
}

/// A sequence that is known before execution, and what is done with it.
#[derive(Debug, Clone, Copy)]
pub struct SequenceCall {
    pub sequence: Oid,
    pub what: SequenceUse,
    pub role: Oid,
    /// The table whose insert does it by itself.
    pub inserting: Option<Oid>,
}

/// The walk: `role` changes inside a view.
pub struct Walk {
    pub found: Found,
    /// In whose name relations are read: a view's owner inside it.
    role: Oid,
    /// current_user, who calls functions and in whose name views with security_invoker read, wherever they stand: the owner of the
    /// SECURITY DEFINER function around.
    user: Oid,
    in_view: bool,
    inner: bool,
    /// The table that the insert being walked writes.
    inserting: Option<Oid>,
}

impl Walk {
    pub fn new(role: Oid) -> Self {
        Self { found: Found::default(), role, user: role, in_view: false, inner: false, inserting: None }
    }

    /// For an expression of a rule: that its names may be used was asked for when it was made.
    pub fn of_rule(role: Oid, user: Oid) -> Self {
        Self { in_view: true, user, ..Self::new(role) }
    }

    pub fn query(&mut self, query: &Query) {
        let Query { ctes, recursive: _, body, order_by, limit, offset, with_ties: _, locking, columns: _, output_rel } =
            query;
        self.found.derived.insert(*output_rel);
        self.found.locked.extend(locking.iter().map(|Locking { rel, strength: _, wait: _ }| *rel));
        self.ctes(ctes);
        match body {
            Body::Select(select) => self.select(select),
            Body::SetOp { op: _, all: _, left, right } => {
                self.query(left);
                self.query(right);
            }
            Body::Values(rows) => rows.iter().for_each(|row| self.exprs(row)),
        }
        self.sort_keys(order_by);
        self.option(limit);
        self.option(offset);
    }

    fn ctes(&mut self, ctes: &[Cte]) {
        for Cte { id: _, name: _, query, columns: _, materialized: _, recursive: _, named: _, extended: _ } in ctes {
            match query {
                CteBody::Query(query) => self.query(query),
                CteBody::Insert(insert) => self.insert(insert),
                CteBody::Update(update) => self.update(update),
                CteBody::Delete(delete) => self.delete(delete),
            }
        }
    }

    fn select(&mut self, select: &Select) {
        let Select { distinct, targets, from, filter, group_by, having, windows: _, qualify, aggregated: _ } = select;
        from.iter().for_each(|item| self.from_item(item));
        self.exprs(targets);
        match distinct {
            Distinct::All | Distinct::Distinct => {}
            Distinct::On(exprs) => self.exprs(exprs),
        }
        self.option(filter);
        if let Some(GroupBy { exprs, sets: _, dependent, written: _, distinct: _ }) = group_by {
            self.exprs(exprs);
            self.exprs(dependent);
        }
        self.option(having);
        self.option(qualify);
    }

    fn from_item(&mut self, item: &FromItem) {
        match item {
            FromItem::Relation(relation) => self.relation(relation, Privileges::SELECT),
            FromItem::Join(join) => {
                // What USING merges is in `on` and in the targets.
                let Join { kind: _, left, right, on, lateral: _, merged: _, merged_alias: _, alias: _ } = &**join;
                self.from_item(left);
                self.from_item(right);
                self.option(on);
            }
        }
    }

    fn relation(&mut self, relation: &Relation, required: Privileges) {
        let Relation { id, alias: _, source, columns, lateral: _, pos: _ } = relation;
        let locked = self.found.locked.contains(id);
        let required = if locked { required.union(Privileges::UPDATE) } else { required };
        if let Source::View { query, .. } | Source::Subquery(query) = source
            && locked
        {
            locked::all_of(query, &mut self.found.locked);
        }
        match source {
            Source::Table { def, only: _, sample } => {
                self.meet(*id, def, columns, required);
                if let Some(Sample { bernoulli: _, percent, seed }) = sample {
                    self.expr(percent);
                    self.option(seed);
                }
            }
            Source::System { def, sample } => {
                self.meet(*id, def, columns, required);
                if let Some(Sample { bernoulli: _, percent, seed }) = sample {
                    self.expr(percent);
                    self.option(seed);
                }
            }
            Source::Sequence { def } => self.meet(*id, def, columns, required),
            Source::View { def, query, owner } => {
                self.meet(*id, def, columns, required);
                let outer = (self.role, self.in_view, self.inner, self.inserting);
                (self.role, self.in_view, self.inner, self.inserting) = (owner.unwrap_or(self.user), true, true, None);
                self.query(query);
                (self.role, self.in_view, self.inner, self.inserting) = outer;
            }
            Source::Subquery(query) => {
                self.found.derived.insert(*id);
                self.query(query);
            }
            Source::Cte(_) | Source::Feed => {
                self.found.derived.insert(*id);
            }
            Source::File(scan) => {
                let FileScan { function, paths, number: _, held: _ } = &**scan;
                self.found.derived.insert(*id);
                self.found.files.push((Arc::clone(function), Arc::clone(paths)));
            }
            Source::Function { calls, ordinality: _ } => {
                self.found.derived.insert(*id);
                if let ([Expr { kind: ExprKind::Routine(routine), .. }], false) = (calls.as_slice(), self.inner) {
                    self.found.rows.push((*id, routine.function.result));
                }
                self.exprs(calls);
            }
        }
    }

    fn meet(&mut self, id: RelId, def: &Arc<registry::Relation>, columns: &[RelColumn], required: Privileges) {
        self.found.uses.push(Use {
            def: def.clone(),
            role: self.role,
            in_view: self.in_view,
            inner: self.inner,
            required,
            inserted: BTreeSet::new(),
            updated: BTreeSet::new(),
            attnums: columns.iter().map(|c| c.attnum).collect(),
            id,
        });
    }

    pub fn insert(&mut self, insert: &Insert) {
        let Insert {
            ctes,
            recursive: _,
            target,
            columns: _,
            named,
            source,
            on_conflict,
            excluded,
            xmax,
            returning,
            overriding: _,
            rules,
            through,
        } = insert;
        self.ctes(ctes);
        let mut required = Privileges::INSERT;
        let mut updated = Vec::new();
        if let Some(OnConflict {
            arbiter: _,
            checked: _,
            read: _,
            action: ConflictAction::Update { sets, filter: _ },
        }) = on_conflict
        {
            required = required.union(Privileges::UPDATE);
            updated = place::assigned(target, sets);
        }
        self.target(target, through.as_deref(), required, named, &updated);
        self.rules(rules.as_deref());
        self.found.aliases.extend(excluded.map(|id| (id, target.id)));
        if let Some(xmax) = xmax {
            self.found.derived.insert(*xmax);
            self.found.whole_rows.insert(target.id);
        }
        let outer = self.inserting;
        self.inserting = written_table(target);
        self.insert_source(source);
        if let Some(OnConflict { arbiter, checked: _, read, action }) = on_conflict {
            // The arbiter's columns are compared with the table's rows: that reads them.
            self.found.columns.entry(target.id).or_default().extend(arbiter.iter().chain(read));
            match action {
                ConflictAction::Nothing => {}
                ConflictAction::Update { sets, filter } => {
                    sets.iter().for_each(|(_, expr)| self.expr(expr));
                    self.option(filter);
                }
            }
        }
        self.returning(returning, target);
        self.inserting = outer;
    }

    pub fn update(&mut self, update: &Update) {
        let Update { ctes, recursive: _, target, sets, from, filter, returning, rules, through } = update;
        self.ctes(ctes);
        self.target(target, through.as_deref(), Privileges::UPDATE, &[], &place::assigned(target, sets));
        self.rules(rules.as_deref());
        from.iter().for_each(|item| self.from_item(item));
        sets.iter().for_each(|(_, expr)| self.expr(expr));
        self.option(filter);
        self.returning(returning, target);
    }

    pub fn merge(&mut self, merge: &Merge) {
        let Merge { ctes, target, source, on, whens, rules: _ } = merge;
        self.ctes(ctes);
        let mut required = Privileges::NONE;
        let (mut inserted, mut updated) = (Vec::new(), Vec::new());
        for MergeWhen { matched: _, condition: _, action } in whens {
            match action {
                MergeAction::Nothing => {}
                MergeAction::Update { sets } => {
                    required = required.union(Privileges::UPDATE);
                    updated.extend(place::assigned(target, sets));
                }
                MergeAction::Delete => required = required.union(Privileges::DELETE),
                MergeAction::Insert(insert) => {
                    required = required.union(Privileges::INSERT);
                    inserted.extend(insert.named.iter().copied());
                }
            }
        }
        if required == Privileges::NONE {
            // How many rows it would meet is a question, too.
            required = Privileges::SELECT;
        }
        self.target(target, None, required, &inserted, &updated);
        self.from_item(source);
        self.expr(on);
        for MergeWhen { matched: _, condition, action } in whens {
            self.option(condition);
            match action {
                MergeAction::Nothing | MergeAction::Delete => {}
                MergeAction::Update { sets } => sets.iter().for_each(|(_, expr)| self.expr(expr)),
                MergeAction::Insert(insert) => {
                    let Insert {
                        ctes: _,
                        recursive: _,
                        // The same as MERGE's.
                        target: _,
                        columns: _,
                        named: _,
                        source,
                        on_conflict: _,
                        excluded: _,
                        xmax: _,
                        returning: _,
                        overriding: _,
                        rules: _,
                        through: _,
                    } = &**insert;
                    let outer = self.inserting;
                    self.inserting = written_table(target);
                    self.insert_source(source);
                    self.inserting = outer;
                }
            }
        }
    }

    fn insert_source(&mut self, source: &InsertSource) {
        match source {
            InsertSource::Values(rows) => rows.iter().for_each(|row| self.exprs(row)),
            InsertSource::Query { query, rel, exprs } => {
                self.found.derived.insert(*rel);
                self.query(query);
                self.exprs(exprs);
            }
            InsertSource::Feed { rel, exprs, filter } => {
                self.relation(rel, Privileges::NONE);
                self.exprs(exprs);
                self.option(filter);
            }
        }
    }

    pub fn delete(&mut self, delete: &Delete) {
        let Delete { ctes, recursive: _, target, using, filter, returning, rules, through } = delete;
        self.ctes(ctes);
        self.target(target, through.as_deref(), Privileges::DELETE, &[], &[]);
        self.rules(rules.as_deref());
        using.iter().for_each(|item| self.from_item(item));
        self.option(filter);
        self.returning(returning, target);
    }

    fn returning(&mut self, returning: &Returning, target: &Relation) {
        let Returning { exprs, columns: _, system } = returning;
        if system.contains(&target.id) {
            // A system column needs SELECT on the table, not on some columns.
            self.found.whole_rows.insert(target.id);
        }
        self.exprs(exprs);
    }

    fn option(&mut self, expr: &Option<Expr>) {
        expr.iter().for_each(|e| self.expr(e));
    }

    pub fn exprs(&mut self, exprs: &[Expr]) {
        exprs.iter().for_each(|e| self.expr(e));
    }

    fn sort_keys(&mut self, keys: &[SortKey]) {
        for SortKey { expr, descending: _, nulls_first: _ } in keys {
            self.found.sorts |= collation::sorts(expr);
            self.expr(expr);
        }
    }

    fn call(&mut self, call: &Call) {
        let Call { func, args, operator: _, variadic: _, form: _ } = call;
        self.function(func);
        // The function itself judges what is known at execution only; a sequence that is known now is refused now.
        if let (Some(what), Some(ExprKind::Const(Value::Oid(sequence)))) =
            (SequenceUse::of(func.name), args.first().map(|arg| &arg.kind))
        {
            self.sequence(*sequence, what, None);
        }
        self.exprs(args);
    }

    /// The arguments are the caller's; the body is, too, or it is the owner's.
    fn routine(&mut self, routine: &Routine) {
        let Routine { function, args, form: _, variadic: _, params, body, row: _, pending: _ } = routine;
        self.exprs(args);
        self.found.routines.push((Arc::clone(function), self.user));
        self.found.derived.insert(*params);
        let outer = (self.role, self.user, self.in_view, self.inner, self.inserting);
        if function.definer {
            self.user = function.owner;
        }
        // Names in a string are looked up at each call.
        (self.role, self.in_view, self.inner, self.inserting) = (self.user, function.is_bound(), true, None);
        self.query(body);
        (self.role, self.user, self.in_view, self.inner, self.inserting) = outer;
    }

    fn sequence(&mut self, sequence: Oid, what: SequenceUse, inserting: Option<Oid>) {
        self.found.sequences.push(SequenceCall { sequence, what, role: self.role, inserting });
    }

    fn function(&mut self, func: &'static Proc) {
        self.found.functions.push((func, self.user));
    }

    pub fn expr(&mut self, expr: &Expr) {
        let Expr { kind, ty: _, pos: _ } = expr;
        match kind {
            ExprKind::Const(_)
            | ExprKind::Param(_)
            | ExprKind::Session(_, _)
            | ExprKind::Default
            | ExprKind::Grouping(_) => {}
            ExprKind::Column { rel, column } => {
                self.found.columns.entry(*rel).or_default().insert(*column);
            }
            ExprKind::WholeRow(rel) => {
                self.found.whole_rows.insert(*rel);
            }
            ExprKind::NextValue(sequence) => self.sequence(*sequence, SequenceUse::Next, self.inserting),
            ExprKind::Call(call) | ExprKind::SetReturning(call) => self.call(call),
            ExprKind::Routine(routine) => self.routine(routine),
            ExprKind::Aggregate(aggregate) => {
                let Aggregate { func, args, distinct: _, order_by, filter, star: _ } = &**aggregate;
                self.function(func);
                self.exprs(args);
                self.sort_keys(order_by);
                self.option(filter);
            }
            ExprKind::Window(window) => self.window(window),
            ExprKind::Cast { arg, how, explicit: _ } => {
                self.cast(how);
                self.expr(arg);
            }
            ExprKind::And(args) | ExprKind::Or(args) | ExprKind::Coalesce(args) | ExprKind::Row(args) => {
                self.exprs(args);
            }
            ExprKind::MinMax { greatest: _, args } => {
                self.found.sorts |= args.iter().any(collation::sorts);
                self.exprs(args);
            }
            ExprKind::Extended { name: _, args } => self.exprs(args),
            ExprKind::Array { items, nested: _ } => self.exprs(items),
            ExprKind::Not(arg)
            | ExprKind::IsNull { arg, not: _, whole: _ }
            | ExprKind::IsBool { arg, test: _, not: _ } => self.expr(arg),
            ExprKind::Collate { arg, collation } => {
                self.found.collated |= collation::is_foreign(*collation);
                self.found.cased |= collation::has_own_cases(*collation);
                self.expr(arg);
            }
            ExprKind::Field { row, field } => {
                if !self.inner {
                    self.found.fields.push((row.ty.oid, *field));
                }
                self.expr(row);
            }
            ExprKind::Distinct { eq, left, right, not: _ } | ExprKind::NullIf { eq, left, right } => {
                self.function(eq);
                self.expr(left);
                self.expr(right);
            }
            ExprKind::Case { simple: _, whens, otherwise } => {
                for (when, then) in whens {
                    self.expr(when);
                    self.expr(then);
                }
                otherwise.iter().for_each(|e| self.expr(e));
            }
            ExprKind::AnyAll { op, all: _, left, array } => {
                self.function(op);
                self.expr(left);
                self.expr(array);
            }
            ExprKind::Exists(query) | ExprKind::ScalarSubquery(query) | ExprKind::ArraySubquery(query) => {
                self.query(query);
            }
            ExprKind::AnyAllSubquery { of: _, op_name: _, ops, left, casts, query } => {
                ops.iter().for_each(|op| self.function(op));
                casts.iter().flatten().for_each(|how| self.cast(how));
                self.exprs(left);
                self.query(query);
            }
            ExprKind::RowCompare { op_name: _, ops, left, right } => {
                ops.iter().for_each(|op| self.function(op));
                self.exprs(left);
                self.exprs(right);
            }
            ExprKind::Subscript { array, indices } => {
                self.expr(array);
                self.subscripts(indices);
            }
            ExprKind::Put { whole, place, value } => self.put(whole, place, value),
        }
    }

    /// An expression over a row of a table that the role owns (ALTER TABLE … USING): its columns need no privilege.
    pub fn own_row_expr(&mut self, expr: &Expr) {
        let before: BTreeSet<RelId> = self.found.columns.keys().chain(&self.found.whole_rows).copied().collect();
        self.expr(expr);
        let known: BTreeSet<RelId> = self.found.uses.iter().map(|u| u.id).collect();
        let after = self.found.columns.keys().chain(&self.found.whole_rows).copied();
        let own: Vec<RelId> = after.filter(|id| !before.contains(id) && !known.contains(id)).collect();
        self.found.derived.extend(own);
    }

    fn window(&mut self, window: &Window) {
        let Window { func, args, star: _, filter, spec } = window;
        let WindowSpec { name: _, base: _, partition_by, order_by, frame } = spec;
        self.function(func);
        self.exprs(args);
        self.option(filter);
        self.exprs(partition_by);
        self.sort_keys(order_by);
        if let Some(Frame { units: _, between: _, start, end, exclude: _ }) = frame {
            for bound in [start, end] {
                match bound {
                    FrameBound::Preceding(by) | FrameBound::Following(by) => self.expr(by),
                    FrameBound::UnboundedPreceding | FrameBound::CurrentRow | FrameBound::UnboundedFollowing => {}
                }
            }
        }
    }

    fn cast(&mut self, how: &CastHow) {
        match how {
            CastHow::Function(func) => self.function(func),
            CastHow::ArrayElements(inner) => self.cast(inner),
            CastHow::Row(fields) => fields.iter().flatten().for_each(|how| self.cast(how)),
            CastHow::Relabel
            | CastHow::InOut
            | CastHow::Typmod
            | CastHow::EnumIn
            | CastHow::EnumOut
            | CastHow::Domain(_) => {}
        }
    }
}

/// The table that a statement writes.
fn written_table(target: &Relation) -> Option<Oid> {
    match &target.source {
        Source::Table { def, only: _, sample: _ } => Some(def.oid),
        Source::System { .. }
        | Source::Sequence { .. }
        | Source::View { .. }
        | Source::Subquery(_)
        | Source::Cte(_)
        | Source::Function { .. }
        | Source::Feed
        | Source::File(_) => None,
    }
}
