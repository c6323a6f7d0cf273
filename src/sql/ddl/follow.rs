//! Views, bound functions and policies follow the columns of what they read: a renamed column is read by its new name, and one that is added takes
//! no other's place. The tree of before is compared with what the text means afterwards; where they differ the text is printed anew
//! from the tree.

use std::sync::Arc;

use super::kept::{Row, What, texts_of};
use super::planner::Planner;
use crate::error::{Error, Result};
use crate::registry::expression::{self, quote};
use crate::registry::seen::Seen;
use crate::registry::{Change, Column, Name, Relation, Snapshot, builtin};
use crate::sql::Context;
use crate::sql::analyze::{self, Stored, kept};
use crate::sql::deparse::{self, Style};
use crate::tree::{Expr, Query, RelId};

impl Planner<'_> {
    /// The columns of `old`, as it was in `before`, are others now.
    ///
    /// # Errors
    /// 0A000 if a view or a policy cannot be written so that it means the same.
    pub fn columns_follow(&mut self, before: &Snapshot, old: &Relation) -> Result<()> {
        self.views_follow(before, old)?;
        self.functions_follow(before, old)?;
        let mut tables: Vec<Arc<Relation>> = self.policies_on(old).into_iter().map(|(table, _)| table).collect();
        tables.dedup_by_key(|table| table.oid);
        tables.iter().try_for_each(|table| self.expressions_follow(before, old, table))?;
        self.own_expressions_follow(before, old)
    }

    /// What a relation keeps of its own row follows the names of its columns and its own name.
    ///
    /// # Errors
    /// As [`Planner::columns_follow`].
    pub fn own_expressions_follow(&mut self, before: &Snapshot, old: &Relation) -> Result<()> {
        match self.after.relation_by_oid(old.oid).cloned() {
            Some(own) => self.expressions_follow(before, old, &own),
            None => Ok(()),
        }
    }

    fn expressions_follow(&mut self, before: &Snapshot, old: &Relation, table: &Arc<Relation>) -> Result<()> {
        let (Some(was), Some(now)) = (before.relation_by_oid(table.oid), self.after.relation_by_oid(old.oid)) else {
            return Ok(());
        };
        let mut names = other_names(old, now);
        if table.oid == old.oid && old.name != now.name {
            names.push(old.name.to_lowercase());
        }
        let mut new = (**table).clone();
        let mut changed = false;
        for kept in texts_of(&mut new) {
            let What::Expression(kind) = kept.what else { continue };
            let lower = kept.text.to_lowercase();
            // Only policies read other relations than their own.
            let apart = table.oid != old.oid && kind != Stored::Policy || kind == Stored::Default;
            if apart || !names.iter().any(|name| lower.contains(name.as_str())) {
                continue;
            }
            if let Some(text) = self.followed_expression(kept.text, kind, (was, table), before, &kept.shown)? {
                *kept.text = text;
                changed = true;
            }
        }
        if changed {
            self.put_relation(new);
        }
        Ok(())
    }

    /// The text of an expression that a relation keeps, which was `was` and is `now`; `None` if it means what it meant, or never
    /// meant anything.
    fn followed_expression(
        &self,
        text: &str,
        kind: Stored,
        (was, now): (&Relation, &Relation),
        before: &Snapshot,
        shown: &str,
    ) -> Result<Option<String>> {
        let row = RelId(0);
        let at = |snapshot: &Snapshot| Context { snapshot: Arc::new(snapshot.clone()), ..self.cx.clone() };
        let (before, after) = (at(before), kept::context(&at(&self.after)));
        let seen = Seen::new(Arc::clone(&after.snapshot), Arc::clone(&after.search_path), builtin::SUPERUSER);
        let read = |text: &str, of: &Relation, cx: &Context| {
            let Row { name, columns } = Row::of(of);
            analyze::expression(text, kind, (&name, row), &columns, cx)
        };
        // Columns are called as they are now.
        let print = |expr: &Expr, of: &Relation| {
            let name = |num: i16, own: &Name| quote(now.column_by_num(num).map_or(own, |c| &c.name));
            let names: Vec<String> = of.columns.iter().map(|c| name(c.num, &c.name)).collect();
            deparse::expression(expr, (&now.name, row), &names, &seen, Style::KEPT).ok()
        };
        let Ok(tree) = read(text, was, &before) else { return Ok(None) };
        let meant = print(&tree, was);
        // Without a subquery a name means a column of the row, or nothing.
        let plain = kind != Stored::Policy || !text.to_lowercase().contains("select");
        let same = |text: &str| {
            let again = read(text, now, &after).ok()?;
            let alike = if meant.is_some() { print(&again, now) == meant } else { plain };
            (again.ty == tree.ty && alike).then_some(())
        };
        if same(text).is_some() {
            return Ok(None);
        }
        match meant.as_deref().filter(|meant| same(meant).is_some()) {
            Some(meant) => Ok(Some(meant.to_owned())),
            None => Err(Error::unsupported(format!("renaming or moving what {shown} names"))
                .hint("Drop that first, and create it again afterwards.")),
        }
    }

    /// Columns of `new` may have other types than `old`'s: its CHECKs and indexes go on meaning what they meant, which is printed and
    /// read again (ATPostAlterTypeParse).
    ///
    /// # Errors
    /// What was meant is nothing that the new types have.
    pub fn retyped_expressions_follow(&self, old: &Relation, new: &mut Relation) -> Result<()> {
        let now = new.clone();
        let other = |c: &&Column| old.column_by_num(c.num).is_some_and(|was| was.ty != c.ty);
        let retyped: Vec<Name> = now.columns.iter().filter(other).map(|c| c.name.clone()).collect();
        if retyped.is_empty() {
            return Ok(());
        }
        let at = |snapshot: Snapshot| Context { snapshot: Arc::new(snapshot), ..self.cx.clone() };
        let put = Change::PutRelation(Arc::new(now.clone()));
        let (before, after) = (at(self.after.clone()), at(self.after.apply(&[put])));
        let seen = Seen::new(Arc::clone(&after.snapshot), kept::context(&after).search_path, builtin::SUPERUSER);
        let of = |relation: &Relation| Row::of(relation);
        let names: Vec<String> = now.columns.iter().map(|c| quote(&c.name)).collect();
        // The row of before, under the names of now.
        let mut was = of(&now);
        was.columns.iter_mut().for_each(|c| {
            c.ty = old.column_by_num(c.attnum).map_or(c.ty, |was| was.ty);
        });
        for kept in texts_of(new) {
            let What::Expression(kind @ (Stored::Check | Stored::IndexExpression | Stored::IndexPredicate)) = kept.what
            else {
                continue;
            };
            if expression::columns_named(kept.text, &retyped).is_empty() {
                continue;
            }
            let read = |text: &str, row: &Row, cx: &Context| {
                analyze::expression(text, kind, (&row.name, RelId(0)), &row.columns, cx)
            };
            let print = |expr: &Expr| deparse::expression(expr, (&was.name, RelId(0)), &names, &seen, Style::KEPT).ok();
            let Some(meant) = read(kept.text, &was, &before).ok().as_ref().and_then(print) else { continue };
            let again = read(&meant, &of(&now), &after).map_err(|mut error| {
                error.report_mut().position = None;
                error
            })?;
            let as_it_stands = read(kept.text, &of(&now), &after).ok().as_ref().and_then(print);
            if as_it_stands.is_none() || as_it_stands != print(&again) {
                *kept.text = meant;
            }
        }
        Ok(())
    }

    fn views_follow(&mut self, before: &Snapshot, old: &Relation) -> Result<()> {
        let cx = Context { snapshot: Arc::new(before.clone()), ..self.cx.clone() };
        for view in self.views_on(old).into_iter().filter(|v| v.oid != old.oid) {
            let Some(text) = self.followed(&view, &cx)? else { continue };
            let mut new = (*view).clone();
            new.kind = new.kind.with_definition(text, kept::PATH.map(Name::from).to_vec());
            self.put_relation(new);
        }
        Ok(())
    }

    fn functions_follow(&mut self, before: &Snapshot, old: &Relation) -> Result<()> {
        let at = |snapshot: &Snapshot| Context { snapshot: Arc::new(snapshot.clone()), ..self.cx.clone() };
        let (before, after) = (at(before), at(&self.after));
        for function in self.functions_on(&[old.oid], &old.name) {
            if let Some(text) = analyze::body::followed(&function, &before, &after)? {
                let mut new = (*function).clone();
                new.body.statements = vec![text];
                new.body.search_path = kept::PATH.map(Name::from).to_vec();
                self.change(Change::PutFunction(Arc::new(new)));
            }
        }
        Ok(())
    }

    /// The view's text anew; `None` if it means what it meant.
    fn followed(&self, view: &Relation, before: &Context) -> Result<Option<String>> {
        let Some((definition, search_path)) = view.kind.definition() else { return Ok(None) };
        let refused = || {
            Error::unsupported(format!("changing the columns of what view \"{}\" reads", view.name))
                .hint("Drop the view first, and create it again afterwards.")
        };
        let after = Context { snapshot: Arc::new(self.after.clone()), ..self.cx.clone() };
        let kept = kept::context(&after);
        let seen = Seen::new(Arc::clone(&kept.snapshot), Arc::clone(&kept.search_path), builtin::SUPERUSER);
        let names: Vec<Name> = view.columns.iter().map(|c| c.name.clone()).collect();
        let print = |query: &Query| deparse::query(query, &names, &seen, Style::KEPT);
        let types = |query: &Query| query.columns.iter().map(|c| c.ty).collect::<Vec<_>>();
        let tree = kept::stored_query(definition, search_path, before)?;
        let meant = print(&tree).map_err(|_| refused())?;
        let same = |text: &str, path: &[Name]| {
            let again = kept::stored_query(text, path, &after).ok()?;
            (types(&again) == types(&tree) && print(&again).ok()? == meant).then_some(())
        };
        if same(definition, search_path).is_some() {
            return Ok(None);
        }
        same(&meant, &kept.search_path).ok_or_else(refused)?;
        Ok(Some(meant))
    }
}

/// The names of columns that are not what they were, in small letters.
fn other_names(old: &Relation, new: &Relation) -> Vec<String> {
    let missing_in = |of: &Relation, from: &Relation| {
        let other = |name: &Name, num: i16| of.column_by_num(num).is_none_or(|c| c.name != *name);
        let names = from.columns.iter().filter(|c| other(&c.name, c.num)).map(|c| c.name.to_lowercase());
        names.collect::<Vec<_>>()
    };
    let mut names = missing_in(new, old);
    names.extend(missing_in(old, new));
    names
}
