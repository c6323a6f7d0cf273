//! Work that takes long heeds what stops its statement: compilation asks now and then, wherever it takes a step down a tree.

use std::cell::RefCell;

use crate::error::{Error, Result};

/// Why the statement is to stop, if it is.
pub type Stop = Box<dyn Fn() -> Option<Error>>;

/// Steps between two questions: some microseconds each.
const STEPS: u32 = 256;

struct Heeded {
    stop: Stop,
    steps: u32,
    /// It has been told to stop. What is made after that is not to be used, even if somebody took the error for another.
    stopped: Option<Error>,
}

thread_local! {
    /// The work of this thread.
    static CURRENT: RefCell<Option<Heeded>> = const { RefCell::new(None) };
}

/// Gives the thread back to the work around it.
struct Outer(Option<Heeded>);

impl Drop for Outer {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

/// Runs `work`, in which [`step`] heeds `stop`.
///
/// # Errors
/// `work`'s, or that of `stop`.
pub fn heeding<T>(stop: Stop, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let _outer = Outer(CURRENT.replace(Some(Heeded { stop, steps: 0, stopped: None })));
    let done = work();
    let stopped = CURRENT.with_borrow_mut(|current| current.as_mut().and_then(|heeded| heeded.stopped.take()));
    stopped.map_or(done, Err)
}

/// To be called in what may be done very often: costs next to nothing.
///
/// # Errors
/// The statement is to stop.
pub fn step() -> Result<()> {
    CURRENT.with_borrow_mut(|current| {
        let Some(heeded) = current else { return Ok(()) };
        if let Some(error) = &heeded.stopped {
            return Err(error.clone());
        }
        heeded.steps += 1;
        if heeded.steps % STEPS == 0
            && let Some(error) = (heeded.stop)()
        {
            heeded.stopped = Some(error.clone());
            return Err(error);
        }
        Ok(())
    })
}

/// As [`step`], asked at once: for what waits.
///
/// # Errors
/// The statement is to stop.
pub fn now() -> Result<()> {
    CURRENT.with_borrow_mut(|current| {
        if let Some(heeded) = current {
            heeded.steps |= STEPS - 1;
        }
    });
    step()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::SqlState;

    #[test]
    fn work_that_is_told_to_stop_gives_nothing_even_if_it_takes_no_notice() {
        let stop = || Box::new(|| Some(Error::new(SqlState::QUERY_CANCELED, "stop"))) as Stop;
        let done = heeding(stop(), || {
            (0..STEPS).for_each(|_| drop(step()));
            Ok(1)
        });
        assert_eq!(done.unwrap_err().code(), SqlState::QUERY_CANCELED);
        // Work inside of it has an ear of its own, and what comes after it none.
        let inner = heeding(stop(), || heeding(Box::new(|| None), || (0..STEPS).try_for_each(|_| step())));
        assert!(inner.is_ok());
        assert!((0..2 * STEPS).try_for_each(|_| step()).is_ok());
    }
}
