//! Below a savepoint, an INSERT of a few rows is looked at before it is carried out: what its checks and keys refuse is told
//! without an error in the engine, which would end the engine's transaction, so that ROLLBACK TO would have to do all of it
//! again ([`super::replay`]).
//!
//! That costs a query more, so it is done only where doing the transaction again would cost much. What is not found here
//! (a value that cannot be computed, say) fails when the statement is carried out.

use super::attempt::Attempt;
use super::constraint::may_read;
use super::execute::{guarded, shaped_params};
use super::front::Front;
use super::keys::row;
use super::locking::outdated;
use super::plan_cache::Origin;
use super::session::Session;
use super::transaction::Active;
use crate::engine::error::decode;
use crate::engine::tape;
use crate::engine::{Moment, Outcome, Run};
use crate::error::{Error, Result, SqlState};
use crate::registry::{ConstraintKind, Name, Relation, Snapshot, expression};
use crate::sql::ddl::keys::{Side, has};
use crate::sql::{Command, Plan, Probe};
use crate::types::{self, Oid, PgType, Phys, Value};

/// A key that DuckDB holds by an index.
struct NativeKey {
    oid: Oid,
    name: Name,
    columns: Vec<i16>,
}

impl Session {
    /// Whether an INSERT is to be looked at before.
    pub(super) fn is_probed(&self, plan: &Plan) -> bool {
        let dear = |active: &Active| active.engine && !active.savepoints.is_empty() && active.journal.is_dear();
        plan.command == Command::Insert && plan.before.is_empty() && self.transaction.active().is_some_and(dear)
    }

    /// The error that the rows would give, or what they have drawn: they are to be written with the same.
    pub(super) async fn probe(&mut self, probe: &Probe, plan: &Plan, values: &[Value]) -> Result<tape::Record> {
        self.next_tape(true);
        self.look_at(probe, plan, values).await
    }

    async fn look_at(&mut self, probe: &Probe, plan: &Plan, values: &[Value]) -> Result<tape::Record> {
        let Some(table) = plan.target.clone() else { return Ok(tape::Record::default()) };
        let (rows, drew) = self.probed_rows(probe, values).await?;
        let types = probe.rows.get().columns.clone();
        let (types, errors) = types.split_at(probe.columns.len());
        let keys = native_keys(&table, &self.snapshot());
        for (at, values) in rows.iter().enumerate() {
            let (values, error) = values.split_at(types.len().min(values.len()));
            if let ([Value::Text(text)], [Phys::Text]) = (error, errors) {
                return Err(decode(text).unwrap_or_else(|| Error::internal("an error that nobody can read")));
            }
            for key in &keys {
                let Some((key_values, key_types)) = part(&probe.columns, key, values, types) else { continue };
                let earlier = rows[..at].iter().any(|row| {
                    part(&probe.columns, key, &row[..types.len()], types).is_some_and(|(v, _)| v == key_values)
                });
                if earlier || self.is_there(&table, key, &key_values, key_types).await? {
                    return Err(self.is_taken(&table, key, &key_values));
                }
            }
        }
        Ok(drew)
    }

    /// A key was met, and the engine does not say which, as it does not for rows of the same transaction: what the transaction
    /// has done before is done again, and the statement's rows are looked at. `None` if that tells nothing.
    pub(super) async fn named(
        &mut self,
        origin: &Origin,
        plan: &Plan,
        params: &[PgType],
        values: &[Value],
        attempt: &Attempt,
        front: &mut dyn Front,
    ) -> Option<Error> {
        if plan.command != Command::Insert || !plan.before.is_empty() {
            return None;
        }
        let drew = self.shared.tape.record(false);
        match attempt.began {
            None => self.begin_anew().await.ok()?,
            Some(place) => self.before_statement(place, front).await.ok().filter(|done| *done).map(drop)?,
        }
        let again = self.compile_probed(origin, params, shaped_params(values)).ok()?;
        self.open_engine().await.ok()?;
        self.next_tape(true);
        self.shared.tape.draw_again(drew);
        let found = self.look_at(again.probe.as_deref()?, &again, values).await.err()?;
        (found.code() == SqlState::UNIQUE_VIOLATION).then_some(found)
    }

    /// Whether an ON CONFLICT has met a row that another transaction has committed since: it is there for the next try.
    pub(super) fn meets_newcomer(&self, plan: &Plan, error: &Error, moment: Moment) -> bool {
        let tables =
            || plan.target.iter().map(|table| table.oid).chain(plan.upserts.iter().copied()).collect::<Vec<_>>();
        plan.arbitrates
            && error.code() == SqlState::UNIQUE_VIOLATION
            && self.gateway.engine().changed_since(moment, Some(&tables()))
    }

    /// The error of an ON CONFLICT in a transaction that has done more before: what PostgreSQL would have waited for, or (in a
    /// snapshot that stays) have told as this.
    pub(super) fn met_newcomer(&self, plan: &Plan, error: Error) -> Error {
        let moment = self.transaction.active().filter(|active| active.engine).and_then(|active| active.moment);
        match moment.is_some_and(|moment| self.meets_newcomer(plan, &error, moment)) {
            true => newcomer(),
            false => error,
        }
    }

    async fn probed_rows(&mut self, probe: &Probe, values: &[Value]) -> Result<(Vec<Vec<Value>>, tape::Record)> {
        let params = self.bind_sources(&probe.params, values, None)?;
        let run = Run::new(self.shared.state.lock().settings.acting().engine_zone.clone(), self.deadline);
        let shared = self.shared.clone();
        shared.interrupt.check()?;
        let lease = self.lease()?;
        let work = lease.connection.execute(&probe.rows, params, &run);
        let Outcome::Rows(mut batches) = guarded(None, &shared.interrupt, &lease.canceller, work).await? else {
            return Err(Error::internal("a probe without rows"));
        };
        let types = &probe.rows.get().columns;
        let mut rows = Vec::new();
        while let Some(batch) = guarded(None, &shared.interrupt, &lease.canceller, batches.next()).await? {
            rows.extend((0..batch.num_rows()).map(|at| row(&batch, 0, at, types)));
        }
        Ok((rows, self.shared.tape.record(false)))
    }

    async fn is_there(
        &mut self,
        table: &Relation,
        key: &NativeKey,
        values: &[Value],
        types: Vec<Phys>,
    ) -> Result<bool> {
        let side = Side { relation: table, columns: &key.columns, types: &types };
        let question = has(side, types.clone(), true)?;
        Ok(!self.ask(&question, values.to_vec()).await?.is_empty())
    }

    fn is_taken(&mut self, table: &Relation, key: &NativeKey, values: &[Value]) -> Error {
        let (snapshot, role) = (self.snapshot(), self.role());
        let message = format!("duplicate key value violates unique constraint \"{}\"", key.name);
        let error = Error::new(SqlState::UNIQUE_VIOLATION, message);
        let error = error.table(&*table.namespace, &*table.name).constraint(&*key.name);
        if !may_read((&snapshot, role), table, &key.columns) {
            return error;
        }
        let settings = self.output_settings();
        let columns = || key.columns.iter().filter_map(|num| table.column_by_num(*num));
        let names: Vec<String> = columns().map(|column| expression::quote(&column.name)).collect();
        let shown = columns().zip(values);
        let shown = shown.map(|(column, value)| types::text::format(value, column.ty, &settings, snapshot.as_ref()));
        let shown: Vec<String> = shown.collect();
        error.detail(format!("Key ({})=({}) already exists.", names.join(", "), shown.join(", ")))
    }
}

/// Somebody else has added a row with the same key. PostgreSQL does not let ON CONFLICT fail because of that.
pub(super) fn newcomer() -> Error {
    outdated("Another transaction has added a row with the same key.")
}

/// A key that was met, without its name.
pub(super) fn is_nameless(error: &Error) -> bool {
    error.code() == SqlState::UNIQUE_VIOLATION && error.report().detail.is_none() && error.report().internal.is_some()
}

/// In the order in which they were made, as PostgreSQL writes to them.
fn native_keys(table: &Relation, types: &Snapshot) -> Vec<NativeKey> {
    let constraints = table.constraints.iter().filter(|constraint| constraint.is_native(table, types));
    let constraints = constraints.filter_map(|constraint| match &constraint.kind {
        ConstraintKind::PrimaryKey { columns } | ConstraintKind::Unique { columns, .. } => {
            Some(NativeKey { oid: constraint.oid, name: constraint.name.clone(), columns: columns.clone() })
        }
        ConstraintKind::ForeignKey { .. } | ConstraintKind::Check { .. } | ConstraintKind::Exclusion { .. } => None,
    });
    let indexes =
        table.indexes.iter().filter(|index| index.unique && !index.of_constraint && index.is_native(table, types));
    let indexes = indexes.map(|index| NativeKey {
        oid: index.oid,
        name: index.name.clone(),
        columns: index.keys.iter().map(|key| key.column).collect(),
    });
    let mut keys: Vec<NativeKey> = constraints.chain(indexes).collect();
    keys.sort_by_key(|key| key.oid);
    keys
}

/// The key of a row; `None` if it has none, as something in it is NULL, or if it cannot be asked for by its values.
fn part(columns: &[i16], key: &NativeKey, values: &[Value], types: &[Phys]) -> Option<(Vec<Value>, Vec<Phys>)> {
    let mut part = (Vec::with_capacity(key.columns.len()), Vec::with_capacity(key.columns.len()));
    for column in &key.columns {
        let at = columns.iter().position(|known| known == column)?;
        let (value, ty) = (values.get(at)?, types.get(at)?);
        if matches!(value, Value::Null) || !is_plain(ty) {
            return None;
        }
        part.0.push(value.clone());
        part.1.push(ty.clone());
    }
    Some(part)
}

/// True for types whose values come back as they were given, and are equal where DuckDB's index says so.
fn is_plain(ty: &Phys) -> bool {
    matches!(
        ty,
        Phys::Bool
            | Phys::Int2
            | Phys::Int4
            | Phys::Int8
            | Phys::Decimal { .. }
            | Phys::Date
            | Phys::Time
            | Phys::Timestamp
            | Phys::TimestampTz
            | Phys::Uuid
            | Phys::Text
            | Phys::Char(_)
            | Phys::Bytea
    )
}
