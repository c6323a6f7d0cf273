//! A slice of the drivers' own suites: what is expected to fail is listed with its reason (tests/clients/suites/gaps), any
//! other failure is an error, and so is a listed test that passes. The whole suites: tests/clients/suites/run.sh.

mod support;

use std::path::Path;
use std::process::{Command, Stdio};

use support::server::skipped;

fn holds(suite: &str) {
    let present = |program: &str| {
        Command::new(program)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| s.success())
    };
    if let Some(absent) = ["bash", "python3", "tar"].into_iter().find(|p| !present(p)) {
        return skipped(&format!("{suite}'s own suite"), &format!("{absent} is not installed"));
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/suites/run.sh");
    let output = Command::new("bash")
        .arg(script)
        .arg(suite)
        .env("DUCKGATE_BINARY", env!("CARGO_BIN_EXE_duckgate"))
        .env("SLICE", "1")
        .env("SUITE_LIMIT", "240")
        .env_remove("PGHOST")
        .output()
        .expect("run.sh runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{suite}:\n{text}");
    println!("{}", text.lines().last().unwrap_or_default());
}

#[test]
fn asyncpg_s_own_tests() {
    holds("asyncpg");
}

#[test]
fn pg8000_s_own_tests() {
    holds("pg8000");
}

#[test]
fn psycopg2_s_own_tests() {
    holds("psycopg2");
}
