//! Rules of what a statement writes: which rows it may see and change, and what the new ones must meet.
//!
//! `UPDATE t SET a = 1 WHERE b` → the rows to be changed are kept first, from `(SELECT a AS c0, b AS c1, rowid AS c2 FROM t
//! WHERE <rule>) AS t1 WHERE b`: the statement's own expressions never meet a row that a rule hides. A condition on a new
//! row becomes `CASE WHEN <it> IS DISTINCT FROM TRUE THEN error(…) ELSE value END`.

use std::sync::Arc;

use crate::error::{Error, Result, SqlState};
use crate::registry;
use crate::sql::lower::ir::{self, Alias, From, Scalar, Select};
use crate::sql::lower::query::from::table_name;
use crate::sql::lower::value::array::plain_query;
use crate::sql::lower::{Lowerer, Means, Rel};
use crate::tree::{CheckedRow, RelColumn, RelId, Relation, RowCheck, TargetRules};
use crate::types::Phys;

use super::check::Guard;

/// The rows of a target that rules let through, as an item of FROM.
pub(crate) struct Visible {
    pub from: From,
    /// The row's number in DuckDB.
    pub number: Scalar,
    /// The row as the table has it, without masks.
    pub raw: Rel,
}

impl Lowerer<'_> {
    /// Enters a target as its rules let it be seen.
    pub(crate) fn visible_target(
        &mut self,
        target: &Relation,
        def: &Arc<registry::Relation>,
        rules: &TargetRules,
    ) -> Result<Visible> {
        let (alias, inner) = (Alias::Rel(target.id.0), Alias::Rel(rules.row.0));
        let columns = self.table_columns(target, def)?;
        self.rels.insert(rules.row, Rel { alias: inner, columns: columns.clone() });
        let filter = rules.filter.as_ref().map(|f| self.expr(f)).transpose()?;
        let mut targets = Vec::with_capacity(columns.len() + 1);
        let (mut seen, mut raw) = (Vec::with_capacity(columns.len()), Vec::with_capacity(columns.len()));
        for (index, (means, phys)) in columns.into_iter().enumerate() {
            let Means::Column(name) = &means else {
                seen.push((means.clone(), phys.clone()));
                raw.push((means, phys));
                continue;
            };
            let own = (Means::Column(ir::output_name(targets.len())), phys.clone());
            targets.push(Scalar::column(inner, name.clone(), phys.clone()));
            raw.push(own.clone());
            match rules.masks.iter().find(|(at, _)| usize::from(*at) == index) {
                None => seen.push(own),
                Some((_, mask)) => {
                    let value = self.expr(mask)?;
                    let value = self.coerce(value, &phys)?;
                    seen.push((Means::Column(ir::output_name(targets.len())), phys));
                    targets.push(value);
                }
            }
        }
        let number = Scalar::column(alias, ir::output_name(targets.len()), Phys::Int8);
        targets.push(Scalar::column(inner, "rowid", Phys::Int8));
        let columns = targets.iter().map(|t| t.phys.clone()).collect();
        let table = From::Table { name: table_name(def), alias: inner, sample: None };
        let query = plain_query(Select { targets, from: vec![table], filter, ..Select::default() }, columns);
        self.rels.insert(target.id, Rel { alias, columns: seen });
        Ok(Visible {
            from: From::Query { query: Box::new(query), alias, lateral: false },
            number,
            raw: Rel { alias, columns: raw },
        })
    }

    /// The guards of checks over a row, relation `row`, whose columns are what `value_of` gives.
    pub(crate) fn rule_guards(
        &mut self,
        checks: &[RowCheck],
        row: RelId,
        (def, target): (&registry::Relation, &Relation),
        value_of: &dyn Fn(u16) -> Option<Scalar>,
    ) -> Result<Vec<Guard>> {
        // Its own columns stand before those of the system; one that is not written is NULL.
        let own = target.columns.iter().take_while(|column| column.attnum > 0).enumerate();
        let value = |(i, column): (usize, &RelColumn)| match value_of(i as u16) {
            Some(value) => Ok(Some(value)),
            None => self.phys(column.ty).map(|phys| Some(Scalar::null(phys))),
        };
        let values: Vec<Option<Scalar>> = own.map(value).collect::<Result<_>>()?;
        if !checks.is_empty() && values.iter().flatten().any(|v| v.weight().1) {
            return Err(Error::unsupported("a volatile value for a row that policies check, in ON CONFLICT"));
        }
        self.substitutes.insert(row, values);
        let guards = checks.iter().map(|check| {
            let holds = self.expr(&check.condition)?;
            let test = Scalar::template("({0} IS DISTINCT FROM TRUE)", vec![holds], Phys::Bool);
            Ok((test, violated(check, def)))
        });
        let guards = guards.collect();
        self.substitutes.remove(&row);
        guards
    }
}

/// What each column of a relation is, where it is one of DuckDB's.
pub(crate) fn value_in(rel: Option<&Rel>) -> impl Fn(u16) -> Option<Scalar> + use<> {
    let rel = rel.cloned();
    move |index: u16| {
        let rel = rel.as_ref()?;
        match rel.columns.get(usize::from(index))? {
            (Means::Column(name), phys) => Some(Scalar::column(rel.alias, name.clone(), phys.clone())),
            (Means::Oid(_) | Means::Routed(_) | Means::Nothing, _) => None,
        }
    }
}

/// ExecWithCheckOptions.
fn violated(check: &RowCheck, def: &registry::Relation) -> Error {
    let RowCheck { condition: _, policy, checked, view } = check;
    if let Some(view) = view {
        let message = format!("new row violates check option for view \"{view}\"");
        return Error::new(SqlState::WITH_CHECK_OPTION_VIOLATION, message);
    }
    let policy = policy.as_ref().map_or_else(String::new, |name| format!(" \"{name}\""));
    let (row, using) = match checked {
        CheckedRow::New => ("new", ""),
        CheckedRow::Conflicting => ("new", " (USING expression)"),
        CheckedRow::Merged => ("target", " (USING expression)"),
    };
    let message = format!("{row} row violates row-level security policy{policy}{using} for table \"{}\"", def.name);
    Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
}
