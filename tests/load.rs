//! Many sessions at once: none fails, and memory stays within its limit.
//!
//! `DUCKGATE_LOAD_SESSIONS` (default 80; the release check is 500) and `DUCKGATE_LOAD_IDLE` (default 200; 1000).

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use support::protocol::{self, Connection};
use support::server::{Options, Server};

const MEMORY_LIMIT: u64 = 1 << 30;

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |n| n.parse().expect("a number"))
}

/// As many files (sockets) as the system allows, for this process and the gateway that it starts.
fn raise_file_limit() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls read or write the struct they are given, which outlives them.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        }
    }
}

fn start(sessions: usize) -> Server {
    raise_file_limit();
    let flags = [
        format!("--memory-limit={}MB", MEMORY_LIMIT >> 20),
        format!("--limit-connections={}", sessions + 50),
        "--limit-handshakes=2000".into(),
    ];
    Server::start(&Options { flags: flags.into(), ..Options::default() })
}

#[test]
fn many_sessions_run_point_queries_beside_long_scans() {
    let sessions = number("DUCKGATE_LOAD_SESSIONS", 80);
    let server = start(sessions);
    let mut admin = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
    for sql in [
        "CREATE TABLE load_t (id int4 PRIMARY KEY, name text, amount numeric(12,2))",
        "INSERT INTO load_t SELECT n, 'name ' || n, n / 100.0 FROM generate_series(1, 200000) AS n",
    ] {
        admin.query(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
    let stop = Arc::new(AtomicBool::new(false));
    let (points, scans) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let threads: Vec<_> = (0..sessions)
        .map(|n| {
            let (target, stop) = (server.target.clone(), stop.clone());
            let (points, scans) = (points.clone(), scans.clone());
            std::thread::Builder::new()
                .stack_size(256 * 1024)
                .spawn(move || {
                    let mut connection = target.connect().unwrap_or_else(|e| panic!("session {n}: {e}"));
                    connection.timeout = Duration::from_secs(120);
                    while !stop.load(Ordering::Relaxed) {
                        if n < 2 {
                            scan(&mut connection, n);
                            scans.fetch_add(1, Ordering::Relaxed);
                        } else {
                            point(&mut connection, n);
                            points.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                })
                .expect("a thread")
        })
        .collect();
    let mut highest = 0;
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(8) {
        highest = highest.max(server.memory());
        std::thread::sleep(Duration::from_millis(100));
    }
    stop.store(true, Ordering::Relaxed);
    let failed = threads.into_iter().filter_map(|t| t.join().err()).count();
    let (points, scans) = (points.load(Ordering::Relaxed), scans.load(Ordering::Relaxed));
    println!("{sessions} sessions: {points} point queries, {scans} scans, {} MB at most", highest >> 20);
    assert_eq!(failed, 0, "sessions failed");
    assert!(points as usize >= sessions && scans > 0, "{points} point queries and {scans} scans");
    assert!(highest <= MEMORY_LIMIT, "{highest} bytes resident");
}

fn point(connection: &mut Connection, n: usize) {
    let id = n * 97 % 200_000 + 1;
    let rows = connection.query(&format!("SELECT name FROM load_t WHERE id = {id}")).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(rows, [[Some(format!("name {id}"))]]);
}

/// Every row of the table, through the wire.
fn scan(connection: &mut Connection, n: usize) {
    let sql = if n == 0 {
        "SELECT * FROM load_t"
    } else {
        "SELECT count(*) FROM load_t a, load_t b WHERE a.id % 1000 = b.id % 1000 AND a.id < 20000"
    };
    let rows = connection.query(sql).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(rows.len(), if n == 0 { 200_000 } else { 1 });
}

#[test]
fn idle_sessions_cost_little() {
    let sessions = number("DUCKGATE_LOAD_IDLE", 200);
    let server = start(sessions);
    // Allocations that come with the first sessions whatever their number.
    let warm: Vec<_> = (0..10).map(|_| idle(&server)).collect();
    let before = server.memory();
    let open: Vec<_> = (0..sessions).map(|_| idle(&server)).collect();
    let cost = server.memory().saturating_sub(before);
    println!("{sessions} idle sessions: {} kB each", cost / 1024 / sessions as u64);
    // 100 MB for 1000, and a little for what does not depend on their number.
    let allowed = sessions as u64 * 100_000 + (8 << 20);
    assert!(cost <= allowed, "{cost} bytes for {sessions} idle sessions, {allowed} are allowed");
    drop((warm, open));
}

#[test]
fn a_large_result_passes_in_constant_memory() {
    let rows = number("DUCKGATE_LOAD_ROWS", 1_500_000);
    let server = start(1);
    let mut connection = idle(&server);
    connection
        .send(&protocol::query(&format!("SELECT i, repeat('x', 300) FROM generate_series(1, {rows}) AS s(i)")))
        .unwrap_or_else(|e| panic!("{e}"));
    let (mut seen, mut highest) = (0, 0);
    let before = server.memory();
    loop {
        let message = connection.read().unwrap_or_else(|e| panic!("{e}"));
        match message.tag {
            b'D' => {
                seen += 1;
                if seen % 100_000 == 0 {
                    highest = highest.max(server.memory());
                }
            }
            b'Z' => break,
            _ => {}
        }
    }
    assert_eq!(seen, rows);
    let grown = highest.saturating_sub(before);
    println!("{rows} rows of 300 bytes: memory grew by {} MiB", grown >> 20);
    // The result is 450 MB; the series itself, a list of numbers, may be held.
    assert!(grown < 150 << 20, "{grown} bytes");
}

fn idle(server: &Server) -> Connection {
    let mut connection = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
    connection.query("SELECT 1").unwrap_or_else(|e| panic!("{e}"));
    connection
}
