//! Running a plan: parameters in, batches out to the front end, with cancel, timeout and a client that goes away.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::constraint;
use super::front::{Front, RowShape};
use super::in_order::InOrder;
use super::interrupt::Interrupt;
use super::journal;
use super::plan_cache::Origin;
use super::plpgsql;
use super::portals::{Batches, OpenRows};
use super::probe::is_nameless;
use super::row_locks::{self, Changing, locking_word};
use super::session::Session;
use super::transaction::{self, Transaction};
use crate::engine::tape::Record;
use crate::engine::{Cancel, CancelReason, Outcome, Run, Writes};
use crate::error::{Error, Result, SqlState};
use crate::sql::lower::Decimals;
use crate::sql::{self, Command, CompiledBody, Plan};
use crate::types::{Oid, PgType, Value};

/// What became of a statement.
#[derive(Debug)]
pub enum Done {
    /// CommandComplete's tag.
    Tag(String),
    /// The row limit was reached.
    Suspended,
}

impl Done {
    pub fn tag(tag: impl Into<String>) -> Result<Self> {
        Ok(Self::Tag(tag.into()))
    }
}

/// A plan at work.
pub enum Started {
    Rows(OpenRows),
    Changed(u64),
}

/// True for a number that did not fit one of DuckDB's decimal types.
fn overflowed(error: &Error) -> bool {
    error.code() == SqlState::NUMERIC_VALUE_OUT_OF_RANGE
        && error
            .report()
            .internal
            .as_deref()
            .is_some_and(|text| text.contains("DECIMAL") || text.contains("is out of range!"))
        || error.code() == SqlState::NUMERIC_VALUE_OUT_OF_RANGE
            && error.report().message == "value out of range: overflow"
}

/// How the statement stands in its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alone {
    /// The only statement of its transaction: the engine may commit it by itself.
    Yes,
    No,
}

/// How often a cancel is repeated while the engine goes on: the first may have come before the statement was at work.
const CANCEL_AGAIN: Duration = Duration::from_millis(20);

/// How long a transaction's first statement is tried again while it conflicts with others', and the first pause between.
const CONFLICT_PATIENCE: Duration = Duration::from_secs(1);
const CONFLICT_PAUSE: Duration = Duration::from_millis(1);

/// Waits for the engine, and stops it when the client goes away or somebody cancels.
pub async fn guarded<T>(
    front: Option<&mut dyn Front>,
    interrupt: &Interrupt,
    engine: &Arc<dyn Cancel>,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let mut work = std::pin::pin!(work);
    let gone = async {
        match front {
            Some(front) => front.gone().await,
            None => std::future::pending().await,
        }
    };
    let stop = tokio::select! {
        biased;
        // A native may have noticed first that the session is to end, and its errors end none.
        done = &mut work => return done.map_err(|error| interrupt.ending().unwrap_or(error)),
        () = gone => (CancelReason::ClientGone, CancelReason::ClientGone.error()),
        error = interrupt.cancelled() => {
            let reason = if error.is_fatal() { CancelReason::Shutdown } else { CancelReason::UserRequest };
            (reason, error)
        }
    };
    loop {
        engine.cancel(stop.0);
        tokio::select! {
            biased;
            done = &mut work => {
                // What finished all the same is of no use to a client that is gone or about to be.
                return if stop.1.is_fatal() { Err(stop.1) } else { done };
            }
            () = tokio::time::sleep(CANCEL_AGAIN) => {}
        }
    }
}

/// The tag's word and number.
pub fn row_tag(command: Command, rows: u64) -> String {
    match command {
        Command::Select => format!("SELECT {rows}"),
        Command::Insert => format!("INSERT 0 {rows}"),
        Command::Update => format!("UPDATE {rows}"),
        Command::Delete => format!("DELETE {rows}"),
        Command::Merge => format!("MERGE {rows}"),
        Command::Call => "CALL".to_owned(),
    }
}

fn word(command: Command) -> &'static str {
    match command {
        // A SELECT that writes calls a function that does.
        Command::Select => "nextval()",
        Command::Insert => "INSERT",
        Command::Update => "UPDATE",
        Command::Delete => "DELETE",
        Command::Merge => "MERGE",
        Command::Call => "CALL",
    }
}

pub fn shape(plan: &Plan, formats: Vec<i16>) -> RowShape {
    RowShape { fields: plan.fields.clone(), phys: plan.phys.clone(), formats }
}

/// Whether the client, who may have been told of the one's columns, can read the other's.
fn same_fields(one: &Plan, other: &Plan) -> bool {
    let shown = |plan: &Plan| plan.fields.iter().map(|f| (f.name.clone(), f.ty)).collect::<Vec<_>>();
    shown(one) == shown(other)
}

/// Which values (from 0) are arrays of several dimensions, or that do not begin with 1.
pub(super) fn shaped_params(values: &[Value]) -> Arc<[u16]> {
    let shaped = |(n, value): (usize, &Value)| match value {
        Value::Array(array) if !array.is_plain() => u16::try_from(n).ok(),
        _ => None,
    };
    values.iter().enumerate().filter_map(shaped).collect()
}

impl Session {
    /// Starts a plan in the engine, when its locks are held.
    pub(super) async fn start(
        &mut self,
        plan: &Plan,
        values: &[Value],
        front: &mut dyn Front,
        alone: Alone,
        feed: Option<u64>,
    ) -> Result<Outcome> {
        if plan.call.is_some() {
            return Err(Error::unsupported("a call of a function in PL/pgSQL in a cursor, COPY or EXPLAIN")
                .hint("Call it by itself: SELECT f(…), or SELECT … FROM f(…)."));
        }
        if let Some(error) = &plan.doomed {
            self.audit_access(plan.permit.access());
            return Err((**error).clone());
        }
        if !plan.row_locks.is_empty() && self.shared.state.lock().settings.transaction.read_only {
            return Err(transaction::read_only(locking_word(plan)));
        }
        // On the heap: these futures are large, and not what a statement's own is to be as large as.
        let changing = Box::pin(self.lock_before(plan, values, &mut *front)).await?;
        Box::pin(self.take_later_data()).await?;
        let target = changing == Changing::ToBeFound;
        let finds = target || !plan.row_locks.is_empty();
        let mut singly = false;
        if finds {
            // What is found and what is done with it are of one snapshot.
            let fresh = self.transaction.active().is_none_or(|active| !active.engine) || self.has_only_read();
            self.open_engine().await?;
            singly = Box::pin(self.lock_found(plan, values, (fresh, target), &mut *front)).await?;
        }
        if let Changing::Row(row) = changing {
            singly = self.is_as_locked(row);
        }
        self.singly = if singly { row_locks::changed_table(plan) } else { None };
        self.start_part(plan, values, front, if finds { Alone::No } else { alone }, feed).await
    }

    /// Starts a plan, or one of the statements that it takes.
    async fn start_part(
        &mut self,
        plan: &Plan,
        values: &[Value],
        front: &mut dyn Front,
        alone: Alone,
        feed: Option<u64>,
    ) -> Result<Outcome> {
        self.audit_access(plan.permit.access());
        // Foreign keys are checked before it is committed.
        let alone = if plan.keys.is_some() { Alone::No } else { alone };
        // What only this session sees may be written in a read-only transaction.
        if plan.writes && !plan.is_aside() && self.shared.state.lock().settings.transaction.read_only {
            return Err(transaction::read_only(word(plan.command)));
        }
        // Reads outside a block need no transaction in the engine, and neither does a lone change without RETURNING:
        // DuckDB commits it by itself.
        let by_itself = match (&self.transaction, alone) {
            (Transaction::Block(_), _) => false,
            // Outside of a transaction the engine may begin a query twice.
            _ if plan.once => false,
            // Rows of a temporary table may have to go with the commit.
            _ if plan.writes && !self.on_commit.is_empty() => false,
            (_, Alone::Yes) => !plan.writes || (plan.fields.is_empty() && plan.before.is_empty()),
            (_, Alone::No) => !plan.writes,
        };
        let _ahead = self.lock_ahead(plan, values, front).await?;
        if !by_itself {
            self.open_engine().await?;
        }
        if let Some(active) = self.transaction.active_mut() {
            active.queried = true;
            active.changed |= plan.writes || !plan.before.is_empty();
        }
        let mut counted = 0;
        for step in &plan.before {
            let outcome = Box::pin(self.start_part(step, values, &mut *front, Alone::No, feed)).await?;
            let same = |of: &Plan| of.target.as_ref().map(|target| target.oid);
            if let (Outcome::Changed(rows), true) = (outcome, plan.adds_up && same(step) == same(plan)) {
                counted += rows;
            }
        }
        self.drop_at_end(&plan.after);
        let duty = self.before_duty(plan).await?;
        let params = self.bind_values(plan, values, feed)?;
        let zone = self.shared.state.lock().settings.acting().engine_zone.clone();
        let singly = matches!(plan.permit.get().writes, Writes::Table(oid, _) if self.singly == Some(oid));
        let run = Run { singly, ..Run::new(zone, self.deadline) };
        let (snapshot, role) = (self.snapshot(), self.role());
        let shared = self.shared.clone();
        shared.interrupt.check()?;
        let keeps = self.keeps(plan, alone);
        let drew = match &plan.probe {
            Some(probe) if keeps => Box::pin(self.probe(probe, plan, values)).await?,
            _ => Record::default(),
        };
        self.next_tape(keeps);
        self.shared.tape.draw_again(drew);
        let kept = keeps.then(|| params.clone());
        let lease = self.lease()?;
        #[cfg(test)]
        super::tests::faults::meet(&shared);
        let work = lease.connection.execute(&plan.permit, params, &run);
        let outcome = guarded(Some(front), &shared.interrupt, &lease.canceller, work)
            .await
            .map_err(|error| constraint::explain(error, plan.target.as_deref(), &snapshot, role))?;
        self.duties.extend(duty);
        let outcome = match kept {
            Some(values) => self.note(&plan.permit, values, Some(row_locks::depends(plan, singly)), &run, outcome),
            None => outcome,
        };
        Ok(match outcome {
            Outcome::Changed(rows) => Outcome::Changed(rows + counted),
            Outcome::Rows(rows) if plan.places > 0 => Outcome::Rows(Box::new(InOrder::new(rows, plan.places))),
            Outcome::Rows(_) | Outcome::Done => outcome,
        })
    }

    /// Whether a plan goes to the journal: it changes something, and its transaction may yet name a savepoint.
    fn keeps(&self, plan: &Plan, alone: Alone) -> bool {
        let goes_on = alone == Alone::No || self.transaction.in_block();
        goes_on && journal::changes(plan) && self.transaction.active().is_some_and(|a| a.engine)
    }

    /// Starts a plan and waits for its first rows. If a number does not fit DuckDB's fast decimals, the statement is
    /// compiled and started again with wide ones: the plan that runs then is given back.
    pub(super) async fn open_plan(
        &mut self,
        origin: &Origin,
        plan: &Plan,
        params: &[PgType],
        values: &[Value],
        front: &mut dyn Front,
        alone: Alone,
    ) -> Result<(Started, Option<Plan>)> {
        if plan.call.is_some() {
            let (origin, plan) = self.make_calls(origin, plan, params, values, &mut *front).await?;
            if plpgsql::is_only_a_call(&plan) {
                return Ok((Started::Changed(0), Some(plan)));
            }
            // What the calls have done and the statement are one transaction.
            let opened = Box::pin(self.open_plan(&origin, &plan, params, values, front, Alone::No)).await?;
            let (started, anew) = opened;
            return Ok((started, Some(anew.unwrap_or(plan))));
        }
        let mut version = self.gateway.registry().snapshot().version;
        let mut anew = self.own_plan(origin, plan, params, values)?;
        let mut attempt = self.attempt();
        let mut tried = Instant::now();
        let until = tried + CONFLICT_PATIENCE;
        let mut pause = CONFLICT_PAUSE;
        let error = loop {
            self.redefined = false;
            let plan = anew.as_ref().unwrap_or(plan);
            let moment = self.gateway.engine().moment();
            let error = match self.try_open(plan, values, front, alone).await {
                Ok(started) => {
                    if let Some(active) = self.transaction.active_mut() {
                        active.arbitrates |= anew.as_ref().unwrap_or(plan).arbitrates;
                    }
                    return Ok((started, anew));
                }
                Err(error) => error,
            };
            if self.look_again(&mut attempt, front).await? {
                version = self.gateway.registry().snapshot().version;
                let again = self.compile_anew(origin, params, shaped_params(values), Decimals::Fast)?;
                if !same_fields(&again, plan) {
                    break error;
                }
                anew = Some(again);
                tried = Instant::now();
                continue;
            }
            // Where PostgreSQL would wait for the other transaction: so far this one has changed nothing else.
            let conflict =
                error.code() == SqlState::T_R_SERIALIZATION_FAILURE || self.meets_newcomer(plan, &error, moment);
            // What was compiled for an older schema is not tried again under another.
            let moved = self.gateway.registry().snapshot().version != version;
            let waits = attempt.began.is_none() && conflict && !moved;
            if !waits || Instant::now() > until {
                break if attempt.began.is_some() { self.met_newcomer(plan, error) } else { error };
            }
            self.begin_anew().await?;
            self.take_back(&attempt);
            tokio::time::sleep(pause).await;
            self.shared.interrupt.check()?;
            pause = (pause * 2).min(CONFLICT_PATIENCE / 20);
            tried = Instant::now();
        };
        if !overflowed(&error) {
            let plan = anew.as_ref().unwrap_or(plan);
            if is_nameless(&error)
                && let Some(named) = Box::pin(self.named(origin, plan, params, values, &attempt, front)).await
            {
                return Err(named);
            }
            let started = Box::pin(self.rows_before(error, plan, values, front, tried)).await?;
            return Ok((started, anew));
        }
        // DuckDB has given up the transaction: what it has done before this statement is done again.
        match attempt.began {
            None => self.begin_anew().await?,
            Some(place) => {
                if !Box::pin(self.before_statement(place, front)).await? {
                    return Err(error);
                }
            }
        }
        self.take_back(&attempt);
        let wide = self.compile_anew(origin, params, shaped_params(values), Decimals::Wide)?;
        let tried = Instant::now();
        let started = match self.try_open(&wide, values, &mut *front, alone).await {
            Ok(started) => started,
            Err(error) => Box::pin(self.rows_before(error, &wide, values, front, tried)).await?,
        };
        Ok((started, Some(wide)))
    }

    /// The plan for arrays among the values that a list alone does not carry, or with a look at the rows before they are
    /// written; `None` if there is nothing of that.
    fn own_plan(&mut self, origin: &Origin, plan: &Plan, params: &[PgType], values: &[Value]) -> Result<Option<Plan>> {
        if self.is_probed(plan) {
            return self.compile_probed(origin, params, shaped_params(values)).map(Some);
        }
        if !values.iter().any(|value| matches!(value, Value::Array(array) if !array.is_plain())) {
            return Ok(None);
        }
        self.compile_anew(origin, params, shaped_params(values), Decimals::Fast).map(Some)
    }

    pub(super) fn compile_anew(
        &mut self,
        origin: &Origin,
        params: &[PgType],
        shaped: Arc<[u16]>,
        decimals: Decimals,
    ) -> Result<Plan> {
        let context = sql::Context { shaped, ..self.environment()?.context.clone() };
        Self::compile_in(&context, origin, params, decimals)
    }

    /// With a look at the rows of an INSERT.
    pub(super) fn compile_probed(&mut self, origin: &Origin, params: &[PgType], shaped: Arc<[u16]>) -> Result<Plan> {
        let context = sql::Context { shaped, probed: true, ..self.environment()?.context.clone() };
        Self::compile_in(&context, origin, params, Decimals::Fast)
    }

    fn compile_in(context: &sql::Context, origin: &Origin, params: &[PgType], decimals: Decimals) -> Result<Plan> {
        let given;
        let context = match origin.given.is_empty() {
            true => context,
            false => {
                given = sql::Context { given: Arc::clone(&origin.given), ..context.clone() };
                &given
            }
        };
        let types: Vec<Option<Oid>> = params.iter().map(|ty| Some(ty.oid)).collect();
        match sql::compile_with(origin.parsed()?, context, &types, decimals)?.body {
            CompiledBody::Plan(plan) => Ok(plan),
            _ => Err(Error::internal("another statement the second time")),
        }
    }

    pub(super) async fn try_open(
        &mut self,
        plan: &Plan,
        values: &[Value],
        front: &mut dyn Front,
        alone: Alone,
    ) -> Result<Started> {
        self.duties.clear();
        let started = match self.start(plan, values, front, alone, None).await? {
            Outcome::Rows(rows) => {
                let mut open = OpenRows::new(Batches::Engine(rows), self.output_settings());
                let first = self.next_batch(&mut open, front).await;
                let (snapshot, role) = (self.snapshot(), self.role());
                let first =
                    first.map_err(|error| constraint::explain(error, plan.target.as_deref(), &snapshot, role))?;
                open.at_end = first.is_none();
                open.batch = first.map(|batch| (batch, 0));
                Started::Rows(open)
            }
            Outcome::Changed(rows) => Started::Changed(rows),
            Outcome::Done => Started::Changed(0),
        };
        self.settle_keys(front).await?;
        if alone == Alone::Yes
            && matches!(started, Started::Changed(_))
            && plan.before.is_empty()
            && plan.keys.is_none()
        {
            self.commit_alone().await?;
        }
        Ok(started)
    }

    /// Runs a plan to its end, outside any portal.
    pub(super) async fn run_plan(
        &mut self,
        origin: &Origin,
        plan: &Plan,
        params: &[PgType],
        values: &[Value],
        formats: Vec<i16>,
        front: &mut dyn Front,
        describe: bool,
        alone: Alone,
    ) -> Result<Done> {
        // What is told while functions run comes behind the columns.
        let told = describe && plan.call.is_some() && plan.command != Command::Call && !plan.fields.is_empty();
        if told {
            front.row_description(&shape(plan, formats.clone()), &*self.types())?;
        }
        let (started, wide) = self.open_plan(origin, plan, params, values, front, alone).await?;
        let plan = wide.as_ref().unwrap_or(plan);
        match started {
            Started::Rows(mut open) => {
                let shape = shape(plan, formats);
                if describe && !told {
                    front.row_description(&shape, &*self.types())?;
                }
                let sent = self.deliver(&mut open, &shape, front, None, plan).await?;
                Done::tag(row_tag(plan.command, sent))
            }
            Started::Changed(rows) => Done::tag(row_tag(plan.command, rows)),
        }
    }

    /// [`Session::send_rows`], with the errors of a plan that writes explained.
    pub(super) async fn deliver(
        &mut self,
        open: &mut OpenRows,
        shape: &RowShape,
        front: &mut dyn Front,
        limit: Option<u64>,
        plan: &Plan,
    ) -> Result<u64> {
        let sent = self.send_rows(open, shape, front, true, limit).await;
        sent.map_err(|error| match &plan.target {
            Some(target) => constraint::explain(error, Some(target), &self.snapshot(), self.role()),
            None => error,
        })
    }

    /// Reads up to `limit` rows of a result and sends them (or, for MOVE, only counts them).
    pub(super) async fn send_rows(
        &mut self,
        open: &mut OpenRows,
        shape: &RowShape,
        front: &mut dyn Front,
        send: bool,
        limit: Option<u64>,
    ) -> Result<u64> {
        self.pass_notices(front);
        let quotas = self.result_quotas();
        let types = self.seen();
        let mut sent = 0;
        while limit.is_none_or(|limit| sent < limit) && !open.at_end {
            if open.batch.is_none() {
                open.batch = self.next_batch(open, front).await?.map(|batch| (batch, 0));
            }
            let Some((batch, from)) = &mut open.batch else {
                open.at_end = true;
                break;
            };
            let left = batch.num_rows() - *from;
            let take = limit.map_or(left, |limit| left.min(usize::try_from(limit - sent).unwrap_or(usize::MAX)));
            let to = *from + take;
            open.position += take as u64;
            self.check_result(&quotas, open.position)?;
            if send && take > 0 {
                let (interrupt, before) = (&self.shared.interrupt, front.sent());
                // As in PostgreSQL, a cancel waits until the client has taken what was sent; termination does not.
                tokio::select! {
                    biased;
                    done = front.rows(shape, &open.settings, &types, batch, *from, to) => done?,
                    error = interrupt.terminated() => return Err(error),
                }
                self.meter.rows += take as u64;
                self.meter.sent += front.sent() - before;
                self.check_result(&quotas, open.position)?;
            }
            sent += take as u64;
            *from = to;
            if to == batch.num_rows() {
                open.batch = None;
            }
            self.shared.interrupt.check()?;
        }
        Ok(sent)
    }

    /// The next batch of a result; `None` at its end.
    pub(super) async fn next_batch(
        &mut self,
        open: &mut OpenRows,
        front: &mut dyn Front,
    ) -> Result<Option<arrow::record_batch::RecordBatch>> {
        if let Some(batch) = open.reread() {
            return Ok(Some(batch));
        }
        if open.is_whole() {
            return Ok(None);
        }
        let batch = match &mut open.source {
            Batches::Kept { batches, .. } => batches.next(),
            Batches::Engine(rows) => {
                let shared = self.shared.clone();
                let canceller = self.lease()?.canceller.clone();
                guarded(Some(front), &shared.interrupt, &canceller, rows.next()).await?
            }
        };
        if batch.is_none()
            && let Some(error) = open.fails.take()
        {
            return Err(error);
        }
        open.remember(batch.as_ref())?;
        Ok(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    impl Cancel for Nobody {
        fn cancel(&self, _: CancelReason) {}
    }

    #[tokio::test]
    async fn a_session_that_ends_says_so_even_if_the_statement_notices_first() {
        let interrupt = Interrupt::new();
        let engine: Arc<dyn Cancel> = Arc::new(Nobody);
        interrupt.begin(None).unwrap();
        let noticed = || async { Err::<(), _>(Error::new(SqlState::ADMIN_SHUTDOWN, "told by a native")) };
        assert!(!guarded(None, &interrupt, &engine, noticed()).await.unwrap_err().is_fatal());
        interrupt.terminate();
        assert!(guarded(None, &interrupt, &engine, noticed()).await.unwrap_err().is_fatal());
    }
}
