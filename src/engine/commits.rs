//! Which tables others have committed changes to, and when: what a transaction that begins anew has to know of the time
//! since it began; and of two that have changed rows of one table in ways that overlook each other, which may not both commit.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::{Change, Writes};
use crate::error::{Error, Result, SqlState};
use crate::types::Oid;

/// A moment between commits. Taken before a transaction's snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(u64);

/// What a transaction has written so far.
#[derive(Debug, Default)]
pub(super) struct Written {
    tables: Vec<OfTable>,
    /// Something that has no OID: anything may have changed.
    anything: bool,
}

#[derive(Debug, Clone, Copy)]
struct OfTable {
    oid: Oid,
    change: Change,
    /// Rows were changed or removed that the gateway does not keep from others one by one.
    loose: bool,
}

impl Written {
    /// `singly`: see [`super::Run::singly`].
    pub fn add(&mut self, writes: Writes, singly: bool) {
        match writes {
            Writes::Nothing | Writes::Aside => {}
            Writes::Table(oid, change) => {
                let loose = !singly && (change.in_place || change.removes);
                // Changes of rows and of the definition are told apart.
                let of_kind = |of: &&mut OfTable| of.oid == oid && of.change.redefines == change.redefines;
                match self.tables.iter_mut().find(of_kind) {
                    Some(OfTable { change: known, loose: known_loose, .. }) => {
                        let Change { in_place, removes, redefines, rebuilds, appends } = change;
                        known.in_place |= in_place;
                        known.removes |= removes;
                        known.redefines |= redefines;
                        known.rebuilds |= rebuilds;
                        known.appends |= appends;
                        *known_loose |= loose;
                    }
                    None => self.tables.push(OfTable { oid, change, loose }),
                }
            }
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
    tables: HashMap<Oid, Table>,
    anything: Last,
    /// Any commit at all.
    some: Last,
}

/// A table's last changes of any kind, of the two kinds that overlook each other (all of them, and those of rows that are not
/// kept from others one by one), and of its definition.
#[derive(Debug, Default)]
struct Table {
    any: Last,
    in_place: Last,
    removes: Last,
    loose_in_place: Last,
    loose_removes: Last,
    redefines: Last,
    /// Changes of its rows, and copies of them that came in their place.
    rows: Last,
    rebuilds: Last,
}

impl Table {
    fn step(&mut self, OfTable { oid: _, change, loose }: OfTable, now: u64, step: fn(&mut Last, u64)) {
        step(&mut self.any, now);
        if change.in_place {
            step(&mut self.in_place, now);
            if loose {
                step(&mut self.loose_in_place, now);
            }
        }
        if change.removes {
            step(&mut self.removes, now);
            if loose {
                step(&mut self.loose_removes, now);
            }
        }
        match change.redefines {
            true => step(&mut self.redefines, now),
            false => step(&mut self.rows, now),
        }
        if change.rebuilds {
            step(&mut self.rebuilds, now);
        }
    }
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
    ///
    /// Fails with 40001 if a commit since `moment`, before which the transaction began, may have changed the same rows in
    /// the way that DuckDB does not notice.
    pub fn begin(&self, written: Written, moment: Option<Moment>) -> Result<Committing<'_>> {
        let mut state = self.0.lock();
        let overlooked = |OfTable { oid, change, loose }: &OfTable| {
            let Some(table) = state.tables.get(oid) else { return false };
            // Who changes rows while they are copied would change them where nobody looks any more.
            let copied = |moment: Option<Moment>| match moment {
                Some(moment) => table.rebuilds.since(moment),
                None => table.rebuilds.under_way > 0,
            };
            let Some(began) = moment else { return !change.redefines && copied(None) };
            // Two that keep their rows from each other do not meet in one.
            let (removes, in_place) = match loose {
                true => (&table.removes, &table.in_place),
                false => (&table.loose_removes, &table.loose_in_place),
            };
            change.in_place && removes.since(began)
                || change.removes && in_place.since(began)
                || change.rebuilds && table.rows.since(began)
                || !change.redefines && copied(moment)
        };
        if written.tables.iter().any(overlooked) {
            return Err(Error::new(
                SqlState::T_R_SERIALIZATION_FAILURE,
                "could not serialize access due to concurrent update",
            )
            .detail("Another transaction has changed rows of the same table in another way.")
            .hint("The transaction might succeed if retried."));
        }
        state.step(&written, Last::begin);
        drop(state);
        Ok(Committing { commits: self, written })
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
                    || tables.iter().any(|oid| state.tables.get(oid).is_some_and(|table| table.any.since(moment)))
            }
        }
    }

    /// True if a commit since `moment` has removed rows of the table, or may have.
    pub fn removed_since(&self, moment: Moment, table: Oid) -> bool {
        let state = self.0.lock();
        let removed = |table: &Table| table.removes.since(moment) || table.redefines.since(moment);
        state.anything.since(moment) || state.tables.get(&table).is_some_and(removed)
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
        for of in &written.tables {
            self.tables.entry(of.oid).or_default().step(*of, now, step);
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
        writes.iter().for_each(|w| all.add(*w, false));
        all
    }

    const APPENDS: Change = Change::APPENDS;
    const IN_PLACE: Change = Change { in_place: true, ..APPENDS };
    const REMOVES: Change = Change { removes: true, ..APPENDS };

    #[test]
    fn a_commit_counts_from_its_beginning_to_its_end_and_for_its_tables_alone() {
        let commits = Commits::default();
        let before = commits.now();
        assert!(!commits.changed_since(before, None));
        let table = Writes::Table(1, APPENDS);
        let one = commits.begin(written(&[table, table, Writes::Nothing]), None).unwrap();
        let during = commits.now();
        assert!(commits.changed_since(during, Some(&[1])));
        drop(one);
        assert!(commits.changed_since(during, Some(&[2, 1])));
        assert!(!commits.changed_since(during, Some(&[2])));
        assert!(!commits.changed_since(commits.now(), None));
        assert!(commits.changed_since(before, None));
        drop(commits.begin(written(&[Writes::Anything]), None).unwrap());
        assert!(commits.changed_since(during, Some(&[2])));
        assert!(!commits.changed_since(during, Some(&[])));
    }

    #[test]
    fn temporary_work_tables_change_nothing_for_others() {
        let commits = Commits::default();
        let before = commits.now();
        drop(commits.begin(written(&[Writes::Nothing]), None).unwrap());
        assert!(!commits.changed_since(before, None));
    }

    #[test]
    fn a_change_in_place_and_a_removal_of_the_same_time_do_not_both_commit() {
        let commits = Commits::default();
        let both = |first, second| {
            let began = Some(commits.now());
            drop(commits.begin(written(&[Writes::Table(1, first)]), began).unwrap());
            commits.begin(written(&[Writes::Table(1, second)]), began).is_ok()
        };
        assert!(!both(IN_PLACE, REMOVES));
        assert!(!both(REMOVES, IN_PLACE));
        let either = Change { in_place: true, ..REMOVES };
        assert!(!both(either, either));
        // DuckDB notices these by itself, row by row.
        assert!(both(IN_PLACE, IN_PLACE));
        assert!(both(REMOVES, REMOVES));
        assert!(both(APPENDS, REMOVES));
        assert!(both(IN_PLACE, Change::REDEFINES), "GRANT, say; what moves rows is kept off by locks");
    }

    #[test]
    fn who_keeps_its_rows_from_others_meets_only_who_does_not() {
        let commits = Commits::default();
        let one = |change, singly| {
            let mut written = Written::default();
            written.add(Writes::Table(1, change), singly);
            written
        };
        let both = |first, second| {
            let began = Some(commits.now());
            drop(commits.begin(first, began).unwrap());
            commits.begin(second, began).is_ok()
        };
        assert!(both(one(IN_PLACE, true), one(REMOVES, true)));
        assert!(both(one(REMOVES, true), one(IN_PLACE, true)));
        assert!(!both(one(REMOVES, false), one(IN_PLACE, true)));
        assert!(!both(one(REMOVES, true), one(IN_PLACE, false)));
        // What is added is nobody else's yet; one loose change makes all of a transaction's loose.
        let mut several = one(IN_PLACE, true);
        several.add(Writes::Table(1, APPENDS), false);
        assert!(both(several, one(REMOVES, true)));
        let mut several = one(IN_PLACE, true);
        several.add(Writes::Table(1, IN_PLACE), false);
        assert!(!both(several, one(REMOVES, true)));
        // While one is under way.
        let removes = commits.begin(one(REMOVES, false), None).unwrap();
        assert!(commits.begin(one(IN_PLACE, true), Some(commits.now())).is_err());
        drop(removes);
        assert!(commits.begin(one(IN_PLACE, true), Some(commits.now())).is_ok());
    }

    #[test]
    fn rows_that_are_copied_are_not_changed_at_the_same_time() {
        let commits = Commits::default();
        let began = Some(commits.now());
        drop(commits.begin(written(&[Writes::Table(1, APPENDS)]), began).unwrap());
        assert!(commits.begin(written(&[Writes::Table(1, Change::REBUILDS)]), began).is_err());
        let began = Some(commits.now());
        let copies = commits.begin(written(&[Writes::Table(1, Change::REBUILDS)]), began).unwrap();
        assert!(commits.begin(written(&[Writes::Table(1, APPENDS)]), began).is_err());
        assert!(commits.begin(written(&[Writes::Table(1, APPENDS)]), None).is_err(), "while it is under way");
        assert!(commits.begin(written(&[Writes::Table(2, APPENDS)]), None).is_ok());
        drop(copies);
        assert!(commits.begin(written(&[Writes::Table(1, APPENDS)]), began).is_err());
        assert!(commits.begin(written(&[Writes::Table(1, APPENDS)]), None).is_ok());
    }

    #[test]
    fn a_definition_is_a_change_of_its_table_alone() {
        let commits = Commits::default();
        let before = commits.now();
        drop(commits.begin(written(&[Writes::Table(1, Change::REDEFINES), Writes::Nothing]), None).unwrap());
        assert!(commits.changed_since(before, Some(&[1])) && commits.removed_since(before, 1));
        assert!(!commits.changed_since(before, Some(&[2])) && !commits.removed_since(before, 2));
    }
}
