//! SQL's EXECUTE: its arguments become the parameters of a prepared statement.

use std::sync::Arc;

use super::execute::{Alone, Done, guarded};
use super::front::Front;
use super::session::Session;
use crate::engine::Outcome;
use crate::error::{Error, Result, SqlState};
use crate::facts::{self, CastContext};
use crate::registry::{Name, Snapshot};
use super::pending::sql::{self, CompiledBody};
use crate::tree::{Body, Expr, ExprKind, Field, Query, RelId, Statement};
use super::pending::types::{self, OutputSettings, PgType, Value, oid};

impl Session {
    pub(super) async fn execute_prepared(
        &mut self,
        name: &Name,
        args: &[Expr],
        codes: &[i16],
        front: &mut dyn Front,
        describe: bool,
        alone: Alone,
    ) -> Result<Done> {
        let params = self.statements.get(name)?.params.clone();
        if params.len() != args.len() {
            let message = format!("wrong number of parameters for prepared statement \"{name}\"");
            return Err(Error::syntax(message).detail(format!(
                "Expected {} parameters but got {}.",
                params.len(),
                args.len()
            )));
        }
        let compiled = self.revalidate(name)?;
        let Some(compiled) = compiled else { return Done::tag("") };
        let values = self.argument_values(args, &params, front).await?;
        let text = self.statements.get(name)?.text.text.clone();
        self.run(&compiled, &text, &values, codes, front, describe, alone).await
    }

    /// Evaluates the arguments, and assigns them to the parameters' types.
    async fn argument_values(&mut self, args: &[Expr], params: &[PgType], front: &mut dyn Front) -> Result<Vec<Value>> {
        let constant = |arg: &Expr| match &arg.kind {
            ExprKind::Const(value) => Some(value.clone()),
            _ => None,
        };
        let values = match args.iter().map(constant).collect::<Option<Vec<_>>>() {
            Some(values) => values,
            None => self.evaluate(args, front).await?,
        };
        let settings = self.output_settings();
        let snapshot = self.snapshot();
        let assigned = values.into_iter().zip(args).zip(params).enumerate();
        assigned
            .map(|(i, ((value, arg), target))| {
                assign(value, arg.ty, *target, &settings, &snapshot, i + 1).map_err(|error| error.at(arg.pos))
            })
            .collect()
    }

    /// Runs `VALUES (args)` in the engine.
    async fn evaluate(&mut self, args: &[Expr], front: &mut dyn Front) -> Result<Vec<Value>> {
        let columns: Vec<Field> = args
            .iter()
            .enumerate()
            .map(|(i, arg)| Field { name: format!("column{}", i + 1).into(), ty: arg.ty, origin: (0, 0) })
            .collect();
        let query = Query {
            ctes: Vec::new(),
            recursive: false,
            body: Body::Values(vec![args.to_vec()]),
            order_by: Vec::new(),
            limit: None,
            offset: None,
            with_ties: false,
            locking: Vec::new(),
            columns,
            // The arguments have no relations of their own but in subqueries, whose numbers start at 0.
            output_rel: RelId(u32::MAX),
        };
        let environment = self.environment();
        let compiled = sql::compile_statement(Statement::Query(Box::new(query)), Vec::new(), &environment.context)?;
        let CompiledBody::Plan(plan) = compiled.body else {
            return Err(Error::internal("arguments that are no query"));
        };
        let Outcome::Rows(mut rows) = self.start(&plan, &[], front, Alone::No, None).await? else {
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

/// PostgreSQL's assignment coercion, for one value in hand.
fn assign(
    value: Value,
    from: PgType,
    to: PgType,
    settings: &OutputSettings,
    snapshot: &Arc<Snapshot>,
    number: usize,
) -> Result<Value> {
    if value.is_null() || (from.oid == to.oid && to.typmod < 0) {
        return Ok(value);
    }
    let snapshot = snapshot.as_ref();
    let name = |ty| types::name::format_type(ty, snapshot);
    let is_string = |ty: u32| matches!(ty, oid::TEXT | oid::VARCHAR | oid::BPCHAR | oid::NAME | oid::UNKNOWN);
    let cast = facts::cast(from.oid, to.oid).is_some_and(|c| c.context <= CastContext::Assignment);
    if !(cast || from.oid == to.oid || from.oid == oid::UNKNOWN || is_string(to.oid)) {
        let message =
            format!("parameter ${number} of type {} cannot be coerced to the expected type {}", name(from), name(to));
        return Err(
            Error::new(SqlState::DATATYPE_MISMATCH, message).hint("You will need to rewrite or cast the expression.")
        );
    }
    let text = types::text::format(&value, from, settings, snapshot);
    // A number with a fraction is rounded on its way to an integer: numeric away from zero, floats to even.
    let text = match (&value, to.oid) {
        (Value::Numeric(_), oid::INT2 | oid::INT4 | oid::INT8) => rounded(&text),
        (Value::Float4(f), oid::INT2 | oid::INT4 | oid::INT8) => f.round_ties_even().to_string(),
        (Value::Float8(f), oid::INT2 | oid::INT4 | oid::INT8) => f.round_ties_even().to_string(),
        _ => text,
    };
    types::text::parse(&text, to, settings, snapshot)
}

/// Decimal text rounded to a whole number, halves away from zero.
fn rounded(text: &str) -> String {
    let Some((whole, fraction)) = text.split_once('.') else { return text.to_owned() };
    if !fraction.as_bytes().first().is_some_and(|d| *d >= b'5') {
        return whole.to_owned();
    }
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    match digits.parse::<i128>() {
        Ok(n) => format!("{sign}{}", n + 1),
        Err(_) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numeric_text_is_rounded_away_from_zero() {
        for (text, whole) in [("2.5", "3"), ("-2.5", "-3"), ("2.49", "2"), ("7", "7"), ("-0.5", "-1")] {
            assert_eq!(rounded(text), whole);
        }
    }
}
