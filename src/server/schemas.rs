//! Schema files brought into force: at start, on reload, and by `duckgate plan` and `apply`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::system::System;
use crate::catalog;
use crate::config::Config;
use crate::engine::Engine;
use crate::error::{Error, Result, SqlState};
use crate::registry::files::{self, Diagnostic, FileRole, Level, Loaded, Place};
use crate::registry::{Change, Managed, Registry, RelationKind, Snapshot, bootstrap, builtin};
use crate::session::Settings;
use crate::sql::ddl::files::{self as planner, Answers, FilePlan};
use crate::sql::{Context, Dialect};
use crate::types::OutputSettings;

/// How many complaints an error repeats; the log and `duckgate check` have them all.
const SHOWN: usize = 20;
/// How often a change is tried again that met another transaction's, and how long it waits in between.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);
/// Questions lead to no more than one further round of them; more would go round in a circle.
const ROUNDS: usize = 4;

/// The folder that is looked for where none is named.
const UNNAMED: &str = "schemas";

/// What is to be done about the difference between files and database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Only told, all of it.
    Plan,
    /// What loses nothing is done.
    Apply,
    /// What loses something is done too.
    ApplyDestructive,
}

/// The files' folder, and where they are applied.
pub struct Schemas {
    folder: Option<PathBuf>,
    engine: Arc<dyn Engine>,
    registry: Arc<Registry>,
    /// One reload after the other.
    turn: tokio::sync::Mutex<()>,
}

/// Reads a folder of schema files and checks them, by themselves and for what they mean.
pub fn check(folder: &Path) -> Loaded {
    let mut snapshot = bootstrap::snapshot("duckgate", "duckgate");
    for relation in catalog::relations() {
        snapshot.apply_in_place(&Change::PutRelation(relation.clone()));
    }
    load(folder, snapshot.into(), true)
}

/// Files that have errors of form are not looked at for their meaning: that would repeat the same complaints.
fn load(folder: &Path, snapshot: Arc<Snapshot>, alone: bool) -> Loaded {
    let mut loaded = files::load(folder);
    let mut found = planner::check(&loaded.schema, &context(snapshot), alone);
    found.extend(loaded.schema.roles.iter().flat_map(settings_of));
    // One complaint about a place is enough: the first was made where more was known of the text.
    let told: Vec<(PathBuf, u32)> = loaded.diagnostics.iter().map(|d| (d.file.clone(), d.line)).collect();
    loaded.diagnostics.extend(found.into_iter().filter(|d| !told.contains(&(d.file.clone(), d.line))));
    loaded.diagnostics.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    loaded
}

/// What ALTER ROLE … SET would refuse.
fn settings_of(role: &FileRole) -> impl Iterator<Item = Diagnostic> {
    let Place { path, line, column } = &role.place;
    role.settings.iter().filter_map(move |(name, value)| {
        let error = Settings::validate(name, value, true).err()?;
        let (file, line, column) = (path.clone(), *line, *column);
        Some(Diagnostic {
            level: Level::Error,
            file,
            line,
            column,
            message: error.report().message.clone(),
            help: None,
        })
    })
}

impl Schemas {
    pub fn new(config: &Config, engine: Arc<dyn Engine>, registry: Arc<Registry>) -> Self {
        Self { folder: config.schemas.clone(), engine, registry, turn: tokio::sync::Mutex::default() }
    }

    /// Reads the files, and tells or takes away the difference. What was noted as not done is left as it was.
    ///
    /// # Errors
    /// A file is wrong, or its change fails; nothing is changed then.
    pub async fn run(&self, mode: Mode) -> Result<FilePlan> {
        let Some(folder) = &self.folder else { return Ok(FilePlan::default()) };
        let _turn = self.turn.lock().await;
        if !folder.is_dir() {
            // A fresh gateway without files of its own has no such folder; any other has lost it.
            if folder == Path::new(UNNAMED) && !has_files(&self.registry.snapshot()) {
                return Ok(FilePlan::default());
            }
            let message = format!("the folder of schema files, {}, is not there", folder.display());
            return Err(Error::new(SqlState::CONFIG_FILE_ERROR, message)
                .hint("--schemas, DUCKGATE_SCHEMAS or the key schemas of the config file names it."));
        }
        let loaded = load(folder, self.registry.snapshot(), false);
        if loaded.has_errors() {
            return Err(complaints(&loaded));
        }
        for diagnostic in &loaded.diagnostics {
            tracing::warn!("{diagnostic}");
        }
        let mut tries = 1;
        loop {
            match self.carry_out(&loaded, mode).await {
                Err(error) if error.code() == SqlState::T_R_SERIALIZATION_FAILURE && tries < TRIES => {
                    tracing::info!(%error, "the schema files' change met another transaction: it is tried again");
                    tries += 1;
                    tokio::time::sleep(PAUSE).await;
                }
                done => return done,
            }
        }
    }

    /// The schema as it would be with what the files say and can be done without a loss.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn with_files(&self) -> Result<Arc<Snapshot>> {
        let plan = self.run(Mode::Plan).await?;
        Ok(Arc::new(self.registry.snapshot().apply(&plan.plan.changes)))
    }

    async fn carry_out(&self, loaded: &Loaded, mode: Mode) -> Result<FilePlan> {
        let mut overlay = self.registry.overlay(&[]);
        let cx = context(overlay.snapshot().clone());
        let plan = self.plan(loaded, &cx, mode).await?;
        if mode == Mode::Plan || plan.plan.changes.is_empty() {
            return Ok(plan);
        }
        overlay.apply(plan.plan.changes.clone());
        let mut system = System::connect(&*self.engine)?;
        system.speak_for(overlay.snapshot().clone());
        system.begin().await?;
        system.steps(&plan.plan).await?;
        let mut restarts = Vec::new();
        for (sequence, query) in &plan.restarts {
            if let Some(last) = system.number(query).await? {
                restarts.push((*sequence, last));
            }
        }
        let pending = self.registry.prepare(&overlay).await?;
        system.commit().await?;
        pending.publish();
        for (sequence, last) in restarts {
            let count = match overlay.snapshot().relation_by_oid(sequence).map(|r| &r.kind) {
                Some(RelationKind::Sequence(definition)) => definition.count_of(sequence),
                _ => sequence,
            };
            self.engine.restart_sequence(count, last, true).await?;
        }
        for count in &plan.plan.forgotten {
            self.engine.drop_sequence(*count).await?;
        }
        for change in plan.changes.iter().filter(|c| c.done) {
            tracing::info!("schema files: {change}");
        }
        Ok(plan)
    }

    async fn plan(&self, loaded: &Loaded, cx: &Context, mode: Mode) -> Result<FilePlan> {
        let mut plan = self.planned(loaded, cx, mode != Mode::Apply).await?;
        let left = plan.left().any(|change| change.effect == planner::Effect::Destructive);
        if left && let Ok(whole) = self.planned(loaded, cx, true).await {
            plan.judge_left(&whole);
        }
        Ok(plan)
    }

    /// The plan, once all that it has to know of the rows is known.
    async fn planned(&self, loaded: &Loaded, cx: &Context, destructive: bool) -> Result<FilePlan> {
        let mut answers = Answers::new();
        for _ in 0..ROUNDS {
            let plan = planner::plan(&loaded.schema, cx, destructive, &answers)?;
            if plan.asks.is_empty() {
                return Ok(plan);
            }
            // Each by itself: one that fails would end a transaction.
            let mut system = System::connect(&*self.engine)?;
            system.speak_for(cx.snapshot.clone());
            for ask in plan.asks {
                let answer = match system.number(&ask.plan).await {
                    Ok(count) => planner::Answer::Count(count.unwrap_or(0)),
                    Err(error) => planner::Answer::Failed(error.report().message.clone()),
                };
                answers.insert(ask.text, answer);
            }
        }
        Err(Error::internal("the schema files' plan has ever more questions"))
    }

    /// At start and on reload: what loses nothing is done, and the rest goes to the log.
    ///
    /// # Errors
    /// As [`Schemas::run`].
    pub async fn apply(&self) -> Result<()> {
        let plan = self.run(Mode::Apply).await?;
        for change in plan.left() {
            match change.effect {
                planner::Effect::Destructive => tracing::warn!(
                    "schema files: not done, as it would lose something (duckgate apply --allow-destructive does it): {change}"
                ),
                planner::Effect::Additive | planner::Effect::Impossible => {
                    tracing::warn!("schema files: cannot be done: {change}");
                }
            }
        }
        Ok(())
    }
}

/// Has the database anything that schema files have defined?
fn has_files(snapshot: &Snapshot) -> bool {
    let file = |managed: &Managed| matches!(managed, Managed::File { .. });
    snapshot.relations.values().any(|r| file(&r.managed))
        || snapshot.roles.values().any(|r| file(&r.managed))
        || snapshot.types.values().any(|t| file(&t.managed))
        || snapshot.namespaces.values().any(|n| file(&n.managed))
}

/// What the first superuser would see.
pub(super) fn context(snapshot: Arc<Snapshot>) -> Context {
    Context {
        snapshot,
        role: builtin::SUPERUSER,
        session_role: builtin::SUPERUSER,
        search_path: vec!["pg_catalog".into(), "public".into()].into(),
        creation_namespace: Some("public".into()),
        settings: OutputSettings::default(),
        dialect: Dialect::default(),
        standard_strings: true,
        row_security: true,
        check_bodies: true,
        ways: Default::default(),
        held: false,
        probed: false,
        scratch: 0,
        shaped: Arc::default(),
        given: Arc::default(),
        files: None,
        told: None,
        touched: Arc::default(),
    }
}

fn complaints(loaded: &Loaded) -> Error {
    for diagnostic in &loaded.diagnostics {
        match diagnostic.level {
            Level::Error => tracing::error!("{diagnostic}"),
            Level::Warning => tracing::warn!("{diagnostic}"),
        }
    }
    let errors: Vec<&Diagnostic> = loaded.diagnostics.iter().filter(|d| d.level == Level::Error).collect();
    let mut lines: Vec<String> = errors.iter().take(SHOWN).map(ToString::to_string).collect();
    if errors.len() > SHOWN {
        lines.push(format!("… and {} more: the log and \"duckgate check\" have all", errors.len() - SHOWN));
    }
    let message = match errors.len() {
        1 => "the schema files have an error".to_owned(),
        n => format!("the schema files have {n} errors"),
    };
    Error::new(SqlState::CONFIG_FILE_ERROR, message)
        .detail(lines.join("\n"))
        .hint("What was in force stays in force. Mend the files and reload.")
}
