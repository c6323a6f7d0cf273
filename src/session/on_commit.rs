//! ON COMMIT of temporary tables: their rows, or they themselves, go at the end of the transaction.

use super::session::Session;
use crate::engine::Run;
use crate::error::{Error, Result};
use crate::sql::ddl::{self, Step};

impl Session {
    /// Before the commit in the engine, in the transaction: PostgreSQL's PreCommit_on_commit_actions.
    pub(super) async fn on_commit_actions(&mut self) -> Result<()> {
        if self.on_commit.is_empty() || !self.transaction.active().is_some_and(|a| a.engine) {
            return Ok(());
        }
        let environment = self.environment()?;
        let snapshot = environment.context.snapshot.clone();
        self.on_commit.retain(|(table, _)| snapshot.relation_by_oid(*table).is_some());
        let plan = ddl::at_commit(&self.on_commit, &environment.context)?;
        let run = Run::new(self.shared.state.lock().settings.acting().engine_zone.clone(), None);
        for step in &plan.steps {
            let Step::Command(permit) = step else {
                return Err(Error::internal("ON COMMIT takes commands only"));
            };
            self.lease()?.connection.execute(permit, Vec::new(), &run).await?;
        }
        if let Some(active) = self.transaction.active_mut() {
            active.forgotten.extend(plan.forgotten);
        }
        if let Some(overlay) = self.transaction.active_mut().and_then(|a| a.overlay.as_mut()) {
            overlay.apply(plan.changes);
        }
        Ok(())
    }
}
