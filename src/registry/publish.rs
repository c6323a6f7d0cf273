//! The current snapshot, the overlays of transactions, and how they come together at COMMIT.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use tokio::sync::OwnedMutexGuard;

use super::{Change, Function, Name, ObjectClass, RelationKind, Snapshot};
use crate::error::{Error, Result, SqlState};
use crate::types::{Oid, oid};

/// Numbers that no two snapshots may give out twice, though transactions work on their own copies.
#[derive(Debug, Clone)]
pub struct Counters {
    next_oid: Arc<AtomicU32>,
    version: Arc<AtomicU64>,
}

impl Default for Counters {
    fn default() -> Self {
        Self { next_oid: Arc::new(AtomicU32::new(oid::FIRST_USER)), version: Arc::new(AtomicU64::new(0)) }
    }
}

impl Counters {
    /// A fresh OID for a new object.
    pub fn allocate_oid(&self) -> Oid {
        self.next_oid.fetch_add(1, Ordering::Relaxed)
    }

    /// An OID that is taken: it and what is below will not be given out.
    pub fn note_oid(&self, taken: Oid) {
        self.next_oid.fetch_max(taken.saturating_add(1), Ordering::Relaxed);
    }

    fn next_version(&self) -> u64 {
        self.version.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// Holds the schema that is in force.
pub struct Registry {
    current: RwLock<Arc<Snapshot>>,
    /// The version at which an object was last changed, for objects changed since the start.
    changed: Mutex<HashMap<(ObjectClass, Oid), u64>>,
    /// The version at which a function last got a name that others have.
    overloaded: AtomicU64,
    /// Held from the check for conflicts until the engine has committed: publications come one after the other.
    commit: Arc<tokio::sync::Mutex<()>>,
}

/// A transaction's own view of the schema.
#[derive(Debug, Clone)]
pub struct Overlay {
    /// The version it was taken from.
    base: u64,
    snapshot: Arc<Snapshot>,
    changes: Vec<Change>,
    /// The session's temporary objects, which were put on top of the base.
    temporary: Arc<[Change]>,
    /// The version whose privileges the snapshot has.
    judged_by: u64,
}

impl Overlay {
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// The version of the snapshot that it was taken from.
    pub fn base(&self) -> u64 {
        self.base
    }

    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Carries out changes that only this transaction sees until it commits.
    pub fn apply(&mut self, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        let mut next = self.snapshot.apply(&changes);
        next.version = next.counters.next_version();
        self.snapshot = Arc::new(next);
        self.changes.extend(changes);
    }

    /// Puts its changes on top of the schema that is in force now: its transaction begins anew in the engine.
    ///
    /// # Errors
    /// 40001: others have changed an object that it has changed as well, or taken a name.
    pub fn rebase(&mut self, registry: &Registry) -> Result<()> {
        let current = registry.snapshot();
        if current.version == self.base {
            return Ok(());
        }
        registry.check_unchanged(&self.changes, self.base)?;
        let before = &self.snapshot;
        let kept: Vec<Change> = self.changes.iter().filter(|c| !c.is_temporary(before)).cloned().collect();
        check_names(&current, &kept)?;
        registry.check_meanings(&current, &kept, self.base)?;
        self.base = current.version;
        self.judged_by = current.version;
        let mut next = current.apply(&self.temporary).apply(&self.changes);
        next.version = next.counters.next_version();
        self.snapshot = Arc::new(next);
        Ok(())
    }

    /// What others have changed since, of roles, owners and grants, holds for this transaction too, from its next
    /// statement on.
    ///
    /// # Errors
    /// 40001: they have changed an object that this transaction has changed as well.
    pub fn judge_by(&mut self, registry: &Registry) -> Result<()> {
        let current = registry.snapshot();
        if current.version == self.judged_by {
            return Ok(());
        }
        registry.check_unchanged(&self.changes, self.base)?;
        let mut next = (*self.snapshot).clone();
        let version = current.version;
        next.rights = Some(Arc::new(current.apply(&self.temporary).apply(&self.changes)));
        next.version = next.counters.next_version();
        self.snapshot = Arc::new(next);
        self.judged_by = version;
        Ok(())
    }
}

/// Changes that passed the check and wait for the engine's commit. Dropping it gives them up.
pub struct Pending<'a> {
    registry: &'a Registry,
    changes: Vec<Change>,
    /// A function among them gets a name that others have.
    overloads: bool,
    _turn: OwnedMutexGuard<()>,
}

impl Registry {
    pub fn new(snapshot: Snapshot) -> Self {
        let mut snapshot = snapshot;
        snapshot.version = snapshot.counters.next_version();
        Self {
            current: RwLock::new(Arc::new(snapshot)),
            changed: Mutex::new(HashMap::new()),
            overloaded: AtomicU64::new(0),
            commit: Arc::new(tokio::sync::Mutex::new(())),
        }
    }

    /// The schema in force now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.read().clone()
    }

    /// A view for a transaction. `temporary` are the session's own objects, which are put on top.
    pub fn overlay(&self, temporary: &[Change]) -> Overlay {
        let snapshot = self.snapshot();
        let version = snapshot.version;
        let temporary: Arc<[Change]> = temporary.iter().map(Change::committed).collect();
        let mut overlay =
            Overlay { base: version, snapshot, changes: Vec::new(), temporary: temporary.clone(), judged_by: version };
        overlay.apply(temporary.to_vec());
        overlay.changes.clear();
        overlay
    }

    /// Checks that nobody else has changed the same objects since the overlay was taken (40001), and keeps it so until
    /// the result is published or dropped. Call before the engine's commit.
    pub async fn prepare(&self, overlay: &Overlay) -> Result<Pending<'_>> {
        let turn = self.commit.clone().lock_owned().await;
        let current = self.snapshot();
        let before = &overlay.snapshot;
        let changes: Vec<Change> = overlay.changes.iter().filter(|c| !c.is_temporary(before)).cloned().collect();
        self.check_unchanged(&changes, overlay.base)?;
        check_names(&current, &changes)?;
        let overloads = self.check_meanings(&current, &changes, overlay.base)?;
        Ok(Pending { registry: self, changes, overloads, _turn: turn })
    }

    /// Whether a function among the changes gets a name that others have. What is kept and calls one of these is asked when the
    /// function is made, and only what could be seen then: so neither may have come while the other was under way.
    ///
    /// # Errors
    /// 40001 if one has.
    fn check_meanings(&self, current: &Snapshot, changes: &[Change], base: u64) -> Result<bool> {
        let calls =
            |class: ObjectClass| matches!(class, ObjectClass::Relation | ObjectClass::Type | ObjectClass::Function);
        if !changes.iter().any(|change| calls(change.key().0)) {
            return Ok(false);
        }
        let after = changes.iter().any(|c| matches!(c, Change::PutFunction(_))).then(|| current.apply(changes));
        // What else of a function changes, its body, its grants, calls nothing by another name.
        let called = |f: &Function| (f.namespace.clone(), f.name.clone(), f.args.clone(), f.variadic, f.defaults());
        let is_new = |f: &Function| current.function_by_oid(f.oid).is_none_or(|was| called(was) != called(f));
        let overloads = after.is_some_and(|after| {
            changes.iter().any(|change| match change {
                Change::PutFunction(f) => is_new(f) && after.has_overloads(&f.namespace, &f.name),
                _ => false,
            })
        });
        let late = match overloads {
            true => self.changed_since(base).into_iter().any(|(class, _)| calls(class)),
            false => self.overloaded.load(Ordering::Relaxed) > base,
        };
        if late { Err(concurrent()) } else { Ok(overloads) }
    }

    /// The objects that somebody has changed since the version `base`.
    pub fn changed_since(&self, base: u64) -> Vec<(ObjectClass, Oid)> {
        let changed = self.changed.lock();
        changed.iter().filter(|(_, version)| **version > base).map(|(key, _)| *key).collect()
    }

    /// 40001 if somebody has changed what `changes` are about since the version `base`.
    fn check_unchanged(&self, changes: &[Change], base: u64) -> Result<()> {
        let changed = self.changed.lock();
        let late = |change: &Change| changed.get(&change.key()).is_some_and(|version| *version > base);
        if changes.iter().any(late) { Err(concurrent()) } else { Ok(()) }
    }
}

impl Pending<'_> {
    /// Puts the changes in force. Call after the engine's commit.
    pub fn publish(self) -> Arc<Snapshot> {
        let mut current = self.registry.current.write();
        if self.changes.is_empty() {
            return current.clone();
        }
        let committed: Vec<Change> = self.changes.iter().map(Change::committed).collect();
        let mut next = current.apply(&committed);
        next.version = next.counters.next_version();
        let mut changed = self.registry.changed.lock();
        for change in &self.changes {
            changed.insert(change.key(), next.version);
        }
        if self.overloads {
            self.registry.overloaded.store(next.version, Ordering::Relaxed);
        }
        *current = Arc::new(next);
        current.clone()
    }
}

fn concurrent() -> Error {
    Error::new(SqlState::T_R_SERIALIZATION_FAILURE, "could not serialize access due to concurrent update")
        .detail("Another transaction has changed the same object of the schema.")
        .hint("The transaction might succeed if retried.")
}

/// Objects made under a name that another transaction has taken meanwhile, or in a namespace that is gone.
fn check_names(current: &Snapshot, changes: &[Change]) -> Result<()> {
    let after = current.apply(changes);
    // Two relations of one name cannot both be in the map: the loser's OID is missing there or points to the other.
    for change in changes {
        match change {
            Change::PutRelation(r) => {
                let dropped = changes.iter().any(|c| matches!(c, Change::DropRelation(oid) if *oid == r.oid));
                let now = current.relation(&r.namespace, &r.name);
                if !dropped && now.is_some_and(|n| n.oid != r.oid && after.relation_by_oid(n.oid).is_some()) {
                    let namespace_clash = taken(changes, now.map(|n| n.oid));
                    if namespace_clash {
                        return Err(concurrent());
                    }
                }
                // What the same changes replace again may have been where, and referred to what, they have dropped since.
                let last = after.relation_by_oid(r.oid).is_some_and(|last| Arc::ptr_eq(last, r));
                if !last {
                    continue;
                }
                if !r.temporary && !after.namespaces.contains_key(&r.namespace)
                    || !targets_exist(&after, &r.kind, &r.constraints)
                {
                    return Err(concurrent());
                }
            }
            Change::PutNamespace(n) => same_name(current.namespaces.get(&n.name).map(|c| c.oid), n.oid, changes)?,
            Change::PutType(t) => same_name(current.user_type(&t.namespace, &t.name).map(|c| c.oid), t.oid, changes)?,
            Change::PutFunction(f) => {
                let now = current.function(&f.namespace, &f.name, &f.args).map(|c| c.oid);
                same_name(now, f.oid, changes)?;
                if after.function_by_oid(f.oid).is_some_and(|last| !after.namespaces.contains_key(&last.namespace)) {
                    return Err(concurrent());
                }
            }
            Change::PutExtension(e) => same_name(current.extensions.get(&e.name).map(|c| c.oid), e.oid, changes)?,
            Change::PutDefaultAcl(d) => {
                let now = current.default_acl(d.role, d.namespace, d.kind).map(|c| c.oid);
                same_name(now, d.oid, changes)?;
            }
            Change::PutRole(r) => same_name(current.role(&r.name).map(|c| c.oid), r.oid, changes)?,
            Change::DropNamespace(oid) => {
                // Another of that name may have been made anew, with what these changes put into it.
                let name = current.namespaces.values().find(|n| n.oid == *oid).map(|n| n.name.clone());
                let others = |namespace: &Name, oid: Oid| {
                    name.as_ref() == Some(namespace) && !changes.iter().any(|c| c.key().1 == oid)
                };
                if after.relations.values().any(|r| others(&r.namespace, r.oid))
                    || after.functions.values().any(|f| others(&f.namespace, f.oid))
                {
                    return Err(concurrent());
                }
            }
            Change::DropRelation(_)
            | Change::DropType(_)
            | Change::DropFunction(_)
            | Change::DropDefaultAcl(_)
            | Change::DropRole(_)
            | Change::DropExtension(_)
            | Change::PutDatabase { .. } => {}
        }
    }
    Ok(())
}

/// True unless the changes themselves move the object with this OID out of the way.
fn taken(changes: &[Change], oid: Option<Oid>) -> bool {
    let Some(oid) = oid else { return false };
    !changes.iter().any(|c| c.key().1 == oid)
}

fn same_name(now: Option<Oid>, ours: Oid, changes: &[Change]) -> Result<()> {
    if now.is_some_and(|oid| oid != ours && taken(changes, Some(oid))) { Err(concurrent()) } else { Ok(()) }
}

fn targets_exist(after: &Snapshot, kind: &RelationKind, constraints: &[super::Constraint]) -> bool {
    let owner_exists = match kind {
        RelationKind::Sequence(s) => s.owned_by.is_none_or(|(table, _)| after.relation_by_oid(table).is_some()),
        RelationKind::Table
        | RelationKind::View { .. }
        | RelationKind::MaterializedView { .. }
        | RelationKind::Composite
        | RelationKind::System => true,
    };
    owner_exists
        && constraints.iter().all(|c| match &c.kind {
            super::ConstraintKind::ForeignKey { target, .. } => after.relation_by_oid(*target).is_some(),
            super::ConstraintKind::PrimaryKey { .. }
            | super::ConstraintKind::Unique { .. }
            | super::ConstraintKind::Check { .. }
            | super::ConstraintKind::Exclusion { .. } => true,
        })
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("version", &self.snapshot().version).finish_non_exhaustive()
    }
}
