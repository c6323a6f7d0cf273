//! The gateway put together, over sockets, with faults that only a test can make.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::{Client, NoTls, SimpleQueryMessage};
use tokio_util::sync::CancellationToken;

use super::Server;
use crate::config::{Config, Listen, Password};
use crate::wire::{Address, Listener, Shared};

async fn serve() -> (Server, SocketAddr) {
    let config = Config {
        listen: vec![Listen::Tcp(([127, 0, 0, 1], 0).into())],
        password: Some(Password::new("secret")),
        schemas: None,
        ..Config::default()
    };
    let server = Server::open(&config).await.expect("open");
    let listener = Listener::bind(&config.listen).await.expect("bind");
    let [Address::Tcp(address)] = listener.addresses() else { panic!("one address of TCP") };
    let address = *address;
    let shared: Arc<Shared> = Shared::new(server.gateway.clone(), &config, None).expect("shared");
    listener.serve(&shared, &CancellationToken::new());
    (server, address)
}

fn url(server: &Server, address: SocketAddr) -> String {
    let database = server.gateway.registry().snapshot().database.clone();
    format!("postgresql://{}:secret@{address}/{database}?sslmode=disable", server.superuser)
}

async fn connect(server: &Server, address: SocketAddr) -> Client {
    let (client, connection) = tokio_postgres::connect(&url(server, address), NoTls).await.expect("connect");
    tokio::spawn(connection);
    client
}

async fn first(client: &Client, text: &str) -> String {
    let rows = client.simple_query(text).await.unwrap_or_else(|e| panic!("{text}: {e}"));
    let first = rows.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(ToOwned::to_owned),
        _ => None,
    });
    first.unwrap_or_else(|| panic!("{text}: no row"))
}

#[tokio::test]
async fn who_comes_before_the_database_is_open_is_told_so() {
    let config = Config { listen: vec![Listen::Tcp(([127, 0, 0, 1], 0).into())], ..Config::default() };
    let listener = Listener::bind(&config.listen).await.expect("bind");
    let [Address::Tcp(address)] = listener.addresses() else { panic!("one address of TCP") };
    let early = format!("postgresql://somebody@{address}/db?sslmode=prefer");
    let told = listener.turn_away(&config, None, async { tokio_postgres::connect(&early, NoTls).await.err() }).await;
    let told = told.and_then(|error| error.as_db_error().cloned()).expect("an error of the gateway's");
    assert_eq!((told.code().code(), told.message()), ("57P03", "the database system is starting up"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_meets_a_panic_on_the_way_in_is_told_so() {
    let (server, address) = serve().await;
    let unlucky = format!("{}&application_name=a%20test%20that%20wants%20a%20panic", url(&server, address));
    let told = tokio_postgres::connect(&unlucky, NoTls).await.err().and_then(|error| error.as_db_error().cloned());
    let told = told.expect("an error of the gateway's");
    assert_eq!((told.code().code(), told.severity()), ("XX000", "FATAL"));
    drop(connect(&server, address).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_meets_a_panic_is_told_so_and_others_notice_nothing() {
    let (server, address) = serve().await;
    let other = connect(&server, address).await;
    other.batch_execute("CREATE TABLE kept (a int); INSERT INTO kept VALUES (1)").await.expect("set up");
    other.batch_execute("BEGIN; INSERT INTO kept VALUES (2)").await.expect("its own transaction");
    for extended in [false, true] {
        let unlucky = connect(&server, address).await;
        unlucky.batch_execute("BEGIN; LOCK TABLE kept IN SHARE UPDATE EXCLUSIVE MODE").await.expect("a lock");
        unlucky.batch_execute("INSERT INTO kept VALUES (99); SELECT pg_advisory_lock(7)").await.expect("more");
        unlucky.batch_execute("SET application_name = 'a test that wants a panic'").await.expect("set");
        let error = match extended {
            true => unlucky.query("INSERT INTO kept SELECT 99", &[]).await.map(|_| ()),
            false => unlucky.batch_execute("INSERT INTO kept SELECT 99").await,
        };
        let error = error.expect_err("a panic");
        let told = error.as_db_error().unwrap_or_else(|| panic!("no message: {error}"));
        assert_eq!(
            (told.severity(), told.code().code(), told.message()),
            ("FATAL", "XX000", "internal error"),
            "extended: {extended}"
        );
        tokio::time::timeout(Duration::from_secs(10), async {
            while !unlucky.is_closed() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await
        .expect("the connection ends");
        // What it held is free, what it did is undone, and it is not listed any more.
        let lock = "SET lock_timeout = '10s'; SAVEPOINT s; LOCK TABLE kept IN SHARE UPDATE EXCLUSIVE MODE; \
                    SELECT pg_advisory_xact_lock(7); ROLLBACK TO s";
        other.batch_execute(lock).await.unwrap_or_else(|e| panic!("the locks are kept: {e}"));
        assert_eq!(first(&other, "SELECT count(*) FROM kept").await, "2");
        assert_eq!(first(&other, "SELECT count(*) FROM pg_stat_activity").await, "1");
    }
    other.batch_execute("COMMIT").await.expect("commit");
    let new = connect(&server, address).await;
    assert_eq!(first(&new, "SELECT count(*) FROM kept").await, "2");
}
