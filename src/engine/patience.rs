//! How long something may take on the thread where it runs.

use std::time::{Duration, Instant};

/// By the processor's time: on a machine that has much to do, what is short takes long by the clock, and to give it to
/// another thread makes it no shorter. The clock counts too, as what waits for a disk or a lock uses no processor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub work: Duration,
    pub wall: Duration,
}

/// How long this thread has been at something.
pub(super) struct Stopwatch {
    begun: Instant,
    work: Duration,
}

impl Stopwatch {
    pub fn start() -> Self {
        Self { begun: Instant::now(), work: thread_time() }
    }

    /// Asked on the thread that started it.
    pub fn is_past(&self, patience: Patience) -> bool {
        let wall = self.begun.elapsed();
        // The thread's own time is a system call, and no more than the clock's.
        wall > patience.work && (wall > patience.wall || thread_time().saturating_sub(self.work) > patience.work)
    }
}

/// What this thread has used of a processor so far.
fn thread_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: an out pointer to a local; the clock exists on every system that we build for, and leaves zero if not.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_and_waiting_are_told_apart() {
        let patience = Patience { work: Duration::from_millis(2), wall: Duration::from_millis(200) };
        let stopwatch = Stopwatch::start();
        std::thread::sleep(Duration::from_millis(20));
        assert!(!stopwatch.is_past(patience), "asleep");
        std::thread::sleep(Duration::from_millis(200));
        assert!(stopwatch.is_past(patience), "for too long");
        let (stopwatch, begun) = (Stopwatch::start(), Instant::now());
        let patience = Patience { wall: Duration::MAX, ..patience };
        while !stopwatch.is_past(patience) {
            assert!(begun.elapsed() < Duration::from_secs(60), "at work");
        }
    }
}
