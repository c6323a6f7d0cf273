//! The cache of parsed texts and compiled statements that all sessions share.

use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};

use lru::LruCache;
use parking_lot::Mutex;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::environment::EnvironmentKey;
use crate::error::{Error, Result};
use crate::observe::audit::Digest;
use crate::sql::parse::Variable;
use crate::sql::{self, Compiled, Parsed};
use crate::types::Oid;

/// Statements longer than this, in bytes, are compiled anew each time: they would push many others out of the cache.
const CACHED_TEXT_BYTES: usize = 64 << 10;

/// Statements longer than this, in bytes, take long enough to parse and compile that the thread's other sessions go on
/// elsewhere meanwhile.
const LONG_TEXT_BYTES: usize = 64 << 10;

/// Runs `work` on a text. If that is long, the runtime gives the other tasks of this thread to another first.
fn aside<T>(text: &str, work: impl FnOnce() -> T) -> T {
    let threads = || Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    if text.len() > LONG_TEXT_BYTES && threads() { tokio::task::block_in_place(work) } else { work() }
}

/// A client's text and its statements.
pub struct Text {
    pub text: Arc<str>,
    pub statements: Vec<Parsed>,
    /// What the audit keeps of each.
    pub(super) digests: Box<[OnceLock<Arc<Digest>>]>,
}

impl Text {
    pub fn new(text: Arc<str>, statements: Vec<Parsed>) -> Self {
        let digests = statements.iter().map(|_| OnceLock::new()).collect();
        Self { text, statements, digests }
    }
}

/// Where a statement was written.
#[derive(Clone)]
pub struct Origin {
    pub text: Arc<Text>,
    pub index: usize,
}

impl Origin {
    pub fn parsed(&self) -> Result<&Parsed> {
        self.text.statements.get(self.index).ok_or_else(|| Error::internal("no such statement in the text"))
    }
}

/// Everything that a compiled statement depends on.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    /// The whole text that it came in (positions in its errors count there), and which of its statements it is.
    text: Arc<str>,
    index: u32,
    /// The parameter types that the client gave; 0 is unspecified.
    params: Arc<[Oid]>,
    variables: Arc<[Variable]>,
    environment: Arc<EnvironmentKey>,
}

pub struct PlanCache {
    texts: Mutex<LruCache<Arc<str>, Arc<Text>>>,
    plans: Mutex<LruCache<Key, Arc<Compiled>>>,
}

impl PlanCache {
    pub fn new(entries: usize) -> Self {
        let entries = NonZeroUsize::new(entries).unwrap_or(NonZeroUsize::MIN);
        Self { texts: Mutex::new(LruCache::new(entries)), plans: Mutex::new(LruCache::new(entries)) }
    }

    /// The statements of a text.
    pub fn parse(&self, text: &str) -> Result<Arc<Text>> {
        if let Some(found) = self.texts.lock().get(text) {
            return Ok(found.clone());
        }
        let statements = aside(text, || sql::parse(text))?;
        let parsed = Arc::new(Text::new(text.into(), statements));
        if text.len() <= CACHED_TEXT_BYTES {
            self.texts.lock().put(parsed.text.clone(), parsed.clone());
        }
        Ok(parsed)
    }

    /// One statement of a text, compiled for this environment.
    pub fn compile(
        &self,
        text: &Text,
        index: usize,
        params: &Arc<[Oid]>,
        environment: &super::environment::Environment,
        compile: impl FnOnce() -> Result<Compiled>,
    ) -> Result<Arc<Compiled>> {
        let key = Key {
            text: text.text.clone(),
            index: index as u32,
            params: params.clone(),
            variables: text.statements.get(index).map(|parsed| parsed.variables.clone()).unwrap_or_default(),
            environment: environment.key.clone(),
        };
        if let Some(found) = self.plans.lock().get(&key) {
            return Ok(found.clone());
        }
        let compiled = Arc::new(aside(&text.text, compile)?);
        if text.text.len() <= CACHED_TEXT_BYTES {
            self.plans.lock().put(key, compiled.clone());
        }
        Ok(compiled)
    }
}
