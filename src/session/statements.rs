//! Prepared statements: the protocol's and SQL's PREPARE share one name space, as in PostgreSQL.

use std::collections::HashMap;
use std::sync::Arc;

use super::environment::EnvironmentKey;
use super::plan_cache::Text;
use crate::error::{Error, Result, SqlState};
use crate::sql::Compiled;
use crate::tree::Field;
use crate::types::{Oid, OutputSettings, PgType};

/// A prepared statement.
pub struct Statement {
    pub text: Arc<Text>,
    /// Which of the text's statements it is; `None` is the empty statement.
    pub index: Option<usize>,
    /// The parameter types that the client gave; 0 is unspecified.
    pub given: Arc<[Oid]>,
    pub params: Vec<PgType>,
    /// The columns that were promised when it was prepared; `None` if it gives no rows.
    pub fields: Option<Vec<Field>>,
    /// By what its typed constants were read when it was prepared.
    pub read_by: OutputSettings,
    /// What it was last compiled to, and for which environment.
    pub compiled: Option<(Arc<EnvironmentKey>, Arc<Compiled>)>,
}

#[derive(Default)]
pub struct Statements {
    by_name: HashMap<String, Statement>,
}

impl Statements {
    pub fn get(&self, name: &str) -> Result<&Statement> {
        self.by_name.get(name).ok_or_else(|| missing(name))
    }

    pub fn get_mut(&mut self, name: &str) -> Result<&mut Statement> {
        self.by_name.get_mut(name).ok_or_else(|| missing(name))
    }

    /// Checks that a statement of this name may be made: the unnamed one is replaced, others must be new.
    pub fn check_new(&self, name: &str, limit: usize) -> Result<()> {
        if name.is_empty() {
            return Ok(());
        }
        if self.by_name.contains_key(name) {
            let message = format!("prepared statement \"{name}\" already exists");
            return Err(Error::new(SqlState::DUPLICATE_PSTATEMENT, message));
        }
        if self.by_name.len() >= limit {
            let message = format!("a session may have at most {limit} prepared statements");
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
                .hint("DEALLOCATE those that are no longer used, or raise limits.statements."));
        }
        Ok(())
    }

    pub fn insert(&mut self, name: &str, statement: Statement) {
        self.by_name.insert(name.to_owned(), statement);
    }

    pub fn remove(&mut self, name: &str) -> bool {
        self.by_name.remove(name).is_some()
    }

    /// DEALLOCATE ALL: the unnamed one is none of SQL's, and stays.
    pub fn deallocate_all(&mut self) {
        self.by_name.retain(|name, _| name.is_empty());
    }

    /// DISCARD PLANS: they are compiled anew when they are next used.
    pub fn discard_plans(&mut self) {
        for statement in self.by_name.values_mut() {
            statement.compiled = None;
        }
    }
}

fn missing(name: &str) -> Error {
    let message = if name.is_empty() {
        "unnamed prepared statement does not exist".to_owned()
    } else {
        format!("prepared statement \"{name}\" does not exist")
    };
    Error::new(SqlState::INVALID_SQL_STATEMENT_NAME, message)
}
