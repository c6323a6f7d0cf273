//! What goes with what is dropped: RESTRICT's errors and CASCADE's notices as PostgreSQL words them, and its carrying out.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::alter::word;
use super::depends::{Going, Graph, Object};
use super::planner::Planner;
use crate::error::{Error, Report, Result, SqlState};
use crate::registry::expression::quote;
use crate::registry::{Change, Name, Relation, RelationKind, UserTypeKind};
use crate::tree::{AlterAttribute, AlterTable, DropBehavior};
use crate::types::name::format_type;
use crate::types::{Oid, PgType};

/// How many dependents messages show (MAX_REPORTED_DEPS).
const SHOWN: usize = 100;

impl Planner<'_> {
    /// What depends on what, as the schema is now.
    pub fn graph(&self) -> Graph {
        Graph::new(self.after.clone(), self.cx)
    }

    /// Drops these objects together, and with CASCADE what depends on them.
    ///
    /// # Errors
    /// 2BP01 with RESTRICT if something does.
    pub fn drop_together(&mut self, asked: &[Object], behavior: DropBehavior) -> Result<()> {
        let graph = self.graph();
        let going = graph.going(asked);
        if behavior == DropBehavior::Restrict {
            let what = match asked {
                [one] => self.describe(one, &graph),
                _ => String::new(),
            };
            self.nothing_needs(&what, &going, std::iter::empty(), &graph)?;
        }
        self.tell_what_goes(&going, std::iter::empty(), &graph);
        self.carry_away(going, &graph, asked)
    }

    /// 2BP01 if something depends on what goes, or `others` do. `what` is that; nothing if it is several.
    pub fn nothing_needs(
        &self,
        what: &str,
        going: &[Going],
        others: impl Iterator<Item = String>,
        graph: &Graph,
    ) -> Result<()> {
        let lines: Vec<String> = self.needs(going, graph).into_iter().chain(others).collect();
        if lines.is_empty() {
            return Ok(());
        }
        let message = match what {
            "" => "cannot drop desired object(s) because other objects depend on them".to_owned(),
            what => format!("cannot drop {what} because other objects depend on it"),
        };
        Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
            .detail(detail(&lines))
            .hint("Use DROP ... CASCADE to drop the dependent objects too."))
    }

    /// `view v depends on table t`, of each that does not go without a word.
    pub fn needs(&self, going: &[Going], graph: &Graph) -> Vec<String> {
        let told = going.iter().rev().filter(|g| !g.quiet);
        let line = |g: &Going| {
            let on = g.on.as_ref().map(|on| self.describe(on, graph)).unwrap_or_default();
            format!("{} depends on {on}", self.describe(&g.object, graph))
        };
        told.map(line).collect()
    }

    /// What depends on a column or attribute that is about to go, without it: 2BP01, or it goes, too.
    pub fn without_dependents(&mut self, object: Object, behavior: DropBehavior) -> Result<()> {
        let graph = self.graph();
        let mut going = graph.going(std::slice::from_ref(&object));
        going.retain(|g| g.object != object);
        if behavior == DropBehavior::Restrict {
            self.nothing_needs(&self.describe(&object, &graph), &going, std::iter::empty(), &graph)?;
        }
        self.tell_what_goes(&going, std::iter::empty(), &graph);
        self.carry_away(going, &graph, &[object])
    }

    /// CASCADE's notice.
    pub fn tell_what_goes(&mut self, going: &[Going], others: impl Iterator<Item = String>, graph: &Graph) {
        let told = going.iter().rev().filter(|g| !g.quiet);
        let shown: Vec<String> = told.map(|g| self.describe(&g.object, graph)).chain(others).collect();
        self.cascade_notice(&shown);
    }

    pub fn cascade_notice(&mut self, dropped: &[String]) {
        match dropped {
            [] => {}
            [one] => self.notice(format!("drop cascades to {one}")),
            many => {
                let mut report = Report::notice(format!("drop cascades to {} other objects", many.len()));
                let lines: Vec<String> = many.iter().map(|d| format!("drop cascades to {d}")).collect();
                report.detail = Some(detail(&lines));
                self.plan.notices.push(report);
            }
        }
    }

    /// How messages call an object (getObjectDescription).
    pub fn describe(&self, object: &Object, graph: &Graph) -> String {
        let snapshot = graph.snapshot();
        let seen = self.cx.seen().over(Arc::clone(snapshot));
        let named = |namespace: &str, name: &str| match seen.finds_name(namespace, name) {
            true => quote(name),
            false => format!("{}.{}", quote(namespace), quote(name)),
        };
        let relation = |oid: Oid| match snapshot.relation_by_oid(oid) {
            Some(r) => {
                let word = if matches!(r.kind, RelationKind::Composite) { "composite type" } else { word(r) };
                format!("{word} {}", named(&r.namespace, &r.name))
            }
            None => format!("relation {oid}"),
        };
        let part = |of: Oid, find: &dyn Fn(&Relation) -> Option<Name>| {
            let name = snapshot.relation_by_oid(of).and_then(|r| find(r));
            (name.unwrap_or_default(), relation(of))
        };
        let column = |of: Oid, num: i16| {
            let (name, of) = part(of, &|r| r.column_by_num(num).map(|c| c.name.clone()));
            format!("column {name} of {of}")
        };
        match object {
            Object::Namespace(name) => format!("schema {}", quote(name)),
            Object::Relation(oid) => match snapshot.relation_by_oid(*oid) {
                Some(r) if matches!(r.kind, RelationKind::Composite) => {
                    format!("type {}", format_type(PgType::new(r.row_type), &seen))
                }
                _ => relation(*oid),
            },
            Object::Column(of, num) => column(*of, *num),
            Object::Default(of, num) => format!("default value for {}", column(*of, *num)),
            Object::Mask(of, _) => format!("a mask of {}", relation(*of)),
            Object::Constraint(of, oid) => {
                let (name, of) = part(*of, &|r| r.constraints.iter().find(|c| c.oid == *oid).map(|c| c.name.clone()));
                format!("constraint {name} on {of}")
            }
            Object::Policy(of, oid) => {
                let (name, of) =
                    part(*of, &|r| r.rules.policies.iter().find(|p| p.oid == *oid).map(|p| p.name.clone()));
                format!("policy {name} on {of}")
            }
            Object::Index(of, oid) => {
                let index = snapshot.relation_by_oid(*of).and_then(|r| {
                    let index = r.indexes.iter().find(|i| i.oid == *oid)?;
                    Some(named(&r.namespace, &index.name))
                });
                format!("index {}", index.unwrap_or_default())
            }
            Object::Type(oid) => format!("type {}", format_type(PgType::new(*oid), &seen)),
            Object::DomainCheck(_, name) => format!("constraint {name}"),
            Object::Function(oid) => match snapshot.function_by_oid(*oid) {
                Some(function) => {
                    let types = function.args.iter().map(|ty| format_type(PgType::new(*ty), &seen));
                    let types = types.collect::<Vec<_>>().join(",");
                    let namespace = match seen.finds_these(function) {
                        true => String::new(),
                        false => format!("{}.", quote(&function.namespace)),
                    };
                    format!("{} {namespace}{}({types})", function.word(), quote(&function.name))
                }
                None => format!("function {}", crate::facts::PROCS.by_oid(*oid).map_or("", |p| p.name)),
            },
        }
    }

    /// Drops what goes, each after what depends on it. What was not asked for has to be the session's to change.
    pub fn carry_away(&mut self, going: Vec<Going>, graph: &Graph, asked: &[Object]) -> Result<()> {
        for Going { object, .. } in going.iter().filter(|g| !asked.contains(&g.object)) {
            self.may_go(object, graph)?;
        }
        let whole: BTreeSet<Oid> = going
            .iter()
            .filter_map(|g| match &g.object {
                Object::Relation(oid) => Some(*oid),
                _ => None,
            })
            .collect();
        let (tag, told) = (self.plan.tag.clone(), self.plan.notices.len());
        let mut roots: Vec<Arc<Relation>> = Vec::new();
        for Going { object, of_column, .. } in going {
            // What is a part of what goes goes with it.
            if of_column || object.whole().is_some_and(|of| whole.contains(&of)) {
                continue;
            }
            self.carry_off(&object, &whole, &mut roots)?;
            self.plan.notices.truncate(told);
        }
        self.tag(&tag);
        for root in roots.iter().filter(|root| !whole.contains(&root.oid)) {
            self.note_tree(root);
            self.nobody_refers_to_what_went(root)?;
        }
        Ok(())
    }

    fn may_go(&self, object: &Object, graph: &Graph) -> Result<()> {
        let snapshot = graph.snapshot();
        if let Object::Mask(..) = object {
            let what = self.describe(object, graph);
            return Err(Error::unsupported("DROP … CASCADE of what a mask needs")
                .detail(format!("{what} does."))
                .hint("Drop the mask first."));
        }
        let relation = match object {
            Object::Relation(oid) => Some(*oid),
            other => other.whole(),
        };
        if let Some(relation) = relation.and_then(|oid| snapshot.relation_by_oid(oid)) {
            // PostgreSQL lets whoever owns what a policy names take the policy away; it may be one that keeps rows from them.
            let role = self.cx.role;
            let owns = snapshot.is_superuser(role) || snapshot.effective_roles(role).contains(&relation.owner);
            if matches!(object, Object::Policy(..)) && !owns && !self.for_files {
                let message = format!("must be owner of table {}", relation.name);
                let what = self.describe(object, graph);
                return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
                    .detail(format!("It would be without {what}.")));
            }
            // A partition is managed with its root.
            let root = snapshot.partition_root(relation);
            return self.may_change(&root.managed, word(relation), &relation.name);
        }
        match object {
            Object::Type(oid) | Object::DomainCheck(oid, _) => match snapshot.user_type_by_oid(*oid) {
                Some(ty) => self.may_change(&ty.managed, "type", &ty.name),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn carry_off(&mut self, object: &Object, whole: &BTreeSet<Oid>, roots: &mut Vec<Arc<Relation>>) -> Result<()> {
        let (snapshot, cascade) = (self.after.clone(), DropBehavior::Cascade);
        let of = object.whole().and_then(|of| snapshot.relation_by_oid(of)).cloned();
        match (object, of) {
            (Object::Relation(oid), _) => {
                let Some(relation) = snapshot.relation_by_oid(*oid).cloned() else { return Ok(()) };
                // Those of a table that goes with them go with it.
                if relation.partition_parent().is_some_and(|parent| !whole.contains(&parent)) {
                    let root = Arc::clone(snapshot.partition_root(&relation));
                    self.may_change(&root.managed, "table", &root.name)?;
                    self.empty_partition(&relation)?;
                    self.plan.moved.push(root.oid);
                    roots.retain(|r| r.oid != root.oid);
                    roots.push(root);
                }
                self.drop_relation(&relation);
            }
            (Object::Column(_, num), Some(of)) => {
                let Some(name) = of.column_by_num(*num).map(|c| c.name.clone()) else { return Ok(()) };
                if matches!(of.kind, RelationKind::Composite) {
                    let gone = AlterAttribute::Drop { name, if_exists: true, behavior: cascade };
                    return self.alter_composite(&of.namespace, &of.name, &[gone]);
                }
                // A partition's goes with its root's.
                if !of.is_partition() {
                    let gone = AlterTable::DropColumn { name, if_exists: true, behavior: cascade };
                    self.alter_real_table(of, &[gone], false)?;
                }
            }
            (Object::Default(of, num), _) => self.drop_default(*of, *num),
            (Object::Constraint(_, oid), Some(of)) => {
                if let Some(constraint) = of.constraints.iter().find(|c| c.oid == *oid) {
                    self.drop_table_constraint(of.oid, &constraint.name)?;
                }
            }
            (Object::Index(_, oid), Some(of)) => {
                // A partition's goes with its parent's.
                if let Some(index) = of.indexes.iter().find(|i| i.oid == *oid && i.parent.is_none()) {
                    self.drop_indexes(&[(of.namespace.clone(), index.name.clone())], true, cascade)?;
                }
            }
            (Object::Policy(_, oid), Some(of)) => {
                if let Some(policy) = of.rules.policies.iter().find(|p| p.oid == *oid) {
                    self.drop_policy(&of.namespace, &of.name, &policy.name, true)?;
                }
            }
            (Object::Type(oid), _) => {
                // Arrays and row types are no objects of their own.
                if snapshot.user_type_by_oid(*oid).is_some_and(|ty| ty.oid == *oid) {
                    self.change(Change::DropType(*oid));
                }
            }
            (Object::DomainCheck(oid, name), _) => {
                if let Some(ty) = snapshot.user_type_by_oid(*oid) {
                    let mut ty = (**ty).clone();
                    ty.constraint_comments.retain(|(n, _)| n != name);
                    if let UserTypeKind::Domain { checks, .. } = &mut ty.kind {
                        checks.retain(|(n, _)| n != name);
                    }
                    self.put_type(ty);
                }
            }
            (Object::Function(oid), _) => {
                if snapshot.function_by_oid(*oid).is_some() {
                    self.change(Change::DropFunction(*oid));
                }
            }
            (Object::Column(..) | Object::Constraint(..) | Object::Index(..) | Object::Policy(..), None)
            | (Object::Mask(..) | Object::Namespace(_), _) => {}
        }
        Ok(())
    }

    /// CASCADE takes a default that draws from what goes.
    fn drop_default(&mut self, table: Oid, num: i16) {
        let Some(mut table) = self.after.relation_by_oid(table).map(|table| (**table).clone()) else { return };
        table.columns.iter_mut().filter(|c| c.num == num).for_each(|c| c.default = None);
        self.put_relation(table);
    }
}

fn detail(lines: &[String]) -> String {
    let mut shown = lines[..lines.len().min(SHOWN)].join("\n");
    if lines.len() > SHOWN {
        let more = lines.len() - SHOWN;
        let objects = if more == 1 { "object" } else { "objects" };
        shown.push_str(&format!("\nand {more} other {objects} (see server log for list)"));
    }
    shown
}
