//! The command line's verbs. `duckgate serve` is the one that stays; the others do one thing and end.

mod config;
mod demo;
mod health;
mod password;
mod schema;
mod serve;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, Raw};
use crate::error::Error;

/// The config file that is read if there is one and none is named.
const CONFIG_FILE: &str = "duckgate.toml";

/// A PostgreSQL-wire-compatible SQL gateway over embedded DuckDB, with schemas and access rules in files.
#[derive(Debug, Parser)]
#[command(name = "duckgate", version, max_term_width = 120)]
struct Args {
    /// The config file; `duckgate.toml` here is read if it exists.
    #[arg(long, env = "DUCKGATE_CONFIG", value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[command(flatten)]
    raw: Raw,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves clients until SIGTERM. SIGHUP reloads the schema files and the host rules.
    Serve,
    /// Checks the schema files: every error, in one pass.
    Check,
    /// Prints what `apply` would change in the database.
    Plan,
    /// Changes the database to what the schema files say.
    Apply {
        /// Also what loses data.
        #[arg(long)]
        allow_destructive: bool,
    },
    /// Tells which rules hold for a role's statement, and what it becomes. Executes nothing.
    ExplainAccess { role: String, sql: String },
    /// Makes TPC-H data, loads it, and serves it.
    Demo {
        /// The scale factor: 1 is about a gigabyte.
        #[arg(long, default_value_t = 0.1)]
        scale: f64,
    },
    /// Roles.
    Role {
        #[command(subcommand)]
        command: RoleCommand,
    },
    /// Prints every key of the config file with its default.
    Config {
        /// As the manual's page.
        #[arg(long)]
        markdown: bool,
    },
    /// Asks the gateway that listens here whether it is well.
    Health,
}

#[derive(Debug, Subcommand)]
enum RoleCommand {
    /// Reads a password and prints the verifier that a schema file keeps of it.
    Password { name: String },
}

/// Why a command failed, as it is printed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{0}")]
    Text(String),
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Tls(#[from] crate::wire::TlsError),
    #[error(transparent)]
    Gateway(#[from] Error),
}

type Outcome = Result<(), Failure>;

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    // What is made holds all rows and the verifiers of all roles: it is its owner's alone, as PostgreSQL's data folder is.
    // SAFETY: umask only sets a number of the process; no other thread runs yet.
    unsafe { libc::umask(0o077) };
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("duckgate: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> Outcome {
    let Args { config, raw, command } = args;
    match command {
        Command::Config { markdown } => {
            config::print(markdown);
            Ok(())
        }
        Command::Role { command: RoleCommand::Password { name } } => password::run(&name),
        Command::Health => health::run(&resolve(config, raw)?),
        Command::Serve => serve::run(resolve(config, raw)?),
        Command::Check => schema::check(&resolve(config, raw)?),
        Command::Plan => schema::plan(&resolve(config, raw)?),
        Command::Apply { allow_destructive } => schema::apply(&resolve(config, raw)?, allow_destructive),
        Command::ExplainAccess { role, sql } => schema::explain_access(&resolve(config, raw)?, &role, &sql),
        Command::Demo { scale } => demo::run(config, raw, scale),
    }
}

/// Flags and environment, then the file, then the defaults.
fn resolve(file: Option<PathBuf>, raw: Raw) -> Result<Config, Failure> {
    Ok(with_file(file, raw)?.resolve()?)
}

fn with_file(file: Option<PathBuf>, raw: Raw) -> Result<Raw, Failure> {
    let file = match file {
        Some(path) => Some(path),
        None => Some(PathBuf::from(CONFIG_FILE)).filter(|path| path.exists()),
    };
    Ok(match file {
        Some(path) => raw.or(Raw::read(&path)?),
        None => raw,
    })
}
