//! Bulk loads: lineitem and a narrow table of events by COPY in each format, into memory and into a file, against
//! PostgreSQL's COPY and DuckDB in-process (from Arrow in memory, from a csv file). Rows a second.
//!
//! `DUCKGATE_BENCH_LOADS` chooses among them by parts of their names (`lineitem/memory/arrow events`), `DUCKGATE_BENCH_EVENTS` is the number of
//! events (default 20 million).

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use arrow::array::{RecordBatch, RecordBatchIterator};
use arrow::ffi_stream::FFI_ArrowArrayStream;
use arrow::ipc::writer::StreamWriter;
use duckdb::ffi;

use super::report::{Report, Row};
use super::support::protocol::{frame, query};
use super::support::server::{Options, Server};
use super::support::target::Target;

/// What a client sends at once.
const PIECE: usize = 256 << 10;
/// Rows of an Arrow batch: what pyarrow's and polars' users send.
const BATCH: usize = 122_880;
const RUNS: usize = 3;

const EVENTS: &str = "CREATE TABLE events (id int8, moment timestamp, kind int4, value float8, source int8, ok bool)";
const EVENTS_ROWS: &str = "SELECT i AS id, TIMESTAMP '2024-01-01' + to_microseconds(i * 1000) AS moment, (i % 50)::INT AS kind, \
                           i / 7.0 AS value, (hash(i) >> 1)::INT8 AS source, i % 3 = 0 AS ok FROM range(ROWS) r(i)";

/// A table with its rows.
struct Table {
    name: &'static str,
    create: String,
    rows: u64,
}

/// What the gateway reads: the messages of a COPY, ready to be sent.
struct Stream {
    sql: String,
    messages: Vec<u8>,
}

impl Stream {
    fn new(sql: String, data: &[u8]) -> Self {
        let mut messages = Vec::with_capacity(data.len() + data.len() / PIECE * 8 + 16);
        for piece in data.chunks(PIECE) {
            messages.push(b'd');
            messages.extend((piece.len() as u32 + 4).to_be_bytes());
            messages.extend(piece);
        }
        messages.extend(frame(b'c', b""));
        Self { sql, messages }
    }
}

pub fn measure(report: &mut Report, folder: &Path, duckdb: &duckdb::Connection) {
    let wanted = std::env::var("DUCKGATE_BENCH_LOADS").unwrap_or_default();
    let wants = |name: &str| wanted.is_empty() || wanted.split_whitespace().any(|part| name.contains(part));
    let events = std::env::var("DUCKGATE_BENCH_EVENTS").map_or(20_000_000, |n| n.parse().expect("a number"));
    let tables = [
        (lineitem(false, duckdb), "SELECT * FROM lineitem".to_owned()),
        (lineitem(true, duckdb), "SELECT * FROM lineitem".to_owned()),
        (
            Table { name: "events", create: EVENTS.into(), rows: events },
            EVENTS_ROWS.replace("ROWS", &events.to_string()),
        ),
    ];
    let postgres = super::postgres::Cluster::start(folder);
    for (table, rows) in tables {
        if ["memory", "file"].iter().all(|place| !any_format(table.name, place, &wants)) {
            continue;
        }
        eprintln!("loads of {}", table.name);
        let batches = batches(duckdb, &rows);
        for format in ["arrow", "binary", "csv", "text"] {
            let name = |place: &str| format!("{}/{place}/{format}", table.name);
            if ["memory", "file"].iter().all(|place| !wants(&name(place))) {
                continue;
            }
            let (bytes, file) = data(folder, duckdb, &rows, &batches, format);
            let options = if format == "csv" { "format csv".to_owned() } else { format!("format {format}") };
            let stream = Stream::new(format!("COPY {} FROM STDIN ({options})", short(table.name)), &bytes);
            drop(bytes);
            let theirs = postgres.as_ref().filter(|_| format != "arrow" && wants(&name("file")));
            let theirs = theirs.map(|cluster| over_wire(&cluster.target, &table, &stream, Order::Kept, 0));
            for place in ["memory", "file"].into_iter().filter(|place| wants(&name(place))) {
                let path = |whose: &str| (place == "file").then(|| folder.join(format!("load-{whose}.duckdb")));
                let (ours, own) = (path("gateway"), path("in-process"));
                remove(ours.as_deref());
                let server = server(ours.as_deref());
                let (mut free, mut kept, mut inside) = (Vec::new(), Vec::new(), Vec::new());
                // In turns: what else the machine does is then the same for each.
                for _ in 0..RUNS {
                    let load = |order| over_wire(&server.target, &table, &stream, order, server.pid());
                    free.push(load(Order::Free));
                    kept.push(load(Order::Kept));
                    inside.push(in_process(own.as_deref(), &table, format, &batches, &file));
                    remove(own.as_deref());
                }
                drop(server);
                remove(ours.as_deref());
                let (free, kept, inside) =
                    (best(&name(place), free), best("in their order", kept), best("in-process", inside));
                let rate = |load: Load| table.rows as f64 / load.took.as_secs_f64();
                let goal = if format == "binary" { 1.25 } else { 1.11 };
                let theirs = theirs.filter(|_| place == "file").map(rate);
                report.add(
                    Row::rate(&format!("load {}, rows a second", name(place)), rate(free), theirs, Some(rate(inside)))
                        .goal(None, Some(goal)),
                );
                report.add(Row::rate("— in their order", rate(kept), theirs, Some(rate(inside))));
                report.add(Row::seconds("— processor time", free.worked, None, Some(inside.worked)));
            }
        }
        if table.name == "lineitem" && wants("small") {
            small(report, &batches);
        }
    }
}

fn any_format(table: &str, place: &str, wants: &dyn Fn(&str) -> bool) -> bool {
    ["arrow", "binary", "csv", "text"].iter().any(|format| wants(&format!("{table}/{place}/{format}")))
}

fn short(name: &str) -> &str {
    name.split('-').next().unwrap_or(name)
}

fn lineitem(key: bool, duckdb: &duckdb::Connection) -> Table {
    let create = super::support::tpch::schema().into_iter().find(|s| s.to_lowercase().contains("table lineitem"));
    let create = create.expect("lineitem's definition");
    // Without the constraints that the sample's definition may have.
    let columns: Vec<&str> =
        create.split_once('(').map_or("", |(_, c)| c).rsplit_once(')').map_or("", |(c, _)| c).split(",\n").collect();
    let plain = columns.iter().filter(|c| !c.trim_start().to_lowercase().starts_with("primary")).copied();
    let mut columns = plain.collect::<Vec<_>>().join(",");
    if key {
        columns.push_str(", PRIMARY KEY (l_orderkey, l_linenumber)");
    }
    let rows = duckdb.query_row("SELECT count(*) FROM lineitem", [], |row| row.get(0)).expect("a count");
    Table {
        name: if key { "lineitem-key" } else { "lineitem" },
        create: format!("CREATE TABLE lineitem ({columns})"),
        rows,
    }
}

fn batches(duckdb: &duckdb::Connection, sql: &str) -> Vec<RecordBatch> {
    let mut statement = duckdb.prepare(sql).expect("prepared");
    let small: Vec<RecordBatch> = statement.query_arrow([]).expect("runs").collect();
    let schema = small[0].schema();
    // Ours have no nulls to speak of, and the sizes that a writer of tables chooses.
    small.chunks(BATCH / 2048).map(|some| arrow::compute::concat_batches(&schema, some).expect("one batch")).collect()
}

/// A table's rows in a format; and the same as a file, for csv in-process.
fn data(
    folder: &Path,
    duckdb: &duckdb::Connection,
    rows: &str,
    batches: &[RecordBatch],
    format: &str,
) -> (Vec<u8>, PathBuf) {
    let file = folder.join("load.data");
    let bytes = match format {
        "arrow" => {
            let mut writer = StreamWriter::try_new(Vec::new(), &batches[0].schema()).expect("a writer");
            batches.iter().for_each(|batch| writer.write(batch).expect("written"));
            writer.into_inner().expect("written")
        }
        "csv" | "text" => {
            let delimiter = if format == "csv" { "," } else { "\t" };
            let copy =
                format!("COPY ({rows}) TO '{}' (FORMAT csv, HEADER false, DELIMITER '{delimiter}')", file.display());
            duckdb.execute_batch(&copy).expect("a file");
            std::fs::read(&file).expect("a file")
        }
        _ => binary(batches),
    };
    (bytes, file)
}

/// The rows as the gateway itself gives them in binary: PostgreSQL's format.
fn binary(batches: &[RecordBatch]) -> Vec<u8> {
    let server = server(None);
    let mut connection = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
    let wide = batches[0].num_columns() > 6;
    let create = if wide { lineitem_columns() } else { EVENTS.to_owned() };
    let name = if wide { "lineitem" } else { "events" };
    connection.query(&create).unwrap_or_else(|e| panic!("{e}"));
    let mut writer = StreamWriter::try_new(Vec::new(), &batches[0].schema()).expect("a writer");
    batches.iter().for_each(|batch| writer.write(batch).expect("written"));
    let stream = Stream::new(format!("COPY {name} FROM STDIN (format arrow)"), &writer.into_inner().expect("written"));
    send(&server.target, &stream, Order::Free);
    connection.send(&query(&format!("COPY {name} TO STDOUT (format binary)"))).unwrap_or_else(|e| panic!("{e}"));
    connection.timeout = Duration::from_secs(600);
    let mut data = Vec::new();
    loop {
        let message = connection.read().unwrap_or_else(|e| panic!("{e}"));
        match message.tag {
            b'd' => data.extend(message.body),
            b'E' => panic!("{:?}", super::support::protocol::fields(&message.body)),
            b'Z' => return data,
            _ => {}
        }
    }
}

fn lineitem_columns() -> String {
    super::support::tpch::schema().into_iter().find(|s| s.to_lowercase().contains("table lineitem")).expect("lineitem")
}

fn server(path: Option<&Path>) -> Server {
    let environment = vec![("DUCKGATE_LOG".into(), "warn".into())];
    Server::start(&Options { data: path.map(Path::to_path_buf), environment, ..Options::default() })
}

fn remove(path: Option<&Path>) {
    let Some(path) = path else { return };
    for end in ["", ".wal"] {
        let _ = std::fs::remove_file(format!("{}{end}", path.display()));
    }
}

/// What a load took.
#[derive(Debug, Clone, Copy)]
struct Load {
    took: Duration,
    /// Of processors, by the process that loaded: the gateway, or this one.
    worked: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Kept,
    Free,
}

/// The best of some runs.
fn best(name: &str, runs: Vec<Load>) -> Load {
    let seconds = |d: Duration| d.as_secs_f64();
    let all: Vec<_> = runs
        .iter()
        .map(|run| format!("{:.2} s (processors {:.2} s)", seconds(run.took), seconds(run.worked)))
        .collect();
    eprintln!("  {name}: {}", all.join(", "));
    runs.into_iter().min_by_key(|run| run.took).expect("a run")
}

/// A load into a table of its own.
fn over_wire(target: &Target, table: &Table, stream: &Stream, order: Order, pid: u32) -> Load {
    let mut connection = target.connect().unwrap_or_else(|e| panic!("{e}"));
    connection.timeout = Duration::from_secs(600);
    let mut run = |sql: &str| connection.query(sql).unwrap_or_else(|e| panic!("{e}"));
    run(&format!("DROP TABLE IF EXISTS {}", short(table.name)));
    run(&table.create);
    let before = worked(pid);
    let begun = Instant::now();
    send(target, stream, order);
    let took = begun.elapsed();
    let worked = worked(pid).saturating_sub(before);
    let count = run(&format!("SELECT count(*) FROM {}", short(table.name)));
    assert_eq!(count[0][0].as_deref(), Some(table.rows.to_string().as_str()));
    Load { took, worked }
}

/// The processors' time of a process so far; none of process 0, which is nobody's.
fn worked(pid: u32) -> Duration {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return Duration::ZERO };
    // Behind its name, which may have blanks: state is the first, utime and stime are the 12th and 13th, in hundredths.
    let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let ticks = |i: usize| fields.get(i).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

/// A connection, and the COPY to its end.
fn send(target: &Target, stream: &Stream, order: Order) {
    let mut connection = target.connect().unwrap_or_else(|e| panic!("{e}"));
    connection.timeout = Duration::from_secs(600);
    if order == Order::Kept {
        connection.query("SET duckgate.keep_load_order = on").unwrap_or_else(|e| panic!("{e}"));
    }
    connection.send(&query(&stream.sql)).unwrap_or_else(|e| panic!("{e}"));
    while connection.read().unwrap_or_else(|e| panic!("{}: {e}", stream.sql)).tag != b'G' {}
    for piece in stream.messages.chunks(1 << 20) {
        connection.send(piece).unwrap_or_else(|e| panic!("{e}"));
    }
    loop {
        let message = connection.read().unwrap_or_else(|e| panic!("{e}"));
        match message.tag {
            b'E' => panic!("{}: {:?}", stream.sql, super::support::protocol::fields(&message.body)),
            b'Z' => return,
            _ => {}
        }
    }
}

/// DuckDB's own way: csv and text from a file, everything else from Arrow in memory.
fn in_process(path: Option<&Path>, table: &Table, format: &str, batches: &[RecordBatch], file: &Path) -> Load {
    remove(path);
    let config = duckdb::Config::default();
    let connection = match path {
        Some(path) => duckdb::Connection::open_with_flags(path, config).expect("DuckDB opens"),
        None => duckdb::Connection::open_in_memory().expect("DuckDB opens"),
    };
    connection.execute_batch(&table.create).unwrap_or_else(|e| panic!("{e}"));
    let name = short(table.name);
    if let "csv" | "text" = format {
        let delimiter = if format == "csv" { "," } else { "\t" };
        let (before, begun) = (worked(std::process::id()), Instant::now());
        let sql = format!("COPY {name} FROM '{}' (FORMAT csv, HEADER false, DELIMITER '{delimiter}')", file.display());
        connection.execute_batch(&sql).unwrap_or_else(|e| panic!("{e}"));
        return Load { took: begun.elapsed(), worked: worked(std::process::id()).saturating_sub(before) };
    }
    drop(connection);
    arrow_in_process(path, table, batches)
}

/// By DuckDB's C API, whose scan of Arrow streams reads them with all threads.
fn arrow_in_process(path: Option<&Path>, table: &Table, batches: &[RecordBatch]) -> Load {
    let path = path.map(|path| std::ffi::CString::new(path.to_string_lossy().as_bytes()).expect("a path"));
    let run = |connection: ffi::duckdb_connection, sql: &str| {
        let sql = std::ffi::CString::new(sql).expect("no NUL");
        // SAFETY: a live connection and a NUL-terminated string; no result is wanted.
        let state = unsafe { ffi::duckdb_query(connection, sql.as_ptr(), std::ptr::null_mut()) };
        assert_eq!(state, ffi::duckdb_state_DuckDBSuccess, "{sql:?}");
    };
    let (mut database, mut connection) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: out pointers to locals, and a path that outlives the call or none.
    unsafe {
        assert_eq!(ffi::duckdb_open(path.as_ref().map_or(std::ptr::null(), |p| p.as_ptr()), &mut database), 0);
        assert_eq!(ffi::duckdb_connect(database, &mut connection), 0);
    }
    if path.is_none() {
        run(connection, &table.create);
    }
    let schema = batches[0].schema();
    // The stream takes them along: it cannot borrow.
    let owned: Vec<RecordBatch> = batches.to_vec();
    let reader = RecordBatchIterator::new(owned.into_iter().map(Ok), schema);
    let mut stream = FFI_ArrowArrayStream::new(Box::new(reader));
    // SAFETY: a live connection, a NUL-terminated name, a stream that outlives the statement below.
    let state =
        unsafe { ffi::duckdb_arrow_scan(connection, c"source".as_ptr(), std::ptr::from_mut(&mut stream).cast()) };
    assert_eq!(state, ffi::duckdb_state_DuckDBSuccess);
    let (before, begun) = (worked(std::process::id()), Instant::now());
    run(connection, &format!("INSERT INTO {} SELECT * FROM source", short(table.name)));
    let load = Load { took: begun.elapsed(), worked: worked(std::process::id()).saturating_sub(before) };
    // SAFETY: opened above, closed once.
    unsafe {
        ffi::duckdb_disconnect(&mut connection);
        ffi::duckdb_close(&mut database);
    }
    load
}

/// 100,000 rows in Arrow, from connecting to the answer.
fn small(report: &mut Report, batches: &[RecordBatch]) {
    let server = server(None);
    let mut connection = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
    connection.query(&lineitem_columns()).unwrap_or_else(|e| panic!("{e}"));
    let batch = batches[0].slice(0, 100_000.min(batches[0].num_rows()));
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).expect("a writer");
    writer.write(&batch).expect("written");
    let stream = Stream::new("COPY lineitem FROM STDIN (format arrow)".into(), &writer.into_inner().expect("written"));
    let mut all: Vec<Duration> = (0..5)
        .map(|_| {
            connection.query("TRUNCATE lineitem").unwrap_or_else(|e| panic!("{e}"));
            let begun = Instant::now();
            send(&server.target, &stream, Order::Free);
            begun.elapsed()
        })
        .collect();
    all.sort();
    let row = Row::seconds("load of 100,000 rows of lineitem in Arrow, connection included", all[2], None, None);
    report.add(row.at_most(Duration::from_millis(300), "0.3 s"));
    let _ = std::io::stderr().flush();
}
