//! RESTART of sequences: in force for others when its transaction commits, undone with it.

use super::*;

fn rows(lines: &[String]) -> Vec<&str> {
    lines.iter().filter(|l| l.starts_with("D ") || l.starts_with("E ")).map(String::as_str).collect()
}

async fn run(session: &mut Session, text: &str) -> Vec<String> {
    rows(&simple(session, text).await).into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_restart_is_part_of_its_transaction() {
    let gateway = gateway().await;
    let mut a = open(&gateway);
    let made = "create table ri(id int generated always as identity, v text); create sequence sq;
                insert into ri(v) values ('1'), ('2'), ('3'); select nextval('sq'), nextval('sq')";
    assert_eq!(run(&mut a, made).await, ["D 1|2"]);
    let mut b = open(&gateway);
    run(&mut a, "begin; truncate ri restart identity; alter sequence sq restart with 40").await;
    // Others wait for the table, and go on with what the sequence was.
    let waits = "set lock_timeout = '50ms'; insert into ri(v) values ('b') returning id";
    assert_eq!(run(&mut b, waits).await, ["E 55P03 canceling statement due to lock timeout"]);
    assert_eq!(run(&mut b, "select nextval('sq')").await, ["D 3"]);
    assert_eq!(run(&mut a, "insert into ri(v) values ('a') returning id").await, ["D 1"]);
    assert_eq!(run(&mut a, "select nextval('sq'), nextval('sq')").await, ["D 40|41"]);
    assert_eq!(run(&mut a, "rollback; select nextval('sq'), currval('sq')").await, ["D 4|4"]);
    assert_eq!(run(&mut a, "insert into ri(v) values ('a') returning id").await, ["D 4"]);
    assert_eq!(run(&mut a, "begin; alter sequence sq restart; select nextval('sq'); commit").await, ["D 1"]);
    assert_eq!(run(&mut b, "select nextval('sq'), lastval()").await, ["D 2|2"]);
    assert_eq!(run(&mut b, "select setval('sq', 50); select nextval('sq')").await, ["D 50", "D 51"]);
    // A savepoint takes it back, too.
    let inside = "begin; savepoint s; alter sequence sq restart with 7; select nextval('sq'); rollback to s;
                  select nextval('sq'); commit";
    assert_eq!(run(&mut a, inside).await, ["D 7", "D 52"]);
    assert_eq!(run(&mut b, "select last_value from pg_sequences where sequencename = 'sq'").await.len(), 1);
    run(&mut a, "drop sequence sq").await;
    let last = run(&mut b, "select lastval()").await;
    assert_eq!(last, ["E 55000 lastval is not yet defined in this session"]);
}
