//! INSERT … ON CONFLICT in steps, where DuckDB's own does something else than PostgreSQL's: several rows of which some share a
//! key, keys that DuckDB has no index for, RETURNING in the order of the rows, subqueries in DO UPDATE, row rules.
//!
//! `INSERT INTO t VALUES (3, 5), (3, 6) ON CONFLICT (a) DO UPDATE SET b = excluded.b WHERE excluded.b = 6` →
//! 1. `dg_step_1`: each proposed row with the number of the row that is there (`LEFT JOIN t ON t.a = s.c0`), its own number,
//!    whether it is the first and the last of its key, the columns of both rows,
//! 2. `dg_step_2`: of those that meet a row and for which WHERE holds, what UPDATE writes; one that is not the last of its
//!    key would be followed by another change of the same row: 21000,
//! 3. the UPDATE from `dg_step_2`, and the INSERT of those of `dg_step_1` that meet none.
//!
//! DO NOTHING: `dg_step_1` says of each row whether one with some key of it is there, and gives each key a number; of the
//! others [`FIRST_OF_KEYS`] goes through the rows in their order and leaves out what shares a key with one that goes in.

mod keys;

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::{Error, Result, SqlState};
use crate::registry::{self, Snapshot};
use crate::sql::KeptRows;
use crate::sql::analyze::deferrable_arbiter;
use crate::sql::lower::ir::{self, Alias, From, Node, Scalar, Select};
use crate::sql::lower::query::aggregate::Clauses;
use crate::sql::lower::query::from::table_name;
use crate::sql::lower::value::array::{derived, plain_query};
use crate::sql::lower::value::raise::raise;
use crate::sql::lower::{Lowerer, Means, Rel};
use crate::tree::{ConflictAction, ConflictRules, Expr, Insert, InsertSource, OnConflict, RelId};
use crate::types::{PgType, Phys, oid};

use super::check::Guard;
use super::conflict::keeps_key;
use super::rules::value_in;
use super::steps::{Kept, Part, Steps};
use keys::{ConflictKey, KeyPart, keys_of};

/// Of rows in their order (numbers; the numbers of all their keys, NULL for none) those that share no key with one before
/// that goes in.
pub(crate) const FIRST_OF_KEYS: &str = "dg_first_of_keys";

/// The proposed rows, and where the columns of the row that is there and of the new one are.
struct Proposed {
    kept: Kept,
    there: Vec<(Means, Phys)>,
    new: Vec<(Means, Phys)>,
}

/// What UPDATE writes: the row's number, SET's values, columns for RETURNING, the proposed row's number.
struct Updated {
    kept: Kept,
    place: HashMap<RelId, Rel>,
    keys: Option<KeptRows>,
    sets: Vec<(u16, Expr)>,
}

/// What an INSERT is about.
#[derive(Clone, Copy)]
struct Of<'a> {
    insert: &'a Insert,
    def: &'a Arc<registry::Relation>,
    conflict: &'a OnConflict,
}

/// Columns of the first step: the number of the row that is there (for DO NOTHING: whether there is one), the row's own,
/// and for DO UPDATE whether it is the first and the last of its key; for DO NOTHING the numbers of its keys.
const THERE: usize = 0;
const NUMBER: usize = 1;
const FIRST: usize = 2;
const LAST: usize = 3;

/// The transaction's number, as `txid_current()` has it, in the 32 bits of xid.
const TRANSACTION: &str = "((txid_current() + 3) % 4294967296)";

/// Whether it has several rows.
fn several(insert: &Insert) -> bool {
    match &insert.source {
        InsertSource::Values(rows) => rows.len() > 1,
        InsertSource::Query { .. } => true,
        InsertSource::Feed { .. } => false,
    }
}

/// Whether an INSERT can take these steps.
pub(crate) fn possible(insert: &Insert, def: &registry::Relation, types: &Snapshot) -> bool {
    let Some(conflict) = &insert.on_conflict else { return false };
    if matches!(insert.source, InsertSource::Feed { .. }) || insert.columns.is_empty() {
        return false;
    }
    // Where its key may be the next row's, that is not found out by looking at all of them first.
    let moves = conflict.checked.is_none() && several(insert) && moves_key(conflict, insert);
    !moves && !keys_of(conflict, def, types).is_empty()
}

/// Whether an INSERT takes these steps.
pub(crate) fn wanted(insert: &Insert, def: &registry::Relation, types: &Snapshot) -> bool {
    let Some(conflict) = insert.on_conflict.as_ref().filter(|_| possible(insert, def, types)) else { return false };
    let several = several(insert);
    let keys = keys_of(conflict, def, types);
    let checked = match conflict.checked {
        Some(_) => true,
        None => conflict.arbiter.is_empty() && def.checked_keys(types).next().is_some(),
    };
    let nullable = |part: &KeyPart| match part {
        KeyPart::Column(index) => def.columns.get(usize::from(*index)).is_some_and(|column| !column.not_null),
        KeyPart::Expression(_) => true,
    };
    let beyond = match &conflict.action {
        ConflictAction::Nothing => false,
        ConflictAction::Update { sets, filter } => {
            let queries =
                sets.iter().map(|(_, value)| value).chain(filter).any(crate::sql::lower::steer::arms::has_query);
            let moves = (def.is_partition() || def.is_partitioned()) && moves_key(conflict, insert);
            rules_of(insert).is_some() || queries || moves || several && filter.is_some()
        }
    };
    let among = several && (keys.len() > 1 || keys.iter().flat_map(|key| &key.parts).any(nullable));
    let returning = &insert.returning.exprs;
    let returned = several && !returning.is_empty() || returning.iter().any(super::insert::asks_session);
    insert.xmax.is_some() || checked || beyond || among || returned
}

/// What rules ask of the row that is there, and of what it becomes.
fn rules_of(insert: &Insert) -> Option<(RelId, &ConflictRules)> {
    let rules = insert.rules.as_deref()?;
    Some((rules.row, rules.conflict.as_ref()?))
}

/// Whether DO UPDATE may give a row another key.
fn moves_key(conflict: &OnConflict, insert: &Insert) -> bool {
    match &conflict.action {
        ConflictAction::Nothing => false,
        ConflictAction::Update { sets, filter: _ } => {
            sets.iter().any(|set| conflict.arbiter.contains(&set.0) && !keeps_key(set, conflict, insert))
        }
    }
}

impl Lowerer<'_> {
    pub(crate) fn upsert_step(
        &mut self,
        steps: &mut Steps,
        insert: &Insert,
        (def, types): (&Arc<registry::Relation>, &[PgType]),
        (ctes, recursive): (Vec<ir::Cte>, bool),
        last: bool,
    ) -> Result<Part> {
        let source = self.insert_source(insert, types)?;
        // Guards put the rows in another order.
        let source = self.numbered(source);
        let source = self.guarded_source(insert, def, source)?;
        let returned = self.upsert(steps, (insert, def), ir::Query { ctes, recursive, ..source })?;
        let Some(returned) = returned else { return Ok(Part { returning: None, after: None }) };
        if last {
            return Ok(Part { returning: None, after: Some(self.in_turn(&returned)) });
        }
        let in_turn = self.in_turn(&returned);
        Ok(Part { returning: Some(self.keep(steps, in_turn)), after: None })
    }

    /// The steps over the statement's rows, whose last column is their number. Gives RETURNING's rows, with a last column that
    /// is their number.
    fn upsert(
        &mut self,
        steps: &mut Steps,
        (insert, def): (&Insert, &Arc<registry::Relation>),
        source: ir::Query,
    ) -> Result<Option<Kept>> {
        let conflict = insert.on_conflict.as_ref();
        let conflict = conflict.ok_or_else(|| Error::internal("lower: an upsert without ON CONFLICT"))?;
        if !def.temporary {
            self.upserts.insert(def.oid);
        }
        let of = Of { insert, def, conflict };
        self.depends.tables.insert(def.oid);
        let keys = keys_of(conflict, def, &self.cx.snapshot);
        let (proposed, newcomers, updated) = match (&conflict.action, keys.as_slice()) {
            (ConflictAction::Nothing, keys) => {
                let proposed = self.numbered_keys(steps, of, source, keys)?;
                let newcomers = self.first_of_keys(steps, &proposed, keys.len());
                (proposed, Some(newcomers), None)
            }
            (ConflictAction::Update { sets, filter }, [key]) => {
                let proposed = self.with_those_there(steps, of, source, key)?;
                let updated = self.updated(steps, of, &proposed, (sets, filter.as_ref(), key))?;
                (proposed, None, Some(updated))
            }
            (ConflictAction::Update { .. }, _) => return Err(Error::internal("lower: DO UPDATE without its key")),
        };
        let returned = match insert.returning.exprs.is_empty() {
            true => None,
            false => {
                let mut query = self.returned_newcomers(insert, &proposed, newcomers.as_ref())?;
                if let Some(updated) = &updated {
                    query = union(self.returned_updated(insert, updated)?, query);
                }
                Some(self.keep(steps, query))
            }
        };
        if let Some(Updated { kept, place: _, keys, sets }) = updated {
            self.write_update(steps, (&insert.target, def), &sets, &kept, keys)?;
        }
        self.write_newcomers(steps, of, &proposed, newcomers.as_ref())?;
        Ok(returned)
    }

    /// The proposed rows, by `alias`: whole rows, NULL where nothing is written, then the number.
    fn whole_rows(&mut self, of: Of<'_>, source: ir::Query) -> Result<(From, Rel, Scalar)> {
        let (inner, alias) = (self.make(), self.make());
        let number = source.columns.len().saturating_sub(1);
        let (mut targets, mut columns) = (Vec::new(), Vec::new());
        for (index, (means, phys)) in self.table_columns(&of.insert.target, of.def)?.into_iter().enumerate() {
            if !matches!(means, Means::Column(_)) {
                columns.push((means, phys));
                continue;
            }
            let at = of.insert.columns.iter().position(|c| usize::from(*c) == index);
            columns.push((Means::Column(ir::output_name(targets.len())), phys.clone()));
            targets.push(match at {
                Some(at) => Scalar::column(inner, ir::output_name(at), phys),
                None => Scalar::null(phys),
            });
        }
        targets.push(Scalar::column(inner, ir::output_name(number), Phys::Int8));
        let number = Scalar::column(alias, ir::output_name(targets.len() - 1), Phys::Int8);
        let types = targets.iter().map(|t| t.phys.clone()).collect();
        let query = plain_query(Select { targets, from: vec![derived(source, inner)], ..Select::default() }, types);
        Ok((derived(query, alias), Rel { alias, columns }, number))
    }

    /// For DO UPDATE.
    fn with_those_there(
        &mut self,
        steps: &mut Steps,
        of: Of<'_>,
        source: ir::Query,
        key: &ConflictKey,
    ) -> Result<Proposed> {
        let (rows, new, number) = self.whole_rows(of, source)?;
        let there = Alias::Rel(of.insert.target.id.0);
        let there = Rel { alias: there, columns: self.table_columns(&of.insert.target, of.def)? };
        let new_key = self.key_over(key, of, &value_in(Some(&new)))?;
        let on = self.same_key(key, of, &there, &new_key)?;
        let table = From::Table { name: table_name(of.def), alias: there.alias, sample: None };
        let from = From::Join { kind: "LEFT JOIN", left: Box::new(rows), right: Box::new(table), on: Some(on) };
        let end = |descending: bool| {
            let mut partition_by = new_key.values.clone();
            partition_by.extend(new_key.has.iter().cloned());
            let order_by =
                vec![ir::Order { key: ir::OrderKey::Scalar(number.clone()), descending, nulls_first: false }];
            let nth = over(partition_by, order_by).call("row_number", vec![], Phys::Int8);
            let is = Scalar::template("({0} = 1)", vec![nth], Phys::Bool);
            match Scalar::and(new_key.has.clone()) {
                Some(has) => Scalar::when(has, is, Scalar::bool(true)),
                None => is,
            }
        };
        let row = Scalar::column(there.alias, "rowid", Phys::Int8);
        let mut targets = vec![row, number.clone(), end(false), end(true)];
        let there = laid(&there, &mut targets);
        let new = laid(&new, &mut targets);
        let kept = match rules_of(of.insert) {
            None => self.keep_of(steps, targets, from, None),
            Some(rules) => self.keep_visible(steps, of, rules, (targets, from, &there))?,
        };
        Ok(Proposed { kept, there, new })
    }

    /// Keeps what meets no row that the role may not change: what the statement itself asks of such a row is never looked at.
    /// (PostgreSQL asks WHERE first.)
    fn keep_visible(
        &mut self,
        steps: &mut Steps,
        of: Of<'_>,
        (row, rules): (RelId, &ConflictRules),
        (targets, from, there): (Vec<Scalar>, From, &[(Means, Phys)]),
    ) -> Result<Kept> {
        let columns: Vec<Phys> = targets.iter().map(|t| t.phys.clone()).collect();
        let inner = plain_query(Select { targets, from: vec![from], ..Select::default() }, columns.clone());
        let rows = self.make();
        let own = Rel { alias: rows, columns: there.to_vec() };
        let guards = self.rule_guards(&rules.existing, row, (of.def, &of.insert.target), &value_in(Some(&own)))?;
        let column = |(i, phys): (usize, Phys)| Scalar::column(rows, ir::output_name(i), phys);
        let mut targets: Vec<Scalar> = columns.into_iter().enumerate().map(column).collect();
        let met = targets[THERE].clone().is_not_null();
        let met = |(test, error)| (Scalar::new(Node::And(vec![met.clone(), test]), Phys::Bool), error);
        super::check::guard_first(&mut targets, guards.into_iter().map(met).collect(), None);
        Ok(self.keep_of(steps, targets, derived(inner, rows), None))
    }

    /// For DO NOTHING.
    fn numbered_keys(
        &mut self,
        steps: &mut Steps,
        of: Of<'_>,
        source: ir::Query,
        keys: &[ConflictKey],
    ) -> Result<Proposed> {
        let (rows, new, number) = self.whole_rows(of, source)?;
        let mut found = Vec::with_capacity(keys.len());
        let mut numbers = Vec::with_capacity(keys.len());
        for key in keys {
            let there = Rel { alias: self.make(), columns: self.table_columns(&of.insert.target, of.def)? };
            let new_key = self.key_over(key, of, &value_in(Some(&new)))?;
            let on = self.same_key(key, of, &there, &new_key)?;
            let excludes = !key.operators.is_empty();
            let table = From::Table { name: table_name(of.def), alias: there.alias, sample: None };
            let query =
                Select { targets: vec![Scalar::int4(1)], from: vec![table], filter: Some(on), ..Select::default() };
            found.push(Scalar::new(Node::Exists(Box::new(plain_query(query, vec![Phys::Int4]))), Phys::Bool));
            if excludes {
                // Which of the new rows exclude each other is found out when they are there.
                numbers.push(Scalar::null(Phys::Int8));
                continue;
            }
            let order_by = new_key.values.into_iter();
            let order_by = order_by.map(|value| ir::Order {
                key: ir::OrderKey::Scalar(value),
                descending: false,
                nulls_first: false,
            });
            let rank = over(Vec::new(), order_by.collect()).call("dense_rank", vec![], Phys::Int8);
            numbers.push(match Scalar::and(new_key.has) {
                Some(has) => Scalar::when(has, rank, Scalar::null(Phys::Int8)),
                None => rank,
            });
        }
        let mut met = Scalar::new(Node::Or(found), Phys::Bool);
        let any_key = of.conflict.checked.is_none() && of.conflict.arbiter.is_empty();
        if let Some((key, _)) = of.def.first_deferrable().filter(|_| any_key) {
            let error = deferrable_arbiter(of.def, &key.name);
            met = Scalar::when(met, Scalar::bool(true), raise(&error, &Phys::Bool));
        }
        let mut targets = vec![met, number];
        targets.extend(numbers);
        let new = laid(&new, &mut targets);
        let kept = self.keep_of(steps, targets, rows, None);
        Ok(Proposed { kept, there: Vec::new(), new })
    }

    /// The numbers of the rows that DO NOTHING lets in.
    fn first_of_keys(&mut self, steps: &mut Steps, proposed: &Proposed, keys: usize) -> Kept {
        let (rows, lists) = (self.make(), self.make());
        let longs = || Phys::List(Box::new(Phys::Int8));
        let number = proposed.column(rows, NUMBER);
        let numbers = Scalar::template("list({0} ORDER BY {0})", vec![number.clone()], longs());
        let mut args = vec![number];
        args.extend((0..keys).map(|i| proposed.column(rows, FIRST + i)));
        let all = Scalar::template("flatten(list([{1*}] ORDER BY {0}))", args, longs());
        let chosen = Scalar::call(FIRST_OF_KEYS, vec![numbers, all], longs());
        let met = proposed.column(rows, THERE);
        let select = Select {
            targets: vec![chosen],
            from: vec![proposed.kept.relation(rows)],
            filter: Some(Scalar::template("(NOT {0})", vec![met], Phys::Bool)),
            ..Select::default()
        };
        let from = derived(plain_query(select, vec![longs()]), lists);
        let chosen = Scalar::column(lists, ir::output_name(0), longs());
        let targets = vec![Scalar::template("unnest({0})", vec![chosen], Phys::Int8)];
        self.keep_of(steps, targets, from, None)
    }

    /// Keeps what DO UPDATE writes.
    fn updated(
        &mut self,
        steps: &mut Steps,
        of: Of<'_>,
        proposed: &Proposed,
        (sets, filter, key): (&[(u16, Expr)], Option<&Expr>, &ConflictKey),
    ) -> Result<Updated> {
        let Of { insert, def, conflict } = of;
        let kept: Vec<(u16, Expr)> = sets.iter().filter(|set| !keeps_key(set, conflict, insert)).cloned().collect();
        if several(insert) && key.moves(&kept, of, &self.cx.snapshot) {
            return Err(Error::unsupported("ON CONFLICT DO UPDATE of a column of its key, for several rows")
                .hint("Insert the rows by statements of their own."));
        }
        // Where only the key is set to itself, some column must be written for the row to count.
        let sets = if kept.is_empty() { sets.to_vec() } else { kept };
        let rows = self.make();
        let own = Rel { alias: rows, columns: proposed.there.clone() };
        self.rels.insert(insert.target.id, own.clone());
        if let Some(excluded) = insert.excluded {
            self.rels.insert(excluded, Rel { alias: rows, columns: proposed.new.clone() });
        }
        let number = proposed.column(rows, THERE);
        let (places, rules) = (sets.iter().collect::<Vec<_>>(), rules_of(insert));
        let moved = self.moved(of, &places, &value_in(Some(&own)))?;
        let checks = rules.map(|(_, rules)| (rules.updated.as_slice(), rules.updated_row));
        let checks = checks.or(moved.is_some().then_some((&[], insert.target.id)));
        let values: Vec<Scalar> = match checks {
            None => self.set_values(&insert.target, &places, def, None)?.into_iter().map(|(_, value)| value).collect(),
            Some(_) => self.set_scalars(&insert.target, &places, def)?.into_iter().map(|(_, _, value)| value).collect(),
        };
        let whole = !insert.returning.exprs.is_empty() || checks.is_some();
        let known = (&insert.target, &**def, Some(own));
        let (mut targets, mut place, keys) = self.laid_out(number.clone(), values, known, (&sets, &[], whole))?;
        targets.push(proposed.column(rows, NUMBER));
        let followed = Scalar::template("(NOT {0})", vec![proposed.column(rows, LAST)], Phys::Bool);
        let guards = [(followed, second_time())].into_iter().chain(moved).collect();
        super::check::guard_first(&mut targets, guards, None);
        let mut tests = vec![number.is_not_null()];
        tests.extend(filter.map(|filter| self.expr(filter)).transpose()?);
        let (from, filter) = (proposed.kept.relation(rows), Scalar::and(tests));
        let kept = match checks {
            None => self.keep_of(steps, targets, from, filter),
            Some(checks) => {
                let select = Select { targets, from: vec![from], filter, ..Select::default() };
                self.keep_checked(steps, select, &mut place, (&insert.target, def, checks), &sets)?
            }
        };
        let keys = keys.of_interest(kept.table);
        Ok(Updated { kept, place, keys, sets })
    }

    /// The guard that DO UPDATE leaves a row in its partition.
    fn moved(
        &mut self,
        Of { insert, def, conflict: _ }: Of<'_>,
        sets: &[&(u16, Expr)],
        there: &dyn Fn(u16) -> Option<Scalar>,
    ) -> Result<Option<Guard>> {
        let touched: Vec<u16> = sets.iter().map(|(index, _)| *index).collect();
        let divided = def.is_partition() || def.is_partitioned();
        if !divided || !self.touches_key(def, &insert.target, Some(&touched)) {
            return Ok(None);
        }
        let old: Vec<Option<Scalar>> = (0..insert.target.columns.len() as u16).map(there).collect();
        let mut new = old.clone();
        for (index, _, value) in self.set_scalars(&insert.target, sets, def)? {
            new[usize::from(index)] = Some(value);
        }
        let leaves = vec![self.leaf_of(def, &insert.target, old)?, self.leaf_of(def, &insert.target, new)?];
        let moved = Scalar::template("({0} IS DISTINCT FROM {1})", leaves, Phys::Bool);
        let error = Error::new(SqlState::FEATURE_NOT_SUPPORTED, "invalid ON UPDATE specification")
            .detail("The result tuple would appear in a different partition than the original tuple.");
        Ok(Some((moved, error)))
    }

    fn returned_updated(&mut self, insert: &Insert, updated: &Updated) -> Result<ir::Query> {
        let rows = self.make();
        for (rel, Rel { alias: _, columns }) in &updated.place {
            self.rels.insert(*rel, Rel { alias: rows, columns: columns.clone() });
        }
        let number = updated.kept.columns.len() - 1;
        let number = Scalar::column(rows, ir::output_name(number), Phys::Int8);
        self.enter_xmax(insert, Scalar::template(TRANSACTION, Vec::new(), Phys::Int8))?;
        self.returned_rows(insert, number, updated.kept.relation(rows), None)
    }

    fn returned_newcomers(
        &mut self,
        insert: &Insert,
        proposed: &Proposed,
        newcomers: Option<&Kept>,
    ) -> Result<ir::Query> {
        let rows = self.make();
        self.rels.insert(insert.target.id, Rel { alias: rows, columns: proposed.new.clone() });
        let (from, filter) = self.those_new(proposed, newcomers, rows);
        self.enter_xmax(insert, Scalar::number(0, Phys::Int8))?;
        self.returned_rows(insert, proposed.column(rows, NUMBER), from, filter)
    }

    fn enter_xmax(&mut self, insert: &Insert, transaction: Scalar) -> Result<()> {
        if let Some(rel) = insert.xmax {
            let phys = self.phys(PgType::new(oid::XID))?;
            self.substitutes.insert(rel, vec![Some(transaction.cast(phys))]);
        }
        Ok(())
    }

    fn returned_rows(
        &mut self,
        insert: &Insert,
        number: Scalar,
        from: From,
        filter: Option<Scalar>,
    ) -> Result<ir::Query> {
        let mut targets = Vec::with_capacity(insert.returning.exprs.len() + 1);
        for (e, field) in insert.returning.exprs.iter().zip(&insert.returning.columns) {
            let value = self.expr(e)?;
            targets.push(self.output_column(value, field.ty)?);
        }
        targets.push(number);
        let columns = targets.iter().map(|t| t.phys.clone()).collect();
        Ok(plain_query(Select { targets, from: vec![from], filter, ..Select::default() }, columns))
    }

    /// The proposed rows that go in.
    fn those_new(&mut self, proposed: &Proposed, newcomers: Option<&Kept>, rows: Alias) -> (From, Option<Scalar>) {
        let from = proposed.kept.relation(rows);
        let Some(newcomers) = newcomers else {
            return (from, Some(proposed.column(rows, THERE).is_null()));
        };
        let chosen = self.make();
        let same = vec![Scalar::column(chosen, ir::output_name(0), Phys::Int8), proposed.column(rows, NUMBER)];
        let on = Some(Scalar::template("({0} = {1})", same, Phys::Bool));
        let right = Box::new(newcomers.relation(chosen));
        (From::Join { kind: "INNER JOIN", left: Box::new(from), right, on }, None)
    }

    fn write_newcomers(
        &mut self,
        steps: &mut Steps,
        of: Of<'_>,
        proposed: &Proposed,
        newcomers: Option<&Kept>,
    ) -> Result<()> {
        let Of { insert, def, conflict: _ } = of;
        let rows = self.make();
        let (from, filter) = self.those_new(proposed, newcomers, rows);
        let row = Rel { alias: rows, columns: proposed.new.clone() };
        let value_of = value_in(Some(&row));
        let targets: Option<Vec<Scalar>> = insert.columns.iter().map(|index| value_of(*index)).collect();
        let mut targets = targets.ok_or_else(|| Error::internal("lower: a column that is not written"))?;
        if newcomers.is_none() {
            let second = Scalar::template("(NOT {0})", vec![proposed.column(rows, FIRST)], Phys::Bool);
            super::check::guard_first(&mut targets, vec![(second, second_time())], None);
        }
        let types = targets.iter().map(|t| t.phys.clone()).collect();
        let query = plain_query(Select { targets, from: vec![from], filter, ..Select::default() }, types);
        let number = ir::OrderKey::Scalar(proposed.column(rows, NUMBER));
        let order_by = vec![ir::Order { key: number, descending: false, nulls_first: false }];
        let source = ir::Query { order_by, ..query };
        let (columns, _) = self.written_columns(insert)?;
        let (table, alias) = (table_name(def), Alias::Rel(insert.target.id.0));
        let statement = ir::Statement::Insert { table, alias, columns, source, conflict: None, returning: Vec::new() };
        self.write(steps, statement, def, None);
        Ok(())
    }

    fn keep_of(&mut self, steps: &mut Steps, targets: Vec<Scalar>, from: From, filter: Option<Scalar>) -> Kept {
        let columns = targets.iter().map(|t| t.phys.clone()).collect();
        self.keep(steps, plain_query(Select { targets, from: vec![from], filter, ..Select::default() }, columns))
    }

    /// RETURNING's rows in the order of the statement's.
    fn in_turn(&mut self, returned: &Kept) -> ir::Query {
        let query = self.part_of(returned, 0, returned.columns.len() - 1);
        let order_by = vec![ir::Order {
            key: ir::OrderKey::Scalar(Scalar::new(Node::Bare(ir::output_name(returned.columns.len() - 1)), Phys::Int8)),
            descending: false,
            nulls_first: false,
        }];
        ir::Query { order_by, ..query }
    }
}

impl Proposed {
    fn column(&self, rows: Alias, at: usize) -> Scalar {
        Scalar::column(rows, ir::output_name(at), self.kept.columns[at].clone())
    }
}

fn second_time() -> Error {
    Error::new(SqlState::CARDINALITY_VIOLATION, "ON CONFLICT DO UPDATE command cannot affect row a second time")
        .hint("Ensure that no rows proposed for insertion within the same command have duplicate constrained values.")
}

/// Adds a relation's columns to what is kept; tells where they are.
fn laid(rel: &Rel, targets: &mut Vec<Scalar>) -> Vec<(Means, Phys)> {
    let mut columns = Vec::with_capacity(rel.columns.len());
    for (means, phys) in &rel.columns {
        let Means::Column(name) = means else {
            columns.push((means.clone(), phys.clone()));
            continue;
        };
        columns.push((Means::Column(ir::output_name(targets.len())), phys.clone()));
        targets.push(Scalar::column(rel.alias, name.clone(), phys.clone()));
    }
    columns
}

fn over(partition_by: Vec<Scalar>, order_by: Vec<ir::Order>) -> Clauses {
    let over = ir::Over { partition_by, order_by, frame: None };
    Clauses { distinct: false, order_by: vec![], filter: None, over: Some(over) }
}

fn union(left: ir::Query, right: ir::Query) -> ir::Query {
    let columns = left.columns.clone();
    let body = ir::Body::SetOp { op: "UNION ALL", left: Box::new(left), right: Box::new(right) };
    crate::sql::lower::query::set_op::query_of(body, columns)
}
