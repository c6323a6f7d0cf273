//! The gateway put together: engine, registry, sessions.

use std::sync::Arc;
use std::time::Duration;

mod access;
mod audit;
mod schemas;
mod system;
#[cfg(test)]
mod tests;

pub use access::explain as explain_access;
pub use schemas::{Mode, Schemas, check};
use system::System;

use crate::catalog::{self, Catalog};
use crate::config::{Config, Password, Tls};
use crate::engine::{Engine, Plugins, Pool};
use crate::error::{Error, Result, SqlState};
use crate::registry::names::is_reserved_role;
use crate::registry::verifier::Verifier;
use crate::registry::{Change, Registry, Role, Snapshot, bootstrap, builtin};
use crate::session::Gateway;
use crate::sql::ddl::{self, store};
use crate::sql::signatures;

/// How long the last records may take to be written.
const AUDIT_PATIENCE: Duration = Duration::from_secs(5);

/// A gateway that is open, not yet listening.
pub struct Server {
    pub gateway: Arc<Gateway>,
    /// The first superuser's name: the one that was given at the very first start.
    pub superuser: String,
    /// Its password, if one had to be made.
    pub generated_password: Option<Password>,
}

impl Server {
    /// Opens the database, reads what is kept of the schema, and sees to the first superuser.
    ///
    /// # Errors
    /// The database cannot be opened, or what is kept in it cannot be read.
    pub async fn open(config: &Config) -> Result<Self> {
        let (engine, mut snapshot) = open_database(config).await?;
        let mut system = System::connect(&*engine)?;
        let (superuser, generated_password) = first_superuser(config, &mut snapshot, &mut system).await?;
        drop(system);
        let registry = Arc::new(Registry::new(snapshot));
        let audit = audit::open(config.audit.clone()).await?;
        let schemas = Schemas::new(config, engine.clone(), registry.clone());
        schemas.apply().await?;
        let gateway = Gateway::new(config.limits.clone(), registry, engine, audit);
        let (schemas, runtime) = (Arc::new(schemas), tokio::runtime::Handle::current());
        // Called from threads that may block: the engine's, in `SELECT duckgate.reload()`, and Server::reload's.
        gateway.on_reload(Box::new(move || runtime.block_on(schemas.apply())));
        Ok(Self { gateway, superuser, generated_password })
    }

    /// Reads the schema files again; a bad file leaves what was in force, and the log says why.
    pub async fn reload(&self) {
        self.gateway.audit().reopen();
        let gateway = self.gateway.clone();
        let done = tokio::task::spawn_blocking(move || gateway.reload()).await;
        match done.map_err(Error::internal).flatten() {
            Ok(()) => tracing::info!("schema files reloaded"),
            Err(error) => tracing::error!(%error, "the schema files were not reloaded: what was in force stays"),
        }
    }

    /// Checkpoints and closes the database.
    ///
    /// # Errors
    /// The engine's own.
    pub async fn close(self) -> Result<()> {
        if !self.gateway.audit().close(AUDIT_PATIENCE) {
            tracing::error!("the audit's last records could not be written");
        }
        self.gateway.engine().close().await
    }
}

/// Opens the database for its schema alone, for `duckgate plan` and `apply`.
///
/// # Errors
/// As [`Server::open`].
pub async fn open_schemas(config: &Config) -> Result<(Schemas, Arc<dyn Engine>)> {
    let (engine, snapshot) = open_database(config).await?;
    Ok((Schemas::new(config, engine.clone(), Arc::new(Registry::new(snapshot))), engine))
}

/// The engine, and the schema that is kept in it on top of what every database has.
async fn open_database(config: &Config) -> Result<(Arc<dyn Engine>, Snapshot)> {
    let engine = open_engine(config).await?;
    let mut system = System::connect(&*engine)?;
    for command in store::create() {
        system.command(&command).await?;
    }
    let mut snapshot = bootstrap::snapshot(&config.database, &config.user);
    for relation in catalog::relations() {
        snapshot.apply_in_place(&Change::PutRelation(relation.clone()));
    }
    store::restore(&mut snapshot, system.objects().await?)?;
    let keyed = system.keyed_tables().await?;
    if !keyed.is_empty() {
        tracing::info!(tables = keyed.len(), "tables of an older file are made anew without DuckDB's foreign keys");
        let plan = ddl::unkey(&schemas::context(Arc::new(snapshot.clone())), &keyed)?;
        system.begin().await?;
        system.steps(&plan).await?;
        system.commit().await?;
    }
    let plan = ddl::renumber(&schemas::context(Arc::new(snapshot.clone())))?;
    if !plan.changes.is_empty() {
        tracing::info!(tables = plan.changes.len(), "tables of an older file are made anew under their numbers");
        system.begin().await?;
        system.steps(&plan).await?;
        system.commit().await?;
        snapshot = snapshot.apply(&plan.changes);
    }
    let strangers = system.strangers().await?;
    if let Some(first) = strangers.first() {
        let tables = strangers.len();
        tracing::warn!(
            tables,
            first,
            "tables of the file were not made by Duckgate and are not served (the README says how they come in)"
        );
    }
    Ok((engine, snapshot))
}

/// The folders that the database and what is beside it are kept in.
pub(crate) fn make_folders(config: &Config) -> Result<()> {
    for folder in [config.data.as_deref().and_then(std::path::Path::parent), config.temp_directory.as_deref()] {
        if let Some(folder) = folder.filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)
                .map_err(|e| Error::fatal(crate::error::SqlState::IO_ERROR, format!("{}: {e}", folder.display())))?;
        }
    }
    Ok(())
}

async fn open_engine(config: &Config) -> Result<Arc<dyn Engine>> {
    make_folders(config)?;
    warn_of_readers(config);
    let engine = config.engine();
    let plugins =
        Plugins { natives: signatures::natives(), aggregates: signatures::aggregates(), system_tables: Catalog::new() };
    let opened = tokio::task::spawn_blocking(move || Pool::open(engine, plugins)).await;
    let pool: Arc<dyn Engine> = opened.map_err(Error::internal)??;
    Ok(pool)
}

/// Who may read the database's file reads all rows and verifiers, whatever the rules say.
fn warn_of_readers(config: &Config) {
    use std::os::unix::fs::PermissionsExt;
    let key = match &config.tls {
        Tls::Files { key, certificate: _ } => Some(key.as_path()),
        Tls::Off | Tls::SelfSigned => None,
    };
    let audit = config.audit.table.as_ref().map(|table| table.path.as_path());
    for path in [config.data.as_deref(), audit, key].into_iter().flatten() {
        let mode = std::fs::metadata(path).map_or(0, |file| file.permissions().mode() & 0o777);
        if mode & 0o077 != 0 {
            tracing::warn!(path = %path.display(), mode = format!("{mode:04o}"), "others on this machine may read this file: chmod 600");
        }
    }
}

/// Sets the first superuser's password: the given one, else the kept one, else a new one. Gives the role's name and the
/// password that was made.
async fn first_superuser(
    config: &Config,
    snapshot: &mut Snapshot,
    system: &mut System,
) -> Result<(String, Option<Password>)> {
    let role = snapshot.role_by_oid(builtin::SUPERUSER).cloned();
    if role.is_none() && is_reserved_role(&config.user) {
        return Err(Error::new(SqlState::RESERVED_NAME, format!("role name \"{}\" is reserved", config.user))
            .hint("--user names the first superuser."));
    }
    let role = role.unwrap_or_else(|| Arc::new(bootstrap::superuser_role(&config.user)));
    let name = role.name.to_string();
    if name != config.user {
        tracing::warn!(configured = config.user, kept = name, "the first superuser keeps the name it was made with");
    }
    let kept = role.verifier.as_deref().and_then(Verifier::parse);
    let (password, made) = match (&config.password, kept) {
        (Some(given), Some(kept)) if kept.accepts(given.reveal()) => return Ok((name, None)),
        (Some(given), _) => (given.clone(), None),
        (None, Some(_)) => return Ok((name, None)),
        (None, None) => {
            let made = Password::generate()?;
            (made.clone(), Some(made))
        }
    };
    let verifier = Verifier::new(password.reveal())?.to_string();
    let change = Change::PutRole(Arc::new(Role { verifier: Some(verifier), ..(*role).clone() }));
    system.keep(snapshot, vec![change]).await?;
    Ok((name, made))
}
