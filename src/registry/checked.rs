//! Unique keys that DuckDB has no index for.

use super::{Constraint, ConstraintKind, Index, Name, Relation};
use crate::types::{Oid, TypeLookup, phys};

impl Constraint {
    /// A key of that table that DuckDB holds by an index: with each row that is written, NULLs that differ from one another, and
    /// equal where PostgreSQL's is.
    pub fn is_native(&self, table: &Relation, types: &dyn TypeLookup) -> bool {
        match &self.kind {
            ConstraintKind::PrimaryKey { columns } => !self.deferrable && table.are_indexable(columns, types),
            ConstraintKind::Unique { columns, nulls_not_distinct } => {
                !self.deferrable && !nulls_not_distinct && table.are_indexable(columns, types)
            }
            ConstraintKind::ForeignKey { .. } | ConstraintKind::Check { .. } | ConstraintKind::Exclusion { .. } => {
                false
            }
        }
    }
}

impl Index {
    /// Whether a unique index of that table is one that DuckDB has, too: over columns that it compares as PostgreSQL does, of all
    /// rows.
    pub fn is_native(&self, table: &Relation, types: &dyn TypeLookup) -> bool {
        let plain = self.predicate.is_none() && !self.nulls_not_distinct;
        plain && self.keys.iter().all(|key| key.expression.is_none() && table.are_indexable(&[key.column], types))
    }
}

/// A unique constraint or index, or an EXCLUDE constraint, that the session checks.
#[derive(Debug, Clone)]
pub struct CheckedKey<'a> {
    /// The constraint's or index's.
    pub oid: Oid,
    pub name: &'a Name,
    /// Columns (attnum), or expressions.
    pub keys: Vec<(i16, Option<&'a str>)>,
    pub predicate: Option<&'a str>,
    /// What expressions and predicate read.
    pub reads: &'a [i16],
    pub nulls_not_distinct: bool,
    /// EXCLUDE: which operators must not all hold between two rows' keys. Nothing: it is unique.
    pub operators: &'a [Oid],
    /// None: an index.
    pub constraint: Option<&'a Constraint>,
}

impl CheckedKey<'_> {
    /// The columns that it is made from.
    pub fn columns(&self) -> impl Iterator<Item = i16> + '_ {
        self.keys
            .iter()
            .filter(|(_, expression)| expression.is_none())
            .map(|(column, _)| *column)
            .chain(self.reads.iter().copied())
    }
}

impl Relation {
    /// Whether DuckDB compares what carries these columns (attnum) as PostgreSQL does their types.
    fn are_indexable(&self, columns: &[i16], types: &dyn TypeLookup) -> bool {
        let of = |num: &i16| self.column_by_num(*num).and_then(|column| phys(column.ty, types));
        columns.iter().all(|num| of(num).is_none_or(|phys| phys.is_indexable()))
    }

    /// The unique index that a foreign key to these columns (attnum, in any order) rests on: the oldest that fits
    /// (transformFkeyCheckAttrs).
    pub fn referenced_index(&self, columns: &[i16]) -> Option<&Index> {
        let of_deferrable = |index: &Index| {
            index.of_constraint && self.constraints.iter().any(|c| c.deferrable && c.name == index.name)
        };
        let fits = |index: &&Index| {
            index.unique
                && index.predicate.is_none()
                && index.keys.len() == columns.len()
                && index.keys.iter().all(|key| key.expression.is_none() && columns.contains(&key.column))
                && !of_deferrable(index)
        };
        self.indexes.iter().filter(fits).min_by_key(|index| index.oid)
    }

    /// The deferrable key that is asked first, and its index: keys are asked in the order of their indexes.
    pub fn first_deferrable(&self) -> Option<(&Constraint, Oid)> {
        let deferrable = self.constraints.iter().filter(|constraint| constraint.deferrable);
        let indexed = deferrable.filter_map(|constraint| Some((constraint, self.index_of(constraint)?)));
        indexed.min_by_key(|(_, index)| *index)
    }

    /// The index of a key.
    pub fn index_of(&self, constraint: &Constraint) -> Option<Oid> {
        let own = |index: &&Index| index.of_constraint && index.name == constraint.name;
        self.indexes.iter().find(own).map(|index| index.oid)
    }

    fn exclusion<'a>(&'a self, constraint: &'a Constraint, operators: &'a [Oid]) -> Option<CheckedKey<'a>> {
        let index = self.indexes.iter().find(|index| index.of_constraint && index.name == constraint.name)?;
        Some(CheckedKey {
            oid: constraint.oid,
            name: &constraint.name,
            keys: index.keys.iter().map(|key| (key.column, key.expression.as_deref())).collect(),
            predicate: index.predicate.as_deref(),
            reads: &index.reads,
            nulls_not_distinct: false,
            operators,
            constraint: Some(constraint),
        })
    }

    /// Unique constraints and indexes that DuckDB has no index for, and EXCLUDE: the session checks what is written.
    pub fn checked_keys<'a>(&'a self, types: &'a dyn TypeLookup) -> impl Iterator<Item = CheckedKey<'a>> {
        let own = self.constraints.iter().filter(move |c| c.parent.is_none() && !c.is_native(self, types));
        let constraints = own.filter_map(|constraint| {
            if let ConstraintKind::Exclusion { columns: _, operators } = &constraint.kind {
                return self.exclusion(constraint, operators);
            }
            let (columns, nulls_not_distinct) = match &constraint.kind {
                ConstraintKind::PrimaryKey { columns } => (columns, false),
                ConstraintKind::Unique { columns, nulls_not_distinct } => (columns, *nulls_not_distinct),
                ConstraintKind::ForeignKey { .. } | ConstraintKind::Check { .. } | ConstraintKind::Exclusion { .. } => {
                    return None;
                }
            };
            let keys = columns.iter().map(|column| (*column, None)).collect();
            let name = &constraint.name;
            Some(CheckedKey {
                oid: constraint.oid,
                name,
                keys,
                predicate: None,
                reads: &[],
                nulls_not_distinct,
                operators: &[],
                constraint: Some(constraint),
            })
        });
        let indexes = self.indexes.iter().filter(|i| i.parent.is_none() && i.unique && !i.of_constraint);
        let indexes = indexes.filter(move |index| !index.is_native(self, types));
        let indexes = indexes.map(|index| {
            let keys = index.keys.iter().map(|key| (key.column, key.expression.as_deref())).collect();
            CheckedKey {
                oid: index.oid,
                name: &index.name,
                keys,
                predicate: index.predicate.as_deref(),
                reads: &index.reads,
                nulls_not_distinct: index.nulls_not_distinct,
                operators: &[],
                constraint: None,
            }
        });
        constraints.chain(indexes)
    }
}
