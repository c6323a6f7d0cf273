//! How a table or an index is stored, as the catalog shows it.

use super::super::planner::Planner;
use crate::error::{Error, Result, SqlState};
use crate::registry::storage_options::{self, Holder};
use crate::registry::{Index, Relation, Statistics};
use crate::tree::{StatisticsChange, Tuning};

/// Storage parameters and the clustering index.
pub(super) fn tune(table: &mut Relation, tuning: &[Tuning]) -> Result<()> {
    let holder = if table.is_partitioned() { Holder::PartitionedTable } else { Holder::Table };
    for action in tuning {
        match action {
            Tuning::Set(options) => storage_options::set(&mut table.details.options, holder, options)?,
            Tuning::Reset(names) => storage_options::reset(&mut table.details.options, names),
            Tuning::Cluster(index) => {
                table.details.clustered = index.as_ref().map(|name| clustered_by(table, name)).transpose()?;
            }
            // The planner's affair: it gives out OIDs and knows of other tables' names.
            Tuning::Statistics(..) | Tuning::Unseen => {}
        }
    }
    Ok(())
}

fn clustered_by(table: &Relation, name: &str) -> Result<crate::types::Oid> {
    let Some(index) = table.indexes.iter().find(|index| &*index.name == name) else {
        let message = format!("index \"{name}\" for table \"{}\" does not exist", table.name);
        return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
    };
    if table.is_partitioned() {
        let message = "cannot mark index clustered in partitioned table";
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
    }
    let cannot = |why: &str| {
        let message = format!("cannot cluster on {why} \"{name}\"");
        Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
    };
    match index {
        Index { predicate: Some(_), .. } => cannot("partial index"),
        Index { method, .. } if !matches!(&**method, "btree" | "gist") => Err(Error::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            format!("cannot cluster on index \"{name}\" because access method does not support clustering"),
        )),
        Index { oid, .. } => Ok(*oid),
    }
}

pub(super) fn tune_index(table: &mut Relation, name: &str, tuning: &[Tuning]) -> Result<()> {
    let Some(index) = table.indexes.iter_mut().find(|index| &*index.name == name) else { return Ok(()) };
    let Index { method, options, .. } = index;
    for action in tuning {
        match action {
            Tuning::Set(given) => storage_options::set(options, Holder::Index(method), given)?,
            Tuning::Reset(names) => storage_options::reset(options, names),
            Tuning::Cluster(_) | Tuning::Statistics(..) | Tuning::Unseen => {}
        }
    }
    Ok(())
}

/// The command's tag, if it is one on statistics.
pub(super) fn statistics_tag(tuning: &[Tuning]) -> Option<&'static str> {
    // Several are dropped together.
    let [Tuning::Statistics(_, change), ..] = tuning else { return None };
    Some(match change {
        StatisticsChange::Create { .. } => "CREATE STATISTICS",
        StatisticsChange::Drop => "DROP STATISTICS",
        StatisticsChange::Comment(_) => "COMMENT",
        StatisticsChange::Rename { .. } | StatisticsChange::SetOwner { .. } | StatisticsChange::SetTarget(_) => {
            "ALTER STATISTICS"
        }
    })
}

impl Planner<'_> {
    pub(super) fn tune_statistics(&mut self, table: &mut Relation, tuning: &[Tuning]) -> Result<()> {
        for action in tuning {
            if let Tuning::Statistics(name, change) = action {
                self.change_statistics(table, name, change)?;
            }
        }
        Ok(())
    }

    fn change_statistics(&mut self, table: &mut Relation, name: &str, change: &StatisticsChange) -> Result<()> {
        let taken = |name: &str| self.after.statistics(&table.namespace, name).is_some();
        match change {
            StatisticsChange::Create { kinds, columns } => {
                if taken(name) {
                    let message = format!("statistics object \"{name}\" already exists");
                    return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
                }
                let oid = self.after.counters.allocate_oid();
                let (kinds, columns, comment) = (*kinds, columns.clone(), None);
                table.details.statistics.push(Statistics {
                    oid,
                    name: name.into(),
                    kinds,
                    columns,
                    target: -1,
                    comment,
                });
                return Ok(());
            }
            StatisticsChange::Drop => {
                table.details.statistics.retain(|s| *s.name != *name);
                return Ok(());
            }
            StatisticsChange::Rename { to } if taken(to) => {
                let message = format!("statistics object \"{to}\" already exists in schema \"{}\"", table.namespace);
                return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
            }
            StatisticsChange::SetOwner { to } if self.role(to)?.oid != table.owner => {
                return Err(Error::unsupported("a statistics object of another owner than its table's"));
            }
            StatisticsChange::Rename { .. }
            | StatisticsChange::SetOwner { .. }
            | StatisticsChange::SetTarget(_)
            | StatisticsChange::Comment(_) => {}
        }
        let Some(found) = table.details.statistics.iter_mut().find(|s| *s.name == *name) else { return Ok(()) };
        match change {
            StatisticsChange::Rename { to } => found.name = to.clone(),
            StatisticsChange::SetTarget(target) => found.target = *target,
            StatisticsChange::Comment(comment) => found.comment = comment.clone().filter(|c| !c.is_empty()),
            StatisticsChange::Create { .. } | StatisticsChange::Drop | StatisticsChange::SetOwner { .. } => {}
        }
        Ok(())
    }
}
