//! MERGE in steps: which row meets what is found first, then each action is done with its rows.
//!
//! `MERGE INTO t USING s ON s.a = t.a WHEN MATCHED THEN UPDATE SET b = s.b WHEN NOT MATCHED THEN INSERT VALUES (s.a, s.b)` →
//! 1. `CREATE OR REPLACE TEMP TABLE dg_step_1 AS SELECT t1.rowid AS c0, CASE WHEN t1.rowid IS NOT NULL THEN 1 … ELSE 2 END AS c1,
//!    …all columns… FROM s AS t2 LEFT JOIN t AS t1 ON …`,
//! 2. for each action what it writes is kept, from the rows with its number: `… SELECT c0, c5 FROM dg_step_1 WHERE c1 = 1`,
//! 3. and written as by UPDATE, DELETE and INSERT in a statement of several steps.
//!
//! Rows go first, new ones come last: PostgreSQL goes through the join's rows in no order that anybody may rely on.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::{Error, Result, SqlState};
use crate::registry;
use crate::sql::lower::ir::{self, Alias, From, Node, Scalar, Select};
use crate::sql::lower::query::from::table_name;
use crate::sql::lower::value::array::{derived, plain_query};
use crate::sql::lower::{Lowerer, Rel};
use crate::tree::{Expr, FromItem, Insert, InsertSource, Join, JoinKind, Merge, MergeAction, RelId, TargetRules};
use crate::types::Phys;

use super::rules::{Visible, value_in};
use super::steps::{Kept, Steps};

/// Where what was joined is, and the rows of one action.
struct Rows {
    kept: Kept,
    place: HashMap<RelId, Rel>,
}

impl Lowerer<'_> {
    pub(crate) fn merge_steps(
        &mut self,
        steps: &mut Steps,
        merge: &Merge,
        def: &Arc<registry::Relation>,
    ) -> Result<()> {
        let rows = self.merged(steps, merge, def)?;
        let order = |action: &MergeAction| match action {
            MergeAction::Nothing => 0,
            MergeAction::Delete => 1,
            MergeAction::Update { .. } => 2,
            MergeAction::Insert(_) => 3,
        };
        let mut actions: Vec<(usize, &MergeAction)> = merge.whens.iter().map(|when| &when.action).enumerate().collect();
        actions.sort_by_key(|(_, action)| order(action));
        for (at, action) in actions {
            match action {
                MergeAction::Nothing => {}
                MergeAction::Update { sets } => self.merge_update(steps, merge, def, &rows, (at, sets))?,
                MergeAction::Delete => self.merge_delete(steps, merge, def, &rows, at)?,
                MergeAction::Insert(insert) => self.merge_insert(steps, insert, def, &rows, at)?,
            }
        }
        if steps.writes.is_empty() {
            // It only says what it would have met: no row has this number.
            self.merge_delete(steps, merge, def, &rows, merge.whens.len())?;
        }
        Ok(())
    }

    /// Keeps the join's rows that an action is for: the target's row, the action's number from 1, all columns.
    fn merged(&mut self, steps: &mut Steps, merge: &Merge, def: &Arc<registry::Relation>) -> Result<Rows> {
        self.depends.tables.insert(def.oid);
        let outer = merge.whens.iter().any(|when| !when.matched);
        let source = &merge.source;
        let kind = if outer { JoinKind::Left } else { JoinKind::Inner };
        let (joined, number, own) = match &merge.rules {
            None => self.joined_rows(merge, kind)?,
            Some(rules) => self.visible_rows(merge, (def, rules), kind)?,
        };
        let mut items = vec![joined];
        let mut whens = Vec::with_capacity(merge.whens.len());
        for (at, when) in merge.whens.iter().enumerate() {
            let number = number.clone();
            let mut tests = vec![if when.matched { number.is_not_null() } else { number.is_null() }];
            if let Some(condition) = &when.condition {
                tests.push(self.expr(condition)?);
            }
            let test = Scalar::and(tests).unwrap_or_else(|| Scalar::bool(true));
            whens.push((test, action_number(at)));
        }
        let action = Scalar::new(Node::Case { whens, otherwise: Some(Box::new(Scalar::int4(0))) }, Phys::Int4);
        let known = (&merge.target, &**def, own);
        let (targets, place, _) =
            self.laid_out(number, vec![action], known, (&[], std::slice::from_ref(source), true))?;
        // In what is kept of a matched row there is one.
        self.nullable.remove(&merge.target.id);
        self.add_presence(&mut items);
        let columns: Vec<Phys> = targets.iter().map(|t| t.phys.clone()).collect();
        let joined = plain_query(Select { targets, from: items, ..Select::default() }, columns.clone());
        let rows = self.make();
        let column = |i: usize| Scalar::column(rows, ir::output_name(i), columns[i].clone());
        let mut targets: Vec<Scalar> = (0..columns.len()).map(column).collect();
        super::check::guard_first(&mut targets, once(&column(0), &column(1), merge), None);
        let filter = Scalar::template("({0} > 0)", vec![column(1)], Phys::Bool);
        let kept = self.keep_rows(steps, targets, derived(joined, rows), Some(filter));
        Ok(Rows { kept, place })
    }

    /// The source's rows with those of the target, the number that DuckDB has for these, and where their columns are.
    fn joined_rows(&mut self, merge: &Merge, kind: JoinKind) -> Result<(From, Scalar, Option<Rel>)> {
        let join = FromItem::Join(Box::new(Join {
            kind,
            left: merge.source.clone(),
            right: FromItem::Relation(Box::new(merge.target.clone())),
            on: Some(merge.on.clone()),
            lateral: false,
            merged: Vec::new(),
            merged_alias: None,
            alias: None,
        }));
        let joined = self.from_item(&join)?;
        let number = Scalar::column(Alias::Rel(merge.target.id.0), "rowid", Phys::Int8);
        Ok((joined, number, self.rels.get(&merge.target.id).cloned()))
    }

    /// The same, of the rows that rules let through: the statement's own expressions never meet another.
    fn visible_rows(
        &mut self,
        merge: &Merge,
        (def, rules): (&Arc<registry::Relation>, &TargetRules),
        kind: JoinKind,
    ) -> Result<(From, Scalar, Option<Rel>)> {
        let left = Box::new(self.from_item(&merge.source)?);
        let Visible { from, number, raw } = self.visible_target(&merge.target, def, rules)?;
        let on = Some(self.expr(&merge.on)?);
        let kind = if kind == JoinKind::Left { "LEFT JOIN" } else { "INNER JOIN" };
        Ok((From::Join { kind, left, right: Box::new(from), on }, number, Some(raw)))
    }

    fn merge_update(
        &mut self,
        steps: &mut Steps,
        merge: &Merge,
        def: &Arc<registry::Relation>,
        rows: &Rows,
        (at, sets): (usize, &[(u16, Expr)]),
    ) -> Result<()> {
        let (from, alias, filter) = self.action_rows(rows, at);
        let number = Scalar::column(alias, ir::output_name(0), Phys::Int8);
        let places: Vec<_> = sets.iter().collect();
        let own = self.rels.get(&merge.target.id).cloned();
        let known = (&merge.target, &**def, own.clone());
        let Some((row, rules)) = merge.rules.as_deref().and_then(|r| Some((r.row, r.conflict.as_ref()?))) else {
            let values = self.set_values(&merge.target, &places, def, None)?;
            let values = values.into_iter().map(|(_, value)| value).collect();
            let (targets, _, keys) = self.laid_out(number, values, known, (sets, &[], false))?;
            let kept = self.keep_rows(steps, targets, from, Some(filter));
            let keys = keys.of_interest(kept.table);
            return self.write_update(steps, (&merge.target, def), sets, &kept, keys);
        };
        let values = self.set_scalars(&merge.target, &places, def)?.into_iter().map(|(_, _, value)| value).collect();
        let (mut targets, mut place, keys) = self.laid_out(number, values, known, (sets, &[], true))?;
        let existing = self.rule_guards(&rules.existing, row, (def, &merge.target), &value_in(own.as_ref()))?;
        super::check::guard_first(&mut targets, existing, None);
        let select = Select { targets, from: vec![from], filter: Some(filter), ..Select::default() };
        let written = (&merge.target, def, (rules.updated.as_slice(), rules.updated_row));
        let kept = self.keep_checked(steps, select, &mut place, written, sets)?;
        let keys = keys.of_interest(kept.table);
        self.write_update(steps, (&merge.target, def), sets, &kept, keys)
    }

    fn keep_rows(&mut self, steps: &mut Steps, targets: Vec<Scalar>, from: From, filter: Option<Scalar>) -> Kept {
        let columns = targets.iter().map(|t| t.phys.clone()).collect();
        self.keep(steps, plain_query(Select { targets, from: vec![from], filter, ..Select::default() }, columns))
    }

    /// The rows of one action, entered in the scope.
    fn action_rows(&mut self, rows: &Rows, at: usize) -> (From, Alias, Scalar) {
        let alias = self.make();
        for (rel, Rel { alias: _, columns }) in &rows.place {
            self.rels.insert(*rel, Rel { alias, columns: columns.clone() });
        }
        let number = Scalar::column(alias, ir::output_name(1), Phys::Int4);
        let filter = Scalar::template("({0} = {1})", vec![number, action_number(at)], Phys::Bool);
        (rows.kept.relation(alias), alias, filter)
    }

    fn merge_delete(
        &mut self,
        steps: &mut Steps,
        merge: &Merge,
        def: &Arc<registry::Relation>,
        rows: &Rows,
        at: usize,
    ) -> Result<()> {
        let (from, alias, filter) = self.action_rows(rows, at);
        let own = self.rels.get(&merge.target.id).cloned();
        let number = Scalar::column(alias, ir::output_name(0), Phys::Int8);
        let known = (&merge.target, &**def, own.clone());
        let (mut targets, _, keys) = self.laid_out(number, Vec::new(), known, (&[], &[], false))?;
        if let Some(rules) = &merge.rules {
            let guards = self.rule_guards(&rules.deleted, rules.row, (def, &merge.target), &value_in(own.as_ref()))?;
            super::check::guard_first(&mut targets, guards, None);
        }
        let kept = self.keep_rows(steps, targets, from, Some(filter));
        let keys = keys.of_interest(kept.table);
        self.write_delete(steps, def, &kept, keys);
        Ok(())
    }

    fn merge_insert(
        &mut self,
        steps: &mut Steps,
        insert: &Insert,
        def: &Arc<registry::Relation>,
        rows: &Rows,
        at: usize,
    ) -> Result<()> {
        let InsertSource::Values(values) = &insert.source else {
            return Err(Error::internal("lower: MERGE inserts one row of expressions"));
        };
        let (columns, types) = self.written_columns(insert)?;
        let stored = types.iter().map(|ty| self.phys(*ty)).collect::<Result<Vec<Phys>>>()?;
        let (from, _, filter) = self.action_rows(rows, at);
        let targets = match values.as_slice() {
            [row] if !row.is_empty() => self.stored(row, &stored)?,
            _ => stored.iter().map(|phys| Scalar::null(phys.clone())).collect(),
        };
        let select = Select { targets, from: vec![from], filter: Some(filter), ..Select::default() };
        let source = self.guarded_source(insert, def, plain_query(select, stored))?;
        let kept = self.keep(steps, source);
        let source = self.part_of(&kept, 0, kept.columns.len());
        let (table, alias) = (table_name(def), Alias::Rel(insert.target.id.0));
        let statement = ir::Statement::Insert { table, alias, columns, source, conflict: None, returning: Vec::new() };
        self.write(steps, statement, def, None);
        Ok(())
    }
}

fn action_number(at: usize) -> Scalar {
    Scalar::int4(i32::try_from(at + 1).unwrap_or(i32::MAX))
}

/// The guard against a row that would be changed twice.
fn once(number: &Scalar, action: &Scalar, merge: &Merge) -> Vec<super::check::Guard> {
    let changing = merge.whens.iter().enumerate().filter_map(|(at, when)| match &when.action {
        MergeAction::Update { .. } | MergeAction::Delete => {
            Some(Scalar::template("({0} = {1})", vec![action.clone(), action_number(at)], Phys::Bool))
        }
        MergeAction::Nothing | MergeAction::Insert(_) => None,
    });
    let changing: Vec<Scalar> = changing.collect();
    if changing.is_empty() {
        return Vec::new();
    }
    let changes = Scalar::new(Node::Or(changing), Phys::Bool);
    let over = ir::Over { partition_by: vec![number.clone(), changes.clone()], order_by: vec![], frame: None };
    let clauses = crate::sql::lower::query::aggregate::Clauses {
        distinct: false,
        order_by: vec![],
        filter: None,
        over: Some(over),
    };
    let nth = clauses.call("row_number", vec![], Phys::Int8);
    let test = Scalar::template("({0} AND {1} > 1)", vec![changes, nth], Phys::Bool);
    let error = Error::new(SqlState::CARDINALITY_VIOLATION, "MERGE command cannot affect row a second time")
        .hint("Ensure that not more than one source row matches any one target row.");
    vec![(test, error)]
}
