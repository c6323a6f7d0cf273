//! Who may make columns, domains and functions of a type (USAGE), and grant that.

use super::{Who, privilege};
use crate::error::Result;
use crate::registry::Privileges;
use crate::registry::privileges::Kind;
use crate::tree::GrantedPrivilege;
use crate::types::Oid;

impl Who<'_> {
    /// 42501 unless the role may use all of these types; an array is its elements'.
    pub(in crate::policy) fn may_use_types(&self, types: impl IntoIterator<Item = Oid>) -> Result<()> {
        types.into_iter().try_for_each(|ty| self.may_use_type(ty))
    }

    fn may_use_type(&self, ty: Oid) -> Result<()> {
        if self.snapshot().type_privileges(self.role(), ty).contains(Privileges::USAGE) {
            return Ok(());
        }
        let name = self.snapshot().user_type_by_oid(ty).map(|known| known.name.clone());
        let name = name.or_else(|| self.snapshot().relation_of_row(ty).map(|composite| composite.name.clone()));
        Err(privilege(format!("permission denied for type {}", name.as_deref().unwrap_or_default())))
    }

    pub(super) fn may_grant_on_type(&self, ty: Oid, privileges: &[GrantedPrivilege]) -> Result<()> {
        let snapshot = self.snapshot();
        let (acl, owner, name) = match (snapshot.user_type_by_oid(ty), snapshot.relation_of_row(ty)) {
            (Some(known), _) => (&known.acl, known.owner, &known.name),
            (None, Some(composite)) => (&composite.acl, composite.owner, &composite.name),
            (None, None) => return Ok(()),
        };
        let held = |role| snapshot.type_privileges(role, ty);
        self.may_pass_on(Kind::Type, acl, owner, privileges, held, || format!("type {name}"))
    }
}
