//! Limits per role, and the ways in and out.

use super::*;

async fn limited(settings: &[(&str, &str)]) -> (Arc<Gateway>, Session, Session) {
    let gateway = gateway().await;
    let mut root = open(&gateway);
    simple(
        &mut root,
        "CREATE ROLE kim LOGIN; CREATE TABLE t (a int); GRANT ALL ON t TO kim; GRANT ALL ON SCHEMA public TO kim",
    )
    .await;
    for (name, value) in settings {
        let set = format!("ALTER ROLE kim SET {name} = '{value}'");
        assert_eq!(simple(&mut root, &set).await, ["C ALTER ROLE", "Z I"], "{set}");
    }
    let kim = open_as(&gateway, "kim", &[]).unwrap();
    (gateway, root, kim)
}

async fn refused(session: &mut Session, text: &str) -> String {
    let mut notes = Notes::default();
    let error = session.simple(text, &mut notes).await.expect_err(text);
    session.ready(&mut notes);
    let report = error.report();
    format!("{} {}; {}", report.code, report.message, report.hint.as_deref().unwrap_or("no hint"))
}

fn hint(limit: &str) -> String {
    format!("{limit} sets the limit; a superuser can change it with ALTER ROLE … SET {limit}.")
}

#[tokio::test]
async fn a_result_has_its_bounds_however_it_is_read() {
    let (gateway, _root, mut kim) = limited(&[("duckgate.max_rows", "10")]).await;
    let expected = format!("53400 the result has more than 10 rows; {}", hint("duckgate.max_rows"));
    let rows = "SELECT g FROM generate_series(1, 11) g";
    assert_eq!(refused(&mut kim, rows).await, expected);
    assert_eq!(refused(&mut kim, &format!("COPY ({rows}) TO STDOUT")).await, expected);
    assert_eq!(refused(&mut kim, &format!("COPY ({rows}) TO STDOUT (FORMAT arrow)")).await, expected);
    assert_eq!(simple(&mut kim, "SELECT g FROM generate_series(1, 10) g").await.len(), 13);
    simple(&mut kim, &format!("BEGIN; DECLARE c CURSOR FOR {rows}; FETCH 6 FROM c")).await;
    assert_eq!(refused(&mut kim, "FETCH 6 FROM c").await, expected);
    simple(&mut kim, "ROLLBACK").await;
    let mut notes = Notes::default();
    kim.parse("", rows, &[]).await.unwrap();
    kim.bind("", "", vec![], vec![], vec![]).await.unwrap();
    kim.execute("", NonZeroU32::new(6), &mut notes).await.unwrap();
    assert_eq!(kim.execute("", NonZeroU32::new(6), &mut notes).await.unwrap_err().code().to_string(), "53400");
    kim.sync(&mut notes).await.unwrap();
    // Whoever is limited cannot lift the limit.
    for text in
        ["SET duckgate.max_rows = 0", "SET LOCAL duckgate.max_rows = 100", "ALTER ROLE kim SET duckgate.max_rows = 100"]
    {
        let denied = "42501 permission denied to set parameter \"duckgate.max_rows\"; no hint";
        assert_eq!(refused(&mut kim, text).await, denied, "{text}");
    }
    assert_eq!(
        refused(&mut kim, "ALTER ROLE kim RESET duckgate.max_rows").await,
        "42501 permission denied to set parameter \"duckgate.max_rows\"; no hint"
    );
    assert_eq!(
        refused(&mut kim, "ALTER ROLE kim IN DATABASE duckgate SET duckgate.max_rows = 0").await,
        "42501 permission denied to set parameter \"duckgate.max_rows\"; no hint"
    );
    simple(&mut kim, "ALTER ROLE kim SET work_mem = '1MB'; ALTER ROLE kim RESET ALL").await;
    assert_eq!(refused(&mut open_as(&gateway, "kim", &[]).unwrap(), rows).await, expected);
    assert!(open_as(&gateway, "kim", &[("options", "-c duckgate.max_rows=0")]).is_err());
    simple(&mut kim, "RESET ALL; DISCARD ALL").await;
    assert_eq!(refused(&mut kim, rows).await, expected);
    assert_eq!(
        refused(&mut kim, "RESET duckgate.max_rows").await,
        "42501 permission denied to set parameter \"duckgate.max_rows\"; no hint"
    );
}

#[tokio::test]
async fn settings_of_a_role_in_the_database_come_last() {
    let (gateway, mut root, _kim) = limited(&[("application_name", "one"), ("work_mem", "1MB")]).await;
    simple(&mut root, "ALTER ROLE kim IN DATABASE duckgate SET application_name = 'two'").await;
    let shown = "SELECT current_setting('application_name'), current_setting('work_mem')";
    assert_eq!(simple(&mut open_as(&gateway, "kim", &[]).unwrap(), shown).await[1], "D two|1MB");
    simple(&mut root, "ALTER ROLE kim IN DATABASE duckgate RESET application_name").await;
    assert_eq!(simple(&mut open_as(&gateway, "kim", &[]).unwrap(), shown).await[1], "D one|1MB");
    let missing = refused(&mut root, "ALTER ROLE kim IN DATABASE nosuch SET work_mem = '2MB'").await;
    assert_eq!(missing, "3D000 database \"nosuch\" does not exist; no hint");
    simple(&mut root, "ALTER ROLE kim RESET ALL").await;
    assert_eq!(simple(&mut open_as(&gateway, "kim", &[]).unwrap(), shown).await[1], "D |4MB");
}

#[tokio::test]
async fn bytes_loads_and_time_have_theirs() {
    let limits = [
        ("duckgate.max_result_bytes", "1kB"),
        ("duckgate.max_load_rows", "2"),
        ("duckgate.max_statement_time", "300ms"),
    ];
    let (_gateway, _root, mut kim) = limited(&limits).await;
    assert_eq!(
        refused(&mut kim, "SELECT repeat('x', 600) FROM generate_series(1, 2)").await,
        format!("53400 the result has more than 1024 bytes; {}", hint("duckgate.max_result_bytes"))
    );
    let long = "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b";
    let late = "57014 canceling statement due to statement timeout; ".to_owned() + &hint("duckgate.max_statement_time");
    assert_eq!(refused(&mut kim, long).await, late);
    // A longer timeout of its own does not lift it, a shorter one is its own.
    simple(&mut kim, "SET statement_timeout = '1h'").await;
    assert_eq!(refused(&mut kim, long).await, late);
    simple(&mut kim, "SET statement_timeout = '100ms'").await;
    assert_eq!(refused(&mut kim, long).await, "57014 canceling statement due to statement timeout; no hint");
    simple(&mut kim, "RESET statement_timeout").await;
    let mut notes = Notes::default();
    notes.input.push_back(CopyInput::Data(Bytes::from_static(b"1\n2\n3\n")));
    let error = kim.simple("COPY t FROM STDIN", &mut notes).await.unwrap_err();
    assert_eq!(
        (error.code().to_string(), error.report().message.as_str()),
        ("53400".into(), "the load has more than 2 rows")
    );
    assert_eq!(simple(&mut kim, "SELECT count(*) FROM t").await[1], "D 0");
}

#[tokio::test]
async fn statements_run_and_begin_within_the_roles_bounds() {
    let (gateway, _root, mut kim) = limited(&[("duckgate.max_running", "1")]).await;
    let mut other = open_as(&gateway, "kim", &[]).unwrap();
    let long = tokio::spawn(async move { simple(&mut kim, "SELECT pg_sleep(1)").await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let expected = format!("53400 role \"kim\" runs 1 statements already; {}", hint("duckgate.max_running"));
    assert_eq!(refused(&mut other, "SELECT 1").await, expected);
    assert_eq!(long.await.unwrap().last().unwrap(), "Z I");
    assert_eq!(simple(&mut other, "SELECT 1").await[1], "D 1");

    let (_gateway, _root, mut kim) = limited(&[("duckgate.statements_per_second", "3")]).await;
    let mut answers = Vec::new();
    simple(&mut kim, "BEGIN").await;
    for _ in 0..4 {
        answers.push(simple(&mut kim, "SELECT 1").await.last().unwrap().clone());
    }
    assert_eq!(answers.last().unwrap(), "Z E", "{answers:?}");
    // What ends the transaction is let through.
    assert_eq!(simple(&mut kim, "ROLLBACK").await, ["C ROLLBACK", "Z I"]);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(simple(&mut kim, "SELECT 1").await[1], "D 1");

    let (_gateway, _root, mut kim) = limited(&[("duckgate.bytes_per_second", "1kB")]).await;
    assert_eq!(simple(&mut kim, "SELECT repeat('x', 2000)").await.last().unwrap(), "Z I");
    let error = refused(&mut kim, "SELECT 1").await;
    assert!(error.starts_with("53400 role \"kim\" has received more than 1024 bytes per second"), "{error}");
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(simple(&mut kim, "SELECT 1").await[1], "D 1");
}

#[tokio::test]
async fn ways_in_and_out_are_closed_by_superusers_only() {
    let closed = [("duckgate.copy_from", "off"), ("duckgate.copy_to", "off"), ("duckgate.ddl", "off")];
    let (_gateway, mut root, mut kim) = limited(&closed).await;
    simple(&mut root, "GRANT ann TO kim").await;
    let denied = |what: &str, setting: &str| {
        format!("42501 permission denied to {what}; A superuser can allow it with ALTER ROLE … SET {setting} = on.")
    };
    let mut all = vec![
        ("COPY t FROM STDIN", denied("use COPY FROM", "duckgate.copy_from")),
        ("COPY t TO STDOUT", denied("use COPY TO", "duckgate.copy_to")),
        ("COPY (SELECT 1) TO STDOUT", denied("use COPY TO", "duckgate.copy_to")),
    ];
    let ddl = denied("change the schema", "duckgate.ddl");
    for text in [
        "CREATE TABLE n (a int)",
        "CREATE TABLE n AS SELECT 1",
        "CREATE VIEW n AS SELECT 1",
        "CREATE SEQUENCE n",
        "CREATE TYPE n AS ENUM ('a')",
        "COMMENT ON TABLE t IS 'x'",
    ] {
        all.push((text, ddl.clone()));
    }
    for (text, expected) in all {
        let answer = refused(&mut kim, text).await;
        assert!(answer == expected || answer.starts_with("0A000"), "{text}: {answer}");
    }
    for text in [
        "CREATE TEMP TABLE own (a int)",
        "INSERT INTO own VALUES (1)",
        "ALTER TABLE own ADD b int",
        "DROP TABLE own",
        "INSERT INTO t VALUES (1)",
        "TRUNCATE t",
    ] {
        assert_eq!(simple(&mut kim, text).await.last().unwrap(), "Z I", "{text}");
    }
    // A role that it takes on opens nothing but for superusers, whom nothing is closed to.
    assert_eq!(simple(&mut kim, "SET ROLE ann; CREATE TABLE n (a int)").await[1], "C CREATE TABLE");
}

/// What is told beside a result is sent, too: nobody gets a table out by notices, errors or notifications.
#[tokio::test]
async fn bytes_of_a_result_are_counted_whatever_way_they_go() {
    let (_gateway, mut root, mut kim) = limited(&[("duckgate.max_result_bytes", "2kB")]).await;
    simple(&mut root, "CREATE TABLE p (a int, b text); GRANT ALL ON p TO kim").await;
    simple(&mut root, "INSERT INTO p SELECT i, repeat('x', 90) || i FROM generate_series(1, 1000) i").await;
    let long = "SELECT string_agg(b, '') FROM p";
    let too_many = format!("53400 the result has more than 2048 bytes; {}", hint("duckgate.max_result_bytes"));
    for copy in ["", " (FORMAT csv)", " (FORMAT json)", " (FORMAT binary)", " (FORMAT arrow)", " (FORMAT parquet)"] {
        let mut notes = Notes::default();
        // Parquet is smaller than what is in it.
        let told = match copy.contains("parquet") {
            true => "SELECT string_agg(md5(b), '') FROM p",
            false => long,
        };
        let error = kim.simple(&format!("COPY ({told}) TO STDOUT{copy}"), &mut notes).await.unwrap_err();
        assert_eq!(error.code().as_str(), "53400", "{copy}");
        let sent: usize = notes.lines.iter().map(String::len).sum();
        assert!(sent < 2500, "{copy}: {sent}");
    }
    let notices = "DO $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM p LOOP RAISE NOTICE '%', r.b; END LOOP; END $$";
    let mut notes = Notes::default();
    let error = kim.simple(notices, &mut notes).await.unwrap_err();
    assert_eq!(error.code().as_str(), "53400");
    assert!(notes.lines.iter().map(String::len).sum::<usize>() < 3000, "{:?}", notes.lines.len());
    let raised = format!("DO $$ DECLARE x text; BEGIN x := ({long}); RAISE EXCEPTION '%', x USING DETAIL = x; END $$");
    for text in [raised, format!("SELECT ({long})::int")] {
        let error = kim.simple(&text, &mut Notes::default()).await.unwrap_err();
        assert!((500..2200).contains(&error.report().bytes()), "{text}: {}", error.report().bytes());
    }
    let answer = refused(&mut kim, "SELECT count(pg_notify('c', b)) FROM p").await;
    let expected =
        format!("53400 the transaction notifies of more than 2048 bytes; {}", hint("duckgate.max_result_bytes"));
    assert_eq!(answer, expected);
    assert_eq!(refused(&mut kim, long).await, too_many);
}

#[tokio::test]
async fn a_batch_that_another_role_has_loaded_is_not_taken_for_ones_own() {
    let (gateway, mut root, mut kim) = limited(&[]).await;
    simple(&mut root, "CREATE ROLE lea LOGIN; GRANT ALL ON t TO lea").await;
    let mut lea = open_as(&gateway, "lea", &[]).unwrap();
    let load = async |session: &mut Session| {
        let mut notes = Notes::default();
        notes.input.extend([CopyInput::Data(Bytes::from_static(b"1\n")), CopyInput::Done]);
        let done = session.simple("COPY t FROM STDIN (BATCH_ID 'monday')", &mut notes).await;
        done.map(|()| notes.lines).map_err(|e| format!("{} {}", e.code(), e.report().message))
    };
    load(&mut kim).await.unwrap();
    load(&mut kim).await.unwrap();
    let refused = Err("42710 batch \"monday\" was loaded into \"t\" by another role".to_owned());
    assert_eq!(load(&mut lea).await, refused);
    simple(&mut root, "GRANT kim TO lea").await;
    load(&mut lea).await.unwrap();
    assert_eq!(simple(&mut kim, "SELECT count(*) FROM t").await[1], "D 1");
}
