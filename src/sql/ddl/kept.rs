//! What kept text means for schema changes: a rename goes to every text that names the object, and DROP TYPE asks which do.

use std::sync::Arc;

use super::planner::Planner;
use crate::error::{Error, Result};
use crate::registry::depend::Keeper;
use crate::registry::{
    Change, Column, ConstraintKind, Function, Name, Relation, RelationKind, Snapshot, UserType, UserTypeKind,
};
use crate::sql::Context;
use crate::sql::analyze::kept::{self, Names, Place, Relabelled};
use crate::sql::analyze::{Stored, body, places_along, stored_places};
use crate::tree::RelColumn;
use crate::types::{Oid, PgType};

/// The row that an expression is over.
#[derive(Default)]
pub struct Row {
    /// What it goes by: the relation's name.
    pub name: String,
    pub columns: Vec<RelColumn>,
}

impl Row {
    pub fn of(relation: &Relation) -> Self {
        let column = |c: &Column| RelColumn { name: c.name.clone(), ty: c.ty, attnum: c.num };
        Self { name: relation.name.to_string(), columns: relation.columns.iter().map(column).collect() }
    }

    pub fn of_domain(ty: &UserType) -> Self {
        let columns = match &ty.kind {
            UserTypeKind::Domain { base, .. } => vec![RelColumn { name: "value".into(), ty: *base, attnum: 1 }],
            UserTypeKind::Enum { .. } | UserTypeKind::Range { .. } | UserTypeKind::Multirange { .. } => Vec::new(),
        };
        Self { name: String::new(), columns }
    }

    fn parts(&self) -> (&str, &[RelColumn]) {
        (&self.name, &self.columns)
    }
}

/// A text that an object keeps.
pub struct Kept<'a> {
    pub text: &'a mut String,
    pub what: What,
    /// What its value is assigned to.
    pub ty: Option<PgType>,
    /// Whose it is in pg_depend; masks have no place there.
    pub keeper: Option<Keeper>,
    /// `default value for column a of table t`.
    pub shown: String,
}

#[derive(Clone, Copy)]
pub enum What {
    Expression(Stored),
    Query,
}

/// The texts of a relation, to be read or written anew.
pub fn texts_of(relation: &mut Relation) -> Vec<Kept<'_>> {
    let Relation { oid, name, kind, columns, constraints, indexes, rules, partitioning, .. } = relation;
    let table = *oid;
    let mut out = Vec::new();
    match kind {
        RelationKind::View { definition, search_path: _ } => {
            let (keeper, shown) = (Some(Keeper::View(table)), format!("view {name}"));
            out.push(Kept { text: definition, what: What::Query, ty: None, keeper, shown });
        }
        RelationKind::MaterializedView { definition, search_path: _, populated: _ } => {
            let (keeper, shown) = (Some(Keeper::View(table)), format!("materialized view {name}"));
            out.push(Kept { text: definition, what: What::Query, ty: None, keeper, shown });
        }
        RelationKind::Table | RelationKind::Sequence(_) | RelationKind::Composite | RelationKind::System => {}
    }
    for column in columns {
        let shown = format!("column {} of table {name}", column.name);
        let (keeper, ty) = (Some(Keeper::Default(table, column.num)), Some(column.ty));
        if let Some(text) = &mut column.default {
            let shown = format!("default value for {shown}");
            out.push(Kept { text, what: What::Expression(Stored::Default), ty, keeper, shown });
        }
        if let Some(text) = &mut column.generated {
            out.push(Kept { text, what: What::Expression(Stored::Generated), ty, keeper, shown });
        }
    }
    for constraint in constraints {
        if let ConstraintKind::Check { expression, columns: _ } = &mut constraint.kind {
            let (keeper, shown) =
                (Some(Keeper::Check(constraint.oid)), format!("constraint {} on table {name}", constraint.name));
            out.push(Kept { text: expression, what: What::Expression(Stored::Check), ty: None, keeper, shown });
        }
    }
    for policy in &mut rules.policies {
        let (keeper, shown) = (Some(Keeper::Policy(policy.oid)), format!("policy {} on table {name}", policy.name));
        for text in [&mut policy.using, &mut policy.check].into_iter().flatten() {
            out.push(Kept { text, what: What::Expression(Stored::Policy), ty: None, keeper, shown: shown.clone() });
        }
    }
    for mask in &mut rules.masks {
        let shown = format!("a mask of table {name}");
        out.push(Kept {
            text: &mut mask.expression,
            what: What::Expression(Stored::Mask),
            ty: None,
            keeper: None,
            shown,
        });
    }
    for part in partitioning.key.iter_mut().flat_map(|key| &mut Arc::make_mut(key).parts) {
        let shown = format!("table {name}");
        out.extend(part.expression.as_mut().map(|text| Kept {
            text,
            what: What::Expression(Stored::PartitionKey),
            ty: None,
            keeper: Some(Keeper::PartitionKey(table)),
            shown,
        }));
    }
    for index in indexes {
        let (keeper, shown) = (Some(Keeper::Index(index.oid)), format!("index {}", index.name));
        for text in index.keys.iter_mut().filter_map(|k| k.expression.as_mut()) {
            out.push(Kept {
                text,
                what: What::Expression(Stored::IndexExpression),
                ty: None,
                keeper,
                shown: shown.clone(),
            });
        }
        if let Some(text) = &mut index.predicate {
            out.push(Kept { text, what: What::Expression(Stored::IndexPredicate), ty: None, keeper, shown });
        }
    }
    out
}

pub fn texts_of_type(ty: &mut UserType) -> Vec<Kept<'_>> {
    let (oid, shown) = (ty.oid, format!("type {}", ty.name));
    match &mut ty.kind {
        UserTypeKind::Domain { base, collation: _, not_null: _, default, checks } => {
            let base = *base;
            let kept = |text, kind, keeper| Kept {
                text,
                what: What::Expression(kind),
                ty: (kind == Stored::Default).then_some(base),
                keeper: Some(keeper),
                shown: shown.clone(),
            };
            let default = default.as_mut().map(|text| kept(text, Stored::Default, Keeper::DomainDefault(oid)));
            let checks = checks.iter_mut().enumerate();
            let checks = checks.map(|(n, (_, text))| kept(text, Stored::Check, Keeper::DomainCheck(oid, n)));
            default.into_iter().chain(checks).collect()
        }
        UserTypeKind::Enum { .. } | UserTypeKind::Range { .. } | UserTypeKind::Multirange { .. } => Vec::new(),
    }
}

/// The defaults of a function's parameters.
pub fn texts_of_function(function: &mut Function) -> Vec<Kept<'_>> {
    let (keeper, shown) = (Some(Keeper::Function(function.oid)), format!("function {}", function.name));
    let defaults = function.parameters.iter_mut().filter_map(|p| Some((p.default.as_mut()?, p.ty)));
    let what = What::Expression(Stored::Default);
    let kept = |(text, ty)| Kept { text, what, ty: Some(PgType::new(ty)), keeper, shown: shown.clone() };
    defaults.map(kept).collect()
}

/// Writes anew which of these texts name what has moved. Gives whether one does.
fn write_moved(
    texts: Vec<Kept<'_>>,
    (row, names): (&Row, &[&str]),
    moved: &dyn Fn(&[Place]) -> bool,
    (written, before): (&Names<'_>, &Snapshot),
    cx: &Context,
) -> Result<bool> {
    let mut changed = false;
    for kept in texts {
        if let Ok(places) = places(&kept, row, names, cx)
            && moved(&places)
        {
            *kept.text = written.write(kept.text, &places, before)?;
            changed = true;
        }
    }
    Ok(changed)
}

/// Does a text hold the name at all? If not, it need not be analyzed.
pub fn holds_name(texts: &[String], name: &str) -> bool {
    let name = name.to_lowercase().replace('"', "\"\"");
    texts.iter().any(|text| text.to_lowercase().contains(&name))
}

/// The places of one text; none if it does not hold any of the names, which saves analyzing most.
pub fn places(kept: &Kept<'_>, row: &Row, names: &[&str], cx: &Context) -> Result<Vec<Place>> {
    let lower = kept.text.to_lowercase();
    if !names.iter().any(|name| lower.contains(&name.to_lowercase().replace('"', "\"\""))) {
        return Ok(Vec::new());
    }
    match kept.what {
        What::Expression(kind) => stored_places(kept.text, kind, row.parts(), kept.ty, cx),
        What::Query => kept::query_places(kept.text, cx),
    }
}

/// Does the text name one of these objects, which go by this name? One that cannot be analyzed may.
fn names_one(kept: &Kept<'_>, row: &Row, (objects, name): (&[Oid], &Name), cx: &Context) -> bool {
    places(kept, row, &[name], cx)
        .map_or(true, |places| places.iter().filter_map(Place::object).any(|oid| objects.contains(&oid)))
}

/// A view of an older file is kept with a search path of its own: what it names is not written anew.
pub fn of_older_file(relation: &Relation) -> bool {
    relation.kind.definition().is_some_and(|(_, search_path)| !search_path.iter().map(|n| &**n).eq(kept::PATH))
}

/// The expressions of a table of an older file, which were read along the search path of whoever used them, as they mean the
/// same for everybody: along the table's own namespace and public.
pub fn adopt(relation: &mut Relation, cx: &Context) {
    let path = ["pg_catalog".into(), relation.namespace.clone(), "public".into()];
    let cx = Context { search_path: path.into(), ..cx.clone() };
    let row = Row::of(relation);
    for kept in texts_of(relation) {
        let What::Expression(kind) = kept.what else { continue };
        let written = places_along(kept.text, kind, row.parts(), kept.ty, &cx)
            .and_then(|places| Names::new(&cx.snapshot).write(kept.text, &places, &cx.snapshot));
        match written {
            Ok(written) => *kept.text = written,
            Err(error) => tracing::warn!(%error, "{} is kept as it is: {}", kept.shown, kept.text),
        }
    }
}

impl Planner<'_> {
    /// One of these objects has another name or namespace than in `before`: kept text that names it follows.
    ///
    /// # Errors
    /// 0A000 if a text cannot be written so that it means the same.
    pub fn follow(&mut self, before: &Snapshot, objects: &[Oid], old_name: &str) -> Result<()> {
        self.texts_follow(before, objects, &[old_name], None)
    }

    /// An enum's label has another name than in `before`: constants in kept texts follow.
    ///
    /// # Errors
    /// As [`Planner::follow`].
    pub fn labels_follow(&mut self, before: &Snapshot, label: &Relabelled<'_>) -> Result<()> {
        let mut types = self.types_around(&[label.of]);
        types.push(label.of);
        // A literal may have it in other letters.
        let plain = label.from.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' '));
        let names: &[&str] = if plain { &[label.from] } else { &[""] };
        self.texts_follow(before, &types, names, Some(label))
    }

    fn texts_follow(
        &mut self,
        before: &Snapshot,
        objects: &[Oid],
        names: &[&str],
        label: Option<&Relabelled<'_>>,
    ) -> Result<()> {
        let cx = Context { snapshot: Arc::new(before.clone()), ..self.cx.clone() };
        let after = self.after.clone();
        let written = Names::relabelled(&after, label);
        let moved = |places: &[Place]| places.iter().filter_map(Place::object).any(|oid| objects.contains(&oid));
        let mut relations: Vec<Arc<Relation>> = after.relations.values().cloned().collect();
        relations.retain(|r| !matches!(r.kind, RelationKind::System));
        relations.sort_by_key(|r| r.oid);
        for relation in relations {
            let mut new = (*relation).clone();
            let (row, mut changed, older) = (Row::of(&relation), false, of_older_file(&relation));
            let was = before.relation_by_oid(relation.oid).map_or_else(|| Row::of(&relation), |was| Row::of(was));
            for kept in texts_of(&mut new) {
                let places = match places(&kept, &was, names, &cx) {
                    Ok(places) if moved(&places) => places,
                    _ => continue,
                };
                let text = written.write(kept.text, &places, before)?;
                if text == *kept.text {
                    continue;
                }
                if older || !self.still_means(&kept, &text, &row, &places) {
                    return Err(Error::unsupported(format!("renaming or moving what {} names", kept.shown))
                        .hint("Drop that first, and create it again afterwards."));
                }
                *kept.text = text;
                changed = true;
            }
            if changed {
                self.put_relation(new);
            }
        }
        let types: Vec<Arc<UserType>> = after.types.values().cloned().collect();
        for ty in types {
            let (mut new, row) = ((*ty).clone(), Row::of_domain(&ty));
            let texts = texts_of_type(&mut new);
            if write_moved(texts, (&row, names), &moved, (&written, before), &cx)? {
                self.put_type(new);
            }
        }
        let mut functions: Vec<Arc<Function>> = after.functions.values().cloned().collect();
        functions.sort_by_key(|f| f.oid);
        for function in functions {
            let mut new = (*function).clone();
            let texts = texts_of_function(&mut new);
            let mut changed = write_moved(texts, (&Row::default(), names), &moved, (&written, before), &cx)?;
            if function.is_bound()
                && names.iter().any(|name| holds_name(&function.body.statements, name))
                && let Ok(places) = body::places(&function, &cx)
                && moved(&places)
            {
                for text in &mut new.body.statements {
                    *text = written.write(text, &places, before)?;
                }
                changed = true;
            }
            if changed {
                self.change(Change::PutFunction(Arc::new(new)));
            }
        }
        Ok(())
    }

    fn still_means(&self, kept: &Kept<'_>, written: &str, row: &Row, before: &[Place]) -> bool {
        let cx = Context { snapshot: Arc::new(self.after.clone()), ..self.cx.clone() };
        let again = match kept.what {
            What::Expression(kind) => stored_places(written, kind, row.parts(), kept.ty, &cx),
            What::Query => kept::query_places(written, &cx),
        };
        let objects = |places: &[Place]| places.iter().filter_map(Place::object).collect::<Vec<_>>();
        again.is_ok_and(|again| objects(&again) == objects(before))
    }

    /// What belongs to one session alone is no part of what all see.
    ///
    /// # Errors
    /// 0A000 if something permanent that changes has a temporary type, or names one in a text.
    pub fn nothing_permanent_has_temporary_types(&self) -> Result<()> {
        let snapshot = &self.after;
        let mut own: Vec<([Oid; 3], &Name)> = Vec::new();
        own.extend(
            snapshot.types.values().filter(|t| t.is_temporary()).map(|t| ([t.oid, t.array_oid, t.oid], &t.name)),
        );
        let relations = snapshot.relations.values().filter(|r| r.temporary);
        own.extend(relations.map(|r| ([r.row_type, r.row_array_type, r.row_type], &r.name)));
        if own.is_empty() {
            return Ok(());
        }
        let oids: Vec<Oid> = own.iter().flat_map(|(oids, _)| *oids).filter(|oid| *oid != 0).collect();
        let refused = |what: &str| {
            Error::unsupported(format!("{what} that is not temporary with a temporary type"))
                .hint("Create the type in a schema that all sessions see.")
        };
        let cx = Context { snapshot: Arc::new(snapshot.clone()), ..self.cx.clone() };
        for change in &self.plan.changes {
            match change {
                Change::PutRelation(r) if !r.temporary => {
                    if r.columns.iter().any(|c| self.holds(c.ty.oid, &oids)) {
                        return Err(refused("a relation"));
                    }
                    let row = Row::of(r);
                    for kept in texts_of(&mut (**r).clone()) {
                        if own.iter().any(|(oids, name)| names_one(&kept, &row, (oids, name), &cx)) {
                            return Err(refused("a relation"));
                        }
                    }
                }
                Change::PutType(ty) if !ty.is_temporary() => {
                    if let UserTypeKind::Domain { base, .. } = &ty.kind
                        && self.holds(base.oid, &oids)
                    {
                        return Err(refused("a domain"));
                    }
                }
                Change::PutFunction(f) => {
                    let types = f.parameters.iter().map(|p| p.ty).chain([f.result]);
                    if types.into_iter().any(|ty| ty != 0 && self.holds(ty, &oids)) {
                        return Err(refused("a function"));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The expressions that a relation keeps can be read as the snapshot is now.
    ///
    /// # Errors
    /// 0A000 if one cannot.
    pub fn texts_still_read(&self, relation: &Relation) -> Result<()> {
        let cx = Context { snapshot: Arc::new(self.after.clone()), ..self.cx.clone() };
        let row = Row::of(relation);
        for kept in texts_of(&mut relation.clone()) {
            let What::Expression(kind) = kept.what else { continue };
            if stored_places(kept.text, kind, row.parts(), kept.ty, &cx).is_err() {
                return Err(Error::unsupported(format!("changing the attributes that {} reads", kept.shown))
                    .hint("Drop that first, and create it again afterwards."));
            }
        }
        Ok(())
    }

    /// Can the query of a view be analyzed over another snapshot?
    pub fn is_meaningful_in(&self, view: &Relation, snapshot: &Snapshot) -> bool {
        let Some((definition, _)) = view.kind.definition() else { return true };
        let cx = Context { snapshot: Arc::new(snapshot.clone()), ..self.cx.clone() };
        of_older_file(view) || kept::query_places(definition, &cx).is_ok()
    }

    /// The views that read this relation directly, by OID.
    pub fn views_on(&self, relation: &Relation) -> Vec<Arc<Relation>> {
        let cx = Context { snapshot: Arc::new(self.after.clone()), ..self.cx.clone() };
        let reads = |view: &Relation| {
            let Some((definition, search_path)) = view.kind.definition() else { return false };
            if of_older_file(view) {
                return self.after.reads(definition, search_path).contains(&relation.oid);
            }
            let mut text = definition.to_owned();
            let kept = Kept { text: &mut text, what: What::Query, ty: None, keeper: None, shown: String::new() };
            names_one(&kept, &Row::default(), (&[relation.oid], &relation.name), &cx)
        };
        let mut views: Vec<_> = self.after.relations.values().filter(|view| reads(view)).cloned().collect();
        views.sort_by_key(|v| v.oid);
        views
    }

    /// The policies of other tables that read this relation, each with its table.
    pub fn policies_on(&self, relation: &Relation) -> Vec<(Arc<Relation>, Name)> {
        let cx = Context { snapshot: Arc::new(self.after.clone()), ..self.cx.clone() };
        let mut found = Vec::new();
        for table in self.after.relations.values().filter(|r| r.oid != relation.oid) {
            let row = Row::of(table);
            for policy in &table.rules.policies {
                let names = |text: &String| {
                    let mut text = text.clone();
                    let what = What::Expression(Stored::Policy);
                    let kept = Kept { text: &mut text, what, ty: None, keeper: None, shown: String::new() };
                    names_one(&kept, &row, (&[relation.oid], &relation.name), &cx)
                };
                if policy.using.iter().chain(&policy.check).any(names) {
                    found.push((table.clone(), policy.name.clone()));
                }
            }
        }
        found.sort_by_key(|(table, _)| table.oid);
        found
    }

    /// The functions whose bodies are bound to one of these objects.
    pub fn functions_on(&self, objects: &[Oid], name: &str) -> Vec<Arc<Function>> {
        if self.after.functions.is_empty() {
            return Vec::new();
        }
        let cx = Context { snapshot: Arc::new(self.after.clone()), ..self.cx.clone() };
        let uses = |f: &&Arc<Function>| {
            f.is_bound()
                && holds_name(&f.body.statements, name)
                && body::places(f, &cx)
                    .map_or(true, |places| places.iter().filter_map(Place::object).any(|oid| objects.contains(&oid)))
        };
        let mut found: Vec<_> = self.after.functions.values().filter(uses).cloned().collect();
        found.sort_by_key(|f| f.oid);
        found
    }
}
