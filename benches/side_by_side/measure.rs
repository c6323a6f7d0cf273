//! What is measured, and the same by DuckDB in-process.

use std::time::{Duration, Instant};

use crate::support::target::Target;
use crate::support::tls::MakeTls;

/// One read of a result.
#[derive(Debug, Clone, Copy)]
pub struct Read {
    pub first: Duration,
    pub total: Duration,
    pub rows: u64,
}

/// The best of `n` runs, each figure by itself.
pub fn best(n: usize, mut run: impl FnMut() -> Read) -> Read {
    let runs: Vec<_> = (0..n).map(|_| run()).collect();
    assert!(runs.iter().all(|r| r.rows == runs[0].rows), "runs of different length");
    Read {
        first: runs.iter().map(|r| r.first).min().expect("a run"),
        total: runs.iter().map(|r| r.total).min().expect("a run"),
        rows: runs[0].rows,
    }
}

/// The result as DuckDB's own stream of Arrow batches.
pub fn arrow_stream(connection: &duckdb::Connection, sql: &str) -> Read {
    let begin = Instant::now();
    let mut statement = connection.prepare(sql).expect("prepared");
    let mut first = None;
    let mut rows = 0;
    for batch in statement.stream_arrow([]).expect("runs") {
        first.get_or_insert_with(|| begin.elapsed());
        rows += batch.num_rows() as u64;
    }
    let total = begin.elapsed();
    Read { first: first.unwrap_or(total), total, rows }
}

#[derive(Debug, Clone, Copy)]
pub struct Latencies {
    pub median: Duration,
    /// The 99th percentile.
    pub worst: Duration,
    /// A second, over all clients.
    pub rate: f64,
}

impl Latencies {
    /// The turn in the middle.
    pub fn middle(mut turns: Vec<Self>) -> Self {
        turns.sort_by_key(|turn| turn.median);
        turns[turns.len() / 2]
    }

    pub fn of(mut all: Vec<Duration>, seconds: Duration) -> Self {
        all.sort();
        Self {
            median: all[all.len() / 2],
            worst: all[all.len() * 99 / 100],
            rate: all.len() as f64 / seconds.as_secs_f64(),
        }
    }
}

pub fn point_in_process(connection: &duckdb::Connection, sql: &str, keys: i32, seconds: Duration) -> Latencies {
    let mut statement = connection.prepare(sql).expect("prepared");
    let mut all = Vec::with_capacity(1 << 16);
    let mut key = 0;
    let end = Instant::now() + seconds;
    while Instant::now() < end {
        key = (key + 104_729) % keys;
        let begin = Instant::now();
        let rows = statement.query_arrow([key + 1]).expect("runs").map(|batch| batch.num_rows()).sum::<usize>();
        all.push(begin.elapsed());
        assert_eq!(rows, 1);
    }
    Latencies::of(all, seconds)
}

/// The median time from connect to ready, over TLS with SCRAM.
pub fn connections_over_tls(target: &Target, n: usize) -> Duration {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut config = tokio_postgres::Config::new();
    config.host(&target.host).port(target.port).user(&target.user).password(&target.password).dbname(&target.database);
    config.ssl_mode(tokio_postgres::config::SslMode::Require);
    let mut times: Vec<_> = (0..n)
        .map(|_| {
            runtime.block_on(async {
                let begin = Instant::now();
                let (client, connection) = config.connect(MakeTls).await.expect("connects");
                let took = begin.elapsed();
                drop((client, connection));
                took
            })
        })
        .collect();
    times.sort();
    times[n / 2]
}
