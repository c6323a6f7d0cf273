//! What all the texts that a schema keeps name, for pg_depend. Most name nothing but PostgreSQL's own functions and columns of
//! their own row: those are not analyzed.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::kept::{Kept, Row, What, texts_of, texts_of_function, texts_of_type};
use crate::error::Result;
use crate::facts;
use crate::policy;
use crate::registry::depend::{Keeper, Named, Reference};
use crate::registry::{ConstraintKind, Function, Relation, RelationKind, Snapshot};
use crate::sql::Context;
use crate::sql::analyze::kept::{Place, read_query};
use crate::sql::analyze::{self, Stored, body, stored_places};
use crate::tree::{Query, RelId};
use crate::types::{Oid, PgType, TypeLookup, base_type, oid};

/// What each object of the context's snapshot names in what it keeps; an object that names nothing of users' is left out, and so
/// is a text that cannot be read.
pub fn references(cx: &Context) -> Vec<Reference> {
    let snapshot = &cx.snapshot;
    let names = Names::of(snapshot);
    let mut all = Vec::new();
    let mut relations: Vec<&Arc<Relation>> = snapshot.relations.values().filter(|r| keeps_text(r)).collect();
    relations.sort_by_key(|r| r.oid);
    for relation in relations {
        let row = Row::of(relation);
        for kept in texts_of(&mut (**relation).clone()) {
            let named = match kept.what {
                What::Query => query(relation, cx),
                What::Expression(kind) => names.expression(&kept, kind, relation, &row, cx),
            };
            add(&mut all, kept.keeper, relation.oid, named);
        }
    }
    for ty in snapshot.types.values() {
        let row = Row::of_domain(ty);
        for kept in texts_of_type(&mut (**ty).clone()) {
            let What::Expression(kind) = kept.what else { continue };
            let named = names.in_text(&kept, kind, (&row.name, &row.columns), cx);
            add(&mut all, kept.keeper, 0, named);
        }
    }
    for function in snapshot.functions.values() {
        add(&mut all, Some(Keeper::Function(function.oid)), 0, names.function(function, cx));
    }
    all
}

pub(super) fn keeps_text(relation: &Relation) -> bool {
    match relation.kind {
        RelationKind::View { .. } | RelationKind::MaterializedView { .. } => return true,
        RelationKind::System => return false,
        RelationKind::Table | RelationKind::Sequence(_) | RelationKind::Composite => {}
    }
    relation.columns.iter().any(|c| c.default.is_some() || c.generated.is_some())
        || relation.constraints.iter().any(|c| matches!(c.kind, ConstraintKind::Check { .. }))
        || !relation.rules.policies.is_empty()
        || relation.indexes.iter().any(|i| i.predicate.is_some() || i.keys.iter().any(|key| key.expression.is_some()))
        || relation.partitioning.key.is_some()
}

/// A policy has two texts, a function several.
fn add(all: &mut Vec<Reference>, keeper: Option<Keeper>, relation: Oid, named: Result<Vec<Named>>) {
    let (Some(keeper), Ok(named)) = (keeper, named) else { return };
    let known = all.iter_mut().rev().take_while(|r| r.relation == relation).find(|r| r.keeper == keeper);
    let mut both: BTreeSet<Named> = named.into_iter().collect();
    match known {
        Some(known) => {
            both.extend(&known.named);
            known.named = both.into_iter().collect();
        }
        None if both.is_empty() => {}
        None => all.push(Reference { keeper, relation, named: both.into_iter().collect() }),
    }
}

/// Columns and what the places name; a relation of which columns are named is not named as a whole.
pub(super) fn together(columns: BTreeSet<(Oid, i16)>, places: &[Place]) -> Vec<Named> {
    let of: HashSet<Oid> = columns.iter().map(|(relation, _)| *relation).collect();
    let others = places.iter().filter_map(Place::named).filter(|named| match named {
        Named::Relation(relation) => !of.contains(relation),
        Named::Column(..) | Named::Function(_) | Named::Type(_) => true,
    });
    columns.iter().map(|(relation, num)| Named::Column(*relation, *num)).chain(others).collect()
}

fn query(view: &Relation, cx: &Context) -> Result<Vec<Named>> {
    let Some((definition, search_path)) = view.kind.definition() else { return Ok(Vec::new()) };
    let (query, places) = read_query(definition, search_path, cx)?;
    Ok(together(columns_of(&query, &cx.snapshot), &places))
}

/// The columns of relations that a query names, also where a function gives their rows.
pub(super) fn columns_of(query: &Query, snapshot: &Snapshot) -> BTreeSet<(Oid, i16)> {
    let mut columns = policy::columns_of_query(query);
    columns.extend(fields_of(policy::fields_of_query(query), snapshot));
    columns
}

/// Fields of row types (by their places) as the columns that they are.
pub(super) fn fields_of(fields: Vec<(Oid, u16)>, snapshot: &Snapshot) -> BTreeSet<(Oid, i16)> {
    let column = |(ty, at): (Oid, u16)| {
        let relation = snapshot.relation_of_row(base_type(PgType::new(ty), snapshot).oid)?;
        Some((relation.oid, relation.columns.get(usize::from(at))?.num))
    };
    fields.into_iter().filter_map(column).collect()
}

/// The sequence of a serial column's default.
fn drawn_from(text: &str, snapshot: &Snapshot) -> Option<Oid> {
    let name = text.strip_prefix("nextval('")?.strip_suffix(')')?;
    let name = name.strip_suffix("::regclass").unwrap_or(name).strip_suffix('\'')?;
    let found = (!name.contains('\'')).then(|| snapshot.object_named(oid::REGCLASS, name))??;
    let sequence = snapshot.relation_by_oid(found)?;
    matches!(sequence.kind, RelationKind::Sequence(_)).then_some(found)
}

/// The words with which the names of users' functions and types begin.
struct Names {
    words: HashSet<String>,
    /// One has no word: any text may hold it.
    any: bool,
}

impl Names {
    fn of(snapshot: &Snapshot) -> Self {
        let mut names = Self { words: HashSet::new(), any: false };
        let composites = snapshot.relations.values().filter(|r| matches!(r.kind, RelationKind::Composite));
        let functions = snapshot.functions.values().map(|f| &*f.name);
        let types = snapshot.types.values().map(|t| &*t.name);
        functions.chain(types).chain(composites.map(|r| &*r.name)).for_each(|name| names.learn(name));
        if !snapshot.extensions.is_empty() {
            let procs = facts::PROCS.all.iter().filter(|p| p.extension.is_some()).map(|p| p.name);
            procs.for_each(|name| names.learn(name));
        }
        names
    }

    fn learn(&mut self, name: &str) {
        match words(name).next() {
            Some(word) => _ = self.words.insert(word),
            None => self.any = true,
        }
    }

    /// Need the text be analyzed for what it names?
    fn may_be_in(&self, text: &str) -> bool {
        self.any || words(text).any(|word| self.words.contains(&word) || word == "regclass" || word.ends_with("val"))
    }

    fn expression(
        &self,
        kept: &Kept<'_>,
        kind: Stored,
        relation: &Relation,
        row: &Row,
        cx: &Context,
    ) -> Result<Vec<Named>> {
        if kind == Stored::Default
            && let Some(sequence) = drawn_from(kept.text, &cx.snapshot)
        {
            return Ok(vec![Named::Relation(sequence)]);
        }
        let named = self.in_text(kept, kind, (&row.name, &row.columns), cx)?;
        // What others read of their row is known without.
        let columns = match kind {
            Stored::Policy | Stored::Generated => {
                let expr = analyze::expression(kept.text, kind, (&row.name, RelId(0)), &row.columns, cx)?;
                policy::columns_of_expression(&expr, relation, RelId(0))
            }
            _ => return Ok(named),
        };
        let of: HashSet<Oid> = columns.iter().map(|(relation, _)| *relation).collect();
        let others = named.into_iter().filter(|named| !matches!(named, Named::Relation(oid) if of.contains(oid)));
        Ok(columns.iter().map(|(relation, num)| Named::Column(*relation, *num)).chain(others).collect())
    }

    fn in_text(
        &self,
        kept: &Kept<'_>,
        kind: Stored,
        row: (&str, &[crate::tree::RelColumn]),
        cx: &Context,
    ) -> Result<Vec<Named>> {
        if kind != Stored::Policy && !self.may_be_in(kept.text) {
            return Ok(Vec::new());
        }
        Ok(stored_places(kept.text, kind, row, kept.ty, cx)?.iter().filter_map(Place::named).collect())
    }

    /// A string body names nothing until it is called.
    fn function(&self, function: &Function, cx: &Context) -> Result<Vec<Named>> {
        let mut named = match function.is_bound() {
            true => {
                let (query, places) = body::read(function, cx)?;
                together(columns_of(&query, &cx.snapshot), &places)
            }
            false => Vec::new(),
        };
        for kept in texts_of_function(&mut function.clone()) {
            named.extend(self.in_text(&kept, Stored::Default, ("", &[]), cx)?);
        }
        Ok(named)
    }
}

pub(super) fn words(text: &str) -> impl Iterator<Item = String> {
    let apart = |c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && c != '_';
    text.split(apart).filter(|word| !word.is_empty()).map(str::to_lowercase)
}
