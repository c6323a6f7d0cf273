//! Who may make and change roles.

use super::ddl::{Who, privilege};
use crate::error::Result;
use crate::registry::Role;
use crate::registry::privileges::missing_role;
use crate::tree::RoleOptions;

impl Who<'_> {
    pub(super) fn can_create_roles(&self) -> bool {
        self.snapshot().role_by_oid(self.role()).is_some_and(|r| r.superuser || r.create_role)
    }

    pub(super) fn must_create_roles(&self, message: &str) -> Result<()> {
        if self.can_create_roles() { Ok(()) } else { Err(privilege(message)) }
    }

    pub(super) fn may_create_role(&self, options: &RoleOptions) -> Result<()> {
        self.superuser_options(
            options,
            "must be superuser to create superusers",
            "must be superuser to create bypassrls users",
        )?;
        self.must_create_roles("permission denied to create role")?;
        options.member_of.iter().try_for_each(|name| self.may_grant_role(name, None))
    }

    pub(super) fn superuser_options(&self, options: &RoleOptions, superuser: &str, bypass: &str) -> Result<()> {
        let RoleOptions {
            superuser: wants_superuser,
            login: _,
            inherit: _,
            create_role: _,
            create_db: _,
            bypass_rls,
            connection_limit: _,
            valid_until: _,
            password: _,
            member_of: _,
            members: _,
        } = options;
        if self.is_superuser() {
            return Ok(());
        }
        if wants_superuser == &Some(true) {
            return Err(privilege(superuser));
        }
        if bypass_rls == &Some(true) {
            return Err(privilege(bypass));
        }
        Ok(())
    }

    pub(super) fn may_alter_role(&self, name: &str, options: &RoleOptions) -> Result<()> {
        let Some(role) = self.snapshot().role(name).cloned() else { return Ok(()) };
        if self.is_superuser() {
            return Ok(());
        }
        let bypass = "must be superuser to change bypassrls attribute";
        if options.superuser.is_some() || role.superuser {
            return Err(privilege("must be superuser to alter superuser roles or change superuser attribute"));
        }
        if options.bypass_rls.is_some() {
            return Err(privilege(bypass));
        }
        if self.can_create_roles() {
            return Ok(());
        }
        // Everybody may change their own password, and nothing else.
        if self.is_self(name) && only_password(options) {
            return Ok(());
        }
        Err(privilege("permission denied"))
    }

    pub(super) fn must_administer(&self, name: &str, message: &str) -> Result<()> {
        self.not_above(name, message)?;
        self.must_create_roles("permission denied")
    }

    pub(super) fn not_above(&self, name: &str, message: &str) -> Result<()> {
        let above = |r: &std::sync::Arc<Role>| r.superuser && !self.is_superuser();
        if self.snapshot().role(name).is_some_and(above) { Err(privilege(message)) } else { Ok(()) }
    }

    /// `by`: GRANTED BY, whose admin option counts then.
    pub(super) fn may_grant_role(&self, name: &str, by: Option<&str>) -> Result<()> {
        let Some(role) = self.snapshot().role(name) else { return Ok(()) };
        if role.superuser && !self.is_superuser() {
            return Err(privilege("must be superuser to alter superusers"));
        }
        let grantor = match by {
            Some(by) => self.snapshot().role(by).ok_or_else(|| missing_role(by))?.oid,
            None => self.role(),
        };
        if !self.can_create_roles() && !self.snapshot().has_admin_option(grantor, role.oid) {
            return Err(privilege(format!("must have admin option on role \"{name}\"")));
        }
        if grantor != self.role() && !self.is_superuser() {
            return Err(privilege("must be superuser to set grantor"));
        }
        Ok(())
    }
}

pub(super) fn only_password(options: &RoleOptions) -> bool {
    let RoleOptions {
        superuser,
        login,
        inherit,
        create_role,
        create_db,
        bypass_rls,
        connection_limit,
        valid_until,
        password: _,
        member_of,
        members,
    } = options;
    [superuser, login, inherit, create_role, create_db, bypass_rls].iter().all(|o| o.is_none())
        && connection_limit.is_none()
        && valid_until.is_none()
        && member_of.is_empty()
        && members.is_empty()
}
