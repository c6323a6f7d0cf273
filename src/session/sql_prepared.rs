//! SQL's EXECUTE: its arguments become the parameters of a prepared statement.

use super::execute::{Alone, Done, guarded};
use super::front::Front;
use super::plan_cache::Origin;
use super::session::Session;
use crate::engine::Outcome;
use crate::error::{Error, Result};
use crate::registry::Name;
use crate::sql::analyze::execute_arguments;
use crate::sql::{self, CompiledBody};
use crate::tree::{Body, Expr, ExprKind, Field, Query, RelId, Statement};
use crate::types;
use crate::types::Value;

impl Session {
    pub(super) async fn execute_prepared(
        &mut self,
        name: &Name,
        origin: &Origin,
        client: &[Value],
        codes: &[i16],
        front: &mut dyn Front,
        describe: bool,
        alone: Alone,
    ) -> Result<Done> {
        let Some(compiled) = self.revalidate(name)? else { return Done::tag("") };
        let params = self.statements.get(name)?.params.clone();
        let environment = self.environment()?;
        let args = execute_arguments(origin.parsed()?, &environment.context, &params)?;
        let constant = |arg: &Expr| match &arg.kind {
            ExprKind::Const(value) => Some(value.clone()),
            _ => None,
        };
        let values = match args.iter().map(constant).collect::<Option<Vec<_>>>() {
            Some(values) => values,
            None => self.evaluate(args, client, front).await?,
        };
        let origin = Origin::new(self.statements.get(name)?.text.clone(), 0);
        self.run(&compiled, &origin, &values, codes, front, describe, alone).await
    }

    /// Runs `VALUES (args)` in the engine.
    async fn evaluate(&mut self, args: Vec<Expr>, client: &[Value], front: &mut dyn Front) -> Result<Vec<Value>> {
        let columns: Vec<Field> = args
            .iter()
            .enumerate()
            .map(|(i, arg)| Field { name: format!("column{}", i + 1).into(), ty: arg.ty, origin: (0, 0), row: None })
            .collect();
        // The arguments have no relations of their own but in subqueries, whose numbers start at 0.
        let query = Query::of(Body::Values(vec![args]), columns, RelId(u32::MAX));
        let environment = self.environment()?;
        let compiled = sql::compile_statement(Statement::Query(Box::new(query)), Vec::new(), &environment.context)?;
        let CompiledBody::Plan(plan) = compiled.body else {
            return Err(Error::internal("arguments that are no query"));
        };
        let Outcome::Rows(mut rows) = self.start(&plan, client, front, Alone::No, None).await? else {
            return Err(Error::internal("arguments gave no row"));
        };
        let shared = self.shared.clone();
        let canceller = self.lease()?.canceller.clone();
        let batch = guarded(Some(front), &shared.interrupt, &canceller, rows.next()).await?;
        let batch = batch.ok_or_else(|| Error::internal("arguments gave no row"))?;
        let columns = batch.columns().iter().zip(&plan.phys);
        Ok(columns.map(|(array, phys)| types::arrow::value_at(array.as_ref(), 0, phys)).collect())
    }
}
