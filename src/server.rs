//! The gateway put together: engine, registry, sessions.

use std::sync::Arc;

use arrow::array::{Array, Int64Array, StringArray};

use crate::catalog::{self, Catalog};
use crate::config::{Config, Password};
use crate::engine::{Access, Connection, Engine, EngineConfig, Kind, Outcome, Plugins, Pool, Rendered, Run};
use crate::error::{Error, Result};
use crate::policy::Permit;
use crate::registry::verifier::Verifier;
use crate::registry::{Change, Registry, Role, Snapshot, bootstrap};
use crate::session::Gateway;
use crate::sql::ddl::store;
use crate::sql::signatures;
use crate::types::{Oid, Phys};

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
    pub async fn open(config: &Config) -> Result<Self> {
        let plugins = Plugins {
            natives: signatures::natives(),
            aggregates: signatures::aggregates(),
            system_tables: Catalog::new(),
        };
        let engine: Arc<dyn Engine> = Pool::open(engine_config(config), plugins)?;
        let mut connection = engine.connect()?;
        let mut snapshot = restore(&mut *connection, config).await?;
        let generated_password = superuser(&mut *connection, &mut snapshot, config).await?;
        drop(connection);
        let gateway = Gateway::new(config.limits.clone(), Arc::new(Registry::new(snapshot)), engine);
        Ok(Self { gateway, generated_password })
    }

    /// Reads the schema files again; a bad file leaves what was in force, and the log says why.
    pub fn reload(&self) {
        if let Err(error) = self.gateway.reload() {
            tracing::error!(%error, "schema files not reloaded; the old ones stay in force");
        }
    }

    /// Checkpoints and closes the database.
    ///
    /// # Errors
    /// The engine's own.
    pub async fn close(self) -> Result<()> {
        self.gateway.engine().close().await
    }
}

fn engine_config(config: &Config) -> EngineConfig {
    EngineConfig {
        path: config.data.clone(),
        memory_limit: config.memory_limit,
        threads: config.threads,
        temp_directory: config.temp_directory.clone(),
        extension_directory: config.extension_directory.clone(),
        max_running: config.max_running,
        queue_timeout: config.queue_timeout,
        interrupt_grace: config.interrupt_grace,
    }
}

/// The database's schema as it was kept: what every database has, then what users made.
async fn restore(connection: &mut dyn Connection, config: &Config) -> Result<Snapshot> {
    for command in store::create() {
        run(connection, command, Kind::Command, Vec::new()).await?;
    }
    let mut snapshot = bootstrap::snapshot(&config.database, &config.user);
    for relation in catalog::relations() {
        snapshot.apply_in_place(&Change::PutRelation(relation.clone()));
    }
    let columns = vec![Phys::Text, Phys::Int8, Phys::Text];
    let Outcome::Rows(mut rows) = run(connection, store::select(), Kind::Rows, columns).await? else {
        return Err(Error::internal("reading the registry gave no rows"));
    };
    let mut objects: Vec<(String, Oid, String)> = Vec::new();
    while let Some(batch) = rows.next().await? {
        let text = |i: usize| batch.column(i).as_any().downcast_ref::<StringArray>();
        let numbers = batch.column(1).as_any().downcast_ref::<Int64Array>();
        let (Some(kinds), Some(oids), Some(definitions)) = (text(0), numbers, text(2)) else {
            return Err(Error::internal("duckgate_internal.objects has other columns than it was made with"));
        };
        for row in 0..batch.num_rows() {
            objects.push((kinds.value(row).into(), oids.value(row) as Oid, definitions.value(row).into()));
        }
    }
    store::restore(&mut snapshot, objects)?;
    Ok(snapshot)
}

/// Sees to it that the configured superuser exists and has its password; gives the password if it was made here.
async fn superuser(
    connection: &mut dyn Connection,
    snapshot: &mut Snapshot,
    config: &Config,
) -> Result<Option<Password>> {
    let found = snapshot.role(&config.user).map(|role| Role::clone(role));
    let mut role = found.unwrap_or_else(|| bootstrap::superuser_role(&config.user));
    let stored = role.verifier.as_deref().and_then(Verifier::parse);
    let (password, generated) = match (&config.password, stored) {
        (None, Some(_)) => return Ok(None),
        (Some(password), Some(stored)) if stored.accepts(password.reveal()) => return Ok(None),
        (Some(password), _) => (password.clone(), None),
        (None, None) => {
            let made = Password::new(generate_password());
            (made.clone(), Some(made))
        }
    };
    role.verifier = Some(Verifier::new(password.reveal())?.to_string());
    role.superuser = true;
    role.login = true;
    let change = [Change::PutRole(Arc::new(role))];
    connection.begin(Access::ReadWrite).await?;
    for command in store::keep(&change, snapshot)? {
        run(connection, command, Kind::Command, Vec::new()).await?;
    }
    connection.commit().await?;
    snapshot.apply_in_place(&change[0]);
    Ok(generated)
}

/// 120 bits in letters that are easy to copy.
fn generate_password() -> String {
    use rand::Rng;
    const LETTERS: &[u8] = b"abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let mut rng = rand::rng();
    (0..24).map(|_| char::from(LETTERS[rng.random_range(0..LETTERS.len())])).collect()
}

/// Runs the gateway's own SQL.
async fn run(connection: &mut dyn Connection, sql: String, kind: Kind, columns: Vec<Phys>) -> Result<Outcome> {
    let permit = Permit::system(Rendered { sql: sql.into(), params: Vec::new(), columns, kind });
    let run = Run { time_zone: "UTC".into(), deadline: None };
    connection.execute(&permit, Vec::new(), &run).await
}
