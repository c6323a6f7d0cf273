//! Rebuilding a table: what DuckDB cannot alter is set aside, made anew and filled again, in one transaction.
//!
//! `CREATE TABLE aside AS SELECT * FROM t; DROP TABLE t; CREATE TABLE t (…); INSERT INTO t SELECT … FROM aside; DROP TABLE
//! aside`. Tables that refer to it by foreign keys go with it: DuckDB drops no table that another refers to, and its
//! foreign keys do not follow a rename.

use std::collections::HashMap;
use std::sync::Arc;

use super::Step;
use super::physical::{self, ident, table_name};
use super::pipeline;
use super::planner::Planner;
use crate::error::{Error, Result};
use crate::registry::{Relation, Snapshot, physical_name};
use crate::types::Oid;

/// Where a column's values come from in a rebuilt table.
#[derive(Debug, Clone)]
pub enum ColumnSource {
    /// An SQL expression of PostgreSQL's over the old table's columns.
    Expression(String),
    /// The column's default, for every row.
    Default,
}

/// A table that changes: as it was, as it will be, and the columns (by number) that are not simply copied.
pub struct Rebuild {
    pub old: Arc<Relation>,
    pub new: Relation,
    pub sources: HashMap<i16, ColumnSource>,
}

impl Planner<'_> {
    /// Makes the steps; the caller puts the new relation into the snapshot afterwards.
    pub fn rebuild(&mut self, change: &Rebuild) -> Result<()> {
        let Rebuild { old, new, sources: _ } = change;
        if old.constraints.iter().any(|c| physical::foreign_target(c) == Some(old.oid)) {
            return Err(Error::unsupported(format!("this change of table \"{}\", which refers to itself", old.name))
                .hint("Drop the foreign key first, by making the table anew with CREATE TABLE AS."));
        }
        let children = self.children(old.oid, new)?;
        for child in children.iter().map(|(child, _)| child).chain([old]) {
            let (aside, table) = (aside_name(child), table_name(child));
            let temporary = if child.temporary { "TEMP " } else { "" };
            self.command(format!("CREATE {temporary}TABLE {aside} AS SELECT * FROM {table}"));
            self.command(format!("DROP TABLE {table}"));
        }
        // What the new tables refer to must be in the snapshot as it will be.
        let mut after = self.after.clone();
        after.apply_in_place(&crate::registry::Change::PutRelation(Arc::new(new.clone())));
        self.command(physical::create_table(new, &after, None)?);
        self.fill(change, &after)?;
        self.command(format!("DROP TABLE {}", aside_name(old)));
        self.unique_indexes(new)?;
        for (old_child, child) in children.iter().rev() {
            self.command(physical::create_table(child, &after, None)?);
            let columns = column_names(child);
            let (table, aside) = (table_name(child), aside_name(old_child));
            self.command(format!("INSERT INTO {table} ({columns}) SELECT {columns} FROM {aside}"));
            self.command(format!("DROP TABLE {aside}"));
            self.unique_indexes(child)?;
        }
        Ok(())
    }

    /// The tables that refer to this one, directly or not, those furthest away first.
    fn children(&self, oid: Oid, new: &Relation) -> Result<Vec<(Arc<Relation>, Relation)>> {
        let mut order: Vec<Arc<Relation>> = Vec::new();
        let mut todo = vec![oid];
        while let Some(parent) = todo.pop() {
            for (child, _) in self.referencing(parent) {
                if child.oid == oid || child.constraints.iter().any(|c| physical::foreign_target(c) == Some(child.oid))
                {
                    return Err(Error::unsupported(format!("this change of table \"{}\"", new.name))
                        .detail("Foreign keys go round in a circle.")
                        .hint("Drop one of the foreign keys first."));
                }
                order.retain(|c| c.oid != child.oid);
                order.push(child.clone());
                todo.push(child.oid);
            }
        }
        order.reverse();
        Ok(order.into_iter().map(|c| (c.clone(), (*c).clone())).collect())
    }

    fn fill(&mut self, change: &Rebuild, after: &Snapshot) -> Result<()> {
        let Rebuild { old, new, sources } = change;
        if !sources.is_empty() {
            let plan = pipeline::refill(self.cx, after, change, &aside_relation_name(old))?;
            self.plan.steps.push(Step::Plan(plan));
            return Ok(());
        }
        let kept: Vec<_> = new.columns.iter().filter(|c| old.column_by_num(c.num).is_some()).collect();
        let into: Vec<String> = kept.iter().map(|c| ident(&c.name)).collect();
        let from: Vec<String> = kept.iter().filter_map(|c| old.column_by_num(c.num)).map(|c| ident(&c.name)).collect();
        let (table, aside) = (table_name(new), aside_name(old));
        self.command(format!("INSERT INTO {table} ({}) SELECT {} FROM {aside}", into.join(", "), from.join(", ")));
        Ok(())
    }

    /// DuckDB's unique indexes that are no constraints: made again on a table made anew.
    pub fn unique_indexes(&mut self, relation: &Relation) -> Result<()> {
        for index in relation.indexes.iter().filter(|i| i.unique && !i.of_constraint) {
            let sql = super::index::create_native(relation, index)?;
            self.command(sql);
        }
        Ok(())
    }
}

fn column_names(relation: &Relation) -> String {
    relation.columns.iter().map(|c| ident(&c.name)).collect::<Vec<_>>().join(", ")
}

/// The name under which a table's rows wait.
pub fn aside_relation_name(relation: &Relation) -> String {
    let name = format!("dg_aside_{}", relation.oid);
    debug_assert_eq!(physical_name(&name), name);
    name
}

fn aside_name(relation: &Relation) -> String {
    table_name(&Relation { name: aside_relation_name(relation).into(), ..relation.clone() })
}
