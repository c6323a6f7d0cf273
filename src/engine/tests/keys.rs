//! Look-ups by key: the keyed form of a statement answers as the plain one, whoever else is at work.

use super::*;

/// What the gateway calls the table; the statements here do not say what they write, so that they count for each.
const TABLE_OID: u32 = 1;
const TABLE: &str = "CREATE TABLE t (k BIGINT PRIMARY KEY, v VARCHAR)";

/// `SELECT v FROM t WHERE k = $1` and its keyed form, as `sql::lower` says it.
fn look_up(column: &str, phys: &Phys) -> Permit<Rendered> {
    look_up_as(column, phys, false)
}

fn look_up_as(column: &str, phys: &Phys, lasting: bool) -> Permit<Rendered> {
    let (_, function) = KEY_TYPES.iter().find(|(known, _)| known == phys).unwrap();
    let keyed = format!(
        "SELECT t1.v AS c0 FROM t AS t1, (SELECT {function}(CAST(\0 AS BIGINT), 0) AS c0) AS s0(c0) WHERE (t1.{column} = s0.c0)"
    );
    Permit::system(Rendered {
        sql: format!("SELECT t1.v AS c0 FROM t AS t1 WHERE (t1.{column} = CAST($1 AS {}))", phys.duckdb()).into(),
        params: vec![phys.clone()],
        columns: vec![Phys::Text],
        kind: Kind::Rows,
        writes: Writes::Nothing,
        keyed: Some(Keyed { sql: keyed.into(), table: TABLE_OID, lasting }),
        prompt: false,
    })
}

async fn found(c: &mut dyn Connection, permit: &Permit<Rendered>, key: Value) -> Vec<String> {
    let Outcome::Rows(rows) = c.execute(permit, vec![key], &run()).await.unwrap() else { panic!() };
    let batches = all(rows).await.unwrap();
    let texts = batches.iter().flat_map(|b| b.column(0).as_string::<i32>().iter());
    texts.map(|text| text.unwrap_or("NULL").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_finds_its_row_however_often_it_is_asked_for() {
    let pool = pool();
    let mut c = pool.connect().unwrap();
    command(&mut *c, TABLE).await.unwrap();
    change(&mut *c, "INSERT INTO t SELECT i, 'value ' || i FROM range(10000) r(i)").await.unwrap();
    let permit = look_up("k", &Phys::Int8);
    for key in [3, 4, 9999, 5, 5] {
        assert_eq!(found(&mut *c, &permit, Value::Int8(key)).await, [format!("value {key}")]);
    }
    for _ in 0..3 {
        assert!(found(&mut *c, &permit, Value::Int8(10_000)).await.is_empty());
        assert!(found(&mut *c, &permit, Value::Null).await.is_empty());
        assert_eq!(found(&mut *c, &permit, Value::Int8(0)).await, ["value 0"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_and_the_transaction_itself_have_written_is_found() {
    what_is_written_is_found(false).await;
    what_is_written_is_found(true).await;
}

async fn what_is_written_is_found(lasting: bool) {
    let pool = pool();
    let (mut c, mut other) = (pool.connect().unwrap(), pool.connect().unwrap());
    command(&mut *c, TABLE).await.unwrap();
    let permit = look_up_as("k", &Phys::Int8, lasting);
    // Planned while the table is empty.
    for _ in 0..3 {
        assert!(found(&mut *c, &permit, Value::Int8(1)).await.is_empty());
    }
    change(&mut *other, "INSERT INTO t VALUES (1, 'one')").await.unwrap();
    for _ in 0..3 {
        assert_eq!(found(&mut *c, &permit, Value::Int8(1)).await, ["one"]);
    }
    c.begin(Access::ReadWrite).await.unwrap();
    change(&mut *c, "INSERT INTO t VALUES (2, 'two')").await.unwrap();
    for _ in 0..3 {
        assert_eq!(found(&mut *c, &permit, Value::Int8(2)).await, ["two"]);
        assert!(found(&mut *other, &permit, Value::Int8(2)).await.is_empty());
    }
    c.rollback().await.unwrap();
    for _ in 0..3 {
        assert!(found(&mut *c, &permit, Value::Int8(2)).await.is_empty());
    }
    command(&mut *other, "DROP TABLE t").await.unwrap();
    command(&mut *other, "CREATE TABLE t (v VARCHAR, k BIGINT PRIMARY KEY)").await.unwrap();
    change(&mut *other, "INSERT INTO t VALUES ('another', 1)").await.unwrap();
    for _ in 0..3 {
        assert_eq!(found(&mut *c, &permit, Value::Int8(1)).await, ["another"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_connection_has_its_own_keys() {
    let pool = Pool::open(EngineConfig { max_running: 8, ..config() }, plugins()).unwrap();
    let mut c = pool.connect().unwrap();
    command(&mut *c, TABLE).await.unwrap();
    change(&mut *c, "INSERT INTO t SELECT i, 'value ' || i FROM range(100000) r(i)").await.unwrap();
    let clients = (0..8).map(|client| {
        let mut c = pool.connect().unwrap();
        tokio::spawn(async move {
            let permit = look_up("k", &Phys::Int8);
            for i in 0..300 {
                let key = (i * 7919 + client * 12_503) % 100_000;
                assert_eq!(found(&mut *c, &permit, Value::Int8(key)).await, [format!("value {key}")]);
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_every_type_are_found() {
    let pool = pool();
    let mut c = pool.connect().unwrap();
    let values = [
        (Phys::Int2, "7::SMALLINT", Value::Int2(7)),
        (Phys::Int4, "7::INTEGER", Value::Int4(7)),
        (Phys::Int8, "7::BIGINT", Value::Int8(7)),
        (Phys::Text, "'seven''s'", Value::Text("seven's".into())),
        (Phys::Uuid, "'00000000-0000-0000-0000-000000000007'::UUID", Value::Uuid(7)),
    ];
    assert_eq!(values.len(), KEY_TYPES.len());
    for (phys, text, value) in values {
        command(&mut *c, &format!("CREATE OR REPLACE TABLE t (k {} PRIMARY KEY, v VARCHAR)", phys.duckdb()))
            .await
            .unwrap();
        change(&mut *c, &format!("INSERT INTO t VALUES ({text}, 'found')")).await.unwrap();
        let permit = look_up("k", &phys);
        for _ in 0..3 {
            assert_eq!(found(&mut *c, &permit, value.clone()).await, ["found"], "{phys:?}");
            assert!(found(&mut *c, &permit, Value::Null).await.is_empty(), "{phys:?}");
        }
    }
}

/// A change of `t` alone, as `sql` says it.
fn change_of_t(sql: &str) -> Permit<Rendered> {
    Permit::system(Rendered {
        sql: sql.into(),
        params: vec![],
        columns: vec![],
        kind: Kind::Change,
        writes: Writes::Table(TABLE_OID, Change { in_place: true, removes: true, ..Change::default() }),
        keyed: None,
        prompt: false,
    })
}

/// A lasting plan is made once, over an empty table, and then run beside changes of every kind, which widen and narrow what
/// DuckDB knows of the columns: it finds what the plain statement finds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lasting_plan_finds_what_is_there_whatever_was_there_before() {
    for empty in [true, false] {
        let pool = pool();
        let (mut c, mut other) = (pool.connect().unwrap(), pool.connect().unwrap());
        command(&mut *c, "CREATE TABLE t (k BIGINT, v VARCHAR)").await.unwrap();
        if !empty {
            change(&mut *c, "INSERT INTO t VALUES (5, 'five')").await.unwrap();
        }
        let lasting = look_up_as("k", &Phys::Int8, true);
        for _ in 0..4 {
            assert_eq!(found(&mut *c, &lasting, Value::Int8(5)).await.len(), usize::from(!empty));
        }
        let plain = Permit::system(Rendered { keyed: None, ..lasting.get().clone() });
        for sql in [
            "INSERT INTO t VALUES (NULL, 'none'), (1, NULL)",
            "INSERT INTO t SELECT i, 'row ' || i FROM range(5000) r(i)",
            "INSERT INTO t VALUES (9000000000000000000, 'far'), (-9000000000000000000, 'near')",
            "UPDATE t SET k = NULL WHERE k % 2 = 0",
            "UPDATE t SET k = k + 100000 WHERE k % 3 = 0",
            "DELETE FROM t WHERE k < 4000",
            "UPDATE t SET v = NULL",
            "DELETE FROM t",
            "INSERT INTO t VALUES (5, 'again'), (5, 'and again')",
            "CHECKPOINT",
            "DELETE FROM t",
            "INSERT INTO t SELECT i, 'row ' || i FROM range(100000, 300000) r(i)",
        ] {
            let (Outcome::Changed(_) | Outcome::Done) = other.execute(&change_of_t(sql), vec![], &run()).await.unwrap()
            else {
                panic!("{sql} gives rows")
            };
            for key in [0, 1, 3, 5, 4999, 100_003, 299_999, 9_000_000_000_000_000_000, -9_000_000_000_000_000_000] {
                let mut expected = found(&mut *other, &plain, Value::Int8(key)).await;
                let mut found = found(&mut *c, &lasting, Value::Int8(key)).await;
                expected.sort();
                found.sort();
                assert_eq!(found, expected, "{key} after {sql}");
            }
        }
    }
}
