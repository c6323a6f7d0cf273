//! What is there after the end of a process, clean or not.

use std::process::{Command, Stdio};

use super::plugins::{SEQUENCE, session_with_sequence};
use super::*;

const CHILD: &str = "DUCKGATE_TEST_ENGINE_CHILD";

fn open(path: &std::path::Path) -> Result<Arc<Pool>> {
    Pool::open(EngineConfig { path: Some(path.to_owned()), ..config() }, plugins())
}

/// Not a test: the process that is killed by the one below.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_commits_until_it_is_killed() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let pool = open(path.as_ref()).unwrap();
    let _session = session_with_sequence(904, i64::MAX, false);
    let mut c = pool.connect().unwrap();
    command(&mut *c, "CREATE TABLE IF NOT EXISTS t(k BIGINT, half INTEGER)").await.unwrap();
    loop {
        c.begin(Access::ReadWrite).await.unwrap();
        let k = int(&mut *c, "SELECT dg_nextval(904, 20000::UINTEGER)").await.unwrap();
        change(&mut *c, &format!("INSERT INTO t VALUES ({k}, 1)")).await.unwrap();
        change(&mut *c, &format!("INSERT INTO t VALUES ({k}, 2)")).await.unwrap();
        c.commit().await.unwrap();
        println!("committed {k}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_committed_is_there_after_a_kill() {
    use std::io::{BufRead, BufReader};
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("d.duckdb");
    let mut committed = Vec::new();
    for round in 0..4 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "engine::tests::durability::child_that_commits_until_it_is_killed", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in lines.map_while(std::result::Result::ok) {
            if let Some(k) = line.rsplit_once("committed ") {
                committed.push(k.1.trim().parse::<i64>().unwrap());
                if committed.len() >= 40 * (round + 1) {
                    child.kill().unwrap();
                }
            }
        }
        child.wait().unwrap();
    }
    let pool = open(&path).unwrap();
    let mut c = pool.connect().unwrap();
    let distinct: std::collections::HashSet<_> = committed.iter().collect();
    assert_eq!(distinct.len(), committed.len(), "a sequence gave a value twice");
    let list = committed.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
    let both = format!("SELECT count(*) FROM t WHERE k IN ({list})");
    assert_eq!(int(&mut *c, &both).await.unwrap(), 2 * committed.len() as i64);
    let torn = "SELECT count(*) FROM (SELECT k FROM t GROUP BY k HAVING count(*) <> 2)";
    assert_eq!(int(&mut *c, torn).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clean_end_keeps_sequences_exact_and_frees_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("d.duckdb");
    let _session = session_with_sequence(905, i64::MAX, false);
    for expected in [1, 2, 3] {
        let pool = open(&path).unwrap();
        let mut c = pool.connect().unwrap();
        assert_eq!(int(&mut *c, "SELECT dg_nextval(905, 20000::UINTEGER)").await.unwrap(), expected);
        assert_eq!(pool.sequence_state(SEQUENCE).unwrap(), Some((expected, true)));
        drop(c);
        tokio::time::sleep(Duration::from_millis(20)).await;
        pool.close().await.unwrap();
        assert!(pool.connect().is_err());
    }
    assert!(!directory.path().join("d.duckdb.wal").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_cannot_be_opened_say_why() {
    let directory = tempfile::tempdir().unwrap();
    let garbage = directory.path().join("garbage.duckdb");
    std::fs::write(&garbage, vec![7; 100_000]).unwrap();
    let error = open(&garbage).err().unwrap();
    assert_eq!(error.code(), SqlState::DATA_CORRUPTED, "{error}");
    let error = open(&directory.path().join("no/such/folder/d.duckdb")).err().unwrap();
    assert_eq!(error.code(), SqlState::IO_ERROR, "{error}");
    // A file that another process holds.
    let path = directory.path().join("d.duckdb");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "engine::tests::durability::child_that_commits_until_it_is_killed", "--nocapture"])
        .env(CHILD, &path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    use std::io::{BufRead, BufReader};
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.find(|line| line.as_ref().is_ok_and(|l| l.contains("committed"))).unwrap().unwrap();
    let error = open(&path).err().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(error.code(), SqlState::LOCK_FILE_EXISTS, "{error}");
    assert!(error.report().hint.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_cancel_that_comes_with_a_commit_does_not_deny_what_is_committed() {
    let folder = tempfile::tempdir().unwrap();
    let pool = open(&folder.path().join("t.duckdb")).unwrap();
    let mut c = pool.connect().unwrap();
    command(&mut *c, "CREATE TABLE t(k BIGINT)").await.unwrap();
    let cancel = c.canceller();
    let done = tokio_util::sync::CancellationToken::new();
    let over = done.clone();
    let done = done.drop_guard();
    let storm = tokio::task::spawn_blocking(move || {
        for turn in 0.. {
            if over.is_cancelled() {
                break;
            }
            cancel.cancel(CancelReason::UserRequest);
            // Into each part of a statement that takes a millisecond or two.
            std::thread::sleep(Duration::from_micros(100 + turn * 37 % 2000));
        }
    });
    let (mut acknowledged, mut refused) = (0, 0);
    for k in 0..1500 {
        match change(&mut *c, &format!("INSERT INTO t VALUES ({k})")).await {
            Ok(rows) => acknowledged += rows,
            Err(error) => {
                assert_eq!(error.report().code, SqlState::QUERY_CANCELED, "{error}");
                refused += 1;
            }
        }
    }
    drop(done);
    storm.await.unwrap();
    println!("{acknowledged} acknowledged, {refused} cancelled");
    assert!(acknowledged > 0 && refused > 0);
    let mut other = pool.connect().unwrap();
    assert_eq!(int(&mut *other, "SELECT count(*) FROM t").await.unwrap() as u64, acknowledged);
}
