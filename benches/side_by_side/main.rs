//! The same statements against the gateway, PostgreSQL (when it is on PATH) and DuckDB in-process, in one run: ratios as
//! a Markdown table. `cargo bench --bench side_by_side [-- reads|tpch|points|mixed|connections|rules|load …]`; `DUCKGATE_BENCH_SCALE` is
//! TPC-H's scale factor (default 1), `DUCKGATE_BENCH_SECONDS` how long each throughput is measured (default 5),
//! `DUCKGATE_BENCH_FOLDER` keeps the data and the loaded databases for the next run, `DUCKGATE_BENCH_POSTGRES_TPCH=1` has
//! PostgreSQL answer the 22 queries too (minutes at scale 1).

#[path = "../../tests/support/mod.rs"]
mod support;

mod load;
mod measure;
mod postgres;
mod raw;
mod report;
mod rules;

use std::path::{Path, PathBuf};
use std::time::Duration;

use measure::Latencies;
use report::{Report, Row};
use support::server::{Options, Server};
use support::target::Target;
use support::tpch::{Data, TABLES, query, schema};

const LINEITEM: &str = "SELECT * FROM lineitem";
const POINT: &str = "SELECT c_name, c_acctbal FROM customer WHERE c_custkey = $1";

/// In how many turns one client's point queries are measured, and in-process ones.
const TURNS: u32 = 5;

fn main() {
    // `cargo test --benches` runs this with --test: building it is the test.
    if std::env::args().any(|a| a == "--test") {
        return;
    }
    let scale: f64 = number("DUCKGATE_BENCH_SCALE", 1.0);
    let seconds = Duration::from_secs_f64(number("DUCKGATE_BENCH_SECONDS", 5.0));
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let wants = |section: &str| wanted.is_empty() || wanted.iter().any(|w| w == section);
    let temporary = tempfile::tempdir().expect("a folder");
    let kept = std::env::var_os("DUCKGATE_BENCH_FOLDER").map(PathBuf::from);
    let folder = kept.unwrap_or_else(|| temporary.path().to_path_buf());
    std::fs::create_dir_all(&folder).expect("the folder");
    let data = Data::generate(&folder.join("tpch"), scale);
    let mut report = Report::default();
    if wanted.iter().any(|section| section == "load") {
        // Alone: it starts and stops what it measures.
        let duckdb = in_process(&folder.join("in-process.duckdb"), &data);
        load::measure(&mut report, &folder, &duckdb);
        println!("{}", report.markdown(scale));
        return;
    }

    let file = folder.join("gateway.duckdb");
    let loaded = file.exists();
    let gateway = Server::start(&Options {
        data: Some(file),
        environment: vec![("DUCKGATE_LOG".into(), "warn".into())],
        ..Options::default()
    });
    if !loaded {
        eprintln!("gateway: loading");
        load(&gateway.target, &data);
    }

    let cluster = postgres::Cluster::start(&folder);
    if let Some(cluster) = cluster.as_ref().filter(|c| c.new) {
        eprintln!("PostgreSQL: loading");
        load(&cluster.target, &data);
        cluster.target.connect().and_then(|mut c| c.query("VACUUM ANALYZE")).unwrap_or_else(|e| panic!("{e}"));
    }
    let postgres = cluster.as_ref().map(|c| &c.target);
    stop_when_killed(cluster.as_ref().map(postgres::Cluster::stopper), gateway.pid());

    let duckdb = in_process(&folder.join("in-process.duckdb"), &data);

    if wants("reads") {
        full_reads(&mut report, &gateway.target, postgres, &duckdb);
    }
    if wants("tpch") {
        let too = std::env::var_os("DUCKGATE_BENCH_POSTGRES_TPCH").is_some();
        tpch(&mut report, &gateway.target, postgres.filter(|_| too), &duckdb, scale);
    }
    if wants("points") {
        points(&mut report, &gateway.target, postgres, &duckdb, scale, seconds);
    }
    if wants("mixed") {
        mixed(&mut report, &gateway.target, postgres, scale, seconds);
    }
    if wants("connections") {
        connections(&mut report, &gateway.target, postgres);
    }
    if wants("rules") {
        rules::measure(&mut report, &folder, &data, scale);
    }
    println!("{}", report.markdown(scale));
}

/// SIGINT, SIGTERM and SIGHUP end this process, and what it has started with it.
fn stop_when_killed(stop_postgres: Option<impl FnOnce() + Send + 'static>, gateway: u32) {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let [mut int, mut term, mut hup] = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()]
                .map(|kind| signal(kind).expect("a signal"));
            tokio::select! { _ = int.recv() => {} _ = term.recv() => {} _ = hup.recv() => {} }
        });
        // SAFETY: kill takes any pid; this one is our own child's, which is waited for only when the process ends.
        unsafe { libc::kill(gateway as i32, libc::SIGTERM) };
        if let Some(stop) = stop_postgres {
            stop();
        }
        std::process::exit(130);
    });
}

fn number(variable: &str, default: f64) -> f64 {
    std::env::var(variable).map_or(default, |n| n.parse().expect("a number"))
}

fn load(target: &Target, data: &Data) {
    let mut connection = target.connect().unwrap_or_else(|e| panic!("{e}"));
    for statement in schema() {
        connection.query(&statement).unwrap_or_else(|e| panic!("{statement}: {e}"));
    }
    fill(target, data);
}

/// The data into tables that are there.
fn fill(target: &Target, data: &Data) {
    let mut connection = target.connect().unwrap_or_else(|e| panic!("{e}"));
    connection.timeout = Duration::from_secs(3600);
    for table in TABLES {
        let sql = format!("COPY {table} FROM STDIN WITH (DELIMITER '|')");
        connection.copy_in(&sql, data.chunks(table)).unwrap_or_else(|e| panic!("{table}: {e}"));
    }
}

fn in_process(path: &Path, data: &Data) -> duckdb::Connection {
    let loaded = path.exists();
    let connection = duckdb::Connection::open(path).expect("DuckDB opens");
    if !loaded {
        eprintln!("DuckDB in-process: loading");
        data.load_into_duckdb(&connection);
        connection.execute_batch("CHECKPOINT").expect("a checkpoint");
    }
    connection
}

/// lineitem from its first to its last row: binary by the extended protocol, text by the simple one.
fn full_reads(report: &mut Report, gateway: &Target, postgres: Option<&Target>, duckdb: &duckdb::Connection) {
    eprintln!("full reads");
    let arrow = measure::best(3, || measure::arrow_stream(duckdb, LINEITEM));
    for (name, binary, over_postgres, over_in_process) in [
        ("full read of lineitem, binary", true, Some(2.5), Some(2.0)),
        ("full read of lineitem, text", false, Some(2.0), None),
    ] {
        let read = |target: &Target| measure::best(3, || raw::read_all(target, LINEITEM, binary));
        let (ours, theirs) = (read(gateway), postgres.map(read));
        report.add(
            Row::seconds(name, ours.total, theirs.map(|t| t.total), Some(arrow.total))
                .goal(over_postgres, over_in_process),
        );
        if binary {
            let row = Row::seconds("— its first row", ours.first, theirs.map(|t| t.first), Some(arrow.first));
            report.add(row.within(Duration::from_millis(20)));
        }
    }
    for (format, over_postgres, over_in_process) in
        [("arrow", None, Some(1.25)), ("binary", Some(2.5), None), ("csv", None, None), ("text", None, None)]
    {
        let sql = format!("COPY lineitem TO STDOUT (format {format})");
        let read = |target: &Target| measure::best(3, || raw::read_all(target, &sql, false)).total;
        let theirs = postgres.filter(|_| format != "arrow").map(read);
        report.add(
            Row::seconds(&format!("COPY of lineitem, {format}"), read(gateway), theirs, Some(arrow.total))
                .goal(over_postgres, over_in_process),
        );
    }
}

fn tpch(report: &mut Report, gateway: &Target, postgres: Option<&Target>, duckdb: &duckdb::Connection, scale: f64) {
    eprintln!("TPC-H queries");
    let mut totals = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let mut rows = Vec::new();
    for n in 1..=22 {
        let sql = query(n, scale);
        // By turns: what else the machine does in between meets both alike.
        let (mut ours, mut inside) = (Duration::MAX, Duration::MAX);
        for _ in 0..5 {
            ours = ours.min(raw::read_all(gateway, &sql, false).total);
            inside = inside.min(measure::arrow_stream(duckdb, &sql).total);
        }
        let theirs = postgres.map(|p| raw::read_all(p, &sql, false).total);
        totals = (totals.0 + ours, totals.1 + theirs.unwrap_or_default(), totals.2 + inside);
        rows.push(Row::seconds(&format!("TPC-H Q{n}"), ours, theirs, Some(inside)));
    }
    let total = Row::seconds("TPC-H, all 22", totals.0, postgres.map(|_| totals.1), Some(totals.2));
    report.add(total.goal(None, Some(1.05)));
    rows.into_iter().for_each(|row| report.add(row));
}

fn points(
    report: &mut Report,
    gateway: &Target,
    postgres: Option<&Target>,
    duckdb: &duckdb::Connection,
    scale: f64,
    seconds: Duration,
) {
    let keys = (150_000.0 * scale) as i32;
    let load = |clients| raw::Load { sql: POINT.into(), keys, clients, update: None };
    eprintln!("point queries");
    // One client and in-process by turns: what else the machine does in between meets both alike.
    let (mut ours, mut inside) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        inside.push(measure::point_in_process(duckdb, &POINT.replace("$1", "?"), keys, seconds / TURNS));
        ours.push(raw::points(gateway, &load(1), seconds / TURNS));
    }
    let (ours, inside) = (Latencies::middle(ours), Latencies::middle(inside));
    let round_trip = raw::loopback(inside.median);
    for clients in [1, 8, 64] {
        let run = |target: &Target| raw::points(target, &load(clients), seconds);
        let ours = if clients == 1 { ours } else { run(gateway) };
        let theirs = postgres.map(run);
        let name = |what: &str| format!("point query, {clients} client{}: {what}", if clients == 1 { "" } else { "s" });
        let inside_median = (clients == 1).then_some(inside.median);
        let mut row = Row::seconds(&name("p50"), ours.median, theirs.map(|t| t.median), inside_median);
        if clients == 1 {
            let limit = inside.median.mul_f64(1.3) + round_trip;
            row = row.at_most(limit, &format!("1.3 × in-process + a round trip = {} µs", limit.as_micros()));
        }
        report.add(row);
        report.add(Row::seconds(&name("p99"), ours.worst, theirs.map(|t| t.worst), None));
        let inside_rate = (clients == 1).then_some(inside.rate);
        report.add(Row::rate(&name("queries a second"), ours.rate, theirs.map(|t| t.rate), inside_rate));
    }
    let name = "a round trip on the loopback between two threads, one at work for as long as in-process takes";
    report.add(Row::seconds(name, round_trip, None, None));
    report.add(Row::seconds(
        "— that asks for nothing (Sync)",
        raw::round_trip(gateway),
        postgres.map(raw::round_trip),
        None,
    ));
}

/// Point queries beside changes of single rows, of the table that is read and of another.
fn mixed(report: &mut Report, gateway: &Target, postgres: Option<&Target>, scale: f64, seconds: Duration) {
    eprintln!("point queries beside changes");
    let keys = (150_000.0 * scale) as i32;
    let same = "UPDATE customer SET c_acctbal = c_acctbal + 1 WHERE c_custkey = $1";
    let other = "UPDATE supplier SET s_acctbal = s_acctbal + 1 WHERE s_suppkey = 1 + $1::int % 10000";
    for (update, whose) in [(same, "the same table's"), (other, "another table's")] {
        let load = raw::Load { sql: POINT.into(), keys, clients: 8, update: Some(update.into()) };
        let run = |target: &Target| raw::points(target, &load, seconds);
        let (ours, theirs) = (run(gateway), postgres.map(run));
        let name = |what: &str| format!("8 clients, every tenth statement changes {whose} row: {what}");
        report.add(Row::seconds(&name("queries' p50"), ours.median, theirs.map(|t| t.median), None));
        report.add(Row::rate(&name("queries a second"), ours.rate, theirs.map(|t| t.rate), None));
    }
}

fn connections(report: &mut Report, gateway: &Target, postgres: Option<&Target>) {
    eprintln!("connections");
    let set_up = |target: &Target| measure::connections_over_tls(target, 100);
    report.add(Row::seconds("connection with TLS and SCRAM, p50", set_up(gateway), postgres.map(set_up), None));
}
