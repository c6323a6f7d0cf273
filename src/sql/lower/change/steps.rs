//! Statements that take several of DuckDB's: data-modifying CTEs, and RETURNING of more than the changed row.
//!
//! `WITH d AS (DELETE FROM t WHERE a < 5 RETURNING a) INSERT INTO u SELECT a FROM d`: everything is read first, so that
//! all parts see the rows as they were, as PostgreSQL's parts share a snapshot. What each part will do is kept in a
//! temporary table: `CREATE OR REPLACE TEMP TABLE dg_step_1 AS SELECT t1.rowid, …`; its RETURNING in another, which is
//! what the other parts read. Then the changes are made from the kept rows, in the order of the parts, and the last
//! statement gives the result. The session runs all of it in one transaction and drops the tables at its end.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::registry;
use crate::sql::lower::ir::{self, Alias, From, Scalar, Select, TableName};
use crate::sql::lower::query::from::{column_name, table_name};
use crate::sql::lower::value::array::{derived, plain_query};
use crate::sql::lower::{Lowered, Lowerer, Means, Rel};
use crate::sql::{Command, KeptRows, ParamSource};
use crate::tree::{
    self, Cte, CteBody, Delete, Expr, FromItem, Insert, Query, RelId, Relation, Returning, RowCheck, TargetRules,
    Update,
};
use crate::types::Phys;

use super::insert::target_table;
use super::rules::{Visible, value_in};

/// One statement that runs before the last.
#[derive(Debug, Clone)]
pub struct Step {
    pub statement: ir::Statement,
    pub params: Vec<(ParamSource, Phys)>,
    /// The table that it writes, for constraint names in errors.
    pub target: Option<Arc<registry::Relation>>,
    /// What was kept of the rows it changes, for the foreign keys that are concerned.
    pub keys: Option<KeptRows>,
}

/// Where a step's rows are.
pub(crate) struct Kept {
    pub table: u32,
    pub columns: Vec<Phys>,
}

/// The statements, in two heaps: what reads and keeps, and what then changes.
#[derive(Default)]
pub(crate) struct Steps {
    reads: Vec<Step>,
    pub writes: Vec<Step>,
    scratch: Vec<u32>,
}

/// What one part of the statement comes to.
pub(crate) struct Part {
    /// RETURNING's rows.
    pub returning: Option<Kept>,
    /// The query that gives them when all is written.
    pub after: Option<ir::Query>,
}

impl<'a> Lowerer<'a> {
    /// The columns that others' foreign keys point to, and (`own`) those of the table's own foreign keys and of the unique ones
    /// that the session checks.
    pub(crate) fn key_columns(&self, table: &registry::Relation, own: bool) -> BTreeSet<i16> {
        let pointed = self.cx.snapshot.referring(table.oid);
        let mut columns: BTreeSet<i16> = pointed.flat_map(|(_, key)| key.target_columns.to_vec()).collect();
        if own {
            columns.extend(table.foreign_keys().flat_map(|key| key.columns.to_vec()));
            columns.extend(table.checked_keys(&*self.cx.snapshot).flat_map(|key| key.columns().collect::<Vec<_>>()));
        }
        columns
    }

    /// Lowers a statement for which [`wanted`] says so.
    pub(crate) fn stepwise(mut self, statement: &tree::Statement) -> Result<Lowered> {
        let mut steps = Steps::default();
        let ctes = match statement {
            tree::Statement::Query(query) => &query.ctes,
            tree::Statement::Insert(insert) => &insert.ctes,
            tree::Statement::Update(update) => &update.ctes,
            tree::Statement::Delete(delete) => &delete.ctes,
            tree::Statement::Merge(merge) => &merge.ctes,
            _ => return Err(Error::internal("lower: not a statement of several steps")),
        };
        for cte in ctes {
            self.keep_cte(&mut steps, cte)?;
        }
        let (command, target, fields, part) = match statement {
            tree::Statement::Query(query) => {
                let inner = Query { ctes: Vec::new(), recursive: false, ..(**query).clone() };
                let read = self.query(&inner)?;
                let kept = self.keep(&mut steps, read);
                (Command::Select, None, query.columns.clone(), Part { returning: Some(kept), after: None })
            }
            tree::Statement::Insert(insert) => {
                let part = self.insert_step(&mut steps, insert, true)?;
                let def = Arc::clone(target_table(&insert.target)?);
                (Command::Insert, Some(def), insert.returning.columns.clone(), part)
            }
            tree::Statement::Update(update) => {
                let part = self.update_step(&mut steps, update)?;
                let def = Arc::clone(target_table(&update.target)?);
                (Command::Update, Some(def), update.returning.columns.clone(), part)
            }
            tree::Statement::Delete(delete) => {
                let part = self.delete_step(&mut steps, delete)?;
                let def = Arc::clone(target_table(&delete.target)?);
                (Command::Delete, Some(def), delete.returning.columns.clone(), part)
            }
            tree::Statement::Merge(merge) => {
                let def = Arc::clone(target_table(&merge.target)?);
                self.merge_steps(&mut steps, merge, &def)?;
                (Command::Merge, Some(def), Vec::new(), Part { returning: None, after: None })
            }
            _ => return Err(Error::internal("lower: not a statement of several steps")),
        };
        let Steps { mut reads, mut writes, scratch } = steps;
        let mut keys = None;
        let (last, phys) = match (part.after, part.returning) {
            (Some(query), _) => {
                let phys = query.columns.clone();
                (ir::Statement::Query(query), phys)
            }
            (None, Some(kept)) => (self.all_of(&kept), kept.columns),
            (None, None) => {
                let last = writes.pop().ok_or_else(|| Error::internal("lower: a change without a statement"))?;
                self.params = last.params;
                keys = last.keys;
                let phys = match &last.statement {
                    ir::Statement::Insert { returning, .. } => returning.iter().map(|r| r.phys.clone()).collect(),
                    _ => Vec::new(),
                };
                (last.statement, phys)
            }
        };
        reads.append(&mut writes);
        self.writes = true;
        let adds_up = match (statement, &target) {
            (tree::Statement::Merge(_), _) => true,
            (tree::Statement::Insert(insert), Some(def)) => super::upsert::wanted(insert, def, &self.cx.snapshot),
            _ => false,
        };
        Ok(Lowered { adds_up, before: reads, scratch, keys, ..self.done(last, (fields, phys), command, target) })
    }

    fn keep_cte(&mut self, steps: &mut Steps, cte: &Cte) -> Result<()> {
        let kept = match &cte.query {
            CteBody::Query(query) => {
                let read = if cte.recursive { self.recursive_query(cte, query)? } else { self.query(query)? };
                Some(self.keep(steps, read))
            }
            CteBody::Insert(insert) => {
                plain_ctes(&insert.ctes)?;
                self.insert_step(steps, insert, false)?.returning
            }
            CteBody::Update(update) => {
                plain_ctes(&update.ctes)?;
                self.update_step(steps, update)?.returning
            }
            CteBody::Delete(delete) => {
                plain_ctes(&delete.ctes)?;
                self.delete_step(steps, delete)?.returning
            }
        };
        if let Some(Kept { table, columns }) = kept {
            self.keep_records(cte);
            self.ctes.insert(cte.id, columns);
            self.kept.insert(cte.id, table);
        }
        Ok(())
    }

    /// Keeps a query's rows in a table of their own, in their order.
    pub(crate) fn keep(&mut self, steps: &mut Steps, mut query: ir::Query) -> Kept {
        if let ir::Body::Select(select) = &mut query.body {
            // SET's values are not yet in their types, as those of RETURNING are.
            for target in select.targets.iter_mut().filter(|target| target.phys != Phys::Void) {
                let value = std::mem::replace(target, Scalar::bool(true));
                *target = crate::sql::lower::query::output::typed(value);
            }
        }
        self.made += 1;
        let table = self.made;
        let columns = query.columns.clone();
        let statement = ir::Statement::Keep { table, query };
        steps.reads.push(Step { statement, params: std::mem::take(&mut self.params), target: None, keys: None });
        steps.scratch.push(table);
        Kept { table, columns }
    }

    pub(crate) fn write(
        &mut self,
        steps: &mut Steps,
        statement: ir::Statement,
        target: &Arc<registry::Relation>,
        keys: Option<KeptRows>,
    ) {
        let params = std::mem::take(&mut self.params);
        steps.writes.push(Step { statement, params, target: Some(Arc::clone(target)), keys });
    }

    /// `SELECT c0, c1 … FROM kept`.
    fn all_of(&mut self, kept: &Kept) -> ir::Statement {
        ir::Statement::Query(self.part_of(kept, 0, kept.columns.len()))
    }

    pub(crate) fn part_of(&mut self, kept: &Kept, from: usize, count: usize) -> ir::Query {
        let alias = self.make();
        let columns: Vec<Phys> = kept.columns[from..from + count].to_vec();
        let targets = columns
            .iter()
            .enumerate()
            .map(|(i, phys)| Scalar::column(alias, ir::output_name(from + i), phys.clone()))
            .collect();
        let from = vec![kept.relation(alias)];
        plain_query(Select { targets, from, ..Select::default() }, columns)
    }

    fn insert_step(&mut self, steps: &mut Steps, insert: &Insert, last: bool) -> Result<Part> {
        let def = Arc::clone(target_table(&insert.target)?);
        let ctes = if last { Vec::new() } else { self.ctes(&insert.ctes)? };
        let recursive = ctes.iter().any(|c| c.recursive);
        let (columns, types) = self.written_columns(insert)?;
        // What it gives is to be kept for the rest of the statement.
        let given = !last && !insert.returning.exprs.is_empty();
        if super::upsert::wanted(insert, &def, &self.cx.snapshot)
            || given && super::upsert::possible(insert, &def, &self.cx.snapshot)
        {
            return self.upsert_step(steps, insert, (&def, &types), (ctes, recursive), last);
        }
        if insert.xmax.is_some() {
            let message = "\"xmax\" of an ON CONFLICT of several rows that change their key";
            return Err(Error::unsupported(message));
        }
        let source = self.insert_source(insert, &types)?;
        let source = self.guarded_source(insert, &def, source)?;
        let kept = self.keep(steps, ir::Query { ctes, recursive, ..source });
        let alias = Alias::Rel(insert.target.id.0);
        let has_returning = !insert.returning.exprs.is_empty();
        let (mut returning, mut native) = (None, Vec::new());
        if has_returning && insert.on_conflict.is_some() {
            if !last {
                return Err(Error::unsupported("RETURNING of INSERT … ON CONFLICT inside WITH")
                    .hint("Run the INSERT by itself and use its result in the next statement."));
            }
            self.enter_table(&insert.target, &def, alias)?;
            native = self.insert_returning(&insert.returning, alias)?;
        } else if has_returning {
            returning = Some(self.inserted(steps, insert, &def, &kept)?);
        }
        self.enter_table(&insert.target, &def, alias)?;
        let conflict = insert.on_conflict.as_ref().filter(|c| super::conflict::may_conflict(c, &def));
        let conflict = conflict.map(|c| self.conflict(c, insert, &def)).transpose()?;
        let source = self.part_of(&kept, 0, types.len());
        let table = table_name(&def);
        let statement = ir::Statement::Insert { table, alias, columns, source, conflict, returning: native };
        self.write(steps, statement, &def, None);
        Ok(Part { returning, after: None })
    }

    /// RETURNING over the kept rows of an INSERT; columns that are not written are NULL.
    fn inserted(
        &mut self,
        steps: &mut Steps,
        insert: &Insert,
        def: &Arc<registry::Relation>,
        kept: &Kept,
    ) -> Result<Kept> {
        let (from, rows) = (self.make(), self.make());
        let table = self.table_columns(&insert.target, def)?;
        let (mut targets, mut named) = (Vec::new(), Vec::with_capacity(table.len()));
        for (index, (means, phys)) in table.into_iter().enumerate() {
            if !matches!(means, Means::Column(_)) {
                named.push((means, phys));
                continue;
            }
            let at = insert.columns.iter().position(|c| usize::from(*c) == index);
            named.push((Means::Column(ir::output_name(targets.len())), phys.clone()));
            targets.push(match at {
                Some(at) => Scalar::column(from, ir::output_name(at), phys),
                None => Scalar::null(phys),
            });
        }
        let columns = targets.iter().map(|t| t.phys.clone()).collect();
        let whole = plain_query(Select { targets, from: vec![kept.relation(from)], ..Select::default() }, columns);
        self.rels.insert(insert.target.id, Rel { alias: rows, columns: named });
        self.keep_returning(steps, &insert.returning, derived(whole, rows))
    }

    /// RETURNING's expressions over what stands for the changed rows.
    fn keep_returning(&mut self, steps: &mut Steps, returning: &Returning, from: From) -> Result<Kept> {
        let mut targets = Vec::with_capacity(returning.exprs.len());
        for (e, field) in returning.exprs.iter().zip(&returning.columns) {
            let value = self.expr(e)?;
            targets.push(self.output_column(value, field.ty)?);
        }
        let columns = targets.iter().map(|t| t.phys.clone()).collect();
        let query = plain_query(Select { targets, from: vec![from], ..Select::default() }, columns);
        Ok(self.keep(steps, query))
    }

    fn update_step(&mut self, steps: &mut Steps, update: &Update) -> Result<Part> {
        let Update { ctes: _, recursive: _, target, sets, from, filter, returning, rules, through: _ } = update;
        let def = Arc::clone(target_table(target)?);
        let whole = !returning.exprs.is_empty();
        let (kept, place, keys) = match rules {
            None => self.changed(steps, (target, &def), sets, from, (filter.as_ref(), whole))?,
            Some(rules) => self.ruled(steps, (target, &def, rules), sets, from, filter.as_ref())?,
        };
        let returning = self.changed_returning(steps, target, returning, &kept, place)?;
        self.write_update(steps, (target, &def), sets, &kept, keys)?;
        Ok(Part { returning, after: None })
    }

    /// The UPDATE from what was kept of it: the row's number, then SET's values.
    pub(crate) fn write_update(
        &mut self,
        steps: &mut Steps,
        (target, def): (&Relation, &Arc<registry::Relation>),
        sets: &[(u16, Expr)],
        kept: &Kept,
        keys: Option<KeptRows>,
    ) -> Result<()> {
        let (alias, rows) = (self.make(), self.make());
        let sets = sets
            .iter()
            .enumerate()
            .map(|(i, (index, _))| {
                let column = &target.columns[usize::from(*index)];
                let value = Scalar::column(rows, ir::output_name(i + 1), kept.columns[i + 1].clone());
                Ok((column_name(def, column)?, value))
            })
            .collect::<Result<_>>()?;
        let statement = ir::Statement::Update {
            ctes: Vec::new(),
            recursive: false,
            table: table_name(def),
            alias,
            sets,
            from: vec![kept.relation(rows)],
            filter: Some(same_row(alias, rows)),
            returning: Vec::new(),
        };
        self.write(steps, statement, def, keys);
        Ok(())
    }

    fn delete_step(&mut self, steps: &mut Steps, delete: &Delete) -> Result<Part> {
        let Delete { ctes: _, recursive: _, target, using, filter, returning, rules, through: _ } = delete;
        let def = Arc::clone(target_table(target)?);
        let whole = !returning.exprs.is_empty();
        let (kept, place, keys) = match rules {
            None => self.changed(steps, (target, &def), &[], using, (filter.as_ref(), whole))?,
            Some(rules) => self.ruled(steps, (target, &def, rules), &[], using, filter.as_ref())?,
        };
        let returning = self.changed_returning(steps, target, returning, &kept, place)?;
        self.write_delete(steps, &def, &kept, keys);
        Ok(Part { returning, after: None })
    }

    /// The DELETE of what was kept: the row's number.
    pub(crate) fn write_delete(
        &mut self,
        steps: &mut Steps,
        def: &Arc<registry::Relation>,
        kept: &Kept,
        keys: Option<KeptRows>,
    ) {
        let (alias, rows) = (self.make(), self.make());
        let statement = ir::Statement::Delete {
            ctes: Vec::new(),
            recursive: false,
            table: table_name(def),
            alias,
            using: vec![kept.relation(rows)],
            filter: Some(same_row(alias, rows)),
            returning: Vec::new(),
        };
        self.write(steps, statement, def, keys);
    }

    /// Keeps what UPDATE or DELETE will change: the row's number, SET's values, then (`whole`) the columns of the target and of
    /// FROM, and those of keys as they were. Tells where each relation's columns are.
    fn changed(
        &mut self,
        steps: &mut Steps,
        (target, def): (&Relation, &Arc<registry::Relation>),
        sets: &[(u16, Expr)],
        from: &[FromItem],
        (filter, whole): (Option<&Expr>, bool),
    ) -> Result<(Kept, HashMap<RelId, Rel>, Option<KeptRows>)> {
        self.depends.tables.insert(def.oid);
        let alias = Alias::Rel(target.id.0);
        self.enter_table(target, def, alias)?;
        let mut items = vec![From::Table { name: table_name(def), alias, sample: None }];
        items.extend(self.from_items(from)?);
        let number = Scalar::column(alias, "rowid", Phys::Int8);
        let places: Vec<&(u16, Expr)> = sets.iter().collect();
        let values = self.set_values(target, &places, def, None)?;
        let values = values.into_iter().map(|(_, value)| value).collect();
        let own = self.rels.get(&target.id).cloned();
        let (targets, place, keys) = self.laid_out(number.clone(), values, (target, def, own), (sets, from, whole))?;
        let filter = filter.map(|f| self.expr(f)).transpose()?;
        let qualify = one_change(number.clone(), from);
        let columns = targets.iter().map(|t| t.phys.clone()).collect();
        let select = Select { targets, from: items, filter, qualify, ..Select::default() };
        let mut query = plain_query(select, columns);
        if !from.is_empty() {
            // RETURNING gives them in the table's order.
            let key = ir::OrderKey::Scalar(number);
            query.order_by = vec![ir::Order { key, descending: false, nulls_first: false }];
        }
        let kept = self.keep(steps, query);
        let keys = keys.of_interest(kept.table);
        Ok((kept, place, keys))
    }

    /// As [`Self::changed`], of the rows that rules let through; the new rows' conditions are in what is kept.
    fn ruled(
        &mut self,
        steps: &mut Steps,
        (target, def, rules): (&Relation, &Arc<registry::Relation>, &TargetRules),
        sets: &[(u16, Expr)],
        from: &[FromItem],
        filter: Option<&Expr>,
    ) -> Result<(Kept, HashMap<RelId, Rel>, Option<KeptRows>)> {
        self.depends.tables.insert(def.oid);
        let Visible { from: item, number, raw } = self.visible_target(target, def, rules)?;
        let mut items = vec![item];
        items.extend(self.from_items(from)?);
        let places: Vec<&(u16, Expr)> = sets.iter().collect();
        let values = self.set_scalars(target, &places, def)?.into_iter().map(|(_, _, value)| value).collect();
        let known = (target, &**def, Some(raw));
        let (targets, mut place, keys) = self.laid_out(number.clone(), values, known, (sets, from, true))?;
        let filter = filter.map(|f| self.expr(f)).transpose()?;
        let qualify = one_change(number, from);
        let select = Select { targets, from: items, filter, qualify, ..Select::default() };
        let written = (target, def, (rules.checks.as_slice(), rules.new_row));
        let kept = self.keep_checked(steps, select, &mut place, written, sets)?;
        let keys = keys.of_interest(kept.table);
        Ok((kept, place, keys))
    }

    /// Keeps rows that are going to be written, with the conditions of rules and then of constraints on them. `place` tells where the
    /// columns of the new row are in what is read.
    pub(crate) fn keep_checked(
        &mut self,
        steps: &mut Steps,
        select: Select,
        place: &mut HashMap<RelId, Rel>,
        (target, def, (checks, new_row)): (&Relation, &Arc<registry::Relation>, (&[RowCheck], RelId)),
        sets: &[(u16, Expr)],
    ) -> Result<Kept> {
        let columns: Vec<Phys> = select.targets.iter().map(|t| t.phys.clone()).collect();
        let inner = plain_query(select, columns.clone());
        let rows = self.make();
        for rel in place.values_mut() {
            rel.alias = rows;
        }
        let new = place.get(&target.id).cloned();
        let value_of = value_in(new.as_ref());
        let mut guards = self.rule_guards(checks, new_row, (def, target), &value_of)?;
        let touched: Vec<u16> = sets.iter().map(|(index, _)| *index).collect();
        guards.extend(self.routing_guards(def, target, &value_of, Some(&touched))?);
        guards.extend(self.check_guards_on(def, target, &value_of, Some(&touched))?);
        let row = match guards.is_empty() {
            true => None,
            false => self.row_text(def, target, &value_of, &touched, guards.len()),
        };
        let mut targets: Vec<Scalar> = columns
            .iter()
            .enumerate()
            .map(|(i, phys)| Scalar::column(rows, ir::output_name(i), phys.clone()))
            .collect();
        super::check::guard_first(&mut targets, guards, row.as_ref());
        let select = Select { targets, from: vec![derived(inner, rows)], ..Select::default() };
        Ok(self.keep(steps, plain_query(select, columns)))
    }

    /// The columns of what is kept, and where each relation's are in it. `own` is the target as the table has it.
    pub(crate) fn laid_out(
        &mut self,
        number: Scalar,
        values: Vec<Scalar>,
        (target, def, own): (&Relation, &registry::Relation, Option<Rel>),
        (sets, from, whole): (&[(u16, Expr)], &[FromItem], bool),
    ) -> Result<(Vec<Scalar>, HashMap<RelId, Rel>, KeptRows)> {
        let set_at: HashMap<u16, usize> = sets.iter().enumerate().map(|(i, (column, _))| (*column, i + 1)).collect();
        let mut targets = vec![number];
        targets.extend(values);
        let mut place = HashMap::new();
        let mut seen = Vec::new();
        from.iter().for_each(|item| relations_of(item, &mut seen));
        let others = seen.into_iter().filter_map(|rel| Some((rel, self.rels.get(&rel).cloned()?)));
        let all: Vec<(RelId, Rel)> = own.clone().map(|rel| (target.id, rel)).into_iter().chain(others).collect();
        for (rel, known) in all.into_iter().filter(|_| whole) {
            let mut named = Vec::with_capacity(known.columns.len());
            for (index, (means, phys)) in known.columns.into_iter().enumerate() {
                let name = match means {
                    Means::Column(name) => name,
                    Means::Oid(_) | Means::Routed(_) | Means::Nothing => {
                        named.push((means, phys));
                        continue;
                    }
                };
                if let Some(at) = set_at.get(&(index as u16)).filter(|_| rel == target.id) {
                    named.push((Means::Column(ir::output_name(*at)), phys));
                } else {
                    named.push((Means::Column(ir::output_name(targets.len())), phys.clone()));
                    targets.push(Scalar::column(known.alias, name, phys));
                }
            }
            place.insert(rel, Rel { alias: known.alias, columns: named });
        }
        let mut keys = KeptRows { deleted: sets.is_empty(), ..KeptRows::default() };
        for num in self.key_columns(def, !keys.deleted) {
            let at = target.columns.iter().position(|c| c.attnum == num);
            let known = at.and_then(|at| Some((at, own.as_ref()?.columns.get(at)?.clone())));
            let (Some((at, (Means::Column(name), phys))), Some(own)) = (known, own.as_ref()) else {
                return Err(Error::internal("lower: a key over a column that is not there"));
            };
            if let Some(set) = set_at.get(&(at as u16)) {
                keys.new.push((num, *set));
            }
            keys.old.push((num, targets.len()));
            targets.push(Scalar::column(own.alias, name, phys));
        }
        Ok((targets, place, keys))
    }

    fn changed_returning(
        &mut self,
        steps: &mut Steps,
        target: &Relation,
        returning: &Returning,
        kept: &Kept,
        place: HashMap<RelId, Rel>,
    ) -> Result<Option<Kept>> {
        if returning.exprs.is_empty() {
            return Ok(None);
        }
        debug_assert!(place.contains_key(&target.id));
        let alias = self.make();
        for (rel, Rel { alias: _, columns }) in place {
            self.rels.insert(rel, Rel { alias, columns });
        }
        self.keep_returning(steps, returning, kept.relation(alias)).map(Some)
    }
}

impl Kept {
    pub(crate) fn relation(&self, alias: Alias) -> From {
        From::Table { name: TableName::Kept(self.table), alias, sample: None }
    }
}

/// Of several rows that would change the same one, one does.
fn one_change(number: Scalar, from: &[FromItem]) -> Option<Scalar> {
    (!from.is_empty()).then(|| {
        let over = ir::Over { partition_by: vec![number], order_by: vec![], frame: None };
        let clauses = crate::sql::lower::query::aggregate::Clauses {
            distinct: false,
            order_by: vec![],
            filter: None,
            over: Some(over),
        };
        let first = clauses.call("row_number", vec![], Phys::Int8);
        Scalar::template("({0} = 1)", vec![first], Phys::Bool)
    })
}

fn same_row(table: Alias, kept: Alias) -> Scalar {
    let (number, of) = (Scalar::column(table, "rowid", Phys::Int8), Scalar::column(kept, "c0", Phys::Int8));
    Scalar::template("({0} = {1})", vec![number, of], Phys::Bool)
}

fn relations_of(item: &FromItem, out: &mut Vec<RelId>) {
    match item {
        FromItem::Relation(relation) => out.push(relation.id),
        FromItem::Join(join) => {
            relations_of(&join.left, out);
            relations_of(&join.right, out);
        }
    }
}

/// A part of WITH that has a WITH of its own: only the outermost may change data.
fn plain_ctes(ctes: &[Cte]) -> Result<()> {
    if ctes.is_empty() {
        return Ok(());
    }
    Err(Error::unsupported("WITH inside a data-modifying statement of WITH")
        .hint("Name the inner queries in the outer WITH."))
}
