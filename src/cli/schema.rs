//! `duckgate check | plan | apply | explain-access`: schema files against themselves and against the database.

use std::path::Path;

use super::{Failure, Outcome, serve};
use crate::config::Config;
use crate::registry::files::Level;
use crate::server::{self, Mode, open_schemas};
use crate::sql::ddl::files::{Effect, FilePlan};

fn plural(count: usize, word: &str) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}

pub fn check(config: &Config) -> Outcome {
    let Some(folder) = &config.schemas else {
        return Err(no_folder());
    };
    exists(folder)?;
    let loaded = server::check(folder);
    for diagnostic in &loaded.diagnostics {
        eprintln!("{diagnostic}");
    }
    let errors = loaded.diagnostics.iter().filter(|d| d.level == Level::Error).count();
    if errors > 0 {
        return Err(Failure::Text(format!("the schema files have {errors} {}", plural(errors, "error"))));
    }
    let (files, tables) = (loaded.files, loaded.schema.tables.len());
    println!("{files} schema {}, {tables} {}: no errors", plural(files, "file"), plural(tables, "table"));
    Ok(())
}

/// Tells the whole difference: `+` is done at the next start, `-` loses something, `!` cannot be done.
pub fn plan(config: &Config) -> Outcome {
    let plan = run(config, Mode::Plan)?;
    if plan.changes.is_empty() {
        println!("The database is as the files say.");
        return Ok(());
    }
    for change in &plan.changes {
        println!("{} {change}", sign(change.effect));
    }
    let count = |effect| plan.changes.iter().filter(|c| c.effect == effect).count();
    let (additive, destructive, impossible) =
        (count(Effect::Additive), count(Effect::Destructive), count(Effect::Impossible));
    println!();
    if additive > 0 {
        println!("{additive} to do: \"duckgate apply\", the next start or a reload of the gateway does it.");
    }
    if destructive > 0 {
        println!("{destructive} would lose what stands below it: \"duckgate apply --allow-destructive\" does it.");
    }
    if impossible > 0 {
        println!("{impossible} cannot be done, for the reason that stands below it.");
    }
    Ok(())
}

fn sign(effect: Effect) -> char {
    match effect {
        Effect::Additive => '+',
        Effect::Destructive => '-',
        Effect::Impossible => '!',
    }
}

pub fn apply(config: &Config, allow_destructive: bool) -> Outcome {
    let plan = run(config, if allow_destructive { Mode::ApplyDestructive } else { Mode::Apply })?;
    for change in plan.changes.iter().filter(|c| c.done) {
        println!("{} {change}", sign(change.effect));
    }
    if plan.changes.is_empty() {
        println!("The database is as the files say: nothing to do.");
    }
    let left: Vec<_> = plan.left().collect();
    if left.is_empty() {
        return Ok(());
    }
    eprintln!("Not done:");
    for change in &left {
        eprintln!("{} {change}", sign(change.effect));
    }
    let destructive = left.iter().filter(|c| c.effect == Effect::Destructive).count();
    let changes = |count: usize| format!("{count} {}", plural(count, "change"));
    Err(Failure::Text(match (destructive, left.len() - destructive) {
        (_, 0) => format!("{} not done for what would be lost: --allow-destructive does it", changes(destructive)),
        (0, impossible) => format!("{} cannot be done", changes(impossible)),
        (_, impossible) => format!(
            "{} not done for what would be lost (--allow-destructive does it), {impossible} cannot be done",
            changes(destructive)
        ),
    }))
}

fn run(config: &Config, mode: Mode) -> Result<FilePlan, Failure> {
    let Some(folder) = &config.schemas else { return Err(no_folder()) };
    exists(folder)?;
    let in_memory = if mode == Mode::Plan { without_a_file(config) } else { None };
    let config = in_memory.as_ref().unwrap_or(config);
    serve::runtime()?.block_on(async {
        let (schemas, engine) = open_schemas(config).await?;
        let plan = schemas.run(mode).await;
        engine.close().await?;
        Ok(plan?)
    })
}

/// What only looks makes no database where there is none: it looks at an empty one.
fn without_a_file(config: &Config) -> Option<Config> {
    let path = config.data.as_deref().filter(|path| !path.exists())?;
    eprintln!("There is no database {} yet: this is what would be made.", path.display());
    Some(Config { data: None, temp_directory: None, ..config.clone() })
}

/// Which rules hold for a role's statements, and what they become; nothing is executed.
pub fn explain_access(config: &Config, role: &str, sql: &str) -> Outcome {
    let in_memory = without_a_file(config);
    let config = in_memory.as_ref().unwrap_or(config);
    let told = serve::runtime()?.block_on(async {
        let (schemas, engine) = open_schemas(config).await?;
        let told = match schemas.with_files().await {
            Ok(snapshot) => server::explain_access(&snapshot, role, sql),
            Err(error) => Err(error),
        };
        engine.close().await?;
        told
    })?;
    print!("{told}");
    Ok(())
}

fn no_folder() -> Failure {
    Failure::Text("there is no folder of schema files: --schemas names it".into())
}

fn exists(folder: &Path) -> Outcome {
    if folder.is_dir() {
        return Ok(());
    }
    let what = if folder.exists() { "is not a folder" } else { "is not there" };
    Err(Failure::Text(format!("the folder of schema files, {}, {what}: --schemas names it", folder.display())))
}
