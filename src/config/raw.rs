//! The settings as they are written: flags, environment and file have the same keys, defined here once.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::limits::RawLimits;
use super::shared::{Own, folders};
use super::units::{Bytes, Span};
use super::{Config, Listen, Password, Tls, machine};
use crate::observe::{LogFormat, audit};

/// What is wrong with the configuration, and where.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{key}: {problem}")]
    Value { key: &'static str, problem: String },
    #[error("{path}: {problem}")]
    File { path: String, problem: String },
}

/// The config file that is read if there is one and none is named.
pub const CONFIG_FILE: &str = "duckgate.toml";

pub(super) fn bad(key: &'static str, problem: impl std::fmt::Display) -> ConfigError {
    ConfigError::Value { key, problem: problem.to_string() }
}

macro_rules! options {
    ($($(#[doc = $doc:literal])+ $key:ident: $ty:ty = $default:expr, $long:literal, $env:literal, $value:literal
        $(, { $(#[$more:meta])* })?;)*) => {
        /// One value a key, `None` where nothing is said.
        #[derive(Debug, Clone, Default, PartialEq, clap::Args, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Raw {
            $($(#[doc = $doc])+
            #[arg(long = $long, env = $env, value_name = $value, global = true, hide_env_values = true)]
            #[serde(skip_serializing_if = "Option::is_none")]
            $($(#[$more])*)?
            pub $key: Option<$ty>,)*
            /// The file that these were read from.
            #[arg(skip)]
            #[serde(skip)]
            pub file: Option<PathBuf>,
            /// The limits.
            #[command(flatten)]
            pub limits: RawLimits,
        }

        impl Raw {
            /// What holds where nothing is said.
            pub fn defaults() -> Self {
                Self { $($key: $default,)* file: None, limits: RawLimits::defaults() }
            }

            /// These, and `other`'s where nothing is said here.
            pub fn or(self, other: Self) -> Self {
                Self { $($key: self.$key.or(other.$key),)* file: self.file.or(other.file), limits: self.limits.or(other.limits) }
            }
        }
    };
}

options! {
    /// Where to listen: host:port, or unix:PATH (a socket, or a folder, where the socket is then named as PostgreSQL names it). More than once, or separated by commas.
    listen: Vec<String> = Some(vec!["127.0.0.1:5432".into()]), "listen", "DUCKGATE_LISTEN", "ADDRESS",
        { #[arg(value_delimiter = ',')] #[serde(deserialize_with = "one_or_many")] };
    /// The database file; `:memory:` keeps nothing.
    data: String = Some("data/duckgate.duckdb".into()), "data", "DUCKGATE_DATA", "FILE";
    /// The folder of schema files.
    schemas: PathBuf = Some("schemas".into()), "schemas", "DUCKGATE_SCHEMAS", "FOLDER";
    /// The name of the database, as clients connect to it.
    database: String = Some("duckgate".into()), "database", "DUCKGATE_DATABASE", "NAME";
    /// The first superuser.
    user: String = Some("duckgate".into()), "user", "DUCKGATE_USER", "NAME";
    /// The first superuser's password; without one, the stored one holds, or one is generated and printed once.
    password: String = None, "password", "DUCKGATE_PASSWORD", "PASSWORD";
    /// `off`, `on` (offered) or `required` (connections over TCP without TLS are refused).
    tls: String = Some("on".into()), "tls", "DUCKGATE_TLS", "MODE";
    /// The certificate chain (PEM), read again on SIGHUP as all of TLS's files are; without one, a certificate is made and kept beside the data.
    tls_certificate: PathBuf = None, "tls-certificate", "DUCKGATE_TLS_CERTIFICATE", "FILE";
    /// The certificate's private key (PEM).
    tls_key: PathBuf = None, "tls-key", "DUCKGATE_TLS_KEY", "FILE";
    /// The certificates (PEM) of those whose client certificates are believed; without it none are asked for.
    tls_client_ca: PathBuf = None, "tls-client-ca", "DUCKGATE_TLS_CLIENT_CA", "FILE";
    /// Their revocation lists (PEM), one of each authority and in force; without it no certificate counts as revoked.
    tls_client_crl: PathBuf = None, "tls-client-crl", "DUCKGATE_TLS_CLIENT_CRL", "FILE";
    /// Who may come from where and how: rules as in PostgreSQL's pg_hba.conf, read again on SIGHUP; without it, a password from everywhere.
    host_rules: PathBuf = None, "host-rules", "DUCKGATE_HOST_RULES", "FILE";
    /// Which names of client certificates and of tokens may be which role: maps as in PostgreSQL's pg_ident.conf, read again on SIGHUP.
    ident_map: PathBuf = None, "ident-map", "DUCKGATE_IDENT_MAP", "FILE";
    /// Memory for the engine; by default 60 % of what the machine or container has.
    memory_limit: Bytes = None, "memory-limit", "DUCKGATE_MEMORY_LIMIT", "SIZE";
    /// Threads of the engine; by default one for each core.
    threads: usize = None, "threads", "DUCKGATE_THREADS", "NUMBER";
    /// Statements that run at once, the rest wait; by default twice the cores, at least 4; of three and more a role leaves one to others.
    max_running: usize = None, "max-running", "DUCKGATE_MAX_RUNNING", "NUMBER";
    /// How long a statement waits for its turn before it fails with 53300.
    queue_timeout: Span = Some(Span::seconds(60)), "queue-timeout", "DUCKGATE_QUEUE_TIMEOUT", "TIME";
    /// How long after an interrupt a statement may go on before it counts as stuck.
    interrupt_grace: Span = Some(Span::seconds(10)), "interrupt-grace", "DUCKGATE_INTERRUPT_GRACE", "TIME";
    /// Where the engine spills what does not fit in memory; by default beside the data.
    temp_directory: PathBuf = None, "temp-directory", "DUCKGATE_TEMP_DIRECTORY", "FOLDER";
    /// Where DuckDB's extensions are.
    extension_directory: PathBuf = None, "extension-directory", "DUCKGATE_EXTENSION_DIRECTORY", "FOLDER";
    /// The directories of the server whose files COPY FROM may read, of members of pg_read_server_files and in so far as a role's duckgate.read_directories has them; none by default.
    read_directories: Vec<String> = None, "read-directories", "DUCKGATE_READ_DIRECTORIES", "FOLDER",
        { #[arg(value_delimiter = ',')] #[serde(deserialize_with = "one_or_many")] };
    /// The same for the files that COPY TO writes: pg_write_server_files and duckgate.write_directories.
    write_directories: Vec<String> = None, "write-directories", "DUCKGATE_WRITE_DIRECTORIES", "FOLDER",
        { #[arg(value_delimiter = ',')] #[serde(deserialize_with = "one_or_many")] };
    /// How long running statements may go on after SIGTERM or SIGINT; a second one, or SIGQUIT, ends them at once.
    shutdown_grace: Span = Some(Span::seconds(10)), "shutdown-grace", "DUCKGATE_SHUTDOWN_GRACE", "TIME";
    /// What to log, as in RUST_LOG: a level, or module=level pairs.
    log: String = Some("info".into()), "log", "DUCKGATE_LOG", "FILTER";
    /// `text` or `json`.
    log_format: String = Some("text".into()), "log-format", "DUCKGATE_LOG_FORMAT", "FORMAT";
    /// The file that the audit is written to, as JSON lines.
    audit_file: PathBuf = None, "audit-file", "DUCKGATE_AUDIT_FILE", "FILE";
    /// Beyond this size the audit's file is put aside (as FILE.1, FILE.2 …) and a new one begun.
    audit_rotate: Bytes = Some(Bytes(64 << 20)), "audit-rotate", "DUCKGATE_AUDIT_ROTATE", "SIZE";
    /// How many of the audit's files that were put aside are kept.
    audit_keep: usize = Some(8), "audit-keep", "DUCKGATE_AUDIT_KEEP", "NUMBER";
    /// Whether the audit is written to standard output, too.
    audit_stdout: bool = Some(false), "audit-stdout", "DUCKGATE_AUDIT_STDOUT", "BOOL";
    /// The file (a DuckDB database of its own) that the audit is kept in as a table, for pg_catalog.duckgate_audit; without it the view has the newest records, in memory.
    audit_table: PathBuf = None, "audit-table", "DUCKGATE_AUDIT_TABLE", "FILE";
    /// How many records the table keeps, and a tenth more until the oldest are removed; 0 is no bound.
    audit_table_rows: u64 = Some(1_000_000), "audit-table-rows", "DUCKGATE_AUDIT_TABLE_ROWS", "NUMBER";
    /// How long the table keeps a record; 0 is no bound.
    audit_table_age: Span = Some(Span::seconds(90 * 86_400)), "audit-table-age", "DUCKGATE_AUDIT_TABLE_AGE", "TIME";
    /// What happens while the audit cannot be written: `block` (statements and logins wait before they begin) or `drop` (records are dropped and counted).
    audit_full: String = Some("block".into()), "audit-full", "DUCKGATE_AUDIT_FULL", "POLICY";
    /// Whether the audit keeps statements as they were written, with their literals.
    audit_literals: bool = Some(false), "audit-literals", "DUCKGATE_AUDIT_LITERALS", "BOOL";
}

/// In a file, several addresses are a list; one may stand alone.
fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(serde::Deserialize)]
    #[serde(untagged, expecting = "an address in quotes, or a list of them, is expected")]
    enum Written {
        One(String),
        Many(Vec<String>),
    }
    serde::Deserialize::deserialize(deserializer).map(|written| match written {
        Written::One(text) => Some(vec![text]),
        Written::Many(list) => Some(list),
    })
}

impl Raw {
    /// Reads a config file.
    ///
    /// # Errors
    /// The file cannot be read, is not TOML, or has a key or value that is not known.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let problem = |problem: String| ConfigError::File { path: path.display().to_string(), problem };
        let text = std::fs::read_to_string(path).map_err(|e| problem(e.to_string()))?;
        let raw: Self = toml::from_str(&text).map_err(|e| problem(e.to_string()))?;
        Ok(Self { file: Some(path.to_owned()), ..raw })
    }

    /// Fills in the defaults and checks every value.
    ///
    /// # Errors
    /// The first key whose value cannot be.
    pub fn resolve(self) -> Result<Config, ConfigError> {
        let raw = self.or(Self::defaults());
        let data = match raw.data.as_deref() {
            None | Some(":memory:") => None,
            // A variable that was not set: what is served would be lost with the process.
            Some("") => return Err(bad("data", "a file's name or :memory: is expected")),
            Some(path) => Some(PathBuf::from(path)),
        };
        if raw.schemas.as_deref().is_some_and(|folder| folder.as_os_str().is_empty()) {
            return Err(bad("schemas", "a folder's name is expected"));
        }
        let limits = raw.limits.resolve();
        if limits.superuser_connections >= limits.connections {
            return Err(bad("limits.superuser_connections", "must be less than limits.connections"));
        }
        if limits.parameters > 65_535 {
            return Err(bad("limits.parameters", "the protocol has room for 65535 at most"));
        }
        let temp_directory = raw.temp_directory.or_else(|| data.as_ref().map(|path| beside(path, "tmp")));
        let logs: Vec<PathBuf> = data.iter().flat_map(|path| [path.clone(), beside(path, "wal")]).collect();
        // That of the working folder would be read at the next start.
        let next = Some(PathBuf::from(CONFIG_FILE));
        let named = [
            ("the config file", &raw.file),
            ("the config file", &next),
            ("tls_certificate", &raw.tls_certificate),
            ("tls_key", &raw.tls_key),
            ("tls_client_ca", &raw.tls_client_ca),
            ("tls_client_crl", &raw.tls_client_crl),
            ("host_rules", &raw.host_rules),
            ("ident_map", &raw.ident_map),
            ("audit_file", &raw.audit_file),
            ("audit_table", &raw.audit_table),
        ];
        let mut files: Vec<_> = logs.iter().map(|path| ("data", path.as_path())).collect();
        files.extend(named.iter().filter_map(|(key, path)| Some((*key, path.as_deref()?))));
        let own_folders = [
            ("schemas", &raw.schemas),
            ("temp_directory", &temp_directory),
            ("extension_directory", &raw.extension_directory),
        ];
        let own_folders = own_folders.into_iter().filter_map(|(key, path)| Some((key, path.as_deref()?))).collect();
        let private_files = files.iter().map(|(_, path)| path.to_path_buf()).collect();
        let own = Own { files, folders: own_folders };
        let read_directories = folders("read_directories", raw.read_directories.as_deref().unwrap_or_default(), &own)?;
        let write_directories =
            folders("write_directories", raw.write_directories.as_deref().unwrap_or_default(), &own)?;
        let (tls, tls_required) = tls(raw.tls.as_deref(), raw.tls_certificate, raw.tls_key)?;
        let table = raw.audit_table.map(|path| audit::Kept {
            path,
            rows: raw.audit_table_rows.filter(|rows| *rows > 0),
            age: raw.audit_table_age.map(Duration::from).filter(|age| !age.is_zero()),
        });
        let same = |one: &Path, other: &Path| std::path::absolute(one).ok() == std::path::absolute(other).ok();
        if let Some(table) = &table
            && [&data, &raw.audit_file].into_iter().flatten().any(|other| same(other, &table.path))
        {
            // DuckDB's lock keeps other processes from a file, not a second instance in this one.
            return Err(bad("audit_table", "must be a file of its own"));
        }
        let mut sinks = Vec::new();
        if let Some(path) = raw.audit_file {
            let rotate = raw.audit_rotate.map_or(u64::MAX, |size| size.0);
            sinks.push(audit::Sink::File { path, rotate, keep: raw.audit_keep.unwrap_or_default() });
        }
        if raw.audit_stdout == Some(true) {
            sinks.push(audit::Sink::Stdout);
        }
        let cores = machine::cores();
        Ok(Config {
            listen: listen(raw.listen.unwrap_or_default())?,
            schemas: raw.schemas,
            database: name("database", raw.database)?,
            user: name("user", raw.user)?,
            password: raw.password.filter(|p| !p.is_empty()).map(Password::new),
            tls,
            tls_required,
            client_ca: client_ca(raw.tls_client_ca, raw.tls_client_crl.is_some())?,
            client_crl: raw.tls_client_crl,
            host_rules: raw.host_rules,
            ident_map: raw.ident_map,
            memory_limit: raw.memory_limit.map_or_else(machine::default_memory_limit, |size| size.0),
            threads: positive("threads", raw.threads.unwrap_or(cores))?,
            max_running: positive("max_running", raw.max_running.unwrap_or((2 * cores).max(4)))?,
            queue_timeout: raw.queue_timeout.map(Into::into).unwrap_or_default(),
            interrupt_grace: raw.interrupt_grace.map(Into::into).unwrap_or_default(),
            temp_directory,
            extension_directory: raw.extension_directory,
            read_directories,
            write_directories,
            private_files,
            shutdown_grace: raw.shutdown_grace.map(Into::into).unwrap_or_default(),
            log: raw.log.unwrap_or_default(),
            log_format: match raw.log_format.as_deref() {
                None | Some("text") => LogFormat::Text,
                Some("json") => LogFormat::Json,
                Some(other) => return Err(bad("log_format", format!("\"{other}\" is neither text nor json"))),
            },
            audit: audit::Settings {
                sinks,
                full: match raw.audit_full.as_deref() {
                    None | Some("block") => audit::Full::Block,
                    Some("drop") => audit::Full::Drop,
                    Some(other) => return Err(bad("audit_full", format!("\"{other}\" is neither block nor drop"))),
                },
                literals: raw.audit_literals.unwrap_or_default(),
                queue: limits.audit_queue,
                memory: limits.audit_records,
                table,
            },
            limits,
            data,
        })
    }
}

/// A path beside the database file: `x.duckdb` → `x.duckdb.tmp`.
pub(super) fn beside(data: &Path, suffix: &str) -> PathBuf {
    let mut path = data.as_os_str().to_owned();
    path.push(".");
    path.push(suffix);
    path.into()
}

fn name(key: &'static str, value: Option<String>) -> Result<String, ConfigError> {
    // PostgreSQL's NAMEDATALEN, less one.
    match value {
        Some(value) if (1..=63).contains(&value.len()) && !value.contains('\0') => Ok(value),
        _ => Err(bad(key, "a name of 1 to 63 bytes is expected")),
    }
}

fn positive(key: &'static str, value: usize) -> Result<usize, ConfigError> {
    if value == 0 { Err(bad(key, "must be at least 1")) } else { Ok(value) }
}

fn tls(mode: Option<&str>, certificate: Option<PathBuf>, key: Option<PathBuf>) -> Result<(Tls, bool), ConfigError> {
    let required = match mode {
        Some("off") => return Ok((Tls::Off, false)),
        None | Some("on") => false,
        Some("required") => true,
        Some(other) => return Err(bad("tls", format!("\"{other}\" is not one of off, on, required"))),
    };
    match (certificate, key) {
        (None, None) => Ok((Tls::SelfSigned, required)),
        (Some(certificate), Some(key)) => Ok((Tls::Files { certificate, key }, required)),
        (Some(_), None) => Err(bad("tls_key", "is needed beside tls_certificate")),
        (None, Some(_)) => Err(bad("tls_certificate", "is needed beside tls_key")),
    }
}

/// Revocation lists alone would look like a guard and be none.
fn client_ca(path: Option<PathBuf>, has_lists: bool) -> Result<Option<PathBuf>, ConfigError> {
    match path {
        None if has_lists => Err(bad("tls_client_ca", "is needed beside tls_client_crl")),
        path => Ok(path),
    }
}

fn listen(addresses: Vec<String>) -> Result<Vec<Listen>, ConfigError> {
    let mut list = Vec::new();
    for address in addresses {
        if let Some(path) = address.strip_prefix("unix:") {
            list.push(Listen::Unix(path.into()));
            continue;
        }
        let found: Vec<SocketAddr> = address
            .to_socket_addrs()
            .map_err(|e| bad("listen", format!("\"{address}\": {e}; HOST:PORT or unix:PATH is expected")))?
            .collect();
        list.extend(found.into_iter().map(Listen::Tcp));
    }
    if list.is_empty() { Err(bad("listen", "at least one address is needed")) } else { Ok(list) }
}
