//! What is kept of a relation for who looks at it.

use serde::{Deserialize, Serialize};

use super::Name;
use crate::types::Oid;

/// What the catalog shows of a relation, and little is done with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// Written UNLOGGED. It is as durable as any other, which is more than was asked for.
    #[serde(default)]
    pub unlogged: bool,
    /// Storage parameters, `name=value`.
    #[serde(default)]
    pub options: Vec<String>,
    /// CLUSTER ON: the index by which CLUSTER would sort the rows.
    #[serde(default)]
    pub clustered: Option<Oid>,
    #[serde(default)]
    pub statistics: Vec<Statistics>,
    /// Foreign keys, this table's or those that refer to it, of which its changes are not asked: DISABLE TRIGGER ALL.
    #[serde(default)]
    pub silent_keys: Vec<Oid>,
}

/// CREATE STATISTICS: a row of pg_statistic_ext. It lives in its table's namespace and is its table's owner's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    pub oid: Oid,
    pub name: Name,
    pub kinds: StatisticsKinds,
    /// attnums, ascending.
    pub columns: Vec<i16>,
    /// SET STATISTICS; -1 is the default.
    pub target: i32,
    pub comment: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatisticsKinds {
    pub ndistinct: bool,
    pub dependencies: bool,
    pub mcv: bool,
}
