//! Expressions.

use std::sync::Arc;

use super::{Query, RelId};
use crate::facts::Proc;
use crate::types::{Oid, PgType, Value};

/// An expression with its type. `pos` is the character position in the statement's text from 1 (0: none).
#[derive(Debug, Clone)]
pub struct Expr {
    pub kind: ExprKind,
    pub ty: PgType,
    pub pos: u32,
}

#[derive(Debug, Clone)]
pub enum ExprKind {
    Const(Value),
    /// `$n`, from 0.
    Param(u16),
    /// A column of a relation in scope (any level: relation ids are unique in a statement).
    /// `column` counts from 0 in [`super::Relation::columns`].
    Column {
        rel: RelId,
        column: u16,
    },
    /// A function or operator call with PostgreSQL's own function, arguments already coerced; defaults filled in.
    /// For a VARIADIC function the trailing arguments are collected into one array argument.
    Call(Box<Call>),
    Aggregate(Box<Aggregate>),
    Window(Box<Window>),
    /// A user's function; one that returns a set stands in FROM or in a target list.
    Routine(Box<super::Routine>),
    /// A set-returning function in a target list.
    SetReturning(Box<Call>),
    Cast {
        arg: Box<Expr>,
        how: CastHow,
        explicit: bool,
    },
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    /// `whole`: of a row, whether it is there itself (IS DISTINCT FROM NULL), whatever its fields are.
    IsNull {
        arg: Box<Expr>,
        not: bool,
        whole: bool,
    },
    /// `IS [NOT] TRUE | FALSE | UNKNOWN`.
    IsBool {
        arg: Box<Expr>,
        test: BoolTest,
        not: bool,
    },
    /// `IS [NOT] DISTINCT FROM`; `eq` is the equality function that was resolved.
    Distinct {
        eq: &'static Proc,
        left: Box<Expr>,
        right: Box<Expr>,
        not: bool,
    },
    /// `NULLIF(a, b)`, with the resolved equality.
    NullIf {
        eq: &'static Proc,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// Simple CASE is already turned into searched CASE (each `when` is boolean); `simple` tells that it was one, so that
    /// each `when` is the operator on the operand and a value.
    Case {
        simple: bool,
        whens: Vec<(Expr, Expr)>,
        otherwise: Option<Box<Expr>>,
    },
    Coalesce(Vec<Expr>),
    /// GREATEST and LEAST, which ignore NULLs.
    MinMax {
        greatest: bool,
        args: Vec<Expr>,
    },
    /// `x op ANY/ALL (array)`; IN lists arrive here too, as `= ANY`/`<> ALL` of an [`ExprKind::Array`].
    AnyAll {
        op: &'static Proc,
        all: bool,
        left: Box<Expr>,
        array: Box<Expr>,
    },
    Exists(Box<Query>),
    /// `(SELECT …)` as a value.
    ScalarSubquery(Box<Query>),
    /// `ARRAY(SELECT …)`.
    ArraySubquery(Box<Query>),
    /// `left op ANY/ALL (SELECT …)`, `(a, b) op (SELECT …)`. One pair per column: the operator's function, and the left side's
    /// expression; IN is `= ANY`, NOT IN is `<> ALL`. `op_name` is the operator's text. `right` casts each output column to the
    /// type that its operator takes (`None`: unchanged).
    AnyAllSubquery {
        of: Quantifier,
        op_name: Arc<str>,
        ops: Vec<&'static Proc>,
        left: Vec<Expr>,
        casts: Vec<Option<CastHow>>,
        query: Box<Query>,
    },
    /// `ARRAY[…]`; `ty` is the array type. Items are elements, or arrays if `nested`.
    Array {
        items: Vec<Expr>,
        nested: bool,
    },
    /// `ROW(…)`.
    Row(Vec<Expr>),
    /// `(a, b) op (c, d)` for = <> < <= > >=, with the function for each pair.
    RowCompare {
        op_name: Arc<str>,
        ops: Vec<&'static Proc>,
        left: Vec<Expr>,
        right: Vec<Expr>,
    },
    /// `array[i]` or `array[lo:hi]`, one item per dimension; jsonb subscripts are calls instead.
    Subscript {
        array: Box<Expr>,
        indices: Vec<Subscript>,
    },
    /// The left side of an assignment to a part of a column: `whole` with `value` in that place.
    Put {
        whole: Box<Expr>,
        place: Place,
        value: Box<Expr>,
    },
    /// `(row).field`, from 0.
    Field {
        row: Box<Expr>,
        field: u16,
    },
    /// The whole row of a relation in scope.
    WholeRow(RelId),
    /// CURRENT_DATE, current_user and so on: what the session binds at execution, and how PostgreSQL writes it.
    Session(SessionValue, &'static str),
    /// The next value of a sequence (relation OID), volatile.
    NextValue(Oid),
    /// `DEFAULT` in VALUES or SET; gone after analysis of INSERT and UPDATE.
    Default,
    /// `expr COLLATE "C"`: kept for the catalog's queries; only collations equal to C pass analysis.
    Collate {
        arg: Box<Expr>,
        collation: Oid,
    },
    /// GROUPING(a, b): indexes into the select's grouping expressions.
    Grouping(Vec<u16>),
    /// A reference to the n-th grouping expression is not needed: grouped expressions repeat in place.
    /// A function or syntax of DuckDB's own that PostgreSQL lacks (`duckgate.dialect = extended`): the signature's name.
    Extended {
        name: &'static str,
        args: Vec<Expr>,
    },
}

/// Which of a subquery's rows a comparison asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantifier {
    Any,
    All,
    /// The only one; of none it is NULL.
    One,
}

#[derive(Debug, Clone)]
pub struct Call {
    pub func: &'static Proc,
    pub args: Vec<Expr>,
    /// The operator's OID if it was written as one.
    pub operator: Option<Oid>,
    /// The last argument is an array that stands for the rest of a VARIADIC "any" function's arguments.
    pub variadic: bool,
    pub form: CallForm,
}

/// How a call was written, for who prints it (PostgreSQL's CoercionForm and NamedArgExpr).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum CallForm {
    /// `f(a, b)`, or an operator.
    #[default]
    Plain,
    /// `f(a)`: the first so many arguments are written, the others are defaults.
    Given(u16),
    /// `f(a, name => b)`: the parameters' numbers in the order of writing; those from `positional` on have names.
    Named { written: Box<[u16]>, positional: u16 },
    /// Syntax of the SQL standard: `EXTRACT(year FROM a)`.
    Syntax,
}

#[derive(Debug, Clone)]
pub struct Aggregate {
    pub func: &'static Proc,
    /// For ordered-set aggregates: direct arguments first, then the WITHIN GROUP ones in `order_by`.
    pub args: Vec<Expr>,
    pub distinct: bool,
    pub order_by: Vec<SortKey>,
    pub filter: Option<Expr>,
    /// `count(*)`.
    pub star: bool,
}

#[derive(Debug, Clone)]
pub struct Window {
    /// A window function or an aggregate.
    pub func: &'static Proc,
    pub args: Vec<Expr>,
    pub star: bool,
    pub filter: Option<Expr>,
    pub spec: WindowSpec,
}

#[derive(Debug, Clone)]
pub struct WindowSpec {
    /// The name in the WINDOW clause that OVER refers to.
    pub name: Option<Arc<str>>,
    /// The named window that its definition begins with, and whether the order is that window's.
    pub base: Option<(Arc<str>, bool)>,
    pub partition_by: Vec<Expr>,
    pub order_by: Vec<SortKey>,
    pub frame: Option<Frame>,
}

#[derive(Debug, Clone)]
pub struct Frame {
    pub units: FrameUnits,
    /// BETWEEN was written: without it the end is the current row.
    pub between: bool,
    pub start: FrameBound,
    pub end: FrameBound,
    pub exclude: FrameExclude,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameUnits {
    Rows,
    Range,
    Groups,
}

#[derive(Debug, Clone)]
pub enum FrameBound {
    UnboundedPreceding,
    Preceding(Box<Expr>),
    CurrentRow,
    Following(Box<Expr>),
    UnboundedFollowing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameExclude {
    NoOthers,
    CurrentRow,
    Group,
    Ties,
}

#[derive(Debug, Clone)]
pub struct SortKey {
    pub expr: Expr,
    pub descending: bool,
    /// Always explicit here: PostgreSQL's default is last for ASC, first for DESC.
    pub nulls_first: bool,
}

#[derive(Debug, Clone)]
pub enum Subscript {
    Index(Expr),
    Slice(Option<Expr>, Option<Expr>),
}

/// Where [`ExprKind::Put`] puts a value.
#[derive(Debug, Clone)]
pub enum Place {
    /// Elements of an array; if one is a slice, all are, and the value is an array.
    Items(Vec<Subscript>),
    /// A field of a row, from 0.
    Field(u16),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoolTest {
    True,
    False,
    Unknown,
}

/// How a value gets from one type to another (PostgreSQL's coercion pathways).
#[derive(Debug, Clone)]
pub enum CastHow {
    /// Binary coercible: same representation, another type.
    Relabel,
    /// By a function of pg_cast.
    Function(&'static Proc),
    /// Through text: the target's input function on the source's output.
    InOut,
    /// Element by element.
    ArrayElements(Box<CastHow>),
    /// Same type, new modifier: varchar(n), char(n), numeric(p,s), timestamp(p) …: cuts, pads, rounds or fails as the
    /// type's length-coercion function does. `Expr::ty` has the modifier.
    Typmod,
    /// Text to an enum or a user-defined type, or enum to text.
    EnumIn,
    EnumOut,
    /// To or from a domain (checks apply when going to it).
    Domain(Oid),
    /// ROW(…) to a composite type or record, field by field.
    Row(Vec<Option<CastHow>>),
}

/// What the session knows and a statement may ask for. Bound at execution as a hidden parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionValue {
    /// now(), CURRENT_TIMESTAMP, transaction_timestamp(): timestamptz.
    TransactionTimestamp,
    /// statement_timestamp().
    StatementTimestamp,
    /// CURRENT_DATE, in the session's time zone: date.
    CurrentDate,
    /// CURRENT_TIME: timetz.
    CurrentTime,
    /// LOCALTIME: time.
    LocalTime,
    /// LOCALTIMESTAMP: timestamp.
    LocalTimestamp,
    /// current_user: name.
    CurrentUser,
    SessionUser,
    CurrentDatabase,
    CurrentSchema,
    /// current_schemas(false): name[].
    CurrentSchemas,
    /// current_schemas(true).
    CurrentSchemasImplicit,
    BackendPid,
    ServerVersion,
    /// inet_client_addr() and kin, as text.
    ClientAddr,
    ClientPort,
    ServerAddr,
    ServerPort,
    PostmasterStartTime,
    ConfLoadTime,
    /// The session's TimeZone setting: text.
    TimeZone,
    /// The session's number inside the gateway, for native functions and system tables that ask who calls.
    SessionId,
}
