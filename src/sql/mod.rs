//! The compiler from PostgreSQL's SQL to DuckDB's: parse → analyze → permit → lower → render.

pub mod analyze;
pub mod heed;
pub mod parse;

pub use parse::{Parsed, copy_of_columns, digest, parse};

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::directory::LockMode;
use crate::engine::{Kind, Rendered};
use crate::error::{Error, Result};
use crate::observe::audit::Access;
use crate::policy::{Permit, Ways};
use crate::registry::seen::Seen;
use crate::registry::{Name, Relation, Snapshot};
use crate::tree::{self, Field};
use crate::types::{Oid, OutputSettings, PgType, Phys, Value};

/// Which language the session speaks, where PostgreSQL's leaves room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Dialect {
    Postgres,
    /// DuckDB's additions that do not contradict PostgreSQL are understood too.
    #[default]
    Extended,
}

/// What compilation may know of the session. All of it is in the plan cache's key.
#[derive(Debug, Clone)]
pub struct Context {
    pub snapshot: Arc<Snapshot>,
    /// current_user's OID: whose rights are checked.
    pub role: Oid,
    /// session_user's OID.
    pub session_role: Oid,
    /// Who is told what went wrong, where that is somebody else than `role`: of a statement that the gateway adds for a foreign key.
    pub told: Option<Oid>,
    /// Namespaces in search order, implicit ones (temporary, pg_catalog) included where PostgreSQL puts them.
    pub search_path: Arc<[Name]>,
    /// Where unqualified CREATE goes; `None` if no schema of search_path exists.
    pub creation_namespace: Option<Name>,
    pub settings: OutputSettings,
    pub dialect: Dialect,
    /// standard_conforming_strings.
    pub standard_strings: bool,
    /// The setting row_security.
    pub row_security: bool,
    /// The setting check_function_bodies.
    pub check_bodies: bool,
    /// What the session is kept from.
    pub ways: Ways,
    /// Files of the server, for a statement that a client sends.
    pub files: Option<Files>,
    /// Rules hide rows from the statement: what can fail must not run on these (see `lower/steer/hold.rs`).
    pub held: bool,
    /// An INSERT of a few rows is to have a [`Probe`].
    pub probed: bool,
    /// After which the numbers of the statement's temporary tables begin.
    pub scratch: u32,
    /// The parameters (from 0) whose values are arrays of several dimensions, or that do not begin with 1. They are known
    /// at Bind only: a statement that has some is compiled once more, beside the cache.
    pub shaped: Arc<[u16]>,
    /// What the statement's calls of PL/pgSQL have given so far.
    pub given: Arc<[calls::Given]>,
    /// For a schema change: the tables of which its transaction has updated or deleted rows. DuckDB alters none of them in place: it
    /// goes by the rows that are committed, refuses (an index), or fails at COMMIT.
    pub touched: Arc<[Oid]>,
}

impl Context {
    /// By whose rights errors show values.
    pub fn reader(&self) -> Oid {
        self.told.unwrap_or(self.role)
    }

    /// The schema as the statement's names are looked up in it.
    pub fn seen(&self) -> Seen {
        Seen::new(Arc::clone(&self.snapshot), Arc::clone(&self.search_path), self.role)
    }
}

/// Files of the server, and the directories that the role which logged in has.
#[derive(Debug, Clone)]
pub struct Files {
    pub scans: Arc<crate::engine::FileScans>,
    pub directories: Arc<[std::path::PathBuf]>,
}

/// What a statement became.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The types of its parameters, as Describe tells them.
    pub params: Vec<PgType>,
    /// How many relations it has, those of views and WITH queries counted wherever these are read.
    pub relations: u64,
    /// What it asked for and was allowed.
    pub access: Arc<Access>,
    pub body: CompiledBody,
}

impl Compiled {
    /// Does it read files of the server? Others may change them between two runs, and with them its columns.
    pub fn reads_files(&self) -> bool {
        let plan = match &self.body {
            CompiledBody::Plan(plan)
            | CompiledBody::CopyIn { plan, .. }
            | CompiledBody::CopyOut { plan, .. }
            | CompiledBody::Explain { plan, .. }
            | CompiledBody::CreateTableAs { query: plan, .. } => plan,
            CompiledBody::Ddl(_) | CompiledBody::Utility(_) => return false,
        };
        !plan.depends.files.is_empty()
    }
}

#[derive(Debug, Clone)]
pub enum CompiledBody {
    Plan(Plan),
    CopyIn {
        plan: Plan,
        options: tree::CopyOptions,
        columns: Vec<Field>,
        table: Arc<Relation>,
        /// The tag counts the rows that were sent: of rows with the same key only the last is written.
        counts_sent: bool,
        /// What is written depends on the order of the rows.
        in_order: bool,
    },
    CopyOut {
        plan: Plan,
        options: tree::CopyOptions,
        /// The table that is copied, or 0.
        relation: Oid,
    },
    /// The plan of the statement that is explained; run only with ANALYZE. With ANALYZE of a statement that rules change also
    /// `unmeasured`, the same without ANALYZE.
    Explain {
        plan: Plan,
        options: tree::Explain,
        unmeasured: Option<Plan>,
    },
    Ddl(Permit<tree::Ddl>),
    /// CREATE TABLE AS: the DDL, then the plan of its query.
    CreateTableAs {
        ddl: Permit<tree::Ddl>,
        query: Plan,
    },
    Utility(tree::Utility),
}

/// A statement that the engine can run.
#[derive(Debug, Clone)]
pub struct Plan {
    pub permit: Permit<Rendered>,
    /// Where each `$n` of the rendered SQL comes from.
    pub params: Vec<ParamSource>,
    /// Result columns; empty without RETURNING.
    pub fields: Vec<Field>,
    pub phys: Vec<Phys>,
    pub command: Command,
    /// The table that is written, for constraint names in errors.
    pub target: Option<Arc<Relation>>,
    /// What runs first, in the same transaction.
    pub before: Vec<Plan>,
    /// What drops the temporary tables that `before` makes; at the transaction's end.
    pub after: Vec<Permit<Rendered>>,
    /// True if it writes rows or calls nextval and kin: refused in a read-only transaction (25006).
    pub writes: bool,
    /// True if it does something to the session that must not be done twice: it is not begun anew in another way.
    pub once: bool,
    /// The advisory locks that it is sure to ask for.
    pub locks: Vec<LockStep>,
    pub depends: Arc<Depends>,
    /// What it does to keys, if foreign keys are concerned.
    pub keys: Option<Arc<KeyDuty>>,
    /// The rows that its FOR UPDATE and kin lock before it runs, in their order.
    pub row_locks: Vec<Arc<RowLocks>>,
    /// The rows that UPDATE and DELETE change, as far as that is known before.
    pub changes: Option<Arc<ChangedRows>>,
    /// The key of the only row of an INSERT … ON CONFLICT, as far as it is known before: who adds another with it waits.
    pub added: Option<Arc<[RowKey]>>,
    pub probe: Option<Arc<Probe>>,
    /// It has ON CONFLICT.
    pub arbitrates: bool,
    /// The tables to which it adds rows by ON CONFLICT in steps of the gateway's own, in the order of their numbers.
    pub upserts: Vec<Oid>,
    /// The rows that each step changes count in the command's tag, not those of the last alone.
    pub adds_up: bool,
    /// Why it fails whenever it is run, whatever it would read: PostgreSQL finds that out when it plans, which is not yet at Parse.
    pub doomed: Option<Box<Error>>,
    /// The call of PL/pgSQL that is made first; then the statement is compiled anew with what it gave.
    pub call: Option<Arc<Call>>,
    /// So many columns behind its result's are the places of the rows that it was joined from: a small result is sorted by them.
    pub places: usize,
}

/// A call of a PL/pgSQL function that is made before a statement runs.
#[derive(Debug, Clone)]
pub struct Call {
    pub function: Arc<crate::registry::Function>,
    /// Gives its arguments; `None` if there are none.
    pub args: Option<Plan>,
    pub result: PgType,
    /// The columns of a row, if it returns one.
    pub columns: Vec<(Name, PgType)>,
    /// The statement adds several rows.
    pub several: bool,
}

impl Plan {
    /// Whether only this session sees what it writes: temporary tables, and those in which steps keep rows.
    pub fn is_aside(&self) -> bool {
        let own = match self.permit.get().kind {
            Kind::Command => true,
            Kind::Rows | Kind::Change => self.target.as_ref().is_some_and(|target| target.temporary),
        };
        own && self.before.iter().all(Self::is_aside)
    }
}

/// The rows of an INSERT, before they are written: what is wrong with them can be found out without an error in the engine,
/// which would end its transaction.
#[derive(Debug, Clone)]
pub struct Probe {
    /// Gives the columns, then the error of the first check that the row breaks, or NULL.
    pub rows: Permit<Rendered>,
    pub params: Vec<ParamSource>,
    /// The columns, by number.
    pub columns: Vec<i16>,
}

/// Rows that are to be locked before a statement runs: those that a query with FOR UPDATE finds.
#[derive(Debug, Clone)]
pub struct RowLocks {
    /// Finds them. It gives, for each relation of `of` in turn, the row's number and its key.
    pub find: Option<Permit<Rendered>>,
    pub params: Vec<ParamSource>,
    pub of: Vec<LockedRows>,
    /// Tables of which all rows are locked, as they are read through something else: a view, rules, a partition.
    pub whole: Vec<WholeTable>,
    /// Where the rows that were locked are told to the statement; `None` if it finds the same ones by itself.
    pub list: Option<u16>,
    /// LIMIT and OFFSET, where rows may be skipped: only so many are locked.
    pub limit: Option<LockKey>,
    pub offset: Option<LockKey>,
    /// Of rows that a statement changes: it finds the same ones in the same snapshot, once they are locked.
    pub settled: bool,
    /// And it reads nothing else.
    pub alone: bool,
}

/// One relation of [`RowLocks`].
#[derive(Debug, Clone)]
pub struct LockedRows {
    pub table: Arc<Relation>,
    pub mode: LockMode,
    pub wait: tree::LockWait,
    /// What carries the columns of the key by which a row is known; none: its number.
    pub key: Vec<Phys>,
}

#[derive(Debug, Clone)]
pub struct WholeTable {
    pub table: Arc<Relation>,
    pub wait: tree::LockWait,
}

/// The rows of its target that an UPDATE or DELETE changes.
#[derive(Debug, Clone)]
pub enum ChangedRows {
    /// The one with this primary key: a value of each of its columns. `alone`: the statement reads nothing else.
    Keyed { table: Arc<Relation>, mode: LockMode, key: Vec<RowKey>, alone: bool },
    /// Those that this finds.
    Found(Box<RowLocks>),
}

/// A value of a key, known when the statement is run.
#[derive(Debug, Clone, PartialEq)]
pub enum RowKey {
    Const(Value),
    /// The client's parameter, from 0.
    Param(u16),
}

/// What a statement has done to a table that has foreign keys or that others refer to: these are to be checked.
#[derive(Debug, Clone)]
pub struct KeyDuty {
    pub table: Arc<Relation>,
    pub change: KeyChange,
}

impl KeyDuty {
    /// Whether rows that it has written may meet others' in an EXCLUDE constraint.
    pub fn may_exclude(&self) -> bool {
        let writes = match &self.change {
            KeyChange::Appended { .. } => true,
            KeyChange::Kept(kept) => !kept.deleted,
        };
        writes && !self.table.temporary && self.table.excludes()
    }
}

#[derive(Debug, Clone)]
pub enum KeyChange {
    /// Rows were appended; `sets` are the columns (by number) that ON CONFLICT DO UPDATE may have set in others.
    Appended { sets: Vec<i16> },
    /// UPDATE and DELETE keep what they change.
    Kept(KeptRows),
}

/// The rows that an UPDATE or DELETE has changed, in the temporary table `dg_step_<table>`: where in it the values of a column
/// (by number) are.
#[derive(Debug, Clone, Default)]
pub struct KeptRows {
    pub table: u32,
    pub old: Vec<(i16, usize)>,
    pub new: Vec<(i16, usize)>,
    pub deleted: bool,
}

impl KeptRows {
    /// As kept in that table; `None` if no key is concerned.
    pub fn of_interest(self, table: u32) -> Option<Self> {
        let concerned = if self.deleted { !self.old.is_empty() } else { !self.new.is_empty() };
        concerned.then_some(Self { table, ..self })
    }

    /// Where a column's value from before is.
    pub fn old(&self, column: i16) -> Result<usize> {
        let found = self.old.iter().find(|(num, _)| *num == column).map(|(_, at)| *at);
        found.ok_or_else(|| Error::internal("a key's column was not kept"))
    }

    /// Where the value is that it was set to, if it was.
    // The other of old() and new(): it makes nothing.
    #[allow(clippy::new_ret_no_self)]
    pub fn new(&self, column: i16) -> Option<usize> {
        self.new.iter().find(|(num, _)| *num == column).map(|(_, at)| *at)
    }
}

/// What a statement's effect depends on beside its parameters: what must be as it was for it to do the same again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Depends {
    /// The tables whose rows it reads.
    pub tables: BTreeSet<Oid>,
    /// Something that nobody can bring back: a volatile function that is not drawn through the session's tape, a view of
    /// the running system.
    pub elusive: bool,
    /// The files that it reads: its plan is good for as long as they are what was found.
    pub files: Vec<Arc<tree::FileScan>>,
}

/// What a statement is sure to do about advisory locks, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockStep {
    Take(LockCall),
    /// set_config('lock_timeout', …): how long the locks after it are waited for.
    Patience {
        timeout: LockTimeout,
        local: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockTimeout {
    Const(Arc<str>),
    /// The client's parameter, from 0.
    Param(u16),
}

/// A call of pg_advisory_lock() and kin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockCall {
    pub mode: LockMode,
    /// One key of 64 bits or two of 32.
    pub keys: Vec<LockKey>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockKey {
    Const(i64),
    /// The client's parameter, from 0.
    Param(u16),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ParamSource {
    /// The client's `$n`, from 0.
    Client(u16),
    Session(tree::SessionValue),
    /// The number of the COPY feed.
    Feed,
    /// Which execution this is, among those that ask for the rows that were locked for them.
    Execution,
    /// A list of what the rows of a long VALUES have in one column.
    Column(Cells),
}

/// The cells of a column. Equal is what is the same.
#[derive(Debug, Clone)]
pub struct Cells(pub std::sync::Arc<[Cell]>);

#[derive(Debug, Clone)]
pub enum Cell {
    Of(ParamSource),
    Is(crate::types::Value),
}

impl PartialEq for Cells {
    fn eq(&self, other: &Self) -> bool {
        std::sync::Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Cells {}

impl std::hash::Hash for Cells {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.as_ptr().hash(state);
    }
}

impl ParamSource {
    /// What is bound for it; `value` knows where those that are no lists come from.
    ///
    /// # Errors
    /// Those of `value`.
    pub fn bind(
        &self,
        value: &dyn Fn(&Self) -> crate::error::Result<crate::types::Value>,
    ) -> crate::error::Result<crate::types::Value> {
        let Self::Column(cells) = self else { return value(self) };
        let cell = |cell: &Cell| match cell {
            Cell::Of(source) => source.bind(value),
            Cell::Is(value) => Ok(value.clone()),
        };
        let items = cells.0.iter().map(cell).collect::<crate::error::Result<Vec<_>>>()?;
        let dims = vec![(i32::try_from(items.len()).unwrap_or(i32::MAX), 1)];
        Ok(crate::types::Value::Array(crate::types::ArrayValue { element: crate::types::oid::ANY, dims, items }))
    }
}

/// The word of the command tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    Select,
    Insert,
    Update,
    Delete,
    Merge,
    Call,
}

/// Schema changes: from the tree's DDL to changes of the registry and DuckDB's steps.
pub mod ddl;

/// From the typed tree back to PostgreSQL's SQL.
pub mod deparse;
pub mod signatures;

/// From the typed tree to what DuckDB is asked.
pub mod lower;
/// DuckDB's SQL as text.
pub mod render;

pub mod calls;
mod change;
mod compile;
mod keys;
pub use compile::{compile, compile_statement, compile_with};
