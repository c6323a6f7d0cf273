//! Policies, and whether they are in force.

use super::alter::wrong_type;
use super::planner::Planner;
use crate::error::{Error, Report, Result, SqlState};
use crate::registry::privileges::PUBLIC;
use crate::registry::{Name, Policy, PolicyCommand, Relation, RelationKind, Rules};
use crate::tree::{NewPolicy, PolicyChange, SwitchRowSecurity};
use crate::types::Oid;

impl Planner<'_> {
    pub fn create_policy(&mut self, namespace: &str, table: &str, new: &NewPolicy) -> Result<()> {
        self.tag("CREATE POLICY");
        let mut relation = self.ruled_table(namespace, table)?;
        let NewPolicy { name, permissive, command, roles, using, check } = new;
        let roles = self.policy_roles(roles)?;
        if relation.rules.policies.iter().any(|p| p.name == *name) {
            let message = format!("policy \"{name}\" for table \"{table}\" already exists");
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        relation.rules.policies.push(Policy {
            oid: self.after.counters.allocate_oid(),
            name: name.clone(),
            permissive: *permissive,
            command: *command,
            roles,
            using: using.clone(),
            check: check.clone(),
            comment: None,
        });
        self.put_relation(relation);
        Ok(())
    }

    pub fn alter_policy(&mut self, namespace: &str, table: &str, name: &Name, change: &PolicyChange) -> Result<()> {
        self.tag("ALTER POLICY");
        let mut relation = self.ruled_table(namespace, table)?;
        match change {
            PolicyChange::Rename { to } => {
                if relation.rules.policies.iter().any(|p| p.name == *to) {
                    let message = format!("policy \"{to}\" for table \"{table}\" already exists");
                    return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
                }
                policy_mut(&mut relation, name)?.name = to.clone();
            }
            PolicyChange::Alter { roles, using, check } => {
                let roles = roles.as_ref().map(|roles| self.policy_roles(roles)).transpose()?;
                let policy = policy_mut(&mut relation, name)?;
                match policy.command {
                    PolicyCommand::Select | PolicyCommand::Delete if check.is_some() => {
                        return Err(Error::syntax("only USING expression allowed for SELECT, DELETE"));
                    }
                    PolicyCommand::Insert if using.is_some() => {
                        return Err(Error::syntax("only WITH CHECK expression allowed for INSERT"));
                    }
                    PolicyCommand::All
                    | PolicyCommand::Select
                    | PolicyCommand::Insert
                    | PolicyCommand::Update
                    | PolicyCommand::Delete => {}
                }
                if let Some(roles) = roles {
                    policy.roles = roles;
                }
                if using.is_some() {
                    policy.using.clone_from(using);
                }
                if check.is_some() {
                    policy.check.clone_from(check);
                }
            }
        }
        self.put_relation(relation);
        Ok(())
    }

    pub fn drop_policy(&mut self, namespace: &str, table: &str, name: &Name, if_exists: bool) -> Result<()> {
        self.tag("DROP POLICY");
        if if_exists && self.after.relation(namespace, table).is_none() {
            self.notice(format!("relation \"{table}\" does not exist, skipping"));
            return Ok(());
        }
        let mut relation = self.ruled_table(namespace, table)?;
        let before = relation.rules.policies.len();
        relation.rules.policies.retain(|p| p.name != *name);
        if relation.rules.policies.len() == before {
            if if_exists {
                self.notice(format!("policy \"{name}\" for relation \"{table}\" does not exist, skipping"));
                return Ok(());
            }
            return Err(no_policy(name, table));
        }
        self.put_relation(relation);
        Ok(())
    }

    fn ruled_table(&self, namespace: &str, name: &str) -> Result<Relation> {
        let relation = self.relation(namespace, name)?;
        if matches!(relation.kind, RelationKind::System) {
            let message = format!("permission denied: \"{name}\" is a system catalog");
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        }
        if !matches!(relation.kind, RelationKind::Table) {
            return Err(wrong_type(name, "a table"));
        }
        self.may_change(&relation.managed, "table", name)?;
        Ok((*relation).clone())
    }

    /// PUBLIC stands for all roles beside it.
    fn policy_roles(&mut self, roles: &[Option<Name>]) -> Result<Vec<Oid>> {
        if roles.contains(&None) {
            if roles.len() > 1 {
                let mut report = Report::warning(SqlState::WARNING, "ignoring specified roles other than PUBLIC");
                report.hint = Some("All roles are members of the PUBLIC role.".into());
                self.plan.notices.push(report);
            }
            return Ok(vec![PUBLIC]);
        }
        roles.iter().flatten().map(|name| self.role(name).map(|r| r.oid)).collect()
    }
}

/// ALTER TABLE … ROW LEVEL SECURITY.
pub fn switch(rules: &mut Rules, to: SwitchRowSecurity) {
    match to {
        SwitchRowSecurity::Enable => rules.enabled = true,
        SwitchRowSecurity::Disable => rules.enabled = false,
        SwitchRowSecurity::Force => rules.forced = true,
        SwitchRowSecurity::NoForce => rules.forced = false,
    }
}

fn policy_mut<'a>(relation: &'a mut Relation, name: &str) -> Result<&'a mut Policy> {
    let table = relation.name.clone();
    relation.rules.policies.iter_mut().find(|p| &*p.name == name).ok_or_else(|| no_policy(name, &table))
}

pub(super) fn no_policy(name: &str, table: &str) -> Error {
    Error::new(SqlState::UNDEFINED_OBJECT, format!("policy \"{name}\" for table \"{table}\" does not exist"))
}
