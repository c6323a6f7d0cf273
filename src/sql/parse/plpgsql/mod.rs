//! PL/pgSQL, of DO and of functions: the text of a block to a tree. Its queries and expressions are SQL, parsed as such; its variables
//! are names that these may use. (PostgreSQL's pl_gram.y is the grammar; what we leave out of it is refused by name.)

mod raise;
mod reader;
mod result;
mod statement;

pub use reader::parameter_name;

use std::sync::Arc;

use super::Parsed;
use crate::error::{Error, Result, Severity, SqlState};
use crate::registry::{Function, Name};
use crate::types::oid;

/// How deep statements may be inside each other: each level takes its part of the thread's stack, here and where it runs.
pub const MAX_DEPTH: usize = 100;

/// What the operand of CASE is called in the conditions that WHEN becomes.
pub const CASE_VARIABLE: &str = "__Case__Variable__";

/// `<<label>> DECLARE … BEGIN … EXCEPTION … END`.
#[derive(Debug, Clone)]
pub struct Block {
    pub label: Option<Name>,
    pub declarations: Vec<Declaration>,
    pub body: Vec<Statement>,
    /// `None`: no EXCEPTION, and so no subtransaction.
    pub handlers: Option<Vec<Handler>>,
}

#[derive(Debug, Clone)]
pub struct Declaration {
    pub name: Name,
    pub line: u64,
    pub ty: Declared,
    pub constant: bool,
    pub not_null: bool,
    pub default: Option<Fragment>,
}

#[derive(Debug, Clone)]
pub enum Declared {
    /// A type as it was written, in `CAST(NULL AS type)`: it is looked up when the block begins.
    Named {
        text: Arc<str>,
        probe: Fragment,
    },
    /// `table%ROWTYPE`: a query of no row of it.
    RowOf(Fragment),
    Record,
    /// Another name of a variable.
    Alias(Target),
}

/// A piece of SQL: a statement, or an expression as the only target of a SELECT.
#[derive(Debug, Clone)]
pub struct Fragment {
    pub parsed: Parsed,
    /// As it was written.
    pub text: Arc<str>,
}

#[derive(Debug, Clone)]
pub struct Statement {
    pub line: u64,
    pub kind: Kind,
}

#[derive(Debug, Clone)]
pub enum Kind {
    Block(Box<Block>),
    /// `variable := expression`.
    Assign {
        to: Target,
        value: Fragment,
    },
    If {
        arms: Vec<(Fragment, Vec<Statement>)>,
        otherwise: Vec<Statement>,
    },
    Loop {
        label: Option<Name>,
        kind: LoopKind,
        body: Vec<Statement>,
    },
    /// EXIT and CONTINUE.
    Leave {
        continues: bool,
        label: Option<Name>,
        when: Option<Fragment>,
    },
    /// RETURN, with a value if the function's result is one.
    Return(Option<Fragment>),
    /// RETURN NEXT; without a value the OUT parameters are the row.
    ReturnNext(Option<Fragment>),
    ReturnQuery(Fragment),
    ReturnExecute {
        query: Fragment,
        using: Vec<Fragment>,
    },
    /// CASE: the operand, which is [`CASE_VARIABLE`] in the conditions, the arms, and ELSE.
    Case {
        operand: Option<Fragment>,
        arms: Vec<(Fragment, Vec<Statement>)>,
        otherwise: Option<Vec<Statement>>,
    },
    Raise(Box<Raise>),
    Assert {
        condition: Fragment,
        message: Option<Fragment>,
    },
    Sql {
        statement: Fragment,
        into: Option<Into>,
    },
    Perform(Fragment),
    Execute {
        query: Fragment,
        into: Option<Into>,
        using: Vec<Fragment>,
    },
    /// GET DIAGNOSTICS; `stacked`: of the exception that is handled.
    Diagnostics {
        stacked: bool,
        items: Vec<(Target, Diagnostic)>,
    },
    Null,
}

#[derive(Debug, Clone)]
pub enum LoopKind {
    Forever,
    While(Fragment),
    /// The bounds, and BY.
    Integers {
        variable: Name,
        reverse: bool,
        from: Fragment,
        to: Fragment,
        by: Option<Fragment>,
    },
    Query {
        targets: Vec<Target>,
        query: Fragment,
    },
    Execute {
        targets: Vec<Target>,
        query: Fragment,
        using: Vec<Fragment>,
    },
    /// FOREACH over the items of an array.
    Array {
        targets: Vec<Target>,
        array: Fragment,
    },
}

/// A variable that is given a value: `name`, `label.name` or `record.field`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub qualifier: Option<Name>,
    pub name: Name,
}

#[derive(Debug, Clone)]
pub struct Into {
    pub strict: bool,
    pub targets: Vec<Target>,
}

#[derive(Debug, Clone)]
pub struct Raise {
    /// `None`: an exception.
    pub level: Option<Severity>,
    pub what: Raised,
    pub using: Vec<(RaiseOption, Fragment)>,
}

#[derive(Debug, Clone)]
pub enum Raised {
    /// RAISE alone: what is handled goes on.
    Again,
    /// A format, in which each `%` stands for one of the values.
    Message { format: String, values: Vec<Fragment> },
    /// A condition's name, or SQLSTATE; `named` is what the message says if nothing else does.
    Condition { code: SqlState, named: String },
    /// USING alone says what it is.
    Options,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RaiseOption {
    Message,
    Detail,
    Hint,
    Errcode,
    Column,
    Constraint,
    Datatype,
    Table,
    Schema,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Diagnostic {
    RowCount,
    Sqlstate,
    Message,
    Detail,
    Hint,
    Context,
    Column,
    Constraint,
    Datatype,
    Table,
    Schema,
}

/// WHEN … THEN.
#[derive(Debug, Clone)]
pub struct Handler {
    pub conditions: Vec<Condition>,
    pub body: Vec<Statement>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// All but a cancelled query and a failed ASSERT.
    Others,
    /// A code, or all of its class if it ends in 000.
    Code(SqlState),
}

/// The codes of a condition's name.
pub fn codes_of(name: &str) -> Result<Vec<SqlState>> {
    let named = crate::facts::CONDITIONS.iter().filter(|(condition, _)| *condition == name);
    let codes: Vec<SqlState> = named.filter_map(|(_, code)| SqlState::parse(code)).collect();
    if codes.is_empty() {
        let message = format!("unrecognized exception condition \"{name}\"");
        return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
    }
    Ok(codes)
}

/// What RETURN may say, and what the body sees beside its own variables.
#[derive(Debug, Clone)]
pub struct Shape {
    /// As the lines of errors name it while it is compiled.
    pub name: Name,
    /// Is it a function's, and not DO's?
    pub named: bool,
    pub procedure: bool,
    pub set: bool,
    pub void: bool,
    /// The names of its parameters; whether each may have fields.
    pub parameters: Vec<(Name, bool)>,
    /// Parameters are its result.
    pub outputs: bool,
    /// How many inputs it has: `$1`, `$2` …
    pub inputs: usize,
}

impl Shape {
    /// Of DO.
    pub fn inline() -> Self {
        Self {
            name: "inline_code_block".into(),
            named: false,
            procedure: false,
            set: false,
            void: true,
            parameters: Vec::new(),
            outputs: false,
            inputs: 0,
        }
    }

    pub fn of(function: &Function) -> Self {
        // A row, or what may be one.
        let fields = |ty: u32| ty >= oid::FIRST_USER || ty == oid::RECORD;
        Self {
            name: function.name.clone(),
            named: true,
            procedure: function.procedure,
            set: function.returns_set,
            void: function.result == oid::VOID,
            parameters: function.parameters.iter().map(|p| (p.name.clone(), fields(p.ty))).collect(),
            outputs: function.outputs().next().is_some(),
            inputs: function.inputs().count(),
        }
    }
}

/// Parses a block of DO. Positions of errors count in its text.
pub fn parse(text: &str) -> Result<Block> {
    reader::Reader::read(text, &Shape::inline())
}

/// Parses a function's body. Positions of errors count in its text.
pub fn parse_function(text: &str, function: &Function) -> Result<Block> {
    reader::Reader::read(text, &Shape::of(function))
}
