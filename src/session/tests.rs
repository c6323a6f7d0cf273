//! Sessions over the real engine, with a front end that writes down what it is told.

mod audit;
mod bounds;
mod copy_cases;
mod copy_files;
mod details;
pub(super) mod faults;
mod foreign_keys;
mod hostile_names;
mod kept_expressions;
mod kept_names;
mod quotas;
mod restarts;
mod rules;
mod server_files;
mod sizes;
mod stale;
mod stops;
mod values;

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::{CopyInput, Front, Gateway, RowShape, Session, Startup};
use crate::config::Limits;
use crate::engine::{
    Batches, Engine, EngineConfig, Kind, Plugins, Pool, Rendered, Run, ServerFiles, SystemTables, Writes,
};
use crate::error::{Report, Result, SqlState};
use crate::observe::audit::Audit;
use crate::policy::Permit;
use crate::registry::{Registry, Snapshot, bootstrap};
use crate::types::{self, BuiltinTypes, OutputSettings, Phys, Value};

/// Writes down each message, one line each: T, D, C, I, s, N, S, G, H, d, c as the protocol calls them.
#[derive(Default)]
struct Notes {
    lines: Vec<String>,
    input: VecDeque<CopyInput>,
    sent: u64,
}

impl Front for Notes {
    fn row_description(&mut self, shape: &RowShape, _types: &dyn crate::types::TypeLookup) -> Result<()> {
        let fields: Vec<String> = shape.fields.iter().map(|f| format!("{}:{}", f.name, f.ty.oid)).collect();
        self.lines.push(format!("T {}", fields.join(" ")));
        Ok(())
    }

    fn rows<'a>(
        &'a mut self,
        shape: &'a RowShape,
        settings: &'a OutputSettings,
        _types: &'a (dyn crate::types::TypeLookup + Send + Sync),
        batch: &'a RecordBatch,
        from: usize,
        to: usize,
    ) -> BoxFuture<'a, Result<()>> {
        for row in from..to {
            let shown: Vec<String> = (0..batch.num_columns())
                .map(|i| match types::arrow::value_at(batch.column(i).as_ref(), row, &shape.phys[i]) {
                    Value::Null => "NULL".to_owned(),
                    value => types::text::format(&value, shape.fields[i].ty, settings, &BuiltinTypes),
                })
                .collect();
            self.sent += shown.iter().map(String::len).sum::<usize>() as u64;
            self.lines.push(format!("D {}", shown.join("|")));
        }
        futures::future::ready(Ok(())).boxed()
    }

    fn complete(&mut self, tag: &str) {
        self.lines.push(format!("C {tag}"));
    }

    fn empty(&mut self) {
        self.lines.push("I".into());
    }

    fn suspended(&mut self) {
        self.lines.push("s".into());
    }

    fn notice(&mut self, report: &Report) {
        self.lines.push(format!("N {} {}", report.code, report.message));
    }

    fn client_encoding(&mut self, _encoding: crate::types::encoding::Encoding) {}

    fn parameter_status(&mut self, name: &str, value: &str) {
        self.lines.push(format!("S {name}={value}"));
    }

    fn notification(&mut self, _pid: i32, _channel: &str, _payload: &str) {}

    fn copy_in<'a>(&'a mut self, binary: bool, columns: usize) -> BoxFuture<'a, Result<()>> {
        self.lines.push(format!("G {binary} {columns}"));
        futures::future::ready(Ok(())).boxed()
    }

    fn copy_read<'a>(&'a mut self, _room: Option<crate::copy::Room<'a>>) -> BoxFuture<'a, Result<CopyInput>> {
        let next = self.input.pop_front().unwrap_or(CopyInput::Done);
        futures::future::ready(Ok(next)).boxed()
    }

    fn copy_out(&mut self, binary: bool, columns: usize) {
        self.lines.push(format!("H {binary} {columns}"));
    }

    fn copy_write<'a>(&'a mut self, data: &'a [u8], ends: &'a [usize]) -> BoxFuture<'a, Result<()>> {
        self.sent += data.len() as u64;
        let mut start = 0;
        for end in ends {
            self.lines.push(format!("d {}", String::from_utf8_lossy(&data[start..*end])));
            start = *end;
        }
        futures::future::ready(Ok(())).boxed()
    }

    fn copy_out_done(&mut self) {
        self.lines.push("c".into());
    }

    fn sent(&self) -> u64 {
        self.sent
    }

    fn gone(&mut self) -> BoxFuture<'_, ()> {
        futures::future::pending().boxed()
    }
}

struct NoTables;

impl SystemTables for NoTables {
    fn columns(&self, _table: &str) -> Option<Vec<(String, Phys)>> {
        None
    }

    fn rows(&self, _session: u64, _table: &str, _projection: &[usize]) -> Result<Batches> {
        Ok(Box::new(std::iter::empty()))
    }
}

fn engine_config() -> EngineConfig {
    EngineConfig {
        path: None,
        memory_limit: 512 << 20,
        threads: 2,
        temp_directory: None,
        extension_directory: None,
        server_files: Default::default(),
        max_running: 4,
        queue_timeout: Duration::from_secs(10),
        interrupt_grace: Duration::from_secs(1),
    }
}

fn plugins() -> Plugins {
    Plugins {
        natives: crate::sql::signatures::natives(),
        aggregates: crate::sql::signatures::aggregates(),
        system_tables: Arc::new(NoTables),
    }
}

async fn gateway() -> Arc<Gateway> {
    gateway_with(Audit::default()).await
}

async fn gateway_with(audit: Audit) -> Arc<Gateway> {
    gateway_over(audit, engine_config(), plugins(), bootstrap::snapshot("duckgate", "ann")).await
}

/// One with pg_catalog and information_schema.
async fn gateway_with_catalogs(files: ServerFiles) -> Arc<Gateway> {
    let mut snapshot = bootstrap::snapshot("duckgate", "ann");
    for relation in crate::catalog::relations() {
        snapshot.apply_in_place(&crate::registry::Change::PutRelation(relation.clone()));
    }
    let plugins = Plugins { system_tables: crate::catalog::Catalog::new(), ..plugins() };
    let config = EngineConfig { server_files: files, ..engine_config() };
    gateway_over(Audit::default(), config, plugins, snapshot).await
}

async fn gateway_over(audit: Audit, config: EngineConfig, plugins: Plugins, snapshot: Snapshot) -> Arc<Gateway> {
    let engine = Pool::open(config, plugins).unwrap();
    let mut connection = engine.connect().unwrap();
    let run = Run::new("UTC".into(), None);
    for sql in crate::sql::ddl::store::create() {
        let rendered = Rendered {
            sql: sql.into(),
            params: Vec::new(),
            columns: Vec::new(),
            kind: Kind::Command,
            writes: Writes::Anything,
            keyed: None,
            prompt: false,
        };
        connection.execute(&Permit::system(rendered), Vec::new(), &run).await.unwrap();
    }
    let registry = Arc::new(Registry::new(snapshot));
    Gateway::new(Limits::default(), registry, engine, audit)
}

fn open(gateway: &Arc<Gateway>) -> Session {
    open_as(gateway, "ann", &[]).unwrap()
}

fn open_as(gateway: &Arc<Gateway>, user: &str, parameters: &[(&str, &str)]) -> Result<Session> {
    let startup = Startup {
        user: user.into(),
        database: "duckgate".into(),
        parameters: parameters.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        peer: None,
        local: None,
        tls: false,
        secret: vec![1, 2, 3, 4],
    };
    let mut session = gateway.open_session(startup)?;
    session.parameters();
    Ok(session)
}

/// A simple query, as its messages, the error and ReadyForQuery.
async fn simple(session: &mut Session, text: &str) -> Vec<String> {
    let mut notes = Notes::default();
    let done = session.simple(text, &mut notes).await;
    finish(session, notes, done)
}

fn finish(session: &mut Session, mut notes: Notes, done: Result<()>) -> Vec<String> {
    if let Err(error) = done {
        if let Some(internal) = error.report().internal.as_ref().filter(|_| error.code() == SqlState::INTERNAL_ERROR) {
            notes.lines.push(internal.clone());
        }
        notes.lines.push(format!("E {} {}", error.code(), error.report().message));
    }
    session.ready(&mut notes);
    notes.lines.push(format!("Z {}", char::from(session.transaction_status())));
    notes.lines
}

#[tokio::test]
async fn a_simple_query_gives_rows_and_a_tag() {
    let mut session = open(&gateway().await);
    assert_eq!(simple(&mut session, "SELECT 1 AS a, 'x' AS b").await, ["T a:23 b:25", "D 1|x", "C SELECT 1", "Z I"]);
    assert_eq!(simple(&mut session, "").await, ["I", "Z I"]);
    assert_eq!(
        simple(&mut session, "SHOW server_version_num").await,
        ["T server_version_num:25", "D 150018", "C SHOW", "Z I"]
    );
    assert_eq!(simple(&mut session, "SET application_name TO 'x'").await, ["C SET", "S application_name=x", "Z I"]);
}

#[tokio::test]
async fn a_failed_block_waits_for_its_rollback() {
    let mut session = open(&gateway().await);
    assert_eq!(simple(&mut session, "BEGIN").await, ["C BEGIN", "Z T"]);
    assert_eq!(
        simple(&mut session, "BEGIN").await,
        ["N 25001 there is already a transaction in progress", "C BEGIN", "Z T"]
    );
    assert_eq!(simple(&mut session, "SET application_name TO 'x'").await.last().unwrap(), "Z T");
    let failed = simple(&mut session, "SELECT nosuch").await;
    assert_eq!(failed.iter().filter(|l| l.starts_with("E 42703")).count(), 1, "{failed:?}");
    assert!(failed.contains(&"S application_name=".to_owned()), "{failed:?}");
    assert_eq!(failed.last().unwrap(), "Z E");
    assert_eq!(
        simple(&mut session, "SELECT 1").await,
        ["E 25P02 current transaction is aborted, commands ignored until end of transaction block", "Z E"]
    );
    assert_eq!(simple(&mut session, "COMMIT").await, ["C ROLLBACK", "Z I"]);
    assert_eq!(
        simple(&mut session, "COMMIT").await,
        ["N 25P01 there is no transaction in progress", "C COMMIT", "Z I"]
    );
}

#[tokio::test]
async fn tables_are_made_written_and_rolled_back() {
    let mut session = open(&gateway().await);
    let run = simple(&mut session, "CREATE TABLE t (a int PRIMARY KEY, b text)").await;
    assert_eq!(run, ["C CREATE TABLE", "Z I"]);
    assert_eq!(simple(&mut session, "INSERT INTO t VALUES (1, 'x'), (2, NULL)").await, ["C INSERT 0 2", "Z I"]);
    let run = simple(&mut session, "INSERT INTO t VALUES (3, 'y'); INSERT INTO t VALUES (1, 'again')").await;
    assert_eq!(run, ["C INSERT 0 1", "E 23505 duplicate key value violates unique constraint \"t_pkey\"", "Z I"]);
    let run = simple(&mut session, "SELECT a, b FROM t ORDER BY a").await;
    assert_eq!(run, ["T a:23 b:25", "D 1|x", "D 2|NULL", "C SELECT 2", "Z I"]);
    let run =
        simple(&mut session, "BEGIN; DELETE FROM t; CREATE TABLE u (c int); ROLLBACK; SELECT count(*) FROM t").await;
    assert_eq!(
        run,
        ["C BEGIN", "C DELETE 2", "C CREATE TABLE", "C ROLLBACK", "T count:20", "D 2", "C SELECT 1", "Z I"]
    );
    assert!(simple(&mut session, "SELECT * FROM u").await[0].starts_with("E 42P01"));
    let run = simple(&mut session, "UPDATE t SET b = 'z' WHERE a = 2 RETURNING a, b").await;
    assert_eq!(run, ["T a:23 b:25", "D 2|z", "C UPDATE 1", "Z I"]);
    let run = simple(&mut session, "BEGIN READ ONLY; DELETE FROM t").await;
    assert_eq!(run, ["C BEGIN", "E 25006 cannot execute DELETE in a read-only transaction", "Z E"]);
}

#[tokio::test]
async fn portals_are_described_suspended_and_closed() {
    let mut session = open(&gateway().await);
    let mut notes = Notes::default();
    session.parse("s", "SELECT g FROM generate_series(1, $1) g", &[]).await.unwrap();
    let (params, fields) = session.describe_statement("s").await.unwrap();
    assert_eq!((params, fields.unwrap().len()), (vec![23], 1));
    assert_eq!(session.parse("s", "SELECT 1", &[]).await.unwrap_err().code().to_string(), "42P05");
    session.sync(&mut notes).await.unwrap();
    session.bind("p", "s", vec![], vec![Some(Bytes::from_static(b"3"))], vec![]).await.unwrap();
    session.execute("p", NonZeroU32::new(2), &mut notes).await.unwrap();
    session.execute("p", NonZeroU32::new(2), &mut notes).await.unwrap();
    session.execute("p", None, &mut notes).await.unwrap();
    session.sync(&mut notes).await.unwrap();
    assert_eq!(notes.lines, ["D 1", "D 2", "s", "D 3", "C SELECT 1", "C SELECT 0"]);
    let error = session.execute("p", None, &mut notes).await.unwrap_err();
    assert_eq!(error.code().to_string(), "34000");
    let error = session.bind("", "s", vec![], vec![Some(Bytes::from_static(b"x"))], vec![]).await.unwrap_err();
    assert_eq!(error.code().to_string(), "22P02");
    assert_eq!(error.report().context.as_deref(), Some("unnamed portal parameter $1 = '...'"));
    let error = session.bind("", "nosuch", vec![], vec![], vec![]).await.unwrap_err();
    assert_eq!(error.code().to_string(), "26000");
}

#[tokio::test]
async fn a_portal_outlives_sync_only_in_a_block() {
    let mut session = open(&gateway().await);
    let mut notes = Notes::default();
    simple(&mut session, "BEGIN").await;
    session.parse("", "SELECT g FROM generate_series(1, 3) g", &[]).await.unwrap();
    session.bind("p", "", vec![], vec![], vec![]).await.unwrap();
    session.execute("p", NonZeroU32::new(1), &mut notes).await.unwrap();
    session.sync(&mut notes).await.unwrap();
    session.execute("p", NonZeroU32::new(1), &mut notes).await.unwrap();
    session.sync(&mut notes).await.unwrap();
    assert_eq!(notes.lines, ["D 1", "s", "D 2", "s"]);
    simple(&mut session, "COMMIT").await;
    assert_eq!(session.execute("p", None, &mut notes).await.unwrap_err().code().to_string(), "34000");
}

#[tokio::test]
async fn cursors_go_forward_and_are_held() {
    let mut session = open(&gateway().await);
    let run = simple(&mut session, "DECLARE c CURSOR FOR SELECT 1").await;
    assert_eq!(run, ["E 25P01 DECLARE CURSOR can only be used in transaction blocks", "Z I"]);
    simple(&mut session, "BEGIN").await;
    let declare = "DECLARE c NO SCROLL CURSOR WITH HOLD FOR SELECT g FROM generate_series(1, 5) g";
    assert_eq!(simple(&mut session, declare).await, ["C DECLARE CURSOR", "Z T"]);
    assert_eq!(simple(&mut session, "FETCH 2 FROM c").await, ["T g:23", "D 1", "D 2", "C FETCH 2", "Z T"]);
    assert_eq!(simple(&mut session, "MOVE 1 FROM c").await, ["C MOVE 1", "Z T"]);
    assert_eq!(simple(&mut session, "COMMIT").await, ["C COMMIT", "Z I"]);
    assert_eq!(simple(&mut session, "FETCH ALL FROM c").await, ["T g:23", "D 4", "D 5", "C FETCH 2", "Z I"]);
    assert!(
        simple(&mut session, "FETCH BACKWARD 1 FROM c").await.contains(&"E 55000 cursor can only scan forward".into())
    );
    assert_eq!(simple(&mut session, "CLOSE c").await, ["C CLOSE CURSOR", "Z I"]);
    assert_eq!(simple(&mut session, "CLOSE c").await, ["E 34000 cursor \"c\" does not exist", "Z I"]);
}

#[tokio::test]
async fn sql_prepared_statements_assign_their_arguments() {
    let mut session = open(&gateway().await);
    assert_eq!(simple(&mut session, "PREPARE p (int) AS SELECT $1 + 1 AS n").await, ["C PREPARE", "Z I"]);
    assert_eq!(simple(&mut session, "EXECUTE p('41')").await, ["T n:23", "D 42", "C SELECT 1", "Z I"]);
    assert_eq!(simple(&mut session, "EXECUTE p(20 + 21)").await, ["T n:23", "D 42", "C SELECT 1", "Z I"]);
    assert!(simple(&mut session, "EXECUTE p").await[0].starts_with("E 42601"));
    assert_eq!(simple(&mut session, "DEALLOCATE p").await, ["C DEALLOCATE", "Z I"]);
    assert!(simple(&mut session, "EXECUTE p(1)").await[0].starts_with("E 26000"));
}

#[tokio::test]
async fn copy_reads_and_writes_text() {
    let mut session = open(&gateway().await);
    let run =
        simple(&mut session, "COPY (SELECT 1 AS a, 'x' AS b UNION ALL SELECT 2, NULL ORDER BY a) TO STDOUT (HEADER)")
            .await;
    assert_eq!(run, ["H false 2", "d a\tb\n", "d 1\tx\n", "d 2\t\\N\n", "c", "C COPY 2", "Z I"]);
    simple(&mut session, "CREATE TABLE t (a int PRIMARY KEY, b text, c int DEFAULT 7)").await;
    let mut notes = Notes::default();
    notes.input.push_back(CopyInput::Data(Bytes::from_static(b"1\tx\n2\t")));
    notes.input.push_back(CopyInput::Data(Bytes::from_static(b"\\N\n\\.\n")));
    let done = session.simple("COPY t (a, b) FROM STDIN", &mut notes).await;
    assert_eq!(finish(&mut session, notes, done), ["G false 2", "C COPY 2", "Z I"]);
    let run = simple(&mut session, "SELECT * FROM t ORDER BY a").await;
    assert_eq!(run, ["T a:23 b:25 c:23", "D 1|x|7", "D 2|NULL|7", "C SELECT 2", "Z I"]);
    for (data, error) in [
        (CopyInput::Data(Bytes::from_static(b"3\ty\nx\tz\n")), "E 22P02 invalid input syntax for type integer: \"x\""),
        (
            CopyInput::Data(Bytes::from_static(b"1\ty\n")),
            "E 23505 duplicate key value violates unique constraint \"t_pkey\"",
        ),
        (CopyInput::Fail("stop".into()), "E 57014 COPY from stdin failed: stop"),
    ] {
        let mut notes = Notes::default();
        notes.input.push_back(data);
        let done = session.simple("COPY t (a, b) FROM STDIN", &mut notes).await;
        assert_eq!(finish(&mut session, notes, done), ["G false 2", error, "Z I"]);
    }
    assert_eq!(simple(&mut session, "SELECT count(*) FROM t").await[1], "D 2");
}

#[tokio::test]
async fn a_plan_that_would_change_its_result_is_refused() {
    let gateway = gateway().await;
    let mut session = open(&gateway);
    let mut other = open(&gateway);
    simple(&mut other, "CREATE TABLE t (a int)").await;
    session.parse("s", "SELECT * FROM t", &[]).await.unwrap();
    session.sync(&mut Notes::default()).await.unwrap();
    simple(&mut other, "ALTER TABLE t ADD COLUMN b int").await;
    let error = session.bind("", "s", vec![], vec![], vec![]).await.unwrap_err();
    assert_eq!(error.report().message, "cached plan must not change result type");
}

#[tokio::test]
async fn an_idle_session_holds_no_connection() {
    let gateway = gateway().await;
    let mut session = open(&gateway);
    simple(&mut session, "SELECT 1").await;
    assert!(session.lease.is_none());
    simple(&mut session, "BEGIN; SELECT 1").await;
    assert!(session.lease.is_some());
    simple(&mut session, "COMMIT").await;
    assert!(session.lease.is_none());
    simple(&mut session, "CREATE TEMP TABLE t (a int)").await;
    assert!(session.lease.is_some());
    assert_eq!(simple(&mut session, "INSERT INTO t VALUES (1)").await, ["C INSERT 0 1", "Z I"]);
    assert_eq!(simple(&mut session, "DISCARD ALL").await, ["C DISCARD ALL", "Z I"]);
    assert!(session.lease.is_none());
    assert!(simple(&mut session, "SELECT * FROM t").await[0].starts_with("E 42P01"));
}

#[tokio::test]
async fn a_cancel_stops_a_running_statement() {
    let gateway = gateway().await;
    let mut session = open(&gateway);
    let pid = session.pid();
    let canceller = tokio::spawn({
        let gateway = gateway.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            gateway.cancel(pid, &[9, 9, 9, 9]);
            gateway.cancel(pid, &[1, 2, 3, 4]);
        }
    });
    let long = "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b";
    let run = simple(&mut session, long).await;
    canceller.await.unwrap();
    assert_eq!(run, ["E 57014 canceling statement due to user request", "Z I"]);
    simple(&mut session, "SET statement_timeout = '100ms'").await;
    assert_eq!(simple(&mut session, long).await, ["E 57014 canceling statement due to statement timeout", "Z I"]);
}

/// Who a session is, after each way in which a client or its role's settings can say so.
#[tokio::test]
async fn a_startup_parameter_makes_nobody_another_role() {
    let gateway = gateway().await;
    let mut root = open(&gateway);
    let roles =
        "CREATE ROLE bob LOGIN; CREATE ROLE grp; CREATE ROLE boss SUPERUSER; CREATE ROLE kim LOGIN; GRANT grp TO kim";
    assert_eq!(simple(&mut root, roles).await.last().unwrap(), "Z I");
    let refused = |user: &str, parameters: &[(&str, &str)]| match open_as(&gateway, user, parameters) {
        Ok(_) => "let in".to_owned(),
        Err(error) => format!("{:?} {} {}", error.report().severity, error.code(), error.report().message),
    };
    let denied = "Fatal 42501 permission denied to set role \"boss\"";
    assert_eq!(refused("bob", &[("options", "-c role=boss")]), denied);
    assert_eq!(refused("bob", &[("options", "--Role=boss")]), denied);
    assert_eq!(refused("bob", &[("ROLE", "boss")]), denied);
    assert_eq!(refused("bob", &[("role", "nosuch")]), "Fatal 22023 role \"nosuch\" does not exist");
    let denied = "Fatal 42501 permission denied to set session authorization \"boss\"";
    assert_eq!(refused("bob", &[("options", "-c session_authorization=boss")]), denied);
    assert_eq!(refused("bob", &[("Session_Authorization", "boss")]), denied);
    assert_eq!(refused("bob", &[("is_superuser", "on")]), "Fatal 55P02 parameter \"is_superuser\" cannot be changed");

    let who = "SELECT current_user, session_user, current_setting('role'), current_setting('is_superuser')";
    let mut kim = open_as(&gateway, "kim", &[("options", "-c role=grp")]).unwrap();
    assert_eq!(simple(&mut kim, who).await[1], "D grp|kim|grp|off");
    simple(&mut kim, "SET ROLE kim").await;
    simple(&mut kim, "RESET ROLE").await;
    assert_eq!(simple(&mut kim, who).await[1], "D grp|kim|grp|off");
    // Who logged in stands above a session_authorization that came with the startup message.
    let mut ann = open_as(&gateway, "ann", &[("session_authorization", "bob")]).unwrap();
    assert_eq!(simple(&mut ann, who).await[1], "D ann|ann|none|on");

    // ALTER ROLE takes any name, as PostgreSQL does; at login what the role may not become is left out.
    let mut bob = open_as(&gateway, "bob", &[]).unwrap();
    for setting in ["role", "session_authorization", "ROLE"] {
        assert_eq!(simple(&mut bob, &format!("ALTER ROLE bob SET {setting} = 'boss'")).await, ["C ALTER ROLE", "Z I"]);
        let mut again = open_as(&gateway, "bob", &[]).unwrap();
        assert_eq!(simple(&mut again, who).await[1], "D bob|bob|none|off");
    }
    assert_eq!(
        simple(&mut bob, "ALTER ROLE bob SET is_superuser = on").await[0],
        "E 55P02 parameter \"is_superuser\" cannot be changed"
    );
    assert_eq!(simple(&mut root, "ALTER ROLE kim SET role = 'grp'").await, ["C ALTER ROLE", "Z I"]);
    assert_eq!(simple(&mut open_as(&gateway, "kim", &[]).unwrap(), who).await[1], "D grp|kim|grp|off");
}
