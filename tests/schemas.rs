//! Schema files: complaints about bad ones, the difference to a database, reload with sessions at work, and a kill in the
//! middle of a change.
//!
//! `DUCKGATE_RECORD=1` writes what is expected of `tests/schemas` anew: read the difference before you keep it.

mod support;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use support::protocol::Connection;
use support::server::{Options, Server};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas").join(name)
}

fn files_of(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(folder).expect("the folder").flatten().map(|e| e.path()).collect();
    found.retain(|p| p.extension().is_some_and(|e| e == extension));
    found.sort();
    found
}

fn compare(path: &Path, found: &str) {
    if std::env::var_os("DUCKGATE_RECORD").is_some() {
        fs::write(path, found).expect("written");
        return;
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert!(expected == found, "{}: found\n{found}\nexpected\n{expected}", path.display());
}

/// `duckgate <arguments>` on a database file and a folder of schema files.
fn duckgate(arguments: &[&str], data: &Path, schemas: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_duckgate"))
        .args(arguments)
        .arg("--data")
        .arg(data)
        .arg("--schemas")
        .arg(schemas)
        .env("DUCKGATE_PASSWORD", "correct horse")
        .env("DUCKGATE_LOG", "error")
        .current_dir(std::env::temp_dir())
        .output()
        .expect("the binary runs")
}

fn rows(connection: &mut Connection, sql: &str) -> Vec<String> {
    let rows = connection.query(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
    let text = |row: &Vec<Option<String>>| {
        row.iter().map(|v| v.clone().unwrap_or_else(|| "NULL".into())).collect::<Vec<_>>().join("|")
    };
    rows.iter().map(text).collect()
}

#[test]
fn every_fault_of_every_bad_file_is_told_with_its_place_and_what_would_be_right() {
    let bad = folder("bad");
    for path in files_of(&bad, "toml") {
        let alone = tempfile::tempdir().expect("a folder");
        let name = path.file_name().expect("a name");
        fs::copy(&path, alone.path().join(name)).expect("copied");
        let loaded = duckgate::server::check(alone.path());
        let mut text = String::new();
        for diagnostic in &loaded.diagnostics {
            let line = diagnostic.to_string().replace(&format!("{}/", alone.path().display()), "");
            writeln!(text, "{line}").expect("a string");
        }
        compare(&path.with_extension("expected"), &text);
    }
}

#[test]
fn one_pass_tells_the_faults_of_all_files_and_of_what_is_no_text() {
    let all = tempfile::tempdir().expect("a folder");
    fs::write(all.path().join("latin1.toml"), b"[[table]]\nname = \"caf\xe9\"\n").expect("written");
    fs::write(all.path().join("unknown.toml"), "nmespace = \"x\"\n").expect("written");
    fs::write(all.path().join("types.toml"), "[[table]]\nname = \"t\"\n[table.columns]\na = \"interger\"\n")
        .expect("written");
    fs::create_dir(all.path().join("folder.toml")).expect("made");
    let output = duckgate(&["check"], Path::new(":memory:"), all.path());
    let text = String::from_utf8_lossy(&output.stderr).replace(&format!("{}/", all.path().display()), "");
    assert!(!output.status.success());
    for expected in [
        "latin1.toml:2:12: error: not valid UTF-8",
        "types.toml:4:5: error: column \"a\": type \"interger\" does not exist\n    help: did you mean \"integer\"?",
        "unknown.toml:1:1: error: unknown key \"nmespace\"\n    help: did you mean \"namespace\"?",
        "the schema files have 3 errors",
    ] {
        assert!(text.contains(expected), "missing: {expected}\nfound:\n{text}");
    }
    let gone = all.path().join("gone");
    for command in ["check", "plan", "apply"] {
        let output = duckgate(&[command], Path::new(":memory:"), &gone);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && text.contains("gone, is not there: --schemas names it"), "{text}");
    }
    // What only looks makes no database.
    let (typo, empty) = (all.path().join("typo/x.duckdb"), all.path().join("empty"));
    fs::create_dir(&empty).expect("made");
    let output = duckgate(&["plan"], &typo, &empty);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("There is no database"), "{text}");
    assert!(!all.path().join("typo").exists());
    // A folder that was named and is not there is no empty folder: the tables of its files would be gone.
    let output = duckgate(&["serve", "--listen", "127.0.0.1:0"], Path::new(":memory:"), &gone);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("gone"), "{text}");
}

/// What a script of `tests/schemas/changes` says and what came of it: sections that begin with `== `.
fn play(script: &str) -> String {
    let place = tempfile::tempdir().expect("a folder");
    let (data, schemas) = (place.path().join("x.duckdb"), place.path().join("files"));
    fs::create_dir(&schemas).expect("made");
    let mut out = String::new();
    for section in script.split("== ").skip(1) {
        let (title, body) = section.split_once('\n').unwrap_or((section, ""));
        writeln!(out, "== {title}").expect("a string");
        match title {
            "files" => {
                fs::write(schemas.join("a.toml"), body).expect("written");
                out.push_str(body);
            }
            "sql" => {
                let options =
                    Options { data: Some(data.clone()), schemas: Some(schemas.clone()), ..Options::default() };
                let mut server = Server::start(&options);
                let mut connection = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
                for line in body.lines().filter(|l| !l.starts_with("    ") && !l.is_empty()) {
                    writeln!(out, "{line}").expect("a string");
                    match connection.query(line) {
                        Ok(rows) => rows.iter().for_each(|row| {
                            let row: Vec<_> = row.iter().map(|v| v.clone().unwrap_or_else(|| "NULL".into())).collect();
                            writeln!(out, "    {}", row.join("|")).expect("a string");
                        }),
                        Err(e) => {
                            writeln!(out, "    {}", e.to_string().lines().next().unwrap_or_default()).expect("a string")
                        }
                    }
                }
                drop(connection);
                assert!(server.terminate(Duration::from_secs(20)).is_some_and(|s| s.success()), "the server closes");
                out.push('\n');
            }
            command => {
                let arguments: Vec<&str> = command.split_whitespace().collect();
                let output = duckgate(&arguments, &data, &schemas);
                let text = [output.stdout, output.stderr].concat();
                out.push_str(&String::from_utf8_lossy(&text).replace(&format!("{}/", schemas.display()), ""));
                writeln!(out, "exit {}\n", output.status.code().unwrap_or(-1)).expect("a string");
            }
        }
    }
    out
}

#[test]
fn every_recorded_change_of_files_is_told_and_made_again() {
    for path in files_of(&folder("changes"), "txt") {
        let script = fs::read_to_string(&path).expect("a script");
        compare(&path, &play(&script));
    }
}

/// A gateway with one schema file that the test rewrites.
struct Live {
    server: Server,
    schemas: tempfile::TempDir,
}

impl Live {
    fn start(file: &str, flags: &[&str]) -> Self {
        let schemas = tempfile::tempdir().expect("a folder");
        fs::write(schemas.path().join("a.toml"), file).expect("written");
        let options = Options {
            schemas: Some(schemas.path().to_owned()),
            flags: flags.iter().map(|f| (*f).to_owned()).collect(),
            ..Options::default()
        };
        Self { server: Server::start(&options), schemas }
    }

    fn write(&self, file: &str) {
        fs::write(self.schemas.path().join("a.toml"), file).expect("written");
    }

    fn connect(&self) -> Connection {
        self.server.target.connect().unwrap_or_else(|e| panic!("{e}"))
    }

    fn hangup(&self) {
        // SAFETY: kill takes any pid; this one is our own child.
        unsafe { libc::kill(self.server.pid() as i32, libc::SIGHUP) };
    }
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < deadline, "not within 20 s: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

const ONE: &str = "[[table]]\nname = \"t\"\nprimary_key = \"id\"\n[table.columns]\nid = \"integer\"\na = \"text\"\n";

#[test]
fn sighup_reloads_under_sessions_at_work_and_a_bad_file_changes_nothing() {
    let mut live = Live::start(ONE, &[]);
    let (mut idle, mut busy, mut admin) = (live.connect(), live.connect(), live.connect());
    rows(&mut idle, "INSERT INTO t VALUES (1, 'one')");
    rows(&mut idle, "PREPARE all_of_t AS SELECT * FROM t");
    assert_eq!(rows(&mut idle, "EXECUTE all_of_t"), ["1|one"]);
    rows(&mut busy, "BEGIN ISOLATION LEVEL REPEATABLE READ");
    assert_eq!(rows(&mut busy, "SELECT count(*) FROM t"), ["1"]);

    live.write(&format!(
        "{ONE}b = \"integer not null default 7\"\n[[table]]\nname = \"u\"\n[table.columns]\nx = \"date\"\n"
    ));
    live.hangup();
    until("the new table is there", || admin.query("SELECT * FROM u").is_ok());
    assert_eq!(rows(&mut admin, "SELECT * FROM t"), ["1|one|7"]);
    // The transaction still has the schema that it began with, and goes on.
    assert_eq!(rows(&mut busy, "SELECT * FROM t"), ["1|one"]);
    assert!(busy.query("SELECT * FROM u").is_err());
    rows(&mut busy, "ROLLBACK");
    assert_eq!(rows(&mut busy, "SELECT b FROM t"), ["7"]);
    // A statement that was prepared is planned anew; its result has one column more, as in PostgreSQL.
    let changed = idle.query("EXECUTE all_of_t").expect_err("another result");
    assert_eq!(changed.code(), "0A000", "{changed}");
    assert!(changed.to_string().contains("cached plan must not change result type"), "{changed}");
    rows(&mut idle, "DEALLOCATE all_of_t");
    rows(&mut idle, "PREPARE a_of_t AS SELECT a FROM t WHERE id = $1");
    assert_eq!(rows(&mut idle, "EXECUTE a_of_t(1)"), ["one"]);

    live.write("[[table]]\nname = \"t\"\n[table.columns]\nid = \"interger\"\n");
    live.hangup();
    let error = admin.query("SELECT duckgate.reload()").expect_err("a bad file");
    let text = format!("{error:?}");
    assert!(text.contains("a.toml:4:6: error: column"), "{text}");
    assert_eq!(error.code(), "F0000");
    assert_eq!(rows(&mut admin, "SELECT * FROM t"), ["1|one|7"]);
    assert_eq!(rows(&mut idle, "EXECUTE a_of_t(1)"), ["one"]);

    live.write(&format!("{ONE}b = \"integer not null default 7\"\nc = \"text\"\n"));
    assert_eq!(rows(&mut admin, "SELECT duckgate.reload()"), ["t"]);
    assert_eq!(rows(&mut idle, "EXECUTE a_of_t(1)"), ["one"]);
    assert_eq!(rows(&mut idle, "SELECT * FROM t"), ["1|one|7|NULL"]);
    // The table that no file defines any more stays until somebody says that it may go.
    assert!(rows(&mut admin, "SELECT * FROM u").is_empty());
    drop((idle, busy, admin));
    let log = live.server.log();
    assert!(log.contains("a.toml:4:6: error: column \"id\": type \"interger\" does not exist"), "{log}");
    assert!(log.contains("drop table public.u"), "{log}");
}

#[test]
fn reload_is_the_superusers_and_works_where_one_statement_runs_at_once() {
    let roles =
        "[[role]]\nname = \"reader\"\nlogin = true\n[[grant]]\nto = \"reader\"\non = \"t\"\nprivileges = \"select\"\n";
    let live = Live::start(&format!("{roles}{ONE}"), &["--max-running", "1"]);
    let mut admin = live.connect();
    let mut other = live.connect();
    rows(&mut other, "SET ROLE reader");
    assert!(rows(&mut other, "SELECT * FROM t").is_empty());
    let refused = other.query("SELECT duckgate.reload()").expect_err("not a superuser");
    assert_eq!(refused.code(), "42501", "{refused}");
    let refused = admin.query("GRANT SELECT ON t TO PUBLIC").expect_err("a file says who may");
    assert_eq!(refused.code(), "42501", "{refused}");
    // A sequence that a statement names, computed or not, is judged as PostgreSQL judges it.
    rows(&mut admin, "CREATE SEQUENCE numbers");
    let oid = rows(&mut admin, "SELECT 'numbers'::regclass::oid").remove(0);
    let computed = format!("SELECT nextval(({oid} + (random() * 0)::int)::oid::regclass)");
    for sql in
        ["SELECT nextval('numbers')", computed.as_str(), "SELECT setval('numbers', 5)", "SELECT currval('numbers')"]
    {
        assert_eq!(other.query(sql).map_err(|e| e.code().to_owned()), Err("42501".to_owned()), "{sql}");
    }
    rows(&mut admin, "GRANT USAGE ON SEQUENCE numbers TO reader");
    assert_eq!(rows(&mut other, &computed), ["1"]);
    assert_eq!(rows(&mut other, "SELECT currval('numbers')"), ["1"]);
    assert_eq!(other.query("SELECT setval('numbers', 5)").expect_err("USAGE is not enough").code(), "42501");
    // The grant goes with the file's word, and so at once.
    live.write(&format!("[[role]]\nname = \"reader\"\nlogin = true\n{ONE}b = \"integer\"\n"));
    assert_eq!(rows(&mut admin, "SELECT duckgate.reload()"), ["t"]);
    assert_eq!(other.query("SELECT * FROM t").expect_err("taken away").code(), "42501");
    assert_eq!(rows(&mut admin, "SELECT count(*) FROM t"), ["0"]);
}

#[test]
fn a_kill_in_the_middle_of_a_change_leaves_the_old_state_or_the_new() {
    let place = tempfile::tempdir().expect("a folder");
    let (data, schemas) = (place.path().join("x.duckdb"), place.path().join("files"));
    fs::create_dir(&schemas).expect("made");
    let file = schemas.join("a.toml");
    let old = "[[table]]\nname = \"t\"\nprimary_key = \"id\"\n[table.columns]\nid = \"bigint\"\na = \"text\"\n";
    let new = "[[table]]\nname = \"t\"\nprimary_key = \"id\"\n[table.columns]\nid = \"bigint\"\nb = \"integer not null default 1\"\n[[table]]\nname = \"u\"\n[table.columns]\nx = \"integer\"\n";
    fs::write(&file, old).expect("written");
    let options = Options { data: Some(data.clone()), schemas: Some(schemas.clone()), ..Options::default() };
    let mut server = Server::start(&options);
    let mut connection = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
    rows(&mut connection, "INSERT INTO t SELECT i, 'row ' || i FROM generate_series(1, 100000) AS g(i)");
    drop(connection);
    server.terminate(Duration::from_secs(20));
    let mut finished = 0;
    for round in 0..8 {
        fs::write(&file, new).expect("written");
        let mut child = Command::new(env!("CARGO_BIN_EXE_duckgate"))
            .args(["apply", "--allow-destructive", "--data"])
            .arg(&data)
            .arg("--schemas")
            .arg(&schemas)
            .env("DUCKGATE_PASSWORD", "correct horse")
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("the binary runs");
        std::thread::sleep(Duration::from_millis(60 + round * 60));
        let _ = child.kill();
        let _ = child.wait();
        let output = duckgate(&["plan"], &data, &schemas);
        let plan = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{plan}{}", String::from_utf8_lossy(&output.stderr));
        let changes: Vec<&str> = plan.lines().filter(|l| l.starts_with(['+', '-', '!'])).collect();
        match changes.len() {
            0 => {
                finished += 1;
                break;
            }
            // All of it is still to do: two columns and a table.
            3 => assert!(plan.contains("its values in 100000 rows"), "{plan}"),
            _ => panic!("round {round}: something in between:\n{plan}"),
        }
    }
    if finished == 0 {
        assert!(duckgate(&["apply", "--allow-destructive"], &data, &schemas).status.success());
    }
    let server = Server::start(&options);
    let mut connection = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(rows(&mut connection, "SELECT count(*), sum(b), min(id), max(id) FROM t"), ["100000|100000|1|100000"]);
}

/// Masks are made by schema files alone: `tests/rules/masks`.
#[test]
fn masks_stand_in_the_place_of_columns() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules/masks");
    let server = Server::start(&Options { schemas: Some(folder.clone()), ..Options::default() });
    let mut connections: HashMap<String, Connection> = HashMap::new();
    let path = folder.join("decisions.txt");
    let text = fs::read_to_string(&path).expect("the decisions");
    let mut out = String::new();
    for line in text.lines().filter(|l| !l.starts_with("    ")) {
        writeln!(out, "{line}").expect("a string");
        let Some((role, statement)) = line.split_once(": ").filter(|_| !line.starts_with('#')) else { continue };
        let connection = connections.entry(role.to_owned()).or_insert_with(|| {
            let mut connection = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
            if role != "root" {
                rows(&mut connection, &format!("SET SESSION AUTHORIZATION {role}"));
            }
            connection
        });
        if role == "root" {
            rows(connection, statement);
            continue;
        }
        rows(connection, "BEGIN");
        match connection.query(statement) {
            Ok(found) => {
                let shown = |v: &Option<String>| v.clone().unwrap_or_else(|| "NULL".into());
                let mut lines: Vec<String> =
                    found.iter().map(|row| row.iter().map(shown).collect::<Vec<_>>().join("|")).collect();
                lines.sort();
                lines.iter().for_each(|line| writeln!(out, "    {line}").expect("a string"));
            }
            Err(error) => writeln!(out, "    {error}").expect("a string"),
        }
        rows(connection, "ROLLBACK");
    }
    compare(&path, &out);
}
