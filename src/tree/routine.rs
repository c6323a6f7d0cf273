//! Functions of users: their calls, and the commands that make and change them.

use std::sync::Arc;

use super::{CallForm, DropBehavior, Expr, Query, RelId};
use crate::registry::{Function, Name};
use crate::types::Oid;

/// A call of a user's function, with its body in place.
#[derive(Debug, Clone)]
pub struct Routine {
    pub function: Arc<Function>,
    /// One for each input parameter, as in [`super::Call`].
    pub args: Vec<Expr>,
    pub form: CallForm,
    /// The last argument was written VARIADIC: it is the array itself.
    pub variadic: bool,
    /// Stands for the arguments in the body: column n is the nth.
    pub params: RelId,
    /// Gives the result's columns: one, or the fields of a row.
    pub body: Box<Query>,
    /// The result is a row of the body's columns.
    pub row: bool,
    /// What PL/pgSQL's functions give is not known yet: the session has to run it before the statement.
    pub pending: bool,
}

/// CREATE FUNCTION and CREATE PROCEDURE. `function` has no OID, and no owner yet.
#[derive(Debug, Clone)]
pub struct NewFunction {
    pub function: Function,
    pub or_replace: bool,
}

/// Which word a function was called by: FUNCTION, PROCEDURE, or ROUTINE for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoutineKind {
    Function,
    Procedure,
    Routine,
}

impl RoutineKind {
    /// Does the word mean procedures, or functions?
    pub const fn covers(self, procedure: bool) -> bool {
        match self {
            Self::Function => !procedure,
            Self::Procedure => procedure,
            Self::Routine => true,
        }
    }

    pub const fn word(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Procedure => "procedure",
            Self::Routine => "routine",
        }
    }
}

/// What is done with functions that are there already; each is named by its OID.
#[derive(Debug, Clone)]
pub enum FunctionDdl {
    Create(Box<NewFunction>),
    Alter {
        kind: RoutineKind,
        function: Oid,
        change: AlterFunction,
    },
    /// `missing` are the notices of IF EXISTS.
    Drop {
        kind: RoutineKind,
        functions: Vec<Oid>,
        missing: Vec<String>,
        behavior: DropBehavior,
    },
    Comment {
        function: Oid,
        comment: Option<String>,
    },
}

#[derive(Debug, Clone)]
pub enum AlterFunction {
    Rename { to: Name },
    SetOwner { to: Name },
    SetNamespace { to: Name },
    Flags(FunctionFlags),
}

/// The options of CREATE and ALTER FUNCTION that say how a function behaves; those that were written.
#[derive(Debug, Clone, Default)]
pub struct FunctionFlags {
    pub volatility: Option<u8>,
    pub strict: Option<bool>,
    pub definer: Option<bool>,
    pub leakproof: Option<bool>,
    pub parallel: Option<u8>,
    pub cost: Option<f32>,
    pub rows: Option<f32>,
    /// SET, or (`None`) RESET, in the order of writing; RESET ALL is one of `all`.
    pub settings: Vec<(Name, Option<String>)>,
}
