//! DROP TYPE and DROP DOMAIN.

use super::alter::wrong_type;
use super::depends::Object;
use super::planner::Planner;
use crate::error::{Error, Result, SqlState};
use crate::registry::{Name, UserTypeKind};
use crate::tree::DropBehavior;

impl Planner<'_> {
    pub(super) fn drop_types(
        &mut self,
        what: &str,
        names: &[(Name, Name)],
        if_exists: bool,
        behavior: DropBehavior,
    ) -> Result<()> {
        self.tag(&format!("DROP {what}"));
        let mut asked = Vec::new();
        for (namespace, name) in names {
            if let Some(composite) = self.after.composite(namespace, name).cloned()
                && what == "TYPE"
            {
                self.may_change(&composite.managed, "type", &composite.name)?;
                asked.push(Object::Relation(composite.oid));
                continue;
            }
            let Some(ty) = self.after.user_type(namespace, name).cloned() else {
                if if_exists {
                    self.notice(format!("type \"{name}\" does not exist, skipping"));
                    continue;
                }
                return Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("type \"{name}\" does not exist")));
            };
            if what == "DOMAIN" && !matches!(ty.kind, UserTypeKind::Domain { .. }) {
                return Err(wrong_type(name, "a domain"));
            }
            self.may_change(&ty.managed, "type", name)?;
            if let UserTypeKind::Multirange { range } = ty.kind {
                let range = self.after.user_type_by_oid(range).map_or("", |t| &t.name);
                let message = format!("cannot drop type {name} because type {range} requires it");
                return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
                    .hint(format!("You can drop type {range} instead.")));
            }
            asked.push(Object::Type(ty.oid));
        }
        self.drop_together(&asked, behavior)
    }
}
