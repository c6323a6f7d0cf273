//! Who may refer to a table by a foreign key.

use super::Who;
use crate::error::Result;
use crate::policy::check::{denied, must_use_namespace};
use crate::registry::{Name, Privileges};
use crate::tree::{NewConstraint, NewConstraintKind};

impl Who<'_> {
    /// A foreign key needs REFERENCES on the columns (or the whole) of its target.
    pub(super) fn may_reference(&self, constraint: &NewConstraint) -> Result<()> {
        let NewConstraint {
            name: _,
            kind,
            included: _,
            deferrable: _,
            initially_deferred: _,
            not_valid: _,
            no_inherit: _,
            delete_sets: _,
        } = constraint;
        match kind {
            NewConstraintKind::ForeignKey {
                columns: _,
                target,
                target_columns,
                on_delete: _,
                on_update: _,
                match_full: _,
            } => {
                let Some(relation) = self.snapshot().relation(&target.0, &target.1) else { return Ok(()) };
                must_use_namespace(self.snapshot(), self.role(), &target.0, Privileges::USAGE)?;
                if self.snapshot().relation_privileges(self.role(), relation).contains(Privileges::REFERENCES) {
                    return Ok(());
                }
                let allowed = |name: &Name| {
                    relation.column(name).is_none_or(|column| {
                        let has = self.snapshot().column_privileges(self.role(), relation, column);
                        has.contains(Privileges::REFERENCES)
                    })
                };
                let by_columns = !target_columns.is_empty() && target_columns.iter().all(allowed);
                if by_columns { Ok(()) } else { Err(denied(relation)) }
            }
            NewConstraintKind::PrimaryKey { columns: _ }
            | NewConstraintKind::Unique { columns: _, nulls_not_distinct: _ }
            | NewConstraintKind::Check { expression: _ }
            | NewConstraintKind::Exclusion(_) => Ok(()),
        }
    }
}
