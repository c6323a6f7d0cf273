//! The gateway put together: engine, registry, sessions.

use std::sync::Arc;

use arrow::array::{Array as _, Int64Array, StringArray};

use crate::catalog::{self, Catalog};
use crate::config::{Config, Password};
use crate::engine::{Access, Connection, Engine, Kind, Outcome, Plugins, Pool, Rendered, Run};
use crate::error::{Error, Result};
use crate::policy::Permit;
use crate::registry::verifier::Verifier;
use crate::registry::{Change, Registry, Role, Snapshot, bootstrap, builtin};
use crate::session::Gateway;
use crate::sql::ddl::store;
use crate::sql::signatures;
use crate::types::{Oid, Phys};

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
        let (superuser, generated_password) = first_superuser(config, &mut snapshot, &mut system).await?;
        drop(system);
        let registry = Arc::new(Registry::new(snapshot));
        let gateway = Gateway::new(config.limits.clone(), registry, engine);
        Ok(Self { gateway, superuser, generated_password })
    }

    /// Reads the schema files again; a bad file leaves what was in force, and the log says why.
    pub fn reload(&self) {
        match self.gateway.reload() {
            Ok(()) => tracing::info!("schema files reloaded"),
            Err(error) => tracing::error!(%error, "the schema files were not reloaded: what was in force stays"),
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

async fn open_engine(config: &Config) -> Result<Arc<dyn Engine>> {
    for folder in [config.data.as_deref().and_then(std::path::Path::parent), config.temp_directory.as_deref()] {
        if let Some(folder) = folder.filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)
                .map_err(|e| Error::fatal(crate::error::SqlState::IO_ERROR, format!("{}: {e}", folder.display())))?;
        }
    }
    let engine = config.engine();
    let plugins =
        Plugins { natives: signatures::natives(), aggregates: signatures::aggregates(), system_tables: Catalog::new() };
    let opened = tokio::task::spawn_blocking(move || Pool::open(engine, plugins)).await;
    let pool: Arc<dyn Engine> = opened.map_err(Error::internal)??;
    Ok(pool)
}

/// Sets the first superuser's password: the given one, else the kept one, else a new one. Gives the role's name and the
/// password that was made.
async fn first_superuser(
    config: &Config,
    snapshot: &mut Snapshot,
    system: &mut System,
) -> Result<(String, Option<Password>)> {
    let role = snapshot.role_by_oid(builtin::SUPERUSER).cloned();
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

/// The gateway's own connection, for what it does before there are sessions.
struct System(Box<dyn Connection>);

impl System {
    fn connect(engine: &dyn Engine) -> Result<Self> {
        Ok(Self(engine.connect()?))
    }

    async fn execute(&mut self, sql: &str, kind: Kind, columns: Vec<Phys>) -> Result<Outcome> {
        let permit = Permit::system(Rendered { sql: sql.into(), params: Vec::new(), columns, kind });
        self.0.execute(&permit, Vec::new(), &Run { time_zone: "UTC".into(), deadline: None }).await
    }

    async fn command(&mut self, sql: &str) -> Result<()> {
        self.execute(sql, Kind::Command, Vec::new()).await.map(|_| ())
    }

    /// The kept objects, as `store::restore` takes them.
    async fn objects(&mut self) -> Result<Vec<(String, Oid, String)>> {
        let columns = vec![Phys::Text, Phys::Int8, Phys::Text];
        let Outcome::Rows(mut rows) = self.execute(&store::select(), Kind::Rows, columns).await? else {
            return Err(Error::internal("the kept objects are no rows"));
        };
        let mut objects = Vec::new();
        while let Some(batch) = rows.next().await? {
            let text = |i: usize| batch.column(i).as_any().downcast_ref::<StringArray>();
            let (Some(kinds), Some(oids), Some(definitions)) =
                (text(0), batch.column(1).as_any().downcast_ref::<Int64Array>(), text(2))
            else {
                return Err(Error::internal("the kept objects have other types"));
            };
            for row in 0..batch.num_rows() {
                let oid = Oid::try_from(oids.value(row)).map_err(Error::internal)?;
                objects.push((kinds.value(row).to_owned(), oid, definitions.value(row).to_owned()));
            }
        }
        Ok(objects)
    }

    /// Carries out changes that need nothing of DuckDB but their own rows.
    async fn keep(&mut self, snapshot: &mut Snapshot, changes: Vec<Change>) -> Result<()> {
        let commands = store::keep(&changes, snapshot)?;
        self.0.begin(Access::ReadWrite).await?;
        for command in commands {
            self.command(&command).await?;
        }
        self.0.commit().await?;
        changes.iter().for_each(|change| snapshot.apply_in_place(change));
        Ok(())
    }
}
