//! Lowering: PostgreSQL's meaning, said with what DuckDB has. One construct a file; the result is printed by `sql::render`.

pub mod ir;
#[cfg(test)]
mod tests;

mod change;
mod lock;
mod over_row;
mod query;
mod same;
mod steer;
mod value;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::registry::Relation;
use crate::sql::{Command, Context, Depends, KeptRows, LockStep, ParamSource, RowKey};
use crate::tree::{self, CteId, Field, RelId, SessionValue};
use crate::types::{self, Oid, PgType, Phys, RowTypes};
pub use change::steps::Step;
pub(crate) use change::upsert::FIRST_OF_KEYS;
use ir::{Alias, Node, Scalar};
pub use lock::point::{is_prompt, keyed};
pub use lock::row_locks::{Changed, LIST_WIDTH, RowLocks};
pub use over_row::over_row;
pub use same::{Operand, are_same, column_key};
use steer::census::Census;

/// A statement as DuckDB is to be asked, with what the session needs to run it and to describe its result.
#[derive(Debug, Clone)]
pub struct Lowered {
    pub statement: ir::Statement,
    /// Where each `$n` comes from, and what carries it.
    pub params: Vec<(ParamSource, Phys)>,
    pub fields: Vec<Field>,
    pub phys: Vec<Phys>,
    pub command: Command,
    pub target: Option<Arc<Relation>>,
    pub writes: bool,
    /// It does something to the session that must not be done twice.
    pub once: bool,
    /// The advisory locks that it is sure to ask for.
    pub locks: Vec<LockStep>,
    /// Statements that run first, in the same transaction.
    pub before: Vec<Step>,
    /// Temporary tables that they make, to be dropped at the transaction's end.
    pub scratch: Vec<u32>,
    pub depends: Depends,
    /// What it has kept for the foreign keys that it concerns.
    pub keys: Option<KeptRows>,
    /// The rows that are locked before it runs.
    pub row_locks: Vec<RowLocks>,
    pub changes: Option<Changed>,
    pub added: Option<Vec<RowKey>>,
    /// See [`crate::sql::Plan::upserts`].
    pub upserts: BTreeSet<Oid>,
    /// Each part counts in the command's tag, not the last alone.
    pub adds_up: bool,
    /// The rows that an INSERT is about to write.
    pub probe: Option<Box<Probe>>,
    /// Why it fails whenever it is run.
    pub doomed: Option<Box<Error>>,
    /// See [`crate::sql::Plan::places`].
    pub places: usize,
}

/// See [`crate::sql::Probe`].
#[derive(Debug, Clone)]
pub struct Probe {
    pub rows: ir::Query,
    pub columns: Vec<i16>,
}

/// How decimal arithmetic treats results that need more digits than DuckDB's fast types have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Decimals {
    /// As DuckDB itself: 64-bit where at least twelve digits remain before the point; a value beyond that fails (22003).
    #[default]
    Fast,
    /// 128-bit, then decimal text: nothing fails that PostgreSQL answers. For a statement that failed with `Fast`.
    Wide,
}

/// Lowers a query, INSERT, UPDATE or DELETE that `policy` has let pass.
pub fn lower(statement: &tree::Statement, cx: &Context, decimals: Decimals) -> Result<Lowered> {
    let mut lowered = lower_as(statement, cx, decimals, true)?;
    lowered.places = steer::row_order::placed(&mut lowered.statement);
    Ok(lowered)
}

/// For EXPLAIN: what is not carried out need not keep what foreign keys would ask for.
pub fn lower_to_explain(
    statement: &tree::Statement,
    cx: &Context,
    decimals: Decimals,
    analyze: bool,
) -> Result<Lowered> {
    // What it keeps first is then what it finds.
    let finds = match statement {
        tree::Statement::Insert(insert) => insert.ctes.is_empty(),
        tree::Statement::Update(update) => update.ctes.is_empty(),
        tree::Statement::Delete(delete) => delete.ctes.is_empty(),
        _ => false,
    };
    explain(lower_as(statement, cx, decimals, analyze)?, analyze, finds)
}

fn lower_as(statement: &tree::Statement, cx: &Context, decimals: Decimals, keyed: bool) -> Result<Lowered> {
    if let tree::Statement::Query(query) = statement
        && let Some(query) = steer::unused::without_unused(query)?
    {
        return lower_placed(&tree::Statement::Query(Box::new(query)), cx, decimals, keyed);
    }
    if query::partition::writes_to_one(statement)
        && let Some(placed) = query::partition::placed(statement, cx)?
    {
        return lower_placed(&placed, cx, decimals, keyed);
    }
    lower_placed(statement, cx, decimals, keyed)
}

/// Lowers a statement whose targets are tables of the engine's.
fn lower_placed(statement: &tree::Statement, cx: &Context, decimals: Decimals, keyed: bool) -> Result<Lowered> {
    steer::drawn_returning::returning_asks(statement)?;
    finished(lower_by_kind(statement, cx, decimals, keyed)?)
}

/// What is seen to over whole statements.
fn finished(mut lowered: Lowered) -> Result<Lowered> {
    // What reads catalogs is one of those.
    if lowered.depends.elusive {
        steer::row_order::of_catalogs(&mut lowered.statement);
    }
    let steps = lowered.before.iter_mut().map(|step| (&mut step.statement, &mut step.params));
    for (statement, params) in steps.chain([(&mut lowered.statement, &mut lowered.params)]) {
        let census = Census::of(statement);
        if census.laterals() && !lowered.depends.elusive {
            steer::beside::unnested(statement);
        }
        if census.laterals() {
            steer::lateral_order::ordered(statement);
        }
        if census.gathers() {
            steer::row_order::of_tables(statement);
        }
        if census.looks_outside() {
            steer::own_rows::kept_apart(statement)?;
        }
        if census.several_intervals() {
            steer::intervals::told_apart(statement);
        }
        if census.asks_sequences() {
            steer::drawn_rows::row_by_row(statement)?;
        }
        if census.draws() {
            steer::unread::computed(statement);
            steer::once::drawn_once(statement)?;
        }
        steer::lists::listed(statement, params);
        if census.binds_outside() {
            steer::lambdas::own_columns(statement)?;
        }
        if census.is_deep() {
            steer::nesting::bounded(statement)?;
        }
    }
    Ok(lowered)
}

fn lower_by_kind(statement: &tree::Statement, cx: &Context, decimals: Decimals, keyed: bool) -> Result<Lowered> {
    let mut lowerer = Lowerer::new(cx, decimals);
    let steps = change::staged::wanted(statement, || Lowerer::new(cx, decimals).takes_more(statement, keyed))?;
    lowerer.taped = steps || !matches!(statement, tree::Statement::Query(_));
    lowerer.to_lock = lock::row_locks::changed_by(statement, cx, decimals);
    if steps {
        return lowerer.stepwise(statement);
    }
    match statement {
        tree::Statement::Query(query) => {
            let lowered = lowerer.top_query(query)?;
            let locks = if lowered.once { lock::locks::asked_for(statement) } else { Vec::new() };
            Ok(Lowered { locks, ..lowered })
        }
        tree::Statement::Insert(insert) => lowerer.insert(insert),
        tree::Statement::Update(update) => lowerer.update(update),
        tree::Statement::Delete(delete) => lowerer.delete(delete),
        tree::Statement::Merge(_)
        | tree::Statement::Copy(_)
        | tree::Statement::Explain(_)
        | tree::Statement::Ddl(_)
        | tree::Statement::Utility(_) => Err(Error::internal("lower: not a statement of the engine")),
    }
}

/// Lowers CREATE TABLE AS's query: its columns come in the types that the new table's have.
pub fn lower_for_table(query: &tree::Query, cx: &Context, decimals: Decimals) -> Result<Lowered> {
    let mut lowerer = Lowerer::new(cx, decimals);
    lowerer.taped = true;
    let without = steer::unused::without_unused(query)?;
    finished(lowerer.table_query(without.as_ref().unwrap_or(query))?)
}

/// EXPLAIN of what was lowered: DuckDB's two columns (which plan, its text), of which the second is QUERY PLAN.
fn explain(mut lowered: Lowered, analyze: bool, finds: bool) -> Result<Lowered> {
    // Of a change that first keeps the rows that it finds (through rules, say), the finding is what there is to plan.
    if let [Step { statement: ir::Statement::Keep { table: _, query }, params, .. }, rest @ ..] =
        lowered.before.as_slice()
        && (rest.is_empty() || finds)
        && !analyze
    {
        let (statement, params) = (ir::Statement::Query(query.clone()), params.clone());
        lowered = Lowered {
            statement,
            params,
            before: Vec::new(),
            scratch: Vec::new(),
            keys: None,
            writes: false,
            upserts: BTreeSet::new(),
            adds_up: false,
            ..lowered
        };
    }
    if !lowered.before.is_empty() {
        return Err(Error::unsupported(
            "EXPLAIN of a data-modifying statement in WITH or with WITH, or with ANALYZE of a change of keys or with RETURNING of more than the changed row",
        ));
    }
    let field = Field { name: "QUERY PLAN".into(), ty: PgType::new(types::oid::TEXT), origin: (0, 0), row: None };
    Ok(Lowered {
        statement: ir::Statement::Explain { analyze, statement: Box::new(lowered.statement) },
        fields: vec![field],
        phys: vec![Phys::Text, Phys::Text],
        writes: lowered.writes && analyze,
        depends: Depends { elusive: true, ..lowered.depends },
        locks: Vec::new(),
        row_locks: if analyze { lowered.row_locks } else { Vec::new() },
        changes: lowered.changes.filter(|_| analyze),
        added: lowered.added.filter(|_| analyze),
        ..lowered
    })
}

/// A relation in scope.
#[derive(Debug, Clone)]
struct Rel {
    alias: Alias,
    columns: Vec<(Means, Phys)>,
}

/// What a relation's column is in DuckDB.
#[derive(Debug, Clone)]
enum Means {
    /// The column of that name.
    Column(Arc<str>),
    /// A constant: the relation's OID (`tableoid`).
    Oid(Oid),
    /// The OID of the partition that has the row, of those below this relation (`tableoid`).
    Routed(Arc<Relation>),
    /// A system column that there is not.
    Nothing,
}

/// A grouping expression that DuckDB groups by another value (a key): what stands for it outside.
#[derive(Debug, Clone)]
struct Grouped {
    /// The expression as it would be printed.
    text: String,
    stands_for: Scalar,
}

struct Lowerer<'a> {
    cx: &'a Context,
    decimals: Decimals,
    params: Vec<(ParamSource, Phys)>,
    /// Where in `params` a source may be: there may be tens of thousands.
    param_places: HashMap<ParamSource, Vec<usize>>,
    rels: HashMap<RelId, Rel>,
    /// What stands for the columns of a row that is checked; `None` is NULL.
    substitutes: HashMap<RelId, Vec<Option<Scalar>>>,
    ctes: HashMap<CteId, Vec<Phys>>,
    /// CTEs whose rows are in a table already.
    kept: HashMap<CteId, u32>,
    /// Grouping keys of the selects around the expression that is lowered, innermost last.
    grouped: Vec<Vec<Grouped>>,
    /// The grouping expressions of those selects, for GROUPING().
    grouping: Vec<Vec<Scalar>>,
    /// Grouping expressions of those selects that a select below computes.
    keys: Vec<Vec<query::keys_below::Key>>,
    /// Relations that an outer join may extend with NULLs.
    nullable: HashMap<RelId, steer::presence::Presence>,
    /// Those of them that are to get a column which says whether there was a row.
    wanted: Vec<Alias>,
    writes: bool,
    /// Volatile functions draw through the session's tape.
    taped: bool,
    depends: Depends,
    once: bool,
    made: u32,
    /// The columns of relations in FROM, for rows that keep their names.
    shapes: HashMap<RelId, RowTypes>,
    /// The fields of WITH queries' columns of type record.
    records: HashMap<CteId, Vec<Option<RowTypes>>>,
    /// What can fail stays above filters: rules, or bounds of partitions.
    held: bool,
    /// Calls of users' functions whose bodies are queries, by function and arguments.
    routines: HashMap<String, Scalar>,
    /// The selects around what is lowered, innermost last.
    levels: Vec<steer::levels::Level>,
    /// How many of them there were when the arguments of a call came in the place of its parameters.
    given_at: HashMap<RelId, usize>,
    /// What must hold where the expression that is lowered is computed, as far as its subqueries have to know.
    arms: Vec<Scalar>,
    guarded: Vec<steer::arms::Guarded>,
    to_lock: lock::row_locks::ToLock,
    /// See [`crate::sql::Plan::upserts`].
    upserts: BTreeSet<Oid>,
    /// It only finds rows that are to be locked, out of the statement around.
    finds: bool,
    /// Queries in FROM that are to say which row of a table each of theirs is, and how they say it: its number, its key.
    telling: HashMap<RelId, Vec<Scalar>>,
    planned: value::fold::Planned,
}

impl<'a> Lowerer<'a> {
    fn new(cx: &'a Context, decimals: Decimals) -> Self {
        Self {
            cx,
            decimals,
            params: Vec::new(),
            param_places: HashMap::new(),
            rels: HashMap::new(),
            substitutes: HashMap::new(),
            ctes: HashMap::new(),
            kept: HashMap::new(),
            grouped: Vec::new(),
            grouping: Vec::new(),
            keys: Vec::new(),
            nullable: HashMap::new(),
            wanted: Vec::new(),
            writes: false,
            taped: false,
            depends: Depends::default(),
            once: false,
            made: cx.scratch,
            shapes: HashMap::new(),
            records: HashMap::new(),
            held: cx.held,
            routines: HashMap::new(),
            levels: Vec::new(),
            given_at: HashMap::new(),
            arms: Vec::new(),
            guarded: Vec::new(),
            to_lock: lock::row_locks::ToLock::default(),
            upserts: BTreeSet::new(),
            finds: false,
            telling: HashMap::new(),
            planned: value::fold::Planned::default(),
        }
    }

    /// What carries a PostgreSQL type; 0A000 if nothing does.
    fn phys(&self, ty: PgType) -> Result<Phys> {
        types::phys(ty, &*self.cx.snapshot)
            .ok_or_else(|| Error::unsupported(format!("type {}", types::name::format_type(ty, &*self.cx.snapshot))))
    }

    /// A fresh alias.
    fn make(&mut self) -> Alias {
        self.made += 1;
        Alias::Made(self.made)
    }

    /// The parameter for a source, the same one each time.
    fn param(&mut self, source: ParamSource, phys: Phys) -> Scalar {
        let known = self.param_places.entry(source.clone()).or_default();
        // A step takes the parameters away, and begins with none.
        let is_this = |at: &&usize| self.params.get(**at).is_some_and(|(s, p)| *s == source && *p == phys);
        let index = known.iter().find(is_this).copied().unwrap_or_else(|| {
            self.params.push((source, phys.clone()));
            known.push(self.params.len() - 1);
            self.params.len() - 1
        });
        Scalar::new(Node::Param(index as u16), phys)
    }

    fn session(&mut self, value: SessionValue, phys: Phys) -> Scalar {
        self.param(ParamSource::Session(value), phys)
    }

    /// The session's number, as natives and system tables take it.
    fn session_id(&mut self) -> Scalar {
        let id = self.session(SessionValue::SessionId, Phys::Int8);
        Scalar::template("CAST({0} AS UBIGINT)", vec![id], Phys::Int8)
    }

    fn done(
        mut self,
        statement: ir::Statement,
        (fields, phys): (Vec<Field>, Vec<Phys>),
        command: Command,
        target: Option<Arc<Relation>>,
    ) -> Lowered {
        let doomed = self.doomed();
        let writes = self.writes || command != Command::Select;
        let (before, scratch) = (Vec::new(), Vec::new());
        let depends = self.depends;
        let (once, locks, params) = (self.once, Vec::new(), self.params);
        let keys = None;
        let lock::row_locks::ToLock { rows: row_locks, changed: changes, added, .. } = self.to_lock;
        Lowered {
            statement,
            params,
            fields,
            phys,
            command,
            target,
            writes,
            once,
            locks,
            before,
            scratch,
            depends,
            keys,
            row_locks,
            changes,
            added,
            upserts: self.upserts,
            adds_up: false,
            probe: None,
            doomed,
            places: 0,
        }
    }
}
