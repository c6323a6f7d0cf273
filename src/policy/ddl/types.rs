//! Who may make columns, domains and functions of a type (USAGE), and grant that.

use super::{Who, privilege};
use crate::error::Result;
use crate::policy::check::denied;
use crate::registry::Privileges;
use crate::registry::privileges::Kind;
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

    /// A grantor has a grant option, or may at least use the type: then planning warns.
    pub(super) fn may_grant_on_type(&self, ty: Oid) -> Result<()> {
        let snapshot = self.snapshot();
        let Some(known) = snapshot.user_type_by_oid(ty) else {
            return match snapshot.relation_of_row(ty) {
                Some(composite)
                    if snapshot.grantable(self.role(), &composite.acl, Kind::Type, composite.owner).is_empty()
                        && !snapshot.has_any_privilege(self.role(), composite) =>
                {
                    Err(denied(composite))
                }
                Some(_) | None => Ok(()),
            };
        };
        if snapshot.grantable(self.role(), &known.acl, Kind::Type, known.owner).is_empty() {
            return self.may_use_type(ty);
        }
        Ok(())
    }
}
