//! UPDATE … FROM.
//!
//! `UPDATE t SET a = f.x FROM f WHERE f.id = t.id` → `UPDATE "public"."t" AS t1 SET "a" = t2."x" FROM "public"."f" AS t2 WHERE …`

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::registry;
use crate::sql::Command;
use crate::sql::lower::ir::{self, Alias, Scalar};
use crate::sql::lower::query::from::{column_name, table_name};
use crate::sql::lower::{Lowered, Lowerer};
use crate::tree::{Expr, Relation, Update};

use super::conflict::Rules;
use super::insert::target_table;

impl Lowerer<'_> {
    pub(crate) fn update(mut self, update: &Update) -> Result<Lowered> {
        if update.rules.is_some() {
            return Err(Error::internal("lower: rules are for several steps"));
        }
        let def = Arc::clone(target_table(&update.target)?);
        self.depends.tables.insert(def.oid);
        let alias = Alias::Rel(update.target.id.0);
        let ctes = self.ctes(&update.ctes)?;
        let recursive = update.recursive && ctes.iter().any(|c| c.recursive);
        self.enter_table(&update.target, &def, alias)?;
        let from = self.from_items(&update.from)?;
        let sets: Vec<&(u16, Expr)> = update.sets.iter().collect();
        let sets = self.set_values(&update.target, &sets, &def, None)?;
        let filter =
            update.filter.as_ref().map(|f| self.expr(f)).transpose()?.map(crate::sql::lower::value::any_all::only_true);
        let returning = self.returning(&update.returning, alias)?;
        let phys = returning.iter().map(|r| r.phys.clone()).collect();
        let statement =
            ir::Statement::Update { ctes, recursive, table: table_name(&def), alias, sets, from, filter, returning };
        Ok(self.done(statement, (update.returning.columns.clone(), phys), Command::Update, Some(def)))
    }

    /// SET's values in the types that their columns are stored in.
    pub(crate) fn set_scalars(
        &mut self,
        target: &Relation,
        sets: &[&(u16, Expr)],
        def: &Arc<registry::Relation>,
    ) -> Result<Vec<(u16, Arc<str>, Scalar)>> {
        let mut lowered: Vec<(u16, Arc<str>, Scalar)> = Vec::with_capacity(sets.len());
        for (index, e) in sets {
            let column =
                target.columns.get(usize::from(*index)).ok_or_else(|| Error::internal("lower: SET names no column"))?;
            let phys = self.phys(column.ty)?;
            let value = self.expr(e)?;
            lowered.push((*index, column_name(def, column)?, self.coerce(value, &phys)?));
        }
        Ok(lowered)
    }

    /// As [`Self::set_scalars`], with the table's CHECK constraints on the new row, and in ON CONFLICT the rules on both.
    pub(crate) fn set_values(
        &mut self,
        target: &Relation,
        sets: &[&(u16, Expr)],
        def: &Arc<registry::Relation>,
        conflict: Option<(&[u16], Rules<'_>)>,
    ) -> Result<Vec<(Arc<str>, Scalar)>> {
        let lowered = self.set_scalars(target, sets, def)?;
        let old = super::rules::value_in(self.rels.get(&target.id));
        let value_of = |index: u16| {
            if let Some((_, _, value)) = lowered.iter().find(|(i, _, _)| *i == index) {
                return Some(value.clone());
            }
            old(index)
        };
        let touched: Vec<u16> = lowered.iter().map(|(i, _, _)| *i).collect();
        let rules = conflict.and_then(|(_, rules)| rules);
        let mut guards =
            if lowered.is_empty() { Vec::new() } else { self.conflict_guards(rules, (def, target), &value_of)? };
        guards.extend(self.routing_guards(def, target, &value_of, Some(&touched))?);
        guards.extend(self.check_guards_on(def, target, &value_of, Some(&touched))?);
        if let Some((arbiter, _)) = conflict {
            guards = self.where_there_is_one(guards, target.id, arbiter)?;
        }
        let mut values: Vec<Scalar> = lowered.iter().map(|(_, _, v)| v.clone()).collect();
        let row = if guards.is_empty() { None } else { self.row_text(def, target, &value_of, &touched, guards.len()) };
        super::check::guard_first(&mut values, guards, row.as_ref());
        Ok(lowered.into_iter().zip(values).map(|((_, name, _), value)| (name, value)).collect())
    }
}
