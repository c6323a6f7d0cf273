//! What the audit records of sessions: each statement once, with what its permit or its denial says.

use super::*;
use crate::observe::audit::{Outcome, Record, Settings, Sink};

async fn audited() -> Arc<Gateway> {
    gateway_with(Audit::open(Settings { memory: 1000, ..Settings::default() }, None).unwrap()).await
}

fn line(record: &Record) -> String {
    let access: Vec<String> = record
        .access
        .iter()
        .flat_map(|access| &access.objects)
        .map(|object| {
            let privileges = object.privileges.iter().map(|p| match p.columns.is_empty() {
                true => p.word.to_owned(),
                false => format!("{}({})", p.word, p.columns.join(",")),
            });
            format!("{}.{} {}", object.schema, object.name, privileges.collect::<Vec<_>>().join(" "))
        })
        .collect();
    let rules: Vec<String> = record
        .access
        .iter()
        .flat_map(|access| &access.rules)
        .map(|r| format!("{} {} {}", r.table, r.policies.join(","), r.masks.join(",")))
        .collect();
    let outcome = match &record.outcome {
        Outcome::Ok => "ok".to_owned(),
        Outcome::Failed { sqlstate, .. } => format!("{} {sqlstate}", record.outcome.word()),
        Outcome::Abandoned => "abandoned".to_owned(),
    };
    let text = record.digest.as_ref().map_or("", |d| &d.text);
    format!(
        "{} {} as {}: {text} | {} | {} | {outcome} {}",
        record.event.word(),
        record.client.user,
        record.role,
        access.join("; "),
        rules.join("; "),
        record.rows
    )
}

/// The records since the last call.
fn lines(gateway: &Gateway, seen: &mut usize) -> Vec<String> {
    let records = gateway.audit().records();
    let new = records[*seen..].iter().map(|r| line(r)).collect();
    *seen = records.len();
    new
}

#[tokio::test]
async fn every_statement_has_one_record() {
    let gateway = audited().await;
    let mut root = open(&gateway);
    let made = "CREATE ROLE kim LOGIN PASSWORD 'geheim'; CREATE TABLE t (a int, b text, c int); CREATE TABLE hidden (x int); \
        INSERT INTO t VALUES (1, 'x', 1), (2, 'y', 2), (3, 'z', 3); ALTER TABLE t ENABLE ROW LEVEL SECURITY; \
        CREATE POLICY own ON t USING (a > 1); GRANT SELECT (a, b), INSERT ON t TO kim";
    assert_eq!(simple(&mut root, made).await.last().unwrap(), "Z I");
    let mut seen = 0;
    assert_eq!(
        lines(&gateway, &mut seen),
        [
            "login ann as ann:  |  |  | ok 0",
            "statement ann as ann: CREATE ROLE kim LOGIN PASSWORD ? | .kim CREATE ROLE |  | ok 0",
            "statement ann as ann: CREATE TABLE t (a int, b text, c int) | public.t CREATE TABLE |  | ok 0",
            "statement ann as ann: CREATE TABLE hidden (x int) | public.hidden CREATE TABLE |  | ok 0",
            "statement ann as ann: INSERT INTO t VALUES (?) | public.t INSERT(a,b,c) |  | ok 3",
            "statement ann as ann: ALTER TABLE t ENABLE ROW LEVEL SECURITY | public.t ALTER |  | ok 0",
            "statement ann as ann: CREATE POLICY own ON t USING (a > ?) | public.t CREATE POLICY |  | ok 0",
            "statement ann as ann: GRANT SELECT (a, b), INSERT ON t TO kim | public.t GRANT |  | ok 0",
        ]
    );
    let mut kim = open_as(&gateway, "kim", &[]).unwrap();
    for text in [
        "SELECT b FROM t WHERE a > 0",
        "SELECT c FROM t",
        "SELECT x FROM hidden WHERE x = 7",
        "SELECT nosuch",
        "SELEC 'geheim'",
        "BEGIN",
        "DECLARE k CURSOR FOR SELECT a FROM t",
        "FETCH 1 FROM k",
        "COMMIT",
        "PREPARE p AS SELECT a FROM t WHERE a = $1",
        "EXECUTE p(2)",
        "EXPLAIN SELECT a FROM t",
        "SELECT 1/a FROM t; SELECT 1/0; SELECT 3",
        "SET ROLE ann",
        "DROP TABLE t",
    ] {
        simple(&mut kim, text).await;
    }
    assert_eq!(
        lines(&gateway, &mut seen),
        [
            "login kim as kim:  |  |  | ok 0",
            "statement kim as kim: SELECT b FROM t WHERE a > ? | public.t SELECT(a,b) | t own  | ok 2",
            "statement kim as kim: SELECT c FROM t | public.t SELECT(c) |  | denied 42501 0",
            "statement kim as kim: SELECT x FROM hidden WHERE x = ? | public.hidden SELECT(x) |  | denied 42501 0",
            "statement kim as kim: SELECT nosuch |  |  | error 42703 0",
            "statement kim as kim:  |  |  | error 42601 0",
            "statement kim as kim: BEGIN |  |  | ok 0",
            "statement kim as kim: DECLARE k CURSOR FOR SELECT a FROM t | public.t SELECT(a) | t own  | ok 0",
            "statement kim as kim: FETCH ? FROM k | public.t SELECT(a) | t own  | ok 1",
            "statement kim as kim: COMMIT |  |  | ok 0",
            "statement kim as kim: PREPARE p AS SELECT a FROM t WHERE a = $1 |  |  | ok 0",
            "statement kim as kim: EXECUTE p (?) | public.t SELECT(a) | t own  | ok 1",
            "statement kim as kim: EXPLAIN SELECT a FROM t | public.t SELECT(a) | t own  | ok 4",
            "statement kim as kim: SELECT ? / a FROM t | public.t SELECT(a) | t own  | ok 2",
            "statement kim as kim: SELECT ? / ? |  |  | error 22012 0",
            "statement kim as kim: SET ROLE ann | .ann SET ROLE |  | denied 42501 0",
            "statement kim as kim: DROP TABLE t | public.t DROP |  | denied 42501 0",
        ]
    );
    drop(kim);
    assert_eq!(lines(&gateway, &mut seen), ["logout kim as kim:  |  |  | ok 0"]);
    let Err(_) = open_as(&gateway, "nobody", &[]) else { panic!("let in") };
    assert_eq!(lines(&gateway, &mut seen), ["login nobody as nobody:  |  |  | denied 28000 0"]);
    let all: Vec<_> = gateway.audit().records().iter().map(|r| crate::observe::audit::json_line(r)).collect();
    assert!(!all.concat().contains("geheim"), "a literal was kept");
}

#[tokio::test]
async fn the_extended_query_records_what_executes_and_what_fails() {
    let gateway = audited().await;
    let mut root = open(&gateway);
    simple(&mut root, "CREATE TABLE t (a int PRIMARY KEY); CREATE ROLE kim LOGIN; GRANT INSERT, SELECT ON t TO kim")
        .await;
    let mut kim = open_as(&gateway, "kim", &[]).unwrap();
    let mut seen = gateway.audit().records().len();
    let mut notes = Notes::default();
    kim.parse("i", "INSERT INTO t VALUES ($1)", &[]).await.unwrap();
    for _ in 0..2 {
        kim.bind("", "i", vec![], vec![Some(Bytes::from_static(b"1"))], vec![]).await.unwrap();
        let _ = kim.execute("", None, &mut notes).await;
        kim.sync(&mut notes).await.unwrap();
    }
    kim.bind("", "i", vec![], vec![Some(Bytes::from_static(b"x"))], vec![]).await.unwrap_err();
    kim.parse("u", "UPDATE t SET a = 2", &[]).await.unwrap_err();
    kim.execute("nosuch", None, &mut notes).await.unwrap_err();
    kim.sync(&mut notes).await.unwrap();
    assert_eq!(
        lines(&gateway, &mut seen),
        [
            "statement kim as kim: INSERT INTO t VALUES ($1) | public.t INSERT(a) |  | ok 1",
            "statement kim as kim: INSERT INTO t VALUES ($1) | public.t INSERT(a) |  | error 23505 0",
            "statement kim as kim: INSERT INTO t VALUES ($1) |  |  | error 22P02 0",
            "statement kim as kim: UPDATE t SET a = ? | public.t UPDATE(a) |  | denied 42501 0",
            "statement kim as kim:  |  |  | error 34000 0",
        ]
    );
}

#[tokio::test]
async fn loads_and_results_are_measured() {
    let gateway = audited().await;
    let mut root = open(&gateway);
    simple(&mut root, "CREATE TABLE t (a int)").await;
    let mut notes = Notes::default();
    notes.input.push_back(CopyInput::Data(Bytes::from_static(b"1\n2\n3\n")));
    root.simple("COPY t FROM STDIN", &mut notes).await.unwrap();
    simple(&mut root, "COPY t TO STDOUT").await;
    simple(&mut root, "SELECT 'four' FROM t").await;
    let moved = |at: usize| {
        let record = &gateway.audit().records()[at];
        (record.rows, record.bytes_sent, record.bytes_received)
    };
    assert_eq!([moved(2), moved(3), moved(4)], [(3, 0, 6), (3, 6, 0), (3, 12, 0)]);
}

#[tokio::test]
async fn files_of_the_server_are_recorded_whether_they_were_opened_or_not() {
    let folder = super::server_files::Folder::make();
    let config = EngineConfig { server_files: folder.files(), ..engine_config() };
    let audit = Audit::open(Settings { memory: 1000, ..Settings::default() }, None).unwrap();
    let gateway = gateway_over(audit, config, plugins(), bootstrap::snapshot("duckgate", "ann")).await;
    let mut root = open(&gateway);
    for text in [
        "CREATE TABLE t (a int, b text)",
        "COPY t FROM '$DIR/in/rows.csv' (FORMAT csv)",
        "COPY t TO '$DIR/both/x.csv'",
        "COPY t FROM '/etc/passwd'",
        "COPY t TO '/tmp/x'",
        "SELECT * FROM read_csv('$DIR/in/r*.csv', header = false)",
        "SELECT * FROM read_csv('/etc/passwd')",
    ] {
        simple(&mut root, &folder.named(text)).await;
    }
    let lines = lines(&gateway, &mut 0);
    for (line, has) in lines[2..].iter().zip([
        ["in/rows.csv READ FILE", "| ok 2"],
        ["both/x.csv WRITE FILE", "| ok 2"],
        ["/etc/passwd READ FILE", "42501 0"],
        ["/tmp/x WRITE FILE", "42501 0"],
        ["in/rows.csv READ FILE", "| ok 2"],
        ["/etc/passwd READ FILE", "42501 0"],
    ]) {
        assert!(has.iter().all(|part| line.contains(part)), "{line}");
    }
    assert_eq!(lines.len(), 8, "{lines:?}");
}

#[tokio::test]
async fn nothing_begins_while_the_audit_has_no_room() {
    let sink = Sink::File { path: "/dev/full".into(), rotate: u64::MAX, keep: 0 };
    let settings = Settings { sinks: vec![sink], queue: 3, ..Settings::default() };
    let gateway = gateway_with(Audit::open(settings, None).unwrap()).await;
    let mut root = open(&gateway);
    simple(&mut root, "CREATE TABLE t (a int)").await;
    simple(&mut root, "SET statement_timeout = '200ms'").await;
    let stopped = ["E 57014 canceling statement due to statement timeout", "Z I"];
    assert_eq!(simple(&mut root, "INSERT INTO t VALUES (1)").await, stopped);
    assert_eq!(simple(&mut root, "SELECT 1").await, stopped);
    let error = root.parse("", "SELECT 1", &[]).await;
    assert!(error.is_err(), "Parse went through");
}
