//! ALTER TABLE … ENABLE and DISABLE TRIGGER (EnableDisableTrigger). The triggers that there are stand for foreign keys: with ALL
//! the table's changes are not held against its keys, nor against those that refer to it, and nothing follows from them, until they
//! are enabled again. Rows of the time between are not asked later either.

use super::Altered;
use crate::error::{Error, Result};
use crate::sql::ddl::planner::Planner;

impl Planner<'_> {
    pub(super) fn switch_triggers(&mut self, t: &mut Altered, all: bool, enabled: bool) -> Result<()> {
        if !all {
            return Ok(());
        }
        let keys = self.after.foreign_keys_about(&t.new);
        if (t.new.is_partition() || t.new.is_partitioned()) && !keys.is_empty() {
            let what =
                "ENABLE or DISABLE TRIGGER ALL of a partitioned table, or a partition, that foreign keys are about";
            return Err(Error::unsupported(what).hint("SET session_replication_role = replica is for one session."));
        }
        t.new.details.silent_keys = if enabled { Vec::new() } else { keys };
        Ok(())
    }
}
