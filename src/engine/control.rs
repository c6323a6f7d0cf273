//! Cancel: who asked what runs on a connection to stop, and the supervision of work on blocking threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::error::is_interrupt;
use super::link::Held;
use super::places::Line;
use super::{Cancel, CancelReason};
use crate::error::{Error, Result};

/// How often an interrupt is repeated until it is heeded: one that comes before DuckDB begins is forgotten by it.
const INTERRUPT_EVERY: Duration = Duration::from_millis(5);

/// Of one connection: which statement runs, and whether somebody wants it stopped.
#[derive(Default)]
pub(super) struct Control {
    state: Mutex<State>,
    changed: Notify,
    /// The places of the role whose connection it is.
    share: Option<Arc<Line>>,
}

#[derive(Default)]
struct State {
    /// Counts statements.
    epoch: u64,
    active: bool,
    reason: Option<CancelReason>,
}

impl Control {
    pub fn of(share: Option<Arc<Line>>) -> Self {
        Self { share, ..Self::default() }
    }

    pub fn share(&self) -> Option<&Line> {
        self.share.as_deref()
    }

    /// A statement begins; gives its number. What was asked of the one before is forgotten.
    pub fn begin(&self) -> u64 {
        let mut state = self.state.lock();
        *state = State { epoch: state.epoch + 1, active: true, reason: None };
        state.epoch
    }

    /// Statement `epoch` is over, or rests: from here on a cancel passes it by.
    pub fn rest(&self, epoch: u64) {
        let mut state = self.state.lock();
        if state.epoch == epoch {
            state.active = false;
        }
    }

    /// Statement `epoch` goes on, unless another has begun since.
    pub fn resume(&self, epoch: u64) {
        let mut state = self.state.lock();
        if state.epoch == epoch {
            state.active = true;
        }
    }

    /// Why statement `epoch` is to stop.
    pub fn reason(&self, epoch: u64) -> Option<CancelReason> {
        let state = self.state.lock();
        if state.epoch == epoch { state.reason } else { None }
    }

    pub fn check(&self, epoch: u64) -> Result<()> {
        self.reason(epoch).map_or(Ok(()), |reason| Err(reason.error()))
    }

    fn stop(&self, epoch: u64, reason: CancelReason) {
        let mut state = self.state.lock();
        if state.epoch == epoch {
            state.reason.get_or_insert(reason);
        }
    }

    /// Comes back when statement `epoch` is to stop, because somebody asked or its time is up.
    pub async fn stopped(&self, epoch: u64, deadline: Option<Instant>) -> CancelReason {
        let timeout = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(timeout);
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registers before the look, so that a cancel between the two is not missed.
            changed.as_mut().enable();
            if let Some(reason) = self.reason(epoch) {
                return reason;
            }
            tokio::select! {
                () = &mut changed => {}
                () = &mut timeout => {
                    self.stop(epoch, CancelReason::StatementTimeout);
                    return self.reason(epoch).unwrap_or(CancelReason::StatementTimeout);
                }
            }
        }
    }
}

impl Cancel for Control {
    fn cancel(&self, reason: CancelReason) {
        {
            let mut state = self.state.lock();
            if !state.active {
                return;
            }
            state.reason.get_or_insert(reason);
        }
        self.changed.notify_waiters();
    }
}

/// Which work is watched, and what happens to it when it is to stop.
pub(super) struct Watch<'a> {
    pub control: &'a Control,
    pub epoch: u64,
    pub deadline: Option<Instant>,
    /// Whose connection is interrupted, and lost when it does not heed that.
    pub held: &'a Arc<Held>,
}

/// Work on a blocking thread. When nobody waits for it any more it is stopped.
struct Running<T: Send + 'static> {
    handle: Option<JoinHandle<Result<T>>>,
    held: Arc<Held>,
}

impl<T: Send + 'static> Drop for Running<T> {
    fn drop(&mut self) {
        let Some(handle) = self.handle.take().filter(|handle| !handle.is_finished()) else { return };
        let held = Arc::clone(&self.held);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let grace = held.shared.config.interrupt_grace;
            runtime.spawn(async move {
                let since = Instant::now();
                while !handle.is_finished() && since.elapsed() < grace {
                    held.raw.interrupt();
                    tokio::time::sleep(INTERRUPT_EVERY).await;
                }
                if !handle.is_finished() {
                    give_up(&held);
                }
            });
        }
    }
}

/// DuckDB does not heed an interrupt: its thread is left behind, and its connection with it.
fn give_up(held: &Held) {
    held.abandoned.store(true, Ordering::SeqCst);
    held.shared.stuck.fetch_add(1, Ordering::SeqCst);
    tracing::error!(
        grace = ?held.shared.config.interrupt_grace,
        "DuckDB does not heed an interrupt; its connection is abandoned"
    );
}

impl Watch<'_> {
    /// Runs `job` on a blocking thread. When the statement is to stop, interrupts DuckDB until it does; when it does not
    /// within the grace period, gives the connection up and leaves the thread behind.
    pub async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let handle = Some(tokio::task::spawn_blocking(job));
        let mut running = Running { handle, held: Arc::clone(self.held) };
        let Some(handle) = &mut running.handle else { return Err(Error::internal("no work")) };
        let reason = tokio::select! {
            biased;
            done = &mut *handle => return self.outcome(done, None),
            reason = self.control.stopped(self.epoch, self.deadline) => reason,
        };
        let since = Instant::now();
        loop {
            self.held.raw.interrupt();
            match tokio::time::timeout(INTERRUPT_EVERY, &mut *handle).await {
                Ok(done) => return self.outcome(done, Some(reason)),
                Err(_) if since.elapsed() > self.held.shared.config.interrupt_grace => break,
                Err(_) => {}
            }
        }
        give_up(self.held);
        running.handle = None;
        Err(reason.error())
    }

    pub fn outcome<T>(
        &self,
        done: Result<Result<T>, tokio::task::JoinError>,
        reason: Option<CancelReason>,
    ) -> Result<T> {
        let done = done.map_err(|e| {
            self.held.abandoned.store(true, Ordering::SeqCst);
            Error::internal(format!("work on a connection ended abruptly: {e}"))
        })?;
        match (done, reason.or_else(|| self.control.reason(self.epoch))) {
            (Err(error), Some(reason)) if is_interrupt(&error) => Err(reason.error()),
            (done, _) => done,
        }
    }
}

/// Counts while it lives.
pub(super) struct Count(Arc<AtomicUsize>);

impl Count {
    pub fn of(counter: &Arc<AtomicUsize>) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(counter))
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
