//! TRUNCATE.

use std::sync::Arc;

use super::alter::wrong_type;
use super::physical::table_name;
use super::planner::Planner;
use crate::engine::Change;
use crate::error::{Error, Result, SqlState};
use crate::registry::{Relation, RelationKind};
use crate::types::Oid;

impl Planner<'_> {
    pub fn truncate(&mut self, tables: &[Arc<Relation>], restart_identity: bool, cascade: bool) -> Result<()> {
        self.tag("TRUNCATE TABLE");
        let mut all: Vec<Arc<Relation>> = Vec::new();
        for table in tables {
            if !matches!(table.kind, RelationKind::Table) {
                return Err(wrong_type(&table.name, "a table"));
            }
            if !all.iter().any(|t| t.oid == table.oid) {
                all.push(table.clone());
            }
        }
        // A partitioned table has the rows of its partitions.
        for table in all.clone() {
            for partition in self.after.partition_descendants(table.oid) {
                if !all.iter().any(|t| t.oid == partition.oid) {
                    all.push(partition.clone());
                }
            }
        }
        let mut at = 0;
        while let Some(table) = all.get(at).cloned() {
            at += 1;
            let root = Arc::clone(self.after.partition_root(&table));
            for (child, _) in self.referencing(root.oid) {
                if all.iter().any(|t| t.oid == child.oid) || child.is_partition() {
                    continue;
                }
                if !cascade {
                    let message = "cannot truncate a table referenced in a foreign key constraint";
                    return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
                        .detail(format!("Table \"{}\" references \"{}\".", child.name, table.name))
                        .hint(format!(
                            "Truncate table \"{}\" at the same time, or use TRUNCATE ... CASCADE.",
                            child.name
                        )));
                }
                let has = self.cx.snapshot.relation_privileges(self.cx.role, &child);
                if !has.contains(crate::registry::Privileges::TRUNCATE) {
                    let message = format!("permission denied for table {}", child.name);
                    return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
                }
                self.notice(format!("truncate cascades to table \"{}\"", child.name));
                all.push(child);
            }
        }
        self.empty(all, restart_identity)
    }

    /// ON COMMIT DELETE ROWS. A table that keeps its rows must not refer to one that does not.
    pub fn empty_at_commit(&mut self, tables: &[Arc<Relation>]) -> Result<()> {
        for table in tables {
            for (child, _) in self.referencing(table.oid) {
                if !tables.iter().any(|t| t.oid == child.oid) {
                    let message = "unsupported ON COMMIT and foreign key combination";
                    return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).detail(format!(
                        "Table \"{}\" references \"{}\", but they do not have the same ON COMMIT setting.",
                        child.name, table.name
                    )));
                }
            }
        }
        self.empty(tables.to_vec(), false)
    }

    /// All rows of a table go.
    pub(super) fn empty_table(&mut self, table: &Relation) {
        let removes = Change { removes: true, ..Change::default() };
        self.command_on(table.oid, removes, format!("DELETE FROM {}", table_name(table)));
    }

    fn empty(&mut self, tables: Vec<Arc<Relation>>, restart_identity: bool) -> Result<()> {
        let whole: Vec<Oid> = tables.iter().map(|t| t.oid).collect();
        for table in tables {
            if !table.is_partition() {
                self.plan.emptied.push(table.oid);
                self.empty_table(&table);
            } else if table.partition_parent().is_none_or(|parent| !whole.contains(&parent)) {
                self.empty_partition(&table)?;
            }
            self.forget_loads(&table);
            if restart_identity {
                for sequence in self.owned_sequences(table.oid) {
                    if let RelationKind::Sequence(definition) = &sequence.kind {
                        if !self.cx.snapshot.has_rights_of(self.cx.role, sequence.owner) {
                            let message = format!("must be owner of sequence {}", sequence.name);
                            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
                        }
                        let restart = Some(definition.start);
                        self.put_sequence((*sequence).clone(), restart);
                    }
                }
            }
        }
        Ok(())
    }
}
