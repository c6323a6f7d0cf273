//! Deferred constraints: foreign keys that are checked at COMMIT, or when SET CONSTRAINTS asks for it; and what else COMMIT
//! has to do with foreign keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::execute::Done;
use super::front::Front;
use super::key_log::{Meets, Turn};
use super::keys::Late;
use super::session::Session;
use super::transaction;
use crate::engine::{Change, Moment, Writes};
use crate::error::{Error, Result, SqlState};
use crate::registry::{
    CheckedKey, Constraint, ConstraintKind, Name, ObjectClass, Relation, Snapshot, UserType, UserTypeKind,
};
use crate::sql::ddl::keys::{self, Key};
use crate::tree::{Ddl, ObjectKind};
use crate::types::Oid;

/// Tables whose rows a transaction has changed, and how.
pub type Touched = BTreeMap<Oid, Change>;

pub fn touch(touched: &mut Touched, writes: Writes) {
    if let Writes::Table(oid, change) = writes
        && !change.redefines
    {
        let known = touched.entry(oid).or_default();
        known.in_place |= change.in_place;
        known.removes |= change.removes;
    }
}

impl Session {
    /// Whether a foreign key is checked at the transaction's end, not the statement's.
    pub(super) fn is_late(&self, key: &Key) -> bool {
        self.is_late_constraint(&key.constraint)
    }

    pub(super) fn is_late_constraint(&self, constraint: &Constraint) -> bool {
        let Some(active) = self.transaction.active() else { return false };
        // What was there before NOT VALID cannot be told from what is new, later.
        let may = constraint.deferrable && constraint.validated;
        let late = constraint.initially_deferred && !active.immediate.contains(&constraint.oid);
        may && (late || active.deferred.contains(&constraint.oid))
    }

    /// What is put off of a foreign key.
    pub(super) fn put_off(&mut self, key: &Key, what: impl FnOnce(&mut Late)) {
        if let Some(active) = self.transaction.active_mut() {
            what(active.late.entry(key.constraint.oid).or_default());
        }
    }

    /// Checks what was put off, all or those of these constraints.
    async fn check_late(&mut self, only: Option<&[Oid]>) -> Result<()> {
        let Some(active) = self.transaction.active() else { return Ok(()) };
        let chosen = |oid: &&Oid| only.is_none_or(|only| only.contains(oid));
        let late: Vec<Oid> = active.late.keys().filter(chosen).copied().collect();
        if late.is_empty() {
            return Ok(());
        }
        let keys = self.foreign_keys()?;
        for oid in late {
            let Some(late) = self.transaction.active_mut().and_then(|active| active.late.remove(&oid)) else {
                continue;
            };
            // It may have been dropped meanwhile.
            let checked = match keys.iter().find(|key| key.constraint.oid == oid) {
                Some(key) => self.check_late_key(key, &late).await,
                None => self.check_late_unique(oid).await,
            };
            if let Err(error) = checked {
                if let Some(active) = self.transaction.active_mut() {
                    active.late.insert(oid, late);
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// Tables whose rows are yet to be checked are not redefined, dropped or emptied meanwhile: PostgreSQL's
    /// CheckTableNotInUse.
    pub(super) fn must_have_no_pending_events(&mut self, ddl: &Ddl) -> Result<()> {
        if self.transaction.active().is_none_or(|active| active.late.is_empty()) {
            return Ok(());
        }
        let (keys, snapshot) = (self.foreign_keys()?, self.snapshot());
        let found = |(namespace, name): &(Name, Name)| snapshot.relation(namespace, name).map(|r| r.oid);
        let (what, tables): (_, Vec<Oid>) = match ddl {
            Ddl::AlterTable { namespace, name, .. } => {
                ("ALTER TABLE", found(&(namespace.clone(), name.clone())).into_iter().collect())
            }
            Ddl::Drop { kind: ObjectKind::Table, names, .. } => {
                ("DROP TABLE", names.iter().filter_map(found).collect())
            }
            Ddl::Truncate { tables, .. } => ("TRUNCATE", tables.iter().map(|t| t.oid).collect()),
            _ => return Ok(()),
        };
        let Some(active) = self.transaction.active() else { return Ok(()) };
        for table in tables.iter().filter_map(|oid| snapshot.relation_by_oid(*oid)) {
            let pending = |key: &CheckedKey<'_>| active.late.contains_key(&key.oid);
            if table.checked_keys(&*snapshot).any(|key| pending(&key)) {
                let message = format!("cannot {what} \"{}\" because it has pending trigger events", table.name);
                return Err(Error::new(SqlState::OBJECT_IN_USE, message));
            }
        }
        for key in keys.iter() {
            let Some(late) = active.late.get(&key.constraint.oid) else { continue };
            let written = late.all || late.new_rows || !late.got.is_empty();
            let lost = late.lost_all || !late.lost.is_empty();
            for (pending, relation) in [(written, &key.child), (lost, &key.parent)] {
                if pending && tables.contains(&relation.oid) {
                    let message = format!("cannot {what} \"{}\" because it has pending trigger events", relation.name);
                    return Err(Error::new(SqlState::OBJECT_IN_USE, message));
                }
            }
        }
        Ok(())
    }

    async fn check_late_key(&mut self, key: &Key, late: &Late) -> Result<()> {
        let Late { got, lost, new_rows, all, lost_all } = late;
        let (child, parent) = (key.child_side(), key.parent_side());
        if *all {
            self.find_orphan(key, keys::Written::Anything).await?;
        } else if *new_rows {
            self.find_orphan(key, keys::Written::Since(keys::FIRST_OWN_ROW)).await?;
        }
        let types = || key.child_types.clone();
        let (of_parent, of_child) = (keys::has(parent, types(), true)?, keys::has(child, types(), true)?);
        for values in got {
            let missing = self.ask(&of_parent, values.clone()).await?.is_empty();
            if missing && !self.ask(&of_child, values.clone()).await?.is_empty() {
                return Err(key.missing(self.shown(key, child.relation, child.columns, values).as_deref()));
            }
        }
        let mut broken = self.still_referred(key, lost.clone(), false).await?;
        if *lost_all && broken.is_none() {
            let question = keys::orphan(child, parent, key.child_types.clone(), keys::Written::Anything)?;
            broken = self.first_row(&question, &key.child_types).await?;
        }
        match broken {
            Some(values) => Err(self.referenced(key, &values)),
            None => Ok(()),
        }
    }

    /// Before COMMIT: what was deferred holds, and nobody has met the transaction's keys from their other side. The turn is
    /// to be held until the engine has committed.
    pub(super) async fn before_commit(&mut self) -> Result<Option<Turn>> {
        self.check_late(None).await?;
        let registry = self.gateway.registry().snapshot();
        let keys = self.foreign_keys()?;
        let (log, snapshot) = (self.gateway.keys.clone(), self.snapshot());
        let Some(active) = self.transaction.active_mut() else { return Ok(None) };
        let redefined = active.overlay.as_ref().is_some_and(|o| o.base() != registry.version);
        if redefined && is_newly_checked(&registry, &snapshot, &active.touched) {
            return Err(serialization("Another transaction has added a check to a table that this one has changed."));
        }
        if redefined && is_newly_unique(&registry, &snapshot, &active.touched) {
            return Err(serialization(
                "Another transaction has added a unique key to a table that this one has changed.",
            ));
        }
        if redefined && is_newly_keyed(&registry, &keys, &active.touched)? {
            return Err(serialization(
                "Another transaction has added a foreign key to a table that this one has changed.",
            ));
        }
        let Some(began) = active.began.as_ref() else { return Ok(None) };
        let of_tree = |oid: &Oid| snapshot.relation_by_oid(*oid).is_some_and(|r| r.is_partitioned());
        let trees = active.touched.keys().any(of_tree);
        if active.footprint.is_empty() && active.checked.is_empty() && !trees {
            return Ok(None);
        }
        let turn = log.turn(active.footprint.clone(), began).await.map_err(|meets| match meets {
            Meets::Key(oid) => match keys.iter().find(|key| key.constraint.oid == oid) {
                Some(key) => {
                    let name = &key.constraint.name;
                    serialization(&format!("Another transaction has changed the other side of \"{name}\"."))
                }
                None => serialization("Another transaction has written the same value of a unique key."),
            },
            Meets::TooOld => serialization("It has lasted so long that others' changes are no longer known."),
        })?;
        let engine = self.gateway.engine();
        let moved = |moment: Moment, (child, parent): &(Oid, Oid)| {
            engine.changed_since(moment, Some(&[*child])) || engine.removed_since(moment, *parent)
        };
        if active.moment.is_some_and(|moment| active.checked.iter().any(|pair| moved(moment, pair))) {
            return Err(serialization("Another transaction has changed rows that this one has checked or moved."));
        }
        // Whoever changes a tree holds the turn until that is published.
        let registry = self.gateway.registry().snapshot();
        let own = |oid: &Oid| {
            let changes = active.overlay.as_ref().map(|o| o.changes()).unwrap_or_default();
            changes.iter().any(|change| change.key() == (ObjectClass::Relation, *oid))
        };
        let other = |oid: &Oid| !own(oid) && is_other_tree(&registry, &snapshot, *oid);
        if active.overlay.as_ref().is_some_and(|o| o.base() != registry.version) && active.touched.keys().any(other) {
            return Err(serialization(
                "Another transaction has changed the partitions of a table that this one has changed.",
            ));
        }
        Ok(Some(turn))
    }

    /// After a statement: the constraints that SET CONSTRAINTS … IMMEDIATE has named are checked.
    pub(super) async fn check_immediate(&mut self) -> Result<()> {
        let Some(active) = self.transaction.active() else { return Ok(()) };
        if !active.engine || active.immediate.is_empty() {
            return Ok(());
        }
        let only = active.immediate.clone();
        self.check_late(Some(&only)).await
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
        let oids: Vec<Oid> = chosen.iter().map(|c| c.oid).collect();
        if let Some(active) = self.transaction.active_mut() {
            active.immediate.retain(|oid| !oids.contains(oid));
            active.deferred.retain(|oid| !oids.contains(oid));
            let now = if deferred { &mut active.deferred } else { &mut active.immediate };
            now.extend(oids);
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

/// Whether somebody has added a foreign key to (or from) a table with changes that it was not checked for.
fn is_newly_keyed(registry: &Snapshot, known: &[Arc<Key>], touched: &Touched) -> Result<bool> {
    let is_new = |key: &Arc<Key>| {
        let concerned = touched.contains_key(&key.child.oid) || touched.contains_key(&key.parent.oid);
        concerned && !known.iter().any(|k| k.constraint.oid == key.constraint.oid)
    };
    Ok(Key::all(registry)?.iter().any(is_new))
}

/// Whether somebody has added a unique key that no index of DuckDB's holds to a table with changes.
fn is_newly_unique(registry: &Snapshot, known: &Snapshot, touched: &Touched) -> bool {
    touched.keys().any(|oid| {
        let (Some(now), Some(then)) = (registry.relation_by_oid(*oid), known.relation_by_oid(*oid)) else {
            return false;
        };
        now.checked_keys(registry).any(|key| !then.checked_keys(known).any(|k| k.oid == key.oid))
    })
}

/// Whether somebody has added a CHECK to a table with changes that it was not asked of, or to a domain of its columns.
fn is_newly_checked(registry: &Snapshot, known: &Snapshot, touched: &Touched) -> bool {
    touched.keys().any(|oid| {
        let (Some(now), Some(then)) = (registry.relation_by_oid(*oid), known.relation_by_oid(*oid)) else {
            return false;
        };
        let is_new = |c: &Constraint| {
            matches!(c.kind, ConstraintKind::Check { .. }) && !then.constraints.iter().any(|k| k.oid == c.oid)
        };
        // A domain is made anew when anything of it changes.
        let is_other = |ty: Oid| {
            let under = |ty: &UserType| match &ty.kind {
                UserTypeKind::Domain { base, .. } => Some(base.oid),
                UserTypeKind::Enum { .. } | UserTypeKind::Range { .. } | UserTypeKind::Multirange { .. } => None,
            };
            let mut next = Some(ty);
            while let Some(now) = next.and_then(|ty| registry.user_type_by_oid(ty)) {
                next = under(now);
                let then = known.user_type_by_oid(now.oid);
                if next.is_some() && then.is_some_and(|then| !Arc::ptr_eq(now, then)) {
                    return true;
                }
            }
            false
        };
        now.constraints.iter().any(is_new) || now.columns.iter().any(|column| is_other(column.ty.oid))
    })
}

/// Whether a table's partitions, or what they ask of rows, are others than were known.
fn is_other_tree(registry: &Snapshot, known: &Snapshot, oid: Oid) -> bool {
    let members = |snapshot: &Snapshot| {
        let table = snapshot.relation_by_oid(oid).cloned();
        let members = table.into_iter().chain(snapshot.partition_descendants(oid).into_iter().cloned());
        let asks = |r: &Relation| {
            let checks = r.constraints.iter().filter(|c| matches!(c.kind, ConstraintKind::Check { .. }));
            let checks: Vec<Oid> = checks.map(|c| c.oid).collect();
            let not_null: Vec<i16> = r.columns.iter().filter(|c| c.not_null).map(|c| c.num).collect();
            (r.oid, r.partitioning.of.clone(), r.is_partitioned(), checks, not_null)
        };
        members.map(|r| asks(&r)).filter(|(_, of, partitioned, ..)| of.is_some() || *partitioned).collect::<Vec<_>>()
    };
    members(registry) != members(known)
}

fn serialization(detail: &str) -> Error {
    Error::new(SqlState::T_R_SERIALIZATION_FAILURE, "could not serialize access due to concurrent update")
        .detail(detail)
        .hint("The transaction might succeed if retried.")
}

fn deferrable(snapshot: &Snapshot) -> impl Iterator<Item = Constraint> {
    snapshot.relations.values().flat_map(|r| r.constraints.iter()).filter(|c| c.deferrable).cloned()
}
