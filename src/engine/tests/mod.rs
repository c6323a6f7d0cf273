//! The engine against the real DuckDB.

mod durability;
mod keys;
mod ledger;
mod messages;
mod plugins;
mod pooling;
mod reserve;

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Int32Type, Int64Type};
use arrow::record_batch::RecordBatch;

use super::*;
use crate::error::SqlState;
use crate::types::ArrayValue;

struct NoTables;

impl SystemTables for NoTables {
    fn columns(&self, _: &str) -> Option<Vec<(String, Phys)>> {
        None
    }

    fn rows(&self, _: u64, _: &str, _: &[usize]) -> Result<Batches> {
        Ok(Box::new(std::iter::empty()))
    }
}

fn plugins() -> Plugins {
    Plugins { natives: Vec::new(), aggregates: Vec::new(), system_tables: Arc::new(NoTables) }
}

fn config() -> EngineConfig {
    EngineConfig {
        path: None,
        memory_limit: 1 << 30,
        threads: 2,
        temp_directory: None,
        extension_directory: None,
        server_files: Default::default(),
        max_running: 2,
        queue_timeout: Duration::from_millis(300),
        interrupt_grace: Duration::from_secs(5),
    }
}

fn pool() -> Arc<Pool> {
    Pool::open(config(), plugins()).unwrap()
}

fn statement(sql: &str, params: &[Phys], columns: &[Phys], kind: Kind) -> Permit<Rendered> {
    Permit::system(Rendered {
        sql: sql.into(),
        params: params.into(),
        columns: columns.into(),
        kind,
        writes: Writes::Anything,
        keyed: None,
        prompt: false,
    })
}

fn run() -> Run {
    Run::new("UTC".into(), None)
}

async fn command(connection: &mut dyn Connection, sql: &str) -> Result<()> {
    connection.execute(&statement(sql, &[], &[], Kind::Command), vec![], &run()).await.map(drop)
}

async fn change(connection: &mut dyn Connection, sql: &str) -> Result<u64> {
    match connection.execute(&statement(sql, &[], &[], Kind::Change), vec![], &run()).await? {
        Outcome::Changed(rows) => Ok(rows),
        _ => panic!("{sql} changes nothing"),
    }
}

async fn rows(connection: &mut dyn Connection, sql: &str, columns: &[Phys]) -> Result<Box<dyn Rows>> {
    rows_with(connection, sql, &[], vec![], columns).await
}

async fn rows_with(
    connection: &mut dyn Connection,
    sql: &str,
    params: &[Phys],
    values: Vec<Value>,
    columns: &[Phys],
) -> Result<Box<dyn Rows>> {
    match connection.execute(&statement(sql, params, columns, Kind::Rows), values, &run()).await? {
        Outcome::Rows(rows) => Ok(rows),
        _ => panic!("{sql} gives no rows"),
    }
}

async fn all(mut rows: Box<dyn Rows>) -> Result<Vec<RecordBatch>> {
    let mut batches = Vec::new();
    while let Some(batch) = rows.next().await? {
        batches.push(batch);
    }
    Ok(batches)
}

async fn int(connection: &mut dyn Connection, sql: &str) -> Result<i64> {
    let batches = all(rows(connection, sql, &[Phys::Int8]).await?).await?;
    Ok(batches[0].column(0).as_primitive::<Int64Type>().value(0))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_point_query_and_changes() {
    let pool = pool();
    let mut c = pool.connect().unwrap();
    command(&mut *c, "CREATE TABLE t(a INTEGER PRIMARY KEY, b VARCHAR)").await.unwrap();
    assert_eq!(change(&mut *c, "INSERT INTO t SELECT i, 'x' || i FROM range(5000) r(i)").await.unwrap(), 5000);
    let batches = all(rows_with(
        &mut *c,
        "SELECT a, b FROM t WHERE a = $1::INTEGER",
        &[Phys::Int4],
        vec![Value::Int4(4711)],
        &[Phys::Int4, Phys::Text],
    )
    .await
    .unwrap())
    .await
    .unwrap();
    assert_eq!(batches.len(), 1);
    assert_eq!(batches[0].column(0).as_primitive::<Int32Type>().values(), &[4711]);
    assert_eq!(batches[0].column(1).as_string::<i32>().value(0), "x4711");
    assert_eq!(change(&mut *c, "DELETE FROM t WHERE a < 10").await.unwrap(), 10);
    let returned = rows(&mut *c, "UPDATE t SET b = 'y' WHERE a < 12 RETURNING a", &[Phys::Int4]).await.unwrap();
    assert_eq!(all(returned).await.unwrap()[0].num_rows(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_goes_in_and_comes_out() {
    let pool = pool();
    let mut c = pool.connect().unwrap();
    let labels: Arc<[Arc<str>]> = ["sad", "ok"].map(Arc::from).into();
    let array =
        |items: Vec<Value>| Value::Array(ArrayValue { element: 23, dims: vec![(items.len() as i32, 1)], items });
    let cases: Vec<(Phys, &str, Value, &str)> = vec![
        (Phys::Bool, "BOOLEAN", Value::Bool(true), "true"),
        (Phys::Int2, "SMALLINT", Value::Int2(-7), "-7"),
        (Phys::Int4, "INTEGER", Value::Int4(i32::MIN), "-2147483648"),
        (Phys::Int8, "BIGINT", Value::Int8(i64::MAX), "9223372036854775807"),
        (Phys::Oid, "UINTEGER", Value::Oid(u32::MAX), "4294967295"),
        (Phys::Float4, "FLOAT", Value::Float4(1.5), "1.5"),
        (Phys::Float8, "DOUBLE", Value::Float8(-0.25), "-0.25"),
        (Phys::Decimal { precision: 4, scale: 2 }, "DECIMAL(4,2)", Value::Numeric("12.345".into()), "12.35"),
        (Phys::Decimal { precision: 9, scale: 2 }, "DECIMAL(9,2)", Value::Numeric("-1234567.5".into()), "-1234567.50"),
        (Phys::Decimal { precision: 18, scale: 3 }, "DECIMAL(18,3)", Value::Numeric("1e3".into()), "1000.000"),
        (
            Phys::Decimal { precision: 38, scale: 2 },
            "DECIMAL(38,2)",
            Value::Numeric("-123456789012345678901234567890123456.78".into()),
            "-123456789012345678901234567890123456.78",
        ),
        (Phys::Numeric, "VARCHAR", Value::Numeric("NaN".into()), "NaN"),
        (
            Phys::Text,
            "VARCHAR",
            Value::text("a longer text than twelve bytes: ü"),
            "a longer text than twelve bytes: ü",
        ),
        (Phys::Bytea, "BLOB", Value::Bytea([0, 1, 255].as_slice().into()), "\\x00\\x01\\xFF"),
        (Phys::Date, "DATE", Value::Date(i32::MAX), "infinity"),
        (Phys::Time, "TIME", Value::Time(3_600_000_001), "01:00:00.000001"),
        (Phys::TimeTz, "TIMETZ", Value::TimeTz(3_600_000_000, -1800), "01:00:00-00:30"),
        (Phys::Timestamp, "TIMESTAMP", Value::Timestamp(-i64::MAX), "-infinity"),
        (Phys::TimestampTz, "TIMESTAMPTZ", Value::TimestampTz(0), "1970-01-01 00:00:00+00"),
        (
            Phys::Interval,
            "INTERVAL",
            Value::Interval { months: 14, days: -3, micros: 5_000_000 },
            "1 year 2 months -3 days 00:00:05",
        ),
        (
            Phys::Uuid,
            "UUID",
            Value::Uuid(0xa0ee_bc99_9c0b_4ef8_bb6d_6bb9_bd38_0a11),
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        ),
        (Phys::Enum(labels), "ENUM('sad','ok')", Value::text("ok"), "ok"),
        (
            Phys::List(Box::new(Phys::Int4)),
            "INTEGER[]",
            array(vec![Value::Int4(1), Value::Null, Value::Int4(3)]),
            "[1, NULL, 3]",
        ),
        (Phys::List(Box::new(Phys::Text)), "VARCHAR[]", array(vec![]), "[]"),
    ];
    for (phys, ty, value, text) in cases {
        let sql = format!("SELECT v, v::VARCHAR, NULL::{ty} FROM (SELECT $1::{ty} AS v)");
        let columns = [phys.clone(), Phys::Text, phys.clone()];
        let read = rows_with(&mut *c, &sql, std::slice::from_ref(&phys), vec![value.clone()], &columns).await;
        let batches = all(read.unwrap_or_else(|e| panic!("{ty}: {e}"))).await.unwrap_or_else(|e| panic!("{ty}: {e}"));
        assert_eq!(batches[0].column(1).as_string::<i32>().value(0), text, "{ty}");
        assert_eq!(*batches[0].column(0).data_type(), phys.arrow(), "{ty}");
        assert!(!batches[0].column(0).is_null(0), "{ty}");
        assert!(batches[0].column(2).is_null(0), "{ty}");
        // NULL as a parameter.
        let batches =
            all(rows_with(&mut *c, &sql, std::slice::from_ref(&phys), vec![Value::Null], &columns).await.unwrap())
                .await
                .unwrap();
        assert!(batches[0].column(0).is_null(0), "{ty}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_million_rows_stream() {
    let pool = pool();
    let mut c = pool.connect().unwrap();
    let mut stream =
        rows(&mut *c, "SELECT i, repeat('x', 100) || i FROM range(10000000) r(i)", &[Phys::Int8, Phys::Text])
            .await
            .unwrap();
    let before = resident();
    let (mut count, mut sum, begun) = (0, 0i64, Instant::now());
    while let Some(batch) = stream.next().await.unwrap() {
        count += batch.num_rows();
        sum += batch.column(0).as_primitive::<Int64Type>().values().iter().sum::<i64>();
    }
    println!("10M rows in {:?}, memory grew by {} MiB", begun.elapsed(), (resident() - before) >> 20);
    assert_eq!((count, sum), (10_000_000, 49_999_995_000_000));
}

fn resident() -> i64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<i64>().unwrap() * 4096
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_in_mid_stream_ends_it() {
    let pool = pool();
    let mut c = pool.connect().unwrap();
    let sql = "SELECT CASE WHEN i = 900000 THEN error('boom') ELSE i END::BIGINT FROM range(1000000) r(i)";
    let mut stream = rows(&mut *c, sql, &[Phys::Int8]).await.unwrap();
    let error = loop {
        match stream.next().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("no error"),
            Err(error) => break error,
        }
    };
    println!("{error}");
    assert!(stream.next().await.unwrap().is_none());
    assert_eq!(int(&mut *c, "SELECT 1::BIGINT").await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_commit_roll_back_and_conflict() {
    let pool = pool();
    let (mut a, mut b) = (pool.connect().unwrap(), pool.connect().unwrap());
    command(&mut *a, "CREATE TABLE t(k INTEGER, v INTEGER)").await.unwrap();
    change(&mut *a, "INSERT INTO t VALUES (1, 0)").await.unwrap();
    a.begin(Access::ReadWrite).await.unwrap();
    b.begin(Access::ReadWrite).await.unwrap();
    assert_eq!(int(&mut *b, "SELECT v::BIGINT FROM t").await.unwrap(), 0);
    change(&mut *a, "UPDATE t SET v = 1").await.unwrap();
    let conflict = change(&mut *b, "UPDATE t SET v = 2").await.unwrap_err();
    assert_eq!(conflict.code(), SqlState::T_R_SERIALIZATION_FAILURE, "{conflict}");
    assert_eq!(b.commit().await.unwrap_err().code(), SqlState::IN_FAILED_SQL_TRANSACTION);
    a.commit().await.unwrap();
    assert_eq!(int(&mut *b, "SELECT v::BIGINT FROM t").await.unwrap(), 1);
    b.begin(Access::ReadOnly).await.unwrap();
    let error = change(&mut *b, "UPDATE t SET v = 2").await.unwrap_err();
    assert_eq!(error.code(), SqlState::READ_ONLY_SQL_TRANSACTION, "{error}");
    b.rollback().await.unwrap();
    b.begin(Access::ReadWrite).await.unwrap();
    change(&mut *b, "UPDATE t SET v = 3").await.unwrap();
    b.rollback().await.unwrap();
    assert_eq!(int(&mut *a, "SELECT v::BIGINT FROM t").await.unwrap(), 1);
}

const ENDLESS: &str = "SELECT count(*) FROM range(100000000000) a(i) WHERE i % 7 = 3";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_is_heeded_within_a_tenth_of_a_second() {
    let pool = pool();
    let mut c = pool.connect().unwrap();
    let cancel = c.canceller();
    // Nothing runs: this one is forgotten.
    cancel.cancel(CancelReason::UserRequest);
    let task = tokio::spawn(async move {
        let begun = Instant::now();
        (int(&mut *c, ENDLESS).await, begun.elapsed(), c)
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(pool.stats().running, 1);
    let asked = Instant::now();
    cancel.cancel(CancelReason::UserRequest);
    let (result, took, mut c) = task.await.unwrap();
    println!("cancelled after {:?}", asked.elapsed());
    let error = result.unwrap_err();
    assert_eq!(error.report().message, "canceling statement due to user request");
    assert!(took >= Duration::from_millis(200) && asked.elapsed() < Duration::from_millis(100));
    let run = Run { deadline: Some(Instant::now() + Duration::from_millis(50)), ..run() };
    let begun = Instant::now();
    let permit = statement(ENDLESS, &[], &[Phys::Int8], Kind::Rows);
    let error = c.execute(&permit, vec![], &run).await.err().unwrap();
    assert_eq!(error.report().message, "canceling statement due to statement timeout");
    assert!(begun.elapsed() < Duration::from_millis(150));
    assert_eq!(int(&mut *c, "SELECT 1::BIGINT").await.unwrap(), 1);
    assert_eq!(pool.stats().running, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_wait_in_line_and_give_up() {
    let pool = pool();
    let mut busy = Vec::new();
    for _ in 0..2 {
        let mut c = pool.connect().unwrap();
        let cancel = c.canceller();
        busy.push((tokio::spawn(async move { int(&mut *c, ENDLESS).await }), cancel));
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut c = pool.connect().unwrap();
    let error = int(&mut *c, "SELECT 1::BIGINT").await.unwrap_err();
    assert_eq!(error.code(), SqlState::TOO_MANY_CONNECTIONS);
    assert!(error.report().hint.is_some());
    // One that waits can be cancelled.
    let cancel = c.canceller();
    let waiting = tokio::spawn(async move { int(&mut *c, "SELECT 1::BIGINT").await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!((pool.stats().running, pool.stats().waiting), (2, 1));
    cancel.cancel(CancelReason::UserRequest);
    assert_eq!(waiting.await.unwrap().unwrap_err().code(), SqlState::QUERY_CANCELED);
    // And one that gets its turn runs.
    let mut c = pool.connect().unwrap();
    let waiting = tokio::spawn(async move { int(&mut *c, "SELECT 7::BIGINT").await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    for (task, cancel) in busy {
        cancel.cancel(CancelReason::UserRequest);
        assert!(task.await.unwrap().is_err());
    }
    assert_eq!(waiting.await.unwrap().unwrap(), 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_result_is_read_aside_when_its_connection_is_needed() {
    let pool = pool();
    let mut c = pool.connect().unwrap();
    c.begin(Access::ReadWrite).await.unwrap();
    let sql = "SELECT i, 'row number ' || i FROM range(1000000) r(i)";
    let mut first = rows(&mut *c, sql, &[Phys::Int8, Phys::Text]).await.unwrap();
    let mut count = first.next().await.unwrap().unwrap().num_rows();
    assert_eq!(int(&mut *c, "SELECT 5::BIGINT").await.unwrap(), 5);
    while let Some(batch) = first.next().await.unwrap() {
        assert_eq!(batch.column(0).as_primitive::<Int64Type>().value(0), count as i64);
        count += batch.num_rows();
    }
    assert_eq!(count, 1_000_000);
    // A stream that is dropped in the middle does not hurt its transaction.
    command(&mut *c, "CREATE TEMP TABLE t AS SELECT 1 AS a").await.unwrap();
    let mut second = rows(&mut *c, sql, &[Phys::Int8, Phys::Text]).await.unwrap();
    second.next().await.unwrap();
    drop(second);
    assert_eq!(int(&mut *c, "SELECT a::BIGINT FROM t").await.unwrap(), 1);
    c.commit().await.unwrap();
    assert_eq!(int(&mut *c, "SELECT a::BIGINT FROM t").await.unwrap(), 1);
    drop(c);
    // The next user of the connection sees no temporary table.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut c = pool.connect().unwrap();
    assert!(int(&mut *c, "SELECT a::BIGINT FROM t").await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_is_not_run_again_with_old_statistics() {
    let pool = pool();
    let (mut a, mut b) = (pool.connect().unwrap(), pool.connect().unwrap());
    command(&mut *a, "CREATE TABLE t AS SELECT i::INTEGER AS a FROM range(10) r(i)").await.unwrap();
    let sql = "SELECT count(*) FROM t WHERE a > 100";
    for _ in 0..3 {
        assert_eq!(int(&mut *a, sql).await.unwrap(), 0);
    }
    change(&mut *b, "INSERT INTO t VALUES (200)").await.unwrap();
    assert_eq!(int(&mut *a, sql).await.unwrap(), 1);
    b.begin(Access::ReadWrite).await.unwrap();
    change(&mut *b, "INSERT INTO t VALUES (300)").await.unwrap();
    assert_eq!(int(&mut *b, sql).await.unwrap(), 2);
    assert_eq!(int(&mut *a, sql).await.unwrap(), 1);
    b.commit().await.unwrap();
    assert_eq!(int(&mut *a, sql).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_outside_is_within_reach() {
    let pool = pool();
    let mut c = pool.connect().unwrap();
    for sql in [
        "COPY (SELECT 1) TO '/tmp/duckgate-must-not-be.csv'",
        "ATTACH '/tmp/duckgate-must-not-be.duckdb' AS x",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET allowed_directories = ['/']",
        "PRAGMA threads = 7",
    ] {
        let error = command(&mut *c, sql).await.expect_err(sql);
        println!("{sql}: {error}");
    }
    assert!(rows(&mut *c, "SELECT * FROM read_csv('/etc/passwd')", &[Phys::Text]).await.is_err());
    assert!(rows(&mut *c, "SELECT content FROM read_text('/etc/passwd')", &[Phys::Text]).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_whose_waiter_is_gone_is_stopped() {
    let pool = pool();
    let mut c = pool.connect().unwrap();
    let waiter = tokio::time::timeout(Duration::from_millis(100), int(&mut *c, ENDLESS)).await;
    assert!(waiter.is_err());
    drop(c);
    let begun = Instant::now();
    while pool.stats().running > 0 {
        assert!(begun.elapsed() < Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_leaves_ends_its_query() {
    let pool = pool();
    let mut c = pool.connect().unwrap();
    let sql = "SELECT i FROM range(100000000000) a(i) WHERE i < 500000 OR i % 1000000007 = 3";
    let mut stream = rows(&mut *c, sql, &[Phys::Int8]).await.unwrap();
    stream.next().await.unwrap();
    // The next batch takes for ever; it is being fetched ahead.
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(stream);
    let begun = Instant::now();
    while pool.stats().running > 0 {
        assert!(begun.elapsed() < Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(int(&mut *c, "SELECT 3::BIGINT").await.unwrap(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn point_queries_are_quick() {
    let pool = pool();
    let mut c = pool.connect().unwrap();
    command(&mut *c, "CREATE TABLE t AS SELECT i::BIGINT AS k, 'value ' || i AS v FROM range(100000) r(i)")
        .await
        .unwrap();
    command(&mut *c, "CREATE UNIQUE INDEX k ON t(k)").await.unwrap();
    let permit =
        statement("SELECT k, v FROM t WHERE k = $1::BIGINT", &[Phys::Int8], &[Phys::Int8, Phys::Text], Kind::Rows);
    let begun = Instant::now();
    for i in 0..1000 {
        let Outcome::Rows(rows) = c.execute(&permit, vec![Value::Int8(i)], &run()).await.unwrap() else { panic!() };
        assert_eq!(all(rows).await.unwrap()[0].num_rows(), 1);
    }
    println!("a point query takes {:?}", begun.elapsed() / 1000);
}
