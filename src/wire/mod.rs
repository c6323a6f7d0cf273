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

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::Semaphore;

use self::auth::hosts::{self, Hosts};
use self::auth::keys::Providers;
use self::auth::throttle::Throttle;
use self::handshake::Door;
use crate::config::{Config, lies_in};
use crate::error::{Error, Result, SqlState};
use crate::registry::builtin;
use crate::session::Gateway;

pub use listener::{Address, Listener, socket_path};
pub use tls::{Acceptor, Files, TlsError};

/// What all connections share.
pub struct Shared {
    gateway: Arc<Gateway>,
    door: Door,
    tls_required: bool,
    handshakes: Arc<Semaphore>,
    mock: auth::Mock,
    hosts: RwLock<Arc<Hosts>>,
    host_rules: Option<PathBuf>,
    ident_map: Option<PathBuf>,
    /// Is there a client CA?
    certificates: bool,
    /// Where clients may read or write files.
    shared_folders: Vec<PathBuf>,
    throttle: Throttle,
    /// The keys of tokens that are not in files.
    providers: Providers,
}

impl Shared {
    /// # Errors
    /// The host rules cannot be read, or ask for client certificates without a CA for them; the system gives no random bytes.
    pub fn new(gateway: Arc<Gateway>, config: &Config, tls: Option<Arc<Acceptor>>) -> Result<Arc<Self>> {
        let certificates = config.client_ca.is_some() && tls.is_some();
        let shared_folders = [&config.read_directories[..], &config.write_directories].concat();
        let hosts = read(config.host_rules.as_deref(), config.ident_map.as_deref(), certificates, &shared_folders)
            .map_err(|problem| Error::fatal(SqlState::CONFIG_FILE_ERROR, problem))?;
        let providers = Providers::new((&config.limits).into());
        providers.keep(hosts.sources());
        let superuser =
            gateway.registry().snapshot().role_by_oid(builtin::SUPERUSER).and_then(|role| role.verifier.clone());
        let (rules, map) = (config.host_rules.clone(), config.ident_map.clone());
        gateway.on_host_rules(Box::new(move || hosts::shown(rules.as_deref(), map.as_deref())));
        Ok(Arc::new(Self {
            gateway,
            door: Door { limits: Arc::new(config.limits.clone()), tls, open: true },
            tls_required: config.tls_required,
            handshakes: Arc::new(Semaphore::new(config.limits.handshakes)),
            mock: auth::Mock::new(superuser.as_deref())?,
            hosts: RwLock::new(Arc::new(hosts)),
            host_rules: config.host_rules.clone(),
            ident_map: config.ident_map.clone(),
            certificates,
            shared_folders,
            throttle: Throttle::new(&config.limits),
            providers,
        }))
    }

    /// Reads the host rules and what TLS needs again; bad ones leave what was in force, and the log says why.
    pub fn reload(&self) {
        if let Some(Err(problem)) = self.door.tls.as_ref().map(|tls| tls.reload()) {
            tracing::error!(%problem, "certificates were not reloaded: what was in force stays");
        }
        let (rules, map) = (self.host_rules.as_deref(), self.ident_map.as_deref());
        match read(rules, map, self.certificates, &self.shared_folders) {
            Ok(hosts) => {
                self.providers.keep(hosts.sources());
                *self.hosts.write() = Arc::new(hosts);
            }
            Err(problem) => tracing::error!(problem, "the host rules were not reloaded: what was in force stays"),
        }
    }
}

fn read(
    rules: Option<&Path>,
    map: Option<&Path>,
    certificates: bool,
    shared_folders: &[PathBuf],
) -> std::result::Result<Hosts, String> {
    let hosts = Hosts::read(rules, map)?;
    if let Some(file) = hosts.files.iter().find(|file| lies_in(file, shared_folders)) {
        let file = file.display();
        return Err(format!("{file}, which the host rules name, lies where clients may read or write files"));
    }
    if hosts.wants_certificates() && !certificates {
        return Err(
            "the host rules ask for client certificates: tls_client_ca must name those that are believed".into()
        );
    }
    Ok(hosts)
}
