//! Which tables others have committed changes to, and when: what a transaction that begins anew has to know of the time
//! since it began.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::Writes;
use crate::types::Oid;

/// A moment between commits. Taken before a transaction's snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(u64);

/// What a transaction has written so far.
#[derive(Debug, Default)]
pub(super) struct Written {
    tables: Vec<Oid>,
    /// Something that has no OID: anything may have changed.
    anything: bool,
}

impl Written {
    pub fn add(&mut self, writes: Writes) {
        match writes {
            Writes::Nothing => {}
            Writes::Table(oid) if self.tables.contains(&oid) => {}
            Writes::Table(oid) => self.tables.push(oid),
            Writes::Anything => self.anything = true,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Commits(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Counts beginnings and ends of commits.
    number: u64,
    tables: HashMap<Oid, Last>,
    anything: Last,
    /// Any commit at all.
    some: Last,
}

/// When something was last changed, and how many commits that change it are under way.
#[derive(Debug, Default)]
struct Last {
    at: u64,
    under_way: u32,
}

impl Last {
    fn begin(&mut self, now: u64) {
        self.at = now;
        self.under_way += 1;
    }

    fn end(&mut self, now: u64) {
        self.at = now;
        self.under_way -= 1;
    }

    fn since(&self, moment: Moment) -> bool {
        self.under_way > 0 || self.at > moment.0
    }
}

impl Commits {
    pub fn now(&self) -> Moment {
        Moment(self.0.lock().number)
    }

    /// A commit of these changes is under way for as long as the guard lives, whether it succeeds or not.
    pub fn begin(&self, written: Written) -> Committing<'_> {
        let step: fn(&mut Last, u64) = Last::begin;
        self.0.lock().step(&written, step);
        Committing { commits: self, written }
    }

    /// True if a commit has ended or begun since `moment` (or is under way) that changed one of these tables;
    /// `None` asks for any change at all.
    pub fn changed_since(&self, moment: Moment, tables: Option<&[Oid]>) -> bool {
        let state = self.0.lock();
        match tables {
            None => state.some.since(moment),
            Some([]) => false,
            Some(tables) => {
                state.anything.since(moment)
                    || tables.iter().any(|oid| state.tables.get(oid).is_some_and(|last| last.since(moment)))
            }
        }
    }
}

impl State {
    fn step(&mut self, written: &Written, step: fn(&mut Last, u64)) {
        self.number += 1;
        let now = self.number;
        if written.anything || !written.tables.is_empty() {
            step(&mut self.some, now);
        }
        if written.anything {
            step(&mut self.anything, now);
        }
        for oid in &written.tables {
            step(self.tables.entry(*oid).or_default(), now);
        }
    }
}

pub(super) struct Committing<'a> {
    commits: &'a Commits,
    written: Written,
}

impl Drop for Committing<'_> {
    fn drop(&mut self) {
        self.commits.0.lock().step(&self.written, Last::end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(writes: &[Writes]) -> Written {
        let mut all = Written::default();
        writes.iter().for_each(|w| all.add(*w));
        all
    }

    #[test]
    fn a_commit_counts_from_its_beginning_to_its_end_and_for_its_tables_alone() {
        let commits = Commits::default();
        let before = commits.now();
        assert!(!commits.changed_since(before, None));
        let one = commits.begin(written(&[Writes::Table(1), Writes::Table(1), Writes::Nothing]));
        let during = commits.now();
        assert!(commits.changed_since(during, Some(&[1])));
        drop(one);
        assert!(commits.changed_since(during, Some(&[2, 1])));
        assert!(!commits.changed_since(during, Some(&[2])));
        assert!(!commits.changed_since(commits.now(), None));
        assert!(commits.changed_since(before, None));
        drop(commits.begin(written(&[Writes::Anything])));
        assert!(commits.changed_since(during, Some(&[2])));
        assert!(!commits.changed_since(during, Some(&[])));
    }

    #[test]
    fn temporary_work_tables_change_nothing_for_others() {
        let commits = Commits::default();
        let before = commits.now();
        drop(commits.begin(written(&[Writes::Nothing])));
        assert!(!commits.changed_since(before, None));
    }
}
