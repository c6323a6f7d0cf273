//! One source's keys as they are known now, and the thread that fetches them.
//!
//! The thread fetches at the start, again when what it has is not fresh any more, and when a token names a key that nobody
//! knows, but for tokens only once in a pause: whoever sends them, the provider is not asked more often. While it does not
//! answer, what it answered last stays in force for a bounded time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::sync::watch;

use super::super::jwt::{Fault, KeySet};
use super::fetch::fetch;
use super::{Bounds, Source};
use crate::observe::METRICS;

/// The longest time between two attempts that fail, unless somebody asks.
const RETRY: Duration = Duration::from_secs(300);

/// Ends its thread when it is dropped.
pub struct Provider(Arc<Inner>);

struct Inner {
    source: Source,
    bounds: Bounds,
    state: Mutex<State>,
    /// Wakes the thread.
    wanted: Condvar,
    /// How many fetches have ended.
    ended: watch::Sender<u64>,
}

struct State {
    keys: Option<Known>,
    /// When the last fetch began; `None` while the first is to come.
    began: Option<Instant>,
    /// A fetch is under way, or the thread has been told to begin one.
    busy: bool,
    closed: bool,
}

struct Known {
    set: Arc<KeySet>,
    at: Instant,
}

impl Provider {
    /// Fetches at once. Whether that succeeds is not waited for: a provider that is down keeps no gateway from starting.
    pub fn start(source: Source, bounds: Bounds) -> Arc<Self> {
        let state = State { keys: None, began: None, busy: true, closed: false };
        let (ended, _) = watch::channel(0);
        let inner = Arc::new(Inner { source, bounds, state: Mutex::new(state), wanted: Condvar::new(), ended });
        let own = inner.clone();
        let thread = std::thread::Builder::new().name("keys".into()).spawn(move || own.run());
        if let Err(error) = thread {
            tracing::error!(%error, "no thread for the keys of tokens: they are not fetched");
            inner.state.lock().busy = false;
        }
        Arc::new(Self(inner))
    }

    /// Fetches again, fresh or not.
    pub fn renew(&self) {
        self.0.state.lock().busy = true;
        self.0.wanted.notify_one();
    }

    /// The keys to judge this token by. Waits where one fetch more might bring its key.
    ///
    /// # Errors
    /// There are none, or they are too old.
    pub async fn keys(&self, token: &str) -> Result<Arc<KeySet>, Fault> {
        let mut ended = self.0.ended.subscribe();
        let known = self.0.known();
        if known.as_ref().is_some_and(|keys| !keys.lacks_key_of(token)) || !self.0.ask() {
            return known.ok_or(NONE);
        }
        // The thread's own bound ends a fetch; twice that, lest a login hang if it should not.
        let _ = tokio::time::timeout(2 * self.0.bounds.time, ended.changed()).await;
        self.0.known().ok_or(NONE)
    }
}

const NONE: Fault = "the keys of its issuer could not be fetched";

impl Drop for Provider {
    fn drop(&mut self) {
        self.0.state.lock().closed = true;
        self.0.wanted.notify_one();
    }
}

impl Inner {
    fn known(&self) -> Option<Arc<KeySet>> {
        let state = self.state.lock();
        state.keys.as_ref().filter(|known| known.at.elapsed() < self.bounds.keep).map(|known| known.set.clone())
    }

    /// Is there a fetch to wait for? One is begun if the last is long enough ago.
    fn ask(&self) -> bool {
        let mut state = self.state.lock();
        if !state.busy && state.began.is_none_or(|began| began.elapsed() >= self.bounds.pause) {
            state.busy = true;
            self.wanted.notify_one();
        }
        state.busy
    }

    fn run(&self) {
        let mut failures = 0;
        loop {
            let mut state = self.state.lock();
            if state.closed {
                return;
            }
            state.began = Some(Instant::now());
            drop(state);
            METRICS.jwks_fetches.increment();
            let fetched = fetch(&self.source, &self.bounds);
            let mut state = self.state.lock();
            let next = match fetched {
                Ok(answer) => {
                    for problem in answer.left_out {
                        tracing::warn!(source = %self.source, problem, "a key for tokens was left out");
                    }
                    if failures > 0 || state.keys.is_none() {
                        tracing::info!(source = %self.source, "the keys for tokens were fetched");
                    }
                    failures = 0;
                    state.keys = Some(Known { set: Arc::new(answer.keys), at: Instant::now() });
                    answer.fresh
                }
                Err(problem) => {
                    METRICS.jwks_failures.increment();
                    self.tell(&state, &problem);
                    failures += 1;
                    self.bounds.pause.saturating_mul(1 << failures.min(16)).min(RETRY).max(self.bounds.pause)
                }
            };
            state.busy = false;
            self.ended.send_modify(|ended| *ended += 1);
            let until = Instant::now() + next;
            while !state.busy && !state.closed {
                if self.wanted.wait_until(&mut state, until).timed_out() {
                    state.busy = true;
                }
            }
        }
    }

    fn tell(&self, state: &State, problem: &str) {
        let source = &self.source;
        let left = state.keys.as_ref().map(|known| self.bounds.keep.saturating_sub(known.at.elapsed()));
        match left {
            Some(left) if !left.is_zero() => {
                let left = left.as_secs();
                tracing::error!(%source, problem, left, "the keys for tokens were not fetched: those before hold for that many seconds more");
            }
            Some(_) => {
                tracing::error!(%source, problem, "the keys for tokens were not fetched, and those before are too old: no token is accepted")
            }
            None => tracing::error!(%source, problem, "the keys for tokens were not fetched: no token is accepted"),
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.at {
            super::At::Set(url) | super::At::Issuer(url) => f.write_str(url),
        }
    }
}
