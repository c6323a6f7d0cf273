//! Short statements where they are asked for, without the way to a blocking thread and back: two sleeping threads to wake
//! cost a point query as much as a third of its planning.
//!
//! Only a query that its connection has prepared, over data that have not changed since, and that was done in next to no
//! time when it last ran. Should it take longer this time, it goes on on a blocking thread, where it can be cancelled.
//! While it is planned and run here, the runtime gives this thread's tasks to another.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};

use super::connection::{Started, Statement};
use super::error::Translate;
use super::helpers::ALONE;
use super::link::{Held, Plan, Work};
use super::raw::Pending;
use super::{Kind, Rendered};
use crate::error::Result;
use crate::types::Value;

/// What is done within so long, planned and all, is done in place the next time.
pub(super) const QUICK: Duration = Duration::from_millis(1);

pub(super) enum InPlace {
    /// Not here.
    No,
    Done(Result<Started>),
    /// It takes longer than it should.
    Late(Late),
}

/// A statement that is to go on elsewhere.
pub(super) struct Late {
    pending: Pending,
    plan: Plan,
}

pub(super) fn run(held: &Arc<Held>, rendered: &Rendered, params: &[Value], time_zone: &Arc<str>) -> InPlace {
    let here = matches!(rendered.kind, Kind::Rows)
        && Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    let Some(mut work) = held.work.try_lock().filter(|_| here) else { return InPlace::No };
    if !work.is_quick(held, &held.shared.data, &rendered.sql, time_zone) {
        return InPlace::No;
    }
    tokio::task::block_in_place(|| begin(held, &mut work, rendered, params).unwrap_or_else(|e| InPlace::Done(Err(e))))
}

fn begin(held: &Arc<Held>, work: &mut Work, rendered: &Rendered, params: &[Value]) -> Result<InPlace> {
    let begun = Instant::now();
    let plan = work.prepare(held, &held.shared.data, &rendered.sql, &rendered.params, params)?;
    let pending = plan.statement.pend().translated()?;
    let mut help = held.shared.helpers.pass();
    if !pending.run_for(ALONE).translated()? {
        return Ok(InPlace::Late(Late { pending, plan }));
    }
    let result = pending.finish().translated()?;
    let statement = Statement { held, rendered: rendered.clone(), params };
    let started = statement.begun(work, plan, result, false, &mut help, begun)?;
    Ok(started.map_or(InPlace::No, |started| InPlace::Done(Ok(started))))
}

impl Late {
    /// Blocks; the connection's work is locked. `None`: it must be begun again.
    pub fn finish(
        self,
        held: &Arc<Held>,
        work: &mut Work,
        rendered: &Rendered,
        params: &[Value],
    ) -> Result<Option<Started>> {
        let mut help = Some(held.shared.helpers.call());
        let begun = Instant::now();
        let result = self.pending.finish().translated()?;
        let statement = Statement { held, rendered: rendered.clone(), params };
        statement.begun(work, self.plan, result, false, &mut help, begun)
    }
}
