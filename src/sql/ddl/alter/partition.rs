//! ALTER TABLE in a partition tree: what is done to a partitioned table goes down to its partitions, which may not do for themselves what their
//! columns and keys have from above.

use std::sync::Arc;

use super::{Altered, constraints_with};
use crate::error::{Error, Result, SqlState};
use crate::registry::{ConstraintKind, Name, Relation, expression};
use crate::sql::ddl::partition::{inherited_column, keys_have_the_partition_key, waits_above};
use crate::sql::ddl::planner::Planner;
use crate::tree::{AlterTable, NewConstraint, NewConstraintKind};

impl Planner<'_> {
    /// Whether an action may be asked of this table: a partition has its columns from above, and keys are their table's.
    pub(super) fn fits_in_tree(&self, table: &Relation, action: &AlterTable) -> Result<()> {
        match action {
            AlterTable::DropColumn { name, .. } => self.not_in_partition_key(table, name, "drop")?,
            AlterTable::SetType { column, .. } => self.not_in_partition_key(table, column, "alter")?,
            _ => {}
        }
        let Some(parent) = table.partition_parent().and_then(|parent| self.after.relation_by_oid(parent)) else {
            return Ok(());
        };
        let inherited = |name: &Name| table.constraints.iter().any(|c| c.name == *name && c.parent.is_some());
        let refused = |message: String| Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
        match action {
            AlterTable::AddColumn { .. } => {
                Err(Error::new(SqlState::WRONG_OBJECT_TYPE, "cannot add column to a partition"))
            }
            AlterTable::DropColumn { name, .. } if table.column(name).is_some() => {
                refused(format!("cannot drop inherited column \"{name}\""))
            }
            AlterTable::RenameColumn { from, to: _ } if table.column(from).is_some() => {
                refused(format!("cannot rename inherited column \"{from}\""))
            }
            AlterTable::SetType { column, .. } if table.column(column).is_some() => {
                refused(format!("cannot alter inherited column \"{column}\""))
            }
            AlterTable::DropExpression { .. } => {
                refused("cannot drop generation expression from inherited column".into())
            }
            AlterTable::SetNotNull { column, not_null: false } if parent.column(column).is_some_and(|c| c.not_null) => {
                refused(format!("column \"{column}\" is marked NOT NULL in parent table"))
            }
            AlterTable::DropConstraint { name, .. } if inherited(name) => {
                refused(format!("cannot drop inherited constraint \"{name}\" of relation \"{}\"", table.name))
            }
            AlterTable::RenameConstraint { from, to: _ } if inherited(from) => {
                refused(format!("cannot rename inherited constraint \"{from}\""))
            }
            AlterTable::AddConstraint(NewConstraint { kind, .. }) => match kind {
                // What EXCLUDE makes of itself there is said where it is made.
                NewConstraintKind::Check { .. } | NewConstraintKind::Exclusion(_) => Ok(()),
                kind if waits_above(parent, table, kind) => Ok(()),
                NewConstraintKind::PrimaryKey { .. }
                | NewConstraintKind::Unique { .. }
                | NewConstraintKind::ForeignKey { .. } => Err(Error::unsupported("a key of a partition alone")
                    .hint(format!("Put it on the partitioned table \"{}\".", parent.name))),
            },
            _ => Ok(()),
        }
    }

    fn not_in_partition_key(&self, table: &Relation, name: &str, verb: &str) -> Result<()> {
        let below = self.after.partition_descendants(table.oid);
        for relation in std::iter::once(table).chain(below.into_iter().map(|r| &**r)) {
            let Some(key) = &relation.partitioning.key else { continue };
            let names = [Name::from(name)];
            let uses = key.parts.iter().any(|part| match &part.expression {
                Some(text) => !expression::columns_named(text, &names).is_empty(),
                None => relation.column_by_num(part.column).is_some_and(|c| &*c.name == name),
            });
            if uses {
                let message = format!(
                    "cannot {verb} column \"{name}\" because it is part of the partition key of relation \"{}\"",
                    relation.name
                );
                return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
            }
        }
        Ok(())
    }

    /// The partitions of an altered table as they will be.
    pub(in crate::sql::ddl) fn children_of(&self, table: &Relation) -> Vec<Relation> {
        self.after.partition_descendants(table.oid).into_iter().map(|r| (**r).clone()).collect()
    }

    /// An action that the table has taken goes down to its partitions.
    pub(super) fn spread(&mut self, t: &mut Altered, action: &AlterTable) -> Result<()> {
        let mut children = std::mem::take(&mut t.children);
        for at in 0..children.len() {
            let (above, rest) = children.split_at_mut(at);
            let Some(child) = rest.first_mut() else { continue };
            let parent = above.iter().find(|r| Some(r.oid) == child.partition_parent()).unwrap_or(&t.new);
            self.spread_to(parent, child, action)?;
        }
        t.children = children;
        Ok(())
    }

    fn spread_to(&mut self, parent: &Relation, child: &mut Relation, action: &AlterTable) -> Result<()> {
        match action {
            AlterTable::AddColumn { column, .. } => self.column_comes(parent, child, &column.name)?,
            AlterTable::DropColumn { name, .. } => {
                if let Some(num) = child.column(name).map(|c| c.num) {
                    let with = constraints_with(child, num);
                    child.constraints.retain(|c| !with.contains(&c.name));
                    child.indexes.retain(|i| !i.has_column(num) && !i.names_column(name));
                    child.columns.retain(|c| c.num != num);
                    child.last_dropped = child.last_dropped.max(num);
                }
            }
            AlterTable::RenameColumn { from, to } => renamed(child, from, to),
            AlterTable::SetDefault { column, .. } => same_column(parent, child, column, |own, above| {
                own.default.clone_from(&above.default);
            }),
            AlterTable::SetNotNull { column, .. } => {
                same_column(parent, child, column, |own, above| own.not_null = above.not_null);
            }
            AlterTable::SetType { column, .. } => same_column(parent, child, column, |own, above| {
                (own.ty, own.collation) = (above.ty, above.collation);
            }),
            AlterTable::DropExpression { column, .. } => same_column(parent, child, column, |own, above| {
                own.generated.clone_from(&above.generated);
            }),
            AlterTable::DropConstraint { .. } => {
                let stays = |oid: Option<_>, of: &[_]| oid.is_none_or(|oid| of.contains(&oid));
                let constraints: Vec<_> = parent.constraints.iter().map(|c| c.oid).collect();
                let indexes: Vec<_> = parent.indexes.iter().map(|i| i.oid).collect();
                child.constraints.retain(|c| stays(c.parent, &constraints));
                child.indexes.retain(|i| stays(i.parent, &indexes));
            }
            AlterTable::RenameConstraint { from: _, to } => {
                let above = parent.constraints.iter().find(|c| c.name == *to);
                // Keys keep the names of their indexes.
                if let Some(above) = above.filter(|c| matches!(c.kind, ConstraintKind::Check { .. })) {
                    let own = child.constraints.iter_mut().filter(|c| c.parent == Some(above.oid));
                    own.for_each(|c| c.name = to.clone());
                }
            }
            AlterTable::ValidateConstraint { .. } => {
                for own in &mut child.constraints {
                    let above = parent.constraints.iter().find(|c| own.parent == Some(c.oid));
                    own.validated |= above.is_some_and(|c| c.validated);
                }
            }
            AlterTable::DeferConstraint { .. } => {
                for own in &mut child.constraints {
                    if let Some(above) = parent.constraints.iter().find(|c| own.parent == Some(c.oid)) {
                        own.deferrable = above.deferrable;
                        own.initially_deferred = above.initially_deferred;
                    }
                }
            }
            AlterTable::AddConstraint(_) => {}
            AlterTable::TakeIndex { .. }
            | AlterTable::RenameTable { .. }
            | AlterTable::SetNamespace { .. }
            | AlterTable::SetOwner { .. }
            | AlterTable::SetIdentity { .. }
            | AlterTable::AlterIdentity { .. }
            | AlterTable::RowSecurity(_)
            | AlterTable::ViewSecurity { .. }
            | AlterTable::AttachPartition { .. }
            | AlterTable::AttachIndex { .. }
            | AlterTable::DetachPartition { .. }
            | AlterTable::SetLogged(_)
            | AlterTable::Triggers { .. }
            | AlterTable::Tune(_) => return Ok(()),
        }
        self.constraints_come(parent, child)
    }

    /// ADD COLUMN
    fn column_comes(&mut self, parent: &Relation, child: &mut Relation, name: &Name) -> Result<()> {
        let Some(above) = parent.column(name) else { return Ok(()) };
        if let Some(own) = child.column(name) {
            if own.ty != above.ty {
                let message = format!("child table \"{}\" has different type for column \"{name}\"", child.name);
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
            }
            return crate::sql::ddl::physical::alike(own, above);
        }
        let highest = child.columns.iter().map(|c| c.num).max().unwrap_or(0).max(child.last_dropped);
        child.columns.push(inherited_column(above, highest + 1));
        Ok(())
    }

    /// What the parent has and the partition has not yet.
    fn constraints_come(&mut self, parent: &Relation, child: &mut Relation) -> Result<()> {
        for constraint in &parent.constraints {
            if !child.constraints.iter().any(|c| c.parent == Some(constraint.oid)) {
                self.inherit_constraint(child, parent, constraint)?;
            }
        }
        keys_have_the_partition_key(child, &self.after)
    }
}

fn same_column(
    parent: &Relation,
    child: &mut Relation,
    name: &str,
    put: impl FnOnce(&mut crate::registry::Column, &crate::registry::Column),
) {
    if let (Some(above), Some(own)) = (parent.column(name), child.columns.iter_mut().find(|c| &*c.name == name)) {
        put(own, above);
    }
}

/// RENAME COLUMN, in the column and in all texts of a table.
pub(super) fn renamed(table: &mut Relation, from: &Name, to: &Name) {
    table.columns.iter_mut().filter(|c| c.name == *from).for_each(|c| c.name = to.clone());
    for constraint in &mut table.constraints {
        if let ConstraintKind::Check { expression, .. } = &mut constraint.kind {
            *expression = expression::rename_column(expression, from, to);
        }
    }
    for generated in table.columns.iter_mut().filter_map(|c| c.generated.as_mut()) {
        *generated = expression::rename_column(generated, from, to);
    }
    for index in &mut table.indexes {
        let texts = index.keys.iter_mut().filter_map(|k| k.expression.as_mut()).chain(&mut index.predicate);
        texts.for_each(|text| *text = expression::rename_column(text, from, to));
    }
    if let Some(key) = &mut table.partitioning.key {
        for text in Arc::make_mut(key).parts.iter_mut().filter_map(|part| part.expression.as_mut()) {
            *text = expression::rename_column(text, from, to);
        }
    }
}
