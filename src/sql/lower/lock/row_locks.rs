//! Rows that are to be locked before a statement runs: what FOR UPDATE and kin find, and what UPDATE and DELETE change.
//!
//! `SELECT b FROM t WHERE c ORDER BY b LIMIT 1 FOR UPDATE SKIP LOCKED` → first `SELECT t1.rowid AS c0, t1.a AS c1 FROM t AS t1
//! WHERE c ORDER BY b`, whose rows the session locks one by one until it has one, by their keys; then the query itself with
//! `AND dg_row_chosen(session, execution, list, t1.rowid)`. `UPDATE t SET b = 1 WHERE a = $1` names its row by itself.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::registry::{self, ConstraintKind};
use crate::sql::lower::change::upserted::{added, upserted};
use crate::sql::lower::ir::{self, Scalar};
use crate::sql::lower::value::array::plain_query;
use crate::sql::lower::{Decimals, Lowerer, Means, Rel};
use crate::sql::{Context, LockKey, LockedRows, ParamSource, RowKey, WholeTable};
use crate::tree::{
    Body, Distinct, Expr, ExprKind, Field, FromItem, LockMode, LockStrength, LockWait, Locking, Query, RelColumn,
    RelId, Relation, Select, SessionValue, Source, Statement, TargetRules,
};
use crate::types::{Phys, Value, oid};

use super::settled::is_settled;

/// Lists of one statement's relations are numbered by query, then by relation.
pub const LIST_WIDTH: u16 = 64;

/// See [`crate::sql::RowLocks`].
#[derive(Debug, Clone)]
pub struct RowLocks {
    /// `None`: there is nothing to be found, only whole tables.
    pub find: Option<ir::Statement>,
    pub params: Vec<(ParamSource, Phys)>,
    pub of: Vec<LockedRows>,
    pub whole: Vec<WholeTable>,
    pub list: Option<u16>,
    pub limit: Option<LockKey>,
    pub offset: Option<LockKey>,
    pub settled: bool,
    pub alone: bool,
}

/// See [`crate::sql::ChangedRows`].
#[derive(Debug, Clone)]
pub enum Changed {
    Keyed { table: Arc<registry::Relation>, mode: LockMode, key: Vec<RowKey>, alone: bool },
    Found(Box<RowLocks>),
}

/// What a statement has to lock, as far as it is lowered.
#[derive(Debug, Clone, Default)]
pub(crate) struct ToLock {
    pub rows: Vec<RowLocks>,
    pub changed: Option<Changed>,
    /// See [`crate::sql::Plan::added`].
    pub added: Option<Vec<RowKey>>,
    /// Queries that are in `rows` already, by what stands for their output: their list, and its relations in order.
    known: HashMap<RelId, (Option<u16>, Vec<RelId>)>,
    lists: u16,
}

/// The columns of a table's primary key, if equal values of them always look the same: then a row is known by them, and
/// otherwise by its number.
pub(crate) fn key_columns(def: &registry::Relation) -> Vec<i16> {
    let Some(ConstraintKind::PrimaryKey { columns }) = def.primary_key().map(|key| &key.kind) else {
        return Vec::new();
    };
    let plain = |num: &i16| {
        let ty = def.column_by_num(*num).map(|column| column.ty.oid);
        matches!(ty, Some(oid::INT2 | oid::INT4 | oid::INT8 | oid::TEXT | oid::VARCHAR | oid::UUID))
    };
    if columns.iter().all(plain) { columns.clone() } else { Vec::new() }
}

/// What UPDATE and DELETE change and what INSERT … ON CONFLICT adds, before they are lowered themselves.
pub(crate) fn changed_by(statement: &Statement, cx: &Context, decimals: Decimals) -> ToLock {
    let (ctes, target, from, filter, rules, strength) = match statement {
        Statement::Update(u) => {
            let def = match &u.target.source {
                Source::Table { def, .. } => def,
                _ => return ToLock::default(),
            };
            let sets = u.sets.iter().filter_map(|(at, _)| u.target.columns.get(usize::from(*at))).map(|c| c.attnum);
            let strength = if sets.into_iter().any(|num| in_unique_key(def, num)) {
                LockStrength::Update
            } else {
                LockStrength::NoKeyUpdate
            };
            (&u.ctes, &u.target, &u.from, &u.filter, &u.rules, strength)
        }
        Statement::Delete(d) => (&d.ctes, &d.target, &d.using, &d.filter, &d.rules, LockStrength::Update),
        Statement::Insert(insert) => {
            return ToLock { added: added(insert), changed: upserted(insert, cx, decimals), ..ToLock::default() };
        }
        _ => return ToLock::default(),
    };
    let Source::Table { def, .. } = &target.source else { return ToLock::default() };
    if def.temporary {
        return ToLock::default();
    }
    let rules = rules.as_deref();
    let hiding = rules.filter(|rules| rules.filter.is_some() || !rules.masks.is_empty());
    // A row that has the key may be one that rules hide: nobody waits for it.
    if let Some(key) = filter.as_ref().filter(|_| hiding.is_none()).and_then(|filter| keyed(target, def, filter)) {
        let alone = ctes.is_empty() && from.is_empty() && rules.is_none() && reads_its_row(statement);
        let changed = Changed::Keyed { table: Arc::clone(def), mode: strength.mode(), key, alone };
        return ToLock { changed: Some(changed), ..ToLock::default() };
    }
    // The statement's own conditions never meet rows that rules hide.
    let visible = hiding.map_or_else(|| target.clone(), |rules| visible(target, rules));
    let mut items = vec![FromItem::Relation(Box::new(visible))];
    items.extend(from.iter().cloned());
    let settled = is_settled(ctes, &items, filter.as_ref());
    let select = Select { filter: filter.clone(), ..Select::of(Vec::new(), items) };
    let query = Query {
        ctes: ctes.clone(),
        recursive: ctes.iter().any(|cte| cte.recursive),
        body: Body::Select(Box::new(select)),
        order_by: Vec::new(),
        limit: None,
        offset: None,
        with_ties: false,
        locking: vec![Locking { rel: target.id, strength, wait: LockWait::Block }],
        columns: Vec::new(),
        output_rel: RelId(u32::MAX),
    };
    let mut lowerer = Lowerer::new(cx, decimals);
    // What cannot be said so is said by the statement's own lowering.
    let Ok(()) = lowerer.rows_to_lock(&query) else { return ToLock::default() };
    let alone = settled && ctes.is_empty() && from.is_empty() && rules.is_none();
    let alone = alone && reads_its_row(statement) && !draws(statement);
    let mut to_lock = lowerer.to_lock;
    to_lock.known.remove(&query.output_rel);
    match to_lock.rows.pop() {
        Some(found) if found.list.is_none() => {
            let found = RowLocks { settled, alone, ..found };
            ToLock { changed: Some(Changed::Found(Box::new(found))), ..to_lock }
        }
        _ => ToLock::default(),
    }
}

/// A target as a query of the rows that rules let through, as `policy` makes it of a table that is read.
fn visible(target: &Relation, rules: &TargetRules) -> Relation {
    let columns = target.columns.iter().enumerate();
    let raw = |(i, column): (usize, &RelColumn)| {
        let masked = rules.masks.iter().find(|(at, _)| usize::from(*at) == i).map(|(_, mask)| mask.clone());
        let kind = ExprKind::Column { rel: rules.row, column: i as u16 };
        masked.unwrap_or(Expr { kind, ty: column.ty, pos: 0 })
    };
    let fields = target.columns.iter();
    let fields = fields.map(|c| Field { name: Arc::clone(&c.name), ty: c.ty, origin: (0, 0), row: None }).collect();
    let select = Select {
        filter: rules.filter.clone(),
        ..Select::of(
            columns.map(raw).collect(),
            vec![FromItem::Relation(Box::new(Relation { id: rules.row, ..target.clone() }))],
        )
    };
    let query = Query::of(Body::Select(Box::new(select)), fields, RelId(u32::MAX - 1));
    Relation { source: Source::Subquery(Box::new(query)), ..target.clone() }
}

/// True if an UPDATE's or DELETE's expressions have no queries in them.
fn reads_its_row(statement: &Statement) -> bool {
    let mut plain = true;
    let mut visit = |e: &Expr, depth: usize| {
        plain &= depth == 0
            && !matches!(
                e.kind,
                ExprKind::Exists(_)
                    | ExprKind::ScalarSubquery(_)
                    | ExprKind::ArraySubquery(_)
                    | ExprKind::AnyAllSubquery { .. }
                    | ExprKind::Routine(_)
            );
        Ok(plain)
    };
    let (filter, returning, sets) = match statement {
        Statement::Update(u) => (&u.filter, &u.returning, u.sets.as_slice()),
        Statement::Delete(d) => (&d.filter, &d.returning, &[] as &[(u16, Expr)]),
        _ => return false,
    };
    let all = filter.iter().chain(&returning.exprs).chain(sets.iter().map(|(_, value)| value));
    let walked = all.into_iter().try_for_each(|e| crate::sql::analyze::walk(e, 0, &mut visit));
    walked.is_ok() && plain
}

/// True if what an UPDATE writes or gives is another thing each time.
fn draws(statement: &Statement) -> bool {
    let (returning, sets) = match statement {
        Statement::Update(u) => (&u.returning, u.sets.as_slice()),
        Statement::Delete(d) => (&d.returning, &[] as &[(u16, Expr)]),
        _ => return true,
    };
    returning
        .exprs
        .iter()
        .chain(sets.iter().map(|(_, value)| value))
        .any(crate::sql::lower::value::routine::is_volatile)
}

pub(crate) fn in_unique_key(def: &registry::Relation, num: i16) -> bool {
    let constraint = def.constraints.iter().any(|c| match &c.kind {
        ConstraintKind::PrimaryKey { columns } | ConstraintKind::Unique { columns, .. } => columns.contains(&num),
        ConstraintKind::ForeignKey { .. } | ConstraintKind::Check { .. } | ConstraintKind::Exclusion { .. } => false,
    });
    constraint || def.indexes.iter().any(|i| i.unique && i.keys.iter().any(|key| key.column == num))
}

/// The values that a condition gives to the whole primary key.
fn keyed(target: &Relation, def: &registry::Relation, filter: &Expr) -> Option<Vec<RowKey>> {
    let parts = match &filter.kind {
        ExprKind::And(parts) => parts.as_slice(),
        _ => std::slice::from_ref(filter),
    };
    let columns = key_columns(def);
    let value_of = |num: &i16| {
        parts.iter().find_map(|part| {
            let ExprKind::Call(call) = &part.kind else { return None };
            let [left, right] = call.args.as_slice() else { return None };
            if crate::sql::lower::value::compare::comparison(call.func) != Some("=") {
                return None;
            }
            let is_column = |e: &Expr| match &e.kind {
                ExprKind::Column { rel, column } if *rel == target.id => {
                    target.columns.get(usize::from(*column)).is_some_and(|c| c.attnum == *num)
                }
                _ => false,
            };
            match (is_column(plain(left)), is_column(plain(right))) {
                (true, false) => value(plain(right)),
                (false, true) => value(plain(left)),
                _ => None,
            }
        })
    };
    let key = columns.iter().map(value_of).collect::<Option<Vec<_>>>()?;
    (!key.is_empty()).then_some(key)
}

/// Without casts that leave the value as it is, among integers and among texts.
pub(crate) fn plain(e: &Expr) -> &Expr {
    let integer = |ty: u32| matches!(ty, oid::INT2 | oid::INT4 | oid::INT8);
    let text = |ty: u32| matches!(ty, oid::TEXT | oid::VARCHAR);
    match &e.kind {
        ExprKind::Cast { arg, .. } if e.ty.typmod < 0 => {
            let (to, from) = (e.ty.oid, arg.ty.oid);
            if integer(to) && integer(from) || text(to) && text(from) { plain(arg) } else { e }
        }
        _ => e,
    }
}

pub(crate) fn value(e: &Expr) -> Option<RowKey> {
    match &e.kind {
        ExprKind::Const(value @ (Value::Int2(_) | Value::Int4(_) | Value::Int8(_) | Value::Uuid(_))) => {
            Some(RowKey::Const(value.clone()))
        }
        ExprKind::Const(value @ Value::Text(_)) if matches!(e.ty.oid, oid::TEXT | oid::VARCHAR) => {
            Some(RowKey::Const(value.clone()))
        }
        ExprKind::Param(n)
            if matches!(e.ty.oid, oid::INT2 | oid::INT4 | oid::INT8 | oid::TEXT | oid::VARCHAR | oid::UUID) =>
        {
            Some(RowKey::Param(*n))
        }
        _ => None,
    }
}

impl Lowerer<'_> {
    /// For a query with FOR UPDATE, before it is lowered itself: how its rows are found.
    pub(crate) fn rows_to_lock(&mut self, query: &Query) -> Result<()> {
        if self.to_lock.known.contains_key(&query.output_rel) {
            return Ok(());
        }
        let Body::Select(select) = &query.body else { return Err(Error::internal("lower: rows of no table to lock")) };
        if self.refers_outside(query)? {
            return Err(Error::unsupported("FOR UPDATE in a subquery that refers to the query around it")
                .hint("Lock the rows in a statement of its own, before."));
        }
        let mut finder = Lowerer { finds: true, to_lock: self.to_lock.clone(), ..Lowerer::new(self.cx, self.decimals) };
        let found = finder.find_rows(query, select);
        self.to_lock = finder.to_lock;
        let (rows, rels) = found?;
        self.to_lock.known.insert(query.output_rel, (rows.list, rels));
        if rows.find.is_some() || !rows.whole.is_empty() {
            self.to_lock.rows.push(rows);
        }
        Ok(())
    }

    fn find_rows(&mut self, query: &Query, select: &Select) -> Result<(RowLocks, Vec<RelId>)> {
        let ctes = self.ctes(&query.ctes)?;
        let recursive = query.recursive && ctes.iter().any(|c| c.recursive);
        self.telling.extend(query.locking.iter().map(|locking| (locking.rel, Vec::new())));
        let mut from = self.from_items(&select.from)?;
        let filter =
            select.filter.as_ref().map(|e| self.expr(e)).transpose()?.map(crate::sql::lower::value::any_all::only_true);
        let (mut of, mut whole, mut rels, mut targets) = (Vec::<LockedRows>::new(), Vec::new(), Vec::new(), Vec::new());
        for Locking { rel, strength, wait } in &query.locking {
            let Some(relation) = select.from.iter().find_map(|item| relation_of(item, *rel)) else { continue };
            if let Some(at) = rels.iter().position(|known| known == rel) {
                // Named twice: the stronger mode, and the stricter way to wait.
                of[at].mode = of[at].mode.max(strength.mode());
                of[at].wait = stricter(of[at].wait, *wait);
                continue;
            }
            match &relation.source {
                Source::Table { def, .. } if def.temporary => {}
                Source::Table { def, sample: None, .. } if self.is_whole(relation, def) => {
                    let (number, key) = self.number_and_key(relation, def)?;
                    let types = key.iter().map(|column| column.phys.clone()).collect();
                    targets.push(number);
                    targets.extend(key);
                    rels.push(*rel);
                    of.push(LockedRows { table: Arc::clone(def), mode: strength.mode(), wait: *wait, key: types });
                }
                _ if let Some((def, told)) = self.told(relation) => {
                    let key = told.iter().skip(1).map(|column| column.phys.clone()).collect();
                    targets.extend(told);
                    rels.push(*rel);
                    of.push(LockedRows { table: def, mode: strength.mode(), wait: *wait, key });
                }
                _ => self.tables_below(relation, *wait, &mut whole)?,
            }
        }
        let skips = of.iter().any(|rows| rows.wait == LockWait::SkipLocked);
        if !whole.is_empty() && query.locking.iter().any(|l| l.wait == LockWait::SkipLocked) {
            return Err(Error::unsupported(
                "SKIP LOCKED of rows that are read through a view, a subquery, a partition or row rules",
            )
            .hint("Lock the rows of the table itself."));
        }
        if filter.as_ref().is_some_and(|filter| filter.weight().1) {
            return Err(Error::unsupported("FOR UPDATE with a volatile condition")
                .hint("Choose the rows first, and lock them by their keys."));
        }
        let listed = skips || query.limit.is_some() || query.offset.is_some();
        let (mut limit, mut offset, mut counts) = (None, None, (None, None));
        if skips {
            (limit, offset) = (self.known_count(&query.limit)?, self.known_count(&query.offset)?);
        } else {
            counts = (self.row_count(query.limit.as_ref(), false)?, self.row_count(query.offset.as_ref(), true)?);
        }
        let find = if of.is_empty() {
            None
        } else {
            let order_by = self.order_by(&query.order_by, (&[], &targets), query.output_rel)?;
            self.add_presence(&mut from);
            let columns = targets.iter().map(|t| t.phys.clone()).collect();
            let select = ir::Select { targets, from, filter, ..ir::Select::default() };
            let plain = plain_query(select, columns);
            let (limit, offset) = counts;
            Some(ir::Statement::Query(ir::Query { ctes, recursive, order_by, limit, offset, ..plain }))
        };
        let list = (listed && find.is_some()).then(|| {
            self.to_lock.lists += 1;
            self.to_lock.lists
        });
        let params = std::mem::take(&mut self.params);
        Ok((RowLocks { find, params, of, whole, list, limit, offset, settled: false, alone: false }, rels))
    }

    /// True for a table whose rows DuckDB gives as they are, with their numbers.
    pub(crate) fn is_whole(&self, relation: &Relation, def: &registry::Relation) -> bool {
        let Source::Table { only, .. } = &relation.source else { return false };
        let table = matches!(def.kind, registry::RelationKind::Table);
        table && !def.is_partition() && !(*only && def.is_partitioned())
    }

    pub(crate) fn number_and_key(
        &self,
        relation: &Relation,
        def: &registry::Relation,
    ) -> Result<(Scalar, Vec<Scalar>)> {
        let missing = || Error::internal("lower: a locked relation that is not in scope");
        let Rel { alias, columns } = self.rels.get(&relation.id).ok_or_else(missing)?;
        let column = |num: i16| {
            let at = relation.columns.iter().position(|c| c.attnum == num).ok_or_else(missing)?;
            match columns.get(at) {
                Some((Means::Column(name), phys)) => Ok(Scalar::column(*alias, name.clone(), phys.clone())),
                _ => Err(missing()),
            }
        };
        let key = key_columns(def).into_iter().map(column).collect::<Result<_>>()?;
        Ok((Scalar::column(*alias, "rowid", Phys::Int8), key))
    }

    /// The tables that a relation shows rows of: these are locked whole.
    fn tables_below(&self, relation: &Relation, wait: LockWait, whole: &mut Vec<WholeTable>) -> Result<()> {
        match &relation.source {
            Source::Table { def, .. } => {
                let mut root = def;
                while let Some(parent) = root.partition_parent().and_then(|oid| self.cx.snapshot.relation_by_oid(oid)) {
                    root = parent;
                }
                if !root.temporary {
                    whole.push(WholeTable { table: Arc::clone(root), wait });
                }
            }
            Source::View { query, .. } | Source::Subquery(query) => self.tables_of(query, wait, whole)?,
            Source::System { .. }
            | Source::Sequence { .. }
            | Source::Cte(_)
            | Source::Function { .. }
            | Source::Feed
            | Source::File(_) => {}
        }
        Ok(())
    }

    fn tables_of(&self, query: &Query, wait: LockWait, whole: &mut Vec<WholeTable>) -> Result<()> {
        let mut todo = vec![&query.body];
        while let Some(body) = todo.pop() {
            match body {
                Body::Select(select) => {
                    let mut items: Vec<&FromItem> = select.from.iter().collect();
                    while let Some(item) = items.pop() {
                        match item {
                            FromItem::Relation(relation) => self.tables_below(relation, wait, whole)?,
                            FromItem::Join(join) => items.extend([&join.left, &join.right]),
                        }
                    }
                }
                Body::SetOp { left, right, .. } => todo.extend([&left.body, &right.body]),
                Body::Values(_) => {}
            }
        }
        Ok(())
    }

    /// What a query in FROM shows one row of each time, where it is to say which.
    pub(crate) fn table_row_below<'q>(
        &mut self,
        relation: &Relation,
        query: &'q Query,
    ) -> Result<Option<&'q Relation>> {
        if !self.telling.contains_key(&relation.id) || self.lifted(query)?.is_some() {
            return Ok(None);
        }
        let Some(below) = one_below(query).filter(|below| self.table_below(below).is_some()) else { return Ok(None) };
        self.telling.entry(below.id).or_default();
        Ok(Some(below))
    }

    /// Adds columns to a query that say which row it shows.
    pub(crate) fn tell_row(&mut self, relation: &Relation, below: &Relation, query: &mut ir::Query) -> Result<()> {
        let told = match (&below.source, self.telling.get(&below.id)) {
            (Source::Table { def, .. }, _) => {
                let (number, key) = self.number_and_key(below, def)?;
                [number].into_iter().chain(key).collect()
            }
            (_, Some(told)) => told.clone(),
            (_, None) => Vec::new(),
        };
        let ir::Body::Select(select) = &mut query.body else { return Ok(()) };
        let alias = ir::Alias::Rel(relation.id.0);
        let mut shown = Vec::with_capacity(told.len());
        for value in told {
            shown.push(Scalar::column(alias, ir::output_name(query.columns.len()), value.phys.clone()));
            query.columns.push(value.phys.clone());
            select.targets.push(value);
        }
        self.telling.insert(relation.id, shown);
        Ok(())
    }

    /// The table below a query, and the columns that say which of its rows each row is.
    fn told(&self, relation: &Relation) -> Option<(Arc<registry::Relation>, Vec<Scalar>)> {
        let told = self.telling.get(&relation.id).filter(|told| !told.is_empty())?;
        Some((Arc::clone(self.table_below(relation)?), told.clone()))
    }

    /// The queries among a query's relations whose rows were chosen one by one.
    pub(crate) fn chosen_tell(&mut self, query: &Query) {
        if let Some((Some(_), rels)) = self.to_lock.known.get(&query.output_rel) {
            self.telling.extend(rels.iter().map(|rel| (*rel, Vec::new())));
        }
    }

    /// The table that a relation shows rows of, one each.
    fn table_below<'r>(&self, relation: &'r Relation) -> Option<&'r Arc<registry::Relation>> {
        match &relation.source {
            Source::Table { def, sample: None, .. } if !def.temporary && self.is_whole(relation, def) => Some(def),
            Source::View { query, .. } | Source::Subquery(query) => self.table_below(one_below(query)?),
            _ => None,
        }
    }

    /// LIMIT or OFFSET as a number that is known when the statement is run.
    fn known_count(&self, e: &Option<Expr>) -> Result<Option<LockKey>> {
        let Some(e) = e else { return Ok(None) };
        if matches!(&e.kind, ExprKind::Const(Value::Null)) {
            return Ok(None);
        }
        let known = super::locks::key(e);
        known.map(Some).ok_or_else(|| {
            Error::unsupported("SKIP LOCKED with a LIMIT or OFFSET that is neither a number nor a parameter")
        })
    }

    /// Whether the rows that were locked for a query with FOR UPDATE are cut by its LIMIT and OFFSET already. (With SKIP LOCKED, those
    /// before OFFSET are locked, too.)
    pub(crate) fn is_cut(&self, query: &Query) -> bool {
        let listed = matches!(self.to_lock.known.get(&query.output_rel), Some((Some(_), _)));
        listed && query.locking.iter().all(|locking| locking.wait != LockWait::SkipLocked)
    }

    /// Of a query with FOR UPDATE, the rows that were locked for it.
    pub(crate) fn only_chosen(&mut self, query: &Query, select: &mut ir::Select) {
        let Some((Some(list), rels)) = self.to_lock.known.get(&query.output_rel).cloned() else { return };
        // Nobody knows which these were when the statement is done again.
        self.depends.elusive = true;
        let mut parts: Vec<Scalar> = select.filter.take().into_iter().collect();
        for (place, rel) in rels.into_iter().enumerate() {
            let Some(Rel { alias, .. }) = self.rels.get(&rel) else { continue };
            let told = self.telling.get(&rel).and_then(|told| told.first());
            let row = told.cloned().unwrap_or_else(|| Scalar::column(*alias, "rowid", Phys::Int8));
            let session = self.session(SessionValue::SessionId, Phys::Int8);
            let execution = self.param(ParamSource::Execution, Phys::Int8);
            let number = Scalar::int4(i32::from(list * LIST_WIDTH) + place as i32);
            // The same for a row however often it is asked, while the statement runs.
            parts.push(Scalar::template("dg_row_chosen({*})", vec![session, execution, number, row], Phys::Bool));
        }
        select.filter = Scalar::and(parts);
    }
}

/// The relation whose rows a query shows as they are, one each.
fn one_below(query: &Query) -> Option<&Relation> {
    let Query { ctes, body: Body::Select(select), limit: None, offset: None, locking, .. } = query else { return None };
    let Select {
        distinct: Distinct::All, targets, from, group_by: None, having: None, qualify: None, aggregated, ..
    } = &**select
    else {
        return None;
    };
    let sets = targets.iter().any(|target| matches!(target.kind, ExprKind::SetReturning(_)));
    match from.as_slice() {
        [FromItem::Relation(below)] if ctes.is_empty() && locking.is_empty() && !aggregated && !sets => Some(below),
        _ => None,
    }
}

fn stricter(a: LockWait, b: LockWait) -> LockWait {
    match (a, b) {
        (LockWait::NoWait, _) | (_, LockWait::NoWait) => LockWait::NoWait,
        (LockWait::SkipLocked, _) | (_, LockWait::SkipLocked) => LockWait::SkipLocked,
        (LockWait::Block, LockWait::Block) => LockWait::Block,
    }
}

fn relation_of(item: &FromItem, rel: RelId) -> Option<&Relation> {
    match item {
        FromItem::Relation(relation) => (relation.id == rel).then_some(&**relation),
        FromItem::Join(join) => relation_of(&join.left, rel).or_else(|| relation_of(&join.right, rel)),
    }
}
