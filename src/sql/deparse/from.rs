//! FROM: relations with their aliases, joins, functions.
//!
//! `from a join b using (x)` → `FROM (a\n     JOIN b USING (x))`

use super::names::Called;
use super::{CLAUSE, ITEM, JOIN, Printer};
use crate::error::{Error, Result};
use crate::sql::analyze::walk;
use crate::tree::{Body, Expr, ExprKind, FromItem, Join, JoinKind, Relation, Sample, Source};
use crate::types::oid;

impl Printer<'_> {
    pub(super) fn from_clause(&mut self, from: &[FromItem]) -> Result<()> {
        for (i, item) in from.iter().enumerate() {
            if i == 0 {
                self.keyword(" FROM ", -CLAUSE, CLAUSE, 2);
                self.from_item(item)?;
                continue;
            }
            self.push(", ");
            let text = self.aside(|p| p.from_item(item))?;
            if self.style.lines {
                match text.starts_with('\n') {
                    true => self.strip(),
                    false => self.keyword("", -CLAUSE, CLAUSE, ITEM),
                }
            }
            self.push(&text);
        }
        Ok(())
    }

    fn from_item(&mut self, item: &FromItem) -> Result<()> {
        match item {
            FromItem::Relation(relation) => self.relation(relation),
            FromItem::Join(join) => stacker::maybe_grow(256 << 10, 2 << 20, || self.join(join)),
        }
    }

    fn join(&mut self, join: &Join) -> Result<()> {
        let alias = join.alias.as_ref();
        // Inside the join its alias is not seen.
        let hidden = alias.map(|_| self.hide_join(join));
        let parens = !self.style.terse || alias.is_some();
        self.push(if parens { "(" } else { "" });
        self.from_item(&join.left)?;
        let word = match join.kind {
            JoinKind::Cross => " CROSS JOIN ",
            JoinKind::Inner => " JOIN ",
            JoinKind::Left => " LEFT JOIN ",
            JoinKind::Right => " RIGHT JOIN ",
            JoinKind::Full => " FULL JOIN ",
        };
        self.keyword(word, -CLAUSE, CLAUSE, JOIN);
        let right_parens = self.style.terse && matches!(&join.right, FromItem::Join(right) if right.alias.is_none());
        self.push(if right_parens { "(" } else { "" });
        self.from_item(&join.right)?;
        self.push(if right_parens { ")" } else { "" });
        if !join.merged.is_empty() {
            self.push(" USING (");
            self.list(&join.merged, |p, merged| {
                let name = p.side_name(&merged.left).unwrap_or_else(|| merged.name.to_string());
                p.name(&name);
                Ok(())
            })?;
            self.push(")");
            if let Some(alias) = &join.merged_alias {
                self.push(" AS ");
                self.name(alias);
            }
        } else if let Some(on) = &join.on {
            self.push(" ON ");
            self.open();
            self.expr(on, false)?;
            self.close();
        } else if !matches!(join.kind, JoinKind::Cross | JoinKind::Inner) {
            self.push(" ON TRUE");
        }
        self.push(if parens { ")" } else { "" });
        if let (Some(alias), Some((name, columns))) = (alias, hidden) {
            self.push(" ");
            self.name(&name);
            let changed = alias.columns.iter().zip(&columns).any(|((own, _), shown)| **own != *shown.column);
            if alias.named > 0 || changed {
                self.push("(");
                self.list(&columns, |p, column| {
                    p.name(&column.column);
                    Ok(())
                })?;
                self.push(")");
            }
            self.level().join_columns.extend(columns);
        }
        Ok(())
    }

    /// Takes the columns of an aliased join out of the level; the join's name with them.
    fn hide_join(&mut self, join: &Join) -> (String, Vec<super::names::JoinColumn>) {
        let wanted = join.alias.as_ref().map(|a| a.name.to_string()).unwrap_or_default();
        let first = join.alias.as_ref().and_then(|a| a.columns.first()).map(|(_, value)| value);
        let level = self.level();
        let of = |j: &super::names::JoinColumn| first.is_some_and(|f| crate::sql::analyze::same(f, &j.value));
        let name = level.join_columns.iter().find(|j| j.join.is_some() && of(j)).and_then(|j| j.join.clone());
        let name = name.unwrap_or(wanted);
        let (hidden, kept) =
            std::mem::take(&mut level.join_columns).into_iter().partition(|j| j.join.as_ref() == Some(&name));
        level.join_columns = kept;
        (name, hidden)
    }

    fn relation(&mut self, relation: &Relation) -> Result<()> {
        let called = self.find(relation.id).map(|(_, called)| called.clone());
        let called = called.ok_or_else(|| Error::internal("a relation without a name"))?;
        if self.lateral(relation)? {
            self.push("LATERAL ");
        }
        let mut defined = false;
        match &relation.source {
            Source::Table { def, only, .. } => {
                self.push(if *only { "ONLY " } else { "" });
                let now = self.table_now(def);
                self.relation_name(&now);
            }
            Source::System { def, .. } | Source::Sequence { def } | Source::View { def, .. } => {
                let now = self.table_now(def);
                self.relation_name(&now);
            }
            Source::Subquery(query) => {
                self.push("(");
                // Names of VALUES' columns are the alias's.
                let visible = !matches!(query.body, Body::Values(_));
                self.subquery(query, visible)?;
                self.push(")");
            }
            Source::Cte(id) => {
                let name = self.find_cte(*id).map(|(name, _)| name.clone());
                self.name(&name.ok_or_else(|| Error::internal("a WITH query without a name"))?);
            }
            Source::Function { calls, ordinality } => defined = self.functions(calls, *ordinality, relation)?,
            Source::Feed => return Err(Error::unsupported("printing a COPY feed")),
            Source::File(scan) => {
                return Err(Error::unsupported(format!("function {}() in what is kept", scan.function)));
            }
        }
        self.alias(relation, &called, defined)?;
        if let Source::Table { sample: Some(sample), .. } | Source::System { sample: Some(sample), .. } =
            &relation.source
        {
            self.sample(sample)?;
        }
        Ok(())
    }

    fn alias(&mut self, relation: &Relation, called: &Called, defined: bool) -> Result<()> {
        if called.alias {
            self.push(" ");
            self.name(&called.name);
        }
        if defined {
            self.push("(");
            self.list(called.columns.iter().zip(&relation.columns), |p, (name, column)| {
                p.name(name);
                let ty = p.type_name(column.ty);
                p.push(" ");
                p.push(&ty);
                Ok(())
            })?;
            self.push(")");
        } else if called.column_aliases {
            self.push("(");
            self.list(&called.columns, |p, name| {
                p.name(name);
                Ok(())
            })?;
            self.push(")");
        }
        Ok(())
    }

    /// A table's name, with its namespace if it would not be found without, or a WITH query goes by it.
    fn relation_name(&mut self, def: &crate::registry::Relation) {
        let shadowed = self.levels.iter().any(|l| l.ctes.values().any(|(name, _)| *name == def.name));
        let visible = self.seen.finds(def) && !shadowed;
        let text = self.seen.written(&def.namespace, &def.name, visible);
        self.push(&text);
    }

    /// Is LATERAL written? Of a subquery where it was, of a function where it reads what stands beside it.
    fn lateral(&self, relation: &Relation) -> Result<bool> {
        let Source::Function { calls, .. } = &relation.source else { return Ok(relation.lateral) };
        let Some(level) = self.levels.last() else { return Ok(false) };
        let mut reads = false;
        for call in calls {
            walk(call, 0, &mut |e, _| {
                if let ExprKind::Column { rel, .. } | ExprKind::WholeRow(rel) = &e.kind {
                    reads |= level.relations.contains_key(rel);
                }
                Ok(!reads)
            })?;
        }
        Ok(reads)
    }

    /// True if the columns have to be defined after the alias.
    fn functions(&mut self, calls: &[Expr], ordinality: bool, relation: &Relation) -> Result<bool> {
        let ordinal = if ordinality { " WITH ORDINALITY" } else { "" };
        if let [call] = calls {
            let defined = needs_definition(call);
            if defined && ordinality {
                return Err(Error::unsupported("printing a column definition list with ordinality"));
            }
            self.top(call, true)?;
            self.push(ordinal);
            return Ok(defined);
        }
        let _ = relation;
        if calls.iter().any(needs_definition) {
            return Err(Error::unsupported("printing a column definition list in ROWS FROM"));
        }
        let arrays: Option<Vec<&Expr>> = calls.iter().map(unnested).collect();
        match arrays {
            Some(arrays) => {
                self.push("UNNEST(");
                self.list(arrays, |p, array| p.expr(array, true))?;
            }
            None => {
                self.push("ROWS FROM(");
                self.list(calls, |p, call| p.top(call, true))?;
            }
        }
        self.push(")");
        self.push(ordinal);
        Ok(false)
    }

    fn sample(&mut self, sample: &Sample) -> Result<()> {
        self.push(if sample.bernoulli { " TABLESAMPLE bernoulli (" } else { " TABLESAMPLE system (" });
        self.expr(&sample.percent, false)?;
        self.push(")");
        if let Some(seed) = &sample.seed {
            self.push(" REPEATABLE (");
            self.expr(seed, false)?;
            self.push(")");
        }
        Ok(())
    }
}

/// A function that returns record without saying which.
fn needs_definition(call: &Expr) -> bool {
    let outs = match &call.kind {
        ExprKind::Call(c) | ExprKind::SetReturning(c) => c.func.out_args.len(),
        // Of one parameter the result is a row only in RETURNS TABLE, whose type is then the column's.
        ExprKind::Routine(r) => r.function.outputs().count() * 2,
        _ => 0,
    };
    call.ty.oid == oid::RECORD && outs < 2
}

fn unnested(call: &Expr) -> Option<&Expr> {
    match &call.kind {
        ExprKind::Call(c) | ExprKind::SetReturning(c) if c.func.name == "unnest" && c.args.len() == 1 => c.args.first(),
        _ => None,
    }
}
