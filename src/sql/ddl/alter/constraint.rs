//! ALTER TABLE's actions on constraints: add, drop, rename.

use super::Altered;
use crate::error::{Error, Result, SqlState};
use crate::registry::{Constraint, ConstraintKind, Name, Relation, build};
use crate::sql::ddl::deferred;
use crate::sql::ddl::physical::{self, column_ident, is_null, table_name};
use crate::sql::ddl::planner::Planner;
use crate::tree::{DropBehavior, NewConstraint, NewConstraintKind};

impl Planner<'_> {
    pub(super) fn add_constraint(&mut self, t: &mut Altered, draft: &NewConstraint) -> Result<()> {
        let at = build::add_constraint(&self.after, &mut t.new, draft)?;
        let constraint = t.new.constraints[at].clone();
        match (&draft.kind, &constraint.kind) {
            (NewConstraintKind::Check { expression }, _) => {
                let message = format!(
                    "check constraint \"{}\" of relation \"{}\" is violated by some row",
                    constraint.name, t.new.name
                );
                let error = Error::new(SqlState::CHECK_VIOLATION, message)
                    .table(&*t.new.namespace, &*t.new.name)
                    .constraint(&*constraint.name);
                t.verify.push((format!("NOT ({expression})"), error));
            }
            (_, ConstraintKind::PrimaryKey { columns }) => {
                for num in columns {
                    let Some(old) = t.old.column_by_num(*num) else { continue };
                    let message =
                        format!("column \"{}\" of relation \"{}\" contains null values", old.name, t.old.name);
                    let sql = is_null(&t.old, old);
                    self.verify_sql(sql, Error::new(SqlState::NOT_NULL_VIOLATION, message));
                }
                self.verify_unique(t, &constraint, columns)?;
                t.rebuild = true;
            }
            (_, ConstraintKind::Unique { columns, .. }) => {
                self.verify_unique(t, &constraint, columns)?;
                t.rebuild = true;
            }
            (_, ConstraintKind::ForeignKey { columns, target, target_columns, .. })
                if constraint.initially_deferred =>
            {
                physical::native_constraint(&t.new, &constraint, &self.after)?;
                let own = t.old.clone();
                let made_now = |n: &i16| {
                    own.column_by_num(*n).is_none() && t.new.column_by_num(*n).is_some_and(|c| c.default.is_some())
                };
                if columns.iter().any(made_now) {
                    return Err(Error::unsupported("a deferred foreign key over a new column with a default")
                        .hint("Add the column first, then the constraint."));
                }
                let parent = if *target == own.oid { Some(&own) } else { self.after.relation_by_oid(*target) };
                let sql = parent.and_then(|p| deferred::orphans_exist(&own, columns, p, target_columns));
                if let (Some(parent), Some(sql)) = (parent, sql) {
                    let message = format!(
                        "insert or update on table \"{}\" violates foreign key constraint \"{}\"",
                        t.new.name, constraint.name
                    );
                    let detail = format!("A key is not present in table \"{}\".", parent.name);
                    let error = Error::new(SqlState::FOREIGN_KEY_VIOLATION, message)
                        .detail(detail)
                        .table(&*t.new.namespace, &*t.new.name)
                        .constraint(&*constraint.name);
                    self.verify_sql(sql, error);
                }
            }
            _ => t.rebuild = true,
        }
        Ok(())
    }

    /// Existing duplicates are found before the rebuild, so that the error is PostgreSQL's.
    fn verify_unique(&mut self, t: &Altered, constraint: &Constraint, columns: &[i16]) -> Result<()> {
        if columns.iter().any(|n| t.old.column_by_num(*n).is_none()) {
            return Ok(());
        }
        let message = format!("could not create unique index \"{}\"", constraint.name);
        let error = Error::new(SqlState::UNIQUE_VIOLATION, message)
            .table(&*t.new.namespace, &*t.new.name)
            .constraint(&*constraint.name);
        let sql = duplicates(&t.old, columns)?;
        self.verify_sql(sql, error);
        Ok(())
    }

    pub(super) fn drop_constraint(
        &mut self,
        t: &mut Altered,
        name: &Name,
        if_exists: bool,
        behavior: DropBehavior,
    ) -> Result<()> {
        let Some(constraint) = t.new.constraints.iter().find(|c| c.name == *name).cloned() else {
            let message = format!("constraint \"{name}\" of relation \"{}\" does not exist", t.new.name);
            if if_exists {
                self.notice(format!("{message}, skipping"));
                return Ok(());
            }
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
        };
        if let ConstraintKind::PrimaryKey { columns } | ConstraintKind::Unique { columns, .. } = &constraint.kind {
            let uses = |kind: &ConstraintKind| match kind {
                ConstraintKind::ForeignKey { target, target_columns, .. } => {
                    *target == t.old.oid && target_columns.iter().all(|c| columns.contains(c))
                }
                _ => false,
            };
            for (child, fk) in self.referencing(t.old.oid) {
                if child.constraints.iter().any(|c| c.name == fk && uses(&c.kind)) {
                    if behavior == DropBehavior::Cascade {
                        return Err(Error::unsupported("DROP CONSTRAINT … CASCADE with dependent foreign keys")
                            .hint(format!("Drop constraint {fk} on table {} first.", child.name)));
                    }
                    let (table, index) = (&t.new.name, &constraint.name);
                    let message =
                        format!("cannot drop constraint {name} on table {table} because other objects depend on it");
                    return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
                        .detail(format!("constraint {fk} on table {} depends on index {index}", child.name))
                        .hint("Use DROP ... CASCADE to drop the dependent objects too."));
                }
            }
        }
        t.new.constraints.retain(|c| c.name != *name);
        t.new.indexes.retain(|i| !(i.of_constraint && i.name == *name));
        let ours = matches!(constraint.kind, ConstraintKind::Check { .. })
            || constraint.initially_deferred && matches!(constraint.kind, ConstraintKind::ForeignKey { .. });
        if !ours {
            t.rebuild = true;
        }
        Ok(())
    }
}

/// A query that finds a key that occurs twice. NULLs differ from one another.
pub fn duplicates(table: &Relation, columns: &[i16]) -> Result<String> {
    let list = physical::column_list(table, columns)?;
    let not_null = columns
        .iter()
        .filter_map(|n| table.column_by_num(*n))
        .map(|c| format!("{} IS NOT NULL", column_ident(table, c)));
    let not_null = not_null.collect::<Vec<_>>().join(" AND ");
    Ok(format!("SELECT 1 FROM {} WHERE {not_null} GROUP BY {list} HAVING count(*) > 1 LIMIT 1", table_name(table)))
}
