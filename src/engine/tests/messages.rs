//! DuckDB's errors, asked of the real one, and what becomes of them.

use super::*;
use crate::engine::error::{Violation, violation};

const SETUP: &[&str] = &[
    "CREATE SCHEMA s",
    "CREATE TABLE s.p(a INTEGER, b VARCHAR NOT NULL, PRIMARY KEY (a))",
    "CREATE TABLE s.u(a INTEGER, b VARCHAR, UNIQUE (a, b))",
    "CREATE TABLE s.c(a INTEGER CHECK (a > 0))",
    "CREATE TABLE s.x AS SELECT 1 AS a UNION ALL SELECT 2",
    "INSERT INTO s.p VALUES (1, 'one'), (2, 'two')",
    "INSERT INTO s.u VALUES (1, 'a, b: c')",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_get_postgresqls_sqlstate() {
    let pool = pool();
    let mut c = pool.connect().unwrap();
    for sql in SETUP {
        command(&mut *c, sql).await.unwrap();
    }
    let cases = [
        ("INSERT INTO s.p VALUES (1, 'x')", "23505"),
        ("INSERT INTO s.p SELECT 7, 'x' FROM range(2)", "23505"),
        ("INSERT INTO s.u VALUES (1, 'a, b: c')", "23505"),
        ("UPDATE s.p SET a = 1 WHERE a = 2", "23505"),
        ("INSERT INTO s.p VALUES (3, NULL)", "23502"),
        ("INSERT INTO s.p VALUES (NULL, 'x')", "23502"),
        ("UPDATE s.p SET b = NULL", "23502"),
        ("INSERT INTO s.c VALUES (-1)", "23514"),
        ("SELECT 'x'::INTEGER", "22P02"),
        ("SELECT 'x'::DOUBLE", "22P02"),
        ("SELECT 'x'::BOOLEAN", "22P02"),
        ("SELECT 'x'::UUID", "22P02"),
        ("SELECT 'x'::DECIMAL(5,2)", "22P02"),
        ("SELECT 'x'::ENUM('a')", "22P02"),
        ("SELECT '99999999999'::INTEGER", "22003"),
        ("SELECT 3000000000::BIGINT::INTEGER", "22003"),
        ("SELECT 1e300::DOUBLE::FLOAT", "22003"),
        ("SELECT 1e30::DOUBLE::BIGINT", "22003"),
        ("SELECT 12345::DECIMAL(5,2)", "22003"),
        ("SELECT '12345'::DECIMAL(5,2)", "22003"),
        ("SELECT 2147483647::INTEGER + i::INTEGER FROM range(1, 2) r(i)", "22003"),
        ("SELECT 9223372036854775807::BIGINT * i FROM range(2, 3) r(i)", "22003"),
        ("SELECT 32767::SMALLINT - (-i)::SMALLINT FROM range(1, 2) r(i)", "22003"),
        ("SELECT -(-9223372036854775808)::BIGINT", "22003"),
        ("SELECT sum(a) FROM (VALUES (9e37::DECIMAL(38,0)), (9e37::DECIMAL(38,0))) t(a)", "22003"),
        ("SELECT exp(i * 1000.0::DOUBLE) FROM range(1, 2) r(i)", ""),
        ("SELECT sqrt(-i::DOUBLE) FROM range(1, 2) r(i)", "2201F"),
        ("SELECT ln(-i::DOUBLE) FROM range(1, 2) r(i)", "2201E"),
        ("SELECT ln(0 * i::DOUBLE) FROM range(1, 2) r(i)", "2201E"),
        ("SELECT factorial(i::INTEGER) FROM range(100, 101) r(i)", ""),
        ("SELECT 'x'::DATE", "22007"),
        ("SELECT '2020-02-31'::DATE", "22008"),
        ("SELECT 'x'::TIMESTAMP", "22007"),
        ("SELECT '2020-13-01 00:00:00'::TIMESTAMP", "22008"),
        ("SELECT 'x'::TIMESTAMPTZ", "22007"),
        ("SELECT 'x'::TIME", "22007"),
        ("SELECT '25:00:00'::TIME", "22008"),
        ("SELECT 'x'::INTERVAL", "22007"),
        ("SELECT TIMESTAMP '290000-01-01' + i * INTERVAL '10000 years' FROM range(1, 2) r(i)", "22008"),
        ("SELECT DATE '5000000-01-01' + i::INTEGER * 2000000000 FROM range(1, 2) r(i)", "22008"),
        ("SELECT (SELECT a FROM s.x)", "21000"),
        ("SELECT error('boom')", "XX000"),
        ("SELECT a FROM s.nothing", "42P01"),
        ("SELECT 1 +", "XX000"),
        ("SELECT repeat('x', 1000000000) || i FROM range(1, 20) r(i) ORDER BY 1", "53200"),
        ("SELECT chr(i::INTEGER) FROM range(2000000000, 2000000001) r(i)", "54000"),
        ("SELECT regexp_matches('a', '(' || i) FROM range(1, 2) r(i)", "2201B"),
        ("SELECT substr('abc', 1, -i) FROM range(1, 2) r(i)", ""),
        ("SELECT ('{' || i)::JSON FROM range(1, 2) r(i)", "22P02"),
        ("SELECT 'abc' LIKE 'a' ESCAPE 'xx'", "22025"),
    ];
    let mut wrong = Vec::new();
    for (sql, code) in cases {
        let error = match run_any(&mut *c, sql).await {
            Err(error) => error,
            Ok(()) => {
                println!("{sql}\n    no error");
                if !code.is_empty() {
                    wrong.push(sql);
                }
                continue;
            }
        };
        println!("{sql}\n    {error}\n    {:?}", violation(&error));
        if !code.is_empty() && error.code().as_str() != code {
            wrong.push(sql);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let error = run_any(&mut *c, "INSERT INTO s.u VALUES (1, 'a, b: c')").await.unwrap_err();
    let Some(Violation::Unique { columns, .. }) = violation(&error) else { panic!("{error}") };
    assert_eq!(columns[0], "a");
}

/// Runs any statement to its end; what its columns are does not count.
async fn run_any(c: &mut dyn Connection, sql: &str) -> Result<()> {
    command(c, sql).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conflicts_are_serialization_failures() {
    let pool = pool();
    let (mut a, mut b) = (pool.connect().unwrap(), pool.connect().unwrap());
    for sql in [
        "CREATE TABLE t(k INTEGER PRIMARY KEY, v INTEGER)",
        "INSERT INTO t VALUES (1, 0), (2, 0)",
        "CREATE TABLE n(k INTEGER)",
        "INSERT INTO n VALUES (1)",
        "CREATE TABLE q(k INTEGER)",
    ] {
        command(&mut *a, sql).await.unwrap();
    }
    let mut wrong = Vec::new();
    for (first, second) in [
        ("UPDATE t SET v = 1 WHERE k = 1", "UPDATE t SET v = 2 WHERE k = 1"),
        ("UPDATE n SET k = 2", "UPDATE n SET k = 3"),
        ("DELETE FROM t WHERE k = 1", "UPDATE t SET v = 2 WHERE k = 1"),
        ("UPDATE t SET v = 1 WHERE k = 1", "DELETE FROM t WHERE k = 1"),
        ("INSERT INTO t VALUES (3, 0)", "INSERT INTO t VALUES (3, 1)"),
        ("ALTER TABLE n ADD COLUMN x INTEGER", "INSERT INTO n(k) VALUES (9)"),
        ("DELETE FROM n", "ALTER TABLE n ADD COLUMN x INTEGER"),
        ("CREATE TABLE m(a INTEGER)", "CREATE TABLE m(b INTEGER)"),
        ("DROP TABLE n", "INSERT INTO n(k) VALUES (5)"),
        ("DROP TABLE q", "DROP TABLE q"),
        ("DROP TABLE t", "UPDATE t SET v = 5"),
    ] {
        a.begin(Access::ReadWrite).await.unwrap();
        b.begin(Access::ReadWrite).await.unwrap();
        // Both take their snapshots first.
        int(&mut *a, "SELECT count(*) FROM t").await.unwrap();
        int(&mut *b, "SELECT count(*) FROM t").await.unwrap();
        command(&mut *a, first).await.unwrap();
        let at_statement = command(&mut *b, second).await;
        let committed = match at_statement {
            Err(error) => {
                b.rollback().await.unwrap();
                a.rollback().await.unwrap();
                Err(("statement", error))
            }
            Ok(()) => {
                let a_end = a.commit().await;
                let b_end = b.commit().await;
                println!("{:?}", a_end);
                b_end.map_err(|error| ("commit", error))
            }
        };
        println!("{first} | {second}\n    {committed:?}");
        match committed {
            Err((_, error)) if error.code().as_str() == "40001" || error.code().as_str() == "23505" => {}
            Ok(()) => {}
            other => wrong.push(format!("{first} | {second}: {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
