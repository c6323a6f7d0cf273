//! Which statements take several of DuckDB's ([`super::steps`]).

use std::sync::Arc;

use crate::error::Result;
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::Alias;
use crate::tree::{self, CteBody, FromItem};

use super::insert::{is_of_target, target_table};

/// Does the statement take several of DuckDB's?
pub(crate) fn wanted(statement: &tree::Statement, lowerer: impl Fn() -> Result<bool>) -> Result<bool> {
    let ctes = match statement {
        tree::Statement::Query(query) => &query.ctes,
        tree::Statement::Insert(insert) => &insert.ctes,
        tree::Statement::Update(update) => &update.ctes,
        tree::Statement::Delete(delete) => &delete.ctes,
        tree::Statement::Merge(_) => return Ok(true),
        tree::Statement::Copy(_)
        | tree::Statement::Explain(_)
        | tree::Statement::Ddl(_)
        | tree::Statement::Utility(_) => return Ok(false),
    };
    if ctes.iter().any(|cte| !matches!(cte.query, CteBody::Query(_))) {
        return Ok(true);
    }
    // The rows that rules let through are found first.
    let ruled = match statement {
        tree::Statement::Update(update) => update.rules.is_some(),
        tree::Statement::Delete(delete) => delete.rules.is_some(),
        tree::Statement::Query(_)
        | tree::Statement::Insert(_)
        | tree::Statement::Merge(_)
        | tree::Statement::Copy(_)
        | tree::Statement::Explain(_)
        | tree::Statement::Ddl(_)
        | tree::Statement::Utility(_) => false,
    };
    if ruled {
        return Ok(true);
    }
    lowerer()
}

impl Lowerer<'_> {
    /// True if RETURNING has what DuckDB does not know there: other relations' columns, subqueries; and (`keyed`) if
    /// foreign keys ask for what is changed.
    pub(crate) fn takes_more(mut self, statement: &tree::Statement, keyed: bool) -> Result<bool> {
        if let tree::Statement::Insert(insert) = statement
            && let def = target_table(&insert.target)?
            && super::upsert::wanted(insert, def, &self.cx.snapshot)
        {
            return Ok(true);
        }
        let (ctes, target, from, returning): (_, _, &[FromItem], _) = match statement {
            tree::Statement::Insert(i) if i.on_conflict.is_none() => (&i.ctes, &i.target, &[], &i.returning),
            tree::Statement::Update(u) => (&u.ctes, &u.target, &u.from, &u.returning),
            tree::Statement::Delete(d) => (&d.ctes, &d.target, &d.using, &d.returning),
            _ => return Ok(false),
        };
        if keyed && self.concerns_keys(statement)? {
            return Ok(true);
        }
        // A row may meet several of FROM's: PostgreSQL takes one of them, DuckDB's UPDATE counts and gives each.
        if keyed && matches!(statement, tree::Statement::Update(update) if !update.from.is_empty()) {
            return Ok(true);
        }
        if returning.exprs.is_empty() {
            return Ok(false);
        }
        let alias = Alias::Rel(target.id.0);
        self.ctes(ctes)?;
        self.from_items(from)?;
        let def = Arc::clone(target_table(target)?);
        self.enter_table(target, &def, alias)?;
        for e in &returning.exprs {
            if !is_of_target(&self.expr(e)?, alias) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the rows that it changes have to be kept, for foreign keys of the table or to it.
    fn concerns_keys(&self, statement: &tree::Statement) -> Result<bool> {
        Ok(match statement {
            tree::Statement::Update(update) => {
                let def = target_table(&update.target)?;
                let columns = self.key_columns(def, true);
                update.sets.iter().any(|(i, _)| {
                    update.target.columns.get(usize::from(*i)).is_some_and(|c| columns.contains(&c.attnum))
                })
            }
            tree::Statement::Delete(delete) => !self.key_columns(target_table(&delete.target)?, false).is_empty(),
            _ => false,
        })
    }
}
