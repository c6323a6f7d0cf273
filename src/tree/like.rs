//! LIKE in CREATE TABLE.

use std::sync::Arc;

use crate::registry;

/// A LIKE clause of CREATE TABLE: where from, and the indexes and statistics (kinds and columns) that the new table gets.
#[derive(Debug, Clone)]
pub struct LikeTable {
    pub source: Arc<registry::Relation>,
    pub indexes: Vec<registry::Index>,
    pub statistics: Vec<(registry::StatisticsKinds, Vec<i16>)>,
}
