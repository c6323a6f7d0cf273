//! Where each kind of statement goes.

use std::sync::Arc;

use futures::future::BoxFuture;

use super::execute::{Alone, Done};
use super::front::Front;
use super::plan_cache::Origin;
use super::session::Session;
use super::transaction;
use crate::error::Result;
use crate::sql::{Compiled, CompiledBody};
use crate::tree::Utility;
use crate::types::{Oid, Value};

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
        if !waits_for_tables(&compiled.body) {
            return self.run_once(compiled, origin, values, codes, front, describe, alone).await;
        }
        let mut attempt = self.attempt();
        let mut compiled = compiled.clone();
        loop {
            self.redefined = false;
            let error = match self.run_once(&compiled, origin, values, codes, &mut *front, describe, alone).await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            if !self.look_again(&mut attempt, &mut *front).await? {
                return Err(error);
            }
            let params: Arc<[Oid]> = compiled.params.iter().map(|ty| ty.oid).collect();
            (_, compiled) = self.compile(&origin.text, origin.index, &params)?;
        }
    }

    async fn run_once(
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
            // Futures of their own on the heap: what stands here takes of the stack of every statement, and EXECUTE and EXPLAIN come
            // back here.
            CompiledBody::CopyIn { .. } => apart(move || self.copy_in(compiled, origin, front, alone)).await,
            CompiledBody::CopyOut { plan, options, relation } => {
                apart(move || self.copy_out(plan, options, *relation, front)).await
            }
            CompiledBody::Explain { plan, options, unmeasured } => {
                let (plans, codes) = ((plan, unmeasured.as_ref()), codes_for(1));
                apart(move || self.explain(plans, options, values, codes, front, describe)).await
            }
            CompiledBody::Ddl(ddl) | CompiledBody::CreateTableAs { ddl, .. } => {
                if let Some(what) = origin.parsed()?.extras.outside_block
                    && self.transaction.in_block()
                {
                    return Err(transaction::never_in_block(what));
                }
                apart(move || self.ddl(ddl, Some((origin, &compiled.params)), values, front)).await
            }
            CompiledBody::Utility(utility) => {
                Box::pin(self.utility(utility, origin, values, codes, front, describe, alone)).await
            }
        }
    }
}

/// A future on the heap that is made in a frame of its own, which is gone when it runs.
#[inline(never)]
fn apart<'a, F: Future<Output = Result<Done>> + Send + 'a>(make: impl FnOnce() -> F) -> BoxFuture<'a, Result<Done>> {
    Box::pin(make())
}

/// Statements that lock the tables of a plan before they say anything to the client, and do not begin anew by themselves as plans do.
/// A schema change does for the tables that it is about; its steps may ask for more (TRUNCATE of a partition for its siblings).
fn waits_for_tables(body: &CompiledBody) -> bool {
    match body {
        CompiledBody::CopyIn { .. }
        | CompiledBody::CopyOut { .. }
        | CompiledBody::Explain { .. }
        | CompiledBody::Ddl(_)
        | CompiledBody::CreateTableAs { .. } => true,
        CompiledBody::Utility(utility) => matches!(utility, Utility::Declare { .. }),
        CompiledBody::Plan(_) => false,
    }
}
