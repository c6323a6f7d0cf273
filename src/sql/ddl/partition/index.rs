//! Indexes and keys that come into a tree one by one, as a dump brings them: ON ONLY of the partitioned table, each partition's own, and ATTACH.
//!
//! A key of a partitioned table holds in all of its partitions from the beginning (there is one index, the root's); PostgreSQL's does when
//! the last partition's is attached. So a partition's own key says nothing that does not hold already, until it is attached or dropped.

use std::sync::Arc;

use super::number;
use crate::error::{Error, Result, SqlState};
use crate::registry::{ConstraintKind, Index, IndexKey, Name, Relation};
use crate::sql::ddl::planner::Planner;
use crate::tree::NewConstraintKind;

/// An index of the parent with the numbers that the columns have in a partition.
pub(super) fn renumbered(parent: &Relation, table: &Relation, index: &Index) -> Result<Index> {
    let mut index = index.clone();
    for key in index.keys.iter_mut().filter(|key| key.column != 0) {
        key.column = number(parent, table, key.column)?;
    }
    for num in &mut index.included {
        *num = number(parent, table, *num)?;
    }
    Ok(index)
}

/// CompareIndexInfo
pub(super) fn is_alike(own: &Index, other: &Index) -> bool {
    let column = |k: &IndexKey| (k.column, k.expression.clone(), k.descending, k.opclass.clone());
    let columns = |keys: &[IndexKey]| keys.iter().map(column).collect::<Vec<_>>();
    own.unique == other.unique
        && own.method == other.method
        && own.predicate == other.predicate
        && own.nulls_not_distinct == other.nulls_not_distinct
        && columns(&own.keys) == columns(&other.keys)
        && own.included == other.included
}

fn has_attached(table: &Relation, index: &Index) -> bool {
    table.indexes.iter().any(|i| i.parent == Some(index.oid))
}

/// Has the parent such a key, and the partition nothing for it yet?
pub(in crate::sql::ddl) fn waits_above(parent: &Relation, table: &Relation, kind: &NewConstraintKind) -> bool {
    let numbers = |names: &[Name]| names.iter().map(|n| parent.column(n).map(|c| c.num)).collect::<Option<Vec<_>>>();
    parent.constraints.iter().any(|above| {
        let same = match (&above.kind, kind) {
            (ConstraintKind::PrimaryKey { columns }, NewConstraintKind::PrimaryKey { columns: names }) => {
                numbers(names).as_ref() == Some(columns)
            }
            (
                ConstraintKind::Unique { columns, nulls_not_distinct },
                NewConstraintKind::Unique { columns: names, nulls_not_distinct: ours },
            ) => numbers(names).as_ref() == Some(columns) && nulls_not_distinct == ours,
            _ => false,
        };
        let index = parent.indexes.iter().find(|i| i.of_constraint && i.name == above.name);
        same && index.is_some_and(|index| !has_attached(table, index))
    })
}

impl Planner<'_> {
    /// Has the table above such an index, and the partition nothing for it yet?
    pub(in crate::sql::ddl) fn index_waits_above(&self, table: &Relation, index: &Index) -> Result<bool> {
        let Some(parent) = table.partition_parent().and_then(|oid| self.after.relation_by_oid(oid)) else {
            return Ok(false);
        };
        for above in &parent.indexes {
            if is_alike(index, &renumbered(parent, table, above)?) && !has_attached(table, above) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A partition's own key that is not attached yet holds by the one above, which has to stay.
    pub(in crate::sql::ddl) fn no_key_rests_on(&self, table: &Relation, index: &str) -> Result<()> {
        let Some(index) = table.indexes.iter().find(|i| *i.name == *index && i.unique) else { return Ok(()) };
        for child in self.after.partitions(table.oid) {
            let as_here = renumbered(table, child, index)?;
            let mut own = child.indexes.iter().filter(|i| i.parent.is_none());
            if let Some(own) = own.find(|own| is_alike(own, &as_here)) {
                return Err(Error::unsupported(format!("dropping a key that \"{}\" is not attached to", own.name))
                    .hint("Attach it (ALTER INDEX … ATTACH PARTITION), or drop it first."));
            }
        }
        Ok(())
    }

    /// ALTER INDEX … ATTACH PARTITION (ATExecAttachPartitionIdx).
    pub(in crate::sql::ddl) fn attach_index(
        &mut self,
        (parent, above): (&Arc<Relation>, &Name),
        index: &(Name, Name),
    ) -> Result<()> {
        let Some((table, _)) = self.after.index(&index.0, &index.1) else {
            if self.after.relation(&index.0, &index.1).is_some() {
                let message = format!("\"{}\" is not an index", index.1);
                return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
            }
            return Err(Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{}\" does not exist", index.1)));
        };
        let table = Arc::clone(table);
        self.may_change(&table.managed, "table", &table.name)?;
        let find = |of: &Relation, name: &Name| of.indexes.iter().find(|i| i.name == *name).cloned();
        let (Some(upper), Some(own)) = (find(parent, above), find(&table, &index.1)) else {
            return Err(Error::internal("an index without a table"));
        };
        if own.parent == Some(upper.oid) {
            return Ok(());
        }
        let fails = |detail: String, code| {
            let message = format!("cannot attach index \"{}\" as a partition of index \"{above}\"", own.name);
            Err(Error::new(code, message).detail(detail))
        };
        if own.parent.is_some() {
            let detail = format!("Index \"{}\" is already attached to another index.", own.name);
            return fails(detail, SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE);
        }
        if table.partition_parent() != Some(parent.oid) {
            let detail =
                format!("Index \"{}\" is not an index on any partition of table \"{}\".", own.name, parent.name);
            return fails(detail, SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE);
        }
        if !is_alike(&own, &renumbered(parent, &table, &upper)?) {
            return fails("The index definitions do not match.".into(), SqlState::INVALID_OBJECT_DEFINITION);
        }
        let constraint = |of: &Relation, index: &Index| {
            of.constraints.iter().find(|c| index.of_constraint && c.name == index.name).map(|c| c.oid)
        };
        let of_parent = constraint(parent, &upper);
        if of_parent.is_some() && !own.of_constraint {
            let detail = format!(
                "The index \"{above}\" belongs to a constraint in table \"{}\" but no constraint exists for index \"{}\".",
                parent.name, own.name
            );
            return fails(detail, SqlState::INVALID_OBJECT_DEFINITION);
        }
        if has_attached(&table, &upper) {
            let detail = format!("Another index is already attached for partition \"{}\".", table.name);
            return fails(detail, SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE);
        }
        let mut new = (*table).clone();
        new.indexes.iter_mut().filter(|i| i.oid == own.oid).for_each(|i| i.parent = Some(upper.oid));
        if let Some(own) = constraint(&table, &own) {
            new.constraints.iter_mut().filter(|c| c.oid == own).for_each(|c| c.parent = of_parent);
        }
        self.put_relation(new);
        Ok(())
    }
}
