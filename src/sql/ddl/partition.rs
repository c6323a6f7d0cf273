//! Partition trees: what CREATE TABLE … PARTITION BY and PARTITION OF, ATTACH and DETACH do. A partition is an entry of the schema; its rows are in its
//! root's table (docs/decisions/partitions.md).

mod attach;
mod index;

pub(super) use index::waits_above;

use std::cmp::Ordering;
use std::sync::Arc;

use super::Step;
use super::pipeline;
use super::planner::Planner;
use crate::error::{Error, Result, SqlState};
use crate::registry::partition::{self, edge_text, value};
use crate::registry::{
    Column, Constraint, ConstraintKind, Edge, Index, IndexKey, Name, PartitionBound, PartitionKey, PartitionOf,
    Relation, Snapshot, build, expression::quote,
};
use crate::types::{Oid, PgType};

impl Planner<'_> {
    /// A new table that has partitions or is one: what its key and its parent demand, and what it has from its parent.
    pub(super) fn place_in_tree(&mut self, table: &mut Relation) -> Result<()> {
        if let Some(of) = table.partitioning.of.clone() {
            let parent = self.parent(&of)?;
            if parent.temporary != table.temporary {
                let message = match parent.temporary {
                    true => format!(
                        "cannot create a permanent relation as partition of temporary relation \"{}\"",
                        parent.name
                    ),
                    false => format!(
                        "cannot create a temporary relation as partition of permanent relation \"{}\"",
                        parent.name
                    ),
                };
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
            }
            self.may_change(&parent.managed, "table", &parent.name)?;
            self.bound_is_free(&table.name, &parent, &of.bound)?;
            self.default_gives_way(&parent, &of.bound, table.oid)?;
            no_keys_of_its_own(table, &parent)?;
            self.inherit(table, &parent)?;
            self.note_tree(&parent);
        }
        keys_have_the_partition_key(table, &self.after)
    }

    fn parent(&self, of: &PartitionOf) -> Result<Arc<Relation>> {
        let parent = self.after.relation_by_oid(of.parent).cloned();
        parent.ok_or_else(|| Error::internal("a partition of nothing"))
    }

    /// The tree has changed: its root is put anew, so that two such changes meet.
    pub(super) fn note_tree(&mut self, member: &Arc<Relation>) {
        let root = (**self.after.partition_root(member)).clone();
        self.put_relation(root);
    }

    /// check_new_partition_bound
    fn bound_is_free(&self, name: &str, parent: &Relation, bound: &PartitionBound) -> Result<()> {
        let Some(key) = &parent.partitioning.key else { return Err(Error::internal("a partition of a plain table")) };
        let siblings = self.after.partitions(parent.oid);
        let bounds = siblings.iter().filter_map(|s| Some((&s.name, &s.partitioning.of.as_ref()?.bound)));
        let overlap = |other: &str| Err(invalid(format!("partition \"{name}\" would overlap partition \"{other}\"")));
        if let PartitionBound::Range { from, to } = bound
            && self.compare_edges(key, from, to)? != Ordering::Less
        {
            let message = format!("empty range bound specified for partition \"{name}\"");
            return Err(invalid(message).detail(format!(
                "Specified lower bound {} is greater than or equal to upper bound {}.",
                shown(key, from),
                shown(key, to)
            )));
        }
        if let PartitionBound::Hash { modulus, remainder: _ } = bound {
            factors(&siblings, *modulus)?;
        }
        for (other, theirs) in bounds {
            match (bound, theirs) {
                (PartitionBound::Default, PartitionBound::Default) => {
                    let message = format!("partition \"{name}\" conflicts with existing default partition \"{other}\"");
                    return Err(invalid(message));
                }
                (PartitionBound::List(ours), PartitionBound::List(theirs)) => {
                    for ours in ours {
                        for theirs in theirs {
                            if self.same(ours.as_deref(), theirs.as_deref(), key.parts[0].ty)? {
                                return overlap(other);
                            }
                        }
                    }
                }
                (PartitionBound::Range { from, to }, PartitionBound::Range { from: lower, to: upper })
                    if self.compare_edges(key, from, upper)? == Ordering::Less
                        && self.compare_edges(key, lower, to)? == Ordering::Less =>
                {
                    return overlap(other);
                }
                (PartitionBound::Hash { modulus, remainder }, PartitionBound::Hash { modulus: m, remainder: r })
                    if remainder % (*modulus).min(*m) == r % (*modulus).min(*m) =>
                {
                    return overlap(other);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn same(&self, a: Option<&str>, b: Option<&str>, ty: PgType) -> Result<bool> {
        Ok(match (a, b) {
            (None, None) => true,
            (Some(a), Some(b)) => self.compare(a, b, ty)? == Ordering::Equal,
            _ => false,
        })
    }

    fn compare(&self, a: &str, b: &str, ty: PgType) -> Result<Ordering> {
        let (a, b) = (value(a, ty, &self.after)?, value(b, ty, &self.after)?);
        partition::compare(&a, &b, ty, &self.after).ok_or_else(|| Error::unsupported("a partition key of this type"))
    }

    fn compare_edges(&self, key: &PartitionKey, a: &[Edge], b: &[Edge]) -> Result<Ordering> {
        for ((a, b), part) in a.iter().zip(b).zip(&key.parts) {
            let order = match (a, b) {
                (Edge::MinValue, Edge::MinValue) | (Edge::MaxValue, Edge::MaxValue) => return Ok(Ordering::Equal),
                (Edge::MinValue, _) | (_, Edge::MaxValue) => Ordering::Less,
                (_, Edge::MinValue) | (Edge::MaxValue, _) => Ordering::Greater,
                (Edge::Value(a), Edge::Value(b)) => self.compare(a, b, part.ty)?,
            };
            if order != Ordering::Equal {
                return Ok(order);
            }
        }
        Ok(Ordering::Equal)
    }

    /// Rows of the default partition that the new bound takes: there must be none.
    fn default_gives_way(&mut self, parent: &Relation, bound: &PartitionBound, new: Oid) -> Result<()> {
        let is_default = |p: &&&Arc<Relation>| {
            p.partitioning.of.as_ref().is_some_and(|of| of.bound == PartitionBound::Default) && p.oid != new
        };
        let siblings = self.after.partitions(parent.oid);
        let Some(default) = siblings.iter().find(is_default).map(|p| Arc::clone(p)) else { return Ok(()) };
        let Some(key) = &parent.partitioning.key else { return Ok(()) };
        let condition = self.after.condition(parent, key, bound);
        let message = format!(
            "updated partition constraint for default partition \"{}\" would be violated by some row",
            default.name
        );
        let error = Error::new(SqlState::CHECK_VIOLATION, message).table(&*default.namespace, &*default.name);
        let plan = pipeline::violations(self.cx, &self.after, &default, &condition)?;
        self.plan.steps.push(Step::Verify(plan, error));
        self.plan.moved.push(self.after.partition_root(&default).oid);
        Ok(())
    }

    /// Copies of what a partition has from its parent: CHECKs, keys, foreign keys, indexes.
    fn inherit(&mut self, table: &mut Relation, parent: &Relation) -> Result<()> {
        for constraint in &parent.constraints {
            self.inherit_constraint(table, parent, constraint)?;
        }
        for index in parent.indexes.iter().filter(|i| !i.of_constraint) {
            self.inherit_index(table, parent, index)?;
        }
        Ok(())
    }

    /// A constraint of the parent comes into a partition, unless it has the same already.
    pub(super) fn inherit_constraint(
        &mut self,
        table: &mut Relation,
        parent: &Relation,
        constraint: &Constraint,
    ) -> Result<()> {
        let kind = renumbered(parent, table, &constraint.kind)?;
        if let Some(own) = table.constraints.iter_mut().find(|c| is_same(&constraint.name, &kind, c)) {
            own.parent = Some(constraint.oid);
            let name = own.name.clone();
            if matches!(kind, ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. }) {
                let above = index_of(parent, &constraint.name);
                table.indexes.iter_mut().filter(|i| i.of_constraint && i.name == name).for_each(|i| i.parent = above);
            }
            if let ConstraintKind::PrimaryKey { columns } = &kind {
                table.columns.iter_mut().for_each(|c| c.not_null |= columns.contains(&c.num));
            }
            return Ok(());
        }
        let above = parent.indexes.iter().find(|i| i.of_constraint && i.name == constraint.name);
        let named = above.into_iter().flat_map(|i| &i.included).filter_map(|num| parent.column_by_num(*num));
        let included: Vec<i16> = named.filter_map(|c| table.column(&c.name)).map(|c| c.num).collect();
        let name = match &kind {
            ConstraintKind::Check { .. } => {
                if table.constraints.iter().any(|c| c.name == constraint.name) {
                    let message = format!(
                        "child table \"{}\" has different definition for check constraint \"{}\"",
                        table.name, constraint.name
                    );
                    return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
                }
                constraint.name.clone()
            }
            ConstraintKind::ForeignKey { .. } if !table.constraints.iter().any(|c| c.name == constraint.name) => {
                constraint.name.clone()
            }
            kind => build::choose_name(&self.after, table, &kind.covering(&included)),
        };
        if let ConstraintKind::PrimaryKey { columns } | ConstraintKind::Unique { columns, .. } = &kind {
            if matches!(kind, ConstraintKind::PrimaryKey { .. }) {
                if table.primary_key().is_some() {
                    let message = format!("multiple primary keys for table \"{}\" are not allowed", table.name);
                    return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
                }
                table.columns.iter_mut().for_each(|c| c.not_null |= columns.contains(&c.num));
            }
            let key = |c: &i16| IndexKey::of_column(*c);
            table.indexes.push(Index {
                oid: self.after.counters.allocate_oid(),
                name: name.clone(),
                unique: true,
                keys: columns.iter().map(key).collect(),
                predicate: None,
                nulls_not_distinct: matches!(kind, ConstraintKind::Unique { nulls_not_distinct: true, .. }),
                reads: Vec::new(),
                method: "btree".into(),
                included,
                of_constraint: true,
                comment: None,
                parent: index_of(parent, &constraint.name),
                options: Vec::new(),
            });
        }
        let oid = self.after.counters.allocate_oid();
        let sets = constraint.delete_sets.iter().map(|num| number(parent, table, *num)).collect::<Result<_>>()?;
        let parent = Some(constraint.oid);
        let own = Constraint { oid, name, kind, comment: None, parent, delete_sets: sets, ..constraint.clone() };
        table.constraints.push(own);
        Ok(())
    }

    /// An index of the parent that is no constraint's.
    pub(super) fn inherit_index(&mut self, table: &mut Relation, parent: &Relation, index: &Index) -> Result<()> {
        let as_here = index::renumbered(parent, table, index)?;
        if let Some(own) = table.indexes.iter_mut().find(|own| own.parent.is_none() && index::is_alike(own, &as_here)) {
            own.parent = Some(index.oid);
            return Ok(());
        }
        let oid = self.after.counters.allocate_oid();
        let mut new = Index { oid, comment: None, parent: Some(index.oid), ..as_here };
        new.name = build::index_name(&self.after, table, &new);
        table.indexes.push(new);
        Ok(())
    }

    /// Deletes the rows of a partition.
    pub(super) fn empty_partition(&mut self, table: &Relation) -> Result<()> {
        let plan = pipeline::delete_rows(self.cx, &self.after, table)?;
        self.plan.steps.push(Step::Plan(plan));
        Ok(())
    }

    /// Rows are gone from a tree: foreign keys that point to it must not have been theirs.
    pub(super) fn nobody_refers_to_what_went(&mut self, root: &Relation) -> Result<()> {
        let keys: Vec<(Oid, Oid)> =
            self.after.referring(root.oid).map(|(child, key)| (child.oid, key.constraint.oid)).collect();
        for (child, constraint) in keys {
            if let Some(key) = super::keys::Key::find(&self.after, child, constraint)? {
                self.plan.steps.push(Step::Key(Arc::new(key)));
            }
        }
        Ok(())
    }
}

fn invalid(message: String) -> Error {
    Error::new(SqlState::INVALID_OBJECT_DEFINITION, message)
}

fn own_key(what: &str, parent: &Relation) -> Error {
    Error::unsupported(format!("{what} of a partition alone"))
        .hint(format!("Put it on the partitioned table \"{}\".", parent.name))
}

/// `(1, MINVALUE)`
fn shown(key: &PartitionKey, edges: &[Edge]) -> String {
    let edges = edges.iter().zip(&key.parts).map(|(edge, part)| edge_text(edge, part.ty));
    format!("({})", edges.collect::<Vec<_>>().join(", "))
}

/// Each modulus divides the next larger one.
fn factors(siblings: &[&Arc<Relation>], modulus: i32) -> Result<()> {
    let mut known: Vec<(i32, &Name)> = siblings
        .iter()
        .filter_map(|s| match s.partitioning.of.as_ref()?.bound {
            PartitionBound::Hash { modulus, remainder: _ } => Some((modulus, &s.name)),
            _ => None,
        })
        .collect();
    known.sort_by_key(|(modulus, _)| *modulus);
    let message = "every hash partition modulus must be a factor of the next larger modulus";
    let bad = |detail: String| Err(invalid(message.to_owned()).detail(detail));
    if let Some((smaller, name)) = known.iter().rev().find(|(m, _)| *m <= modulus)
        && modulus % smaller != 0
    {
        return bad(format!(
            "The new modulus {modulus} is not divisible by {smaller}, the modulus of existing partition \"{name}\"."
        ));
    }
    if let Some((larger, name)) = known.iter().find(|(m, _)| *m > modulus)
        && larger % modulus != 0
    {
        return bad(format!(
            "The new modulus {modulus} is not a factor of {larger}, the modulus of existing partition \"{name}\"."
        ));
    }
    Ok(())
}

/// The number of a partition's column that goes by the name of its parent's.
fn number(parent: &Relation, table: &Relation, num: i16) -> Result<i16> {
    let found = parent.column_by_num(num).and_then(|c| table.column(&c.name));
    found.map(|c| c.num).ok_or_else(|| Error::internal("a partition without a column of its parent"))
}

fn renumbered(parent: &Relation, table: &Relation, kind: &ConstraintKind) -> Result<ConstraintKind> {
    let mut kind = kind.clone();
    let (ConstraintKind::PrimaryKey { columns }
    | ConstraintKind::Unique { columns, .. }
    | ConstraintKind::ForeignKey { columns, .. }
    | ConstraintKind::Check { columns, .. }
    | ConstraintKind::Exclusion { columns, .. }) = &mut kind;
    for column in columns {
        *column = number(parent, table, *column)?;
    }
    Ok(kind)
}

/// Is a partition's own constraint what the parent's would become?
fn is_same(name: &str, kind: &ConstraintKind, own: &Constraint) -> bool {
    if own.parent.is_some() {
        return false;
    }
    match (kind, &own.kind) {
        (ConstraintKind::Check { expression, .. }, ConstraintKind::Check { expression: ours, .. }) => {
            &*own.name == name && expression == ours
        }
        (ConstraintKind::PrimaryKey { columns }, ConstraintKind::PrimaryKey { columns: ours })
        | (ConstraintKind::Unique { columns, .. }, ConstraintKind::Unique { columns: ours, .. }) => columns == ours,
        (
            ConstraintKind::ForeignKey { columns, target, target_columns, on_delete, on_update, match_full },
            ConstraintKind::ForeignKey {
                columns: c,
                target: t,
                target_columns: tc,
                on_delete: d,
                on_update: u,
                match_full: m,
            },
        ) => (columns, target, target_columns, on_delete, on_update, match_full) == (c, t, tc, d, u, m),
        _ => false,
    }
}

fn index_of(table: &Relation, constraint: &str) -> Option<Oid> {
    table.indexes.iter().find(|i| i.of_constraint && &*i.name == constraint).map(|i| i.oid)
}

/// A new partition's keys would need an index over a part of the table.
fn no_keys_of_its_own(table: &Relation, parent: &Relation) -> Result<()> {
    for constraint in &table.constraints {
        let inherited = parent.constraints.iter().any(|above| {
            renumbered(parent, table, &above.kind).is_ok_and(|kind| is_same(&above.name, &kind, constraint))
        });
        match &constraint.kind {
            ConstraintKind::Check { .. } => {}
            ConstraintKind::PrimaryKey { .. } if parent.primary_key().is_some() && !inherited => {
                let message = format!("multiple primary keys for table \"{}\" are not allowed", table.name);
                return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
            }
            ConstraintKind::PrimaryKey { .. }
            | ConstraintKind::Unique { .. }
            | ConstraintKind::ForeignKey { .. }
            | ConstraintKind::Exclusion { .. }
                if !inherited =>
            {
                return Err(own_key(&format!("constraint \"{}\"", constraint.name), parent));
            }
            ConstraintKind::PrimaryKey { .. }
            | ConstraintKind::Unique { .. }
            | ConstraintKind::ForeignKey { .. }
            | ConstraintKind::Exclusion { .. } => {}
        }
    }
    Ok(())
}

/// A key of a partitioned table has all columns of its partition key: so the partitions' indexes could hold it (DefineIndex).
pub(super) fn keys_have_the_partition_key(table: &Relation, types: &Snapshot) -> Result<()> {
    let Some(key) = &table.partitioning.key else { return Ok(()) };
    if let Some(checked) = table.checked_keys(types).next() {
        return Err(Error::unsupported(format!("unique key \"{}\" of a partitioned table", checked.name)).hint(
            "Use plain columns of types like integer, text and uuid, without WHERE, NULLS NOT DISTINCT and DEFERRABLE.",
        ));
    }
    for index in table.indexes.iter().filter(|i| i.unique) {
        let primary = table.primary_key().is_some_and(|c| c.name == index.name && index.of_constraint);
        let what = if primary { "PRIMARY KEY" } else { "UNIQUE" };
        if key.parts.iter().any(|part| part.expression.is_some()) {
            let message = format!("unsupported {what} constraint with partition key definition");
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
                .detail(format!("{what} constraints cannot be used when partition keys include expressions.")));
        }
        let lacks = key.columns().find(|column| !index.keys.iter().any(|k| k.column == *column));
        if let Some(column) = lacks.and_then(|column| table.column_by_num(column)) {
            let message = "unique constraint on partitioned table must include all partitioning columns";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).detail(format!(
                "{what} constraint on table \"{}\" lacks column \"{}\" which is part of the partition key.",
                table.name, column.name
            )));
        }
    }
    Ok(())
}

/// A column as a partition has it from its parent.
pub(super) fn inherited_column(above: &Column, num: i16) -> Column {
    Column { num, identity: None, acl: Default::default(), comment: None, ..above.clone() }
}

/// For texts: the table as SQL names it.
pub(super) fn sql_name(table: &Relation) -> String {
    format!("{}.{}", quote(&table.namespace), quote(&table.name))
}
