//! Which data have changed, for plans that were made before.
//!
//! DuckDB plans with the statistics of the moment and does not look again: a prepared `WHERE a > 100` that is planned
//! while no value exceeds 100 stays empty for ever. So a plan is run again only while the data is as it was; it is
//! asked before the statement begins and once more when its snapshot has been taken. A look-up by key reads one table,
//! and asks for changes of that one alone.

use std::collections::HashMap;

use parking_lot::RwLock;

use super::Writes;
use crate::types::Oid;

/// How many tables are told apart before the oldest knowledge of them is given up.
const TABLES: usize = 4096;

/// Counts changes of the data.
#[derive(Default)]
pub(super) struct DataVersion(RwLock<Versions>);

#[derive(Default)]
struct Versions {
    /// Any change at all.
    all: Version,
    /// Changes that are not of known tables' rows alone.
    other: Version,
    tables: HashMap<Oid, Version>,
}

#[derive(Default, Clone, Copy)]
struct Version {
    writers: u32,
    /// Only grows.
    number: u64,
}

/// What a plan depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reads {
    Anything,
    /// Rows of this table, and nothing else.
    Table(Oid),
    /// Definitions alone: the plan is the same whatever rows there are.
    Definitions,
}

/// A state of the data that a plan was made for; `None` while somebody was writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp(Option<u64>);

/// What a transaction has touched, or a statement does.
#[derive(Debug, Default, Clone)]
pub(super) struct Touched {
    tables: Vec<Oid>,
    other: bool,
}

impl Touched {
    pub fn of(writes: Writes) -> Self {
        let mut touched = Self::default();
        touched.add(writes);
        touched
    }

    /// What is no table's change is any table's: temporary tables too are looked up by key.
    pub fn add(&mut self, writes: Writes) {
        match writes {
            Writes::Table(_, change) if change.redefines => self.other = true,
            Writes::Table(oid, _) if self.tables.contains(&oid) => {}
            Writes::Table(oid, _) => self.tables.push(oid),
            Writes::Nothing | Writes::Aside | Writes::Anything => self.other = true,
        }
    }

    pub fn is_empty(&self) -> bool {
        !self.other && self.tables.is_empty()
    }
}

impl DataVersion {
    pub fn now(&self, reads: Reads) -> Stamp {
        let versions = self.0.read();
        let (one, two) = match reads {
            Reads::Anything => (versions.all, Version::default()),
            Reads::Definitions => (versions.other, Version::default()),
            Reads::Table(oid) => (versions.other, versions.tables.get(&oid).copied().unwrap_or_default()),
        };
        // Both only grow: so their sum is as it was only if both are.
        Stamp((one.writers == 0 && two.writers == 0).then(|| one.number + two.number))
    }

    /// True if nobody has written since `stamp`, and nobody did then.
    pub fn is(&self, stamp: Stamp, reads: Reads) -> bool {
        stamp.0.is_some() && self.now(reads) == stamp
    }

    /// True if nobody writes at the moment.
    pub fn is_quiet(&self) -> bool {
        self.0.read().all.writers == 0
    }

    /// Somebody writes for as long as the guard lives: around a statement that changes something, and a COMMIT.
    pub fn write(&self, touched: Touched) -> Writing<'_> {
        let mut versions = self.0.write();
        versions.make_room();
        versions.each(&touched, |version| {
            version.writers += 1;
            version.number += 1;
        });
        drop(versions);
        Writing { data: self, touched }
    }
}

impl Versions {
    fn each(&mut self, touched: &Touched, step: fn(&mut Version)) {
        step(&mut self.all);
        if touched.other {
            step(&mut self.other);
        }
        for oid in &touched.tables {
            step(self.tables.entry(*oid).or_default());
        }
    }

    /// Forgets the tables, many of which may be gone: as if all of them had changed.
    fn make_room(&mut self) {
        if self.tables.len() < TABLES || self.tables.values().any(|version| version.writers > 0) {
            return;
        }
        let highest = self.tables.values().map(|version| version.number).max().unwrap_or_default();
        self.tables.clear();
        self.other.number += highest + 1;
    }
}

pub(super) struct Writing<'a> {
    data: &'a DataVersion,
    touched: Touched,
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.data.0.write().each(&self.touched, |version| {
            version.writers -= 1;
            version.number += 1;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Change;

    fn table(oid: Oid) -> Touched {
        Touched::of(Writes::Table(oid, Change::default()))
    }

    #[test]
    fn a_look_up_goes_on_while_other_tables_change_and_a_query_does_not() {
        let data = DataVersion::default();
        let (one, query) = (data.now(Reads::Table(1)), data.now(Reads::Anything));
        let writing = data.write(table(2));
        assert!(!data.is_quiet());
        assert!(data.is(one, Reads::Table(1)) && !data.is(query, Reads::Anything));
        assert!(!data.is(data.now(Reads::Table(2)), Reads::Table(2)), "made while somebody writes");
        drop(writing);
        assert!(data.is_quiet());
        assert!(data.is(one, Reads::Table(1)) && !data.is(query, Reads::Anything));
        drop(data.write(table(1)));
        assert!(!data.is(one, Reads::Table(1)));
    }

    #[test]
    fn what_is_of_no_table_is_a_change_of_each() {
        for writes in [Writes::Nothing, Writes::Anything, Writes::Table(3, Change::REDEFINES)] {
            let data = DataVersion::default();
            let (one, definitions) = (data.now(Reads::Table(1)), data.now(Reads::Definitions));
            drop(data.write(table(2)));
            assert!(data.is(definitions, Reads::Definitions));
            let writing = data.write(Touched::of(writes));
            assert!(!data.is(one, Reads::Table(1)) && !data.is(definitions, Reads::Definitions));
            drop(writing);
            assert!(!data.is(one, Reads::Table(1)) && !data.is(definitions, Reads::Definitions));
        }
    }

    #[test]
    fn tables_that_are_forgotten_count_as_changed() {
        let data = DataVersion::default();
        drop(data.write(table(1)));
        let (one, other) = (data.now(Reads::Table(1)), data.now(Reads::Table(0)));
        (2..TABLES as Oid + 2).for_each(|oid| drop(data.write(table(oid))));
        assert!(data.0.read().tables.len() < TABLES);
        assert!(!data.is(one, Reads::Table(1)) && !data.is(other, Reads::Table(0)));
    }
}
