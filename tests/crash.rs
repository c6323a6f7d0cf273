//! kill -9 in the middle of concurrent commits: what was acknowledged is there, and nothing is there in part.
//!
//! `DUCKGATE_CRASH_ROUNDS` says how often (default 3; the release check is 20).

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::protocol::{Connection, Failure};
use support::server::{Options, Server};

const WORKERS: i32 = 4;
/// Rows that each transaction adds to the table without a key; one goes into the table with a key.
const ROWS: i64 = 6;

type Batch = (i32, i32);

#[test]
fn acknowledged_commits_survive_a_crash_and_others_leave_nothing_in_part() {
    let rounds: u32 = std::env::var("DUCKGATE_CRASH_ROUNDS").map_or(3, |n| n.parse().expect("a number"));
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options { data: Some(folder.path().join("crash.duckdb")), ..Options::default() };
    let mut server = Server::start(&options);
    let mut admin = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
    for sql in [
        "CREATE TABLE crash_rows (worker int4 NOT NULL, batch int4 NOT NULL, part int4 NOT NULL)",
        "CREATE TABLE crash_keys (worker int4, batch int4, PRIMARY KEY (worker, batch))",
    ] {
        admin.query(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
    drop(admin);

    let mut acknowledged: BTreeSet<Batch> = BTreeSet::new();
    for round in 0..rounds {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| {
                let (target, seen, stop) = (server.target.clone(), seen.clone(), stop.clone());
                std::thread::spawn(move || work(&target, worker, round, &seen, &stop))
            })
            .collect();
        // Not the same moment each time: from just after the first commits to well into them.
        let slow = std::time::Instant::now() + Duration::from_secs(60);
        while seen.lock().expect("unpoisoned").is_empty() && std::time::Instant::now() < slow {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(u64::from(round * 137 % 500)));
        server.kill();
        stop.store(true, Ordering::Relaxed);
        for worker in workers {
            worker.join().expect("no worker fails otherwise");
        }
        let new = seen.lock().expect("unpoisoned").clone();
        assert!(!new.is_empty(), "round {round}: nothing was committed before the kill");
        acknowledged.extend(new);
        drop(server);
        server = Server::start(&options);
        check(&server, &acknowledged, round);
    }
    println!("{} acknowledged transactions over {rounds} kills", acknowledged.len());
}

/// Commits until the server is gone; each acknowledged batch goes into `seen`.
fn work(target: &support::target::Target, worker: i32, round: u32, seen: &Mutex<Vec<Batch>>, stop: &AtomicBool) {
    let Ok(mut connection) = target.connect() else { return };
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let batch = (round as i32) * 1_000_000 + n;
        match commit(&mut connection, worker, batch, n % 3) {
            Ok(()) => seen.lock().expect("unpoisoned").push((worker, batch)),
            // A conflict between workers may be told; the batch is then not acknowledged.
            Err(e) if e.code() == "40001" => {
                let _ = connection.query("ROLLBACK");
            }
            Err(Failure::Server(fields)) if !fields.iter().any(|(k, v)| *k == 'C' && v == "57P01") => {
                panic!("worker {worker}: {fields:?}")
            }
            Err(_) => return,
        }
    }
}

/// One transaction, in three ways: a block, one query of several statements, and a block with COPY.
fn commit(connection: &mut Connection, worker: i32, batch: i32, way: i32) -> Result<(), Failure> {
    let rows = |from: i64, to: i64| {
        (from..to).map(|part| format!("({worker}, {batch}, {part})")).collect::<Vec<_>>().join(", ")
    };
    let key = format!("INSERT INTO crash_keys VALUES ({worker}, {batch})");
    let insert = |from, to| format!("INSERT INTO crash_rows VALUES {}", rows(from, to));
    match way {
        0 => {
            connection.query("BEGIN")?;
            connection.query(&insert(0, 2))?;
            connection.query(&key)?;
            connection.query(&insert(2, ROWS))?;
            connection.query("COMMIT")?;
        }
        1 => {
            connection.query(&format!("{}; {key}; {}", insert(0, 3), insert(3, ROWS)))?;
        }
        _ => {
            connection.query("BEGIN")?;
            connection.query(&key)?;
            let lines = (0..ROWS).map(|part| format!("{worker}\t{batch}\t{part}\n").into_bytes());
            connection.copy_in("COPY crash_rows FROM STDIN", lines)?;
            connection.query("COMMIT")?;
        }
    }
    Ok(())
}

fn check(server: &Server, acknowledged: &BTreeSet<Batch>, round: u32) {
    let mut connection = server.target.connect().unwrap_or_else(|e| panic!("round {round}: {e}"));
    let mut read = |sql: &str| connection.query(sql).unwrap_or_else(|e| panic!("round {round}: {sql}: {e}"));
    let number = |text: &Option<String>| text.as_deref().unwrap_or_default().parse::<i64>().expect("a number");
    let rows: BTreeMap<Batch, i64> = read("SELECT worker, batch, count(*) FROM crash_rows GROUP BY worker, batch")
        .iter()
        .map(|r| ((number(&r[0]) as i32, number(&r[1]) as i32), number(&r[2])))
        .collect();
    let keys: BTreeSet<Batch> = read("SELECT worker, batch FROM crash_keys")
        .iter()
        .map(|r| (number(&r[0]) as i32, number(&r[1]) as i32))
        .collect();
    let lost: Vec<_> = acknowledged.iter().filter(|b| rows.get(b) != Some(&ROWS) || !keys.contains(b)).collect();
    assert!(lost.is_empty(), "round {round}: acknowledged and lost: {lost:?}");
    let partial: Vec<_> = rows.iter().filter(|(_, n)| **n != ROWS).collect();
    assert!(partial.is_empty(), "round {round}: there in part: {partial:?}");
    let torn: Vec<_> = keys.iter().filter(|b| !rows.contains_key(b)).collect();
    assert!(torn.is_empty() && keys.len() == rows.len(), "round {round}: keys without rows: {torn:?}");
}
