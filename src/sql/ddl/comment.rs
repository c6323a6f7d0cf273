//! COMMENT ON.

use super::alter::{word, wrong_type};
use super::planner::{Planner, no_namespace};
use crate::error::{Error, Result, SqlState};
use crate::registry::{Change, Name, RelationKind, UserType, UserTypeKind};
use crate::tree::ObjectKind;

impl Planner<'_> {
    pub fn comment(
        &mut self,
        kind: ObjectKind,
        (namespace, name): (&Name, &Name),
        part: Option<&Name>,
        comment: Option<&str>,
    ) -> Result<()> {
        self.tag("COMMENT");
        // COMMENT … IS '' takes the comment away, as NULL does.
        let comment = comment.filter(|c| !c.is_empty()).map(str::to_owned);
        match kind {
            ObjectKind::Table | ObjectKind::View | ObjectKind::MaterializedView | ObjectKind::Sequence => {
                let mut relation = (*self.relation(namespace, name)?).clone();
                let wanted = match kind {
                    ObjectKind::View => ("view", "a view"),
                    ObjectKind::MaterializedView => ("materialized view", "a materialized view"),
                    ObjectKind::Sequence => ("sequence", "a sequence"),
                    _ => ("table", "a table"),
                };
                if word(&relation) != wanted.0 {
                    return Err(wrong_type(name, wanted.1));
                }
                self.may_change(&relation.managed, wanted.0, name)?;
                relation.comment = comment;
                self.put_relation(relation);
            }
            ObjectKind::Column | ObjectKind::Constraint | ObjectKind::Policy => {
                let Some(part) = part else { return Err(Error::syntax("a name is missing")) };
                self.comment_on_part(kind, (namespace, name), part, comment)?;
            }
            ObjectKind::Index => self.comment_on_index((namespace, name), comment)?,
            ObjectKind::Namespace => {
                let Some(found) = self.after.namespaces.get(name).cloned() else { return Err(no_namespace(name)) };
                let mut found = (*found).clone();
                found.comment = comment;
                self.put_namespace(found);
            }
            ObjectKind::Type if self.after.composite(namespace, name).is_some() => {
                let mut relation = (*self.relation(namespace, name)?).clone();
                self.may_change(&relation.managed, "type", name)?;
                relation.comment = comment;
                self.put_relation(relation);
            }
            ObjectKind::Type | ObjectKind::Domain => {
                let Some(ty) = self.after.user_type(namespace, name).cloned() else {
                    return Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("type \"{name}\" does not exist")));
                };
                self.may_change(&ty.managed, "type", name)?;
                let mut ty = (*ty).clone();
                match part {
                    Some(constraint) => comment_on_check(&mut ty, constraint, comment)?,
                    None => ty.comment = comment,
                }
                self.put_type(ty);
            }
            ObjectKind::Extension => self.comment_on_extension(name, comment)?,
            ObjectKind::Role => {
                let mut role = (*self.role(name)?).clone();
                role.comment = comment;
                self.put_role(role);
            }
            ObjectKind::Database => {
                if *name != self.after.database {
                    let message = format!("database \"{name}\" does not exist");
                    return Err(Error::new(SqlState::INVALID_CATALOG_NAME, message));
                }
                let acl = self.after.database_acl.clone();
                self.change(Change::PutDatabase { acl, comment });
            }
        }
        Ok(())
    }

    fn comment_on_part(
        &mut self,
        kind: ObjectKind,
        (namespace, name): (&Name, &Name),
        part: &Name,
        comment: Option<String>,
    ) -> Result<()> {
        let mut relation = (*self.relation(namespace, name)?).clone();
        self.may_change(&relation.managed, word(&relation), name)?;
        if kind == ObjectKind::Column {
            if matches!(relation.kind, RelationKind::Sequence(_)) {
                let message = format!("cannot set comment on relation \"{name}\"");
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                    .detail("This operation is not supported for sequences."));
            }
            let Some(column) = relation.columns.iter_mut().find(|c| c.name == *part) else {
                let message = format!("column \"{part}\" of relation \"{name}\" does not exist");
                return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
            };
            column.comment = comment;
        } else if kind == ObjectKind::Policy {
            let Some(policy) = relation.rules.policies.iter_mut().find(|p| p.name == *part) else {
                return Err(super::policy::no_policy(part, name));
            };
            policy.comment = comment;
        } else {
            let Some(constraint) = relation.constraints.iter_mut().find(|c| c.name == *part) else {
                let message = format!("constraint \"{part}\" for table \"{name}\" does not exist");
                return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
            };
            constraint.comment = comment;
        }
        self.put_relation(relation);
        Ok(())
    }

    fn comment_on_index(&mut self, (namespace, name): (&Name, &Name), comment: Option<String>) -> Result<()> {
        let Some((table, _)) = self.after.index(namespace, name) else {
            return Err(Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{name}\" does not exist")));
        };
        let mut table = (**table).clone();
        self.may_change(&table.managed, "table", &table.name.clone())?;
        table.indexes.iter_mut().filter(|i| i.name == *name).for_each(|i| i.comment.clone_from(&comment));
        self.put_relation(table);
        Ok(())
    }
}

/// A domain's constraint.
fn comment_on_check(ty: &mut UserType, constraint: &Name, comment: Option<String>) -> Result<()> {
    let UserTypeKind::Domain { checks, .. } = &ty.kind else { return Err(wrong_type(&ty.name, "a domain")) };
    if !checks.iter().any(|(name, _)| name == constraint) {
        let message = format!("constraint \"{constraint}\" for domain {} does not exist", ty.name);
        return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
    }
    ty.constraint_comments.retain(|(name, _)| name != constraint);
    ty.constraint_comments.extend(comment.map(|comment| (constraint.clone(), comment)));
    Ok(())
}
