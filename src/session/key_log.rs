//! Which keys the transactions that have committed lately referred to or took away: what the snapshots of two transactions
//! hide from each other.
//!
//! One inserts a child, the other deletes its parent; each finds its own snapshot whole. So each transaction collects, by
//! foreign key, hashes of the keys that its rows refer to and of those that it has taken from the parent, and commits in
//! turn: not if a commit since it began met the same key from the other side. Likewise two that have both written the same
//! value of a unique key that no index of DuckDB's holds.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

use crate::types::Oid;

/// Commits that are remembered. A transaction that is older than all of them cannot be judged.
const REMEMBERED: usize = 10_000;

/// Keys of one foreign key, as hashes.
#[derive(Debug, Clone)]
pub enum Keys {
    Some(HashSet<u64>),
    /// Too many to tell, or not comparable.
    All,
}

impl Keys {
    fn add(&mut self, more: Self) {
        match (&mut *self, more) {
            (Self::Some(known), Self::Some(more)) => known.extend(more),
            _ => *self = Self::All,
        }
    }

    fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Some(a), Self::Some(b)) => !a.is_disjoint(b),
            (Self::Some(some), Self::All) | (Self::All, Self::Some(some)) => !some.is_empty(),
            (Self::All, Self::All) => true,
        }
    }
}

/// What a transaction has to do with keys, by the foreign key's OID.
#[derive(Debug, Clone, Default)]
pub struct Footprint {
    referred: HashMap<Oid, Keys>,
    removed: HashMap<Oid, Keys>,
    claimed: HashMap<Oid, Keys>,
}

impl Footprint {
    pub fn is_empty(&self) -> bool {
        self.referred.is_empty() && self.removed.is_empty() && self.claimed.is_empty()
    }

    /// Its rows refer to these keys now.
    pub fn refers(&mut self, constraint: Oid, keys: Keys) {
        add(&mut self.referred, constraint, keys);
    }

    /// The parent no longer has these keys.
    pub fn removes(&mut self, constraint: Oid, keys: Keys) {
        add(&mut self.removed, constraint, keys);
    }

    /// Its rows have these values of a unique key.
    pub fn claims(&mut self, key: Oid, keys: Keys) {
        add(&mut self.claimed, key, keys);
    }

    /// The foreign key that the two meet at, from different sides, or the unique key that both have written.
    fn meets(&self, other: &Self) -> Option<Oid> {
        let crossed = |ours: &HashMap<Oid, Keys>, theirs: &HashMap<Oid, Keys>| {
            ours.iter().find_map(|(oid, keys)| theirs.get(oid).is_some_and(|k| k.meets(keys)).then_some(*oid))
        };
        crossed(&self.referred, &other.removed)
            .or_else(|| crossed(&self.removed, &other.referred))
            .or_else(|| crossed(&self.claimed, &other.claimed))
    }
}

fn add(known: &mut HashMap<Oid, Keys>, constraint: Oid, keys: Keys) {
    match known.get_mut(&constraint) {
        Some(known) => known.add(keys),
        None => drop(known.insert(constraint, keys)),
    }
}

/// The footprints of commits that some running transaction may not have seen.
#[derive(Default)]
pub struct KeyLog {
    turn: Arc<tokio::sync::Mutex<()>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Commits so far.
    number: u64,
    commits: VecDeque<(u64, Footprint)>,
    /// Before which commits the running transactions began, and how many each.
    running: BTreeMap<u64, usize>,
    /// The last commit that was forgotten.
    forgotten: u64,
}

impl State {
    /// Forgets what every running transaction has seen.
    fn prune(&mut self) {
        let oldest = self.running.keys().next().copied().unwrap_or(self.number);
        while let Some((number, _)) = self.commits.front()
            && (*number <= oldest || self.commits.len() > REMEMBERED)
        {
            self.forgotten = *number;
            self.commits.pop_front();
        }
    }
}

/// A transaction that has begun: what commits from here on is remembered for it.
pub struct Began {
    log: Arc<KeyLog>,
    number: u64,
}

impl Drop for Began {
    fn drop(&mut self) {
        let mut state = self.log.state.lock();
        if let Some(count) = state.running.get_mut(&self.number) {
            *count -= 1;
            if *count == 0 {
                state.running.remove(&self.number);
            }
        }
        state.prune();
    }
}

/// The turn of who commits; what it did counts when it is over. (It counts though the commit fails: that makes somebody
/// try again who need not.)
pub struct Turn {
    log: Arc<KeyLog>,
    footprint: Footprint,
    _turn: OwnedMutexGuard<()>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.log.state.lock();
        state.number += 1;
        let entry = (state.number, std::mem::take(&mut self.footprint));
        state.commits.push_back(entry);
        state.prune();
    }
}

/// Why a transaction must not commit.
#[derive(Debug, PartialEq, Eq)]
pub enum Meets {
    /// This foreign key has been met from the other side.
    Key(Oid),
    /// It began too long ago.
    TooOld,
}

impl KeyLog {
    /// Before the engine takes the transaction's snapshot.
    pub fn begin(self: &Arc<Self>) -> Began {
        let mut state = self.state.lock();
        let number = state.number;
        *state.running.entry(number).or_default() += 1;
        Began { log: self.clone(), number }
    }

    /// Waits for the turn to commit. To be held until the engine has committed.
    pub async fn turn(self: &Arc<Self>, footprint: Footprint, began: &Began) -> Result<Turn, Meets> {
        let guard = self.turn.clone().lock_owned().await;
        let state = self.state.lock();
        if state.forgotten > began.number {
            return Err(Meets::TooOld);
        }
        let since = state.commits.iter().filter(|(number, _)| *number > began.number);
        if let Some(oid) = since.clone().find_map(|(_, theirs)| footprint.meets(theirs)) {
            return Err(Meets::Key(oid));
        }
        drop(state);
        Ok(Turn { log: self.clone(), footprint, _turn: guard })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[u64]) -> Keys {
        Keys::Some(keys.iter().copied().collect())
    }

    fn refers(to: Keys) -> Footprint {
        let mut footprint = Footprint::default();
        footprint.refers(1, to);
        footprint
    }

    fn removes(what: Keys) -> Footprint {
        let mut footprint = Footprint::default();
        footprint.removes(1, what);
        footprint
    }

    async fn both(first: Footprint, second: Footprint) -> bool {
        let log = Arc::<KeyLog>::default();
        let (a, b) = (log.begin(), log.begin());
        drop(log.turn(first, &a).await.ok().unwrap());
        drop(a);
        log.turn(second, &b).await.is_ok()
    }

    #[tokio::test]
    async fn two_do_not_both_write_a_unique_key() {
        let claims = |what: Keys| {
            let mut footprint = Footprint::default();
            footprint.claims(1, what);
            footprint
        };
        assert!(!both(claims(keys(&[1, 2])), claims(keys(&[2]))).await);
        assert!(both(claims(keys(&[1])), claims(keys(&[2]))).await);
        assert!(both(claims(keys(&[1])), refers(keys(&[1]))).await);
    }

    #[tokio::test]
    async fn a_child_and_the_removal_of_its_parent_do_not_both_commit() {
        assert!(!both(refers(keys(&[1, 2])), removes(keys(&[2]))).await);
        assert!(!both(removes(keys(&[2])), refers(keys(&[1, 2]))).await);
        assert!(!both(removes(Keys::All), refers(keys(&[7]))).await);
        assert!(both(refers(keys(&[1])), removes(keys(&[2]))).await);
        assert!(both(refers(keys(&[1])), refers(keys(&[1]))).await);
        assert!(both(removes(Keys::All), removes(keys(&[1]))).await);
    }

    #[tokio::test]
    async fn what_everybody_has_seen_is_forgotten_and_who_is_too_old_is_told_so() {
        let log = Arc::<KeyLog>::default();
        let old = log.begin();
        for _ in 0..=REMEMBERED {
            let one = log.begin();
            drop(log.turn(refers(keys(&[1])), &one).await.ok().unwrap());
        }
        assert_eq!(log.state.lock().commits.len(), REMEMBERED);
        assert_eq!(log.turn(refers(keys(&[1])), &old).await.err(), Some(Meets::TooOld));
        drop(old);
        assert!(log.state.lock().commits.is_empty());
        let new = log.begin();
        assert!(log.turn(removes(keys(&[1])), &new).await.is_ok());
    }
}
