//! ALTER TABLE's actions on constraints: add, drop, rename.

use std::sync::Arc;

use super::Altered;
use crate::error::{Error, Result, SqlState};
use crate::registry::{Change, Constraint, ConstraintKind, Name, Relation, build};
use crate::sql::ddl::drop::{keys_rest, shown_keys};
use crate::sql::ddl::physical::{self, is_null};
use crate::sql::ddl::planner::Planner;
use crate::tree::{DropBehavior, NewConstraint, NewConstraintKind};

impl Planner<'_> {
    pub(super) fn add_constraint(&mut self, t: &mut Altered, draft: &NewConstraint) -> Result<()> {
        if let NewConstraintKind::ForeignKey { target, .. } = &draft.kind
            && draft.not_valid
            && t.new.is_partitioned()
        {
            let message = format!(
                "cannot add NOT VALID foreign key on partitioned table \"{}\" referencing relation \"{}\"",
                t.new.name, target.1
            );
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                .detail("This feature is not yet supported on partitioned tables."));
        }
        let at = build::add_constraint(&self.after, &mut t.new, draft)?;
        let constraint = t.new.constraints[at].clone();
        if t.new.is_partition()
            && matches!(constraint.kind, ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. })
        {
            // The same key of the table above holds it already (`fits_in_tree`).
            return Ok(());
        }
        match (&draft.kind, &constraint.kind) {
            (_, ConstraintKind::Exclusion { .. }) => t.keys.push(constraint.oid),
            (NewConstraintKind::Check { .. } | NewConstraintKind::ForeignKey { .. }, _) if draft.not_valid => {
                physical::native_constraint(&t.new, &constraint, &self.after)?;
            }
            (NewConstraintKind::Check { expression }, _) => {
                t.verify.push(broken_check(&t.new, &constraint.name, expression));
            }
            (_, ConstraintKind::PrimaryKey { columns }) => {
                for num in columns {
                    let Some(old) = t.old.column_by_num(*num) else { continue };
                    let message =
                        format!("column \"{}\" of relation \"{}\" contains null values", old.name, t.old.name);
                    let sql = is_null(&t.old, old);
                    let error = Error::new(SqlState::NOT_NULL_VIOLATION, message)
                        .table(&*t.old.namespace, &*t.old.name)
                        .column(&*old.name);
                    self.verify_sql(sql, error);
                }
                self.add_key(t, &constraint, columns)?;
            }
            (_, ConstraintKind::Unique { columns, .. }) => self.add_key(t, &constraint, columns)?,
            (_, ConstraintKind::ForeignKey { .. }) => {
                physical::native_constraint(&t.new, &constraint, &self.after)?;
                t.keys.push(constraint.oid);
            }
            _ => t.rebuild = true,
        }
        Ok(())
    }

    fn add_key(&mut self, t: &mut Altered, constraint: &Constraint, columns: &[i16]) -> Result<()> {
        if !constraint.is_native(&t.new, &self.after) {
            physical::native_constraint(&t.new, constraint, &self.after)?;
            t.keys.push(constraint.oid);
            return Ok(());
        }
        self.verify_unique(t, constraint, columns)?;
        t.rebuild = true;
        Ok(())
    }

    /// Existing duplicates are found before the rebuild, so that the error is PostgreSQL's.
    fn verify_unique(&mut self, t: &Altered, constraint: &Constraint, columns: &[i16]) -> Result<()> {
        if columns.iter().any(|n| t.old.column_by_num(*n).is_none()) {
            return Ok(());
        }
        self.rows_are_unique(&t.old.clone(), (constraint.oid, &constraint.name), columns, Some(constraint))
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
        if let Some(index) = t.new.indexes.iter().find(|i| i.of_constraint && i.name == *name) {
            self.no_key_rests_on(&t.new, &constraint.name)?;
            let keys = self.resting_on(&t.new, index);
            if !keys.is_empty() && behavior == DropBehavior::Restrict {
                let of = format!("constraint {name} on table {}", t.new.name);
                return Err(keys_rest(&of, &[(name.clone(), keys)]));
            }
            for (child, key) in &keys {
                if child.oid == t.new.oid {
                    t.new.constraints.retain(|c| c.name != *key);
                } else {
                    self.drop_table_constraint(child.oid, key)?;
                }
            }
            self.cascade_notice(&shown_keys(&keys));
        }
        t.new.constraints.retain(|c| c.name != *name);
        if matches!(constraint.kind, ConstraintKind::PrimaryKey { .. }) {
            self.views_need_no_key(t, name, behavior)?;
        }
        t.new.indexes.retain(|i| !(i.of_constraint && i.name == *name));
        match &constraint.kind {
            ConstraintKind::Check { .. } | ConstraintKind::ForeignKey { .. } | ConstraintKind::Exclusion { .. } => {}
            ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. } => {
                t.rebuild |= constraint.is_native(&t.old, &self.after)
            }
        }
        Ok(())
    }

    /// A view may read columns that are not grouped by, because the key is: it depends on the key.
    fn views_need_no_key(&mut self, t: &Altered, key: &Name, behavior: DropBehavior) -> Result<()> {
        let without = self.after.apply(&[Change::PutRelation(Arc::new(t.new.clone()))]);
        let views: Vec<_> = self.views_on(&t.old).into_iter().filter(|v| !self.is_meaningful_in(v, &without)).collect();
        if views.is_empty() {
            return Ok(());
        }
        let shown: Vec<String> = views.iter().map(|v| format!("{} {}", super::word(v), v.name)).collect();
        if behavior == DropBehavior::Restrict {
            let of = format!("constraint {key} on table {}", t.new.name);
            let lines: Vec<String> = shown.iter().map(|view| format!("{view} depends on {of}")).collect();
            let message = format!("cannot drop {of} because other objects depend on it");
            return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
                .detail(lines.join("\n"))
                .hint("Use DROP ... CASCADE to drop the dependent objects too."));
        }
        self.cascade_notice(&shown);
        let notices = self.plan.notices.len();
        self.drop_with_dependents(&views, DropBehavior::Cascade)?;
        self.plan.notices.truncate(notices);
        Ok(())
    }

    /// VALIDATE CONSTRAINT: what NOT VALID has left out.
    pub(super) fn validate_constraint(&mut self, t: &mut Altered, name: &Name) -> Result<()> {
        let Some(constraint) = t.new.constraints.iter_mut().find(|c| c.name == *name) else {
            let message = format!("constraint \"{name}\" of relation \"{}\" does not exist", t.new.name);
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
        };
        let was_valid = std::mem::replace(&mut constraint.validated, true);
        match &constraint.kind {
            ConstraintKind::ForeignKey { .. } if was_valid => {}
            ConstraintKind::Check { .. } if was_valid => {}
            ConstraintKind::ForeignKey { .. } => t.keys.push(constraint.oid),
            ConstraintKind::Check { expression, .. } => {
                let (expression, name) = (expression.clone(), constraint.name.clone());
                t.verify.push(broken_check(&t.new, &name, &expression));
            }
            ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. } | ConstraintKind::Exclusion { .. } => {
                let message = format!(
                    "constraint \"{name}\" of relation \"{}\" is not a foreign key or check constraint",
                    t.new.name
                );
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
            }
        }
        Ok(())
    }
}

/// ALTER CONSTRAINT: a foreign key is checked at another time (ATExecAlterConstraint).
pub(super) fn defer(table: &mut Relation, name: &Name, deferrable: bool, initially_deferred: bool) -> Result<()> {
    let of = table.name.clone();
    let Some(constraint) = table.constraints.iter_mut().find(|c| c.name == *name) else {
        let message = format!("constraint \"{name}\" of relation \"{of}\" does not exist");
        return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
    };
    if !matches!(constraint.kind, ConstraintKind::ForeignKey { .. }) {
        let message = format!("constraint \"{name}\" of relation \"{of}\" is not a foreign key constraint");
        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
    }
    if constraint.parent.is_some() {
        let message = format!("cannot alter constraint \"{name}\" on relation \"{of}\"");
        return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
            .hint("You may alter the constraint it derives from instead."));
    }
    (constraint.deferrable, constraint.initially_deferred) = (deferrable, initially_deferred);
    Ok(())
}

/// The condition under which a row breaks a CHECK that has not been checked yet, and the error.
fn broken_check(table: &Relation, name: &Name, expression: &str) -> (String, Error) {
    let message = format!("check constraint \"{name}\" of relation \"{}\" is violated by some row", table.name);
    let error =
        Error::new(SqlState::CHECK_VIOLATION, message).table(&*table.namespace, &*table.name).constraint(&**name);
    (format!("NOT ({expression})"), error)
}
