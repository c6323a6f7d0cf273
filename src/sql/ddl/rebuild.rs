//! Rebuilding a table: what DuckDB cannot alter is set aside, made anew and filled again, in one transaction.
//!
//! `CREATE TABLE aside AS SELECT * FROM t; DROP TABLE t; CREATE TABLE t (…); INSERT INTO t SELECT … FROM aside; DROP TABLE
//! aside`.

use std::collections::HashMap;
use std::sync::Arc;

use super::Step;
use super::physical::{self, FILLER, column_ident, table_name};
use super::pipeline;
use super::planner::Planner;
use crate::engine::Change;
use crate::error::Result;
use crate::registry::{Column, Relation, RelationKind, Snapshot};

/// Where a column's values come from in a rebuilt table.
#[derive(Debug, Clone)]
pub enum ColumnSource {
    /// An SQL expression of PostgreSQL's over the old table's columns.
    Expression(String),
    /// The column's default, for every row.
    Default,
}

/// DuckDB's expression for a column's new value, of the expression for its old one.
pub type Made<'a> = Box<dyn Fn(&str) -> String + 'a>;

/// A table that changes: as it was, as it will be, and the columns (by number) that are not simply copied.
pub struct Rebuild {
    pub old: Arc<Relation>,
    pub new: Relation,
    pub sources: HashMap<i16, ColumnSource>,
}

impl Planner<'_> {
    /// Makes the steps; the caller puts the new relation into the snapshot afterwards. The table is locked, whatever it is that has to be
    /// done to it: rows that others write after these were copied would be lost.
    pub fn rebuild(&mut self, change: &Rebuild) -> Result<()> {
        self.remake(&change.old, &change.new, |planner, aside, after| planner.fill(change, aside, after))
    }

    /// A table whose columns stay, while what carries some of them (by number) is something else, which DuckDB's expression over the
    /// column's name makes of it.
    pub fn carry_over(&mut self, table: &Arc<Relation>, made: &HashMap<i16, Made<'_>>) -> Result<()> {
        self.remake(table, table, |planner, aside, _| {
            planner.copy(table, table, aside, made);
            Ok(())
        })
    }

    fn remake(
        &mut self,
        old: &Relation,
        new: &Relation,
        fill: impl FnOnce(&mut Self, &Relation, &Snapshot) -> Result<()>,
    ) -> Result<()> {
        self.plan.moved.push(old.oid);
        let aside = self.aside(old);
        self.set_aside(old, &aside);
        // What the new table refers to must be in the snapshot as it will be.
        let mut after = self.after.clone();
        after.apply_in_place(&crate::registry::Change::PutRelation(Arc::new(new.clone())));
        self.command_on(old.oid, Change::REBUILDS, physical::create_table(new, &after)?);
        fill(self, &aside, &after)?;
        self.command(format!("DROP TABLE {}", table_name(&aside)));
        self.unique_indexes(new)
    }

    fn set_aside(&mut self, table: &Relation, aside: &Relation) {
        let temporary = if table.temporary { "TEMP " } else { "" };
        let (table, aside) = (table_name(table), table_name(aside));
        self.command(format!("CREATE {temporary}TABLE {aside} AS SELECT * FROM {table}"));
        self.command(format!("DROP TABLE {table}"));
    }

    /// The table in which a table's rows wait: the same columns under a number of its own.
    pub(super) fn aside(&self, table: &Relation) -> Relation {
        let oid = self.after.counters.allocate_oid();
        Relation {
            oid,
            name: format!("dg_aside_{oid}").into(),
            kind: RelationKind::Table,
            constraints: Vec::new(),
            indexes: Vec::new(),
            row_type: 0,
            row_array_type: 0,
            partitioning: Default::default(),
            columns: table
                .columns
                .iter()
                .map(|c| Column { default: None, identity: None, generated: None, ..c.clone() })
                .collect(),
            ..table.clone()
        }
    }

    fn fill(&mut self, change: &Rebuild, aside: &Relation, after: &Snapshot) -> Result<()> {
        let Rebuild { old, new, sources } = change;
        if !sources.is_empty() {
            let plan = pipeline::refill(self.cx, after, change, aside)?;
            self.plan.steps.push(Step::Plan(plan));
            return Ok(());
        }
        self.copy(old, new, aside, &HashMap::new());
        Ok(())
    }

    fn copy(&mut self, old: &Relation, new: &Relation, aside: &Relation, made: &HashMap<i16, Made<'_>>) {
        let kept = || new.columns.iter().filter_map(|c| Some((c, old.column_by_num(c.num)?)));
        let mut into: Vec<String> = kept().map(|(c, _)| column_ident(new, c)).collect();
        let source = |c: &Column| {
            let name = column_ident(aside, c);
            made.get(&c.num).map_or_else(|| name.clone(), |made| made(&name))
        };
        let mut from: Vec<String> = kept().map(|(_, c)| source(c)).collect();
        if into.is_empty() {
            into.push(new.columns.first().map_or(FILLER.to_owned(), |c| column_ident(new, c)));
            from.push("NULL".to_owned());
        }
        let (table, aside) = (table_name(new), table_name(aside));
        self.command(format!("INSERT INTO {table} ({}) SELECT {} FROM {aside}", into.join(", "), from.join(", ")));
    }

    /// DuckDB's unique indexes that are no constraints: made again on a table made anew.
    pub fn unique_indexes(&mut self, relation: &Relation) -> Result<()> {
        for index in relation.indexes.iter().filter(|i| i.unique && !i.of_constraint) {
            if !index.is_native(relation, &self.after) {
                continue;
            }
            let sql = super::index::create_native(relation, index)?;
            self.command(sql);
        }
        Ok(())
    }
}
