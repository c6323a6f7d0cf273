//! DROP of relations, indexes and schemas; what goes with them is `cascade`'s to say.

use std::sync::Arc;

use super::depends::Object;

use super::alter::{word, wrong_type};
use super::physical::{ident, table_name};
use super::planner::{Planner, no_namespace};
use crate::error::{Error, Result, SqlState};
use crate::registry::expression::quote;
use crate::registry::{Change, Managed, Name, Relation, RelationKind, builtin};
use crate::tree::{DropBehavior, ObjectKind};
use crate::types::Oid;

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
            ObjectKind::Database => self.drop_absent_databases(names, if_exists),
            ObjectKind::Column | ObjectKind::Constraint | ObjectKind::Policy => {
                Err(Error::unsupported("this form of DROP"))
            }
        }
    }

    /// There is but one, which is open.
    fn drop_absent_databases(&mut self, names: &[(Name, Name)], if_exists: bool) -> Result<()> {
        self.tag("DROP DATABASE");
        for (_, name) in names {
            if *name == self.after.database {
                return Err(Error::new(SqlState::OBJECT_IN_USE, "cannot drop the currently open database"));
            }
            let message = format!("database \"{name}\" does not exist");
            if !if_exists {
                return Err(Error::new(SqlState::UNDEFINED_DATABASE, message));
            }
            self.notice(format!("{message}, skipping"));
        }
        Ok(())
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
        let asked: Vec<Object> = targets.iter().map(|r| Object::Relation(r.oid)).collect();
        self.drop_together(&asked, behavior)
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

    /// A CHECK or a foreign key that is none of a partition alone.
    pub fn drop_table_constraint(&mut self, child: Oid, name: &Name) -> Result<()> {
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

    pub fn drop_indexes(&mut self, names: &[(Name, Name)], if_exists: bool, behavior: DropBehavior) -> Result<()> {
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
                if let Some(relation) = self.after.relation(namespace, name) {
                    return Err(wrong_type(name, "an index").hint(format!(
                        "Use DROP {} to remove {}.",
                        word(relation).to_uppercase(),
                        article(word(relation))
                    )));
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
                self.drop_table_constraint(child.oid, key)?;
            }
            let mut table = (**self.after.relation_by_oid(table.oid).unwrap_or(&table)).clone();
            if index.unique && index.is_native(&table, &self.after) {
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
        let mut namespaces = Vec::new();
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
            namespaces.push(namespace);
        }
        let within = |namespace: &Name| namespaces.iter().any(|n| n.name == *namespace);
        let extensions: Vec<_> = self.after.extensions.values().filter(|e| within(&e.namespace)).cloned().collect();
        let asked: Vec<Object> = namespaces.iter().map(|n| Object::Namespace(n.name.clone())).collect();
        let graph = self.graph();
        let going = graph.going(&asked);
        let of_extension = |e: &Arc<crate::registry::extension::Extension>| format!("extension {}", e.name);
        if behavior == DropBehavior::Restrict {
            let needs = |e| format!("{} depends on schema {}", of_extension(e), quote(&e.namespace));
            let what = match asked.as_slice() {
                [one] => self.describe(one, &graph),
                _ => String::new(),
            };
            self.nothing_needs(&what, &going, extensions.iter().map(needs), &graph)?;
        }
        self.tell_what_goes(&going, extensions.iter().map(of_extension), &graph);
        self.carry_away(going, &graph, &asked)?;
        for extension in extensions {
            self.change(Change::DropExtension(extension.oid));
        }
        for namespace in namespaces {
            if namespace.oid != builtin::PUBLIC_NAMESPACE {
                // Files from before there were numbers have one.
                self.command(format!("DROP SCHEMA IF EXISTS {}", ident(&namespace.name)));
            }
            self.forget_defaults(namespace.oid);
            self.change(Change::DropNamespace(namespace.oid));
        }
        Ok(())
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
