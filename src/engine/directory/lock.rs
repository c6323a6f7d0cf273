//! What can be locked: advisory keys, tables and rows, other objects of the schema and names.

use std::time::SystemTime;

pub use crate::tree::LockMode;
use crate::types::{Oid, Value};

/// What a lock is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LockTag {
    /// An advisory lock: a key of 64 bits in halves (`kind` 1), or a pair of 32 (`kind` 2). The gateway's own locks on loads
    /// that have a name are of kind 3.
    Key { high: u32, low: u32, kind: u16 },
    /// A relation.
    Relation(Oid),
    /// The rows of a table, all of them or nobody knows which: see [`Self::ROW_LOCKER`] and the modes beside it.
    Rows(Oid),
    /// One row of a table, by a hash of its primary key or its number.
    Row(Oid, u64),
    /// An object of the schema that is no relation.
    Object(Oid),
    /// A name that an object is to have, by a hash.
    Name(u64),
}

impl LockTag {
    pub fn of_key(key: i64) -> Self {
        let bits = key.cast_unsigned();
        Self::Key { high: (bits >> 32) as u32, low: bits as u32, kind: 1 }
    }

    pub fn of_pair(first: i32, second: i32) -> Self {
        Self::Key { high: first.cast_unsigned(), low: second.cast_unsigned(), kind: 2 }
    }

    /// The kind of the locks on loads by name, which no client can ask for.
    pub const BATCH: u16 = 3;

    /// Taken by an INSERT … ON CONFLICT that finds out by itself which rows are new, so that no two do so at once.
    pub fn of_upserts(table: Oid) -> Self {
        Self::Key { high: table, low: 0, kind: 4 }
    }

    /// How [`Self::Rows`] is held by who holds single rows by FOR UPDATE and kin.
    pub const ROW_LOCKER: LockMode = LockMode::RowExclusive;
    /// By who changes rows that are not known before: not beside those who hold rows. (Two that change the same row meet in
    /// the engine.)
    pub const ROW_WRITER: LockMode = LockMode::Share;
    /// By who changes rows that it holds one by one.
    pub const KEYED_WRITER: LockMode = LockMode::AccessShare;
    /// By who holds more rows than are counted one by one.
    pub const ALL_ROWS: LockMode = LockMode::AccessExclusive;

    /// A row by the values of its primary key; `None` for types whose equal values may look different, and for NULL.
    pub fn of_row(table: Oid, key: &[Value]) -> Option<Self> {
        // FNV-1a: the same in every process and for every integer type.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut add = |bytes: &[u8]| {
            for byte in bytes {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        for value in key {
            match value {
                Value::Int2(n) => add(&i64::from(*n).to_le_bytes()),
                Value::Int4(n) => add(&i64::from(*n).to_le_bytes()),
                Value::Int8(n) => add(&n.to_le_bytes()),
                Value::Uuid(n) => add(&n.to_le_bytes()),
                Value::Text(text) => {
                    add(text.as_bytes());
                    add(&[0xff]);
                }
                _ => return None,
            }
        }
        Some(Self::Row(table, hash))
    }
}

/// How long a lock is held unless it is given back before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockScope {
    Session,
    Transaction,
}

/// A row of pg_locks.
#[derive(Debug, Clone)]
pub struct LockRow {
    pub tag: LockTag,
    pub pid: i32,
    pub mode: LockMode,
    /// Since when it is waited for; `None` if it is held.
    pub waits_since: Option<SystemTime>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_the_same_whatever_integer_names_it() {
        let row = |key: &[Value]| LockTag::of_row(1, key);
        assert_eq!(row(&[Value::Int4(7)]), row(&[Value::Int8(7)]));
        assert_ne!(row(&[Value::text("a"), Value::text("b")]), row(&[Value::text("ab"), Value::text("")]));
        assert_eq!(row(&[Value::Null]), None);
        assert_eq!(row(&[Value::Float8(1.0)]), None);
    }
}
