//! The pool: one open database, its idle connections, and the slots of the statements that run at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;

use super::checkpoint::{self, Checkpoints};
use super::commits::{Commits, Moment};
use super::connection::Lease;
use super::control::{Control, Count};
use super::data::DataVersion;
use super::error::Translate;
use super::feed::Feeds;
use super::file_scan::FileScans;
use super::helpers::Helpers;
use super::keys::Keys;
use super::link::Link;
use super::places::{Place, Places};
use super::raw::{Database, RawConnection, RawError};
use super::sequence::Sequences;
use super::server_files::ServerFiles;
use super::spool::Spool;
use super::{Connection, Engine, EngineConfig, FeedOrder, FeedWriter, Parquet, Plugins, Stats};
use super::{aggregate, feed_scan, file_scan, native, sequence, system};
use crate::error::{Error, Result, SqlState};
use crate::types::{Oid, Phys};

/// DuckDB behind [`Engine`]. Cheap to share; the database is closed when the last user is gone.
pub struct Pool(pub(super) Arc<Shared>);

/// What all connections share.
pub(super) struct Shared {
    pub config: EngineConfig,
    /// Taken by [`Engine::close`].
    database: Mutex<Option<Arc<Database>>>,
    idle: Mutex<Vec<Link>>,
    places: Places,
    running: Arc<AtomicUsize>,
    waiting: Arc<AtomicUsize>,
    pub connections: Arc<AtomicUsize>,
    pub stuck: AtomicUsize,
    closed: AtomicBool,
    pub data: DataVersion,
    pub commits: Commits,
    feeds: Arc<Feeds>,
    file_scans: Arc<FileScans>,
    pub sequences: Arc<Sequences>,
    pub helpers: Arc<Helpers>,
    pub checkpoints: Checkpoints,
    keys: Arc<Keys>,
}

/// One of the statements that run: held by the piece of work itself, so that work that was left behind keeps its place.
pub(super) struct Slot {
    _places: (Option<Place>, Place),
    _running: Count,
}

impl Pool {
    /// Opens the database (replaying its log if the last run ended badly) and registers the plugins.
    ///
    /// Fails if another process holds the file, if it is no DuckDB database, or if time zones are not there.
    /// Blocks: call it before serving, or on a blocking thread.
    pub fn open(config: EngineConfig, plugins: Plugins) -> Result<Arc<Self>> {
        super::budget::open(config.memory_limit);
        let database =
            Database::open(config.path.as_deref(), &settings(&config)).map_err(|raw| open_error(&config, &raw))?;
        let raw = RawConnection::open(&database).translated()?;
        check_time_zones(&raw)?;
        let waiting = Arc::<AtomicUsize>::default();
        let feeds = Arc::new(Feeds::new(Arc::clone(&waiting), config.memory_limit, config.threads));
        let keys = Arc::<Keys>::default();
        let sequences = Sequences::open(RawConnection::open(&database).translated()?)?;
        native::register(&raw, &plugins.natives)?;
        native::register(&raw, &keys.natives())?;
        aggregate::register(&raw, &plugins.aggregates)?;
        system::register(&raw, plugins.system_tables)?;
        feed_scan::register(&raw, &feeds)?;
        let file_scans = FileScans::new(config.server_files.clone());
        file_scan::register(&raw, &file_scans)?;
        sequence::register(&raw, &sequences)?;
        sequence::register_relation(&raw, &sequences)?;
        // From here on no statement changes a setting, but for three of the connection's own; checkpoints change the limit.
        let own = "SET allowed_configs = ['TimeZone', 'preserve_insertion_order', 'explain_output', 'memory_limit']; \
                   SET lock_configuration = true";
        raw.run(own).translated()?;
        drop(raw);
        let helpers = Helpers::start(&database, config.threads.max(1) - 1).map_err(Error::internal)?;
        let helpers = Arc::new(helpers);
        let checkpoints = Checkpoints::start(config.path.as_deref(), config.memory_limit, &database, &helpers)?;
        let shared = Shared {
            places: Places::new(config.max_running),
            database: Mutex::new(Some(database)),
            idle: Mutex::default(),
            running: Arc::default(),
            waiting,
            connections: Arc::default(),
            stuck: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            data: DataVersion::default(),
            commits: Commits::default(),
            feeds,
            file_scans,
            sequences,
            helpers,
            checkpoints,
            keys,
            config,
        };
        Ok(Arc::new(Self(Arc::new(shared))))
    }
}

/// DuckDB's settings at open. Those that guard the machine cannot be changed afterwards.
fn settings(config: &EngineConfig) -> Vec<(&'static str, String)> {
    let path = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let mut settings = Vec::new();
    // Before external access goes off: afterwards DuckDB takes no other folder.
    if let Some(dir) = &config.temp_directory {
        settings.push(("temp_directory", path(dir)));
    }
    if let Some(dir) = &config.extension_directory {
        settings.push(("extension_directory", path(dir)));
    }
    if config.path.is_some() {
        settings.push(("checkpoint_threshold", checkpoint::NEVER.into()));
    }
    settings.extend([
        ("memory_limit", format!("{}B", super::budget::of_duckdb(config.memory_limit))),
        ("threads", config.threads.max(1).to_string()),
        // All of them are ours: super::helpers says why.
        ("external_threads", config.threads.max(1).to_string()),
        ("enable_external_access", "false".into()),
        ("autoinstall_known_extensions", "false".into()),
        ("autoload_known_extensions", if config.extension_directory.is_some() { "true" } else { "false" }.into()),
        ("allow_community_extensions", "false".into()),
        ("allow_unsigned_extensions", "false".into()),
        ("allow_persistent_secrets", "false".into()),
        ("duckdb_api", "duckgate".into()),
    ]);
    settings
}

fn open_error(config: &EngineConfig, raw: &RawError) -> Error {
    let path = config.path.as_deref().map_or(":memory:".into(), |p| p.to_string_lossy().into_owned());
    let mut error = if raw.0.contains("Could not set lock on file") || raw.0.contains("Conflicting lock") {
        Error::new(SqlState::LOCK_FILE_EXISTS, format!("database file \"{path}\" is in use by another process"))
            .hint("Stop the other process, or serve another file: --data names it.")
    } else if raw.0.contains("not a valid DuckDB database file") {
        Error::new(SqlState::DATA_CORRUPTED, format!("\"{path}\" is not a DuckDB database file"))
    } else if raw.0.starts_with("IO Error") {
        Error::new(SqlState::IO_ERROR, format!("could not open database file \"{path}\""))
            .detail(raw.0.lines().next().unwrap_or_default().to_owned())
    } else {
        Error::new(SqlState::CONFIG_FILE_ERROR, format!("could not open database \"{path}\""))
            .detail(raw.0.lines().next().unwrap_or_default().to_owned())
    };
    error.report_mut().internal = Some(raw.0.clone());
    error
}

/// Without ICU DuckDB knows no time zones and would give wrong times.
fn check_time_zones(raw: &RawConnection) -> Result<()> {
    let probe = "SELECT timezone('Europe/Berlin', TIMESTAMPTZ '2020-07-01 00:00:00+00')";
    raw.run(probe).or_else(|_| raw.run("LOAD icu").and_then(|()| raw.run(probe))).map_err(|raw| {
        let mut error = Error::new(SqlState::CONFIG_FILE_ERROR, "DuckDB's extension icu is not there: no time zones")
            .hint("Use DuckDB's official library, or put the extension icu into extension_directory.");
        error.report_mut().internal = Some(raw.0);
        error
    })
}

impl Shared {
    /// A clean connection of DuckDB's: an idle one or a new one.
    pub fn take_link(&self) -> Result<Link> {
        if let Some(link) = self.idle.lock().pop() {
            return Ok(link);
        }
        let database = self.database.lock().clone().ok_or_else(closed)?;
        let raw = RawConnection::open(&database).translated()?;
        Ok(Link::new(raw, self.keys.place(), Count::of(&self.connections)))
    }

    /// Takes a connection back, cleaned. Blocks.
    pub fn give_back(&self, mut link: Link) {
        if self.closed.load(Ordering::SeqCst) || !link.clean() {
            return;
        }
        let mut idle = self.idle.lock();
        // As many as can run at once, and as many again for those in transactions.
        if idle.len() < self.config.max_running * 2 {
            idle.push(link);
        }
    }

    /// Waits in line for a slot.
    pub async fn slot(&self, control: &Control, epoch: u64, deadline: Option<std::time::Instant>) -> Result<Slot> {
        let share = control.share();
        let places = match self.places.try_take(share) {
            Some(places) => places,
            None => {
                let _waiting = Count::of(&self.waiting);
                tokio::select! {
                    biased;
                    reason = control.stopped(epoch, deadline) => return Err(reason.error()),
                    places = self.places.take(share) => places.map_err(|_| closed())?,
                    () = tokio::time::sleep(self.config.queue_timeout) => return Err(self.queue_full()),
                }
            }
        };
        Ok(Slot { _places: places, _running: Count::of(&self.running) })
    }

    fn queue_full(&self) -> Error {
        Error::new(SqlState::TOO_MANY_CONNECTIONS, "too many statements are running")
            .detail(format!(
                "{} statements run at once; this one waited {} ms for its turn.",
                self.config.max_running,
                self.config.queue_timeout.as_millis()
            ))
            .hint("Try again later, or raise max_running or queue_timeout.")
    }

    fn database(&self) -> Result<Arc<Database>> {
        self.database.lock().clone().ok_or_else(closed)
    }
}

pub(super) fn closed() -> Error {
    Error::fatal(SqlState::ADMIN_SHUTDOWN, "terminating connection due to administrator command")
}

impl Engine for Pool {
    fn connect(&self) -> Result<Box<dyn Connection>> {
        if self.0.closed.load(Ordering::SeqCst) {
            return Err(closed());
        }
        Ok(Box::new(Lease::new(Arc::clone(&self.0), true, None)))
    }

    fn connect_as(&self, role: Oid) -> Result<Box<dyn Connection>> {
        if self.0.closed.load(Ordering::SeqCst) {
            return Err(closed());
        }
        Ok(Box::new(Lease::new(Arc::clone(&self.0), true, self.0.places.of(role))))
    }

    fn connect_beside(&self) -> Result<Box<dyn Connection>> {
        if self.0.closed.load(Ordering::SeqCst) {
            return Err(closed());
        }
        Ok(Box::new(Lease::new(Arc::clone(&self.0), false, None)))
    }

    fn moment(&self) -> Moment {
        self.0.commits.now()
    }

    fn changed_since(&self, moment: Moment, tables: Option<&[Oid]>) -> bool {
        self.0.commits.changed_since(moment, tables)
    }

    fn removed_since(&self, moment: Moment, table: Oid) -> bool {
        self.0.commits.removed_since(moment, table)
    }

    fn open_feed(&self, columns: Vec<(String, Phys)>, order: FeedOrder) -> Result<(u64, Box<dyn FeedWriter>)> {
        Ok(self.0.feeds.open(columns, order))
    }

    fn spool(&self, memory: usize) -> Spool {
        Spool::new(self.0.config.temp_directory.clone(), memory)
    }

    fn parquet(&self, limit: usize) -> Parquet {
        Parquet::new(self.0.config.temp_directory.clone(), limit as u64)
    }

    fn server_files(&self) -> &ServerFiles {
        &self.0.config.server_files
    }

    fn file_scans(&self) -> &Arc<FileScans> {
        &self.0.file_scans
    }

    fn restart_sequence(&self, oid: Oid, value: i64, called: bool) -> BoxFuture<'_, Result<()>> {
        let sequences = Arc::clone(&self.0.sequences);
        blocking(move || sequences.restart(oid, value, called)).boxed()
    }

    fn drop_sequence(&self, oid: Oid) -> BoxFuture<'_, Result<()>> {
        let sequences = Arc::clone(&self.0.sequences);
        blocking(move || sequences.forget(oid)).boxed()
    }

    fn sequence_state(&self, oid: Oid) -> Result<Option<(i64, bool)>> {
        Ok(self.0.sequences.state(oid))
    }

    fn end_session(&self, session: u64) {
        self.0.sequences.end_session(session);
    }

    fn give_way(&self, role: Oid) -> Box<dyn Send> {
        self.0.places.one_more(role)
    }

    fn stats(&self) -> Stats {
        Stats {
            running: self.0.running.load(Ordering::Relaxed),
            waiting: self.0.waiting.load(Ordering::Relaxed),
            connections: self.0.connections.load(Ordering::Relaxed),
            stuck: self.0.stuck.load(Ordering::Relaxed),
        }
    }

    fn checkpoint(&self) -> BoxFuture<'_, Result<()>> {
        async move {
            let (database, shared) = (self.0.database()?, Arc::clone(&self.0));
            blocking(move || shared.checkpoints.make(&database, &shared.helpers)).await
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        async move {
            if self.0.closed.swap(true, Ordering::SeqCst) {
                return Err(closed());
            }
            self.0.places.close();
            let idle = std::mem::take(&mut *self.0.idle.lock());
            let database = self.0.database.lock().take().ok_or_else(closed)?;
            let shared = Arc::clone(&self.0);
            blocking(move || {
                drop(idle);
                shared.sequences.close()?;
                let done = shared.checkpoints.close(&database, &shared.helpers);
                shared.helpers.close();
                done
            })
            .await
        }
        .boxed()
    }
}

/// Runs `job` on a blocking thread.
pub(super) async fn blocking<T: Send + 'static>(job: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(job).await.map_err(Error::internal)?
}
