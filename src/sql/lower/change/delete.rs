//! DELETE … USING.
//!
//! `DELETE FROM t USING f WHERE f.id = t.id` → `DELETE FROM "public"."t" AS t1 USING "public"."f" AS t2 WHERE …`

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::sql::Command;
use crate::sql::lower::ir::{self, Alias};
use crate::sql::lower::query::from::table_name;
use crate::sql::lower::{Lowered, Lowerer};
use crate::tree::Delete;

use super::insert::target_table;

impl Lowerer<'_> {
    pub(crate) fn delete(mut self, delete: &Delete) -> Result<Lowered> {
        if delete.rules.is_some() {
            return Err(Error::internal("lower: rules are for several steps"));
        }
        let def = Arc::clone(target_table(&delete.target)?);
        self.depends.tables.insert(def.oid);
        let alias = Alias::Rel(delete.target.id.0);
        let ctes = self.ctes(&delete.ctes)?;
        let recursive = delete.recursive && ctes.iter().any(|c| c.recursive);
        self.enter_table(&delete.target, &def, alias)?;
        let using = self.from_items(&delete.using)?;
        let filter =
            delete.filter.as_ref().map(|f| self.expr(f)).transpose()?.map(crate::sql::lower::value::any_all::only_true);
        let returning = self.returning(&delete.returning, alias)?;
        let phys = returning.iter().map(|r| r.phys.clone()).collect();
        let table = table_name(&def);
        let statement = ir::Statement::Delete { ctes, recursive, table, alias, using, filter, returning };
        Ok(self.done(statement, (delete.returning.columns.clone(), phys), Command::Delete, Some(def)))
    }
}
