//! Where what belongs to a relation is found by its OID: derived from a snapshot when first asked for.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::{RelationKind, Snapshot};
use crate::types::Oid;

/// Relations' OIDs by the OIDs of what they have.
#[derive(Debug, Default)]
pub struct Objects {
    pub indexes: HashMap<Oid, Oid>,
    pub constraints: HashMap<Oid, Oid>,
    /// Row types and arrays of them.
    pub row_types: HashMap<Oid, Oid>,
    /// The sequence that a column (table, number) owns.
    pub owned_sequences: HashMap<(Oid, i16), Oid>,
    /// The partitions of tables, in the order of their OIDs.
    pub partitions: HashMap<Oid, Vec<Oid>>,
}

/// Filled at the first use. A copy of a snapshot begins without, as it is made to be changed; who changes relations in place
/// forgets it.
#[derive(Debug, Default)]
pub struct Derived(OnceLock<Arc<Objects>>);

impl Clone for Derived {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Snapshot {
    /// What belongs to which relation.
    pub fn objects(&self) -> Arc<Objects> {
        Arc::clone(self.derived.0.get_or_init(|| Arc::new(self.collect())))
    }

    fn collect(&self) -> Objects {
        let mut objects = Objects::default();
        for r in self.relations.values() {
            objects.indexes.extend(r.indexes.iter().map(|i| (i.oid, r.oid)));
            objects.constraints.extend(r.constraints.iter().map(|c| (c.oid, r.oid)));
            for ty in [r.row_type, r.row_array_type].into_iter().filter(|ty| *ty != 0) {
                objects.row_types.insert(ty, r.oid);
            }
            if let Some(parent) = r.partition_parent() {
                objects.partitions.entry(parent).or_default().push(r.oid);
            }
            if let RelationKind::Sequence(s) = &r.kind
                && let Some(column) = s.owned_by
            {
                objects.owned_sequences.insert(column, r.oid);
            }
        }
        objects.partitions.values_mut().for_each(|children| children.sort_unstable());
        objects
    }
}
