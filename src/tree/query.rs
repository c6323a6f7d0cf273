//! Queries and data-modifying statements.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Expr, Field, SortKey, TargetRules, WindowSpec};
use crate::registry::Relation as TableDef;
use crate::types::{Oid, PgType};

/// A relation's number in a statement: unique across all levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RelId(pub u32);

/// A SELECT, VALUES, set operation or TABLE, with its WITH, ORDER BY and LIMIT.
#[derive(Debug, Clone)]
pub struct Query {
    pub ctes: Vec<Cte>,
    pub recursive: bool,
    pub body: Body,
    /// Sort keys. Over a plain select they are any expressions of its scope; over a set operation or VALUES they are
    /// `Column { rel: output_rel, .. }` references to the output.
    pub order_by: Vec<SortKey>,
    pub limit: Option<Expr>,
    pub offset: Option<Expr>,
    pub with_ties: bool,
    /// FOR UPDATE and kin: the relations locked.
    pub locking: Vec<Locking>,
    /// The visible output columns.
    pub columns: Vec<Field>,
    /// Stands for the query's own output in `order_by` (set operations, VALUES) and nowhere else.
    pub output_rel: RelId,
}

impl Query {
    /// A body and nothing around it.
    pub fn of(body: Body, columns: Vec<Field>, output_rel: RelId) -> Self {
        Self {
            ctes: Vec::new(),
            recursive: false,
            body,
            order_by: Vec::new(),
            limit: None,
            offset: None,
            with_ties: false,
            locking: Vec::new(),
            columns,
            output_rel,
        }
    }
}

#[derive(Debug, Clone)]
pub struct Locking {
    pub rel: RelId,
    pub strength: LockStrength,
    pub wait: LockWait,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockStrength {
    Update,
    NoKeyUpdate,
    Share,
    KeyShare,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockWait {
    Block,
    NoWait,
    SkipLocked,
}

#[derive(Debug, Clone)]
pub struct Cte {
    pub id: CteId,
    pub name: Arc<str>,
    pub query: CteBody,
    pub columns: Vec<Field>,
    /// MATERIALIZED / NOT MATERIALIZED.
    pub materialized: Option<bool>,
    /// True if it refers to itself.
    pub recursive: bool,
    /// How many column names were written after its name.
    pub named: u16,
    /// SEARCH or CYCLE were written: `query` has what they add.
    pub extended: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CteId(pub u32);

#[derive(Debug, Clone)]
pub enum CteBody {
    Query(Box<Query>),
    Insert(Box<Insert>),
    Update(Box<Update>),
    Delete(Box<Delete>),
}

#[derive(Debug, Clone)]
pub enum Body {
    Select(Box<Select>),
    SetOp {
        op: SetOp,
        all: bool,
        left: Box<Query>,
        right: Box<Query>,
    },
    /// Rows of equal length, coerced to `Query::columns`' types.
    Values(Vec<Vec<Expr>>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetOp {
    Union,
    Intersect,
    Except,
}

#[derive(Debug, Clone)]
pub struct Select {
    pub distinct: Distinct,
    /// One for each of `Query::columns`, in order.
    pub targets: Vec<Expr>,
    /// Comma-separated items: cross joins.
    pub from: Vec<FromItem>,
    pub filter: Option<Expr>,
    pub group_by: Option<GroupBy>,
    pub having: Option<Expr>,
    /// The WINDOW clause; the windows that refer to it are spelled out in the expressions.
    pub windows: Vec<(Arc<str>, WindowSpec)>,
    /// DuckDB's QUALIFY (extended dialect).
    pub qualify: Option<Expr>,
    /// True if there are aggregates, GROUP BY or HAVING.
    pub aggregated: bool,
}

impl Select {
    /// `SELECT targets FROM from`.
    pub fn of(targets: Vec<Expr>, from: Vec<FromItem>) -> Self {
        Self {
            distinct: Distinct::All,
            targets,
            from,
            filter: None,
            group_by: None,
            having: None,
            windows: Vec::new(),
            qualify: None,
            aggregated: false,
        }
    }
}

#[derive(Debug, Clone)]
pub enum Distinct {
    All,
    Distinct,
    On(Vec<Expr>),
}

#[derive(Debug, Clone)]
pub struct GroupBy {
    /// The distinct grouping expressions.
    pub exprs: Vec<Expr>,
    /// Grouping sets as indexes into `exprs`; one full set for a plain GROUP BY.
    pub sets: Vec<Vec<u16>>,
    /// Columns that are used outside of aggregates and not among `exprs`: those there hold their table's primary key.
    pub dependent: Vec<Expr>,
    /// GROUP BY's items as they were written.
    pub written: Vec<Grouping>,
    /// Equal sets are one (GROUP BY DISTINCT).
    pub distinct: bool,
}

/// An item of GROUP BY; the numbers are indexes into [`GroupBy::exprs`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grouping {
    /// An expression, or several in parentheses; none is `()`.
    Simple(Vec<u16>),
    Rollup(Vec<Grouping>),
    Cube(Vec<Grouping>),
    Sets(Vec<Grouping>),
}

#[derive(Debug, Clone)]
pub enum FromItem {
    Relation(Box<Relation>),
    Join(Box<Join>),
}

#[derive(Debug, Clone)]
pub struct Join {
    pub kind: JoinKind,
    pub left: FromItem,
    pub right: FromItem,
    /// USING and NATURAL are already conditions here; their merged columns are COALESCE or plain columns in the targets.
    pub on: Option<Expr>,
    pub lateral: bool,
    /// What USING or NATURAL merges, for who prints it: `on` and the targets have it already.
    pub merged: Vec<MergedColumn>,
    /// The alias of `USING (…) AS alias`.
    pub merged_alias: Option<Arc<str>>,
    /// `(… JOIN …) AS alias`: the join's columns by the names that the alias gives them.
    pub alias: Option<JoinAlias>,
}

/// A column of USING: the name, the two sides, and what stands for both.
#[derive(Debug, Clone)]
pub struct MergedColumn {
    pub name: Arc<str>,
    pub left: Expr,
    pub right: Expr,
    pub value: Expr,
}

#[derive(Debug, Clone)]
pub struct JoinAlias {
    pub name: Arc<str>,
    pub columns: Vec<(Arc<str>, Expr)>,
    /// How many column names were written.
    pub named: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    Cross,
    Inner,
    Left,
    Right,
    Full,
}

/// A range-table entry.
#[derive(Debug, Clone)]
pub struct Relation {
    pub id: RelId,
    /// The alias or name it goes by, for messages and EXPLAIN.
    pub alias: Arc<str>,
    pub source: Source,
    pub columns: Vec<RelColumn>,
    pub lateral: bool,
    pub pos: u32,
}

#[derive(Debug, Clone)]
pub struct RelColumn {
    pub name: Arc<str>,
    pub ty: PgType,
    /// attnum for columns of tables; 0 otherwise. Negative for system columns (tableoid, ctid …).
    pub attnum: i16,
}

#[derive(Debug, Clone)]
pub enum Source {
    /// A table of the registry. `columns` are all of its columns in attnum order.
    Table {
        def: Arc<TableDef>,
        only: bool,
        sample: Option<Sample>,
    },
    /// A view of pg_catalog or information_schema.
    System {
        def: Arc<TableDef>,
        sample: Option<Sample>,
    },
    /// A sequence, read as the relation of one row that it is: last_value, log_cnt, is_called. Its state is no transaction's.
    Sequence {
        def: Arc<TableDef>,
    },
    /// An expanded view: the query runs with the rights of `owner` (a role's OID); `None` (security_invoker): of the current user.
    View {
        def: Arc<TableDef>,
        query: Box<Query>,
        owner: Option<Oid>,
    },
    Subquery(Box<Query>),
    Cte(CteId),
    /// Set-returning (or plain) functions in FROM; several for ROWS FROM. Each call's output columns follow each other in
    /// `columns`, then the ordinality column if asked for.
    Function {
        calls: Vec<Expr>,
        ordinality: bool,
    },
    /// Rows that the client sends (COPY FROM): fed by the session at execution.
    Feed,
    /// Files of the server (`read_csv(…)` and kin, in the extended dialect).
    File(Arc<FileScan>),
}

/// Files that a statement reads, as the engine has found them.
#[derive(Debug, Clone)]
pub struct FileScan {
    /// The function that names them.
    pub function: Arc<str>,
    pub paths: Arc<[Arc<str>]>,
    /// The engine's number for them, which is good for as long as `held` is there.
    pub number: u64,
    pub held: Arc<dyn std::any::Any + Send + Sync>,
}

impl PartialEq for FileScan {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for FileScan {}

#[derive(Debug, Clone)]
pub struct Sample {
    pub bernoulli: bool,
    pub percent: Expr,
    pub seed: Option<Expr>,
}

#[derive(Debug, Clone)]
pub struct Insert {
    pub ctes: Vec<Cte>,
    pub recursive: bool,
    pub target: Relation,
    /// The target's columns that are written, as indexes into `target.columns`; defaults that the statement leaves out
    /// are included, with their expressions in `source`.
    pub columns: Vec<u16>,
    /// Those of them that the statement itself names (or gives by position): what INSERT privilege is needed on.
    pub named: Vec<u16>,
    /// A query whose output matches `columns` in number and type.
    pub source: InsertSource,
    pub on_conflict: Option<OnConflict>,
    /// `excluded`'s relation id, in ON CONFLICT DO UPDATE.
    pub excluded: Option<RelId>,
    /// The relation whose only column is what RETURNING asks by `xmax` after ON CONFLICT: the transaction that changed
    /// the row, 0 for one that is new.
    pub xmax: Option<RelId>,
    pub returning: Returning,
    pub overriding: Overriding,
    pub rules: Option<Box<TargetRules>>,
    /// The views by which the target was reached.
    pub through: Option<Box<Through>>,
}

#[derive(Debug, Clone)]
pub enum InsertSource {
    /// Rows of expressions; no FROM. A target's default stands as its expression.
    Values(Vec<Vec<Expr>>),
    /// `query` gives the columns that the statement names; `exprs` gives for each written column an expression over
    /// `rel` (the query's output) or a default.
    Query { query: Box<Query>, rel: RelId, exprs: Vec<Expr> },
    /// COPY FROM: the feed's relation, and for each written column an expression over it or a default.
    Feed { rel: Relation, exprs: Vec<Expr>, filter: Option<Expr> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overriding {
    Default,
    System,
    User,
}

#[derive(Debug, Clone)]
pub struct OnConflict {
    /// Column indexes of the arbiter; empty for a bare ON CONFLICT DO NOTHING, and where the arbiter has none.
    pub arbiter: Vec<u16>,
    /// The unique key that the session checks, if that is the arbiter.
    pub checked: Option<Oid>,
    /// The columns that the arbiter is made from.
    pub read: Vec<u16>,
    pub action: ConflictAction,
}

#[derive(Debug, Clone)]
pub enum ConflictAction {
    Nothing,
    Update { sets: Vec<(u16, Expr)>, filter: Option<Expr> },
}

#[derive(Debug, Clone)]
pub struct Update {
    pub ctes: Vec<Cte>,
    pub recursive: bool,
    pub target: Relation,
    pub sets: Vec<(u16, Expr)>,
    pub from: Vec<FromItem>,
    pub filter: Option<Expr>,
    pub returning: Returning,
    pub rules: Option<Box<TargetRules>>,
    /// The views by which the target was reached.
    pub through: Option<Box<Through>>,
}

#[derive(Debug, Clone)]
pub struct Delete {
    pub ctes: Vec<Cte>,
    pub recursive: bool,
    pub target: Relation,
    pub using: Vec<FromItem>,
    pub filter: Option<Expr>,
    pub returning: Returning,
    pub rules: Option<Box<TargetRules>>,
    /// The views by which the target was reached.
    pub through: Option<Box<Through>>,
}

/// The views that a statement writes through, from the one that it names inwards; its target is the table below them.
#[derive(Debug, Clone)]
pub struct Through {
    pub views: Vec<ThroughView>,
    /// The target's columns that the last view reads, if the statement reads anything of the first: its owner must be
    /// allowed to read them, used or not.
    pub below: BTreeSet<u16>,
}

#[derive(Debug, Clone)]
pub struct ThroughView {
    /// Nothing in the statement refers to it.
    pub id: RelId,
    pub def: Arc<TableDef>,
    /// In whose name what is below is read and written (a role's OID); `None` (security_invoker): the current user's.
    pub owner: Option<Oid>,
    /// What is read and written of it, as indexes into `def.columns`.
    pub read: BTreeSet<u16>,
    pub written: BTreeSet<u16>,
}

#[derive(Debug, Clone)]
pub struct Merge {
    pub ctes: Vec<Cte>,
    pub target: Relation,
    pub source: FromItem,
    pub on: Expr,
    /// In the order of the statement: of a row's own kind, the first whose condition holds is carried out.
    pub whens: Vec<MergeWhen>,
    /// Of matched rows; what is inserted has its own.
    pub rules: Option<Box<TargetRules>>,
}

#[derive(Debug, Clone)]
pub struct MergeWhen {
    /// WHEN MATCHED; otherwise WHEN NOT MATCHED, in which nothing refers to the target.
    pub matched: bool,
    pub condition: Option<Expr>,
    pub action: MergeAction,
}

#[derive(Debug, Clone)]
pub enum MergeAction {
    Nothing,
    Update {
        sets: Vec<(u16, Expr)>,
    },
    Delete,
    /// Its source is one row of expressions over MERGE's source.
    Insert(Box<Insert>),
}

/// RETURNING's expressions and columns; both empty if there is none.
#[derive(Debug, Clone, Default)]
pub struct Returning {
    pub exprs: Vec<Expr>,
    pub columns: Vec<Field>,
    /// The relations of which a system column is read that is a constant in the tree.
    pub system: Vec<RelId>,
}

/// What a CHECK constraint, NOT NULL and the like must hold for each written row is in the relation's definition;
/// `lower` puts it into the statement where DuckDB does not enforce it by itself.
#[derive(Debug, Clone)]
pub struct Explain {
    pub statement: super::Statement,
    pub analyze: bool,
    pub verbose: bool,
    pub costs: bool,
    pub format: ExplainFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExplainFormat {
    Text,
    Json,
    Xml,
    Yaml,
}
