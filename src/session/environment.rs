//! What a statement is compiled in: snapshot, role, search_path and settings, kept until one of them changes.

use std::sync::Arc;

use super::settings::Acting;
use crate::engine::FileScans;
use crate::policy::Ways;
use crate::registry::bootstrap::TEMPORARY;
use crate::registry::{Name, Privileges, Snapshot};
use crate::sql::{Context, Dialect, Files};
use crate::types::{Oid, OutputSettings};

/// What of the environment a compiled statement depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EnvironmentKey {
    /// Versions are given out once: a transaction's own snapshot has its own.
    snapshot: u64,
    role: Oid,
    session_role: Oid,
    search_path: Arc<[Name]>,
    creation_namespace: Option<Name>,
    settings: OutputSettings,
    dialect: Dialect,
    standard_strings: bool,
    row_security: bool,
    check_bodies: bool,
    ways: Ways,
}

#[derive(Debug)]
pub struct Environment {
    pub context: Context,
    pub key: Arc<EnvironmentKey>,
    pub acting: Arc<Acting>,
}

impl Environment {
    pub fn new(snapshot: Arc<Snapshot>, (role, session_role): (Oid, Oid), acting: Arc<Acting>) -> Self {
        let (search_path, creation_namespace) = search_path(&snapshot, role, &acting.search_path);
        let key = EnvironmentKey {
            snapshot: snapshot.version,
            role,
            session_role,
            search_path: search_path.clone(),
            creation_namespace: creation_namespace.clone(),
            settings: acting.output.clone(),
            dialect: acting.dialect,
            standard_strings: acting.standard_strings,
            row_security: acting.row_security,
            check_bodies: acting.check_bodies,
            ways: acting.ways,
        };
        let context = Context {
            snapshot,
            role,
            session_role,
            search_path,
            creation_namespace,
            settings: acting.output.clone(),
            dialect: acting.dialect,
            standard_strings: acting.standard_strings,
            row_security: acting.row_security,
            check_bodies: acting.check_bodies,
            ways: acting.ways,
            files: None,
            held: false,
            probed: false,
            scratch: 0,
            shaped: Arc::default(),
            given: Arc::default(),
            told: None,
            touched: Arc::default(),
        };
        Self { context, key: Arc::new(key), acting }
    }

    /// With files of the server, in the directories of the role that logged in.
    pub fn with_files(mut self, scans: &Arc<FileScans>) -> Self {
        let directories = Arc::clone(&self.acting.read_directories);
        self.context.files = Some(Files { scans: Arc::clone(scans), directories });
        self
    }

    /// The same, with typed constants read as they were when a statement was prepared: `date '01/02/2024'` stays the day that it
    /// was when DateStyle changes.
    pub fn reading(self: Arc<Self>, as_prepared: &OutputSettings) -> Arc<Self> {
        if self.context.settings == *as_prepared {
            return self;
        }
        let context = Context { settings: as_prepared.clone(), ..self.context.clone() };
        let key = EnvironmentKey { settings: as_prepared.clone(), ..(*self.key).clone() };
        Arc::new(Self { context, key: Arc::new(key), acting: Arc::clone(&self.acting) })
    }

    /// True if it still holds.
    pub fn is_for(&self, snapshot: &Snapshot, roles: (Oid, Oid), acting: &Arc<Acting>) -> bool {
        self.context.snapshot.version == snapshot.version
            && (self.context.role, self.context.session_role) == roles
            && Arc::ptr_eq(&self.acting, acting)
    }
}

/// PostgreSQL's recomputeNamespacePath: namespaces that exist and that the role may use, the temporary one and
/// pg_catalog in front unless they are named; and where CREATE goes.
fn search_path(snapshot: &Snapshot, role: Oid, names: &[String]) -> (Arc<[Name]>, Option<Name>) {
    let mut path: Vec<Name> = Vec::new();
    for name in names {
        let name: Name = match name.as_str() {
            "$user" => match snapshot.role_by_oid(role) {
                Some(role) => role.name.clone(),
                None => continue,
            },
            name => name.into(),
        };
        let usable = &*name == TEMPORARY
            || snapshot
                .namespaces
                .get(&name)
                .is_some_and(|n| snapshot.namespace_privileges(role, n).contains(Privileges::USAGE));
        if usable && !path.contains(&name) {
            path.push(name);
        }
    }
    let creation = path.first().cloned();
    if !path.iter().any(|n| &**n == "pg_catalog") {
        path.insert(0, "pg_catalog".into());
    }
    if !path.iter().any(|n| &**n == TEMPORARY) {
        path.insert(0, TEMPORARY.into());
    }
    (path.into(), creation)
}
