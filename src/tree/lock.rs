//! PostgreSQL's lock modes, with their table of conflicts.

use super::LockStrength;

/// PostgreSQL's lock modes, the weakest first. Advisory locks use Share and Exclusive, rows those that PostgreSQL's heap
/// takes on tuples: AccessShare for KEY SHARE, RowShare for SHARE, Exclusive for NO KEY UPDATE, AccessExclusive for UPDATE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LockMode {
    AccessShare,
    RowShare,
    RowExclusive,
    ShareUpdateExclusive,
    Share,
    ShareRowExclusive,
    Exclusive,
    AccessExclusive,
}

impl LockMode {
    pub const ALL: [Self; 8] = [
        Self::AccessShare,
        Self::RowShare,
        Self::RowExclusive,
        Self::ShareUpdateExclusive,
        Self::Share,
        Self::ShareRowExclusive,
        Self::Exclusive,
        Self::AccessExclusive,
    ];

    /// As pg_locks and messages name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccessShare => "AccessShareLock",
            Self::RowShare => "RowShareLock",
            Self::RowExclusive => "RowExclusiveLock",
            Self::ShareUpdateExclusive => "ShareUpdateExclusiveLock",
            Self::Share => "ShareLock",
            Self::ShareRowExclusive => "ShareRowExclusiveLock",
            Self::Exclusive => "ExclusiveLock",
            Self::AccessExclusive => "AccessExclusiveLock",
        }
    }

    /// LOCK TABLE's word for it, in lower case.
    pub const fn words(self) -> &'static str {
        match self {
            Self::AccessShare => "access share",
            Self::RowShare => "row share",
            Self::RowExclusive => "row exclusive",
            Self::ShareUpdateExclusive => "share update exclusive",
            Self::Share => "share",
            Self::ShareRowExclusive => "share row exclusive",
            Self::Exclusive => "exclusive",
            Self::AccessExclusive => "access exclusive",
        }
    }

    /// The modes that others cannot hold at the same time, as bits.
    const fn excludes(self) -> u8 {
        const fn bits(modes: &[LockMode]) -> u8 {
            let (mut set, mut at) = (0, 0);
            while at < modes.len() {
                set |= 1 << modes[at] as u8;
                at += 1;
            }
            set
        }
        use LockMode::{
            AccessExclusive, Exclusive, RowExclusive, RowShare, Share, ShareRowExclusive, ShareUpdateExclusive,
        };
        match self {
            Self::AccessShare => bits(&[AccessExclusive]),
            RowShare => bits(&[Exclusive, AccessExclusive]),
            RowExclusive => bits(&[Share, ShareRowExclusive, Exclusive, AccessExclusive]),
            ShareUpdateExclusive => bits(&[ShareUpdateExclusive, Share, ShareRowExclusive, Exclusive, AccessExclusive]),
            Share => bits(&[RowExclusive, ShareUpdateExclusive, ShareRowExclusive, Exclusive, AccessExclusive]),
            ShareRowExclusive => {
                bits(&[RowExclusive, ShareUpdateExclusive, Share, ShareRowExclusive, Exclusive, AccessExclusive])
            }
            Exclusive => !bits(&[Self::AccessShare]),
            AccessExclusive => !0,
        }
    }

    pub const fn conflicts(self, other: Self) -> bool {
        self.excludes() & (1 << other as u8) != 0
    }
}

impl LockStrength {
    /// The mode in which a row is locked.
    pub const fn mode(self) -> LockMode {
        match self {
            Self::KeyShare => LockMode::AccessShare,
            Self::Share => LockMode::RowShare,
            Self::NoKeyUpdate => LockMode::Exclusive,
            Self::Update => LockMode::AccessExclusive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_conflict_as_in_postgresqls_table() {
        let table = [".......X", "......XX", "....XXXX", "...XXXXX", "..XX.XXX", "..XXXXXX", ".XXXXXXX", "XXXXXXXX"];
        for (a, line) in LockMode::ALL.into_iter().zip(table) {
            for (b, mark) in LockMode::ALL.into_iter().zip(line.chars()) {
                assert_eq!(a.conflicts(b), mark == 'X', "{} and {}", a.name(), b.name());
            }
        }
    }
}
