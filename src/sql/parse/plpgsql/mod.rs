//! PL/pgSQL as DO takes it: the text of a block to a tree. Its queries and expressions are SQL, parsed as such; its variables
//! are names that these may use. (PostgreSQL's pl_gram.y is the grammar; what we leave out of it is refused by name.)

mod raise;
mod reader;
mod statement;

use std::sync::Arc;

use super::Parsed;
use crate::error::{Error, Result, Severity, SqlState};
use crate::registry::Name;

/// How deep statements may be inside each other: each level takes its part of the thread's stack, here and where it runs.
pub const MAX_DEPTH: usize = 100;

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
    Return,
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

/// Parses a block. Positions of errors count in its text.
pub fn parse(text: &str) -> Result<Block> {
    reader::Reader::read(text)
}
