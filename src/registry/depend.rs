//! What kept texts name: for pg_depend, and of views of older files (newer ones are analyzed, `sql::ddl::kept`).

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{Ident, ObjectName, visit_relations};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use super::{Name, Snapshot, expression};
use crate::types::Oid;

/// Whose text it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeper {
    View(Oid),
    /// Of a column (attnum) of a relation.
    Default(Oid, i16),
    Check(Oid),
    Index(Oid),
    Policy(Oid),
    /// The table's.
    PartitionKey(Oid),
    DomainDefault(Oid),
    /// The how manieth of a domain.
    DomainCheck(Oid, usize),
    /// Its body, and its parameters' defaults.
    Function(Oid),
}

/// What a text names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    /// All of a relation, or an index.
    Relation(Oid),
    Column(Oid, i16),
    Function(Oid),
    Type(Oid),
}

/// What one object names in the texts that it keeps.
#[derive(Debug, Clone)]
pub struct Reference {
    pub keeper: Keeper,
    /// The relation that the keeper is, or is a part of; 0 if none.
    pub relation: Oid,
    /// In order, each once.
    pub named: Vec<Named>,
}

impl Snapshot {
    /// The relations that a query's text names. A CTE that hides a table's name counts as the table: too much, never
    /// too little.
    pub fn reads(&self, definition: &str, search_path: &[Name]) -> BTreeSet<Oid> {
        let dialect = PostgreSqlDialect {};
        let Ok(statements) = Parser::parse_sql(&dialect, definition) else { return BTreeSet::new() };
        let mut found = BTreeSet::new();
        let _: ControlFlow<()> = visit_relations(&statements, |name| {
            found.extend(self.named(name, search_path));
            ControlFlow::Continue(())
        });
        found
    }

    fn named(&self, name: &ObjectName, search_path: &[Name]) -> Option<Oid> {
        let parts: Vec<&Ident> = name.0.iter().filter_map(|p| p.as_ident()).collect();
        let (last, before) = parts.split_last()?;
        let last = expression::fold(last);
        match before.last() {
            Some(namespace) => self.relation(&expression::fold(namespace), &last).map(|r| r.oid),
            None => search_path.iter().find_map(|n| self.relation(n, &last)).map(|r| r.oid),
        }
    }
}
