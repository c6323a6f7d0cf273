//! What a compiled statement will give, told before it runs.

use super::made_rows::{field, text_field};
use super::session::Session;
use crate::error::Result;
use crate::sql::{Compiled, CompiledBody};
use crate::tree::{ExplainFormat, Field, Utility};
use crate::types::{Phys, oid};

/// The columns of a result and what carries them.
pub type Columns = (Vec<Field>, Vec<Phys>);

impl Session {
    /// The result's columns; `None` if the statement gives no rows.
    pub(super) fn columns(&self, compiled: &Compiled) -> Result<Option<Columns>> {
        let text = |fields: Vec<Field>| {
            let phys = vec![Phys::Text; fields.len()];
            Some((fields, phys))
        };
        Ok(match &compiled.body {
            CompiledBody::Plan(plan) if plan.fields.is_empty() && plan.command != crate::sql::Command::Select => None,
            CompiledBody::Plan(plan) => Some((plan.fields.clone(), plan.phys.clone())),
            CompiledBody::Explain { options, .. } => text(vec![explain_field(options.format)]),
            CompiledBody::Utility(utility) => self.utility_columns(utility)?,
            CompiledBody::CopyIn { .. }
            | CompiledBody::CopyOut { .. }
            | CompiledBody::Ddl(_)
            | CompiledBody::CreateTableAs { .. } => None,
        })
    }

    fn utility_columns(&self, utility: &Utility) -> Result<Option<Columns>> {
        let text = |fields: Vec<Field>| {
            let phys = vec![Phys::Text; fields.len()];
            Ok(Some((fields, phys)))
        };
        match utility {
            Utility::Show { name: None } => {
                text(vec![text_field("name"), text_field("setting"), text_field("description")])
            }
            Utility::Show { name: Some(name) } => {
                let state = self.shared.state.lock();
                state.settings.show(name)?;
                text(vec![text_field(&state.settings.spelling(name))])
            }
            Utility::Fetch { move_only: false, cursor, .. } => {
                // As in PostgreSQL: a cursor that does not exist is an error when it is read, not before.
                let shape = self.portals.cursor(cursor).ok().and_then(|portal| portal.shape.as_ref());
                Ok(shape.map(|shape| (shape.fields.clone(), shape.phys.clone())))
            }
            Utility::Execute { name, .. } => {
                let statement = self.statements.get(name)?;
                match &statement.compiled {
                    Some((_, compiled)) => self.columns(compiled),
                    None => Ok(None),
                }
            }
            Utility::Fetch { move_only: true, .. }
            | Utility::Begin { .. }
            | Utility::Commit { .. }
            | Utility::Rollback { .. }
            | Utility::Savepoint(_)
            | Utility::ReleaseSavepoint(_)
            | Utility::RollbackTo(_)
            | Utility::SetTransaction { .. }
            | Utility::Set { .. }
            | Utility::Reset { .. }
            | Utility::SetRole { .. }
            | Utility::SetSessionAuthorization { .. }
            | Utility::Discard(_)
            | Utility::Prepare { .. }
            | Utility::Deallocate { .. }
            | Utility::Declare { .. }
            | Utility::CloseCursor { .. }
            | Utility::Do { .. }
            | Utility::Listen(_)
            | Utility::Unlisten(_)
            | Utility::Notify { .. }
            | Utility::Lock { .. }
            | Utility::Maintain { .. }
            | Utility::PrepareTransaction
            | Utility::SetConstraints { .. } => Ok(None),
        }
    }
}

pub fn explain_field(format: ExplainFormat) -> Field {
    match format {
        ExplainFormat::Text | ExplainFormat::Yaml => text_field("QUERY PLAN"),
        ExplainFormat::Json => field("QUERY PLAN", oid::JSON),
        ExplainFormat::Xml => field("QUERY PLAN", oid::XML),
    }
}
