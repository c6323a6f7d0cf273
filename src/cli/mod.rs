//! The command line's verbs. `duckgate serve` is the one that stays; the others do one thing and end.

mod config;
mod demo;
mod health;
mod password;
mod schema;
mod serve;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::{CONFIG_FILE, Config, Raw};
use crate::error::Error;

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
    let args = Args::from_arg_matches(&command().get_matches()).unwrap_or_else(|error| error.exit());
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("duckgate: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// The settings that every verb's help tells.
const TOLD: [&str; 4] = ["config", "data", "schemas", "listen"];

/// The command line as it is parsed: every verb takes every setting, since they share one config file, but the help of those that
/// do one thing and end would be 200 lines of what matters to `serve`.
fn command() -> clap::Command {
    let mut command = Args::command();
    // What all take is copied to the verbs when it is built.
    command.build();
    let verbs: Vec<String> = command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
    for verb in verbs.iter().filter(|verb| !["serve", "demo", "help"].contains(&verb.as_str())) {
        command = command.mut_subcommand(verb, told);
    }
    command
}

fn told(verb: clap::Command) -> clap::Command {
    let hidden = |arg: &clap::Arg| arg.is_global_set() && !TOLD.contains(&arg.get_id().as_str());
    let mut verb = verb
        .mut_args(|arg| if hidden(&arg) { arg.hide(true) } else { arg })
        .after_help("All of the gateway's settings may be given, too: duckgate serve --help");
    let below: Vec<String> = verb.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
    for name in below.iter().filter(|name| *name != "help") {
        verb = verb.mut_subcommand(name, told);
    }
    verb
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_of_a_verb_tells_what_matters_to_it_and_it_takes_every_setting() {
        let help = |verb: &[&str]| {
            let line = ["duckgate"].into_iter().chain(verb.iter().copied()).chain(["--help"]);
            command().try_get_matches_from(line).expect_err("help").to_string()
        };
        for verb in [&["check"][..], &["plan"], &["apply"], &["explain-access"], &["health"], &["role", "password"]] {
            let help = help(verb);
            assert!(help.contains("--schemas") && help.contains("duckgate serve --help"), "{help}");
            assert!(!help.contains("--tls-certificate") && help.lines().count() < 40, "{help}");
        }
        assert!(help(&["serve"]).contains("--tls-certificate"));
        let given = ["duckgate", "check", "--tls", "off", "--schemas", "here"];
        let args = Args::from_arg_matches(&command().try_get_matches_from(given).expect("taken")).expect("arguments");
        assert_eq!((args.raw.tls.as_deref(), args.raw.schemas), (Some("off"), Some("here".into())));
    }
}
