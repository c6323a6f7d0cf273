//! Deferred constraints: foreign keys INITIALLY DEFERRED are checked at COMMIT, or when SET CONSTRAINTS asks for it.
//!
//! DuckDB does not know them, so the rows of two transactions are kept apart here too: those that change either side of
//! such a key commit one after the other, and fail with 40001 if the other side was changed meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::OwnedMutexGuard;

use super::constraint::{Reader, may_read};
use super::execute::{Done, guarded};
use super::front::Front;
use super::session::Session;
use super::transaction;
use crate::engine::{Change, Outcome, Run, Writes};
use crate::error::{Error, Result, SqlState};
use crate::registry::{Constraint, ConstraintKind, Name, Relation, Snapshot};
use crate::sql::ddl::deferred;
use crate::types::{self, Oid, Phys, Value};

/// A foreign key that is checked late.
pub struct DeferredKey {
    child: Arc<Relation>,
    constraint: Constraint,
    columns: Vec<i16>,
    parent: Oid,
    target_columns: Vec<i16>,
}

/// Tables that a transaction has changed, and how.
pub type Touched = BTreeMap<Oid, Change>;

pub fn touch(touched: &mut Touched, writes: Writes) {
    if let Writes::Table(oid, change) = writes {
        let known = touched.entry(oid).or_default();
        known.in_place |= change.in_place;
        known.removes |= change.removes;
    }
}

fn keys(snapshot: &Snapshot) -> Vec<DeferredKey> {
    let of = |child: &Arc<Relation>| {
        let late = child.constraints.iter().filter(|c| c.initially_deferred);
        let key = |c: &Constraint| match &c.kind {
            ConstraintKind::ForeignKey { columns, target, target_columns, .. } => Some(DeferredKey {
                child: child.clone(),
                constraint: c.clone(),
                columns: columns.clone(),
                parent: *target,
                target_columns: target_columns.clone(),
            }),
            ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. } | ConstraintKind::Check { .. } => None,
        };
        late.filter_map(key).collect::<Vec<_>>()
    };
    snapshot.relations.values().flat_map(of).collect()
}

impl DeferredKey {
    /// Whether the changes may have broken it: new keys of the child, keys taken from the parent.
    fn concerns(&self, touched: &Touched) -> bool {
        touched.contains_key(&self.child.oid) || touched.get(&self.parent).is_some_and(|change| change.removes)
    }

    fn broken(&self, parent: &Relation, touched: &Touched, values: &[String], reader: Reader<'_>) -> Error {
        let (child, name) = (&self.child, &self.constraint.name);
        // The key may be of a row that somebody else wrote.
        let key = |relation: &Relation, columns: &[i16]| {
            if !may_read(reader, relation, columns) {
                return "Key".to_owned();
            }
            let names = columns.iter().filter_map(|n| relation.column_by_num(*n)).map(|c| c.name.to_string());
            format!("Key ({})=({})", names.collect::<Vec<_>>().join(", "), values.join(", "))
        };
        let removed = touched.get(&parent.oid).is_some_and(|change| change.removes);
        let (message, detail) = if removed && !touched.contains_key(&child.oid) {
            (
                format!(
                    "update or delete on table \"{}\" violates foreign key constraint \"{name}\" on table \"{}\"",
                    parent.name, child.name
                ),
                format!("{} is still referenced from table \"{}\".", key(parent, &self.target_columns), child.name),
            )
        } else {
            (
                format!("insert or update on table \"{}\" violates foreign key constraint \"{name}\"", child.name),
                format!("{} is not present in table \"{}\".", key(child, &self.columns), parent.name),
            )
        };
        Error::new(SqlState::FOREIGN_KEY_VIOLATION, message)
            .detail(detail)
            .table(&*child.namespace, &*child.name)
            .constraint(&**name)
    }
}

impl Session {
    fn deferred_keys(&mut self) -> Arc<[DeferredKey]> {
        let snapshot = self.snapshot();
        match &self.deferred {
            Some((version, keys)) if *version == snapshot.version => keys.clone(),
            _ => {
                let found: Arc<[DeferredKey]> = keys(&snapshot).into();
                self.deferred = Some((snapshot.version, found.clone()));
                found
            }
        }
    }

    /// Whether a statement that writes this table has to be in a transaction of the session's, to be checked before COMMIT.
    pub(super) fn is_checked_late(&mut self, table: Option<Oid>) -> bool {
        let Some(table) = table else { return false };
        self.deferred_keys().iter().any(|key| key.child.oid == table || key.parent == table)
    }

    /// Before COMMIT: what was deferred holds, and goes on holding until the guard is dropped.
    pub(super) async fn check_deferred(&mut self) -> Result<Option<OwnedMutexGuard<()>>> {
        let keys = self.deferred_keys();
        let Some(active) = self.transaction.active() else { return Ok(None) };
        let (touched, moment) = (active.touched.clone(), active.moment);
        if !keys.iter().any(|key| key.concerns(&touched)) {
            return Ok(None);
        }
        let turn = self.gateway.deferred.clone().lock_owned().await;
        let engine = self.gateway.engine().clone();
        for key in keys.iter().filter(|key| key.concerns(&touched)) {
            let Some(moment) = moment else { continue };
            let orphaned = touched.contains_key(&key.child.oid) && engine.removed_since(moment, key.parent);
            let removed = touched.get(&key.parent).is_some_and(|change| change.removes);
            if orphaned || removed && engine.changed_since(moment, Some(&[key.child.oid])) {
                return Err(Error::new(
                    SqlState::T_R_SERIALIZATION_FAILURE,
                    "could not serialize access due to concurrent update",
                )
                .detail(format!("Another transaction has changed the other side of \"{}\".", key.constraint.name))
                .hint("The transaction might succeed if retried."));
            }
        }
        self.check_keys(&keys, None).await?;
        Ok(Some(turn))
    }

    /// Looks for broken keys among those that were touched, all or those of these constraints.
    async fn check_keys(&mut self, keys: &[DeferredKey], only: Option<&[Oid]>) -> Result<()> {
        let (snapshot, role) = (self.snapshot(), self.role());
        let Some(active) = self.transaction.active() else { return Ok(()) };
        let touched = active.touched.clone();
        let chosen = |key: &&DeferredKey| only.is_none_or(|only| only.contains(&key.constraint.oid));
        for key in keys.iter().filter(chosen).filter(|key| key.concerns(&touched)) {
            let Some(parent) = snapshot.relation_by_oid(key.parent).cloned() else { continue };
            let permit = deferred::orphan(&key.child, &key.columns, &parent, &key.target_columns)?;
            let run = Run {
                time_zone: self.shared.state.lock().settings.acting().engine_zone.clone(),
                deadline: self.deadline,
            };
            let shared = self.shared.clone();
            let lease = self.lease()?;
            let work = lease.connection.execute(&permit, Vec::new(), &run);
            let Outcome::Rows(mut rows) = guarded(None, &shared.interrupt, &lease.canceller, work).await? else {
                return Err(Error::internal("a question without rows"));
            };
            if let Some(batch) = guarded(None, &shared.interrupt, &lease.canceller, rows.next()).await? {
                let value =
                    |column: &arrow::array::ArrayRef| match types::arrow::value_at(column.as_ref(), 0, &Phys::Text) {
                        Value::Text(text) => text.to_string(),
                        _ => "null".into(),
                    };
                let values: Vec<String> = batch.columns().iter().map(value).collect();
                return Err(key.broken(&parent, &touched, &values, (&snapshot, role)));
            }
        }
        Ok(())
    }

    /// After a statement: the constraints that SET CONSTRAINTS … IMMEDIATE has named are checked.
    pub(super) async fn check_immediate(&mut self) -> Result<()> {
        let Some(active) = self.transaction.active() else { return Ok(()) };
        if !active.engine || active.immediate.is_empty() {
            return Ok(());
        }
        let only = active.immediate.clone();
        let keys = self.deferred_keys();
        self.check_keys(&keys, Some(&only)).await
    }

    pub(super) async fn set_constraints(
        &mut self,
        names: &[(Option<Name>, Name)],
        deferred: bool,
        front: &mut dyn Front,
    ) -> Result<Done> {
        if !self.transaction.in_block() {
            self.notice(front, &transaction::only_in_block_warning("SET CONSTRAINTS"));
        }
        let snapshot = self.snapshot();
        let chosen = match names.is_empty() {
            true => deferrable(&snapshot).collect(),
            false => self.named_constraints(&snapshot, names, deferred)?,
        };
        if deferred && chosen.iter().any(|c| !(c.initially_deferred && is_foreign_key(c))) {
            return Err(Error::unsupported("deferring a constraint that is not INITIALLY DEFERRED")
                .hint("Declare the foreign key DEFERRABLE INITIALLY DEFERRED."));
        }
        let oids: Vec<Oid> = chosen.iter().map(|c| c.oid).collect();
        if let Some(active) = self.transaction.active_mut() {
            active.immediate.retain(|oid| !oids.contains(oid));
            if !deferred {
                active.immediate.extend(oids);
            }
        }
        self.check_immediate().await?;
        Done::tag("SET CONSTRAINTS")
    }

    fn named_constraints(
        &mut self,
        snapshot: &Snapshot,
        names: &[(Option<Name>, Name)],
        deferred: bool,
    ) -> Result<Vec<Constraint>> {
        let path = self.shared.state.lock().search_path.clone();
        let mut chosen = Vec::new();
        for (namespace, name) in names {
            let path: Vec<Name> = match namespace {
                Some(namespace) if !snapshot.namespaces.contains_key(namespace) => {
                    let message = format!("schema \"{namespace}\" does not exist");
                    return Err(Error::new(SqlState::INVALID_SCHEMA_NAME, message));
                }
                Some(namespace) => vec![namespace.clone()],
                None => path.to_vec(),
            };
            let found = path.iter().find_map(|namespace| {
                let of = snapshot.relations.values().filter(|r| r.namespace == *namespace);
                let found: Vec<Constraint> =
                    of.flat_map(|r| r.constraints.iter().filter(|c| c.name == *name).cloned()).collect();
                (!found.is_empty()).then_some(found)
            });
            let missing = || Error::new(SqlState::UNDEFINED_OBJECT, format!("constraint \"{name}\" does not exist"));
            let found = found.ok_or_else(missing)?;
            if deferred && found.iter().any(|c| !c.deferrable) {
                let message = format!("constraint \"{name}\" is not deferrable");
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
            }
            chosen.extend(found.into_iter().filter(|c| c.deferrable));
        }
        Ok(chosen)
    }
}

fn is_foreign_key(constraint: &Constraint) -> bool {
    matches!(constraint.kind, ConstraintKind::ForeignKey { .. })
}

fn deferrable(snapshot: &Snapshot) -> impl Iterator<Item = Constraint> {
    snapshot.relations.values().flat_map(|r| r.constraints.iter()).filter(|c| c.deferrable).cloned()
}
