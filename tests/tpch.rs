//! TPC-H: loaded by COPY over the wire, its 22 queries answer as DuckDB does in-process on the same files.
//!
//! The scale factor is 0.01; `DUCKGATE_TPCH_SCALE=1` makes it another, `DUCKGATE_TPCH_FOLDER` keeps the files.

mod support;

use std::process::Command;
use std::time::Instant;

use support::server::{Options, Server, skipped};
use support::target::Target;
use support::tpch::{Data, TABLES, query, schema};

#[test]
fn the_22_queries_answer_as_duckdb_does_in_process() {
    let scale: f64 = std::env::var("DUCKGATE_TPCH_SCALE").map_or(0.01, |s| s.parse().expect("a number"));
    let temporary = tempfile::tempdir().expect("a folder");
    let folder = std::env::var_os("DUCKGATE_TPCH_FOLDER").map_or_else(|| temporary.path().to_path_buf(), Into::into);
    let data = Data::generate(&folder, scale);
    let server = match std::env::var("DUCKGATE_TEST_SERVER") {
        Ok(_) => None,
        Err(_) => Some(Server::start(&Options::default())),
    };
    let target = server.as_ref().map_or_else(
        || Target::parse(&std::env::var("DUCKGATE_TEST_SERVER").expect("set")),
        |server| server.target.clone(),
    );
    load(&target, &data);

    let duckdb = duckdb::Connection::open_in_memory().expect("DuckDB opens");
    data.load_into_duckdb(&duckdb);

    let mut connection = target.connect().unwrap_or_else(|e| panic!("{e}"));
    connection.timeout = std::time::Duration::from_secs(300);
    let mut wrong = Vec::new();
    for n in 1..=22 {
        let sql = query(n, scale);
        let begin = Instant::now();
        let ours = match connection.query(&sql) {
            Ok(rows) => rows,
            Err(e) => {
                wrong.push(format!("Q{n}: {e}"));
                continue;
            }
        };
        let took = begin.elapsed();
        let begin = Instant::now();
        let theirs = in_process(&duckdb, &sql);
        println!("Q{n}: {} rows, {took:.1?} over the wire, {:.1?} in-process", ours.len(), begin.elapsed());
        if let Some(difference) = difference(&ours, &theirs) {
            wrong.push(format!("Q{n}: {difference}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// By psql's `\copy` where psql is there, as a user would; else by COPY from this program.
fn load(target: &Target, data: &Data) {
    let mut connection = target.connect().unwrap_or_else(|e| panic!("{e}"));
    connection.timeout = std::time::Duration::from_secs(600);
    for table in TABLES.iter().rev() {
        connection.query(&format!("DROP TABLE IF EXISTS {table}")).unwrap_or_else(|e| panic!("{table}: {e}"));
    }
    for statement in schema() {
        connection.query(&statement).unwrap_or_else(|e| panic!("{statement}: {e}"));
    }
    let psql = Command::new("psql").arg("--version").output().is_ok();
    if !psql {
        skipped("psql's \\copy of TPC-H", "psql is not installed (COPY from the test itself instead)");
    }
    for table in TABLES {
        let begin = Instant::now();
        if psql {
            copy_by_psql(target, data, table);
        } else {
            let sql = format!("COPY {table} FROM STDIN WITH (DELIMITER '|')");
            connection.copy_in(&sql, data.chunks(table)).unwrap_or_else(|e| panic!("{table}: {e}"));
        }
        println!("{table}: loaded in {:.1?}", begin.elapsed());
    }
}

fn copy_by_psql(target: &Target, data: &Data, table: &str) {
    let output = Command::new("psql")
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c"])
        .arg(format!("\\copy {table} FROM '{}' WITH (DELIMITER '|')", data.file(table).display()))
        .env("PGHOST", &target.host)
        .env("PGPORT", target.port.to_string())
        .env("PGUSER", &target.user)
        .env("PGPASSWORD", &target.password)
        .env("PGDATABASE", &target.database)
        .output()
        .expect("psql runs");
    assert!(output.status.success(), "\\copy {table}: {}", String::from_utf8_lossy(&output.stderr));
}

type Rows = Vec<Vec<Option<String>>>;

/// Every value cast to text by DuckDB.
fn in_process(connection: &duckdb::Connection, sql: &str) -> Rows {
    let sql = sql.lines().filter(|l| !l.starts_with("--")).collect::<Vec<_>>().join("\n");
    let mut statement = connection
        .prepare(&format!("SELECT COLUMNS(*)::VARCHAR FROM ({sql})"))
        .unwrap_or_else(|e| panic!("{sql}: {e}"));
    let mut rows = statement.query([]).expect("runs");
    let mut out = Vec::new();
    while let Some(row) = rows.next().expect("a row") {
        let width = row.as_ref().column_count();
        out.push((0..width).map(|i| row.get::<_, Option<String>>(i).expect("text")).collect());
    }
    out
}

/// The first difference; numbers are equal when they agree to ten digits (an average is numeric in PostgreSQL, and a
/// double in DuckDB), and blanks at the end of char(n) do not count.
fn difference(ours: &Rows, theirs: &Rows) -> Option<String> {
    if ours.len() != theirs.len() {
        return Some(format!("{} rows instead of {}", ours.len(), theirs.len()));
    }
    for (n, (a, b)) in ours.iter().zip(theirs).enumerate() {
        let same = a.len() == b.len() && a.iter().zip(b).all(|(x, y)| equal(x.as_deref(), y.as_deref()));
        if !same {
            return Some(format!("row {n}: {a:?} instead of {b:?}"));
        }
    }
    None
}

fn equal(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) if a.trim_end() == b.trim_end() => true,
        (Some(a), Some(b)) => match (a.parse::<f64>(), b.parse::<f64>()) {
            (Ok(x), Ok(y)) => (x - y).abs() <= 1e-10 * x.abs().max(y.abs()),
            _ => false,
        },
        (a, b) => a == b,
    }
}
