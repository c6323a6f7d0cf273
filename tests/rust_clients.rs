//! The Rust drivers against the gateway: tokio-postgres and sqlx, over TLS with SCRAM.

mod support;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::{SinkExt, StreamExt, TryStreamExt, pin_mut};
use support::server::Server;
use support::tls::MakeTls;
use tokio_postgres::binary_copy::{BinaryCopyInWriter, BinaryCopyOutStream};
use tokio_postgres::config::{ChannelBinding, SslMode};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

fn config(server: &Server) -> tokio_postgres::Config {
    let mut config = tokio_postgres::Config::new();
    let target = &server.target;
    config.host(&target.host).port(target.port).user(&target.user).password(&target.password).dbname(&target.database);
    config
}

async fn connect(server: &Server) -> Client {
    let mut config = config(server);
    if server.uses_tls() {
        // SCRAM-SHA-256-PLUS: the password's proof is bound to this TLS connection.
        config.ssl_mode(SslMode::Require).channel_binding(ChannelBinding::Require);
        let (client, connection) = config.connect(MakeTls).await.expect("connects");
        tokio::spawn(connection);
        client
    } else {
        let (client, connection) = config.connect(NoTls).await.expect("connects");
        tokio::spawn(connection);
        client
    }
}

fn code(error: &tokio_postgres::Error) -> &str {
    error.code().map_or("none", |c| c.code())
}

#[tokio::test]
async fn tokio_postgres_reads_and_writes_every_type_in_binary() {
    let server = Server::shared();
    let client = connect(&server).await;
    let at = UNIX_EPOCH + Duration::from_micros(1_709_210_096_789_000);
    let uuid: uuid::Uuid = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11".parse().expect("a uuid");
    let json = serde_json::json!({"a": [1, null]});
    let row = client
        .query_one(
            "SELECT $1::bool, $2::int2, $3::int4, $4::int8, $5::float4, $6::float8, $7::text, $8::bytea, $9::timestamptz,
                    $10::uuid, $11::jsonb, $12::int4[], $13::text[], $14::text",
            &[
                &true,
                &-7i16,
                &i32::MIN,
                &i64::MAX,
                &1.5f32,
                &0.1f64,
                &"äöü€😀",
                &&[0u8, 255][..],
                &at,
                &uuid,
                &json,
                &vec![Some(1i32), None],
                &vec!["a", ""],
                &None::<String>,
            ],
        )
        .await
        .expect("a row");
    assert!(row.get::<_, bool>(0));
    assert_eq!(row.get::<_, i16>(1), -7);
    assert_eq!(row.get::<_, i32>(2), i32::MIN);
    assert_eq!(row.get::<_, i64>(3), i64::MAX);
    assert_eq!(row.get::<_, f32>(4), 1.5);
    assert_eq!(row.get::<_, f64>(5), 0.1);
    assert_eq!(row.get::<_, String>(6), "äöü€😀");
    assert_eq!(row.get::<_, Vec<u8>>(7), [0, 255]);
    assert_eq!(row.get::<_, SystemTime>(8), at);
    assert_eq!(row.get::<_, uuid::Uuid>(9), uuid);
    assert_eq!(row.get::<_, serde_json::Value>(10), json);
    assert_eq!(row.get::<_, Vec<Option<i32>>>(11), [Some(1), None]);
    assert_eq!(row.get::<_, Vec<String>>(12), ["a", ""]);
    assert_eq!(row.get::<_, Option<String>>(13), None);
}

#[tokio::test]
async fn tokio_postgres_prepares_pipelines_and_streams() {
    let server = Server::shared();
    let client = Arc::new(connect(&server).await);
    let statement = client.prepare("SELECT $1::int4 + 1 AS next").await.expect("prepared");
    assert_eq!(statement.params(), [Type::INT4]);
    assert_eq!((statement.columns()[0].name(), statement.columns()[0].type_()), ("next", &Type::INT4));
    let all = futures::future::try_join_all((0..100i32).map(|n| {
        let (client, statement) = (client.clone(), statement.clone());
        async move { client.query_one(&statement, &[&n]).await.map(|row| row.get::<_, i32>(0)) }
    }));
    assert_eq!(all.await.expect("all"), (1..101).collect::<Vec<_>>());
    let rows = client.query_raw("SELECT n FROM generate_series(1, $1::int4) AS n", [20_000i32]).await.expect("rows");
    pin_mut!(rows);
    let mut total = 0i64;
    while let Some(row) = rows.try_next().await.expect("a row") {
        total += i64::from(row.get::<_, i32>(0));
    }
    assert_eq!(total, 20_000 * 20_001 / 2);
}

#[tokio::test]
async fn tokio_postgres_reads_a_portal_piece_by_piece_in_a_transaction() {
    let server = Server::shared();
    let mut client = connect(&server).await;
    let transaction = client.transaction().await.expect("begun");
    let portal = transaction.bind("SELECT n FROM generate_series(1, 10) AS n", &[]).await.expect("bound");
    let mut seen = Vec::new();
    loop {
        let rows = transaction.query_portal(&portal, 4).await.expect("rows");
        if rows.is_empty() {
            break;
        }
        assert!(rows.len() <= 4);
        seen.extend(rows.iter().map(|row| row.get::<_, i32>(0)));
    }
    assert_eq!(seen, (1..11).collect::<Vec<_>>());
    transaction.commit().await.expect("committed");
}

#[tokio::test]
async fn tokio_postgres_copies_both_ways_and_reports_errors() {
    let server = Server::shared();
    let client = connect(&server).await;
    client.batch_execute("CREATE TABLE tp_copy (a int4 PRIMARY KEY, b text)").await.expect("created");
    let sink = client.copy_in("COPY tp_copy FROM STDIN").await.expect("copy");
    pin_mut!(sink);
    for n in 0..1000 {
        sink.send(bytes::Bytes::from(format!("{n}\trow {n}\n"))).await.expect("sent");
    }
    assert_eq!(sink.finish().await.expect("finished"), 1000);
    let source = client.copy_out("COPY (SELECT a FROM tp_copy WHERE a < 3 ORDER BY a) TO STDOUT").await.expect("copy");
    let text: Vec<bytes::Bytes> = source.try_collect().await.expect("data");
    assert_eq!(text.concat(), b"0\n1\n2\n");
    let error = client.execute("INSERT INTO tp_copy VALUES (1, 'again')", &[]).await.expect_err("a duplicate");
    let fields = error.as_db_error().expect("from the server");
    assert_eq!(
        (fields.code().code(), fields.table(), fields.constraint()),
        ("23505", Some("tp_copy"), Some("tp_copy_pkey"))
    );
    assert_eq!(code(&client.query("SELECT * FROM tp_gone", &[]).await.expect_err("no table")), "42P01");
    client.batch_execute("DROP TABLE tp_copy").await.expect("dropped");
}

#[tokio::test]
async fn tokio_postgres_copies_in_binary_both_ways() {
    let server = Server::shared();
    let client = connect(&server).await;
    let columns = "a int4, b text, c int8, d float8, e bool, f bytea, g uuid, h jsonb, i int4[]";
    client.batch_execute(&format!("CREATE TABLE tp_binary ({columns})")).await.expect("created");
    let types = [
        Type::INT4,
        Type::TEXT,
        Type::INT8,
        Type::FLOAT8,
        Type::BOOL,
        Type::BYTEA,
        Type::UUID,
        Type::JSONB,
        Type::INT4_ARRAY,
    ];
    let sink = client.copy_in("COPY tp_binary FROM STDIN (FORMAT binary)").await.expect("copy");
    let writer = BinaryCopyInWriter::new(sink, &types);
    pin_mut!(writer);
    for n in 0..1000i32 {
        let text = (n % 3 > 0).then(|| format!("row {n}"));
        let (key, doc) = (uuid::Uuid::from_u128(n as u128), serde_json::json!({ "n": n }));
        let list = vec![Some(n), None];
        let row: [&(dyn tokio_postgres::types::ToSql + Sync); 9] =
            [&n, &text, &i64::from(n), &0.5f64, &(n % 2 == 0), &vec![n as u8], &key, &doc, &list];
        writer.as_mut().write(&row).await.expect("sent");
    }
    assert_eq!(writer.finish().await.expect("finished"), 1000);
    let source =
        client.copy_out("COPY (SELECT * FROM tp_binary ORDER BY a) TO STDOUT (FORMAT binary)").await.expect("copy");
    let rows: Vec<_> = BinaryCopyOutStream::new(source, &types).try_collect().await.expect("rows");
    assert_eq!(rows.len(), 1000);
    for (n, row) in (0..1000i32).zip(&rows) {
        assert_eq!(row.get::<i32>(0), n);
        assert_eq!(row.get::<Option<String>>(1), (n % 3 > 0).then(|| format!("row {n}")));
        assert_eq!(row.get::<uuid::Uuid>(6), uuid::Uuid::from_u128(n as u128));
        assert_eq!(row.get::<serde_json::Value>(7), serde_json::json!({ "n": n }));
        assert_eq!(row.get::<Vec<Option<i32>>>(8), [Some(n), None]);
    }
    client.batch_execute("DROP TABLE tp_binary").await.expect("dropped");
}

#[tokio::test]
async fn tokio_postgres_cancels_and_runs_simple_queries() {
    let server = Server::shared();
    let client = connect(&server).await;
    let token = client.cancel_token();
    let canceller = tokio::spawn({
        let tls = server.uses_tls();
        async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            if tls { token.cancel_query(MakeTls).await } else { token.cancel_query(NoTls).await }
        }
    });
    assert_eq!(code(&client.batch_execute("SELECT pg_sleep(20)").await.expect_err("cancelled")), "57014");
    canceller.await.expect("joined").expect("sent");
    let messages = client.simple_query("SELECT 1 AS a; SELECT 'x' AS b").await.expect("results");
    let rows: Vec<_> = messages
        .iter()
        .filter_map(|m| match m {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_string),
            _ => None,
        })
        .collect();
    assert_eq!(rows, ["1", "x"]);
}

mod sqlx_driver {
    use super::*;
    use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
    use sqlx::{Connection, Executor, PgConnection, Row};

    fn options(server: &Server) -> PgConnectOptions {
        let target = &server.target;
        PgConnectOptions::new_without_pgpass()
            .host(&target.host)
            .port(target.port)
            .username(&target.user)
            .password(&target.password)
            .database(&target.database)
            .ssl_mode(if server.uses_tls() { PgSslMode::Require } else { PgSslMode::Disable })
    }

    #[tokio::test]
    async fn sqlx_binds_reads_and_counts() {
        let server = Server::shared();
        let mut c = PgConnection::connect_with(&options(&server)).await.expect("connects");
        let row = sqlx::query("SELECT $1::int4 + 1, $2::text, $3::float8, $4::bool, $5::bytea, $6::int8[]")
            .bind(41i32)
            .bind("äöü")
            .bind(0.1f64)
            .bind(true)
            .bind(&[0u8, 255][..])
            .bind(vec![1i64, 2])
            .fetch_one(&mut c)
            .await
            .expect("a row");
        assert_eq!(row.get::<i32, _>(0), 42);
        assert_eq!(row.get::<String, _>(1), "äöü");
        assert_eq!(row.get::<f64, _>(2), 0.1);
        assert!(row.get::<bool, _>(3));
        assert_eq!(row.get::<Vec<u8>, _>(4), [0, 255]);
        assert_eq!(row.get::<Vec<i64>, _>(5), [1, 2]);
        let mut total = 0i64;
        let mut rows = sqlx::query("SELECT n FROM generate_series(1, 5000) AS n").fetch(&mut c);
        while let Some(row) = rows.next().await {
            total += i64::from(row.expect("a row").get::<i32, _>(0));
        }
        drop(rows);
        assert_eq!(total, 5000 * 5001 / 2);
        c.close().await.expect("closed");
    }

    #[tokio::test]
    async fn sqlx_transactions_roll_back_and_errors_have_their_fields() {
        let server = Server::shared();
        let mut c = PgConnection::connect_with(&options(&server)).await.expect("connects");
        c.execute("CREATE TABLE sqlx_tx (a int4 PRIMARY KEY)").await.expect("created");
        let mut transaction = c.begin().await.expect("begun");
        let done = sqlx::query("INSERT INTO sqlx_tx VALUES ($1), ($2)").bind(1i32).bind(2i32);
        assert_eq!(done.execute(&mut *transaction).await.expect("inserted").rows_affected(), 2);
        let error = sqlx::query("INSERT INTO sqlx_tx VALUES (1)").execute(&mut *transaction).await.expect_err("taken");
        let error = error.as_database_error().expect("from the server");
        assert_eq!(
            (error.code().as_deref(), error.constraint(), error.is_unique_violation()),
            (Some("23505"), Some("sqlx_tx_pkey"), true)
        );
        transaction.rollback().await.expect("rolled back");
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlx_tx").fetch_one(&mut c).await.expect("counted");
        assert_eq!(count, 0);
        c.execute("DROP TABLE sqlx_tx").await.expect("dropped");
    }

    #[tokio::test]
    async fn sqlx_pool_serves_many_tasks() {
        let server = Server::shared();
        let pool = PgPoolOptions::new().max_connections(4).connect_with(options(&server)).await.expect("a pool");
        let tasks = (0..50i32).map(|n| {
            let pool = pool.clone();
            async move { sqlx::query_scalar::<_, i32>("SELECT $1::int4").bind(n).fetch_one(&pool).await }
        });
        let all = futures::future::try_join_all(tasks).await.expect("all");
        assert_eq!(all, (0..50).collect::<Vec<_>>());
        pool.close().await;
    }
}
