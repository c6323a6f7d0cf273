//! Schema files brought into force: at start, on reload, and by `duckgate apply`.

use std::path::PathBuf;
use std::sync::Arc;

use super::system::System;
use crate::config::Config;
use crate::engine::Engine;
use crate::error::{Error, Result, SqlState};
use crate::registry::files::{self, Diagnostic, Loaded};
use crate::registry::{Registry, Snapshot, builtin};
use crate::sql::ddl::SequenceStep;
use crate::sql::ddl::files::{self as planner, FilePlan};
use crate::sql::{Context, Dialect};
use crate::types::OutputSettings;

/// How many complaints an error repeats; the log and `duckgate check` have them all.
const SHOWN: usize = 20;

/// The files' folder, and where they are applied.
pub struct Schemas {
    folder: Option<PathBuf>,
    engine: Arc<dyn Engine>,
    registry: Arc<Registry>,
}

impl Schemas {
    pub fn new(config: &Config, engine: Arc<dyn Engine>, registry: Arc<Registry>) -> Self {
        Self { folder: config.schemas.clone(), engine, registry }
    }

    /// Reads the files and does what is additive; with `dry` nothing is done.
    ///
    /// # Errors
    /// A file is wrong, or its change fails; nothing is changed then.
    pub async fn apply_or_plan(&self, dry: bool) -> Result<FilePlan> {
        let Some(folder) = &self.folder else { return Ok(FilePlan::default()) };
        let loaded = files::load(folder);
        if loaded.has_errors() {
            return Err(complaints(&loaded));
        }
        let mut overlay = self.registry.overlay(&[]);
        let plan = planner::plan(&loaded.schema, &context(overlay.snapshot().clone()))?;
        if dry || plan.does.is_empty() {
            return Ok(plan);
        }
        let mut system = System::connect(&*self.engine)?;
        system.begin().await?;
        system.steps(&plan.plan).await?;
        overlay.apply(plan.plan.changes.clone());
        let pending = self.registry.prepare(&overlay).await?;
        system.commit().await?;
        pending.publish();
        for step in &plan.plan.sequences {
            match step {
                SequenceStep::Put { oid, restart: Some(value), .. } => {
                    self.engine.restart_sequence(*oid, *value, false).await?;
                }
                // A new one needs nothing: its definition is in the snapshot.
                SequenceStep::Put { restart: None, .. } => {}
                SequenceStep::Drop { oid } => self.engine.drop_sequence(*oid).await?,
            }
        }
        for line in &plan.does {
            tracing::info!("schema files: {line}");
        }
        Ok(plan)
    }

    /// As [`Schemas::apply_or_plan`], for real.
    ///
    /// # Errors
    /// As there.
    pub async fn apply(&self) -> Result<FilePlan> {
        self.apply_or_plan(false).await
    }
}

/// What the first superuser would see.
fn context(snapshot: Arc<Snapshot>) -> Context {
    Context {
        snapshot,
        role: builtin::SUPERUSER,
        search_path: vec!["pg_catalog".into(), "public".into()].into(),
        creation_namespace: Some("public".into()),
        settings: OutputSettings::default(),
        dialect: Dialect::default(),
        standard_strings: true,
    }
}

fn complaints(loaded: &Loaded) -> Error {
    for diagnostic in &loaded.diagnostics {
        tracing::error!("{diagnostic}");
    }
    let errors: Vec<String> = loaded.diagnostics.iter().take(SHOWN).map(Diagnostic::to_string).collect();
    let message = format!("the schema files have {} errors or warnings", loaded.diagnostics.len());
    Error::new(SqlState::CONFIG_FILE_ERROR, message).detail(errors.join("\n"))
}
