//! CREATE DOMAIN and ALTER DOMAIN.

use std::sync::Arc;

use super::planner::{Planner, no_namespace};
use super::{Step, pipeline};
use crate::error::{Error, Result, SqlState};
use crate::registry::bootstrap::TEMPORARY;
use crate::registry::{Name, Relation, UserType, UserTypeKind, expression, names};
use crate::tree::{AlterDomain, NewDomain};

impl Planner<'_> {
    pub fn create_domain(&mut self, namespace: &Name, name: &Name, domain: &NewDomain) -> Result<()> {
        self.tag("CREATE DOMAIN");
        if &**namespace != TEMPORARY && !self.after.namespaces.contains_key(namespace) {
            return Err(no_namespace(namespace));
        }
        if self.after.user_type(namespace, name).is_some() || self.after.relation(namespace, name).is_some() {
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, format!("type \"{name}\" already exists")));
        }
        let NewDomain { base, collation, not_null, default, checks } = domain;
        let mut named: Vec<(Name, String)> = Vec::new();
        for (check, text) in checks {
            let check = constraint_name(name, check.as_ref(), &named)?;
            named.push((check, text.clone()));
        }
        let counters = &self.after.counters;
        let ty = UserType {
            oid: counters.allocate_oid(),
            array_oid: counters.allocate_oid(),
            namespace: namespace.clone(),
            name: name.clone(),
            owner: self.cx.role,
            managed: self.managed(),
            kind: UserTypeKind::Domain {
                base: *base,
                collation: *collation,
                not_null: *not_null,
                default: default.clone(),
                checks: named,
            },
            acl: self.type_default_acl(namespace),
            comment: None,
            constraint_comments: Vec::new(),
            label_places: Vec::new(),
            fresh_labels: Vec::new(),
        };
        self.put_type(ty);
        Ok(())
    }

    pub fn alter_domain(&mut self, namespace: &Name, name: &Name, change: &AlterDomain) -> Result<()> {
        self.tag("ALTER DOMAIN");
        let Some(ty) = self.after.user_type(namespace, name).cloned() else {
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("type \"{name}\" does not exist")));
        };
        self.may_change(&ty.managed, "type", name)?;
        let mut ty = (*ty).clone();
        let other = self.type_is_not(&ty, "a domain");
        let comments = &mut ty.constraint_comments;
        let UserTypeKind::Domain { base: _, collation: _, not_null, default, checks } = &mut ty.kind else {
            return Err(other);
        };
        let mut holds = None;
        let missing = |check: &str| {
            let message = format!("constraint \"{check}\" of domain \"{name}\" does not exist");
            Error::new(SqlState::UNDEFINED_OBJECT, message)
        };
        match change {
            AlterDomain::SetDefault(text) => default.clone_from(text),
            AlterDomain::SetNotNull(value) => {
                *not_null = *value;
                holds = value.then_some(Holds::NotNull);
            }
            AlterDomain::AddCheck { name: given, expression } => {
                let check = constraint_name(name, given.as_ref(), checks)?;
                checks.push((check, expression.clone()));
                holds = Some(Holds::Check(expression.clone()));
            }
            AlterDomain::DropConstraint { name: check, if_exists } => {
                if !checks.iter().any(|(n, _)| n == check) {
                    if !*if_exists {
                        return Err(missing(check));
                    }
                    self.notice(format!("constraint \"{check}\" of domain \"{name}\" does not exist, skipping"));
                    return Ok(());
                }
                checks.retain(|(n, _)| n != check);
                comments.retain(|(n, _)| n != check);
            }
            AlterDomain::RenameConstraint { from, to } => {
                let Some(at) = checks.iter().position(|(n, _)| n == from) else {
                    let message = format!("constraint \"{from}\" for domain {name} does not exist");
                    return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
                };
                if checks.iter().any(|(n, _)| n == to) {
                    let message = format!("constraint \"{to}\" for domain {name} already exists");
                    return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
                }
                checks[at].0 = to.clone();
                comments.iter_mut().filter(|(n, _)| n == from).for_each(|(n, _)| *n = to.clone());
            }
            // Every constraint is valid from the beginning.
            AlterDomain::Validate { name: check } => {
                if !checks.iter().any(|(n, _)| n == check) {
                    return Err(missing(check));
                }
            }
            AlterDomain::Rename { to } => {
                self.tag("ALTER DOMAIN");
                if self.after.user_type(namespace, to).is_some() || self.after.relation(namespace, to).is_some() {
                    return Err(Error::new(SqlState::DUPLICATE_OBJECT, format!("type \"{to}\" already exists")));
                }
                ty.name = to.clone();
            }
            AlterDomain::SetOwner { to } => self.type_goes_to(&mut ty, to)?,
        }
        let oid = ty.oid;
        let (before, renamed, objects) = (self.after.clone(), ty.name != *name, [ty.oid, ty.array_oid]);
        self.put_type(ty);
        if renamed {
            self.follow(&before, &objects, name)?;
        }
        match holds {
            Some(holds) => self.verify_domain(oid, &holds),
            None => Ok(()),
        }
    }

    /// The values that are stored already must be the domain's.
    fn verify_domain(&mut self, oid: crate::types::Oid, holds: &Holds) -> Result<()> {
        let (carried, name) =
            (self.domains_up_from(&[oid]), self.after.user_type_by_oid(oid).map(|ty| ty.name.clone()));
        let stored = |users: Vec<(Arc<Relation>, Name)>| users.into_iter().filter(|(table, _)| table.kind.is_stored());
        // Inside of other values PostgreSQL does not look, either.
        if let Some((table, column)) = stored(self.columns_of_type(&self.types_around(&carried))).next() {
            let name = name.as_deref().unwrap_or_default();
            let message = format!("cannot alter type \"{name}\" because column \"{}.{column}\" uses it", table.name);
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        for (table, column) in stored(self.columns_of_type(&carried)) {
            let quoted = expression::quote(&column);
            let (condition, error) = match holds {
                Holds::NotNull => {
                    let message = format!("column \"{column}\" of table \"{}\" contains null values", table.name);
                    (format!("{quoted} IS NULL"), Error::new(SqlState::NOT_NULL_VIOLATION, message))
                }
                Holds::Check(check) => {
                    let message = format!(
                        "column \"{column}\" of table \"{}\" contains values that violate the new constraint",
                        table.name
                    );
                    let check = expression::rename_column(check, "value", &column);
                    (format!("NOT ({check})"), Error::new(SqlState::CHECK_VIOLATION, message))
                }
            };
            let error = error.table(&*table.namespace, &*table.name).column(&*column);
            let plan = pipeline::violations(self.cx, &self.after, &table, &condition)?;
            self.plan.steps.push(Step::Verify(plan, error));
        }
        Ok(())
    }
}

/// What stored values must be looked at for.
enum Holds {
    NotNull,
    /// An expression over VALUE.
    Check(String),
}

/// The name given, or PostgreSQL's: `domain_check`.
fn constraint_name(domain: &Name, given: Option<&Name>, taken: &[(Name, String)]) -> Result<Name> {
    let is_taken = |name: &str| taken.iter().any(|(n, _)| &**n == name);
    match given {
        Some(name) if is_taken(name) => {
            let message = format!("constraint \"{name}\" for domain \"{domain}\" already exists");
            Err(Error::new(SqlState::DUPLICATE_OBJECT, message))
        }
        Some(name) => Ok(name.clone()),
        None => Ok(names::choose(domain, None, "check", is_taken)),
    }
}
