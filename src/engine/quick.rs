//! Look-ups by key, and changes of few rows, where they are asked for, on the runtime's own thread, without the way to a blocking thread and
//! back: two sleeping threads to wake, and what the statement needs is in another core's cache.
//!
//! Of changes those ([`Rendered::prompt`]) of a transaction that has changed something before, that were done in next to no time when
//! they last ran: such a one waits neither for a checkpoint nor for the disk. Only a look-up that its connection has planned (see [`super::Rendered::keyed`]), over data that have not changed since,
//! and that was done in next to no time when it last ran: it waits for nobody, since what is volatile is no such look-up.
//! Should it take longer this time, it goes on on a blocking thread, where it can be cancelled. (`block_in_place` would
//! give this thread's tasks to another: that is as many threads to wake as the way that is saved.)

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};

use super::connection::{Started, Statement};
use super::data::{Touched, Writing};
use super::error::Translate;
use super::link::{Held, Plan, Work};
use super::patience::{Patience, Stopwatch};
use super::raw::Pending;
use super::{Kind, Rendered};
use crate::error::Result;
use crate::types::Value;

/// What is done within so long, planned and all, is done in place the next time, and goes on elsewhere when it then takes
/// longer. To go on elsewhere costs more than most look-ups take: it is not for one that the machine has kept waiting.
pub(super) const QUICK: Patience = Patience { work: Duration::from_millis(1), wall: Duration::from_millis(5) };

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

pub(super) fn run(
    held: &Arc<Held>,
    rendered: &Rendered,
    params: &[Value],
    (time_zone, singly): (&Arc<str>, bool),
) -> InPlace {
    let here = || Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    let reads = rendered.keyed.is_some() && matches!(rendered.kind, Kind::Rows);
    if !(reads || rendered.prompt) || !here() {
        return InPlace::No;
    }
    let Some(mut work) = held.work.try_lock() else { return InPlace::No };
    if !work.is_quick(held, &held.shared.data, rendered, time_zone) {
        return InPlace::No;
    }
    begin(held, &mut work, rendered, params, singly).unwrap_or_else(|error| {
        work.failed();
        InPlace::Done(Err(error))
    })
}

fn begin(held: &Arc<Held>, work: &mut Work, rendered: &Rendered, params: &[Value], singly: bool) -> Result<InPlace> {
    let begun = Stopwatch::start();
    let plan = work.prepare(held, &held.shared.data, rendered, params)?;
    let _writing = writing(held, rendered);
    if rendered.prompt {
        work.touched.add(rendered.writes);
        work.written.add(rendered.writes, singly);
    }
    let pending = plan.statement.pend().translated()?;
    let mut help = held.shared.helpers.pass();
    if !pending.run_for(QUICK).translated()? {
        return Ok(InPlace::Late(Late { pending, plan }));
    }
    let result = pending.finish().translated()?;
    let statement = Statement { held, rendered: rendered.clone(), params, singly };
    let started = statement.begun(work, plan, result, false, &mut help, Some(begun))?;
    Ok(started.map_or(InPlace::No, |started| InPlace::Done(Ok(started))))
}

/// What a change tells others while it is at work.
fn writing<'a>(held: &'a Held, rendered: &Rendered) -> Option<Writing<'a>> {
    rendered.prompt.then(|| held.shared.data.write(Touched::of(rendered.writes)))
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
        let _writing = writing(held, rendered);
        // What it has written is known already.
        let statement = Statement { held, rendered: rendered.clone(), params, singly: false };
        let result = self.pending.finish().translated();
        let started = result.and_then(|result| statement.begun(work, self.plan, result, false, &mut help, None));
        started.inspect_err(|_| work.failed())
    }
}
