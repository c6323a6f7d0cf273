//! ATTACH and DETACH PARTITION: the rows of a table move into its root's table, and out of it again.

use std::sync::Arc;

use super::{keys_have_the_partition_key, own_key};
use crate::engine::Change;
use crate::error::{Error, Result, SqlState};
use crate::registry::{ConstraintKind, Name, PartitionBound, PartitionOf, Partitioning, Relation, RelationKind};
use crate::sql::ddl::alter::constraint_columns;
use crate::sql::ddl::physical::{self, column_ident, table_name};
use crate::sql::ddl::planner::Planner;
use crate::sql::ddl::{Step, keys, pipeline};
use crate::types::Oid;

impl Planner<'_> {
    /// ALTER TABLE parent ATTACH PARTITION.
    pub(in crate::sql::ddl) fn attach_partition(
        &mut self,
        parent: &Arc<Relation>,
        (namespace, name): (&Name, &Name),
        bound: &PartitionBound,
    ) -> Result<()> {
        let table = self.relation(namespace, name)?;
        if !matches!(table.kind, RelationKind::Table) {
            let message = format!("\"{name}\" is not a table");
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        self.may_change(&table.managed, "table", name)?;
        if table.is_partition() {
            let message = format!("\"{name}\" is already a partition");
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        let below = self.after.partition_descendants(table.oid);
        if parent.oid == table.oid || below.iter().any(|r| r.oid == parent.oid) {
            let message = "circular inheritance not allowed";
            return Err(Error::new(SqlState::DUPLICATE_TABLE, message)
                .detail(format!("\"{}\" is already a child of \"{}\".", parent.name, table.name)));
        }
        if parent.temporary != table.temporary {
            let message = match parent.temporary {
                true => {
                    format!("cannot attach a permanent relation as partition of temporary relation \"{}\"", parent.name)
                }
                false => {
                    format!("cannot attach a temporary relation as partition of permanent relation \"{}\"", parent.name)
                }
            };
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        columns_fit(parent, &table)?;
        checks_fit(parent, &table)?;
        self.bound_is_free(name, parent, bound)?;
        let mut new = (*table).clone();
        self.inherit(&mut new, parent)?;
        self.nothing_of_its_own(&new, parent)?;
        new.partitioning.of = Some(Arc::new(PartitionOf { parent: parent.oid, bound: bound.clone() }));
        keys_have_the_partition_key(&new, &self.after)?;
        self.default_gives_way(parent, bound, table.oid)?;
        self.rows_fit(parent, &table, bound)?;
        let root = Arc::clone(self.after.partition_root(parent));
        let (mut into, mut from) = (Vec::new(), Vec::new());
        for column in &table.columns {
            let Some(above) = root.column(&column.name) else { continue };
            into.push(column_ident(&root, above));
            from.push(column_ident(&table, column));
        }
        let moves = format!(
            "INSERT INTO {} ({}) SELECT {} FROM {}",
            table_name(&root),
            into.join(", "),
            from.join(", "),
            table_name(&table)
        );
        self.command_on(root.oid, Change::default(), moves);
        self.command(format!("DROP TABLE {}", table_name(&table)));
        self.plan.moved.extend([root.oid, table.oid]);
        self.put_relation(new);
        self.inherit_below(table.oid)?;
        self.note_tree(parent);
        // Its rows have the parents that the root's foreign keys ask for, if these hold.
        for key in root.foreign_keys() {
            if let Some(key) = keys::Key::find(&self.after, root.oid, key.constraint.oid)? {
                self.plan.steps.push(Step::Key(Arc::new(key)));
            }
        }
        Ok(())
    }

    /// The partitions of a table that came into a tree have what it got there.
    fn inherit_below(&mut self, table: Oid) -> Result<()> {
        let Some(parent) = self.after.relation_by_oid(table).cloned() else { return Ok(()) };
        let below: Vec<Arc<Relation>> = self.after.partitions(table).into_iter().cloned().collect();
        for child in below {
            let mut new = (*child).clone();
            for constraint in &parent.constraints {
                if !new.constraints.iter().any(|c| c.parent == Some(constraint.oid)) {
                    self.inherit_constraint(&mut new, &parent, constraint)?;
                }
            }
            for index in parent.indexes.iter().filter(|i| !i.of_constraint) {
                if !new.indexes.iter().any(|i| i.parent == Some(index.oid)) {
                    self.inherit_index(&mut new, &parent, index)?;
                }
            }
            for column in &mut new.columns {
                column.not_null |= parent.column(&column.name).is_some_and(|c| c.not_null);
            }
            self.put_relation(new);
            self.inherit_below(child.oid)?;
        }
        Ok(())
    }

    /// The rows of a table that is attached are inside of the bound, and of those above it.
    fn rows_fit(&mut self, parent: &Arc<Relation>, table: &Relation, bound: &PartitionBound) -> Result<()> {
        let Some(key) = &parent.partitioning.key else { return Ok(()) };
        let own = match bound {
            PartitionBound::Default => {
                let siblings = self.after.partitions(parent.oid);
                let taken: Vec<String> = siblings.iter().filter_map(|p| self.after.bound_condition(p)).collect();
                if taken.is_empty() { None } else { Some(format!("NOT ({})", taken.join(" OR "))) }
            }
            bound => Some(self.after.condition(parent, key, bound)),
        };
        let above = self.after.condition_below(parent, None);
        for condition in own.into_iter().chain(above) {
            let message = format!("partition constraint of relation \"{}\" is violated by some row", table.name);
            let error = Error::new(SqlState::CHECK_VIOLATION, message).table(&*table.namespace, &*table.name);
            let plan = pipeline::violations(self.cx, &self.after, table, &format!("({condition}) IS NOT TRUE"))?;
            self.plan.steps.push(Step::Verify(plan, error));
        }
        Ok(())
    }

    /// What the index of one partition alone would have to hold is refused.
    fn nothing_of_its_own(&self, table: &Relation, parent: &Relation) -> Result<()> {
        for constraint in table.constraints.iter().filter(|c| c.parent.is_none()) {
            if !matches!(constraint.kind, ConstraintKind::Check { .. }) {
                return Err(own_key(&format!("constraint \"{}\"", constraint.name), parent));
            }
        }
        if let Some(index) = table.indexes.iter().find(|i| i.unique && i.parent.is_none()) {
            return Err(own_key(&format!("unique index \"{}\"", index.name), parent));
        }
        if let Some((child, name)) = self.referencing(table.oid).first() {
            return Err(Error::unsupported(format!(
                "attaching a table that constraint \"{name}\" of table \"{}\" refers to",
                child.name
            ))
            .hint("Drop the foreign key first, or let it refer to the partitioned table."));
        }
        Ok(())
    }

    /// ALTER TABLE parent DETACH PARTITION.
    pub(in crate::sql::ddl) fn detach_partition(
        &mut self,
        parent: &Arc<Relation>,
        (namespace, name): (&Name, &Name),
        concurrently: bool,
    ) -> Result<()> {
        let table = self.relation(namespace, name)?;
        let siblings = self.after.partitions(parent.oid);
        let is_default =
            |p: &&Arc<Relation>| p.partitioning.of.as_ref().is_some_and(|of| of.bound == PartitionBound::Default);
        if concurrently && siblings.iter().any(is_default) {
            let message = "cannot detach partitions concurrently when a default partition exists";
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
        }
        if table.partition_parent() != Some(parent.oid) {
            let message = format!("relation \"{name}\" is not a partition of relation \"{}\"", parent.name);
            return Err(Error::new(SqlState::UNDEFINED_TABLE, message));
        }
        let root = Arc::clone(self.after.partition_root(&table));
        // Its rows wait in a table of their own, since the partition's goes by the root's name until it is none.
        self.plan.moved.push(root.oid);
        let aside = self.aside(&Relation { partitioning: Partitioning::default(), ..(*table).clone() });
        self.command(physical::create_table(&aside, &self.after)?);
        let copy = pipeline::copy_rows(self.cx, &self.after, &table, &aside)?;
        self.plan.steps.push(Step::Plan(copy));
        self.empty_partition(&table)?;
        let mut new = (*table).clone();
        new.partitioning.of = None;
        new.constraints.iter_mut().for_each(|c| c.parent = None);
        new.indexes.iter_mut().for_each(|i| i.parent = None);
        self.command(physical::create_table(&new, &self.after)?);
        let columns: Vec<String> = new.columns.iter().map(|c| column_ident(&new, c)).collect();
        let columns = columns.join(", ");
        let (target, source) = (table_name(&new), table_name(&aside));
        self.command(format!("INSERT INTO {target} ({columns}) SELECT {columns} FROM {source}"));
        self.command(format!("DROP TABLE {source}"));
        self.unique_indexes(&new)?;
        self.put_relation(new);
        self.note_tree(parent);
        self.nobody_refers_to_what_went(&root)
    }
}

/// MergeAttributesIntoExisting: the columns of a table that is attached are the parent's.
fn columns_fit(parent: &Relation, table: &Relation) -> Result<()> {
    for column in &table.columns {
        if parent.column(&column.name).is_none() {
            let message = format!(
                "table \"{}\" contains column \"{}\" not found in parent \"{}\"",
                table.name, column.name, parent.name
            );
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message)
                .detail("The new partition may contain only the columns present in parent."));
        }
    }
    for above in &parent.columns {
        let mismatch = |message: String| Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        let Some(own) = table.column(&above.name) else {
            return mismatch(format!("child table is missing column \"{}\"", above.name));
        };
        if own.ty != above.ty {
            return mismatch(format!(
                "child table \"{}\" has different type for column \"{}\"",
                table.name, above.name
            ));
        }
        physical::alike(own, above)?;
        let in_key = parent.primary_key().is_some_and(|pk| constraint_columns(pk).contains(&above.num));
        if above.not_null && !own.not_null && !in_key {
            return mismatch(format!("column \"{}\" in child table must be marked NOT NULL", above.name));
        }
        match (&above.generated, &own.generated) {
            (Some(_), None) => {
                return mismatch(format!("column \"{}\" in child table must be a generated column", above.name));
            }
            (None, Some(_)) => {
                return mismatch(format!("column \"{}\" in child table must not be a generated column", above.name));
            }
            (Some(a), Some(b)) if a != b => {
                return mismatch(format!(
                    "column \"{}\" in child table has a conflicting generation expression",
                    above.name
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

/// MergeConstraintsIntoExisting: it has the parent's CHECKs.
fn checks_fit(parent: &Relation, table: &Relation) -> Result<()> {
    for above in &parent.constraints {
        let ConstraintKind::Check { expression, .. } = &above.kind else { continue };
        let mismatch = |message: String| Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        match table.constraints.iter().find(|c| c.name == above.name).map(|c| (&c.kind, c.validated)) {
            Some((ConstraintKind::Check { expression: own, .. }, _)) if own != expression => {
                return mismatch(format!(
                    "child table \"{}\" has different definition for check constraint \"{}\"",
                    table.name, above.name
                ));
            }
            Some((ConstraintKind::Check { .. }, false)) => {
                let message = format!(
                    "constraint \"{}\" conflicts with NOT VALID constraint on child table \"{}\"",
                    above.name, table.name
                );
                return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
            }
            Some((ConstraintKind::Check { .. }, true)) => {}
            _ => return mismatch(format!("child table is missing constraint \"{}\"", above.name)),
        }
    }
    Ok(())
}
