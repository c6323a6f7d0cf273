//! `duckgate check | plan | apply`: schema files against themselves and against the database.

use super::{Failure, Outcome, serve};
use crate::config::Config;
use crate::registry::files;
use crate::server::open_schemas;
use crate::sql::ddl::files::FilePlan;

pub fn check(config: &Config) -> Outcome {
    let Some(folder) = &config.schemas else {
        return Err(Failure::Text("there is no folder of schema files: --schemas names it".into()));
    };
    if !folder.is_dir() {
        return Err(Failure::Text(format!("{} is not a folder", folder.display())));
    }
    let loaded = files::load(folder);
    for diagnostic in &loaded.diagnostics {
        eprintln!("{diagnostic}");
    }
    if loaded.has_errors() {
        return Err(Failure::Text("the schema files have errors".into()));
    }
    println!("{} schema files, {} tables: no errors", loaded.files, loaded.schema.tables.len());
    Ok(())
}

pub fn plan(config: &Config) -> Outcome {
    let FilePlan { does, leaves, .. } = run(config, true)?;
    if does.is_empty() && leaves.is_empty() {
        println!("The database is as the files say.");
    }
    for line in does {
        println!("+ {line}");
    }
    for line in leaves {
        println!("! {line}");
    }
    Ok(())
}

pub fn apply(config: &Config, allow_destructive: bool) -> Outcome {
    let FilePlan { does, leaves, .. } = run(config, false)?;
    for line in &does {
        println!("{line}");
    }
    if leaves.is_empty() {
        return Ok(());
    }
    for line in &leaves {
        eprintln!("not done: {line}");
    }
    let count = leaves.len();
    Err(Failure::Text(if allow_destructive {
        format!("{count} differences that change what is there are not supported yet")
    } else {
        format!("{count} differences would change or lose what is there")
    }))
}

fn run(config: &Config, dry: bool) -> Result<FilePlan, Failure> {
    serve::runtime()?.block_on(async {
        let (schemas, engine) = open_schemas(config).await?;
        let plan = schemas.apply_or_plan(dry).await;
        engine.close().await?;
        Ok(plan?)
    })
}
