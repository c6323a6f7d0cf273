//! Real drivers against the gateway, over TLS with SCRAM: psql and those of Python, Node, Go, Java. The programs are in
//! tests/clients/, the Rust drivers in tests/rust_clients.rs.
//!
//! `DUCKGATE_TEST_SERVER='host=… port=… user=… password=… dbname=…'` (and PGSSLMODE) points them at another server.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use support::server::{Options, Server, clients, installed, run, skipped};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

fn present(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Runs a program with libpq's variables set; it must succeed within two minutes.
fn passes(mut command: Command) {
    let server = Server::shared();
    let output = run(command.envs(server.environment()), Duration::from_secs(120));
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let failed: Vec<_> = text.lines().filter(|l| !l.starts_with("ok - ")).collect();
    assert!(output.status.success(), "{command:?}\n{}", failed.join("\n"));
    assert!(text.contains("ok - "), "{command:?} checked nothing:\n{text}");
}

fn python(program: &str) {
    if installed("python", &["python3"]) {
        let mut command = Command::new(clients().join("python/bin/python"));
        command.arg(folder().join("python").join(program));
        passes(command);
    }
}

#[test]
fn psycopg_3_in_text_binary_pipeline_cursors_and_copy() {
    python("run_psycopg.py");
}

#[test]
fn copy_beyond_postgresql_15_with_pyarrow_and_polars() {
    // PostgreSQL has no such format, and its release 15 no such options.
    if std::env::var_os("DUCKGATE_TEST_SERVER").is_none() {
        python("run_copy.py");
    }
}

#[test]
fn adbc_with_pandas_and_polars() {
    python("run_adbc.py");
}

#[test]
fn asyncpg() {
    python("run_asyncpg.py");
}

#[test]
fn psycopg2() {
    python("run_psycopg2.py");
}

#[test]
fn pg8000() {
    python("run_pg8000.py");
}

fn node(program: &str) {
    if installed("node", &["node", "npm"]) {
        // Node looks for packages from the file's own place upwards, so the programs go beside them.
        for file in ["harness.mjs", program] {
            std::fs::copy(folder().join("node").join(file), clients().join("node").join(file)).expect("copied");
        }
        let mut command = Command::new("node");
        command.arg(clients().join("node").join(program)).current_dir(clients().join("node"));
        passes(command);
    }
}

#[test]
fn node_postgres() {
    node("run_pg.mjs");
}

#[test]
fn pg_copy_streams() {
    node("run_copy.mjs");
}

#[test]
fn postgres_js() {
    node("run_postgres.mjs");
}

fn go(program: &str) {
    if installed("go", &["go"]) {
        passes(Command::new(clients().join("go").join(program)));
    }
}

#[test]
fn pgx_in_all_query_modes() {
    go("pgx");
}

#[test]
fn lib_pq() {
    go("pq");
}

#[test]
fn pgjdbc_with_fetch_size_batches_binary_and_autocommit_both_ways() {
    if installed("java", &["javac", "mvn"]) {
        let (classes, libraries) = (clients().join("java/classes"), clients().join("java/lib/*"));
        let mut command = Command::new("java");
        command.arg("-cp").arg(format!("{}:{}", classes.display(), libraries.display())).arg("PgJdbc");
        passes(command);
    }
}

/// Runs psql on a script from its standard input and gives what it prints.
fn psql(arguments: &[&str]) -> Option<(String, String)> {
    if !present("psql") {
        skipped("psql", "psql is not installed");
        return None;
    }
    let server = Server::shared();
    let mut command = Command::new("psql");
    command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1"]).args(arguments);
    let output = run(command.envs(server.environment()), Duration::from_secs(60));
    Some((String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

#[test]
fn psql_prints_results_as_with_postgresql() {
    let Some((out, err)) = psql(&["-c", "SELECT 1 AS a, NULL AS n, 'x' AS t UNION ALL SELECT 2, 'y', 'z' ORDER BY 1"])
    else {
        return;
    };
    assert_eq!((out.as_str(), err.as_str()), (" a | n | t \n---+---+---\n 1 |   | x\n 2 | y | z\n(2 rows)\n\n", ""));
}

#[test]
fn psql_copies_files_in_and_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let (from, to) = (folder.path().join("in.tbl"), folder.path().join("out.csv"));
    std::fs::write(&from, "1|one\n2|two\n3|\n").expect("written");
    let Some((_, err)) = psql(&[
        "-c",
        "CREATE TABLE psql_copy (a int, b text)",
        "-c",
        &format!("\\copy psql_copy FROM '{}' WITH (DELIMITER '|')", from.display()),
        "-c",
        &format!("\\copy (SELECT * FROM psql_copy ORDER BY a) TO '{}' WITH (FORMAT csv, HEADER)", to.display()),
        "-c",
        "DROP TABLE psql_copy",
    ]) else {
        return;
    };
    assert_eq!(err, "");
    assert_eq!(std::fs::read_to_string(to).expect("written"), "a,b\n1,one\n2,two\n3,\"\"\n");
}

#[test]
fn psql_shows_where_an_error_is() {
    let Some((_, err)) = psql(&["-c", "SELECT nothing FROM (SELECT 1 AS a) x"]) else { return };
    assert_eq!(
        err,
        "ERROR:  column \"nothing\" does not exist\nLINE 1: SELECT nothing FROM (SELECT 1 AS a) x\n               ^\n"
    );
}

#[test]
fn psql_uses_a_cursor_for_fetch_count_and_describes_with_gdesc() {
    let Some((out, err)) =
        psql(&["-A", "-t", "-v", "FETCH_COUNT=3", "-c", "SELECT n FROM generate_series(1, 10) AS n"])
    else {
        return;
    };
    assert_eq!((out.lines().count(), err.as_str()), (10, ""));
}

/// A small app on an ORM prints what it printed on PostgreSQL (tests/clients/orms/expected): migrations, relations, nested
/// transactions, upserts, locks, pages, aggregates, errors, and the way back.
fn app(name: &str, mut command: Command) {
    // One each: beside others' migrations a ROLLBACK TO is 40001 at times (docs/transactions.md), which no app expects.
    let server = Server::start(&Options::default());
    let output = run(command.envs(server.environment()), Duration::from_secs(180));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let expected = folder().join("orms/expected").join(format!("{name}.txt"));
    let expected = std::fs::read_to_string(expected).expect("what PostgreSQL's run printed");
    let differs = expected.lines().zip(said.lines()).find(|(expected, said)| expected != said);
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && differs.is_none(), "{name}: {differs:#?}\n{said}\n{complaint}");
    assert_eq!(said.lines().count(), expected.lines().count(), "{name} printed\n{said}");
}

fn python_app(name: &str) {
    if installed("orms-python", &["python3"]) {
        let mut command = Command::new(clients().join("orms-python/bin/python"));
        command.arg(folder().join("orms").join(format!("app_{name}.py")));
        app(name, command);
    }
}

fn node_app(name: &str) {
    if installed("orms-node", &["node", "npm"]) {
        let file = format!("app_{name}.mjs");
        std::fs::copy(folder().join("orms").join(&file), clients().join("orms-node").join(&file)).expect("copied");
        let mut command = Command::new("node");
        command.arg(clients().join("orms-node").join(&file));
        app(name, command);
    }
}

#[test]
fn an_app_on_sqlalchemy() {
    python_app("sqlalchemy");
}

#[test]
fn an_app_on_django() {
    python_app("django");
}

#[test]
fn an_app_on_peewee() {
    python_app("peewee");
}

#[test]
fn an_app_on_knex() {
    node_app("knex");
}

#[test]
fn an_app_on_typeorm() {
    node_app("typeorm");
}

#[test]
fn an_app_on_drizzle() {
    node_app("drizzle");
}

#[test]
fn an_app_on_sequelize() {
    node_app("sequelize");
}

#[test]
fn an_app_on_prisma() {
    if installed("orms-prisma", &["node", "npm"]) {
        // It looks for packages from its own place upwards.
        let file = clients().join("orms-prisma/app.mjs");
        std::fs::copy(folder().join("orms/prisma/app.mjs"), &file).expect("copied");
        let mut command = Command::new("node");
        command.arg(file);
        app("prisma", command);
    }
}

fn go_app(name: &str, program: &str) {
    if installed("orms-go", &["go"]) {
        app(name, Command::new(clients().join("orms-go").join(program)));
    }
}

#[test]
fn an_app_on_gorm() {
    go_app("gorm", "gorm");
}

#[test]
fn an_app_on_ent() {
    go_app("ent", "ent");
}

#[test]
fn an_app_on_hibernate() {
    if installed("orms-java", &["javac", "mvn"]) {
        let (classes, libraries) = (clients().join("orms-java/classes"), clients().join("orms-java/lib/*"));
        let mut command = Command::new("java");
        command.arg("-cp").arg(format!("{}:{}", classes.display(), libraries.display())).arg("HibernateApp");
        app("hibernate", command);
    }
}

/// It is linked to libpq.
#[test]
fn an_app_on_diesel() {
    if installed("orms-diesel", &["cargo", "pg_config"]) {
        app("diesel", Command::new(clients().join("orms-diesel/debug/app-diesel")));
    }
}

#[test]
fn an_app_on_activerecord() {
    let here = Command::new("ruby").args(["-e", "require 'active_record'; require 'pg'"]).output();
    if !here.is_ok_and(|output| output.status.success()) {
        return skipped("the app on ActiveRecord", "ruby-activerecord and ruby-pg are not installed");
    }
    let mut command = Command::new("ruby");
    command.arg(folder().join("orms/app_activerecord.rb"));
    app("activerecord", command);
}

/// Elle's method, in short: scripts/list-append.py has the long form, with kills.
#[test]
fn concurrent_transactions_show_no_anomaly_that_their_level_forbids() {
    if !installed("python", &["python3"]) {
        return;
    }
    let script = folder().join("../../scripts/list-append.py");
    let server = Server::shared();
    for level in [&["REPEATABLE READ"][..], &["READ COMMITTED"], &["READ COMMITTED", "--locks"]] {
        let mut command = Command::new(clients().join("python/bin/python"));
        command
            .arg(&script)
            .args(["--server", "", "--transactions", "240", "--clients", "4", "--isolation"])
            .args(level);
        let output = run(command.envs(server.environment()), Duration::from_secs(120));
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && text.contains(", 0 anomalies"), "{level:?}\n{text}");
    }
}

/// pgbench's TPC-B: transactions that conflict are tried again, and the sums agree at the end.
#[test]
fn pgbench_balances_agree() {
    let found = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let Some(pgbench) = found.map(|version| version.path().join("bin/pgbench")).find(|path| path.exists()) else {
        return skipped("pgbench", "it is not installed");
    };
    let server = Server::shared();
    for arguments in [&["-i", "-q", "-s", "1"][..], &["-n", "-c", "4", "-j", "2", "-t", "12", "--max-tries", "200"]] {
        let output = run(Command::new(&pgbench).args(arguments).envs(server.environment()), Duration::from_secs(120));
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}\n{text}");
        assert!(!arguments.contains(&"-c") || text.contains("48/48"), "{text}");
    }
    let sums = "SELECT (SELECT sum(abalance) FROM pgbench_accounts), (SELECT sum(bbalance) FROM pgbench_branches), \
                (SELECT sum(tbalance) FROM pgbench_tellers), (SELECT sum(delta) FROM pgbench_history)";
    let rows = server.target.connect().expect("connected").query(sums).expect("sums");
    let row = rows.first().expect("a row");
    assert!(row.iter().all(|sum| *sum == row[0]), "{row:?}");
}
