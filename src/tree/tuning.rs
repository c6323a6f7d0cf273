//! How tables and indexes are stored, and statistics objects: what the catalog shows.

use crate::registry::{Name, StatisticsKinds};

/// What the catalog shows of how a table or an index is stored, and nothing is done with.
#[derive(Debug, Clone)]
pub enum Tuning {
    /// Storage parameters.
    Set(Vec<(Name, Option<String>)>),
    Reset(Vec<Name>),
    /// CLUSTER ON an index, or SET WITHOUT CLUSTER.
    Cluster(Option<Name>),
    /// Of a table: what CREATE, ALTER, DROP and COMMENT ON STATISTICS do with the object of that name.
    Statistics(Name, StatisticsChange),
    /// Not even the catalog shows it.
    Unseen,
}

#[derive(Debug, Clone)]
pub enum StatisticsChange {
    Create {
        kinds: StatisticsKinds,
        columns: Vec<i16>,
    },
    Drop,
    Rename {
        to: Name,
    },
    /// To the owner of the table.
    SetOwner {
        to: Name,
    },
    SetTarget(i32),
    Comment(Option<String>),
}
