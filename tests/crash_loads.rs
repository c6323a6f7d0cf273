//! Loads that do not come to their end: the gateway is killed, the client goes away, the disk is full. All of a load is there,
//! or nothing of it; and what had a BATCH_ID is loaded once, however often it is sent again.
//!
//! `DUCKGATE_CRASH_LOADS` says how often the gateway is killed (default 4; the release check is 50).

mod support;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use support::protocol::{Connection, Failure, frame, query};
use support::server::{Options, Server, skipped};
use support::target::Target;

/// Rows of a load: several parts of what goes to DuckDB at once.
const ROWS: i64 = 120_000;
const PAYLOAD: &str = "a row needs some bytes, or the whole of a load would be one part of it: so here are two hundred of them, \
                       more or less, and they need not be different ones, because nobody compresses what is sent over the wire ...";

/// The load's data in pieces of 1,000 rows.
fn data(load: i64) -> impl Iterator<Item = Vec<u8>> {
    (0..ROWS / 1000).map(move |piece| {
        let rows = (piece * 1000..(piece + 1) * 1000).map(|n| format!("{load}\t{n}\t{PAYLOAD}\n"));
        rows.collect::<String>().into_bytes()
    })
}

fn load(target: &Target, number: i64) -> Result<String, Failure> {
    let mut connection = target.connect()?;
    connection.copy_in(&format!("COPY loaded FROM STDIN (BATCH_ID 'load {number}')"), data(number))
}

fn numbers(connection: &mut Connection, sql: &str) -> Vec<i64> {
    let rows = connection.query(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
    rows.iter().flatten().map(|v| v.as_deref().unwrap_or("0").parse().expect("a number")).collect()
}

fn prepare(server: &Server) {
    let mut admin = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
    admin.query("CREATE TABLE loaded (load int8, n int8, payload text)").unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn a_load_that_the_gateway_does_not_survive_leaves_all_or_nothing() {
    let rounds: i64 = std::env::var("DUCKGATE_CRASH_LOADS").map_or(4, |n| n.parse().expect("a number"));
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options { data: Some(folder.path().join("loads.duckdb")), ..Options::default() };
    let mut server = Server::start(&options);
    prepare(&server);
    let mut finished = 0;
    for round in 0..rounds {
        let target = server.target.clone();
        let loader = std::thread::spawn(move || load(&target, round).is_ok());
        // From before its first row to after its last.
        std::thread::sleep(Duration::from_millis(100 + (round * 397 % 2600).cast_unsigned()));
        server.kill();
        let told = loader.join().expect("no loader panics");
        drop(server);
        server = Server::start(&options);
        let mut connection = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
        let count = numbers(&mut connection, &format!("SELECT count(*) FROM loaded WHERE load = {round}"));
        assert!(count == [0] || count == [ROWS], "round {round}: {count:?} rows of {ROWS}");
        assert!(!told || count == [ROWS], "round {round}: told to be loaded, and it is not");
        finished += i64::from(count == [ROWS]);
        // Sent again it is there, once.
        let tag = load(&server.target, round).unwrap_or_else(|e| panic!("round {round}: {e}"));
        assert_eq!(tag, format!("COPY {ROWS}"));
        let sql = format!("SELECT count(*), count(DISTINCT n) FROM loaded WHERE load = {round}");
        assert_eq!(numbers(&mut connection, &sql), [ROWS, ROWS], "round {round}");
        connection.query("DELETE FROM loaded").unwrap_or_else(|e| panic!("{e}"));
    }
    println!("{rounds} kills, after {finished} of which the load was there");
}

#[test]
fn a_load_is_seen_and_one_whose_client_goes_leaves_nothing() {
    let server = Server::start(&Options::default());
    prepare(&server);
    let mut watcher = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
    for round in 0..5 {
        let mut connection = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
        connection.send(&query("COPY loaded FROM STDIN (BATCH_ID 'gone')")).unwrap_or_else(|e| panic!("{e}"));
        for piece in data(round).take(20 * (round as usize + 1)) {
            connection.send(&frame(b'd', &piece)).unwrap_or_else(|e| panic!("{e}"));
        }
        let sql = "SELECT tuples_processed FROM pg_stat_progress_copy \
                   WHERE command = 'COPY FROM' AND relid = 'loaded'::regclass AND bytes_processed > 0";
        let seen = (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            numbers(&mut watcher, sql).first().is_some_and(|n| *n >= 1000)
        });
        assert!(seen, "round {round}: the load is not in pg_stat_progress_copy");
        // Without a word.
        drop(connection.into_socket());
        let over = (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            numbers(&mut watcher, "SELECT count(*) FROM pg_stat_progress_copy") == [0]
        });
        assert!(over, "round {round}: the load goes on without its client");
        assert_eq!(numbers(&mut watcher, "SELECT count(*) FROM loaded"), [0], "round {round}");
    }
}

#[test]
fn two_loads_of_one_batch_at_once_load_it_once() {
    let server = Server::start(&Options::default());
    prepare(&server);
    for round in 0..3 {
        let loaders: Vec<_> = (0..3)
            .map(|_| {
                let target = server.target.clone();
                std::thread::spawn(move || load(&target, round).map_err(|e| e.to_string()))
            })
            .collect();
        for loader in loaders {
            assert_eq!(loader.join().expect("no loader panics"), Ok(format!("COPY {ROWS}")));
        }
    }
    let mut connection = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(numbers(&mut connection, "SELECT count(*) FROM loaded"), [3 * ROWS]);
}

/// A small file system of its own, for as long as it lives.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None` where this process may not mount one.
    fn new(megabytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"]).arg(folder.path());
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then_some(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).output();
    }
}

#[test]
fn a_full_disk_is_told_and_the_gateway_goes_on() {
    let Some(disk) = SmallDisk::new(24) else {
        return skipped("a load on a full disk", "no file system can be mounted here");
    };
    let data_file = disk.path().join("small.duckdb");
    let options = Options { data: Some(data_file), ..Options::default() };
    let mut server = Server::start(&options);
    prepare(&server);
    let mut connection = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
    let random = |load: i64| {
        // What does not compress.
        let mut state = load.cast_unsigned() | 1;
        (0..600).map(move |piece| {
            let mut rows = String::new();
            for n in piece * 200..(piece + 1) * 200 {
                rows.push_str(&format!("{load}\t{n}\t"));
                for _ in 0..16 {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    rows.push_str(&format!("{state:016x}"));
                }
                rows.push('\n');
            }
            rows.into_bytes()
        })
    };
    connection.copy_in("COPY loaded FROM STDIN", random(1).take(5)).unwrap_or_else(|e| panic!("{e}"));
    for round in 0..3 {
        match connection.copy_in("COPY loaded FROM STDIN", random(2)) {
            Err(Failure::Server(fields)) => {
                let code = fields.iter().find(|(k, _)| *k == 'C').map(|(_, v)| v.clone());
                assert_eq!(code.as_deref(), Some("53100"), "round {round}: {fields:?}");
            }
            other => panic!("round {round}: {other:?}"),
        }
        assert_eq!(numbers(&mut connection, "SELECT count(*) FROM loaded"), [1000], "round {round}");
    }
    // What fits is loaded, and is there after a restart.
    connection.copy_in("COPY loaded FROM STDIN", random(3).take(1)).unwrap_or_else(|e| panic!("{e}"));
    server.kill();
    drop(server);
    let server = Server::start(&options);
    let mut connection = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(numbers(&mut connection, "SELECT count(*) FROM loaded"), [1200]);
}

#[test]
fn a_disk_that_is_full_at_a_checkpoint_ends_the_gateway_and_loses_nothing() {
    let Some(disk) = SmallDisk::new(48) else {
        return skipped("a checkpoint on a full disk", "no file system can be mounted here");
    };
    let options = Options { data: Some(disk.path().join("small.duckdb")), ..Options::default() };
    let mut server = Server::start(&options);
    prepare(&server);
    let mut connection = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
    // Into the log alone: what does not compress, row by row.
    let fill = "INSERT INTO loaded SELECT 1, g, (SELECT string_agg(md5(g::text || '-' || n), '') FROM generate_series(1, 8) n) \
                FROM generate_series(1, 20000) g";
    connection.query(fill).unwrap_or_else(|e| panic!("{e}"));
    let rest = disk.path().join("rest");
    let mut file = std::fs::File::create(&rest).expect("a file");
    while std::io::Write::write_all(&mut file, &[7; 4096]).is_ok() {}
    drop(file);
    let Err(Failure::Server(fields)) = connection.query("CHECKPOINT") else { panic!("there was room") };
    let code = fields.iter().find(|(k, _)| *k == 'C').map(|(_, v)| v.clone());
    assert!(matches!(code.as_deref(), Some("53100" | "57P02")), "{fields:?}");
    let status = server.ended(Duration::from_secs(30)).expect("a database that is given up ends the gateway");
    assert_eq!(status.code(), Some(1), "{status}");
    let log = server.log();
    assert!(log.contains("the database cannot be used until it is opened again"), "{log}");
    // Who supervises it starts it anew: with room all is there, and more comes in.
    std::fs::remove_file(rest).expect("removed");
    let server = Server::start(&options);
    let mut connection = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(numbers(&mut connection, "SELECT count(*) FROM loaded"), [20_000]);
    assert_eq!(numbers(&mut connection, "SELECT count(*) FROM loaded WHERE length(payload) <> 256"), [0]);
    connection.query("INSERT INTO loaded VALUES (2, 1, 'x'); CHECKPOINT").unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(numbers(&mut connection, "SELECT count(*) FROM loaded"), [20_001]);
}
