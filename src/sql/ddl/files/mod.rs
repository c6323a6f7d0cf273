//! Schema files against the database: the whole difference, and the plan that takes it away.
//!
//! Each difference is a [`FileChange`]: additive (it loses nothing), destructive (it needs to be asked for), or not
//! possible. Whether a change loses something can depend on the rows: then the plan has questions ([`Ask`]), and is made
//! again with their answers.

mod access;
mod check;
mod column;
mod constraint;
mod question;
mod rules;
mod table;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

pub use check::check;
pub use question::{Answer, Answers, Ask};

use super::DdlPlan;
use super::planner::Planner;
use crate::error::{Error, Result};
use crate::registry::files::{FileEnum, FileGrant, FileGrantTarget, FileNamespace, FileSchema, FileTable, Place};
use crate::registry::{Acl, Managed, Name, Namespace, Relation, RelationKind, UserTypeKind};
use crate::sql::{Context, Plan};
use crate::tree::{DropBehavior, ObjectKind};
use crate::types::Oid;

/// What it takes to bring the database to what the files say.
#[derive(Debug, Default)]
pub struct FilePlan {
    pub plan: DdlPlan,
    /// Every difference, in the order in which the plan takes it away.
    pub changes: Vec<FileChange>,
    /// What has to be known of the rows before the plan is whole: while there are questions, it must not be run.
    pub asks: Vec<Ask>,
    /// Sequences that go on behind the largest value of a column that was there: the sequence, and the query for it.
    pub restarts: Vec<(Oid, Plan)>,
}

impl FilePlan {
    /// The differences that the plan leaves: what was not asked for, and what cannot be done.
    pub fn left(&self) -> impl Iterator<Item = &FileChange> {
        self.changes.iter().filter(|change| !change.done)
    }

    /// What would lose something and is left may be impossible as well: the plan that makes it knows.
    pub fn judge_left(&mut self, whole: &Self) {
        for change in self.changes.iter_mut().filter(|change| !change.done && change.effect == Effect::Destructive) {
            let same = |other: &&FileChange| {
                (&other.file, other.line, &other.what) == (&change.file, change.line, &change.what)
            };
            if let Some(judged) = whole.changes.iter().find(same).filter(|judged| judged.effect == Effect::Impossible) {
                (change.effect, change.notes) = (judged.effect, judged.notes.clone());
            }
        }
    }
}

/// What a change does to what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Loses nothing.
    Additive,
    /// Loses data, or a guarantee about them.
    Destructive,
    /// Cannot be made; the change says why.
    Impossible,
}

/// One difference between files and database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    pub effect: Effect,
    /// What the files say about it; for what no file defines any more, the file that did.
    pub file: PathBuf,
    /// From 1; 0 where no line says it any more.
    pub line: u32,
    /// The change as a command: `drop column a of table public.t`.
    pub what: String,
    /// What is lost, or why it cannot be done, a line each.
    pub notes: Vec<String>,
    /// True if the plan makes it.
    pub done: bool,
}

impl fmt::Display for FileChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.what, self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        f.write_str(")")?;
        self.notes.iter().try_for_each(|note| write!(f, "\n    {note}"))
    }
}

/// Plans the difference; with `destructive`, also what loses something. `cx.role` is the first superuser, who owns what
/// names no owner.
///
/// # Errors
/// The files define something that cannot be made; the context names file and line.
pub fn plan(schema: &FileSchema, cx: &Context, destructive: bool, answers: &Answers) -> Result<FilePlan> {
    let mut work = Work::new(schema, cx, destructive, answers);
    for role in &schema.roles {
        work.role(role)?;
    }
    for role in &schema.roles {
        work.memberships(role)?;
    }
    for namespace in &schema.namespaces {
        work.namespace(namespace)?;
    }
    work.public_namespace();
    for item in &schema.enums {
        work.enumeration(item)?;
    }
    let existing: Vec<&FileTable> = schema.tables.iter().filter(|t| work.existing(t).is_some()).collect();
    for table in &existing {
        work.drop_foreign_keys(table);
    }
    for table in &existing {
        work.alter(table)?;
    }
    for table in &schema.tables {
        if work.planner.after.relation(&table.namespace, &table.name).is_none() {
            work.create(table).map_err(|e| at(&table.place, e))?;
        } else if work.existing(table).is_none() {
            let notes =
                vec!["it was not made from a file: drop or rename it, or name the one of the file otherwise".into()];
            let what = format!("create table {}.{}, which exists", table.namespace, table.name);
            work.note(Effect::Impossible, &table.place, what, notes);
        }
    }
    for table in &existing {
        work.add_foreign_keys(table);
    }
    work.grants()?;
    work.rules()?;
    work.drop_undefined();
    let Work { planner, changes, asks, restarts, .. } = work;
    Ok(FilePlan { plan: planner.finish()?, changes, asks, restarts })
}

struct Work<'a> {
    schema: &'a FileSchema,
    planner: Planner<'a>,
    destructive: bool,
    answers: &'a Answers,
    changes: Vec<FileChange>,
    asks: Vec<Ask>,
    restarts: Vec<(Oid, Plan)>,
    /// Columns whose change of type waits: nothing that builds on it can be done.
    waiting: HashSet<(Oid, Name)>,
}

fn managed(place: &Place) -> Managed {
    Managed::File { path: place.path.clone(), line: place.line }
}

fn is_file(managed: &Managed) -> bool {
    match managed {
        Managed::File { .. } => true,
        Managed::Sql | Managed::System => false,
    }
}

fn at(place: &Place, error: Error) -> Error {
    error.context(format!("{}:{}", place.path.display(), place.line))
}

/// `SQLSTATE`'s words for a person: message, detail and hint in a line.
fn reason(error: &Error) -> String {
    let report = error.report();
    let more = report.detail.iter().chain(&report.hint).map(|t| t.replace('\n', "; "));
    std::iter::once(report.message.clone()).chain(more).collect::<Vec<_>>().join(". ")
}

impl<'a> Work<'a> {
    fn new(schema: &'a FileSchema, cx: &'a Context, destructive: bool, answers: &'a Answers) -> Self {
        let mut planner = Planner::new(cx);
        planner.for_files = true;
        Self {
            schema,
            planner,
            destructive,
            answers,
            changes: Vec::new(),
            asks: Vec::new(),
            restarts: Vec::new(),
            waiting: HashSet::new(),
        }
    }

    /// Notes a difference. Gives whether the plan is to make it.
    fn note(&mut self, effect: Effect, place: &Place, what: String, notes: Vec<String>) -> bool {
        let done = match effect {
            Effect::Additive => true,
            Effect::Destructive => self.destructive,
            Effect::Impossible => false,
        };
        self.changes.push(FileChange { effect, file: place.path.clone(), line: place.line, what, notes, done });
        done
    }

    fn does(&mut self, place: &Place, what: String) {
        self.note(Effect::Additive, place, what, Vec::new());
    }

    /// Tries what was noted as the changes from `first` on. What cannot be planned leaves no trace in the plan, and the
    /// changes say why.
    fn attempt(&mut self, first: usize, step: impl FnOnce(&mut Planner<'a>) -> Result<()>) -> bool {
        let after = self.planner.after.clone();
        let plan = &self.planner.plan;
        let lengths = (plan.steps.len(), plan.changes.len(), plan.forgotten.len(), plan.notices.len());
        let Err(error) = step(&mut self.planner) else { return true };
        self.planner.after = after;
        let plan = &mut self.planner.plan;
        plan.steps.truncate(lengths.0);
        plan.changes.truncate(lengths.1);
        plan.forgotten.truncate(lengths.2);
        plan.notices.truncate(lengths.3);
        for change in self.changes[first..].iter_mut().filter(|change| change.done) {
            change.effect = Effect::Impossible;
            change.done = false;
            change.notes = vec![reason(&error)];
        }
        false
    }

    fn owner(&self, owner: Option<&Name>) -> Result<Oid> {
        owner.map_or(Ok(self.planner.cx.role), |name| self.planner.role(name).map(|role| role.oid))
    }

    /// The table as it is in the database, if a file made it.
    fn existing(&self, file: &FileTable) -> Option<Arc<Relation>> {
        let found = self.planner.after.relation(&file.namespace, &file.name)?;
        (matches!(found.kind, RelationKind::Table) && is_file(&found.managed)).then(|| found.clone())
    }

    /// Files need not define `public`, which may have been dropped.
    fn public_namespace(&mut self) {
        let name = Name::from("public");
        let wanted = self.schema.tables.iter().any(|t| t.namespace == name)
            || self.schema.enums.iter().any(|e| e.namespace == name);
        if wanted && !self.planner.after.namespaces.contains_key(&name) {
            self.planner.add_namespace(Namespace {
                oid: self.planner.after.counters.allocate_oid(),
                name,
                owner: self.planner.cx.role,
                acl: Acl::default(),
                comment: None,
                managed: Managed::Sql,
            });
        }
    }

    fn namespace(&mut self, file: &FileNamespace) -> Result<()> {
        let owner = self.owner(file.owner.as_ref()).map_err(|e| at(&file.place, e))?;
        if let Some(found) = self.planner.after.namespaces.get(&file.name).cloned() {
            if !is_file(&found.managed) {
                return Ok(());
            }
            let wanted =
                Namespace { comment: file.comment.clone(), owner, managed: managed(&file.place), ..(*found).clone() };
            if found.comment != wanted.comment || found.owner != wanted.owner {
                self.does(&file.place, format!("alter schema {}", file.name));
            } else if found.managed == wanted.managed {
                return Ok(());
            }
            self.planner.put_namespace(wanted);
            return Ok(());
        }
        self.does(&file.place, format!("create schema {}", file.name));
        let namespace = Namespace {
            oid: self.planner.after.counters.allocate_oid(),
            name: file.name.clone(),
            owner,
            acl: Acl::default(),
            comment: file.comment.clone(),
            managed: managed(&file.place),
        };
        self.planner.add_namespace(namespace);
        Ok(())
    }

    fn enumeration(&mut self, file: &FileEnum) -> Result<()> {
        let name = format!("{}.{}", file.namespace, file.name);
        let Some(found) = self.planner.after.user_type(&file.namespace, &file.name).cloned() else {
            self.does(&file.place, format!("create type {name}"));
            self.planner.managed_as = managed(&file.place);
            self.planner.create_enum(&file.namespace, &file.name, &file.labels).map_err(|e| at(&file.place, e))?;
            if let (Some(comment), Some(made)) =
                (&file.comment, self.planner.after.user_type(&file.namespace, &file.name).cloned())
            {
                self.planner.put_type(crate::registry::UserType { comment: Some(comment.clone()), ..(*made).clone() });
            }
            return Ok(());
        };
        let (UserTypeKind::Enum { labels }, true) = (&found.kind, is_file(&found.managed)) else {
            let notes =
                vec!["it was not made from a file: drop or rename it, or name the one of the file otherwise".into()];
            self.note(Effect::Impossible, &file.place, format!("create type {name}, which exists"), notes);
            return Ok(());
        };
        let mut ty = (*found).clone();
        if ty.comment != file.comment {
            self.does(&file.place, format!("comment on type {name}"));
        }
        (ty.comment, ty.managed) = (file.comment.clone(), managed(&file.place));
        if ty.comment != found.comment || ty.managed != found.managed {
            self.planner.put_type(ty.clone());
        }
        let labels = labels.to_vec();
        let removed: Vec<Name> = labels.iter().filter(|l| !file.labels.contains(l)).cloned().collect();
        let mut next = file.labels.clone();
        if !removed.is_empty() && !self.remove_labels(file, &ty, &removed) {
            // What cannot go stays where it was: behind the label that it came after.
            for label in &removed {
                let before = labels.iter().take_while(|l| *l != label).last();
                let place = before.and_then(|b| next.iter().position(|l| l == b)).map_or(0, |i| i + 1);
                next.insert(place, label.clone());
            }
        }
        if next != labels {
            let first = self.changes.len();
            let added: Vec<String> = next.iter().filter(|l| !labels.contains(l)).map(|l| format!("'{l}'")).collect();
            if !added.is_empty() {
                self.does(&file.place, format!("add {} to type {name}", added.join(", ")));
            } else if removed.is_empty() {
                self.does(&file.place, format!("put the labels of type {name} into another order"));
            }
            self.attempt(first, |planner| planner.set_labels(ty, next));
        }
        Ok(())
    }

    /// Labels that the file has no more. Gives whether they go.
    fn remove_labels(&mut self, file: &FileEnum, ty: &crate::registry::UserType, removed: &[Name]) -> bool {
        let list = removed.iter().map(|l| format!("'{}'", l.replace('\'', "''"))).collect::<Vec<_>>().join(", ");
        let mut notes = Vec::new();
        let mut blocked = false;
        for (table, column) in self.planner.columns_of_type(&[ty.oid, ty.array_oid]) {
            let Some(found) = table.column(&column) else { continue };
            let name = crate::registry::expression::quote(&column);
            let condition = if found.ty.oid == ty.oid {
                format!("{name}::text IN ({list})")
            } else {
                format!("{name}::text[] && ARRAY[{list}]")
            };
            let place = format!("{}.{}.{column}", table.namespace, table.name);
            match self.count(&table, &condition) {
                Some(Answer::Count(0)) | None => {}
                Some(Answer::Count(n)) => {
                    blocked = true;
                    notes.push(format!("{} with them in {place}: give these another value first", rows(n)));
                }
                Some(Answer::Failed(why)) => {
                    blocked = true;
                    notes.push(format!("the rows of {place} cannot be counted: {why}"));
                }
            }
        }
        let effect = if blocked { Effect::Impossible } else { Effect::Destructive };
        self.note(effect, &file.place, format!("remove {list} from type {}.{}", file.namespace, file.name), notes)
    }

    /// What a file once defined and none does any more: tables, then types and namespaces, then roles.
    fn drop_undefined(&mut self) {
        let tables: HashSet<_> = self.schema.tables.iter().map(|t| (t.namespace.clone(), t.name.clone())).collect();
        let mut gone: Vec<Arc<Relation>> = Vec::new();
        for relation in self.planner.after.relations.values() {
            let table = matches!(relation.kind, RelationKind::Table) && is_file(&relation.managed);
            if table && !tables.contains(&(relation.namespace.clone(), relation.name.clone())) {
                gone.push(relation.clone());
            }
        }
        gone.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        let first = self.changes.len();
        let mut names = Vec::new();
        for relation in gone {
            let notes = match self.count(&relation, "true") {
                Some(Answer::Count(n)) => vec![format!("its {}", rows(n))],
                Some(Answer::Failed(why)) => vec![format!("its rows, which cannot be counted: {why}")],
                None => Vec::new(),
            };
            let what = format!("drop table {}.{}", relation.namespace, relation.name);
            self.note(Effect::Destructive, &former(&relation.managed), what, notes);
            names.push((relation.namespace.clone(), relation.name.clone()));
        }
        if self.destructive && !names.is_empty() {
            // Together, as they may refer to each other; if that fails, one by one to see which can go.
            let together = |planner: &mut Planner<'_>| {
                planner.drop_objects(ObjectKind::Table, &names, false, DropBehavior::Restrict)
            };
            let before = self.changes[first..].to_vec();
            if !self.attempt(first, together) {
                self.changes.truncate(first);
                for (change, name) in before.into_iter().zip(&names) {
                    let at = self.changes.len();
                    self.changes.push(change);
                    self.attempt(at, |planner| {
                        planner.drop_objects(
                            ObjectKind::Table,
                            std::slice::from_ref(name),
                            false,
                            DropBehavior::Restrict,
                        )
                    });
                    self.changes.truncate(at + 1);
                }
            }
        }
        self.drop_types_and_namespaces();
        self.drop_roles();
    }

    fn drop_types_and_namespaces(&mut self) {
        let enums: HashSet<_> = self.schema.enums.iter().map(|e| (e.namespace.clone(), e.name.clone())).collect();
        let types = self.planner.after.types.values();
        let mut gone: Vec<_> = types
            .filter(|t| is_file(&t.managed) && !enums.contains(&(t.namespace.clone(), t.name.clone())))
            .map(|t| (ObjectKind::Type, t.namespace.clone(), t.name.clone(), t.managed.clone()))
            .collect();
        let namespaces: HashSet<_> = self.schema.namespaces.iter().map(|n| n.name.clone()).collect();
        let known = self.planner.after.namespaces.values();
        let namespaces = known.filter(|n| is_file(&n.managed) && !namespaces.contains(&n.name));
        gone.extend(namespaces.map(|n| (ObjectKind::Namespace, n.name.clone(), n.name.clone(), n.managed.clone())));
        gone.sort_by(|a, b| {
            (a.0 == ObjectKind::Namespace, &a.1, &a.2).cmp(&(b.0 == ObjectKind::Namespace, &b.1, &b.2))
        });
        for (kind, namespace, name, managed) in gone {
            let first = self.changes.len();
            let what = match kind {
                ObjectKind::Namespace => format!("drop schema {name}"),
                _ => format!("drop type {namespace}.{name}"),
            };
            if self.note(Effect::Destructive, &former(&managed), what, Vec::new()) {
                self.attempt(first, |planner| {
                    planner.drop_objects(kind, &[(namespace, name)], false, DropBehavior::Restrict)
                });
            }
        }
    }

    /// Grants by what they are on, for tables and for namespaces.
    fn grants_by_target(&self) -> (HashMap<(Name, Name), Vec<&'a FileGrant>>, HashMap<Name, Vec<&'a FileGrant>>) {
        let (mut tables, mut namespaces) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        for grant in &self.schema.grants {
            match &grant.on {
                FileGrantTarget::Table { namespace, name } => {
                    tables.entry((namespace.clone(), name.clone())).or_default().push(grant);
                }
                FileGrantTarget::Namespace(name) => namespaces.entry(name.clone()).or_default().push(grant),
            }
        }
        (tables, namespaces)
    }
}

/// `1 row`, `3 rows`.
fn rows(count: i64) -> String {
    if count == 1 { "1 row".to_owned() } else { format!("{count} rows") }
}

/// Where something was defined that no file defines any more.
fn former(managed: &Managed) -> Place {
    match managed {
        Managed::File { path, line: _ } => Place { path: path.clone(), line: 0, column: 0 },
        Managed::Sql | Managed::System => Place { path: PathBuf::new(), line: 0, column: 0 },
    }
}
