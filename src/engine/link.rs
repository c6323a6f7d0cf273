//! One connection of DuckDB's with its statement cache, and the guard that brings it back to the pool.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use duckdb::ffi;
use lru::LruCache;
use parking_lot::Mutex;

use super::commits::{Moment, Written};
use super::control::Count;
use super::data::{DataVersion, Reads, Stamp, Touched};
use super::error::Translate;
use super::keys::Key;
use super::pool::Shared;
use super::raw::{Prepared, RawConnection};
use super::stream::Stream;
use super::{Access, Rendered, bind};
use crate::error::{Error, Result};
use crate::types::Value;

/// Prepared statements that one connection keeps.
const STATEMENTS: NonZeroUsize = NonZeroUsize::new(128).unwrap();

/// How often a ROLLBACK is tried, and the pause between: longer than interrupts are repeated.
const ROLLBACKS: u32 = 100;
const ROLLBACK_AGAIN: Duration = Duration::from_millis(1);

pub(super) struct Link {
    pub raw: RawConnection,
    /// Held for as long as a call into DuckDB runs.
    pub work: Mutex<Work>,
    /// DuckDB did not heed an interrupt here: never to be used again.
    pub abandoned: AtomicBool,
    /// A transaction is open that was begun for one statement alone.
    pub lone: AtomicBool,
    key: Key,
    _count: Count,
}

/// What changes as statements run.
pub(super) struct Work {
    /// By SQL and TimeZone: constants of a plan are folded under the zone that it was made in.
    statements: LruCache<(Arc<str>, Arc<str>), Plan>,
    time_zone: Option<Arc<str>>,
    /// What it inserts need not keep its order: so for parts of a load alone.
    unordered: bool,
    pub transaction: Transaction,
    /// DDL has run here: there may be temporary objects.
    pub dirty: bool,
    /// What the transaction has changed, for plans, and for others' transactions.
    pub touched: Touched,
    pub written: Written,
    /// Before the transaction began.
    pub moment: Option<Moment>,
    /// The result that DuckDB still streams here.
    pub open: Weak<Stream>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transaction {
    None,
    /// Asked for; begins with the first statement, as PostgreSQL's snapshot does.
    Begun(Access),
    Active,
    /// A statement has failed: DuckDB takes nothing but ROLLBACK.
    Failed,
}

impl Link {
    pub fn new(raw: RawConnection, key: Key, count: Count) -> Self {
        let work = Work {
            statements: LruCache::new(STATEMENTS),
            time_zone: None,
            unordered: false,
            transaction: Transaction::None,
            dirty: false,
            touched: Touched::default(),
            written: Written::default(),
            moment: None,
            open: Weak::new(),
        };
        Self {
            raw,
            work: Mutex::new(work),
            abandoned: AtomicBool::new(false),
            lone: AtomicBool::new(false),
            key,
            _count: count,
        }
    }

    /// Ends DuckDB's transaction, if there is one. An interrupt meant for the statement before it may hit the ROLLBACK:
    /// then again. A connection whose transaction does not end is not used any more.
    pub fn roll_back(&self) -> Result<()> {
        let mut attempt = 0;
        loop {
            let error = match self.raw.roll_back() {
                Err(error) if !error.0.contains("no transaction is active") => error,
                Ok(()) | Err(_) => {
                    self.lone.store(false, Ordering::SeqCst);
                    return Ok(());
                }
            };
            attempt += 1;
            if attempt == ROLLBACKS {
                self.abandoned.store(true, Ordering::SeqCst);
                return Err(error).translated();
            }
            std::thread::sleep(ROLLBACK_AGAIN);
        }
    }

    /// True if [`Link::clean`] has nothing to do that takes time.
    fn is_clean(&mut self) -> bool {
        let abandoned = self.abandoned.load(Ordering::SeqCst);
        let work = self.work.get_mut();
        let lone = self.lone.load(Ordering::SeqCst);
        !abandoned && !lone && !work.dirty && matches!(work.transaction, Transaction::None | Transaction::Begun(_))
    }

    /// Makes it as good as new; false if it is to be thrown away.
    pub fn clean(&mut self) -> bool {
        if self.abandoned.load(Ordering::SeqCst) {
            return false;
        }
        let work = self.work.get_mut();
        work.open = Weak::new();
        work.touched = Touched::default();
        work.written = Written::default();
        if work.dirty {
            return false;
        }
        match std::mem::replace(&mut work.transaction, Transaction::None) {
            // The statement that it was begun for may have been dropped before anybody read its result.
            Transaction::None | Transaction::Begun(_) => !self.lone.load(Ordering::SeqCst) || self.roll_back().is_ok(),
            Transaction::Active | Transaction::Failed => self.roll_back().is_ok(),
        }
    }
}

impl Work {
    /// Brings the connection's TimeZone and transaction to where the next statement wants them.
    pub fn settle(&mut self, raw: &RawConnection, time_zone: &Arc<str>) -> Result<()> {
        if self.time_zone.is_none() {
            // EXPLAIN shows the plan before the optimizer has looked at the rows, too.
            raw.run("SET SESSION explain_output = 'all'").translated()?;
        }
        if self.time_zone.as_deref() != Some(time_zone) {
            raw.run(&format!("SET TimeZone = '{}'", time_zone.replace('\'', "''"))).translated()?;
            self.time_zone = Some(Arc::clone(time_zone));
        }
        self.set_unordered(raw, false)?;
        self.begin(raw)
    }

    /// Says whether DuckDB may insert a statement's rows in another order than the one in which they come.
    pub fn set_unordered(&mut self, raw: &RawConnection, unordered: bool) -> Result<()> {
        if self.unordered != unordered {
            raw.run(&format!("SET SESSION preserve_insertion_order = {}", !unordered)).translated()?;
            self.unordered = unordered;
        }
        Ok(())
    }

    /// Begins the transaction that was asked for.
    pub fn begin(&mut self, raw: &RawConnection) -> Result<()> {
        if let Transaction::Begun(access) = self.transaction {
            let begun = match access {
                Access::ReadWrite => raw.begin_transaction(),
                Access::ReadOnly => raw.begin_read_only(),
            };
            begun.translated()?;
            self.transaction = Transaction::Active;
        }
        Ok(())
    }

    /// The statement, prepared and with its parameters bound, taken out of the cache while it is in use.
    ///
    /// One that was quick when it last ran, over data that have not changed since, is prepared in its keyed form, whose
    /// plan is then kept.
    pub fn prepare(&mut self, link: &Link, data: &DataVersion, rendered: &Rendered, values: &[Value]) -> Result<Plan> {
        let Rendered { sql, params, keyed, .. } = rendered;
        link.raw.begin();
        if values.len() != params.len() {
            return Err(miscounted(0, params.len(), values.len()));
        }
        if let Some(keyed) = keyed {
            let known = match self.take(data, &keyed.sql) {
                None if self.statements.peek(&self.place(sql)).is_some_and(|plan| plan.quick) => {
                    let reads = if keyed.lasting { Reads::Definitions } else { Reads::Table(keyed.table) };
                    Some(Plan::new(link, data, &link.key.text(&keyed.sql), reads)?)
                }
                known => known,
            };
            if let Some(plan) = known {
                link.key.set(values);
                return Ok(plan);
            }
        }
        let plan = match self.take(data, sql) {
            Some(plan) => plan,
            None => Plan::new(link, data, sql, Reads::Anything)?,
        };
        let count = plan.statement.parameter_count();
        if count > values.len() {
            return Err(miscounted(count, params.len(), values.len()));
        }
        for (i, (value, phys)) in values.iter().zip(params).enumerate().take(count) {
            plan.statement.bind(i + 1, &bind::value(value, phys)?).translated()?;
        }
        self.dirty |= changes_catalog(plan.statement.statement_type());
        Ok(plan)
    }

    fn place(&self, sql: &Arc<str>) -> (Arc<str>, Arc<str>) {
        (Arc::clone(sql), self.time_zone.clone().unwrap_or_else(|| "".into()))
    }

    fn take(&mut self, data: &DataVersion, sql: &Arc<str>) -> Option<Plan> {
        let place = self.place(sql);
        let mut plan = self.statements.pop(&place)?;
        if plan.is_planned_anew() {
            plan.made_at = data.now(plan.reads);
        }
        Some(plan).filter(|plan| plan.is_planned_anew() || plan.is_current(data))
    }

    fn peek(&self, data: &DataVersion, sql: &Arc<str>) -> Option<&Plan> {
        self.statements.peek(&self.place(sql)).filter(|plan| plan.is_current(data))
    }

    /// True if this statement's keyed form is planned and was quick the last time, or it is prompt and was quick, the connection is as
    /// it wants it, and nothing is in its way.
    pub fn is_quick(&self, link: &Link, data: &DataVersion, rendered: &Rendered, time_zone: &Arc<str>) -> bool {
        let free = match self.transaction {
            // A change by itself waits for the disk.
            Transaction::None => !rendered.prompt,
            // A transaction's first change waits for a checkpoint that is being made.
            Transaction::Active => !rendered.prompt || !self.touched.is_empty(),
            Transaction::Begun(_) | Transaction::Failed => false,
        };
        let ready = free
            && self.time_zone.as_ref() == Some(time_zone)
            && !self.unordered
            && self.open.strong_count() == 0
            && !link.lone.load(Ordering::SeqCst);
        let plan = || match &rendered.keyed {
            Some(keyed) => self.peek(data, &keyed.sql),
            None => self.statements.peek(&self.place(&rendered.sql)).filter(|_| rendered.prompt),
        };
        ready && plan().is_some_and(|plan| plan.quick)
    }

    /// Puts a statement back that can be run again.
    pub fn keep(&mut self, rendered: &Rendered, plan: Plan) {
        // A look-up that is not quick may have a plan for a table that was empty: it is planned anew.
        let lasting = plan.is_select() || plan.changes_rows() && plan.is_planned_anew();
        if plan.is_keyed() && !plan.quick || !lasting {
            return;
        }
        let keyed = rendered.keyed.as_ref().filter(|_| plan.is_keyed());
        let sql = keyed.map_or(&rendered.sql, |keyed| &keyed.sql);
        let place = self.place(sql);
        self.statements.put(place, plan);
    }

    /// A statement has failed: DuckDB has aborted the transaction that it was in.
    pub fn failed(&mut self) {
        if self.transaction == Transaction::Active {
            self.transaction = Transaction::Failed;
        }
    }
}

/// A prepared statement, with the state of the data that its plan was made for.
pub(super) struct Plan {
    pub statement: Prepared,
    made_at: Stamp,
    /// What it depends on.
    reads: Reads,
    /// It was done in next to no time when it last ran.
    pub quick: bool,
}

impl Plan {
    fn new(link: &Link, data: &DataVersion, sql: &str, reads: Reads) -> Result<Self> {
        let made_at = data.now(reads);
        let statement = link.raw.prepare(sql).translated()?;
        Ok(Self { statement, made_at, reads, quick: false })
    }

    pub fn is_select(&self) -> bool {
        self.statement.statement_type() == ffi::duckdb_statement_type_DUCKDB_STATEMENT_TYPE_SELECT
    }

    fn changes_rows(&self) -> bool {
        matches!(
            self.statement.statement_type(),
            ffi::duckdb_statement_type_DUCKDB_STATEMENT_TYPE_INSERT
                | ffi::duckdb_statement_type_DUCKDB_STATEMENT_TYPE_UPDATE
                | ffi::duckdb_statement_type_DUCKDB_STATEMENT_TYPE_DELETE
        )
    }

    /// It is of the statement's keyed form.
    fn is_keyed(&self) -> bool {
        self.reads != Reads::Anything
    }

    /// True if DuckDB plans it when it is executed: it has parameters. (What has some and reads no table is planned once;
    /// there the data do not count.)
    fn is_planned_anew(&self) -> bool {
        self.statement.parameter_count() > 0
    }

    /// True if no change has come between the making of the plan and now.
    pub fn is_current(&self, data: &DataVersion) -> bool {
        data.is(self.made_at, self.reads)
    }
}

fn miscounted(count: usize, types: usize, values: usize) -> Error {
    Error::internal(format!(
        "the engine's statement has {count} parameters, {types} types and {values} values were given"
    ))
}

/// True for statements that may leave objects behind on the connection.
fn changes_catalog(kind: ffi::duckdb_statement_type) -> bool {
    !matches!(
        kind,
        ffi::duckdb_statement_type_DUCKDB_STATEMENT_TYPE_SELECT
            | ffi::duckdb_statement_type_DUCKDB_STATEMENT_TYPE_INSERT
            | ffi::duckdb_statement_type_DUCKDB_STATEMENT_TYPE_UPDATE
            | ffi::duckdb_statement_type_DUCKDB_STATEMENT_TYPE_DELETE
            | ffi::duckdb_statement_type_DUCKDB_STATEMENT_TYPE_MERGE_INTO
            | ffi::duckdb_statement_type_DUCKDB_STATEMENT_TYPE_EXPLAIN
            | ffi::duckdb_statement_type_DUCKDB_STATEMENT_TYPE_ANALYZE
            | ffi::duckdb_statement_type_DUCKDB_STATEMENT_TYPE_VACUUM
    )
}

/// A connection in use, by a session and by the work and streams that it has begun; when the last is gone it goes back.
pub(super) struct Held {
    link: Option<Link>,
    pub shared: Arc<Shared>,
}

impl Held {
    pub fn take(shared: &Arc<Shared>) -> Result<Arc<Self>> {
        Ok(Arc::new(Self { link: Some(shared.take_link()?), shared: Arc::clone(shared) }))
    }
}

impl std::ops::Deref for Held {
    type Target = Link;

    fn deref(&self) -> &Link {
        // Only drop takes it out.
        self.link.as_ref().unwrap_or_else(|| unreachable!("a connection in use was given back"))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(mut link) = self.link.take() else { return };
        let shared = Arc::clone(&self.shared);
        if link.is_clean() {
            return shared.give_back(link);
        }
        // Rolling back may take a while: not on the runtime's threads.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || shared.give_back(link))),
            Err(_) => shared.give_back(link),
        }
    }
}
