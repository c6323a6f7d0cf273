//! CREATE INDEX. A unique index over columns is DuckDB's own, over expressions or some rows the session's ([`super::unique`]); any other is kept in the schema and nowhere else: DuckDB's zone maps and
//! hash joins do its work, and its ART indexes would only slow loads and forbid ALTER TABLE.

use std::collections::HashMap;
use std::sync::Arc;

use super::alter::word;
use super::physical::{self, column_list, table_name};
use super::pipeline;
use super::planner::Planner;
use super::rebuild::Rebuild;
use super::unique::UniqueKey;
use super::{DdlPlan, Step};
use crate::error::{Error, Result, SqlState};
use crate::registry::{CheckedKey, Constraint, Index, Name, Relation, Snapshot, build};
use crate::sql::Context;
use crate::types::Oid;

impl Planner<'_> {
    pub fn create_index(
        &mut self,
        (namespace, table): (&Name, &Name),
        name: Option<&Name>,
        index: &Index,
        (if_not_exists, only): (bool, bool),
    ) -> Result<()> {
        self.tag("CREATE INDEX");
        let relation = self.relation(namespace, table)?;
        if !relation.kind.is_stored() {
            let message = format!("cannot create index on relation \"{table}\"");
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                .detail(format!("This operation is not supported for {}s.", word(&relation))));
        }
        self.may_change(&relation.managed, word(&relation), table)?;
        let mut relation = (*relation).clone();
        if let Some(name) = name
            && !self.name_is_free(namespace, name, relation.temporary, if_not_exists)?
        {
            return Ok(());
        }
        let mut index = index.clone();
        index.oid = self.after.counters.allocate_oid();
        index.name = match name {
            Some(name) => name.clone(),
            None => build::index_name(&self.after, &relation, &index),
        };
        if relation.is_partition() && index.unique {
            if !self.index_waits_above(&relation, &index)? {
                return Err(Error::unsupported("a unique index on a partition alone")
                    .hint("Create it on the partitioned table."));
            }
            // The index above holds it already.
            relation.indexes.push(index);
        } else {
            self.add_index(&mut relation, index)?;
        }
        super::partition::keys_have_the_partition_key(&relation, &self.after)?;
        if !only {
            self.computable(&relation)?;
        }
        let mut tree = vec![relation];
        // What a partition had already is taken as it is: nothing comes below it.
        let mut made: Vec<Oid> = tree[0].indexes.last().map(|index| index.oid).into_iter().collect();
        for child in self.after.partition_descendants(tree[0].oid).into_iter().filter(|_| !only) {
            tree.push((**child).clone());
        }
        for at in 0..tree.len() {
            let (above, rest) = tree.split_at_mut(at);
            let Some(child) = rest.first_mut() else { continue };
            let Some(parent) = above.iter().find(|r| Some(r.oid) == child.partition_parent()) else { continue };
            for index in &parent.indexes {
                if !made.contains(&index.oid) {
                    continue;
                }
                let before = child.indexes.len();
                self.inherit_index(child, parent, index)?;
                made.extend(child.indexes.get(before).map(|index| index.oid));
            }
            super::partition::keys_have_the_partition_key(child, &self.after)?;
        }
        tree.into_iter().for_each(|relation| self.put_relation(relation));
        Ok(())
    }

    /// What the last index of a relation computes must not fail for any row that is there. (A unique one is held against them
    /// as it is.)
    fn computable(&mut self, relation: &Relation) -> Result<()> {
        let Some(index) = relation.indexes.last().filter(|index| !index.unique) else { return Ok(()) };
        let expressions: Vec<&str> = index.keys.iter().filter_map(|key| key.expression.as_deref()).collect();
        if expressions.is_empty() && index.predicate.is_none() {
            return Ok(());
        }
        let computed = match expressions.as_slice() {
            [] => "FALSE".to_owned(),
            // Never true, which DuckDB does not know.
            some => format!("num_nonnulls(({})) < 0", some.join("), (")),
        };
        let condition = match &index.predicate {
            Some(predicate) => format!("CASE WHEN ({predicate}) THEN {computed} END"),
            None => computed,
        };
        let plan = pipeline::violations(self.cx, &self.after, &Arc::new(relation.clone()), &condition)?;
        self.plan.steps.push(Step::Verify(plan, Error::internal("a number below zero of values")));
        Ok(())
    }

    /// Puts the index into the relation, and into DuckDB if it is unique.
    pub fn add_index(&mut self, relation: &mut Relation, index: Index) -> Result<()> {
        let columns: Vec<i16> =
            index.keys.iter().filter(|key| key.expression.is_none()).map(|key| key.column).collect();
        if index.unique {
            physical::key_types(relation, &columns, &self.after)?;
        } else if &*index.method == "btree" {
            physical::sortable(relation, &columns, &self.after)?;
        }
        if index.unique && !index.is_native(relation, &self.after) {
            let oid = index.oid;
            relation.indexes.push(index);
            return self.check_unique(relation, oid);
        }
        if index.unique {
            self.rows_are_unique(relation, (index.oid, &index.name), &columns, None)?;
            if self.cx.touched.contains(&relation.oid) {
                let old = Arc::new(relation.clone());
                relation.indexes.push(index);
                return self.rebuild(&Rebuild { old, new: relation.clone(), sources: HashMap::new() });
            }
            let sql = create_native(relation, &index)?;
            self.command(sql);
        }
        relation.indexes.push(index);
        Ok(())
    }

    /// The rows that are there are held against a key that the session checks.
    pub fn check_unique(&mut self, relation: &Relation, oid: Oid) -> Result<()> {
        let key = relation.checked_keys(&self.after).find(|key| key.oid == oid);
        check_key(
            &mut self.plan,
            (self.cx, &self.after),
            relation,
            &key.ok_or_else(|| Error::internal("a key that nobody checks"))?,
        )
    }

    /// The rows that are there are held against a key that DuckDB is to keep: its own error would not say which it is.
    pub fn rows_are_unique(
        &mut self,
        relation: &Relation,
        (oid, name): (Oid, &Name),
        columns: &[i16],
        constraint: Option<&Constraint>,
    ) -> Result<()> {
        let keys = columns.iter().map(|column| (*column, None)).collect();
        let (predicate, nulls_not_distinct) = (None, false);
        let operators = &[];
        let key = CheckedKey { oid, name, keys, predicate, reads: &[], nulls_not_distinct, operators, constraint };
        check_key(&mut self.plan, (self.cx, &self.after), relation, &key)
    }

    /// That a new table's EXCLUDE constraints can be asked of its rows.
    pub fn excludable(&self, relation: &Relation) -> Result<()> {
        if !relation.excludes() {
            return Ok(());
        }
        let (cx, relation) =
            (Context { snapshot: Arc::new(self.after.clone()), ..self.cx.clone() }, Arc::new(relation.clone()));
        let mut keys = relation.checked_keys(&self.after).filter(|key| !key.operators.is_empty());
        keys.try_for_each(|key| UniqueKey::new(&cx, &relation, &key).map(drop))
    }
}

fn check_key(
    plan: &mut DdlPlan,
    (cx, after): (&Context, &Snapshot),
    relation: &Relation,
    key: &CheckedKey<'_>,
) -> Result<()> {
    let cx = Context { snapshot: Arc::new(after.clone()), ..cx.clone() };
    let key = UniqueKey::new(&cx, &Arc::new(relation.clone()), key)?;
    plan.steps.push(Step::Unique(Arc::new(key)));
    Ok(())
}

/// Its name inside DuckDB: PostgreSQL's name may change, this one need not.
fn native_name(index: &Index) -> String {
    format!("dg_index_{}", index.oid)
}

pub fn create_native(relation: &Relation, index: &Index) -> Result<String> {
    let columns = column_list(relation, &index.keys.iter().map(|key| key.column).collect::<Vec<_>>())?;
    Ok(format!("CREATE UNIQUE INDEX {} ON {} ({columns})", native_name(index), table_name(relation)))
}

pub fn drop_native(relation: &Relation, index: &Index) -> String {
    let schema = if relation.temporary { "temp.main." } else { "" };
    format!("DROP INDEX {schema}{}", native_name(index))
}
