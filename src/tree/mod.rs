//! The typed, resolved statement that analysis makes: closed enums, no behaviour.
//!
//! Every relation, column, function, operator and cast in it is resolved, and every expression has a PostgreSQL type.
//! It says what the statement *means*; how DuckDB is told so is `sql::lower`'s affair. `policy` rewrites it.

mod alter;
mod copy;
mod expr;
mod like;
mod lock;
mod policy;
mod query;
mod routine;
mod rules;
mod transaction;
mod tuning;
mod utility;

pub use alter::*;
pub use copy::*;
pub use expr::*;
pub use like::*;
pub use lock::*;
pub use policy::*;
pub use query::*;
pub use routine::*;
pub use rules::*;
pub use transaction::*;
pub use tuning::*;
pub use utility::*;

use std::sync::Arc;

/// One statement.
#[derive(Debug, Clone)]
pub enum Statement {
    Query(Box<Query>),
    Insert(Box<Insert>),
    Update(Box<Update>),
    Delete(Box<Delete>),
    Merge(Box<Merge>),
    Copy(Box<Copy>),
    Explain(Box<Explain>),
    Ddl(Box<Ddl>),
    /// Session and transaction commands, which never reach the engine as SQL.
    Utility(Box<Utility>),
}

/// A column of a result.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub name: Arc<str>,
    pub ty: crate::types::PgType,
    /// The table (OID) and attnum it comes from unchanged; (0, 0) otherwise.
    pub origin: (crate::types::Oid, i16),
    /// What the fields of an anonymous row are, as far as it is known.
    pub row: Option<crate::types::RowTypes>,
}
