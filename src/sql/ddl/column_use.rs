//! What depends on a column beside its own table's keys, checks and indexes: foreign keys to it, views, functions, policies and
//! masks, by what their texts are bound to. A text that cannot be read may depend on anything.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::drop::Dependent;
use super::kept::Row;
use super::planner::Planner;
use crate::error::Result;
use crate::policy;
use crate::registry::{ConstraintKind, Function, Name, Relation};
use crate::sql::Context;
use crate::sql::analyze::kept::stored_query;
use crate::sql::analyze::{self, Stored};
use crate::tree::RelId;
use crate::types::Oid;

/// A column: its relation's OID and its number.
type Named = (Oid, i16);

impl Planner<'_> {
    /// What DROP … CASCADE of a column takes along, in the order of its making.
    pub fn dependents_of_column(&self, table: &Relation, num: i16) -> Vec<Dependent> {
        let mut found: Vec<(Oid, Dependent)> = Vec::new();
        for (child, name) in self.referencing(table.oid) {
            let key = child.constraints.iter().find(|c| c.name == name);
            let points = |kind: &ConstraintKind| match kind {
                ConstraintKind::ForeignKey { target_columns, .. } => target_columns.contains(&num),
                ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. } | ConstraintKind::Check { .. } => {
                    false
                }
            };
            if let Some(key) = key.filter(|c| points(&c.kind)) {
                found.push((key.oid, Dependent::ForeignKey { child: Arc::clone(&child), name }));
            }
        }
        let views = self.views_on_column(table, num).into_iter();
        found.extend(views.map(|view| (view.oid, Dependent::View(view))));
        for function in self.functions_on_column(table, num) {
            let signature = self.signature(&function);
            found.push((function.oid, Dependent::Function(function, signature)));
        }
        for (of, name) in self.policies_on_column(table, num) {
            let oid = of.rules.policies.iter().find(|p| p.name == name).map_or(0, |p| p.oid);
            found.push((oid, Dependent::Policy { table: of, name }));
        }
        found.sort_by_key(|(oid, _)| *oid);
        found.into_iter().map(|(_, dependent)| dependent).collect()
    }

    /// The views whose queries name the column, by OID.
    fn views_on_column(&self, table: &Relation, num: i16) -> Vec<Arc<Relation>> {
        let cx = self.now();
        let names = |view: &Arc<Relation>| {
            let Some((definition, search_path)) = view.kind.definition() else { return false };
            let query = stored_query(definition, search_path, &cx);
            is_among((table.oid, num), query.map(|query| policy::columns_of_query(&query)))
        };
        let mut views = self.views_on(table);
        views.retain(names);
        views
    }

    /// The functions whose bodies are bound to the column.
    fn functions_on_column(&self, table: &Relation, num: i16) -> Vec<Arc<Function>> {
        let cx = self.now();
        let mut functions = self.functions_on(&[table.oid], &table.name);
        functions.retain(|function| is_among((table.oid, num), analyze::body::columns(function, &cx)));
        functions
    }

    /// The policies that name the column, each with its table: this one, or another.
    fn policies_on_column(&self, table: &Relation, num: i16) -> Vec<(Arc<Relation>, Name)> {
        let own = self.after.relation_by_oid(table.oid).into_iter();
        let own = own.flat_map(|of| of.rules.policies.iter().map(|policy| (Arc::clone(of), policy.name.clone())));
        let mut found: Vec<_> = own.chain(self.policies_on(table)).collect();
        let cx = self.now();
        found.retain(|(of, name)| {
            let policy = of.rules.policies.iter().find(|p| p.name == *name);
            let mut texts = policy.into_iter().flat_map(|p| p.using.iter().chain(&p.check));
            texts.any(|text| is_among((table.oid, num), columns_in(text, Stored::Policy, of, &cx)))
        });
        found
    }

    /// Does a mask stand on the column, or read it?
    pub fn is_masked(&self, table: &Relation, num: i16) -> bool {
        let cx = self.now();
        let reads = |text: &str| is_among((table.oid, num), columns_in(text, Stored::Mask, table, &cx));
        table.rules.masks.iter().any(|mask| mask.column == num || reads(&mask.expression))
    }

    fn now(&self) -> Context {
        Context { snapshot: Arc::new(self.after.clone()), ..self.cx.clone() }
    }
}

fn columns_in(text: &str, kind: Stored, of: &Relation, cx: &Context) -> Result<BTreeSet<Named>> {
    let row = Row::of(of);
    let expr = analyze::expression(text, kind, (&row.name, RelId(0)), &row.columns, cx)?;
    Ok(policy::columns_of_expression(&expr, of, RelId(0)))
}

fn is_among(column: Named, columns: Result<BTreeSet<Named>>) -> bool {
    columns.map_or(true, |columns| columns.contains(&column))
}
