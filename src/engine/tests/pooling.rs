//! What comes back to the pool: no connection with a transaction open.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// True if every idle connection can begin a transaction, and so has none; gives the connections back.
fn all_are_free(pool: &Pool) -> bool {
    let links: Vec<_> = std::iter::repeat_with(|| pool.0.take_link().unwrap()).take(8).collect();
    let free = links.iter().all(|link| link.raw.run("BEGIN TRANSACTION").is_ok() && link.raw.run("ROLLBACK").is_ok());
    links.into_iter().for_each(|link| pool.0.give_back(link));
    free
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_that_is_interrupted_is_done_all_the_same() {
    let pool = pool();
    let mut c = pool.connect().unwrap();
    command(&mut *c, "CREATE TABLE t(a BIGINT)").await.unwrap();
    for round in 0..200 {
        let link = pool.0.take_link().unwrap();
        link.raw.run("BEGIN TRANSACTION; INSERT INTO t SELECT range FROM range(5000)").unwrap();
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    link.raw.interrupt();
                }
            });
            // An interrupt that comes all the time is one that nothing survives; a cancel comes a few times.
            std::thread::sleep(Duration::from_micros(round * 5));
            let rolled_back = std::thread::scope(|inner| {
                let done = inner.spawn(|| link.roll_back());
                std::thread::sleep(Duration::from_millis(2));
                stop.store(true, Ordering::Relaxed);
                done.join().unwrap()
            });
            rolled_back.unwrap();
        });
        assert!(link.raw.run("BEGIN TRANSACTION").is_ok(), "round {round}: a transaction is still open");
        link.raw.run("ROLLBACK").unwrap();
        pool.0.give_back(link);
    }
    assert_eq!(int(&mut *c, "SELECT count(*) FROM t").await.unwrap(), 0);
    assert!(all_are_free(&pool));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_is_dropped_half_way_leaves_no_transaction() {
    let pool = pool();
    for round in 0..40 {
        let mut c = pool.connect().unwrap();
        // While others write, a query outside of a transaction gets one of its own.
        let writing = pool.0.data.write(crate::engine::data::Touched::of(crate::engine::Writes::Anything));
        let query = rows(&mut *c, "SELECT range FROM range(3000000)", &[Phys::Int8]);
        match round % 4 {
            // Before it has begun, begun and unread, read in part, and with its connection gone first.
            0 => drop(tokio::time::timeout(Duration::from_micros(round * 20), query).await),
            1 => drop(query.await.unwrap()),
            2 => {
                let mut rows = query.await.unwrap();
                rows.next().await.unwrap();
                rows.next().await.unwrap();
            }
            _ => {
                let mut rows = query.await.unwrap();
                rows.next().await.unwrap();
                drop(c);
                drop(rows);
            }
        }
        drop(writing);
        // What is given up is cleaned beside.
        let mut free = false;
        for _ in 0..100 {
            free = all_are_free(&pool);
            if free {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(free, "round {round}: a connection came back with a transaction");
    }
}
