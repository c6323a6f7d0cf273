//! Loads that are long, and several at once: in constant memory, none fails for another.
//!
//! `DUCKGATE_STREAM_MEGABYTES` is how much is sent (default 200; the release check is 10240).

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use support::protocol::Connection;
use support::server::{Options, Server};

const MEMORY_LIMIT: u64 = 400 << 20;
/// What a load may take beside the engine's memory.
const BESIDE: u64 = 64 << 20;

fn run(connection: &mut Connection, sql: &str) -> Vec<i64> {
    let rows = connection.query(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
    rows.iter().flatten().map(|v| v.as_deref().unwrap_or("0").parse().expect("a number")).collect()
}

fn connect(server: &Server) -> Connection {
    let mut connection = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
    connection.timeout = Duration::from_secs(3600);
    connection
}

/// Rows from..to, as text, in pieces of a thousand.
fn rows(from: i64, to: i64, payload: usize) -> impl Iterator<Item = Vec<u8>> {
    let words = "the quick brown fox jumps over the lazy dog ".repeat(payload / 44 + 1);
    (from..to).step_by(1000).map(move |first| {
        let mut piece = String::with_capacity(1000 * (payload + 40));
        for n in first..(first + 1000).min(to) {
            piece.push_str(&format!("{n}\t{}\t2024-01-01 00:00:{:02}\t{}\n", n % 97, n % 60, &words[..payload]));
        }
        piece.into_bytes()
    })
}

const CREATE: &str = "CREATE TABLE long (id int8, kind int4, at timestamp, payload text)";

#[test]
fn a_long_stream_takes_constant_memory() {
    let megabytes = std::env::var("DUCKGATE_STREAM_MEGABYTES").map_or(200, |n| n.parse::<i64>().expect("a number"));
    let folder = tempfile::tempdir().expect("a folder");
    let flags = vec![format!("--memory-limit={}MB", MEMORY_LIMIT >> 20)];
    let options = Options { data: Some(folder.path().join("long.duckdb")), flags, ..Options::default() };
    let server = Arc::new(Server::start(&options));
    let mut connection = connect(&server);
    run(&mut connection, CREATE);
    let before = server.memory();
    let (done, highest) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let watcher = {
        let (server, done, highest) = (server.clone(), done.clone(), highest.clone());
        std::thread::spawn(move || {
            while !done.load(Ordering::Relaxed) {
                highest.fetch_max(server.memory(), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(20));
            }
        })
    };
    let count = megabytes * (1 << 20) / 500;
    let tag = connection.copy_in("COPY long FROM STDIN", rows(0, count, 460)).unwrap_or_else(|e| panic!("{e}"));
    done.store(true, Ordering::Relaxed);
    watcher.join().expect("no panic");
    assert_eq!(tag, format!("COPY {count}"));
    let sums = run(&mut connection, "SELECT count(*), sum(id), min(length(payload)) FROM long");
    assert_eq!(sums, [count, count * (count - 1) / 2, 460]);
    let grown = highest.load(Ordering::Relaxed).saturating_sub(before);
    println!("{megabytes} MB: the gateway grew by {} MB", grown >> 20);
    assert!(grown <= MEMORY_LIMIT + BESIDE, "{} MB more than before", grown >> 20);
}

#[test]
fn several_loads_into_one_table_at_once_all_end_well() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(&Options { data: Some(folder.path().join("several.duckdb")), ..Options::default() });
    const EACH: i64 = 150_000;
    let mut connection = connect(&server);
    for key in ["", ", PRIMARY KEY (id)"] {
        run(&mut connection, "DROP TABLE IF EXISTS long");
        run(&mut connection, &CREATE.replace(')', &format!("{key})")));
        let loaders: Vec<_> = (0..4)
            .map(|n| {
                let mut connection = connect(&server);
                std::thread::spawn(move || {
                    let data = rows(n * EACH, (n + 1) * EACH, 200);
                    connection.copy_in("COPY long FROM STDIN", data).map_err(|e| e.to_string())
                })
            })
            .collect();
        for loader in loaders {
            assert_eq!(loader.join().expect("no panic"), Ok(format!("COPY {EACH}")), "{key}");
        }
        let all = run(&mut connection, "SELECT count(*), count(DISTINCT id), max(id) FROM long");
        assert_eq!(all, [4 * EACH, 4 * EACH, 4 * EACH - 1], "{key}");
    }
    // One of two loads of the same keys fails, whole.
    let twice: Vec<_> = (0..2)
        .map(|_| {
            let mut connection = connect(&server);
            std::thread::spawn(move || {
                let data = rows(4 * EACH, 5 * EACH, 200);
                connection.copy_in("COPY long FROM STDIN", data).is_ok()
            })
        })
        .collect();
    let ended: Vec<bool> = twice.into_iter().map(|loader| loader.join().expect("no panic")).collect();
    assert_eq!(ended.iter().filter(|done| **done).count(), 1, "{ended:?}");
    assert_eq!(run(&mut connection, "SELECT count(*) FROM long"), [5 * EACH]);
}
