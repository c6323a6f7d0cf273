//! PostgreSQL's frontend/backend protocol: bytes to messages and back. It knows nothing of SQL.
//!
//! [`Listener`] accepts; a connection goes through `handshake` (TLS, versions) and `auth` (SCRAM), then asks a session
//! of the gateway and carries messages to it, which answers through `front`. `message` is the pure codec.

mod auth;
mod connection;
mod der;
mod extended;
mod front;
mod handshake;
mod listener;
mod message;
mod recode;
mod replay;
mod rows;
mod stream;
mod tls;

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::config::{Config, Limits};
use crate::error::Result;
use crate::session::Gateway;

pub use listener::{Address, Listener, socket_path};
pub use tls::{Acceptor, TlsError};

/// What all connections share.
pub struct Shared {
    gateway: Arc<Gateway>,
    limits: Arc<Limits>,
    tls: Option<Acceptor>,
    tls_required: bool,
    handshakes: Arc<Semaphore>,
    mock: auth::Mock,
}

impl Shared {
    /// # Errors
    /// The system gives no random bytes.
    pub fn new(gateway: Arc<Gateway>, config: &Config, tls: Option<Acceptor>) -> Result<Arc<Self>> {
        Ok(Arc::new(Self {
            gateway,
            limits: Arc::new(config.limits.clone()),
            tls,
            tls_required: config.tls_required,
            handshakes: Arc::new(Semaphore::new(config.limits.handshakes)),
            mock: auth::Mock::new()?,
        }))
    }
}
