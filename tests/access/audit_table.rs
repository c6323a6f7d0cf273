//! The audit's table: who may read it, that nobody writes it, and that it outlives the process, a kill too.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::support::server::Server;
use super::{as_role, run, start};

/// A statement's record is on disk so long after its answer at the latest: what records wait for others, and a batch's own writing.
const LATEST: Duration = Duration::from_millis(1500);

fn served(folder: &Path, more: &[&str]) -> Server {
    let table = folder.join("audit.duckdb").to_str().expect("a path").to_owned();
    start(&[&["--audit-table", table.as_str()], more].concat(), Some(&folder.join("data.duckdb")))
}

fn number(rows: &[Vec<Option<String>>]) -> i64 {
    rows[0][0].as_deref().and_then(|n| n.parse().ok()).expect("a number")
}

#[test]
fn auditors_read_what_came_before_a_restart_and_nobody_writes() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = served(folder.path(), &[]);
    run(
        &server.target,
        "create role kim login password 'pw'; create role auditor login password 'pw'; create table t (a int);
         grant all on pg_catalog.duckgate_audit to auditor; grant select on t to kim",
    );
    let ask = "select event, outcome, command, statement, objects->0->>'name', rows, tls, client_addr,
                      duration_ms >= 0, time > now() - interval '1 hour', pid > 0
               from duckgate_audit where user_name = 'kim' and event = 'statement' order by time";
    run(&as_role(&server, "kim", "pw"), "select a from t where a = 4711");
    let auditor = as_role(&server, "auditor", "pw");
    // It is there at once, whether it has been written yet or not.
    let fresh = run(&auditor, ask);
    let expected =
        ["statement", "ok", "SELECT", "select a from t where a = ?", "t", "0", "f", "127.0.0.1", "t", "t", "t"];
    assert_eq!(fresh, [expected.map(|text| Some(text.to_owned())).to_vec()]);
    std::thread::sleep(LATEST);
    assert_eq!(run(&auditor, ask), fresh);
    let count = number(&run(&auditor, "select count(*) from duckgate_audit"));
    assert!(number(&run(&auditor, "select count(*) from duckgate_audit")) > count);

    // Others do not see it. No one changes it: not by a privilege that says so, not as a superuser.
    let mut kim = as_role(&server, "kim", "pw").connect().unwrap_or_else(|e| panic!("{e}"));
    for what in ["*", "count(*)", "statement"] {
        let told = kim.query(&format!("select {what} from duckgate_audit")).err().map(|e| e.code().to_owned());
        assert_eq!(told.as_deref(), Some("42501"), "{what}");
    }
    for target in [&server.target, &auditor] {
        let mut session = target.connect().unwrap_or_else(|e| panic!("{e}"));
        for change in [
            "insert into duckgate_audit (event) values ('x')",
            "update duckgate_audit set user_name = 'x'",
            "delete from duckgate_audit",
            "truncate duckgate_audit",
            "drop table duckgate_audit",
            "alter table pg_catalog.duckgate_audit add column x int",
            "alter table pg_catalog.duckgate_audit rename to x",
            "merge into duckgate_audit a using t on false when not matched then insert (event) values ('x')",
            "copy duckgate_audit (event) from stdin",
            "create index on pg_catalog.duckgate_audit (time)",
            "select * from records",
            "select * from audit.main.records",
        ] {
            assert!(session.query(change).is_err(), "{change} as {}", target.user);
        }
    }
    let counted = "select count(*) from duckgate_audit where statement = 'select a from t where a = ?'";
    assert_eq!(number(&run(&auditor, counted)), 1);
    // A transaction that is undone has left its records, and one that reads them writes what it likes.
    run(&server.target, "begin; insert into t select count(*) from duckgate_audit; rollback");
    run(&server.target, "begin; insert into t select count(*) from duckgate_audit; select a from t; commit");
    assert!(number(&run(&server.target, "select a from t")) > 0);
    let undone = "select count(*) from duckgate_audit where command in ('ROLLBACK', 'INSERT') and outcome = 'ok'";
    assert_eq!(number(&run(&auditor, undone)), 3);

    let before = number(&run(&auditor, "select count(*) from duckgate_audit"));
    assert!(server.terminate(Duration::from_secs(20)).is_some_and(|status| status.success()));
    let server = served(folder.path(), &[]);
    let auditor = as_role(&server, "auditor", "pw");
    assert_eq!(run(&auditor, ask)[0], fresh[0]);
    assert!(number(&run(&auditor, "select count(*) from duckgate_audit")) > before);
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(folder.path().join("audit.duckdb")).expect("the file").permissions().mode();
    assert_eq!(mode & 0o077, 0);
}

/// Sessions that run statements one after another until the gateway is killed. What was answered a while before is there, and what is
/// there has no holes: each session's records are its first ones, once.
#[test]
fn a_kill_costs_the_last_moments_of_the_table_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut rounds, mut lost) = (0, 0);
    let mut expected = BTreeMap::new();
    for round in 0..4 {
        let mut server = served(folder.path(), &[]);
        for (name, (least, most)) in std::mem::take(&mut expected) {
            let sql = format!("select count(*), count(distinct statement), coalesce(max(substring(statement from '_([0-9]+)$')::int), 0)
                               from duckgate_audit where statement like 'select ? as {name}\\_%'");
            let row: Vec<u32> = run(&server.target, &sql)[0]
                .iter()
                .map(|n| n.as_deref().expect("a number").parse().expect("a number"))
                .collect();
            assert_eq!((row[0], row[1]), (row[2], row[2]), "{name} has holes or doubles");
            assert!((least..=most).contains(&row[0]), "{name}: {} of {least} to {most}", row[0]);
            lost += most - row[0];
            rounds += 1;
        }
        if round == 3 {
            break;
        }
        let stop = AtomicBool::new(false);
        let counts: Vec<AtomicU32> = (0..4).map(|_| AtomicU32::new(0)).collect();
        let early = std::thread::scope(|scope| {
            for (i, count) in counts.iter().enumerate() {
                let (target, stop) = (server.target.clone(), &stop);
                scope.spawn(move || {
                    let mut session = target.connect().unwrap_or_else(|e| panic!("{e}"));
                    while !stop.load(Ordering::SeqCst) {
                        let n = count.load(Ordering::SeqCst) + 1;
                        if session.query(&format!("select 1 as r{round}t{i}_{n}")).is_err() {
                            return;
                        }
                        count.store(n, Ordering::SeqCst);
                    }
                });
            }
            std::thread::sleep(Duration::from_millis(1500 + 250 * round));
            let early: Vec<u32> = counts.iter().map(|count| count.load(Ordering::SeqCst)).collect();
            std::thread::sleep(LATEST);
            server.kill();
            stop.store(true, Ordering::SeqCst);
            early
        });
        for (i, (early, count)) in early.into_iter().zip(&counts).enumerate() {
            assert!(early > 0);
            // The one that was running may have ended, and nobody have heard of it.
            expected.insert(format!("r{round}t{i}"), (early, count.load(Ordering::SeqCst) + 1));
        }
    }
    println!("{rounds} sessions were killed, {lost} records of theirs lost");
}

#[test]
fn the_table_keeps_as_many_as_it_may() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = served(folder.path(), &["--audit-table-rows", "200"]);
    let mut session = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
    for n in 0..1500 {
        session.query(&format!("select 1 as n{n}")).unwrap_or_else(|e| panic!("{e}"));
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut kept = 0;
    while Instant::now() < deadline {
        kept = number(&run(&server.target, "select count(*) from duckgate_audit"));
        if kept <= 240 {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!((200..=240).contains(&kept), "{kept}");
    let newest = run(&server.target, "select count(*) from duckgate_audit where statement = 'select ? as n1499'");
    assert_eq!(number(&newest), 1);
}

#[test]
fn a_table_that_cannot_be_had_keeps_the_gateway_from_starting() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("audit.duckdb");
    std::fs::write(&path, "no database").expect("written");
    let serve = |data: &str, table: &Path| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_duckgate"))
            .args(["serve", "--listen", "127.0.0.1:0", "--schemas", "/nonexistent", "--data", data, "--audit-table"])
            .arg(table)
            .output()
            .expect("it runs");
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let told = serve(":memory:", &path);
    assert!(told.contains("audit.duckdb"), "{told}");
    let data = folder.path().join("data.duckdb");
    let told = serve(data.to_str().expect("a path"), &data);
    assert!(told.contains("audit_table: must be a file of its own"), "{told}");
}
