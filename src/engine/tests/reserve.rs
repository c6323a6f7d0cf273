//! What must not fail for want of memory does not, whatever other statements hold.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::*;

/// Ten thousand rows whose columns say the same.
fn insert(part: u64) -> String {
    let (from, to) = (part * 10_000, (part + 1) * 10_000);
    format!("INSERT INTO t SELECT i, md5(i::VARCHAR) || repeat(md5(i::VARCHAR), 3) FROM range({from}, {to}) r(i)")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_are_whole_or_not_there_and_checkpoints_are_made_while_others_take_all_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.duckdb");
    let log = folder.path().join("t.duckdb.wal");
    let small = || EngineConfig { path: Some(path.clone()), memory_limit: 600 << 20, max_running: 6, ..config() };
    let pool = Pool::open(small(), plugins()).unwrap();
    let mut c = pool.connect().unwrap();
    command(&mut *c, "CREATE TABLE t(i BIGINT, x VARCHAR)").await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let short = Arc::new(AtomicU64::new(0));
    let hogs: Vec<_> = (0..3)
        .map(|_| {
            let (pool, stop, short) = (Arc::clone(&pool), Arc::clone(&stop), Arc::clone(&short));
            tokio::spawn(async move {
                let mut c = pool.connect().unwrap();
                let sql = "SELECT length(string_agg(repeat('x', 1000000), '')) FROM range(240)";
                while !stop.load(Ordering::SeqCst) {
                    if let Err(error) = int(&mut *c, sql).await {
                        assert_eq!(error.report().code, SqlState::OUT_OF_MEMORY, "{error}");
                        short.fetch_add(1, Ordering::SeqCst);
                    }
                }
            })
        })
        .collect();
    let (mut done, mut longest) = (0, 0);
    let begun = Instant::now();
    for part in 0.. {
        if begun.elapsed() > Duration::from_secs(8) && done > 20 || begun.elapsed() > Duration::from_secs(60) {
            break;
        }
        match change(&mut *c, &insert(part)).await {
            Ok(rows) => done += rows / 10_000,
            Err(error) => assert_eq!(error.report().code, SqlState::OUT_OF_MEMORY, "{error}"),
        }
        longest = longest.max(std::fs::metadata(&log).map_or(0, |log| log.len()));
    }
    stop.store(true, Ordering::SeqCst);
    for hog in hogs {
        hog.await.unwrap();
    }
    println!(
        "{done} inserts, {} statements without memory, a log of up to {longest} bytes",
        short.load(Ordering::SeqCst)
    );
    assert!(done > 20 && short.load(Ordering::SeqCst) > 0, "{done} {short:?}");
    let whole = "SELECT count(*) FILTER (x = md5(i::VARCHAR) || repeat(md5(i::VARCHAR), 3)) FROM t";
    assert_eq!(int(&mut *c, whole).await.unwrap() as u64, done * 10_000);
    assert_eq!(int(&mut *c, "SELECT count(*) FROM t").await.unwrap() as u64, done * 10_000);
    // The log is taken in now that there is memory, and there is as little for statements as before.
    assert_eq!(change(&mut *c, &insert(1_000_000)).await.unwrap(), 10_000);
    let limit = "SELECT count(*) FROM duckdb_settings() WHERE name = 'memory_limit' AND value = '400.0 MiB'";
    let settled = async {
        while std::fs::metadata(&log).is_ok_and(|log| log.len() >= 16 << 20) || int(&mut *c, limit).await.unwrap() != 1
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), settled).await.expect("the log is taken in, the limit is as it was");
    drop(c);
    pool.close().await.unwrap();
    drop(pool);
    let pool = Pool::open(small(), plugins()).unwrap();
    let mut c = pool.connect().unwrap();
    assert_eq!(int(&mut *c, whole).await.unwrap() as u64, (done + 1) * 10_000);
}
