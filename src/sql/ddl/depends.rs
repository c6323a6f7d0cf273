//! What depends on an object: the one place that all drops ask. It goes by columns' types, signatures, keys, and by what kept texts are
//! bound to; each text is analyzed at most once, and only if it holds the name of what goes. One that cannot be analyzed may depend on
//! anything that it names.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::kept::{Kept, Row, What, texts_of, texts_of_function, texts_of_type};
use super::references::{columns_of, fields_of, keeps_text, together, words};
use crate::error::Result;
use crate::facts;
use crate::policy;
use crate::registry::depend::{Keeper, Named};
use crate::registry::{
    Column, Constraint, ConstraintKind, Function, Name, Relation, RelationKind, Snapshot, UserTypeKind, expression,
};
use crate::sql::Context;
use crate::sql::analyze::kept::read_query;
use crate::sql::analyze::{self, Stored, body, stored_places};
use crate::tree::RelId;
use crate::types::{Oid, PgType};

/// What others may depend on, or what depends on others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Object {
    Namespace(Name),
    Relation(Oid),
    /// Of a table, a generated one among them, or of a composite type.
    Column(Oid, i16),
    Default(Oid, i16),
    /// Of a table.
    Constraint(Oid, Oid),
    Index(Oid, Oid),
    Policy(Oid, Oid),
    /// On a column of a table.
    Mask(Oid, i16),
    /// Also a row type, an array, an extension's.
    Type(Oid),
    DomainCheck(Oid, Name),
    /// Also an extension's.
    Function(Oid),
}

impl Object {
    /// The table that it is a part of.
    pub fn whole(&self) -> Option<Oid> {
        match self {
            Self::Column(of, _)
            | Self::Default(of, _)
            | Self::Constraint(of, _)
            | Self::Index(of, _)
            | Self::Policy(of, _)
            | Self::Mask(of, _) => Some(*of),
            Self::Namespace(_) | Self::Relation(_) | Self::Type(_) | Self::DomainCheck(..) | Self::Function(_) => None,
        }
    }
}

/// One depends on another, or is a part of it, which goes with it without a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    Needs,
    Part,
}

/// Something that goes.
#[derive(Debug)]
pub struct Going {
    pub object: Object,
    /// What it was first found to depend on; `None`: it was asked for.
    pub on: Option<Object>,
    /// It goes with what it is a part of, or was asked for.
    pub quiet: bool,
    /// It goes with a column that it is a part of.
    pub of_column: bool,
}

/// A text, and what keeps it.
struct Text {
    holder: Object,
    /// In small letters, for who looks for a name in it.
    lower: String,
    source: Source,
    /// What it names; `None` if it cannot be analyzed.
    named: OnceCell<Option<BTreeSet<Named>>>,
}

enum Source {
    Query(Arc<Relation>),
    Expression { text: String, kind: Stored, ty: Option<PgType>, row: Arc<Row>, of: Option<Arc<Relation>> },
    Body(Arc<Function>),
}

/// The objects of a snapshot, and what binds them.
pub struct Graph {
    cx: Context,
    texts: Vec<Text>,
    /// The texts that hold a word.
    by_word: HashMap<String, Vec<usize>>,
}

impl Graph {
    pub fn new(snapshot: Snapshot, cx: &Context) -> Self {
        let cx = Context { snapshot: Arc::new(snapshot), ..cx.clone() };
        let mut graph = Self { cx, texts: Vec::new(), by_word: HashMap::new() };
        let snapshot = Arc::clone(&graph.cx.snapshot);
        for relation in snapshot.relations.values().filter(|r| keeps_text(r) || !r.rules.masks.is_empty()) {
            graph.add_relation(relation);
        }
        for ty in snapshot.types.values() {
            let row = Arc::new(Row::of_domain(ty));
            let UserTypeKind::Domain { checks, .. } = &ty.kind else { continue };
            for kept in texts_of_type(&mut (**ty).clone()) {
                let holder = match kept.keeper {
                    Some(Keeper::DomainCheck(oid, n)) => Object::DomainCheck(oid, checks[n].0.clone()),
                    _ => Object::Type(ty.oid),
                };
                graph.add(holder, &kept, &row, None);
            }
        }
        for function in snapshot.functions.values() {
            for kept in texts_of_function(&mut (**function).clone()) {
                graph.add(Object::Function(function.oid), &kept, &Arc::default(), None);
            }
            if function.is_bound() {
                let text = function.body.statements.join(" ");
                graph.add_text(Object::Function(function.oid), &text, Source::Body(Arc::clone(function)));
            }
        }
        graph
    }

    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.cx.snapshot
    }

    fn add_relation(&mut self, relation: &Arc<Relation>) {
        let row = Arc::new(Row::of(relation));
        let oid = relation.oid;
        let generated = |num| relation.column_by_num(num).is_some_and(|c| c.generated.is_some());
        let mut masks = relation.rules.masks.iter();
        for kept in texts_of(&mut (**relation).clone()) {
            let holder = match kept.keeper {
                Some(Keeper::Default(_, num)) if generated(num) => Object::Column(oid, num),
                Some(Keeper::Default(_, num)) => Object::Default(oid, num),
                Some(Keeper::Check(check)) => Object::Constraint(oid, check),
                Some(Keeper::Index(index)) => Object::Index(oid, index),
                Some(Keeper::Policy(policy)) => Object::Policy(oid, policy),
                None => Object::Mask(oid, masks.next().map_or(0, |mask| mask.column)),
                Some(
                    Keeper::View(_)
                    | Keeper::PartitionKey(_)
                    | Keeper::DomainDefault(_)
                    | Keeper::DomainCheck(..)
                    | Keeper::Function(_),
                ) => Object::Relation(oid),
            };
            self.add(holder, &kept, &row, Some(relation));
        }
    }

    fn add(&mut self, holder: Object, kept: &Kept<'_>, row: &Arc<Row>, of: Option<&Arc<Relation>>) {
        let source = match (kept.what, of) {
            (What::Query, Some(view)) => Source::Query(Arc::clone(view)),
            (What::Query, None) => return,
            (What::Expression(kind), of) => {
                Source::Expression { text: kept.text.clone(), kind, ty: kept.ty, row: Arc::clone(row), of: of.cloned() }
            }
        };
        self.add_text(holder, kept.text, source);
    }

    fn add_text(&mut self, holder: Object, text: &str, source: Source) {
        let at = self.texts.len();
        let of: BTreeSet<String> = words(text).collect();
        for word in of {
            self.by_word.entry(word).or_default().push(at);
        }
        self.texts.push(Text { holder, lower: text.to_lowercase(), source, named: OnceCell::new() });
    }

    fn named(&self, at: usize) -> Option<&BTreeSet<Named>> {
        let text = &self.texts[at];
        text.named.get_or_init(|| self.read(&text.source).ok()).as_ref()
    }

    fn read(&self, source: &Source) -> Result<BTreeSet<Named>> {
        let (columns, places) = match source {
            Source::Query(view) => {
                let Some((definition, search_path)) = view.kind.definition() else { return Ok(BTreeSet::new()) };
                let (query, places) = read_query(definition, search_path, &self.cx)?;
                (columns_of(&query, &self.cx.snapshot), places)
            }
            Source::Expression { text, kind, ty, row, of } => {
                let row = (&row.name[..], &row.columns[..]);
                let places = stored_places(text, *kind, row, *ty, &self.cx)?;
                let expr = analyze::expression(text, *kind, (row.0, RelId(0)), row.1, &self.cx)?;
                let mut columns = fields_of(policy::fields_of_expression(&expr), &self.cx.snapshot);
                if let Some(of) = of {
                    columns.extend(policy::columns_of_expression(&expr, of, RelId(0)));
                }
                (columns, places)
            }
            Source::Body(function) => {
                let (query, places) = body::read(function, &self.cx)?;
                (columns_of(&query, &self.cx.snapshot), places)
            }
        };
        Ok(together(columns, &places).into_iter().collect())
    }

    /// Who keeps texts that name what is wanted, which goes by this name.
    fn holders(&self, name: &str, wanted: impl Fn(&Named) -> bool) -> Vec<Object> {
        let all: Vec<usize>;
        let candidates = match words(name).next() {
            Some(word) => self.by_word.get(&word).map_or(&[][..], Vec::as_slice),
            None => {
                all = (0..self.texts.len()).collect();
                &all
            }
        };
        let name = name.to_lowercase().replace('"', "\"\"");
        let holds = |at: &&usize| {
            self.texts[**at].lower.contains(&name) && self.named(**at).is_none_or(|named| named.iter().any(&wanted))
        };
        candidates.iter().filter(holds).map(|at| self.texts[*at].holder.clone()).collect()
    }

    /// What depends on an object directly, what was made first in front.
    pub fn on(&self, object: &Object) -> Vec<(Object, Link)> {
        let mut found = Vec::new();
        match object {
            Object::Namespace(name) => self.in_namespace(name, &mut found),
            Object::Relation(oid) => self.on_relation(*oid, &mut found),
            Object::Column(of, num) => self.on_column(*of, *num, &mut found),
            Object::Type(oid) => self.on_type(*oid, &mut found),
            Object::Function(oid) => {
                let named = |named: &Named| *named == Named::Function(*oid);
                if let Some(name) = self.function_name(*oid) {
                    found.extend(self.holders(&name, named).into_iter().map(|holder| (holder, Link::Needs)));
                }
            }
            Object::Index(of, index) => {
                let index =
                    self.cx.snapshot.relation_by_oid(*of).and_then(|r| r.indexes.iter().find(|i| i.oid == *index));
                if let Some(index) = index {
                    let named = |named: &Named| *named == Named::Relation(index.oid);
                    found.extend(self.holders(&index.name, named).into_iter().map(|holder| (holder, Link::Needs)));
                }
            }
            Object::Default(..)
            | Object::Constraint(..)
            | Object::Policy(..)
            | Object::Mask(..)
            | Object::DomainCheck(..) => {}
        }
        found.retain(|(other, _)| other != object);
        found.sort_by_key(|(object, _)| self.key(object));
        found.dedup();
        found
    }

    fn function_name(&self, oid: Oid) -> Option<Name> {
        let own = self.cx.snapshot.function_by_oid(oid).map(|f| f.name.clone());
        own.or_else(|| facts::PROCS.by_oid(oid).map(|p| p.name.into()))
    }

    fn in_namespace(&self, name: &Name, found: &mut Vec<(Object, Link)>) {
        let snapshot = &self.cx.snapshot;
        // A table's own sequences go with it.
        let owned = |r: &Relation| match &r.kind {
            RelationKind::Sequence(sequence) => {
                let table = sequence.owned_by.and_then(|(table, _)| snapshot.relation_by_oid(table));
                table.is_some_and(|table| table.namespace == *name)
            }
            _ => false,
        };
        let relations = snapshot.relations.values().filter(|r| r.namespace == *name && !owned(r));
        found.extend(relations.map(|r| (Object::Relation(r.oid), Link::Needs)));
        let types = snapshot.types.values().filter(|t| t.namespace == *name);
        // A multirange goes with its range.
        let link = |kind: &UserTypeKind| match kind {
            UserTypeKind::Multirange { .. } => Link::Part,
            UserTypeKind::Enum { .. } | UserTypeKind::Domain { .. } | UserTypeKind::Range { .. } => Link::Needs,
        };
        found.extend(types.map(|t| (Object::Type(t.oid), link(&t.kind))));
        let functions = snapshot.functions.values().filter(|f| f.namespace == *name);
        found.extend(functions.map(|f| (Object::Function(f.oid), Link::Needs)));
        let extensions: Vec<&str> =
            snapshot.extensions.values().filter(|e| e.namespace == *name).map(|e| &*e.name).collect();
        if !extensions.is_empty() {
            found.extend(brought_by(&extensions).map(|object| (object, Link::Part)));
        }
    }

    fn on_relation(&self, oid: Oid, found: &mut Vec<(Object, Link)>) {
        let snapshot = &self.cx.snapshot;
        let Some(relation) = snapshot.relation_by_oid(oid) else { return };
        if relation.row_type != 0 {
            found.push((Object::Type(relation.row_type), Link::Part));
        }
        found.extend(snapshot.partitions(oid).iter().map(|p| (Object::Relation(p.oid), Link::Part)));
        let owned = snapshot.owned_sequences.get(&oid).into_iter().flatten();
        found.extend(owned.map(|sequence| (Object::Relation(*sequence), Link::Part)));
        found.extend(self.keys_to(oid, |_| true).filter(|(child, _)| child.oid != oid).map(key_object));
        let named = |named: &Named| match named {
            Named::Relation(other) | Named::Column(other, _) => *other == oid,
            Named::Function(_) | Named::Type(_) => false,
        };
        for name in self.names_of_rows(relation) {
            let holders = self.holders(&name, named).into_iter();
            found.extend(holders.filter(|holder| holder.whole() != Some(oid)).map(|holder| (holder, Link::Needs)));
        }
    }

    /// The foreign keys that refer to a partitioned table need each of its partitions, unless this goes with the whole.
    fn on_root_of(&self, object: &Object, with: Option<&Object>) -> Vec<(Object, Link)> {
        let parent_of = |oid: Oid| self.cx.snapshot.relation_by_oid(oid).and_then(|r| r.partition_parent());
        let Object::Relation(partition) = object else { return Vec::new() };
        let parent = parent_of(*partition).filter(|parent| with != Some(&Object::Relation(*parent)));
        let parents = std::iter::successors(parent, |parent| parent_of(*parent));
        let keys = parents.flat_map(|parent| self.keys_to(parent, |_| true));
        keys.filter(|(child, _)| child.oid != *partition).map(key_object).collect()
    }

    /// The names by which texts may come to columns of a relation: its own, and those of functions that give its rows.
    fn names_of_rows(&self, relation: &Relation) -> BTreeSet<Name> {
        let gives = |f: &&Arc<Function>| relation.row_type != 0 && f.result == relation.row_type;
        let functions = self.cx.snapshot.functions.values().filter(gives).map(|f| f.name.clone());
        functions.chain([relation.name.clone()]).collect()
    }

    /// The foreign keys that refer to columns of a relation, of its partitions' copies none.
    fn keys_to(
        &self,
        oid: Oid,
        wanted: impl Fn(&[i16]) -> bool,
    ) -> impl Iterator<Item = (&Arc<Relation>, &Constraint)> {
        let refers = move |c: &Constraint| match &c.kind {
            ConstraintKind::ForeignKey { target, target_columns, .. } => {
                c.parent.is_none() && *target == oid && wanted(target_columns)
            }
            ConstraintKind::PrimaryKey { .. }
            | ConstraintKind::Unique { .. }
            | ConstraintKind::Check { .. }
            | ConstraintKind::Exclusion { .. } => false,
        };
        let all = self.cx.snapshot.relations.values();
        let keys = all.flat_map(|child| child.constraints.iter().map(move |c| (child, c)));
        keys.filter(move |(_, c)| refers(c))
    }

    fn on_column(&self, of: Oid, num: i16, found: &mut Vec<(Object, Link)>) {
        let snapshot = &self.cx.snapshot;
        let Some(relation) = snapshot.relation_by_oid(of) else { return };
        let Some(column) = relation.column_by_num(num) else { return };
        let with = super::alter::constraints_with(relation, num);
        let elsewhere = |c: &Constraint| !with.contains(&c.name);
        let keys = self.keys_to(of, |columns| columns.contains(&num));
        found.extend(keys.filter(|(child, c)| child.oid != of || elsewhere(c)).map(key_object));
        // What EXCLUDE compares takes the constraint along; what its expressions read does not go from under it.
        let computes = |holder: &Object| {
            let of_holder = |c: &&Constraint| *holder == Object::Constraint(of, c.oid);
            relation.constraints.iter().find(of_holder).is_some_and(|c| {
                matches!(c.kind, ConstraintKind::Exclusion { .. })
                    && relation.indexes.iter().any(|i| i.name == c.name && i.reads.contains(&num))
            })
        };
        let own = relation.constraints.iter().filter(|c| !elsewhere(c)).map(|c| Object::Constraint(of, c.oid));
        found.extend(own.map(|own| if computes(&own) { (own, Link::Needs) } else { (own, Link::Part) }));
        let indexes = relation.indexes.iter().filter(|i| i.has_column(num) || i.names_column(&column.name));
        found.extend(indexes.map(|i| (Object::Index(of, i.oid), Link::Part)));
        if column.default.is_some() {
            found.push((Object::Default(of, num), Link::Part));
        }
        let sequence = snapshot.objects().owned_sequences.get(&(of, num)).copied();
        found.extend(sequence.map(|sequence| (Object::Relation(sequence), Link::Part)));
        if is_key(relation, column) {
            found.push((Object::Relation(of), Link::Needs));
        }
        let masks = relation.rules.masks.iter().filter(|mask| mask.column == num);
        found.extend(masks.map(|mask| (Object::Mask(of, mask.column), Link::Needs)));
        let named = |named: &Named| *named == Named::Column(of, num);
        for name in self.names_of_rows(relation) {
            found.extend(self.holders(&name, named).into_iter().map(|holder| (holder, Link::Needs)));
        }
        // Texts of its own row need not name the table, nor do those of a column's fields name the composite type.
        let composite = matches!(relation.kind, RelationKind::Composite);
        let holders = self.holders(&column.name, named).into_iter();
        let own = holders.filter(|holder| composite || holder.whole() == Some(of));
        found.extend(own.map(|holder| (holder, Link::Needs)));
        // Its own CHECKs and indexes go with it.
        let parts: Vec<Object> = found.iter().filter(|(_, l)| *l == Link::Part).map(|(o, _)| o.clone()).collect();
        let part = |holder: &Object| {
            let own = matches!(holder, Object::Constraint(t, _) | Object::Index(t, _) if *t == of);
            parts.contains(holder) || own && !is_foreign_key(relation, holder) && !computes(holder)
        };
        found.iter_mut().filter(|(holder, _)| part(holder)).for_each(|(_, link)| *link = Link::Part);
    }

    fn on_type(&self, oid: Oid, found: &mut Vec<(Object, Link)>) {
        let snapshot = &self.cx.snapshot;
        let (mut name, mut of) = (None::<Name>, None);
        if let Some(ty) = snapshot.user_type_by_oid(oid) {
            name = Some(ty.name.clone());
            if ty.oid == oid {
                found.push((Object::Type(ty.array_oid), Link::Part));
                match &ty.kind {
                    UserTypeKind::Range { multirange, .. } => found.push((Object::Type(*multirange), Link::Part)),
                    UserTypeKind::Domain { checks, .. } => {
                        let check = |(name, _): &(Name, String)| Object::DomainCheck(oid, name.clone());
                        found.extend(checks.iter().map(|c| (check(c), Link::Part)));
                    }
                    UserTypeKind::Enum { .. } | UserTypeKind::Multirange { .. } => {}
                }
            }
        } else if let Some(relation) = snapshot.relation_of_row(oid) {
            (name, of) = (Some(relation.name.clone()), Some(relation.oid));
            if relation.row_type == oid {
                found.push((Object::Type(relation.row_array_type), Link::Part));
            }
        } else if let Some(brought) = facts::TYPES.by_oid(oid) {
            name = Some(brought.name.trim_start_matches('_').into());
            if !brought.is_array {
                found.push((Object::Type(brought.array), Link::Part));
            }
        }
        for relation in snapshot.relations.values() {
            match relation.kind {
                RelationKind::Table | RelationKind::Composite => {}
                // A view's columns are what its query names.
                RelationKind::View { .. }
                | RelationKind::MaterializedView { .. }
                | RelationKind::Sequence(_)
                | RelationKind::System => continue,
            }
            let part = |c: &Column| match is_key(relation, c) {
                true => Object::Relation(relation.oid),
                false => Object::Column(relation.oid, c.num),
            };
            let columns = relation.columns.iter().filter(|c| c.ty.oid == oid);
            found.extend(columns.map(|c| (part(c), Link::Needs)));
        }
        found.extend(snapshot.domains_over(&[oid]).iter().map(|domain| (Object::Type(domain.oid), Link::Needs)));
        found.extend(snapshot.ranges_over(oid).iter().map(|range| (Object::Type(range.oid), Link::Needs)));
        let has = |f: &&Arc<Function>| f.parameters.iter().map(|p| p.ty).chain([f.result]).any(|ty| ty == oid);
        let functions = snapshot.functions.values().filter(has);
        found.extend(functions.map(|f| (Object::Function(f.oid), Link::Needs)));
        let holders = name.map(|name| self.texts_with_type(oid, &name)).unwrap_or_default().into_iter();
        found.extend(holders.filter(|h| of.is_none() || h.whole() != of).map(|holder| (holder, Link::Needs)));
    }

    /// Who keeps texts that name a type, which goes by this name.
    pub fn texts_with_type(&self, oid: Oid, name: &str) -> Vec<Object> {
        self.holders(name, |named| *named == Named::Type(oid))
    }

    /// In what order things were made, those of one table behind it.
    fn key(&self, object: &Object) -> (Oid, u8, i16) {
        match object {
            Object::Namespace(name) => (self.cx.snapshot.namespaces.get(name).map_or(0, |n| n.oid), 0, 0),
            Object::Relation(oid)
            | Object::Function(oid)
            | Object::Constraint(_, oid)
            | Object::Index(_, oid)
            | Object::Policy(_, oid) => (*oid, 0, 0),
            Object::Column(of, num) => {
                let generated = |r: &Arc<Relation>| r.column_by_num(*num).is_some_and(|c| c.generated.is_some());
                (*of, u8::from(self.cx.snapshot.relation_by_oid(*of).is_some_and(generated)), *num)
            }
            Object::Default(of, num) => (*of, 1, *num),
            Object::Mask(of, num) => (*of, 2, *num),
            // Arrays and row types are made in front of what has them.
            Object::Type(oid) => match self.cx.snapshot.user_type_by_oid(*oid) {
                Some(ty) if ty.oid == *oid => (*oid, 0, 0),
                Some(_) => (0, 0, 0),
                None => (0, 0, 1),
            },
            Object::DomainCheck(oid, name) => {
                let kind = self.cx.snapshot.user_type_by_oid(*oid).map(|ty| &ty.kind);
                let at = match kind {
                    Some(UserTypeKind::Domain { checks, .. }) => checks.iter().position(|(n, _)| n == name),
                    _ => None,
                };
                (*oid, 1, at.and_then(|at| i16::try_from(at).ok()).unwrap_or(i16::MAX))
            }
        }
    }

    /// All that goes with these, each behind what depends on it (findDependentObjects).
    pub fn going(&self, asked: &[Object]) -> Vec<Going> {
        let mut search = Search { graph: self, places: HashMap::new(), quiet: Vec::new(), order: Vec::new() };
        asked.iter().for_each(|object| search.visit(object, None, Link::Needs, false));
        let Search { mut quiet, order, .. } = search;
        let whole: BTreeSet<Oid> = order.iter().filter_map(|(object, _, _)| relation_of(object)).collect();
        let going = order.into_iter().map(|(object, on, at)| {
            let (is_quiet, of_column) = std::mem::take(&mut quiet[at]);
            let with_table = object.whole().is_some_and(|of| whole.contains(&of));
            Going { quiet: is_quiet || with_table || asked.contains(&object), object, on, of_column }
        });
        going.collect()
    }
}

struct Search<'a> {
    graph: &'a Graph,
    places: HashMap<Object, usize>,
    /// By number of visit: does it go without a word, and as a part of a column?
    quiet: Vec<(bool, bool)>,
    order: Vec<(Object, Option<Object>, usize)>,
}

impl Search<'_> {
    fn visit(&mut self, object: &Object, on: Option<&Object>, link: Link, of_column: bool) {
        let (quiet, of_column) = (link == Link::Part, of_column && link == Link::Part);
        if let Some(at) = self.places.get(object) {
            let known = &mut self.quiet[*at];
            *known = (known.0 || quiet, known.1 || of_column);
            return;
        }
        let at = self.quiet.len();
        self.places.insert(object.clone(), at);
        self.quiet.push((quiet, of_column));
        let column = matches!(object, Object::Column(..));
        let mut others = self.graph.on(object);
        others.splice(0..0, self.graph.on_root_of(object, on));
        // What was made last goes first.
        for (other, link) in others.into_iter().rev() {
            self.visit(&other, Some(object), link, column);
        }
        self.order.push((object.clone(), on.cloned(), at));
    }
}

/// The types and functions of extensions.
pub fn brought_by<'a>(extensions: &'a [&str]) -> impl Iterator<Item = Object> + 'a {
    let is = |of: Option<&str>| of.is_some_and(|of| extensions.contains(&of));
    let types = facts::TYPES.all.iter().filter(move |t| is(t.extension) && !t.is_array).map(|t| Object::Type(t.oid));
    types.chain(facts::PROCS.all.iter().filter(move |p| is(p.extension)).map(|p| Object::Function(p.oid)))
}

fn relation_of(object: &Object) -> Option<Oid> {
    match object {
        Object::Relation(oid) => Some(*oid),
        _ => None,
    }
}

/// Is the table partitioned by the column? Nothing is left without.
fn is_key(relation: &Relation, column: &Column) -> bool {
    let Some(key) = &relation.partitioning.key else { return false };
    key.parts.iter().any(|part| match &part.expression {
        Some(text) => !expression::columns_named(text, std::slice::from_ref(&column.name)).is_empty(),
        None => part.column == column.num,
    })
}

fn key_object((child, constraint): (&Arc<Relation>, &Constraint)) -> (Object, Link) {
    (Object::Constraint(child.oid, constraint.oid), Link::Needs)
}

fn is_foreign_key(relation: &Relation, object: &Object) -> bool {
    let Object::Constraint(_, oid) = object else { return false };
    let key = relation.constraints.iter().find(|c| c.oid == *oid);
    key.is_some_and(|c| matches!(c.kind, ConstraintKind::ForeignKey { .. }))
}
