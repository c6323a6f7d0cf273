//! CREATE, ALTER and DROP ROLE, and membership.

use super::planner::Planner;
use crate::error::{Error, Report, Result, SqlState};
use crate::facts;
use crate::registry::names::is_reserved_role;
use crate::registry::{Managed, Membership, Name, Role, bootstrap, predefined, verifier};
use crate::tree::RoleOptions;
use crate::types::{Oid, OutputSettings, PgType, Value, oid};

impl Planner<'_> {
    pub fn create_role(&mut self, name: &Name, options: &RoleOptions) -> Result<()> {
        self.tag("CREATE ROLE");
        reserved(name)?;
        if self.after.role(name).is_some() {
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, format!("role \"{name}\" already exists")));
        }
        let mut role = Role {
            oid: self.after.counters.allocate_oid(),
            superuser: false,
            login: false,
            create_role: false,
            create_db: false,
            bypass_rls: false,
            managed: Managed::Sql,
            ..bootstrap::superuser_role(name)
        };
        self.apply_options(&mut role, options)?;
        let oid = role.oid;
        self.put_role(role);
        for parent in &options.member_of {
            self.add_member(parent, oid, false)?;
        }
        for member in &options.members {
            let member = self.role(member)?.oid;
            self.add_member(name, member, false)?;
        }
        Ok(())
    }

    pub fn alter_role(&mut self, name: &Name, options: &RoleOptions) -> Result<()> {
        self.tag("ALTER ROLE");
        let mut role = (*self.role(name)?).clone();
        self.may_change_role(&role)?;
        self.apply_options(&mut role, options)?;
        self.put_role(role);
        Ok(())
    }

    fn may_change_role(&self, role: &Role) -> Result<()> {
        match &role.managed {
            Managed::System if predefined::is_predefined(role.oid) => {
                Err(reserved_role(&role.name).detail("Cannot alter reserved roles."))
            }
            // The bootstrap superuser may change its password and settings.
            Managed::System => Ok(()),
            other => self.may_change(other, "role", &role.name),
        }
    }

    fn apply_options(&mut self, role: &mut Role, options: &RoleOptions) -> Result<()> {
        let RoleOptions {
            superuser,
            login,
            inherit,
            create_role,
            create_db,
            bypass_rls,
            connection_limit,
            valid_until,
            password,
            member_of: _,
            members: _,
        } = options;
        let set = |field: &mut bool, value: &Option<bool>| *field = value.unwrap_or(*field);
        if role.oid == crate::registry::builtin::SUPERUSER && *superuser == Some(false) {
            let message = "permission denied: bootstrap user must be superuser";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        set(&mut role.superuser, superuser);
        set(&mut role.login, login);
        set(&mut role.inherit, inherit);
        set(&mut role.create_role, create_role);
        set(&mut role.create_db, create_db);
        set(&mut role.bypass_rls, bypass_rls);
        if let Some(limit) = connection_limit {
            role.connection_limit = match limit {
                -1 => None,
                n => Some(u32::try_from(*n).map_err(|_| {
                    Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid connection limit: {n}"))
                })?),
            };
        }
        if let Some(text) = valid_until {
            role.valid_until = seconds(text, &self.cx.settings, &self.after)?;
        }
        match password {
            None => {}
            Some(None) => role.verifier = None,
            Some(Some(password)) => {
                role.verifier = verifier::from_password(password)?;
                if role.verifier.is_none() {
                    self.notice("empty string is not a valid password, clearing password".to_owned());
                }
            }
        }
        Ok(())
    }

    pub fn rename_role(&mut self, name: &Name, to: &Name) -> Result<()> {
        self.tag("ALTER ROLE");
        reserved(to)?;
        let mut role = (*self.role(name)?).clone();
        if predefined::is_predefined(role.oid) {
            reserved(name)?;
        }
        self.may_change_role(&role)?;
        if self.after.role(to).is_some() {
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, format!("role \"{to}\" already exists")));
        }
        if role.oid == self.cx.role {
            return Err(Error::unsupported("renaming the current role"));
        }
        role.name = to.clone();
        self.put_role(role);
        Ok(())
    }

    pub fn alter_role_set(
        &mut self,
        name: &Name,
        database: Option<&Name>,
        setting: Option<&Name>,
        value: Option<&str>,
    ) -> Result<()> {
        self.tag("ALTER ROLE");
        let mut role = (*self.role(name)?).clone();
        self.may_change_role(&role)?;
        if let Some(database) = database
            && **database != *self.after.database
        {
            let message = format!("database \"{database}\" does not exist");
            return Err(Error::new(SqlState::INVALID_CATALOG_NAME, message));
        }
        let superuser = self.after.is_superuser(self.cx.role);
        let settings = if database.is_some() { &mut role.database_settings } else { &mut role.settings };
        match setting {
            // What only a superuser may set stays, as in PostgreSQL: a limit is not for the limited to lift.
            None => settings.retain(|(known, _)| !superuser && facts::needs_superuser(known)),
            Some(setting) => {
                settings.retain(|(known, _)| !known.eq_ignore_ascii_case(setting));
                settings.extend(value.map(|v| (setting.clone(), v.to_owned())));
            }
        }
        self.put_role(role);
        Ok(())
    }

    pub fn drop_roles(&mut self, names: &[Name], if_exists: bool) -> Result<()> {
        self.tag("DROP ROLE");
        for name in names {
            let Some(role) = self.after.role(name).cloned() else {
                if if_exists {
                    self.notice(format!("role \"{name}\" does not exist, skipping"));
                    continue;
                }
                return Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("role \"{name}\" does not exist")));
            };
            if role.oid == self.cx.role {
                return Err(Error::new(SqlState::OBJECT_IN_USE, "current user cannot be dropped"));
            }
            if role.managed == Managed::System {
                let message = format!("cannot drop role {name} because it is required by the database system");
                return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message));
            }
            self.may_change(&role.managed, "role", name)?;
            let uses = self.uses_of_role(role.oid);
            if !uses.is_empty() {
                let message = format!("role \"{name}\" cannot be dropped because some objects depend on it");
                return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message).detail(uses.join("\n")));
            }
            let members: Vec<Role> = self
                .after
                .roles
                .values()
                .filter(|r| r.member_of.iter().any(|m| m.role == role.oid))
                .map(|r| (**r).clone())
                .collect();
            for mut member in members {
                member.member_of.retain(|m| m.role != role.oid);
                self.put_role(member);
            }
            self.change(crate::registry::Change::DropRole(role.oid));
        }
        Ok(())
    }

    /// What a role owns or has been granted, in PostgreSQL's words.
    fn uses_of_role(&self, role: Oid) -> Vec<String> {
        let granted = |acl: &crate::registry::Acl| acl.0.iter().any(|g| g.grantee == role || g.grantor == role);
        let mut uses = Vec::new();
        if granted(&self.after.database_acl) {
            uses.push(format!("privileges for database {}", self.after.database));
        }
        for namespace in self.after.namespaces.values() {
            if namespace.owner == role {
                uses.push(format!("owner of schema {}", namespace.name));
            } else if granted(&namespace.acl) {
                uses.push(format!("privileges for schema {}", namespace.name));
            }
        }
        for relation in self.after.relations.values() {
            let word = super::alter::word(relation);
            if relation.owner == role {
                uses.push(format!("owner of {word} {}", relation.name));
            } else if granted(&relation.acl) {
                uses.push(format!("privileges for {word} {}", relation.name));
            }
            for policy in relation.rules.policies.iter().filter(|p| p.roles.contains(&role)) {
                uses.push(format!("target of policy {} on {word} {}", policy.name, relation.name));
            }
            for column in relation.columns.iter().filter(|c| granted(&c.acl)) {
                uses.push(format!("privileges for column {} of {word} {}", column.name, relation.name));
            }
        }
        uses.extend(self.default_uses(role));
        let mut functions: Vec<_> = self.after.functions.values().collect();
        functions.sort_by_key(|f| f.oid);
        for function in functions {
            let shown = format!("{} {}", function.word(), self.signature(function));
            if function.owner == role {
                uses.push(format!("owner of {shown}"));
            } else if function.acl.0.iter().any(|g| g.grantee == role || g.grantor == role) {
                uses.push(format!("privileges for {shown}"));
            }
        }
        for extension in self.after.extensions.values().filter(|e| e.owner == role) {
            uses.push(format!("owner of extension {}", extension.name));
        }
        for ty in self.after.types.values() {
            if ty.owner == role {
                uses.push(format!("owner of type {}", ty.name));
            } else if granted(&ty.acl) {
                uses.push(format!("privileges for type {}", ty.name));
            }
        }
        uses.sort();
        uses
    }

    pub fn grant_role(&mut self, roles: &[Name], members: &[Name], admin: bool, revoke: bool) -> Result<()> {
        self.tag(if revoke { "REVOKE ROLE" } else { "GRANT ROLE" });
        for role in roles {
            for member in members {
                let member = self.role(member)?.oid;
                if revoke {
                    self.remove_member(role, member, admin)?;
                } else {
                    self.add_member(role, member, admin)?;
                }
            }
        }
        Ok(())
    }

    fn add_member(&mut self, role: &Name, member: Oid, admin: bool) -> Result<()> {
        let role = self.role(role)?;
        for (oid, what) in [(role.oid, "have explicit members"), (member, "be a member of any role")] {
            if oid == predefined::DATABASE_OWNER {
                let message = format!("role \"{}\" cannot {what}", self.role_name(oid));
                return Err(Error::new(SqlState::INTERNAL_ERROR, message));
            }
        }
        if self.after.effective_members(role.oid).contains(&member) {
            let message = format!("role \"{}\" is a member of role \"{}\"", role.name, self.role_name(member));
            return Err(Error::new(SqlState::INVALID_GRANT_OPERATION, message));
        }
        let Some(member) = self.after.role_by_oid(member) else { return Ok(()) };
        let mut member = (**member).clone();
        match member.member_of.iter_mut().find(|m| m.role == role.oid) {
            Some(known) if known.admin || !admin => {
                let message = format!("role \"{}\" is already a member of role \"{}\"", member.name, role.name);
                self.plan.notices.push(Report::notice(message));
                return Ok(());
            }
            Some(known) => known.admin = true,
            None => member.member_of.push(Membership { role: role.oid, admin }),
        }
        self.put_role(member);
        Ok(())
    }

    fn remove_member(&mut self, role: &Name, member: Oid, admin_only: bool) -> Result<()> {
        let role = self.role(role)?;
        let Some(member) = self.after.role_by_oid(member) else { return Ok(()) };
        let mut member = (**member).clone();
        if !member.member_of.iter().any(|m| m.role == role.oid) {
            let message = format!("role \"{}\" is not a member of role \"{}\"", member.name, role.name);
            self.plan.notices.push(Report::warning(SqlState::WARNING, message));
            return Ok(());
        }
        if admin_only {
            member.member_of.iter_mut().filter(|m| m.role == role.oid).for_each(|m| m.admin = false);
        } else {
            member.member_of.retain(|m| m.role != role.oid);
        }
        self.put_role(member);
        Ok(())
    }
}

fn reserved_role(name: &str) -> Error {
    Error::new(SqlState::RESERVED_NAME, format!("role name \"{name}\" is reserved"))
}

fn reserved(name: &str) -> Result<()> {
    if !is_reserved_role(name) {
        return Ok(());
    }
    let error = reserved_role(name);
    Err(match name.starts_with("pg_") {
        true => error.detail("Role names starting with \"pg_\" are reserved."),
        false => error,
    })
}

/// VALID UNTIL as seconds since 1970; `None` for infinity.
fn seconds(text: &str, settings: &OutputSettings, types: &crate::registry::Snapshot) -> Result<Option<i64>> {
    match crate::types::text::parse(text, PgType::new(oid::TIMESTAMPTZ), settings, types)? {
        Value::TimestampTz(i64::MAX) => Ok(None),
        Value::TimestampTz(micros) => Ok(Some(micros.div_euclid(1_000_000))),
        other => Err(Error::internal(format!("a timestamptz was read as {other:?}"))),
    }
}
