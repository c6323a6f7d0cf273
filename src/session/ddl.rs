//! Schema changes: the steps that the plan says, in the engine's transaction, then the transaction's own snapshot.

use super::execute::{Alone, Done, guarded};
use super::front::Front;
use super::session::Session;
use super::settings::Settings;
use super::transaction;
use crate::engine::{Connection, Outcome, Rows, Run};
use crate::error::Result;
use crate::policy::Permit;
use crate::sql::ddl::{self, Step};
use crate::tree::Ddl;
use crate::types::Value;

impl Session {
    pub(super) async fn ddl(&mut self, permit: &Permit<Ddl>, values: &[Value], front: &mut dyn Front) -> Result<Done> {
        self.audit_access(permit.access());
        self.lock_for_ddl(permit.get(), front).await?;
        self.take_later_data().await?;
        self.open_engine_to_change().await?;
        self.pinned = true;
        let done = self.ddl_in_engine(permit, values, front).await;
        self.pinned = false;
        done
    }

    async fn ddl_in_engine(&mut self, permit: &Permit<Ddl>, values: &[Value], front: &mut dyn Front) -> Result<Done> {
        if let Some(active) = self.transaction.active_mut() {
            active.queried = true;
        }
        if let Ddl::AlterRoleSet { setting: Some(setting), value: Some(value), .. } = permit.get() {
            let superuser = self.shared.state.lock().superuser();
            Settings::validate(setting, value, superuser)?;
        }
        self.must_have_no_pending_events(permit.get())?;
        let environment = self.environment()?;
        let plan = ddl::plan(permit, &environment.context)?;
        if self.shared.state.lock().settings.transaction.read_only {
            let word = if plan.counts_rows { "CREATE TABLE AS" } else { plan.tag.as_str() };
            return Err(transaction::read_only(word));
        }
        for notice in &plan.notices {
            self.notice(front, notice);
        }
        let rows = self.ddl_steps(permit.get(), &plan.steps, values, front).await?;
        self.note_emptied(&plan.emptied)?;
        if let Some(active) = self.transaction.active_mut() {
            active.forgotten.extend(plan.forgotten);
            active.checked.extend(plan.moved.iter().map(|oid| (*oid, *oid)));
        }
        self.on_commit.extend(plan.on_commit);
        if let Some(overlay) = self.transaction.active_mut().and_then(|a| a.overlay.as_mut()) {
            overlay.apply(plan.changes);
        }
        Done::tag(if plan.counts_rows { format!("{} {rows}", plan.tag) } else { plan.tag })
    }

    /// Gives the number of rows that the last plan changed.
    async fn ddl_steps(&mut self, ddl: &Ddl, steps: &[Step], values: &[Value], front: &mut dyn Front) -> Result<u64> {
        // What functions ask of the session while a view is filled is asked by its owner, too.
        let asking = match ddl {
            Ddl::Refresh { view, .. } => Some(std::mem::replace(&mut self.shared.state.lock().role, view.owner)),
            _ => None,
        };
        let mut done = Ok(0);
        for step in steps {
            match self.ddl_step(step, values, front).await {
                Ok(rows) => done = rows.map_or(done, Ok),
                Err(error) => {
                    done = Err(error);
                    break;
                }
            }
        }
        if let Some(role) = asking {
            self.shared.state.lock().role = role;
        }
        done
    }

    /// Gives the number of rows that a plan changed.
    async fn ddl_step(&mut self, step: &Step, values: &[Value], front: &mut dyn Front) -> Result<Option<u64>> {
        match step {
            Step::Command(permit) => {
                self.run_rendered(permit, front).await?;
                Ok(None)
            }
            Step::Plan(plan) => match self.start(plan, values, front, Alone::No, None).await? {
                Outcome::Changed(rows) => Ok(Some(rows)),
                Outcome::Rows(rows) => self.count_rows(rows, front).await.map(Some),
                Outcome::Done => Ok(None),
            },
            Step::Key(key) => self.check_existing(key).await.map(|()| None),
            Step::Unique(key) => self.check_existing_unique(key).await.map(|()| None),
            Step::Verify(plan, error) => match self.start(plan, values, front, Alone::No, None).await? {
                Outcome::Rows(rows) => match self.count_rows(rows, front).await? {
                    0 => Ok(None),
                    _ => Err(error.clone()),
                },
                Outcome::Changed(_) | Outcome::Done => Ok(None),
            },
        }
    }

    async fn count_rows(&mut self, mut rows: Box<dyn Rows>, front: &mut dyn Front) -> Result<u64> {
        let shared = self.shared.clone();
        let canceller = self.lease()?.canceller.clone();
        let mut count = 0;
        while let Some(batch) = guarded(Some(&mut *front), &shared.interrupt, &canceller, rows.next()).await? {
            count += batch.num_rows() as u64;
        }
        Ok(count)
    }

    /// Runs a statement without parameters.
    pub(super) async fn run_rendered(
        &mut self,
        permit: &Permit<crate::engine::Rendered>,
        front: &mut dyn Front,
    ) -> Result<Outcome> {
        let run =
            Run { time_zone: self.shared.state.lock().settings.acting().engine_zone.clone(), deadline: self.deadline };
        let shared = self.shared.clone();
        shared.interrupt.check()?;
        self.next_tape(true);
        let lease = self.lease()?;
        let connection: &mut dyn Connection = lease.connection.as_mut();
        let work = connection.execute(permit, Vec::new(), &run);
        let outcome = guarded(Some(front), &shared.interrupt, &lease.canceller, work).await?;
        Ok(self.note(permit, Vec::new(), None, &run, outcome))
    }
}
