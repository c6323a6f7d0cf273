//! The gateway put together: engine, registry, sessions.

use std::sync::Arc;

use crate::config::{Config, Password};
use crate::error::{Error, Result};
use crate::session::Gateway;

/// A gateway that is open, not yet listening.
pub struct Server {
    pub gateway: Arc<Gateway>,
    /// The first superuser's password, if one had to be made.
    pub generated_password: Option<Password>,
}

impl Server {
    /// Opens the database and reads the schema.
    ///
    /// # Errors
    /// The database cannot be opened, or what is kept in it cannot be read.
    pub async fn open(_config: &Config) -> Result<Self> {
        Err(Error::unsupported("serving"))
    }

    /// Reads the schema files again; a bad file leaves what was in force, and the log says why.
    pub fn reload(&self) {
        tracing::error!("there is nothing to reload yet");
    }

    /// Checkpoints and closes the database.
    ///
    /// # Errors
    /// The engine's own.
    pub async fn close(self) -> Result<()> {
        self.gateway.engine().close().await
    }
}
