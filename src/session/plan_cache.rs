//! The cache of parsed texts and compiled statements that all sessions share.

use std::hash::Hash;
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

/// How many bytes of clients' texts are kept, and again with their plans. What is made of a text takes some 180 times its length
/// for both together: tools that write each value into the text would fill the memory long before the count of entries ends it.
const KEPT_BYTES: usize = 1 << 20;

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

impl Text {
    /// Short enough for the cache. What is counted against the memory of long texts goes when its statements go.
    fn is_kept(&self) -> bool {
        self.text.len() <= CACHED_TEXT_BYTES && self.statements.iter().all(|parsed| !parsed.source.memory.is_counted())
    }
}

/// Where a statement was written.
#[derive(Clone)]
pub struct Origin {
    pub text: Arc<Text>,
    pub index: usize,
    /// What its calls of PL/pgSQL have given so far.
    pub given: Arc<[crate::sql::calls::Given]>,
}

impl Origin {
    pub fn new(text: Arc<Text>, index: usize) -> Self {
        Self { text, index, given: Arc::default() }
    }

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

/// What was used last, by number and by the length of texts.
struct Bounded<K, V> {
    entries: LruCache<K, V>,
    bytes: usize,
    length: fn(&K) -> usize,
}

impl<K: Hash + Eq, V> Bounded<K, V> {
    fn new(entries: NonZeroUsize, length: fn(&K) -> usize) -> Self {
        Self { entries: LruCache::new(entries), bytes: 0, length }
    }

    fn put(&mut self, key: K, value: V) {
        self.bytes += (self.length)(&key);
        // What had the key before, or what goes for it.
        if let Some((key, _)) = self.entries.push(key, value) {
            self.bytes -= (self.length)(&key);
        }
        while self.bytes > KEPT_BYTES
            && let Some((key, _)) = self.entries.pop_lru()
        {
            self.bytes -= (self.length)(&key);
        }
    }
}

pub struct PlanCache {
    texts: Mutex<Bounded<Arc<str>, Arc<Text>>>,
    plans: Mutex<Bounded<Key, Arc<Compiled>>>,
}

impl PlanCache {
    /// For so many texts, and as many plans.
    pub fn new(entries: usize) -> Self {
        let entries = NonZeroUsize::new(entries).unwrap_or(NonZeroUsize::MIN);
        Self {
            texts: Mutex::new(Bounded::new(entries, |text| text.len())),
            plans: Mutex::new(Bounded::new(entries, |key| key.text.len())),
        }
    }

    /// The statements of a text.
    pub fn parse(&self, text: &str) -> Result<Arc<Text>> {
        if let Some(found) = self.texts.lock().entries.get(text) {
            return Ok(found.clone());
        }
        let statements = aside(text, || sql::parse(text))?;
        let parsed = Arc::new(Text::new(text.into(), statements));
        if parsed.is_kept() {
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
        if let Some(found) = self.plans.lock().entries.get(&key) {
            return Ok(found.clone());
        }
        let compiled = Arc::new(aside(&text.text, compile)?);
        if text.is_kept() && !compiled.reads_files() {
            self.plans.lock().put(key, compiled.clone());
        }
        Ok(compiled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_by_the_length_of_texts() {
        let cache = PlanCache::new(10_000);
        let text = |n: usize| format!("select '{}{n}'", "x".repeat(KEPT_BYTES / 100));
        for n in (0..300).chain([250, 299]) {
            cache.parse(&text(n)).expect("parses");
        }
        let texts = cache.texts.lock();
        let kept: usize = texts.entries.iter().map(|(text, _)| text.len()).sum();
        assert_eq!(texts.bytes, kept);
        assert!((KEPT_BYTES / 2..=KEPT_BYTES).contains(&kept), "{kept}");
        assert!(texts.entries.contains(text(299).as_str()) && !texts.entries.contains(text(0).as_str()));
    }

    #[test]
    fn what_is_kept_is_bounded_by_number() {
        let cache = PlanCache::new(2);
        for n in [1, 2, 2, 3] {
            cache.parse(&format!("select {n}")).expect("parses");
        }
        let texts = cache.texts.lock();
        assert_eq!((texts.entries.len(), texts.bytes), (2, 2 * "select 1".len()));
    }
}
