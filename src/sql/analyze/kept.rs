//! Text that is kept (views; defaults, checks, generated columns, index expressions) and means the same for everybody.
//!
//! PostgreSQL keeps trees in which objects are OIDs. We keep text, in which every name means what it means along one fixed
//! path, pg_catalog and public, whoever reads it: when the text is made, the names that would mean something else there
//! get their namespace, `*` becomes the columns that it stands for, and dates and the like are written as they do not depend
//! on DateStyle. The places of all that are noted while the text is analyzed ([`Place`]), so that a rename can go to
//! them as well, and DROP can ask what is meant.

use std::sync::Arc;

use sqlparser::ast::{self, Spanned};
use sqlparser::tokenizer::{Span, Token};

use super::Analyzer;
use super::scope::NsItem;
use crate::error::{Error, Result};
use crate::registry::depend::Named;
use crate::registry::expression::quote;
use crate::registry::seen::Seen;
use crate::registry::{Name, Snapshot, builtin};
use crate::sql::deparse::{self, Style};
use crate::sql::{Context, parse};
use crate::tree::Query;
use crate::types::{ArrayValue, Oid, OutputSettings, PgType, Value, oid};

/// A place in a kept text.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Bytes of the text.
    from: usize,
    to: usize,
    means: Means,
}

#[derive(Debug, Clone, PartialEq)]
enum Means {
    /// A type's name.
    Type(Oid),
    /// A relation's name in FROM; `bare` if it has no alias.
    Relation { oid: Oid, bare: bool },
    /// A user's function that is called.
    Function(Oid),
    /// A constant that names a relation (or index): `'s'::regclass`.
    Regclass(Oid),
    /// A constant that names a type.
    Regtype(Oid),
    /// A constant of a user's type: an enum's label, or what may have one inside.
    Constant(Oid, Value),
    /// What stands in the place of a constant whose reading depends on settings.
    Text(String),
    /// What stands in the place of `*`.
    Star(String),
}

impl Place {
    /// The object that is meant: a relation, an index, or a type.
    pub fn object(&self) -> Option<Oid> {
        match &self.means {
            Means::Type(oid)
            | Means::Relation { oid, bare: _ }
            | Means::Function(oid)
            | Means::Regclass(oid)
            | Means::Constant(oid, _)
            | Means::Regtype(oid) => Some(*oid),
            Means::Text(_) | Means::Star(_) => None,
        }
    }

    /// What is meant, as pg_depend tells it.
    pub fn named(&self) -> Option<Named> {
        Some(match &self.means {
            Means::Type(oid) | Means::Regtype(oid) | Means::Constant(oid, _) => Named::Type(*oid),
            Means::Relation { oid, bare: _ } | Means::Regclass(oid) => Named::Relation(*oid),
            Means::Function(oid) => Named::Function(*oid),
            Means::Text(_) | Means::Star(_) => return None,
        })
    }

    pub fn is_star(&self) -> bool {
        matches!(self.means, Means::Star(_))
    }
}

/// The path along which kept text is read.
pub const PATH: [&str; 2] = ["pg_catalog", "public"];

/// The context in which kept text is read.
pub fn context(cx: &Context) -> Context {
    Context {
        search_path: PATH.map(Name::from).into(),
        settings: OutputSettings::default(),
        standard_strings: true,
        files: None,
        ..cx.clone()
    }
}

impl Analyzer<'_> {
    /// From here on the places of names are noted.
    pub(super) fn note_places(&mut self) {
        self.places = Some(Default::default());
    }

    pub(super) fn take_places(&mut self) -> Vec<Place> {
        self.places.take().map(std::cell::RefCell::into_inner).unwrap_or_default()
    }

    fn note(&self, span: Span, means: Means) {
        let Some(places) = &self.places else { return };
        let source = &self.parsed.source;
        let (from, to) = (source.byte(span.start), source.byte(span.end));
        places.borrow_mut().push(Place { from, to, means });
    }

    pub(super) fn note_type(&self, name: &ast::ObjectName, ty: Oid) {
        let brought = || crate::facts::TYPES.by_oid(ty).is_some_and(|t| t.extension.is_some());
        if ty >= oid::FIRST_USER || brought() {
            self.note(name.span(), Means::Type(ty));
        }
    }

    pub(super) fn note_function(&self, name: &ast::ObjectName, function: Oid) {
        self.note(name.span(), Means::Function(function));
    }

    pub(super) fn note_relation_name(&self, name: &ast::ObjectName, relation: Oid, bare: bool) {
        self.note(name.span(), Means::Relation { oid: relation, bare });
    }

    /// A string constant that was read as a value of `ty`.
    pub(super) fn note_literal(&self, pos: u32, value: &Value, ty: PgType) {
        if self.places.is_none() {
            return;
        }
        let source = &self.parsed.source;
        let Some(token) = self.parsed.tokens.iter().find(|t| source.position(t.span.start) == pos) else { return };
        if !matches!(
            token.token,
            Token::SingleQuotedString(_) | Token::EscapedStringLiteral(_) | Token::DollarQuotedString(_)
        ) {
            return;
        }
        match (ty.oid, value) {
            (oid::REGCLASS, Value::Oid(object)) if *object != 0 => self.note(token.span, Means::Regclass(*object)),
            (oid::REGTYPE, Value::Oid(object)) if *object >= oid::FIRST_USER => {
                self.note(token.span, Means::Regtype(*object));
            }
            (oid::DATE | oid::TIMESTAMP | oid::TIMESTAMPTZ | oid::INTERVAL | oid::TIME | oid::TIMETZ, value) => {
                let settings = OutputSettings::default();
                let text = crate::types::text::format(value, PgType::new(ty.oid), &settings, &*self.ctx.snapshot);
                self.note(token.span, Means::Text(literal(&text)));
            }
            (ty, Value::Text(_) | Value::Array(_) | Value::Row(_)) if ty >= oid::FIRST_USER => {
                self.note(token.span, Means::Constant(ty, value.clone()));
            }
            _ => {}
        }
    }

    /// `*` or `t.*` in a target list, which stands for these items' columns.
    pub(super) fn note_star<'i>(&self, span: Span, items: impl Iterator<Item = &'i NsItem>) {
        if self.places.is_none() {
            return;
        }
        let mut columns = Vec::new();
        for item in items {
            for column in item.columns.iter().filter(|c| !c.hidden) {
                let name = quote(&column.name);
                columns.push(if item.rel.is_some() { format!("{}.{name}", quote(&item.alias)) } else { name });
            }
        }
        self.note(span, Means::Star(columns.join(", ")));
    }
}

fn literal(text: &str) -> String {
    let quoted = format!("'{}'", text.replace('\'', "''"));
    if quoted.contains('\\') { format!("E{}", quoted.replace('\\', "\\\\")) } else { quoted }
}

/// An enum's label that has another name now.
pub struct Relabelled<'a> {
    pub of: Oid,
    pub from: &'a str,
    pub to: &'a Name,
}

impl Relabelled<'_> {
    /// The value with the label's new name; `None` if it does not have it.
    fn value(&self, value: &Value, ty: Oid, snapshot: &Snapshot) -> Option<Value> {
        match value {
            Value::Text(label) => {
                let is = crate::types::base_type(PgType::new(ty), snapshot).oid == self.of && **label == *self.from;
                is.then(|| Value::Text(self.to.clone()))
            }
            Value::Array(array) => {
                let items = self.values(array.items.iter().map(|item| (array.element, item)), snapshot)?;
                Some(Value::Array(ArrayValue { items, ..array.clone() }))
            }
            Value::Row(fields) => {
                let values = self.values(fields.iter().map(|(ty, value)| (ty.oid, value)), snapshot)?;
                Some(Value::Row(fields.iter().map(|(ty, _)| *ty).zip(values).collect()))
            }
            _ => None,
        }
    }

    fn values<'v>(&self, values: impl Iterator<Item = (Oid, &'v Value)>, snapshot: &Snapshot) -> Option<Vec<Value>> {
        let mut changed = false;
        let mut new = |(ty, value): (Oid, &Value)| match self.value(value, ty, snapshot) {
            Some(value) => {
                changed = true;
                value
            }
            None => value.clone(),
        };
        let values = values.map(&mut new).collect();
        changed.then_some(values)
    }
}

/// Names as kept text has them.
pub struct Names<'a> {
    snapshot: &'a Snapshot,
    /// Every name with its namespace.
    full: bool,
    relabelled: Option<&'a Relabelled<'a>>,
}

impl<'a> Names<'a> {
    pub fn new(snapshot: &'a Snapshot) -> Self {
        Self { snapshot, full: false, relabelled: None }
    }

    /// As they are after an enum's label has got another name.
    pub fn relabelled(snapshot: &'a Snapshot, label: Option<&'a Relabelled<'a>>) -> Self {
        Self { snapshot, full: false, relabelled: label }
    }

    /// Names that mean the same along any search path.
    pub fn in_full(snapshot: &'a Snapshot) -> Self {
        Self { snapshot, full: true, relabelled: None }
    }

    fn qualified(&self, namespace: &str, name: &str, plain: bool) -> String {
        if plain && !self.full { quote(name) } else { format!("{}.{}", quote(namespace), quote(name)) }
    }

    fn type_name(&self, ty: Oid) -> Option<String> {
        let snapshot = self.snapshot;
        if let Some((extension, brought)) = crate::facts::TYPES.by_oid(ty).and_then(|t| Some((t.extension?, t.name))) {
            let namespace = snapshot.extension_namespace(extension)?;
            return Some(self.qualified(namespace, brought, &**namespace == "public"));
        }
        let (namespace, name) = match snapshot.user_type_by_oid(ty) {
            Some(user) if user.array_oid == ty => (user.namespace.clone(), format!("_{}", user.name).into()),
            Some(user) => (user.namespace.clone(), user.name.clone()),
            None => {
                let relation = snapshot.relations.values().find(|r| r.row_type == ty)?;
                (relation.namespace.clone(), relation.name.clone())
            }
        };
        let plain = &*namespace == "public" && crate::facts::TYPES.by_name(&name).next().is_none();
        Some(self.qualified(&namespace, &name, plain))
    }

    fn relation_name(&self, relation: Oid) -> Option<String> {
        let snapshot = self.snapshot;
        let (namespace, name) = match snapshot.relation_by_oid(relation) {
            Some(relation) => (&relation.namespace, &relation.name),
            None => {
                let table = snapshot.relations.values().find(|r| r.indexes.iter().any(|i| i.oid == relation))?;
                (&table.namespace, &table.indexes.iter().find(|i| i.oid == relation)?.name)
            }
        };
        let first = snapshot.relation("pg_catalog", name).is_none_or(|r| r.oid == relation);
        Some(self.qualified(namespace, name, first && matches!(&**namespace, "public" | "pg_catalog")))
    }

    fn function_name(&self, function: Oid) -> Option<String> {
        if let Some((extension, name)) = crate::facts::PROCS.by_oid(function).and_then(|p| Some((p.extension?, p.name)))
        {
            let namespace = self.snapshot.extension_namespace(extension)?;
            let plain = &**namespace == "public" && crate::facts::PROCS.by_name(name).next().is_none();
            return Some(self.qualified(namespace, name, plain));
        }
        let found = self.snapshot.function_by_oid(function)?;
        let plain = &*found.namespace == "public" && crate::facts::PROCS.by_name(&found.name).next().is_none();
        Some(self.qualified(&found.namespace, &found.name, plain))
    }

    /// The text with its places as they are called in this snapshot. `before` is the snapshot of its making, in which
    /// relations without an alias may have had other names.
    ///
    /// # Errors
    /// What a place names is no more.
    pub fn write(&self, text: &str, places: &[Place], before: &Snapshot) -> Result<String> {
        let gone = |oid: Oid| Error::internal(format!("kept text names {oid}, which is gone"));
        let mut places: Vec<&Place> = places.iter().collect();
        places.sort_by_key(|p| p.from);
        let (mut out, mut at) = (String::with_capacity(text.len()), 0);
        for Place { from, to, means } in places {
            // The same place may be analyzed more than once.
            if *from < at || to < from {
                continue;
            }
            let written = match means {
                Means::Type(oid) => self.type_name(*oid).ok_or_else(|| gone(*oid))?,
                Means::Regclass(oid) => literal(&self.relation_name(*oid).ok_or_else(|| gone(*oid))?),
                Means::Regtype(oid) => literal(&self.type_name(*oid).ok_or_else(|| gone(*oid))?),
                Means::Function(oid) => self.function_name(*oid).ok_or_else(|| gone(*oid))?,
                Means::Text(text) | Means::Star(text) => text.clone(),
                Means::Constant(ty, value) => {
                    let Some(value) = self.relabelled.and_then(|label| label.value(value, *ty, before)) else {
                        continue;
                    };
                    literal(&crate::types::text::format(
                        &value,
                        PgType::new(*ty),
                        &OutputSettings::default(),
                        self.snapshot,
                    ))
                }
                Means::Relation { oid, bare } => {
                    let name = self.relation_name(*oid).ok_or_else(|| gone(*oid))?;
                    let was = before.relation_by_oid(*oid).map(|r| r.name.clone());
                    let is = self.snapshot.relation_by_oid(*oid).map(|r| r.name.clone());
                    match was.filter(|was| *bare && Some(was) != is.as_ref()) {
                        Some(was) => format!("{name} AS {}", quote(&was)),
                        None => name,
                    }
                }
            };
            out.push_str(text.get(at..*from).unwrap_or_default());
            out.push_str(&written);
            at = *to;
        }
        out.push_str(text.get(at..).unwrap_or_default());
        Ok(out)
    }
}

/// Analyzes the text of a view's query by itself.
fn query(definition: &str, cx: &Context, kept: bool) -> Result<(Query, Vec<Place>)> {
    let parsed = parse::parse(definition)?;
    let [parsed] = parsed.as_slice() else { return Err(Error::internal("a view is not one statement")) };
    let parse::Body::Statement(statement) = &*parsed.body else {
        return Err(Error::internal("a view is not a query"));
    };
    let ast::Statement::Query(ast) = &**statement else { return Err(Error::internal("a view is not a query")) };
    let mut a = Analyzer::new(cx, parsed);
    a.note_places();
    a.kept = kept;
    let query = a.ddl_query(ast)?;
    Ok((query, a.take_places()))
}

/// Where a view's query names something.
///
/// # Errors
/// It cannot be analyzed.
pub fn query_places(definition: &str, cx: &Context) -> Result<Vec<Place>> {
    query(definition, &context(cx), true).map(|(_, places)| places)
}

/// A view's kept query as a tree.
///
/// # Errors
/// It cannot be analyzed.
pub fn stored_query(definition: &str, search_path: &[Name], cx: &Context) -> Result<Query> {
    let cx = Context { search_path: search_path.into(), ..context(cx) };
    tree(definition, &cx)
}

/// A view's kept query as a tree, and where it names something.
///
/// # Errors
/// It cannot be analyzed.
pub fn read_query(definition: &str, search_path: &[Name], cx: &Context) -> Result<(Query, Vec<Place>)> {
    let cx = Context { search_path: search_path.into(), ..context(cx) };
    query(definition, &cx, true)
}

fn tree(definition: &str, cx: &Context) -> Result<Query> {
    query(definition, cx, true).map(|(query, _)| query)
}

/// The text of a new view as it is kept: printed from its tree, every column with its relation's name, so that no column that
/// comes later can take the place of another. What only this gateway's dialect has is kept as it was written.
pub(super) fn new_query(made: &Query, written: &str, extras: &parse::Extras, cx: &Context) -> Result<String> {
    if let Some(text) = printed(made, cx) {
        return Ok(text);
    }
    // What the parser has put aside is not in the text that it gives.
    if !extras.excludes.is_empty() || !extras.cte_clauses.is_empty() || written.contains(parse::rewrite::MARK) {
        return Err(Error::unsupported("a view of this query"));
    }
    as_written(written, cx)
}

/// The tree's text along the fixed path, if read again it gives the same tree.
pub fn printed(made: &Query, cx: &Context) -> Option<String> {
    let kept = context(cx);
    let seen = Seen::new(Arc::clone(&kept.snapshot), Arc::clone(&kept.search_path), builtin::SUPERUSER);
    let print = |query: &Query| {
        let names: Vec<Name> = query.columns.iter().map(|c| c.name.clone()).collect();
        deparse::query(query, &names, &seen, Style::KEPT).ok()
    };
    let text = print(made)?;
    let again = tree(&text, &kept).ok()?;
    let shape = |query: &Query| query.columns.iter().map(|c| (c.name.clone(), c.ty)).collect::<Vec<_>>();
    let same = shape(made) == shape(&again) && meaning(made) == meaning(&again);
    if !same {
        tracing::debug!(%text, "the printed view is another one");
    }
    same.then_some(text)
}

/// A tree without what says nothing of its meaning: positions, aliases, who wrote a cast; relations counted from 0.
pub(super) fn meaning(query: &Query) -> String {
    const QUIET: [&str; 5] = ["pos: ", "explicit: ", "alias: ", "name: ", "merged_alias: "];
    let debug = format!("{query:?}");
    let (mut out, mut relations) = (String::with_capacity(debug.len() / 2), Vec::new());
    let mut rest = debug.as_str();
    while let Some(c) = rest.chars().next() {
        if let Some(after) = QUIET.iter().find_map(|word| rest.strip_prefix(word)) {
            rest = skip_value(after);
        } else if let Some(after) = rest.strip_prefix("RelId(") {
            let (id, after) = after.split_once(')').unwrap_or((after, ""));
            let number = relations.iter().position(|r| *r == id).unwrap_or_else(|| {
                relations.push(id);
                relations.len() - 1
            });
            out.push_str(&format!("RelId({number})"));
            rest = after;
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// What follows a quoted text, or a word.
fn skip_value(text: &str) -> &str {
    let Some(quoted) = text.strip_prefix('"') else {
        return text.split_once([',', ' ', ')', '}']).map_or("", |(word, _)| &text[word.len()..]);
    };
    let mut escaped = false;
    for (i, c) in quoted.char_indices() {
        match c {
            '"' if !escaped => return &quoted[i + 1..],
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    ""
}

fn as_written(definition: &str, cx: &Context) -> Result<String> {
    let (made, places) = query(definition, cx, false)?;
    let written = Names::new(&cx.snapshot).write(definition, &places, &cx.snapshot)?;
    // Read again, it must mean the same.
    let (again, places_again) = query(&written, &context(cx), true)?;
    let objects = |places: &[Place]| places.iter().filter_map(Place::object).collect::<Vec<_>>();
    let shape = |query: &Query| query.columns.iter().map(|c| (c.name.clone(), c.ty)).collect::<Vec<_>>();
    if objects(&places) != objects(&places_again) || shape(&made) != shape(&again) {
        return Err(Error::unsupported("a view whose names cannot be kept")
            .hint("Write the names in it with their schemas, and name its columns instead of *."));
    }
    Ok(written)
}
