//! DROP, with what depends on what: RESTRICT's errors and CASCADE's notices as PostgreSQL words them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::alter::{word, wrong_type};
use super::physical::{ident, table_name};
use super::planner::{Planner, no_namespace};
use crate::error::{Error, Report, Result, SqlState};
use crate::registry::{Change, Column, Function, Managed, Name, Relation, RelationKind, UserType, builtin};
use crate::tree::{DropBehavior, ObjectKind};
use crate::types::Oid;

/// Something that goes with what is dropped.
pub enum Dependent {
    ForeignKey {
        child: Arc<Relation>,
        name: Name,
    },
    View(Arc<Relation>),
    /// One that takes or gives the relation's rows, or whose body is bound to it.
    Function(Arc<Function>, String),
    /// Of another table, that reads this one.
    Policy {
        table: Arc<Relation>,
        name: Name,
    },
    /// Of a column that draws from a sequence.
    Default {
        table: Arc<Relation>,
        column: Name,
    },
}

impl Dependent {
    pub fn describe(&self) -> String {
        match self {
            Self::ForeignKey { child, name } => format!("constraint {name} on table {}", child.name),
            Self::Policy { table, name } => format!("policy {name} on table {}", table.name),
            Self::View(view) => format!("{} {}", word(view), view.name),
            Self::Function(_, signature) => format!("function {signature}"),
            Self::Default { table, column } => format!("default value for column {column} of table {}", table.name),
        }
    }
}

impl Dependent {
    /// Is it the same key, policy or default of a table as the other?
    fn is_part(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::ForeignKey { child: a, name: x }, Self::ForeignKey { child: b, name: y })
            | (Self::Policy { table: a, name: x }, Self::Policy { table: b, name: y })
            | (Self::Default { table: a, column: x }, Self::Default { table: b, column: y }) => {
                a.oid == b.oid && x == y
            }
            _ => false,
        }
    }
}

impl Planner<'_> {
    pub fn drop_objects(
        &mut self,
        kind: ObjectKind,
        names: &[(Name, Name)],
        if_exists: bool,
        behavior: DropBehavior,
    ) -> Result<()> {
        match kind {
            ObjectKind::Table => self.drop_relations("TABLE", names, if_exists, behavior),
            ObjectKind::View => self.drop_relations("VIEW", names, if_exists, behavior),
            ObjectKind::MaterializedView => self.drop_relations("MATERIALIZED VIEW", names, if_exists, behavior),
            ObjectKind::Sequence => self.drop_relations("SEQUENCE", names, if_exists, behavior),
            ObjectKind::Index => self.drop_indexes(names, if_exists, behavior),
            ObjectKind::Namespace => self.drop_namespaces(names, if_exists, behavior),
            ObjectKind::Type => self.drop_types("TYPE", names, if_exists, behavior),
            ObjectKind::Domain => self.drop_types("DOMAIN", names, if_exists, behavior),
            ObjectKind::Role => {
                let names: Vec<Name> = names.iter().map(|(_, name)| name.clone()).collect();
                self.drop_roles(&names, if_exists)
            }
            ObjectKind::Extension => self.drop_extensions(names, if_exists, behavior),
            ObjectKind::Column | ObjectKind::Constraint | ObjectKind::Policy | ObjectKind::Database => {
                Err(Error::unsupported("this form of DROP"))
            }
        }
    }

    fn drop_relations(
        &mut self,
        what: &str,
        names: &[(Name, Name)],
        if_exists: bool,
        behavior: DropBehavior,
    ) -> Result<()> {
        self.tag(&format!("DROP {what}"));
        let lower = what.to_lowercase();
        let mut targets: Vec<Arc<Relation>> = Vec::new();
        for (namespace, name) in names {
            match self.after.relation(namespace, name).cloned() {
                Some(relation) => {
                    if word(&relation) != lower {
                        return Err(wrong_type(name, article(&lower)).hint(format!(
                            "Use DROP {} to remove {}.",
                            word(&relation).to_uppercase(),
                            article(word(&relation))
                        )));
                    }
                    self.may_change(&relation.managed, &lower, name)?;
                    self.is_no_identity(&relation)?;
                    targets.push(relation);
                }
                None if if_exists => {
                    if self.after.namespaces.contains_key(namespace) {
                        self.notice(format!("{lower} \"{name}\" does not exist, skipping"));
                    } else {
                        self.notice(format!("schema \"{namespace}\" does not exist, skipping"));
                    }
                }
                None => {
                    let message = format!("{lower} \"{name}\" does not exist");
                    return Err(Error::new(SqlState::UNDEFINED_TABLE, message));
                }
            }
        }
        self.drop_with_dependents(&targets, behavior)
    }

    /// Drops these relations together: what depends on one of them may be another of them.
    pub fn drop_with_dependents(&mut self, targets: &[Arc<Relation>], behavior: DropBehavior) -> Result<()> {
        self.drop_all(targets, Vec::new(), behavior)
    }

    /// Drops what depends on a part of a relation that stays, each with the relation, and what depends on that.
    pub fn drop_dependents(&mut self, first: Vec<(Dependent, Arc<Relation>)>) -> Result<()> {
        self.drop_all(&[], first, DropBehavior::Cascade)
    }

    /// What depends on these relations, and on what depends already: all relations that go, and all dependents with what they depend on.
    pub fn gather(
        &self,
        targets: &[Arc<Relation>],
        mut dependents: Vec<(Dependent, Arc<Relation>)>,
    ) -> (Vec<Arc<Relation>>, BTreeSet<Oid>, Vec<(Dependent, Arc<Relation>)>) {
        let views = dependents.iter().filter_map(|(dependent, _)| match dependent {
            Dependent::View(view) => Some(Arc::clone(view)),
            _ => None,
        });
        let mut order: Vec<Arc<Relation>> = targets.iter().cloned().chain(views).collect();
        let mut going: BTreeSet<Oid> = order.iter().map(|r| r.oid).collect();
        let mut at = 0;
        while let Some(relation) = order.get(at).cloned() {
            at += 1;
            // Partitions go with their table, and nobody is told.
            for partition in self.after.partitions(relation.oid) {
                if going.insert(partition.oid) {
                    order.push(partition.clone());
                }
            }
            // As its columns' sequences do, but others may draw from them.
            for sequence in self.owned_sequences(relation.oid) {
                if going.insert(sequence.oid) {
                    order.push(sequence);
                }
            }
            for dependent in self.dependents(&relation) {
                let known = |(other, _): &(Dependent, Arc<Relation>)| dependent.is_part(other);
                let gone = match &dependent {
                    Dependent::ForeignKey { child, .. } => going.contains(&child.oid) || dependents.iter().any(known),
                    Dependent::Policy { table, .. } | Dependent::Default { table, .. } => {
                        going.contains(&table.oid) || dependents.iter().any(known)
                    }
                    Dependent::View(r) => !going.insert(r.oid),
                    Dependent::Function(f, _) => !going.insert(f.oid),
                };
                if gone {
                    continue;
                }
                if let Dependent::View(r) = &dependent {
                    order.push(r.clone());
                }
                dependents.push((dependent, relation.clone()));
            }
        }
        (order, going, dependents)
    }

    fn drop_all(
        &mut self,
        targets: &[Arc<Relation>],
        first: Vec<(Dependent, Arc<Relation>)>,
        behavior: DropBehavior,
    ) -> Result<()> {
        let (order, going, dependents) = self.gather(targets, first);
        for relation in &order {
            self.row_type_is_not_used(relation, &going, behavior)?;
        }
        if !dependents.is_empty() && behavior == DropBehavior::Restrict {
            return Err(still_needed(targets, &dependents));
        }
        self.cascade_notice(&dependents.iter().map(|(d, _)| d.describe()).collect::<Vec<_>>());
        for (dependent, _) in &dependents {
            match dependent {
                Dependent::ForeignKey { child, name } => self.drop_foreign_key(child.oid, name)?,
                Dependent::View(_) => {}
                Dependent::Function(function, _) => {
                    if let Some(function) = self.after.function_by_oid(function.oid).cloned() {
                        self.drop_functions(&[function], DropBehavior::Cascade)?;
                    }
                }
                Dependent::Policy { table, name } => {
                    let (namespace, of) = (table.namespace.clone(), table.name.clone());
                    let tag = self.plan.tag.clone();
                    self.drop_policy(&namespace, &of, name, true)?;
                    self.tag(&tag);
                }
                Dependent::Default { table, column } => self.drop_default(table.oid, column),
            }
        }
        let mut roots: Vec<Arc<Relation>> = Vec::new();
        for relation in order.iter().filter(|r| r.is_partition()) {
            let root = Arc::clone(self.after.partition_root(relation));
            let above_goes = relation.partition_parent().is_some_and(|parent| going.contains(&parent));
            // Those of a table that goes with them go with it.
            if !above_goes {
                self.may_change(&root.managed, "table", &root.name)?;
                self.empty_partition(relation)?;
                self.plan.moved.push(root.oid);
                roots.retain(|r| r.oid != root.oid);
                roots.push(root);
            }
        }
        for relation in order {
            // A function that went may have taken a view along.
            if self.after.relation_by_oid(relation.oid).is_some() {
                self.drop_relation(&relation);
            }
        }
        for root in roots.iter().filter(|root| !going.contains(&root.oid)) {
            self.note_tree(root);
            self.nobody_refers_to_what_went(root)?;
        }
        Ok(())
    }

    pub fn drop_relation(&mut self, relation: &Relation) {
        match &relation.kind {
            RelationKind::Table | RelationKind::MaterializedView { .. } => {
                if !relation.is_partition() {
                    self.command(format!("DROP TABLE {}", table_name(relation)));
                }
                self.forget_loads(relation);
                for sequence in self.owned_sequences(relation.oid) {
                    self.forget_count(sequence.oid);
                    self.change(Change::DropRelation(sequence.oid));
                }
            }
            RelationKind::Sequence(_) => self.forget_count(relation.oid),
            RelationKind::View { .. } | RelationKind::Composite | RelationKind::System => {}
        }
        self.change(Change::DropRelation(relation.oid));
    }

    /// The rows are gone: what brought them may do so again.
    pub fn forget_loads(&mut self, relation: &Relation) {
        if !relation.temporary {
            self.command(super::loads::forget(relation.oid));
        }
    }

    /// A sequence that goes: so does what the engine counts for it.
    pub fn forget_count(&mut self, sequence: Oid) {
        if let Some(RelationKind::Sequence(definition)) = self.after.relation_by_oid(sequence).map(|r| &r.kind) {
            self.plan.forgotten.push(definition.count_of(sequence));
        }
    }

    pub fn dependents(&self, relation: &Relation) -> Vec<Dependent> {
        let mut found = Vec::new();
        match &relation.kind {
            RelationKind::Table => {
                for (child, name) in self.referencing(relation.oid) {
                    found.push(Dependent::ForeignKey { child, name });
                }
            }
            RelationKind::Sequence(_) => {
                found.extend(self.default_users(relation));
            }
            RelationKind::View { .. }
            | RelationKind::MaterializedView { .. }
            | RelationKind::Composite
            | RelationKind::System => {}
        }
        found.extend(self.views_on(relation).into_iter().map(Dependent::View));
        let rows = [relation.row_type, relation.row_array_type];
        let mut functions = self.functions_with(&rows);
        functions.extend(self.functions_on(&[relation.oid], &relation.name));
        found.extend(functions.into_iter().map(|f| {
            let signature = self.signature(&f);
            Dependent::Function(f, signature)
        }));
        let policies = self.policies_on(relation).into_iter();
        found.extend(policies.map(|(table, name)| Dependent::Policy { table, name }));
        found
    }

    /// The defaults that draw from this sequence, and the column whose identity it is.
    fn default_users(&self, sequence: &Relation) -> Vec<Dependent> {
        let mut tables: Vec<_> = self.after.relations.values().filter(|r| !r.columns.is_empty()).collect();
        tables.sort_by_key(|r| r.oid);
        let of_table = |table: &Arc<Relation>| {
            let columns = table.columns.iter().filter(|c| self.draws_from(c, sequence));
            let made = |c: &Column| Dependent::Default { table: Arc::clone(table), column: c.name.clone() };
            columns.map(made).collect::<Vec<_>>()
        };
        tables.into_iter().flat_map(of_table).collect()
    }

    /// What a sequence's column needs it for goes with the column only (DEPENDENCY_INTERNAL).
    fn is_no_identity(&self, sequence: &Relation) -> Result<()> {
        let RelationKind::Sequence(definition) = &sequence.kind else { return Ok(()) };
        let Some((table, column)) = definition.owned_by else { return Ok(()) };
        let Some(table) = self.after.relation_by_oid(table) else { return Ok(()) };
        match table.column_by_num(column).filter(|c| c.identity.is_some_and(|i| i.sequence == sequence.oid)) {
            None => Ok(()),
            Some(column) => {
                let of = format!("column {} of table {}", column.name, table.name);
                let message = format!("cannot drop sequence {} because {of} requires it", sequence.name);
                Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
                    .hint(format!("You can drop {of} instead.")))
            }
        }
    }

    /// CASCADE takes a default that draws from what goes.
    fn drop_default(&mut self, table: Oid, column: &Name) {
        let Some(mut table) = self.after.relation_by_oid(table).map(|table| (**table).clone()) else { return };
        table.columns.iter_mut().filter(|c| c.name == *column).for_each(|c| c.default = None);
        self.put_relation(table);
    }

    pub fn drop_foreign_key(&mut self, child: Oid, name: &Name) -> Result<()> {
        let Some(old) = self.after.relation_by_oid(child).cloned() else { return Ok(()) };
        self.may_change(&old.managed, "table", &old.name)?;
        let mut new = (*old).clone();
        new.constraints.retain(|c| c.name != *name);
        let mut gone: Vec<Oid> = old.constraints.iter().filter(|c| c.name == *name).map(|c| c.oid).collect();
        self.put_relation(new);
        for partition in self.children_of(&old) {
            let goes = |c: &crate::registry::Constraint| c.parent.is_some_and(|above| gone.contains(&above));
            let more: Vec<Oid> = partition.constraints.iter().filter(|c| goes(c)).map(|c| c.oid).collect();
            let constraints = partition.constraints.iter().filter(|c| !goes(c)).cloned().collect();
            self.put_relation(Relation { constraints, ..partition });
            gone.extend(more);
        }
        Ok(())
    }

    pub fn cascade_notice(&mut self, dropped: &[String]) {
        match dropped {
            [] => {}
            [one] => self.notice(format!("drop cascades to {one}")),
            many => {
                let mut report = Report::notice(format!("drop cascades to {} other objects", many.len()));
                let lines: Vec<String> = many.iter().map(|d| format!("drop cascades to {d}")).collect();
                report.detail = Some(lines.join("\n"));
                self.plan.notices.push(report);
            }
        }
    }

    fn drop_indexes(&mut self, names: &[(Name, Name)], if_exists: bool, behavior: DropBehavior) -> Result<()> {
        self.tag("DROP INDEX");
        let going = names.iter().filter_map(|(namespace, name)| self.after.index(namespace, name));
        let keys = going.map(|(table, index)| (index.name.clone(), self.resting_on(table, index)));
        let keys: Vec<_> = keys.filter(|(_, keys)| !keys.is_empty()).collect();
        for (namespace, name) in names {
            let Some((table, index)) = self.after.index(namespace, name).map(|(t, i)| (t.clone(), i.clone())) else {
                if if_exists {
                    self.notice(format!("index \"{name}\" does not exist, skipping"));
                    continue;
                }
                return Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("index \"{name}\" does not exist")));
            };
            self.may_change(&table.managed, "table", &table.name)?;
            if index.of_constraint {
                let message =
                    format!("cannot drop index {name} because constraint {name} on table {} requires it", table.name);
                return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
                    .hint(format!("You can drop constraint {name} on table {} instead.", table.name)));
            }
            if let Some(above) = index.parent {
                let objects = self.after.objects();
                let of = objects.indexes.get(&above).and_then(|table| self.after.relation_by_oid(*table));
                let above = of.and_then(|table| table.indexes.iter().find(|i| i.oid == above));
                let above = above.map_or_else(String::new, |i| i.name.to_string());
                let message = format!("cannot drop index {name} because index {above} requires it");
                return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
                    .hint(format!("You can drop index {above} instead.")));
            }
            let below = self.children_of(&table);
            self.no_key_rests_on(&table, name)?;
            if !keys.is_empty() && behavior == DropBehavior::Restrict {
                let what = if names.len() == 1 { format!("index {name}") } else { "desired object(s)".to_owned() };
                return Err(keys_rest(&what, &keys));
            }
            for (child, key) in keys.iter().find(|(index, _)| index == name).map_or(&[][..], |(_, keys)| keys) {
                self.drop_foreign_key(child.oid, key)?;
            }
            let mut table = (**self.after.relation_by_oid(table.oid).unwrap_or(&table)).clone();
            if index.unique && index.is_native() {
                self.command(super::index::drop_native(&table, &index));
            }
            table.indexes.retain(|i| i.oid != index.oid);
            self.put_relation(table);
            let mut gone = vec![index.oid];
            for mut child in below {
                let goes = |i: &crate::registry::Index| i.parent.is_some_and(|above| gone.contains(&above));
                let more: Vec<Oid> = child.indexes.iter().filter(|i| goes(i)).map(|i| i.oid).collect();
                child.indexes.retain(|i| !more.contains(&i.oid));
                gone.extend(more);
                self.put_relation(child);
            }
        }
        let shown: Vec<String> = keys.iter().flat_map(|(_, keys)| shown_keys(keys)).collect();
        self.cascade_notice(&shown);
        Ok(())
    }

    fn drop_namespaces(&mut self, names: &[(Name, Name)], if_exists: bool, behavior: DropBehavior) -> Result<()> {
        self.tag("DROP SCHEMA");
        for (_, name) in names {
            let Some(namespace) = self.after.namespaces.get(name).cloned() else {
                if if_exists {
                    self.notice(format!("schema \"{name}\" does not exist, skipping"));
                    continue;
                }
                return Err(no_namespace(name));
            };
            if namespace.oid != builtin::PUBLIC_NAMESPACE {
                if namespace.managed == Managed::System {
                    let message = format!("cannot drop schema {name} because it is required by the database system");
                    return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message));
                }
                self.may_change(&namespace.managed, "schema", name)?;
            }
            let mut inside: Vec<Arc<Relation>> =
                self.after.relations.values().filter(|r| r.namespace == *name).cloned().collect();
            inside.sort_by_key(|r| r.oid);
            let mut types: Vec<_> = self.after.types.values().filter(|t| t.namespace == *name).cloned().collect();
            types.sort_by_key(|t| t.oid);
            let owned = |r: &Relation| match &r.kind {
                RelationKind::Sequence(s) => s.owned_by.is_some(),
                RelationKind::Table
                | RelationKind::View { .. }
                | RelationKind::MaterializedView { .. }
                | RelationKind::Composite
                | RelationKind::System => false,
            };
            // What the search path finds goes by its own name.
            let found = self.cx.search_path.contains(name);
            let full = |inner: &Name| if found { inner.to_string() } else { format!("{name}.{inner}") };
            let functions = self.functions_in(name);
            let routines = functions.iter().map(|f| format!("{} {}", f.word(), full(&self.signature(f).into())));
            let shown: Vec<String> = inside
                .iter()
                .filter(|r| !owned(r))
                .map(|r| format!("{} {}", word(r), full(&r.name)))
                .chain(types.iter().map(|t| format!("type {}", full(&t.name))))
                .chain(routines)
                .collect();
            let extensions: Vec<_> = self.after.extensions.values().filter(|e| e.namespace == *name).cloned().collect();
            let shown: Vec<String> =
                shown.into_iter().chain(extensions.iter().map(|e| format!("extension {}", e.name))).collect();
            if !shown.is_empty() && behavior == DropBehavior::Restrict {
                let lines: Vec<String> = shown.iter().map(|s| format!("{s} depends on schema {name}")).collect();
                let message = format!("cannot drop schema {name} because other objects depend on it");
                return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
                    .detail(lines.join("\n"))
                    .hint("Use DROP ... CASCADE to drop the dependent objects too."));
            }
            self.types_are_not_used_elsewhere(name, &types)?;
            for relation in &inside {
                self.may_change(&relation.managed, word(relation), &relation.name)?;
            }
            self.cascade_notice(&shown);
            let notices = self.plan.notices.len();
            let tables: Vec<_> = inside.into_iter().filter(|r| !owned(r)).collect();
            self.drop_with_dependents(&tables, DropBehavior::Cascade)?;
            let left = |f: &Arc<Function>| self.after.function_by_oid(f.oid).cloned();
            let functions: Vec<_> = functions.iter().filter_map(left).collect();
            self.drop_functions(&functions, DropBehavior::Cascade)?;
            self.plan.notices.truncate(notices);
            for ty in types {
                self.change(Change::DropType(ty.oid));
            }
            for extension in extensions {
                self.change(Change::DropExtension(extension.oid));
            }
            if namespace.oid != builtin::PUBLIC_NAMESPACE {
                // Files from before there were numbers have one.
                self.command(format!("DROP SCHEMA IF EXISTS {}", ident(name)));
            }
            self.forget_defaults(namespace.oid);
            self.change(Change::DropNamespace(namespace.oid));
        }
        Ok(())
    }

    /// Columns of tables elsewhere, and texts of theirs, may use the types of a namespace that goes.
    fn types_are_not_used_elsewhere(&self, namespace: &Name, types: &[Arc<UserType>]) -> Result<()> {
        for ty in types {
            let users = self.columns_of_type(&[ty.oid, ty.array_oid]);
            if let Some((table, column)) = users.iter().find(|(table, _)| table.namespace != *namespace) {
                return Err(Error::unsupported(
                    "DROP SCHEMA … CASCADE with tables of other schemas that use its types",
                )
                .detail(format!("column {column} of table {} uses type {}.", table.name, ty.name))
                .hint("Drop these first."));
            }
        }
        Ok(())
    }
}

fn still_needed(targets: &[Arc<Relation>], dependents: &[(Dependent, Arc<Relation>)]) -> Error {
    let message = match targets {
        [one] => format!("cannot drop {} {} because other objects depend on it", word(one), one.name),
        _ => "cannot drop desired object(s) because other objects depend on them".to_owned(),
    };
    let lines = dependents.iter().map(|(d, on)| depends_on(d, on));
    Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
        .detail(lines.collect::<Vec<_>>().join("\n"))
        .hint("Use DROP ... CASCADE to drop the dependent objects too.")
}

/// How RESTRICT's detail says it.
pub fn depends_on(dependent: &Dependent, on: &Relation) -> String {
    match dependent {
        Dependent::Function(f, _)
            if f.parameters.iter().map(|p| p.ty).chain([f.result]).any(|ty| ty == on.row_type) =>
        {
            format!("{} depends on type {}", dependent.describe(), on.name)
        }
        Dependent::ForeignKey { .. }
        | Dependent::View(_)
        | Dependent::Function(..)
        | Dependent::Policy { .. }
        | Dependent::Default { .. } => {
            format!("{} depends on {} {}", dependent.describe(), word(on), on.name)
        }
    }
}

fn article(word: &str) -> &'static str {
    match word {
        "view" => "a view",
        "materialized view" => "a materialized view",
        "sequence" => "a sequence",
        "index" => "an index",
        "type" => "a type",
        _ => "a table",
    }
}

/// 2BP01 for an index, or a constraint, that foreign keys rest on: the keys of each index.
pub(super) fn keys_rest(what: &str, keys: &[(Name, Vec<(Arc<Relation>, Name)>)]) -> Error {
    let of = |index: &Name, keys: &[(Arc<Relation>, Name)]| {
        shown_keys(keys).into_iter().map(|key| format!("{key} depends on index {index}")).collect::<Vec<_>>()
    };
    let lines: Vec<String> = keys.iter().flat_map(|(index, keys)| of(index, keys)).collect();
    let objects = if what.starts_with("desired") { "them" } else { "it" };
    let message = format!("cannot drop {what} because other objects depend on {objects}");
    Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
        .detail(lines.join("\n"))
        .hint("Use DROP ... CASCADE to drop the dependent objects too.")
}

pub(super) fn shown_keys(keys: &[(Arc<Relation>, Name)]) -> Vec<String> {
    keys.iter().map(|(child, key)| format!("constraint {key} on table {}", child.name)).collect()
}
