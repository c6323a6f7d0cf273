//! ALTER TABLE … SET LOGGED and SET UNLOGGED (ATPrepChangePersistence).

use super::Altered;
use crate::error::{Error, Result, SqlState};
use crate::registry::Relation;
use crate::sql::ddl::planner::Planner;

impl Planner<'_> {
    /// The table's sequences follow it.
    pub(super) fn set_logged(&mut self, t: &mut Altered, logged: bool) -> Result<()> {
        let name = &t.new.name;
        if t.new.temporary {
            let message = format!("cannot change logged status of table \"{name}\" because it is temporary");
            return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
        }
        if t.new.details.unlogged != logged {
            return Ok(());
        }
        self.logged_as_what_it_refers_to(&t.new, logged)?;
        t.new.details.unlogged = !logged;
        for sequence in self.owned_sequences(t.new.oid) {
            let mut sequence = (*sequence).clone();
            sequence.details.unlogged = !logged;
            self.put_relation(sequence);
        }
        Ok(())
    }

    /// A logged table must not refer to an unlogged one.
    fn logged_as_what_it_refers_to(&self, table: &Relation, logged: bool) -> Result<()> {
        let invalid = |message: String| Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
        let name = &table.name;
        if logged {
            let unlogged = |key: crate::registry::ForeignKey<'_>| {
                let target = self.after.relation_by_oid(key.target)?;
                (target.oid != table.oid && target.details.unlogged).then(|| target.name.clone())
            };
            if let Some(other) = table.foreign_keys().find_map(unlogged) {
                return invalid(format!(
                    "could not change table \"{name}\" to logged because it references unlogged table \"{other}\""
                ));
            }
            return Ok(());
        }
        let referencing = self.referencing(table.oid).into_iter();
        let other = referencing.map(|(child, _)| child).find(|child| child.oid != table.oid && !child.details.unlogged);
        match other {
            Some(other) => invalid(format!(
                "could not change table \"{name}\" to unlogged because it references logged table \"{}\"",
                other.name
            )),
            None => Ok(()),
        }
    }
}
