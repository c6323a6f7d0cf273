//! Schema changes: the steps that the plan says, in the engine's transaction, then the transaction's own snapshot.

use std::sync::Arc;

use super::constraint;
use super::execute::{Alone, Done, guarded};
use super::front::Front;
use super::locking::outdated;
use super::plan_cache::Origin;
use super::session::Session;
use super::settings::Settings;
use super::transaction;
use crate::engine::{Connection, Outcome, Rows, Run};
use crate::error::{Error, Result};
use crate::policy::Permit;
use crate::registry::{Change, RelationKind, Snapshot};
use crate::sql::ddl::locks::locks;
use crate::sql::ddl::{self, DdlPlan, Step};
use crate::sql::{CompiledBody, Context, Depends};
use crate::tree::{Ddl, FunctionDdl};
use crate::types::{Oid, PgType, Value};

/// How often a schema change that finds more and more to wait for has its transaction begin anew.
const MOVES: usize = 8;

impl Session {
    /// Carries out a schema change. `origin`: where it was written, for another look at it if it had to wait.
    pub(super) async fn ddl(
        &mut self,
        permit: &Permit<Ddl>,
        origin: Option<(&Origin, &[PgType])>,
        values: &[Value],
        front: &mut dyn Front,
    ) -> Result<Done> {
        self.audit_access(permit.access());
        let (permit, plan) = self.lock_and_plan(permit, origin, front).await?;
        plan.accesses.iter().for_each(|access| self.audit_access(access));
        self.pinned = true;
        let done = self.ddl_in_engine(&permit, plan, values, front).await;
        self.pinned = false;
        done
    }

    /// The statement's plan, with all that it is about locked as it is. Who has waited looks again: names may mean something else, or
    /// nothing, by now.
    async fn lock_and_plan(
        &mut self,
        permit: &Permit<Ddl>,
        origin: Option<(&Origin, &[PgType])>,
        front: &mut dyn Front,
    ) -> Result<(Permit<Ddl>, DdlPlan)> {
        let mut permit = permit.clone();
        let mut moves = 0;
        loop {
            let fresh = self.transaction.active().is_none_or(|active| !active.engine) || self.has_only_read();
            if fresh {
                self.take_snapshot().await?;
            }
            if let Some((origin, params)) = origin {
                permit = self.ddl_again(origin, params)?;
            }
            let (version, plan) = self.plan_ddl(&permit)?;
            let locks = locks(permit.get(), &plan, &self.snapshot());
            let waited = self.lock_for_ddl(&locks, front).await?;
            if fresh && waited && origin.is_some() {
                continue;
            }
            self.open_engine_to_change().await?;
            if fresh {
                if self.snapshot().version == version && !self.is_outdated(&locks) {
                    return Ok((permit, plan));
                }
                self.begin_anew().await?;
            } else if self.is_outdated(&locks) {
                // What is locked cannot change again; but another plan may ask for more.
                moves += 1;
                if !self.is_read_committed() || moves > MOVES {
                    return Err(outdated("Another transaction has changed the same object of the schema."));
                }
                self.move_on(front).await?;
            } else {
                return Ok((permit, plan));
            }
            if origin.is_none() {
                return Err(outdated("The schema has changed since the statement was looked at."));
            }
        }
    }

    /// The statement as it is compiled now. (If nothing has changed, that is found in the cache.)
    fn ddl_again(&mut self, origin: &Origin, params: &[PgType]) -> Result<Permit<Ddl>> {
        let types: Arc<[Oid]> = params.iter().map(|ty| ty.oid).collect();
        let (_, compiled) = self.compile(&origin.text, origin.index, &types)?;
        match &compiled.body {
            CompiledBody::Ddl(ddl) | CompiledBody::CreateTableAs { ddl, .. } => Ok(ddl.clone()),
            _ => Err(Error::internal("another statement the second time")),
        }
    }

    /// The plan, and the version of the snapshot that it is for.
    fn plan_ddl(&mut self, permit: &Permit<Ddl>) -> Result<(u64, DdlPlan)> {
        if let Some(active) = self.transaction.active_mut() {
            active.queried = true;
        }
        if let Ddl::AlterRoleSet { setting: Some(setting), value: Some(value), .. } = permit.get() {
            let superuser = self.shared.state.lock().superuser();
            Settings::validate(setting, value, superuser)?;
        }
        if let Ddl::Function(FunctionDdl::Create(new)) = permit.get() {
            let superuser = self.shared.state.lock().superuser();
            let mut settings = new.function.settings.iter();
            settings.try_for_each(|(name, value)| Settings::validate(name, value, superuser))?;
        }
        self.must_have_no_pending_events(permit.get())?;
        let environment = self.environment()?;
        let changed = self.transaction.active().map(|active| active.touched.iter()).into_iter().flatten();
        let touched = changed.filter(|(_, change)| change.in_place || change.removes).map(|(oid, _)| *oid).collect();
        let plan = ddl::plan(permit, &Context { touched, ..environment.context.clone() })?;
        if self.shared.state.lock().settings.transaction.read_only {
            let word = if plan.counts_rows { "CREATE TABLE AS" } else { plan.tag.as_str() };
            return Err(transaction::read_only(word));
        }
        Ok((environment.context.snapshot.version, plan))
    }

    async fn ddl_in_engine(
        &mut self,
        permit: &Permit<Ddl>,
        plan: DdlPlan,
        values: &[Value],
        front: &mut dyn Front,
    ) -> Result<Done> {
        for notice in &plan.notices {
            self.notice(front, notice);
        }
        let depends = plan.depends(&self.snapshot()).map(Arc::new);
        let before = self.show_new_sequences(&plan.changes);
        let rows = self.ddl_steps(permit.get(), &plan.steps, depends, values, front).await;
        if let Some(before) = before {
            self.shared.state.lock().snapshot = before;
        }
        let rows = rows?;
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

    /// Rows that are there already draw from a new column's sequence (ADD COLUMN … serial, identity): the statement sees that
    /// before it is done. Gives what was seen until now, if it is another.
    fn show_new_sequences(&mut self, changes: &[Change]) -> Option<Arc<Snapshot>> {
        let is_sequence =
            |change: &Change| matches!(change, Change::PutRelation(r) if matches!(r.kind, RelationKind::Sequence(_)));
        if !changes.iter().any(is_sequence) {
            return None;
        }
        let mut after = (*self.snapshot()).clone();
        changes.iter().filter(|change| is_sequence(change)).for_each(|change| after.apply_in_place(change));
        Some(std::mem::replace(&mut self.shared.state.lock().snapshot, Arc::new(after)))
    }

    /// Gives the number of rows that the last plan changed.
    async fn ddl_steps(
        &mut self,
        ddl: &Ddl,
        steps: &[Step],
        depends: Option<Arc<Depends>>,
        values: &[Value],
        front: &mut dyn Front,
    ) -> Result<u64> {
        // What functions ask of the session while a view is filled is asked by its owner, too.
        let asking = match ddl {
            Ddl::Refresh { view, .. } => Some(std::mem::replace(&mut self.shared.state.lock().role, view.owner)),
            _ => None,
        };
        let mut done = Ok(0);
        for step in steps {
            match self.ddl_step(step, &depends, values, front).await {
                Ok(rows) => done = rows.map_or(done, Ok),
                Err(error) => {
                    done = Err(match ddl {
                        Ddl::AlterTable { .. } | Ddl::Refresh { .. } => constraint::of_rows_that_are_there(error),
                        _ => error,
                    });
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
    async fn ddl_step(
        &mut self,
        step: &Step,
        depends: &Option<Arc<Depends>>,
        values: &[Value],
        front: &mut dyn Front,
    ) -> Result<Option<u64>> {
        match step {
            Step::Command(permit) => {
                self.run_rendered(permit, depends.clone(), front).await?;
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

    /// Runs a statement without parameters, which depends on these tables, or (`None`) on anything.
    pub(super) async fn run_rendered(
        &mut self,
        permit: &Permit<crate::engine::Rendered>,
        depends: Option<Arc<Depends>>,
        front: &mut dyn Front,
    ) -> Result<Outcome> {
        let run = Run::new(self.shared.state.lock().settings.acting().engine_zone.clone(), self.deadline);
        let shared = self.shared.clone();
        shared.interrupt.check()?;
        self.next_tape(true);
        let lease = self.lease()?;
        let connection: &mut dyn Connection = lease.connection.as_mut();
        let work = connection.execute(permit, Vec::new(), &run);
        let outcome = guarded(Some(front), &shared.interrupt, &lease.canceller, work).await?;
        Ok(self.note(permit, Vec::new(), depends, &run, outcome))
    }
}
