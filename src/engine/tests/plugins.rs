//! Natives, aggregates, system tables, feeds and sequences inside the real DuckDB.

use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::datatypes::{Field, Schema};

use super::*;
use crate::engine::{FeedOrder, directory};

fn native(name: &'static str, args: &[Phys], result: Phys, strict: bool, body: NativeBody) -> Native {
    Native { name, args: args.into(), varargs: None, result, strict, volatile: false, body }
}

/// A sum of decimal texts that fit i64, which is enough to see that states work.
struct Sum(Option<i64>);

impl AggregateState for Sum {
    fn update(&mut self, args: &[ArrayRef], row: usize) -> Result<()> {
        if !args[0].is_null(row) {
            *self.0.get_or_insert(0) += args[0].as_string::<i32>().value(row).parse::<i64>().unwrap_or(0);
        }
        Ok(())
    }

    fn merge(&mut self, other: &dyn AggregateState) -> Result<()> {
        if let Some(Sum(Some(other))) = other.as_any().downcast_ref() {
            *self.0.get_or_insert(0) += other;
        }
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        Ok(self.0.map_or(Value::Null, |sum| Value::Numeric(sum.to_string().into())))
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

/// One table of (n, its text), as many rows as the session's number.
struct Tables;

impl SystemTables for Tables {
    fn columns(&self, table: &str) -> Option<Vec<(String, Phys)>> {
        (table == "numbers").then(|| vec![("n".into(), Phys::Int8), ("t".into(), Phys::Text)])
    }

    fn rows(&self, session: u64, _: &str, projection: &[usize]) -> Result<Batches> {
        let columns: Vec<ArrayRef> = projection
            .iter()
            .map(|i| match i {
                0 => Arc::new(Int64Array::from_iter_values(0..session as i64)) as ArrayRef,
                _ => Arc::new(StringArray::from_iter_values((0..session).map(|n| n.to_string()))),
            })
            .collect();
        let fields: Vec<_> = columns.iter().map(|c| Field::new("c", c.data_type().clone(), true)).collect();
        let options = arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(session as usize));
        let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options).unwrap();
        Ok(Box::new(std::iter::once(Ok(batch))))
    }

    fn cardinality(&self, session: u64, _: &str) -> Option<usize> {
        Some(session as usize)
    }
}

fn plugged_in() -> Arc<Pool> {
    let twice: NativeBody = Arc::new(|args, _| {
        let values = args[0].as_primitive::<Int64Type>();
        Ok(Arc::new(values.iter().map(|v| v.map(|v| v * 2)).collect::<Int64Array>()))
    });
    let shout: NativeBody = Arc::new(|args, _| {
        // A strict function sees no NULL.
        assert_eq!(args[0].null_count() + args[1].null_count(), 0);
        let (a, b) = (args[0].as_string::<i32>(), args[1].as_string::<i32>());
        Ok(Arc::new(StringArray::from_iter_values(
            a.iter().zip(b).map(|(a, b)| format!("{}{}!", a.unwrap_or(""), b.unwrap_or(""))),
        )))
    });
    let fail: NativeBody = Arc::new(|_, _| {
        Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "bad \"thing\"").detail("why").hint("what to do"))
    });
    let panic: NativeBody = Arc::new(|_, _| panic!("oops"));
    let same: NativeBody = Arc::new(|args, _| Ok(Arc::clone(&args[0])));
    let text_list = Phys::List(Box::new(Phys::Text));
    let natives = vec![
        native("dg_twice", &[Phys::Int8], Phys::Int8, true, twice),
        native("dg_shout", &[Phys::Text, Phys::Text], Phys::Text, true, shout),
        native("dg_fail", &[Phys::Text], Phys::Text, true, fail),
        native("dg_panic", &[], Phys::Int4, false, panic),
        native("dg_same", &[Phys::List(Box::new(Phys::Text))], text_list, false, Arc::clone(&same)),
        native("dg_same", &[Phys::TimeTz], Phys::TimeTz, false, Arc::clone(&same)),
        native("dg_same", &[Phys::Interval], Phys::Interval, false, Arc::clone(&same)),
        native("dg_same", &[Phys::Uuid], Phys::Uuid, false, Arc::clone(&same)),
        native(
            "dg_same",
            &[Phys::Decimal { precision: 6, scale: 2 }],
            Phys::Decimal { precision: 6, scale: 2 },
            false,
            same,
        ),
    ];
    let aggregates = vec![NativeAggregate {
        name: "dg_sum",
        args: vec![Phys::Numeric],
        result: Phys::Numeric,
        new_state: Arc::new(|| Box::new(Sum(None))),
    }];
    Pool::open(config(), Plugins { natives, aggregates, system_tables: Arc::new(Tables) }).unwrap()
}

use crate::error::Error;

async fn text(c: &mut dyn Connection, sql: &str) -> Result<Option<String>> {
    let batches = all(rows(c, sql, &[Phys::Text]).await?).await?;
    let column = batches[0].column(0).as_string::<i32>();
    Ok((!column.is_null(0)).then(|| column.value(0).to_owned()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn natives_compute_and_fail_in_postgresqls_words() {
    let pool = plugged_in();
    let mut c = pool.connect().unwrap();
    let sum = "SELECT sum(dg_twice(i))::BIGINT FROM range(1000000) r(i)";
    let begun = Instant::now();
    assert_eq!(int(&mut *c, sum).await.unwrap(), 999_999_000_000);
    println!("a native on a million rows: {:?}", begun.elapsed());
    let shouts = "SELECT count(s)::BIGINT FROM (SELECT dg_shout(CASE WHEN i % 3 > 0 THEN 'a' END, i::VARCHAR) AS s \
                  FROM range(9000) r(i)) WHERE s IS NULL OR s LIKE 'a%!'";
    assert_eq!(int(&mut *c, shouts).await.unwrap(), 6000);
    assert_eq!(text(&mut *c, "SELECT dg_shout('a', NULL)").await.unwrap(), None);
    let error = text(&mut *c, "SELECT dg_fail('x')").await.unwrap_err();
    let report = error.report();
    assert_eq!((report.code, report.message.as_str()), (SqlState::INVALID_PARAMETER_VALUE, "bad \"thing\""));
    assert_eq!((report.detail.as_deref(), report.hint.as_deref()), (Some("why"), Some("what to do")));
    let error = text(&mut *c, "SELECT dg_panic()::VARCHAR").await.unwrap_err();
    assert_eq!(error.code(), SqlState::INTERNAL_ERROR);
    assert!(error.report().internal.as_deref().is_some_and(|i| i.contains("oops")), "{error}");
    for (value, expected) in [
        ("['a', NULL, 'a longer text than twelve bytes']", "[a, NULL, a longer text than twelve bytes]"),
        ("TIMETZ '12:34:56.789+02:30'", "12:34:56.789+02:30"),
        ("INTERVAL '1 month -2 days 00:00:01.5'", "1 month -2 days 00:00:01.5"),
        ("UUID 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("1234.56::DECIMAL(6,2)", "1234.56"),
    ] {
        let sql = format!("SELECT dg_same({value})::VARCHAR");
        assert_eq!(text(&mut *c, &sql).await.unwrap().as_deref(), Some(expected));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aggregates_group_and_merge() {
    let pool = plugged_in();
    let mut c = pool.connect().unwrap();
    assert_eq!(
        text(&mut *c, "SELECT dg_sum(i::VARCHAR) FROM range(1000000) r(i)").await.unwrap().unwrap(),
        "499999500000"
    );
    assert_eq!(text(&mut *c, "SELECT dg_sum(i::VARCHAR) FROM range(0) r(i)").await.unwrap(), None);
    let grouped = "SELECT count(*)::BIGINT FROM (SELECT i % 1000 AS k, dg_sum(i::VARCHAR) AS s \
                   FROM range(100000) r(i) GROUP BY k) WHERE s::BIGINT = 100 * k + 4950000";
    assert_eq!(int(&mut *c, grouped).await.unwrap(), 1000);
    let window = "SELECT max(s) FROM (SELECT dg_sum(i::VARCHAR) OVER (ORDER BY i ROWS 2 PRECEDING) AS s \
                  FROM range(10) r(i))";
    assert_eq!(text(&mut *c, window).await.unwrap().unwrap(), "9");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn system_tables_give_what_is_read() {
    let pool = plugged_in();
    let mut c = pool.connect().unwrap();
    assert_eq!(int(&mut *c, "SELECT count(*) FROM dg_system(5000, 'numbers')").await.unwrap(), 5000);
    assert_eq!(
        int(&mut *c, "SELECT sum(n)::BIGINT FROM dg_system(5000::UBIGINT, 'numbers')").await.unwrap(),
        12_497_500
    );
    let joined = "SELECT count(*) FROM dg_system(100, 'numbers') a JOIN dg_system(50, 'numbers') b ON a.t = b.t";
    assert_eq!(int(&mut *c, joined).await.unwrap(), 50);
    let param = "SELECT t, n FROM dg_system(CAST($1::BIGINT AS UBIGINT), 'numbers') ORDER BY n DESC LIMIT 1";
    for session in [7, 9] {
        let read =
            rows_with(&mut *c, param, &[Phys::Int8], vec![Value::Int8(session)], &[Phys::Text, Phys::Int8]).await;
        let batches = all(read.unwrap()).await.unwrap();
        assert_eq!(batches[0].column(1).as_primitive::<Int64Type>().value(0), session - 1);
    }
    let error = int(&mut *c, "SELECT count(*) FROM dg_system(1, 'nothing')").await.unwrap_err();
    assert_eq!(error.code(), SqlState::UNDEFINED_TABLE);
}

fn batch(from: i64, rows: i64) -> RecordBatch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(from..from + rows)),
        Arc::new(StringArray::from_iter((from..from + rows).map(|i| (i % 5 > 0).then(|| format!("row number {i}"))))),
    ];
    let fields: Vec<_> = columns.iter().map(|c| Field::new("c", c.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_is_loaded_whole_or_not_at_all() {
    let pool = pool();
    let mut c = pool.connect().unwrap();
    command(&mut *c, "CREATE TABLE t(a BIGINT, b VARCHAR)").await.unwrap();
    let columns = vec![("a".to_owned(), Phys::Int8), ("b".to_owned(), Phys::Text)];
    let (number, mut writer) = pool.open_feed(columns.clone(), FeedOrder::Kept).unwrap();
    let begun = Instant::now();
    let load = tokio::spawn(async move {
        let rows = change(&mut *c, &format!("INSERT INTO t SELECT a, b FROM duckgate_feed({number})")).await;
        (rows, c)
    });
    for i in 0..300 {
        writer.send(batch(i * 10_000, 10_000)).await.unwrap();
    }
    // While the client does nothing, the load holds no slot, once it has read what there is.
    for _ in 0..600 {
        if pool.stats().running == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(pool.stats().running, 0);
    writer.finish();
    let (rows, mut c) = load.await.unwrap();
    assert_eq!(rows.unwrap(), 3_000_000);
    println!("3M rows fed in {:?}", begun.elapsed());
    let check = "SELECT count(*) FROM t WHERE b IS NULL AND a % 5 = 0 OR b = 'row number ' || a";
    assert_eq!(int(&mut *c, check).await.unwrap(), 3_000_000);
    // A writer that breaks off takes all of it back.
    let (number, mut writer) = pool.open_feed(columns.clone(), FeedOrder::Free).unwrap();
    let load = tokio::spawn(async move {
        let rows = change(&mut *c, &format!("INSERT INTO t SELECT a, b FROM duckgate_feed({number})")).await;
        (rows, c)
    });
    for i in 0..100 {
        writer.send(batch(i * 10_000, 10_000)).await.unwrap();
    }
    drop(writer);
    let (rows, mut c) = load.await.unwrap();
    assert_eq!(rows.unwrap_err().code(), SqlState::QUERY_CANCELED);
    assert_eq!(int(&mut *c, "SELECT count(*) FROM t").await.unwrap(), 3_000_000);
    // A load that fails tells its writer.
    let (number, mut writer) = pool.open_feed(columns, FeedOrder::Free).unwrap();
    let load = tokio::spawn(async move {
        change(&mut *c, &format!("INSERT INTO t SELECT a, b::INTEGER FROM duckgate_feed({number})")).await
    });
    let error = loop {
        if let Err(error) = writer.send(batch(1, 10_000)).await {
            break error;
        }
    };
    assert_eq!(error.code(), SqlState::INVALID_TEXT_REPRESENTATION);
    assert_eq!(load.await.unwrap().unwrap_err().code(), SqlState::INVALID_TEXT_REPRESENTATION);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_feed_keeps_its_order_where_it_is_asked_to() {
    let pool = pool();
    let mut c = pool.connect().unwrap();
    let columns = vec![("a".to_owned(), Phys::Int8), ("b".to_owned(), Phys::Text)];
    for order in [FeedOrder::Kept, FeedOrder::Free] {
        command(&mut *c, "CREATE OR REPLACE TABLE t(a BIGINT, b VARCHAR)").await.unwrap();
        let (number, mut writer) = pool.open_feed(columns.clone(), order).unwrap();
        let feed = async move {
            // Several times what a feed keeps in order in any case.
            for i in 0..400 {
                writer.send(batch(i * 10_000, 10_000)).await.unwrap();
            }
            writer.finish();
        };
        let sql = format!("INSERT INTO t SELECT a, b FROM duckgate_feed({number})");
        let (rows, ()) = tokio::join!(change(&mut *c, &sql), feed);
        assert_eq!(rows.unwrap(), 4_000_000);
        let whole = "SELECT count(DISTINCT a) FROM t WHERE b IS NULL AND a % 5 = 0 OR b = 'row number ' || a";
        assert_eq!(int(&mut *c, whole).await.unwrap(), 4_000_000, "{order:?}");
        let moved = int(&mut *c, "SELECT count(*) FROM t WHERE rowid <> a").await.unwrap();
        assert!(order == FeedOrder::Free || moved == 0, "{moved} rows stand elsewhere");
        // The first of them stand where they came in any case.
        assert_eq!(
            int(&mut *c, "SELECT count(*) FROM t WHERE rowid <> a AND a < 500000").await.unwrap(),
            0,
            "{order:?}"
        );
        // What the connection was told for the load does not stay.
        let again = "INSERT INTO t SELECT a + 10000000, b FROM t ORDER BY a LIMIT 10";
        assert_eq!(change(&mut *c, again).await.unwrap(), 10);
        let setting =
            "SELECT count(*) FROM duckdb_settings() WHERE name = 'preserve_insertion_order' AND value = 'true'";
        assert_eq!(int(&mut *c, setting).await.unwrap(), 1);
    }
}

/// Each thread that loads has row groups of its own: what one of them has written is a duplicate for the others, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_duplicate_key_is_found_whichever_thread_has_written_the_other() {
    let pool = pool();
    let mut c = pool.connect().unwrap();
    let columns = vec![("a".to_owned(), Phys::Int8), ("b".to_owned(), Phys::Text)];
    // Rows that come right after each other, and the first and the last beyond what is read in order.
    for twice in [None, Some((150, 150)), Some((100, 199))] {
        command(&mut *c, "CREATE OR REPLACE TABLE t(a BIGINT PRIMARY KEY, b VARCHAR)").await.unwrap();
        let (number, mut writer) = pool.open_feed(columns.clone(), FeedOrder::Free).unwrap();
        let feed = async move {
            for i in 0..200 {
                let sent = writer.send(batch(i * 10_000, 10_000)).await;
                let again = match twice {
                    Some((first, at)) if at == i => writer.send(batch(first * 10_000, 10_000)).await,
                    Some(_) | None => Ok(()),
                };
                if sent.and(again).is_err() {
                    break;
                }
            }
            writer.finish();
        };
        let sql = format!("INSERT INTO t SELECT a, b FROM duckgate_feed({number})");
        let (rows, ()) = tokio::join!(change(&mut *c, &sql), feed);
        match twice {
            None => assert_eq!(rows.unwrap(), 2_000_000),
            Some(_) => assert_eq!(rows.unwrap_err().code(), SqlState::UNIQUE_VIOLATION),
        }
        let left = int(&mut *c, "SELECT count(*) FROM t").await.unwrap();
        assert_eq!(left, if twice.is_none() { 2_000_000 } else { 0 });
    }
}

/// A session whose snapshot has one sequence.
struct View(Arc<crate::registry::Snapshot>);

pub(super) const SEQUENCE: u32 = 20_000;

pub(super) fn snapshot_with_sequence(max: i64, cycle: bool) -> Arc<crate::registry::Snapshot> {
    use crate::registry::*;
    let sequence =
        Sequence { ty: 20, start: 1, increment: 1, min: 1, max, cache: 1, cycle, owned_by: None, count: None };
    let relation = Relation {
        oid: SEQUENCE,
        namespace: "public".into(),
        name: "s".into(),
        owner: 10,
        managed: Managed::Sql,
        temporary: false,
        kind: RelationKind::Sequence(sequence),
        columns: vec![],
        constraints: vec![],
        indexes: vec![],
        acl: Acl::default(),
        comment: None,
        row_type: 0,
        row_array_type: 0,
        on_conflict: OnConflictDefault::Error,
        storage: Storage::Numbered,
        last_dropped: 0,
        partitioning: Default::default(),
        details: Default::default(),
        rules: Default::default(),
    };
    let mut snapshot = Snapshot::default();
    let key: (Name, Name) = ("public".into(), "s".into());
    snapshot.relation_oids.insert(SEQUENCE, key.clone());
    snapshot.relations.insert(key, Arc::new(relation));
    Arc::new(snapshot)
}

impl directory::SessionView for View {
    fn id(&self) -> u64 {
        0
    }
    fn pid(&self) -> i32 {
        0
    }
    fn snapshot(&self) -> Arc<crate::registry::Snapshot> {
        Arc::clone(&self.0)
    }
    fn role(&self) -> crate::types::Oid {
        10
    }
    fn session_user(&self) -> crate::types::Oid {
        10
    }
    fn database(&self) -> crate::registry::Name {
        "d".into()
    }
    fn search_path(&self) -> Arc<[crate::registry::Name]> {
        Arc::new([])
    }
    fn output_settings(&self) -> crate::types::OutputSettings {
        crate::types::OutputSettings::default()
    }
    fn setting(&self, _: &str) -> Option<String> {
        None
    }
    fn set_config(&self, _: &str, _: Option<&str>, _: bool) -> Result<String> {
        Ok(String::new())
    }
    fn settings(&self) -> Vec<directory::SettingRow> {
        vec![]
    }
    fn prepared_statements(&self) -> Vec<directory::PreparedRow> {
        vec![]
    }
    fn cursors(&self) -> Vec<directory::CursorRow> {
        vec![]
    }
    fn activity(&self) -> Vec<directory::ActivityRow> {
        vec![]
    }
    fn cancel_backend(&self, _: i32) -> Result<bool> {
        Ok(false)
    }
    fn terminate_backend(&self, _: i32) -> Result<bool> {
        Ok(false)
    }
    fn reload(&self) -> Result<()> {
        Ok(())
    }
}

/// Makes a session known that sees one sequence; it is known for as long as what this gives lives.
pub(super) fn session_with_sequence(id: u64, max: i64, cycle: bool) -> Arc<dyn directory::SessionView> {
    let view: Arc<dyn directory::SessionView> = Arc::new(View(snapshot_with_sequence(max, cycle)));
    directory::register(id, Arc::downgrade(&view));
    view
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sequences_count_as_postgresqls_do() {
    let pool = pool();
    let _sessions = [session_with_sequence(901, 5, false), session_with_sequence(902, 5, true)];
    let mut c = pool.connect().unwrap();
    let error = int(&mut *c, "SELECT dg_currval(901, 20000::UINTEGER)").await.unwrap_err();
    assert_eq!(error.report().message, "currval of sequence \"s\" is not yet defined in this session");
    assert_eq!(
        int(&mut *c, "SELECT dg_lastval(901)").await.unwrap_err().code(),
        SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE
    );
    let next = "SELECT dg_nextval(901::UBIGINT, 20000::UINTEGER)";
    c.begin(Access::ReadWrite).await.unwrap();
    for i in 1..=3 {
        assert_eq!(int(&mut *c, next).await.unwrap(), i);
    }
    c.rollback().await.unwrap();
    assert_eq!(int(&mut *c, next).await.unwrap(), 4);
    assert_eq!(int(&mut *c, "SELECT dg_currval(901, 20000::UINTEGER) + dg_lastval(901)").await.unwrap(), 8);
    assert_eq!(int(&mut *c, next).await.unwrap(), 5);
    let error = int(&mut *c, next).await.unwrap_err();
    assert_eq!(error.report().message, "nextval: reached maximum value of sequence \"s\" (5)");
    assert_eq!(error.code(), SqlState::SEQUENCE_GENERATOR_LIMIT_EXCEEDED);
    assert_eq!(int(&mut *c, "SELECT dg_nextval(902, 20000::UINTEGER)").await.unwrap(), 1);
    assert_eq!(int(&mut *c, "SELECT dg_setval(901, 20000::UINTEGER, 3, false)").await.unwrap(), 3);
    assert_eq!(int(&mut *c, next).await.unwrap(), 3);
    let error = int(&mut *c, "SELECT dg_setval(901, 20000::UINTEGER, 6)").await.unwrap_err();
    assert_eq!(error.report().message, "setval: value 6 is out of bounds for sequence \"s\" (1..5)");
    pool.restart_sequence(SEQUENCE, 2, false).await.unwrap();
    assert_eq!(pool.sequence_state(SEQUENCE).unwrap(), Some((2, false)));
    assert_eq!(int(&mut *c, next).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sequence_feeds_a_large_insert_beside_other_writers() {
    let directory = tempfile::tempdir().unwrap();
    let config = EngineConfig { path: Some(directory.path().join("d.duckdb")), max_running: 4, ..config() };
    let pool = Pool::open(config, super::plugins()).unwrap();
    let _session = session_with_sequence(903, i64::MAX, false);
    let mut c = pool.connect().unwrap();
    command(&mut *c, "CREATE TABLE t(k BIGINT PRIMARY KEY, v VARCHAR)").await.unwrap();
    let begun = Instant::now();
    let writers: Vec<_> = (0..3)
        .map(|_| {
            let mut c = pool.connect().unwrap();
            tokio::spawn(async move {
                let sql = "INSERT INTO t SELECT dg_nextval(903, 20000::UINTEGER), 'x' || i FROM range(100000) r(i)";
                change(&mut *c, sql).await
            })
        })
        .collect();
    for writer in writers {
        assert_eq!(writer.await.unwrap().unwrap(), 100_000);
    }
    println!("300k rows with nextval from three sessions: {:?}", begun.elapsed());
    assert_eq!(int(&mut *c, "SELECT count(DISTINCT k) FROM t").await.unwrap(), 300_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_watchdog_gives_up_what_does_not_stop() {
    let deaf: NativeBody = Arc::new(|args, _| {
        std::thread::sleep(Duration::from_millis(1500));
        Ok(Arc::clone(&args[0]))
    });
    let natives = vec![native("dg_deaf", &[Phys::Int8], Phys::Int8, true, deaf)];
    let config = EngineConfig { interrupt_grace: Duration::from_millis(200), ..config() };
    let pool = Pool::open(config, Plugins { natives, ..super::plugins() }).unwrap();
    let mut c = pool.connect().unwrap();
    let sql = "SELECT dg_deaf(i) FROM range(1, 2) r(i)";
    let run = Run { deadline: Some(Instant::now() + Duration::from_millis(100)), ..run() };
    let begun = Instant::now();
    let error = c.execute(&statement(sql, &[], &[Phys::Int8], Kind::Rows), vec![], &run).await.err().unwrap();
    assert_eq!(error.report().message, "canceling statement due to statement timeout");
    assert!(begun.elapsed() < Duration::from_millis(600), "{:?}", begun.elapsed());
    // What was left behind keeps its slot until it ends; the session goes on with another connection.
    assert_eq!((pool.stats().stuck, pool.stats().running), (1, 1));
    assert_eq!(int(&mut *c, "SELECT 1::BIGINT").await.unwrap(), 1);
    tokio::time::sleep(Duration::from_millis(1700)).await;
    assert_eq!(pool.stats().running, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn duckdb_takes_all_of_the_gateways_natives() {
    let natives = crate::sql::signatures::natives();
    let aggregates = crate::sql::signatures::aggregates();
    let begun = Instant::now();
    Pool::open(config(), Plugins { natives, aggregates, ..super::plugins() }).unwrap();
    println!("opened in {:?}", begun.elapsed());
}
