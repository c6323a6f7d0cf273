//! Raw file, environment and flags → one resolved Config. After start-up nobody parses.

mod limits;
mod machine;
mod raw;
mod shared;
mod units;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use limits::{Limits, RawLimits};
pub use raw::{CONFIG_FILE, ConfigError, Raw};
pub use shared::lies_in;
pub use units::{Bytes, Span};

use crate::engine::{EngineConfig, ServerFiles};
use crate::error::Error;
use crate::observe::{LogFormat, audit};

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// Whether and how connections are encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Tls {
    Off,
    /// A certificate made at first start, kept beside the data.
    #[default]
    SelfSigned,
    Files {
        certificate: PathBuf,
        key: PathBuf,
    },
}

/// What the gateway runs with, resolved once.
#[derive(Debug, Clone)]
pub struct Config {
    pub listen: Vec<Listen>,
    /// The database file; `None` keeps nothing.
    pub data: Option<PathBuf>,
    /// The folder of schema files; `None` if there is none.
    pub schemas: Option<PathBuf>,
    /// The one database's name, as clients connect to it.
    pub database: String,
    /// The first superuser.
    pub user: String,
    /// Its password; `None`: keep the stored one, or generate one.
    pub password: Option<Password>,
    pub tls: Tls,
    pub tls_required: bool,
    /// Whose client certificates are believed.
    pub client_ca: Option<PathBuf>,
    /// Which of these are revoked.
    pub client_crl: Option<PathBuf>,
    pub host_rules: Option<PathBuf>,
    pub ident_map: Option<PathBuf>,
    /// DuckDB's memory_limit, in bytes.
    pub memory_limit: u64,
    pub threads: usize,
    /// Statements that run at once; the rest wait.
    pub max_running: usize,
    pub queue_timeout: Duration,
    pub interrupt_grace: Duration,
    pub temp_directory: Option<PathBuf>,
    pub extension_directory: Option<PathBuf>,
    /// Where COPY may read and write files of the server.
    pub read_directories: Vec<PathBuf>,
    pub write_directories: Vec<PathBuf>,
    /// The gateway's own files, which it gives to nobody.
    pub private_files: Vec<PathBuf>,
    /// How long running statements may go on after SIGTERM or SIGINT; a second one, or SIGQUIT, ends them at once.
    pub shutdown_grace: Duration,
    pub log: String,
    pub log_format: LogFormat,
    pub limits: Limits,
    pub audit: audit::Settings,
}

impl Config {
    /// What the engine is opened with.
    pub fn engine(&self) -> EngineConfig {
        EngineConfig {
            path: self.data.clone(),
            memory_limit: self.memory_limit,
            threads: self.threads,
            temp_directory: self.temp_directory.clone(),
            extension_directory: self.extension_directory.clone(),
            server_files: ServerFiles {
                read: self.read_directories.clone(),
                write: self.write_directories.clone(),
                private: self.private_files.clone(),
            },
            max_running: self.max_running,
            queue_timeout: self.queue_timeout,
            interrupt_grace: self.interrupt_grace,
        }
    }
}

/// The defaults, in memory: for tests.
impl Default for Config {
    fn default() -> Self {
        let raw = Raw { data: Some(":memory:".into()), ..Raw::default() };
        // The defaults resolve: a test says so.
        raw.resolve().unwrap_or_else(|e| unreachable!("defaults: {e}"))
    }
}

/// Random bytes of a password that is made here.
const GENERATED_BYTES: usize = 18;

/// A password in memory: never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A password that nobody guesses.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn generate() -> Result<Self, Error> {
        use base64::Engine as _;
        use ring::rand::SecureRandom as _;
        let mut bytes = [0; GENERATED_BYTES];
        let random = ring::rand::SystemRandom::new();
        random.fill(&mut bytes).map_err(|_| Error::internal("the system gives no random bytes"))?;
        Ok(Self(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)))
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests;
