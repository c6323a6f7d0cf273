//! Where each kind of statement goes.

use std::sync::Arc;

use super::execute::{Alone, Done};
use super::front::Front;
use super::plan_cache::Origin;
use super::session::Session;
use super::transaction;
use crate::error::Result;
use crate::sql::{Compiled, CompiledBody};
use crate::types::Value;

impl Session {
    /// Runs a statement to its end, outside any portal. `codes` are the result's format codes: none (text), or one for
    /// each column; `describe` sends a RowDescription before the rows.
    pub(super) async fn run(
        &mut self,
        compiled: &Arc<Compiled>,
        origin: &Origin,
        values: &[Value],
        codes: &[i16],
        front: &mut dyn Front,
        describe: bool,
        alone: Alone,
    ) -> Result<Done> {
        self.audit_access(&compiled.access);
        let codes_for = |columns: usize| if codes.len() == columns { codes.to_vec() } else { vec![0; columns] };
        match &compiled.body {
            CompiledBody::Plan(plan) => {
                let codes = codes_for(plan.fields.len());
                self.run_plan(origin, plan, &compiled.params, values, codes, front, describe, alone).await
            }
            CompiledBody::CopyIn { .. } => self.copy_in(compiled, origin, front, alone).await,
            CompiledBody::CopyOut { plan, options, relation } => self.copy_out(plan, options, *relation, front).await,
            CompiledBody::Explain { plan, options, unmeasured } => {
                let plans = (plan, unmeasured.as_ref());
                self.explain(plans, options, values, codes_for(1), front, describe).await
            }
            CompiledBody::Ddl(ddl) | CompiledBody::CreateTableAs { ddl, .. } => {
                if let Some(what) = origin.parsed()?.extras.outside_block
                    && self.transaction.in_block()
                {
                    return Err(transaction::never_in_block(what));
                }
                self.ddl(ddl, Some((origin, &compiled.params)), values, front).await
            }
            CompiledBody::Utility(utility) => {
                // A future of its own on the heap: EXECUTE and EXPLAIN come back here.
                Box::pin(self.utility(utility, origin, values, codes, front, describe, alone)).await
            }
        }
    }
}
