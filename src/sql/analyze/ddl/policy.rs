//! CREATE POLICY and ALTER POLICY: their conditions over the table's columns, as they are kept.

use std::sync::Arc;

use super::super::{Analyzer, stored};
use crate::error::{Error, Result};
use crate::registry::{Name, PolicyCommand, Relation};
use crate::tree::{Ddl, NewPolicy, PolicyChange, QualifiedName};

impl Analyzer<'_> {
    pub(super) fn create_policy(&mut self, table: &QualifiedName, policy: &NewPolicy) -> Result<Ddl> {
        let mut policy = policy.clone();
        if policy.check.is_some() && matches!(policy.command, PolicyCommand::Select | PolicyCommand::Delete) {
            return Err(Error::syntax("WITH CHECK cannot be applied to SELECT or DELETE"));
        }
        if policy.using.is_some() && policy.command == PolicyCommand::Insert {
            return Err(Error::syntax("only WITH CHECK expression allowed for INSERT"));
        }
        self.resolve_roles(&mut policy.roles);
        let relation = self.policy_table(table)?;
        self.policy_texts(&relation, [&mut policy.using, &mut policy.check])?;
        let (namespace, table) = self.existing(table)?;
        Ok(Ddl::CreatePolicy { namespace, table, policy })
    }

    pub(super) fn alter_policy(&mut self, table: &QualifiedName, name: &Name, change: &PolicyChange) -> Result<Ddl> {
        let mut change = change.clone();
        match &mut change {
            PolicyChange::Rename { to: _ } => {}
            PolicyChange::Alter { roles, using, check } => {
                if let Some(roles) = roles {
                    self.resolve_roles(roles);
                }
                let relation = self.policy_table(table)?;
                self.policy_texts(&relation, [using, check])?;
            }
        }
        let (namespace, table) = self.existing(table)?;
        Ok(Ddl::AlterPolicy { namespace, table, name: name.clone(), change })
    }

    fn resolve_roles(&self, roles: &mut [Option<Name>]) {
        for role in roles.iter_mut().flatten() {
            *role = self.role_name(role);
        }
    }

    fn policy_table(&self, name: &QualifiedName) -> Result<Arc<Relation>> {
        let found = self.find_relation(name.namespace.as_deref(), &name.name)?;
        found.ok_or_else(|| self.no_relation(name.namespace.as_deref(), &name.name, 0))
    }

    fn policy_texts(&self, relation: &Relation, texts: [&mut Option<String>; 2]) -> Result<()> {
        for text in texts.into_iter().flatten() {
            *text = stored::new_policy(text, relation, self.ctx)?;
        }
        Ok(())
    }
}
