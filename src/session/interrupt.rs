//! Cancel and termination: how anybody stops what a session does, and how the session notices.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::engine::{Cancel, CancelReason};
use crate::error::Error;

#[derive(Debug, Clone, Copy, Default)]
struct Signal {
    /// Why the running statement is to stop.
    cancel: Option<CancelReason>,
    /// Why the session is to end.
    terminate: Option<CancelReason>,
}

#[derive(Default)]
struct Running {
    statement: bool,
    /// When statement_timeout stops it.
    deadline: Option<Instant>,
    engine: Option<Arc<dyn Cancel>>,
}

/// One session's ear for cancels.
pub struct Interrupt {
    signal: watch::Sender<Signal>,
    running: Mutex<Running>,
}

impl Interrupt {
    pub fn new() -> Self {
        Self { signal: watch::Sender::new(Signal::default()), running: Mutex::default() }
    }

    /// A statement begins. What was cancelled while the session was idle does not concern it; a cancel that came after the
    /// statement before it in the same text or pipeline does, or it would be lost between the two.
    pub fn begin(&self, deadline: Option<Instant>) -> Result<(), Error> {
        let mut running = self.running.lock();
        running.deadline = deadline;
        running.statement = true;
        self.check()
    }

    /// The session is idle.
    pub fn end(&self) {
        self.running.lock().statement = false;
        self.signal.send_modify(|s| s.cancel = None);
    }

    /// Where the running statement's engine part can be stopped.
    pub fn attach(&self, engine: Option<Arc<dyn Cancel>>) {
        self.running.lock().engine = engine;
    }

    /// Stops the running statement, if there is one.
    pub fn cancel(&self, reason: CancelReason) {
        let running = self.running.lock();
        if running.statement {
            self.signal.send_modify(|s| s.cancel = Some(reason));
            if let Some(engine) = &running.engine {
                engine.cancel(reason);
            }
        }
    }

    /// Ends the session, at once if it is idle.
    pub fn terminate(&self) {
        self.terminate_for(CancelReason::Shutdown);
    }

    /// The same for one of the reasons that end a session. The first that is told counts.
    pub fn terminate_for(&self, reason: CancelReason) {
        self.signal.send_modify(|s| s.terminate = s.terminate.or(Some(reason)));
        self.cancel(reason);
    }

    /// Why the running statement is to stop: for natives that wait, which DuckDB's own interrupt does not reach. They may
    /// notice that its time is up before the engine does.
    pub fn stopping(&self) -> Option<Error> {
        let running = self.running.lock();
        let late = running.statement && running.deadline.is_some_and(|deadline| Instant::now() >= deadline);
        drop(running);
        self.check().err().or_else(|| late.then(|| CancelReason::StatementTimeout.error()))
    }

    /// Fails if the running statement has been cancelled.
    pub fn check(&self) -> Result<(), Error> {
        let signal = *self.signal.borrow();
        match signal {
            Signal { terminate: Some(reason), .. } | Signal { cancel: Some(reason), .. } => Err(reason.error()),
            Signal { cancel: None, terminate: None } => Ok(()),
        }
    }

    /// Why the session is to end, if it is.
    pub fn ending(&self) -> Option<Error> {
        self.signal.borrow().terminate.map(CancelReason::error)
    }

    /// Waits until the running statement is to stop.
    pub async fn cancelled(&self) -> Error {
        let mut signal = self.signal.subscribe();
        let found = signal.wait_for(|s| s.terminate.is_some() || s.cancel.is_some()).await.map(|s| *s);
        // The sender lives as long as the session, so that a closed channel is an ended session.
        found.ok().and_then(|s| s.terminate.or(s.cancel)).unwrap_or(CancelReason::Shutdown).error()
    }

    /// Waits until the session is to end.
    pub async fn terminated(&self) -> Error {
        let mut signal = self.signal.subscribe();
        let found = signal.wait_for(|s| s.terminate.is_some()).await.map(|s| *s);
        found.ok().and_then(|s| s.terminate).unwrap_or(CancelReason::Shutdown).error()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancel_of_an_idle_session_has_no_effect_later() {
        let interrupt = Interrupt::new();
        interrupt.cancel(CancelReason::UserRequest);
        interrupt.begin(None).unwrap();
        assert!(interrupt.check().is_ok());
        interrupt.cancel(CancelReason::UserRequest);
        assert_eq!(interrupt.check().unwrap_err().code(), crate::error::SqlState::QUERY_CANCELED);
        assert_eq!(interrupt.begin(None).unwrap_err().code(), crate::error::SqlState::QUERY_CANCELED);
        interrupt.end();
        interrupt.begin(None).unwrap();
        assert!(interrupt.check().is_ok());
        assert!(interrupt.stopping().is_none());
        interrupt.begin(Some(Instant::now())).unwrap();
        let late = interrupt.stopping().unwrap();
        assert_eq!(late.report().message, "canceling statement due to statement timeout");
        interrupt.terminate();
        assert!(interrupt.begin(None).unwrap_err().is_fatal());
    }
}
